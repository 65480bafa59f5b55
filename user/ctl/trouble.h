/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a stream, as far as its counters tell.
 */
#ifndef NATTRAVCTL_TROUBLE_H
#define NATTRAVCTL_TROUBLE_H

#include "parse.h"

/**
 * struct ctl_sample - counters of a stream at one moment
 * @id: the stream
 * @packets: of each leg
 * @lost: of each leg
 * @intruders: foreign packets of each leg
 */
struct ctl_sample {
	uint32_t id;
	uint64_t packets[2];
	uint32_t lost[2];
	uint64_t intruders[2];
};

/**
 * struct ctl_trouble - what is wrong with a stream
 * @score: how much that matters, 0 for nothing
 * @text: the worst of it, in words
 */
struct ctl_trouble {
	unsigned int score;
	char text[160];
};

/* From this score on somebody cannot hear somebody, or an attack is going on. */
#define CTL_TROUBLE_BAD 200

struct ctl_sample ctl_sample_take(const struct nattrav_stream *stream);
struct ctl_trouble ctl_trouble_find(const struct nattrav_stream *stream,
				    const struct ctl_sample *before);

#endif
