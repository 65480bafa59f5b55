/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Branches of our Vias. They hold a hash of what decides where a request goes,
 * so that one that comes back unchanged is seen (RFC 3261 section 16.6 (8)).
 */
#ifndef NATTRAVD_SIP_BRANCH_H
#define NATTRAVD_SIP_BRANCH_H

#include "sip/flow.h"

/* cookie, 72 random bits, a dot, 64 bits of hash, NUL */
#define BRANCH_LEN (7 + 12 + 1 + 16 + 1)

/* Draw a branch for forwarding @msg. */
void branch_make(char branch[BRANCH_LEN], const struct sip_msg *msg);

/**
 * branch_loops() - has this request been here before, bound for the same target?
 * @flows: our listeners
 * @msg: the request
 *
 * A request that comes back changed is a spiral and may pass (RFC 3261 section
 * 16.3 (4)).
 */
bool branch_loops(const struct flows *flows, const struct sip_msg *msg);

#endif
