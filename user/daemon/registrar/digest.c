// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Digest authentication.
 */
#include "registrar/digest.h"

#include "registrar/replay.h"
#include "sip/b64url.h"
#include "sip/keyhash.h"
#include "sip/message.h"

#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#define NONCE_LIFETIME_S 300
/* two phones behind one NAT must not get the same in the same second */
#define NONCE_SALT  4
#define NONCE_BODY  (4 + NONCE_SALT)
#define NONCE_BYTES (SECRET_MAC_LEN + NONCE_BODY)
#define NONCE_TEXT  (B64URL_LEN(NONCE_BYTES) + 1)
#define HEX_MAX     (2 * EVP_MAX_MD_SIZE + 1)

struct digest {
	const struct config *config;
	const struct secret *secret;
	EVP_MD *sha256;
	EVP_MD *md5;
	struct replay *replay;
};

/**
 * struct credentials - an Authorization header (RFC 7616 section 3.4)
 * @username: user
 * @realm: realm
 * @nonce: nonce
 * @uri: the Request-URI as the sender knew it
 * @response: the proof, in hex
 * @algorithm: hash, empty for MD5
 * @qop: quality of protection
 * @nc: nonce count
 * @cnonce: the sender's nonce
 */
struct credentials {
	struct pl username;
	struct pl realm;
	struct pl nonce;
	struct pl uri;
	struct pl response;
	struct pl algorithm;
	struct pl qop;
	struct pl nc;
	struct pl cnonce;
};

static void digest_destroy(void *data)
{
	struct digest *digest = data;

	EVP_MD_free(digest->sha256);
	EVP_MD_free(digest->md5);
	mem_deref(digest->replay);
}

void digest_reconfigure(struct digest *digest, const struct config *config)
{
	digest->config = config;
	EVP_MD_free(digest->md5);
	digest->md5 = config->md5 ? EVP_MD_fetch(NULL, "MD5", NULL) : NULL;
}

int digest_alloc(struct digest **digestp, const struct config *config, const struct secret *secret)
{
	struct digest *digest;

	digest = mem_zalloc(sizeof(*digest), digest_destroy);
	if (!digest)
		return ENOMEM;
	digest->config = config;
	digest->secret = secret;
	digest->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	digest_reconfigure(digest, config);
	if (!digest->sha256 || (config->md5 && !digest->md5) || replay_alloc(&digest->replay)) {
		mem_deref(digest);
		return ENOTSUP;
	}
	*digestp = digest;
	return 0;
}

static void credential_set(struct credentials *c, const struct pl *name, const struct pl *value)
{
	const struct {
		struct pl name;
		struct pl *value;
	} known[] = {
		{ PL("username"), &c->username }, { PL("realm"), &c->realm },
		{ PL("nonce"), &c->nonce },       { PL("uri"), &c->uri },
		{ PL("response"), &c->response }, { PL("algorithm"), &c->algorithm },
		{ PL("qop"), &c->qop },           { PL("nc"), &c->nc },
		{ PL("cnonce"), &c->cnonce },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		/* the lengths tell most of them apart */
		if (known[i].name.l == name->l && !pl_casecmp(&known[i].name, name)) {
			*known[i].value = *value;
			return;
		}
	}
}

/* Split "name=value, name="value"" at the commas outside of quotes. */
static bool credentials_parse(struct credentials *c, const struct pl *header)
{
	static const char scheme[] = "Digest";
	struct pl rest = *header;
	struct pl name, value;
	bool quoted;
	size_t n, eq;

	memset(c, 0, sizeof(*c));
	if (rest.l <= sizeof(scheme) - 1)
		return false;
	name = (struct pl){ rest.p, sizeof(scheme) - 1 };
	if (pl_strcasecmp(&name, scheme))
		return false;
	pl_advance(&rest, sizeof(scheme) - 1);

	while (rest.l) {
		eq = rest.l;
		quoted = false;
		for (n = 0; n < rest.l && (quoted || rest.p[n] != ','); n++) {
			if (quoted && rest.p[n] == '\\' && n + 1 < rest.l)
				n++;
			else if (rest.p[n] == '"')
				quoted = !quoted;
			else if (!quoted && rest.p[n] == '=' && eq == rest.l)
				eq = n;
		}
		if (eq < n) {
			name = msg_trim((struct pl){ rest.p, eq });
			value = msg_trim((struct pl){ rest.p + eq + 1, n - eq - 1 });
			if (value.l >= 2 && value.p[0] == '"' && value.p[value.l - 1] == '"') {
				value.p++;
				value.l -= 2;
			}
			credential_set(c, &name, &value);
		}
		pl_advance(&rest, (ssize_t)MIN(n + 1, rest.l));
	}
	return true;
}

