// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The latching policy: who may become the peer of a leg, and who may not.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernel/latch.h"

#define NOW      1000000u
#define TERMINAL "203.0.113.10"

static union nf_inet_addr addr(const char *text)
{
	union nf_inet_addr a = { 0 };

	assert_int_equal(inet_pton(AF_INET, text, &a.ip), 1);
	return a;
}

static struct latch_source source(const char *text, uint16_t port)
{
	return (struct latch_source){ .addr = addr(text), .port = htons(port) };
}

/* A leg whose terminal signals from TERMINAL and has offered PCMU and 101. */
static struct latch leg(void)
{
	return (struct latch){
		.prefix = { { .addr = addr(TERMINAL), .len = 32 } },
		.prefixes = 1,
		.family = AF_INET,
		.type = NATTRAV_STREAM_TYPE_RTP,
		.check_payload_type = true,
		.payload_types = { [0] = 1 << 0, [101 / 8] = 1 << 101 % 8 },
		.deadline = NOW + 30000,
	};
}

static struct latch_packet rtp(const char *from, uint16_t port, uint8_t payload_type)
{
	return (struct latch_packet){
		.source = source(from, port),
		.rtp = { .kind = RTP_KIND_RTP, .payload_type = payload_type, .seq = 7, .ssrc = 1 },
	};
}

static int check(const struct latch *latch, const struct latch_source *peer,
		 struct latch_packet packet)
{
	return latch_check(latch, peer, NULL, &packet, NOW);
}

static void test_first_packet_from_the_signalling_source_is_accepted(void **state)
{
	struct latch latch = leg();

	(void)state;
	assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 40000, 0)), LATCH_ACCEPT);
	assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 1, 101)), LATCH_ACCEPT);
}

static void test_a_source_outside_the_prefixes_is_not(void **state)
{
	struct latch latch = leg();

	(void)state;
	assert_int_equal(check(&latch, NULL, rtp("203.0.113.11", 40000, 0)),
			 NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
}

static void test_prefix_lengths(void **state)
{
	static const struct {
		const char *prefix;
		uint8_t len;
		const char *from;
		bool inside;
	} rows[] = {
		{ "203.0.113.10", 32, "203.0.113.10", true },
		{ "203.0.113.10", 31, "203.0.113.11", true },
		{ "203.0.113.10", 31, "203.0.113.12", false },
		{ "203.0.113.0", 24, "203.0.113.255", true },
		{ "203.0.113.0", 24, "203.0.114.0", false },
		{ "203.0.113.77", 24, "203.0.113.1", true },
		{ "203.0.112.0", 23, "203.0.113.1", true },
		{ "128.0.0.0", 1, "203.0.113.1", true },
		{ "128.0.0.0", 1, "8.8.8.8", false },
		{ "0.0.0.0", 0, "8.8.8.8", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct latch latch = leg();
		int expected = rows[i].inside ? LATCH_ACCEPT : NATTRAV_DROP_REASON_OUTSIDE_PREFIX;

		latch.prefix[0] = (struct latch_prefix){ addr(rows[i].prefix), rows[i].len };
		assert_int_equal(check(&latch, NULL, rtp(rows[i].from, 5000, 0)), expected);
	}
}

static void test_either_of_two_prefixes_will_do(void **state)
{
	struct latch latch = leg();

	(void)state;
	latch.prefix[1] = (struct latch_prefix){ addr("198.51.100.0"), 24 };
	latch.prefixes = 2;
	assert_int_equal(check(&latch, NULL, rtp("198.51.100.9", 40000, 0)), LATCH_ACCEPT);
	assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 40000, 0)), LATCH_ACCEPT);
}

static void test_addresses_that_no_terminal_has(void **state)
{
	static const char *const refused[] = {
		"0.0.0.0",   "0.1.2.3",   "127.0.0.1",       "169.254.1.1",
		"224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1",
	};
	struct latch latch = leg();
	size_t i;

	(void)state;
	latch.prefixes = 0;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(check(&latch, NULL, rtp(refused[i], 5000, 0)),
				 NATTRAV_DROP_REASON_BAD_SOURCE);
	assert_int_equal(check(&latch, NULL, rtp("8.8.8.8", 0, 0)), NATTRAV_DROP_REASON_BAD_SOURCE);
	assert_int_equal(check(&latch, NULL, rtp("10.0.0.1", 5000, 0)), LATCH_ACCEPT);
}

