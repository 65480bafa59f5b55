/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OPTIONS to terminals that do not keep their path open by themselves. Each is a
 * datagram that nobody repeats: what is lost is made up for by the next one.
 */
#ifndef NATTRAVD_REGISTRAR_PING_H
#define NATTRAVD_REGISTRAR_PING_H

#include "sip/server.h"

/* Send one; a location_ping_fn of struct server. */
void ping_send(const struct binding *binding, void *arg);

/* Whether a response answers one; the binding is noted as alive then. */
bool ping_answered(struct server *server, const struct sip_msg *msg, const struct flow *flow);

#endif
