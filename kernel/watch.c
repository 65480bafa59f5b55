// SPDX-License-Identifier: GPL-2.0-only
/*
 * What nobody sends a packet for: legs that fall silent and are heard again,
 * calls that are heard one way only, pools and tables that fill up. The walk of
 * gc.c asks here once a second; the packet path does nothing for it. What was
 * told is told again only when it has been over.
 *
 * All of it runs under nattrav_net.lock. What packets write is read without
 * their lock, which is taken only where there is something to tell.
 */
#include "nattrav.h"

/* Bits of nattrav_leg.watched: what was told. */
#define WATCHED_MEDIA		BIT(0)
#define WATCHED_SILENT		BIT(1)
#define WATCHED_ONE_WAY		BIT(2)
#define WATCHED_HEARD_AGAIN	BIT(3)	/* after silence, in the last walk */

/* No packet is so young in two walks. */
#define SPEAKS_MS		1000

/* The levels of a limit in per cent, and how far below it a level is left. */
static const u8 levels[] = { 80, 95, 100 };
#define LEVEL_HYSTERESIS	5

/**
 * nattrav_leg_silence() - how long nothing has come from the peer of a leg
 * @leg: a complete leg
 *
 * Return: milliseconds since the last media, or since it got its peer.
 */
u32 nattrav_leg_silence(const struct nattrav_leg *leg)
{
	return jiffies_to_msecs((u32)jiffies - READ_ONCE(leg->last_seen));
}

static bool leg_complete(const struct nattrav_leg *leg)
{
	return rcu_access_pointer(leg->path);
}

static bool leg_speaks(const struct nattrav_leg *leg)
{
	/* a first packet that is not seen now is seen in the next walk */
	return leg_complete(leg) && data_race((bool)leg->seen) &&
	       nattrav_leg_silence(leg) < SPEAKS_MS;
}

/* Only RTP never keeps silence on purpose. */
static bool leg_silent(const struct nattrav_leg *leg)
{
	return leg->type == NATTRAV_STREAM_TYPE_RTP && !nattrav_leg_stream(leg)->hold &&
	       leg_complete(leg) && nattrav_leg_silence(leg) >= NATTRAV_SILENCE_MS;
}

/* Whoever has just been told to speak, or to speak again, may take his time. */
static bool session_fresh(const struct nattrav_session *session)
{
	return time_before64(get_jiffies_64(),
			     session->touched + msecs_to_jiffies(NATTRAV_SILENCE_MS));
}

/**
 * nattrav_leg_one_way() - whether only the other leg of its stream is heard
 * @leg: the leg
 *
 * Return: true if it is.
 */
bool nattrav_leg_one_way(const struct nattrav_leg *leg)
{
	return leg_silent(leg) && leg_speaks(nattrav_leg_other(leg));
}

/**
 * nattrav_leg_watch_anew() - a leg has got another peer
 * @leg: the leg; the caller holds its lock
 */
void nattrav_leg_watch_anew(struct nattrav_leg *leg)
{
	if (leg->type != NATTRAV_STREAM_TYPE_RTCP)
		WRITE_ONCE(nattrav_leg_media(leg)->media_from[leg->side], leg->packets);
	WRITE_ONCE(leg->watched, leg->watched & ~WATCHED_MEDIA);
}

static u16 leg_watch_silence(const struct nattrav_leg *leg, u8 *watched)
{
	u16 events = 0;

	if (leg_silent(leg)) {
		if (session_fresh(nattrav_leg_media(leg)))
			return 0;
		*watched &= ~WATCHED_HEARD_AGAIN;
		if (!(*watched & WATCHED_SILENT))
			events |= NATTRAV_LEG_SILENT;
		*watched |= WATCHED_SILENT;
		if (!(*watched & WATCHED_ONE_WAY) && leg_speaks(nattrav_leg_other(leg))) {
			events |= NATTRAV_LEG_ONE_WAY;
			*watched |= WATCHED_ONE_WAY;
		}
	} else if (*watched & WATCHED_SILENT) {
		/* Not for a single packet: one every six seconds would flap. */
		if (!leg_speaks(leg)) {
			*watched &= ~WATCHED_HEARD_AGAIN;
		} else if (!(*watched & WATCHED_HEARD_AGAIN)) {
			*watched |= WATCHED_HEARD_AGAIN;
		} else {
			events |= NATTRAV_LEG_RESUMED;
			*watched &= WATCHED_MEDIA;
		}
	}

	return events;
}

static void leg_watch(struct nattrav_net *nn, struct nattrav_leg *leg)
{
	const u32 *media_from = &nattrav_leg_media(leg)->media_from[leg->side];
	u8 watched = READ_ONCE(leg->watched), before = watched;
	u16 events = 0;
	u32 packets;

	/* so is one that is not counted yet; packets pay nothing for being counted */
	packets = data_race((u32)leg->packets);
	if (!(watched & WATCHED_MEDIA) && leg_complete(leg) &&
	    packets != READ_ONCE(*media_from)) {
		events |= NATTRAV_LEG_FIRST_MEDIA;
		watched |= WATCHED_MEDIA;
	}
	events |= leg_watch_silence(leg, &watched);
	if (watched == before)
		return;

	spin_lock_bh(&leg->lock);
	/* A peer that is new since has not been heard of yet. */
	if (leg->watched == before) {
		WRITE_ONCE(leg->watched, watched);
		if (events)
			nattrav_event_raise(nn, leg, events);
	}
	spin_unlock_bh(&leg->lock);
}

/**
 * nattrav_session_watch() - tell what has become of the media of a session
 * @nn: the network namespace; the caller holds its lock
 * @session: the session
 */
void nattrav_session_watch(struct nattrav_net *nn, struct nattrav_session *session)
{
	leg_watch(nn, &session->media.leg[NATTRAV_SIDE_A]);
	leg_watch(nn, &session->media.leg[NATTRAV_SIDE_B]);
}

/* The level that something of this level is at now. */
static u8 level_now(u8 level, u8 percent)
{
	while (level && percent + LEVEL_HYSTERESIS < levels[level - 1])
		level--;
	while (level < ARRAY_SIZE(levels) && percent >= levels[level])
		level++;

	return level;
}

static bool streams_watch(struct nattrav_net *nn)
{
	u8 percent = nattrav_percent(nn->stream_count, nattrav_streams_max());
	u8 level = level_now(nn->stream_level, percent);
	bool risen = level > nn->stream_level;

	nn->stream_level = level;
	nn->limits_reached |= risen;
	return risen;
}

static bool pool_watch(struct nattrav_pool *pool)
{
	u8 level = level_now(pool->level, nattrav_pool_percent(pool));
	bool risen = level > pool->level;

	pool->level = level;
	pool->reached |= risen;
	return risen;
}

/**
 * nattrav_watch_limits() - tell which pools, and whether the table, fill up
 * @nn: the network namespace; the caller holds its lock
 */
void nattrav_watch_limits(struct nattrav_net *nn)
{
	struct nattrav_pool *pool;
	bool risen = streams_watch(nn);

	list_for_each_entry(pool, &nn->pools, list)
		risen |= pool_watch(pool);

	if (risen)
		queue_work(nattrav_wq, &nn->report);
}
