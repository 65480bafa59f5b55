/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The edge before a registrar that is elsewhere (RFC 3327, RFC 5626 section 5):
 * REGISTER goes there with a Path that leads back over the terminal's flow. What is
 * kept here is the flow of who the registrar has taken, as long as it has.
 */
#ifndef NATTRAVD_REGISTRAR_EDGE_H
#define NATTRAVD_REGISTRAR_EDGE_H

#include "sip/server.h"

struct token;

/* Whether a user of our domain is one of the registrar elsewhere. */
bool edge_serves(const struct server *server, const struct pl *user);

/**
 * edge_register() - a REGISTER for somebody whom the registrar knows
 * @server: the server
 * @msg: the request
 * @flow: where it came from
 * @routes: how many Route values were ours and go
 *
 * Who is not known yet has no more tries than somebody who registers here: budget
 * and lockout.
 */
void edge_register(struct server *server, struct sip_msg *msg, const struct flow *flow,
		   size_t routes);

/**
 * edge_answered() - the registrar gave a final answer
 * @server: the server
 * @request: the REGISTER
 * @flow: where that came from
 * @answer: the answer, which is to pass as it is
 */
void edge_answered(struct server *server, const struct sip_msg *request, const struct flow *flow,
		   const struct sip_msg *answer);

/* Whether a URI is a Path of ours; @token is set to its flow. */
bool edge_path_decode(const struct server *server, const struct uri *uri, struct token *token);

/* Whether something goes to the registrar: passwords in it are not for us. */
bool edge_is_registrar(const struct server *server, const struct flow *flow);

#endif
