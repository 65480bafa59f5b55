// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Routing.
 */
#include "sip/proxy.h"

#include "log.h"
#include "registrar/edge.h"
#include "registrar/registrar.h"
#include "sip/branch.h"
#include "sip/forward.h"
#include "sip/message.h"
#include "sip/nexthop.h"
#include "sip/route.h"
#include "sip/token.h"

#include <string.h>

/* RFC 5393 section 5.3.3 */
#define MAX_BREADTH 60

/* Nth Route value, from 0. */
struct route_state {
	size_t skip;
	struct sip_addr addr;
	bool bad;
};

static bool route_nth(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct route_state *state = arg;

	(void)msg;
	if (state->skip--)
		return false;
	state->bad = sip_addr_decode(&state->addr, &hdr->val) != 0;
	return true;
}

/* Whether there is a Route value number @n; @uri is empty if it cannot be read. */
static bool route_get(const struct sip_msg *msg, size_t n, struct uri *uri)
{
	struct route_state state = { .skip = n };

	*uri = (struct uri){ .port = 0 };
	if (!sip_msg_hdr_apply(msg, true, SIP_HDR_ROUTE, route_nth, &state))
		return false;
	if (!state.bad)
		*uri = state.addr.uri;
	return true;
}

/* Route value number @n as one of our flow tokens. */
static int route_token(const struct server *server, const struct sip_msg *msg, size_t n,
		       struct token *token)
{
	struct uri uri;

	if (!route_get(msg, n, &uri) || !server_is_local(server, &uri) || !uri.user.l)
		return EBADMSG;
	return token_decode(token, &server->secret, &msg->callid, &uri.user);
}

/*
 * The end of the call that a token's flow leads to, once that is known; NULL if it leads
 * to the registrar between the two passes of a call.
 */
static struct dialog_end *token_end(struct dialog *dialog, const struct token *token)
{
	if (!dialog)
		return NULL;
	if (token->side == NATTRAV_SIDE_A)
		return token->again ? NULL : &dialog->end[NATTRAV_SIDE_A];
	/* a callee has one place only after the answer */
	return dialog->answered && token->again == dialog->again ? &dialog->end[NATTRAV_SIDE_B] :
								   NULL;
}

/* Methods that are part of INVITE dialogs and change them. */
static bool needs_call(const struct sip_msg *msg)
{
	return msg_is(msg, "INVITE") || msg_is(msg, "UPDATE") || msg_is(msg, "PRACK");
}

/*
 * Threat S10: a request inside of a dialog must come over the flow that its token
 * names. The NAT may have given the terminal another port, and a terminal that
 * registered from a new place has proved who it is.
 */
static bool source_allowed(struct server *server, const struct flow *flow,
			   const struct token *token, struct dialog *dialog)
{
	const struct dialog_end *end = token_end(dialog, token);
	const struct flow_id *expected = end ? &end->flow : &token->flow;
	const struct flow home = nexthops_home(flows_nexthops(server->flows), flow);
	const struct flow_id id = flow_id(&home);
	struct pl user;

	if (flow_id_equal(&id, expected))
		return true;
	if (!sa_cmp(&flow->remote, &expected->remote, SA_ADDR)) {
		if (!end)
			return false;
		pl_set_str(&user, end->user);
		if (!location_owns(server->location, &user, &id))
			return false;
	}
	if (end)
		dialog_move(dialog, token->side, &home);
	return true;
}

