// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the parts that need no packet path: latching, RTP, rewriting,
 * the table. A module of its own, for a kernel with CONFIG_KUNIT; it carries
 * its own copy of what it tests, since nattrav.ko exports nothing.
 *
 * Checksums are verified by adding up the packet byte by byte, not by the
 * kernel's helpers, which the code under test uses as well.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/prandom.h>

#include "latch.c"
#include "rtp.c"
#include "rewrite.c"
#include "table.c"

#define PEER4	0xcb00710a	/* 203.0.113.10 */
#define OTHER4	0xc6336407	/* 198.51.100.7 */
#define RELAY4	0xcb007101	/* 203.0.113.1 */
#define NOW	1000000ULL

/* The tests have no addresses; all are local to them. */
bool nattrav_addr_is_local(struct net *net, const union nf_inet_addr *addr, u8 family)
{
	return true;
}

/* Of stream.c; the table only makes and frees what it describes. */
const struct rhashtable_params nattrav_call_params = {
	.key_len = sizeof(u32),
	.key_offset = offsetof(struct nattrav_stream, id),
	.head_offset = offsetof(struct nattrav_stream, call_node),
};

static union nf_inet_addr addr4(u32 addr)
{
	return (union nf_inet_addr){ .ip = htonl(addr) };
}

static union nf_inet_addr addr6(u32 net, u32 host)
{
	return (union nf_inet_addr){ .ip6 = { htonl(0x20010db8), htonl(net), 0, htonl(host) } };
}

/* --- Latching ----------------------------------------------------------- */

static struct latch latch_of(u32 prefix, u8 len)
{
	return (struct latch){
		.prefix = { { .addr = addr4(prefix), .len = len } },
		.prefixes = 1,
		.family = AF_INET,
		.type = NATTRAV_STREAM_TYPE_RTP,
		.deadline = NOW + 30000,
	};
}

static struct latch_packet rtp_from(u32 addr, u16 port, u16 seq)
{
	return (struct latch_packet){
		.source = { .addr = addr4(addr), .port = htons(port) },
		.rtp = { .kind = RTP_KIND_RTP, .seq = seq, .ssrc = 1 },
	};
}

static void latch_first_packet_test(struct kunit *test)
{
	struct latch latch = latch_of(PEER4, 32);
	struct latch_packet packet = rtp_from(PEER4, 4000, 1);
	struct latch_packet foreign = rtp_from(OTHER4, 4000, 1);

	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &foreign, NOW),
			NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + 30001),
			NATTRAV_DROP_REASON_WINDOW_CLOSED);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW), LATCH_ACCEPT);
	packet.rtp.kind = RTP_KIND_NONE;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW),
			NATTRAV_DROP_REASON_NOT_RTP);
}

static void latch_prefix6_test(struct kunit *test)
{
	struct latch latch = latch_of(0, 64);
	struct latch_packet packet = rtp_from(0, 4000, 1);

	latch.family = AF_INET6;
	latch.prefix[0].addr = addr6(1, 0);
	packet.source.addr = addr6(1, 0xffff);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW), LATCH_ACCEPT);
	packet.source.addr = addr6(2, 0xffff);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW),
			NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
}

static void latch_probation_test(struct kunit *test)
{
	struct latch_packet packet, sprayed;
	struct latch_probation probation = {};
	struct latch latch = latch_of(0, 0);
	unsigned int i;

	latch.probation_packets = 4;
	latch.probation = &probation;
	for (i = 1; i < 4; i++) {
		packet = rtp_from(PEER4, 4000, i);
		KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + i),
				NATTRAV_DROP_REASON_PROBATION);
	}

	/* Somebody else comes: both need twice as many, neither starts anew. */
	for (i = 0; i < 10; i++) {
		sprayed = rtp_from(OTHER4, 4000, 7 * i);
		KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &sprayed, NOW + 4),
				NATTRAV_DROP_REASON_PROBATION);
	}
	KUNIT_EXPECT_TRUE(test, probation.contended);
	for (i = 4; i < 8; i++) {
		packet = rtp_from(PEER4, 4000, i);
		KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + i),
				NATTRAV_DROP_REASON_PROBATION);
	}
	packet = rtp_from(PEER4, 4000, 8);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW + 8), LATCH_ACCEPT);
}

