// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The life of a stream, from its installation to its end.
 */
#include <errno.h>
#include <string.h>

#include "datapath/conntrack.h"

#define TIMEOUT_PARTIAL_MS (180 * 1000)
#define TIMEOUT_IDLE_MS    (60 * 1000)
#define TIMEOUT_MAX_MS     (12 * 3600 * 1000)

static void stream_destructor(void *arg)
{
	struct ct_stream *stream = arg;

	hash_unlink(&stream->le);
	hash_unlink(&stream->in_call);
	stream->datapath->stream_count--;
	ct_port_release(&stream->leg[NATTRAV_SIDE_A], true);
	ct_port_release(&stream->leg[NATTRAV_SIDE_B], true);
}

static void stream_times(struct nattrav_stream *to, const struct nattrav_stream *given)
{
	if (given->given & NATTRAV_STREAM_COOKIE)
		to->cookie = given->cookie;
	if (given->given & NATTRAV_STREAM_TIMEOUT_PARTIAL)
		to->timeout_partial = given->timeout_partial;
	if (given->given & NATTRAV_STREAM_TIMEOUT_IDLE)
		to->timeout_idle = given->timeout_idle;
	if (given->given & NATTRAV_STREAM_TIMEOUT_MAX)
		to->timeout_max = given->timeout_max;
	if (given->given & NATTRAV_STREAM_HOLD)
		to->hold = given->hold;
	to->given |= given->given & (NATTRAV_STREAM_COOKIE | NATTRAV_STREAM_HOLD);
}

/**
 * ct_stream_alloc() - make a stream without ports and peers
 * @datapath: the datapath
 * @given: what it is to be; gets an id unless it has one
 *
 * Its destructor releases its ports, and leaves its entry and its slot alone.
 *
 * Return: the stream, or NULL if memory ran out.
 */
struct ct_stream *ct_stream_alloc(struct datapath *datapath, const struct nattrav_stream *given)
{
	struct ct_stream *stream;
	unsigned int side;

	stream = mem_zalloc(sizeof(*stream), stream_destructor);
	if (!stream)
		return NULL;

	stream->datapath = datapath;
	datapath->stream_count++;
	stream->slot = -1;
	stream->created = ct_now();
	stream->touched = stream->created;
	stream->given.id = given->id ?: datapath->stream_next;
	if (stream->given.id >= datapath->stream_next)
		datapath->stream_next = stream->given.id + 1;
	stream->given.type = given->type;
	stream->given.tied = given->tied;
	str_ncpy(stream->given.call, given->call, sizeof(stream->given.call));
	stream->given.given = NATTRAV_STREAM_TIMEOUT_PARTIAL | NATTRAV_STREAM_TIMEOUT_IDLE |
			      NATTRAV_STREAM_TIMEOUT_MAX | NATTRAV_STREAM_LEG_A |
			      NATTRAV_STREAM_LEG_B | NATTRAV_STREAM_STATE;
	stream->given.timeout_partial = TIMEOUT_PARTIAL_MS;
	stream->given.timeout_idle = TIMEOUT_IDLE_MS;
	stream->given.timeout_max = TIMEOUT_MAX_MS;
	stream_times(&stream->given, given);
	for (side = 0; side < 2; side++) {
		struct ct_leg *leg = &stream->leg[side];

		leg->stream = stream;
		leg->side = (enum nattrav_side)side;
		leg->fd = -1;
	}

	hash_append(datapath->streams, stream->given.id, &stream->le, stream);
	hash_append(datapath->calls, hash_joaat_str(stream->given.call), &stream->in_call, stream);
	return stream;
}

static bool stream_match(struct le *le, void *arg)
{
	const struct ct_stream *stream = le->data;
	const uint32_t *id = arg;

	return stream->given.id == *id;
}

/**
 * ct_stream_find() - find a stream
 * @datapath: the datapath
 * @id: its id
 *
 * Return: the stream or NULL.
 */
struct ct_stream *ct_stream_find(const struct datapath *datapath, uint32_t id)
{
	return list_ledata(hash_lookup(datapath->streams, id, stream_match, &id));
}

static void leg_tell(const struct ct_leg *leg, struct nattrav_leg *out, uint64_t now)
{
	*out = leg->policy;
	out->given |= NATTRAV_LEG_PREFIXES | NATTRAV_LEG_WINDOW | NATTRAV_LEG_GENERATION |
		      NATTRAV_LEG_PROBATION | NATTRAV_LEG_RELATCH;
	/* What is not done here is not told either. */
	out->given &= ~(uint32_t)(NATTRAV_LEG_RATE | NATTRAV_LEG_CLOCK_RATE | NATTRAV_LEG_DSCP);
	out->family = leg->local.addr.family;
	out->window = leg->latch.deadline > now ? (uint32_t)(leg->latch.deadline - now) : 0;
	out->local = leg->local;
	out->peer = leg->peer;
	out->state = ct_leg_complete(leg) ? NATTRAV_STATE_COMPLETE : NATTRAV_STATE_PARTIAL;
	if (leg->pool)
		str_ncpy(out->realm, leg->pool->pool.realm, sizeof(out->realm));
	out->packets = leg->relayed.packets + leg->entry.packets;
	out->bytes = leg->relayed.bytes + leg->entry.bytes;
	out->dropped = leg->dropped;
	if (leg->seen) {
		out->given |= NATTRAV_LEG_LAST_SEEN;
		out->last_seen = (uint32_t)(now - leg->heard);
	}
	if (leg->rtp.heard) {
		out->given |= NATTRAV_LEG_SSRC;
		out->ssrc = leg->rtp.ssrc;
	}
	out->intruder = leg->intruder;
	out->intruder_packets = leg->intruder_packets;
}

