// SPDX-License-Identifier: GPL-2.0-or-later
/* SIP over TCP, TLS and IPv6: framing, limits, and calls from one to the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip/conn.h"
#include "sip/frame.h"
#include "sip_fake_media.h"
#include "sip_rig.h"

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

#define START "OPTIONS sip:example.net SIP/2.0\r\n"

static void test_frames(void **state)
{
	static const struct {
		const char *stream;
		enum frame frame;
		size_t len;
	} cases[] = {
		{ "", FRAME_IDLE, 0 },
		{ "\r", FRAME_IDLE, 0 },
		{ "\r\n", FRAME_IDLE, 0 },
		{ "\r\n\r", FRAME_IDLE, 0 },
		{ "\r\n\r\n", FRAME_KEEPALIVE, 4 },
		{ "\r\n\r\nO", FRAME_KEEPALIVE, 4 },
		{ "\r\nOPT", FRAME_SKIP, 1 },
		{ "\n", FRAME_SKIP, 1 },
		{ "O", FRAME_MORE, 0 },
		{ START "l: 0\r\n", FRAME_MORE, 0 },
		{ START "l: 0\r\n\r\n", FRAME_MESSAGE, 41 },
		{ START "l: 0\r\n\r\nNEXT", FRAME_MESSAGE, 41 },
		{ START "Content-Length: 3\r\n\r\nab", FRAME_MORE, 0 },
		{ START "content-length \t:\t3 \r\n\r\nabcd", FRAME_MESSAGE, 60 },
		/* none, two, no number, a number in two lines, one that is too great */
		{ START "\r\n", FRAME_BAD, 0 },
		{ START "X: y\r\n\r\n", FRAME_BAD, 0 },
		{ START "l: 0\r\nContent-Length: 0\r\n\r\n", FRAME_BAD, 0 },
		{ START "l: x\r\n\r\n", FRAME_BAD, 0 },
		{ START "l: -1\r\n\r\n", FRAME_BAD, 0 },
		{ START "l: 1\r\n 0\r\n\r\n", FRAME_BAD, 0 },
		{ START "l: 99999999999999999999\r\n\r\n", FRAME_BAD, 0 },
		{ START "l: 200\r\n\r\n", FRAME_BAD, 0 },
		/* the line goes on: it is not a header of its own */
		{ START "X: y\r\n l: 9\r\nl: 0\r\n\r\n", FRAME_MESSAGE, 54 },
	};
	struct pl stream;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		pl_set_str(&stream, cases[i].stream);
		if (frame_next(&stream, 200, &len) != cases[i].frame || len != cases[i].len)
			print_error("case %zu: %zu\n", i, len);
		assert_int_equal(frame_next(&stream, 200, &len), cases[i].frame);
		assert_int_equal(len, cases[i].len);
	}
	/* no end of headers in all that a message may have */
	pl_set_str(&stream, START START START START START START START);
	assert_int_equal(frame_next(&stream, 200, &len), FRAME_BAD);
}

static const char options[] = "OPTIONS sip:example.net SIP/2.0\n"
			      "Via: SIP/2.0/TCP 192.168.1.2;branch=z9hG4bK%u\n"
			      "From: <sip:x@example.net>;tag=x\nTo: <sip:example.net>\n"
			      "Call-ID: o%u\nCSeq: 1 OPTIONS\nContent-Length: %u\n\n";

static void expect_pong(struct phone *phone)
{
	struct mbuf *mb = phone_receive_raw(phone);

	assert_non_null(mb);
	assert_int_equal(mb->end, 2);
	assert_memory_equal(mb->buf, "\r\n", 2);
	mem_deref(mb);
}

