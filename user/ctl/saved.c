// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading what "save" has written. Whatever is not understood is an error, with
 * the place that it stands at: a policy that is silently left out would let
 * somebody in.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "saved.h"

/* What the value of a member is, and so what it is read into. */
enum kind {
	SKIP, /* read elsewhere, or of no use here */
	U8,
	U32,
	COOKIE, /* uint64_t; a string where JSON's integers cannot hold it */
	PORT,
	TEXT,
	HEX, /* the bytes of a text that is not UTF-8 */
	BOOL,
	IPV4,
	IPV6,
	FAMILY,
	RELATCH,
	TYPE,
	PAYLOAD_TYPES,
};

/**
 * struct member - a member of a JSON object
 * @key: its name
 * @kind: what it is
 * @offset: where it goes, in the structure
 * @size: room there
 * @given: bit that tells that it is given; such structures begin with these bits
 * @needed: the object must have it
 */
struct member {
	const char *key;
	enum kind kind;
	size_t offset;
	size_t size;
	uint32_t given;
	bool needed;
};

#define AT(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)
#define COUNT(members) (sizeof(members) / sizeof((members)[0]))

static const struct member file_members[] = {
	{ "nattrav-save", U32, 0, 0, 0, true }, { "version", SKIP, 0, 0, 0, false },
	{ "time", SKIP, 0, 0, 0, false },       { "pools", SKIP, 0, 0, 0, true },
	{ "streams", SKIP, 0, 0, 0, true },
};

static const struct member pool_members[] = {
	{ "id", U32, AT(nattrav_pool, id), 0, false },
	{ "realm", TEXT, AT(nattrav_pool, realm), 0, false },
	{ "realm-hex", HEX, AT(nattrav_pool, realm), 0, false },
	{ "ipv4", IPV4, AT(nattrav_pool, addr), 0, false },
	{ "ipv6", IPV6, AT(nattrav_pool, addr), 0, false },
	{ "port-min", PORT, AT(nattrav_pool, port_min), 0, true },
	{ "port-max", PORT, AT(nattrav_pool, port_max), 0, true },
};

static const struct member prefix_members[] = {
	{ "ipv4", IPV4, AT(nattrav_prefix, addr), 0, false },
	{ "ipv6", IPV6, AT(nattrav_prefix, addr), 0, false },
	{ "len", U8, AT(nattrav_prefix, len), 0, true },
};

static const struct member leg_members[] = {
	{ "realm", TEXT, AT(nattrav_leg, realm), 0, false },
	{ "realm-hex", HEX, AT(nattrav_leg, realm), 0, false },
	{ "family", FAMILY, AT(nattrav_leg, family), 0, false },
	{ "local-ipv4", IPV4, AT(nattrav_leg, local.addr), 0, false },
	{ "local-ipv6", IPV6, AT(nattrav_leg, local.addr), 0, false },
	{ "local-port", PORT, AT(nattrav_leg, local.port), 0, true },
	{ "peer-ipv4", IPV4, AT(nattrav_leg, peer.addr), 0, false },
	{ "peer-ipv6", IPV6, AT(nattrav_leg, peer.addr), 0, false },
	{ "peer-port", PORT, AT(nattrav_leg, peer.port), 0, false },
	{ "rtcp-peer-ipv4", IPV4, AT(nattrav_leg, rtcp_peer.addr), 0, false },
	{ "rtcp-peer-ipv6", IPV6, AT(nattrav_leg, rtcp_peer.addr), 0, false },
	{ "rtcp-peer-port", PORT, AT(nattrav_leg, rtcp_peer.port), 0, false },
	{ "prefix", SKIP, 0, 0, 0, false },
	{ "payload-types", PAYLOAD_TYPES, AT(nattrav_leg, payload_types), NATTRAV_LEG_PAYLOAD_TYPES,
	  false },
	{ "window", U32, AT(nattrav_leg, window), NATTRAV_LEG_WINDOW, false },
	{ "window-left", U32, AT(nattrav_leg, window_left), NATTRAV_LEG_WINDOW_LEFT, false },
	{ "generation", U32, AT(nattrav_leg, generation), NATTRAV_LEG_GENERATION, false },
	{ "latched-generation", U32, AT(nattrav_leg, latched_generation), NATTRAV_LEG_LATCHED,
	  false },
	{ "probation", U8, AT(nattrav_leg, probation), NATTRAV_LEG_PROBATION, false },
	{ "relatch", RELATCH, AT(nattrav_leg, relatch), NATTRAV_LEG_RELATCH, false },
	{ "rate", U32, AT(nattrav_leg, rate), NATTRAV_LEG_RATE, false },
	{ "clock-rate", U32, AT(nattrav_leg, clock_rate), NATTRAV_LEG_CLOCK_RATE, false },
	{ "dscp", U8, AT(nattrav_leg, dscp), NATTRAV_LEG_DSCP, false },
	{ "many-ssrc", BOOL, AT(nattrav_leg, many_ssrc), NATTRAV_LEG_MANY_SSRC, false },
	{ "ssrc", U32, AT(nattrav_leg, ssrc), NATTRAV_LEG_SSRC, false },
	{ "sequence", U32, AT(nattrav_leg, sequence), NATTRAV_LEG_SEQUENCE, false },
};

