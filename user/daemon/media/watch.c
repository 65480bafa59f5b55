// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel tells of streams: those that are there already when we
 * start, and what happens to them afterwards. The log of it is the story that
 * an operator reads.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "log.h"
#include "media/internal.h"

#define WARN_INTERVAL_MS 10000
#define WARN_BURST       10

static const char *const side_names[] = { "a", "b" };

static bool is_rtcp(const struct nattrav_stream *stream, const struct call_stream *record)
{
	return stream->type == NATTRAV_STREAM_TYPE_RTCP || (record && stream->id == record->rtcp);
}

/* "audio", "audio rtcp", or what is known without the record of the call. */
static int print_carries(struct re_printf *pf, const struct nattrav_stream *stream,
			 const struct call_stream *record)
{
	const bool rtcp = is_rtcp(stream, record);

	if (!record || !record->type)
		return re_hprintf(pf, "%s",
				  rtcp                                    ? "rtcp" :
				  stream->type == NATTRAV_STREAM_TYPE_UDP ? "udp" :
									    "rtp");

	return re_hprintf(pf, "%s%s", record->type, rtcp ? " rtcp" : "");
}

struct stream_label {
	const struct nattrav_stream *stream;
	const struct call_stream *record;
};

static int print_label(struct re_printf *pf, const struct stream_label *label)
{
	int err = re_hprintf(pf, "call %s: stream %u (", label->stream->call, label->stream->id);

	if (!err)
		err = print_carries(pf, label->stream, label->record);
	if (!err)
		err = re_hprintf(pf, ")");

	return err;
}

static void event_completed(const struct nattrav_event *event, struct call_stream *record)
{
	const struct stream_label label = { &event->stream, record };
	const bool rtcp = is_rtcp(&event->stream, record);
	struct call_leg *leg = record ? &record->leg[event->side] : NULL;
	struct sa peer;

	endpoint_to_sa(&peer, &event->addr);

	if (!leg || rtcp || !leg->sdp_addr)
		log_info("%H: first packet of %s: completed with %J", print_label, &label,
			 side_names[event->side], &peer);
	else
		log_info("%H: first packet of %s: completed with %J (the SDP said %s:%u)",
			 print_label, &label, side_names[event->side], &peer, leg->sdp_addr,
			 leg->sdp_port);

	if (leg && !rtcp)
		leg->peer = peer;
}

static void event_relatched(const struct nattrav_event *event, struct call_stream *record)
{
	const struct stream_label label = { &event->stream, record };
	struct sa peer;

	endpoint_to_sa(&peer, &event->addr);
	log_info("%H: %s is at %J now", print_label, &label, side_names[event->side], &peer);

	if (record && !is_rtcp(&event->stream, record))
		record->leg[event->side].peer = peer;
}

static void event_contention(const struct nattrav_event *event, const struct call_stream *record)
{
	const struct stream_label label = { &event->stream, record };

	log_warn("%H: more than one source asks to be %s", print_label, &label,
		 side_names[event->side]);
}

/* The kernel tells of an intruder again and again; the log need not. */
static void event_intruder(struct media *media, const struct nattrav_event *event,
			   const struct call_stream *record)
{
	const struct stream_label label = { &event->stream, record };
	const uint64_t now = tmr_jiffies();
	struct sa source;

	if (now - media->warn_since >= WARN_INTERVAL_MS) {
		if (media->unwarned)
			log_warn("%u more reports of intruders were left out", media->unwarned);
		media->warn_since = now;
		media->warned = 0;
		media->unwarned = 0;
	}

	if (media->warned == WARN_BURST) {
		media->unwarned++;
		return;
	}
	media->warned++;

	endpoint_to_sa(&source, &event->addr);
	log_warn("%H: packets from %J, who is not %s: dropped", print_label, &label, &source,
		 side_names[event->side]);
}

static void event_silent(const struct nattrav_event *event, const struct call_stream *record)
{
	const struct stream_label label = { &event->stream, record };
	const char *side = side_names[event->side];

	switch (event->type) {
	case NATTRAV_EVENT_TYPE_SILENT:
		log_info("%H: %s is silent", print_label, &label, side);
		break;
	case NATTRAV_EVENT_TYPE_ONE_WAY:
		log_warn("%H: one way only: %s is silent, the other side is not", print_label,
			 &label, side);
		break;
	default:
		log_info("%H: %s is heard again", print_label, &label, side);
		break;
	}
}

static void event_full(const struct nattrav_event *event)
{
	const struct nattrav_endpoint relay = { .addr = event->pool.addr };
	struct sa addr;

	if (event->type == NATTRAV_EVENT_TYPE_LIMIT) {
		log_warn("%u %% of the streams that the kernel may have", event->percent);
		return;
	}
	endpoint_to_sa(&addr, &relay);
	log_warn("relay %j %u-%u: %u %% of the ports are in use or at rest", &addr,
		 event->pool.port_min, event->pool.port_max, event->percent);
}

