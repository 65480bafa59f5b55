// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Responses: what passes at once, and which one of several refusals does
 * (RFC 3261 section 16.7).
 */
#include "sip/forward_private.h"

#include "log.h"
#include "registrar/edge.h"
#include "sip/message.h"
#include "sip/rewrite.h"
#include "sip/route.h"

/* The branch of the call that a response is about: the registrar may have made it of ours. */
static unsigned int number_of(const struct branch *branch, const struct sip_msg *msg)
{
	const struct forward *fw = branch->fw;
	const unsigned int number = fw->initial && !fw->again ?
					    dialog_tag_branch(fw->dialog, &msg->to.tag) :
					    branch->number;

	return number < DIALOG_BRANCHES_ALL ? number : branch->number;
}

/* The response of a branch, as a message of the call. */
static struct negotiation negotiation_of(const struct branch *branch, const struct sip_msg *msg)
{
	const struct forward *fw = branch->fw;

	return (struct negotiation){
		.server = fw->server,
		.dialog = fw->dialog,
		.branch = number_of(branch, msg),
		.again = fw->again,
		.from = side_other(fw->side),
		.src = branch->down ? client_tx_flow(branch->down) : NULL,
		.dst = server_tx_flow(fw->up),
	};
}

void respond_self(struct forward *fw, uint16_t status, const char *reason)
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

void respond_leave(struct forward *fw, const char *why)
{
	struct dialog *dialog = fw->dialog;
	const bool last = fw->holds && dialog->holders == 1;
	unsigned int i;

	if (dialog->answered)
		return;
	/* it rings elsewhere still: nothing but the ports of these places is wanted */
	for (i = 0; i < fw->count && !last; i++)
		dialog_drop_branch(dialog, fw->branches[i].number);
	if (fw->holds)
		dialog_release(dialog, why);
	fw->holds = false;
}

void respond_cancel_others(struct forward *fw, const struct branch *but)
{
	unsigned int i;

	for (i = 0; i < fw->count; i++) {
		struct branch *branch = &fw->branches[i];

		if (branch != but && branch->down && !branch->final)
			client_tx_cancel(branch->down);
	}
}

/*
 * A 2xx that cannot be relayed: the callee must be told that there is no call,
 * with an ACK each time that he repeats it, and one BYE.
 * He is reached directly over his flow; proxies behind him are not asked.
 */
static void undo_answer(struct branch *branch, const struct sip_msg *msg)
{
	const struct flow *flow = client_tx_flow(branch->down);
	struct forward *fw = branch->fw;
	struct mbuf *mb = NULL;

	if (!rewrite_answer(&mb, msg, flow, "ACK", msg->cseq.num))
		flow_send(flow, mb);
	mb = mem_deref(mb);
	if (fw->initial && !branch->undone &&
	    !rewrite_answer(&mb, msg, flow, "BYE", msg->cseq.num + 1))
		(void)client_tx_new(fw->server->transactions, NULL, flow, mb, NULL, NULL);
	mem_deref(mb);
	branch->undone = true;
	branch->final = true;
}

/* The response carries an SDP that the media side refuses. */
static void refuse_response(struct branch *branch, const struct sip_msg *msg, uint16_t status,
			    const char *reason)
{
	struct forward *fw = branch->fw;

	log_warn("call %r: %u with an SDP that cannot be relayed: %s", &msg->callid, msg->scode,
		 reason);
	if (msg->scode < 200)
		client_tx_cancel(branch->down);
	else if (msg_answers(msg, "INVITE"))
		undo_answer(branch, msg);
	respond_cancel_others(fw, branch);
	respond_self(fw, status, reason);
	if (fw->initial)
		respond_leave(fw, "failed");
}

static void answered(struct branch *branch, const struct sip_msg *msg)
{
	struct forward *fw = branch->fw;

	fw->answered = branch;
	branch->final = true;
	mem_deref(fw->tag);
	(void)pl_strdup(&fw->tag, &msg->to.tag);
	/* what is no more than another pass of it is answered when that passed, too */
	if (!fw->holds || fw->dialog->ended)
		return;

	respond_cancel_others(fw, branch);
	dialog_answer(fw->dialog, number_of(branch, msg));
	log_info("call %r: answered by %s", &msg->callid, fw->dialog->end[NATTRAV_SIDE_B].user);
}