static void in_dialog(struct server *server, struct sip_msg *msg, const struct flow *flow)
{
	struct dialog *dialog = dialog_find(server->dialogs, &msg->callid);
	struct forward_plan plan = { .routes = 2, .dialog = dialog, .count = 1 };
	const struct dialog_end *end;
	struct token near, far;

	if (route_token(server, msg, 0, &near) || route_token(server, msg, 1, &far) ||
	    near.side == far.side || near.again != far.again) {
		server_deny(server, flow, msg, 403, "Flow Token Not Valid");
		return;
	}
	if (dialog && !dialog_has_tags(dialog, msg, near.side)) {
		server_deny(server, flow, msg, 481, "Call/Transaction Does Not Exist");
		return;
	}
	if (!source_allowed(server, flow, &near, dialog)) {
		server_deny(server, flow, msg, 403, "Not From a Flow of the Dialog");
		return;
	}
	if (!dialog && needs_call(msg)) {
		server_deny(server, flow, msg, 481, "Call/Transaction Does Not Exist");
		return;
	}

	plan.side = near.side;
	plan.again = near.again;
	end = token_end(dialog, &far);
	if (dialog)
		plan.branch = near.side == NATTRAV_SIDE_B ?
				      dialog_find_branch(dialog, &near.flow, &msg->from.tag) :
				      dialog_find_branch(dialog, &far.flow, &msg->to.tag);
	if (!flow_get(server->flows, end ? &end->flow : &far.flow, &plan.targets[0].out)) {
		/* RFC 5626 section 5.3: the connection is gone, or we no longer listen there */
		server_deny(server, flow, msg, 430, "Flow Failed");
		return;
	}

	mem_ref(dialog);
	forward_request(server, msg, flow, &plan);
	/* between two passes the other one still asks for the call */
	if (end && msg_is(msg, "BYE"))
		dialog_end(dialog, near.side == NATTRAV_SIDE_A ? "ended by the caller" :
								 "ended by the callee");
	mem_deref(dialog);
}

/*
 * The registrar elsewhere asks for passwords itself; here it is to be somebody whom it
 * has taken already.
 */
static bool edge_authorize(struct server *server, const struct sip_msg *msg,
			   const struct flow *flow, struct pl *caller)
{
	const struct flow_id id = flow_id(flow);
	const struct binding *binding = location_at(server->location, &id, NULL);

	if (!binding) {
		server_deny(server, flow, msg, 403, "Not Registered");
		return false;
	}
	if (!location_owns(server->location, caller, &id))
		pl_set_str(caller, binding->aor->user);
	return true;
}

/* Who sends a request outside of any dialog; @caller is set to his name. */
static bool authorize(struct server *server, const struct sip_msg *msg, const struct flow *flow,
		      struct pl *caller)
{
	const struct flow_id id = flow_id(flow);
	const struct config_user *user;

	*caller = msg->from.uri.user;
	if (route_is_peer(server, flow))
		return true;
	if (edge_serves(server, caller))
		return edge_authorize(server, msg, flow, caller);
	if (server_is_local(server, &msg->from.uri) && location_owns(server->location, caller, &id))
		return true;

	user = server_authenticate(server, flow, msg, true);
	if (!user)
		return false;
	if (!server_is_local(server, &msg->from.uri) || pl_strcmp(caller, user->name)) {
		server_deny(server, flow, msg, 403, "From Is Not the Authenticated User");
		return false;
	}
	return true;
}

/* Requests that begin a dialog, in which we stay. */
static bool begins_dialog(const struct sip_msg *msg)
{
	return msg_is(msg, "INVITE") || msg_is(msg, "SUBSCRIBE") || msg_is(msg, "REFER");
}

/* An INVITE that begins a call; 0 or the status to refuse it with. */
static uint16_t call_begin(struct server *server, const struct sip_msg *msg,
			   const struct flow *flow, const struct pl *caller,
			   struct forward_plan *plan, const char **reason)
{
	const struct flow home = nexthops_home(flows_nexthops(server->flows), flow);
	const struct pl *callee = pl_isset(&plan->callee) ? &plan->callee : &msg->uri.user;
	unsigned int i;

