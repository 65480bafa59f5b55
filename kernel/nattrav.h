/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the module and who may touch them.
 *
 * Control plane (netlink, time-outs, events) runs in process context under
 * nattrav_net.lock. The packet path runs under RCU with bottom halves off and
 * takes no lock but nattrav_leg.lock, which guards what packets of one leg
 * write. What both read is published by RCU.
 */
#ifndef NATTRAV_NATTRAV_H
#define NATTRAV_NATTRAV_H

#include <linux/bitmap.h>
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "compat.h"
#include "latch.h"

#define NATTRAV_VERSION		"0.1.0"
#define NATTRAV_PORTS		65536
/* A freed port is not given out again for so long (RFC 6888 REQ-8). */
#define NATTRAV_REST_SECONDS	120
/* Relay addresses are few: each takes most of a megabyte. */
#define NATTRAV_BLOCK_BITS	6
/* Next hops are routers, or the terminals of a link without one. */
#define NATTRAV_HOP_BITS	8
#define NATTRAV_STREAMS_MAX	1048576U
/* A leg that has not been heard for so long is silent. */
#define NATTRAV_SILENCE_MS	5000U

/**
 * struct nattrav_stats - totals of one CPU
 * @received: UDP packets that came to a relay address
 * @forwarded: packets relayed
 * @accepted: packets handed on to the host
 * @dropped: packets dropped, by reason
 * @syncp: lets 32-bit readers see whole numbers
 */
struct nattrav_stats {
	u64_stats_t received;
	u64_stats_t forwarded;
	u64_stats_t accepted;
	u64_stats_t dropped[NATTRAV_DROP_REASON_MAX + 1];
	struct u64_stats_sync syncp;
};

/**
 * struct nattrav_net - the state of a network namespace
 * @net: the namespace that this state is a part of; no reference is held
 * @lock: serialises the control plane
 * @blocks4: IPv4 relay address to struct nattrav_block; read under RCU
 * @blocks6: IPv6 relay address to struct nattrav_block; read under RCU
 * @pools: list of struct nattrav_pool
 * @resting: struct nattrav_block without a pool whose ports rest yet
 * @pool_count: length of @pools
 * @pool_next: id of the next pool
 * @streams: id to struct nattrav_stream; under @lock
 * @calls: call id to struct nattrav_call; under @lock
 * @table_seq: changes whenever a stream comes or goes; under @lock
 * @stream_count: how many there are
 * @stream_next: where the search for a free id goes on
 * @stream_highest: the highest id there has been, where a dump that begins now ends
 * @stream_level: how near to their limit they are, see nattrav_watch_limits()
 * @limits_reached: a level has risen and was not reported yet; under @lock
 * @hops: address of a neighbour to struct nattrav_hop; under @hops_lock
 * @hops_lock: guards the hops
 * @device_events: how often something has happened to a network device
 * @hooked: whether the packet hooks are registered
 * @hooks: the packet hooks, one for each address family
 * @pin: in the list of namespaces with streams; under the lock of pin.c
 * @pinned: holds a reference to the module; under the lock of pin.c
 * @stats: totals per CPU
 * @gc: looks for streams that have reached a time-out
 * @gc_next: id at which @gc goes on
 * @gc_began: jiffies at which it was at the first one
 * @report: tells events to listeners and frees removed streams
 * @events: sessions with something to report
 * @removed: sessions taken out of the table and not freed yet; under @lock
 * @event_seq: number of the last event; under @lock
 */
