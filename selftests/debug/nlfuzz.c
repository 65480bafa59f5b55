// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests that are wrong in ways nobody thought of: made by the grammar of the
 * specification, with values that are mostly possible, then bent, cut and repeated.
 *
 *	nlfuzz SEED SECONDS [beside]
 *
 * Now and then a request starts from a known table; if it is refused, the table must
 * be what it was. In between, a stream that is asked for properly must be had. Needs
 * the addresses 203.0.113.1 and 2001:db8:1::1. Exits with 1 if something was wrong. Beside
 * others, who change the table as well, it neither compares nor clears it.
 */
#include <time.h>

#include "chance.h"
#include "nl.h"

#define V4 "203.0.113.1"
#define V6 "2001:db8:1::1"

enum kind { K_FLAG, K_U8, K_PORT, K_U32, K_U64, K_IPV4, K_IPV6, K_STRING, K_BYTES16, K_NEST };

struct attr {
	uint16_t type;
	enum kind kind;
	const struct attr *nested;
};

static const struct attr prefix_attrs[] = {
	{ NATTRAV_A_PREFIX_IPV4, K_IPV4, NULL },
	{ NATTRAV_A_PREFIX_IPV6, K_IPV6, NULL },
	{ NATTRAV_A_PREFIX_LEN, K_U8, NULL },
	{ 0, K_FLAG, NULL },
};

static const struct attr leg_attrs[] = {
	{ NATTRAV_A_LEG_REALM, K_STRING, NULL },
	{ NATTRAV_A_LEG_FAMILY, K_U32, NULL },
	{ NATTRAV_A_LEG_LOCAL_IPV4, K_IPV4, NULL },
	{ NATTRAV_A_LEG_LOCAL_IPV6, K_IPV6, NULL },
	{ NATTRAV_A_LEG_LOCAL_PORT, K_PORT, NULL },
	{ NATTRAV_A_LEG_PEER_IPV4, K_IPV4, NULL },
	{ NATTRAV_A_LEG_PEER_IPV6, K_IPV6, NULL },
	{ NATTRAV_A_LEG_PEER_PORT, K_PORT, NULL },
	{ NATTRAV_A_LEG_PREFIX, K_NEST, prefix_attrs },
	{ NATTRAV_A_LEG_PAYLOAD_TYPES, K_BYTES16, NULL },
	{ NATTRAV_A_LEG_WINDOW, K_U32, NULL },
	{ NATTRAV_A_LEG_GENERATION, K_U32, NULL },
	{ NATTRAV_A_LEG_PROBATION, K_U8, NULL },
	{ NATTRAV_A_LEG_RELATCH, K_U32, NULL },
	{ NATTRAV_A_LEG_RATE, K_U32, NULL },
	{ NATTRAV_A_LEG_CLOCK_RATE, K_U32, NULL },
	{ NATTRAV_A_LEG_PACKETS, K_U64, NULL },
	{ 0, K_FLAG, NULL },
};

static const struct attr stream_attrs[] = {
	{ NATTRAV_A_STREAM_ID, K_U32, NULL },
	{ NATTRAV_A_STREAM_CALL, K_STRING, NULL },
	{ NATTRAV_A_STREAM_COOKIE, K_U64, NULL },
	{ NATTRAV_A_STREAM_TYPE, K_U32, NULL },
	{ NATTRAV_A_STREAM_RTCP, K_FLAG, NULL },
	{ NATTRAV_A_STREAM_LEG_A, K_NEST, leg_attrs },
	{ NATTRAV_A_STREAM_LEG_B, K_NEST, leg_attrs },
	{ NATTRAV_A_STREAM_TIMEOUT_PARTIAL, K_U32, NULL },
	{ NATTRAV_A_STREAM_TIMEOUT_IDLE, K_U32, NULL },
	{ NATTRAV_A_STREAM_TIMEOUT_MAX, K_U32, NULL },
	{ NATTRAV_A_STREAM_STATE, K_U32, NULL },
	{ 0, K_FLAG, NULL },
};

