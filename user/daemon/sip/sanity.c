// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sanity step. The table of its tests is RFC 4475.
 */
#include "sip/sanity.h"

#include "sip/flow.h"
#include "sip/message.h"

#include <string.h>

#define HEADERS_MAX 128
#define VALUES_MAX  32
#define CSEQ_MAX    0x7fffffffu

static bool refuse(struct fault *fault, uint16_t status, const char *reason)
{
	fault->status = status;
	fault->reason = reason;
	return false;
}

bool sanity_token(const struct pl *pl)
{
	size_t i;

	for (i = 0; i < pl->l; i++) {
		const char c = pl->p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    (!c || !strchr("-.!%*_+`'~", c)))
			return false;
	}
	return pl->l > 0;
}

/* Printable and without white space: it goes into log lines. */
static bool is_word(const struct pl *pl)
{
	size_t i;

	for (i = 0; i < pl->l; i++)
		if (pl->p[i] <= ' ' || pl->p[i] > '~')
			return false;
	return pl->l > 0;
}

/*
 * Control characters have no place in a header. A lone CR is white space to one
 * parser and a line end to the next, which would hide a header from us.
 */
static bool check_bytes(const struct mbuf *mb, size_t len, struct fault *fault)
{
	size_t i;

	for (i = 0; i < len; i++) {
		const uint8_t c = mb->buf[i];

		if (c == '\r' && (i + 1 == len || mb->buf[i + 1] != '\n'))
			return refuse(fault, 400, "CR without LF in a Header");
		if (c < ' ' && c != '\t' && c != '\r' && c != '\n')
			return refuse(fault, 400, "Control Character in a Header");
	}
	return true;
}

/*
 * libre knows a header by 12 bits of a hash of its name. A name that collides
 * with one that matters would be taken for it. @repeated: what to say if there
 * are two, NULL if there may be.
 */
static const struct known_header {
	enum sip_hdrid id;
	const char *name;
	const char *repeated;
} known_headers[] = {
	{ SIP_HDR_VIA, "Via", NULL },
	{ SIP_HDR_ROUTE, "Route", NULL },
	{ SIP_HDR_RECORD_ROUTE, "Record-Route", NULL },
	{ SIP_HDR_CONTACT, "Contact", NULL },
	{ SIP_HDR_FROM, "From", "More than one From" },
	{ SIP_HDR_TO, "To", "More than one To" },
	{ SIP_HDR_CALL_ID, "Call-ID", "More than one Call-ID" },
	{ SIP_HDR_CSEQ, "CSeq", "More than one CSeq" },
	{ SIP_HDR_MAX_FORWARDS, "Max-Forwards", "More than one Max-Forwards" },
	{ SIP_HDR_CONTENT_LENGTH, "Content-Length", "More than one Content-Length" },
	{ SIP_HDR_CONTENT_TYPE, "Content-Type", "More than one Content-Type" },
	{ SIP_HDR_CONTENT_ENCODING, "Content-Encoding", NULL },
	{ SIP_HDR_EXPIRES, "Expires", "More than one Expires" },
	{ SIP_HDR_AUTHORIZATION, "Authorization", NULL },
	{ SIP_HDR_PROXY_AUTHORIZATION, "Proxy-Authorization", NULL },
	{ SIP_HDR_PROXY_REQUIRE, "Proxy-Require", NULL },
	{ SIP_HDR_REQUIRE, "Require", NULL },
	{ SIP_HDR_SUPPORTED, "Supported", NULL },
	{ SIP_HDR_PATH, "Path", NULL },
	{ SIP_HDR_SESSION_EXPIRES, "Session-Expires", "More than one Session-Expires" },
	{ SIP_HDR_MIN_SE, "Min-SE", "More than one Min-SE" },
};

