// SPDX-License-Identifier: GPL-2.0-only
/*
 * The packet's way: look-up by destination, check of the source, both
 * addresses rewritten, out. Runs under RCU with bottom halves off. The only
 * lock on the straight way is that of the leg that the packet came to.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "emit.h"
#include "nattrav.h"
#include "rewrite.h"
#include "trace.h"

/* Without options. */
static __always_inline unsigned int ip_header_len(const u8 family)
{
	return family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static __always_inline u8 time_to_live(const void *nh, const u8 family)
{
	return family == AF_INET ? ((const struct iphdr *)nh)->ttl :
				   ((const struct ipv6hdr *)nh)->hop_limit;
}

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

	/* bits of nattrav_leg.last_drop */
	BUILD_BUG_ON(NATTRAV_DROP_REASON_MAX + 1 >= BIT(7));

	count(stats, &stats->dropped[reason]);
	trace_nattrav_drop(leg, reason);
	if (leg) {
		spin_lock(&leg->lock);
		leg->dropped++;
		leg->last_drop = reason + 1;
		spin_unlock(&leg->lock);
	}

	return NF_DROP;
}

/* Defragmentation lets none through; somebody may have taken it away. */
static noinline unsigned int fragment(struct nattrav_net *nn)
{
	struct nattrav_stats *stats = this_cpu_ptr(nn->stats);

	count(stats, &stats->received);
	return drop(nn, NULL, NATTRAV_DROP_REASON_FRAGMENT);
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
	WRITE_ONCE(leg->last_seen, jiffies);
	leg->seen = true;
	spin_unlock(&leg->lock);

	return drop(nn, leg, NATTRAV_DROP_REASON_PEER_PARTIAL);
}

/*
 * The bucket is empty: what has come into it since it was filled, a second's worth at
 * most. It is not asked before, so that twice as much may pass at once.
 */
static noinline bool rate_refill(struct nattrav_leg *leg)
{
	u32 elapsed = (u32)jiffies - leg->tokens_at;

	if (!leg->rate)
		leg->tokens = U32_MAX;
	else if (elapsed >= HZ)
		leg->tokens = leg->rate;
	else
		leg->tokens = (u64)elapsed * leg->rate / HZ;
	/* What a jiffy brings may be less than a token: let it add up. */
	if (!leg->tokens)
		return false;

	leg->tokens_at = jiffies;
	return true;
}

static __always_inline bool rate_allows(struct nattrav_leg *leg)
{
	if (unlikely(!leg->tokens) && !rate_refill(leg))
		return false;

	leg->tokens--;
	return true;
}

/* Account for RTP; the time in its units: 976562 is 10^9 / 1024. */
static __always_inline enum rtp_verdict rtp_heard(struct rtp_source *source, u32 clock_rate,
						  const struct rtp_summary *rtp, u64 now)
{
	return rtp_source_update(source, rtp, nattrav_rtp_ms(now),
				 (u32)((now >> 10) * clock_rate / 976562));
}

/*
 * One of several senders behind the same address: what is told of them is told of
 * the one that was heard first. Returns whether it is media.
 */
static noinline bool hear_one_of_many(struct nattrav_leg *leg, const u8 *head, unsigned int len)
{
	struct nattrav_session *session = nattrav_leg_media(leg);
	struct rtp_source *source = &session->rtp[leg->side];
	struct rtp_summary rtp;

	rtp_summarize(&rtp, head, len);
	if (rtp.kind == RTP_KIND_RTP && (!source->heard || source->ssrc == rtp.ssrc))
		rtp_heard(source, session->clock_rate[leg->side], &rtp, ktime_get_ns());

	return rtp.kind != RTP_KIND_NONE;
}

/*
 * Account for a packet of the peer, of whose payload the first RTP_HEADER_LEN
 * bytes are at @head; -1, or the reason to drop it for. RTCP, STUN and DTLS on the
 * same port (RFC 5761, RFC 7983) pass unseen. Not inline: it needs all registers.
 */
