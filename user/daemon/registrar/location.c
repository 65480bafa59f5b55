// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bindings in memory, by user and by flow, and their copy in the database.
 */
#include "registrar/location.h"

#include "log.h"
#include "sip/keyhash.h"

#include <time.h>

#define BUCKETS 8192
/* a hundred thousand terminals would be more than a thousand lines a second each minute */
#define TOLD_MS  (3600ull * 1000)
#define MS_PER_S 1000
/* the greatest that the configuration and a REGISTER can ask for */
#define LIFETIME_MAX (7ull * 24 * 3600)
#define Q_MAX        1000

#define PING_TRIES 3
/* threat S4 */
#define PING_MIN_MS (20 * MS_PER_S)

struct location {
	struct db *db;
	struct wheel *wheel;
	struct hash *aors;
	struct hash *flows;
	uint32_t count;
	int64_t last_id;
	uint64_t last_age;
	uint64_t ping_ms;
	location_ping_fn *ping;
	void *ping_arg;
	sqlite3_stmt *store;
	sqlite3_stmt *erase;
};

static uint64_t seconds_now(void)
{
	return (uint64_t)time(NULL);
}

static void aor_destroy(void *data)
{
	struct aor *aor = data;

	hash_unlink(&aor->he);
	mem_deref(aor->user);
}

static void binding_destroy(void *data)
{
	struct binding *binding = data;

	wheel_stop(&binding->expiry);
	wheel_stop(&binding->ping);
	list_unlink(&binding->le);
	hash_unlink(&binding->he);
	binding->location->count--;
	if (list_isempty(&binding->aor->bindings))
		mem_deref(binding->aor);
	mem_deref(binding->contact);
	mem_deref(binding->instance);
	mem_deref(binding->callid);
	mem_deref(binding->path);
}

static bool aor_flush(struct le *le, void *arg)
{
	struct aor *aor = le->data;
	struct le *next;

	(void)arg;
	/* the last one takes the address of record with it */
	for (le = list_head(&aor->bindings); le; le = next) {
		next = le->next;
		mem_deref(le->data);
	}
	return false;
}

static void location_destroy(void *data)
{
	struct location *location = data;

	(void)hash_apply(location->aors, aor_flush, NULL);
	mem_deref(location->aors);
	mem_deref(location->flows);
	sqlite3_finalize(location->store);
	sqlite3_finalize(location->erase);
}

static bool aor_match(struct le *le, void *arg)
{
	const struct aor *aor = le->data;

	return !pl_strcmp(arg, aor->user);
}

const struct aor *location_find(const struct location *location, const struct pl *user)
{
	/* the match does not write */
	return list_ledata(hash_lookup(location->aors, (uint32_t)keyhash_pl(0, user), aor_match,
				       (void *)user));
}

uint32_t location_count(const struct location *location)
{
	return location->count;
}

struct binding *location_match(const struct aor *aor, const struct contact *contact)
{
	struct le *le;

	LIST_FOREACH(&aor->bindings, le) {
		struct binding *binding = le->data;

		if (contact->reg_id && contact->instance.l) {
			if (binding->reg_id == contact->reg_id &&
			    !pl_strcmp(&contact->instance, binding->instance))
				return binding;
		} else if (!pl_strcmp(&contact->uri, binding->contact)) {
			return binding;
		}
	}
	return NULL;
}

static void binding_expired(void *arg)
{
	location_remove(arg, "expired");
}

static void binding_ping(void *arg)
{
	struct binding *binding = arg;
	struct location *location = binding->location;

	/* he keeps it open himself, whatever he said */
	if (binding->heard && wheel_now() - binding->heard < 2 * location->ping_ms)
		binding->unanswered = 0;
	else if (binding->unanswered++ < PING_TRIES)
		location->ping(binding, location->ping_arg);
	else {
		location_remove(binding, "no answer to three pings");
		return;
	}
	wheel_start(location->wheel, &binding->ping, location->ping_ms, binding_ping, binding);
}

