// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the latching policy and of reading RTP.
 */
#include <linux/module.h>

#include "latch.c"
#include "rtp.c"

#include "nattrav_kunit.h"

#define NOW	1000000ULL

/* --- Latching ----------------------------------------------------------- */

static struct latch latch_of(u32 prefix, u8 len)
{
	return (struct latch){
		.prefix = { { .addr = addr4(prefix), .len = len } },
		.prefixes = 1,
		.family = AF_INET,
		.type = NATTRAV_STREAM_TYPE_RTP,
		.deadline = NOW + 30000,
	};
}

static struct latch_packet rtp_from(u32 addr, u16 port, u16 seq)
{
	return (struct latch_packet){
		.source = { .addr = addr4(addr), .port = htons(port) },
		.rtp = { .kind = RTP_KIND_RTP, .seq = seq, .ssrc = 1 },
	};
}

static void latch_first_packet_test(struct kunit *test)
{
	struct latch latch = latch_of(PEER4, 32);
	struct latch_packet packet = rtp_from(PEER4, 4000, 1);
	struct latch_packet foreign = rtp_from(OTHER4, 4000, 1);

	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &foreign, NOW),
			NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + 30001),
			NATTRAV_DROP_REASON_WINDOW_CLOSED);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW), LATCH_ACCEPT);
	packet.rtp.kind = RTP_KIND_NONE;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW),
			NATTRAV_DROP_REASON_NOT_RTP);
}

static void latch_prefix6_test(struct kunit *test)
{
	struct latch latch = latch_of(0, 64);
	struct latch_packet packet = rtp_from(0, 4000, 1);

	latch.family = AF_INET6;
	latch.prefix[0].addr = addr6(1, 0);
	packet.source.addr = addr6(1, 0xffff);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW), LATCH_ACCEPT);
	packet.source.addr = addr6(2, 0xffff);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW),
			NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
}

static void latch_probation_test(struct kunit *test)
{
	struct latch_packet packet, sprayed;
	struct latch_probation probation = {};
	struct latch latch = latch_of(0, 0);
	unsigned int i;

	latch.probation_packets = 4;
	latch.probation = &probation;
	for (i = 1; i < 4; i++) {
		packet = rtp_from(PEER4, 4000, i);
		KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + i),
				NATTRAV_DROP_REASON_PROBATION);
	}

	/* Somebody else comes: both need twice as many, neither starts anew. */
	for (i = 0; i < 10; i++) {
		sprayed = rtp_from(OTHER4, 4000, 7 * i);
		KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &sprayed, NOW + 4),
				NATTRAV_DROP_REASON_PROBATION);
	}
	KUNIT_EXPECT_TRUE(test, probation.contended);
	for (i = 4; i < 8; i++) {
		packet = rtp_from(PEER4, 4000, i);
		KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + i),
				NATTRAV_DROP_REASON_PROBATION);
	}
	packet = rtp_from(PEER4, 4000, 8);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + 8), LATCH_ACCEPT);
}

static void latch_rtcp_test(struct kunit *test)
{
	union nf_inet_addr peer = addr4(PEER4), other = addr4(OTHER4);
	struct latch_packet packet = rtp_from(PEER4, 4001, 0);
	struct latch latch = latch_of(0, 0);

	latch.type = NATTRAV_STREAM_TYPE_RTCP;
	packet.rtp.kind = RTP_KIND_RTCP;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW),
			NATTRAV_DROP_REASON_RTP_PARTIAL);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, &other, &packet, NOW),
			NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, &peer, &packet, NOW), LATCH_ACCEPT);
}

static void latch_peer_stays_test(struct kunit *test)
{
	struct latch_peer peer = {
		.source = { .addr = addr4(PEER4), .port = htons(4000) },
		.ssrc = 1,
		.max_seq = 100,
		.heard = NOW,
	};
	struct latch_packet packet = rtp_from(PEER4, 4000, 1);
	struct latch_packet moved = rtp_from(PEER4, 5000, 101);
	struct latch latch = latch_of(PEER4, 32);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &packet, NOW), LATCH_PEER);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 10000),
			NATTRAV_DROP_REASON_WRONG_SOURCE);

	latch.relatch = NATTRAV_RELATCH_REBIND;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 1999),
			NATTRAV_DROP_REASON_WRONG_SOURCE);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 2000),
				LATCH_REBIND);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 2000),
			NATTRAV_DROP_REASON_WRONG_SOURCE);

	/* The controller has asked again: the rules of a partial leg. */
	latch.generation++;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW), LATCH_ACCEPT);
}

