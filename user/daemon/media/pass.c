// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An SDP passes: what it changes in the streams of its call, and what it says
 * afterwards.
 *
 * Offers and answers are treated alike as far as they can be, so that several
 * answers to an offer, an SDP that comes twice, and a re-INVITE that changes
 * nothing all end with the ports that they began with.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "log.h"
#include "media/internal.h"
#include "media/media.h"

/**
 * struct pass - an SDP on its way
 * @media: the media side
 * @msg: what passes
 * @sdp: the same, parsed
 * @call: its call
 * @answer: it is an answer
 * @moved: its side signals from another address than before
 * @stream: for each media line, the stream that relays it, or NULL
 * @reason: SIP reason phrase if it is refused
 */
struct pass {
	struct media *media;
	const struct media_sdp *msg;
	struct sdp sdp;
	struct call *call;
	bool answer;
	bool moved;
	struct call_stream *stream[SDP_MEDIA_MAX];
	const char *reason;
};

/**
 * struct batch - streams that go to the datapath together
 * @record: our records of them
 * @rtcp: it is what carries the RTCP of the record
 * @asked: what it is told
 * @count: how many
 * @made: what came of it, RTP and RTCP
 */
struct batch {
	struct call_stream *record[MEDIA_STREAMS_MAX];
	bool rtcp[MEDIA_STREAMS_MAX];
	struct nattrav_stream asked[MEDIA_STREAMS_MAX];
	size_t count;
	struct nattrav_stream made[MEDIA_STREAMS_MAX];
};

static int refuse(struct pass *pass, int status, const char *reason)
{
	pass->reason = reason;
	return status;
}

/* A failure of the datapath, as a SIP status. */
static int refuse_datapath(struct pass *pass, int err)
{
	const struct media *media = pass->media;

	log_error("call %s: no streams: %s", pass->call->name,
		  err == -ENOMEM ? "out of memory" : media->ops->error(media->datapath));

	switch (err) {
	case -ENOSPC:
		return refuse(pass, 503, MEDIA_REASON_NO_PORT);
	case -ENOMEM:
	case -ENOBUFS:
		return refuse(pass, 503, "Out Of Memory");
	default:
		return refuse(pass, 500, "Media Relay Failure");
	}
}

/* Says which media lines go their own way. */
static void pass_tell(const struct pass *pass)
{
	unsigned int i;

	for (i = 0; i < pass->sdp.media_count; i++) {
		const struct sdp_media *media = &pass->sdp.media[i];
		const char *obstacle = media->port ? sdp_media_obstacle(media) : NULL;

		if (obstacle)
			log_info("call %r: media line %u (%r, %r) is left as it is: %s",
				 &pass->msg->call.id, i + 1, &media->type, &media->proto, obstacle);
	}
}

/* The stream of a media line; one of another kind has had its time. */
static int pass_stream(struct pass *pass, unsigned int index, struct call_stream **streamp)
{
	const enum sdp_kind kind = sdp_media_kind(&pass->sdp, index);

	*streamp = stream_by_index(pass->call, index, kind);
	return *streamp ? 0 : stream_alloc(streamp, pass->call, index, kind);
}

/* Takes in what a media line that has a port of its own says. */
static int pass_take_line(struct pass *pass, unsigned int index)
{
	const enum nattrav_side from = pass->msg->from;
	const struct sdp_media *media = &pass->sdp.media[index];
	struct call_stream *stream = NULL;
	bool moved = false;
	int err;

	err = pass_stream(pass, index, &stream);
	if (!err)
		err = leg_take_sdp(stream, from, &pass->sdp, &moved);
	if (err)
		return -err;

	if (moved || pass->moved)
		stream->leg[from].generation++;
	if (pass->answer || !media->rtcp_mux)
		stream->mux = media->rtcp_mux;
	pass->stream[index] = stream;
	return 0;
}

/* Takes in what the SDP says, and makes records for new media lines. */
static int pass_take(struct pass *pass)
{
	const enum nattrav_side from = pass->msg->from;
	struct le *le;
	unsigned int i;
	int err;

	LIST_FOREACH(&pass->call->streams, le) {
		struct call_stream *stream = le->data;

		stream->leg[from].off = true;
	}

	memset(pass->stream, 0, sizeof(pass->stream));
	for (i = 0; i < pass->sdp.media_count; i++) {
		if (!pass->sdp.media[i].port || sdp_media_obstacle(&pass->sdp.media[i]) ||
		    sdp_media_carrier(&pass->sdp, i) != i)
			continue;
		err = pass_take_line(pass, i);
		if (err)
			return err;
	}

	/* those that share a port, which may stand anywhere */
	for (i = 0; i < pass->sdp.media_count; i++) {
		if (pass->sdp.media[i].port && !sdp_media_obstacle(&pass->sdp.media[i]))
			pass->stream[i] = pass->stream[sdp_media_carrier(&pass->sdp, i)];
	}

	pass->moved = false;
	return 0;
}

