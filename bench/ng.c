// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets up calls in rtpengine, by its ng protocol: a cookie and a bencoded dictionary in
 * a datagram of UDP, and the same cookie before the answer. The cookie of a request is
 * never used again, not by a later run either: its answer would come out of a cache.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "ng.h"

#define DATAGRAM_MAX 8192
/* The clock of a guest races while a daemon waits for its disk. */
#define PATIENCE_S 3600

/**
 * ng_open() - a socket to rtpengine's
 * @addr: its address
 * @port: its port for ng
 *
 * Return: the socket, or -1 with errno set.
 */
int ng_open(const char *addr, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST };
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct addrinfo *info;
	int fd;

	if (getaddrinfo(addr, port, &hints, &info)) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (connect(fd, info->ai_addr, info->ai_addrlen) ||
			setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(info);
	return fd;
}

/* What a phone offers or answers: PCMU, and RTCP on the next port. */
static void sdp_print(char *sdp, size_t size, const struct nattrav_endpoint *terminal)
{
	const char *family = terminal->addr.family == AF_INET ? "IP4" : "IP6";
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(terminal->addr.family, &terminal->addr.v6, addr, sizeof(addr));
	snprintf(sdp, size,
		 "v=0\r\no=- 1 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
		 family, addr, family, addr, terminal->port);
}

/* The address that a phone is to send to, out of the SDP that it would be given. */
static bool sdp_parse(const char *sdp, const char *end, struct nattrav_endpoint *relay)
{
	char family[4], addr[INET6_ADDRSTRLEN];
	const char *c = NULL, *m = NULL, *line;

	for (line = sdp; line && line < end; line = memchr(line, '\n', (size_t)(end - line))) {
		line += *line == '\n';
		if (end - line > 2 && !strncmp(line, "c=", 2))
			c = line;
		if (end - line > 2 && !strncmp(line, "m=", 2))
			m = line;
	}
	*relay = (struct nattrav_endpoint){ 0 };
	if (!c || !m || sscanf(c, "c=IN %3s %45s", family, addr) != 2 ||
	    sscanf(m, "m=audio %hu", &relay->port) != 1)
		return false;
	relay->addr.family = strcmp(family, "IP6") ? AF_INET : AF_INET6;
	return inet_pton(relay->addr.family, addr, &relay->addr.v6) == 1 && relay->port;
}

static size_t string_print(char *out, size_t size, const char *key, const char *value)
{
	return (size_t)snprintf(out, size, "%zu:%s%zu:%s", strlen(key), key, strlen(value), value);
}

/* One request, and what rtpengine says to it: NULL, and the relay address for the other. */
static const char *request(int fd, uint32_t number, bool answer,
			   const struct nattrav_endpoint *terminal, struct nattrav_endpoint *relay)
{
	static char out[DATAGRAM_MAX], in[DATAGRAM_MAX + 1];
	char cookie[48], call[32], sdp[512];
	struct timespec now;
	char *text, *end;
	size_t cookie_len, len;
	ssize_t got;

	clock_gettime(CLOCK_REALTIME, &now);
	cookie_len = (size_t)snprintf(cookie, sizeof(cookie), "%lx%lx_%x%c ", (long)now.tv_sec,
				      now.tv_nsec, number, answer ? 'a' : 'o');
	snprintf(call, sizeof(call), "bench-%u", number);
	sdp_print(sdp, sizeof(sdp), terminal);

	len = cookie_len;
	memcpy(out, cookie, len);
	len += (size_t)snprintf(out + len, sizeof(out) - len, "d3:ICE6:remove");
	len += string_print(out + len, sizeof(out) - len, "call-id", call);
	len += string_print(out + len, sizeof(out) - len, "command", answer ? "answer" : "offer");
	if (!answer)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "9:directionl1:a1:be");
	len += string_print(out + len, sizeof(out) - len, "from-tag", "a");
	len += string_print(out + len, sizeof(out) - len, "sdp", sdp);
	if (answer)
		len += string_print(out + len, sizeof(out) - len, "to-tag", "b");
	out[len++] = 'e';

	if (send(fd, out, len, 0) < 0)
		return strerror(errno);
	do {
		got = recv(fd, in, sizeof(in) - 1, 0);
		if (got < 0)
			return strerror(errno);
		in[got] = '\0';
		/* the answer to one that was sent twice, or of another run */
	} while ((size_t)got < cookie_len || memcmp(in, cookie, cookie_len));

	if (!strstr(in, "6:result2:ok"))
		return in + cookie_len;
	text = strstr(in, "3:sdp");
	if (!text)
		return "no SDP";
	len = strtoul(text + 5, &end, 10);
	if (*end != ':' || len > (size_t)(in + got - end - 1) ||
	    !sdp_parse(end + 1, end + 1 + len, relay))
		return "bad SDP";
	return NULL;
}

/**
 * ng_call() - set up a call between two terminals, with RTP and RTCP
 * @fd: from ng_open()
 * @number: of the call, not used before
 * @terminal: where the two hear RTP
 * @relay: is set to where they are to send it
 *
 * Return: NULL, or what went wrong in words, valid until the next call.
 */
const char *ng_call(int fd, uint32_t number, const struct nattrav_endpoint terminal[2],
		    struct nattrav_endpoint relay[2])
{
	const char *error = request(fd, number, false, &terminal[0], &relay[1]);

	return error ? error : request(fd, number, true, &terminal[1], &relay[0]);
}
