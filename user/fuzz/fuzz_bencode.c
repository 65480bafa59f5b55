// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a message of the ng protocol: what is taken must come out again as
 * the same value, and the end of a message in a stream must be where it ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ng/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void frame(const char *text, size_t len, bool whole)
{
	struct ng_frame at_once = { .at = 0 }, by_byte = { .at = 0 };
	const long end = ng_frame_end(&at_once, text, len, false);
	long step = 0;
	size_t i;

	if (end > (long)len || (whole && end != (long)len))
		abort();
	for (i = 0; i <= len && !step; i++)
		step = ng_frame_end(&by_byte, text, i, false);
	if (step != end)
		abort();
}

static void again(const struct ng_message *message, const json_t *json)
{
	struct ng_message copy = *message;
	json_t *other;
	size_t len;
	char *out;

	out = ng_message_encode(message, json, &len);
	/* JSON knows more than bencode, and has no word for all bytes */
	if (!out)
		abort();
	if (!ng_message_split(&copy, out, len, message->cookie_len > 0))
		abort();
	other = ng_message_decode(&copy);
	if (!other || !json_equal(other, json))
		abort();
	json_decref(other);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ng_message message;
	json_t *json;
	bool cookie;
	char *copy;

	if (!size || size > NG_MESSAGE_MAX)
		return 0;

	/* In memory of its own, so that reading past the end is seen. */
	cookie = data[0] & 1;
	size--;
	copy = malloc(size ? size : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size);

	if (ng_message_split(&message, copy, size, cookie)) {
		json = ng_message_decode(&message);
		if (json)
			again(&message, json);
		/* after JSON there may be white space */
		frame(message.body, message.body_len, json && !message.json);
		json_decref(json);
	}
	free(copy);
	return 0;
}
