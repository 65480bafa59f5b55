/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transports that SIP comes over.
 */
#ifndef NATTRAVD_SIP_TRANSPORT_H
#define NATTRAVD_SIP_TRANSPORT_H

#include <stdbool.h>

enum transport {
	TRANSPORT_UDP,
	TRANSPORT_TCP,
	TRANSPORT_TLS,
};

#define TRANSPORT_COUNT 3

/* As it stands in the configuration and in URIs. */
static inline const char *transport_name(enum transport transport)
{
	static const char *const names[TRANSPORT_COUNT] = { "udp", "tcp", "tls" };

	return names[transport];
}

/* As it stands in a Via. */
static inline const char *transport_via(enum transport transport)
{
	static const char *const names[TRANSPORT_COUNT] = { "UDP", "TCP", "TLS" };

	return names[transport];
}

/* Whether what is sent arrives, or the sender is told (RFC 3261 section 17). */
static inline bool transport_is_reliable(enum transport transport)
{
	return transport != TRANSPORT_UDP;
}

#endif
