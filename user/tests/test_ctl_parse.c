// SPDX-License-Identifier: GPL-2.0-or-later
/* The words of nattravctl's command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../ctl/parse.h"

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint32_t ms;
	} good[] = {
		{ "30", 30000 },         { "0", 0 },
		{ "500ms", 500 },        { "30s", 30000 },
		{ "3m", 180000 },        { "12h", 43200000 },
		{ "1193h", 4294800000 }, { "4294967295ms", UINT32_MAX },
	};
	static const char *const bad[] = {
		"",     "s",  "-1",  "+1",       " 1",    "1 ",
		"1.5s", "1d", "1sm", "4294968s", "1194h", "99999999999999999999",
	};
	uint32_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(ctl_parse_duration(good[i].text, &ms));
		assert_int_equal(ms, good[i].ms);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(ctl_parse_duration(bad[i], &ms));
}

static void test_numbers(void **state)
{
	uint32_t u32;
	uint64_t u64;

	(void)state;
	assert_null(ctl_parse_u32("4294967295", &u32));
	assert_int_equal(u32, UINT32_MAX);
	assert_non_null(ctl_parse_u32("4294967296", &u32));
	assert_non_null(ctl_parse_u32("-1", &u32));
	assert_non_null(ctl_parse_u32("", &u32));
	assert_null(ctl_parse_u64("18446744073709551615", &u64));
	assert_true(u64 == UINT64_MAX);
	assert_non_null(ctl_parse_u64("18446744073709551616", &u64));
}

static void test_endpoints(void **state)
{
	static const char *const bad[] = {
		"",
		":1",
		"198.51.100.7",
		"198.51.100.7:",
		"198.51.100.7:0",
		"198.51.100.7:65536",
		"198.51.100:1",
		"198.51.100.7:1:2",
		"::1:5",
		"[::1]",
		"[::1]5",
		"[::1:5",
		"::1]:5",
		"[]:5",
		"[[::1]]:5",
		"[198.51.100.7]:5",
		"[2001:db8::1]:0",
		"[2001:db8::1%eth0]:5",
		"host:1",
		"198.51.100.7 :1",
	};
	struct nattrav_endpoint endpoint;
	char text[CTL_TEXT_SIZE];
	size_t i;

	(void)state;
	assert_null(ctl_parse_endpoint("198.51.100.7:40000", &endpoint));
	assert_int_equal(endpoint.port, 40000);
	assert_string_equal(ctl_endpoint_text(&endpoint, text), "198.51.100.7:40000");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(ctl_parse_endpoint(bad[i], &endpoint));
	assert_null(ctl_parse_endpoint("[2001:db8::0:1]:40000", &endpoint));
	assert_int_equal(endpoint.addr.family, AF_INET6);
	assert_int_equal(endpoint.port, 40000);
	assert_string_equal(ctl_endpoint_text(&endpoint, text), "[2001:db8::1]:40000");
	assert_null(
		ctl_parse_endpoint("[2001:db8:1111:2222:3333:4444:5555:6666]:65535", &endpoint));
	assert_string_equal(ctl_endpoint_text(&endpoint, text),
			    "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
	assert_null(ctl_parse_local("2001:db8::1", &endpoint));
	assert_int_equal(endpoint.port, 0);
	assert_null(ctl_parse_local("[2001:db8::1]", &endpoint));
	assert_int_equal(endpoint.port, 0);
	assert_null(ctl_parse_local("[2001:db8::1]:7", &endpoint));
	assert_int_equal(endpoint.port, 7);
	assert_non_null(ctl_parse_local("[2001:db8::1]:", &endpoint));
	assert_null(ctl_parse_local("198.51.100.7", &endpoint));
	assert_int_equal(endpoint.port, 0);
	assert_non_null(ctl_parse_local("198.51.100.7:", &endpoint));
}

static void test_prefixes(void **state)
{
	static const char *const bad[] = { "",
					   "/",
					   "198.51.100.7/",
					   "198.51.100.7/33",
					   "198.51.100.7/-1",
					   "x/8",
					   "2001:db8::/129",
					   "[2001:db8::]/64",
					   ":/0",
					   "198.51.100.7/8/8" };
	struct nattrav_prefix prefix;
	char text[CTL_TEXT_SIZE];
	size_t i;

	(void)state;
	assert_null(ctl_parse_prefix("198.51.100.0/24", &prefix));
	assert_string_equal(ctl_prefix_text(&prefix, text), "198.51.100.0/24");
	assert_null(ctl_parse_prefix("198.51.100.7", &prefix));
	assert_string_equal(ctl_prefix_text(&prefix, text), "198.51.100.7/32");
	assert_null(ctl_parse_prefix("0.0.0.0/0", &prefix));
	assert_null(ctl_parse_prefix("2001:db8::/56", &prefix));
	assert_string_equal(ctl_prefix_text(&prefix, text), "2001:db8::/56");
	assert_null(ctl_parse_prefix("2001:db8::7", &prefix));
	assert_string_equal(ctl_prefix_text(&prefix, text), "2001:db8::7/128");
	assert_null(ctl_parse_prefix("::/0", &prefix));
	assert_int_equal(prefix.addr.family, AF_INET6);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(ctl_parse_prefix(bad[i], &prefix));
}

static void test_ports(void **state)
{
	uint16_t min, max;

	(void)state;
	assert_null(ctl_parse_ports("20000-29999", &min, &max));
	assert_int_equal(min, 20000);
	assert_int_equal(max, 29999);
	assert_non_null(ctl_parse_ports("20000", &min, &max));
	assert_non_null(ctl_parse_ports("20000-", &min, &max));
	assert_non_null(ctl_parse_ports("0-1", &min, &max));
	assert_non_null(ctl_parse_ports("5-4", &min, &max));
	assert_non_null(ctl_parse_ports("1-65536", &min, &max));
}

static void test_payload_types(void **state)
{
	static const char *const same[] = { "0", "0,8,96-127", "127", "any", "0-1,3-4,6" };
	static const char *const bad[] = { "",   ",", "0,",   "128", "5-4",
					   "1-", "a", "1 ,2", "-1",  "1--2" };
	uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN];
	char text[CTL_PAYLOAD_TYPES_SIZE];
	unsigned int pt;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		assert_null(ctl_parse_payload_types(same[i], mask));
		assert_string_equal(ctl_payload_types_text(mask, text), same[i]);
	}
	assert_null(ctl_parse_payload_types("8,0", mask));
	assert_int_equal(mask[0], 0x01);
	assert_int_equal(mask[1], 0x01);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(ctl_parse_payload_types(bad[i], mask));

	/* the longest text: every other one */
	memset(mask, 0, sizeof(mask));
	for (pt = 0; pt < 128; pt += 2)
		mask[pt / 8] |= (uint8_t)(1u << (pt % 8));
	assert_true(strlen(ctl_payload_types_text(mask, text)) > 100);
}

