/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Latching: who may become the peer of a leg. A pure function of the leg's
 * policy, one packet and the time; it compiles in the kernel and in userspace,
 * where it is unit-tested and where a datapath without the module calls it.
 */
#ifndef NATTRAV_LATCH_H
#define NATTRAV_LATCH_H

#ifdef __KERNEL__
#include <linux/netfilter.h>
#else
#include <netinet/in.h>
#include <stdbool.h>
#include <linux/netfilter.h>
#endif
#include <linux/types.h>
#include <linux/nattrav.h>

#include "rtp.h"

/**
 * struct latch_prefix - sources that may complete a leg
 * @addr: the address, of the leg's family
 * @len: prefix length in bits
 */
struct latch_prefix {
	union nf_inet_addr addr;
	__u8 len;
};

/**
 * struct latch_source - a public address of a terminal
 * @addr: the address
 * @port: the UDP port
 */
struct latch_source {
	union nf_inet_addr addr;
	__be16 port;
};

#define LATCH_CANDIDATES 4

/**
 * struct latch_candidate - a source on probation
 * @source: where its packets come from
 * @next_seq: the sequence number that must come next
 * @ssrc: its sender
 * @packets: how many have come in sequence
 * @last: time of the last one in ms
 */
struct latch_candidate {
	struct latch_source source;
	__u16 next_seq;
	__u32 ssrc;
	__u32 packets;
	__u64 last;
};

/**
 * struct latch_probation - the sources that ask to become the peer of a leg
 * @candidate: side by side, so that none can starve another
 * @used: how many of them are in use
 * @contended: whether there has been more than one at a time
 */
struct latch_probation {
	struct latch_candidate candidate[LATCH_CANDIDATES];
	__u8 used;
	bool contended;
};

/**
 * struct latch - the latching policy of a leg, and how far it has come
 * @prefix: latch prefixes
 * @payload_types: bit (n % 8) of byte (n / 8) is set if payload type n may
 *	complete the leg; only looked at if @check_payload_type
 * @probation: the candidates, given by the caller if @probation_packets > 1
 * @deadline: end of the latch window
 * @window: its length in ms
 * @generation: the newest generation that the controller has asked for
 * @latched_generation: the generation in which the present peer was accepted
 * @rebind_minute: the minute that @rebinds belongs to
 * @rebinds: how often the peer has been rebound in that minute
 * @prefixes: how many prefixes there are; any source may complete the leg if 0
 * @family: address family of the leg, AF_INET
 * @type: what the stream carries
 * @probation_packets: how many packets in sequence make a peer, 0 and 1: the first
 * @relatch: enum nattrav_relatch
 * @check_payload_type: whether @payload_types was given
 */
struct latch {
	struct latch_prefix prefix[NATTRAV_PREFIX_MAX];
	__u8 payload_types[NATTRAV_PAYLOAD_TYPES_LEN];
	struct latch_probation *probation;
	__u64 deadline;
	__u32 window;
	__u32 generation;
	__u32 latched_generation;
	__u32 rebind_minute : 30;
	__u32 rebinds : 2;
	__u8 prefixes;
	__u8 family;
	__u8 type;
	__u8 probation_packets;
	__u8 relatch;
	bool check_payload_type;
};

/**
 * struct latch_packet - what the policy may know of a packet
 * @source: where it came from
 * @rtp: what is in it
 */
struct latch_packet {
	struct latch_source source;
	struct rtp_summary rtp;
};

/**
 * struct latch_peer - the present peer of a leg
 * @source: its address
 * @ssrc: its SSRC
 * @max_seq: its highest sequence number
 * @heard: time of its last packet in ms
 */
struct latch_peer {
	struct latch_source source;
	__u32 ssrc;
	__u16 max_seq;
	__u64 heard;
};

/* The verdicts of latch_check() beside the drop reasons, which are >= 0. */
#define LATCH_ACCEPT	(-1)	/* the source becomes the peer */
#define LATCH_PEER	(-2)	/* the source is the peer already */
#define LATCH_REBIND	(-3)	/* the peer has moved: the source replaces it */

int latch_check(struct latch *latch, const struct latch_peer *peer,
		const union nf_inet_addr *rtp_peer, const struct latch_packet *packet, __u64 now);
bool latch_addr_possible(const union nf_inet_addr *addr, __u8 family);

#endif
