// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Forwarding requests and responses.
 */
#include "sip/forward.h"

#include "log.h"
#include "sip/body.h"
#include "sip/message.h"
#include "sip/rewrite.h"

/**
 * struct forward - a request on its way
 * @server: the server
 * @up: the transaction with the sender; it holds a reference, as does @down
 * @down: the transaction with the receiver
 * @dialog: the call, or NULL
 * @side: who sent the request
 * @initial: it is the INVITE that began the call
 * @cancelled: the sender cancelled it
 * @answered: a 2xx passed
 * @undone: a 2xx could not pass, and the callee was told so
 * @tag: To tag of that 2xx
 */
struct forward {
	struct server *server;
	struct server_tx *up;
	struct client_tx *down;
	struct dialog *dialog;
	enum nattrav_side side;
	bool initial;
	bool cancelled;
	bool answered;
	bool undone;
	char *tag;
};

static enum nattrav_side other(enum nattrav_side side)
{
	return side == NATTRAV_SIDE_A ? NATTRAV_SIDE_B : NATTRAV_SIDE_A;
}

static void forward_destroy(void *data)
{
	struct forward *fw = data;

	/* no way out of the INVITE may leave a call behind */
	if (fw->initial && !fw->dialog->answered)
		dialog_end(fw->dialog, "not answered");
	mem_deref(fw->dialog);
	mem_deref(fw->tag);
}

/* Whether the bodies of a method are offers and answers (RFC 3264, 3261, 3262, 3311). */
static bool negotiates(const struct sip_msg *msg)
{
	return !pl_strcmp(&msg->cseq.met, "INVITE") || !pl_strcmp(&msg->cseq.met, "ACK") ||
	       !pl_strcmp(&msg->cseq.met, "PRACK") || !pl_strcmp(&msg->cseq.met, "UPDATE");
}

/*
 * RFC 3264 as SIP carries it (RFC 6337 section 2): an SDP in a response answers
 * the one of its request, and in a response to a request without one it offers.
 */
static enum media_role request_role(const struct sip_msg *msg)
{
	if (msg_is(msg, "ACK"))
		return MEDIA_ROLE_ANSWER;

	/* a PRACK may answer an offer in the 18x, or make one */
	return msg_is(msg, "PRACK") ? MEDIA_ROLE_UNKNOWN : MEDIA_ROLE_OFFER;
}

static enum media_role response_role(const struct sip_msg *request)
{
	struct pl sdp;

	return body_find_sdp(request, &sdp) ? MEDIA_ROLE_OFFER : MEDIA_ROLE_ANSWER;
}

/**
 * sdp_pass() - take the SDP of a message to the media side
 * @server: the server
 * @dialog: its call
 * @msg: the message
 * @from: the side that sent it
 * @src: where it came from
 * @dst: where it goes
 * @role: offer or answer
 * @sdp: set to the edited SDP, or NULL if there is none
 * @reason: set if it is refused
 *
 * Return: 0, or the status to refuse the message with.
 */
static uint16_t sdp_pass(const struct server *server, const struct dialog *dialog,
			 const struct sip_msg *msg, enum nattrav_side from, const struct flow *src,
			 const struct flow *dst, enum media_role role, struct mbuf **sdp,
			 const char **reason)
{
	struct media_sdp passing = {
		.call = msg->callid,
		.from = from,
		.src = src->remote,
		.dst = dst->remote,
		.src_realm = src->listener->realm,
		.dst_realm = dst->listener->realm,
		.role = role,
	};
	uint16_t status;

	*sdp = NULL;
	*reason = NULL;
	if (!dialog || dialog->ended || !negotiates(msg))
		return 0;
	switch (body_find_sdp(msg, &passing.body)) {
	case 0:
		break;
	case ENOENT:
		return 0;
	default:
		*reason = "Unsupported Media Type";
		return 415;
	}
	status = (uint16_t)media_sdp_pass(server->media, &passing, sdp, reason);
	if (status && !*reason)
		*reason = "Not Acceptable Here";
	return status;
}

static void answer(struct forward *fw, uint16_t status, const char *reason)
{
	const struct reply reply = { .status = status, .reason = reason };
	struct mbuf *mb;

	if (!fw->up)
		return;
	if (reply_build(&mb, server_tx_request(fw->up), &server_tx_flow(fw->up)->remote, &reply))
		return;
	server_tx_respond(fw->up, status, mb);
	mem_deref(mb);
}

/*
 * A 2xx that cannot be relayed: the callee must be told that there is no call,
 * with an ACK each time that he repeats it, and one BYE.
 * He is reached directly over his flow; proxies behind him are not asked.
 */
