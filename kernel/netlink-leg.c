// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the legs of a request: policy, peer, port. Reading may fail and
 * changes nothing; applying cannot.
 */
#include <linux/slab.h>

#include "netlink.h"

/* Packets in sequence that make a peer where more than one address may. */
#define PROBATION_WIDE 4

/* The value of the dscp attribute that is no code point. */
#define DSCP_CARRIED 64

/* All addresses of a leg have one family; the first one met sets it. */
static int family_agree(struct nattrav_leg_request *req, u8 family, const struct nlattr *attr,
			struct netlink_ext_ack *extack)
{
	if (family == AF_UNSPEC)
		return 0;

	if (req->family == AF_UNSPEC)
		req->family = family;
	if (req->family == family)
		return 0;

	NL_SET_ERR_MSG_ATTR(extack, attr, "address family differs from that of the leg");
	return -EAFNOSUPPORT;
}

static int family_parse(struct nattrav_leg_request *req, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = req->tb[NATTRAV_A_LEG_FAMILY];

	if (!attr)
		return 0;

	return family_agree(req, nla_get_u32(attr) == NATTRAV_FAMILY_IPV6 ? AF_INET6 : AF_INET,
			    attr, extack);
}

static int prefix_parse(struct nattrav_leg_request *req, struct latch_prefix *prefix,
			struct nlattr *nest, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_PREFIX_MAX + 1];
	u8 family;
	int err;

	err = nla_parse_nested(tb, NATTRAV_A_PREFIX_MAX, nest, nattrav_prefix_nl_policy, extack);
	if (err)
		return err;

	err = nattrav_get_addr(&prefix->addr, &family, tb[NATTRAV_A_PREFIX_IPV4],
			       tb[NATTRAV_A_PREFIX_IPV6], extack);
	if (err)
		return err;

	if (family == AF_UNSPEC || NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_PREFIX_LEN)) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a prefix needs an address and a length");
		return -EINVAL;
	}

	prefix->len = nla_get_u8(tb[NATTRAV_A_PREFIX_LEN]);
	if (prefix->len > (family == AF_INET ? 32 : 128)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_PREFIX_LEN],
				    "prefix length is at most 32 for IPv4 and 128 for IPv6");
		return -EINVAL;
	}

	return family_agree(req, family, nest, extack);
}

static int prefixes_parse(struct nattrav_leg_request *req, struct nlattr *nest,
			  struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	int err, rem;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != NATTRAV_A_LEG_PREFIX)
			continue;
		if (req->prefixes == NATTRAV_PREFIX_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "a leg has at most two latch prefixes");
			return -E2BIG;
		}
		err = prefix_parse(req, &req->prefix[req->prefixes], attr, extack);
		if (err)
			return err;
		req->prefixes++;
	}

	return 0;
}

/**
 * struct peer_attrs - the attributes that a peer is given in
 * @ipv4: its address
 * @ipv6: in place of @ipv4
 * @port: its port
 */
struct peer_attrs {
	int ipv4;
	int ipv6;
	int port;
};

static const struct peer_attrs peer_attrs = {
	.ipv4 = NATTRAV_A_LEG_PEER_IPV4,
	.ipv6 = NATTRAV_A_LEG_PEER_IPV6,
	.port = NATTRAV_A_LEG_PEER_PORT,
};

static const struct peer_attrs rtcp_peer_attrs = {
	.ipv4 = NATTRAV_A_LEG_RTCP_PEER_IPV4,
	.ipv6 = NATTRAV_A_LEG_RTCP_PEER_IPV6,
	.port = NATTRAV_A_LEG_RTCP_PEER_PORT,
};

static int peer_parse(struct nattrav_leg_request *req, struct net *net, struct nlattr *nest,
		      const struct peer_attrs *attrs, struct nattrav_peer_request *given,
		      bool fresh, struct netlink_ext_ack *extack)
{
	struct nlattr **tb = req->tb, *attr = tb[attrs->ipv4] ?: tb[attrs->ipv6];
	struct latch_source peer;
	u8 family;
	int err;

	if (!attr && !tb[attrs->port])
		return 0;

	err = nattrav_get_addr(&peer.addr, &family, tb[attrs->ipv4], tb[attrs->ipv6], extack);
	if (err)
		return err;

	if (!attr)
		NL_REQ_ATTR_CHECK(extack, nest, tb, attrs->ipv4);
	if (!attr || NL_REQ_ATTR_CHECK(extack, nest, tb, attrs->port)) {
		NL_SET_ERR_MSG(extack, "a peer needs an address and a port");
		return -EINVAL;
	}

	err = family_agree(req, family, attr, extack);
	if (err)
		return err;

	peer.port = nla_get_be16(tb[attrs->port]);
	if (!peer.port) {
		NL_SET_ERR_MSG_ATTR(extack, tb[attrs->port], "port 0 is no port");
		return -EINVAL;
	}
	if (nattrav_peer_check(net, &peer, family)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "no peer can have this address: it is loopback, link-local, multicast, broadcast, reserved, or this host's own");
		return -EADDRNOTAVAIL;
	}

	given->source = peer;
	if (fresh)
		return 0;

	given->spare = kzalloc(sizeof(*given->spare), GFP_KERNEL_ACCOUNT);
	return given->spare ? 0 : -ENOMEM;
}

