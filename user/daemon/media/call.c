// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The records of calls, their streams and the state of offer and answer.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <re.h>
#include <string.h>

#include "log.h"
#include "media/internal.h"

/**
 * media_call_name() - the name of a call in the kernel
 * @name: set to it; the caller drops it with mem_deref()
 * @call: the call
 *
 * It is the Call-ID itself; a second branch adds a semicolon, which no Call-ID
 * has, and its number. One that the kernel could not hold (too long, with
 * a NUL, empty) becomes "#sha256:" and its digest in hex. No Call-ID has a "#"
 * (RFC 3261 section 25.1: word); one that has it all the same is hashed too, so
 * that it cannot pose as another's digest.
 *
 * Return: 0 or an errno.
 */
int media_call_name(char **name, const struct media_call *call)
{
	const struct pl *id = &call->id;
	uint8_t digest[32];
	char suffix[16] = "";

	if (call->branch)
		(void)re_snprintf(suffix, sizeof(suffix), ";%u", call->branch);

	if (id->l && id->l + strlen(suffix) <= NATTRAV_CALL_LEN && id->p[0] != '#' &&
	    !memchr(id->p, '\0', id->l))
		return re_sdprintf(name, "%r%s", id, suffix);

	if (!EVP_Digest(id->p, id->l, digest, NULL, EVP_sha256(), NULL))
		return ENOMEM;

	return re_sdprintf(name, "#sha256:%w%s", digest, sizeof(digest), suffix);
}

static void call_destructor(void *arg)
{
	struct call *call = arg;

	tmr_cancel(&call->wait);
	hash_unlink(&call->le);
	list_flush(&call->streams);
	mem_deref(call->name);
}

/**
 * call_alloc() - make the record of a call
 * @callp: set to it; drop it with mem_deref()
 * @calls: the table it goes into
 * @name: its name in the kernel
 *
 * Return: 0 or an errno.
 */
int call_alloc(struct call **callp, struct hash *calls, const char *name)
{
	struct call *call;
	int err;

	call = mem_zalloc(sizeof(*call), call_destructor);
	if (!call)
		return ENOMEM;

	tmr_init(&call->wait);
	err = str_dup(&call->name, name);
	if (err) {
		mem_deref(call);
		return err;
	}

	hash_append(calls, hash_joaat_str(name), &call->le, call);
	*callp = call;
	return 0;
}

static bool call_match(struct le *le, void *arg)
{
	const struct call *call = le->data;

	return !strcmp(call->name, arg);
}

/**
 * call_find() - find a call by its name in the kernel
 * @calls: the table
 * @name: the name
 *
 * Return: the call or NULL.
 */
struct call *call_find(const struct hash *calls, const char *name)
{
	return list_ledata(hash_lookup(calls, hash_joaat_str(name), call_match, (void *)name));
}

/**
 * call_take_sdp() - tell an answer from an offer (RFC 3264)
 * @call: the call
 * @from: the side that sent the SDP
 * @body: the SDP
 * @role: what the SIP side knows
 *
 * Without that, the first SDP after an offer from the other side is its answer. An answer
 * that comes again unchanged (in a 200 after a 183) still is one; what else
 * comes is an offer.
 *
 * Return: whether it is an answer.
 */
bool call_take_sdp(struct call *call, enum nattrav_side from, const struct pl *body,
		   enum media_role role)
{
	struct call_side *side = &call->side[from];
	const uint32_t key = hash_joaat_pl(body);

	if (role != MEDIA_ROLE_UNKNOWN)
		side->sdp_answer = role == MEDIA_ROLE_ANSWER;
	else if (call->offered)
		side->sdp_answer = call->offerer != from;
	else
		side->sdp_answer = side->heard && side->sdp_key == key && side->sdp_answer;

	side->sdp_key = key;
	call->offered = !side->sdp_answer;
	if (call->offered)
		call->offerer = from;

	return side->sdp_answer;
}

/**
 * call_take_source() - learn where the signalling of the sides comes from
 * @call: the call
 * @sdp: an SDP that passes; where it goes to is what we believe of a side that
 *	has not spoken yet
 *
 * Return: whether the side has another address than before.
 */
bool call_take_source(struct call *call, const struct media_sdp *sdp)
{
	struct call_side *side = &call->side[sdp->from];
	struct call_side *other = &call->side[side_other(sdp->from)];
	const bool known = sa_isset(&sdp->src, SA_ADDR);
	const bool moved = known && sa_isset(&side->source, SA_ADDR) &&
			   !sa_cmp(&side->source, &sdp->src, SA_ADDR);

	/* who does not say where he is has not moved */
	if (known || !sa_isset(&side->source, SA_ADDR))
		side->source = sdp->src;
	side->heard = true;
	if (!other->heard)
		other->source = sdp->dst;

	return moved;
}

/**
 * call_take_options() - take in what is asked for beyond the configuration
 * @call: the call
 * @sdp: an SDP that passes
 */
