// SPDX-License-Identifier: GPL-2.0-or-later
/* A registrar elsewhere: what goes there, what is kept, and what comes back by the Path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip/token.h"
#include "sip_fake_media.h"
#include "sip_view.h"

static struct rig rig;
static struct phone dave, registrar, stranger;
static char *path;

static int setup(void **state)
{
	struct sa addr;
	char *extra;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(libre_init(), 0);
	addr_free(&addr, "127.0.0.5");
	assert_int_equal(re_sdprintf(&extra, "registrar %J\n", &addr), 0);
	rig_start(&rig, extra);
	mem_deref(extra);
	phone_open_at(&registrar, &rig, &addr);
	phone_open(&dave, &rig, "127.0.0.2");
	phone_open(&stranger, &rig, "127.0.0.66");
	path = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&dave);
	phone_close(&registrar);
	phone_close(&stranger);
	path = mem_deref(path);
	rig_stop(&rig);
	return 0;
}

/* @contact: the Contact line and others. */
static void register_send(struct phone *phone, unsigned int n, const char *contact)
{
	phone_send(phone,
		   "REGISTER sip:example.net SIP/2.0\n"
		   "Via: SIP/2.0/UDP @L;branch=z9hG4bKe%u;keep\n"
		   "From: <sip:dave@example.net>;tag=e\nTo: <sip:dave@example.net>\n"
		   "Call-ID: e\nCSeq: %u REGISTER\n%sContent-Length: 0\n\n",
		   n, n, contact);
}

/* The REGISTER as it comes to the registrar; notes its Path. */
static struct sip_msg *register_take(void)
{
	struct sip_msg *msg = phone_expect_request(&registrar, "REGISTER");
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_PATH);

	assert_non_null(hdr);
	path = mem_deref(path);
	assert_int_equal(pl_strdup(&path, &hdr->val), 0);
	return msg;
}

/* The registrar answers, and the phone hears it. */
static void register_answer(struct phone *phone, uint16_t status, const char *headers)
{
	struct sip_msg *msg = register_take();

	phone_reply(&registrar, msg, status, "r", headers, "");
	mem_deref(msg);
	mem_deref(phone_expect(phone, status));
}

static void register_dave(struct phone *phone, unsigned int n, unsigned int expires)
{
	char headers[128];

	register_send(phone, n, "Contact: <sip:dave@192.168.1.2>\n");
	(void)re_snprintf(headers, sizeof(headers), "Contact: <sip:dave@192.168.1.2>;expires=%u\n",
			  expires);
	register_answer(phone, 200, headers);
}

static void invite(struct phone *from, unsigned int n, const char *route)
{
	phone_send(from,
		   "INVITE sip:dave@192.168.1.2 SIP/2.0\n"
		   "Via: SIP/2.0/UDP @L;branch=z9hG4bKi%u\nRoute: %s\n"
		   "From: <sip:frank@example.net>;tag=f\nTo: <sip:dave@example.net>\n"
		   "Call-ID: call-%u\nCSeq: 1 INVITE\nContact: <sip:frank@@L>\n"
		   "Content-Length: 0\n\n",
		   n, route, n);
}

/* A challenge and a 200 pass as they are, and the flow is kept as long as was granted. */
static void test_register(void **state)
{
	static const char contact[] = "Contact: <sip:dave@192.168.1.2>;q=0.7\nExpires: 900\n";
	struct sip_msg *msg, *answer;

	(void)state;
	register_send(&dave, 1, contact);
	msg = register_take();
	assert_int_equal(pl_strcmp(&msg->ruri, "sip:example.net"), 0);
	assert_true(sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "path"));
	assert_true(header_has(msg, SIP_HDR_PATH, ";lr;ob>"));
	assert_true(header_has(msg, SIP_HDR_CONTACT, "<sip:dave@192.168.1.2>;q=0.7"));
	phone_reply(&registrar, msg, 401, "r",
		    "WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\"\n", "");
	mem_deref(msg);
	answer = phone_expect(&dave, 401);
	assert_true(header_has(answer, SIP_HDR_WWW_AUTHENTICATE, "nonce=\"n\""));
	/* RFC 6223 */
	assert_true(header_has(answer, SIP_HDR_VIA, ";keep=25"));
	mem_deref(answer);
	assert_int_equal(location_count(rig.server->location), 0);

	register_send(&dave, 2, contact);
	msg = register_take();
	phone_reply(&registrar, msg, 200, "r",
		    "Contact: <sip:dave@10.9.9.9>;expires=999, "
		    "<sip:dave@192.168.1.2>;expires=77\n",
		    "");
	mem_deref(msg);
	answer = phone_expect(&dave, 200);
	assert_true(header_has(answer, SIP_HDR_CONTACT, "<sip:dave@192.168.1.2>;expires=77"));
	assert_null(sip_msg_xhdr(answer, "Flow-Timer"));
	mem_deref(answer);
	assert_int_equal(location_count(rig.server->location), 1);
	wheel_skip(rig.server->wheel, 75000);
	assert_int_equal(location_count(rig.server->location), 1);
	wheel_skip(rig.server->wheel, 3000);
	assert_int_equal(location_count(rig.server->location), 0);
}

