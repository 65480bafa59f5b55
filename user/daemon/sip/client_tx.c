// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Client transactions: RFC 3261 section 17.1, RFC 6026 section 8; timer C of
 * section 16.6 (11); CANCEL.
 */
#include "sip/transaction_private.h"

#include "log.h"
#include "sip/message.h"

#include <string.h>

/* RFC 3261 section 16.6 (11): more than three minutes */
#define TIMER_C (180 * 1000 + SIP_T1)
/* RFC 3261 section 17.1.1.2: at least 32 s */
#define TIMER_D SIP_64T1

static void client_tx_destroy(void *data)
{
	struct client_tx *tx = data;

	wheel_stop(&tx->retransmit);
	wheel_stop(&tx->end);
	transactions_leave(tx->table, &tx->he);
	if (tx->ops)
		tx->ops->gone(tx->arg);
	mem_deref(tx->request);
	mem_deref(tx->ack);
}

static void client_tx_end(void *arg)
{
	mem_deref(arg);
}

static void client_tx_timeout(void *arg)
{
	struct client_tx *tx = arg;

	if (tx->ops)
		tx->ops->timeout(tx->arg);
	mem_deref(tx);
}

static void client_tx_lost(void *arg)
{
	struct client_tx *tx = arg;

	if (tx->ops)
		tx->ops->lost(tx->arg);
	mem_deref(tx);
}

static bool client_tx_flow_gone(struct le *le, void *arg)
{
	struct client_tx *tx = le->data;

	/* not at once: the user of one may end others */
	if (tx->state == TX_TRYING && flow_equal(&tx->flow, arg))
		wheel_start(tx->table->wheel, &tx->end, 0, client_tx_lost, tx);
	return false;
}

void transactions_flow_gone(struct transactions *table, const struct flow *flow)
{
	/* the match does not write */
	(void)hash_apply(table->clients, client_tx_flow_gone, (void *)flow);
}

static void client_tx_retransmit(void *arg)
{
	struct client_tx *tx = arg;

	flow_send(&tx->flow, tx->request);
	tx->interval *= 2;
	/* timer A of an INVITE has no ceiling but timer B */
	if (!tx->invite)
		tx->interval = MIN(tx->interval, (uint32_t)SIP_T2);
	wheel_start(tx->table->wheel, &tx->retransmit, tx->interval, client_tx_retransmit, tx);
}

/*
 * Its method and its Via, which is the first header of all that we write. The rest is
 * read only if something has to be made of it.
 */
static int request_take(struct client_tx *tx, struct mbuf *request)
{
	static const char name[] = "Via: ";
	struct pl rest = { (const char *)request->buf, request->end };
	const char *space = pl_strchr(&rest, ' '), *lf = pl_strchr(&rest, '\n');
	struct pl value;

	if (!space || !lf || space > lf)
		return EBADMSG;
	tx->request = mem_ref(request);
	tx->method = (struct pl){ rest.p, (size_t)(space - rest.p) };
	pl_advance(&rest, lf + 1 - rest.p);
	lf = pl_strchr(&rest, '\n');
	if (!lf || rest.l < sizeof(name) || memcmp(rest.p, name, sizeof(name) - 1))
		return EBADMSG;
	value = (struct pl){ rest.p, (size_t)(lf - rest.p) };
	pl_advance(&value, sizeof(name) - 1);
	value = msg_trim(value);
	return sip_via_decode(&tx->via, &value);
}

static int request_decode(const struct client_tx *tx, struct sip_msg **msgp)
{
	mbuf_set_pos(tx->request, 0);
	return sip_msg_decode(msgp, tx->request);
}

int client_tx_new(struct transactions *table, struct client_tx **txp, const struct flow *flow,
		  struct mbuf *request, const struct client_tx_ops *ops, void *arg)
{
	struct client_tx *tx;
	int err;

	tx = mem_zalloc(sizeof(*tx), client_tx_destroy);
	if (!tx)
		return ENOMEM;

	tx->table = table;
	err = request_take(tx, request);
	if (!err)
		err = transactions_enter(table, table->clients, &tx->he, &tx->via.branch, tx);
	if (err) {
		mem_deref(tx);
		return err;
	}
	tx->invite = !pl_strcmp(&tx->method, "INVITE");
	tx->flow = *flow;
	tx->ops = ops;
	tx->arg = arg;
	tx->interval = SIP_T1;
	if (!flow_is_reliable(flow))
		wheel_start(table->wheel, &tx->retransmit, tx->interval, client_tx_retransmit, tx);
	wheel_start(table->wheel, &tx->end, SIP_64T1, client_tx_timeout, tx);
	if (txp)
		*txp = tx;
	flow_send(flow, request);
	return 0;
}

