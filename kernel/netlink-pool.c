// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink operations on pools.
 */
#include "netlink.h"

static int pool_parse(struct nlattr **tb, struct nlattr *entry, u64 allowed,
		      struct netlink_ext_ack *extack)
{
	int err;

	err = nla_parse_nested(tb, NATTRAV_A_POOL_MAX, entry, nattrav_pool_nl_policy, extack);
	if (err)
		return err;

	return nattrav_attrs_only(tb, NATTRAV_A_POOL_MAX, allowed, extack);
}

/**
 * nattrav_pool_put_attrs() - write the attributes of a pool
 * @skb: where to; what is there on failure is for the caller to cancel
 * @pool: the pool; the caller holds the lock of its network namespace
 *
 * Return: 0 or -EMSGSIZE.
 */
int nattrav_pool_put_attrs(struct sk_buff *skb, struct nattrav_pool *pool)
{
	if (nla_put_u32(skb, NATTRAV_A_POOL_ID, pool->id) ||
	    nla_put_string(skb, NATTRAV_A_POOL_REALM, pool->realm) ||
	    nattrav_put_addr(skb, NATTRAV_A_POOL_IPV4, NATTRAV_A_POOL_IPV6, &pool->block->addr,
			     pool->block->family) ||
	    nla_put_be16(skb, NATTRAV_A_POOL_PORT_MIN, htons(pool->port_min)) ||
	    nla_put_be16(skb, NATTRAV_A_POOL_PORT_MAX, htons(pool->port_max)) ||
	    nla_put_u32(skb, NATTRAV_A_POOL_LEGS, pool->legs) ||
	    nla_put_u32(skb, NATTRAV_A_POOL_RESTING, nattrav_pool_resting(pool)))
		return -EMSGSIZE;

	return 0;
}

static int pool_put(struct sk_buff *skb, void *object)
{
	struct nlattr *entry = nla_nest_start(skb, NATTRAV_A_POOLS_ENTRY);

	if (!entry)
		return -EMSGSIZE;

	if (nattrav_pool_put_attrs(skb, object)) {
		nla_nest_cancel(skb, entry);
		return -EMSGSIZE;
	}

	nla_nest_end(skb, entry);
	return 0;
}

static struct nattrav_pool *pool_new(struct nattrav_net *nn, struct nlattr *entry,
				     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_POOL_MAX + 1];
	struct nattrav_pool *pool;
	union nf_inet_addr addr;
	u8 family;
	int err;

	err = pool_parse(tb, entry,
			 BIT_ULL(NATTRAV_A_POOL_REALM) | BIT_ULL(NATTRAV_A_POOL_IPV4) |
			 BIT_ULL(NATTRAV_A_POOL_IPV6) | BIT_ULL(NATTRAV_A_POOL_PORT_MIN) |
			 BIT_ULL(NATTRAV_A_POOL_PORT_MAX), extack);
	if (err)
		return ERR_PTR(err);

	if (NL_REQ_ATTR_CHECK(extack, entry, tb, NATTRAV_A_POOL_PORT_MIN) ||
	    NL_REQ_ATTR_CHECK(extack, entry, tb, NATTRAV_A_POOL_PORT_MAX)) {
		NL_SET_ERR_MSG(extack, "a pool needs an address and both ends of its port range");
		return ERR_PTR(-EINVAL);
	}

	err = nattrav_get_addr(&addr, &family, tb[NATTRAV_A_POOL_IPV4], tb[NATTRAV_A_POOL_IPV6],
			       extack);
	if (err)
		return ERR_PTR(err);
	if (family == AF_UNSPEC) {
		NL_REQ_ATTR_CHECK(extack, entry, tb, NATTRAV_A_POOL_IPV4);
		NL_SET_ERR_MSG(extack, "a pool needs an address and both ends of its port range");
		return ERR_PTR(-EINVAL);
	}

	/* The attribute that most refusals are about. */
	NL_SET_BAD_ATTR(extack, tb[NATTRAV_A_POOL_IPV4] ?: tb[NATTRAV_A_POOL_IPV6]);
	pool = nattrav_pool_add(nn, &addr, family,
				ntohs(nla_get_be16(tb[NATTRAV_A_POOL_PORT_MIN])),
				ntohs(nla_get_be16(tb[NATTRAV_A_POOL_PORT_MAX])),
				tb[NATTRAV_A_POOL_REALM] ? nla_data(tb[NATTRAV_A_POOL_REALM]) : "",
				extack);
	if (pool == ERR_PTR(-EINVAL) || pool == ERR_PTR(-EEXIST))
		NL_SET_BAD_ATTR(extack, tb[NATTRAV_A_POOL_PORT_MIN]);
	if (!IS_ERR(pool))
		NL_SET_BAD_ATTR(extack, NULL);

	return pool;
}

