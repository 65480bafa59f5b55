// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doubling or halving from a first guess until the time-out lies between a silence
 * that the flow survived and one that it did not, then halving what lies between.
 */
#include "search.h"

/* The bounds need not be closer than a tenth: the margin is wider than that. */
#define PRECISION 10
/* Keep-alives are sent in 80 to 100 % of this part of the silence that was survived. */
#define MARGIN_PERCENT 80

static unsigned int between(unsigned int value, unsigned int least, unsigned int most)
{
	return value < least ? least : value > most ? most : value;
}

/**
 * ua_search_init() - start anew
 * @search: the search
 * @min: shortest silence worth trying, in seconds; 1 if 0
 * @max: longest silence worth trying; @min if less
 * @start: the first to try, brought into these bounds
 */
void ua_search_init(struct ua_search *search, unsigned int min, unsigned int max,
		    unsigned int start)
{
	search->min = min ? min : 1;
	search->max = max < search->min ? search->min : max;
	search->start = between(start, search->min, search->max);
	search->good = 0;
	search->bad = 0;
}

/**
 * ua_search_next() - the silence to try next
 * @search: the search
 *
 * Return: seconds, or 0 if enough is known.
 */
unsigned int ua_search_next(const struct ua_search *search)
{
	const unsigned int good = search->good, bad = search->bad;
	unsigned int gap;

	if (!good && !bad)
		return search->start;
	if (!bad)
		return good >= search->max ? 0 : good > search->max / 2 ? search->max : good * 2;
	if (!good)
		return bad <= search->min ? 0 : between(bad / 2, search->min, bad - 1);

	gap = good / PRECISION;
	if (bad - good <= (gap ? gap : 1))
		return 0;
	return good + (bad - good) / 2;
}

/**
 * ua_search_result() - take the outcome of a silence into account
 * @search: the search
 * @silence: how long it was, in seconds
 * @survived: the flow was still there after it
 *
 * An outcome that contradicts an older one replaces it: a NAT under load may
 * forget sooner than a minute ago.
 */
void ua_search_result(struct ua_search *search, unsigned int silence, bool survived)
{
	if (survived) {
		if (silence > search->good)
			search->good = silence;
		if (search->bad && search->bad <= search->good)
			search->bad = search->good + 1;
	} else {
		if (!search->bad || silence < search->bad)
			search->bad = silence;
		if (search->good >= search->bad)
			search->good = search->bad - 1;
	}
}

/**
 * ua_search_interval() - how often to send keep-alives, with a margin
 * @search: the search
 *
 * Return: seconds, at least 1; the shortest silence of the search while none was
 * survived.
 */
unsigned int ua_search_interval(const struct ua_search *search)
{
	const unsigned int known = search->good ? search->good : search->min;
	const unsigned int interval = known * MARGIN_PERCENT / 100;

	return interval ? interval : 1;
}
