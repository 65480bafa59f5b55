/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routing: which requests may pass, and over which flow (RFC 3261 section 16).
 */
#ifndef NATTRAVD_SIP_PROXY_H
#define NATTRAVD_SIP_PROXY_H

#include "sip/server.h"

/**
 * proxy_request() - route a request that belongs to no transaction
 * @server: the server
 * @msg: the request; not a CANCEL
 * @flow: where it came from
 *
 * What is not allowed is refused: outside of a dialog the sender must be a
 * user, by his registered flow or by digest, and the target a user of the
 * domain; inside of one it takes flow tokens and one of the dialog's flows.
 */
void proxy_request(struct server *server, struct sip_msg *msg, const struct flow *flow);

#endif
