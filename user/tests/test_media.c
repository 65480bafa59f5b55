// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The media side over a datapath that only takes notes: which streams an SDP
 * makes, changes and removes, and what the other side is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <re.h>
#include <string.h>

#include "config.h"
#include "fake_datapath.h"
#include "log.h"
#include "media/media.h"

#define A_SIP "198.51.100.10"
#define B_SIP "198.51.100.20"

static struct config config;
static struct config_pool config_pool;
static struct media *media;

static int setup(void **state)
{
	(void)state;

	log_set_level(LOG_LEVEL_ERROR);
	memset(&fake_datapath, 0, sizeof(fake_datapath));
	fake_datapath.next_id = 1;
	fake_datapath.next_port = 30000;
	fake_datapath.error_entry = -1;

	memset(&config, 0, sizeof(config));
	memset(&config_pool, 0, sizeof(config_pool));
	sa_set_str(&config_pool.addr, "203.0.113.1", 0);
	config_pool.port_min = 30000;
	config_pool.port_max = 39999;
	str_ncpy(config_pool.realm, "access", sizeof(config_pool.realm));
	list_append(&config.pools, &config_pool.le, &config_pool);
	return media_init_datapath(&media, &config, &fake_datapath_ops);
}

static int teardown(void **state)
{
	(void)state;

	media_close(media);
	assert_null(fake_datapath.watch);
	return 0;
}

static struct pl text(const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);
	return pl;
}

/* Passes an SDP; the edited one if it was not refused. */
static char *pass_call(const char *call, enum nattrav_side from, const char *src, const char *body,
		       int status)
{
	struct media_sdp sdp = {
		.call = { text(call), 0 },
		.from = from,
		.body = text(body),
	};
	const char *reason = NULL;
	struct mbuf *out = NULL;
	char *got = NULL;

	sa_set_str(&sdp.src, src, 5060);
	sa_set_str(&sdp.dst, from == NATTRAV_SIDE_A ? B_SIP : A_SIP, 5060);
	assert_int_equal(media_sdp_pass(media, &sdp, &out, &reason), status);
	if (status) {
		assert_null(out);
		assert_non_null(reason);
		return NULL;
	}
	assert_null(reason);
	assert_int_equal(mbuf_strdup(out, &got, mbuf_get_left(out)), 0);
	mem_deref(out);
	return got;
}

static void check_pass(enum nattrav_side from, const char *body, const char *expected)
{
	char *got = pass_call("call-1", from, from == NATTRAV_SIDE_A ? A_SIP : B_SIP, body, 0);

	assert_string_equal(got, expected);
	mem_deref(got);
}

static void check_refused(const char *body, int status)
{
	assert_null(pass_call("call-1", NATTRAV_SIDE_A, A_SIP, body, status));
}

static void check_prefixes(const struct nattrav_leg *leg, const char *first, const char *second)
{
	assert_true(leg->given & NATTRAV_LEG_PREFIXES);
	assert_int_equal(leg->prefixes, second ? 2 : 1);
	assert_int_equal(leg->prefix[0].len, 32);
	assert_int_equal(leg->prefix[0].addr.v4.s_addr, inet_addr(first));
	if (second) {
		assert_int_equal(leg->prefix[1].len, 32);
		assert_int_equal(leg->prefix[1].addr.v4.s_addr, inet_addr(second));
	}
}

static bool has_type(const struct nattrav_leg *leg, unsigned int type)
{
	assert_true(leg->given & NATTRAV_LEG_PAYLOAD_TYPES);
	return leg->payload_types[type / 8] >> type % 8 & 1;
}

#define SDP(addr, media_lines) "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 " addr "\r\n" media_lines
#define AUDIO(port, types)     "m=audio " port " RTP/AVP " types "\r\n"
#define VIDEO(port, types)     "m=video " port " RTP/AVP " types "\r\n"

static void event(enum nattrav_event_type type, uint32_t id, const char *call)
{
	struct nattrav_event ev = { .type = type, .side = NATTRAV_SIDE_A };

	ev.stream.id = id;
	str_ncpy(ev.stream.call, call, sizeof(ev.stream.call));
	ev.addr.addr.family = AF_INET;
	ev.addr.addr.v4.s_addr = inet_addr("198.51.100.10");
	ev.addr.port = 41877;
	fake_datapath.watch->monitor.event(&ev, fake_datapath.watch_arg);
}

static bool has_call(const char *call)
{
	const struct media_call id = { text(call), 0 };

	return media_has_call(media, &id);
}

static void end_call(const char *call)
{
	const struct media_call id = { text(call), 0 };

	media_end(media, &id);
}

