/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database: what must outlive the daemon. SQLite with a write-ahead log.
 *
 * Writes go through at once, but into a transaction that stays open for up to
 * 100 ms: a storm of registrations costs one commit per 100 ms and not one each,
 * and there is no second queue in memory that could differ from the database. A
 * daemon that is killed loses the last 100 ms; a clean exit loses nothing. All
 * look-ups are served from memory.
 */
#ifndef NATTRAVD_REGISTRAR_DB_H
#define NATTRAVD_REGISTRAR_DB_H

#include "sip/flow.h"

#include <sqlite3.h>

struct db;

/**
 * db_open() - open or create the database
 * @dbp: set to the database; drop it with mem_deref() after all its statements
 * @path: path of the file; the folder is made if only it is missing
 * @wheel: runs the timer of the commit
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int db_open(struct db **dbp, const char *path, struct wheel *wheel);

/* Prepare a statement; drop it with sqlite3_finalize(). Logs why it failed. */
int db_prepare(struct db *db, sqlite3_stmt **stmt, const char *sql);

/**
 * db_write() - run a bound statement that changes something
 * @db: the database
 * @stmt: the statement; reset and unbound afterwards
 *
 * A failure is logged and the daemon goes on with what it has in memory.
 */
void db_write(struct db *db, sqlite3_stmt *stmt);

/* Commit now what is not committed yet. */
void db_commit(struct db *db);

/**
 * db_secret() - a random value that is drawn once in the life of the database
 * @db: the database
 * @name: its name
 * @data: where it goes
 * @len: how many bytes
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int db_secret(struct db *db, const char *name, uint8_t *data, size_t len);

/* Bind and read slices; an absent text is an empty slice. */
void db_bind_pl(sqlite3_stmt *stmt, int index, const struct pl *pl);
struct pl db_column_pl(sqlite3_stmt *stmt, int column);

/* The name of a flow, in two columns: "tcp/192.0.2.1:5060" and the remote address. */
void db_bind_flow(sqlite3_stmt *stmt, int index, const struct flow_id *flow);
bool db_column_flow(sqlite3_stmt *stmt, int column, struct flow_id *flow);

#endif
