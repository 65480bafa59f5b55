// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells generator and sink which flows there are, installs the same flows in the
 * gateway, and has packets sent. Runs in the gateway's network namespace.
 *
 * Flow n goes from terminal A(n) to terminal B(n); there are 256 terminals, told
 * apart by their port, behind each address, as behind a large NAT. A gateway that
 * translates is addressed at a relay address and an even port, 30000 of them per
 * address; terminals and relay addresses lie in IPv4 in 10.0.0.0/8, in IPv6 in
 * fd00::/8, and bench/guest.sh routes and assigns them:
 *
 *             terminals       relay addresses
 *   side A    10.1.0.0/16     10.3.0.0/24
 *   side B    10.2.0.0/16     10.4.0.0/24
 *   IPv6      fd00:SIDE::     fd00:SIDE::
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <x86intrin.h>
#include <unistd.h>
#include "nattrav.h"
#include "nattrav_bench.h"
#include "ng.h"
#include "redirect.h"

#define TERMINALS_PER_ADDR 256
#define RELAY_PORTS        30000
#define RELAY_PORT         2000
#define BATCH              1000
/* Guest time flies while the guest waits for its host. */
#define FOREVER_MS (24 * 3600 * 1000)
/* A limit that is never reached; that there is one costs what it costs. */
#define RATE     100000000
#define REPS_MAX 10000

enum side { SIDE_A, SIDE_B };

/* The second byte of an IPv4 address, the second word of an IPv6 address. */
static const uint8_t terminal_net[] = { 1, 2 };
static const uint8_t relay_net[] = { 3, 4 };
/* Not the same on both sides, or the sum over the ports would stay as it is. */
static const uint16_t terminal_port[] = { 16384, 40000 };

static const char usage[] =
	"Usage: driver ports NETNS_A NETNS_GATEWAY NETNS_B\n"
	"       driver flows GATEWAY FAMILY_A FAMILY_B COUNT WAYS [FIRST]\n"
	"         GATEWAY: forward; relay (translates; its rules go to standard output, for\n"
	"           nft); redirect (is given its table; LINK_A and LINK_B in the environment:\n"
	"           the terminals' link addresses); those that follow print how many\n"
	"           instructions each flow took: nattrav (is given its streams), partial (the\n"
	"           same, but side A is to latch), calls (the same as nattrav, and RTCP),\n"
	"           rtpengine (is given calls, by ng at 127.0.0.1:2223)\n"
	"         FAMILY_A, FAMILY_B: 4 or 6; WAYS: 1 or 2, those from A first; FIRST: there\n"
	"           are so many already\n"
	"       driver forget: the generator has no flows any more\n"
	"       driver relays FAMILY SIDE COUNT: the relay addresses for so many flows\n"
	"       driver run MODE PACKETS REPETITIONS [FLOWS]\n"
	"         MODE: through, null, bounce or resent; prints each repetition's instructions\n"
	"           and its number; only in the first FLOWS flows\n"
	"       driver verify MODE PACKETS [FLOWS]: compares each packet that comes\n";

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("driver: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static unsigned long number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n > max)
		die("'%s' is no number up to %lu", text, max);
	return n;
}

static sa_family_t family_of(const char *text)
{
	return number(text, 6) == 6 ? AF_INET6 : AF_INET;
}

