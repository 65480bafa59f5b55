// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overload.
 */
#include "sip/overload.h"

/* a system call each: not for each message */
#define LOOK_EVERY 64

void overload_check(struct overload *overload, const struct flows *flows)
{
	unsigned int percent;

	if (overload->messages++ % LOOK_EVERY)
		return;

	percent = flows_backlog(flows);
	if (percent > 25)
		overload->high = true;
	else if (percent < 12)
		overload->high = false;
	if (percent > 30)
		overload->full = true;
	else if (percent < 15)
		overload->full = false;
}

uint32_t overload_retry_after(void)
{
	return OVERLOAD_RETRY_MIN + rand_u32() % (OVERLOAD_RETRY_MAX - OVERLOAD_RETRY_MIN + 1);
}