static noinline int admit(struct nattrav_leg *leg, const u8 *head, unsigned int len)
{
	enum rtp_verdict verdict = RTP_OK;
	struct rtp_summary rtp;
	bool media = true;
	int reason = -1;
	u64 now;

	spin_lock(&leg->lock);
	if (unlikely(!rate_allows(leg))) {
		reason = NATTRAV_DROP_REASON_RATE;
		goto out;
	}

	if (likely(leg->type == NATTRAV_STREAM_TYPE_RTP && !leg->many_ssrc)) {
		struct nattrav_session *session = nattrav_leg_media(leg);
		struct rtp_source *source = &session->rtp[leg->side];
		u32 clock_rate = session->clock_rate[leg->side];

		/* or the compiler computes it anew for each member */
		OPTIMIZER_HIDE_VAR(source);
		now = ktime_get_ns();
		rtp_summarize(&rtp, head, len);
		/* Keep-alives on a media port are no media. */
		media = rtp.kind != RTP_KIND_NONE;
		if (likely(rtp.kind == RTP_KIND_RTP))
			verdict = rtp_heard(source, clock_rate, &rtp, now);
	} else if (leg->type == NATTRAV_STREAM_TYPE_RTP) {
		media = hear_one_of_many(leg, head, len);
	}
	if (unlikely(verdict > RTP_NEW_SSRC)) {
		reason = verdict == RTP_BAD_SSRC ? NATTRAV_DROP_REASON_SSRC :
						   NATTRAV_DROP_REASON_SEQUENCE;
		goto out;
	}

	leg->packets++;
	leg->bytes += len;
	if (likely(media)) {
		WRITE_ONCE(leg->last_seen, jiffies);
		leg->seen = true;
	}
out:
	spin_unlock(&leg->lock);
	return reason;
}

/* What no hardware has verified. */
static noinline bool checksum_wrong(struct sk_buff *skb, const struct udphdr *uh,
				    unsigned int thoff, u8 family)
{
	/* Only IPv4 may do without (RFC 768, RFC 8200 8.1). */
	if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
		return family != AF_INET;

	if (skb_csum_unnecessary(skb))
		return false;

	return family == AF_INET ?
	       nf_ip_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_UDP) :
	       nf_ip6_checksum(skb, NF_INET_PRE_ROUTING, thoff, IPPROTO_UDP);
}

static __always_inline bool checksum_bad(struct sk_buff *skb, const struct udphdr *uh,
					 unsigned int thoff, const u8 family)
{
	if (likely(skb->ip_summed == CHECKSUM_UNNECESSARY && uh->check))
		return false;

	return checksum_wrong(skb, uh, thoff, family);
}

static __always_inline bool from_peer(const struct nattrav_path *path, const void *nh,
				      const struct udphdr *uh, const u8 family)
{
	if (path->peer.port != uh->source)
		return false;

	return family == AF_INET ?
	       path->peer.addr.ip == ((const struct iphdr *)nh)->saddr :
	       ipv6_addr_equal(&path->peer.addr.in6, &((const struct ipv6hdr *)nh)->saddr);
}

/* Not from the peer, or there is none: -1 if it is one now, or a drop reason. */
static noinline int stranger(struct nattrav_net *nn, struct nattrav_leg *leg,
			     const struct sk_buff *skb, unsigned int thoff,
			     const struct udphdr *uh, u8 family)
{
	struct latch_source source = { .port = uh->source };
	int verdict;

	if (family == AF_INET)
		source.addr.ip = ip_hdr(skb)->saddr;
	else
		source.addr.in6 = ipv6_hdr(skb)->saddr;

	verdict = nattrav_leg_latch(nn, leg, skb, &source, thoff + sizeof(*uh));
	return verdict >= 0 ? verdict : -1;
}

/* Larger than the way takes: the sender is told, in its own family's terms. */
static noinline unsigned int too_big(struct nattrav_net *nn, struct nattrav_leg *leg,
				     struct sk_buff *skb, u32 mtu)
{
	struct nattrav_path *path = rcu_dereference(leg->path);
	struct nattrav_hop *back = path ? rcu_dereference(path->hop) : NULL;

	if (path && !back)
		back = nattrav_path_route(nn, leg, path);
	nattrav_tell_too_big(skb, back ? back->dst : NULL, mtu);

	return drop(nn, leg, NATTRAV_DROP_REASON_TOO_BIG);
}

/* All that is read of a packet, in one piece. */
static noinline bool pull_head(struct sk_buff *skb, unsigned int len)
{
	return pskb_may_pull(skb, min(len, skb->len));
}

static __always_inline bool is_writable(const struct sk_buff *skb, unsigned int headroom)
{
	return !skb_cloned(skb) && headroom <= skb_headroom(skb);
}

