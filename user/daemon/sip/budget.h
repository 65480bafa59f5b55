/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source may cost before it has proved who it is: replies that could be
 * reflected at somebody else (RFC 3261 section 26.1.5), and log lines.
 */
#ifndef NATTRAVD_SIP_BUDGET_H
#define NATTRAVD_SIP_BUDGET_H

#include "sip/compat.h"

struct budget;

int budget_alloc(struct budget **budgetp);

/**
 * budget_reply() - may a stranger get a reply?
 * @budget: the budget
 * @src: where he sends from; the port does not count, of IPv6 the first 64 bits
 *
 * Ten a second. A source whose messages pass authentication earns more, so that
 * an office behind one NAT can register its phones at once.
 *
 * Return: false for silence.
 */
bool budget_reply(struct budget *budget, const struct sa *src);

/* A message from @src passed authentication. */
void budget_earn(struct budget *budget, const struct sa *src);

/* May a line be logged about @src? Once in ten seconds. */
bool budget_log(struct budget *budget, const struct sa *src);

#endif
