// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream list: the table, a line for each leg, written as it is read.
 *
 * A line maps a terminal to its alias: PEER is the terminal's public address,
 * ALIAS all that the far terminal ever sees of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"

/**
 * struct list - a listing under way
 * @ctl: the run
 * @array: for JSON
 * @count: streams so far
 * @width: of a column of addresses
 */
struct list {
	const struct ctl *ctl;
	struct ctl_json_array array;
	size_t count;
	int width;
};

#define ROW "%-10s  %-5s %-3s  %-*s  %-*s  %-*s  %10s  %12s  %9s  %s\n"

/* Columns of addresses: most of those of IPv6 fit, all of IPv4. */
#define WIDTH_IPV4 21
#define WIDTH_IPV6 30

static void leg_print(const struct list *list, const struct nattrav_stream *stream,
		      enum nattrav_side side)
{
	const struct nattrav_leg *leg = &stream->leg[side], *other = &stream->leg[!side];
	const char *type = nattrav_stream_type_name(stream->type);
	char id[16], peer[CTL_TEXT_SIZE], alias[CTL_TEXT_SIZE], local[CTL_TEXT_SIZE];
	char packets[24], bytes[24], seen[CTL_TEXT_SIZE], call[CTL_CALL_SIZE];

	snprintf(id, sizeof(id), "%" PRIu32, stream->id);
	snprintf(packets, sizeof(packets), "%" PRIu64, leg->packets);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, leg->bytes);
	if (leg->given & NATTRAV_LEG_LAST_SEEN)
		ctl_duration_text(leg->last_seen - leg->last_seen % 1000, seen);
	else
		snprintf(seen, sizeof(seen), "never");
	printf(ROW, side == NATTRAV_SIDE_A ? id : "", side == NATTRAV_SIDE_A && type ? type : "",
	       side == NATTRAV_SIDE_A ? "a" : "b", list->width,
	       leg->peer.addr.family ? ctl_endpoint_text(&leg->peer, peer) : "partial", list->width,
	       ctl_endpoint_text(&other->local, alias), list->width,
	       ctl_endpoint_text(&leg->local, local), packets, bytes, seen,
	       side == NATTRAV_SIDE_A ? ctl_clean_text(stream->call, call, sizeof(call)) : "");
}

static int list_print(const struct nattrav_stream *stream, void *arg)
{
	struct list *list = arg;

	if (list->ctl->json)
		return ctl_json_array_add(list->ctl, &list->array, ctl_json_stream(stream)) ? -EIO :
											      0;
	if (!list->count++)
		printf(ROW, "STREAM", "TYPE", "LEG", list->width, "PEER (TERMINAL)", list->width,
		       "ALIAS", list->width, "LOCAL", "PACKETS", "BYTES", "LAST SEEN", "CALL");
	leg_print(list, stream, NATTRAV_SIDE_A);
	leg_print(list, stream, NATTRAV_SIDE_B);
	return 0;
}

static int pool_width(const struct nattrav_pool *pool, void *arg)
{
	struct list *list = arg;

	if (pool->addr.family == AF_INET6)
		list->width = WIDTH_IPV6;
	return 0;
}

static int filter_parse(const struct ctl *ctl, struct ctl_words words,
			struct nattrav_stream *filter)
{
	enum nattrav_state state;

	for (; words.count >= 2; words.word += 2, words.count -= 2) {
		const char *value = words.word[1];

		if (!strcmp(words.word[0], "call")) {
			if (!value[0] || strlen(value) > NATTRAV_CALL_LEN)
				return ctl_usage(ctl, "a call id has 1 to %d bytes",
						 NATTRAV_CALL_LEN);
			memcpy(filter->call, value, strlen(value) + 1);
		} else if (!strcmp(words.word[0], "state")) {
			for (state = 0; nattrav_state_name(state); state++) {
				if (!strcmp(value, nattrav_state_name(state)))
					break;
			}
			if (!nattrav_state_name(state))
				return ctl_usage(ctl, "a state is partial or complete");
			filter->state = state;
			filter->given |= NATTRAV_STREAM_STATE;
		} else {
			break;
		}
	}
	return words.count ? ctl_usage(ctl, "unknown word \"%s\"", words.word[0]) : CTL_OK;
}

int ctl_stream_list(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_stream filter = { 0 };
	struct list list = { .ctl = ctl, .width = WIDTH_IPV4 };
	int err, status;

	status = filter_parse(ctl, words, &filter);
	if (status)
		return status;
	if (ctl_open_read(ctl))
		return CTL_FAILED;
	err = ctl_read_pools(ctl, pool_width, &list);
	if (!err)
		err = ctl_read_streams(ctl, &filter, list_print, &list);
	if (err)
		return ctl_fail_read(ctl, err);
	if (ctl->json)
		ctl_json_array_end(&list.array);
	else if (!list.count)
		printf("no streams\n");
	return CTL_OK;
}
