// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls in memory, by Call-ID, and their copy in the database.
 */
#include "sip/dialog.h"

#include "config.h"
#include "log.h"
#include "media/media.h"
#include "sip/account.h"
#include "sip/keyhash.h"

#include <time.h>

#define BUCKETS     8192
#define DIALOGS_MAX 65536
/* A BYE may get lost. The kernel ends streams without media; the record follows. */
#define SWEEP_MS  60000
#define SILENT_MS (3600 * 1000ull)
/* RTP and RTCP of an audio stream on both sides */
#define PORTS_A_CALL  4
#define CROWDED_SHARE 16

struct dialogs {
	struct db *db;
	struct wheel *wheel;
	struct media *media;
	struct accounts *accounts;
	struct hash *calls;
	struct hash *callers;
	uint32_t count;
	uint32_t ringing;
	sqlite3_stmt *store;
	sqlite3_stmt *erase;
	struct wheel_timer sweep;
};

/* A user, or an address that users call from, with calls that ring. */
struct caller {
	struct le he;
	uint64_t key;
	uint32_t ringing;
};

static void caller_destroy(void *data)
{
	struct caller *caller = data;

	hash_unlink(&caller->he);
}

static bool caller_match(struct le *le, void *arg)
{
	const struct caller *caller = le->data;

	return caller->key == *(const uint64_t *)arg;
}

/*
 * Whether calls that ring hold half of the ports. Then a caller may have a sixteenth of
 * what he may otherwise: many together must not keep out one who has none.
 */
static bool is_crowded(const struct dialogs *dialogs, const struct config *limits)
{
	uint32_t ports = 0;
	struct le *le;

	LIST_FOREACH(&limits->pools, le) {
		const struct config_pool *pool = le->data;

		ports += pool->port_max - pool->port_min + 1u;
	}
	return dialogs->ringing >= ports / PORTS_A_CALL / 2;
}

/* One call more that rings. */
static int caller_take(struct dialogs *dialogs, struct caller **callerp, uint64_t key, uint32_t max)
{
	struct caller *caller =
		list_ledata(hash_lookup(dialogs->callers, (uint32_t)key, caller_match, &key));

	if (!caller) {
		caller = mem_zalloc(sizeof(*caller), caller_destroy);
		if (!caller)
			return ENOMEM;
		caller->key = key;
		hash_append(dialogs->callers, (uint32_t)key, &caller->he, caller);
	}
	if (caller->ringing >= max)
		return EDQUOT;
	caller->ringing++;
	*callerp = caller;
	return 0;
}

static int callers_take(struct dialog *dialog, const struct pl *user, const struct flow *flow,
			const struct config *limits)
{
	struct dialogs *dialogs = dialog->dialogs;
	const uint32_t share = is_crowded(dialogs, limits) ? CROWDED_SHARE : 1;
	int err;

	err = caller_take(dialogs, &dialog->callers[0], keyhash_pl(~0ull, user),
			  (limits->ringing_user + share - 1) / share);
	if (err)
		return err;
	dialogs->ringing++;
	return caller_take(dialogs, &dialog->callers[1], keyhash_source(&flow->remote),
			   (limits->ringing_source + share - 1) / share);
}

/* It rings no longer. */
static void callers_leave(struct dialog *dialog)
{
	size_t i;

	if (dialog->callers[0])
		dialog->dialogs->ringing--;
	for (i = 0; i < ARRAY_SIZE(dialog->callers); i++) {
		struct caller *caller = dialog->callers[i];

		dialog->callers[i] = NULL;
		if (caller && !--caller->ringing)
			mem_deref(caller);
	}
}

static void dialog_destroy(void *data)
{
	struct dialog *dialog = data;
	size_t i;

	hash_unlink(&dialog->he);
	callers_leave(dialog);
	for (i = 0; i < dialog->branch_count; i++)
		mem_deref(dialog->branches[i].tag);
	mem_deref(dialog->invite);
	mem_deref(dialog->callid);
	mem_deref(dialog->from_tag);
	mem_deref(dialog->to_tag);
	for (i = 0; i < ARRAY_SIZE(dialog->end); i++)
		mem_deref(dialog->end[i].user);
	mem_deref(dialog->ack);
}

