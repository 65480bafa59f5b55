// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many SIP terminals in one process: each has an address and port of its own, registers
 * with a password, keeps its path open, and answers OPTIONS. bench/sip-load runs it.
 *
 * The host must think that the whole network of the terminals is its own
 * ("ip route add local 10.64.0.0/10 dev lo"): a socket on any address hears all of them,
 * and each datagram says for itself where it comes from. Four terminals share an address,
 * as behind a NAT.
 *
 *   terminals SERVER:PORT NETWORK [--first N] [--count N] [--interval S] [--seconds S] [--probe N]
 *
 * Terminals t<first> to t<first + count - 1> register; for so many seconds they send
 * keep-alives, STUN and every fourth CRLF CRLF, each in its interval; then so many of them
 * are sent OPTIONS by others, through the server. Prints what came of it, "name number" a line.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PORTS      4
#define PORT_FIRST 5060
#define DOMAIN     "example.net"
#define PASSWORD   "secret"
/* of requests under way; a server is to be loaded, and not to be drowned */
#define WINDOW 64
/* RFC 3261: T1, and how often it doubles until there is no hope */
#define T1_MS    500
#define TRIES    7
#define STUN_LEN 20

enum task { TASK_REGISTER, TASK_PROBE };

/* A terminal, and the one request that it may have under way. */
struct terminal {
	uint64_t due;
	uint32_t callee;
	uint8_t tries;
	uint8_t cseq;
	bool busy;
	bool registered;
	bool waits; /* for the answer to its keep-alive */
	char nonce[80];
};

static struct terminal *terminals;
static uint32_t first, count = 1000;
static struct sockaddr_in server, network;
static int sockets[PORTS];
static uint64_t registered, probed, reached, sent, unanswered, refused;
static uint32_t under_way;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct in_addr address_of(uint32_t n)
{
	return (struct in_addr){ htonl(ntohl(network.sin_addr.s_addr) + 1 + (first + n) / PORTS) };
}

static int port_of(uint32_t n)
{
	return PORT_FIRST + (int)((first + n) % PORTS);
}

static void transmit(uint32_t n, const void *data, size_t len)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr msg = {
		.msg_name = &server,
		.msg_namelen = sizeof(server),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct in_pktinfo info = { .ipi_spec_dst = address_of(n) };

	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	if (sendmsg(sockets[port_of(n) - PORT_FIRST], &msg, 0) < 0 && errno != ECONNREFUSED)
		warn("send");
}

static void md5_hex(char hex[33], const char *text)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int len, i;

	if (!EVP_Digest(text, strlen(text), bytes, &len, EVP_md5(), NULL))
		errx(2, "no MD5");
	for (i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}

/* RFC 7616 with qop=auth; each nonce is used once. */
static void authorization(char *out, size_t size, uint32_t user, const char *nonce)
{
	char ha1[33], ha2[33], proof[33], text[256];

	snprintf(text, sizeof(text), "t%u:" DOMAIN ":" PASSWORD, user);
	md5_hex(ha1, text);
	md5_hex(ha2, "REGISTER:sip:" DOMAIN);
	snprintf(text, sizeof(text), "%s:%s:00000001:c:auth:%s", ha1, nonce, ha2);
	md5_hex(proof, text);
	snprintf(out, size,
		 "Authorization: Digest username=\"t%u\", realm=\"" DOMAIN "\", nonce=\"%s\", "
		 "uri=\"sip:" DOMAIN "\", response=\"%s\", algorithm=MD5, qop=auth, nc=00000001, "
		 "cnonce=\"c\"\r\n",
		 user, nonce, proof);
}

static void request_send(uint32_t n, enum task task)
{
	const struct terminal *t = &terminals[n];
	char address[INET_ADDRSTRLEN], auth[512] = "", text[2048];
	const struct in_addr in = address_of(n);
	const uint32_t user = first + n;
	int len;

	inet_ntop(AF_INET, &in, address, sizeof(address));
	if (t->nonce[0] && task == TASK_REGISTER)
		authorization(auth, sizeof(auth), user, t->nonce);
	if (task == TASK_REGISTER)
		/* by its name nattravd knows that it wants MD5 alone */
		len = snprintf(
			text, sizeof(text),
			"REGISTER sip:" DOMAIN " SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKr%u.%u;rport;keep\r\n"
			"From: <sip:t%u@" DOMAIN ">;tag=r\r\nTo: <sip:t%u@" DOMAIN ">\r\n"
			"Call-ID: register-%u\r\nCSeq: %u REGISTER\r\n"
			"Contact: <sip:t%u@192.168.1.2:5060>\r\nMax-Forwards: 70\r\n"
			"Expires: 3600\r\nUser-Agent: baresip v1.0.0\r\n%s"
			"Content-Length: 0\r\n\r\n",
			user, t->cseq, user, user, user, t->cseq, user, auth);
	else
		len = snprintf(text, sizeof(text),
			       "OPTIONS sip:t%u@" DOMAIN " SIP/2.0\r\n"
			       "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKo%u;rport\r\n"
			       "From: <sip:t%u@" DOMAIN ">;tag=o\r\nTo: <sip:t%u@" DOMAIN ">\r\n"
			       "Call-ID: probe-%u\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
			       "Content-Length: 0\r\n\r\n",
			       first + t->callee, user, user, first + t->callee, user);
	transmit(n, text, (size_t)len);
}

