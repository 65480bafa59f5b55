// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The attribute sets of Documentation/netlink/specs/nattrav.yaml as tables:
 * they check what the kernel sends, and name what it refuses.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

#define SET(_name, _attrs, _singular)                            \
	const struct nattrav_attr_set _name = {                  \
		.name = (_singular),                             \
		.max = sizeof(_attrs) / sizeof((_attrs)[0]) - 1, \
		.attrs = (_attrs),                               \
	}

static const struct nattrav_attr_desc pool_attrs[] = {
	[NATTRAV_A_POOL_ID] = { .name = "id", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_POOL_REALM] = { .name = "realm", .kind = NATTRAV_ATTR_STRING },
	[NATTRAV_A_POOL_IPV4] = { .name = "ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_POOL_IPV6] = { .name = "ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_POOL_PORT_MIN] = { .name = "port-min", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_POOL_PORT_MAX] = { .name = "port-max", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_POOL_LEGS] = { .name = "legs", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_POOL_RESTING] = { .name = "resting", .kind = NATTRAV_ATTR_U32 },
};
SET(nattrav_set_pool, pool_attrs, "pool");

static const struct nattrav_attr_desc prefix_attrs[] = {
	[NATTRAV_A_PREFIX_IPV4] = { .name = "ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_PREFIX_IPV6] = { .name = "ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_PREFIX_LEN] = { .name = "len", .kind = NATTRAV_ATTR_U8 },
};
SET(nattrav_set_prefix, prefix_attrs, "prefix");

static const struct nattrav_attr_desc leg_attrs[] = {
	[NATTRAV_A_LEG_REALM] = { .name = "realm", .kind = NATTRAV_ATTR_STRING },
	[NATTRAV_A_LEG_FAMILY] = { .name = "family", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_LOCAL_IPV4] = { .name = "local-ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_LEG_LOCAL_IPV6] = { .name = "local-ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_LEG_LOCAL_PORT] = { .name = "local-port", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_LEG_PEER_IPV4] = { .name = "peer-ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_LEG_PEER_IPV6] = { .name = "peer-ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_LEG_PEER_PORT] = { .name = "peer-port", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_LEG_PREFIX] = { .name = "prefix",
				   .kind = NATTRAV_ATTR_NEST,
				   .multi = true,
				   .nested = &nattrav_set_prefix },
	[NATTRAV_A_LEG_PAYLOAD_TYPES] = { .name = "payload-types",
					  .kind = NATTRAV_ATTR_PAYLOAD_TYPES },
	[NATTRAV_A_LEG_WINDOW] = { .name = "window", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_GENERATION] = { .name = "generation", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_PROBATION] = { .name = "probation", .kind = NATTRAV_ATTR_U8 },
	[NATTRAV_A_LEG_RELATCH] = { .name = "relatch", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_RATE] = { .name = "rate", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_CLOCK_RATE] = { .name = "clock-rate", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_STATE] = { .name = "state", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_PACKETS] = { .name = "packets", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_LEG_BYTES] = { .name = "bytes", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_LEG_DROPPED] = { .name = "dropped", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_LEG_LAST_SEEN] = { .name = "last-seen", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_SSRC] = { .name = "ssrc", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_PAYLOAD_TYPE] = { .name = "payload-type", .kind = NATTRAV_ATTR_U8 },
	[NATTRAV_A_LEG_RECEIVED] = { .name = "received", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_LOST] = { .name = "lost", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_REORDERED] = { .name = "reordered", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_DUPLICATES] = { .name = "duplicates", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_JITTER] = { .name = "jitter", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_SSRC_CHANGES] = { .name = "ssrc-changes", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_INTRUDER_IPV4] = { .name = "intruder-ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_LEG_INTRUDER_IPV6] = { .name = "intruder-ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_LEG_INTRUDER_PORT] = { .name = "intruder-port", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_LEG_INTRUDER_PACKETS] = { .name = "intruder-packets", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_LEG_DSCP] = { .name = "dscp", .kind = NATTRAV_ATTR_U8 },
	[NATTRAV_A_LEG_MANY_SSRC] = { .name = "many-ssrc", .kind = NATTRAV_ATTR_U8 },
	[NATTRAV_A_LEG_WINDOW_LEFT] = { .name = "window-left", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_LATCHED_GENERATION] = { .name = "latched-generation",
					       .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_SEQUENCE] = { .name = "sequence", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_RTCP_PEER_IPV4] = { .name = "rtcp-peer-ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_LEG_RTCP_PEER_IPV6] = { .name = "rtcp-peer-ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_LEG_RTCP_PEER_PORT] = { .name = "rtcp-peer-port", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_LEG_SILENCE] = { .name = "silence", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_ONE_WAY] = { .name = "one-way", .kind = NATTRAV_ATTR_FLAG },
	[NATTRAV_A_LEG_LAST_DROP] = { .name = "last-drop", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_LEG_ICMP_ERRORS] = { .name = "icmp-errors", .kind = NATTRAV_ATTR_U32 },
};
SET(nattrav_set_leg, leg_attrs, "leg");

