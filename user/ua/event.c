// SPDX-License-Identifier: GPL-2.0-or-later
/* Events as JSON, one object each. */
#include "json.h"
#include "ua.h"

#include <time.h>

static const char *const names[] = {
	[UA_REGISTERED] = "registered",
	[UA_UNREGISTERED] = "unregistered",
	[UA_KEEPALIVE] = "keepalive",
	[UA_MAPPED] = "mapped",
	[UA_MEASURED] = "measured",
	[UA_INTERVAL] = "interval",
	[UA_INCOMING] = "incoming",
	[UA_RINGING] = "ringing",
	[UA_ESTABLISHED] = "established",
	[UA_MEDIA] = "media",
	[UA_HELD] = "held",
	[UA_STATS] = "stats",
	[UA_CLOSED] = "closed",
	[UA_ERROR] = "error",
	[UA_STOPPED] = "stopped",
};

static const char *seconds_name(enum ua_event_type type)
{
	switch (type) {
	case UA_REGISTERED:
		return "expires";
	case UA_UNREGISTERED:
		return "retry";
	case UA_MEASURED:
		return "silence";
	default:
		return "interval";
	}
}

static void stats_print(struct ua_json *json, const struct ua_stats *stats)
{
	ua_json_text(json, "stream", stats->stream);
	ua_json_number(json, "sent", (int64_t)stats->sent);
	ua_json_number(json, "received", (int64_t)stats->received);
	ua_json_number(json, "received-bytes", (int64_t)stats->received_bytes);
	ua_json_number(json, "lost", stats->lost);
	ua_json_number(json, "foreign", (int64_t)stats->foreign);
	ua_json_ms(json, "jitter-ms", stats->jitter);
	if (!stats->rtt_max)
		return;
	ua_json_ms(json, "rtt-min-ms", stats->rtt_min);
	ua_json_ms(json, "rtt-avg-ms", stats->rtt_avg);
	ua_json_ms(json, "rtt-max-ms", stats->rtt_max);
}

/**
 * ua_event_json() - write an event as a JSON object
 * @mb: where to
 * @event: the event
 *
 * Return: 0 or an errno.
 */
int ua_event_json(struct mbuf *mb, const struct ua_event *event)
{
	struct ua_json json;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	ua_json_open(&json, mb);
	/* seconds since 1970, to the millisecond */
	ua_json_ms(&json, "time", (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	ua_json_text(&json, "event", names[event->type]);
	if (event->status)
		ua_json_number(&json, "status", event->status);
	ua_json_pl(&json, "reason", &event->reason);
	ua_json_pl(&json, "peer", &event->peer);
	ua_json_addr(&json, "address", event->addr);
	if (event->seconds)
		ua_json_number(&json, seconds_name(event->type), event->seconds);
	if (event->time)
		ua_json_ms(&json, "rtt-ms", event->time);
	if (event->type == UA_MEASURED)
		ua_json_bool(&json, "survived", event->survived);
	if (event->type == UA_HELD)
		ua_json_bool(&json, "held", event->survived);
	if (event->stats)
		stats_print(&json, event->stats);
	else
		ua_json_text(&json, "stream", event->stream);
	return ua_json_close(&json);
}
