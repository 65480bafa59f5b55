// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * save: the pools and streams as a file, a line for each of them. It appears
 * whole under its name, or not at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"
#include "saved.h"

/**
 * struct save - a file under way
 * @file: where it is written
 * @count: entries of the present list
 * @streams: streams so far
 * @rtp: an RTP stream whose RTCP stream may come next, if its id is not 0
 */
struct save {
	FILE *file;
	size_t count;
	size_t streams;
	struct nattrav_stream rtp;
};

static int entry_write(struct save *save, json_t *json)
{
	int err;

	fputs(save->count++ ? ",\n" : "\n", save->file);
	err = json_dumpf(json, save->file, JSON_COMPACT);
	json_decref(json);
	return err ? -EIO : 0;
}

static int pool_write(const struct nattrav_pool *pool, void *arg)
{
	return entry_write(arg, ctl_json_pool_plain(pool));
}

/* Writes the stream that waits for its RTCP, if there is one. */
static int rtp_write(struct save *save)
{
	int err = 0;

	if (save->rtp.id)
		err = entry_write(save, ctl_json_stream_plain(&save->rtp));
	save->rtp.id = 0;
	return err;
}

/* RTCP that is as its RTP is goes into the same entry: half the size, half the time. */
static bool rtcp_merge(struct save *save, const struct nattrav_stream *rtcp)
{
	struct nattrav_stream *rtp = &save->rtp;
	int side;

	if (!rtp->id || rtp->tied != rtcp->id || rtcp->type != NATTRAV_STREAM_TYPE_RTCP ||
	    !ctl_saved_alike(rtp, rtcp))
		return false;
	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++)
		rtp->leg[side].rtcp_peer = rtcp->leg[side].peer;
	rtp->rtcp = true;
	rtp->tied = 0;
	return true;
}

static int stream_write(const struct nattrav_stream *stream, void *arg)
{
	struct save *save = arg;
	bool merged = rtcp_merge(save, stream);
	int err = rtp_write(save);

	save->streams++;
	if (err || merged)
		return err;
	save->rtp = *stream;
	return stream->type == NATTRAV_STREAM_TYPE_RTP && stream->tied ? 0 : rtp_write(save);
}

static void head_write(FILE *file)
{
	time_t now = time(NULL);
	char text[CTL_TEXT_SIZE] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(file, "{\"nattrav-save\":%d,\"version\":\"" NATTRAV_VERSION "\",\"time\":\"%s\",",
		CTL_SAVED_VERSION, text);
}

/* Return: -errno, of the kernel or of the file. */
static int save_write(struct nattrav *handle, struct save *save, size_t *pools)
{
	int err;

	head_write(save->file);
	fputs("\n\"pools\":[", save->file);
	err = nattrav_pool_dump(handle, pool_write, save);
	if (err)
		return err;
	*pools = save->count;
	save->count = 0;
	fputs("\n],\n\"streams\":[", save->file);
	err = nattrav_stream_dump(handle, NULL, stream_write, save);
	if (!err)
		err = rtp_write(save);
	fputs("\n]}\n", save->file);
	return err;
}

static int save_fail(const struct ctl *ctl, const struct save *save, const char *name, int err)
{
	if (ferror(save->file))
		return ctl_fail(ctl, "%s: cannot be written: %s", name, strerror(errno));
	return ctl_fail_kernel(ctl, err);
}

/**
 * ctl_save_file() - write the pools and streams to a file
 * @ctl: the run, opened
 * @name: the file
 * @pools: set to the number of pools
 * @streams: set to the number of streams
 *
 * It goes to another name first, so that a file that is there stays whole if this fails.
 *
 * Return: an exit code; the reason for one that is not CTL_OK was printed.
 */
int ctl_save_file(struct ctl *ctl, const char *name, size_t *pools, size_t *streams)
{
	struct save save = { 0 };
	char *temp;
	int fd, err, status;

	if (asprintf(&temp, "%s.XXXXXX", name) < 0)
		return ctl_fail(ctl, "%s", strerror(ENOMEM));
	fd = mkstemp(temp);
	if (fd >= 0)
		save.file = fdopen(fd, "w");
	if (!save.file) {
		status = ctl_fail(ctl, "%s: %s", temp, strerror(errno));
		goto out;
	}
	err = save_write(ctl->handle, &save, pools);
	if (!err && (fflush(save.file) || ferror(save.file) || fsync(fd)))
		err = -errno;
	status = err ? save_fail(ctl, &save, temp, err) : CTL_OK;
	fclose(save.file);
	if (!status && rename(temp, name))
		status = ctl_fail(ctl, "%s: %s", name, strerror(errno));
	if (status)
		unlink(temp);
	*streams = save.streams;
out:
	free(temp);
	return status;
}

static int save_named(struct ctl *ctl, const char *name)
{
	size_t pools = 0, streams = 0;
	int status = ctl_save_file(ctl, name, &pools, &streams);

	if (status)
		return status;
	if (ctl->json)
		return ctl_json_print(ctl,
				      json_pack("{s:I, s:I}", "pools", (json_int_t)pools, "streams",
						(json_int_t)streams),
				      JSON_COMPACT);
	printf("%s: %zu pools, %zu streams\n", name, pools, streams);
	return CTL_OK;
}

int ctl_save(struct ctl *ctl, struct ctl_words words)
{
	struct save save = { .file = stdout };
	size_t pools;
	int err;

	if (words.count > 1)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[1]);
	if (ctl_open(ctl))
		return CTL_FAILED;
	if (words.count && strcmp(words.word[0], "-") != 0)
		return save_named(ctl, words.word[0]);
	err = save_write(ctl->handle, &save, &pools);
	return err ? save_fail(ctl, &save, "standard output", err) : CTL_OK;
}
