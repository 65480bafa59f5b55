// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The store in the database.
 */
#include "ng/store.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "ng/bencode.h"
#include "registrar/db.h"

/**
 * struct ng_store - the store
 * @db: the database
 * @put: stores a call
 * @del: removes one
 */
struct ng_store {
	struct db *db;
	sqlite3_stmt *put;
	sqlite3_stmt *del;
};

static void store_destructor(void *arg)
{
	struct ng_store *store = arg;

	(void)sqlite3_finalize(store->put);
	(void)sqlite3_finalize(store->del);
}

/**
 * ng_store_alloc() - use a database
 * @storep: set to the store; drop it with mem_deref() before the database
 * @db: the database
 *
 * Return: 0 or an errno, logged.
 */
int ng_store_alloc(struct ng_store **storep, struct db *db)
{
	struct ng_store *store = mem_zalloc(sizeof(*store), store_destructor);
	int err;

	if (!store)
		return ENOMEM;

	store->db = db;
	err = db_prepare(db, &store->put, "INSERT OR REPLACE INTO ng_call VALUES (?1, ?2)");
	if (!err)
		err = db_prepare(db, &store->del, "DELETE FROM ng_call WHERE id = ?1");
	if (err)
		mem_deref(store);
	else
		*storep = store;
	return err;
}

static void row_load(sqlite3_stmt *stmt, struct ng_calls *calls)
{
	const char *data = sqlite3_column_blob(stmt, 0);
	json_t *json = bencode_decode(data, data ? (size_t)sqlite3_column_bytes(stmt, 0) : 0);

	if (!json || ng_call_import(calls, json))
		log_warn("ng: a stored call cannot be read and is forgotten");
	json_decref(json);
}

/**
 * ng_store_load() - read all calls
 * @store: the store
 * @calls: where they go
 */
void ng_store_load(struct ng_store *store, struct ng_calls *calls)
{
	sqlite3_stmt *stmt;

	if (db_prepare(store->db, &stmt, "SELECT state FROM ng_call"))
		return;
	while (sqlite3_step(stmt) == SQLITE_ROW)
		row_load(stmt, calls);
	(void)sqlite3_finalize(stmt);
}

static void bind_id(sqlite3_stmt *stmt, const struct pl *id)
{
	(void)sqlite3_bind_blob(stmt, 1, id->l ? id->p : "", (int)id->l, SQLITE_STATIC);
}

/**
 * ng_store_put() - store a call in place of what was stored of it
 * @store: the store, or NULL
 * @call: the call
 */
void ng_store_put(struct ng_store *store, const struct ng_call *call)
{
	const struct pl id = { call->id, call->id_len };
	char *data = NULL;
	size_t len = 0;
	json_t *json;

	if (!store)
		return;

	json = ng_call_export(call);
	if (json)
		data = bencode_encode(json, &len);
	json_decref(json);
	if (!data) {
		log_warn("ng: call %r is not stored: out of memory", &id);
		return;
	}

	bind_id(store->put, &id);
	(void)sqlite3_bind_blob(store->put, 2, data, (int)len, SQLITE_STATIC);
	db_write(store->db, store->put);
	free(data);
}

/**
 * ng_store_del() - forget a call
 * @store: the store, or NULL
 * @id: its Call-ID
 */
void ng_store_del(struct ng_store *store, const struct pl *id)
{
	if (!store)
		return;

	bind_id(store->del, id);
	db_write(store->db, store->del);
}
