// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls of the ng protocol over a datapath that takes notes: which streams they
 * have, who may complete them, and what the proxy is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_datapath.h"
#include "log.h"
#include "media/media.h"
#include "ng/internal.h"
#include "registrar/db.h"

#define A_SIP "198.51.100.10"
#define B_SIP "198.51.100.20"

#define SDP(addr, port)                                                 \
	"v=0\\r\\no=- 1 1 IN IP4 10.0.0.1\\r\\ns=x\\r\\nc=IN IP4 " addr \
	"\\r\\nt=0 0\\r\\nm=audio " port " RTP/AVP 0\\r\\n"

static struct config config;
static struct config_pool pools[2];
static struct config_realm realm;
static struct media *media;
static struct wheel *wheel;
static struct db *db;
static struct ng *ng;
static json_t *last;
static unsigned int cookie;
static char *dir;

static void ng_start(void)
{
	assert_int_equal(media_init_datapath(&media, &config, &fake_datapath_ops), 0);
	assert_int_equal(wheel_alloc(&wheel), 0);
	if (config.database)
		assert_int_equal(db_open(&db, config.database, wheel), 0);
	assert_int_equal(ng_alloc(&ng, &config, media, wheel, db), 0);
}

static void ng_stop(void)
{
	ng = mem_deref(ng);
	db = mem_deref(db);
	wheel = mem_deref(wheel);
	media_close(media);
}

static int setup(void **state)
{
	static const char *const realms[] = { "access", "core" };
	size_t i;

	(void)state;
	assert_int_equal(libre_init(), 0);
	log_set_level(getenv("TEST_VERBOSE") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	memset(&fake_datapath, 0, sizeof(fake_datapath));
	fake_datapath.next_id = 1;
	fake_datapath.next_port = 30000;
	fake_datapath.error_entry = -1;
	fake_datapath.any_realm = true;

	memset(&config, 0, sizeof(config));
	memset(pools, 0, sizeof(pools));
	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		sa_set_str(&pools[i].addr, "203.0.113.1", 0);
		pools[i].port_min = 30000;
		pools[i].port_max = 39999;
		str_ncpy(pools[i].realm, realms[i], sizeof(pools[i].realm));
		list_append(&config.pools, &pools[i].le, &pools[i]);
	}
	memset(&realm, 0, sizeof(realm));
	str_ncpy(realm.name, "core", sizeof(realm.name));
	realm.policy = POLICY_TRUSTED;
	list_append(&config.realms, &realm.le, &realm);
	cookie = 0;
	ng_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(last);
	last = NULL;
	ng_stop();
	libre_close();
	return 0;
}

static json_t *ask_as(const char *question)
{
	const struct pl message = { question, strlen(question) };
	struct sa source;
	char *out;
	size_t len;

	sa_set_str(&source, "127.0.0.1", 4000);
	out = ng_handle(ng, &source, &message, true, &len);
	assert_non_null(out);
	json_decref(last);
	/* the cookie stands before it */
	last = json_loadb(memchr(out, ' ', len),
			  len - (size_t)((char *)memchr(out, ' ', len) - out), 0, NULL);
	free(out);
	assert_non_null(last);
	return last;
}

/* Sends a command with the rest of its dictionary. */
static json_t *ask(const char *command, const char *rest)
{
	char *question;

	assert_int_equal(
		re_sdprintf(&question, "%u {\"command\":\"%s\"%s}", ++cookie, command, rest), 0);
	(void)ask_as(question);
	mem_deref(question);
	return last;
}

static const char *string(const char *name)
{
	return json_string_value(json_object_get(last, name));
}

static void check_result(const char *expected)
{
	if (str_cmp(string("result"), expected))
		fail_msg("%s, %s", string("result"), string("error-reason"));
}

static void check_error(const char *reason)
{
	check_result("error");
	assert_string_equal(string("error-reason"), reason);
}

/* Which port the SDP names, if all is well. */
static int port(void)
{
	const char *media_line;

	check_result("ok");
	media_line = strstr(string("sdp"), "m=audio ");
	assert_non_null(media_line);
	return (int)strtol(media_line + 8, NULL, 10);
}

#define FROM(addr) ",\"received-from\":[\"IP4\",\"" addr "\"]"
#define CALL(from) ",\"call-id\":\"call-1\",\"from-tag\":\"" from "\""
#define TO(tag)    ",\"to-tag\":\"" tag "\""
#define VIA(via)   ",\"via-branch\":\"" via "\""
#define BODY(addr) ",\"sdp\":\"" SDP(addr, "4000") "\""

