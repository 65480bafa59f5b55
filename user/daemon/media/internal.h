/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The media side from inside.
 */
#ifndef NATTRAVD_MEDIA_INTERNAL_H
#define NATTRAVD_MEDIA_INTERNAL_H

#include <re.h>

#include "datapath/datapath.h"
#include "media/call.h"

/* RTP and RTCP of each media line. */
#define MEDIA_STREAMS_MAX (2 * SDP_MEDIA_MAX)

/**
 * struct media - the media side
 * @ops: the datapath
 * @datapath: the connection to it
 * @calls: hash of struct call by name
 * @config: the configuration
 * @warn_since: start of the present interval of intruder warnings, in ms
 * @warned: how many were written in it
 * @unwarned: how many were left out
 */
struct media {
	const struct datapath_ops *ops;
	struct datapath *datapath;
	struct hash *calls;
	const struct config *config;
	uint64_t warn_since;
	unsigned int warned;
	unsigned int unwarned;
};

/* call.c */
void stream_remove(const struct media *media, const struct call *call, struct call_stream *stream);
void stream_remove_rtcp(const struct media *media, const struct call *call,
			struct call_stream *stream);

/* watch.c */
int media_watch(struct media *media);

#endif
