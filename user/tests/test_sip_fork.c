// SPDX-License-Identifier: GPL-2.0-or-later
/* A user with several terminals: who rings, who answers, and whose streams go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip_fake_media.h"
#include "sip_view.h"

#define CONTACT "Contact: <sip:bob@192.168.1.2:5060>\n"

static struct rig rig;
static struct phone alice, bob[3];

static int setup(void **state)
{
	size_t i;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "");
	phone_open(&alice, &rig, "127.0.0.1");
	phone_register(&alice, "alice", "secret-a");
	for (i = 0; i < ARRAY_SIZE(bob); i++) {
		phone_open(&bob[i], &rig, "127.0.0.2");
		phone_register_as(&bob[i], "bob", "secret-b", (unsigned int)i);
	}
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;
	phone_close(&alice);
	for (i = 0; i < ARRAY_SIZE(bob); i++)
		phone_close(&bob[i]);
	rig_stop(&rig);
	return 0;
}

/* Alice's INVITE as each of Bob's terminals gets it; the newest is branch 0. */
static void ring(struct sip_msg *invites[3], const char *extra)
{
	size_t i;

	invite_send(&alice, 1, extra);
	mem_deref(phone_expect(&alice, 100));
	for (i = 0; i < ARRAY_SIZE(bob); i++)
		invites[i] = phone_expect_request(&bob[i], "INVITE");
}

static void drop(struct sip_msg *invites[3])
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bob); i++)
		mem_deref(invites[i]);
}

static void expect_cancel(struct phone *phone, const struct sip_msg *invite)
{
	struct sip_msg *msg = phone_expect_request(phone, "CANCEL");

	assert_int_equal(pl_cmp(&msg->via.branch, &invite->via.branch), 0);
	phone_reply(phone, msg, 200, "c", "", "");
	phone_reply(phone, invite, 487, "c", "", "");
	mem_deref(msg);
	mem_deref(phone_expect_request(phone, "ACK"));
}

/* Several ring, each with early media of its own; one answers, the others are told. */
static void test_one_answers(void **state)
{
	struct sip_msg *invites[3], *msg;
	struct view a;

	(void)state;
	ring(invites, "");
	assert_int_equal(fake.passes, 3);
	assert_int_equal(pl_cmp(&invites[0]->via.branch, &invites[1]->via.branch) == 0, 0);

	phone_reply(&bob[0], invites[0], 183, "b0", "", SDP);
	mem_deref(phone_expect(&alice, 183));
	assert_int_equal(fake.last.call.branch, 2);
	assert_int_equal(fake.last.role, MEDIA_ROLE_ANSWER);
	phone_reply(&bob[1], invites[1], 183, "b1", "", SDP);
	mem_deref(phone_expect(&alice, 183));
	assert_int_equal(fake.last.call.branch, 1);
	phone_reply(&bob[2], invites[2], 180, "b2", "", "");
	mem_deref(phone_expect(&alice, 180));
	assert_int_equal(fake.ends, 0);

	phone_reply(&bob[1], invites[1], 200, "b1", CONTACT, SDP);
	msg = phone_expect(&alice, 200);
	view_set(&a, &alice, msg, "a1");
	mem_deref(msg);
	assert_int_equal(fake.ended, 1 << 0 | 1 << 2);
	expect_cancel(&bob[0], invites[0]);
	expect_cancel(&bob[2], invites[2]);

	view_send(&a, &alice, "ACK", 1, "");
	mem_deref(phone_expect_request(&bob[1], "ACK"));
	/* all that follows belongs to the branch that answered, a restart included */
	rig_restart(&rig);
	view_send(&a, &alice, "INVITE", 2, SDP);
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&bob[1], "INVITE"));
	assert_int_equal(fake.last.call.branch, 1);
	view_send(&a, &alice, "BYE", 3, "");
	mem_deref(phone_expect_request(&bob[1], "BYE"));
	assert_int_equal(fake.ended, 7);
	assert_int_equal(fake.ends, 3);
	phone_expect_nothing(&bob[0]);
	view_clear(&a);
	drop(invites);
}

