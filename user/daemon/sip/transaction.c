// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables, and what both kinds of transaction share.
 */
#include "sip/transaction_private.h"

#include "sip/keyhash.h"
#include "sip/message.h"

#include <string.h>

#define BUCKETS 16384

static void transactions_destroy(void *data)
{
	struct transactions *table = data;

	hash_flush(table->servers);
	hash_flush(table->clients);
	mem_deref(table->servers);
	mem_deref(table->clients);
}

int transactions_alloc(struct transactions **tablep, struct wheel *wheel, uint32_t max)
{
	struct transactions *table;
	int err;

	table = mem_zalloc(sizeof(*table), transactions_destroy);
	if (!table)
		return ENOMEM;

	table->wheel = wheel;
	table->max = max;
	err = hash_alloc(&table->servers, BUCKETS);
	err |= hash_alloc(&table->clients, BUCKETS);
	if (err) {
		mem_deref(table);
		return ENOMEM;
	}
	*tablep = table;
	return 0;
}

uint32_t transactions_count(const struct transactions *table)
{
	return table->count;
}

/*
 * A branch without the magic cookie of RFC 3261 is not unique; more of the
 * message then takes part in the match (section 17.2.3).
 */
static bool branch_is_unique(const struct pl *branch)
{
	static const char cookie[] = "z9hG4bK";

	return branch->l >= sizeof(cookie) - 1 && !memcmp(branch->p, cookie, sizeof(cookie) - 1);
}

static bool same_via(const struct sip_msg *a, const struct sip_msg *b)
{
	if (pl_cmp(&a->via.branch, &b->via.branch) || pl_casecmp(&a->via.sentby, &b->via.sentby))
		return false;
	return branch_is_unique(&a->via.branch) ||
	       (!pl_cmp(&a->callid, &b->callid) && a->cseq.num == b->cseq.num &&
		!pl_cmp(&a->from.tag, &b->from.tag));
}

static uint32_t branch_key(const struct pl *branch)
{
	return (uint32_t)keyhash_pl(0, branch);
}

static uint32_t via_key(const struct sip_msg *msg)
{
	return branch_key(&msg->via.branch);
}

/* Look-up key of a server transaction. */
struct server_key {
	const struct sip_msg *msg;
	const struct flow *flow;
	const struct pl *method;
};

static bool server_match(struct le *le, void *arg)
{
	const struct server_tx *tx = le->data;
	const struct server_key *key = arg;

	return !pl_cmp(&tx->request->met, key->method) && same_via(tx->request, key->msg) &&
	       flow_equal(&tx->flow, key->flow);
}

struct server_tx *server_tx_find(const struct transactions *table, const struct sip_msg *msg,
				 const struct flow *flow, const struct pl *method)
{
	struct server_key key = { msg, flow, method };

	return list_ledata(hash_lookup(table->servers, via_key(msg), server_match, &key));
}

/* Look-up key of any server transaction with a branch. */
struct branch_key {
	const struct pl *branch;
	const struct flow *flow;
};

static bool branch_match(struct le *le, void *arg)
{
	const struct server_tx *tx = le->data;
	const struct branch_key *key = arg;

	return !pl_cmp(&tx->request->via.branch, key->branch) && flow_equal(&tx->flow, key->flow);
}

bool server_tx_has(const struct transactions *table, const struct pl *branch,
		   const struct flow *flow)
{
	struct branch_key key = { branch, flow };

	return hash_lookup(table->servers, branch_key(branch), branch_match, &key) != NULL;
}

static bool client_match(struct le *le, void *arg)
{
	const struct client_tx *tx = le->data;
	const struct sip_msg *msg = arg;

	return !pl_cmp(&tx->via.branch, &msg->via.branch) &&
	       !pl_casecmp(&tx->via.sentby, &msg->via.sentby) &&
	       !pl_cmp(&tx->method, &msg->cseq.met);
}

struct client_tx *client_tx_find(const struct transactions *table, const struct sip_msg *msg)
{
	/* the match does not write */
	return list_ledata(hash_lookup(table->clients, via_key(msg), client_match, (void *)msg));
}

int transactions_enter(struct transactions *table, struct hash *hash, struct le *le,
		       const struct pl *branch, void *tx)
{
	if (table->count >= table->max)
		return ENOSPC;
	table->count++;
	hash_append(hash, branch_key(branch), le, tx);
	return 0;
}

void transactions_leave(struct transactions *table, struct le *le)
{
	if (!le->list)
		return;
	hash_unlink(le);
	table->count--;
}
