// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes each allocation of a request fail in turn, through /proc/self/fail-nth, by itself
 * and, where the request changes something, with the next one. Looks at the table after
 * each: a request that failed must have left it as it was, one that succeeded must have
 * done all of it. For a kernel with FAILSLAB and FAIL_PAGE_ALLOC that do not spare
 * GFP_KERNEL, and these addresses on the host: 203.0.113.1, 2001:db8:1::1.
 *
 *	failnth
 *
 * Prints TAP.
 */
#include "failnth.h"
#include "nl.h"

#define V4 "203.0.113.1"
#define V6 "2001:db8:1::1"

/*
 * The hash table of calls has room for 64 at first, and for 4 when it has shrunk. With
 * so many in one request it grows before the request is over, and so in the midst of it.
 */
#define MANY 80

struct op {
	const char *name;
	uint8_t command;
	uint16_t flags;
	void (*baseline)(void); /* what is there before */
	void (*put)(struct nlmsghdr *nlh);
	int streams; /* by how much a success changes their number */
	int pools;
	bool reads; /* changes nothing */
};

static struct nl nl;

static void must(uint8_t command, void (*put)(struct nlmsghdr *nlh))
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh = nl_begin(&nl, buf, command, 0);
	bool lost;
	int err;

	put(nlh);
	err = nl_ask(&nl, nlh, NULL, NULL, &lost);
	if (err)
		fatal("cannot make the table that is to be tested", err);
}

/* --- What is asked --- */

static void put_two_pools(struct nlmsghdr *nlh)
{
	put_pool(nlh, V4, 20000, 29999);
	put_pool(nlh, V6, 20000, 29999);
}

static void put_more_pools(struct nlmsghdr *nlh)
{
	put_pool(nlh, V4, 30000, 30999);
	put_pool(nlh, V6, 30000, 30999);
	put_pool(nlh, V4, 31000, 31001);
}

static void put_leg(struct nlmsghdr *nlh, uint16_t type, bool ipv6, bool fresh)
{
	struct nlattr *leg = mnl_attr_nest_start(nlh, type);

	if (fresh) {
		mnl_attr_put_u32(nlh, NATTRAV_A_LEG_FAMILY,
				 ipv6 ? NATTRAV_FAMILY_IPV6 : NATTRAV_FAMILY_IPV4);
		mnl_attr_put_strz(nlh, NATTRAV_A_LEG_REALM, "debug");
	}
	put_prefix(nlh, ipv6 ? "2001:db8:2::" : "198.51.100.0", ipv6 ? 64 : 24);
	put_prefix(nlh, ipv6 ? "2001:db8:3::" : "192.0.2.7", ipv6 ? 128 : 32);
	mnl_attr_put_u8(nlh, NATTRAV_A_LEG_PROBATION, 4);
	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_GENERATION, 3);
	put_peer(nlh, ipv6 ? "2001:db8:2::9" : "198.51.100.9", 4000);
	mnl_attr_nest_end(nlh, leg);
}

static void put_stream(struct nlmsghdr *nlh, const char *call, bool ipv6)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, call);
	mnl_attr_put(nlh, NATTRAV_A_STREAM_RTCP, 0, NULL);
	mnl_attr_put_u64(nlh, NATTRAV_A_STREAM_COOKIE, 1);
	put_leg(nlh, NATTRAV_A_STREAM_LEG_A, false, true);
	put_leg(nlh, NATTRAV_A_STREAM_LEG_B, ipv6, true);
	mnl_attr_nest_end(nlh, entry);
}

static void put_streams(struct nlmsghdr *nlh)
{
	put_stream(nlh, "one", false);
	put_stream(nlh, "two", true);
	put_stream(nlh, "two", false);
}

/* Each in a call of its own, with few allocations of any other kind. */
static void put_many_calls(struct nlmsghdr *nlh)
{
	unsigned int n, side;
	char call[16];

	for (n = 0; n < MANY; n++) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		snprintf(call, sizeof(call), "many %u", n);
		mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, call);
		for (side = 0; side < 2; side++) {
			struct nlattr *leg =
				mnl_attr_nest_start(nlh, NATTRAV_A_STREAM_LEG_A + side);

			/* by number: ports of the attempts before would rest */
			put_ipv4(nlh, NATTRAV_A_LEG_LOCAL_IPV4, V4);
			put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, 20000 + 2 * (2 * n + side));
			put_prefix(nlh, "192.0.2.7", 32);
			mnl_attr_nest_end(nlh, leg);
		}
		mnl_attr_nest_end(nlh, entry);
	}
}

