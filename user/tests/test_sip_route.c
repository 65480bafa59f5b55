// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls to and from a trunk, and what passes through a call untouched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip_fake_media.h"
#include "sip_view.h"

static struct rig rig;
static struct phone alice, trunk, other, stranger, beside;

static int setup(void **state)
{
	struct sa addr[2];
	char *extra;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(libre_init(), 0);
	addr_free(&addr[0], "127.0.0.5");
	addr_free(&addr[1], "127.0.0.6");
	assert_int_equal(re_sdprintf(&extra, "route 00 %J\nroute 001 %J\nroute @example.org %J\n",
				     &addr[0], &addr[1], &addr[0]),
			 0);
	rig_start(&rig, extra);
	mem_deref(extra);
	phone_open_at(&trunk, &rig, &addr[0]);
	phone_open_at(&other, &rig, &addr[1]);
	phone_open(&alice, &rig, "127.0.0.1");
	phone_open(&stranger, &rig, "127.0.0.66");
	phone_open(&beside, &rig, "127.0.0.5");
	phone_register(&alice, "alice", "secret-a");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&alice);
	phone_close(&trunk);
	phone_close(&other);
	phone_close(&stranger);
	phone_close(&beside);
	rig_stop(&rig);
	return 0;
}

static void call(struct phone *phone, unsigned int n, const char *from, const char *uri,
		 const char *extra)
{
	phone_send(phone,
		   "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKr%u\n"
		   "From: <%s>;tag=a1\nTo: <%s>\nCall-ID: call-1\nCSeq: %u INVITE\n"
		   "Contact: <sip:a@@L>\nUser-Agent: one with a name that is as long as others\n"
		   "%sContent-Length: 0\n\n",
		   uri, n, from, uri, n, extra);
}

/* A number that nobody here has goes to the route that knows most of it. */
static void test_out(void **state)
{
	struct sip_msg *msg, *bye;
	struct view b;

	(void)state;
	call(&alice, 1, "sip:alice@example.net", "sip:0049301234@example.net", "");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&trunk, "INVITE");
	assert_non_null(memmem(msg->ruri.p, msg->ruri.l, "sip:0049301234@127.0.0.5:", 25));
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE), 2);
	view_set(&b, &trunk, msg, "t1");
	phone_reply(&trunk, msg, 200, "t1", "Contact: <sip:x@127.0.0.5>\n", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
	view_send(&b, &trunk, "BYE", 1, "");
	bye = phone_expect_request(&alice, "BYE");
	mem_deref(bye);
	view_clear(&b);
}

static void test_choice(void **state)
{
	struct sip_msg *msg;

	(void)state;
	call(&alice, 1, "sip:alice@example.net", "sip:0015551234@example.net", "");
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&other, "INVITE"));
	phone_send(&alice,
		   "MESSAGE sip:x@example.org SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKm\n"
		   "From: <sip:alice@example.net>;tag=a1\nTo: <sip:x@example.org>\n"
		   "Call-ID: m\nCSeq: 1 MESSAGE\n\n");
	msg = phone_expect_request(&trunk, "MESSAGE");
	assert_int_equal(pl_strcmp(&msg->ruri, "sip:x@example.org"), 0);
	mem_deref(msg);
	call(&alice, 2, "sip:alice@example.net", "sip:12@example.net", "");
	mem_deref(phone_expect(&alice, 404));
	call(&alice, 3, "sip:alice@example.net", "sip:00@example.com", "");
	mem_deref(phone_expect(&alice, 403));
}

/* From a next hop to our users, and not on to another one; nobody else may. */
static void test_in(void **state)
{
	(void)state;
	call(&trunk, 1, "sip:0049@example.org", "sip:alice@example.net", "");
	mem_deref(phone_expect(&trunk, 100));
	mem_deref(phone_expect_request(&alice, "INVITE"));
	call(&trunk, 2, "sip:0049@example.org", "sip:0015551234@example.net", "");
	mem_deref(phone_expect(&trunk, 404));
	call(&trunk, 3, "sip:0049@example.org", "sip:x@example.org", "");
	mem_deref(phone_expect(&trunk, 403));
	call(&stranger, 4, "sip:0049@example.org", "sip:0015551234@example.net", "");
	mem_deref(phone_expect(&stranger, 407));
	call(&stranger, 5, "sip:0049@example.org", "sip:x@example.org", "");
	mem_deref(phone_expect(&stranger, 407));
	/* over UDP the port counts as well */
	call(&beside, 6, "sip:0049@example.org", "sip:alice@example.net", "");
	mem_deref(phone_expect(&beside, 407));
	phone_expect_nothing(&other);
}

/* Transfer: what names dialogs and targets passes byte for byte (RFC 3515, 3891, 3892). */
static void test_transfer(void **state)
{
	static const char refer[] =
		"Refer-To: <sip:carol@example.net?Replaces=call-9%40x%3Bto-tag%3D7%3Bfrom-tag%3D8>\r\n"
		"Referred-By: <sip:bob@example.net>\r\n";
	struct sip_msg *msg;
	struct mbuf *raw;
	struct view a;
	char *text;

	(void)state;
	call(&alice, 1, "sip:alice@example.net", "sip:00493012@example.net",
	     "Replaces: call-9@x;to-tag=7;from-tag=8\n");
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&trunk, "INVITE");
	assert_int_equal(
		pl_strcmp(&sip_msg_xhdr(msg, "Replaces")->val, "call-9@x;to-tag=7;from-tag=8"), 0);
	phone_reply(&trunk, msg, 200, "t1", "Contact: <sip:x@127.0.0.5>\n", "");
	mem_deref(msg);
	msg = phone_expect(&alice, 200);
	view_set(&a, &alice, msg, "a1");
	mem_deref(msg);
	assert_int_equal(
		re_sdprintf(&text,
			    "REFER sip:peer@192.168.1.2:5060 SIP/2.0\n"
			    "Via: SIP/2.0/UDP @L;branch=z9hG4bKrefer\n%s%sFrom: %s\nTo: %s\n"
			    "Call-ID: call-1\nCSeq: 2 REFER\n\n",
			    a.routes,
			    "Refer-To: <sip:carol@example.net?Replaces="
			    "call-9%40x%3Bto-tag%3D7%3Bfrom-tag%3D8>\n"
			    "Referred-By: <sip:bob@example.net>\n",
			    a.from, a.to),
		0);
	phone_send(&alice, "%s", text);
	mem_deref(text);
	raw = phone_receive_raw(&trunk);
	assert_non_null(memmem(raw->buf, raw->end, refer, sizeof(refer) - 1));
	mem_deref(raw);
	view_clear(&a);
}

int main(void)
{
#define ROUTE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROUTE_TEST(test_out),
		ROUTE_TEST(test_choice),
		ROUTE_TEST(test_in),
		ROUTE_TEST(test_transfer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
