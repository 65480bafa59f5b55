// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parts of nattravd, in the order in which they need each other: the media side,
 * SIP unless there is to be none, the ng protocol if it is to be, and what operators
 * see of them.
 */
#include "run.h"

#include "log.h"
#include "media/media.h"
#include "ng/ng.h"
#include "reload.h"
#include "sip/server.h"
#include "status.h"

/**
 * struct parts - what runs
 * @media: the media side
 * @server: SIP, or NULL
 * @wheel: timers, where SIP has none
 * @db: the database, where SIP has none
 * @ng: the ng protocol, or NULL
 * @reload: signals
 * @status: status over HTTP, or NULL
 */
struct parts {
	struct media *media;
	struct server *server;
	struct wheel *wheel;
	struct db *db;
	struct ng *ng;
	struct reload *reload;
	struct status *status;
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

	if (parts->server)
		say_hello_sip(config, parts->server);
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
		return server_alloc(&parts->server, config, parts->media);

	err = wheel_alloc(&parts->wheel);
	if (!err)
		err = db_open(&parts->db, config->database, parts->wheel);
	return err;
}

static int parts_alloc(struct parts *parts, struct config *config, const char *path)
{
	struct wheel *wheel;
	struct db *db;
	int err;

	err = media_init(&parts->media, config);
	if (!err)
		err = base_alloc(parts, config);
	if (err)
		return err;

	wheel = parts->server ? parts->server->wheel : parts->wheel;
	db = parts->server ? parts->server->db : parts->db;
	if (!list_isempty(&config->ng))
		err = ng_alloc(&parts->ng, config, parts->media, wheel, db);
	if (!err) {
		const struct reload_parts served = { parts->media, parts->server, parts->ng };

		err = reload_alloc(&parts->reload, config, path, &served);
	}
	if (!err && sa_isset(&config->status, SA_ALL))
		err = status_alloc(&parts->status, &config->status, parts->server, parts->ng);
	return err;
}

int run(struct config *config, const char *path)
{
	struct parts parts = { .media = NULL };
	struct config *last;
	int err;

	err = parts_alloc(&parts, config, path);
	if (!err) {
		say_hello(config, &parts);
		err = re_main(on_signal);
		log_info("exiting; calls stay in the kernel");
	}

	/* they all look into it */
	last = parts.reload ? mem_ref(reload_config(parts.reload)) : NULL;
	mem_deref(parts.reload);
	mem_deref(parts.status);
	mem_deref(parts.ng);
	mem_deref(parts.server);
	mem_deref(parts.db);
	mem_deref(parts.wheel);
	media_close(parts.media);
	mem_deref(last);
	return err;
}
