// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a session, which is a stream and its RTCP: made and reserved
 * first, published when nothing can fail any more, removed from the table at
 * once, freed after a grace period by the event worker, which then knows its
 * final counters. All of it under nattrav_net.lock but the freeing.
 */
#include <linux/jhash.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "nattrav.h"

#define TIMEOUT_PARTIAL_MS	(180 * MSEC_PER_SEC)
#define TIMEOUT_IDLE_MS		(60 * MSEC_PER_SEC)
#define TIMEOUT_MAX_MS		(12 * 3600 * MSEC_PER_SEC)
#define WINDOW_MS		(30 * MSEC_PER_SEC)
#define CLOCK_RATE		8000

/* So many sessions are removed at a stretch when all of them are. */
#define REMOVE_SLICE		256

/* Sessions without RTCP, and with it. */
static struct kmem_cache *session_cache[2];

static unsigned int streams_max = NATTRAV_STREAMS_MAX;
module_param(streams_max, uint, 0644);
MODULE_PARM_DESC(streams_max, "most streams of a network namespace (default 1048576)");

/**
 * nattrav_streams_max() - how many streams a network namespace may have
 *
 * It may be set below what there are: these stay, and no more are made.
 *
 * Return: the number.
 */
u32 nattrav_streams_max(void)
{
	return READ_ONCE(streams_max);
}

static u32 call_hash(const void *key, u32 len, u32 seed)
{
	const char *id = key;

	return jhash(id, strlen(id), seed);
}

static u32 call_hash_object(const void *object, u32 len, u32 seed)
{
	const struct nattrav_call *call = object;

	return call_hash(call->id, len, seed);
}

static int call_compare(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct nattrav_call *call = object;

	return strcmp(call->id, arg->key);
}

const struct rhashtable_params nattrav_call_params = {
	.head_offset = offsetof(struct nattrav_call, node),
	.hashfn = call_hash,
	.obj_hashfn = call_hash_object,
	.obj_cmpfn = call_compare,
	.automatic_shrinking = true,
};

static struct kmem_cache *cache_create(const char *name, unsigned int streams_of_rtcp)
{
	const struct nattrav_session *session = NULL;

	/* Aligned, so that a leg lies in two cache lines and not in three. */
	return kmem_cache_create(name, struct_size(session, rtcp, streams_of_rtcp), 0,
				 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, NULL);
}

/**
 * nattrav_session_cache_init() - at load
 *
 * Return: 0 or -ENOMEM.
 */
int nattrav_session_cache_init(void)
{
	session_cache[0] = cache_create("nattrav_session", 0);
	if (!session_cache[0])
		return -ENOMEM;

	session_cache[1] = cache_create("nattrav_session_rtcp", 1);
	if (!session_cache[1]) {
		kmem_cache_destroy(session_cache[0]);
		return -ENOMEM;
	}

	return 0;
}

/**
 * nattrav_session_cache_exit() - at unload, when all sessions have been freed
 */
void nattrav_session_cache_exit(void)
{
	kmem_cache_destroy(session_cache[0]);
	kmem_cache_destroy(session_cache[1]);
}

static void stream_init(struct nattrav_stream *stream, u8 type, bool tied)
{
	unsigned int side;

	stream->type = type;
	stream->tied = tied;
	stream->expired = -1;
	for (side = 0; side < ARRAY_SIZE(stream->leg); side++) {
		struct nattrav_leg *leg = &stream->leg[side];

		spin_lock_init(&leg->lock);
		leg->side = side;
		leg->type = type;
		leg->family = AF_INET;
	}
}

static void session_init(struct nattrav_session *session, u8 type, bool rtcp)
{
	unsigned int side;

	stream_init(&session->media, type, rtcp);
	if (rtcp)
		stream_init(&session->rtcp->stream, NATTRAV_STREAM_TYPE_RTCP, rtcp);

	session->timeout_partial = TIMEOUT_PARTIAL_MS;
	session->timeout_idle = TIMEOUT_IDLE_MS;
	session->timeout_max = TIMEOUT_MAX_MS;
	session->created = get_jiffies_64();
	session->touched = session->created;
	INIT_LIST_HEAD(&session->removed);
	for (side = 0; side < ARRAY_SIZE(session->latch); side++) {
		session->clock_rate[side] = CLOCK_RATE;
		session->latch[side].type = type;
		session->latch[side].window = WINDOW_MS;
		session->latch[side].deadline = nattrav_now_ms() + WINDOW_MS;
	}
}

