// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Server transactions: RFC 3261 section 17.2, RFC 6026 section 8.
 */
#include "sip/transaction_private.h"

#include "sip/message.h"

static void server_tx_destroy(void *data)
{
	struct server_tx *tx = data;

	wheel_stop(&tx->retransmit);
	wheel_stop(&tx->end);
	transactions_leave(tx->table, &tx->he);
	if (tx->gone)
		tx->gone(tx->arg);
	mem_deref(tx->request);
	mem_deref(tx->response);
}

int server_tx_new(struct transactions *table, struct server_tx **txp, struct sip_msg *msg,
		  const struct flow *flow, server_tx_gone_fn *gone, void *arg)
{
	struct server_tx *tx;
	int err;

	tx = mem_zalloc(sizeof(*tx), server_tx_destroy);
	if (!tx)
		return ENOMEM;

	tx->table = table;
	err = transactions_enter(table, table->servers, &tx->he, &msg->via.branch, tx);
	if (err) {
		mem_deref(tx);
		return err;
	}
	tx->invite = msg_is(msg, "INVITE");
	tx->request = mem_ref(msg);
	tx->flow = *flow;
	tx->gone = gone;
	tx->arg = arg;
	*txp = tx;
	return 0;
}

void server_tx_drop(struct server_tx *tx)
{
	mem_deref(tx);
}

static void server_tx_end(void *arg)
{
	server_tx_drop(arg);
}

static void server_tx_retransmit(void *arg)
{
	struct server_tx *tx = arg;

	flow_send(&tx->flow, tx->response);
	tx->interval = MIN(2 * tx->interval, (uint32_t)SIP_T2);
	wheel_start(tx->table->wheel, &tx->retransmit, tx->interval, server_tx_retransmit, tx);
}

void server_tx_repeat(const struct server_tx *tx)
{
	if (tx->response)
		flow_send(&tx->flow, tx->response);
}

bool server_tx_absorb(struct server_tx *tx, const struct sip_msg *msg)
{
	if (msg_is(msg, "ACK")) {
		if (tx->state == TX_ACCEPTED)
			return false;
		if (tx->state == TX_COMPLETED) {
			tx->state = TX_CONFIRMED;
			wheel_stop(&tx->retransmit);
			wheel_start(tx->table->wheel, &tx->end,
				    flow_is_reliable(&tx->flow) ? 0 : SIP_T4, server_tx_end, tx);
		}
		return true;
	}
	/* the callee itself repeats a 2xx until the ACK reaches it */
	if (tx->state == TX_PROCEEDING || tx->state == TX_COMPLETED)
		server_tx_repeat(tx);
	return true;
}

void server_tx_respond(struct server_tx *tx, uint16_t status, struct mbuf *mb)
{
	struct wheel *wheel = tx->table->wheel;

	if (tx->state == TX_COMPLETED || tx->state == TX_CONFIRMED ||
	    (tx->state == TX_ACCEPTED && status / 100 != 2))
		return;

	flow_send(&tx->flow, mb);
	mem_deref(tx->response);
	tx->response = mem_ref(mb);

	if (status < 200) {
		tx->state = TX_PROCEEDING;
		return;
	}
	if (tx->state == TX_ACCEPTED)
		return;
	/* timers H and L are 64 * T1, and over UDP so is J */
	wheel_start(wheel, &tx->end, tx->invite || !flow_is_reliable(&tx->flow) ? SIP_64T1 : 0,
		    server_tx_end, tx);
	if (tx->invite && status < 300) {
		tx->state = TX_ACCEPTED;
		return;
	}
	tx->state = TX_COMPLETED;
	if (tx->invite && !flow_is_reliable(&tx->flow)) {
		tx->interval = SIP_T1;
		wheel_start(wheel, &tx->retransmit, tx->interval, server_tx_retransmit, tx);
	}
}

struct sip_msg *server_tx_request(const struct server_tx *tx)
{
	return tx->request;
}

const struct flow *server_tx_flow(const struct server_tx *tx)
{
	return &tx->flow;
}

void *server_tx_arg(const struct server_tx *tx)
{
	return tx->arg;
}
