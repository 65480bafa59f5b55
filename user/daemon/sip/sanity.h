/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a message must be like before anything else looks at it.
 */
#ifndef NATTRAVD_SIP_SANITY_H
#define NATTRAVD_SIP_SANITY_H

#include "sip/compat.h"

/**
 * struct fault - what is wrong with a message
 * @status: SIP status to refuse it with
 * @reason: reason phrase that names the fault
 */
struct fault {
	uint16_t status;
	const char *reason;
};

/**
 * sanity_decode() - decode and check a datagram that claims to be SIP
 * @mb: the datagram; cut behind the body that Content-Length tells of
 * @msgp: set to the message; drop it with mem_deref()
 * @fault: set to what is wrong
 *
 * Checks what RFC 3261 section 16.3 asks for, what libre's parser lets through
 * of RFC 4475, and bounds on sizes and numbers. A message with a fault can
 * still be decoded far enough to answer it: @msgp is then set as well.
 *
 * Return: 0, EBADMSG with @fault set, or ENOMEM.
 */
int sanity_decode(struct mbuf *mb, struct sip_msg **msgp, struct fault *fault);

/* Whether a slice is a token of RFC 3261 section 25.1, such as a method. */
bool sanity_token(const struct pl *pl);

#endif
