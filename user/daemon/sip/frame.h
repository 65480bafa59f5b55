/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where messages begin and end in a stream (RFC 3261 section 18.3).
 */
#ifndef NATTRAVD_SIP_FRAME_H
#define NATTRAVD_SIP_FRAME_H

#include <re.h>

/**
 * enum frame - what a stream begins with
 * @FRAME_MORE: nothing that is whole
 * @FRAME_IDLE: nothing, or half a keep-alive: nobody waits for the rest
 * @FRAME_SKIP: a line end that means nothing
 * @FRAME_KEEPALIVE: CRLF CRLF (RFC 5626 section 3.5.1)
 * @FRAME_MESSAGE: a message
 * @FRAME_BAD: something whose end cannot be told, or that is too long
 */
enum frame {
	FRAME_MORE,
	FRAME_IDLE,
	FRAME_SKIP,
	FRAME_KEEPALIVE,
	FRAME_MESSAGE,
	FRAME_BAD,
};

/**
 * frame_next() - look at the beginning of a stream
 * @stream: what came so far and is not dealt with
 * @max: greatest length of a message
 * @len: set to the length of what is whole
 */
enum frame frame_next(const struct pl *stream, size_t max, size_t *len);

#endif
