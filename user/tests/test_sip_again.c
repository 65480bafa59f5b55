// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that pass twice: two terminals of a registrar elsewhere, and a registrar that
 * forks to two of them. What is anchored where, what the marks of the tokens are for,
 * and how such a call ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sip/message.h"
#include "sip_fake_media.h"
#include "sip_passes.h"

#define REGISTRAR "127.0.0.5"
#define CORE      "127.0.0.7"

static struct rig rig;
static struct phone dave, erin, desk, registrar;
static struct phone *const phones[] = { &dave, &erin, &desk, &registrar };
static char accounts[] = "/tmp/nattravd-test-XXXXXX";
static char *path_dave, *path_erin, *path_desk;
static unsigned int serial;

/* Registers a user, and tells his Path. */
static char *path_open(struct phone *phone, const char *user, unsigned int n)
{
	char headers[128], *path;
	struct sip_msg *msg;

	(void)re_snprintf(headers, sizeof(headers), "Contact: <sip:%s@192.168.1.%u>;expires=600\n",
			  user, n);
	phone_send(phone,
		   "REGISTER sip:example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKr%u\n"
		   "From: <sip:%s@example.net>;tag=e\nTo: <sip:%s@example.net>\nCall-ID: r%u\n"
		   "CSeq: %u REGISTER\nContact: <sip:%s@192.168.1.%u>\nContent-Length: 0\n\n",
		   ++serial, user, user, n, n, user, n);
	msg = phone_expect_request(&registrar, "REGISTER");
	assert_int_equal(pl_strdup(&path, &sip_msg_hdr(msg, SIP_HDR_PATH)->val), 0);
	phone_reply(&registrar, msg, 200, "r", headers, "");
	mem_deref(msg);
	mem_deref(phone_expect(phone, 200));
	return path;
}

/*
 * @more: further lines; the registrar's is "registrar ADDRESS" and @realm. @core: where
 * that speaks to nattravd.
 */
static void start(const char *realm, const char *more, const struct sa *core)
{
	struct sa addr;
	char *extra;

	addr_free(&addr, REGISTRAR);
	assert_int_equal(re_sdprintf(&extra, "registrar %J %s\naccounting %s\n%s", &addr, realm,
				     accounts, more),
			 0);
	rig_start(&rig, extra);
	mem_deref(extra);
	phone_open_at(&registrar, &rig, &addr);
	if (core)
		registrar.server = *core;
	phone_open(&dave, &rig, "127.0.0.2");
	phone_open(&erin, &rig, "127.0.0.3");
	phone_open(&desk, &rig, "127.0.0.4");
	path_dave = path_open(&dave, "dave", 2);
	path_erin = path_open(&erin, "erin", 3);
	path_desk = path_open(&desk, "erin", 4);
}

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(accounts + sizeof(accounts) - 7, 'X', 6);
	(void)close(mkstemp(accounts));
	assert_int_equal(libre_init(), 0);
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(phones); i++)
		phone_close(phones[i]);
	path_dave = mem_deref(path_dave);
	path_erin = mem_deref(path_erin);
	path_desk = mem_deref(path_desk);
	rig_stop(&rig);
	(void)unlink(accounts);
	return 0;
}

/* The line of the accounts about the only call that there was. */
static void expect_account(const char *text)
{
	char line[2048] = "";
	FILE *f = fopen(accounts, "r");

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_non_null(strstr(line, text));
	assert_null(fgets(line, sizeof(line), f));
	(void)fclose(f);
}

static bool body_has(const struct sip_msg *msg, const char *text)
{
	return memmem(mbuf_buf(msg->mb), mbuf_get_left(msg->mb), text, strlen(text)) != NULL;
}

static void invite(struct phone *from, const char *user, const char *to, const char *sdp)
{
	size_t crlf = 0;
	const char *p;

	for (p = sdp; *p; p++)
		crlf += *p == '\n';
	phone_send(from,
		   "INVITE sip:%s@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKi%u\n"
		   "From: <sip:%s@example.net>;tag=a1\nTo: <sip:%s@example.net>\n"
		   "Call-ID: call-1\nCSeq: 1 INVITE\nContact: <sip:%s@192.168.1.2>\n"
		   "%sContent-Length: %zu\n\n%s",
		   to, ++serial, user, to, user, *sdp ? SDP_HEAD : "", strlen(sdp) + crlf, sdp);
}

