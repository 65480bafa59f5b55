/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/nattrav.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_NATTRAV_H
#define _UAPI_LINUX_NATTRAV_H

#define NATTRAV_FAMILY_NAME	"nattrav"
#define NATTRAV_FAMILY_VERSION	1

#define NATTRAV_REALM_LEN		31
#define NATTRAV_CALL_LEN		255
#define NATTRAV_PAYLOAD_TYPES_LEN	16
#define NATTRAV_PREFIX_MAX		2

/**
 * enum nattrav_stream_type - What a stream carries, which decides what may
 *   complete its legs.
 * @NATTRAV_STREAM_TYPE_RTP: RTP version 2 with a payload type out of the leg's
 *   mask.
 * @NATTRAV_STREAM_TYPE_RTCP: The RTCP of an RTP stream, tied to it. It
 *   completes only with the address that the RTP leg completed with.
 * @NATTRAV_STREAM_TYPE_UDP: Anything else in UDP (UDPTL, BFCP, DTLS, game
 *   data): what a packet carries is not looked at.
 */
enum nattrav_stream_type {
	NATTRAV_STREAM_TYPE_RTP,
	NATTRAV_STREAM_TYPE_RTCP,
	NATTRAV_STREAM_TYPE_UDP,
};

/**
 * enum nattrav_family - The address family of a leg.
 */
enum nattrav_family {
	NATTRAV_FAMILY_IPV4,
	NATTRAV_FAMILY_IPV6,
};

/**
 * enum nattrav_side - The two legs of a stream; side a is that of the offerer.
 */
enum nattrav_side {
	NATTRAV_SIDE_A,
	NATTRAV_SIDE_B,
};

/**
 * enum nattrav_state - Whether the public address of the peer is known.
 * @NATTRAV_STATE_PARTIAL: At least one leg waits for its first media packet.
 * @NATTRAV_STATE_COMPLETE: Media is rewritten in both addresses.
 */
enum nattrav_state {
	NATTRAV_STATE_PARTIAL,
	NATTRAV_STATE_COMPLETE,
};

/**
 * enum nattrav_relatch - Whether a complete leg may get another peer by
 *   itself.
 * @NATTRAV_RELATCH_NEVER: Only a newer generation lets it.
 * @NATTRAV_RELATCH_REBIND: Also if its peer has been silent for 2 s and a
 *   packet from within the prefixes goes on with the same SSRC and sequence
 *   numbers, as after a NAT has forgotten the mapping; as many packets as its
 *   probation wants, and 3 times within a minute at most.
 */
enum nattrav_relatch {
	NATTRAV_RELATCH_NEVER,
	NATTRAV_RELATCH_REBIND,
};

/**
 * enum nattrav_event_type
 * @NATTRAV_EVENT_TYPE_COMPLETED: The first accepted packet of a leg told its
 *   peer.
 * @NATTRAV_EVENT_TYPE_RELATCHED: A complete leg got another peer.
 * @NATTRAV_EVENT_TYPE_CONTENTION: More than one source asks to become the peer
 *   of a leg.
 * @NATTRAV_EVENT_TYPE_INTRUDER: Packets came to a complete leg from a source
 *   that is not its peer, or to a partial one from outside its prefixes.
 * @NATTRAV_EVENT_TYPE_EXPIRED: A time-out ended the stream; a deleted event
 *   follows.
 * @NATTRAV_EVENT_TYPE_DELETED: The stream is gone; carries its final counters.
 * @NATTRAV_EVENT_TYPE_FIRST_MEDIA: The first packet of a leg was relayed since
 *   it got its present peer. Told within a second, not for RTCP, as the three
 *   that follow.
 * @NATTRAV_EVENT_TYPE_SILENT: Nothing but keep-alives has come from the peer
 *   of a leg of RTP for 5 s. Told once; a resumed event follows when it is
 *   over. A stream on hold may be silent.
 * @NATTRAV_EVENT_TYPE_RESUMED: A leg that was told to be silent is heard
 *   again, for two seconds.
 * @NATTRAV_EVENT_TYPE_ONE_WAY: The leg is silent, but the other leg of its
 *   stream is not. Told once until the leg has resumed.
 * @NATTRAV_EVENT_TYPE_POOL_LOW: 80, 95 or 100 per cent of the pairs of ports
 *   of a pool are in use or at rest. RTP takes a pair though it may have no
 *   RTCP. Told once for each of them until the share has fallen more than 5
 *   below it.
 * @NATTRAV_EVENT_TYPE_LIMIT: The same for the streams of the network
 *   namespace, of streams-max.
 */