static void test_call(void **state)
{
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];
	const struct nattrav_stream *set = &fake_datapath.last_set[0];

	(void)state;

	assert_false(has_call("call-1"));

	/* The offer installs; B is told B's relay address, A its own. */
	check_pass(NATTRAV_SIDE_A, SDP("192.168.1.2", AUDIO("7078", "0 101")),
		   SDP("203.0.113.1", AUDIO("30100", "0 101")));
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(fake_datapath.sets, 0);
	assert_int_equal(fake_datapath_count(), 2);
	assert_string_equal(rtp->call, "call-1");
	assert_int_equal(rtp->cookie, 0);
	assert_true(rtp->given & NATTRAV_STREAM_COOKIE);
	assert_int_equal(rtp->timeout_idle, 60000);
	check_prefixes(&rtp->leg[NATTRAV_SIDE_A], A_SIP, NULL);
	check_prefixes(&rtp->leg[NATTRAV_SIDE_B], B_SIP, NULL);
	assert_int_equal(rtp->leg[0].peer.addr.family, AF_UNSPEC);
	assert_int_equal(rtp->leg[1].peer.addr.family, AF_UNSPEC);
	assert_true(has_type(&rtp->leg[NATTRAV_SIDE_A], 101));
	assert_false(has_type(&rtp->leg[NATTRAV_SIDE_A], 96));
	assert_true(has_call("call-1"));

	/* 183: the answer adds its types to both legs and opens the window. */
	check_pass(NATTRAV_SIDE_B, SDP("192.168.1.2", AUDIO("4000", "0 96")),
		   SDP("203.0.113.1", AUDIO("30000", "0 96")));
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(fake_datapath.sets, 1);
	assert_int_equal(set->id, rtp->id);
	assert_true(has_type(&set->leg[NATTRAV_SIDE_A], 96));
	assert_true(has_type(&set->leg[NATTRAV_SIDE_A], 101));
	assert_true(has_type(&set->leg[NATTRAV_SIDE_B], 96));
	assert_true(has_type(&set->leg[NATTRAV_SIDE_B], 101));
	assert_true(set->leg[0].given & NATTRAV_LEG_WINDOW);
	assert_int_equal(set->leg[0].window, 30000);
	assert_int_equal(set->leg[0].generation, 0);
	assert_int_equal(set->leg[1].generation, 0);

	/* 200 with the same, and once more. */
	check_pass(NATTRAV_SIDE_B, SDP("192.168.1.2", AUDIO("4000", "0 96")),
		   SDP("203.0.113.1", AUDIO("30000", "0 96")));
	check_pass(NATTRAV_SIDE_B, SDP("192.168.1.2", AUDIO("4000", "0 96")),
		   SDP("203.0.113.1", AUDIO("30000", "0 96")));
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(set->leg[1].generation, 0);

	end_call("call-1");
	assert_int_equal(fake_datapath_count(), 0);
	assert_int_equal(fake_datapath.del_calls, 1);
	assert_false(has_call("call-1"));

	/* Its events come later and find nothing, which is fine. */
	event(NATTRAV_EVENT_TYPE_DELETED, 1, "call-1");
}

static void test_early_end(void **state)
{
	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("192.168.1.2", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	end_call("call-1");
	assert_int_equal(fake_datapath_count(), 0);

	/* A call that nobody knows, and one that only the kernel knows. */
	end_call("call-2");
	str_ncpy(fake_datapath.streams[0].call, "call-3", sizeof(fake_datapath.streams[0].call));
	fake_datapath.streams[0].id = 99;
	end_call("call-3");
	assert_int_equal(fake_datapath_count(), 0);
}

static void test_delayed_offer(void **state)
{
	(void)state;

	/* B offers in its 200, A answers in the ACK. */
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	assert_int_equal(fake_datapath.news, 1);
	check_prefixes(&fake_datapath.streams[0].leg[NATTRAV_SIDE_A], A_SIP, NULL);
	check_prefixes(&fake_datapath.streams[0].leg[NATTRAV_SIDE_B], B_SIP, NULL);
}

static void test_public_address(void **state)
{
	static const char *const private[] = {
		"10.1.2.3",   "172.16.0.1",      "172.31.255.1", "192.168.0.1",
		"100.64.0.1", "127.0.0.1",       "169.254.1.1",  "0.1.2.3",
		"224.0.0.1",  "240.0.0.1",       "192.0.0.8",    "198.18.0.1",
		"a.example",  "255.255.255.255", A_SIP,          "192.168.1.2x",
	};
	char body[256];
	size_t i;

	(void)state;

	/* A PBX whose media leaves from another public address. */
	check_pass(NATTRAV_SIDE_A, SDP("198.51.100.77", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	check_prefixes(&fake_datapath.streams[0].leg[NATTRAV_SIDE_A], A_SIP, "198.51.100.77");
	check_prefixes(&fake_datapath.streams[0].leg[NATTRAV_SIDE_B], B_SIP, NULL);

	check_pass(NATTRAV_SIDE_B, SDP("172.32.0.1", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));
	check_prefixes(&fake_datapath.last_set[0].leg[NATTRAV_SIDE_A], A_SIP, "198.51.100.77");
	check_prefixes(&fake_datapath.last_set[0].leg[NATTRAV_SIDE_B], B_SIP, "172.32.0.1");

	for (i = 0; i < ARRAY_SIZE(private); i++) {
		re_snprintf(body, sizeof(body), "v=0\r\nc=IN IP4 %s\r\nm=audio 7078 RTP/AVP 0\r\n",
			    private[i]);
		mem_deref(pass_call("call-1", NATTRAV_SIDE_A, A_SIP, body, 0));
		check_prefixes(&fake_datapath.last_set[0].leg[NATTRAV_SIDE_A], A_SIP, NULL);
	}
}

static void test_reinvite(void **state)
{
	const struct nattrav_stream *set = &fake_datapath.last_set[0];
	char *got;

	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));

	/* The same again: nothing moves. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 0);

	/* Another port of A: only A's leg may latch anew. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7080", "0 8")),
		   SDP("203.0.113.1", AUDIO("30100", "0 8")));
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 1);
	assert_int_equal(set->leg[NATTRAV_SIDE_B].generation, 0);
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 1);
	assert_int_equal(set->leg[NATTRAV_SIDE_B].generation, 0);

	/* Another address of B, offered by B. */
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.3", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 1);
	assert_int_equal(set->leg[NATTRAV_SIDE_B].generation, 1);

	/* A is in another network now, behind another NAT, with the same SDP. */
	got = pass_call("call-1", NATTRAV_SIDE_A, "198.51.100.99",
			SDP("10.0.0.1", AUDIO("7080", "0 8")), 0);
	mem_deref(got);
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 2);
	check_prefixes(&set->leg[NATTRAV_SIDE_A], "198.51.100.99", NULL);
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(fake_datapath_count(), 2);
}

