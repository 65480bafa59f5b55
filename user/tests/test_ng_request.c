// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests of the ng protocol: the many ways to say a thing, and the cookies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <re.h>
#include <string.h>

#include "log.h"
#include "ng/bencode.h"
#include "ng/cookie.h"
#include "ng/request.h"
#include "sdp/sdp.h"

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

static struct pl text(const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);
	return pl;
}

static json_t *decode(struct ng_request *request, const char *json)
{
	json_t *dict = json_loads(json, 0, NULL);

	assert_non_null(dict);
	ng_request_decode(request, dict);
	return dict;
}

static void check_pl(const struct pl *pl, const char *expected)
{
	assert_int_equal(pl->l, strlen(expected));
	assert_memory_equal(pl->p ? pl->p : "", expected, pl->l);
}

static void check_addr(const struct sa *sa, const char *expected)
{
	struct sa other;

	assert_int_equal(sa_set_str(&other, expected, 0), 0);
	assert_true(sa_cmp(sa, &other, SA_ADDR));
}

/* What Kamailio's stock configuration sends. */
static void test_kamailio(void **state)
{
	struct ng_request r;
	json_t *dict;

	(void)state;
	dict = decode(
		&r, "{\"supports\":[\"load limit\"],\"flags\":[\"SIP-source-address\"],"
		    "\"replace\":[\"origin\",\"session-connection\"],\"sdp\":\"v=0\","
		    "\"call-id\":\"c\",\"received-from\":[\"IP4\",\"203.0.113.10\"],"
		    "\"from-tag\":\"f\",\"to-tag\":\"t\",\"delete delay\":3,\"delete-delay\":\"4\","
		    "\"sip-message-type\":\"sip_request\",\"command\":\"offer\"}");
	check_pl(&r.command, "offer");
	check_pl(&r.call_id, "c");
	check_pl(&r.from_tag, "f");
	check_pl(&r.to_tag, "t");
	check_pl(&r.sdp, "v=0");
	check_addr(&r.received, "203.0.113.10");
	assert_true(r.load_limit);
	assert_int_equal(r.options.source, MEDIA_SOURCE_SIGNALLING);
	assert_int_equal(r.options.edit, SDP_EDIT_ORIGIN);
	assert_int_equal(r.delete_delay, 4);
	json_decref(dict);
}

/* The same things, as one string. */
static void test_raw(void **state)
{
	struct ng_request r;
	json_t *dict;

	(void)state;
	dict = decode(
		&r,
		"{\"rtpp-flags\":\" replace-origin  replace=[username session-name] ICE=remove "
		"direction=pub direction=priv codec=[mask=[PCMA PCMU] transcode=[opus]] "
		"rtcp-mux=[demux accept] TOS=184 media-timeout=120 address-family=IP6 "
		"received-from=[IP4 198.51.100.9] endpoint-learning=off label=x to-tag via-branch=z "
		"transport-protocol=RTP/AVP media-address=2001:db8::5 trust-address fatal "
		"delete-delay=7 call-id=evil\",\"call-id\":\"good\",\"command\":\"answer\"}");
	check_pl(&r.command, "answer");
	/* a script that lets a caller write flags does not let him say whose call it is */
	check_pl(&r.call_id, "good");
	check_pl(&r.label, "x");
	check_pl(&r.via_branch, "z");
	check_pl(&r.transport, "RTP/AVP");
	check_addr(&r.received, "198.51.100.9");
	check_addr(&r.options.advertise, "2001:db8::5");
	assert_int_equal(r.directions, 2);
	assert_string_equal(r.direction[0], "pub");
	assert_string_equal(r.direction[1], "priv");
	assert_int_equal(r.options.edit,
			 SDP_EDIT_ORIGIN | SDP_EDIT_USERNAME | SDP_EDIT_NAME | SDP_EDIT_NO_MUX);
	assert_true(r.options.dscp_given);
	assert_int_equal(r.options.dscp, 46);
	assert_int_equal(r.options.idle, 120);
	assert_int_equal(r.options.source, MEDIA_SOURCE_SDP);
	assert_int_equal(r.family, AF_INET6);
	assert_int_equal(r.delete_delay, 7);
	assert_true(r.fatal);
	json_decref(dict);
}

/* Spaces, hyphens, underscores and case do not matter. */
static void test_spelling(void **state)
{
	static const char *const spellings[] = {
		"{\"flags\":[\"SIP source address\",\"media handover\"],\"replace\":[\"zero address\"],"
		"\"delete delay\":9,\"address family\":\"IP4\"}",
		"{\"flags\":[\"sip-source_ADDRESS\",\"Media-Handover\",\"replace-zero-address\"],"
		"\"Delete_Delay\":\"9\",\"address-family\":\"ip4\"}",
		"{\"rtpp-flags\":\"SIP_source_address media_handover replace_zero_address "
		"delete-delay=9 address_family=IP4\"}",
		"{\"flags\":\"sip-source-address media-handover replace=zero-address "
		"delete-delay=9 address-family-IP4\"}",
		"{\"flags\":[\"sip-source-address=1\",\"media-handover=\",\"replace=zero-address\","
		"\"delete-delay=9\",\"address-family=IP4\"]}",
	};
	struct ng_request r;
	json_t *dict;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(spellings); i++) {
		dict = decode(&r, spellings[i]);
		assert_int_equal(r.options.source, MEDIA_SOURCE_SIGNALLING);
		assert_true(r.options.rebind);
		assert_int_equal(r.options.edit, SDP_EDIT_NULL);
		assert_int_equal(r.delete_delay, 9);
		assert_int_equal(r.family, AF_INET);
		json_decref(dict);
	}
}

