// SPDX-License-Identifier: GPL-2.0-or-later
/* Registrar, digest, location and keep-alives, over loopback sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "registrar/lockout.h"
#include "registrar/replay.h"
#include "sip/message.h"
#include "sip_fake_media.h"
#include "sip_rig.h"

/* An answer must not be more than twice as long. */
#define LONG "X-Phone: a phone with a name that is as long as the names of phones are\n"

static struct rig rig;
static struct phone phone;

static int setup(void **state)
{
	(void)state;
	rig_start(&rig, "expires 60 600\nkeepalive 25\n");
	phone_open(&phone, &rig, "127.0.0.1");
	return 0;
}

static int setup_without_md5(void **state)
{
	(void)state;
	rig_start(&rig, "md5 no\n");
	phone_open(&phone, &rig, "127.0.0.1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&phone);
	rig_stop(&rig);
	return 0;
}

/**
 * struct attempt - a REGISTER
 * @cseq: CSeq number
 * @via: parameters of the Via
 * @to: user of To
 * @headers: further header lines
 * @auth: Authorization, or NULL
 */
struct attempt {
	unsigned int cseq;
	const char *via;
	const char *to;
	const char *headers;
	const char *auth;
};

static void attempt_send(struct phone *from, const struct attempt *a)
{
	phone_send(from,
		   "REGISTER sip:example.net SIP/2.0\n"
		   "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKr%u%s\n"
		   "From: <sip:alice@example.net>;tag=r\nTo: <sip:%s@example.net>\n"
		   "Call-ID: reg\nCSeq: %u REGISTER\nMax-Forwards: 70\n" LONG "%s%s%s%s\n",
		   a->cseq, a->via ? a->via : "", a->to ? a->to : "alice", a->cseq,
		   a->headers ? a->headers : "", a->auth ? "Authorization: " : "",
		   a->auth ? a->auth : "", a->auth ? "\n" : "");
}

/* The credentials for the next attempts; drop them with mem_deref(). */
static char *credentials_get(struct phone *from, bool sha256, const char *user,
			     const char *password)
{
	const struct attempt attempt = { .cseq = 1 };
	struct sip_msg *msg;
	char *auth;

	attempt_send(from, &attempt);
	msg = phone_expect(from, 401);
	auth = phone_authorize(msg, SIP_HDR_WWW_AUTHENTICATE, sha256, "REGISTER", "sip:example.net",
			       user, password);
	mem_deref(msg);
	return auth;
}

/* Register with good credentials; the answer. */
static struct sip_msg *registered(unsigned int cseq, const char *headers, unsigned int status)
{
	struct attempt attempt = { .cseq = cseq, .headers = headers };
	struct sip_msg *msg;
	char *auth;

	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.auth = auth;
	attempt_send(&phone, &attempt);
	msg = phone_expect(&phone, status);
	mem_deref(auth);
	return msg;
}

static void test_both_algorithms(void **state)
{
	struct attempt attempt = { .cseq = 2, .headers = "Contact: <sip:a@192.168.1.2>\n" };
	bool sha256 = false;
	char *auth;

	(void)state;
	do {
		sha256 = !sha256;
		auth = credentials_get(&phone, sha256, "alice", "secret-a");
		attempt.auth = auth;
		attempt_send(&phone, &attempt);
		attempt.cseq++;
		mem_deref(phone_expect(&phone, 200));
		mem_deref(auth);
	} while (sha256);
	assert_int_equal(location_count(rig.server->location), 1);
}

static void test_challenges(void **state)
{
	const struct attempt plain = { .cseq = 1 };
	const struct attempt baresip = { .cseq = 2, .headers = "User-Agent: baresip v1.0.0\n" };
	const struct sip_hdr *first;
	struct sip_msg *msg;

	(void)state;
	attempt_send(&phone, &plain);
	msg = phone_expect(&phone, 401);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_WWW_AUTHENTICATE), 2);
	first = sip_msg_hdr(msg, SIP_HDR_WWW_AUTHENTICATE);
	assert_non_null(memmem(first->val.p, first->val.l, "SHA-256", 7));
	mem_deref(msg);
	/* gives up on all challenges for one that it does not know */
	attempt_send(&phone, &baresip);
	msg = phone_expect(&phone, 401);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_WWW_AUTHENTICATE), 1);
	assert_true(header_has(msg, SIP_HDR_WWW_AUTHENTICATE, "algorithm=MD5"));
	mem_deref(msg);
}

