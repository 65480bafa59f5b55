// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drain.
 */
#include "drain.h"

#include "log.h"

#define LOOK_MS 1000

struct drain {
	const struct served *served;
	bool draining;
	struct wheel_timer look;
};

static void drain_destroy(void *data)
{
	struct drain *drain = data;

	wheel_stop(&drain->look);
}

int drain_alloc(struct drain **drainp, const struct served *served)
{
	struct drain *drain = mem_zalloc(sizeof(*drain), drain_destroy);

	if (!drain)
		return ENOMEM;
	drain->served = served;
	*drainp = drain;
	return 0;
}

static uint32_t calls_count(const struct served *served)
{
	return (served->server ? dialogs_count(served->server->dialogs) : 0) +
	       (served->ng ? ng_count(served->ng) : 0);
}

static void drain_set(struct drain *drain, bool draining)
{
	drain->draining = draining;
	if (drain->served->server)
		drain->served->server->draining = draining;
	if (drain->served->ng)
		ng_drain(drain->served->ng, draining);
}

static void drain_look(void *arg)
{
	struct drain *drain = arg;
	const uint32_t calls = calls_count(drain->served);

	if (!calls) {
		log_info("drained");
		re_cancel();
		return;
	}
	log_debug("draining: %u calls left", calls);
	wheel_start(drain->served->wheel, &drain->look, LOOK_MS, drain_look, drain);
}

void drain_begin(struct drain *drain)
{
	if (drain->draining)
		return;
	drain_set(drain, true);
	log_info("draining: no new calls and registrations; ends when %u calls have",
		 calls_count(drain->served));
	/* not at once: who asked for it is to be answered first */
	wheel_start(drain->served->wheel, &drain->look, 0, drain_look, drain);
}

void drain_cancel(struct drain *drain)
{
	if (!drain->draining)
		return;
	wheel_stop(&drain->look);
	drain_set(drain, false);
	log_info("draining no longer: calls and registrations are taken");
}