#define OFFER  CALL("a") FROM(A_SIP) BODY("192.168.1.2")
#define ANSWER CALL("a") TO("b") FROM(B_SIP) BODY("192.168.1.3")

static int offer(const char *rest)
{
	(void)ask("offer", rest);
	return port();
}

static int answer(const char *rest)
{
	(void)ask("answer", rest);
	return port();
}

static void check_prefix(const struct nattrav_leg *leg, unsigned int i, const char *expected)
{
	assert_true(leg->prefixes > i);
	assert_int_equal(leg->prefix[i].len, 32);
	assert_int_equal(leg->prefix[i].addr.v4.s_addr, inet_addr(expected));
}

static const struct nattrav_leg *set_leg(unsigned int side)
{
	return &fake_datapath.last_set[0].leg[side];
}

static void test_call(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];

	(void)state;
	assert_int_equal(offer(OFFER), 30100);
	assert_int_equal(fake_datapath_count(), 2);
	assert_int_equal(rtp->leg[0].prefixes, 1);
	check_prefix(&rtp->leg[0], 0, A_SIP);
	/* where B is nobody knows yet; so nobody may be B */
	assert_int_equal(rtp->leg[1].prefixes, 1);
	check_prefix(&rtp->leg[1], 0, "0.0.0.0");
	assert_int_equal(rtp->leg[0].peer.addr.family, AF_UNSPEC);
	assert_int_equal(rtp->leg[1].peer.addr.family, AF_UNSPEC);

	assert_int_equal(answer(ANSWER), 30000);
	check_prefix(set_leg(0), 0, A_SIP);
	check_prefix(set_leg(1), 0, B_SIP);
	assert_int_equal(set_leg(1)->prefixes, 1);
	assert_int_equal(set_leg(1)->generation, 0);

	(void)ask("delete", CALL("a"));
	check_result("ok");
	assert_int_equal(fake_datapath_count(), 0);
	assert_int_equal(ng_count(ng), 0);
}

/* R: the same again and again ends with the same ports and the same peers. */
static void test_again(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(offer(OFFER), 30100);
	for (i = 0; i < 3; i++)
		assert_int_equal(answer(ANSWER), 30000);
	/* re-offers with both tags, of either side, and with a via-branch of their own */
	assert_int_equal(offer(OFFER TO("b")), 30100);
	assert_int_equal(answer(ANSWER), 30000);
	assert_int_equal(offer(CALL("b") TO("a") VIA("z9") FROM(B_SIP) BODY("192.168.1.3")), 30000);
	assert_int_equal(answer(CALL("b") TO("a") VIA("z9") FROM(A_SIP) BODY("192.168.1.2")),
			 30100);
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(set_leg(0)->generation, 0);
	assert_int_equal(set_leg(1)->generation, 0);
	check_prefix(set_leg(0), 0, A_SIP);
	check_prefix(set_leg(1), 0, B_SIP);

	/* one that does not say where it comes from changes nothing in that */
	assert_int_equal(offer(CALL("a") TO("b") BODY("192.168.1.2")), 30100);
	check_prefix(set_leg(0), 0, A_SIP);
	assert_int_equal(set_leg(0)->generation, 0);

	/* hold, and back */
	assert_int_equal(offer(CALL("a") TO("b") FROM(A_SIP) BODY("0.0.0.0")), 30100);
	assert_non_null(strstr(string("sdp"), "c=IN IP4 0.0.0.0"));
	assert_int_equal(offer(OFFER TO("b")), 30100);
	assert_int_equal(set_leg(0)->generation, 0);
	assert_int_equal(ng_count(ng), 1);
}

/* Each fork with a via-branch has streams of its own. */
static void test_via(void **state)
{
	(void)state;
	assert_int_equal(offer(OFFER VIA("v1")), 30100);
	assert_int_equal(offer(OFFER VIA("v2")), 30102);
	assert_int_equal(offer(OFFER VIA("v1")), 30100);
	assert_int_equal(fake_datapath_count(), 4);
	assert_int_equal(answer(ANSWER VIA("v2")), 30002);
	assert_int_equal(answer(CALL("a") TO("c") VIA("v1") FROM(B_SIP) BODY("192.168.1.4")),
			 30000);
	/* the 200 of one that has rung before, without its via-branch */
	assert_int_equal(answer(ANSWER), 30002);
	assert_int_equal(offer(CALL("b") TO("a") VIA("v3") FROM(B_SIP) BODY("192.168.1.3")), 30002);
	assert_int_equal(fake_datapath_count(), 4);

	(void)ask("delete", CALL("a") VIA("v1"));
	check_result("ok");
	assert_null(string("warning"));
	assert_int_equal(fake_datapath_count(), 2);
	assert_int_equal(answer(ANSWER), 30002);
	(void)ask("delete", CALL("b") TO("a"));
	assert_int_equal(fake_datapath_count(), 0);
}