static int device_open(void)
{
	int fd = open(BENCH_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", BENCH_DEVICE, strerror(errno));
	return fd;
}

/* --- Addresses ------------------------------------------------------------ */

static struct nattrav_addr addr_make(sa_family_t family, uint8_t net, uint32_t host)
{
	struct nattrav_addr addr = { .family = family };

	if (family == AF_INET) {
		addr.v4.s_addr = htonl(10u << 24 | (uint32_t)net << 16 | host);
	} else {
		addr.v6.s6_addr[0] = 0xfd;
		addr.v6.s6_addr[3] = net;
		addr.v6.s6_addr[14] = (uint8_t)(host >> 8);
		addr.v6.s6_addr[15] = (uint8_t)host;
	}
	return addr;
}

static struct nattrav_endpoint terminal(enum side side, sa_family_t family, uint32_t flow)
{
	return (struct nattrav_endpoint){
		.addr = addr_make(family, terminal_net[side], 1 + flow / TERMINALS_PER_ADDR),
		.port = (uint16_t)(terminal_port[side] + 2 * (flow % TERMINALS_PER_ADDR)),
	};
}

static uint32_t relays_for(uint32_t count)
{
	return (count + RELAY_PORTS - 1) / RELAY_PORTS;
}

/* What rtpengine has chosen, for the flows from @chosen_first on. */
static struct nattrav_endpoint (*chosen)[2];
static uint32_t chosen_first;

static struct nattrav_endpoint relay(enum side side, sa_family_t family, uint32_t flow)
{
	if (chosen)
		return chosen[flow - chosen_first][side];

	return (struct nattrav_endpoint){
		.addr = addr_make(family, relay_net[side], 1 + flow / RELAY_PORTS),
		.port = (uint16_t)(RELAY_PORT + 2 * (flow % RELAY_PORTS)),
	};
}

static const char *addr_text(const struct nattrav_addr *addr, char *text)
{
	inet_ntop(addr->family, &addr->v6, text, INET6_ADDRSTRLEN);
	return text;
}

/* --- Flows ---------------------------------------------------------------- */

static struct bench_tuple tuple(const struct nattrav_endpoint *from,
				const struct nattrav_endpoint *to)
{
	struct bench_tuple t = {
		.sport = htons(from->port),
		.dport = htons(to->port),
		.family = from->addr.family,
	};

	memcpy(t.saddr, &from->addr.v6, sizeof(t.saddr));
	memcpy(t.daddr, &to->addr.v6, sizeof(t.daddr));
	return t;
}

/* As the terminal of @from sends it, and as the other one gets it. */
static struct bench_flow flow_make(enum side from, const sa_family_t family[2], uint32_t n,
				   bool translated)
{
	enum side to = from == SIDE_A ? SIDE_B : SIDE_A;
	struct nattrav_endpoint sender = terminal(from, family[from], n);
	struct nattrav_endpoint receiver = terminal(to, family[to], n);
	struct nattrav_endpoint near = relay(from, family[from], n);
	struct nattrav_endpoint far = relay(to, family[to], n);

	return (struct bench_flow){
		.sent = tuple(&sender, translated ? &near : &receiver),
		.heard = tuple(translated ? &far : &sender, &receiver),
		.port = from == SIDE_A ? BENCH_PORT_A : BENCH_PORT_B,
	};
}

static void flows_give(const sa_family_t family[2], uint32_t first, uint32_t count,
		       unsigned int ways, bool translated)
{
	struct bench_flow *flows = calloc((size_t)count * ways, sizeof(*flows));
	struct bench_flows arg = { .flows = (uintptr_t)flows, .count = count * ways };
	int fd = device_open();
	uint32_t n;

	if (!flows)
		die("%s", strerror(ENOMEM));
	for (n = 0; n < count; n++) {
		flows[n] = flow_make(SIDE_A, family, first + n, translated);
		if (ways == 2)
			flows[count + n] = flow_make(SIDE_B, family, first + n, translated);
	}
	if (ioctl(fd, BENCH_IOC_FLOWS, &arg))
		die("flows: %s", strerror(errno));
	close(fd);
	free(flows);
}

/* --- The gateway's side --------------------------------------------------- */

enum nattrav_kind { NATTRAV_COMPLETE, NATTRAV_PARTIAL, NATTRAV_CALLS };

static struct nattrav_leg leg_make(enum side side, sa_family_t family, uint32_t n,
				   enum nattrav_kind kind)
{
	struct nattrav_leg leg = {
		.given = NATTRAV_LEG_PREFIXES | NATTRAV_LEG_PAYLOAD_TYPES | NATTRAV_LEG_RELATCH |
			 NATTRAV_LEG_RATE,
		.family = family,
		.local = relay(side, family, n),
		.peer = terminal(side, family, n),
		.prefixes = 1,
		.payload_types = { 1 }, /* PCMU */
		.relatch = NATTRAV_RELATCH_REBIND,
		.rate = RATE,
	};

	leg.prefix[0] = (struct nattrav_prefix){
		.addr = leg.peer.addr,
		.len = family == AF_INET ? 32 : 128,
	};
	if (kind == NATTRAV_CALLS) {
		leg.rtcp_peer = leg.peer;
		leg.rtcp_peer.port++;
	}
	if (kind == NATTRAV_PARTIAL && side == SIDE_A) {
		leg.given |= NATTRAV_LEG_WINDOW;
		leg.window = FOREVER_MS;
		leg.peer = (struct nattrav_endpoint){ 0 };
	}
	return leg;
}

static void pools_install(struct nattrav *handle, const sa_family_t family[2], uint32_t count)
{
	uint32_t n;
	int side;

	for (n = 0; n < count; n++) {
		for (side = SIDE_A; side <= SIDE_B; side++) {
			struct nattrav_pool pool = {
				.realm = "bench",
				.addr = addr_make(family[side], relay_net[side], 1 + n),
				.port_min = RELAY_PORT,
				.port_max = RELAY_PORT + 2 * RELAY_PORTS - 1,
			};

			if (nattrav_pool_new(handle, &pool, 1) < 0)
				die("pool: %s", nattrav_strerror(handle));
		}
	}
}

static void nattrav_install(const sa_family_t family[2], uint32_t first, uint32_t count,
			    enum nattrav_kind kind)
{
	static struct nattrav_stream batch[BATCH];
	struct nattrav *handle;
	uint32_t n, used = 0;
	uint64_t start;
	int err;

	err = nattrav_open(&handle);
	if (err)
		die("nattrav: %s", strerror(-err));
	if (!first)
		pools_install(handle, family, relays_for(count));
	start = __rdtsc();
	for (n = first; n < first + count; n++) {
		batch[used++] = (struct nattrav_stream){
			.given = NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B |
				 NATTRAV_STREAM_TIMEOUT_PARTIAL | NATTRAV_STREAM_TIMEOUT_IDLE |
				 NATTRAV_STREAM_TIMEOUT_MAX,
			.type = NATTRAV_STREAM_TYPE_RTP,
			.rtcp = kind == NATTRAV_CALLS,
			.leg = { leg_make(SIDE_A, family[SIDE_A], n, kind),
				 leg_make(SIDE_B, family[SIDE_B], n, kind) },
			.timeout_partial = FOREVER_MS,
			.timeout_idle = FOREVER_MS,
			.timeout_max = FOREVER_MS,
		};
		if (used < BATCH && n + 1 < first + count)
			continue;
		if (nattrav_stream_new(handle, batch, used, NULL, 0) < 0)
			die("streams: %s", nattrav_strerror(handle));
		used = 0;
	}
	printf("%.0f\n", (double)(__rdtsc() - start) / count);
	nattrav_close(handle);
}

/* The client's own part is in the figure, as it is in nattrav's. */
static void rtpengine_install(const sa_family_t family[2], uint32_t first, uint32_t count)
{
	int fd = ng_open("127.0.0.1", "2223");
	uint64_t start;
	uint32_t n;

	if (fd < 0)
		die("ng: %s", strerror(errno));
	chosen_first = first;
	chosen = calloc(count, sizeof(*chosen));
	if (!chosen)
		die("%s", strerror(ENOMEM));
	start = __rdtsc();
	for (n = first; n < first + count; n++) {
		const struct nattrav_endpoint terminals[] = {
			terminal(SIDE_A, family[SIDE_A], n),
			terminal(SIDE_B, family[SIDE_B], n),
		};
		const char *error = ng_call(fd, n, terminals, chosen[n - first]);

		if (error)
			die("call %u: %s", n, error);
	}
	printf("%.0f\n", (double)(__rdtsc() - start) / count);
	close(fd);
}

/* One element: packets with these two become those with the other two. */
static void element_print(const char *map, const struct nattrav_endpoint *key,
			  const struct nattrav_endpoint *value)
{
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

	printf("add element %s nat %s { %s . %u : %s . %u }\n",
	       key->addr.family == AF_INET ? "ip" : "ip6", map, addr_text(&key->addr, a), key->port,
	       addr_text(&value->addr, b), value->port);
}

/* For the maps of conntrack_up() in guest.sh: packets from A; conntrack does B. */
static void nat_print(sa_family_t family, uint32_t count)
{
	uint32_t n;

	for (n = 0; n < count; n++) {
		struct nattrav_endpoint a = terminal(SIDE_A, family, n);
		struct nattrav_endpoint b = terminal(SIDE_B, family, n);
		struct nattrav_endpoint near = relay(SIDE_A, family, n);
		struct nattrav_endpoint far = relay(SIDE_B, family, n);

		element_print("to_terminal", &near, &b);
		element_print("from_relay", &a, &far);
	}
}

/* What a checksum grows by when @old becomes @new, both in 16-bit words (RFC 1624). */
static uint32_t delta(const void *old, const void *new, size_t size)
{
	const uint16_t *a = old, *b = new;
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < size / 2; i++)
		sum += (uint16_t)~a[i] + b[i];
	return sum;
}

