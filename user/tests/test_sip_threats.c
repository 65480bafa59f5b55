// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threats to the signalling that no other test names: T-S1, T-S4, T-S6, T-S9, T-S13,
 * T-M6. The others are listed in Documentation/security.rst.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "sip/message.h"
#include "sip_fake_media.h"
#include "sip_view.h"

/* of the default configuration */
#define RINGING_USER 32

static struct rig rig;
static struct phone alice, bob, mallory;

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "");
	phone_open(&alice, &rig, "127.0.0.1");
	phone_open(&bob, &rig, "127.0.0.2");
	phone_open(&mallory, &rig, "127.0.0.66");
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&alice);
	phone_close(&bob);
	phone_close(&mallory);
	rig_stop(&rig);
	return 0;
}

/* From whoever it is to Bob; @extra are header lines, by which the rest of a request ends. */
static void request_send(struct phone *phone, const char *user, const char *method, unsigned int n,
			 const char *extra)
{
	phone_send(phone,
		   "%s sip:bob@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKt%s%u\n"
		   "From: <sip:%s@example.net>;tag=t\nTo: <sip:bob@example.net>\n"
		   "Call-ID: threat-%s-%u\nCSeq: 1 %s\nContact: <sip:x@@L>\n"
		   "User-Agent: a phone with a name that is as long as others have\n%s\n",
		   method, user, n, user, user, n, method, extra);
}

static void register_send(struct phone *phone, const char *user, unsigned int n, const char *extra)
{
	phone_send(phone,
		   "REGISTER sip:example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKg%u\n"
		   "From: <sip:%s@example.net>;tag=t\nTo: <sip:%s@example.net>\n"
		   "Call-ID: guess-%u\nCSeq: 1 REGISTER\n"
		   "User-Agent: a phone with a name that is as long as others have\n%s\n",
		   n, user, user, n, extra);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

#define GUESSES 4001

/* The time that the check of false credentials takes, in the middle of many. */
static void measure(const char *const users[2], uint64_t median[2])
{
	static uint64_t took[2][GUESSES];
	struct sip_msg *msg[2], *challenge;
	const struct config_user *user;
	struct timespec begin, end;
	unsigned int i, which;
	char *auth, *text;
	struct mbuf *mb;

	register_send(&mallory, "alice", 0, "");
	challenge = phone_expect(&mallory, 401);
	for (which = 0; which < 2; which++) {
		auth = phone_authorize(challenge, SIP_HDR_WWW_AUTHENTICATE, true, "REGISTER",
				       "sip:example.net", users[which], "guess");
		assert_int_equal(
			re_sdprintf(&text,
				    "REGISTER sip:example.net SIP/2.0\r\n"
				    "Via: SIP/2.0/UDP x;branch=z9hG4bKm\r\n"
				    "From: <sip:x@example.net>;tag=1\r\nTo: <sip:x@example.net>\r\n"
				    "Call-ID: m\r\nCSeq: 1 REGISTER\r\nAuthorization: %s\r\n\r\n",
				    auth),
			0);
		mb = mbuf_alloc(1024);
		(void)mbuf_write_str(mb, text);
		mbuf_set_pos(mb, 0);
		assert_int_equal(sip_msg_decode(&msg[which], mb), 0);
		mem_deref(mb);
		mem_deref(text);
		mem_deref(auth);
	}
	/* by turns, so that what else goes on here falls on both */
	for (i = 0; i < GUESSES; i++) {
		for (which = 0; which < 2; which++) {
			(void)clock_gettime(CLOCK_MONOTONIC, &begin);
			assert_int_equal(digest_check(rig.server->digest, msg[which],
						      SIP_HDR_AUTHORIZATION, &mallory.addr, &user),
					 DIGEST_FAILED);
			(void)clock_gettime(CLOCK_MONOTONIC, &end);
			took[which][i] = (uint64_t)((end.tv_sec - begin.tv_sec) * 1000000000 +
						    end.tv_nsec - begin.tv_nsec);
		}
	}
	for (which = 0; which < 2; which++) {
		qsort(took[which], GUESSES, sizeof(**took), compare);
		median[which] = took[which][GUESSES / 2];
		mem_deref(msg[which]);
	}
	mem_deref(challenge);
}

/* T-S1: neither words nor time tell which users there are. */
static void test_t_s1_who_is_there(void **state)
{
	static const char *const users[] = { "alice", "abcde" };
	struct sip_msg *known, *unknown;
	uint64_t median[2];
	char *auth, *line;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		register_send(&mallory, users[i], 10 + i, "");
		known = phone_expect(&mallory, 401);
		auth = phone_authorize(known, SIP_HDR_WWW_AUTHENTICATE, true, "REGISTER",
				       "sip:example.net", users[i], "guess");
		assert_int_equal(re_sdprintf(&line, "Authorization: %s\n", auth), 0);
		register_send(&mallory, users[i], 20 + i, line);
		unknown = phone_expect(&mallory, 401);
		/* the same headers, as many bytes */
		assert_int_equal(sip_msg_hdr_count(known, SIP_HDR_WWW_AUTHENTICATE),
				 sip_msg_hdr_count(unknown, SIP_HDR_WWW_AUTHENTICATE));
		assert_int_equal(known->mb->end, unknown->mb->end);
		mem_deref(known);
		mem_deref(unknown);
		mem_deref(line);
		mem_deref(auth);
	}
	measure(users, median);
	if (median[0] * 5 < median[1] * 4 || median[1] * 5 < median[0] * 4)
		fail_msg("known %llu ns, unknown %llu ns", (unsigned long long)median[0],
			 (unsigned long long)median[1]);
}

