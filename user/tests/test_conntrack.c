// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The conntrack datapath on the kernel that runs here: a gateway in one network
 * namespace, terminals in another, and nothing between them but a link.
 *
 *   gateway 203.0.113.1, 198.51.100.1 ---- A .10, A's other address .20, X .66 of the
 *                                          first network, B .11 of the second
 *
 * In IPv6 the same in 2001:db8:a::/64 and 2001:db8:b::/64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "datapath/conntrack.h"
#include "log.h"

#define RELAY       "203.0.113.1"
#define A           "203.0.113.10"
#define A_LATER     "203.0.113.20"
#define X           "203.0.113.66"
#define B           "198.51.100.11"
#define RELAY6      "2001:db8:a::1"
#define A6          "2001:db8:a::10"
#define X6          "2001:db8:a::66"
#define B6          "2001:db8:b::11"
#define SSRC        0x01020304
#define PATIENCE_MS 5000

static int gateway_ns, world_ns;
static struct config config;
static const struct datapath_ops *const ops = &datapath_conntrack;
static struct datapath *datapath;

static struct {
	struct nattrav_event event[64];
	size_t count;
} told;

/* ---- the network */

static void run_command(const char *fmt, ...)
{
	char command[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command)) /* NOLINT(cert-env33-c): a test */
		fail_msg("%s", command);
}

static void sysctl_set(const char *name, const char *value)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(value, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The namespace of the terminals lives as long as a child that sleeps in it. */
static pid_t world_start(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void network_setup(void)
{
	const pid_t world = world_start();
	char path[64];

	gateway_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)world);
	world_ns = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(gateway_ns >= 0 && world_ns >= 0);

	run_command("ip link add gw0 type veth peer name w0 netns %d", (int)world);
	run_command("ip link set lo up && ip link set gw0 up");
	run_command("ip address add " RELAY
		    "/24 dev gw0 && ip address add 198.51.100.1/24 dev gw0");
	sysctl_set("ipv4/conf/all/send_redirects", "0");
	sysctl_set("ipv4/conf/gw0/send_redirects", "0");
	run_command("ip address add " RELAY6 "/64 dev gw0 nodad && "
		    "ip address add 2001:db8:b::1/64 dev gw0 nodad");

	assert_int_equal(setns(world_ns, CLONE_NEWNET), 0);
	run_command("ip link set w0 up");
	run_command("ip address add " A "/24 dev w0 && ip address add " A_LATER "/24 dev w0");
	run_command("ip address add " X "/24 dev w0 && ip address add " B "/24 dev w0");
	run_command("ip address add " A6 "/64 dev w0 nodad && ip address add " X6
		    "/64 dev w0 nodad");
	run_command("ip address add " B6 "/64 dev w0 nodad");
	assert_int_equal(setns(gateway_ns, CLONE_NEWNET), 0);
}

static struct nattrav_addr address(const char *text)
{
	struct nattrav_addr addr = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(addr.family, text, &addr.v6), 1);
	return addr;
}

static int terminal(const char *addr, uint16_t port)
{
	const struct nattrav_endpoint endpoint = { .addr = address(addr), .port = port };
	union ct_sockaddr local;
	const socklen_t len = ct_sockaddr_set(&local, &endpoint);
	int fd;

	assert_int_equal(setns(world_ns, CLONE_NEWNET), 0);
	fd = socket(endpoint.addr.family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, &local.sa, len), 0);
	assert_int_equal(setns(gateway_ns, CLONE_NEWNET), 0);
	return fd;
}

/* ---- time */

static void stop(void *arg)
{
	(void)arg;
	re_cancel();
}

static void run(uint64_t ms)
{
	struct tmr tmr;

	tmr_init(&tmr);
	tmr_start(&tmr, ms, stop, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&tmr);
}

/* ---- packets */

static const uint8_t pcmu = 0;

static void send_to(int fd, const struct nattrav_endpoint *to, const void *data, size_t len)
{
	union ct_sockaddr relay;
	const socklen_t relay_len = ct_sockaddr_set(&relay, to);

	assert_int_equal(sendto(fd, data, len, 0, &relay.sa, relay_len), len);
}

