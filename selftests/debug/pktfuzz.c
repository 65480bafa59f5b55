// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets to the relay ports that no terminal would send: RTP of latched peers over
 * IPv4 and IPv6, bent, cut, fragmented, with options, with and without checksums, from
 * cards that finish checksums and segment.
 *
 *	pktfuzz SEED SECONDS NETNS DEVICE GATEWAY-MAC [beside]
 *
 * Runs in the gateway's network namespace and sends from NETNS through DEVICE, where it
 * listens as well. The gateway has 203.0.113.1 and 2001:db8:1::1; NETNS has
 * 203.0.113.10 and 2001:db8:1::10. What is relayed must go to a peer and nowhere else,
 * with checksums that are right; and in the end each packet must have been counted:
 * received = forwarded + accepted + dropped. Exits with 1 if something was wrong. Beside
 * others, who change the table as well, nobody is a stranger.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/uio.h>
#include <time.h>

#include "chance.h"
#include "nl.h"

#define V4         "203.0.113.1"
#define V6         "2001:db8:1::1"
#define PEER4      "203.0.113.10"
#define PEER6      "2001:db8:1::10"
#define STREAMS    24
#define COMPLETE   16 /* of them; the others are partial */
#define FRAME      2048
#define LEG_PORT   20000
#define PEER_PORT  30000
#define HEADER_MAX 80

/* Newer than the headers of Debian 12. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

/* --- Streams: 4-4, 4-6, 6-4, 6-6 in turn, RTP at even ports, RTCP above --- */

static struct nl nl;
static struct in_addr relay4, peer4;
static struct in6_addr relay6, peer6;

static bool leg_is_ipv6(unsigned int stream, unsigned int side)
{
	return stream >> side & 1;
}

static uint16_t leg_port(unsigned int stream, unsigned int side)
{
	return LEG_PORT + 4 * stream + 2 * side;
}

static uint16_t peer_port(unsigned int stream, unsigned int side)
{
	return PEER_PORT + 4 * stream + 2 * side;
}

static void put_leg(struct nlmsghdr *nlh, unsigned int stream, unsigned int side)
{
	bool ipv6 = leg_is_ipv6(stream, side);
	struct nlattr *leg;

	leg = mnl_attr_nest_start(nlh, side ? NATTRAV_A_STREAM_LEG_B : NATTRAV_A_STREAM_LEG_A);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_FAMILY, ipv6);
	put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, leg_port(stream, side));
	if (ipv6)
		put_ipv6(nlh, NATTRAV_A_LEG_LOCAL_IPV6, V6);
	else
		put_ipv4(nlh, NATTRAV_A_LEG_LOCAL_IPV4, V4);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_RELATCH, stream % 2);
	if (stream < COMPLETE) {
		put_peer(nlh, ipv6 ? PEER6 : PEER4, peer_port(stream, side));
		if (ipv6)
			put_ipv6(nlh, NATTRAV_A_LEG_RTCP_PEER_IPV6, PEER6);
		else
			put_ipv4(nlh, NATTRAV_A_LEG_RTCP_PEER_IPV4, PEER4);
		put_port(nlh, NATTRAV_A_LEG_RTCP_PEER_PORT, peer_port(stream, side) + 1);
	} else {
		mnl_attr_put_u32(nlh, NATTRAV_A_LEG_WINDOW, 3600000);
	}
	mnl_attr_nest_end(nlh, leg);
}

static int streams_make(void)
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh;
	unsigned int i;
	bool lost;
	int err;

	err = table_clear(&nl);
	if (err)
		return err;
	nlh = nl_begin(&nl, buf, NATTRAV_CMD_POOL_NEW, 0);
	put_pool(nlh, V4, LEG_PORT, LEG_PORT + 999);
	put_pool(nlh, V6, LEG_PORT, LEG_PORT + 999);
	err = nl_ask(&nl, nlh, NULL, NULL, &lost);
	if (err)
		return err;
	nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
	for (i = 0; i < STREAMS; i++) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		mnl_attr_put(nlh, NATTRAV_A_STREAM_RTCP, 0, NULL);
		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_PARTIAL, 36000000);
		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_IDLE, 36000000);
		put_leg(nlh, i, 0);
		put_leg(nlh, i, 1);
		mnl_attr_nest_end(nlh, entry);
	}
	return nl_ask(&nl, nlh, NULL, NULL, &lost);
}