struct nattrav_net {
	struct net *net;
	struct mutex lock; /* the control plane */
	DECLARE_HASHTABLE(blocks4, NATTRAV_BLOCK_BITS);
	DECLARE_HASHTABLE(blocks6, NATTRAV_BLOCK_BITS);
	struct list_head pools;
	struct list_head resting;
	u32 pool_count;
	u32 pool_next;
	struct xarray streams;
	struct rhashtable calls;
	u32 table_seq;
	u32 stream_count;
	u32 stream_next;
	u32 stream_highest;
	u8 stream_level;
	bool limits_reached;
	DECLARE_HASHTABLE(hops, NATTRAV_HOP_BITS);
	spinlock_t hops_lock; /* the hops */
	atomic_t device_events;
	bool hooked;
	struct nf_hook_ops hooks[2];
	bool pinned;
	struct list_head pin;
	struct nattrav_stats __percpu *stats;
	struct delayed_work gc;
	unsigned long gc_next;
	unsigned long gc_began;
	struct work_struct report;
	struct llist_head events;
	struct list_head removed;
	u32 event_seq;
};

/**
 * struct nattrav_block - all the ports of a relay address
 * @node: in nattrav_net.blocks4 or .blocks6
 * @rcu: frees it
 * @addr: the relay address
 * @family: its family
 * @list: in nattrav_net.resting while there is no pool in it
 * @pools: how many pools lie in it; after the last it stays while a port rests
 * @freed_last: when its last port was freed, in the time of @freed
 * @pooled: ports that lie in a pool; read by packets
 * @busy: ports taken or about to be; under nattrav_net.lock
 * @freed: when a port was freed, in seconds of CLOCK_BOOTTIME, 0 if never
 * @port: the leg that a port belongs to; read under RCU
 */
struct nattrav_block {
	struct hlist_node node;
	struct rcu_head rcu;
	union nf_inet_addr addr;
	u8 family;
	struct list_head list;
	unsigned int pools;
	u32 freed_last;
	DECLARE_BITMAP(pooled, NATTRAV_PORTS);
	DECLARE_BITMAP(busy, NATTRAV_PORTS);
	u32 freed[NATTRAV_PORTS];
	struct nattrav_leg __rcu *port[NATTRAV_PORTS];
};

/**
 * struct nattrav_pool - a range of ports of a relay address
 * @addr: the relay address; read by packets that leave by a leg of the pool
 * @realm: its realm
 * @list: in nattrav_net.pools
 * @removed: in a list of pools about to be
 * @block: the relay address; valid as long as the pool is in the list
 * @id: its id
 * @port_min: first port, even
 * @port_max: last port, odd
 * @legs: legs that use a port of it
 * @pairs: legs that use an even port of it
 * @resting: even and odd ports of it that rest, as of @aged
 * @aged: the second up to which @rested is told
 * @rested: even and odd ports that were freed in each second of the last
 *	NATTRAV_REST_SECONDS and rest yet, by the second modulo that
 * @level: how full it is, see nattrav_watch_limits()
 * @reached: @level has risen and was not reported yet
 * @refs: the list, and the legs that have not been freed yet
 */
struct nattrav_pool {
	union nf_inet_addr addr;
	char realm[NATTRAV_REALM_LEN + 1];
	struct list_head list;
	struct list_head removed;
	struct nattrav_block *block;
	u32 id;
	u16 port_min;
	u16 port_max;
	u32 legs;
	u32 pairs;
	refcount_t refs;
	u32 resting[2];
	u32 aged;
	u16 rested[2][NATTRAV_REST_SECONDS];
	u8 level;
	bool reached;
};

/**
 * struct nattrav_hop - a route, and the neighbour that packets go to by it
 * @ready: what follows is good; 0 if it is not, else another number each time
 * @ways: nattrav_ways() when it was made
 * @mtu: packets up to this size fit
 * @room: how much a packet must have in front of it, so that it need not be moved
 * @family: of the route
 * @dev: the device that the neighbour is at
 * @header: the link header, laid out as in struct hh_cache
 * @dst: the route; held
 * @cookie: for dst_check()
 * @written: the last of the numbers of @ready
 * @refs: paths
 * @nn: the network namespace
 * @node: in nattrav_net.hops
 * @neighbour: address of the neighbour
 * @rcu: frees it
 *
 * Up to @header under nattrav_net.hops_lock; packets read it as hop.h says.
 */
