// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drain.
 */
#include "drain.h"

#include "log.h"

#define LOOK_MS 1000

struct drain {
	struct server *server;
	struct wheel_timer look;
};

static void drain_destroy(void *data)
{
	struct drain *drain = data;

	wheel_stop(&drain->look);
}

int drain_alloc(struct drain **drainp, struct server *server)
{
	struct drain *drain = mem_zalloc(sizeof(*drain), drain_destroy);

	if (!drain)
		return ENOMEM;
	drain->server = server;
	*drainp = drain;
	return 0;
}

static void drain_look(void *arg)
{
	struct drain *drain = arg;
	const uint32_t calls = dialogs_count(drain->server->dialogs);

	if (!calls) {
		log_info("drained");
		re_cancel();
		return;
	}
	log_debug("draining: %u calls left", calls);
	wheel_start(drain->server->wheel, &drain->look, LOOK_MS, drain_look, drain);
}

void drain_begin(struct drain *drain)
{
	if (drain->server->draining)
		return;
	drain->server->draining = true;
	log_info("draining: no new calls and registrations; ends when %u calls have",
		 dialogs_count(drain->server->dialogs));
	/* not at once: who asked for it is to be answered first */
	wheel_start(drain->server->wheel, &drain->look, 0, drain_look, drain);
}

void drain_cancel(struct drain *drain)
{
	if (!drain->server->draining)
		return;
	wheel_stop(&drain->look);
	drain->server->draining = false;
	log_info("draining no longer: calls and registrations are taken");
}
