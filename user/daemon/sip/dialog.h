/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls: a record per dialog that an INVITE began. It ties the two flows and
 * the media together, and is kept in the database, so that a call goes on when
 * the daemon starts again.
 */
#ifndef NATTRAVD_SIP_DIALOG_H
#define NATTRAVD_SIP_DIALOG_H

#include "registrar/db.h"
#include "sip/flow.h"

#include <linux/nattrav.h>

struct accounts;
struct dialogs;
struct media;

struct caller;
struct config;

/* As many as a user may have contacts. */
#define DIALOG_BRANCHES_MAX 5
/* With those that a registrar elsewhere adds. */
#define DIALOG_BRANCHES_ALL 8

/**
 * struct dialog_end - one end of a dialog
 * @user: its user
 * @flow: its flow, as last seen
 */
struct dialog_end {
	char *user;
	struct flow_id flow;
};

/**
 * struct dialog_branch - one of the places that an INVITE went to
 * @flow: the flow there
 * @tag: To tag of the last response that came from there by another pass, or NULL
 * @again: the call came by once more to get there
 * @own: it has streams of its own; if not, those of the first branch are for it as well
 */
struct dialog_branch {
	struct flow_id flow;
	char *tag;
	bool again;
	bool own;
};

/**
 * struct dialog - a call
 * @he: element of the table by Call-ID
 * @dialogs: the table
 * @callid: Call-ID
 * @from_tag: the caller's tag
 * @to_tag: the callee's tag, empty until a response brought it
 * @end: caller (NATTRAV_SIDE_A) and callee (NATTRAV_SIDE_B)
 * @callers: what it counts for while it rings: the user, and his address; NULL for nothing
 * @invite: the INVITE that began it, until it is answered
 * @holders: how many INVITEs it lives by until then
 * @branches: where the INVITE went
 * @branch_count: how many; 0 after a restart
 * @dropped: bit n is set if branch n has no streams any more
 * @branch: the one that was answered
 * @again: to get there the call came by once more, and so does all that follows in it
 * @began: when, seconds since 1970; 0 if that was before the restart
 * @answered: when, seconds since 1970; 0 while it is not
 * @challenged: who was called wants to know a password first: this was no call yet
 * @ended: it is out of the table; somebody still holds it
 * @ack: the last ACK that carried SDP, as it was forwarded
 * @ack_cseq: its CSeq number
 * @silent: wheel_now() since when the call has had no stream, or 0
 */
struct dialog {
	struct le he;
	struct dialogs *dialogs;
	char *callid;
	char *from_tag;
	char *to_tag;
	struct dialog_end end[2];
	struct caller *callers[2];
	struct sip_msg *invite;
	unsigned int holders;
	struct dialog_branch branches[DIALOG_BRANCHES_ALL];
	unsigned int branch_count;
	unsigned int dropped;
	unsigned int branch;
	bool again;
	uint64_t began;
	uint64_t answered;
	bool challenged;
	bool ended;
	struct mbuf *ack;
	uint32_t ack_cseq;
	uint64_t silent;
};

/**
 * dialogs_alloc() - load the calls that were answered
 * @dialogsp: set to the table; drop it with mem_deref()
 * @db: the database
 * @wheel: runs the timers
 * @media: the media side, told about the end of calls
 *
 * A call that was not answered when the daemon died has lost its transactions;
 * it is ended.
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int dialogs_alloc(struct dialogs **dialogsp, struct db *db, struct wheel *wheel,
		  struct media *media);

/* Where calls are accounted for, from now on; NULL for nowhere. */
void dialogs_account(struct dialogs *dialogs, struct accounts *accounts);

/* How many there are. */
uint32_t dialogs_count(const struct dialogs *dialogs);