static const struct member stream_members[] = {
	{ "id", U32, AT(nattrav_stream, id), 0, true },
	{ "call", TEXT, AT(nattrav_stream, call), 0, false },
	{ "call-hex", HEX, AT(nattrav_stream, call), 0, false },
	{ "cookie", COOKIE, AT(nattrav_stream, cookie), NATTRAV_STREAM_COOKIE, false },
	{ "type", TYPE, AT(nattrav_stream, type), 0, true },
	{ "tied", U32, AT(nattrav_stream, tied), 0, false },
	{ "rtcp", BOOL, AT(nattrav_stream, rtcp), 0, false },
	{ "timeout-partial", U32, AT(nattrav_stream, timeout_partial),
	  NATTRAV_STREAM_TIMEOUT_PARTIAL, false },
	{ "timeout-idle", U32, AT(nattrav_stream, timeout_idle), NATTRAV_STREAM_TIMEOUT_IDLE,
	  false },
	{ "timeout-max", U32, AT(nattrav_stream, timeout_max), NATTRAV_STREAM_TIMEOUT_MAX, false },
	{ "hold", BOOL, AT(nattrav_stream, hold), NATTRAV_STREAM_HOLD, false },
	{ "leg-a", SKIP, 0, 0, NATTRAV_STREAM_LEG_A, true },
	{ "leg-b", SKIP, 0, 0, NATTRAV_STREAM_LEG_B, true },
};

_Static_assert(offsetof(struct nattrav_leg, given) == 0 &&
		       offsetof(struct nattrav_stream, given) == 0,
	       "the bits of what is given come first");

/**
 * struct reader - where the reading is
 * @path: names and numbers down to the value, "streams[3].leg-a"
 * @error: set to what is wrong
 */
struct reader {
	char path[64];
	char *error;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct reader *reader,
						       const char *format, ...)
{
	va_list ap;
	int len;

	len = snprintf(reader->error, CTL_ERROR_SIZE, "%s%s", reader->path,
		       reader->path[0] ? ": " : "");
	va_start(ap, format);
	vsnprintf(reader->error + len, CTL_ERROR_SIZE - (size_t)len, format, ap);
	va_end(ap);
	return false;
}

/* Values may be long, and come from anywhere. */
static bool fail_value(const struct reader *reader, const char *key, const json_t *value,
		       const char *wrong)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

	fail(reader, "%s: %.64s %s", key, text ? text : "?", wrong);
	free(text);
	return false;
}

/* The functions below take a value. Return: NULL, or what is wrong with it. */

static const char *take_number(const json_t *value, uint64_t max, uint64_t *to)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || (uint64_t)number > max)
		return "is no number, or too large";
	*to = (uint64_t)number;
	return NULL;
}

static const char *take_u8(const json_t *value, uint8_t *to)
{
	uint64_t wide;
	const char *wrong = take_number(value, UINT8_MAX, &wide);

	if (!wrong)
		*to = (uint8_t)wide;
	return wrong;
}

static const char *take_u32(const json_t *value, uint32_t *to)
{
	uint64_t wide;
	const char *wrong = take_number(value, UINT32_MAX, &wide);

	if (!wrong)
		*to = (uint32_t)wide;
	return wrong;
}

static const char *take_bool(const json_t *value, bool *to)
{
	if (!json_is_boolean(value))
		return "is neither true nor false";
	*to = json_is_true(value);
	return NULL;
}