/* --- Sums --- */

static uint32_t sum(const void *data, unsigned int len, uint32_t sum)
{
	const uint8_t *p = data;
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t pseudo(const uint8_t *ip, unsigned int udp_len)
{
	uint32_t addrs = *ip >> 4 == 4 ? sum(ip + 12, 8, 0) : sum(ip + 8, 32, 0);

	return sum(NULL, 0, addrs + udp_len + IPPROTO_UDP);
}

/* --- Making packets --- */

struct packet {
	struct virtio_net_hdr card;
	uint8_t frame[FRAME];
	unsigned int len;
	unsigned int thoff; /* where UDP begins */
	unsigned int stream;
	unsigned int side;
};

static uint8_t gateway_mac[6];
static uint16_t seq[STREAMS][2];

static unsigned int put_ip(struct packet *p, bool ipv6)
{
	uint8_t *ip = p->frame + ETH_HLEN;

	memset(ip, 0, HEADER_MAX);
	if (!ipv6) {
		struct iphdr *iph = (void *)ip;
		unsigned int options = one_in(16) ? 4 * below(11) : 0;

		iph->version = 4;
		iph->ihl = 5 + options / 4;
		iph->tos = any();
		iph->id = any();
		iph->ttl = one_in(16) ? below(4) : 64;
		iph->protocol = IPPROTO_UDP;
		iph->saddr = peer4.s_addr;
		iph->daddr = relay4.s_addr;
		if (one_in(2))
			iph->frag_off = htons(IP_DF);
		memset(iph + 1, 1, options); /* no-operation */
		return iph->ihl * 4;
	}

	struct ip6_hdr *ip6h = (void *)ip;
	uint8_t *options = (uint8_t *)(ip6h + 1);

	ip6h->ip6_flow = htonl(0x60000000 | any() >> 4);
	ip6h->ip6_hlim = one_in(16) ? below(4) : 64;
	ip6h->ip6_nxt = IPPROTO_UDP;
	ip6h->ip6_src = peer6;
	ip6h->ip6_dst = relay6;
	if (!one_in(12))
		return sizeof(*ip6h);
	/* hop-by-hop, routing, fragment, destination options */
	ip6h->ip6_nxt = (const uint8_t[]){ 0, 43, 44, 60 }[below(4)];
	options[0] = IPPROTO_UDP;
	options[2] = 1; /* PadN */
	options[3] = 4;
	return sizeof(*ip6h) + 8;
}

static unsigned int put_rtp(struct packet *p, uint8_t *at)
{
	unsigned int len = one_in(8) ? below(1400) : 160, i;

	for (i = 0; i < len; i++)
		at[12 + i] = any();
	memset(at, 0, 12);
	at[0] = 0x80;
	at[3] = ++seq[p->stream][p->side];
	at[2] = seq[p->stream][p->side] >> 8;
	at[11] = p->stream;
	if (one_in(16))
		at[1] = 200; /* RTCP */
	if (one_in(64))
		at[below(12)] = any();
	return one_in(64) ? below(12) : len + 12;
}

static void finish_ip(struct packet *p)
{
	uint8_t *ip = p->frame + ETH_HLEN;
	unsigned int len = p->len - ETH_HLEN;

	if (*ip >> 4 == 4) {
		struct iphdr *iph = (void *)ip;

		iph->tot_len = htons(len);
		iph->check = 0;
		iph->check = htons(~sum(iph, iph->ihl * 4, 0));
	} else if (*ip >> 4 == 6) {
		((struct ip6_hdr *)ip)->ip6_plen = htons(len - sizeof(struct ip6_hdr));
	}
}

static void finish_udp(struct packet *p)
{
	uint8_t *ip = p->frame + ETH_HLEN;
	unsigned int len = p->len - p->thoff;
	struct udphdr *uh = (void *)(p->frame + p->thoff);

	if (p->len < p->thoff + sizeof(*uh))
		return;
	uh->check = 0;
	if (p->card.flags)
		uh->check = htons(pseudo(ip, ntohs(uh->len)));
	else if (*ip >> 4 != 4 || !one_in(8))
		uh->check = htons(~sum(uh, len, pseudo(ip, len))) ?: 0xffff;
}

/* Where UDP begins according to the headers, or 0. */
static unsigned int thoff_of(const struct packet *p)
{
	const uint8_t *ip = p->frame + ETH_HLEN;
	const struct ip6_hdr *ip6h = (const void *)ip;

	if (*ip >> 4 == 4)
		return ETH_HLEN + (*ip & 15) * 4;
	if (*ip >> 4 != 6)
		return 0;
	return ETH_HLEN + sizeof(*ip6h) + (ip6h->ip6_nxt == IPPROTO_UDP ? 0 : 8 + 8 * ip[41]);
}

/*
 * A card completes what the host has begun. A host that begins wrongly gets a wrong sum,
 * and nobody on the way can know.
 */
static void keep_card(struct packet *p)
{
	if (!p->card.flags)
		return;
	if (thoff_of(p) == p->thoff)
		finish_udp(p);
	else
		memset(&p->card, 0, sizeof(p->card));
}

/* The card is told to add up, or to segment as well. */
static void use_card(struct packet *p)
{
	if (!one_in(4))
		return;
	p->card.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	p->card.csum_start = p->thoff;
	p->card.csum_offset = offsetof(struct udphdr, check);
	if (!one_in(4) || p->len < p->thoff + 120)
		return;
	p->card.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	p->card.hdr_len = p->thoff + sizeof(struct udphdr);
	p->card.gso_size = 50 + below(500);
}

static void make(struct packet *p)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct udphdr *uh;
	bool ipv6, rtcp;

	memset(&p->card, 0, sizeof(p->card));
	p->stream = below(STREAMS);
	p->side = below(2);
	ipv6 = leg_is_ipv6(p->stream, p->side);
	rtcp = one_in(16);
	memcpy(p->frame, gateway_mac, 6);
	memcpy(p->frame + 6, mac, 6);
	p->frame[12] = ipv6 ? 0x86 : 0x08;
	p->frame[13] = ipv6 ? 0xdd : 0x00;
	p->thoff = ETH_HLEN + put_ip(p, ipv6);
	uh = (void *)(p->frame + p->thoff);
	uh->source = htons(peer_port(p->stream, p->side) + rtcp);
	uh->dest = htons(leg_port(p->stream, p->side) + rtcp);
	if (one_in(32))
		uh->source = htons(any());
	if (one_in(64))
		uh->dest = htons(any());
	p->len = p->thoff + sizeof(*uh) + put_rtp(p, (uint8_t *)(uh + 1));
	uh->len = htons(p->len - p->thoff);
	use_card(p);
	finish_ip(p);
	finish_udp(p);
}

