/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, all of them off the straight way of a packet.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nattrav

#if !defined(NATTRAV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NATTRAV_TRACE_H

#include <linux/tracepoint.h>
#include <linux/nattrav.h>

#include "nattrav.h"

/* The names of the specification. */
#define NATTRAV_DROP_REASON_NAMES \
	{ NATTRAV_DROP_REASON_BAD_LENGTH, "bad-length" }, \
	{ NATTRAV_DROP_REASON_BAD_CHECKSUM, "bad-checksum" }, \
	{ NATTRAV_DROP_REASON_FRAGMENT, "fragment" }, \
	{ NATTRAV_DROP_REASON_NO_STREAM, "no-stream" }, \
	{ NATTRAV_DROP_REASON_OUTSIDE_PREFIX, "outside-prefix" }, \
	{ NATTRAV_DROP_REASON_NOT_RTP, "not-rtp" }, \
	{ NATTRAV_DROP_REASON_PAYLOAD_TYPE, "payload-type" }, \
	{ NATTRAV_DROP_REASON_WINDOW_CLOSED, "window-closed" }, \
	{ NATTRAV_DROP_REASON_RTP_PARTIAL, "rtp-partial" }, \
	{ NATTRAV_DROP_REASON_BAD_SOURCE, "bad-source" }, \
	{ NATTRAV_DROP_REASON_PROBATION, "probation" }, \
	{ NATTRAV_DROP_REASON_WRONG_SOURCE, "wrong-source" }, \
	{ NATTRAV_DROP_REASON_PEER_PARTIAL, "peer-partial" }, \
	{ NATTRAV_DROP_REASON_RATE, "rate" }, \
	{ NATTRAV_DROP_REASON_SEQUENCE, "sequence" }, \
	{ NATTRAV_DROP_REASON_SSRC, "ssrc" }, \
	{ NATTRAV_DROP_REASON_TTL, "ttl" }, \
	{ NATTRAV_DROP_REASON_NO_ROUTE, "no-route" }, \
	{ NATTRAV_DROP_REASON_TOO_BIG, "too-big" }, \
	{ NATTRAV_DROP_REASON_NO_MEMORY, "no-memory" }

/* A leg has got a peer: its first, or another. */
TRACE_EVENT(nattrav_latch,
	TP_PROTO(const struct nattrav_leg *leg, const struct latch_source *peer, bool again),
	TP_ARGS(leg, peer, again),
	TP_STRUCT__entry(
		__field(u32, stream)
		__field(u8, side)
		__field(u8, family)
		__field(bool, again)
		__field(u16, port)
		__array(u8, addr, 16)
	),
	TP_fast_assign(
		__entry->stream = nattrav_leg_stream(leg)->id;
		__entry->side = leg->side;
		__entry->family = leg->family;
		__entry->again = again;
		__entry->port = ntohs(peer->port);
		memcpy(__entry->addr, &peer->addr, 16);
	),
	TP_printk("stream=%u side=%c %s family=%u peer=%pI4 peer6=%pI6c port=%u",
		  __entry->stream, 'a' + __entry->side, __entry->again ? "again" : "first",
		  __entry->family, __entry->addr, __entry->addr, __entry->port)
);

/* A packet was dropped; stream is 0 if its port belongs to none. */
TRACE_EVENT(nattrav_drop,
	TP_PROTO(const struct nattrav_leg *leg, int reason),
	TP_ARGS(leg, reason),
	TP_STRUCT__entry(
		__field(u32, stream)
		__field(u8, side)
		__field(int, reason)
	),
	TP_fast_assign(
		__entry->stream = leg ? nattrav_leg_stream(leg)->id : 0;
		__entry->side = leg ? leg->side : 0;
		__entry->reason = reason;
	),
	TP_printk("stream=%u side=%c reason=%s", __entry->stream, 'a' + __entry->side,
		  __print_symbolic(__entry->reason, NATTRAV_DROP_REASON_NAMES))
);

/* A stream has reached a time-out. */
TRACE_EVENT(nattrav_expire,
	TP_PROTO(const struct nattrav_stream *stream),
	TP_ARGS(stream),
	TP_STRUCT__entry(
		__field(u32, stream)
		__field(int, expiry)
	),
	TP_fast_assign(
		__entry->stream = stream->id;
		__entry->expiry = stream->expired;
	),
	TP_printk("stream=%u expiry=%d", __entry->stream, __entry->expiry)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
