// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * restore: install what "save" has written, all of it or nothing.
 *
 * RTCP streams are made by the kernel along with their RTP streams, with the peers
 * that they had and the policy of their RTP. Where somebody has given one a policy
 * of its own it is set in a second batch. Between the two it is no less guarded
 * than ever: RTCP completes only with the address of its RTP.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "saved.h"

/**
 * struct restore - a restoration under way
 * @ctl: the run
 * @name: the file, for people
 * @saved: what it holds
 * @pools: those that are not there yet
 * @pool_count: how many
 * @batch: all streams but those of RTCP, as they are given to the kernel
 * @batch_from: the stream of the file that each came from
 * @batch_count: how many
 * @by_id: all streams of the file, sorted by the ids that they had
 * @own: those RTCP streams that are not as their RTP streams are
 * @own_count: how many
 * @by_local: all streams of the file, sorted by their relay address
 * @made: their new ids, in the order of @by_local; 0 for one that is gone
 */
struct restore {
	struct ctl *ctl;
	const char *name;
	struct ctl_saved saved;
	struct nattrav_pool *pools;
	size_t pool_count;
	struct nattrav_stream *batch;
	size_t *batch_from;
	size_t batch_count;
	const struct nattrav_stream **by_id;
	const struct nattrav_stream **own;
	size_t own_count;
	const struct nattrav_stream **by_local;
	uint32_t *made;
};

/* No two streams share a relay port, so that one leg is enough to know them by. */
static int local_compare(const void *left, const void *right)
{
	const struct nattrav_endpoint *a =
		&(*(const struct nattrav_stream *const *)left)->leg[0].local;
	const struct nattrav_endpoint *b =
		&(*(const struct nattrav_stream *const *)right)->leg[0].local;
	int order = ctl_saved_addr_compare(&a->addr, &b->addr);

	return order ? order : (int)a->port - (int)b->port;
}

static bool pool_same(const struct nattrav_pool *a, const struct nattrav_pool *b)
{
	return !ctl_saved_addr_compare(&a->addr, &b->addr) && a->port_min == b->port_min &&
	       a->port_max == b->port_max && !strcmp(a->realm, b->realm);
}

/* A pool that is there already need not be made. */
static int pool_strike(const struct nattrav_pool *pool, void *arg)
{
	struct restore *restore = arg;
	size_t i;

	for (i = 0; i < restore->pool_count; i++) {
		if (!pool_same(pool, &restore->pools[i]))
			continue;
		restore->pools[i] = restore->pools[--restore->pool_count];
		break;
	}
	return 0;
}

static int id_compare(const void *left, const void *right)
{
	uint32_t a = (*(const struct nattrav_stream *const *)left)->id;
	uint32_t b = (*(const struct nattrav_stream *const *)right)->id;

	return a < b ? -1 : a > b;
}

/* The RTCP stream of the file that belongs to an RTP stream, or NULL. */
static const struct nattrav_stream *rtcp_find(const struct restore *restore,
					      const struct nattrav_stream *rtp)
{
	const struct nattrav_stream key = { .id = rtp->tied }, *want = &key, **found;

	found = bsearch(&want, restore->by_id, restore->saved.stream_count, sizeof(*restore->by_id),
			id_compare);
	return found && (*found)->type == NATTRAV_STREAM_TYPE_RTCP ? *found : NULL;
}

static void rtcp_prepare(struct restore *restore, struct nattrav_stream *rtp)
{
	const struct nattrav_stream *rtcp = rtcp_find(restore, rtp);
	int side;

	rtp->rtcp = true;
	if (!rtcp)
		return;
	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		if (rtp->leg[side].peer.addr.family)
			rtp->leg[side].rtcp_peer = rtcp->leg[side].peer;
	}
	if (!ctl_saved_alike(rtp, rtcp))
		restore->own[restore->own_count++] = rtcp;
}