/**
 * nattrav_nl_pool_new_doit() - NATTRAV_CMD_POOL_NEW
 * @skb: the request
 * @info: the request
 *
 * Return: 0, or -errno with no pool added.
 */
int nattrav_nl_pool_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct list_head *last;
	struct nattrav_reply reply;
	struct nattrav_pool *pool;
	struct nlattr *entry;
	int err, rem;

	if (nattrav_entry_missing(info, NATTRAV_A_POOLS_ENTRY))
		return -EINVAL;

	nattrav_reply_init(&reply, info);
	mutex_lock(&nn->lock);
	last = nn->pools.prev;

	nattrav_for_each_entry(entry, info, rem) {
		pool = pool_new(nn, entry, info->extack);
		err = PTR_ERR_OR_ZERO(pool);
		if (!err)
			err = nattrav_reply_add(&reply, pool_put, pool);
		if (err)
			goto err_undo;
	}

	err = nattrav_hooks_register(nn, info->extack);
	if (err)
		goto err_undo;

	mutex_unlock(&nn->lock);
	return nattrav_reply_send(&reply);

err_undo:
	while (nn->pools.prev != last)
		nattrav_pool_del(nn, list_last_entry(&nn->pools, struct nattrav_pool, list));
	mutex_unlock(&nn->lock);
	nattrav_reply_drop(&reply);
	return err;
}

static void *pool_find(struct nattrav_net *nn, struct nlattr *entry,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_POOL_MAX + 1];
	struct nattrav_pool *pool;
	int err;

	err = pool_parse(tb, entry, BIT_ULL(NATTRAV_A_POOL_ID), extack);
	if (err)
		return ERR_PTR(err);

	if (NL_REQ_ATTR_CHECK(extack, entry, tb, NATTRAV_A_POOL_ID)) {
		NL_SET_ERR_MSG(extack, "which pool: an id is needed");
		return ERR_PTR(-EINVAL);
	}

	pool = nattrav_pool_find(nn, nla_get_u32(tb[NATTRAV_A_POOL_ID]));
	if (!pool) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_POOL_ID], "no pool has this id");
		return ERR_PTR(-ENOENT);
	}
	return pool;
}

/**
 * nattrav_nl_pool_del_doit() - NATTRAV_CMD_POOL_DEL
 * @skb: the request
 * @info: the request
 *
 * Return: 0, or -errno with no pool removed.
 */
int nattrav_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct nattrav_pool *pool, *next;
	struct nlattr *entry;
	LIST_HEAD(doomed);
	int err = 0, rem;

	if (nattrav_entry_missing(info, NATTRAV_A_POOLS_ENTRY))
		return -EINVAL;

	mutex_lock(&nn->lock);
	nattrav_for_each_entry(entry, info, rem) {
		pool = pool_find(nn, entry, info->extack);
		err = PTR_ERR_OR_ZERO(pool);
		if (!err && pool->legs) {
			NL_SET_ERR_MSG_ATTR(info->extack,
					    nla_find_nested(entry, NATTRAV_A_POOL_ID),
					    "streams use this pool");
			err = -EBUSY;
		}
		if (err)
			break;
		if (list_empty(&pool->removed))
			list_add_tail(&pool->removed, &doomed);
	}

	list_for_each_entry_safe(pool, next, &doomed, removed) {
		list_del_init(&pool->removed);
		if (!err)
			nattrav_pool_del(nn, pool);
	}
	if (!err) {
		if (!nn->pool_count)
			nattrav_hooks_unregister(nn);
		nattrav_gc_kick(nn);
	}
	mutex_unlock(&nn->lock);

	return err;
}

/**
 * nattrav_nl_pool_get_doit() - NATTRAV_CMD_POOL_GET of given pools
 * @skb: the request
 * @info: the request
 *
 * Return: 0 or -errno.
 */
int nattrav_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nattrav_get(info, NATTRAV_A_POOLS_ENTRY, pool_find, pool_put);
}

/**
 * nattrav_nl_pool_get_dumpit() - NATTRAV_CMD_POOL_GET of all pools
 * @skb: the answer
 * @cb: where the last call stopped
 *
 * Return: length of the answer, 0 at the end.
 */
int nattrav_nl_pool_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nattrav_net *nn = nattrav_pernet(sock_net(skb->sk));
	struct nattrav_pool *pool;
	long skip = cb->args[0];
	void *head;

	mutex_lock(&nn->lock);
	list_for_each_entry(pool, &nn->pools, list) {
		if (skip-- > 0)
			continue;
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &nattrav_family, NLM_F_MULTI, NATTRAV_CMD_POOL_GET);
		if (!head)
			break;
		if (pool_put(skb, pool)) {
			genlmsg_cancel(skb, head);
			break;
		}
		genlmsg_end(skb, head);
		cb->args[0]++;
		cond_resched();
	}
	mutex_unlock(&nn->lock);

	return skb->len;
}
