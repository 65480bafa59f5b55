// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The monitor: events in order, and how it notices that it missed some.
 *
 * A reader that is too slow hears ENOBUFS; an event that the kernel could not
 * build leaves a gap in the sequence numbers. Both end the same way: the events
 * that did arrive are told, then all streams are read anew, then it goes on.
 * Events that happened while the streams were read are told after them. Older
 * ones may still wait in the socket then; what they tell of a stream that was
 * just read would set it back, so that only the rest of them is told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "internal.h"

/* Datagrams in one nattrav_monitor_read(): its caller has other work as well. */
#define MONITOR_BURST 256

int nattrav_event_parse(const struct nlattr *nest, struct nattrav_event *event)
{
	const struct nlattr *tb[NATTRAV_A_EVENT_MAX + 1];
	int err;

	err = nattrav_attrs_parse(&nattrav_set_event, nest, tb);
	if (err)
		return err;
	if (!tb[NATTRAV_A_EVENT_TYPE] || !tb[NATTRAV_A_EVENT_SEQ])
		return -EBADMSG;
	*event = (struct nattrav_event){
		.type = nattrav_attr_u32(tb[NATTRAV_A_EVENT_TYPE]),
		.seq = nattrav_attr_u32(tb[NATTRAV_A_EVENT_SEQ]),
		.time = nattrav_attr_u64(tb[NATTRAV_A_EVENT_TIME]),
		/* It indexes the legs, so that no other value may get out. */
		.side = nattrav_attr_u32(tb[NATTRAV_A_EVENT_SIDE]) == NATTRAV_SIDE_B ?
				NATTRAV_SIDE_B :
				NATTRAV_SIDE_A,
		.addr.addr = nattrav_attr_addr(tb[NATTRAV_A_EVENT_IPV4], tb[NATTRAV_A_EVENT_IPV6]),
		.addr.port = nattrav_attr_port(tb[NATTRAV_A_EVENT_PORT]),
		.expiry = nattrav_attr_u32(tb[NATTRAV_A_EVENT_EXPIRY]),
		.percent = nattrav_attr_u8(tb[NATTRAV_A_EVENT_PERCENT]),
	};
	if (tb[NATTRAV_A_EVENT_STREAM])
		err = nattrav_stream_parse(tb[NATTRAV_A_EVENT_STREAM], &event->stream);
	if (!err && tb[NATTRAV_A_EVENT_POOL])
		err = nattrav_pool_parse(tb[NATTRAV_A_EVENT_POOL], &event->pool);
	return err;
}

/* Sequence numbers wrap. */
static bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* Whether an event tells what cannot be read from the stream later. */
static bool event_is_record(enum nattrav_event_type type)
{
	return type == NATTRAV_EVENT_TYPE_CONTENTION || type == NATTRAV_EVENT_TYPE_INTRUDER ||
	       type == NATTRAV_EVENT_TYPE_EXPIRED || type == NATTRAV_EVENT_TYPE_DELETED ||
	       type == NATTRAV_EVENT_TYPE_POOL_LOW || type == NATTRAV_EVENT_TYPE_LIMIT;
}

static int monitor_event(const struct nlattr *entry, void *arg)
{
	struct nattrav_monitor *monitor = arg;
	struct nattrav_event event;
	int err;

	err = nattrav_event_parse(entry, &event);
	if (err)
		return err;
	/* What is missing may have happened before the streams were last read. */
	if (seq_after(event.seq, monitor->last + 1) && seq_after(event.seq, monitor->covered + 1))
		monitor->lost = true;
	monitor->last = event.seq;
	if (seq_after(event.seq, monitor->covered) || event_is_record(event.type))
		monitor->ops.event(&event, monitor->arg);
	return 0;
}

/* The controller of all families tells when one goes. */
static bool family_gone(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	char name[GENL_NAMSIZ] = "";

	if (nlh->nlmsg_type != GENL_ID_CTRL || mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN ||
	    genl->cmd != CTRL_CMD_DELFAMILY)
		return false;
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME)
			nattrav_attr_string(attr, name, sizeof(name));
	}
	return !strcmp(name, NATTRAV_FAMILY_NAME);
}

