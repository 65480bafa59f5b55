/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A registrar between two passes of a call: it routes as RFC 3261 section 16.4 says, and
 * finds its own Route and Via on top.
 */
#ifndef SIP_PASSES_H
#define SIP_PASSES_H

#include "sip_view.h"

/*
 * It sends a request that it got from nattravd back there: by this Path to this Contact,
 * or, if both are NULL, by the Routes that are behind its own.
 */
void pass_on(struct phone *registrar, const struct sip_msg *msg, const char *path,
	     const char *contact);

/* It sends a response on. */
void pass_back(struct phone *registrar, const struct sip_msg *msg);

#endif
