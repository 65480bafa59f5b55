// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as messages of the ng protocol, one after the other, with a line "--"
 * between two of them: each reply must be one, to the question that was asked, and
 * a deletion of all calls must leave no stream.
 */
#include <errno.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/datapath.h"
#include "log.h"
#include "ng/internal.h"
#include "ng/message.h"

#define STREAMS_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A datapath that has streams, and no packets. */
struct datapath {
	struct nattrav_stream streams[STREAMS_MAX]; /* free if id is 0 */
	uint32_t next;
};

static struct datapath streams;

static int fake_open(struct datapath **datapath, const struct config *config)
{
	(void)config;
	*datapath = &streams;
	return 0;
}

static void fake_close(struct datapath *datapath)
{
	(void)datapath;
}

static const char *fake_error(const struct datapath *datapath)
{
	(void)datapath;
	return "no room";
}

static int fake_error_entry(const struct datapath *datapath)
{
	(void)datapath;
	return -1;
}

static int fake_info(struct datapath *datapath, struct nattrav_info *info)
{
	(void)datapath;
	memset(info, 0, sizeof(*info));
	return 0;
}

static int fake_pool_new(struct datapath *datapath, struct nattrav_pool *pools, size_t count)
{
	(void)datapath;
	(void)pools;
	(void)count;
	return 0;
}

static int fake_pool_dump(struct datapath *datapath, nattrav_pool_fn *fn, void *arg)
{
	(void)datapath;
	(void)fn;
	(void)arg;
	return 0;
}

static struct nattrav_stream *fake_find(struct datapath *datapath, uint32_t id)
{
	size_t i;

	for (i = 0; i < STREAMS_MAX; i++) {
		if (datapath->streams[i].id == id)
			return &datapath->streams[i];
	}

	return NULL;
}

static int fake_stream_new(struct datapath *datapath, const struct nattrav_stream *asked,
			   size_t count, struct nattrav_stream *made, size_t made_max)
{
	size_t i;

	if (count > made_max)
		abort();
	for (i = 0; i < count; i++) {
		struct nattrav_stream *stream = fake_find(datapath, 0);
		unsigned int side;

		if (!stream) {
			/* all or none */
			while (i--)
				fake_find(datapath, made[i].id)->id = 0;
			return -ENOSPC;
		}
		*stream = asked[i];
		stream->id = ++datapath->next;
		for (side = 0; side < 2; side++) {
			/* whoever may complete it was said, and nobody is believed */
			if (!(asked[i].leg[side].given & NATTRAV_LEG_PREFIXES) ||
			    !asked[i].leg[side].prefixes ||
			    asked[i].leg[side].peer.addr.family != AF_UNSPEC)
				abort();
			stream->leg[side].local.addr.family = asked[i].leg[side].family;
			stream->leg[side].local.addr.v6.s6_addr[0] = 0x20;
			stream->leg[side].local.port = (uint16_t)(2 * stream->id + side);
		}
		made[i] = *stream;
	}

	return (int)count;
}

static int fake_stream_set(struct datapath *datapath, const struct nattrav_stream *asked,
			   size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct nattrav_stream *stream = fake_find(datapath, asked[i].id);
		unsigned int side;

		if (!stream)
			abort();
		for (side = 0; side < 2; side++) {
			if (!asked[i].leg[side].prefixes ||
			    asked[i].leg[side].family != stream->leg[side].family)
				abort();
		}
	}

	return 0;
}

static int fake_stream_del(struct datapath *datapath, const uint32_t *ids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		fake_find(datapath, ids[i])->id = 0;
	return 0;
}

static int fake_stream_del_call(struct datapath *datapath, const char *call)
{
	int err = -ENOENT;
	size_t i;

	for (i = 0; i < STREAMS_MAX; i++) {
		if (datapath->streams[i].id && !strcmp(datapath->streams[i].call, call)) {
			datapath->streams[i].id = 0;
			err = 0;
		}
	}

	return err;
}