static const struct attr pool_attrs[] = {
	{ NATTRAV_A_POOL_ID, K_U32, NULL },
	{ NATTRAV_A_POOL_REALM, K_STRING, NULL },
	{ NATTRAV_A_POOL_IPV4, K_IPV4, NULL },
	{ NATTRAV_A_POOL_IPV6, K_IPV6, NULL },
	{ NATTRAV_A_POOL_PORT_MIN, K_PORT, NULL },
	{ NATTRAV_A_POOL_PORT_MAX, K_PORT, NULL },
	{ 0, K_FLAG, NULL },
};

/* --- Requests --- */

static struct nl nl;
static struct ids known, known_pools;

static uint32_t number(void)
{
	static const uint32_t edges[] = { 0,     1,       2,          31,         32,
					  33,    127,     128,        255,        65535,
					  65536, 1000000, 0x7fffffff, 0x80000000, 0xffffffff };

	if (one_in(2))
		return below(4);
	if (known.count && one_in(2))
		return known.id[below(known.count)];
	return one_in(2) ? edges[below(sizeof(edges) / sizeof(edges[0]))] : any();
}

static void put_string(struct nlmsghdr *nlh, uint16_t type)
{
	static const char *const usual[] = { "", "debug", "other", "call" };
	char text[300];
	unsigned int len, i;

	if (!one_in(4)) {
		mnl_attr_put_strz(nlh, type, usual[below(4)]);
		return;
	}
	len = one_in(2) ? below(sizeof(text)) : 31 + below(2);
	for (i = 0; i < len; i++)
		text[i] = any();
	mnl_attr_put(nlh, type, len, text);
}

static void put_some(struct nlmsghdr *nlh, const struct attr *attr)
{
	static const char *const v4[] = { V4,          "203.0.113.2",     "198.51.100.9",
					  "127.0.0.1", "255.255.255.255", "0.0.0.0" };
	static const char *const v6[] = { V6,       "2001:db8:1::2",      "2001:db8:2::9",
					  "::1",    "::ffff:203.0.113.1", "fe80::1",
					  "ff02::1" };
	uint8_t bytes[16];
	unsigned int i;

	switch (attr->kind) {
	case K_FLAG:
		mnl_attr_put(nlh, attr->type, 0, NULL);
		break;
	case K_U8:
		mnl_attr_put_u8(nlh, attr->type, number());
		break;
	case K_PORT:
		put_port(nlh, attr->type, one_in(8) ? any() : 20000 + below(100));
		break;
	case K_U32:
		mnl_attr_put_u32(nlh, attr->type, number());
		break;
	case K_U64:
		mnl_attr_put_u64(nlh, attr->type, (uint64_t)any() << 32 | number());
		break;
	case K_IPV4:
		put_ipv4(nlh, attr->type, v4[below(6) * below(2)]);
		break;
	case K_IPV6:
		put_ipv6(nlh, attr->type, v6[below(7) * below(2)]);
		break;
	case K_STRING:
		put_string(nlh, attr->type);
		break;
	case K_BYTES16:
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = any();
		mnl_attr_put(nlh, attr->type, sizeof(bytes), bytes);
		break;
	case K_NEST:
		break;
	}
}

static void put_nest(struct nlmsghdr *nlh, uint16_t type, const struct attr *attrs)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);
	uint32_t dense = 2 + below(6);
	const struct attr *attr;

	for (attr = attrs; attr->type; attr++) {
		if (nlh->nlmsg_len > NL_MESSAGE / 2 || one_in(dense))
			continue;
		do {
			if (attr->kind == K_NEST)
				put_nest(nlh, attr->type, attr->nested);
			else if (!one_in(3))
				put_some(nlh, attr);
		} while (one_in(8) && nlh->nlmsg_len < NL_MESSAGE / 2);
	}
	mnl_attr_nest_end(nlh, nest);
}

/* What the module would take: without it, refusals are all that is tested. */
static void put_known_pool(struct nlmsghdr *nlh)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_POOLS_ENTRY);

	mnl_attr_put_u32(nlh, NATTRAV_A_POOL_ID, known_pools.id[below(known_pools.count)]);
	mnl_attr_nest_end(nlh, entry);
}

