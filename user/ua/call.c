// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The call: libre's session and SDP, with the media streams of the configuration.
 * A challenge is answered here, in a new session, for libre answers MD5 only.
 */
#include "internal.h"

#include <string.h>

#include "audio.h"
#include "data.h"

#define CONTENT_TYPE "application/sdp"

/**
 * struct ua_call - a call
 * @ua: whose
 * @sess: libre's session, NULL once it is over
 * @sdp: offer and answer
 * @audio: the audio, or NULL
 * @data: the data streams
 * @uri: the other side
 * @tmr: until it is hung up
 * @digest: the challenge that was answered
 * @challenged: a challenge was answered
 * @held: the peer holds us
 * @offered: the INVITE that came in had an offer
 * @established: it was
 */
struct ua_call {
	struct ua *ua;
	struct sipsess *sess;
	struct sdp_session *sdp;
	struct ua_audio *audio;
	struct ua_data *data[UA_DATA_MAX];
	char *uri;
	struct tmr tmr;
	struct ua_digest digest;
	bool challenged;
	bool held;
	bool offered;
	bool established;
};

static void call_destructor(void *arg)
{
	struct ua_call *call = arg;
	size_t i;

	tmr_cancel(&call->tmr);
	mem_deref(call->sess);
	mem_deref(call->audio);
	for (i = 0; i < UA_DATA_MAX; i++)
		mem_deref(call->data[i]);
	mem_deref(call->sdp);
	mem_deref(call->uri);
	ua_digest_reset(&call->digest);
}

static void call_tell(const struct ua_call *call, struct ua_event *event)
{
	pl_set_str(&event->peer, call->uri);
	ua_tell(call->ua, event);
}

static void stats_tell(struct ua_call *call)
{
	struct ua_event event = { .type = UA_STATS };
	struct ua_stats stats;
	size_t i;

	event.stats = &stats;
	if (call->audio) {
		ua_audio_stats(call->audio, &stats);
		call_tell(call, &event);
	}
	for (i = 0; i < call->ua->config.data_count; i++) {
		ua_data_stats(call->data[i], &stats);
		call_tell(call, &event);
	}
}

/* The end, whoever wanted it. The call is gone when this returns. */
static void call_close(struct ua_call *call, uint16_t status, const struct pl *reason)
{
	struct ua_event event = { .type = UA_CLOSED, .status = status };
	struct ua *ua = call->ua;

	tmr_cancel(&call->tmr);
	if (call->established)
		stats_tell(call);
	if (reason)
		event.reason = *reason;
	/* the next call may be placed from the event */
	ua->call = NULL;
	call_tell(call, &event);
	mem_deref(call);
}

static void duration_over(void *arg)
{
	ua_call_end(arg);
}

static void first_packet(const char *stream, const struct sa *src, void *arg)
{
	struct ua_event event = { .type = UA_MEDIA, .stream = stream, .addr = src };

	call_tell(arg, &event);
}

static void media_update(struct ua_call *call)
{
	struct ua_event event = { .type = UA_HELD };
	size_t i;

	for (i = 0; i < call->ua->config.data_count; i++)
		ua_data_update(call->data[i]);
	if (!call->audio)
		return;
	ua_audio_update(call->audio);
	event.survived = ua_audio_held(call->audio);
	if (event.survived == call->held)
		return;
	call->held = event.survived;
	call_tell(call, &event);
}

/* ---- what libre's session calls */

static int offer_receive(struct mbuf **desc, const struct sip_msg *msg, void *arg)
{
	struct ua_call *call = arg;
	const bool offered = mbuf_get_left(msg->mb) > 0;
	int err = 0;

	if (offered) {
		err = sdp_decode(call->sdp, msg->mb, true);
		if (!err)
			media_update(call);
	}
	return err ? err : sdp_encode(desc, call->sdp, !offered);
}

static int answer_receive(const struct sip_msg *msg, void *arg)
{
	struct ua_call *call = arg;
	int err;

	if (!mbuf_get_left(msg->mb))
		return EPROTO;
	err = sdp_decode(call->sdp, msg->mb, false);
	if (!err)
		media_update(call);
	return err;
}

static void progress_receive(const struct sip_msg *msg, void *arg)
{
	struct ua_event event = { .type = UA_RINGING, .status = msg->scode, .reason = msg->reason };

	/* early media */
	if (mbuf_get_left(msg->mb))
		(void)answer_receive(msg, arg);
	if (msg->scode > 100)
		call_tell(arg, &event);
}

static void established(const struct sip_msg *msg, void *arg)
{
	struct ua_event event = { .type = UA_ESTABLISHED };
	struct ua_call *call = arg;

	(void)msg;
	call->established = true;
	if (call->ua->config.duration)
		tmr_start(&call->tmr, (uint64_t)call->ua->config.duration * 1000, duration_over,
			  call);
	call_tell(call, &event);
}

static int invite(struct ua_call *call);

/* Answers the challenge of our server, once. */
static bool challenge_answer(struct ua_call *call, const struct sip_msg *msg)
{
	const struct ua *ua = call->ua;
	bool stale;

	if (call->challenged || !ua->config.password || (msg->scode != 401 && msg->scode != 407) ||
	    !sa_cmp(&msg->src, &ua->config.server, SA_ALL) ||
	    ua_digest_challenge(&call->digest, msg, &ua->credentials, &stale))
		return false;
	call->challenged = true;
	call->sess = mem_deref(call->sess);
	return !invite(call);
}

static void closed(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_call *call = arg;
	char text[64];
	struct pl reason = PL_INIT;

	if (msg && challenge_answer(call, msg))
		return;
	/* ECONNRESET: a BYE; not an error */
	if (err && err != ECONNRESET && !msg)
		pl_set_str(&reason, str_error(err, text, sizeof(text)));
	call_close(call, msg ? msg->scode : 0, msg ? &msg->reason : &reason);
}

