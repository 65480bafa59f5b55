// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFC 4475 and RFC 5118, message by message, by its name there and in words of our
 * own: what the sanity step says, or what the server answers to a stranger who sends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sip/sanity.h"
#include "sip_fake_media.h"
#include "sip_rig.h"

#define VIA          "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKt\r\n"
#define FROM         "From: <sip:caller@example.net>;tag=t1\r\n"
#define TO           "To: <sip:bob@example.net>\r\n"
#define ID           "Call-ID: torture\r\n"
#define MORE         "Max-Forwards: 70\r\nUser-Agent: one that is as long as the names of phones are\r\n"
#define REST(method) VIA FROM TO ID "CSeq: 1 " method "\r\n" MORE

/* Silence: nothing answers a response, an ACK, or what cannot be answered. */
#define SILENT 0

/**
 * struct verdict - a message and what becomes of it
 * @name: its name in the RFC
 * @status: what a stranger is answered
 * @text: a message with the same fault, or the same oddity
 */
static const struct verdict {
	const char *name;
	unsigned int status;
	const char *text;
} verdicts[] = {
	/*
	 * 3.1.1: valid. A stranger's INVITE is challenged, so it was understood; one
	 * with a To tag belongs to no dialog that is known.
	 */
	{ "wsinv", 481,
	  "INVITE sip:bob@example.net;unknownparam SIP/2.0\r\nTO :\r\n sip:bob@example.net ;   tag    "
	  "= 1\r\n  2n\r\nfrom   : \"J \\\\\\\"\"       <sip:j@example.net>\r\n  ;\r\n  tag = 98\r\n"
	  "MaX-fOrWaRdS: 0068\r\nCall-ID: torture\r\nContent-Length   : 0\r\ncseq: 0009\r\n  INVITE\r\n"
	  "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=z9hG4bKt\r\ns :\r\n"
	  "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
	  "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nv:  SIP  / 2.0  / TCP     192.0.2.9  ;\r\n"
	  "  branch  =   z9hG4bK9\r\nm:\"Quoted string \\\"\\\"\" <sip:j@example.net> ; newparam =\r\n"
	  "      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\n" },
	{ "intmeth", 407,
	  "!in-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/"
	  "crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.net SIP/2.0\r\n" VIA FROM
		  TO ID "CSeq: 1 !in-Method0123456789_*+`.%indeed'~\r\n" MORE "\r\n" },
	{ "esc01", 407,
	  "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0\r\n" REST("INVITE") "\r\n" },
	{ "escnull", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" VIA
	  "From: sip:null-%00-null@example.net;tag=1\r\nTo: sip:null-%00-null@example.net\r\n" ID
	  "CSeq: 1 REGISTER\r\n" MORE "Contact: <sip:%00@192.0.2.1>\r\n\r\n" },
	{ "esc02", 407,
	  "RE%47IST%45R sip:bob@example.net SIP/2.0\r\n" VIA FROM
	  "To: \"%Z%45\" <sip:r@example.net>\r\n" ID "CSeq: 1 RE%47IST%45R\r\n" MORE "\r\n" },
	{ "lwsdisp", 200,
	  "OPTIONS sip:example.net SIP/2.0\r\n" VIA
	  "From: caller<sip:caller@example.net>;tag=3\r\n" TO ID "CSeq: 1 OPTIONS\r\n" MORE
	  "\r\n" },
	{ "longreq", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "Unknown-LongName-"
			    "Loooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooooong: x\r\n"
			    "Via: SIP/2.0/TCP a.example;branch=z9hG4bKa, SIP/2.0/TCP b.example, SIP/2.0/TCP c\r\n\r\n" },
	{ "dblreq", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" REST(
		  "REGISTER") "Content-Length: 0\r\n\r\n\r\nINVITE "
			      "sip:joe@example.net SIP/2.0\r\nt: sip:joe@example.net\r\n\r\n" },
	{ "semiuri", 407,
	  "MESSAGE sip:user;par=u%40example.net@example.net SIP/2.0\r\n" REST("MESSAGE") "\r\n" },
	{ "transports", 200,
	  "OPTIONS sip:example.net SIP/2.0\r\n" REST(
		  "OPTIONS") "Via: SIP/2.0/SCTP s1.example;branch=z9hG4bK2\r\nVia: SIP/2.0/UNKNOWN s5.example;branch=z9hG4bK5"
			     "\r\nVia: SIP/2.0/TLS s3.example;branch=z9hG4bK3\r\n\r\n" },
	{ "mpart01", 407,
	  "MESSAGE sip:bob@example.net SIP/2.0\r\n" REST(
		  "MESSAGE") "Content-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\n"
			     "Content-Type: application/octet-stream\r\n\r\n\x01\x80\xff\r\n--b--\r\n" },
	{ "unreason", SILENT,
	  "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe\r\n" REST(
		  "INVITE") "\r\n" },
	{ "noreason", SILENT, "SIP/2.0 100 \r\n" REST("INVITE") "\r\n" },

	/* 3.1.2: invalid */
	{ "badinv01", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\nTo: sip:j@example.net\r\nFrom: sip:c@example.net;tag=1\r\n"
	  "Max-Forwards: 7\r\n" ID "CSeq: 8 INVITE\r\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n"
	  "Contact: \"Joe\" <sip:joe@example.net>;;;;\r\n\r\n" },
	{ "clerr", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "Content-Type: application/sdp\r\nContent-Length: 9999\r\n\r\nv=0\r\n" },
	{ "ncl", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "Content-Type: application/sdp\r\nContent-Length: -999\r\n\r\nv=0\r\n" },
	{ "scalar02", 400,
	  "REGISTER sip:example.net SIP/2.0\r\n" VIA FROM TO ID
	  "CSeq: 36893488147419103232 REGISTER\r\nMax-Forwards: 300\r\nExpires: 10000000000000\r\n"
	  "Contact: <sip:u@192.0.2.1;expires=280297596632815>\r\n\r\n" },
	{ "scalarlg", SILENT,
	  "SIP/2.0 503 Service Unavailable\r\n" VIA FROM TO ID
	  "CSeq: 9292394834772304023312 OPTIONS\r\n"
	  "Retry-After: 949302838503028349304023988\r\n\r\n" },
	{ "quotbal", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" VIA FROM
	  "To: \"Mr. J. User <sip:j@example.net>\r\n" ID "CSeq: 1 INVITE\r\n" MORE "\r\n" },
	{ "ltgtruri", 400, "INVITE <sip:bob@example.net> SIP/2.0\r\n" REST("INVITE") "\r\n" },
	{ "lwsruri", 400, "INVITE sip:bob@example.net; lr SIP/2.0\r\n" REST("INVITE") "\r\n" },
	{ "lwsstart", 400, "INVITE  sip:bob@example.net  SIP/2.0\r\n" REST("INVITE") "\r\n" },
	{ "trws", 400, "OPTIONS sip:bob@example.net SIP/2.0  \r\n" REST("OPTIONS") "\r\n" },
	{ "escruri", 400,
	  "INVITE sip:bob@example.net?Route=%3Csip:sip.example%3E SIP/2.0\r\n" REST(
		  "INVITE") "\r\n" },
	/* none of our business: it passes */
	{ "baddate", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "Date: Fri, 01 Jan 2010 16:00:00 EST"
			    "\r\n\r\n" },
	/* asked who he is before the Contact is looked at; see test_registrar */
	{ "regbadct", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" REST(
		  "REGISTER") "Contact: sip:u@example.net?Route=%3Csip:sip.example%3E\r\n\r\n" },
	{ "badaspec", 400,
	  "OPTIONS sip:bob@example.net SIP/2.0\r\n" VIA FROM
	  "To: \"Watson, Thomas\" < sip:t.watson@example.net >\r\n" ID "CSeq: 1 OPTIONS\r\n" MORE
	  "\r\n" },
	/* "Bell, Alexander <...>": no token, but no harm */
	{ "baddn", 407,
	  "OPTIONS sip:bob@example.net SIP/2.0\r\n" VIA
	  "From: Bell, Alexander <sip:a.g.bell@example.net>;tag=43\r\n" TO ID
	  "CSeq: 1 OPTIONS\r\n" MORE "\r\n" },
	{ "badvers", 505, "OPTIONS sip:bob@example.net SIP/7.0\r\n" REST("OPTIONS") "\r\n" },
	{ "mismatch01", 400, "OPTIONS sip:bob@example.net SIP/2.0\r\n" REST("INVITE") "\r\n" },
	{ "mismatch02", 400, "NEWMETHOD sip:bob@example.net SIP/2.0\r\n" REST("INVITE") "\r\n" },
	{ "bigcode", SILENT,
	  "SIP/2.0 4294967301 better not break the receiver\r\n" REST("INVITE") "\r\n" },

	/* 3.2: the branch is the cookie and nothing else, which makes it one of RFC 2543 */
	{ "badbranch", 200,
	  "OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK\r\n" FROM TO
		  ID "CSeq: 8 OPTIONS\r\n" MORE "\r\n" },

	/* 3.3: up to who gets it */
	{ "insuf", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\nCSeq: 193942 INVITE\r\n" VIA "l: 0\r\n\r\n" },
	{ "unkscm", 416,
	  "OPTIONS nobodyKnowsThisScheme:totallyopaque SIP/2.0\r\n" REST("OPTIONS") "\r\n" },
	{ "novelsc", 416,
	  "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n" REST("OPTIONS") "\r\n" },
	{ "unksm2", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" VIA FROM "To: isbn:2983792873\r\n" ID
	  "CSeq: 1 REGISTER\r\n" MORE "Contact: <name:John_Smith>\r\n\r\n" },
	{ "bext01", 420,
	  "OPTIONS sip:bob@example.net SIP/2.0\r\n" REST(
		  "OPTIONS") "Require: nothingSupportsThis, nothingSupportsThisEither\r\n"
			     "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis\r\n\r\n" },
	{ "invut", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "Content-Type: application/unknownformat\r\n\r\n<audio>\r\n" },
	{ "regaut01", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" REST(
		  "REGISTER") "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n\r\n" },
	{ "multi01", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "CSeq: 59 INVITE\r\nCall-ID: other\r\nTo: sip:other@example.net\r\nMax-Forwards: 5\r\n\r\n" },
	{ "mcl01", 400,
	  "OPTIONS sip:bob@example.net SIP/2.0\r\n" REST(
		  "OPTIONS") "Content-Length: 13\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nThere's no w" },
	{ "bcast", SILENT,
	  "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1\r\n"
	  "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKsaber\r\n" FROM TO ID
	  "CSeq: 1 INVITE\r\n\r\n" },
	{ "zeromf", 483,
	  "OPTIONS sip:bob@example.net SIP/2.0\r\n" VIA FROM TO ID
	  "CSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\n\r\n" },
	{ "cparam01", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" REST(
		  "REGISTER") "Contact: sip:+19725552222@gw1.example.net;unknownparam\r\n\r\n" },
	{ "cparam02", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" REST(
		  "REGISTER") "Contact: <sip:+19725552222@gw1.example.net;unknownparam>\r\n\r\n" },
	{ "regescrt", 401,
	  "REGISTER sip:example.net SIP/2.0\r\n" REST(
		  "REGISTER") "Contact: <sip:u@example.net?Route=%3Csip:sip.example%3E>\r\n\r\n" },
	{ "sdp01", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\n" REST(
		  "INVITE") "Accept: text/nobodyKnowsThis\r\n\r\n" },
	/* what RFC 2543 allowed has been gone for twenty years */
	{ "inv2543", 400,
	  "INVITE sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060\r\n"
	  "From: <sip:caller@example.net>\r\nTo: <sip:bob@example.net>\r\n" ID
	  "CSeq: 1 INVITE\r\n" MORE "\r\n" },
};

