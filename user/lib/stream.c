// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Streams and their legs.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

static void prefix_build(struct nattrav_msg *msg, const struct nattrav_prefix *prefix)
{
	size_t nest = nattrav_msg_nest(msg, NATTRAV_A_LEG_PREFIX);

	nattrav_msg_put_addr(msg, NATTRAV_A_PREFIX_IPV4, NATTRAV_A_PREFIX_IPV6, &prefix->addr);
	nattrav_msg_put_u8(msg, NATTRAV_A_PREFIX_LEN, prefix->len);
	nattrav_msg_nest_end(msg, nest);
}

static void prefixes_build(struct nattrav_msg *msg, const struct nattrav_leg *leg, uint8_t cmd)
{
	const struct nattrav_prefix any = {
		.addr.family = leg->family ? leg->family : AF_INET,
	};
	unsigned int i;

	if (leg->prefixes > NATTRAV_PREFIX_MAX)
		nattrav_msg_fail(msg, -EINVAL);
	for (i = 0; i < leg->prefixes && i < NATTRAV_PREFIX_MAX; i++)
		prefix_build(msg, &leg->prefix[i]);
	/* In set, where silence means no change, "no prefix" must be said. */
	if (!leg->prefixes && cmd == NATTRAV_CMD_STREAM_SET)
		prefix_build(msg, &any);
}

static void endpoints_build(struct nattrav_msg *msg, const struct nattrav_leg *leg)
{
	if (leg->local.addr.family)
		nattrav_msg_put_addr(msg, NATTRAV_A_LEG_LOCAL_IPV4, NATTRAV_A_LEG_LOCAL_IPV6,
				     &leg->local.addr);
	if (leg->local.port)
		nattrav_msg_put_port(msg, NATTRAV_A_LEG_LOCAL_PORT, leg->local.port);
	if (leg->peer.addr.family)
		nattrav_msg_put_addr(msg, NATTRAV_A_LEG_PEER_IPV4, NATTRAV_A_LEG_PEER_IPV6,
				     &leg->peer.addr);
	if (leg->peer.port)
		nattrav_msg_put_port(msg, NATTRAV_A_LEG_PEER_PORT, leg->peer.port);
	if (leg->rtcp_peer.addr.family)
		nattrav_msg_put_addr(msg, NATTRAV_A_LEG_RTCP_PEER_IPV4,
				     NATTRAV_A_LEG_RTCP_PEER_IPV6, &leg->rtcp_peer.addr);
	if (leg->rtcp_peer.port)
		nattrav_msg_put_port(msg, NATTRAV_A_LEG_RTCP_PEER_PORT, leg->rtcp_peer.port);
}

/* What is known of a peer means nothing without it. */
static void peer_build(struct nattrav_msg *msg, const struct nattrav_leg *leg)
{
	if (!leg->peer.addr.family)
		return;
	if (leg->given & NATTRAV_LEG_LATCHED)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_LATCHED_GENERATION, leg->latched_generation);
	if (leg->given & NATTRAV_LEG_SSRC)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_SSRC, leg->ssrc);
	if (leg->given & NATTRAV_LEG_SEQUENCE)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_SEQUENCE, leg->sequence);
}