enum nattrav_event_type {
	NATTRAV_EVENT_TYPE_COMPLETED,
	NATTRAV_EVENT_TYPE_RELATCHED,
	NATTRAV_EVENT_TYPE_CONTENTION,
	NATTRAV_EVENT_TYPE_INTRUDER,
	NATTRAV_EVENT_TYPE_EXPIRED,
	NATTRAV_EVENT_TYPE_DELETED,
	NATTRAV_EVENT_TYPE_FIRST_MEDIA,
	NATTRAV_EVENT_TYPE_SILENT,
	NATTRAV_EVENT_TYPE_RESUMED,
	NATTRAV_EVENT_TYPE_ONE_WAY,
	NATTRAV_EVENT_TYPE_POOL_LOW,
	NATTRAV_EVENT_TYPE_LIMIT,
};

/**
 * enum nattrav_expiry - The time-out that ended a stream.
 * @NATTRAV_EXPIRY_PARTIAL: No leg of the stream ever completed, or only one
 *   did.
 * @NATTRAV_EXPIRY_IDLE: Both peers fell silent.
 * @NATTRAV_EXPIRY_MAX: The stream reached its greatest age.
 */
enum nattrav_expiry {
	NATTRAV_EXPIRY_PARTIAL,
	NATTRAV_EXPIRY_IDLE,
	NATTRAV_EXPIRY_MAX,
};

/**
 * enum nattrav_drop_reason - Why a packet to a relay address was not relayed.
 *   For each network namespace, packets received = forwarded + accepted + the
 *   sum over all reasons.
 * @NATTRAV_DROP_REASON_BAD_LENGTH: The UDP length does not match the datagram.
 * @NATTRAV_DROP_REASON_BAD_CHECKSUM: The UDP checksum is wrong.
 * @NATTRAV_DROP_REASON_FRAGMENT: A fragment that was not reassembled.
 * @NATTRAV_DROP_REASON_NO_STREAM: The port lies in a pool, but no stream uses
 *   it.
 * @NATTRAV_DROP_REASON_OUTSIDE_PREFIX: A partial leg heard a source outside
 *   its latch prefixes.
 * @NATTRAV_DROP_REASON_NOT_RTP: A partial leg heard something that is not RTP
 *   (or RTCP).
 * @NATTRAV_DROP_REASON_PAYLOAD_TYPE: A partial leg heard a payload type that
 *   was not negotiated.
 * @NATTRAV_DROP_REASON_WINDOW_CLOSED: A partial leg heard its first packet
 *   after the latch window.
 * @NATTRAV_DROP_REASON_RTP_PARTIAL: RTCP came before the RTP leg that it
 *   belongs to had completed.
 * @NATTRAV_DROP_REASON_BAD_SOURCE: The source can be no peer: loopback,
 *   multicast, broadcast, link-local, reserved, or an address of this host.
 * @NATTRAV_DROP_REASON_PROBATION: A partial leg has not heard enough packets
 *   in sequence yet.
 * @NATTRAV_DROP_REASON_WRONG_SOURCE: A complete leg heard a source that is not
 *   its peer.
 * @NATTRAV_DROP_REASON_PEER_PARTIAL: The other leg has no peer yet, so there
 *   is nowhere to send to.
 * @NATTRAV_DROP_REASON_RATE: The peer sends more packets than the leg's rate
 *   allows.
 * @NATTRAV_DROP_REASON_SEQUENCE: RTP of the peer with a sequence number far
 *   from the last one.
 * @NATTRAV_DROP_REASON_SSRC: RTP of the peer that changed its SSRC too often.
 * @NATTRAV_DROP_REASON_TTL: The time to live ran out.
 * @NATTRAV_DROP_REASON_NO_ROUTE: There is no route to the peer.
 * @NATTRAV_DROP_REASON_TOO_BIG: Larger than the way to the peer takes; the
 *   sender was told.
 * @NATTRAV_DROP_REASON_NO_MEMORY: Memory ran out while a packet was handled.
 */
