// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The media of a terminal: sends RTP from one socket, listens on the same one, and
 * reports what it heard as JSON. Each packet carries a 64-bit number and a pattern
 * made from it, so that a loss, a double and a changed byte are told apart.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NSEC     1000000000LL
#define RTP_LEN  12
#define MIN_LEN  20 /* RTP header and number */
#define MAX_LEN  2048
#define SOURCES  8
#define MAX_HEAR (1 << 24)

struct options {
	struct sockaddr_in to;
	struct sockaddr_in from;
	uint64_t count;
	uint64_t first;
	unsigned int rate;
	unsigned int length;
	unsigned int delay_ms;
	unsigned int linger_ms;
	uint32_t ssrc;
	uint8_t payload_type;
	int ttl;
	bool rtcp;
};

struct heard {
	uint64_t packets;
	uint64_t doubles;
	uint64_t reordered;
	uint64_t corrupt;
	uint64_t next;
	uint64_t least;
	uint64_t most;
	int ttl_least;
	int ttl_most;
	double first_ms;
	unsigned int sources;
	struct sockaddr_in source[SOURCES];
	uint8_t *seen; /* a bit per number */
};

static const char usage[] =
	"Usage: rtp [options]\n"
	"  -d ADDRESS:PORT  send to\n"
	"  -b ADDRESS:PORT  send from, listen on (default: any)\n"
	"  -c COUNT         packets to send (default 1; 0: only listen)\n"
	"  -r RATE          packets per second (default 50)\n"
	"  -f NUMBER        number of the first packet (default 0)\n"
	"  -l LENGTH        UDP payload (default 172, as 20 ms of G.711)\n"
	"  -p TYPE          RTP payload type (default 0)\n"
	"  -s SSRC          (default 0x11223344)\n"
	"  -t TTL           time to live sent (default 64)\n"
	"  -D MS            only listen at first, so long (default 0)\n"
	"  -w MS            listen so long after the last packet (default 1000)\n"
	"  -R               send RTCP receiver reports instead\n";

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

static int endpoint_parse(const char *text, struct sockaddr_in *addr)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	char *end;
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, colon - text);
	host[colon - text] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || port > UINT16_MAX)
		return -EINVAL;
	addr->sin_family = AF_INET;
	addr->sin_port = htons(port);
	return inet_pton(AF_INET, host, &addr->sin_addr) == 1 ? 0 : -EINVAL;
}

static uint8_t pattern(uint64_t number, size_t at)
{
	return (number * 31 + at * 7) & 0xff;
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htonl(v);
	memcpy(p, &v, sizeof(v));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

/* RFC 3550 section 5.1, or a receiver report without blocks, section 6.4.2. */
static void packet_build(const struct options *o, uint64_t number, uint8_t *p)
{
	size_t i;

	if (o->rtcp) {
		p[0] = 0x80;
		p[1] = 201;
		p[2] = 0;
		p[3] = 1;
		put32(p + 4, o->ssrc);
		put32(p + 8, 0);
	} else {
		p[0] = 0x80;
		p[1] = o->payload_type;
		p[2] = number >> 8;
		p[3] = number;
		put32(p + 4, number * 160);
		put32(p + 8, o->ssrc);
	}
	put32(p + RTP_LEN, number >> 32);
	put32(p + RTP_LEN + 4, number);
	for (i = MIN_LEN; i < o->length; i++)
		p[i] = pattern(number, i);
}

static void source_note(struct heard *h, const struct sockaddr_in *from)
{
	unsigned int i;

	for (i = 0; i < h->sources; i++)
		if (h->source[i].sin_addr.s_addr == from->sin_addr.s_addr &&
		    h->source[i].sin_port == from->sin_port)
			return;
	if (h->sources < SOURCES)
		h->source[h->sources++] = *from;
}

static void packet_judge(struct heard *h, const uint8_t *p, size_t length)
{
	uint64_t number;
	size_t i;

	if (length < MIN_LEN || p[0] != 0x80) {
		h->corrupt++;
		return;
	}
	number = (uint64_t)get32(p + RTP_LEN) << 32 | get32(p + RTP_LEN + 4);
	for (i = MIN_LEN; i < length; i++) {
		if (p[i] != pattern(number, i)) {
			h->corrupt++;
			return;
		}
	}
	if (number >= MAX_HEAR) {
		h->corrupt++;
		return;
	}
	if (h->seen[number / 8] & 1 << number % 8) {
		h->doubles++;
		return;
	}
	h->seen[number / 8] |= 1 << number % 8;
	if (number < h->next)
		h->reordered++;
	else
		h->next = number + 1;
	if (number < h->least)
		h->least = number;
	if (number > h->most)
		h->most = number;
	h->packets++;
}

/* Reads all that is there. */
static void hear(int fd, struct heard *h, int64_t start)
{
	uint8_t p[MAX_LEN];
	uint8_t control[CMSG_SPACE(sizeof(int))];
	struct sockaddr_in from;
	struct iovec iov = { .iov_base = p, .iov_len = sizeof(p) };
	struct msghdr msg;
	struct cmsghdr *c;
	ssize_t n;
	int ttl;

	for (;;) {
		msg = (struct msghdr){
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		n = recvmsg(fd, &msg, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0)
			continue; /* an ICMP error of an earlier packet */
		if (h->first_ms < 0)
			h->first_ms = (now() - start) / 1e6;
		source_note(h, &from);
		for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
			if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_TTL)
				continue;
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			if (ttl < h->ttl_least)
				h->ttl_least = ttl;
			if (ttl > h->ttl_most)
				h->ttl_most = ttl;
		}
		packet_judge(h, p, n);
	}
}

