/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of forwarding: forward.c sends requests, respond.c takes responses.
 */
#ifndef NATTRAVD_SIP_FORWARD_PRIVATE_H
#define NATTRAVD_SIP_FORWARD_PRIVATE_H

#include "sip/forward.h"
#include "sip/negotiate.h"

/**
 * struct branch - one of the places that a request went to
 * @fw: the request
 * @number: branch of the call
 * @down: the transaction there, which holds a reference to @fw; NULL after its end
 * @heard: something has come of it
 * @patience: runs until another next hop is tried, if there is one
 * @left: that has happened
 * @final: nothing more is to come of it that could be chosen
 * @undone: a 2xx of it could not pass, and the callee was told so
 */
struct branch {
	struct forward *fw;
	unsigned int number;
	struct client_tx *down;
	bool heard;
	struct wheel_timer patience;
	bool left;
	bool final;
	bool undone;
};

/**
 * struct forward - a request on its way
 * @server: the server
 * @up: the transaction with the sender; it holds a reference
 * @dialog: the call, or NULL
 * @side: who sent the request
 * @initial: it is an INVITE that began the call
 * @again: it is another pass of it, see dialog_anchors()
 * @holds: the call lives by it until it is answered
 * @bye: it ends the call, at the latest when it is answered
 * @cancelled: the sender cancelled it
 * @hops: the plan, with all next hops that it was sent to; NULL if there is but one
 * @answered: the branch whose 2xx passed, or NULL
 * @tag: To tag of that 2xx
 * @best: the best of the responses that refuse, as it will be sent
 * @best_status: its status
 * @branches: where it went
 * @count: how many
 */
struct forward {
	struct server *server;
	struct server_tx *up;
	struct dialog *dialog;
	enum nattrav_side side;
	bool initial;
	bool again;
	bool holds;
	bool bye;
	bool cancelled;
	struct forward_plan *hops;
	const struct branch *answered;
	char *tag;
	struct mbuf *best;
	uint16_t best_status;
	struct branch branches[DIALOG_BRANCHES_MAX];
	unsigned int count;
};

/*
 * forward.c: the next hop has failed. Sends the request to another one (RFC 3263 section
 * 4.3); false if there is none.
 */
bool forward_next(struct forward *fw);

/* respond.c: handlers of client transactions; the argument is a struct branch */
void respond_response(struct sip_msg *msg, void *arg);
void respond_timeout(void *arg);
void respond_lost(void *arg);
void respond_gone(void *arg);

/* A next hop has said nothing for long enough; the same argument. */
void respond_mute(void *arg);

/* Answer the sender ourselves. */
void respond_self(struct forward *fw, uint16_t status, const char *reason);

/* The INVITE has failed: the call ends with it, if it lives by it alone. */
void respond_leave(struct forward *fw, const char *why);

/* Cancel all branches that have not answered, but one. */
void respond_cancel_others(struct forward *fw, const struct branch *but);

#endif