/* Forks without share one; the last one that answers is where media goes to and from. */
static void test_fork(void **state)
{
	(void)state;
	assert_int_equal(offer(OFFER), 30100);
	assert_int_equal(offer(OFFER), 30100);
	assert_int_equal(answer(ANSWER), 30000);
	assert_int_equal(answer(CALL("a") TO("c") FROM("198.51.100.30") BODY("192.168.1.4")),
			 30000);
	check_prefix(set_leg(1), 0, "198.51.100.30");
	assert_int_equal(set_leg(1)->generation, 1);
	assert_int_equal(answer(ANSWER), 30000);
	check_prefix(set_leg(1), 0, B_SIP);
	assert_int_equal(set_leg(1)->generation, 2);
	/* both are the other side of a */
	assert_int_equal(offer(CALL("c") TO("a") FROM("198.51.100.30") BODY("192.168.1.4")), 30000);
	assert_int_equal(fake_datapath.news, 1);
}

/* Who is called offers, who calls answers. */
static void test_delayed(void **state)
{
	(void)state;
	assert_int_equal(offer(CALL("b") TO("a") FROM(B_SIP) BODY("192.168.1.3")), 30100);
	check_prefix(&fake_datapath.streams[0].leg[0], 0, B_SIP);
	assert_int_equal(answer(CALL("b") TO("a") FROM(A_SIP) BODY("192.168.1.2")), 30000);
	check_prefix(set_leg(1), 0, A_SIP);
	assert_int_equal(offer(OFFER TO("b")), 30000);
}

static void test_unknown(void **state)
{
	(void)state;
	(void)ask("answer", ANSWER);
	check_error("Unknown call-id");
	(void)ask("query", CALL("a"));
	check_error("Unknown call-id");
	(void)ask("delete", CALL("a"));
	check_result("ok");
	assert_string_equal(string("warning"), "Call-ID not found or tags didn't match");
	(void)ask("delete", CALL("a") ",\"flags\":[\"fatal\"]");
	check_error("Call-ID not found or tags didn't match");

	(void)offer(OFFER);
	(void)ask("delete", CALL("x") TO("y"));
	assert_string_equal(string("warning"), "Call-ID not found or tags didn't match");
	assert_int_equal(fake_datapath_count(), 2);
	(void)ask("answer", CALL("x") TO("y") BODY("192.168.1.3"));
	check_error("Unknown call-id");
	/* without tags all of it is meant */
	(void)ask("delete", ",\"call-id\":\"call-1\"");
	assert_null(string("warning"));
	assert_int_equal(fake_datapath_count(), 0);

	(void)ask("offer", ",\"from-tag\":\"a\"" BODY("10.0.0.1"));
	check_error("No call-id in message");
	(void)ask("offer", ",\"call-id\":\"c\"" BODY("10.0.0.1"));
	check_error("No from-tag in message");
	(void)ask("offer", CALL("a"));
	check_error("No SDP body in message");
	(void)ask("answer", CALL("a") BODY("10.0.0.1"));
	check_error("No to-tag in message");
	(void)ask("offer", CALL("a") ",\"sdp\":\"garbage\"");
	check_error("Malformed SDP");
	assert_int_equal(ng_count(ng), 0);
}

static void test_delay(void **state)
{
	(void)state;
	(void)offer(OFFER);
	(void)ask("delete", CALL("a") ",\"delete delay\":3");
	check_result("ok");
	wheel_skip(wheel, 2900);
	assert_int_equal(fake_datapath_count(), 2);
	/* a new INVITE after a 407 has the same Call-ID */
	assert_int_equal(offer(OFFER), 30100);
	wheel_skip(wheel, 10000);
	assert_int_equal(fake_datapath_count(), 2);
	(void)ask("delete", CALL("a") ",\"delete-delay\":\"3\"");
	wheel_skip(wheel, 3100);
	assert_int_equal(fake_datapath_count(), 0);
	assert_int_equal(ng_count(ng), 0);
}

