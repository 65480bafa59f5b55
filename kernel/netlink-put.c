// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing streams into netlink messages: replies, dumps and events. The caller
 * holds nattrav_net.lock; what packets write is read under nattrav_leg.lock.
 */
#include "netlink.h"

/**
 * nattrav_put_addr() - write an address
 * @skb: where to
 * @type4: attribute for an IPv4 address
 * @type6: attribute for an IPv6 address
 * @addr: the address
 * @family: its family
 *
 * Return: 0 or -EMSGSIZE.
 */
int nattrav_put_addr(struct sk_buff *skb, int type4, int type6, const union nf_inet_addr *addr,
		     u8 family)
{
	return family == AF_INET ? nla_put_in_addr(skb, type4, addr->ip) :
				   nla_put_in6_addr(skb, type6, &addr->in6);
}

static int latch_put(struct sk_buff *skb, const struct latch *latch, u8 family)
{
	u64 now = nattrav_now_ms();
	unsigned int i;

	for (i = 0; i < latch->prefixes; i++) {
		struct nlattr *nest = nla_nest_start(skb, NATTRAV_A_LEG_PREFIX);

		if (!nest ||
		    nattrav_put_addr(skb, NATTRAV_A_PREFIX_IPV4, NATTRAV_A_PREFIX_IPV6,
				     &latch->prefix[i].addr, family) ||
		    nla_put_u8(skb, NATTRAV_A_PREFIX_LEN, latch->prefix[i].len))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}

	if (latch->check_payload_type &&
	    nla_put(skb, NATTRAV_A_LEG_PAYLOAD_TYPES, sizeof(latch->payload_types),
		    latch->payload_types))
		return -EMSGSIZE;

	if (nla_put_u32(skb, NATTRAV_A_LEG_WINDOW, latch->window) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_WINDOW_LEFT,
			latch->deadline > now ? latch->deadline - now : 0))
		return -EMSGSIZE;

	return 0;
}

/* The policy is written under nattrav_net.lock only: RTP's may be read for RTCP. */
static int leg_put_policy(struct sk_buff *skb, const struct nattrav_leg *leg)
{
	const struct nattrav_session *session = nattrav_stream_session(nattrav_leg_stream(leg));
	const struct latch *latch = &session->latch[leg->side];
	u8 probation = latch->probation_packets, relatch = latch->relatch;
	u32 generation = latch->generation;

	if (leg->type == NATTRAV_STREAM_TYPE_RTCP) {
		probation = 1;
		generation = nattrav_leg_rtcp(leg)->generation;
		relatch = nattrav_leg_rtcp(leg)->relatch;
	}

	if (latch_put(skb, latch, leg->family) ||
	    (leg->many_ssrc && nla_put_u8(skb, NATTRAV_A_LEG_MANY_SSRC, 1)) ||
	    (leg->dscp && nla_put_u8(skb, NATTRAV_A_LEG_DSCP, leg->dscp - 1)) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_GENERATION, generation) ||
	    nla_put_u8(skb, NATTRAV_A_LEG_PROBATION, max_t(u8, probation, 1)) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_RELATCH, relatch) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_RATE, leg->rate) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_CLOCK_RATE, session->clock_rate[leg->side]))
		return -EMSGSIZE;

	return 0;
}

static int leg_put_ssrc(struct sk_buff *skb, const struct nattrav_leg *leg)
{
	bool heard;
	u32 ssrc;

	if (leg->type == NATTRAV_STREAM_TYPE_RTCP) {
		heard = nattrav_leg_rtcp(leg)->heard;
		ssrc = nattrav_leg_rtcp(leg)->ssrc;
	} else {
		heard = nattrav_leg_media(leg)->rtp[leg->side].heard;
		ssrc = nattrav_leg_media(leg)->rtp[leg->side].ssrc;
	}

	return heard ? nla_put_u32(skb, NATTRAV_A_LEG_SSRC, ssrc) : 0;
}

static u32 leg_latched_generation(const struct nattrav_leg *leg)
{
	return leg->type == NATTRAV_STREAM_TYPE_RTCP ?
	       nattrav_leg_rtcp(leg)->latched_generation :
	       nattrav_leg_media(leg)->latch[leg->side].latched_generation;
}

