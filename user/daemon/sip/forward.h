/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request on its way through: joins the server transaction on one side with
 * the client transactions on the other (RFC 3261 sections 16.6 to 16.9), and
 * takes the SDP of both directions to the media side.
 */
#ifndef NATTRAVD_SIP_FORWARD_H
#define NATTRAVD_SIP_FORWARD_H

#include "sip/server.h"

/**
 * struct forward_target - where a request goes
 * @out: the flow to send it over
 * @uri: new Request-URI, or empty to leave it
 * @route: Route values to put in, with commas between them, or empty
 */
struct forward_target {
	struct flow out;
	struct pl uri;
	struct pl route;
};

/**
 * struct forward_plan - what the proxy decided
 * @targets: where it goes
 * @count: how many
 * @branch: which of the branches of the call this is about; of an INVITE that begins
 *	it, the first one
 * @side: the side of the dialog that sent it
 * @dialog: its call, or NULL
 * @initial: the INVITE that begins @dialog, or the same that comes by again
 * @again: a registrar elsewhere led it back here, see dialog_anchors()
 * @holds: @dialog lives by this INVITE, see dialog_release()
 * @offer: the INVITE with the SDP to take in place of its own, or NULL
 * @callee: who is called, if the Request-URI does not name him; else empty
 * @routed: there may be other next hops for it, if this one fails
 * @record: stay in the path of the dialog (Record-Route)
 * @path: it is a REGISTER that goes to the registrar: stay in the path to the terminal
 * @routes: how many Route values were ours and go
 * @breadth: Max-Breadth of each branch (RFC 5393)
 */
struct forward_plan {
	struct forward_target targets[DIALOG_BRANCHES_MAX];
	unsigned int count;
	unsigned int branch;
	enum nattrav_side side;
	struct dialog *dialog;
	bool initial;
	bool again;
	bool holds;
	const struct sip_msg *offer;
	struct pl callee;
	bool routed;
	bool record;
	bool path;
	size_t routes;
	uint32_t breadth;
};

/**
 * forward_request() - forward a request
 * @server: the server
 * @msg: the request
 * @flow: where it came from
 * @plan: where it goes
 *
 * Replies itself if it cannot be forwarded; the call of an initial INVITE is
 * then ended.
 */
void forward_request(struct server *server, struct sip_msg *msg, const struct flow *flow,
		     const struct forward_plan *plan);

/* The caller gave up (RFC 3261 section 16.10). @up is the transaction of the INVITE. */
void forward_cancel(const struct server_tx *up);

#endif
