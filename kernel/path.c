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

static void path_retire(struct nattrav_leg *leg, struct nattrav_path *path)
{
	if (!path)
		return;

	nattrav_hop_put(rcu_replace_pointer(path->hop, NULL, true));
	if (path != &leg->first)
		kfree_rcu(container_of(path, struct nattrav_spare, path), rcu);
}

/**
 * nattrav_path_free() - free the path of a leg
 * @leg: the leg, which is about to be freed itself
 */
void nattrav_path_free(struct nattrav_leg *leg)
{
	path_retire(leg, rcu_dereference_raw(leg->path));
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
		.saddr = nattrav_leg_local(leg)->ip,
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

	dst = route6(net, &nattrav_leg_local(leg)->in6, leg->local_port, &peer->addr.in6,
		     peer->port);
	if (dst)
		*cookie = rt6_get_cookie(dst_rt6_info(dst));
	return dst;
}

/**
 * nattrav_path_route() - look the way of a path up anew
 * @nn: the network namespace
 * @leg: the leg that the path belongs to
 * @path: the path, whose hop is missing or has a route that is stale
 *
 * Context: packet path, out of line.
 *
 * Return: the hop, valid until the end of the RCU section, or NULL if there
 * is no route.
 */
struct nattrav_hop *nattrav_path_route(struct nattrav_net *nn, struct nattrav_leg *leg,
				       struct nattrav_path *path)
{
	struct nattrav_hop *hop = NULL, *old;
	struct dst_entry *dst;
	u32 cookie;

	dst = route_lookup(nn->net, leg, &path->peer, &cookie);
	if (dst)
		hop = nattrav_hop_get(nn, dst, cookie, &path->peer, leg->family);

	spin_lock(&leg->lock);
	if (rcu_access_pointer(leg->path) == path)
		old = rcu_replace_pointer(path->hop, hop, lockdep_is_held(&leg->lock));
	else
		old = hop; /* replaced meanwhile: good for this packet only */
	spin_unlock(&leg->lock);

	nattrav_hop_put(old);
	return hop;
}

/* The peer is of the newest generation. */
static void leg_note_generation(struct nattrav_leg *leg)
{
	if (leg->type == NATTRAV_STREAM_TYPE_RTCP) {
		struct nattrav_rtcp_leg *own = nattrav_leg_rtcp(leg);

		own->latched_generation = own->generation;
	} else {
		struct latch *latch = &nattrav_leg_media(leg)->latch[leg->side];

		latch->latched_generation = latch->generation;
	}
}

/**
 * nattrav_path_replace() - give a leg another peer
 * @leg: the leg; the caller holds its lock
 * @peer: the peer
 * @spare: taken, and set to NULL, if the leg has had a peer before; there need
 *	be none if it has not
 */
void nattrav_path_replace(struct nattrav_leg *leg, const struct latch_source *peer,
			  struct nattrav_spare **spare)
{
	struct nattrav_path *path = &leg->first, *old;

	lockdep_assert_held(&leg->lock);

	/* No peer has port 0. */
	if (path->peer.port) {
		path = &(*spare)->path;
		*spare = NULL;
	}

	path->peer = *peer;
	old = rcu_replace_pointer(leg->path, path, lockdep_is_held(&leg->lock));
	leg_note_generation(leg);
	WRITE_ONCE(leg->last_seen, jiffies);
	leg->seen = false;
	nattrav_leg_watch_anew(leg);
	path_retire(leg, old);
}

static int leg_complete(struct nattrav_net *nn, struct nattrav_leg *leg,
			const struct latch_packet *packet, bool rebound)
{
	struct nattrav_spare *spare = NULL;
	u16 event;

	if (nattrav_peer_check(nn->net, &packet->source, leg->family))
		return NATTRAV_DROP_REASON_BAD_SOURCE;

	if (leg->first.peer.port) {
		spare = kzalloc(sizeof(*spare), GFP_ATOMIC | __GFP_NOWARN);
		if (!spare)
			return NATTRAV_DROP_REASON_NO_MEMORY;
	}

	event = rcu_access_pointer(leg->path) ? NATTRAV_LEG_RELATCHED : NATTRAV_LEG_COMPLETED;
	nattrav_path_replace(leg, &packet->source, &spare);
	if (leg->type == NATTRAV_STREAM_TYPE_RTCP) {
		nattrav_leg_rtcp(leg)->heard = true;
		nattrav_leg_rtcp(leg)->ssrc = packet->rtp.ssrc;
	} else if (!rebound) {
		rtp_source_end(&nattrav_leg_media(leg)->rtp[leg->side]);
	}
	nattrav_event_raise(nn, leg, event);
	trace_nattrav_latch(leg, &packet->source, event == NATTRAV_LEG_RELATCHED);

	return LATCH_ACCEPT;
}

