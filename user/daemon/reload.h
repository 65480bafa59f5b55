/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals: a new configuration (SIGHUP), and an end without losing a call
 * (SIGUSR1).
 */
#ifndef NATTRAVD_RELOAD_H
#define NATTRAVD_RELOAD_H

#include "ng/ng.h"
#include "sip/server.h"

struct reload;

/**
 * struct reload_parts - what takes another configuration, and is drained
 * @media: the media side
 * @server: SIP, or NULL
 * @ng: the ng protocol, or NULL
 */
struct reload_parts {
	struct media *media;
	struct server *server;
	struct ng *ng;
};

/**
 * reload_alloc() - begin to listen to signals
 * @reloadp: set to it; drop it with mem_deref() before the parts, whose
 *	configuration is to be kept
 * @config: the present configuration; a reference is taken
 * @path: where it came from
 * @parts: what is served
 *
 * Return: 0 or an errno.
 */
int reload_alloc(struct reload **reloadp, struct config *config, const char *path,
		 const struct reload_parts *parts);

/**
 * reload_now() - read the configuration again
 * @reload: as above
 *
 * All of it or nothing: what cannot be read, or needs a restart, leaves everything
 * as it was. Calls and registrations stay in any case.
 *
 * Return: whether the new one holds.
 */
bool reload_now(struct reload *reload);

/* The present configuration. */
struct config *reload_config(const struct reload *reload);

#endif
