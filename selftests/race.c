// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The same streams made, changed and removed again and again, in batches, while both
 * terminals send to all of their ports.
 *
 *	race CHANGES NETNS-A NETNS-B
 *
 * Runs in the gateway's network namespace, which has 203.0.113.1 and a pool there with
 * ports 32000 to 32063; the terminals are 203.0.113.10 in NETNS-A and 198.51.100.11 in
 * NETNS-B. One stream made, changed or removed is one change.
 *
 * Each request begins an epoch, and B has another port in each. A packet carries the
 * epoch that had been answered when it was sent, so that one which reaches B at the port
 * of an earlier epoch went by what was no longer there: it is stale. One at the port of
 * an epoch that no request has begun is early. Neither may be, however slow or busy the
 * machine is. Prints a line of JSON; exits with 1 if a request is refused.
 */
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "debug/nl.h"

#define RELAY      "203.0.113.1"
#define STREAMS    32
#define PORT_RELAY 32000 /* of leg A of the first stream; those of leg B follow */
#define PORT_A     4000
#define PORT_FIRST 1024 /* of B, and so many after it */
#define PORTS      50000
#define BATCH      256 /* room for an entry in a request */

static const char *const terminal[] = { "203.0.113.10", "198.51.100.11" };

/* What the processes have in common. */
struct shared {
	uint32_t begun; /* epoch of the last request that was sent */
	uint32_t answered; /* epoch of the last one that was answered */
	uint32_t over;
	uint32_t sent[2]; /* of each terminal, like the others */
	uint32_t heard[2];
	uint32_t stale;
	uint32_t early;
};

static struct shared *shared;

struct media {
	struct udphdr udp;
	char magic[4];
	uint32_t epoch;
	uint8_t rest[160];
};

static const char magic[4] = "race";
static struct nl nl;

static uint32_t get(const uint32_t *value)
{
	return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void set(uint32_t *value, uint32_t to)
{
	__atomic_store_n(value, to, __ATOMIC_SEQ_CST);
}

static uint16_t port_of_b(uint32_t epoch)
{
	return PORT_FIRST + epoch % PORTS;
}

/* --- The controller --- */

static void ask(const struct nlmsghdr *nlh, nl_message_fn *fn, void *arg)
{
	uint32_t epoch = get(&shared->begun) + 1;
	bool lost;
	int err;

	set(&shared->begun, epoch);
	err = nl_ask(&nl, nlh, fn, arg, &lost);
	if (err) {
		const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

		fprintf(stderr, "race: command %u: %s\n", genl->cmd, strerror(-err));
		set(&shared->over, 1);
		exit(1);
	}
	set(&shared->answered, epoch);
}

static void put_leg(struct nlmsghdr *nlh, unsigned int stream, unsigned int side, bool fresh)
{
	/* the epoch that the request is about to begin */
	uint32_t epoch = get(&shared->begun) + 1;
	struct nlattr *leg;

	leg = mnl_attr_nest_start(nlh, side ? NATTRAV_A_STREAM_LEG_B : NATTRAV_A_STREAM_LEG_A);
	if (fresh) {
		put_ipv4(nlh, NATTRAV_A_LEG_LOCAL_IPV4, RELAY);
		put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, PORT_RELAY + side * STREAMS + stream);
	}
	/* every other leg of A learns its peer */
	if (!side && stream % 2)
		put_prefix(nlh, terminal[side], 32);
	else
		put_peer(nlh, terminal[side], side ? port_of_b(epoch) : PORT_A);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_GENERATION, epoch);
	mnl_attr_nest_end(nlh, leg);
}

static void streams_new(void *buf, struct ids *ids)
{
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
	unsigned int i;

	for (i = 0; i < STREAMS; i++) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TYPE, NATTRAV_STREAM_TYPE_UDP);
		mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, "race");
		put_leg(nlh, i, 0, true);
		put_leg(nlh, i, 1, true);
		mnl_attr_nest_end(nlh, entry);
	}
	ids->count = 0;
	ask(nlh, ids_message, ids);
}

static void streams_set(void *buf, const struct ids *ids)
{
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_SET, 0);
	unsigned int i;

	for (i = 0; i < ids->count; i++) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, ids->id[i]);
		put_leg(nlh, i, 0, false);
		put_leg(nlh, i, 1, false);
		mnl_attr_nest_end(nlh, entry);
	}
	ask(nlh, NULL, NULL);
}

