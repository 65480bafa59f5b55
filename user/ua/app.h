/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP socket on the loopback address by which another program sends and receives. */
#ifndef NATTRAV_UA_APP_H
#define NATTRAV_UA_APP_H

#include <re.h>

struct ua_app;

int ua_app_alloc(struct ua_app **appp, uint16_t port, udp_recv_h *recvh, void *arg);
void ua_app_send(struct ua_app *app, struct mbuf *mb);

#endif
