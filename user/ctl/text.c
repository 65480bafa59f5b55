// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values as people read them; the same spelling is understood by parse.c.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "parse.h"

const char *ctl_family_text(sa_family_t family)
{
	return family == AF_INET6 ? "ipv6" : "ipv4";
}

const char *ctl_addr_text(const struct nattrav_addr *addr, char text[CTL_TEXT_SIZE])
{
	const void *bytes = addr->family == AF_INET6 ? (const void *)&addr->v6 : &addr->v4;

	if (!addr->family || !inet_ntop(addr->family, bytes, text, CTL_TEXT_SIZE))
		snprintf(text, CTL_TEXT_SIZE, "-");
	return text;
}

const char *ctl_endpoint_text(const struct nattrav_endpoint *endpoint, char text[CTL_TEXT_SIZE])
{
	char addr[CTL_TEXT_SIZE];

	ctl_addr_text(&endpoint->addr, addr);
	if (endpoint->addr.family == AF_INET6)
		snprintf(text, CTL_TEXT_SIZE, "[%.46s]:%u", addr, endpoint->port);
	else if (endpoint->addr.family == AF_INET)
		snprintf(text, CTL_TEXT_SIZE, "%.15s:%u", addr, endpoint->port);
	else
		snprintf(text, CTL_TEXT_SIZE, "-");
	return text;
}

/**
 * ctl_loss_percent() - RTP packets of a leg that never came
 * @leg: the leg
 *
 * Return: per cent of those that should have come.
 */
double ctl_loss_percent(const struct nattrav_leg *leg)
{
	/* Packets are not counted as forwarded while the other leg is partial. */
	uint64_t came = leg->packets > leg->received ? leg->packets : leg->received;

	return leg->lost ? 100.0 * leg->lost / (double)(came + leg->lost) : 0;
}

/**
 * ctl_codec_name() - the name of a payload type
 * @payload_type: the payload type
 *
 * Return: its encoding by RFC 3551, section 6; "dynamic" for those that the SDP
 * decides on; NULL for the others.
 */
const char *ctl_codec_name(uint8_t payload_type)
{
	static const char *const names[] = {
		[0] = "PCMU",   [3] = "GSM",   [4] = "G723",  [5] = "DVI4",  [6] = "DVI4",
		[7] = "LPC",    [8] = "PCMA",  [9] = "G722",  [10] = "L16",  [11] = "L16",
		[12] = "QCELP", [13] = "CN",   [14] = "MPA",  [15] = "G728", [16] = "DVI4",
		[17] = "DVI4",  [18] = "G729", [25] = "CelB", [26] = "JPEG", [28] = "nv",
		[31] = "H261",  [32] = "MPV",  [33] = "MP2T", [34] = "H263",
	};

	if (payload_type >= 96 && payload_type <= 127)
		return "dynamic";
	return payload_type < sizeof(names) / sizeof(names[0]) ? names[payload_type] : NULL;
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
