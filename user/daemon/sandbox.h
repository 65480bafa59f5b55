/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nattravd gives away once all is open: every capability but CAP_NET_ADMIN,
 * and every system call that relaying calls does not take (seccomp).
 *
 * The unit of systemd has a filter of its own, but that has to leave in what a
 * start takes, execve() above all, and there is none in containers.
 */
#ifndef NATTRAVD_SANDBOX_H
#define NATTRAVD_SANDBOX_H

/*
 * Enter it, for good. Where the kernel does not have seccomp that is logged, and the
 * daemon goes on without.
 */
void sandbox_enter(void);

#endif