/* What a peer has sent so far. RTCP has no sequence numbers. */
static int sender_parse(struct nlattr *const *tb, u8 type, struct netlink_ext_ack *extack)
{
	struct nlattr *ssrc = tb[NATTRAV_A_LEG_SSRC], *seq = tb[NATTRAV_A_LEG_SEQUENCE];
	bool rtp = type == NATTRAV_STREAM_TYPE_RTP;

	if (!ssrc && !seq)
		return 0;

	if (!ssrc || type == NATTRAV_STREAM_TYPE_UDP || rtp != !!seq) {
		NL_SET_ERR_MSG_ATTR(extack, ssrc ?: seq,
				    "RTP has an SSRC and a sequence, RTCP an SSRC");
		return -EINVAL;
	}
	if (seq && nla_get_u32(seq) > U16_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, seq, "a sequence number is 65535 at most");
		return -ERANGE;
	}

	return 0;
}

/* The peers of a leg and of its RTCP, and what is known of what they have sent. */
static int peers_parse(struct nattrav_leg_request *req, struct net *net, struct nlattr *nest,
		       const struct nattrav_leg *leg, bool fresh, struct netlink_ext_ack *extack)
{
	struct nlattr *const *tb = req->tb;
	struct nlattr *attr;
	int err;

	err = peer_parse(req, net, nest, &peer_attrs, &req->peer, fresh, extack);
	if (!err)
		err = peer_parse(req, net, nest, &rtcp_peer_attrs, &req->rtcp_peer, fresh, extack);
	if (err)
		return err;

	attr = tb[NATTRAV_A_LEG_LATCHED_GENERATION] ?: tb[NATTRAV_A_LEG_SSRC] ?:
	       tb[NATTRAV_A_LEG_SEQUENCE] ?: tb[NATTRAV_A_LEG_RTCP_PEER_PORT];
	if (attr && !req->peer.source.port) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "this goes with a peer");
		return -EINVAL;
	}
	if (req->rtcp_peer.source.port && !nattrav_leg_stream(leg)->tied) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_LEG_RTCP_PEER_PORT],
				    "this goes with the rtcp flag");
		return -EINVAL;
	}

	return sender_parse(tb, leg->type, extack);
}

static int local_parse(struct nattrav_leg_request *req, struct netlink_ext_ack *extack)
{
	struct nlattr *const *tb = req->tb;
	union nf_inet_addr local;
	u8 family;
	int err;

	err = nattrav_get_addr(&local, &family, tb[NATTRAV_A_LEG_LOCAL_IPV4],
			       tb[NATTRAV_A_LEG_LOCAL_IPV6], extack);
	if (err)
		return err;

	return family_agree(req, family,
			    tb[NATTRAV_A_LEG_LOCAL_IPV4] ?: tb[NATTRAV_A_LEG_LOCAL_IPV6], extack);
}

static bool prefixes_wide(const struct nattrav_leg_request *req)
{
	unsigned int i;

	for (i = 0; i < req->prefixes; i++)
		if (req->prefix[i].len < (req->family == AF_INET6 ? 128 : 32))
			return true;

	return !req->prefixes;
}

/*
 * A leg that the request leaves with the prefixes it has keeps its probation,
 * too; a new one has none of either.
 */
static int probation_parse(struct nattrav_leg_request *req, bool fresh)
{
	if (req->tb[NATTRAV_A_LEG_PROBATION])
		req->probation_packets = max_t(u8, nla_get_u8(req->tb[NATTRAV_A_LEG_PROBATION]), 1);
	else if (req->prefixes || fresh)
		req->probation_packets = prefixes_wide(req) ? PROBATION_WIDE : 1;

	if (req->probation_packets <= 1)
		return 0;

	req->probation = kzalloc(sizeof(*req->probation), GFP_KERNEL_ACCOUNT);
	return req->probation ? 0 : -ENOMEM;
}