static void leg_build(struct nattrav_msg *msg, uint16_t type, const struct nattrav_leg *leg,
		      uint8_t cmd)
{
	size_t nest = nattrav_msg_nest(msg, type);

	if (leg->realm[0])
		nattrav_msg_put_string(msg, NATTRAV_A_LEG_REALM, leg->realm);
	if (leg->family)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_FAMILY,
				    leg->family == AF_INET6 ? NATTRAV_FAMILY_IPV6 :
							      NATTRAV_FAMILY_IPV4);
	endpoints_build(msg, leg);
	peer_build(msg, leg);
	if (leg->given & NATTRAV_LEG_PREFIXES)
		prefixes_build(msg, leg, cmd);
	if (leg->given & NATTRAV_LEG_PAYLOAD_TYPES)
		nattrav_msg_put(msg, NATTRAV_A_LEG_PAYLOAD_TYPES, leg->payload_types,
				sizeof(leg->payload_types));
	if (leg->given & NATTRAV_LEG_WINDOW)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_WINDOW, leg->window);
	if (leg->given & NATTRAV_LEG_WINDOW_LEFT)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_WINDOW_LEFT, leg->window_left);
	if (leg->given & NATTRAV_LEG_GENERATION)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_GENERATION, leg->generation);
	if (leg->given & NATTRAV_LEG_PROBATION)
		nattrav_msg_put_u8(msg, NATTRAV_A_LEG_PROBATION, leg->probation);
	if (leg->given & NATTRAV_LEG_RELATCH)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_RELATCH, leg->relatch);
	if (leg->given & NATTRAV_LEG_RATE)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_RATE, leg->rate);
	if (leg->given & NATTRAV_LEG_CLOCK_RATE)
		nattrav_msg_put_u32(msg, NATTRAV_A_LEG_CLOCK_RATE, leg->clock_rate);
	if (leg->given & NATTRAV_LEG_DSCP)
		nattrav_msg_put_u8(msg, NATTRAV_A_LEG_DSCP, leg->dscp);
	if (leg->given & NATTRAV_LEG_MANY_SSRC)
		nattrav_msg_put_u8(msg, NATTRAV_A_LEG_MANY_SSRC, leg->many_ssrc);
	nattrav_msg_nest_end(msg, nest);
}

/**
 * nattrav_stream_build() - append a stream to a request
 * @msg: the request
 * @stream: the stream
 * @cmd: NATTRAV_CMD_STREAM_NEW: both legs are written, given or not;
 *	NATTRAV_CMD_STREAM_SET: the id, and only what is given;
 *	NATTRAV_CMD_STREAM_GET: the filter of a dump
 */
void nattrav_stream_build(struct nattrav_msg *msg, const struct nattrav_stream *stream, uint8_t cmd)
{
	size_t nest = nattrav_msg_nest(msg, NATTRAV_A_STREAMS_ENTRY);
	uint32_t given = stream->given;

	if (cmd == NATTRAV_CMD_STREAM_NEW)
		given |= NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B;
	if (cmd == NATTRAV_CMD_STREAM_GET)
		given &= NATTRAV_STREAM_STATE;
	else
		given &= ~NATTRAV_STREAM_STATE;

	if (cmd == NATTRAV_CMD_STREAM_SET)
		nattrav_msg_put_u32(msg, NATTRAV_A_STREAM_ID, stream->id);
	else if (stream->call[0])
		nattrav_msg_put_string(msg, NATTRAV_A_STREAM_CALL, stream->call);
	if (given & NATTRAV_STREAM_COOKIE)
		nattrav_msg_put_u64(msg, NATTRAV_A_STREAM_COOKIE, stream->cookie);
	if (cmd == NATTRAV_CMD_STREAM_NEW && stream->type != NATTRAV_STREAM_TYPE_RTP)
		nattrav_msg_put_u32(msg, NATTRAV_A_STREAM_TYPE, stream->type);
	if (cmd == NATTRAV_CMD_STREAM_NEW && stream->rtcp)
		nattrav_msg_put(msg, NATTRAV_A_STREAM_RTCP, NULL, 0);
	if (given & NATTRAV_STREAM_LEG_A)
		leg_build(msg, NATTRAV_A_STREAM_LEG_A, &stream->leg[NATTRAV_SIDE_A], cmd);
	if (given & NATTRAV_STREAM_LEG_B)
		leg_build(msg, NATTRAV_A_STREAM_LEG_B, &stream->leg[NATTRAV_SIDE_B], cmd);
	if (given & NATTRAV_STREAM_TIMEOUT_PARTIAL)
		nattrav_msg_put_u32(msg, NATTRAV_A_STREAM_TIMEOUT_PARTIAL, stream->timeout_partial);
	if (given & NATTRAV_STREAM_TIMEOUT_IDLE)
		nattrav_msg_put_u32(msg, NATTRAV_A_STREAM_TIMEOUT_IDLE, stream->timeout_idle);
	if (given & NATTRAV_STREAM_TIMEOUT_MAX)
		nattrav_msg_put_u32(msg, NATTRAV_A_STREAM_TIMEOUT_MAX, stream->timeout_max);
	if (given & NATTRAV_STREAM_HOLD)
		nattrav_msg_put_u8(msg, NATTRAV_A_STREAM_HOLD, stream->hold);
	if (given & NATTRAV_STREAM_STATE)
		nattrav_msg_put_u32(msg, NATTRAV_A_STREAM_STATE, stream->state);
	nattrav_msg_nest_end(msg, nest);
}

