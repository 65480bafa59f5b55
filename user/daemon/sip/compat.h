/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libre, and the parts of its interface that differ between its releases.
 * Written for 1.1.0 (Debian 12) and 2.0.1 (Debian 13); from 3.0 on fd_listen()
 * hands out a handle, so the rest of nattravd watches descriptors through here.
 */
#ifndef NATTRAVD_SIP_COMPAT_H
#define NATTRAVD_SIP_COMPAT_H

#include <re.h>

/* Call @fn from the event loop whenever @fd is readable. */
static inline int compat_fd_watch(int fd, fd_h *fn, void *arg)
{
	return fd_listen(fd, FD_READ, fn, arg);
}

static inline void compat_fd_unwatch(int fd)
{
	fd_close(fd);
}

#endif
