// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streams as entries in the kernel's table of connections. One entry serves
 * both directions: its original tuple is (peer of a, local of a), and with DNAT
 * to the peer of b and SNAT from the local of b its reply tuple is (peer of b,
 * local of b).
 */
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "datapath/conntrack.h"
#include "log.h"

/* "natt": tells our entries from others, here and in "conntrack -L --mark". */
#define MARK 0x6e617474U

/*
 * How long an entry lives that has seen no packet yet; after that it is the
 * host's nf_conntrack_udp_timeout_stream since the last one.
 */
#define TIMEOUT_S 120

/* Packets that come to a socket in spite of an entry: when to make it anew. */
#define RETRY_MS    1000
#define WARN_MS     10000
#define MAKE_TRIES  8
#define ORPHANS_MAX 32

/**
 * struct ct_entries - the kernel's table of connections
 * @nfct: handle of libnetfilter_conntrack
 * @filter: our entries only
 * @fn: told of each entry that is read
 * @arg: for @fn
 */
struct ct_entries {
	struct nfct_handle *nfct;
	struct nfct_filter_dump *filter;
	ct_entry_fn *fn;
	void *arg;
};

/* With IP options the bytes are a few too many. */
static struct ct_count entry_count(const struct nf_conntrack *ct, bool original)
{
	const size_t ip = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET6 ? sizeof(struct ip6_hdr) :
									   sizeof(struct iphdr);
	struct ct_count count;

	count.packets = nfct_get_attr_u64(ct, original ? ATTR_ORIG_COUNTER_PACKETS :
							 ATTR_REPL_COUNTER_PACKETS);
	count.bytes = nfct_get_attr_u64(ct, original ? ATTR_ORIG_COUNTER_BYTES :
						       ATTR_REPL_COUNTER_BYTES) -
		      count.packets * (ip + sizeof(struct udphdr));
	return count;
}

static void addr_get(struct nattrav_addr *addr, const struct nf_conntrack *ct,
		     enum nf_conntrack_attr ipv4, enum nf_conntrack_attr ipv6)
{
	if (addr->family == AF_INET6)
		memcpy(&addr->v6, nfct_get_attr(ct, ipv6), sizeof(addr->v6));
	else
		addr->v4.s_addr = nfct_get_attr_u32(ct, ipv4);
}

static void addr_set(struct nf_conntrack *ct, const struct nattrav_addr *addr,
		     enum nf_conntrack_attr ipv4, enum nf_conntrack_attr ipv6)
{
	if (addr->family == AF_INET6)
		nfct_set_attr(ct, ipv6, &addr->v6);
	else
		nfct_set_attr_u32(ct, ipv4, addr->v4.s_addr);
}

static int entry_found(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *arg)
{
	const struct ct_entries *entries = arg;
	struct nattrav_endpoint local = { .port = 0 }, peer = { .port = 0 };
	struct ct_count count[2];

	(void)type;

	if (nfct_get_attr_u8(ct, ATTR_L4PROTO) != IPPROTO_UDP)
		return NFCT_CB_CONTINUE;

	peer.addr.family = nfct_get_attr_u8(ct, ATTR_L3PROTO);
	local.addr.family = peer.addr.family;
	addr_get(&peer.addr, ct, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC);
	addr_get(&local.addr, ct, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
	peer.port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC));
	local.port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST));
	count[NATTRAV_SIDE_A] = entry_count(ct, true);
	count[NATTRAV_SIDE_B] = entry_count(ct, false);
	entries->fn(&local, &peer, count, entries->arg);
	return NFCT_CB_CONTINUE;
}

static void entries_destructor(void *arg)
{
	struct ct_entries *entries = arg;

	if (entries->filter)
		nfct_filter_dump_destroy(entries->filter);
	if (entries->nfct)
		nfct_close(entries->nfct);
}

/**
 * ct_entries_open() - get at the kernel's table of connections
 * @entriesp: set to it; drop it with mem_deref()
 *
 * Return: 0 or -errno.
 */
int ct_entries_open(struct ct_entries **entriesp)
{
	const struct nfct_filter_dump_mark mark = { .val = MARK, .mask = UINT32_MAX };
	struct ct_entries *entries;
	int err;

	entries = mem_zalloc(sizeof(*entries), entries_destructor);
	if (!entries)
		return -ENOMEM;

	entries->nfct = nfct_open(CONNTRACK, 0);
	if (!entries->nfct)
		goto err_errno;
	entries->filter = nfct_filter_dump_create();
	if (!entries->filter ||
	    nfct_callback_register(entries->nfct, NFCT_T_ALL, entry_found, entries))
		goto err_errno;

	nfct_filter_dump_set_attr(entries->filter, NFCT_FILTER_DUMP_MARK, &mark);
	*entriesp = entries;
	return 0;

err_errno:
	err = errno ? -errno : -ENOMEM;
	mem_deref(entries);
	return err;
}