static int nonce_sign(const struct digest *digest, const struct sa *src, const uint8_t *body,
		      uint8_t *mac)
{
	struct pl parts[2] = { { (const char *)body, NONCE_BODY }, PL_INIT };
	char addr[64];
	int err;

	if (re_snprintf(addr, sizeof(addr), "%j", src) < 0)
		return EINVAL;
	pl_set_str(&parts[1], addr);
	err = secret_mac(digest->secret, "digest nonce", parts, ARRAY_SIZE(parts), mac);
	return err;
}

static int nonce_make(const struct digest *digest, const struct sa *src, char *text)
{
	const uint32_t stamp = htonl((uint32_t)time(NULL));
	uint8_t bytes[NONCE_BYTES];
	int err;

	memcpy(bytes + SECRET_MAC_LEN, &stamp, sizeof(stamp));
	rand_bytes(bytes + SECRET_MAC_LEN + sizeof(stamp), NONCE_SALT);
	err = nonce_sign(digest, src, bytes + SECRET_MAC_LEN, bytes);
	if (!err)
		b64url_encode(bytes, sizeof(bytes), text);
	return err;
}

static bool nonce_fresh(const struct digest *digest, const struct sa *src, const struct pl *text)
{
	uint8_t bytes[NONCE_BYTES];
	uint8_t mac[SECRET_MAC_LEN];
	uint32_t stamp;

	if (b64url_decode(text, bytes, sizeof(bytes)) != sizeof(bytes) ||
	    nonce_sign(digest, src, bytes + SECRET_MAC_LEN, mac) ||
	    !secret_equal(mac, bytes, sizeof(mac)))
		return false;
	memcpy(&stamp, bytes + SECRET_MAC_LEN, sizeof(stamp));
	/* unsigned: a stamp out of the future is as old as can be */
	return (uint32_t)time(NULL) - ntohl(stamp) <= NONCE_LIFETIME_S;
}

/* The hash of printed text, in hex. */
static int hash_print(const EVP_MD *md, char hex[HEX_MAX], const char *fmt, ...)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	struct mbuf *mb;
	size_t i;
	va_list ap;
	int err;

	mb = mbuf_alloc(256);
	if (!mb)
		return ENOMEM;
	va_start(ap, fmt);
	err = mbuf_vprintf(mb, fmt, ap);
	va_end(ap);
	if (!err && !EVP_Digest(mb->buf, mb->end, bytes, &len, md, NULL))
		err = EINVAL;
	for (i = 0; !err && i < len; i++) {
		hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	hex[(size_t)2 * len] = '\0';
	mem_deref(mb);
	return err;
}

/* Whether @c proves the password (RFC 7616 section 3.4.1, qop=auth). */
static bool credentials_prove(const struct digest *digest, const struct credentials *c,
			      const EVP_MD *md, const struct pl *method, const char *password)
{
	char ha1[HEX_MAX], ha2[HEX_MAX], want[HEX_MAX];
	char *got;
	bool same;

	if (hash_print(md, ha1, "%r:%s:%s", &c->username, digest->config->domain, password) ||
	    hash_print(md, ha2, "%r:%r", method, &c->uri) ||
	    hash_print(md, want, "%s:%r:%r:%r:%r:%s", ha1, &c->nonce, &c->nc, &c->cnonce, &c->qop,
		       ha2))
		return false;
	if (c->response.l != strlen(want) || pl_strdup(&got, &c->response))
		return false;
	same = secret_equal(got, want, c->response.l);
	mem_deref(got);
	return same;
}

/* What is signed must be what is asked for (RFC 7616 section 3.4.6), in whatever spelling. */
static bool uri_matches(const struct pl *signed_uri, const struct sip_msg *msg)
{
	struct uri uri;

	return !uri_decode(&uri, signed_uri) && !pl_cmp(&uri.user, &msg->uri.user) &&
	       !pl_casecmp(&uri.host, &msg->uri.host);
}

static const EVP_MD *credentials_hash(const struct digest *digest, const struct credentials *c)
{
	if (!pl_isset(&c->algorithm) || !pl_strcasecmp(&c->algorithm, "MD5"))
		return digest->md5;
	return pl_strcasecmp(&c->algorithm, "SHA-256") ? NULL : digest->sha256;
}

/* RFC 7616 section 3.4.3: eight digits of hex. */
static bool count_decode(const struct pl *text, uint32_t *nc)
{
	if (text->l != 8)
		return false;
	*nc = pl_x32(text);
	return *nc != 0;
}

/* What a request is known by: a retransmission is the same request. */
static uint64_t request_key(const struct sip_msg *msg)
{
	const struct pl cseq = { (const char *)&msg->cseq.num, sizeof(msg->cseq.num) };

	return keyhash_pl(keyhash_pl(keyhash_pl(0, &msg->callid), &msg->met), &cseq);
}