static void test_md5_refused(void **state)
{
	const struct attempt plain = { .cseq = 1 };
	struct sip_msg *msg;

	(void)state;
	attempt_send(&phone, &plain);
	msg = phone_expect(&phone, 401);
	assert_int_equal(sip_msg_hdr_count(msg, SIP_HDR_WWW_AUTHENTICATE), 1);
	assert_true(header_has(msg, SIP_HDR_WWW_AUTHENTICATE, "SHA-256"));
	mem_deref(msg);
}

/* Wrong password and unknown user get the same answer. */
static void test_wrong(void **state)
{
	static const char *const who[][2] = { { "alice", "guess" }, { "nobody", "guess" } };
	struct sip_msg *msg;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(who); i++) {
		char *auth = credentials_get(&phone, true, who[i][0], who[i][1]);
		const struct attempt attempt = { .cseq = 2, .auth = auth };

		attempt_send(&phone, &attempt);
		msg = phone_expect(&phone, 401);
		assert_false(header_has(msg, SIP_HDR_WWW_AUTHENTICATE, "stale"));
		mem_deref(msg);
		mem_deref(auth);
	}
}

/* A right answer to a nonce that was given to another address. */
static void test_nonce_is_bound(void **state)
{
	struct attempt attempt = { .cseq = 2 };
	struct sip_msg *msg;
	struct phone other;
	char *auth;

	(void)state;
	phone_open(&other, &rig, "127.0.0.9");
	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.auth = auth;
	attempt_send(&other, &attempt);
	msg = phone_expect(&other, 401);
	assert_true(header_has(msg, SIP_HDR_WWW_AUTHENTICATE, "stale=true"));
	mem_deref(msg);
	mem_deref(auth);
	phone_close(&other);
}

static void test_not_my_address(void **state)
{
	char *auth;
	struct attempt attempt = { .cseq = 2,
				   .to = "bob",
				   .headers = "Contact: <sip:a@192.168.1.2>\n" };

	(void)state;
	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.auth = auth;
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 403));
	mem_deref(auth);
	assert_int_equal(location_count(rig.server->location), 0);
}

/* Threat S1: the credentials say another user's name. */
static void test_bad_credentials(void **state)
{
	const struct attempt attempt = {
		.cseq = 2,
		.auth = "Digest username=\"alice\", realm=\"example.net\", nonce=\"x\", qop=auth"
	};

	(void)state;
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 400));
}

static void test_outbound(void **state)
{
	struct sip_msg *msg;

	(void)state;
	msg = registered(2,
			 "Supported: outbound, path\n"
			 "Contact: <sip:a@192.168.1.2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n",
			 200);
	assert_true(sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "outbound"));
	assert_true(header_has(msg, SIP_HDR_FLOW_TIMER, "25"));
	assert_true(header_has(msg, SIP_HDR_CONTACT, "+sip.instance=\"<urn:uuid:1>\";reg-id=1"));
	mem_deref(msg);
	/* the same instance with another Contact is the same terminal */
	mem_deref(
		registered(3,
			   "Supported: outbound\n"
			   "Contact: <sip:b@192.168.1.3>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n",
			   200));
	assert_int_equal(location_count(rig.server->location), 1);
	/* who does not ask is not told */
	msg = registered(4, "Contact: <sip:c@192.168.1.4>\n", 200);
	assert_null(sip_msg_hdr(msg, SIP_HDR_FLOW_TIMER));
	mem_deref(msg);
}

