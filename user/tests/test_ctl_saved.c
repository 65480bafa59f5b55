// SPDX-License-Identifier: GPL-2.0-or-later
/* What "nattravctl save" writes is what "restore" reads; nothing else is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../ctl/ctl.h"
#include "../ctl/saved.h"

static struct nattrav_endpoint endpoint(const char *text)
{
	struct nattrav_endpoint made;

	assert_null(ctl_parse_local(text, &made));
	return made;
}

static struct nattrav_prefix prefix(const char *text)
{
	struct nattrav_prefix made;

	assert_null(ctl_parse_prefix(text, &made));
	return made;
}

static struct nattrav_stream sample(void)
{
	struct nattrav_stream stream = {
		.given = NATTRAV_STREAM_COOKIE | NATTRAV_STREAM_TIMEOUT_PARTIAL |
			 NATTRAV_STREAM_TIMEOUT_IDLE | NATTRAV_STREAM_TIMEOUT_MAX |
			 NATTRAV_STREAM_HOLD | NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B,
		.id = 7,
		.call = "a84b4c76e66710@\"x\\y\"",
		.cookie = UINT64_MAX,
		.type = NATTRAV_STREAM_TYPE_RTP,
		.tied = 8,
		.timeout_partial = 1,
		.timeout_idle = 2,
		.timeout_max = UINT32_MAX,
		.hold = true,
	};
	struct nattrav_leg *a = &stream.leg[0], *b = &stream.leg[1];

	a->given = NATTRAV_LEG_PREFIXES | NATTRAV_LEG_PAYLOAD_TYPES | NATTRAV_LEG_WINDOW |
		   NATTRAV_LEG_GENERATION | NATTRAV_LEG_PROBATION | NATTRAV_LEG_RELATCH |
		   NATTRAV_LEG_RATE | NATTRAV_LEG_CLOCK_RATE | NATTRAV_LEG_DSCP |
		   NATTRAV_LEG_MANY_SSRC | NATTRAV_LEG_WINDOW_LEFT | NATTRAV_LEG_LATCHED |
		   NATTRAV_LEG_SSRC | NATTRAV_LEG_SEQUENCE;
	memset(a->realm, 'r', NATTRAV_REALM_LEN);
	a->family = AF_INET6;
	a->local = endpoint("[2001:db8::1]:30000");
	a->peer = endpoint("[2001:db8:1::7]:4000");
	a->prefixes = 2;
	a->prefix[0] = prefix("2001:db8:1::/64");
	a->prefix[1] = prefix("::/0");
	a->payload_types[0] = 0x81;
	a->payload_types[15] = 0x80;
	a->window = 12345;
	a->window_left = 123;
	a->latched_generation = 3;
	a->dscp = 0;
	a->many_ssrc = true;
	a->ssrc = UINT32_MAX;
	a->sequence = 65535;
	a->generation = UINT32_MAX;
	a->probation = 255;
	a->relatch = NATTRAV_RELATCH_REBIND;
	a->rate = 500;
	a->clock_rate = 48000;
	b->family = AF_INET;
	b->local = endpoint("203.0.113.1:30002");
	return stream;
}

/* The file that "save" would write. */
static char *file_of(const struct nattrav_pool *pool, const struct nattrav_stream *stream)
{
	json_t *json = json_pack("{s:i, s:s, s:s, s:[o], s:[o]}", "nattrav-save", CTL_SAVED_VERSION,
				 "version", "0", "time", "", "pools", ctl_json_pool_plain(pool),
				 "streams", ctl_json_stream_plain(stream));
	char *text = json_dumps(json, 0);

	assert_non_null(text);
	json_decref(json);
	return text;
}

static bool read_text(const char *text, struct ctl_saved *saved, char *error)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool good;

	assert_non_null(file);
	good = ctl_saved_read(file, saved, error);
	fclose(file);
	return good;
}

