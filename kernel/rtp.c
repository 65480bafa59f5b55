// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling RTP from RTCP from anything else. Pure functions, no locks.
 */
#include "rtp.h"

#define RTP_VERSION_MASK	0xc0
#define RTP_VERSION_2		0x80
#define RTP_CSRC_COUNT_MASK	0x0f
#define RTP_PAYLOAD_TYPE_MASK	0x7f

#define RTCP_TYPE_MIN		192
#define RTCP_TYPE_MAX		223
#define RTCP_HEADER_LEN		8

static __u32 get32(const __u8 *p)
{
	return (__u32)p[0] << 24 | (__u32)p[1] << 16 | (__u32)p[2] << 8 | p[3];
}

/**
 * rtp_summarize() - read the head of a UDP payload
 * @sum: filled in
 * @head: the first bytes of the payload, min(@len, RTP_HEADER_LEN) of them
 * @len: length of the whole payload in bytes
 *
 * Version 2 only (RFC 3550 5.1, 6.4.1). A second byte of 192 to 223 is RTCP,
 * never RTP with a marker bit and payload type 64 to 95 (RFC 5761 4).
 */
void rtp_summarize(struct rtp_summary *sum, const __u8 *head, unsigned int len)
{
	*sum = (struct rtp_summary){ .kind = RTP_KIND_NONE };

	if (len < RTCP_HEADER_LEN || (head[0] & RTP_VERSION_MASK) != RTP_VERSION_2)
		return;

	if (head[1] >= RTCP_TYPE_MIN && head[1] <= RTCP_TYPE_MAX) {
		sum->kind = RTP_KIND_RTCP;
		sum->payload_type = head[1];
		sum->ssrc = get32(head + 4);
		return;
	}

	if (len < RTP_HEADER_LEN + 4u * (head[0] & RTP_CSRC_COUNT_MASK))
		return;

	sum->kind = RTP_KIND_RTP;
	sum->payload_type = head[1] & RTP_PAYLOAD_TYPE_MASK;
	sum->seq = (__u16)(head[2] << 8 | head[3]);
	sum->ssrc = get32(head + 8);
}
