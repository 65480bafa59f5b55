// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Offers and answers: from tags to sides, from directions to realms, and on to the
 * media side.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "ng/internal.h"
#include "sdp/sdp.h"
#include "sip/keyhash.h"

/* What proxies take as a reason to try the next gateway. */
#define REASON_SESSIONS "Parallel session limit reached"
#define REASON_PORTS    "Ran out of ports"

/**
 * struct exchange - an SDP on its way
 * @ng: the ng protocol
 * @request: it came with
 * @branch: the branch that it is of
 * @from: the side that sent it
 * @role: offer or answer
 */
struct exchange {
	struct ng *ng;
	const struct ng_request *request;
	struct ng_branch *branch;
	enum nattrav_side from;
	enum media_role role;
};

static bool proto_is_secure(const struct pl *proto)
{
	return memmem(proto->p, proto->l, "SAVP", 4) != NULL;
}

/*
 * Keys are for the two ends to agree on; a relay that does not hold them cannot make
 * plain RTP of what is encrypted, nor the other way round.
 */
static const char *transport_obstacle(const struct ng_request *request)
{
	const char *reason;
	struct sdp sdp;
	unsigned int i;

	/* what cannot be read is refused later, for that */
	if (!request->transport.l || sdp_parse(&sdp, &request->sdp, &reason))
		return NULL;

	for (i = 0; i < sdp.media_count; i++) {
		const enum sdp_kind kind = sdp_media_kind(&sdp, i);

		if (kind != SDP_KIND_RTP && kind != SDP_KIND_MIXED)
			continue;
		if (proto_is_secure(&sdp.media[i].proto) != proto_is_secure(&request->transport))
			return "Transport protocol cannot be converted";
	}

	return NULL;
}

static bool realms_known(const struct exchange *exchange)
{
	const struct ng_request *request = exchange->request;
	unsigned int i;

	for (i = 0; i < request->directions; i++) {
		if (config_realm_has_pool(exchange->ng->config, request->direction[i]))
			continue;
		log_warn(
			"ng: call %r: direction \"%s\" is no realm: there must be a \"relay\" line "
			"with that name",
			&request->call_id, request->direction[i]);
		return false;
	}

	return true;
}

/* An offer tells the directions; its answer goes the same way back. */
static void realms_take(const struct exchange *exchange)
{
	const struct ng_request *request = exchange->request;
	struct ng_branch *branch = exchange->branch;

	if (exchange->role != MEDIA_ROLE_OFFER || request->directions < 2)
		return;

	str_ncpy(branch->realm[exchange->from], request->direction[0], sizeof(branch->realm[0]));
	str_ncpy(branch->realm[side_other(exchange->from)], request->direction[1],
		 sizeof(branch->realm[0]));
	branch->call->changed = true;
}

static const char *realm_of(const struct exchange *exchange, enum nattrav_side side)
{
	const char *realm = exchange->branch->realm[side];

	return realm[0] ? realm : NULL;
}

/* The address family of an SDP, where nothing else tells one. */
static int sdp_family(const struct ng_request *request)
{
	const struct sdp_conn *conn;
	const char *reason;
	struct sdp sdp;

	if (sdp_parse(&sdp, &request->sdp, &reason))
		return AF_INET;

	conn = sdp_media_conn(&sdp, 0);
	return conn->value.l > 3 && !memcmp(conn->value.p, "IP6", 3) ? AF_INET6 : AF_INET;
}

/* Who may complete is then up to the realm, and an operator should know. */
static void unknown_tell(const struct exchange *exchange)
{
	static const char *const what[] = {
		[POLICY_ACCESS] = "only media from a public address in the SDP is taken",
		[POLICY_WIDE] = "media from anywhere is taken",
		[POLICY_TRUSTED] = "the address in the SDP is believed",
	};
	const struct config *config = exchange->ng->config;
	const struct config_pool *first = list_ledata(list_head(&config->pools));
	const char *realm = realm_of(exchange, exchange->from);

	if (!realm)
		realm = first->realm;
	log_info("ng: call %r: no received-from for %s; as realm %s has it, %s",
		 &exchange->request->call_id, exchange->from == NATTRAV_SIDE_A ? "a" : "b", realm,
		 what[config_realm_policy(config, realm)]);
}