static __always_inline void mark_dscp(struct sk_buff *skb, const struct nattrav_leg *out)
{
	u8 dscp = READ_ONCE(out->dscp);

	if (unlikely(dscp))
		nattrav_mark_dscp(skb, dscp - 1);
}

/* The last part of a packet's way. */
static __always_inline unsigned int send_on(struct nattrav_net *nn, struct sk_buff *skb,
					    unsigned int thoff, struct nattrav_leg *in,
					    const struct nattrav_path *path,
					    struct nattrav_hop *hop, const u8 from, const u8 to,
					    bool plain)
{
	unsigned int len = skb->len - thoff - sizeof(struct udphdr);
	unsigned int room = LL_RESERVED_SPACE(hop->dst->dev);
	const struct nattrav_leg *out = nattrav_leg_other(in);
	struct nattrav_stats *stats;
	struct udphdr *uh;
	int reason;
	void *nh;

	if (from == AF_INET && to == AF_INET6)
		room += sizeof(struct ipv6hdr) - sizeof(struct iphdr);
	if (skb_ensure_writable(skb, thoff + sizeof(*uh)) || skb_cow_head(skb, room))
		return drop(nn, in, NATTRAV_DROP_REASON_NO_MEMORY);
	nh = skb_network_header(skb);
	uh = nh + thoff;

	reason = admit(in, (const u8 *)(uh + 1), len);
	if (unlikely(reason >= 0))
		return drop(nn, in, reason);

	if (from == AF_INET && to == AF_INET)
		nattrav_rewrite4(skb, nh, uh, out, path);
	else if (from == AF_INET6 && to == AF_INET6)
		nattrav_rewrite6(skb, nh, uh, out, path);
	else if (to == AF_INET6)
		nattrav_translate46(skb, thoff, out, path);
	else
		nattrav_translate64(skb, thoff, nn->net, out, path);
	mark_dscp(skb, out);
	stats = this_cpu_ptr(nn->stats);
	count(stats, &stats->forwarded);

	nattrav_emit(nn, skb, hop, to, plain);
	return NF_STOLEN;
}

/* How it goes to where it goes: in another family, in pieces, or not at all. */
static noinline unsigned int send(struct nattrav_net *nn, struct sk_buff *skb, unsigned int thoff,
				  struct nattrav_leg *in, const struct nattrav_path *path,
				  struct nattrav_hop *hop, const u8 from)
{
	u8 to = nattrav_leg_other(in)->family;
	bool may_fragment = false, fits;
	int growth = 0, mtu;

	if (from != to)
		growth = (int)(to == AF_INET6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) -
			 (int)thoff;
	else if (from == AF_INET)
		may_fragment = !(ip_hdr(skb)->frag_off & htons(IP_DF));
	/* An IPv4 header is a part of the length that it tells, one of IPv6 is not. */
	if (to == AF_INET && !skb_is_gso(skb) && (int)skb->len + growth > IP_MAX_MTU)
		return drop(nn, in, NATTRAV_DROP_REASON_TOO_BIG);
	mtu = (int)dst_mtu(hop->dst) - growth;
	fits = (int)skb->len <= mtu;
	if (!fits && !nattrav_splits(skb, mtu, may_fragment))
		return too_big(nn, in, skb, mtu);

	return send_on(nn, skb, thoff, in, path, hop, from, to,
		       fits && !nattrav_emit_is_odd(hop->dst, skb, to));
}

/*
 * Datagrams that GRO has gathered, or that were sent together (UDP_SEGMENT): each goes
 * by itself again. What checks and counts packets must see them all, and not every kernel
 * rewrites the headers of all members of a list.
 */
static noinline unsigned int send_segments(struct nattrav_net *nn, struct sk_buff *skb,
					   unsigned int thoff, struct nattrav_leg *in,
					   const struct nattrav_path *path,
					   struct nattrav_hop *hop, u8 from)
{
	const unsigned int head_len = thoff + sizeof(struct udphdr) + RTP_HEADER_LEN;
	struct nattrav_stats *stats = this_cpu_ptr(nn->stats);
	struct sk_buff *segs, *seg, *next;
	unsigned int verdict;

	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs))
		return drop(nn, in, NATTRAV_DROP_REASON_NO_MEMORY);

	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		/* the first one was counted when they came */
		if (seg != segs)
			count(stats, &stats->received);
		verdict = pull_head(seg, head_len) ?
			  send(nn, seg, thoff, in, path, hop, from) :
			  drop(nn, in, NATTRAV_DROP_REASON_NO_MEMORY);
		if (verdict == NF_DROP)
			kfree_skb(seg);
	}

	return NF_STOLEN;
}

