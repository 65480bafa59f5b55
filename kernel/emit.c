// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending a rewritten packet on its way, and telling the sender of one that is
 * too large for it. Runs under RCU with bottom halves off.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/dsfield.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "nattrav.h"

/* Too large, segmented, encapsulated or encrypted: the stack knows how. */
static bool dst_is_plain(const struct dst_entry *dst, const struct sk_buff *skb)
{
	return skb->len <= dst_mtu(dst) && !skb_is_gso(skb) && !dst_xfrm(dst) && !dst->lwtstate;
}

static struct neighbour *neigh_of(struct dst_entry *dst, struct sk_buff *skb, bool *is_v6gw)
{
	const struct in6_addr *nexthop;
	struct neighbour *neigh;

	if (skb->protocol == htons(ETH_P_IP))
		return ip_neigh_for_gw(dst_rtable(dst), skb, is_v6gw);

	nexthop = rt6_nexthop(dst_rt6_info(dst), &ipv6_hdr(skb)->daddr);
	neigh = __ipv6_neigh_lookup_noref(dst->dev, nexthop);
	return neigh ?: __neigh_create(&nd_tbl, nexthop, dst->dev, false);
}

/**
 * nattrav_emit() - send a rewritten packet
 * @net: the network namespace
 * @skb: the packet; consumed
 * @dst: its route, valid in this RCU section
 *
 * Like ip_forward(), nothing that the receive side left in the skb may steer
 * its way out.
 */
void nattrav_emit(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	struct neighbour *neigh;
	bool is_v6gw = false;

	skb->mark = 0;
	if (skb->protocol == htons(ETH_P_IP))
		skb->priority = rt_tos2priority(ip_hdr(skb)->tos);
	skb_set_queue_mapping(skb, 0);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);

	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
	skb->dev = dst->dev;

	if (unlikely(!dst_is_plain(dst, skb))) {
		dst_output(net, NULL, skb);
		return;
	}

	neigh = neigh_of(dst, skb, &is_v6gw);
	if (IS_ERR(neigh)) {
		kfree_skb(skb);
		return;
	}
	neigh_output(neigh, skb, is_v6gw);
}

/**
 * nattrav_fits() - whether a packet can go a way as it is, or in fragments
 * @skb: the packet, not rewritten yet
 * @dst: its route
 * @growth: how much larger its header becomes
 * @may_fragment: whether it may be fragmented on its way
 *
 * Return: true if it can.
 */
bool nattrav_fits(const struct sk_buff *skb, const struct dst_entry *dst, int growth,
		  bool may_fragment)
{
	int mtu = (int)dst_mtu(dst) - growth;

	if ((int)skb->len <= mtu || may_fragment || skb->ignore_df)
		return true;

	return skb_is_gso(skb) && mtu > 0 && skb_gso_validate_network_len(skb, mtu);
}

/**
 * nattrav_tell_too_big() - tell the sender of a packet that it must be smaller
 * @skb: the packet, as it came
 * @back: a route to its sender, or NULL
 * @mtu: how large it may be (RFC 1191, RFC 8201)
 */
void nattrav_tell_too_big(struct sk_buff *skb, struct dst_entry *back, u32 mtu)
{
	if (skb->protocol == htons(ETH_P_IPV6)) {
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, max_t(u32, mtu, IPV6_MIN_MTU));
		return;
	}

	if (!back)
		return;

	skb_dst_drop(skb);
	skb_dst_set_noref(skb, back);
	icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	skb_dst_drop(skb);
}
