// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All that a controller can do to the table, as fast as it goes and from several
 * processes at once, while both terminals of each stream send.
 *
 *	churn SEED SECONDS NETNS-A NETNS-B
 *
 * Runs in the gateway's network namespace, which has 203.0.113.1 and a pool there with
 * ports 30000 to 30999; the terminals are 203.0.113.10 in NETNS-A and 198.51.100.11 in
 * NETNS-B. Exits with 1 if a request was refused for a reason that it gives no cause
 * for, or nothing was relayed.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "chance.h"
#include "nl.h"

#define RELAY   "203.0.113.1"
#define SPARE   "203.0.113.129"
#define STREAMS 16

static const char *const terminal[] = { "203.0.113.10", "198.51.100.11" };
static time_t end;
static struct nl nl;
static unsigned int asked, refused; /* by this process */

static uint16_t leg_port(unsigned int stream, unsigned int side)
{
	return 30000 + 4 * stream + 2 * side;
}

/* What others who do the same at the same time may be the reason for. */
static bool excused(int err, bool lost)
{
	return !err || lost || err == -ENOENT || err == -EADDRINUSE || err == -EEXIST ||
	       err == -EBUSY || err == -ENOSPC || err == -EADDRNOTAVAIL || err == -ERANGE;
}

static int ask(const struct nlmsghdr *nlh)
{
	bool lost;
	int err = nl_ask(&nl, nlh, NULL, NULL, &lost);

	asked++;
	refused += err != 0;
	if (excused(err, lost))
		return err;
	printf("# command %u: %s\n", ((const struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd,
	       strerror(-err));
	exit(1);
}

static void put_leg(struct nlmsghdr *nlh, unsigned int stream, unsigned int side, bool fresh)
{
	struct nlattr *leg;

	leg = mnl_attr_nest_start(nlh, side ? NATTRAV_A_STREAM_LEG_B : NATTRAV_A_STREAM_LEG_A);
	if (fresh) {
		put_ipv4(nlh, NATTRAV_A_LEG_LOCAL_IPV4, RELAY);
		put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, leg_port(stream, side));
	}
	switch (below(4)) {
	case 0:
		put_peer(nlh, terminal[side], leg_port(stream, side));
		break;
	case 1:
		put_prefix(nlh, terminal[side], 24);
		mnl_attr_put_u8(nlh, NATTRAV_A_LEG_PROBATION, below(4));
		break;
	case 2:
		mnl_attr_put_u32(nlh, NATTRAV_A_LEG_RELATCH, NATTRAV_RELATCH_REBIND);
		break;
	}
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_GENERATION, below(8));
	mnl_attr_nest_end(nlh, leg);
}

static void stream_new(unsigned int stream)
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
	char call[16];

	snprintf(call, sizeof(call), "call %u", stream / 2);
	mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, call);
	if (below(2))
		mnl_attr_put(nlh, NATTRAV_A_STREAM_RTCP, 0, NULL);
	if (!below(4))
		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_PARTIAL, 1 + below(500));
	put_leg(nlh, stream, 0, true);
	put_leg(nlh, stream, 1, true);
	mnl_attr_nest_end(nlh, entry);
	ask(nlh);
}

static void stream_set(uint32_t id)
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_SET, 0);
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, id);
	put_leg(nlh, below(STREAMS), 0, false);
	put_leg(nlh, below(STREAMS), 1, false);
	mnl_attr_nest_end(nlh, entry);
	ask(nlh);
}

static void stream_del(uint32_t id, bool call)
{
	char buf[512], name[16];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_DEL, 0);
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	if (call) {
		snprintf(name, sizeof(name), "call %u", below(STREAMS / 2));
		mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, name);
	} else {
		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, id);
	}
	mnl_attr_nest_end(nlh, entry);
	ask(nlh);
}

/* --- The processes --- */

static unsigned int make_streams(void)
{
	static struct ids ids;
	unsigned int done = 0, n;

	for (; time(NULL) < end; done++) {
		for (n = 0; n < STREAMS / 2; n++)
			stream_new(below(STREAMS));
		usleep(1000);
		ids_read(&nl, NATTRAV_CMD_STREAM_GET, &ids);
		for (n = 0; n < ids.count && n < 4; n++)
			stream_set(ids.id[below(ids.count)]);
		for (n = 0; n < ids.count && n < 4; n++)
			stream_del(ids.id[below(ids.count)], !below(3));
	}
	return done;
}

