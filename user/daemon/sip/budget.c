// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Token buckets in a table of fixed size: a flood from invented sources evicts
 * the source heard least recently, and costs no memory.
 */
#include "sip/budget.h"

#include "sip/keyhash.h"
#include "sip/wheel.h"

#define SETS 1024
#define WAYS 4

#define REPLIES_PER_SECOND 10
#define REPLIES_EARNED_MAX 1000
#define LOG_INTERVAL_MS    10000

struct source {
	uint64_t key;
	uint64_t seen;
	uint64_t refilled;
	uint64_t log_after;
	uint32_t replies;
};

struct budget {
	struct source sources[SETS][WAYS];
};

int budget_alloc(struct budget **budgetp)
{
	*budgetp = mem_zalloc(sizeof(**budgetp), NULL);
	return *budgetp ? 0 : ENOMEM;
}

static struct source *source_get(struct budget *budget, const struct sa *src)
{
	const uint64_t key = keyhash_source(src);
	const uint64_t now = wheel_now();
	struct source *set = budget->sources[key % SETS];
	struct source *oldest = set;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (set[i].key == key) {
			set[i].seen = now;
			return &set[i];
		}
		if (set[i].seen < oldest->seen)
			oldest = &set[i];
	}
	*oldest = (struct source){
		.key = key,
		.seen = now,
		.refilled = now,
		.replies = REPLIES_PER_SECOND,
	};
	return oldest;
}

bool budget_reply(struct budget *budget, const struct sa *src)
{
	struct source *source = source_get(budget, src);
	const uint64_t fresh = (source->seen - source->refilled) * REPLIES_PER_SECOND / 1000;

	if (fresh) {
		source->refilled = source->seen;
		if (source->replies < REPLIES_PER_SECOND)
			source->replies = (uint32_t)MIN(source->replies + fresh,
							(uint64_t)REPLIES_PER_SECOND);
	}
	if (!source->replies)
		return false;
	source->replies--;
	return true;
}

void budget_earn(struct budget *budget, const struct sa *src)
{
	struct source *source = source_get(budget, src);

	/* the reply that the challenge took, and one more */
	source->replies = MIN(source->replies + 2, REPLIES_EARNED_MAX);
}

bool budget_log(struct budget *budget, const struct sa *src)
{
	struct source *source = source_get(budget, src);

	if (source->seen < source->log_after)
		return false;
	source->log_after = source->seen + LOG_INTERVAL_MS;
	return true;
}
