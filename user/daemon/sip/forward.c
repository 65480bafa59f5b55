// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Forwarding requests, to one place or to several.
 */
#include "sip/forward_private.h"

#include "log.h"
#include "sip/message.h"
#include "sip/rewrite.h"
#include "sip/route.h"
#include "sip/sanity.h"

/*
 * So long a next hop may be silent if there is another one: it was asked four times by
 * then. After 64 * T1, which it has otherwise, nobody is at the telephone any more.
 */
#define PATIENCE_MS 4000

static void forward_destroy(void *data)
{
	struct forward *fw = data;
	unsigned int i;

	for (i = 0; i < fw->count; i++)
		wheel_stop(&fw->branches[i].patience);
	/* no way out of the INVITE may leave a call behind */
	if (fw->initial)
		respond_leave(fw, "not answered");
	/* it did not come by again on its way to the other end */
	if (fw->bye && fw->dialog)
		dialog_end(fw->dialog, fw->side == NATTRAV_SIDE_A ? "ended by the caller" :
								    "ended by the callee");
	mem_deref(fw->dialog);
	mem_deref(fw->hops);
	mem_deref(fw->best);
	mem_deref(fw->tag);
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

	/* RFC 3261 section 9.2: they talk already */
	if (fw->answered)
		return;
	fw->cancelled = true;
	/* the ports are wanted; the callee may take his time, or not be there at all */
	if (fw->initial)
		respond_leave(fw, "cancelled by the caller");
	respond_cancel_others(fw, NULL);
}

/* A request that is not ours to hold any longer: say so and end what it began. */
static void give_up(const struct flow *flow, const struct sip_msg *msg,
		    const struct forward_plan *plan, uint16_t status, const char *reason)
{
	struct reply reply = { .status = status, .reason = reason };
	struct mbuf *mb = mbuf_alloc(64);

	if (mb && status == 503 && !mbuf_printf(mb, "Retry-After: %u\r\n", overload_retry_after()))
		reply.headers = mb;
	if (mb && status == 415 && !mbuf_write_str(mb, "Accept: application/sdp\r\n"))
		reply.headers = mb;
	log_warn("call %r: %r refused: %s", &msg->callid, &msg->met, reason);
	/* he is known by now */
	reply_send(flow, msg, &reply);
	mem_deref(mb);
	if (plan->initial && plan->again)
		dialog_drop_branch(plan->dialog, plan->branch);
	if (plan->initial && plan->holds)
		dialog_release(plan->dialog, "failed");
}

/* The request as it goes to one of its targets, a branch of the call with this number. */
static int target_write(struct mbuf **mbp, struct server *server, const struct sip_msg *msg,
			const struct flow *flow, const struct forward_plan *plan, unsigned int i,
			unsigned int number, bool *edited, struct fault *fault)
{
	const struct negotiation negotiation = {
		.server = server,
		.dialog = plan->dialog,
		.branch = number,
		.again = plan->again,
		.from = plan->side,
		.src = flow,
		.dst = &plan->targets[i].out,
	};
	struct mbuf *sdp;
	int err;

	fault->status = negotiate_request(&negotiation, plan->offer ? plan->offer : msg, &sdp,
					  &fault->reason);
	if (fault->status)
		return EBADMSG;
	*edited = sdp != NULL;
	err = rewrite_request(mbp, server, msg, flow, plan, &plan->targets[i], sdp);
	mem_deref(sdp);
	return err;
}

/* Begins the transaction with one target. */
static int target_start(struct forward *fw, const struct flow *out, struct mbuf *request,
			unsigned int number)
{
	static const struct client_tx_ops ops = { respond_response, respond_timeout, respond_lost,
						  respond_gone };
	struct branch *branch = &fw->branches[fw->count];
	int err;

	branch->fw = fw;
	branch->number = number;
	err = client_tx_new(fw->server->transactions, &branch->down, out, request, &ops, branch);
	if (err)
		return err;
	/* given back when the transaction ends */
	mem_ref(fw);
	fw->count++;
	return 0;
}

