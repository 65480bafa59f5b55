// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The names that the specification gives to values.
 */
#include "internal.h"

#define NAME(names, value) \
	((size_t)(value) < sizeof(names) / sizeof((names)[0]) ? (names)[value] : NULL)

const char *nattrav_drop_reason_name(enum nattrav_drop_reason reason)
{
	static const char *const names[] = {
		[NATTRAV_DROP_REASON_BAD_LENGTH] = "bad-length",
		[NATTRAV_DROP_REASON_BAD_CHECKSUM] = "bad-checksum",
		[NATTRAV_DROP_REASON_FRAGMENT] = "fragment",
		[NATTRAV_DROP_REASON_NO_STREAM] = "no-stream",
		[NATTRAV_DROP_REASON_OUTSIDE_PREFIX] = "outside-prefix",
		[NATTRAV_DROP_REASON_NOT_RTP] = "not-rtp",
		[NATTRAV_DROP_REASON_PAYLOAD_TYPE] = "payload-type",
		[NATTRAV_DROP_REASON_WINDOW_CLOSED] = "window-closed",
		[NATTRAV_DROP_REASON_RTP_PARTIAL] = "rtp-partial",
		[NATTRAV_DROP_REASON_BAD_SOURCE] = "bad-source",
		[NATTRAV_DROP_REASON_PROBATION] = "probation",
		[NATTRAV_DROP_REASON_WRONG_SOURCE] = "wrong-source",
		[NATTRAV_DROP_REASON_PEER_PARTIAL] = "peer-partial",
		[NATTRAV_DROP_REASON_RATE] = "rate",
		[NATTRAV_DROP_REASON_SEQUENCE] = "sequence",
		[NATTRAV_DROP_REASON_SSRC] = "ssrc",
		[NATTRAV_DROP_REASON_TTL] = "ttl",
		[NATTRAV_DROP_REASON_NO_ROUTE] = "no-route",
		[NATTRAV_DROP_REASON_TOO_BIG] = "too-big",
		[NATTRAV_DROP_REASON_NO_MEMORY] = "no-memory",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == NATTRAV_DROP_REASON_MAX + 1,
		       "each reason has its name");
	return NAME(names, reason);
}

const char *nattrav_event_type_name(enum nattrav_event_type type)
{
	static const char *const names[] = {
		[NATTRAV_EVENT_TYPE_COMPLETED] = "completed",
		[NATTRAV_EVENT_TYPE_RELATCHED] = "relatched",
		[NATTRAV_EVENT_TYPE_CONTENTION] = "contention",
		[NATTRAV_EVENT_TYPE_INTRUDER] = "intruder",
		[NATTRAV_EVENT_TYPE_EXPIRED] = "expired",
		[NATTRAV_EVENT_TYPE_DELETED] = "deleted",
		[NATTRAV_EVENT_TYPE_FIRST_MEDIA] = "first-media",
		[NATTRAV_EVENT_TYPE_SILENT] = "silent",
		[NATTRAV_EVENT_TYPE_RESUMED] = "resumed",
		[NATTRAV_EVENT_TYPE_ONE_WAY] = "one-way",
		[NATTRAV_EVENT_TYPE_POOL_LOW] = "pool-low",
		[NATTRAV_EVENT_TYPE_LIMIT] = "limit",
	};

	return NAME(names, type);
}

const char *nattrav_expiry_name(enum nattrav_expiry expiry)
{
	static const char *const names[] = {
		[NATTRAV_EXPIRY_PARTIAL] = "partial",
		[NATTRAV_EXPIRY_IDLE] = "idle",
		[NATTRAV_EXPIRY_MAX] = "max",
	};

	return NAME(names, expiry);
}

const char *nattrav_state_name(enum nattrav_state state)
{
	static const char *const names[] = {
		[NATTRAV_STATE_PARTIAL] = "partial",
		[NATTRAV_STATE_COMPLETE] = "complete",
	};

	return NAME(names, state);
}

const char *nattrav_stream_type_name(enum nattrav_stream_type type)
{
	static const char *const names[] = {
		[NATTRAV_STREAM_TYPE_RTP] = "rtp",
		[NATTRAV_STREAM_TYPE_RTCP] = "rtcp",
		[NATTRAV_STREAM_TYPE_UDP] = "udp",
	};

	return NAME(names, type);
}

const char *nattrav_relatch_name(enum nattrav_relatch relatch)
{
	static const char *const names[] = {
		[NATTRAV_RELATCH_NEVER] = "never",
		[NATTRAV_RELATCH_REBIND] = "rebind",
	};

	return NAME(names, relatch);
}
