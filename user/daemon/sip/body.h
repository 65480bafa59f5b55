/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where in a message the SDP is.
 */
#ifndef NATTRAVD_SIP_BODY_H
#define NATTRAVD_SIP_BODY_H

#include "sip/compat.h"

/**
 * body_find_sdp() - find the SDP of a message
 * @msg: the message
 * @sdp: set to it: the body, or a part of a multipart body (RFC 5621)
 *
 * Of several parts the first that is SDP counts. Parts inside of parts are not
 * looked at.
 *
 * Return: 0; ENOENT if there is none; ENOTSUP if what is there cannot be edited:
 * it is packed, encrypted or signed.
 */
int body_find_sdp(const struct sip_msg *msg, struct pl *sdp);

#endif
