// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing replies.
 */
#include "sip/reply.h"

#include "sip/keyhash.h"
#include "sip/message.h"

#include <string.h>

/* To tag of replies to what could not be decoded: one for all, no dialog comes of it */
#define REFUSED_TAG "refused"

static bool via_write(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct mbuf *mb = arg;

	/* the first was written with its stamp */
	if (hdr->val.p != msg->via.val.p)
		(void)mbuf_printf(mb, "Via: %r\r\n", &hdr->val);
	return false;
}

unsigned long long reply_tag(const struct pl *callid, const struct pl *branch)
{
	return keyhash_pl(keyhash_pl(0, callid), branch);
}

int reply_build(struct mbuf **mbp, const struct sip_msg *msg, const struct sa *src,
		const struct reply *reply)
{
	const struct via_stamp stamp = { &msg->via, *src, reply->keep };
	const struct sip_hdr *cseq = sip_msg_hdr(msg, SIP_HDR_CSEQ);
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb, "SIP/2.0 %u %s\r\n", reply->status, reply->reason);
	err |= mbuf_printf(mb, "Via: %H\r\n", via_stamp_print, &stamp);
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, via_write, mb);
	err |= mbuf_printf(mb, "From: %r\r\nTo: %r", &msg->from.val, &msg->to.val);
	if (reply->status > 100 && !pl_isset(&msg->to.tag))
		err |= mbuf_printf(mb, ";tag=%016llx", reply_tag(&msg->callid, &msg->via.branch));
	err |= mbuf_printf(mb, "\r\nCall-ID: %r\r\nCSeq: %r\r\n", &msg->callid, &cseq->val);
	if (reply->headers)
		err |= mbuf_write_mem(mb, reply->headers->buf, reply->headers->end);
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	if (err) {
		mem_deref(mb);
		return ENOMEM;
	}
	mbuf_set_pos(mb, 0);
	*mbp = mb;
	return 0;
}

void reply_send(const struct flow *flow, const struct sip_msg *msg, const struct reply *reply)
{
	struct mbuf *mb;

	/* nothing answers an ACK (RFC 3261 section 17.1.1.3) */
	if (msg_is(msg, "ACK") || reply_build(&mb, msg, &flow->remote, reply))
		return;
	flow_send(flow, mb);
	mem_deref(mb);
}

static bool name_is(const struct pl *line, const char *name, char compact)
{
	const char *colon = pl_strchr(line, ':');
	struct pl got = { line->p, colon ? (size_t)(colon - line->p) : 0 };

	while (got.l && (got.p[got.l - 1] == ' ' || got.p[got.l - 1] == '\t'))
		got.l--;
	return !pl_strcasecmp(&got, name) || (compact && got.l == 1 && (*got.p | 0x20) == compact);
}

/* Split off a line; what follows is in @rest. The end of the headers is an empty line. */
static struct pl line_next(struct pl *rest)
{
	const char *lf = pl_strchr(rest, '\n');
	struct pl line = { rest->p, lf ? (size_t)(lf - rest->p) : rest->l };

	pl_advance(rest, (ssize_t)(lf ? line.l + 1 : line.l));
	if (line.l && line.p[line.l - 1] == '\r')
		line.l--;
	return line;
}

static bool line_begins(const struct pl *line, const char *text)
{
	const size_t len = strlen(text);

	return line->l >= len && !memcmp(line->p, text, len);
}

void reply_raw(const struct flow *flow, const struct mbuf *datagram, uint16_t status,
	       const char *reason)
{
	struct pl rest = { (const char *)datagram->buf, datagram->end };
	struct pl line = line_next(&rest);
	const struct sa *src = &flow->remote;
	bool via = false;
	struct mbuf *mb;
	int err;

	if (!pl_strchr(&line, ' ') || line_begins(&line, "SIP/") || line_begins(&line, "ACK "))
		return;
	mb = mbuf_alloc(1024);
	if (!mb)
		return;

	err = mbuf_printf(mb, "SIP/2.0 %u %s\r\n", status, reason);
	while (rest.l && !err) {
		line = line_next(&rest);
		if (!line.l)
			break;
		if (name_is(&line, "Via", 'v')) {
			err = mbuf_printf(mb, "%r", &line);
			/* a comma would put the stamp on another value than the top one */
			if (!via && !pl_strchr(&line, ','))
				err |= mbuf_printf(mb, ";received=%j;rport=%u", src, sa_port(src));
			err |= mbuf_write_str(mb, "\r\n");
			via = true;
		} else if (name_is(&line, "To", 't')) {
			err = mbuf_printf(mb, "%r%s\r\n", &line,
					  re_regex(line.p, line.l, ";[ \t]*tag", NULL) ?
						  ";tag=" REFUSED_TAG :
						  "");
		} else if (name_is(&line, "From", 'f') || name_is(&line, "Call-ID", 'i') ||
			   name_is(&line, "CSeq", 0)) {
			err = mbuf_printf(mb, "%r\r\n", &line);
		}
	}
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	if (via && !err)
		flow_send(flow, mb);
	mem_deref(mb);
}