static void dialogs_destroy(void *data)
{
	struct dialogs *dialogs = data;

	wheel_stop(&dialogs->sweep);
	hash_flush(dialogs->calls);
	mem_deref(dialogs->calls);
	mem_deref(dialogs->callers);
	sqlite3_finalize(dialogs->store);
	sqlite3_finalize(dialogs->erase);
}

void dialogs_account(struct dialogs *dialogs, struct accounts *accounts)
{
	dialogs->accounts = accounts;
}

uint32_t dialogs_count(const struct dialogs *dialogs)
{
	return dialogs->count;
}

static bool callid_match(struct le *le, void *arg)
{
	const struct dialog *dialog = le->data;

	return !pl_strcmp(arg, dialog->callid);
}

struct dialog *dialog_find(const struct dialogs *dialogs, const struct pl *callid)
{
	/* the match does not write */
	return list_ledata(hash_lookup(dialogs->calls, (uint32_t)keyhash_pl(0, callid),
				       callid_match, (void *)callid));
}

static void bind_str(sqlite3_stmt *stmt, int index, const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);
	db_bind_pl(stmt, index, &pl);
}

static void dialog_store(const struct dialog *dialog)
{
	struct dialogs *dialogs = dialog->dialogs;
	sqlite3_stmt *stmt = dialogs->store;

	bind_str(stmt, 1, dialog->callid);
	bind_str(stmt, 2, dialog->from_tag);
	bind_str(stmt, 3, dialog->to_tag);
	bind_str(stmt, 4, dialog->end[NATTRAV_SIDE_A].user);
	bind_str(stmt, 5, dialog->end[NATTRAV_SIDE_B].user);
	db_bind_flow(stmt, 6, &dialog->end[NATTRAV_SIDE_A].flow);
	db_bind_flow(stmt, 8, &dialog->end[NATTRAV_SIDE_B].flow);
	(void)sqlite3_bind_int64(stmt, 10, (int64_t)dialog->answered);
	/* all that is left of it after a restart is the name of its streams */
	(void)sqlite3_bind_int64(stmt, 11, dialog_media(dialog, dialog->branch));
	(void)sqlite3_bind_int64(stmt, 12, dialog->again);
	db_write(dialogs->db, stmt);
}

static int text_copy(char **text, const struct pl *pl)
{
	return pl_strdup(text, pl->p ? pl : &(const struct pl)PL(""));
}

static int end_set(struct dialog_end *end, const struct pl *user, const struct flow_id *flow)
{
	end->flow = *flow;
	return text_copy(&end->user, user);
}

static int dialog_alloc(struct dialogs *dialogs, struct dialog **dialogp, const struct pl *callid,
			const struct pl *from_tag, const struct pl *to_tag)
{
	struct dialog *dialog;
	int err;

	dialog = mem_zalloc(sizeof(*dialog), dialog_destroy);
	if (!dialog)
		return ENOMEM;
	dialog->dialogs = dialogs;
	err = text_copy(&dialog->callid, callid);
	err |= text_copy(&dialog->from_tag, from_tag);
	err |= text_copy(&dialog->to_tag, to_tag);
	if (err) {
		mem_deref(dialog);
		return ENOMEM;
	}
	*dialogp = dialog;
	return 0;
}

static void dialog_enter(struct dialog *dialog)
{
	const struct pl callid = { dialog->callid, str_len(dialog->callid) };

	hash_append(dialog->dialogs->calls, (uint32_t)keyhash_pl(0, &callid), &dialog->he, dialog);
	dialog->dialogs->count++;
}