static void send_rtp(int fd, const struct nattrav_endpoint *to, uint8_t type, uint16_t seq,
		     uint32_t ssrc)
{
	const uint8_t rtp[20] = {
		0x80,
		type,
		(uint8_t)(seq >> 8),
		(uint8_t)seq,
		[8] = (uint8_t)(ssrc >> 24),
		[9] = (uint8_t)(ssrc >> 16),
		[10] = (uint8_t)(ssrc >> 8),
		[11] = (uint8_t)ssrc,
	};

	send_to(fd, to, rtp, sizeof(rtp));
	run(5);
}

static void send_rtcp(int fd, const struct nattrav_endpoint *to)
{
	static const uint8_t rtcp[8] = { 0x80, 201, 0, 1, 1, 2, 3, 4 };

	send_to(fd, to, rtcp, sizeof(rtcp));
	run(5);
}

/* One packet comes, with this relay address and port as its source. */
static void hears(int fd, const struct nattrav_endpoint *from)
{
	union ct_sockaddr sa = { .v6 = { 0 } };
	socklen_t len = sizeof(sa);
	struct nattrav_endpoint source;
	uint64_t waited = 0;
	uint8_t data[64];

	while (recvfrom(fd, data, sizeof(data), 0, &sa.sa, &len) < 0) {
		assert_int_equal(errno, EAGAIN);
		assert_true(waited < PATIENCE_MS);
		run(10);
		waited += 10;
	}
	ct_sockaddr_get(&source, &sa);
	assert_true(ct_endpoint_equal(&source, from));
}

static void hears_nothing(int fd)
{
	uint8_t data[64];

	run(20);
	assert_int_equal(recv(fd, data, sizeof(data), 0), -1);
	assert_int_equal(errno, EAGAIN);
}

/* ---- the datapath */

static void on_event(const struct nattrav_event *event, void *arg)
{
	(void)arg;
	assert_true(told.count < ARRAY_SIZE(told.event));
	told.event[told.count++] = *event;
}

static void on_nothing(void *arg)
{
	(void)arg;
}

static void on_stream(const struct nattrav_stream *stream, void *arg)
{
	(void)stream;
	(void)arg;
}

static void on_broken(int err, void *arg)
{
	(void)arg;
	fail_msg("%d", err);
}

static size_t told_of(enum nattrav_event_type type)
{
	size_t i, count = 0;

	for (i = 0; i < told.count; i++)
		count += told.event[i].type == type;
	return count;
}

static struct nattrav_pool pool(const char *addr, uint16_t min, uint16_t max)
{
	struct nattrav_pool made = { .realm = "access", .port_min = min, .port_max = max };

	made.addr = address(addr);
	return made;
}

static void datapath_start(void)
{
	static const struct datapath_watch watch = {
		.monitor = { on_event, on_nothing, on_stream, on_nothing },
		.broken = on_broken,
	};
	struct nattrav_pool pools[2] = { pool(RELAY, 30000, 30007), pool(RELAY6, 30000, 30007) };

	memset(&told, 0, sizeof(told));
	assert_int_equal(ops->open(&datapath, &config), 0);
	assert_int_equal(ops->pool_new(datapath, pools, 2), 0);
	assert_int_equal(ops->watch(datapath, &watch, NULL), 0);
}

static void prefix_set(struct nattrav_leg *leg, const char *addr, uint8_t len)
{
	leg->given |= NATTRAV_LEG_PREFIXES | NATTRAV_LEG_PAYLOAD_TYPES;
	leg->payload_types[0] = 1; /* PCMU */
	leg->prefix[0].addr = address(addr);
	leg->prefix[0].len = len;
	leg->prefixes = 1;
}

static struct nattrav_stream wish(void)
{
	struct nattrav_stream stream = {
		.given = NATTRAV_STREAM_COOKIE | NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B,
		.call = "call",
		.cookie = 7,
		.rtcp = true,
	};

	prefix_set(&stream.leg[NATTRAV_SIDE_A], A, 32);
	prefix_set(&stream.leg[NATTRAV_SIDE_B], B, 32);
	return stream;
}

/**
 * struct talk - a stream and its terminals
 * @made: RTP and RTCP as they were installed
 * @a: local address of leg a
 * @b: local address of leg b
 * @fd_a: A's socket
 * @fd_b: B's
 * @fd_x: X's
 */
