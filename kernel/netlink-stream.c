// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink operations on streams. Each request is handled in two phases
 * under nattrav_net.lock: the first reads and reserves everything and may
 * fail, the second publishes and cannot.
 */
#include <linux/slab.h>

#include "netlink.h"

#define STREAM_SET_ATTRS						\
	(BIT_ULL(NATTRAV_A_STREAM_COOKIE) |					\
	 BIT_ULL(NATTRAV_A_STREAM_LEG_A) | BIT_ULL(NATTRAV_A_STREAM_LEG_B) |	\
	 BIT_ULL(NATTRAV_A_STREAM_TIMEOUT_PARTIAL) |				\
	 BIT_ULL(NATTRAV_A_STREAM_TIMEOUT_IDLE) |				\
	 BIT_ULL(NATTRAV_A_STREAM_TIMEOUT_MAX) |				\
	 BIT_ULL(NATTRAV_A_STREAM_HOLD))
#define STREAM_NEW_ATTRS						\
	(STREAM_SET_ATTRS | BIT_ULL(NATTRAV_A_STREAM_CALL) |			\
	 BIT_ULL(NATTRAV_A_STREAM_TYPE) | BIT_ULL(NATTRAV_A_STREAM_RTCP))

/* So many streams are looked at for a dump before others may have the lock. */
#define DUMP_SLICE 1024

static const unsigned int leg_attr[] = {
	[NATTRAV_SIDE_A] = NATTRAV_A_STREAM_LEG_A,
	[NATTRAV_SIDE_B] = NATTRAV_A_STREAM_LEG_B,
};

static int stream_parse(struct nlattr **tb, struct nlattr *entry, u64 allowed,
			struct netlink_ext_ack *extack)
{
	int err;

	err = nla_parse_nested(tb, NATTRAV_A_STREAM_MAX, entry, nattrav_stream_nl_policy, extack);
	if (err)
		return err;

	return nattrav_attrs_only(tb, NATTRAV_A_STREAM_MAX, allowed, extack);
}

static void session_apply(struct nattrav_session *session, struct nlattr *const *tb)
{
	if (tb[NATTRAV_A_STREAM_COOKIE])
		session->cookie = nla_get_u64(tb[NATTRAV_A_STREAM_COOKIE]);
	if (tb[NATTRAV_A_STREAM_TIMEOUT_PARTIAL])
		session->timeout_partial = nla_get_u32(tb[NATTRAV_A_STREAM_TIMEOUT_PARTIAL]);
	if (tb[NATTRAV_A_STREAM_TIMEOUT_IDLE])
		session->timeout_idle = nla_get_u32(tb[NATTRAV_A_STREAM_TIMEOUT_IDLE]);
	if (tb[NATTRAV_A_STREAM_TIMEOUT_MAX])
		session->timeout_max = nla_get_u32(tb[NATTRAV_A_STREAM_TIMEOUT_MAX]);
	if (tb[NATTRAV_A_STREAM_HOLD])
		session->media.hold = nla_get_u8(tb[NATTRAV_A_STREAM_HOLD]);
	session->touched = get_jiffies_64();
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

static void *stream_find(struct nattrav_net *nn, struct nlattr *entry,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	int err;

	err = stream_parse(tb, entry, BIT_ULL(NATTRAV_A_STREAM_ID), extack);
	return err ? ERR_PTR(err) : stream_by_id(nn, entry, tb, extack);
}

static int leg_take_port(struct nattrav_net *nn, struct nattrav_leg *leg,
			 const struct nattrav_leg_request *req, struct nlattr *nest,
			 struct netlink_ext_ack *extack)
{
	struct nattrav_stream *rtcp = nattrav_stream_tied(nattrav_leg_stream(leg));
	struct nattrav_port_wish wish = { .pair = rtcp };
	struct nlattr *const *tb = req->tb;
	union nf_inet_addr local;
	int err;

	err = nattrav_get_addr(&local, &wish.family, tb[NATTRAV_A_LEG_LOCAL_IPV4],
			       tb[NATTRAV_A_LEG_LOCAL_IPV6], extack);
	if (err)
		return err;
	if (wish.family != AF_UNSPEC)
		wish.addr = &local;
	wish.family = req->family ?: AF_INET;
	if (tb[NATTRAV_A_LEG_REALM])
		wish.realm = nla_data(tb[NATTRAV_A_LEG_REALM]);
	if (tb[NATTRAV_A_LEG_LOCAL_PORT])
		wish.port = ntohs(nla_get_be16(tb[NATTRAV_A_LEG_LOCAL_PORT]));

	err = nattrav_port_take(nn, &wish, leg, rtcp ? &rtcp->leg[leg->side] : NULL, extack);
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
	struct nattrav_leg_request req = {};
	int err;

	err = nattrav_leg_parse(&req, nn->net, nest, leg, true, extack);
	if (!err)
		err = leg_take_port(nn, leg, &req, nest ?: entry, extack);
	if (!err)
		nattrav_leg_apply(leg, &req);

	nattrav_leg_request_release(&req);
	return err;
}

static int type_parse(u8 *type, struct nlattr *const *tb, struct netlink_ext_ack *extack)
{
	*type = NATTRAV_STREAM_TYPE_RTP;
	if (tb[NATTRAV_A_STREAM_TYPE])
		*type = nla_get_u32(tb[NATTRAV_A_STREAM_TYPE]);

	if (*type == NATTRAV_STREAM_TYPE_RTCP) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_TYPE],
				    "RTCP is made with the rtcp flag of its RTP stream");
		return -EINVAL;
	}
	if (*type != NATTRAV_STREAM_TYPE_RTP && tb[NATTRAV_A_STREAM_RTCP]) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_RTCP], "only RTP has RTCP");
		return -EINVAL;
	}

	return 0;
}

