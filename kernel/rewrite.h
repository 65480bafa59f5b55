/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rewriting both addresses and both ports within a family. Inline, for almost
 * every packet goes through it. The packet is writable up to the end of its UDP
 * header; checksums stay right in every ip_summed state.
 */
#ifndef NATTRAV_REWRITE_H
#define NATTRAV_REWRITE_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "nattrav.h"

static inline struct udphdr *udp_at(const struct sk_buff *skb, unsigned int thoff)
{
	return (struct udphdr *)(skb_network_header(skb) + thoff);
}

static inline bool has_checksum(const struct sk_buff *skb, const struct udphdr *uh)
{
	return uh->check || skb->ip_summed == CHECKSUM_PARTIAL;
}

/*
 * Mend the UDP checksum: @addrs and @ports are what the sums over addresses and over
 * ports have grown by (RFC 1624). Where hardware is to complete it, it is that of the
 * pseudo-header, not inverted and without the ports. The sum over all of a packet
 * that CHECKSUM_COMPLETE has is not kept up: nattrav_emit() gives it up.
 */
static __always_inline void checksum_mend(const struct sk_buff *skb, struct udphdr *uh,
					  __wsum addrs, __wsum ports)
{
	if (unlikely(skb->ip_summed == CHECKSUM_PARTIAL))
		uh->check = ~csum_fold(csum_add(addrs, csum_unfold(uh->check)));
	else
		csum_replace_by_diff(&uh->check, csum_add(addrs, ports));
	if (unlikely(!uh->check))
		uh->check = CSUM_MANGLED_0;
}

/* Both ports at once, as they lie in a UDP header. */
union udp_ports {
	struct {
		__be16 source;
		__be16 dest;
	};
	__wsum word;
};

/* Sets both ports; how much the sum over them has grown. */
static __always_inline __wsum ports_set(struct udphdr *uh, __be16 source, __be16 dest)
{
	union udp_ports *ports = (union udp_ports *)uh, new = { { source, dest } };
	__wsum old = ports->word;

	ports->word = new.word;
	return csum_sub(new.word, old);
}

/**
 * nattrav_rewrite4() - rewrite an IPv4 packet
 * @skb: the packet
 * @iph: its IP header
 * @uh: its UDP header
 * @out: the leg that it leaves by
 * @path: the way to the peer of @out
 */
static __always_inline void nattrav_rewrite4(const struct sk_buff *skb, struct iphdr *iph,
					     struct udphdr *uh, const struct nattrav_leg *out,
					     const struct nattrav_path *path)
{
	__be32 saddr = nattrav_leg_local(out)->ip, daddr = path->peer.addr.ip;
	__wsum addrs, ports;

	addrs = csum_add(csum_sub((__force __wsum)saddr, (__force __wsum)iph->saddr),
			 csum_sub((__force __wsum)daddr, (__force __wsum)iph->daddr));
	ports = ports_set(uh, out->local_port, path->peer.port);

	/* Without a checksum (RFC 768) there is none to mend. */
	if (likely(has_checksum(skb, uh)))
		checksum_mend(skb, uh, addrs, ports);

	/* the time to live is the upper byte of its word */
	csum_replace_by_diff(&iph->check, csum_add(addrs, (__force __wsum)htons(0xfeff)));
	iph->saddr = saddr;
	iph->daddr = daddr;
	iph->ttl--;
}

static __always_inline __wsum addrs6_diff(const struct ipv6hdr *ip6h, const struct in6_addr *saddr,
					  const struct in6_addr *daddr)
{
	/* Sixteen words of 32 bits do not overflow one of 64. */
	u64 sum = 0;
	int i;

	for (i = 0; i < 4; i++) {
		sum += (__force u32)saddr->s6_addr32[i];
		sum += (__force u32)daddr->s6_addr32[i];
		sum += (u32)~(__force u32)ip6h->saddr.s6_addr32[i];
		sum += (u32)~(__force u32)ip6h->daddr.s6_addr32[i];
	}

	return csum_add((__force __wsum)(u32)sum, (__force __wsum)(u32)(sum >> 32));
}

/**
 * nattrav_rewrite6() - rewrite an IPv6 packet
 * @skb: the packet
 * @ip6h: its IP header
 * @uh: its UDP header
 * @out: the leg that it leaves by
 * @path: the way to the peer of @out
 */
static __always_inline void nattrav_rewrite6(const struct sk_buff *skb, struct ipv6hdr *ip6h,
					     struct udphdr *uh, const struct nattrav_leg *out,
					     const struct nattrav_path *path)
{
	const struct in6_addr *saddr = &nattrav_leg_local(out)->in6, *daddr = &path->peer.addr.in6;
	__wsum addrs = addrs6_diff(ip6h, saddr, daddr);

	checksum_mend(skb, uh, addrs, ports_set(uh, out->local_port, path->peer.port));
	ip6h->saddr = *saddr;
	ip6h->daddr = *daddr;
	ip6h->hop_limit--;
}

#endif
