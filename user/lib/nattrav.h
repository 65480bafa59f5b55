/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnattrav: typed access to the nattrav kernel module over generic netlink.
 *
 * Ports are in host byte order, addresses are struct in_addr / in6_addr, all
 * durations are in milliseconds. A handle may be used by one thread at a time.
 * Calls return 0 or a count, or -errno; nattrav_strerror() then tells in words
 * what the kernel refused and why.
 */
#ifndef NATTRAV_H
#define NATTRAV_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/nattrav.h>

/**
 * struct nattrav_addr - an IP address
 * @family: AF_INET, AF_INET6, or AF_UNSPEC for "not given"
 * @v6: the address if @family is AF_INET6
 * @v4: the address if @family is AF_INET
 */
struct nattrav_addr {
	sa_family_t family;
	union {
		struct in6_addr v6;
		struct in_addr v4;
	};
};

/**
 * struct nattrav_endpoint - an address with a UDP port
 * @addr: the address
 * @port: the port in host byte order, 0 for "not given"
 */
struct nattrav_endpoint {
	struct nattrav_addr addr;
	uint16_t port;
};

/**
 * struct nattrav_prefix - sources from which a leg may complete
 * @addr: the address
 * @len: prefix length in bits
 */
struct nattrav_prefix {
	struct nattrav_addr addr;
	uint8_t len;
};

/**
 * struct nattrav_pool - a relay address with a range of ports
 * @id: given by the kernel
 * @realm: name of the realm
 * @addr: relay address
 * @port_min: first port, even
 * @port_max: last port, odd
 * @legs: ports in use (from the kernel)
 * @resting: freed ports that are not given out yet (from the kernel)
 */
struct nattrav_pool {
	uint32_t id;
	char realm[NATTRAV_REALM_LEN + 1];
	struct nattrav_addr addr;
	uint16_t port_min;
	uint16_t port_max;
	uint32_t legs;
	uint32_t resting;
};

/* Which optional members of a struct nattrav_leg are given. */
#define NATTRAV_LEG_PREFIXES      (1u << 0)
#define NATTRAV_LEG_PAYLOAD_TYPES (1u << 1)
#define NATTRAV_LEG_WINDOW        (1u << 2)
#define NATTRAV_LEG_GENERATION    (1u << 3)
#define NATTRAV_LEG_LAST_SEEN     (1u << 4)
#define NATTRAV_LEG_SSRC          (1u << 5)
#define NATTRAV_LEG_PROBATION     (1u << 6)
#define NATTRAV_LEG_RELATCH       (1u << 7)
#define NATTRAV_LEG_RATE          (1u << 8)
#define NATTRAV_LEG_CLOCK_RATE    (1u << 9)
#define NATTRAV_LEG_RTP           (1u << 10)
#define NATTRAV_LEG_DSCP          (1u << 11)
#define NATTRAV_LEG_MANY_SSRC     (1u << 12)
#define NATTRAV_LEG_WINDOW_LEFT   (1u << 13)
/* The generation in which @peer was accepted is @latched_generation. */
#define NATTRAV_LEG_LATCHED   (1u << 14)
#define NATTRAV_LEG_SEQUENCE  (1u << 15)
#define NATTRAV_LEG_SILENCE   (1u << 16)
#define NATTRAV_LEG_LAST_DROP (1u << 17)

/* For @dscp: that of the packet as it came. */
#define NATTRAV_DSCP_CARRIED 64

