/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal, as its parts see it. */
#ifndef NATTRAV_UA_INTERNAL_H
#define NATTRAV_UA_INTERNAL_H

#include "digest.h"
#include "ua.h"

/**
 * struct ua - a terminal
 * @config: what it was made with
 * @credentials: for digest
 * @local: own SIP address
 * @domain: of the address of record
 * @aor: address of record
 * @registrar: Request-URI of REGISTER
 * @route: URI of the server, for Route
 * @instance: +sip.instance, a URN
 * @dnsc: to resolve names in Record-Route
 * @sip: libre's stack
 * @sock: its sessions
 * @reg: the registration, or NULL
 * @path: the path that it opened, or NULL while there is none
 * @call: the call, or NULL
 * @tmr: until UA_STOPPED
 * @handler: told of each event
 * @arg: for @handler
 */
struct ua {
	struct ua_config config;
	struct ua_credentials credentials;
	struct sa local;
	char *domain;
	char *aor;
	char *registrar;
	char *route;
	char *instance;
	struct dnsc *dnsc;
	struct sip *sip;
	struct sipsess_sock *sock;
	struct ua_reg *reg;
	struct ua_path *path;
	struct ua_call *call;
	struct tmr tmr;
	ua_event_h *handler;
	void *arg;
};

static inline void ua_tell(const struct ua *ua, const struct ua_event *event)
{
	ua->handler(event, ua->arg);
}

void ua_tell_error(const struct ua *ua, int err, const char *what);

/* reg.c: the registration */
int ua_reg_alloc(struct ua_reg **regp, struct ua *ua);
void ua_reg_again(struct ua_reg *reg);
bool ua_reg_end(struct ua_reg *reg);

/* path.c: the path that a registration opened */
int ua_path_alloc(struct ua_path **pathp, struct ua *ua, struct udp_sock *us);
void ua_path_interval(struct ua_path *path, uint32_t seconds);
void ua_path_mapped(struct ua_path *path, const struct sa *mapped);

/* call.c: the call */
int ua_call_dial(struct ua *ua, const char *to);
void ua_call_receive(const struct sip_msg *msg, void *arg);
int ua_call_answer(struct ua_call *call);
int ua_call_hold(struct ua_call *call, bool held);
void ua_call_end(struct ua_call *call);

/* ua.c */
void ua_stopped(struct ua *ua);

#endif