/* The whole of a packet's way, whatever it is like. */
static noinline unsigned int relay(struct nattrav_net *nn, struct sk_buff *skb,
				   const struct nattrav_block *block, unsigned int thoff, u8 family)
{
	const unsigned int head_len = thoff + sizeof(struct udphdr) + RTP_HEADER_LEN;
	struct nattrav_stats *stats = this_cpu_ptr(nn->stats);
	struct nattrav_path *in_path, *out_path;
	struct nattrav_leg *in, *out;
	struct nattrav_hop *hop;
	struct udphdr *uh;
	unsigned int len;
	int reason;
	void *nh;

	count(stats, &stats->received);

	if (head_len > skb_headlen(skb) &&
	    (!pull_head(skb, head_len) || skb->len < thoff + sizeof(*uh)))
		return drop(nn, NULL, NATTRAV_DROP_REASON_BAD_LENGTH);
	nh = skb_network_header(skb);
	uh = nh + thoff;
	len = skb->len - thoff - sizeof(*uh);

	in = rcu_dereference(block->port[ntohs(uh->dest)]);
	if (!in)
		return no_leg(nn, block, ntohs(uh->dest));

	/* A GSO packet may have the length of its first segment there. */
	if (ntohs(uh->len) != len + sizeof(*uh) &&
	    (!skb_is_gso(skb) || ntohs(uh->len) < sizeof(*uh)))
		return drop(nn, in, NATTRAV_DROP_REASON_BAD_LENGTH);
	if (checksum_bad(skb, uh, thoff, family))
		return drop(nn, in, NATTRAV_DROP_REASON_BAD_CHECKSUM);

	in_path = rcu_dereference(in->path);
	if (!in_path || !from_peer(in_path, nh, uh, family)) {
		reason = stranger(nn, in, skb, thoff, uh, family);
		if (reason >= 0)
			return drop(nn, in, reason);
	}

	out = nattrav_leg_other(in);
	out_path = rcu_dereference(out->path);
	if (!out_path)
		return peer_partial(nn, in);

	if (time_to_live(nh, family) <= 1)
		return drop(nn, in, NATTRAV_DROP_REASON_TTL);

	hop = rcu_dereference(out_path->hop);
	if (!hop || !dst_check(hop->dst, hop->cookie)) {
		hop = nattrav_path_route(nn, out, out_path);
		if (!hop)
			return drop(nn, in, NATTRAV_DROP_REASON_NO_ROUTE);
	}

	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP_L4)
		return send_segments(nn, skb, thoff, in, out_path, hop, family);

	return send(nn, skb, thoff, in, out_path, hop, family);
}

/*
 * What almost every packet is like: it is whole, from the peer, and goes on by a hop that
 * is ready. Asks the same as relay(), to which any other is left as it came: false.
 */
