// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream add, stream set, stream del
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

/**
 * struct batch - streams to install
 * @file: where they were read from, "-" for standard input, NULL for the
 *	command line
 * @name: the same for people
 * @streams: the streams
 * @lines: the line of @file that each came from
 * @count: how many
 * @room: in both arrays
 */
struct batch {
	const char *file;
	const char *name;
	struct nattrav_stream *streams;
	unsigned int *lines;
	size_t count;
	size_t room;
};

static struct nattrav_stream *batch_add(struct batch *batch, unsigned int line)
{
	struct nattrav_stream *streams;
	unsigned int *lines;
	size_t room;

	if (batch->count == batch->room) {
		room = batch->room ? 2 * batch->room : 16;
		streams = realloc(batch->streams, room * sizeof(*streams));
		if (!streams)
			return NULL;
		batch->streams = streams;
		lines = realloc(batch->lines, room * sizeof(*lines));
		if (!lines)
			return NULL;
		batch->lines = lines;
		batch->room = room;
	}
	batch->lines[batch->count] = line;
	batch->streams[batch->count] = (struct nattrav_stream){ 0 };
	return &batch->streams[batch->count++];
}

/* Splits a line at its spaces; a "#" begins a comment. Return: -1 without memory. */
static ssize_t line_split(char *line, char ***words)
{
	size_t count = 0, room = 16;
	char *save = NULL, *word, **made, **more;

	line[strcspn(line, "#\n")] = '\0';
	made = malloc(room * sizeof(*made));
	if (!made)
		return -1;
	for (word = strtok_r(line, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
		if (count == room) {
			room *= 2;
			more = realloc(made, room * sizeof(*made));
			if (!more) {
				free(made);
				return -1;
			}
			made = more;
		}
		made[count++] = word;
	}
	*words = made;
	return (ssize_t)count;
}

static int batch_line(const struct ctl *ctl, struct batch *batch, char *line, unsigned int number)
{
	struct nattrav_stream *stream;
	char error[CTL_ERROR_SIZE];
	int status = CTL_OK;
	char **words;
	ssize_t count;

	count = line_split(line, &words);
	if (count < 0)
		return ctl_fail(ctl, "%s", strerror(errno));
	if (count) {
		stream = batch_add(batch, number);
		if (!stream) {
			status = ctl_fail(ctl, "%s", strerror(errno));
		} else if (!ctl_parse_stream((struct ctl_words){ words, (size_t)count }, false,
					     stream, error)) {
			ctl_fail(ctl, "%s:%u: %s", batch->name, number, error);
			status = CTL_USAGE;
		}
	}
	free(words);
	return status;
}

static int batch_read(const struct ctl *ctl, struct batch *batch)
{
	bool standard = !strcmp(batch->file, "-");
	FILE *file = standard ? stdin : fopen(batch->file, "re");
	int status = CTL_OK;
	unsigned int number = 0;
	char *line = NULL;
	size_t size = 0;

	batch->name = standard ? "standard input" : batch->file;
	if (!file)
		return ctl_fail(ctl, "%s: %s", batch->file, strerror(errno));
	while (!status && getline(&line, &size, file) >= 0)
		status = batch_line(ctl, batch, line, ++number);
	/* no memory for a line is no error of the file */
	if (!status && !feof(file))
		status = ctl_fail(ctl, "%s: cannot be read: %s", batch->name, strerror(errno));
	free(line);
	if (!standard)
		fclose(file);
	return status;
}

static void made_print(const struct nattrav_stream *stream)
{
	char a[CTL_TEXT_SIZE], b[CTL_TEXT_SIZE];
	const char *type = nattrav_stream_type_name(stream->type);

	printf("stream %u (%s): a sends to %s, b sends to %s\n", stream->id, type ? type : "?",
	       ctl_endpoint_text(&stream->leg[NATTRAV_SIDE_A].local, a),
	       ctl_endpoint_text(&stream->leg[NATTRAV_SIDE_B].local, b));
}

static int batch_fail(const struct ctl *ctl, const struct batch *batch, int err)
{
	int entry = nattrav_error_entry(ctl->handle);

	if (batch->file && entry >= 0 && (size_t)entry < batch->count)
		ctl_fail(ctl, "%s:%u: %s", batch->name, batch->lines[entry],
			 nattrav_strerror(ctl->handle));
	else
		ctl_fail(ctl, "%s", nattrav_strerror(ctl->handle));
	ctl_hint(err);
	return CTL_FAILED;
}

static int batch_install(struct ctl *ctl, const struct batch *batch)
{
	struct ctl_json_array array = { 0 };
	struct nattrav_stream *made;
	size_t room = 2 * batch->count; /* each may have its RTCP */
	int count, i, status = CTL_OK;

	made = calloc(room ? room : 1, sizeof(*made));
	if (!made)
		return ctl_fail(ctl, "%s", strerror(errno));
	count = nattrav_stream_new(ctl->handle, batch->streams, batch->count, made, room);
	if (count < 0)
		status = batch_fail(ctl, batch, count);
	for (i = 0; i < count && (size_t)i < room && !status; i++) {
		if (ctl->json)
			status = ctl_json_array_add(ctl, &array, ctl_json_stream(&made[i]));
		else
			made_print(&made[i]);
	}
	if (ctl->json && !status)
		ctl_json_array_end(&array);
	free(made);
	return status;
}

int ctl_stream_add(struct ctl *ctl, struct ctl_words words)
{
	struct batch batch = { 0 };
	struct nattrav_stream *stream;
	char error[CTL_ERROR_SIZE];
	int status = CTL_OK;

	if (words.count && !strcmp(words.word[0], "--batch")) {
		if (words.count != 2)
			return ctl_usage(ctl, "--batch needs the name of a file, and nothing else");
		batch.file = words.word[1];
		status = batch_read(ctl, &batch);
	} else {
		stream = batch_add(&batch, 0);
		if (!stream)
			status = ctl_fail(ctl, "%s", strerror(errno));
		else if (!ctl_parse_stream(words, false, stream, error))
			status = ctl_usage(ctl, "%s", error);
	}
	if (!status)
		status = ctl_open(ctl);
	if (!status)
		status = batch_install(ctl, &batch);
	free(batch.streams);
	free(batch.lines);
	return status;
}

/* What commands without a result of their own say in JSON. */
static int done(const struct ctl *ctl, const char *what, size_t count)
{
	return ctl->json ? ctl_json_print(ctl, json_pack("{s:I}", what, (json_int_t)count),
					  JSON_COMPACT) :
			   CTL_OK;
}

/* "prefix any" depends on the family of the leg, which the user need not say. */
static int family_fill(struct ctl *ctl, struct nattrav_stream *stream)
{
	struct nattrav_stream now;
	bool asked = false;
	int side, err;

	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		struct nattrav_leg *leg = &stream->leg[side];

		if (!(leg->given & NATTRAV_LEG_PREFIXES) || leg->prefixes || leg->family)
			continue;
		err = asked ? 0 : nattrav_stream_get(ctl->handle, stream->id, &now);
		if (err)
			return err;
		asked = true;
		leg->family = now.leg[side].family;
	}
	return 0;
}