/**
 * dialog_new() - a call begins
 * @dialogs: the table
 * @dialogp: set to the call; the table owns it
 * @msg: the INVITE
 * @caller: user who calls
 * @a: his flow
 * @callee: user who is called
 * @limits: tells how many may ring of one user and behind one address (of IPv6, one
 *	/64), since each holds ports (threat M6); NULL for any number
 *
 * Where he is called is told by dialog_add_branch(); it lives until dialog_release(),
 * or the answer.
 *
 * Return: 0, ENOMEM, EEXIST if there is a call with this Call-ID, ENOSPC if
 * there are too many, EDQUOT if too many of this caller ring.
 */
int dialog_new(struct dialogs *dialogs, struct dialog **dialogp, const struct sip_msg *msg,
	       const struct pl *caller, const struct flow *a, const struct pl *callee,
	       const struct config *limits);

/**
 * dialog_add_branch() - another place that the INVITE goes to
 * @dialog: the call
 * @flow: the flow there
 * @again: the INVITE came by once more, from a registrar elsewhere
 * @own: it has streams of its own
 *
 * Return: its number, or DIALOG_BRANCHES_ALL if there are that many already.
 */
unsigned int dialog_add_branch(struct dialog *dialog, const struct flow *flow, bool again,
			       bool own);

/**
 * dialog_find_branch() - the branch that something of the callee belongs to
 * @dialog: the call
 * @flow: the flow that it comes over or goes to
 * @tag: his tag, by which another pass knows the branch that it came through
 */
unsigned int dialog_find_branch(const struct dialog *dialog, const struct flow_id *flow,
				const struct pl *tag);

/* The same by his tag alone; DIALOG_BRANCHES_ALL if it was not heard from another pass. */
unsigned int dialog_tag_branch(const struct dialog *dialog, const struct pl *tag);

/* A response came by another pass. */
void dialog_branch_tag(struct dialog *dialog, unsigned int branch, const struct pl *tag);

/* The number by which the media side knows the streams of a branch. */
unsigned int dialog_media(const struct dialog *dialog, unsigned int branch);

/**
 * dialog_anchors() - whether the SDPs of a branch are edited in this pass
 * @dialog: the call
 * @branch: the branch
 * @again: the pass: the first one, or one that a registrar elsewhere led back here
 *
 * A call between two terminals of such a registrar passes twice, and has its media
 * anchored once. The first pass has to do it, since nothing tells then that there will
 * be another; and all that the registrar does to an SDP keeps its meaning this way. The
 * other one leaves SDPs alone, and lets the first one know where the callee really is.
 * Only where the relay address that the first pass had to choose is none that the callee
 * could reach, or where there was no pass of ours before the registrar forked, the second
 * one has streams of its own, and edits.
 */
bool dialog_anchors(const struct dialog *dialog, unsigned int branch, bool again);

/* Where a side of a branch really is; NULL if it is where the messages of this pass say. */
const struct flow_id *dialog_place(const struct dialog *dialog, unsigned int branch,
				   enum nattrav_side side);

/* A branch has failed while others are left: its streams go. */
void dialog_drop_branch(struct dialog *dialog, unsigned int branch);

/* The call with this Call-ID, or NULL. */
struct dialog *dialog_find(const struct dialogs *dialogs, const struct pl *callid);

/* Whether the tags of a request from @side are those of the call. */
bool dialog_has_tags(const struct dialog *dialog, const struct sip_msg *msg,
		     enum nattrav_side side);

/* An INVITE that the call lives by has failed for the reason @why: the last one ends it. */
void dialog_release(struct dialog *dialog, const char *why);

/* The callee's tag became known. */
void dialog_tag(struct dialog *dialog, const struct pl *to_tag);

/* The call was answered in one of its branches; the streams of the others go. */
void dialog_answer(struct dialog *dialog, unsigned int branch);

/* The end moved to another remote address: its NAT forgot it, or it registered anew. */
void dialog_move(struct dialog *dialog, enum nattrav_side side, const struct flow *flow);

/**
 * dialog_end() - the call is over
 * @dialog: the call; not to be used after this, unless it is referenced
 * @why: goes into the log
 *
 * Removes its streams and its record.
 */
void dialog_end(struct dialog *dialog, const char *why);

#endif
