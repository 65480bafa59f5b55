// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of calls, their branches and tags.
 */
#include "ng/call.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "sip/keyhash.h"

#define BUCKETS 16384

/**
 * struct ng_calls - the table
 * @by_id: hash of struct ng_call by Call-ID
 * @by_name: hash of struct ng_branch by name on the media side
 * @count: how many calls there are
 */
struct ng_calls {
	struct hash *by_id;
	struct hash *by_name;
	uint32_t count;
};

static void calls_destructor(void *arg)
{
	struct ng_calls *calls = arg;

	hash_flush(calls->by_id);
	mem_deref(calls->by_id);
	mem_deref(calls->by_name);
}

/**
 * ng_calls_alloc() - make the table
 * @callsp: set to it; drop it with mem_deref()
 *
 * Return: 0 or an errno.
 */
int ng_calls_alloc(struct ng_calls **callsp)
{
	struct ng_calls *calls = mem_zalloc(sizeof(*calls), calls_destructor);
	int err;

	if (!calls)
		return ENOMEM;

	err = hash_alloc(&calls->by_id, BUCKETS);
	if (!err)
		err = hash_alloc(&calls->by_name, BUCKETS);
	if (err)
		mem_deref(calls);
	else
		*callsp = calls;
	return err;
}

/**
 * ng_calls_count() - how many calls there are
 * @calls: the table
 */
uint32_t ng_calls_count(const struct ng_calls *calls)
{
	return calls->count;
}

static uint32_t id_key(const struct pl *id)
{
	return (uint32_t)keyhash_pl(0, id);
}

static bool id_match(struct le *le, void *arg)
{
	const struct ng_call *call = le->data;
	const struct pl *id = arg;

	return call->id_len == id->l && !memcmp(call->id, id->p, id->l);
}

/**
 * ng_call_find() - find a call
 * @calls: the table
 * @id: its Call-ID
 *
 * Return: the call or NULL.
 */
struct ng_call *ng_call_find(const struct ng_calls *calls, const struct pl *id)
{
	struct pl key = *id;

	return list_ledata(hash_lookup(calls->by_id, id_key(id), id_match, &key));
}

static bool name_match(struct le *le, void *arg)
{
	const struct ng_branch *branch = le->data;

	return !strcmp(branch->name, arg);
}

static uint32_t name_key(const char *name)
{
	return (uint32_t)keyhash(name, strlen(name));
}

/**
 * ng_branch_by_name() - find a branch by its name on the media side
 * @calls: the table
 * @name: the name
 *
 * Return: the branch or NULL.
 */
struct ng_branch *ng_branch_by_name(const struct ng_calls *calls, const char *name)
{
	return list_ledata(hash_lookup(calls->by_name, name_key(name), name_match, (void *)name));
}

/**
 * struct walk - a walk over all calls
 * @fn: called for each
 * @arg: its argument
 */
struct walk {
	ng_call_fn *fn;
	void *arg;
};

static bool walk_call(struct le *le, void *arg)
{
	const struct walk *walk = arg;

	walk->fn(le->data, walk->arg);
	return false;
}

/**
 * ng_calls_each() - look at all calls
 * @calls: the table
 * @fn: called for each
 * @arg: its argument
 */
void ng_calls_each(const struct ng_calls *calls, ng_call_fn *fn, void *arg)
{
	struct walk walk = { .fn = fn, .arg = arg };

	(void)hash_apply(calls->by_id, walk_call, &walk);
}

static void call_destructor(void *arg)
{
	struct ng_call *call = arg;

	list_flush(&call->branches);
	hash_unlink(&call->he);
	call->calls->count--;
	mem_deref(call->id);
}

static struct ng_call *call_alloc(struct ng_calls *calls, const struct pl *id)
{
	struct ng_call *call = mem_zalloc(sizeof(*call), call_destructor);
	struct timeval now;

	if (!call)
		return NULL;

	call->calls = calls;
	calls->count++;
	call->id = mem_alloc(id->l + 1, NULL);
	if (!call->id)
		return mem_deref(call);

	memcpy(call->id, id->p, id->l);
	call->id[id->l] = '\0';
	call->id_len = id->l;
	(void)gettimeofday(&now, NULL);
	call->created = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
	call->signalled = (uint64_t)now.tv_sec;
	hash_append(calls->by_id, id_key(id), &call->he, call);
	return call;
}

static void branch_destructor(void *arg)
{
	struct ng_branch *branch = arg;

	wheel_stop(&branch->ending);
	hash_unlink(&branch->name_le);
	list_unlink(&branch->le);
	list_flush(&branch->tags);
	mem_deref(branch->name);
	mem_deref(branch->via);
}

/**
 * ng_branch_media() - a branch in the words of the media side
 * @branch: the branch
 */
