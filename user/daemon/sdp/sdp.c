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

/* "o=- 1 1 IN IP4 192.0.2.1": the address is of use only if its family changes. */
static void origin_decode(struct sdp *sdp, const struct pl *line)
{
	struct pl rest = *line;
	struct pl username, word, type;
	unsigned int i;

	pl_advance(&rest, 2);
	if (!sdp_word_next(&rest, &username))
		return;
	for (i = 0; i < 3; i++) {
		if (!sdp_word_next(&rest, &word))
			return;
	}
	if (!sdp_word_next(&rest, &type) || !sdp_word_next(&rest, &word))
		return;

	sdp->username = username;
	sdp->origin.p = type.p;
	sdp->origin.l = (size_t)(word.p + word.l - type.p);
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
		sdp_attr_take(sdp, media, line);
		break;
	case 'b':
		if (media)
			sdp_bandwidth_take(media, line);
		break;
	case 'o':
		if (!pl_isset(&sdp->origin))
			origin_decode(sdp, line);
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

	sdp_groups_resolve(sdp);
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
 * sdp_media_is_null() - whether a media line has no address on purpose
 * @sdp: the SDP
 * @index: which media line
 *
 * The null address is the hold of RFC 2543 (RFC 3264 section 8.4). With ICE and
 * port 9 it says that candidates come later (RFC 8840 section 4.1.1), which is
 * no hold.
 */
bool sdp_media_is_null(const struct sdp *sdp, unsigned int index)
{
	const struct sdp_media *media = &sdp->media[index];

	return sdp_conn_is_null(sdp_media_conn(sdp, index)) &&
	       !(media->port == 9 && (media->ice || sdp->ice));
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

	return sdp_media_is_null(sdp, index) ||
	       (direction != SDP_DIRECTION_UNSET && direction != SDP_DIRECTION_SENDRECV);
}
