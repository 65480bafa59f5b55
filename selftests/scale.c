// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Very many streams: makes, reads, changes and removes them in batches, as fast as
 * the kernel takes them, and says what it took.
 *
 *	scale add STREAMS BATCH COOKIE IDLE   pairs of RTP and RTCP, legs complete;
 *	                                      IDLE is their idle time-out in ms
 *	scale dump COOKIE                     read all, count those with this cookie
 *	scale churn SECONDS RATE COOKIE       so many changes a second
 *	scale del BATCH COOKIE                remove those with this cookie
 *	scale count                           how many there are, as a plain number
 *
 * Each prints one line of JSON. Times are in ms, of this host's clock and, "cpu",
 * of this process in user and kernel mode together.
 */
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "debug/nl.h"

#define RCVBUF   (64 << 20)
#define PER_PAIR 512 /* room for a pair in a request */
#define CALL_LEN 64

static struct nl nl;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

static void fail(const char *what, int err)
{
	fprintf(stderr, "scale: %s: %s\n", what, strerror(-err));
	exit(1);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end) {
		fprintf(stderr, "scale: %s is not a number\n", text);
		exit(2);
	}
	return n;
}

/* What a reply or a dump has told. */
struct told {
	uint64_t cookie; /* count those with this one only */
	uint8_t *seen; /* by id */
	uint32_t *ids; /* of those that are not RTCP */
	uint32_t id_count;
	uint32_t id_max;
	uint32_t entries;
	uint32_t twice;
	uint32_t others;
	uint32_t longest;
	bool interrupted;
};

struct entry {
	uint32_t id;
	uint32_t type;
	uint64_t cookie;
};

static int entry_attr(const struct nlattr *attr, void *data)
{
	struct entry *entry = data;

	switch (mnl_attr_get_type(attr)) {
	case NATTRAV_A_STREAM_ID:
		entry->id = mnl_attr_get_u32(attr);
		break;
	case NATTRAV_A_STREAM_TYPE:
		entry->type = mnl_attr_get_u32(attr);
		break;
	case NATTRAV_A_STREAM_COOKIE:
		memcpy(&entry->cookie, mnl_attr_get_payload(attr), sizeof(entry->cookie));
		break;
	}
	return MNL_CB_OK;
}

static void told_grow(struct told *told, uint32_t id)
{
	uint32_t max = told->id_max ? told->id_max : 1 << 20;

	if (id < told->id_max)
		return;
	while (max <= id)
		max *= 2;
	told->seen = realloc(told->seen, max);
	told->ids = realloc(told->ids, max * sizeof(*told->ids));
	if (!told->seen || !told->ids)
		fail("memory", -ENOMEM);
	memset(told->seen + told->id_max, 0, max - told->id_max);
	told->id_max = max;
}

static int told_attr(const struct nlattr *attr, void *data)
{
	struct told *told = data;
	struct entry entry = { 0 };

	mnl_attr_parse_nested(attr, entry_attr, &entry);
	if (entry.cookie != told->cookie) {
		told->others++;
		return MNL_CB_OK;
	}
	told_grow(told, entry.id);
	if (told->seen[entry.id]++) {
		told->twice++;
		return MNL_CB_OK;
	}
	told->entries++;
	if (entry.type != NATTRAV_STREAM_TYPE_RTCP)
		told->ids[told->id_count++] = entry.id;
	return MNL_CB_OK;
}

static void told_message(const struct nlmsghdr *nlh, void *arg)
{
	struct told *told = arg;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		told->interrupted = true;
	if (nlh->nlmsg_len > told->longest)
		told->longest = nlh->nlmsg_len;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), told_attr, told);
}

static void ask(const struct nlmsghdr *nlh, struct told *told, const char *what)
{
	bool lost;
	int err = nl_ask(&nl, nlh, told ? told_message : NULL, told, &lost);

	if (err)
		fail(what, err);
}