static bool route_write(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)mbuf_printf(arg, "Route: %r\r\n", &hdr->val);
	return false;
}

/*
 * An ACK or CANCEL made from the request that it belongs to (RFC 3261 sections
 * 9.1 and 17.1.1.3): same Request-URI, top Via, From, Call-ID, Route, CSeq number, and
 * the To of the request unless there is another.
 */
static struct mbuf *derive(const struct client_tx *tx, const char *method, const struct pl *to)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *request = NULL;
	int err;

	if (!mb || request_decode(tx, &request)) {
		mem_deref(mb);
		return NULL;
	}
	err = mbuf_printf(mb, "%s %r SIP/2.0\r\nVia: %r\r\n", method, &request->ruri,
			  &request->via.val);
	(void)sip_msg_hdr_apply(request, true, SIP_HDR_ROUTE, route_write, mb);
	err |= mbuf_printf(mb,
			   "From: %r\r\nTo: %r\r\nCall-ID: %r\r\nCSeq: %u %s\r\n"
			   "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
			   &request->from.val, to ? to : &request->to.val, &request->callid,
			   request->cseq.num, method);
	mem_deref(request);
	return err ? mem_deref(mb) : mb;
}

static void cancel_send(struct client_tx *tx)
{
	struct mbuf *mb = derive(tx, "CANCEL", NULL);
	int err = mb ? client_tx_new(tx->table, NULL, &tx->flow, mb, NULL, NULL) : ENOMEM;

	if (err)
		log_warn("branch %r: cannot send CANCEL: %m", &tx->via.branch, err);
	tx->cancelled = true;
	/* RFC 3261 section 9.1: no final response after this long, and it is considered cancelled */
	wheel_start(tx->table->wheel, &tx->end, SIP_64T1, client_tx_timeout, tx);
	mem_deref(mb);
}

void client_tx_cancel(struct client_tx *tx)
{
	if (!tx->invite || tx->cancelled)
		return;
	if (tx->state == TX_TRYING) {
		/* it need not ring once more, should the path come back */
		wheel_stop(&tx->retransmit);
		tx->cancel_wanted = true;
	} else if (tx->state == TX_PROCEEDING) {
		cancel_send(tx);
	}
}

void client_tx_leave(struct client_tx *tx)
{
	wheel_stop(&tx->retransmit);
	client_tx_cancel(tx);
}

static void timer_c(void *arg)
{
	client_tx_cancel(arg);
}

static void provisional(struct client_tx *tx)
{
	struct wheel *wheel = tx->table->wheel;

	if (!tx->invite) {
		tx->interval = SIP_T2;
		tx->state = TX_PROCEEDING;
		return;
	}
	wheel_stop(&tx->retransmit);
	tx->state = TX_PROCEEDING;
	if (tx->cancel_wanted && !tx->cancelled)
		cancel_send(tx);
	else if (!tx->cancelled)
		wheel_start(wheel, &tx->end, TIMER_C, timer_c, tx);
}

static void final(struct client_tx *tx, const struct sip_msg *msg)
{
	struct wheel *wheel = tx->table->wheel;

	wheel_stop(&tx->retransmit);
	if (tx->invite && msg->scode < 300) {
		tx->state = TX_ACCEPTED;
		wheel_start(wheel, &tx->end, SIP_64T1, client_tx_end, tx);
		return;
	}
	tx->state = TX_COMPLETED;
	/* timers D and K: over a connection nothing comes twice */
	wheel_start(wheel, &tx->end,
		    flow_is_reliable(&tx->flow) ? 0 :
		    tx->invite                  ? TIMER_D :
						  SIP_T4,
		    client_tx_end, tx);
	if (!tx->invite)
		return;
	tx->ack = derive(tx, "ACK", &msg->to.val);
	if (tx->ack)
		flow_send(&tx->flow, tx->ack);
}

void client_tx_receive(struct client_tx *tx, struct sip_msg *msg)
{
	switch (tx->state) {
	case TX_COMPLETED:
		/* the ACK was lost */
		if (tx->ack && msg->scode >= 300)
			flow_send(&tx->flow, tx->ack);
		return;
	case TX_ACCEPTED:
		if (msg->scode / 100 != 2)
			return;
		break;
	default:
		if (msg->scode < 200)
			provisional(tx);
		else
			final(tx, msg);
		break;
	}
	if (tx->ops)
		tx->ops->response(msg, tx->arg);
}

const struct flow *client_tx_flow(const struct client_tx *tx)
{
	return &tx->flow;
}
