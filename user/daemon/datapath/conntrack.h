/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conntrack datapath from inside. A socket on each relay port hears the
 * first packets of a leg; the policy of kernel/latch.c decides who becomes its
 * peer; once both legs of a stream have one, an entry in the kernel's table of
 * connections rewrites both addresses of all that follows. Single-threaded.
 */
#ifndef NATTRAVD_CONNTRACK_H
#define NATTRAVD_CONNTRACK_H

#include <re.h>
#include <nattrav.h>
#include <string.h>

#include "datapath/datapath.h"
#include "latch.h"
#include "rtp.h"

struct ct_stream;
struct ct_entries;
struct ct_state;

/**
 * struct ct_port - a relay port
 * @leg: the leg that has it, or NULL
 * @freed: when it was freed, in ms, 0 if never
 */
struct ct_port {
	struct ct_leg *leg;
	uint64_t freed;
};

/**
 * struct ct_pool - a relay address with a range of ports
 * @le: element of datapath.pools
 * @pool: as the media side knows it
 * @port: a struct ct_port for each port from @pool.port_min on
 * @level: how full it was told to be, for ct_watch()
 * @none_before: until when all ports are in use or rest, in ms
 */
struct ct_pool {
	struct le le;
	struct nattrav_pool pool;
	struct ct_port *port;
	unsigned int level;
	uint64_t none_before;
};

/**
 * struct ct_count - packets and the bytes in them
 * @packets: packets
 * @bytes: their UDP payload
 */
struct ct_count {
	uint64_t packets;
	uint64_t bytes;
};

/**
 * struct ct_leg - one side of a stream
 * @stream: the stream
 * @side: enum nattrav_side
 * @pool: where the relay port comes from, NULL until there is one
 * @local: relay address and port
 * @peer: the terminal's public address; of no family while the leg is partial
 * @fd: socket on @local, or -1
 * @policy: the policy as the media side gave it
 * @latch: the same for latch_check(), and how far it has come
 * @probation: for @latch
 * @rtp: what the process itself has heard of the peer
 * @relayed: packets of the peer that the process relayed, and those of entries
 *	that are gone
 * @entry: packets of the peer that the present entry has counted
 * @heard: when the peer was heard last, in ms
 * @seen: whether it has been heard since it became the peer
 * @dropped: packets that were dropped
 * @intruder: last foreign source
 * @intruder_packets: packets from foreign sources
 * @intruder_told: when the last of them was reported, in ms
 * @watched: what was told of its silence, for ct_watch()
 */
struct ct_leg {
	struct ct_stream *stream;
	enum nattrav_side side;
	struct ct_pool *pool;
	struct nattrav_endpoint local;
	struct nattrav_endpoint peer;
	int fd;
	struct nattrav_leg policy;
	struct latch latch;
	struct latch_probation probation;
	struct rtp_source rtp;
	struct ct_count relayed;
	struct ct_count entry;
	uint64_t heard;
	bool seen;
	uint64_t dropped;
	struct nattrav_endpoint intruder;
	uint64_t intruder_packets;
	uint64_t intruder_told;
	unsigned int watched;
};

/**
 * struct ct_stream - a relayed flow between two terminals
 * @le: element of datapath.streams
 * @in_call: element of datapath.calls
 * @datapath: the datapath
 * @leg: its two legs, by enum nattrav_side
 * @given: what it was installed with; its legs are in @leg
 * @tied: the RTCP stream of an RTP stream or the reverse, or NULL
 * @slot: where it lies in the state file, or -1
 * @created: when it was made, in ms
 * @touched: when it was made or changed last, in ms
 * @entry: the kernel has an entry for it, as far as is known
 * @entry_at: when that was made, or tried, in ms
 * @entry_seen: number of the last look that found it
 */
struct ct_stream {
	struct le le;
	struct le in_call;
	struct datapath *datapath;
	struct ct_leg leg[2];
	struct nattrav_stream given;
	struct ct_stream *tied;
	int slot;
	uint64_t created;
	uint64_t touched;
	bool entry;
	uint64_t entry_at;
	uint32_t entry_seen;
};

/* Address families, as a set. */
#define CT_IPV4 (1u << 0)
#define CT_IPV6 (1u << 1)

/**
 * union ct_sockaddr - an address and port as the kernel wants it
 * @sa: of either family
 * @v4: of AF_INET
 * @v6: of AF_INET6
 */
