/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of redirect.bpf.c, as bench/driver fills it.
 */
#ifndef REDIRECT_H
#define REDIRECT_H

#include <linux/types.h>

#define REDIRECT_MAX	1048576
#define REDIRECT_MAP	"/sys/fs/bpf/tc/globals/redirects"

/* Where a packet goes to; in network byte order, as all here. */
struct redirect_key {
	__u32 daddr;
	__u16 dport;
	__u16 zero;
};

/* What it becomes. The deltas hold new less old, time to live included. */
struct redirect_value {
	__u32 saddr;
	__u32 daddr;
	__u16 sport;
	__u16 dport;
	__u32 ip_delta;
	__u32 udp_delta;
	__u32 ifindex;
	__u8 link[12];
};

#endif