enum nattrav_drop_reason {
	NATTRAV_DROP_REASON_BAD_LENGTH,
	NATTRAV_DROP_REASON_BAD_CHECKSUM,
	NATTRAV_DROP_REASON_FRAGMENT,
	NATTRAV_DROP_REASON_NO_STREAM,
	NATTRAV_DROP_REASON_OUTSIDE_PREFIX,
	NATTRAV_DROP_REASON_NOT_RTP,
	NATTRAV_DROP_REASON_PAYLOAD_TYPE,
	NATTRAV_DROP_REASON_WINDOW_CLOSED,
	NATTRAV_DROP_REASON_RTP_PARTIAL,
	NATTRAV_DROP_REASON_BAD_SOURCE,
	NATTRAV_DROP_REASON_PROBATION,
	NATTRAV_DROP_REASON_WRONG_SOURCE,
	NATTRAV_DROP_REASON_PEER_PARTIAL,
	NATTRAV_DROP_REASON_RATE,
	NATTRAV_DROP_REASON_SEQUENCE,
	NATTRAV_DROP_REASON_SSRC,
	NATTRAV_DROP_REASON_TTL,
	NATTRAV_DROP_REASON_NO_ROUTE,
	NATTRAV_DROP_REASON_TOO_BIG,
	NATTRAV_DROP_REASON_NO_MEMORY,

	/* private: */
	__NATTRAV_DROP_REASON_MAX,
	NATTRAV_DROP_REASON_MAX = (__NATTRAV_DROP_REASON_MAX - 1)
};

enum {
	NATTRAV_A_POOL_ID = 1,
	NATTRAV_A_POOL_REALM,
	NATTRAV_A_POOL_IPV4,
	NATTRAV_A_POOL_IPV6,
	NATTRAV_A_POOL_PORT_MIN,
	NATTRAV_A_POOL_PORT_MAX,
	NATTRAV_A_POOL_LEGS,
	NATTRAV_A_POOL_RESTING,

	__NATTRAV_A_POOL_MAX
};
#define NATTRAV_A_POOL_MAX (__NATTRAV_A_POOL_MAX - 1)

enum {
	NATTRAV_A_PREFIX_IPV4 = 1,
	NATTRAV_A_PREFIX_IPV6,
	NATTRAV_A_PREFIX_LEN,

	__NATTRAV_A_PREFIX_MAX
};
#define NATTRAV_A_PREFIX_MAX (__NATTRAV_A_PREFIX_MAX - 1)

enum {
	NATTRAV_A_LEG_REALM = 1,
	NATTRAV_A_LEG_FAMILY,
	NATTRAV_A_LEG_LOCAL_IPV4,
	NATTRAV_A_LEG_LOCAL_IPV6,
	NATTRAV_A_LEG_LOCAL_PORT,
	NATTRAV_A_LEG_PEER_IPV4,
	NATTRAV_A_LEG_PEER_IPV6,
	NATTRAV_A_LEG_PEER_PORT,
	NATTRAV_A_LEG_PREFIX,
	NATTRAV_A_LEG_PAYLOAD_TYPES,
	NATTRAV_A_LEG_WINDOW,
	NATTRAV_A_LEG_GENERATION,
	NATTRAV_A_LEG_PROBATION,
	NATTRAV_A_LEG_RELATCH,
	NATTRAV_A_LEG_RATE,
	NATTRAV_A_LEG_CLOCK_RATE,
	NATTRAV_A_LEG_STATE,
	NATTRAV_A_LEG_PAD,
	NATTRAV_A_LEG_PACKETS,
	NATTRAV_A_LEG_BYTES,
	NATTRAV_A_LEG_DROPPED,
	NATTRAV_A_LEG_LAST_SEEN,
	NATTRAV_A_LEG_SSRC,
	NATTRAV_A_LEG_PAYLOAD_TYPE,
	NATTRAV_A_LEG_RECEIVED,
	NATTRAV_A_LEG_LOST,
	NATTRAV_A_LEG_REORDERED,
	NATTRAV_A_LEG_DUPLICATES,
	NATTRAV_A_LEG_JITTER,
	NATTRAV_A_LEG_SSRC_CHANGES,
	NATTRAV_A_LEG_INTRUDER_IPV4,
	NATTRAV_A_LEG_INTRUDER_IPV6,
	NATTRAV_A_LEG_INTRUDER_PORT,
	NATTRAV_A_LEG_INTRUDER_PACKETS,
	NATTRAV_A_LEG_DSCP,
	NATTRAV_A_LEG_MANY_SSRC,
	NATTRAV_A_LEG_WINDOW_LEFT,
	NATTRAV_A_LEG_LATCHED_GENERATION,
	NATTRAV_A_LEG_SEQUENCE,
	NATTRAV_A_LEG_RTCP_PEER_IPV4,
	NATTRAV_A_LEG_RTCP_PEER_IPV6,
	NATTRAV_A_LEG_RTCP_PEER_PORT,
	NATTRAV_A_LEG_SILENCE,
	NATTRAV_A_LEG_ONE_WAY,
	NATTRAV_A_LEG_LAST_DROP,
	NATTRAV_A_LEG_ICMP_ERRORS,

