// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words of a configuration line, and what is said about a wrong one.
 */
#include <re.h>
#include <ctype.h>
#include <string.h>

#include "config_parse.h"

/* Leaves "FILE:LINE: message" and returns EINVAL. */
int config_fail(struct parser *parser, const char *fmt, ...)
{
	char *message = NULL;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = re_vsdprintf(&message, fmt, ap);
	va_end(ap);
	if (err)
		return err;

	if (parser->line)
		err = re_sdprintf(parser->error, "%s:%u: %s", parser->path, parser->line, message);
	else
		err = re_sdprintf(parser->error, "%s: %s", parser->path, message);

	mem_deref(message);
	return err ?: EINVAL;
}

/* A decimal number from @min to @max. */
bool config_number(uint32_t *number, const char *text, uint32_t min, uint32_t max)
{
	uint64_t value = 0;
	const char *p;

	for (p = text; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > max)
			return false;
	}

	*number = (uint32_t)value;
	return p != text && value >= min;
}

/*
 * Cuts the next word out of a line, in place. A word may stand in double
 * quotes, in which a backslash keeps the next character as it is. @word is
 * NULL at the end of the line or at a comment.
 */
int config_word_next(struct parser *parser, char **line, char **word)
{
	char *in = *line;
	char *out;

	in += strspn(in, " \t");
	*word = NULL;

	if (!*in || *in == '#') {
		*line = in;
		return 0;
	}

	if (*in != '"') {
		*word = in;
		in += strcspn(in, " \t");
		if (*in)
			*in++ = '\0';
		*line = in;
		return 0;
	}

	*word = ++in;
	for (out = in; *in && *in != '"'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}

	if (*in != '"')
		return config_fail(parser, "a quote is not closed; expected a second \"");

	in++;
	if (*in && *in != ' ' && *in != '\t')
		return config_fail(parser,
				   "text follows a closing quote; expected a space after it");

	*out = '\0';
	*line = in;
	return 0;
}
