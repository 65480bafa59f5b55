// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which challenge is answered, and how. A challenge of a realm that is not the
 * configured one gets nothing: whoever answers any realm lets any server collect
 * hashes of the password (threat S12).
 */
#include "digest.h"

#include <openssl/sha.h>
#include <string.h>

#define HASH_MAX SHA256_DIGEST_LENGTH

/* What a challenge is worth: the stronger algorithm wins, whatever the order. */
static enum ua_digest_algorithm algorithm_read(const struct pl *name)
{
	if (!pl_isset(name) || !pl_strcasecmp(name, "MD5"))
		return UA_DIGEST_MD5;
	if (!pl_strcasecmp(name, "SHA-256"))
		return UA_DIGEST_SHA256;
	return UA_DIGEST_NONE;
}

/* qop is a list in the challenge: "auth,auth-int" */
static bool qop_has_auth(const struct pl *qop)
{
	struct pl rest = *qop, word;

	while (!re_regex(rest.p, rest.l, "[^, \t]+", &word)) {
		if (!pl_strcasecmp(&word, "auth"))
			return true;
		pl_advance(&rest, word.p + word.l - rest.p);
	}
	return false;
}

/* It goes back inside quotes, on one line; a header may be folded (RFC 3261 section 7.3.1). */
static bool is_plain(const struct pl *pl)
{
	size_t i;

	for (i = 0; i < pl->l; i++)
		if ((uint8_t)pl->p[i] < ' ' || strchr("\"\\\x7f", pl->p[i]))
			return false;
	return true;
}

struct choice {
	const struct ua_credentials *credentials;
	struct httpauth_digest_chall best;
	enum ua_digest_algorithm algorithm;
	bool proxy;
	bool foreign;
};

static bool challenge_read(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct httpauth_digest_chall chall;
	struct choice *choice = arg;
	enum ua_digest_algorithm algorithm;

	(void)msg;
	if (httpauth_digest_challenge_decode(&chall, &hdr->val))
		return false;
	if (pl_strcmp(&chall.realm, choice->credentials->realm)) {
		choice->foreign = true;
		return false;
	}
	/* with nothing but auth-int we cannot answer */
	if (pl_isset(&chall.qop) && !qop_has_auth(&chall.qop))
		return false;
	if (!is_plain(&chall.nonce) || !is_plain(&chall.opaque))
		return false;
	algorithm = algorithm_read(&chall.algorithm);
	if (algorithm <= choice->algorithm)
		return false;
	choice->algorithm = algorithm;
	choice->best = chall;
	choice->proxy = hdr->id == SIP_HDR_PROXY_AUTHENTICATE;
	return false;
}

/**
 * ua_digest_challenge() - take over the best challenge of a 401 or 407
 * @digest: where to keep it; unchanged on an error
 * @msg: the response
 * @credentials: whose realm the challenge must be of
 * @stale: set if the server says that only the nonce was too old
 *
 * Return: 0, EACCES if there are only challenges of other realms, ENOTSUP if
 * none can be answered, ENOMEM.
 */
int ua_digest_challenge(struct ua_digest *digest, const struct sip_msg *msg,
			const struct ua_credentials *credentials, bool *stale)
{
	struct ua_digest fresh = { .count = 0 };
	struct choice choice = { .credentials = credentials };
	int err;

	(void)sip_msg_hdr_apply(msg, true,
				msg->scode == 407 ? SIP_HDR_PROXY_AUTHENTICATE :
						    SIP_HDR_WWW_AUTHENTICATE,
				challenge_read, &choice);
	if (choice.algorithm == UA_DIGEST_NONE)
		return choice.foreign ? EACCES : ENOTSUP;

	fresh.algorithm = choice.algorithm;
	fresh.proxy = choice.proxy;
	fresh.qop = pl_isset(&choice.best.qop);
	err = pl_strdup(&fresh.realm, &choice.best.realm);
	err |= pl_strdup(&fresh.nonce, &choice.best.nonce);
	if (pl_isset(&choice.best.opaque))
		err |= pl_strdup(&fresh.opaque, &choice.best.opaque);
	if (err) {
		ua_digest_reset(&fresh);
		return ENOMEM;
	}
	*stale = !pl_strcasecmp(&choice.best.stale, "true");
	ua_digest_reset(digest);
	*digest = fresh;
	return 0;
}

/* H(text) in lower-case hexadecimal digits, as digest wants all its hashes. */
static int hash_hex(char **hex, enum ua_digest_algorithm algorithm, const char *fmt, ...)
{
	uint8_t hash[HASH_MAX];
	char *text = NULL;
	size_t len;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = re_vsdprintf(&text, fmt, ap);
	va_end(ap);
	if (err)
		return err;
	if (algorithm == UA_DIGEST_SHA256) {
		len = SHA256_DIGEST_LENGTH;
		(void)SHA256((const uint8_t *)text, strlen(text), hash);
	} else {
		len = MD5_SIZE;
		md5((const uint8_t *)text, strlen(text), hash);
	}
	mem_deref(text);
	return re_sdprintf(hex, "%w", hash, len);
}

/**
 * ua_digest_print() - write the header that answers the challenge
 * @mb: where to
 * @digest: the challenge; nothing is written if there is none
 * @credentials: the answer's
 * @method: of the request
 * @uri: of the request
 *
 * Return: 0 or an errno.
 */
int ua_digest_print(struct mbuf *mb, struct ua_digest *digest,
		    const struct ua_credentials *credentials, const char *method, const char *uri)
{
	char *ha1 = NULL, *ha2 = NULL, *response = NULL;
	uint64_t cnonce = rand_u64();
	int err;

	if (digest->algorithm == UA_DIGEST_NONE)
		return 0;

	digest->count++;
	err = hash_hex(&ha1, digest->algorithm, "%s:%s:%s", credentials->user, digest->realm,
		       credentials->password);
	err |= hash_hex(&ha2, digest->algorithm, "%s:%s", method, uri);
	if (err)
		goto out;
	if (digest->qop)
		err = hash_hex(&response, digest->algorithm, "%s:%s:%08x:%016llx:auth:%s", ha1,
			       digest->nonce, digest->count, cnonce, ha2);
	else
		err = hash_hex(&response, digest->algorithm, "%s:%s:%s", ha1, digest->nonce, ha2);
	if (err)
		goto out;

	err = mbuf_printf(mb,
			  "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
			  "response=\"%s\", algorithm=%s",
			  digest->proxy ? "Proxy-Authorization" : "Authorization",
			  credentials->user, digest->realm, digest->nonce, uri, response,
			  digest->algorithm == UA_DIGEST_SHA256 ? "SHA-256" : "MD5");
	if (digest->opaque)
		err |= mbuf_printf(mb, ", opaque=\"%s\"", digest->opaque);
	if (digest->qop)
		err |= mbuf_printf(mb, ", qop=auth, nc=%08x, cnonce=\"%016llx\"", digest->count,
				   cnonce);
	err |= mbuf_write_str(mb, "\r\n");
out:
	mem_deref(ha1);
	mem_deref(ha2);
	mem_deref(response);
	return err;
}

/**
 * ua_digest_reset() - forget the challenge
 * @digest: where it is kept
 */
void ua_digest_reset(struct ua_digest *digest)
{
	mem_deref(digest->realm);
	mem_deref(digest->nonce);
	mem_deref(digest->opaque);
	memset(digest, 0, sizeof(*digest));
}
