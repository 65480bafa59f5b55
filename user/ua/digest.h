/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digest authentication, the client's side (RFC 3261 section 22, RFC 8760).
 * libre before 3.12 answers MD5 only and any realm.
 */
#ifndef NATTRAV_UA_DIGEST_H
#define NATTRAV_UA_DIGEST_H

#include <re.h>

enum ua_digest_algorithm { UA_DIGEST_NONE, UA_DIGEST_MD5, UA_DIGEST_SHA256 };

/**
 * struct ua_digest - a challenge, kept for the requests that follow
 * @algorithm: with what to answer it, UA_DIGEST_NONE if there is no challenge
 * @proxy: it stood in Proxy-Authenticate
 * @qop: "auth" is asked for
 * @realm: as in the challenge
 * @nonce: as in the challenge
 * @opaque: as in the challenge, or NULL
 * @count: requests answered with this nonce
 */
struct ua_digest {
	enum ua_digest_algorithm algorithm;
	bool proxy;
	bool qop;
	char *realm;
	char *nonce;
	char *opaque;
	uint32_t count;
};

/**
 * struct ua_credentials - who answers, and whom
 * @user: name of the user
 * @password: in clear
 * @realm: the only realm that gets an answer
 */
struct ua_credentials {
	const char *user;
	const char *password;
	const char *realm;
};

int ua_digest_challenge(struct ua_digest *digest, const struct sip_msg *msg,
			const struct ua_credentials *credentials, bool *stale);
int ua_digest_print(struct mbuf *mb, struct ua_digest *digest,
		    const struct ua_credentials *credentials, const char *method, const char *uri);
void ua_digest_reset(struct ua_digest *digest);

#endif
