/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An end without losing a call: nothing new is taken, and with the last call the
 * daemon exits.
 */
#ifndef NATTRAVD_DRAIN_H
#define NATTRAVD_DRAIN_H

#include "served.h"

struct drain;

/* Drop it with mem_deref() before what is served. */
int drain_alloc(struct drain **drainp, const struct served *served);

/* Take no new calls and registrations, and end the event loop when no call is left. */
void drain_begin(struct drain *drain);

/* Take them again. */
void drain_cancel(struct drain *drain);

#endif