/* Whether it was dealt with for an earlier media line. */
static bool pass_shared(const struct pass *pass, unsigned int index)
{
	return !pass->stream[index] || pass->stream[index]->index != index;
}

static void batch_add(struct batch *batch, struct call_stream *stream, bool rtcp)
{
	batch->record[batch->count] = stream;
	batch->rtcp[batch->count] = rtcp;
	batch->count++;
}

static void stream_installed(const struct pass *pass, struct call_stream *stream,
			     const struct nattrav_stream *asked, const struct nattrav_stream *made)
{
	struct call_leg *a = &stream->leg[NATTRAV_SIDE_A];
	struct call_leg *b = &stream->leg[NATTRAV_SIDE_B];

	stream->id = made->id;
	stream->rtcp = made->tied;
	endpoint_to_sa(&a->local, &made->leg[NATTRAV_SIDE_A].local);
	endpoint_to_sa(&b->local, &made->leg[NATTRAV_SIDE_B].local);

	log_info("call %s: stream %u (%s) partial: a %J b %J, latch prefix a %H b %H",
		 pass->call->name, stream->id, stream->type, &a->local, &b->local,
		 leg_print_prefixes, &asked->leg[NATTRAV_SIDE_A], leg_print_prefixes,
		 &asked->leg[NATTRAV_SIDE_B]);
}

static void rtcp_installed(struct call_stream *stream, const struct nattrav_stream *made)
{
	stream->rtcp = made->id;
	endpoint_to_sa(&stream->rtcp_local[NATTRAV_SIDE_A], &made->leg[NATTRAV_SIDE_A].local);
	endpoint_to_sa(&stream->rtcp_local[NATTRAV_SIDE_B], &made->leg[NATTRAV_SIDE_B].local);
}

/* Installs what is not installed yet: all of it or nothing. */
static int pass_install(struct pass *pass)
{
	struct batch batch = { .count = 0 };
	struct media *media = pass->media;
	size_t next = 0, i;
	int got;

	for (i = 0; i < pass->sdp.media_count; i++) {
		if (pass_shared(pass, (unsigned int)i))
			continue;
		if (!pass->stream[i]->id)
			batch_add(&batch, pass->stream[i], false);
		if (stream_wants_rtcp(pass->stream[i]) && !pass->stream[i]->rtcp)
			batch_add(&batch, pass->stream[i], true);
	}

	if (!batch.count)
		return 0;

	for (i = 0; i < batch.count; i++)
		stream_describe_new(&batch.asked[i], pass->call, batch.record[i], batch.rtcp[i]);

	got = media->ops->stream_new(media->datapath, batch.asked, batch.count, batch.made,
				     ARRAY_SIZE(batch.made));
	if (got < 0)
		return got;

	for (i = 0; i < (size_t)got && next < batch.count; i++) {
		if (batch.made[i].type == NATTRAV_STREAM_TYPE_RTCP)
			continue;
		if (batch.rtcp[next])
			rtcp_installed(batch.record[next], &batch.made[i]);
		else
			stream_installed(pass, batch.record[next], &batch.asked[next],
					 &batch.made[i]);
		next++;
	}

	return next == batch.count ? 0 : -EPROTO;
}

/* A stream that the kernel has ended, and whose event is not read yet. */
static void batch_forget(const struct pass *pass, const struct batch *batch, size_t entry)
{
	struct call_stream *stream = batch->record[entry];

	log_info("call %s: stream %u has ended meanwhile", pass->call->name,
		 batch->asked[entry].id);
	if (batch->rtcp[entry])
		stream->rtcp = 0;
	else
		mem_deref(stream);
}

/*
 * Tells the kernel what has changed in the streams that are installed, and
 * opens their windows again.
 *
 * Return: 0, or -ENOENT after it forgot a stream that has just expired.
 */
static int pass_update(struct pass *pass)
{
	struct batch batch = { .count = 0 };
	struct media *media = pass->media;
	int entry, err;
	size_t i;

	for (i = 0; i < pass->sdp.media_count; i++) {
		if (pass_shared(pass, (unsigned int)i))
			continue;
		if (pass->stream[i]->id)
			batch_add(&batch, pass->stream[i], false);
		if (pass->stream[i]->kind == SDP_KIND_MIXED && pass->stream[i]->rtcp)
			batch_add(&batch, pass->stream[i], true);
	}

	if (!batch.count)
		return 0;

	for (i = 0; i < batch.count; i++)
		stream_describe_set(&batch.asked[i], pass->call, batch.record[i], batch.rtcp[i]);

	err = media->ops->stream_set(media->datapath, batch.asked, batch.count);
	if (!err)
		return 0;

	entry = media->ops->error_entry(media->datapath);
	if (err == -ENOENT && entry >= 0 && (size_t)entry < batch.count) {
		batch_forget(pass, &batch, (size_t)entry);
		return -ENOENT;
	}

	/* What the streams were told before still holds: the call may go on. */
	log_warn("call %s: streams cannot be changed: %s", pass->call->name,
		 media->ops->error(media->datapath));
	return 0;
}

