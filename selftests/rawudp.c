// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One UDP packet, or many, that no honest socket would send: a source that is not
 * ours, a wrong checksum, a wrong length. The payload is RTP.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAYLOAD 172

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	uint8_t rtp[PAYLOAD];
} __attribute__((packed));

static const char usage[] = "Usage: rawudp [options] SOURCE SPORT DESTINATION DPORT\n"
			    "  -c COUNT   packets (default 1), 1000 a second\n"
			    "  -k         break the checksum\n"
			    "  -z         checksum zero, which is none\n"
			    "  -l LENGTH  UDP length to claim\n"
			    "  -p TYPE    RTP payload type (default 0)\n"
			    "  -n NUMBER  first RTP sequence number\n"
			    "  -s SSRC    (default 0x11223344)\n"
			    "  -t TTL     (default 64)\n"
			    "  -V VERSION RTP version (default 2)\n";

static uint32_t sum(const void *data, size_t length, uint32_t start)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i + 1 < length; i += 2)
		start += p[i] << 8 | p[i + 1];
	if (length & 1)
		start += p[length - 1] << 8;
	return start;
}

/* RFC 768: over a pseudo header, the header and the data; 0 is sent as 0xffff. */
static uint16_t checksum(const struct packet *p)
{
	uint32_t s = sum(&p->ip.saddr, 8, IPPROTO_UDP + sizeof(p->udp) + PAYLOAD);

	s = sum(&p->udp, sizeof(p->udp) + PAYLOAD, s);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	s = ~s & 0xffff;
	return htons(s ? s : 0xffff);
}

int main(int argc, char **argv)
{
	struct packet p = {
		.ip = { .version = 4, .ihl = 5, .protocol = IPPROTO_UDP, .ttl = 64 },
	};
	struct sockaddr_in to = { .sin_family = AF_INET };
	unsigned long count = 1, number = 0, type = 0, version = 2, i;
	uint32_t ssrc = 0x11223344;
	uint16_t length = sizeof(p.udp) + PAYLOAD;
	bool broken = false, none = false;
	int fd, opt;

	while ((opt = getopt(argc, argv, "c:kzl:p:n:s:t:V:")) != -1) {
		switch (opt) {
		case 'c':
			count = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			broken = true;
			break;
		case 'z':
			none = true;
			break;
		case 'l':
			length = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			type = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			number = strtoul(optarg, NULL, 0);
			break;
		case 's':
			ssrc = strtoul(optarg, NULL, 0);
			break;
		case 't':
			p.ip.ttl = strtoul(optarg, NULL, 0);
			break;
		case 'V':
			version = strtoul(optarg, NULL, 0);
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind != 4 || inet_pton(AF_INET, argv[optind], &p.ip.saddr) != 1 ||
	    inet_pton(AF_INET, argv[optind + 2], &p.ip.daddr) != 1) {
		fputs(usage, stderr);
		return 2;
	}
	p.ip.tot_len = htons(sizeof(p));
	p.udp.source = htons(strtoul(argv[optind + 1], NULL, 0));
	p.udp.dest = htons(strtoul(argv[optind + 3], NULL, 0));
	to.sin_addr.s_addr = p.ip.daddr;

	fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("rawudp");
		return 1;
	}
	for (i = 0; i < count; i++, number++) {
		p.rtp[0] = version << 6;
		p.rtp[1] = type;
		p.rtp[2] = number >> 8;
		p.rtp[3] = number;
		ssrc = htonl(ssrc);
		memcpy(p.rtp + 8, &ssrc, sizeof(ssrc));
		ssrc = ntohl(ssrc);
		p.udp.len = htons(length);
		p.udp.check = 0;
		if (!none)
			p.udp.check = checksum(&p);
		if (broken)
			p.udp.check ^= htons(0x0101);
		if (sendto(fd, &p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
			perror("rawudp");
			return 1;
		}
		if (count > 1)
			usleep(1000);
	}
	close(fd);
	return 0;
}
