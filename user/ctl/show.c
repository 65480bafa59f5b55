// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stream show: all of one stream, and why a leg is partial as far as its
 * counters tell.
 */
#include <inttypes.h>
#include <stdio.h>
#include "ctl.h"

static void header_print(const struct nattrav_stream *stream)
{
	const char *state = nattrav_state_name(stream->state);
	const char *type = nattrav_stream_type_name(stream->type);
	char text[CTL_TEXT_SIZE], call[CTL_CALL_SIZE];

	printf("stream %u: %s\n", stream->id, state ? state : "in a state unknown here");
	if (stream->call[0])
		printf("  call             %s\n", ctl_clean_text(stream->call, call, sizeof(call)));
	if (stream->given & NATTRAV_STREAM_COOKIE)
		printf("  cookie           %" PRIu64 "\n", stream->cookie);
	printf("  type             %s", type ? type : "unknown here");
	if (stream->tied)
		printf(", tied to %s stream %u",
		       stream->type == NATTRAV_STREAM_TYPE_RTP ? "rtcp" : "rtp", stream->tied);
	printf("\n  age              %s\n",
	       ctl_duration_text(stream->age - stream->age % 1000, text));
	printf("  timeout-partial  %s\n", ctl_duration_text(stream->timeout_partial, text));
	printf("  timeout-idle     %s%s\n", ctl_duration_text(stream->timeout_idle, text),
	       stream->hold ? ", but not now: on hold" : "");
	printf("  timeout-max      %s\n", ctl_duration_text(stream->timeout_max, text));
}

/* What the terminals are mapped to. */
static void map_print(const struct nattrav_stream *stream, enum nattrav_side side)
{
	char peer[CTL_TEXT_SIZE], alias[CTL_TEXT_SIZE];
	const struct nattrav_leg *leg = &stream->leg[side];

	printf("  terminal %s       %-21s -> alias %s\n", side == NATTRAV_SIDE_A ? "A" : "B",
	       leg->peer.addr.family ? ctl_endpoint_text(&leg->peer, peer) : "(not known yet)",
	       ctl_endpoint_text(&stream->leg[!side].local, alias));
}

static void policy_print_rtp(const struct nattrav_leg *leg)
{
	const char *relatch = nattrav_relatch_name(leg->relatch);
	char pts[CTL_PAYLOAD_TYPES_SIZE];

	if (leg->given & NATTRAV_LEG_RELATCH)
		printf("  relatch          %s\n", relatch ? relatch : "unknown here");
	if (leg->given & NATTRAV_LEG_CLOCK_RATE)
		printf("  clock-rate       %" PRIu32 " Hz\n", leg->clock_rate);
	printf("  payload-types    %s\n", leg->given & NATTRAV_LEG_PAYLOAD_TYPES ?
						  ctl_payload_types_text(leg->payload_types, pts) :
						  "any");
}

/* RTCP goes by what its RTP accepted, and has no payload types and no window. */
static void policy_print(const struct nattrav_leg *leg, enum nattrav_stream_type type)
{
	char text[CTL_TEXT_SIZE];
	unsigned int i;

	printf("  prefix           ");
	for (i = 0; i < leg->prefixes; i++)
		printf("%s%s", i ? ", " : "", ctl_prefix_text(&leg->prefix[i], text));
	printf("%s\n", leg->prefixes ? "" : "any");
	if (leg->given & NATTRAV_LEG_GENERATION)
		printf("  generation       %u\n", leg->generation);
	if (leg->given & NATTRAV_LEG_LATCHED && leg->latched_generation != leg->generation)
		printf("                   its peer is still that of generation %u\n",
		       leg->latched_generation);
	if (leg->given & NATTRAV_LEG_DSCP)
		printf("  dscp             %u, of what is sent to the terminal\n", leg->dscp);
	if (leg->many_ssrc)
		printf("  many-ssrc        any SSRC passes; figures of the first one\n");
	if (leg->given & NATTRAV_LEG_RATE && leg->rate)
		printf("  rate             at most %" PRIu32 " packets per second\n", leg->rate);
	if (type == NATTRAV_STREAM_TYPE_RTCP)
		return;
	if (leg->given & NATTRAV_LEG_PROBATION)
		printf("  probation        %u packet%s\n", leg->probation,
		       leg->probation == 1 ? "" : "s in sequence");
	if (type == NATTRAV_STREAM_TYPE_RTP)
		policy_print_rtp(leg);
	/* Over and done with when the leg is complete. */
	if ((leg->given & NATTRAV_LEG_WINDOW_LEFT) && leg->state == NATTRAV_STATE_PARTIAL)
		printf("  window           %s left\n",
		       ctl_duration_text(leg->window_left - leg->window_left % 1000, text));
}