/* T-S4: what stands in Contact is sent nothing, pings and calls least of all. */
static void test_t_s4_contact_of_a_victim(void **state)
{
	struct phone victim;
	struct sip_msg *msg;
	char *auth, *line;

	(void)state;
	phone_open(&victim, &rig, "127.0.0.77");
	register_send(&alice, "alice", 1, "");
	msg = phone_expect(&alice, 401);
	auth = phone_authorize(msg, SIP_HDR_WWW_AUTHENTICATE, true, "REGISTER", "sip:example.net",
			       "alice", "secret-a");
	mem_deref(msg);
	assert_int_equal(re_sdprintf(&line,
				     "Contact: <sip:alice@%J>;expires=600\nExpires: 600\n"
				     "Authorization: %s\n",
				     &victim.addr, auth),
			 0);
	register_send(&alice, "alice", 2, line);
	mem_deref(phone_expect(&alice, 200));
	mem_deref(line);
	mem_deref(auth);

	wheel_skip(rig.server->wheel, 60000);
	msg = phone_expect_request(&alice, "OPTIONS");
	mem_deref(msg);
	phone_send(&bob, "MESSAGE sip:alice@example.net SIP/2.0\n"
			 "Via: SIP/2.0/UDP @L;branch=z9hG4bKv\n"
			 "From: <sip:bob@example.net>;tag=t\nTo: <sip:alice@example.net>\n"
			 "Call-ID: v\nCSeq: 1 MESSAGE\n\n");
	do {
		msg = phone_receive(&alice);
		assert_non_null(msg);
	} while (!msg_is(msg, "MESSAGE") && (mem_deref(msg), true));
	mem_deref(msg);
	phone_expect_nothing(&victim);
	phone_close(&victim);
}

/* T-S6: ten thousand requests of strangers leave nothing behind, and a call goes on. */
static void test_t_s6_flood(void **state)
{
	static const char *const methods[] = { "INVITE", "REGISTER", "OPTIONS", "BYE",
					       "SUBSCRIBE" };
	struct view a;
	unsigned int i;
	struct flow flow;
	struct mbuf *mb;
	char *text;

	(void)state;
	call_answer(&alice, &bob, &a);
	wheel_skip(rig.server->wheel, 40000);

	flow.listener = flows_find(rig.server->flows, TRANSPORT_UDP, &rig.addr);
	for (i = 0; i < 10000; i++) {
		const char *method = methods[i % ARRAY_SIZE(methods)];

		/* the port of nobody, so that replies go nowhere */
		sa_set_in(&flow.remote, 0x7f000100 + i % 60000, 9);
		assert_int_equal(re_sdprintf(&text,
					     "%s sip:bob@example.net SIP/2.0\r\n"
					     "Via: SIP/2.0/UDP x;branch=z9hG4bKf%u\r\n"
					     "From: <sip:x%u@example.net>;tag=1\r\n"
					     "To: <sip:bob@example.net>\r\nCall-ID: f%u\r\n"
					     "CSeq: 1 %s\r\n\r\n",
					     method, i, i, i, method),
				 0);
		mb = mbuf_alloc(512);
		(void)mbuf_write_str(mb, text);
		mbuf_set_pos(mb, 0);
		flow_inject(&flow, mb);
		mem_deref(mb);
		mem_deref(text);
	}
	assert_int_equal(transactions_count(rig.server->transactions), 0);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	assert_int_equal(location_count(rig.server->location), 2);
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
	view_clear(&a);
}