static int fake_stream_get(struct datapath *datapath, uint32_t id, struct nattrav_stream *stream)
{
	*stream = *fake_find(datapath, id);
	return 0;
}

static int fake_stream_dump(struct datapath *datapath, nattrav_stream_fn *fn, void *arg)
{
	(void)datapath;
	(void)fn;
	(void)arg;
	return 0;
}

static int fake_watch(struct datapath *datapath, const struct datapath_watch *watch, void *arg)
{
	(void)datapath;
	(void)watch;
	(void)arg;
	return 0;
}

static const char *const fake_missing[] = { NULL };

static const struct datapath_ops fake_ops = {
	.name = "fake",
	.missing = fake_missing,
	.open = fake_open,
	.close = fake_close,
	.error = fake_error,
	.error_entry = fake_error_entry,
	.info = fake_info,
	.pool_new = fake_pool_new,
	.pool_dump = fake_pool_dump,
	.stream_new = fake_stream_new,
	.stream_set = fake_stream_set,
	.stream_del = fake_stream_del,
	.stream_del_call = fake_stream_del_call,
	.stream_get = fake_stream_get,
	.stream_dump = fake_stream_dump,
	.watch = fake_watch,
};

static struct ng *begin(void)
{
	static struct config_pool pool = { .port_min = 30000, .port_max = 39999 };
	static struct config config;
	struct media *media;
	struct wheel *wheel;
	struct ng *ng;

	if (libre_init())
		abort();
	log_set_level(LOG_LEVEL_ERROR);
	str_ncpy(pool.realm, "access", sizeof(pool.realm));
	list_append(&config.pools, &pool.le, &pool);
	if (media_init_datapath(&media, &config, &fake_ops) || wheel_alloc(&wheel) ||
	    ng_alloc(&ng, &config, media, wheel, NULL))
		abort();
	return ng;
}

static void ask(struct ng *ng, const struct sa *source, const char *text, size_t size)
{
	/* in memory of its own, so that reading past the end is seen */
	char *copy = malloc(size ? size : 1), *out;
	struct ng_message question, reply;
	struct pl message = { copy, size };
	size_t len = 0;
	json_t *dict;

	if (!copy)
		return;
	if (size)
		memcpy(copy, text, size);
	out = ng_handle(ng, source, &message, true, &len);
	if (out) {
		if (!ng_message_split(&question, copy, size, true) ||
		    !ng_message_split(&reply, out, len, true) ||
		    question.cookie_len != reply.cookie_len ||
		    memcmp(question.cookie, reply.cookie, reply.cookie_len) != 0 ||
		    question.json != reply.json)
			abort();
		dict = ng_message_decode(&reply);
		if (!json_string_value(json_object_get(dict, "result")))
			abort();
		json_decref(dict);
	}
	free(out);
	free(copy);
}

static void call_find_any(struct ng_call *call, void *arg)
{
	struct ng_call **found = arg;

	*found = call;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char between[] = "\n--\n";
	static struct ng *ng;
	static uint16_t port;
	const char *text = (const char *)data;
	struct ng_call *call;
	struct sa source;
	size_t i;

	if (!ng)
		ng = begin();

	sa_set_in(&source, 0x7f000001, ++port);
	while (size) {
		const char *end = memmem(text, size, between, strlen(between));
		const size_t len = end ? (size_t)(end - text) : size;

		ask(ng, &source, text, len);
		text += len + (end ? strlen(between) : 0);
		size -= len + (end ? strlen(between) : 0);
	}

	do {
		call = NULL;
		ng_calls_each(ng->calls, call_find_any, &call);
		if (call)
			ng_branch_finish(ng, list_ledata(list_head(&call->branches)));
	} while (call);
	for (i = 0; i < STREAMS_MAX; i++) {
		if (streams.streams[i].id)
			abort();
	}

	/* what is kept from one input to the next looks like a leak */
	mem_deref(ng->cookies);
	if (ng_cookies_alloc(&ng->cookies))
		abort();
	return 0;
}
