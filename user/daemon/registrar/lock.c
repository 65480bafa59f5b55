// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failures by source and by user name, in a table of fixed size.
 */
#include "registrar/lock.h"

#include "sip/keyhash.h"
#include "sip/wheel.h"

#define SETS 1024
#define WAYS 4

#define SOURCE_TRIES 5
#define USER_TRIES   50
#define LOCK_MS      1000ull
#define LOCK_MAX_MS  (300 * 1000ull)
/* what lies longer back is forgotten */
#define MEMORY_MS (15 * 60 * 1000ull)

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

struct lock {
	struct culprit culprits[SETS][WAYS];
};

int lock_alloc(struct lock **lockp)
{
	*lockp = mem_zalloc(sizeof(**lockp), NULL);
	return *lockp ? 0 : ENOMEM;
}

static struct culprit *culprit_find(struct lock *lock, uint64_t key)
{
	struct culprit *set = lock->culprits[key % SETS];
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].key == key && wheel_now() - set[i].last < MEMORY_MS)
			return &set[i];
	}

	return NULL;
}

static struct culprit *culprit_get(struct lock *lock, uint64_t key)
{
	struct culprit *set = lock->culprits[key % SETS];
	struct culprit *found = culprit_find(lock, key);
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

static bool culprit_is_shut(struct lock *lock, uint64_t key)
{
	const struct culprit *culprit = culprit_find(lock, key);

	return culprit && wheel_now() < culprit->until;
}

bool lock_is_shut(struct lock *lock, const struct sa *src, const struct pl *user)
{
	return culprit_is_shut(lock, source_key(src)) || culprit_is_shut(lock, user_key(user));
}

static void culprit_failed(struct lock *lock, uint64_t key, uint32_t tries)
{
	struct culprit *culprit = culprit_get(lock, key);
	uint64_t ms;

	culprit->last = wheel_now();
	if (++culprit->failures < tries)
		return;

	ms = LOCK_MS << MIN(culprit->failures - tries, 20u);
	culprit->until = culprit->last + MIN(ms, LOCK_MAX_MS);
}

void lock_failed(struct lock *lock, const struct sa *src, const struct pl *user)
{
	culprit_failed(lock, source_key(src), SOURCE_TRIES);
	culprit_failed(lock, user_key(user), USER_TRIES);
}

void lock_passed(struct lock *lock, const struct sa *src)
{
	struct culprit *culprit = culprit_find(lock, source_key(src));

	if (culprit)
		culprit->failures /= 2;
}