/* Dave calls Erin; @first as the registrar gets it, @again as she does. */
static void call(struct sip_msg **first, struct sip_msg **again, const char *sdp)
{
	invite(&dave, "dave", "erin", sdp);
	mem_deref(phone_expect(&dave, 100));
	*first = phone_expect_request(&registrar, "INVITE");
	pass_on(&registrar, *first, path_erin, "sip:erin@192.168.1.3");
	mem_deref(phone_expect(&registrar, 100));
	*again = phone_expect_request(&erin, "INVITE");
}

/* A response of hers comes back to Dave. */
static struct sip_msg *answer(struct phone *phone, const struct sip_msg *again, unsigned int status,
			      const char *tag, const char *sdp)
{
	struct sip_msg *msg;

	phone_reply(phone, again, status, tag, "Contact: <sip:erin@192.168.1.3>\n", sdp);
	msg = phone_expect(&registrar, status);
	pass_back(&registrar, msg);
	mem_deref(msg);
	return phone_expect(&dave, status);
}

/* A call that is up. */
static void talk(struct view *a, struct view *b)
{
	struct sip_msg *first, *again, *msg;

	call(&first, &again, SDP);
	view_set(b, &erin, again, "b1");
	msg = answer(&erin, again, 200, "b1", SDP);
	view_set(a, &dave, msg, "a1");
	mem_deref(msg);
	mem_deref(first);
	mem_deref(again);
	/* on a busy machine the INVITE came twice */
	list_flush(&erin.inbox);
	list_flush(&registrar.inbox);
}

/* A request inside of the call takes both passes; it is returned as it arrives. */
static struct sip_msg *request(const struct view *view, struct phone *from, struct phone *to,
			       const char *method, unsigned int cseq, const char *sdp)
{
	struct sip_msg *msg;

	view_send(view, from, method, cseq, sdp);
	if (!strcmp(method, "INVITE"))
		mem_deref(phone_expect(from, 100));
	msg = phone_expect_request(&registrar, method);
	pass_on(&registrar, msg, NULL, NULL);
	mem_deref(msg);
	if (!strcmp(method, "INVITE"))
		mem_deref(phone_expect(&registrar, 100));
	return phone_expect_request(to, method);
}

static void respond(struct phone *from, struct sip_msg *msg, struct phone *to, unsigned int status,
		    const char *sdp)
{
	const bool acked = status >= 300 && msg_is(msg, "INVITE");
	struct sip_msg *back;

	phone_reply(from, msg, status, NULL, "Contact: <sip:x@192.168.1.9>\n", sdp);
	mem_deref(msg);
	back = phone_expect(&registrar, status);
	pass_back(&registrar, back);
	mem_deref(back);
	if (acked)
		mem_deref(phone_expect_request(&registrar, "ACK"));
	mem_deref(phone_expect(to, status));
}

static void expect_source(const struct phone *src, const struct phone *dst, unsigned int passes)
{
	assert_int_equal(fake.passes, passes);
	assert_true(sa_cmp(&fake.last.src, &src->addr, SA_ALL));
	assert_true(sa_cmp(&fake.last.dst, &dst->addr, SA_ALL));
	assert_int_equal(fake.last.call.branch, 0);
}