struct nattrav_hop {
	u32 ready;
	u32 ways;
	u32 mtu;
	u16 room;
	u8 family;
	struct net_device *dev;
	u64 header[2];
	struct dst_entry *dst;
	u32 cookie;
	u32 written;
	refcount_t refs;
	struct nattrav_net *nn;
	struct hlist_node node;
	union nf_inet_addr neighbour;
	struct rcu_head rcu;
};

/**
 * struct nattrav_path - the way to the peer of a leg
 * @peer: the terminal's public address; never changes once published
 * @hop: the way there; replaced under nattrav_leg.lock when it is no longer right
 */
struct nattrav_path {
	struct latch_source peer;
	struct nattrav_hop __rcu *hop;
};

/**
 * struct nattrav_spare - the path of a leg whose first one has been used
 * @path: the path
 * @rcu: frees it
 */
struct nattrav_spare {
	struct nattrav_path path;
	struct rcu_head rcu;
};

/* Bits of nattrav_leg.events. */
#define NATTRAV_LEG_COMPLETED	BIT(NATTRAV_EVENT_TYPE_COMPLETED)
#define NATTRAV_LEG_RELATCHED	BIT(NATTRAV_EVENT_TYPE_RELATCHED)
#define NATTRAV_LEG_CONTENTION	BIT(NATTRAV_EVENT_TYPE_CONTENTION)
#define NATTRAV_LEG_INTRUDER	BIT(NATTRAV_EVENT_TYPE_INTRUDER)
#define NATTRAV_LEG_FIRST_MEDIA	BIT(NATTRAV_EVENT_TYPE_FIRST_MEDIA)
#define NATTRAV_LEG_SILENT	BIT(NATTRAV_EVENT_TYPE_SILENT)
#define NATTRAV_LEG_RESUMED	BIT(NATTRAV_EVENT_TYPE_RESUMED)
#define NATTRAV_LEG_ONE_WAY	BIT(NATTRAV_EVENT_TYPE_ONE_WAY)

/**
 * struct nattrav_leg - one side of a stream
 * @path: the way to the peer; NULL while the leg is partial
 * @pool: where the relay port comes from; NULL until it has one
 * @local_port: relay port
 * @family: address family of the pool and of the peer; fits in four bits
 * @side: enum nattrav_side
 * @type: enum nattrav_stream_type
 * @many_ssrc: the peer may send with several SSRCs at once
 * @dscp: code point of what is sent to the peer, plus one; 0 to carry it over
 * @lock: guards what follows, @many_ssrc, the writing of @dscp and the replacing of
 *	@path; what comes before it never changes else
 * @packets: packets of the peer that were forwarded
 * @bytes: their UDP payload
 * @last_seen: jiffies of the last packet of the peer; valid if @seen
 * @events: NATTRAV_LEG_* not reported yet
 * @last_drop: why a packet to this leg was last dropped, plus one; 0 if none was
 * @seen: whether the peer has sent anything since it became the peer
 * @watched: what the watch has told of the leg, see watch.c
 * @rate: packets per second that the peer may send, 0 for no limit
 * @tokens: how many it may send at once now
 * @tokens_at: jiffies at which @tokens was true
 * @intruder_port: of the last foreign source
 * @intruder_told: the second of the last intruder event
 * @first: the first path; a leg that gets another peer has a struct nattrav_spare
 * @dropped: packets to this leg that were dropped
 * @intruder_packets: packets from foreign sources
 * @intruder: address of the last foreign source
 *
 * What packets write is not in a bit-field with what they read without the lock: who
 * writes one bit, writes all of them.
 *
 * Two cache lines: the first and @first are all that a packet needs of a leg.
 * Jiffies have 32 bits here. They are only ever used as "so long ago", and what
 * is wrong after 49 days of silence (at 1000 Hz) errs by what it waits for: an
 * idle time-out, a rebind or an event comes that much later.
 */
