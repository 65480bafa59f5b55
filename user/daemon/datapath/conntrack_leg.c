// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The legs: the policy, and the packets that come to the sockets. That are
 * those of nobody known, and those of a peer until an entry carries them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datapath/conntrack.h"

#define WINDOW_MS        30000
#define PROBATION_WIDE   4
#define INTRUDER_TELL_MS 1000
#define DATAGRAM_MAX     65535
/* Others want to be heard, too. */
#define PACKETS_A_TURN 32

static struct latch_source source_from(const struct nattrav_endpoint *endpoint)
{
	struct latch_source source;

	memset(&source, 0, sizeof(source));
	if (endpoint->addr.family == AF_INET6)
		source.addr.in6 = endpoint->addr.v6;
	else
		source.addr.ip = endpoint->addr.v4.s_addr;
	source.port = htons(endpoint->port);
	return source;
}

/* Broadcast, no route, or this very host: all known once a socket is connected. */
static int peer_probe(const struct nattrav_endpoint *peer)
{
	union ct_sockaddr to, from = { .v6 = { 0 } };
	const socklen_t to_len = ct_sockaddr_set(&to, peer);
	socklen_t len = sizeof(from);
	struct nattrav_endpoint self;
	int fd, err = 0;

	fd = socket(peer->addr.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	if (connect(fd, &to.sa, to_len) || getsockname(fd, &from.sa, &len))
		err = -errno;
	close(fd);
	if (err)
		return err;

	ct_sockaddr_get(&self, &from);
	return ct_addr_equal(&self.addr, &peer->addr) ? -EADDRNOTAVAIL : 0;
}

static int peer_check(const struct nattrav_endpoint *peer)
{
	const struct latch_source source = source_from(peer);

	if (!peer->port || !latch_addr_possible(&source.addr, (__u8)peer->addr.family))
		return -EADDRNOTAVAIL;

	return peer_probe(peer);
}

/**
 * ct_leg_family() - the address family that a leg is to have
 * @given: what is asked for
 *
 * Return: what is given, or that of the addresses given, or AF_INET.
 */
sa_family_t ct_leg_family(const struct nattrav_leg *given)
{
	if (given->family != AF_UNSPEC)
		return given->family;
	if (given->peer.addr.family != AF_UNSPEC)
		return given->peer.addr.family;

	return given->prefixes ? given->prefix[0].addr.family : AF_INET;
}

/**
 * ct_leg_policy_check() - whether a leg can be as it is asked for
 * @datapath: the datapath
 * @given: what is asked for
 * @family: the address family of the leg
 *
 * Return: 0 or -errno, in words in datapath.error.
 */
int ct_leg_policy_check(struct datapath *datapath, const struct nattrav_leg *given,
			sa_family_t family)
{
	const unsigned int bits = family == AF_INET6 ? 128 : 32;
	unsigned int i;

	if (given->peer.addr.family != AF_UNSPEC && given->peer.addr.family != family)
		return ct_fail(datapath, -EAFNOSUPPORT, "a peer is not of the leg's family");
	if (given->local.port || given->local.addr.family != AF_UNSPEC)
		return ct_fail(datapath, -EOPNOTSUPP,
			       "the conntrack datapath picks relay ports itself");
	for (i = 0; i < given->prefixes; i++) {
		if (given->prefix[i].addr.family != family || given->prefix[i].len > bits)
			return ct_fail(datapath, -EINVAL,
				       "a latch prefix is not of the leg's family");
	}
	if (given->peer.addr.family != AF_UNSPEC && peer_check(&given->peer))
		return ct_fail(datapath, -EADDRNOTAVAIL, "no peer can have this address");

	return 0;
}

static bool prefixes_wide(const struct nattrav_leg *given)
{
	unsigned int i;

	for (i = 0; i < given->prefixes; i++) {
		if (given->prefix[i].len < (given->prefix[i].addr.family == AF_INET6 ? 128 : 32))
			return true;
	}

	return !given->prefixes;
}

/*
 * A leg that keeps the prefixes it has keeps its probation, too; a new one has
 * none of either.
 */
static void leg_probation(struct ct_leg *leg, const struct nattrav_leg *given, bool fresh)
{
	unsigned int packets;

	if (given->given & NATTRAV_LEG_PROBATION)
		packets = given->probation ?: 1;
	else if (fresh || given->given & NATTRAV_LEG_PREFIXES)
		packets = prefixes_wide(given) ? PROBATION_WIDE : 1;
	else
		return;

	leg->policy.probation = (uint8_t)packets;
	leg->latch.probation_packets = (uint8_t)packets;
	memset(&leg->probation, 0, sizeof(leg->probation));
}

static void leg_prefixes(struct ct_leg *leg, const struct nattrav_leg *given)
{
	unsigned int i;

	memcpy(leg->policy.prefix, given->prefix, sizeof(leg->policy.prefix));
	leg->policy.prefixes = given->prefixes;

	memset(leg->latch.prefix, 0, sizeof(leg->latch.prefix));
	for (i = 0; i < given->prefixes; i++) {
		const struct nattrav_endpoint prefix = { .addr = given->prefix[i].addr };

		leg->latch.prefix[i].addr = source_from(&prefix).addr;
		leg->latch.prefix[i].len = given->prefix[i].len;
	}
	leg->latch.prefixes = (uint8_t)given->prefixes;
}

/**
 * ct_leg_policy() - give a leg its policy, or change it, and open its window
 * @leg: the leg, which has its relay address
 * @given: what is given of it
 * @fresh: the leg has none yet
 */
void ct_leg_policy(struct ct_leg *leg, const struct nattrav_leg *given, bool fresh)
{
	struct nattrav_leg *policy = &leg->policy;
	struct latch *latch = &leg->latch;

	if (fresh) {
		policy->window = WINDOW_MS;
		latch->family = (__u8)leg->local.addr.family;
		latch->type = (uint8_t)leg->stream->given.type;
		latch->probation = &leg->probation;
	}
	policy->given |= given->given;
	if (given->given & NATTRAV_LEG_PREFIXES)
		leg_prefixes(leg, given);
	leg_probation(leg, given, fresh);
	if (given->given & NATTRAV_LEG_PAYLOAD_TYPES) {
		memcpy(policy->payload_types, given->payload_types, sizeof(policy->payload_types));
		memcpy(latch->payload_types, given->payload_types, sizeof(latch->payload_types));
		latch->check_payload_type = true;
	}
	if (given->given & NATTRAV_LEG_WINDOW)
		policy->window = given->window;
	if (given->given & NATTRAV_LEG_GENERATION)
		policy->generation = given->generation;
	if (given->given & NATTRAV_LEG_RELATCH)
		policy->relatch = given->relatch;

	latch->window = policy->window;
	latch->deadline = ct_now() + policy->window;
	latch->generation = policy->generation;
	latch->relatch = (uint8_t)policy->relatch;
}

/**
 * ct_leg_peer() - give a leg its peer, or another one
 * @leg: the leg
 * @peer: the terminal's public address
 */
void ct_leg_peer(struct ct_leg *leg, const struct nattrav_endpoint *peer)
{
	ct_entry_remove(leg->stream);

	leg->peer = *peer;
	leg->latch.latched_generation = leg->latch.generation;
	leg->heard = ct_now();
	leg->seen = false;
	leg->stream->entry_at = 0;
}

/**
 * ct_leg_tell() - tell of an event of a leg
 * @leg: the leg
 * @type: what has happened
 * @addr: the address it is about, or NULL
 */
void ct_leg_tell(struct ct_leg *leg, enum nattrav_event_type type,
		 const struct nattrav_endpoint *addr)
{
	struct nattrav_event event = { .type = type, .side = leg->side };

	ct_stream_tell(leg->stream, &event.stream);
	if (addr)
		event.addr = *addr;
	ct_tell(leg->stream->datapath, &event);
}

static void leg_note_intruder(struct ct_leg *leg, const struct nattrav_endpoint *source,
			      uint64_t now)
{
	leg->intruder = *source;
	if (leg->intruder_packets++ && now - leg->intruder_told < INTRUDER_TELL_MS)
		return;

	leg->intruder_told = now;
	ct_leg_tell(leg, NATTRAV_EVENT_TYPE_INTRUDER, source);
}

static int leg_complete(struct ct_leg *leg, const struct nattrav_endpoint *source,
			const struct rtp_summary *rtp)
{
	const bool again = ct_leg_complete(leg);

	if (peer_check(source))
		return NATTRAV_DROP_REASON_BAD_SOURCE;

	ct_leg_peer(leg, source);
	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTCP) {
		leg->rtp.heard = true;
		leg->rtp.ssrc = rtp->ssrc;
	}
	ct_state_save(leg->stream);
	ct_leg_tell(leg, again ? NATTRAV_EVENT_TYPE_RELATCHED : NATTRAV_EVENT_TYPE_COMPLETED,
		    source);
	return LATCH_ACCEPT;
}

