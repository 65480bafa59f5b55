/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turning away under overload, at a price that leaves room for the calls that are
 * taken: a request that begins something new is refused from a glance at its lines,
 * before it is decoded.
 */
#ifndef NATTRAVD_SIP_SHED_H
#define NATTRAVD_SIP_SHED_H

#include "sip/server.h"

/**
 * shed_receive() - turn a message away if that can be done at a glance
 * @server: the server, which is overloaded
 * @flow: where it came from
 * @mb: the message as it came, whole
 *
 * An INVITE and a REGISTER that belong to nothing known get 503 with a Retry-After,
 * without a trace left here. An ACK for a reply that left no trace is passed over. All
 * else is for those who decode it: what is inside of a dialog, what is repeated, the
 * refresh of a known path, and whatever looks odd.
 *
 * Return: whether it is dealt with.
 */
bool shed_receive(struct server *server, const struct flow *flow, const struct mbuf *mb);

/* An ACK for a reply that left no trace: the same, overloaded or not. */
bool shed_ack(const struct server *server, const struct flow *flow, const struct mbuf *mb);

#endif
