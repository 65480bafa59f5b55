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

#define RTP_VERSION_MASK	0xc0
#define RTP_VERSION_2		0x80
#define RTP_CSRC_COUNT_MASK	0x0f
#define RTP_PAYLOAD_TYPE_MASK	0x7f

#define RTCP_TYPE_MIN		192
#define RTCP_TYPE_MAX		223
#define RTCP_HEADER_LEN		8

/* The window of RFC 3550 A.1; what goes backwards is in rtp.c. */
#define RTP_MAX_DROPOUT		3000

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

/* Both are inline, for every packet of a call comes by here. */

static inline __u32 rtp_get32(const __u8 *p)
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
static inline void rtp_summarize(struct rtp_summary *sum, const __u8 *head, unsigned int len)
{
	*sum = (struct rtp_summary){ .kind = RTP_KIND_NONE };

	if (len < RTCP_HEADER_LEN || (head[0] & RTP_VERSION_MASK) != RTP_VERSION_2)
		return;

	if (head[1] >= RTCP_TYPE_MIN && head[1] <= RTCP_TYPE_MAX) {
		sum->kind = RTP_KIND_RTCP;
		sum->payload_type = head[1];
		sum->ssrc = rtp_get32(head + 4);
		return;
	}

	if (len < RTP_HEADER_LEN + 4u * (head[0] & RTP_CSRC_COUNT_MASK))
		return;

	sum->kind = RTP_KIND_RTP;
	sum->payload_type = head[1] & RTP_PAYLOAD_TYPE_MASK;
	sum->seq = (__u16)(head[2] << 8 | head[3]);
	sum->timestamp = rtp_get32(head + 4);
	sum->ssrc = rtp_get32(head + 8);
}

enum rtp_verdict rtp_source_jump(struct rtp_source *source, __u16 seq, __u32 ssrc, __u64 now);

/**
 * rtp_source_update() - account for an RTP packet of the latched peer
 * @source: what has come; zeroed before the first packet
 * @packet: the packet, of kind RTP
 * @now: the time in ms
 * @arrival: the time in units of the RTP timestamp
 *
 * Return: RTP_OK; RTP_NEW_SSRC, also for the first packet of all, if the
 * sender has changed, after a silence and at most 4 times a minute; or why the
 * packet must be dropped.
 */
static inline enum rtp_verdict rtp_source_update(struct rtp_source *source,
						 const struct rtp_summary *packet, __u64 now,
						 __u32 arrival)
{
	__u16 step = (__u16)(packet->seq - source->max_seq);
	enum rtp_verdict verdict = RTP_OK;
	__u32 transit, difference;

	if (source->heard && packet->ssrc == source->ssrc && step && step < RTP_MAX_DROPOUT) {
		source->max_seq = packet->seq;
		source->max_ext += step;
	} else {
		verdict = rtp_source_jump(source, packet->seq, packet->ssrc, now);
		if (verdict > RTP_NEW_SSRC)
			return verdict;
	}

	/* RFC 3550 A.8; a sender that has just begun has no interarrival time. */
	transit = arrival - packet->timestamp;
	if (source->received) {
		difference = transit - source->transit;
		if (difference & 0x80000000)
			difference = -difference;
		source->jitter += difference - ((source->jitter + 8) >> 4);
	}
	source->transit = transit;

	source->received++;
	source->payload_type = packet->payload_type;
	source->last_good = (__u32)now;
	return verdict;
}

void rtp_source_end(struct rtp_source *source);
void rtp_source_resume(struct rtp_source *source, __u32 ssrc, __u16 seq, __u64 now);
__u32 rtp_source_lost(const struct rtp_source *source);

#endif
