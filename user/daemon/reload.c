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
	struct reload_parts parts;
	bool draining;
	int fd;
	sigset_t signals;
	struct tmr drain;
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

static bool ng_equal(const struct config *a, const struct config *b)
{
	const struct le *la = list_head(&a->ng), *lb = list_head(&b->ng);

	for (; la && lb; la = la->next, lb = lb->next) {
		const struct config_ng *x = la->data, *y = lb->data;

		if (x->transport != y->transport ||
		    str_cmp(x->path ? x->path : "", y->path ? y->path : "") ||
		    (!x->path && !sa_cmp(&x->addr, &y->addr, SA_ALL)))
			return false;
	}

	return !la && !lb;
}

/* What is opened or said once and for all; NULL if nothing of that is another. */
static const char *fixed_difference(const struct config *a, const struct config *b)
{
	if (a->media_only != b->media_only || (!a->media_only && !listeners_equal(a, b)))
		return "listen";
	if (!ng_equal(a, b))
		return "ng";
	if (!a->media_only && strcmp(a->domain, b->domain) != 0)
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

static int parts_reconfigure(const struct reload_parts *parts, const struct config *config)
{
	int err;

	err = parts->server ? server_reconfigure(parts->server, config) :
			      media_reconfigure(parts->media, config);
	if (!err && parts->ng)
		ng_reconfigure(parts->ng, config);
	return err;
}

static uint32_t parts_calls(const struct reload_parts *parts)
{
	return (parts->server ? dialogs_count(parts->server->dialogs) : 0) +
	       (parts->ng ? ng_count(parts->ng) : 0);
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
	/* that there is no SIP may have been said on the command line */
	config->media_only = config->media_only ||
			     (reload->config->media_only && !list_isempty(&config->ng));
	fixed = fixed_difference(reload->config, config);
	if (fixed)
		log_error("%s: \"%s\" is another, which takes a restart: the configuration stays "
			  "as it was",
			  reload->path, fixed);
	if (fixed || parts_reconfigure(&reload->parts, config)) {
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
	const uint32_t calls = parts_calls(&reload->parts);

	if (!calls) {
		log_info("drained");
		re_cancel();
		return;
	}
	log_debug("draining: %u calls left", calls);
	tmr_start(&reload->drain, DRAIN_MS, drain_look, reload);
}

static void drain_begin(struct reload *reload)
{
	if (reload->draining)
		return;
	reload->draining = true;
	if (reload->parts.server)
		reload->parts.server->draining = true;
	if (reload->parts.ng)
		ng_drain(reload->parts.ng);
	log_info("draining: no new calls and registrations; ends when %u calls have",
		 parts_calls(&reload->parts));
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

	tmr_cancel(&reload->drain);
	if (reload->fd >= 0) {
		compat_fd_unwatch(reload->fd);
		(void)close(reload->fd);
		(void)sigprocmask(SIG_UNBLOCK, &reload->signals, NULL);
	}
	mem_deref(reload->path);
	mem_deref(reload->config);
}

int reload_alloc(struct reload **reloadp, struct config *config, const char *path,
		 const struct reload_parts *parts)
{
	struct reload *reload;
	int err;

	reload = mem_zalloc(sizeof(*reload), reload_destroy);
	if (!reload)
		return ENOMEM;

	reload->fd = -1;
	reload->config = mem_ref(config);
	reload->parts = *parts;
	tmr_init(&reload->drain);
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
