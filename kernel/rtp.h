/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the first bytes of a datagram tell about RTP and RTCP. Compiles in the
 * kernel and in userspace; never reads beyond the twelve bytes it is given.
 */
#ifndef NATTRAV_RTP_H
#define NATTRAV_RTP_H

#ifndef __KERNEL__
#include <stdbool.h>
#endif
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
 * @timestamp: RTP timestamp, 0 for RTCP
 * @ssrc: the sender's SSRC
 */
struct rtp_summary {
	enum rtp_kind kind;
	__u8 payload_type;
	__u16 seq;
	__u32 timestamp;
	__u32 ssrc;
};

/**
 * struct rtp_source - what has come from one sender (RFC 3550 6.4.1, A.1, A.3, A.8)
 * @heard: whether anything has come yet; then the rest holds
 * @payload_type: of the last packet
 * @max_seq: highest sequence number
 * @ssrc: the sender
 * @ssrc_changes: how often the sender has changed, ever
 * @ssrc_minute: the minute that @ssrc_recent belongs to
 * @ssrc_recent: how often it has changed in that minute
 * @first_ext: extended sequence number of the first packet from this sender
 * @max_ext: extended sequence number of @max_seq
 * @received: packets from this sender
 * @lost_before: packets that senders before this one have lost
 * @reordered: packets that came after one with a higher number
 * @duplicates: packets that came with the number of the one before
 * @transit: arrival less timestamp of the last packet, in timestamp units
 * @jitter: interarrival jitter in timestamp units, times 16
 * @last_good: time of the last packet inside the window in ms; it wraps after 49
 *	days, when a sender that comes back may have to wait for as long as one
 *	that has not been silent at all
 */
struct rtp_source {
	bool heard;
	__u8 payload_type;
	__u16 max_seq;
	__u32 ssrc;
	__u32 ssrc_changes;
	__u32 ssrc_minute : 29;
	__u32 ssrc_recent : 3;
	__u32 first_ext;
	__u32 max_ext;
	__u32 received;
	__u32 lost_before;
	__u32 reordered;
	__u32 duplicates;
	__u32 transit;
	__u32 jitter;
	__u32 last_good;
};

enum rtp_verdict {
	RTP_OK,
	RTP_NEW_SSRC,
	RTP_BAD_SEQUENCE,
	RTP_BAD_SSRC,
};

void rtp_summarize(struct rtp_summary *sum, const __u8 *head, unsigned int len);
enum rtp_verdict rtp_source_update(struct rtp_source *source, const struct rtp_summary *packet,
				   __u64 now, __u32 arrival);
__u32 rtp_source_lost(const struct rtp_source *source);

#endif