static void test_round_trip(void **state)
{
	const struct nattrav_pool pool = { .id = 3,
					   .realm = "core",
					   .addr = endpoint("2001:db8::1").addr,
					   .port_min = 30000,
					   .port_max = 39999 };
	const struct nattrav_stream stream = sample();
	char *text = file_of(&pool, &stream), *again, error[CTL_ERROR_SIZE] = "";
	struct ctl_saved saved;

	(void)state;
	assert_true(read_text(text, &saved, error));
	assert_string_equal(error, "");
	assert_int_equal(saved.pool_count, 1);
	assert_int_equal(saved.stream_count, 1);
	assert_int_equal(saved.streams[0].given, stream.given);
	assert_int_equal(saved.streams[0].leg[0].given, stream.leg[0].given);
	assert_int_equal(saved.streams[0].leg[1].given, stream.leg[1].given);
	assert_int_equal(saved.streams[0].leg[0].prefix[1].addr.family, AF_INET6);
	assert_memory_equal(&saved.streams[0].leg[0].peer.addr.v6, &stream.leg[0].peer.addr.v6, 16);
	again = file_of(&saved.pools[0], &saved.streams[0]);
	assert_string_equal(again, text);
	free(again);
	ctl_saved_free(&saved);
	free(text);
}

/* RTCP that has nothing of its own but its peers is told by its RTP. */
static void test_rtcp(void **state)
{
	const struct nattrav_pool pool = { .addr = endpoint("203.0.113.1").addr,
					   .port_min = 2,
					   .port_max = 3 };
	struct nattrav_stream rtp = sample(), rtcp = sample();
	char *text, error[CTL_ERROR_SIZE] = "";
	struct ctl_saved saved;

	(void)state;
	rtcp.type = NATTRAV_STREAM_TYPE_RTCP;
	assert_true(ctl_saved_alike(&rtp, &rtcp));
	rtcp.leg[0].peer.port++;
	assert_true(ctl_saved_alike(&rtp, &rtcp));
	rtcp.leg[1].rate = 1;
	assert_false(ctl_saved_alike(&rtp, &rtcp));
	rtcp = sample();
	rtcp.leg[0].prefix[1].len++;
	assert_false(ctl_saved_alike(&rtp, &rtcp));
	rtcp = sample();
	rtcp.leg[1].peer = endpoint("203.0.113.9:5"); /* RTP has none */
	assert_false(ctl_saved_alike(&rtp, &rtcp));

	rtp.tied = 0;
	rtp.rtcp = true;
	rtp.leg[0].rtcp_peer = endpoint("[2001:db8:1::7]:4001");
	text = file_of(&pool, &rtp);
	assert_true(read_text(text, &saved, error));
	assert_true(saved.streams[0].rtcp);
	assert_int_equal(saved.streams[0].leg[0].rtcp_peer.port, 4001);
	assert_int_equal(saved.streams[0].leg[1].rtcp_peer.port, 0);
	ctl_saved_free(&saved);
	free(text);
}

/* Call ids and realms are bytes; those that JSON cannot hold come back all the same. */
static void test_any_bytes(void **state)
{
	struct nattrav_pool pool = { .port_min = 2, .port_max = 3, .realm = "\xff\x01z" };
	struct nattrav_stream stream = sample();
	char *text, error[CTL_ERROR_SIZE] = "";
	struct ctl_saved saved;

	(void)state;
	pool.addr = endpoint("203.0.113.1").addr;
	memset(stream.call, 0x80, NATTRAV_CALL_LEN);
	memcpy(stream.leg[0].realm, "\xc3\x28", 3);
	text = file_of(&pool, &stream);
	assert_true(read_text(text, &saved, error));
	assert_string_equal(saved.pools[0].realm, pool.realm);
	assert_string_equal(saved.streams[0].call, stream.call);
	assert_string_equal(saved.streams[0].leg[0].realm, "\xc3\x28");
	ctl_saved_free(&saved);
	free(text);
}

#define LEG  "{\"local-ipv4\":\"203.0.113.1\",\"local-port\":30000}"
#define HEAD "{\"nattrav-save\":1,\"pools\":[],\"streams\":["
#define IDS  "\"id\":1,\"type\":\"rtp\","

