// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON. The keys are the names of the specification; what is absent there is
 * absent here. A leg has its alias as well, which the kernel calls the local
 * address of the other leg.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctl.h"

/* A member that could not be made is missed by nobody but json_print(). */
static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* 64 bits do not all fit into JSON's integers; what does not fit is a string. */
static void put_u64(json_t *object, const char *key, uint64_t value)
{
	if (value <= INT64_MAX)
		put(object, key, json_integer((json_int_t)value));
	else
		put(object, key, json_sprintf("%llu", (unsigned long long)value));
}

/*
 * Call ids come from the network: they need not be UTF-8. What can only be shown
 * with "?" in it has its bytes under another key as well.
 */
static void put_text(json_t *object, const char *key, const char *text)
{
	char clean[CTL_CALL_SIZE], hex[2 * CTL_CALL_SIZE], hex_key[32];
	json_t *value;
	size_t i;

	if (!text[0])
		return;
	value = json_string(text);
	put(object, key, value ? value : json_string(ctl_clean_text(text, clean, sizeof(clean))));
	if (value)
		return;
	for (i = 0; i < CTL_CALL_SIZE - 1 && text[i]; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text[i]);
	snprintf(hex_key, sizeof(hex_key), "%s-hex", key);
	put(object, hex_key, json_string(hex));
}

/* A value that a newer kernel has no name for here is shown as its number. */
static void put_name(json_t *object, const char *key, const char *name, unsigned int value)
{
	put(object, key, name ? json_string(name) : json_integer(value));
}

/* The key is @what with "ipv4" or "ipv6" after it. */
static void put_addr(json_t *object, const char *what, const struct nattrav_addr *addr)
{
	char text[CTL_TEXT_SIZE], key[32];

	if (!addr->family)
		return;
	snprintf(key, sizeof(key), "%s%s", what, ctl_family_text(addr->family));
	put(object, key, json_string(ctl_addr_text(addr, text)));
}

static void put_endpoint(json_t *object, const char *what, const struct nattrav_endpoint *endpoint)
{
	char key[32];

	put_addr(object, what, &endpoint->addr);
	snprintf(key, sizeof(key), "%sport", what);
	if (endpoint->port)
		put(object, key, json_integer(endpoint->port));
}

/* What a controller gives: enough to make the pool anew, as in "save". */
json_t *ctl_json_pool_plain(const struct nattrav_pool *pool)
{
	json_t *json = json_object();

	put(json, "id", json_integer(pool->id));
	put_text(json, "realm", pool->realm);
	put_addr(json, "", &pool->addr);
	put(json, "port-min", json_integer(pool->port_min));
	put(json, "port-max", json_integer(pool->port_max));
	return json;
}

json_t *ctl_json_pool(const struct nattrav_pool *pool)
{
	json_t *json = ctl_json_pool_plain(pool);

	put(json, "legs", json_integer(pool->legs));
	put(json, "resting", json_integer(pool->resting));
	return json;
}

