// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines of an SDP and the words in them.
 */
#include <re.h>
#include <string.h>

#include "sdp/sdp.h"

/**
 * sdp_line_next() - cut the next line out of a body
 * @rest: what is left of the body
 * @line: set to the line without its end
 * @eol: set to its end: CRLF, LF, or nothing at the end of the body
 *
 * RFC 4566 section 5: lines end in CRLF, and parsers should take LF as well.
 *
 * Return: whether there was a line.
 */
bool sdp_line_next(struct pl *rest, struct pl *line, struct pl *eol)
{
	const char *lf;

	if (!rest->l)
		return false;

	line->p = rest->p;
	lf = memchr(rest->p, '\n', rest->l);
	line->l = lf ? (size_t)(lf - rest->p) : rest->l;
	eol->l = lf ? 1 : 0;

	if (lf && line->l && lf[-1] == '\r') {
		line->l--;
		eol->l++;
	}

	eol->p = line->p + line->l;
	pl_advance(rest, (ssize_t)(line->l + eol->l));
	return true;
}

/**
 * sdp_word_next() - cut the next word out of a line
 * @rest: what is left of the line
 * @word: set to the word
 *
 * The fields of a line stand apart by a single space; more are forgiven.
 *
 * Return: whether there was a word.
 */
bool sdp_word_next(struct pl *rest, struct pl *word)
{
	while (rest->l && *rest->p == ' ')
		pl_advance(rest, 1);

	word->p = rest->p;
	word->l = 0;
	while (rest->l && *rest->p != ' ') {
		pl_advance(rest, 1);
		word->l++;
	}

	return word->l > 0;
}

/**
 * sdp_number_decode() - read a decimal number
 * @text: nothing but its digits
 * @max: greatest number allowed
 * @number: set to it
 *
 * Return: whether @text is such a number.
 */
bool sdp_number_decode(const struct pl *text, uint32_t max, uint32_t *number)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < text->l; i++) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text->p[i] - '0');
		if (value > max)
			return false;
	}

	*number = (uint32_t)value;
	return text->l > 0;
}

/**
 * sdp_attr_value() - tell whether a line is a certain attribute
 * @line: the line
 * @name: name of the attribute
 * @value: set to what follows the colon, empty for a property attribute
 *
 * Names are compared as they are (RFC 4566 section 6: case-sensitive).
 */
bool sdp_attr_value(const struct pl *line, const char *name, struct pl *value)
{
	const size_t len = strlen(name);

	if (line->l < 2 + len || memcmp(line->p, "a=", 2) || memcmp(line->p + 2, name, len))
		return false;

	*value = *line;
	pl_advance(value, (ssize_t)(2 + len));
	if (!value->l)
		return true;
	if (*value->p != ':')
		return false;

	pl_advance(value, 1);
	return true;
}

/**
 * sdp_conn_decode() - read a connection line
 * @conn: set to what is in it
 * @line: the line, "c=IN IP4 192.0.2.1"
 *
 * Return: whether it is one that a gateway of the Internet can read.
 */
bool sdp_conn_decode(struct sdp_conn *conn, const struct pl *line)
{
	struct pl rest = *line;
	struct pl net, type, more;

	pl_advance(&rest, 2);
	if (!sdp_word_next(&rest, &net) || pl_strcmp(&net, "IN") || !sdp_word_next(&rest, &type) ||
	    !sdp_word_next(&rest, &conn->addr) || sdp_word_next(&rest, &more))
		return false;

	conn->value.p = type.p;
	conn->value.l = (size_t)(conn->addr.p + conn->addr.l - type.p);
	return true;
}

/**
 * sdp_conn_is_null() - whether a connection line names the null address
 * @conn: the connection line
 */
bool sdp_conn_is_null(const struct sdp_conn *conn)
{
	return !pl_strcmp(&conn->addr, "0.0.0.0") || !pl_strcmp(&conn->addr, "::");
}