static struct nattrav_endpoint endpoint_parse(const struct nlattr *ipv4, const struct nlattr *ipv6,
					      const struct nlattr *port)
{
	return (struct nattrav_endpoint){ .addr = nattrav_attr_addr(ipv4, ipv6),
					  .port = nattrav_attr_port(port) };
}

/* What is absent in a reply was not given: the flag stays clear. */
static uint32_t given_flag(const struct nlattr *attr, uint32_t flag)
{
	return attr ? flag : 0;
}

static uint32_t leg_given(const struct nlattr *const *tb)
{
	return given_flag(tb[NATTRAV_A_LEG_PREFIX], NATTRAV_LEG_PREFIXES) |
	       given_flag(tb[NATTRAV_A_LEG_PAYLOAD_TYPES], NATTRAV_LEG_PAYLOAD_TYPES) |
	       given_flag(tb[NATTRAV_A_LEG_WINDOW], NATTRAV_LEG_WINDOW) |
	       given_flag(tb[NATTRAV_A_LEG_GENERATION], NATTRAV_LEG_GENERATION) |
	       given_flag(tb[NATTRAV_A_LEG_LAST_SEEN], NATTRAV_LEG_LAST_SEEN) |
	       given_flag(tb[NATTRAV_A_LEG_SSRC], NATTRAV_LEG_SSRC) |
	       given_flag(tb[NATTRAV_A_LEG_PROBATION], NATTRAV_LEG_PROBATION) |
	       given_flag(tb[NATTRAV_A_LEG_RELATCH], NATTRAV_LEG_RELATCH) |
	       given_flag(tb[NATTRAV_A_LEG_RATE], NATTRAV_LEG_RATE) |
	       given_flag(tb[NATTRAV_A_LEG_CLOCK_RATE], NATTRAV_LEG_CLOCK_RATE) |
	       given_flag(tb[NATTRAV_A_LEG_RECEIVED], NATTRAV_LEG_RTP) |
	       given_flag(tb[NATTRAV_A_LEG_DSCP], NATTRAV_LEG_DSCP) |
	       given_flag(tb[NATTRAV_A_LEG_MANY_SSRC], NATTRAV_LEG_MANY_SSRC) |
	       given_flag(tb[NATTRAV_A_LEG_WINDOW_LEFT], NATTRAV_LEG_WINDOW_LEFT) |
	       given_flag(tb[NATTRAV_A_LEG_LATCHED_GENERATION], NATTRAV_LEG_LATCHED) |
	       given_flag(tb[NATTRAV_A_LEG_SEQUENCE], NATTRAV_LEG_SEQUENCE) |
	       given_flag(tb[NATTRAV_A_LEG_SILENCE], NATTRAV_LEG_SILENCE) |
	       given_flag(tb[NATTRAV_A_LEG_LAST_DROP], NATTRAV_LEG_LAST_DROP);
}

static void leg_parse_policy(const struct nlattr *const *tb, struct nattrav_leg *leg)
{
	nattrav_attr_string(tb[NATTRAV_A_LEG_REALM], leg->realm, sizeof(leg->realm));
	if (tb[NATTRAV_A_LEG_FAMILY])
		leg->family = nattrav_attr_u32(tb[NATTRAV_A_LEG_FAMILY]) == NATTRAV_FAMILY_IPV6 ?
				      AF_INET6 :
				      AF_INET;
	if (tb[NATTRAV_A_LEG_PAYLOAD_TYPES])
		memcpy(leg->payload_types, mnl_attr_get_payload(tb[NATTRAV_A_LEG_PAYLOAD_TYPES]),
		       sizeof(leg->payload_types));
	leg->window = nattrav_attr_u32(tb[NATTRAV_A_LEG_WINDOW]);
	leg->generation = nattrav_attr_u32(tb[NATTRAV_A_LEG_GENERATION]);
	leg->probation = nattrav_attr_u8(tb[NATTRAV_A_LEG_PROBATION]);
	leg->relatch = nattrav_attr_u32(tb[NATTRAV_A_LEG_RELATCH]);
	leg->rate = nattrav_attr_u32(tb[NATTRAV_A_LEG_RATE]);
	leg->clock_rate = nattrav_attr_u32(tb[NATTRAV_A_LEG_CLOCK_RATE]);
	leg->window_left = nattrav_attr_u32(tb[NATTRAV_A_LEG_WINDOW_LEFT]);
	leg->dscp = nattrav_attr_u8(tb[NATTRAV_A_LEG_DSCP]);
	leg->many_ssrc = nattrav_attr_u8(tb[NATTRAV_A_LEG_MANY_SSRC]);
}

