// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A controller with many short calls, and the terminals of a part of them.
 *
 *	soak SEED SECONDS RATE RELAY NETNS ADDRESS-A ADDRESS-B
 *
 * Runs in the gateway's network namespace, which has a pool at RELAY, and sets RATE
 * calls a second up until SECONDS are over. The terminals are ADDRESS-A and ADDRESS-B in
 * NETNS. What a call comes to is left to chance: it is ended after some seconds, or
 * changed and then ended, or forgotten, so that one of its time-outs ends it. What
 * somebody who was killed has left behind is adopted: a part is ended, the rest left to
 * its time-outs. Says once a second how far it has come, since it may be killed at any
 * time. Exits with 1 if a request is refused or no packet has come through.
 */
#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "chance.h"
#include "nl.h"

#define CALLS  8192 /* at a time; a power of two */
#define TICK   20 /* ms */
#define TALK   8 /* ticks between two packets of a call */
#define PORT_A 4000
#define PORT_B 6000

enum fate { FREE, ENDED, CHANGED, FORGOTTEN };

struct call {
	enum fate fate;
	bool talks;
	uint16_t port[2]; /* relay ports of its RTP */
	uint16_t seq;
	uint32_t id;
	uint32_t number;
	uint64_t end; /* in ticks: when it is ended, or none of our business any more */
};

static struct nl nl;
static uint64_t now;
static struct call calls[CALLS];
static unsigned int set_up, ended, forgotten, changed, adopted, sent, heard;
static const char *relay, *terminal[2];
static int media[2];

/* A stream that has reached a time-out meanwhile is no reason to complain. */
static void ask(const struct nlmsghdr *nlh, nl_message_fn *fn, void *arg)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	bool lost;
	int err = nl_ask(&nl, nlh, fn, arg, &lost);

	if (!err || (err == -ENOENT && genl->cmd != NATTRAV_CMD_STREAM_NEW))
		return;
	printf("# command %u: %s\n", genl->cmd, strerror(-err));
	exit(1);
}

/* --- What the module answers: id and relay ports of the RTP stream --- */

static int leg_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == NATTRAV_A_LEG_LOCAL_PORT)
		*(uint16_t *)data = ntohs(mnl_attr_get_u16(attr));
	return MNL_CB_OK;
}

static int entry_attr(const struct nlattr *attr, void *data)
{
	struct call *call = data;

	switch (mnl_attr_get_type(attr)) {
	case NATTRAV_A_STREAM_ID:
		call->id = mnl_attr_get_u32(attr);
		break;
	case NATTRAV_A_STREAM_LEG_A:
		return mnl_attr_parse_nested(attr, leg_attr, &call->port[0]);
	case NATTRAV_A_STREAM_LEG_B:
		return mnl_attr_parse_nested(attr, leg_attr, &call->port[1]);
	}
	return MNL_CB_OK;
}

/* The RTP stream is the first of the two. */
static int entry(const struct nlattr *attr, void *data)
{
	struct call *call = data;

	return call->id ? MNL_CB_OK : mnl_attr_parse_nested(attr, entry_attr, call);
}

static void message(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), entry, arg);
}

/* --- Calls --- */

static void put_leg(struct nlmsghdr *nlh, unsigned int side, bool fresh)
{
	struct nlattr *leg;

	leg = mnl_attr_nest_start(nlh, side ? NATTRAV_A_STREAM_LEG_B : NATTRAV_A_STREAM_LEG_A);
	if (fresh)
		put_ipv4(nlh, NATTRAV_A_LEG_LOCAL_IPV4, relay);
	put_prefix(nlh, terminal[side], below(2) ? 32 : 24);
	mnl_attr_put_u8(nlh, NATTRAV_A_LEG_PROBATION, below(3) ? 1 : 4);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_RELATCH, below(2));
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_GENERATION, fresh ? 1 : 2);
	mnl_attr_nest_end(nlh, leg);
}

static void call_new(struct call *call, uint32_t number)
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
	char name[32];

	snprintf(name, sizeof(name), "call %d-%u", (int)getpid(), number);
	mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, name);
	mnl_attr_put(nlh, NATTRAV_A_STREAM_RTCP, 0, NULL);
	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_PARTIAL, 2000 + below(8000));
	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_IDLE, 2000 + below(8000));
	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_TIMEOUT_MAX, 5000 + below(15000));
	put_leg(nlh, 0, true);
	put_leg(nlh, 1, true);
	mnl_attr_nest_end(nlh, nest);

	*call = (struct call){
		.number = number,
		.talks = !below(4),
		.fate = below(10) < 4 ? ENDED :
			below(2)      ? CHANGED :
					FORGOTTEN,
		.end = now + (500 + below(15000)) / TICK,
	};
	ask(nlh, message, call);
	set_up++;
}