	__NATTRAV_A_LEG_MAX
};
#define NATTRAV_A_LEG_MAX (__NATTRAV_A_LEG_MAX - 1)

enum {
	NATTRAV_A_STREAM_ID = 1,
	NATTRAV_A_STREAM_CALL,
	NATTRAV_A_STREAM_COOKIE,
	NATTRAV_A_STREAM_TYPE,
	NATTRAV_A_STREAM_RTCP,
	NATTRAV_A_STREAM_TIED,
	NATTRAV_A_STREAM_LEG_A,
	NATTRAV_A_STREAM_LEG_B,
	NATTRAV_A_STREAM_TIMEOUT_PARTIAL,
	NATTRAV_A_STREAM_TIMEOUT_IDLE,
	NATTRAV_A_STREAM_TIMEOUT_MAX,
	NATTRAV_A_STREAM_AGE,
	NATTRAV_A_STREAM_STATE,
	NATTRAV_A_STREAM_PAD,
	NATTRAV_A_STREAM_HOLD,

	__NATTRAV_A_STREAM_MAX
};
#define NATTRAV_A_STREAM_MAX (__NATTRAV_A_STREAM_MAX - 1)

enum {
	NATTRAV_A_EVENT_TYPE = 1,
	NATTRAV_A_EVENT_SEQ,
	NATTRAV_A_EVENT_TIME,
	NATTRAV_A_EVENT_STREAM,
	NATTRAV_A_EVENT_SIDE,
	NATTRAV_A_EVENT_IPV4,
	NATTRAV_A_EVENT_IPV6,
	NATTRAV_A_EVENT_PORT,
	NATTRAV_A_EVENT_EXPIRY,
	NATTRAV_A_EVENT_PAD,
	NATTRAV_A_EVENT_POOL,
	NATTRAV_A_EVENT_PERCENT,

	__NATTRAV_A_EVENT_MAX
};
#define NATTRAV_A_EVENT_MAX (__NATTRAV_A_EVENT_MAX - 1)

enum {
	NATTRAV_A_DROP_REASON = 1,
	NATTRAV_A_DROP_PACKETS,
	NATTRAV_A_DROP_PAD,

	__NATTRAV_A_DROP_MAX
};
#define NATTRAV_A_DROP_MAX (__NATTRAV_A_DROP_MAX - 1)

enum {
	NATTRAV_A_POOLS_ENTRY = 1,

	__NATTRAV_A_POOLS_MAX
};
#define NATTRAV_A_POOLS_MAX (__NATTRAV_A_POOLS_MAX - 1)

enum {
	NATTRAV_A_STREAMS_ENTRY = 1,

	__NATTRAV_A_STREAMS_MAX
};
#define NATTRAV_A_STREAMS_MAX (__NATTRAV_A_STREAMS_MAX - 1)

enum {
	NATTRAV_A_EVENTS_ENTRY = 1,

	__NATTRAV_A_EVENTS_MAX
};
#define NATTRAV_A_EVENTS_MAX (__NATTRAV_A_EVENTS_MAX - 1)

enum {
	NATTRAV_A_INFO_VERSION = 1,
	NATTRAV_A_INFO_POOLS,
	NATTRAV_A_INFO_STREAMS,
	NATTRAV_A_INFO_STREAMS_MAX,
	NATTRAV_A_INFO_EVENT_SEQ,
	NATTRAV_A_INFO_RECEIVED,
	NATTRAV_A_INFO_FORWARDED,
	NATTRAV_A_INFO_ACCEPTED,
	NATTRAV_A_INFO_DROP,
	NATTRAV_A_INFO_PAD,

	__NATTRAV_A_INFO_MAX
};
#define NATTRAV_A_INFO_MAX (__NATTRAV_A_INFO_MAX - 1)

enum {
	NATTRAV_A_INFOS_ENTRY = 1,

	__NATTRAV_A_INFOS_MAX
};
#define NATTRAV_A_INFOS_MAX (__NATTRAV_A_INFOS_MAX - 1)

enum {
	NATTRAV_CMD_POOL_NEW = 1,
	NATTRAV_CMD_POOL_DEL,
	NATTRAV_CMD_POOL_GET,
	NATTRAV_CMD_STREAM_NEW,
	NATTRAV_CMD_STREAM_SET,
	NATTRAV_CMD_STREAM_DEL,
	NATTRAV_CMD_STREAM_GET,
	NATTRAV_CMD_INFO_GET,
	NATTRAV_CMD_EVENT,

	__NATTRAV_CMD_MAX
};
#define NATTRAV_CMD_MAX (__NATTRAV_CMD_MAX - 1)

#define NATTRAV_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_NATTRAV_H */
