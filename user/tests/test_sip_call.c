// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls through the proxy, over loopback sockets, with a media side that keeps notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip_fake_media.h"
#include "sip_rig.h"
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

/* The whole ladder up to the ACK. */
static void call_establish(struct view *a, struct view *b)
{
	struct sip_msg *msg;

	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	view_set(b, &bob, msg, "b1");
	phone_reply(&bob, msg, 180, "b1", "", "");
	mem_deref(phone_expect(&alice, 180));
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", SDP);
	mem_deref(msg);
	msg = phone_expect(&alice, 200);
	view_set(a, &alice, msg, "a1");
	mem_deref(msg);
	view_send(a, &alice, "ACK", 1, "");
	mem_deref(phone_expect_request(&bob, "ACK"));
}

static void call_drop(struct view *a, struct view *b)
{
	view_clear(a);
	view_clear(b);
}

/* The request as the callee gets it. */
static void test_invite_is_edited(void **state)
{
	struct mbuf *raw;
	struct sip_msg *msg;
	struct pl body;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	raw = phone_receive_raw(&bob);
	assert_non_null(raw);
	assert_non_null(memmem(raw->buf, raw->end, "\r\nX-Unknown :  as it is \r\n", 25));
	assert_int_equal(sip_msg_decode(&msg, raw), 0);
	mem_deref(raw);

	assert_int_equal(pl_strcmp(&msg->ruri, "sip:bob@192.168.1.2:5060"), 0);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_VIA), 2);
	assert_true(header_has(msg, SIP_HDR_VIA, ";received=127.0.0.1;rport="));
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE), 2);
	assert_int_equal(pl_strcmp(&msg->maxfwd, "69"), 0);
	pl_set_mbuf(&body, msg->mb);
	assert_int_equal(pl_u32(&msg->clen), body.l);
	assert_non_null(memmem(body.p, body.l, "relay-a", 7));
	assert_int_equal(fake.last.from, NATTRAV_SIDE_A);
	assert_true(sa_cmp(&fake.last.src, &alice.addr, SA_ALL));
	assert_true(sa_cmp(&fake.last.dst, &bob.addr, SA_ALL));
	mem_deref(msg);
}

static void test_call(void **state)
{
	struct view a, b;
	struct sip_msg *msg;

	(void)state;
	call_establish(&a, &b);
	assert_int_equal(fake.passes, 2);
	assert_int_equal(fake.last.from, NATTRAV_SIDE_B);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	assert_int_equal(fake.ends, 0);

	view_send(&a, &alice, "BYE", 2, "");
	msg = phone_expect_request(&bob, "BYE");
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_ROUTE), 0);
	assert_int_equal(fake.ends, 1);
	phone_reply(&bob, msg, 200, NULL, "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	call_drop(&a, &b);
}

static void test_callee_hangs_up(void **state)
{
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	view_request(&b, &bob, &alice, "BYE", 1);
	assert_int_equal(fake.ends, 1);
	call_drop(&a, &b);
}

/* Retransmissions stop at the transaction layer; a 2xx goes through again, its SDP does not. */
static void test_retransmissions(void **state)
{
	struct sip_msg *msg, *again;
	struct view a;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	phone_expect_nothing(&bob);

	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", SDP);
	again = phone_expect(&alice, 200);
	view_set(&a, &alice, again, "a1");
	mem_deref(again);
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", SDP);
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(fake.passes, 2);
	view_send(&a, &alice, "ACK", 1, "");
	view_send(&a, &alice, "ACK", 1, "");
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(msg);
	view_clear(&a);
}

/* The callee does not answer the INVITE at all: it is repeated, then 408. */
static void test_timer_b(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&bob, "INVITE"));
	wheel_skip(rig.server->wheel, 600);
	mem_deref(phone_expect_request(&bob, "INVITE"));
	wheel_skip(rig.server->wheel, 33000);
	while ((msg = phone_receive(&bob)))
		mem_deref(msg);
	mem_deref(phone_expect(&alice, 408));
	assert_int_equal(fake.ends, 1);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	wheel_skip(rig.server->wheel, 40000);
	assert_int_equal(transactions_count(rig.server->transactions), 0);
}