static void latch_rtcp_test(struct kunit *test)
{
	union nf_inet_addr peer = addr4(PEER4), other = addr4(OTHER4);
	struct latch_packet packet = rtp_from(PEER4, 4001, 0);
	struct latch latch = latch_of(0, 0);

	latch.type = NATTRAV_STREAM_TYPE_RTCP;
	packet.rtp.kind = RTP_KIND_RTCP;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, NULL, &packet, NOW),
			NATTRAV_DROP_REASON_RTP_PARTIAL);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, &other, &packet, NOW),
			NATTRAV_DROP_REASON_OUTSIDE_PREFIX);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, NULL, &peer, &packet, NOW), LATCH_ACCEPT);
}

static void latch_peer_stays_test(struct kunit *test)
{
	struct latch_peer peer = {
		.source = { .addr = addr4(PEER4), .port = htons(4000) },
		.ssrc = 1,
		.max_seq = 100,
		.heard = NOW,
	};
	struct latch_packet packet = rtp_from(PEER4, 4000, 1);
	struct latch_packet moved = rtp_from(PEER4, 5000, 101);
	struct latch latch = latch_of(PEER4, 32);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &packet, NOW), LATCH_PEER);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 10000),
			NATTRAV_DROP_REASON_WRONG_SOURCE);

	latch.relatch = NATTRAV_RELATCH_REBIND;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 1999),
			NATTRAV_DROP_REASON_WRONG_SOURCE);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 2000),
				LATCH_REBIND);
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW + 2000),
			NATTRAV_DROP_REASON_WRONG_SOURCE);

	/* The controller has asked again: the rules of a partial leg. */
	latch.generation++;
	KUNIT_EXPECT_EQ(test, latch_check(&latch, &peer, NULL, &moved, NOW), LATCH_ACCEPT);
}

static struct kunit_case latch_cases[] = {
	KUNIT_CASE(latch_first_packet_test),
	KUNIT_CASE(latch_prefix6_test),
	KUNIT_CASE(latch_probation_test),
	KUNIT_CASE(latch_rtcp_test),
	KUNIT_CASE(latch_peer_stays_test),
	{}
};

static struct kunit_suite latch_suite = {
	.name = "nattrav_latch",
	.test_cases = latch_cases,
};

/* --- RTP ---------------------------------------------------------------- */

static void rtp_summarize_test(struct kunit *test)
{
	static const u8 head[RTP_HEADER_LEN] = {
		0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef
	};
	struct rtp_summary sum;
	unsigned int len;
	u8 *exact, b;

	rtp_summarize(&sum, head, sizeof(head));
	KUNIT_EXPECT_EQ(test, sum.kind, RTP_KIND_RTP);
	KUNIT_EXPECT_EQ(test, sum.payload_type, 8);
	KUNIT_EXPECT_EQ(test, sum.seq, 0x1234);
	KUNIT_EXPECT_EQ(test, sum.timestamp, 160);
	KUNIT_EXPECT_EQ(test, sum.ssrc, 0xdeadbeef);

	/* Every length in a buffer of just that length, for KASAN to watch. */
	for (len = 1; len < RTP_HEADER_LEN; len++) {
		exact = kunit_kmalloc(test, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, exact);
		memcpy(exact, head, len);
		for (b = 0; b < 2; b++) {
			if (len > 1)
				exact[1] = b ? 200 : 8;
			rtp_summarize(&sum, exact, len);
			KUNIT_EXPECT_EQ(test, sum.kind,
					b && len >= 8 ? RTP_KIND_RTCP : RTP_KIND_NONE);
		}
		kunit_kfree(test, exact);
	}
}

static enum rtp_verdict heard(struct rtp_source *source, u16 seq, u32 ssrc, u64 now)
{
	struct rtp_summary packet = { .kind = RTP_KIND_RTP, .seq = seq, .ssrc = ssrc };

	return rtp_source_update(source, &packet, now, 0);
}

