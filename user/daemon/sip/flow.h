/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows: where SIP comes from and goes to (RFC 5626 section 2). Over UDP a flow
 * is a socket of this gateway and a remote address; what is sent on it goes
 * through the hole that the terminal opened in its NAT.
 */
#ifndef NATTRAVD_SIP_FLOW_H
#define NATTRAVD_SIP_FLOW_H

#include "sip/compat.h"

/* RFC 3261 allows 64 KiB; nothing that a terminal sends comes near this. */
#define FLOW_MESSAGE_MAX 16384

struct flows;

/**
 * struct listener - a UDP socket that takes SIP
 * @le: element of the list of listeners
 * @flows: the set that it belongs to
 * @us: the socket
 * @addr: its address
 */
struct listener {
	struct le le;
	struct flows *flows;
	struct udp_sock *us;
	struct sa addr;
};

/**
 * struct flow - a path to a terminal; may be copied
 * @listener: the local socket
 * @remote: the address that the terminal's NAT shows
 */
struct flow {
	const struct listener *listener;
	struct sa remote;
};

/**
 * flow_fn() - called for each datagram
 * @flow: the flow that it came over
 * @mb: the datagram; one byte more than FLOW_MESSAGE_MAX means that it was cut
 * @arg: as given to flows_alloc()
 */
typedef void flow_fn(const struct flow *flow, struct mbuf *mb, void *arg);

/**
 * flows_alloc() - open all listeners
 * @flowsp: set to the set of listeners; drop it with mem_deref()
 * @listeners: list of struct config_listen
 * @fn: called for each datagram
 * @arg: its argument
 *
 * Return: 0 or an errno, after it logged which address failed and why.
 */
int flows_alloc(struct flows **flowsp, const struct list *listeners, flow_fn *fn, void *arg);

/* The listener with this address, or NULL. */
const struct listener *flows_find(const struct flows *flows, const struct sa *addr);

/* Whether @host, an IP address, with @port (0: 5060) is one of the listeners. */
bool flows_is_own(const struct flows *flows, const struct pl *host, uint16_t port);

/* Send all of @mb, whatever its position. Failures are logged at debug level. */
void flow_send(const struct flow *flow, const struct mbuf *mb);

bool flow_equal(const struct flow *a, const struct flow *b);

#endif