static __always_inline bool straight(struct nattrav_net *nn, struct sk_buff *skb,
				     const struct nattrav_block *block, unsigned int *verdict,
				     const u8 family)
{
	void *nh = skb_network_header(skb);
	struct udphdr *uh = nh + ip_header_len(family);
	unsigned int len = skb->len - ip_header_len(family) - sizeof(*uh);
	const struct nattrav_path *in_path, *out_path;
	struct nattrav_leg *in, *out;
	struct nattrav_stats *stats;
	struct nattrav_hop *hop;
	int reason;

	if (unlikely(skb_headlen(skb) < ip_header_len(family) + sizeof(*uh) + RTP_HEADER_LEN))
		return false;
	in = rcu_dereference(block->port[ntohs(uh->dest)]);
	if (unlikely(!in))
		return false;
	if (unlikely(ntohs(uh->len) != len + sizeof(*uh) || skb_is_gso(skb)))
		return false;
	if (unlikely(checksum_bad(skb, uh, ip_header_len(family), family)))
		return false;
	in_path = rcu_dereference(in->path);
	if (unlikely(!in_path || !from_peer(in_path, nh, uh, family)))
		return false;

	out = nattrav_leg_other(in);
	out_path = rcu_dereference(out->path);
	if (unlikely(!out_path))
		return false;
	if (unlikely(time_to_live(nh, family) <= 1))
		return false;

	hop = rcu_dereference(out_path->hop);
	if (unlikely(!hop || !nattrav_hop_ready(hop, nn, family)))
		return false;
	if (unlikely(skb->len > READ_ONCE(hop->mtu) || !is_writable(skb, READ_ONCE(hop->room))))
		return false;

	reason = admit(in, (const u8 *)(uh + 1), len);
	stats = this_cpu_ptr(nn->stats);
	u64_stats_update_begin(&stats->syncp);
	u64_stats_inc(&stats->received);
	if (likely(reason < 0))
		u64_stats_inc(&stats->forwarded);
	u64_stats_update_end(&stats->syncp);
	if (unlikely(reason >= 0)) {
		*verdict = drop(nn, in, reason);
		return true;
	}

	if (family == AF_INET)
		nattrav_rewrite4(skb, nh, uh, out, out_path);
	else
		nattrav_rewrite6(skb, nh, uh, out, out_path);
	mark_dscp(skb, out);
	nattrav_emit_ready(nn, skb, hop, family);
	*verdict = NF_STOLEN;
	return true;
}

static unsigned int hook4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct nattrav_net *nn = priv;
	const struct nattrav_block *block;
	unsigned int verdict;

	if (iph->protocol != IPPROTO_UDP)
		return nattrav_not_udp4(nn, skb);

	block = nattrav_block_find4(nn, iph->daddr);
	if (!block)
		return NF_ACCEPT;

	if (unlikely(ip_is_fragment(iph)))
		return fragment(nn);

	if (likely(iph->ihl == 5 && straight(nn, skb, block, &verdict, AF_INET)))
		return verdict;

	return relay(nn, skb, block, ip_hdrlen(skb), AF_INET);
}

/*
 * Destination options may stand before the UDP header. Hop-by-hop options and
 * routing headers are for the host to judge.
 */
static noinline int skip_headers6(const struct sk_buff *skb)
{
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	__be16 frag_off = 0;
	int thoff;

	if (nexthdr != NEXTHDR_DEST)
		return -1;

	thoff = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr, &frag_off);
	return nexthdr == IPPROTO_UDP && !frag_off ? thoff : -1;
}

static unsigned int hook6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct nattrav_net *nn = priv;
	const struct nattrav_block *block;
	int thoff = sizeof(*ip6h);
	unsigned int verdict;

	if (ip6h->nexthdr != IPPROTO_UDP && ip6h->nexthdr != NEXTHDR_DEST &&
	    ip6h->nexthdr != NEXTHDR_FRAGMENT)
		return nattrav_not_udp6(nn, skb);

	block = nattrav_block_find6(nn, &ip6h->daddr);
	if (!block)
		return NF_ACCEPT;

	if (unlikely(ip6h->nexthdr == NEXTHDR_FRAGMENT))
		return fragment(nn);

	if (likely(ip6h->nexthdr == IPPROTO_UDP && straight(nn, skb, block, &verdict, AF_INET6)))
		return verdict;

	if (ip6h->nexthdr != IPPROTO_UDP) {
		thoff = skip_headers6(skb);
		if (thoff < 0)
			return NF_ACCEPT;
	}

	return relay(nn, skb, block, thoff, AF_INET6);
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
	{
		.hook = hook6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK - 1,
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
	unsigned int i;
	int err;

	BUILD_BUG_ON(ARRAY_SIZE(nn->hooks) != ARRAY_SIZE(hooks));

	if (nn->hooked)
		return 0;

	err = nattrav_defrag_enable(nn->net);
	if (err) {
		NL_SET_ERR_MSG(extack, "nf_defrag_ipv4 or nf_defrag_ipv6 cannot be used");
		return err;
	}

	/* each namespace its own, so that packets need not look for what is theirs */
	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		nn->hooks[i] = hooks[i];
		nn->hooks[i].priv = nn;
	}
	err = nf_register_net_hooks(nn->net, nn->hooks, ARRAY_SIZE(nn->hooks));
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

	nf_unregister_net_hooks(nn->net, nn->hooks, ARRAY_SIZE(nn->hooks));
	nattrav_defrag_disable(nn->net);
	nn->hooked = false;
}
