// SPDX-License-Identifier: GPL-2.0-or-later
/* Several next hops for the same requests: which one is asked, and when another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip/outage.h"
#include "sip_fake_media.h"
#include "sip_view.h"

#define PATIENCE_MS 4100
#define OUTAGE_MS   31000

static struct rig rig;
static struct phone alice, first, second, other;
static struct sa addr[3];

/* @options: of the first route. */
static void start(const char *options)
{
	char *extra;

	assert_int_equal(re_sdprintf(&extra, "route 00 %J %s\nroute 00 %J\nroute * %J\n", &addr[0],
				     options, &addr[1], &addr[2]),
			 0);
	rig_start(&rig, extra);
	mem_deref(extra);
	phone_open(&alice, &rig, "127.0.0.1");
	phone_register(&alice, "alice", "secret-a");
	phone_open_at(&second, &rig, &addr[1]);
	phone_open_at(&other, &rig, &addr[2]);
}

static void start_udp(void)
{
	start("");
	phone_open_at(&first, &rig, &addr[0]);
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&first, 0, sizeof(first));
	assert_int_equal(libre_init(), 0);
	addr_free(&addr[0], "127.0.0.5");
	addr_free(&addr[1], "127.0.0.6");
	addr_free(&addr[2], "127.0.0.7");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&alice);
	phone_close(&first);
	phone_close(&second);
	phone_close(&other);
	rig_stop(&rig);
	return 0;
}

static void call(unsigned int n)
{
	phone_send(&alice,
		   "INVITE sip:0049@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKf%u\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:0049@example.net>\n"
		   "Call-ID: call-1\nCSeq: %u INVITE\nContact: <sip:alice@@L>\n"
		   "%sContent-Length: %zu\n\n%s",
		   n, n, SDP_HEAD, strlen(SDP) + 6, SDP);
	mem_deref(phone_expect(&alice, 100));
}

static void refuse(struct phone *hop, struct sip_msg *msg, unsigned int status, const char *headers)
{
	phone_reply(hop, msg, status, "t", headers, "");
	mem_deref(msg);
	mem_deref(phone_expect_request(hop, "ACK"));
}

/* A call that this hop gets at once, and refuses. */
static void call_comes_to(struct phone *hop, unsigned int n)
{
	call(n);
	refuse(hop, phone_expect_request(hop, "INVITE"), 486, "");
	mem_deref(phone_expect(&alice, 486));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
}

/* Nothing comes of the first: the call goes to the second, and all of it stays there. */
static void test_mute(void **state)
{
	struct sip_msg *mute, *msg;
	struct view a, b;

	(void)state;
	start_udp();
	call(1);
	mute = phone_expect_request(&first, "INVITE");
	phone_expect_nothing(&second);
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	msg = phone_expect_request(&second, "INVITE");
	assert_int_equal(pl_cmp(&msg->via.branch, &mute->via.branch) == 0, 0);
	assert_non_null(memmem(msg->ruri.p, msg->ruri.l, "sip:0049@127.0.0.6:", 19));
	assert_true(sa_cmp(&fake.last.dst, &second.addr, SA_ALL));
	assert_int_equal(fake.last.call.branch, 1);
	assert_int_equal(fake.ended, 1 << 0);
	view_set(&b, &second, msg, "t2");
	phone_reply(&second, msg, 200, "t2", "Contact: <sip:x@127.0.0.6>\n", SDP);
	mem_deref(msg);
	msg = phone_expect(&alice, 200);
	view_set(&a, &alice, msg, "a1");
	mem_deref(msg);
	assert_int_equal(fake.last.call.branch, 1);
	view_send(&a, &alice, "ACK", 1, "");
	mem_deref(phone_expect_request(&second, "ACK"));

	/* it was only slow: nobody wants it any more */
	list_flush(&first.inbox);
	phone_reply(&first, mute, 180, "t1", "", "");
	msg = phone_expect_request(&first, "CANCEL");
	phone_reply(&first, msg, 200, "t1", "", "");
	mem_deref(msg);
	phone_reply(&first, mute, 200, "t1", "Contact: <sip:x@127.0.0.5>\n", SDP);
	mem_deref(mute);
	mem_deref(phone_expect_request(&first, "ACK"));
	mem_deref(phone_expect_request(&first, "BYE"));
	phone_expect_nothing(&alice);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	view_request(&b, &second, &alice, "BYE", 1);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ended, 1 << 0 | 1 << 1);
	view_clear(&a);
	view_clear(&b);
}

