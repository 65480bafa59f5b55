/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keeps the registered path open: a timer and a small packet. */
#ifndef NATTRAV_UA_KEEPALIVE_H
#define NATTRAV_UA_KEEPALIVE_H

#include <re.h>

enum ua_keepalive_method { UA_KEEPALIVE_STUN, UA_KEEPALIVE_CRLF, UA_KEEPALIVE_NONE };

struct ua_keepalive;

/**
 * typedef ua_keepalive_h - the outcome of a keep-alive
 * @err: 0, or why the path must be taken as lost
 * @mapped: the address that the server saw, NULL if the method does not tell
 * @rtt: time from the request to the answer in microseconds, 0 if there is none
 * @arg: as given
 */
typedef void(ua_keepalive_h)(int err, const struct sa *mapped, uint64_t rtt, void *arg);

int ua_keepalive_alloc(struct ua_keepalive **kap, struct udp_sock *us, const struct sa *server,
		       enum ua_keepalive_method method, ua_keepalive_h *handler, void *arg);
void ua_keepalive_start(struct ua_keepalive *ka, uint32_t interval);

#endif
