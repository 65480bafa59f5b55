// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICMP errors about packets that the relay has sent. Whoever guesses addresses and
 * ports can make them up: they end no stream, change no route and no MTU (RFC 4787
 * REQ-12). They are counted at their leg and go no further; no socket of this host
 * has that port. Runs under RCU with bottom halves off.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "nattrav.h"

/* RFC 4443 2.1 */
#define ICMPV6_ERRORS_END 128

/**
 * struct quoted - a packet that an ICMP error is about
 * @block: the relay address that it was sent from
 * @daddr: where it was sent to
 * @uh: its UDP header; RFC 792 wants no less to be quoted
 */
struct quoted {
	const struct nattrav_block *block;
	union nf_inet_addr daddr;
	struct udphdr uh;
};

static bool quoted_read_udp(struct quoted *quoted, const struct sk_buff *skb, int offset)
{
	return quoted->block && !skb_copy_bits(skb, offset, &quoted->uh, sizeof(quoted->uh));
}

/* Whether an error is about a packet that can have been ours. */
static bool quoted_read4(struct quoted *quoted, struct nattrav_net *nn, const struct sk_buff *skb,
			 int offset)
{
	const struct icmphdr *icmph;
	const struct iphdr *iph;
	struct icmphdr buf;
	struct iphdr ip;

	icmph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!icmph || !icmp_is_err(icmph->type))
		return false;

	offset += sizeof(*icmph);
	iph = skb_header_pointer(skb, offset, sizeof(ip), &ip);
	if (!iph || iph->ihl * 4 < sizeof(*iph) || iph->protocol != IPPROTO_UDP ||
	    iph->frag_off & htons(IP_OFFSET))
		return false;

	quoted->block = nattrav_block_find4(nn, iph->saddr);
	quoted->daddr.ip = iph->daddr;
	return quoted_read_udp(quoted, skb, offset + iph->ihl * 4);
}

static bool quoted_read6(struct quoted *quoted, struct nattrav_net *nn, const struct sk_buff *skb,
			 int offset)
{
	const struct icmp6hdr *icmph;
	const struct ipv6hdr *ip6h;
	struct icmp6hdr buf;
	struct ipv6hdr ip6;
	__be16 frag_off;
	u8 nexthdr;

	icmph = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!icmph || icmph->icmp6_type >= ICMPV6_ERRORS_END)
		return false;

	offset += sizeof(*icmph);
	ip6h = skb_header_pointer(skb, offset, sizeof(ip6), &ip6);
	if (!ip6h)
		return false;

	nexthdr = ip6h->nexthdr;
	quoted->block = nattrav_block_find6(nn, &ip6h->saddr);
	quoted->daddr.in6 = ip6h->daddr;
	offset = ipv6_skip_exthdr(skb, offset + sizeof(*ip6h), &nexthdr, &frag_off);
	return offset >= 0 && nexthdr == IPPROTO_UDP && !(frag_off & htons(IP6_OFFSET)) &&
	       quoted_read_udp(quoted, skb, offset);
}

static void leg_count_error(struct nattrav_leg *leg)
{
	spin_lock(&leg->lock);
	nattrav_leg_stream(leg)->icmp_errors[leg->side]++;
	spin_unlock(&leg->lock);
}

static unsigned int judge(const struct quoted *quoted)
{
	const struct nattrav_path *path;
	struct nattrav_leg *leg;

	leg = rcu_dereference(quoted->block->port[ntohs(quoted->uh.source)]);
	if (!leg)
		return NF_ACCEPT;

	path = rcu_dereference(leg->path);
	if (path && path->peer.port == quoted->uh.dest &&
	    nf_inet_addr_cmp(&path->peer.addr, &quoted->daddr))
		leg_count_error(leg);

	return NF_DROP;
}

static noinline unsigned int icmp4(struct nattrav_net *nn, const struct sk_buff *skb)
{
	struct quoted quoted = {};

	return quoted_read4(&quoted, nn, skb, ip_hdrlen(skb)) ? judge(&quoted) : NF_ACCEPT;
}

static noinline unsigned int icmp6(struct nattrav_net *nn, const struct sk_buff *skb)
{
	struct quoted quoted = {};

	return quoted_read6(&quoted, nn, skb, sizeof(struct ipv6hdr)) ? judge(&quoted) : NF_ACCEPT;
}

/**
 * nattrav_not_udp4() - look at an IPv4 packet that is not UDP, to this host or through it
 * @nn: the network namespace
 * @skb: the packet
 *
 * Context: packet path, out of line.
 *
 * Return: NF_DROP if it is an ICMP error about a packet of a leg, else NF_ACCEPT.
 */
unsigned int nattrav_not_udp4(struct nattrav_net *nn, const struct sk_buff *skb)
{
	return ip_hdr(skb)->protocol == IPPROTO_ICMP ? icmp4(nn, skb) : NF_ACCEPT;
}

/**
 * nattrav_not_udp6() - the same for IPv6
 * @nn: the network namespace
 * @skb: the packet
 *
 * Context: packet path, out of line.
 *
 * Return: NF_DROP if it is an ICMPv6 error about a packet of a leg, else NF_ACCEPT.
 */
unsigned int nattrav_not_udp6(struct nattrav_net *nn, const struct sk_buff *skb)
{
	return ipv6_hdr(skb)->nexthdr == NEXTHDR_ICMP ? icmp6(nn, skb) : NF_ACCEPT;
}
