/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a proxy changes in a message before it sends it on (RFC 3261 sections
 * 16.6 and 16.7).
 */
#ifndef NATTRAVD_SIP_REWRITE_H
#define NATTRAVD_SIP_REWRITE_H

#include "sip/forward.h"

/**
 * rewrite_request() - write a request as it is sent on
 * @mbp: set to the message
 * @server: the server
 * @msg: the request
 * @flow: where it came from
 * @plan: what the proxy decided
 * @target: where it goes
 * @sdp: what to put in place of its own, or NULL
 *
 * Return: 0 or an errno.
 */
int rewrite_request(struct mbuf **mbp, const struct server *server, const struct sip_msg *msg,
		    const struct flow *flow, const struct forward_plan *plan,
		    const struct forward_target *target, const struct mbuf *sdp);

/**
 * rewrite_response() - write a response as it is sent on
 * @mbp: set to the message
 * @msg: the response
 * @request: what it answers
 * @config: the configuration
 * @sdp: what to put in place of its own, or NULL
 *
 * Return: 0; EBADMSG if no Via is left below ours; or ENOMEM.
 */
int rewrite_response(struct mbuf **mbp, const struct sip_msg *msg, const struct sip_msg *request,
		     const struct config *config, const struct mbuf *sdp);

/**
 * rewrite_answer() - write an ACK or a BYE of our own after a 2xx to INVITE
 * @mbp: set to the message
 * @msg: the 2xx
 * @flow: where it will be sent
 * @method: "ACK" or "BYE"
 * @cseq: its CSeq number
 *
 * Return: 0; EBADMSG if the 2xx has no usable Contact; or ENOMEM.
 */
int rewrite_answer(struct mbuf **mbp, const struct sip_msg *msg, const struct flow *flow,
		   const char *method, uint32_t cseq);

#endif
