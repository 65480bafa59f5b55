// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers nattravctl. A file descriptor is passed instead of the snapshot itself,
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
#include "media/snapshot.h"

#define BACKLOG 16

/**
 * struct snapshot_server - the socket
 * @fd: it
 * @media: what is told of
 */
struct snapshot_server {
	int fd;
	struct media *media;
};

/**
 * struct writing - a snapshot that is being written
 * @mb: the snapshot
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

static void snapshot_describe(struct snapshot *snapshot, const struct media *media)
{
	const char *const *missing = media->ops->missing;
	const char *trouble = media->ops->trouble ? media->ops->trouble(media->datapath) : NULL;
	size_t used = 0;

	memset(snapshot, 0, sizeof(*snapshot));
	str_ncpy(snapshot->version, NATTRAV_VERSION, sizeof(snapshot->version));
	str_ncpy(snapshot->datapath, media->ops->name, sizeof(snapshot->datapath));
	str_ncpy(snapshot->trouble, trouble, sizeof(snapshot->trouble));
	for (; *missing && used < sizeof(snapshot->missing); missing++) {
		str_ncpy(snapshot->missing + used, *missing, sizeof(snapshot->missing) - used);
		used += strlen(snapshot->missing + used);
		if (missing[1] && used + 1 < sizeof(snapshot->missing))
			snapshot->missing[used++] = '\n';
	}
}

static int snapshot_write(struct mbuf *mb, const struct media *media)
{
	struct writing writing = { .mb = mb };
	struct snapshot snapshot;
	int err;

	snapshot_describe(&snapshot, media);
	err = media->ops->info(media->datapath, &snapshot.info);
	if (err)
		return err;

	mb->pos = mb->end = sizeof(snapshot);
	err = media->ops->stream_dump(media->datapath, write_stream, &writing);
	snapshot.streams = writing.count;
	writing.count = 0;
	if (!err)
		err = media->ops->pool_dump(media->datapath, write_pool, &writing);
	snapshot.pools = writing.count;

	mb->pos = 0;
	return err ?: -mbuf_write_mem(mb, (const uint8_t *)&snapshot, sizeof(snapshot));
}

static int snapshot_file(const struct mbuf *mb)
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

	mb = mbuf_alloc(sizeof(struct snapshot));
	if (!mb)
		return;

	err = snapshot_write(mb, media);
	fd = err ? err : snapshot_file(mb);
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
	struct snapshot_server *server = arg;
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
	struct snapshot_server *server = arg;

	if (server->fd >= 0) {
		fd_close(server->fd);
		close(server->fd);
	}
}

/**
 * snapshot_open() - answer nattravctl from now on
 * @serverp: set to the server; drop it with mem_deref()
 * @media: the media side
 *
 * Return: 0 or an errno.
 */
int snapshot_open(struct snapshot_server **serverp, struct media *media)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct snapshot_server *server;
	socklen_t len;
	int err;

	server = mem_zalloc(sizeof(*server), server_destructor);
	if (!server)
		return ENOMEM;

	server->media = media;
	server->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->fd < 0)
		goto err_errno;

	str_ncpy(name.sun_path + 1, SNAPSHOT_SOCKET, sizeof(name.sun_path) - 1);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(SNAPSHOT_SOCKET));
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