/* Nothing but public addresses in the SDP is left where received-from is missing. */
static void test_no_received(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];

	(void)state;
	(void)offer(CALL("a") BODY("192.168.1.2"));
	check_prefix(&rtp->leg[0], 0, "0.0.0.0");
	(void)offer(CALL("a") BODY("198.51.100.77"));
	assert_int_equal(set_leg(0)->prefixes, 1);
	check_prefix(set_leg(0), 0, "198.51.100.77");
	assert_int_equal(set_leg(0)->peer.addr.family, AF_UNSPEC);
}

static void test_no_received_wide(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];

	(void)state;
	str_ncpy(realm.name, "access", sizeof(realm.name));
	realm.policy = POLICY_WIDE;
	(void)offer(CALL("a") BODY("192.168.1.2"));
	/* anybody may be A, of whom nothing is known; nobody B, who has not spoken */
	assert_int_equal(rtp->leg[0].prefixes, 0);
	assert_true(rtp->leg[0].given & NATTRAV_LEG_PREFIXES);
	check_prefix(&rtp->leg[1], 0, "0.0.0.0");
	(void)answer(CALL("a") TO("b") BODY("192.168.1.3"));
	assert_int_equal(set_leg(1)->prefixes, 0);
	/* less than that was asked for */
	(void)offer(CALL("a") BODY("192.168.1.2") ",\"flags\":[\"SIP-source-address\"]");
	check_prefix(set_leg(0), 0, "0.0.0.0");
}

static void test_source(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];

	(void)state;
	(void)offer(CALL("a") FROM(A_SIP) BODY("198.51.100.77"));
	assert_int_equal(rtp->leg[0].prefixes, 2);
	check_prefix(&rtp->leg[0], 0, A_SIP);
	check_prefix(&rtp->leg[0], 1, "198.51.100.77");
	(void)offer(CALL("a") FROM(A_SIP)
			    BODY("198.51.100.77") ",\"flags\":[\"SIP-source-address\"]");
	assert_int_equal(set_leg(0)->prefixes, 1);
	check_prefix(set_leg(0), 0, A_SIP);
	(void)offer(CALL("a") FROM(A_SIP) BODY("10.1.2.3") ",\"endpoint-learning\":\"off\"");
	assert_int_equal(set_leg(0)->prefixes, 1);
	check_prefix(set_leg(0), 0, "10.1.2.3");
	assert_int_equal(set_leg(0)->peer.addr.family, AF_UNSPEC);
	assert_false(set_leg(0)->given & NATTRAV_LEG_RELATCH);
	(void)offer(OFFER ",\"rtpp-flags\":\"media-handover TOS=184 media-timeout=90\"");
	assert_true(set_leg(0)->given & NATTRAV_LEG_RELATCH);
	assert_false(set_leg(1)->given & NATTRAV_LEG_RELATCH);
	assert_true(set_leg(0)->given & set_leg(1)->given & NATTRAV_LEG_DSCP);
	assert_int_equal(set_leg(0)->dscp, 46);
	assert_int_equal(fake_datapath.last_set[0].timeout_idle, 90000);
	(void)offer(OFFER);
	assert_int_equal(set_leg(0)->dscp, 46);
	assert_int_equal(fake_datapath.last_set[0].timeout_idle, 90000);
}

static void test_direction(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];

	(void)state;
	(void)ask("offer", OFFER ",\"direction\":[\"access\",\"internal\"]");
	check_error("Unknown interface");
	assert_int_equal(ng_count(ng), 0);

	(void)offer(OFFER ",\"direction\":[\"access\",\"core\"]");
	assert_string_equal(rtp->leg[0].realm, "access");
	assert_string_equal(rtp->leg[1].realm, "core");
	(void)answer(CALL("a") TO("b") FROM("10.0.0.9") BODY("10.0.0.9"));
	/* the core is trusted: its address is believed */
	assert_int_equal(set_leg(1)->peer.addr.v4.s_addr, inet_addr("10.0.0.9"));
	assert_int_equal(set_leg(0)->peer.addr.family, AF_UNSPEC);
	/* a re-offer without directions keeps them, one of the other side turns them round */
	(void)offer(OFFER TO("b"));
	assert_int_equal(set_leg(1)->peer.addr.v4.s_addr, inet_addr("10.0.0.9"));
	(void)offer(CALL("b") TO("a") FROM("10.0.0.9") BODY("10.0.0.9") ",\"direction\":[\"core\","
									"\"access\"]");
	assert_int_equal(set_leg(0)->peer.addr.family, AF_UNSPEC);
	check_prefix(set_leg(0), 0, A_SIP);
}