/* T-S6: where there is no time for strangers, there is for those who are registered. */
static void test_t_s6_no_time(void **state)
{
	const struct overload full = { .messages = 1, .high = true, .full = true };
	struct view a;

	(void)state;
	call_answer(&alice, &bob, &a);
	rig.server->overload = full;
	request_send(&mallory, "alice", "OPTIONS", 1, "");
	phone_send_raw(&mallory, "\r\n\r\n", 4);
	phone_expect_nothing(&mallory);
	assert_int_equal(rig.server->stats.unread, 2);
	rig.server->overload = full;
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
	view_clear(&a);
	assert_int_equal(rig.server->stats.unread, 2);

	/* and it passes */
	rig.server->overload = (struct overload){ .messages = 1 };
	wheel_skip(rig.server->wheel, 1000);
	request_send(&mallory, "alice", "OPTIONS", 2, "");
	mem_deref(phone_expect(&mallory, 407));
}

/* T-S9: a header is the same header however its name is written. */
static void test_t_s9_smuggling(void **state)
{
	static const struct {
		const char *line;
		unsigned int status;
	} cases[] = {
		{ "Max-Forwards: 0\n", 483 },
		{ "Max-Forwards : 0\n", 483 },
		{ "max-forwards\t:0\n", 483 },
		{ "Max-Forwards:\n  0\n", 483 },
		{ "Proxy-Require: x\n", 420 },
		{ "PROXY-REQUIRE \t : x\n", 420 },
		{ "Proxy-Require:\n\tx\n", 420 },
		{ "Route: <sip:127.0.0.9;lr>\n", 403 },
		{ "Route : <sip:127.0.0.9;lr>\n", 403 },
		{ "rOUTE:\n <sip:127.0.0.9;lr>\n", 403 },
		{ "Content-Length : 9\n", 400 },
		{ "l : 9\n", 400 },
		{ "L: 9\n", 400 },
	};
	struct sip_msg *msg;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		wheel_skip(rig.server->wheel, 1000);
		request_send(&alice, "alice", "MESSAGE", (unsigned int)i, cases[i].line);
		msg = phone_receive(&alice);
		if (!msg || msg->scode != cases[i].status)
			fail_msg("%s: %u", cases[i].line, msg ? msg->scode : 0);
		mem_deref(msg);
	}
	phone_expect_nothing(&bob);
}

/* T-S13: nothing of a stranger gets through, whatever its method. */
static void test_t_s13_other_methods(void **state)
{
	static const char *const methods[] = {
		"INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "NOTIFY",  "REFER",
		"INFO",   "UPDATE",  "PRACK",     "BYE",     "OPTIONS", "FOO",
	};
	struct sip_msg *msg;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		wheel_skip(rig.server->wheel, 1000);
		/* in the name of one who is registered, but from elsewhere */
		request_send(&mallory, "alice", methods[i], (unsigned int)i, "");
		msg = phone_receive(&mallory);
		if (!msg || msg->scode != 407)
			fail_msg("%s: %u", methods[i], msg ? msg->scode : 0);
		mem_deref(msg);
	}
	phone_expect_nothing(&bob);
	assert_int_equal(transactions_count(rig.server->transactions), 0);
}

