// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * status, stats: the relay as a whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"
#include "media/snapshot.h"

/**
 * struct tally - streams by state
 * @partial: at least one leg waits for its first packet
 * @complete: the others
 */
struct tally {
	size_t partial;
	size_t complete;
};

static int tally_stream(const struct nattrav_stream *stream, void *arg)
{
	struct tally *tally = arg;

	if (stream->state == NATTRAV_STATE_COMPLETE)
		tally->complete++;
	else
		tally->partial++;
	return 0;
}

static void packets_print(const struct nattrav_info *info, bool all)
{
	uint64_t dropped = 0;
	unsigned int reason;

	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++)
		dropped += info->dropped[reason];
	printf("  received          %12" PRIu64 "\n", info->received);
	printf("  forwarded         %12" PRIu64 "\n", info->forwarded);
	printf("  accepted          %12" PRIu64 "  (handed on to the host)\n", info->accepted);
	printf("  dropped           %12" PRIu64 "\n", dropped);
	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++) {
		if (all || info->dropped[reason])
			printf("    %-15s %12" PRIu64 "\n", nattrav_drop_reason_name(reason),
			       info->dropped[reason]);
	}
}

static int pool_add_json(const struct nattrav_pool *pool, void *arg)
{
	json_array_append_new(arg, ctl_json_pool(pool));
	return 0;
}

/* Calls @fn for each line of a text. */
static void lines_each(const char *text, void (*fn)(const char *line, size_t len, void *arg),
		       void *arg)
{
	size_t len;

	for (; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		fn(text, len, arg);
	}
}

static void line_add_json(const char *line, size_t len, void *arg)
{
	json_array_append_new(arg, json_stringn(line, len));
}

static void line_print(const char *line, size_t len, void *arg)
{
	const char **label = arg;

	printf("%-8s %.*s\n", *label, (int)len, line);
	*label = "";
}

static json_t *daemon_json(const struct snapshot *snapshot)
{
	json_t *json = json_object(), *missing = json_array();

	lines_each(snapshot->missing, line_add_json, missing);
	json_object_set_new(json, "datapath", json_string(snapshot->datapath));
	json_object_set_new(json, "missing", missing);
	if (snapshot->trouble[0])
		json_object_set_new(json, "trouble", json_string(snapshot->trouble));
	return json;
}

static void daemon_print(const struct snapshot *snapshot)
{
	const char *missing = "missing", *trouble = "TROUBLE";

	printf("nattravd %s, datapath %s\n", snapshot->version, snapshot->datapath);
	lines_each(snapshot->trouble, line_print, &trouble);
	lines_each(snapshot->missing, line_print, &missing);
}

static int status_json(struct ctl *ctl, const struct snapshot *snapshot,
		       const struct nattrav_info *info, const struct tally *tally)
{
	json_t *json = ctl_json_info(info), *pools = json_array();
	int err;

	json_object_set_new(json, "streams-partial", json_integer((json_int_t)tally->partial));
	json_object_set_new(json, "streams-complete", json_integer((json_int_t)tally->complete));
	if (snapshot)
		json_object_set_new(json, "nattravd", daemon_json(snapshot));
	err = ctl_read_pools(ctl, pool_add_json, pools);
	json_object_set_new(json, "pool", pools);
	if (err) {
		json_decref(json);
		return ctl_fail_read(ctl, err);
	}
	return ctl_json_print(ctl, json, JSON_INDENT(2));
}

static int status_show(struct ctl *ctl, const struct snapshot *snapshot)
{
	struct tally tally = { 0 };
	struct nattrav_info info;
	int err, status;

	err = ctl_read_info(ctl, &info);
	if (!err)
		err = ctl_read_streams(ctl, NULL, tally_stream, &tally);
	if (err)
		return ctl_fail_read(ctl, err);
	if (ctl->json)
		return status_json(ctl, snapshot, &info, &tally);
	if (!ctl->snapshot)
		printf("module   nattrav %s, relaying in the kernel\n", info.version);
	if (snapshot)
		daemon_print(snapshot);
	printf("streams  %zu of at most %u: %zu partial, %zu complete\n\n",
	       tally.partial + tally.complete, info.streams_max, tally.partial, tally.complete);
	status = ctl_pools_print(ctl);
	if (status)
		return status;
	printf("\npackets\n");
	packets_print(&info, false);
	return CTL_OK;
}

int ctl_status(struct ctl *ctl, struct ctl_words words)
{
	struct snapshot *snapshot = NULL;
	int status;

	if (words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	if (ctl_open_read(ctl))
		return CTL_FAILED;
	/* Beside the module, nattravd may not run, or use something else. */
	if (!ctl->snapshot && ctl_snapshot_get(&snapshot))
		snapshot = NULL;
	status = status_show(ctl, ctl->snapshot ? ctl->snapshot : snapshot);
	free(snapshot);
	return status;
}

int ctl_stats(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_info info;
	int err;

	if (words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	if (ctl_open_read(ctl))
		return CTL_FAILED;
	err = ctl_read_info(ctl, &info);
	if (err)
		return ctl_fail_read(ctl, err);
	if (ctl->json)
		return ctl_json_print(ctl, ctl_json_info(&info), JSON_INDENT(2));
	printf("packets\n");
	packets_print(&info, true);
	return CTL_OK;
}
