/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registrar: RFC 3261 section 10.3, with RFC 5626 (outbound), RFC 6223 (keep)
 * and RFC 3327 (Path).
 */
#ifndef NATTRAVD_REGISTRAR_REGISTRAR_H
#define NATTRAVD_REGISTRAR_REGISTRAR_H

#include "sip/flow.h"

struct server;

/**
 * registrar_register() - a REGISTER for our domain
 * @server: the server
 * @msg: the request
 * @flow: the flow that it came over: the path to the terminal from now on
 *
 * Keeps no transaction: a retransmission finds its CSeq stored and gets the
 * same answer.
 */
void registrar_register(struct server *server, const struct sip_msg *msg, const struct flow *flow);

#endif