/* Says what the file leaves out: in a second batch, silence would mean no change. */
static void leg_complete(struct nattrav_leg *leg)
{
	if (!(leg->given & NATTRAV_LEG_WINDOW))
		leg->window = 30000;
	if (!(leg->given & NATTRAV_LEG_LATCHED))
		leg->latched_generation = leg->generation;
	if (!(leg->given & NATTRAV_LEG_CLOCK_RATE))
		leg->clock_rate = 8000;
	if (!(leg->given & NATTRAV_LEG_DSCP))
		leg->dscp = NATTRAV_DSCP_CARRIED;
	leg->given |= NATTRAV_LEG_WINDOW | NATTRAV_LEG_LATCHED | NATTRAV_LEG_PREFIXES |
		      (CTL_SAVED_SHARED & ~NATTRAV_LEG_PAYLOAD_TYPES);
}

static void stream_complete(struct nattrav_stream *stream)
{
	if (!(stream->given & NATTRAV_STREAM_TIMEOUT_PARTIAL))
		stream->timeout_partial = 180000;
	if (!(stream->given & NATTRAV_STREAM_TIMEOUT_IDLE))
		stream->timeout_idle = 60000;
	if (!(stream->given & NATTRAV_STREAM_TIMEOUT_MAX))
		stream->timeout_max = 43200000;
	stream->given |= NATTRAV_STREAM_TIMEOUT_PARTIAL | NATTRAV_STREAM_TIMEOUT_IDLE |
			 NATTRAV_STREAM_TIMEOUT_MAX | NATTRAV_STREAM_COOKIE;
	leg_complete(&stream->leg[NATTRAV_SIDE_A]);
	leg_complete(&stream->leg[NATTRAV_SIDE_B]);
}

static int prepare(struct restore *restore)
{
	const struct ctl_saved *saved = &restore->saved;
	size_t room = saved->stream_count + 1, i;
	struct nattrav_stream *stream;

	restore->pools = calloc(saved->pool_count + 1, sizeof(*restore->pools));
	restore->batch = calloc(room, sizeof(*restore->batch));
	restore->batch_from = calloc(room, sizeof(*restore->batch_from));
	restore->by_id = calloc(room, sizeof(*restore->by_id));
	restore->own = calloc(room, sizeof(*restore->own));
	restore->by_local = calloc(room, sizeof(*restore->by_local));
	restore->made = calloc(room, sizeof(*restore->made));
	if (!restore->pools || !restore->batch || !restore->batch_from || !restore->by_id ||
	    !restore->own || !restore->by_local || !restore->made)
		return ctl_fail(restore->ctl, "%s", strerror(ENOMEM));

	if (saved->pool_count)
		memcpy(restore->pools, saved->pools, saved->pool_count * sizeof(*restore->pools));
	restore->pool_count = saved->pool_count;
	for (i = 0; i < saved->stream_count; i++) {
		stream_complete(&saved->streams[i]);
		restore->by_local[i] = &saved->streams[i];
		restore->by_id[i] = &saved->streams[i];
	}
	qsort(restore->by_local, saved->stream_count, sizeof(*restore->by_local), local_compare);
	qsort(restore->by_id, saved->stream_count, sizeof(*restore->by_id), id_compare);
	for (i = 0; i < saved->stream_count; i++) {
		if (saved->streams[i].type == NATTRAV_STREAM_TYPE_RTCP)
			continue;
		restore->batch_from[restore->batch_count] = i;
		stream = &restore->batch[restore->batch_count++];
		*stream = saved->streams[i];
		if (stream->tied)
			rtcp_prepare(restore, stream);
	}
	return CTL_OK;
}

static int made_find(const struct nattrav_stream *stream, void *arg)
{
	struct restore *restore = arg;
	const struct nattrav_stream **found;

	found = bsearch(&stream, restore->by_local, restore->saved.stream_count,
			sizeof(*restore->by_local), local_compare);
	if (found)
		restore->made[found - restore->by_local] = stream->id;
	return 0;
}