/* Both SDPs are edited once, and each side completes from where its terminal is. */
static void test_anchored_once(void **state)
{
	struct sip_msg *first, *again, *msg;

	(void)state;
	start("", "", NULL);
	call(&first, &again, SDP);
	assert_int_equal(fake.passes, 1);
	assert_true(sa_cmp(&fake.last.src, &dave.addr, SA_ALL));
	assert_true(body_has(first, "relay-a"));
	assert_true(body_has(again, "relay-a"));
	assert_int_equal(pl_strcmp(&again->ruri, "sip:erin@192.168.1.3"), 0);
	assert_int_equal(sip_msg_hdr_count(again, SIP_HDR_RECORD_ROUTE), 5);

	phone_reply(&erin, again, 183, "b1", "", SDP);
	msg = phone_expect(&registrar, 183);
	assert_true(body_has(msg, "192.168.1.2"));
	assert_int_equal(fake.passes, 1);
	pass_back(&registrar, msg);
	mem_deref(msg);
	msg = phone_expect(&dave, 183);
	assert_true(body_has(msg, "relay-b"));
	expect_source(&erin, &dave, 2);
	mem_deref(msg);

	mem_deref(answer(&erin, again, 200, "b1", SDP));
	expect_source(&erin, &dave, 3);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	mem_deref(first);
	mem_deref(again);
}

/* Requests of both terminals find their way; the call ends once, and is one line. */
static void test_requests(void **state)
{
	struct view a, b;

	(void)state;
	start("", "", NULL);
	talk(&a, &b);
	mem_deref(request(&a, &dave, &erin, "ACK", 1, ""));
	assert_int_equal(fake.passes, 2);

	respond(&erin, request(&a, &dave, &erin, "INVITE", 2, SDP), &dave, 200, SDP);
	expect_source(&erin, &dave, 4);
	mem_deref(request(&a, &dave, &erin, "ACK", 2, ""));
	respond(&dave, request(&b, &erin, &dave, "INVITE", 1, SDP), &erin, 200, SDP);
	expect_source(&dave, &erin, 6);
	mem_deref(request(&b, &erin, &dave, "ACK", 1, ""));
	respond(&dave, request(&b, &erin, &dave, "UPDATE", 2, SDP), &erin, 200, SDP);
	assert_int_equal(fake.passes, 8);
	respond(&dave, request(&b, &erin, &dave, "INVITE", 3, SDP), &erin, 488, "");
	mem_deref(phone_expect_request(&dave, "ACK"));
	assert_int_equal(fake.rejected, 1);
	respond(&erin, request(&a, &dave, &erin, "INFO", 3, ""), &dave, 200, "");

	assert_int_equal(fake.ends, 0);
	respond(&dave, request(&b, &erin, &dave, "BYE", 4, ""), &erin, 200, "");
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ends, 1);
	expect_account("\"reason\":\"ended by the callee\"");
	view_clear(&a);
	view_clear(&b);
}

/* No SDP in the INVITE: hers is the offer, and the ACK answers it, as often as it comes. */
static void test_delayed_offer(void **state)
{
	struct sip_msg *first, *again, *msg;
	struct view a;

	(void)state;
	start("", "", NULL);
	call(&first, &again, "");
	assert_int_equal(fake.passes, 0);
	msg = answer(&erin, again, 200, "b1", SDP);
	expect_source(&erin, &dave, 1);
	assert_int_equal(fake.last.role, MEDIA_ROLE_OFFER);
	view_set(&a, &dave, msg, "a1");
	mem_deref(msg);
	msg = request(&a, &dave, &erin, "ACK", 1, SDP);
	assert_true(body_has(msg, "relay-a"));
	expect_source(&dave, &erin, 2);
	assert_int_equal(fake.last.role, MEDIA_ROLE_ANSWER);
	assert_null(sip_msg_hdr(msg, SIP_HDR_ROUTE));
	mem_deref(msg);
	msg = request(&a, &dave, &erin, "ACK", 1, SDP);
	assert_true(body_has(msg, "relay-a"));
	assert_int_equal(fake.passes, 2);
	mem_deref(msg);
	mem_deref(first);
	mem_deref(again);
	view_clear(&a);
}

/* R2: what follows a restart of the daemon is edited in the same place. */
static void test_restart(void **state)
{
	struct view a, b;

	(void)state;
	start("", "", NULL);
	talk(&a, &b);
	rig_restart(&rig);
	respond(&erin, request(&a, &dave, &erin, "INVITE", 2, SDP), &dave, 200, SDP);
	expect_source(&erin, &dave, 4);
	respond(&dave, request(&b, &erin, &dave, "INVITE", 1, SDP), &erin, 200, SDP);
	expect_source(&dave, &erin, 6);
	respond(&erin, request(&a, &dave, &erin, "BYE", 3, ""), &dave, 200, "");
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	expect_account("\"reason\":\"ended by the caller\"");
	view_clear(&a);
	view_clear(&b);
}

