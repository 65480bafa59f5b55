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
#include "media/report.h"

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

static int report_receive(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int from, fd;

	from = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (from < 0)
		return -errno;
	memcpy(name.sun_path + 1, REPORT_SOCKET, strlen(REPORT_SOCKET));
	if (setsockopt(from, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    connect(from, (const struct sockaddr *)&name,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(REPORT_SOCKET))))
		fd = -ENOENT;
	else
		fd = file_receive(from);
	close(from);
	return fd;
}

static const struct nattrav_stream *report_streams(const struct report *report)
{
	return (const struct nattrav_stream *)(report + 1);
}

static const struct nattrav_pool *report_pools(const struct report *report)
{
	return (const struct nattrav_pool *)(report_streams(report) + report->streams);
}

/* What is told is believed as little as anything that comes from elsewhere. */
static bool report_sound(const struct report *report, size_t size)
{
	const struct nattrav_stream *stream = report_streams(report);
	const struct nattrav_pool *pool;
	size_t i;

	if (size < sizeof(*report) ||
	    strncmp(report->version, NATTRAV_VERSION, sizeof(report->version)) != 0)
		return false;
	if (size !=
	    sizeof(*report) + report->pools * sizeof(*pool) + report->streams * sizeof(*stream))
		return false;
	if (!memchr(report->datapath, 0, sizeof(report->datapath)) ||
	    !memchr(report->missing, 0, sizeof(report->missing)) ||
	    !memchr(report->trouble, 0, sizeof(report->trouble)) ||
	    !memchr(report->info.version, 0, sizeof(report->info.version)))
		return false;
	for (i = 0; i < report->streams; i++, stream++) {
		if (!memchr(stream->call, 0, sizeof(stream->call)) ||
		    !memchr(stream->leg[0].realm, 0, sizeof(stream->leg[0].realm)) ||
		    !memchr(stream->leg[1].realm, 0, sizeof(stream->leg[1].realm)) ||
		    stream->leg[0].prefixes > NATTRAV_PREFIX_MAX ||
		    stream->leg[1].prefixes > NATTRAV_PREFIX_MAX)
			return false;
	}
	pool = report_pools(report);
	for (i = 0; i < report->pools; i++, pool++) {
		if (!memchr(pool->realm, 0, sizeof(pool->realm)))
			return false;
	}
	return true;
}

/**
 * ctl_report_get() - ask nattravd of this network namespace
 * @reportp: set to what it tells, to be freed
 *
 * Return: 0; -ENOENT if no nattravd runs here; -EPERM if it does not answer us;
 * -EPROTO if it is of another version; or -errno.
 */
int ctl_report_get(struct report **reportp)
{
	struct report *report = NULL;
	int fd = report_receive(), err = -EPROTO;
	struct stat stat;
	size_t got = 0;
	ssize_t more;

	if (fd < 0)
		return fd;
	if (fstat(fd, &stat) || stat.st_size < (off_t)sizeof(*report))
		goto out;
	report = malloc((size_t)stat.st_size);
	if (!report) {
		err = -ENOMEM;
		goto out;
	}
	while (got < (size_t)stat.st_size) {
		more = pread(fd, (char *)report + got, (size_t)stat.st_size - got, (off_t)got);
		if (more <= 0)
			break;
		got += (size_t)more;
	}
	if (got == (size_t)stat.st_size && report_sound(report, got))
		err = 0;
out:
	close(fd);
	if (err)
		free(report);
	else
		*reportp = report;
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
	switch (ctl_report_get(&ctl->report)) {
	case 0:
		/* With the module gone, a nattravd that used it knows nothing. */
		if (strcmp(ctl->report->datapath, "module") != 0)
			return CTL_OK;
		free(ctl->report);
		ctl->report = NULL;
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
	if (!ctl->report)
		return ctl_fail_kernel(ctl, err);
	return ctl_fail(ctl, "%s", err == -ENOENT ? "no stream has this id" : strerror(-err));
}

int ctl_read_info(struct ctl *ctl, struct nattrav_info *info)
{
	if (!ctl->report)
		return nattrav_info_get(ctl->handle, info);
	*info = ctl->report->info;
	return 0;
}

int ctl_read_pools(struct ctl *ctl, nattrav_pool_fn *fn, void *arg)
{
	const struct nattrav_pool *pool;
	size_t i;
	int err = 0;

	if (!ctl->report)
		return nattrav_pool_dump(ctl->handle, fn, arg);
	pool = report_pools(ctl->report);
	for (i = 0; i < ctl->report->pools && !err; i++)
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

	if (!ctl->report)
		return nattrav_stream_dump(ctl->handle, filter, fn, arg);
	stream = report_streams(ctl->report);
	for (i = 0; i < ctl->report->streams && !err; i++) {
		if (selected(&stream[i], filter))
			err = fn(&stream[i], arg);
	}
	return err;
}

int ctl_read_stream(struct ctl *ctl, uint32_t id, struct nattrav_stream *stream)
{
	size_t i;

	if (!ctl->report)
		return nattrav_stream_get(ctl->handle, id, stream);
	for (i = 0; i < ctl->report->streams; i++) {
		*stream = report_streams(ctl->report)[i];
		if (stream->id == id)
			return 0;
	}
	return -ENOENT;
}
