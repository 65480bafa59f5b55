// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reload and drain.
 */
#include "reload.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"

#define DRAIN_MS 1000

struct reload {
	struct config *config;
	char *path;
	struct server *server;
	int fd;
	sigset_t signals;
	struct wheel_timer drain;
};

static bool listeners_equal(const struct config *a, const struct config *b)
{
	const struct le *la = list_head(&a->listeners), *lb = list_head(&b->listeners);

	for (; la && lb; la = la->next, lb = lb->next) {
		const struct config_listen *x = la->data, *y = lb->data;

		if (x->transport != y->transport || !sa_cmp(&x->addr, &y->addr, SA_ALL) ||
		    strcmp(x->realm, y->realm) != 0)
			return false;
	}

	return !la && !lb;
}

/* What is opened or said once and for all; NULL if nothing of that is another. */
static const char *fixed_difference(const struct config *a, const struct config *b)
{
	if (!listeners_equal(a, b))
		return "listen";
	if (strcmp(a->domain, b->domain) != 0)
		return "domain";
	if (a->ping != b->ping)
		return "ping";
	if (strcmp(a->database, b->database) != 0)
		return "database";
	if (str_cmp(a->accounting ? a->accounting : "", b->accounting ? b->accounting : ""))
		return "accounting";
	if (sa_isset(&a->status, SA_ALL) != sa_isset(&b->status, SA_ALL) ||
	    (sa_isset(&a->status, SA_ALL) && !sa_cmp(&a->status, &b->status, SA_ALL)))
		return "status";
	return NULL;
}

bool reload_now(struct reload *reload)
{
	struct config *config = NULL;
	const char *fixed;
	char *error = NULL;

	if (config_load(&config, reload->path, &error)) {
		log_error("%s: the configuration stays as it was", error ? error : "out of memory");
		mem_deref(error);
		return false;
	}
	fixed = fixed_difference(reload->config, config);
	if (fixed)
		log_error("%s: \"%s\" is another, which takes a restart: the configuration stays "
			  "as it was",
			  reload->path, fixed);
	if (fixed || server_reconfigure(reload->server, config)) {
		mem_deref(config);
		return false;
	}

	mem_deref(reload->config);
	reload->config = config;
	log_info("%s: read again", reload->path);
	return true;
}

struct config *reload_config(const struct reload *reload)
{
	return reload->config;
}

static void drain_look(void *arg)
{
	struct reload *reload = arg;
	const uint32_t calls = dialogs_count(reload->server->dialogs);

	if (!calls) {
		log_info("drained");
		re_cancel();
		return;
	}
	log_debug("draining: %u calls left", calls);
	wheel_start(reload->server->wheel, &reload->drain, DRAIN_MS, drain_look, reload);
}

static void drain_begin(struct reload *reload)
{
	if (reload->server->draining)
		return;
	reload->server->draining = true;
	log_info("draining: no new calls and registrations; ends when %u calls have",
		 dialogs_count(reload->server->dialogs));
	drain_look(reload);
}

static void signal_readable(int flags, void *arg)
{
	struct signalfd_siginfo info;
	struct reload *reload = arg;

	(void)flags;
	if (read(reload->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		(void)reload_now(reload);
	else if (info.ssi_signo == SIGUSR1)
		drain_begin(reload);
}

static void reload_destroy(void *data)
{
	struct reload *reload = data;

	wheel_stop(&reload->drain);
	if (reload->fd >= 0) {
		compat_fd_unwatch(reload->fd);
		(void)close(reload->fd);
		(void)sigprocmask(SIG_UNBLOCK, &reload->signals, NULL);
	}
	mem_deref(reload->path);
	mem_deref(reload->config);
}

int reload_alloc(struct reload **reloadp, struct config *config, const char *path,
		 struct server *server)
{
	struct reload *reload;
	int err;

	reload = mem_zalloc(sizeof(*reload), reload_destroy);
	if (!reload)
		return ENOMEM;

	reload->fd = -1;
	reload->config = mem_ref(config);
	reload->server = server;
	err = str_dup(&reload->path, path);
	if (!err) {
		(void)sigemptyset(&reload->signals);
		(void)sigaddset(&reload->signals, SIGHUP);
		(void)sigaddset(&reload->signals, SIGUSR1);
		(void)sigprocmask(SIG_BLOCK, &reload->signals, NULL);
		reload->fd = signalfd(-1, &reload->signals, SFD_NONBLOCK | SFD_CLOEXEC);
		err = reload->fd < 0 ? errno : compat_fd_watch(reload->fd, signal_readable, reload);
	}
	if (err)
		mem_deref(reload);
	else
		*reloadp = reload;
	return err;
}
