// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pings.
 */
#include "registrar/ping.h"

#include <string.h>

#include "log.h"
#include "sip/message.h"

/* Call-IDs of pings begin so; what it is worth to forge an answer is a ping more. */
#define PING_CALLID "nattravd-ping-"

void ping_send(const struct binding *binding, void *arg)
{
	const struct server *server = arg;
	struct mbuf *mb;
	struct flow flow;
	int err;

	if (!flow_get(server->flows, &binding->flow, &flow))
		return;
	mb = mbuf_alloc(512);
	if (!mb)
		return;

	err = mbuf_printf(
		mb, "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/%s %H;branch=z9hG4bK%016llx;rport\r\n",
		binding->contact, transport_via(flow.listener->transport), sa_uri_print,
		&flow.listener->addr, (unsigned long long)rand_u64());
	if (!err && binding->path[0])
		err = mbuf_printf(mb, "Route: %s\r\n", binding->path);
	if (!err)
		err = mbuf_printf(mb,
				  "Max-Forwards: 70\r\nFrom: <sip:%s>;tag=%08x\r\nTo: <%s>\r\n"
				  "Call-ID: " PING_CALLID "%016llx\r\nCSeq: 1 OPTIONS\r\n"
				  "Content-Length: 0\r\n\r\n",
				  server->config->domain, rand_u32(), binding->contact,
				  (unsigned long long)rand_u64());
	if (!err)
		flow_send(&flow, mb);
	mem_deref(mb);
}

bool ping_answered(struct server *server, const struct sip_msg *msg, const struct flow *flow)
{
	const size_t len = strlen(PING_CALLID);
	const struct flow_id id = flow_id(flow);

	if (!msg_answers(msg, "OPTIONS") || msg->callid.l <= len ||
	    memcmp(msg->callid.p, PING_CALLID, len))
		return false;

	location_answered(server->location, &id);
	return true;
}