int ctl_stream_set(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_stream stream = { 0 };
	char error[CTL_ERROR_SIZE];
	int err;

	if (!words.count || ctl_parse_u32(words.word[0], &stream.id))
		return ctl_usage(ctl, "the id of a stream is needed");
	words.word++;
	words.count--;
	if (!words.count)
		return ctl_usage(ctl, "nothing to change");
	if (!ctl_parse_stream(words, true, &stream, error))
		return ctl_usage(ctl, "%s", error);
	if (ctl_open(ctl))
		return CTL_FAILED;
	err = family_fill(ctl, &stream);
	if (!err)
		err = nattrav_stream_set(ctl->handle, &stream, 1);
	return err ? ctl_fail_kernel(ctl, err) : done(ctl, "changed", 1);
}

static int del_call(struct ctl *ctl, const char *call)
{
	char clean[CTL_CALL_SIZE];
	int err;

	if (!call[0] || strlen(call) > NATTRAV_CALL_LEN)
		return ctl_usage(ctl, "a call id has 1 to %d bytes", NATTRAV_CALL_LEN);
	if (ctl_open(ctl))
		return CTL_FAILED;
	err = nattrav_stream_del_call(ctl->handle, call);
	if (err == -ENOENT)
		return ctl_fail(
			ctl,
			"no stream belongs to call \"%s\"; \"nattravctl stream list\" shows all",
			ctl_clean_text(call, clean, sizeof(clean)));
	if (err)
		return ctl_fail_kernel(ctl, err);
	ctl_clean_text(call, clean, sizeof(clean));
	return ctl->json ? ctl_json_print(ctl, json_pack("{s:s}", "deleted-call", clean),
					  JSON_COMPACT) :
			   CTL_OK;
}

/* Ids of streams, RTCP streams apart: they go with their RTP. */
struct ids {
	uint32_t *id;
	size_t count;
	size_t room;
};

static int ids_add(const struct nattrav_stream *stream, void *arg)
{
	struct ids *ids = arg;
	uint32_t *more;

	if (stream->type == NATTRAV_STREAM_TYPE_RTCP)
		return 0;
	if (ids->count == ids->room) {
		ids->room = ids->room ? 2 * ids->room : 1024;
		more = realloc(ids->id, ids->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		ids->id = more;
	}
	ids->id[ids->count++] = stream->id;
	return 0;
}

/* Entries in one message. */
#define DEL_BATCH 1000

/* A stream that goes meanwhile is a reason to look again, since its batch stays. */
static int del_all(struct ctl *ctl)
{
	struct ids ids = { 0 };
	size_t deleted = 0, i, count;
	int err;

	if (ctl_open(ctl))
		return CTL_FAILED;
	do {
		ids.count = 0;
		err = nattrav_stream_dump(ctl->handle, NULL, ids_add, &ids);
		for (i = 0; !err && i < ids.count; i += count) {
			count = ids.count - i < DEL_BATCH ? ids.count - i : DEL_BATCH;
			err = nattrav_stream_del(ctl->handle, ids.id + i, count);
			deleted += err ? 0 : count;
		}
	} while (err == -ENOENT);
	free(ids.id);
	if (err == -ENOMEM)
		return ctl_fail(ctl, "%s", strerror(ENOMEM));
	return err ? ctl_fail_kernel(ctl, err) : done(ctl, "deleted", deleted);
}

int ctl_stream_del(struct ctl *ctl, struct ctl_words words)
{
	uint32_t *ids = NULL;
	int err, status;

	if (words.count && !strcmp(words.word[0], "--all")) {
		if (words.count != 1)
			return ctl_usage(ctl, "--all needs nothing else");
		return del_all(ctl);
	}

	if (words.count && !strcmp(words.word[0], "call")) {
		if (words.count != 2)
			return ctl_usage(ctl, "call needs one call id");
		return del_call(ctl, words.word[1]);
	}
	status = ctl_ids(ctl, words, &ids);
	if (status)
		return status;
	status = ctl_open(ctl);
	if (!status) {
		err = nattrav_stream_del(ctl->handle, ids, words.count);
		status = err ? ctl_fail_kernel(ctl, err) : done(ctl, "deleted", words.count);
	}
	free(ids);
	return status;
}