/**
 * ct_entries_read() - read all entries of ours
 * @entries: the table of connections
 * @fn: called for each
 * @arg: for @fn, which must not use @entries
 *
 * Return: 0 or -errno.
 */
int ct_entries_read(struct ct_entries *entries, ct_entry_fn *fn, void *arg)
{
	entries->fn = fn;
	entries->arg = arg;
	return nfct_query(entries->nfct, NFCT_Q_DUMP_FILTER, entries->filter) < 0 ? -errno : 0;
}

static struct nf_conntrack *tuple_alloc(const struct nattrav_endpoint *peer,
					const struct nattrav_endpoint *local)
{
	struct nf_conntrack *ct = nfct_new();

	if (!ct)
		return NULL;

	nfct_set_attr_u8(ct, ATTR_L3PROTO, (uint8_t)local->addr.family);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_UDP);
	addr_set(ct, &peer->addr, ATTR_IPV4_SRC, ATTR_IPV6_SRC);
	addr_set(ct, &local->addr, ATTR_IPV4_DST, ATTR_IPV6_DST);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(peer->port));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(local->port));
	return ct;
}

static int tuple_query(struct ct_entries *entries, enum nf_conntrack_query query,
		       const struct nattrav_endpoint *peer, const struct nattrav_endpoint *local)
{
	struct nf_conntrack *ct = tuple_alloc(peer, local);
	int err;

	if (!ct)
		return -ENOMEM;

	err = nfct_query(entries->nfct, query, ct) < 0 ? -errno : 0;
	nfct_destroy(ct);
	return err;
}

/**
 * ct_entry_delete() - remove the entry that packets of a peer match
 * @entries: the table of connections
 * @peer: the peer
 * @local: relay address and port that it sends to
 *
 * Return: 0; -ENOENT if there is none; or -errno.
 */
int ct_entry_delete(struct ct_entries *entries, const struct nattrav_endpoint *peer,
		    const struct nattrav_endpoint *local)
{
	return tuple_query(entries, NFCT_Q_DESTROY, peer, local);
}

static int entry_create(struct ct_entries *entries, const struct ct_leg *a, const struct ct_leg *b)
{
	struct nf_conntrack *ct = tuple_alloc(&a->peer, &a->local);
	int err;

	if (!ct)
		return -ENOMEM;

	(void)nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	addr_set(ct, &b->peer.addr, ATTR_DNAT_IPV4, ATTR_DNAT_IPV6);
	nfct_set_attr_u16(ct, ATTR_DNAT_PORT, htons(b->peer.port));
	addr_set(ct, &b->local.addr, ATTR_SNAT_IPV4, ATTR_SNAT_IPV6);
	nfct_set_attr_u16(ct, ATTR_SNAT_PORT, htons(b->local.port));
	/* An assured entry gives way to nobody when the table is full. */
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, TIMEOUT_S);
	nfct_set_attr_u32(ct, ATTR_MARK, MARK);

	err = nfct_query(entries->nfct, NFCT_Q_CREATE, ct) < 0 ? -errno : 0;
	nfct_destroy(ct);
	return err;
}

/*
 * Packets that came to a socket have entries of their own, without NAT, in
 * which another packet may put them again at any moment.
 */
static int entry_make(struct ct_entries *entries, const struct ct_leg *a, const struct ct_leg *b)
{
	unsigned int try;
	int err = 0;

	for (try = 0; try < MAKE_TRIES; try++) {
		(void)ct_entry_delete(entries, &a->peer, &a->local);
		(void)ct_entry_delete(entries, &b->peer, &b->local);
		err = entry_create(entries, a, b);
		if (err != -EEXIST)
			break;
	}

	return err;
}

/**
 * ct_entry_ensure() - media of a complete stream came to a socket: let the
 *	kernel carry it from now on
 * @stream: the stream
 *
 * What is on its way to a socket while the entry is made still comes there.
 * What comes a second later says that the entry is gone, or the rules are that
 * make it work: a firewall that was loaded anew may have flushed all rules.
 */
void ct_entry_ensure(struct ct_stream *stream)
{
	struct datapath *datapath = stream->datapath;
	const uint64_t now = ct_now();
	int err;

	if (stream->entry_at && now - stream->entry_at < RETRY_MS)
		return;

	if (stream->entry_at && now - datapath->rules_at >= RETRY_MS) {
		log_info("stream %u: media comes to the process: entry and rules are made anew",
			 stream->given.id);
		(void)ct_host_rules(&datapath->pools);
		datapath->rules_at = now;
	}
	if (stream->entry)
		ct_entry_remove(stream);

	err = entry_make(datapath->entries, &stream->leg[NATTRAV_SIDE_A],
			 &stream->leg[NATTRAV_SIDE_B]);
	stream->entry = !err;
	stream->entry_at = now;
	ct_state_save(stream);

	if (err && (!datapath->warned_at || now - datapath->warned_at >= WARN_MS)) {
		log_warn("stream %u: conntrack takes no entry (%m): nattravd relays its packets "
			 "itself",
			 stream->given.id, -err);
		datapath->warned_at = now;
	}
}