/* Her NAT gives her another port: what is for her goes there, in the second pass. */
static void test_moved(void **state)
{
	struct phone moved;
	struct view a, b;

	(void)state;
	start("", "", NULL);
	talk(&a, &b);
	phone_open(&moved, &rig, "127.0.0.3");
	respond(&dave, request(&b, &moved, &dave, "INVITE", 1, SDP), &moved, 200, SDP);
	expect_source(&dave, &moved, 4);
	respond(&moved, request(&a, &dave, &moved, "BYE", 2, ""), &dave, 200, "");
	phone_expect_nothing(&erin);
	phone_close(&moved);
	view_clear(&a);
	view_clear(&b);
}

/* The registrar answers the BYE itself: the call does not stay. */
static void test_bye_lost(void **state)
{
	struct sip_msg *msg;
	struct view a, b;

	(void)state;
	start("", "", NULL);
	talk(&a, &b);
	view_send(&a, &dave, "BYE", 2, "");
	msg = phone_expect_request(&registrar, "BYE");
	phone_reply(&registrar, msg, 481, NULL, "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&dave, 481));
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	wheel_skip(rig.server->wheel, 33000);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	expect_account("\"reason\":\"ended by the caller\"");
	view_clear(&a);
	view_clear(&b);
}

static bool is_of_registrar(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return memmem(hdr->val.p, hdr->val.l, REGISTRAR, strlen(REGISTRAR)) != NULL;
}

/* CANCEL goes the way of the INVITE. */
static void test_cancel(void **state)
{
	struct sip_msg *first, *again, *msg;
	const struct sip_hdr *via;

	(void)state;
	start("", "", NULL);
	call(&first, &again, SDP);
	via = sip_msg_hdr_apply(again, true, SIP_HDR_VIA, is_of_registrar, NULL);
	assert_non_null(via);
	mem_deref(answer(&erin, again, 180, "b1", ""));
	phone_send(&dave,
		   "CANCEL sip:erin@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKi%u\n"
		   "From: <sip:dave@example.net>;tag=a1\nTo: <sip:erin@example.net>\n"
		   "Call-ID: call-1\nCSeq: 1 CANCEL\nContent-Length: 0\n\n",
		   serial);
	mem_deref(phone_expect(&dave, 200));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ends, 1);
	msg = phone_expect_request(&registrar, "CANCEL");
	phone_send(&registrar,
		   "CANCEL sip:erin@192.168.1.3 SIP/2.0\n"
		   "Via: %r\nRoute: %s\nFrom: %r\nTo: %r\n"
		   "Call-ID: call-1\nCSeq: 1 CANCEL\nContent-Length: 0\n\n",
		   &via->val, path_erin, &msg->from.val, &msg->to.val);
	mem_deref(msg);
	mem_deref(phone_expect(&registrar, 200));
	msg = phone_expect_request(&erin, "CANCEL");
	assert_int_equal(pl_cmp(&msg->via.branch, &again->via.branch), 0);
	mem_deref(msg);
	expect_account("\"reason\":\"cancelled by the caller\"");

	/* her answer crossed it: she is told that there is no call */
	phone_reply(&erin, again, 200, "b1", "Contact: <sip:erin@192.168.1.3>\n", SDP);
	mem_deref(phone_expect_request(&erin, "ACK"));
	mem_deref(phone_expect_request(&erin, "BYE"));
	mem_deref(phone_expect(&registrar, 487));
	mem_deref(first);
	mem_deref(again);
}

/* A refusal in the second pass is one in the first; the next try is another call. */
static void test_refused(void **state)
{
	struct sip_msg *first, *again;

	(void)state;
	start("", "", NULL);
	call(&first, &again, SDP);
	phone_reply(&erin, again, 486, "b1", "", "");
	mem_deref(phone_expect_request(&erin, "ACK"));
	mem_deref(phone_expect(&registrar, 486));
	/* it could try somewhere else now */
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	assert_int_equal(fake.ends, 0);
	phone_reply(&registrar, first, 486, "b1", "", "");
	mem_deref(phone_expect_request(&registrar, "ACK"));
	mem_deref(phone_expect(&dave, 486));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_int_equal(fake.ends, 1);
	expect_account("\"reason\":\"refused with 486\"");
	mem_deref(first);
	mem_deref(again);
}

