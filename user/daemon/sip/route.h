/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Next hops outside: upstream proxies and trunks.
 */
#ifndef NATTRAVD_SIP_ROUTE_H
#define NATTRAVD_SIP_ROUTE_H

#include "sip/forward.h"

/**
 * route_find() - the next hop of a request that is for none of our users
 * @server: the server
 * @msg: the request
 * @local: it is for our domain: only routes by number count, and "*"
 * @tried: its targets were tried and have failed; NULL at first
 *
 * Of several that fit as well, the first that can be reached and has not failed a short
 * time ago; if that can be said of none, the first.
 *
 * Return: the route, the registrar elsewhere if no other fits, or NULL.
 */
const struct config_route *route_find(const struct server *server, const struct sip_msg *msg,
				      bool local, const struct forward_plan *tried);

/**
 * route_target() - where a route leads
 * @server: the server
 * @route: the route
 * @msg: the request
 * @local: it is for our domain: the next hop gets a Request-URI of its own, but for
 *	the registrar, whose domain it is as well
 * @target: set to it
 * @uri: memory that @target points to; drop it with mem_deref()
 *
 * Return: 0; ENETUNREACH if nothing can be sent there now; or ENOMEM.
 */
int route_target(const struct server *server, const struct config_route *route,
		 const struct sip_msg *msg, bool local, struct forward_target *target, char **uri);

/* A next hop may offer the connection that it opened for what is sent to it (RFC 5923). */
void route_alias(const struct server *server, const struct flow *flow, const struct sip_msg *msg);

/* Whether a flow comes from a next hop, which may call our users. */
bool route_is_peer(const struct server *server, const struct flow *flow);

#endif
