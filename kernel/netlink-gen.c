// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/nattrav.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/nattrav.h>

/* Common nested types */
const struct nla_policy nattrav_drop_nl_policy[NATTRAV_A_DROP_PAD + 1] = {
	[NATTRAV_A_DROP_REASON] = NLA_POLICY_MAX(NLA_U32, 19),
	[NATTRAV_A_DROP_PACKETS] = { .type = NLA_U64, },
};

const struct nla_policy nattrav_info_nl_policy[NATTRAV_A_INFO_PAD + 1] = {
	[NATTRAV_A_INFO_VERSION] = { .type = NLA_NUL_STRING, },
	[NATTRAV_A_INFO_POOLS] = { .type = NLA_U32, },
	[NATTRAV_A_INFO_STREAMS] = { .type = NLA_U32, },
	[NATTRAV_A_INFO_STREAMS_MAX] = { .type = NLA_U32, },
	[NATTRAV_A_INFO_EVENT_SEQ] = { .type = NLA_U32, },
	[NATTRAV_A_INFO_RECEIVED] = { .type = NLA_U64, },
	[NATTRAV_A_INFO_FORWARDED] = { .type = NLA_U64, },
	[NATTRAV_A_INFO_ACCEPTED] = { .type = NLA_U64, },
	[NATTRAV_A_INFO_DROP] = NLA_POLICY_NESTED(nattrav_drop_nl_policy),
};

const struct nla_policy nattrav_leg_nl_policy[NATTRAV_A_LEG_ICMP_ERRORS + 1] = {
	[NATTRAV_A_LEG_REALM] = { .type = NLA_NUL_STRING, .len = NATTRAV_REALM_LEN, },
	[NATTRAV_A_LEG_FAMILY] = NLA_POLICY_MAX(NLA_U32, 1),
	[NATTRAV_A_LEG_LOCAL_IPV4] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_LOCAL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[NATTRAV_A_LEG_LOCAL_PORT] = { .type = NLA_U16, },
	[NATTRAV_A_LEG_PEER_IPV4] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_PEER_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[NATTRAV_A_LEG_PEER_PORT] = { .type = NLA_U16, },
	[NATTRAV_A_LEG_PREFIX] = NLA_POLICY_NESTED(nattrav_prefix_nl_policy),
	[NATTRAV_A_LEG_PAYLOAD_TYPES] = NLA_POLICY_EXACT_LEN(NATTRAV_PAYLOAD_TYPES_LEN),
	[NATTRAV_A_LEG_WINDOW] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_GENERATION] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_PROBATION] = { .type = NLA_U8, },
	[NATTRAV_A_LEG_RELATCH] = NLA_POLICY_MAX(NLA_U32, 1),
	[NATTRAV_A_LEG_RATE] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_CLOCK_RATE] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_STATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[NATTRAV_A_LEG_PACKETS] = { .type = NLA_U64, },
	[NATTRAV_A_LEG_BYTES] = { .type = NLA_U64, },
	[NATTRAV_A_LEG_DROPPED] = { .type = NLA_U64, },
	[NATTRAV_A_LEG_LAST_SEEN] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_SSRC] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_PAYLOAD_TYPE] = { .type = NLA_U8, },
	[NATTRAV_A_LEG_RECEIVED] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_LOST] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_REORDERED] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_DUPLICATES] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_JITTER] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_SSRC_CHANGES] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_INTRUDER_IPV4] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_INTRUDER_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[NATTRAV_A_LEG_INTRUDER_PORT] = { .type = NLA_U16, },
	[NATTRAV_A_LEG_INTRUDER_PACKETS] = { .type = NLA_U64, },
	[NATTRAV_A_LEG_DSCP] = NLA_POLICY_MAX(NLA_U8, 64),
	[NATTRAV_A_LEG_MANY_SSRC] = NLA_POLICY_MAX(NLA_U8, 1),
	[NATTRAV_A_LEG_WINDOW_LEFT] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_LATCHED_GENERATION] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_SEQUENCE] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_RTCP_PEER_IPV4] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_RTCP_PEER_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[NATTRAV_A_LEG_RTCP_PEER_PORT] = { .type = NLA_U16, },
	[NATTRAV_A_LEG_SILENCE] = { .type = NLA_U32, },
	[NATTRAV_A_LEG_ONE_WAY] = { .type = NLA_FLAG, },
	[NATTRAV_A_LEG_LAST_DROP] = NLA_POLICY_MAX(NLA_U32, 19),
	[NATTRAV_A_LEG_ICMP_ERRORS] = { .type = NLA_U32, },
};

