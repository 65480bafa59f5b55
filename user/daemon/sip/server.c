// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages in; everything that belongs to nobody in particular.
 */
#include "sip/server.h"

#include "log.h"
#include "registrar/ping.h"
#include "sip/forward.h"
#include "sip/keepalive.h"
#include "sip/message.h"
#include "sip/proxy.h"
#include "sip/route.h"
#include "sip/sanity.h"
#include "sip/shed.h"

#include <string.h>

/* some 2 KiB each, and a call takes four, most of them for 32 s: 2500 calls/s */
#define TRANSACTIONS_MAX 262144

bool server_knows(const struct server *server, const struct flow *flow)
{
	const struct flow_id id = flow_id(flow);

	return route_is_peer(server, flow) || location_at(server->location, &id, NULL);
}

void server_refuse(struct server *server, const struct flow *flow, const struct sip_msg *msg,
		   const struct reply *reply)
{
	if (server_knows(server, flow) || budget_reply(server->budget, &flow->remote))
		reply_send(flow, msg, reply);
	else
		server->stats.silences++;
}

void server_deny(struct server *server, const struct flow *flow, const struct sip_msg *msg,
		 uint16_t status, const char *reason)
{
	const struct reply reply = { .status = status, .reason = reason };

	if (status == 403 && budget_log(server->budget, &flow->remote))
		log_warn("%r from %J refused: %s", &msg->met, &flow->remote, reason);
	server_refuse(server, flow, msg, &reply);
}

bool server_is_local(const struct server *server, const struct uri *uri)
{
	if (pl_strcasecmp(&uri->scheme, "sip") && pl_strcasecmp(&uri->scheme, "sips"))
		return false;
	return !pl_strcasecmp(&uri->host, server->config->domain) ||
	       flows_is_own(server->flows, &uri->host, uri->port);
}

void server_busy(struct server *server, const struct flow *flow, const struct sip_msg *msg)
{
	struct reply reply = { .status = 503, .reason = "Service Unavailable" };
	struct mbuf *mb = mbuf_alloc(64);

	server->stats.shed++;
	if (mb && !mbuf_printf(mb, "Retry-After: %u\r\n", overload_retry_after())) {
		reply.headers = mb;
		server_refuse(server, flow, msg, &reply);
	}
	mem_deref(mb);
}

/*
 * Threat S5: nobody is sent more than twice what he seems to have sent, since it
 * may have been somebody else. Phones send long requests and notice nothing.
 */
static bool challenge_build(struct mbuf **mbp, struct server *server, const struct flow *flow,
			    const struct sip_msg *msg, enum sip_hdrid id, bool stale, bool brief)
{
	const bool proxy = id == SIP_HDR_PROXY_AUTHORIZATION;
	struct reply reply = { .status = proxy ? 407 : 401 };
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	*mbp = NULL;
	if (!mb)
		return false;
	reply.reason = proxy ? "Proxy Authentication Required" : "Unauthorized";
	reply.headers = mb;
	err = digest_challenge(server->digest, msg, id, &flow->remote, stale, brief, mb);
	if (!err)
		err = reply_build(mbp, msg, &flow->remote, &reply);
	mem_deref(mb);
	if (err)
		return false;
	if ((*mbp)->end <= 2 * msg->mb->end || flow_is_reliable(flow))
		return true;

	*mbp = mem_deref(*mbp);
	return false;
}

static void challenge(struct server *server, const struct flow *flow, const struct sip_msg *msg,
		      enum sip_hdrid id, bool stale)
{
	struct mbuf *mb;

	/* thousands of terminals may share a path, behind a PBX */
	if (!server_knows(server, flow) && !budget_reply(server->budget, &flow->remote)) {
		server->stats.silences++;
		return;
	}
	if (challenge_build(&mb, server, flow, msg, id, stale, false) ||
	    challenge_build(&mb, server, flow, msg, id, stale, true))
		flow_send(flow, mb);
	else
		server->stats.silences++;
	mem_deref(mb);
}

/* Threat S1; who is at the other end of a path that he opened is no guesser. */
static bool is_shut_out(const struct server *server, const struct flow *flow, const struct pl *name)
{
	const struct flow_id id = flow_id(flow);

	return lockout_is_shut(server->lockout, &flow->remote, name) &&
	       !location_owns(server->location, name, &id);
}