static void test_only_negotiated_payload_types_complete_a_leg(void **state)
{
	struct latch latch = leg();
	unsigned int type;

	(void)state;
	for (type = 0; type < 128; type++)
		assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 40000, (uint8_t)type)),
				 type == 0 || type == 101 ? LATCH_ACCEPT :
							    NATTRAV_DROP_REASON_PAYLOAD_TYPE);

	latch.check_payload_type = false;
	assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 40000, 34)), LATCH_ACCEPT);
}

static void test_what_is_not_rtp_completes_nothing(void **state)
{
	struct latch latch = leg();
	struct latch_packet packet = rtp(TERMINAL, 40000, 0);

	(void)state;
	packet.rtp.kind = RTP_KIND_NONE;
	assert_int_equal(check(&latch, NULL, packet), NATTRAV_DROP_REASON_NOT_RTP);
	packet.rtp.kind = RTP_KIND_RTCP;
	assert_int_equal(check(&latch, NULL, packet), NATTRAV_DROP_REASON_NOT_RTP);
}

static void test_the_window_closes(void **state)
{
	struct latch latch = leg();

	(void)state;
	latch.deadline = NOW;
	assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 40000, 0)), LATCH_ACCEPT);
	latch.deadline = NOW - 1;
	assert_int_equal(check(&latch, NULL, rtp(TERMINAL, 40000, 0)),
			 NATTRAV_DROP_REASON_WINDOW_CLOSED);
}

static void test_a_complete_leg_keeps_its_peer(void **state)
{
	struct latch latch = leg();
	struct latch_source peer = source(TERMINAL, 40000);

	(void)state;
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 40000, 0)), LATCH_PEER);
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 40001, 0)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, rtp("8.8.8.8", 40000, 0)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);

	/* Its peer is heard even if what it sends now would not complete a leg. */
	latch.deadline = 0;
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 40000, 99)), LATCH_PEER);
}

static void test_a_new_generation_lets_a_leg_latch_once_more(void **state)
{
	struct latch latch = leg();
	struct latch_source peer = source(TERMINAL, 40000);

	(void)state;
	latch.generation = 2;
	latch.latched_generation = 1;
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 40000, 0)), LATCH_PEER);
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 50000, 0)), LATCH_ACCEPT);
	assert_int_equal(check(&latch, &peer, rtp("8.8.8.8", 50000, 0)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 50000, 99)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);

	latch.deadline = NOW - 1;
	assert_int_equal(check(&latch, &peer, rtp(TERMINAL, 50000, 0)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
}

static void test_rtcp_goes_only_with_its_rtp(void **state)
{
	struct latch latch = leg();
	union nf_inet_addr rtp_peer = addr(TERMINAL), elsewhere = addr("203.0.113.99");
	struct latch_packet packet = rtp(TERMINAL, 40001, 200);

	(void)state;
	latch.type = NATTRAV_STREAM_TYPE_RTCP;
	latch.deadline = 0;
	packet.rtp.kind = RTP_KIND_RTCP;

	assert_int_equal(latch_check(&latch, NULL, NULL, &packet, NOW),
			 NATTRAV_DROP_REASON_RTP_PARTIAL);
	assert_int_equal(latch_check(&latch, NULL, &elsewhere, &packet, NOW),
			 NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
	assert_int_equal(latch_check(&latch, NULL, &rtp_peer, &packet, NOW), LATCH_ACCEPT);

	packet.rtp.kind = RTP_KIND_RTP;
	assert_int_equal(latch_check(&latch, NULL, &rtp_peer, &packet, NOW),
			 NATTRAV_DROP_REASON_NOT_RTP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_packet_from_the_signalling_source_is_accepted),
		cmocka_unit_test(test_a_source_outside_the_prefixes_is_not),
		cmocka_unit_test(test_prefix_lengths),
		cmocka_unit_test(test_either_of_two_prefixes_will_do),
		cmocka_unit_test(test_addresses_that_no_terminal_has),
		cmocka_unit_test(test_only_negotiated_payload_types_complete_a_leg),
		cmocka_unit_test(test_what_is_not_rtp_completes_nothing),
		cmocka_unit_test(test_the_window_closes),
		cmocka_unit_test(test_a_complete_leg_keeps_its_peer),
		cmocka_unit_test(test_a_new_generation_lets_a_leg_latch_once_more),
		cmocka_unit_test(test_rtcp_goes_only_with_its_rtp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
