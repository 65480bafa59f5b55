// SPDX-License-Identifier: GPL-2.0-or-later
/* Events as JSON: what jansson reads from them, whatever bytes the network put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* libre and jansson both name these */
#define JSON_STRING RE_JSON_STRING
#define JSON_NULL   RE_JSON_NULL
#include <re.h>
#undef JSON_STRING
#undef JSON_NULL
#include <jansson.h>

#include "../ua/json.h"
#include "../ua/ua.h"

static json_t *event_load(const struct ua_event *event)
{
	struct mbuf *mb = mbuf_alloc(16);
	json_error_t error;
	json_t *json;

	assert_non_null(mb);
	assert_int_equal(ua_event_json(mb, event), 0);
	/* one line */
	assert_null(memchr(mb->buf, '\n', mb->end));
	json = json_loadb((const char *)mb->buf, mb->end, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(json);
	mem_deref(mb);
	return json;
}

static const char *text_of(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

/* The reason @bytes come out as @expected. */
static void check_reason(const char *bytes, size_t len, const char *expected)
{
	struct ua_event event = { .type = UA_CLOSED, .status = 486 };
	json_t *json;

	event.reason.p = bytes;
	event.reason.l = len;
	json = event_load(&event);
	assert_string_equal(text_of(json, "reason"), expected);
	assert_int_equal(json_integer_value(json_object_get(json, "status")), 486);
	json_decref(json);
}

static void test_text(void **state)
{
	(void)state;
	check_reason("Busy Here", 9, "Busy Here");
	check_reason("", 0, "");
	check_reason("\"\\\x01\r\n\x7f", 6, "\"\\\x01\r\n\x7f");
	check_reason("z\xc3\xa4h \xe2\x82\xac \xf0\x9f\x93\x9e", 13, "zäh € 📞");
}

/* What is no UTF-8 becomes U+FFFD, a byte each. */
static void test_not_utf8(void **state)
{
#define R "\xef\xbf\xbd"
	(void)state;
	check_reason("a\xff"
		     "b",
		     3, "a" R "b");
	check_reason("\xc3", 1, R);
	check_reason("\xc0\x80", 2, R R);
	check_reason("\xed\xa0\x80", 3, R R R);
	check_reason("\xf4\x90\x80\x80", 4, R R R R);
	check_reason("\xe0\x80\xaf", 3, R R R);
	check_reason("\xf0\x80\x80\xaf", 4, R R R R);
	check_reason("\xe2\x82", 2, R R);
	check_reason("\xe2\x82"
		     "a",
		     3, R R "a");
}

static void test_members(void **state)
{
	const struct ua_stats stats = { .stream = "data",
					.sent = 600,
					.received = 599,
					.lost = -1,
					.jitter = 20125,
					.rtt_min = 22,
					.rtt_avg = 103,
					.rtt_max = 5805 };
	struct ua_event event = { .type = UA_STATS, .stats = &stats };
	struct sa addr;
	json_t *json;

	(void)state;
	json = event_load(&event);
	assert_string_equal(text_of(json, "event"), "stats");
	assert_string_equal(text_of(json, "stream"), "data");
	assert_int_equal(json_integer_value(json_object_get(json, "lost")), -1);
	assert_float_equal(json_real_value(json_object_get(json, "jitter-ms")), 20.125, 1e-9);
	assert_float_equal(json_real_value(json_object_get(json, "rtt-min-ms")), 0.022, 1e-9);
	assert_null(json_object_get(json, "reason"));
	assert_true(json_real_value(json_object_get(json, "time")) > 1.6e9);
	json_decref(json);

	assert_int_equal(sa_set_str(&addr, "203.0.113.10", 40000), 0);
	event = (struct ua_event){
		.type = UA_MEASURED, .addr = &addr, .seconds = 20, .survived = true
	};
	json = event_load(&event);
	assert_string_equal(text_of(json, "address"), "203.0.113.10:40000");
	assert_int_equal(json_integer_value(json_object_get(json, "silence")), 20);
	assert_true(json_is_true(json_object_get(json, "survived")));
	json_decref(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
