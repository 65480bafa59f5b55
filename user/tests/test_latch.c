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

static int check(struct latch *latch, const struct latch_peer *peer, struct latch_packet packet)
{
	return latch_check(latch, peer, NULL, &packet, NOW);
}

/* A peer that was heard just now. */
static struct latch_peer terminal(void)
{
	return (struct latch_peer){
		.source = source(TERMINAL, 40000),
		.ssrc = 1,
		.max_seq = 6,
		.heard = NOW,
	};
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
	struct latch_peer peer = terminal();

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
	struct latch_peer peer = terminal();

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

static void test_rtcp_follows_its_rtp_to_another_address(void **state)
{
	struct latch latch = leg();
	struct latch_peer peer = terminal();
	union nf_inet_addr rtp_peer = addr("203.0.113.9");
	struct latch_packet packet = rtp("203.0.113.9", 40001, 200);

	(void)state;
	latch.type = NATTRAV_STREAM_TYPE_RTCP;
	latch.prefixes = 0;
	packet.rtp.kind = RTP_KIND_RTCP;
	assert_int_equal(latch_check(&latch, &peer, &rtp_peer, &packet, NOW), LATCH_ACCEPT);

	rtp_peer = peer.source.addr;
	assert_int_equal(latch_check(&latch, &peer, &rtp_peer, &packet, NOW),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
}

static struct latch_packet nth(const char *from, uint32_t ssrc, uint16_t seq)
{
	struct latch_packet packet = rtp(from, 40000, 0);

	packet.rtp.ssrc = ssrc;
	packet.rtp.seq = seq;
	return packet;
}

static struct latch wide_leg(struct latch_probation *probation)
{
	struct latch latch = leg();

	memset(probation, 0, sizeof(*probation));
	latch.prefixes = 0;
	latch.probation_packets = 4;
	latch.probation = probation;
	return latch;
}

static void test_probation_wants_packets_in_sequence(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	uint16_t seq;

	(void)state;
	for (seq = 65534; seq != 1; seq++)
		assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, seq)),
				 NATTRAV_DROP_REASON_PROBATION);
	assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, 1)), LATCH_ACCEPT);
	assert_false(probation.contended);
}

static void test_a_gap_starts_probation_anew(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	static const uint16_t seqs[] = { 1, 2, 3, 5, 6, 7 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++)
		assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, seqs[i])),
				 NATTRAV_DROP_REASON_PROBATION);
	assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, 8)), LATCH_ACCEPT);
}

static void test_a_sprayer_cannot_starve_the_real_one(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	uint16_t seq;

	(void)state;
	for (seq = 0; seq < 7; seq++) {
		/* The sprayer never goes on in sequence, and comes twice as often. */
		assert_int_equal(check(&latch, NULL, nth("8.8.8.8", 2, (uint16_t)(seq * 7))),
				 NATTRAV_DROP_REASON_PROBATION);
		assert_int_equal(check(&latch, NULL, nth("8.8.8.8", 2, (uint16_t)(seq * 9))),
				 NATTRAV_DROP_REASON_PROBATION);
		assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, seq)),
				 NATTRAV_DROP_REASON_PROBATION);
	}
	assert_true(probation.contended);
	/* Contention doubles the four packets. */
	assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, 7)), LATCH_ACCEPT);
}

static void test_more_sprayers_than_candidates_do_not_take_a_place_that_is_used(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	uint16_t seq;

	(void)state;
	assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, 0)), NATTRAV_DROP_REASON_PROBATION);
	for (seq = 1; seq < 7; seq++) {
		uint32_t ssrc;

		for (ssrc = 100; ssrc < 200; ssrc++)
			assert_int_equal(check(&latch, NULL, nth("8.8.8.8", ssrc, seq)),
					 NATTRAV_DROP_REASON_PROBATION);
		assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, seq)),
				 NATTRAV_DROP_REASON_PROBATION);
	}
	assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, 7)), LATCH_ACCEPT);
}

static void test_a_candidate_that_stopped_makes_room(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	struct latch_packet packet;
	uint32_t ssrc;

	(void)state;
	latch.deadline = NOW + 5000;
	for (ssrc = 100; ssrc < 104; ssrc++)
		check(&latch, NULL, nth("8.8.8.8", ssrc, 1));
	packet = nth(TERMINAL, 1, 1);
	check(&latch, NULL, packet);
	assert_int_equal(probation.candidate[0].ssrc, 100);
	latch_check(&latch, NULL, NULL, &packet, NOW + 1001);
	assert_int_equal(probation.candidate[0].ssrc, 1);
}

