// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pools: relay addresses with a range of ports.
 */
#include <errno.h>
#include "internal.h"

/**
 * nattrav_pool_build() - append a pool to a request of pool-new
 * @msg: the request
 * @pool: the pool; what is not given is left out, and the kernel says so
 */
void nattrav_pool_build(struct nattrav_msg *msg, const struct nattrav_pool *pool)
{
	size_t nest = nattrav_msg_nest(msg, NATTRAV_A_POOLS_ENTRY);

	if (pool->realm[0])
		nattrav_msg_put_string(msg, NATTRAV_A_POOL_REALM, pool->realm);
	if (pool->addr.family)
		nattrav_msg_put_addr(msg, NATTRAV_A_POOL_IPV4, NATTRAV_A_POOL_IPV6, &pool->addr);
	nattrav_msg_put_port(msg, NATTRAV_A_POOL_PORT_MIN, pool->port_min);
	nattrav_msg_put_port(msg, NATTRAV_A_POOL_PORT_MAX, pool->port_max);
	nattrav_msg_nest_end(msg, nest);
}

int nattrav_pool_parse(const struct nlattr *nest, struct nattrav_pool *pool)
{
	const struct nlattr *tb[NATTRAV_A_POOL_MAX + 1];
	int err;

	err = nattrav_attrs_parse(&nattrav_set_pool, nest, tb);
	if (err)
		return err;
	*pool = (struct nattrav_pool){
		.id = nattrav_attr_u32(tb[NATTRAV_A_POOL_ID]),
		.addr = nattrav_attr_addr(tb[NATTRAV_A_POOL_IPV4], tb[NATTRAV_A_POOL_IPV6]),
		.port_min = nattrav_attr_port(tb[NATTRAV_A_POOL_PORT_MIN]),
		.port_max = nattrav_attr_port(tb[NATTRAV_A_POOL_PORT_MAX]),
		.legs = nattrav_attr_u32(tb[NATTRAV_A_POOL_LEGS]),
		.resting = nattrav_attr_u32(tb[NATTRAV_A_POOL_RESTING]),
	};
	nattrav_attr_string(tb[NATTRAV_A_POOL_REALM], pool->realm, sizeof(pool->realm));
	return 0;
}

/* Where the pools of a reply go. */
struct pool_made {
	struct nattrav_pool *pools;
	size_t count;
	size_t max;
};

static int pool_made_entry(const struct nlattr *entry, void *arg)
{
	struct pool_made *made = arg;

	if (made->count == made->max)
		return -EBADMSG;
	return nattrav_pool_parse(entry, &made->pools[made->count++]);
}

static int pool_made_reply(const struct nlmsghdr *nlh, void *arg)
{
	return nattrav_for_each_entry(nlh, pool_made_entry, arg);
}

int nattrav_pool_new(struct nattrav *handle, struct nattrav_pool *pools, size_t count)
{
	struct pool_made made = { .pools = pools, .max = count };
	size_t i;
	int err;

	if (!count)
		return 0;
	err = nattrav_begin(handle, NATTRAV_CMD_POOL_NEW, NLM_F_ACK);
	if (err)
		return err;
	for (i = 0; i < count; i++)
		nattrav_pool_build(&handle->msg, &pools[i]);
	err = nattrav_request(handle, pool_made_reply, &made);
	if (err)
		return err;
	if (made.count != count)
		return nattrav_fail(handle, -EBADMSG, "the reply does not list all pools");
	return 0;
}

int nattrav_pool_del(struct nattrav *handle, const uint32_t *ids, size_t count)
{
	return nattrav_del_ids(handle, NATTRAV_CMD_POOL_DEL, ids, count);
}

/* Whom the pools of a dump are told to. */
struct pool_dump {
	nattrav_pool_fn *fn;
	void *arg;
};

static int pool_dump_entry(const struct nlattr *entry, void *arg)
{
	const struct pool_dump *dump = arg;
	struct nattrav_pool pool;
	int err;

	err = nattrav_pool_parse(entry, &pool);
	return err ? err : dump->fn(&pool, dump->arg);
}

static int pool_dump_reply(const struct nlmsghdr *nlh, void *arg)
{
	return nattrav_for_each_entry(nlh, pool_dump_entry, arg);
}

int nattrav_pool_dump(struct nattrav *handle, nattrav_pool_fn *fn, void *arg)
{
	struct pool_dump dump = { .fn = fn, .arg = arg };
	int err;

	err = nattrav_begin(handle, NATTRAV_CMD_POOL_GET, NLM_F_DUMP);
	if (err)
		return err;
	return nattrav_request(handle, pool_dump_reply, &dump);
}
