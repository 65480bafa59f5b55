// SPDX-License-Identifier: GPL-2.0-only
/*
 * The translation table: relay address to block, port to leg, and the pools
 * that say which ports are ours. Written under nattrav_net.lock; packets read
 * nattrav_block.port and .pooled under RCU.
 */
#include <linux/random.h>
#include <linux/ktime.h>
#include <net/udp.h>

#include "nattrav.h"

/* Random picks before the search for a port goes through the whole range. */
#define PORT_TRIES 16

/**
 * nattrav_table_init() - make the empty table of a network namespace
 * @nn: its state
 *
 * Return: 0 or -ENOMEM.
 */
int nattrav_table_init(struct nattrav_net *nn)
{
	INIT_LIST_HEAD(&nn->pools);
	INIT_LIST_HEAD(&nn->resting);
	xa_init_flags(&nn->streams, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);

	hash_init(nn->blocks4);
	hash_init(nn->blocks6);

	return rhashtable_init(&nn->calls, &nattrav_call_params);
}

static void block_insert(struct nattrav_net *nn, struct nattrav_block *block)
{
	if (block->family == AF_INET)
		hash_add_rcu(nn->blocks4, &block->node, (__force u32)block->addr.ip);
	else
		hash_add_rcu(nn->blocks6, &block->node, nattrav_block6_key(&block->addr.in6));
}

static u32 rest_now(void)
{
	/* 0 means "never freed". */
	return ktime_get_boottime_seconds() + 1;
}

static bool port_rests(const struct nattrav_block *block, u16 port, u32 now)
{
	return block->freed[port] && now - block->freed[port] < NATTRAV_REST_SECONDS;
}

static bool block_rests(const struct nattrav_block *block)
{
	return block->freed_last && rest_now() - block->freed_last < NATTRAV_REST_SECONDS;
}

static void block_free(struct nattrav_block *block)
{
	list_del(&block->list);
	hash_del_rcu(&block->node);
	kvfree_rcu(block, rcu);
}

/*
 * Whoever takes the last pool away and adds another one must not get the ports
 * of calls that have just ended (RFC 6888 REQ-8).
 */
static void block_put(struct nattrav_net *nn, struct nattrav_block *block)
{
	if (--block->pools)
		return;

	list_add(&block->list, &nn->resting);
	if (!block_rests(block))
		block_free(block);
}

/**
 * nattrav_table_reap() - free relay addresses without a pool that have rested
 * @nn: the network namespace; the caller holds its lock
 *
 * Return: true if there are some left that rest yet.
 */
bool nattrav_table_reap(struct nattrav_net *nn)
{
	struct nattrav_block *block, *next;

	list_for_each_entry_safe(block, next, &nn->resting, list)
		if (!block_rests(block))
			block_free(block);

	return !list_empty(&nn->resting);
}

static struct nattrav_block *block_find(struct nattrav_net *nn, const union nf_inet_addr *addr,
					u8 family)
{
	struct nattrav_block *block;

	rcu_read_lock();
	block = family == AF_INET ? nattrav_block_find4(nn, addr->ip) :
				    nattrav_block_find6(nn, &addr->in6);
	rcu_read_unlock();

	return block;
}

static struct nattrav_block *block_get(struct nattrav_net *nn, const union nf_inet_addr *addr,
				       u8 family)
{
	struct nattrav_block *block;

	block = block_find(nn, addr, family);
	if (block) {
		if (!block->pools++)
			list_del_init(&block->list);
		return block;
	}

	block = kvzalloc(sizeof(*block), GFP_KERNEL_ACCOUNT);
	if (!block)
		return ERR_PTR(-ENOMEM);

	block->addr = *addr;
	block->family = family;
	block->pools = 1;
	INIT_LIST_HEAD(&block->list);
	block_insert(nn, block);

	return block;
}

/**
 * nattrav_table_exit() - free the table of a network namespace
 * @nn: its state; it has no stream any more and gets no packet
 */
void nattrav_table_exit(struct nattrav_net *nn)
{
	struct nattrav_pool *pool, *next;
	struct nattrav_block *block, *next_block;

	list_for_each_entry_safe(pool, next, &nn->pools, list)
		nattrav_pool_del(nn, pool);
	list_for_each_entry_safe(block, next_block, &nn->resting, list)
		block_free(block);

	rhashtable_destroy(&nn->calls);
	xa_destroy(&nn->streams);
}

/*
 * How many ports rest is known at any time without looking at each of them: a
 * pool has a counter for each second in which one may have been freed.
 */