/* Several in one piece, one in several pieces, keep-alives between them. */
static void test_tcp(void **state)
{
	struct sip_msg *msg;
	struct phone phone;

	(void)state;
	phone_open_tcp(&phone, &rig);
	phone_send(&phone, "\n\nOPTIONS sip:exam");
	expect_pong(&phone);
	phone_send(&phone, options + strlen("OPTIONS sip:exam"), 1, 1, 0);
	msg = phone_expect(&phone, 200);
	assert_true(header_has(msg, SIP_HDR_VIA, "SIP/2.0/TCP 192.168.1.2"));
	assert_true(header_has(msg, SIP_HDR_VIA, "received=127.0.0.1;rport="));
	mem_deref(msg);
	phone_send_raw(&phone, "\r\n", 2);
	phone_expect_nothing(&phone);
	phone_send_raw(&phone, "\r\n", 2);
	expect_pong(&phone);
	assert_int_equal(flows_connections(rig.server->flows), 1);
	phone_close(&phone);
}

static void test_glued(void **state)
{
	struct mbuf *mb = mbuf_alloc(4096);
	struct phone phone;
	unsigned int i;
	char *text;

	(void)state;
	phone_open_tcp(&phone, &rig);
	for (i = 0; i < 5; i++) {
		assert_int_equal(re_sdprintf(&text, options, i, i, 0u), 0);
		(void)mbuf_write_str(mb, text);
		mem_deref(text);
	}
	(void)mbuf_write_u8(mb, 0);
	phone_send(&phone, "%s", (const char *)mb->buf);
	for (i = 0; i < 5; i++)
		mem_deref(phone_expect(&phone, 200));
	mem_deref(mb);
	phone_close(&phone);
}

/* Threat S14: half a message, no message, no SIP. */
static void test_deadlines(void **state)
{
	struct phone phone;

	(void)state;
	phone_open_tcp(&phone, &rig);
	wheel_skip(rig.server->wheel, 9000);
	assert_int_equal(flows_connections(rig.server->flows), 1);
	wheel_skip(rig.server->wheel, 2000);
	phone_expect_close(&phone);
	phone_close(&phone);

	/* byte by byte is no way to stay */
	phone_open_tcp(&phone, &rig);
	phone_send(&phone, options, 1, 1, 0);
	mem_deref(phone_expect(&phone, 200));
	phone_send_raw(&phone, "O", 1);
	phone_expect_nothing(&phone);
	wheel_skip(rig.server->wheel, 6000);
	phone_send_raw(&phone, "P", 1);
	phone_expect_nothing(&phone);
	assert_false(phone.closed);
	wheel_skip(rig.server->wheel, 6000);
	phone_expect_close(&phone);
	phone_close(&phone);

	phone_open_tcp(&phone, &rig);
	phone_send(&phone, "GET / HTTP/1.1\nHost: x\n\n");
	phone_expect_close(&phone);
	phone_close(&phone);

	/* who has said something may be silent for a while */
	phone_open_tcp(&phone, &rig);
	phone_send(&phone, options, 1, 1, 0);
	mem_deref(phone_expect(&phone, 200));
	wheel_skip(rig.server->wheel, 600000);
	phone_expect_nothing(&phone);
	assert_false(phone.closed);
	wheel_skip(rig.server->wheel, 400000);
	phone_expect_close(&phone);
	phone_close(&phone);
	assert_int_equal(flows_connections(rig.server->flows), 0);
}

static void test_too_many(void **state)
{
	static struct phone phones[CONN_SOURCE_MAX], last;
	unsigned int i;

	(void)state;
	for (i = 0; i < CONN_SOURCE_MAX; i++)
		phone_open_tcp(&phones[i], &rig);
	phone_open_tcp(&last, &rig);
	phone_expect_close(&last);
	assert_int_equal(flows_connections(rig.server->flows), CONN_SOURCE_MAX);
	phone_close(&phones[0]);
	phone_close(&last);
	phone_open_tcp(&last, &rig);
	phone_send(&last, options, 1, 1, 0);
	mem_deref(phone_expect(&last, 200));
	phone_close(&last);
	for (i = 1; i < CONN_SOURCE_MAX; i++)
		phone_close(&phones[i]);
}

static const char invite[] = "INVITE sip:bob@example.net SIP/2.0\n"
			     "Via: SIP/2.0/TCP 192.168.1.2:5060;branch=z9hG4bKi1\n"
			     "From: <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
			     "Call-ID: call-1\nCSeq: 1 INVITE\nMax-Forwards: 70\n"
			     "Contact: <sip:alice@192.168.1.2:5060>\nContent-Length: 0\n\n";

