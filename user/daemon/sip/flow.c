// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Listeners and the sending side of flows.
 */
#include "sip/flow.h"

#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"
#include "log.h"
#include "sip/conn.h"
#include "sip/nexthop.h"

/* A storm of registrations must fit while SQLite or the kernel is busy. */
#define SOCKET_BUFFER (4 * 1024 * 1024)
#define BACKLOG       1024

struct flows {
	struct list listeners;
	struct conns *conns;
	struct nexthops *hops;
	const struct flow_ops *ops;
	void *arg;
};

static void conn_message(const struct flow *flow, struct mbuf *mb, void *arg)
{
	const struct flows *flows = arg;

	flows->ops->message(flow, mb, flows->arg);
}

static void conn_up(const struct flow *flow, void *arg)
{
	const struct flows *flows = arg;

	nexthops_up(flows->hops, flow);
}

static void conn_gone(const struct flow *flow, const char *why, void *arg)
{
	const struct flows *flows = arg;

	nexthops_gone(flows->hops, flow, why);
	flows->ops->gone(flow, flows->arg);
}

static void udp_receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	const struct listener *listener = arg;
	const struct flow flow = { .listener = listener, .remote = *src };

	listener->flows->ops->message(&flow, mb, listener->flows->arg);
}

static void tcp_incoming(const struct sa *remote, void *arg)
{
	const struct listener *listener = arg;

	conns_accept(listener->flows->conns, listener, remote);
}

static void listener_destroy(void *data)
{
	struct listener *listener = data;

	list_unlink(&listener->le);
	mem_deref(listener->us);
	mem_deref(listener->ts);
	mem_deref(listener->realm);
}

static void flows_destroy(void *data)
{
	struct flows *flows = data;

	/* they point to their listeners */
	mem_deref(flows->hops);
	mem_deref(flows->conns);
	list_flush(&flows->listeners);
}

static int listener_open_udp(struct listener *listener, const struct sa *addr)
{
	const int size = SOCKET_BUFFER;
	int err;

	err = udp_listen(&listener->us, addr, udp_receive, listener);
	if (!err)
		err = udp_local_get(listener->us, &listener->addr);
	if (err)
		return err;

	/* one byte more shows that a datagram was longer */
	udp_rxsz_set(listener->us, FLOW_MESSAGE_MAX + 1);
	/* CAP_NET_ADMIN is above what the system grants; without it, it may be less */
	(void)udp_sockbuf_set(listener->us, size);
	(void)udp_setsockopt(listener->us, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return 0;
}

static int listener_open_tcp(struct listener *listener, const struct sa *addr)
{
	int err;

	err = tcp_sock_alloc(&listener->ts, addr, tcp_incoming, listener);
	if (!err)
		err = tcp_sock_bind(listener->ts, addr);
	if (!err)
		err = tcp_sock_listen(listener->ts, BACKLOG);
	if (!err)
		err = tcp_sock_local_get(listener->ts, &listener->addr);
	return err;
}

static int listener_open(struct flows *flows, const struct config_listen *config)
{
	struct listener *listener;
	int err;

	listener = mem_zalloc(sizeof(*listener), listener_destroy);
	if (!listener)
		return ENOMEM;

	listener->flows = flows;
	listener->transport = config->transport;
	err = str_dup(&listener->realm, config->realm);
	if (!err && listener->transport == TRANSPORT_UDP)
		err = listener_open_udp(listener, &config->addr);
	else if (!err)
		err = listener_open_tcp(listener, &config->addr);
	if (err) {
		log_error("listen %s %J: %m", transport_name(config->transport), &config->addr,
			  err);
		mem_deref(listener);
		return err;
	}
	list_append(&flows->listeners, &listener->le, listener);
	return 0;
}

int flows_alloc(struct flows **flowsp, const struct config *config, struct wheel *wheel,
		const struct flow_ops *ops, void *arg)
{
	static const struct conn_ops conn_ops = { conn_message, conn_up, conn_gone };
	struct flows *flows;
	struct le *le;
	int err;

	flows = mem_zalloc(sizeof(*flows), flows_destroy);
	if (!flows)
		return ENOMEM;

	flows->ops = ops;
	flows->arg = arg;
	err = conns_alloc(&flows->conns, wheel, config->certificate, &conn_ops, flows);
	if (!err)
		err = nexthops_alloc(&flows->hops, wheel, flows->conns);
	LIST_FOREACH(&config->listeners, le) {
		if (!err)
			err = listener_open(flows, le->data);
	}
	if (!err)
		err = nexthops_configure(flows->hops, flows, config);
	if (err)
		mem_deref(flows);
	else
		*flowsp = flows;
	return err;
}

int flows_reconfigure(struct flows *flows, const struct config *config)
{
	return conns_certify(flows->conns, config->certificate) ?:
		       nexthops_configure(flows->hops, flows, config);
}

struct nexthops *flows_nexthops(const struct flows *flows)
{
	return flows->hops;
}

const struct listener *flows_find(const struct flows *flows, enum transport transport,
				  const struct sa *addr)
{
	struct le *le;

	LIST_FOREACH(&flows->listeners, le) {
		const struct listener *listener = le->data;

		if (listener->transport == transport && sa_cmp(&listener->addr, addr, SA_ALL))
			return listener;
	}
	return NULL;
}

const struct listener *flows_choose(const struct flows *flows, enum transport transport, int family,
				    const char *realm)
{
	struct le *le;

	LIST_FOREACH(&flows->listeners, le) {
		const struct listener *listener = le->data;

		if (listener->transport == transport && sa_af(&listener->addr) == family &&
		    (!*realm || !strcmp(realm, listener->realm)))
			return listener;
	}
	return NULL;
}

bool flows_is_own(const struct flows *flows, const struct pl *host, uint16_t port)
{
	struct le *le;
	struct sa addr;

	if (sa_set(&addr, host, port))
		return false;

	LIST_FOREACH(&flows->listeners, le) {
		const struct listener *listener = le->data;
		const uint16_t usual = listener->transport == TRANSPORT_TLS ? SIP_PORT_TLS :
									      SIP_PORT;

		if (sa_cmp(&listener->addr, &addr, SA_ADDR) &&
		    sa_port(&listener->addr) == (port ? port : usual))
			return true;
	}
	return false;
}

static unsigned int socket_backlog(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) ||
	    !info[SK_MEMINFO_RCVBUF])
		return 0;

	return (unsigned int)((uint64_t)info[SK_MEMINFO_RMEM_ALLOC] * 100 /
			      info[SK_MEMINFO_RCVBUF]);
}