static void leg_parse_state(const struct nlattr *const *tb, struct nattrav_leg *leg)
{
	leg->local = endpoint_parse(tb[NATTRAV_A_LEG_LOCAL_IPV4], tb[NATTRAV_A_LEG_LOCAL_IPV6],
				    tb[NATTRAV_A_LEG_LOCAL_PORT]);
	leg->peer = endpoint_parse(tb[NATTRAV_A_LEG_PEER_IPV4], tb[NATTRAV_A_LEG_PEER_IPV6],
				   tb[NATTRAV_A_LEG_PEER_PORT]);
	leg->state = nattrav_attr_u32(tb[NATTRAV_A_LEG_STATE]);
	leg->packets = nattrav_attr_u64(tb[NATTRAV_A_LEG_PACKETS]);
	leg->bytes = nattrav_attr_u64(tb[NATTRAV_A_LEG_BYTES]);
	leg->dropped = nattrav_attr_u64(tb[NATTRAV_A_LEG_DROPPED]);
	leg->last_seen = nattrav_attr_u32(tb[NATTRAV_A_LEG_LAST_SEEN]);
	leg->silence = nattrav_attr_u32(tb[NATTRAV_A_LEG_SILENCE]);
	leg->one_way = tb[NATTRAV_A_LEG_ONE_WAY];
	leg->last_drop = nattrav_attr_u32(tb[NATTRAV_A_LEG_LAST_DROP]);
	leg->ssrc = nattrav_attr_u32(tb[NATTRAV_A_LEG_SSRC]);
	leg->sequence = nattrav_attr_u32(tb[NATTRAV_A_LEG_SEQUENCE]);
	leg->latched_generation = nattrav_attr_u32(tb[NATTRAV_A_LEG_LATCHED_GENERATION]);
	leg->rtcp_peer = endpoint_parse(tb[NATTRAV_A_LEG_RTCP_PEER_IPV4],
					tb[NATTRAV_A_LEG_RTCP_PEER_IPV6],
					tb[NATTRAV_A_LEG_RTCP_PEER_PORT]);
	leg->payload_type = nattrav_attr_u8(tb[NATTRAV_A_LEG_PAYLOAD_TYPE]);
	leg->received = nattrav_attr_u32(tb[NATTRAV_A_LEG_RECEIVED]);
	leg->lost = nattrav_attr_u32(tb[NATTRAV_A_LEG_LOST]);
	leg->reordered = nattrav_attr_u32(tb[NATTRAV_A_LEG_REORDERED]);
	leg->duplicates = nattrav_attr_u32(tb[NATTRAV_A_LEG_DUPLICATES]);
	leg->jitter = nattrav_attr_u32(tb[NATTRAV_A_LEG_JITTER]);
	leg->ssrc_changes = nattrav_attr_u32(tb[NATTRAV_A_LEG_SSRC_CHANGES]);
	leg->intruder = endpoint_parse(tb[NATTRAV_A_LEG_INTRUDER_IPV4],
				       tb[NATTRAV_A_LEG_INTRUDER_IPV6],
				       tb[NATTRAV_A_LEG_INTRUDER_PORT]);
	leg->intruder_packets = nattrav_attr_u64(tb[NATTRAV_A_LEG_INTRUDER_PACKETS]);
	leg->icmp_errors = nattrav_attr_u32(tb[NATTRAV_A_LEG_ICMP_ERRORS]);
}