static void task_begin(uint32_t n, enum task task)
{
	struct terminal *t = &terminals[n];

	t->busy = true;
	t->tries = 1;
	t->cseq++;
	t->due = now_ms() + T1_MS;
	under_way++;
	request_send(n, task);
}

static void task_end(uint32_t n)
{
	terminals[n].busy = false;
	under_way--;
}

/* Copies header lines of a request into its answer. */
static void options_answer(uint32_t n, const char *request)
{
	static const char *const wanted[] = { "Via:", "From:", "To:", "Call-ID:", "CSeq:" };
	char text[4096] = "SIP/2.0 200 OK\r\n";
	const char *line = request, *end;
	size_t len = strlen(text), i;

	for (; (end = strstr(line, "\r\n")) && end > line; line = end + 2) {
		for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
			if (strncasecmp(line, wanted[i], strlen(wanted[i])) ||
			    len + (size_t)(end - line) + 64 > sizeof(text))
				continue;
			len += (size_t)sprintf(text + len, "%.*s%s\r\n", (int)(end - line), line,
					       i == 2 ? ";tag=answer" : "");
		}
	}
	len += (size_t)sprintf(text + len, "Content-Length: 0\r\n\r\n");
	transmit(n, text, len);
}

static void challenge_take(uint32_t n, const char *text)
{
	struct terminal *t = &terminals[n];
	const char *nonce = strstr(text, "nonce=\"");

	/* a second challenge is a refusal */
	if (!nonce || t->nonce[0] || sscanf(nonce + 7, "%79[^\"]", t->nonce) != 1) {
		refused++;
		task_end(n);
		return;
	}
	task_end(n);
	task_begin(n, TASK_REGISTER);
}

static void message_take(uint32_t n, const char *text)
{
	struct terminal *t = &terminals[n];
	const bool registers = strstr(text, " REGISTER\r\n") != NULL;
	const char *cseq = strstr(text, "\nCSeq: ");
	unsigned int number;
	int status;

	if (!strncmp(text, "OPTIONS ", 8)) {
		options_answer(n, text);
		return;
	}
	if (sscanf(text, "SIP/2.0 %d", &status) != 1 || status < 200 || !t->busy)
		return;
	/* the answer to one before, that came late */
	if (registers && (!cseq || sscanf(cseq, "\nCSeq: %u", &number) != 1 || number != t->cseq))
		return;
	if (registers && status == 401) {
		challenge_take(n, text);
		return;
	}
	task_end(n);
	if (status != 200)
		refused++;
	else if (!registers)
		reached++;
	else if (!t->registered) {
		t->registered = true;
		registered++;
	}
}

static void datagram_take(int index)
{
	char data[4096], control[256];
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) - 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t len = recvmsg(sockets[index], &msg, MSG_DONTWAIT);
	struct in_pktinfo info = { 0 };
	struct cmsghdr *cmsg;
	uint32_t n;

	if (len < 0)
		return;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO)
			memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	n = (ntohl(info.ipi_addr.s_addr) - ntohl(network.sin_addr.s_addr) - 1) * PORTS +
	    (uint32_t)index - first;
	if (n >= count)
		return;
	data[len] = '\0';
	/* a STUN success, or CR LF */
	if ((len >= STUN_LEN && data[0] == 1 && data[1] == 1) || (len == 2 && data[0] == '\r'))
		terminals[n].waits = false;
	else
		message_take(n, data);
}

/* Takes what comes until @until. */
static void listen_until(uint64_t until)
{
	struct pollfd fds[PORTS];
	uint64_t now = now_ms();
	int i, more;

	for (i = 0; i < PORTS; i++)
		fds[i] = (struct pollfd){ .fd = sockets[i], .events = POLLIN };
	do {
		more = poll(fds, PORTS, now < until ? (int)(until - now) : 0);
		for (i = 0; more > 0 && i < PORTS; i++)
			if (fds[i].revents)
				datagram_take(i);
		now = now_ms();
	} while (now < until);
}

