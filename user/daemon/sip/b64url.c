// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * base64url without padding.
 */
#include "sip/b64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void b64url_encode(const uint8_t *data, size_t len, char *text)
{
	unsigned int bits = 0;
	uint32_t acc = 0;

	while (len--) {
		acc = acc << 8 | *data++;
		for (bits += 8; bits >= 6; bits -= 6)
			*text++ = alphabet[acc >> (bits - 6) & 63];
	}
	if (bits)
		*text++ = alphabet[acc << (6 - bits) & 63];
	*text = '\0';
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

ssize_t b64url_decode(const struct pl *text, uint8_t *data, size_t max)
{
	unsigned int bits = 0;
	uint32_t acc = 0;
	size_t n = 0;
	size_t i;
	int v;

	for (i = 0; i < text->l; i++) {
		v = value(text->p[i]);
		if (v < 0)
			return -1;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits < 8)
			continue;
		if (n == max)
			return -1;
		bits -= 8;
		data[n++] = acc >> bits & 0xff;
	}
	/* left over: not a whole character, and nothing but zeros */
	if (bits >= 6 || (acc & ((1u << bits) - 1)))
		return -1;
	return (ssize_t)n;
}