static void undo_answer(struct forward *fw, const struct sip_msg *msg)
{
	const struct flow *flow = client_tx_flow(fw->down);
	struct mbuf *mb = NULL;

	if (!rewrite_answer(&mb, msg, flow, "ACK", msg->cseq.num))
		flow_send(flow, mb);
	mb = mem_deref(mb);
	if (fw->initial && !fw->undone && !rewrite_answer(&mb, msg, flow, "BYE", msg->cseq.num + 1))
		(void)client_tx_new(fw->server->transactions, NULL, flow, mb, NULL, NULL);
	mem_deref(mb);
	fw->undone = true;
}

/* The response carries an SDP that the media side refuses. */
static void refuse_response(struct forward *fw, const struct sip_msg *msg, uint16_t status,
			    const char *reason)
{
	log_warn("call %r: %u with an SDP that cannot be relayed: %s", &msg->callid, msg->scode,
		 reason);
	if (msg->scode < 200)
		client_tx_cancel(fw->down);
	else if (msg_answers(msg, "INVITE"))
		undo_answer(fw, msg);
	answer(fw, status, reason);
	if (fw->initial)
		dialog_end(fw->dialog, "failed");
}

/* An INVITE or UPDATE in the call failed: all stays as it was. */
static void offer_rejected(const struct forward *fw, const struct sip_msg *request)
{
	struct pl sdp;

	if (fw->dialog && !fw->dialog->ended && negotiates(request) &&
	    !body_find_sdp(request, &sdp))
		media_offer_rejected(fw->server->media, &request->callid);
}

/* What a response that was sent on means for the call. */
static void response_note(struct forward *fw, const struct sip_msg *msg)
{
	char *why;

	if (msg->scode / 100 == 2 && msg_answers(msg, "INVITE")) {
		fw->answered = true;
		if (!fw->tag)
			(void)pl_strdup(&fw->tag, &msg->to.tag);
	}
	if (msg->scode >= 300 && !fw->initial)
		offer_rejected(fw, server_tx_request(fw->up));
	if (!fw->initial || fw->dialog->ended)
		return;
	if (msg->scode < 200) {
		log_info("call %r: %u %r from %s", &msg->callid, msg->scode, &msg->reason,
			 fw->dialog->end[NATTRAV_SIDE_B].user);
	} else if (msg->scode < 300) {
		if (fw->dialog->answered)
			return;
		dialog_answer(fw->dialog);
		log_info("call %r: answered by %s", &msg->callid,
			 fw->dialog->end[NATTRAV_SIDE_B].user);
	} else if (!re_sdprintf(&why, "refused with %u", msg->scode)) {
		dialog_end(fw->dialog, why);
		mem_deref(why);
	}
}

static void forward_response(struct sip_msg *msg, void *arg)
{
	struct forward *fw = arg;
	struct mbuf *sdp, *mb;
	const char *reason;
	uint16_t status;

	/* hop by hop (RFC 3261 section 16.7 (5)), or too late */
	if (msg->scode == 100 || !fw->up)
		return;
	if (fw->undone && msg_answers(msg, "INVITE")) {
		undo_answer(fw, msg);
		return;
	}
	if (fw->cancelled && fw->initial && msg->scode < 300) {
		/* it crossed the CANCEL and its streams are gone: nobody is to talk any more */
		if (msg->scode >= 200) {
			undo_answer(fw, msg);
			answer(fw, 487, "Request Terminated");
		}
		return;
	}
	if (fw->answered && msg_answers(msg, "INVITE")) {
		/* one callee, one call: the 2xx of another branch behind him is not passed */
		if (msg->scode / 100 == 2 && fw->tag && !pl_strcmp(&msg->to.tag, fw->tag))
			server_tx_repeat(fw->up);
		return;
	}
	if (fw->initial && msg->scode < 300)
		dialog_tag(fw->dialog, &msg->to.tag);

	sdp = NULL;
	if (msg->scode < 300) {
		status = sdp_pass(fw->server, fw->dialog, msg, other(fw->side),
				  client_tx_flow(fw->down), server_tx_flow(fw->up),
				  response_role(server_tx_request(fw->up)), &sdp, &reason);
		if (status) {
			refuse_response(fw, msg, status, reason);
			return;
		}
	}
	if (!rewrite_response(&mb, msg, sdp)) {
		server_tx_respond(fw->up, msg->scode, mb);
		mem_deref(mb);
		response_note(fw, msg);
	}
	mem_deref(sdp);
}

static void forward_timeout(void *arg)
{
	struct forward *fw = arg;

	if (!fw->up)
		return;
	if (!msg_is(server_tx_request(fw->up), "INVITE")) {
		offer_rejected(fw, server_tx_request(fw->up));
		server_tx_drop(fw->up);
		return;
	}
	if (fw->cancelled)
		answer(fw, 487, "Request Terminated");
	else
		answer(fw, 408, "Request Timeout");
	if (fw->initial)
		dialog_end(fw->dialog, "no answer");
	else
		offer_rejected(fw, server_tx_request(fw->up));
}