static void test_keep(void **state)
{
	struct attempt attempt = { .cseq = 2, .via = ";keep;rport" };
	struct sip_msg *msg;
	char *auth;

	(void)state;
	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.auth = auth;
	attempt_send(&phone, &attempt);
	msg = phone_expect(&phone, 200);
	assert_true(header_has(msg, SIP_HDR_VIA, ";keep=25;received=127.0.0.1;rport="));
	mem_deref(msg);
	mem_deref(auth);
}

/* The lifetime that is granted. */
static uint32_t granted(unsigned int cseq, const char *headers)
{
	struct sip_msg *msg = registered(cseq, headers, 200);
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	struct pl value;
	uint32_t got;

	assert_int_equal(sip_addr_decode(&addr, &hdr->val), 0);
	assert_true(msg_param(&addr.params, "expires", &value));
	got = pl_u32(&value);
	mem_deref(msg);
	return got;
}

static void test_expires(void **state)
{
	uint32_t got, least = UINT32_MAX, most = 0;
	struct sip_msg *msg;
	unsigned int i;

	(void)state;
	msg = registered(2, "Contact: <sip:a@192.168.1.2>;expires=30\n", 423);
	assert_true(header_has(msg, SIP_HDR_MIN_EXPIRES, "60"));
	mem_deref(msg);
	/* 70 to 100 % of what is asked, other each time, and never less than the least */
	for (i = 0; i < 20; i++) {
		got = granted(10 + i, "Contact: <sip:a@192.168.1.2>\nExpires: 99999999999\n");
		assert_in_range(got, 420, 600);
		least = MIN(least, got);
		most = MAX(most, got);
	}
	assert_true(most - least > 20);
	assert_in_range(granted(40, "Contact: <sip:a@192.168.1.2>;expires=61\n"), 60, 61);
	got = granted(41, "Contact: <sip:a@192.168.1.2>;expires=100;q=0.7\n");
	assert_in_range(got, 70, 100);
	wheel_skip(rig.server->wheel, (got - 1) * 1000);
	assert_int_equal(location_count(rig.server->location), 1);
	wheel_skip(rig.server->wheel, 2000);
	assert_int_equal(location_count(rig.server->location), 0);
}

static void test_remove(void **state)
{
	(void)state;
	mem_deref(registered(2, "Contact: <sip:a@192.168.1.2>, <sip:b@192.168.1.2>\n", 200));
	assert_int_equal(location_count(rig.server->location), 2);
	mem_deref(registered(3, "Contact: <sip:a@192.168.1.2>;expires=0\n", 200));
	assert_int_equal(location_count(rig.server->location), 1);
	mem_deref(registered(4, "Contact: *\n", 400));
	mem_deref(registered(5, "Contact: *\nExpires: 0\n", 200));
	assert_int_equal(location_count(rig.server->location), 0);
}

/* RFC 3261 section 10.3: an older request must not undo a newer one. */
static void test_order(void **state)
{
	(void)state;
	mem_deref(registered(9, "Contact: <sip:a@192.168.1.2>\n", 200));
	mem_deref(registered(8, "Contact: <sip:a@192.168.1.2>;expires=0\n", 500));
	/* a retransmission is answered and changes nothing */
	mem_deref(registered(9, "Contact: <sip:a@192.168.1.2>;expires=0\n", 200));
	assert_int_equal(location_count(rig.server->location), 1);
}