static int leg_parse(const struct nlattr *nest, struct nattrav_leg *leg)
{
	const struct nlattr *tb[NATTRAV_A_LEG_MAX + 1], *prefix[NATTRAV_A_PREFIX_MAX + 1], *attr;
	int err;

	err = nattrav_attrs_parse(&nattrav_set_leg, nest, tb);
	if (err)
		return err;
	leg->given = leg_given(tb);
	leg_parse_policy(tb, leg);
	leg_parse_state(tb, leg);

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) != NATTRAV_A_LEG_PREFIX ||
		    leg->prefixes == NATTRAV_PREFIX_MAX)
			continue;
		err = nattrav_attrs_parse(&nattrav_set_prefix, attr, prefix);
		if (err)
			return err;
		leg->prefix[leg->prefixes++] = (struct nattrav_prefix){
			.addr = nattrav_attr_addr(prefix[NATTRAV_A_PREFIX_IPV4],
						  prefix[NATTRAV_A_PREFIX_IPV6]),
			.len = nattrav_attr_u8(prefix[NATTRAV_A_PREFIX_LEN]),
		};
	}
	return 0;
}

int nattrav_stream_parse(const struct nlattr *nest, struct nattrav_stream *stream)
{
	const struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	int err;

	err = nattrav_attrs_parse(&nattrav_set_stream, nest, tb);
	if (err)
		return err;
	*stream = (struct nattrav_stream){
		.given =
			given_flag(tb[NATTRAV_A_STREAM_COOKIE], NATTRAV_STREAM_COOKIE) |
			given_flag(tb[NATTRAV_A_STREAM_TIMEOUT_PARTIAL],
				   NATTRAV_STREAM_TIMEOUT_PARTIAL) |
			given_flag(tb[NATTRAV_A_STREAM_TIMEOUT_IDLE], NATTRAV_STREAM_TIMEOUT_IDLE) |
			given_flag(tb[NATTRAV_A_STREAM_TIMEOUT_MAX], NATTRAV_STREAM_TIMEOUT_MAX) |
			given_flag(tb[NATTRAV_A_STREAM_LEG_A], NATTRAV_STREAM_LEG_A) |
			given_flag(tb[NATTRAV_A_STREAM_LEG_B], NATTRAV_STREAM_LEG_B) |
			given_flag(tb[NATTRAV_A_STREAM_STATE], NATTRAV_STREAM_STATE) |
			given_flag(tb[NATTRAV_A_STREAM_HOLD], NATTRAV_STREAM_HOLD),
		.id = nattrav_attr_u32(tb[NATTRAV_A_STREAM_ID]),
		.cookie = nattrav_attr_u64(tb[NATTRAV_A_STREAM_COOKIE]),
		.type = nattrav_attr_u32(tb[NATTRAV_A_STREAM_TYPE]),
		.rtcp = tb[NATTRAV_A_STREAM_RTCP],
		.tied = nattrav_attr_u32(tb[NATTRAV_A_STREAM_TIED]),
		.timeout_partial = nattrav_attr_u32(tb[NATTRAV_A_STREAM_TIMEOUT_PARTIAL]),
		.timeout_idle = nattrav_attr_u32(tb[NATTRAV_A_STREAM_TIMEOUT_IDLE]),
		.timeout_max = nattrav_attr_u32(tb[NATTRAV_A_STREAM_TIMEOUT_MAX]),
		.hold = nattrav_attr_u8(tb[NATTRAV_A_STREAM_HOLD]),
		.age = nattrav_attr_u64(tb[NATTRAV_A_STREAM_AGE]),
		.state = nattrav_attr_u32(tb[NATTRAV_A_STREAM_STATE]),
	};
	nattrav_attr_string(tb[NATTRAV_A_STREAM_CALL], stream->call, sizeof(stream->call));
	if (tb[NATTRAV_A_STREAM_LEG_A])
		err = leg_parse(tb[NATTRAV_A_STREAM_LEG_A], &stream->leg[NATTRAV_SIDE_A]);
	if (!err && tb[NATTRAV_A_STREAM_LEG_B])
		err = leg_parse(tb[NATTRAV_A_STREAM_LEG_B], &stream->leg[NATTRAV_SIDE_B]);
	return err;
}

/* Where the streams of a reply go; those that find no room are only counted. */
struct stream_made {
	struct nattrav_stream *streams;
	size_t count;
	size_t max;
};

static int stream_made_entry(const struct nlattr *entry, void *arg)
{
	struct stream_made *made = arg;
	size_t i = made->count++;

	return i < made->max ? nattrav_stream_parse(entry, &made->streams[i]) : 0;
}

