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

#define WINDOW_MS 30000
#define IDLE_MS   60000

/* Packets per second that a leg may send. */
#define RATE_FACTOR       4
#define RATE_PACKET_BYTES 160
#define RATE_MIN          500
#define RATE_UNKNOWN      5000

/* Networks: of a NAT with several addresses, and what one terminal has. */
#define WIDE_LEN4   24
#define WIDE_LEN6   56
#define SUBNET_LEN6 64

#define COOKIE_INDEX (SDP_MEDIA_MAX - 1)
#define COOKIE_RTCP  0x10
#define COOKIE_MIXED 0x20

/* A range of addresses, 32 bits at a time from the left. */
struct range {
	uint32_t net;
	unsigned int len;
};

static bool in_ranges(uint32_t addr, const struct range *ranges, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!((addr ^ ranges[i].net) >> (32 - ranges[i].len)))
			return true;
	}

	return false;
}

static bool addr4_is_public(uint32_t addr)
{
	static const struct range special[] = {
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

	return !in_ranges(addr, special, ARRAY_SIZE(special));
}

/* Global unicast only, and none that stands for an IPv4 address. */
static bool addr6_is_public(const struct sa *sa)
{
	static const struct range global[] = { { 0x20000000, 3 } };
	static const struct range special[] = {
		{ 0x20010000, 32 }, /* RFC 4380 Teredo */
		{ 0x20020000, 16 }, /* RFC 3056 6to4 */
	};
	uint8_t addr[16];
	uint32_t head;

	sa_in6(sa, addr);
	head = (uint32_t)addr[0] << 24 | (uint32_t)addr[1] << 16 | (uint32_t)addr[2] << 8 | addr[3];
	return in_ranges(head, global, 1) && !in_ranges(head, special, ARRAY_SIZE(special));
}

/* Not reachable from everywhere, so no proof of where a terminal is. */
static bool addr_is_public(const struct sa *sa)
{
	switch (sa_af(sa)) {
	case AF_INET:
		return addr4_is_public(sa_in(sa));
	case AF_INET6:
		return addr6_is_public(sa);
	default:
		return false;
	}
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

	/* a name tells nothing that could be compared with a source */
	if (sa_set(&leg->sdp_sa, addr, port))
		sa_init(&leg->sdp_sa, AF_UNSPEC);

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
	struct call_leg *leg = &stream->leg[from];

	*moved = false;

	if (!stream->type) {
		const int err = pl_strdup(&stream->type, &media->type);

		if (err)
			return err;
	}

	(void)pl_strcpy(&media->proto, stream->protocol, sizeof(stream->protocol));
	memset(leg->payload_types, 0, sizeof(leg->payload_types));
	sdp_payload_types(media, leg->payload_types);
	leg->held = sdp_media_on_hold(sdp, stream->index);
	leg->bandwidth = media->bandwidth;
	leg->clock = media->clock;
	leg->off = false;
	stream->mux_only = stream->mux_only || media->rtcp_mux_only;

	if (sdp_media_is_null(sdp, stream->index))
		return 0;

	return leg_take_address(leg, &sdp_media_conn(sdp, stream->index)->addr, media->port, moved);
}

/* One address; the two prefixes are of the leg's family. */
static void prefix_add(struct nattrav_leg *out, const struct sa *sa)
{
	struct nattrav_prefix *prefix = &out->prefix[out->prefixes];
	struct nattrav_endpoint endpoint = { .port = 0 };

	if (!sa_isset(sa, SA_ADDR) || sa_af(sa) != out->family)
		return;

	endpoint_from_sa(&endpoint, sa);
	prefix->addr = endpoint.addr;
	prefix->len = out->family == AF_INET6 ? 128 : 32;
	if (!out->prefixes || memcmp(&prefix[-1], prefix, sizeof(*prefix)))
		out->prefixes++;
}

/* The network that the first prefix lies in. */
static void prefix_widen(struct nattrav_leg *out, unsigned int len4, unsigned int len6)
{
	struct nattrav_prefix *prefix = out->prefix;

	if (!out->prefixes)
		return;

	if (out->family == AF_INET6) {
		memset(prefix->addr.v6.s6_addr + len6 / 8, 0, 16 - len6 / 8);
		prefix->len = (uint8_t)len6;
	} else {
		prefix->addr.v4.s_addr &= htonl(~0u << (32 - len4));
		prefix->len = (uint8_t)len4;
	}
}

/* An address that no packet comes from: without a prefix, anybody would do. */
static void prefix_nobody(struct nattrav_leg *out)
{
	memset(out->prefix, 0, sizeof(out->prefix[0]));
	out->prefix[0].addr.family = out->family;
	out->prefix[0].len = out->family == AF_INET6 ? 128 : 32;
	out->prefixes = 1;
}

static void source_describe(struct nattrav_leg *out, const struct call_side *side,
			    const struct call_leg *leg)
{
	prefix_add(out, &side->source);
	if (side->policy == POLICY_WIDE)
		prefix_widen(out, WIDE_LEN4, WIDE_LEN6);
	/*
	 * Who has one address of an IPv6 subnet has them all, and uses several.
	 * One that names the address of its media needs no more than that.
	 */
	else if (sa_af(&leg->sdp_sa) != AF_INET6)
		prefix_widen(out, 32, SUBNET_LEN6);
}

/* Whether anybody may complete the leg: nothing is known, and the realm is a wide one. */
static bool side_is_open(const struct call_side *side)
{
	return side->policy == POLICY_WIDE && side->sources == MEDIA_SOURCE_POLICY && side->heard &&
	       !sa_isset(&side->source, SA_ADDR);
}

/* Where packets may come from that make their sender the peer. */
static void prefixes_describe(struct nattrav_leg *out, const struct call_side *side,
			      const struct call_leg *leg)
{
	if (side_is_open(side))
		return;

	if (side->sources != MEDIA_SOURCE_SDP)
		source_describe(out, side, leg);
	if (side->sources == MEDIA_SOURCE_SDP ||
	    (side->sources == MEDIA_SOURCE_POLICY && addr_is_public(&leg->sdp_sa)))
		prefix_add(out, &leg->sdp_sa);
	if (!out->prefixes)
		prefix_nobody(out);
}

/* A peer that is believed before it has sent anything. */
static void peer_describe(struct nattrav_leg *out, const struct call_leg *leg)
{
	prefix_add(out, &leg->sdp_sa);
	endpoint_from_sa(&out->peer, &leg->sdp_sa);
}

/* 4 times what the other side is ready to hear, in packets of 20 ms of G.711. */
static uint32_t leg_rate(const struct call_stream *stream)
{
	const uint64_t kbits = MAX(stream->leg[0].bandwidth, stream->leg[1].bandwidth);
	const uint64_t pps = RATE_FACTOR * kbits * 1000 / 8 / RATE_PACKET_BYTES;

	if (!kbits &&
	    (stream->kind != SDP_KIND_RTP || !stream->type || strcmp(stream->type, "audio") != 0))
		return RATE_UNKNOWN;

	return (uint32_t)MIN(MAX(pps, (uint64_t)RATE_MIN), (uint64_t)UINT32_MAX);
}

/* RFC 3264 section 6.1: a side sends the numbers that the other listed, but
 * some phones send their own.
 */
static void types_describe(struct nattrav_leg *out, const struct call_leg *leg,
			   const struct call_leg *other)
{
	static const uint8_t none[NATTRAV_PAYLOAD_TYPES_LEN];
	size_t i;

	for (i = 0; i < sizeof(out->payload_types); i++)
		out->payload_types[i] = leg->payload_types[i] | other->payload_types[i];
	if (memcmp(out->payload_types, none, sizeof(none)) != 0)
		out->given |= NATTRAV_LEG_PAYLOAD_TYPES;
}

static void leg_describe(struct nattrav_leg *out, const struct call *call,
			 const struct call_stream *stream, enum nattrav_side side, bool rtcp)
{
	const struct call_leg *leg = &stream->leg[side];
	const struct call_leg *other = &stream->leg[side_other(side)];

	out->given = NATTRAV_LEG_PREFIXES | NATTRAV_LEG_GENERATION | NATTRAV_LEG_WINDOW |
		     NATTRAV_LEG_RATE;
	/* an installed leg keeps its family, wherever the terminal signals from now */
	out->family = (sa_family_t)sa_af(sa_isset(&leg->local, SA_ADDR) ? &leg->local :
									  &call->side[side].source);
	/* RTCP follows its RTP by itself, except where nothing ties them */
	if (call->side[side].policy == POLICY_TRUSTED && !rtcp &&
	    sa_af(&leg->sdp_sa) == out->family)
		peer_describe(out, leg);
	else
		prefixes_describe(out, &call->side[side], leg);
	out->generation = leg->generation;
	out->window = WINDOW_MS;
	out->rate = leg_rate(stream);
	if (call->side[side].rebind) {
		out->given |= NATTRAV_LEG_RELATCH;
		out->relatch = NATTRAV_RELATCH_REBIND;
	}
	if (call->dscp_given) {
		out->given |= NATTRAV_LEG_DSCP;
		out->dscp = call->dscp;
	}
	if (stream->kind != SDP_KIND_RTP)
		return;

	types_describe(out, leg, other);
	out->clock_rate = leg->clock ? leg->clock : other->clock;
	if (out->clock_rate)
		out->given |= NATTRAV_LEG_CLOCK_RATE;
}

static void stream_describe(struct nattrav_stream *out, const struct call *call,
			    const struct call_stream *stream, bool rtcp)
{
	memset(out, 0, sizeof(*out));
	out->given = NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B | NATTRAV_STREAM_TIMEOUT_IDLE |
		     NATTRAV_STREAM_HOLD;
	leg_describe(&out->leg[NATTRAV_SIDE_A], call, stream, NATTRAV_SIDE_A, rtcp);
	leg_describe(&out->leg[NATTRAV_SIDE_B], call, stream, NATTRAV_SIDE_B, rtcp);

	out->timeout_idle = call->idle ? call->idle * 1000 : IDLE_MS;
	/* Silence during a hold is no sign that the call is dead. */
	out->hold = stream->leg[NATTRAV_SIDE_A].held || stream->leg[NATTRAV_SIDE_B].held;
}

static uint64_t cookie_encode(const struct call_stream *stream, bool rtcp)
{
	return stream->index | (rtcp ? COOKIE_RTCP : 0u) |
	       (stream->kind == SDP_KIND_MIXED ? COOKIE_MIXED : 0u);
}

/**
 * stream_cookie_decode() - what a stream that the kernel has is to us
 * @cookie: set to it
 * @stream: the stream, as the kernel tells of it
 *
 * Return: whether it is one that we made, and not the RTCP stream that comes
 * with one of RTP.
 */
bool stream_cookie_decode(struct stream_cookie *cookie, const struct nattrav_stream *stream)
{
	if (!stream->call[0] || !(stream->given & NATTRAV_STREAM_COOKIE) ||
	    stream->cookie & ~(uint64_t)(COOKIE_INDEX | COOKIE_RTCP | COOKIE_MIXED))
		return false;

	cookie->index = (unsigned int)stream->cookie & COOKIE_INDEX;
	cookie->rtcp = stream->cookie & COOKIE_RTCP;
	switch (stream->type) {
	case NATTRAV_STREAM_TYPE_RTP:
		cookie->kind = SDP_KIND_RTP;
		return true;
	case NATTRAV_STREAM_TYPE_UDP:
		cookie->kind = stream->cookie & COOKIE_MIXED ? SDP_KIND_MIXED : SDP_KIND_UDP;
		return true;
	default:
		return false;
	}
}

/**
 * stream_describe_new() - what to install for a stream
 * @out: set to it
 * @call: its call
 * @stream: the stream
 * @rtcp: describe what carries the RTCP of a SDP_KIND_MIXED
 */
void stream_describe_new(struct nattrav_stream *out, const struct call *call,
			 const struct call_stream *stream, bool rtcp)
{
	stream_describe(out, call, stream, rtcp);
	out->given |= NATTRAV_STREAM_COOKIE;
	out->cookie = cookie_encode(stream, rtcp);
	out->type = stream->kind == SDP_KIND_RTP ? NATTRAV_STREAM_TYPE_RTP :
						   NATTRAV_STREAM_TYPE_UDP;
	out->rtcp = stream->kind == SDP_KIND_RTP;
	str_ncpy(out->call, call->name, sizeof(out->call));
	str_ncpy(out->leg[NATTRAV_SIDE_A].realm, call->side[NATTRAV_SIDE_A].realm,
		 sizeof(out->leg[0].realm));
	str_ncpy(out->leg[NATTRAV_SIDE_B].realm, call->side[NATTRAV_SIDE_B].realm,
		 sizeof(out->leg[0].realm));
}

/**
 * stream_describe_set() - what to change in an installed stream
 * @out: set to it
 * @call: its call
 * @stream: the stream
 * @rtcp: describe what carries the RTCP of a SDP_KIND_MIXED
 *
 * The kernel itself passes the policy of RTP on to the RTCP that it is tied to.
 */
void stream_describe_set(struct nattrav_stream *out, const struct call *call,
			 const struct call_stream *stream, bool rtcp)
{
	stream_describe(out, call, stream, rtcp);
	out->id = rtcp ? stream->rtcp : stream->id;
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

	if (!leg->prefixes)
		return re_hprintf(pf, "anybody");

	for (i = 0; i < leg->prefixes && !err; i++) {
		const struct nattrav_endpoint endpoint = { .addr = leg->prefix[i].addr };

		endpoint_to_sa(&sa, &endpoint);
		if (!sa_isset(&sa, SA_ADDR))
			return re_hprintf(pf, "nobody");
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
	else if (endpoint->addr.family == AF_INET6)
		sa_set_in6(sa, endpoint->addr.v6.s6_addr, endpoint->port);
}

/**
 * endpoint_from_sa() - the other way round
 * @endpoint: set to the address and port, or to nothing if they are not set
 * @sa: the address and port
 */
void endpoint_from_sa(struct nattrav_endpoint *endpoint, const struct sa *sa)
{
	memset(endpoint, 0, sizeof(*endpoint));
	switch (sa_af(sa)) {
	case AF_INET:
		endpoint->addr.v4.s_addr = htonl(sa_in(sa));
		break;
	case AF_INET6:
		sa_in6(sa, endpoint->addr.v6.s6_addr);
		break;
	default:
		return;
	}
	endpoint->addr.family = (sa_family_t)sa_af(sa);
	endpoint->port = sa_port(sa);
}
