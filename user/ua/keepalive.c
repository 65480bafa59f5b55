// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keep-alives on the SIP flow: STUN Binding (RFC 5626 section 3.5.2), which also tells
 * whether the mapped address has changed, or CRLF CRLF, which tells nothing over UDP.
 */
#include "keepalive.h"

#include "media.h"
#include "stun.h"

/* They go from the socket of the SIP stack; answers must be taken before it sees them. */
#define LAYER 0

/**
 * struct ua_keepalive - the keep-alives of a flow
 * @us: the socket of the SIP stack
 * @helper: what sees its datagrams first
 * @stun: the transactions
 * @ct: the one under way
 * @tmr: until the next keep-alive
 * @server: where to
 * @method: how
 * @interval: in seconds; each pause is 80 to 100 % of it
 * @sent: when the last one was sent, in microseconds
 * @handler: told of each outcome
 * @arg: for @handler
 */
struct ua_keepalive {
	struct udp_sock *us;
	struct udp_helper *helper;
	struct stun *stun;
	struct stun_ctrans *ct;
	struct tmr tmr;
	struct sa server;
	enum ua_keepalive_method method;
	uint32_t interval;
	uint64_t sent;
	ua_keepalive_h *handler;
	void *arg;
};

static void send_next(void *arg);

static void keepalive_destructor(void *arg)
{
	struct ua_keepalive *ka = arg;

	tmr_cancel(&ka->tmr);
	mem_deref(ka->ct);
	mem_deref(ka->stun);
	mem_deref(ka->helper);
	mem_deref(ka->us);
}

/* Terminals that were switched on together must not stay together. */
static void wait_for_next(struct ua_keepalive *ka)
{
	tmr_start(&ka->tmr, (uint64_t)ka->interval * (800 + rand_u16() % 201), send_next, ka);
}

static void answered(int err, uint16_t scode, const char *reason, const struct stun_msg *msg,
		     void *arg)
{
	struct ua_keepalive *ka = arg;
	struct sa mapped;

	(void)reason;
	if (!err && scode)
		err = EPROTO;
	if (!err)
		err = ua_stun_mapped(&mapped, msg);
	wait_for_next(ka);
	ka->handler(err, err ? NULL : &mapped, ua_now_us() - ka->sent, ka->arg);
}

static int crlf_send(struct ua_keepalive *ka)
{
	struct mbuf *mb = mbuf_alloc(4);
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_write_str(mb, "\r\n\r\n");
	mbuf_set_pos(mb, 0);
	if (!err)
		err = udp_send(ka->us, &ka->server, mb);
	mem_deref(mb);
	return err;
}

static void send_next(void *arg)
{
	struct ua_keepalive *ka = arg;
	int err;

	ka->sent = ua_now_us();
	if (ka->method == UA_KEEPALIVE_STUN) {
		ka->ct = mem_deref(ka->ct);
		err = stun_request(&ka->ct, ka->stun, IPPROTO_UDP, ka->us, &ka->server, 0,
				   STUN_METHOD_BINDING, NULL, 0, false, answered, ka, 0);
		if (!err)
			return;
	} else {
		err = crlf_send(ka);
	}
	wait_for_next(ka);
	ka->handler(err, NULL, 0, ka->arg);
}

static bool receive(struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_keepalive *ka = arg;

	/* the answer to CRLF CRLF is a CRLF; libre's SIP stack calls it no message */
	if (sa_cmp(src, &ka->server, SA_ALL) && mbuf_get_left(mb) == 2)
		return true;
	/* a request is for the SIP stack, which answers it */
	if (!ua_stun_is_message(mb) || *mbuf_buf(mb) == 0)
		return false;
	if (sa_cmp(src, &ka->server, SA_ALL))
		(void)stun_recv(ka->stun, mb);
	return true;
}

/**
 * ua_keepalive_alloc() - the keep-alives of a flow, not started yet
 * @kap: set to them; drop them with mem_deref()
 * @us: the socket of the flow
 * @server: its other end
 * @method: how to keep it open
 * @handler: told of each outcome; it may drop the object
 * @arg: for @handler
 *
 * Return: 0 or an errno.
 */
int ua_keepalive_alloc(struct ua_keepalive **kap, struct udp_sock *us, const struct sa *server,
		       enum ua_keepalive_method method, ua_keepalive_h *handler, void *arg)
{
	struct ua_keepalive *ka = mem_zalloc(sizeof(*ka), keepalive_destructor);
	int err;

	if (!ka)
		return ENOMEM;
	ka->us = mem_ref(us);
	ka->server = *server;
	ka->method = method;
	ka->handler = handler;
	ka->arg = arg;
	err = ua_stun_alloc(&ka->stun);
	if (!err)
		err = udp_register_helper(&ka->helper, us, LAYER, NULL, receive, ka);
	if (err)
		mem_deref(ka);
	else
		*kap = ka;
	return err;
}

/**
 * ua_keepalive_start() - begin, or go on with another interval
 * @ka: the keep-alives
 * @interval: in seconds, at least 1
 *
 * The first one is sent at once: it tells the mapped address.
 */
void ua_keepalive_start(struct ua_keepalive *ka, uint32_t interval)
{
	if (ka->method == UA_KEEPALIVE_NONE || ka->interval == interval)
		return;
	ka->interval = interval;
	tmr_start(&ka->tmr, 0, send_next, ka);
}