	switch (dialog_new(server->dialogs, &plan->dialog, msg, caller, &home, callee,
			   route_is_peer(server, flow) ? NULL : server->config)) {
	case 0:
		break;
	case EEXIST:
		/* RFC 3261 section 8.2.2.2 */
		*reason = "Merged Request";
		return 482;
	case ENOSPC:
	case EDQUOT:
		*reason = "Too Many Calls";
		return 503;
	default:
		*reason = "Server Internal Error";
		return 500;
	}
	plan->initial = true;
	plan->holds = true;
	for (i = 0; i < plan->count; i++) {
		(void)dialog_add_branch(plan->dialog, &plan->targets[i].out, false, true);
		log_info("call %r: %r -> %r: INVITE over the registered path %J", &msg->callid,
			 caller, callee, &plan->targets[i].out.remote);
	}
	return 0;
}

/* The call that an INVITE is one of already: a registrar elsewhere sent it by a Path of ours. */
static struct dialog *call_again(const struct server *server, const struct sip_msg *msg)
{
	struct dialog *dialog = msg_is(msg, "INVITE") ? dialog_find(server->dialogs, &msg->callid) :
							NULL;

	return dialog && !dialog->answered && msg->cseq.num == dialog->invite->cseq.num &&
			       !pl_strcmp(&msg->from.tag, dialog->from_tag) ?
		       dialog :
		       NULL;
}

/* Whether the two are in different networks: who is in one has no use for relays of the other. */
static bool is_elsewhere(const struct server *server, const struct flow_id *a, const struct flow *b)
{
	const struct listener *listener = flows_find(server->flows, a->transport, &a->local);

	return sa_af(&a->remote) != sa_af(&b->remote) ||
	       (listener && strcmp(listener->realm, b->listener->realm) != 0);
}

/*
 * Another pass of a call. Either one of our terminals calls another, and the registrar
 * was between the passes; the call lives by the first of them. Or somebody beyond the
 * registrar calls a user with several terminals here, and the registrar has forked; one
 * pass is then as good as the other. See dialog_anchors() for who edits the SDP.
 */
static uint16_t call_join(const struct server *server, const struct sip_msg *msg,
			  struct dialog *dialog, struct forward_plan *plan)
{
	const struct flow *out = &plan->targets[0].out;
	struct flow caller;
	bool own;

	plan->holds = flow_get(server->flows, &dialog->end[NATTRAV_SIDE_A].flow, &caller) &&
		      route_is_peer(server, &caller);
	own = plan->holds || is_elsewhere(server, &dialog->branches[0].flow, out);
	plan->branch = dialog_add_branch(dialog, out, true, own);
	if (plan->branch == DIALOG_BRANCHES_ALL)
		return 503;
	plan->dialog = dialog;
	plan->initial = true;
	plan->again = true;
	/* the first pass wrote an address into it that is of no use here */
	if (own && !plan->holds)
		plan->offer = dialog->invite;
	dialog->holders += plan->holds;
	log_info("call %r: %r -> %r: INVITE again, over the registered path %J", &msg->callid,
		 &msg->from.uri.user, &plan->callee, &out->remote);
	return 0;
}

/* RFC 5393 section 5: all branches together may not be more than the request allows. */
static bool breadth_take(const struct sip_msg *msg, struct forward_plan *plan)
{
	const struct sip_hdr *hdr = sip_msg_xhdr(msg, "Max-Breadth");
	uint32_t breadth = MAX_BREADTH;

	if (hdr && msg_number(&hdr->val, UINT32_MAX, &breadth))
		breadth = MAX_BREADTH;
	if (!breadth)
		return false;
	plan->count = MIN(plan->count, breadth);
	plan->breadth = MIN(breadth, (uint32_t)MAX_BREADTH) / plan->count;
	return true;
}

