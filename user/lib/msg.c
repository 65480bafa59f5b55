// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests that grow as they are written: a batch may hold a thousand streams.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define MSG_SIZE_MIN 4096

/* The first failure is the one that is told. */
void nattrav_msg_fail(struct nattrav_msg *msg, int err)
{
	if (!msg->err)
		msg->err = err;
}

/* Makes room for @more bytes after the message. */
static bool msg_reserve(struct nattrav_msg *msg, size_t more)
{
	size_t used = msg->nlh ? MNL_ALIGN(msg->nlh->nlmsg_len) : 0;
	size_t size = msg->size ? msg->size : MSG_SIZE_MIN;
	void *nlh;

	if (msg->err)
		return false;
	while (size - used < more)
		size *= 2;
	if (size == msg->size)
		return true;
	nlh = realloc(msg->nlh, size);
	if (!nlh) {
		nattrav_msg_fail(msg, -ENOMEM);
		return false;
	}
	msg->nlh = nlh;
	msg->size = size;
	return true;
}

/**
 * nattrav_msg_begin() - start a request, which may use an earlier one's buffer
 * @msg: the message
 * @family: number of the family
 * @cmd: operation
 * @flags: NLM_F_* besides NLM_F_REQUEST
 */
void nattrav_msg_begin(struct nattrav_msg *msg, uint16_t family, uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *genl;

	msg->err = 0;
	if (msg->nlh)
		msg->nlh->nlmsg_len = 0;
	else if (!msg_reserve(msg, MNL_NLMSG_HDRLEN + GENL_HDRLEN))
		return;
	mnl_nlmsg_put_header(msg->nlh);
	msg->nlh->nlmsg_type = family;
	msg->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = mnl_nlmsg_put_extra_header(msg->nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = NATTRAV_FAMILY_VERSION;
}

void nattrav_msg_free(struct nattrav_msg *msg)
{
	free(msg->nlh);
	*msg = (struct nattrav_msg){ 0 };
}

/**
 * nattrav_msg_put() - append an attribute
 * @msg: the message
 * @type: attribute number
 * @data: payload
 * @len: its length
 */
void nattrav_msg_put(struct nattrav_msg *msg, uint16_t type, const void *data, size_t len)
{
	if (len > UINT16_MAX - MNL_ATTR_HDRLEN) {
		nattrav_msg_fail(msg, -EMSGSIZE);
		return;
	}
	if (msg_reserve(msg, MNL_ATTR_HDRLEN + MNL_ALIGN(len)))
		mnl_attr_put(msg->nlh, type, len, data);
}

void nattrav_msg_put_u8(struct nattrav_msg *msg, uint16_t type, uint8_t value)
{
	nattrav_msg_put(msg, type, &value, sizeof(value));
}

void nattrav_msg_put_u32(struct nattrav_msg *msg, uint16_t type, uint32_t value)
{
	nattrav_msg_put(msg, type, &value, sizeof(value));
}

void nattrav_msg_put_u64(struct nattrav_msg *msg, uint16_t type, uint64_t value)
{
	nattrav_msg_put(msg, type, &value, sizeof(value));
}

void nattrav_msg_put_port(struct nattrav_msg *msg, uint16_t type, uint16_t port)
{
	uint16_t value = htons(port);

	nattrav_msg_put(msg, type, &value, sizeof(value));
}

/**
 * nattrav_msg_put_addr() - append an IP address
 * @msg: the message
 * @ipv4: attribute number of an IPv4 address
 * @ipv6: attribute number of an IPv6 address
 * @addr: the address; one of another family fails the message
 */
void nattrav_msg_put_addr(struct nattrav_msg *msg, uint16_t ipv4, uint16_t ipv6,
			  const struct nattrav_addr *addr)
{
	if (addr->family == AF_INET)
		nattrav_msg_put(msg, ipv4, &addr->v4, sizeof(addr->v4));
	else if (addr->family == AF_INET6)
		nattrav_msg_put(msg, ipv6, &addr->v6, sizeof(addr->v6));
	else
		nattrav_msg_fail(msg, -EAFNOSUPPORT);
}

void nattrav_msg_put_string(struct nattrav_msg *msg, uint16_t type, const char *text)
{
	nattrav_msg_put(msg, type, text, strlen(text) + 1);
}

/**
 * nattrav_msg_nest() - begin a nest
 * @msg: the message
 * @type: attribute number
 *
 * Return: where the nest begins, for nattrav_msg_nest_end().
 */
size_t nattrav_msg_nest(struct nattrav_msg *msg, uint16_t type)
{
	size_t nest = msg->nlh ? MNL_ALIGN(msg->nlh->nlmsg_len) : 0;

	nattrav_msg_put(msg, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void nattrav_msg_nest_end(struct nattrav_msg *msg, size_t nest)
{
	struct nlattr *attr;
	size_t len;

	if (msg->err)
		return;
	attr = (struct nlattr *)((char *)msg->nlh + nest);
	len = msg->nlh->nlmsg_len - nest;
	if (len > UINT16_MAX)
		nattrav_msg_fail(msg, -EMSGSIZE);
	else
		attr->nla_len = (uint16_t)len;
}
