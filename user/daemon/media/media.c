// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The media side as a whole: its beginning, its end, and the end of a call.
 */
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
	const size_t len = a->addr.family == AF_INET6 ? sizeof(a->addr.v6) : sizeof(a->addr.v4);

	return a->addr.family == b->addr.family && !memcmp(&a->addr.v6, &b->addr.v6, len) &&
	       a->port_min == b->port_min && a->port_max == b->port_max &&
	       !strcmp(a->realm, b->realm);
}

static int pool_print(struct re_printf *pf, const struct nattrav_pool *pool)
{
	const struct nattrav_endpoint endpoint = { .addr = pool->addr };
	struct sa sa;

	endpoint_to_sa(&sa, &endpoint);
	return re_hprintf(pf, "%j %u-%u realm %s", &sa, pool->port_min, pool->port_max,
			  pool->realm);
}

/* One that exists need not be made. */
static int pool_found(const struct nattrav_pool *pool, void *arg)
{
	struct pool_walk *walk = arg;
	size_t i;

	for (i = 0; i < walk->count; i++) {
		if (!pool_equal(&walk->pools[i], pool))
			continue;

		log_info("pool %H: taken over", pool_print, pool);
		walk->pools[i] = walk->pools[--walk->count];
		return 0;
	}

	log_info("pool %H is not in the configuration: left alone", pool_print, pool);
	return 0;
}

static void pools_from_config(struct pool_walk *walk, const struct config *config)
{
	struct le *le;

	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *wanted = le->data;
		struct nattrav_pool *pool = &walk->pools[walk->count++];
		struct nattrav_endpoint endpoint;

		endpoint_from_sa(&endpoint, &wanted->addr);
		pool->addr = endpoint.addr;
		pool->port_min = wanted->port_min;
		pool->port_max = wanted->port_max;
		str_ncpy(pool->realm, wanted->realm, sizeof(pool->realm));
	}
}

static void pools_complain(const struct media *media, const struct pool_walk *walk)
{
	const int entry = media->ops->error_entry(media->datapath);

	if (entry < 0 || (size_t)entry >= walk->count) {
		log_error("the relay pools cannot be made: %s", media->ops->error(media->datapath));
		return;
	}

	log_error("pool %H cannot be made: %s", pool_print, &walk->pools[entry],
		  media->ops->error(media->datapath));
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
		log_info("pool %H: made", pool_print, &walk.pools[i]);

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
	hash_flush(media->ending);
	mem_deref(media->calls);
	mem_deref(media->ending);
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
	struct media *media;
	int err;

	media = mem_zalloc(sizeof(*media), media_destructor);
	if (!media)
		return ENOMEM;

	media->ops = ops;
	media->config = config;
	err = hash_alloc(&media->calls, CALL_BUCKETS);
	if (!err)
		err = hash_alloc(&media->ending, CALL_BUCKETS);
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

int media_reconfigure(struct media *media, const struct config *config)
{
	int err;

	err = pools_make(media, config);
	if (!err)
		media->config = config;
	return err;
}

void media_close(struct media *media)
{
	mem_deref(media);
}

static void call_offer_rejected(struct media *media, struct call *call)
{
	struct le *le = list_head(&call->streams);

	call->offered = false;
	while (le) {
		struct call_stream *stream = le->data;

		le = le->next;
		if (stream->fresh)
			stream_remove(media, call, stream);
		else
			stream->leg[call->offerer].off = false;
	}

	if (list_isempty(&call->streams))
		mem_deref(call);
}

void media_offer_rejected(struct media *media, const struct media_call *call)
{
	struct call *record;
	char *name = NULL;

	if (media_call_name(&name, call))
		return;

	record = call_find(media->calls, name);
	if (record && record->offered)
		call_offer_rejected(media, record);
	mem_deref(name);
}

void media_on_report(struct media *media, media_report_fn *fn, void *arg)
{
	/* who waits, waited for the one before */
	hash_flush(media->ending);
	media->report = fn;
	media->report_arg = arg;
}

void media_on_gone(struct media *media, media_gone_fn *fn, void *arg)
{
	media->gone = fn;
	media->gone_arg = arg;
}

/**
 * call_gone() - the last stream of a call has ended by itself; forget the call
 * @media: the media side
 * @call: the call
 */
void call_gone(const struct media *media, struct call *call)
{
	char *name = mem_ref(call->name);

	mem_deref(call);
	if (media->gone)
		media->gone(name, media->gone_arg);
	mem_deref(name);
}

/* Whoever accounts for the call is told of its streams when they are gone. */
static void call_end(struct media *media, const char *name)
{
	static const struct media_report none;
	struct call *call = call_find(media->calls, name);

	if (!media->report) {
		mem_deref(call);
	} else if (call) {
		hash_unlink(&call->le);
		report_await(media, call);
	} else {
		media->report(name, &none, media->report_arg);
	}
}

void media_end(struct media *media, const struct media_call *call)
{
	char *name = NULL;
	int err;

	err = -media_call_name(&name, call);
	if (!err) {
		call_end(media, name);

		/* The kernel is asked in any case: it knows of all streams. */
		err = media->ops->stream_del_call(media->datapath, name);
	}

	if (err == -ENOENT)
		log_debug("call %r ended and has no streams", &call->id);
	else if (err)
		log_warn("call %r ended, but its streams cannot be removed: %s; they will time out",
			 &call->id, media->ops->error(media->datapath));

	mem_deref(name);
}

bool media_has_call(const struct media *media, const struct media_call *call)
{
	char *name = NULL;
	bool known;

	if (media_call_name(&name, call))
		return false;

	known = call_find(media->calls, name) != NULL;
	mem_deref(name);
	return known;
}
