// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths: how a leg gets its peer, and the way there. Everything here is out of
 * the fast path's line: the first packet of a leg, foreign packets, route
 * changes. nattrav_leg.lock lets two first packets on two CPUs agree.
 */
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "nattrav.h"
#include "trace.h"

/* At least so long between two intruder events of a leg. */
#define INTRUDER_EVENT_INTERVAL HZ

/**
 * nattrav_path_alloc() - make a path without a route
 * @peer: where it leads
 * @gfp: how to allocate
 *
 * Return: the path, or NULL.
 */
struct nattrav_path *nattrav_path_alloc(const struct latch_source *peer, gfp_t gfp)
{
	struct nattrav_path *path = kzalloc(sizeof(*path), gfp);

	if (path)
		path->peer = *peer;

	return path;
}

/**
 * nattrav_path_free() - free a path after a grace period
 * @path: the path, not to be found any more, or NULL
 *
 * The route may be let go at once: packets that use it hold no reference, but
 * a dst_entry is freed after a grace period, too.
 */
void nattrav_path_free(struct nattrav_path *path)
{
	if (!path)
		return;

	dst_release(rcu_dereference_raw(path->dst));
	kfree_rcu(path, rcu);
}

static struct dst_entry *route6(struct net *net, const struct in6_addr *saddr, __be16 sport,
				const struct in6_addr *daddr, __be16 dport)
{
	struct flowi6 fl6 = {
		.daddr = *daddr,
		.fl6_dport = dport,
		.fl6_sport = sport,
		.flowi6_proto = IPPROTO_UDP,
	};
	struct dst_entry *dst;

	if (saddr)
		fl6.saddr = *saddr;
	dst = ip6_route_output(net, NULL, &fl6);
	if (!dst->error)
		return dst;

	dst_release(dst);
	return NULL;
}

static bool addr6_is_local(struct net *net, const struct in6_addr *addr)
{
	struct dst_entry *dst = route6(net, NULL, 0, addr, 0);
	bool local = dst && dst_rt6_info(dst)->rt6i_flags & (RTF_LOCAL | RTF_ANYCAST);

	dst_release(dst);
	return local;
}

/**
 * nattrav_addr_is_local() - whether an address is one of this host
 * @net: the network namespace
 * @addr: the address
 * @family: its family
 *
 * Return: true if packets to it are for this host, be it by an assigned
 * address or by a local route to its prefix.
 */
bool nattrav_addr_is_local(struct net *net, const union nf_inet_addr *addr, u8 family)
{
	if (family == AF_INET)
		return inet_addr_type(net, addr->ip) == RTN_LOCAL;

	return addr6_is_local(net, &addr->in6);
}

/**
 * nattrav_peer_check() - whether an address can be a peer
 * @net: the network namespace
 * @peer: the address
 * @family: its family
 *
 * Return: 0, or -EADDRNOTAVAIL: packets would come back to this host, or go to
 * many, or to nobody.
 */
int nattrav_peer_check(struct net *net, const struct latch_source *peer, u8 family)
{
	if (!latch_addr_possible(&peer->addr, family) || !peer->port)
		return -EADDRNOTAVAIL;

	if (family == AF_INET6)
		return addr6_is_local(net, &peer->addr.in6) ? -EADDRNOTAVAIL : 0;

	switch (inet_addr_type_dev_table(net, NULL, peer->addr.ip)) {
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_MULTICAST:
	case RTN_ANYCAST:
		return -EADDRNOTAVAIL;
	default:
		return 0;
	}
}

static struct dst_entry *route4(struct net *net, const struct nattrav_leg *leg,
				const struct latch_source *peer)
{
	struct flowi4 fl4 = {
		.daddr = peer->addr.ip,
		.saddr = leg->local.ip,
		.fl4_dport = peer->port,
		.fl4_sport = leg->local_port,
		.flowi4_proto = IPPROTO_UDP,
	};
	struct rtable *rt = ip_route_output_key(net, &fl4);

	if (IS_ERR(rt))
		return NULL;

	if (rt->rt_type != RTN_UNICAST) {
		ip_rt_put(rt);
		return NULL;
	}

	return &rt->dst;
}

static struct dst_entry *route_lookup(struct net *net, const struct nattrav_leg *leg,
				      const struct latch_source *peer, u32 *cookie)
{
	struct dst_entry *dst;

	*cookie = 0;
	if (leg->family == AF_INET)
		return route4(net, leg, peer);

	dst = route6(net, &leg->local.in6, leg->local_port, &peer->addr.in6, peer->port);
	if (dst)
		*cookie = rt6_get_cookie(dst_rt6_info(dst));
	return dst;
}

/**
 * nattrav_path_route() - look the route of a path up anew
 * @net: the network namespace
 * @leg: the leg that the path belongs to
 * @path: the path, whose cached route is missing or stale
 *
 * Context: packet path, out of line.
 *
 * Return: the route, valid until the end of the RCU section, or NULL if there
 * is none.
 */
struct dst_entry *nattrav_path_route(struct net *net, struct nattrav_leg *leg,
				     struct nattrav_path *path)
{
	struct dst_entry *dst, *old;
	u32 cookie;

	dst = route_lookup(net, leg, &path->peer, &cookie);

	/*
	 * Who reads the new route with the old cookie comes here once more; the
	 * other way round, one packet more takes the old route.
	 */
	spin_lock(&leg->lock);
	if (rcu_access_pointer(leg->path) == path) {
		WRITE_ONCE(path->cookie, cookie);
		old = rcu_replace_pointer(path->dst, dst, lockdep_is_held(&leg->lock));
	} else {
		old = dst; /* replaced meanwhile: good for this packet only */
	}
	spin_unlock(&leg->lock);