static void redirect_one(int map, enum side from, const sa_family_t family[2], uint32_t n,
			 const uint8_t *link)
{
	struct bench_flow flow = flow_make(from, family, n, true);
	const struct bench_tuple *old = &flow.sent, *new = &flow.heard;
	struct redirect_key key = { .dport = old->dport };
	struct redirect_value value = {
		.sport = new->sport,
		.dport = new->dport,
		.ifindex = if_nametoindex(from == SIDE_A ? "side_b" : "side_a"),
	};
	union bpf_attr attr = {
		.map_fd = (uint32_t)map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	memcpy(&key.daddr, old->daddr, 4);
	memcpy(&value.saddr, new->saddr, 4);
	memcpy(&value.daddr, new->daddr, 4);
	memcpy(value.link, link, sizeof(value.link));
	value.ip_delta = delta(old->saddr, new->saddr, 4) + delta(old->daddr, new->daddr, 4);
	value.udp_delta = value.ip_delta + delta(&old->sport, &new->sport, 2) +
			  delta(&old->dport, &new->dport, 2);
	/* the time to live is the upper byte of its word */
	value.ip_delta += htons(0xfeff);
	if (syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr)))
		die("redirects: %s", strerror(errno));
}

/* The Ethernet addresses of what goes out to @side: to the terminals, from the gateway. */
static void link_make(enum side side, uint8_t link[12])
{
	const char *far = getenv(side == SIDE_A ? "LINK_A" : "LINK_B");
	const struct ether_addr *addr = far ? ether_aton(far) : NULL;
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", side == SIDE_A ? "side_a" : "side_b");
	if (!addr || fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr))
		die("LINK_A, LINK_B or %s is not there", ifr.ifr_name);
	close(fd);
	memcpy(link, addr, ETH_ALEN);
	memcpy(link + ETH_ALEN, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
}

