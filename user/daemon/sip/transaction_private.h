/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the transaction layer: transaction.c, server_tx.c, client_tx.c.
 */
#ifndef NATTRAVD_SIP_TRANSACTION_PRIVATE_H
#define NATTRAVD_SIP_TRANSACTION_PRIVATE_H

#include "sip/transaction.h"

/* RFC 3261 section 17.1.1.2; the transaction fails or is forgotten after 64 * T1 */
#define SIP_64T1 (64ull * SIP_T1)

/**
 * struct transactions - all transactions
 * @wheel: runs their timers
 * @servers: hash of struct server_tx by branch
 * @clients: hash of struct client_tx by branch
 * @count: how many there are
 * @max: how many there may be
 */
struct transactions {
	struct wheel *wheel;
	struct hash *servers;
	struct hash *clients;
	uint32_t count;
	uint32_t max;
};

enum tx_state {
	TX_TRYING, /* "calling" of an INVITE client */
	TX_PROCEEDING,
	TX_COMPLETED,
	TX_CONFIRMED, /* server, INVITE: the ACK came */
	TX_ACCEPTED, /* INVITE: a 2xx passed (RFC 6026) */
};

/**
 * struct server_tx - a request that came in
 * @he: element of transactions.servers
 * @table: the table
 * @state: where it stands
 * @invite: its method is INVITE
 * @request: the request
 * @flow: where it came from
 * @response: the last response sent
 * @retransmit: timer G
 * @interval: its present value
 * @end: timers H, I, J, L
 * @gone: called when it ends
 * @arg: its argument
 */
struct server_tx {
	struct le he;
	struct transactions *table;
	enum tx_state state;
	bool invite;
	struct sip_msg *request;
	struct flow flow;
	struct mbuf *response;
	struct wheel_timer retransmit;
	uint32_t interval;
	struct wheel_timer end;
	server_tx_gone_fn *gone;
	void *arg;
};

/**
 * struct client_tx - a request that was sent
 * @he: element of transactions.clients
 * @table: the table
 * @state: where it stands
 * @invite: its method is INVITE
 * @cancel_wanted: a CANCEL is to follow the first provisional response
 * @cancelled: the CANCEL went out
 * @request: the request as sent
 * @method: its method
 * @via: its top Via, which is ours
 * @flow: where it was sent
 * @ack: the ACK for a final response that is no 2xx
 * @retransmit: timers A, E
 * @interval: their present value
 * @end: timers B, C, D, F, K, M
 * @ops: what to call
 * @arg: argument of @ops
 */
struct client_tx {
	struct le he;
	struct transactions *table;
	enum tx_state state;
	bool invite;
	bool cancel_wanted;
	bool cancelled;
	struct mbuf *request;
	struct pl method;
	struct sip_via via;
	struct flow flow;
	struct mbuf *ack;
	struct wheel_timer retransmit;
	uint32_t interval;
	struct wheel_timer end;
	const struct client_tx_ops *ops;
	void *arg;
};

int transactions_enter(struct transactions *table, struct hash *hash, struct le *le,
		       const struct pl *branch, void *tx);
void transactions_leave(struct transactions *table, struct le *le);

#endif