/* Of RFC 5118: messages with addresses of IPv6. */
static const struct verdict verdicts6[] = {
	/* 4.1: a reference in brackets; it is read, and is none of ours */
	{ "ipv6-good", 403,
	  "REGISTER sip:[::1] SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nMax-Forwards: 70\r\n"
	  "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\r\nCSeq: 98176 REGISTER\r\n"
	  "Content-Length: 0\r\n\r\n" },
	/* 4.2: without brackets the host is 2001, or the URI is no URI */
	{ "ipv6-bad", 400,
	  "REGISTER sip:2001:db8::10 SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nMax-Forwards: 70\r\n"
	  "Contact: \"Caller\" <sip:caller@[2001:db8::1]>\r\nCSeq: 98176 REGISTER\r\n"
	  "Content-Length: 0\r\n\r\n" },
	/* 4.3: "::10:5070" in brackets is all address */
	{ "port-ambiguous", 403,
	  "REGISTER sip:[2001:db8::10:5070] SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\r\n"
	  "Max-Forwards: 70\r\nCSeq: 98176 REGISTER\r\nContent-Length: 0\r\n\r\n" },
	/* 4.4: and this one has a port */
	{ "port-unambiguous", 403,
	  "REGISTER sip:[2001:db8::10]:5070 SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\r\n"
	  "Max-Forwards: 70\r\nCSeq: 98176 REGISTER\r\nContent-Length: 0\r\n\r\n" },
	/* 4.5: received with and without brackets; both are read */
	{ "via-received-param-with-delim", 407,
	  "BYE sip:bob@example.net SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];"
	  "received=[2001:db8::9:255];branch=z9hG4bKas3-111\r\nCall-ID: SSG95523997077@hlau_4100\r\n"
	  "Max-Forwards: 70\r\nCSeq: 321 BYE\r\nContent-Length: 0\r\n\r\n" },
	{ "via-received-param-no-delim", 407,
	  "OPTIONS sip:bob@example.net SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];"
	  "received=2001:db8::9:255;branch=z9hG4bKas3\r\nCall-ID: SSG95523997077@hlau_4100\r\n"
	  "Max-Forwards: 70\r\nCSeq: 921 OPTIONS\r\nContent-Length: 0\r\n\r\n" },
	/* 4.6: it passes; the SDP is looked at only when somebody is called */
	{ "ipv6-in-sdp", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nContact: \"Caller\" <sip:caller@[2001:db8::20]>\r\n"
	  "CSeq: 8612 INVITE\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
	  "\r\nv=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\n"
	  "s=Live video feed for today's meeting\r\nc=IN IP6 2001:db8::20\r\nt=3338481189 3370017201\r\n"
	  "m=audio 6000 RTP/AVP 2\r\na=rtpmap:2 G726-32/8000\r\nm=video 6024 RTP/AVP 107\r\n"
	  "a=rtpmap:107 H263-1998/90000\r\n" },
	/* 4.7: Vias and Contacts of both families */
	{ "mult-ip-in-header", 407,
	  "BYE sip:user@example.net SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111"
	  "\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\r\n"
	  "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200\r\n"
	  "Call-ID: 997077@lau_4100\r\nMax-Forwards: 70\r\nCSeq: 89187 BYE\r\n"
	  "To: sip:user@example.net\r\nFrom: sip:user@example.net;tag=81x2\r\nContent-Length: 0\r\n\r\n" },
	/* 4.8: media of both families in one SDP */
	{ "mult-ip-in-sdp", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nContact: \"Caller\" <sip:caller@[2001:db8::9:1]>\r\n"
	  "Max-Forwards: 70\r\nCSeq: 8912 INVITE\r\nContent-Type: application/sdp\r\n"
	  "\r\nv=0\r\no=bob 280744730 28977631 IN IP4 host.example.com\r\ns=\r\n"
	  "t=0 0\r\nm=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\nm=video 6024 RTP/AVP 107\r\n"
	  "c=IN IP6 2001:db8::1\r\na=rtpmap:107 H263-1998/90000\r\n" },
	/* 4.9: an IPv4 address in IPv6's clothes */
	{ "ipv4-mapped-ipv6", 407,
	  "INVITE sip:bob@example.net SIP/2.0\r\nTo: sip:user@example.net\r\nFrom: "
	  "sip:user@example.net;tag=81x2\r\nVia: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;"
	  "branch=z9hG4bKbh19\r\nVia: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111\r\n"
	  "Call-ID: SSG9559905523997077@host\r\nContact: \"T. desk phone\" "
	  "<sip:ted@[::ffff:192.0.2.2]>\r\nMax-Forwards: 70\r\nCSeq: 612 INVITE\r\n"
	  "Content-Type: application/sdp\r\n\r\nv=0\r\n"
	  "o=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2\r\ns=Call me soon, please!\r\n"
	  "c=IN IP6 ::ffff:192.0.2.2\r\nt=3338481189 3370017201\r\nm=audio 6000 RTP/AVP 2\r\n" },
};

