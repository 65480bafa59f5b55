/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the calls of the ng protocol are kept for another life of this process. A
 * call is stored as ng_call_export() has it, in bencode.
 */
#ifndef NATTRAVD_NG_STORE_H
#define NATTRAVD_NG_STORE_H

#include "ng/call.h"

struct db;
struct ng_store;

int ng_store_alloc(struct ng_store **storep, struct db *db);
void ng_store_load(struct ng_store *store, struct ng_calls *calls);
void ng_store_put(struct ng_store *store, const struct ng_call *call);
void ng_store_del(struct ng_store *store, const struct pl *id);

#endif