static void test_five_contacts(void **state)
{
	static const struct pl alice = PL("alice");
	const struct aor *aor;
	unsigned int i;
	char *contact;

	(void)state;
	for (i = 0; i < 7; i++) {
		assert_int_equal(re_sdprintf(&contact, "Contact: <sip:a@192.168.1.%u>\n", i), 0);
		mem_deref(registered(10 + i, contact, 200));
		mem_deref(contact);
	}
	aor = location_find(rig.server->location, &alice);
	assert_int_equal(list_count(&aor->bindings), LOCATION_CONTACTS_MAX);
	assert_string_equal(((struct binding *)aor->bindings.head->data)->contact,
			    "sip:a@192.168.1.6");
	assert_string_equal(((struct binding *)aor->bindings.tail->data)->contact,
			    "sip:a@192.168.1.2");

	/* the order of the newest is kept over a restart, the rest as well */
	mem_deref(registered(20, "Contact: <sip:a@192.168.1.3>\n", 200));
	rig_restart(&rig);
	aor = location_find(rig.server->location, &alice);
	assert_int_equal(list_count(&aor->bindings), LOCATION_CONTACTS_MAX);
	assert_string_equal(((struct binding *)aor->bindings.head->data)->contact,
			    "sip:a@192.168.1.3");
	assert_string_equal(((struct binding *)aor->bindings.tail->data)->contact,
			    "sip:a@192.168.1.2");
	assert_true(sa_cmp(&((struct binding *)aor->bindings.head->data)->flow.remote, &phone.addr,
			   SA_ALL));
}

static void test_bad_contacts(void **state)
{
	static const char *const contacts[] = {
		"Contact: sip:a@192.168.1.2?Route=%3Csip:x%3E\n",
		"Contact: <tel:+15551234>\n",
		"Contact: <sip:a@192.168.1.2?x=y>\n",
		"Contact: <sip:a b@192.168.1.2>\n",
		"Contact: <>\n",
		"Contact: sip:a>b@192.168.1.2\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(contacts); i++)
		mem_deref(registered(2, contacts[i], 400));
	mem_deref(registered(2, "Contact: <sip:a@@S>\n", 403));
	mem_deref(registered(2, "Path: <sip:192.0.2.1;lr>\nContact: <sip:a@192.168.1.2>\n", 420));
	mem_deref(
		registered(2,
			   "Supported: outbound\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\n"
			   "Contact: <sip:a@192.168.1.2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n",
			   439));
	assert_int_equal(location_count(rig.server->location), 0);
}

/* RFC 3327: stored, told, and kept over a restart. */
static void test_path(void **state)
{
	static const struct pl alice = PL("alice");
	const struct binding *binding;
	struct sip_msg *msg;

	(void)state;
	msg = registered(2,
			 "Supported: path, outbound\nPath: <sip:t@192.0.2.1;lr;ob>\n"
			 "Path: <sip:192.0.2.2;lr>\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\n"
			 "Contact: <sip:a@192.168.1.2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n",
			 200);
	assert_true(header_has(msg, SIP_HDR_PATH, "<sip:t@192.0.2.1;lr;ob>"));
	assert_true(header_has(msg, SIP_HDR_PATH, "<sip:192.0.2.2;lr>"));
	assert_true(sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "outbound"));
	mem_deref(msg);
	rig_restart(&rig);
	binding = list_ledata(list_head(&location_find(rig.server->location, &alice)->bindings));
	assert_string_equal(binding->path, "<sip:t@192.0.2.1;lr;ob>, <sip:192.0.2.2;lr>");
	assert_true(binding->keeps);
}

/* Threat S5: ten replies, then silence; who proves himself earns more. */
static void test_reply_budget(void **state)
{
	struct attempt attempt = { .cseq = 1 };
	unsigned int replies = 0;
	struct sip_msg *msg;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++)
		attempt_send(&phone, &attempt);
	while ((msg = phone_receive(&phone))) {
		replies++;
		mem_deref(msg);
	}
	assert_in_range(replies, 10, 14);
	wheel_skip(rig.server->wheel, 1000);
	mem_deref(registered(2, "", 200));
}

/* The nonce of credentials, spelled into others with another count. */
static char *recount(const char *auth, const char *count)
{
	char *copy, *at;

	assert_int_equal(str_dup(&copy, auth), 0);
	at = strstr(copy, "nc=00000001");
	assert_non_null(at);
	memcpy(at + 3, count, 8);
	return copy;
}