/* The status of an answer, which may repeat what no parser takes. */
static unsigned int answer(struct phone *phone, bool expected)
{
	struct mbuf *mb = phone_receive_text(phone, expected);
	unsigned int status = SILENT;
	struct pl pl;

	if (mb && mb->end > 12 && !memcmp(mb->buf, "SIP/2.0 ", 8)) {
		pl = (struct pl){ (const char *)mb->buf + 8, 3 };
		status = pl_u32(&pl);
	}
	mem_deref(mb);
	return status;
}

/* Each from a port of its own, with its share of replies. */
static void check_verdicts(const struct verdict *table, size_t count, const char *host)
{
	struct phone phone;
	struct rig rig;
	unsigned int got, wrong = 0;
	size_t i;

	memset(&fake, 0, sizeof(fake));
	rig_start(&rig, "");
	for (i = 0; i < count; i++) {
		phone_open(&phone, &rig, host);
		wheel_skip(rig.server->wheel, 1000);
		phone_send_raw(&phone, table[i].text, strlen(table[i].text));
		got = answer(&phone, table[i].status != SILENT);
		if (got != table[i].status) {
			print_error("%s: %u\n", table[i].name, got);
			wrong++;
		}
		phone_close(&phone);
	}
	assert_int_equal(wrong, 0);
	/* and it is none the worse for it */
	assert_int_equal(transactions_count(rig.server->transactions), 0);
	assert_int_equal(fake.passes, 0);
	rig_stop(&rig);
}

static void test_verdicts(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(verdicts), 49);
	check_verdicts(verdicts, ARRAY_SIZE(verdicts), "127.0.0.66");
}

static void test_verdicts6(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_SIZE(verdicts6), 10);
	check_verdicts(verdicts6, ARRAY_SIZE(verdicts6), "::1");
	/* over IPv4 it is the same: what a message names is not where it came from */
	check_verdicts(verdicts6, ARRAY_SIZE(verdicts6), "127.0.0.66");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_verdicts6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
