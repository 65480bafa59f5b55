// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Troubles, worst first: a leg that stays partial, intruders, audio in one
 * direction only, loss. Nothing is said in the first seconds of a stream, when
 * all of it is normal.
 */
#include <inttypes.h>
#include <stdio.h>
#include "trouble.h"

#define PATIENCE_MS  5000
#define LOSS_PERCENT 1.0

enum {
	SCORE_PARTIAL = 400,
	SCORE_INTRUDER = 300,
	SCORE_ONE_WAY = 200,
	SCORE_LOSS = 50, /* and its percentage on top */
	SCORE_SILENT = 10,
};

_Static_assert((int)SCORE_ONE_WAY == CTL_TROUBLE_BAD && SCORE_LOSS + 100 < SCORE_ONE_WAY,
	       "loss alone is never as bad");

static const char *const names[] = { [NATTRAV_SIDE_A] = "a", [NATTRAV_SIDE_B] = "b" };

/**
 * ctl_sample_take() - the counters of a stream
 * @stream: the stream
 */
struct ctl_sample ctl_sample_take(const struct nattrav_stream *stream)
{
	struct ctl_sample sample = { .id = stream->id };
	int side;

	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		sample.packets[side] = stream->leg[side].packets;
		sample.lost[side] = stream->leg[side].lost;
		sample.intruders[side] = stream->leg[side].intruder_packets;
	}
	return sample;
}

/* Whether the leg has not been heard for a while; a new one may yet be. */
static bool leg_silent(const struct nattrav_stream *stream, int side)
{
	const struct nattrav_leg *leg = &stream->leg[side];

	if (leg->given & NATTRAV_LEG_LAST_SEEN)
		return leg->last_seen >= PATIENCE_MS;
	return stream->age >= PATIENCE_MS;
}

static void partial_find(const struct nattrav_stream *stream, struct ctl_trouble *trouble)
{
	const struct nattrav_leg *a = &stream->leg[NATTRAV_SIDE_A];
	const struct nattrav_leg *b = &stream->leg[NATTRAV_SIDE_B], *leg;
	char age[CTL_TEXT_SIZE], from[CTL_TEXT_SIZE];
	int side;

	if (stream->age < PATIENCE_MS || (a->peer.addr.family && b->peer.addr.family))
		return;
	ctl_duration_text(stream->age - stream->age % 1000, age);
	trouble->score = SCORE_PARTIAL;
	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		leg = &stream->leg[side];
		if (leg->peer.addr.family || !leg->intruder_packets)
			continue;
		snprintf(trouble->text, sizeof(trouble->text),
			 "%s partial for %s, but packets come from outside its prefix: %s",
			 names[side], age, ctl_endpoint_text(&leg->intruder, from));
		return;
	}
	if (!a->peer.addr.family && !b->peer.addr.family)
		snprintf(trouble->text, sizeof(trouble->text), "both legs partial for %s", age);
	else
		snprintf(trouble->text, sizeof(trouble->text), "%s partial for %s%s",
			 names[!b->peer.addr.family], age,
			 stream->leg[!b->peer.addr.family].dropped ? ", its packets are refused" :
								     "");
}

static void intruder_find(const struct nattrav_stream *stream, const struct ctl_sample *before,
			  struct ctl_trouble *trouble)
{
	char from[CTL_TEXT_SIZE];
	uint64_t more;
	int side;

	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		more = stream->leg[side].intruder_packets - (before ? before->intruders[side] : 0);
		if (!more)
			continue;
		trouble->score = SCORE_INTRUDER;
		snprintf(trouble->text, sizeof(trouble->text),
			 "%s: %" PRIu64 " foreign packets, the last from %s", names[side], more,
			 ctl_endpoint_text(&stream->leg[side].intruder, from));
		return;
	}
}

static void silence_find(const struct nattrav_stream *stream, struct ctl_trouble *trouble)
{
	const bool a = leg_silent(stream, NATTRAV_SIDE_A), b = leg_silent(stream, NATTRAV_SIDE_B);
	const struct nattrav_leg *leg = &stream->leg[b];
	char ago[CTL_TEXT_SIZE];

	if (a && b) {
		trouble->score = SCORE_SILENT;
		snprintf(trouble->text, sizeof(trouble->text), "both sides are silent");
	} else if (a || b) {
		trouble->score = SCORE_ONE_WAY;
		if (leg->given & NATTRAV_LEG_LAST_SEEN)
			snprintf(trouble->text, sizeof(trouble->text),
				 "one way only: %s silent for %s", names[b],
				 ctl_duration_text(leg->last_seen - leg->last_seen % 1000, ago));
		else
			snprintf(trouble->text, sizeof(trouble->text),
				 "one way only: nothing heard from %s yet", names[b]);
	}
}

static double loss(const struct nattrav_leg *leg, const struct ctl_sample *before, int side)
{
	uint64_t came, lost;

	if (!before)
		return ctl_loss_percent(leg);
	came = leg->packets - before->packets[side];
	lost = leg->lost > before->lost[side] ? leg->lost - before->lost[side] : 0;
	return lost ? 100.0 * (double)lost / (double)(came + lost) : 0;
}

static void loss_find(const struct nattrav_stream *stream, const struct ctl_sample *before,
		      struct ctl_trouble *trouble)
{
	double a = loss(&stream->leg[NATTRAV_SIDE_A], before, NATTRAV_SIDE_A);
	double b = loss(&stream->leg[NATTRAV_SIDE_B], before, NATTRAV_SIDE_B);
	double worst = a > b ? a : b;

	if (worst < LOSS_PERCENT)
		return;
	trouble->score = SCORE_LOSS + (unsigned int)worst;
	snprintf(trouble->text, sizeof(trouble->text), "loss: %.1f %% of what %s sends", worst,
		 names[b > a]);
}

/**
 * ctl_trouble_find() - what is wrong with a stream
 * @stream: the stream
 * @before: its counters some time ago: what has been over since is no trouble.
 *	NULL if it was not there, or nobody knows
 *
 * Return: the worst of it.
 */
struct ctl_trouble ctl_trouble_find(const struct nattrav_stream *stream,
				    const struct ctl_sample *before)
{
	struct ctl_trouble trouble = { 0 };

	/* Many terminals send no RTCP at all: that it stays partial tells nothing. */
	if (stream->type != NATTRAV_STREAM_TYPE_RTCP)
		partial_find(stream, &trouble);
	if (!trouble.score)
		intruder_find(stream, before, &trouble);
	if (stream->type == NATTRAV_STREAM_TYPE_RTCP)
		return trouble;
	if (!trouble.score && stream->leg[NATTRAV_SIDE_A].peer.addr.family &&
	    stream->leg[NATTRAV_SIDE_B].peer.addr.family)
		silence_find(stream, &trouble);
	if (trouble.score <= SCORE_SILENT)
		loss_find(stream, before, &trouble);
	return trouble;
}
