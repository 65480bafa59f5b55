// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The version of the module and the totals of the network namespace.
 */
#include <errno.h>
#include "internal.h"

int nattrav_info_parse(const struct nlattr *nest, struct nattrav_info *info)
{
	const struct nlattr *tb[NATTRAV_A_INFO_MAX + 1], *drop[NATTRAV_A_DROP_MAX + 1], *attr;
	uint32_t reason;
	int err;

	err = nattrav_attrs_parse(&nattrav_set_info, nest, tb);
	if (err)
		return err;
	*info = (struct nattrav_info){
		.pools = nattrav_attr_u32(tb[NATTRAV_A_INFO_POOLS]),
		.streams = nattrav_attr_u32(tb[NATTRAV_A_INFO_STREAMS]),
		.streams_max = nattrav_attr_u32(tb[NATTRAV_A_INFO_STREAMS_MAX]),
		.event_seq = nattrav_attr_u32(tb[NATTRAV_A_INFO_EVENT_SEQ]),
		.received = nattrav_attr_u64(tb[NATTRAV_A_INFO_RECEIVED]),
		.forwarded = nattrav_attr_u64(tb[NATTRAV_A_INFO_FORWARDED]),
		.accepted = nattrav_attr_u64(tb[NATTRAV_A_INFO_ACCEPTED]),
	};
	nattrav_attr_string(tb[NATTRAV_A_INFO_VERSION], info->version, sizeof(info->version));

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) != NATTRAV_A_INFO_DROP)
			continue;
		err = nattrav_attrs_parse(&nattrav_set_drop, attr, drop);
		if (err)
			return err;
		if (!drop[NATTRAV_A_DROP_REASON])
			return -EBADMSG;
		/* A newer kernel may have more reasons; there is no place for them. */
		reason = nattrav_attr_u32(drop[NATTRAV_A_DROP_REASON]);
		if (reason <= NATTRAV_DROP_REASON_MAX)
			info->dropped[reason] = nattrav_attr_u64(drop[NATTRAV_A_DROP_PACKETS]);
	}
	return 0;
}

static int info_entry(const struct nlattr *entry, void *arg)
{
	return nattrav_info_parse(entry, arg);
}

static int info_reply(const struct nlmsghdr *nlh, void *arg)
{
	return nattrav_for_each_entry(nlh, info_entry, arg);
}

int nattrav_info_get(struct nattrav *handle, struct nattrav_info *info)
{
	int err;

	*info = (struct nattrav_info){ 0 };
	err = nattrav_begin(handle, NATTRAV_CMD_INFO_GET, NLM_F_ACK);
	if (err)
		return err;
	return nattrav_request(handle, info_reply, info);
}
