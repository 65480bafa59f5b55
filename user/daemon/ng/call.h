/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of the ng protocol: which tag is which side of which branch. The media
 * side knows calls by Call-ID and number of the branch, and has all else.
 *
 * All of it can be written down and read again, for another life of this process
 * or for another gateway; see store.h.
 */
#ifndef NATTRAVD_NG_CALL_H
#define NATTRAVD_NG_CALL_H

#include <re.h>

#include "media/media.h"
#include "ng/json.h"
#include "ng/request.h"
#include "sip/wheel.h"

/* As many forks may a call have, and so many ends a branch: forks without a branch of their own. */
#define NG_BRANCHES_MAX 16
#define NG_TAGS_MAX     8

struct ng;
struct ng_calls;

/**
 * struct ng_tag - an end of a branch
 * @le: element of branch.tags, the one that was heard last at the end
 * @tag: its tag
 * @side: which side it is
 * @label: a name that the proxy gave it, or NULL
 * @created: when it was heard first, seconds since 1970
 */
struct ng_tag {
	struct le le;
	char *tag;
	enum nattrav_side side;
	char *label;
	uint64_t created;
};

/**
 * struct ng_branch - a branch of a call, with streams of its own
 * @le: element of call.branches, the one that was offered last at the end
 * @name_le: element of the table by name
 * @call: its call
 * @name: its name on the media side
 * @number: its number there
 * @via: the via-branch that it was offered with, or NULL
 * @tags: list of struct ng_tag
 * @realm: of each side, "" for that of the first pool
 * @ending: ends it, once it was deleted with a delay
 * @ng: who is to end it then
 */
struct ng_branch {
	struct le le;
	struct le name_le;
	struct ng_call *call;
	char *name;
	unsigned int number;
	char *via;
	struct list tags;
	char realm[2][CONFIG_REALM_LEN + 1];
	struct wheel_timer ending;
	struct ng *ng;
};

/**
 * struct ng_call - a call
 * @he: element of the table by Call-ID
 * @calls: the table
 * @id: Call-ID, of @id_len bytes
 * @id_len: its length
 * @created: when it began, in microseconds since 1970
 * @signalled: the last offer, answer or deletion, seconds since 1970
 * @changed: what ng_call_export() would write has changed
 * @branches: list of struct ng_branch
 */
struct ng_call {
	struct le he;
	struct ng_calls *calls;
	char *id;
	size_t id_len;
	uint64_t created;
	uint64_t signalled;
	bool changed;
	struct list branches;
};

int ng_calls_alloc(struct ng_calls **callsp);
uint32_t ng_calls_count(const struct ng_calls *calls);
struct ng_call *ng_call_find(const struct ng_calls *calls, const struct pl *id);
struct ng_branch *ng_branch_by_name(const struct ng_calls *calls, const char *name);

/* May end the call that it is called for. */
typedef void ng_call_fn(struct ng_call *call, void *arg);
void ng_calls_each(const struct ng_calls *calls, ng_call_fn *fn, void *arg);

int ng_branch_offer(struct ng_branch **branchp, enum nattrav_side *side, struct ng_calls *calls,
		    const struct ng_request *request);
struct ng_branch *ng_branch_answer(enum nattrav_side *side, struct ng_call *call,
				   const struct ng_request *request);
bool ng_branch_meant(const struct ng_branch *branch, const struct ng_request *request);
struct ng_tag *ng_branch_tag(const struct ng_branch *branch, const struct pl *tag);
struct ng_tag *ng_branch_end(const struct ng_branch *branch, enum nattrav_side side);
int ng_branch_add_tag(struct ng_branch *branch, const struct pl *tag, enum nattrav_side side,
		      const struct pl *label);
void ng_branch_remove(struct ng_branch *branch);
struct media_call ng_branch_media(const struct ng_branch *branch);

json_t *ng_call_export(const struct ng_call *call);
int ng_call_import(struct ng_calls *calls, const json_t *json);

#endif