static void test_small(void **state)
{
	char error[CTL_ERROR_SIZE];
	struct ctl_saved saved;

	(void)state;
	assert_true(read_text(HEAD "]}", &saved, error));
	assert_int_equal(saved.pool_count, 0);
	assert_int_equal(saved.stream_count, 0);
	ctl_saved_free(&saved);

	assert_true(
		read_text(HEAD "{" IDS "\"leg-a\":" LEG ",\"leg-b\":" LEG "}]}", &saved, error));
	assert_int_equal(saved.stream_count, 1);
	assert_int_equal(saved.streams[0].leg[0].given, 0);
	assert_int_equal(saved.streams[0].leg[1].local.port, 30000);
	ctl_saved_free(&saved);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		const char *error;
	} bad[] = {
		{ "[]", "this was not written by \"nattravctl save\"" },
		{ "{}", "this was not written by \"nattravctl save\"" },
		{ "{\"nattrav-save\":2,\"pools\":[],\"streams\":[]}",
		  "nattrav-save: 2 is a format that this nattravctl does not know" },
		{ "{\"nattrav-save\":1,\"pools\":[]}", "\"streams\" is missing" },
		{ "{\"nattrav-save\":1,\"pools\":{},\"streams\":[]}",
		  "pools and streams must be lists" },
		{ "{\"nattrav-save\":1,\"pools\":[{\"port-min\":0}],\"streams\":[]}",
		  "pools[0]: port-min: 0 is no port (1 to 65535)" },
		{ "{\"nattrav-save\":1,\"pools\":[{\"port-min\":2,\"port-max\":3}],\"streams\":[]}",
		  "pools[0]: an address is missing" },
		{ HEAD "7]}", "streams[0]: an object is needed here" },
		{ HEAD "{" IDS "\"leg-a\":" LEG "}]}", "streams[0]: \"leg-b\" is missing" },
		{ HEAD "{" IDS "\"leg-a\":" LEG ",\"leg-b\":{}}]}",
		  "streams[0].leg-b: \"local-port\" is missing" },
		{ HEAD "{" IDS "\"leg-a\":" LEG ",\"leg-b\":{\"local-port\":4}}]}",
		  "streams[0].leg-b: a local address is missing" },
		{ HEAD "{" IDS
		       "\"leg-a\":{\"local-ipv4\":\"::1\",\"local-port\":4},\"leg-b\":{}}]}",
		  "streams[0].leg-a: local-ipv4: \"::1\" is no IPv4 address" },
		{ HEAD "{" IDS "\"leg-a\":{\"local-ipv4\":\"192.0.2.1\",\"local-port\":4,"
		       "\"peer-port\":4},\"leg-b\":{}}]}",
		  "streams[0].leg-a: a peer has an address and a port" },
		{ HEAD "{" IDS "\"leg-a\":{\"local-ipv4\":\"192.0.2.1\",\"local-port\":4,"
		       "\"relay\":4},\"leg-b\":{}}]}",
		  "streams[0].leg-a: unknown member \"relay\"" },
		{ HEAD "{" IDS "\"leg-a\":{\"local-ipv4\":\"192.0.2.1\",\"local-port\":4,"
		       "\"prefix\":[{\"ipv4\":\"192.0.2.1\",\"len\":33}]},\"leg-b\":{}}]}",
		  "streams[0].leg-a.prefix[0]: len: 33 is no prefix length" },
		{ HEAD "{" IDS "\"leg-a\":{\"local-ipv4\":\"192.0.2.1\",\"local-port\":4,"
		       "\"payload-types\":[128]},\"leg-b\":{}}]}",
		  "streams[0].leg-a: payload-types: [128] is no list of payload types (0 to 127)" },
		{ HEAD "{\"id\":4294967296}]}",
		  "streams[0]: id: 4294967296 is no number, or too large" },
		{ HEAD "{\"type\":\"video\"}]}",
		  "streams[0]: type: \"video\" is no type of streams" },
		{ HEAD "{\"call\":\"\"}]}", "streams[0]: call: \"\" is no text, or too long" },
		{ HEAD "{\"call-hex\":\"0041\"}]}",
		  "streams[0]: call-hex: \"0041\" is no text in hexadecimal" },
		{ HEAD "\n{\"id\":1,}]}", "line 2, column 9: string or '}' expected near '}'" },
		{ HEAD, "line 1, column 40: ']' expected near end of file" },
	};
	char error[CTL_ERROR_SIZE];
	struct ctl_saved saved;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(read_text(bad[i].text, &saved, error));
		assert_string_equal(error, bad[i].error);
		ctl_saved_free(&saved);
	}
}

/* Cut anywhere, it is refused, and nothing of it is left. */
static void test_cut(void **state)
{
	const struct nattrav_pool pool = { .addr = endpoint("203.0.113.1").addr,
					   .port_min = 2,
					   .port_max = 3 };
	const struct nattrav_stream stream = sample();
	char *text = file_of(&pool, &stream), error[CTL_ERROR_SIZE];
	struct ctl_saved saved;
	size_t len;

	(void)state;
	for (len = strlen(text) - 1; len; len--) {
		text[len] = '\0';
		assert_false(read_text(text, &saved, error));
		ctl_saved_free(&saved);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_any_bytes),  cmocka_unit_test(test_small),
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