static void streams_del(void *buf, const struct ids *ids)
{
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_DEL, 0);
	unsigned int i;

	for (i = 0; i < ids->count; i++) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, ids->id[i]);
		mnl_attr_nest_end(nlh, entry);
	}
	ask(nlh, NULL, NULL);
}

static unsigned long change(unsigned long changes)
{
	static char buf[NL_MESSAGE + STREAMS * BATCH];
	static struct ids ids;
	unsigned long done;

	for (done = 0; done < changes; done += 3 * STREAMS) {
		streams_new(buf, &ids);
		if (ids.count != STREAMS) {
			fprintf(stderr, "race: %u streams made\n", ids.count);
			set(&shared->over, 1);
			exit(1);
		}
		streams_set(buf, &ids);
		streams_del(buf, &ids);
	}
	return done;
}

/* --- The terminals --- */

static void hear(unsigned int side, int fd)
{
	char buf[2048];
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0) {
		const struct media *media = (const void *)(buf + sizeof(struct iphdr));
		uint32_t ahead, most;

		/* what others send is none of ours */
		if (len != sizeof(struct iphdr) + sizeof(*media) ||
		    memcmp(media->magic, magic, sizeof(magic)))
			continue;
		set(&shared->heard[side], shared->heard[side] + 1);
		if (side == 0)
			continue;
		/* by how many epochs the port is ahead of the one that was answered */
		ahead = (ntohs(media->udp.dest) + PORTS - port_of_b(media->epoch)) % PORTS;
		most = get(&shared->begun) - media->epoch;
		if (ahead >= PORTS / 2)
			shared->stale++;
		else if (ahead > most)
			shared->early++;
	}
}

/* With a checksum of none, since a raw socket makes none. */
static void talk(unsigned int side, const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), size = 1 << 20;
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct media media = { .udp.len = htons(sizeof(media)) };
	unsigned int i;

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		goto err;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	inet_pton(AF_INET, terminal[side], &at.sin_addr);
	if (fd < 0 || bind(fd, (void *)&at, sizeof(at)))
		goto err;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	memcpy(media.magic, magic, sizeof(magic));
	inet_pton(AF_INET, RELAY, &at.sin_addr);
	while (!get(&shared->over)) {
		for (i = 0; i < STREAMS; i++) {
			media.epoch = get(&shared->answered);
			media.udp.source = htons(side ? port_of_b(media.epoch) : PORT_A);
			media.udp.dest = htons(PORT_RELAY + side * STREAMS + i);
			if (sendto(fd, &media, sizeof(media), 0, (void *)&at, sizeof(at)) > 0)
				set(&shared->sent[side], shared->sent[side] + 1);
		}
		hear(side, fd);
	}
	/* what was on its way */
	usleep(500000);
	hear(side, fd);
	return;

err:
	perror("race");
	exit(1);
}

int main(int argc, char **argv)
{
	struct timespec begin, end;
	unsigned int side, failed = 0;
	unsigned long changes;
	int status;
	pid_t pid;

	if (argc != 4) {
		fputs("Usage: race CHANGES NETNS-A NETNS-B\n", stderr);
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED) {
		perror("race");
		return 1;
	}
	if (nl_open(&nl)) {
		fputs("race: no family nattrav; is the module loaded?\n", stderr);
		return 2;
	}
	for (side = 0; side < 2; side++) {
		pid = fork();
		if (pid < 0) {
			perror("race");
			return 1;
		}
		if (!pid) {
			/* the changes come first, where there is one processor for all */
			if (nice(5) < 0)
				perror("race");
			talk(side, argv[2 + side]);
			return 0;
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	changes = change(strtoul(argv[1], NULL, 0));
	clock_gettime(CLOCK_MONOTONIC, &end);
	set(&shared->over, 1);
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			failed++;
	printf("{\"changes\":%lu,\"took\":%ld,\"sent\":%u,\"heard\":%u,\"sent-b\":%u,\"heard-a\":%u,"
	       "\"stale\":%u,\"early\":%u}\n",
	       changes,
	       (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000,
	       shared->sent[0], shared->heard[1], shared->sent[1], shared->heard[0], shared->stale,
	       shared->early);
	return failed ? 1 : 0;
}