/* The places where a user is: all of them for a call, for the rest the newest one. */
static void targets_find(const struct server *server, const struct sip_msg *msg,
			 const struct aor *aor, struct forward_plan *plan)
{
	const unsigned int most = msg_is(msg, "INVITE") ? DIALOG_BRANCHES_MAX : 1;
	const struct le *le;

	for (le = list_head(&aor->bindings); le && plan->count < most; le = le->next) {
		struct forward_target *target = &plan->targets[plan->count];
		const struct binding *binding = le->data;

		if (!flow_get(server->flows, &binding->flow, &target->out))
			continue;
		pl_set_str(&target->uri, binding->contact);
		pl_set_str(&target->route, binding->path);
		plan->count++;
	}
}

/*
 * Sends it where the plan says, and begins a call if it is an INVITE, or @again goes on
 * with one.
 */
static void launch(struct server *server, struct sip_msg *msg, const struct flow *flow,
		   const struct pl *caller, struct forward_plan *plan, struct dialog *again)
{
	const char *reason = NULL;
	uint16_t status;

	if (!breadth_take(msg, plan)) {
		server_deny(server, flow, msg, 440, "Max-Breadth Exceeded");
		return;
	}
	plan->record = begins_dialog(msg);
	if (msg_is(msg, "INVITE")) {
		status = again ? call_join(server, msg, again, plan) :
				 call_begin(server, msg, flow, caller, plan, &reason);
		if (status == 503) {
			server_busy(server, flow, msg);
			return;
		}
		if (status) {
			server_deny(server, flow, msg, status, reason);
			return;
		}
	}
	forward_request(server, msg, flow, plan);
}

/* To a next hop, which our users may use; one next hop is no way to another. */
static void to_route(struct server *server, struct sip_msg *msg, const struct flow *flow,
		     const struct pl *caller, bool local, struct forward_plan *plan)
{
	const struct config_route *route = route_find(server, msg, local, NULL);
	char *uri = NULL;

	if (!route || route_is_peer(server, flow)) {
		server_deny(server, flow, msg, local ? 404 : 403,
			    local ? "Not Found" : "Domain Not Served Here");
	} else if (route_target(server, route, msg, local, &plan->targets[0], &uri)) {
		log_warn("call %r: 503, nothing can be sent to %s %J", &msg->callid,
			 transport_name(route->transport), &route->addr);
		server_busy(server, flow, msg);
	} else {
		plan->count = 1;
		plan->routed = true;
		launch(server, msg, flow, caller, plan, NULL);
	}
	mem_deref(uri);
}

static void to_somebody(struct server *server, struct sip_msg *msg, const struct flow *flow,
			size_t routes, bool local)
{
	struct forward_plan plan = { .side = NATTRAV_SIDE_A, .routes = routes };
	const struct pl *callee = &msg->uri.user;
	const struct aor *aor;
	struct pl caller;

	if (!authorize(server, msg, flow, &caller))
		return;
	if (!local || !config_user_find(server->config, callee)) {
		to_route(server, msg, flow, &caller, local, &plan);
		return;
	}
	aor = location_find(server->location, callee);
	if (aor)
		targets_find(server, msg, aor, &plan);
	if (!plan.count) {
		server_deny(server, flow, msg, 480, "Temporarily Unavailable");
		return;
	}
	launch(server, msg, flow, &caller, &plan, NULL);
}

static void unsupported(struct server *server, const struct flow *flow, const struct sip_msg *msg,
			const struct sip_hdr *extension)
{
	struct reply reply = { .status = 420, .reason = "Bad Extension" };
	struct mbuf *mb = mbuf_alloc(64);

	if (mb && !mbuf_printf(mb, "Unsupported: %r\r\n", &extension->val))
		reply.headers = mb;
	server_refuse(server, flow, msg, &reply);
	mem_deref(mb);
}

/*
 * What begins something new gives way when more comes than can be answered. Who
 * refreshes a path must not lose it, or he comes back as a new one.
 */
static bool is_shed(const struct server *server, const struct sip_msg *msg, const struct flow *flow)
{
	const struct flow_id id = flow_id(flow);

	return (server->overload.high || server->draining) &&
	       !(msg_is(msg, "REGISTER") &&
		 location_owns(server->location, &msg->to.uri.user, &id));
}

