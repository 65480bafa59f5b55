// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The legs of a stream: what an SDP says about one, and the policy that the
 * kernel is given for it (access realm).
 *
 * A terminal may complete its leg from the address that its signalling comes
 * from, and from the address in its SDP if that is a public one. The private
 * address in an SDP is only ever compared with the one before.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <re.h>
#include <string.h>

#include "media/call.h"

#define WINDOW_MS    30000
#define IDLE_MS      60000
#define IDLE_HELD_MS 43200000

/* Not reachable from everywhere, so no proof of where a terminal is. */
static bool addr_is_public(uint32_t addr)
{
	static const struct {
		uint32_t net;
		unsigned int len;
	} special[] = {
		{ 0x00000000, 8 }, /* RFC 1122 this network */
		{ 0x0a000000, 8 }, /* RFC 1918 */
		{ 0x64400000, 10 }, /* RFC 6598 carrier NAT */
		{ 0x7f000000, 8 }, /* RFC 1122 loopback */
		{ 0xa9fe0000, 16 }, /* RFC 3927 link-local */
		{ 0xac100000, 12 }, /* RFC 1918 */
		{ 0xc0000000, 24 }, /* RFC 6890 protocol assignments */
		{ 0xc0a80000, 16 }, /* RFC 1918 */
		{ 0xc6120000, 15 }, /* RFC 2544 benchmarks */
		{ 0xe0000000, 3 }, /* RFC 5771 multicast, RFC 1112 reserved */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(special); i++) {
		if (!((addr ^ special[i].net) >> (32 - special[i].len)))
			return false;
	}

	return true;
}

static int leg_take_address(struct call_leg *leg, const struct pl *addr, uint16_t port, bool *moved)
{
	char *copy;
	int err;

	if (leg->sdp_addr && !pl_strcmp(addr, leg->sdp_addr) && leg->sdp_port == port)
		return 0;

	err = pl_strdup(&copy, addr);
	if (err)
		return err;

	*moved = leg->sdp_addr != NULL;
	mem_deref(leg->sdp_addr);
	leg->sdp_addr = copy;
	leg->sdp_port = port;

	sa_init(&leg->sdp_public, AF_UNSPEC);
	if (sa_set(&leg->sdp_public, addr, 0) || sa_af(&leg->sdp_public) != AF_INET ||
	    !addr_is_public(sa_in(&leg->sdp_public)))
		sa_init(&leg->sdp_public, AF_UNSPEC);

	return 0;
}

/**
 * leg_take_sdp() - take in what a side's SDP says about a stream
 * @stream: the stream
 * @from: the side
 * @sdp: its SDP, in which the media line of the stream has a port
 * @moved: set if it names another address or port than the one before
 *
 * The null address of a hold (RFC 2543) is no address: what was known stays
 * known, and the resume with the old address moves nothing.
 *
 * Return: 0 or an errno.
 */
int leg_take_sdp(struct call_stream *stream, enum nattrav_side from, const struct sdp *sdp,
		 bool *moved)
{
	const struct sdp_media *media = &sdp->media[stream->index];
	const struct sdp_conn *conn = sdp_media_conn(sdp, stream->index);
	struct call_leg *leg = &stream->leg[from];

	*moved = false;

	if (!stream->type) {
		const int err = pl_strdup(&stream->type, &media->type);

		if (err)
			return err;
	}

	memset(leg->payload_types, 0, sizeof(leg->payload_types));
	sdp_payload_types(media, leg->payload_types);
	leg->held = sdp_media_on_hold(sdp, stream->index);
	leg->off = false;

	if (sdp_conn_on_hold(conn))
		return 0;

	return leg_take_address(leg, &conn->addr, media->port, moved);
}

static void prefix_add(struct nattrav_leg *out, const struct sa *sa)
{
	struct nattrav_prefix *prefix = &out->prefix[out->prefixes];

	if (!sa_isset(sa, SA_ADDR) ||
	    (out->prefixes && prefix[-1].addr.v4.s_addr == htonl(sa_in(sa))))
		return;

	prefix->addr.family = AF_INET;
	prefix->addr.v4.s_addr = htonl(sa_in(sa));
	prefix->len = 32;
	out->prefixes++;
}