struct talk {
	struct nattrav_stream made[2];
	const struct nattrav_endpoint *a;
	const struct nattrav_endpoint *b;
	int fd_a;
	int fd_b;
	int fd_x;
};

static void talk_start(struct talk *talk, const struct nattrav_stream *stream)
{
	const bool ipv6 = stream->leg[NATTRAV_SIDE_A].prefix[0].addr.family == AF_INET6;

	assert_int_equal(ops->stream_new(datapath, stream, 1, talk->made, 2), 2);
	talk->a = &talk->made[0].leg[NATTRAV_SIDE_A].local;
	talk->b = &talk->made[0].leg[NATTRAV_SIDE_B].local;
	talk->fd_a = terminal(ipv6 ? A6 : A, 4000);
	talk->fd_b = terminal(ipv6 ? B6 : B, 6000);
	talk->fd_x = terminal(ipv6 ? X6 : X, 5000);
}

static void talk_end(struct talk *talk)
{
	close(talk->fd_a);
	close(talk->fd_b);
	close(talk->fd_x);
}

static int stream_take(const struct nattrav_stream *stream, void *arg)
{
	struct nattrav_stream *out = arg;

	if (stream->id == out->id)
		*out = *stream;
	return 0;
}

static struct nattrav_stream look(uint32_t id)
{
	struct nattrav_stream stream = { .id = id };

	ct_entries_look(datapath);
	assert_int_equal(ops->stream_dump(datapath, stream_take, &stream), 0);
	return stream;
}

static uint64_t dropped(enum nattrav_drop_reason reason)
{
	struct nattrav_info info;

	assert_int_equal(ops->info(datapath, &info), 0);
	return info.dropped[reason];
}

/* What the process has heard itself. */
static uint64_t received(void)
{
	return datapath->info.received;
}

static void entry_count(const struct nattrav_endpoint *local, const struct nattrav_endpoint *peer,
			const struct ct_count count[2], void *arg)
{
	(void)local;
	(void)peer;
	(void)count;
	(*(unsigned int *)arg)++;
}

static unsigned int entries(void)
{
	struct ct_entries *all;
	unsigned int count = 0;

	assert_int_equal(ct_entries_open(&all), 0);
	assert_int_equal(ct_entries_read(all, entry_count, &count), 0);
	mem_deref(all);
	return count;
}

/* Both legs complete, and one packet of A has been heard by B. */
static void talk_complete(struct talk *talk)
{
	send_rtp(talk->fd_b, talk->b, pcmu, 1, SSRC + 1);
	send_rtp(talk->fd_a, talk->a, pcmu, 1, SSRC);
	hears(talk->fd_b, talk->b);
	hears_nothing(talk->fd_a);
	assert_int_equal(look(talk->made[0].id).state, NATTRAV_STATE_COMPLETE);
}

static int setup(void **state)
{
	(void)state;
	sysctl_set("ipv4/ip_forward", "1");
	sysctl_set("ipv6/conf/all/forwarding", "1");
	datapath_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (datapath) {
		(void)ops->stream_del_call(datapath, "call");
		run(1);
		ops->close(datapath);
	}
	datapath = NULL;
	assert_int_equal(entries(), 0);
	return 0;
}

/* ---- the tests */

