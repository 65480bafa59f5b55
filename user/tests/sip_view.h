/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of phones: the INVITE that begins a call, and what follows in it.
 */
#ifndef SIP_VIEW_H
#define SIP_VIEW_H

#include "sip_rig.h"

#define SDP                                                                   \
	"v=0\no=- 1 1 IN IP4 192.168.1.2\ns=-\nc=IN IP4 192.168.1.2\nt=0 0\n" \
	"m=audio 4000 RTP/AVP 0\n"
#define SDP_HEAD "Content-Type: application/sdp\n"

/* What a dialog needs to send requests: one phone's view of it. */
struct view {
	struct phone *phone;
	char *from;
	char *to;
	char *routes;
};

/* Taken from the 2xx by the caller, from the INVITE by the callee. */
void view_set(struct view *view, struct phone *phone, const struct sip_msg *msg,
	      const char *own_tag);
void view_clear(struct view *view);

/* A request inside of the dialog, from whatever phone. */
void view_send(const struct view *view, struct phone *phone, const char *method, unsigned int cseq,
	       const char *body);

/* The same without a body; @to gets it and answers with 200, which comes back. */
void view_request(const struct view *view, struct phone *from, struct phone *to, const char *method,
		  unsigned int cseq);

/* Alice calls Bob. @n: number of the try; @extra: header lines; without @sdp no offer. */
void invite_send_sdp(struct phone *phone, unsigned int n, const char *extra, const char *sdp);
void invite_send(struct phone *phone, unsigned int n, const char *extra);

/* Alice calls Bob, who answers at once; hers is @a, and the ACK to be sent by it. */
void call_answer(struct phone *alice, struct phone *bob, struct view *a);

#endif
