// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line and the files of nattrav-ua. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../ua/options.h"

#define WORDS 16

/* Reads a command line of words parted by blanks. */
static int line_read(struct ua_options *options, char *line, char **error)
{
	char *argv[WORDS] = { "nattrav-ua" };
	char *word, *rest = line;
	int argc = 1;

	while ((word = strtok_r(rest, " ", &rest)) != NULL)
		argv[argc++] = word;
	ua_options_init(options);
	return ua_options_arguments(options, argc, argv, error);
}

static void check_line(const char *text, const char *expected)
{
	struct ua_options options;
	char *error = NULL;
	char *line = strdup(text);

	assert_int_not_equal(line_read(&options, line, &error), 0);
	assert_non_null(error);
	assert_string_equal(error, expected);
	mem_deref(error);
	ua_options_close(&options);
	free(line);
}

static int text_read(struct ua_options *options, const char *text, char **error)
{
	ua_options_init(options);
	return ua_options_text(options, text, strlen(text), "FILE", error);
}

static void check_text(const char *text, const char *expected)
{
	struct ua_options options;
	char *error = NULL;

	assert_int_not_equal(text_read(&options, text, &error), 0);
	assert_non_null(error);
	assert_string_equal(error, expected);
	mem_deref(error);
	ua_options_close(&options);
}

static void test_line(void **state)
{
	char line[] = "--server 203.0.113.1 --user bob call alice --interval auto --search 2-20 "
		      "--data 60x100 --data socket:4000";
	struct ua_options options;
	char *error = NULL;

	(void)state;
	assert_int_equal(line_read(&options, line, &error), 0);
	assert_null(error);
	assert_int_equal(options.command, UA_CMD_CALL);
	assert_string_equal(options.target, "alice");
	assert_string_equal(options.config.user, "bob");
	assert_int_equal(sa_port(&options.config.server), 5060);
	assert_true(options.config.adaptive);
	assert_int_equal(options.config.search_min, 2);
	assert_int_equal(options.config.search_max, 20);
	assert_int_equal(options.config.data_count, 2);
	assert_int_equal(options.config.data[0].rate, 60);
	assert_int_equal(options.config.data[0].size, 100);
	assert_int_equal(options.config.data[1].port, 4000);
	ua_options_close(&options);
}

static void test_file(void **state)
{
	struct ua_options options;
	char *error = NULL;

	(void)state;
	assert_int_equal(text_read(&options,
				   "# Bob's\n\n  server\t203.0.113.1:5070  \r\nuser bob\n"
				   "password  a good \"one\" # not a comment\n"
				   "realm \" with blanks \"\ninterval 20\ncomedia",
				   &error),
			 0);
	assert_null(error);
	assert_int_equal(sa_port(&options.config.server), 5070);
	assert_string_equal(options.config.user, "bob");
	assert_string_equal(options.config.password, "a good \"one\" # not a comment");
	assert_string_equal(options.config.realm, " with blanks ");
	assert_int_equal(options.config.interval, 20);
	assert_true(options.config.comedia);
	ua_options_close(&options);
}

static void test_server(void **state)
{
	static const struct {
		const char *text, *address;
	} right[] = {
		{ "203.0.113.1", "203.0.113.1:5060" },
		{ "203.0.113.1:5070", "203.0.113.1:5070" },
		{ "2001:db8::1", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]:5070", "[2001:db8::1]:5070" },
	};
	static const char *const wrong[] = {
		"",    ":5060", "203.0.113.1:0", "203.0.113.1:65536", "[2001:db8::1", "[]",
		"[x]", "a b"
	};
	struct sa server;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(right) / sizeof(*right); i++) {
		assert_int_equal(ua_options_server(&server, right[i].text), 0);
		(void)re_snprintf(text, sizeof(text), "%J", &server);
		assert_string_equal(text, right[i].address);
	}
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_not_equal(ua_options_server(&server, wrong[i]), 0);
}

static void test_wrong_lines(void **state)
{
	(void)state;
	check_line("--colour red", "unknown option '--colour'");
	check_line("-x", "unknown option '-x'");
	check_line("--user", "--user expects NAME");
	check_line("-f", "-f expects a file");
	check_line("--password secret",
		   "--password: everybody can see it there; put it into a file (-f)");
	check_line("--expires 9", "--expires 9: expected a number of seconds from 10");
	check_line("--expires 1e3", "--expires 1e3: expected a number of seconds from 10");
	check_line("--expires 99999999999999999999",
		   "--expires 99999999999999999999: expected a number of seconds from 10");
	check_line("--search 20-2", "--search 20-2: expected MIN-MAX in seconds");
	check_line("--user b>ob", "--user b>ob: expected NAME");
	check_line("fly", "unknown command 'fly'; wait, call or probe");
	check_line("call", "call expects one argument");
	check_line("call a b", "call expects one argument");
	check_line("wait a", "wait expects nothing behind it");
}

static void test_wrong_data(void **state)
{
	static const char *const wrong[] = { "0x100", "60x19",    "60x1401",      "60",      "x",
					     "60x",   "socket:0", "socket:65536", "10001x20" };
	struct ua_options options;
	char line[64], *error;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		error = NULL;
		(void)re_snprintf(line, sizeof(line), "--data %s", wrong[i]);
		assert_int_equal(line_read(&options, line, &error), EINVAL);
		assert_int_equal(options.config.data_count, 0);
		mem_deref(error);
		ua_options_close(&options);
	}
}

/* The message must not show the line: it may hold the password. */
static void test_wrong_files(void **state)
{
	(void)state;
	check_text("user bob\npasswort secret\n", "FILE:2: expected a known option");
	check_text("help\n", "FILE:1: expected a known option");
	check_text("\n\nkeepalive ping", "FILE:3: expected stun, crlf or none");
	check_text("control yes\n", "FILE:1: expected nothing behind it");
	check_text("password\n", "FILE:1: expected TEXT");
	check_text("audio tone:0\n",
		   "FILE:1: expected tone:HERTZ, file:PATH, socket:PORT, silence or none");
	check_text("instance bob\n", "FILE:1: expected URN");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),       cmocka_unit_test(test_file),
		cmocka_unit_test(test_server),     cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_wrong_data), cmocka_unit_test(test_wrong_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
