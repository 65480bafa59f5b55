// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink operations on streams. Each request is handled in two phases
 * under nattrav_net.lock: the first reads and reserves everything and may
 * fail, the second publishes and cannot.
 */
#include <linux/slab.h>

#include "netlink.h"

#define LEG_POLICY_ATTRS						\
	(BIT_ULL(NATTRAV_A_LEG_PEER_IPV4) | BIT_ULL(NATTRAV_A_LEG_PEER_PORT) |	\
	 BIT_ULL(NATTRAV_A_LEG_PREFIX) | BIT_ULL(NATTRAV_A_LEG_PAYLOAD_TYPES) |	\
	 BIT_ULL(NATTRAV_A_LEG_WINDOW) | BIT_ULL(NATTRAV_A_LEG_GENERATION))
#define LEG_NEW_ATTRS							\
	(LEG_POLICY_ATTRS | BIT_ULL(NATTRAV_A_LEG_REALM) |			\
	 BIT_ULL(NATTRAV_A_LEG_LOCAL_IPV4) | BIT_ULL(NATTRAV_A_LEG_LOCAL_PORT))

/**
 * struct leg_request - what a request says of a leg
 * @tb: its attributes; all NULL if the request does not name the leg
 * @prefix: latch prefixes
 * @prefixes: how many there are
 * @path: path to the peer that the request gives, or NULL
 */
struct leg_request {
	struct nlattr *tb[NATTRAV_A_LEG_MAX + 1];
	struct latch_prefix prefix[NATTRAV_PREFIX_MAX];
	unsigned int prefixes;
	struct nattrav_path *path;
};

static int prefix_parse(struct latch_prefix *prefix, struct nlattr *nest,
			struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_PREFIX_MAX + 1];
	int err;

	err = nla_parse_nested(tb, NATTRAV_A_PREFIX_MAX, nest, nattrav_prefix_nl_policy, extack);
	if (err)
		return err;

	if (NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_PREFIX_IPV4) ||
	    NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_PREFIX_LEN)) {
		NL_SET_ERR_MSG(extack, "a prefix needs an address and a length");
		return -EINVAL;
	}

	prefix->addr.ip = nla_get_in_addr(tb[NATTRAV_A_PREFIX_IPV4]);
	prefix->len = nla_get_u8(tb[NATTRAV_A_PREFIX_LEN]);
	if (prefix->len > 32) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_PREFIX_LEN],
				    "prefix length of an IPv4 address is at most 32");
		return -EINVAL;
	}

	return 0;
}

static int prefixes_parse(struct leg_request *req, struct nlattr *nest,
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
		err = prefix_parse(&req->prefix[req->prefixes], attr, extack);
		if (err)
			return err;
		req->prefixes++;
	}

	return 0;
}

static int peer_parse(struct leg_request *req, struct net *net, struct nlattr *nest,
		      struct netlink_ext_ack *extack)
{
	struct nlattr **tb = req->tb;
	struct latch_source peer = {};

	if (!tb[NATTRAV_A_LEG_PEER_IPV4] && !tb[NATTRAV_A_LEG_PEER_PORT])
		return 0;

	if (NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_LEG_PEER_IPV4) ||
	    NL_REQ_ATTR_CHECK(extack, nest, tb, NATTRAV_A_LEG_PEER_PORT)) {
		NL_SET_ERR_MSG(extack, "a peer needs an address and a port");
		return -EINVAL;
	}

	peer.addr.ip = nla_get_in_addr(tb[NATTRAV_A_LEG_PEER_IPV4]);
	peer.port = nla_get_be16(tb[NATTRAV_A_LEG_PEER_PORT]);
	if (!peer.port) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_LEG_PEER_PORT], "port 0 is no port");
		return -EINVAL;
	}
	if (nattrav_peer_check(net, &peer)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_LEG_PEER_IPV4],
				    "no peer can have this address: it is loopback, link-local, multicast, broadcast, reserved, or this host's own");
		return -EADDRNOTAVAIL;
	}

	req->path = nattrav_path_alloc(&peer, GFP_KERNEL_ACCOUNT);
	return req->path ? 0 : -ENOMEM;
}

