/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences between the kernels that the module is built for (6.1,
 * 6.12, 7.2). The only place where a kernel version may be asked for.
 */
#ifndef NATTRAV_COMPAT_H
#define NATTRAV_COMPAT_H

#include <linux/version.h>
#include <net/genetlink.h>
#include <net/ip6_fib.h>
#include <net/route.h>

/* skb_gso_validate_network_len(); up to 6.4 it is in <linux/skbuff.h> */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <net/gso.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline struct nlattr **nattrav_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->attrs;
}
#else
static inline struct nlattr **nattrav_dump_attrs(struct netlink_callback *cb)
{
	return genl_info_dump(cb)->attrs;
}
#endif

#ifndef dst_rtable
#define dst_rtable(dst) ((struct rtable *)(dst))
#endif

#ifndef dst_rt6_info
#define dst_rt6_info(dst) ((struct rt6_info *)(dst))
#endif

#endif
