// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Relay addresses and their ports. A port in use has a socket: it hears what no
 * entry matches, and keeps other programs away.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/conntrack.h"

/* A freed port is not given out again for so long (RFC 6888 REQ-8). */
#define REST_MS 120000

static int socket_bind(const struct nattrav_addr *addr, uint16_t port)
{
	const struct nattrav_endpoint endpoint = { .addr = *addr, .port = port };
	union ct_sockaddr local;
	const socklen_t len = ct_sockaddr_set(&local, &endpoint);
	int fd, err;

	fd = socket(addr->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	if (bind(fd, &local.sa, len)) {
		err = -errno;
		close(fd);
		return err;
	}

	return fd;
}

static void pool_destructor(void *arg)
{
	struct ct_pool *pool = arg;

	list_unlink(&pool->le);
	mem_deref(pool->port);
}

/**
 * ct_pool_add() - make a pool
 * @datapath: the datapath
 * @pool: what it is to be; gets its id
 *
 * Return: 0 or -errno, in words in datapath.error.
 */
int ct_pool_add(struct datapath *datapath, struct nattrav_pool *pool)
{
	struct ct_pool *made;
	int fd;

	fd = socket_bind(&pool->addr, 0);
	if (fd == -EADDRNOTAVAIL)
		return ct_fail(datapath, fd, "it is no address of this host");
	if (fd < 0)
		return ct_fail(datapath, fd, "a socket on it: %m", -fd);
	close(fd);

	made = mem_zalloc(sizeof(*made), pool_destructor);
	if (!made)
		return -ENOMEM;

	made->port = mem_zalloc((pool->port_max - pool->port_min + 1U) * sizeof(*made->port), NULL);
	if (!made->port) {
		mem_deref(made);
		return -ENOMEM;
	}

	pool->id = datapath->pool_next++;
	made->pool = *pool;
	list_append(&datapath->pools, &made->le, made);
	return 0;
}

static bool port_rests(const struct ct_port *port, uint64_t now)
{
	return port->freed && now - port->freed < REST_MS;
}

/**
 * ct_pool_tell() - a pool as it is now
 * @pool: the pool
 * @out: set to it
 */
void ct_pool_tell(const struct ct_pool *pool, struct nattrav_pool *out)
{
	const uint64_t now = ct_now();
	unsigned int i;

	*out = pool->pool;
	for (i = 0; i <= (unsigned int)(pool->pool.port_max - pool->pool.port_min); i++) {
		if (pool->port[i].leg)
			out->legs++;
		else if (port_rests(&pool->port[i], now))
			out->resting++;
	}
}

static struct ct_port *pool_port(const struct ct_pool *pool, const struct nattrav_endpoint *local)
{
	if (!ct_addr_equal(&local->addr, &pool->pool.addr) || local->port < pool->pool.port_min ||
	    local->port > pool->pool.port_max)
		return NULL;

	return &pool->port[local->port - pool->pool.port_min];
}

static int leg_open(struct datapath *datapath, struct ct_leg *leg, struct ct_pool *pool,
		    uint16_t port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = leg };
	int fd, err;

	fd = socket_bind(&pool->pool.addr, port);
	if (fd < 0)
		return fd;
	if (epoll_ctl(datapath->epoll, EPOLL_CTL_ADD, fd, &event)) {
		err = -errno;
		close(fd);
		return err;
	}

	leg->fd = fd;
	leg->pool = pool;
	leg->local.addr = pool->pool.addr;
	leg->local.port = port;
	pool_port(pool, &leg->local)->leg = leg;
	return 0;
}

static int pair_open(struct datapath *datapath, struct ct_pool *pool, uint16_t port,
		     struct ct_leg *leg, struct ct_leg *tied, uint64_t now)
{
	const struct ct_port *at = &pool->port[port - pool->pool.port_min];
	int err;

	if (at[0].leg || port_rests(&at[0], now) ||
	    (tied && (at[1].leg || port_rests(&at[1], now))))
		return -EADDRINUSE;

	err = leg_open(datapath, leg, pool, port);
	if (!err && tied) {
		err = leg_open(datapath, tied, pool, (uint16_t)(port + 1));
		if (err)
			ct_port_release(leg, false);
	}

	return err;
}

/* A walk by this step from any place meets each of @count once, in an order of its own. */
static uint32_t walk_step(uint32_t count)
{
	uint32_t step, a, b, rest;

	if (count < 3)
		return 1;
	do {
		step = 1 + rand_u32() % (count - 1);
		for (a = count, b = step; b; a = b, b = rest)
			rest = a % b;
	} while (a != 1);
	return step;
}