/* On failure too, leg_request_release() must follow. */
static int leg_parse(struct leg_request *req, struct net *net, struct nlattr *nest, u64 allowed,
		     struct netlink_ext_ack *extack)
{
	int err;

	if (!nest)
		return 0;

	err = nla_parse_nested(req->tb, NATTRAV_A_LEG_MAX, nest, nattrav_leg_nl_policy, extack);
	if (err)
		return err;

	err = nattrav_attrs_only(req->tb, NATTRAV_A_LEG_MAX, allowed, extack);
	if (err)
		return err;

	err = prefixes_parse(req, nest, extack);
	if (err)
		return err;

	return peer_parse(req, net, nest, extack);
}

static void leg_request_release(struct leg_request *req)
{
	nattrav_path_free(req->path);
	req->path = NULL;
}

/* The policy part of a request; the caller holds the leg's lock. */
static void leg_apply_policy(struct nattrav_leg *leg, const struct leg_request *req)
{
	struct nlattr *const *tb = req->tb;
	struct latch *latch = &leg->latch;

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
}

/* Takes over the path of the request. Cannot fail. */
static void leg_apply(struct nattrav_leg *leg, struct leg_request *req)
{
	struct nattrav_stream *tied = leg->stream->tied;

	spin_lock_bh(&leg->lock);
	leg_apply_policy(leg, req);
	if (req->path) {
		nattrav_path_replace(leg, req->path);
		leg->ssrc_known = false;
		req->path = NULL;
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

#define STREAM_SET_ATTRS						\
	(BIT_ULL(NATTRAV_A_STREAM_COOKIE) |					\
	 BIT_ULL(NATTRAV_A_STREAM_LEG_A) | BIT_ULL(NATTRAV_A_STREAM_LEG_B) |	\
	 BIT_ULL(NATTRAV_A_STREAM_TIMEOUT_PARTIAL) |				\
	 BIT_ULL(NATTRAV_A_STREAM_TIMEOUT_IDLE) |				\
	 BIT_ULL(NATTRAV_A_STREAM_TIMEOUT_MAX))
#define STREAM_NEW_ATTRS						\
	(STREAM_SET_ATTRS | BIT_ULL(NATTRAV_A_STREAM_CALL) |			\
	 BIT_ULL(NATTRAV_A_STREAM_TYPE) | BIT_ULL(NATTRAV_A_STREAM_RTCP))

static int stream_parse(struct nlattr **tb, struct nlattr *entry, u64 allowed,
			struct netlink_ext_ack *extack)
{
	int err;

	err = nla_parse_nested(tb, NATTRAV_A_STREAM_MAX, entry, nattrav_stream_nl_policy, extack);
	if (err)
		return err;

	return nattrav_attrs_only(tb, NATTRAV_A_STREAM_MAX, allowed, extack);
}

static void stream_apply(struct nattrav_stream *stream, struct nlattr *const *tb)
{
	if (tb[NATTRAV_A_STREAM_COOKIE])
		stream->cookie = nla_get_u64(tb[NATTRAV_A_STREAM_COOKIE]);
	if (tb[NATTRAV_A_STREAM_TIMEOUT_PARTIAL])
		stream->timeout_partial = nla_get_u32(tb[NATTRAV_A_STREAM_TIMEOUT_PARTIAL]);
	if (tb[NATTRAV_A_STREAM_TIMEOUT_IDLE])
		stream->timeout_idle = nla_get_u32(tb[NATTRAV_A_STREAM_TIMEOUT_IDLE]);
	if (tb[NATTRAV_A_STREAM_TIMEOUT_MAX])
		stream->timeout_max = nla_get_u32(tb[NATTRAV_A_STREAM_TIMEOUT_MAX]);
	stream->touched = get_jiffies_64();
}

static struct nattrav_stream *stream_by_id(struct nattrav_net *nn, struct nlattr *entry,
					   struct nlattr **tb,
					   struct netlink_ext_ack *extack)
{
	struct nattrav_stream *stream;

	if (NL_REQ_ATTR_CHECK(extack, entry, tb, NATTRAV_A_STREAM_ID)) {
		NL_SET_ERR_MSG(extack, "which stream: an id is needed");
		return ERR_PTR(-EINVAL);
	}

	stream = xa_load(&nn->streams, nla_get_u32(tb[NATTRAV_A_STREAM_ID]));
	if (!stream) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_ID], "no stream has this id");
		return ERR_PTR(-ENOENT);
	}

	return stream;
}