static void rtp_source_test(struct kunit *test)
{
	struct rtp_source source = {};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, heard(&source, 65534, 1, NOW), RTP_NEW_SSRC);
	KUNIT_EXPECT_EQ(test, heard(&source, 65535, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, heard(&source, 2, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, rtp_source_lost(&source), 2);
	KUNIT_EXPECT_EQ(test, heard(&source, 1, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, rtp_source_lost(&source), 1);
	KUNIT_EXPECT_EQ(test, source.reordered, 1);
	KUNIT_EXPECT_EQ(test, heard(&source, 2, 1, NOW), RTP_OK);
	KUNIT_EXPECT_EQ(test, source.duplicates, 1);
	KUNIT_EXPECT_EQ(test, heard(&source, 3002, 1, NOW + 199), RTP_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, heard(&source, 3002, 1, NOW + 200), RTP_OK);

	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, heard(&source, 1, 2 + i, NOW), RTP_NEW_SSRC);
	KUNIT_EXPECT_EQ(test, heard(&source, 1, 9, NOW), RTP_TOO_MANY_SSRCS);
	KUNIT_EXPECT_EQ(test, heard(&source, 1, 9, NOW + MINUTE_MS), RTP_NEW_SSRC);
	KUNIT_EXPECT_EQ(test, source.ssrc_changes, 5);
}

static struct kunit_case rtp_cases[] = {
	KUNIT_CASE(rtp_summarize_test),
	KUNIT_CASE(rtp_source_test),
	{}
};

static struct kunit_suite rtp_suite = {
	.name = "nattrav_rtp",
	.test_cases = rtp_cases,
};

/* --- Rewriting ---------------------------------------------------------- */

enum sum_state {
	SUM_NONE,	/* a checksum in the packet, nothing known of it */
	SUM_COMPLETE,	/* the same, the card has added up the packet */
	SUM_PARTIAL,	/* of the pseudo-header only, the card does the rest */
	SUM_ZERO,	/* no checksum */
};

struct rewrite_case {
	const char *name;
	u8 from;	/* family */
	u8 to;
	u8 extra;	/* bytes between the IP header and UDP */
	u16 payload;
	enum sum_state state;
};

/* In each state of the checksum that there can be. */
static const struct rewrite_case rewrite_case[] = {
	{ "4-4", AF_INET, AF_INET, 0, 160 },
	{ "4-4 odd", AF_INET, AF_INET, 0, 161 },
	{ "4-4 options", AF_INET, AF_INET, 8, 160 },
	{ "6-6", AF_INET6, AF_INET6, 0, 160 },
	{ "6-6 odd", AF_INET6, AF_INET6, 0, 161 },
	{ "6-6 options", AF_INET6, AF_INET6, 8, 160 },
	{ "4-6", AF_INET, AF_INET6, 0, 160 },
	{ "4-6 odd", AF_INET, AF_INET6, 0, 161 },
	{ "4-6 options", AF_INET, AF_INET6, 8, 160 },
	{ "6-4", AF_INET6, AF_INET, 0, 160 },
	{ "6-4 odd", AF_INET6, AF_INET, 0, 161 },
	{ "6-4 options", AF_INET6, AF_INET, 8, 160 },
	{ "6-4 large", AF_INET6, AF_INET, 0, 1300 },
};

static void rewrite_case_name(const struct rewrite_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(rewrite, rewrite_case, rewrite_case_name);

static u32 sum_bytes(const void *data, unsigned int len, u32 sum)
{
	const u8 *p = data;
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);

	return sum;
}

/* The sum of the UDP datagram and its pseudo-header: 0xffff if it is right. */
static u32 sum_udp(const struct sk_buff *skb, u8 family, unsigned int thoff)
{
	const u8 *ip = skb_network_header(skb);
	unsigned int len = skb->len - thoff;
	u32 sum;

	sum = family == AF_INET ? sum_bytes(ip + 12, 8, 0) : sum_bytes(ip + 8, 32, 0);
	sum += len + IPPROTO_UDP;

	return sum_bytes(ip + thoff, len, sum);
}

static unsigned int ip_header_len(u8 family)
{
	return family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

static void ip_header_make(struct sk_buff *skb, u8 family, unsigned int extra)
{
	struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct iphdr *iph = ip_hdr(skb);
	union nf_inet_addr addr;

	if (family == AF_INET) {
		*iph = (struct iphdr){
			.version = 4,
			.ihl = 5 + extra / 4,
			.tos = 0xb8,
			.tot_len = htons(skb->len),
			.frag_off = htons(IP_DF),
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.saddr = htonl(PEER4),
			.daddr = htonl(RELAY4),
		};
		memset(iph + 1, IPOPT_NOOP, extra);
		iph->check = htons(~sum_bytes(iph, 20 + extra, 0));
		return;
	}

	ip6_flow_hdr(ip6h, 0xb8, htonl(0x12345));
	ip6h->payload_len = htons(skb->len - sizeof(*ip6h));
	ip6h->nexthdr = extra ? NEXTHDR_DEST : IPPROTO_UDP;
	ip6h->hop_limit = 64;
	addr = addr6(1, PEER4);
	ip6h->saddr = addr.in6;
	addr = addr6(1, RELAY4);
	ip6h->daddr = addr.in6;
	if (extra) {
		u8 *options = (u8 *)(ip6h + 1);

		memset(options, 0, extra);
		options[0] = IPPROTO_UDP;
		options[2] = 1; /* PadN */
		options[3] = extra - 4;
	}
}

/* A packet whose payload begins with @word and is random otherwise. */
static struct sk_buff *packet_make(const struct rewrite_case *c, u16 word)
{
	unsigned int thoff = ip_header_len(c->from) + c->extra;
	struct rnd_state rnd;
	struct sk_buff *skb;
	struct udphdr *uh;

	skb = alloc_skb(LL_MAX_HEADER + 40 + thoff + sizeof(*uh) + c->payload, GFP_KERNEL);
	if (!skb)
		return NULL;

	skb_reserve(skb, LL_MAX_HEADER + 40);
	skb_put(skb, thoff + sizeof(*uh) + c->payload);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, thoff);
	skb->protocol = c->from == AF_INET ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	ip_header_make(skb, c->from, c->extra);

	uh = udp_hdr(skb);
	uh->source = htons(4000);
	uh->dest = htons(30000);
	uh->len = htons(sizeof(*uh) + c->payload);
	uh->check = 0;
	prandom_seed_state(&rnd, 1);
	prandom_bytes_state(&rnd, uh + 1, c->payload);
	*(__be16 *)(uh + 1) = htons(word);

	switch (c->state) {
	case SUM_ZERO:
		break;
	case SUM_PARTIAL:
		/* The pseudo-header alone, as udp4_hwcsum() leaves it. */
		skb->ip_summed = CHECKSUM_PARTIAL;
		skb->csum_start = skb_transport_header(skb) - skb->head;
		skb->csum_offset = offsetof(struct udphdr, check);
		uh->check = htons(sum_bytes(skb_network_header(skb) +
					    (c->from == AF_INET ? 12 : 8),
					    c->from == AF_INET ? 8 : 32,
					    skb->len - thoff + IPPROTO_UDP));
		break;
	case SUM_COMPLETE:
	case SUM_NONE:
		uh->check = htons(~sum_udp(skb, c->from, thoff)) ?: CSUM_MANGLED_0;
		if (c->state == SUM_COMPLETE) {
			skb->ip_summed = CHECKSUM_COMPLETE;
			skb->csum = skb_checksum(skb, 0, skb->len, 0);
		}
	}

	return skb;
}

static void leg_make(struct nattrav_leg *leg, struct nattrav_pool *pool, struct nattrav_path *path,
		     u8 family)
{
	leg->family = family;
	leg->pool = pool;
	pool->addr = family == AF_INET ? addr4(RELAY4 + 3) : addr6(2, RELAY4);
	leg->local_port = htons(30002);
	path->peer.addr = family == AF_INET ? addr4(OTHER4) : addr6(3, OTHER4);
	path->peer.port = htons(5000);
}

static void rewrite(struct sk_buff *skb, const struct rewrite_case *c,
		    const struct nattrav_leg *leg, const struct nattrav_path *path)
{
	unsigned int thoff = ip_header_len(c->from) + c->extra;

	if (c->from == AF_INET && c->to == AF_INET)
		nattrav_rewrite4(skb, ip_hdr(skb), udp_at(skb, thoff), leg, path);
	else if (c->from == AF_INET6 && c->to == AF_INET6)
		nattrav_rewrite6(skb, ipv6_hdr(skb), udp_at(skb, thoff), leg, path);
	else if (c->from == AF_INET)
		nattrav_translate46(skb, thoff, leg, path);
	else
		nattrav_translate64(skb, thoff, &init_net, leg, path);
}

/* Where UDP begins afterwards: headers stay within a family, go otherwise. */
static unsigned int thoff_after(const struct rewrite_case *c)
{
	return ip_header_len(c->to) + (c->from == c->to ? c->extra : 0);
}

static void sums_check(struct kunit *test, struct sk_buff *skb, const struct rewrite_case *c)
{
	unsigned int thoff = thoff_after(c);
	const struct udphdr *uh = (void *)(skb_network_header(skb) + thoff);

	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		KUNIT_ASSERT_EQ(test, skb_checksum_start_offset(skb), thoff);
		KUNIT_ASSERT_EQ(test, skb_checksum_help(skb), 0);
	}
	if (c->to == AF_INET)
		KUNIT_EXPECT_EQ(test, sum_bytes(skb_network_header(skb), thoff, 0), 0xffff);
	if (c->state == SUM_ZERO && c->to == AF_INET) {
		KUNIT_EXPECT_EQ(test, uh->check, 0);
		return;
	}
	KUNIT_EXPECT_NE(test, uh->check, 0);
	KUNIT_EXPECT_EQ(test, sum_udp(skb, c->to, thoff), 0xffff);
}