static void call_set(struct call *call)
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_SET, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, call->id);
	put_leg(nlh, below(2), false);
	mnl_attr_nest_end(nlh, nest);
	ask(nlh, NULL, NULL);
	call->fate = ENDED;
	call->end = now + (500 + below(5000)) / TICK;
	changed++;
}

/* By its id or by its name. */
static void call_del(const struct call *call)
{
	char buf[512], name[32];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_DEL, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	if (call->number && below(2)) {
		snprintf(name, sizeof(name), "call %d-%u", (int)getpid(), call->number);
		mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, name);
	} else {
		mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, call->id);
	}
	mnl_attr_nest_end(nlh, nest);
	ask(nlh, NULL, NULL);
	ended++;
}

static void call_meets_fate(struct call *call)
{
	switch (call->fate) {
	case CHANGED:
		call_set(call);
		return;
	case ENDED:
		call_del(call);
		break;
	case FORGOTTEN:
		forgotten++;
		break;
	case FREE:
		break;
	}
	call->fate = FREE;
}

/* Half of what is there is ended; RTCP goes with its RTP. */
static void adopt(void)
{
	static struct ids ids;
	unsigned int i;
	int err = ids_read(&nl, NATTRAV_CMD_STREAM_GET, &ids);

	if (err) {
		printf("# no dump: %s\n", strerror(-err));
		exit(1);
	}
	adopted = ids.count;
	for (i = 0; i < ids.count; i++)
		if (below(2))
			call_del(&(struct call){ .id = ids.id[i] });
}

/* --- Media: one socket is all the terminals of its side --- */

static int terminal_open(const char *netns, unsigned int side)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(side ? PORT_B : PORT_A) };
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there, fd = -1;

	there = open(netns, O_RDONLY | O_CLOEXEC);
	if (there >= 0 && !setns(there, CLONE_NEWNET))
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	inet_pton(AF_INET, terminal[side], &at.sin_addr);
	if (fd < 0 || bind(fd, (void *)&at, sizeof(at)) || setns(home, CLONE_NEWNET)) {
		perror("soak");
		exit(2);
	}
	close(there);
	close(home);
	return fd;
}

static void talk(struct call *call)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t rtp[172] = { 0x80 };
	unsigned int side;

	inet_pton(AF_INET, relay, &to.sin_addr);
	rtp[2] = call->seq >> 8;
	rtp[3] = call->seq++;
	memcpy(rtp + 8, &call->id, sizeof(call->id));
	for (side = 0; side < 2; side++) {
		to.sin_port = htons(call->port[side]);
		if (sendto(media[side], rtp, sizeof(rtp), 0, (void *)&to, sizeof(to)) > 0)
			sent++;
	}
}

static void hear(void)
{
	unsigned int side;
	char buf[2048];

	for (side = 0; side < 2; side++)
		while (recv(media[side], buf, sizeof(buf), 0) > 0)
			heard++;
}

/* --- Time --- */

static void say(void)
{
	printf("# set-up %u ended %u changed %u forgotten %u adopted %u sent %u heard %u\n", set_up,
	       ended, changed, forgotten, adopted, sent, heard);
}

static uint64_t ticks(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * (1000 / TICK) + ts.tv_nsec / (TICK * 1000000);
}

static void round_of_calls(uint32_t due)
{
	static uint32_t number;
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		struct call *call = &calls[i];

		if (call->fate == FREE) {
			if (number < due)
				call_new(call, ++number);
			continue;
		}
		if (call->talks && (now + i) % TALK == 0)
			talk(call);
		if (now >= call->end)
			call_meets_fate(call);
	}
	hear();
}

int main(int argc, char **argv)
{
	uint64_t begin, end, told = 0;
	unsigned int rate, side;

	if (argc != 8) {
		fputs("Usage: soak SEED SECONDS RATE RELAY NETNS ADDRESS-A ADDRESS-B\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	chance = strtoull(argv[1], NULL, 0) ?: 1;
	rate = strtoul(argv[3], NULL, 0);
	relay = argv[4];
	for (side = 0; side < 2; side++)
		terminal[side] = argv[6 + side];
	if (nl_open(&nl)) {
		fputs("soak: no family nattrav; is the module loaded?\n", stderr);
		return 2;
	}
	for (side = 0; side < 2; side++)
		media[side] = terminal_open(argv[5], side);

	adopt();
	begin = ticks();
	end = begin + strtoul(argv[2], NULL, 0) * (1000 / TICK);
	for (now = begin; now < end; now = ticks()) {
		round_of_calls((now - begin) * TICK * rate / 1000);
		if (now / (1000 / TICK) != told) {
			told = now / (1000 / TICK);
			say();
		}
		usleep(TICK * 1000);
	}
	say();
	return heard ? 0 : 1;
}