static void signalling_describe(const struct exchange *exchange, struct media_sdp *sdp)
{
	const struct ng_request *request = exchange->request;
	int family;

	if (sa_isset(&request->received, SA_ADDR)) {
		sdp->src = request->received;
		family = sa_af(&sdp->src);
	} else {
		family = sdp_family(request);
		sa_init(&sdp->src, family);
		unknown_tell(exchange);
	}

	/* where it goes to is known only when an answer comes back from there */
	sa_init(&sdp->dst, request->family != AF_UNSPEC ? request->family : family);
}

static json_t *refuse(const struct exchange *exchange, int status, const char *reason)
{
	if (status == 503)
		reason = !strcmp(reason, MEDIA_REASON_NO_PORT) ? REASON_PORTS : REASON_SESSIONS;

	log_warn("ng: call %r: %s refused: %s", &exchange->request->call_id,
		 exchange->role == MEDIA_ROLE_OFFER ? "offer" : "answer", reason);
	return ng_error(reason);
}

/* A line by which an SDP that this process has relayed knows it again. */
static const char *loop_mark(void)
{
	static char mark[32];

	if (!mark[0])
		(void)re_snprintf(mark, sizeof(mark), "a=nattrav:%016llx\r\n",
				  (unsigned long long)keyhash("loop", 4));
	return mark;
}

/* A call that comes by a second time: what it asks for was done the first time. */
static bool loop_found(const struct ng_request *request)
{
	return request->loop_protect &&
	       memmem(request->sdp.p, request->sdp.l, loop_mark(), strlen(loop_mark())) != NULL;
}

static int loop_mark_add(struct mbuf *out)
{
	const bool open = out->end && out->buf[out->end - 1] != '\n';
	const size_t start = out->pos;
	int err = 0;

	out->pos = out->end;
	if (open)
		err = mbuf_write_str(out, "\r\n");
	if (!err)
		err = mbuf_write_str(out, loop_mark());
	out->pos = start;
	return err;
}

static json_t *reply_unchanged(const struct ng_request *request)
{
	json_t *reply = json_object();

	json_object_set_new_nocheck(reply, "sdp",
				    json_stringn_nocheck(request->sdp.p, request->sdp.l));
	return reply;
}

static json_t *reply_sdp(struct mbuf *out)
{
	json_t *reply = json_object();

	json_object_set_new_nocheck(reply, "sdp",
				    json_stringn_nocheck((const char *)mbuf_buf(out),
							 mbuf_get_left(out)));
	return reply;
}

static json_t *exchange_pass(const struct exchange *exchange)
{
	const struct ng_request *request = exchange->request;
	struct media_sdp sdp = {
		.call = ng_branch_media(exchange->branch),
		.from = exchange->from,
		.role = exchange->role,
		.options = request->options,
		.body = request->sdp,
		.src_realm = realm_of(exchange, exchange->from),
		.dst_realm = realm_of(exchange, side_other(exchange->from)),
	};
	const char *reason = NULL;
	struct mbuf *out = NULL;
	json_t *reply;
	int status;

	signalling_describe(exchange, &sdp);
	status = media_sdp_pass(exchange->ng->media, &sdp, &out, &reason);
	if (status)
		return refuse(exchange, status, reason ? reason : "Failed to parse SDP");

	reply = request->loop_protect && loop_mark_add(out) ? ng_error("Out of memory") :
							      reply_sdp(out);
	mem_deref(out);
	return reply;
}

