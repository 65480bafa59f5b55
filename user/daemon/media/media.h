/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The media side of a call: follows offers and answers, keeps the streams of
 * the call in the kernel, and edits the SDP that passes.
 *
 * The SIP side calls it for each message that carries SDP or ends a call; it
 * knows nothing of SIP but the call id. Single-threaded.
 */
#ifndef NATTRAVD_MEDIA_H
#define NATTRAVD_MEDIA_H

#include <re.h>
#include <nattrav.h>

struct config;
struct datapath_ops;
struct media;

static inline enum nattrav_side side_other(enum nattrav_side side)
{
	return side == NATTRAV_SIDE_A ? NATTRAV_SIDE_B : NATTRAV_SIDE_A;
}

/* From libnattrav's words to libre's; nothing if the address is not given. */
void endpoint_to_sa(struct sa *sa, const struct nattrav_endpoint *endpoint);

/**
 * enum media_role - what an SDP is in its negotiation (RFC 3264)
 * @MEDIA_ROLE_UNKNOWN: to be seen from what went before
 * @MEDIA_ROLE_OFFER: an offer
 * @MEDIA_ROLE_ANSWER: an answer, or one that comes again
 */
enum media_role {
	MEDIA_ROLE_UNKNOWN,
	MEDIA_ROLE_OFFER,
	MEDIA_ROLE_ANSWER,
};

/**
 * struct media_call - a call, or a branch of one that was forked
 * @id: its Call-ID
 * @branch: 0 for the first branch; each has streams of its own
 */
struct media_call {
	struct pl id;
	unsigned int branch;
};

/* The SIP reason phrase with which an SDP is refused that there are no relay ports for. */
#define MEDIA_REASON_NO_PORT "No Relay Port Left"

/**
 * enum media_source - who may become the peer of a side, within what its realm allows
 * @MEDIA_SOURCE_POLICY: whoever the realm allows
 * @MEDIA_SOURCE_SIGNALLING: only who sends from where the signalling comes from
 * @MEDIA_SOURCE_SDP: only who sends from the address in the SDP
 */
enum media_source {
	MEDIA_SOURCE_POLICY,
	MEDIA_SOURCE_SIGNALLING,
	MEDIA_SOURCE_SDP,
};

/**
 * struct media_options - what is asked for a call beyond the configuration; zeroed
 *	for nothing
 * @edit: SDP_EDIT_*: what else of the SDP to change
 * @source: who may become the peer of the side that sent the SDP
 * @rebind: that side may be followed to another port or address, see RELATCH
 * @dscp: code point of what is sent to both sides, if @dscp_given
 * @dscp_given: the same stays as it was if this is unset
 * @idle: after so many seconds of silence a stream ends; 0 to leave it as it was
 * @advertise: goes into the SDP in place of the relay address, if it is of the same
 *	family; unset for none
 */
struct media_options {
	unsigned int edit;
	enum media_source source;
	bool rebind;
	uint8_t dscp;
	bool dscp_given;
	uint32_t idle;
	struct sa advertise;
};

/**
 * struct media_sdp - an SDP that passes through the gateway
 * @call: the call
 * @from: the side that sent it: NATTRAV_SIDE_A is the caller (who sent the
 *	first INVITE of the dialog), NATTRAV_SIDE_B the callee
 * @src: the signalling address that it came from, as seen on the wire; the
 *	unspecified address if that is not known
 * @dst: the signalling address that it goes to; the unspecified address of a family
 *	if nothing but that is known
 * @src_realm: realm of the side that sent it, NULL for that of the first pool
 * @dst_realm: realm of the other side
 * @role: offer or answer, as far as the SIP side can tell
 * @options: what else is asked for
 * @body: the SDP
 *
 * A side whose signalling address is not known completes with a packet from the
 * address in its SDP if that is public, in a wide realm from anywhere; it does not
 * complete before an SDP of it has passed.
 */
struct media_sdp {
	struct media_call call;
	enum nattrav_side from;
	struct sa src;
	struct sa dst;
	const char *src_realm;
	const char *dst_realm;
	enum media_role role;
	struct media_options options;
	struct pl body;
};

/**
 * struct media_report_side - what a side of a stream sent
 * @peer: its public address
 * @packets: packets relayed
 * @bytes: their UDP payload
 * @dropped: packets dropped
 * @rtp: the following are known
 * @received: RTP packets of the last SSRC
 * @lost: RTP packets that never came
 * @reordered: RTP packets that came late
 * @jitter: in microseconds
 */