/* What a peer sends whose NAT has given it another port. */
static struct latch_packet rebound(void)
{
	return nth(TERMINAL, 1, 7);
}

static struct latch rebind_leg(void)
{
	struct latch latch = leg();

	latch.relatch = NATTRAV_RELATCH_REBIND;
	return latch;
}

static struct latch_peer silent(uint64_t ms)
{
	struct latch_peer peer = terminal();

	peer.source.port = htons(39999);
	peer.heard = NOW - ms;
	return peer;
}

static void test_a_peer_that_was_rebound_is_found_again(void **state)
{
	struct latch latch = rebind_leg();
	struct latch_peer peer = silent(2000);

	(void)state;
	assert_int_equal(check(&latch, &peer, rebound()), LATCH_REBIND);

	latch.relatch = NATTRAV_RELATCH_NEVER;
	assert_int_equal(check(&latch, &peer, rebound()), NATTRAV_DROP_REASON_WRONG_SOURCE);
}

static void test_a_rebind_needs_all_of_its_conditions(void **state)
{
	struct latch latch = rebind_leg();
	struct latch_peer peer = silent(1999);
	struct latch_packet other = nth(TERMINAL, 1, 7);

	(void)state;
	assert_int_equal(check(&latch, &peer, rebound()), NATTRAV_DROP_REASON_WRONG_SOURCE);
	peer = silent(2000);
	assert_int_equal(check(&latch, &peer, nth("203.0.113.11", 1, 7)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 2, 7)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	other.rtp.payload_type = 8;
	assert_int_equal(check(&latch, &peer, other), NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 1, 6)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 1, 6 + 537)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 1, 6 + 536)), LATCH_REBIND);
}

/* Within any 60 seconds, not from one full minute of the clock to the next. */
static void test_three_rebinds_within_a_minute(void **state)
{
	/* 30 s into a minute of the clock */
	static const struct {
		uint64_t at;
		int expected;
	} rows[] = {
		{ 990000, LATCH_REBIND },
		{ 1019000, LATCH_REBIND },
		{ 1019500, LATCH_REBIND },
		{ 1019501, NATTRAV_DROP_REASON_WRONG_SOURCE },
		{ 1020001, NATTRAV_DROP_REASON_WRONG_SOURCE },
		{ 1049999, NATTRAV_DROP_REASON_WRONG_SOURCE },
		{ 1050000, LATCH_REBIND },
		{ 1050001, NATTRAV_DROP_REASON_WRONG_SOURCE },
		{ 1079000, LATCH_REBIND },
		{ 1079499, NATTRAV_DROP_REASON_WRONG_SOURCE },
		{ 1079500, LATCH_REBIND },
		/* the clock of the rule has 32 bits; leg and rule outlive it */
		{ UINT32_MAX, LATCH_REBIND },
		{ UINT32_MAX + 1000ULL, LATCH_REBIND },
		{ UINT32_MAX + 2000ULL, LATCH_REBIND },
		{ UINT32_MAX + 3000ULL, NATTRAV_DROP_REASON_WRONG_SOURCE },
		{ UINT32_MAX + 60000ULL, LATCH_REBIND },
	};
	struct latch latch = rebind_leg();
	struct latch_peer peer = silent(2000);
	struct latch_packet packet = rebound();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		peer.heard = rows[i].at - 2000;
		assert_int_equal(latch_check(&latch, &peer, NULL, &packet, rows[i].at),
				 rows[i].expected);
	}
}

static void test_a_rebind_wants_as_many_packets_as_probation(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	struct latch_peer peer = silent(2000);
	uint16_t seq;

	(void)state;
	latch.relatch = NATTRAV_RELATCH_REBIND;
	for (seq = 7; seq < 10; seq++)
		assert_int_equal(check(&latch, &peer, nth(TERMINAL, 1, seq)),
				 NATTRAV_DROP_REASON_PROBATION);
	/* each of them must fulfil the other conditions, too */
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 2, 10)),
			 NATTRAV_DROP_REASON_WRONG_SOURCE);
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 1, 10)), LATCH_REBIND);
	/* and the next one begins at zero */
	assert_int_equal(check(&latch, &peer, nth(TERMINAL, 1, 11)), NATTRAV_DROP_REASON_PROBATION);
}