/* Ports that are asked for by number need no rest; at random there soon are none left. */
static void put_likely_leg(struct nlmsghdr *nlh, uint16_t type, uint16_t port)
{
	struct nlattr *leg = mnl_attr_nest_start(nlh, type);

	mnl_attr_put_u32(nlh, NATTRAV_A_LEG_FAMILY, below(2));
	if (port)
		put_port(nlh, NATTRAV_A_LEG_LOCAL_PORT, port);
	if (one_in(2))
		mnl_attr_put_u8(nlh, NATTRAV_A_LEG_PROBATION, below(6));
	mnl_attr_nest_end(nlh, leg);
}

/* With ports from this one on, or at random if it is 0. */
static void put_likely_stream(struct nlmsghdr *nlh, uint16_t port)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);

	if (one_in(2))
		mnl_attr_put(nlh, NATTRAV_A_STREAM_RTCP, 0, NULL);
	if (one_in(2))
		mnl_attr_put_strz(nlh, NATTRAV_A_STREAM_CALL, one_in(2) ? "call" : "other");
	put_likely_leg(nlh, NATTRAV_A_STREAM_LEG_A, port);
	put_likely_leg(nlh, NATTRAV_A_STREAM_LEG_B, port ? port + 2 : 0);
	mnl_attr_nest_end(nlh, entry);
}

static void put_entries(struct nlmsghdr *nlh, uint8_t command)
{
	bool pool = command <= NATTRAV_CMD_POOL_GET;
	unsigned int entries = one_in(4) ? below(6) : 1, i;

	for (i = 0; i < entries; i++) {
		if (command == NATTRAV_CMD_STREAM_NEW && one_in(2))
			put_likely_stream(nlh, one_in(4) ? 0 : 20000 + 4 * below(250));
		else if (command == NATTRAV_CMD_POOL_NEW && one_in(2))
			put_pool(nlh, one_in(2) ? V4 : V6, 20000, 20001 + 2 * below(200));
		else if (pool && known_pools.count && one_in(2))
			put_known_pool(nlh);
		else
			put_nest(nlh, NATTRAV_A_STREAMS_ENTRY, pool ? pool_attrs : stream_attrs);
	}
}