/**
 * nattrav_monitor_datagram() - tell what a datagram of the kernel holds
 * @monitor: the monitor
 * @nlh: the datagram
 * @len: its length
 *
 * Return: 0, -ENOENT if the module was unloaded, or -EBADMSG.
 */
int nattrav_monitor_datagram(struct nattrav_monitor *monitor, const struct nlmsghdr *nlh,
			     size_t len)
{
	int left = (int)len, err;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (family_gone(nlh))
			return -ENOENT;
		if (nlh->nlmsg_type != monitor->family)
			continue;
		err = nattrav_for_each_entry(nlh, monitor_event, monitor);
		if (err)
			return err;
	}
	return 0;
}

static int monitor_stream(const struct nattrav_stream *stream, void *arg)
{
	struct nattrav_monitor *monitor = arg;

	monitor->ops.stream(stream, monitor->arg);
	return 0;
}

static int monitor_resync(struct nattrav_monitor *monitor)
{
	struct nattrav_info info;
	int err;

	err = nattrav_info_get(monitor->handle, &info);
	if (err)
		return err;
	monitor->covered = info.event_seq;
	monitor->lost = false;
	monitor->ops.resync_begin(monitor->arg);
	err = nattrav_stream_dump(monitor->handle, NULL, monitor_stream, monitor);
	if (err)
		return err;
	monitor->ops.resync_end(monitor->arg);
	return 0;
}

int nattrav_monitor_read(struct nattrav_monitor *monitor)
{
	ssize_t len;
	int i, err;

	for (i = 0; i < MONITOR_BURST; i++) {
		len = nattrav_sock_recv(&monitor->sock);
		if (len == -EAGAIN)
			break;
		if (len == -ENOBUFS) {
			monitor->lost = true;
			continue;
		}
		if (len < 0)
			return (int)len;
		err = nattrav_monitor_datagram(monitor, monitor->sock.buf, (size_t)len);
		if (err)
			return err;
	}
	return monitor->lost ? monitor_resync(monitor) : 0;
}

static int monitor_subscribe(struct nattrav_monitor *monitor)
{
	int group = (int)monitor->handle->group, control = GENL_ID_CTRL;

	if (mnl_socket_setsockopt(monitor->sock.mnl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) ||
	    mnl_socket_setsockopt(monitor->sock.mnl, NETLINK_ADD_MEMBERSHIP, &control,
				  sizeof(control)))
		return -errno;
	return 0;
}

int nattrav_monitor_open(struct nattrav_monitor **monitor, const struct nattrav_monitor_ops *ops,
			 void *arg)
{
	struct nattrav_monitor *m = calloc(1, sizeof(*m));
	struct nattrav_info info;
	int err;

	*monitor = NULL;
	if (!m)
		return -ENOMEM;
	m->ops = *ops;
	m->arg = arg;
	err = nattrav_open(&m->handle);
	if (!err)
		err = nattrav_sock_open(&m->sock, SOCK_NONBLOCK);
	if (!err)
		err = monitor_subscribe(m);
	/* After subscribing, so that nothing can be missed in between. */
	if (!err)
		err = nattrav_info_get(m->handle, &info);
	if (err) {
		nattrav_monitor_close(m);
		return err;
	}
	m->family = m->handle->family;
	m->last = info.event_seq;
	m->covered = info.event_seq;
	*monitor = m;
	return 0;
}

void nattrav_monitor_close(struct nattrav_monitor *monitor)
{
	if (!monitor)
		return;
	nattrav_sock_close(&monitor->sock);
	nattrav_close(monitor->handle);
	free(monitor);
}

int nattrav_monitor_fd(const struct nattrav_monitor *monitor)
{
	return mnl_socket_get_fd(monitor->sock.mnl);
}
