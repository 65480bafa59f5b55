// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a call is like, in the shape that proxies know: totals, the ends with their
 * media and streams, and how each sender may have sounded.
 */
#include <string.h>
#include <time.h>

#include "media/quality.h"
#include "ng/internal.h"

/**
 * struct totals - packets of all streams of a kind
 * @packets: relayed
 * @bytes: their payload
 * @errors: dropped
 */
struct totals {
	uint64_t packets;
	uint64_t bytes;
	uint64_t errors;
};

/**
 * struct description - what is being filled
 * @reply: the reply
 * @branch: the branch that is described
 * @medias: of the end of each side, NULL if there is none to describe
 * @ssrc: by sender
 * @rtp: totals
 * @rtcp: totals
 */
struct description {
	json_t *reply;
	const struct ng_branch *branch;
	json_t *medias[2];
	json_t *ssrc;
	struct totals rtp;
	struct totals rtcp;
};

static void set_printed(json_t *json, const char *name, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (!re_vsdprintf(&text, fmt, ap))
		ng_set_string(json, name, text);
	va_end(ap);
	mem_deref(text);
}

static json_t *totals_json(const struct totals *totals)
{
	json_t *json = json_object();

	ng_set_number(json, "packets", totals->packets);
	ng_set_number(json, "bytes", totals->bytes);
	ng_set_number(json, "errors", totals->errors);
	return json;
}

static void totals_add(struct totals *totals, const struct nattrav_leg *leg)
{
	totals->packets += leg->packets;
	totals->bytes += leg->bytes;
	totals->errors += leg->dropped;
}

static json_t *endpoint_json(const struct sa *sa)
{
	json_t *json = json_object();

	ng_set_string(json, "family", sa_af(sa) == AF_INET6 ? "IPv6" : "IPv4");
	set_printed(json, "address", "%j", sa);
	ng_set_number(json, "port", sa_port(sa));
	return json;
}

/* One look is one sample; what came between two looks is in its numbers. */
static json_t *sample_json(const struct nattrav_leg *leg, unsigned int mos)
{
	const uint64_t packets = (uint64_t)leg->received + leg->lost;
	json_t *json = json_object();

	/* in tenths */
	ng_set_number(json, "MOS", (mos + 5) / 10);
	ng_set_number(json, "packet loss", packets ? 100 * (uint64_t)leg->lost / packets : 0);
	ng_set_number(json, "jitter", leg->jitter / 1000);
	ng_set_number(json, "samples", 1);
	return json;
}

static void sender_describe(struct description *description, const struct nattrav_leg *leg)
{
	const unsigned int mos = quality_mos(leg->received, leg->lost, leg->jitter);
	json_t *json, *sample;
	char number[16];

	/* without the statistics of RTP there is nothing to say */
	if (!(leg->given & NATTRAV_LEG_SSRC) || !(leg->given & NATTRAV_LEG_RTP) || !mos)
		return;

	sample = sample_json(leg, mos);
	json = json_object();
	json_object_set_nocheck(json, "average MOS", sample);
	json_object_set_nocheck(json, "lowest MOS", sample);
	json_object_set_new_nocheck(json, "highest MOS", sample);
	(void)re_snprintf(number, sizeof(number), "%u", leg->ssrc);
	json_object_set_new_nocheck(description->ssrc, number, json);
}

static json_t *stream_json(const struct nattrav_leg *leg, const struct sa *sdp, bool rtcp)
{
	json_t *json = json_object(), *flags = json_array(), *stats = json_object();
	struct sa local, peer;

	endpoint_to_sa(&local, &leg->local);
	endpoint_to_sa(&peer, &leg->peer);
	ng_set_number(json, "local port", sa_port(&local));
	set_printed(json, "local address", "%j", &local);
	ng_set_string(json, "family", sa_af(&local) == AF_INET6 ? "IPv6" : "IPv4");
	json_array_append_new(flags, json_string_nocheck(rtcp ? "RTCP" : "RTP"));
	if (sa_isset(sdp, SA_ADDR)) {
		json_object_set_new_nocheck(json, "advertised endpoint", endpoint_json(sdp));
		json_array_append_new(flags, json_string_nocheck("filled"));
	}
	if (sa_isset(&peer, SA_ADDR)) {
		json_object_set_new_nocheck(json, "endpoint", endpoint_json(&peer));
		json_array_append_new(flags, json_string_nocheck("confirmed"));
		json_array_append_new(flags, json_string_nocheck("kernelized"));
	}
	json_object_set_new_nocheck(json, "flags", flags);
	if (leg->given & NATTRAV_LEG_LAST_SEEN)
		ng_set_number(json, "last packet", (uint64_t)time(NULL) - leg->last_seen / 1000);
	if (leg->given & NATTRAV_LEG_SSRC)
		ng_set_number(json, "SSRC", leg->ssrc);
	ng_set_number(stats, "packets", leg->packets);
	ng_set_number(stats, "bytes", leg->bytes);
	ng_set_number(stats, "errors", leg->dropped);
	json_object_set_new_nocheck(json, "stats", stats);
	return json;
}

