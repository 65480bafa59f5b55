// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as an SDP, and any of its media lines relayed: the edited body must
 * be one that we would take again, differ in nothing but addresses and ports,
 * and a second edit must change nothing.
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
		if (i % 3 == 1)
			sa_set_in(&relays[i].rtcp, 0xcb007101 + i % 2, 40000);
		if (i % 4 == 3)
			(void)sa_set_str(&relays[i].local, "2001:db8::1", 30000);
	}

	if (sdp_edit(sdp, relays, 0, out))
		abort();
}

/* The next line that an edit must leave alone, with the part of it that may differ cut out. */
static bool lasting_next(struct pl *rest, struct pl *head, struct pl *tail)
{
	struct pl line, eol, value, word;

	while (sdp_line_next(rest, &line, &eol)) {
		const bool known = line.l >= 2 && line.p[1] == '=';

		*head = line;
		*tail = (struct pl)PL("");
		/* a body that did not end in a line end may do so now */
		if (!line.l || (known && *line.p == 'c') || sdp_attr_value(&line, "rtcp", &value) ||
		    sdp_attr_is_ice(&line))
			continue;
		if (known && *line.p == 'o') {
			head->l = 2;
		} else if (known && *line.p == 'm') {
			pl_advance(&line, 2);
			(void)sdp_word_next(&line, &word);
			head->l = (size_t)(word.p + word.l - head->p);
			(void)sdp_word_next(&line, &word);
			*tail = line;
		}
		return true;
	}

	return false;
}

/* Whether nothing but addresses and ports is another than before. */
static void compare(struct pl before, struct pl after)
{
	struct pl head[2], tail[2];
	bool more[2];

	do {
		more[0] = lasting_next(&before, &head[0], &tail[0]);
		more[1] = lasting_next(&after, &head[1], &tail[1]);
		if (more[0] != more[1] ||
		    (more[0] && (pl_cmp(&head[0], &head[1]) || pl_cmp(&tail[0], &tail[1]))))
			abort();
	} while (more[0]);
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
		(void)sdp_media_kind(&sdp, i);
		if (sdp_media_carrier(&sdp, i) >= sdp.media_count)
			abort();
		(void)sdp_media_on_hold(&sdp, i);
	}

	edit(&sdp, data[0], &once);
	compare(body, (struct pl){ (const char *)once->buf, once->end });
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
