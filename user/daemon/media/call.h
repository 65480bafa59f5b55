/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the media side remembers of a call. The kernel holds the truth about
 * streams; this is what it takes to follow offers and answers.
 */
#ifndef NATTRAVD_CALL_H
#define NATTRAVD_CALL_H

#include <re.h>
#include <nattrav.h>

#include "config.h"
#include "media/media.h"
#include "sdp/sdp.h"

/**
 * struct call_leg - one side of a stream
 * @local: relay address and port that the side sends to
 * @peer: its public address and port, once its first packet told them
 * @sdp_addr: the address that its SDP named last, NULL if not known
 * @sdp_port: the port that goes with it
 * @sdp_sa: @sdp_addr with @sdp_port if that is an address, else unset
 * @payload_types: payload types that its SDP listed last
 * @bandwidth: what it wants to hear at most, in kbit/s, 0 if not told
 * @clock: its RTP clock in Hz, 0 if not told
 * @generation: grows whenever the side moves
 * @held: it asked for silence in one of the directions
 * @off: its last SDP has nothing for the stream: port 0, another kind of media,
 *	or a port that is shared with another stream
 */
struct call_leg {
	struct sa local;
	struct sa peer;
	char *sdp_addr;
	uint16_t sdp_port;
	struct sa sdp_sa;
	uint8_t payload_types[NATTRAV_PAYLOAD_TYPES_LEN];
	uint32_t bandwidth;
	uint32_t clock;
	uint32_t generation;
	bool held;
	bool off;
};

/**
 * struct call_stream - the stream of a media line, with its RTCP
 * @le: element of call.streams
 * @id: given by the kernel, 0 while it is not installed
 * @rtcp: id of the RTCP stream, 0 if there is none
 * @index: index of the media line
 * @kind: what it is to the relay; a media line that becomes another kind gets
 *	another stream
 * @type: "audio", NULL if not known
 * @protocol: "RTP/AVP", cut if it is longer
 * @leg: indexed by NATTRAV_SIDE_A, NATTRAV_SIDE_B
 * @rtcp_local: SDP_KIND_MIXED: where the sides send RTCP to, by side
 * @mux: both sides agreed to have RTCP on the port of RTP
 * @mux_only: one of them wants nothing else
 * @fresh: made for an offer that nobody has answered yet
 * @seen: it came up in the dump that is running
 */
struct call_stream {
	struct le le;
	uint32_t id;
	uint32_t rtcp;
	unsigned int index;
	enum sdp_kind kind;
	char *type;
	char protocol[24];
	struct call_leg leg[2];
	struct sa rtcp_local[2];
	bool mux;
	bool mux_only;
	bool fresh;
	bool seen;
};

/**
 * struct stream_cookie - what the kernel keeps for us with a stream
 * @index: index of the media line
 * @kind: what it is to the relay
 * @rtcp: it is for the RTCP of a SDP_KIND_MIXED
 */
struct stream_cookie {
	unsigned int index;
	enum sdp_kind kind;
	bool rtcp;
};

/**
 * struct call_side - what is known of a side as a whole
 * @source: address that its signalling comes from
 * @heard: an SDP of it has passed, so that @source is more than a guess
 * @realm: where its relay addresses come from
 * @policy: who may become its peer
 * @sources: the same, as asked for
 * @rebind: it may be followed to another address, as asked for
 * @sdp_key: hash of the last one
 * @sdp_answer: and whether it was an answer
 */
struct call_side {
	struct sa source;
	bool heard;
	char realm[NATTRAV_REALM_LEN + 1];
	enum config_policy policy;
	enum media_source sources;
	bool rebind;
	uint32_t sdp_key;
	bool sdp_answer;
};

/**
 * struct call - a call
 * @le: element of the table of calls
 * @name: its name in the kernel, see media_call_name()
 * @streams: list of struct call_stream
 * @side: indexed by NATTRAV_SIDE_A, NATTRAV_SIDE_B
 * @media: the media side, once the call has ended
 * @report: what its streams were like
 * @wait: ends the wait for the last of them
 * @offered: an offer waits for its first answer
 * @offerer: who made the last offer
 * @dscp: code point of what is sent, as asked for
 * @dscp_given: it was asked for
 * @idle: seconds of silence that end a stream, 0 for the usual
 */
struct call {
	struct le le;
	char *name;
	struct list streams;
	struct call_side side[2];
	struct media *media;
	struct media_report report;
	struct tmr wait;
	bool offered;
	enum nattrav_side offerer;
	uint8_t dscp;
	bool dscp_given;
	uint32_t idle;
};

int call_alloc(struct call **callp, struct hash *calls, const char *name);
struct call *call_find(const struct hash *calls, const char *name);
bool call_take_sdp(struct call *call, enum nattrav_side from, const struct pl *body,
		   enum media_role role);
bool call_take_source(struct call *call, const struct media_sdp *sdp);
void call_take_options(struct call *call, const struct media_sdp *sdp);
void call_take_realms(struct call *call, const struct config *config, const struct media_sdp *sdp);

int stream_alloc(struct call_stream **streamp, struct call *call, unsigned int index,
		 enum sdp_kind kind);
bool stream_wants_rtcp(const struct call_stream *stream);
struct call_stream *stream_by_index(const struct call *call, unsigned int index,
				    enum sdp_kind kind);
struct call_stream *stream_by_id(const struct call *call, uint32_t id);

/* leg.c: what a side's SDP means for its leg, and what the kernel is told. */
int leg_take_sdp(struct call_stream *stream, enum nattrav_side from, const struct sdp *sdp,
		 bool *moved);
void stream_describe_new(struct nattrav_stream *out, const struct call *call,
			 const struct call_stream *stream, bool rtcp);
void stream_describe_set(struct nattrav_stream *out, const struct call *call,
			 const struct call_stream *stream, bool rtcp);
bool stream_cookie_decode(struct stream_cookie *cookie, const struct nattrav_stream *stream);
int leg_print_prefixes(struct re_printf *pf, const struct nattrav_leg *leg);
void endpoint_from_sa(struct nattrav_endpoint *endpoint, const struct sa *sa);

#endif