/**
 * struct nattrav_leg - one side of a stream
 * @given: NATTRAV_LEG_* of the optional members that are given
 * @realm: realm to take the relay address from, "" for any
 * @family: AF_INET or AF_INET6; AF_UNSPEC for that of the addresses given
 * @local: relay address and port; unset members are chosen by the kernel
 * @peer: the terminal's public address; unset while the leg is partial
 * @prefix: latch prefixes
 * @prefixes: how many of @prefix are used; with NATTRAV_LEG_PREFIXES given and
 *	0 here any source may complete the leg; nattrav_stream_set() needs @family
 *	for that if the leg is not of IPv4
 * @payload_types: bit (n % 8) of byte (n / 8) is payload type n
 * @window: how long the leg may latch
 * @window_left: how long it still may
 * @generation: see the specification
 * @latched_generation: the generation in which @peer was accepted; goes with it
 * @probation: packets in sequence from one source that make it the peer
 * @relatch: whether a complete leg may get another peer by itself
 * @rate: packets per second that the peer may send, 0 for any number
 * @clock_rate: RTP clock in Hz, for @jitter
 * @dscp: code point of what is sent to the terminal, or NATTRAV_DSCP_CARRIED
 * @many_ssrc: the terminal may send with several SSRCs at once
 * @rtcp_peer: in nattrav_stream_new() with rtcp: the peer of the RTCP leg
 * @ssrc: SSRC of the peer; in a request for RTP it goes with @peer and @sequence
 * @sequence: its highest sequence number
 * @state: whether @peer is known (from the kernel, as all that follow)
 * @packets: packets forwarded from the peer
 * @bytes: their UDP payload
 * @dropped: packets dropped on this leg
 * @last_drop: why the last packet that was dropped was
 * @last_seen: time since the last packet of the peer
 * @silence: time since the last media of the peer, or since it is the peer
 * @one_way: nothing has come from the peer for 5 s, though the other leg sends
 * @payload_type: of its last RTP packet; given with NATTRAV_LEG_RTP, as are the
 *	six that follow
 * @received: RTP packets of the present SSRC
 * @lost: RTP packets that never came, over all SSRCs
 * @reordered: RTP packets that came late
 * @duplicates: RTP packets that came twice
 * @jitter: interarrival jitter in microseconds
 * @ssrc_changes: how often the peer changed its SSRC
 * @intruder: last foreign source, unset if there was none
 * @intruder_packets: packets from foreign sources
 * @icmp_errors: ICMP errors that came about packets to the peer
 */
struct nattrav_leg {
	uint32_t given;
	char realm[NATTRAV_REALM_LEN + 1];
	sa_family_t family;
	struct nattrav_endpoint local;
	struct nattrav_endpoint peer;
	struct nattrav_prefix prefix[NATTRAV_PREFIX_MAX];
	unsigned int prefixes;
	uint8_t payload_types[NATTRAV_PAYLOAD_TYPES_LEN];
	uint32_t window;
	uint32_t window_left;
	uint32_t generation;
	uint32_t latched_generation;
	uint8_t probation;
	enum nattrav_relatch relatch;
	uint32_t rate;
	uint32_t clock_rate;
	uint8_t dscp;
	bool many_ssrc;
	struct nattrav_endpoint rtcp_peer;
	uint32_t ssrc;
	uint32_t sequence;
	enum nattrav_state state;
	uint64_t packets;
	uint64_t bytes;
	uint64_t dropped;
	enum nattrav_drop_reason last_drop;
	uint32_t last_seen;
	uint32_t silence;
	bool one_way;
	uint8_t payload_type;
	uint32_t received;
	uint32_t lost;
	uint32_t reordered;
	uint32_t duplicates;
	uint32_t jitter;
	uint32_t ssrc_changes;
	struct nattrav_endpoint intruder;
	uint64_t intruder_packets;
	uint32_t icmp_errors;
};

/* Which optional members of a struct nattrav_stream are given. */
#define NATTRAV_STREAM_COOKIE          (1u << 0)
#define NATTRAV_STREAM_TIMEOUT_PARTIAL (1u << 1)
#define NATTRAV_STREAM_TIMEOUT_IDLE    (1u << 2)
#define NATTRAV_STREAM_TIMEOUT_MAX     (1u << 3)
#define NATTRAV_STREAM_LEG_A           (1u << 4)
#define NATTRAV_STREAM_LEG_B           (1u << 5)
#define NATTRAV_STREAM_STATE           (1u << 6)
#define NATTRAV_STREAM_HOLD            (1u << 7)

/**
 * struct nattrav_stream - a relayed flow between two terminals
 * @given: NATTRAV_STREAM_* of the optional members that are given
 * @id: given by the kernel
 * @call: call id, "" for none
 * @cookie: the controller's own number
 * @type: what it carries; that of an RTCP stream comes from the kernel, see @rtcp
 * @rtcp: in nattrav_stream_new(): make the RTCP stream too
 * @tied: id of the RTCP stream of an RTP stream or the reverse, 0 for none
 * @leg: indexed by NATTRAV_SIDE_A, NATTRAV_SIDE_B
 * @timeout_partial: life while not complete
 * @timeout_idle: life after the last packet of a peer
 * @timeout_max: life in any case
 * @hold: the call is on hold: no idle time-out
 * @age: time since it was made (from the kernel)
 * @state: complete if both legs are (from the kernel)
 */
