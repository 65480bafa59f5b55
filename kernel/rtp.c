// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling RTP from RTCP from anything else. Pure functions, no locks.
 */
#include "rtp.h"

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

static void source_start(struct rtp_source *source, __u16 seq, __u32 ssrc)
{
	source->lost_before = rtp_source_lost(source);
	source->heard = true;
	source->ssrc = ssrc;
	source->max_seq = seq;
	source->max_ext = seq;
	source->first_ext = seq;
	source->received = 0;
	source->jitter = 0;
}

static __u32 source_silence(const struct rtp_source *source, __u64 now)
{
	return (__u32)now - source->last_good;
}

/**
 * rtp_source_resume() - go on where somebody else has stopped accounting
 * @source: what has come
 * @ssrc: the sender
 * @seq: its highest sequence number
 * @now: the time in ms
 *
 * What the sender has sent since counts as lost.
 */
void rtp_source_resume(struct rtp_source *source, __u32 ssrc, __u16 seq, __u64 now)
{
	source_start(source, seq, ssrc);
	/* The packet of this number came elsewhere. */
	source->first_ext = seq + 1u;
	source->last_good = now;
}

/**
 * rtp_source_end() - what comes next comes from another peer
 * @source: what has come
 *
 * It is judged as a first packet is, and no change of the SSRC.
 */
void rtp_source_end(struct rtp_source *source)
{
	source->lost_before = rtp_source_lost(source);
	source->heard = false;
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
 * rtp_source_jump() - a packet that does not follow on those before it
 * @source: what has come
 * @seq: sequence number of the packet: the first, or of another sender, or late, or
 *	far ahead
 * @ssrc: its sender
 * @now: the time in ms
 *
 * Return: as rtp_source_update(), which goes on with what is not to be dropped.
 */
enum rtp_verdict rtp_source_jump(struct rtp_source *source, __u16 seq, __u32 ssrc, __u64 now)
{
	__u16 step = (__u16)(seq - source->max_seq);

	if (!source->heard || ssrc != source->ssrc) {
		if (source->heard && !source_may_change(source, now))
			return RTP_BAD_SSRC;
		source_start(source, seq, ssrc);
		return RTP_NEW_SSRC;
	}

	if (!step) {
		source->duplicates++;
		return RTP_OK;
	}

	if (step > RTP_SEQ_MOD - RTP_MAX_MISORDER) {
		source->reordered++;
		return RTP_OK;
	}

	if (source_silence(source, now) < RTP_RESYNC_SILENCE_MS)
		return RTP_BAD_SEQUENCE;

	source_start(source, seq, ssrc);
	return RTP_OK;
}
