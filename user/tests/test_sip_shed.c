// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What overload turns away at a glance, and what it must not: R15 of the list of
 * threats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip/message.h"
#include "sip/shed.h"
#include "sip_fake_media.h"
#include "sip_view.h"

static struct rig rig;
static struct phone alice, bob, mallory;

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "");
	phones_open(&alice, &bob, &rig);
	phone_open(&mallory, &rig, "127.0.0.66");
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

/* Until the next look at the sockets, which is 63 messages away. */
static void overload(void)
{
	rig.server->overload = (struct overload){ .messages = 1, .high = true };
}

/* From a phone to Bob; @lines are what differs from one to the next. */
static void invite_raw(struct phone *phone, unsigned int n, const char *lines)
{
	phone_send(phone,
		   "INVITE sip:bob@example.net SIP/2.0\n%s"
		   "From: <sip:alice@example.net>;tag=a\nTo: <sip:bob@example.net>\n"
		   "Call-ID: shed-%u\nCSeq: 7 INVITE\nMax-Forwards: 70\n"
		   "Contact: <sip:alice@192.168.1.2>\nContent-Length: 0\n\n",
		   lines, n);
}

static void refused_expect(struct phone *phone, unsigned int n)
{
	struct sip_msg *msg = phone_expect(phone, 503);
	char callid[16];

	(void)re_snprintf(callid, sizeof(callid), "shed-%u", n);
	assert_int_equal(pl_strcmp(&msg->callid, callid), 0);
	assert_int_equal(msg->cseq.num, 7);
	assert_true(pl_isset(&msg->to.tag));
	assert_in_range(pl_u32(&sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER)->val), OVERLOAD_RETRY_MIN,
			OVERLOAD_RETRY_MAX);
	mem_deref(msg);
}

/* As it would be after the decoder: Via stamped once, the others as they came, no trace. */
static void test_reply(void **state)
{
	struct sip_msg *msg;

	(void)state;
	overload();
	invite_raw(&alice, 1,
		   "Via: SIP/2.0/UDP 192.168.1.2:5060;rport;branch=z9hG4bK1;received=192.0.2.9\n"
		   "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK0\n");
	msg = phone_expect(&alice, 503);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_VIA), 2);
	assert_int_equal(pl_strcmp(&msg->via.branch, "z9hG4bK1"), 0);
	assert_true(header_has(msg, SIP_HDR_VIA, ";received=127.0.0.1;rport="));
	assert_false(header_has(msg, SIP_HDR_VIA, "192.0.2.9"));
	assert_int_equal(pl_strcmp(&msg->from.tag, "a"), 0);
	mem_deref(msg);
	assert_int_equal(rig.server->stats.shed, 1);
	assert_int_equal(transactions_count(rig.server->transactions), 0);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	phone_expect_nothing(&bob);
}

/* Before it is decoded: what the decoder would refuse with 400 is not looked at. */
static void test_at_a_glance(void **state)
{
	static const char *const odd[] = {
		"Via: SIP/2.0/UDP @L;branch=z9hG4bK4\n\tx\n",
		"Via: SIP/2.0/UDP @L;branch=z9hG4bK5, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK6\n",
		"VIA : SIP/2.0/UDP @L;branch=z9hG4bK7\nSubject: a\n b\n",
	};
	unsigned int i;

	(void)state;
	overload();
	invite_raw(&alice, 1, "Via: SIP/2.0/UDP @L;branch=z9hG4bK2\nMin-SE : \nMax-Forwards: x\n");
	refused_expect(&alice, 1);
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		/* for the decoder, which refuses them as well */
		overload();
		invite_raw(&alice, 2 + i, odd[i]);
		refused_expect(&alice, 2 + i);
	}
}