static void test_relay(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	uint64_t before;
	unsigned int i;

	(void)state;

	talk_start(&talk, &stream);
	assert_int_equal(talk.made[0].tied, talk.made[1].id);
	assert_int_equal(talk.made[1].type, NATTRAV_STREAM_TYPE_RTCP);
	assert_int_equal(talk.a->port % 2, 0);
	assert_int_equal(talk.made[1].leg[NATTRAV_SIDE_A].local.port, talk.a->port + 1);

	/* The first packet of the first side has nowhere to go. */
	send_rtp(talk.fd_b, talk.b, pcmu, 1, SSRC + 1);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_PEER_PARTIAL), 1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_COMPLETED), 1);
	assert_int_equal(entries(), 0);

	/* That of the second is relayed, and from then on the kernel does it. */
	send_rtp(talk.fd_a, talk.a, pcmu, 1, SSRC);
	hears(talk.fd_b, talk.b);
	assert_int_equal(entries(), 1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_COMPLETED), 2);
	before = received();
	for (i = 2; i < 12; i++) {
		send_rtp(talk.fd_a, talk.a, pcmu, (uint16_t)i, SSRC);
		hears(talk.fd_b, talk.b);
		send_rtp(talk.fd_b, talk.b, pcmu, (uint16_t)i, SSRC + 1);
		hears(talk.fd_a, talk.a);
	}
	assert_int_equal(received(), before);
	stream = look(talk.made[0].id);
	assert_int_equal(stream.leg[NATTRAV_SIDE_A].packets, 11);
	assert_int_equal(stream.leg[NATTRAV_SIDE_B].packets, 10);
	assert_int_equal(stream.leg[NATTRAV_SIDE_A].bytes, 11 * 20);

	/* The end, with the last counters. */
	assert_int_equal(ops->stream_del_call(datapath, "call"), 0);
	assert_int_equal(ops->stream_del_call(datapath, "call"), -ENOENT);
	run(1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_DELETED), 2);
	assert_int_equal(told.event[told.count - 2].stream.leg[NATTRAV_SIDE_A].packets, 11);
	assert_int_equal(entries(), 0);
	send_rtp(talk.fd_a, talk.a, pcmu, 12, SSRC);
	hears_nothing(talk.fd_b);
	talk_end(&talk);
}

static void test_policy(void **state)
{
	struct nattrav_stream stream = wish();
	const struct nattrav_endpoint *rtcp;
	struct talk talk;

	(void)state;

	talk_start(&talk, &stream);
	rtcp = &talk.made[1].leg[NATTRAV_SIDE_A].local;
	send_rtp(talk.fd_x, talk.a, pcmu, 1, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_OUTSIDE_PREFIX), 1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_INTRUDER), 1);
	send_rtp(talk.fd_a, talk.a, 8, 1, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_PAYLOAD_TYPE), 1);
	send_rtcp(talk.fd_a, talk.a);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_NOT_RTP), 1);
	send_rtcp(talk.fd_a, rtcp);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_RTP_PARTIAL), 1);
	assert_int_equal(look(talk.made[0].id).leg[NATTRAV_SIDE_A].state, NATTRAV_STATE_PARTIAL);

	/* After the latch X is no better off, whatever the SSRC he sends. */
	talk_complete(&talk);
	send_rtp(talk.fd_x, talk.a, pcmu, 2, SSRC);
	send_rtp(talk.fd_x, talk.b, pcmu, 2, SSRC + 1);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 2);
	hears_nothing(talk.fd_a);
	hears_nothing(talk.fd_b);
	hears_nothing(talk.fd_x);
	assert_int_equal(look(talk.made[0].id).leg[NATTRAV_SIDE_A].intruder_packets, 2);

	/* RTCP completes with the address of its RTP. */
	send_rtcp(talk.fd_x, rtcp);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_OUTSIDE_PREFIX), 2);
	send_rtcp(talk.fd_a, rtcp);
	send_rtcp(talk.fd_b, &talk.made[1].leg[NATTRAV_SIDE_B].local);
	hears(talk.fd_a, rtcp);
	assert_int_equal(entries(), 2);
	talk_end(&talk);
}

static void test_window(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;

	(void)state;

	stream.leg[NATTRAV_SIDE_A].given |= NATTRAV_LEG_WINDOW;
	stream.leg[NATTRAV_SIDE_A].window = 10;
	talk_start(&talk, &stream);
	run(30);
	send_rtp(talk.fd_a, talk.a, pcmu, 1, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WINDOW_CLOSED), 1);

	stream.id = talk.made[0].id;
	stream.leg[NATTRAV_SIDE_A].window = 10000;
	assert_int_equal(ops->stream_set(datapath, &stream, 1), 0);
	talk_complete(&talk);
	talk_end(&talk);
}

static void test_probation(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	uint16_t i;

	(void)state;

	/* A prefix that is wider than an address wants four packets in sequence. */
	prefix_set(&stream.leg[NATTRAV_SIDE_A], "203.0.113.0", 24);
	talk_start(&talk, &stream);
	for (i = 1; i < 4; i++)
		send_rtp(talk.fd_a, talk.a, pcmu, i, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_PROBATION), 3);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_COMPLETED), 0);
	send_rtp(talk.fd_a, talk.a, pcmu, i, SSRC);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_COMPLETED), 1);
	talk_end(&talk);
}

