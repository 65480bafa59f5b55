/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Next hops that did not answer, or asked to be left alone: for a short time others are
 * asked before them, so that not each caller finds out anew.
 */
#ifndef NATTRAVD_SIP_OUTAGE_H
#define NATTRAVD_SIP_OUTAGE_H

#include "sip/flow.h"

struct outages;

/* Make the table of them; drop it with mem_deref(). */
int outages_alloc(struct outages **outagesp);

/**
 * outage_begin() - a next hop failed
 * @outages: the table
 * @flow: the flow to it
 * @ms: how long others are asked first
 * @why: for the log, which is told once until it answers
 */
void outage_begin(struct outages *outages, const struct flow *flow, uint64_t ms, const char *why);

/* It has answered. */
void outage_end(struct outages *outages, const struct flow *flow);

/* Whether others are to be asked before it. */
bool outage_lasts(const struct outages *outages, const struct flow *flow);

#endif
