// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Refusing at a glance. Nothing here allocates, nothing is decoded but what must be;
 * what a reply needs is copied as it came, as RFC 3261 section 8.2.6.2 wants it.
 */
#include "sip/shed.h"

#include "sip/message.h"

#include <string.h>

/* more than that is nothing that a terminal sends first */
#define VIAS_MAX 8

/**
 * struct glance - a request as its lines tell it
 * @method: its method
 * @via: the Via lines, the first of them the top one
 * @vias: how many
 * @from: From
 * @to: To
 * @callid: Call-ID
 * @cseq: CSeq
 * @route: there is a Route
 */
struct glance {
	struct pl method;
	struct pl via[VIAS_MAX];
	size_t vias;
	struct pl from;
	struct pl to;
	struct pl callid;
	struct pl cseq;
	bool route;
};

/* A header that a message has once. */
static bool take_once(struct pl *to, const struct pl *value)
{
	if (to->p)
		return false;
	*to = *value;
	return value->l > 0;
}

static bool take_via(struct glance *glance, const struct pl *value)
{
	/* the top one of several on a line would have to be found first */
	if (glance->vias == VIAS_MAX || memchr(value->p, ',', value->l))
		return false;
	glance->via[glance->vias++] = *value;
	return true;
}

static bool is_name(const struct pl *name, const char *full, size_t len, char compact)
{
	return (name->l == len && !strncasecmp(name->p, full, len)) ||
	       (name->l == 1 && compact && (*name->p | 0x20) == compact);
}

/* False if the line is none that is understood here. */
static bool line_take(struct glance *glance, const struct pl *line)
{
	const char *colon = memchr(line->p, ':', line->l);
	struct pl name, value;

	/* a line that goes on is for the decoder */
	if (!colon || *line->p == ' ' || *line->p == '\t')
		return false;
	name = msg_trim((struct pl){ line->p, (size_t)(colon - line->p) });
	value = msg_trim((struct pl){ colon + 1, (size_t)(line->p + line->l - colon - 1) });

	if (is_name(&name, "Via", 3, 'v'))
		return take_via(glance, &value);
	if (is_name(&name, "From", 4, 'f'))
		return take_once(&glance->from, &value);
	if (is_name(&name, "To", 2, 't'))
		return take_once(&glance->to, &value);
	if (is_name(&name, "Call-ID", 7, 'i'))
		return take_once(&glance->callid, &value);
	if (is_name(&name, "CSeq", 4, '\0'))
		return take_once(&glance->cseq, &value);
	if (is_name(&name, "Route", 5, '\0'))
		glance->route = true;
	return true;
}

/* Splits a line off; false at the empty one that ends the headers, or if there is none. */
static bool line_next(struct pl *rest, struct pl *line)
{
	const char *end = memchr(rest->p, '\n', rest->l);

	if (!end || end - rest->p < 2 || end[-1] != '\r')
		return false;
	*line = (struct pl){ rest->p, (size_t)(end - rest->p - 1) };
	pl_advance(rest, (ssize_t)(end + 1 - rest->p));
	return true;
}

static bool glance_take(struct glance *glance, const struct mbuf *mb, const char *method)
{
	struct pl rest = { (const char *)mb->buf, mb->end };
	const size_t len = strlen(method);
	struct pl line;

	memset(glance, 0, sizeof(*glance));
	if (!line_next(&rest, &line) || line.l <= len || memcmp(line.p, method, len) ||
	    line.p[len] != ' ')
		return false;
	glance->method = (struct pl){ line.p, len };
	while (line_next(&rest, &line))
		if (!line_take(glance, &line))
			return false;
	return glance->vias && glance->from.p && glance->to.p && glance->callid.p && glance->cseq.p;
}

/* The parameters behind an address, or behind the first ";" of anything else. */
static struct pl params_of(const struct pl *value)
{
	const char *from = memrchr(value->p, '>', value->l);
	const char *semicolon;