/* A re-INVITE moved A: the old address is served until the new one is heard. */
static void test_generation(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	int later;

	(void)state;

	talk_start(&talk, &stream);
	talk_complete(&talk);
	later = terminal(A_LATER, 4000);
	send_rtp(later, talk.a, pcmu, 2, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 1);

	stream.id = talk.made[0].id;
	stream.leg[NATTRAV_SIDE_A].given |= NATTRAV_LEG_GENERATION;
	stream.leg[NATTRAV_SIDE_A].generation = 1;
	prefix_set(&stream.leg[NATTRAV_SIDE_A], A_LATER, 32);
	assert_int_equal(ops->stream_set(datapath, &stream, 1), 0);
	send_rtp(talk.fd_a, talk.a, pcmu, 2, SSRC);
	hears(talk.fd_b, talk.b);
	assert_int_equal(entries(), 1);

	send_rtp(later, talk.a, pcmu, 3, SSRC);
	hears(talk.fd_b, talk.b);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_RELATCHED), 1);
	assert_int_equal(entries(), 1);
	send_rtp(talk.fd_b, talk.b, pcmu, 2, SSRC + 1);
	hears(later, talk.a);
	hears_nothing(talk.fd_a);
	send_rtp(talk.fd_a, talk.a, pcmu, 4, SSRC);
	hears_nothing(talk.fd_b);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 2);
	assert_int_equal(look(talk.made[0].id).leg[NATTRAV_SIDE_A].packets, 3);
	close(later);
	talk_end(&talk);
}

/* A's NAT gave it another port: the same sender goes on where it stopped. */
static void test_rebind(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	uint16_t seq;
	int later;

	(void)state;

	stream.leg[NATTRAV_SIDE_A].given |= NATTRAV_LEG_RELATCH;
	stream.leg[NATTRAV_SIDE_A].relatch = NATTRAV_RELATCH_REBIND;
	talk_start(&talk, &stream);
	talk_complete(&talk);
	for (seq = 2; seq < 600; seq++)
		send_rtp(talk.fd_a, talk.a, pcmu, seq, SSRC);
	later = terminal(A, 4444);
	(void)look(talk.made[0].id);
	send_rtp(later, talk.a, pcmu, seq, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 1);
	run(2500);
	send_rtp(later, talk.a, pcmu, 10, SSRC);
	send_rtp(later, talk.a, pcmu, seq, SSRC + 9);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 3);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_RELATCHED), 0);
	send_rtp(later, talk.a, pcmu, seq, SSRC);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_RELATCHED), 1);
	assert_int_equal(look(talk.made[0].id).leg[NATTRAV_SIDE_A].peer.port, 4444);
	close(later);
	talk_end(&talk);
}

/* The process goes away and comes back. */
static void test_restart(void **state)
{
	struct nattrav_stream stream = wish(), before, after;
	struct talk talk;
	unsigned int i;

	(void)state;

	talk_start(&talk, &stream);
	talk_complete(&talk);
	before = look(talk.made[0].id);
	ops->close(datapath);
	datapath = NULL;
	assert_int_equal(entries(), 1);
	for (i = 2; i < 7; i++) {
		send_rtp(talk.fd_a, talk.a, pcmu, (uint16_t)i, SSRC);
		hears(talk.fd_b, talk.b);
	}

	datapath_start();
	after = look(before.id);
	assert_string_equal(after.call, "call");
	assert_int_equal(after.cookie, 7);
	assert_int_equal(after.tied, talk.made[1].id);
	assert_int_equal(after.state, NATTRAV_STATE_COMPLETE);
	assert_int_equal(after.leg[NATTRAV_SIDE_A].peer.port, 4000);
	assert_int_equal(after.leg[NATTRAV_SIDE_A].packets, 6);
	assert_memory_equal(&after.leg[NATTRAV_SIDE_B].prefix, &before.leg[NATTRAV_SIDE_B].prefix,
			    sizeof(before.leg[NATTRAV_SIDE_B].prefix));
	assert_int_equal(entries(), 1);
	send_rtp(talk.fd_x, talk.a, pcmu, 7, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 1);
	hears_nothing(talk.fd_b);

	/* Its RTCP, which was partial all the time, completes now. */
	send_rtcp(talk.fd_a, &talk.made[1].leg[NATTRAV_SIDE_A].local);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_COMPLETED), 1);
	talk_end(&talk);
}

