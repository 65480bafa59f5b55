// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values on the command line: numbers, durations, addresses, payload types.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"

/* A number without sign or space before it; @end is set to what follows it. */
static bool number(const char *text, uint64_t max, uint64_t *value, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &stop, 10);
	*end = stop;
	return !errno && *value <= max;
}

const char *ctl_parse_u32(const char *text, uint32_t *value)
{
	const char *end;
	uint64_t wide;

	if (!number(text, UINT32_MAX, &wide, &end) || *end)
		return "is no number (0 to 4294967295)";
	*value = (uint32_t)wide;
	return NULL;
}

const char *ctl_parse_u64(const char *text, uint64_t *value)
{
	const char *end;

	if (!number(text, UINT64_MAX, value, &end) || *end)
		return "is no number (0 to 18446744073709551615)";
	return NULL;
}

/**
 * ctl_parse_duration() - a duration: 30s, 500ms, 3m, 12h, or seconds alone
 * @text: the word
 * @ms: set to milliseconds
 */
const char *ctl_parse_duration(const char *text, uint32_t *ms)
{
	static const struct {
		const char *suffix;
		uint32_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 },
	};
	const char *end;
	uint64_t value;
	size_t i;

	if (!number(text, UINT32_MAX, &value, &end))
		return "is no duration: a number with ms, s, m or h";
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (value > UINT32_MAX / units[i].ms)
			return "is too long (at most 49 days)";
		*ms = (uint32_t)value * units[i].ms;
		return NULL;
	}
	return "is no duration: a number with ms, s, m or h";
}

const char *ctl_parse_u8(const char *text, uint8_t *value)
{
	const char *end;
	uint64_t wide;

	if (!number(text, UINT8_MAX, &wide, &end) || *end)
		return "is no number (0 to 255)";
	*value = (uint8_t)wide;
	return NULL;
}

const char *ctl_parse_switch(const char *text, bool *value)
{
	*value = !strcmp(text, "on");
	return *value || !strcmp(text, "off") ? NULL : "is neither on nor off";
}

const char *ctl_parse_dscp(const char *text, uint8_t *value)
{
	if (!strcmp(text, "carry")) {
		*value = NATTRAV_DSCP_CARRIED;
		return NULL;
	}
	return ctl_parse_u8(text, value) || *value >= NATTRAV_DSCP_CARRIED ?
		       "is no code point (0 to 63, or carry)" :
		       NULL;
}

const char *ctl_parse_addr(const char *text, struct nattrav_addr *addr)
{
	*addr = (struct nattrav_addr){ 0 };
	if (inet_pton(AF_INET, text, &addr->v4) == 1)
		addr->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &addr->v6) == 1)
		addr->family = AF_INET6;
	else
		return "is no IPv4 or IPv6 address";
	return NULL;
}

const char *ctl_parse_family(const char *text, sa_family_t *family)
{
	if (!strcmp(text, "ipv4"))
		*family = AF_INET;
	else if (!strcmp(text, "ipv6"))
		*family = AF_INET6;
	else
		return "is no address family: ipv4 or ipv6";
	return NULL;
}

const char *ctl_parse_relatch(const char *text, enum nattrav_relatch *relatch)
{
	enum nattrav_relatch value;

	for (value = 0; nattrav_relatch_name(value); value++) {
		if (!strcmp(text, nattrav_relatch_name(value))) {
			*relatch = value;
			return NULL;
		}
	}
	return "is neither rebind nor never";
}

/* Copies what is before @mark, and returns what is after it, or NULL without one. */
static const char *split(const char *text, char mark, char *before, size_t size)
{
	const char *at = strchr(text, mark);
	size_t len = at ? (size_t)(at - text) : strlen(text);

	if (len >= size)
		len = size - 1;
	memcpy(before, text, len);
	before[len] = '\0';
	return at ? at + 1 : NULL;
}

static bool port(const char *text, uint16_t *value)
{
	const char *end;
	uint64_t wide;

	if (!number(text, UINT16_MAX, &wide, &end) || *end || !wide)
		return false;
	*value = (uint16_t)wide;
	return true;
}

