// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UDP packets that no honest socket would send, over IPv4 or IPv6: a source that
 * is not ours, a wrong checksum or length, fragments in any order, options. The
 * payload is RTP as rtp makes it, or what -x says.
 */
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RTP_LEN     20 /* the header and rtp's number */
#define UDP_MAX     65535 /* header and payload */
#define OPTIONS_LEN 8

enum order { WHOLE, FORWARD, REVERSE, OVERLAP, FIRST };

struct options {
	int family;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} from, to;
	uint16_t sport, dport, last;
	unsigned long count, rate, number, payload, claimed, fragment;
	enum order order;
	const char *hex;
	uint32_t ssrc;
	uint8_t type, ttl, tos, version;
	bool broken, none, df, ip_options, ssrcs, mutate;
};

static const char usage[] =
	"Usage: rawudp [options] SOURCE SPORT DESTINATION DPORT\n"
	"  -c COUNT   packets (default 1)\n"
	"  -r RATE    packets a second (default 1000; 0: as fast as it goes)\n"
	"  -P LAST    to each port from DPORT to this one\n"
	"  -k         break the checksum\n"
	"  -z         checksum zero, which is none\n"
	"  -l LENGTH  UDP length to claim\n"
	"  -L LENGTH  bytes of payload (default 172)\n"
	"  -x HEX     the payload\n"
	"  -p TYPE    RTP payload type (default 0)\n"
	"  -n NUMBER  first RTP sequence number\n"
	"  -s SSRC    (default 0x11223344)\n"
	"  -S         another SSRC for each packet\n"
	"  -m         with some bits of the datagram and its length flipped; tells as\n"
	"             JSON how many are still right, and what is wrong with the others\n"
	"  -V VERSION RTP version (default 2)\n"
	"  -t TTL     (default 64)\n"
	"  -T TOS     (default 0)\n"
	"  -D         do not fragment\n"
	"  -O         with IP options (IPv6: destination options)\n"
	"  -f BYTES   in fragments of so many bytes, a multiple of 8\n"
	"  -F ORDER   of the fragments: forward, reverse, first (and no other), overlap\n"
	"             (each begins 8 bytes before the end of the one before)\n";

static uint8_t udp[UDP_MAX];
static unsigned long udp_len;
static unsigned long right, bad_length, bad_checksum; /* of the mutated ones */

static uint32_t sum(const void *data, size_t length, uint32_t start)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i + 1 < length; i += 2)
		start += p[i] << 8 | p[i + 1];
	if (length & 1)
		start += p[length - 1] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* With the pseudo header of RFC 768, RFC 8200 8.1. */
static uint32_t sum_whole(const struct options *o)
{
	size_t length = o->family == AF_INET ? sizeof(o->from.v4) : sizeof(o->from.v6);
	uint32_t s = IPPROTO_UDP + udp_len;

	s = sum(&o->from, length, s);
	s = sum(&o->to, length, s);
	return sum(udp, udp_len, s);
}

/* 0 is sent as 0xffff. */
static uint16_t checksum(const struct options *o)
{
	uint32_t s = ~sum_whole(o) & 0xffff;

	return htons(s ? s : 0xffff);
}