/* The id that a stream of the file has now, 0 if it went away meanwhile. */
static uint32_t made_id(const struct restore *restore, const struct nattrav_stream *stream)
{
	const struct nattrav_stream **found;

	found = bsearch(&stream, restore->by_local, restore->saved.stream_count,
			sizeof(*restore->by_local), local_compare);
	return found ? restore->made[found - restore->by_local] : 0;
}

/* What RTCP streams do not have from their RTP. */
static int rtcp_set(struct restore *restore)
{
	struct nattrav_stream *batch, *stream;
	size_t i, count = 0;
	int side, err;

	batch = calloc(restore->own_count, sizeof(*batch));
	if (!batch)
		return -ENOMEM;
	for (i = 0; i < restore->own_count; i++) {
		stream = &batch[count];
		*stream = *restore->own[i];
		stream->id = made_id(restore, stream);
		if (!stream->id)
			continue;
		count++;
		for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
			stream->leg[side].realm[0] = '\0';
			stream->leg[side].local = (struct nattrav_endpoint){ 0 };
			/* RTCP has no window of its own. */
			stream->leg[side].given &= ~(NATTRAV_LEG_WINDOW | NATTRAV_LEG_WINDOW_LEFT);
		}
	}
	err = nattrav_stream_set(restore->ctl->handle, batch, count);
	free(batch);
	return err;
}

static void undo(struct restore *restore, bool streams)
{
	struct nattrav *handle = restore->ctl->handle;
	size_t i, count = 0;

	if (streams) {
		for (i = 0; i < restore->saved.stream_count; i++) {
			if (restore->made[i])
				restore->made[count++] = restore->made[i];
		}
		nattrav_stream_del(handle, restore->made, count);
	}
	for (i = 0; i < restore->pool_count; i++)
		nattrav_pool_del(handle, &restore->pools[i].id, 1);
}

static int pools_make(struct restore *restore)
{
	const struct ctl *ctl = restore->ctl;
	int err, entry;

	err = nattrav_pool_dump(ctl->handle, pool_strike, restore);
	if (err)
		return ctl_fail_kernel(ctl, err);
	err = nattrav_pool_new(ctl->handle, restore->pools, restore->pool_count);
	if (!err)
		return CTL_OK;
	entry = nattrav_error_entry(ctl->handle);
	if (entry >= 0 && (size_t)entry < restore->pool_count)
		ctl_fail(ctl, "%s: pool %" PRIu32 ": %s", restore->name, restore->pools[entry].id,
			 nattrav_strerror(ctl->handle));
	else
		ctl_fail(ctl, "%s: %s", restore->name, nattrav_strerror(ctl->handle));
	ctl_hint(err);
	return CTL_FAILED;
}

static int streams_fail(const struct restore *restore, int err)
{
	const struct ctl *ctl = restore->ctl;
	int entry = nattrav_error_entry(ctl->handle);

	if (entry >= 0 && (size_t)entry < restore->batch_count)
		ctl_fail(ctl, "%s: streams[%zu]: %s; nothing was installed", restore->name,
			 restore->batch_from[entry], nattrav_strerror(ctl->handle));
	else
		ctl_fail(ctl, "%s: %s; nothing was installed", restore->name,
			 nattrav_strerror(ctl->handle));
	ctl_hint(err);
	return CTL_FAILED;
}

