// SPDX-License-Identifier: GPL-2.0-or-later
/* The SDP line editor: what it reads, what it replaces, what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <re.h>
#include <stdio.h>
#include <string.h>

#include "sdp/sdp.h"

static struct pl text(const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);
	return pl;
}

static void relay_set(struct sdp_relay *relay, const char *addr, uint16_t port)
{
	relay->relayed = true;
	assert_int_equal(sa_set_str(&relay->local, addr, port), 0);
}

/* Edits @in and compares with @expected, byte for byte. */
static void check_edit(const char *in, const struct sdp_relay *relays, const char *expected)
{
	const struct pl body = text(in);
	const char *reason = NULL;
	struct mbuf *out = NULL;
	struct sdp sdp;
	char *got = NULL;

	assert_int_equal(sdp_parse(&sdp, &body, &reason), 0);
	assert_null(reason);
	assert_int_equal(sdp_edit(&sdp, relays, 0, &out), 0);
	assert_int_equal(out->pos, 0);
	assert_int_equal(mbuf_strdup(out, &got, mbuf_get_left(out)), 0);
	assert_string_equal(got, expected);
	mem_deref(got);
	mem_deref(out);
}

/* Edits @in with its first media line on 203.0.113.1:30002. */
static void check_edit_one(const char *in, const char *expected)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };

	relay_set(&relays[0], "203.0.113.1", 30002);
	check_edit(in, relays, expected);
}

static void check_refused(const char *in, const char *expected)
{
	const struct pl body = text(in);
	const char *reason = NULL;
	struct sdp sdp;

	assert_int_equal(sdp_parse(&sdp, &body, &reason), EBADMSG);
	assert_string_equal(reason, expected);
}

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.168.1.2\r\ns=-\r\n"

static void test_round_trip(void **state)
{
	(void)state;

	check_edit_one(HEAD "c=IN IP4 192.168.1.2\r\n"
			    "b=AS:256\r\n"
			    "t=0 0\r\n"
			    "a=group:LS 1\r\n"
			    "m=audio 7078 RTP/AVP 0 8 101\r\n"
			    "i=caf\xc3\xa9\r\n"
			    "b=TIAS:64000\r\n"
			    "a=rtpmap:31 LPC\r\n"
			    "a=rtpmap:101 telephone-event/8000\r\n"
			    "a=fmtp:101 0-15\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"
			    "a=setup:actpass\r\n"
			    "a=fingerprint:sha-256 AA:BB\r\n"
			    "a=rtcp-mux\r\n"
			    "a=rtcp-fb:* nack\r\n"
			    "a=ssrc:1234 cname:x\r\n"
			    "a=mid:1\r\n"
			    "a=extmap:1 urn:x\r\n"
			    "a=label:7\r\n"
			    "a=X-nobody-knows:192.168.1.2 7078\r\n"
			    "z=odd\r\n"
			    "no line at all\r\n"
			    "a=sendrecv\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\n"
			    "b=AS:256\r\n"
			    "t=0 0\r\n"
			    "a=group:LS 1\r\n"
			    "m=audio 30002 RTP/AVP 0 8 101\r\n"
			    "i=caf\xc3\xa9\r\n"
			    "b=TIAS:64000\r\n"
			    "a=rtpmap:31 LPC\r\n"
			    "a=rtpmap:101 telephone-event/8000\r\n"
			    "a=fmtp:101 0-15\r\n"
			    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"
			    "a=setup:actpass\r\n"
			    "a=fingerprint:sha-256 AA:BB\r\n"
			    "a=rtcp-mux\r\n"
			    "a=rtcp-fb:* nack\r\n"
			    "a=ssrc:1234 cname:x\r\n"
			    "a=mid:1\r\n"
			    "a=extmap:1 urn:x\r\n"
			    "a=label:7\r\n"
			    "a=X-nobody-knows:192.168.1.2 7078\r\n"
			    "z=odd\r\n"
			    "no line at all\r\n"
			    "a=sendrecv\r\n");
}