static bool checksum_right(const struct options *o)
{
	return sum_whole(o) == 0xffff;
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

/* As in rtp.c, so that rtp can judge what arrives. */
static void rtp_build(const struct options *o, uint64_t number, uint8_t *p)
{
	uint8_t head[RTP_LEN] = { o->version << 6, o->type, number >> 8, number };
	size_t i;

	put32(head + 4, number * 160);
	put32(head + 8, o->ssrcs ? o->ssrc + number : o->ssrc);
	put32(head + 12, number >> 32);
	put32(head + 16, number);
	for (i = 0; i < o->payload; i++)
		p[i] = i < RTP_LEN ? head[i] : (number * 31 + i * 7) & 0xff;
}

static int hex_build(const char *hex, uint8_t *p)
{
	unsigned int byte;
	int n = 0;

	for (; *hex; hex += 2, n++)
		if (sscanf(hex, "%2x", &byte) != 1 || !hex[1])
			return -1;
		else
			p[n] = byte;
	return n;
}

static void udp_build(const struct options *o, uint64_t number, uint16_t dport)
{
	struct udphdr *header = (struct udphdr *)udp;

	if (!o->hex)
		rtp_build(o, number, udp + sizeof(*header));
	*header = (struct udphdr){
		.source = htons(o->sport),
		.dest = htons(dport),
		.len = htons(o->claimed),
	};
	if (!o->none)
		header->check = checksum(o);
	if (o->broken)
		header->check ^= htons(0x0101);
}

/* The ports stay; half of the checksums are made right again. */
static void udp_mutate(const struct options *o)
{
	struct udphdr *header = (struct udphdr *)udp;
	unsigned int flips = 1 + rand() % 8;
	size_t at;

	udp_len = sizeof(*header) + rand() % (o->payload + 1);
	header->len = htons(udp_len);
	while (flips--) {
		at = 4 + rand() % (udp_len - 4);
		udp[at] ^= 1 << rand() % 8;
	}
	if (rand() % 2) {
		header->check = 0;
		header->check = checksum(o);
	}
	if (ntohs(header->len) != udp_len)
		bad_length++;
	else if (header->check ? !checksum_right(o) : o->family == AF_INET6)
		bad_checksum++;
	else
		right++;
}

static size_t ip4_build(const struct options *o, uint8_t *p, size_t at, size_t length, bool more,
			uint16_t id)
{
	static const uint8_t nops[OPTIONS_LEN] = { 1, 1, 1, 1, 1, 1, 1, 0 };
	size_t head = sizeof(struct iphdr) + (o->ip_options ? OPTIONS_LEN : 0);
	struct iphdr ip = {
		.version = 4,
		.ihl = head / 4,
		.tos = o->tos,
		.tot_len = htons(head + length),
		.id = htons(id),
		.frag_off = htons(at / 8 | (more ? 0x2000 : 0) | (o->df ? 0x4000 : 0)),
		.ttl = o->ttl,
		.protocol = IPPROTO_UDP,
		.saddr = o->from.v4.s_addr,
		.daddr = o->to.v4.s_addr,
	};

	memcpy(p, &ip, sizeof(ip));
	memcpy(p + sizeof(ip), nops, head - sizeof(ip));
	memcpy(p + head, udp + at, length);
	return head + length;
}

static size_t ip6_build(const struct options *o, uint8_t *p, size_t at, size_t length, bool more,
			uint16_t id)
{
	/* PadN */
	static const uint8_t padding[OPTIONS_LEN] = { IPPROTO_UDP, 0, 1, 4, 0, 0, 0, 0 };
	struct ip6_frag frag = {
		.ip6f_nxt = IPPROTO_UDP,
		.ip6f_offlg = htons(at | more),
		.ip6f_ident = htonl(id),
	};
	struct ip6_hdr ip = { .ip6_flow = htonl(6 << 28 | o->tos << 20),
			      .ip6_src = o->from.v6,
			      .ip6_dst = o->to.v6 };
	size_t used = sizeof(ip);

	ip.ip6_nxt = o->order ? IPPROTO_FRAGMENT : o->ip_options ? IPPROTO_DSTOPTS : IPPROTO_UDP;
	ip.ip6_hlim = o->ttl;
	if (o->order) {
		memcpy(p + used, &frag, sizeof(frag));
		used += sizeof(frag);
	} else if (o->ip_options) {
		memcpy(p + used, padding, sizeof(padding));
		used += sizeof(padding);
	}
	memcpy(p + used, udp + at, length);
	ip.ip6_plen = htons(used - sizeof(ip) + length);
	memcpy(p, &ip, sizeof(ip));
	return used + length;
}

static int ip_send(const struct options *o, int fd, size_t at, size_t length, bool more,
		   uint16_t id)
{
	static uint8_t p[UDP_MAX + 64];
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_addr = o->to.v4 };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_addr = o->to.v6 };
	size_t total;

	if (o->family == AF_INET) {
		total = ip4_build(o, p, at, length, more, id);
		return sendto(fd, p, total, 0, (struct sockaddr *)&to4, sizeof(to4));
	}
	total = ip6_build(o, p, at, length, more, id);
	return sendto(fd, p, total, 0, (struct sockaddr *)&to6, sizeof(to6));
}

static int udp_send(const struct options *o, int fd, uint16_t id)
{
	size_t pieces = (udp_len + o->fragment - 1) / o->fragment, i, piece, at, length, back;

	if (o->order == WHOLE)
		return ip_send(o, fd, 0, udp_len, false, id);
	if (o->order == FIRST)
		return ip_send(o, fd, 0, o->fragment, true, id);
	for (i = 0; i < pieces; i++) {
		piece = o->order == REVERSE ? pieces - 1 - i : i;
		at = piece * o->fragment;
		length = udp_len - at < o->fragment ? udp_len - at : o->fragment;
		back = o->order == OVERLAP && at ? 8 : 0;
		if (ip_send(o, fd, at - back, length + back, piece + 1 < pieces, id) < 0)
			return -1;
	}
	return 0;
}

