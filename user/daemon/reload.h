/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals: a new configuration (SIGHUP), and an end without losing a call
 * (SIGUSR1).
 */
#ifndef NATTRAVD_RELOAD_H
#define NATTRAVD_RELOAD_H

#include "drain.h"

struct reload;

/**
 * reload_alloc() - begin to listen to signals
 * @reloadp: set to it; drop it with mem_deref() before what is served, whose
 *	configuration is to be kept
 * @config: the present configuration; a reference is taken
 * @path: where it came from
 * @served: what is served
 * @drain: what drains it
 *
 * Return: 0 or an errno.
 */
int reload_alloc(struct reload **reloadp, struct config *config, const char *path,
		 const struct served *served, struct drain *drain);

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