static int stream_number(struct nattrav_net *nn, struct nattrav_stream *stream,
			 struct netlink_ext_ack *extack)
{
	int err;

	err = xa_alloc_cyclic(&nn->streams, &stream->id, stream, xa_limit_31b, &nn->stream_next,
			      GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err;

	if (!nn->stream_count) {
		err = nattrav_pin(nn);
		if (err) {
			NL_SET_ERR_MSG(extack, "the module is being unloaded");
			xa_erase(&nn->streams, stream->id);
			return err;
		}
	}
	nn->stream_highest = max(nn->stream_highest, stream->id);
	nn->stream_count++;
	nn->table_seq++;
	return 0;
}

static void stream_unnumber(struct nattrav_net *nn, struct nattrav_stream *stream)
{
	xa_erase(&nn->streams, stream->id);
	nn->table_seq++;
	if (!--nn->stream_count)
		nattrav_unpin(nn);
}

/**
 * nattrav_session_alloc() - make a stream with defaults, no ports and an id
 * @nn: the network namespace; the caller holds its lock
 * @type: enum nattrav_stream_type
 * @rtcp: whether to make its RTCP as well
 * @extack: told what is wrong
 *
 * Return: the session, or an ERR_PTR: -ENOSPC if there are too many streams,
 * -ENODEV if the module is being unloaded, -ENOMEM.
 */
struct nattrav_session *nattrav_session_alloc(struct nattrav_net *nn, u8 type, bool rtcp,
					      struct netlink_ext_ack *extack)
{
	struct nattrav_session *session;
	int err;

	if (nn->stream_count + 1 + rtcp > nattrav_streams_max()) {
		NL_SET_ERR_MSG(extack, "this network namespace has as many streams as it may");
		return ERR_PTR(-ENOSPC);
	}

	session = kmem_cache_zalloc(session_cache[rtcp], GFP_KERNEL);
	if (!session)
		return ERR_PTR(-ENOMEM);

	session_init(session, type, rtcp);
	err = stream_number(nn, &session->media, extack);
	if (err)
		goto err_free;

	if (rtcp) {
		err = stream_number(nn, &session->rtcp->stream, extack);
		if (err)
			goto err_rtcp;
	}

	return session;

err_rtcp:
	stream_unnumber(nn, &session->media);
err_free:
	kmem_cache_free(session_cache[rtcp], session);
	return ERR_PTR(err);
}

/**
 * nattrav_call_find() - find a call
 * @nn: the network namespace; the caller holds its lock
 * @id: call id
 *
 * Return: the call, which has a session at least, or NULL.
 */
struct nattrav_call *nattrav_call_find(struct nattrav_net *nn, const char *id)
{
	return rhashtable_lookup_fast(&nn->calls, id, nattrav_call_params);
}

static struct nattrav_call *call_add(struct nattrav_net *nn, const char *id)
{
	size_t size = strlen(id) + 1;
	struct nattrav_call *call;
	int err;

	call = kzalloc(struct_size(call, id, size), GFP_KERNEL_ACCOUNT);
	if (!call)
		return ERR_PTR(-ENOMEM);

	memcpy(call->id, id, size);
	err = rhashtable_insert_fast(&nn->calls, &call->node, nattrav_call_params);
	if (err) {
		kfree(call);
		return ERR_PTR(err);
	}