static void mutate(struct packet *p)
{
	unsigned int ip = ETH_HLEN, n = 1 + below(4);

	while (n--) {
		switch (below(5)) {
		case 0: /* a bit of the headers */
			p->frame[ip + below(p->thoff + 8 - ip)] ^= 1u << below(8);
			break;
		case 1:
			p->frame[ip + below(p->len - ip)] = any();
			break;
		case 2:
			p->len = ip + 1 + below(p->len - ip);
			memset(&p->card, 0, sizeof(p->card));
			return;
		case 3:
			if (p->len + 64 < FRAME)
				p->len += below(64);
			break;
		case 4: /* a fragment, perhaps of the same datagram as another */
			if (p->frame[ip] >> 4 == 4) {
				struct iphdr *iph = (void *)(p->frame + ip);

				iph->id = below(4);
				iph->frag_off = htons((one_in(2) ? IP_MF : 0) | below(8));
			}
			break;
		}
	}
	if (one_in(2)) {
		/* Below the checks of the sums there is more to be found. */
		if (p->frame[ip] >> 4 == 6 || (p->frame[ip] & 15) >= 5)
			finish_ip(p);
		if (one_in(2))
			finish_udp(p);
	}
	keep_card(p);
}

/* --- What comes back --- */

static unsigned int heard, wrong;
static bool beside;

