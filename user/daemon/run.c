// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parts of nattravd, in the order in which they need each other: the media side,
 * SIP unless there is to be none, the ng protocol if it is to be, and what operators
 * see of them.
 */
#include "run.h"

#include "control.h"
#include "log.h"
#include "media/media.h"
#include "reload.h"
#include "sandbox.h"
#include "status.h"

/**
 * struct parts - what runs
 * @served: what is served
 * @wheel: timers, where SIP has none
 * @db: the database, where SIP has none
 * @drain: what drains it
 * @reload: signals
 * @status: status over HTTP, or NULL
 * @control: what nattravctl speaks to, or NULL
 */
struct parts {
	struct served served;
	struct wheel *wheel;
	struct db *db;
	struct drain *drain;
	struct reload *reload;
	struct status *status;
	struct control *control;
};

static void on_signal(int sig)
{
	(void)sig;
	re_cancel();
}

static bool count_user(struct le *le, void *arg)
{
	size_t *count = arg;

	(void)le;
	(*count)++;
	return false;
}

static void say_hello_sip(const struct config *config, const struct server *server)
{
	size_t users = 0;
	struct le *le;

	LIST_FOREACH(&config->listeners, le) {
		const struct config_listen *listen = le->data;

		log_info("listening on %s %J, realm %s", transport_name(listen->transport),
			 &listen->addr, listen->realm);
	}
	(void)hash_apply(config->users, count_user, &users);
	log_info("domain %s, %zu users", config->domain, users);
	log_info("restored from %s: %u registered paths, %u calls", config->database,
		 location_count(server->location), dialogs_count(server->dialogs));
}

static void say_hello(const struct config *config, const struct parts *parts)
{
	struct le *le;

	if (parts->served.server)
		say_hello_sip(config, parts->served.server);
	else
		log_info("media only: no SIP");
	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *pool = le->data;

		log_info("relay %j ports %u-%u, realm %s", &pool->addr, pool->port_min,
			 pool->port_max, pool->realm);
	}
}

/* What SIP brings along, the ng protocol needs as well. */
static int base_alloc(struct parts *parts, const struct config *config)
{
	int err;

	if (!config->media_only)
		return server_alloc(&parts->served.server, config, parts->served.media);

	err = wheel_alloc(&parts->wheel);
	if (!err)
		err = db_open(&parts->db, config->database, parts->wheel);
	return err;
}

/* Without it calls work all the same, unless somebody asked for it by name. */
static int control_open(struct parts *parts, const struct config *config)
{
	const char *path = config->control ? config->control : CONTROL_SOCKET;
	const int err = control_alloc(&parts->control, path, &parts->served, parts->drain);

	return config->control ? err : 0;
}

static int parts_alloc(struct parts *parts, struct config *config, const char *path)
{
	struct served *served = &parts->served;
	struct db *db;
	int err;

	err = media_init(&served->media, config);
	if (!err)
		err = base_alloc(parts, config);
	if (err)
		return err;

	served->wheel = served->server ? served->server->wheel : parts->wheel;
	db = served->server ? served->server->db : parts->db;
	if (!list_isempty(&config->ng))
		err = ng_alloc(&served->ng, config, served->media, served->wheel, db);
	if (!err)
		err = drain_alloc(&parts->drain, served);
	if (!err)
		err = reload_alloc(&parts->reload, config, path, served, parts->drain);
	if (!err && sa_isset(&config->status, SA_ALL))
		err = status_alloc(&parts->status, &config->status, served->server, served->ng);
	if (!err)
		err = control_open(parts, config);
	return err;
}

int run(struct config *config, const char *path, bool sandbox)
{
	struct parts parts = { .wheel = NULL };
	struct config *last;
	int err;

	err = parts_alloc(&parts, config, path);
	if (!err) {
		say_hello(config, &parts);
		if (sandbox)
			sandbox_enter();
		err = re_main(on_signal);
		log_info("exiting; calls stay in the kernel");
	}

	/* they all look into it */
	last = parts.reload ? mem_ref(reload_config(parts.reload)) : NULL;
	mem_deref(parts.control);
	mem_deref(parts.reload);
	mem_deref(parts.drain);
	mem_deref(parts.status);
	mem_deref(parts.served.ng);
	mem_deref(parts.served.server);
	mem_deref(parts.db);
	mem_deref(parts.wheel);
	media_close(parts.served.media);
	mem_deref(last);
	return err;
}