/* Each target is a branch, if the call begins; else all of it is about one. */
static unsigned int target_number(const struct forward_plan *plan, unsigned int i)
{
	return plan->initial ? plan->branch + i : plan->branch;
}

static bool is_ours(const struct forward *fw)
{
	return server_is_local(fw->server, &server_tx_request(fw->up)->uri);
}

/* The hop that the request went to last need not be the last one. */
static void hop_watch(struct forward *fw)
{
	struct branch *branch = &fw->branches[fw->count - 1];

	if (fw->hops && fw->count < DIALOG_BRANCHES_MAX &&
	    route_find(fw->server, server_tx_request(fw->up), is_ours(fw), fw->hops))
		wheel_start(fw->server->wheel, &branch->patience, PATIENCE_MS, respond_mute,
			    branch);
}

/* Keeps what is needed to send it to another next hop, if there is one. */
static void hops_keep(struct forward *fw, const struct forward_plan *plan)
{
	if (!plan->routed || !route_find(fw->server, server_tx_request(fw->up), is_ours(fw), plan))
		return;
	fw->hops = mem_zalloc(sizeof(*fw->hops), NULL);
	if (!fw->hops)
		return;
	*fw->hops = *plan;
	/* what is not the plan's own will not last as long */
	fw->hops->callee = pl_null;
	fw->hops->targets[0].uri = pl_null;
	hop_watch(fw);
}

/* Sends it to the last of the hops; that is another branch of the call, which begins. */
static int hop_start(struct forward *fw)
{
	const struct forward_plan *hops = fw->hops;
	const unsigned int i = hops->count - 1;
	unsigned int number = hops->branch;
	struct fault fault = { .status = 0 };
	struct mbuf *mb = NULL;
	bool edited;
	int err;

	if (fw->initial) {
		number = dialog_add_branch(fw->dialog, &hops->targets[i].out, false, true);
		if (number == DIALOG_BRANCHES_ALL)
			return ENOSPC;
	}
	err = target_write(&mb, fw->server, server_tx_request(fw->up), server_tx_flow(fw->up), hops,
			   i, number, &edited, &fault);
	if (!err)
		err = target_start(fw, &hops->targets[i].out, mb, number);
	if (err && fw->initial)
		dialog_drop_branch(fw->dialog, number);
	mem_deref(mb);
	return err;
}

bool forward_next(struct forward *fw)
{
	const struct sip_msg *msg = fw->up ? server_tx_request(fw->up) : NULL;
	struct forward_plan *hops = fw->hops;
	const struct config_route *route;
	struct forward_target *target;
	char *uri;
	int err;

	if (fw->cancelled || (fw->initial && fw->dialog->ended))
		return false;
	while (hops && msg && fw->count < DIALOG_BRANCHES_MAX &&
	       hops->count < DIALOG_BRANCHES_MAX) {
		route = route_find(fw->server, msg, is_ours(fw), hops);
		if (!route)
			return false;
		target = &hops->targets[hops->count++];
		*target = (struct forward_target){ .uri = pl_null };
		err = route_target(fw->server, route, msg, is_ours(fw), target, &uri) ?:
											hop_start(fw);
		mem_deref(uri);
		target->uri = pl_null;
		if (err)
			continue;
		log_info("call %r: %r goes to another next hop, %s %J", &msg->callid, &msg->met,
			 transport_name(route->transport), &route->addr);
		hop_watch(fw);
		return true;
	}
	return false;
}