struct nattrav_leg {
	struct nattrav_path __rcu *path;
	struct nattrav_pool *pool;
	__be16 local_port;
	u8 family : 4;
	u8 side : 1;
	u8 type : 2;
	u8 many_ssrc : 1;
	u8 dscp;
	spinlock_t lock; /* what packets of this leg write */
	u64 packets;
	u64 bytes;
	u32 last_seen;
	u16 events;
	u8 last_drop : 7;
	u8 seen : 1;
	u8 watched;
	u32 rate;
	u32 tokens;
	u32 tokens_at;
	__be16 intruder_port;
	u16 intruder_told;
	struct nattrav_path first;
	u64 dropped;
	u64 intruder_packets;
	union nf_inet_addr intruder;
};

/**
 * struct nattrav_stream - a relayed flow between two terminals
 * @leg: its two legs, by enum nattrav_side
 * @icmp_errors: ICMP errors about packets to the peer of each leg; under
 *	nattrav_leg.lock
 * @id: its id
 * @type: enum nattrav_stream_type
 * @tied: whether there are two streams in the session
 * @expired: the enum nattrav_expiry that ended it, or -1; under nattrav_net.lock
 * @hold: of @media of a session: silence does not end it; under nattrav_net.lock
 */
struct nattrav_stream {
	struct nattrav_leg leg[2];
	u32 icmp_errors[2];
	u32 id;
	u8 type;
	bool tied;
	s8 expired;
	bool hold;
};

/**
 * struct nattrav_rtcp_leg - what a leg of RTCP has in place of a struct latch
 * @ssrc: sender of the packet that completed it, if @heard
 * @generation: see struct latch
 * @latched_generation: see struct latch
 * @rebound: see struct latch
 * @rebinds: see struct latch
 * @heard: whether a packet has completed it
 * @relatch: enum nattrav_relatch
 *
 * All under nattrav_leg.lock. RTCP latches to the address of its RTP, which has
 * passed the prefixes; these, payload types, probation and window are RTP's.
 */
struct nattrav_rtcp_leg {
	u32 ssrc;
	u32 generation;
	u32 latched_generation;
	u32 rebound[LATCH_REBINDS];
	u8 rebinds;
	bool heard;
	u8 relatch;
};

/**
 * struct nattrav_rtcp - an RTCP stream
 * @stream: as any other
 * @leg: the rest of its legs
 */
struct nattrav_rtcp {
	struct nattrav_stream stream;
	struct nattrav_rtcp_leg leg[2];
};

/**
 * struct nattrav_session - a stream, and its RTCP if it has one (RFC 3550)
 * @media: RTP, or what is no RTP and has no RTCP
 * @rtp: what the peer of each leg has sent; under nattrav_leg.lock
 * @clock_rate: RTP clock of each leg in Hz
 * @media_from: low bits of nattrav_leg.packets when the peer of each leg became
 *	that; under nattrav_leg.lock
 * @latch: the latching policy of each leg; under nattrav_leg.lock, the policy
 *	is written under nattrav_net.lock as well
 * @cookie: the controller's number
 * @timeout_partial: life while not complete in ms, counted from @touched
 * @timeout_idle: life after the last packet of a peer in ms
 * @timeout_max: life in any case in ms, counted from @created
 * @queued: whether it is in nattrav_net.events
 * @created: jiffies of its making
 * @touched: jiffies of its making or last change
 * @event: in nattrav_net.events while a leg has something to report
 * @removed: in nattrav_net.removed, or in a list of sessions about to be
 * @call: the call that it is a part of, or NULL
 * @call_node: in nattrav_call.sessions if @call
 * @rtcp: its RTCP, if @media.tied
 *
 * The memory of a session, RTCP and paths included, is one object; what many
 * thousands of them cost is in Documentation/packet.rst. From @cookie on it is
 * written under nattrav_net.lock only.
 */
