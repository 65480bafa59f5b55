// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reload.
 */
#include "reload.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"

struct reload {
	struct config *config;
	char *path;
	const struct served *served;
	struct drain *drain;
	int fd;
	sigset_t signals;
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
	if (str_cmp(a->control ? a->control : "", b->control ? b->control : ""))
		return "control";
	return NULL;
}

static int reconfigure(const struct served *served, const struct config *config)
{
	int err;

	err = served->server ? server_reconfigure(served->server, config) :
			       media_reconfigure(served->media, config);
	if (!err && served->ng)
		ng_reconfigure(served->ng, config);
	return err;
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
	if (fixed || reconfigure(reload->served, config)) {
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
		drain_begin(reload->drain);
}

static void reload_destroy(void *data)
{
	struct reload *reload = data;

	if (reload->fd >= 0) {
		compat_fd_unwatch(reload->fd);
		(void)close(reload->fd);
		(void)sigprocmask(SIG_UNBLOCK, &reload->signals, NULL);
	}
	mem_deref(reload->path);
	mem_deref(reload->config);
}

int reload_alloc(struct reload **reloadp, struct config *config, const char *path,
		 const struct served *served, struct drain *drain)
{
	struct reload *reload;
	int err;

	reload = mem_zalloc(sizeof(*reload), reload_destroy);
	if (!reload)
		return ENOMEM;

	reload->fd = -1;
	reload->config = mem_ref(config);
	reload->served = served;
	reload->drain = drain;
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