/* T-M6: who lets many calls ring gets no more ports; others do, and time gives them back. */
static void test_t_m6_unanswered(void **state)
{
	struct sip_msg *msg;
	struct phone carol;
	unsigned int i;

	(void)state;
	for (i = 0; i < RINGING_USER; i++) {
		request_send(&alice, "alice", "INVITE", i, "");
		mem_deref(phone_expect(&alice, 100));
		mem_deref(phone_expect_request(&bob, "INVITE"));
	}
	request_send(&alice, "alice", "INVITE", i, "");
	msg = phone_expect(&alice, 503);
	assert_non_null(sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER));
	mem_deref(msg);
	assert_int_equal(dialogs_count(rig.server->dialogs), RINGING_USER);

	phone_open(&carol, &rig, "127.0.0.3");
	phone_register(&carol, "carol", "secret-c");
	request_send(&carol, "carol", "INVITE", 1, "");
	mem_deref(phone_expect(&carol, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2>\n", "");
	mem_deref(msg);
	mem_deref(phone_expect(&carol, 200));
	phone_close(&carol);

	/* bob never answers: timer B ends them all */
	wheel_skip(rig.server->wheel, 33000);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	phone_close(&alice);
	phone_close(&bob);
	phone_open(&alice, &rig, "127.0.0.1");
	phone_open(&bob, &rig, "127.0.0.2");
	phone_register(&alice, "alice", "secret-a");
	request_send(&alice, "alice", "INVITE", 100, "");
	mem_deref(phone_expect(&alice, 100));
}

/* T-M6: those who let calls ring together do not keep out one who does not. */
static void test_t_m6_many(void **state)
{
	/* of 1000 ports, by four */
	const unsigned int half = 125;
	struct sip_msg *msg;
	struct phone carol;
	unsigned int i;

	teardown(state);
	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "ringing 200 400\n");
	phone_open(&alice, &rig, "127.0.0.1");
	phone_open(&bob, &rig, "127.0.0.2");
	phone_open(&mallory, &rig, "127.0.0.66");
	phone_open(&carol, &rig, "127.0.0.3");
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	phone_register(&carol, "carol", "secret-c");
	for (i = 0; i < half; i++) {
		request_send(&alice, "alice", "INVITE", i, "");
		mem_deref(phone_expect(&alice, 100));
		mem_deref(phone_expect_request(&bob, "INVITE"));
	}
	request_send(&alice, "alice", "INVITE", i, "");
	mem_deref(phone_expect(&alice, 503));
	for (i = 0; i < 200 / 16 + 1; i++) {
		request_send(&carol, "carol", "INVITE", i, "");
		mem_deref(phone_expect(&carol, 100));
		msg = phone_expect_request(&bob, "INVITE");
		mem_deref(msg);
	}
	request_send(&carol, "carol", "INVITE", i, "");
	mem_deref(phone_expect(&carol, 503));
	phone_close(&carol);

	/* when they do not ring any more, there is room again */
	wheel_skip(rig.server->wheel, 33000);
	wheel_skip(rig.server->wheel, 33000);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	phone_register(&mallory, "carol", "secret-c");
	for (i = 0; i < 200 / 16 + 2; i++) {
		request_send(&mallory, "carol", "INVITE", 1000 + i, "");
		mem_deref(phone_expect(&mallory, 100));
	}
}

/* One that is answered rings no more. */
static void test_t_m6_answered(void **state)
{
	struct sip_msg *msg;
	unsigned int i;

	(void)state;
	for (i = 0; i < RINGING_USER + 5; i++) {
		request_send(&alice, "alice", "INVITE", i, "");
		mem_deref(phone_expect(&alice, 100));
		msg = phone_expect_request(&bob, "INVITE");
		phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2>\n", "");
		mem_deref(msg);
		mem_deref(phone_expect(&alice, 200));
	}
}

int main(void)
{
#define THREAT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		THREAT_TEST(test_t_s1_who_is_there), THREAT_TEST(test_t_s4_contact_of_a_victim),
		THREAT_TEST(test_t_s6_flood),        THREAT_TEST(test_t_s6_no_time),
		THREAT_TEST(test_t_s9_smuggling),    THREAT_TEST(test_t_s13_other_methods),
		THREAT_TEST(test_t_m6_unanswered),   THREAT_TEST(test_t_m6_many),
		THREAT_TEST(test_t_m6_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
