// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * HMAC over libcrypto.
 */
#include "sip/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

int secret_mac(const struct secret *secret, const char *purpose, const struct pl *parts,
	       size_t count, uint8_t mac[SECRET_MAC_LEN])
{
	uint8_t full[EVP_MAX_MD_SIZE];
	unsigned int len = sizeof(full);
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

	if (!HMAC(EVP_sha256(), secret->key, sizeof(secret->key), mb->buf, mb->end, full, &len)) {
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
