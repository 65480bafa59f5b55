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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtp),
		cmocka_unit_test(test_short_rtp_is_nothing),
		cmocka_unit_test(test_csrc_list_must_fit),
		cmocka_unit_test(test_other_versions_are_nothing),
		cmocka_unit_test(test_rtcp_is_never_taken_for_rtp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
