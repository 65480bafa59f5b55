// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SQLite.
 */
#include "registrar/db.h"

#include "log.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMIT_MS 100
/* another process, such as a backup, may hold the file that long */
#define BUSY_MS 1000
/* between two lines about what cannot be written */
#define QUIET_MS 10000

struct db {
	sqlite3 *handle;
	char *path;
	struct wheel *wheel;
	struct wheel_timer commit;
	uint64_t quiet_until;
	unsigned int complaints;
};

/* What makes of each version of the tables the next one; the first is an empty file. */
static const char *const versions[] = {
	"CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE binding (id INTEGER PRIMARY KEY, aor TEXT NOT NULL, contact TEXT NOT NULL,"
	" instance TEXT NOT NULL, reg_id INTEGER NOT NULL, callid TEXT NOT NULL,"
	" cseq INTEGER NOT NULL, q INTEGER NOT NULL, expires INTEGER NOT NULL,"
	" local TEXT NOT NULL, remote TEXT NOT NULL, age INTEGER NOT NULL);"
	"CREATE TABLE dialog (callid TEXT PRIMARY KEY, from_tag TEXT NOT NULL,"
	" to_tag TEXT NOT NULL, caller TEXT NOT NULL, callee TEXT NOT NULL,"
	" local_a TEXT NOT NULL, remote_a TEXT NOT NULL, local_b TEXT NOT NULL,"
	" remote_b TEXT NOT NULL, answered INTEGER NOT NULL) WITHOUT ROWID;",
	"ALTER TABLE binding ADD COLUMN path TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE binding ADD COLUMN keeps INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE dialog ADD COLUMN branch INTEGER NOT NULL DEFAULT 0;",
	"CREATE TABLE ng_call (id BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;",
	"ALTER TABLE dialog ADD COLUMN again INTEGER NOT NULL DEFAULT 0;",
};

#define DB_VERSION ((int)ARRAY_SIZE(versions))
/* no nattravd will ever know of more */
#define DB_VERSION_SOUND 1000

/* A disk that is full is full for each of a thousand writes a second. */
static void db_complain(struct db *db)
{
	const uint64_t now = wheel_now();

	if (now < db->quiet_until) {
		db->complaints++;
		return;
	}
	log_error(
		"database %s: %s; what is not written is lost with a restart (%u times more since "
		"the last such line)",
		db->path, sqlite3_errmsg(db->handle), db->complaints);
	db->complaints = 0;
	db->quiet_until = now + QUIET_MS;
}

/* Whether what is in the file is wrong, and not the disk, or somebody else in it. */
static bool is_damage(int code)
{
	return code == SQLITE_ERROR || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static int db_exec(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	db_complain(db);
	return is_damage(sqlite3_errcode(db->handle)) ? EBADMSG : EIO;
}

void db_commit(struct db *db)
{
	wheel_stop(&db->commit);
	if (!sqlite3_get_autocommit(db->handle))
		(void)db_exec(db, "COMMIT");
}

static void db_commit_timer(void *arg)
{
	db_commit(arg);
}

static void db_destroy(void *data)
{
	struct db *db = data;

	if (db->handle)
		db_commit(db);
	sqlite3_close(db->handle);
	mem_deref(db->path);
}

static int db_version(struct db *db, int *version)
{
	sqlite3_stmt *stmt;
	int err;

	err = db_prepare(db, &stmt, "PRAGMA user_version");
	if (err)
		return err;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*version = sqlite3_column_int(stmt, 0);
	else
		err = EIO;
	sqlite3_finalize(stmt);
	return err;
}

static int db_tables(struct db *db)
{
	char pragma[64];
	int version = 0;
	int err;

	err = db_version(db, &version);
	if (err || version == DB_VERSION)
		return err;
	if (version < 0 || version > DB_VERSION_SOUND)
		return EBADMSG;
	if (version > DB_VERSION) {
		log_error("database %s: has version %d, this nattravd knows %d; move it away to "
			  "begin with an empty one",
			  db->path, version, DB_VERSION);
		return EINVAL;
	}
	(void)re_snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", DB_VERSION);
	err = db_exec(db, "BEGIN");
	while (!err && version < DB_VERSION)
		err = db_exec(db, versions[version++]);
	if (!err)
		err = db_exec(db, pragma);
	if (!err)
		err = db_exec(db, "COMMIT");
	return err;
}

/* The folder of the file, if only it is missing: /var/lib/nattrav on a new host. */
static void db_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct pl folder = { path, slash ? (size_t)(slash - path) : 0 };
	char *name;

	if (!folder.l || pl_strdup(&name, &folder))
		return;
	/* whatever goes wrong here, opening the file tells */
	(void)mkdir(name, 0750);
	mem_deref(name);
}