static void redirect_fill(const sa_family_t family[2], uint32_t count)
{
	union bpf_attr attr = { .pathname = (uintptr_t)REDIRECT_MAP };
	int map = (int)syscall(SYS_bpf, BPF_OBJ_GET, &attr, sizeof(attr));
	uint8_t to_a[12], to_b[12];
	uint32_t n;

	if (map < 0)
		die("%s: %s", REDIRECT_MAP, strerror(errno));
	link_make(SIDE_A, to_a);
	link_make(SIDE_B, to_b);
	for (n = 0; n < count; n++) {
		redirect_one(map, SIDE_A, family, n, to_b);
		redirect_one(map, SIDE_B, family, n, to_a);
	}
	close(map);
}

/* --- Commands ------------------------------------------------------------- */

static void ports(char *const netns[3])
{
	static const struct {
		enum bench_port_index index;
		int netns;
		const char *name;
	} links[] = {
		{ BENCH_PORT_A, 0, "a0" },
		{ BENCH_PORT_GATEWAY_A, 1, "side_a" },
		{ BENCH_PORT_GATEWAY_B, 1, "side_b" },
		{ BENCH_PORT_B, 2, "b0" },
	};
	int fd = device_open();
	size_t i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct bench_port port = { .index = links[i].index };
		char path[128];

		snprintf(path, sizeof(path), "/run/netns/%s", netns[links[i].netns]);
		snprintf(port.name, sizeof(port.name), "%s", links[i].name);
		port.netns = open(path, O_RDONLY | O_CLOEXEC);
		if (port.netns < 0)
			die("%s: %s", path, strerror(errno));
		if (ioctl(fd, BENCH_IOC_PORT, &port))
			die("%s: %s", port.name, strerror(errno));
		close(port.netns);
	}
	close(fd);
}