/* Threat S2: what somebody listened to is worth nothing. */
static void test_replay(void **state)
{
	struct attempt attempt = { .cseq = 2, .headers = "Contact: <sip:a@192.168.1.2>\n" };
	struct sip_msg *msg;
	char *auth, *other;

	(void)state;
	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.auth = auth;
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 200));
	/* the answer was lost: the same request comes again */
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 200));
	attempt.cseq = 3;
	attempt_send(&phone, &attempt);
	msg = phone_expect(&phone, 401);
	assert_true(header_has(msg, SIP_HDR_WWW_AUTHENTICATE, "stale=true"));
	mem_deref(msg);
	/* a count that is not what was signed proves nothing */
	other = recount(auth, "00000002");
	attempt.auth = other;
	attempt_send(&phone, &attempt);
	msg = phone_expect(&phone, 401);
	assert_false(header_has(msg, SIP_HDR_WWW_AUTHENTICATE, "stale=true"));
	mem_deref(msg);
	mem_deref(other);
	other = recount(auth, "0000000x");
	attempt.auth = other;
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 400));
	mem_deref(other);
	mem_deref(auth);
}

static void test_counts(void **state)
{
	static const struct pl a = PL("nonce-a"), b = PL("nonce-b");
	struct replay *replay;
	char name[16];
	struct pl pl;
	uint32_t i;

	(void)state;
	assert_int_equal(replay_alloc(&replay), 0);
	/* an unknown one begins with 1 */
	assert_false(replay_check(replay, &a, 2, 1));
	assert_true(replay_check(replay, &a, 1, 1));
	assert_true(replay_check(replay, &a, 1, 1));
	assert_false(replay_check(replay, &a, 1, 2));
	assert_true(replay_check(replay, &b, 1, 2));
	/* not in order, each once, and none that is too old */
	assert_true(replay_check(replay, &a, 70, 3));
	assert_true(replay_check(replay, &a, 7, 4));
	assert_false(replay_check(replay, &a, 7, 5));
	assert_false(replay_check(replay, &a, 6, 6));
	assert_true(replay_check(replay, &a, 69, 7));
	assert_true(replay_check(replay, &a, 1000, 8));
	assert_false(replay_check(replay, &a, 70, 9));
	assert_true(replay_check(replay, &a, UINT32_MAX, 10));
	/* any number of nonces, the same memory; who fell out asks for another one */
	for (i = 0; i < 200000; i++) {
		(void)re_snprintf(name, sizeof(name), "n%u", i);
		pl_set_str(&pl, name);
		assert_true(replay_check(replay, &pl, 1, 100 + i));
	}
	assert_false(replay_check(replay, &b, 2, 11));
	mem_deref(replay);
}

/* Threat S1: ten tries at most, and the right password comes too late. */
static void test_guessing(void **state)
{
	struct attempt attempt = { .cseq = 1 };
	struct phone other;
	unsigned int i;
	char *auth;

	(void)state;
	for (i = 0; i < 6; i++) {
		wheel_skip(rig.server->wheel, 200);
		auth = credentials_get(&phone, true, "alice", "guess");
		attempt.auth = auth;
		attempt.cseq++;
		attempt_send(&phone, &attempt);
		mem_deref(phone_expect(&phone, 401));
		mem_deref(auth);
	}
	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.auth = auth;
	attempt.cseq++;
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 401));
	/* somebody else is not concerned, and time heals */
	phone_open(&other, &rig, "127.0.0.9");
	phone_register(&other, "alice", "secret-a");
	wheel_skip(rig.server->wheel, 3000);
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 200));
	mem_deref(auth);
	phone_close(&other);
}

