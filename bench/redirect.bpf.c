// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that tc and BPF can do for a relayed IPv4 packet: look its destination
 * up, rewrite addresses, ports, checksums, time to live and link addresses, send it
 * out by the other link. It checks nothing: no source, no length, no checksum, no
 * route, no neighbour, no RTP; and it counts nothing.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include "redirect.h"

#define SEC(name) __attribute__((section(name), used))

static void *(*const map_lookup)(const void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*const redirect)(__u32 ifindex, __u64 flags) = (void *)BPF_FUNC_redirect;

/* As libbpf wants to read it. */
struct {
	int (*type)[BPF_MAP_TYPE_HASH];
	int (*max_entries)[REDIRECT_MAX];
	int (*map_flags)[BPF_F_NO_PREALLOC];
	int (*pinning)[1];
	struct redirect_key *key;
	struct redirect_value *value;
} redirects SEC(".maps");

static __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

SEC("tc")
int relay(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *iph = (void *)(eth + 1);
	struct udphdr *uh = (void *)(iph + 1);
	struct redirect_value *to;
	struct redirect_key key = {};

	if ((void *)(uh + 1) > end || eth->h_proto != __builtin_bswap16(ETH_P_IP) || iph->ihl != 5 ||
	    iph->protocol != IPPROTO_UDP)
		return TC_ACT_OK;

	key.daddr = iph->daddr;
	key.dport = uh->dest;
	to = map_lookup(&redirects, &key);
	if (!to)
		return TC_ACT_OK;

	/* how the sums change was computed when the entry was made (RFC 1624) */
	iph->check = ~fold((__u16)~iph->check + to->ip_delta);
	uh->check = (__u16)~fold((__u16)~uh->check + to->udp_delta) ?: 0xffff;
	iph->ttl--;
	iph->saddr = to->saddr;
	iph->daddr = to->daddr;
	uh->source = to->sport;
	uh->dest = to->dport;
	__builtin_memcpy(eth, to->link, 2 * ETH_ALEN);
	return redirect(to->ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