static void test_hold(void **state)
{
	const struct nattrav_stream *set = &fake_datapath.last_set[0];

	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));
	assert_false(set->hold);

	/* RFC 2543 hold and its resume: same ports, and nothing has moved. */
	check_pass(NATTRAV_SIDE_A, SDP("0.0.0.0", AUDIO("7078", "0")),
		   SDP("0.0.0.0", AUDIO("30100", "0")));
	assert_true(set->given & NATTRAV_STREAM_HOLD);
	assert_true(set->hold);
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0")),
		   SDP("203.0.113.1", AUDIO("30000", "0")));
	assert_true(set->hold);
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	assert_false(set->hold);
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 0);

	/* RFC 3264 hold. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") "a=sendonly\r\n"),
		   SDP("203.0.113.1", AUDIO("30100", "0") "a=sendonly\r\n"));
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0") "a=recvonly\r\n"),
		   SDP("203.0.113.1", AUDIO("30000", "0") "a=recvonly\r\n"));
	assert_true(set->hold);
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") "a=sendrecv\r\n"),
		   SDP("203.0.113.1", AUDIO("30100", "0") "a=sendrecv\r\n"));
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0") "a=sendrecv\r\n"),
		   SDP("203.0.113.1", AUDIO("30000", "0") "a=sendrecv\r\n"));
	assert_false(set->hold);
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 0);
	assert_int_equal(set->leg[NATTRAV_SIDE_B].generation, 0);
	assert_int_equal(fake_datapath.news, 1);
}

static void test_media_lines(void **state)
{
	(void)state;

	/* Two in one batch. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("7080", "96")),
		   SDP("203.0.113.1", AUDIO("30100", "0") VIDEO("30102", "96")));
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(fake_datapath_count(), 4);
	assert_int_equal(fake_datapath.streams[2].cookie, 1);

	/* B takes the audio only: the video's ports are free at once. */
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0") VIDEO("0", "96")),
		   SDP("203.0.113.1", AUDIO("30000", "0") VIDEO("0", "96")));
	assert_int_equal(fake_datapath_count(), 2);

	/* Video again, by B: a new stream beside the old one. */
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0") VIDEO("4002", "96")),
		   SDP("203.0.113.1", AUDIO("30000", "0") VIDEO("30004", "96")));
	assert_int_equal(fake_datapath.news, 2);
	assert_int_equal(fake_datapath_count(), 4);
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("7080", "96")),
		   SDP("203.0.113.1", AUDIO("30100", "0") VIDEO("30104", "96")));
	assert_int_equal(fake_datapath.last_set_count, 2);

	/* A wants it off: not before B has agreed. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("0", "96")),
		   SDP("203.0.113.1", AUDIO("30100", "0") VIDEO("0", "96")));
	assert_int_equal(fake_datapath_count(), 4);
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0") VIDEO("0", "96")),
		   SDP("203.0.113.1", AUDIO("30000", "0") VIDEO("0", "96")));
	assert_int_equal(fake_datapath_count(), 2);

	/* All off: the call has no stream, and the SDP passes as it is. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("0", "0") VIDEO("0", "96")),
		   SDP("10.0.0.1", AUDIO("0", "0") VIDEO("0", "96")));
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("0", "0") VIDEO("0", "96")),
		   SDP("10.0.0.2", AUDIO("0", "0") VIDEO("0", "96")));
	assert_int_equal(fake_datapath_count(), 0);
	assert_false(has_call("call-1"));
}

#define SDP_BARE(lines) SDP("10.0.0.1", lines)
#define SDP_NODE(lines) SDP("203.0.113.1", lines)

static void test_not_relayed(void **state)
{
	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP_BARE(AUDIO("7078", "0") "m=image 6000 TCPTL t38\r\n"),
		   SDP_NODE(AUDIO("30100", "0") "m=image 6000 TCPTL t38\r\nc=IN IP4 10.0.0.1\r\n"));
	assert_int_equal(fake_datapath_count(), 2);
	end_call("call-1");

	/* With nothing for us to do the call is none of our business. */
	check_pass(NATTRAV_SIDE_A, SDP_BARE("m=message 2855 TCP/MSRP *\r\n"),
		   SDP_BARE("m=message 2855 TCP/MSRP *\r\n"));
	check_pass(NATTRAV_SIDE_A, SDP_BARE("m=audio 7078/2 RTP/AVP 0\r\n"),
		   SDP_BARE("m=audio 7078/2 RTP/AVP 0\r\n"));
	assert_int_equal(fake_datapath.news, 1);
	assert_false(has_call("call-1"));
}