/**
 * ct_stream_tell() - a stream as it is now
 * @stream: the stream
 * @out: set to it
 */
void ct_stream_tell(const struct ct_stream *stream, struct nattrav_stream *out)
{
	const uint64_t now = ct_now();

	*out = stream->given;
	out->tied = stream->tied ? stream->tied->given.id : 0;
	out->age = now - stream->created;
	out->state = ct_stream_complete(stream) ? NATTRAV_STATE_COMPLETE : NATTRAV_STATE_PARTIAL;
	leg_tell(&stream->leg[NATTRAV_SIDE_A], &out->leg[NATTRAV_SIDE_A], now);
	leg_tell(&stream->leg[NATTRAV_SIDE_B], &out->leg[NATTRAV_SIDE_B], now);
}

/**
 * ct_stream_change() - change a stream, and the RTCP tied to it
 * @stream: the stream
 * @given: what is to change, checked already
 */
void ct_stream_change(struct ct_stream *stream, const struct nattrav_stream *given)
{
	static const uint32_t given_leg[] = { NATTRAV_STREAM_LEG_A, NATTRAV_STREAM_LEG_B };
	struct ct_stream *tied = stream->tied;
	unsigned int side;

	stream_times(&stream->given, given);
	stream->touched = ct_now();
	for (side = 0; side < 2; side++) {
		const struct nattrav_leg *leg = &given->leg[side];

		if (!(given->given & given_leg[side]))
			continue;

		ct_leg_policy(&stream->leg[side], leg, false);
		if (leg->peer.addr.family != AF_UNSPEC)
			ct_leg_peer(&stream->leg[side], &leg->peer);
		/* RTCP goes where its RTP goes. */
		if (tied && tied->given.type == NATTRAV_STREAM_TYPE_RTCP)
			ct_leg_policy(&tied->leg[side], leg, false);
	}

	ct_state_save(stream);
	if (tied)
		ct_state_save(tied);
}

static void stream_end(struct ct_stream *stream)
{
	struct nattrav_event event = { .type = NATTRAV_EVENT_TYPE_DELETED };

	ct_entry_remove(stream);
	ct_stream_tell(stream, &event.stream);
	ct_tell(stream->datapath, &event);
	ct_state_forget(stream);
}

/**
 * ct_stream_remove() - end a stream, and the one tied to it
 * @stream: the stream
 */
void ct_stream_remove(struct ct_stream *stream)
{
	struct ct_stream *tied = stream->tied;

	stream_end(stream);
	if (tied)
		stream_end(tied);
	mem_deref(tied);
	mem_deref(stream);
}

/* The time-out that the stream has reached, or -1. RTCP lives as its RTP does. */
static int stream_expiry(const struct ct_stream *stream, uint64_t now)
{
	uint64_t last = stream->touched;
	unsigned int side;

	if (stream->given.type == NATTRAV_STREAM_TYPE_RTCP)
		return -1;

	if (now - stream->created > stream->given.timeout_max)
		return NATTRAV_EXPIRY_MAX;

	if (!ct_stream_complete(stream))
		return now - stream->touched > stream->given.timeout_partial ?
			       NATTRAV_EXPIRY_PARTIAL :
			       -1;

	if (stream->given.hold)
		return -1;

	for (side = 0; side < 2; side++) {
		if (stream->leg[side].seen && stream->leg[side].heard > last)
			last = stream->leg[side].heard;
	}

	return now > last && now - last > stream->given.timeout_idle ? NATTRAV_EXPIRY_IDLE : -1;
}

/**
 * ct_stream_expire() - end a stream if it has reached a time-out
 * @stream: the stream
 * @now: the time in ms
 *
 * Return: whether it has, and is gone.
 */
bool ct_stream_expire(struct ct_stream *stream, uint64_t now)
{
	struct nattrav_event event = { .type = NATTRAV_EVENT_TYPE_EXPIRED };
	const int expiry = stream_expiry(stream, now);

	if (expiry < 0)
		return false;

	event.expiry = (enum nattrav_expiry)expiry;
	ct_stream_tell(stream, &event.stream);
	ct_tell(stream->datapath, &event);
	ct_stream_remove(stream);
	return true;
}