/* A challenge is no call. */
static void test_challenged(void **state)
{
	struct sip_msg *msg;

	(void)state;
	start("", "", NULL);
	invite(&dave, "dave", "erin", SDP);
	mem_deref(phone_expect(&dave, 100));
	msg = phone_expect_request(&registrar, "INVITE");
	phone_reply(&registrar, msg, 407, "r", "", "");
	mem_deref(msg);
	mem_deref(phone_expect_request(&registrar, "ACK"));
	mem_deref(phone_expect(&dave, 407));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	invite(&dave, "dave", "erin", SDP);
	mem_deref(phone_expect(&dave, 100));
	msg = phone_expect_request(&registrar, "INVITE");
	phone_reply(&registrar, msg, 404, "r", "", "");
	mem_deref(msg);
	mem_deref(phone_expect(&dave, 404));
	expect_account("\"reason\":\"refused with 404\"");
}

/* She has two phones, and the registrar forks; Dave's call has one record all the same. */
static void test_forked(void **state)
{
	struct sip_msg *first, *again, *other, *msg;
	struct view a;

	(void)state;
	start("", "", NULL);
	call(&first, &again, SDP);
	pass_on(&registrar, first, path_desk, "sip:erin@192.168.1.4");
	mem_deref(phone_expect(&registrar, 100));
	other = phone_expect_request(&desk, "INVITE");
	mem_deref(answer(&erin, again, 183, "b1", SDP));
	expect_source(&erin, &dave, 2);
	mem_deref(answer(&desk, other, 183, "b2", SDP));
	expect_source(&desk, &dave, 3);
	msg = answer(&erin, again, 200, "b1", SDP);
	expect_source(&erin, &dave, 4);
	view_set(&a, &dave, msg, "a1");
	mem_deref(msg);

	/* the other one picks up a moment later */
	phone_reply(&desk, other, 200, "b2", "Contact: <sip:erin@192.168.1.4>\n", SDP);
	mem_deref(phone_expect_request(&desk, "ACK"));
	mem_deref(phone_expect_request(&desk, "BYE"));
	mem_deref(phone_expect(&registrar, 487));
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	respond(&erin, request(&a, &dave, &erin, "BYE", 2, ""), &dave, 200, "");
	assert_int_equal(fake.ends, 1);
	view_clear(&a);
	mem_deref(first);
	mem_deref(again);
	mem_deref(other);
}

/* The registrar has a call of somebody beyond it for this terminal. */
static struct sip_msg *beyond(const char *path, struct phone *phone, const char *contact)
{
	phone_send(&registrar,
		   "INVITE %s SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKb%u\nRoute: %s\n"
		   "From: <sip:x@example.org>;tag=a1\nTo: <sip:erin@example.net>\n"
		   "Call-ID: call-1\nCSeq: 1 INVITE\nContact: <sip:x@192.168.1.2>\n"
		   "%sContent-Length: %zu\n\n%s",
		   contact, ++serial, path, SDP_HEAD, strlen(SDP) + 6, SDP);
	mem_deref(phone_expect(&registrar, 100));
	return phone_expect_request(phone, "INVITE");
}