static int clock_rate_parse(const struct nattrav_leg_request *req, struct netlink_ext_ack *extack)
{
	struct nlattr *attr = req->tb[NATTRAV_A_LEG_CLOCK_RATE];

	if (attr && (!nla_get_u32(attr) || nla_get_u32(attr) > 1000000)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "an RTP clock has 1 to 1000000 Hz");
		return -ERANGE;
	}

	return 0;
}

/**
 * nattrav_leg_parse() - read what a request says of a leg
 * @req: zeroed; nattrav_leg_request_release() must follow, on failure too
 * @net: the network namespace
 * @nest: the leg, NULL if the request does not name it
 * @leg: the leg that it is about
 * @fresh: whether the leg is new
 * @extack: told what is wrong
 *
 * Return: 0 or -errno.
 */
int nattrav_leg_parse(struct nattrav_leg_request *req, struct net *net, struct nlattr *nest,
		      const struct nattrav_leg *leg, bool fresh, struct netlink_ext_ack *extack)
{
	int err;

	if (!nest)
		return fresh ? probation_parse(req, true) : 0;

	err = nla_parse_nested(req->tb, NATTRAV_A_LEG_MAX, nest, nattrav_leg_nl_policy, extack);
	if (!err)
		err = nattrav_attrs_only(req->tb, NATTRAV_A_LEG_MAX,
					 fresh ? NATTRAV_LEG_NEW_ATTRS : NATTRAV_LEG_POLICY_ATTRS,
					 extack);
	if (err)
		return err;

	if (!fresh)
		req->family = leg->family;
	err = family_parse(req, extack);
	if (!err)
		err = local_parse(req, extack);
	if (!err)
		err = prefixes_parse(req, nest, extack);
	if (!err)
		err = peers_parse(req, net, nest, leg, fresh, extack);
	if (!err)
		err = clock_rate_parse(req, extack);
	if (!err)
		err = probation_parse(req, fresh);

	return err;
}

/**
 * nattrav_leg_request_release() - free what was read and not applied
 * @req: the request
 */
void nattrav_leg_request_release(struct nattrav_leg_request *req)
{
	kfree(req->peer.spare);
	req->peer.spare = NULL;
	kfree(req->rtcp_peer.spare);
	req->rtcp_peer.spare = NULL;
	kfree(req->probation);
	req->probation = NULL;
}

/* The policy part of a request; the caller holds the leg's lock. */
static void media_apply_policy(struct nattrav_leg *leg, struct nattrav_leg_request *req)
{
	struct nattrav_session *session = nattrav_leg_media(leg);
	struct latch *latch = &session->latch[leg->side];
	struct nlattr *const *tb = req->tb;

	if (req->prefixes) {
		memcpy(latch->prefix, req->prefix, sizeof(latch->prefix));
		latch->prefixes = req->prefixes;
	}
	if (tb[NATTRAV_A_LEG_PAYLOAD_TYPES]) {
		nla_memcpy(latch->payload_types, tb[NATTRAV_A_LEG_PAYLOAD_TYPES],
			   sizeof(latch->payload_types));
		latch->check_payload_type = true;
	}
	if (tb[NATTRAV_A_LEG_WINDOW])
		latch->window = nla_get_u32(tb[NATTRAV_A_LEG_WINDOW]);
	latch->deadline = nattrav_now_ms() + (tb[NATTRAV_A_LEG_WINDOW_LEFT] ?
					      nla_get_u32(tb[NATTRAV_A_LEG_WINDOW_LEFT]) :
					      latch->window);
	if (tb[NATTRAV_A_LEG_GENERATION])
		latch->generation = nla_get_u32(tb[NATTRAV_A_LEG_GENERATION]);
	if (tb[NATTRAV_A_LEG_RELATCH])
		latch->relatch = nla_get_u32(tb[NATTRAV_A_LEG_RELATCH]);
	if (tb[NATTRAV_A_LEG_CLOCK_RATE])
		session->clock_rate[leg->side] = nla_get_u32(tb[NATTRAV_A_LEG_CLOCK_RATE]);
	if (tb[NATTRAV_A_LEG_MANY_SSRC]) {
		bool many = nla_get_u8(tb[NATTRAV_A_LEG_MANY_SSRC]);

		/* packets read the bits beside it, which do not change */
		data_race((leg->many_ssrc = many, many));
	}
	if (req->probation_packets) {
		latch->probation_packets = req->probation_packets;
		swap(latch->probation, req->probation);
	}
}