int dialog_new(struct dialogs *dialogs, struct dialog **dialogp, const struct sip_msg *msg,
	       const struct pl *caller, const struct flow *a, const struct pl *callee,
	       const struct config *limits)
{
	const struct flow_id id_a = flow_id(a);
	struct dialog *dialog;
	int err;

	if (dialog_find(dialogs, &msg->callid))
		return EEXIST;
	if (dialogs->count >= DIALOGS_MAX)
		return ENOSPC;

	err = dialog_alloc(dialogs, &dialog, &msg->callid, &msg->from.tag, &pl_null);
	if (err)
		return err;
	err = end_set(&dialog->end[NATTRAV_SIDE_A], caller, &id_a);
	/* not known before the answer: the column wants something all the same */
	err |= end_set(&dialog->end[NATTRAV_SIDE_B], callee, &id_a);
	if (!err && limits)
		err = callers_take(dialog, caller, a, limits);
	if (err) {
		mem_deref(dialog);
		return err == EDQUOT ? EDQUOT : ENOMEM;
	}
	dialog->invite = mem_ref((void *)msg);
	dialog->holders = 1;
	dialog->began = (uint64_t)time(NULL);
	dialog_enter(dialog);
	dialog_store(dialog);
	*dialogp = dialog;
	return 0;
}

bool dialog_has_tags(const struct dialog *dialog, const struct sip_msg *msg, enum nattrav_side side)
{
	const struct pl *caller = side == NATTRAV_SIDE_A ? &msg->from.tag : &msg->to.tag;
	const struct pl *callee = side == NATTRAV_SIDE_A ? &msg->to.tag : &msg->from.tag;

	if (pl_strcmp(caller, dialog->from_tag))
		return false;
	/* before the answer any branch behind the callee may speak */
	return !dialog->answered || !pl_strcmp(callee, dialog->to_tag);
}

void dialog_tag(struct dialog *dialog, const struct pl *to_tag)
{
	char *copy;

	if (dialog->answered || !pl_isset(to_tag) || !pl_strcmp(to_tag, dialog->to_tag) ||
	    pl_strdup(&copy, to_tag))
		return;
	mem_deref(dialog->to_tag);
	dialog->to_tag = copy;
}

unsigned int dialog_add_branch(struct dialog *dialog, const struct flow *flow, bool again, bool own)
{
	if (dialog->branch_count == DIALOG_BRANCHES_ALL)
		return DIALOG_BRANCHES_ALL;
	dialog->branches[dialog->branch_count] =
		(struct dialog_branch){ .flow = flow_id(flow), .again = again, .own = own };
	return dialog->branch_count++;
}

unsigned int dialog_tag_branch(const struct dialog *dialog, const struct pl *tag)
{
	unsigned int i;

	for (i = 0; i < dialog->branch_count; i++) {
		const struct dialog_branch *branch = &dialog->branches[i];

		if (branch->tag && !pl_strcmp(tag, branch->tag))
			return i;
	}
	return DIALOG_BRANCHES_ALL;
}

unsigned int dialog_find_branch(const struct dialog *dialog, const struct flow_id *flow,
				const struct pl *tag)
{
	unsigned int i;

	if (dialog->answered)
		return dialog->branch;
	i = dialog_tag_branch(dialog, tag);
	if (i < DIALOG_BRANCHES_ALL)
		return i;
	for (i = 0; i < dialog->branch_count; i++) {
		if (flow_id_equal(&dialog->branches[i].flow, flow))
			return i;
	}
	return dialog->branch;
}

void dialog_branch_tag(struct dialog *dialog, unsigned int branch, const struct pl *tag)
{
	struct dialog_branch *known = &dialog->branches[branch];
	char *copy;

	if (!pl_isset(tag) || (known->tag && !pl_strcmp(tag, known->tag)) || pl_strdup(&copy, tag))
		return;
	mem_deref(known->tag);
	known->tag = copy;
}

unsigned int dialog_media(const struct dialog *dialog, unsigned int branch)
{
	return branch < dialog->branch_count && !dialog->branches[branch].own ? 0 : branch;
}

