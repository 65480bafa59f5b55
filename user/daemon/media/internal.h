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
 * @ending: hash of struct call that have ended and wait for their last counters
 * @report: whom to tell of them, or NULL
 * @report_arg: its argument
 * @gone: whom to tell of calls that ended by themselves, or NULL
 * @gone_arg: its argument
 * @snapshot: answers nattravctl
 * @warn_since: start of the present interval of intruder warnings, in ms
 * @warned: how many were written in it
 * @unwarned: how many were left out
 */
struct media {
	const struct datapath_ops *ops;
	struct datapath *datapath;
	struct hash *calls;
	struct hash *ending;
	media_report_fn *report;
	void *report_arg;
	media_gone_fn *gone;
	void *gone_arg;
	const struct config *config;
	struct snapshot_server *snapshot;
	uint64_t warn_since;
	unsigned int warned;
	unsigned int unwarned;
};

/* call.c */
void stream_remove(const struct media *media, const struct call *call, struct call_stream *stream);
void stream_remove_rtcp(const struct media *media, const struct call *call,
			struct call_stream *stream);

/* media.c */
void call_gone(const struct media *media, struct call *call);

/* report.c */
void report_add(struct call *call, const struct call_stream *record,
		const struct nattrav_stream *stream);
void report_finish(struct call *call);
void report_await(struct media *media, struct call *call);

/* watch.c */
int media_watch(struct media *media);

#endif