static void pool_age(struct nattrav_pool *pool, u32 now)
{
	u32 seconds = min_t(u32, now - pool->aged, NATTRAV_REST_SECONDS), i, odd;

	for (i = 0; i < seconds; i++) {
		for (odd = 0; odd < 2; odd++) {
			u16 *rested = &pool->rested[odd][(now - i) % NATTRAV_REST_SECONDS];

			pool->resting[odd] -= *rested;
			*rested = 0;
		}
	}
	pool->aged = now;
}

/* A port that was freed is in use, or not in use again, before it has rested. */
static void port_rest_count(struct nattrav_pool *pool, u16 port, int change)
{
	u32 now = rest_now();

	pool_age(pool, now);
	if (!port_rests(pool->block, port, now))
		return;

	pool->rested[port % 2][pool->block->freed[port] % NATTRAV_REST_SECONDS] += change;
	pool->resting[port % 2] += change;
}

/* The ports of a new pool may have been those of an earlier one. */
static void pool_rest(struct nattrav_pool *pool)
{
	u32 port;

	for (port = pool->port_min; port <= pool->port_max; port++)
		port_rest_count(pool, port, 1);
}

/**
 * nattrav_pool_add() - make a range of ports relay ports
 * @nn: the network namespace; the caller holds its lock
 * @addr: relay address, local to the host
 * @family: its family
 * @port_min: first port, even
 * @port_max: last port, odd
 * @realm: name of the realm, may be empty
 * @extack: told what is wrong
 *
 * Return: the pool, or an ERR_PTR: -EADDRNOTAVAIL if the address is not local,
 * -EINVAL for a bad range, -EEXIST if a pool has some of the ports already,
 * -ENOMEM.
 */
struct nattrav_pool *nattrav_pool_add(struct nattrav_net *nn, const union nf_inet_addr *addr,
				      u8 family, u16 port_min, u16 port_max, const char *realm,
				      struct netlink_ext_ack *extack)
{
	struct nattrav_block *block;
	struct nattrav_pool *pool;

	if (!port_min || port_min > port_max || port_min % 2 || !(port_max % 2)) {
		NL_SET_ERR_MSG(extack,
			       "port range must begin even and end odd: RTP and RTCP go in pairs");
		return ERR_PTR(-EINVAL);
	}

	if (!nattrav_addr_is_local(nn->net, addr, family)) {
		NL_SET_ERR_MSG(extack, "relay address is not local to this host");
		return ERR_PTR(-EADDRNOTAVAIL);
	}

	block = block_get(nn, addr, family);
	if (IS_ERR(block))
		return ERR_CAST(block);

	if (find_next_bit(block->pooled, port_max + 1, port_min) <= port_max) {
		NL_SET_ERR_MSG(extack, "port range overlaps a pool of the same address");
		block_put(nn, block);
		return ERR_PTR(-EEXIST);
	}

	pool = kzalloc(sizeof(*pool), GFP_KERNEL_ACCOUNT);
	if (!pool) {
		block_put(nn, block);
		return ERR_PTR(-ENOMEM);
	}

	do {
		pool->id = ++nn->pool_next;
	} while (!pool->id || nattrav_pool_find(nn, pool->id));
	pool->addr = *addr;
	pool->block = block;
	INIT_LIST_HEAD(&pool->removed);
	refcount_set(&pool->refs, 1);
	pool->port_min = port_min;
	pool->port_max = port_max;
	strscpy(pool->realm, realm, sizeof(pool->realm));
	pool_rest(pool);

	bitmap_set(block->pooled, port_min, port_max - port_min + 1);
	list_add_tail(&pool->list, &nn->pools);
	nn->pool_count++;

	return pool;
}

/**
 * nattrav_pool_find() - find a pool
 * @nn: the network namespace; the caller holds its lock
 * @id: the id
 *
 * Return: the pool, or NULL.
 */
struct nattrav_pool *nattrav_pool_find(struct nattrav_net *nn, u32 id)
{
	struct nattrav_pool *pool;

	list_for_each_entry(pool, &nn->pools, list)
		if (pool->id == id)
			return pool;

	return NULL;
}

/**
 * nattrav_pool_put() - a leg or the list of pools knows a pool no more
 * @pool: the pool, or NULL
 */
void nattrav_pool_put(struct nattrav_pool *pool)
{
	if (pool && refcount_dec_and_test(&pool->refs))
		kfree(pool);
}

