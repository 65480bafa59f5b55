// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time-outs, and what else only a look at all streams tells. One work item per
 * network namespace walks the streams in slices; no timer per stream that
 * packets would have to re-arm. It takes nattrav_net.lock for a slice at a time,
 * so that the control plane is never kept waiting by a large table.
 */
#include <linux/sched/clock.h>

#include "nattrav.h"
#include "trace.h"

#define GC_INTERVAL	HZ
/* A slice ends after so many streams, or after so much time. */
#define GC_SLICE	1024
#define GC_SLICE_NS	(500 * NSEC_PER_USEC)
/* The clock is looked at once in so many streams. */
#define GC_STRIDE	16
/* A walk through the whole table is followed by a rest of so many times its length. */
#define GC_REST		9
#define GC_REST_MAX	(10 * HZ)

/* Jiffies of the last packet from either peer, 0 if there was none. */
static u64 stream_last_seen(const struct nattrav_stream *stream)
{
	const u64 now = get_jiffies_64();
	u64 last = 0;
	unsigned int side;

	for (side = 0; side < ARRAY_SIZE(stream->leg); side++) {
		const struct nattrav_leg *leg = &stream->leg[side];
		u32 ago = (u32)jiffies - READ_ONCE(leg->last_seen);

		/* a first packet that is not seen now is seen in the next walk */
		if (data_race((bool)leg->seen))
			last = max(last, now - ago);
	}

	return last;
}

static bool passed(u64 since, u32 timeout_ms)
{
	return time_after64(get_jiffies_64(), since + msecs_to_jiffies(timeout_ms));
}

/* The time-out that the session has reached, or -1. RTCP lives as its RTP does. */
static int session_expiry(const struct nattrav_session *session)
{
	const struct nattrav_stream *stream = &session->media;

	if (passed(session->created, session->timeout_max))
		return NATTRAV_EXPIRY_MAX;

	if (!nattrav_stream_complete(stream))
		return passed(session->touched, session->timeout_partial) ?
		       NATTRAV_EXPIRY_PARTIAL : -1;

	if (stream->hold)
		return -1;

	return passed(max(stream_last_seen(stream), session->touched), session->timeout_idle) ?
	       NATTRAV_EXPIRY_IDLE : -1;
}

static void gc_look(struct nattrav_net *nn, struct nattrav_stream *stream)
{
	struct nattrav_session *session;

	if (stream->type == NATTRAV_STREAM_TYPE_RTCP)
		return;

	session = nattrav_stream_session(stream);
	stream->expired = session_expiry(session);
	if (stream->expired < 0) {
		nattrav_session_watch(nn, session);
		return;
	}

	trace_nattrav_expire(stream);
	nattrav_session_remove(nn, session);
}

/* Whether the slice went through to the end of the table. */
static bool gc_slice(struct nattrav_net *nn)
{
	u64 end = local_clock() + GC_SLICE_NS;
	struct nattrav_stream *stream;
	unsigned int i;

	for (i = 0; i < GC_SLICE; i++) {
		if (i % GC_STRIDE == GC_STRIDE - 1 && local_clock() > end)
			return false;
		stream = xa_find_after(&nn->streams, &nn->gc_next, ULONG_MAX, XA_PRESENT);
		if (!stream)
			return true;
		gc_look(nn, stream);
	}

	return false;
}

/* How long to rest after a walk, so that walks of seconds are not all that a CPU does. */
static unsigned long gc_rest(const struct nattrav_net *nn)
{
	return clamp_t(unsigned long, GC_REST * (jiffies - nn->gc_began), GC_INTERVAL,
		       GC_REST_MAX);
}

static void gc_work(struct work_struct *work)
{
	struct nattrav_net *nn = container_of(work, struct nattrav_net, gc.work);
	unsigned long delay = 0;
	bool resting = false;

	mutex_lock(&nn->lock);
	if (!nn->gc_next)
		nn->gc_began = jiffies;
	if (gc_slice(nn)) {
		nn->gc_next = 0;
		delay = gc_rest(nn);
		resting = nattrav_table_reap(nn);
		nattrav_watch_limits(nn);
	}
	if (nn->stream_count || resting || !delay)
		queue_delayed_work(nattrav_wq, &nn->gc, delay);
	mutex_unlock(&nn->lock);
}

/**
 * nattrav_gc_init() - get ready to look for time-outs
 * @nn: the network namespace
 */
void nattrav_gc_init(struct nattrav_net *nn)
{
	INIT_DELAYED_WORK(&nn->gc, gc_work);
}

/**
 * nattrav_gc_kick() - there are streams, or ports at rest: see to them from now on
 * @nn: the network namespace; the caller holds its lock
 */
void nattrav_gc_kick(struct nattrav_net *nn)
{
	queue_delayed_work(nattrav_wq, &nn->gc, GC_INTERVAL);
}

/**
 * nattrav_gc_exit() - look no more
 * @nn: the network namespace; nobody adds streams to it any more
 */
void nattrav_gc_exit(struct nattrav_net *nn)
{
	cancel_delayed_work_sync(&nn->gc);
}
