/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every packet asks of a hop. Inline; runs under RCU with bottom halves off.
 */
#ifndef NATTRAV_HOP_H
#define NATTRAV_HOP_H

#include <linux/netdevice.h>
#include <net/ip6_route.h>
#include <net/neighbour.h>
#include <net/route.h>

#include "nattrav.h"

/* Counts the changes of the routing table, and of devices. */
static __always_inline u32 nattrav_ways(const struct nattrav_net *nn, const u8 family)
{
	return (family == AF_INET ? rt_genid_ipv4(nn->net) : rt_genid_ipv6(nn->net)) +
	       atomic_read(&nn->device_events);
}

static inline __be32 nattrav_nexthop4(const struct dst_entry *dst, __be32 daddr)
{
	const struct rtable *rt = dst_rtable(dst);

	return rt->rt_gw_family == AF_INET ? rt->rt_gw4 : daddr;
}

/*
 * Whether packets of @family can go by the hop as they are, with the header that it
 * has ready. What dst_check() would say is known while the route is as it was: no
 * route of the table has changed since, and none is known to be wrong.
 */
static __always_inline bool nattrav_hop_ready(const struct nattrav_hop *hop,
					      const struct nattrav_net *nn, const u8 family)
{
	return READ_ONCE(hop->ready) && hop->family == family &&
	       READ_ONCE(hop->ways) == nattrav_ways(nn, family) &&
	       READ_ONCE(hop->dst->obsolete) == DST_OBSOLETE_FORCE_CHK;
}

/*
 * Put the link header in front of a packet that has room for it; the device to send it
 * by, or NULL if it is being changed at this moment.
 */
static __always_inline struct net_device *nattrav_hop_header(const struct nattrav_hop *hop,
							     struct sk_buff *skb)
{
	u32 ready = READ_ONCE(hop->ready);
	struct net_device *dev;
	u64 header[2];

	BUILD_BUG_ON(sizeof(header) != HH_DATA_MOD);

	if (unlikely(!ready))
		return NULL;
	smp_rmb(); /* nattrav_hop_prepare() */
	header[0] = READ_ONCE(hop->header[0]);
	header[1] = READ_ONCE(hop->header[1]);
	dev = READ_ONCE(hop->dev);
	smp_rmb(); /* nattrav_hop_prepare() */
	if (unlikely(READ_ONCE(hop->ready) != ready))
		return NULL;

	memcpy(skb->data - HH_DATA_MOD, header, HH_DATA_MOD);
	__skb_push(skb, ETH_HLEN);
	return dev;
}

#endif