/* ---- setting up */

static int call_alloc(struct ua_call **callp, struct ua *ua)
{
	struct ua_call *call = mem_zalloc(sizeof(*call), call_destructor);
	struct sa local = ua->local;
	size_t i;
	int err;

	if (!call)
		return ENOMEM;
	call->ua = ua;
	sa_set_port(&local, 0);
	err = sdp_session_alloc(&call->sdp, &local);
	if (!err && ua->config.audio)
		err = ua_audio_alloc(&call->audio, &ua->config, &local, call->sdp, first_packet,
				     call);
	for (i = 0; i < ua->config.data_count && !err; i++)
		err = ua_data_alloc(&call->data[i], &ua->config, i, &local, call->sdp, first_packet,
				    call);
	if (err)
		mem_deref(call);
	else
		*callp = call;
	return err;
}

static int invite(struct ua_call *call)
{
	struct ua *ua = call->ua;
	const char *routes[] = { ua->route };
	struct mbuf *headers = mbuf_alloc(512);
	struct mbuf *desc = NULL;
	int err;

	if (!headers)
		return ENOMEM;
	err = ua_digest_print(headers, &call->digest, &ua->credentials, "INVITE", call->uri);
	mbuf_set_pos(headers, 0);
	if (!err)
		err = sdp_encode(&desc, call->sdp, true);
	if (!err)
		err = sipsess_connect(&call->sess, ua->sock, call->uri, NULL, ua->aor,
				      ua->config.user, routes, ua->route ? 1 : 0, CONTENT_TYPE,
				      desc, NULL, NULL, false, offer_receive, answer_receive,
				      progress_receive, established, NULL, NULL, closed, call, "%b",
				      mbuf_buf(headers), mbuf_get_left(headers));
	mem_deref(desc);
	mem_deref(headers);
	return err;
}

/**
 * ua_call_dial() - place a call
 * @ua: the terminal, with no call
 * @to: a SIP URI, or the user part of one in our domain
 *
 * Return: 0 or an errno.
 */
int ua_call_dial(struct ua *ua, const char *to)
{
	struct ua_call *call = NULL;
	int err;

	err = call_alloc(&call, ua);
	if (err)
		return err;
	if (strchr(to, ':'))
		err = str_dup(&call->uri, to);
	else if (strchr(to, '@'))
		err = re_sdprintf(&call->uri, "sip:%s", to);
	else
		err = re_sdprintf(&call->uri, "sip:%s@%s", to, ua->domain);
	if (!err)
		err = invite(call);
	if (err)
		mem_deref(call);
	else
		ua->call = call;
	return err;
}

/**
 * ua_call_receive() - an INVITE has come in, outside of a call
 * @msg: the INVITE
 * @arg: the terminal
 */
void ua_call_receive(const struct sip_msg *msg, void *arg)
{
	struct ua_event event = { .type = UA_INCOMING };
	struct ua_call *call = NULL;
	struct ua *ua = arg;
	int err;

	if (ua->call || ua->config.answering == UA_ANSWER_NEVER) {
		(void)sip_treply(NULL, ua->sip, msg, 486, "Busy Here");
		return;
	}
	err = call_alloc(&call, ua);
	if (!err)
		err = pl_strdup(&call->uri, &msg->from.auri);
	if (err)
		goto refuse;
	call->offered = mbuf_get_left(msg->mb) > 0;
	if (call->offered)
		err = sdp_decode(call->sdp, msg->mb, true);
	if (!err)
		err = sipsess_accept(&call->sess, ua->sock, msg, 180, "Ringing", ua->config.user,
				     CONTENT_TYPE, NULL, NULL, NULL, false, offer_receive,
				     answer_receive, established, NULL, NULL, closed, call, NULL);
	if (err)
		goto refuse;
	ua->call = call;
	call_tell(call, &event);
	/* the event may have ended it */
	if (ua->call == call && ua->config.answering == UA_ANSWER_AUTO)
		(void)ua_call_answer(call);
	return;
refuse:
	(void)sip_treply(NULL, ua->sip, msg, err == EBADMSG ? 488 : 500,
			 err == EBADMSG ? "Not Acceptable Here" : "Server Internal Error");
	mem_deref(call);
	ua_tell_error(ua, err, "incoming call");
}

/**
 * ua_call_answer() - take the call
 * @call: a call that came in and rings
 *
 * Return: 0 or an errno.
 */
int ua_call_answer(struct ua_call *call)
{
	struct mbuf *desc = NULL;
	int err;

	err = sdp_encode(&desc, call->sdp, !call->offered);
	if (!err)
		err = sipsess_answer(call->sess, 200, "OK", desc, NULL);
	mem_deref(desc);
	/* the other side's packets may come before its ACK */
	if (!err && call->offered)
		media_update(call);
	return err;
}

/**
 * ua_call_hold() - hold the call, or go on with it
 * @call: an established call
 * @held: which
 *
 * Return: 0 or an errno; ENOENT if there is no audio.
 */
int ua_call_hold(struct ua_call *call, bool held)
{
	struct mbuf *desc = NULL;
	int err;

	if (!call->audio || !call->established)
		return ENOENT;
	ua_audio_hold(call->audio, held);
	err = sdp_encode(&desc, call->sdp, true);
	if (!err)
		err = sipsess_modify(call->sess, desc);
	mem_deref(desc);
	return err;
}

/**
 * ua_call_end() - hang up
 * @call: the call, in any state
 */
void ua_call_end(struct ua_call *call)
{
	call_close(call, 0, NULL);
}
