/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ng protocol from inside.
 */
#ifndef NATTRAVD_NG_INTERNAL_H
#define NATTRAVD_NG_INTERNAL_H

#include <re.h>

#include "config.h"
#include "media/media.h"
#include "ng/call.h"
#include "ng/cookie.h"
#include "ng/ng.h"
#include "ng/request.h"
#include "ng/store.h"

/**
 * struct ng - the ng protocol
 * @config: the configuration
 * @media: the media side
 * @wheel: runs the timers
 * @calls: calls
 * @cookies: replies that were given
 * @store: keeps the calls, or NULL
 * @endpoints: list of struct ng_endpoint
 * @began: when, seconds since 1970
 * @draining: no new calls
 * @stats: what happened since the start
 */
struct ng {
	const struct config *config;
	struct media *media;
	struct wheel *wheel;
	struct ng_calls *calls;
	struct ng_cookies *cookies;
	struct ng_store *store;
	struct list endpoints;
	uint64_t began;
	bool draining;
	struct ng_stats stats;
};

/* Carries out a request; the reply, in which "result" is ok unless it is there. */
typedef json_t *ng_command_fn(struct ng *ng, const struct ng_request *request);

ng_command_fn ng_offer, ng_answer, ng_delete, ng_query, ng_list, ng_statistics;

/* command.c */
json_t *ng_command(struct ng *ng, const struct ng_request *request);
json_t *ng_error(const char *reason);
void ng_set_number(json_t *json, const char *name, uint64_t value);
void ng_set_string(json_t *json, const char *name, const char *value);

/* delete.c */
void ng_branch_forget(struct ng *ng, struct ng_branch *branch);
void ng_branch_finish(struct ng *ng, struct ng_branch *branch);

/* query.c */
void ng_call_describe(struct ng *ng, const struct ng_call *call, const struct ng_request *request,
		      json_t *reply);

/* endpoint.c */
int ng_endpoints_open(struct ng *ng);

#endif
