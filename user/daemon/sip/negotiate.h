/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offers and answers in the messages of a call (RFC 3264, RFC 6337): finds them
 * and takes them to the media side.
 */
#ifndef NATTRAVD_SIP_NEGOTIATE_H
#define NATTRAVD_SIP_NEGOTIATE_H

#include "sip/server.h"

/**
 * struct negotiation - a message of a call that may carry an SDP
 * @server: the server
 * @dialog: its call, or NULL
 * @branch: branch of the call
 * @again: the pass that it is in, as in dialog_anchors()
 * @from: the side that sent it
 * @src: the flow that it came over
 * @dst: the flow that it goes to
 */
struct negotiation {
	const struct server *server;
	const struct dialog *dialog;
	unsigned int branch;
	bool again;
	enum nattrav_side from;
	const struct flow *src;
	const struct flow *dst;
};

/**
 * negotiate_request() - take the SDP of a request to the media side
 * @negotiation: whose
 * @msg: the request
 * @sdp: set to the edited SDP, or NULL if there is none
 * @reason: set if it is refused
 *
 * Return: 0, or the status to refuse the message with.
 */
uint16_t negotiate_request(const struct negotiation *negotiation, const struct sip_msg *msg,
			   struct mbuf **sdp, const char **reason);

/* The same for a response; @request is what it answers. */
uint16_t negotiate_response(const struct negotiation *negotiation, const struct sip_msg *msg,
			    const struct sip_msg *request, struct mbuf **sdp, const char **reason);

/* A request of a call that was up failed: if it made an offer, all stays as it was. */
void negotiate_failed(const struct negotiation *negotiation, const struct sip_msg *request);

#endif
