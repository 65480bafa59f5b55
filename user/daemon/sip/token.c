// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flow tokens: code, side, mark and transport, local address, remote address, in base64url.
 */
#include "sip/token.h"

#include "sip/b64url.h"

#include <string.h>

/* The first byte behind the code: the side, the transport, and whether it is another pass. */
#define BIT_SIDE  0x01
#define BIT_AGAIN 0x80

static size_t address_put(uint8_t *p, const struct sa *sa)
{
	size_t len = 4;
	uint32_t v4;

	if (sa_af(sa) == AF_INET6) {
		len = 16;
		sa_in6(sa, p + 1);
	} else {
		v4 = htonl(sa_in(sa));
		memcpy(p + 1, &v4, sizeof(v4));
	}
	p[0] = (uint8_t)len;
	p[1 + len] = sa_port(sa) >> 8;
	p[2 + len] = sa_port(sa) & 0xff;
	return len + 3;
}

static ssize_t address_get(const uint8_t *p, size_t left, struct sa *sa)
{
	uint16_t port;
	uint32_t v4;
	size_t len;

	if (left < 1)
		return -1;
	len = p[0];
	if ((len != 4 && len != 16) || left < len + 3)
		return -1;

	port = (uint16_t)(p[1 + len] << 8 | p[2 + len]);
	if (len == 16) {
		sa_set_in6(sa, p + 1, port);
	} else {
		memcpy(&v4, p + 1, sizeof(v4));
		sa_set_in(sa, ntohl(v4), port);
	}
	return (ssize_t)len + 3;
}

static int token_sign(const struct secret *secret, const struct pl *callid, const uint8_t *body,
		      size_t len, uint8_t *mac)
{
	const struct pl parts[] = { callid ? *callid : pl_null, { (const char *)body, len } };

	/* whoever chooses his Call-ID must not get a Path by it */
	return secret_mac(secret, callid ? "flow token" : "path token", parts, ARRAY_SIZE(parts),
			  mac);
}

int token_encode(const struct token *token, const struct secret *secret, const struct pl *callid,
		 char *text)
{
	uint8_t bytes[TOKEN_BYTES_MAX];
	uint8_t *body = bytes + SECRET_MAC_LEN;
	size_t len = 1;
	int err;

	body[0] = (uint8_t)(token->side | (unsigned int)token->flow.transport << 1 |
			    (token->again ? BIT_AGAIN : 0u));
	len += address_put(body + len, &token->flow.local);
	len += address_put(body + len, &token->flow.remote);
	err = token_sign(secret, callid, body, len, bytes);
	if (!err)
		b64url_encode(bytes, SECRET_MAC_LEN + len, text);
	return err;
}

int token_decode(struct token *token, const struct secret *secret, const struct pl *callid,
		 const struct pl *text)
{
	uint8_t bytes[TOKEN_BYTES_MAX];
	uint8_t mac[SECRET_MAC_LEN];
	const uint8_t *body = bytes + SECRET_MAC_LEN;
	ssize_t total, local, remote;
	size_t len;
	int err;

	total = b64url_decode(text, bytes, sizeof(bytes));
	if (total <= SECRET_MAC_LEN)
		return EBADMSG;
	len = (size_t)total - SECRET_MAC_LEN;

	/* the code first: nothing that is not ours is looked at */
	err = token_sign(secret, callid, body, len, mac);
	if (err)
		return err;
	if (!secret_equal(mac, bytes, sizeof(mac)))
		return EPERM;

	local = address_get(body + 1, len - 1, &token->flow.local);
	if (local < 0)
		return EBADMSG;
	remote = address_get(body + 1 + local, len - 1 - (size_t)local, &token->flow.remote);
	if (remote < 0 || 1 + (size_t)local + (size_t)remote != len ||
	    (body[0] & ~BIT_AGAIN) >> 1 >= TRANSPORT_COUNT)
		return EBADMSG;
	token->side = body[0] & BIT_SIDE ? NATTRAV_SIDE_B : NATTRAV_SIDE_A;
	token->again = body[0] & BIT_AGAIN;
	token->flow.transport = (enum transport)((body[0] & ~BIT_AGAIN) >> 1);
	return 0;
}