static json_t *json_prefixes(const struct nattrav_leg *leg)
{
	json_t *array = json_array(), *json;
	unsigned int i;

	for (i = 0; i < leg->prefixes; i++) {
		json = json_object();
		put_addr(json, "", &leg->prefix[i].addr);
		put(json, "len", json_integer(leg->prefix[i].len));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *json_payload_types(const uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN])
{
	json_t *array = json_array();
	unsigned int pt;

	for (pt = 0; pt < 128; pt++) {
		if (mask[pt / 8] & (1u << (pt % 8)))
			json_array_append_new(array, json_integer(pt));
	}
	return array;
}

/* Left out of a file to restore if it is what the kernel takes for absent. */
static void put_unless(json_t *object, const char *key, uint32_t value, uint32_t absent, bool plain)
{
	if (!plain || value != absent)
		put(object, key, json_integer(value));
}

/* Whether the leg may get a peer as long as its window is open. */
static bool leg_open(const struct nattrav_leg *leg)
{
	return !leg->peer.addr.family || leg->latched_generation != leg->generation;
}

/* With @plain, what a controller gives, and no more than is needed to give it again. */
static json_t *json_leg(const struct nattrav_leg *leg, bool plain)
{
	json_t *json = json_object();

	put_text(json, "realm", leg->realm);
	if (leg->family)
		put(json, "family", json_string(ctl_family_text(leg->family)));
	put_endpoint(json, "local-", &leg->local);
	put_endpoint(json, "peer-", &leg->peer);
	put_endpoint(json, "rtcp-peer-", &leg->rtcp_peer);
	put(json, "prefix", json_prefixes(leg));
	if (leg->given & NATTRAV_LEG_PAYLOAD_TYPES)
		put(json, "payload-types", json_payload_types(leg->payload_types));
	if (leg->given & NATTRAV_LEG_WINDOW)
		put_unless(json, "window", leg->window, 30000, plain);
	if ((leg->given & NATTRAV_LEG_WINDOW_LEFT) && (!plain || leg_open(leg)))
		put(json, "window-left", json_integer(leg->window_left));
	if (leg->given & NATTRAV_LEG_GENERATION)
		put_unless(json, "generation", leg->generation, 0, plain);
	if (leg->given & NATTRAV_LEG_LATCHED)
		put_unless(json, "latched-generation", leg->latched_generation, leg->generation,
			   plain);
	if (leg->given & NATTRAV_LEG_PROBATION)
		put(json, "probation", json_integer(leg->probation));
	if ((leg->given & NATTRAV_LEG_RELATCH) && (!plain || leg->relatch))
		put_name(json, "relatch", nattrav_relatch_name(leg->relatch), leg->relatch);
	if (leg->given & NATTRAV_LEG_RATE)
		put_unless(json, "rate", leg->rate, 0, plain);
	if (leg->given & NATTRAV_LEG_CLOCK_RATE)
		put_unless(json, "clock-rate", leg->clock_rate, 8000, plain);
	if (leg->given & NATTRAV_LEG_DSCP)
		put(json, "dscp", json_integer(leg->dscp));
	if (leg->many_ssrc)
		put(json, "many-ssrc", json_true());
	if (leg->given & NATTRAV_LEG_SSRC)
		put(json, "ssrc", json_integer(leg->ssrc));
	if (leg->given & NATTRAV_LEG_SEQUENCE)
		put(json, "sequence", json_integer(leg->sequence));
	return json;
}

static void put_rtp(json_t *json, const struct nattrav_leg *leg)
{
	put(json, "payload-type", json_integer(leg->payload_type));
	put(json, "received", json_integer(leg->received));
	put(json, "lost", json_integer(leg->lost));
	put(json, "reordered", json_integer(leg->reordered));
	put(json, "duplicates", json_integer(leg->duplicates));
	put(json, "jitter", json_integer(leg->jitter));
	put(json, "ssrc-changes", json_integer(leg->ssrc_changes));
}

static json_t *json_leg_all(const struct nattrav_leg *leg, const struct nattrav_leg *other)
{
	json_t *json = json_leg(leg, false);

	put_endpoint(json, "alias-", &other->local);
	put_name(json, "state", nattrav_state_name(leg->state), leg->state);
	put_u64(json, "packets", leg->packets);
	put_u64(json, "bytes", leg->bytes);
	put_u64(json, "dropped", leg->dropped);
	if (leg->given & NATTRAV_LEG_LAST_SEEN)
		put(json, "last-seen", json_integer(leg->last_seen));
	if (leg->given & NATTRAV_LEG_SILENCE)
		put(json, "silence", json_integer(leg->silence));
	if (leg->one_way)
		put(json, "one-way", json_true());
	if (leg->given & NATTRAV_LEG_LAST_DROP)
		put_name(json, "last-drop", nattrav_drop_reason_name(leg->last_drop),
			 leg->last_drop);
	if (leg->given & NATTRAV_LEG_RTP)
		put_rtp(json, leg);
	put_endpoint(json, "intruder-", &leg->intruder);
	put_u64(json, "intruder-packets", leg->intruder_packets);
	put(json, "icmp-errors", json_integer(leg->icmp_errors));
	return json;
}

static json_t *json_stream(const struct nattrav_stream *stream, bool plain)
{
	json_t *json = json_object();

	put(json, "id", json_integer(stream->id));
	put_text(json, "call", stream->call);
	if ((stream->given & NATTRAV_STREAM_COOKIE) && (!plain || stream->cookie))
		put_u64(json, "cookie", stream->cookie);
	put_name(json, "type", nattrav_stream_type_name(stream->type), stream->type);
	if (stream->tied)
		put(json, "tied", json_integer(stream->tied));
	if (stream->rtcp)
		put(json, "rtcp", json_true());
	if (stream->given & NATTRAV_STREAM_TIMEOUT_PARTIAL)
		put_unless(json, "timeout-partial", stream->timeout_partial, 180000, plain);
	if (stream->given & NATTRAV_STREAM_TIMEOUT_IDLE)
		put_unless(json, "timeout-idle", stream->timeout_idle, 60000, plain);
	if (stream->given & NATTRAV_STREAM_TIMEOUT_MAX)
		put_unless(json, "timeout-max", stream->timeout_max, 43200000, plain);
	if (stream->hold)
		put(json, "hold", json_true());
	return json;
}

/* What a controller gives: enough to make the stream anew, as in "save". */
json_t *ctl_json_stream_plain(const struct nattrav_stream *stream)
{
	json_t *json = json_stream(stream, true);

	put(json, "leg-a", json_leg(&stream->leg[NATTRAV_SIDE_A], true));
	put(json, "leg-b", json_leg(&stream->leg[NATTRAV_SIDE_B], true));
	return json;
}

json_t *ctl_json_stream(const struct nattrav_stream *stream)
{
	const struct nattrav_leg *a = &stream->leg[NATTRAV_SIDE_A];
	const struct nattrav_leg *b = &stream->leg[NATTRAV_SIDE_B];
	json_t *json = json_stream(stream, false);

	if (stream->given & NATTRAV_STREAM_STATE)
		put_name(json, "state", nattrav_state_name(stream->state), stream->state);
	if (stream->given & NATTRAV_STREAM_LEG_A)
		put(json, "leg-a", json_leg_all(a, b));
	if (stream->given & NATTRAV_STREAM_LEG_B)
		put(json, "leg-b", json_leg_all(b, a));
	/* Events do not tell it, and zero would be wrong. */
	if (stream->given & NATTRAV_STREAM_STATE)
		put_u64(json, "age", stream->age);
	return json;
}

json_t *ctl_json_info(const struct nattrav_info *info)
{
	json_t *json = json_object(), *drop = json_object();
	unsigned int reason;

	put_text(json, "version", info->version);
	put(json, "pools", json_integer(info->pools));
	put(json, "streams", json_integer(info->streams));
	put(json, "streams-max", json_integer(info->streams_max));
	put(json, "event-seq", json_integer(info->event_seq));
	put_u64(json, "received", info->received);
	put_u64(json, "forwarded", info->forwarded);
	put_u64(json, "accepted", info->accepted);
	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++)
		put_u64(drop, nattrav_drop_reason_name(reason), info->dropped[reason]);
	put(json, "drop", drop);
	return json;
}