static struct nattrav_stream *stream_new_rtcp(struct nattrav_net *nn, struct nattrav_stream *rtp,
					      struct netlink_ext_ack *extack)
{
	struct nattrav_stream *rtcp;

	rtcp = nattrav_stream_alloc(nn, NATTRAV_STREAM_TYPE_RTCP, extack);
	if (IS_ERR(rtcp))
		return rtcp;

	rtp->tied = rtcp;
	rtcp->tied = rtp;
	rtcp->cookie = rtp->cookie;
	return rtcp;
}

static int leg_take_port(struct nattrav_net *nn, struct nattrav_leg *leg,
			 const struct leg_request *req, struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nattrav_stream *rtcp = leg->stream->tied;
	struct nlattr *const *tb = req->tb;
	const char *realm = NULL;
	__be32 addr = 0;
	u16 port = 0;
	int err;

	if (tb[NATTRAV_A_LEG_REALM])
		realm = nla_data(tb[NATTRAV_A_LEG_REALM]);
	if (tb[NATTRAV_A_LEG_LOCAL_IPV4])
		addr = nla_get_in_addr(tb[NATTRAV_A_LEG_LOCAL_IPV4]);
	if (tb[NATTRAV_A_LEG_LOCAL_PORT])
		port = ntohs(nla_get_be16(tb[NATTRAV_A_LEG_LOCAL_PORT]));

	err = nattrav_port_take(nn, realm, addr, port, rtcp, leg,
				rtcp ? &rtcp->leg[leg->side] : NULL, extack);
	if (!err)
		return 0;

	if (tb[NATTRAV_A_LEG_LOCAL_PORT])
		NL_SET_BAD_ATTR(extack, tb[NATTRAV_A_LEG_LOCAL_PORT]);
	else if (tb[NATTRAV_A_LEG_REALM])
		NL_SET_BAD_ATTR(extack, tb[NATTRAV_A_LEG_REALM]);
	else
		NL_SET_BAD_ATTR(extack, nest);

	return err;
}

static int leg_new(struct nattrav_net *nn, struct nattrav_leg *leg, struct nlattr *nest,
		   struct nlattr *entry, struct netlink_ext_ack *extack)
{
	struct leg_request req = {};
	int err;

	err = leg_parse(&req, nn->net, nest, LEG_NEW_ATTRS, extack);
	if (!err)
		err = leg_take_port(nn, leg, &req, nest ?: entry, extack);
	if (!err)
		leg_apply(leg, &req);

	leg_request_release(&req);
	return err;
}

static void stream_discard(struct nattrav_net *nn, struct nattrav_stream *stream)
{
	if (stream->tied)
		nattrav_stream_discard(nn, stream->tied);
	nattrav_stream_discard(nn, stream);
}

