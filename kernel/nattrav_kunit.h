/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit tests share. They are a module of their own, for a kernel with
 * CONFIG_KUNIT; each file of it carries its own copy of what it tests, since
 * nattrav.ko exports nothing.
 */
#ifndef NATTRAV_NATTRAV_KUNIT_H
#define NATTRAV_NATTRAV_KUNIT_H

#include <kunit/test.h>
#include <linux/netfilter.h>

#define PEER4	0xcb00710a	/* 203.0.113.10 */
#define OTHER4	0xc6336407	/* 198.51.100.7 */
#define RELAY4	0xcb007101	/* 203.0.113.1 */

static inline union nf_inet_addr addr4(u32 addr)
{
	return (union nf_inet_addr){ .ip = htonl(addr) };
}

static inline union nf_inet_addr addr6(u32 net, u32 host)
{
	return (union nf_inet_addr){ .ip6 = { htonl(0x20010db8), htonl(net), 0, htonl(host) } };
}

#endif