/* RFC 5626 section 5.4 */
static void test_outbound(void **state)
{
	struct sip_msg *msg;

	(void)state;
	register_send(&dave, 1,
		      "Contact: <sip:dave@192.168.1.2>;reg-id=1;+sip.instance=\"<urn:x>\"\n"
		      "Supported: path, outbound\n");
	msg = register_take();
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_SUPPORTED), 2);
	phone_reply(&registrar, msg, 200, "r",
		    "Require: outbound\nContact: <sip:dave@192.168.1.2>;reg-id=1;"
		    "+sip.instance=\"<urn:x>\";expires=600\n",
		    "");
	mem_deref(msg);
	msg = phone_expect(&dave, 200);
	assert_int_equal(pl_strcmp(&sip_msg_xhdr(msg, "Flow-Timer")->val, "25"), 0);
	mem_deref(msg);
	assert_int_equal(location_count(rig.server->location), 1);
}

/* Gone with an expiry of 0, and when the registrar does not list it any more. */
static void test_unregister(void **state)
{
	(void)state;
	register_dave(&dave, 1, 600);
	register_send(&dave, 2, "Contact: <sip:dave@192.168.1.2>;expires=0\n");
	register_answer(&dave, 200, "");
	assert_int_equal(location_count(rig.server->location), 0);

	register_dave(&dave, 3, 600);
	register_send(&dave, 4, "Contact: *\nExpires: 0\n");
	register_answer(&dave, 200, "");
	assert_int_equal(location_count(rig.server->location), 0);

	/* a refusal changes nothing */
	register_dave(&dave, 5, 600);
	register_send(&dave, 6, "Contact: <sip:dave@192.168.1.2>;expires=0\n");
	register_answer(&dave, 500, "");
	assert_int_equal(location_count(rig.server->location), 1);

	register_send(&dave, 7, "Contact: <sip:dave@192.168.1.2>\n");
	register_answer(&dave, 200, "Contact: <sip:dave@10.9.9.9>;expires=600\n");
	assert_int_equal(location_count(rig.server->location), 0);
}

/* A call by the Path, with requests of both sides inside of it. */
static void test_called(void **state)
{
	struct sip_msg *msg;
	struct view a, b;

	(void)state;
	register_dave(&dave, 1, 600);
	invite(&registrar, 1, path);
	mem_deref(phone_expect(&registrar, 100));
	msg = phone_expect_request(&dave, "INVITE");
	assert_null(sip_msg_hdr(msg, SIP_HDR_ROUTE));
	assert_int_equal(pl_strcmp(&msg->ruri, "sip:dave@192.168.1.2"), 0);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE), 2);
	view_set(&b, &dave, msg, "d");
	phone_reply(&dave, msg, 200, "d", "Contact: <sip:dave@192.168.1.2>\n", "");
	mem_deref(msg);
	msg = phone_expect(&registrar, 200);
	view_set(&a, &registrar, msg, "f");
	mem_deref(msg);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	view_request(&a, &registrar, &dave, "INFO", 2);
	view_request(&b, &dave, &registrar, "BYE", 1);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	view_clear(&a);
	view_clear(&b);
}

/* What a Path must not do: lead to who is gone, for others, or anywhere by a false token. */
static void test_path_refused(void **state)
{
	char *p;

	(void)state;
	register_dave(&dave, 1, 60);
	invite(&stranger, 1, path);
	mem_deref(phone_expect(&stranger, 403));
	/* one character of the token is another; the last may be padding */
	p = strchr(path, ':') + 5;
	*p = *p == 'A' ? 'B' : 'A';
	invite(&registrar, 2, path);
	mem_deref(phone_expect(&registrar, 403));
	register_dave(&dave, 2, 60);
	wheel_skip(rig.server->wheel, 62000);
	invite(&registrar, 3, path);
	mem_deref(phone_expect(&registrar, 430));
	phone_expect_nothing(&dave);
}