static void leg_count(struct ct_leg *leg, const struct ct_count *count, uint64_t now)
{
	if (count->packets != leg->entry.packets) {
		leg->heard = now;
		leg->seen = true;
	}
	leg->entry = *count;
}

/* The entry is gone: its numbers are the stream's own now. */
static void stream_entry_gone(struct ct_stream *stream)
{
	unsigned int side;

	for (side = 0; side < 2; side++) {
		struct ct_leg *leg = &stream->leg[side];

		leg->relayed.packets += leg->entry.packets;
		leg->relayed.bytes += leg->entry.bytes;
		leg->rtp.max_seq = (uint16_t)(leg->rtp.max_seq + leg->entry.packets);
		stream->datapath->gone += leg->entry.packets;
		memset(&leg->entry, 0, sizeof(leg->entry));
	}
	stream->entry = false;
}

static void entry_last_count(const struct nattrav_endpoint *local,
			     const struct nattrav_endpoint *peer, const struct ct_count count[2],
			     void *arg)
{
	struct ct_stream *stream = arg;
	const uint64_t now = ct_now();

	(void)local;
	(void)peer;
	leg_count(&stream->leg[NATTRAV_SIDE_A], &count[NATTRAV_SIDE_A], now);
	leg_count(&stream->leg[NATTRAV_SIDE_B], &count[NATTRAV_SIDE_B], now);
}

/**
 * ct_entry_remove() - the kernel is to carry a stream no more
 * @stream: the stream, with the peers it had when its entry was made
 */
void ct_entry_remove(struct ct_stream *stream)
{
	struct ct_entries *entries = stream->datapath->entries;
	const struct ct_leg *a = &stream->leg[NATTRAV_SIDE_A];
	int err;

	if (!stream->entry)
		return;

	entries->fn = entry_last_count;
	entries->arg = stream;
	(void)tuple_query(entries, NFCT_Q_GET, &a->peer, &a->local);
	err = ct_entry_delete(entries, &a->peer, &a->local);
	if (err && err != -ENOENT)
		log_warn("stream %u: its entry cannot be removed from conntrack: %m",
			 stream->given.id, -err);

	stream_entry_gone(stream);
	stream->entry_at = 0;
}

/**
 * struct look - a look at all entries under way
 * @datapath: the datapath
 * @now: the time
 * @orphan: entries that belong to no stream
 * @orphans: how many
 */
struct look {
	struct datapath *datapath;
	uint64_t now;
	struct {
		struct nattrav_endpoint local;
		struct nattrav_endpoint peer;
	} orphan[ORPHANS_MAX];
	unsigned int orphans;
};

static void look_entry(const struct nattrav_endpoint *local, const struct nattrav_endpoint *peer,
		       const struct ct_count count[2], void *arg)
{
	struct look *look = arg;
	struct ct_leg *leg = ct_port_leg(look->datapath, local);
	struct ct_stream *stream = leg ? leg->stream : NULL;

	if (!leg || leg->side != NATTRAV_SIDE_A || !ct_stream_complete(stream) ||
	    !ct_endpoint_equal(&leg->peer, peer)) {
		if (look->orphans < ORPHANS_MAX) {
			look->orphan[look->orphans].local = *local;
			look->orphan[look->orphans].peer = *peer;
			look->orphans++;
		}
		return;
	}

	leg_count(leg, &count[NATTRAV_SIDE_A], look->now);
	leg_count(ct_leg_other(leg), &count[NATTRAV_SIDE_B], look->now);
	stream->entry_seen = look->datapath->look;
	/* One that this process has not made is that of its predecessor. */
	if (!stream->entry) {
		stream->entry = true;
		stream->entry_at = look->now;
	}
}

static bool stream_check(struct le *le, void *arg)
{
	struct ct_stream *stream = le->data;
	const struct look *look = arg;

	if (stream->entry && stream->entry_seen != look->datapath->look) {
		log_debug("stream %u: conntrack has forgotten its entry", stream->given.id);
		stream_entry_gone(stream);
		stream->entry_at = 0;
	}

	return false;
}

/**
 * ct_entries_look() - read the counters of all entries, and see which are there
 * @datapath: the datapath
 *
 * An entry of ours that no stream owns would relay without anybody knowing: it
 * is removed.
 */
void ct_entries_look(struct datapath *datapath)
{
	struct look look = { .datapath = datapath, .now = ct_now() };
	unsigned int i;
	int err;

	datapath->look++;
	err = ct_entries_read(datapath->entries, look_entry, &look);
	if (err) {
		log_warn("conntrack cannot be read: %m", -err);
		return;
	}
	datapath->looked = look.now;

	(void)hash_apply(datapath->streams, stream_check, &look);
	for (i = 0; i < look.orphans; i++) {
		log_warn("an entry of conntrack for relay port %u belongs to no stream: removed",
			 look.orphan[i].local.port);
		(void)ct_entry_delete(datapath->entries, &look.orphan[i].peer,
				      &look.orphan[i].local);
	}
}