static int stream_made_reply(const struct nlmsghdr *nlh, void *arg)
{
	return nattrav_for_each_entry(nlh, stream_made_entry, arg);
}

int nattrav_stream_new(struct nattrav *handle, const struct nattrav_stream *streams, size_t count,
		       struct nattrav_stream *made, size_t made_max)
{
	struct stream_made reply = { .streams = made, .max = made ? made_max : 0 };
	size_t i;
	int err;

	if (!count)
		return 0;
	err = nattrav_begin(handle, NATTRAV_CMD_STREAM_NEW, NLM_F_ACK);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		nattrav_stream_build(&handle->msg, &streams[i], NATTRAV_CMD_STREAM_NEW);
	nattrav_sock_expect(&handle->sock, count);
	err = nattrav_request(handle, stream_made_reply, &reply);
	return err ? err : (int)reply.count;
}

int nattrav_stream_set(struct nattrav *handle, const struct nattrav_stream *streams, size_t count)
{
	size_t i;
	int err;

	if (!count)
		return 0;
	err = nattrav_begin(handle, NATTRAV_CMD_STREAM_SET, NLM_F_ACK);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		nattrav_stream_build(&handle->msg, &streams[i], NATTRAV_CMD_STREAM_SET);
	return nattrav_request(handle, NULL, NULL);
}

int nattrav_stream_del(struct nattrav *handle, const uint32_t *ids, size_t count)
{
	return nattrav_del_ids(handle, NATTRAV_CMD_STREAM_DEL, ids, count);
}

int nattrav_stream_del_call(struct nattrav *handle, const char *call)
{
	size_t nest;
	int err;

	err = nattrav_begin(handle, NATTRAV_CMD_STREAM_DEL, NLM_F_ACK);
	if (err)
		return err;
	nest = nattrav_msg_nest(&handle->msg, NATTRAV_A_STREAMS_ENTRY);
	nattrav_msg_put_string(&handle->msg, NATTRAV_A_STREAM_CALL, call);
	nattrav_msg_nest_end(&handle->msg, nest);
	return nattrav_request(handle, NULL, NULL);
}

int nattrav_stream_get(struct nattrav *handle, uint32_t id, struct nattrav_stream *stream)
{
	struct stream_made reply = { .streams = stream, .max = 1 };
	size_t nest;
	int err;

	err = nattrav_begin(handle, NATTRAV_CMD_STREAM_GET, NLM_F_ACK);
	if (err)
		return err;
	nest = nattrav_msg_nest(&handle->msg, NATTRAV_A_STREAMS_ENTRY);
	nattrav_msg_put_u32(&handle->msg, NATTRAV_A_STREAM_ID, id);
	nattrav_msg_nest_end(&handle->msg, nest);
	err = nattrav_request(handle, stream_made_reply, &reply);
	if (!err && !reply.count)
		err = nattrav_fail(handle, -EBADMSG, "the reply holds no stream");
	return err;
}

/* Whom the streams of a dump are told to. */
struct stream_dump {
	nattrav_stream_fn *fn;
	void *arg;
};

static int stream_dump_entry(const struct nlattr *entry, void *arg)
{
	const struct stream_dump *dump = arg;
	struct nattrav_stream stream;
	int err;

	err = nattrav_stream_parse(entry, &stream);
	return err ? err : dump->fn(&stream, dump->arg);
}

static int stream_dump_reply(const struct nlmsghdr *nlh, void *arg)
{
	return nattrav_for_each_entry(nlh, stream_dump_entry, arg);
}

int nattrav_stream_dump(struct nattrav *handle, const struct nattrav_stream *filter,
			nattrav_stream_fn *fn, void *arg)
{
	struct stream_dump dump = { .fn = fn, .arg = arg };
	int err;

	err = nattrav_begin(handle, NATTRAV_CMD_STREAM_GET, NLM_F_DUMP);
	if (err)
		return err;
	/* An entry without a filter in it would say nothing; leave it out. */
	if (filter && (filter->call[0] || (filter->given & NATTRAV_STREAM_STATE)))
		nattrav_stream_build(&handle->msg, filter, NATTRAV_CMD_STREAM_GET);
	return nattrav_request(handle, stream_dump_reply, &dump);
}
