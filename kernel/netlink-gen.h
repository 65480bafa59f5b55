/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/nattrav.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_NATTRAV_GEN_H
#define _LINUX_NATTRAV_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/nattrav.h>

/* Common nested types */
extern const struct nla_policy nattrav_drop_nl_policy[NATTRAV_A_DROP_PAD + 1];
extern const struct nla_policy nattrav_info_nl_policy[NATTRAV_A_INFO_PAD + 1];
extern const struct nla_policy nattrav_leg_nl_policy[NATTRAV_A_LEG_ICMP_ERRORS + 1];
extern const struct nla_policy nattrav_pool_nl_policy[NATTRAV_A_POOL_RESTING + 1];
extern const struct nla_policy nattrav_prefix_nl_policy[NATTRAV_A_PREFIX_LEN + 1];
extern const struct nla_policy nattrav_stream_nl_policy[NATTRAV_A_STREAM_HOLD + 1];

extern const struct nla_policy nattrav_pool_new_nl_policy[NATTRAV_A_POOLS_ENTRY + 1];

extern const struct nla_policy nattrav_pool_del_nl_policy[NATTRAV_A_POOLS_ENTRY + 1];

extern const struct nla_policy nattrav_pool_get_nl_policy[NATTRAV_A_POOLS_ENTRY + 1];

extern const struct nla_policy nattrav_stream_new_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1];

extern const struct nla_policy nattrav_stream_set_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1];

extern const struct nla_policy nattrav_stream_del_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1];

extern const struct nla_policy nattrav_stream_get_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1];

extern const struct nla_policy nattrav_info_get_nl_policy[NATTRAV_A_INFOS_ENTRY + 1];

/* Ops table for nattrav */
extern const struct genl_ops nattrav_nl_ops[8];

int nattrav_nl_pool_new_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_pool_del_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_pool_get_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_pool_get_dumpit(struct sk_buff *skb,
			       struct netlink_callback *cb);
int nattrav_nl_stream_new_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_stream_set_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_stream_del_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_stream_get_doit(struct sk_buff *skb, struct genl_info *info);
int nattrav_nl_stream_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int nattrav_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	NATTRAV_NLGRP_EVENTS,
};

#endif /* _LINUX_NATTRAV_GEN_H */