void call_take_options(struct call *call, const struct media_sdp *sdp)
{
	const struct media_options *options = &sdp->options;

	call->side[sdp->from].sources = options->source;
	call->side[sdp->from].rebind = options->rebind;
	if (options->dscp_given) {
		call->dscp = options->dscp;
		call->dscp_given = true;
	}
	if (options->idle)
		call->idle = options->idle;
}

static void side_take_realm(struct call_side *side, const struct config *config, const char *realm)
{
	const struct config_pool *first = list_ledata(list_head(&config->pools));

	str_ncpy(side->realm, realm ? realm : first->realm, sizeof(side->realm));
	side->policy = config_realm_policy(config, side->realm);
}

/**
 * call_take_realms() - learn which realms the sides belong to
 * @call: the call
 * @config: the configuration
 * @sdp: an SDP that passes
 */
void call_take_realms(struct call *call, const struct config *config, const struct media_sdp *sdp)
{
	side_take_realm(&call->side[sdp->from], config, sdp->src_realm);
	side_take_realm(&call->side[side_other(sdp->from)], config, sdp->dst_realm);
}

static void stream_destructor(void *arg)
{
	struct call_stream *stream = arg;

	list_unlink(&stream->le);
	mem_deref(stream->type);
	mem_deref(stream->leg[NATTRAV_SIDE_A].sdp_addr);
	mem_deref(stream->leg[NATTRAV_SIDE_B].sdp_addr);
}

/**
 * stream_alloc() - make the record of a stream
 * @streamp: set to it; drop it with mem_deref()
 * @call: the call it belongs to
 * @index: index of its media line
 * @kind: what it is to the relay
 *
 * Return: 0 or an errno.
 */
int stream_alloc(struct call_stream **streamp, struct call *call, unsigned int index,
		 enum sdp_kind kind)
{
	struct call_stream *stream = mem_zalloc(sizeof(*stream), stream_destructor);

	if (!stream)
		return ENOMEM;

	stream->index = index;
	stream->kind = kind;
	stream->fresh = true;
	/* A dump that is running began before it and need not tell of it. */
	stream->seen = true;
	list_append(&call->streams, &stream->le, stream);
	*streamp = stream;
	return 0;
}

/**
 * stream_by_index() - find the stream of a media line
 * @call: the call
 * @index: index of the media line
 * @kind: what it is to the relay
 *
 * Return: the stream or NULL.
 */
struct call_stream *stream_by_index(const struct call *call, unsigned int index, enum sdp_kind kind)
{
	struct le *le;

	LIST_FOREACH(&call->streams, le) {
		struct call_stream *stream = le->data;

		if (stream->index == index && stream->kind == kind)
			return stream;
	}

	return NULL;
}

/**
 * stream_by_id() - find a stream by its id or that of its RTCP stream
 * @call: the call
 * @id: given by the kernel
 *
 * Return: the stream or NULL.
 */
struct call_stream *stream_by_id(const struct call *call, uint32_t id)
{
	struct le *le;

	LIST_FOREACH(&call->streams, le) {
		struct call_stream *stream = le->data;

		if (id && (stream->id == id || stream->rtcp == id))
			return stream;
	}

	return NULL;
}

/**
 * stream_wants_rtcp() - whether a stream needs a port beside it for its RTCP
 * @stream: the stream
 *
 * The kernel ties the RTCP of a plain RTP stream to it; that of others is a
 * stream of its own, as long as it does not share the port of RTP.
 */
bool stream_wants_rtcp(const struct call_stream *stream)
{
	return stream->kind == SDP_KIND_MIXED && !stream->mux && !stream->mux_only;
}

/**
 * stream_remove() - end a stream and forget it
 * @media: the media side
 * @call: its call
 * @stream: the stream
 */
void stream_remove(const struct media *media, const struct call *call, struct call_stream *stream)
{
	int err;

	stream_remove_rtcp(media, call, stream);
	err = stream->id ? media->ops->stream_del(media->datapath, &stream->id, 1) : 0;
	if (err && err != -ENOENT)
		log_warn("call %s: stream %u cannot be removed: %s; it will time out", call->name,
			 stream->id, media->ops->error(media->datapath));
	mem_deref(stream);
}

/**
 * stream_remove_rtcp() - end what carries the RTCP of a SDP_KIND_MIXED
 * @media: the media side
 * @call: its call
 * @stream: the stream; one of another kind keeps its RTCP
 */
void stream_remove_rtcp(const struct media *media, const struct call *call,
			struct call_stream *stream)
{
	int err;

	if (stream->kind != SDP_KIND_MIXED || !stream->rtcp)
		return;

	err = media->ops->stream_del(media->datapath, &stream->rtcp, 1);
	if (err && err != -ENOENT)
		log_warn("call %s: stream %u cannot be removed: %s; it will time out", call->name,
			 stream->rtcp, media->ops->error(media->datapath));
	stream->rtcp = 0;
}
