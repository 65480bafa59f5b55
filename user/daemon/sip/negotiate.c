// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Offers and answers.
 */
#include "sip/negotiate.h"

#include "sip/body.h"
#include "sip/message.h"

/* Whether the bodies of a method are offers and answers (RFC 3264, 3261, 3262, 3311). */
static bool negotiates(const struct sip_msg *msg)
{
	static const char *const methods[] = { "INVITE", "ACK", "PRACK", "UPDATE" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!pl_strcmp(&msg->cseq.met, methods[i]))
			return true;
	}

	return false;
}

/* Whether there is a call, and its SDPs are for this pass to edit. */
static bool is_open(const struct negotiation *negotiation)
{
	const struct dialog *dialog = negotiation->dialog;

	return dialog && !dialog->ended &&
	       dialog_anchors(dialog, negotiation->branch, negotiation->again);
}

/* Where a side of the call is, whose media will come from there: not the registrar between. */
static void side_place(const struct negotiation *negotiation, enum nattrav_side side,
		       const struct flow *flow, struct sa *addr, const char **realm)
{
	const struct flow_id *place = dialog_place(negotiation->dialog, negotiation->branch, side);
	const struct listener *listener =
		place ? flows_find(negotiation->server->flows, place->transport, &place->local) :
			NULL;

	*addr = listener ? place->remote : flow->remote;
	*realm = listener ? listener->realm : flow->listener->realm;
}

static uint16_t sdp_pass(const struct negotiation *negotiation, const struct sip_msg *msg,
			 enum media_role role, struct mbuf **sdp, const char **reason)
{
	struct media_sdp passing = { .from = negotiation->from, .role = role };
	uint16_t status;

	*sdp = NULL;
	*reason = NULL;
	if (!is_open(negotiation) || !negotiates(msg))
		return 0;
	switch (body_find_sdp(msg, &passing.body)) {
	case 0:
		break;
	case ENOENT:
		return 0;
	default:
		*reason = "Unsupported Media Type";
		return 415;
	}
	passing.call = (struct media_call){ msg->callid, dialog_media(negotiation->dialog,
								      negotiation->branch) };
	side_place(negotiation, negotiation->from, negotiation->src, &passing.src,
		   &passing.src_realm);
	side_place(negotiation, side_other(negotiation->from), negotiation->dst, &passing.dst,
		   &passing.dst_realm);
	status = (uint16_t)media_sdp_pass(negotiation->server->media, &passing, sdp, reason);
	if (status && !*reason)
		*reason = "Not Acceptable Here";
	return status;
}

uint16_t negotiate_request(const struct negotiation *negotiation, const struct sip_msg *msg,
			   struct mbuf **sdp, const char **reason)
{
	enum media_role role = MEDIA_ROLE_OFFER;

	if (msg_is(msg, "ACK"))
		role = MEDIA_ROLE_ANSWER;
	else if (msg_is(msg, "PRACK"))
		/* it may answer an offer in the 18x, or make one */
		role = MEDIA_ROLE_UNKNOWN;

	return sdp_pass(negotiation, msg, role, sdp, reason);
}

uint16_t negotiate_response(const struct negotiation *negotiation, const struct sip_msg *msg,
			    const struct sip_msg *request, struct mbuf **sdp, const char **reason)
{
	enum media_role role;
	struct pl offer;

	/* it answers the SDP of its request; to one without, it offers */
	role = body_find_sdp(request, &offer) ? MEDIA_ROLE_OFFER : MEDIA_ROLE_ANSWER;
	return sdp_pass(negotiation, msg, role, sdp, reason);
}

void negotiate_failed(const struct negotiation *negotiation, const struct sip_msg *request)
{
	struct media_call call = { .id = request->callid };
	struct pl offer;

	if (!is_open(negotiation) || !negotiates(request) || body_find_sdp(request, &offer))
		return;
	call.branch = dialog_media(negotiation->dialog, negotiation->branch);
	media_offer_rejected(negotiation->server->media, &call);
}