static int db_connect(struct db *db)
{
	if (sqlite3_open(db->path, &db->handle) != SQLITE_OK) {
		db_complain(db);
		return EIO;
	}
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	return 0;
}

/* False if it is damaged; what cannot be told is left to whoever reads it. */
static bool db_is_sound(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	bool sound = true;
	int rc;

	rc = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		sound = !str_cmp((const char *)sqlite3_column_text(stmt, 0), "ok");
	else
		sound = !is_damage(rc & 0xff);
	sqlite3_finalize(stmt);
	return sound;
}

/* Whether the tables have the columns that will be asked for. */
static bool db_has_columns(struct db *db)
{
	static const char *const all[] = {
		"SELECT name, value FROM secret",
		"SELECT id, aor, contact, instance, reg_id, callid, cseq, q, expires, local, remote,"
		" age, path, keeps FROM binding",
		"SELECT callid, from_tag, to_tag, caller, callee, local_a, remote_a, local_b,"
		" remote_b, answered, branch, again FROM dialog",
	};
	sqlite3_stmt *stmt;
	bool has = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all) && has; i++) {
		has = sqlite3_prepare_v2(db->handle, all[i], -1, &stmt, NULL) == SQLITE_OK;
		sqlite3_finalize(stmt);
	}

	return has;
}

/* EBADMSG if it is damaged. */
static int db_begin(struct db *db)
{
	int err;

	if (!db_is_sound(db))
		return EBADMSG;
	/* after a crash of the host the last commits may be missing, never the rest */
	err = db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL") ?:
										      db_tables(db);
	return err ? err : db_has_columns(db) ? 0 : EBADMSG;
}

/* Calls go on in the kernel, and terminals register again: better than not to start. */
static int db_put_aside(struct db *db)
{
	static const char *const companions[] = { "-wal", "-shm" };
	char *name = NULL;
	size_t i;
	int err;

	sqlite3_close(db->handle);
	db->handle = NULL;
	err = re_sdprintf(&name, "%s.damaged", db->path);
	if (!err && rename(db->path, name))
		err = errno;
	if (err)
		log_error("database %s is damaged, and cannot be put aside: %m", db->path, err);
	else
		log_error("database %s is damaged: it is kept as %s, and nattravd begins without "
			  "registrations and calls",
			  db->path, name);
	name = mem_deref(name);
	for (i = 0; i < ARRAY_SIZE(companions) && !err; i++) {
		err = re_sdprintf(&name, "%s%s", db->path, companions[i]);
		if (!err)
			(void)unlink(name);
		name = mem_deref(name);
	}
	return err;
}

int db_open(struct db **dbp, const char *path, struct wheel *wheel)
{
	mode_t mask;
	struct db *db;
	int err;

	db = mem_zalloc(sizeof(*db), db_destroy);
	if (!db)
		return ENOMEM;
	db->wheel = wheel;
	err = str_dup(&db->path, path);
	if (err)
		goto out;

	db_folder(path);
	/* the file holds the key that tokens are signed with */
	mask = umask(077);
	err = db_connect(db) ?: db_begin(db);
	if (err == EBADMSG)
		err = db_put_aside(db) ?: db_connect(db) ?: db_begin(db);
	(void)umask(mask);
out:
	if (err)
		mem_deref(db);
	else
		*dbp = db;
	return err;
}