/* From one transport to another, there and back. */
static void call(struct phone *alice, struct phone *bob, const char *via, const char *own,
		 const char *other)
{
	struct sip_msg *msg, *ok;
	char *routes = NULL;

	phone_send(alice, "%s", invite);
	mem_deref(phone_expect(alice, 100));
	msg = phone_expect_request(bob, "INVITE");
	assert_true(header_has(msg, SIP_HDR_VIA, via));
	assert_true(header_has(msg, SIP_HDR_RECORD_ROUTE, own));
	assert_true(header_has(msg, SIP_HDR_RECORD_ROUTE, other));
	phone_reply(bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", "");
	ok = phone_expect(alice, 200);
	assert_int_equal(
		re_sdprintf(&routes, "Route: %r\nRoute: %r\n",
			    &sip_msg_hdr_apply(ok, false, SIP_HDR_RECORD_ROUTE, NULL, NULL)->val,
			    &sip_msg_hdr(ok, SIP_HDR_RECORD_ROUTE)->val),
		0);
	mem_deref(msg);
	mem_deref(ok);
	phone_send(alice,
		   "BYE sip:bob@192.168.1.2:5060 SIP/2.0\n"
		   "Via: SIP/2.0/TCP 192.168.1.2:5060;branch=z9hG4bKb\n%s"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>;tag=b1\n"
		   "Call-ID: call-1\nCSeq: 2 BYE\nContent-Length: 0\n\n",
		   routes);
	mem_deref(routes);
	msg = phone_expect_request(bob, "BYE");
	phone_reply(bob, msg, 200, NULL, "", "");
	mem_deref(msg);
	mem_deref(phone_expect(alice, 200));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
}

static void test_tcp_to_udp(void **state)
{
	struct phone alice, bob;

	(void)state;
	phone_open_tcp(&alice, &rig);
	phone_open(&bob, &rig, "127.0.0.1");
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	call(&alice, &bob, "SIP/2.0/UDP 127.0.0.1", ";transport=tcp;lr>", ";lr>");
	phone_close(&alice);
	phone_close(&bob);
}

static void test_tls_to_ipv6(void **state)
{
	struct phone alice, bob;

	(void)state;
	phone_open_tls(&alice, &rig);
	phone_open(&bob, &rig, "::1");
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	call(&alice, &bob, "SIP/2.0/UDP [::1]:", ";transport=tls;lr>", "@[::1]:");
	phone_close(&alice);
	phone_close(&bob);
}

static void test_udp_to_tls(void **state)
{
	struct phone alice, bob;

	(void)state;
	phone_open(&alice, &rig, "127.0.0.1");
	phone_open_tls(&bob, &rig);
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	call(&alice, &bob, "SIP/2.0/TLS 127.0.0.1", ";transport=tls;lr>", ";lr>");
	phone_close(&alice);
	phone_close(&bob);
}

/* Over UDP the end of the datagram is that of the message; over a stream it has to be said. */
static void test_no_length(void **state)
{
	struct phone alice, bob;
	struct sip_msg *msg;

	(void)state;
	phone_open(&alice, &rig, "127.0.0.1");
	phone_open_tls(&bob, &rig);
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	phone_send(&alice,
		   "MESSAGE sip:bob@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKm\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
		   "Call-ID: message-1\nCSeq: 1 MESSAGE\nMax-Forwards: 70\n"
		   "Content-Type: text/plain\n\nhello");
	msg = phone_expect_request(&bob, "MESSAGE");
	assert_true(header_has(msg, SIP_HDR_CONTENT_LENGTH, "5"));
	mem_deref(msg);

	phone_send(&bob,
		   "MESSAGE sip:alice@example.net SIP/2.0\nVia: SIP/2.0/TLS @L;branch=z9hG4bKn\n"
		   "From: <sip:bob@example.net>;tag=b1\nTo: <sip:alice@example.net>\n"
		   "Call-ID: message-2\nCSeq: 1 MESSAGE\nMax-Forwards: 70\n"
		   "Content-Length: 0\n\n");
	msg = phone_expect_request(&alice, "MESSAGE");
	phone_send(&alice,
		   "SIP/2.0 200 OK\nVia: %r\nVia: %r\nFrom: %r\nTo: %r;tag=a2\n"
		   "Call-ID: message-2\nCSeq: 1 MESSAGE\n\n",
		   &sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, NULL, NULL)->val,
		   &sip_msg_hdr_apply(msg, false, SIP_HDR_VIA, NULL, NULL)->val, &msg->from.val,
		   &msg->to.val);
	mem_deref(msg);
	msg = phone_expect(&bob, 200);
	assert_true(header_has(msg, SIP_HDR_CONTENT_LENGTH, "0"));
	mem_deref(msg);
	phone_close(&alice);
	phone_close(&bob);
}