static int streams_make(struct restore *restore)
{
	const struct ctl *ctl = restore->ctl;
	int err;

	err = nattrav_stream_new(ctl->handle, restore->batch, restore->batch_count, NULL, 0);
	/* With these two it took effect, and only the answer found no room. */
	if (err < 0 && err != -ENOBUFS && err != -EAGAIN) {
		streams_fail(restore, err);
		undo(restore, false);
		return CTL_FAILED;
	}
	if (!restore->own_count)
		return CTL_OK;
	err = nattrav_stream_dump(ctl->handle, NULL, made_find, restore);
	if (!err)
		err = rtcp_set(restore);
	if (err) {
		ctl_fail(ctl, "%s: RTCP: %s; nothing was installed", restore->name,
			 err == -ENOMEM ? strerror(ENOMEM) : nattrav_strerror(ctl->handle));
		undo(restore, true);
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int result_print(const struct restore *restore)
{
	size_t taken = restore->saved.pool_count - restore->pool_count;
	size_t streams = restore->saved.stream_count, complete = 0, i;

	for (i = 0; i < restore->saved.stream_count; i++) {
		const struct nattrav_stream *stream = &restore->saved.streams[i];
		const struct nattrav_leg *a = &stream->leg[NATTRAV_SIDE_A];
		const struct nattrav_leg *b = &stream->leg[NATTRAV_SIDE_B];

		streams += stream->rtcp;
		complete += a->peer.addr.family && b->peer.addr.family;
		complete += a->rtcp_peer.addr.family && b->rtcp_peer.addr.family;
	}
	if (restore->ctl->json)
		return ctl_json_print(restore->ctl,
				      json_pack("{s:I, s:I, s:I, s:I}", "pools-made",
						(json_int_t)restore->pool_count, "pools-taken-over",
						(json_int_t)taken, "streams", (json_int_t)streams,
						"streams-complete", (json_int_t)complete),
				      JSON_COMPACT);
	printf("%s: %zu pools made, %zu were there already; %zu streams, %zu of them complete\n",
	       restore->name, restore->pool_count, taken, streams, complete);
	return CTL_OK;
}

static int file_read(struct restore *restore, const char *name)
{
	const bool standard = !name || !strcmp(name, "-");
	FILE *file = standard ? stdin : fopen(name, "re");
	char error[CTL_ERROR_SIZE];
	int status = CTL_OK;

	restore->name = standard ? "standard input" : name;
	if (!file)
		return ctl_fail(restore->ctl, "%s: %s", name, strerror(errno));
	if (!ctl_saved_read(file, &restore->saved, error)) {
		ctl_fail(restore->ctl, "%s: %s", restore->name, error);
		status = CTL_USAGE;
	}
	if (!standard)
		fclose(file);
	return status;
}

/**
 * ctl_restore_read() - read a file that "save" has written, and get all ready
 * @ctl: the run
 * @name: the file; NULL or "-" for standard input
 * @restore: set to what is ready to be installed, or NULL
 *
 * The kernel is not asked yet: the module need not be there.
 *
 * Return: an exit code; the reason for one that is not CTL_OK was printed.
 */
int ctl_restore_read(struct ctl *ctl, const char *name, struct restore **restore)
{
	int status;

	*restore = calloc(1, sizeof(**restore));
	if (!*restore)
		return ctl_fail(ctl, "%s", strerror(ENOMEM));
	(*restore)->ctl = ctl;
	status = file_read(*restore, name);
	if (!status)
		status = prepare(*restore);
	if (status) {
		ctl_restore_free(*restore);
		*restore = NULL;
	}
	return status;
}

/**
 * ctl_restore_install() - install all of it or nothing
 * @restore: what ctl_restore_read() has read; it can be installed once
 *
 * Return: an exit code; the reason for one that is not CTL_OK was printed.
 */
int ctl_restore_install(struct restore *restore)
{
	int status = ctl_open(restore->ctl);

	if (!status)
		status = pools_make(restore);
	if (!status)
		status = streams_make(restore);
	return status;
}

void ctl_restore_free(struct restore *restore)
{
	if (!restore)
		return;
	ctl_saved_free(&restore->saved);
	free(restore->pools);
	free(restore->batch);
	free(restore->batch_from);
	free(restore->by_id);
	free(restore->own);
	free(restore->by_local);
	free(restore->made);
	free(restore);
}

int ctl_restore(struct ctl *ctl, struct ctl_words words)
{
	struct restore *restore;
	int status;

	if (words.count > 1)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[1]);
	status = ctl_restore_read(ctl, words.count ? words.word[0] : NULL, &restore);
	if (!status)
		status = ctl_restore_install(restore);
	if (!status)
		status = result_print(restore);
	ctl_restore_free(restore);
	return status;
}
