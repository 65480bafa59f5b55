// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sip_view.h"

static bool route_forward(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)mbuf_printf(arg, "Route: %r\n", &hdr->val);
	return false;
}

void view_set(struct view *view, struct phone *phone, const struct sip_msg *msg,
	      const char *own_tag)
{
	struct mbuf *mb = mbuf_alloc(256);

	view->phone = phone;
	(void)sip_msg_hdr_apply(msg, msg->req, SIP_HDR_RECORD_ROUTE, route_forward, mb);
	mbuf_set_pos(mb, 0);
	assert_int_equal(mbuf_strdup(mb, &view->routes, mb->end), 0);
	mem_deref(mb);
	if (msg->req) {
		assert_int_equal(re_sdprintf(&view->from, "%r;tag=%s", &msg->to.val, own_tag), 0);
		assert_int_equal(re_sdprintf(&view->to, "%r", &msg->from.val), 0);
	} else {
		assert_int_equal(re_sdprintf(&view->from, "%r", &msg->from.val), 0);
		assert_int_equal(re_sdprintf(&view->to, "%r", &msg->to.val), 0);
	}
}

void view_clear(struct view *view)
{
	mem_deref(view->from);
	mem_deref(view->to);
	mem_deref(view->routes);
}

void view_send(const struct view *view, struct phone *phone, const char *method, unsigned int cseq,
	       const char *body)
{
	static unsigned int branch;

	phone_send(phone,
		   "%s sip:peer@192.168.1.2:5060 SIP/2.0\n"
		   "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKd%u\n"
		   "%sFrom: %s\nTo: %s\nCall-ID: call-1\nCSeq: %u %s\n%s\n%s",
		   method, ++branch, view->routes, view->from, view->to, cseq, method,
		   *body ? SDP_HEAD : "Content-Length: 0\n", body);
}

void view_request(const struct view *view, struct phone *from, struct phone *to, const char *method,
		  unsigned int cseq)
{
	struct sip_msg *msg;

	view_send(view, from, method, cseq, "");
	msg = phone_expect_request(to, method);
	phone_reply(to, msg, 200, NULL, "", "");
	mem_deref(msg);
	mem_deref(phone_expect(from, 200));
}

static const char invite[] =
	"INVITE sip:bob@example.net SIP/2.0\n"
	"Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKi%u;rport\n"
	"X-Unknown :  as it is \n"
	"From: Alice <sip:alice@example.net>;tag=a1\nTo: <sip:bob@example.net>\n"
	"Call-ID: call-1\nCSeq: %u INVITE\nMax-Forwards: 70\n"
	"Contact: <sip:alice@192.168.1.2:5060>\n%s"
	"Content-Type: application/sdp\nContent-Length: %zu\n\n%s";

void invite_send_sdp(struct phone *phone, unsigned int n, const char *extra, const char *sdp)
{
	size_t crlf = 0;
	const char *p;

	for (p = sdp; *p; p++)
		crlf += *p == '\n';
	phone_send(phone, invite, n, n, extra, strlen(sdp) + crlf, sdp);
}

void invite_send(struct phone *phone, unsigned int n, const char *extra)
{
	invite_send_sdp(phone, n, extra, SDP);
}

void call_answer(struct phone *alice, struct phone *bob, struct view *a)
{
	struct sip_msg *msg;

	invite_send(alice, 1, "");
	mem_deref(phone_expect(alice, 100));
	msg = phone_expect_request(bob, "INVITE");
	phone_reply(bob, msg, 200, "b1", "Contact: <sip:bob@192.168.1.2:5060>\n", SDP);
	mem_deref(msg);
	msg = phone_expect(alice, 200);
	view_set(a, alice, msg, "a1");
	mem_deref(msg);
}
