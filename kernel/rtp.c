// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling RTP from RTCP from anything else. Pure functions, no locks.
 */
#include "rtp.h"

#define RTP_VERSION_MASK	0xc0
#define RTP_VERSION_2		0x80
#define RTP_CSRC_COUNT_MASK	0x0f
#define RTP_PAYLOAD_TYPE_MASK	0x7f

/* The window of RFC 3550 A.1. */
#define RTP_MAX_DROPOUT		3000
#define RTP_MAX_MISORDER	100
#define RTP_SEQ_MOD		0x10000u

/*
 * Numbers that jump, or another SSRC, are believed only when the right ones have
 * stopped coming. RFC 3550 A.1 wants two in a row instead, but whoever spoofs the
 * address of the sender can send two in a row between two of its packets.
 */
#define RTP_RESYNC_SILENCE_MS	200

#define RTP_SSRC_CHANGES_PER_MINUTE 4
#define MINUTE_MS		60000

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
	sum->timestamp = get32(head + 4);
	sum->ssrc = get32(head + 8);
}

/**
 * rtp_source_lost() - how many packets have not come
 * @source: what has come
 *
 * Return: expected less received (RFC 3550 A.3), never negative, summed over
 * all senders so far.
 */
__u32 rtp_source_lost(const struct rtp_source *source)
{
	__u32 expected = source->max_ext - source->first_ext + 1;

	if (!source->heard || expected < source->received)
		return source->lost_before;

	return source->lost_before + expected - source->received;
}

static void source_start(struct rtp_source *source, const struct rtp_summary *packet)
{
	source->lost_before = rtp_source_lost(source);
	source->heard = true;
	source->ssrc = packet->ssrc;
	source->max_seq = packet->seq;
	source->max_ext = packet->seq;
	source->first_ext = packet->seq;
	source->received = 0;
	source->jitter = 0;
}

static __u32 source_silence(const struct rtp_source *source, __u64 now)
{
	return (__u32)now - source->last_good;
}

static bool source_may_change(struct rtp_source *source, __u64 now)
{
	__u32 minute = (__u32)(now / MINUTE_MS);

	if (source_silence(source, now) < RTP_RESYNC_SILENCE_MS)
		return false;
	if (minute != source->ssrc_minute) {
		source->ssrc_minute = minute;
		source->ssrc_recent = 0;
	}
	if (source->ssrc_recent == RTP_SSRC_CHANGES_PER_MINUTE)
		return false;

	source->ssrc_recent++;
	source->ssrc_changes++;
	return true;
}

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
enum rtp_verdict rtp_source_update(struct rtp_source *source, const struct rtp_summary *packet,
				   __u64 now, __u32 arrival)
{
	__u16 step = (__u16)(packet->seq - source->max_seq);
	enum rtp_verdict verdict = RTP_OK;
	__u32 transit, difference;

	if (!source->heard || packet->ssrc != source->ssrc) {
		if (source->heard && !source_may_change(source, now))
			return RTP_BAD_SSRC;
		source_start(source, packet);
		verdict = RTP_NEW_SSRC;
	} else if (!step) {
		source->duplicates++;
	} else if (step < RTP_MAX_DROPOUT) {
		source->max_seq = packet->seq;
		source->max_ext += step;
	} else if (step > RTP_SEQ_MOD - RTP_MAX_MISORDER) {
		source->reordered++;
	} else if (source_silence(source, now) >= RTP_RESYNC_SILENCE_MS) {
		source_start(source, packet);
	} else {
		return RTP_BAD_SEQUENCE;
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