/* Below the value of "why partial". */
#define INDENT "                   "

/* Why a packet to the leg was last dropped. */
static const char *last_drop_text(const struct nattrav_leg *leg)
{
	const char *meaning = ctl_drop_meaning(leg->last_drop);

	return meaning ? meaning : "for a reason unknown here";
}

static const char *last_drop_name(const struct nattrav_leg *leg)
{
	const char *name = nattrav_drop_reason_name(leg->last_drop);

	return name ? name : "?";
}

/* Packets from within the prefixes that did not complete the leg. */
static void refused_print(const struct nattrav_leg *leg, uint64_t packets)
{
	const char *advice = ctl_drop_advice(leg->last_drop);

	printf("%s%" PRIu64 " packets were not accepted", leg->intruder_packets ? INDENT : "",
	       packets);
	if (!(leg->given & NATTRAV_LEG_LAST_DROP) ||
	    leg->last_drop == NATTRAV_DROP_REASON_OUTSIDE_PREFIX) {
		printf(": see \"nattravctl drops\" for the reasons\n");
		return;
	}
	printf("; of the last one:\n" INDENT "%s:\n" INDENT "%s\n", last_drop_text(leg),
	       advice ? advice : "see \"nattravctl drops\"");
}

static void why_partial(const struct nattrav_stream *stream, enum nattrav_side side)
{
	const struct nattrav_leg *leg = &stream->leg[side];
	const char *name = side == NATTRAV_SIDE_A ? "a" : "b";
	char text[CTL_TEXT_SIZE];
	bool rtcp = stream->type == NATTRAV_STREAM_TYPE_RTCP;
	uint64_t others;

	printf("  why partial      ");
	if (!leg->dropped && !leg->intruder_packets)
		printf("no packet has come to %s yet: does the terminal send there,\n" INDENT
		       "and does every firewall on the way let it?\n",
		       ctl_endpoint_text(&leg->local, text));
	if (leg->intruder_packets) {
		printf("%" PRIu64 " packets came from outside the prefixes, the last from %s.\n",
		       leg->intruder_packets, ctl_endpoint_text(&leg->intruder, text));
		if (!rtcp)
			printf(INDENT
			       "If that is the terminal, let it in: nattravctl stream set %u %s prefix %s\n",
			       stream->id, name, ctl_addr_text(&leg->intruder.addr, text));
	}
	others = leg->dropped > leg->intruder_packets ? leg->dropped - leg->intruder_packets : 0;
	if (others)
		refused_print(leg, others);
	if (rtcp)
		printf(INDENT
		       "RTCP completes after its RTP, with the same address: nattravctl stream show %u\n",
		       stream->tied);
	else if ((leg->given & NATTRAV_LEG_WINDOW_LEFT) && !leg->window_left)
		printf(INDENT
		       "Its window is over; open it again: nattravctl stream set %u %s window 30s\n",
		       stream->id, name);
}

