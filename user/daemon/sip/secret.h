/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key of this gateway: signs flow tokens and digest nonces. It lives in
 * the database, so that both stay valid over a restart.
 */
#ifndef NATTRAVD_SIP_SECRET_H
#define NATTRAVD_SIP_SECRET_H

#include "sip/compat.h"

#define SECRET_KEY_LEN 32
/* 80 bits: what RFC 5626 section 5.2 suggests for a flow token */
#define SECRET_MAC_LEN 10

/**
 * struct secret - a key for HMAC-SHA256
 * @key: its bytes
 */
struct secret {
	uint8_t key[SECRET_KEY_LEN];
};

/**
 * secret_mac() - HMAC-SHA256-80 over several parts
 * @secret: the key
 * @purpose: what the code is for: one made for a nonce is no flow token
 * @parts: what is signed; each goes in with its length
 * @count: how many parts
 * @mac: the code
 *
 * Return: 0, ENOMEM or EINVAL if libcrypto refuses.
 */
int secret_mac(const struct secret *secret, const char *purpose, const struct pl *parts,
	       size_t count, uint8_t mac[SECRET_MAC_LEN]);

/* Compare in a time that does not depend on where they differ. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
