// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family, what its operations share, and info-get. The
 * operations on pools and streams are in netlink-pool.c and netlink-stream.c.
 * All of them run in process context and take nattrav_net.lock.
 */
#include <linux/module.h>

#include "netlink.h"

/**
 * nattrav_reply_init() - begin an answer
 * @reply: the answer
 * @info: the request
 */
void nattrav_reply_init(struct nattrav_reply *reply, struct genl_info *info)
{
	*reply = (struct nattrav_reply){ .info = info };
	__skb_queue_head_init(&reply->queue);
}

static void reply_close(struct nattrav_reply *reply)
{
	if (!reply->skb)
		return;

	genlmsg_end(reply->skb, reply->head);
	__skb_queue_tail(&reply->queue, reply->skb);
	reply->skb = NULL;
}

static int reply_open(struct nattrav_reply *reply)
{
	reply->skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL_ACCOUNT);
	if (!reply->skb)
		return -ENOMEM;

	reply->head = genlmsg_put_reply(reply->skb, reply->info, &nattrav_family, 0,
					reply->info->genlhdr->cmd);
	return 0;
}

/**
 * nattrav_reply_add() - add an object to an answer
 * @reply: the answer
 * @put: writes the object, or returns -EMSGSIZE and leaves no trace
 * @object: the object
 *
 * Return: 0 or -ENOMEM.
 */
int nattrav_reply_add(struct nattrav_reply *reply, nattrav_put_fn *put, void *object)
{
	int err;

	if (reply->skb && !put(reply->skb, object))
		return 0;

	reply_close(reply);
	err = reply_open(reply);
	if (err)
		return err;

	err = put(reply->skb, object);
	WARN_ON_ONCE(err);
	return err;
}

/**
 * nattrav_reply_send() - send an answer; what it tells of has happened by now
 * @reply: the answer
 *
 * Return: 0, or -errno if the requester cannot take it.
 */
int nattrav_reply_send(struct nattrav_reply *reply)
{
	struct sk_buff *skb;
	int err = 0;

	reply_close(reply);
	while (!err && (skb = __skb_dequeue(&reply->queue)))
		err = genlmsg_reply(skb, reply->info);
	__skb_queue_purge(&reply->queue);

	return err;
}

/**
 * nattrav_reply_drop() - forget an answer, since the request failed
 * @reply: the answer
 */
void nattrav_reply_drop(struct nattrav_reply *reply)
{
	kfree_skb(reply->skb);
	__skb_queue_purge(&reply->queue);
}

/**
 * nattrav_entry_missing() - refuse a request without an entry
 * @info: the request
 * @type: attribute that holds an entry
 *
 * Return: true, with the requester told, if there is none.
 */
bool nattrav_entry_missing(struct genl_info *info, int type)
{
	if (!GENL_REQ_ATTR_CHECK(info, type))
		return false;

	NL_SET_ERR_MSG(info->extack, "the request has no entry");
	return true;
}

/**
 * nattrav_get() - answer a request for given objects
 * @info: the request
 * @type: attribute that holds an entry
 * @find: finds the object that an entry names, or returns an ERR_PTR
 * @put: writes it
 *
 * Return: 0 or -errno.
 */
int nattrav_get(struct genl_info *info, int type,
		void *(*find)(struct nattrav_net *nn, struct nlattr *entry,
			      struct netlink_ext_ack *extack),
		nattrav_put_fn *put)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct nattrav_reply reply;
	struct nlattr *entry;
	int err = 0, rem;
	void *object;

	if (nattrav_entry_missing(info, type))
		return -EINVAL;

	nattrav_reply_init(&reply, info);
	mutex_lock(&nn->lock);
	nattrav_for_each_entry(entry, info, rem) {
		object = find(nn, entry, info->extack);
		err = PTR_ERR_OR_ZERO(object);
		if (!err)
			err = nattrav_reply_add(&reply, put, object);
		if (err)
			break;
	}
	mutex_unlock(&nn->lock);

	if (err) {
		nattrav_reply_drop(&reply);
		return err;
	}

	return nattrav_reply_send(&reply);
}

/**
 * nattrav_get_addr() - read an address
 * @addr: the address
 * @family: set to its family, AF_UNSPEC if there is none
 * @ipv4: attribute with an IPv4 address, or NULL
 * @ipv6: attribute with an IPv6 address, or NULL
 * @extack: told what is wrong
 *
 * Return: 0, or -EINVAL if there are both.
 */
int nattrav_get_addr(union nf_inet_addr *addr, u8 *family, const struct nlattr *ipv4,
		     const struct nlattr *ipv6, struct netlink_ext_ack *extack)
{
	memset(addr, 0, sizeof(*addr));
	*family = AF_UNSPEC;

	if (ipv4 && ipv6) {
		NL_SET_ERR_MSG_ATTR(extack, ipv6, "either an IPv4 or an IPv6 address, not both");
		return -EINVAL;
	}
	if (ipv4) {
		addr->ip = nla_get_in_addr(ipv4);
		*family = AF_INET;
	}
	if (ipv6) {
		addr->in6 = nla_get_in6_addr(ipv6);
		*family = AF_INET6;
	}

	return 0;
}