/* It rings for ever: timer C cancels. */
static void test_timer_c(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 180, "b1", "", "");
	mem_deref(phone_expect(&alice, 180));
	wheel_skip(rig.server->wheel, 181000);
	mem_deref(phone_expect_request(&bob, "CANCEL"));
	phone_reply(&bob, msg, 487, "b1", "", "");
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect(&alice, 487));
	assert_int_equal(fake.ends, 1);
	mem_deref(msg);
}

static void cancel_send(struct phone *phone)
{
	phone_send(phone, "CANCEL sip:bob@example.net SIP/2.0\n"
			  "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKi1;rport\n"
			  "From: Alice <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
			  "Call-ID: call-1\nCSeq: 1 CANCEL\n\n");
}

static void test_cancel(void **state)
{
	struct sip_msg *msg, *cancel;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 180, "b1", "", "");
	mem_deref(phone_expect(&alice, 180));

	cancel_send(&alice);
	mem_deref(phone_expect(&alice, 200));
	/* the ports are free at once */
	assert_int_equal(fake.ends, 1);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	cancel = phone_expect_request(&bob, "CANCEL");
	assert_int_equal(pl_cmp(&cancel->via.branch, &msg->via.branch), 0);
	assert_int_equal(pl_cmp(&cancel->ruri, &msg->ruri), 0);
	phone_reply(&bob, cancel, 200, "b1", "", "");
	phone_reply(&bob, msg, 487, "b1", "", "");
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect(&alice, 487));
	assert_int_equal(fake.ends, 1);
	mem_deref(cancel);
	mem_deref(msg);
}

/* Not before a provisional response (RFC 3261 section 9.1). */
static void test_early_cancel(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	cancel_send(&alice);
	mem_deref(phone_expect(&alice, 200));
	assert_int_equal(fake.ends, 1);
	wheel_skip(rig.server->wheel, 2000);
	phone_expect_nothing(&bob);
	phone_reply(&bob, msg, 180, "b1", "", "");
	mem_deref(phone_expect_request(&bob, "CANCEL"));
	phone_expect_nothing(&alice);
	mem_deref(msg);
}

/* The callee is not there at all. */
static void test_cancel_into_nothing(void **state)
{
	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&bob, "INVITE"));
	cancel_send(&alice);
	mem_deref(phone_expect(&alice, 200));
	wheel_skip(rig.server->wheel, 33000);
	mem_deref(phone_expect(&alice, 487));
	assert_int_equal(fake.ends, 1);
}

/* The callee answers while the CANCEL is on its way to him. */
static void test_cancel_crosses_answer(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 180, "b1", "", "");
	mem_deref(phone_expect(&alice, 180));
	cancel_send(&alice);
	mem_deref(phone_expect(&alice, 200));
	mem_deref(phone_expect_request(&bob, "CANCEL"));
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2>\n", SDP);
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect_request(&bob, "BYE"));
	mem_deref(phone_expect(&alice, 487));
	assert_int_equal(fake.passes, 1);
	mem_deref(msg);
}

/* Threat S10: neither branch nor tokens help somebody who is elsewhere. */
static void test_strangers(void **state)
{
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	view_send(&a, &mallory, "BYE", 2, "");
	mem_deref(phone_expect(&mallory, 403));
	view_send(&b, &mallory, "INVITE", 2, SDP);
	mem_deref(phone_expect(&mallory, 403));
	cancel_send(&mallory);
	mem_deref(phone_expect(&mallory, 481));
	phone_expect_nothing(&bob);
	phone_expect_nothing(&alice);
	assert_int_equal(fake.ends, 0);
	call_drop(&a, &b);
}

/* The NAT gave the terminal another port: it goes on, and is reached there. */
static void test_rebound_port(void **state)
{
	struct phone moved;
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	phone_open(&moved, &rig, "127.0.0.1");
	view_request(&a, &moved, &bob, "INFO", 2);
	view_send(&b, &bob, "BYE", 1, "");
	mem_deref(phone_expect_request(&moved, "BYE"));
	phone_expect_nothing(&alice);
	phone_close(&moved);
	call_drop(&a, &b);
}