static void test_sdp(void **state)
{
	(void)state;
	(void)offer(OFFER ",\"replace\":[\"origin\",\"username\",\"session name\"]");
	assert_string_equal(string("sdp"), "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 "
					   "203.0.113.1\r\nt=0 0\r\nm=audio 30100 RTP/AVP 0\r\n");
	(void)offer(OFFER);
	assert_non_null(strstr(string("sdp"), "o=- 1 1 IN IP4 10.0.0.1\r\ns=x\r\n"));
	(void)offer(OFFER ",\"media address\":\"192.0.2.44\"");
	assert_non_null(strstr(string("sdp"), "c=IN IP4 192.0.2.44\r\n"));
	(void)offer(CALL("a") FROM(A_SIP) BODY("0.0.0.0") ",\"flags\":[\"replace-zero-address\"]");
	assert_non_null(strstr(string("sdp"), "c=IN IP4 203.0.113.1\r\n"));
	(void)ask("offer", OFFER ",\"transport-protocol\":\"RTP/SAVP\"");
	check_error("Transport protocol cannot be converted");
	(void)offer(OFFER ",\"transport-protocol\":\"RTP/AVP\"");
	(void)ask("offer", CALL("m") FROM(A_SIP) ",\"rtcp-mux\":[\"demux\"],\"sdp\":\"" SDP(
				   "10.0.0.1", "4000") "a=rtcp-mux\\r\\na=x\\r\\n\"");
	assert_null(strstr(string("sdp"), "rtcp-mux"));
	assert_non_null(strstr(string("sdp"), "a=x"));
}

/* A call that passes the same proxy twice is relayed once. */
static void test_loop(void **state)
{
	char *again, *escaped;
	const char *p;

	(void)state;
	assert_int_equal(offer(OFFER ",\"flags\":[\"loop-protect\"]"), 30100);
	assert_int_equal(re_sdprintf(&again, "%s", string("sdp")), 0);
	assert_non_null(strstr(again, "a=nattrav:"));
	escaped = mem_zalloc(2 * strlen(again) + 1, NULL);
	for (p = again; *p; p++)
		(void)strncat(escaped,
			      *p == '\r' ? "\\r" :
			      *p == '\n' ? "\\n" :
					   (char[]){ *p, 0 },
			      2);
	mem_deref(again);
	assert_int_equal(
		re_sdprintf(&again,
			    CALL("a") FROM(B_SIP) ",\"flags\":[\"loop protect\"],\"sdp\":\"%s\"",
			    escaped),
		0);
	assert_int_equal(offer(again), 30100);
	assert_int_equal(fake_datapath.sets, 0);
	assert_int_equal(answer(ANSWER), 30000);
	mem_deref(again);
	mem_deref(escaped);
}

static void test_family(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];

	(void)state;
	(void)offer(OFFER ",\"address family\":\"IP6\"");
	assert_non_null(strstr(string("sdp"), "c=IN IP6 2001:db8::1\r\n"));
	assert_int_equal(rtp->leg[0].family, AF_INET);
	assert_int_equal(rtp->leg[1].family, AF_INET6);
	assert_int_equal(rtp->leg[1].prefix[0].len, 128);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&rtp->leg[1].prefix[0].addr.v6));
	/* an answer over IPv4 from where IPv6 was offered: none of its addresses fits the leg */
	(void)answer(ANSWER);
	assert_int_equal(set_leg(1)->family, AF_INET6);
	assert_int_equal(set_leg(1)->prefix[0].len, 128);
	(void)answer(CALL("a")
			     TO("b") ",\"received-from\":[\"IP6\",\"2001:db8:9::1\"],\"sdp\":\""
				     "v=0\\r\\no=- 1 1 IN IP6 ::1\\r\\nc=IN IP6 2001:db8:9::1\\r\\n"
				     "m=audio 4000 RTP/AVP 0\\r\\n\"");
	assert_non_null(strstr(string("sdp"), "c=IN IP4 203.0.113.1\r\n"));
	assert_int_equal(set_leg(1)->prefix[0].addr.family, AF_INET6);
}

