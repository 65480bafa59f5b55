// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values as people read them; the same spelling is understood by parse.c.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "parse.h"

const char *ctl_addr_text(const struct nattrav_addr *addr, char text[CTL_TEXT_SIZE])
{
	if (addr->family != AF_INET || !inet_ntop(AF_INET, &addr->v4, text, CTL_TEXT_SIZE))
		snprintf(text, CTL_TEXT_SIZE, "-");
	return text;
}

const char *ctl_endpoint_text(const struct nattrav_endpoint *endpoint, char text[CTL_TEXT_SIZE])
{
	size_t len;

	ctl_addr_text(&endpoint->addr, text);
	if (endpoint->addr.family == AF_INET) {
		len = strlen(text);
		snprintf(text + len, CTL_TEXT_SIZE - len, ":%u", endpoint->port);
	}
	return text;
}

const char *ctl_prefix_text(const struct nattrav_prefix *prefix, char text[CTL_TEXT_SIZE])
{
	size_t len;

	ctl_addr_text(&prefix->addr, text);
	len = strlen(text);
	snprintf(text + len, CTL_TEXT_SIZE - len, "/%u", prefix->len);
	return text;
}

const char *ctl_duration_text(uint64_t ms, char text[CTL_TEXT_SIZE])
{
	uint64_t s = ms / 1000;

	if (ms % 1000 && s < 60)
		snprintf(text, CTL_TEXT_SIZE, "%" PRIu64 "ms", ms);
	else if (s < 60)
		snprintf(text, CTL_TEXT_SIZE, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(text, CTL_TEXT_SIZE, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else
		snprintf(text, CTL_TEXT_SIZE, "%" PRIu64 "h%02" PRIu64 "m%02" PRIu64 "s", s / 3600,
			 s / 60 % 60, s % 60);
	return text;
}

/**
 * ctl_clean_text() - a text of somebody else, safe for a terminal
 * @from: the text: call ids come from the network
 * @text: set to it, with everything but printable ASCII as "?"
 * @size: room in @text
 */
const char *ctl_clean_text(const char *from, char *text, size_t size)
{
	size_t i;

	for (i = 0; from[i] && i + 1 < size; i++)
		text[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	text[i] = '\0';
	return text;
}

static bool has(const uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN], unsigned int pt)
{
	return pt < 128 && (mask[pt / 8] & (1u << (pt % 8)));
}

const char *ctl_payload_types_text(const uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN],
				   char text[CTL_PAYLOAD_TYPES_SIZE])
{
	unsigned int first, last;
	size_t len = 0;

	text[0] = '\0';
	for (first = 0; first < 128; first = last + 1) {
		last = first;
		if (!has(mask, first))
			continue;
		while (has(mask, last + 1))
			last++;
		len += (size_t)snprintf(text + len, CTL_PAYLOAD_TYPES_SIZE - len,
					first == last ? "%s%u" : "%s%u-%u", len ? "," : "", first,
					last);
	}
	if (!strcmp(text, "0-127"))
		snprintf(text, CTL_PAYLOAD_TYPES_SIZE, "any");
	return text;
}