/* The address that the RTP leg completed with, for RTCP; NULL if it has not. */
static const union nf_inet_addr *leg_rtp_peer(const struct ct_leg *leg, struct latch_source *peer)
{
	const struct ct_stream *rtp = leg->stream->tied;

	if (leg->latch.type != NATTRAV_STREAM_TYPE_RTCP || !rtp ||
	    !ct_leg_complete(&rtp->leg[leg->side]))
		return NULL;

	*peer = source_from(&rtp->leg[leg->side].peer);
	return &peer->addr;
}

/*
 * An entry does not tell sequence numbers, but how many packets there were; the
 * limit that a rebind must keep is wide enough for the difference.
 */
static const struct latch_peer *leg_peer(const struct ct_leg *leg, struct latch_peer *peer)
{
	if (!ct_leg_complete(leg))
		return NULL;

	*peer = (struct latch_peer){
		.source = source_from(&leg->peer),
		.ssrc = leg->rtp.ssrc,
		.max_seq = (uint16_t)(leg->rtp.max_seq + leg->entry.packets),
		.heard = leg->heard,
	};
	return peer;
}

/* Not from the peer, or there is none: LATCH_ACCEPT if it is one now, or a drop reason. */
static int leg_stranger(struct ct_leg *leg, const struct nattrav_endpoint *source,
			const struct rtp_summary *rtp, uint64_t now)
{
	const struct latch_packet packet = { .source = source_from(source), .rtp = *rtp };
	const bool contended = leg->probation.contended;
	struct latch_source rtp_peer;
	struct latch_peer peer;
	int verdict;

	verdict = latch_check(&leg->latch, leg_peer(leg, &peer), leg_rtp_peer(leg, &rtp_peer),
			      &packet, now);
	if (verdict == LATCH_ACCEPT || verdict == LATCH_REBIND)
		verdict = leg_complete(leg, source, rtp);
	if (verdict == NATTRAV_DROP_REASON_OUTSIDE_PREFIX ||
	    verdict == NATTRAV_DROP_REASON_WRONG_SOURCE)
		leg_note_intruder(leg, source, now);
	if (leg->probation.contended && !contended)
		ct_leg_tell(leg, NATTRAV_EVENT_TYPE_CONTENTION, NULL);

	return verdict;
}