static enum digest_verdict credentials_check(const struct digest *digest, struct credentials *c,
					     const struct sip_msg *msg, const struct sa *src,
					     const struct config_user **user)
{
	const struct config_user *known = config_user_find(digest->config, &c->username);
	const EVP_MD *md = credentials_hash(digest, c);
	uint32_t nc;
	bool proved;

	if (!md || pl_strcasecmp(&c->qop, "auth") || !pl_isset(&c->username) ||
	    !pl_isset(&c->nonce) || !count_decode(&c->nc, &nc) || !pl_isset(&c->cnonce) ||
	    !uri_matches(&c->uri, msg))
		return DIGEST_MALFORMED;

	proved = credentials_prove(digest, c, md, &msg->met, known ? known->password : "");
	if (!proved || !known)
		return DIGEST_FAILED;
	if (!nonce_fresh(digest, src, &c->nonce) ||
	    !replay_check(digest->replay, &c->nonce, nc, request_key(msg)))
		return DIGEST_STALE;
	*user = known;
	return DIGEST_PASSED;
}

bool digest_is_ours(const struct digest *digest, const struct sip_hdr *hdr)
{
	struct credentials c;

	return credentials_parse(&c, &hdr->val) && !pl_strcmp(&c.realm, digest->config->domain);
}

/* A look for the first header for our realm, which counts. */
struct search {
	const char *realm;
	struct credentials credentials;
};

static bool is_ours(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct search *search = arg;

	(void)msg;
	return credentials_parse(&search->credentials, &hdr->val) &&
	       !pl_strcmp(&search->credentials.realm, search->realm);
}

static bool credentials_find(struct credentials *c, const struct digest *digest,
			     const struct sip_msg *msg, enum sip_hdrid id)
{
	struct search search = { .realm = digest->config->domain };

	if (!sip_msg_hdr_apply(msg, true, id, is_ours, &search))
		return false;
	*c = search.credentials;
	return true;
}

bool digest_username(const struct digest *digest, const struct sip_msg *msg, enum sip_hdrid id,
		     struct pl *name)
{
	struct credentials c;

	if (!credentials_find(&c, digest, msg, id))
		return false;
	*name = c.username;
	return true;
}

enum digest_verdict digest_check(const struct digest *digest, const struct sip_msg *msg,
				 enum sip_hdrid id, const struct sa *src,
				 const struct config_user **user)
{
	struct credentials c;

	if (!credentials_find(&c, digest, msg, id))
		return DIGEST_ABSENT;
	return credentials_check(digest, &c, msg, src, user);
}

/*
 * RFC 8760 section 2.4: a client passes over challenges with algorithms that it
 * does not know. libre does not before release 3.12: one such challenge, and it
 * gives up on all. No spelling of the header gets around that, so its users are
 * known by name.
 */
static const char *const md5_agents[] = { "baresip v0.", "baresip v1.", "baresip v2.",
					  "baresip v3.", "nattrav-ua" };

static bool knows_md5_only(const struct digest *digest, const struct sip_msg *msg,
			   enum sip_hdrid id)
{
	const struct sip_hdr *agent = sip_msg_hdr(msg, SIP_HDR_USER_AGENT);
	struct credentials c;
	size_t i, len;

	/* who answered with MD5 when he had the choice will do so again */
	if (credentials_find(&c, digest, msg, id) && credentials_hash(digest, &c) == digest->md5)
		return true;
	for (i = 0; agent && i < ARRAY_SIZE(md5_agents); i++) {
		len = strlen(md5_agents[i]);
		if (agent->val.l >= len && !memcmp(agent->val.p, md5_agents[i], len))
			return true;
	}
	return false;
}

int digest_challenge(const struct digest *digest, const struct sip_msg *msg, enum sip_hdrid id,
		     const struct sa *src, bool stale, bool brief, struct mbuf *mb)
{
	const char *name = id == SIP_HDR_AUTHORIZATION ? "WWW-Authenticate" : "Proxy-Authenticate";
	const char *tail = stale ? ", stale=true" : "";
	char nonce[NONCE_TEXT];
	int err;

	err = nonce_make(digest, src, nonce);
	if (err)
		return err;
	/* of two that do not fit both, the one that all phones know */
	if (!digest->md5 || !(brief || knows_md5_only(digest, msg, id)))
		err = mbuf_printf(mb,
				  "%s: Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\", "
				  "algorithm=SHA-256%s\r\n",
				  name, digest->config->domain, nonce, tail);
	if (digest->md5)
		err |= mbuf_printf(mb,
				   "%s: Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\", "
				   "algorithm=MD5%s\r\n",
				   name, digest->config->domain, nonce, tail);
	return err;
}