const struct config_user *server_authenticate(struct server *server, const struct flow *flow,
					      const struct sip_msg *msg, bool proxy)
{
	static const struct reply malformed = { .status = 400, .reason = "Malformed Credentials" };
	const enum sip_hdrid id = proxy ? SIP_HDR_PROXY_AUTHORIZATION : SIP_HDR_AUTHORIZATION;
	const struct config_user *user = NULL;
	struct pl name = PL_INIT;

	if (digest_username(server->digest, msg, id, &name) && is_shut_out(server, flow, &name)) {
		/* he is not to see that nobody looked */
		challenge(server, flow, msg, id, false);
		return NULL;
	}

	switch (digest_check(server->digest, msg, id, &flow->remote, &user)) {
	case DIGEST_PASSED:
		budget_earn(server->budget, &flow->remote);
		lockout_passed(server->lockout, &flow->remote);
		return user;
	case DIGEST_MALFORMED:
		server_refuse(server, flow, msg, &malformed);
		return NULL;
	case DIGEST_STALE:
		challenge(server, flow, msg, id, true);
		return NULL;
	case DIGEST_FAILED:
		server->stats.failures++;
		lockout_failed(server->lockout, &flow->remote, &name);
		if (budget_log(server->budget, &flow->remote))
			log_warn("%r from %J: wrong user or password", &msg->met, &flow->remote);
		break;
	case DIGEST_ABSENT:
		break;
	}
	challenge(server, flow, msg, id, false);
	return NULL;
}

static void cancel_receive(struct server *server, const struct sip_msg *msg,
			   const struct flow *flow)
{
	static const struct reply none = { .status = 481,
					   .reason = "Call/Transaction Does Not Exist" };
	static const struct reply ok = { .status = 200, .reason = "OK" };
	static const struct pl invite = PL("INVITE");
	const struct server_tx *tx;

	tx = server_tx_find(server->transactions, msg, flow, &invite);
	if (!tx) {
		server_refuse(server, flow, msg, &none);
		return;
	}
	reply_send(flow, msg, &ok);
	forward_cancel(tx);
}

static void request_receive(struct server *server, struct sip_msg *msg, const struct flow *flow)
{
	static const struct pl invite = PL("INVITE");
	struct server_tx *tx;

	if (msg_is(msg, "CANCEL")) {
		cancel_receive(server, msg, flow);
		return;
	}
	tx = server_tx_find(server->transactions, msg, flow,
			    msg_is(msg, "ACK") ? &invite : &msg->met);
	if (!tx || !server_tx_absorb(tx, msg))
		proxy_request(server, msg, flow);
}

static void response_receive(struct server *server, struct sip_msg *msg, const struct flow *flow)
{
	struct client_tx *tx = client_tx_find(server->transactions, msg);

	/* who guesses a branch must also be where the request went */
	if (!tx && ping_answered(server, msg, flow))
		return;
	if (!tx || !sa_cmp(&client_tx_flow(tx)->remote, &flow->remote, SA_ADDR))
		log_debug("stray %u from %J", msg->scode, &flow->remote);
	else
		client_tx_receive(tx, msg);
}

/* A datagram that is no sound SIP message. */
static void fault_receive(struct server *server, const struct flow *flow, const struct mbuf *mb,
			  const struct fault *fault)
{
	server->stats.malformed++;
	if (budget_log(server->budget, &flow->remote))
		log_warn("malformed SIP from %J: %s", &flow->remote, fault->reason);
	if (budget_reply(server->budget, &flow->remote))
		reply_raw(flow, mb, fault->status, fault->reason);
}

/* RFC 3261 section 7.5: line ends before the start line are to be passed over. */
static void skip_line_ends(struct mbuf *mb)
{
	size_t n = 0;

	while (n < mb->end && (mb->buf[n] == '\r' || mb->buf[n] == '\n'))
		n++;
	if (!n)
		return;
	memmove(mb->buf, mb->buf + n, mb->end - n);
	mb->end -= n;
}

/*
 * Nobody whom we know sends from there. To answer costs more than to ask: who has
 * registered, and is in calls, is not to be drowned out by those who have not.
 */