	dst_release(old);
	return dst;
}

/**
 * nattrav_path_replace() - give a leg another peer
 * @leg: the leg; the caller holds its lock
 * @path: the way to the peer
 */
void nattrav_path_replace(struct nattrav_leg *leg, struct nattrav_path *path)
{
	struct nattrav_path *old;

	lockdep_assert_held(&leg->lock);

	old = rcu_replace_pointer(leg->path, path, lockdep_is_held(&leg->lock));
	leg->latch.latched_generation = leg->latch.generation;
	leg->last_seen = jiffies;
	leg->seen = false;
	nattrav_leg_watch_anew(leg);
	nattrav_path_free(old);
}

static int leg_complete(struct nattrav_net *nn, struct nattrav_leg *leg,
			const struct latch_packet *packet)
{
	struct nattrav_path *path;
	u8 event;

	if (nattrav_peer_check(nn->net, &packet->source, leg->family))
		return NATTRAV_DROP_REASON_BAD_SOURCE;

	path = nattrav_path_alloc(&packet->source, GFP_ATOMIC | __GFP_NOWARN);
	if (!path)
		return NATTRAV_DROP_REASON_NO_MEMORY;

	event = rcu_access_pointer(leg->path) ? NATTRAV_LEG_RELATCHED : NATTRAV_LEG_COMPLETED;
	nattrav_path_replace(leg, path);
	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTCP) {
		leg->rtp.heard = true;
		leg->rtp.ssrc = packet->rtp.ssrc;
	}
	nattrav_event_raise(nn, leg, event);
	trace_nattrav_latch(leg, &packet->source, event == NATTRAV_LEG_RELATCHED);

	return LATCH_ACCEPT;
}

static void leg_note_intruder(struct nattrav_net *nn, struct nattrav_leg *leg,
			      const struct latch_source *source)
{
	leg->intruder = *source;
	if (leg->intruder_packets++ &&
	    time_before(jiffies, leg->intruder_told + INTRUDER_EVENT_INTERVAL))
		return;

	leg->intruder_told = jiffies;
	nattrav_event_raise(nn, leg, NATTRAV_LEG_INTRUDER);
}

/* The address that the RTP leg completed with, for RTCP; NULL if it has not. */
static const union nf_inet_addr *leg_rtp_peer(const struct nattrav_leg *leg)
{
	const struct nattrav_stream *rtp = leg->stream->tied;
	const struct nattrav_path *path;

	if (leg->stream->type != NATTRAV_STREAM_TYPE_RTCP || !rtp)
		return NULL;

	path = rcu_dereference(rtp->leg[leg->side].path);
	return path ? &path->peer.addr : NULL;
}

/* The present peer as the policy sees it, or NULL; under the leg's lock. */
static const struct latch_peer *leg_peer(const struct nattrav_leg *leg, struct latch_peer *peer)
{
	const struct nattrav_path *path;

	path = rcu_dereference_protected(leg->path, lockdep_is_held(&leg->lock));
	if (!path)
		return NULL;

	*peer = (struct latch_peer){
		.source = path->peer,
		.ssrc = leg->rtp.ssrc,
		.max_seq = leg->rtp.max_seq,
		.heard = nattrav_now_ms() - jiffies_to_msecs(jiffies - leg->last_seen),
	};
	return peer;
}

static bool leg_contended(const struct nattrav_leg *leg)
{
	return leg->latch.probation && leg->latch.probation->contended;
}

/**
 * nattrav_leg_latch() - a packet came whose source is not the leg's peer
 * @nn: the network namespace
 * @leg: the leg that it came to
 * @skb: the packet
 * @source: its source
 * @payload: offset of its UDP payload
 *
 * Context: packet path, out of line.
 *
 * Return: LATCH_ACCEPT or LATCH_PEER if the leg is complete now and the packet
 * goes on, else the enum nattrav_drop_reason.
 */
int nattrav_leg_latch(struct nattrav_net *nn, struct nattrav_leg *leg, const struct sk_buff *skb,
		      const struct latch_source *source, unsigned int payload)
{
	struct latch_packet packet = { .source = *source };
	unsigned int len = skb->len - payload;
	const union nf_inet_addr *rtp_peer;
	struct latch_peer peer;
	u8 buf[RTP_HEADER_LEN];
	bool contended;
	const u8 *head;
	int verdict;

	head = skb_header_pointer(skb, payload, min_t(unsigned int, len, sizeof(buf)), buf);
	if (!head)
		return NATTRAV_DROP_REASON_BAD_LENGTH;
	rtp_summarize(&packet.rtp, head, len);
	rtp_peer = leg_rtp_peer(leg);

	spin_lock(&leg->lock);
	contended = leg_contended(leg);
	verdict = latch_check(&leg->latch, leg_peer(leg, &peer), rtp_peer, &packet,
			      nattrav_now_ms());
	if (verdict == LATCH_ACCEPT || verdict == LATCH_REBIND)
		verdict = leg_complete(nn, leg, &packet);
	if (verdict == NATTRAV_DROP_REASON_OUTSIDE_PREFIX ||
	    verdict == NATTRAV_DROP_REASON_WRONG_SOURCE)
		leg_note_intruder(nn, leg, source);
	if (leg_contended(leg) && !contended)
		nattrav_event_raise(nn, leg, NATTRAV_LEG_CONTENTION);
	spin_unlock(&leg->lock);

	return verdict;
}
