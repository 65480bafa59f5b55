// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as an SDP, and any of its media lines relayed: the edited body
 * must be one that we would take again, and a second edit must change nothing.
 */
#include <re.h>
#include <stdlib.h>
#include <string.h>

#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void edit(const struct sdp *sdp, uint8_t which, struct mbuf **out)
{
	struct sdp_relay relays[SDP_MEDIA_MAX] = { 0 };
	unsigned int i;

	for (i = 0; i < sdp->media_count; i++) {
		if (!(which >> i & 1) || !sdp->media[i].port)
			continue;
		relays[i].relayed = true;
		sa_set_in(&relays[i].local, 0xcb007101 + i % 2, (uint16_t)(30000 + 2 * i));
	}

	if (sdp_edit(sdp, relays, out))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *once = NULL, *twice = NULL;
	uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN] = { 0 };
	const char *reason;
	struct sdp sdp;
	unsigned int i;
	struct pl body;
	char *copy;

	if (!size)
		return 0;

	/* In memory of its own, so that reading past the end is seen. */
	body.l = size - 1;
	copy = malloc(body.l);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, body.l);
	body.p = copy;

	if (sdp_parse(&sdp, &body, &reason))
		goto out;

	for (i = 0; i < sdp.media_count; i++) {
		sdp_payload_types(&sdp.media[i], mask);
		(void)sdp_media_obstacle(&sdp.media[i]);
		(void)sdp_media_on_hold(&sdp, i);
	}

	edit(&sdp, data[0], &once);
	body.p = (const char *)once->buf;
	body.l = once->end;

	/* It may have grown over a limit; nothing else may be wrong with it. */
	if (sdp_parse(&sdp, &body, &reason)) {
		if (body.l <= SDP_BODY_MAX && strcmp(reason, "SDP Line Too Long"))
			abort();
		goto out;
	}

	edit(&sdp, data[0], &twice);
	if (once->end != twice->end || memcmp(once->buf, twice->buf, once->end))
		abort();

out:
	mem_deref(once);
	mem_deref(twice);
	free(copy);
	return 0;
}