static void keepalive_send(uint32_t n)
{
	uint8_t stun[STUN_LEN] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	struct terminal *t = &terminals[n];

	if (t->waits)
		unanswered++;
	t->waits = true;
	sent++;
	memcpy(stun + 8, &n, sizeof(n));
	memcpy(stun + 12, &sent, sizeof(sent));
	if (n % 4)
		transmit(n, stun, sizeof(stun));
	else
		transmit(n, "\r\n\r\n", 4);
}

static void repeat_or_give_up(uint32_t n, enum task task, uint64_t now)
{
	struct terminal *t = &terminals[n];

	if (!t->busy || now < t->due)
		return;
	if (t->tries == TRIES) {
		task_end(n);
		return;
	}
	t->due = now + ((uint64_t)T1_MS << t->tries++);
	request_send(n, task);
}

/* All tasks of a kind, some at a time; @step: each of them, or every so many. */
static void tasks_run(enum task task, uint32_t step)
{
	uint32_t next = 0, oldest = 0, n;

	while (next < count || under_way) {
		for (; next < count && under_way < WINDOW; next += step)
			task_begin(next, task);
		listen_until(now_ms() + 1);
		while (oldest < next && oldest < count && !terminals[oldest].busy)
			oldest += step;
		for (n = oldest; n < next && n < count; n += step)
			repeat_or_give_up(n, task, now_ms());
	}
}

static void keepalives_run(double seconds, double interval)
{
	const uint64_t start = now_ms();
	const uint64_t total = (uint64_t)(seconds / interval * count);
	uint64_t done = 0, due;
	uint32_t n;

	while (done < total) {
		due = (uint64_t)((double)(now_ms() - start) / 1000 / interval * count);
		for (; done < due && done < total; done++)
			keepalive_send((uint32_t)(done % count));
		listen_until(now_ms() + 1);
	}
	/* those of the last turn */
	listen_until(now_ms() + 2000);
	for (n = 0; n < count; n++)
		unanswered += terminals[n].waits;
}

static void probes_run(uint32_t wanted)
{
	const uint32_t step = count / wanted ? count / wanted : 1;
	uint32_t n;

	for (n = 0; n < count; n += step, probed++)
		terminals[n].callee = (uint32_t)(((uint64_t)n * 7919 + count / 2) % count);
	tasks_run(TASK_PROBE, step);
}

static void sockets_open(void)
{
	const int on = 1, size = 4 << 20;
	struct sockaddr_in any = { .sin_family = AF_INET };
	int i;

	for (i = 0; i < PORTS; i++) {
		sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
		any.sin_port = htons((uint16_t)(PORT_FIRST + i));
		if (sockets[i] < 0 ||
		    setsockopt(sockets[i], IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ||
		    bind(sockets[i], (struct sockaddr *)&any, sizeof(any)))
			err(2, "socket");
		/* what it does not get is what the socket has */
		(void)setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	}
}

static void address_read(struct sockaddr_in *to, const char *text)
{
	char address[64];
	unsigned int port = 0;

	to->sin_family = AF_INET;
	if (sscanf(text, "%63[0-9.]:%u", address, &port) < 1 ||
	    inet_pton(AF_INET, address, &to->sin_addr) != 1)
		errx(2, "'%s' is no address", text);
	to->sin_port = htons((uint16_t)port);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "first", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ "interval", required_argument, NULL, 'i' },
		{ "seconds", required_argument, NULL, 's' },
		{ "probe", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	double interval = 25, seconds = 0;
	uint32_t probe = 0;
	uint64_t start;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			first = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			count = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'i':
			interval = strtod(optarg, NULL);
			break;
		case 's':
			seconds = strtod(optarg, NULL);
			break;
		case 'p':
			probe = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || !count || interval <= 0)
		errx(2,
		     "usage: terminals SERVER:PORT NETWORK [--first N] [--count N] [--interval S] "
		     "[--seconds S] [--probe N]");
	address_read(&server, argv[optind]);
	address_read(&network, argv[optind + 1]);
	terminals = calloc(count, sizeof(*terminals));
	if (!terminals)
		err(2, "terminals");
	sockets_open();

	start = now_ms();
	tasks_run(TASK_REGISTER, 1);
	printf("registered %llu\n", (unsigned long long)registered);
	printf("register_ms %llu\n", (unsigned long long)(now_ms() - start));
	fflush(stdout);
	if (seconds > 0) {
		keepalives_run(seconds, interval);
		printf("keepalives %llu\nunanswered %llu\n", (unsigned long long)sent,
		       (unsigned long long)unanswered);
		fflush(stdout);
	}
	if (probe) {
		probes_run(probe);
		printf("probed %llu\nreached %llu\n", (unsigned long long)probed,
		       (unsigned long long)reached);
	}
	printf("refused %llu\n", (unsigned long long)refused);
	return 0;
}
