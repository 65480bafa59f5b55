/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stream of datagrams of a call: test packets, or another program's. */
#ifndef NATTRAV_UA_DATA_H
#define NATTRAV_UA_DATA_H

#include "audio.h"

struct ua_data;

int ua_data_alloc(struct ua_data **datap, const struct ua_config *config, size_t index,
		  const struct sa *local, struct sdp_session *sdp, ua_first_h *first, void *arg);
void ua_data_update(struct ua_data *data);
void ua_data_stats(const struct ua_data *data, struct ua_stats *stats);

#endif
