/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether more comes than can be answered. What is left in the sockets tells: it
 * waits there, and grows old (RFC 5390).
 */
#ifndef NATTRAVD_SIP_OVERLOAD_H
#define NATTRAVD_SIP_OVERLOAD_H

#include "sip/flow.h"

/* What a client that is turned away is told to wait, in seconds. */
#define OVERLOAD_RETRY_MIN 5
#define OVERLOAD_RETRY_MAX 15

/**
 * struct overload - the present state; zeroed memory is the first one
 * @messages: since the last look
 * @high: more comes than can be answered
 * @full: more comes than can be read: without care some of what calls say is lost
 * @quiet_until: wheel_now() from which on the log may be told again
 */
struct overload {
	unsigned int messages;
	bool high;
	bool full;
	uint64_t quiet_until;
};

/**
 * overload_check() - a message has come
 * @overload: the state
 * @flows: the listeners
 *
 * Looks at the sockets now and then. More than a quarter full is too much, until
 * there is less than an eighth; if it grows on, there is no time for strangers at all.
 */
void overload_check(struct overload *overload, const struct flows *flows);

/* A time to wait, other for each, so that they do not all come back at once. */
uint32_t overload_retry_after(void);

#endif
