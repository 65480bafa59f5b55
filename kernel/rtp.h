/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the first bytes of a datagram tell about RTP and RTCP. Compiles in the
 * kernel and in userspace; never reads beyond the twelve bytes it is given.
 */
#ifndef NATTRAV_RTP_H
#define NATTRAV_RTP_H

#include <linux/types.h>

#define RTP_HEADER_LEN 12

enum rtp_kind {
	RTP_KIND_NONE,
	RTP_KIND_RTP,
	RTP_KIND_RTCP,
};

/**
 * struct rtp_summary - the fields of an RTP or RTCP packet that matter here
 * @kind: which of the two it is, or neither; then the others are 0
 * @payload_type: RTP payload type, or RTCP packet type
 * @seq: RTP sequence number, 0 for RTCP
 * @ssrc: the sender's SSRC
 */
struct rtp_summary {
	enum rtp_kind kind;
	__u8 payload_type;
	__u16 seq;
	__u32 ssrc;
};

void rtp_summarize(struct rtp_summary *sum, const __u8 *head, unsigned int len);

#endif