/* Streams that are not RTP: one port a side, and nothing is asked of the packets. */
static void test_udp(void **state)
{
	const struct nattrav_stream *udp = &fake_datapath.streams[0];

	(void)state;

	check_pass(NATTRAV_SIDE_A,
		   SDP_BARE("m=application 3074 UDP game\r\nm=application 50000 UDP/BFCP *\r\n"),
		   SDP_NODE("m=application 30100 UDP game\r\nm=application 30101 UDP/BFCP *\r\n"));
	assert_int_equal(fake_datapath_count(), 2);
	assert_int_equal(udp->type, NATTRAV_STREAM_TYPE_UDP);
	assert_false(udp->leg[0].given & NATTRAV_LEG_PAYLOAD_TYPES);
	assert_false(udp->leg[0].given & NATTRAV_LEG_CLOCK_RATE);
	assert_int_equal(udp->leg[0].rate, 5000);
	check_prefixes(&udp->leg[NATTRAV_SIDE_A], A_SIP, NULL);
	check_pass(NATTRAV_SIDE_B,
		   SDP_BARE("m=application 3074 UDP game\r\nm=application 0 UDP/BFCP *\r\n"),
		   SDP_NODE("m=application 30000 UDP game\r\nm=application 0 UDP/BFCP *\r\n"));
	assert_int_equal(fake_datapath_count(), 1);
}

/* A fax in the place of a call: the audio goes when the other side has agreed. */
static void test_t38(void **state)
{
	static const char t38[] = SDP_BARE("m=image 6000 udptl t38\r\n");

	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP_BARE(AUDIO("7078", "0")), SDP_NODE(AUDIO("30100", "0")));
	check_pass(NATTRAV_SIDE_B, SDP_BARE(AUDIO("4000", "0")), SDP_NODE(AUDIO("30000", "0")));

	/* refused: the audio was never touched */
	check_pass(NATTRAV_SIDE_B, t38, SDP_NODE("m=image 30002 udptl t38\r\n"));
	assert_int_equal(fake_datapath_count(), 3);
	media_offer_rejected(media, &(struct media_call){ PL("call-1"), 0 });
	assert_int_equal(fake_datapath_count(), 2);
	assert_int_equal(fake_datapath.streams[0].type, NATTRAV_STREAM_TYPE_RTP);
	media_offer_rejected(media, &(struct media_call){ PL("call-1"), 0 });
	assert_int_equal(fake_datapath_count(), 2);

	/* the next SDP is an offer again, whoever makes it */
	check_pass(NATTRAV_SIDE_A, t38, SDP_NODE("m=image 30103 udptl t38\r\n"));
	assert_int_equal(fake_datapath_count(), 3);
	check_pass(NATTRAV_SIDE_B, t38, SDP_NODE("m=image 30003 udptl t38\r\n"));
	assert_int_equal(fake_datapath_count(), 1);

	/* and back to voice, on other ports */
	check_pass(NATTRAV_SIDE_A, SDP_BARE(AUDIO("7078", "0")), SDP_NODE(AUDIO("30104", "0")));
	check_pass(NATTRAV_SIDE_B, SDP_BARE(AUDIO("4000", "0")), SDP_NODE(AUDIO("30004", "0")));
	assert_int_equal(fake_datapath_count(), 2);
}

#define DTLS "a=fingerprint:sha-256 AA\r\na=setup:actpass\r\n"
#define MUX  "a=rtcp-mux\r\n"

/* DTLS-SRTP: RTCP has a stream of its own until both agree that it needs none. */
static void test_dtls(void **state)
{
	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP_BARE("m=audio 7078 UDP/TLS/RTP/SAVPF 0\r\n" DTLS MUX),
		   SDP_NODE("m=audio 30100 UDP/TLS/RTP/SAVPF 0\r\na=rtcp:30101\r\n" DTLS MUX));
	assert_int_equal(fake_datapath_count(), 2);
	assert_int_equal(fake_datapath.streams[0].type, NATTRAV_STREAM_TYPE_UDP);
	assert_int_equal(fake_datapath.streams[0].cookie, 0x20);
	assert_int_equal(fake_datapath.streams[1].cookie, 0x30);
	assert_false(fake_datapath.streams[0].leg[0].given & NATTRAV_LEG_PAYLOAD_TYPES);

	/* found again after a restart */
	media_close(media);
	assert_int_equal(media_init_datapath(&media, &config, &fake_datapath_ops), 0);
	check_pass(NATTRAV_SIDE_A, SDP_BARE("m=audio 7078 UDP/TLS/RTP/SAVPF 0\r\n" DTLS MUX),
		   SDP_NODE("m=audio 30100 UDP/TLS/RTP/SAVPF 0\r\na=rtcp:30101\r\n" DTLS MUX));
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(fake_datapath.last_set_count, 2);

	check_pass(NATTRAV_SIDE_B, SDP_BARE("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n" DTLS MUX),
		   SDP_NODE("m=audio 30000 UDP/TLS/RTP/SAVPF 0\r\n" DTLS MUX));
	assert_int_equal(fake_datapath_count(), 1);

	/* a later offer does not ask for it again, unless it stops to share */
	check_pass(NATTRAV_SIDE_A, SDP_BARE("m=audio 7078 UDP/TLS/RTP/SAVPF 0\r\n" DTLS MUX),
		   SDP_NODE("m=audio 30100 UDP/TLS/RTP/SAVPF 0\r\n" DTLS MUX));
	assert_int_equal(fake_datapath_count(), 1);
	check_pass(NATTRAV_SIDE_A, SDP_BARE("m=audio 7078 UDP/TLS/RTP/SAVPF 0\r\n" DTLS),
		   SDP_NODE("m=audio 30100 UDP/TLS/RTP/SAVPF 0\r\na=rtcp:30102\r\n" DTLS));
	assert_int_equal(fake_datapath_count(), 2);

	/* the kernel ends the one that nothing comes to */
	event(NATTRAV_EVENT_TYPE_DELETED, 3, "call-1");
	assert_true(has_call("call-1"));
	end_call("call-1");
	assert_int_equal(fake_datapath_count(), 0);
}