static void complain(const char *what, const uint8_t *frame, ssize_t len)
{
	ssize_t i;

	wrong++;
	printf("# relayed %s:", what);
	for (i = 0; i < len && i < 120; i++)
		printf(" %02x", frame[i]);
	puts("");
}

static bool port_is_peer(uint16_t port)
{
	return port >= PEER_PORT && port < PEER_PORT + 4 * STREAMS;
}

/* RTCP that may rebind does, after two seconds without a packet. */
static bool leg_may_move(uint16_t port)
{
	unsigned int stream = (port - LEG_PORT) / 4;

	return beside || stream >= COMPLETE || (port % 2 && stream % 2);
}

static void judge(const struct virtio_net_hdr *card, const uint8_t *frame, ssize_t len)
{
	const uint8_t *ip = frame + ETH_HLEN;
	bool ipv4 = frame[12] == 0x08 && frame[13] == 0x00;
	const struct iphdr *iph = (const void *)ip;
	unsigned int thoff, udp_len;
	const struct udphdr *uh;

	if (ipv4) {
		if (len < ETH_HLEN + 20 || iph->protocol != IPPROTO_UDP ||
		    iph->saddr != relay4.s_addr)
			return;
		thoff = iph->ihl * 4;
		udp_len = ntohs(iph->tot_len) - thoff;
		if (sum(ip, thoff, 0) != 0xffff)
			complain("with a bad header checksum", frame, len);
		if (iph->daddr != peer4.s_addr && !beside)
			complain("to a stranger", frame, len);
		if (iph->frag_off & htons(0x3fff))
			return;
	} else {
		const struct ip6_hdr *ip6h = (const void *)ip;

		if (frame[12] != 0x86 || frame[13] != 0xdd || len < ETH_HLEN + 40 ||
		    memcmp(&ip6h->ip6_src, &relay6, 16))
			return;
		thoff = sizeof(*ip6h);
		udp_len = ntohs(ip6h->ip6_plen);
		if (ip6h->ip6_nxt == 60) {
			thoff += 8 + 8 * ip[41];
			udp_len -= 8 + 8 * ip[41];
		} else if (ip6h->ip6_nxt != IPPROTO_UDP) {
			return;
		}
		if (memcmp(&ip6h->ip6_dst, &peer6, 16) && !beside)
			complain("to a stranger", frame, len);
	}
	if (ETH_HLEN + thoff + udp_len > (size_t)len || udp_len < sizeof(*uh)) {
		complain("with a bad length", frame, len);
		return;
	}
	uh = (const void *)(ip + thoff);
	/* Sent by the host itself in answer to something (traceroute, DNS): not ours. */
	if (ntohs(uh->source) < LEG_PORT || ntohs(uh->source) > LEG_PORT + 999)
		return;
	heard++;
	if (!leg_may_move(ntohs(uh->source)) && !port_is_peer(ntohs(uh->dest)))
		complain("to a stranger's port", frame, len);
	if (card->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM || card->gso_type)
		return;
	if (!uh->check ? !ipv4 : sum(uh, udp_len, pseudo(ip, udp_len)) != 0xffff)
		complain("with a bad checksum", frame, len);
}

static void listen_in(int fd)
{
	static uint8_t buf[sizeof(struct virtio_net_hdr) + 65536];
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t len;

	while ((len = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &size)) > 0) {
		struct virtio_net_hdr card;

		size = sizeof(from);
		memcpy(&card, buf, sizeof(card));
		if (from.sll_pkttype != PACKET_OUTGOING)
			judge(&card, buf + sizeof(card), len - sizeof(card));
	}
}

/* --- The sum rule --- */

struct totals {
	uint64_t received;
	uint64_t others;
	uint64_t forwarded;
	uint64_t dropped[NATTRAV_DROP_REASON_MAX + 1];
	uint32_t reason;
};

static int drop_attr(const struct nlattr *attr, void *data)
{
	struct totals *totals = data;

	if (mnl_attr_get_type(attr) == NATTRAV_A_DROP_REASON)
		totals->reason = mnl_attr_get_u32(attr);
	if (mnl_attr_get_type(attr) == NATTRAV_A_DROP_PACKETS) {
		totals->others += mnl_attr_get_u64(attr);
		if (totals->reason <= NATTRAV_DROP_REASON_MAX)
			totals->dropped[totals->reason] = mnl_attr_get_u64(attr);
	}
	return MNL_CB_OK;
}

