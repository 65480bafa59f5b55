// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The edits of a proxy.
 */
#include "sip/rewrite.h"

#include "registrar/edge.h"
#include "sip/body.h"
#include "sip/branch.h"
#include "sip/message.h"
#include "sip/nexthop.h"
#include "sip/token.h"

#define MAX_FORWARDS 70

/* "TOKEN@203.0.113.1:5060;transport=tcp": where we are found at this listener. */
struct own_uri {
	const char *token;
	const struct listener *listener;
};

static int own_uri_print(struct re_printf *pf, const struct own_uri *uri)
{
	const bool udp = uri->listener->transport == TRANSPORT_UDP;

	return re_hprintf(
		pf, "%s@%H%s%s", uri->token, sa_uri_print, &uri->listener->addr,
		udp ? "" : ";transport=", udp ? "" : transport_name(uri->listener->transport));
}

static int record_route(struct msg_edit *edit, const struct server *server,
			const struct sip_msg *msg, enum nattrav_side side, bool again,
			const struct flow *flow)
{
	const struct flow home = nexthops_home(flows_nexthops(server->flows), flow);
	const struct token token = { side, again, flow_id(&home) };
	char text[TOKEN_TEXT_MAX];
	const struct own_uri uri = { text, flow->listener };
	int err;

	err = token_encode(&token, &server->secret, &msg->callid, text);
	if (!err)
		msg_edit_prepend(edit, "Record-Route: <sip:%H;lr>\r\n", own_uri_print, &uri);
	return err;
}

/*
 * RFC 3327 section 5.2, RFC 5626 section 5.1: the registrar finds the terminal over
 * its flow. Phones that know nothing of it would be refused with 420; they lose
 * nothing by it, since they are not to do anything.
 */
static int path_put(struct msg_edit *edit, const struct server *server, const struct sip_msg *msg,
		    const struct flow *flow, const struct flow *out)
{
	const struct token token = { .side = NATTRAV_SIDE_A, .flow = flow_id(flow) };
	char text[TOKEN_TEXT_MAX];
	/* where the registrar sends is where it reaches us */
	const struct own_uri uri = { text, out->listener };
	int err;

	err = token_encode(&token, &server->secret, NULL, text);
	if (err)
		return err;
	msg_edit_prepend(edit, "Path: <sip:%H;lr%s>\r\n", own_uri_print, &uri,
			 sip_msg_hdr_count(msg, SIP_HDR_VIA) == 1 ? ";ob" : "");
	if (!sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "path"))
		msg_edit_prepend(edit, "Supported: path\r\n");
	return 0;
}

/* State of the walk over Proxy-Authorization. */
struct credentials_state {
	struct msg_edit *edit;
	const struct digest *digest;
};

static bool credentials_drop(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct credentials_state *state = arg;

	(void)msg;
	/* they were for us; the callee could try passwords on them */
	if (digest_is_ours(state->digest, hdr))
		msg_edit_drop_line(state->edit, hdr);
	return false;
}

static void hops_count(struct msg_edit *edit, const struct sip_msg *msg)
{
	uint32_t hops;

	if (!pl_isset(&msg->maxfwd))
		msg_edit_prepend(edit, "Max-Forwards: %u\r\n", MAX_FORWARDS);
	else if (!msg_number(&msg->maxfwd, 255, &hops) && hops)
		msg_edit_replace(edit, &msg->maxfwd, "%u", hops - 1);
}

static void body_put(struct msg_edit *edit, const struct sip_msg *msg, const struct mbuf *sdp)
{
	struct pl text, part;

	if (!sdp || body_find_sdp(msg, &part)) {
		/* over UDP it may be left out, over a stream it may not (RFC 3261 section 18.3) */
		if (!sip_msg_hdr(msg, SIP_HDR_CONTENT_LENGTH))
			msg_edit_prepend(edit, "Content-Length: %zu\r\n", msg_body(msg).l);
		return;
	}
	text.p = (const char *)mbuf_buf(sdp);
	text.l = mbuf_get_left(sdp);
	msg_edit_body(edit, &part, &text);
}

static void breadth_put(struct msg_edit *edit, const struct sip_msg *msg,
			const struct forward_plan *plan)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, "Max-Breadth");

	if (!plan->breadth)
		return;
	if (hdr)
		msg_edit_replace(edit, &hdr->val, "%u", plan->breadth);
	else
		msg_edit_prepend(edit, "Max-Breadth: %u\r\n", plan->breadth);
}

static bool refreshes_session(const struct sip_msg *msg)
{
	return !pl_strcmp(&msg->cseq.met, "INVITE") || !pl_strcmp(&msg->cseq.met, "UPDATE");
}

/*
 * RFC 4028 section 8.1: a call whose end got lost is found out by its terminals.
 * Only for callers who know of it: one that does not would have to be refused by
 * callees that insist.
 */
static void session_lower(struct msg_edit *edit, const struct sip_msg *msg,
			  const struct config *config)
{
	struct pl text, least_text;
	const uint32_t asked = msg_seconds(msg, SIP_HDR_SESSION_EXPIRES, &text);
	const uint32_t least = msg_seconds(msg, SIP_HDR_MIN_SE, &least_text);
	const uint32_t wanted = MAX(config->session_expires, least);

	if (!config->session_expires || !refreshes_session(msg))
		return;
	if (asked > wanted)
		msg_edit_replace(edit, &text, "%u", wanted);
	else if (!asked && !sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES) &&
		 sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer"))
		msg_edit_prepend(edit, "Session-Expires: %u\r\n", wanted);
}