static void event_expired(const struct nattrav_event *event, const struct call_stream *record)
{
	const struct stream_label label = { &event->stream, record };

	switch (event->expiry) {
	case NATTRAV_EXPIRY_PARTIAL:
		log_info("%H: expired, one of the sides never sent a packet that it could "
			 "complete with",
			 print_label, &label);
		break;
	case NATTRAV_EXPIRY_IDLE:
		log_info("%H: expired, both sides have fallen silent", print_label, &label);
		break;
	case NATTRAV_EXPIRY_MAX:
		log_info("%H: expired at its greatest age", print_label, &label);
		break;
	}
}

static void event_deleted(const struct media *media, const struct nattrav_event *event,
			  struct call *call, struct call_stream *record)
{
	const struct nattrav_leg *a = &event->stream.leg[NATTRAV_SIDE_A];
	const struct nattrav_leg *b = &event->stream.leg[NATTRAV_SIDE_B];
	const struct stream_label label = { &event->stream, record };

	log_info("%H: deleted, %llu packets of a and %llu of b relayed, %llu and %llu dropped",
		 print_label, &label, (unsigned long long)a->packets,
		 (unsigned long long)b->packets, (unsigned long long)a->dropped,
		 (unsigned long long)b->dropped);

	if (!record)
		return;
	if (record->id != event->stream.id) {
		/* one that is tied goes with its RTP */
		if (record->kind == SDP_KIND_MIXED)
			record->rtcp = 0;
		return;
	}

	report_add(call, record, &event->stream);
	mem_deref(record);
	if (!list_isempty(&call->streams))
		return;
	if (call->media)
		report_finish(call);
	else
		call_gone(media, call);
}

static void watch_event(const struct nattrav_event *event, void *arg)
{
	struct media *media = arg;
	struct call *call = call_find(media->calls, event->stream.call);
	struct call_stream *record = call ? stream_by_id(call, event->stream.id) : NULL;

	/* a call that has ended may have a successor of the same name */
	if (!record) {
		struct call *ending = call_find(media->ending, event->stream.call);

		record = ending ? stream_by_id(ending, event->stream.id) : NULL;
		call = record ? ending : call;
	}

	if (event->type == NATTRAV_EVENT_TYPE_POOL_LOW || event->type == NATTRAV_EVENT_TYPE_LIMIT)
		event_full(event);
	/* One without a call is somebody else's. */
	if (!event->stream.call[0])
		return;

	switch (event->type) {
	case NATTRAV_EVENT_TYPE_COMPLETED:
		event_completed(event, record);
		break;
	case NATTRAV_EVENT_TYPE_RELATCHED:
		event_relatched(event, record);
		break;
	case NATTRAV_EVENT_TYPE_CONTENTION:
		event_contention(event, record);
		break;
	case NATTRAV_EVENT_TYPE_INTRUDER:
		event_intruder(media, event, record);
		break;
	case NATTRAV_EVENT_TYPE_SILENT:
	case NATTRAV_EVENT_TYPE_ONE_WAY:
	case NATTRAV_EVENT_TYPE_RESUMED:
		event_silent(event, record);
		break;
	case NATTRAV_EVENT_TYPE_EXPIRED:
		event_expired(event, record);
		break;
	case NATTRAV_EVENT_TYPE_DELETED:
		event_deleted(media, event, call, record);
		break;
	default:
		break;
	}
}

static void leg_adopt(struct call_leg *leg, struct call_side *side, const struct nattrav_leg *found)
{
	endpoint_to_sa(&leg->local, &found->local);
	endpoint_to_sa(&leg->peer, &found->peer);
	if (found->given & NATTRAV_LEG_PAYLOAD_TYPES)
		memcpy(leg->payload_types, found->payload_types, sizeof(leg->payload_types));
	if (found->given & NATTRAV_LEG_GENERATION)
		leg->generation = found->generation;

	/* The first prefix is where the signalling came from, see leg.c. */
	if (found->prefixes) {
		const struct nattrav_endpoint source = { .addr = found->prefix[0].addr };

		endpoint_to_sa(&side->source, &source);
	}
	side->heard = true;
}

/* One that is known already: what the kernel may have learnt since. */
static void stream_refresh(struct call_stream *stream, const struct nattrav_stream *found)
{
	stream->seen = true;
	if (found->id == stream->rtcp)
		return;

	endpoint_to_sa(&stream->leg[NATTRAV_SIDE_A].peer, &found->leg[NATTRAV_SIDE_A].peer);
	endpoint_to_sa(&stream->leg[NATTRAV_SIDE_B].peer, &found->leg[NATTRAV_SIDE_B].peer);
}