struct nattrav_stream {
	uint32_t given;
	uint32_t id;
	char call[NATTRAV_CALL_LEN + 1];
	uint64_t cookie;
	enum nattrav_stream_type type;
	bool rtcp;
	uint32_t tied;
	struct nattrav_leg leg[2];
	uint32_t timeout_partial;
	uint32_t timeout_idle;
	uint32_t timeout_max;
	bool hold;
	uint64_t age;
	enum nattrav_state state;
};

/**
 * struct nattrav_info - the module and the totals of a network namespace
 * @version: version of the module
 * @pools: number of pools
 * @streams: number of streams
 * @streams_max: most streams that there may be
 * @event_seq: sequence number of the last event
 * @received: UDP packets that came to a relay address
 * @forwarded: packets relayed
 * @accepted: packets handed on to the host
 * @dropped: packets dropped, by reason
 */
struct nattrav_info {
	char version[32];
	uint32_t pools;
	uint32_t streams;
	uint32_t streams_max;
	uint32_t event_seq;
	uint64_t received;
	uint64_t forwarded;
	uint64_t accepted;
	uint64_t dropped[NATTRAV_DROP_REASON_MAX + 1];
};

/**
 * struct nattrav_event - something that happened, to a stream mostly
 * @type: what
 * @seq: counts up by one per event
 * @time: CLOCK_BOOTTIME in nanoseconds
 * @stream: the stream, with both legs and their counters only if it was deleted;
 *	its id is 0 in pool-low and limit
 * @side: the leg; not in expired, deleted, pool-low and limit
 * @addr: the new peer, or the other source
 * @expiry: which time-out (expired)
 * @pool: the pool (pool-low)
 * @percent: how full it is (pool-low), or the table of streams (limit)
 */
struct nattrav_event {
	enum nattrav_event_type type;
	uint32_t seq;
	uint64_t time;
	struct nattrav_stream stream;
	enum nattrav_side side;
	struct nattrav_endpoint addr;
	enum nattrav_expiry expiry;
	struct nattrav_pool pool;
	uint8_t percent;
};

struct nattrav;
struct nattrav_monitor;

/**
 * nattrav_open() - open a handle for the current network namespace
 * @handle: set to the new handle
 *
 * Return: 0; -ENOENT if the module is not loaded; else -errno.
 */
int nattrav_open(struct nattrav **handle);
void nattrav_close(struct nattrav *handle);

/**
 * nattrav_strerror() - the last failure in words
 * @handle: the handle of the failed call
 *
 * The text names the entry of a batch (counted from 1), the attribute by its
 * path in the specification, its value and the kernel's reason, as far as they
 * are known: "stream 2 of 3: leg-a.local-port: 9: relay port lies outside the
 * pool". It is valid until the next call.
 */
const char *nattrav_strerror(const struct nattrav *handle);

/* Index of the batch entry that the kernel refused, from 0, or -1. */
int nattrav_error_entry(const struct nattrav *handle);

int nattrav_info_get(struct nattrav *handle, struct nattrav_info *info);

/*
 * A batch takes effect as a whole or not at all. It goes in one message, and so
 * does not grow without limit: a thousand entries are fine. An empty batch does
 * nothing.
 *
 * -ENOBUFS and -EAGAIN mean that the answer found no room in the socket, after
 * the batch took effect. Without CAP_NET_ADMIN in the initial user namespace
 * (in a container) the room is limited by net.core.rmem_max.
 */

/* The pools get their ids. */
int nattrav_pool_new(struct nattrav *handle, struct nattrav_pool *pools, size_t count);
int nattrav_pool_del(struct nattrav *handle, const uint32_t *ids, size_t count);

/**
 * nattrav_pool_fn() - called for each pool of a dump
 *
 * Return: 0 to go on, a negative value to end the dump with it.
 */