static void test_line_ends(void **state)
{
	(void)state;

	check_edit_one("v=0\nc=IN IP4 10.0.0.1\nm=audio 7078 RTP/AVP 0\n",
		       "v=0\nc=IN IP4 203.0.113.1\nm=audio 30002 RTP/AVP 0\n");
	check_edit_one("v=0\r\nc=IN IP4 10.0.0.1\nm=audio 7078 RTP/AVP 0\r\n\r\n",
		       "v=0\r\nc=IN IP4 203.0.113.1\nm=audio 30002 RTP/AVP 0\r\n\r\n");
	check_edit_one("v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0",
		       "v=0\r\nc=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0");
}

static void test_conn_levels(void **state)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };

	(void)state;

	/* A session line that governs nothing which is relayed stays. */
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\n"
			    "m=audio 7078 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\n",
		       HEAD "c=IN IP4 10.0.0.1\r\n"
			    "m=audio 30002 RTP/AVP 0\r\nc=IN IP4 203.0.113.1\r\n");

	/* None at all: the relay's address is put where it belongs. */
	check_edit_one(HEAD "m=audio 7078 RTP/AVP 0\r\ni=title\r\nb=AS:64\r\n",
		       HEAD "m=audio 30002 RTP/AVP 0\r\ni=title\r\nc=IN IP4 203.0.113.1\r\n"
			    "b=AS:64\r\n");
	check_edit_one(HEAD "m=audio 7078 RTP/AVP 0",
		       HEAD "m=audio 30002 RTP/AVP 0\r\nc=IN IP4 203.0.113.1");

	/* Two pools: one line for the session, one for who differs. */
	relay_set(&relays[0], "203.0.113.1", 30002);
	relay_set(&relays[1], "203.0.113.2", 40002);
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\n"
			"m=audio 7078 RTP/AVP 0\r\n"
			"m=video 7080 RTP/AVP 96\r\na=mid:v\r\n",
		   relays,
		   HEAD "c=IN IP4 203.0.113.1\r\n"
			"m=audio 30002 RTP/AVP 0\r\n"
			"m=video 40002 RTP/AVP 96\r\nc=IN IP4 203.0.113.2\r\na=mid:v\r\n");
}

static void test_conn_kinds(void **state)
{
	(void)state;

	check_edit_one(HEAD "c=IN IP4 phone.example.net\r\nm=audio 7078 RTP/AVP 0\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\n");
	check_edit_one(HEAD "c=IN IP6 2001:db8::2\r\nm=audio 7078 RTP/AVP 0\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\n");
}

static void test_not_relayed(void **state)
{
	(void)state;

	/* The line that is not relayed keeps its address, in a line of its own. */
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\n"
			    "m=audio 7078 RTP/AVP 0\r\n"
			    "m=message 2855 TCP/MSRP *\r\n"
			    "a=path:msrp://10.0.0.1:2855/x;tcp\r\n"
			    "a=setup:active\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\n"
			    "m=audio 30002 RTP/AVP 0\r\n"
			    "m=message 2855 TCP/MSRP *\r\n"
			    "c=IN IP4 10.0.0.1\r\n"
			    "a=path:msrp://10.0.0.1:2855/x;tcp\r\n"
			    "a=setup:active\r\n");
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\n"
			    "m=audio 7078 RTP/AVP 0\r\n"
			    "m=image 6000 TCPTL t38",
		       HEAD "c=IN IP4 203.0.113.1\r\n"
			    "m=audio 30002 RTP/AVP 0\r\n"
			    "m=image 6000 TCPTL t38\r\nc=IN IP4 10.0.0.1");
}

static void test_port_zero(void **state)
{
	(void)state;

	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\n"
			    "m=audio 7078 RTP/AVP 0\r\n"
			    "m=video 0 RTP/AVP 96\r\n"
			    "c=IN IP4 10.0.0.1\r\na=rtcp:7081\r\na=bundle-only\r\n"
			    "m=video 0 RTP/AVP 97\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\n"
			    "m=audio 30002 RTP/AVP 0\r\n"
			    "m=video 0 RTP/AVP 96\r\n"
			    "c=IN IP4 10.0.0.1\r\na=rtcp:7081\r\na=bundle-only\r\n"
			    "m=video 0 RTP/AVP 97\r\n");
}

