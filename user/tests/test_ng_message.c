// SPDX-License-Identifier: GPL-2.0-or-later
/* Bencode and the messages of the ng protocol: what is taken, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ng/message.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In memory of its own, so that reading past the end is seen. */
static json_t *decode(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	json_t *json;

	assert_non_null(copy);
	memcpy(copy, text, len);
	json = bencode_decode(copy, len);
	free(copy);
	return json;
}

static void test_good(void **state)
{
	static const char *const texts[] = {
		"d7:command4:pinge",
		"de",
		"le",
		"i0e",
		"i-1e",
		"i9223372036854775807e",
		"i-9223372036854775807e",
		"0:",
		"4:a:\nb",
		"d1:ali1ei2ee1:bd1:cdeee",
		"d0:0:e",
		"llllllllllllllll0:eeeeeeeeeeeeeeee",
	};
	size_t i, len;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		json_t *json = decode(texts[i], strlen(texts[i]));
		char *again;

		if (!json)
			fail_msg("refused: %s", texts[i]);
		again = bencode_encode(json, &len);
		assert_non_null(again);
		assert_int_equal(len, strlen(texts[i]));
		assert_memory_equal(again, texts[i], len);
		free(again);
		json_decref(json);
	}
}

#define NEST4(text) text text text text

/* T-C2: all kinds of malformed input. */
static void test_bad(void **state)
{
	static const char *const texts[] = {
		"",
		"d",
		"l",
		"i",
		"e",
		"d7:command4:ping",
		"d7:command4:pingee",
		"d7:commande",
		"di1e1:ae",
		"dle1:ae",
		"d1:a",
		"i1",
		"ie",
		"i-e",
		"i-0e",
		"i01e",
		"i-01e",
		"i+1e",
		"i 1e",
		"i1.5e",
		"i9223372036854775808e",
		"i-9223372036854775808e",
		"i99999999999999999999999999e",
		"5:abcd",
		"05:abcde",
		"00:",
		"-1:a",
		"1a",
		"1",
		"9999999999999999999999:a",
		"18446744073709551615:a",
		"9223372036854775807:a",
		"x",
		"d4:ping4:pong e",
		"lllllllllllllllll0:eeeeeeeeeeeeeeeee",
		/* 17 dictionaries, one in the other */
		NEST4("d1:a") NEST4("d1:a") NEST4("d1:a") NEST4("d1:a") "de" NEST4("e") NEST4("e")
			NEST4("e") NEST4("e"),
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		if (decode(texts[i], strlen(texts[i])))
			fail_msg("taken: %s", texts[i]);
	}
	assert_null(decode("d1:\0i1ee", 8));
}

/* Small input must not become a lot of memory. */
static void test_many(void **state)
{
	char text[2 * BENCODE_VALUES_MAX + 4];
	json_t *json;

	(void)state;
	memset(text, 'l', sizeof(text));
	assert_null(decode(text, sizeof(text)));

	text[0] = 'l';
	memset(text + 1, '0', sizeof(text) - 1);
	for (size_t i = 2; i < sizeof(text); i += 2)
		text[i] = ':';
	text[2 * (BENCODE_VALUES_MAX - 1) + 1] = 'e';
	json = decode(text, 2 * (BENCODE_VALUES_MAX - 1) + 2);
	assert_int_equal(json_array_size(json), BENCODE_VALUES_MAX - 1);
	json_decref(json);
	text[2 * (BENCODE_VALUES_MAX - 1) + 1] = '0';
	text[2 * BENCODE_VALUES_MAX + 1] = 'e';
	assert_null(decode(text, 2 * BENCODE_VALUES_MAX + 2));
}

static void test_values(void **state)
{
	static const char text[] = "d1:x3:a\0b1:y2:\xff\xfe"
				   "1:xi7ee";
	json_t *json = decode(text, sizeof(text) - 1);
	size_t len;

	(void)state;
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "x")), 7);
	assert_int_equal(json_string_length(json_object_get(json, "y")), 2);
	/* what bencode has no word for */
	json_object_set_new(json, "real", json_real(1.5));
	assert_null(bencode_encode(json, &len));
	json_decref(json);
}

static void check_split(const char *text, bool cookie, const char *expected, const char *body)
{
	struct ng_message message;

	assert_true(ng_message_split(&message, text, strlen(text), cookie));
	assert_int_equal(message.cookie_len, strlen(expected));
	assert_memory_equal(message.cookie ? message.cookie : "", expected, strlen(expected));
	assert_string_equal(message.body, body);
}