#define BUNDLE(port1, port2)                                                                      \
	"a=group:BUNDLE 0 1\r\nm=audio " port1 " RTP/AVP 0\r\na=mid:0\r\na=rtcp-mux-only\r\n" MUX \
	"m=application " port2 " UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"

/* Each line has a port until the other side agrees that they share one. */
static void test_bundle(void **state)
{
	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP_BARE(BUNDLE("7078", "7080")),
		   SDP_NODE(BUNDLE("30100", "30101")));
	assert_int_equal(fake_datapath_count(), 2);
	check_pass(NATTRAV_SIDE_B, SDP_BARE(BUNDLE("4000", "4000")),
		   SDP_NODE(BUNDLE("30000", "30000")));
	assert_int_equal(fake_datapath_count(), 1);
	assert_int_equal(fake_datapath.streams[0].type, NATTRAV_STREAM_TYPE_UDP);
	assert_int_equal(fake_datapath.streams[0].leg[0].local.port, 30000);

	/* from now on the offer shares as well */
	check_pass(NATTRAV_SIDE_A, SDP_BARE(BUNDLE("7078", "7078")),
		   SDP_NODE(BUNDLE("30100", "30100")));
	check_pass(NATTRAV_SIDE_A, SDP_BARE(BUNDLE("7078", "0")), SDP_NODE(BUNDLE("30100", "0")));
	assert_int_equal(fake_datapath.news, 1);
	end_call("call-1");

	/* who does not bundle answers with two ports */
	check_pass(NATTRAV_SIDE_A, SDP_BARE(BUNDLE("7078", "7080")),
		   SDP_NODE(BUNDLE("30102", "30103")));
	check_pass(NATTRAV_SIDE_B, SDP_BARE(BUNDLE("4000", "4002")),
		   SDP_NODE(BUNDLE("30002", "30003")));
	assert_int_equal(fake_datapath_count(), 2);
}

/* Passes an SDP between two realms. */
static void pass_realms(const char *call, enum nattrav_side from, const char *src_realm,
			const char *dst_realm, const char *body)
{
	struct media_sdp sdp = { .call = { text(call), 0 }, .from = from, .body = text(body) };
	const char *reason = NULL;
	struct mbuf *out = NULL;

	sdp.src_realm = src_realm;
	sdp.dst_realm = dst_realm;
	sa_set_str(&sdp.src, from == NATTRAV_SIDE_A ? A_SIP : B_SIP, 5060);
	sa_set_str(&sdp.dst, from == NATTRAV_SIDE_A ? B_SIP : A_SIP, 5060);
	assert_int_equal(media_sdp_pass(media, &sdp, &out, &reason), 0);
	mem_deref(out);
}

/* A terminal behind a wide NAT, and a media server that waits to be sent to. */
static void test_realms(void **state)
{
	static struct config_realm wide = { .name = "wide", .policy = POLICY_WIDE };
	static struct config_realm core = { .name = "core", .policy = POLICY_TRUSTED };
	const struct nattrav_leg *a = &fake_datapath.streams[0].leg[NATTRAV_SIDE_A];
	const struct nattrav_leg *b = &fake_datapath.streams[0].leg[NATTRAV_SIDE_B];

	(void)state;

	list_append(&config.realms, &wide.le, &wide);
	list_append(&config.realms, &core.le, &core);
	fake_datapath.any_realm = true;

	pass_realms("call-1", NATTRAV_SIDE_A, "wide", "core", SDP("10.0.0.1", AUDIO("7078", "0")));
	assert_string_equal(a->realm, "wide");
	assert_string_equal(b->realm, "core");
	assert_int_equal(a->prefixes, 1);
	assert_int_equal(a->prefix[0].len, 24);
	assert_int_equal(a->prefix[0].addr.v4.s_addr, inet_addr("198.51.100.0"));
	/* nothing is known of b but where its signalling is */
	assert_int_equal(b->peer.port, 0);
	check_prefixes(b, B_SIP, NULL);

	b = &fake_datapath.last_set[0].leg[NATTRAV_SIDE_B];
	pass_realms("call-1", NATTRAV_SIDE_B, "core", "wide", SDP("10.9.9.9", AUDIO("4000", "0")));
	assert_int_equal(b->peer.addr.v4.s_addr, inet_addr("10.9.9.9"));
	assert_int_equal(b->peer.port, 4000);
	check_prefixes(b, "10.9.9.9", NULL);

	/* a hold leaves the peer, a re-INVITE moves it */
	pass_realms("call-1", NATTRAV_SIDE_B, "core", "wide", SDP("0.0.0.0", AUDIO("4000", "0")));
	assert_int_equal(b->peer.port, 4000);
	pass_realms("call-1", NATTRAV_SIDE_B, "core", "wide", SDP("10.9.9.8", AUDIO("4002", "0")));
	assert_int_equal(b->peer.addr.v4.s_addr, inet_addr("10.9.9.8"));
	assert_int_equal(b->peer.port, 4002);
}