unsigned int flows_backlog(const struct flows *flows)
{
	unsigned int most = 0;
	struct le *le;

	LIST_FOREACH(&flows->listeners, le) {
		const struct listener *listener = le->data;

		if (listener->us)
			most = MAX(most, socket_backlog(udp_sock_fd(listener->us,
								    sa_af(&listener->addr))));
	}
	return most;
}

uint32_t flows_connections(const struct flows *flows)
{
	return conns_count(flows->conns);
}

bool flow_is_up(const struct flow *flow)
{
	const struct flows *flows = flow->listener->flows;

	return !flow_is_reliable(flow) || conns_has(flows->conns, flow) ||
	       nexthops_is_ready(flows->hops, flow);
}

bool flow_get(const struct flows *flows, const struct flow_id *id, struct flow *flow)
{
	flow->listener = flows_find(flows, id->transport, &id->local);
	flow->remote = id->remote;
	return flow->listener && flow_is_up(flow);
}

struct flow_id flow_id(const struct flow *flow)
{
	return (struct flow_id){ flow->listener->transport, flow->listener->addr, flow->remote };
}

bool flow_id_equal(const struct flow_id *a, const struct flow_id *b)
{
	return a->transport == b->transport && sa_cmp(&a->remote, &b->remote, SA_ALL) &&
	       sa_cmp(&a->local, &b->local, SA_ALL);
}

/* There is no connection: to a next hop one is opened. */
static int flow_send_anew(const struct flow *flow, struct mbuf *mb)
{
	const struct flows *flows = flow->listener->flows;
	const int err = nexthops_connect(flows->hops, flow);

	if (!err)
		return conns_send(flows->conns, flow, mb);
	/* who waits for an answer is told that none will come */
	if (err == ENOTCONN)
		flows->ops->gone(flow, flows->arg);
	return err;
}

void flow_send(const struct flow *flow, const struct mbuf *mb)
{
	const struct listener *listener = flow->listener;
	const struct flows *flows = listener->flows;
	struct mbuf whole = *mb;
	int err;

	whole.pos = 0;
	if (listener->transport == TRANSPORT_UDP) {
		err = udp_send(listener->us, &flow->remote, &whole);
	} else {
		err = conns_send(flows->conns, flow, &whole);
		if (err == ENOTCONN)
			err = flow_send_anew(flow, &whole);
	}
	if (err)
		log_debug("send to %J: %m", &flow->remote, err);
}

bool flow_equal(const struct flow *a, const struct flow *b)
{
	return a->listener == b->listener && sa_cmp(&a->remote, &b->remote, SA_ALL);
}

#ifdef NATTRAV_UNIT_TEST
void flow_inject(const struct flow *flow, struct mbuf *mb)
{
	const struct flows *flows = flow->listener->flows;

	flows->ops->message(flow, mb, flows->arg);
}
#endif
