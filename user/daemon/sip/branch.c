// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Branches and loops.
 */
#include "sip/branch.h"

#include "sip/b64url.h"
#include "sip/keyhash.h"

#include <string.h>
#include <sys/random.h>

#define RANDOM_LEN 9

/* A retry with credentials, and an in-dialog request, have another CSeq or To tag. */
static uint64_t target_hash(const struct sip_msg *msg)
{
	const struct pl cseq = { (const char *)&msg->cseq.num, sizeof(msg->cseq.num) };
	/*
	 * In its Route a call that comes back by a Path differs from the same call as it
	 * went to the registrar, whose Request-URI it may have kept (RFC 5393 section 4.2.1).
	 */
	const struct sip_hdr *route = sip_msg_hdr(msg, SIP_HDR_ROUTE);
	uint64_t hash = keyhash_pl(0, &msg->ruri);

	if (route)
		hash = keyhash_pl(hash, &route->val);
	hash = keyhash_pl(hash, &msg->callid);
	hash = keyhash_pl(hash, &msg->from.tag);
	hash = keyhash_pl(hash, &msg->to.tag);
	hash = keyhash_pl(hash, &msg->cseq.met);
	return keyhash_pl(hash, &cseq);
}

void branch_make(char branch[BRANCH_LEN], const struct sip_msg *msg)
{
	uint8_t random[RANDOM_LEN];
	char text[B64URL_LEN(RANDOM_LEN) + 1];

	/* never fails for so few bytes once the system is up */
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		rand_bytes(random, sizeof(random));
	b64url_encode(random, sizeof(random), text);
	(void)re_snprintf(branch, BRANCH_LEN, "z9hG4bK%s.%016llx", text,
			  (unsigned long long)target_hash(msg));
}

/* State of branch_loops(). */
struct loop_state {
	const struct flows *flows;
	char hash[18];
};

static bool via_is_loop(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	const struct loop_state *state = arg;
	const size_t len = sizeof(state->hash) - 1;
	struct sip_via via = { .tp = SIP_TRANSP_NONE };

	(void)msg;
	/* hardly ever there: then there is nothing to decode */
	return memmem(hdr->val.p, hdr->val.l, state->hash, len) &&
	       !sip_via_decode(&via, &hdr->val) && via.branch.l == BRANCH_LEN - 1 &&
	       !memcmp(via.branch.p + via.branch.l - len, state->hash, len) &&
	       (flows_find(state->flows, TRANSPORT_UDP, &via.addr) ||
		flows_find(state->flows, TRANSPORT_TCP, &via.addr) ||
		flows_find(state->flows, TRANSPORT_TLS, &via.addr));
}

bool branch_loops(const struct flows *flows, const struct sip_msg *msg)
{
	struct loop_state state = { .flows = flows };

	(void)re_snprintf(state.hash, sizeof(state.hash), ".%016llx",
			  (unsigned long long)target_hash(msg));
	return sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, via_is_loop, &state) != NULL;
}