/* Begins the transaction with the sender. */
static int forward_alloc(struct forward **fwp, struct server *server, struct sip_msg *msg,
			 const struct flow *flow, const struct forward_plan *plan)
{
	struct forward *fw;
	int err;

	fw = mem_zalloc(sizeof(*fw), forward_destroy);
	if (!fw)
		return ENOMEM;
	fw->server = server;
	fw->side = plan->side;
	fw->again = plan->again;
	fw->bye = msg_is(msg, "BYE");
	fw->dialog = mem_ref(plan->dialog);

	err = server_tx_new(server->transactions, &fw->up, msg, flow, up_gone, fw);
	if (err)
		mem_deref(fw);
	else
		*fwp = fw;
	return err;
}

static int forward_start(struct server *server, struct sip_msg *msg, const struct flow *flow,
			 const struct forward_plan *plan, struct mbuf *const *requests)
{
	struct forward *fw;
	unsigned int i;
	int err;

	err = forward_alloc(&fw, server, msg, flow, plan);
	if (err)
		return err;
	for (i = 0; i < plan->count; i++) {
		if (!requests[i])
			continue;
		err = target_start(fw, &plan->targets[i].out, requests[i], target_number(plan, i));
		if (err)
			break;
	}
	if (!fw->count) {
		server_tx_drop(fw->up);
		return err;
	}
	fw->initial = plan->initial;
	fw->holds = plan->holds;
	hops_keep(fw, plan);
	if (msg_is(msg, "INVITE"))
		respond_self(fw, 100, "Trying");
	return 0;
}

/* RFC 3261 section 13.2.2.4: an ACK is repeated as often as the 2xx; its SDP passed once. */
static bool ack_repeated(const struct forward_plan *plan, const struct sip_msg *msg)
{
	const struct dialog *dialog = plan->dialog;

	if (!dialog || !dialog->ack || dialog->ack_cseq != msg->cseq.num ||
	    !dialog_anchors(dialog, plan->branch, plan->again))
		return false;
	flow_send(&plan->targets[0].out, dialog->ack);
	return true;
}

static void ack_keep(struct dialog *dialog, const struct sip_msg *msg, struct mbuf *mb)
{
	mem_deref(dialog->ack);
	dialog->ack = mem_ref(mb);
	dialog->ack_cseq = msg->cseq.num;
}

static void ack_forward(struct server *server, const struct sip_msg *msg, const struct flow *flow,
			const struct forward_plan *plan)
{
	struct fault fault = { .status = 0 };
	struct mbuf *mb = NULL;
	bool edited = false;

	if (ack_repeated(plan, msg))
		return;
	if (target_write(&mb, server, msg, flow, plan, 0, plan->branch, &edited, &fault)) {
		if (fault.status)
			log_warn("call %r: ACK dropped: %s", &msg->callid, fault.reason);
		return;
	}
	flow_send(&plan->targets[0].out, mb);
	if (edited)
		ack_keep(plan->dialog, msg, mb);
	mem_deref(mb);
}

void forward_request(struct server *server, struct sip_msg *msg, const struct flow *flow,
		     const struct forward_plan *plan)
{
	struct mbuf *requests[DIALOG_BRANCHES_MAX] = { NULL };
	struct fault fault = { .status = 0 };
	unsigned int i, ready = 0;
	bool edited;
	int err = 0;

	if (msg_is(msg, "ACK")) {
		ack_forward(server, msg, flow, plan);
		return;
	}

	/* those that ports are left for */
	for (i = 0; i < plan->count; i++) {
		err = target_write(&requests[i], server, msg, flow, plan, i, target_number(plan, i),
				   &edited, &fault);
		ready += !err;
	}
	if (ready) {
		err = forward_start(server, msg, flow, plan, requests);
		fault.status = 0;
	}
	if (err && fault.status)
		give_up(flow, msg, plan, fault.status, fault.reason);
	else if (err == ENOSPC)
		give_up(flow, msg, plan, 503, "Too Many Transactions");
	else if (err)
		give_up(flow, msg, plan, 500, "Server Internal Error");
	for (i = 0; i < plan->count; i++)
		mem_deref(requests[i]);
}
