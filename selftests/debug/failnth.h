/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failing the n-th allocation that this task makes: /proc/self/fail-nth. It counts in
 * what the task does itself, not in interrupts and workers.
 */
#ifndef NATTRAV_DEBUG_FAILNTH_H
#define NATTRAV_DEBUG_FAILNTH_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Far more allocations than anything here makes. */
#define NTH_MAX 2000

static int fail_fd;

static inline void fatal(const char *what, int err)
{
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(1);
}

static inline void fail_open(void)
{
	fail_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_fd < 0)
		fatal("no /proc/self/fail-nth", -errno);
}

/* 0: fail none. */
static inline void fail_set(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_fd, text, len, 0) != len)
		fatal("cannot write fail-nth", -errno);
}

/* How many allocations there were still to be made; 0 if one has failed. */
static inline int fail_left(void)
{
	char text[16] = "";

	if (pread(fail_fd, text, sizeof(text) - 1, 0) < 0)
		fatal("cannot read fail-nth", -errno);
	return atoi(text);
}

#endif