/* A call that the second one refuses, since the first one says nothing. */
static void first_is_mute(void)
{
	call(1);
	mem_deref(phone_expect_request(&first, "INVITE"));
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	refuse(&second, phone_expect_request(&second, "INVITE"), 486, "");
	mem_deref(phone_expect(&alice, 486));
}

/* Who was mute is asked last for a while, and first after that, or when he answers. */
static void test_outage(void **state)
{
	(void)state;
	start_udp();
	first_is_mute();
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	list_flush(&first.inbox);

	call_comes_to(&second, 2);
	phone_expect_nothing(&first);
	/* the second one fails as well: the first is better than nobody, and is there again */
	call(3);
	refuse(&second, phone_expect_request(&second, "INVITE"), 503, "Retry-After: 5 (soon)\n");
	refuse(&first, phone_expect_request(&first, "INVITE"), 486, "");
	mem_deref(phone_expect(&alice, 486));
	wheel_skip(rig.server->wheel, 6000);
	phone_expect_nothing(&second);
	list_flush(&alice.inbox);
	call_comes_to(&first, 4);
	phone_expect_nothing(&second);
}

static void test_outage_ends(void **state)
{
	(void)state;
	start_udp();
	first_is_mute();
	wheel_skip(rig.server->wheel, OUTAGE_MS);
	list_flush(&first.inbox);
	/* what it was refused with comes again, as long as there is no ACK */
	phone_expect_nothing(&second);
	list_flush(&alice.inbox);
	phone_register(&alice, "alice", "secret-a");
	call_comes_to(&first, 2);
}

/* 503 is no answer for the caller as long as there is somebody else. */
static void test_busy(void **state)
{
	(void)state;
	start_udp();
	call(1);
	refuse(&first, phone_expect_request(&first, "INVITE"), 503, "");
	refuse(&second, phone_expect_request(&second, "INVITE"), 503, "");
	mem_deref(phone_expect(&alice, 503));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ended, 1 << 0 | 1 << 1);
	phone_expect_nothing(&other);
	/* it did not say for how long */
	call(2);
	refuse(&first, phone_expect_request(&first, "INVITE"), 503, "Retry-After: 60\n");
	refuse(&second, phone_expect_request(&second, "INVITE"), 404, "");
	mem_deref(phone_expect(&alice, 404));
	call_comes_to(&second, 3);
	phone_expect_nothing(&first);
}

/* Nobody is there at all. */
static void test_all_mute(void **state)
{
	(void)state;
	start_udp();
	call(1);
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	mem_deref(phone_expect_request(&second, "INVITE"));
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	phone_expect_nothing(&alice);
	wheel_skip(rig.server->wheel, 33000);
	mem_deref(phone_expect(&alice, 408));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	phone_expect_nothing(&other);
}

/* Who has said something has the call, whatever it was and however long it takes. */
static void test_heard(void **state)
{
	struct sip_msg *msg;

	(void)state;
	start_udp();
	call(1);
	msg = phone_expect_request(&first, "INVITE");
	phone_reply(&first, msg, 100, NULL, "", "");
	phone_expect_nothing(&alice);
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	wheel_skip(rig.server->wheel, 60000);
	phone_expect_nothing(&second);
	refuse(&first, msg, 500, "");
	mem_deref(phone_expect(&alice, 500));
	phone_expect_nothing(&second);
}