static void put_leg(struct nlmsghdr *nlh, uint16_t type, uint32_t peer, uint16_t port)
{
	struct nlattr *leg = mnl_attr_nest_start(nlh, type), *prefix;
	uint32_t addr = htonl(peer);
	uint16_t be_port = htons(port);

	mnl_attr_put(nlh, NATTRAV_A_LEG_PEER_IPV4, sizeof(addr), &addr);
	mnl_attr_put(nlh, NATTRAV_A_LEG_PEER_PORT, sizeof(be_port), &be_port);
	prefix = mnl_attr_nest_start(nlh, NATTRAV_A_LEG_PREFIX);
	mnl_attr_put(nlh, NATTRAV_A_PREFIX_IPV4, sizeof(addr), &addr);
	mnl_attr_put_u8(nlh, NATTRAV_A_PREFIX_LEN, 32);
	mnl_attr_nest_end(nlh, prefix);
	mnl_attr_nest_end(nlh, leg);
}

/* A call as one that comes from a terminal: its id has some 40 characters. */
static void put_pair(struct nlmsghdr *nlh, uint32_t n, uint64_t cookie, uint32_t idle)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
	char call[CALL_LEN];

	snprintf(call, sizeof(call), "%08x%016llx@203.0.113.%u", n,
		 (unsigned long long)cookie * 0x9e3779b97f4a7c15ULL + n, n % 100 + 100);
	mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, call);
	mnl_attr_put(nlh, NATTRAV_A_STREAM_RTCP, 0, NULL);
	mnl_attr_put_u64(nlh, NATTRAV_A_STREAM_COOKIE, cookie);
	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_IDLE, idle);
	put_leg(nlh, NATTRAV_A_STREAM_LEG_A, 0xc6130000 + n % 250 + 1, 1024 + n % 60000);
	put_leg(nlh, NATTRAV_A_STREAM_LEG_B, 0xc6120000 + n % 250 + 1, 1024 + n % 60000);
	mnl_attr_nest_end(nlh, entry);
}

struct times {
	double begin;
	double slowest;
};

static void timed_ask(struct times *times, const struct nlmsghdr *nlh, struct told *told,
		      const char *what)
{
	double begin = now_ms(), took;

	ask(nlh, told, what);
	took = now_ms() - begin;
	if (took > times->slowest)
		times->slowest = took;
}

static void add(uint32_t streams, uint32_t batch, uint64_t cookie, uint32_t idle)
{
	struct nlmsghdr *buf = malloc(MNL_SOCKET_BUFFER_SIZE + (size_t)batch * PER_PAIR);
	struct times times = { .begin = now_ms() };
	struct told told = { .cookie = ~0ULL };
	uint32_t done = 0, n;

	if (!buf)
		fail("memory", -ENOMEM);
	while (done < streams / 2) {
		struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);

		for (n = 0; n < batch / 2 && done < streams / 2; n++, done++)
			put_pair(nlh, done, cookie, idle);
		timed_ask(&times, nlh, &told, "add");
	}
	printf("{\"streams\":%u,\"took\":%.0f,\"cpu\":%.0f,\"slowest\":%.1f,\"longest\":%u}\n",
	       told.others, now_ms() - times.begin, cpu_ms(), times.slowest, told.longest);
	free(buf);
}

static void dump(struct told *told)
{
	char buf[256];

	ask(nl_begin(&nl, buf, NATTRAV_CMD_STREAM_GET, NLM_F_DUMP), told, "dump");
}

static void dump_told(uint64_t cookie)
{
	struct told told = { .cookie = cookie };
	double begin = now_ms();

	dump(&told);
	printf("{\"entries\":%u,\"twice\":%u,\"others\":%u,\"interrupted\":%s,\"longest\":%u,\"took\":%.0f}\n",
	       told.entries, told.twice, told.others, told.interrupted ? "true" : "false",
	       told.longest, now_ms() - begin);
}

