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
#define MAX_LEN  2048 /* of what is sent */
#define MAX_UDP  65536
#define SOURCES  8
#define MAX_HEAR (1 << 24)

union endpoint {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct options {
	union endpoint to;
	union endpoint from;
	uint64_t count;
	uint64_t first;
	unsigned int rate;
	unsigned int length;
	unsigned int delay_ms;
	const char *go;
	const char *end;
	unsigned int linger_ms;
	uint32_t ssrc;
	uint8_t payload_type;
	int ttl;
	bool rtcp;
	uint8_t head[RTP_LEN];
	size_t head_len;
};

struct heard {
	uint64_t packets;
	uint64_t bytes;
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
	union endpoint source[SOURCES];
	uint8_t *seen; /* a bit per number */
};

static const char usage[] =
	"Usage: rtp [options]\n"
	"  -d ADDRESS:PORT  send to; an IPv6 address in brackets\n"
	"  -b ADDRESS:PORT  send from, listen on (default: any)\n"
	"  -c COUNT         packets to send (default 1; 0: only listen)\n"
	"  -r RATE          packets per second (default 50)\n"
	"  -f NUMBER        number of the first packet (default 0)\n"
	"  -l LENGTH        UDP payload (default 172, as 20 ms of G.711)\n"
	"  -p TYPE          RTP payload type (default 0)\n"
	"  -s SSRC          (default 0x11223344)\n"
	"  -t TTL           time to live sent (default 64)\n"
	"  -D MS            only listen at first, so long (default 0)\n"
	"  -g FILE          only listen until there is such a file\n"
	"  -e FILE          listen until there is such a file\n"
	"  -w MS            listen so long after that (default 1000)\n"
	"  -R               send RTCP receiver reports instead\n"
	"  -x HEX           no RTP: packets begin with these bytes, 12 at most\n";

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC + t.tv_nsec;
}

static int endpoint_parse(const char *text, union endpoint *addr)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	char *end;
	unsigned long port;
	size_t length;

	if (!colon || (v6 && colon[-1] != ']'))
		return -EINVAL;
	text += v6;
	length = colon - text - v6;
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end || end == colon + 1 || port > UINT16_MAX)
		return -EINVAL;
	/* the ports of both lie at the same place */
	addr->sa.sa_family = v6 ? AF_INET6 : AF_INET;
	addr->v4.sin_port = htons(port);
	return inet_pton(addr->sa.sa_family, host,
			 v6 ? (void *)&addr->v6.sin6_addr : &addr->v4.sin_addr) == 1 ?
		       0 :
		       -EINVAL;
}

static socklen_t endpoint_len(const union endpoint *e)
{
	return e->sa.sa_family == AF_INET6 ? sizeof(e->v6) : sizeof(e->v4);
}

static bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->sa.sa_family == AF_INET6)
		return !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) &&
		       a->v6.sin6_port == b->v6.sin6_port;
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr && a->v4.sin_port == b->v4.sin_port;
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

	if (o->head_len) {
		memset(p, 0, RTP_LEN);
		memcpy(p, o->head, o->head_len);
	} else if (o->rtcp) {
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

static void source_note(struct heard *h, const union endpoint *from)
{
	unsigned int i;

	for (i = 0; i < h->sources; i++)
		if (endpoint_equal(&h->source[i], from))
			return;
	if (h->sources < SOURCES)
		h->source[h->sources++] = *from;
}

static void packet_judge(const struct options *o, struct heard *h, const uint8_t *p, size_t length)
{
	static const uint8_t rtp[] = { 0x80 };
	const uint8_t *head = o->head_len ? o->head : rtp;
	uint64_t number;
	size_t i;

	if (length < MIN_LEN || memcmp(p, head, o->head_len ? o->head_len : sizeof(rtp)) != 0) {
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
	h->bytes += length;
}

/* Reads all that is there. */
static void hear(int fd, const struct options *o, struct heard *h, int64_t start)
{
	static uint8_t p[MAX_UDP];
	uint8_t control[CMSG_SPACE(sizeof(int))];
	union endpoint from;
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
			if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) &&
			    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
				continue;
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			if (ttl < h->ttl_least)
				h->ttl_least = ttl;
			if (ttl > h->ttl_most)
				h->ttl_most = ttl;
		}
		packet_judge(o, h, p, n);
	}
}

