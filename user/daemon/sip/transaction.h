/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP transactions: RFC 3261 section 17 with the corrections of RFC
 * 6026. They retransmit, absorb retransmissions, and end by timers. The number
 * of them is bounded.
 */
#ifndef NATTRAVD_SIP_TRANSACTION_H
#define NATTRAVD_SIP_TRANSACTION_H

#include "sip/flow.h"
#include "sip/wheel.h"

struct transactions;
struct server_tx;
struct client_tx;

/**
 * struct client_tx_ops - what a client transaction tells its user
 * @response: a response came; retransmitted finals come again only if they are
 *	2xx to INVITE
 * @timeout: no final response will come (timers B, C, F)
 * @lost: the connection is gone, and nothing at all has come of the request
 * @gone: the transaction ends now; the last call
 */
struct client_tx_ops {
	void (*response)(struct sip_msg *msg, void *arg);
	void (*timeout)(void *arg);
	void (*lost)(void *arg);
	void (*gone)(void *arg);
};

/* Called when a server transaction ends. */
typedef void server_tx_gone_fn(void *arg);

/**
 * transactions_alloc() - make the table of transactions
 * @tablep: set to the table; drop it with mem_deref()
 * @wheel: runs the timers
 * @max: how many there may be
 */
int transactions_alloc(struct transactions **tablep, struct wheel *wheel, uint32_t max);

/* How many there are. */
uint32_t transactions_count(const struct transactions *table);

/**
 * server_tx_new() - begin a server transaction
 * @table: the table
 * @txp: set to the transaction, which the table owns
 * @msg: the request, not an ACK; it is kept
 * @flow: where it came from
 * @gone: called when it ends
 * @arg: its argument
 *
 * Return: 0, ENOMEM, or ENOSPC if there are too many.
 */
int server_tx_new(struct transactions *table, struct server_tx **txp, struct sip_msg *msg,
		  const struct flow *flow, server_tx_gone_fn *gone, void *arg);

/**
 * server_tx_find() - the transaction that a request belongs to
 * @table: the table
 * @msg: the request
 * @flow: where it came from; another source is another transaction
 * @method: its method; "INVITE" to find what an ACK or a CANCEL is for
 */
struct server_tx *server_tx_find(const struct transactions *table, const struct sip_msg *msg,
				 const struct flow *flow, const struct pl *method);

/* Whether any method has one with the branch of a top Via, from there. */
bool server_tx_has(const struct transactions *table, const struct pl *branch,
		   const struct flow *flow);

/**
 * server_tx_absorb() - a request matched the transaction
 * @tx: the transaction
 * @msg: a retransmission, or the ACK of the INVITE
 *
 * Return: false if it is an ACK for a 2xx, which is to be routed (RFC 6026
 * section 7.1).
 */
bool server_tx_absorb(struct server_tx *tx, const struct sip_msg *msg);

/**
 * server_tx_respond() - send a response
 * @tx: the transaction
 * @status: its status
 * @mb: the whole message; it is kept for retransmission
 *
 * After a final response only further 2xx to INVITE are sent.
 */
void server_tx_respond(struct server_tx *tx, uint16_t status, struct mbuf *mb);

/* Send the last response again: the callee repeated its 2xx. */
void server_tx_repeat(const struct server_tx *tx);

/* End without a final response (RFC 4320 section 4.2: no 408 to anything but INVITE). */
void server_tx_drop(struct server_tx *tx);

struct sip_msg *server_tx_request(const struct server_tx *tx);
const struct flow *server_tx_flow(const struct server_tx *tx);
void *server_tx_arg(const struct server_tx *tx);

/**
 * client_tx_new() - send a request and begin its client transaction
 * @table: the table
 * @txp: set to the transaction, which the table owns; may be NULL
 * @flow: where to send it
 * @request: the whole message, with our Via on top
 * @ops: what to call, or NULL
 * @arg: argument of @ops
 *
 * Return: 0 or an errno, ENOSPC if there are too many.
 */
int client_tx_new(struct transactions *table, struct client_tx **txp, const struct flow *flow,
		  struct mbuf *request, const struct client_tx_ops *ops, void *arg);

/* A flow has ended: what was sent over it and is not answered at all has failed. */
void transactions_flow_gone(struct transactions *table, const struct flow *flow);

/* The transaction that a response belongs to, or NULL. */
struct client_tx *client_tx_find(const struct transactions *table, const struct sip_msg *msg);

/* A response matched. */
void client_tx_receive(struct client_tx *tx, struct sip_msg *msg);

/**
 * client_tx_cancel() - cancel an INVITE (RFC 3261 section 9.1)
 *
 * The CANCEL waits for the first provisional response; until then the INVITE is
 * not repeated. If no final response follows within 64 * T1, @timeout is called.
 */
void client_tx_cancel(struct client_tx *tx);

/* Nobody waits for it any longer: it is not repeated, and cancelled if it is an INVITE. */
void client_tx_leave(struct client_tx *tx);

/* Where it sends. */
const struct flow *client_tx_flow(const struct client_tx *tx);

#endif
