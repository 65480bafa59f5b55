// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The edge before a registrar.
 */
#include "registrar/edge.h"

#include "log.h"
#include "registrar/contact.h"
#include "sip/forward.h"
#include "sip/message.h"
#include "sip/nexthop.h"
#include "sip/route.h"
#include "sip/token.h"

/* some 1 KiB each; who is there already may always refresh */
#define FLOWS_MAX 500000
/* what the location service keeps at most */
#define LIFETIME_MAX (7u * 24 * 3600)
/* RFC 3261 section 10.3 (6): an hour, unless anybody says something else */
#define LIFETIME_DEFAULT 3600

bool edge_serves(const struct server *server, const struct pl *user)
{
	return server->config->registrar && !config_user_find(server->config, user);
}

bool edge_path_decode(const struct server *server, const struct uri *uri, struct token *token)
{
	return server->config->registrar && !token_decode(token, &server->secret, NULL, &uri->user);
}

bool edge_is_registrar(const struct server *server, const struct flow *flow)
{
	const struct config_route *registrar = server->config->registrar;

	return registrar && registrar->transport == flow->listener->transport &&
	       sa_cmp(&registrar->addr, &flow->remote, SA_ALL);
}

void edge_register(struct server *server, struct sip_msg *msg, const struct flow *flow,
		   size_t routes)
{
	struct forward_plan plan = { .count = 1, .routes = routes, .path = true };
	const struct pl *user = &msg->to.uri.user;
	const struct flow_id id = flow_id(flow);
	char *uri = NULL;

	if (route_is_peer(server, flow) || !server_is_local(server, &msg->to.uri)) {
		server_deny(server, flow, msg, 403, "Not a Terminal of This Domain");
		return;
	}
	if (sip_msg_hdr_count(msg, SIP_HDR_CONTACT) > LOCATION_CONTACTS_MAX) {
		server_deny(server, flow, msg, 403, "Too Many Contacts");
		return;
	}
	if (!location_owns(server->location, user, &id)) {
		if (lockout_is_shut(server->lockout, &flow->remote, user) ||
		    location_count(server->location) >= FLOWS_MAX) {
			server_busy(server, flow, msg);
			return;
		}
		/* the answer that it will get is one that somebody else could be sent */
		if (!budget_reply(server->budget, &flow->remote)) {
			server->stats.silences++;
			return;
		}
	}
	if (route_target(server, server->config->registrar, msg, false, &plan.targets[0], &uri))
		server_busy(server, flow, msg);
	else
		forward_request(server, msg, flow, &plan);
	mem_deref(uri);
}

/**
 * struct answer - a 2xx to a REGISTER
 * @server: the server
 * @msg: the 2xx
 * @flow: the flow of the terminal
 * @user: who registered
 * @keeps: the terminal keeps its path open by itself
 * @contact: a Contact of the request
 * @found: it is among those of the 2xx, which gave it its lifetime
 */
struct answer {
	struct server *server;
	const struct sip_msg *msg;
	const struct flow *flow;
	const struct pl *user;
	bool keeps;
	struct contact contact;
	bool found;
};

/* Takes apart a Contact of a request or an answer. */
static bool contact_decode(struct contact *contact, const struct pl *text, uint32_t expires)
{
	struct sip_addr addr;

	*contact = (struct contact){ .lifetime = 0 };
	if (sip_addr_decode(&addr, text))
		return false;
	contact->uri = msg_trim(addr.auri);
	contact_params(contact, &addr.params, expires);
	return true;
}

static bool granted(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct answer *answer = arg;
	struct contact *contact = &answer->contact;
	struct contact other;
	bool same;

	if (!contact_decode(&other, &hdr->val, contact_seconds(&msg->expires, contact->lifetime)))
		return false;
	if (contact->reg_id)
		same = contact->reg_id == other.reg_id &&
		       !pl_cmp(&contact->instance, &other.instance);
	else
		same = !pl_cmp(&contact->uri, &other.uri);
	if (same)
		contact->lifetime = MIN(other.lifetime, LIFETIME_MAX);
	answer->found = same;
	return same;
}

static void binding_keep(struct answer *answer)
{
	struct location *location = answer->server->location;
	const struct aor *aor = location_find(location, answer->user);
	struct binding *known = aor ? location_match(aor, &answer->contact) : NULL;

	if (!answer->found || !answer->contact.lifetime) {
		if (known)
			location_remove(known, "unregistered");
		return;
	}
	if (location_save(location, answer->user, &answer->contact)) {
		log_warn("%r over %J is registered, but cannot be kept: out of memory",
			 answer->user, &answer->flow->remote);
		return;
	}
	if (!known)
		log_info("path opened: %r@%s over %J, registered at %J", answer->user,
			 answer->server->config->domain, &answer->flow->remote,
			 &answer->server->config->registrar->addr);
}

static bool requested(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct answer *answer = arg;
	struct contact *contact = &answer->contact;
	const struct aor *aor;
	size_t left;

	if (!pl_strcmp(&hdr->val, "*")) {
		aor = location_find(answer->server->location, answer->user);
		/* the address of record goes with its last binding */
		for (left = aor ? list_count(&aor->bindings) : 0; left; left--)
			location_remove(list_ledata(list_head(&aor->bindings)), "unregistered");
		return false;
	}
	if (!contact_decode(contact, &hdr->val, contact_seconds(&msg->expires, LIFETIME_DEFAULT)))
		return false;
	contact->callid = msg->callid;
	contact->cseq = msg->cseq.num;
	contact->flow = flow_id(answer->flow);
	contact->keeps = answer->keeps;
	answer->found = false;
	(void)sip_msg_hdr_apply(answer->msg, true, SIP_HDR_CONTACT, granted, answer);
	binding_keep(answer);
	return false;
}

/* A wrong password, and not one for a nonce that has become old. */
static bool is_wrong(const struct sip_msg *request, const struct sip_msg *answer)
{
	const struct sip_hdr *challenge = sip_msg_hdr(answer, SIP_HDR_WWW_AUTHENTICATE);

	return (answer->scode == 401 || answer->scode == 403) &&
	       sip_msg_hdr(request, SIP_HDR_AUTHORIZATION) &&
	       !(challenge && !re_regex(challenge->val.p, challenge->val.l,
					"stale[ \t]*=[ \t\"]*true", NULL, NULL));
}

void edge_answered(struct server *server, const struct sip_msg *request, const struct flow *flow,
		   const struct sip_msg *msg)
{
	struct answer answer = {
		.server = server,
		.msg = msg,
		.flow = flow,
		.user = &request->to.uri.user,
	};
	struct pl value;

	if (!edge_serves(server, answer.user))
		return;
	if (is_wrong(request, msg)) {
		server->stats.failures++;
		lockout_failed(server->lockout, &flow->remote, answer.user);
		if (budget_log(server->budget, &flow->remote))
			log_warn("REGISTER from %J: the registrar refused it with %u",
				 &flow->remote, msg->scode);
	}
	if (msg->scode / 100 != 2)
		return;

	budget_earn(server->budget, &flow->remote);
	lockout_passed(server->lockout, &flow->remote);
	/* behind another proxy it is that one's to ping */
	answer.keeps = sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "outbound") ||
		       msg_param(&request->via.params, "keep", &value) ||
		       sip_msg_hdr_count(request, SIP_HDR_VIA) > 1;
	(void)sip_msg_hdr_apply(request, true, SIP_HDR_CONTACT, requested, &answer);
}
