/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nattravd is doing, over HTTP: /status in JSON for people and scripts,
 * /metrics for Prometheus; and the ng protocol for who asks it with POST.
 */
#ifndef NATTRAVD_STATUS_H
#define NATTRAVD_STATUS_H

#include "ng/ng.h"
#include "sip/server.h"

struct status;

/**
 * status_alloc() - begin to answer
 * @statusp: set to it; drop it with mem_deref() before the server
 * @addr: where, an address of loopback
 * @server: SIP, or NULL
 * @ng: the ng protocol, or NULL
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int status_alloc(struct status **statusp, const struct sa *addr, const struct server *server,
		 struct ng *ng);

/* The two pages, for the tests; drop them with mem_deref(). */
struct mbuf *status_json(const struct server *server, const struct ng *ng);
struct mbuf *status_metrics(const struct server *server, const struct ng *ng);

#endif