static json_t *media_json(const struct media_view *view, unsigned int side)
{
	json_t *json = json_object(), *streams = json_array(), *flags = json_array();
	struct sa none;

	sa_init(&none, AF_UNSPEC);
	/* media lines are counted from one */
	ng_set_number(json, "index", view->index + 1);
	ng_set_string(json, "type", view->type);
	if (view->protocol[0])
		ng_set_string(json, "protocol", view->protocol);
	if (view->mux)
		json_array_append_new(flags, json_string_nocheck("rtcp-mux"));
	json_object_set_new_nocheck(json, "flags", flags);
	json_array_append_new(streams, stream_json(&view->rtp.leg[side], &view->sdp[side], false));
	if (view->rtcp.id)
		json_array_append_new(streams, stream_json(&view->rtcp.leg[side], &none, true));
	json_object_set_new_nocheck(json, "streams", streams);
	return json;
}

static void view_describe(const struct media_view *view, void *arg)
{
	struct description *description = arg;
	unsigned int side;

	for (side = 0; side < ARRAY_SIZE(description->medias); side++) {
		totals_add(&description->rtp, &view->rtp.leg[side]);
		if (view->rtcp.id)
			totals_add(&description->rtcp, &view->rtcp.leg[side]);
		sender_describe(description, &view->rtp.leg[side]);
		if (description->medias[side])
			json_array_append_new(description->medias[side], media_json(view, side));
	}
}

static json_t *end_json(const struct ng_branch *branch, const struct ng_tag *end, json_t *medias)
{
	const struct ng_tag *peer = ng_branch_end(branch, side_other(end->side));
	json_t *json = json_object();

	ng_set_string(json, "tag", end->tag);
	if (branch->via)
		ng_set_string(json, "via-branch", branch->via);
	if (end->label)
		ng_set_string(json, "label", end->label);
	ng_set_number(json, "created", end->created);
	if (peer)
		ng_set_string(json, "in dialogue with", peer->tag);
	json_object_set_new_nocheck(json, "medias", medias);
	return json;
}

/* Forks that share a branch share its media: that of a side is shown with who spoke last. */
static void branch_describe(struct ng *ng, struct description *description, json_t *tags)
{
	const struct ng_branch *branch = description->branch;
	const struct media_call media = ng_branch_media(branch);
	struct le *le;

	LIST_FOREACH(&branch->tags, le) {
		const struct ng_tag *end = le->data;
		json_t *medias = json_array();

		if (ng_branch_end(branch, end->side) == end)
			description->medias[end->side] = medias;
		json_object_set_new_nocheck(tags, end->tag, end_json(branch, end, medias));
	}

	(void)media_look(ng->media, &media, view_describe, description);
	description->medias[NATTRAV_SIDE_A] = description->medias[NATTRAV_SIDE_B] = NULL;
}

/**
 * ng_call_describe() - tell what a call is like
 * @ng: the ng protocol
 * @call: the call
 * @request: tells which of its branches
 * @reply: where to
 */
void ng_call_describe(struct ng *ng, const struct ng_call *call, const struct ng_request *request,
		      json_t *reply)
{
	struct description description = { .reply = reply, .ssrc = json_object() };
	json_t *tags = json_object(), *totals = json_object();
	struct le *le;

	LIST_FOREACH(&call->branches, le) {
		description.branch = le->data;
		if (ng_branch_meant(description.branch, request))
			branch_describe(ng, &description, tags);
	}

	ng_set_number(reply, "created", call->created / 1000000);
	ng_set_number(reply, "created_us", call->created % 1000000);
	ng_set_number(reply, "last signal", call->signalled);
	json_object_set_new_nocheck(reply, "SSRC", description.ssrc);
	json_object_set_new_nocheck(reply, "tags", tags);
	json_object_set_new_nocheck(totals, "RTP", totals_json(&description.rtp));
	json_object_set_new_nocheck(totals, "RTCP", totals_json(&description.rtcp));
	json_object_set_new_nocheck(reply, "totals", totals);
}

json_t *ng_query(struct ng *ng, const struct ng_request *request)
{
	const struct ng_call *call = NULL;
	json_t *reply;

	if (!request->call_id.p)
		return ng_error("No call-id in message");

	call = ng_call_find(ng->calls, &request->call_id);
	if (!call)
		return ng_error("Unknown call-id");

	reply = json_object();
	ng_call_describe(ng, call, request, reply);
	return reply;
}
