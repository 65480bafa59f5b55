// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a stream: made and reserved first, published when nothing can
 * fail any more, removed from the table at once, freed after a grace period by
 * the event worker, which then knows its final counters. All of it under
 * nattrav_net.lock.
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

static struct kmem_cache *stream_cache;

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
	const char *call = key;

	return jhash(call, strlen(call), seed);
}

static u32 call_hash_stream(const void *object, u32 len, u32 seed)
{
	const struct nattrav_stream *stream = object;

	return call_hash(stream->call, len, seed);
}

static int call_compare(struct rhashtable_compare_arg *arg, const void *object)
{
	const struct nattrav_stream *stream = object;

	return strcmp(stream->call, arg->key);
}

const struct rhashtable_params nattrav_call_params = {
	.head_offset = offsetof(struct nattrav_stream, call_node),
	.hashfn = call_hash,
	.obj_hashfn = call_hash_stream,
	.obj_cmpfn = call_compare,
	.automatic_shrinking = true,
};

/**
 * nattrav_stream_cache_init() - at load
 *
 * Return: 0 or -ENOMEM.
 */
int nattrav_stream_cache_init(void)
{
	stream_cache = KMEM_CACHE(nattrav_stream, SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT);

	return stream_cache ? 0 : -ENOMEM;
}

/**
 * nattrav_stream_cache_exit() - at unload, when all streams have been freed
 */
void nattrav_stream_cache_exit(void)
{
	kmem_cache_destroy(stream_cache);
}

static void leg_init(struct nattrav_stream *stream, u8 side)
{
	struct nattrav_leg *leg = &stream->leg[side];

	spin_lock_init(&leg->lock);
	leg->stream = stream;
	leg->other = &stream->leg[!side];
	leg->side = side;
	leg->family = AF_INET;
	leg->latch.family = AF_INET;
	leg->latch.type = stream->type;
	leg->clock_rate = CLOCK_RATE;
	leg->latch.window = WINDOW_MS;
	leg->latch.deadline = nattrav_now_ms() + WINDOW_MS;
}

/**
 * nattrav_stream_alloc() - make a stream with defaults, no ports and an id
 * @nn: the network namespace; the caller holds its lock
 * @type: enum nattrav_stream_type
 * @extack: told what is wrong
 *
 * Return: the stream, or an ERR_PTR: -ENOSPC if there are too many, -ENODEV if
 * the module is being unloaded, -ENOMEM.
 */
struct nattrav_stream *nattrav_stream_alloc(struct nattrav_net *nn, u8 type,
					    struct netlink_ext_ack *extack)
{
	struct nattrav_stream *stream;
	int err;

	if (nn->stream_count >= nattrav_streams_max()) {
		NL_SET_ERR_MSG(extack, "this network namespace has as many streams as it may");
		return ERR_PTR(-ENOSPC);
	}

	stream = kmem_cache_zalloc(stream_cache, GFP_KERNEL);
	if (!stream)
		return ERR_PTR(-ENOMEM);

	stream->type = type;
	stream->expired = -1;
	stream->timeout_partial = TIMEOUT_PARTIAL_MS;
	stream->timeout_idle = TIMEOUT_IDLE_MS;
	stream->timeout_max = TIMEOUT_MAX_MS;
	stream->created = get_jiffies_64();
	stream->touched = stream->created;
	INIT_LIST_HEAD(&stream->removed);
	leg_init(stream, NATTRAV_SIDE_A);
	leg_init(stream, NATTRAV_SIDE_B);

