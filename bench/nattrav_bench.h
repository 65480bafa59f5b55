/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the benchmark's program tells its kernel module. Both are built from one
 * tree, so that nothing here needs to stay as it is.
 */
#ifndef NATTRAV_BENCH_H
#define NATTRAV_BENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_DEVICE	"/dev/nattrav_bench"
#define BENCH_PAYLOAD	172	/* 20 ms of G.711 and its RTP header */
#define BENCH_BURST	32
#define BENCH_NAME_LEN	16
#define BENCH_FLOWS_MAX	2097152

/* The four ends of the two cables: terminals A - gateway - terminals B. */
enum bench_port_index {
	BENCH_PORT_A,
	BENCH_PORT_GATEWAY_A,
	BENCH_PORT_GATEWAY_B,
	BENCH_PORT_B,
	BENCH_PORTS,
};

/* Where the packets of the generator end. */
enum bench_mode {
	BENCH_MODE_THROUGH,	/* at the far terminals; in between is the gateway */
	BENCH_MODE_NULL,	/* where they come to the gateway */
	BENCH_MODE_BOUNCE,	/* at the far terminals; copied there from link to link */
	BENCH_MODE_RESENT,	/* at the far terminals; sent anew there, not passed on */
	BENCH_MODES,
};

/**
 * struct bench_port - names a link
 * @netns: descriptor of its network namespace
 * @index: enum bench_port_index
 * @name: its name there
 */
struct bench_port {
	__s32 netns;
	__u32 index;
	char name[BENCH_NAME_LEN];
};

/**
 * struct bench_tuple - addresses and ports of a packet
 * @saddr: source address
 * @daddr: destination address; of IPv4 addresses only the first four bytes count
 * @sport: source port
 * @dport: destination port
 * @family: AF_INET or AF_INET6
 * @zero: is zero
 */
struct bench_tuple {
	__u8 saddr[16];
	__u8 daddr[16];
	__be16 sport;
	__be16 dport;
	__u16 family;
	__u16 zero;
};

/**
 * struct bench_flow - a flow in one direction
 * @sent: as it leaves the terminal
 * @heard: as it must come to the other terminal
 * @port: where it is sent: BENCH_PORT_A or BENCH_PORT_B
 * @sum: the module's: checksum of what is the same in each packet
 * @seq: the module's: RTP sequence number of the next packet
 * @good: the module's: packets that came as they should
 */
struct bench_flow {
	struct bench_tuple sent;
	struct bench_tuple heard;
	__u32 port;
	__u32 sum;
	__u16 seq;
	__u16 good;
};

/**
 * struct bench_flows - the flows that packets are sent in, round robin
 * @flows: address of an array of struct bench_flow
 * @count: its length; 0 to forget those that there are
 * @zero: is zero
 */
struct bench_flows {
	__u64 flows;
	__u32 count;
	__u32 zero;
};

/**
 * struct bench_run - packets to be sent, and what became of them
 * @packets: how many
 * @mode: enum bench_mode
 * @flows: how many of the flows, from the first on; 0 for all
 * @verify: look at each packet that comes (the time taken is of no use then)
 * @number: without @verify: counts the runs, as a plugin that sees the marks does
 * @sent: how many left the generator
 * @received: how many came to the sink
 * @wrong: with @verify: how many of them were not as they should be
 * @silent: with @verify: flows of which nothing right was heard
 * @first_wrong: the flow of the first wrong packet
 * @first_error: errno-like number for what was wrong with it: see the module
 * @cycles: time-stamp counter from the first to the last
 * @ns: the same in nanoseconds
 */
struct bench_run {
	__u64 packets;
	__u32 mode;
	__u32 verify;
	__u32 flows;
	__u32 number;
	__u64 sent;
	__u64 received;
	__u64 wrong;
	__u64 silent;
	__u32 first_wrong;
	__u32 first_error;
	__u64 cycles;
	__u64 ns;
};

#define BENCH_IOC_PORT	_IOW('N', 1, struct bench_port)
#define BENCH_IOC_FLOWS	_IOW('N', 2, struct bench_flows)
#define BENCH_IOC_RUN	_IOWR('N', 3, struct bench_run)

#endif
