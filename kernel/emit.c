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

#include "emit.h"
#include "nattrav.h"

/**
 * nattrav_emit_odd() - send a packet that is not plain
 * @net: the network namespace
 * @skb: the packet, with its route; consumed
 *
 * Too large, segmented, encapsulated or encrypted: the stack knows how.
 */
void nattrav_emit_odd(struct net *net, struct sk_buff *skb)
{
	dst_output(net, NULL, skb);
}

/**
 * nattrav_emit_again() - send a packet by a hop that is being changed
 * @nn: the network namespace
 * @skb: the packet, that fits and is not odd; consumed
 * @hop: the hop
 */
void nattrav_emit_again(struct nattrav_net *nn, struct sk_buff *skb, struct nattrav_hop *hop)
{
	if (hop->family == AF_INET)
		nattrav_emit(nn, skb, hop, AF_INET, true);
	else
		nattrav_emit(nn, skb, hop, AF_INET6, true);
}

/**
 * nattrav_neigh4_make() - make a neighbour that there is none of yet
 * @dev: the device that it is at
 * @nexthop: its address
 *
 * Return: the neighbour, or an error pointer.
 */
struct neighbour *nattrav_neigh4_make(struct net_device *dev, __be32 nexthop)
{
	return __neigh_create(&arp_tbl, &nexthop, dev, false);
}

/**
 * nattrav_splits() - whether a packet that is larger than the MTU can go in pieces
 * @skb: the packet, not rewritten yet
 * @mtu: how large it may be as it is now
 * @may_fragment: whether it may be fragmented on its way
 *
 * Return: true if it can.
 */
bool nattrav_splits(const struct sk_buff *skb, int mtu, bool may_fragment)
{
	if (may_fragment || skb->ignore_df)
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
