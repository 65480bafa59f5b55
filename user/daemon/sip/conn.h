/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of TCP and TLS listeners: bounded in number, in time, and in what
 * they may leave half said.
 */
#ifndef NATTRAVD_SIP_CONN_H
#define NATTRAVD_SIP_CONN_H

#include "sip/flow.h"

/* Of one source, of IPv6 the first 64 bits: an office behind a NAT has some. */
#define CONN_SOURCE_MAX 100
#define CONN_MAX        20000

/**
 * conns_alloc() - make the table of connections
 * @connsp: set to it; drop it with mem_deref()
 * @wheel: runs the timers
 * @certificate: PEM file for TLS, or NULL
 * @ops: what to call
 * @arg: its argument
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int conns_alloc(struct conns **connsp, struct wheel *wheel, const char *certificate,
		const struct flow_ops *ops, void *arg);

/* Use this PEM file from now on; without, or on a failure, the one before stays. */
int conns_certify(struct conns *conns, const char *certificate);

/* How many there are. */
uint32_t conns_count(const struct conns *conns);

/**
 * conns_accept() - a connection came to a listener
 * @conns: the table
 * @listener: the listener
 * @remote: who it is
 *
 * One too many is refused.
 */
void conns_accept(struct conns *conns, const struct listener *listener, const struct sa *remote);

/* Whether a flow has its connection. */
bool conns_has(const struct conns *conns, const struct flow *flow);

/* Send on the connection of a flow; ENOTCONN if there is none. */
int conns_send(const struct conns *conns, const struct flow *flow, struct mbuf *mb);

#endif