int db_prepare(struct db *db, sqlite3_stmt **stmt, const char *sql)
{
	*stmt = NULL;
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) ==
	    SQLITE_OK)
		return 0;
	log_error("database %s: %s", db->path, sqlite3_errmsg(db->handle));
	return EIO;
}

void db_write(struct db *db, sqlite3_stmt *stmt)
{
	if (sqlite3_get_autocommit(db->handle))
		(void)db_exec(db, "BEGIN");
	if (sqlite3_step(stmt) != SQLITE_DONE)
		db_complain(db);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	if (!wheel_running(&db->commit))
		wheel_start(db->wheel, &db->commit, COMMIT_MS, db_commit_timer, db);
}

int db_secret(struct db *db, const char *name, uint8_t *data, size_t len)
{
	sqlite3_stmt *stmt;
	int err;

	err = db_prepare(db, &stmt, "SELECT value FROM secret WHERE name = ?");
	if (err)
		return err;
	(void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW && (size_t)sqlite3_column_bytes(stmt, 0) == len) {
		memcpy(data, sqlite3_column_blob(stmt, 0), len);
		goto out;
	}
	sqlite3_finalize(stmt);

	if (getrandom(data, len, 0) != (ssize_t)len)
		return EIO;
	err = db_prepare(db, &stmt, "INSERT OR REPLACE INTO secret VALUES (?, ?)");
	if (err)
		return err;
	(void)sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(stmt, 2, data, (int)len, SQLITE_STATIC);
	db_write(db, stmt);
	db_commit(db);
out:
	sqlite3_finalize(stmt);
	return 0;
}

void db_bind_pl(sqlite3_stmt *stmt, int index, const struct pl *pl)
{
	(void)sqlite3_bind_text(stmt, index, pl->p ? pl->p : "", (int)pl->l, SQLITE_TRANSIENT);
}

struct pl db_column_pl(sqlite3_stmt *stmt, int column)
{
	/* the text first: asking for it may change its length */
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return (struct pl){ text, text ? (size_t)sqlite3_column_bytes(stmt, column) : 0 };
}

static void bind_text(sqlite3_stmt *stmt, int index, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int err;

	va_start(ap, fmt);
	err = re_vsdprintf(&text, fmt, ap);
	va_end(ap);
	if (err)
		return;
	(void)sqlite3_bind_text(stmt, index, text, -1, SQLITE_TRANSIENT);
	mem_deref(text);
}

void db_bind_flow(sqlite3_stmt *stmt, int index, const struct flow_id *flow)
{
	bind_text(stmt, index, "%s/%J", transport_name(flow->transport), &flow->local);
	bind_text(stmt, index + 1, "%J", &flow->remote);
}

/* Without a transport, as it was written at first, it is one over UDP. */
static struct pl transport_take(struct pl text, enum transport *transport)
{
	unsigned int i;

	*transport = TRANSPORT_UDP;
	for (i = 0; i < TRANSPORT_COUNT; i++) {
		const char *name = transport_name((enum transport)i);
		const size_t len = strlen(name);

		if (text.l <= len || memcmp(text.p, name, len) || text.p[len] != '/')
			continue;
		*transport = (enum transport)i;
		pl_advance(&text, (ssize_t)len + 1);
		break;
	}

	return text;
}

bool db_column_flow(sqlite3_stmt *stmt, int column, struct flow_id *flow)
{
	struct pl local = db_column_pl(stmt, column);
	struct pl remote;

	if (!local.p)
		return false;
	local = transport_take(local, &flow->transport);
	if (sa_decode(&flow->local, local.p, local.l))
		return false;

	remote = db_column_pl(stmt, column + 1);
	return remote.p && !sa_decode(&flow->remote, remote.p, remote.l);
}