static bool check_headers(const struct sip_msg *msg, struct fault *fault)
{
	bool seen[ARRAY_SIZE(known_headers)] = { false };
	const char *last = NULL;
	size_t headers = 0;
	struct le *le;
	size_t i;

	LIST_FOREACH(&msg->hdrl, le) {
		const struct sip_hdr *hdr = le->data;

		/* the values of one line */
		if (hdr->name.p == last)
			continue;
		last = hdr->name.p;
		if (++headers > HEADERS_MAX)
			return refuse(fault, 400, "Too Many Headers");
		if (!sanity_token(&hdr->name))
			return refuse(fault, 400, "Bad Header Name");

		for (i = 0; i < ARRAY_SIZE(known_headers); i++) {
			const struct known_header *known = &known_headers[i];

			if (known->id != hdr->id)
				continue;
			if (hdr->name.l > 1 && pl_strcasecmp(&hdr->name, known->name))
				return refuse(fault, 400, "Header Name Not Supported");
			if (known->repeated && seen[i])
				return refuse(fault, 400, known->repeated);
			seen[i] = true;
		}
	}
	if (sip_msg_hdr_count(msg, SIP_HDR_VIA) > VALUES_MAX)
		return refuse(fault, 400, "Too Many Via Values");
	if (sip_msg_hdr_count(msg, SIP_HDR_ROUTE) > VALUES_MAX)
		return refuse(fault, 400, "Too Many Route Values");
	return true;
}

/* Quotes come in pairs, and no white space or quote stands inside the angle brackets. */
static bool check_address(const struct pl *val, const struct sip_taddr *addr)
{
	const bool bracketed = addr->auri.p > val->p && addr->auri.p[-1] == '<';
	/* outside of brackets white space may stand before the parameters */
	const struct pl uri = bracketed ? addr->auri : msg_trim(addr->auri);
	bool quoted = false;
	size_t i;

	for (i = 0; i < val->l; i++) {
		if (quoted && val->p[i] == '\\')
			i++;
		else if (val->p[i] == '"')
			quoted = !quoted;
	}
	return !quoted && is_word(&uri);
}

static bool check_mandatory(const struct sip_msg *msg, struct fault *fault)
{
	const struct sip_hdr *cseq = sip_msg_hdr(msg, SIP_HDR_CSEQ);
	struct pl number;
	uint32_t n;

	if (!pl_isset(&msg->via.sentby))
		return refuse(fault, 400, "Missing Via");
	if (!is_word(&msg->via.branch))
		return refuse(fault, 400, "Missing Via Branch");
	if (!pl_isset(&msg->from.auri))
		return refuse(fault, 400, "Missing From");
	if (!pl_isset(&msg->to.auri))
		return refuse(fault, 400, "Missing To");
	if (!check_address(&msg->from.val, &msg->from))
		return refuse(fault, 400, "Malformed From");
	if (!check_address(&msg->to.val, &msg->to))
		return refuse(fault, 400, "Malformed To");
	if (!pl_isset(&msg->callid))
		return refuse(fault, 400, "Missing Call-ID");
	if (!is_word(&msg->callid))
		return refuse(fault, 400, "Malformed Call-ID");
	if (!cseq)
		return refuse(fault, 400, "Missing CSeq");

	number = cseq->val;
	for (n = 0; n < number.l && number.p[n] >= '0' && number.p[n] <= '9'; n++)
		;
	number.l = n;
	if (msg_number(&number, CSEQ_MAX, &n) || !sanity_token(&msg->cseq.met))
		return refuse(fault, 400, "Malformed CSeq");
	return true;
}

static bool check_numbers(const struct sip_msg *msg, struct fault *fault)
{
	uint32_t n;

	if (sip_msg_hdr(msg, SIP_HDR_MAX_FORWARDS) && msg_number(&msg->maxfwd, 255, &n))
		return refuse(fault, 400, "Malformed Max-Forwards");
	if (sip_msg_hdr(msg, SIP_HDR_EXPIRES) &&
	    msg_number(&msg->expires, UINT32_MAX, &n) == EBADMSG)
		return refuse(fault, 400, "Malformed Expires");
	return true;
}

/*
 * A colon behind the host begins a port, or the host is an IPv6 address that lacks its
 * brackets (RFC 5118 section 4.2): where it ends then is anybody's guess.
 */
static bool is_sound_host(const struct pl *uri)
{
	const char *p = memchr(uri->p, ':', uri->l), *end = uri->p + uri->l;
	const char *at = memrchr(uri->p, '@', uri->l);

	p = (at ? at : p) + 1;
	if (p < end && *p == '[') {
		p = memchr(p, ']', (size_t)(end - p));
		if (!p)
			return false;
		p++;
	}
	while (p < end && !strchr(":;?", *p))
		p++;
	if (p == end || *p != ':')
		return true;
	for (p++; p < end && *p >= '0' && *p <= '9'; p++)
		;
	return p == end || *p == ';' || *p == '?';
}

