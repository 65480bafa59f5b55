// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UDP listeners and the sending side of flows.
 */
#include "sip/flow.h"

#include "config.h"
#include "log.h"

/* A storm of registrations must fit while SQLite or the kernel is busy. */
#define SOCKET_BUFFER (4 * 1024 * 1024)

struct flows {
	struct list listeners;
	flow_fn *fn;
	void *arg;
};

static void listener_receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	const struct listener *listener = arg;
	const struct flow flow = { .listener = listener, .remote = *src };

	listener->flows->fn(&flow, mb, listener->flows->arg);
}

static void listener_destroy(void *data)
{
	struct listener *listener = data;

	list_unlink(&listener->le);
	mem_deref(listener->us);
}

static void flows_destroy(void *data)
{
	struct flows *flows = data;

	list_flush(&flows->listeners);
}

static int listener_open(struct flows *flows, const struct sa *addr)
{
	struct listener *listener;
	int err;

	/* Via and Record-Route name the address: it must be one */
	if (sa_is_any(addr)) {
		log_error("listen udp %J: name one address of this host", addr);
		return EADDRNOTAVAIL;
	}

	listener = mem_zalloc(sizeof(*listener), listener_destroy);
	if (!listener)
		return ENOMEM;

	listener->flows = flows;
	err = udp_listen(&listener->us, addr, listener_receive, listener);
	if (!err)
		err = udp_local_get(listener->us, &listener->addr);
	if (err) {
		log_error("listen udp %J: %m", addr, err);
		mem_deref(listener);
		return err;
	}
	/* one byte more shows that a datagram was longer */
	udp_rxsz_set(listener->us, FLOW_MESSAGE_MAX + 1);
	/* the system may grant less */
	(void)udp_sockbuf_set(listener->us, SOCKET_BUFFER);
	list_append(&flows->listeners, &listener->le, listener);
	return 0;
}

int flows_alloc(struct flows **flowsp, const struct list *listeners, flow_fn *fn, void *arg)
{
	struct flows *flows;
	struct le *le;
	int err;

	flows = mem_zalloc(sizeof(*flows), flows_destroy);
	if (!flows)
		return ENOMEM;

	flows->fn = fn;
	flows->arg = arg;
	LIST_FOREACH(listeners, le) {
		const struct config_listen *listen = le->data;

		err = listener_open(flows, &listen->addr);
		if (err) {
			mem_deref(flows);
			return err;
		}
	}
	*flowsp = flows;
	return 0;
}

const struct listener *flows_find(const struct flows *flows, const struct sa *addr)
{
	struct le *le;

	LIST_FOREACH(&flows->listeners, le) {
		const struct listener *listener = le->data;

		if (sa_cmp(&listener->addr, addr, SA_ALL))
			return listener;
	}
	return NULL;
}

bool flows_is_own(const struct flows *flows, const struct pl *host, uint16_t port)
{
	struct sa addr;

	if (sa_set(&addr, host, port ? port : SIP_PORT))
		return false;
	return flows_find(flows, &addr) != NULL;
}

void flow_send(const struct flow *flow, const struct mbuf *mb)
{
	struct mbuf whole = *mb;
	int err;

	whole.pos = 0;
	err = udp_send(flow->listener->us, &flow->remote, &whole);
	if (err)
		log_debug("send to %J: %m", &flow->remote, err);
}

bool flow_equal(const struct flow *a, const struct flow *b)
{
	return a->listener == b->listener && sa_cmp(&a->remote, &b->remote, SA_ALL);
}