/* 4 times the bandwidth that the other side named, and never less than 500. */
static void test_rates(void **state)
{
	const struct nattrav_stream *stream = fake_datapath.streams;

	(void)state;

	mem_deref(pass_call("call-1", NATTRAV_SIDE_A, A_SIP,
			    SDP_BARE(AUDIO("7078", "0") "b=AS:80\r\na=rtpmap:0 x/16000\r\n" VIDEO(
				    "7080", "96") "b=TIAS:2048000\r\n" VIDEO("7082", "96")
					     AUDIO("7084", "9")),
			    0));
	assert_int_equal(stream[0].leg[0].rate, 500);
	assert_int_equal(stream[0].leg[1].clock_rate, 16000);
	assert_true(stream[0].leg[1].given & NATTRAV_LEG_CLOCK_RATE);
	assert_int_equal(stream[2].leg[0].rate, 6400);
	assert_int_equal(stream[4].leg[0].rate, 5000);
	assert_int_equal(stream[6].leg[0].rate, 500);
	assert_false(stream[6].leg[0].given & NATTRAV_LEG_CLOCK_RATE);
}

static void test_refused(void **state)
{
	(void)state;

	check_refused("", 488);
	check_refused("v=0\r\n", 488);
	check_refused("garbage", 488);
	check_refused(SDP("10.0.0.1", "m=audio x RTP/AVP 0\r\n"), 488);
	assert_int_equal(fake_datapath.news, 0);

	fake_datapath.fail_new = -ENOSPC;
	check_refused(SDP("10.0.0.1", AUDIO("7078", "0")), 503);
	fake_datapath.fail_new = -ENOMEM;
	check_refused(SDP("10.0.0.1", AUDIO("7078", "0")), 503);
	fake_datapath.fail_new = -EPERM;
	check_refused(SDP("10.0.0.1", AUDIO("7078", "0")), 500);
	assert_false(has_call("call-1"));

	/* A re-offer that cannot be had leaves the call as it was. */
	fake_datapath.fail_new = 0;
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	fake_datapath.fail_new = -ENOSPC;
	check_refused(SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("7080", "96")), 503);
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	assert_int_equal(fake_datapath_count(), 2);
}

static void check_prefix6(const struct nattrav_leg *leg, unsigned int index, const char *addr,
			  unsigned int len)
{
	struct in6_addr v6;

	assert_int_equal(inet_pton(AF_INET6, addr, &v6), 1);
	assert_true(index < leg->prefixes);
	assert_int_equal(leg->prefix[index].addr.family, AF_INET6);
	assert_memory_equal(&leg->prefix[index].addr.v6, &v6, sizeof(v6));
	assert_int_equal(leg->prefix[index].len, len);
}

/* A in an IPv6 network calls B behind an IPv4 NAT. */
static void test_ipv6(void **state)
{
	static const char *const odd[] = { "fd00::1",    "fe80::1",           "ff02::1",
					   "::1",        "2002:cb00:7101::1", "2001:0:1::1",
					   "64:ff9b::1", "198.51.100.10",     "a.example" };
	const struct nattrav_stream *rtp = &fake_datapath.streams[0];
	char *got, *body;
	size_t i;

	(void)state;

	got = pass_call("call-1", NATTRAV_SIDE_A, "2001:db8:a::5",
			"v=0\r\no=- 1 1 IN IP6 2001:db8:a::6\r\nc=IN IP6 2001:db8:a::6\r\n" AUDIO(
				"7078", "0"),
			0);
	assert_string_equal(
		got, "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\nc=IN IP4 203.0.113.1\r\n" AUDIO("30100",
											   "0"));
	mem_deref(got);
	assert_int_equal(rtp->leg[NATTRAV_SIDE_A].family, AF_INET6);
	assert_int_equal(rtp->leg[NATTRAV_SIDE_B].family, AF_INET);
	assert_int_equal(rtp->leg[NATTRAV_SIDE_A].prefixes, 2);
	check_prefix6(&rtp->leg[NATTRAV_SIDE_A], 0, "2001:db8:a::5", 128);
	check_prefix6(&rtp->leg[NATTRAV_SIDE_A], 1, "2001:db8:a::6", 128);

	got = pass_call("call-1", NATTRAV_SIDE_B, B_SIP, SDP("192.168.1.2", AUDIO("4000", "0")), 0);
	assert_string_equal(
		got, "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\nc=IN IP6 2001:db8::1\r\n" AUDIO("30000",
											   "0"));
	mem_deref(got);
	check_prefixes(&fake_datapath.last_set[0].leg[NATTRAV_SIDE_B], B_SIP, NULL);

	/* a subnet, where the SDP names no address that could be seen */
	got = pass_call("call-2", NATTRAV_SIDE_A, "2001:db8:a::5",
			SDP("a.example", AUDIO("1", "0")), 0);
	mem_deref(got);
	assert_int_equal(fake_datapath.streams[2].leg[NATTRAV_SIDE_A].prefixes, 1);
	check_prefix6(&fake_datapath.streams[2].leg[NATTRAV_SIDE_A], 0, "2001:db8:a::", 64);
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		assert_int_equal(
			re_sdprintf(&body, "v=0\r\nc=IN IP6 %s\r\n" AUDIO("1", "0"), odd[i]), 0);
		got = pass_call("call-2", NATTRAV_SIDE_A, "2001:db8:a::5", body, 0);
		assert_int_equal(fake_datapath.last_set[0].leg[NATTRAV_SIDE_A].prefixes, 1);
		mem_deref(got);
		mem_deref(body);
	}
}