struct nattrav_session {
	struct nattrav_stream media;
	struct rtp_source rtp[2];
	u32 clock_rate[2];
	u32 media_from[2];
	struct latch latch[2];
	u64 cookie;
	u32 timeout_partial;
	u32 timeout_idle;
	u32 timeout_max;
	atomic_t queued;
	u64 created;
	u64 touched;
	struct llist_node event;
	struct list_head removed;
	struct nattrav_call *call;
	struct hlist_node call_node;
	struct nattrav_rtcp rtcp[];
};

/**
 * struct nattrav_call - sessions that share a call id
 * @node: in nattrav_net.calls
 * @sessions: those that have not been removed
 * @refs: those that have not been freed
 * @id: the call id
 */
struct nattrav_call {
	struct rhash_head node;
	struct hlist_head sessions;
	refcount_t refs;
	char id[];
};

/* The stream of a leg. */
static inline struct nattrav_stream *nattrav_leg_stream(const struct nattrav_leg *leg)
{
	return container_of(leg - leg->side, struct nattrav_stream, leg[0]);
}

/* The leg of the other terminal. */
static inline struct nattrav_leg *nattrav_leg_other(const struct nattrav_leg *leg)
{
	return (struct nattrav_leg *)(leg->side == NATTRAV_SIDE_A ? leg + 1 : leg - 1);
}

/* The relay address of a leg that has a port. */
static inline const union nf_inet_addr *nattrav_leg_local(const struct nattrav_leg *leg)
{
	return &leg->pool->addr;
}

/* The session of a leg that is not one of RTCP. */
static inline struct nattrav_session *nattrav_leg_media(const struct nattrav_leg *leg)
{
	return container_of(nattrav_leg_stream(leg), struct nattrav_session, media);
}

/* The rest of a leg of RTCP. */
static inline struct nattrav_rtcp_leg *nattrav_leg_rtcp(const struct nattrav_leg *leg)
{
	return &container_of(nattrav_leg_stream(leg), struct nattrav_rtcp, stream)->leg[leg->side];
}

static inline struct nattrav_session *nattrav_stream_session(const struct nattrav_stream *stream)
{
	return stream->type == NATTRAV_STREAM_TYPE_RTCP ?
	       container_of(stream, struct nattrav_session, rtcp[0].stream) :
	       container_of(stream, struct nattrav_session, media);
}

/* The RTCP stream of an RTP stream or the reverse, or NULL. */
static inline struct nattrav_stream *nattrav_stream_tied(const struct nattrav_stream *stream)
{
	struct nattrav_session *session = nattrav_stream_session(stream);

	if (!stream->tied)
		return NULL;

	return stream->type == NATTRAV_STREAM_TYPE_RTCP ? &session->media :
							  &session->rtcp->stream;
}

/* main.c */
extern unsigned int nattrav_net_id;
extern struct workqueue_struct *nattrav_wq;

static inline struct nattrav_net *nattrav_pernet(const struct net *net)
{
	return net_generic(net, nattrav_net_id);
}

/* The clock of latch windows. */
static inline u64 nattrav_now_ms(void)
{
	return jiffies64_to_msecs(get_jiffies_64());
}

/* The clock of struct rtp_source, from that of ktime_get_ns(). */
static inline u64 nattrav_rtp_ms(u64 now)
{
	return div_u64(now, NSEC_PER_MSEC);
}

/* table.c */

/* Only the operator chooses relay addresses: nobody can make them collide. */
static __always_inline unsigned int nattrav_block6_key(const struct in6_addr *addr)
{
	return (__force u32)(addr->s6_addr32[0] ^ addr->s6_addr32[1] ^ addr->s6_addr32[2] ^
			     addr->s6_addr32[3]);
}

