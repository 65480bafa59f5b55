// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Framing. Content-Length is what tells where a message ends, so there has to
 * be one, and but one: whoever disagrees with the next hop about it can hide a
 * message in a body.
 */
#include "sip/frame.h"

#include <string.h>

#include "sip/message.h"

/* The length of the headers with the empty line behind them, 0 if that has not come. */
static size_t headers_len(const struct pl *stream)
{
	const char *end = memmem(stream->p, stream->l, "\r\n\r\n", 4);

	return end ? (size_t)(end - stream->p) + 4 : 0;
}

static bool line_value(const struct pl *line, struct pl *value)
{
	const char *colon = memchr(line->p, ':', line->l);
	struct pl name;

	/* a line that goes on the one before has no name */
	if (!colon || *line->p == ' ' || *line->p == '\t')
		return false;

	name = msg_trim((struct pl){ line->p, (size_t)(colon - line->p) });
	if (pl_strcasecmp(&name, "Content-Length") && pl_strcasecmp(&name, "l"))
		return false;

	value->p = colon + 1;
	value->l = (size_t)(line->p + line->l - value->p);
	*value = msg_trim(*value);
	return true;
}

/* The value of Content-Length; false if there is not exactly one that is a number. */
static bool content_length(const struct pl *headers, uint32_t max, uint32_t *len)
{
	const char *p = headers->p, *end = headers->p + headers->l, *lf;
	unsigned int found = 0;
	struct pl line, value;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (!lf)
			break;
		line = (struct pl){ p, (size_t)(lf - p) };
		if (!line_value(&line, &value))
			continue;
		/* a folded value would be read without its second half */
		if (found++ || lf[1] == ' ' || lf[1] == '\t' || msg_number(&value, max, len))
			return false;
	}

	return found == 1;
}

enum frame frame_next(const struct pl *stream, size_t max, size_t *len)
{
	struct pl headers = { stream->p, 0 };
	uint32_t body;

	*len = 0;
	if (!stream->l || (stream->l < 4 && !memcmp(stream->p, "\r\n\r", stream->l)))
		return FRAME_IDLE;
	if (stream->p[0] == '\r' || stream->p[0] == '\n') {
		*len = stream->l >= 4 && !memcmp(stream->p, "\r\n\r\n", 4) ? 4 : 1;
		return *len == 4 ? FRAME_KEEPALIVE : FRAME_SKIP;
	}

	headers.l = headers_len(stream);
	if (!headers.l)
		return stream->l > max ? FRAME_BAD : FRAME_MORE;
	if (headers.l > max || !content_length(&headers, (uint32_t)(max - headers.l), &body))
		return FRAME_BAD;
	if (stream->l < headers.l + body)
		return FRAME_MORE;

	*len = headers.l + body;
	return FRAME_MESSAGE;
}
