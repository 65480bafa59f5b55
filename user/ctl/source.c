// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the commands that only look get their answers from: the module, or
 * where that is not loaded, nattravd, whose datapath is another one then.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "ctl.h"
#include "media/snapshot.h"

/* An answer that does not come is none. */
#define PATIENCE_S 5

static int file_receive(int from)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *head;
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -EPERM;
	head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -EPROTO;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

static int snapshot_receive(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int from, fd;

	from = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (from < 0)
		return -errno;
	memcpy(name.sun_path + 1, SNAPSHOT_SOCKET, strlen(SNAPSHOT_SOCKET));
	if (setsockopt(from, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(from, (const struct sockaddr *)&name,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				strlen(SNAPSHOT_SOCKET))))
		fd = -ENOENT;
	else
		fd = file_receive(from);
	close(from);
	return fd;
}

static const struct nattrav_stream *snapshot_streams(const struct snapshot *snapshot)
{
	return (const struct nattrav_stream *)(snapshot + 1);
}

static const struct nattrav_pool *snapshot_pools(const struct snapshot *snapshot)
{
	return (const struct nattrav_pool *)(snapshot_streams(snapshot) + snapshot->streams);
}

/* What is told is believed as little as anything that comes from elsewhere. */
static bool snapshot_sound(const struct snapshot *snapshot, size_t size)
{
	const struct nattrav_stream *stream = snapshot_streams(snapshot);
	const struct nattrav_pool *pool;
	size_t i;

	if (size < sizeof(*snapshot) ||
	    strncmp(snapshot->version, NATTRAV_VERSION, sizeof(snapshot->version)) != 0)
		return false;
	if (size != sizeof(*snapshot) + snapshot->pools * sizeof(*pool) +
			    snapshot->streams * sizeof(*stream))
		return false;
	if (!memchr(snapshot->datapath, 0, sizeof(snapshot->datapath)) ||
	    !memchr(snapshot->missing, 0, sizeof(snapshot->missing)) ||
	    !memchr(snapshot->trouble, 0, sizeof(snapshot->trouble)) ||
	    !memchr(snapshot->info.version, 0, sizeof(snapshot->info.version)))
		return false;
	for (i = 0; i < snapshot->streams; i++, stream++) {
		if (!memchr(stream->call, 0, sizeof(stream->call)) ||
		    !memchr(stream->leg[0].realm, 0, sizeof(stream->leg[0].realm)) ||
		    !memchr(stream->leg[1].realm, 0, sizeof(stream->leg[1].realm)) ||
		    stream->leg[0].prefixes > NATTRAV_PREFIX_MAX ||
		    stream->leg[1].prefixes > NATTRAV_PREFIX_MAX)
			return false;
	}
	pool = snapshot_pools(snapshot);
	for (i = 0; i < snapshot->pools; i++, pool++) {
		if (!memchr(pool->realm, 0, sizeof(pool->realm)))
			return false;
	}
	return true;
}

/**
 * ctl_snapshot_get() - ask nattravd of this network namespace
 * @snapshotp: set to what it tells, to be freed
 *
 * Return: 0; -ENOENT if no nattravd runs here; -EPERM if it does not answer us;
 * -EPROTO if it is of another version; or -errno.
 */
int ctl_snapshot_get(struct snapshot **snapshotp)
{
	struct snapshot *snapshot = NULL;
	int fd = snapshot_receive(), err = -EPROTO;
	struct stat stat;
	size_t got = 0;
	ssize_t more;

	if (fd < 0)
		return fd;
	if (fstat(fd, &stat) || stat.st_size < (off_t)sizeof(*snapshot))
		goto out;
	snapshot = malloc((size_t)stat.st_size);
	if (!snapshot) {
		err = -ENOMEM;
		goto out;
	}
	while (got < (size_t)stat.st_size) {
		more = pread(fd, (char *)snapshot + got, (size_t)stat.st_size - got, (off_t)got);
		if (more <= 0)
			break;
		got += (size_t)more;
	}
	if (got == (size_t)stat.st_size && snapshot_sound(snapshot, got))
		err = 0;
out:
	close(fd);
	if (err)
		free(snapshot);
	else
		*snapshotp = snapshot;
	return err;
}

/**
 * ctl_open_read() - connect to whatever knows the streams
 * @ctl: the run
 *
 * Return: CTL_OK, or an exit code after a message.
 */
int ctl_open_read(struct ctl *ctl)
{
	int err = nattrav_open(&ctl->handle);

	if (err != -ENOENT)
		return err ? ctl_fail_open(ctl, err) : CTL_OK;
	switch (ctl_snapshot_get(&ctl->snapshot)) {
	case 0:
		/* With the module gone, a nattravd that used it knows nothing. */
		if (strcmp(ctl->snapshot->datapath, "module") != 0)
			return CTL_OK;
		free(ctl->snapshot);
		ctl->snapshot = NULL;
		break;
	case -EPERM:
		return ctl_fail(ctl, "the nattrav module is not loaded, and nattravd answers "
				     "root and its own user only: use sudo");
	case -EPROTO:
		return ctl_fail(ctl, "the nattrav module is not loaded, and nattravd is of another "
				     "version than this tool: restart it");
	default:
		break;
	}
	return ctl_fail_open(ctl, err);
}

int ctl_fail_read(const struct ctl *ctl, int err)
{
	if (!ctl->snapshot)
		return ctl_fail_kernel(ctl, err);
	return ctl_fail(ctl, "%s", err == -ENOENT ? "no stream has this id" : strerror(-err));
}

int ctl_read_info(struct ctl *ctl, struct nattrav_info *info)
{
	if (!ctl->snapshot)
		return nattrav_info_get(ctl->handle, info);
	*info = ctl->snapshot->info;
	return 0;
}

int ctl_read_pools(struct ctl *ctl, nattrav_pool_fn *fn, void *arg)
{
	const struct nattrav_pool *pool;
	size_t i;
	int err = 0;

	if (!ctl->snapshot)
		return nattrav_pool_dump(ctl->handle, fn, arg);
	pool = snapshot_pools(ctl->snapshot);
	for (i = 0; i < ctl->snapshot->pools && !err; i++)
		err = fn(&pool[i], arg);
	return err;
}

static bool selected(const struct nattrav_stream *stream, const struct nattrav_stream *filter)
{
	return !filter ||
	       ((!filter->call[0] || !strcmp(filter->call, stream->call)) &&
		(!(filter->given & NATTRAV_STREAM_STATE) || filter->state == stream->state));
}

int ctl_read_streams(struct ctl *ctl, const struct nattrav_stream *filter, nattrav_stream_fn *fn,
		     void *arg)
{
	const struct nattrav_stream *stream;
	size_t i;
	int err = 0;

	if (!ctl->snapshot)
		return nattrav_stream_dump(ctl->handle, filter, fn, arg);
	stream = snapshot_streams(ctl->snapshot);
	for (i = 0; i < ctl->snapshot->streams && !err; i++) {
		if (selected(&stream[i], filter))
			err = fn(&stream[i], arg);
	}
	return err;
}

int ctl_read_stream(struct ctl *ctl, uint32_t id, struct nattrav_stream *stream)
{
	size_t i;

	if (!ctl->snapshot)
		return nattrav_stream_get(ctl->handle, id, stream);
	for (i = 0; i < ctl->snapshot->streams; i++) {
		*stream = snapshot_streams(ctl->snapshot)[i];
		if (stream->id == id)
			return 0;
	}
	return -ENOENT;
}