static int info_attr(const struct nlattr *attr, void *data)
{
	struct totals *totals = data;

	switch (mnl_attr_get_type(attr)) {
	case NATTRAV_A_INFO_RECEIVED:
		totals->received = mnl_attr_get_u64(attr);
		break;
	case NATTRAV_A_INFO_FORWARDED:
		totals->forwarded = mnl_attr_get_u64(attr);
		break;
	case NATTRAV_A_INFO_ACCEPTED:
		totals->others += mnl_attr_get_u64(attr);
		break;
	case NATTRAV_A_INFO_DROP:
		return mnl_attr_parse_nested(attr, drop_attr, data);
	}
	return MNL_CB_OK;
}

static int info_entry(const struct nlattr *attr, void *data)
{
	return mnl_attr_parse_nested(attr, info_attr, data);
}

static void info_message(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), info_entry, arg);
}

static bool totals_read(struct totals *totals)
{
	char buf[256];
	bool lost;

	memset(totals, 0, sizeof(*totals));
	return !nl_ask(&nl, nl_begin(&nl, buf, NATTRAV_CMD_INFO_GET, 0), info_message, totals,
		       &lost);
}

static int socket_in(const char *netns, const char *device)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), size = 1 << 24, on = 1;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return -1;
	close(fd);
	to.sll_ifindex = if_nametoindex(device);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || !to.sll_ifindex ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(fd, (void *)&to, sizeof(to)))
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	unsigned int sent = 0, refused = 0, i;
	struct totals totals;
	struct packet p;
	time_t end;
	int fd, err;

	beside = argc == 7 && !strcmp(argv[6], "beside");
	if (argc != 6 && !beside) {
		fputs("Usage: pktfuzz SEED SECONDS NETNS DEVICE GATEWAY-MAC [beside]\n", stderr);
		return 2;
	}
	chance = strtoull(argv[1], NULL, 0) ?: 1;
	for (i = 0; i < 6; i++)
		gateway_mac[i] = strtoul(argv[5] + 3 * i, NULL, 16);
	inet_pton(AF_INET, V4, &relay4);
	inet_pton(AF_INET, PEER4, &peer4);
	inet_pton(AF_INET6, V6, &relay6);
	inet_pton(AF_INET6, PEER6, &peer6);

	err = nl_open(&nl) ?: streams_make();
	if (err) {
		fprintf(stderr, "pktfuzz: cannot make the streams: %s\n", strerror(-err));
		return 2;
	}
	fd = socket_in(argv[3], argv[4]);
	if (fd < 0) {
		perror("pktfuzz");
		return 2;
	}

	end = time(NULL) + strtoul(argv[2], NULL, 0);
	while (time(NULL) < end && wrong < 10) {
		struct iovec part[] = { { &p.card, sizeof(p.card) }, { p.frame, 0 } };

		make(&p);
		if (one_in(2))
			mutate(&p);
		part[1].iov_len = p.len;
		if (writev(fd, part, 2) > 0)
			sent++;
		else
			refused++;
		if (sent % 32 == 0)
			listen_in(fd);
	}

	/* What is on its way yet. */
	for (i = 0; i < 50; i++) {
		listen_in(fd);
		if (totals_read(&totals) && totals.received == totals.forwarded + totals.others)
			break;
		usleep(100000);
	}
	printf("# seed %s: %u packets sent, %u refused by the socket, %u relayed ones seen\n",
	       argv[1], sent, refused, heard);
	printf("# received %llu, forwarded %llu, accepted and dropped %llu; by reason",
	       (unsigned long long)totals.received, (unsigned long long)totals.forwarded,
	       (unsigned long long)totals.others);
	for (i = 0; i <= NATTRAV_DROP_REASON_MAX; i++)
		printf(" %llu", (unsigned long long)totals.dropped[i]);
	puts("");
	if (totals.received != totals.forwarded + totals.others) {
		puts("# some packets were not counted, or counted twice");
		wrong++;
	}
	return wrong || !heard || !totals.forwarded ? 1 : 0;
}