static void test_hold(void **state)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };
	const char *reason;
	struct sdp sdp;
	struct pl body;

	(void)state;

	check_edit_one(HEAD "c=IN IP4 0.0.0.0\r\nm=audio 7078 RTP/AVP 0\r\na=sendonly\r\n",
		       HEAD "c=IN IP4 0.0.0.0\r\nm=audio 30002 RTP/AVP 0\r\na=sendonly\r\n");
	check_edit_one(HEAD "m=audio 7078 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"
			    "a=rtcp:7079 IN IP4 0.0.0.0\r\n",
		       HEAD "m=audio 30002 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"
			    "a=rtcp:30003 IN IP4 0.0.0.0\r\n");

	/* A stream on hold beside one that is not. */
	relay_set(&relays[0], "203.0.113.1", 30002);
	relay_set(&relays[1], "203.0.113.1", 30004);
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\n"
			"m=audio 7078 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"
			"m=video 7080 RTP/AVP 96\r\na=inactive\r\n",
		   relays,
		   HEAD "c=IN IP4 203.0.113.1\r\n"
			"m=audio 30002 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"
			"m=video 30004 RTP/AVP 96\r\na=inactive\r\n");

	/* Beside one whose candidates come later: the session's address is for that one. */
	check_edit(HEAD "c=IN IP4 0.0.0.0\r\n"
			"m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:s\r\n"
			"m=video 7080 RTP/AVP 96\r\n",
		   relays,
		   HEAD "c=IN IP4 203.0.113.1\r\n"
			"m=audio 30002 RTP/AVP 0\r\na=mid:0\r\n"
			"m=video 30004 RTP/AVP 96\r\nc=IN IP4 0.0.0.0\r\n");

	body = text(HEAD "c=IN IP4 10.0.0.1\r\na=sendonly\r\n"
			 "m=audio 1 RTP/AVP 0\r\n"
			 "m=audio 1 RTP/AVP 0\r\na=sendrecv\r\n"
			 "m=audio 1 RTP/AVP 0\r\na=sendrecv\r\nc=IN IP4 0.0.0.0\r\n");
	assert_int_equal(sdp_parse(&sdp, &body, &reason), 0);
	assert_true(sdp_media_on_hold(&sdp, 0));
	assert_false(sdp_media_on_hold(&sdp, 1));
	assert_true(sdp_media_on_hold(&sdp, 2));
}

static void test_rtcp(void **state)
{
	(void)state;

	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\na=rtcp:53020\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\na=rtcp:30003\r\n");
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\n"
			    "a=rtcp:53020 IN IP4 10.0.0.9\r\na=rtcp-mux\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\n"
			    "a=rtcp:30003 IN IP4 203.0.113.1\r\na=rtcp-mux\r\n");
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\na=rtcp:x\r\na=rtcp\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\n"
			    "a=rtcp:x\r\na=rtcp\r\n");
}

static void test_ice(void **state)
{
	(void)state;

	check_edit_one(HEAD
		       "c=IN IP4 10.0.0.1\r\n"
		       "a=ice-lite\r\na=ice-options:trickle\r\na=ice-ufrag:s\r\na=ice-pwd:s\r\n"
		       "a=icecream\r\n"
		       "m=audio 7078 RTP/AVP 0\r\n"
		       "a=ice-ufrag:8hhY\r\n"
		       "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
		       "a=candidate:1 1 UDP 2130706431 10.0.0.1 7078 typ host\r\n"
		       "a=candidate:1 2 UDP 2130706430 10.0.0.1 7079 typ host\r\n"
		       "a=remote-candidates:1 192.0.2.3 45664\r\n"
		       "a=ice-mismatch\r\n"
		       "a=end-of-candidates\r\n"
		       "a=mid:1\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\n"
			    "a=icecream\r\n"
			    "m=audio 30002 RTP/AVP 0\r\n"
			    "a=mid:1\r\n");
}

