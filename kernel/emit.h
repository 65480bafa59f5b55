/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending a rewritten packet on its way. Inline, for every packet goes through
 * it; what is not plain is in emit.c. Runs under RCU with bottom halves off.
 */
#ifndef NATTRAV_EMIT_H
#define NATTRAV_EMIT_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "hop.h"
#include "nattrav.h"

static __always_inline struct neighbour *neigh4_of(const struct rtable *rt,
						   const struct sk_buff *skb)
{
	__be32 nexthop = nattrav_nexthop4(&rt->dst, ip_hdr(skb)->daddr);
	struct neighbour *neigh = __ipv4_neigh_lookup_noref(rt->dst.dev, (__force u32)nexthop);

	return likely(neigh) ? neigh : nattrav_neigh4_make(rt->dst.dev, nexthop);
}

static __always_inline struct neighbour *neigh6_of(const struct rt6_info *rt,
						   const struct sk_buff *skb)
{
	const struct in6_addr *nexthop = rt6_nexthop(rt, &ipv6_hdr(skb)->daddr);
	struct neighbour *neigh = __ipv6_neigh_lookup_noref(rt->dst.dev, nexthop);

	return likely(neigh) ? neigh : __neigh_create(&nd_tbl, nexthop, rt->dst.dev, false);
}

/* Whether the stack must see to it: pieces, tunnels, IPsec, a gateway of IPv6 for IPv4. */
static __always_inline bool nattrav_emit_is_odd(const struct dst_entry *dst,
						const struct sk_buff *skb, const u8 family)
{
	return skb_is_gso(skb) || dst_xfrm(dst) || dst->lwtstate ||
	       (family == AF_INET && dst_rtable(dst)->rt_gw_family == AF_INET6);
}

/* Like ip_forward(): nothing that the receive side left in the skb may steer its way out. */
static __always_inline void emit_clean(struct sk_buff *skb, const u8 family)
{
	skb->mark = 0;
	skb->priority = family == AF_INET ? rt_tos2priority(ip_hdr(skb)->tos) : 0;
	skb_set_queue_mapping(skb, 0);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
	skb_dst_drop(skb);
}

/**
 * nattrav_emit() - send a rewritten packet
 * @nn: the network namespace
 * @skb: the packet; consumed
 * @hop: its way, valid in this RCU section
 * @family: its address family
 * @plain: whether it fits into the MTU as it is, and nothing about it is odd
 */
static __always_inline void nattrav_emit(struct nattrav_net *nn, struct sk_buff *skb,
					 struct nattrav_hop *hop, const u8 family, bool plain)
{
	struct dst_entry *dst = hop->dst;
	struct neighbour *neigh;

	emit_clean(skb, family);
	skb_dst_set_noref(skb, dst);
	skb->dev = dst->dev;

	if (!plain) {
		nattrav_emit_odd(nn->net, skb);
		return;
	}

	neigh = family == AF_INET ? neigh4_of(dst_rtable(dst), skb) :
				    neigh6_of(dst_rt6_info(dst), skb);
	if (IS_ERR(neigh)) {
		kfree_skb(skb);
		return;
	}

	if (!nattrav_hop_ready(hop, nn, family))
		nattrav_hop_prepare(hop, neigh);
	neigh_output(neigh, skb, false);
}

/**
 * nattrav_emit_ready() - send a rewritten packet by a hop that was ready
 * @nn: the network namespace
 * @skb: the packet, that fits and is not odd; consumed
 * @hop: its way, valid in this RCU section
 * @family: its address family
 */
static __always_inline void nattrav_emit_ready(struct nattrav_net *nn, struct sk_buff *skb,
					       struct nattrav_hop *hop, const u8 family)
{
	struct net_device *dev;

	emit_clean(skb, family);
	dev = nattrav_hop_header(hop, skb);
	if (unlikely(!dev)) {
		nattrav_emit_again(nn, skb, hop);
		return;
	}

	skb->dev = dev;
	dev_queue_xmit(skb);
}

#endif
