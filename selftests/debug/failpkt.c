// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes each allocation that a packet causes fail in turn: the packet may be lost, the
 * stream not, and the next packet goes through. A packet of a stream that is complete
 * must cause none.
 *
 *	failpkt DEVICE
 *
 * DEVICE is a tun device with 198.51.100.1/24 and 2001:db8:2::1/64; what is written to it
 * is received in the same system call, which is why fail-nth sees the packet path. The
 * gateway's address is 203.0.113.1 and 2001:db8:1::1. Prints TAP.
 */
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include "failnth.h"
#include "nl.h"

#define V4       "203.0.113.1"
#define V6       "2001:db8:1::1"
#define PEER_A   "198.51.100.9"
#define PEER_B   "198.51.100.10"
#define PEER_B6  "2001:db8:2::10"
#define PORT_A   20000 /* relay ports */
#define PORT_B   20002
#define OLD_PEER 4000
#define NEW_PEER 4001

/* How the stream is before the packet that is looked at. */
struct scene {
	const char *name;
	bool ipv6; /* terminal b */
	bool partial; /* a has no peer yet */
	bool moves; /* a has one, and may have another */
	bool spare; /* there must be a packet that was dropped for want of memory */
};

static const struct scene scenes[] = {
	{ .name = "the first packet of a terminal", .partial = true },
	{ .name = "the first packet of a terminal, to IPv6", .partial = true, .ipv6 = true },
	{ .name = "a terminal that has moved", .moves = true, .spare = true },
	{ .name = "a terminal that has moved, to IPv6", .moves = true, .spare = true, .ipv6 = true },
};

static struct nl nl;
static int tun;

/* --- The stream --- */

static void must(struct nlmsghdr *nlh)
{
	bool lost;
	int err = nl_ask(&nl, nlh, NULL, NULL, &lost);

	if (err)
		fatal("cannot make the stream", err);
}

static void stream_make(const struct scene *scene)
{
	struct nlattr *entry, *leg;
	struct nlmsghdr *nlh;
	char buf[2048];
	int err = table_clear(&nl);

	if (err)
		fatal("cannot clear the table", err);
	nlh = nl_begin(&nl, buf, NATTRAV_CMD_POOL_NEW, 0);
	put_pool(nlh, V4, PORT_A, PORT_A + 99);
	put_pool(nlh, V6, PORT_A, PORT_A + 99);
	must(nlh);

	nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
	entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
	leg = mnl_attr_nest_start(nlh, NATTRAV_A_STREAM_LEG_A);
	put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, PORT_A);
	put_prefix(nlh, PEER_A, 32);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_GENERATION, 1);
	if (!scene->partial)
		put_peer(nlh, PEER_A, OLD_PEER);
	mnl_attr_nest_end(nlh, leg);
	leg = mnl_attr_nest_start(nlh, NATTRAV_A_STREAM_LEG_B);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_FAMILY,
			 scene->ipv6 ? NATTRAV_FAMILY_IPV6 : NATTRAV_FAMILY_IPV4);
	put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, PORT_B);
	put_peer(nlh, scene->ipv6 ? PEER_B6 : PEER_B, OLD_PEER);
	mnl_attr_nest_end(nlh, leg);
	mnl_attr_nest_end(nlh, entry);
	must(nlh);
}

/* Another offer: a new peer of leg a is welcome, the old one is served until then. */
static void stream_offer(void)
{
	struct nlattr *entry, *leg;
	static struct ids ids;
	struct nlmsghdr *nlh;
	char buf[512];

	if (ids_read(&nl, NATTRAV_CMD_STREAM_GET, &ids) || ids.count != 1)
		fatal("there is not one stream", -ENOENT);
	nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_SET, 0);
	entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, ids.id[0]);
	leg = mnl_attr_nest_start(nlh, NATTRAV_A_STREAM_LEG_A);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_GENERATION, 2);
	mnl_attr_nest_end(nlh, leg);
	mnl_attr_nest_end(nlh, entry);
	must(nlh);
}

/* --- The counters --- */

struct totals {
	uint64_t received;
	uint64_t forwarded;
	uint64_t accounted; /* forwarded, accepted or dropped */
	uint64_t no_memory;
};

static int drop_attr(const struct nlattr *attr, void *data)
{
	uint64_t *drop = data;

	if (mnl_attr_get_type(attr) == NATTRAV_A_DROP_REASON)
		drop[0] = mnl_attr_get_u32(attr);
	else if (mnl_attr_get_type(attr) == NATTRAV_A_DROP_PACKETS)
		drop[1] = mnl_attr_get_u64(attr);
	return MNL_CB_OK;
}

