// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling listeners what happened. The packet path only sets a bit in the leg
 * and puts its session on a lock-free list; the messages are built by a worker,
 * which also frees removed sessions, since only then are their counters final.
 */
#include <net/genetlink.h>

#include "netlink.h"

/* So many sessions are told of at a stretch. */
#define REPORT_SLICE 64

/**
 * struct batch - events on their way to listeners
 * @nn: the network namespace
 * @skb: message under construction, or NULL
 * @head: its header
 */
struct batch {
	struct nattrav_net *nn;
	struct sk_buff *skb;
	void *head;
};

static void batch_send(struct batch *batch)
{
	if (!batch->skb)
		return;

	genlmsg_end(batch->skb, batch->head);
	genlmsg_multicast_netns(&nattrav_family, batch->nn->net, batch->skb, 0,
				NATTRAV_NLGRP_EVENTS, GFP_KERNEL);
	batch->skb = NULL;
}

static int batch_open(struct batch *batch)
{
	if (batch->skb)
		return 0;

	batch->skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!batch->skb)
		return -ENOMEM;

	batch->head = genlmsg_put(batch->skb, 0, 0, &nattrav_family, 0, NATTRAV_CMD_EVENT);
	return 0;
}

/**
 * struct event - what a listener is told
 * @type: enum nattrav_event_type
 * @stream: the stream
 * @leg: the leg it happened to, or NULL
 * @addr: the address that goes with it, or NULL; needs @leg
 */
struct event {
	enum nattrav_event_type type;
	struct nattrav_stream *stream;
	const struct nattrav_leg *leg;
	const struct latch_source *addr;
};

static int event_put(struct sk_buff *skb, const struct event *event, u32 seq)
{
	struct nlattr *entry, *stream;

	entry = nla_nest_start(skb, NATTRAV_A_EVENTS_ENTRY);
	if (!entry)
		return -EMSGSIZE;

	if (nla_put_u32(skb, NATTRAV_A_EVENT_TYPE, event->type) ||
	    nla_put_u32(skb, NATTRAV_A_EVENT_SEQ, seq) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_EVENT_TIME, ktime_get_boottime_ns(),
			      NATTRAV_A_EVENT_PAD))
		goto err_full;

	stream = nla_nest_start(skb, NATTRAV_A_EVENT_STREAM);
	if (!stream ||
	    nattrav_stream_put(skb, event->stream,
			       event->type == NATTRAV_EVENT_TYPE_DELETED ?
			       NATTRAV_DETAIL_ALL : NATTRAV_DETAIL_IDENTITY))
		goto err_full;
	nla_nest_end(skb, stream);

	if (event->leg && nla_put_u32(skb, NATTRAV_A_EVENT_SIDE, event->leg->side))
		goto err_full;

	if (event->addr &&
	    (nattrav_put_addr(skb, NATTRAV_A_EVENT_IPV4, NATTRAV_A_EVENT_IPV6,
			      &event->addr->addr, event->leg->family) ||
	     nla_put_be16(skb, NATTRAV_A_EVENT_PORT, event->addr->port)))
		goto err_full;

	if (event->type == NATTRAV_EVENT_TYPE_EXPIRED &&
	    nla_put_u32(skb, NATTRAV_A_EVENT_EXPIRY, event->stream->expired))
		goto err_full;

	nla_nest_end(skb, entry);
	return 0;

err_full:
	nla_nest_cancel(skb, entry);
	return -EMSGSIZE;
}

/*
 * An event that cannot be told for want of memory has its number all the same:
 * listeners see the gap and read the state anew.
 */
static void batch_add(struct batch *batch, const struct event *event)
{
	u32 seq = ++batch->nn->event_seq;

	if (!genl_has_listeners(&nattrav_family, batch->nn->net, NATTRAV_NLGRP_EVENTS))
		return;

	if (batch_open(batch))
		return;
	if (!event_put(batch->skb, event, seq))
		return;

	batch_send(batch);
	if (batch_open(batch))
		return;
	WARN_ON_ONCE(event_put(batch->skb, event, seq));
}

static void leg_report_one(struct batch *batch, const struct nattrav_leg *leg, u16 events,
			   enum nattrav_event_type type, const struct latch_source *addr)
{
	struct event event = {
		.type = type,
		.stream = nattrav_leg_stream(leg),
		.leg = leg,
		.addr = addr,
	};

	if (events & BIT(type))
		batch_add(batch, &event);
}

