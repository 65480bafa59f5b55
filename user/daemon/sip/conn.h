/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of TCP and TLS, that came to listeners or lead to next hops: bounded
 * in number, in time, and in what they may leave half said.
 */
#ifndef NATTRAVD_SIP_CONN_H
#define NATTRAVD_SIP_CONN_H

#include "sip/flow.h"

/* Of one source, of IPv6 the first 64 bits: an office behind a NAT has some. */
#define CONN_SOURCE_MAX 100
#define CONN_MAX        20000

/**
 * struct conn_ops - what the user of the connections is told
 * @message: a message or a keep-alive came
 * @up: a connection that was opened from here is there
 * @gone: a connection has ended, or did not come about; @why is for people
 */
struct conn_ops {
	void (*message)(const struct flow *flow, struct mbuf *mb, void *arg);
	void (*up)(const struct flow *flow, void *arg);
	void (*gone)(const struct flow *flow, const char *why, void *arg);
};

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
		const struct conn_ops *ops, void *arg);

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

/**
 * conns_connect() - open the connection of a flow
 * @conns: the table
 * @flow: from the address of its listener, to its remote address
 * @tls: what TLS needs, which checks the other side's certificate; NULL for TCP
 * @name: whom to ask for by Server Name Indication, or NULL
 *
 * What is sent before it is there waits. It has no limit of silence. Does nothing if
 * there is one already.
 *
 * Return: 0 or an errno.
 */
int conns_connect(struct conns *conns, const struct flow *flow, struct tls *tls, const char *name);

/* From now on the connection of a flow ends by silence, like one that came to us. */
void conns_retire(const struct conns *conns, const struct flow *flow);

/* End the connection of a flow, if there is one. */
void conns_drop(const struct conns *conns, const struct flow *flow, const char *why);

/**
 * conns_rename() - let a connection be the flow to another port of its other side
 * @conns: the table
 * @flow: the connection
 * @remote: the address
 *
 * Return: false if that has a connection, or if something was sent over this one under
 * its old name.
 */
bool conns_rename(struct conns *conns, const struct flow *flow, const struct sa *remote);

/* Whether a flow has its connection. */
bool conns_has(const struct conns *conns, const struct flow *flow);

/* Send on the connection of a flow; ENOTCONN if there is none, ENOBUFS if too much waits. */
int conns_send(const struct conns *conns, const struct flow *flow, struct mbuf *mb);

#endif
