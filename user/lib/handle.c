// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The socket, the number of the family, and the exchange of a request for its
 * reply. The request is kept until its answer is there: only its sender can
 * tell which attribute lies at the offset that the kernel complains about.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "internal.h"

/* Room for the reply to a large batch, and for a burst of events. */
#define SOCK_RCVBUF (4 << 20)

/* Of a stream with its RTCP in the longest answer; the kernel doubles it for itself. */
#define REPLY_SIZE 1024

static int sock_buffer(const struct nattrav_sock *sock, int force, int plain, int size)
{
	int fd = mnl_socket_get_fd(sock->mnl);

	if (!setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)))
		return 0;
	/* Without CAP_NET_ADMIN in the initial user namespace: to the system's limit. */
	return setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size)) ? -errno : 0;
}

/**
 * nattrav_sock_open() - open a generic netlink socket in this network namespace
 * @sock: set to it
 * @flags: SOCK_NONBLOCK or 0
 */
int nattrav_sock_open(struct nattrav_sock *sock, int flags)
{
	int on = 1, err;

	*sock = (struct nattrav_sock){ 0 };
	sock->mnl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | flags);
	if (!sock->mnl)
		return -errno;
	if (mnl_socket_bind(sock->mnl, 0, MNL_SOCKET_AUTOPID)) {
		err = -errno;
		goto err_close;
	}
	/* The kernel need not send the request back: nattrav_request() has it. */
	if (mnl_socket_setsockopt(sock->mnl, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    mnl_socket_setsockopt(sock->mnl, NETLINK_CAP_ACK, &on, sizeof(on))) {
		err = -errno;
		goto err_close;
	}
	err = sock_buffer(sock, SO_RCVBUFFORCE, SO_RCVBUF, SOCK_RCVBUF);
	if (err)
		goto err_close;
	return 0;

err_close:
	nattrav_sock_close(sock);
	return err;
}

/**
 * nattrav_sock_expect() - make room for the answer to a batch
 * @sock: the socket
 * @count: objects in the batch
 *
 * Where the room cannot be had, the request may fail with -ENOBUFS or -EAGAIN.
 */
void nattrav_sock_expect(const struct nattrav_sock *sock, size_t count)
{
	size_t size = count < INT_MAX / 2 / REPLY_SIZE ? count * REPLY_SIZE : INT_MAX / 2;

	if (size > SOCK_RCVBUF)
		sock_buffer(sock, SO_RCVBUFFORCE, SO_RCVBUF, (int)size);
}

void nattrav_sock_close(struct nattrav_sock *sock)
{
	free(sock->buf);
	if (sock->mnl)
		mnl_socket_close(sock->mnl);
	*sock = (struct nattrav_sock){ 0 };
}

/**
 * nattrav_sock_recv() - receive a datagram of the kernel into @sock->buf
 * @sock: the socket
 *
 * Return: its length; -EAGAIN if there is none and the socket does not block;
 * -ENOBUFS if the kernel could not deliver something; else -errno.
 */
ssize_t nattrav_sock_recv(struct nattrav_sock *sock)
{
	struct sockaddr_nl from;
	struct iovec iov = { 0 };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	int fd = mnl_socket_get_fd(sock->mnl);
	ssize_t len;
	void *buf;

	for (;;) {
		/* The kernel makes datagrams of any size, so ask for the next one's. */
		len = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
		if (len >= 0 && (size_t)len > sock->size) {
			buf = realloc(sock->buf, (size_t)len);
			if (!buf)
				return -ENOMEM;
			sock->buf = buf;
			sock->size = (size_t)len;
		}
		if (len >= 0) {
			iov = (struct iovec){ .iov_base = sock->buf, .iov_len = sock->size };
			msg.msg_namelen = sizeof(from);
			len = recvmsg(fd, &msg, 0);
		}
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		/* Only the kernel has port 0; another process has nothing to say here. */
		if (msg.msg_namelen == sizeof(from) && from.nl_pid == 0)
			return len;
	}
}