static void parse(struct sdp *sdp, const char *str)
{
	const struct pl body = text(str);
	const char *reason = NULL;

	assert_int_equal(sdp_parse(sdp, &body, &reason), 0);
	assert_null(reason);
}

static void test_port_count(void **state)
{
	struct sdp sdp;

	(void)state;

	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078/1 RTP/AVP 0\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\n");

	parse(&sdp, HEAD "m=audio 7078/2 RTP/AVP 0\r\n");
	assert_int_equal(sdp.media[0].port, 7078);
	assert_int_equal(sdp.media[0].ports, 2);
	assert_non_null(sdp_media_obstacle(&sdp.media[0]));
	assert_int_equal(sdp_media_kind(&sdp, 0), SDP_KIND_NONE);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *lines;
		enum sdp_kind kind;
	} cases[] = {
		{ "RTP/AVP 0", SDP_KIND_RTP },
		{ "RTP/SAVP 0", SDP_KIND_RTP },
		{ "RTP/AVPF 0", SDP_KIND_RTP },
		{ "RTP/SAVPF 0", SDP_KIND_RTP },
		{ "rtp/avp 0", SDP_KIND_RTP },
		{ "RTP/NEW 0", SDP_KIND_RTP },
		/* SDES keys do not come over the media path */
		{ "RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc", SDP_KIND_RTP },
		/* DTLS comes before RTP and is none */
		{ "UDP/TLS/RTP/SAVPF 0", SDP_KIND_MIXED },
		{ "UDP/TLS/RTP/SAVP 0", SDP_KIND_MIXED },
		{ "RTP/SAVPF 0\r\na=fingerprint:sha-256 AA:BB", SDP_KIND_MIXED },
		/* several sources send at once */
		{ "RTP/AVP 96\r\na=ssrc:1 cname:x\r\na=ssrc:1 msid:y", SDP_KIND_RTP },
		{ "RTP/AVP 96\r\na=ssrc:1 cname:x\r\na=ssrc:2 cname:x", SDP_KIND_MIXED },
		{ "RTP/AVP 96 97\r\na=rtpmap:97 rtx/90000", SDP_KIND_MIXED },
		{ "RTP/AVP 96\r\na=simulcast:send 1;2", SDP_KIND_MIXED },
		{ "udptl t38", SDP_KIND_UDP },
		{ "UDPTL t38", SDP_KIND_UDP },
		{ "UDP/TLS/UDPTL t38", SDP_KIND_UDP },
		{ "UDP game", SDP_KIND_UDP },
		{ "udp wb", SDP_KIND_UDP },
		{ "UDP/BFCP *", SDP_KIND_UDP },
		{ "UDP/TLS/BFCP *", SDP_KIND_UDP },
		{ "UDP/DTLS/SCTP webrtc-datachannel", SDP_KIND_UDP },
		{ "DTLS/SCTP 5000", SDP_KIND_UDP },
		{ "UDP/WHATEVER x", SDP_KIND_UDP },
		{ "TCP/BFCP *", SDP_KIND_NONE },
		{ "TCP/MSRP *", SDP_KIND_NONE },
		{ "TCP/RTP/AVP 0", SDP_KIND_NONE },
		{ "TCP/DTLS/SCTP webrtc-datachannel", SDP_KIND_NONE },
		{ "TCPTL t38", SDP_KIND_NONE },
		{ "vat 0", SDP_KIND_NONE },
		{ "RTP/ 0", SDP_KIND_NONE },
		{ "UDPX x", SDP_KIND_NONE },
	};
	struct sdp sdp;
	char *body;
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(re_sdprintf(&body, HEAD "m=x 7078 %s\r\n", cases[i].lines), 0);
		parse(&sdp, body);
		if (sdp_media_kind(&sdp, 0) != cases[i].kind)
			print_error("%s\n", cases[i].lines);
		assert_int_equal(sdp_media_kind(&sdp, 0), cases[i].kind);
		assert_int_equal(!sdp_media_obstacle(&sdp.media[0]),
				 cases[i].kind != SDP_KIND_NONE);
		mem_deref(body);
	}
}

