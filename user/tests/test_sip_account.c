// SPDX-License-Identifier: GPL-2.0-or-later
/* The line that a call leaves in the accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sip_fake_media.h"
#include "sip_view.h"

static struct rig rig;
static struct phone alice, bob;
static char path[] = "/tmp/nattravd-test-XXXXXX";

static int setup(void **state)
{
	char *extra;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(path + sizeof(path) - 7, 'X', 6);
	(void)close(mkstemp(path));
	assert_int_equal(re_sdprintf(&extra, "accounting %s\n", path), 0);
	rig_start(&rig, extra);
	mem_deref(extra);
	phones_open(&alice, &bob, &rig);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&alice);
	phone_close(&bob);
	rig_stop(&rig);
	(void)unlink(path);
	return 0;
}

/* The only line; drop it with mem_deref(). */
static struct odict *line(void)
{
	struct odict *json = NULL;
	char text[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	assert_int_equal(fgetc(f), EOF);
	(void)fclose(f);
	assert_int_equal(json_decode_odict(&json, 32, text, strlen(text), 8), 0);
	return json;
}

static const char *text_of(const struct odict *json, const char *key)
{
	const char *text = odict_string(json, key);

	assert_non_null(text);
	return text;
}

static int64_t number_of(const struct odict *json, const char *key)
{
	const struct odict_entry *entry = odict_lookup(json, key);

	assert_non_null(entry);
	assert_int_equal(entry->type, ODICT_INT);
	return entry->u.integer;
}

static double real_of(const struct odict *json, const char *key)
{
	const struct odict_entry *entry = odict_lookup(json, key);

	assert_non_null(entry);
	assert_int_equal(entry->type, ODICT_DOUBLE);
	return entry->u.dbl;
}

static const struct odict *object_of(const struct odict *json, const char *key)
{
	const struct odict_entry *entry = odict_lookup(json, key);

	assert_non_null(entry);
	return entry->u.odict;
}

static void test_answered(void **state)
{
	struct media_report_side *side = &fake.media.streams[0].side[NATTRAV_SIDE_A];
	struct view a;
	const struct odict *media;
	struct odict *json;

	(void)state;
	fake.media.count = 1;
	str_ncpy(fake.media.streams[0].type, "audio", 16);
	*side = (struct media_report_side){ .packets = 7, .bytes = 8, .rtp = true };
	side->received = 990;
	side->lost = 10;
	side->jitter = 1002;
	assert_int_equal(sa_set_str(&side->peer, "198.51.100.10", 4001), 0);

	call_answer(&alice, &bob, &a);
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
	view_clear(&a);

	json = line();
	assert_string_equal(text_of(json, "call"), "call-1");
	assert_string_equal(text_of(json, "caller"), "alice");
	assert_string_equal(text_of(json, "callee"), "bob");
	assert_string_equal(text_of(json, "reason"), "ended by the caller");
	assert_true(number_of(json, "begin") > 1000000000);
	assert_true(number_of(json, "answer") > 1000000000);
	assert_string_equal(text_of(object_of(json, "b"), "transport"), "udp");
	media = object_of(object_of(json, "media"), "0");
	assert_string_equal(text_of(media, "type"), "audio");
	media = object_of(media, "a");
	assert_string_equal(text_of(media, "peer"), "198.51.100.10:4001");
	assert_int_equal(number_of(media, "lost"), 10);
	assert_true(real_of(media, "jitter_ms") > 1.001);
	assert_true(real_of(media, "mos") > 4.2);
	mem_deref(json);
}

/* Whatever stands in a Call-ID or a name is a string, and one line. */
static void test_refused(void **state)
{
	struct sip_msg *msg;
	struct odict *json;

	(void)state;
	phone_send(&alice,
		   "INVITE sip:bob@example.net SIP/2.0\nVia: SIP/2.0/UDP x;branch=z9hG4bKq\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
		   "Call-ID: a\"b\\c}@x\nCSeq: 1 INVITE\nContact: <sip:alice@x>\n\n");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 486, "b1", "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 486));
	json = line();
	assert_string_equal(text_of(json, "call"), "a\"b\\c}@x");
	assert_string_equal(text_of(json, "reason"), "refused with 486");
	assert_null(odict_lookup(json, "answer"));
	assert_int_equal(number_of(json, "seconds"), 0);
	assert_int_equal(list_count(&object_of(json, "media")->lst), 0);
	mem_deref(json);
}

int main(void)
{
#define ACCOUNT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ACCOUNT_TEST(test_answered),
		ACCOUNT_TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