static void hear_until(int fd, const struct options *o, struct heard *h, int64_t start,
		       int64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec wait;
	int64_t left;

	while ((left = until - now()) > 0) {
		wait.tv_sec = left / NSEC;
		wait.tv_nsec = left % NSEC;
		if (ppoll(&pfd, 1, &wait, NULL) > 0)
			hear(fd, o, h, start);
	}
}

static void hear_until_file(int fd, const struct options *o, struct heard *h, const char *file)
{
	while (file && access(file, F_OK))
		hear_until(fd, o, h, now(), now() + NSEC / 100);
}

static void report(const struct heard *h, uint64_t sent, uint64_t refused)
{
	char host[INET6_ADDRSTRLEN];
	const union endpoint *e;
	unsigned int i;
	bool v6;

	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"received\": %" PRIu64
	       ", \"bytes\": %" PRIu64 ", \"doubles\": %" PRIu64 ", \"reordered\": %" PRIu64
	       ", \"corrupt\": %" PRIu64,
	       sent, refused, h->packets, h->bytes, h->doubles, h->reordered, h->corrupt);
	if (h->packets)
		printf(", \"lost\": %" PRIu64 ", \"first\": %" PRIu64 ", \"last\": %" PRIu64
		       ", \"ttl_least\": %d, \"ttl_most\": %d, \"first_ms\": %.1f",
		       h->most - h->least + 1 - h->packets, h->least, h->most, h->ttl_least,
		       h->ttl_most, h->first_ms);
	printf(", \"from\": [");
	for (i = 0; i < h->sources; i++) {
		e = &h->source[i];
		v6 = e->sa.sa_family == AF_INET6;
		inet_ntop(e->sa.sa_family, v6 ? (void *)&e->v6.sin6_addr : &e->v4.sin_addr, host,
			  sizeof(host));
		printf(v6 ? "%s\"[%s]:%u\"" : "%s\"%s:%u\"", i ? ", " : "", host,
		       ntohs(e->v4.sin_port));
	}
	printf("]}\n");
}

static int head_parse(struct options *o, const char *hex)
{
	for (; hex[0] && o->head_len < sizeof(o->head); hex += 2)
		if (sscanf(hex, "%2hhx", &o->head[o->head_len++]) != 1 || !hex[1])
			return -EINVAL;
	return hex[0] ? -EINVAL : 0;
}

static int options_parse(struct options *o, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "d:b:c:r:f:l:p:s:t:D:g:e:w:Rx:")) != -1) {
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
		case 'g':
			o->go = optarg;
			break;
		case 'e':
			o->end = optarg;
			break;
		case 'w':
			o->linger_ms = strtoul(optarg, NULL, 0);
			break;
		case 'R':
			o->rtcp = true;
			break;
		case 'x':
			if (head_parse(o, optarg))
				return -EINVAL;
			break;
		default:
			return -EINVAL;
		}
	}
	if (optind != argc || !o->rate || o->length < MIN_LEN || o->length > MAX_LEN)
		return -EINVAL;
	return o->count && !o->to.v4.sin_port ? -EINVAL : 0;
}

/* What is sent; and what comes is to be told. */
static int ttl_set(int fd, const struct options *o)
{
	bool v6 = o->from.sa.sa_family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, on = 1;

	return setsockopt(fd, level, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on, sizeof(on)) ||
	       setsockopt(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &o->ttl, sizeof(o->ttl));
}

int main(int argc, char **argv)
{
	struct options o = {
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
	int buffer = 8 << 20, fd;

	if (options_parse(&o, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!o.from.sa.sa_family)
		o.from.sa.sa_family = o.to.sa.sa_family;
	h.seen = calloc(1, MAX_HEAR / 8);
	fd = socket(o.from.sa.sa_family, SOCK_DGRAM, 0);
	if (!h.seen || fd < 0 || ttl_set(fd, &o) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    bind(fd, &o.from.sa, endpoint_len(&o.from))) {
		perror("rtp");
		return 1;
	}

	hear_until_file(fd, &o, &h, o.go);
	start = now() + o.delay_ms * (NSEC / 1000);
	for (i = 0; i < o.count; i++) {
		hear_until(fd, &o, &h, start, start + (int64_t)i * NSEC / o.rate);
		packet_build(&o, o.first + i, packet);
		if (sendto(fd, packet, o.length, 0, &o.to.sa, endpoint_len(&o.to)) < 0)
			refused++;
	}
	hear_until_file(fd, &o, &h, o.end);
	hear_until(fd, &o, &h, start, now() + o.linger_ms * (NSEC / 1000));
	report(&h, i, refused);
	free(h.seen);
	close(fd);
	return 0;
}
