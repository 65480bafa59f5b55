// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads an SDP into spans. Only the lines that a relay must know are looked
 * at; everything else may be whatever it is, since a call must not fail for an
 * attribute that is none of our business.
 */
#include <errno.h>
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

static bool media_decode(struct sdp_media *media, const struct pl *line)
{
	struct pl rest = *line;
	struct pl port, ports;
	const char *slash;
	uint32_t number;

	memset(media, 0, sizeof(*media));

	pl_advance(&rest, 2);
	if (!sdp_word_next(&rest, &media->type) || !sdp_word_next(&rest, &media->transport) ||
	    !sdp_word_next(&rest, &media->proto) || !sdp_word_next(&rest, &media->formats))
		return false;

	media->formats.l = (size_t)(line->p + line->l - media->formats.p);

	port = media->transport;
	media->ports = 1;
	slash = pl_strchr(&port, '/');
	if (slash) {
		ports.p = slash + 1;
		ports.l = (size_t)(port.p + port.l - ports.p);
		port.l = (size_t)(slash - port.p);
		if (!sdp_number_decode(&ports, UINT16_MAX, &media->ports) || !media->ports)
			return false;
	}

	if (!sdp_number_decode(&port, UINT16_MAX, &number))
		return false;

	media->port = (uint16_t)number;
	return true;
}

static void direction_decode(enum sdp_direction *direction, const struct pl *line)
{
	static const struct {
		const char *name;
		enum sdp_direction direction;
	} names[] = {
		{ "sendrecv", SDP_DIRECTION_SENDRECV },
		{ "sendonly", SDP_DIRECTION_SENDONLY },
		{ "recvonly", SDP_DIRECTION_RECVONLY },
		{ "inactive", SDP_DIRECTION_INACTIVE },
	};
	struct pl value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (sdp_attr_value(line, names[i].name, &value) && !value.l)
			*direction = names[i].direction;
	}
}

/* Takes a line in; a reason to refuse the whole body if that cannot be done. */
static const char *line_parse(struct sdp *sdp, const struct pl *line, unsigned int *attrs)
{
	struct sdp_media *media = sdp->media_count ? &sdp->media[sdp->media_count - 1] : NULL;
	struct sdp_conn *conn = media ? &media->conn : &sdp->conn;
	struct sdp_conn more;

	if (line->l > SDP_LINE_MAX)
		return "SDP Line Too Long";

	/* Other parsers may take these for the end of a line or of the text. */
	if (memchr(line->p, '\r', line->l) || memchr(line->p, '\0', line->l))
		return "Malformed SDP";

	if (line->l < 2 || line->p[1] != '=')
		return NULL;

	switch (line->p[0]) {
	case 'm':
		if (sdp->media_count == SDP_MEDIA_MAX)
			return "Too Many Media Lines In SDP";
		if (!media_decode(&sdp->media[sdp->media_count], line))
			return "Malformed Media Line In SDP";
		sdp->media_count++;
		*attrs = 0;
		break;
	case 'c':
		/* Several are for layered multicast; the first one governs. */
		if (!sdp_conn_decode(pl_isset(&conn->value) ? &more : conn, line))
			return "Malformed Connection Line In SDP";
		break;
	case 'a':
		if (++*attrs > SDP_ATTRS_MAX)
			return "Too Many Attributes In SDP";
		direction_decode(media ? &media->direction : &sdp->direction, line);
		break;
	default:
		break;
	}

	return NULL;
}

/**
 * sdp_parse() - read an SDP
 * @sdp: what is found; points into @body
 * @body: the SDP
 * @reason: set to a SIP reason phrase on failure
 *
 * Return: 0, or EBADMSG if @body is no SDP, has no media line, or exceeds one
 * of the SDP_*_MAX.
 */
int sdp_parse(struct sdp *sdp, const struct pl *body, const char **reason)
{
	struct pl rest = *body;
	unsigned int attrs = 0;
	struct pl line, eol;
	bool first = true;

	memset(sdp, 0, sizeof(*sdp));
	sdp->body = *body;

	if (body->l > SDP_BODY_MAX) {
		*reason = "SDP Too Large";
		return EBADMSG;
	}

	while (sdp_line_next(&rest, &line, &eol)) {
		if (first && pl_strcmp(&line, "v=0")) {
			*reason = "Malformed SDP";
			return EBADMSG;
		}
		first = false;

		*reason = line_parse(sdp, &line, &attrs);
		if (*reason)
			return EBADMSG;
	}

	if (!sdp->media_count) {
		*reason = first ? "Malformed SDP" : "No Media Line In SDP";
		return EBADMSG;
	}

	return 0;
}

/**
 * sdp_media_conn() - the connection line that governs a media line
 * @sdp: the SDP
 * @index: which media line
 *
 * Return: its own one, else that of the session, which may be unset.
 */
const struct sdp_conn *sdp_media_conn(const struct sdp *sdp, unsigned int index)
{
	const struct sdp_conn *own = &sdp->media[index].conn;

	return pl_isset(&own->value) ? own : &sdp->conn;
}

/**
 * sdp_conn_on_hold() - the hold of RFC 2543
 * @conn: a connection line
 *
 * Return: whether it names the null address (RFC 3264 section 8.4).
 */
bool sdp_conn_on_hold(const struct sdp_conn *conn)
{
	return !pl_strcmp(&conn->addr, "0.0.0.0") || !pl_strcmp(&conn->addr, "::");
}

/**
 * sdp_media_on_hold() - whether one of the directions is silent on purpose
 * @sdp: the SDP
 * @index: which media line
 */
bool sdp_media_on_hold(const struct sdp *sdp, unsigned int index)
{
	enum sdp_direction direction = sdp->media[index].direction;

	if (direction == SDP_DIRECTION_UNSET)
		direction = sdp->direction;

	return sdp_conn_on_hold(sdp_media_conn(sdp, index)) ||
	       (direction != SDP_DIRECTION_UNSET && direction != SDP_DIRECTION_SENDRECV);
}

/**
 * sdp_media_obstacle() - why a media line cannot be relayed
 * @media: the media line, with a port
 *
 * Return: what stands against it, for the log, or NULL if nothing does.
 */
const char *sdp_media_obstacle(const struct sdp_media *media)
{
	static const char *const relayed[] = { "RTP/AVP", "RTP/SAVP", "RTP/AVPF", "RTP/SAVPF" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(relayed); i++) {
		if (!pl_strcasecmp(&media->proto, relayed[i]))
			break;
	}

	if (i == ARRAY_SIZE(relayed))
		return "its transport is not relayed yet";
	if (media->ports > 1)
		return "it asks for several ports";

	return NULL;
}

/**
 * sdp_payload_types() - add the payload types of a media line to a mask
 * @media: the media line
 * @mask: bit (n % 8) of byte (n / 8) is payload type n
 */
void sdp_payload_types(const struct sdp_media *media, uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN])
{
	struct pl rest = media->formats;
	struct pl word;
	uint32_t type;

	while (sdp_word_next(&rest, &word)) {
		if (sdp_number_decode(&word, 127, &type))
			mask[type / 8] |= (uint8_t)(1u << type % 8);
	}
}
