// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overload.
 */
#include "sip/overload.h"

#include "log.h"

/* a system call each: not for each message */
#define LOOK_EVERY 64
/* between two lines in the log */
#define QUIET_MS 10000

void overload_check(struct overload *overload, const struct flows *flows)
{
	unsigned int percent;

	if (overload->messages++ % LOOK_EVERY)
		return;

	percent = flows_backlog(flows);
	if (percent > 25) {
		if (!overload->high && wheel_now() >= overload->quiet_until) {
			log_warn("overload: more comes than can be answered; what is new gets 503");
			overload->quiet_until = wheel_now() + QUIET_MS;
		}
		overload->high = true;
	} else if (percent < 12) {
		overload->high = false;
	}
	if (percent > 50)
		overload->full = true;
	else if (percent < 25)
		overload->full = false;
}

uint32_t overload_retry_after(void)
{
	return OVERLOAD_RETRY_MIN + rand_u32() % (OVERLOAD_RETRY_MAX - OVERLOAD_RETRY_MIN + 1);
}
