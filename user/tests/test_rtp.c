// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Telling RTP from RTCP from anything else by the head of a datagram.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../kernel/rtp.h"

static struct rtp_summary summarize(const uint8_t *bytes, unsigned int len)
{
	struct rtp_summary sum;

	memset(&sum, 0xaa, sizeof(sum));
	rtp_summarize(&sum, bytes, len);
	return sum;
}

static const uint8_t rtp_packet[] = {
	0x80, 0x88, 0x12, 0x34, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef,
};

static void test_rtp(void **state)
{
	struct rtp_summary sum = summarize(rtp_packet, sizeof(rtp_packet));

	(void)state;
	assert_int_equal(sum.kind, RTP_KIND_RTP);
	assert_int_equal(sum.payload_type, 8);
	assert_int_equal(sum.seq, 0x1234);
	assert_int_equal(sum.ssrc, 0xdeadbeef);
}

static void test_short_rtp_is_nothing(void **state)
{
	unsigned int len;

	(void)state;
	for (len = 0; len < sizeof(rtp_packet); len++) {
		/* As long as the packet and not longer, so that ASan sees a read beyond it. */
		uint8_t *head = malloc(len ? len : 1);

		assert_non_null(head);
		memcpy(head, rtp_packet, len);
		assert_int_equal(summarize(head, len).kind, RTP_KIND_NONE);
		free(head);
	}
}

static void test_csrc_list_must_fit(void **state)
{
	uint8_t head[RTP_HEADER_LEN];

	(void)state;
	memcpy(head, rtp_packet, sizeof(head));
	head[0] |= 15;
	assert_int_equal(summarize(head, 12 + 4 * 15 - 1).kind, RTP_KIND_NONE);
	assert_int_equal(summarize(head, 12 + 4 * 15).kind, RTP_KIND_RTP);
}

static void test_other_versions_are_nothing(void **state)
{
	uint8_t head[RTP_HEADER_LEN];
	unsigned int version;

	(void)state;
	memcpy(head, rtp_packet, sizeof(head));
	for (version = 0; version < 4; version++) {
		head[0] = (uint8_t)(version << 6);
		assert_int_equal(summarize(head, sizeof(head)).kind,
				 version == 2 ? RTP_KIND_RTP : RTP_KIND_NONE);
	}
}

static void test_rtcp_is_never_taken_for_rtp(void **state)
{
	uint8_t head[RTP_HEADER_LEN] = { 0x81, 0, 0, 1, 1, 2, 3, 4 };
	unsigned int type;

	(void)state;
	for (type = 0; type < 256; type++) {
		struct rtp_summary sum;

		head[1] = (uint8_t)type;
		sum = summarize(head, 16);
		if (type < 192 || type > 223) {
			assert_int_equal(sum.kind, RTP_KIND_RTP);
			continue;
		}
		assert_int_equal(sum.kind, RTP_KIND_RTCP);
		assert_int_equal(sum.payload_type, type);
		assert_int_equal(sum.ssrc, 0x01020304);
	}
}

#define START_MS 100000u

static enum rtp_verdict hear_at(struct rtp_source *source, uint32_t ssrc, uint32_t n, uint64_t now)
{
	struct rtp_summary packet = {
		.kind = RTP_KIND_RTP,
		.seq = (uint16_t)n,
		.timestamp = n * 160,
		.ssrc = ssrc,
	};

	return rtp_source_update(source, &packet, now, (uint32_t)(now * 8));
}

/* A sender of 20 ms packets at 8000 Hz that arrive @late_ms late. */
static enum rtp_verdict hear(struct rtp_source *source, uint32_t ssrc, uint32_t n, uint32_t late_ms)
{
	return hear_at(source, ssrc, n, START_MS + n * 20u + late_ms);
}

static void test_nothing_is_lost_of_a_whole_stream(void **state)
{
	struct rtp_source source = { 0 };
	uint32_t n;

	(void)state;
	assert_int_equal(hear(&source, 1, 65000, 0), RTP_NEW_SSRC);
	for (n = 65001; n < 67000; n++)
		assert_int_equal(hear(&source, 1, n, 0), RTP_OK);
	assert_int_equal(source.received, 2000);
	assert_int_equal(rtp_source_lost(&source), 0);
	assert_int_equal(source.jitter, 0);
}

static void test_losses_late_and_double_packets_are_counted(void **state)
{
	static const uint32_t order[] = { 10, 11, 13, 12, 14, 14, 20 };
	struct rtp_source source = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		hear(&source, 1, order[i], 0);
	assert_int_equal(source.received, 7);
	assert_int_equal(source.reordered, 1);
	assert_int_equal(source.duplicates, 1);
	/* 11 were expected; the double one counts as received (RFC 3550 A.3). */
	assert_int_equal(rtp_source_lost(&source), 4);
}