/* Two pick up at the same time: the first one has it. */
static void test_two_answer(void **state)
{
	struct sip_msg *invites[3], *msg;

	(void)state;
	ring(invites, "");
	phone_reply(&bob[0], invites[0], 180, "b0", "", "");
	mem_deref(phone_expect(&alice, 180));
	phone_reply(&bob[2], invites[2], 200, "b2", CONTACT, SDP);
	mem_deref(phone_expect(&alice, 200));
	expect_cancel(&bob[0], invites[0]);
	phone_reply(&bob[1], invites[1], 200, "b1", CONTACT, SDP);
	mem_deref(phone_expect_request(&bob[1], "ACK"));
	msg = phone_expect_request(&bob[1], "BYE");
	phone_reply(&bob[1], msg, 200, NULL, "", "");
	mem_deref(msg);
	phone_expect_nothing(&alice);
	assert_int_equal(fake.ended, 1 << 1 | 1 << 2);
	/* the one that has it repeats its answer */
	phone_reply(&bob[2], invites[2], 200, "b2", CONTACT, SDP);
	mem_deref(phone_expect(&alice, 200));
	drop(invites);
}

static void test_all_refuse(void **state)
{
	struct sip_msg *invites[3], *msg;

	(void)state;
	ring(invites, "");
	phone_reply(&bob[0], invites[0], 503, "b0", "", "");
	mem_deref(phone_expect_request(&bob[0], "ACK"));
	assert_int_equal(fake.ended, 1 << 2);
	phone_reply(&bob[1], invites[1], 486, "b1", "X-Why: busy\n", "");
	mem_deref(phone_expect_request(&bob[1], "ACK"));
	phone_expect_nothing(&alice);
	phone_reply(&bob[2], invites[2], 404, "b2", "", "");
	mem_deref(phone_expect_request(&bob[2], "ACK"));
	/* the lowest class, and the first of it, as it came */
	msg = phone_expect(&alice, 486);
	mem_deref(msg);
	assert_int_equal(fake.ended, 7);
	assert_int_equal(fake.ends, 3);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	drop(invites);
}

/* One that asks for credentials counts more, one that is not there at all less. */
static void test_best(void **state)
{
	struct sip_msg *invites[3];

	(void)state;
	ring(invites, "");
	phone_reply(&bob[0], invites[0], 404, "b0", "", "");
	mem_deref(phone_expect_request(&bob[0], "ACK"));
	phone_reply(&bob[1], invites[1], 407, "b1", "", "");
	mem_deref(phone_expect_request(&bob[1], "ACK"));
	wheel_skip(rig.server->wheel, 33000);
	mem_deref(phone_expect(&alice, 407));
	drop(invites);
}

static void test_decline(void **state)
{
	struct sip_msg *invites[3];

	(void)state;
	ring(invites, "");
	phone_reply(&bob[0], invites[0], 180, "b0", "", "");
	mem_deref(phone_expect(&alice, 180));
	phone_reply(&bob[2], invites[2], 180, "b2", "", "");
	mem_deref(phone_expect(&alice, 180));
	phone_reply(&bob[1], invites[1], 603, "b1", "", "");
	mem_deref(phone_expect_request(&bob[1], "ACK"));
	expect_cancel(&bob[0], invites[0]);
	expect_cancel(&bob[2], invites[2]);
	mem_deref(phone_expect(&alice, 603));
	drop(invites);
}

static void test_cancel_all(void **state)
{
	struct sip_msg *invites[3];
	size_t i;

	(void)state;
	ring(invites, "");
	for (i = 0; i < ARRAY_SIZE(bob); i++) {
		phone_reply(&bob[i], invites[i], 180, "b", "", "");
		mem_deref(phone_expect(&alice, 180));
	}
	phone_send(&alice, "CANCEL sip:bob@example.net SIP/2.0\n"
			   "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKi1;rport\n"
			   "From: Alice <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
			   "Call-ID: call-1\nCSeq: 1 CANCEL\n\n");
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(fake.ended, 7);
	for (i = 0; i < ARRAY_SIZE(bob); i++)
		expect_cancel(&bob[i], invites[i]);
	mem_deref(phone_expect(&alice, 487));
	phone_expect_nothing(&alice);
	drop(invites);
}