/* Exactly the words by which proxies know that they should try the next one. */
static void test_full(void **state)
{
	(void)state;
	fake_datapath.fail_new = -ENOSPC;
	(void)freopen("/dev/null", "w", stderr);
	(void)ask("offer", OFFER);
	check_error("Ran out of ports");
	assert_int_equal(ng_count(ng), 0);
	fake_datapath.fail_new = -ENOMEM;
	(void)ask("offer", OFFER);
	check_error("Parallel session limit reached");
	fake_datapath.fail_new = 0;

	config.ng_calls = 1;
	(void)offer(OFFER);
	(void)ask("offer", ",\"call-id\":\"call-2\",\"from-tag\":\"a\"" BODY("10.0.0.1"));
	check_error("Parallel session limit reached");
	(void)offer(OFFER);
	config.ng_calls = 0;

	ng_drain(ng, true);
	(void)ask("offer",
		  ",\"call-id\":\"call-2\",\"from-tag\":\"a\",\"supports\":[\"load limit\"]" BODY(
			  "10.0.0.1"));
	check_result("load limit");
	assert_non_null(string("message"));
	(void)ask("offer", ",\"call-id\":\"call-2\",\"from-tag\":\"a\"" BODY("10.0.0.1"));
	check_error("Parallel session limit reached");
	/* what is up goes on */
	(void)offer(OFFER);
	(void)answer(ANSWER);
	assert_int_equal(ng_count(ng), 1);
}

static json_t *path(json_t *json, const char *first, ...)
{
	const char *name;
	va_list ap;

	va_start(ap, first);
	for (name = first; name && json; name = va_arg(ap, const char *))
		json = json_is_array(json) ? json_array_get(json, (size_t)strtol(name, NULL, 10)) :
					     json_object_get(json, name);
	va_end(ap);
	return json;
}

#define number(...) ((int)json_integer_value(path(last, __VA_ARGS__, (const char *)NULL)))
#define word(...)   json_string_value(path(last, __VA_ARGS__, (const char *)NULL))

static void fill(struct nattrav_leg *leg, uint32_t ssrc)
{
	leg->given |= NATTRAV_LEG_SSRC | NATTRAV_LEG_RTP | NATTRAV_LEG_LAST_SEEN;
	leg->ssrc = ssrc;
	leg->packets = 100;
	leg->bytes = 17200;
	leg->dropped = 3;
	leg->received = 90;
	leg->lost = 10;
	leg->jitter = 4000;
	leg->peer.addr.family = AF_INET;
	leg->peer.addr.v4.s_addr = inet_addr(A_SIP);
	leg->peer.port = 41877;
}

static void check_description(void)
{
	check_result("ok");
	assert_int_equal(number("totals", "RTP", "packets"), 200);
	assert_int_equal(number("totals", "RTP", "bytes"), 34400);
	assert_int_equal(number("totals", "RTP", "errors"), 6);
	assert_int_equal(number("totals", "RTCP", "packets"), 0);
	assert_in_range(number("SSRC", "4711", "average MOS", "MOS"), 20, 44);
	assert_int_equal(number("SSRC", "4711", "average MOS", "packet loss"), 10);
	assert_int_equal(number("SSRC", "4712", "lowest MOS", "jitter"), 4);
	assert_string_equal(word("tags", "a", "label"), "caller");
	assert_string_equal(word("tags", "a", "in dialogue with"), "b");
	assert_string_equal(word("tags", "b", "in dialogue with"), "a");
	assert_int_equal(number("tags", "a", "medias", "0", "index"), 1);
	assert_string_equal(word("tags", "a", "medias", "0", "type"), "audio");
	assert_string_equal(word("tags", "a", "medias", "0", "protocol"), "RTP/AVP");
	assert_int_equal(number("tags", "a", "medias", "0", "streams", "0", "local port"), 30000);
	assert_int_equal(number("tags", "b", "medias", "0", "streams", "0", "local port"), 30100);
	assert_int_equal(number("tags", "a", "medias", "0", "streams", "0", "SSRC"), 4711);
	assert_int_equal(number("tags", "b", "medias", "0", "streams", "0", "SSRC"), 4712);
	assert_int_equal(number("tags", "a", "medias", "0", "streams", "0", "endpoint", "port"),
			 41877);
	assert_string_equal(word("tags", "a", "medias", "0", "streams", "0", "endpoint", "family"),
			    "IPv4");
	assert_string_equal(word("tags", "a", "medias", "0", "streams", "0", "advertised endpoint",
				 "address"),
			    "192.168.1.2");
	assert_int_equal(number("tags", "a", "medias", "0", "streams", "0", "stats", "packets"),
			 100);
	assert_string_equal(word("tags", "a", "medias", "0", "streams", "1", "flags", "0"), "RTCP");
	assert_true(number("created") > 0);
}

