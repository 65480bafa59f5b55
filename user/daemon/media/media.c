// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The media side as a whole: its beginning, its end, and the end of a call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <re.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "media/internal.h"
#include "media/media.h"
#include "media/snapshot.h"

#define CALL_BUCKETS 16384

/**
 * struct pool_walk - the pools that are still to be made
 * @pools: an array of them
 * @count: how many
 */
struct pool_walk {
	struct nattrav_pool *pools;
	size_t count;
};

static bool pool_equal(const struct nattrav_pool *a, const struct nattrav_pool *b)
{
	return a->addr.family == b->addr.family && a->addr.v4.s_addr == b->addr.v4.s_addr &&
	       a->port_min == b->port_min && a->port_max == b->port_max &&
	       !strcmp(a->realm, b->realm);
}

/* One that exists need not be made. */
static int pool_found(const struct nattrav_pool *pool, void *arg)
{
	struct pool_walk *walk = arg;
	size_t i;

	for (i = 0; i < walk->count; i++) {
		if (!pool_equal(&walk->pools[i], pool))
			continue;

		log_info("pool %s %u-%u realm %s: taken over", inet_ntoa(pool->addr.v4),
			 pool->port_min, pool->port_max, pool->realm);
		walk->pools[i] = walk->pools[--walk->count];
		return 0;
	}

	log_info("pool %s %u-%u realm %s is not in the configuration: left alone",
		 inet_ntoa(pool->addr.v4), pool->port_min, pool->port_max, pool->realm);
	return 0;
}

static void pools_from_config(struct pool_walk *walk, const struct config *config)
{
	struct le *le;

	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *wanted = le->data;
		struct nattrav_pool *pool = &walk->pools[walk->count++];

		pool->addr.family = AF_INET;
		pool->addr.v4.s_addr = htonl(sa_in(&wanted->addr));
		pool->port_min = wanted->port_min;
		pool->port_max = wanted->port_max;
		str_ncpy(pool->realm, wanted->realm, sizeof(pool->realm));
	}
}

static void pools_complain(const struct media *media, const struct pool_walk *walk)
{
	const int entry = media->ops->error_entry(media->datapath);
	const struct nattrav_pool *pool;

	if (entry < 0 || (size_t)entry >= walk->count) {
		log_error("the relay pools cannot be made: %s", media->ops->error(media->datapath));
		return;
	}

	pool = &walk->pools[entry];
	log_error("pool %s %u-%u realm %s cannot be made: %s", inet_ntoa(pool->addr.v4),
		  pool->port_min, pool->port_max, pool->realm, media->ops->error(media->datapath));
}

static int pools_make(struct media *media, const struct config *config)
{
	struct pool_walk walk = { 0 };
	size_t i;
	int err;

	walk.pools = mem_zalloc(list_count(&config->pools) * sizeof(*walk.pools), NULL);
	if (!walk.pools)
		return ENOMEM;

	pools_from_config(&walk, config);

	err = media->ops->pool_dump(media->datapath, pool_found, &walk);
	if (err) {
		log_error("the relay pools cannot be read: %s", media->ops->error(media->datapath));
		goto out;
	}

	if (walk.count) {
		err = media->ops->pool_new(media->datapath, walk.pools, walk.count);
		if (err)
			pools_complain(media, &walk);
	}

	for (i = 0; i < walk.count && !err; i++)
		log_info("pool %s %u-%u realm %s: made", inet_ntoa(walk.pools[i].addr.v4),
			 walk.pools[i].port_min, walk.pools[i].port_max, walk.pools[i].realm);

out:
	mem_deref(walk.pools);
	return -err;
}

static bool call_log_adopted(struct le *le, void *arg)
{
	const struct call *call = le->data;
	unsigned int streams = 0;
	bool complete = true;
	struct le *pos;

	(void)arg;

	LIST_FOREACH(&call->streams, pos) {
		const struct call_stream *stream = pos->data;

		streams += stream->rtcp ? 2 : 1;
		complete = complete && sa_isset(&stream->leg[NATTRAV_SIDE_A].peer, SA_ALL) &&
			   sa_isset(&stream->leg[NATTRAV_SIDE_B].peer, SA_ALL);
	}

	log_info("call %s adopted: %u streams, %s", call->name, streams,
		 complete ? "complete" : "partial");
	return false;
}

static void media_destructor(void *arg)
{
	struct media *media = arg;

	mem_deref(media->snapshot);
	if (media->datapath)
		media->ops->close(media->datapath);
	hash_flush(media->calls);
	mem_deref(media->calls);
	mem_deref(media->realm);
}

/**
 * media_init_datapath() - media_init() with a datapath of choice
 * @mediap: set to the new media side
 * @config: the configuration
 * @ops: the datapath
 *
 * Return: 0 or an errno, logged.
 */
int media_init_datapath(struct media **mediap, const struct config *config,
			const struct datapath_ops *ops)
{
	const struct config_pool *first = list_ledata(list_head(&config->pools));
	struct media *media;
	int err;

	media = mem_zalloc(sizeof(*media), media_destructor);
	if (!media)
		return ENOMEM;

	media->ops = ops;
	err = str_dup(&media->realm, first->realm);
	if (!err)
		err = hash_alloc(&media->calls, CALL_BUCKETS);
	if (!err)
		err = -ops->open(&media->datapath, config);
	if (!err)
		err = pools_make(media, config);
	if (!err)
		err = media_watch(media);
	if (err) {
		mem_deref(media);
		return err;
	}

	(void)hash_apply(media->calls, call_log_adopted, NULL);
	*mediap = media;
	return 0;
}

int media_init(struct media **mediap, const struct config *config)
{
	int err;

	err = media_init_datapath(mediap, config, datapath_choose(config));
	if (err)
		return err;

	err = snapshot_open(&(*mediap)->snapshot, *mediap);
	if (err)
		log_warn("\"nattravctl status\" will not know of this nattravd: %m%s", err,
			 err == EADDRINUSE ? "; does another one run here?" : "");
	return 0;
}

void media_close(struct media *media)
{
	mem_deref(media);
}

void media_end(struct media *media, const struct pl *call)
{
	char *name = NULL;
	int err;

	err = -call_name(&name, call);
	if (!err) {
		mem_deref(call_find(media->calls, name));

		/* The kernel is asked in any case: it knows of all streams. */
		err = media->ops->stream_del_call(media->datapath, name);
	}

	if (err == -ENOENT)
		log_debug("call %r ended and has no streams", call);
	else if (err)
		log_warn("call %r ended, but its streams cannot be removed: %s; they will time out",
			 call, media->ops->error(media->datapath));

	mem_deref(name);
}

bool media_has_call(const struct media *media, const struct pl *call)
{
	char *name = NULL;
	bool known;

	if (call_name(&name, call))
		return false;

	known = call_find(media->calls, name) != NULL;
	mem_deref(name);
	return known;
}
