/* SPDX-License-Identifier: GPL-2.0-or-later */
/* STUN Binding over sockets of our own or of libre's SIP stack (RFC 8489). */
#ifndef NATTRAV_UA_STUN_H
#define NATTRAV_UA_STUN_H

#include <re.h>

int ua_stun_alloc(struct stun **stunp);
int ua_stun_mapped(struct sa *mapped, const struct stun_msg *msg);
bool ua_stun_is_message(const struct mbuf *mb);

#endif
