// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nonce counts, in a table of fixed size. Only who knows a password gets into it.
 */
#include "registrar/replay.h"

#include "sip/keyhash.h"
#include "sip/wheel.h"

#define SETS   4096
#define WAYS   4
#define WINDOW 64

/**
 * struct used - a nonce that was used
 * @key: hash of the nonce, 0 if the place is free
 * @request: the last request that used it
 * @seen: wheel_now() of that
 * @counts: bit n is set if @highest - n was used
 * @highest: greatest count so far
 */
struct used {
	uint64_t key;
	uint64_t request;
	uint64_t seen;
	uint64_t counts;
	uint32_t highest;
};

struct replay {
	struct used used[SETS][WAYS];
};

int replay_alloc(struct replay **replayp)
{
	*replayp = mem_zalloc(sizeof(**replayp), NULL);
	return *replayp ? 0 : ENOMEM;
}

/* The entry of a nonce, or the one that has to give way to it. */
static struct used *used_get(struct replay *replay, uint64_t key)
{
	struct used *set = replay->used[key % SETS];
	struct used *oldest = set;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].key == key)
			return &set[i];
		if (set[i].seen < oldest->seen)
			oldest = &set[i];
	}

	return oldest;
}

static bool count_take(struct used *used, uint32_t nc)
{
	const uint32_t ahead = nc - used->highest;

	if (nc > used->highest) {
		used->counts = ahead < WINDOW ? used->counts << ahead : 0;
		used->counts |= 1;
		used->highest = nc;
		return true;
	}
	if (used->highest - nc >= WINDOW || used->counts >> (used->highest - nc) & 1)
		return false;

	used->counts |= 1ull << (used->highest - nc);
	return true;
}

bool replay_check(struct replay *replay, const struct pl *nonce, uint32_t nc, uint64_t request)
{
	const uint64_t key = keyhash_pl(0, nonce) | 1;
	struct used *used = used_get(replay, key);

	if (used->key != key) {
		if (nc != 1)
			return false;
		*used = (struct used){ .key = key };
	} else if (used->request == request) {
		/* the answer was lost: what it asks for is done already */
		return true;
	}
	if (!count_take(used, nc))
		return false;

	used->request = request;
	used->seen = wheel_now();
	return true;
}
