// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bodies of one part and of several (RFC 2046 section 5.1, RFC 5621).
 */
#include "sip/body.h"

#include <string.h>

#include "sip/message.h"

/* Signed or encrypted: a change would break it, or there is nothing to see. */
static bool is_sealed(const struct msg_ctype *type)
{
	static const struct {
		const char *type;
		const char *subtype;
	} sealed[] = {
		{ "multipart", "signed" },
		{ "multipart", "encrypted" },
		{ "application", "pkcs7-mime" },
		{ "application", "x-pkcs7-mime" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sealed); i++) {
		if (msg_ctype_cmp(type, sealed[i].type, sealed[i].subtype))
			return true;
	}

	return false;
}

static bool line_next(struct pl *rest, struct pl *line)
{
	const char *lf;

	if (!rest->l)
		return false;

	line->p = rest->p;
	lf = memchr(rest->p, '\n', rest->l);
	line->l = lf ? (size_t)(lf - rest->p) + 1 : rest->l;
	pl_advance(rest, (ssize_t)line->l);
	return true;
}

/* "--boundary", perhaps with white space behind it; @last for "--boundary--". */
static bool is_delimiter(const struct pl *line, const struct pl *boundary, bool *last)
{
	struct pl text = msg_trim(*line);

	if (text.l < boundary->l + 2 || memcmp(text.p, "--", 2) ||
	    memcmp(text.p + 2, boundary->p, boundary->l))
		return false;

	pl_advance(&text, (ssize_t)(boundary->l + 2));
	*last = !pl_strcmp(&text, "--");
	return !text.l || *last;
}

/* The line end before a delimiter belongs to the delimiter. */
static struct pl part_end(const char *start, const char *end)
{
	if (end > start && end[-1] == '\n')
		end--;
	if (end > start && end[-1] == '\r')
		end--;
	return (struct pl){ start, (size_t)(end - start) };
}

static bool header_is(const struct pl *line, const char *name, struct pl *value)
{
	const char *colon = pl_strchr(line, ':');
	struct pl got = { line->p, colon ? (size_t)(colon - line->p) : 0 };

	got = msg_trim(got);
	if (!colon || pl_strcasecmp(&got, name) != 0)
		return false;

	value->p = colon + 1;
	value->l = (size_t)(line->p + line->l - value->p);
	*value = msg_trim(*value);
	return true;
}

/* 0 if the part is SDP, and @part then is what follows its headers. */
static int part_check(struct pl *part)
{
	struct msg_ctype type;
	bool plain = true;
	int err = ENOENT;
	struct pl line, value;

	while (line_next(part, &line)) {
		if (!msg_trim(line).l)
			break;
		if (header_is(&line, "Content-Type", &value)) {
			if (!msg_ctype_decode(&type, &value) &&
			    msg_ctype_cmp(&type, "application", "sdp"))
				err = 0;
		} else if (header_is(&line, "Content-Transfer-Encoding", &value)) {
			plain = plain &&
				(!pl_strcasecmp(&value, "binary") ||
				 !pl_strcasecmp(&value, "7bit") || !pl_strcasecmp(&value, "8bit"));
		} else if (header_is(&line, "Content-Encoding", &value)) {
			plain = false;
		}
	}

	return err || plain ? err : ENOTSUP;
}

static int parts_find_sdp(const struct pl *body, const struct pl *boundary, struct pl *sdp)
{
	const char *start = NULL;
	struct pl rest = *body;
	bool last = false;
	struct pl line;
	int err;

	while (!last && line_next(&rest, &line)) {
		if (!is_delimiter(&line, boundary, &last))
			continue;
		if (start) {
			*sdp = part_end(start, line.p);
			err = part_check(sdp);
			if (err != ENOENT)
				return err;
		}
		start = rest.p;
	}

	return ENOENT;
}

int body_find_sdp(const struct sip_msg *msg, struct pl *sdp)
{
	const struct pl body = msg_body(msg);
	struct pl boundary;
	int err;

	if (!body.l)
		return ENOENT;
	if (is_sealed(&msg->ctyp))
		return ENOTSUP;

	if (msg_ctype_cmp(&msg->ctyp, "application", "sdp")) {
		*sdp = body;
		err = 0;
	} else if (!pl_strcasecmp(&msg->ctyp.type, "multipart") &&
		   msg_param(&msg->ctyp.params, "boundary", &boundary) && boundary.l) {
		err = parts_find_sdp(&body, &boundary, sdp);
	} else {
		err = ENOENT;
	}

	/* what is packed as a whole cannot be edited */
	return !err && sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING) ? ENOTSUP : err;
}