/**
 * nattrav_pool_del() - remove a pool that no leg uses
 * @nn: the network namespace; the caller holds its lock
 * @pool: the pool
 *
 * Packets on their way in legs that have been removed still read its address;
 * it is freed along with the last of these legs.
 */
void nattrav_pool_del(struct nattrav_net *nn, struct nattrav_pool *pool)
{
	bitmap_clear(pool->block->pooled, pool->port_min, pool->port_max - pool->port_min + 1);
	block_put(nn, pool->block);
	list_del(&pool->list);
	nn->pool_count--;
	nattrav_pool_put(pool);
}

/**
 * nattrav_pool_resting() - count the ports that rest
 * @pool: the pool; the caller holds the lock of its network namespace
 *
 * Return: freed ports that are not given out yet.
 */
u32 nattrav_pool_resting(struct nattrav_pool *pool)
{
	pool_age(pool, rest_now());
	return pool->resting[0] + pool->resting[1];
}

static u32 pool_pairs(const struct nattrav_pool *pool)
{
	return (pool->port_max - pool->port_min + 1) / 2;
}

/**
 * nattrav_pool_percent() - how full a pool is
 * @pool: the pool; the caller holds the lock of its network namespace
 *
 * RTP gets an even port, and nobody else its neighbour. So what counts is the
 * pairs.
 *
 * Return: the share of those that cannot be given out, in per cent.
 */
u8 nattrav_pool_percent(struct nattrav_pool *pool)
{
	pool_age(pool, rest_now());
	return nattrav_percent(pool->pairs + pool->resting[0], pool_pairs(pool));
}

/* Whether a socket of this host would hear packets to the port. */
static bool port_has_socket(struct net *net, const struct nattrav_block *block, u16 port)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;
	struct sock *sk;

	rcu_read_lock();
	if (block->family == AF_INET)
		sk = udp4_lib_lookup(net, 0, 0, block->addr.ip, htons(port), 0);
	else
		sk = udp6_lib_lookup(net, &any, 0, &block->addr.in6, htons(port), 0);
	rcu_read_unlock();
	if (!sk)
		return false;

	sock_put(sk);
	return true;
}

static bool port_free(struct nattrav_net *nn, const struct nattrav_pool *pool, u16 port, u32 now)
{
	return !test_bit(port, pool->block->busy) && !port_rests(pool->block, port, now) &&
	       !port_has_socket(nn->net, pool->block, port);
}

/* Even ports that are free, and their odd neighbours if a pair is wanted. */
static unsigned long word_of_free(const struct nattrav_block *block, unsigned int word, bool pair)
{
	unsigned long free = ~block->busy[word];

	if (pair)
		free &= free >> 1;

	return free & (ULONG_MAX / 3);
}

/* The first such port of a range that may be given out, or 0. */
static u16 pool_search(struct nattrav_net *nn, const struct nattrav_pool *pool, u32 from, u32 to,
		       bool pair, u32 now)
{
	u32 word, port;

	for (word = BIT_WORD(from); word <= BIT_WORD(to); word++) {
		unsigned long free = word_of_free(pool->block, word, pair);

		if (word == BIT_WORD(from))
			free &= BITMAP_FIRST_WORD_MASK(from);
		for (; free; free &= free - 1) {
			port = word * BITS_PER_LONG + __ffs(free);
			if (port > to)
				return 0;
			if (port_free(nn, pool, port, now) &&
			    (!pair || port_free(nn, pool, port + 1, now)))
				return port;
		}
	}

	return 0;
}

/*
 * A free even port whose odd neighbour is free as well if a pair is wanted, or
 * 0. Which one must be hard to guess (RFC 6888 REQ-15), so picks are random as
 * long as the pool is not nearly full; what is left then is searched for by
 * words of the bitmap, since pools that are full are asked for each new stream.
 */
static u16 pool_pick(struct nattrav_net *nn, const struct nattrav_pool *pool, bool pair)
{
	u32 ports = 2 * pool_pairs(pool);
	u32 now = rest_now(), i;
	u16 port = 0, found;

	if (pool->legs + 1 + pair > ports)
		return 0;

	for (i = 0; i < PORT_TRIES; i++) {
		port = pool->port_min + 2 * get_random_u32_below(pool_pairs(pool));
		if (port_free(nn, pool, port, now) &&
		    (!pair || port_free(nn, pool, port + 1, now)))
			return port;
	}

	found = pool_search(nn, pool, port, pool->port_max, pair, now);
	return found ?: pool_search(nn, pool, pool->port_min, port, pair, now);
}

