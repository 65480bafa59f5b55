// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of rewriting.
 *
 * Checksums are verified by adding up the packet byte by byte, not by the
 * kernel's helpers, which the code under test uses as well.
 */
#include <linux/prandom.h>

#include "rewrite.c"

#include "nattrav_kunit.h"

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

/* Too large for a stack; cases run one after the other. */
static struct nattrav_pool relay;

static void leg_make(struct nattrav_leg *leg, struct nattrav_path *path, u8 family)
{
	leg->family = family;
	leg->pool = &relay;
	relay.addr = family == AF_INET ? addr4(RELAY4 + 3) : addr6(2, RELAY4);
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

	leg_make(leg, &path, c->to);
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

/* The checksum that a packet gets; *wrong counts those that are. */
static u16 sum_try(struct kunit *test, const struct rewrite_case *c, u16 word, unsigned int *wrong)
{
	struct sk_buff *skb = packet_make(c, word);
	struct nattrav_leg *leg = test->priv;
	struct nattrav_path path = {};
	const struct udphdr *uh;
	u16 check;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	leg_make(leg, &path, c->to);
	rewrite(skb, c, leg, &path);
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		(*wrong)++;
	uh = (void *)(skb_network_header(skb) + thoff_after(c));
	if (c->state == SUM_ZERO && c->to == AF_INET)
		*wrong += uh->check != 0;
	else
		*wrong += !uh->check || sum_udp(skb, c->to, thoff_after(c)) != 0xffff;
	check = ntohs(uh->check);
	kfree_skb(skb);

	return check;
}

/* Sums all over the place, and those around 0, which is written as 0xffff. */
static void rewrite_sums_test(struct kunit *test)
{
	const struct rewrite_case *c = test->param_value;
	unsigned int word, wrong = 0;
	u16 zero;
	int i;

	test->priv = kunit_kzalloc(test, sizeof(struct nattrav_leg), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, test->priv);

	for (word = 0; word < 65536; word += 31) {
		sum_try(test, c, word, &wrong);
		cond_resched();
	}
	/* What is added to the payload is taken off the checksum. */
	zero = sum_try(test, c, 0, &wrong);
	for (i = -2; i <= 2; i++)
		sum_try(test, c, zero + i, &wrong);
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

kunit_test_suite(rewrite_suite);