static bool check_request(const struct sip_msg *msg, struct fault *fault)
{
	size_t i;

	if (!sanity_token(&msg->met))
		return refuse(fault, 400, "Malformed Method");
	if (pl_cmp(&msg->met, &msg->cseq.met))
		return refuse(fault, 400, "CSeq Method Differs from the Request's");
	for (i = 0; i < msg->ruri.l; i++)
		if (strchr("<>\"{}|\\^`", msg->ruri.p[i]))
			return refuse(fault, 400, "Malformed Request-URI");
	if (pl_strcasecmp(&msg->uri.scheme, "sip") && pl_strcasecmp(&msg->uri.scheme, "sips") &&
	    pl_strcasecmp(&msg->uri.scheme, "tel"))
		return refuse(fault, 416, "Unsupported URI Scheme");
	if (pl_strcasecmp(&msg->uri.scheme, "tel") && !is_sound_host(&msg->ruri))
		return refuse(fault, 400, "Malformed Host in the Request-URI");
	/* RFC 3261 section 19.1.1: headers have no place there */
	if (pl_isset(&msg->uri.headers))
		return refuse(fault, 400, "Headers in the Request-URI");
	return true;
}

/* Content-Length against the datagram (RFC 3261 section 18.3). */
static bool check_body(const struct sip_msg *msg, struct fault *fault)
{
	const size_t left = mbuf_get_left(msg->mb);
	uint32_t len;
	int err;

	if (!sip_msg_hdr(msg, SIP_HDR_CONTENT_LENGTH))
		len = (uint32_t)left;
	else {
		err = msg_number(&msg->clen, UINT32_MAX, &len);
		if (err == EBADMSG)
			return refuse(fault, 400, "Malformed Content-Length");
		if (err || len > left)
			return refuse(fault, 400, "Content-Length Beyond the Datagram");
	}
	mbuf_set_end(msg->mb, msg->mb->pos + len);
	if (len && !sip_msg_hdr(msg, SIP_HDR_CONTENT_TYPE))
		return refuse(fault, 400, "Body Without Content-Type");
	return true;
}

static bool check_message(const struct sip_msg *msg, struct fault *fault)
{
	return check_bytes(msg->mb, msg->mb->pos, fault) && check_headers(msg, fault) &&
	       check_mandatory(msg, fault) && check_numbers(msg, fault) &&
	       (msg->req ? check_request(msg, fault) :
			   (msg->scode >= 100 && msg->scode <= 699) ||
				   refuse(fault, 400, "Bad Status Code")) &&
	       check_body(msg, fault);
}

/* A request line that libre does not take: tell a wrong version from the rest. */
static void explain(const struct mbuf *mb, struct fault *fault)
{
	const struct pl raw = { (const char *)mb->buf, mb->end };
	struct pl method, uri, version;

	if (re_regex(raw.p, raw.l, "[^ \t\r\n]+ [^ \t\r\n]+ SIP/[0-9.]+[\r]*[\n]1", &method, &uri,
		     &version, NULL, NULL) ||
	    method.p != raw.p)
		(void)refuse(fault, 400, "Malformed Start Line");
	else if (pl_strcmp(&version, "2.0"))
		(void)refuse(fault, 505, "Version Not Supported");
	else
		(void)refuse(fault, 400, "Malformed Message");
}

int sanity_decode(struct mbuf *mb, struct sip_msg **msgp, struct fault *fault)
{
	int err;

	*msgp = NULL;
	mbuf_set_pos(mb, 0);
	if (mb->end > FLOW_MESSAGE_MAX) {
		(void)refuse(fault, 513, "Message Too Large");
		return EBADMSG;
	}

	err = sip_msg_decode(msgp, mb);
	if (err == ENOMEM)
		return err;
	if (err) {
		*msgp = NULL;
		explain(mb, fault);
		return EBADMSG;
	}
	return check_message(*msgp, fault) ? 0 : EBADMSG;
}