/* The kernel ended a stream, and its event is not read yet. */
static void test_set_expired(void **state)
{
	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("7080", "96")),
		   SDP("203.0.113.1", AUDIO("30100", "0") VIDEO("30102", "96")));
	fake_datapath.streams[2].id = 0;
	fake_datapath.streams[3].id = 0;
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("7080", "96")),
		   SDP("203.0.113.1", AUDIO("30100", "0") VIDEO("30104", "96")));
	assert_int_equal(fake_datapath.news, 2);
	assert_int_equal(fake_datapath_count(), 4);

	/* Any other failure of a change is no reason to lose the call. */
	fake_datapath.fail_set = -EINVAL;
	check_pass(NATTRAV_SIDE_B, SDP("10.0.0.2", AUDIO("4000", "0") VIDEO("0", "96")),
		   SDP("203.0.113.1", AUDIO("30000", "0") VIDEO("0", "96")));
}

static void test_events(void **state)
{
	unsigned int i;

	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0") VIDEO("7080", "96")),
		   SDP("203.0.113.1", AUDIO("30100", "0") VIDEO("30102", "96")));

	event(NATTRAV_EVENT_TYPE_COMPLETED, 1, "call-1");
	event(NATTRAV_EVENT_TYPE_COMPLETED, 2, "call-1");
	for (i = 0; i < 20; i++)
		event(NATTRAV_EVENT_TYPE_INTRUDER, 1, "call-1");

	event(NATTRAV_EVENT_TYPE_SILENT, 1, "call-1");
	event(NATTRAV_EVENT_TYPE_ONE_WAY, 1, "call-1");
	event(NATTRAV_EVENT_TYPE_RESUMED, 1, "call-1");

	/* RTCP first: the record goes with the RTP stream. */
	event(NATTRAV_EVENT_TYPE_EXPIRED, 1, "call-1");
	event(NATTRAV_EVENT_TYPE_DELETED, 2, "call-1");
	event(NATTRAV_EVENT_TYPE_DELETED, 1, "call-1");
	assert_true(has_call("call-1"));
	event(NATTRAV_EVENT_TYPE_DELETED, 3, "call-1");
	event(NATTRAV_EVENT_TYPE_DELETED, 4, "call-1");
	assert_false(has_call("call-1"));

	/* Of others, and of none. */
	event(NATTRAV_EVENT_TYPE_COMPLETED, 77, "");
	event(NATTRAV_EVENT_TYPE_POOL_LOW, 0, "");
	event(NATTRAV_EVENT_TYPE_LIMIT, 0, "");
	event(NATTRAV_EVENT_TYPE_DELETED, 77, "nobody");
}

static void test_adopt(void **state)
{
	const struct nattrav_stream *set = &fake_datapath.last_set[0];

	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7079", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	fake_datapath.streams[0].leg[NATTRAV_SIDE_A] =
		fake_datapath.last_set[0].leg[NATTRAV_SIDE_A];
	fake_datapath.streams[0].leg[NATTRAV_SIDE_A].local.addr.family = AF_INET;
	fake_datapath.streams[0].leg[NATTRAV_SIDE_A].local.addr.v4.s_addr =
		inet_addr("203.0.113.1");
	fake_datapath.streams[0].leg[NATTRAV_SIDE_A].local.port = 30000;

	/* The daemon starts anew; the streams have stayed. */
	media_close(media);
	assert_int_equal(fake_datapath_count(), 2);
	assert_int_equal(media_init_datapath(&media, &config, &fake_datapath_ops), 0);
	assert_true(has_call("call-1"));

	/* A re-INVITE gets the same ports, and the window but no new latch. */
	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7079", "8")),
		   SDP("203.0.113.1", AUDIO("30100", "8")));
	assert_int_equal(fake_datapath.news, 1);
	assert_int_equal(set->leg[NATTRAV_SIDE_A].generation, 1);
	assert_true(has_type(&set->leg[NATTRAV_SIDE_B], 8));
	assert_true(has_type(&set->leg[NATTRAV_SIDE_B], 0));
	check_prefixes(&set->leg[NATTRAV_SIDE_A], A_SIP, NULL);
	check_prefixes(&set->leg[NATTRAV_SIDE_B], B_SIP, NULL);

	end_call("call-1");
	assert_int_equal(fake_datapath_count(), 0);
}

/* As above, but the terminal signals from elsewhere now. */
static void test_adopt_moved(void **state)
{
	char *got;

	(void)state;

	check_pass(NATTRAV_SIDE_A, SDP("10.0.0.1", AUDIO("7078", "0")),
		   SDP("203.0.113.1", AUDIO("30100", "0")));
	media_close(media);
	assert_int_equal(media_init_datapath(&media, &config, &fake_datapath_ops), 0);

	got = pass_call("call-1", NATTRAV_SIDE_A, "198.51.100.99",
			SDP("10.0.0.1", AUDIO("7078", "0")), 0);
	mem_deref(got);
	assert_int_equal(fake_datapath.last_set[0].leg[NATTRAV_SIDE_A].generation, 1);
	assert_int_equal(fake_datapath.last_set[0].leg[NATTRAV_SIDE_B].generation, 0);
}