/* At any time of the interval, so that those who came together are not pinged together. */
static void ping_begin(struct binding *binding)
{
	struct location *location = binding->location;

	if (!location->ping || binding->keeps || transport_is_reliable(binding->flow.transport))
		wheel_stop(&binding->ping);
	else if (!wheel_running(&binding->ping))
		wheel_start(location->wheel, &binding->ping, rand_u32() % location->ping_ms,
			    binding_ping, binding);
}

static int aor_get(struct location *location, const struct pl *user, struct aor **aorp)
{
	struct aor *aor;
	int err;

	/* find hands out const because others may only look */
	*aorp = (struct aor *)location_find(location, user);
	if (*aorp)
		return 0;

	aor = mem_zalloc(sizeof(*aor), aor_destroy);
	if (!aor)
		return ENOMEM;
	err = pl_strdup(&aor->user, user);
	if (err) {
		mem_deref(aor);
		return err;
	}
	hash_append(location->aors, (uint32_t)keyhash_pl(0, user), &aor->he, aor);
	*aorp = aor;
	return 0;
}

static int replace(char **text, const struct pl *pl)
{
	const struct pl *present = pl->p ? pl : &(struct pl)PL("");
	char *copy;
	int err;

	/* most refreshes say what was said before */
	if (*text && !pl_strcmp(present, *text))
		return 0;
	err = pl_strdup(&copy, present);
	if (err)
		return err;
	mem_deref(*text);
	*text = copy;
	return 0;
}

/* Put the contact into a binding and the binding at the head of its list and into the tables. */
static int binding_set(struct binding *binding, const struct contact *contact)
{
	struct location *location = binding->location;
	int err;

	err = replace(&binding->contact, &contact->uri);
	err |= replace(&binding->instance, &contact->instance);
	err |= replace(&binding->callid, &contact->callid);
	err |= replace(&binding->path, &contact->path);
	if (err)
		return ENOMEM;

	binding->reg_id = contact->reg_id;
	binding->cseq = contact->cseq;
	binding->q = contact->q;
	binding->expires = seconds_now() + contact->lifetime;
	binding->flow = contact->flow;
	binding->keeps = contact->keeps;
	binding->unanswered = 0;
	binding->age = ++location->last_age;

	list_unlink(&binding->le);
	list_prepend(&binding->aor->bindings, &binding->le, binding);
	hash_unlink(&binding->he);
	hash_append(location->flows, (uint32_t)keyhash_sa(&binding->flow.remote, SA_ALL),
		    &binding->he, binding);
	wheel_start(location->wheel, &binding->expiry, (uint64_t)contact->lifetime * MS_PER_S,
		    binding_expired, binding);
	ping_begin(binding);
	return 0;
}

static int binding_new(struct location *location, const struct pl *user,
		       const struct contact *contact, int64_t id, struct binding **bindingp)
{
	struct binding *binding;
	struct aor *aor;
	int err;

	err = aor_get(location, user, &aor);
	if (err)
		return err;
	binding = mem_zalloc(sizeof(*binding), binding_destroy);
	if (!binding) {
		if (list_isempty(&aor->bindings))
			mem_deref(aor);
		return ENOMEM;
	}
	binding->location = location;
	binding->aor = aor;
	binding->id = id;
	location->count++;
	location->last_id = MAX(location->last_id, id);
	/* linked first: the destructor looks whether the list is empty */
	list_append(&aor->bindings, &binding->le, binding);
	err = binding_set(binding, contact);
	if (err) {
		mem_deref(binding);
		return err;
	}
	*bindingp = binding;
	return 0;
}