static bool branch_is_again(const struct dialog *dialog, unsigned int branch)
{
	return branch < dialog->branch_count ? dialog->branches[branch].again : dialog->again;
}

bool dialog_anchors(const struct dialog *dialog, unsigned int branch, bool again)
{
	/* the streams of another pass are never the first ones */
	return again == (branch_is_again(dialog, branch) && dialog_media(dialog, branch));
}

const struct flow_id *dialog_place(const struct dialog *dialog, unsigned int branch,
				   enum nattrav_side side)
{
	if (!branch_is_again(dialog, branch))
		return NULL;
	if (side == NATTRAV_SIDE_A || dialog->answered)
		return &dialog->end[side].flow;
	return &dialog->branches[branch].flow;
}

/* The streams of a branch go, unless they are another one's. */
static void branch_end(struct dialog *dialog, unsigned int branch)
{
	const struct media_call call = { { dialog->callid, str_len(dialog->callid) }, branch };

	if (dialog_media(dialog, branch) != branch || dialog->dropped >> branch & 1)
		return;
	dialog->dropped |= 1u << branch;
	media_end(dialog->dialogs->media, &call);
}

void dialog_drop_branch(struct dialog *dialog, unsigned int branch)
{
	if (!dialog->ended)
		branch_end(dialog, branch);
}

void dialog_answer(struct dialog *dialog, unsigned int branch)
{
	unsigned int i;

	dialog->answered = (uint64_t)time(NULL);
	callers_leave(dialog);
	dialog->invite = mem_deref(dialog->invite);
	dialog->branch = branch;
	for (i = 0; i < dialog->branch_count; i++) {
		if (i != dialog_media(dialog, branch))
			branch_end(dialog, i);
	}
	if (branch < dialog->branch_count) {
		dialog->end[NATTRAV_SIDE_B].flow = dialog->branches[branch].flow;
		dialog->again = dialog->branches[branch].again;
	}
	dialog_store(dialog);
}

void dialog_move(struct dialog *dialog, enum nattrav_side side, const struct flow *flow)
{
	struct dialog_end *end = &dialog->end[side];

	log_info("call %s: %s moved from %J to %J", dialog->callid, end->user, &end->flow.remote,
		 &flow->remote);
	end->flow = flow_id(flow);
	dialog_store(dialog);
}

void dialog_release(struct dialog *dialog, const char *why)
{
	if (!dialog->ended && !dialog->answered && !--dialog->holders)
		dialog_end(dialog, why);
}

void dialog_end(struct dialog *dialog, const char *why)
{
	struct dialogs *dialogs = dialog->dialogs;
	const unsigned long long now = (unsigned long long)time(NULL);
	unsigned int i;

	if (dialog->ended)
		return;
	dialog->ended = true;
	callers_leave(dialog);
	if (dialog->answered)
		log_info("call %s: %s after %llu s", dialog->callid, why,
			 now > dialog->answered ? now - dialog->answered : 0ull);
	else
		log_info("call %s: %s", dialog->callid, why);

	if (!dialog->challenged)
		account_call(dialogs->accounts, dialog, why);
	/* the accounts wait for word of these streams, even if they are gone */
	dialog->dropped &= ~(1u << dialog_media(dialog, dialog->branch));
	branch_end(dialog, dialog_media(dialog, dialog->branch));
	for (i = 0; i < dialog->branch_count; i++)
		branch_end(dialog, i);
	bind_str(dialogs->erase, 1, dialog->callid);
	db_write(dialogs->db, dialogs->erase);
	hash_unlink(&dialog->he);
	dialogs->count--;
	mem_deref(dialog);
}

static bool dialog_sweep(struct le *le, void *arg)
{
	struct dialog *dialog = le->data;
	const struct media_call call = { { dialog->callid, str_len(dialog->callid) },
					 dialog_media(dialog, dialog->branch) };
	const uint64_t now = wheel_now();

	(void)arg;
	if (!dialog->answered || media_has_call(dialog->dialogs->media, &call))
		dialog->silent = 0;
	else if (!dialog->silent)
		dialog->silent = now;
	else if (now - dialog->silent >= SILENT_MS)
		dialog_end(dialog, "forgotten: no BYE and no media for an hour");
	return false;
}