/*
 * Removes streams that the SDP has nothing for. An offer may still be rejected,
 * and then all stays as it was (RFC 3261 section 14.1): the answer decides, or
 * that both sides have said so.
 */
static void pass_remove(struct pass *pass)
{
	const enum nattrav_side from = pass->msg->from;
	struct le *le = list_head(&pass->call->streams);

	while (le) {
		struct call_stream *stream = le->data;

		le = le->next;
		if (pass->answer)
			stream->fresh = false;
		if (stream->leg[from].off && (pass->answer || stream->leg[side_other(from)].off))
			stream_remove(pass->media, pass->call, stream);
		else if (pass->answer && stream->kind == SDP_KIND_MIXED && stream->mux)
			stream_remove_rtcp(pass->media, pass->call, stream);
	}
}

/* Records that were made for this SDP and came to nothing. */
static void pass_undo(struct pass *pass)
{
	struct le *le = list_head(&pass->call->streams);

	while (le) {
		struct call_stream *stream = le->data;

		le = le->next;
		if (!stream->id)
			mem_deref(stream);
	}
}

static int pass_streams(struct pass *pass)
{
	const struct media_sdp *msg = pass->msg;
	int err;

	pass->answer = call_take_sdp(pass->call, msg->from, &msg->body, msg->role);
	pass->moved = call_take_source(pass->call, msg);
	call_take_realms(pass->call, pass->media->config, msg);
	call_take_options(pass->call, msg);
	log_debug("call %s: %s of %s", pass->call->name, pass->answer ? "answer" : "offer",
		  msg->from == NATTRAV_SIDE_A ? "a" : "b");

	do {
		err = pass_take(pass);
		if (!err)
			err = pass_update(pass);
	} while (err == -ENOENT);

	if (!err)
		err = pass_install(pass);
	if (err) {
		pass_undo(pass);
		return refuse_datapath(pass, err);
	}

	pass_remove(pass);
	return 0;
}

/* The address by which the relay is known outside, where it is another one. */
static void relay_advertise(struct sa *local, const struct sa *advertise)
{
	const uint16_t port = sa_port(local);

	if (!sa_isset(local, SA_ADDR) || !sa_isset(advertise, SA_ADDR) ||
	    sa_af(local) != sa_af(advertise))
		return;

	*local = *advertise;
	sa_set_port(local, port);
}

static void relay_set(struct sdp_relay *relay, const struct call_stream *stream,
		      enum nattrav_side to, const struct sa *advertise)
{
	relay->relayed = true;
	relay->local = stream->leg[to].local;
	if (stream->mux)
		relay->rtcp = relay->local;
	else if (stream_wants_rtcp(stream) && stream->rtcp)
		relay->rtcp = stream->rtcp_local[to];
	relay_advertise(&relay->local, advertise);
	relay_advertise(&relay->rtcp, advertise);
}

static int pass_edit(struct pass *pass, struct mbuf **out)
{
	const enum nattrav_side to = side_other(pass->msg->from);
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };
	unsigned int i;

	for (i = 0; i < pass->sdp.media_count; i++) {
		if (!pass->stream[i])
			continue;
		relay_set(&relays[i], pass->stream[i], to, &pass->msg->options.advertise);
	}

	if (sdp_edit(&pass->sdp, relays, pass->msg->options.edit, out))
		return refuse(pass, 503, "Out Of Memory");

	return 0;
}

static int pass_call(struct pass *pass, struct mbuf **out)
{
	struct media *media = pass->media;
	char *name = NULL;
	int status;

	if (media_call_name(&name, &pass->msg->call))
		return refuse(pass, 503, "Out Of Memory");

	pass->call = call_find(media->calls, name);
	if (!pass->call && call_alloc(&pass->call, media->calls, name)) {
		mem_deref(name);
		return refuse(pass, 503, "Out Of Memory");
	}
	mem_deref(name);

	status = pass_streams(pass);
	if (!status)
		status = pass_edit(pass, out);

	if (list_isempty(&pass->call->streams))
		mem_deref(pass->call);

	return status;
}

int media_sdp_pass(struct media *media, const struct media_sdp *sdp, struct mbuf **out,
		   const char **reason)
{
	struct pass pass = { .media = media, .msg = sdp };
	int status;

	if (sdp_parse(&pass.sdp, &sdp->body, &pass.reason)) {
		log_info("call %r: SDP from %J refused: %s", &sdp->call.id, &sdp->src, pass.reason);
		*reason = pass.reason;
		return 488;
	}

	pass_tell(&pass);
	status = pass_call(&pass, out);
	if (status)
		*reason = pass.reason;

	return status;
}
