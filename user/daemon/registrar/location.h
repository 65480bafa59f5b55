/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The location service: which users are reachable, over which flow.
 */
#ifndef NATTRAVD_REGISTRAR_LOCATION_H
#define NATTRAVD_REGISTRAR_LOCATION_H

#include "registrar/db.h"

/* RFC 3261 section 26.1.5: a bound on what one user can store */
#define LOCATION_CONTACTS_MAX 5

struct location;

/**
 * struct aor - an address of record with bindings
 * @he: element of the table by user name
 * @user: user part; the domain is the one served
 * @bindings: list of struct binding, newest first, never empty
 */
struct aor {
	struct le he;
	char *user;
	struct list bindings;
};

/**
 * struct binding - a terminal of a user
 * @le: element of aor.bindings
 * @he: element of the table by remote address
 * @location: the location service
 * @aor: whose terminal it is
 * @id: key in the database
 * @contact: its Contact URI; requests carry it, but are never sent there
 * @instance: +sip.instance (RFC 5626 section 4.1), or empty
 * @reg_id: reg-id, 0 for none
 * @callid: Call-ID of the REGISTER
 * @cseq: its CSeq number
 * @q: preference in thousandths
 * @expires: when it ends, seconds since 1970
 * @flow: the flow that the REGISTER came over: requests go there
 * @path: Path (RFC 3327), or empty: requests carry it as their route
 * @keeps: it was told to keep its path open and knows how
 * @age: counts up with each refresh of any binding
 * @heard: wheel_now() of the last keep-alive, or 0
 * @told: wheel_now() of the last log line about a keep-alive, or 0
 * @expiry: runs until @expires
 * @ping: runs until the next ping
 * @unanswered: pings since the last answer
 */
struct binding {
	struct le le;
	struct le he;
	struct location *location;
	struct aor *aor;
	int64_t id;
	char *contact;
	char *instance;
	uint32_t reg_id;
	char *callid;
	uint32_t cseq;
	uint32_t q;
	uint64_t expires;
	struct flow_id flow;
	char *path;
	bool keeps;
	uint64_t age;
	uint64_t heard;
	uint64_t told;
	struct wheel_timer expiry;
	struct wheel_timer ping;
	unsigned int unanswered;
};

/**
 * struct contact - what a REGISTER says about one Contact
 * @uri: the URI
 * @instance: +sip.instance, or empty
 * @reg_id: reg-id, 0 for none
 * @callid: Call-ID
 * @cseq: CSeq number
 * @q: preference in thousandths
 * @lifetime: seconds
 * @flow: the flow that it came over
 * @path: values of Path, with commas between them
 * @keeps: the terminal keeps its path open by itself
 */
struct contact {
	struct pl uri;
	struct pl instance;
	uint32_t reg_id;
	struct pl callid;
	uint32_t cseq;
	uint32_t q;
	uint32_t lifetime;
	struct flow_id flow;
	struct pl path;
	bool keeps;
};

/* Sends a ping to a binding. */
typedef void location_ping_fn(const struct binding *binding, void *arg);

/**
 * location_alloc() - load the bindings that have not expired
 * @locationp: set to the location service; drop it with mem_deref()
 * @db: the database
 * @wheel: runs the timers
 * @interval: seconds between keep-alives
 * @ping: called for terminals that send none; three without an answer end the
 *	binding; NULL for nobody
 * @arg: its argument
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int location_alloc(struct location **locationp, struct db *db, struct wheel *wheel,
		   uint32_t interval, location_ping_fn *ping, void *arg);

/* A ping was answered. */
void location_answered(struct location *location, const struct flow_id *flow);

/* How many bindings there are. */
uint32_t location_count(const struct location *location);

/* The user's bindings, or NULL if there are none. */
const struct aor *location_find(const struct location *location, const struct pl *user);

/* The binding of the user that a Contact is about: same instance and reg-id, or same URI. */
struct binding *location_match(const struct aor *aor, const struct contact *contact);

/**
 * location_save() - add or refresh a binding
 * @location: the location service
 * @user: whose
 * @contact: what the REGISTER said
 *
 * The oldest binding gives way if there are too many.
 *
 * Return: 0 or ENOMEM.
 */
int location_save(struct location *location, const struct pl *user, const struct contact *contact);

/* Remove a binding; @why goes into the log. Frees the address of record with its last one. */
void location_remove(struct binding *binding, const char *why);

/* Whether the user has a binding with this flow. */
bool location_owns(const struct location *location, const struct pl *user,
		   const struct flow_id *flow);

/* A binding with this flow, if there is one with this Contact URI, that one; or NULL. */
const struct binding *location_at(const struct location *location, const struct flow_id *flow,
				  const struct pl *contact);

/* A connection has ended: there is no other way to the terminals behind it. */
void location_flow_gone(struct location *location, const struct flow_id *flow);

/**
 * location_heard() - a keep-alive came
 * @location: the location service
 * @flow: the flow that it came over
 *
 * Logs who keeps his path open, and how often: when the interval is first known,
 * and then once an hour.
 *
 * Return: whether a binding has this flow.
 */
bool location_heard(struct location *location, const struct flow_id *flow);

#endif
