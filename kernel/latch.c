// SPDX-License-Identifier: GPL-2.0-only
/*
 * The latching policy (RFC 7362 section 4, with the restriction to the
 * signalling source of its section 5). Pure functions: the caller holds
 * whatever lock keeps the struct latch still.
 */
#ifdef __KERNEL__
#include <linux/in.h>
#include <linux/string.h>
#else
#include <arpa/inet.h>
#include <string.h>
#endif

#include "latch.h"

/* The limits of a rebind: see latch_check_rebind(). */
#define REBIND_SILENCE_MS	2000
#define REBIND_SEQ_MAX		536
#define MINUTE_MS		60000

/* A candidate that has stopped makes room after so long. */
#define CANDIDATE_STALE_MS	1000

static bool source_equal(const struct latch_source *a, const struct latch_source *b)
{
	return a->port == b->port && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static bool prefix_has(const struct latch_prefix *prefix, const union nf_inet_addr *addr)
{
	const __u8 *a = (const __u8 *)addr, *p = (const __u8 *)&prefix->addr;
	unsigned int bytes = prefix->len / 8, bits = prefix->len % 8;

	if (memcmp(a, p, bytes))
		return false;

	return !bits || !((a[bytes] ^ p[bytes]) >> (8 - bits));
}

static bool latch_has_source(const struct latch *latch, const union nf_inet_addr *addr)
{
	unsigned int i;

	for (i = 0; i < latch->prefixes; i++)
		if (prefix_has(&latch->prefix[i], addr))
			return true;

	return !latch->prefixes;
}

static bool ipv4_possible(__u32 ip)
{
	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 16 != 0xa9fe && ip < 0xe0000000;
}

/*
 * An IPv4 address that is spelt as IPv6 is as possible as it would be by
 * itself where a translator may stand behind it (6to4, NAT64), and never where
 * only a host's own software makes such addresses (mapped, compatible; ::1 and
 * :: are among these).
 */
static bool ipv6_possible(const __be32 *word)
{
	__u32 first = ntohl(word[0]);

	if (first >> 24 == 0xff || first >> 22 == 0xfe80 >> 6)
		return false;
	if (!word[0] && !word[1] && (!word[2] || word[2] == htonl(0xffff)))
		return false;
	if (first >> 16 == 0x2002)
		return ipv4_possible(first << 16 | ntohl(word[1]) >> 16);
	if (first == 0x0064ff9b && !word[1] && !word[2])
		return ipv4_possible(ntohl(word[3]));

	return true;
}

/**
 * latch_addr_possible() - whether an address can be that of a terminal at all
 * @addr: the address
 * @family: its family
 *
 * Refuses what RFC 6890 knows as no unicast source on a network: this host
 * (0/8), loopback, link-local, multicast, reserved and broadcast, and every
 * spelling of these within IPv6. Whether it is an address of this very host is
 * for the caller to find out.
 */
bool latch_addr_possible(const union nf_inet_addr *addr, __u8 family)
{
	return family == AF_INET ? ipv4_possible(ntohl(addr->ip)) : ipv6_possible(addr->ip6);
}

/* Whether what the packet carries may complete a leg; the drop reason if not. */
static int latch_check_content(const struct latch *latch, const struct rtp_summary *rtp)
{
	if (latch->type == NATTRAV_STREAM_TYPE_UDP)
		return LATCH_ACCEPT;

	if (latch->type == NATTRAV_STREAM_TYPE_RTCP)
		return rtp->kind == RTP_KIND_RTCP ? LATCH_ACCEPT : NATTRAV_DROP_REASON_NOT_RTP;

	if (rtp->kind != RTP_KIND_RTP)
		return NATTRAV_DROP_REASON_NOT_RTP;

	if (latch->check_payload_type &&
	    !(latch->payload_types[rtp->payload_type / 8] >> rtp->payload_type % 8 & 1))
		return NATTRAV_DROP_REASON_PAYLOAD_TYPE;

	return LATCH_ACCEPT;
}

static int latch_check_partial(const struct latch *latch, const union nf_inet_addr *rtp_peer,
			       const struct latch_packet *packet, __u64 now)
{
	const union nf_inet_addr *addr = &packet->source.addr;

	if (!latch_has_source(latch, addr))
		return NATTRAV_DROP_REASON_OUTSIDE_PREFIX;

	if (!latch_addr_possible(addr, latch->family) || !packet->source.port)
		return NATTRAV_DROP_REASON_BAD_SOURCE;

	if (latch->type == NATTRAV_STREAM_TYPE_RTCP) {
		if (!rtp_peer)
			return NATTRAV_DROP_REASON_RTP_PARTIAL;
		if (memcmp(rtp_peer, addr, sizeof(*addr)))
			return NATTRAV_DROP_REASON_OUTSIDE_PREFIX;
	} else if (now > latch->deadline) {
		return NATTRAV_DROP_REASON_WINDOW_CLOSED;
	}

	return latch_check_content(latch, &packet->rtp);
}

static struct latch_candidate *candidate_find(struct latch_probation *probation,
					      const struct latch_packet *packet)
{
	unsigned int i;

	for (i = 0; i < probation->used; i++) {
		struct latch_candidate *candidate = &probation->candidate[i];

		if (candidate->ssrc == packet->rtp.ssrc &&
		    source_equal(&candidate->source, &packet->source))
			return candidate;
	}

	return NULL;
}

/* Room for a new candidate: a free one, or one that has stopped, or none. */
static struct latch_candidate *candidate_room(struct latch_probation *probation, __u64 now)
{
	unsigned int i;

	for (i = 0; i < probation->used; i++)
		if (now - probation->candidate[i].last > CANDIDATE_STALE_MS)
			return &probation->candidate[i];

	if (probation->used == LATCH_CANDIDATES)
		return NULL;

	return &probation->candidate[probation->used++];
}

static bool candidates_contend(const struct latch_probation *probation, __u64 now)
{
	unsigned int i, live = 0;

	for (i = 0; i < probation->used; i++)
		if (now - probation->candidate[i].last <= CANDIDATE_STALE_MS)
			live++;

	return live > 1;
}

/*
 * Count a packet of a source on probation. Candidates stand side by side and
 * never reset each other, so that a sprayer cannot starve the real one; two of
 * them at a time make twice as many packets necessary.
 */
static int latch_check_probation(const struct latch *latch, const struct latch_packet *packet,
				 __u64 now)
{
	struct latch_probation *probation = latch->probation;
	struct latch_candidate *candidate;
	unsigned int needed = latch->probation_packets;

	/* Sequence is a notion of RTP. */
	if (needed <= 1 || !probation || latch->type != NATTRAV_STREAM_TYPE_RTP)
		return LATCH_ACCEPT;

	candidate = candidate_find(probation, packet);
	if (!candidate) {
		candidate = candidate_room(probation, now);
		if (!candidate)
			return NATTRAV_DROP_REASON_PROBATION;
		*candidate = (struct latch_candidate){
			.source = packet->source,
			.ssrc = packet->rtp.ssrc,
			.next_seq = packet->rtp.seq,
		};
	}

	candidate->packets = packet->rtp.seq == candidate->next_seq ? candidate->packets + 1 : 1;
	candidate->next_seq = (__u16)(packet->rtp.seq + 1);
	candidate->last = now;

	if (candidates_contend(probation, now))
		probation->contended = true;
	if (probation->contended)
		needed *= 2;

	return candidate->packets >= needed ? LATCH_ACCEPT : NATTRAV_DROP_REASON_PROBATION;
}

/* At most so many within any 60 seconds, wherever a minute of the clock begins. */
static bool rebind_allowed(struct latch *latch, __u64 now)
{
	if (latch->rebinds == LATCH_REBINDS) {
		if ((__u32)now - latch->rebound[0] < MINUTE_MS)
			return false;
		memmove(latch->rebound, latch->rebound + 1,
			sizeof(latch->rebound) - sizeof(latch->rebound[0]));
		latch->rebinds--;
	}

	latch->rebound[latch->rebinds++] = (__u32)now;
	return true;
}

/*
 * Whether the peer itself comes from another port or address, since its NAT has
 * forgotten it: the old source silent, the same prefix, the same sender, the
 * sequence numbers going on where they stopped, for as many packets as its first
 * peer had to send. Rate-limited, since somebody who hears the stream could say
 * the same.
 */
static int latch_check_rebind(struct latch *latch, const struct latch_peer *peer,
			      const union nf_inet_addr *rtp_peer,
			      const struct latch_packet *packet, __u64 now)
{
	__u16 step = (__u16)(packet->rtp.seq - peer->max_seq);

	/* What is not RTP shows nothing to know its sender by. */
	if (latch->relatch != NATTRAV_RELATCH_REBIND || latch->type == NATTRAV_STREAM_TYPE_UDP)
		return NATTRAV_DROP_REASON_WRONG_SOURCE;

	if (now - peer->heard < REBIND_SILENCE_MS || packet->rtp.ssrc != peer->ssrc ||
	    !latch_has_source(latch, &packet->source.addr) ||
	    !latch_addr_possible(&packet->source.addr, latch->family) || !packet->source.port ||
	    latch_check_content(latch, &packet->rtp) != LATCH_ACCEPT)
		return NATTRAV_DROP_REASON_WRONG_SOURCE;

	if (latch->type == NATTRAV_STREAM_TYPE_RTCP) {
		if (!rtp_peer || memcmp(rtp_peer, &packet->source.addr, sizeof(*rtp_peer)))
			return NATTRAV_DROP_REASON_WRONG_SOURCE;
	} else if (!step || step > REBIND_SEQ_MAX) {
		return NATTRAV_DROP_REASON_WRONG_SOURCE;
	}

	if (latch_check_probation(latch, packet, now) != LATCH_ACCEPT)
		return NATTRAV_DROP_REASON_PROBATION;

	return rebind_allowed(latch, now) ? LATCH_REBIND : NATTRAV_DROP_REASON_WRONG_SOURCE;
}

/* Who asks for the leg next does so on his own account. */
static int latch_decided(struct latch *latch, int verdict)
{
	if ((verdict == LATCH_ACCEPT || verdict == LATCH_REBIND) && latch->probation)
		memset(latch->probation, 0, sizeof(*latch->probation));

	return verdict;
}

/* Whether a source may become the peer where there is none, or none to keep. */
static int latch_check_new(const struct latch *latch, const union nf_inet_addr *rtp_peer,
			   const struct latch_packet *packet, __u64 now)
{
	int verdict = latch_check_partial(latch, rtp_peer, packet, now);

	return verdict == LATCH_ACCEPT ? latch_check_probation(latch, packet, now) : verdict;
}

/* A newer generation is asked for, or the RTP that this RTCP belongs to has moved. */
static bool latch_is_reopened(const struct latch *latch, const struct latch_peer *peer,
			      const union nf_inet_addr *rtp_peer)
{
	if (latch->generation != latch->latched_generation)
		return true;

	return latch->type == NATTRAV_STREAM_TYPE_RTCP && rtp_peer &&
	       memcmp(rtp_peer, &peer->source.addr, sizeof(*rtp_peer));
}

/**
 * latch_check() - what a packet means for the leg that it came to
 * @latch: the leg's policy and state
 * @peer: the leg's present peer, NULL if the leg is partial
 * @rtp_peer: for RTCP, the address that the RTP leg completed with, NULL if it
 *	has not; ignored for RTP
 * @packet: the packet
 * @now: the time in ms, on the clock of @latch->deadline
 *
 * A leg that has a peer keeps it (RFC 7362 section 4 step 6), with two
 * exceptions: the controller has asked for a newer generation, then the same
 * rules as for a partial leg decide while the old peer goes on being served;
 * or the peer was rebound by its NAT, see latch_check_rebind().
 *
 * RTCP has no window of its own. Its first packet may come many seconds after
 * the first RTP packet (RFC 3550 6.2), and what RTP accepted is the stricter
 * test. For the same reason it follows when its RTP has moved to another
 * address.
 *
 * Return: LATCH_ACCEPT, LATCH_REBIND, LATCH_PEER, or the enum
 * nattrav_drop_reason to drop the packet for.
 */
int latch_check(struct latch *latch, const struct latch_peer *peer,
		const union nf_inet_addr *rtp_peer, const struct latch_packet *packet, __u64 now)
{
	int verdict;

	if (!peer)
		return latch_decided(latch, latch_check_new(latch, rtp_peer, packet, now));

	if (source_equal(&peer->source, &packet->source))
		return LATCH_PEER;

	if (latch_is_reopened(latch, peer, rtp_peer)) {
		verdict = latch_check_new(latch, rtp_peer, packet, now);
		if (verdict == LATCH_ACCEPT || verdict == NATTRAV_DROP_REASON_PROBATION)
			return latch_decided(latch, verdict);
	}

	return latch_decided(latch, latch_check_rebind(latch, peer, rtp_peer, packet, now));
}
