/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chance for fuzzing, churn and soak: the same numbers for the same seed everywhere. */
#ifndef NATTRAV_DEBUG_CHANCE_H
#define NATTRAV_DEBUG_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

static uint64_t chance; /* the seed; not 0 */

static inline uint32_t any(void)
{
	/* xorshift64* */
	chance ^= chance >> 12;
	chance ^= chance << 25;
	chance ^= chance >> 27;
	return (chance * 0x2545f4914f6cdd1dULL) >> 32;
}

static inline uint32_t below(uint32_t end)
{
	return any() % end;
}

static inline bool one_in(uint32_t n)
{
	return !below(n);
}

#endif