static void header4_check(struct kunit *test, const struct sk_buff *skb,
			  const struct rewrite_case *c)
{
	const struct iphdr *iph = ip_hdr(skb);
	bool fragment = c->from == AF_INET6 && skb->len <= IPV6_MIN_MTU - 20;

	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_IP));
	KUNIT_EXPECT_EQ(test, ntohs(iph->tot_len), skb->len);
	KUNIT_EXPECT_EQ(test, iph->ihl * 4, thoff_after(c));
	KUNIT_EXPECT_EQ(test, iph->ttl, 63);
	KUNIT_EXPECT_EQ(test, iph->tos, 0xb8);
	KUNIT_EXPECT_EQ(test, iph->frag_off, fragment ? 0 : htons(IP_DF));
	KUNIT_EXPECT_EQ(test, iph->saddr, htonl(RELAY4 + 3));
	KUNIT_EXPECT_EQ(test, iph->daddr, htonl(OTHER4));
}

static void header6_check(struct kunit *test, const struct sk_buff *skb)
{
	union nf_inet_addr saddr = addr6(2, RELAY4), daddr = addr6(3, OTHER4);
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);

	KUNIT_EXPECT_EQ(test, skb->protocol, htons(ETH_P_IPV6));
	KUNIT_EXPECT_EQ(test, ntohs(ip6h->payload_len), skb->len - sizeof(*ip6h));
	KUNIT_EXPECT_EQ(test, ip6h->hop_limit, 63);
	KUNIT_EXPECT_EQ(test, ipv6_get_dsfield(ip6h), 0xb8);
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&ip6h->saddr, &saddr.in6));
	KUNIT_EXPECT_TRUE(test, ipv6_addr_equal(&ip6h->daddr, &daddr.in6));
}