/* An entry of ours that nobody knows of any more must not go on relaying. */
static void test_orphan(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	char *path;

	(void)state;

	talk_start(&talk, &stream);
	talk_complete(&talk);
	ops->close(datapath);
	assert_int_equal(re_sdprintf(&path, "%s-streams", config.database), 0);
	assert_int_equal(unlink(path), 0);
	mem_deref(path);
	assert_int_equal(entries(), 1);
	datapath_start();
	assert_int_equal(entries(), 0);
	talk_end(&talk);
}

/* Another boot, namespace or version: what is written there is not ours. */
static void test_foreign_state(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	char *path;
	int fd;

	(void)state;

	talk_start(&talk, &stream);
	ops->close(datapath);
	assert_int_equal(re_sdprintf(&path, "%s-streams", config.database), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "another", 7, 64), 7);
	close(fd);
	mem_deref(path);
	datapath_start();
	assert_int_equal(datapath->stream_count, 0);
	talk_end(&talk);
}

/* R17: a record with a flipped bit is no record. */
static void test_damaged_state(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	char *path, byte;
	off_t at;
	int fd;

	(void)state;

	assert_int_equal(re_sdprintf(&path, "%s-streams", config.database), 0);
	for (at = 4096; at < 4096 + 1200; at += 131) {
		talk_start(&talk, &stream);
		ops->close(datapath);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		datapath_start();
		assert_int_equal(datapath->stream_count, 0);
		talk_end(&talk);
	}
	mem_deref(path);
}

/* Somebody flushed entries and rules. */
static void test_flushed(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	uint64_t before;

	(void)state;

	talk_start(&talk, &stream);
	talk_complete(&talk);
	ct_host_rules_remove();
	run(1100);
	assert_int_equal(ct_entry_delete(datapath->entries,
					 &look(talk.made[0].id).leg[NATTRAV_SIDE_A].peer, talk.a),
			 0);
	send_rtp(talk.fd_a, talk.a, pcmu, 2, SSRC);
	hears(talk.fd_b, talk.b);
	assert_int_equal(entries(), 1);
	before = received();
	send_rtp(talk.fd_b, talk.b, pcmu, 2, SSRC + 1);
	hears(talk.fd_a, talk.a);
	assert_int_equal(received(), before);
	assert_int_equal(look(talk.made[0].id).leg[NATTRAV_SIDE_B].packets, 1);
	talk_end(&talk);
}

static unsigned int tracked(void)
{
	FILE *file = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "re");
	char text[16] = "";

	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_int_equal(fclose(file), 0);
	return (unsigned int)strtoul(text, NULL, 10);
}

/* A flood from made-up sources takes only so much room among the connections. */
static void test_flood(void **state)
{
	struct nattrav_stream stream = wish();
	const unsigned int before = tracked();
	struct talk talk;
	uint64_t began;
	unsigned int i;

	(void)state;

	talk_start(&talk, &stream);
	began = ct_now();
	for (i = 0; i < 5000; i++) {
		const int fd = terminal(X, (uint16_t)(10000 + i));

		send_to(fd, talk.a, "x", 1);
		close(fd);
	}
	/* 1000 at once, and one a millisecond */
	assert_in_range(tracked() - before, 1000, 1500 + ct_now() - began);

	/* The terminals are among the new sources, too: they try again. */
	for (i = 1; i < 100 && told_of(NATTRAV_EVENT_TYPE_COMPLETED) < 2; i++) {
		send_rtp(talk.fd_a, talk.a, pcmu, (uint16_t)i, SSRC);
		send_rtp(talk.fd_b, talk.b, pcmu, (uint16_t)i, SSRC + 1);
	}
	assert_int_equal(look(talk.made[0].id).state, NATTRAV_STATE_COMPLETE);
	talk_end(&talk);
}

