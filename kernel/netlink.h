/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the netlink files share.
 */
#ifndef NATTRAV_NETLINK_H
#define NATTRAV_NETLINK_H

#include <net/genetlink.h>

#include "nattrav.h"
#include "netlink-gen.h"

/* Each entry nest of a request. The core has validated them all. */
#define nattrav_for_each_entry(attr, info, rem)	\
	nlmsg_for_each_attr(attr, (info)->nlhdr, GENL_HDRLEN, rem)

/**
 * struct nattrav_reply - the answer to a request, in as many messages as needed
 * @info: the request
 * @queue: messages that are full
 * @skb: the message that is being filled, or NULL
 * @head: its header
 */
struct nattrav_reply {
	struct genl_info *info;
	struct sk_buff_head queue;
	struct sk_buff *skb;
	void *head;
};

typedef int nattrav_put_fn(struct sk_buff *skb, void *object);

void nattrav_reply_init(struct nattrav_reply *reply, struct genl_info *info);
int nattrav_reply_add(struct nattrav_reply *reply, nattrav_put_fn *put, void *object);
int nattrav_reply_send(struct nattrav_reply *reply);
void nattrav_reply_drop(struct nattrav_reply *reply);

/* netlink-put.c */
int nattrav_put_addr(struct sk_buff *skb, int type4, int type6, const union nf_inet_addr *addr,
		     u8 family);
int nattrav_entry_put_ports(struct sk_buff *skb, void *object);
int nattrav_entry_put_all(struct sk_buff *skb, void *object);

/* netlink-leg.c */
#define NATTRAV_LEG_POLICY_ATTRS						\
	(BIT_ULL(NATTRAV_A_LEG_PEER_IPV4) | BIT_ULL(NATTRAV_A_LEG_PEER_IPV6) |	\
	 BIT_ULL(NATTRAV_A_LEG_PEER_PORT) | BIT_ULL(NATTRAV_A_LEG_FAMILY) |	\
	 BIT_ULL(NATTRAV_A_LEG_PREFIX) | BIT_ULL(NATTRAV_A_LEG_PAYLOAD_TYPES) |	\
	 BIT_ULL(NATTRAV_A_LEG_WINDOW) | BIT_ULL(NATTRAV_A_LEG_GENERATION) |	\
	 BIT_ULL(NATTRAV_A_LEG_PROBATION) | BIT_ULL(NATTRAV_A_LEG_RELATCH) |	\
	 BIT_ULL(NATTRAV_A_LEG_RATE) | BIT_ULL(NATTRAV_A_LEG_CLOCK_RATE))
#define NATTRAV_LEG_NEW_ATTRS							\
	(NATTRAV_LEG_POLICY_ATTRS | BIT_ULL(NATTRAV_A_LEG_REALM) |			\
	 BIT_ULL(NATTRAV_A_LEG_LOCAL_IPV4) | BIT_ULL(NATTRAV_A_LEG_LOCAL_IPV6) |	\
	 BIT_ULL(NATTRAV_A_LEG_LOCAL_PORT))

/**
 * struct nattrav_leg_request - what a request says of a leg
 * @tb: its attributes; all NULL if the request does not name the leg
 * @family: address family that all its addresses have
 * @prefix: latch prefixes
 * @prefixes: how many there are
 * @probation_packets: how many packets make a peer, 0 to leave it as it is
 * @probation: room for candidates if they are more than one, or NULL
 * @peer: the peer that the request gives; its port is 0 if it gives none
 * @spare: path to it for a leg that has one already, or NULL
 */
struct nattrav_leg_request {
	struct nlattr *tb[NATTRAV_A_LEG_MAX + 1];
	u8 family;
	struct latch_prefix prefix[NATTRAV_PREFIX_MAX];
	unsigned int prefixes;
	u8 probation_packets;
	struct latch_probation *probation;
	struct latch_source peer;
	struct nattrav_spare *spare;
};

int nattrav_leg_parse(struct nattrav_leg_request *req, struct net *net, struct nlattr *nest,
		      const struct nattrav_leg *leg, struct netlink_ext_ack *extack);
void nattrav_leg_request_release(struct nattrav_leg_request *req);
void nattrav_leg_apply(struct nattrav_leg *leg, struct nattrav_leg_request *req);

/* netlink.c */
bool nattrav_entry_missing(struct genl_info *info, int type);
int nattrav_get_addr(union nf_inet_addr *addr, u8 *family, const struct nlattr *ipv4,
		     const struct nlattr *ipv6, struct netlink_ext_ack *extack);
int nattrav_attrs_only(struct nlattr *const *tb, unsigned int max, u64 allowed,
		       struct netlink_ext_ack *extack);

#endif
