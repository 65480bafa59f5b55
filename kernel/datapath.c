// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet's way: look-up by destination, check of the source, both
 * addresses rewritten, out. Runs under RCU with bottom halves off. The only
 * lock on the straight way is that of the leg that the packet came to.
 */
#include <linux/ip.h>
#include <linux/netfilter_ipv4.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/udp.h>

#include "nattrav.h"

static void count(struct nattrav_stats *stats, u64_stats_t *counter)
{
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(counter);
	u64_stats_update_end(&stats->syncp);
}

static noinline unsigned int drop(struct nattrav_net *nn, struct nattrav_leg *leg,
				  enum nattrav_drop_reason reason)
{
	struct nattrav_stats *stats = this_cpu_ptr(nn->stats);

	count(stats, &stats->dropped[reason]);
	if (leg) {
		spin_lock(&leg->lock);
		leg->dropped++;
		spin_unlock(&leg->lock);
	}

	return NF_DROP;
}

/* A port without a leg: ours if it lies in a pool, else the host's. */
static noinline unsigned int no_leg(struct nattrav_net *nn, const struct nattrav_block *block,
				    u16 port)
{
	struct nattrav_stats *stats = this_cpu_ptr(nn->stats);

	if (test_bit(port, block->pooled))
		return drop(nn, NULL, NATTRAV_DROP_REASON_NO_STREAM);

	count(stats, &stats->accepted);
	return NF_ACCEPT;
}

/*
 * The first packet of one side is heard before the other side is known: there
 * is nowhere to send it, but the operator sees that its sender is there.
 */
static noinline unsigned int peer_partial(struct nattrav_net *nn, struct nattrav_leg *leg)
{
	spin_lock(&leg->lock);
	leg->last_seen = jiffies;
	leg->seen = true;
	spin_unlock(&leg->lock);

	return drop(nn, leg, NATTRAV_DROP_REASON_PEER_PARTIAL);
}

/*
 * Like ip_forward(), nothing that the receive side left in the skb may steer
 * its way out.
 */
static void skb_scrub(struct sk_buff *skb, const struct iphdr *iph)
{
	skb->mark = 0;
	skb->priority = rt_tos2priority(iph->tos);
	skb_set_queue_mapping(skb, 0);
	skb_clear_tstamp(skb);
	skb_forward_csum(skb);
}

/* RTP timestamp units of now; 976562 is 10^9 / 1024. */
static u32 rtp_arrival(const struct nattrav_leg *leg)
{
	return (u32)((ktime_get_ns() >> 10) * leg->clock_rate / 976562);
}

static bool rate_allows(struct nattrav_leg *leg)
{
	unsigned long elapsed = jiffies - leg->tokens_at;

	if (!leg->rate)
		return true;

	/* What a jiffy brings may be less than a token: let it add up. */
	if (elapsed >= HZ) {
		leg->tokens = leg->rate;
		leg->tokens_at = jiffies;
	} else if (elapsed * leg->rate >= HZ) {
		leg->tokens = min_t(u64, leg->tokens + (u64)elapsed * leg->rate / HZ, leg->rate);
		leg->tokens_at = jiffies;
	}
	if (!leg->tokens)
		return false;

	leg->tokens--;
	return true;
}

/*
 * Account for a packet of the peer; -1, or the reason to drop it for. RTCP,
 * STUN and DTLS on the same port (RFC 5761, RFC 7983) pass unseen.
 */
static int admit(struct nattrav_leg *leg, const struct sk_buff *skb, unsigned int payload)
{
	unsigned int len = skb->len - payload;
	enum rtp_verdict verdict = RTP_OK;
	struct rtp_summary rtp;
	u8 buf[RTP_HEADER_LEN];
	const u8 *head;
	int reason = -1;

	head = skb_header_pointer(skb, payload, min_t(unsigned int, len, sizeof(buf)), buf);

	spin_lock(&leg->lock);
	if (unlikely(!rate_allows(leg))) {
		reason = NATTRAV_DROP_REASON_RATE;
		goto out;
	}

	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTP && head) {
		rtp_summarize(&rtp, head, len);
		if (likely(rtp.kind == RTP_KIND_RTP))
			verdict = rtp_source_update(&leg->rtp, &rtp, nattrav_now_ms(),
						    rtp_arrival(leg));
	}
	if (unlikely(verdict == RTP_BAD_SEQUENCE)) {
		reason = NATTRAV_DROP_REASON_SEQUENCE;
		goto out;
	}
	if (unlikely(verdict == RTP_TOO_MANY_SSRCS)) {
		reason = NATTRAV_DROP_REASON_SSRC;
		goto out;
	}

	leg->packets++;
	leg->bytes += len;
	leg->last_seen = jiffies;
	leg->seen = true;
