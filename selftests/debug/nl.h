/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of this folder share: requests to the module, byte by byte,
 * and a picture of its table to compare with another. Not by libnattrav, which
 * makes no request that the module should refuse.
 */
#ifndef NATTRAV_DEBUG_NL_H
#define NATTRAV_DEBUG_NL_H

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/nattrav.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NL_MESSAGE 65536

struct nl {
	struct mnl_socket *socket;
	uint16_t family;
	uint32_t seq;
};

/* A part of the answer to a request; grows. */
struct bytes {
	uint8_t *at;
	size_t len;
	size_t size;
};

static inline void bytes_add(struct bytes *bytes, const void *data, size_t len)
{
	if (bytes->len + len > bytes->size) {
		bytes->size = 2 * (bytes->len + len);
		bytes->at = realloc(bytes->at, bytes->size);
		if (!bytes->at)
			abort();
	}
	if (len)
		memcpy(bytes->at + bytes->len, data, len);
	bytes->len += len;
}

static inline bool bytes_equal(const struct bytes *a, const struct bytes *b)
{
	return a->len == b->len && !memcmp(a->at, b->at, a->len);
}

static inline struct nlmsghdr *nl_begin(struct nl *nl, void *buf, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = nl->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = NATTRAV_FAMILY_VERSION;
	return nlh;
}

typedef void nl_message_fn(const struct nlmsghdr *nlh, void *arg);

/*
 * Send a request and read all that it brings. 0 or what the kernel refused it
 * with; *lost is set if the kernel had no memory to tell, so that nobody knows.
 */
static inline int nl_ask(struct nl *nl, const struct nlmsghdr *request, nl_message_fn *fn,
			 void *arg, bool *lost)
{
	static char buf[NL_MESSAGE];
	int err = 0, ended = 0;
	ssize_t left;

	*lost = false;
	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (!ended) {
		const struct nlmsghdr *nlh = (const void *)buf;
		int rest;

		left = recv(mnl_socket_get_fd(nl->socket), buf, sizeof(buf), 0);
		if (left < 0) {
			*lost = true;
			return -errno;
		}
		rest = left;
		for (; mnl_nlmsg_ok(nlh, rest); nlh = mnl_nlmsg_next(nlh, &rest)) {
			if (nlh->nlmsg_seq != request->nlmsg_seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
				ended = 1;
			} else if (fn) {
				fn(nlh, arg);
			}
		}
	}
	return err;
}

/* Throw away what is still to be read. */
static inline void nl_drain(struct nl *nl)
{
	static char buf[NL_MESSAGE];

	while (recv(mnl_socket_get_fd(nl->socket), buf, sizeof(buf), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == ENOMEM)
		;
}

static inline int nl_family_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static inline void nl_family_message(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), nl_family_attr, arg);
}