struct media_call ng_branch_media(const struct ng_branch *branch)
{
	return (struct media_call){ { branch->call->id, branch->call->id_len }, branch->number };
}

static bool number_is_used(const struct ng_call *call, unsigned int number)
{
	struct le *le;

	LIST_FOREACH(&call->branches, le) {
		const struct ng_branch *branch = le->data;

		if (branch->number == number)
			return true;
	}

	return false;
}

static int branch_alloc(struct ng_branch **branchp, struct ng_call *call, unsigned int number,
			const struct pl *via)
{
	struct ng_branch *branch;
	struct media_call media;
	int err = 0;

	if (list_count(&call->branches) == NG_BRANCHES_MAX || number_is_used(call, number))
		return ENOSPC;

	branch = mem_zalloc(sizeof(*branch), branch_destructor);
	if (!branch)
		return ENOMEM;

	branch->call = call;
	branch->number = number;
	if (via->l)
		err = pl_strdup(&branch->via, via);
	media = ng_branch_media(branch);
	if (!err)
		err = media_call_name(&branch->name, &media);
	if (err) {
		mem_deref(branch);
		return err;
	}

	call->changed = true;
	hash_append(call->calls->by_name, name_key(branch->name), &branch->name_le, branch);
	list_append(&call->branches, &branch->le, branch);
	*branchp = branch;
	return 0;
}

/**
 * ng_branch_remove() - forget a branch, and its call with the last one
 * @branch: the branch
 */
void ng_branch_remove(struct ng_branch *branch)
{
	struct ng_call *call = branch->call;

	call->changed = true;
	mem_deref(branch);
	if (list_isempty(&call->branches))
		mem_deref(call);
}

static void tag_destructor(void *arg)
{
	struct ng_tag *tag = arg;

	list_unlink(&tag->le);
	mem_deref(tag->tag);
	mem_deref(tag->label);
}

/**
 * ng_branch_tag() - find an end of a branch
 * @branch: the branch
 * @tag: its tag
 *
 * Return: the end or NULL.
 */
struct ng_tag *ng_branch_tag(const struct ng_branch *branch, const struct pl *tag)
{
	struct le *le;

	LIST_FOREACH(&branch->tags, le) {
		struct ng_tag *end = le->data;

		if (tag->l && !pl_strcmp(tag, end->tag))
			return end;
	}

	return NULL;
}

/**
 * ng_branch_end() - the end of a side that was heard last
 * @branch: the branch
 * @side: which side
 *
 * Return: the end, or NULL if there is none yet.
 */
struct ng_tag *ng_branch_end(const struct ng_branch *branch, enum nattrav_side side)
{
	struct le *le;

	for (le = list_tail(&branch->tags); le; le = le->prev) {
		struct ng_tag *end = le->data;

		if (end->side == side)
			return end;
	}

	return NULL;
}

static int end_label(struct ng_tag *end, const struct pl *label)
{
	char *copy;
	int err;

	if (!label->l)
		return 0;

	err = pl_strdup(&copy, label);
	if (err)
		return err;

	mem_deref(end->label);
	end->label = copy;
	return 0;
}

/**
 * ng_branch_add_tag() - an end of a branch was heard
 * @branch: the branch
 * @tag: its tag; one that is known stays the side it was
 * @side: which side it is
 * @label: a name for it, or empty
 *
 * Return: 0 or an errno.
 */
int ng_branch_add_tag(struct ng_branch *branch, const struct pl *tag, enum nattrav_side side,
		      const struct pl *label)
{
	struct ng_tag *end;
	int err;

	if (!tag->l)
		return 0;

	end = ng_branch_tag(branch, tag);
	if (!end) {
		if (list_count(&branch->tags) == NG_TAGS_MAX)
			return ENOSPC;
		end = mem_zalloc(sizeof(*end), tag_destructor);
		if (!end)
			return ENOMEM;
		branch->call->changed = true;
		end->side = side;
		end->created = (uint64_t)time(NULL);
		err = pl_strdup(&end->tag, tag);
		if (err) {
			mem_deref(end);
			return err;
		}
	}

	list_unlink(&end->le);
	list_append(&branch->tags, &end->le, end);
	return end_label(end, label);
}

static bool via_equal(const struct ng_branch *branch, const struct pl *via)
{
	return branch->via ? !pl_strcmp(via, branch->via) : !via->l;
}

/* The branch whose ends these are, both of them if @both. */
static struct ng_branch *branch_by_tags(const struct ng_call *call, const struct pl *one,
					const struct pl *other, bool both)
{
	struct le *le;

	for (le = list_tail(&call->branches); le; le = le->prev) {
		struct ng_branch *branch = le->data;
		const bool has_one = ng_branch_tag(branch, one) != NULL;
		const bool has_other = ng_branch_tag(branch, other) != NULL;

		if (both ? has_one && has_other : has_one || has_other)
			return branch;
	}

	return NULL;
}