static void binding_store(const struct binding *binding)
{
	struct location *location = binding->location;
	sqlite3_stmt *stmt = location->store;
	struct pl text;

	(void)sqlite3_bind_int64(stmt, 1, binding->id);
	pl_set_str(&text, binding->aor->user);
	db_bind_pl(stmt, 2, &text);
	pl_set_str(&text, binding->contact);
	db_bind_pl(stmt, 3, &text);
	pl_set_str(&text, binding->instance);
	db_bind_pl(stmt, 4, &text);
	(void)sqlite3_bind_int64(stmt, 5, binding->reg_id);
	pl_set_str(&text, binding->callid);
	db_bind_pl(stmt, 6, &text);
	(void)sqlite3_bind_int64(stmt, 7, binding->cseq);
	(void)sqlite3_bind_int64(stmt, 8, binding->q);
	(void)sqlite3_bind_int64(stmt, 9, (int64_t)binding->expires);
	db_bind_flow(stmt, 10, &binding->flow);
	(void)sqlite3_bind_int64(stmt, 12, (int64_t)binding->age);
	pl_set_str(&text, binding->path);
	db_bind_pl(stmt, 13, &text);
	(void)sqlite3_bind_int64(stmt, 14, binding->keeps);
	db_write(location->db, stmt);
}

int location_save(struct location *location, const struct pl *user, const struct contact *contact)
{
	const struct aor *aor = location_find(location, user);
	struct binding *binding = aor ? location_match(aor, contact) : NULL;
	struct flow_id before;
	bool moved;
	int err;

	if (binding) {
		before = binding->flow;
		moved = !flow_id_equal(&before, &contact->flow);
		err = binding_set(binding, contact);
		if (err)
			return err;
		if (moved)
			log_info("path moved: %r from %J to %J", user, &before.remote,
				 &contact->flow.remote);
	} else {
		/* makes room before, so that the address of record stays */
		if (aor && list_count(&aor->bindings) >= LOCATION_CONTACTS_MAX)
			location_remove(list_ledata(list_tail(&aor->bindings)),
					"replaced by a newer one");
		err = binding_new(location, user, contact, location->last_id + 1, &binding);
		if (err)
			return err;
	}
	binding_store(binding);
	return 0;
}

void location_remove(struct binding *binding, const char *why)
{
	struct location *location = binding->location;

	log_info("path closed: %s over %J, %s", binding->aor->user, &binding->flow.remote, why);
	(void)sqlite3_bind_int64(location->erase, 1, binding->id);
	db_write(location->db, location->erase);
	mem_deref(binding);
}

/* Look-up key of a binding by its flow; @contact may be NULL. */
struct flow_key {
	const struct pl *contact;
	const struct flow_id *flow;
};

static bool flow_match(struct le *le, void *arg)
{
	const struct binding *binding = le->data;
	const struct flow_key *key = arg;

	return flow_id_equal(&binding->flow, key->flow) &&
	       (!key->contact || !pl_strcmp(key->contact, binding->contact));
}

static struct binding *key_find(const struct location *location, struct flow_key key)
{
	return list_ledata(hash_lookup(location->flows,
				       (uint32_t)keyhash_sa(&key.flow->remote, SA_ALL), flow_match,
				       &key));
}

static struct binding *flow_find(const struct location *location, const struct flow_id *flow)
{
	return key_find(location, (struct flow_key){ .flow = flow });
}

const struct binding *location_at(const struct location *location, const struct flow_id *flow,
				  const struct pl *contact)
{
	const struct binding *binding =
		key_find(location, (struct flow_key){ .contact = contact, .flow = flow });

	return binding || !contact ? binding : flow_find(location, flow);
}

bool location_owns(const struct location *location, const struct pl *user,
		   const struct flow_id *flow)
{
	const struct aor *aor = location_find(location, user);
	const struct le *le;

	/* a user has a few bindings, a PBX thousands of users on one flow */
	for (le = aor ? list_head(&aor->bindings) : NULL; le; le = le->next) {
		const struct binding *binding = le->data;

		if (flow_id_equal(&binding->flow, flow))
			return true;
	}
	return false;
}

void location_flow_gone(struct location *location, const struct flow_id *flow)
{
	struct binding *binding;

	while ((binding = flow_find(location, flow)))
		location_remove(binding, "the connection has ended");
}

void location_answered(struct location *location, const struct flow_id *flow)
{
	struct binding *binding = flow_find(location, flow);

	if (binding)
		binding->unanswered = 0;
}

