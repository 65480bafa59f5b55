/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What relays the packets of the media side: a set of operations over pools
 * and streams, in the words of libnattrav.
 */
#ifndef NATTRAVD_DATAPATH_H
#define NATTRAVD_DATAPATH_H

#include <nattrav.h>

struct config;

/* A connection to a datapath; each one has its own. */
struct datapath;

/**
 * struct datapath_watch - whom a datapath tells what happens
 * @monitor: events, and all streams anew after events were lost
 * @broken: no more events will come; @err is a negative errno
 */
struct datapath_watch {
	struct nattrav_monitor_ops monitor;
	void (*broken)(int err, void *arg);
};

/**
 * struct datapath_ops - a datapath
 * @name: for the log
 * @missing: what it does not do, or needs of the host: a line for each, ended by
 *	NULL
 * @open: connects; returns 0 or -errno, after it logged what is wrong and what
 *	to do
 * @close: disconnects; the streams stay
 * @error: the last failure in words
 * @error_entry: index of the batch entry that was refused, or -1
 * @info: totals
 * @trouble: what keeps it from working at the moment, or NULL; NULL itself for
 *	a datapath that knows no such thing
 * @pool_new: see nattrav_pool_new(), as the others below
 * @pool_dump: all pools
 * @stream_new: installs streams, all or none
 * @stream_set: changes streams
 * @stream_del: removes streams by id
 * @stream_del_call: removes the streams of a call
 * @stream_get: one stream
 * @stream_dump: all streams
 * @watch: subscribes to events, which come out of libre's main loop
 */
struct datapath_ops {
	const char *name;
	const char *const *missing;
	int (*open)(struct datapath **datapath, const struct config *config);
	void (*close)(struct datapath *datapath);
	const char *(*error)(const struct datapath *datapath);
	int (*error_entry)(const struct datapath *datapath);
	int (*info)(struct datapath *datapath, struct nattrav_info *info);
	const char *(*trouble)(const struct datapath *datapath);
	int (*pool_new)(struct datapath *datapath, struct nattrav_pool *pools, size_t count);
	int (*pool_dump)(struct datapath *datapath, nattrav_pool_fn *fn, void *arg);
	int (*stream_new)(struct datapath *datapath, const struct nattrav_stream *streams,
			  size_t count, struct nattrav_stream *made, size_t made_max);
	int (*stream_set)(struct datapath *datapath, const struct nattrav_stream *streams,
			  size_t count);
	int (*stream_del)(struct datapath *datapath, const uint32_t *ids, size_t count);
	int (*stream_del_call)(struct datapath *datapath, const char *call);
	int (*stream_get)(struct datapath *datapath, uint32_t id, struct nattrav_stream *stream);
	int (*stream_dump)(struct datapath *datapath, nattrav_stream_fn *fn, void *arg);
	int (*watch)(struct datapath *datapath, const struct datapath_watch *watch, void *arg);
};

/* nattrav.ko */
extern const struct datapath_ops datapath_module;

/* The conntrack of a stock kernel. */
extern const struct datapath_ops datapath_conntrack;

const struct datapath_ops *datapath_choose(const struct config *config);

#endif