static void down_gone(void *arg)
{
	struct forward *fw = arg;

	fw->down = NULL;
	mem_deref(fw);
}

static void up_gone(void *arg)
{
	struct forward *fw = arg;

	fw->up = NULL;
	mem_deref(fw);
}

void forward_cancel(const struct server_tx *up)
{
	struct forward *fw = server_tx_arg(up);

	fw->cancelled = true;
	/* the ports are wanted; the callee may take his time, or not be there at all */
	if (fw->initial)
		dialog_end(fw->dialog, "cancelled by the caller");
	if (fw->down)
		client_tx_cancel(fw->down);
}

/* A request that is not ours to hold any longer: say so and end what it began. */
static void give_up(const struct flow *flow, const struct sip_msg *msg,
		    const struct forward_plan *plan, uint16_t status, const char *reason)
{
	struct reply reply = { .status = status, .reason = reason };
	struct mbuf *mb = mbuf_alloc(64);

	if (mb && status == 503 && !mbuf_write_str(mb, "Retry-After: 10\r\n"))
		reply.headers = mb;
	if (mb && status == 415 && !mbuf_write_str(mb, "Accept: application/sdp\r\n"))
		reply.headers = mb;
	log_warn("call %r: %r refused: %s", &msg->callid, &msg->met, reason);
	/* he is known by now */
	reply_send(flow, msg, &reply);
	mem_deref(mb);
	if (plan->initial)
		dialog_end(plan->dialog, "failed");
}

/* Begin both transactions. */
static int forward_start(struct server *server, struct sip_msg *msg, const struct flow *flow,
			 const struct forward_plan *plan, struct mbuf *request)
{
	static const struct client_tx_ops ops = { forward_response, forward_timeout, down_gone };
	struct forward *fw;
	int err;

	fw = mem_zalloc(sizeof(*fw), forward_destroy);
	if (!fw)
		return ENOMEM;
	fw->server = server;
	fw->side = plan->side;
	fw->dialog = mem_ref(plan->dialog);

	err = server_tx_new(server->transactions, &fw->up, msg, flow, up_gone, fw);
	if (err) {
		mem_deref(fw);
		return err;
	}
	/* @up has the first reference now, @down gets its own */
	err = client_tx_new(server->transactions, &fw->down, &plan->out, request, &ops,
			    mem_ref(fw));
	if (err) {
		/* never made, it will not give its reference back */
		mem_deref(fw);
		server_tx_drop(fw->up);
		return err;
	}
	fw->initial = plan->initial;
	if (msg_is(msg, "INVITE"))
		answer(fw, 100, "Trying");
	return 0;
}

/* RFC 3261 section 13.2.2.4: an ACK is repeated as often as the 2xx; its SDP passed once. */
static bool ack_repeated(const struct forward_plan *plan, const struct sip_msg *msg)
{
	const struct dialog *dialog = plan->dialog;

	if (!dialog || !dialog->ack || dialog->ack_cseq != msg->cseq.num)
		return false;
	flow_send(&plan->out, dialog->ack);
	return true;
}

static void ack_keep(struct dialog *dialog, const struct sip_msg *msg, struct mbuf *mb)
{
	mem_deref(dialog->ack);
	dialog->ack = mem_ref(mb);
	dialog->ack_cseq = msg->cseq.num;
}

void forward_request(struct server *server, struct sip_msg *msg, const struct flow *flow,
		     const struct forward_plan *plan)
{
	const bool ack = msg_is(msg, "ACK");
	struct mbuf *sdp, *mb = NULL;
	const char *reason;
	uint16_t status;
	int err;

	if (ack && ack_repeated(plan, msg))
		return;
	status = sdp_pass(server, plan->dialog, msg, plan->side, flow, &plan->out,
			  request_role(msg), &sdp, &reason);
	if (status) {
		give_up(flow, msg, plan, status, reason);
		return;
	}
	err = rewrite_request(&mb, server, msg, flow, plan, sdp);
	if (!err && ack) {
		flow_send(&plan->out, mb);
		if (sdp)
			ack_keep(plan->dialog, msg, mb);
	} else if (!err) {
		err = forward_start(server, msg, flow, plan, mb);
	}
	if (err == ENOSPC)
		give_up(flow, msg, plan, 503, "Too Many Transactions");
	else if (err)
		give_up(flow, msg, plan, 500, "Server Internal Error");
	mem_deref(mb);
	mem_deref(sdp);
}