/* The ACK for a refusal is passed over; that of a call is not. */
static void test_ack(void **state)
{
	const struct flow flow = { flows_find(rig.server->flows, TRANSPORT_UDP, &rig.addr),
				   alice.addr };
	const struct pl callid = PL("ack"), branch = PL("z9hG4bKa"), other = PL("z9hG4bKb");
	struct mbuf *mb = mbuf_alloc(512);
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		mbuf_rewind(mb);
		(void)mbuf_printf(mb,
				  "ACK sip:bob@example.net SIP/2.0\r\n"
				  "Via: SIP/2.0/UDP x;branch=%r\r\nFrom: <sip:a@b>;tag=1\r\n"
				  "To: <sip:bob@example.net>;tag=%016llx\r\nCall-ID: ack\r\n"
				  "CSeq: 1 ACK\r\n\r\n",
				  i == 1 ? &other : &branch,
				  reply_tag(&callid, &branch) + (i == 2));
		assert_int_equal(shed_ack(rig.server, &flow, mb), i == 0);
	}
	mem_deref(mb);
}

/* Its first reply was lost, or comes late: it is the same call, and not a new one. */
static void test_repeated(void **state)
{
	struct sip_msg *request;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	request = phone_expect_request(&bob, "INVITE");
	overload();
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	phone_reply(&bob, request, 486, "b", "", "");
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect(&alice, 486));
	mem_deref(request);
	/* the 486 waits for an ACK: that is for the transaction */
	overload();
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 486));
	assert_int_equal(rig.server->stats.shed, 0);
}

static void test_dialog(void **state)
{
	struct view a;

	(void)state;
	call_answer(&alice, &bob, &a);
	overload();
	view_send(&a, &alice, "INVITE", 2, SDP);
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&bob, "INVITE"));
	overload();
	view_send(&a, &alice, "BYE", 3, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
	view_clear(&a);
	assert_int_equal(rig.server->stats.shed, 0);
}

/* What has a tag gets no other. */
static void test_tag(void **state)
{
	struct sip_msg *msg;

	(void)state;
	overload();
	phone_send(&alice,
		   "INVITE sip:bob@example.net SIP/2.0\n"
		   "Via: SIP/2.0/UDP @L;branch=z9hG4bKt\nFrom: <sip:alice@example.net>;tag=a\n"
		   "To: <sip:bob@example.net>;tag=theirs\nCall-ID: tag\nCSeq: 7 INVITE\n\n");
	msg = phone_expect(&alice, 503);
	assert_int_equal(pl_strcmp(&msg->to.val, "<sip:bob@example.net>;tag=theirs"), 0);
	mem_deref(msg);
}

/* Whoever has a path keeps it, and those who have none wait. */
static void test_register(void **state)
{
	static const char *const users[] = { "bob", "nobody", "%62ob" };
	unsigned int i;

	(void)state;
	overload();
	phone_register(&alice, "alice", "secret-a");
	for (i = 0; i < ARRAY_SIZE(users); i++) {
		overload();
		phone_send(&alice,
			   "REGISTER sip:example.net SIP/2.0\n"
			   "Via: SIP/2.0/UDP @L;branch=z9hG4bKr%u\n"
			   "From: <sip:%s@example.net>;tag=r\nTo: \"x\" <sip:%s@example.net>\n"
			   "Call-ID: shed-%u\nCSeq: 7 REGISTER\n\n",
			   i, users[i], users[i], i);
		refused_expect(&alice, i);
	}
}

/* Ten replies a second, as for all else that strangers send. */
static void test_stranger(void **state)
{
	struct sip_msg *msg;
	unsigned int i, replies = 0;
	char via[64];

	(void)state;
	for (i = 0; i < 40; i++) {
		overload();
		(void)re_snprintf(via, sizeof(via), "Via: SIP/2.0/UDP x;branch=z9hG4bKs%u\n", i);
		invite_raw(&mallory, i, via);
	}
	while ((msg = phone_receive(&mallory))) {
		replies++;
		mem_deref(msg);
	}
	assert_in_range(replies, 10, 15);
}

/* Who drains refuses in the same way. */
static void test_draining(void **state)
{
	(void)state;
	rig.server->draining = true;
	invite_raw(&alice, 1, "Via: SIP/2.0/UDP @L;branch=z9hG4bKd\nMax-Forwards: x\n");
	refused_expect(&alice, 1);
}

int main(void)
{
#define SHED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		SHED_TEST(test_reply),    SHED_TEST(test_at_a_glance), SHED_TEST(test_ack),
		SHED_TEST(test_repeated), SHED_TEST(test_dialog),      SHED_TEST(test_register),
		SHED_TEST(test_stranger), SHED_TEST(test_draining),    SHED_TEST(test_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