/* A stream with all that it needs, and its RTCP; not published yet. */
static struct nattrav_stream *stream_new(struct nattrav_net *nn, struct nlattr *entry,
					 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	struct nattrav_stream *stream, *rtcp = NULL;
	int err;

	err = stream_parse(tb, entry, STREAM_NEW_ATTRS, extack);
	if (err)
		return ERR_PTR(err);

	if (tb[NATTRAV_A_STREAM_TYPE] &&
	    nla_get_u32(tb[NATTRAV_A_STREAM_TYPE]) == NATTRAV_STREAM_TYPE_RTCP) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_TYPE],
				    "RTCP is made with the rtcp flag of its RTP stream");
		return ERR_PTR(-EINVAL);
	}

	stream = nattrav_stream_alloc(nn, NATTRAV_STREAM_TYPE_RTP, extack);
	if (IS_ERR(stream))
		return stream;

	stream_apply(stream, tb);
	if (tb[NATTRAV_A_STREAM_RTCP]) {
		rtcp = stream_new_rtcp(nn, stream, extack);
		err = PTR_ERR_OR_ZERO(rtcp);
	}
	if (!err && tb[NATTRAV_A_STREAM_CALL]) {
		err = nattrav_stream_name(nn, stream, nla_data(tb[NATTRAV_A_STREAM_CALL]));
		if (!err && rtcp)
			err = nattrav_stream_name(nn, rtcp, stream->call);
	}
	if (!err)
		err = leg_new(nn, &stream->leg[NATTRAV_SIDE_A], tb[NATTRAV_A_STREAM_LEG_A], entry,
			      extack);
	if (!err)
		err = leg_new(nn, &stream->leg[NATTRAV_SIDE_B], tb[NATTRAV_A_STREAM_LEG_B], entry,
			      extack);
	if (err) {
		stream_discard(nn, stream);
		return ERR_PTR(err);
	}

	return stream;
}

/**
 * nattrav_nl_stream_new_doit() - NATTRAV_CMD_STREAM_NEW
 * @skb: the request
 * @info: the request
 *
 * Return: 0, or -errno with no stream made.
 */
int nattrav_nl_stream_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct nattrav_stream *stream, *next;
	struct nattrav_reply reply;
	struct nlattr *entry;
	LIST_HEAD(made);
	int err, rem;

	if (GENL_REQ_ATTR_CHECK(info, NATTRAV_A_STREAMS_ENTRY))
		return -EINVAL;

	nattrav_reply_init(&reply, info);
	mutex_lock(&nn->lock);

	nattrav_for_each_entry(entry, info, rem) {
		stream = stream_new(nn, entry, info->extack);
		if (IS_ERR(stream)) {
			err = PTR_ERR(stream);
			goto err_undo;
		}
		list_add_tail(&stream->removed, &made);

		err = nattrav_reply_add(&reply, nattrav_entry_put_ports, stream);
		if (!err && stream->tied)
			err = nattrav_reply_add(&reply, nattrav_entry_put_ports, stream->tied);
		if (err)
			goto err_undo;
	}

	list_for_each_entry_safe(stream, next, &made, removed) {
		list_del_init(&stream->removed);
		nattrav_stream_publish(stream);
		if (stream->tied)
			nattrav_stream_publish(stream->tied);
	}
	nattrav_gc_kick(nn);
	mutex_unlock(&nn->lock);

	return nattrav_reply_send(&reply);

err_undo:
	list_for_each_entry_safe(stream, next, &made, removed)
		stream_discard(nn, stream);
	mutex_unlock(&nn->lock);
	nattrav_reply_drop(&reply);
	return err;
}

/**
 * struct change - what an entry of stream-set asks for
 * @list: in the batch
 * @stream: the stream
 * @tb: attributes of the entry
 * @leg: what it says of the legs
 */
struct change {
	struct list_head list;
	struct nattrav_stream *stream;
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	struct leg_request leg[2];
};

static void change_free(struct change *change)
{
	list_del(&change->list);
	leg_request_release(&change->leg[NATTRAV_SIDE_A]);
	leg_request_release(&change->leg[NATTRAV_SIDE_B]);
	kfree(change);
}

static int change_parse(struct change *change, struct nattrav_net *nn, struct nlattr *entry,
			struct netlink_ext_ack *extack)
{
	int err;

	err = stream_parse(change->tb, entry, STREAM_SET_ATTRS | BIT_ULL(NATTRAV_A_STREAM_ID),
			   extack);
	if (err)
		return err;

	change->stream = stream_by_id(nn, entry, change->tb, extack);
	if (IS_ERR(change->stream))
		return PTR_ERR(change->stream);

	err = leg_parse(&change->leg[NATTRAV_SIDE_A], nn->net, change->tb[NATTRAV_A_STREAM_LEG_A],
			LEG_POLICY_ATTRS, extack);
	if (err)
		return err;