out:
	spin_unlock(&leg->lock);
	return reason;
}

static void rewrite4(struct sk_buff *skb, struct iphdr *iph, struct udphdr *uh,
		     const struct nattrav_leg *out, const struct nattrav_path *path)
{
	__be32 saddr = out->local, daddr = path->peer.addr.ip;
	__be16 sport = out->local_port, dport = path->peer.port;

	/* Without a checksum (RFC 768) there is none to mend. */
	if (uh->check || skb->ip_summed == CHECKSUM_PARTIAL) {
		inet_proto_csum_replace4(&uh->check, skb, iph->saddr, saddr, true);
		inet_proto_csum_replace4(&uh->check, skb, iph->daddr, daddr, true);
		inet_proto_csum_replace2(&uh->check, skb, uh->source, sport, false);
		inet_proto_csum_replace2(&uh->check, skb, uh->dest, dport, false);
		if (!uh->check)
			uh->check = CSUM_MANGLED_0;
	}
	uh->source = sport;
	uh->dest = dport;

	csum_replace4(&iph->check, iph->saddr, saddr);
	csum_replace4(&iph->check, iph->daddr, daddr);
	iph->saddr = saddr;
	iph->daddr = daddr;
	ip_decrease_ttl(iph);
}

/* Too large, segmented, encapsulated or encrypted: the stack knows how. */
static bool dst_is_plain(const struct dst_entry *dst, const struct sk_buff *skb)
{
	return skb->len <= dst_mtu(dst) && !skb_is_gso(skb) && !dst_xfrm(dst) && !dst->lwtstate;
}

static void emit4(struct net *net, struct sk_buff *skb, struct dst_entry *dst)
{
	struct neighbour *neigh;
	bool is_v6gw = false;

	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
	skb->dev = dst->dev;
	skb->protocol = htons(ETH_P_IP);

	if (unlikely(!dst_is_plain(dst, skb))) {
		dst_output(net, NULL, skb);
		return;
	}

	neigh = ip_neigh_for_gw(dst_rtable(dst), skb, &is_v6gw);
	if (IS_ERR(neigh)) {
		kfree_skb(skb);
		return;
	}
	neigh_output(neigh, skb, is_v6gw);
}

static bool checksum_bad(struct sk_buff *skb, const struct udphdr *uh, unsigned int thoff)
{
	if (!uh->check || skb_csum_unnecessary(skb))
		return false;

	return nf_ip_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_UDP);
}