/* Section 8.2: the callee knows nothing of it, so the caller refreshes alone. */
static void session_complete(struct msg_edit *edit, const struct sip_msg *msg,
			     const struct sip_msg *request, const struct config *config)
{
	struct pl text;
	const uint32_t least = msg_seconds(request, SIP_HDR_MIN_SE, &text);

	if (!config->session_expires || msg->scode / 100 != 2 || !refreshes_session(msg) ||
	    sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES) ||
	    !sip_msg_hdr_has_value(request, SIP_HDR_SUPPORTED, "timer"))
		return;
	msg_edit_prepend(edit, "Session-Expires: %u;refresher=uac\r\nRequire: timer\r\n",
			 MAX(config->session_expires, least));
}

int rewrite_request(struct mbuf **mbp, const struct server *server, const struct sip_msg *msg,
		    const struct flow *flow, const struct forward_plan *plan,
		    const struct forward_target *target, const struct mbuf *sdp)
{
	const enum nattrav_side far = plan->side == NATTRAV_SIDE_A ? NATTRAV_SIDE_B :
								     NATTRAV_SIDE_A;
	const struct via_stamp stamp = { &msg->via, flow->remote,
					 plan->path ? server->config->keepalive : 0 };
	struct credentials_state state;
	char branch[BRANCH_LEN];
	struct msg_edit *edit;
	int err;

	err = msg_edit_alloc(&edit, msg);
	if (err)
		return err;

	branch_make(branch, msg);
	msg_edit_prepend(
		edit, "Via: SIP/2.0/%s %H;branch=%s%s\r\n",
		transport_via(target->out.listener->transport), sa_uri_print,
		&target->out.listener->addr, branch,
		nexthops_is_trusted(flows_nexthops(server->flows), &target->out) ? ";alias" : "");
	/* each side finds the entry that names its own flow first in its route set */
	if (plan->record) {
		err = record_route(edit, server, msg, far, plan->again, &target->out);
		if (!err)
			err = record_route(edit, server, msg, plan->side, plan->again, flow);
	}
	if (plan->path && !err)
		err = path_put(edit, server, msg, flow, &target->out);
	if (pl_isset(&target->route))
		msg_edit_prepend(edit, "Route: %r\r\n", &target->route);
	if (pl_isset(&target->uri))
		msg_edit_replace(edit, &msg->ruri, "%r", &target->uri);
	msg_edit_replace(edit, &msg->via.val, "%H", via_stamp_print, &stamp);
	hops_count(edit, msg);
	breadth_put(edit, msg, plan);
	session_lower(edit, msg, server->config);
	if (plan->routes)
		msg_edit_drop_values(edit, SIP_HDR_ROUTE, plan->routes);
	state = (struct credentials_state){ edit, server->digest };
	if (!edge_is_registrar(server, &target->out))
		(void)sip_msg_hdr_apply(msg, true, SIP_HDR_PROXY_AUTHORIZATION, credentials_drop,
					&state);
	body_put(edit, msg, sdp);
	if (!err)
		err = msg_edit_finish(edit, mbp);
	mem_deref(edit);
	return err;
}

/* RFC 5626 section 5.4: who used outbound is told how often to keep his flow alive. */
static void flow_timer_put(struct msg_edit *edit, const struct sip_msg *msg,
			   const struct config *config)
{
	if (config->registrar && msg_answers(msg, "REGISTER") && msg->scode / 100 == 2 &&
	    sip_msg_hdr_count(msg, SIP_HDR_VIA) == 2 &&
	    sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "outbound") &&
	    !sip_msg_xhdr(msg, "Flow-Timer"))
		msg_edit_prepend(edit, "Flow-Timer: %u\r\n", config->keepalive);
}

int rewrite_response(struct mbuf **mbp, const struct sip_msg *msg, const struct sip_msg *request,
		     const struct config *config, const struct mbuf *sdp)
{
	struct msg_edit *edit;
	int err;

	if (sip_msg_hdr_count(msg, SIP_HDR_VIA) < 2)
		return EBADMSG;
	err = msg_edit_alloc(&edit, msg);
	if (err)
		return err;
	msg_edit_drop_values(edit, SIP_HDR_VIA, 1);
	session_complete(edit, msg, request, config);
	flow_timer_put(edit, msg, config);
	body_put(edit, msg, sdp);
	err = msg_edit_finish(edit, mbp);
	mem_deref(edit);
	return err;
}

int rewrite_answer(struct mbuf **mbp, const struct sip_msg *msg, const struct flow *flow,
		   const char *method, uint32_t cseq)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	char branch[BRANCH_LEN];
	struct sip_addr contact;
	struct mbuf *mb;
	int err;

	if (!hdr || sip_addr_decode(&contact, &hdr->val))
		return EBADMSG;
	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	branch_make(branch, msg);
	err = mbuf_printf(mb,
			  "%s %r SIP/2.0\r\nVia: SIP/2.0/%s %H;branch=%s\r\nMax-Forwards: %u\r\n"
			  "From: %r\r\nTo: %r\r\nCall-ID: %r\r\nCSeq: %u %s\r\n"
			  "Content-Length: 0\r\n\r\n",
			  method, &contact.auri, transport_via(flow->listener->transport),
			  sa_uri_print, &flow->listener->addr, branch, MAX_FORWARDS, &msg->from.val,
			  &msg->to.val, &msg->callid, cseq, method);
	if (err) {
		mem_deref(mb);
		return ENOMEM;
	}
	mbuf_set_pos(mb, 0);
	*mbp = mb;
	return 0;
}