/* It rings there, and nobody picks up: that is no failure of the next hop. */
static void test_timer_c(void **state)
{
	struct sip_msg *msg;

	(void)state;
	start_udp();
	call(1);
	msg = phone_expect_request(&first, "INVITE");
	phone_reply(&first, msg, 180, "t", "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 180));
	wheel_skip(rig.server->wheel, 181000);
	mem_deref(phone_expect_request(&first, "CANCEL"));
	wheel_skip(rig.server->wheel, 33000);
	mem_deref(phone_expect(&alice, 408));
	phone_expect_nothing(&second);
}

/* The first one answers after all, while the second rings: nobody waits for it. */
static void test_late(void **state)
{
	struct sip_msg *late, *msg;

	(void)state;
	start_udp();
	call(1);
	late = phone_expect_request(&first, "INVITE");
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	msg = phone_expect_request(&second, "INVITE");
	phone_reply(&second, msg, 180, "t2", "", "");
	mem_deref(phone_expect(&alice, 180));
	list_flush(&first.inbox);
	phone_reply(&first, late, 200, "t1", "Contact: <sip:x@127.0.0.5>\n", SDP);
	mem_deref(late);
	mem_deref(phone_expect_request(&first, "ACK"));
	mem_deref(phone_expect_request(&first, "BYE"));
	phone_expect_nothing(&alice);
	phone_reply(&second, msg, 200, "t2", "Contact: <sip:x@127.0.0.6>\n", SDP);
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(fake.ended, 1 << 0);
}

/* The caller does not want it any more. */
static void test_cancelled(void **state)
{
	struct sip_msg *msg;

	(void)state;
	start_udp();
	call(1);
	msg = phone_expect_request(&first, "INVITE");
	phone_send(&alice,
		   "CANCEL sip:0049@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKf1\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:0049@example.net>\n"
		   "Call-ID: call-1\nCSeq: 1 CANCEL\nContent-Length: 0\n\n");
	mem_deref(phone_expect(&alice, 200));
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	phone_expect_nothing(&second);
	list_flush(&first.inbox);
	refuse(&first, msg, 503, "");
	mem_deref(phone_expect(&alice, 503));
	phone_expect_nothing(&second);
}

/* What is no INVITE has no more time than that either. */
static void test_message(void **state)
{
	struct sip_msg *msg;

	(void)state;
	start_udp();
	phone_send(&alice,
		   "MESSAGE sip:0049@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKm\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:0049@example.net>\n"
		   "Call-ID: m\nCSeq: 1 MESSAGE\nContent-Length: 0\n\n");
	mem_deref(phone_expect_request(&first, "MESSAGE"));
	wheel_skip(rig.server->wheel, PATIENCE_MS);
	msg = phone_expect_request(&second, "MESSAGE");
	phone_reply(&second, msg, 202, "t", "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 202));
	/* and is not repeated where it was not heard */
	while ((msg = phone_receive(&first)))
		mem_deref(msg);
	wheel_skip(rig.server->wheel, 4000);
	phone_expect_nothing(&first);
}

/* A connection that cannot be had, or breaks: no time is lost. */
static void test_connection(void **state)
{
	(void)state;
	start("transport=tcp");
	call_comes_to(&second, 1);
}

static void test_connection_lost(void **state)
{
	(void)state;
	phone_listen(&first, &rig, &addr[0], NULL);
	start("transport=tcp");
	phone_expect_connection(&first, 1);
	call(1);
	mem_deref(phone_expect_request(&first, "INVITE"));
	phone_hang_up(&first);
	refuse(&second, phone_expect_request(&second, "INVITE"), 486, "");
	mem_deref(phone_expect(&alice, 486));
}

int main(void)
{
#define FAILOVER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FAILOVER_TEST(test_mute),        FAILOVER_TEST(test_outage),
		FAILOVER_TEST(test_outage_ends), FAILOVER_TEST(test_busy),
		FAILOVER_TEST(test_all_mute),    FAILOVER_TEST(test_heard),
		FAILOVER_TEST(test_timer_c),     FAILOVER_TEST(test_late),
		FAILOVER_TEST(test_cancelled),   FAILOVER_TEST(test_message),
		FAILOVER_TEST(test_connection),  FAILOVER_TEST(test_connection_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
