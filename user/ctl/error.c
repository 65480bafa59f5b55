// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is said when something fails: what it was, and what to do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"

static void message(const struct ctl *ctl, const char *format, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "nattravctl: ");
	if (ctl->command)
		fprintf(stderr, "%s: ", ctl->command->name);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
}

/**
 * ctl_usage() - the command line was wrong
 * @ctl: the run
 * @format: what is wrong
 *
 * Return: the exit code.
 */
int ctl_usage(const struct ctl *ctl, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	message(ctl, format, ap);
	va_end(ap);
	fprintf(stderr, "Usage: nattravctl %s%s%s\n", ctl->command->name,
		ctl->command->args[0] ? " " : "", ctl->command->args);
	return CTL_USAGE;
}

/**
 * ctl_fail() - the command failed
 * @ctl: the run
 * @format: why
 *
 * Return: the exit code.
 */
int ctl_fail(const struct ctl *ctl, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	message(ctl, format, ap);
	va_end(ap);
	return CTL_FAILED;
}

/* What to do about an error, where that does not follow from the command. */
void ctl_hint(int err)
{
	const char *hint = NULL;

	if (err == -EPERM)
		hint = "this needs CAP_NET_ADMIN: run it as root, or with sudo";
	else if (err == -ENOBUFS || err == -EAGAIN)
		hint = "the answer did not fit into the socket: see with \"nattravctl stream list\" what was done,\n"
		       "use smaller batches, or raise net.core.rmem_max";
	else if (err == -EMSGSIZE)
		hint = "use smaller batches, or raise net.core.wmem_max";
	else if (err == -EBADMSG)
		hint = "the versions of nattravctl and of the module may not fit together";
	if (hint)
		fprintf(stderr, "nattravctl: %s\n", hint);
}

/* The kernel refused the last request, or it failed. */
int ctl_fail_kernel(const struct ctl *ctl, int err)
{
	ctl_fail(ctl, "%s", nattrav_strerror(ctl->handle));
	ctl_hint(err);
	return CTL_FAILED;
}

int ctl_fail_open(const struct ctl *ctl, int err)
{
	struct ctl plain = *ctl;

	if (err != -ENOENT)
		return ctl_fail(ctl, "cannot talk to the kernel: %s", strerror(-err));
	/* True of every command, so that none is named. */
	plain.command = NULL;
	return ctl_fail(
		&plain,
		"the nattrav module is not loaded: run \"modprobe nattrav\" (or insmod nattrav.ko)");
}

/**
 * ctl_open() - connect to the module
 * @ctl: the run
 *
 * Return: CTL_OK, or an exit code after a message.
 */
int ctl_open(struct ctl *ctl)
{
	int err = nattrav_open(&ctl->handle);

	return err ? ctl_fail_open(ctl, err) : CTL_OK;
}