typedef int nattrav_pool_fn(const struct nattrav_pool *pool, void *arg);
/* See nattrav_stream_dump(). */
int nattrav_pool_dump(struct nattrav *handle, nattrav_pool_fn *fn, void *arg);

/**
 * nattrav_stream_new() - install streams, all or none
 * @handle: the handle
 * @streams: what to install
 * @count: how many
 * @made: what was installed, in order; the RTCP stream of a stream with @rtcp
 *	follows it. May be NULL.
 * @made_max: room in @made
 *
 * Return: number of streams made, or -errno with nothing installed.
 */
int nattrav_stream_new(struct nattrav *handle, const struct nattrav_stream *streams, size_t count,
		       struct nattrav_stream *made, size_t made_max);
int nattrav_stream_set(struct nattrav *handle, const struct nattrav_stream *streams, size_t count);
int nattrav_stream_del(struct nattrav *handle, const uint32_t *ids, size_t count);
/* Remove all streams of a call. -ENOENT if there is none. */
int nattrav_stream_del_call(struct nattrav *handle, const char *call);
int nattrav_stream_get(struct nattrav *handle, uint32_t id, struct nattrav_stream *stream);

/**
 * nattrav_stream_fn() - called for each stream of a dump
 *
 * Return: 0 to go on, a negative value to end the dump with it.
 */
typedef int nattrav_stream_fn(const struct nattrav_stream *stream, void *arg);
/**
 * nattrav_stream_dump() - read all streams
 * @handle: the handle; -EBUSY if @fn uses it
 * @filter: NULL, or a stream whose call (if not "") and state (if given) select
 * @fn: called for each stream
 * @arg: for @fn
 *
 * Streams may come and go while they are read. Each one that was there all the
 * time is told once, as it was at one moment; of one that was made or removed
 * meanwhile nothing is promised. Who needs to know what changed opens a monitor
 * first.
 *
 * Return: 0, what @fn returned if that was not 0, or -errno.
 */
int nattrav_stream_dump(struct nattrav *handle, const struct nattrav_stream *filter,
			nattrav_stream_fn *fn, void *arg);

/**
 * struct nattrav_monitor_ops - what a monitor calls; all must be set
 * @event: an event, in order; its type may be a newer one than this library
 *	knows
 * @resync_begin: events were lost; all streams follow by @stream
 * @stream: a stream that exists now (after @resync_begin)
 * @resync_end: the state is complete again: a stream that was not told is gone.
 *	Events that happened while the streams were read follow, so that one may
 *	be about a stream that is gone already, or tell what is known. Of older
 *	ones only those are still told that the streams do not tell: contention,
 *	intruder, expired, deleted, pool-low and limit
 */
struct nattrav_monitor_ops {
	void (*event)(const struct nattrav_event *event, void *arg);
	void (*resync_begin)(void *arg);
	void (*stream)(const struct nattrav_stream *stream, void *arg);
	void (*resync_end)(void *arg);
};

/*
 * Subscribe to the events of the current network namespace. Nothing is told of
 * the streams that exist already: dump them afterwards.
 */
int nattrav_monitor_open(struct nattrav_monitor **monitor, const struct nattrav_monitor_ops *ops,
			 void *arg);
void nattrav_monitor_close(struct nattrav_monitor *monitor);
/* For poll(); call nattrav_monitor_read() when it is readable. */
int nattrav_monitor_fd(const struct nattrav_monitor *monitor);
/*
 * Tell what has arrived, without waiting for more; what is left after a burst
 * keeps the descriptor readable.
 *
 * Return: 0, or -errno if the monitor is of no more use: -ENOENT if the module
 * was unloaded.
 */
int nattrav_monitor_read(struct nattrav_monitor *monitor);

/* The names of the specification ("outside-prefix"), or NULL. */
const char *nattrav_drop_reason_name(enum nattrav_drop_reason reason);
const char *nattrav_event_type_name(enum nattrav_event_type type);
const char *nattrav_expiry_name(enum nattrav_expiry expiry);
const char *nattrav_state_name(enum nattrav_state state);
const char *nattrav_stream_type_name(enum nattrav_stream_type type);
const char *nattrav_relatch_name(enum nattrav_relatch relatch);

#endif
