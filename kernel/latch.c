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

/**
 * latch_addr_possible() - whether an address can be that of a terminal at all
 * @addr: the address
 * @family: its family
 *
 * Refuses what RFC 6890 knows as no unicast source on a network: this host
 * (0/8), loopback, link-local, multicast, reserved and broadcast. Whether it
 * is an address of this very host is for the caller to find out.
 */
bool latch_addr_possible(const union nf_inet_addr *addr, __u8 family)
{
	__u32 ip = ntohl(addr->ip);

	if (family != AF_INET)
		return false;

	return ip >> 24 != 0 && ip >> 24 != 127 && ip >> 16 != 0xa9fe && ip < 0xe0000000;
}

/* Whether what the packet carries may complete a leg; the drop reason if not. */
static int latch_check_content(const struct latch *latch, const struct rtp_summary *rtp)
{
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

/**
 * latch_check() - what a packet means for the leg that it came to
 * @latch: the leg's policy
 * @peer: the leg's present peer, NULL if the leg is partial
 * @rtp_peer: for RTCP, the address that the RTP leg completed with, NULL if it
 *	has not; ignored for RTP
 * @packet: the packet
 * @now: the time in ms, on the clock of @latch->deadline
 *
 * A leg that has a peer keeps it (RFC 7362 section 4 step 6), unless the
 * controller has asked for a newer generation: then the same rules as for a
 * partial leg decide, while the old peer goes on being served.
 *
 * RTCP has no window of its own. Its first packet may come many seconds after
 * the first RTP packet (RFC 3550 6.2), and what RTP accepted is the stricter
 * test.
 *
 * Return: LATCH_ACCEPT, LATCH_PEER, or the enum nattrav_drop_reason to drop
 * the packet for.
 */
int latch_check(const struct latch *latch, const struct latch_source *peer,
		const union nf_inet_addr *rtp_peer, const struct latch_packet *packet, __u64 now)
{
	int verdict;

	if (!peer)
		return latch_check_partial(latch, rtp_peer, packet, now);

	if (source_equal(peer, &packet->source))
		return LATCH_PEER;

	if (latch->generation == latch->latched_generation)
		return NATTRAV_DROP_REASON_WRONG_SOURCE;

	verdict = latch_check_partial(latch, rtp_peer, packet, now);
	return verdict == LATCH_ACCEPT ? LATCH_ACCEPT : NATTRAV_DROP_REASON_WRONG_SOURCE;
}