static void test_resync(void **state)
{
	struct nattrav_stream foreign = { .id = 50, .given = NATTRAV_STREAM_COOKIE };

	(void)state;

	mem_deref(
		pass_call("call-1", NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));
	mem_deref(
		pass_call("call-2", NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));

	fake_datapath.watch->monitor.resync_begin(fake_datapath.watch_arg);
	fake_datapath.watch->monitor.stream(&fake_datapath.streams[2], fake_datapath.watch_arg);
	fake_datapath.watch->monitor.stream(&fake_datapath.streams[3], fake_datapath.watch_arg);
	fake_datapath.watch->monitor.stream(&foreign, fake_datapath.watch_arg);
	str_ncpy(foreign.call, "call-4", sizeof(foreign.call));
	fake_datapath.watch->monitor.stream(&foreign, fake_datapath.watch_arg);

	/* A call that comes in the middle is not lost again. */
	mem_deref(
		pass_call("call-3", NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));
	fake_datapath.watch->monitor.resync_end(fake_datapath.watch_arg);

	assert_false(has_call("call-1"));
	assert_true(has_call("call-2"));
	assert_true(has_call("call-3"));
	assert_true(has_call("call-4"));
}

static void test_broken(void **state)
{
	(void)state;

	mem_deref(
		pass_call("call-1", NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));
	mem_deref(
		pass_call("call-2", NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));
	fake_datapath.streams[0].id = 0;
	fake_datapath.streams[1].id = 0;

	fake_datapath.watch->broken(-EIO, fake_datapath.watch_arg);
	assert_false(has_call("call-1"));
	assert_true(has_call("call-2"));
}

static void test_call_ids(void **state)
{
	char longest[NATTRAV_CALL_LEN + 1], longer[NATTRAV_CALL_LEN + 2], other[sizeof(longer)];
	const struct media_call nul = { { "a\0b", 3 }, 0 };

	(void)state;

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	mem_deref(
		pass_call(longest, NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));
	assert_string_equal(fake_datapath.streams[0].call, longest);

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	mem_deref(pass_call(longer, NATTRAV_SIDE_A, A_SIP, SDP("10.0.0.1", AUDIO("7078", "0")), 0));
	assert_memory_equal(fake_datapath.streams[2].call, "#sha256:", 8);
	assert_int_equal(strlen(fake_datapath.streams[2].call), 8 + 64);
	assert_true(has_call(longer));

	memcpy(other, longer, sizeof(other));
	other[sizeof(other) - 2] = 'y';
	assert_false(has_call(other));
	assert_false(has_call(fake_datapath.streams[2].call));
	assert_false(media_has_call(media, &nul));

	end_call(longer);
	assert_int_equal(fake_datapath_count(), 2);
	assert_true(has_call(longest));
}

static void test_init(void **state)
{
	struct media *other = NULL;

	(void)state;

	assert_int_equal(fake_datapath.pools_made, 1);

	/* The pool exists as configured: taken over. */
	fake_datapath.pool_count = 2;
	fake_datapath.pools[0].addr.family = AF_INET;
	fake_datapath.pools[0].addr.v4.s_addr = inet_addr("203.0.113.9");
	fake_datapath.pools[1] = fake_datapath.pools[0];
	fake_datapath.pools[1].addr.v4.s_addr = inet_addr("203.0.113.1");
	fake_datapath.pools[1].port_min = 30000;
	fake_datapath.pools[1].port_max = 39999;
	str_ncpy(fake_datapath.pools[1].realm, "access", sizeof(fake_datapath.pools[1].realm));
	assert_int_equal(media_init_datapath(&other, &config, &fake_datapath_ops), 0);
	assert_int_equal(fake_datapath.pools_made, 1);
	media_close(other);

	/* In another realm it is another pool, which the kernel refuses. */
	str_ncpy(fake_datapath.pools[1].realm, "core", sizeof(fake_datapath.pools[1].realm));
	fake_datapath.fail_pool_new = -EEXIST;
	fake_datapath.error_entry = 0;
	other = NULL;
	assert_int_equal(media_init_datapath(&other, &config, &fake_datapath_ops), EEXIST);
	assert_null(other);

	fake_datapath.fail_pool_new = 0;
	fake_datapath.fail_watch = -EPERM;
	assert_int_equal(media_init_datapath(&other, &config, &fake_datapath_ops), EPERM);
	fake_datapath.fail_open = -ENOENT;
	assert_int_equal(media_init_datapath(&other, &config, &fake_datapath_ops), ENOENT);
	fake_datapath.watch = NULL;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_call),           test(test_early_end),   test(test_delayed_offer),
		test(test_public_address), test(test_reinvite),    test(test_hold),
		test(test_media_lines),    test(test_not_relayed), test(test_refused),
		test(test_ipv6),           test(test_udp),         test(test_t38),
		test(test_dtls),           test(test_bundle),      test(test_rates),
		test(test_realms),         test(test_set_expired), test(test_events),
		test(test_adopt),          test(test_adopt_moved), test(test_resync),
		test(test_broken),         test(test_call_ids),    test(test_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