/* The terminal changed networks and registered from there. */
static void test_new_network(void **state)
{
	struct phone moved;
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	phone_open(&moved, &rig, "127.0.0.7");
	view_send(&a, &moved, "INFO", 2, "");
	mem_deref(phone_expect(&moved, 403));
	phone_register(&moved, "alice", "secret-a");
	view_send(&a, &moved, "INFO", 3, "");
	mem_deref(phone_expect_request(&bob, "INFO"));
	phone_close(&moved);
	call_drop(&a, &b);
}

static void test_tampered_token(void **state)
{
	struct view a, b;
	char *at;

	(void)state;
	call_establish(&a, &b);
	at = strchr(a.routes, '@');
	assert_non_null(at);
	at[-1] = at[-1] == 'A' ? 'B' : 'A';
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect(&alice, 403));
	phone_expect_nothing(&bob);
	assert_int_equal(fake.ends, 0);
	call_drop(&a, &b);
}

/* A token for one call is none for another. */
static void test_foreign_token(void **state)
{
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	phone_send(&alice,
		   "BYE sip:peer@192.168.1.2:5060 SIP/2.0\n"
		   "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKx\n"
		   "%sFrom: %s\nTo: %s\nCall-ID: call-2\nCSeq: 9 BYE\n\n",
		   a.routes, a.from, a.to);
	mem_deref(phone_expect(&alice, 403));
	call_drop(&a, &b);
}

static void test_wrong_tags(void **state)
{
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	phone_send(&alice,
		   "BYE sip:peer@192.168.1.2:5060 SIP/2.0\n"
		   "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKx\n"
		   "%sFrom: <sip:alice@example.net>;tag=other\nTo: %s\nCall-ID: call-1\n"
		   "CSeq: 9 BYE\n\n",
		   a.routes, a.to);
	mem_deref(phone_expect(&alice, 481));
	call_drop(&a, &b);
}

/* Re-INVITE of the callee: sides stay what they are. */
static void test_reinvite(void **state)
{
	struct sip_msg *msg;
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	view_send(&b, &bob, "INVITE", 1, SDP);
	mem_deref(phone_expect(&bob, 100));
	msg = phone_expect_request(&alice, "INVITE");
	assert_int_equal(fake.last.from, NATTRAV_SIDE_B);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE), 0);
	phone_reply(&alice, msg, 200, NULL, "Contact: <sip:alice@192.168.1.2>\n", SDP);
	mem_deref(phone_expect(&bob, 200));
	assert_int_equal(fake.last.from, NATTRAV_SIDE_A);
	view_send(&b, &bob, "ACK", 1, "");
	mem_deref(phone_expect_request(&alice, "ACK"));
	mem_deref(msg);

	/* one that fails leaves the call alone */
	view_send(&b, &bob, "INVITE", 2, SDP);
	mem_deref(phone_expect(&bob, 100));
	msg = phone_expect_request(&alice, "INVITE");
	phone_reply(&alice, msg, 488, NULL, "", "");
	mem_deref(phone_expect_request(&alice, "ACK"));
	mem_deref(phone_expect(&bob, 488));
	assert_int_equal(fake.ends, 0);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	mem_deref(msg);
	call_drop(&a, &b);
}

/* No SDP in the INVITE: the 200 offers and the ACK answers, both once. */
static void test_delayed_offer(void **state)
{
	struct sip_msg *msg;
	struct view a;

	(void)state;
	invite_send_sdp(&alice, 1, "", "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	assert_int_equal(fake.passes, 0);
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", SDP);
	mem_deref(msg);
	msg = phone_expect(&alice, 200);
	view_set(&a, &alice, msg, "a1");
	mem_deref(msg);
	view_send(&a, &alice, "ACK", 1, SDP);
	msg = phone_expect_request(&bob, "ACK");
	assert_int_equal(fake.passes, 2);
	assert_int_equal(fake.last.from, NATTRAV_SIDE_A);
	assert_true(mbuf_get_left(msg->mb) > 0);
	mem_deref(msg);
	view_send(&a, &alice, "ACK", 1, SDP);
	mem_deref(phone_expect_request(&bob, "ACK"));
	assert_int_equal(fake.passes, 2);
	view_clear(&a);
}

static void test_refused(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 486, "b1", "", "");
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect(&alice, 486));
	assert_int_equal(fake.ends, 1);
	/* timer G repeats it until the ACK comes, which goes no further */
	wheel_skip(rig.server->wheel, 600);
	mem_deref(phone_expect(&alice, 486));
	phone_send(&alice,
		   "ACK sip:bob@example.net SIP/2.0\n"
		   "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKi1;rport\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>;tag=b1\n"
		   "Call-ID: call-1\nCSeq: 1 ACK\n\n");
	phone_expect_nothing(&bob);
	wheel_skip(rig.server->wheel, 5000);
	phone_expect_nothing(&alice);
	mem_deref(msg);
}