/* A token of a Record-Route is no Path, whatever Call-ID it was made for. */
static void test_tokens_differ(void **state)
{
	static const struct pl empty = PL("");
	const struct listener *listener =
		flows_choose(rig.server->flows, TRANSPORT_UDP, AF_INET, "");
	const struct flow flow = { listener, stranger.addr };
	struct token token = { .side = NATTRAV_SIDE_A, .flow = flow_id(&flow) };
	char text[TOKEN_TEXT_MAX];
	struct pl pl;

	(void)state;
	assert_int_equal(token_encode(&token, &rig.server->secret, &empty, text), 0);
	pl_set_str(&pl, text);
	assert_int_equal(token_decode(&token, &rig.server->secret, &empty, &pl), 0);
	assert_int_equal(token_decode(&token, &rig.server->secret, NULL, &pl), EPERM);
}

/* Over TCP the flow is the connection. */
static void test_connection(void **state)
{
	struct phone tcp;

	(void)state;
	phone_open_tcp(&tcp, &rig);
	register_dave(&tcp, 1, 600);
	phone_close(&tcp);
	/* the server notices when it runs next */
	phone_expect_nothing(&dave);
	invite(&registrar, 1, path);
	mem_deref(phone_expect(&registrar, 430));
}

/* A daemon that starts again knows the paths. */
static void test_restart(void **state)
{
	struct db *db = rig.server->db;

	(void)state;
	register_dave(&dave, 1, 600);
	db_commit(db);
	rig_restart(&rig);
	invite(&registrar, 1, path);
	mem_deref(phone_expect(&registrar, 100));
	mem_deref(phone_expect_request(&dave, "INVITE"));
}

/* Who has a line here registers here; who has not, calls by the registrar. */
static void test_calls(void **state)
{
	static const char text[] =
		"INVITE sip:frank@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKc%u\n"
		"From: <sip:dave@example.net>;tag=d\nTo: <sip:frank@example.net>\n"
		"Call-ID: c%u\nCSeq: 1 INVITE\nContact: <sip:dave@@L>\n"
		"Proxy-Authorization: Digest username=\"dave\", realm=\"example.net\", "
		"nonce=\"n\", uri=\"sip:x\", response=\"00\"\nContent-Length: 0\n\n";
	struct sip_msg *msg;
	struct phone alice;

	(void)state;
	phone_open(&alice, &rig, "127.0.0.1");
	phone_register(&alice, "alice", "secret-a");
	phone_close(&alice);

	phone_send(&stranger, text, 1, 1);
	mem_deref(phone_expect(&stranger, 403));
	register_dave(&dave, 1, 600);
	phone_send(&dave, text, 2, 2);
	mem_deref(phone_expect(&dave, 100));
	msg = phone_expect_request(&registrar, "INVITE");
	assert_int_equal(pl_strcmp(&msg->ruri, "sip:frank@example.net"), 0);
	/* the password is the registrar's to look at */
	assert_non_null(sip_msg_hdr(msg, SIP_HDR_PROXY_AUTHORIZATION));
	phone_reply(&registrar, msg, 486, "f", "", "");
	mem_deref(msg);
	mem_deref(phone_expect_request(&registrar, "ACK"));
	mem_deref(phone_expect(&dave, 486));
}

/* Threats S1 and S5: strangers have no more tries than at a registrar here. */
static void test_limits(void **state)
{
	struct sip_msg *msg;
	unsigned int i;

	(void)state;
	for (i = 1; i <= 5; i++) {
		register_send(&dave, i,
			      "Contact: <sip:dave@192.168.1.2>\nAuthorization: Digest x=y\n");
		register_answer(&dave, 401,
				"WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\"\n");
	}
	register_send(&dave, 6, "Contact: <sip:dave@192.168.1.2>\n");
	mem_deref(phone_expect(&dave, 503));
	phone_expect_nothing(&registrar);

	for (i = 0; i < 30; i++)
		register_send(&stranger, 100 + i, "Contact: <sip:dave@192.168.1.3>\n");
	for (i = 0; (msg = phone_receive(&registrar)); i++)
		mem_deref(msg);
	assert_in_range(i, 10, 15);
}

/* A nonce that has become old is no guess. */
static void test_stale(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= 8; i++) {
		register_send(&dave, i,
			      "Contact: <sip:dave@192.168.1.2>\nAuthorization: Digest x=y\n");
		register_answer(&dave, 401,
				"WWW-Authenticate: Digest realm=\"example.net\", nonce=\"n\", "
				"stale=true\n");
	}
}

int main(void)
{
#define EDGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		EDGE_TEST(test_register),     EDGE_TEST(test_outbound),
		EDGE_TEST(test_unregister),   EDGE_TEST(test_called),
		EDGE_TEST(test_path_refused), EDGE_TEST(test_tokens_differ),
		EDGE_TEST(test_connection),   EDGE_TEST(test_restart),
		EDGE_TEST(test_calls),        EDGE_TEST(test_limits),
		EDGE_TEST(test_stale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