static void hear_until(int fd, struct heard *h, int64_t start, int64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec wait;
	int64_t left;

	while ((left = until - now()) > 0) {
		wait.tv_sec = left / NSEC;
		wait.tv_nsec = left % NSEC;
		if (ppoll(&pfd, 1, &wait, NULL) > 0)
			hear(fd, h, start);
	}
}

static void report(const struct heard *h, uint64_t sent, uint64_t refused)
{
	char host[INET_ADDRSTRLEN];
	unsigned int i;

	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"doubles\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"corrupt\": %" PRIu64,
	       sent, refused, h->packets, h->doubles, h->reordered, h->corrupt);
	if (h->packets)
		printf(", \"lost\": %" PRIu64 ", \"first\": %" PRIu64 ", \"last\": %" PRIu64
		       ", \"ttl_least\": %d, \"ttl_most\": %d, \"first_ms\": %.1f",
		       h->most - h->least + 1 - h->packets, h->least, h->most, h->ttl_least,
		       h->ttl_most, h->first_ms);
	printf(", \"from\": [");
	for (i = 0; i < h->sources; i++) {
		inet_ntop(AF_INET, &h->source[i].sin_addr, host, sizeof(host));
		printf("%s\"%s:%u\"", i ? ", " : "", host, ntohs(h->source[i].sin_port));
	}
	printf("]}\n");
}

static int options_parse(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "d:b:c:r:f:l:p:s:t:D:w:R")) != -1) {
		switch (opt) {
		case 'd':
			if (endpoint_parse(optarg, &o->to))
				return -EINVAL;
			break;
		case 'b':
			if (endpoint_parse(optarg, &o->from))
				return -EINVAL;
			break;
		case 'c':
			o->count = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			o->rate = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			o->first = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			o->length = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o->payload_type = strtoul(optarg, NULL, 0);
			break;
		case 's':
			o->ssrc = strtoul(optarg, NULL, 0);
			break;
		case 't':
			o->ttl = strtol(optarg, NULL, 0);
			break;
		case 'D':
			o->delay_ms = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			o->linger_ms = strtoul(optarg, NULL, 0);
			break;
		case 'R':
			o->rtcp = true;
			break;
		default:
			return -EINVAL;
		}
	}
	if (optind != argc || !o->rate || o->length < MIN_LEN || o->length > MAX_LEN)
		return -EINVAL;
	return o->count && !o->to.sin_port ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.from = { .sin_family = AF_INET },
		.count = 1,
		.rate = 50,
		.length = 172,
		.linger_ms = 1000,
		.ssrc = 0x11223344,
		.ttl = 64,
	};
	struct heard h = { .least = UINT64_MAX, .ttl_least = 256, .ttl_most = -1, .first_ms = -1 };
	uint8_t packet[MAX_LEN];
	uint64_t i, refused = 0;
	int64_t start;
	int on = 1, buffer = 8 << 20, fd;

	if (options_parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	h.seen = calloc(1, MAX_HEAR / 8);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (!h.seen || fd < 0 || setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IP, IP_TTL, &o.ttl, sizeof(o.ttl)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    bind(fd, (struct sockaddr *)&o.from, sizeof(o.from))) {
		perror("rtp");
		return 1;
	}

	start = now() + o.delay_ms * (NSEC / 1000);
	for (i = 0; i < o.count; i++) {
		hear_until(fd, &h, start, start + (int64_t)i * NSEC / o.rate);
		packet_build(&o, o.first + i, packet);
		if (sendto(fd, packet, o.length, 0, (struct sockaddr *)&o.to, sizeof(o.to)) < 0)
			refused++;
	}
	hear_until(fd, &h, start, now() + o.linger_ms * (NSEC / 1000));
	report(&h, i, refused);
	free(h.seen);
	close(fd);
	return 0;
}