static void rewrite_one(struct kunit *test, const struct rewrite_case *c)
{
	struct sk_buff *skb = packet_make(c, 0);
	struct nattrav_pool pool = {};
	struct nattrav_path path = {};
	struct nattrav_leg *leg;
	const struct udphdr *uh;
	u8 *payload;

	leg = kunit_kzalloc(test, sizeof(*leg), GFP_KERNEL);
	payload = kunit_kzalloc(test, c->payload, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, leg);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	memcpy(payload, udp_hdr(skb) + 1, c->payload);

	leg_make(leg, &pool, &path, c->to);
	rewrite(skb, c, leg, &path);

	if (c->to == AF_INET)
		header4_check(test, skb, c);
	else
		header6_check(test, skb);
	uh = (void *)(skb_network_header(skb) + thoff_after(c));
	KUNIT_EXPECT_EQ(test, uh->source, htons(30002));
	KUNIT_EXPECT_EQ(test, uh->dest, htons(5000));
	KUNIT_EXPECT_EQ(test, ntohs(uh->len), sizeof(*uh) + c->payload);
	KUNIT_EXPECT_MEMEQ(test, (const u8 *)(uh + 1), payload, c->payload);
	sums_check(test, skb, c);
	kfree_skb(skb);
}

static void rewrite_test(struct kunit *test)
{
	struct rewrite_case c = *(const struct rewrite_case *)test->param_value;

	for (c.state = SUM_NONE; c.state <= SUM_ZERO; c.state++)
		if (c.state != SUM_ZERO || c.from == AF_INET)
			rewrite_one(test, &c);
}