	return call;
}

static void call_put(struct nattrav_call *call)
{
	if (refcount_dec_and_test(&call->refs))
		kfree(call);
}

/**
 * nattrav_session_name() - make a session part of a call
 * @nn: the network namespace; the caller holds its lock
 * @session: a session without a call
 * @id: call id
 *
 * Return: 0 or -errno.
 */
int nattrav_session_name(struct nattrav_net *nn, struct nattrav_session *session, const char *id)
{
	struct nattrav_call *call = nattrav_call_find(nn, id);

	if (call) {
		refcount_inc(&call->refs);
	} else {
		call = call_add(nn, id);
		if (IS_ERR(call))
			return PTR_ERR(call);
		refcount_set(&call->refs, 1);
	}

	session->call = call;
	hlist_add_head(&session->call_node, &call->sessions);
	return 0;
}

/* The call is freed with its last session, since its id is told until then. */
static void session_unname(struct nattrav_net *nn, struct nattrav_session *session)
{
	struct nattrav_call *call = session->call;

	if (!call)
		return;

	hlist_del(&session->call_node);
	if (hlist_empty(&call->sessions))
		rhashtable_remove_fast(&nn->calls, &call->node, nattrav_call_params);
}

static void stream_free(struct nattrav_stream *stream)
{
	unsigned int side;

	for (side = 0; side < ARRAY_SIZE(stream->leg); side++) {
		nattrav_path_free(&stream->leg[side]);
		nattrav_pool_put(stream->leg[side].pool);
	}
}

/**
 * nattrav_session_free() - free a session that nothing can reach any more
 * @session: the session, its ports released
 */
void nattrav_session_free(struct nattrav_session *session)
{
	bool rtcp = session->media.tied;

	stream_free(&session->media);
	if (rtcp)
		stream_free(&session->rtcp->stream);
	kfree(session->latch[NATTRAV_SIDE_A].probation);
	kfree(session->latch[NATTRAV_SIDE_B].probation);
	if (session->call)
		call_put(session->call);
	kmem_cache_free(session_cache[rtcp], session);
}

static void stream_detach(struct nattrav_net *nn, struct nattrav_stream *stream, bool rest)
{
	nattrav_port_release(&stream->leg[NATTRAV_SIDE_A], rest);
	nattrav_port_release(&stream->leg[NATTRAV_SIDE_B], rest);
	stream_unnumber(nn, stream);
}

static void session_detach(struct nattrav_net *nn, struct nattrav_session *session, bool rest)
{
	stream_detach(nn, &session->media, rest);
	if (session->media.tied)
		stream_detach(nn, &session->rtcp->stream, rest);
	session_unname(nn, session);
}

/**
 * nattrav_session_discard() - take back a session that was never published
 * @nn: the network namespace; the caller holds its lock
 * @session: the session
 */
void nattrav_session_discard(struct nattrav_net *nn, struct nattrav_session *session)
{
	session_detach(nn, session, false);
	nattrav_session_free(session);
}

static void stream_publish(struct nattrav_stream *stream)
{
	nattrav_port_publish(&stream->leg[NATTRAV_SIDE_A]);
	nattrav_port_publish(&stream->leg[NATTRAV_SIDE_B]);
}

/**
 * nattrav_session_publish() - let packets reach a session; cannot fail
 * @session: the session, whole, with its ports taken
 */
void nattrav_session_publish(struct nattrav_session *session)
{
	unsigned int side;

	for (side = 0; side < ARRAY_SIZE(session->latch); side++)
		session->latch[side].family = session->media.leg[side].family;

	stream_publish(&session->media);
	if (session->media.tied)
		stream_publish(&session->rtcp->stream);
}

/**
 * nattrav_session_remove() - end a stream, and its RTCP
 * @nn: the network namespace; the caller holds its lock
 * @session: a published session
 *
 * Its ports are free at once and rest. The event worker reports and frees it.
 */
void nattrav_session_remove(struct nattrav_net *nn, struct nattrav_session *session)
{
	session_detach(nn, session, true);
	list_move_tail(&session->removed, &nn->removed);
	queue_work(nattrav_wq, &nn->report);
}

/**
 * nattrav_session_remove_all() - end all streams of a network namespace
 * @nn: the network namespace; nobody adds to it any more
 *
 * Context: process; takes the lock of @nn for so many at a time.
 */
void nattrav_session_remove_all(struct nattrav_net *nn)
{
	struct nattrav_stream *stream;
	unsigned long id = 0;
	unsigned int left;

	do {
		mutex_lock(&nn->lock);
		for (left = REMOVE_SLICE; left; left--) {
			stream = xa_find_after(&nn->streams, &id, ULONG_MAX, XA_PRESENT);
			if (!stream)
				break;
			nattrav_session_remove(nn, nattrav_stream_session(stream));
		}
		mutex_unlock(&nn->lock);
		cond_resched();
	} while (stream);
}

/**
 * nattrav_stream_complete() - whether both peers are known
 * @stream: the stream
 *
 * Return: true if they are.
 */
bool nattrav_stream_complete(const struct nattrav_stream *stream)
{
	return rcu_access_pointer(stream->leg[NATTRAV_SIDE_A].path) &&
	       rcu_access_pointer(stream->leg[NATTRAV_SIDE_B].path);
}