json_t *ctl_json_event(const struct nattrav_event *event)
{
	json_t *json = json_object();

	put_name(json, "type", nattrav_event_type_name(event->type), event->type);
	put(json, "seq", json_integer(event->seq));
	put_u64(json, "time", event->time);
	if (event->pool.id)
		put(json, "pool", ctl_json_pool(&event->pool));
	if (!event->stream.id) {
		put(json, "percent", json_integer(event->percent));
		return json;
	}
	put(json, "stream", ctl_json_stream(&event->stream));
	if (event->type != NATTRAV_EVENT_TYPE_EXPIRED && event->type != NATTRAV_EVENT_TYPE_DELETED)
		put(json, "side", json_string(event->side == NATTRAV_SIDE_A ? "a" : "b"));
	put_endpoint(json, "", &event->addr);
	if (event->type == NATTRAV_EVENT_TYPE_EXPIRED)
		put_name(json, "expiry", nattrav_expiry_name(event->expiry), event->expiry);
	return json;
}

/**
 * ctl_json_print() - write a value and drop it
 * @ctl: the run
 * @json: the value
 * @flags: of json_dumpf()
 *
 * Return: an exit code.
 */
int ctl_json_print(const struct ctl *ctl, json_t *json, size_t flags)
{
	int err = json_dumpf(json, stdout, flags);

	json_decref(json);
	if (err)
		return ctl_fail(ctl, "cannot write JSON");
	putchar('\n');
	return CTL_OK;
}

/* A dump may be of a million streams: they are not gathered in memory. */
int ctl_json_array_add(const struct ctl *ctl, struct ctl_json_array *array, json_t *json)
{
	printf(array->count++ ? ",\n" : "[\n");
	if (json_dumpf(json, stdout, JSON_COMPACT)) {
		json_decref(json);
		return ctl_fail(ctl, "cannot write JSON");
	}
	json_decref(json);
	return CTL_OK;
}

void ctl_json_array_end(const struct ctl_json_array *array)
{
	printf(array->count ? "\n]\n" : "[]\n");
}
