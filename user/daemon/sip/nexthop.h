/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Next hops that are reached over TCP or TLS: proxies and trunks that routes lead
 * to. nattravd opens one connection to each, keeps it, and opens it anew when it
 * is lost.
 */
#ifndef NATTRAVD_SIP_NEXTHOP_H
#define NATTRAVD_SIP_NEXTHOP_H

#include "sip/flow.h"

struct nexthops;

/**
 * nexthops_alloc() - make the table of next hops
 * @hopsp: set to it; drop it with mem_deref() before the connections
 * @wheel: runs the timers
 * @conns: the connections
 */
int nexthops_alloc(struct nexthops **hopsp, struct wheel *wheel, struct conns *conns);

/**
 * nexthops_configure() - take the routes of a configuration, and connect
 * @hops: the table
 * @flows: the listeners
 * @config: the configuration
 *
 * What was there stays connected. A connection to a next hop that is no more stays
 * as long as something is said over it.
 *
 * Return: 0 or an errno, after it logged what is wrong; all is as it was then.
 */
int nexthops_configure(struct nexthops *hops, const struct flows *flows,
		       const struct config *config);

/* How many there are, and how many of them are connected. */
unsigned int nexthops_count(const struct nexthops *hops, unsigned int *up);

/* Whether a flow leads to a next hop that is connected, or may be tried. */
bool nexthops_is_ready(const struct nexthops *hops, const struct flow *flow);

/* Open the connection of a flow; ENOENT if it leads to no next hop, ENOTCONN if it cannot be now. */
int nexthops_connect(struct nexthops *hops, const struct flow *flow);

/* Whether a flow leads to a next hop in a trusted realm. */
bool nexthops_is_trusted(const struct nexthops *hops, const struct flow *flow);

/**
 * nexthops_home() - the lasting name of a flow
 * @hops: the table
 * @flow: any flow
 *
 * A next hop may open connections of its own, which come and go. What is to be sent
 * to it later goes over ours.
 *
 * Return: our flow to the next hop, if there is exactly one at this address; else @flow.
 */
struct flow nexthops_home(const struct nexthops *hops, const struct flow *flow);

/**
 * nexthops_alias() - use a connection that a next hop opened in place of ours
 * @hops: the table
 * @flow: the connection
 * @addr: where the next hop says that it listens
 *
 * RFC 5923 asks for certificates of both sides. Here it is the operator who trusts the
 * realm: others must not be able to draw requests to themselves.
 *
 * Return: whether @flow is our flow to the next hop from now on.
 */
bool nexthops_alias(struct nexthops *hops, const struct flow *flow, const struct sa *addr);

/* A connection that we opened is there. */
void nexthops_up(struct nexthops *hops, const struct flow *flow);

/* A connection has ended, or did not come about. */
void nexthops_gone(struct nexthops *hops, const struct flow *flow, const char *why);

#endif