static struct ng_branch *branch_by_via(const struct ng_call *call, const struct pl *from,
				       const struct pl *via)
{
	struct le *le;

	LIST_FOREACH(&call->branches, le) {
		struct ng_branch *branch = le->data;

		if (via_equal(branch, via) && ng_branch_tag(branch, from))
			return branch;
	}

	return NULL;
}

/* Which side made an offer with these tags. */
static enum nattrav_side offerer(const struct ng_branch *branch, const struct ng_request *request)
{
	const struct ng_tag *from = ng_branch_tag(branch, &request->from_tag);
	const struct ng_tag *to = ng_branch_tag(branch, &request->to_tag);

	if (from)
		return from->side;

	return to ? side_other(to->side) : NATTRAV_SIDE_A;
}

static int branch_new(struct ng_branch **branchp, struct ng_calls *calls, struct ng_call *call,
		      const struct ng_request *request)
{
	unsigned int number = 0;
	int err;

	if (!call)
		call = call_alloc(calls, &request->call_id);
	if (!call)
		return ENOMEM;

	while (number_is_used(call, number))
		number++;

	err = branch_alloc(branchp, call, number, &request->via_branch);
	if (err && list_isempty(&call->branches))
		mem_deref(call);
	return err;
}

/**
 * ng_branch_offer() - the branch that an offer belongs to
 * @branchp: set to it; it may be a new one, of a new call
 * @side: set to the side that made the offer
 * @calls: the table
 * @request: the offer
 *
 * Within a dialog, both tags tell; a via-branch that the request may have as well is
 * that of another transaction. Before, the via-branch does, and forks that have
 * none share a branch.
 *
 * Return: 0 or an errno.
 */
int ng_branch_offer(struct ng_branch **branchp, enum nattrav_side *side, struct ng_calls *calls,
		    const struct ng_request *request)
{
	struct ng_call *call = ng_call_find(calls, &request->call_id);
	struct ng_branch *branch = NULL;
	int err = 0;

	if (call && request->to_tag.l) {
		branch = branch_by_tags(call, &request->from_tag, &request->to_tag, true);
		if (!branch)
			branch = branch_by_tags(call, &request->to_tag, &request->to_tag, true);
	}
	if (call && !branch)
		branch = branch_by_via(call, &request->from_tag, &request->via_branch);
	if (!branch)
		err = branch_new(&branch, calls, call, request);
	if (err)
		return err;

	*side = offerer(branch, request);
	*branchp = branch;
	list_unlink(&branch->le);
	list_append(&branch->call->branches, &branch->le, branch);
	return 0;
}

/**
 * ng_branch_answer() - the branch that an answer belongs to
 * @side: set to the side that answers
 * @call: the call
 * @request: the answer; its from-tag is the side that made the offer
 *
 * Return: the branch, or NULL if there was no such offer.
 */
struct ng_branch *ng_branch_answer(enum nattrav_side *side, struct ng_call *call,
				   const struct ng_request *request)
{
	struct ng_branch *branch;

	branch = branch_by_tags(call, &request->from_tag, &request->to_tag, true);
	if (!branch && request->via_branch.l)
		branch = branch_by_via(call, &request->from_tag, &request->via_branch);
	/* the one that was offered last */
	if (!branch)
		branch = branch_by_tags(call, &request->from_tag, &request->from_tag, true);
	if (!branch)
		return NULL;

	*side = side_other(offerer(branch, request));
	return branch;
}

/* Whether some other branch of the call has this via-branch. */
static bool via_is_known(const struct ng_call *call, const struct pl *via)
{
	struct le *le;

	LIST_FOREACH(&call->branches, le) {
		if (via->l && via_equal(le->data, via))
			return true;
	}

	return false;
}

/**
 * ng_branch_meant() - whether a request means a branch
 * @branch: the branch
 * @request: the request, whose Call-ID is that of the call; what it does not say
 *	excludes nothing
 */
bool ng_branch_meant(const struct ng_branch *branch, const struct ng_request *request)
{
	if (via_is_known(branch->call, &request->via_branch))
		return via_equal(branch, &request->via_branch);
	if (request->to_tag.l && ng_branch_tag(branch, &request->to_tag))
		return true;
	if (request->to_tag.l &&
	    branch_by_tags(branch->call, &request->to_tag, &request->to_tag, true))
		return false;

	return !request->from_tag.l || ng_branch_tag(branch, &request->from_tag);
}