	err = xa_alloc_cyclic(&nn->streams, &stream->id, stream, xa_limit_31b, &nn->stream_next,
			      GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto err_free;

	if (!nn->stream_count) {
		err = nattrav_pin(nn);
		if (err) {
			NL_SET_ERR_MSG(extack, "the module is being unloaded");
			goto err_erase;
		}
	}
	nn->stream_count++;
	nn->table_seq++;
	return stream;

err_erase:
	xa_erase(&nn->streams, stream->id);
err_free:
	kmem_cache_free(stream_cache, stream);
	return ERR_PTR(err);
}

/**
 * nattrav_stream_name() - make a stream part of a call
 * @nn: the network namespace; the caller holds its lock
 * @stream: a stream without a call
 * @call: call id
 *
 * Return: 0 or -errno.
 */
int nattrav_stream_name(struct nattrav_net *nn, struct nattrav_stream *stream, const char *call)
{
	int err;

	stream->call = kstrdup(call, GFP_KERNEL_ACCOUNT);
	if (!stream->call)
		return -ENOMEM;

	err = rhltable_insert_key(&nn->calls, stream->call, &stream->call_node,
				  nattrav_call_params);
	if (err) {
		kfree(stream->call);
		stream->call = NULL;
	}

	return err;
}

/**
 * nattrav_call_find() - find the streams of a call
 * @nn: the network namespace; the caller holds its lock
 * @call: call id
 *
 * Return: the list to go through by rhl_for_each_entry_rcu(), or NULL.
 */
struct rhlist_head *nattrav_call_find(struct nattrav_net *nn, const char *call)
{
	return rhltable_lookup(&nn->calls, call, nattrav_call_params);
}

/**
 * nattrav_stream_free() - free a stream that nothing can reach any more
 * @stream: the stream, its ports released
 */
void nattrav_stream_free(struct nattrav_stream *stream)
{
	unsigned int side;

	for (side = 0; side < ARRAY_SIZE(stream->leg); side++) {
		nattrav_path_free(rcu_dereference_raw(stream->leg[side].path));
		kfree(stream->leg[side].latch.probation);
	}
	kfree(stream->call);
	kmem_cache_free(stream_cache, stream);
}

static void stream_detach(struct nattrav_net *nn, struct nattrav_stream *stream, bool rest)
{
	nattrav_port_release(&stream->leg[NATTRAV_SIDE_A], rest);
	nattrav_port_release(&stream->leg[NATTRAV_SIDE_B], rest);
	if (stream->call)
		rhltable_remove(&nn->calls, &stream->call_node, nattrav_call_params);
	xa_erase(&nn->streams, stream->id);
	nn->table_seq++;
	if (!--nn->stream_count)
		nattrav_unpin(nn);
}

/**
 * nattrav_stream_discard() - take back a stream that was never published
 * @nn: the network namespace; the caller holds its lock
 * @stream: the stream
 */
void nattrav_stream_discard(struct nattrav_net *nn, struct nattrav_stream *stream)
{
	stream_detach(nn, stream, false);
	nattrav_stream_free(stream);
}

/**
 * nattrav_stream_publish() - let packets reach a stream; cannot fail
 * @stream: the stream, whole, with its ports taken
 */
void nattrav_stream_publish(struct nattrav_stream *stream)
{
	nattrav_port_publish(&stream->leg[NATTRAV_SIDE_A]);
	nattrav_port_publish(&stream->leg[NATTRAV_SIDE_B]);
}

static void stream_retire(struct nattrav_net *nn, struct nattrav_stream *stream)
{
	stream_detach(nn, stream, true);
	list_move_tail(&stream->removed, &nn->removed);
}

/**
 * nattrav_stream_remove() - end a stream, and the one tied to it
 * @nn: the network namespace; the caller holds its lock
 * @stream: a published stream
 *
 * Its ports are free at once and rest. The event worker reports and frees it.
 */
void nattrav_stream_remove(struct nattrav_net *nn, struct nattrav_stream *stream)
{
	stream_retire(nn, stream);
	if (stream->tied)
		stream_retire(nn, stream->tied);
	queue_work(nattrav_wq, &nn->report);
}

/**
 * nattrav_stream_remove_all() - end all streams of a network namespace
 * @nn: the network namespace; the caller holds its lock
 */
void nattrav_stream_remove_all(struct nattrav_net *nn)
{
	struct nattrav_stream *stream;
	unsigned long id;

	xa_for_each(&nn->streams, id, stream)
		stream_retire(nn, stream);
	queue_work(nattrav_wq, &nn->report);
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