/* What RTCP has of its own; the rest of its policy is that of its RTP. */
static void rtcp_apply_policy(struct nattrav_leg *leg, const struct nattrav_leg_request *req)
{
	struct nattrav_rtcp_leg *own = nattrav_leg_rtcp(leg);
	struct nlattr *const *tb = req->tb;

	if (tb[NATTRAV_A_LEG_GENERATION])
		own->generation = nla_get_u32(tb[NATTRAV_A_LEG_GENERATION]);
	if (tb[NATTRAV_A_LEG_RELATCH])
		own->relatch = nla_get_u32(tb[NATTRAV_A_LEG_RELATCH]);
}

static void leg_apply_policy(struct nattrav_leg *leg, struct nattrav_leg_request *req)
{
	struct nlattr *const *tb = req->tb;

	if (leg->type == NATTRAV_STREAM_TYPE_RTCP)
		rtcp_apply_policy(leg, req);
	else
		media_apply_policy(leg, req);

	if (tb[NATTRAV_A_LEG_RATE]) {
		leg->rate = nla_get_u32(tb[NATTRAV_A_LEG_RATE]);
		leg->tokens = leg->rate;
		leg->tokens_at = jiffies;
	}
	if (tb[NATTRAV_A_LEG_DSCP])
		WRITE_ONCE(leg->dscp,
			   (nla_get_u8(tb[NATTRAV_A_LEG_DSCP]) + 1) % (DSCP_CARRIED + 1));
}

/* The sender that a request names, or one that is not the one before. */
static void media_apply_sender(struct nattrav_leg *leg, struct nlattr *const *tb)
{
	struct nattrav_session *session = nattrav_leg_media(leg);
	struct rtp_source *source = &session->rtp[leg->side];
	u16 seq = 0;

	rtp_source_end(source);
	if (tb[NATTRAV_A_LEG_LATCHED_GENERATION])
		session->latch[leg->side].latched_generation =
			nla_get_u32(tb[NATTRAV_A_LEG_LATCHED_GENERATION]);
	if (tb[NATTRAV_A_LEG_SEQUENCE])
		seq = nla_get_u32(tb[NATTRAV_A_LEG_SEQUENCE]);
	if (tb[NATTRAV_A_LEG_SSRC])
		rtp_source_resume(source, nla_get_u32(tb[NATTRAV_A_LEG_SSRC]), seq,
				  nattrav_rtp_ms(ktime_get_ns()));
}

static void rtcp_apply_sender(struct nattrav_leg *leg, struct nlattr *const *tb)
{
	struct nattrav_rtcp_leg *own = nattrav_leg_rtcp(leg);

	own->heard = tb[NATTRAV_A_LEG_SSRC];
	if (tb[NATTRAV_A_LEG_SSRC])
		own->ssrc = nla_get_u32(tb[NATTRAV_A_LEG_SSRC]);
	if (tb[NATTRAV_A_LEG_LATCHED_GENERATION])
		own->latched_generation = nla_get_u32(tb[NATTRAV_A_LEG_LATCHED_GENERATION]);
}

/* The peer that a request gives; the caller holds the leg's lock. */
static void leg_apply_peer(struct nattrav_leg *leg, struct nlattr *const *tb,
			   struct nattrav_peer_request *given)
{
	if (!given->source.port)
		return;

	nattrav_path_replace(leg, &given->source, &given->spare);
	if (leg->type == NATTRAV_STREAM_TYPE_RTCP)
		rtcp_apply_sender(leg, tb);
	else
		media_apply_sender(leg, tb);
}

/**
 * nattrav_leg_apply() - do what a request says; cannot fail
 * @leg: the leg; the caller holds the lock of its network namespace
 * @req: the request; what it has allocated goes over to the leg as needed
 */
void nattrav_leg_apply(struct nattrav_leg *leg, struct nattrav_leg_request *req)
{
	struct nattrav_stream *tied = nattrav_stream_tied(nattrav_leg_stream(leg));

	spin_lock_bh(&leg->lock);
	leg_apply_policy(leg, req);
	leg_apply_peer(leg, req->tb, &req->peer);
	spin_unlock_bh(&leg->lock);

	/* RTCP goes where its RTP goes; both have the same SSRC (RFC 3550 5.1, 6.4). */
	if (tied && tied->type == NATTRAV_STREAM_TYPE_RTCP) {
		leg = &tied->leg[leg->side];
		spin_lock_bh(&leg->lock);
		leg_apply_policy(leg, req);
		leg_apply_peer(leg, req->tb, &req->rtcp_peer);
		spin_unlock_bh(&leg->lock);
	}
}
