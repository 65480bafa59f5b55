// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fake datapath: relay ports of leg a count up from next_port, those of
 * leg b lie 100 above.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <re.h>
#include <string.h>

#include "fake_datapath.h"

struct datapath fake_datapath;

static int fake_open(struct datapath **datapath, const struct config *config)
{
	(void)config;
	*datapath = &fake_datapath;
	return fake_datapath.fail_open;
}

static void fake_close(struct datapath *datapath)
{
	datapath->watch = NULL;
}

static const char *fake_error(const struct datapath *datapath)
{
	(void)datapath;
	return "as the test wants it";
}

static int fake_error_entry(const struct datapath *datapath)
{
	return datapath->error_entry;
}

static int fake_pool_new(struct datapath *datapath, struct nattrav_pool *pools, size_t count)
{
	(void)pools;
	datapath->pools_made += datapath->fail_pool_new ? 0 : count;
	return datapath->fail_pool_new;
}

static int fake_pool_dump(struct datapath *datapath, nattrav_pool_fn *fn, void *arg)
{
	size_t i;

	for (i = 0; i < datapath->pool_count; i++)
		assert_int_equal(fn(&datapath->pools[i], arg), 0);
	return 0;
}

static struct nattrav_stream *fake_find(uint32_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fake_datapath.streams); i++) {
		if (id && fake_datapath.streams[i].id == id)
			return &fake_datapath.streams[i];
	}
	return NULL;
}

static struct nattrav_stream *fake_add(const struct nattrav_stream *asked, uint32_t tied)
{
	struct nattrav_stream *stream = fake_datapath.streams;
	unsigned int side;

	while (stream->id)
		stream++;
	assert_true(stream < fake_datapath.streams + ARRAY_SIZE(fake_datapath.streams));

	*stream = *asked;
	stream->id = fake_datapath.next_id++;
	stream->tied = tied;
	for (side = 0; side < 2; side++) {
		if (asked->leg[side].family == AF_INET6) {
			stream->leg[side].local.addr.family = AF_INET6;
			assert_int_equal(inet_pton(AF_INET6, "2001:db8::1",
						   &stream->leg[side].local.addr.v6),
					 1);
		} else {
			stream->leg[side].local.addr.family = AF_INET;
			stream->leg[side].local.addr.v4.s_addr = inet_addr("203.0.113.1");
		}
		stream->leg[side].local.port = fake_datapath.next_port + (side ? 100 : 0);
	}
	fake_datapath.next_port++;
	return stream;
}

static int fake_stream_new(struct datapath *datapath, const struct nattrav_stream *streams,
			   size_t count, struct nattrav_stream *made, size_t made_max)
{
	struct nattrav_stream *rtp, *rtcp;
	int got = 0;
	size_t i;

	datapath->news++;
	if (datapath->fail_new)
		return datapath->fail_new;

	assert_true(made_max >= 2 * count);
	for (i = 0; i < count; i++) {
		assert_int_equal(streams[i].rtcp, streams[i].type == NATTRAV_STREAM_TYPE_RTP);
		if (!datapath->any_realm) {
			assert_string_equal(streams[i].leg[0].realm, "access");
			assert_string_equal(streams[i].leg[1].realm, "access");
		}
		if (!streams[i].rtcp) {
			made[got++] = *fake_add(&streams[i], 0);
			continue;
		}
		rtp = fake_add(&streams[i], fake_datapath.next_id + 1);
		rtcp = fake_add(&streams[i], rtp->id);
		rtcp->type = NATTRAV_STREAM_TYPE_RTCP;
		made[got++] = *rtp;
		made[got++] = *rtcp;
	}
	return got;
}

static int fake_stream_set(struct datapath *datapath, const struct nattrav_stream *streams,
			   size_t count)
{
	size_t i;

	datapath->sets++;
	if (datapath->fail_set)
		return datapath->fail_set;

	for (i = 0; i < count; i++) {
		if (!fake_find(streams[i].id)) {
			datapath->error_entry = (int)i;
			return -ENOENT;
		}
		assert_true(streams[i].given & NATTRAV_STREAM_LEG_A);
		assert_true(streams[i].given & NATTRAV_STREAM_LEG_B);
		datapath->last_set[i] = streams[i];
	}
	datapath->last_set_count = count;
	return 0;
}

static int fake_stream_del(struct datapath *datapath, const uint32_t *ids, size_t count)
{
	struct nattrav_stream *stream, *rtcp;
	size_t i;

	datapath->dels++;
	for (i = 0; i < count; i++) {
		stream = fake_find(ids[i]);
		if (!stream)
			return -ENOENT;
		rtcp = fake_find(stream->tied);
		if (rtcp)
			rtcp->id = 0;
		stream->id = 0;
	}
	return 0;
}

static int fake_stream_del_call(struct datapath *datapath, const char *call)
{
	int err = -ENOENT;
	size_t i;

	datapath->del_calls++;
	for (i = 0; i < ARRAY_SIZE(datapath->streams); i++) {
		if (datapath->streams[i].id && !strcmp(datapath->streams[i].call, call)) {
			datapath->streams[i].id = 0;
			err = 0;
		}
	}
	return err;
}

static int fake_stream_get(struct datapath *datapath, uint32_t id, struct nattrav_stream *stream)
{
	const struct nattrav_stream *found = fake_find(id);

	(void)datapath;
	if (!found)
		return -ENOENT;
	*stream = *found;
	return 0;
}

static int fake_info(struct datapath *datapath, struct nattrav_info *info)
{
	(void)datapath;
	memset(info, 0, sizeof(*info));
	info->streams = fake_datapath_count();
	return 0;
}

static int fake_stream_dump(struct datapath *datapath, nattrav_stream_fn *fn, void *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(datapath->streams); i++) {
		if (datapath->streams[i].id)
			assert_int_equal(fn(&datapath->streams[i], arg), 0);
	}
	return 0;
}

static int fake_watch(struct datapath *datapath, const struct datapath_watch *watch, void *arg)
{
	datapath->watch = watch;
	datapath->watch_arg = arg;
	return datapath->fail_watch;
}

const struct datapath_ops fake_datapath_ops = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.error = fake_error,
	.error_entry = fake_error_entry,
	.pool_new = fake_pool_new,
	.pool_dump = fake_pool_dump,
	.stream_new = fake_stream_new,
	.stream_set = fake_stream_set,
	.stream_del = fake_stream_del,
	.stream_del_call = fake_stream_del_call,
	.info = fake_info,
	.stream_get = fake_stream_get,
	.stream_dump = fake_stream_dump,
	.watch = fake_watch,
};

/* How many streams there are, RTCP included. */
unsigned int fake_datapath_count(void)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fake_datapath.streams); i++)
		count += fake_datapath.streams[i].id != 0;
	return count;
}