/* A stream with all that it needs, and its RTCP; not published yet. */
static struct nattrav_session *session_new(struct nattrav_net *nn, struct nlattr *entry,
					   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	struct nattrav_session *session;
	unsigned int side;
	u8 type;
	int err;

	err = stream_parse(tb, entry, STREAM_NEW_ATTRS, extack);
	if (err)
		return ERR_PTR(err);

	err = type_parse(&type, tb, extack);
	if (err)
		return ERR_PTR(err);

	session = nattrav_session_alloc(nn, type, tb[NATTRAV_A_STREAM_RTCP], extack);
	if (IS_ERR(session))
		return session;

	session_apply(session, tb);
	if (tb[NATTRAV_A_STREAM_CALL])
		err = nattrav_session_name(nn, session, nla_data(tb[NATTRAV_A_STREAM_CALL]));
	for (side = 0; !err && side < ARRAY_SIZE(leg_attr); side++)
		err = leg_new(nn, &session->media.leg[side], tb[leg_attr[side]], entry, extack);
	if (err) {
		nattrav_session_discard(nn, session);
		return ERR_PTR(err);
	}

	return session;
}

static int session_reply(struct nattrav_reply *reply, struct nattrav_session *session)
{
	int err;

	err = nattrav_reply_add(reply, nattrav_entry_put_ports, &session->media);
	if (err || !session->media.tied)
		return err;

	return nattrav_reply_add(reply, nattrav_entry_put_ports, &session->rtcp->stream);
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
	struct nattrav_session *session, *next;
	struct nattrav_reply reply;
	struct nlattr *entry;
	LIST_HEAD(made);
	int err, rem;

	if (nattrav_entry_missing(info, NATTRAV_A_STREAMS_ENTRY))
		return -EINVAL;

	nattrav_reply_init(&reply, info);
	mutex_lock(&nn->lock);

	nattrav_for_each_entry(entry, info, rem) {
		session = session_new(nn, entry, info->extack);
		if (IS_ERR(session)) {
			err = PTR_ERR(session);
			goto err_undo;
		}
		list_add_tail(&session->removed, &made);

		err = session_reply(&reply, session);
		if (err)
			goto err_undo;
	}

	list_for_each_entry_safe(session, next, &made, removed) {
		list_del_init(&session->removed);
		nattrav_session_publish(session);
	}
	nattrav_gc_kick(nn);
	nattrav_watch_limits(nn);
	mutex_unlock(&nn->lock);

	return nattrav_reply_send(&reply);

err_undo:
	list_for_each_entry_safe(session, next, &made, removed)
		nattrav_session_discard(nn, session);
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
	struct nattrav_leg_request leg[2];
};

static void change_free(struct change *change)
{
	list_del(&change->list);
	nattrav_leg_request_release(&change->leg[NATTRAV_SIDE_A]);
	nattrav_leg_request_release(&change->leg[NATTRAV_SIDE_B]);
	kfree(change);
}

static int change_parse(struct change *change, struct nattrav_net *nn, struct nlattr *entry,
			struct netlink_ext_ack *extack)
{
	unsigned int side;
	int err;

	err = stream_parse(change->tb, entry, STREAM_SET_ATTRS | BIT_ULL(NATTRAV_A_STREAM_ID),
			   extack);
	if (err)
		return err;

	change->stream = stream_by_id(nn, entry, change->tb, extack);
	if (IS_ERR(change->stream))
		return PTR_ERR(change->stream);

	for (side = 0; side < ARRAY_SIZE(change->leg); side++) {
		err = nattrav_leg_parse(&change->leg[side], nn->net, change->tb[leg_attr[side]],
					&change->stream->leg[side], false, extack);
		if (err)
			return err;
	}

	return 0;
}