/*
 * An IPv6 address stands in brackets, since colons are in it; what follows the
 * address is the ":" of the port, or nothing.
 */
static const char *endpoint_addr(const char *text, struct nattrav_addr *value)
{
	const bool brackets = text[0] == '[';
	const char *end = text + brackets + strcspn(text + brackets, brackets ? "]" : ":");
	const char *at = text + brackets;
	char addr[CTL_TEXT_SIZE];

	if ((brackets && *end != ']') || (size_t)(end - at) >= sizeof(addr))
		return NULL;
	memcpy(addr, at, (size_t)(end - at));
	addr[end - at] = '\0';
	if (ctl_parse_addr(addr, value) || (value->family == AF_INET6) != brackets)
		return NULL;
	return end + brackets;
}

static const char *endpoint(const char *text, struct nattrav_endpoint *value, bool port_needed)
{
	const char *after;

	*value = (struct nattrav_endpoint){ 0 };
	/* Without a port no brackets are needed. */
	if (!port_needed && !ctl_parse_addr(text, &value->addr))
		return NULL;
	after = endpoint_addr(text, &value->addr);
	if (!after || (*after && *after != ':'))
		return port_needed ? "is no ADDRESS:PORT or [IPV6-ADDRESS]:PORT" :
				     "is no ADDRESS, ADDRESS:PORT or [IPV6-ADDRESS]:PORT";
	if (!*after)
		return port_needed ? "has no port: ADDRESS:PORT is needed" : NULL;
	return port(after + 1, &value->port) ? NULL : "has no valid port (1 to 65535)";
}

/* ADDRESS:PORT or [ADDRESS]:PORT */
const char *ctl_parse_endpoint(const char *text, struct nattrav_endpoint *value)
{
	return endpoint(text, value, true);
}

/* ADDRESS:PORT, or ADDRESS alone, which leaves the port to the kernel. */
const char *ctl_parse_local(const char *text, struct nattrav_endpoint *value)
{
	return endpoint(text, value, false);
}

/* ADDRESS/LENGTH; ADDRESS alone is a single host. */
const char *ctl_parse_prefix(const char *text, struct nattrav_prefix *prefix)
{
	char addr[CTL_TEXT_SIZE];
	const char *after = split(text, '/', addr, sizeof(addr)), *end;
	uint64_t len, most;

	if (ctl_parse_addr(addr, &prefix->addr))
		return "is no prefix: ADDRESS/LENGTH is needed";
	most = prefix->addr.family == AF_INET6 ? 128 : 32;
	len = most;
	if (after && (!number(after, most, &len, &end) || *end))
		return most == 32 ? "has no valid prefix length (0 to 32)" :
				    "has no valid prefix length (0 to 128)";
	prefix->len = (uint8_t)len;
	return NULL;
}

/* FIRST-LAST */
const char *ctl_parse_ports(const char *text, uint16_t *min, uint16_t *max)
{
	char first[CTL_TEXT_SIZE];
	const char *last = split(text, '-', first, sizeof(first));

	if (!last || !port(first, min) || !port(last, max))
		return "is no range of ports: FIRST-LAST is needed, such as 20000-29999";
	if (*min > *max)
		return "ends before it begins";
	return NULL;
}

/* 0,8,96-127 or any */
const char *ctl_parse_payload_types(const char *text, uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN])
{
	static const char complaint[] =
		"is no list of payload types: numbers and ranges up to 127, such as 0,8,96-127, or any";
	uint64_t first, last;

	if (!strcmp(text, "any")) {
		memset(mask, 0xff, NATTRAV_PAYLOAD_TYPES_LEN);
		return NULL;
	}
	memset(mask, 0, NATTRAV_PAYLOAD_TYPES_LEN);
	for (;;) {
		if (!number(text, 127, &first, &text))
			return complaint;
		last = first;
		if (*text == '-' && (!number(text + 1, 127, &last, &text) || last < first))
			return complaint;
		for (; first <= last; first++)
			mask[first / 8] |= (uint8_t)(1u << (first % 8));
		if (!*text)
			return NULL;
		if (*text++ != ',')
			return complaint;
	}
}