static int leg_put_state(struct sk_buff *skb, const struct nattrav_leg *leg,
			 const struct nattrav_path *path)
{
	u32 icmp_errors;

	if (nla_put_u32(skb, NATTRAV_A_LEG_STATE,
			path ? NATTRAV_STATE_COMPLETE : NATTRAV_STATE_PARTIAL) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_LEG_PACKETS, leg->packets, NATTRAV_A_LEG_PAD) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_LEG_BYTES, leg->bytes, NATTRAV_A_LEG_PAD) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_LEG_DROPPED, leg->dropped, NATTRAV_A_LEG_PAD))
		return -EMSGSIZE;

	if (path &&
	    (nattrav_put_addr(skb, NATTRAV_A_LEG_PEER_IPV4, NATTRAV_A_LEG_PEER_IPV6,
			      &path->peer.addr, leg->family) ||
	     nla_put_be16(skb, NATTRAV_A_LEG_PEER_PORT, path->peer.port) ||
	     nla_put_u32(skb, NATTRAV_A_LEG_LATCHED_GENERATION,
			 leg_latched_generation(leg)) ||
	     nla_put_u32(skb, NATTRAV_A_LEG_SILENCE, nattrav_leg_silence(leg)) ||
	     (nattrav_leg_one_way(leg) && nla_put_flag(skb, NATTRAV_A_LEG_ONE_WAY))))
		return -EMSGSIZE;

	if (leg->last_drop && nla_put_u32(skb, NATTRAV_A_LEG_LAST_DROP, leg->last_drop - 1))
		return -EMSGSIZE;

	icmp_errors = nattrav_leg_stream(leg)->icmp_errors[leg->side];
	if (icmp_errors && nla_put_u32(skb, NATTRAV_A_LEG_ICMP_ERRORS, icmp_errors))
		return -EMSGSIZE;

	if (leg->seen && nla_put_u32(skb, NATTRAV_A_LEG_LAST_SEEN,
				     jiffies_to_msecs((u32)jiffies - leg->last_seen)))
		return -EMSGSIZE;

	if (leg_put_ssrc(skb, leg))
		return -EMSGSIZE;

	if (leg->intruder_packets &&
	    (nattrav_put_addr(skb, NATTRAV_A_LEG_INTRUDER_IPV4, NATTRAV_A_LEG_INTRUDER_IPV6,
			      &leg->intruder, leg->family) ||
	     nla_put_be16(skb, NATTRAV_A_LEG_INTRUDER_PORT, leg->intruder_port) ||
	     nla_put_u64_64bit(skb, NATTRAV_A_LEG_INTRUDER_PACKETS, leg->intruder_packets,
			       NATTRAV_A_LEG_PAD)))
		return -EMSGSIZE;

	return 0;
}

static int leg_put_rtp(struct sk_buff *skb, const struct nattrav_leg *leg)
{
	const struct nattrav_session *session;
	const struct rtp_source *rtp;
	u64 jitter_us;

	if (leg->type != NATTRAV_STREAM_TYPE_RTP)
		return 0;

	session = nattrav_leg_media(leg);
	rtp = &session->rtp[leg->side];
	if (!rtp->heard)
		return 0;

	jitter_us = (u64)(rtp->jitter >> 4) * USEC_PER_SEC;
	if (nla_put_u8(skb, NATTRAV_A_LEG_PAYLOAD_TYPE, rtp->payload_type) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_SEQUENCE, rtp->max_seq) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_RECEIVED, rtp->received) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_LOST, rtp_source_lost(rtp)) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_REORDERED, rtp->reordered) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_DUPLICATES, rtp->duplicates) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_JITTER,
			div_u64(jitter_us, session->clock_rate[leg->side])) ||
	    nla_put_u32(skb, NATTRAV_A_LEG_SSRC_CHANGES, rtp->ssrc_changes))
		return -EMSGSIZE;

	return 0;
}

static int leg_put(struct sk_buff *skb, int type, struct nattrav_leg *leg,
		   enum nattrav_detail detail)
{
	struct nlattr *nest = nla_nest_start(skb, type);
	int err = 0;

	if (!nest ||
	    nla_put_u32(skb, NATTRAV_A_LEG_FAMILY,
			leg->family == AF_INET6 ? NATTRAV_FAMILY_IPV6 : NATTRAV_FAMILY_IPV4) ||
	    nattrav_put_addr(skb, NATTRAV_A_LEG_LOCAL_IPV4, NATTRAV_A_LEG_LOCAL_IPV6,
			     nattrav_leg_local(leg), leg->family) ||
	    nla_put_be16(skb, NATTRAV_A_LEG_LOCAL_PORT, leg->local_port) ||
	    nla_put_string(skb, NATTRAV_A_LEG_REALM, leg->pool->realm))
		return -EMSGSIZE;

