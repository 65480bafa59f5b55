// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any sequence of packets and requests, given to the latching policy as the packet
 * path gives it. The rules that must hold whatever comes are spelt out here a second
 * time, in the plainest way:
 *
 *  - a leg takes a peer from inside its prefixes only, at an address that a terminal
 *    can have, inside its window, and for content that was negotiated;
 *  - it takes another only after a newer generation was asked for, or by a rebind:
 *    after 2 s of silence, same sender, next numbers, three times a minute;
 *  - RTCP never before its RTP, and only at the address of that;
 *  - on probation, as many packets in sequence as were asked for, twice that if there
 *    is more than one candidate;
 *  - what comes from the peer is always taken for the peer's;
 *  - what is refused changes neither peer nor policy.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernel/latch.h"

#define KEYS 64

/* The input, byte by byte; zeroes when it is used up. */
struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void must(bool true_)
{
	if (!true_)
		abort();
}

/* --- The rules, again --- */

struct key {
	struct latch_source source;
	uint32_t ssrc;
	uint16_t next;
	uint32_t run;
	uint64_t last;
};

struct leg {
	struct latch latch;
	struct latch_probation probation;
	bool has_peer;
	struct latch_peer peer;
	struct rtp_source rtp;
	bool has_rtp_peer;
	union nf_inet_addr rtp_peer;
	uint64_t now;
	uint32_t rebind_minute;
	uint32_t rebinds;
	uint32_t ssrc_minute;
	uint32_t ssrc_changes;
	struct key key[KEYS];
	unsigned int keys;
	uint16_t seq[4]; /* of the senders, by SSRC */
};

static bool bit(const uint8_t *bytes, unsigned int n)
{
	return bytes[n / 8] >> (7 - n % 8) & 1;
}

static bool inside(const struct latch *latch, const union nf_inet_addr *addr)
{
	unsigned int i, n;

	for (i = 0; i < latch->prefixes; i++) {
		for (n = 0; n < latch->prefix[i].len; n++)
			if (bit((const uint8_t *)addr, n) !=
			    bit((const uint8_t *)&latch->prefix[i].addr, n))
				break;
		if (n == latch->prefix[i].len)
			return true;
	}
	return !latch->prefixes;
}

static bool possible4(const uint8_t *a)
{
	return a[0] != 0 && a[0] != 127 && a[0] < 224 && !(a[0] == 169 && a[1] == 254);
}

static bool zeroes(const uint8_t *a, unsigned int len)
{
	while (len--)
		if (*a++)
			return false;
	return true;
}

static bool possible(const union nf_inet_addr *addr, uint8_t family)
{
	static const uint8_t nat64[] = { 0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0 };
	const uint8_t *a = (const uint8_t *)addr;

	if (family == AF_INET)
		return possible4(a);
	if (a[0] == 0xff || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80))
		return false;
	if (zeroes(a, 10) && ((a[10] == 0xff && a[11] == 0xff) || (!a[10] && !a[11])))
		return false;
	if (a[0] == 0x20 && a[1] == 0x02)
		return possible4(a + 2);
	if (!memcmp(a, nat64, sizeof(nat64)))
		return possible4(a + 12);
	return true;
}

static bool same(const struct latch_source *a, const struct latch_source *b)
{
	return a->port == b->port && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static bool content_fits(const struct leg *leg, const struct rtp_summary *rtp)
{
	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTCP)
		return rtp->kind == RTP_KIND_RTCP;
	if (rtp->kind != RTP_KIND_RTP)
		return false;
	return !leg->latch.check_payload_type ||
	       leg->latch.payload_types[rtp->payload_type / 8] >> rtp->payload_type % 8 & 1;
}

static bool at_rtp_peer(const struct leg *leg, const struct latch_packet *packet)
{
	return leg->has_rtp_peer &&
	       !memcmp(&leg->rtp_peer, &packet->source.addr, sizeof(leg->rtp_peer));
}

/* Whether a source may be the peer at all. */
static bool may_be_peer(const struct leg *leg, const struct latch_packet *packet)
{
	return inside(&leg->latch, &packet->source.addr) &&
	       possible(&packet->source.addr, leg->latch.family) && packet->source.port &&
	       content_fits(leg, &packet->rtp) &&
	       (leg->latch.type != NATTRAV_STREAM_TYPE_RTCP || at_rtp_peer(leg, packet));
}

