// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers nattravctl. A file descriptor is passed instead of the report itself,
 * so that a reader who is slow keeps nobody waiting.
 */
#include <errno.h>
#include <re.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "media/internal.h"
#include "media/report.h"

#define BACKLOG 16

/**
 * struct report_server - the socket
 * @fd: it
 * @media: what is told of
 */
struct report_server {
	int fd;
	struct media *media;
};

/**
 * struct writing - a report that is being written
 * @mb: the report
 * @count: how many elements were added
 */
struct writing {
	struct mbuf *mb;
	uint32_t count;
};

static int write_pool(const struct nattrav_pool *pool, void *arg)
{
	struct writing *writing = arg;

	writing->count++;
	return -mbuf_write_mem(writing->mb, (const uint8_t *)pool, sizeof(*pool));
}

static int write_stream(const struct nattrav_stream *stream, void *arg)
{
	struct writing *writing = arg;

	writing->count++;
	return -mbuf_write_mem(writing->mb, (const uint8_t *)stream, sizeof(*stream));
}

static void report_describe(struct report *report, const struct media *media)
{
	const char *const *missing = media->ops->missing;
	const char *trouble = media->ops->trouble ? media->ops->trouble(media->datapath) : NULL;
	size_t used = 0;

	memset(report, 0, sizeof(*report));
	str_ncpy(report->version, NATTRAV_VERSION, sizeof(report->version));
	str_ncpy(report->datapath, media->ops->name, sizeof(report->datapath));
	str_ncpy(report->trouble, trouble, sizeof(report->trouble));
	for (; *missing && used < sizeof(report->missing); missing++) {
		str_ncpy(report->missing + used, *missing, sizeof(report->missing) - used);
		used += strlen(report->missing + used);
		if (missing[1] && used + 1 < sizeof(report->missing))
			report->missing[used++] = '\n';
	}
}

static int report_write(struct mbuf *mb, const struct media *media)
{
	struct writing writing = { .mb = mb };
	struct report report;
	int err;

	report_describe(&report, media);
	err = media->ops->info(media->datapath, &report.info);
	if (err)
		return err;

	mb->pos = mb->end = sizeof(report);
	err = media->ops->stream_dump(media->datapath, write_stream, &writing);
	report.streams = writing.count;
	writing.count = 0;
	if (!err)
		err = media->ops->pool_dump(media->datapath, write_pool, &writing);
	report.pools = writing.count;

	mb->pos = 0;
	return err ?: -mbuf_write_mem(mb, (const uint8_t *)&report, sizeof(report));
}

static int report_file(const struct mbuf *mb)
{
	int fd, err;

	fd = memfd_create("nattravd", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;

	if (write(fd, mb->buf, mb->end) == (ssize_t)mb->end)
		return fd;

	err = errno ? -errno : -ENOSPC;
	close(fd);
	return err;
}

static int file_pass(int to, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte = 0;
	struct iovec data = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	memset(&control, 0, sizeof(control));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static bool may_read(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (!who.uid || who.uid == geteuid());
}

static void reader_answer(const struct media *media, int reader)
{
	struct mbuf *mb;
	int fd, err;

	if (!may_read(reader))
		return;

	mb = mbuf_alloc(sizeof(struct report));
	if (!mb)
		return;

	err = report_write(mb, media);
	fd = err ? err : report_file(mb);
	if (fd >= 0) {
		err = file_pass(reader, fd);
		close(fd);
	} else {
		err = fd;
	}
	if (err)
		log_warn("nattravctl cannot be answered: %m", -err);
	mem_deref(mb);
}

static void server_readable(int flags, void *arg)
{
	struct report_server *server = arg;
	int reader;

	(void)flags;

	reader = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
	if (reader < 0)
		return;

	reader_answer(server->media, reader);
	close(reader);
}

static void server_destructor(void *arg)
{
	struct report_server *server = arg;

	if (server->fd >= 0) {
		fd_close(server->fd);
		close(server->fd);
	}
}

/**
 * report_open() - answer nattravctl from now on
 * @serverp: set to the server; drop it with mem_deref()
 * @media: the media side
 *
 * Return: 0 or an errno.
 */
int report_open(struct report_server **serverp, struct media *media)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct report_server *server;
	socklen_t len;
	int err;

	server = mem_zalloc(sizeof(*server), server_destructor);
	if (!server)
		return ENOMEM;

	server->media = media;
	server->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		goto err_errno;

	str_ncpy(name.sun_path + 1, REPORT_SOCKET, sizeof(name.sun_path) - 1);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(REPORT_SOCKET));
	if (bind(server->fd, (const struct sockaddr *)&name, len) || listen(server->fd, BACKLOG))
		goto err_errno;

	err = fd_listen(server->fd, FD_READ, server_readable, server);
	if (err)
		goto err_server;

	*serverp = server;
	return 0;

err_errno:
	err = errno;
err_server:
	mem_deref(server);
	return err;
}
