/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What "save" writes and "restore" reads: a JSON object with the pools and the
 * streams, in the names of the netlink specification.
 */
#ifndef NATTRAVCTL_SAVED_H
#define NATTRAVCTL_SAVED_H

#include <stdio.h>
#include "parse.h"

/* Grows when a file of this version cannot be understood by older readers. */
#define CTL_SAVED_VERSION 1

/**
 * struct ctl_saved - the contents of a file
 * @pools: the pools
 * @pool_count: how many
 * @streams: the streams, with the ids that they had; RTCP streams among them if
 *	they are not told by their RTP stream
 * @stream_count: how many
 */
struct ctl_saved {
	struct nattrav_pool *pools;
	size_t pool_count;
	struct nattrav_stream *streams;
	size_t stream_count;
};

/* What an RTCP leg gets from its RTP leg; it has no window and no probation. */
#define CTL_SAVED_SHARED                                                                      \
	(NATTRAV_LEG_PREFIXES | NATTRAV_LEG_PAYLOAD_TYPES | NATTRAV_LEG_GENERATION |          \
	 NATTRAV_LEG_RELATCH | NATTRAV_LEG_RATE | NATTRAV_LEG_CLOCK_RATE | NATTRAV_LEG_DSCP | \
	 NATTRAV_LEG_MANY_SSRC)

int ctl_saved_addr_compare(const struct nattrav_addr *a, const struct nattrav_addr *b);
bool ctl_saved_alike(const struct nattrav_stream *rtp, const struct nattrav_stream *rtcp);
bool ctl_saved_read(FILE *file, struct ctl_saved *saved, char error[CTL_ERROR_SIZE]);
void ctl_saved_free(struct ctl_saved *saved);

#endif
