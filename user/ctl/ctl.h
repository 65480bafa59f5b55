/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of nattravctl share.
 */
#ifndef NATTRAVCTL_CTL_H
#define NATTRAVCTL_CTL_H

#include <jansson.h>
#include <nattrav.h>
#include "parse.h"

/* Exit codes. */
enum {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
};

struct ctl;
struct snapshot;
struct restore;

/**
 * struct ctl_command - a command
 * @name: its words
 * @args: what follows them, for the usage
 * @help: what it does, in a line
 * @more: lines for its --help, or NULL
 * @run: does it; returns an exit code
 */
struct ctl_command {
	const char *name;
	const char *args;
	const char *help;
	const char *more;
	int (*run)(struct ctl *ctl, struct ctl_words words);
};

/**
 * struct ctl - a run of nattravctl
 * @command: the command, NULL before it is known
 * @handle: NULL until ctl_open()
 * @snapshot: what nattravd told in place of the module, NULL else
 * @json: write JSON
 */
struct ctl {
	const struct ctl_command *command;
	struct nattrav *handle;
	struct snapshot *snapshot;
	bool json;
};

/* main.c, error.c */
int ctl_open(struct ctl *ctl);
int ctl_usage(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ctl_fail(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ctl_fail_open(const struct ctl *ctl, int err);
int ctl_fail_kernel(const struct ctl *ctl, int err);
void ctl_hint(int err);

/* source.c: for commands that only look */
int ctl_open_read(struct ctl *ctl);
int ctl_fail_read(const struct ctl *ctl, int err);
int ctl_snapshot_get(struct snapshot **snapshot);
int ctl_read_info(struct ctl *ctl, struct nattrav_info *info);
int ctl_read_pools(struct ctl *ctl, nattrav_pool_fn *fn, void *arg);
int ctl_read_streams(struct ctl *ctl, const struct nattrav_stream *filter, nattrav_stream_fn *fn,
		     void *arg);
int ctl_read_stream(struct ctl *ctl, uint32_t id, struct nattrav_stream *stream);

/* json.c: with the names of the specification */
json_t *ctl_json_pool(const struct nattrav_pool *pool);
json_t *ctl_json_stream(const struct nattrav_stream *stream);
json_t *ctl_json_pool_plain(const struct nattrav_pool *pool);
json_t *ctl_json_stream_plain(const struct nattrav_stream *stream);
json_t *ctl_json_info(const struct nattrav_info *info);
json_t *ctl_json_event(const struct nattrav_event *event);
int ctl_json_print(const struct ctl *ctl, json_t *json, size_t flags);

/**
 * struct ctl_json_array - an array that is written element by element
 * @count: how many there were
 */
struct ctl_json_array {
	size_t count;
};

int ctl_json_array_add(const struct ctl *ctl, struct ctl_json_array *array, json_t *json);
void ctl_json_array_end(const struct ctl_json_array *array);

/* save.c, restore.c */
int ctl_save_file(struct ctl *ctl, const char *name, size_t *pools, size_t *streams);
int ctl_restore_read(struct ctl *ctl, const char *name, struct restore **restore);
int ctl_restore_install(struct restore *restore);
void ctl_restore_free(struct restore *restore);

/* The commands. */
int ctl_status(struct ctl *ctl, struct ctl_words words);
int ctl_stats(struct ctl *ctl, struct ctl_words words);
int ctl_pool_add(struct ctl *ctl, struct ctl_words words);
int ctl_pool_del(struct ctl *ctl, struct ctl_words words);
int ctl_pool_list(struct ctl *ctl, struct ctl_words words);
int ctl_stream_add(struct ctl *ctl, struct ctl_words words);
int ctl_stream_set(struct ctl *ctl, struct ctl_words words);
int ctl_stream_del(struct ctl *ctl, struct ctl_words words);
int ctl_stream_list(struct ctl *ctl, struct ctl_words words);
int ctl_stream_show(struct ctl *ctl, struct ctl_words words);
int ctl_top(struct ctl *ctl, struct ctl_words words);
int ctl_drops(struct ctl *ctl, struct ctl_words words);
int ctl_doctor(struct ctl *ctl, struct ctl_words words);
int ctl_save(struct ctl *ctl, struct ctl_words words);
int ctl_restore(struct ctl *ctl, struct ctl_words words);
int ctl_upgrade(struct ctl *ctl, struct ctl_words words);
int ctl_monitor(struct ctl *ctl, struct ctl_words words);
int ctl_drain(struct ctl *ctl, struct ctl_words words);
int ctl_ng(struct ctl *ctl, struct ctl_words words);

/* What several of them write. */
int ctl_pools_print(struct ctl *ctl);
const char *ctl_drop_meaning(enum nattrav_drop_reason reason);
const char *ctl_drop_advice(enum nattrav_drop_reason reason);
int ctl_ids(const struct ctl *ctl, struct ctl_words words, uint32_t **ids);

/* Room for a call id, cleaned. */
#define CTL_CALL_SIZE (NATTRAV_CALL_LEN + 1)

#endif