static __always_inline struct nattrav_block *nattrav_block_find4(struct nattrav_net *nn,
								 __be32 addr)
{
	struct nattrav_block *block;

	hash_for_each_possible_rcu(nn->blocks4, block, node, (__force u32)addr) {
		if (block->addr.ip == addr)
			return block;
	}

	return NULL;
}

static __always_inline struct nattrav_block *nattrav_block_find6(struct nattrav_net *nn,
								 const struct in6_addr *addr)
{
	struct nattrav_block *block;

	hash_for_each_possible_rcu(nn->blocks6, block, node, nattrav_block6_key(addr)) {
		if (ipv6_addr_equal(&block->addr.in6, addr))
			return block;
	}

	return NULL;
}

int nattrav_table_init(struct nattrav_net *nn);
void nattrav_table_exit(struct nattrav_net *nn);
struct nattrav_pool *nattrav_pool_add(struct nattrav_net *nn, const union nf_inet_addr *addr,
				      u8 family, u16 port_min, u16 port_max, const char *realm,
				      struct netlink_ext_ack *extack);
struct nattrav_pool *nattrav_pool_find(struct nattrav_net *nn, u32 id);
void nattrav_pool_del(struct nattrav_net *nn, struct nattrav_pool *pool);
void nattrav_pool_put(struct nattrav_pool *pool);
u32 nattrav_pool_resting(struct nattrav_pool *pool);
u8 nattrav_pool_percent(struct nattrav_pool *pool);
bool nattrav_table_reap(struct nattrav_net *nn);
/**
 * struct nattrav_port_wish - the relay port that a leg should get
 * @realm: from a pool of this realm, NULL for any
 * @family: of this address family
 * @addr: at this relay address, NULL for any
 * @port: this port, 0 for a random one
 * @pair: with the next one, for RTCP
 */
struct nattrav_port_wish {
	const char *realm;
	u8 family;
	const union nf_inet_addr *addr;
	u16 port;
	bool pair;
};

int nattrav_port_take(struct nattrav_net *nn, const struct nattrav_port_wish *wish,
		      struct nattrav_leg *leg, struct nattrav_leg *tied,
		      struct netlink_ext_ack *extack);
void nattrav_port_publish(struct nattrav_leg *leg);
void nattrav_port_release(struct nattrav_leg *leg, bool rest);

/* stream.c */
extern const struct rhashtable_params nattrav_call_params;

int nattrav_session_cache_init(void);
void nattrav_session_cache_exit(void);
struct nattrav_session *nattrav_session_alloc(struct nattrav_net *nn, u8 type, bool rtcp,
					      struct netlink_ext_ack *extack);
int nattrav_session_name(struct nattrav_net *nn, struct nattrav_session *session, const char *id);
struct nattrav_call *nattrav_call_find(struct nattrav_net *nn, const char *id);
void nattrav_session_discard(struct nattrav_net *nn, struct nattrav_session *session);
void nattrav_session_publish(struct nattrav_session *session);
void nattrav_session_remove(struct nattrav_net *nn, struct nattrav_session *session);
void nattrav_session_free(struct nattrav_session *session);
void nattrav_session_remove_all(struct nattrav_net *nn);
u32 nattrav_streams_max(void);
bool nattrav_stream_complete(const struct nattrav_stream *stream);

/* pin.c */
int nattrav_pin(struct nattrav_net *nn);
void nattrav_unpin(struct nattrav_net *nn);

/* watch.c */
u32 nattrav_leg_silence(const struct nattrav_leg *leg);
bool nattrav_leg_one_way(const struct nattrav_leg *leg);
void nattrav_leg_watch_anew(struct nattrav_leg *leg);
void nattrav_session_watch(struct nattrav_net *nn, struct nattrav_session *session);
void nattrav_watch_limits(struct nattrav_net *nn);

/* How full something is in per cent, rounded down. */
static inline u8 nattrav_percent(u32 used, u32 limit)
{
	return used >= limit ? 100 : div_u64((u64)used * 100, limit);
}

