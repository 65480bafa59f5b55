/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The search for the time for which a NAT remembers a silent UDP flow. Only the
 * arithmetic: which silence to try next, and what follows from the outcome.
 */
#ifndef NATTRAV_UA_SEARCH_H
#define NATTRAV_UA_SEARCH_H

#include <stdbool.h>

/**
 * struct ua_search - what is known so far; all in seconds
 * @min: shortest silence worth trying
 * @max: longest silence worth trying
 * @start: the first to try
 * @good: longest silence that the flow survived, 0 if none yet
 * @bad: shortest silence that it did not survive, 0 if none yet
 */
struct ua_search {
	unsigned int min;
	unsigned int max;
	unsigned int start;
	unsigned int good;
	unsigned int bad;
};

void ua_search_init(struct ua_search *search, unsigned int min, unsigned int max,
		    unsigned int start);
unsigned int ua_search_next(const struct ua_search *search);
void ua_search_result(struct ua_search *search, unsigned int silence, bool survived);
unsigned int ua_search_interval(const struct ua_search *search);

#endif