	if (detail >= NATTRAV_DETAIL_ALL) {
		spin_lock_bh(&leg->lock);
		err = leg_put_policy(skb, leg);
		if (!err)
			err = leg_put_rtp(skb, leg);
		if (!err)
			err = leg_put_state(skb, leg,
					    rcu_dereference_protected(leg->path,
								      lockdep_is_held(&leg->lock)));
		spin_unlock_bh(&leg->lock);
	}

	nla_nest_end(skb, nest);
	return err;
}

/**
 * nattrav_stream_put() - write the attributes of a stream
 * @skb: where to; what is there on failure is for the caller to cancel
 * @stream: the stream; the caller holds the lock of its network namespace
 * @detail: how much
 *
 * Return: 0 or -EMSGSIZE.
 */
int nattrav_stream_put(struct sk_buff *skb, struct nattrav_stream *stream,
		       enum nattrav_detail detail)
{
	const struct nattrav_session *session = nattrav_stream_session(stream);
	const struct nattrav_stream *tied = nattrav_stream_tied(stream);
	u64 age = get_jiffies_64() - session->created;

	if (nla_put_u32(skb, NATTRAV_A_STREAM_ID, stream->id) ||
	    nla_put_u32(skb, NATTRAV_A_STREAM_TYPE, stream->type) ||
	    (tied && nla_put_u32(skb, NATTRAV_A_STREAM_TIED, tied->id)) ||
	    (session->call && nla_put_string(skb, NATTRAV_A_STREAM_CALL, session->call->id)) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_STREAM_COOKIE, session->cookie,
			      NATTRAV_A_STREAM_PAD))
		return -EMSGSIZE;

	if (detail == NATTRAV_DETAIL_IDENTITY)
		return 0;

	if (leg_put(skb, NATTRAV_A_STREAM_LEG_A, &stream->leg[NATTRAV_SIDE_A], detail) ||
	    leg_put(skb, NATTRAV_A_STREAM_LEG_B, &stream->leg[NATTRAV_SIDE_B], detail))
		return -EMSGSIZE;

	if (detail == NATTRAV_DETAIL_PORTS)
		return 0;

	if (nla_put_u32(skb, NATTRAV_A_STREAM_TIMEOUT_PARTIAL, session->timeout_partial) ||
	    nla_put_u32(skb, NATTRAV_A_STREAM_TIMEOUT_IDLE, session->timeout_idle) ||
	    nla_put_u32(skb, NATTRAV_A_STREAM_TIMEOUT_MAX, session->timeout_max) ||
	    (session->media.hold && nla_put_u8(skb, NATTRAV_A_STREAM_HOLD, 1)) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_STREAM_AGE, jiffies64_to_msecs(age),
			      NATTRAV_A_STREAM_PAD) ||
	    nla_put_u32(skb, NATTRAV_A_STREAM_STATE,
			nattrav_stream_complete(stream) ? NATTRAV_STATE_COMPLETE :
							  NATTRAV_STATE_PARTIAL))
		return -EMSGSIZE;

	return 0;
}

static int entry_put(struct sk_buff *skb, struct nattrav_stream *stream,
		     enum nattrav_detail detail)
{
	struct nlattr *entry = nla_nest_start(skb, NATTRAV_A_STREAMS_ENTRY);

	if (!entry)
		return -EMSGSIZE;

	if (nattrav_stream_put(skb, stream, detail)) {
		nla_nest_cancel(skb, entry);
		return -EMSGSIZE;
	}

	nla_nest_end(skb, entry);
	return 0;
}

/**
 * nattrav_entry_put_ports() - write an entry with what new has chosen
 * @skb: where to
 * @object: struct nattrav_stream; the caller holds the lock of its namespace
 *
 * Return: 0, or -EMSGSIZE with nothing written.
 */
int nattrav_entry_put_ports(struct sk_buff *skb, void *object)
{
	return entry_put(skb, object, NATTRAV_DETAIL_PORTS);
}

/**
 * nattrav_entry_put_all() - write an entry with all that is known
 * @skb: where to
 * @object: struct nattrav_stream; the caller holds the lock of its namespace
 *
 * Return: 0, or -EMSGSIZE with nothing written.
 */
int nattrav_entry_put_all(struct sk_buff *skb, void *object)
{
	return entry_put(skb, object, NATTRAV_DETAIL_ALL);
}
