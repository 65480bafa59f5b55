// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole server, and datagrams of a stranger and of somebody who has a path: SIP,
 * STUN, CRLF, or anything else. No media side: nobody here gets so far.
 */
#include <stdlib.h>

#include "log.h"
#include "sip/server.h"
#include "sip/shed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct server *server;
static struct flow flow;

static void user_add(struct config *config, const char *name)
{
	struct config_user *user = mem_zalloc(sizeof(*user), NULL);

	if (!user || str_dup(&user->name, name) || str_dup(&user->password, "x"))
		abort();
	hash_append(config->users, hash_joaat_str(name), &user->le, user);
}

static void server_make(void)
{
	static char domain[] = "example.net", database[] = ":memory:";
	static struct config_listen listener = { .transport = TRANSPORT_UDP, .realm = "access" };
	static struct config config = { .domain = NULL,
					.expires_min = 60,
					.expires_max = 600,
					.keepalive = 25,
					.session_expires = 1800,
					.md5 = true };

	config.domain = domain;
	config.database = database;
	(void)libre_init();
	log_set_level(LOG_LEVEL_ERROR);
	if (sa_set_str(&listener.addr, "127.0.0.1", 0) || hash_alloc(&config.users, 16))
		abort();
	list_append(&config.listeners, &listener.le, &listener);
	user_add(&config, "alice");
	if (server_alloc(&server, &config, NULL))
		abort();
	flow.listener = flows_choose(server->flows, TRANSPORT_UDP, AF_INET, "");
	/* discard: nobody there minds the replies */
	if (sa_set_str(&flow.remote, "127.0.0.1", 9))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb;

	if (!server)
		server_make();
	mb = mbuf_alloc(size ? size : 1);
	if (!mb)
		return 0;
	(void)mbuf_write_mem(mb, data, size);
	mbuf_set_pos(mb, 0);
	/* a part of a second, so that there are replies to write */
	wheel_skip(server->wheel, 120);
	/* as under overload, and then as ever */
	(void)shed_receive(server, &flow, mb);
	flow_inject(&flow, mb);
	mem_deref(mb);
	return 0;
}