/* The earliest time at which a port can be had, now that none can. */
static uint64_t pool_wait(const struct ct_pool *pool, uint64_t now)
{
	uint64_t until = now + REST_MS;
	unsigned int i;

	for (i = 0; i <= (unsigned int)(pool->pool.port_max - pool->pool.port_min); i++) {
		const struct ct_port *port = &pool->port[i];

		/* somebody else has it, who does not say until when */
		if (!port->leg && !port->freed)
			return 0;
		if (!port->leg)
			until = MIN(until, port->freed + REST_MS);
	}
	return until;
}

/**
 * ct_port_take() - give a leg a random even port, and its RTCP the next one
 * @datapath: the datapath
 * @given: what is asked for: the realm, "" for any, and the address family
 * @leg: the leg
 * @tied: the same side of its RTCP stream, or NULL
 *
 * Return: 0; -ENOENT if there is no such pool; -ENOSPC if none is left; else
 * -errno, in words in datapath.error.
 */
int ct_port_take(struct datapath *datapath, const struct nattrav_leg *given, struct ct_leg *leg,
		 struct ct_leg *tied)
{
	const sa_family_t family = ct_leg_family(given);
	const uint64_t now = ct_now();
	bool found = false;
	struct le *le;

	LIST_FOREACH(&datapath->pools, le) {
		struct ct_pool *pool = le->data;
		const uint32_t pairs = (pool->pool.port_max - pool->pool.port_min + 1U) / 2;
		uint32_t first, step, i;

		if (pool->pool.addr.family != family ||
		    (given->realm[0] && strcmp(given->realm, pool->pool.realm) != 0))
			continue;

		found = true;
		if (now < pool->none_before)
			continue;
		/* not the next one: those that rest lie together, and the more of them the longer */
		first = rand_u32() % pairs;
		step = walk_step(pairs);
		for (i = 0; i < pairs; i++) {
			const uint32_t pair = (uint32_t)((first + (uint64_t)i * step) % pairs);
			const uint16_t port = (uint16_t)(pool->pool.port_min + 2 * pair);
			const int err = pair_open(datapath, pool, port, leg, tied, now);

			if (!err)
				return 0;
			if (err == -EMFILE || err == -ENFILE)
				return ct_fail(datapath, -ENOSPC,
					       "no file descriptor is left for another relay "
					       "port: raise LimitNOFILE=");
			if (err != -EADDRINUSE)
				return ct_fail(datapath, err, "a socket on a relay port: %m", -err);
		}
		pool->none_before = pool_wait(pool, now);
	}

	if (!found)
		return ct_fail(datapath, -ENOENT, "no pool of %s has the realm %s",
			       family == AF_INET6 ? "IPv6" : "IPv4", given->realm);

	return ct_fail(datapath, -ENOSPC, "all relay ports are in use or rest");
}

/**
 * ct_port_reclaim() - take the port that a leg had in an earlier life
 * @datapath: the datapath
 * @leg: the leg, with its local address and port
 *
 * Return: 0 or -errno.
 */
int ct_port_reclaim(struct datapath *datapath, struct ct_leg *leg)
{
	struct le *le;

	LIST_FOREACH(&datapath->pools, le) {
		struct ct_pool *pool = le->data;
		const struct ct_port *port = pool_port(pool, &leg->local);

		if (port)
			return port->leg ? -EADDRINUSE :
					   leg_open(datapath, leg, pool, leg->local.port);
	}

	return -ENOENT;
}

/**
 * ct_port_release() - a leg needs its port no more
 * @leg: the leg
 * @rest: the port has been used, and must rest
 */
void ct_port_release(struct ct_leg *leg, bool rest)
{
	struct ct_port *port;

	if (leg->fd < 0)
		return;

	port = pool_port(leg->pool, &leg->local);
	port->leg = NULL;
	port->freed = rest ? ct_now() : 0;
	if (!rest)
		leg->pool->none_before = 0;
	close(leg->fd);
	leg->fd = -1;
	leg->pool = NULL;
}

/**
 * ct_port_leg() - the leg that has a relay port
 * @datapath: the datapath
 * @local: relay address and port
 *
 * Return: the leg or NULL.
 */
struct ct_leg *ct_port_leg(const struct datapath *datapath, const struct nattrav_endpoint *local)
{
	struct le *le;

	LIST_FOREACH(&datapath->pools, le) {
		const struct ct_port *port = pool_port(le->data, local);

		if (port)
			return port->leg;
	}

	return NULL;
}
