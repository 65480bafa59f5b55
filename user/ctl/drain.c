// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drain: nattravd takes nothing new and exits with its last call.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"
#include "ctl.h"

/* An answer that does not come is none. */
#define PATIENCE_MS 5000
/* How often is asked while it is waited. */
#define EVERY_MS 1000

/**
 * struct progress - what nattravd said last
 * @draining: it takes nothing new
 * @calls: how many there are
 */
struct progress {
	bool draining;
	json_int_t calls;
};

static int control_connect(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&name, sizeof(name))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int connect_fail(const struct ctl *ctl, const char *path, int err)
{
	if (err == -ENOENT || err == -ECONNREFUSED)
		return ctl_fail(ctl, "nattravd does not run here, or listens elsewhere than at %s",
				path);
	if (err == -EACCES)
		return ctl_fail(ctl,
				"%s: not permitted: this is for root and the members of the group "
				"of nattravd",
				path);
	return ctl_fail(ctl, "%s: %s", path, strerror(-err));
}

/* 1 and what was told, 0 at the end of nattravd, or -errno. */
static int progress_receive(int fd, int timeout, json_t **json)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	char text[8192];
	ssize_t len;

	if (poll(&pollfd, 1, timeout) <= 0)
		return -ETIMEDOUT;
	len = recv(fd, text, sizeof(text), 0);
	if (len < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (!len)
		return 0;
	*json = json_loadb(text, (size_t)len, 0, NULL);
	return *json ? 1 : -EBADMSG;
}

static int ask(int fd, const char *word, json_t **json)
{
	int told;

	if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return -errno;
	told = progress_receive(fd, PATIENCE_MS, json);
	return told;
}

static struct progress progress_read(const json_t *json)
{
	return (struct progress){
		.draining = json_integer_value(json_object_get(json, "draining")),
		.calls = json_integer_value(json_object_get(json, "calls")),
	};
}

static void progress_print(const struct ctl *ctl, const json_t *json,
			   const struct progress *progress)
{
	if (ctl->json)
		json_dumpf(json, stdout, JSON_COMPACT);
	else if (progress->draining)
		printf("draining, %" JSON_INTEGER_FORMAT " calls left", progress->calls);
	else
		printf("not draining, %" JSON_INTEGER_FORMAT " calls", progress->calls);
	putchar('\n');
	fflush(stdout);
}

/* Until nattravd says good-bye: what it said last tells how it ended. */
static int drain_wait(const struct ctl *ctl, int fd, struct progress progress)
{
	json_int_t shown = progress.calls;
	json_t *json = NULL;
	int told;

	for (;;) {
		told = progress_receive(fd, EVERY_MS, &json);
		if (told == -ETIMEDOUT)
			told = ask(fd, "status", &json);
		if (told <= 0)
			break;
		progress = progress_read(json);
		if (progress.calls != shown || !progress.draining)
			progress_print(ctl, json, &progress);
		shown = progress.calls;
		json_decref(json);
		if (!progress.draining)
			return ctl_fail(ctl, "somebody has called it off");
	}
	if (told < 0)
		return ctl_fail(ctl, "nattravd does not answer: %s", strerror(-told));
	if (progress.calls)
		return ctl_fail(ctl, "nattravd ended with %" JSON_INTEGER_FORMAT " calls",
				progress.calls);
	if (!ctl->json)
		printf("drained, nattravd has exited\n");
	return CTL_OK;
}

static int drain_run(const struct ctl *ctl, int fd, const char *word, bool wait)
{
	struct progress progress;
	json_t *json = NULL;
	int told;

	told = ask(fd, word, &json);
	if (!told)
		return ctl_fail(ctl,
				"nattravd refuses: this is for root and the members of its group");
	if (told < 0)
		return ctl_fail(ctl, "nattravd does not answer: %s", strerror(-told));
	progress = progress_read(json);
	progress_print(ctl, json, &progress);
	json_decref(json);
	return wait ? drain_wait(ctl, fd, progress) : CTL_OK;
}

int ctl_drain(struct ctl *ctl, struct ctl_words words)
{
	const char *path = CONTROL_SOCKET, *word = "drain";
	bool wait = false;
	int fd, status;
	size_t i;

	for (i = 0; i < words.count; i++) {
		if (!strcmp(words.word[i], "--wait"))
			wait = true;
		else if (!strcmp(words.word[i], "--cancel"))
			word = "cancel";
		else if (!strcmp(words.word[i], "--control") && i + 1 < words.count)
			path = words.word[++i];
		else
			return ctl_usage(ctl, "unknown word \"%s\"", words.word[i]);
	}
	if (wait && !strcmp(word, "cancel"))
		return ctl_usage(ctl, "--cancel leaves nothing to wait for");
	fd = control_connect(path);
	if (fd < 0)
		return connect_fail(ctl, path, fd);
	status = drain_run(ctl, fd, word, wait);
	close(fd);
	return status;
}
