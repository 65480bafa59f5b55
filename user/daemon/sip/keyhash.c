// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SipHash-2-4 (Aumasson, Bernstein 2012), keyed once per run.
 */
#include "sip/keyhash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>

struct sip_state {
	uint64_t a, b, c, d;
};

static uint64_t key[2];

static uint64_t rotl(uint64_t v, unsigned int n)
{
	return v << n | v >> (64 - n);
}

static void sip_rounds(struct sip_state *s, unsigned int rounds)
{
	while (rounds--) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotl(s->b, 13) ^ s->a;
		s->d = rotl(s->d, 16) ^ s->c;
		s->a = rotl(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotl(s->b, 17) ^ s->c;
		s->d = rotl(s->d, 21) ^ s->a;
		s->c = rotl(s->c, 32);
	}
}

static void sip_word(struct sip_state *s, uint64_t word)
{
	s->d ^= word;
	sip_rounds(s, 2);
	s->a ^= word;
}

static void key_draw(void)
{
	/* without entropy so early that getrandom() fails, any value must do */
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		key[0] = tmr_jiffies();
	key[1] |= 1;
}

uint64_t keyhash(const void *data, size_t len)
{
	const uint8_t *p = data;
	struct sip_state s;
	uint64_t word, tail;
	size_t left = len;

	if (!key[1])
		key_draw();

	s.a = key[0] ^ 0x736f6d6570736575ULL;
	s.b = key[1] ^ 0x646f72616e646f6dULL;
	s.c = key[0] ^ 0x6c7967656e657261ULL;
	s.d = key[1] ^ 0x7465646279746573ULL;

	for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sip_word(&s, le64toh(word));
	}
	tail = (uint64_t)len << 56;
	while (left--)
		tail |= (uint64_t)p[left] << (8 * left);
	sip_word(&s, tail);

	s.c ^= 0xff;
	sip_rounds(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t keyhash_pl(uint64_t seed, const struct pl *pl)
{
	return rotl(seed, 23) ^ keyhash(pl->p, pl->l);
}

uint64_t keyhash_sa(const struct sa *sa, int flags)
{
	uint8_t bytes[18] = { 0 };
	uint32_t v4;

	if (flags & SA_ADDR) {
		if (sa_af(sa) == AF_INET6) {
			sa_in6(sa, bytes);
		} else {
			v4 = sa_in(sa);
			memcpy(bytes, &v4, sizeof(v4));
		}
	}
	if (flags & SA_PORT) {
		bytes[16] = sa_port(sa) >> 8;
		bytes[17] = sa_port(sa) & 0xff;
	}
	return keyhash(bytes, sizeof(bytes));
}

uint64_t keyhash_source(const struct sa *sa)
{
	uint8_t v6[16];

	if (sa_af(sa) != AF_INET6)
		return keyhash_sa(sa, SA_ADDR);

	sa_in6(sa, v6);
	return keyhash(v6, 8);
}