/* defrag.c */
int nattrav_defrag_enable(struct net *net);
void nattrav_defrag_disable(struct net *net);

/* datapath.c */
int nattrav_hooks_register(struct nattrav_net *nn, struct netlink_ext_ack *extack);
void nattrav_hooks_unregister(struct nattrav_net *nn);

/* rewrite.c */
void nattrav_translate46(struct sk_buff *skb, unsigned int thoff, const struct nattrav_leg *out,
			 const struct nattrav_path *path);
void nattrav_translate64(struct sk_buff *skb, unsigned int thoff, struct net *net,
			 const struct nattrav_leg *out, const struct nattrav_path *path);
void nattrav_mark_dscp(struct sk_buff *skb, u8 dscp);

/* emit.c */
void nattrav_emit_odd(struct net *net, struct sk_buff *skb);
void nattrav_emit_again(struct nattrav_net *nn, struct sk_buff *skb, struct nattrav_hop *hop);
struct neighbour *nattrav_neigh4_make(struct net_device *dev, __be32 nexthop);
bool nattrav_splits(const struct sk_buff *skb, int mtu, bool may_fragment);
void nattrav_tell_too_big(struct sk_buff *skb, struct dst_entry *back, u32 mtu);

/* icmp.c */
unsigned int nattrav_not_udp4(struct nattrav_net *nn, const struct sk_buff *skb);
unsigned int nattrav_not_udp6(struct nattrav_net *nn, const struct sk_buff *skb);

/* hop.c */
struct nattrav_hop *nattrav_hop_get(struct nattrav_net *nn, struct dst_entry *dst, u32 cookie,
				    const struct latch_source *peer, u8 family);
void nattrav_hop_put(struct nattrav_hop *hop);
void nattrav_hop_prepare(struct nattrav_hop *hop, struct neighbour *neigh);
int nattrav_hops_init(void);
void nattrav_hops_exit(void);

/* path.c */
void nattrav_path_free(struct nattrav_leg *leg);
int nattrav_peer_check(struct net *net, const struct latch_source *peer, u8 family);
bool nattrav_addr_is_local(struct net *net, const union nf_inet_addr *addr, u8 family);
struct nattrav_hop *nattrav_path_route(struct nattrav_net *nn, struct nattrav_leg *leg,
				       struct nattrav_path *path);
void nattrav_path_replace(struct nattrav_leg *leg, const struct latch_source *peer,
			  struct nattrav_spare **spare);
int nattrav_leg_latch(struct nattrav_net *nn, struct nattrav_leg *leg, const struct sk_buff *skb,
		      const struct latch_source *source, unsigned int payload);

/* gc.c */
void nattrav_gc_init(struct nattrav_net *nn);
void nattrav_gc_exit(struct nattrav_net *nn);
void nattrav_gc_kick(struct nattrav_net *nn);

/* event.c */
void nattrav_event_init(struct nattrav_net *nn);
void nattrav_event_exit(struct nattrav_net *nn);
void nattrav_event_raise(struct nattrav_net *nn, struct nattrav_leg *leg, u16 event);

/* netlink.c */
extern struct genl_family nattrav_family;

/* netlink-put.c */

/**
 * enum nattrav_detail - how much of a stream is told
 * @NATTRAV_DETAIL_IDENTITY: id, type, tied stream, call, cookie
 * @NATTRAV_DETAIL_PORTS: the relay ports of both legs as well
 * @NATTRAV_DETAIL_ALL: everything
 */
enum nattrav_detail {
	NATTRAV_DETAIL_IDENTITY,
	NATTRAV_DETAIL_PORTS,
	NATTRAV_DETAIL_ALL,
};

int nattrav_stream_put(struct sk_buff *skb, struct nattrav_stream *stream,
		       enum nattrav_detail detail);

#endif