/* RFC 3951 and others give numbers that a relay must not stumble over. */
static void test_numbers(void **state)
{
	struct sdp sdp;

	(void)state;

	parse(&sdp, HEAD "b=AS:9\r\nm=audio 1 RTP/AVP 111 0\r\nb=AS:64\r\nb=TIAS:90000\r\n"
			 "b=RS:1\r\nb=AS:x\r\nb=\r\na=rtpmap:0 PCMU/8000\r\n"
			 "a=rtpmap:111 opus/48000/2\r\n"
			 "m=video 1 RTP/AVP 31\r\na=rtpmap:31 LPC\r\na=rtpmap:31\r\n"
			 "a=rtpmap:\r\na=ssrc:\r\na=rtpmap:31 x/99999999999\r\n");
	assert_int_equal(sdp.media[0].bandwidth, 90);
	assert_int_equal(sdp.media[0].clock, 48000);
	assert_int_equal(sdp.media[1].bandwidth, 0);
	assert_int_equal(sdp.media[1].clock, 0);
	assert_int_equal(sdp_media_kind(&sdp, 1), SDP_KIND_RTP);
}

/* One port, no RTCP: the line changes in its port, and whatever follows stays. */
static void test_udp_lines(void **state)
{
	(void)state;

	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=image 6000 udptl t38\r\n"
			    "a=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=image 30002 udptl t38\r\n"
			    "a=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n");
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=application 50000 UDP/BFCP *\r\n"
			    "a=floorctrl:c-s\r\na=confid:4321\r\na=userid:1234\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=application 30002 UDP/BFCP *\r\n"
			    "a=floorctrl:c-s\r\na=confid:4321\r\na=userid:1234\r\n");
	check_edit_one(HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
			    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n"
			    "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:data\r\n"
			    "a=sctp-port:5000\r\na=max-message-size:100000\r\n",
		       HEAD "m=application 30002 UDP/DTLS/SCTP webrtc-datachannel\r\n"
			    "c=IN IP4 203.0.113.1\r\n"
			    "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:data\r\n"
			    "a=sctp-port:5000\r\na=max-message-size:100000\r\n");
	check_edit_one(HEAD "c=IN IP4 10.0.0.1\r\nm=application 3074 UDP game\r\n",
		       HEAD "c=IN IP4 203.0.113.1\r\nm=application 30002 UDP game\r\n");
}

/* SDES and DTLS keys, in the session and in the media, and what they go with. */
static void test_keys(void **state)
{
	static const char keys[] =
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 FEC_ORDER=FEC_SRTP\r\n"
		"a=setup:active\r\na=connection:new\r\na=tls-id:abc3de65cddef001be82\r\n"
		"a=identity:eyJpZHAi\r\n";
	char *in, *out;

	(void)state;

	assert_int_equal(re_sdprintf(&in,
				     HEAD "c=IN IP4 10.0.0.1\r\na=fingerprint:sha-1 4A:AD\r\n"
					  "m=audio 7078 RTP/SAVP 0\r\n%s",
				     keys),
			 0);
	assert_int_equal(re_sdprintf(&out,
				     HEAD "c=IN IP4 203.0.113.1\r\na=fingerprint:sha-1 4A:AD\r\n"
					  "m=audio 30002 RTP/SAVP 0\r\n%s",
				     keys),
			 0);
	check_edit_one(in, out);
	mem_deref(in);
	mem_deref(out);
}