static void test_expiry(void **state)
{
	struct nattrav_stream stream = wish();
	struct nattrav_pool now = { 0 };
	struct talk talk;

	(void)state;

	stream.given |= NATTRAV_STREAM_TIMEOUT_IDLE;
	stream.timeout_idle = 1500;
	talk_start(&talk, &stream);
	talk_complete(&talk);
	/* Not while the call is on hold, nor when a new process has it. */
	stream.id = talk.made[0].id;
	stream.given |= NATTRAV_STREAM_HOLD;
	stream.hold = true;
	assert_int_equal(ops->stream_set(datapath, &stream, 1), 0);
	run(3000);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_EXPIRED), 0);
	ops->close(datapath);
	datapath_start();
	run(3000);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_EXPIRED), 0);
	assert_true(look(stream.id).hold);
	stream.hold = false;
	assert_int_equal(ops->stream_set(datapath, &stream, 1), 0);
	run(4000);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_EXPIRED), 1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_DELETED), 2);
	assert_int_equal(entries(), 0);
	ct_pool_tell(list_ledata(list_head(&datapath->pools)), &now);
	assert_int_equal(now.legs, 0);
	assert_int_equal(now.resting, 4);
	talk_end(&talk);
}

/* Each says a word a second, or does not. */
static void talk_on(struct talk *talk, unsigned int seconds, uint16_t *seq, bool b_too)
{
	while (seconds--) {
		(*seq)++;
		send_rtp(talk->fd_a, talk->a, pcmu, *seq, SSRC);
		hears(talk->fd_b, talk->b);
		if (b_too) {
			send_rtp(talk->fd_b, talk->b, pcmu, *seq, SSRC + 1);
			hears(talk->fd_a, talk->a);
		}
		run(500);
	}
}

/* Told once: that one falls silent, that the other does not, that he is back. */
static void test_silence(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	uint16_t seq = 1;
	size_t i;

	(void)state;

	talk_start(&talk, &stream);
	talk_complete(&talk);
	talk_on(&talk, 4, &seq, true);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_SILENT), 0);
	talk_on(&talk, 18, &seq, false);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_SILENT), 1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_ONE_WAY), 1);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_RESUMED), 0);
	talk_on(&talk, 8, &seq, true);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_RESUMED), 1);
	for (i = 0; i < told.count; i++) {
		if (told.event[i].type == NATTRAV_EVENT_TYPE_SILENT ||
		    told.event[i].type == NATTRAV_EVENT_TYPE_ONE_WAY ||
		    told.event[i].type == NATTRAV_EVENT_TYPE_RESUMED)
			assert_int_equal(told.event[i].side, NATTRAV_SIDE_B);
	}

	/* one who is on hold is silent on purpose */
	stream.id = talk.made[0].id;
	stream.given |= NATTRAV_STREAM_HOLD;
	stream.hold = true;
	assert_int_equal(ops->stream_set(datapath, &stream, 1), 0);
	talk_on(&talk, 16, &seq, false);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_SILENT), 1);
	talk_end(&talk);
}

/* Half of the eight ports are none too many; all of them are, and that is told once. */
static void test_pool_low(void **state)
{
	struct nattrav_stream stream = wish(), made[2];

	(void)state;

	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), 2);
	run(1200);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_POOL_LOW), 0);
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), 2);
	run(2300);
	assert_int_equal(told_of(NATTRAV_EVENT_TYPE_POOL_LOW), 1);
	assert_int_equal(told.event[0].percent, 100);
	assert_int_equal(told.event[0].pool.port_max, 30007);
}