static void flows(char *const argv[5], uint32_t first)
{
	const sa_family_t family[2] = { family_of(argv[1]), family_of(argv[2]) };
	uint32_t count = (uint32_t)number(argv[3], BENCH_FLOWS_MAX / 2);
	unsigned int ways = (unsigned int)number(argv[4], 2);
	bool translated = strcmp(argv[0], "forward");

	if (!count || !ways)
		die("no flows");
	if (!strcmp(argv[0], "nattrav"))
		nattrav_install(family, first, count, NATTRAV_COMPLETE);
	else if (!strcmp(argv[0], "partial"))
		nattrav_install(family, first, count, NATTRAV_PARTIAL);
	else if (!strcmp(argv[0], "calls"))
		nattrav_install(family, first, count, NATTRAV_CALLS);
	else if (!strcmp(argv[0], "rtpengine"))
		rtpengine_install(family, first, count);
	else if (!strcmp(argv[0], "redirect"))
		redirect_fill(family, count);
	else if (translated)
		nat_print(family[SIDE_A], count);
	flows_give(family, first, count, ways, translated);
}

static void forget(void)
{
	struct bench_flows arg = { 0 };
	int fd = device_open();

	if (ioctl(fd, BENCH_IOC_FLOWS, &arg))
		die("flows: %s", strerror(errno));
	close(fd);
}

static void relays(char *const argv[3])
{
	sa_family_t family = family_of(argv[0]);
	enum side side = strcmp(argv[1], "a") ? SIDE_B : SIDE_A;
	uint32_t n, count = relays_for((uint32_t)number(argv[2], BENCH_FLOWS_MAX));

	for (n = 0; n < count; n++) {
		struct nattrav_addr addr = addr_make(family, relay_net[side], 1 + n);
		char text[INET6_ADDRSTRLEN];

		puts(addr_text(&addr, text));
	}
}

static uint32_t mode_of(const char *text)
{
	if (!strcmp(text, "null"))
		return BENCH_MODE_NULL;
	if (!strcmp(text, "resent"))
		return BENCH_MODE_RESENT;
	return strcmp(text, "bounce") ? BENCH_MODE_THROUGH : BENCH_MODE_BOUNCE;
}

/* Lost or wrong packets make the whole row void: what they cost is not known. */
static void run_check(const struct bench_run *run)
{
	if (run->sent != run->packets || run->received != run->sent)
		die("void: %llu of %llu packets sent, %llu came", (unsigned long long)run->sent,
		    (unsigned long long)run->packets, (unsigned long long)run->received);
	if (run->wrong || run->silent)
		die("void: %llu wrong packets, %llu flows without a right one; the first is of "
		    "flow %u and has error %u",
		    (unsigned long long)run->wrong, (unsigned long long)run->silent,
		    run->first_wrong, run->first_error);
}

static void run(const char *mode, const char *packets, unsigned long reps, const char *flow_count,
		bool verify)
{
	int fd = device_open();

	while (reps--) {
		struct bench_run arg = {
			.packets = number(packets, 1000000000),
			.mode = mode_of(mode),
			.verify = verify,
			.flows = (uint32_t)number(flow_count, BENCH_FLOWS_MAX),
		};

		if (ioctl(fd, BENCH_IOC_RUN, &arg))
			die("run: %s", strerror(errno));
		run_check(&arg);
		if (!verify)
			printf("%.2f %u\n", (double)arg.cycles / (double)arg.packets, arg.number);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "ports") && argc == 5)
		ports(argv + 2);
	else if (!strcmp(command, "flows") && (argc == 7 || argc == 8))
		flows(argv + 2, argc == 8 ? (uint32_t)number(argv[7], BENCH_FLOWS_MAX) : 0);
	else if (!strcmp(command, "forget") && argc == 2)
		forget();
	else if (!strcmp(command, "relays") && argc == 5)
		relays(argv + 2);
	else if (!strcmp(command, "run") && (argc == 5 || argc == 6))
		run(argv[2], argv[3], number(argv[4], REPS_MAX), argc == 6 ? argv[5] : "0", false);
	else if (!strcmp(command, "verify") && (argc == 4 || argc == 5))
		run(argv[2], argv[3], 1, argc == 5 ? argv[4] : "0", true);
	else
		die("bad arguments\n%s", usage);
	return 0;
}