static void change_apply(struct change *change)
{
	struct nattrav_stream *stream = change->stream;
	unsigned int side;

	session_apply(nattrav_stream_session(stream), change->tb);
	for (side = 0; side < ARRAY_SIZE(change->leg); side++)
		if (change->tb[leg_attr[side]])
			nattrav_leg_apply(&stream->leg[side], &change->leg[side]);
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

	if (nattrav_entry_missing(info, NATTRAV_A_STREAMS_ENTRY))
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

static void session_doom(struct nattrav_session *session, struct list_head *doomed)
{
	if (list_empty(&session->removed))
		list_add_tail(&session->removed, doomed);
}

static int doom_entry(struct nattrav_net *nn, struct nlattr *entry, struct list_head *doomed,
		      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1];
	struct nattrav_session *session;
	struct nattrav_stream *stream;
	struct nattrav_call *call;
	int err;

	err = stream_parse(tb, entry,
			   BIT_ULL(NATTRAV_A_STREAM_ID) | BIT_ULL(NATTRAV_A_STREAM_CALL), extack);
	if (err)
		return err;

	if (!tb[NATTRAV_A_STREAM_CALL]) {
		stream = stream_by_id(nn, entry, tb, extack);
		if (IS_ERR(stream))
			return PTR_ERR(stream);
		session_doom(nattrav_stream_session(stream), doomed);
		return 0;
	}

	if (tb[NATTRAV_A_STREAM_ID]) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_ID],
				    "either an id or a call, not both");
		return -EINVAL;
	}

	call = nattrav_call_find(nn, nla_data(tb[NATTRAV_A_STREAM_CALL]));
	if (!call) {
		NL_SET_ERR_MSG_ATTR(extack, tb[NATTRAV_A_STREAM_CALL], "no stream has this call");
		return -ENOENT;
	}
	hlist_for_each_entry(session, &call->sessions, call_node)
		session_doom(session, doomed);

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
	struct nattrav_session *session, *next;
	struct nlattr *entry;
	LIST_HEAD(doomed);
	int err = 0, rem;

	if (nattrav_entry_missing(info, NATTRAV_A_STREAMS_ENTRY))
		return -EINVAL;

	mutex_lock(&nn->lock);
	nattrav_for_each_entry(entry, info, rem) {
		err = doom_entry(nn, entry, &doomed, info->extack);
		if (err)
			break;
	}

	list_for_each_entry_safe(session, next, &doomed, removed) {
		list_del_init(&session->removed);
		if (!err)
			nattrav_session_remove(nn, session);
		cond_resched();
	}
	nattrav_watch_limits(nn);
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
	return nattrav_get(info, NATTRAV_A_STREAMS_ENTRY, stream_find, nattrav_entry_put_all);
}

static bool stream_selected(const struct nattrav_stream *stream, struct nlattr *const *tb)
{
	const struct nattrav_call *call = nattrav_stream_session(stream)->call;

	if (tb[NATTRAV_A_STREAM_CALL] &&
	    (!call || strcmp(call->id, nla_data(tb[NATTRAV_A_STREAM_CALL]))))
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

/* Where a dump stopped, and where it ends. */
struct dump_cursor {
	unsigned long id;
	unsigned long last;
};

/* A part of a dump; whether there is more. */
static bool dump_slice(struct nattrav_net *nn, struct sk_buff *skb, struct netlink_callback *cb,
		       struct nlattr *const *tb, struct dump_cursor *cursor)
{
	unsigned int left = DUMP_SLICE;
	struct nattrav_stream *stream;

	cb->seq = nn->table_seq;
	if (!cursor->last)
		cursor->last = nn->stream_highest;
	xa_for_each_range(&nn->streams, cursor->id, stream, cursor->id, cursor->last) {
		if (!left--)
			return true;
		if (stream_selected(stream, tb) && dump_stream(skb, cb, stream))
			return skb->len;
	}

	return false;
}

/**
 * nattrav_nl_stream_get_dumpit() - NATTRAV_CMD_STREAM_GET of all streams
 * @skb: the answer
 * @cb: where the last call stopped, and the filter
 *
 * The cursor is an id, so that streams may come and go between two calls: each
 * one that stays is told exactly once. Those that come later are not waited for:
 * they could come faster than a slow reader reads.
 *
 * Return: length of the answer, 0 at the end, -errno for a bad filter.
 */
int nattrav_nl_stream_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nattrav_net *nn = nattrav_pernet(sock_net(skb->sk));
	struct nlattr *filter = nattrav_dump_attrs(cb)[NATTRAV_A_STREAMS_ENTRY];
	struct nlattr *tb[NATTRAV_A_STREAM_MAX + 1] = {};
	struct dump_cursor cursor = { .id = cb->args[0], .last = cb->args[1] };
	bool more;
	int err;

	if (filter) {
		err = stream_parse(tb, filter,
				   BIT_ULL(NATTRAV_A_STREAM_CALL) | BIT_ULL(NATTRAV_A_STREAM_STATE),
				   cb->extack);
		if (err)
			return err;
	}

	do {
		mutex_lock(&nn->lock);
		more = dump_slice(nn, skb, cb, tb, &cursor);
		mutex_unlock(&nn->lock);
		cond_resched();
	} while (more && !skb->len);
	cb->args[0] = more ? cursor.id : ULONG_MAX;
	cb->args[1] = cursor.last;

	return skb->len;
}