/* Of two that contradict each other, the narrower one; what is unknown, is ignored. */
static void test_odd(void **state)
{
	struct ng_request r;
	json_t *dict;

	(void)state;
	dict = decode(
		&r, "{\"flags\":[\"endpoint-learning-off\",\"SIP-source-address\","
		    "\"trust-address\",\"frobnicate\",7,null,[\"a\"],\"\"],"
		    "\"received-from\":[\"IP4\",\"0.0.0.0\"],\"delete-delay\":-1,\"TOS\":256,"
		    "\"codec\":{\"mask\":[\"all\"]},\"media-timeout\":\"soon\","
		    "\"direction\":[\"a\",\"b\",\"c\"],\"media-address\":\"example.net\","
		    "\"nested\":[[[[[[\"x\"]]]]]],\"call-id\":{\"a\":\"b\"},\"sdp\":[],"
		    "\"rtpp-flags\":\"a=[b=[c=[d=[e=[f=[g=[h=[i=[j=[k]]]]]]]]]] ]] [ =x x= [=\"}");
	assert_int_equal(r.options.source, MEDIA_SOURCE_SDP);
	assert_int_equal(sa_af(&r.received), AF_UNSPEC);
	assert_int_equal(r.delete_delay, 0);
	assert_false(r.options.dscp_given);
	assert_int_equal(r.options.idle, 0);
	assert_int_equal(r.directions, 2);
	assert_int_equal(sa_af(&r.options.advertise), AF_UNSPEC);
	assert_null(r.call_id.p);
	assert_null(r.sdp.p);
	json_decref(dict);
}

static enum ng_cookie_verdict ask(struct ng_cookies *cookies, const char *source,
				  const char *cookie, const char *body, uint64_t now,
				  struct pl *reply)
{
	struct ng_question question = { .cookie = text(cookie), .body = text(body) };
	const struct pl answer = text("yes");
	enum ng_cookie_verdict verdict;
	struct sa sa;

	assert_int_equal(sa_decode(&sa, source, strlen(source)), 0);
	question.source = &sa;
	verdict = ng_cookies_find(cookies, &question, now, reply);
	if (verdict == NG_COOKIE_NEW)
		ng_cookies_add(cookies, &question, &answer, now);
	return verdict;
}

#define A "127.0.0.1:1000"

static void test_cookies(void **state)
{
	struct ng_cookies *cookies;
	struct pl reply;

	(void)state;
	assert_int_equal(ng_cookies_alloc(&cookies), 0);
	assert_int_equal(ask(cookies, A, "1", "x", 0, &reply), NG_COOKIE_NEW);
	assert_int_equal(ask(cookies, A, "1", "x", 10, &reply), NG_COOKIE_AGAIN);
	check_pl(&reply, "yes");
	assert_int_equal(ask(cookies, A, "1", "y", 10, &reply), NG_COOKIE_OTHER);
	/* another one's cookies are his own */
	assert_int_equal(ask(cookies, "127.0.0.1:1001", "1", "y", 10, &reply), NG_COOKIE_NEW);
	assert_int_equal(ask(cookies, A, "2", "y", 10, &reply), NG_COOKIE_NEW);
	assert_int_equal(ask(cookies, A, "1", "x", NG_COOKIES_MS, &reply), NG_COOKIE_AGAIN);
	assert_int_equal(ask(cookies, A, "1", "y", NG_COOKIES_MS + 1, &reply), NG_COOKIE_NEW);
	assert_int_equal(ng_cookies_count(cookies), 3);
	mem_deref(cookies);
}

/* T-C3: however many there are, they take no more than so much. */
static void test_cookies_many(void **state)
{
	struct ng_cookies *cookies;
	struct pl reply;
	char cookie[16];
	unsigned int i;

	(void)state;
	assert_int_equal(ng_cookies_alloc(&cookies), 0);
	for (i = 0; i < NG_COOKIES_MAX + 100; i++) {
		(void)re_snprintf(cookie, sizeof(cookie), "%u", i);
		assert_int_equal(ask(cookies, A, cookie, "x", 0, &reply), NG_COOKIE_NEW);
	}
	assert_int_equal(ng_cookies_count(cookies), NG_COOKIES_MAX);
	/* the oldest had to go */
	assert_int_equal(ask(cookies, A, cookie, "x", 0, &reply), NG_COOKIE_AGAIN);
	assert_int_equal(ask(cookies, A, "5", "x", 0, &reply), NG_COOKIE_NEW);
	mem_deref(cookies);
}

static void test_cookies_bytes(void **state)
{
	const size_t size = 1u << 20;
	struct ng_cookies *cookies;
	struct ng_question question = { .body = text("x") };
	struct pl reply = { mem_zalloc(size, NULL), size };
	char cookie[16];
	struct sa sa;
	unsigned int i;

	(void)state;
	assert_int_equal(sa_decode(&sa, A, strlen(A)), 0);
	question.source = &sa;
	assert_int_equal(ng_cookies_alloc(&cookies), 0);
	for (i = 0; i < 100; i++) {
		struct pl found;

		(void)re_snprintf(cookie, sizeof(cookie), "%u", i);
		question.cookie = text(cookie);
		assert_int_equal(ng_cookies_find(cookies, &question, 0, &found), NG_COOKIE_NEW);
		ng_cookies_add(cookies, &question, &reply, 0);
	}
	assert_in_range(ng_cookies_count(cookies), 1, NG_COOKIES_BYTES / size + 1);
	mem_deref(cookies);
	mem_deref((void *)reply.p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kamailio),      cmocka_unit_test(test_raw),
		cmocka_unit_test(test_spelling),      cmocka_unit_test(test_odd),
		cmocka_unit_test(test_cookies),       cmocka_unit_test(test_cookies_many),
		cmocka_unit_test(test_cookies_bytes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