static void test_split(void **state)
{
	struct ng_message message;
	char text[NG_COOKIE_MAX + 8];

	(void)state;
	check_split("5323_1 d7:command4:pinge", true, "5323_1", "d7:command4:pinge");
	check_split("5323_1 {}", true, "5323_1", "{}");
	check_split("de", false, "", "de");
	assert_false(ng_message_split(&message, " de", 3, true));
	assert_false(ng_message_split(&message, "de", 2, true));
	assert_false(ng_message_split(&message, "x ", 2, true));
	assert_false(ng_message_split(&message, "x ide", 5, true));
	assert_false(ng_message_split(&message, "", 0, true));
	assert_false(ng_message_split(&message, "", 0, false));

	memset(text, 'x', sizeof(text));
	text[NG_COOKIE_MAX] = ' ';
	text[NG_COOKIE_MAX + 1] = 'd';
	text[NG_COOKIE_MAX + 2] = 'e';
	assert_true(ng_message_split(&message, text, NG_COOKIE_MAX + 3, true));
	memmove(text + NG_COOKIE_MAX + 1, text + NG_COOKIE_MAX, 3);
	text[NG_COOKIE_MAX] = 'x';
	assert_false(ng_message_split(&message, text, NG_COOKIE_MAX + 4, true));
}

/* The reply comes in the words of the question. */
static void check_encode(const char *question, const char *expected)
{
	struct ng_message message;
	json_t *json;
	size_t len;
	char *out;

	assert_true(ng_message_split(&message, question, strlen(question), question[0] == 'c'));
	json = ng_message_decode(&message);
	assert_non_null(json);
	out = ng_message_encode(&message, json, &len);
	assert_non_null(out);
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(out, expected, len);
	free(out);
	json_decref(json);
}

static void test_encode(void **state)
{
	(void)state;
	check_encode("c d1:bi1e1:a1:xe", "c d1:bi1e1:a1:xe");
	check_encode("c { \"b\": 1, \"a\": \"\\u00e9\" }\n", "c {\"b\":1,\"a\":\"\xc3\xa9\"}");
	check_encode("{\"b\":[]}", "{\"b\":[]}");
}

static void test_json_bad(void **state)
{
	static const char *const texts[] = {
		"{",
		"{}}",
		"{\"a\":1,}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":99999999999999999999}",
		"{\"a\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}",
		"{\"a\":\"\xff\"}",
	};
	struct ng_message message;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_true(ng_message_split(&message, texts[i], strlen(texts[i]), false));
		if (ng_message_decode(&message))
			fail_msg("taken: %s", texts[i]);
	}
}

/* In a stream, a byte at a time and all at once. */
static void check_frame(const char *text, size_t len, bool cookie, long expected)
{
	struct ng_frame frame = { .at = 0 };
	long got = 0;
	size_t i;

	for (i = 0; i <= len && !got; i++)
		got = ng_frame_end(&frame, text, i, cookie);
	assert_int_equal(got, expected);

	memset(&frame, 0, sizeof(frame));
	assert_int_equal(ng_frame_end(&frame, text, len, cookie), expected);
}

static void test_frame(void **state)
{
	static const struct {
		const char *text;
		bool cookie;
		long end;
	} frames[] = {
		{ "c d7:command4:pinge", true, 19 },
		{ "c d7:command4:pingec2 de", true, 19 },
		{ "d3:sdp4:eeed1:ali1ei22eeed", false, 25 },
		{ "d3:sdp4:eee", false, 0 },
		{ "c {\"a\":\"}\\\"\\\\\",\"b\":[{}]}{", true, 24 },
		{ "{\"a\":\"}", false, 0 },
		{ "{\"a\":\"\\", false, 0 },
		{ "cookie", true, 0 },
		{ "cookie ", true, 0 },
		{ "c x", true, -1 },
		{ " de", true, -1 },
		{ "le", false, -1 },
		{ "dx", false, -1 },
		{ "d1x", false, -1 },
		{ "d99999:", false, -1 },
		{ "di1111111111111111111111111e", false, -1 },
		{ "d1:alllllllllllllllll", false, -1 },
		{ "{[[[[[[[[[[[[[[[[[", false, -1 },
	};
	char cookie[NG_COOKIE_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(frames); i++)
		check_frame(frames[i].text, strlen(frames[i].text), frames[i].cookie,
			    frames[i].end);
	memset(cookie, 'x', sizeof(cookie));
	check_frame(cookie, sizeof(cookie), true, -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),     cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many),     cmocka_unit_test(test_values),
		cmocka_unit_test(test_split),    cmocka_unit_test(test_encode),
		cmocka_unit_test(test_json_bad), cmocka_unit_test(test_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