/* Each sum that there can be, 0 and 0xffff among them. */
static void rewrite_sums_test(struct kunit *test)
{
	const struct rewrite_case *c = test->param_value;
	struct nattrav_pool pool = {};
	struct nattrav_path path = {};
	struct nattrav_leg *leg;
	unsigned int word, wrong = 0;
	struct sk_buff *skb;

	leg = kunit_kzalloc(test, sizeof(*leg), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, leg);
	leg_make(leg, &pool, &path, c->to);

	for (word = 0; word < 65536; word += 31) {
		const struct udphdr *uh;

		skb = packet_make(c, word);
		KUNIT_ASSERT_NOT_NULL(test, skb);
		rewrite(skb, c, leg, &path);
		if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
			wrong++;
		uh = (void *)(skb_network_header(skb) + thoff_after(c));
		if (c->state == SUM_ZERO && c->to == AF_INET)
			wrong += uh->check != 0;
		else
			wrong += !uh->check || sum_udp(skb, c->to, thoff_after(c)) != 0xffff;
		kfree_skb(skb);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static const struct rewrite_case sums_case[] = {
	{ "4-4 none", AF_INET, AF_INET, 0, 4, SUM_NONE },
	{ "4-4 partial", AF_INET, AF_INET, 0, 4, SUM_PARTIAL },
	{ "6-6 none", AF_INET6, AF_INET6, 0, 4, SUM_NONE },
	{ "6-6 partial", AF_INET6, AF_INET6, 0, 4, SUM_PARTIAL },
	{ "4-6 none", AF_INET, AF_INET6, 0, 4, SUM_NONE },
	{ "4-6 partial", AF_INET, AF_INET6, 0, 4, SUM_PARTIAL },
	{ "4-6 zero", AF_INET, AF_INET6, 0, 4, SUM_ZERO },
	{ "6-4 none", AF_INET6, AF_INET, 0, 4, SUM_NONE },
	{ "6-4 partial", AF_INET6, AF_INET, 0, 4, SUM_PARTIAL },
};

KUNIT_ARRAY_PARAM(sums, sums_case, rewrite_case_name);

static struct kunit_case rewrite_cases[] = {
	KUNIT_CASE_PARAM(rewrite_test, rewrite_gen_params),
	KUNIT_CASE_PARAM(rewrite_sums_test, sums_gen_params),
	{}
};

static struct kunit_suite rewrite_suite = {
	.name = "nattrav_rewrite",
	.test_cases = rewrite_cases,
};

/* --- The table ---------------------------------------------------------- */

#define LEGS 16

struct table_state {
	struct nattrav_net nn;
	struct nattrav_leg leg[LEGS];
};

static int table_test_init(struct kunit *test)
{
	struct table_state *state = kunit_kzalloc(test, sizeof(*state), GFP_KERNEL);

	if (!state)
		return -ENOMEM;

	mutex_init(&state->nn.lock);
	state->nn.net = &init_net;
	test->priv = state;
	return nattrav_table_init(&state->nn);
}

static void table_test_exit(struct kunit *test)
{
	struct table_state *state = test->priv;

	if (state)
		nattrav_table_exit(&state->nn);
}

static struct nattrav_pool *pool_of(struct table_state *state, u16 min, u16 max)
{
	union nf_inet_addr addr = addr4(RELAY4);

	return nattrav_pool_add(&state->nn, &addr, AF_INET, min, max, "", NULL);
}

static int take(struct table_state *state, unsigned int leg, u16 port, bool pair)
{
	struct nattrav_port_wish wish = { .family = AF_INET, .port = port, .pair = pair };

	return nattrav_port_take(&state->nn, &wish, &state->leg[leg],
				 pair ? &state->leg[leg + 1] : NULL, NULL);
}

static void give_back(struct nattrav_leg *leg, bool rest)
{
	nattrav_port_release(leg, rest);
	nattrav_pool_put(leg->pool);
	leg->pool = NULL;
}

static void table_range_test(struct kunit *test)
{
	struct table_state *state = test->priv;

	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 0, 9)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1001, 1009)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1000, 1008)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1002, 1001)), -EINVAL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(pool_of(state, 1000, 1009)));
	KUNIT_EXPECT_EQ(test, PTR_ERR(pool_of(state, 1008, 1011)), -EEXIST);
	KUNIT_EXPECT_FALSE(test, IS_ERR(pool_of(state, 1010, 1011)));
	KUNIT_EXPECT_FALSE(test, IS_ERR(pool_of(state, 65534, 65535)));
	KUNIT_EXPECT_EQ(test, state->nn.pool_count, 3);

	KUNIT_EXPECT_EQ(test, take(state, 0, 998, false), -ERANGE);
	KUNIT_EXPECT_EQ(test, take(state, 0, 1012, false), -ERANGE);
	KUNIT_EXPECT_EQ(test, take(state, 0, 1001, true), -EINVAL);
	KUNIT_EXPECT_EQ(test, take(state, 0, 65534, true), 0);
	KUNIT_EXPECT_EQ(test, ntohs(state->leg[1].local_port), 65535);
	KUNIT_EXPECT_EQ(test, take(state, 2, 65535, false), -EADDRINUSE);
	give_back(&state->leg[0], true);
	give_back(&state->leg[1], true);
}