/* A call that has no streams has nothing that would have to be remembered. */
static void exchange_end(const struct exchange *exchange)
{
	const struct media_call media = ng_branch_media(exchange->branch);
	struct ng_call *call = exchange->branch->call;

	if (!media_has_call(exchange->ng->media, &media)) {
		ng_branch_forget(exchange->ng, exchange->branch);
		return;
	}

	/* one that was deleted with a delay, and goes on */
	wheel_stop(&exchange->branch->ending);
	call->signalled = (uint64_t)time(NULL);
	if (call->changed)
		ng_store_put(exchange->ng->store, call);
	call->changed = false;
}

static json_t *exchange_carry(const struct exchange *exchange, const struct pl *tag,
			      const struct pl *other)
{
	struct ng_branch *branch = exchange->branch;
	json_t *reply;
	int err;

	realms_take(exchange);
	err = ng_branch_add_tag(branch, tag, exchange->from, &exchange->request->label);
	if (!err && !ng_branch_tag(branch, other))
		err = ng_branch_add_tag(branch, other, side_other(exchange->from),
					&(struct pl){ .l = 0 });
	reply = err ? ng_error(err == ENOSPC ? "Too many tags" : "Out of memory") :
		      exchange_pass(exchange);
	exchange_end(exchange);
	return reply;
}

static json_t *reply_load_limit(const struct ng_request *request, const char *message)
{
	json_t *reply;

	if (!request->load_limit)
		return ng_error(REASON_SESSIONS);

	reply = json_object();
	ng_set_string(reply, "result", "load limit");
	ng_set_string(reply, "message", message);
	return reply;
}

json_t *ng_offer(struct ng *ng, const struct ng_request *request)
{
	struct exchange exchange = { .ng = ng, .request = request, .role = MEDIA_ROLE_OFFER };
	const uint32_t limit = ng->config->ng_calls;
	const char *obstacle;
	bool known;
	int err;

	ng->stats.offers++;
	if (!request->call_id.p)
		return ng_error("No call-id in message");
	if (!request->from_tag.l)
		return ng_error("No from-tag in message");
	if (!request->sdp.l)
		return ng_error("No SDP body in message");

	known = ng_call_find(ng->calls, &request->call_id) != NULL;
	if (known && loop_found(request))
		return reply_unchanged(request);
	if (!known && ng->draining)
		return reply_load_limit(request, "Gateway is draining");
	if (!known && limit && ng_calls_count(ng->calls) >= limit)
		return ng_error(REASON_SESSIONS);
	if (!realms_known(&exchange))
		return ng_error("Unknown interface");
	obstacle = transport_obstacle(request);
	if (obstacle)
		return refuse(&exchange, 488, obstacle);

	err = ng_branch_offer(&exchange.branch, &exchange.from, ng->calls, request);
	if (err)
		return ng_error(err == ENOSPC ? "Too many branches" : "Out of memory");

	ng->stats.calls += !known;
	return exchange_carry(&exchange, &request->from_tag, &request->to_tag);
}

json_t *ng_answer(struct ng *ng, const struct ng_request *request)
{
	struct exchange exchange = { .ng = ng, .request = request, .role = MEDIA_ROLE_ANSWER };
	struct ng_call *call;

	ng->stats.answers++;
	if (!request->call_id.p)
		return ng_error("No call-id in message");
	if (!request->from_tag.l)
		return ng_error("No from-tag in message");
	if (!request->to_tag.l)
		return ng_error("No to-tag in message");
	if (!request->sdp.l)
		return ng_error("No SDP body in message");

	call = ng_call_find(ng->calls, &request->call_id);
	if (call && loop_found(request))
		return reply_unchanged(request);
	exchange.branch = call ? ng_branch_answer(&exchange.from, call, request) : NULL;
	if (!exchange.branch)
		return ng_error("Unknown call-id");

	return exchange_carry(&exchange, &request->to_tag, &request->from_tag);
}