/* Who contended for the first peer must not make it harder for the next. */
static void test_contention_ends_with_a_peer(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	struct latch_peer peer = terminal();
	uint16_t seq;

	(void)state;
	check(&latch, NULL, nth("8.8.8.8", 2, 7));
	for (seq = 0; seq < 7; seq++)
		check(&latch, NULL, nth(TERMINAL, 1, seq));
	assert_true(probation.contended);
	assert_int_equal(check(&latch, NULL, nth(TERMINAL, 1, 7)), LATCH_ACCEPT);
	assert_false(probation.contended);

	latch.generation = 1;
	for (seq = 8; seq < 11; seq++)
		assert_int_equal(check(&latch, &peer, nth("8.8.8.8", 3, seq)),
				 NATTRAV_DROP_REASON_PROBATION);
	assert_int_equal(check(&latch, &peer, nth("8.8.8.8", 3, 11)), LATCH_ACCEPT);
}

static void test_what_is_not_rtp_by_name_is_not_looked_at(void **state)
{
	struct latch_probation probation;
	struct latch latch = wide_leg(&probation);
	struct latch_peer peer = silent(2000);
	struct latch_packet packet = rtp(TERMINAL, 40000, 99);

	(void)state;
	latch.type = NATTRAV_STREAM_TYPE_UDP;
	latch.relatch = NATTRAV_RELATCH_REBIND;
	packet.rtp = (struct rtp_summary){ .kind = RTP_KIND_NONE };
	assert_int_equal(check(&latch, NULL, packet), LATCH_ACCEPT);

	/* No SSRC, no sequence: nothing shows that it is the same sender. */
	peer.ssrc = 0;
	peer.max_seq = 0;
	assert_int_equal(check(&latch, &peer, packet), NATTRAV_DROP_REASON_WRONG_SOURCE);

	latch.prefix[0] = (struct latch_prefix){ addr("198.51.100.0"), 24 };
	latch.prefixes = 1;
	assert_int_equal(check(&latch, NULL, packet), NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
	latch.prefixes = 0;
	latch.deadline = NOW - 1;
	assert_int_equal(check(&latch, NULL, packet), NATTRAV_DROP_REASON_WINDOW_CLOSED);
}

static void test_ipv6_addresses_that_no_terminal_has(void **state)
{
	static const struct {
		const char *text;
		bool possible;
	} rows[] = {
		{ "::", false },
		{ "::1", false },
		{ "::ffff:203.0.113.1", false },
		{ "::203.0.113.1", false },
		{ "fe80::1", false },
		{ "ff02::1", false },
		{ "2002:7f00:1::1", false },
		{ "2002:a9fe:1::1", false },
		{ "2002:cb00:7101::1", true },
		{ "64:ff9b::127.0.0.1", false },
		{ "64:ff9b::224.0.0.1", false },
		{ "64:ff9b::203.0.113.1", true },
		{ "2001:db8::1", true },
		{ "fd00::1", true },
	};
	union nf_inet_addr a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(inet_pton(AF_INET6, rows[i].text, &a.in6), 1);
		assert_int_equal(latch_addr_possible(&a, AF_INET6), rows[i].possible);
	}
}

static void test_ipv6_prefix(void **state)
{
	struct latch latch = leg();
	struct latch_packet packet = rtp(TERMINAL, 40000, 0);

	(void)state;
	latch.family = AF_INET6;
	latch.prefix[0].len = 61;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:8::", &latch.prefix[0].addr.in6), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:f::9", &packet.source.addr.in6), 1);
	assert_int_equal(check(&latch, NULL, packet), LATCH_ACCEPT);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:1:10::9", &packet.source.addr.in6), 1);
	assert_int_equal(check(&latch, NULL, packet), NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
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
		cmocka_unit_test(test_rtcp_follows_its_rtp_to_another_address),
		cmocka_unit_test(test_probation_wants_packets_in_sequence),
		cmocka_unit_test(test_a_gap_starts_probation_anew),
		cmocka_unit_test(test_a_sprayer_cannot_starve_the_real_one),
		cmocka_unit_test(
			test_more_sprayers_than_candidates_do_not_take_a_place_that_is_used),
		cmocka_unit_test(test_a_candidate_that_stopped_makes_room),
		cmocka_unit_test(test_a_peer_that_was_rebound_is_found_again),
		cmocka_unit_test(test_a_rebind_needs_all_of_its_conditions),
		cmocka_unit_test(test_three_rebinds_within_a_minute),
		cmocka_unit_test(test_a_rebind_wants_as_many_packets_as_probation),
		cmocka_unit_test(test_contention_ends_with_a_peer),
		cmocka_unit_test(test_what_is_not_rtp_by_name_is_not_looked_at),
		cmocka_unit_test(test_ipv6_addresses_that_no_terminal_has),
		cmocka_unit_test(test_ipv6_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