static bool is_stranger(const struct server *server, const struct flow *flow)
{
	return !flow_is_reliable(flow) && !server_knows(server, flow);
}

static void message_receive(const struct flow *flow, struct mbuf *mb, void *arg)
{
	struct server *server = arg;
	struct sip_msg *msg = NULL;
	struct fault fault;
	bool sheds;
	int err;

	overload_check(&server->overload, server->flows);
	if (server->overload.full && is_stranger(server, flow)) {
		server->stats.unread++;
		return;
	}
	if (keepalive_receive(server, flow, mb)) {
		server->stats.keepalives++;
		return;
	}
	skip_line_ends(mb);
	sheds = server->overload.high || server->draining;
	if (shed_ack(server, flow, mb) || (sheds && shed_receive(server, flow, mb)))
		return;
	err = sanity_decode(mb, &msg, &fault);
	if (err == EBADMSG) {
		fault_receive(server, flow, mb, &fault);
	} else if (!err) {
		msg->src = flow->remote;
		msg->dst = flow->listener->addr;
		if (msg->req) {
			server->stats.requests++;
			route_alias(server, flow, msg);
			request_receive(server, msg, flow);
		} else {
			server->stats.responses++;
			response_receive(server, msg, flow);
		}
	}
	mem_deref(msg);
}

static void flow_gone(const struct flow *flow, void *arg)
{
	const struct flow_id id = flow_id(flow);
	struct server *server = arg;

	if (server->location)
		location_flow_gone(server->location, &id);
	if (server->transactions)
		transactions_flow_gone(server->transactions, flow);
}

static void server_destroy(void *data)
{
	struct server *server = data;

	/* each needs those below it to the last */
	server->transactions = mem_deref(server->transactions);
	mem_deref(server->dialogs);
	mem_deref(server->accounts);
	server->location = mem_deref(server->location);
	mem_deref(server->digest);
	mem_deref(server->lockout);
	mem_deref(server->budget);
	mem_deref(server->outages);
	mem_deref(server->flows);
	mem_deref(server->db);
	mem_deref(server->wheel);
	mem_deref(server->scratch);
}

int server_alloc(struct server **serverp, const struct config *config, struct media *media)
{
	static const struct flow_ops ops = { message_receive, flow_gone };
	struct server *server;
	int err;

	server = mem_zalloc(sizeof(*server), server_destroy);
	if (!server)
		return ENOMEM;
	server->config = config;
	server->media = media;

	server->scratch = mbuf_alloc(FLOW_MESSAGE_MAX);
	err = server->scratch ? wheel_alloc(&server->wheel) : ENOMEM;
	if (!err)
		err = flows_alloc(&server->flows, config, server->wheel, &ops, server);
	if (!err)
		err = outages_alloc(&server->outages);
	if (!err)
		err = db_open(&server->db, config->database, server->wheel);
	if (!err)
		err = db_secret(server->db, "key", server->secret.key, sizeof(server->secret.key));
	if (!err)
		err = budget_alloc(&server->budget);
	if (!err)
		err = transactions_alloc(&server->transactions, server->wheel, TRANSACTIONS_MAX);
	if (!err)
		err = dialogs_alloc(&server->dialogs, server->db, server->wheel, media);
	if (!err && config->accounting)
		err = accounts_alloc(&server->accounts, config->accounting, media);
	if (!err)
		dialogs_account(server->dialogs, server->accounts);
	if (!err)
		err = location_alloc(&server->location, server->db, server->wheel,
				     config->keepalive, config->ping ? ping_send : NULL, server);
	if (!err)
		err = lockout_alloc(&server->lockout);
	if (!err)
		err = digest_alloc(&server->digest, config, &server->secret);
	if (err)
		mem_deref(server);
	else
		*serverp = server;
	return err;
}

int server_reconfigure(struct server *server, const struct config *config)
{
	int err;

	err = flows_reconfigure(server->flows, config);
	if (err)
		return err;
	err = server->media ? media_reconfigure(server->media, config) : 0;
	if (err) {
		(void)flows_reconfigure(server->flows, server->config);
		return err;
	}

	server->config = config;
	digest_reconfigure(server->digest, config);
	if (server->accounts)
		accounts_reopen(server->accounts);
	return 0;
}
