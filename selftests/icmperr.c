// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ICMP and ICMPv6 errors that nobody had a reason to send: of any type, about a UDP
 * packet that was sent or was not, quoted whole or cut off.
 */
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAYLOAD 172 /* of the packet that is quoted */
#define HEAD    8 /* of ICMP, in both families */

struct options {
	unsigned long count, rate, quoted;
	unsigned int mtu;
	uint8_t type, code;
	int family;
	struct {
		union {
			struct in_addr v4;
			struct in6_addr v6;
		} addr;
		uint16_t port;
	} from, to;
};

static const char usage[] = "Usage: icmperr [options] TYPE CODE SOURCE SPORT DESTINATION DPORT\n"
			    "To SOURCE, about its packet from SPORT to DESTINATION.\n"
			    "  -c COUNT   how many (default 1)\n"
			    "  -r RATE    a second (default 0: as fast as it goes)\n"
			    "  -m MTU     that the error tells\n"
			    "  -q BYTES   quoted of the packet (default: the whole)\n";

static uint16_t checksum(const uint8_t *p, size_t length)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < length; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

/* The packet that is quoted. */
static size_t quote_build(const struct options *o, uint8_t *p)
{
	struct udphdr uh = {
		.source = htons(o->from.port),
		.dest = htons(o->to.port),
		.len = htons(sizeof(uh) + PAYLOAD),
		.check = htons(0x1234),
	};
	struct ip6_hdr ip6h = {
		.ip6_flow = htonl(6 << 28),
		.ip6_plen = uh.len,
		.ip6_nxt = IPPROTO_UDP,
		.ip6_hlim = 60,
		.ip6_src = o->from.addr.v6,
		.ip6_dst = o->to.addr.v6,
	};
	struct iphdr iph = {
		.version = 4,
		.ihl = sizeof(iph) / 4,
		.tot_len = htons(sizeof(iph) + sizeof(uh) + PAYLOAD),
		.frag_off = htons(IP_DF),
		.ttl = 60,
		.protocol = IPPROTO_UDP,
		.saddr = o->from.addr.v4.s_addr,
		.daddr = o->to.addr.v4.s_addr,
	};
	size_t head;

	if (o->family == AF_INET) {
		iph.check = checksum((uint8_t *)&iph, sizeof(iph));
		head = sizeof(iph);
		memcpy(p, &iph, head);
	} else {
		head = sizeof(ip6h);
		memcpy(p, &ip6h, head);
	}
	memcpy(p + head, &uh, sizeof(uh));
	head += sizeof(uh);
	memset(p + head, 0x55, PAYLOAD);
	return head + PAYLOAD;
}

static int options_parse(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "c:r:m:q:")) != -1) {
		switch (opt) {
		case 'c':
			o->count = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			o->rate = strtoul(optarg, NULL, 0);
			break;
		case 'm':
			o->mtu = strtoul(optarg, NULL, 0);
			break;
		case 'q':
			o->quoted = strtoul(optarg, NULL, 0);
			break;
		default:
			return -1;
		}
	}
	argv += optind;
	if (argc - optind != 6)
		return -1;
	o->type = strtoul(argv[0], NULL, 0);
	o->code = strtoul(argv[1], NULL, 0);
	o->family = strchr(argv[2], ':') ? AF_INET6 : AF_INET;
	o->from.port = strtoul(argv[3], NULL, 0);
	o->to.port = strtoul(argv[5], NULL, 0);
	return inet_pton(o->family, argv[2], &o->from.addr) == 1 &&
			       inet_pton(o->family, argv[4], &o->to.addr) == 1 ?
		       0 :
		       -1;
}

int main(int argc, char **argv)
{
	struct options o = { .count = 1, .quoted = SIZE_MAX };
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	uint8_t p[HEAD + sizeof(struct ip6_hdr) + sizeof(struct udphdr) + PAYLOAD] = { 0 };
	const struct sockaddr *to;
	size_t length, size;
	unsigned long i;
	uint32_t mtu;
	int fd;

	if (options_parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	fd = socket(o.family, SOCK_RAW, o.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (fd < 0) {
		perror("icmperr");
		return 1;
	}
	length = quote_build(&o, p + HEAD);
	length = HEAD + (o.quoted < length ? o.quoted : length);
	p[0] = o.type;
	p[1] = o.code;
	/* RFC 1191 4, RFC 4443 3.2: 16 bits in the one, 32 in the other */
	mtu = htonl(o.mtu);
	memcpy(p + 4, &mtu, sizeof(mtu));
	if (o.family == AF_INET) {
		uint16_t sum = checksum(p, length);

		memcpy(p + 2, &sum, sizeof(sum));
		to4.sin_addr = o.from.addr.v4;
		to = (struct sockaddr *)&to4;
		size = sizeof(to4);
	} else {
		/* its checksum is the kernel's work */
		to6.sin6_addr = o.from.addr.v6;
		to = (struct sockaddr *)&to6;
		size = sizeof(to6);
	}
	for (i = 0; i < o.count; i++) {
		if (sendto(fd, p, length, 0, to, size) < 0) {
			perror("icmperr");
			return 1;
		}
		if (o.rate)
			usleep(1000000 / o.rate);
	}
	close(fd);
	return 0;
}
