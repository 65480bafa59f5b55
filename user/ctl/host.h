/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host tells of itself, in files of /proc and by rtnetlink.
 */
#ifndef NATTRAVCTL_HOST_H
#define NATTRAVCTL_HOST_H

#include <stdio.h>
#include "parse.h"

/**
 * struct ctl_ports - a set of ports
 * @bits: bit (n % 8) of byte (n / 8) is port n
 */
struct ctl_ports {
	uint8_t bits[65536 / 8];
};

bool ctl_ports_has(const struct ctl_ports *ports, uint16_t port);
bool ctl_ports_parse(const char *text, struct ctl_ports *ports);
bool ctl_port_range_parse(const char *text, uint16_t *first, uint16_t *last);
bool ctl_socket_parse(const char *line, bool ipv6, struct nattrav_endpoint *local);
bool ctl_tracked_parse(const char *line, struct nattrav_endpoint *source,
		       struct nattrav_endpoint *to);
bool ctl_module_parse(const char *line, const char *name);
int ctl_addr_is_local(const struct nattrav_addr *addr);

#endif
