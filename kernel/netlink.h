/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the netlink files share.
 */
#ifndef NATTRAV_NETLINK_H
#define NATTRAV_NETLINK_H

#include <net/genetlink.h>

#include "nattrav.h"
#include "netlink-gen.h"

/* Each entry nest of a request. The core has validated them all. */
#define nattrav_for_each_entry(attr, info, rem)						\
	nla_for_each_attr(attr, genlmsg_data((info)->genlhdr),				\
			  genlmsg_len((info)->genlhdr), rem)

/**
 * struct nattrav_reply - the answer to a request, in as many messages as needed
 * @info: the request
 * @queue: messages that are full
 * @skb: the message that is being filled, or NULL
 * @head: its header
 */
struct nattrav_reply {
	struct genl_info *info;
	struct sk_buff_head queue;
	struct sk_buff *skb;
	void *head;
};

typedef int nattrav_put_fn(struct sk_buff *skb, void *object);

void nattrav_reply_init(struct nattrav_reply *reply, struct genl_info *info);
int nattrav_reply_add(struct nattrav_reply *reply, nattrav_put_fn *put, void *object);
int nattrav_reply_send(struct nattrav_reply *reply);
void nattrav_reply_drop(struct nattrav_reply *reply);

/* netlink-put.c */
int nattrav_entry_put_ports(struct sk_buff *skb, void *object);
int nattrav_entry_put_all(struct sk_buff *skb, void *object);

int nattrav_attrs_only(struct nlattr *const *tb, unsigned int max, u64 allowed,
		       struct netlink_ext_ack *extack);

#endif