static void leg_note_intruder(struct nattrav_net *nn, struct nattrav_leg *leg,
			      const struct latch_source *source)
{
	u16 now = jiffies / HZ;

	leg->intruder = source->addr;
	leg->intruder_port = source->port;
	/* One event a second is enough. */
	if (leg->intruder_packets++ && leg->intruder_told == now)
		return;

	leg->intruder_told = now;
	nattrav_event_raise(nn, leg, NATTRAV_LEG_INTRUDER);
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
		.heard = nattrav_now_ms() - jiffies_to_msecs((u32)jiffies - leg->last_seen),
	};
	if (leg->type == NATTRAV_STREAM_TYPE_RTCP) {
		peer->ssrc = nattrav_leg_rtcp(leg)->ssrc;
	} else {
		const struct rtp_source *rtp = &nattrav_leg_media(leg)->rtp[leg->side];

		peer->ssrc = rtp->ssrc;
		peer->max_seq = rtp->max_seq;
	}

	return peer;
}

static int media_check(struct nattrav_net *nn, struct nattrav_leg *leg,
		       const struct latch_packet *packet)
{
	struct latch *latch = &nattrav_leg_media(leg)->latch[leg->side];
	bool contended = latch->probation && latch->probation->contended;
	struct latch_peer peer;
	int verdict;

	lockdep_assert_held(&leg->lock);

	verdict = latch_check(latch, leg_peer(leg, &peer), NULL, packet, nattrav_now_ms());
	if (latch->probation && latch->probation->contended && !contended)
		nattrav_event_raise(nn, leg, NATTRAV_LEG_CONTENTION);

	return verdict;
}

/**
 * struct rtcp_rules - what RTCP has from its RTP
 * @latch: the policy of the RTP leg
 * @path: the way to its peer, or NULL
 */
struct rtcp_rules {
	struct latch latch;
	const struct nattrav_path *path;
};

static void rtcp_rules_read(struct rtcp_rules *rules, const struct nattrav_leg *leg)
{
	struct nattrav_session *session = nattrav_stream_session(nattrav_leg_stream(leg));
	struct nattrav_leg *rtp = &session->media.leg[leg->side];

	spin_lock(&rtp->lock);
	rules->latch = session->latch[leg->side];
	spin_unlock(&rtp->lock);
	rules->path = rcu_dereference(rtp->path);
}

static int rtcp_check(struct nattrav_leg *leg, const struct latch_packet *packet,
		      struct rtcp_rules *rules)
{
	struct nattrav_rtcp_leg *own = nattrav_leg_rtcp(leg);
	struct latch *latch = &rules->latch;
	struct latch_peer peer;
	int verdict;

	lockdep_assert_held(&leg->lock);

	latch->type = NATTRAV_STREAM_TYPE_RTCP;
	latch->family = leg->family;
	latch->probation = NULL;
	latch->relatch = own->relatch;
	latch->generation = own->generation;
	latch->latched_generation = own->latched_generation;
	latch->rebinds = own->rebinds;
	memcpy(latch->rebound, own->rebound, sizeof(latch->rebound));
	verdict = latch_check(latch, leg_peer(leg, &peer),
			      rules->path ? &rules->path->peer.addr : NULL, packet,
			      nattrav_now_ms());
	own->rebinds = latch->rebinds;
	memcpy(own->rebound, latch->rebound, sizeof(own->rebound));

	return verdict;
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
	bool rtcp = leg->type == NATTRAV_STREAM_TYPE_RTCP;
	struct latch_packet packet = { .source = *source };
	unsigned int len = skb->len - payload;
	struct rtcp_rules rules;
	u8 buf[RTP_HEADER_LEN];
	const u8 *head;
	int verdict;

	head = skb_header_pointer(skb, payload, min_t(unsigned int, len, sizeof(buf)), buf);
	if (!head)
		return NATTRAV_DROP_REASON_BAD_LENGTH;
	rtp_summarize(&packet.rtp, head, len);
	if (rtcp)
		rtcp_rules_read(&rules, leg);

	spin_lock(&leg->lock);
	verdict = rtcp ? rtcp_check(leg, &packet, &rules) : media_check(nn, leg, &packet);
	if (verdict == LATCH_ACCEPT || verdict == LATCH_REBIND)
		verdict = leg_complete(nn, leg, &packet, verdict == LATCH_REBIND);
	if (verdict == NATTRAV_DROP_REASON_OUTSIDE_PREFIX ||
	    verdict == NATTRAV_DROP_REASON_WRONG_SOURCE)
		leg_note_intruder(nn, leg, source);
	spin_unlock(&leg->lock);

	return verdict;
}
