// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stream, cut into messages: the cuts must not depend on how it arrives, and
 * none may be longer than allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "sip/frame.h"

#define MESSAGE_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cuts what is there; returns the hash of all cuts. @step bytes come at a time. */
static uint64_t cut(const uint8_t *data, size_t size, size_t step)
{
	size_t end = 0, pos = 0, len;
	uint64_t hash = 0;
	struct pl stream;

	while (end < size) {
		end = MIN(end + step, size);
		for (;;) {
			enum frame frame;

			stream = (struct pl){ (const char *)data + pos, end - pos };
			frame = frame_next(&stream, MESSAGE_MAX, &len);
			if (len > stream.l || len > MESSAGE_MAX)
				abort();
			if (frame == FRAME_BAD)
				return hash * 31 + 7;
			if (frame == FRAME_MORE || frame == FRAME_IDLE)
				break;
			if (!len)
				abort();
			if (frame == FRAME_MESSAGE)
				hash = hash * 31 + pos * 1009 + len;
			pos += len;
		}
	}

	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* in memory of its own, so that reading past the end is seen */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (cut(copy, size, size ? size : 1) != cut(copy, size, 1))
		abort();
	free(copy);
	return 0;
}
