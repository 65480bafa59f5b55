/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base64url without padding (RFC 4648 section 5): every character of it may
 * stand in the user part of a SIP URI and in a quoted string.
 */
#ifndef NATTRAVD_SIP_B64URL_H
#define NATTRAVD_SIP_B64URL_H

#include "sip/compat.h"

/* Characters that @n bytes become, without the NUL. */
#define B64URL_LEN(n) (((n)*4 + 2) / 3)

/* Room needed in @text: B64URL_LEN(@len) + 1; a NUL ends it. */
void b64url_encode(const uint8_t *data, size_t len, char *text);

/**
 * b64url_decode() - read base64url
 * @text: the text
 * @data: where the bytes go
 * @max: room there
 *
 * Only the canonical form is taken: no padding, no stray bits at the end.
 *
 * Return: how many bytes, or -1 if @text is not base64url or is too long.
 */
ssize_t b64url_decode(const struct pl *text, uint8_t *data, size_t max);

#endif