static int order_parse(const char *text, enum order *order)
{
	static const char *const names[] = { "whole", "forward", "reverse", "overlap", "first" };

	for (*order = WHOLE; *order <= FIRST; (*order)++)
		if (!strcmp(text, names[*order]))
			return 0;
	return -1;
}

static int endpoints_parse(struct options *o, char **argv)
{
	o->family = strchr(argv[0], ':') ? AF_INET6 : AF_INET;
	o->sport = strtoul(argv[1], NULL, 0);
	o->dport = strtoul(argv[3], NULL, 0);
	if (!o->last)
		o->last = o->dport;
	return inet_pton(o->family, argv[0], &o->from) == 1 &&
			       inet_pton(o->family, argv[2], &o->to) == 1 ?
		       0 :
		       -1;
}

static int option_parse(struct options *o, int opt)
{
	switch (opt) {
	case 'c':
		o->count = strtoul(optarg, NULL, 0);
		break;
	case 'r':
		o->rate = strtoul(optarg, NULL, 0);
		break;
	case 'P':
		o->last = strtoul(optarg, NULL, 0);
		break;
	case 'k':
		o->broken = true;
		break;
	case 'z':
		o->none = true;
		break;
	case 'l':
		o->claimed = strtoul(optarg, NULL, 0);
		break;
	case 'L':
		o->payload = strtoul(optarg, NULL, 0);
		break;
	case 'x':
		o->hex = optarg;
		break;
	case 'p':
		o->type = strtoul(optarg, NULL, 0);
		break;
	case 'n':
		o->number = strtoul(optarg, NULL, 0);
		break;
	case 's':
		o->ssrc = strtoul(optarg, NULL, 0);
		break;
	case 'S':
		o->ssrcs = true;
		break;
	case 'm':
		o->mutate = true;
		break;
	case 'V':
		o->version = strtoul(optarg, NULL, 0);
		break;
	case 't':
		o->ttl = strtoul(optarg, NULL, 0);
		break;
	case 'T':
		o->tos = strtoul(optarg, NULL, 0);
		break;
	case 'D':
		o->df = true;
		break;
	case 'O':
		o->ip_options = true;
		break;
	case 'f':
		o->fragment = strtoul(optarg, NULL, 0);
		if (!o->order)
			o->order = FORWARD;
		break;
	case 'F':
		return order_parse(optarg, &o->order);
	default:
		return -1;
	}
	return 0;
}

static int options_parse(struct options *o, int argc, char **argv)
{
	int opt, n;

	while ((opt = getopt(argc, argv, "c:r:P:kzl:L:x:p:n:s:SmV:t:T:DOf:F:")) != -1)
		if (option_parse(o, opt))
			return -1;
	if (argc - optind != 4 || endpoints_parse(o, argv + optind))
		return -1;
	if (o->hex) {
		n = strlen(o->hex) < UDP_MAX ? hex_build(o->hex, udp + sizeof(struct udphdr)) : -1;
		if (n < 0)
			return -1;
		o->payload = n;
	}
	udp_len = sizeof(struct udphdr) + o->payload;
	if (o->claimed > UDP_MAX)
		o->claimed = udp_len;
	return udp_len > UDP_MAX || o->fragment % 8 || (o->order && !o->fragment) ||
			       (o->order == FIRST && o->fragment > udp_len) ?
		       -1 :
		       0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.count = 1,
		.rate = 1000,
		.payload = 172,
		.claimed = ULONG_MAX,
		.ssrc = 0x11223344,
		.ttl = 64,
		.version = 2,
	};
	unsigned int port, id;
	unsigned long i;
	int fd;

	if (options_parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	fd = socket(o.family, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("rawudp");
		return 1;
	}
	/* not those of a run before, which may wait for reassembly still */
	id = getpid() * 997;
	for (i = 0; i < o.count; i++, o.number++) {
		for (port = o.dport; port <= o.last; port++) {
			udp_build(&o, o.number, port);
			if (o.mutate)
				udp_mutate(&o);
			if (udp_send(&o, fd, id++) < 0) {
				perror("rawudp");
				return 1;
			}
			if (o.rate && (o.count > 1 || o.last > o.dport))
				usleep(1000000 / o.rate);
		}
	}
	close(fd);
	if (o.mutate)
		printf("{\"right\": %lu, \"bad_length\": %lu, \"bad_checksum\": %lu}\n", right,
		       bad_length, bad_checksum);
	return 0;
}