	from = from ? from : value->p;
	semicolon = memchr(from, ';', (size_t)(value->p + value->l - from));
	return semicolon ? (struct pl){ semicolon, (size_t)(value->p + value->l - semicolon) } :
			   (struct pl){ value->p + value->l, 0 };
}

/* The user part of To, if that is a plain SIP URI. */
static bool user_of(const struct pl *to, struct pl *user)
{
	const char *scheme = memmem(to->p, to->l, "sip:", 4);
	const char *at = scheme ? memchr(scheme, '@', (size_t)(to->p + to->l - scheme)) : NULL;

	if (!at)
		return false;
	*user = (struct pl){ scheme + 4, (size_t)(at - scheme - 4) };
	return true;
}

static bool branch_of(const struct glance *glance, struct pl *branch)
{
	const struct pl params = params_of(&glance->via[0]);

	return msg_param(&params, "branch", branch) && branch->l;
}

/* What the transaction layer, the dialogs or the registrar will want to see. */
static bool is_wanted(const struct server *server, const struct flow *flow,
		      const struct glance *glance, const struct pl *branch, bool registers)
{
	const struct pl params = params_of(&glance->to);
	const struct flow_id id = flow_id(flow);
	struct pl value;

	if (glance->route || msg_param(&params, "tag", &value) ||
	    server_tx_has(server->transactions, branch, flow))
		return true;
	return registers &&
	       (!user_of(&glance->to, &value) || location_owns(server->location, &value, &id));
}

static void refuse(struct server *server, const struct flow *flow, const struct glance *glance,
		   const struct pl *branch)
{
	const struct sip_via via = { .val = glance->via[0], .params = params_of(&glance->via[0]) };
	const struct via_stamp stamp = { &via, flow->remote, 0 };
	/* as random as the Call-ID and the key of this run, and cheaper than other chance */
	const unsigned long long tag = reply_tag(&glance->callid, branch);
	const unsigned int wait =
		OVERLOAD_RETRY_MIN + tag % (OVERLOAD_RETRY_MAX - OVERLOAD_RETRY_MIN + 1);
	struct mbuf *mb = server->scratch;
	size_t i;
	int err;

	mbuf_rewind(mb);
	err = mbuf_printf(mb, "SIP/2.0 503 Service Unavailable\r\nVia: %H\r\n", via_stamp_print,
			  &stamp);
	for (i = 1; i < glance->vias; i++)
		err |= mbuf_printf(mb, "Via: %r\r\n", &glance->via[i]);
	err |= mbuf_printf(mb,
			   "From: %r\r\nTo: %r;tag=%016llx\r\nCall-ID: %r\r\nCSeq: %r\r\n"
			   "Retry-After: %u\r\nContent-Length: 0\r\n\r\n",
			   &glance->from, &glance->to, tag, &glance->callid, &glance->cseq, wait);
	if (!err)
		flow_send(flow, mb);
}

bool shed_receive(struct server *server, const struct flow *flow, const struct mbuf *mb)
{
	struct glance glance;
	struct pl branch;
	bool registers;

	registers = glance_take(&glance, mb, "REGISTER");
	if ((!registers && !glance_take(&glance, mb, "INVITE")) || !branch_of(&glance, &branch) ||
	    is_wanted(server, flow, &glance, &branch, registers))
		return false;

	server->stats.requests++;
	server->stats.shed++;
	if (server_knows(server, flow) || budget_reply(server->budget, &flow->remote))
		refuse(server, flow, &glance, &branch);
	else
		server->stats.silences++;
	return true;
}

bool shed_ack(const struct server *server, const struct flow *flow, const struct mbuf *mb)
{
	struct glance glance;
	struct pl branch, tag, params;
	char own[17];

	if (!glance_take(&glance, mb, "ACK") || !branch_of(&glance, &branch))
		return false;
	params = params_of(&glance.to);
	if (!msg_param(&params, "tag", &tag) || tag.l != sizeof(own) - 1)
		return false;
	(void)re_snprintf(own, sizeof(own), "%016llx", reply_tag(&glance.callid, &branch));
	return !memcmp(tag.p, own, tag.l) && !server_tx_has(server->transactions, &branch, flow);
}