static inline int nl_open(struct nl *nl)
{
	struct timeval patience = { .tv_sec = 60 };
	uint16_t family = 0;
	struct nlmsghdr *nlh;
	char buf[256];
	bool lost;

	memset(nl, 0, sizeof(*nl));
	nl->socket = mnl_socket_open(NETLINK_GENERIC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	setsockopt(mnl_socket_get_fd(nl->socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	nl->family = GENL_ID_CTRL;
	nlh = nl_begin(nl, buf, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NATTRAV_FAMILY_NAME);
	if (nl_ask(nl, nlh, nl_family_message, &family, &lost) || !family)
		return -ENOENT;
	nl->family = family;
	return 0;
}

/* --- The table --- */

/* What changes by itself as time goes by. */
static inline bool attr_is_volatile(uint8_t command, unsigned int parent, unsigned int type)
{
	/* entries of both kinds have the same number */
	if (parent == NATTRAV_A_STREAMS_ENTRY)
		return command == NATTRAV_CMD_POOL_GET ? type == NATTRAV_A_POOL_RESTING :
							 type == NATTRAV_A_STREAM_AGE;
	if (parent == NATTRAV_A_STREAM_LEG_A || parent == NATTRAV_A_STREAM_LEG_B)
		return type == NATTRAV_A_LEG_LAST_SEEN || type == NATTRAV_A_LEG_WINDOW_LEFT ||
		       type == NATTRAV_A_LEG_SILENCE;
	return false;
}

static inline void attrs_add(struct bytes *picture, const void *data, size_t len, uint8_t command,
			     unsigned int parent)
{
	const struct nlattr *attr = data;

	for (; mnl_attr_ok(attr, len);
	     len -= MNL_ALIGN(attr->nla_len), attr = mnl_attr_next(attr)) {
		unsigned int type = mnl_attr_get_type(attr);

		if (attr_is_volatile(command, parent, type))
			continue;
		bytes_add(picture, &attr->nla_type, sizeof(attr->nla_type));
		if (attr->nla_type & NLA_F_NESTED)
			attrs_add(picture, mnl_attr_get_payload(attr),
				  mnl_attr_get_payload_len(attr), command, type);
		else
			bytes_add(picture, mnl_attr_get_payload(attr),
				  mnl_attr_get_payload_len(attr));
	}
}

static inline void table_message(const struct nlmsghdr *nlh, void *arg)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	attrs_add(arg, mnl_nlmsg_get_payload_offset(nlh, sizeof(*genl)),
		  mnl_nlmsg_get_payload_len(nlh) - sizeof(*genl), genl->cmd, 0);
}

/* A picture of all pools and streams; 0 or -errno. */
static inline int table_read(struct nl *nl, struct bytes *picture)
{
	static const uint8_t commands[] = { NATTRAV_CMD_POOL_GET, NATTRAV_CMD_STREAM_GET };
	char buf[256];
	unsigned int i;
	bool lost;
	int err;

	picture->len = 0;
	for (i = 0; i < sizeof(commands); i++) {
		err = nl_ask(nl, nl_begin(nl, buf, commands[i], NLM_F_DUMP), table_message, picture,
			     &lost);
		if (err)
			return err;
	}
	return 0;
}

struct ids {
	uint32_t id[65536];
	unsigned int count;
};

static inline int ids_attr(const struct nlattr *attr, void *data)
{
	struct ids *ids = data;

	/* The id is number 1 in either kind of entry. */
	if (mnl_attr_get_type(attr) == NATTRAV_A_POOL_ID && ids->count < 65536)
		ids->id[ids->count++] = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static inline int ids_entry(const struct nlattr *attr, void *data)
{
	return mnl_attr_parse_nested(attr, ids_attr, data);
}

static inline void ids_message(const struct nlmsghdr *nlh, void *arg)
{
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), ids_entry, arg);
}

/* The ids of all pools or of all streams. */
static inline int ids_read(struct nl *nl, uint8_t get, struct ids *ids)
{
	char buf[256];
	bool lost;

	ids->count = 0;
	return nl_ask(nl, nl_begin(nl, buf, get, NLM_F_DUMP), ids_message, ids, &lost);
}

/* Remove all that there is: the streams one by one, since RTCP goes with its RTP. */
static inline int table_clear(struct nl *nl)
{
	static const uint8_t commands[][2] = {
		{ NATTRAV_CMD_STREAM_GET, NATTRAV_CMD_STREAM_DEL },
		{ NATTRAV_CMD_POOL_GET, NATTRAV_CMD_POOL_DEL },
	};
	static struct ids ids;
	unsigned int i, n;
	char buf[256];
	bool lost;
	int err;

	for (i = 0; i < 2; i++) {
		err = ids_read(nl, commands[i][0], &ids);
		for (n = 0; !err && n < ids.count; n++) {
			struct nlmsghdr *nlh = nl_begin(nl, buf, commands[i][1], 0);
			struct nlattr *entry;

			entry = mnl_attr_nest_start(nlh, NATTRAV_A_STREAMS_ENTRY);
			mnl_attr_put_u32(nlh, NATTRAV_A_STREAM_ID, ids.id[n]);
			mnl_attr_nest_end(nlh, entry);
			err = nl_ask(nl, nlh, NULL, NULL, &lost);
			if (err == -ENOENT)
				err = 0;
		}
		if (err)
			return err;
	}
	return 0;
}

/* --- Attributes --- */

static inline void put_ipv4(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, text, &addr) != 1)
		abort();
	mnl_attr_put(nlh, type, sizeof(addr), &addr);
}

static inline void put_ipv6(struct nlmsghdr *nlh, uint16_t type, const char *text)
{
	struct in6_addr addr;

	if (inet_pton(AF_INET6, text, &addr) != 1)
		abort();
	mnl_attr_put(nlh, type, sizeof(addr), &addr);
}

static inline void put_port(struct nlmsghdr *nlh, uint16_t type, uint16_t port)
{
	mnl_attr_put_u16(nlh, type, htons(port));
}

static inline bool is_ipv6(const char *text)
{
	return strchr(text, ':');
}

static inline void put_pool(struct nlmsghdr *nlh, const char *addr, uint16_t min, uint16_t max)
{
	struct nlattr *entry = mnl_attr_nest_start(nlh, NATTRAV_A_POOLS_ENTRY);

	if (is_ipv6(addr))
		put_ipv6(nlh, NATTRAV_A_POOL_IPV6, addr);
	else
		put_ipv4(nlh, NATTRAV_A_POOL_IPV4, addr);
	put_port(nlh, NATTRAV_A_POOL_PORT_MIN, min);
	put_port(nlh, NATTRAV_A_POOL_PORT_MAX, max);
	mnl_attr_put_strz(nlh, NATTRAV_A_POOL_REALM, "debug");
	mnl_attr_nest_end(nlh, entry);
}

static inline void put_prefix(struct nlmsghdr *nlh, const char *addr, uint8_t len)
{
	struct nlattr *prefix = mnl_attr_nest_start(nlh, NATTRAV_A_LEG_PREFIX);

	if (is_ipv6(addr))
		put_ipv6(nlh, NATTRAV_A_PREFIX_IPV6, addr);
	else
		put_ipv4(nlh, NATTRAV_A_PREFIX_IPV4, addr);
	mnl_attr_put_u8(nlh, NATTRAV_A_PREFIX_LEN, len);
	mnl_attr_nest_end(nlh, prefix);
}

static inline void put_peer(struct nlmsghdr *nlh, const char *addr, uint16_t port)
{
	if (is_ipv6(addr))
		put_ipv6(nlh, NATTRAV_A_LEG_PEER_IPV6, addr);
	else
		put_ipv4(nlh, NATTRAV_A_LEG_PEER_IPV4, addr);
	put_port(nlh, NATTRAV_A_LEG_PEER_PORT, port);
}

#endif
