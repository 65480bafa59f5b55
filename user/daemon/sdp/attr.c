// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The attributes and bandwidth lines that a relay looks at. One that is not
 * spelled as it should be says nothing; it is no reason to refuse anything.
 */
#include <re.h>
#include <string.h>

#include "sdp/sdp.h"

/**
 * sdp_attr_is_ice() - whether a line belongs to ICE
 * @line: the line
 *
 * RFC 8839: with these gone both sides use the default address, the relay's. A
 * candidate that we left in would lead around the relay and into the NAT.
 */
bool sdp_attr_is_ice(const struct pl *line)
{
	static const char *const names[] = {
		"candidate",   "remote-candidates", "end-of-candidates", "ice-ufrag",    "ice-pwd",
		"ice-options", "ice-lite",          "ice-pacing",        "ice-mismatch",
	};
	struct pl value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (sdp_attr_value(line, names[i], &value))
			return true;
	}

	return false;
}

static void direction_take(enum sdp_direction *direction, const struct pl *line)
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

/* RFC 9143 section 7: "a=group:BUNDLE audio video". */
static void group_take(struct sdp *sdp, const struct pl *value)
{
	struct pl rest = *value;
	struct pl word;

	if (sdp->group_count == SDP_GROUP_MAX || !sdp_word_next(&rest, &word) ||
	    pl_strcmp(&word, "BUNDLE"))
		return;

	sdp->groups[sdp->group_count++] = rest;
}

/* RFC 5576: "a=ssrc:12345 cname:x". A second source is what matters. */
static void ssrc_take(struct sdp_media *media, const struct pl *value)
{
	struct pl rest = *value;
	struct pl word;

	if (!sdp_word_next(&rest, &word))
		return;

	if (pl_isset(&media->ssrc) && pl_cmp(&media->ssrc, &word))
		media->sources = true;
	media->ssrc = word;
}

/* "a=rtpmap:96 VP8/90000": the clock of the first format, and retransmissions. */
static void rtpmap_take(struct sdp_media *media, const struct pl *value)
{
	struct pl formats = media->formats;
	struct pl rest = *value;
	struct pl type, name, first;
	const char *slash;
	uint32_t clock;
	struct pl text;

	if (!sdp_word_next(&rest, &type) || !sdp_word_next(&rest, &name))
		return;

	slash = pl_strchr(&name, '/');
	if (!slash)
		return;

	text.p = slash + 1;
	text.l = (size_t)(name.p + name.l - text.p);
	name.l = (size_t)(slash - name.p);
	/* what follows a second slash is the number of channels */
	slash = pl_strchr(&text, '/');
	if (slash)
		text.l = (size_t)(slash - text.p);

	/* RFC 4588: they come from an SSRC of their own */
	if (!pl_strcasecmp(&name, "rtx"))
		media->sources = true;

	if (sdp_word_next(&formats, &first) && !pl_cmp(&first, &type) &&
	    sdp_number_decode(&text, 1000000, &clock))
		media->clock = clock;
}

/**
 * sdp_attr_take() - take in an attribute
 * @sdp: the SDP
 * @media: the media line that it belongs to, NULL before the first
 * @line: the line
 */
void sdp_attr_take(struct sdp *sdp, struct sdp_media *media, const struct pl *line)
{
	struct pl value;

	direction_take(media ? &media->direction : &sdp->direction, line);
	if (sdp_attr_is_ice(line))
		*(media ? &media->ice : &sdp->ice) = true;
	if (sdp_attr_value(line, "fingerprint", &value))
		*(media ? &media->dtls : &sdp->dtls) = true;

	if (!media) {
		if (sdp_attr_value(line, "group", &value))
			group_take(sdp, &value);
		return;
	}

	if (sdp_attr_value(line, "mid", &value))
		media->mid = value;
	else if (sdp_attr_value(line, "rtcp-mux", &value))
		media->rtcp_mux = true;
	else if (sdp_attr_value(line, "rtcp-mux-only", &value))
		media->rtcp_mux = media->rtcp_mux_only = true;
	else if (sdp_attr_value(line, "rtcp", &value))
		media->rtcp = true;
	else if (sdp_attr_value(line, "ssrc", &value))
		ssrc_take(media, &value);
	else if (sdp_attr_value(line, "rtpmap", &value))
		rtpmap_take(media, &value);
	else if (sdp_attr_value(line, "ssrc-group", &value) ||
		 sdp_attr_value(line, "simulcast", &value))
		media->sources = true;
}

/**
 * sdp_bandwidth_take() - take in a bandwidth line
 * @media: the media line that it belongs to
 * @line: the line, "b=AS:256" in kbit/s, or "b=TIAS:256000" (RFC 3890)
 */
void sdp_bandwidth_take(struct sdp_media *media, const struct pl *line)
{
	static const struct {
		const char *name;
		uint32_t scale;
	} kinds[] = { { "b=AS:", 1 }, { "b=TIAS:", 1000 } };
	struct pl text;
	uint32_t value;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		len = strlen(kinds[i].name);
		if (line->l <= len || memcmp(line->p, kinds[i].name, len))
			continue;
		text.p = line->p + len;
		text.l = line->l - len;
		if (!sdp_number_decode(&text, UINT32_MAX, &value))
			continue;
		value /= kinds[i].scale;
		media->bandwidth = MAX(media->bandwidth, value);
	}
}