/* Reliable early media (RFC 3262) and an offer before the answer (RFC 3311). */
static void test_early_dialogs(void **state)
{
	struct sip_msg *invites[3], *msg;
	struct view a;

	(void)state;
	ring(invites, "Supported: 100rel\n");
	phone_reply(&bob[0], invites[0], 183, "b0", "Require: 100rel\nRSeq: 1\n" CONTACT, SDP);
	msg = phone_expect(&alice, 183);
	view_set(&a, &alice, msg, "a1");
	mem_deref(msg);
	view_send(&a, &alice, "PRACK", 2, "");
	msg = phone_expect_request(&bob[0], "PRACK");
	phone_reply(&bob[0], msg, 200, NULL, "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(fake.passes, 4);

	view_send(&a, &alice, "UPDATE", 3, SDP);
	msg = phone_expect_request(&bob[0], "UPDATE");
	assert_int_equal(fake.last.call.branch, 2);
	assert_int_equal(fake.last.role, MEDIA_ROLE_OFFER);
	phone_reply(&bob[0], msg, 200, NULL, CONTACT, SDP);
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(fake.last.call.branch, 2);
	assert_int_equal(fake.last.from, NATTRAV_SIDE_B);
	assert_int_equal(fake.passes, 6);

	/* one that is refused leaves the media as it was */
	view_send(&a, &alice, "UPDATE", 4, SDP);
	msg = phone_expect_request(&bob[0], "UPDATE");
	phone_reply(&bob[0], msg, 491, NULL, "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 491));
	assert_int_equal(fake.rejected, 1);
	view_clear(&a);
	drop(invites);
}

/* RFC 5393: no more branches than are left, and each gets its part of them. */
static void test_breadth(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "Max-Breadth: 2\n");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob[2], "INVITE");
	assert_int_equal(pl_u32(&sip_msg_xhdr(msg, "Max-Breadth")->val), 1);
	mem_deref(msg);
	mem_deref(phone_expect_request(&bob[1], "INVITE"));
	phone_expect_nothing(&bob[0]);
	invite_send(&alice, 2, "Max-Breadth: 0\n");
	mem_deref(phone_expect(&alice, 440));
}

static void test_breadth_inserted(void **state)
{
	struct sip_msg *invites[3];

	(void)state;
	ring(invites, "");
	assert_int_equal(pl_u32(&sip_msg_xhdr(invites[0], "Max-Breadth")->val), 20);
	drop(invites);
}

/* A message goes to one terminal, the newest. */
static void test_message(void **state)
{
	(void)state;
	phone_send(&alice, "MESSAGE sip:bob@example.net SIP/2.0\n"
			   "Via: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKm\n"
			   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
			   "Call-ID: m\nCSeq: 1 MESSAGE\n\n");
	mem_deref(phone_expect_request(&bob[2], "MESSAGE"));
	phone_expect_nothing(&bob[0]);
}

static uint32_t session_of(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	struct pl number = hdr ? hdr->val : pl_null;
	const char *end = hdr ? pl_strchr(&number, ';') : NULL;

	if (end)
		number.l = (size_t)(end - number.p);
	return pl_u32(&number);
}

/* RFC 4028: asked for by us if the caller knows how, lowered but not below his least. */
static void test_session_timer(void **state)
{
	struct sip_msg *invites[3], *msg;

	(void)state;
	ring(invites, "Supported: timer\n");
	assert_int_equal(session_of(invites[0]), 1800);
	phone_reply(&bob[0], invites[0], 200, "b0", CONTACT, SDP);
	msg = phone_expect(&alice, 200);
	/* the callee knows nothing of it */
	assert_int_equal(session_of(msg), 1800);
	assert_true(header_has(msg, SIP_HDR_SESSION_EXPIRES, ";refresher=uac"));
	assert_true(sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer"));
	mem_deref(msg);
	drop(invites);
}

static void test_session_lowered(void **state)
{
	struct sip_msg *invites[3], *msg;

	(void)state;
	ring(invites, "Supported: timer\nx: 7200;refresher=uas\nMin-SE: 2000\n");
	assert_int_equal(session_of(invites[0]), 2000);
	assert_true(header_has(invites[0], SIP_HDR_SESSION_EXPIRES, ";refresher=uas"));
	phone_reply(&bob[0], invites[0], 200, "b0",
		    "Session-Expires: 2000;refresher=uas\nRequire: timer\n" CONTACT, SDP);
	msg = phone_expect(&alice, 200);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_SESSION_EXPIRES), 1);
	mem_deref(msg);
	drop(invites);
}

static void test_session_left_alone(void **state)
{
	struct sip_msg *invites[3], *msg;

	(void)state;
	ring(invites, "Session-Expires: 900\n");
	assert_int_equal(session_of(invites[0]), 900);
	phone_reply(&bob[0], invites[0], 200, "b0", CONTACT, SDP);
	msg = phone_expect(&alice, 200);
	assert_int_equal(session_of(msg), 0);
	mem_deref(msg);
	drop(invites);
}

int main(void)
{
#define FORK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FORK_TEST(test_one_answers),
		FORK_TEST(test_two_answer),
		FORK_TEST(test_all_refuse),
		FORK_TEST(test_best),
		FORK_TEST(test_decline),
		FORK_TEST(test_cancel_all),
		FORK_TEST(test_early_dialogs),
		FORK_TEST(test_breadth),
		FORK_TEST(test_breadth_inserted),
		FORK_TEST(test_message),
		FORK_TEST(test_session_timer),
		FORK_TEST(test_session_lowered),
		FORK_TEST(test_session_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