static bool is_open(const struct leg *leg)
{
	if (!leg->has_peer || leg->latch.generation != leg->latch.latched_generation)
		return true;
	return leg->latch.type == NATTRAV_STREAM_TYPE_RTCP && leg->has_rtp_peer &&
	       memcmp(&leg->rtp_peer, &leg->peer.source.addr, sizeof(leg->rtp_peer)) != 0;
}

static bool may_complete(const struct leg *leg, const struct latch_packet *packet)
{
	return is_open(leg) && may_be_peer(leg, packet) &&
	       (leg->latch.type == NATTRAV_STREAM_TYPE_RTCP || leg->now <= leg->latch.deadline);
}

static bool on_probation(const struct leg *leg)
{
	return leg->latch.probation_packets > 1 && leg->latch.type != NATTRAV_STREAM_TYPE_RTCP;
}

/* How many packets in sequence the source has sent to the open leg, this one too. */
static struct key *key_count(struct leg *leg, const struct latch_packet *packet)
{
	struct key *key;
	unsigned int i;

	for (i = 0; i < leg->keys; i++)
		if (leg->key[i].ssrc == packet->rtp.ssrc &&
		    same(&leg->key[i].source, &packet->source))
			break;
	if (i == KEYS)
		return NULL;
	key = &leg->key[i];
	if (i == leg->keys) {
		leg->keys++;
		*key = (struct key){ .source = packet->source, .ssrc = packet->rtp.ssrc };
	}
	key->run = key->run && key->next == packet->rtp.seq ? key->run + 1 : 1;
	key->next = packet->rtp.seq + 1;
	key->last = leg->now;
	return key;
}

/* Nobody but four can ask at a time, so that with more it is not told who has. */
static bool contended(const struct leg *leg, const struct key *key)
{
	unsigned int i;

	if (leg->keys > LATCH_CANDIDATES)
		return false;
	for (i = 0; i < leg->keys; i++)
		if (&leg->key[i] != key && leg->now - leg->key[i].last <= 1000)
			return true;
	return false;
}

/* --- One packet --- */

static void judge_accept(struct leg *leg, const struct latch_packet *packet, const struct key *key)
{
	must(may_complete(leg, packet));
	if (!on_probation(leg) || leg->keys == KEYS)
		return;
	must(key && key->run >= leg->latch.probation_packets);
	must(!contended(leg, key) || key->run >= 2u * leg->latch.probation_packets);
}

static void judge_rebind(struct leg *leg, const struct latch_packet *packet)
{
	uint16_t step = packet->rtp.seq - leg->peer.max_seq;

	must(leg->has_peer && leg->latch.relatch == NATTRAV_RELATCH_REBIND);
	must(leg->now - leg->peer.heard >= 2000);
	must(packet->rtp.ssrc == leg->peer.ssrc);
	must(may_be_peer(leg, packet));
	if (leg->latch.type != NATTRAV_STREAM_TYPE_RTCP)
		must(step >= 1 && step <= 536);

	if (leg->rebind_minute != leg->now / 60000) {
		leg->rebind_minute = leg->now / 60000;
		leg->rebinds = 0;
	}
	must(++leg->rebinds <= 3);
}

/* As nattrav_path_replace() and what calls it. */
static void take_peer(struct leg *leg, const struct latch_packet *packet)
{
	leg->has_peer = true;
	leg->peer.source = packet->source;
	leg->peer.heard = leg->now;
	leg->latch.latched_generation = leg->latch.generation;
	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTCP)
		leg->rtp.ssrc = packet->rtp.ssrc;
}