static const char *take_port(const json_t *value, uint16_t *to)
{
	uint64_t wide;

	if (take_number(value, UINT16_MAX, &wide) || !wide)
		return "is no port (1 to 65535)";
	*to = (uint16_t)wide;
	return NULL;
}

static const char *take_text(const json_t *value, char *to, size_t size)
{
	const char *from = json_string_value(value);

	if (!from || !from[0] || strlen(from) >= size || json_string_length(value) != strlen(from))
		return "is no text, or too long";
	/* Its bytes may have been read already, from the member that ends with -hex. */
	if (!to[0])
		memcpy(to, from, strlen(from) + 1);
	return NULL;
}

static const char *take_hex(const json_t *value, char *to, size_t size)
{
	static const char digits[] = "0123456789abcdef", wrong[] = "is no text in hexadecimal";
	const char *from = json_string_value(value), *high, *low;
	size_t len = from ? strlen(from) : 0, i;

	if (!len || len % 2 || len / 2 >= size || strspn(from, digits) != len)
		return wrong;
	for (i = 0; i < len / 2; i++) {
		high = strchr(digits, from[2 * i]);
		low = strchr(digits, from[2 * i + 1]);
		if (!high || !low || (high == digits && low == digits))
			return wrong;
		to[i] = (char)((high - digits) << 4 | (low - digits));
	}
	to[i] = '\0';
	return NULL;
}

static const char *take_addr(const json_t *value, struct nattrav_addr *to, sa_family_t family)
{
	if (to->family)
		return "is a second address";
	if (!json_is_string(value) || ctl_parse_addr(json_string_value(value), to) ||
	    to->family != family)
		return family == AF_INET6 ? "is no IPv6 address" : "is no IPv4 address";
	return NULL;
}

static const char *take_type(const json_t *value, enum nattrav_stream_type *to)
{
	const char *name;

	for (*to = 0; (name = nattrav_stream_type_name(*to)); (*to)++) {
		if (json_is_string(value) && !strcmp(name, json_string_value(value)))
			return NULL;
	}
	return "is no type of streams";
}

static const char *take_payload_types(const json_t *value, uint8_t *to)
{
	uint64_t pt;
	size_t i;

	if (!json_is_array(value))
		return "is no list of payload types";
	for (i = 0; i < json_array_size(value); i++) {
		if (take_number(json_array_get(value, i), 127, &pt))
			return "is no list of payload types (0 to 127)";
		to[pt / 8] |= (uint8_t)(1u << (pt % 8));
	}
	return NULL;
}

static const char *take(const struct member *member, const json_t *value, void *to)
{
	const char *text = json_is_string(value) ? json_string_value(value) : "";

	switch (member->kind) {
	case SKIP:
		break;
	case U8:
		return take_u8(value, to);
	case U32:
		return take_u32(value, to);
	case COOKIE:
		return json_is_string(value) ? ctl_parse_u64(text, to) :
					       take_number(value, INT64_MAX, to);
	case PORT:
		return take_port(value, to);
	case TEXT:
		return take_text(value, to, member->size);
	case HEX:
		return take_hex(value, to, member->size);
	case BOOL:
		return take_bool(value, to);
	case IPV4:
		return take_addr(value, to, AF_INET);
	case IPV6:
		return take_addr(value, to, AF_INET6);
	case FAMILY:
		return ctl_parse_family(text, to);
	case RELATCH:
		return ctl_parse_relatch(text, to);
	case TYPE:
		return take_type(value, to);
	case PAYLOAD_TYPES:
		return take_payload_types(value, to);
	}
	return NULL;
}

static const struct member *member_find(const struct member *members, size_t count, const char *key)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcmp(members[i].key, key))
			return &members[i];
	}
	return NULL;
}

static bool object_read(const struct reader *reader, json_t *json, const struct member *members,
			size_t count, void *object)
{
	const struct member *member;
	const char *key, *wrong;
	json_t *value;
	size_t i;

	if (!json_is_object(json))
		return fail(reader, "an object is needed here");
	json_object_foreach(json, key, value) {
		member = member_find(members, count, key);
		if (!member)
			return fail(reader, "unknown member \"%.64s\"", key);
		wrong = take(member, value, (char *)object + member->offset);
		if (wrong)
			return fail_value(reader, key, value, wrong);
		if (member->given)
			*(uint32_t *)object |= member->given;
	}
	for (i = 0; i < count; i++) {
		if (members[i].needed && !json_object_get(json, members[i].key))
			return fail(reader, "\"%s\" is missing", members[i].key);
	}
	return true;
}