/* Those of the baseline, which its ids are needed for. */
static struct ids ids;

static void put_id(struct nlmsghdr *nlh, unsigned int n)
{
	mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, ids.id[n]);
}

static void put_changes(struct nlmsghdr *nlh)
{
	unsigned int n;

	/* RTP and RTCP take turns; the second stream's leg b is IPv6. */
	for (n = 0; n < 4; n += 2) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		put_id(nlh, n);
		mnl_attr_put_u64(nlh, NATTRAV_A_STREAM_COOKIE, 99);
		put_leg(nlh, NATTRAV_A_STREAM_LEG_A, false, false);
		put_leg(nlh, NATTRAV_A_STREAM_LEG_B, n == 2, false);
		mnl_attr_nest_end(nlh, entry);
	}
}

static void put_deletions(struct nlmsghdr *nlh)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	put_id(nlh, 0);
	mnl_attr_nest_end(nlh, entry);
	entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
	mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, "two");
	mnl_attr_nest_end(nlh, entry);
}

static void put_all_ids(struct nlmsghdr *nlh)
{
	unsigned int n;

	for (n = 0; n < ids.count; n++) {
		struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

		put_id(nlh, n);
		mnl_attr_nest_end(nlh, entry);
	}
}

static void put_nothing(struct nlmsghdr *nlh)
{
	(void)nlh;
}

/* --- What is there before --- */

static void with_nothing(void)
{
}

static void with_pools(void)
{
	must(NATTRAV_CMD_POOL_NEW, put_two_pools);
	ids_read(&nl, NATTRAV_CMD_POOL_GET, &ids);
}

static void with_streams(void)
{
	with_pools();
	must(NATTRAV_CMD_STREAM_NEW, put_streams);
	ids_read(&nl, NATTRAV_CMD_STREAM_GET, &ids);
}

static const struct op ops[] = {
	{ .name = "pool-new, the first ones",
	  .command = NATTRAV_CMD_POOL_NEW,
	  .baseline = with_nothing,
	  .put = put_two_pools,
	  .pools = 2 },
	{ .name = "pool-new, more",
	  .command = NATTRAV_CMD_POOL_NEW,
	  .baseline = with_streams,
	  .put = put_more_pools,
	  .pools = 3 },
	{ .name = "pool-del, the last ones",
	  .command = NATTRAV_CMD_POOL_DEL,
	  .baseline = with_pools,
	  .put = put_all_ids,
	  .pools = -2 },
	{ .name = "stream-new, the first ones",
	  .command = NATTRAV_CMD_STREAM_NEW,
	  .baseline = with_pools,
	  .put = put_streams,
	  .streams = 6 },
	{ .name = "stream-new, more",
	  .command = NATTRAV_CMD_STREAM_NEW,
	  .baseline = with_streams,
	  .put = put_streams,
	  .streams = 6 },
	{ .name = "stream-new, more calls than there is room for",
	  .command = NATTRAV_CMD_STREAM_NEW,
	  .baseline = with_pools,
	  .put = put_many_calls,
	  .streams = MANY },
	{ .name = "stream-set",
	  .command = NATTRAV_CMD_STREAM_SET,
	  .baseline = with_streams,
	  .put = put_changes },
	{ .name = "stream-del",
	  .command = NATTRAV_CMD_STREAM_DEL,
	  .baseline = with_streams,
	  .put = put_deletions,
	  .streams = -6 },
	{ .name = "stream-get of given streams",
	  .command = NATTRAV_CMD_STREAM_GET,
	  .baseline = with_streams,
	  .put = put_all_ids,
	  .reads = true },
	{ .name = "stream-get of all",
	  .command = NATTRAV_CMD_STREAM_GET,
	  .flags = NLM_F_DUMP,
	  .baseline = with_streams,
	  .put = put_nothing,
	  .reads = true },
	{ .name = "pool-get of all",
	  .command = NATTRAV_CMD_POOL_GET,
	  .flags = NLM_F_DUMP,
	  .baseline = with_streams,
	  .put = put_nothing,
	  .reads = true },
	{ .name = "info-get",
	  .command = NATTRAV_CMD_INFO_GET,
	  .baseline = with_streams,
	  .put = put_nothing,
	  .reads = true },
};

