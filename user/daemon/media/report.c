// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a call's media was like: the final counters of its streams, which the
 * kernel tells when they are gone. A call that has ended waits for them.
 */
#include <re.h>
#include <string.h>

#include "media/internal.h"

/* The counters come within milliseconds, unless events were lost. */
#define WAIT_MS 2000

static void side_report(struct media_report_side *side, const struct nattrav_leg *leg)
{
	endpoint_to_sa(&side->peer, &leg->peer);
	side->packets = leg->packets;
	side->bytes = leg->bytes;
	side->dropped = leg->dropped;
	if (!(leg->given & NATTRAV_LEG_RTP))
		return;
	side->rtp = true;
	side->received = leg->received;
	side->lost = leg->lost;
	side->reordered = leg->reordered;
	side->jitter = leg->jitter;
}

/**
 * report_add() - a stream of a call is gone
 * @call: the call
 * @record: our record of the stream; RTCP is not told
 * @stream: its final state
 */
void report_add(struct call *call, const struct call_stream *record,
		const struct nattrav_stream *stream)
{
	struct media_report *report = &call->report;
	struct media_report_stream *out = &report->streams[report->count];

	if (report->count == ARRAY_SIZE(report->streams))
		return;

	report->count++;
	str_ncpy(out->type, record->type ? record->type : "", sizeof(out->type));
	side_report(&out->side[NATTRAV_SIDE_A], &stream->leg[NATTRAV_SIDE_A]);
	side_report(&out->side[NATTRAV_SIDE_B], &stream->leg[NATTRAV_SIDE_B]);
}

/**
 * report_finish() - tell of a call that has ended, and forget it
 * @call: the call
 */
void report_finish(struct call *call)
{
	const struct media *media = call->media;

	media->report(call->name, &call->report, media->report_arg);
	mem_deref(call);
}

static void report_timeout(void *arg)
{
	report_finish(arg);
}

/**
 * report_await() - a call has ended; its streams are about to
 * @media: the media side
 * @call: the call, out of the table of those that are up
 */
void report_await(struct media *media, struct call *call)
{
	hash_append(media->ending, hash_joaat_str(call->name), &call->le, call);
	call->media = media;
	if (list_isempty(&call->streams))
		report_finish(call);
	else
		tmr_start(&call->wait, WAIT_MS, report_timeout, call);
}