static void test_refused(void **state)
{
	struct nattrav_stream stream = wish(), made[2];
	struct nattrav_pool bad = pool("203.0.113.99", 30000, 30001);
	struct datapath *other;

	(void)state;

	assert_int_equal(ops->pool_new(datapath, &bad, 1), -EADDRNOTAVAIL);
	assert_int_equal(ops->error_entry(datapath), 0);

	prefix_set(&stream.leg[NATTRAV_SIDE_B], B6, 128);
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), -EAFNOSUPPORT);
	stream.leg[NATTRAV_SIDE_B].family = AF_INET;
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), -EINVAL);
	stream = wish();
	str_ncpy(stream.leg[NATTRAV_SIDE_B].realm, "nowhere",
		 sizeof(stream.leg[NATTRAV_SIDE_B].realm));
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), -ENOENT);
	assert_non_null(strstr(ops->error(datapath), "nowhere"));
	stream = wish();
	stream.leg[NATTRAV_SIDE_A].peer.addr = address(RELAY);
	stream.leg[NATTRAV_SIDE_A].peer.port = 4000;
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), -EADDRNOTAVAIL);
	assert_int_equal(datapath->stream_count, 0);

	/* Eight ports are two streams with RTCP; what was refused took none. */
	stream = wish();
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), 2);
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), 2);
	assert_int_equal(ops->stream_new(datapath, &stream, 1, made, 2), -ENOSPC);
	stream.id = 4711;
	assert_int_equal(ops->stream_set(datapath, &stream, 1), -ENOENT);
	assert_int_equal(ops->stream_del(datapath, &stream.id, 1), -ENOENT);

	sysctl_set("ipv4/ip_forward", "0");
	assert_int_equal(ops->open(&other, &config), -EPERM);
	run(1200);
	assert_non_null(ops->trouble(datapath));
	sysctl_set("ipv4/ip_forward", "1");
	run(1200);
	assert_null(ops->trouble(datapath));
	sysctl_set("ipv6/conf/all/forwarding", "0");
	assert_int_equal(ops->open(&other, &config), -EPERM);
	sysctl_set("ipv6/conf/all/forwarding", "1");
}

static void test_ipv6(void **state)
{
	struct nattrav_stream stream = wish();
	struct talk talk;
	uint64_t before;
	unsigned int i;

	(void)state;

	prefix_set(&stream.leg[NATTRAV_SIDE_A], A6, 128);
	prefix_set(&stream.leg[NATTRAV_SIDE_B], "2001:db8:b::", 64);
	stream.leg[NATTRAV_SIDE_B].given |= NATTRAV_LEG_PROBATION;
	stream.leg[NATTRAV_SIDE_B].probation = 1;
	talk_start(&talk, &stream);
	assert_int_equal(talk.a->addr.family, AF_INET6);
	send_rtp(talk.fd_x, talk.a, pcmu, 1, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_OUTSIDE_PREFIX), 1);
	talk_complete(&talk);
	before = received();
	for (i = 2; i < 12; i++) {
		send_rtp(talk.fd_a, talk.a, pcmu, (uint16_t)i, SSRC);
		hears(talk.fd_b, talk.b);
		send_rtp(talk.fd_b, talk.b, pcmu, (uint16_t)i, SSRC + 1);
		hears(talk.fd_a, talk.a);
	}
	assert_int_equal(received(), before);
	send_rtp(talk.fd_x, talk.b, pcmu, 12, SSRC);
	assert_int_equal(dropped(NATTRAV_DROP_REASON_WRONG_SOURCE), 1);

	ops->close(datapath);
	datapath_start();
	assert_int_equal(entries(), 1);
	stream = look(talk.made[0].id);
	assert_int_equal(stream.state, NATTRAV_STATE_COMPLETE);
	assert_int_equal(stream.leg[NATTRAV_SIDE_A].packets, 11);
	assert_int_equal(stream.leg[NATTRAV_SIDE_A].bytes, 11 * 20);
	assert_int_equal(stream.leg[NATTRAV_SIDE_A].peer.addr.family, AF_INET6);
	talk_end(&talk);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_relay),         test(test_policy),     test(test_window),
		test(test_probation),     test(test_generation), test(test_rebind),
		test(test_restart),       test(test_orphan),     test(test_foreign_state),
		test(test_damaged_state), test(test_flushed),    test(test_flood),
		test(test_expiry),        test(test_silence),    test(test_pool_low),
		test(test_refused),       test(test_ipv6),
	};
	static struct config_pool pool4, pool6;
	char dir[] = "/tmp/nattravd-test-XXXXXX";
	int failed;

	if (geteuid() || unshare(CLONE_NEWNET)) {
		(void)puts("ok 1 - conntrack # SKIP must run as root");
		return 0;
	}

	if (libre_init() || !mkdtemp(dir) || re_sdprintf(&config.database, "%s/db", dir))
		return 1;
	log_set_level(getenv("TEST_VERBOSE") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	(void)sa_set_str(&pool4.addr, RELAY, 0);
	(void)sa_set_str(&pool6.addr, RELAY6, 0);
	list_append(&config.pools, &pool4.le, &pool4);
	list_append(&config.pools, &pool6.le, &pool6);
	network_setup();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mem_deref(config.database);
	run_command("rm -r %s", dir);
	libre_close();
	return failed;
}