static unsigned int dump(void)
{
	static struct bytes picture;
	unsigned int done = 0;

	for (; time(NULL) < end; done++)
		table_read(&nl, &picture);
	return done;
}

/* A pool that comes and goes, with a stream of its own. */
static unsigned int make_pools(void)
{
	static struct ids ids;
	unsigned int done = 0, n;
	char buf[1024];

	for (; time(NULL) < end; done++) {
		struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_POOL_NEW, 0);
		struct nlattr *entry;

		/* an address that is seldom there, so that mostly all of it is refused */
		if (one_in(2))
			put_pool(nlh, SPARE, 20000, 20999);
		put_pool(nlh, RELAY, 31000, 31999);
		ask(nlh);
		ids_read(&nl, NATTRAV_CMD_POOL_GET, &ids);
		for (n = 1; n < ids.count; n++) {
			nlh = nl_begin(&nl, buf, NATTRAV_CMD_POOL_DEL, 0);
			entry = mnl_attr_nest_start(nlh, NATTRAV_A_POOLS_ENTRY);
			mnl_attr_put_u32(nlh, NATTRAV_A_POOL_ID, ids.id[n]);
			mnl_attr_nest_end(nlh, entry);
			ask(nlh);
		}
	}
	return done;
}

static unsigned int send_media(unsigned int side, const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), sockets[STREAMS];
	struct sockaddr_in at = { .sin_family = AF_INET };
	unsigned int done = 0, i;
	uint8_t rtp[172] = { 0x80 };

	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		perror("churn");
		exit(1);
	}
	for (i = 0; i < STREAMS; i++) {
		inet_pton(AF_INET, terminal[side], &at.sin_addr);
		at.sin_port = htons(leg_port(i, side));
		sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		/* the link may be away just now */
		while (sockets[i] >= 0 && bind(sockets[i], (void *)&at, sizeof(at)) &&
		       errno == EADDRNOTAVAIL && time(NULL) < end)
			usleep(10000);
		if (sockets[i] < 0) {
			perror("churn");
			exit(1);
		}
	}
	inet_pton(AF_INET, RELAY, &at.sin_addr);
	for (; time(NULL) < end; done++) {
		rtp[2] = done >> 8;
		rtp[3] = done;
		for (i = 0; i < STREAMS; i++) {
			char buf[2048];

			rtp[11] = i;
			/* now and then from another port: an intruder, or a rebind */
			at.sin_port = htons(leg_port(below(64) ? i : below(STREAMS), side));
			sendto(sockets[i], rtp, sizeof(rtp), 0, (void *)&at, sizeof(at));
			while (recv(sockets[i], buf, sizeof(buf), 0) > 0)
				;
		}
		usleep(500);
	}
	return done;
}

int main(int argc, char **argv)
{
	static const char *const name[] = { "makes streams", "makes streams", "dumps",
					    "makes pools",   "sends as A",    "sends as B" };
	unsigned int i, done, failed = 0;
	int status;
	pid_t pid;

	if (argc != 5) {
		fputs("Usage: churn SEED SECONDS NETNS-A NETNS-B\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	end = time(NULL) + strtoul(argv[2], NULL, 0);
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		pid = fork();
		if (pid < 0) {
			perror("churn");
			return 1;
		}
		if (pid)
			continue;
		chance = strtoull(argv[1], NULL, 0) * 8 + i + 1;
		if (i < 4 && nl_open(&nl)) {
			fputs("churn: no family nattrav; is the module loaded?\n", stderr);
			return 2;
		}
		switch (i) {
		case 0:
		case 1:
			done = make_streams();
			break;
		case 2:
			done = dump();
			break;
		case 3:
			done = make_pools();
			break;
		default:
			done = send_media(i - 4, argv[3 + i - 4]);
		}
		printf("# %s: %u rounds, %u requests, %u of them refused\n", name[i], done, asked,
		       refused);
		return done ? 0 : 1;
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			failed++;
	return failed ? 1 : 0;
}
