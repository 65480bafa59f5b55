/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDP (RFC 4566) as a relay sees it: spans into the body, never a model that
 * is printed again. What is not about addresses leaves as it came.
 */
#ifndef NATTRAVD_SDP_H
#define NATTRAVD_SDP_H

#include <re.h>
#include <linux/nattrav.h>

#define SDP_BODY_MAX  16384
#define SDP_LINE_MAX  1024
#define SDP_MEDIA_MAX 8
/* A browser's video line has some 150; they are not kept, so that this costs nothing. */
#define SDP_ATTRS_MAX 256
#define SDP_GROUP_MAX 4

/* What a side is ready to do with a stream (RFC 4566 section 6). */
enum sdp_direction {
	SDP_DIRECTION_UNSET,
	SDP_DIRECTION_SENDRECV,
	SDP_DIRECTION_SENDONLY,
	SDP_DIRECTION_RECVONLY,
	SDP_DIRECTION_INACTIVE,
};

/**
 * enum sdp_kind - what a media line is to a relay
 * @SDP_KIND_NONE: nothing that a relay of UDP can carry
 * @SDP_KIND_RTP: RTP from one source at a time, with RTCP
 * @SDP_KIND_MIXED: RTP with RTCP whose packets tell a relay less: DTLS comes
 *	first (RFC 5764), or several sources or media share a port (RFC 9143)
 * @SDP_KIND_UDP: anything else in UDP
 */
enum sdp_kind {
	SDP_KIND_NONE,
	SDP_KIND_RTP,
	SDP_KIND_MIXED,
	SDP_KIND_UDP,
};

/**
 * struct sdp_conn - a connection line (RFC 4566 section 5.7)
 * @value: "IP4 192.0.2.1", what an edit replaces; unset if there is no line
 * @addr: the address in it: IPv4, IPv6 or a name
 */
struct sdp_conn {
	struct pl value;
	struct pl addr;
};

/**
 * struct sdp_media - a media line with what belongs to it (section 5.14)
 * @type: "audio"
 * @transport: "49170" or "49170/2", what an edit replaces
 * @port: the port in it; 0 if the stream is refused or off
 * @ports: how many ports (pairs) it asks for
 * @proto: "RTP/AVP"
 * @formats: "0 8 101"
 * @conn: its own connection line
 * @direction: its own direction attribute
 * @mid: its identification tag (RFC 5888)
 * @group: number of the BUNDLE group that it is in, from 1; 0 for none
 * @rank: its place in that group
 * @rtcp_mux: RTCP may come to the port of RTP (RFC 5761)
 * @rtcp_mux_only: and must (RFC 8858)
 * @rtcp: it says where RTCP goes (RFC 3605)
 * @ice: it takes part in ICE (RFC 8839)
 * @dtls: its keys come by DTLS: it has a fingerprint (RFC 8122)
 * @sources: it may come from several SSRCs at once
 * @ssrc: the SSRC named last, to tell one from several
 * @bandwidth: in kbit/s, 0 if not told
 * @clock: RTP clock of its first format in Hz, 0 if not told
 */
struct sdp_media {
	struct pl type;
	struct pl transport;
	uint16_t port;
	uint32_t ports;
	struct pl proto;
	struct pl formats;
	struct sdp_conn conn;
	enum sdp_direction direction;
	struct pl mid;
	unsigned int group;
	unsigned int rank;
	bool rtcp_mux;
	bool rtcp_mux_only;
	bool rtcp;
	bool ice;
	bool dtls;
	bool sources;
	struct pl ssrc;
	uint32_t bandwidth;
	uint32_t clock;
};

/**
 * struct sdp - a parsed body; holds pointers into it
 * @body: the body
 * @origin: "IP4 192.0.2.1" of the origin line; unset if it cannot be read
 * @username: the user name in it; unset together with @origin
 * @conn: the connection line of the session
 * @direction: the direction attribute of the session
 * @ice: the session takes part in ICE
 * @dtls: the session has a fingerprint
 * @groups: BUNDLE groups: the tags
 * @group_count: how many
 * @media: its media lines, in order
 * @media_count: how many
 */
struct sdp {
	struct pl body;
	struct pl origin;
	struct pl username;
	struct sdp_conn conn;
	enum sdp_direction direction;
	bool ice;
	bool dtls;
	struct pl groups[SDP_GROUP_MAX];
	unsigned int group_count;
	struct sdp_media media[SDP_MEDIA_MAX];
	unsigned int media_count;
};

/**
 * struct sdp_relay - what an edit puts into a media line
 * @relayed: whether the line is edited at all
 * @local: relay address and port that the receiver of the SDP shall send to
 * @rtcp: where its RTCP goes; if unset, to the port after that of @local
 */
struct sdp_relay {
	bool relayed;
	struct sa local;
	struct sa rtcp;
};

int sdp_parse(struct sdp *sdp, const struct pl *body, const char **reason);
const struct sdp_conn *sdp_media_conn(const struct sdp *sdp, unsigned int index);
bool sdp_media_is_null(const struct sdp *sdp, unsigned int index);
bool sdp_media_on_hold(const struct sdp *sdp, unsigned int index);

/* kind.c: what the media lines are to a relay. */
void sdp_groups_resolve(struct sdp *sdp);
unsigned int sdp_media_carrier(const struct sdp *sdp, unsigned int index);
enum sdp_kind sdp_media_kind(const struct sdp *sdp, unsigned int index);
const char *sdp_media_obstacle(const struct sdp_media *media);
void sdp_payload_types(const struct sdp_media *media, uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN]);

/* What sdp_edit() changes beside the addresses of relayed streams. */
#define SDP_EDIT_ORIGIN   (1u << 0) /* the address of the origin line */
#define SDP_EDIT_USERNAME (1u << 1) /* the user name in it */
#define SDP_EDIT_NAME     (1u << 2) /* the session name */
#define SDP_EDIT_NULL     (1u << 3) /* the null address of a hold */
#define SDP_EDIT_NO_MUX   (1u << 4) /* RTCP is not to share the port of RTP */

int sdp_edit(const struct sdp *sdp, const struct sdp_relay relays[SDP_MEDIA_MAX], unsigned int what,
	     struct mbuf **out);

/* line.c: lines and words. */
bool sdp_line_next(struct pl *rest, struct pl *line, struct pl *eol);
bool sdp_word_next(struct pl *rest, struct pl *word);
bool sdp_conn_decode(struct sdp_conn *conn, const struct pl *line);
bool sdp_conn_is_null(const struct sdp_conn *conn);
bool sdp_attr_value(const struct pl *line, const char *name, struct pl *value);
bool sdp_number_decode(const struct pl *text, uint32_t max, uint32_t *number);

/* attr.c: attributes that a relay looks at. */
bool sdp_attr_is_ice(const struct pl *line);
void sdp_attr_take(struct sdp *sdp, struct sdp_media *media, const struct pl *line);
void sdp_bandwidth_take(struct sdp_media *media, const struct pl *line);

#endif
