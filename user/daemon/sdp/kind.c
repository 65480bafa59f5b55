// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the media lines of an SDP are to a relay: how they are carried, and
 * which of them share a port.
 */
#include <re.h>
#include <string.h>

#include "sdp/sdp.h"

static bool proto_begins(const struct sdp_media *media, const char *start)
{
	const struct pl head = { media->proto.p, strlen(start) };

	return media->proto.l > head.l && !pl_strcasecmp(&head, start);
}

static bool proto_is_rtp(const struct sdp_media *media)
{
	return proto_begins(media, "RTP/") || proto_begins(media, "UDP/TLS/RTP/");
}

static bool proto_is_udp(const struct sdp_media *media)
{
	/* the last is how data channels were spelled before RFC 8841 */
	static const char *const names[] = { "udp", "udptl", "DTLS/SCTP" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!pl_strcasecmp(&media->proto, names[i]))
			return true;
	}

	return proto_begins(media, "UDP/");
}

/**
 * sdp_media_obstacle() - why a media line cannot be relayed
 * @media: the media line, with a port
 *
 * Return: what stands against it, for the log, or NULL if nothing does.
 */
const char *sdp_media_obstacle(const struct sdp_media *media)
{
	if (!proto_is_rtp(media) && !proto_is_udp(media))
		return "its transport is not UDP";
	if (media->ports > 1)
		return "it asks for several ports";

	return NULL;
}

/**
 * sdp_media_kind() - what a media line is to a relay
 * @sdp: the SDP
 * @index: which media line
 */
enum sdp_kind sdp_media_kind(const struct sdp *sdp, unsigned int index)
{
	const struct sdp_media *media = &sdp->media[index];

	if (sdp_media_obstacle(media))
		return SDP_KIND_NONE;
	if (!proto_is_rtp(media))
		return SDP_KIND_UDP;

	return media->dtls || sdp->dtls || media->group || media->sources ||
			       proto_begins(media, "UDP/TLS/") ?
		       SDP_KIND_MIXED :
		       SDP_KIND_RTP;
}

static void group_resolve(struct sdp *sdp, unsigned int group)
{
	struct pl rest = sdp->groups[group];
	unsigned int rank = 0;
	struct pl mid;
	unsigned int i;

	while (sdp_word_next(&rest, &mid)) {
		for (i = 0; i < sdp->media_count; i++) {
			struct sdp_media *media = &sdp->media[i];

			if (media->group || pl_cmp(&media->mid, &mid))
				continue;
			media->group = group + 1;
			media->rank = rank++;
			break;
		}
	}
}

/**
 * sdp_groups_resolve() - find the media lines that BUNDLE groups name
 * @sdp: the SDP, all of its lines read
 */
void sdp_groups_resolve(struct sdp *sdp)
{
	unsigned int i;

	for (i = 0; i < sdp->group_count; i++)
		group_resolve(sdp, i);
}

/**
 * sdp_media_carrier() - the media line whose port carries a media line
 * @sdp: the SDP
 * @index: the media line, with a port
 *
 * Lines of a BUNDLE group that name the same address and port share them. The
 * first of these in the group is the one that the other side sends to (RFC 9143
 * section 7.3); in a first offer each line still has a port of its own.
 *
 * Return: its index; @index itself if the line shares nothing.
 */
unsigned int sdp_media_carrier(const struct sdp *sdp, unsigned int index)
{
	const struct sdp_media *media = &sdp->media[index];
	unsigned int carrier = index;
	unsigned int i;

	for (i = 0; media->group && i < sdp->media_count; i++) {
		const struct sdp_media *other = &sdp->media[i];

		if (other->group == media->group && other->port == media->port &&
		    other->rank < sdp->media[carrier].rank && !sdp_media_obstacle(other) &&
		    !pl_cmp(&sdp_media_conn(sdp, i)->addr, &sdp_media_conn(sdp, index)->addr))
			carrier = i;
	}

	return carrier;
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
