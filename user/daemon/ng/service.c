// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ng protocol as a whole: from messages to replies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "ng/internal.h"
#include "ng/message.h"

static void ng_destructor(void *arg)
{
	struct ng *ng = arg;

	list_flush(&ng->endpoints);
	if (ng->media)
		media_on_gone(ng->media, NULL, NULL);
	mem_deref(ng->calls);
	mem_deref(ng->cookies);
	mem_deref(ng->store);
}

/* All its streams have timed out. */
static void media_gone(const char *name, void *arg)
{
	struct ng *ng = arg;
	struct ng_branch *branch = ng_branch_by_name(ng->calls, name);

	if (!branch)
		return;

	ng->stats.expired++;
	log_debug("ng: call %s is forgotten: its streams are gone", name);
	ng_branch_forget(ng, branch);
}

/* Forgets what a stored call has no streams for any more; with the last branch it goes itself. */
static void stale_forget(struct ng_call *call, void *arg)
{
	struct ng *ng = arg;
	struct le *le = list_head(&call->branches);

	while (le) {
		struct ng_branch *branch = le->data;
		const struct media_call media = ng_branch_media(branch);

		le = le->next;
		if (!media_has_call(ng->media, &media))
			ng_branch_forget(ng, branch);
	}
}

static void calls_load(struct ng *ng)
{
	ng_store_load(ng->store, ng->calls);
	ng_calls_each(ng->calls, stale_forget, ng);
	if (ng_calls_count(ng->calls))
		log_info("ng: restored %u calls", ng_calls_count(ng->calls));
}

int ng_alloc(struct ng **ngp, const struct config *config, struct media *media, struct wheel *wheel,
	     struct db *db)
{
	struct ng *ng;
	int err;

	ng = mem_zalloc(sizeof(*ng), ng_destructor);
	if (!ng)
		return ENOMEM;

	ng->config = config;
	ng->wheel = wheel;
	ng->began = (uint64_t)time(NULL);
	err = ng_calls_alloc(&ng->calls);
	if (!err)
		err = ng_cookies_alloc(&ng->cookies);
	if (!err && db)
		err = ng_store_alloc(&ng->store, db);
	if (!err) {
		ng->media = media;
		media_on_gone(media, media_gone, ng);
		if (ng->store)
			calls_load(ng);
		err = ng_endpoints_open(ng);
	}
	if (err)
		mem_deref(ng);
	else
		*ngp = ng;
	return err;
}

void ng_reconfigure(struct ng *ng, const struct config *config)
{
	ng->config = config;
}

void ng_drain(struct ng *ng, bool draining)
{
	ng->draining = draining;
}

uint32_t ng_count(const struct ng *ng)
{
	return ng_calls_count(ng->calls);
}

const struct ng_stats *ng_stats(const struct ng *ng)
{
	return &ng->stats;
}

/* Writes a reply; one that cannot be written in the words of the question says so. */
static char *reply_encode(const struct ng_message *message, json_t *reply, size_t *len)
{
	char *out = reply ? ng_message_encode(message, reply, len) : NULL;
	json_t *error;

	if (out)
		return out;

	error = ng_error("Reply cannot be encoded");
	out = error ? ng_message_encode(message, error, len) : NULL;
	json_decref(error);
	return out;
}

static json_t *message_answer(struct ng *ng, const struct ng_message *message)
{
	json_t *dict = ng_message_decode(message);
	struct ng_request request;
	json_t *reply;

	if (!json_is_object(dict)) {
		json_decref(dict);
		ng->stats.malformed++;
		return ng_error("Could not decode dictionary");
	}

	ng_request_decode(&request, dict);
	reply = ng_command(ng, &request);
	json_decref(dict);
	return reply;
}

static char *reply_copy(const struct pl *reply, size_t *len)
{
	char *copy = malloc(reply->l);

	if (copy)
		memcpy(copy, reply->p, reply->l);
	*len = reply->l;
	return copy;
}

static char *answer(struct ng *ng, const struct ng_message *message, size_t *len)
{
	json_t *reply = message_answer(ng, message);
	char *out = reply_encode(message, reply, len);

	json_decref(reply);
	return out;
}

static char *refuse(const struct ng_message *message, const char *reason, size_t *len)
{
	json_t *reply = ng_error(reason);
	char *out = reply_encode(message, reply, len);

	json_decref(reply);
	return out;
}

char *ng_handle(struct ng *ng, const struct sa *source, const struct pl *text, bool cookie,
		size_t *len)
{
	struct ng_message message;
	struct ng_question question;
	struct pl reply;
	char *out;

	if (!ng_message_split(&message, text->p, text->l, cookie)) {
		ng->stats.malformed++;
		return NULL;
	}
	if (!source || !cookie)
		return answer(ng, &message, len);

	question.source = source;
	question.cookie = (struct pl){ message.cookie, message.cookie_len };
	question.body = (struct pl){ message.body, message.body_len };
	switch (ng_cookies_find(ng->cookies, &question, wheel_now(), &reply)) {
	case NG_COOKIE_AGAIN:
		ng->stats.again++;
		return reply_copy(&reply, len);
	case NG_COOKIE_OTHER:
		ng->stats.errors++;
		return refuse(&message, "Cookie was used for another request", len);
	default:
		break;
	}

	out = answer(ng, &message, len);
	if (out) {
		reply = (struct pl){ out, *len };
		ng_cookies_add(ng->cookies, &question, &reply, wheel_now());
	}
	return out;
}