static void dialogs_sweep(void *arg)
{
	struct dialogs *dialogs = arg;

	(void)hash_apply(dialogs->calls, dialog_sweep, NULL);
	wheel_start(dialogs->wheel, &dialogs->sweep, SWEEP_MS, dialogs_sweep, dialogs);
}

static int dialog_load_row(struct dialogs *dialogs, sqlite3_stmt *row)
{
	const struct pl callid = db_column_pl(row, 0);
	const struct pl from_tag = db_column_pl(row, 1);
	const struct pl to_tag = db_column_pl(row, 2);
	struct dialog *dialog;
	struct pl user;
	size_t i;
	int err;

	err = dialog_alloc(dialogs, &dialog, &callid, &from_tag, &to_tag);
	for (i = 0; !err && i < ARRAY_SIZE(dialog->end); i++) {
		struct flow_id flow;

		user = db_column_pl(row, 3 + (int)i);
		if (!db_column_flow(row, 5 + 2 * (int)i, &flow))
			err = EBADMSG;
		else
			err = end_set(&dialog->end[i], &user, &flow);
		if (err)
			mem_deref(dialog);
	}
	if (err)
		return err;
	dialog->answered = (uint64_t)sqlite3_column_int64(row, 9);
	dialog->branch = (unsigned int)sqlite3_column_int(row, 10);
	dialog->again = sqlite3_column_int(row, 11);
	if (dialog->branch >= DIALOG_BRANCHES_ALL) {
		mem_deref(dialog);
		return EBADMSG;
	}
	dialog_enter(dialog);
	return 0;
}

static bool dialog_unanswered(struct le *le, void *arg)
{
	struct dialog *dialog = le->data;

	(void)arg;
	if (!dialog->answered)
		dialog_end(dialog, "not answered before the restart");
	return false;
}

static int dialogs_load(struct dialogs *dialogs)
{
	sqlite3_stmt *rows;
	int err;

	err = db_prepare(dialogs->db, &rows,
			 "SELECT callid, from_tag, to_tag, caller, callee, local_a, remote_a,"
			 " local_b, remote_b, answered, branch, again FROM dialog");
	if (err)
		return err;
	while (err != ENOMEM && sqlite3_step(rows) == SQLITE_ROW) {
		err = dialog_load_row(dialogs, rows);
		if (err)
			log_warn("a call in the database cannot be read: %m", err);
	}
	sqlite3_finalize(rows);
	if (err == ENOMEM)
		return err;
	(void)hash_apply(dialogs->calls, dialog_unanswered, NULL);
	return 0;
}

int dialogs_alloc(struct dialogs **dialogsp, struct db *db, struct wheel *wheel,
		  struct media *media)
{
	struct dialogs *dialogs;
	int err;

	dialogs = mem_zalloc(sizeof(*dialogs), dialogs_destroy);
	if (!dialogs)
		return ENOMEM;
	dialogs->db = db;
	dialogs->wheel = wheel;
	dialogs->media = media;

	err = hash_alloc(&dialogs->calls, BUCKETS) ?: hash_alloc(&dialogs->callers, BUCKETS);
	if (!err)
		err = db_prepare(db, &dialogs->store,
				 "INSERT OR REPLACE INTO dialog"
				 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	if (!err)
		err = db_prepare(db, &dialogs->erase, "DELETE FROM dialog WHERE callid = ?");
	if (!err)
		err = dialogs_load(dialogs);
	if (err) {
		mem_deref(dialogs);
		return err;
	}
	wheel_start(wheel, &dialogs->sweep, SWEEP_MS, dialogs_sweep, dialogs);
	*dialogsp = dialogs;
	return 0;
}