static void port_assign(struct nattrav_pool *pool, u16 port, struct nattrav_leg *leg)
{
	port_rest_count(pool, port, -1);
	__set_bit(port, pool->block->busy);
	pool->legs++;
	pool->pairs += port % 2 == 0;
	refcount_inc(&pool->refs);
	leg->pool = pool;
	leg->family = pool->block->family;
	leg->local_port = htons(port);
}

static int port_take_given(struct nattrav_net *nn, struct nattrav_pool *pool, u16 port, bool pair,
			   struct netlink_ext_ack *extack)
{
	u32 last = port + pair, p;

	if (pair && port % 2) {
		NL_SET_ERR_MSG(extack, "relay port of RTP must be even, RTCP takes the next one");
		return -EINVAL;
	}

	for (p = port; p <= last; p++) {
		if (test_bit(p, pool->block->busy)) {
			NL_SET_ERR_MSG(extack, "relay port is in use by another stream");
			return -EADDRINUSE;
		}
		if (port_has_socket(nn->net, pool->block, p)) {
			NL_SET_ERR_MSG(extack, "relay port is in use by a socket of this host");
			return -EADDRINUSE;
		}
	}

	return 0;
}

static bool pool_fits(const struct nattrav_pool *pool, const struct nattrav_port_wish *wish)
{
	return pool->block->family == wish->family &&
	       (!wish->realm || !strcmp(wish->realm, pool->realm)) &&
	       (!wish->addr || nf_inet_addr_cmp(wish->addr, &pool->block->addr));
}

/**
 * nattrav_port_take() - reserve the relay port of a leg
 * @nn: the network namespace; the caller holds its lock
 * @wish: which one
 * @leg: the leg
 * @tied: leg of the RTCP stream if @wish->pair
 * @extack: told what is wrong
 *
 * No packet reaches the leg before nattrav_port_publish(). A port that was
 * asked for by number is given even if it still rests: whoever restores a call
 * knows what he does.
 *
 * Return: 0; -ENOENT if no pool fits, -ERANGE if the port lies outside them,
 * -EADDRINUSE if it is taken, -ENOSPC if all are.
 */
int nattrav_port_take(struct nattrav_net *nn, const struct nattrav_port_wish *wish,
		      struct nattrav_leg *leg, struct nattrav_leg *tied,
		      struct netlink_ext_ack *extack)
{
	struct nattrav_pool *pool;
	bool fits = false;
	u16 got = 0;
	int err;

	list_for_each_entry(pool, &nn->pools, list) {
		if (!pool_fits(pool, wish))
			continue;
		fits = true;
		if (!wish->port) {
			got = pool_pick(nn, pool, wish->pair);
			if (got)
				break;
		} else if (wish->port >= pool->port_min &&
			   wish->port + wish->pair <= pool->port_max) {
			err = port_take_given(nn, pool, wish->port, wish->pair, extack);
			if (err)
				return err;
			got = wish->port;
			break;
		}
	}

	if (!fits) {
		NL_SET_ERR_MSG(extack, "no pool has this realm, address family and relay address");
		return -ENOENT;
	}

	if (!got) {
		if (wish->port) {
			NL_SET_ERR_MSG(extack, "relay port lies outside the pool");
			return -ERANGE;
		}
		NL_SET_ERR_MSG(extack, "pool is full: no relay port is free");
		return -ENOSPC;
	}

	port_assign(pool, got, leg);
	if (wish->pair)
		port_assign(pool, got + 1, tied);

	return 0;
}

/**
 * nattrav_port_publish() - let packets reach a leg
 * @leg: the leg, whole, with a port taken
 */
void nattrav_port_publish(struct nattrav_leg *leg)
{
	rcu_assign_pointer(leg->pool->block->port[ntohs(leg->local_port)], leg);
}

/**
 * nattrav_port_release() - give the relay port of a leg back
 * @leg: the leg; packets may still be on their way in it until a grace period
 *	has gone by, and it keeps its pool. Nothing happens if it has no port.
 * @rest: whether the port must rest before it is given out again
 */
void nattrav_port_release(struct nattrav_leg *leg, bool rest)
{
	struct nattrav_pool *pool = leg->pool;
	u16 port = ntohs(leg->local_port);

	if (!pool)
		return;

	RCU_INIT_POINTER(pool->block->port[port], NULL);
	__clear_bit(port, pool->block->busy);
	if (rest) {
		pool->block->freed[port] = rest_now();
		pool->block->freed_last = rest_now();
	}
	port_rest_count(pool, port, 1);
	pool->legs--;
	pool->pairs -= port % 2 == 0;
}