/* As admit(): the packet goes on, if its numbers are believed. */
static void admit(struct leg *leg, const struct latch_packet *packet)
{
	struct rtp_source before = leg->rtp;
	enum rtp_verdict verdict;
	uint16_t step = packet->rtp.seq - before.max_seq;

	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTCP || packet->rtp.kind != RTP_KIND_RTP) {
		leg->peer.heard = leg->now;
		return;
	}
	verdict = rtp_source_update(&leg->rtp, &packet->rtp, leg->now, (uint32_t)leg->now * 8);
	switch (verdict) {
	case RTP_OK:
		must(before.heard && before.ssrc == packet->rtp.ssrc);
		must(step < 3000 || step > 65536 - 100 || (uint32_t)leg->now - before.last_good >= 200);
		break;
	case RTP_NEW_SSRC:
		must(!before.heard || before.ssrc != packet->rtp.ssrc);
		if (!before.heard)
			break;
		if (leg->ssrc_minute != leg->now / 60000) {
			leg->ssrc_minute = leg->now / 60000;
			leg->ssrc_changes = 0;
		}
		must(++leg->ssrc_changes <= 4);
		break;
	default:
		/* what is dropped leaves its mark on no number */
		must(leg->rtp.received == before.received && leg->rtp.ssrc == before.ssrc &&
		     leg->rtp.max_seq == before.max_seq && leg->rtp.max_ext == before.max_ext &&
		     leg->rtp.last_good == before.last_good);
		return;
	}
	must(leg->rtp.ssrc == packet->rtp.ssrc && leg->rtp.last_good == (uint32_t)leg->now);
	must(rtp_source_lost(&leg->rtp) >= leg->rtp.lost_before);
	leg->peer.heard = leg->now;
}

static void judge_refusal(const struct leg *leg, const struct latch *before, int verdict)
{
	must(verdict >= 0 && verdict <= NATTRAV_DROP_REASON_MAX);
	must(!memcmp(&leg->latch.prefix, &before->prefix, sizeof(before->prefix)));
	must(leg->latch.generation == before->generation &&
	     leg->latch.latched_generation == before->latched_generation &&
	     leg->latch.deadline == before->deadline && leg->latch.window == before->window &&
	     leg->latch.rebinds <= 3);
}

static void deliver(struct leg *leg, const struct latch_packet *packet)
{
	bool from_peer = leg->has_peer && same(&leg->peer.source, &packet->source);
	struct latch before = leg->latch;
	struct key *key = NULL;
	bool may;
	int verdict;

	leg->peer.ssrc = leg->rtp.ssrc;
	leg->peer.max_seq = leg->rtp.max_seq;
	may = !from_peer && may_complete(leg, packet);
	if (may && on_probation(leg))
		key = key_count(leg, packet);

	verdict = latch_check(&leg->latch, leg->has_peer ? &leg->peer : NULL,
			      leg->has_rtp_peer ? &leg->rtp_peer : NULL, packet, leg->now);
	must((verdict == LATCH_PEER) == from_peer);
	/* nobody who may is kept waiting */
	if (may && !on_probation(leg))
		must(verdict == LATCH_ACCEPT);

	switch (verdict) {
	case LATCH_ACCEPT:
		judge_accept(leg, packet, key);
		take_peer(leg, packet);
		break;
	case LATCH_REBIND:
		judge_rebind(leg, packet);
		take_peer(leg, packet);
		break;
	case LATCH_PEER:
		break;
	default:
		judge_refusal(leg, &before, verdict);
		return;
	}
	admit(leg, packet);
}

/* --- The input --- */

/* Few addresses, so that they meet; each kind that there is a rule for. */
static union nf_inet_addr address(struct input *in, uint8_t family)
{
	static const char *const v4[] = { "203.0.113.10", "203.0.113.11", "203.0.113.200",
					  "198.51.100.7", "127.0.0.1",    "0.1.2.3",
					  "169.254.1.1",  "224.0.0.1",    "240.0.0.1",
					  "192.0.2.1",    "169.253.0.1",  "255.255.255.255" };
	static const char *const v6[] = {
		"2001:db8:1::1",
		"2001:db8:1::2",
		"2001:db8:2::1",
		"fe80::1",
		"ff02::1",
		"::1",
		"::",
		"::ffff:203.0.113.10",
		"2002:7f00:1::",
		"2002:cb00::1",
		"64:ff9b::7f00:1",
		"64:ff9b::203.0.113.10",
	};
	union nf_inet_addr addr = { 0 };
	uint8_t choice = byte(in);
	unsigned int i;

	if (choice >= 224) {
		for (i = 0; i < (family == AF_INET ? 4 : 16); i++)
			((uint8_t *)&addr)[i] = byte(in);
		return addr;
	}
	inet_pton(family, family == AF_INET ? v4[choice % 12] : v6[choice % 12], &addr);
	return addr;
}