static struct nlmsghdr *del_begin(void *buf)
{
	return nl_begin(&nl, buf, NATTRAV_CMD_STREAM_DEL, 0);
}

static void put_id(struct nlmsghdr *nlh, uint32_t id)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, id);
	mnl_attr_nest_end(nlh, entry);
}

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void churn(unsigned int seconds, unsigned int rate, uint64_t cookie)
{
	struct told told = { .cookie = cookie };
	double begin = now_ms(), took = 0;
	uint32_t changes = 0, oldest = 0;
	char buf[4096];

	signal(SIGTERM, stop);
	while (!stopped && took < seconds * 1e3) {
		struct nlmsghdr *nlh;

		/* four are made before the oldest goes */
		if (changes % 2 && told.id_count - oldest > 4) {
			nlh = del_begin(buf);
			put_id(nlh, told.ids[oldest++]);
		} else {
			nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
			put_pair(nlh, changes, cookie, 3600000);
		}
		ask(nlh, &told, "change");
		changes++;
		took = now_ms() - begin;
		if (changes * 1e3 / rate > took)
			usleep((useconds_t)(changes * 1e6 / rate - took * 1e3));
	}
	printf("{\"changes\":%u,\"took\":%.0f}\n", changes, took);
}

static void del(uint32_t batch, uint64_t cookie)
{
	struct nlmsghdr *buf = malloc(MNL_SOCKET_BUFFER_SIZE + (size_t)batch * PER_PAIR);
	struct told told = { .cookie = cookie };
	struct times times = { 0 };
	uint32_t done = 0, n;

	if (!buf)
		fail("memory", -ENOMEM);
	dump(&told);
	times.begin = now_ms();
	while (done < told.id_count) {
		struct nlmsghdr *nlh = del_begin(buf);

		for (n = 0; n < batch / 2 && done < told.id_count; n++, done++)
			put_id(nlh, told.ids[done]);
		timed_ask(&times, nlh, NULL, "del");
	}
	printf("{\"streams\":%u,\"took\":%.0f,\"slowest\":%.1f}\n", told.entries,
	       now_ms() - times.begin, times.slowest);
	free(buf);
}

static int count_attr(const struct nlattr *attr, void *data)
{
	uint32_t *streams = data;

	if (mnl_attr_get_type(attr) == NATTRAV_A_INFO_STREAMS)
		*streams = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int count_entry(const struct nlattr *attr, void *data)
{
	return mnl_attr_parse_nested(attr, count_attr, data);
}

static void count_message(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), count_entry, arg);
}

static void count(void)
{
	uint32_t streams = 0;
	char buf[256];
	bool lost;
	int err = nl_ask(&nl, nl_begin(&nl, buf, NATTRAV_CMD_INFO_GET, 0), count_message, &streams,
			 &lost);

	if (err)
		fail("count", err);
	printf("%u\n", streams);
}

int main(int argc, char **argv)
{
	int size = RCVBUF, on = 1, err;

	if (argc < 2)
		goto usage;
	err = nl_open(&nl);
	if (err)
		fail("netlink", err);
	setsockopt(mnl_socket_get_fd(nl.socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	/* a refusal need not bring a large request back */
	mnl_socket_setsockopt(nl.socket, NETLINK_CAP_ACK, &on, sizeof(on));

	if (!strcmp(argv[1], "add") && argc == 6)
		add(number(argv[2]), number(argv[3]), number(argv[4]), number(argv[5]));
	else if (!strcmp(argv[1], "dump") && argc == 3)
		dump_told(number(argv[2]));
	else if (!strcmp(argv[1], "churn") && argc == 5)
		churn(number(argv[2]), number(argv[3]), number(argv[4]));
	else if (!strcmp(argv[1], "del") && argc == 4)
		del(number(argv[2]), number(argv[3]));
	else if (!strcmp(argv[1], "count"))
		count();
	else
		goto usage;
	return 0;

usage:
	fputs("Usage: scale add|dump|churn|del|count ...\n", stderr);
	return 2;
}