static void leg_report(struct batch *batch, struct nattrav_leg *leg)
{
	struct latch_source peer = {}, intruder;
	const struct nattrav_path *path;
	u16 events;

	spin_lock_bh(&leg->lock);
	events = leg->events;
	leg->events = 0;
	path = rcu_dereference_protected(leg->path, lockdep_is_held(&leg->lock));
	if (path)
		peer = path->peer;
	intruder.addr = leg->intruder;
	intruder.port = leg->intruder_port;
	spin_unlock_bh(&leg->lock);

	leg_report_one(batch, leg, events, NATTRAV_EVENT_TYPE_CONTENTION, NULL);
	leg_report_one(batch, leg, events, NATTRAV_EVENT_TYPE_COMPLETED, &peer);
	leg_report_one(batch, leg, events, NATTRAV_EVENT_TYPE_RELATCHED, &peer);
	leg_report_one(batch, leg, events, NATTRAV_EVENT_TYPE_INTRUDER, &intruder);
}

static void stream_report(struct batch *batch, struct nattrav_stream *stream)
{
	leg_report(batch, &stream->leg[NATTRAV_SIDE_A]);
	leg_report(batch, &stream->leg[NATTRAV_SIDE_B]);
}

static void session_report(struct batch *batch, struct nattrav_session *session)
{
	/* What happens from here on puts it on the list again. */
	atomic_xchg(&session->queued, 0);
	stream_report(batch, &session->media);
	if (session->media.tied)
		stream_report(batch, &session->rtcp->stream);
}

static void stream_report_end(struct batch *batch, struct nattrav_stream *stream)
{
	struct event event = { .stream = stream, .type = NATTRAV_EVENT_TYPE_DELETED };

	if (stream->expired >= 0) {
		event.type = NATTRAV_EVENT_TYPE_EXPIRED;
		batch_add(batch, &event);
	}
	event.type = NATTRAV_EVENT_TYPE_DELETED;
	batch_add(batch, &event);
}

static void session_report_end(struct batch *batch, struct nattrav_session *session)
{
	stream_report_end(batch, &session->media);
	if (session->media.tied)
		stream_report_end(batch, &session->rtcp->stream);
}

/* Let others have the CPU and the lock after so many sessions. */
static void slice_end(struct batch *batch, unsigned int *done)
{
	if (++*done % REPORT_SLICE)
		return;

	mutex_unlock(&batch->nn->lock);
	cond_resched();
	mutex_lock(&batch->nn->lock);
}

static void report_work(struct work_struct *work)
{
	struct nattrav_net *nn = container_of(work, struct nattrav_net, report);
	struct nattrav_session *session, *next;
	struct batch batch = { .nn = nn };
	unsigned int done = 0;
	LIST_HEAD(removed);

	mutex_lock(&nn->lock);
	list_splice_init(&nn->removed, &removed);
	mutex_unlock(&nn->lock);

	/* Packets that still found a removed session are through after this. */
	if (!list_empty(&removed))
		synchronize_rcu();

	mutex_lock(&nn->lock);
	llist_for_each_entry_safe(session, next,
				  llist_reverse_order(llist_del_all(&nn->events)), event) {
		session_report(&batch, session);
		slice_end(&batch, &done);
	}
	list_for_each_entry(session, &removed, removed) {
		session_report_end(&batch, session);
		slice_end(&batch, &done);
	}
	batch_send(&batch);
	mutex_unlock(&nn->lock);

	list_for_each_entry_safe(session, next, &removed, removed) {
		nattrav_session_free(session);
		cond_resched();
	}
}

/**
 * nattrav_event_init() - get ready to report
 * @nn: the network namespace
 */
void nattrav_event_init(struct nattrav_net *nn)
{
	init_llist_head(&nn->events);
	INIT_LIST_HEAD(&nn->removed);
	INIT_WORK(&nn->report, report_work);
}

/**
 * nattrav_event_exit() - report and free what is left
 * @nn: the network namespace; it gets no packet, all its streams are removed
 */
void nattrav_event_exit(struct nattrav_net *nn)
{
	flush_work(&nn->report);
}

/**
 * nattrav_event_raise() - note that something happened to a leg
 * @nn: the network namespace
 * @leg: the leg; the caller holds its lock
 * @event: NATTRAV_LEG_COMPLETED or NATTRAV_LEG_INTRUDER
 *
 * Context: packet path; allocates nothing. What happens twice before it is
 * reported is reported once.
 */
void nattrav_event_raise(struct nattrav_net *nn, struct nattrav_leg *leg, u16 event)
{
	struct nattrav_session *session = nattrav_stream_session(nattrav_leg_stream(leg));

	leg->events |= event;
	if (!atomic_xchg(&session->queued, 1))
		llist_add(&session->event, &nn->events);
	queue_work(nattrav_wq, &nn->report);
}