/* Somebody beyond the registrar calls her: each of her phones has streams of its own. */
static void test_forked_from_beyond(void **state)
{
	struct sip_msg *first, *again, *msg;
	struct view a;

	(void)state;
	start("", "", NULL);
	first = beyond(path_erin, &erin, "sip:erin@192.168.1.3");
	again = beyond(path_desk, &desk, "sip:erin@192.168.1.4");
	assert_int_equal(fake.passes, 2);
	assert_int_equal(fake.last.call.branch, 1);
	assert_true(sa_cmp(&fake.last.src, &registrar.addr, SA_ALL));
	assert_true(body_has(again, "relay-a"));

	/* the first is cancelled: the call goes on with the other */
	phone_reply(&erin, first, 480, "b1", "", "");
	mem_deref(phone_expect_request(&erin, "ACK"));
	mem_deref(phone_expect(&registrar, 480));
	assert_int_equal(fake.ended, 1 << 0);
	assert_int_equal(dialogs_count(rig.server->dialogs), 1);
	phone_reply(&desk, again, 200, "b2", "Contact: <sip:erin@192.168.1.4>\n", SDP);
	msg = phone_expect(&registrar, 200);
	assert_true(body_has(msg, "relay-b"));
	assert_int_equal(fake.last.call.branch, 1);
	assert_true(sa_cmp(&fake.last.src, &desk.addr, SA_ALL));
	view_set(&a, &registrar, msg, "a1");
	mem_deref(msg);
	rig_restart(&rig);
	view_send(&a, &registrar, "INVITE", 2, SDP);
	mem_deref(phone_expect(&registrar, 100));
	msg = phone_expect_request(&desk, "INVITE");
	assert_true(body_has(msg, "relay-a"));
	assert_int_equal(fake.last.call.branch, 1);
	mem_deref(msg);
	view_request(&a, &registrar, &desk, "BYE", 3);
	assert_int_equal(fake.ended, 1 << 0 | 1 << 1);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	view_clear(&a);
	mem_deref(first);
	mem_deref(again);
}

/* The registrar is in a network of its own: the relay address there is of no use to her. */
static void test_realms(void **state)
{
	struct sip_msg *first, *again, *msg;
	struct view a, b;
	struct sa core;
	char *more;

	(void)state;
	addr_free(&core, CORE);
	assert_int_equal(re_sdprintf(&more,
				     "listen udp %J core\nrelay 203.0.113.2 30000-30099 core\n",
				     &core),
			 0);
	start("core", more, &core);
	mem_deref(more);
	call(&first, &again, SDP);
	assert_int_equal(fake.passes, 2);
	assert_int_equal(fake.last.call.branch, 1);
	assert_true(sa_cmp(&fake.last.src, &dave.addr, SA_ALL));
	assert_true(sa_cmp(&fake.last.dst, &erin.addr, SA_ALL));
	assert_string_equal(fake.last.dst_realm, fake.last.src_realm);
	/* what Dave wrote, not what the first pass made of it */
	assert_non_null(memmem(fake.last.body.p, fake.last.body.l, "192.168.1.2", 11));
	assert_true(body_has(again, "relay-a"));

	view_set(&b, &erin, again, "b1");
	msg = answer(&erin, again, 200, "b1", SDP);
	assert_int_equal(fake.passes, 3);
	assert_int_equal(fake.last.call.branch, 1);
	assert_true(sa_cmp(&fake.last.src, &erin.addr, SA_ALL));
	assert_true(sa_cmp(&fake.last.dst, &dave.addr, SA_ALL));
	assert_true(body_has(msg, "relay-b"));
	view_set(&a, &dave, msg, "a1");
	mem_deref(msg);
	assert_int_equal(fake.ended, 1 << 0);
	mem_deref(request(&a, &dave, &erin, "ACK", 1, ""));

	rig_restart(&rig);
	respond(&erin, request(&a, &dave, &erin, "INVITE", 2, SDP), &dave, 200, SDP);
	assert_int_equal(fake.passes, 5);
	assert_int_equal(fake.last.call.branch, 1);
	assert_true(sa_cmp(&fake.last.src, &erin.addr, SA_ALL));
	respond(&dave, request(&b, &erin, &dave, "BYE", 1, ""), &erin, 200, "");
	assert_int_equal(fake.ended, 1 << 0 | 1 << 1);
	expect_account("\"reason\":\"ended by the callee\"");
	view_clear(&a);
	view_clear(&b);
	mem_deref(first);
	mem_deref(again);
}