static int info_attr(const struct nlattr *attr, void *data)
{
	struct totals *totals = data;
	uint64_t drop[2] = { 0 };

	switch (mnl_attr_get_type(attr)) {
	case NATTRAV_A_INFO_RECEIVED:
		totals->received = mnl_attr_get_u64(attr);
		break;
	case NATTRAV_A_INFO_FORWARDED:
		totals->forwarded = mnl_attr_get_u64(attr);
		totals->accounted += totals->forwarded;
		break;
	case NATTRAV_A_INFO_ACCEPTED:
		totals->accounted += mnl_attr_get_u64(attr);
		break;
	case NATTRAV_A_INFO_DROP:
		mnl_attr_parse_nested(attr, drop_attr, drop);
		totals->accounted += drop[1];
		if (drop[0] == NATTRAV_DROP_REASON_NO_MEMORY)
			totals->no_memory = drop[1];
		break;
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

static struct totals totals_read(void)
{
	struct totals totals = { 0 };
	char buf[256];
	bool lost;
	int err = nl_ask(&nl, nl_begin(&nl, buf, NATTRAV_CMD_INFO_GET, 0), info_message, &totals,
			 &lost);

	if (err)
		fatal("cannot read the counters", err);
	return totals;
}

/* --- Packets --- */

static uint16_t header_sum(const void *header)
{
	const uint8_t *p = header;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(struct iphdr); i += 2)
		sum += p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons(~(sum + (sum >> 16)));
}

/* RTP from terminal a, to relay port a. */
static void packet_write(uint16_t from)
{
	static uint16_t seq;
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t rtp[172];
	} packet = {
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_UDP,
			.tot_len = htons(sizeof(packet)) },
		.udp = { .source = htons(from),
			 .dest = htons(PORT_A),
			 .len = htons(sizeof(packet) - sizeof(packet.ip)) },
		.rtp = { 0x80, 0, ++seq >> 8, seq },
	};

	inet_pton(AF_INET, PEER_A, &packet.ip.saddr);
	inet_pton(AF_INET, V4, &packet.ip.daddr);
	packet.ip.check = header_sum(&packet.ip);
	/* that of the device itself may fail as well */
	if (write(tun, &packet, sizeof(packet)) < 0 && errno != ENOMEM && errno != ENOBUFS)
		fatal("cannot write a packet", -errno);
}

/* How many packets have left. */
static unsigned int packets_read(void)
{
	unsigned int count = 0;
	uint8_t buf[2048];
	ssize_t len;

	while ((len = read(tun, buf, sizeof(buf))) > 0)
		count += len > 172;
	return count;
}

/* --- The sweep --- */

static void scene_set(const struct scene *scene)
{
	stream_make(scene);
	if (scene->moves)
		stream_offer();
	packets_read();
}

/* False when there was no n-th allocation any more. */
static bool attempt(const struct scene *scene, unsigned int nth, unsigned int *lost, bool *right)
{
	uint16_t from = scene->moves ? NEW_PEER : OLD_PEER;
	struct totals totals;
	unsigned int came;
	bool hit;

	scene_set(scene);
	fail_set(nth);
	packet_write(from);
	hit = !fail_left();
	fail_set(0);
	came = packets_read();
	*lost += !came;

	packet_write(from);
	totals = totals_read();
	if (came > 1 || packets_read() != 1 || totals.received != totals.accounted) {
		printf("# %s: allocation %u: %u packets; then the next one did not go through, or not each was counted\n",
		       scene->name, nth, came);
		*right = false;
	}
	return hit;
}

static bool sweep(const struct scene *scene)
{
	uint64_t no_memory = totals_read().no_memory;
	unsigned int nth = 1, lost = 0;
	bool right = true;

	while (nth < NTH_MAX && attempt(scene, nth, &lost, &right))
		nth++;
	no_memory = totals_read().no_memory - no_memory;
	printf("# %s: %u allocations: %u packets lost, %u of them counted as no-memory\n",
	       scene->name, nth - 1, lost, (unsigned int)no_memory);
	return right && nth > 1 && nth < NTH_MAX && (no_memory || !scene->spare);
}

/* So many allocations does a packet cause, with all that the device does for it. */
static unsigned int packet_cost(uint16_t from)
{
	int left;

	fail_set(NTH_MAX);
	packet_write(from);
	left = fail_left();
	fail_set(0);
	return NTH_MAX - left;
}

static bool steady_is_free(bool ipv6)
{
	const struct scene scene = { .ipv6 = ipv6 };
	unsigned int relayed, dropped;

	scene_set(&scene);
	packet_write(OLD_PEER);
	if (packets_read() != 1)
		return false;
	relayed = packet_cost(OLD_PEER);
	if (packets_read() != 1)
		return false;
	dropped = packet_cost(NEW_PEER);
	printf("# %u allocations for a packet that is relayed, %u for one that is dropped\n",
	       relayed, dropped);
	return relayed == dropped && !packets_read();
}

static void tun_open(const char *device)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &ifr))
		fatal("no tun device", -errno);
	/* its queue is there when the kernel has seen the carrier */
	sleep(1);
}

int main(int argc, char **argv)
{
	const unsigned int count = sizeof(scenes) / sizeof(scenes[0]);
	unsigned int i, failed = 0;
	bool ok;
	int err;

	if (argc != 2) {
		fputs("Usage: failpkt DEVICE\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fail_open();
	tun_open(argv[1]);
	err = nl_open(&nl);
	if (err)
		fatal("no family nattrav; is the module loaded?", err);

	printf("TAP version 13\n1..%u\n", count + 2);
	for (i = 0; i < count; i++) {
		ok = sweep(&scenes[i]);
		printf("%sok %u - %s\n", ok ? "" : "not ", i + 1, scenes[i].name);
		failed += !ok;
	}
	for (i = 0; i < 2; i++) {
		ok = steady_is_free(i);
		printf("%sok %u - a packet of a complete stream allocates nothing%s\n",
		       ok ? "" : "not ", count + 1 + i, i ? ", to IPv6" : "");
		failed += !ok;
	}
	table_clear(&nl);
	return failed ? 1 : 0;
}
