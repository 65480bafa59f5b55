// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failures by source and by user name, in a table of fixed size.
 */
#include "registrar/lockout.h"

#include "sip/keyhash.h"
#include "sip/wheel.h"

#define SETS 1024
#define WAYS 4

#define SOURCE_TRIES 5
#define USER_TRIES   50
#define LOCK_MS      1000ull
#define LOCK_MAX_MS  (300 * 1000ull)
/* what lies longer back is forgotten */
#define MEMORY_MS (900 * 1000ull)

/**
 * struct culprit - a source or a user name
 * @key: its hash
 * @failures: how often it failed
 * @last: wheel_now() of the last time
 * @until: wheel_now() until when it is shut
 */
struct culprit {
	uint64_t key;
	uint32_t failures;
	uint64_t last;
	uint64_t until;
};

struct lockout {
	struct culprit culprits[SETS][WAYS];
};

int lockout_alloc(struct lockout **lockoutp)
{
	*lockoutp = mem_zalloc(sizeof(**lockoutp), NULL);
	return *lockoutp ? 0 : ENOMEM;
}

static struct culprit *culprit_find(struct lockout *lockout, uint64_t key)
{
	struct culprit *set = lockout->culprits[key % SETS];
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].key == key && wheel_now() - set[i].last < MEMORY_MS)
			return &set[i];
	}

	return NULL;
}

static struct culprit *culprit_get(struct lockout *lockout, uint64_t key)
{
	struct culprit *set = lockout->culprits[key % SETS];
	struct culprit *found = culprit_find(lockout, key);
	size_t i;

	if (found)
		return found;

	found = set;
	for (i = 1; i < WAYS; i++) {
		if (set[i].last < found->last)
			found = &set[i];
	}
	*found = (struct culprit){ .key = key };
	return found;
}

static uint64_t source_key(const struct sa *src)
{
	return keyhash_source(src);
}

/* Other than that of any source. */
static uint64_t user_key(const struct pl *user)
{
	return keyhash_pl(~0ull, user);
}

static bool culprit_is_shut(struct lockout *lockout, uint64_t key)
{
	const struct culprit *culprit = culprit_find(lockout, key);

	return culprit && wheel_now() < culprit->until;
}

bool lockout_is_shut(struct lockout *lockout, const struct sa *src, const struct pl *user)
{
	return culprit_is_shut(lockout, source_key(src)) ||
	       culprit_is_shut(lockout, user_key(user));
}

static void culprit_failed(struct lockout *lockout, uint64_t key, uint32_t tries)
{
	struct culprit *culprit = culprit_get(lockout, key);
	uint64_t ms;

	culprit->last = wheel_now();
	if (++culprit->failures < tries)
		return;

	ms = LOCK_MS << MIN(culprit->failures - tries, 20u);
	culprit->until = culprit->last + MIN(ms, LOCK_MAX_MS);
}

void lockout_failed(struct lockout *lockout, const struct sa *src, const struct pl *user)
{
	culprit_failed(lockout, source_key(src), SOURCE_TRIES);
	culprit_failed(lockout, user_key(user), USER_TRIES);
}

void lockout_passed(struct lockout *lockout, const struct sa *src)
{
	struct culprit *culprit = culprit_find(lockout, source_key(src));

	if (culprit)
		culprit->failures /= 2;
}