static const struct nattrav_attr_desc stream_attrs[] = {
	[NATTRAV_A_STREAM_ID] = { .name = "id", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_CALL] = { .name = "call", .kind = NATTRAV_ATTR_STRING },
	[NATTRAV_A_STREAM_COOKIE] = { .name = "cookie", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_STREAM_TYPE] = { .name = "type", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_RTCP] = { .name = "rtcp", .kind = NATTRAV_ATTR_FLAG },
	[NATTRAV_A_STREAM_TIED] = { .name = "tied", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_LEG_A] = { .name = "leg-a",
				     .kind = NATTRAV_ATTR_NEST,
				     .nested = &nattrav_set_leg },
	[NATTRAV_A_STREAM_LEG_B] = { .name = "leg-b",
				     .kind = NATTRAV_ATTR_NEST,
				     .nested = &nattrav_set_leg },
	[NATTRAV_A_STREAM_TIMEOUT_PARTIAL] = { .name = "timeout-partial",
					       .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_TIMEOUT_IDLE] = { .name = "timeout-idle", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_TIMEOUT_MAX] = { .name = "timeout-max", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_AGE] = { .name = "age", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_STREAM_STATE] = { .name = "state", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_STREAM_HOLD] = { .name = "hold", .kind = NATTRAV_ATTR_U8 },
};
SET(nattrav_set_stream, stream_attrs, "stream");

static const struct nattrav_attr_desc event_attrs[] = {
	[NATTRAV_A_EVENT_TYPE] = { .name = "type", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_EVENT_SEQ] = { .name = "seq", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_EVENT_TIME] = { .name = "time", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_EVENT_STREAM] = { .name = "stream",
				     .kind = NATTRAV_ATTR_NEST,
				     .nested = &nattrav_set_stream },
	[NATTRAV_A_EVENT_SIDE] = { .name = "side", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_EVENT_IPV4] = { .name = "ipv4", .kind = NATTRAV_ATTR_IPV4 },
	[NATTRAV_A_EVENT_IPV6] = { .name = "ipv6", .kind = NATTRAV_ATTR_IPV6 },
	[NATTRAV_A_EVENT_PORT] = { .name = "port", .kind = NATTRAV_ATTR_PORT },
	[NATTRAV_A_EVENT_EXPIRY] = { .name = "expiry", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_EVENT_POOL] = { .name = "pool",
				   .kind = NATTRAV_ATTR_NEST,
				   .nested = &nattrav_set_pool },
	[NATTRAV_A_EVENT_PERCENT] = { .name = "percent", .kind = NATTRAV_ATTR_U8 },
};
SET(nattrav_set_event, event_attrs, "event");

static const struct nattrav_attr_desc drop_attrs[] = {
	[NATTRAV_A_DROP_REASON] = { .name = "reason", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_DROP_PACKETS] = { .name = "packets", .kind = NATTRAV_ATTR_U64 },
};
SET(nattrav_set_drop, drop_attrs, "drop");

static const struct nattrav_attr_desc info_attrs[] = {
	[NATTRAV_A_INFO_VERSION] = { .name = "version", .kind = NATTRAV_ATTR_STRING },
	[NATTRAV_A_INFO_POOLS] = { .name = "pools", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_INFO_STREAMS] = { .name = "streams", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_INFO_STREAMS_MAX] = { .name = "streams-max", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_INFO_EVENT_SEQ] = { .name = "event-seq", .kind = NATTRAV_ATTR_U32 },
	[NATTRAV_A_INFO_RECEIVED] = { .name = "received", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_INFO_FORWARDED] = { .name = "forwarded", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_INFO_ACCEPTED] = { .name = "accepted", .kind = NATTRAV_ATTR_U64 },
	[NATTRAV_A_INFO_DROP] = { .name = "drop",
				  .kind = NATTRAV_ATTR_NEST,
				  .multi = true,
				  .nested = &nattrav_set_drop },
};
SET(nattrav_set_info, info_attrs, "info");

/* The message of each operation holds entries, and nothing else. */
static const struct nattrav_attr_desc pools_attrs[] = {
	[NATTRAV_A_POOLS_ENTRY] = { .name = "entry",
				    .kind = NATTRAV_ATTR_NEST,
				    .multi = true,
				    .nested = &nattrav_set_pool },
};
SET(nattrav_set_pools, pools_attrs, "pool");

static const struct nattrav_attr_desc streams_attrs[] = {
	[NATTRAV_A_STREAMS_ENTRY] = { .name = "entry",
				      .kind = NATTRAV_ATTR_NEST,
				      .multi = true,
				      .nested = &nattrav_set_stream },
};
SET(nattrav_set_streams, streams_attrs, "stream");

static const struct nattrav_attr_desc events_attrs[] = {
	[NATTRAV_A_EVENTS_ENTRY] = { .name = "entry",
				     .kind = NATTRAV_ATTR_NEST,
				     .multi = true,
				     .nested = &nattrav_set_event },
};
SET(nattrav_set_events, events_attrs, "event");

