// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time-outs, and what else only a look at all streams tells. One work item per
 * network namespace walks the streams in slices; no timer per stream that
 * packets would have to re-arm. It takes nattrav_net.lock for a slice at a time,
 * so that the control plane is never kept waiting by a large table.
 */
#include "nattrav.h"
#include "trace.h"

#define GC_INTERVAL	HZ
#define GC_SLICE	1024

/* Jiffies of the last packet from either peer, 0 if there was none. */
static u64 stream_last_seen(const struct nattrav_stream *stream)
{
	const u64 now = get_jiffies_64();
	u64 last = 0;
	unsigned int side;

	for (side = 0; side < ARRAY_SIZE(stream->leg); side++) {
		const struct nattrav_leg *leg = &stream->leg[side];
		unsigned long ago = jiffies - READ_ONCE(leg->last_seen);

		if (READ_ONCE(leg->seen))
			last = max(last, now - ago);
	}

	return last;
}

static bool passed(u64 since, u32 timeout_ms)
{
	return time_after64(get_jiffies_64(), since + msecs_to_jiffies(timeout_ms));
}

/* The time-out that the stream has reached, or -1. RTCP lives as its RTP does. */
static int stream_expiry(const struct nattrav_stream *stream)
{
	if (stream->type == NATTRAV_STREAM_TYPE_RTCP && stream->tied)
		return -1;

	if (passed(stream->created, stream->timeout_max))
		return NATTRAV_EXPIRY_MAX;

	if (!nattrav_stream_complete(stream))
		return passed(stream->touched, stream->timeout_partial) ?
		       NATTRAV_EXPIRY_PARTIAL : -1;

	if (stream->hold)
		return -1;

	return passed(max(stream_last_seen(stream), stream->touched), stream->timeout_idle) ?
	       NATTRAV_EXPIRY_IDLE : -1;
}

static void gc_work(struct work_struct *work)
{
	struct nattrav_net *nn = container_of(work, struct nattrav_net, gc.work);
	struct nattrav_stream *stream;
	unsigned int left = GC_SLICE;
	unsigned long delay = 0;
	bool resting = false;

	mutex_lock(&nn->lock);
	while (left--) {
		stream = xa_find_after(&nn->streams, &nn->gc_next, ULONG_MAX, XA_PRESENT);
		if (!stream) {
			nn->gc_next = 0;
			delay = GC_INTERVAL;
			resting = nattrav_table_reap(nn);
			nattrav_watch_limits(nn);
			break;
		}

		stream->expired = stream_expiry(stream);
		if (stream->expired < 0) {
			nattrav_stream_watch(nn, stream);
			continue;
		}
		trace_nattrav_expire(stream);
		nattrav_stream_remove(nn, stream);
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