	return leg_parse(&change->leg[NATTRAV_SIDE_B], nn->net,
			 change->tb[NATTRAV_A_STREAM_LEG_B], LEG_POLICY_ATTRS, extack);
}

static void change_apply(struct change *change)
{
	struct nattrav_stream *stream = change->stream;

	stream_apply(stream, change->tb);
	if (change->tb[NATTRAV_A_STREAM_LEG_A])
		leg_apply(&stream->leg[NATTRAV_SIDE_A], &change->leg[NATTRAV_SIDE_A]);
	if (change->tb[NATTRAV_A_STREAM_LEG_B])
		leg_apply(&stream->leg[NATTRAV_SIDE_B], &change->leg[NATTRAV_SIDE_B]);
}

/**
 * nattrav_nl_stream_set_doit() - NATTRAV_CMD_STREAM_SET
 * @skb: the request
 * @info: the request
 *
 * Return: 0, or -errno with no stream changed.
 */
int nattrav_nl_stream_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct change *change, *next;
	struct nlattr *entry;
	LIST_HEAD(changes);
	int err = 0, rem;

	if (GENL_REQ_ATTR_CHECK(info, NATTRAV_A_STREAMS_ENTRY))
		return -EINVAL;

	mutex_lock(&nn->lock);

	nattrav_for_each_entry(entry, info, rem) {
		change = kzalloc(sizeof(*change), GFP_KERNEL);
		if (!change) {
			err = -ENOMEM;
			goto out;
		}
		list_add_tail(&change->list, &changes);
		err = change_parse(change, nn, entry, info->extack);
		if (err)
			goto out;
	}

	list_for_each_entry(change, &changes, list)
		change_apply(change);

out:
	list_for_each_entry_safe(change, next, &changes, list)
		change_free(change);
	mutex_unlock(&nn->lock);

	return err;
}

/* An RTP stream stands for its RTCP as well. */
static void stream_doom(struct nattrav_stream *stream, struct list_head *doomed)
{
	if (stream->type == NATTRAV_STREAM_TYPE_RTCP && stream->tied)
		stream = stream->tied;
	if (list_empty(&stream->removed))
		list_add_tail(&stream->removed, doomed);
}

static int doom_entry(struct nattrav_net *nn, struct nlattr *entry, struct list_head *doomed,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	struct rhlist_head *call, *pos;
	struct nattrav_stream *stream;
	int err;

	err = stream_parse(tb, entry,
			   BIT_ULL(NATTRAV_A_STREAM_ID) | BIT_ULL(NATTRAV_A_STREAM_CALL), extack);
	if (err)
		return err;

	if (!tb[NATTRAV_A_STREAM_CALL]) {
		stream = stream_by_id(nn, entry, tb, extack);
		if (IS_ERR(stream))
			return PTR_ERR(stream);
		stream_doom(stream, doomed);
		return 0;
	}

	if (tb[NATTRAV_A_STREAM_ID]) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_ID],
				    "either an id or a call, not both");
		return -EINVAL;
	}

	rcu_read_lock();
	call = nattrav_call_find(nn, nla_data(tb[NATTRAV_A_STREAM_CALL]));
	rhl_for_each_entry_rcu(stream, pos, call, call_node)
		stream_doom(stream, doomed);
	rcu_read_unlock();
	if (!call) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_CALL], "no stream has this call");
		return -ENOENT;
	}

	return 0;
}

/**
 * nattrav_nl_stream_del_doit() - NATTRAV_CMD_STREAM_DEL
 * @skb: the request
 * @info: the request
 *
 * Return: 0, or -errno with no stream removed.
 */
int nattrav_nl_stream_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct nattrav_stream *stream, *next;
	struct nlattr *entry;
	LIST_HEAD(doomed);
	int err = 0, rem;

	if (GENL_REQ_ATTR_CHECK(info, NATTRAV_A_STREAMS_ENTRY))
		return -EINVAL;

	mutex_lock(&nn->lock);
	nattrav_for_each_entry(entry, info, rem) {
		err = doom_entry(nn, entry, &doomed, info->extack);
		if (err)
			break;
	}

	list_for_each_entry_safe(stream, next, &doomed, removed) {
		list_del_init(&stream->removed);
		if (!err)
			nattrav_stream_remove(nn, stream);
	}
	mutex_unlock(&nn->lock);

	return err;
}

