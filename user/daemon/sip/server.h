/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SIP server: what its parts share, and where datagrams enter.
 */
#ifndef NATTRAVD_SIP_SERVER_H
#define NATTRAVD_SIP_SERVER_H

#include "config.h"
#include "media/media.h"
#include "registrar/digest.h"
#include "registrar/location.h"
#include "registrar/lockout.h"
#include "sip/account.h"
#include "sip/budget.h"
#include "sip/dialog.h"
#include "sip/flow.h"
#include "sip/outage.h"
#include "sip/overload.h"
#include "sip/reply.h"
#include "sip/transaction.h"

/**
 * struct server_stats - what happened since the start
 * @requests: requests received
 * @responses: responses received
 * @keepalives: keep-alives received
 * @malformed: messages that are no sound SIP
 * @failures: wrong users and passwords
 * @silences: replies that strangers did not get
 * @shed: requests turned away
 * @unread: datagrams of strangers for which there was no time
 */
struct server_stats {
	uint64_t requests;
	uint64_t responses;
	uint64_t keepalives;
	uint64_t malformed;
	uint64_t failures;
	uint64_t silences;
	uint64_t shed;
	uint64_t unread;
};

/**
 * struct server - the SIP server
 * @config: the configuration
 * @media: the media side
 * @wheel: runs all timers
 * @db: the database
 * @secret: signs tokens and nonces
 * @flows: the listeners
 * @outages: next hops that failed
 * @budget: what strangers may cost
 * @transactions: SIP transactions
 * @dialogs: calls
 * @accounts: a line for each call, NULL for none
 * @location: who is reachable where
 * @digest: authentication
 * @lockout: shuts out who guesses passwords
 * @overload: whether more comes than can be answered
 * @scratch: for replies that are written and sent at once
 * @draining: nothing new is taken; the end is near
 * @stats: what happened since the start
 */
struct server {
	const struct config *config;
	struct media *media;
	struct wheel *wheel;
	struct db *db;
	struct secret secret;
	struct flows *flows;
	struct outages *outages;
	struct budget *budget;
	struct transactions *transactions;
	struct dialogs *dialogs;
	struct accounts *accounts;
	struct location *location;
	struct digest *digest;
	struct lockout *lockout;
	struct overload overload;
	struct mbuf *scratch;
	bool draining;
	struct server_stats stats;
};

/**
 * server_alloc() - open listeners and database, load what is stored
 * @serverp: set to the server; drop it with mem_deref()
 * @config: the configuration
 * @media: the media side
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int server_alloc(struct server **serverp, const struct config *config, struct media *media);

/**
 * server_reconfigure() - take another configuration
 * @server: the server
 * @config: the configuration, with the same listeners, domain and database
 *
 * Pools that are new are made first; if that fails, all stays as it was.
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int server_reconfigure(struct server *server, const struct config *config);

/**
 * server_refuse() - reply to somebody who may be a stranger
 * @server: the server
 * @flow: where the request came from
 * @msg: the request
 * @reply: what to say
 *
 * Silent if he is one and his source had its share.
 */
void server_refuse(struct server *server, const struct flow *flow, const struct sip_msg *msg,
		   const struct reply *reply);

/* The same with nothing but a status and its reason; a 403 is told in the log. */
void server_deny(struct server *server, const struct flow *flow, const struct sip_msg *msg,
		 uint16_t status, const char *reason);

/* Whether somebody is no stranger: a next hop, or a terminal whose path is open. */
bool server_knows(const struct server *server, const struct flow *flow);

/* Turn somebody away for now: 503 with a Retry-After that differs from the next one's. */
void server_busy(struct server *server, const struct flow *flow, const struct sip_msg *msg);

/* Whether a URI names this server: the domain, or the address of a listener. */
bool server_is_local(const struct server *server, const struct uri *uri);

/**
 * server_authenticate() - ask for proof who sent a request
 * @server: the server
 * @flow: where it came from
 * @msg: the request
 * @proxy: use the headers and the status of a proxy
 *
 * Return: the user, or NULL after a reply went out (or silence was kept).
 */
const struct config_user *server_authenticate(struct server *server, const struct flow *flow,
					      const struct sip_msg *msg, bool proxy);

#endif