/* The registrar sends something over a path that a REGISTER opened. */
static void to_terminal(struct server *server, struct sip_msg *msg, const struct flow *flow,
			const struct token *path)
{
	const struct binding *binding = location_at(server->location, &path->flow, &msg->ruri);
	struct forward_plan plan = { .side = NATTRAV_SIDE_A, .routes = 1, .count = 1 };
	struct dialog *again = call_again(server, msg);

	if (msg_is(msg, "ACK")) {
		log_debug("stray ACK from %J", &flow->remote);
	} else if (!route_is_peer(server, flow)) {
		server_deny(server, flow, msg, 403, "Not From the Registrar");
	} else if (!binding || !flow_get(server->flows, &path->flow, &plan.targets[0].out)) {
		/* RFC 5626 section 5.3 */
		server_deny(server, flow, msg, 430, "Flow Failed");
	} else if (pl_isset(&msg->to.tag) && needs_call(msg)) {
		server_deny(server, flow, msg, 481, "Call/Transaction Does Not Exist");
	} else if (!again && is_shed(server, msg, flow)) {
		server_busy(server, flow, msg);
	} else {
		pl_set_str(&plan.callee, binding->aor->user);
		launch(server, msg, flow, &msg->from.uri.user, &plan, again);
	}
}

static void out_of_dialog(struct server *server, struct sip_msg *msg, const struct flow *flow,
			  size_t routes)
{
	const bool local = server_is_local(server, &msg->uri);

	if (msg_is(msg, "ACK")) {
		/* for a 401, 407 or 403 that left no transaction behind */
		log_debug("stray ACK from %J", &flow->remote);
	} else if (!local && !route_find(server, msg, false, NULL)) {
		server_deny(server, flow, msg, 403, "Domain Not Served Here");
	} else if (is_shed(server, msg, flow)) {
		server_busy(server, flow, msg);
	} else if (local && msg_is(msg, "REGISTER")) {
		if (edge_serves(server, &msg->to.uri.user))
			edge_register(server, msg, flow, routes);
		else
			registrar_register(server, msg, flow);
	} else if (local && msg_is(msg, "OPTIONS") && !msg->uri.user.l) {
		server_deny(server, flow, msg, 200, "OK");
	} else if (pl_isset(&msg->to.tag)) {
		server_deny(server, flow, msg, 481, "Call/Transaction Does Not Exist");
	} else {
		to_somebody(server, msg, flow, routes, local);
	}
}

void proxy_request(struct server *server, struct sip_msg *msg, const struct flow *flow)
{
	const struct sip_hdr *extension = sip_msg_hdr(msg, SIP_HDR_PROXY_REQUIRE);
	struct token path;
	struct uri route;
	uint32_t hops;
	size_t own = 0;

	if (!msg_number(&msg->maxfwd, 255, &hops) && !hops) {
		server_deny(server, flow, msg, 483, "Too Many Hops");
		return;
	}
	if (branch_loops(server->flows, msg)) {
		server_deny(server, flow, msg, 482, "Loop Detected");
		return;
	}
	if (extension) {
		unsupported(server, flow, msg, extension);
		return;
	}

	/* a phone may be told to route all requests through us */
	while (route_get(msg, own, &route) && server_is_local(server, &route)) {
		if (route.user.l) {
			if (own)
				server_deny(server, flow, msg, 403, "Flow Token Not Valid");
			else if (edge_path_decode(server, &route, &path))
				to_terminal(server, msg, flow, &path);
			else
				in_dialog(server, msg, flow);
			return;
		}
		own++;
	}
	if (route_get(msg, own, &route)) {
		server_deny(server, flow, msg, 403, "No Relaying");
		return;
	}
	out_of_dialog(server, msg, flow, own);
}
