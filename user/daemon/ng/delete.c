// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of calls.
 */
#include <time.h>

#include "log.h"
#include "ng/internal.h"

/* Nobody waits longer for the end of what he has ended. */
#define DELAY_MAX_S 3600

#define UNMATCHED "Call-ID not found or tags didn't match"

/**
 * ng_branch_forget() - forget a branch, and its call with the last one
 * @ng: the ng protocol
 * @branch: the branch, whose streams are gone
 */
void ng_branch_forget(struct ng *ng, struct ng_branch *branch)
{
	struct ng_call *call = branch->call;
	struct pl id = { call->id, call->id_len };
	const bool last = list_count(&call->branches) == 1;

	/* it is in use below, and the last branch takes it along */
	mem_ref(call->id);
	ng_branch_remove(branch);
	if (last)
		ng_store_del(ng->store, &id);
	else
		ng_store_put(ng->store, call);
	mem_deref((void *)id.p);
}

/**
 * ng_branch_finish() - end the streams of a branch, and forget it
 * @ng: the ng protocol
 * @branch: the branch
 */
void ng_branch_finish(struct ng *ng, struct ng_branch *branch)
{
	const struct media_call media = ng_branch_media(branch);

	media_end(ng->media, &media);
	ng_branch_forget(ng, branch);
}

static void branch_due(void *arg)
{
	struct ng_branch *branch = arg;

	ng_branch_finish(branch->ng, branch);
}

static void branch_end(struct ng *ng, struct ng_branch *branch, uint32_t delay)
{
	if (!delay) {
		ng_branch_finish(ng, branch);
		return;
	}

	if (delay > DELAY_MAX_S)
		delay = DELAY_MAX_S;
	branch->ng = ng;
	wheel_start(ng->wheel, &branch->ending, (uint64_t)delay * 1000, branch_due, branch);
}

static json_t *reply_unmatched(const struct ng_request *request)
{
	json_t *reply;

	if (request->fatal)
		return ng_error(UNMATCHED);

	reply = json_object();
	ng_set_string(reply, "warning", UNMATCHED);
	return reply;
}

json_t *ng_delete(struct ng *ng, const struct ng_request *request)
{
	struct ng_branch *meant[NG_BRANCHES_MAX];
	struct ng_call *call;
	size_t count = 0, i;
	json_t *reply;
	struct le *le;

	ng->stats.deletes++;
	if (!request->call_id.p)
		return ng_error("No call-id in message");

	call = ng_call_find(ng->calls, &request->call_id);
	if (!call)
		return reply_unmatched(request);

	LIST_FOREACH(&call->branches, le) {
		if (ng_branch_meant(le->data, request))
			meant[count++] = le->data;
	}
	if (!count)
		return reply_unmatched(request);

	call->signalled = (uint64_t)time(NULL);
	reply = json_object();
	ng_call_describe(ng, call, request, reply);
	for (i = 0; i < count; i++)
		branch_end(ng, meant[i], request->delete_delay);
	return reply;
}