union ct_sockaddr {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/**
 * struct datapath - the conntrack datapath
 * @entries: the kernel's table of connections
 * @state: what a successor of this process will want to know
 * @pools: list of struct ct_pool
 * @streams: hash of struct ct_stream by id
 * @calls: the same by call
 * @stream_count: how many there are
 * @stream_next: id of the next one
 * @pool_next: id of the next pool
 * @epoll: hears all the sockets
 * @tick: looks at the entries and time-outs
 * @look: number of the last look at the entries
 * @looked: when that was, in ms
 * @info: totals of what the process itself has heard
 * @gone: packets that entries which are gone have counted
 * @watch: who is told of events, NULL if nobody is yet
 * @watch_arg: for @watch
 * @events: list of events that are not told yet
 * @teller: tells them
 * @rules_at: when the rules were made, in ms
 * @warned_at: when it was last said that entries cannot be made, in ms
 * @families: CT_IPV4, CT_IPV6: of the relay addresses
 * @trouble: what the host lacks at the moment, or NULL
 * @error: the last failure in words
 * @error_entry: index of the batch entry it was about, or -1
 */
struct datapath {
	struct ct_entries *entries;
	struct ct_state *state;
	struct list pools;
	struct hash *streams;
	struct hash *calls;
	uint32_t stream_count;
	uint32_t stream_next;
	uint32_t pool_next;
	int epoll;
	struct tmr tick;
	uint32_t look;
	uint64_t looked;
	struct nattrav_info info;
	uint64_t gone;
	const struct datapath_watch *watch;
	void *watch_arg;
	struct list events;
	struct tmr teller;
	uint64_t rules_at;
	uint64_t warned_at;
	unsigned int families;
	const char *trouble;
	char error[256];
	int error_entry;
};

static inline enum nattrav_side ct_side_other(enum nattrav_side side)
{
	return side == NATTRAV_SIDE_A ? NATTRAV_SIDE_B : NATTRAV_SIDE_A;
}

static inline struct ct_leg *ct_leg_other(struct ct_leg *leg)
{
	return &leg->stream->leg[ct_side_other(leg->side)];
}

static inline bool ct_leg_complete(const struct ct_leg *leg)
{
	return leg->peer.addr.family != AF_UNSPEC;
}

static inline bool ct_stream_complete(const struct ct_stream *stream)
{
	return ct_leg_complete(&stream->leg[NATTRAV_SIDE_A]) &&
	       ct_leg_complete(&stream->leg[NATTRAV_SIDE_B]);
}

static inline bool ct_addr_equal(const struct nattrav_addr *a, const struct nattrav_addr *b)
{
	if (a->family != b->family)
		return false;

	return a->family == AF_INET6 ? !memcmp(&a->v6, &b->v6, sizeof(a->v6)) :
				       a->v4.s_addr == b->v4.s_addr;
}

static inline bool ct_endpoint_equal(const struct nattrav_endpoint *a,
				     const struct nattrav_endpoint *b)
{
	return a->port == b->port && ct_addr_equal(&a->addr, &b->addr);
}

/* conntrack.c */
uint64_t ct_now(void);
int ct_fail(struct datapath *datapath, int err, const char *fmt, ...);
void ct_tell(struct datapath *datapath, const struct nattrav_event *event);
socklen_t ct_sockaddr_set(union ct_sockaddr *sa, const struct nattrav_endpoint *endpoint);
void ct_sockaddr_get(struct nattrav_endpoint *endpoint, const union ct_sockaddr *sa);

/* conntrack_host.c */
int ct_host_check(unsigned int families);
const char *ct_host_trouble(unsigned int families);
int ct_host_rules(const struct list *pools);
void ct_host_rules_remove(void);

/* conntrack_pool.c */
int ct_pool_add(struct datapath *datapath, struct nattrav_pool *pool);
void ct_pool_tell(const struct ct_pool *pool, struct nattrav_pool *out);
int ct_port_take(struct datapath *datapath, const struct nattrav_leg *given, struct ct_leg *leg,
		 struct ct_leg *tied);
int ct_port_reclaim(struct datapath *datapath, struct ct_leg *leg);
void ct_port_release(struct ct_leg *leg, bool rest);
struct ct_leg *ct_port_leg(const struct datapath *datapath, const struct nattrav_endpoint *local);

/* conntrack_stream.c */
struct ct_stream *ct_stream_alloc(struct datapath *datapath, const struct nattrav_stream *given);
struct ct_stream *ct_stream_find(const struct datapath *datapath, uint32_t id);
void ct_stream_tell(const struct ct_stream *stream, struct nattrav_stream *out);
void ct_stream_change(struct ct_stream *stream, const struct nattrav_stream *given);
void ct_stream_remove(struct ct_stream *stream);
bool ct_stream_expire(struct ct_stream *stream, uint64_t now);

/* conntrack_leg.c */
sa_family_t ct_leg_family(const struct nattrav_leg *given);
int ct_leg_policy_check(struct datapath *datapath, const struct nattrav_leg *given,
			sa_family_t family);
void ct_leg_policy(struct ct_leg *leg, const struct nattrav_leg *given, bool fresh);
void ct_leg_peer(struct ct_leg *leg, const struct nattrav_endpoint *peer);
void ct_leg_tell(struct ct_leg *leg, enum nattrav_event_type type,
		 const struct nattrav_endpoint *addr);
void ct_leg_readable(struct ct_leg *leg);

/* conntrack_entry.c */

/**
 * typedef ct_entry_fn - called for each entry of ours that the kernel has
 * @local: relay address and port that leg a sends to
 * @peer: who sends there
 * @count: what came from leg a, what from leg b
 * @arg: as given
 */
typedef void ct_entry_fn(const struct nattrav_endpoint *local, const struct nattrav_endpoint *peer,
			 const struct ct_count count[2], void *arg);

int ct_entries_open(struct ct_entries **entries);
int ct_entries_read(struct ct_entries *entries, ct_entry_fn *fn, void *arg);
void ct_entry_ensure(struct ct_stream *stream);
void ct_entry_remove(struct ct_stream *stream);
int ct_entry_delete(struct ct_entries *entries, const struct nattrav_endpoint *peer,
		    const struct nattrav_endpoint *local);
void ct_entries_look(struct datapath *datapath);

/* conntrack_watch.c */
void ct_watch(struct datapath *datapath);

/* conntrack_state.c */
int ct_state_open(struct ct_state **state, const char *database);
int ct_state_load(struct datapath *datapath);
void ct_state_save(struct ct_stream *stream);
void ct_state_forget(struct ct_stream *stream);
void ct_state_remove(struct ct_state *state);

#endif