static void test_query(void **state)
{
	(void)state;
	(void)offer(OFFER ",\"label\":\"caller\"");
	(void)answer(ANSWER);
	fill(&fake_datapath.streams[0].leg[0], 4711);
	fill(&fake_datapath.streams[0].leg[1], 4712);
	(void)ask("query", ",\"call-id\":\"call-1\"");
	check_description();
	(void)ask("query", CALL("a") TO("b"));
	check_description();
	/* the pvars of Kamailio are read from what delete says */
	(void)ask("delete", CALL("a"));
	check_description();
}

static void test_lists(void **state)
{
	(void)state;
	(void)ask("ping", "");
	check_result("pong");
	(void)offer(OFFER);
	(void)offer(",\"call-id\":\"call-2\",\"from-tag\":\"a\"" BODY("10.0.0.1"));
	(void)ask("list", "");
	assert_int_equal(json_array_size(json_object_get(last, "calls")), 2);
	(void)ask("list", ",\"limit\":1");
	assert_int_equal(json_array_size(json_object_get(last, "calls")), 1);
	(void)ask("statistics", "");
	assert_int_equal(number("statistics", "currentstatistics", "sessionstotal"), 2);
	assert_int_equal(number("statistics", "totalstatistics", "managedsessions"), 2);
	(void)ask("start recording", CALL("a"));
	check_error("Unrecognized command");
	(void)ask("Ping", "");
	check_error("Unrecognized command");
}

static void test_cookie(void **state)
{
	static const char *const question = "x1 {\"command\":\"offer\"" OFFER "}";
	unsigned int sets;

	(void)state;
	(void)ask_as(question);
	sets = fake_datapath.sets + fake_datapath.news;
	(void)ask_as(question);
	assert_int_equal(port(), 30100);
	assert_int_equal(fake_datapath.sets + fake_datapath.news, sets);
	assert_int_equal(ng_stats(ng)->again, 1);
	(void)ask_as("x1 {\"command\":\"delete\",\"call-id\":\"call-1\"}");
	check_error("Cookie was used for another request");
	assert_int_equal(fake_datapath_count(), 2);
}

/* T-C2: no answer, or one that says that it is an error. */
static void test_malformed(void **state)
{
	static const char *const silent[] = { "",
					      "x",
					      " ",
					      "x ",
					      " d7:command4:pinge",
					      "x xyzzy",
					      "d1:",
					      "\xff\xff",
					      "x\td7:command4:pinge" };
	static const char *const told[] = { "x d7:command4:ping",
					    "x d7:command4:pingexx",
					    "x d7:command04:pinge",
					    "x d",
					    "x {",
					    "x {\"a\":}",
					    "x d7:command99999999999999999999:pinge" };
	struct sa source;
	size_t i, len;
	char *out;

	(void)state;
	sa_set_str(&source, "127.0.0.1", 4001);
	for (i = 0; i < ARRAY_SIZE(silent); i++) {
		const struct pl message = { silent[i], strlen(silent[i]) };

		assert_null(ng_handle(ng, &source, &message, true, &len));
	}
	for (i = 0; i < ARRAY_SIZE(told); i++) {
		const struct pl message = { told[i], strlen(told[i]) };

		source.u.in.sin_port++;
		out = ng_handle(ng, &source, &message, true, &len);
		assert_non_null(out);
		assert_non_null(memmem(out, len, "Could not decode dictionary", 27));
		free(out);
	}
	assert_int_equal(ng_stats(ng)->malformed, ARRAY_SIZE(silent) + ARRAY_SIZE(told));
	/* commands that are no strings, keys that are no keys */
	(void)ask_as("y {\"command\":7}");
	check_error("Unrecognized command");
	(void)ask_as("z {}");
	check_error("Unrecognized command");
}

static void tell_deleted(uint32_t id)
{
	struct nattrav_event event = { .type = NATTRAV_EVENT_TYPE_DELETED };

	event.stream.id = id;
	str_ncpy(event.stream.call, "call-1", sizeof(event.stream.call));
	fake_datapath.watch->monitor.event(&event, fake_datapath.watch_arg);
}

/* A call whose BYE got lost ends with its media. */
static void test_expired(void **state)
{
	(void)state;
	(void)offer(OFFER);
	fake_datapath.streams[0].id = fake_datapath.streams[1].id = 0;
	tell_deleted(2);
	assert_int_equal(ng_count(ng), 1);
	tell_deleted(1);
	assert_int_equal(ng_count(ng), 0);
	assert_int_equal(ng_stats(ng)->expired, 1);
	(void)ask("answer", ANSWER);
	check_error("Unknown call-id");
}