static void test_offer_refused(void **state)
{
	(void)state;
	invite_send_sdp(&alice, 1, "", "refuse");
	mem_deref(phone_expect(&alice, 488));
	phone_expect_nothing(&bob);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ends, 1);
}

static void test_answer_refused(void **state)
{
	struct sip_msg *msg, *bye;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", "refuse");
	mem_deref(phone_expect_request(&bob, "ACK"));
	bye = phone_expect_request(&bob, "BYE");
	assert_int_equal(bye->cseq.num, 2);
	mem_deref(bye);
	mem_deref(phone_expect(&alice, 488));
	/* he did not hear the ACK */
	phone_reply(&bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", "refuse");
	mem_deref(msg);
	mem_deref(phone_expect_request(&bob, "ACK"));
	phone_expect_nothing(&bob);
	assert_int_equal(fake.passes, 2);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
}

/* The daemon is started again during the call. */
static void test_restart(void **state)
{
	struct view a, b;

	(void)state;
	call_establish(&a, &b);
	rig_restart(&rig);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	assert_int_equal(location_count(rig.server->location), 2);
	view_request(&b, &bob, &alice, "BYE", 1);
	assert_int_equal(fake.ends, 1);
	call_drop(&a, &b);
}

static void test_restart_while_ringing(void **state)
{
	struct sip_msg *msg;

	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	rig_restart(&rig);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ends, 1);
	phone_reply(&bob, msg, 200, "b1", "", SDP);
	phone_expect_nothing(&alice);
	mem_deref(msg);
}

static char *proxy_authorize(const struct sip_msg *msg, const char *user, const char *password)
{
	char *auth = phone_authorize(msg, SIP_HDR_PROXY_AUTHENTICATE, false, "INVITE",
				     "sip:bob@example.net", user, password);
	char *line;

	assert_int_equal(re_sdprintf(&line, "Proxy-Authorization: %s\n", auth), 0);
	mem_deref(auth);
	return line;
}

/* Who does not call over a registered flow proves who he is. */
static void test_proxy_authentication(void **state)
{
	struct sip_msg *msg;
	char *line;

	(void)state;
	invite_send(&mallory, 1, "");
	msg = phone_expect(&mallory, 407);
	line = proxy_authorize(msg, "alice", "guess");
	mem_deref(msg);
	invite_send(&mallory, 2, line);
	mem_deref(line);
	msg = phone_expect(&mallory, 407);
	phone_expect_nothing(&bob);

	/* a user, but not the one of From */
	line = proxy_authorize(msg, "carol", "secret-c");
	invite_send(&mallory, 3, line);
	mem_deref(line);
	mem_deref(phone_expect(&mallory, 403));

	/* whose nonce was used up by that */
	mem_deref(msg);
	invite_send(&mallory, 4, "");
	msg = phone_expect(&mallory, 407);
	line = proxy_authorize(msg, "alice", "secret-a");
	mem_deref(msg);
	invite_send(&mallory, 5, line);
	mem_deref(line);
	mem_deref(phone_expect(&mallory, 100));
	msg = phone_expect_request(&bob, "INVITE");
	assert_null(sip_msg_hdr(msg, SIP_HDR_PROXY_AUTHORIZATION));
	mem_deref(msg);
}

static void request_send(struct phone *phone, const char *method, const char *uri,
			 const char *extra)
{
	static unsigned int n;

	n++;
	phone_send(phone,
		   "%s %s SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKq%u\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:x@example.net>\n"
		   "Call-ID: q%u\nCSeq: 1 %s\n"
		   "User-Agent: a phone with a name that is as long as others have\n%s\n",
		   method, uri, n, n, method, extra);
}