#define BUNDLE(first, second)                                                            \
	HEAD "c=IN IP4 10.0.0.1\r\na=group:LS x\r\na=group:BUNDLE v a\r\n"               \
	     "m=audio " first " RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\na=ice-ufrag:1\r\n" \
	     "m=video " second " RTP/AVP 96\r\na=mid:v\r\na=rtcp-mux\r\na=bundle-only\r\n"

static void test_bundle(void **state)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };
	struct sdp sdp;

	(void)state;

	/* A first offer: each has its own port, should the other side not bundle. */
	parse(&sdp, BUNDLE("7078", "7080"));
	assert_int_equal(sdp_media_carrier(&sdp, 0), 0);
	assert_int_equal(sdp_media_carrier(&sdp, 1), 1);
	assert_int_equal(sdp_media_kind(&sdp, 0), SDP_KIND_MIXED);

	/* Shared: the first of the group carries, wherever it stands. */
	parse(&sdp, BUNDLE("7078", "7078"));
	assert_int_equal(sdp_media_carrier(&sdp, 0), 1);
	assert_int_equal(sdp_media_carrier(&sdp, 1), 1);
	relay_set(&relays[0], "203.0.113.1", 30002);
	relay_set(&relays[1], "203.0.113.1", 30002);
	check_edit(BUNDLE("7078", "7078"), relays,
		   HEAD "c=IN IP4 203.0.113.1\r\na=group:LS x\r\na=group:BUNDLE v a\r\n"
			"m=audio 30002 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n"
			"m=video 30002 RTP/AVP 96\r\na=mid:v\r\na=rtcp-mux\r\n"
			"a=bundle-only\r\n");

	/* bundle-only: port 0 stays, the group as well, and ICE goes. */
	memset(relays, 0, sizeof(relays));
	relay_set(&relays[1], "203.0.113.1", 30002);
	check_edit(BUNDLE("0", "7080"), relays,
		   HEAD "c=IN IP4 203.0.113.1\r\na=group:LS x\r\na=group:BUNDLE v a\r\n"
			"m=audio 0 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n"
			"m=video 30002 RTP/AVP 96\r\na=mid:v\r\na=rtcp-mux\r\n"
			"a=bundle-only\r\n");

	/* The same port on another address, or without a group, is not the same. */
	parse(&sdp, BUNDLE("7078", "7078") "c=IN IP4 10.0.0.2\r\n");
	assert_int_equal(sdp_media_carrier(&sdp, 0), 0);
	parse(&sdp, HEAD "m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 96\r\n");
	assert_int_equal(sdp_media_carrier(&sdp, 1), 1);
	parse(&sdp, HEAD "a=group:BUNDLE\r\na=group:BUNDLE a a zz\r\na=group:BUNDLE a\r\n"
			 "a=group:BUNDLE x\r\na=group:BUNDLE b\r\na=group\r\n"
			 "m=audio 9 RTP/AVP 0\r\na=mid:a\r\nm=audio 9 RTP/AVP 0\r\na=mid:b\r\n");
	assert_int_equal(sdp.media[0].group, 2);
	assert_int_equal(sdp_media_carrier(&sdp, 1), 1);
}

/* RTCP with a port of its own, which has to be told, or with that of RTP. */
static void test_rtcp_places(void **state)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };

	(void)state;

	relay_set(&relays[0], "203.0.113.1", 30002);
	assert_int_equal(sa_set_str(&relays[0].rtcp, "203.0.113.1", 31111), 0);
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\nb=AS:1\r\na=x\r\n", relays,
		   HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\nb=AS:1\r\n"
			"a=rtcp:31111\r\na=x\r\n");
	check_edit(HEAD "m=audio 7078 RTP/AVP 0\r\nm=video 0 RTP/AVP 0\r\n", relays,
		   HEAD "m=audio 30002 RTP/AVP 0\r\nc=IN IP4 203.0.113.1\r\na=rtcp:31111\r\n"
			"m=video 0 RTP/AVP 0\r\n");
	check_edit(HEAD "m=audio 7078 RTP/AVP 0", relays,
		   HEAD "m=audio 30002 RTP/AVP 0\r\nc=IN IP4 203.0.113.1\r\na=rtcp:31111");
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\na=rtcp:9\r\n", relays,
		   HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\na=rtcp:31111\r\n");

	/* agreed on one port: told only where it was told before */
	relays[0].rtcp = relays[0].local;
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\na=rtcp-mux\r\n", relays,
		   HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\na=rtcp-mux\r\n");
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\na=rtcp:7078\r\n", relays,
		   HEAD "c=IN IP4 203.0.113.1\r\nm=audio 30002 RTP/AVP 0\r\na=rtcp:30002\r\n");
}