static void table_pairs_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_pool *pool = pool_of(state, 1000, 1009);
	unsigned int leg, seen = 0;
	u16 port;

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	for (leg = 0; leg < 10; leg += 2) {
		KUNIT_ASSERT_EQ(test, take(state, leg, 0, true), 0);
		port = ntohs(state->leg[leg].local_port);
		KUNIT_EXPECT_EQ(test, port % 2, 0);
		KUNIT_EXPECT_EQ(test, ntohs(state->leg[leg + 1].local_port), port + 1);
		KUNIT_EXPECT_TRUE(test, port >= 1000 && port <= 1008);
		seen |= BIT(port - 1000);
	}
	KUNIT_EXPECT_EQ(test, seen, 0x155);
	KUNIT_EXPECT_EQ(test, pool->legs, 10);
	KUNIT_EXPECT_EQ(test, take(state, 10, 0, true), -ENOSPC);
	KUNIT_EXPECT_EQ(test, take(state, 10, 0, false), -ENOSPC);
	for (leg = 0; leg < 10; leg++)
		give_back(&state->leg[leg], false);
	KUNIT_EXPECT_EQ(test, pool->legs, 0);
}

static void table_rest_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_pool *pool = pool_of(state, 1000, 1001);

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool));
	KUNIT_ASSERT_EQ(test, take(state, 0, 0, false), 0);
	give_back(&state->leg[0], true);
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 1);
	KUNIT_EXPECT_EQ(test, take(state, 0, 0, false), -ENOSPC);

	/* By number it is had while it rests. */
	KUNIT_EXPECT_EQ(test, take(state, 0, 1000, false), 0);
	give_back(&state->leg[0], true);

	/* As if it had been freed long ago; it may be before the boot. */
	pool->block->freed[1000] -= NATTRAV_REST_SECONDS;
	KUNIT_EXPECT_EQ(test, nattrav_pool_resting(pool), 0);
	KUNIT_EXPECT_EQ(test, take(state, 0, 0, false), 0);
	give_back(&state->leg[0], false);
}

static void table_look_up_test(struct kunit *test)
{
	struct table_state *state = test->priv;
	struct nattrav_block *block;

	KUNIT_ASSERT_FALSE(test, IS_ERR(pool_of(state, 1000, 1001)));
	KUNIT_ASSERT_EQ(test, take(state, 0, 1000, false), 0);

	rcu_read_lock();
	block = nattrav_block_find4(&state->nn, htonl(RELAY4));
	KUNIT_EXPECT_NULL(test, nattrav_block_find4(&state->nn, htonl(OTHER4)));
	if (block) {
		KUNIT_EXPECT_NULL(test, rcu_dereference(block->port[1000]));
		nattrav_port_publish(&state->leg[0]);
		KUNIT_EXPECT_PTR_EQ(test, rcu_dereference(block->port[1000]), &state->leg[0]);
		give_back(&state->leg[0], false);
		KUNIT_EXPECT_NULL(test, rcu_dereference(block->port[1000]));
	}
	rcu_read_unlock();
	KUNIT_EXPECT_NOT_NULL(test, block);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(table_range_test),
	KUNIT_CASE(table_pairs_test),
	KUNIT_CASE(table_rest_test),
	KUNIT_CASE(table_look_up_test),
	{}
};

static struct kunit_suite table_suite = {
	.name = "nattrav_table",
	.init = table_test_init,
	.exit = table_test_exit,
	.test_cases = table_cases,
};

kunit_test_suites(&latch_suite, &rtp_suite, &rewrite_suite, &table_suite);

MODULE_DESCRIPTION("KUnit tests of nattrav");
MODULE_LICENSE("GPL");