static void test_texts(void **state)
{
	char text[CTL_TEXT_SIZE], small[6];

	(void)state;
	assert_string_equal(ctl_duration_text(1500, text), "1500ms");
	assert_string_equal(ctl_duration_text(30000, text), "30s");
	assert_string_equal(ctl_duration_text(61000, text), "1m01s");
	assert_string_equal(ctl_duration_text(43200000, text), "12h00m00s");
	assert_string_equal(ctl_clean_text("a\x1b[31mb\xff", text, sizeof(text)), "a?[31mb?");
	assert_string_equal(ctl_codec_name(0), "PCMU");
	assert_string_equal(ctl_codec_name(96), "dynamic");
	assert_null(ctl_codec_name(1));
	assert_null(ctl_codec_name(95));
	assert_null(ctl_codec_name(128));
	assert_string_equal(ctl_clean_text("too long", small, sizeof(small)), "too l");
}

/* Parses a line; it is changed. */
static bool stream(char *line, bool set, struct nattrav_stream *stream, char *error)
{
	char *word[64], *save = NULL;
	struct ctl_words words = { .word = word };

	*stream = (struct nattrav_stream){ 0 };
	for (char *next = strtok_r(line, " ", &save); next; next = strtok_r(NULL, " ", &save))
		word[words.count++] = next;
	return ctl_parse_stream(words, set, stream, error);
}

