// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * status, stats: the module as a whole.
 */
#include <inttypes.h>
#include <stdio.h>
#include "ctl.h"

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

static int status_json(struct ctl *ctl, const struct nattrav_info *info, const struct tally *tally)
{
	json_t *json = ctl_json_info(info), *pools = json_array();
	int err;

	json_object_set_new(json, "streams-partial", json_integer((json_int_t)tally->partial));
	json_object_set_new(json, "streams-complete", json_integer((json_int_t)tally->complete));
	err = nattrav_pool_dump(ctl->handle, pool_add_json, pools);
	json_object_set_new(json, "pool", pools);
	if (err) {
		json_decref(json);
		return ctl_fail_kernel(ctl, err);
	}
	return ctl_json_print(ctl, json, JSON_INDENT(2));
}

int ctl_status(struct ctl *ctl, struct ctl_words words)
{
	struct tally tally = { 0 };
	struct nattrav_info info;
	int err, status;

	if (words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	if (ctl_open(ctl))
		return CTL_FAILED;
	err = nattrav_info_get(ctl->handle, &info);
	if (!err)
		err = nattrav_stream_dump(ctl->handle, NULL, tally_stream, &tally);
	if (err)
		return ctl_fail_kernel(ctl, err);
	if (ctl->json)
		return status_json(ctl, &info, &tally);
	printf("module   nattrav %s, relaying in the kernel\n", info.version);
	printf("streams  %zu of at most %u: %zu partial, %zu complete\n\n",
	       tally.partial + tally.complete, info.streams_max, tally.partial, tally.complete);
	status = ctl_pools_print(ctl);
	if (status)
		return status;
	printf("\npackets\n");
	packets_print(&info, false);
	return CTL_OK;
}

int ctl_stats(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_info info;
	int err;

	if (words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	if (ctl_open(ctl))
		return CTL_FAILED;
	err = nattrav_info_get(ctl->handle, &info);
	if (err)
		return ctl_fail_kernel(ctl, err);
	if (ctl->json)
		return ctl_json_print(ctl, ctl_json_info(&info), JSON_INDENT(2));
	printf("packets\n");
	packets_print(&info, true);
	return CTL_OK;
}
