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
#define SDP_ATTRS_MAX 64

/* What a side is ready to do with a stream (RFC 4566 section 6). */
enum sdp_direction {
	SDP_DIRECTION_UNSET,
	SDP_DIRECTION_SENDRECV,
	SDP_DIRECTION_SENDONLY,
	SDP_DIRECTION_RECVONLY,
	SDP_DIRECTION_INACTIVE,
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
};

/**
 * struct sdp - a parsed body; holds pointers into it
 * @body: the body
 * @conn: the connection line of the session
 * @direction: the direction attribute of the session
 * @media: its media lines, in order
 * @media_count: how many
 */
struct sdp {
	struct pl body;
	struct sdp_conn conn;
	enum sdp_direction direction;
	struct sdp_media media[SDP_MEDIA_MAX];
	unsigned int media_count;
};

/**
 * struct sdp_relay - what an edit puts into a media line
 * @relayed: whether the line is edited at all
 * @local: relay address and port that the receiver of the SDP shall send to;
 *	its RTCP goes to the next port
 */
struct sdp_relay {
	bool relayed;
	struct sa local;
};

int sdp_parse(struct sdp *sdp, const struct pl *body, const char **reason);
const struct sdp_conn *sdp_media_conn(const struct sdp *sdp, unsigned int index);
bool sdp_conn_on_hold(const struct sdp_conn *conn);
bool sdp_media_on_hold(const struct sdp *sdp, unsigned int index);
const char *sdp_media_obstacle(const struct sdp_media *media);
void sdp_payload_types(const struct sdp_media *media, uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN]);

int sdp_edit(const struct sdp *sdp, const struct sdp_relay relays[SDP_MEDIA_MAX],
	     struct mbuf **out);

/* For the two halves, sdp.c and edit.c. */
bool sdp_line_next(struct pl *rest, struct pl *line, struct pl *eol);
bool sdp_word_next(struct pl *rest, struct pl *word);
bool sdp_conn_decode(struct sdp_conn *conn, const struct pl *line);
bool sdp_attr_value(const struct pl *line, const char *name, struct pl *value);
bool sdp_number_decode(const struct pl *text, uint32_t max, uint32_t *number);

#endif