const struct nla_policy nattrav_pool_nl_policy[NATTRAV_A_POOL_RESTING + 1] = {
	[NATTRAV_A_POOL_ID] = { .type = NLA_U32, },
	[NATTRAV_A_POOL_REALM] = { .type = NLA_NUL_STRING, .len = NATTRAV_REALM_LEN, },
	[NATTRAV_A_POOL_IPV4] = { .type = NLA_U32, },
	[NATTRAV_A_POOL_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[NATTRAV_A_POOL_PORT_MIN] = { .type = NLA_U16, },
	[NATTRAV_A_POOL_PORT_MAX] = { .type = NLA_U16, },
	[NATTRAV_A_POOL_LEGS] = { .type = NLA_U32, },
	[NATTRAV_A_POOL_RESTING] = { .type = NLA_U32, },
};

const struct nla_policy nattrav_prefix_nl_policy[NATTRAV_A_PREFIX_LEN + 1] = {
	[NATTRAV_A_PREFIX_IPV4] = { .type = NLA_U32, },
	[NATTRAV_A_PREFIX_IPV6] = NLA_POLICY_EXACT_LEN(16),
	[NATTRAV_A_PREFIX_LEN] = { .type = NLA_U8, },
};

const struct nla_policy nattrav_stream_nl_policy[NATTRAV_A_STREAM_HOLD + 1] = {
	[NATTRAV_A_STREAM_ID] = { .type = NLA_U32, },
	[NATTRAV_A_STREAM_CALL] = { .type = NLA_NUL_STRING, .len = NATTRAV_CALL_LEN, },
	[NATTRAV_A_STREAM_COOKIE] = { .type = NLA_U64, },
	[NATTRAV_A_STREAM_TYPE] = NLA_POLICY_MAX(NLA_U32, 2),
	[NATTRAV_A_STREAM_RTCP] = { .type = NLA_FLAG, },
	[NATTRAV_A_STREAM_TIED] = { .type = NLA_U32, },
	[NATTRAV_A_STREAM_LEG_A] = NLA_POLICY_NESTED(nattrav_leg_nl_policy),
	[NATTRAV_A_STREAM_LEG_B] = NLA_POLICY_NESTED(nattrav_leg_nl_policy),
	[NATTRAV_A_STREAM_TIMEOUT_PARTIAL] = { .type = NLA_U32, },
	[NATTRAV_A_STREAM_TIMEOUT_IDLE] = { .type = NLA_U32, },
	[NATTRAV_A_STREAM_TIMEOUT_MAX] = { .type = NLA_U32, },
	[NATTRAV_A_STREAM_AGE] = { .type = NLA_U64, },
	[NATTRAV_A_STREAM_STATE] = NLA_POLICY_MAX(NLA_U32, 1),
	[NATTRAV_A_STREAM_HOLD] = NLA_POLICY_MAX(NLA_U8, 1),
};

/* NATTRAV_CMD_POOL_NEW - do */
const struct nla_policy nattrav_pool_new_nl_policy[NATTRAV_A_POOLS_ENTRY + 1] = {
	[NATTRAV_A_POOLS_ENTRY] = NLA_POLICY_NESTED(nattrav_pool_nl_policy),
};

/* NATTRAV_CMD_POOL_DEL - do */
const struct nla_policy nattrav_pool_del_nl_policy[NATTRAV_A_POOLS_ENTRY + 1] = {
	[NATTRAV_A_POOLS_ENTRY] = NLA_POLICY_NESTED(nattrav_pool_nl_policy),
};

/* NATTRAV_CMD_POOL_GET - do */
const struct nla_policy nattrav_pool_get_nl_policy[NATTRAV_A_POOLS_ENTRY + 1] = {
	[NATTRAV_A_POOLS_ENTRY] = NLA_POLICY_NESTED(nattrav_pool_nl_policy),
};

/* NATTRAV_CMD_STREAM_NEW - do */
const struct nla_policy nattrav_stream_new_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1] = {
	[NATTRAV_A_STREAMS_ENTRY] = NLA_POLICY_NESTED(nattrav_stream_nl_policy),
};

