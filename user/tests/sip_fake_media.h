/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A media side that keeps notes: included once by a test of the SIP side, in
 * place of media/. It replaces the first c= address by "relay-a" or "relay-b",
 * the side that the SDP came from, and refuses a body that contains "refuse".
 */
#ifndef SIP_FAKE_MEDIA_H
#define SIP_FAKE_MEDIA_H

#include "media/media.h"

#include <string.h>

static struct {
	unsigned int passes;
	unsigned int ends;
	unsigned int rejected;
	unsigned int ended;
	media_report_fn *report;
	void *report_arg;
	struct media_report media;
	struct media_sdp last;
	bool present;
} fake;

int media_init(struct media **media, const struct config *config)
{
	(void)config;
	*media = NULL;
	return 0;
}

void media_close(struct media *media)
{
	(void)media;
}

int media_sdp_pass(struct media *media, const struct media_sdp *sdp, struct mbuf **out,
		   const char **reason)
{
	(void)media;
	fake.passes++;
	fake.last = *sdp;
	if (memmem(sdp->body.p, sdp->body.l, "refuse", 6)) {
		*reason = "No Media Line";
		return 488;
	}
	fake.present = true;
	*out = mbuf_alloc(64);
	(void)mbuf_printf(*out, "v=0\r\nc=IN IP4 relay-%c\r\nm=audio 30000 RTP/AVP 0\r\n",
			  sdp->from == NATTRAV_SIDE_A ? 'a' : 'b');
	mbuf_set_pos(*out, 0);
	return 0;
}

void media_offer_rejected(struct media *media, const struct media_call *call)
{
	(void)media;
	(void)call;
	fake.rejected++;
}

void media_end(struct media *media, const struct media_call *call)
{
	(void)media;
	fake.ends++;
	fake.ended |= 1u << call->branch;
	fake.present = false;
	if (fake.report) {
		char *name = NULL;

		(void)media_call_name(&name, call);
		fake.report(name, &fake.media, fake.report_arg);
		mem_deref(name);
	}
}

unsigned int media_look(struct media *media, const struct media_call *call, media_view_fn *fn,
			void *arg)
{
	(void)media;
	(void)call;
	(void)fn;
	(void)arg;
	return 0;
}

int media_info(struct media *media, struct nattrav_info *info)
{
	(void)media;
	memset(info, 0, sizeof(*info));
	return 0;
}

void media_on_gone(struct media *media, media_gone_fn *fn, void *arg)
{
	(void)media;
	(void)fn;
	(void)arg;
}

int media_reconfigure(struct media *media, const struct config *config)
{
	(void)media;
	(void)config;
	return 0;
}

void media_on_report(struct media *media, media_report_fn *fn, void *arg)
{
	(void)media;
	fake.report = fn;
	fake.report_arg = arg;
}

int media_call_name(char **name, const struct media_call *call)
{
	return re_sdprintf(name, "%r;%u", &call->id, call->branch);
}

bool media_has_call(const struct media *media, const struct media_call *call)
{
	(void)media;
	(void)call;
	return fake.present;
}

#endif
