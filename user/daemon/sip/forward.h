/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request on its way through: joins the server transaction on one side with
 * the client transaction on the other (RFC 3261 sections 16.6 to 16.9), and
 * takes the SDP of both directions to the media side.
 */
#ifndef NATTRAVD_SIP_FORWARD_H
#define NATTRAVD_SIP_FORWARD_H

#include "sip/server.h"

/**
 * struct forward_plan - what the proxy decided
 * @out: the flow to send it over
 * @side: the side of the dialog that sent it
 * @dialog: its call, or NULL
 * @initial: the INVITE that begins @dialog
 * @record: stay in the path of the dialog (Record-Route)
 * @uri: new Request-URI, or empty to leave it
 * @routes: how many Route values were ours and go
 * @route: Route values to put in, with commas between them, or empty
 */
struct forward_plan {
	struct flow out;
	enum nattrav_side side;
	struct dialog *dialog;
	bool initial;
	bool record;
	struct pl uri;
	size_t routes;
	struct pl route;
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
