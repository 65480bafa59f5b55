// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hops: a route together with the neighbour that packets go to by it. All paths of
 * the same way share one, and in it the link header, ready to be copied in front of a
 * packet. The header is good until something is said of the neighbour; whether routes
 * and devices are as they were is asked by each packet. nattrav_net.hops_lock guards
 * what is written here.
 */
#include <linux/if_ether.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <net/arp.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/netevent.h>

#include "hop.h"
#include "nattrav.h"

static u32 hop_hash(const union nf_inet_addr *neighbour)
{
	return (__force u32)(neighbour->ip6[0] ^ neighbour->ip6[1] ^ neighbour->ip6[2] ^
			     neighbour->ip6[3]);
}

static union nf_inet_addr hop_neighbour(const struct dst_entry *dst,
					const struct latch_source *peer, u8 family)
{
	union nf_inet_addr neighbour = {};

	if (family == AF_INET)
		neighbour.ip = nattrav_nexthop4(dst, peer->addr.ip);
	else
		neighbour.in6 = *rt6_nexthop(dst_rt6_info(dst), &peer->addr.in6);

	return neighbour;
}

static struct nattrav_hop *hop_find(struct nattrav_net *nn, const struct dst_entry *dst,
				    const union nf_inet_addr *neighbour)
{
	struct nattrav_hop *hop;

	hash_for_each_possible(nn->hops, hop, node, hop_hash(neighbour)) {
		if (hop->dst == dst && nf_inet_addr_cmp(&hop->neighbour, neighbour))
			return hop;
	}

	return NULL;
}

/**
 * nattrav_hop_get() - the hop of a route
 * @nn: the network namespace
 * @dst: the route; its reference is taken over
 * @cookie: for dst_check()
 * @peer: where packets go by it
 * @family: the family of @peer
 *
 * Context: any.
 *
 * Return: the hop, of which the caller has a reference, or NULL if there is no
 * memory for it.
 */
struct nattrav_hop *nattrav_hop_get(struct nattrav_net *nn, struct dst_entry *dst, u32 cookie,
				    const struct latch_source *peer, u8 family)
{
	union nf_inet_addr neighbour = hop_neighbour(dst, peer, family);
	struct nattrav_hop *hop;

	spin_lock_bh(&nn->hops_lock);
	hop = hop_find(nn, dst, &neighbour);
	if (hop) {
		refcount_inc(&hop->refs);
		dst_release(dst);
		goto out;
	}

	hop = kzalloc(sizeof(*hop), GFP_ATOMIC | __GFP_NOWARN);
	if (!hop) {
		dst_release(dst);
		goto out;
	}

	hop->nn = nn;
	hop->dst = dst;
	hop->cookie = cookie;
	hop->family = family;
	hop->neighbour = neighbour;
	refcount_set(&hop->refs, 1);
	hash_add(nn->hops, &hop->node, hop_hash(&neighbour));
out:
	spin_unlock_bh(&nn->hops_lock);
	return hop;
}

/**
 * nattrav_hop_put() - a path has another hop now, or is gone
 * @hop: the hop that it had, or NULL
 *
 * Packets may use it until the end of their RCU section, and its route, too: a
 * dst_entry is freed after a grace period as well.
 *
 * Context: any.
 */
void nattrav_hop_put(struct nattrav_hop *hop)
{
	bool last;

	if (!hop)
		return;

	spin_lock_bh(&hop->nn->hops_lock);
	last = refcount_dec_and_test(&hop->refs);
	if (last)
		hash_del(&hop->node);
	spin_unlock_bh(&hop->nn->hops_lock);
	if (!last)
		return;

	dst_release(hop->dst);
	kfree_rcu(hop, rcu);
}

/* Packets of this size need not ask anybody whether they fit. */
static u32 hop_mtu(const struct nattrav_hop *hop)
{
	const struct dst_entry *dst = hop->dst;

	if (dst_metric_raw(dst, RTAX_MTU))
		return 0;
	if (hop->family == AF_INET6)
		return IPV6_MIN_MTU;

	return dst_rtable(dst)->rt_pmtu ? 0 : READ_ONCE(dst->dev->mtu);
}