/**
 * nattrav_attrs_only() - refuse attributes that a request cannot carry
 * @tb: the attributes of a nest
 * @max: the highest
 * @allowed: bit mask of those that are welcome
 * @extack: told which is not
 *
 * A nest has one policy for all operations; most take only a part of it.
 *
 * Return: 0 or -EINVAL.
 */
int nattrav_attrs_only(struct nlattr *const *tb, unsigned int max, u64 allowed,
		       struct netlink_ext_ack *extack)
{
	unsigned int i;

	for (i = 1; i <= max; i++) {
		if (!tb[i] || allowed & BIT_ULL(i))
			continue;
		NL_SET_ERR_MSG_ATTR(extack, tb[i], "attribute has no place in this request");
		return -EINVAL;
	}

	return 0;
}

static int info_put_drops(struct sk_buff *skb, const u64 *dropped)
{
	unsigned int reason;

	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++) {
		struct nlattr *drop = nla_nest_start(skb, NATTRAV_A_INFO_DROP);

		if (!drop || nla_put_u32(skb, NATTRAV_A_DROP_REASON, reason) ||
		    nla_put_u64_64bit(skb, NATTRAV_A_DROP_PACKETS, dropped[reason],
				      NATTRAV_A_DROP_PAD))
			return -EMSGSIZE;
		nla_nest_end(skb, drop);
	}

	return 0;
}

/* The sum over all CPUs, read so that it never tells of a packet by halves. */
struct totals {
	u64 received;
	u64 forwarded;
	u64 accepted;
	u64 dropped[NATTRAV_DROP_REASON_MAX + 1];
};

static void totals_add_cpu(struct totals *sum, const struct nattrav_stats *stats)
{
	struct totals cpu;
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&stats->syncp);
		cpu.received = u64_stats_read(&stats->received);
		cpu.forwarded = u64_stats_read(&stats->forwarded);
		cpu.accepted = u64_stats_read(&stats->accepted);
		for (i = 0; i < ARRAY_SIZE(cpu.dropped); i++)
			cpu.dropped[i] = u64_stats_read(&stats->dropped[i]);
	} while (u64_stats_fetch_retry(&stats->syncp, start));

	sum->received += cpu.received;
	sum->forwarded += cpu.forwarded;
	sum->accepted += cpu.accepted;
	for (i = 0; i < ARRAY_SIZE(cpu.dropped); i++)
		sum->dropped[i] += cpu.dropped[i];
}

static int info_put(struct sk_buff *skb, void *object)
{
	struct nattrav_net *nn = object;
	struct totals totals = {};
	struct nlattr *entry;
	int cpu;

	for_each_possible_cpu(cpu)
		totals_add_cpu(&totals, per_cpu_ptr(nn->stats, cpu));

	entry = nla_nest_start(skb, NATTRAV_A_INFOS_ENTRY);
	if (!entry || nla_put_string(skb, NATTRAV_A_INFO_VERSION, NATTRAV_VERSION) ||
	    nla_put_u32(skb, NATTRAV_A_INFO_POOLS, nn->pool_count) ||
	    nla_put_u32(skb, NATTRAV_A_INFO_STREAMS, nn->stream_count) ||
	    nla_put_u32(skb, NATTRAV_A_INFO_STREAMS_MAX, nattrav_streams_max()) ||
	    nla_put_u32(skb, NATTRAV_A_INFO_EVENT_SEQ, nn->event_seq) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_INFO_RECEIVED, totals.received,
			      NATTRAV_A_INFO_PAD) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_INFO_FORWARDED, totals.forwarded,
			      NATTRAV_A_INFO_PAD) ||
	    nla_put_u64_64bit(skb, NATTRAV_A_INFO_ACCEPTED, totals.accepted,
			      NATTRAV_A_INFO_PAD) ||
	    info_put_drops(skb, totals.dropped))
		return -EMSGSIZE;

	nla_nest_end(skb, entry);
	return 0;
}

/**
 * nattrav_nl_info_get_doit() - NATTRAV_CMD_INFO_GET
 * @skb: the request
 * @info: the request
 *
 * Return: 0 or -errno.
 */
int nattrav_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct nattrav_reply reply;
	int err;

	if (info->attrs[NATTRAV_A_INFOS_ENTRY]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[NATTRAV_A_INFOS_ENTRY],
				    "info-get takes no entry");
		return -EINVAL;
	}

	nattrav_reply_init(&reply, info);
	mutex_lock(&nn->lock);
	err = nattrav_reply_add(&reply, info_put, nn);
	mutex_unlock(&nn->lock);
	if (err) {
		nattrav_reply_drop(&reply);
		return err;
	}

	return nattrav_reply_send(&reply);
}

static const struct genl_multicast_group groups[] = {
	[NATTRAV_NLGRP_EVENTS] = {
		.name = NATTRAV_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

struct genl_family nattrav_family __ro_after_init = {
	.name = NATTRAV_FAMILY_NAME,
	.version = NATTRAV_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = nattrav_nl_ops,
	.n_ops = ARRAY_SIZE(nattrav_nl_ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};