struct media_report_side {
	struct sa peer;
	uint64_t packets;
	uint64_t bytes;
	uint64_t dropped;
	bool rtp;
	uint32_t received;
	uint32_t lost;
	uint32_t reordered;
	uint32_t jitter;
};

/**
 * struct media_report_stream - a stream of a call that is over
 * @type: "audio"
 * @side: by NATTRAV_SIDE_A, NATTRAV_SIDE_B
 */
struct media_report_stream {
	char type[16];
	struct media_report_side side[2];
};

#define MEDIA_REPORT_MAX 8

/**
 * struct media_report - the media of a call
 * @streams: its streams, RTCP excluded, in the order in which they ended
 * @count: how many; those beyond MEDIA_REPORT_MAX are not told
 */
struct media_report {
	struct media_report_stream streams[MEDIA_REPORT_MAX];
	unsigned int count;
};

/**
 * struct media_view - a stream of a call as it is now
 * @index: index of its media line
 * @type: "audio"
 * @protocol: "RTP/AVP", "" if it is not known
 * @mux: RTCP comes on the port of RTP
 * @sdp: the address and port that the SDP of each side named last, unset if not known
 * @rtp: the stream
 * @rtcp: its RTCP, of no id if there is none
 */
struct media_view {
	unsigned int index;
	const char *type;
	const char *protocol;
	bool mux;
	struct sa sdp[2];
	struct nattrav_stream rtp;
	struct nattrav_stream rtcp;
};

typedef void media_view_fn(const struct media_view *view, void *arg);

/* Call @fn for each stream of a call; returns how many there are. */
unsigned int media_look(struct media *media, const struct media_call *call, media_view_fn *fn,
			void *arg);

/* Totals of the datapath; 0 or an errno. */
int media_info(struct media *media, struct nattrav_info *info);

/* The last stream of a call that was not told to end is gone; @name is that of media_call_name(). */
typedef void media_gone_fn(const char *name, void *arg);

/* Have @fn called for each such call; NULL for nobody. */
void media_on_gone(struct media *media, media_gone_fn *fn, void *arg);

/* The streams of a call that has ended are gone; @name is that of media_call_name(). */
typedef void media_report_fn(const char *name, const struct media_report *report, void *arg);

/* Have @fn called for each media_end(), soon after it; NULL for nobody. */
void media_on_report(struct media *media, media_report_fn *fn, void *arg);

/* The name of a call in the kernel; drop it with mem_deref(). */
int media_call_name(char **name, const struct media_call *call);

/**
 * media_init() - connect to the module, make the pools, adopt running calls
 * @media: set to the new media side
 * @config: the configuration
 *
 * A pool that already exists as configured is taken over. Streams found in the
 * kernel are adopted and one line logged for each call.
 *
 * Return: 0, or an errno, after it logged what is wrong and what to do.
 */
int media_init(struct media **media, const struct config *config);

/* The same with another datapath than the module. */
int media_init_datapath(struct media **media, const struct config *config,
			const struct datapath_ops *ops);

/* Take another configuration: makes the pools that are new; 0 or an errno, logged. */
int media_reconfigure(struct media *media, const struct config *config);

/* Leaves the streams in the kernel: calls survive the daemon. */
void media_close(struct media *media);

/**
 * media_sdp_pass() - an offer or an answer passes through the gateway
 * @media: the media side
 * @sdp: what passes; whether it is an offer or an answer follows from the
 *	state of the call
 * @out: set to the edited SDP, to be sent in place of @sdp->body; the caller
 *	drops it with mem_deref()
 * @reason: set to a SIP reason phrase if the call must be refused
 *
 * Return: 0, or the SIP status to refuse the message with: 488 if it cannot be
 * relayed at all, 503 if ports or memory ran out, 500 else.
 */
int media_sdp_pass(struct media *media, const struct media_sdp *sdp, struct mbuf **out,
		   const char **reason);

/**
 * media_offer_rejected() - the last offer was refused (RFC 3261 section 14.1)
 * @media: the media side
 * @call: the call
 *
 * What was negotiated before holds; streams that were made for the offer go.
 */
void media_offer_rejected(struct media *media, const struct media_call *call);

/* The call has ended, or never came about: remove its streams. */
void media_end(struct media *media, const struct media_call *call);

/* Whether the call has streams, adopted ones included. */
bool media_has_call(const struct media *media, const struct media_call *call);

#endif
