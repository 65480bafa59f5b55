// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What nobody sends a packet for: legs that fall silent and are heard again,
 * calls that are heard one way only, pools that fill up. As in kernel/watch.c, by
 * the packets that the entries have counted since the tick before.
 */
#include "datapath/conntrack.h"

/* Bits of ct_leg.watched: what was told. */
#define WATCHED_SILENT      (1u << 0)
#define WATCHED_ONE_WAY     (1u << 1)
#define WATCHED_HEARD_AGAIN (1u << 2) /* after silence, in the last look */

#define SILENCE_MS 5000
/* No packet is so young in two looks. */
#define SPEAKS_MS 1000

/* The levels of a pool in per cent, and how far below it a level is left. */
static const unsigned int levels[] = { 80, 95, 100 };
#define LEVEL_HYSTERESIS 5

static uint64_t leg_silence(const struct ct_leg *leg, uint64_t now)
{
	return now - leg->heard;
}

static bool leg_speaks(const struct ct_leg *leg, uint64_t now)
{
	return ct_leg_complete(leg) && leg->seen && leg_silence(leg, now) < SPEAKS_MS;
}

/* Only RTP never keeps silence on purpose. */
static bool leg_silent(const struct ct_leg *leg, uint64_t now)
{
	return leg->latch.type == NATTRAV_STREAM_TYPE_RTP && !leg->stream->given.hold &&
	       ct_leg_complete(leg) && leg_silence(leg, now) >= SILENCE_MS;
}

static void leg_watch(struct ct_leg *leg, uint64_t now)
{
	if (leg_silent(leg, now)) {
		/* Whoever has just been told to speak may take his time. */
		if (now - leg->stream->touched < SILENCE_MS)
			return;
		leg->watched &= ~WATCHED_HEARD_AGAIN;
		if (!(leg->watched & WATCHED_SILENT))
			ct_leg_tell(leg, NATTRAV_EVENT_TYPE_SILENT, NULL);
		leg->watched |= WATCHED_SILENT;
		if (!(leg->watched & WATCHED_ONE_WAY) && leg_speaks(ct_leg_other(leg), now)) {
			leg->watched |= WATCHED_ONE_WAY;
			ct_leg_tell(leg, NATTRAV_EVENT_TYPE_ONE_WAY, NULL);
		}
	} else if (leg->watched & WATCHED_SILENT) {
		/* Not for a single packet: one every six seconds would flap. */
		if (!leg_speaks(leg, now)) {
			leg->watched &= ~WATCHED_HEARD_AGAIN;
		} else if (!(leg->watched & WATCHED_HEARD_AGAIN)) {
			leg->watched |= WATCHED_HEARD_AGAIN;
		} else {
			leg->watched = 0;
			ct_leg_tell(leg, NATTRAV_EVENT_TYPE_RESUMED, NULL);
		}
	}
}

static bool stream_watch(struct le *le, void *arg)
{
	struct ct_stream *stream = le->data;
	const uint64_t *now = arg;

	leg_watch(&stream->leg[NATTRAV_SIDE_A], *now);
	leg_watch(&stream->leg[NATTRAV_SIDE_B], *now);
	return false;
}

static void pool_watch(struct datapath *datapath, struct ct_pool *pool)
{
	struct nattrav_event event = { .type = NATTRAV_EVENT_TYPE_POOL_LOW };
	unsigned int level = pool->level, percent;

	ct_pool_tell(pool, &event.pool);
	percent = (event.pool.legs + event.pool.resting) * 100 /
		  (pool->pool.port_max - pool->pool.port_min + 1U);
	while (level && percent + LEVEL_HYSTERESIS < levels[level - 1])
		level--;
	while (level < ARRAY_SIZE(levels) && percent >= levels[level])
		level++;

	event.percent = (uint8_t)percent;
	if (level > pool->level)
		ct_tell(datapath, &event);
	pool->level = level;
}

/**
 * ct_watch() - tell what has become of the media of streams, and of the pools
 * @datapath: the datapath, whose entries have just been looked at
 */
void ct_watch(struct datapath *datapath)
{
	uint64_t now = ct_now();
	struct le *le;

	(void)hash_apply(datapath->streams, stream_watch, &now);
	LIST_FOREACH(&datapath->pools, le)
		pool_watch(datapath, le->data);
}