static void leg_describe(struct nattrav_leg *out, const struct call *call,
			 const struct call_stream *stream, enum nattrav_side side)
{
	static const uint8_t none[NATTRAV_PAYLOAD_TYPES_LEN];
	const struct call_leg *leg = &stream->leg[side];
	const struct call_leg *other = &stream->leg[side_other(side)];
	size_t i;

	out->given = NATTRAV_LEG_PREFIXES | NATTRAV_LEG_GENERATION | NATTRAV_LEG_WINDOW;
	prefix_add(out, &call->side[side].source);
	prefix_add(out, &leg->sdp_public);
	out->generation = leg->generation;
	out->window = WINDOW_MS;

	/* RFC 3264 section 6.1: a side sends the numbers that the other listed,
	 * but some phones send their own.
	 */
	for (i = 0; i < sizeof(out->payload_types); i++)
		out->payload_types[i] = leg->payload_types[i] | other->payload_types[i];
	if (memcmp(out->payload_types, none, sizeof(none)))
		out->given |= NATTRAV_LEG_PAYLOAD_TYPES;
}

static void stream_describe(struct nattrav_stream *out, const struct call *call,
			    const struct call_stream *stream)
{
	const bool held = stream->leg[NATTRAV_SIDE_A].held || stream->leg[NATTRAV_SIDE_B].held;

	memset(out, 0, sizeof(*out));
	out->given = NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B | NATTRAV_STREAM_TIMEOUT_IDLE;
	leg_describe(&out->leg[NATTRAV_SIDE_A], call, stream, NATTRAV_SIDE_A);
	leg_describe(&out->leg[NATTRAV_SIDE_B], call, stream, NATTRAV_SIDE_B);

	/* Silence during a hold is no sign that the call is dead. */
	out->timeout_idle = held ? IDLE_HELD_MS : IDLE_MS;
}

/**
 * stream_describe_new() - what to install for a stream
 * @out: set to it
 * @call: its call
 * @stream: the stream
 * @realm: where to take relay addresses from
 */
void stream_describe_new(struct nattrav_stream *out, const struct call *call,
			 const struct call_stream *stream, const char *realm)
{
	stream_describe(out, call, stream);
	out->given |= NATTRAV_STREAM_COOKIE;
	out->cookie = stream->index;
	out->type = NATTRAV_STREAM_TYPE_RTP;
	out->rtcp = true;
	str_ncpy(out->call, call->name, sizeof(out->call));
	str_ncpy(out->leg[NATTRAV_SIDE_A].realm, realm, sizeof(out->leg[0].realm));
	str_ncpy(out->leg[NATTRAV_SIDE_B].realm, realm, sizeof(out->leg[0].realm));
}

/**
 * stream_describe_set() - what to change in an installed stream
 * @out: set to it
 * @call: its call
 * @stream: the stream
 *
 * The kernel passes the policy of the legs on to the RTCP stream.
 */
void stream_describe_set(struct nattrav_stream *out, const struct call *call,
			 const struct call_stream *stream)
{
	stream_describe(out, call, stream);
	out->id = stream->id;
}

/**
 * leg_print_prefixes() - print latch prefixes, for %H
 * @pf: where to
 * @leg: the leg
 *
 * Return: 0 or an errno.
 */
int leg_print_prefixes(struct re_printf *pf, const struct nattrav_leg *leg)
{
	unsigned int i;
	struct sa sa;
	int err = 0;

	for (i = 0; i < leg->prefixes && !err; i++) {
		sa_set_in(&sa, ntohl(leg->prefix[i].addr.v4.s_addr), 0);
		err = re_hprintf(pf, "%s%j/%u", i ? " or " : "", &sa, leg->prefix[i].len);
	}

	return err;
}

/**
 * endpoint_to_sa() - from libnattrav's words to libre's
 * @sa: set to the address and port, or to nothing if they are not given
 * @endpoint: the address and port
 */
void endpoint_to_sa(struct sa *sa, const struct nattrav_endpoint *endpoint)
{
	sa_init(sa, AF_UNSPEC);
	if (endpoint->addr.family == AF_INET)
		sa_set_in(sa, ntohl(endpoint->addr.v4.s_addr), endpoint->port);
}