/**
 * nattrav_hop_prepare() - make the link header of a hop ready
 * @hop: the hop; its route is plain, and has just been looked at
 * @neigh: the neighbour, whose address is known
 *
 * Context: packet path, out of line.
 */
void nattrav_hop_prepare(struct nattrav_hop *hop, struct neighbour *neigh)
{
	u32 ways = nattrav_ways(hop->nn, hop->family);
	const struct hh_cache *hh = &neigh->hh;
	unsigned int seq;
	u64 header[2];

	/* Not all links have such a header, and not all neighbours are known. */
	if (READ_ONCE(hh->hh_len) != ETH_HLEN || !(READ_ONCE(neigh->nud_state) & NUD_CONNECTED) ||
	    !dst_check(hop->dst, hop->cookie))
		return;

	spin_lock(&hop->nn->hops_lock);
	/* What is said of the neighbour from now on waits for the lock. */
	if (READ_ONCE(neigh->dead) || !(READ_ONCE(neigh->nud_state) & NUD_CONNECTED))
		goto out;

	do {
		seq = read_seqbegin(&hh->hh_lock);
		if (hh->hh_len != ETH_HLEN)
			goto out;
		memcpy(header, hh->hh_data, sizeof(header));
	} while (read_seqretry(&hh->hh_lock, seq));

	WRITE_ONCE(hop->ready, 0);
	smp_wmb(); /* nattrav_hop_header() */
	WRITE_ONCE(hop->header[0], header[0]);
	WRITE_ONCE(hop->header[1], header[1]);
	WRITE_ONCE(hop->dev, neigh->dev);
	WRITE_ONCE(hop->mtu, hop_mtu(hop));
	WRITE_ONCE(hop->room, LL_RESERVED_SPACE(neigh->dev));
	WRITE_ONCE(hop->ways, ways);
	smp_wmb(); /* nattrav_hop_header() */
	hop->written += hop->written == U32_MAX ? 2 : 1;
	WRITE_ONCE(hop->ready, hop->written);
out:
	spin_unlock(&hop->nn->hops_lock);
}

static void neighbour_changed(struct neighbour *neigh)
{
	struct nattrav_net *nn = nattrav_pernet(dev_net(neigh->dev));
	union nf_inet_addr neighbour = {};
	struct nattrav_hop *hop;

	memcpy(&neighbour, neigh->primary_key, min_t(u32, neigh->tbl->key_len, sizeof(neighbour)));
	spin_lock_bh(&nn->hops_lock);
	hash_for_each_possible(nn->hops, hop, node, hop_hash(&neighbour)) {
		if (nf_inet_addr_cmp(&hop->neighbour, &neighbour))
			WRITE_ONCE(hop->ready, 0);
	}
	spin_unlock_bh(&nn->hops_lock);
}

static int neighbour_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	if (event == NETEVENT_NEIGH_UPDATE)
		neighbour_changed(ptr);

	return NOTIFY_DONE;
}

/* All hops of the namespace, whatever the device: events are few, and hops may be many. */
static int device_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct nattrav_net *nn = nattrav_pernet(dev_net(netdev_notifier_info_to_dev(ptr)));

	atomic_inc(&nn->device_events);
	return NOTIFY_DONE;
}

static struct notifier_block neighbour_notifier = {
	.notifier_call = neighbour_event,
};

/* After those who forget neighbours of a device: what they forget must not come back. */
static struct notifier_block device_notifier = {
	.notifier_call = device_event,
	.priority = INT_MIN,
};

/**
 * nattrav_hops_init() - begin to listen to what is said of neighbours and devices
 *
 * Return: 0 or -errno.
 */
int nattrav_hops_init(void)
{
	int err;

	err = register_netevent_notifier(&neighbour_notifier);
	if (err)
		return err;

	err = register_netdevice_notifier(&device_notifier);
	if (err)
		unregister_netevent_notifier(&neighbour_notifier);
	return err;
}

/**
 * nattrav_hops_exit() - listen no more
 */
void nattrav_hops_exit(void)
{
	unregister_netdevice_notifier(&device_notifier);
	unregister_netevent_notifier(&neighbour_notifier);
}