static void export_one(struct ng_call *call, void *arg)
{
	json_t **json = arg;

	*json = ng_call_export(call);
}

/* All that another gateway has to know. */
static void test_export(void **state)
{
	json_t *before = NULL, *after = NULL;
	struct ng_calls *calls;

	(void)state;
	(void)offer(OFFER VIA("v1") ",\"direction\":[\"access\",\"core\"]");
	(void)offer(OFFER VIA("v2") ",\"label\":\"x\"");
	(void)answer(ANSWER VIA("v1"));
	ng_calls_each(ng->calls, export_one, &before);
	assert_int_equal(ng_calls_alloc(&calls), 0);
	assert_int_equal(ng_call_import(calls, before), 0);
	assert_int_equal(ng_call_import(calls, before), EEXIST);
	ng_calls_each(calls, export_one, &after);
	assert_true(json_equal(before, after));
	json_decref(after);

	assert_int_equal(json_object_set_new(before, "version", json_integer(2)), 0);
	json_object_set_new(before, "call-id", json_string("other"));
	assert_int_equal(ng_call_import(calls, before), EBADMSG);
	json_object_set_new(before, "version", json_integer(1));
	json_object_set_new(json_array_get(json_object_get(before, "branches"), 1), "number",
			    json_integer(-1));
	assert_int_equal(ng_call_import(calls, before), EBADMSG);
	assert_int_equal(ng_calls_count(calls), 1);
	json_decref(before);
	mem_deref(calls);
}

/* R: nattravd dies in the middle of a call; sides stay sides, ports stay ports. */
static void test_restart(void **state)
{
	(void)state;
	(void)offer(OFFER ",\"direction\":[\"core\",\"access\"]");
	(void)answer(ANSWER);
	(void)offer(",\"call-id\":\"call-2\",\"from-tag\":\"a\"" BODY("10.0.0.1"));
	(void)ask("delete", ",\"call-id\":\"call-2\"");
	(void)offer(",\"call-id\":\"call-3\",\"from-tag\":\"a\"" BODY("10.0.0.1"));
	fake_datapath.streams[2].id = fake_datapath.streams[3].id = 0;
	ng_stop();
	ng_start();
	assert_int_equal(ng_count(ng), 1);
	/* the callee's re-INVITE: he is still side b */
	assert_int_equal(offer(CALL("b") TO("a") FROM(B_SIP) BODY("192.168.1.3")), 30000);
	assert_int_equal(answer(CALL("b") TO("a") FROM(A_SIP) BODY("192.168.1.2")), 30100);
	assert_int_equal(fake_datapath_count(), 2);
	(void)ask("delete", CALL("b"));
	assert_int_equal(fake_datapath_count(), 0);
	ng_stop();
	ng_start();
	assert_int_equal(ng_count(ng), 0);
}

static int setup_db(void **state)
{
	char name[] = "/tmp/nattravd-test-XXXXXX";

	(void)setup(state);
	ng_stop();
	assert_non_null(mkdtemp(name));
	assert_int_equal(str_dup(&dir, name), 0);
	assert_int_equal(re_sdprintf(&config.database, "%s/db", dir), 0);
	ng_start();
	return 0;
}

static int teardown_db(void **state)
{
	static const char *const files[] = { "db", "db-wal", "db-shm" };
	char *name;
	size_t i;

	(void)teardown(state);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(re_sdprintf(&name, "%s/%s", dir, files[i]), 0);
		(void)unlink(name);
		mem_deref(name);
	}
	assert_int_equal(rmdir(dir), 0);
	dir = mem_deref(dir);
	config.database = mem_deref(config.database);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_call),
		TEST(test_again),
		TEST(test_via),
		TEST(test_fork),
		TEST(test_delayed),
		TEST(test_unknown),
		TEST(test_delay),
		TEST(test_no_received),
		TEST(test_no_received_wide),
		TEST(test_source),
		TEST(test_direction),
		TEST(test_sdp),
		TEST(test_loop),
		TEST(test_family),
		TEST(test_query),
		TEST(test_lists),
		TEST(test_cookie),
		TEST(test_malformed),
		TEST(test_expired),
		TEST(test_export),
		cmocka_unit_test_setup_teardown(test_restart, setup_db, teardown_db),
		TEST(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