static bool pool_read(const struct reader *reader, json_t *json, struct nattrav_pool *pool)
{
	if (!object_read(reader, json, pool_members, COUNT(pool_members), pool))
		return false;
	return pool->addr.family ? true : fail(reader, "an address is missing");
}

static bool prefixes_read(struct reader *reader, const json_t *list, struct nattrav_leg *leg)
{
	size_t count = json_array_size(list), len = strlen(reader->path);
	struct nattrav_prefix *prefix;

	if (!json_is_array(list) || count > NATTRAV_PREFIX_MAX)
		return fail(reader, "prefix: a list of at most %d is needed", NATTRAV_PREFIX_MAX);
	for (; leg->prefixes < count; leg->prefixes++) {
		snprintf(reader->path + len, sizeof(reader->path) - len, ".prefix[%u]",
			 leg->prefixes);
		prefix = &leg->prefix[leg->prefixes];
		if (!object_read(reader, json_array_get(list, leg->prefixes), prefix_members,
				 COUNT(prefix_members), prefix))
			return false;
		if (!prefix->addr.family)
			return fail(reader, "an address is missing");
		if (prefix->len > (prefix->addr.family == AF_INET6 ? 128 : 32))
			return fail(reader, "len: %u is no prefix length", prefix->len);
		leg->given |= NATTRAV_LEG_PREFIXES;
	}
	reader->path[len] = '\0';
	return true;
}

static bool leg_read(struct reader *reader, json_t *json, struct nattrav_leg *leg)
{
	const json_t *prefixes = json_object_get(json, "prefix");

	if (!object_read(reader, json, leg_members, COUNT(leg_members), leg))
		return false;
	if (!leg->local.addr.family)
		return fail(reader, "a local address is missing");
	if (!leg->peer.addr.family != !leg->peer.port ||
	    !leg->rtcp_peer.addr.family != !leg->rtcp_peer.port)
		return fail(reader, "a peer has an address and a port");
	return !prefixes || prefixes_read(reader, prefixes, leg);
}

static bool stream_read(struct reader *reader, json_t *json, struct nattrav_stream *stream)
{
	static const char *const legs[] = { [NATTRAV_SIDE_A] = "leg-a", [NATTRAV_SIDE_B] = "leg-b" };
	size_t len = strlen(reader->path);
	int side;

	if (!object_read(reader, json, stream_members, COUNT(stream_members), stream))
		return false;
	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		snprintf(reader->path + len, sizeof(reader->path) - len, ".%s", legs[side]);
		if (!leg_read(reader, json_object_get(json, legs[side]), &stream->leg[side]))
			return false;
	}
	return true;
}

static bool pools_read(struct reader *reader, const json_t *list, struct ctl_saved *saved)
{
	size_t count = json_array_size(list), i;

	saved->pools = calloc(count ? count : 1, sizeof(*saved->pools));
	if (!saved->pools)
		return fail(reader, "out of memory");
	for (i = 0; i < count; i++) {
		snprintf(reader->path, sizeof(reader->path), "pools[%zu]", i);
		if (!pool_read(reader, json_array_get(list, i), &saved->pools[i]))
			return false;
	}
	saved->pool_count = count;
	return true;
}

static bool streams_read(struct reader *reader, const json_t *list, struct ctl_saved *saved)
{
	size_t count = json_array_size(list), i;

	saved->streams = calloc(count ? count : 1, sizeof(*saved->streams));
	if (!saved->streams)
		return fail(reader, "out of memory");
	for (i = 0; i < count; i++) {
		snprintf(reader->path, sizeof(reader->path), "streams[%zu]", i);
		if (!stream_read(reader, json_array_get(list, i), &saved->streams[i]))
			return false;
	}
	saved->stream_count = count;
	return true;
}