static int sock_send(const struct nattrav_sock *sock, const struct nlmsghdr *nlh)
{
	int err;

	while (mnl_socket_sendto(sock->mnl, nlh, nlh->nlmsg_len) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EMSGSIZE)
			return -errno;
		err = sock_buffer(sock, SO_SNDBUFFORCE, SO_SNDBUF, (int)nlh->nlmsg_len);
		if (err)
			return err;
		return mnl_socket_sendto(sock->mnl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
	}
	return 0;
}

/**
 * nattrav_fail() - record a failure that the kernel did not explain
 * @handle: the handle
 * @err: -errno
 * @what: what failed, or NULL
 *
 * Return: @err.
 */
int nattrav_fail(struct nattrav *handle, int err, const char *what)
{
	nattrav_error_set(&handle->error, err, what);
	return err;
}

/**
 * nattrav_begin() - start a request in @handle->msg
 * @handle: the handle
 * @cmd: operation
 * @flags: NLM_F_ACK or NLM_F_DUMP
 *
 * Return: 0, or -EBUSY when called from the call-back of another request.
 */
int nattrav_begin(struct nattrav *handle, uint8_t cmd, uint16_t flags)
{
	if (handle->busy)
		return -EBUSY;
	handle->error = (struct nattrav_error){ .entry = -1 };
	nattrav_msg_begin(&handle->msg, handle->family, cmd, flags);
	return 0;
}

/* What the kernel says of a request as a whole. Sets @done with the last message. */
static int request_result(struct nattrav *handle, const struct nlmsghdr *nlh, bool *done)
{
	int err;

	*done = true;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(err))
		return nlh->nlmsg_type == NLMSG_DONE ? 0 : nattrav_fail(handle, -EBADMSG, NULL);
	err = *(const int *)mnl_nlmsg_get_payload(nlh);
	if (err >= 0)
		return 0;
	nattrav_extack(&handle->error, handle->msg.nlh, nlh);
	return err;
}

/* Handles a datagram; after a failure the rest of the reply is only read. */
static int request_datagram(struct nattrav *handle, ssize_t len, nattrav_reply_fn *fn, void *arg,
			    int ret, bool *done)
{
	const struct nlmsghdr *nlh = handle->sock.buf;
	int left = (int)len, err;

	for (; mnl_nlmsg_ok(nlh, left) && !*done; nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != handle->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
			err = request_result(handle, nlh, done);
		} else if (nlh->nlmsg_type == handle->msg.nlh->nlmsg_type && !ret && fn) {
			err = fn(nlh, arg);
			if (err)
				nattrav_fail(handle, err, NULL);
		} else {
			continue;
		}
		if (!ret)
			ret = err;
	}
	return ret;
}

/**
 * nattrav_request() - send @handle->msg and wait for the whole answer
 * @handle: the handle
 * @fn: called for each message of the reply, or NULL
 * @arg: for @fn
 *
 * A dump is read to its end even if @fn wants no more of it: what is left would
 * stand in the way of the next request.
 *
 * Return: 0; what @fn returned if it was not 0; or -errno.
 */
int nattrav_request(struct nattrav *handle, nattrav_reply_fn *fn, void *arg)
{
	struct nattrav_msg *msg = &handle->msg;
	bool done = false;
	ssize_t len;
	int ret;

	if (msg->err)
		return nattrav_fail(handle, msg->err, "building the request");
	msg->nlh->nlmsg_seq = ++handle->seq;
	ret = sock_send(&handle->sock, msg->nlh);
	if (ret)
		return nattrav_fail(handle, ret, "sending the request");

	handle->busy = true;
	while (!done) {
		len = nattrav_sock_recv(&handle->sock);
		if (len < 0) {
			ret = nattrav_fail(handle, (int)len, "receiving the reply");
			break;
		}
		ret = request_datagram(handle, len, fn, arg, ret, &done);
	}
	handle->busy = false;
	return ret;
}

