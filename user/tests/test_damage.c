// SPDX-License-Identifier: GPL-2.0-or-later
/* R17: a database with flipped bits, cut short or overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sip_fake_media.h"
#include "sip_view.h"

#define FLIPS 400

static struct rig rig;
static struct phone alice, bob;
static struct view a;
static char *path, *aside;
static char *good;
static size_t good_len;

/* A server with two paths and a call in its database, which it has left. */
static int setup(void **state)
{
	FILE *f;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "");
	assert_int_equal(re_sdprintf(&path, "%s/db", rig.dir), 0);
	assert_int_equal(re_sdprintf(&aside, "%s.damaged", path), 0);
	phones_open(&alice, &bob, &rig);
	call_answer(&alice, &bob, &a);
	rig.server = mem_deref(rig.server);

	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	good_len = (size_t)ftell(f);
	rewind(f);
	good = malloc(good_len);
	assert_int_equal(fread(good, 1, good_len, f), good_len);
	(void)fclose(f);
	/* what is damaged is told, four hundred times */
	if (!getenv("TEST_VERBOSE"))
		assert_non_null(freopen("/dev/null", "w", stderr));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	view_clear(&a);
	phone_close(&alice);
	phone_close(&bob);
	free(good);
	(void)unlink(aside);
	mem_deref(aside);
	mem_deref(path);
	rig_stop(&rig);
	return 0;
}

/* Starts from a database with these contents; it must serve. */
static void serve_with(const char *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(server_alloc(&rig.server, rig.config, NULL), 0);
}

static bool is_aside(void)
{
	struct stat st;
	const bool there = !stat(aside, &st);

	(void)unlink(aside);
	return there;
}

/* The control: what is whole is taken over. */
static void test_whole(void **state)
{
	(void)state;
	serve_with(good, good_len);
	assert_false(is_aside());
	assert_int_equal(location_count(rig.server->location), 2);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
}

static void test_bits(void **state)
{
	unsigned int i, put_aside = 0;
	char *bad = malloc(good_len);
	uint32_t random = 1;

	(void)state;
	for (i = 0; i < FLIPS; i++) {
		size_t bit;

		random = random * 1664525 + 1013904223;
		/* most of a small database is empty: half of the flips where the head is */
		bit = (random >> 3) % (i % 2 ? good_len * 8 : 800);
		/* the number of a version that may come is not damage (user_version) */
		if (bit / 8 == 62 || bit / 8 == 63)
			continue;
		memcpy(bad, good, good_len);
		bad[bit / 8] ^= (char)(1 << bit % 8);
		serve_with(bad, good_len);
		put_aside += is_aside();
		/* whatever it found, it takes whoever registers */
		if (i % 40 == 0) {
			phone_register(&alice, "alice", "secret-a");
			phone_register(&bob, "bob", "secret-b");
		}
		rig.server = mem_deref(rig.server);
	}
	assert_true(put_aside > 0);
	free(bad);
}

/* Whatever came of it. */
static void drain(struct phone *phone)
{
	struct sip_msg *msg = phone_receive(phone);

	for (; msg; msg = phone_receive(phone))
		mem_deref(msg);
}

/* Numbers that nobody wrote, in rows that SQLite finds nothing wrong with. */
static void test_numbers(void **state)
{
	static const char *const changes[] = {
		"UPDATE dialog SET branch = 4000000000",
		"UPDATE dialog SET branch = -1",
		"UPDATE dialog SET local_a = 'x'",
		"UPDATE dialog SET answered = -1",
		"UPDATE binding SET id = 9223372036854775807 WHERE aor = 'alice'",
		"UPDATE binding SET age = 9223372036854775807",
		"UPDATE binding SET q = 4294967295",
		"UPDATE binding SET expires = 9223372036854775807",
		"UPDATE binding SET remote = 'nowhere'",
		"UPDATE secret SET value = 'short'",
	};
	sqlite3 *db;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		serve_with(good, good_len);
		rig.server = mem_deref(rig.server);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_close(db), SQLITE_OK);
		assert_int_equal(server_alloc(&rig.server, rig.config, NULL), 0);
		phone_register(&alice, "alice", "secret-a");
		phone_register(&bob, "bob", "secret-b");
		assert_int_equal(location_count(rig.server->location), 2);
		/* a path of its own counts on from the numbers */
		phone_register_as(&alice, "alice", "secret-a", 7);
		assert_int_equal(location_count(rig.server->location), 3);
		/* the end of a call looks at all that its row holds */
		view_send(&a, &alice, "BYE", 2 + (uint32_t)i, "");
		drain(&alice);
		drain(&bob);
		rig.server = mem_deref(rig.server);
		/* what it repeated just before */
		drain(&alice);
		drain(&bob);
	}
}

static void test_other_contents(void **state)
{
	char *zeros = calloc(1, good_len);

	(void)state;
	serve_with("", 0);
	assert_false(is_aside());
	rig.server = mem_deref(rig.server);
	serve_with("this is no database at all, but a letter to somebody else", 56);
	assert_true(is_aside());
	rig.server = mem_deref(rig.server);
	serve_with(good, good_len / 2);
	assert_true(is_aside());
	rig.server = mem_deref(rig.server);
	memset(zeros, 0x55, good_len);
	memcpy(zeros, good, 100);
	serve_with(zeros, good_len);
	assert_true(is_aside());
	phone_register(&alice, "alice", "secret-a");
	free(zeros);
}

int main(void)
{
#define DAMAGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		DAMAGE_TEST(test_whole),
		DAMAGE_TEST(test_bits),
		DAMAGE_TEST(test_numbers),
		DAMAGE_TEST(test_other_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