static void test_families(void **state)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };

	(void)state;

	/* to a leg of IPv6 and back: the origin follows its family, and only then */
	relay_set(&relays[0], "2001:db8::1", 30002);
	check_edit(HEAD "c=IN IP4 10.0.0.1\r\nm=audio 7078 RTP/AVP 0\r\n"
			"a=rtcp:7079 IN IP4 10.0.0.1\r\n",
		   relays,
		   "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\n"
		   "c=IN IP6 2001:db8::1\r\nm=audio 30002 RTP/AVP 0\r\n"
		   "a=rtcp:30003 IN IP6 2001:db8::1\r\n");
	check_edit("v=0\r\no=- 1 1 IN IP6 fd00::7\r\ns=-\r\nm=audio 7078 RTP/AVP 0\r\n", relays,
		   "v=0\r\no=- 1 1 IN IP6 fd00::7\r\ns=-\r\nm=audio 30002 RTP/AVP 0\r\n"
		   "c=IN IP6 2001:db8::1\r\n");
	check_edit("v=0\r\no=odd\r\nc=IN IP6 ::\r\nm=audio 7078 RTP/AVP 0\r\n", relays,
		   "v=0\r\no=odd\r\nc=IN IP6 ::\r\nm=audio 30002 RTP/AVP 0\r\n");
	check_edit_one("v=0\r\no=- 1 1 IN IP6 fd00::7\r\ns=-\r\nc=IN IP6 fd00::7\r\n"
		       "m=audio 7078 RTP/AVP 0\r\n",
		       "v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\n"
		       "m=audio 30002 RTP/AVP 0\r\n");
}

static void test_payload_types(void **state)
{
	static const uint8_t expected[NATTRAV_PAYLOAD_TYPES_LEN] = {
		[0] = 0x01,
		[1] = 0x01,
		[12] = 0x20,
		[15] = 0x80,
	};
	uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN] = { 0 };
	const char *reason;
	struct sdp sdp;
	struct pl body;

	(void)state;

	body = text(HEAD "m=audio 1 RTP/AVP 0 8  101 127 128 4294967296 x 1x -1\r\n");
	assert_int_equal(sdp_parse(&sdp, &body, &reason), 0);
	sdp_payload_types(&sdp.media[0], mask);
	assert_memory_equal(mask, expected, sizeof(mask));
}

