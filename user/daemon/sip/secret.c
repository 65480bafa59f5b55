// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HMAC over libcrypto.
 */
#include "sip/secret.h"

#include <openssl/crypto.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

/* With the key in it, since looking up HMAC and hashing the key take longer than the rest. */
static EVP_MAC_CTX *mac_begin(const struct secret *secret)
{
	static char hash[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
		OSSL_PARAM_construct_end(),
	};
	static struct secret last;
	static EVP_MAC_CTX *ctx;
	EVP_MAC *hmac;

	if (ctx && !memcmp(&last, secret, sizeof(last)))
		return EVP_MAC_init(ctx, NULL, 0, NULL) ? ctx : NULL;

	EVP_MAC_CTX_free(ctx);
	hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
	ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac);
	if (!ctx || !EVP_MAC_init(ctx, secret->key, sizeof(secret->key), params)) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	} else {
		last = *secret;
	}
	return ctx;
}

int secret_mac(const struct secret *secret, const char *purpose, const struct pl *parts,
	       size_t count, uint8_t mac[SECRET_MAC_LEN])
{
	uint8_t full[EVP_MAX_MD_SIZE];
	EVP_MAC_CTX *ctx = mac_begin(secret);
	size_t len = sizeof(full);
	struct mbuf *mb;
	size_t i;
	int err;

	mb = mbuf_alloc(256);
	if (!mb)
		return ENOMEM;

	err = mbuf_write_mem(mb, (const uint8_t *)purpose, strlen(purpose) + 1);
	for (i = 0; i < count && !err; i++) {
		err = mbuf_write_u32(mb, htonl((uint32_t)parts[i].l));
		if (!err && parts[i].l)
			err = mbuf_write_pl(mb, &parts[i]);
	}
	if (err)
		goto out;

	if (!ctx || !EVP_MAC_update(ctx, mb->buf, mb->end) ||
	    !EVP_MAC_final(ctx, full, &len, sizeof(full))) {
		err = EINVAL;
		goto out;
	}
	memcpy(mac, full, SECRET_MAC_LEN);
out:
	mem_deref(mb);
	return err;
}

bool secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