static const struct nattrav_attr_desc infos_attrs[] = {
	[NATTRAV_A_INFOS_ENTRY] = { .name = "entry",
				    .kind = NATTRAV_ATTR_NEST,
				    .nested = &nattrav_set_info },
};
SET(nattrav_set_infos, infos_attrs, "info");

/**
 * nattrav_cmd_set() - the attribute set at the top of an operation's messages
 * @cmd: NATTRAV_CMD_*
 *
 * Return: the set, or NULL for an operation that this library does not know.
 */
const struct nattrav_attr_set *nattrav_cmd_set(uint8_t cmd)
{
	switch (cmd) {
	case NATTRAV_CMD_POOL_NEW:
	case NATTRAV_CMD_POOL_DEL:
	case NATTRAV_CMD_POOL_GET:
		return &nattrav_set_pools;
	case NATTRAV_CMD_STREAM_NEW:
	case NATTRAV_CMD_STREAM_SET:
	case NATTRAV_CMD_STREAM_DEL:
	case NATTRAV_CMD_STREAM_GET:
		return &nattrav_set_streams;
	case NATTRAV_CMD_INFO_GET:
		return &nattrav_set_infos;
	case NATTRAV_CMD_EVENT:
		return &nattrav_set_events;
	default:
		return NULL;
	}
}

/**
 * nattrav_attr_desc() - look an attribute up in a set
 * @set: the set
 * @type: attribute number
 *
 * Return: what is known of it, or NULL.
 */
const struct nattrav_attr_desc *nattrav_attr_desc(const struct nattrav_attr_set *set,
						  unsigned int type)
{
	if (type > set->max || set->attrs[type].kind == NATTRAV_ATTR_NONE)
		return NULL;
	return &set->attrs[type];
}

static bool attr_ok(const struct nattrav_attr_desc *desc, const struct nlattr *attr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	switch (desc->kind) {
	case NATTRAV_ATTR_U8:
		return len == sizeof(uint8_t);
	case NATTRAV_ATTR_PORT:
		return len == sizeof(uint16_t);
	case NATTRAV_ATTR_U32:
	case NATTRAV_ATTR_IPV4:
		return len == sizeof(uint32_t);
	case NATTRAV_ATTR_U64:
		return len == sizeof(uint64_t);
	case NATTRAV_ATTR_IPV6:
		return len == sizeof(struct in6_addr);
	case NATTRAV_ATTR_PAYLOAD_TYPES:
		return len == NATTRAV_PAYLOAD_TYPES_LEN;
	case NATTRAV_ATTR_NONE:
	case NATTRAV_ATTR_FLAG:
	case NATTRAV_ATTR_STRING:
	case NATTRAV_ATTR_NEST:
		break;
	}
	return true;
}

/**
 * nattrav_attrs_parse() - index the attributes of a nest by their number
 * @set: what the nest holds
 * @nest: the nest
 * @tb: set to the attributes, @set->max + 1 of them; NULL for an absent one,
 *	the last one of those that occur more than once
 *
 * Attributes that the set does not know are left out: the kernel may be newer
 * than this library.
 *
 * Return: 0, or -EBADMSG if an attribute is too short or too long.
 */
int nattrav_attrs_parse(const struct nattrav_attr_set *set, const struct nlattr *nest,
			const struct nlattr **tb)
{
	const struct nattrav_attr_desc *desc;
	const struct nlattr *attr;

	memset(tb, 0, (set->max + 1) * sizeof(*tb));
	mnl_attr_for_each_nested(attr, nest) {
		desc = nattrav_attr_desc(set, mnl_attr_get_type(attr));
		if (!desc)
			continue;
		if (!attr_ok(desc, attr))
			return -EBADMSG;
		tb[mnl_attr_get_type(attr)] = attr;
	}
	return 0;
}

/* The functions below give 0, or nothing, for an absent attribute. */

uint8_t nattrav_attr_u8(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u8(attr) : 0;
}

uint32_t nattrav_attr_u32(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u32(attr) : 0;
}

uint64_t nattrav_attr_u64(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u64(attr) : 0;
}

uint16_t nattrav_attr_port(const struct nlattr *attr)
{
	return attr ? ntohs(mnl_attr_get_u16(attr)) : 0;
}

struct nattrav_addr nattrav_attr_addr(const struct nlattr *ipv4, const struct nlattr *ipv6)
{
	struct nattrav_addr addr = { .family = AF_UNSPEC };

	if (ipv4) {
		addr.family = AF_INET;
		addr.v4.s_addr = mnl_attr_get_u32(ipv4);
	} else if (ipv6) {
		addr.family = AF_INET6;
		memcpy(&addr.v6, mnl_attr_get_payload(ipv6), sizeof(addr.v6));
	}
	return addr;
}

/* A longer text is cut: it can only be from a kernel that allows longer ones. */
void nattrav_attr_string(const struct nlattr *attr, char *text, size_t size)
{
	size_t len = 0;

	if (attr)
		len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(text, mnl_attr_get_payload(attr), len);
	text[len] = '\0';
}