/* Who has a path is heard, whatever others behind his NAT do. */
static void test_guessing_next_door(void **state)
{
	struct phone guesser;
	struct attempt attempt = { .cseq = 1 };
	unsigned int i;
	char *auth;

	(void)state;
	phone_register(&phone, "alice", "secret-a");
	phone_open(&guesser, &rig, "127.0.0.1");
	for (i = 0; i < 12; i++) {
		wheel_skip(rig.server->wheel, 200);
		auth = credentials_get(&guesser, true, "bob", "guess");
		attempt.auth = auth;
		attempt.cseq++;
		attempt_send(&guesser, &attempt);
		mem_deref(phone_expect(&guesser, 401));
		mem_deref(auth);
	}
	phone_register(&phone, "alice", "secret-a");
	phone_close(&guesser);
}

/* Each failure doubles the time, up to five minutes; a quarter of an hour is enough. */
static void test_lock(void **state)
{
	static const struct pl name = PL("alice");
	struct lockout *lockout;
	struct sa a, b;
	uint32_t i;

	(void)state;
	assert_int_equal(lockout_alloc(&lockout), 0);
	assert_int_equal(sa_set_str(&a, "192.0.2.1", 1), 0);
	assert_int_equal(sa_set_str(&b, "192.0.2.2", 1), 0);
	for (i = 0; i < 5; i++) {
		assert_false(lockout_is_shut(lockout, &a, &name));
		lockout_failed(lockout, &a, &name);
	}
	assert_true(lockout_is_shut(lockout, &a, &name));
	assert_false(lockout_is_shut(lockout, &b, &name));
	wheel_skip(rig.server->wheel, 1100);
	assert_false(lockout_is_shut(lockout, &a, &name));
	lockout_failed(lockout, &a, &name);
	wheel_skip(rig.server->wheel, 1100);
	assert_true(lockout_is_shut(lockout, &a, &name));
	wheel_skip(rig.server->wheel, 1100);
	lockout_passed(lockout, &a);
	lockout_failed(lockout, &a, &name);
	assert_false(lockout_is_shut(lockout, &a, &name));
	for (i = 0; i < 40; i++)
		lockout_failed(lockout, &a, &name);
	wheel_skip(rig.server->wheel, 299000);
	assert_true(lockout_is_shut(lockout, &a, &name));
	wheel_skip(rig.server->wheel, 2000);
	assert_false(lockout_is_shut(lockout, &a, &name));
	/* one name from everywhere */
	for (i = 0; i < 60; i++) {
		sa_set_in(&b, 0xc0000300 + i, 1);
		lockout_failed(lockout, &b, &name);
	}
	sa_set_in(&b, 0xc0000400, 1);
	assert_true(lockout_is_shut(lockout, &b, &name));
	wheel_skip(rig.server->wheel, 1000000);
	lockout_failed(lockout, &b, &name);
	assert_false(lockout_is_shut(lockout, &b, &name));
	mem_deref(lockout);
}

/* Threat S5: bytes out for bytes in. */
static void test_reply_size(void **state)
{
	unsigned int i, got, last = 0, seen = 0;
	struct sip_msg *msg;
	char pad[600], *text;

	(void)state;
	for (i = 0; i < 600; i += 20) {
		memset(pad, 'x', i);
		pad[i] = '\0';
		assert_int_equal(
			re_sdprintf(&text,
				    "REGISTER sip:example.net SIP/2.0\r\n"
				    "v:SIP/2.0/UDP x;branch=z9hG4bK%u\r\nf:<sip:a@b>;tag=1\r\n"
				    "t:<sip:a@b>\r\ni:1\r\nCSeq:1 REGISTER\r\ns:%s\r\n\r\n",
				    i, pad),
			0);
		wheel_skip(rig.server->wheel, 1000);
		phone_send_raw(&phone, text, strlen(text));
		msg = phone_receive(&phone);
		if (msg)
			assert_true(msg->mb->end <= 2 * strlen(text));
		got = msg ? sip_msg_hdr_count(msg, SIP_HDR_WWW_AUTHENTICATE) : 0;
		/* none, then one, then all */
		assert_true(got >= last);
		last = got;
		seen |= 1u << got;
		mem_deref(msg);
		mem_deref(text);
	}
	assert_int_equal(seen, 7);
}

