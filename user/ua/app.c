// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program sends to the port and gets what comes for it at the address that it
 * sent from last. Only programs of this machine can.
 */
#include "app.h"

/**
 * struct ua_app - the socket
 * @us: the socket
 * @peer: where the program sent from last
 * @recvh: called with what it sends
 * @arg: for @recvh
 */
struct ua_app {
	struct udp_sock *us;
	struct sa peer;
	udp_recv_h *recvh;
	void *arg;
};

static void app_destructor(void *arg)
{
	struct ua_app *app = arg;

	mem_deref(app->us);
}

static void app_receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_app *app = arg;

	app->peer = *src;
	app->recvh(src, mb, app->arg);
}

/**
 * ua_app_alloc() - open the socket
 * @appp: set to the socket; drop it with mem_deref()
 * @port: of the loopback address
 * @recvh: called with what the program sends
 * @arg: for @recvh
 *
 * Return: 0 or an errno.
 */
int ua_app_alloc(struct ua_app **appp, uint16_t port, udp_recv_h *recvh, void *arg)
{
	struct ua_app *app = mem_zalloc(sizeof(*app), app_destructor);
	struct sa local;
	int err;

	if (!app)
		return ENOMEM;
	app->recvh = recvh;
	app->arg = arg;
	err = sa_set_str(&local, "127.0.0.1", port);
	if (!err)
		err = udp_listen(&app->us, &local, app_receive, app);
	if (err)
		mem_deref(app);
	else
		*appp = app;
	return err;
}

/**
 * ua_app_send() - hand something to the program, if it has ever sent
 * @app: the socket, or NULL
 * @mb: what
 */
void ua_app_send(struct ua_app *app, struct mbuf *mb)
{
	if (app && sa_isset(&app->peer, SA_ALL))
		(void)udp_send(app->us, &app->peer, mb);
}
