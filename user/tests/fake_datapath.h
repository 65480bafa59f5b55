/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datapath that only takes notes. All its calls can be made to fail.
 */
#ifndef NATTRAVD_FAKE_DATAPATH_H
#define NATTRAVD_FAKE_DATAPATH_H

#include "datapath/datapath.h"

struct datapath {
	struct nattrav_stream streams[32]; /* free if id is 0 */
	uint32_t next_id;
	uint16_t next_port;
	struct nattrav_pool pools[4];
	size_t pool_count;
	size_t pools_made;
	const struct datapath_watch *watch;
	void *watch_arg;
	int fail_open, fail_pool_new, fail_new, fail_set, fail_watch;
	int error_entry;
	bool any_realm;
	unsigned int news, sets, dels, del_calls;
	struct nattrav_stream last_set[8];
	size_t last_set_count;
};

extern struct datapath fake_datapath;
extern const struct datapath_ops fake_datapath_ops;

unsigned int fake_datapath_count(void);

#endif
