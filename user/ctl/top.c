// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * top: the streams with the most trouble, again and again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "screen.h"
#include "trouble.h"

/* Whoever has more troubled streams than this has one great trouble instead. */
#define ROWS_MAX 1000

/**
 * struct row - a stream that may be shown
 * @stream: the stream
 * @trouble: what is wrong with it
 * @rate: packets per second of each leg, negative if it is not known
 */
struct row {
	struct nattrav_stream stream;
	struct ctl_trouble trouble;
	double rate[2];
};

/**
 * struct samples - the counters of all streams at one moment
 * @sample: sorted by id, as a dump is
 * @count: how many
 * @room: in @sample
 */
struct samples {
	struct ctl_sample *sample;
	size_t count;
	size_t room;
};

/**
 * struct top - a run of it
 * @ctl: the run
 * @screen: the display
 * @before: the last frame's counters
 * @now: this frame's counters
 * @info: this frame's totals
 * @info_before: the last frame's totals
 * @rows: streams to show, those with most trouble
 * @row_count: how many
 * @room: how many may be shown
 * @partial: streams that are partial
 */
struct top {
	const struct ctl *ctl;
	struct ctl_screen screen;
	struct samples before;
	struct samples now;
	struct nattrav_info info;
	struct nattrav_info info_before;
	struct row *rows;
	size_t row_count;
	size_t room;
	size_t partial;
};

static int id_compare(const void *left, const void *right)
{
	const struct ctl_sample *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

static const struct ctl_sample *sample_find(const struct samples *samples, uint32_t id)
{
	const struct ctl_sample key = { .id = id };

	return samples->count ?
		       bsearch(&key, samples->sample, samples->count, sizeof(key), id_compare) :
		       NULL;
}

static bool sample_add(struct samples *samples, const struct nattrav_stream *stream)
{
	struct ctl_sample *more;
	size_t room;

	if (samples->count == samples->room) {
		room = samples->room ? 2 * samples->room : 256;
		more = realloc(samples->sample, room * sizeof(*more));
		if (!more)
			return false;
		samples->sample = more;
		samples->room = room;
	}
	samples->sample[samples->count++] = ctl_sample_take(stream);
	return true;
}

static int row_compare(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->trouble.score != b->trouble.score)
		return a->trouble.score < b->trouble.score ? 1 : -1;
	return (a->stream.id > b->stream.id) - (a->stream.id < b->stream.id);
}

/* Room for a row, if its trouble is worse than that of one which is there. */
static struct row *row_place(struct top *top, unsigned int score)
{
	struct row *least = top->rows;
	size_t i;

	if (top->row_count < top->room)
		return &top->rows[top->row_count++];
	for (i = 1; i < top->row_count; i++) {
		if (top->rows[i].trouble.score < least->trouble.score)
			least = &top->rows[i];
	}
	return score > least->trouble.score ? least : NULL;
}

static int top_stream(const struct nattrav_stream *stream, void *arg)
{
	struct top *top = arg;
	const struct ctl_sample *before = sample_find(&top->before, stream->id);
	const struct ctl_trouble trouble = ctl_trouble_find(stream, before);
	struct row *row = row_place(top, trouble.score);
	int side;

	top->partial += stream->state != NATTRAV_STATE_COMPLETE;
	if (!sample_add(&top->now, stream))
		return -ENOMEM;
	if (!row)
		return 0;
	row->stream = *stream;
	row->trouble = trouble;
	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++)
		row->rate[side] =
			before ? (double)(stream->leg[side].packets - before->packets[side]) *
					 1000 / top->screen.delay :
				 -1;
	return 0;
}

static double per_second(const struct top *top, uint64_t now, uint64_t before)
{
	return top->screen.shown ? (double)(now - before) * 1000 / top->screen.delay : 0;
}

static void head_print(const struct top *top)
{
	const struct nattrav_info *now = &top->info, *before = &top->info_before;
	unsigned int reason, worst = 0;
	double rate, most = 0, sum = 0;
	char dropped[CTL_TEXT_SIZE] = "";

	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++) {
		rate = per_second(top, now->dropped[reason], before->dropped[reason]);
		sum += rate;
		if (rate > most) {
			most = rate;
			worst = reason;
		}
	}
	if (most > 0)
		snprintf(dropped, sizeof(dropped), ", mostly %s", nattrav_drop_reason_name(worst));
	ctl_screen_line(&top->screen, CTL_BOLD, "nattrav %s: %zu streams, %zu partial",
			now->version, top->now.count, top->partial);
	if (top->screen.shown)
		ctl_screen_line(&top->screen, most > 0 ? CTL_YELLOW : NULL,
				"per second: %.0f forwarded, %.0f dropped%s",
				per_second(top, now->forwarded, before->forwarded), sum, dropped);
	else
		ctl_screen_line(&top->screen, NULL, "%" PRIu64 " packets forwarded so far",
				now->forwarded);
	ctl_screen_line(&top->screen, NULL, "%s", "");
	ctl_screen_line(&top->screen, CTL_BOLD, "%8s %-4s %9s  %-21s %-21s %5s %5s %5s %6s",
			"STREAM", "TYPE", "AGE", "A", "B", "A/s", "B/s", "LOSS", "JITTER");
}