static void leg_make(struct leg *leg, struct input *in)
{
	struct latch *latch = &leg->latch;
	uint8_t flags = byte(in);
	unsigned int i;

	*leg = (struct leg){ .now = 1000000 };
	latch->family = flags & 1 ? AF_INET6 : AF_INET;
	latch->type = flags & 2 && flags & 4 ? NATTRAV_STREAM_TYPE_RTCP : NATTRAV_STREAM_TYPE_RTP;
	latch->relatch = flags & 8 ? NATTRAV_RELATCH_REBIND : NATTRAV_RELATCH_NEVER;
	latch->check_payload_type = flags & 16;
	latch->prefixes = (flags >> 5) % (NATTRAV_PREFIX_MAX + 1);
	for (i = 0; i < latch->prefixes; i++) {
		latch->prefix[i].addr = address(in, latch->family);
		latch->prefix[i].len = byte(in) % (latch->family == AF_INET ? 33 : 129);
	}
	for (i = 0; i < sizeof(latch->payload_types); i++)
		latch->payload_types[i] = i ? 0 : byte(in);
	latch->probation_packets = byte(in) % 8;
	latch->probation = latch->probation_packets > 1 ? &leg->probation : NULL;
	latch->window = byte(in) * 200u;
	latch->deadline = leg->now + latch->window;
}

/* What the head of a payload says must be in it. */
static void summarize(struct rtp_summary *sum, struct input *in)
{
	unsigned int len = byte(in) % 24, i;
	uint8_t *head = malloc(len ? len : 1);

	if (!head)
		abort();
	for (i = 0; i < len; i++)
		head[i] = byte(in);
	rtp_summarize(sum, head, len);
	if (sum->kind != RTP_KIND_NONE)
		must(len >= 8 && head[0] >> 6 == 2);
	if (sum->kind == RTP_KIND_RTP)
		must(len >= 12u + 4 * (head[0] & 15) && !(head[1] >= 192 && head[1] <= 223));
	if (sum->kind == RTP_KIND_RTCP)
		must(head[1] >= 192 && head[1] <= 223);
	must(sum->kind != RTP_KIND_RTP || sum->payload_type < 128);
	free(head);
}

static void packet_make(struct latch_packet *packet, struct leg *leg, struct input *in)
{
	uint8_t how = byte(in), sender;

	*packet = (struct latch_packet){ .source.addr = address(in, leg->latch.family) };
	sender = byte(in);
	packet->source.port = htons(sender >> 5);
	if (how >= 240) {
		summarize(&packet->rtp, in);
		return;
	}
	packet->rtp.ssrc = sender & 3;
	packet->rtp.kind = how % 8 == 7                                ? RTP_KIND_NONE :
			   leg->latch.type == NATTRAV_STREAM_TYPE_RTCP ? RTP_KIND_RTCP :
			   how % 8 == 6                                ? RTP_KIND_RTCP :
									 RTP_KIND_RTP;
	if (packet->rtp.kind == RTP_KIND_NONE)
		packet->rtp = (struct rtp_summary){ .kind = RTP_KIND_NONE };
	if (packet->rtp.kind != RTP_KIND_RTP)
		return;
	packet->rtp.payload_type = how >> 3 & 15;
	/* mostly the next number, sometimes any */
	if (how & 128)
		leg->seq[sender & 3] = byte(in) << 8 | byte(in);
	packet->rtp.seq = leg->has_peer && sender & 4 ? leg->rtp.max_seq + 1 :
							leg->seq[sender & 3]++;
}

static void request(struct leg *leg, struct input *in)
{
	uint8_t what = byte(in);

	leg->latch.deadline = leg->now + leg->latch.window;
	if (what & 1)
		leg->latch.generation = what >> 4;
	if (what & 2)
		leg->latch.relatch = what >> 7;
	if (what & 4) {
		memset(&leg->probation, 0, sizeof(leg->probation));
		leg->keys = 0;
	}
	if (what & 8 && leg->latch.prefixes)
		leg->latch.prefix[0].addr = address(in, leg->latch.family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .at = data, .left = size };
	struct latch_packet packet;
	static struct leg leg;

	leg_make(&leg, &in);
	while (in.left) {
		uint8_t op = byte(&in);

		/* steps of 20 ms mostly, and of seconds */
		leg.now += op & 64 ? (uint64_t)byte(&in) * 500 : (op & 32 ? 20 : 0);
		switch (op % 16) {
		case 0:
			request(&leg, &in);
			break;
		case 1:
			leg.has_rtp_peer = op & 128;
			leg.rtp_peer = address(&in, leg.latch.family);
			break;
		default:
			packet_make(&packet, &leg, &in);
			deliver(&leg, &packet);
		}
	}
	return 0;
}