static void rtp_print(const struct nattrav_leg *leg)
{
	const char *codec = ctl_codec_name(leg->payload_type);

	printf("  codec            payload type %u%s%s%s\n", leg->payload_type, codec ? " (" : "",
	       codec ? codec : "", codec ? ")" : "");
	printf("  loss             %.1f %%, %" PRIu32 " packets never came\n",
	       ctl_loss_percent(leg), leg->lost);
	printf("  jitter           %.1f ms\n", leg->jitter / 1000.0);
	printf("  order            %" PRIu32 " came late, %" PRIu32 " came twice\n", leg->reordered,
	       leg->duplicates);
	printf("  ssrc-changes     %" PRIu32 "\n", leg->ssrc_changes);
}

static void leg_print(const struct nattrav_stream *stream, enum nattrav_side side)
{
	const struct nattrav_leg *leg = &stream->leg[side];
	const char *state = nattrav_state_name(leg->state);
	char text[CTL_TEXT_SIZE], realm[NATTRAV_REALM_LEN + 1];

	printf("\nleg %s: %s\n", side == NATTRAV_SIDE_A ? "a" : "b",
	       state ? state : "state unknown here");
	if (leg->realm[0])
		printf("  realm            %s\n", ctl_clean_text(leg->realm, realm, sizeof(realm)));
	printf("  local            %s\n", ctl_endpoint_text(&leg->local, text));
	if (leg->peer.addr.family)
		printf("  peer             %s%s\n", ctl_endpoint_text(&leg->peer, text),
		       stream->leg[!side].peer.addr.family ?
			       "" :
			       " (its packets go nowhere until the other leg completes)");
	else
		why_partial(stream, side);
	policy_print(leg, stream->type);
	printf("  packets          %" PRIu64 "\n", leg->packets);
	printf("  bytes            %" PRIu64 "\n", leg->bytes);
	printf("  dropped          %" PRIu64 "\n", leg->dropped);
	if (leg->given & NATTRAV_LEG_LAST_DROP)
		printf("  last-drop        %s: %s\n", last_drop_name(leg), last_drop_text(leg));
	if (leg->given & NATTRAV_LEG_LAST_SEEN)
		printf("  last-seen        %s ago\n",
		       ctl_duration_text(leg->last_seen - leg->last_seen % 1000, text));
	else
		printf("  last-seen        never\n");
	if (leg->one_way)
		printf("  one-way          silent for %s, while the other leg is heard\n",
		       ctl_duration_text(leg->silence - leg->silence % 1000, text));
	if (leg->given & NATTRAV_LEG_SSRC)
		printf("  ssrc             0x%08" PRIx32 "\n", leg->ssrc);
	if (leg->given & NATTRAV_LEG_RTP)
		rtp_print(leg);
	if (leg->intruder.addr.family)
		printf("  intruder         %s, %" PRIu64 " packets from foreign sources\n",
		       ctl_endpoint_text(&leg->intruder, text), leg->intruder_packets);
	if (leg->icmp_errors)
		printf("  icmp-errors      %" PRIu32 " came about packets to the peer\n",
		       leg->icmp_errors);
}

int ctl_stream_show(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_stream stream;
	uint32_t id;
	int err;

	if (words.count != 1 || ctl_parse_u32(words.word[0], &id))
		return ctl_usage(
			ctl, "the id of a stream is needed; \"nattravctl stream list\" shows them");
	if (ctl_open_read(ctl))
		return CTL_FAILED;
	err = ctl_read_stream(ctl, id, &stream);
	if (err)
		return ctl_fail_read(ctl, err);
	if (ctl->json)
		return ctl_json_print(ctl, ctl_json_stream(&stream), JSON_INDENT(2));
	header_print(&stream);
	map_print(&stream, NATTRAV_SIDE_A);
	map_print(&stream, NATTRAV_SIDE_B);
	leg_print(&stream, NATTRAV_SIDE_A);
	leg_print(&stream, NATTRAV_SIDE_B);
	return CTL_OK;
}