static void rate_text(double rate, char text[16])
{
	if (rate < 0)
		snprintf(text, 16, "-");
	else
		snprintf(text, 16, "%.0f", rate);
}

static void row_print(const struct ctl_screen *screen, const struct row *row)
{
	const struct nattrav_leg *a = &row->stream.leg[NATTRAV_SIDE_A];
	const struct nattrav_leg *b = &row->stream.leg[NATTRAV_SIDE_B];
	char a_peer[CTL_TEXT_SIZE], b_peer[CTL_TEXT_SIZE], a_rate[16], b_rate[16];
	char age[CTL_TEXT_SIZE], call[CTL_CALL_SIZE], loss[16] = "-", jitter[16] = "-";
	const char *type = nattrav_stream_type_name(row->stream.type), *color = NULL;
	double lost = ctl_loss_percent(a), lost_b = ctl_loss_percent(b);

	if (row->trouble.score)
		color = row->trouble.score >= CTL_TROUBLE_BAD ? CTL_RED : CTL_YELLOW;
	if ((a->given | b->given) & NATTRAV_LEG_RTP) {
		snprintf(loss, sizeof(loss), "%.1f%%", lost > lost_b ? lost : lost_b);
		snprintf(jitter, sizeof(jitter), "%ums",
			 (a->jitter > b->jitter ? a->jitter : b->jitter) / 1000);
	}
	rate_text(row->rate[NATTRAV_SIDE_A], a_rate);
	rate_text(row->rate[NATTRAV_SIDE_B], b_rate);
	ctl_screen_line(screen, color, "%8" PRIu32 " %-4s %9s  %-21s %-21s %5s %5s %5s %6s",
			row->stream.id, type ? type : "?",
			ctl_duration_text(row->stream.age - row->stream.age % 1000, age),
			a->peer.addr.family ? ctl_endpoint_text(&a->peer, a_peer) : "partial",
			b->peer.addr.family ? ctl_endpoint_text(&b->peer, b_peer) : "partial",
			a_rate, b_rate, loss, jitter);
	if (row->trouble.score)
		ctl_screen_line(screen, color, "%14s%s%s%s", "", row->trouble.text,
				row->stream.call[0] ? ", call " : "",
				ctl_clean_text(row->stream.call, call, sizeof(call)));
}

static void frame_print(struct top *top)
{
	size_t i, line = 4, lines;

	ctl_screen_begin(&top->screen);
	head_print(top);
	for (i = 0; i < top->row_count; i++) {
		lines = top->rows[i].trouble.score ? 2 : 1;
		/* The last line stays empty, or the terminal would scroll. */
		if (top->screen.tty && line + lines >= top->screen.rows)
			break;
		row_print(&top->screen, &top->rows[i]);
		line += lines;
	}
	if (!top->row_count)
		ctl_screen_line(&top->screen, NULL, "no streams");
}

static int frame_json(struct top *top)
{
	json_t *list = json_array(), *json;
	size_t i;

	for (i = 0; i < top->row_count; i++) {
		json = ctl_json_stream(&top->rows[i].stream);
		json_object_set_new(json, "trouble", json_string(top->rows[i].trouble.text));
		json_object_set_new(json, "trouble-score",
				    json_integer(top->rows[i].trouble.score));
		json_array_append_new(list, json);
	}
	return ctl_json_print(top->ctl, list, JSON_COMPACT);
}

static int frame_read(struct top *top)
{
	struct samples last = top->before;
	int err;

	top->before = top->now;
	top->now = last;
	top->now.count = 0;
	top->info_before = top->info;
	top->row_count = 0;
	top->partial = 0;
	err = nattrav_info_get(top->ctl->handle, &top->info);
	if (!err)
		err = nattrav_stream_dump(top->ctl->handle, NULL, top_stream, top);
	if (err)
		return ctl_fail_kernel(top->ctl, err);
	if (top->row_count)
		qsort(top->rows, top->row_count, sizeof(*top->rows), row_compare);
	return CTL_OK;
}

int ctl_top(struct ctl *ctl, struct ctl_words words)
{
	struct top top = { .ctl = ctl, .room = ROWS_MAX };
	int status;

	status = ctl_screen_init(ctl, words, &top.screen);
	if (!status)
		status = ctl_open(ctl);
	if (status)
		return status;
	top.rows = calloc(top.room, sizeof(*top.rows));
	if (!top.rows)
		return ctl_fail(ctl, "%s", strerror(errno));
	do {
		status = frame_read(&top);
		if (!status && ctl->json)
			status = frame_json(&top);
		else if (!status)
			frame_print(&top);
	} while (!status && ctl_screen_end(&top.screen));
	free(top.before.sample);
	free(top.now.sample);
	free(top.rows);
	return status;
}
