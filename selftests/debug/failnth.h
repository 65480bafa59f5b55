/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failing the n-th allocation that this task makes: /proc/self/fail-nth. It counts in
 * what the task does itself, not in interrupts and workers. Who asks for less after that
 * must be refused once more to fail: FAILSLAB with a probability of 100, for tasks that
 * are marked (/proc/self/make-it-fail), as often as its "times" say.
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

#define FAILSLAB_TIMES "/sys/kernel/debug/failslab/times"

static int fail_fd, fail_marked_fd, fail_times_fd;

static inline void fatal(const char *what, int err)
{
	printf("Bail out! %s: %s\n", what, strerror(-err));
	exit(1);
}

static inline int fail_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		fatal(path, -errno);
	return fd;
}

static inline void fail_open(void)
{
	fail_fd = fail_file("/proc/self/fail-nth", O_RDWR);
	fail_marked_fd = fail_file("/proc/self/make-it-fail", O_WRONLY);
	fail_times_fd = fail_file(FAILSLAB_TIMES, O_WRONLY);
}

/* All of them look at what is written and not at where. */
static inline void fail_write(int fd, unsigned int number)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", number);

	if (write(fd, text, len) != len)
		fatal("cannot write how to fail", -errno);
}

/* 0: fail none. */
static inline void fail_set(unsigned int nth)
{
	fail_write(fail_fd, nth);
}

/*
 * From the n-th on so many; 0: fail none any more. The first one counts as one of the
 * times of FAILSLAB, unless it was a page.
 */
static inline void fail_set_row(unsigned int nth, unsigned int row)
{
	if (!nth)
		fail_write(fail_marked_fd, 0);
	fail_write(fail_times_fd, row > 1 ? row : 0);
	/* before the mark, or what it makes itself would fail */
	fail_set(nth);
	if (nth)
		fail_write(fail_marked_fd, 1);
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