/* Sends a 1xx or 2xx on, with what its SDP becomes. */
static void pass(struct branch *branch, struct sip_msg *msg)
{
	const struct negotiation negotiation = negotiation_of(branch, msg);
	struct forward *fw = branch->fw;
	struct mbuf *sdp, *mb;
	const char *reason;
	uint16_t status;

	status = negotiate_response(&negotiation, msg, server_tx_request(fw->up), &sdp, &reason);
	if (status) {
		refuse_response(branch, msg, status, reason);
		return;
	}
	if (fw->initial && fw->again)
		dialog_branch_tag(fw->dialog, branch->number, &msg->to.tag);
	if (fw->holds)
		dialog_tag(fw->dialog, &msg->to.tag);
	if (!rewrite_response(&mb, msg, server_tx_request(fw->up), fw->server->config, sdp)) {
		server_tx_respond(fw->up, msg->scode, mb);
		mem_deref(mb);
		if (fw->holds && msg->scode < 200 && !fw->dialog->ended)
			log_info("call %r: %u %r from %s", &msg->callid, msg->scode, &msg->reason,
				 fw->dialog->end[NATTRAV_SIDE_B].user);
		if (msg->scode >= 200 && msg_answers(msg, "INVITE"))
			answered(branch, msg);
	}
	mem_deref(sdp);
}

/* The lower the better (RFC 3261 section 16.7 (6)). */
static unsigned int rank(uint16_t status)
{
	static const uint16_t telling[] = { 401, 407, 415, 420, 484 };
	size_t i;

	if (status >= 600)
		return 0;
	for (i = 0; i < ARRAY_SIZE(telling); i++) {
		if (status == telling[i])
			return 40;
	}

	/* that one of them is not there says least */
	return status / 100 * 10 + (status == 408 || status == 487 ? 9 : 5);
}

/* All have refused: so does the whole. */
static void refused(struct forward *fw)
{
	const struct negotiation negotiation = {
		.server = fw->server,
		.dialog = fw->dialog,
		.branch = fw->branches[0].number,
		.again = fw->again,
	};
	char *why = NULL;

	if (!fw->initial)
		negotiate_failed(&negotiation, server_tx_request(fw->up));

	if (fw->best)
		server_tx_respond(fw->up, fw->best_status, fw->best);
	else if (msg_is(server_tx_request(fw->up), "INVITE"))
		respond_self(fw, 408, "Request Timeout");
	else
		/* RFC 4320 section 4.2: no 408 to anything but INVITE */
		server_tx_drop(fw->up);

	if (!fw->initial || fw->dialog->ended)
		return;
	/* he comes again, with a password */
	if (fw->holds && (fw->best_status == 401 || fw->best_status == 407))
		fw->dialog->challenged = true;
	if (!fw->best_status)
		respond_leave(fw, "no answer");
	else if (!re_sdprintf(&why, "refused with %u", fw->best_status))
		respond_leave(fw, why);
	mem_deref(why);
}

/* What a next hop may answer to be left alone for, in seconds. */
#define RETRY_AFTER_MAX 60u
/* One that said nothing at all is asked again after that long. */
#define MUTE_MS 30000

/* A next hop that is overloaded tells how long (RFC 3261 section 21.5.4). */
static void hop_busy(const struct branch *branch, const struct sip_msg *msg)
{
	const struct forward *fw = branch->fw;
	struct pl text;
	const uint32_t seconds = msg_seconds(msg, SIP_HDR_RETRY_AFTER, &text);

	if (fw->hops && seconds)
		outage_begin(fw->server->outages, client_tx_flow(branch->down),
			     MIN(seconds, RETRY_AFTER_MAX) * 1000ull, "503");
}

static void hop_mute(const struct branch *branch)
{
	const struct forward *fw = branch->fw;

	if (fw->hops && !branch->heard)
		outage_begin(fw->server->outages, client_tx_flow(branch->down), MUTE_MS,
			     "no answer");
}

/* Nothing more comes of a branch; @mb is its response, or NULL if it gave none. */
static void branch_end(struct branch *branch, uint16_t status, struct mbuf *mb)
{
	struct forward *fw = branch->fw;
	unsigned int i;

	branch->final = true;
	if (mb && (!fw->best || rank(status) < rank(fw->best_status))) {
		mem_deref(fw->best);
		fw->best = mem_ref(mb);
		fw->best_status = status;
	}
	if (fw->answered)
		return;
	if (status >= 600)
		respond_cancel_others(fw, branch);

	for (i = 0; i < fw->count; i++) {
		if (!fw->branches[i].final) {
			/* its ports are wanted while the others ring */
			if (fw->initial)
				dialog_drop_branch(fw->dialog, branch->number);
			return;
		}
	}
	/* RFC 3263 section 4.3 */
	if (((!status && !branch->heard) || status == 503) && forward_next(fw)) {
		if (fw->initial)
			dialog_drop_branch(fw->dialog, branch->number);
		return;
	}
	refused(fw);
}