/* --- The sweep --- */

struct count {
	unsigned int streams;
	unsigned int pools;
};

static struct count count_read(void)
{
	static struct ids some;
	struct count count;

	if (ids_read(&nl, NATTRAV_CMD_STREAM_GET, &some))
		return (struct count){ ~0u, ~0u };
	count.streams = some.count;
	if (ids_read(&nl, NATTRAV_CMD_POOL_GET, &some))
		return (struct count){ ~0u, ~0u };
	count.pools = some.count;
	return count;
}

static struct bytes before, after;

/* Whether the table is as it should be after the n-th allocation failed. */
static bool table_is_right(const struct op *op, const struct count *was, int err, bool lost)
{
	bool same, done;
	struct count is;

	if (table_read(&nl, &after))
		fatal("cannot read the table", -EIO);
	is = count_read();
	same = bytes_equal(&before, &after);
	done = !op->reads && !same && is.streams == was->streams + op->streams &&
	       is.pools == was->pools + op->pools;
	if (lost)
		return same || done;
	return err || op->reads ? same : done;
}

struct tally {
	unsigned int failed;
	unsigned int lost;
	unsigned int survived;
};

/* One attempt; false when there was no n-th allocation any more. */
static bool attempt(const struct op *op, unsigned int nth, unsigned int row, struct tally *tally,
		    bool *right)
{
	static char buf[NL_MESSAGE];
	struct nlmsghdr *nlh;
	struct count was;
	bool lost, hit;
	int err;

	err = table_clear(&nl);
	if (err)
		fatal("cannot clear the table", err);
	op->baseline();
	if (table_read(&nl, &before))
		fatal("cannot read the table", -EIO);
	was = count_read();

	nlh = nl_begin(&nl, buf, op->command, op->flags);
	op->put(nlh);
	fail_set_row(nth, row);
	err = nl_ask(&nl, nlh, NULL, NULL, &lost);
	hit = !fail_left();
	fail_set_row(0, 0);
	nl_drain(&nl);

	if (!table_is_right(op, &was, err, lost)) {
		printf("# %s: allocation %u%s: answer %d%s, and the table is %s\n", op->name, nth,
		       hit ? "" : " (none failed)", err, lost ? " (lost)" : "",
		       bytes_equal(&before, &after) ? "unchanged" : "another");
		*right = false;
	}
	if (hit)
		(*(lost ? &tally->lost : err ? &tally->failed : &tally->survived))++;
	else if (err)
		fatal("the request fails without a failed allocation", err);
	return hit;
}

static bool sweep(const struct op *op, unsigned int row)
{
	struct tally tally = { 0 };
	unsigned int nth = 1;
	bool right = true;

	while (nth < NTH_MAX && attempt(op, nth, row, &tally, &right))
		nth++;
	printf("# %s: %u allocations: %u refused, %u answers lost, %u made no difference\n",
	       op->name, nth - 1, tally.failed, tally.lost, tally.survived);
	return right && nth > 1 && nth < NTH_MAX;
}

int main(void)
{
	const unsigned int count = sizeof(ops) / sizeof(ops[0]);
	unsigned int i, row, done = 0, planned = 0, failed = 0;
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	fail_open();
	err = nl_open(&nl);
	if (err)
		fatal("no family nattrav; is the module loaded?", err);

	for (i = 0; i < count; i++)
		planned += ops[i].reads ? 1 : 2;
	printf("TAP version 13\n1..%u\n", planned);
	for (i = 0; i < count; i++) {
		/* what changes nothing has nothing to undo */
		for (row = 1; row <= (ops[i].reads ? 1 : 2); row++) {
			bool ok = sweep(&ops[i], row);

			printf("%sok %u - %s%s\n", ok ? "" : "not ", ++done, ops[i].name,
			       row > 1 ? ": two in a row" : "");
			failed += !ok;
		}
	}
	table_clear(&nl);
	return failed ? 1 : 0;
}