static bool nobody_is_registered(void *arg)
{
	return !location_count(arg);
}

/* The path goes with its connection: there is no other way to a terminal behind a NAT. */
static void test_connection_lost(void **state)
{
	struct phone alice, bob;

	(void)state;
	phone_open(&alice, &rig, "127.0.0.1");
	phone_register(&alice, "alice", "secret-a");
	phone_open_tcp(&bob, &rig);
	phone_register(&bob, "bob", "secret-b");
	assert_int_equal(location_count(rig.server->location), 2);
	phone_close(&bob);
	wheel_skip(rig.server->wheel, 601000);
	assert_true(rig_wait(nobody_is_registered, rig.server->location));
	phone_register(&alice, "alice", "secret-a");
	phone_send(&alice, "%s", invite);
	mem_deref(phone_expect(&alice, 480));
	/* nothing is repeated over a connection, and nothing stays behind */
	assert_int_equal(transactions_count(rig.server->transactions), 0);
	phone_close(&alice);
}

/* The timers of a transaction over TCP: no retransmission, no wait for stragglers. */
static void test_no_retransmission(void **state)
{
	struct phone alice, bob;
	struct sip_msg *msg;

	(void)state;
	phone_open_tcp(&alice, &rig);
	phone_open_tcp(&bob, &rig);
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	phone_send(&alice, "%s", invite);
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&bob, "INVITE");
	wheel_skip(rig.server->wheel, 5000);
	phone_expect_nothing(&bob);
	phone_reply(&bob, msg, 486, "b1", "", "");
	mem_deref(phone_expect_request(&bob, "ACK"));
	mem_deref(phone_expect(&alice, 486));
	wheel_skip(rig.server->wheel, 2000);
	phone_expect_nothing(&alice);
	phone_send(&alice, "ACK sip:bob@example.net SIP/2.0\n"
			   "Via: SIP/2.0/TCP 192.168.1.2:5060;branch=z9hG4bKi1\n"
			   "From: <sip:alice@example.net>;tag=a1\n"
			   "To: <sip:bob@example.net>;tag=b1\nCall-ID: call-1\nCSeq: 1 ACK\n"
			   "Content-Length: 0\n\n");
	phone_expect_nothing(&bob);
	wheel_skip(rig.server->wheel, 100);
	assert_int_equal(transactions_count(rig.server->transactions), 0);
	mem_deref(msg);
	phone_close(&alice);
	phone_close(&bob);
}

/* A connection does not outlive the daemon: what was registered over it is not restored. */
static void test_restart(void **state)
{
	struct phone alice, bob;

	(void)state;
	phone_open(&alice, &rig, "::1");
	phone_open_tcp(&bob, &rig);
	phone_register(&alice, "alice", "secret-a");
	phone_register(&bob, "bob", "secret-b");
	rig_restart(&rig);
	assert_int_equal(location_count(rig.server->location), 1);
	phone_close(&alice);
	phone_close(&bob);
}

int main(void)
{
#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),     STREAM_TEST(test_tcp),
		STREAM_TEST(test_glued),           STREAM_TEST(test_deadlines),
		STREAM_TEST(test_too_many),        STREAM_TEST(test_tcp_to_udp),
		STREAM_TEST(test_tls_to_ipv6),     STREAM_TEST(test_udp_to_tls),
		STREAM_TEST(test_connection_lost), STREAM_TEST(test_no_retransmission),
		STREAM_TEST(test_restart),         STREAM_TEST(test_no_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
