// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the legs of a request: policy, peer, port. Reading may fail and
 * changes nothing; applying cannot.
 */
#include <linux/slab.h>

#include "netlink.h"

/* Packets in sequence that make a peer where more than one address may. */
#define PROBATION_WIDE 4

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

static int peer_parse(struct nattrav_leg_request *req, struct net *net, struct nlattr *nest,
		      bool fresh, struct netlink_ext_ack *extack)
{
	struct nlattr **tb = req->tb, *attr = tb[NATTRAV_A_LEG_PEER_IPV4];
	struct latch_source peer;
	u8 family;
	int err;

	if (!attr)
		attr = tb[NATTRAV_A_LEG_PEER_IPV6];
	if (!attr && !tb[NATTRAV_A_LEG_PEER_PORT])
		return 0;

	err = nattrav_get_addr(&peer.addr, &family, tb[NATTRAV_A_LEG_PEER_IPV4],
			       tb[NATTRAV_A_LEG_PEER_IPV6], extack);
	if (err)
		return err;

	if (!attr)
		NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_LEG_PEER_IPV4);
	if (!attr || NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_LEG_PEER_PORT)) {
		NL_SET_ERR_MSG(extack, "a peer needs an address and a port");
		return -EINVAL;
	}

	err = family_agree(req, family, attr, extack);
	if (err)
		return err;

	peer.port = nla_get_be16(tb[NATTRAV_A_LEG_PEER_PORT]);
	if (!peer.port) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_LEG_PEER_PORT], "port 0 is no port");
		return -EINVAL;
	}
	if (nattrav_peer_check(net, &peer, family)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "no peer can have this address: it is loopback, link-local, multicast, broadcast, reserved, or this host's own");
		return -EADDRNOTAVAIL;
	}

	req->peer = peer;
	if (fresh)
		return 0;

	req->spare = kzalloc(sizeof(*req->spare), GFP_KERNEL_ACCOUNT);
	return req->spare ? 0 : -ENOMEM;
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
 * @leg: the leg that is to be changed, NULL if it is new
 * @extack: told what is wrong
 *
 * Return: 0 or -errno.
 */
int nattrav_leg_parse(struct nattrav_leg_request *req, struct net *net, struct nlattr *nest,
		      const struct nattrav_leg *leg, struct netlink_ext_ack *extack)
{
	int err;

	if (!nest)
		return leg ? 0 : probation_parse(req, true);

	err = nla_parse_nested(req->tb, NATTRAV_A_LEG_MAX, nest, nattrav_leg_nl_policy, extack);
	if (!err)
		err = nattrav_attrs_only(req->tb, NATTRAV_A_LEG_MAX,
					 leg ? NATTRAV_LEG_POLICY_ATTRS : NATTRAV_LEG_NEW_ATTRS,
					 extack);
	if (err)
		return err;

	if (leg)
		req->family = leg->family;
	err = family_parse(req, extack);
	if (!err)
		err = local_parse(req, extack);
	if (!err)
		err = prefixes_parse(req, nest, extack);
	if (!err)
		err = peer_parse(req, net, nest, !leg, extack);
	if (!err)
		err = clock_rate_parse(req, extack);
	if (!err)
		err = probation_parse(req, !leg);

	return err;
}

/**
 * nattrav_leg_request_release() - free what was read and not applied
 * @req: the request
 */
void nattrav_leg_request_release(struct nattrav_leg_request *req)
{
	kfree(req->spare);
	req->spare = NULL;
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
	latch->deadline = nattrav_now_ms() + latch->window;
	if (tb[NATTRAV_A_LEG_GENERATION])
		latch->generation = nla_get_u32(tb[NATTRAV_A_LEG_GENERATION]);
	if (tb[NATTRAV_A_LEG_RELATCH])
		latch->relatch = nla_get_u32(tb[NATTRAV_A_LEG_RELATCH]);
	if (tb[NATTRAV_A_LEG_CLOCK_RATE])
		session->clock_rate[leg->side] = nla_get_u32(tb[NATTRAV_A_LEG_CLOCK_RATE]);
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
	if (leg->type == NATTRAV_STREAM_TYPE_RTCP)
		rtcp_apply_policy(leg, req);
	else
		media_apply_policy(leg, req);

	if (req->tb[NATTRAV_A_LEG_RATE])
		leg->rate = nla_get_u32(req->tb[NATTRAV_A_LEG_RATE]);
}

/* A sender that is not the one before. */
static void leg_forget_sender(struct nattrav_leg *leg)
{
	if (leg->type == NATTRAV_STREAM_TYPE_RTCP)
		nattrav_leg_rtcp(leg)->heard = false;
	else
		nattrav_leg_media(leg)->rtp[leg->side].heard = false;
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
	if (req->peer.port) {
		nattrav_path_replace(leg, &req->peer, &req->spare);
		leg_forget_sender(leg);
	}
	spin_unlock_bh(&leg->lock);

	/* RTCP goes where its RTP goes. */
	if (tied && tied->type == NATTRAV_STREAM_TYPE_RTCP) {
		leg = &tied->leg[leg->side];
		spin_lock_bh(&leg->lock);
		leg_apply_policy(leg, req);
		spin_unlock_bh(&leg->lock);
	}
}
