// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rewriting a packet: both addresses and both ports within a family, or the
 * whole IP header from one family to the other. The packet is writable up to
 * the end of its UDP header; checksums stay right in every ip_summed state.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>

#include "nattrav.h"
#include "rewrite.h"

/* What the addresses add to the pseudo-header's sum. */
static __wsum addrs_sum(const void *saddr, const void *daddr, unsigned int len)
{
	return csum_partial(saddr, len, csum_partial(daddr, len, 0));
}

/*
 * The UDP checksum after a change of family. The pseudo-headers of RFC 768 and
 * RFC 8200 8.1 differ in their addresses only; protocol and length add the
 * same. A packet whose checksum hardware will complete has the sum of the
 * pseudo-header there, not inverted and without the ports.
 */
static void checksum_translate(struct sk_buff *skb, struct udphdr *uh, __wsum old, __wsum new,
			       __be16 sport, __be16 dport)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		uh->check = ~csum_fold(csum_add(csum_unfold(uh->check), csum_sub(new, old)));
	} else {
		old = csum_add(old, csum_add((__force __wsum)uh->source, (__force __wsum)uh->dest));
		new = csum_add(new, csum_add((__force __wsum)sport, (__force __wsum)dport));
		uh->check = csum_fold(csum_add(~csum_unfold(uh->check), csum_sub(new, old)));
		skb->ip_summed = CHECKSUM_NONE;
	}
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
	uh->source = sport;
	uh->dest = dport;
}

/* An IPv4 packet may come without a checksum, an IPv6 packet may not go. */
static void checksum_make(struct sk_buff *skb, unsigned int thoff, struct udphdr *uh)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int len = skb->len - thoff;

	uh->check = csum_tcpudp_magic(iph->saddr, iph->daddr, len, IPPROTO_UDP,
				      skb_checksum(skb, thoff, len, 0));
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

/* Put a header of another family in front of the UDP header. */
static void *header_replace(struct sk_buff *skb, unsigned int thoff, unsigned int size,
			    __be16 protocol)
{
	__skb_pull(skb, thoff);
	__skb_push(skb, size);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, size);
	skb->protocol = protocol;
	memset(skb->cb, 0, sizeof(skb->cb));

	return skb_network_header(skb);
}

/**
 * nattrav_translate46() - make an IPv6 packet of an IPv4 packet (RFC 7915 4)
 * @skb: the packet, with headroom for 20 bytes more
 * @thoff: offset of its UDP header
 * @out: the leg that it leaves by
 * @path: the way to the peer of @out
 */
void nattrav_translate46(struct sk_buff *skb, unsigned int thoff, const struct nattrav_leg *out,
			 const struct nattrav_path *path)
{
	const struct in6_addr *saddr = &nattrav_leg_local(out)->in6, *daddr = &path->peer.addr.in6;
	struct udphdr *uh = udp_at(skb, thoff);
	u16 len = skb->len - thoff;
	u8 tos = ip_hdr(skb)->tos, ttl = ip_hdr(skb)->ttl;
	struct ipv6hdr *ip6h;

	if (!has_checksum(skb, uh))
		checksum_make(skb, thoff, uh);
	checksum_translate(skb, uh, addrs_sum(&ip_hdr(skb)->saddr, &ip_hdr(skb)->daddr, 4),
			   addrs_sum(saddr, daddr, 16), out->local_port, path->peer.port);

	ip6h = header_replace(skb, thoff, sizeof(*ip6h), htons(ETH_P_IPV6));
	ip6_flow_hdr(ip6h, tos, 0);
	ip6h->payload_len = htons(len);
	ip6h->nexthdr = IPPROTO_UDP;
	ip6h->hop_limit = ttl - 1;
	ip6h->saddr = *saddr;
	ip6h->daddr = *daddr;
}

/**
 * nattrav_translate64() - make an IPv4 packet of an IPv6 packet (RFC 7915 5)
 * @skb: the packet
 * @thoff: offset of its UDP header
 * @net: the network namespace
 * @out: the leg that it leaves by
 * @path: the way to the peer of @out
 *
 * Extension headers are left out. As RFC 7915 5.1 has it, packets that IPv6
 * would carry anywhere may be fragmented; larger ones tell the sender.
 */
void nattrav_translate64(struct sk_buff *skb, unsigned int thoff, struct net *net,
			 const struct nattrav_leg *out, const struct nattrav_path *path)
{
	__be32 saddr = nattrav_leg_local(out)->ip, daddr = path->peer.addr.ip;
	struct udphdr *uh = udp_at(skb, thoff);
	u16 len = skb->len - thoff + sizeof(struct iphdr);
	u8 tos = ipv6_get_dsfield(ipv6_hdr(skb)), ttl = ipv6_hdr(skb)->hop_limit;
	struct iphdr *iph;

	checksum_translate(skb, uh, addrs_sum(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, 16),
			   addrs_sum(&saddr, &daddr, 4), out->local_port, path->peer.port);

	iph = header_replace(skb, thoff, sizeof(*iph), htons(ETH_P_IP));
	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tos = tos,
		.tot_len = htons(len),
		.frag_off = len > IPV6_MIN_MTU - 20 ? htons(IP_DF) : 0,
		.ttl = ttl - 1,
		.protocol = IPPROTO_UDP,
		.saddr = saddr,
		.daddr = daddr,
	};
	if (!(iph->frag_off & htons(IP_DF)))
		__ip_select_ident(net, iph, skb_shinfo(skb)->gso_segs ?: 1);
	ip_send_check(iph);
}

/**
 * nattrav_mark_dscp() - give a rewritten packet a code point (RFC 2474)
 * @skb: the packet
 * @dscp: the code point; ECN stays as it is
 */
void nattrav_mark_dscp(struct sk_buff *skb, u8 dscp)
{
	if (skb->protocol == htons(ETH_P_IP))
		ipv4_change_dsfield(ip_hdr(skb), INET_ECN_MASK, dscp << 2);
	else
		ipv6_change_dsfield(ipv6_hdr(skb), INET_ECN_MASK, dscp << 2);
}