/**
 * nattrav_nl_stream_get_doit() - NATTRAV_CMD_STREAM_GET of given streams
 * @skb: the request
 * @info: the request
 *
 * Return: 0 or -errno.
 */
int nattrav_nl_stream_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nattrav_net *nn = nattrav_pernet(genl_info_net(info));
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	struct nattrav_stream *stream;
	struct nattrav_reply reply;
	struct nlattr *entry;
	int err = 0, rem;

	if (GENL_REQ_ATTR_CHECK(info, NATTRAV_A_STREAMS_ENTRY))
		return -EINVAL;

	nattrav_reply_init(&reply, info);
	mutex_lock(&nn->lock);
	nattrav_for_each_entry(entry, info, rem) {
		err = stream_parse(tb, entry, BIT_ULL(NATTRAV_A_STREAM_ID), info->extack);
		if (err)
			break;
		stream = stream_by_id(nn, entry, tb, info->extack);
		err = PTR_ERR_OR_ZERO(stream);
		if (!err)
			err = nattrav_reply_add(&reply, nattrav_entry_put_all, stream);
		if (err)
			break;
	}
	mutex_unlock(&nn->lock);

	if (err) {
		nattrav_reply_drop(&reply);
		return err;
	}

	return nattrav_reply_send(&reply);
}

static bool stream_selected(const struct nattrav_stream *stream, struct nlattr *const *tb)
{
	if (tb[NATTRAV_A_STREAM_CALL] &&
	    (!stream->call || strcmp(stream->call, nla_data(tb[NATTRAV_A_STREAM_CALL]))))
		return false;

	return !tb[NATTRAV_A_STREAM_STATE] ||
	       nattrav_stream_complete(stream) ==
	       (nla_get_u32(tb[NATTRAV_A_STREAM_STATE]) == NATTRAV_STATE_COMPLETE);
}

static int dump_stream(struct sk_buff *skb, struct netlink_callback *cb,
		       struct nattrav_stream *stream)
{
	void *head;

	head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &nattrav_family,
			   NLM_F_MULTI, NATTRAV_CMD_STREAM_GET);
	if (!head)
		return -EMSGSIZE;

	genl_dump_check_consistent(cb, head);
	if (nattrav_entry_put_all(skb, stream)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}

	genlmsg_end(skb, head);
	return 0;
}

/**
 * nattrav_nl_stream_get_dumpit() - NATTRAV_CMD_STREAM_GET of all streams
 * @skb: the answer
 * @cb: where the last call stopped, and the filter
 *
 * The cursor is an id, so that streams may come and go between two calls: each
 * one that stays is told exactly once.
 *
 * Return: length of the answer, 0 at the end, -errno for a bad filter.
 */
int nattrav_nl_stream_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nattrav_net *nn = nattrav_pernet(sock_net(skb->sk));
	struct nlattr *filter = nattrav_dump_attrs(cb)[NATTRAV_A_STREAMS_ENTRY];
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1] = {};
	struct nattrav_stream *stream;
	unsigned long id = cb->args[0];
	int err;

	if (filter) {
		err = stream_parse(tb, filter,
				   BIT_ULL(NATTRAV_A_STREAM_CALL) | BIT_ULL(NATTRAV_A_STREAM_STATE),
				   cb->extack);
		if (err)
			return err;
	}

	mutex_lock(&nn->lock);
	cb->seq = nn->table_seq;
	xa_for_each_start(&nn->streams, id, stream, id) {
		if (stream_selected(stream, tb) && dump_stream(skb, cb, stream))
			break;
	}
	mutex_unlock(&nn->lock);
	cb->args[0] = stream ? id : ULONG_MAX;

	return skb->len;
}