/* NATTRAV_CMD_STREAM_SET - do */
const struct nla_policy nattrav_stream_set_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1] = {
	[NATTRAV_A_STREAMS_ENTRY] = NLA_POLICY_NESTED(nattrav_stream_nl_policy),
};

/* NATTRAV_CMD_STREAM_DEL - do */
const struct nla_policy nattrav_stream_del_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1] = {
	[NATTRAV_A_STREAMS_ENTRY] = NLA_POLICY_NESTED(nattrav_stream_nl_policy),
};

/* NATTRAV_CMD_STREAM_GET - do */
const struct nla_policy nattrav_stream_get_nl_policy[NATTRAV_A_STREAMS_ENTRY + 1] = {
	[NATTRAV_A_STREAMS_ENTRY] = NLA_POLICY_NESTED(nattrav_stream_nl_policy),
};

/* NATTRAV_CMD_INFO_GET - do */
const struct nla_policy nattrav_info_get_nl_policy[NATTRAV_A_INFOS_ENTRY + 1] = {
	[NATTRAV_A_INFOS_ENTRY] = NLA_POLICY_NESTED(nattrav_info_nl_policy),
};

/* Ops table for nattrav */
const struct genl_ops nattrav_nl_ops[8] = {
	{
		.cmd		= NATTRAV_CMD_POOL_NEW,
		.doit		= nattrav_nl_pool_new_doit,
		.policy		= nattrav_pool_new_nl_policy,
		.maxattr	= NATTRAV_A_POOLS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_POOL_DEL,
		.doit		= nattrav_nl_pool_del_doit,
		.policy		= nattrav_pool_del_nl_policy,
		.maxattr	= NATTRAV_A_POOLS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_POOL_GET,
		.doit		= nattrav_nl_pool_get_doit,
		.dumpit		= nattrav_nl_pool_get_dumpit,
		.policy		= nattrav_pool_get_nl_policy,
		.maxattr	= NATTRAV_A_POOLS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_STREAM_NEW,
		.doit		= nattrav_nl_stream_new_doit,
		.policy		= nattrav_stream_new_nl_policy,
		.maxattr	= NATTRAV_A_STREAMS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_STREAM_SET,
		.doit		= nattrav_nl_stream_set_doit,
		.policy		= nattrav_stream_set_nl_policy,
		.maxattr	= NATTRAV_A_STREAMS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_STREAM_DEL,
		.doit		= nattrav_nl_stream_del_doit,
		.policy		= nattrav_stream_del_nl_policy,
		.maxattr	= NATTRAV_A_STREAMS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_STREAM_GET,
		.doit		= nattrav_nl_stream_get_doit,
		.dumpit		= nattrav_nl_stream_get_dumpit,
		.policy		= nattrav_stream_get_nl_policy,
		.maxattr	= NATTRAV_A_STREAMS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= NATTRAV_CMD_INFO_GET,
		.doit		= nattrav_nl_info_get_doit,
		.policy		= nattrav_info_get_nl_policy,
		.maxattr	= NATTRAV_A_INFOS_ENTRY,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

