/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nattravd tells nattravctl of itself: which datapath it uses, and the
 * streams in it where the kernel cannot be asked for them.
 *
 * Whoever connects to the socket is sent one message with a file descriptor: a
 * file that holds a struct snapshot, the streams and the pools. Both programs are
 * of the same version, or the reader goes no further than the version. The name
 * is an abstract one, and so belongs to the network namespace that is relayed
 * in; only root and nattravd's own user are answered.
 */
#ifndef NATTRAVD_SNAPSHOT_H
#define NATTRAVD_SNAPSHOT_H

#include <nattrav.h>

#define SNAPSHOT_SOCKET "nattravd"

/**
 * struct snapshot - the beginning of the file
 * @version: NATTRAV_VERSION of nattravd
 * @datapath: name of the datapath
 * @missing: what it does not do, a line for each
 * @trouble: what keeps it from working at the moment, or ""
 * @info: totals
 * @streams: how many struct nattrav_stream follow
 * @pools: how many struct nattrav_pool follow them
 */
struct snapshot {
	char version[32];
	char datapath[16];
	char missing[1024];
	char trouble[512];
	struct nattrav_info info;
	uint32_t streams;
	uint32_t pools;
};

struct media;
struct snapshot_server;

int snapshot_open(struct snapshot_server **server, struct media *media);

#endif
