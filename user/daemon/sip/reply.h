/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies that the gateway gives itself. They go to the packet's source, from
 * the socket that it came to, whatever the Via says.
 */
#ifndef NATTRAVD_SIP_REPLY_H
#define NATTRAVD_SIP_REPLY_H

#include "sip/flow.h"

/**
 * struct reply - a reply to a request
 * @status: SIP status
 * @reason: reason phrase
 * @headers: further header lines, each with its CRLF, or NULL
 * @keep: answer to ";keep" in the Via, 0 for none
 */
struct reply {
	uint16_t status;
	const char *reason;
	const struct mbuf *headers;
	uint32_t keep;
};

/**
 * reply_build() - write a reply (RFC 3261 section 8.2.6)
 * @mbp: set to the message
 * @msg: the request
 * @src: where it came from
 * @reply: what to say
 *
 * The To tag, where one is needed, is a function of the request, so that a
 * retransmission gets the same without any state.
 *
 * Return: 0 or an errno.
 */
int reply_build(struct mbuf **mbp, const struct sip_msg *msg, const struct sa *src,
		const struct reply *reply);

/* What the To tag of a reply is made of; an ACK for it has the same of both. */
unsigned long long reply_tag(const struct pl *callid, const struct pl *branch);

/* Build and send without any state. */
void reply_send(const struct flow *flow, const struct sip_msg *msg, const struct reply *reply);

/**
 * reply_raw() - refuse a datagram that could not be decoded
 * @flow: where it came from
 * @mb: the datagram
 * @status: SIP status
 * @reason: reason phrase
 *
 * Copies the lines that a reply must have as they came; stays silent if there
 * are none, and if the datagram is no request or an ACK.
 */
void reply_raw(const struct flow *flow, const struct mbuf *mb, uint16_t status, const char *reason);

#endif