/* Account for a packet of the peer: -1, or the reason to drop it for. */
static int leg_admit(struct ct_leg *leg, const struct rtp_summary *rtp, size_t len, uint64_t now)
{
	if (leg->latch.type == NATTRAV_STREAM_TYPE_RTP && rtp->kind == RTP_KIND_RTP) {
		switch (rtp_source_update(&leg->rtp, rtp, now, 0)) {
		case RTP_BAD_SEQUENCE:
			return NATTRAV_DROP_REASON_SEQUENCE;
		case RTP_BAD_SSRC:
			return NATTRAV_DROP_REASON_SSRC;
		case RTP_OK:
		case RTP_NEW_SSRC:
			break;
		}
	}

	leg->relayed.packets++;
	leg->relayed.bytes += len;
	/* Keep-alives on a media port are no media. */
	if (leg->latch.type != NATTRAV_STREAM_TYPE_RTP || rtp->kind != RTP_KIND_NONE) {
		leg->heard = now;
		leg->seen = true;
	}

	return -1;
}

/* Out of the other leg's port, to its peer: -1, or the reason to drop it for. */
static int leg_send(const struct ct_leg *out, const uint8_t *data, size_t len)
{
	union ct_sockaddr to;
	const socklen_t to_len = ct_sockaddr_set(&to, &out->peer);

	if (sendto(out->fd, data, len, 0, &to.sa, to_len) >= 0)
		return -1;

	switch (errno) {
	case EMSGSIZE:
		return NATTRAV_DROP_REASON_TOO_BIG;
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
		return NATTRAV_DROP_REASON_NO_MEMORY;
	default:
		return NATTRAV_DROP_REASON_NO_ROUTE;
	}
}

static int leg_relay(struct ct_leg *leg, const struct nattrav_endpoint *source, const uint8_t *data,
		     size_t len)
{
	struct ct_leg *out = ct_leg_other(leg);
	const uint64_t now = ct_now();
	struct rtp_summary rtp;
	int reason;

	rtp_summarize(&rtp, data, (unsigned int)len);

	if (!ct_leg_complete(leg) || !ct_endpoint_equal(&leg->peer, source)) {
		reason = leg_stranger(leg, source, &rtp, now);
		if (reason >= 0)
			return reason;
	}

	if (!ct_leg_complete(out)) {
		leg->heard = now;
		leg->seen = true;
		return NATTRAV_DROP_REASON_PEER_PARTIAL;
	}

	reason = leg_admit(leg, &rtp, len, now);
	if (reason >= 0)
		return reason;

	/* First, for without our rules what is sent would collide with the entry. */
	ct_entry_ensure(leg->stream);
	return leg_send(out, data, len);
}

/**
 * ct_leg_readable() - there are packets at the socket of a leg
 * @leg: the leg
 */
void ct_leg_readable(struct ct_leg *leg)
{
	static uint8_t data[DATAGRAM_MAX];
	struct nattrav_info *info = &leg->stream->datapath->info;
	unsigned int i;

	for (i = 0; i < PACKETS_A_TURN; i++) {
		struct nattrav_endpoint source;
		union ct_sockaddr from = { .v6 = { 0 } };
		socklen_t from_len = sizeof(from);
		ssize_t len;
		int reason;

		len = recvfrom(leg->fd, data, sizeof(data), 0, &from.sa, &from_len);
		if (len < 0)
			return;

		ct_sockaddr_get(&source, &from);
		info->received++;
		reason = leg_relay(leg, &source, data, (size_t)len);
		if (reason < 0) {
			info->forwarded++;
		} else {
			info->dropped[reason]++;
			leg->dropped++;
		}
	}
}