static bool file_read(struct reader *reader, json_t *json, struct ctl_saved *saved)
{
	const json_t *pools = json_object_get(json, "pools");
	const json_t *streams = json_object_get(json, "streams");
	const json_t *version = json_object_get(json, "nattrav-save");
	uint32_t number = 0;

	if (!json_is_integer(version))
		return fail(reader, "this was not written by \"nattravctl save\"");
	if (json_integer_value(version) != CTL_SAVED_VERSION)
		return fail_value(reader, "nattrav-save", version,
				  "is a format that this nattravctl does not know");
	if (!object_read(reader, json, file_members, COUNT(file_members), &number))
		return false;
	if (!json_is_array(pools) || !json_is_array(streams))
		return fail(reader, "pools and streams must be lists");
	return pools_read(reader, pools, saved) && streams_read(reader, streams, saved);
}

/**
 * ctl_saved_read() - read what "save" has written
 * @file: where it is
 * @saved: set to it; ctl_saved_free() frees it, after a failure as well
 * @error: set to what is wrong, and where
 *
 * Return: whether it was understood.
 */
bool ctl_saved_read(FILE *file, struct ctl_saved *saved, char error[CTL_ERROR_SIZE])
{
	struct reader reader = { .error = error };
	json_error_t where;
	json_t *json;
	bool good;

	*saved = (struct ctl_saved){ 0 };
	json = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
	if (!json) {
		snprintf(error, CTL_ERROR_SIZE, "line %d, column %d: %s", where.line, where.column,
			 where.text);
		return false;
	}
	good = file_read(&reader, json, saved);
	json_decref(json);
	return good;
}

/* The order of addresses: 0 if they are the same. */
int ctl_saved_addr_compare(const struct nattrav_addr *a, const struct nattrav_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return a->family == AF_INET6 ? memcmp(&a->v6, &b->v6, sizeof(a->v6)) :
				       memcmp(&a->v4, &b->v4, sizeof(a->v4));
}

static bool prefixes_same(const struct nattrav_leg *a, const struct nattrav_leg *b)
{
	unsigned int i;

	for (i = 0; i < a->prefixes && i < b->prefixes; i++) {
		if (ctl_saved_addr_compare(&a->prefix[i].addr, &b->prefix[i].addr) ||
		    a->prefix[i].len != b->prefix[i].len)
			return false;
	}
	return a->prefixes == b->prefixes;
}

static bool peers_alike(const struct nattrav_leg *rtp, const struct nattrav_leg *rtcp)
{
	if (!rtcp->peer.addr.family)
		return true;
	return rtp->peer.addr.family && rtp->latched_generation == rtcp->latched_generation &&
	       rtp->ssrc == rtcp->ssrc;
}

/* Whether the kernel makes the RTCP leg as it was when it makes the RTP leg. */
static bool legs_alike(const struct nattrav_leg *rtp, const struct nattrav_leg *rtcp)
{
	return (rtp->given & CTL_SAVED_SHARED) == (rtcp->given & CTL_SAVED_SHARED) &&
	       prefixes_same(rtp, rtcp) &&
	       !memcmp(rtp->payload_types, rtcp->payload_types, sizeof(rtp->payload_types)) &&
	       rtp->generation == rtcp->generation && rtp->relatch == rtcp->relatch &&
	       rtp->rate == rtcp->rate && rtp->clock_rate == rtcp->clock_rate &&
	       rtp->dscp == rtcp->dscp && peers_alike(rtp, rtcp);
}

/**
 * ctl_saved_alike() - whether an RTCP stream has nothing of its own but its peers
 * @rtp: an RTP stream
 * @rtcp: its RTCP stream
 *
 * Return: true if the kernel makes it as it is out of the RTP stream.
 */
bool ctl_saved_alike(const struct nattrav_stream *rtp, const struct nattrav_stream *rtcp)
{
	return rtp->cookie == rtcp->cookie && rtp->timeout_partial == rtcp->timeout_partial &&
	       rtp->timeout_idle == rtcp->timeout_idle && rtp->timeout_max == rtcp->timeout_max &&
	       legs_alike(&rtp->leg[NATTRAV_SIDE_A], &rtcp->leg[NATTRAV_SIDE_A]) &&
	       legs_alike(&rtp->leg[NATTRAV_SIDE_B], &rtcp->leg[NATTRAV_SIDE_B]);
}

void ctl_saved_free(struct ctl_saved *saved)
{
	free(saved->pools);
	free(saved->streams);
	*saved = (struct ctl_saved){ 0 };
}