static void test_targets(void **state)
{
	(void)state;
	request_send(&alice, "INVITE", "sip:nobody@example.net", "");
	mem_deref(phone_expect(&alice, 404));
	request_send(&alice, "INVITE", "sip:carol@example.net", "");
	mem_deref(phone_expect(&alice, 480));
	request_send(&alice, "INVITE", "sip:bob@example.org", "");
	mem_deref(phone_expect(&alice, 403));
	request_send(&alice, "OPTIONS", "sip:example.net", "");
	mem_deref(phone_expect(&alice, 200));
	request_send(&alice, "MESSAGE", "sip:bob@example.net", "Max-Forwards: 0\n");
	mem_deref(phone_expect(&alice, 483));
	request_send(&alice, "MESSAGE", "sip:bob@example.net", "Proxy-Require: magic\n");
	mem_deref(phone_expect(&alice, 420));
	request_send(&alice, "INVITE", "sip:bob@example.net", "Route: <sip:198.51.100.9;lr>\n");
	mem_deref(phone_expect(&alice, 403));
	/* default is to deny */
	request_send(&mallory, "SUBSCRIBE", "sip:bob@example.net", "");
	mem_deref(phone_expect(&mallory, 407));
	assert_int_equal(transactions_count(rig.server->transactions), 0);
}

/* A phone that routes everything through us, and a method that is nothing special. */
static void test_message(void **state)
{
	struct sip_msg *msg;

	(void)state;
	request_send(&alice, "MESSAGE", "sip:bob@example.net",
		     "Route: <sip:@S;lr>\nContent-Type: text/plain\nContent-Length: 2\n\nhi");
	msg = phone_expect_request(&bob, "MESSAGE");
	assert_null(sip_msg_hdr(msg, SIP_HDR_ROUTE));
	assert_int_equal(mbuf_get_left(msg->mb), 2);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE), 0);
	phone_reply(&bob, msg, 200, "b1", "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
}

/* What went out comes back in. */
static void test_loop(void **state)
{
	struct sip_msg *msg;
	struct mbuf *raw;

	(void)state;
	request_send(&alice, "MESSAGE", "sip:bob@example.net", "");
	raw = phone_receive_raw(&bob);
	assert_non_null(raw);
	phone_send_raw(&alice, raw->buf, raw->end);
	/* the Request-URI is now Bob's Contact: not ours to serve */
	mem_deref(phone_expect(&alice, 403));
	assert_int_equal(sip_msg_decode(&msg, raw), 0);
	phone_send(
		&alice,
		"MESSAGE sip:bob@example.net SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKz\n"
		"Via: %r\nFrom: %r\nTo: %r\nCall-ID: %r\nCSeq: 1 MESSAGE\n\n",
		&msg->via.val, &msg->from.val, &msg->to.val, &msg->callid);
	mem_deref(phone_expect(&alice, 482));
	mem_deref(msg);
	mem_deref(raw);
}

static void test_same_call_id(void **state)
{
	(void)state;
	invite_send(&alice, 1, "");
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&bob, "INVITE"));
	invite_send(&alice, 2, "");
	mem_deref(phone_expect(&alice, 482));
}

int main(void)
{
#define CALL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CALL_TEST(test_invite_is_edited),
		CALL_TEST(test_call),
		CALL_TEST(test_callee_hangs_up),
		CALL_TEST(test_retransmissions),
		CALL_TEST(test_timer_b),
		CALL_TEST(test_timer_c),
		CALL_TEST(test_cancel),
		CALL_TEST(test_early_cancel),
		CALL_TEST(test_cancel_into_nothing),
		CALL_TEST(test_cancel_crosses_answer),
		CALL_TEST(test_strangers),
		CALL_TEST(test_rebound_port),
		CALL_TEST(test_new_network),
		CALL_TEST(test_tampered_token),
		CALL_TEST(test_foreign_token),
		CALL_TEST(test_wrong_tags),
		CALL_TEST(test_reinvite),
		CALL_TEST(test_delayed_offer),
		CALL_TEST(test_refused),
		CALL_TEST(test_offer_refused),
		CALL_TEST(test_answer_refused),
		CALL_TEST(test_restart),
		CALL_TEST(test_restart_while_ringing),
		CALL_TEST(test_proxy_authentication),
		CALL_TEST(test_targets),
		CALL_TEST(test_message),
		CALL_TEST(test_loop),
		CALL_TEST(test_same_call_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