bool location_heard(struct location *location, const struct flow_id *flow)
{
	struct binding *binding = flow_find(location, flow);
	const uint64_t now = wheel_now();
	uint64_t interval;
	bool first;

	if (!binding)
		return false;
	interval = now - binding->heard;
	/* the first one after a REGISTER says nothing about the timer behind them */
	first = !binding->heard;
	binding->heard = now;
	if (!first && (!binding->told || now - binding->told >= TOLD_MS)) {
		binding->told = now;
		log_info("keep-alive from %J (%s), interval %llu.%llu s", &flow->remote,
			 binding->aor->user, (unsigned long long)(interval / MS_PER_S),
			 (unsigned long long)(interval % MS_PER_S / 100));
	}
	return true;
}

static int location_load_row(struct location *location, sqlite3_stmt *row)
{
	const uint64_t expires = (uint64_t)sqlite3_column_int64(row, 8);
	const struct pl user = db_column_pl(row, 1);
	const uint64_t now = seconds_now();
	struct contact contact = { 0 };
	struct binding *binding;
	int err;

	/* a connection does not outlive the daemon, and nor does the path over it */
	if (!db_column_flow(row, 9, &contact.flow) || transport_is_reliable(contact.flow.transport))
		return 0;
	contact.uri = db_column_pl(row, 2);
	contact.instance = db_column_pl(row, 3);
	contact.reg_id = (uint32_t)sqlite3_column_int64(row, 4);
	contact.callid = db_column_pl(row, 5);
	contact.cseq = (uint32_t)sqlite3_column_int64(row, 6);
	contact.q = (uint32_t)sqlite3_column_int64(row, 7);
	contact.path = db_column_pl(row, 12);
	contact.keeps = sqlite3_column_int(row, 13) != 0;
	/* numbers that nobody wrote: counting on from them would end badly */
	if (sqlite3_column_int64(row, 0) > INT64_MAX / 2 ||
	    sqlite3_column_int64(row, 11) > INT64_MAX / 2 || contact.q > Q_MAX ||
	    (expires > now && expires - now > LIFETIME_MAX))
		return EBADMSG;
	/* the one before, so that the binding gets its own again */
	location->last_age = (uint64_t)sqlite3_column_int64(row, 11) - 1;
	/* a lifetime that is over ends at the next tick */
	contact.lifetime = expires > now ? (uint32_t)(expires - now) : 0;
	err = binding_new(location, &user, &contact, sqlite3_column_int64(row, 0), &binding);
	if (!err)
		binding->expires = expires;
	return err;
}

static int location_load(struct location *location)
{
	sqlite3_stmt *rows;
	int err;

	/* oldest first: each goes to the head of its list */
	err = db_prepare(location->db, &rows,
			 "SELECT id, aor, contact, instance, reg_id, callid, cseq, q, expires,"
			 " local, remote, age, path, keeps FROM binding ORDER BY age");
	if (err)
		return err;
	while (err != ENOMEM && sqlite3_step(rows) == SQLITE_ROW) {
		err = location_load_row(location, rows);
		if (err)
			log_warn("a registered path in the database cannot be read: %m", err);
	}
	sqlite3_finalize(rows);
	return err == ENOMEM ? err : 0;
}

int location_alloc(struct location **locationp, struct db *db, struct wheel *wheel,
		   uint32_t interval, location_ping_fn *ping, void *arg)
{
	struct location *location;
	int err;

	location = mem_zalloc(sizeof(*location), location_destroy);
	if (!location)
		return ENOMEM;
	location->db = db;
	location->wheel = wheel;
	location->ping_ms = MAX((uint64_t)interval * MS_PER_S, (uint64_t)PING_MIN_MS);
	location->ping = ping;
	location->ping_arg = arg;

	err = hash_alloc(&location->aors, BUCKETS);
	err |= hash_alloc(&location->flows, BUCKETS);
	if (!err)
		err = db_prepare(db, &location->store,
				 "INSERT OR REPLACE INTO binding"
				 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	if (!err)
		err = db_prepare(db, &location->erase, "DELETE FROM binding WHERE id = ?");
	if (!err)
		err = location_load(location);
	if (err)
		mem_deref(location);
	else
		*locationp = location;
	return err;
}
