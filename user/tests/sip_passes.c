// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sip_passes.h"

/* Where header values are copied to; so many of them are left out first. */
struct copy {
	struct mbuf *mb;
	unsigned int skip;
};

static bool value_copy(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct copy *copy = arg;

	(void)msg;
	if (copy->skip)
		copy->skip--;
	else
		(void)mbuf_printf(copy->mb, "%r: %r\n", &hdr->name, &hdr->val);
	return false;
}

static void values_copy(struct mbuf *mb, const struct sip_msg *msg, enum sip_hdrid id,
			unsigned int skip)
{
	struct copy copy = { mb, skip };

	(void)sip_msg_hdr_apply(msg, true, id, value_copy, &copy);
}

/* What it does not touch, and the SDP if there is one. */
static void rest_send(struct phone *registrar, struct mbuf *mb, const struct sip_msg *msg)
{
	static const enum sip_hdrid copied[] = {
		SIP_HDR_RECORD_ROUTE, SIP_HDR_FROM, SIP_HDR_TO,
		SIP_HDR_CALL_ID,      SIP_HDR_CSEQ, SIP_HDR_CONTACT
	};
	const size_t len = mbuf_get_left(msg->mb);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(copied); i++)
		values_copy(mb, msg, copied[i], 0);
	(void)mbuf_printf(mb, "%sContent-Length: %zu\n\n", len ? SDP_HEAD : "", len);
	/* phone_send() makes two of a line end */
	for (i = 0; i < len; i++) {
		if (mbuf_buf(msg->mb)[i] != '\r')
			(void)mbuf_write_u8(mb, mbuf_buf(msg->mb)[i]);
	}
	(void)mbuf_write_u8(mb, 0);
	phone_send(registrar, "%s", (const char *)mb->buf);
	mem_deref(mb);
}

void pass_on(struct phone *registrar, const struct sip_msg *msg, const char *path,
	     const char *contact)
{
	static unsigned int branch;
	struct mbuf *mb = mbuf_alloc(2048);
	struct pl ruri = msg->ruri;

	if (contact)
		pl_set_str(&ruri, contact);
	(void)mbuf_printf(mb,
			  "%r %r SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKp%u\n"
			  "Max-Forwards: 60\nRecord-Route: <sip:%J;lr>\n",
			  &msg->met, &ruri, ++branch, &registrar->addr);
	values_copy(mb, msg, SIP_HDR_VIA, 0);
	if (path)
		(void)mbuf_printf(mb, "Route: %s\n", path);
	else
		values_copy(mb, msg, SIP_HDR_ROUTE, 1);
	rest_send(registrar, mb, msg);
}

void pass_back(struct phone *registrar, const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(2048);

	(void)mbuf_printf(mb, "SIP/2.0 %u Passed\n", msg->scode);
	values_copy(mb, msg, SIP_HDR_VIA, 1);
	rest_send(registrar, mb, msg);
}
