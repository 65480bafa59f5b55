/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Digest authentication (RFC 7616, RFC 8760; RFC 3261 section 22). A nonce is a
 * time stamp that only this gateway can have signed, for one source address:
 * strangers leave no state. Of the nonces that were used, counts are kept.
 */
#ifndef NATTRAVD_REGISTRAR_DIGEST_H
#define NATTRAVD_REGISTRAR_DIGEST_H

#include "config.h"
#include "sip/secret.h"

struct digest;

/**
 * enum digest_verdict - what credentials are worth
 * @DIGEST_PASSED: the sender knows the password
 * @DIGEST_ABSENT: no credentials for our realm
 * @DIGEST_STALE: right, but for a nonce of another time or address, or one that was
 *	used with this count
 * @DIGEST_FAILED: unknown user or wrong password
 * @DIGEST_MALFORMED: not to be understood
 */
enum digest_verdict {
	DIGEST_PASSED,
	DIGEST_ABSENT,
	DIGEST_STALE,
	DIGEST_FAILED,
	DIGEST_MALFORMED,
};

/**
 * digest_alloc() - set digest authentication up
 * @digestp: set to it; drop it with mem_deref()
 * @config: realm, users, algorithms
 * @secret: signs the nonces
 *
 * Return: 0 or an errno.
 */
int digest_alloc(struct digest **digestp, const struct config *config, const struct secret *secret);

/**
 * digest_check() - check the credentials of a request
 * @digest: the authenticator
 * @msg: the request
 * @id: SIP_HDR_AUTHORIZATION or SIP_HDR_PROXY_AUTHORIZATION
 * @src: where the request came from
 * @user: set if the verdict is DIGEST_PASSED
 *
 * An unknown user takes the time of a known one.
 */
enum digest_verdict digest_check(const struct digest *digest, const struct sip_msg *msg,
				 enum sip_hdrid id, const struct sa *src,
				 const struct config_user **user);

/* Take another configuration, with the same realm. */
void digest_reconfigure(struct digest *digest, const struct config *config);

/* The user name in the credentials for our realm; false if there are none. */
bool digest_username(const struct digest *digest, const struct sip_msg *msg, enum sip_hdrid id,
		     struct pl *name);

/**
 * digest_challenge() - write the challenges, SHA-256 first (RFC 8760 section 2.4)
 * @digest: the authenticator
 * @msg: the request; its sender may be known to understand MD5 alone
 * @id: SIP_HDR_AUTHORIZATION or SIP_HDR_PROXY_AUTHORIZATION: where the answer will be
 * @src: where the request came from
 * @stale: the credentials were right but for the nonce
 * @brief: write one only
 * @mb: where the header lines go
 *
 * Return: 0 or an errno.
 */
int digest_challenge(const struct digest *digest, const struct sip_msg *msg, enum sip_hdrid id,
		     const struct sa *src, bool stale, bool brief, struct mbuf *mb);

/* Whether a header carries credentials for our realm. */
bool digest_is_ours(const struct digest *digest, const struct sip_hdr *hdr);

#endif
