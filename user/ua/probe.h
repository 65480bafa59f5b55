/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the NAT in front of us does, found out with a STUN server and two sockets of
 * our own, beside the flow that is in use.
 */
#ifndef NATTRAV_UA_PROBE_H
#define NATTRAV_UA_PROBE_H

#include <re.h>

#include "search.h"

/**
 * enum ua_probe_method - how it is seen whether a silent flow is still there
 * @UA_PROBE_NONE: not at all: the server knows no RESPONSE-PORT, and the NAT gives
 *	the same port again
 * @UA_PROBE_RESPONSE_PORT: the server is asked from a second socket to answer to the
 *	first one's mapping (RFC 5780 section 4.6)
 * @UA_PROBE_PORT_CHANGE: a flow that was forgotten gets another port
 */
enum ua_probe_method { UA_PROBE_NONE, UA_PROBE_RESPONSE_PORT, UA_PROBE_PORT_CHANGE };

/**
 * struct ua_probe_config - what to find out
 * @server: the STUN server, which for nattravd is the SIP port
 * @other_port: another port of it, or 0: tells whether the mapping depends on the port
 * @local: own address, port 0
 * @min: shortest silence to try, in seconds; 0 to try none
 * @max: longest
 * @start: the first
 */
struct ua_probe_config {
	struct sa server;
	uint16_t other_port;
	struct sa local;
	unsigned int min;
	unsigned int max;
	unsigned int start;
};

/**
 * struct ua_probe_result - what was found out
 * @local: address of the socket
 * @mapped: what the server saw
 * @mapped_other: what its other port saw, not set if there was no answer
 * @method: how the silences were judged
 * @search: what they told; @good and @bad of it are 0 if nothing did
 */
struct ua_probe_result {
	struct sa local;
	struct sa mapped;
	struct sa mapped_other;
	enum ua_probe_method method;
	struct ua_search search;
};

struct ua_probe;

/**
 * typedef ua_probe_h - a silence is over, or all are
 * @err: 0 or why the probe ended early, ENOTSUP if silences cannot be judged here
 * @result: what is known
 * @silence: the silence in seconds, 0 when the probe has ended
 * @survived: whether the flow was there after it
 * @arg: as given
 */
typedef void(ua_probe_h)(int err, const struct ua_probe_result *result, unsigned int silence,
			 bool survived, void *arg);

int ua_probe_alloc(struct ua_probe **probep, const struct ua_probe_config *config,
		   ua_probe_h *handler, void *arg);

#endif