/* Bits, lengths, an end too early, a part twice; never another family. */
static void mutate(struct nlmsghdr *nlh)
{
	const unsigned int head = sizeof(*nlh) + sizeof(struct genlmsghdr);
	uint8_t *bytes = (uint8_t *)nlh;
	unsigned int n = 1 + below(8), from, len;

	while (n-- && nlh->nlmsg_len > head) {
		unsigned int at = head + below(nlh->nlmsg_len - head);

		switch (below(6)) {
		case 0:
		case 1:
			bytes[at] ^= 1u << below(8);
			break;
		case 2:
			bytes[at] = any();
			break;
		case 3: /* most attribute lengths are small and on a multiple of four */
			bytes[at & ~3u] = below(64);
			break;
		case 4:
			nlh->nlmsg_len = at;
			break;
		case 5:
			len = below(nlh->nlmsg_len - at) & ~3u;
			from = at & ~3u;
			if (nlh->nlmsg_len + len < NL_MESSAGE) {
				memmove(bytes + from + len, bytes + from, nlh->nlmsg_len - from);
				nlh->nlmsg_len += len;
			}
			break;
		}
	}
	if (one_in(16))
		((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd = any();
	if (one_in(16))
		((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->version = any();
	if (one_in(32))
		((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->reserved = any();
}

static struct nlmsghdr *make(void *buf)
{
	uint8_t command = 1 + below(NATTRAV_CMD_MAX);
	uint16_t flags = 0;
	struct nlmsghdr *nlh;

	if (one_in(2))
		command = one_in(2) ? NATTRAV_CMD_STREAM_NEW : NATTRAV_CMD_STREAM_SET;
	if ((command == NATTRAV_CMD_POOL_GET || command == NATTRAV_CMD_STREAM_GET) && one_in(2))
		flags = NLM_F_DUMP;
	if (one_in(32))
		flags |= any() & ~NLM_F_MULTI;
	nlh = nl_begin(&nl, buf, command, flags);
	put_entries(nlh, command);
	if (!one_in(4))
		mutate(nlh);
	return nlh;
}

/* --- Watching --- */

static unsigned int accepted, refused, wrong;

static void complain(const char *what, const struct nlmsghdr *nlh)
{
	unsigned int i;

	wrong++;
	printf("# %s, after:", what);
	for (i = 0; nlh && i < nlh->nlmsg_len && i < 2000; i++)
		printf(" %02x", ((const uint8_t *)nlh)[i]);
	puts("");
}

/* Sends; 1 if it was taken, -1 if refused, 0 if nobody can tell. */
static int throw_at(const struct nlmsghdr *nlh)
{
	static char buf[NL_MESSAGE];
	int fd = mnl_socket_get_fd(nl.socket), verdict = 0;
	ssize_t left;

	if (send(fd, nlh, nlh->nlmsg_len, 0) < 0)
		return 0;
	while ((left = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *answer = (const void *)buf;
		int rest = left;

		for (; mnl_nlmsg_ok(answer, rest); answer = mnl_nlmsg_next(answer, &rest)) {
			int err;

			if (answer->nlmsg_type != NLMSG_ERROR)
				continue;
			memcpy(&err, mnl_nlmsg_get_payload(answer), sizeof(err));
			verdict = err ? -1 : 1;
		}
	}
	accepted += verdict > 0;
	refused += verdict < 0;
	return verdict;
}

static void baseline(void)
{
	char buf[1024];
	struct nlmsghdr *nlh;
	bool lost;
	int err;

	err = table_clear(&nl);
	if (!err) {
		nlh = nl_begin(&nl, buf, NATTRAV_CMD_POOL_NEW, 0);
		put_pool(nlh, V4, 20000, 20999);
		/* may be removed: the others have streams */
		put_pool(nlh, V4, 40000, 40001);
		put_pool(nlh, V6, 20000, 20999);
		err = nl_ask(&nl, nlh, NULL, NULL, &lost);
	}
	if (!err) {
		nlh = nl_begin(&nl, buf, NATTRAV_CMD_STREAM_NEW, 0);
		put_likely_stream(nlh, 20000);
		put_likely_stream(nlh, 20004);
		err = nl_ask(&nl, nlh, NULL, NULL, &lost);
	}
	if (!err)
		err = ids_read(&nl, NATTRAV_CMD_STREAM_GET, &known);
	if (!err)
		err = ids_read(&nl, NATTRAV_CMD_POOL_GET, &known_pools);
	if (err) {
		printf("# error %d: %s\n", err, strerror(-err));
		complain("a proper request is refused", NULL);
	}
}

static void check_refusal(void)
{
	static struct bytes before, after;
	static char buf[2 * NL_MESSAGE];
	struct nlmsghdr *nlh;

	baseline();
	table_read(&nl, &before);
	nlh = make(buf);
	if (throw_at(nlh) >= 0)
		return;
	table_read(&nl, &after);
	if (!bytes_equal(&before, &after))
		complain("a refused request has changed the table", nlh);
}

int main(int argc, char **argv)
{
	static char buf[2 * NL_MESSAGE];
	unsigned int messages = 0;
	bool beside = argc == 4 && !strcmp(argv[3], "beside");
	time_t end;

	if (argc != 3 && !beside) {
		fputs("Usage: nlfuzz SEED SECONDS [beside]\n", stderr);
		return 2;
	}
	chance = strtoull(argv[1], NULL, 0) ?: 1;
	end = time(NULL) + strtoul(argv[2], NULL, 0);
	if (nl_open(&nl)) {
		fputs("nlfuzz: no family nattrav; is the module loaded?\n", stderr);
		return 2;
	}

	for (; time(NULL) < end && wrong < 10; messages++) {
		if (messages % 16 == 0 && !beside)
			check_refusal();
		else
			throw_at(make(buf));
	}
	nl_drain(&nl);
	if (!beside) {
		baseline();
		table_clear(&nl);
	}
	printf("# seed %s: %u messages, %u accepted, %u refused, %u wrong\n", argv[1], messages,
	       accepted, refused, wrong);
	return wrong || !accepted || !refused ? 1 : 0;
}