static void test_jitter(void **state)
{
	struct rtp_source source = { 0 };
	uint32_t n;

	(void)state;
	/* Each packet is 10 ms early or late: J goes towards 80 units (10 ms). */
	for (n = 0; n < 500; n++)
		hear(&source, 1, n, n % 2 ? 10 : 0);
	assert_in_range(source.jitter >> 4, 78, 81);
}

static void test_numbers_that_jump_are_believed_after_a_silence_only(void **state)
{
	struct rtp_source source = { 0 };
	uint32_t n;

	(void)state;
	for (n = 0; n < 100; n++) {
		assert_int_not_equal(hear(&source, 1, n, 0), RTP_BAD_SEQUENCE);
		/* Somebody else knows the SSRC, not where its numbers are. */
		assert_int_equal(hear_at(&source, 1, 30000 + n, START_MS + n * 20u),
				 RTP_BAD_SEQUENCE);
	}
	assert_int_equal(source.max_seq, 99);

	assert_int_equal(hear(&source, 1, 40000, 0), RTP_OK);
	assert_int_equal(source.max_seq, 40000);
	assert_int_equal(rtp_source_lost(&source), 0);
}

static void test_another_ssrc_is_believed_after_a_silence_only(void **state)
{
	struct rtp_source source = { 0 };
	uint32_t n;

	(void)state;
	for (n = 0; n < 100; n++) {
		assert_int_not_equal(hear(&source, 1, n, 0), RTP_BAD_SSRC);
		assert_int_equal(hear_at(&source, 100 + n, n, START_MS + n * 20u), RTP_BAD_SSRC);
	}
	assert_int_equal(source.received, 100);
	assert_int_equal(source.ssrc_changes, 0);
	assert_int_equal(hear(&source, 2, 110, 0), RTP_NEW_SSRC);
}

static void test_four_changes_of_ssrc_a_minute(void **state)
{
	struct rtp_source source = { 0 };
	uint32_t ssrc;

	(void)state;
	for (ssrc = 1; ssrc <= 5; ssrc++)
		assert_int_equal(hear(&source, ssrc, ssrc * 10, 0), RTP_NEW_SSRC);
	assert_int_equal(hear(&source, 6, 60, 0), RTP_BAD_SSRC);
	assert_int_equal(hear(&source, 5, 61, 0), RTP_OK);
	assert_int_equal(hear(&source, 6, 3061, 0), RTP_NEW_SSRC);
	assert_int_equal(source.ssrc_changes, 5);
}

/* What another gateway has heard so far binds this one. */
static void test_a_sender_that_was_heard_elsewhere_goes_on(void **state)
{
	struct rtp_source source = { 0 };

	(void)state;
	rtp_source_resume(&source, 7, 65534, START_MS);
	assert_true(source.heard);
	assert_int_equal(rtp_source_lost(&source), 0);
	assert_int_equal(hear_at(&source, 8, 65535, START_MS + 100), RTP_BAD_SSRC);
	assert_int_equal(hear_at(&source, 7, 30000, START_MS + 100), RTP_BAD_SEQUENCE);
	/* two were sent while nobody listened */
	assert_int_equal(hear_at(&source, 7, 65534 + 3, START_MS + 100), RTP_OK);
	assert_int_equal(source.received, 1);
	assert_int_equal(rtp_source_lost(&source), 2);
	assert_int_equal(source.jitter, 0);
}

/* A phone that moves may begin anew, at once; what was lost before stays known. */
static void test_another_peer_is_no_change_of_ssrc(void **state)
{
	struct rtp_source source = { 0 };
	uint32_t n;

	(void)state;
	for (n = 0; n < 8; n++) {
		if (n)
			rtp_source_end(&source);
		assert_int_equal(hear_at(&source, 7 + n, n * 20000, START_MS + n), RTP_NEW_SSRC);
		assert_int_equal(hear_at(&source, 7 + n, n * 20000 + 2, START_MS + n), RTP_OK);
	}
	assert_int_equal(rtp_source_lost(&source), 8);
	assert_int_equal(source.ssrc_changes, 0);
	assert_int_equal(hear_at(&source, 1, 1, START_MS + n), RTP_BAD_SSRC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtp),
		cmocka_unit_test(test_short_rtp_is_nothing),
		cmocka_unit_test(test_csrc_list_must_fit),
		cmocka_unit_test(test_other_versions_are_nothing),
		cmocka_unit_test(test_rtcp_is_never_taken_for_rtp),
		cmocka_unit_test(test_nothing_is_lost_of_a_whole_stream),
		cmocka_unit_test(test_losses_late_and_double_packets_are_counted),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_numbers_that_jump_are_believed_after_a_silence_only),
		cmocka_unit_test(test_another_ssrc_is_believed_after_a_silence_only),
		cmocka_unit_test(test_four_changes_of_ssrc_a_minute),
		cmocka_unit_test(test_a_sender_that_was_heard_elsewhere_goes_on),
		cmocka_unit_test(test_another_peer_is_no_change_of_ssrc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