/* The RTCP of a SDP_KIND_MIXED belongs to a record that may come before or after it. */
static void stream_take(struct call_stream *stream, struct call *call,
			const struct nattrav_stream *found, bool rtcp)
{
	/* whoever made it, it may be in use */
	stream->fresh = false;
	if (rtcp) {
		stream->rtcp = found->id;
		endpoint_to_sa(&stream->rtcp_local[NATTRAV_SIDE_A],
			       &found->leg[NATTRAV_SIDE_A].local);
		endpoint_to_sa(&stream->rtcp_local[NATTRAV_SIDE_B],
			       &found->leg[NATTRAV_SIDE_B].local);
		return;
	}

	stream->id = found->id;
	if (found->tied)
		stream->rtcp = found->tied;
	leg_adopt(&stream->leg[NATTRAV_SIDE_A], &call->side[NATTRAV_SIDE_A],
		  &found->leg[NATTRAV_SIDE_A]);
	leg_adopt(&stream->leg[NATTRAV_SIDE_B], &call->side[NATTRAV_SIDE_B],
		  &found->leg[NATTRAV_SIDE_B]);
}

/* A stream that the kernel has: ours from an earlier life, or known already. */
static int stream_adopt(const struct nattrav_stream *found, void *arg)
{
	struct media *media = arg;
	struct call *call = call_find(media->calls, found->call);
	struct call_stream *stream;
	struct stream_cookie cookie;
	int err;

	if (!stream_cookie_decode(&cookie, found))
		return 0;

	stream = call ? stream_by_id(call, found->id) : NULL;
	if (stream) {
		stream_refresh(stream, found);
		return 0;
	}

	if (!call) {
		err = call_alloc(&call, media->calls, found->call);
		if (err)
			return -err;
	}

	stream = stream_by_index(call, cookie.index, cookie.kind);
	if (!stream) {
		err = stream_alloc(&stream, call, cookie.index, cookie.kind);
		if (err) {
			if (list_isempty(&call->streams))
				mem_deref(call);
			return -err;
		}
	}

	stream_take(stream, call, found, cookie.rtcp);
	return 0;
}

static bool call_unsee(struct le *le, void *arg)
{
	const struct call *call = le->data;
	struct le *pos;

	(void)arg;

	LIST_FOREACH(&call->streams, pos) {
		struct call_stream *stream = pos->data;

		stream->seen = false;
	}

	return false;
}

/**
 * struct unseen - streams that a dump did not tell of
 * @media: the media side
 * @gone: how many there were
 */
struct unseen {
	const struct media *media;
	unsigned int gone;
};

/* list_apply() has taken the next element already when we free this one. */
static bool call_drop_unseen(struct le *le, void *arg)
{
	struct call *call = le->data;
	struct unseen *unseen = arg;
	struct le *pos = list_head(&call->streams);

	while (pos) {
		struct call_stream *stream = pos->data;

		pos = pos->next;
		if (stream->seen)
			continue;

		mem_deref(stream);
		unseen->gone++;
	}

	if (list_isempty(&call->streams))
		call_gone(unseen->media, call);

	return false;
}

static void watch_resync_begin(void *arg)
{
	struct media *media = arg;

	log_warn("events of the kernel were lost: reading all streams again");
	(void)hash_apply(media->calls, call_unsee, NULL);
}

static void watch_stream(const struct nattrav_stream *stream, void *arg)
{
	if (stream_adopt(stream, arg))
		log_warn("call %s: stream %u cannot be adopted: out of memory", stream->call,
			 stream->id);
}

static void watch_resync_end(void *arg)
{
	struct unseen unseen = { .media = arg };

	(void)hash_apply(unseen.media->calls, call_drop_unseen, &unseen);
	log_info("all streams were read again: %u had ended meanwhile", unseen.gone);
}

static void watch_broken(int err, void *arg)
{
	struct media *media = arg;

	log_warn("the kernel's events cannot be read any more (%m): starting anew", -err);

	/* What is said of streams from here on comes from the dump. */
	(void)hash_apply(media->calls, call_unsee, NULL);
	if (media_watch(media))
		log_error("calls go on, but nothing is told of them until nattravd is restarted");
	else
		watch_resync_end(media);
}

/**
 * media_watch() - follow what happens to streams, beginning with those there are
 * @media: the media side
 *
 * The subscription comes before the dump: of what happens in between, the
 * events are read afterwards.
 *
 * Return: 0 or an errno, logged.
 */
int media_watch(struct media *media)
{
	static const struct datapath_watch watch = {
		.monitor = {
			.event = watch_event,
			.resync_begin = watch_resync_begin,
			.stream = watch_stream,
			.resync_end = watch_resync_end,
		},
		.broken = watch_broken,
	};
	int err;

	err = media->ops->watch(media->datapath, &watch, media);
	if (err) {
		log_error("the kernel's events cannot be read: %m", -err);
		return -err;
	}

	err = media->ops->stream_dump(media->datapath, stream_adopt, media);
	if (err) {
		log_error("the kernel's streams cannot be read: %s",
			  media->ops->error(media->datapath));
		return -err;
	}

	return 0;
}