/* Threat S4: only to him who does not keep his path open, and not for ever. */
static void test_pings(void **state)
{
	unsigned int i;
	struct sip_msg *msg, *last = NULL;

	(void)state;
	mem_deref(registered(2, "Contact: <sip:alice@192.168.1.2:5060>\n", 200));
	for (i = 0; i < 6; i++) {
		wheel_skip(rig.server->wheel, 25000);
		msg = phone_expect_request(&phone, "OPTIONS");
		assert_int_equal(pl_strcmp(&msg->ruri, "sip:alice@192.168.1.2:5060"), 0);
		phone_reply(&phone, msg, i % 2 ? 200 : 481, "x", "", "");
		phone_expect_nothing(&phone);
		mem_deref(msg);
	}
	/* keep-alives of its own make them unnecessary */
	for (i = 0; i < 3; i++) {
		phone_send_raw(&phone, "\r\n\r\n", 4);
		mem_deref(phone_receive_raw(&phone));
		wheel_skip(rig.server->wheel, 25000);
		phone_expect_nothing(&phone);
	}
	/* three that nobody answers; an answer of somebody else is none */
	for (i = 0; i < 5 && location_count(rig.server->location); i++) {
		wheel_skip(rig.server->wheel, 25000);
		msg = phone_receive(&phone);
		if (msg)
			mem_deref(last);
		last = msg ? msg : last;
	}
	assert_non_null(last);
	mem_deref(last);
	assert_int_equal(location_count(rig.server->location), 0);
	wheel_skip(rig.server->wheel, 25000);
	phone_expect_nothing(&phone);
}

static int setup_without_pings(void **state)
{
	(void)state;
	rig_start(&rig, "ping no\n");
	phone_open(&phone, &rig, "127.0.0.1");
	return 0;
}

static void test_pings_off(void **state)
{
	(void)state;
	mem_deref(registered(2, "Contact: <sip:alice@192.168.1.2:5060>\n", 200));
	wheel_skip(rig.server->wheel, 30000);
	wheel_skip(rig.server->wheel, 30000);
	phone_expect_nothing(&phone);
}

static void test_no_pings(void **state)
{
	struct attempt attempt = { .cseq = 2,
				   .via = ";keep;rport",
				   .headers = "Contact: <sip:a@x>\n" };
	char *auth;

	(void)state;
	mem_deref(
		registered(2,
			   "Supported: outbound\n"
			   "Contact: <sip:a@192.168.1.2>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"\n",
			   200));
	auth = credentials_get(&phone, true, "alice", "secret-a");
	attempt.cseq = 4;
	attempt.auth = auth;
	attempt_send(&phone, &attempt);
	mem_deref(phone_expect(&phone, 200));
	mem_deref(auth);
	wheel_skip(rig.server->wheel, 30000);
	wheel_skip(rig.server->wheel, 30000);
	phone_expect_nothing(&phone);
}

/* R15: who is known goes first. */
static void test_avalanche(void **state)
{
	struct attempt attempt = { .cseq = 1 };
	struct phone other;
	struct sip_msg *msg;
	uint32_t seconds, seen = 0;
	unsigned int i;

	(void)state;
	phone_register(&phone, "alice", "secret-a");
	phone_open(&other, &rig, "127.0.0.1");
	rig.server->overload = (struct overload){ .messages = 1, .high = true };
	for (i = 0; i < 20; i++) {
		wheel_skip(rig.server->wheel, 1000);
		rig.server->overload = (struct overload){ .messages = 1, .high = true };
		attempt.cseq++;
		attempt_send(&other, &attempt);
		msg = phone_expect(&other, 503);
		seconds = pl_u32(&sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER)->val);
		assert_in_range(seconds, 5, 15);
		seen |= 1u << seconds;
		mem_deref(msg);
	}
	/* not all the same */
	assert_true(seen & (seen - 1));
	phone_register(&phone, "alice", "secret-a");
	phone_close(&other);
}