static void test_refused(void **state)
{
	(void)state;

	check_refused("", "Malformed SDP");
	check_refused("hello", "Malformed SDP");
	check_refused("m=audio 1 RTP/AVP 0\r\n", "Malformed SDP");
	check_refused("v=1\r\nm=audio 1 RTP/AVP 0\r\n", "Malformed SDP");
	check_refused("v=0\r\na=x\rm=audio 1 RTP/AVP 0\r\n", "Malformed SDP");
	check_refused(HEAD, "No Media Line In SDP");
	check_refused(HEAD " m=audio 1 RTP/AVP 0\r\n", "No Media Line In SDP");
	check_refused(HEAD "m=\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio 1 RTP/AVP\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio 65536 RTP/AVP 0\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio 99999999999999999999 RTP/AVP 0\r\n",
		      "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio -1 RTP/AVP 0\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio / RTP/AVP 0\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio 1/ RTP/AVP 0\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "m=audio 1/0 RTP/AVP 0\r\n", "Malformed Media Line In SDP");
	check_refused(HEAD "c=\r\nm=audio 1 RTP/AVP 0\r\n", "Malformed Connection Line In SDP");
	check_refused(HEAD "c=IN IP4\r\nm=audio 1 RTP/AVP 0\r\n",
		      "Malformed Connection Line In SDP");
	check_refused(HEAD "c=IN IP4 1.2.3.4 5\r\nm=audio 1 RTP/AVP 0\r\n",
		      "Malformed Connection Line In SDP");
	check_refused(HEAD "c=ATM NSAP x\r\nm=audio 1 RTP/AVP 0\r\n",
		      "Malformed Connection Line In SDP");
}

static void test_nul(void **state)
{
	static const char body[] = "v=0\r\na=x\0m=audio 1 RTP/AVP 0\r\nm=audio 1 RTP/AVP 0\r\n";
	const struct pl pl = { body, sizeof(body) - 1 };
	const char *reason = NULL;
	struct sdp sdp;

	(void)state;

	assert_int_equal(sdp_parse(&sdp, &pl, &reason), EBADMSG);
	assert_string_equal(reason, "Malformed SDP");
}

/* "v=0", then @count times @line, then @tail. */
static char *body_repeat(const char *line, unsigned int count, const char *tail)
{
	struct mbuf *mb = mbuf_alloc(1024);
	char *body = NULL;

	assert_non_null(mb);
	assert_int_equal(mbuf_write_str(mb, HEAD), 0);
	while (count--)
		assert_int_equal(mbuf_write_str(mb, line), 0);
	assert_int_equal(mbuf_write_str(mb, tail), 0);
	mbuf_set_pos(mb, 0);
	assert_int_equal(mbuf_strdup(mb, &body, mbuf_get_left(mb)), 0);
	mem_deref(mb);
	return body;
}

static void check_repeat(const char *line, unsigned int count, const char *tail,
			 const char *expected)
{
	char *body = body_repeat(line, count, tail);
	const struct pl pl = text(body);
	const char *reason = NULL;
	struct sdp sdp;

	assert_int_equal(sdp_parse(&sdp, &pl, &reason), expected ? EBADMSG : 0);
	if (expected)
		assert_string_equal(reason, expected);
	mem_deref(body);
}

static void test_limits(void **state)
{
	char line[SDP_LINE_MAX + 2];

	(void)state;

	check_repeat("m=audio 1 RTP/AVP 0\r\n", 8, "", NULL);
	check_repeat("m=audio 1 RTP/AVP 0\r\n", 9, "", "Too Many Media Lines In SDP");

	check_repeat("a=x\r\n", 256, "m=audio 1 RTP/AVP 0\r\n", NULL);
	check_repeat("a=x\r\n", 257, "m=audio 1 RTP/AVP 0\r\n", "Too Many Attributes In SDP");

	memset(line, 'a', sizeof(line));
	line[SDP_LINE_MAX] = '\0';
	check_repeat("m=audio 1 RTP/AVP 0\r\n", 1, line, NULL);
	line[SDP_LINE_MAX] = 'a';
	line[SDP_LINE_MAX + 1] = '\0';
	check_repeat("m=audio 1 RTP/AVP 0\r\n", 1, line, "SDP Line Too Long");

	check_repeat("b=AS:1\r\n", 2000, "m=audio 1 RTP/AVP 0\r\n", NULL);
	check_repeat("b=AS:1\r\n", 2048, "m=audio 1 RTP/AVP 0\r\n", "SDP Too Large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_conn_levels), cmocka_unit_test(test_conn_kinds),
		cmocka_unit_test(test_not_relayed), cmocka_unit_test(test_port_zero),
		cmocka_unit_test(test_hold),        cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_ice),         cmocka_unit_test(test_port_count),
		cmocka_unit_test(test_kinds),       cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_udp_lines),   cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bundle),      cmocka_unit_test(test_rtcp_places),
		cmocka_unit_test(test_families),    cmocka_unit_test(test_payload_types),
		cmocka_unit_test(test_refused),     cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
