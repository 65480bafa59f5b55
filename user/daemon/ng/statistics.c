// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All calls together: their list, and numbers for exporters that know rtpengine.
 */
#include <string.h>
#include <time.h>

#include "ng/internal.h"

#define LIST_LIMIT 32

/**
 * struct listing - a list that is being filled
 * @calls: the list
 * @limit: how many may be in it
 */
struct listing {
	json_t *calls;
	size_t limit;
};

static void call_list(struct ng_call *call, void *arg)
{
	struct listing *listing = arg;

	if (json_array_size(listing->calls) < listing->limit)
		json_array_append_new(listing->calls, json_stringn_nocheck(call->id, call->id_len));
}

json_t *ng_list(struct ng *ng, const struct ng_request *request)
{
	struct listing listing = {
		.calls = json_array(),
		.limit = request->limit ? request->limit : LIST_LIMIT,
	};
	json_t *reply = json_object();

	ng_calls_each(ng->calls, call_list, &listing);
	json_object_set_new_nocheck(reply, "calls", listing.calls);
	return reply;
}

static json_t *current_json(const struct ng *ng, const struct nattrav_info *info)
{
	json_t *json = json_object();

	ng_set_number(json, "sessionsown", ng_calls_count(ng->calls));
	ng_set_number(json, "sessionsforeign", 0);
	ng_set_number(json, "sessionstotal", ng_calls_count(ng->calls));
	ng_set_number(json, "transcodedmedia", 0);
	ng_set_number(json, "media_userspace", 0);
	ng_set_number(json, "media_kernel", info->streams);
	ng_set_number(json, "media_mixed", 0);
	return json;
}

static json_t *total_json(const struct ng *ng, const struct nattrav_info *info)
{
	json_t *json = json_object();
	uint64_t dropped = 0;
	unsigned int reason;

	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++)
		dropped += info->dropped[reason];
	ng_set_number(json, "uptime", (uint64_t)time(NULL) - ng->began);
	ng_set_number(json, "managedsessions", ng->stats.calls);
	ng_set_number(json, "timeoutsessions", ng->stats.expired);
	ng_set_number(json, "relayedpackets", info->forwarded);
	ng_set_number(json, "relayedpacketerrors", dropped);
	return json;
}

json_t *ng_statistics(struct ng *ng, const struct ng_request *request)
{
	json_t *statistics = json_object(), *control = json_object(), *reply = json_object();
	struct nattrav_info info;

	(void)request;
	if (media_info(ng->media, &info))
		memset(&info, 0, sizeof(info));

	ng_set_number(control, "offers", ng->stats.offers);
	ng_set_number(control, "answers", ng->stats.answers);
	ng_set_number(control, "deletes", ng->stats.deletes);
	ng_set_number(control, "requests", ng->stats.requests);
	ng_set_number(control, "errors", ng->stats.errors);
	ng_set_number(control, "repeated", ng->stats.again);
	ng_set_number(control, "malformed", ng->stats.malformed);
	ng_set_number(control, "strangers", ng->stats.strangers);
	json_object_set_new_nocheck(statistics, "currentstatistics", current_json(ng, &info));
	json_object_set_new_nocheck(statistics, "totalstatistics", total_json(ng, &info));
	json_object_set_new_nocheck(statistics, "controlstatistics", control);
	json_object_set_new_nocheck(reply, "statistics", statistics);
	return reply;
}