static unsigned int relay4(struct nattrav_net *nn, struct sk_buff *skb,
			   const struct nattrav_block *block)
{
	struct nattrav_stats *stats = this_cpu_ptr(nn->stats);
	struct nattrav_path *in_path, *out_path;
	struct nattrav_leg *in, *out;
	struct dst_entry *dst;
	unsigned int thoff, len;
	int reason;
	struct udphdr *uh;
	struct iphdr *iph;

	count(stats, &stats->received);

	iph = ip_hdr(skb);
	if (unlikely(ip_is_fragment(iph)))
		return drop(nn, NULL, NATTRAV_DROP_REASON_FRAGMENT);

	thoff = ip_hdrlen(skb);
	if (unlikely(!pskb_may_pull(skb, thoff + sizeof(*uh))))
		return drop(nn, NULL, NATTRAV_DROP_REASON_BAD_LENGTH);
	iph = ip_hdr(skb);
	uh = (struct udphdr *)((u8 *)iph + thoff);

	in = rcu_dereference(block->port[ntohs(uh->dest)]);
	if (unlikely(!in))
		return no_leg(nn, block, ntohs(uh->dest));

	/* A GSO packet has the length of its first segment there. */
	len = ntohs(uh->len);
	if (unlikely(len < sizeof(*uh) || (len != skb->len - thoff && !skb_is_gso(skb))))
		return drop(nn, in, NATTRAV_DROP_REASON_BAD_LENGTH);
	if (unlikely(checksum_bad(skb, uh, thoff)))
		return drop(nn, in, NATTRAV_DROP_REASON_BAD_CHECKSUM);

	in_path = rcu_dereference(in->path);
	if (unlikely(!in_path || in_path->peer.addr.ip != iph->saddr ||
		     in_path->peer.port != uh->source)) {
		struct latch_source source = { .addr.ip = iph->saddr, .port = uh->source };
		int verdict = nattrav_leg_latch(nn, in, skb, &source, thoff + sizeof(*uh));

		if (verdict >= 0)
			return drop(nn, in, verdict);
	}

	out = in->other;
	out_path = rcu_dereference(out->path);
	if (unlikely(!out_path))
		return peer_partial(nn, in);

	if (unlikely(iph->ttl <= 1))
		return drop(nn, in, NATTRAV_DROP_REASON_TTL);

	dst = rcu_dereference(out_path->dst);
	if (unlikely(!dst || !dst_check(dst, out_path->cookie))) {
		dst = nattrav_path_route(nn->net, out, out_path);
		if (!dst)
			return drop(nn, in, NATTRAV_DROP_REASON_NO_ROUTE);
	}

	if (unlikely(skb_ensure_writable(skb, thoff + sizeof(*uh)) ||
		     skb_cow_head(skb, LL_RESERVED_SPACE(dst->dev))))
		return drop(nn, in, NATTRAV_DROP_REASON_NO_MEMORY);
	iph = ip_hdr(skb);
	uh = (struct udphdr *)((u8 *)iph + thoff);

	reason = admit(in, skb, thoff + sizeof(*uh));
	if (unlikely(reason >= 0))
		return drop(nn, in, reason);

	rewrite4(skb, iph, uh, out, out_path);
	skb_scrub(skb, iph);
	count(stats, &stats->forwarded);

	emit4(nn->net, skb, dst);
	return NF_STOLEN;
}

static unsigned int hook4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct nattrav_net *nn = nattrav_pernet(state->net);
	const struct iphdr *iph = ip_hdr(skb);
	const struct nattrav_block *block;

	if (iph->protocol != IPPROTO_UDP)
		return NF_ACCEPT;

	block = nattrav_block_find(nn, iph->daddr);
	if (!block)
		return NF_ACCEPT;

	return relay4(nn, skb, block);
}

/*
 * After defragmentation, so that only whole datagrams come in; before
 * conntrack, so that it never sees media.
 */
static const struct nf_hook_ops hooks[] = {
	{
		.hook = hook4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK - 1,
	},
};

/**
 * nattrav_hooks_register() - take packets in a network namespace
 * @nn: the network namespace; the caller holds its lock
 * @extack: told what is wrong
 *
 * Return: 0 or -errno.
 */
int nattrav_hooks_register(struct nattrav_net *nn, struct netlink_ext_ack *extack)
{
	int err;

	if (nn->hooked)
		return 0;

	err = nattrav_defrag_enable(nn->net);
	if (err) {
		NL_SET_ERR_MSG(extack, "the kernel module nf_defrag_ipv4 cannot be used");
		return err;
	}

	err = nf_register_net_hooks(nn->net, hooks, ARRAY_SIZE(hooks));
	if (err) {
		nattrav_defrag_disable(nn->net);
		return err;
	}

	nn->hooked = true;
	return 0;
}

/**
 * nattrav_hooks_unregister() - take no more packets in a network namespace
 * @nn: the network namespace; the caller holds its lock
 *
 * A packet may still be on its way until a grace period has gone by.
 */
void nattrav_hooks_unregister(struct nattrav_net *nn)
{
	if (!nn->hooked)
		return;

	nf_unregister_net_hooks(nn->net, hooks, ARRAY_SIZE(hooks));
	nattrav_defrag_disable(nn->net);
	nn->hooked = false;
}