/**
 * nattrav_for_each_entry() - go through the entries of a message
 * @nlh: a message of the nattrav family
 * @fn: called for each entry
 * @arg: for @fn
 *
 * Return: 0; what @fn returned if it was not 0; or -EBADMSG.
 */
int nattrav_for_each_entry(const struct nlmsghdr *nlh, nattrav_entry_fn *fn, void *arg)
{
	const struct nlattr *attr;
	int err;

	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return -EBADMSG;
	/* All message sets have their entries under the same number. */
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) != NATTRAV_A_STREAMS_ENTRY)
			continue;
		err = fn(attr, arg);
		if (err)
			return err;
	}
	return 0;
}

/**
 * nattrav_del_ids() - a request whose entries are ids
 * @handle: the handle
 * @cmd: NATTRAV_CMD_POOL_DEL or NATTRAV_CMD_STREAM_DEL
 * @ids: the ids
 * @count: how many
 */
int nattrav_del_ids(struct nattrav *handle, uint8_t cmd, const uint32_t *ids, size_t count)
{
	size_t i, nest;
	int err;

	if (!count)
		return 0;
	err = nattrav_begin(handle, cmd, NLM_F_ACK);
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		nest = nattrav_msg_nest(&handle->msg, NATTRAV_A_STREAMS_ENTRY);
		nattrav_msg_put_u32(&handle->msg, NATTRAV_A_STREAM_ID, ids[i]);
		nattrav_msg_nest_end(&handle->msg, nest);
	}
	return nattrav_request(handle, NULL, NULL);
}

_Static_assert((int)NATTRAV_A_STREAMS_ENTRY == (int)NATTRAV_A_POOLS_ENTRY &&
		       (int)NATTRAV_A_STREAMS_ENTRY == (int)NATTRAV_A_EVENTS_ENTRY &&
		       (int)NATTRAV_A_STREAMS_ENTRY == (int)NATTRAV_A_INFOS_ENTRY &&
		       (int)NATTRAV_A_STREAM_ID == (int)NATTRAV_A_POOL_ID,
	       "entries are built and read by the same functions");

/* The multicast groups of the family, in the controller's reply. */
static void family_groups(struct nattrav *handle, const struct nlattr *groups)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, groups) {
		char name[GENL_NAMSIZ] = "";
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, group) {
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
				nattrav_attr_string(attr, name, sizeof(name));
			else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
				 mnl_attr_get_payload_len(attr) == sizeof(id))
				id = mnl_attr_get_u32(attr);
		}
		if (!strcmp(name, NATTRAV_MCGRP_EVENTS))
			handle->group = id;
	}
}

static int family_reply(const struct nlmsghdr *nlh, void *arg)
{
	struct nattrav *handle = arg;
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return -EBADMSG;
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint16_t))
			handle->family = mnl_attr_get_u16(attr);
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			family_groups(handle, attr);
	}
	return 0;
}

/* Asking for the family makes the kernel load the module, if it is installed. */
static int family_find(struct nattrav *handle)
{
	int err;

	nattrav_msg_begin(&handle->msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	nattrav_msg_put_string(&handle->msg, CTRL_ATTR_FAMILY_NAME, NATTRAV_FAMILY_NAME);
	err = nattrav_request(handle, family_reply, handle);
	if (err)
		return err;
	return handle->family ? 0 : -ENOENT;
}

int nattrav_open(struct nattrav **handle)
{
	struct nattrav *h = calloc(1, sizeof(*h));
	int err;

	*handle = NULL;
	if (!h)
		return -ENOMEM;
	err = nattrav_sock_open(&h->sock, 0);
	if (!err)
		err = family_find(h);
	if (err) {
		nattrav_close(h);
		return err;
	}
	*handle = h;
	return 0;
}

void nattrav_close(struct nattrav *handle)
{
	if (!handle)
		return;
	nattrav_sock_close(&handle->sock);
	nattrav_msg_free(&handle->msg);
	free(handle);
}

const char *nattrav_strerror(const struct nattrav *handle)
{
	return handle->error.text;
}

int nattrav_error_entry(const struct nattrav *handle)
{
	return handle->error.entry;
}
