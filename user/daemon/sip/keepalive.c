// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CRLF, STUN, and datagrams that mean nothing.
 */
#include "sip/keepalive.h"

#include <string.h>

/* no SIP message is that short; zeros of this length are a common NAT ping */
#define SHORT_MAX       4
#define STUN_HEADER_LEN 20

static void stun_receive(const struct flow *flow, struct mbuf *mb)
{
	struct udp_sock *us = flow->listener->us;
	const struct sa *src = &flow->remote;
	struct stun_unknown_attr unknown = { .typec = 0 };
	const struct stun_attr *port;
	struct sa dst = *src;
	struct stun_msg *msg;
	bool fingerprint;

	mbuf_set_pos(mb, 0);
	if (stun_msg_decode(&msg, mb, &unknown))
		return;
	if (stun_msg_class(msg) != STUN_CLASS_REQUEST ||
	    stun_msg_method(msg) != STUN_METHOD_BINDING)
		goto out;

	/* RFC 5780 section 7.5: a terminal measures how long its NAT remembers another port of it */
	port = stun_msg_attr(msg, STUN_ATTR_RESP_PORT);
	if (port && port->v.resp_port)
		sa_set_port(&dst, port->v.resp_port);
	fingerprint = stun_msg_attr(msg, STUN_ATTR_FINGERPRINT) != NULL;
	if (unknown.typec)
		(void)stun_ereply(IPPROTO_UDP, us, src, 0, msg, 420, "Unknown Attribute", NULL, 0,
				  fingerprint, 1, STUN_ATTR_UNKNOWN_ATTR, &unknown);
	else
		(void)stun_reply(IPPROTO_UDP, us, &dst, 0, msg, NULL, 0, fingerprint, 1,
				 STUN_ATTR_XOR_MAPPED_ADDR, src);
out:
	mem_deref(msg);
}

/* The first two bits of STUN are zero; SIP begins with a letter or CR (RFC 5626 section 8). */
static bool is_stun(const struct mbuf *mb)
{
	static const uint8_t cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

	return mb->end >= STUN_HEADER_LEN && mb->buf[0] < 4 &&
	       !memcmp(mb->buf + 4, cookie, sizeof(cookie));
}

static bool is_all(const struct mbuf *mb, const char *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < mb->end; i++)
		if (!memchr(bytes, mb->buf[i], count))
			return false;
	return true;
}

static void pong(const struct flow *flow)
{
	struct mbuf *mb = mbuf_alloc(2);

	if (mb && !mbuf_write_str(mb, "\r\n"))
		flow_send(flow, mb);
	mem_deref(mb);
}

bool keepalive_receive(struct server *server, const struct flow *flow, struct mbuf *mb)
{
	const bool crlf = is_all(mb, "\r\n", 2);
	const bool stun = is_stun(mb);
	const struct flow_id id = flow_id(flow);
	bool known;

	if (!crlf && !stun && (mb->end > SHORT_MAX || !is_all(mb, "", 1)))
		return false;

	known = location_heard(server->location, &id);
	if (flow_is_reliable(flow)) {
		/* who has a connection is where he says; a lone CRLF does not come here */
		if (crlf)
			pong(flow);
	} else if (stun) {
		if (known || budget_reply(server->budget, &flow->remote))
			stun_receive(flow, mb);
	} else if (crlf && mb->end) {
		/* a lone CRLF from a stranger may be an answer: two servers would go on for ever */
		if (known || (mb->end >= SHORT_MAX && budget_reply(server->budget, &flow->remote)))
			pong(flow);
	}
	return true;
}
