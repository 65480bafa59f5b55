// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops that failed: no more than the configuration names, so that a list will do.
 */
#include "sip/outage.h"

#include "log.h"

/* routes that a reload took away may still be among them */
#define OUTAGES_MAX 256

struct outages {
	struct list list;
};

/**
 * struct outage - a next hop that failed
 * @le: element of outages.list
 * @flow: the flow to it
 * @until: wheel_now() from which on it is asked like others
 */
struct outage {
	struct le le;
	struct flow flow;
	uint64_t until;
};

static void outage_destroy(void *data)
{
	struct outage *outage = data;

	list_unlink(&outage->le);
}

static void outages_destroy(void *data)
{
	struct outages *outages = data;

	list_flush(&outages->list);
}

int outages_alloc(struct outages **outagesp)
{
	*outagesp = mem_zalloc(sizeof(**outagesp), outages_destroy);
	return *outagesp ? 0 : ENOMEM;
}

static struct outage *outage_find(const struct outages *outages, const struct flow *flow)
{
	struct le *le;

	LIST_FOREACH(&outages->list, le) {
		struct outage *outage = le->data;

		if (flow_equal(&outage->flow, flow))
			return outage;
	}

	return NULL;
}

void outage_begin(struct outages *outages, const struct flow *flow, uint64_t ms, const char *why)
{
	struct outage *outage = outage_find(outages, flow);

	if (!outage) {
		outage = list_count(&outages->list) < OUTAGES_MAX ?
				 mem_zalloc(sizeof(*outage), outage_destroy) :
				 NULL;
		if (!outage)
			return;
		outage->flow = *flow;
		list_append(&outages->list, &outage->le, outage);
		log_warn("next hop %s %J: %s; others are asked first",
			 transport_name(flow->listener->transport), &flow->remote, why);
	}
	outage->until = wheel_now() + ms;
}

void outage_end(struct outages *outages, const struct flow *flow)
{
	struct outage *outage = outage_find(outages, flow);

	if (!outage)
		return;
	log_info("next hop %s %J: answers again", transport_name(flow->listener->transport),
		 &flow->remote);
	mem_deref(outage);
}

bool outage_lasts(const struct outages *outages, const struct flow *flow)
{
	const struct outage *outage = outage_find(outages, flow);

	return outage && wheel_now() < outage->until;
}