static void test_stream(void **state)
{
	char line[] =
		"call c1 cookie 7 type udp rtcp timeout-idle 60s hold on a many-ssrc on dscp 46 realm access prefix 198.51.100.7/32 "
		"pt 0,8 window 5 probation 3 relatch rebind b family ipv6 rate 500 clock-rate "
		"48000 dscp carry generation 3 peer 192.0.2.1:4000 local 203.0.113.1";
	char error[CTL_ERROR_SIZE];
	struct nattrav_stream got;

	(void)state;
	assert_true(stream(line, false, &got, error));
	assert_string_equal(got.call, "c1");
	assert_int_equal(got.cookie, 7);
	assert_true(got.rtcp);
	assert_int_equal(got.type, NATTRAV_STREAM_TYPE_UDP);
	assert_true(got.hold);
	assert_int_equal(got.leg[0].dscp, 46);
	assert_true(got.leg[0].many_ssrc);
	assert_int_equal(got.leg[1].dscp, NATTRAV_DSCP_CARRIED);
	assert_int_equal(got.given, NATTRAV_STREAM_COOKIE | NATTRAV_STREAM_TIMEOUT_IDLE |
					    NATTRAV_STREAM_HOLD | NATTRAV_STREAM_LEG_A |
					    NATTRAV_STREAM_LEG_B);
	assert_int_equal(got.timeout_idle, 60000);
	assert_string_equal(got.leg[0].realm, "access");
	assert_int_equal(got.leg[0].prefixes, 1);
	assert_int_equal(got.leg[0].window, 5000);
	assert_int_equal(got.leg[0].given, NATTRAV_LEG_PREFIXES | NATTRAV_LEG_PAYLOAD_TYPES |
						   NATTRAV_LEG_WINDOW | NATTRAV_LEG_PROBATION |
						   NATTRAV_LEG_RELATCH | NATTRAV_LEG_DSCP |
						   NATTRAV_LEG_MANY_SSRC);
	assert_int_equal(got.leg[0].probation, 3);
	assert_int_equal(got.leg[0].relatch, NATTRAV_RELATCH_REBIND);
	assert_int_equal(got.leg[0].family, AF_UNSPEC);
	assert_int_equal(got.leg[1].given, NATTRAV_LEG_GENERATION | NATTRAV_LEG_RATE |
						   NATTRAV_LEG_CLOCK_RATE | NATTRAV_LEG_DSCP);
	assert_int_equal(got.leg[1].family, AF_INET6);
	assert_int_equal(got.leg[1].rate, 500);
	assert_int_equal(got.leg[1].clock_rate, 48000);
	assert_int_equal(got.leg[1].peer.port, 4000);
	assert_int_equal(got.leg[1].local.port, 0);
}

static void test_loss(void **state)
{
	struct nattrav_leg leg = { .packets = 50, .received = 90, .lost = 10 };

	(void)state;
	assert_true(ctl_loss_percent(&leg) > 9.99 && ctl_loss_percent(&leg) < 10.01);
	leg.packets = 990;
	assert_true(ctl_loss_percent(&leg) > 0.99 && ctl_loss_percent(&leg) < 1.01);
	leg = (struct nattrav_leg){ 0 };
	assert_true(ctl_loss_percent(&leg) < 0.01);
}

static void test_stream_refused(void **state)
{
	static const struct {
		const char *line;
		bool set;
		const char *error;
	} bad[] = {
		{ "cal c1", false, "unknown word \"cal\"" },
		{ "type rtcp", false, "type: \"rtcp\" is no type: rtp or udp" },
		{ "call", false, "call needs a value" },
		{ "a prefix", false, "prefix needs a value" },
		{ "prefix 192.0.2.1", false,
		  "prefix belongs to a leg: write \"a\" or \"b\" before it" },
		{ "a peer 192.0.2.1", false,
		  "peer: \"192.0.2.1\" has no port: ADDRESS:PORT is needed" },
		{ "a window soon", false,
		  "window: \"soon\" is no duration: a number with ms, s, m or h" },
		{ "a prefix 192.0.2.1 prefix 192.0.2.2 prefix 192.0.2.3", false,
		  "prefix: \"192.0.2.3\" is one too many: a leg has two prefixes at most" },
		{ "a relatch always", false, "relatch: \"always\" is neither rebind nor never" },
		{ "a family ip", false, "family: \"ip\" is no address family: ipv4 or ipv6" },
		{ "a dscp 64", false, "dscp: \"64\" is no code point (0 to 63, or carry)" },
		{ "a many-ssrc yes", false, "many-ssrc: \"yes\" is neither on nor off" },
		{ "hold 1", false, "hold: \"1\" is neither on nor off" },
		{ "a probation 0", false, "probation: \"0\" is no number of packets (1 to 255)" },
		{ "a probation 256", false,
		  "probation: \"256\" is no number of packets (1 to 255)" },
		{ "call c", true, "call cannot be changed: delete the stream and add another one" },
		{ "a realm 12345678901234567890123456789012", false,
		  "realm: \"12345678901234567890123456789012\" is no realm (1 to 31 bytes)" },
	};
	char error[CTL_ERROR_SIZE], *line;
	struct nattrav_stream got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		line = strdup(bad[i].line);
		assert_non_null(line);
		assert_false(stream(line, bad[i].set, &got, error));
		assert_string_equal(error, bad[i].error);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),      cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_endpoints),      cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_ports),          cmocka_unit_test(test_payload_types),
		cmocka_unit_test(test_texts),          cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_refused), cmocka_unit_test(test_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
