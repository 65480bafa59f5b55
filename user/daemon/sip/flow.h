/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows: where SIP comes from and goes to (RFC 5626 section 2). Over UDP a flow
 * is a socket of this gateway and a remote address, over TCP and TLS it is a
 * connection; what is sent on it goes through the hole that the terminal opened
 * in its NAT.
 */
#ifndef NATTRAVD_SIP_FLOW_H
#define NATTRAVD_SIP_FLOW_H

#include "sip/compat.h"
#include "sip/transport.h"
#include "sip/wheel.h"

/* RFC 3261 allows 64 KiB; nothing that a terminal sends comes near this. */
#define FLOW_MESSAGE_MAX 16384

struct config;
struct conns;
struct flows;
struct nexthops;

/**
 * struct listener - a socket that takes SIP
 * @le: element of the list of listeners
 * @flows: the set that it belongs to
 * @transport: udp, tcp or tls
 * @us: the socket, for udp
 * @ts: the socket, for the others
 * @addr: its address
 * @realm: realm of those who come here
 */
struct listener {
	struct le le;
	struct flows *flows;
	enum transport transport;
	struct udp_sock *us;
	struct tcp_sock *ts;
	struct sa addr;
	char *realm;
};

/**
 * struct flow - a path to a terminal; may be copied
 * @listener: the local socket
 * @remote: the address that the terminal's NAT shows
 *
 * Over TCP and TLS the two name the connection. It may be gone: flow_is_up().
 */
struct flow {
	const struct listener *listener;
	struct sa remote;
};

/**
 * struct flow_id - a flow by name, as it is stored
 * @transport: udp, tcp or tls
 * @local: address of the listener
 * @remote: address of the terminal
 */
struct flow_id {
	enum transport transport;
	struct sa local;
	struct sa remote;
};

/**
 * struct flow_ops - what the user of the flows is told
 * @message: a datagram came, or a message or a keep-alive out of a stream; one
 *	byte more than FLOW_MESSAGE_MAX means that it was cut
 * @gone: a connection has ended
 */
struct flow_ops {
	void (*message)(const struct flow *flow, struct mbuf *mb, void *arg);
	void (*gone)(const struct flow *flow, void *arg);
};

/**
 * flows_alloc() - open all listeners
 * @flowsp: set to the set of listeners; drop it with mem_deref()
 * @config: the configuration
 * @wheel: runs the timers of connections
 * @ops: what to call
 * @arg: its argument
 *
 * Return: 0 or an errno, after it logged which address failed and why.
 */
int flows_alloc(struct flows **flowsp, const struct config *config, struct wheel *wheel,
		const struct flow_ops *ops, void *arg);

/* Take other certificates for connections to come, and other routes; 0 or an errno, logged. */
int flows_reconfigure(struct flows *flows, const struct config *config);

/* The listener with this address, or NULL. */
const struct listener *flows_find(const struct flows *flows, enum transport transport,
				  const struct sa *addr);

/* A listener of this family, and of this realm unless that is empty; or NULL. */
const struct listener *flows_choose(const struct flows *flows, enum transport transport, int family,
				    const char *realm);

/* Whether @host, an IP address, with @port (0: the usual one) is one of the listeners. */
bool flows_is_own(const struct flows *flows, const struct pl *host, uint16_t port);

/* How full the fullest of the UDP sockets is, in percent. */
unsigned int flows_backlog(const struct flows *flows);

/* How many connections there are. */
uint32_t flows_connections(const struct flows *flows);

/* The next hops over TCP and TLS, or NULL before there are any. */
struct nexthops *flows_nexthops(const struct flows *flows);

/**
 * flow_get() - find a flow by its name
 * @flows: the listeners
 * @id: the name
 * @flow: set to the flow
 *
 * Return: whether something can be sent on it.
 */
bool flow_get(const struct flows *flows, const struct flow_id *id, struct flow *flow);

/*
 * Whether something can be sent: always over UDP, else as long as there is a connection
 * or, to a next hop, may be one.
 */
bool flow_is_up(const struct flow *flow);

/* The name of a flow. */
struct flow_id flow_id(const struct flow *flow);

bool flow_id_equal(const struct flow_id *a, const struct flow_id *b);

/* Send all of @mb, whatever its position. Failures are logged at debug level. */
void flow_send(const struct flow *flow, const struct mbuf *mb);

bool flow_equal(const struct flow *a, const struct flow *b);

#ifdef NATTRAV_UNIT_TEST
/* As if @mb had come over @flow. */
void flow_inject(const struct flow *flow, struct mbuf *mb);
#endif

/* Whether it repeats by itself what gets lost. */
static inline bool flow_is_reliable(const struct flow *flow)
{
	return transport_is_reliable(flow->listener->transport);
}

#endif