static void refuse_branch(struct branch *branch, struct sip_msg *msg)
{
	struct forward *fw = branch->fw;
	struct mbuf *mb;

	if (branch->final)
		return;
	if (rewrite_response(&mb, msg, server_tx_request(fw->up), fw->server->config, NULL))
		return;
	if (msg->scode == 503)
		hop_busy(branch, msg);
	branch_end(branch, msg->scode, mb);
	mem_deref(mb);
}

/* The call is over, or another branch of another pass has it. */
static bool is_too_late(const struct forward *fw)
{
	return fw->initial &&
	       (fw->cancelled || (!fw->answered && (fw->dialog->ended || fw->dialog->answered)));
}

void respond_response(struct sip_msg *msg, void *arg)
{
	struct branch *branch = arg;
	struct forward *fw = branch->fw;
	const bool invite = msg_answers(msg, "INVITE");

	branch->heard = true;
	wheel_stop(&branch->patience);
	if (fw->hops && msg->scode != 503)
		outage_end(fw->server->outages, client_tx_flow(branch->down));
	/* hop by hop (RFC 3261 section 16.7 (5)), or too late */
	if (msg->scode == 100 || !fw->up)
		return;
	if (msg->scode >= 200 && msg_answers(msg, "REGISTER"))
		edge_answered(fw->server, server_tx_request(fw->up), server_tx_flow(fw->up), msg);
	if (msg->scode >= 300) {
		refuse_branch(branch, msg);
		return;
	}
	if (branch->undone && invite) {
		undo_answer(branch, msg);
		return;
	}
	if (branch->left) {
		/* another next hop has it by now */
		if (msg->scode >= 200 && invite)
			undo_answer(branch, msg);
		return;
	}
	if (is_too_late(fw)) {
		/* it crossed the CANCEL and its streams are gone: nobody is to talk any more */
		if (msg->scode >= 200) {
			undo_answer(branch, msg);
			respond_self(fw, 487, "Request Terminated");
		}
		return;
	}
	if (!fw->answered || !invite) {
		pass(branch, msg);
		return;
	}
	/* one caller, one call: what others answer is undone */
	if (msg->scode >= 200) {
		if (branch == fw->answered && fw->tag && !pl_strcmp(&msg->to.tag, fw->tag))
			server_tx_repeat(fw->up);
		else
			undo_answer(branch, msg);
	}
}

void respond_timeout(void *arg)
{
	struct branch *branch = arg;
	struct forward *fw = branch->fw;
	const struct reply reply = { .status = 487, .reason = "Request Terminated" };
	struct mbuf *mb = NULL;

	if (!fw->up || branch->final)
		return;
	hop_mute(branch);
	if (fw->cancelled)
		(void)reply_build(&mb, server_tx_request(fw->up), &server_tx_flow(fw->up)->remote,
				  &reply);
	branch_end(branch, mb ? reply.status : 0, mb);
	mem_deref(mb);
}

void respond_lost(void *arg)
{
	static const struct reply hop = { .status = 503, .reason = "Next Hop Lost" };
	static const struct reply terminal = { .status = 480, .reason = "Connection Lost" };
	struct branch *branch = arg;
	struct forward *fw = branch->fw;
	const struct reply *reply =
		route_is_peer(fw->server, client_tx_flow(branch->down)) ? &hop : &terminal;
	struct mbuf *mb = NULL;

	if (!fw->up || branch->final)
		return;
	(void)reply_build(&mb, server_tx_request(fw->up), &server_tx_flow(fw->up)->remote, reply);
	branch_end(branch, mb ? reply->status : 0, mb);
	mem_deref(mb);
}

void respond_mute(void *arg)
{
	struct branch *branch = arg;
	struct forward *fw = branch->fw;

	if (!fw->up || branch->final || fw->cancelled)
		return;
	hop_mute(branch);
	branch->left = true;
	client_tx_leave(branch->down);
	branch_end(branch, 0, NULL);
}

void respond_gone(void *arg)
{
	struct branch *branch = arg;

	branch->down = NULL;
	mem_deref(branch->fw);
}