/* What comes again and is no other pass is still a loop, or a merged request. */
static void test_loops(void **state)
{
	struct sip_msg *first, *again;

	(void)state;
	start("", "", NULL);
	call(&first, &again, SDP);
	/* as she got it, from her */
	phone_send(&erin,
		   "INVITE sip:dave@example.net SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKl1\n"
		   "Via: %r\nFrom: %r\nTo: %r\nCall-ID: call-1\nCSeq: 1 INVITE\n"
		   "Contact: <sip:erin@192.168.1.3>\nContent-Length: 0\n\n",
		   &again->via.val, &again->from.val, &again->to.val);
	mem_deref(phone_expect(&erin, 482));
	/* another caller with the same Call-ID */
	phone_send(&registrar,
		   "INVITE sip:erin@192.168.1.3 SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKl2\n"
		   "Route: %s\nFrom: <sip:x@example.org>;tag=other\nTo: %r\nCall-ID: call-1\n"
		   "CSeq: 1 INVITE\nContact: <sip:x@192.168.1.3>\nContent-Length: 0\n\n",
		   path_erin, &first->to.val);
	mem_deref(phone_expect(&registrar, 482));
	/* by the same path and by our own Via: round and round */
	phone_send(&registrar,
		   "INVITE sip:erin@192.168.1.3 SIP/2.0\nVia: SIP/2.0/UDP @L;branch=z9hG4bKl3\n"
		   "Via: %r\nRoute: %s\nFrom: %r\nTo: %r\nCall-ID: call-1\nCSeq: 1 INVITE\n"
		   "Contact: <sip:x@192.168.1.3>\nContent-Length: 0\n\n",
		   &again->via.val, path_erin, &first->from.val, &first->to.val);
	mem_deref(phone_expect(&registrar, 482));
	phone_expect_nothing(&erin);
	mem_deref(first);
	mem_deref(again);
}

/* The nth Route line of a view, to be changed in place. */
static char *route_of(const struct view *view, unsigned int n)
{
	char *p = view->routes;

	while (n--)
		p = strstr(p + 1, "Route: ");
	return strstr(p, "<sip:") + 5;
}

/* Token of the second pass, and of the first: neither does for the other. */
static void test_marks(void **state)
{
	struct view a, b;
	char *line, *p;
	char keep;

	(void)state;
	start("", "", NULL);
	talk(&a, &b);

	/* some of its code, and the mark itself: base64 of bytes 10 to 12 is at 13 to 16 */
	for (p = route_of(&b, 0); p < route_of(&b, 0) + 17; p += 4) {
		keep = *p;
		*p = *p == 'A' ? 'B' : 'A';
		view_send(&b, &erin, "INFO", 1, "");
		mem_deref(phone_expect(&erin, 403));
		*p = keep;
	}

	/* Dave's own view ends with hers; he is not where they say */
	assert_int_equal(re_sdprintf(&line, "%s", strstr(route_of(&a, 2), "\nRoute: ") + 1), 0);
	mem_deref(a.routes);
	a.routes = line;
	view_send(&a, &dave, "INFO", 2, "");
	mem_deref(phone_expect(&dave, 403));
	phone_expect_nothing(&erin);
	phone_expect_nothing(&registrar);

	/* one of each pass: there is no such way */
	assert_int_equal(re_sdprintf(&line, "Route: <sip:%b\nRoute: <sip:%s", route_of(&b, 0),
				     strcspn(route_of(&b, 0), "\n"), route_of(&b, 4)),
			 0);
	mem_deref(b.routes);
	b.routes = line;
	view_send(&b, &erin, "INFO", 2, "");
	mem_deref(phone_expect(&erin, 403));
	view_clear(&a);
	view_clear(&b);
}

int main(void)
{
#define AGAIN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		AGAIN_TEST(test_anchored_once),
		AGAIN_TEST(test_requests),
		AGAIN_TEST(test_delayed_offer),
		AGAIN_TEST(test_restart),
		AGAIN_TEST(test_moved),
		AGAIN_TEST(test_bye_lost),
		AGAIN_TEST(test_cancel),
		AGAIN_TEST(test_refused),
		AGAIN_TEST(test_challenged),
		AGAIN_TEST(test_forked),
		AGAIN_TEST(test_forked_from_beyond),
		AGAIN_TEST(test_realms),
		AGAIN_TEST(test_loops),
		AGAIN_TEST(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
