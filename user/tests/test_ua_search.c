// SPDX-License-Identifier: GPL-2.0-or-later
/* The search for a NAT's time-out: what it finds, in how many steps, with what margin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../ua/search.h"

/* Runs a search against a NAT that forgets after @timeout seconds; returns the steps. */
static unsigned int search_run(struct ua_search *search, unsigned int timeout, unsigned int *time)
{
	unsigned int steps = 0, silence;

	while ((silence = ua_search_next(search)) != 0) {
		assert_true(silence >= search->min && silence <= search->max);
		ua_search_result(search, silence, silence < timeout);
		*time += silence;
		/* it always comes to an end */
		assert_true(++steps < 40);
	}
	return steps;
}

/* Whatever the time-out is, the interval is under it and not far under it. */
static void test_each_timeout(void **state)
{
	struct ua_search search;
	unsigned int timeout, steps, time;

	(void)state;
	for (timeout = 11; timeout <= 290; timeout++) {
		ua_search_init(&search, 10, 290, 29);
		time = 0;
		steps = search_run(&search, timeout, &time);
		assert_true(steps <= 9);
		assert_true(search.good < timeout);
		assert_true(search.bad >= timeout);
		assert_true(ua_search_interval(&search) < timeout);
		assert_true(ua_search_interval(&search) >= timeout * 6 / 10);
		assert_true(time < 2400);
	}
}

static void test_never_forgets(void **state)
{
	struct ua_search search;
	unsigned int time = 0;

	(void)state;
	ua_search_init(&search, 10, 290, 29);
	search_run(&search, 100000, &time);
	assert_int_equal(search.good, 290);
	assert_int_equal(search.bad, 0);
	assert_int_equal(ua_search_interval(&search), 232);
}

static void test_forgets_at_once(void **state)
{
	struct ua_search search;
	unsigned int time = 0;

	(void)state;
	ua_search_init(&search, 10, 290, 29);
	search_run(&search, 3, &time);
	assert_int_equal(search.good, 0);
	assert_int_equal(search.bad, 10);
	/* nothing is known to work: the least that was allowed, with the margin */
	assert_int_equal(ua_search_interval(&search), 8);
}

static void test_order(void **state)
{
	static const unsigned int silences[] = { 29, 58, 116, 87, 101, 94 };
	struct ua_search search;
	unsigned int i;

	(void)state;
	ua_search_init(&search, 10, 290, 29);
	for (i = 0; i < sizeof(silences) / sizeof(*silences); i++) {
		assert_int_equal(ua_search_next(&search), silences[i]);
		ua_search_result(&search, silences[i], silences[i] < 100);
	}
	assert_int_equal(ua_search_next(&search), 0);
	assert_int_equal(search.good, 94);
	assert_int_equal(search.bad, 101);
	assert_int_equal(ua_search_interval(&search), 75);
}

/* A NAT may change its mind; the last word counts. */
static void test_contradiction(void **state)
{
	struct ua_search search;

	(void)state;
	ua_search_init(&search, 1, 100, 50);
	ua_search_result(&search, 50, true);
	ua_search_result(&search, 30, false);
	assert_int_equal(search.bad, 30);
	assert_true(search.good < 30);
	ua_search_result(&search, 60, true);
	assert_int_equal(search.good, 60);
	assert_true(search.bad > 60);
}

static void test_bounds(void **state)
{
	struct ua_search search;

	(void)state;
	ua_search_init(&search, 0, 0, 0);
	assert_int_equal(search.min, 1);
	assert_int_equal(search.max, 1);
	assert_int_equal(ua_search_next(&search), 1);
	ua_search_result(&search, 1, false);
	assert_int_equal(ua_search_next(&search), 0);
	assert_int_equal(ua_search_interval(&search), 1);

	ua_search_init(&search, 40, 50, 29);
	assert_int_equal(ua_search_next(&search), 40);
	ua_search_init(&search, 5, 20, 29);
	assert_int_equal(ua_search_next(&search), 20);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_timeout),    cmocka_unit_test(test_never_forgets),
		cmocka_unit_test(test_forgets_at_once), cmocka_unit_test(test_order),
		cmocka_unit_test(test_contradiction),   cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