static struct kunit_case latch_cases[] = {
	KUNIT_CASE(latch_first_packet_test),
	KUNIT_CASE(latch_prefix6_test),
	KUNIT_CASE(latch_probation_test),
	KUNIT_CASE(latch_rtcp_test),
	KUNIT_CASE(latch_peer_stays_test),
	{}
};

static struct kunit_suite latch_suite = {
	.name = "nattrav_latch",
	.test_cases = latch_cases,
};

/* --- RTP ---------------------------------------------------------------- */

static void rtp_summarize_test(struct kunit *test)
{
	static const u8 head[RTP_HEADER_LEN] = {
		0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef
	};
	struct rtp_summary sum;
	unsigned int len;
	u8 *exact, b;

	rtp_summarize(&sum, head, sizeof(head));
	KUNIT_EXPECT_EQ(test, sum.kind, RTP_KIND_RTP);
	KUNIT_EXPECT_EQ(test, sum.payload_type, 8);
	KUNIT_EXPECT_EQ(test, sum.seq, 0x1234);
	KUNIT_EXPECT_EQ(test, sum.timestamp, 160);
	KUNIT_EXPECT_EQ(test, sum.ssrc, 0xdeadbeef);

	/* Every length in a buffer of just that length, for KASAN to watch. */
	for (len = 1; len < RTP_HEADER_LEN; len++) {
		exact = kunit_kmalloc(test, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, exact);
		memcpy(exact, head, len);
		for (b = 0; b < 2; b++) {
			if (len > 1)
				exact[1] = b ? 200 : 8;
			rtp_summarize(&sum, exact, len);
			KUNIT_EXPECT_EQ(test, sum.kind,
					b && len >= 8 ? RTP_KIND_RTCP : RTP_KIND_NONE);
		}
		kunit_kfree(test, exact);
	}
}

static enum rtp_verdict heard(struct rtp_source *source, u16 seq, u32 ssrc, u64 now)
{
	struct rtp_summary packet = { .kind = RTP_KIND_RTP, .seq = seq, .ssrc = ssrc };

	return rtp_source_update(source, &packet, now, 0);
}

static void rtp_source_test(struct kunit *test)
{
	struct rtp_source source = {};
	u64 now = NOW + 200;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, heard(&source, 65534, 1, NOW), RTP_NEW_SSRC);
	KUNIT_EXPECT_EQ(test, heard(&source, 65535, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, heard(&source, 2, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, rtp_source_lost(&source), 2);
	KUNIT_EXPECT_EQ(test, heard(&source, 1, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, rtp_source_lost(&source), 1);
	KUNIT_EXPECT_EQ(test, source.reordered, 1);
	KUNIT_EXPECT_EQ(test, heard(&source, 2, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, source.duplicates, 1);
	KUNIT_EXPECT_EQ(test, heard(&source, 3002, 1, NOW + 199), RTP_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, heard(&source, 3002, 1, NOW + 200), RTP_OK);

	/* Another sender: after a silence only, four times a minute. */
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, heard(&source, 1, 2 + i, now + 199), RTP_BAD_SSRC);
		now += 200;
		KUNIT_EXPECT_EQ(test, heard(&source, 1, 2 + i, now), RTP_NEW_SSRC);
	}
	KUNIT_EXPECT_EQ(test, heard(&source, 1, 9, now + 200), RTP_BAD_SSRC);
	KUNIT_EXPECT_EQ(test, heard(&source, 1, 9, now + MINUTE_MS), RTP_NEW_SSRC);
	KUNIT_EXPECT_EQ(test, source.ssrc_changes, 5);
}

static struct kunit_case rtp_cases[] = {
	KUNIT_CASE(rtp_summarize_test),
	KUNIT_CASE(rtp_source_test),
	{}
};

static struct kunit_suite rtp_suite = {
	.name = "nattrav_rtp",
	.test_cases = rtp_cases,
};

kunit_test_suites(&latch_suite, &rtp_suite);

MODULE_DESCRIPTION("KUnit tests of nattrav");
MODULE_LICENSE("GPL");
