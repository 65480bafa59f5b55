/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keep-alives on the SIP port: what a terminal sends to keep the path through
 * its NAT open.
 */
#ifndef NATTRAVD_SIP_KEEPALIVE_H
#define NATTRAVD_SIP_KEEPALIVE_H

#include "sip/server.h"

/**
 * keepalive_receive() - take a datagram if it is a keep-alive
 * @server: the server
 * @flow: where it came from
 * @mb: the datagram
 *
 * STUN binding requests get the mapped address (RFC 5626 section 3.5.2),
 * CRLF CRLF gets CRLF (section 3.5.1), and so does a lone CRLF, which many
 * phones send over UDP. Empty datagrams and zero bytes are only noted.
 *
 * Return: whether it was one.
 */
bool keepalive_receive(struct server *server, const struct flow *flow, struct mbuf *mb);

#endif