static bool is_drained(void *arg)
{
	return !flows_backlog(arg);
}

/* A socket that fills while nobody reads it. */
static void test_backlog(void **state)
{
	struct overload overload = { .messages = 0 };
	char datagram[8192] = "x";
	unsigned int i;

	(void)state;
	overload_check(&overload, rig.server->flows);
	assert_false(overload.high);
	for (i = 0; i < 2000; i++)
		phone_send_raw(&phone, datagram, sizeof(datagram));
	for (i = 0; i < 64; i++)
		overload_check(&overload, rig.server->flows);
	assert_true(overload.high);
	assert_true(overload.full);
	assert_true(rig_wait(is_drained, rig.server->flows));
	for (i = 0; i < 64; i++)
		overload_check(&overload, rig.server->flows);
	assert_false(overload.high);
	assert_false(overload.full);
}

static void expect_raw(const char *bytes, size_t len)
{
	struct mbuf *mb = phone_receive_raw(&phone);

	assert_non_null(mb);
	assert_int_equal(mb->end, len);
	assert_memory_equal(mb->buf, bytes, len);
	mem_deref(mb);
}

static void test_crlf(void **state)
{
	static const uint8_t zeros[4];

	(void)state;
	phone_send_raw(&phone, "\r\n\r\n", 4);
	expect_raw("\r\n", 2);
	/* a stranger's lone CRLF could be an answer */
	phone_send_raw(&phone, "\r\n", 2);
	phone_expect_nothing(&phone);
	phone_register(&phone, "alice", "secret-a");
	phone_send_raw(&phone, "\r\n", 2);
	expect_raw("\r\n", 2);
	phone_send_raw(&phone, zeros, sizeof(zeros));
	phone_send_raw(&phone, "", 0);
	phone_expect_nothing(&phone);
}

static void test_stun(void **state)
{
	static const uint8_t tid[12] = "abcdefghijkl";
	const struct stun_attr *attr;
	struct mbuf *mb = mbuf_alloc(64);
	struct stun_unknown_attr unknown;
	struct stun_msg *msg;

	(void)state;
	assert_int_equal(stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid, NULL,
					 NULL, 0, true, 0, 0),
			 0);
	phone_send_raw(&phone, mb->buf, mb->end);
	mem_deref(mb);
	mb = phone_receive_raw(&phone);
	assert_non_null(mb);
	assert_int_equal(stun_msg_decode(&msg, mb, &unknown), 0);
	assert_int_equal(stun_msg_class(msg), STUN_CLASS_SUCCESS_RESP);
	assert_memory_equal(stun_msg_tid(msg), tid, sizeof(tid));
	attr = stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);
	assert_non_null(attr);
	assert_true(sa_cmp(&attr->v.sa, &phone.addr, SA_ALL));
	assert_int_equal(stun_msg_chk_fingerprint(msg), 0);
	mem_deref(msg);
	mem_deref(mb);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_both_algorithms),
		TEST(test_challenges),
		cmocka_unit_test_setup_teardown(test_md5_refused, setup_without_md5, teardown),
		TEST(test_wrong),
		TEST(test_nonce_is_bound),
		TEST(test_not_my_address),
		TEST(test_bad_credentials),
		TEST(test_outbound),
		TEST(test_keep),
		TEST(test_expires),
		TEST(test_remove),
		TEST(test_order),
		TEST(test_five_contacts),
		TEST(test_bad_contacts),
		TEST(test_reply_budget),
		TEST(test_crlf),
		TEST(test_stun),
		TEST(test_path),
		TEST(test_replay),
		TEST(test_counts),
		TEST(test_guessing),
		TEST(test_guessing_next_door),
		TEST(test_lock),
		TEST(test_reply_size),
		TEST(test_pings),
		TEST(test_no_pings),
		cmocka_unit_test_setup_teardown(test_pings_off, setup_without_pings, teardown),
		TEST(test_avalanche),
		TEST(test_backlog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