static json_t *end_export(const struct ng_tag *end)
{
	json_t *json = json_object();

	json_object_set_new_nocheck(json, "tag", json_string_nocheck(end->tag));
	json_object_set_new_nocheck(json, "side", json_integer(end->side));
	json_object_set_new_nocheck(json, "created", json_integer((json_int_t)end->created));
	if (end->label)
		json_object_set_new_nocheck(json, "label", json_string_nocheck(end->label));
	return json;
}

static json_t *branch_export(const struct ng_branch *branch)
{
	json_t *json = json_object(), *tags = json_array(), *realms = json_array();
	unsigned int side;
	struct le *le;

	LIST_FOREACH(&branch->tags, le)
		json_array_append_new(tags, end_export(le->data));
	for (side = 0; side < ARRAY_SIZE(branch->realm); side++)
		json_array_append_new(realms, json_string_nocheck(branch->realm[side]));
	json_object_set_new_nocheck(json, "number", json_integer(branch->number));
	if (branch->via)
		json_object_set_new_nocheck(json, "via-branch", json_string_nocheck(branch->via));
	json_object_set_new_nocheck(json, "realms", realms);
	json_object_set_new_nocheck(json, "tags", tags);
	return json;
}

/**
 * ng_call_export() - all that is known of a call
 * @call: the call
 *
 * Return: an object for ng_call_import(); it may hold strings that are no UTF-8.
 */
json_t *ng_call_export(const struct ng_call *call)
{
	json_t *json = json_object(), *branches = json_array();
	struct le *le;

	LIST_FOREACH(&call->branches, le)
		json_array_append_new(branches, branch_export(le->data));
	json_object_set_new_nocheck(json, "version", json_integer(1));
	json_object_set_new_nocheck(json, "call-id", json_stringn_nocheck(call->id, call->id_len));
	json_object_set_new_nocheck(json, "created", json_integer((json_int_t)call->created));
	json_object_set_new_nocheck(json, "signalled", json_integer((json_int_t)call->signalled));
	json_object_set_new_nocheck(json, "branches", branches);
	return json;
}

static struct pl member_pl(const json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);

	return (struct pl){ json_string_value(value), json_string_length(value) };
}

static int end_import(struct ng_branch *branch, const json_t *json)
{
	const struct pl tag = member_pl(json, "tag"), label = member_pl(json, "label");
	const json_int_t side = json_integer_value(json_object_get(json, "side"));
	int err;

	if (!tag.l || (side != NATTRAV_SIDE_A && side != NATTRAV_SIDE_B))
		return EBADMSG;

	err = ng_branch_add_tag(branch, &tag, (enum nattrav_side)side, &label);
	if (!err)
		ng_branch_tag(branch, &tag)->created =
			(uint64_t)json_integer_value(json_object_get(json, "created"));
	return err;
}

static int branch_import(struct ng_call *call, const json_t *json)
{
	const json_int_t number = json_integer_value(json_object_get(json, "number"));
	const struct pl via = member_pl(json, "via-branch");
	const json_t *tags = json_object_get(json, "tags");
	const json_t *realms = json_object_get(json, "realms");
	struct ng_branch *branch;
	size_t i;
	int err;

	if (number < 0 || number > UINT16_MAX)
		return EBADMSG;

	err = branch_alloc(&branch, call, (unsigned int)number, &via);
	for (i = 0; i < json_array_size(tags) && !err; i++)
		err = end_import(branch, json_array_get(tags, i));
	for (i = 0; i < ARRAY_SIZE(branch->realm) && !err; i++)
		str_ncpy(branch->realm[i], json_string_value(json_array_get(realms, i)),
			 sizeof(branch->realm[i]));
	return err;
}

/**
 * ng_call_import() - take in a call that was exported
 * @calls: the table
 * @json: what ng_call_export() made
 *
 * Return: 0, EEXIST if there is such a call, EBADMSG if it is none, or another errno.
 */
int ng_call_import(struct ng_calls *calls, const json_t *json)
{
	const json_t *branches = json_object_get(json, "branches");
	const struct pl id = member_pl(json, "call-id");
	struct ng_call *call;
	int err = 0;
	size_t i;

	if (json_integer_value(json_object_get(json, "version")) != 1 || !id.p ||
	    !json_array_size(branches))
		return EBADMSG;
	if (ng_call_find(calls, &id))
		return EEXIST;

	call = call_alloc(calls, &id);
	if (!call)
		return ENOMEM;

	call->created = (uint64_t)json_integer_value(json_object_get(json, "created"));
	call->signalled = (uint64_t)json_integer_value(json_object_get(json, "signalled"));
	for (i = 0; i < json_array_size(branches) && !err; i++)
		err = branch_import(call, json_array_get(branches, i));
	call->changed = false;
	if (err)
		mem_deref(call);
	return err;
}
