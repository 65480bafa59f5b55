// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sanity step: the faults that RFC 4475 collects, in messages of our own,
 * and random damage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sip/flow.h"
#include "sip/message.h"
#include "sip/sanity.h"

#define START   "OPTIONS sip:bob@example.net SIP/2.0\r\n"
#define VIA     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
#define FROM    "From: <sip:a@example.net>;tag=1\r\n"
#define TO      "To: <sip:b@example.net>\r\n"
#define CALL_ID "Call-ID: x\r\n"
#define CSEQ    "CSeq: 1 OPTIONS\r\n"
#define HEAD    START VIA FROM TO CALL_ID CSEQ
#define SDP     "Content-Type: application/sdp\r\n"

/* The reason that a message is refused with, or "" if it is sound. */
static const char *judge(const char *text, size_t len, uint16_t *status)
{
	struct fault fault = { 0 };
	struct sip_msg *msg = NULL;
	struct mbuf *mb = mbuf_alloc(len + 1);
	int err;

	assert_non_null(mb);
	assert_int_equal(mbuf_write_mem(mb, (const uint8_t *)text, len), 0);
	err = sanity_decode(mb, &msg, &fault);
	mem_deref(msg);
	mem_deref(mb);
	*status = fault.status;
	return err ? fault.reason : "";
}

static void test_sound(void **state)
{
	static const char *const sound[] = {
		HEAD "\r\n",
		HEAD "Max-Forwards: 0068\r\nContent-Length: 0\r\n\r\n",
		HEAD SDP "Content-Length: 4\r\n\r\nv=0\n and more",
		/* folding, compact forms, white space before the colon (RFC 4475 section 3.1.1.1) */
		START
		"v:  SIP  / 2.0  /\r\n UDP  192.0.2.2 ;branch = z9hG4bKa\r\n"
		"TO :\r\n sip:vivekg@example.net ;   tag    = 1918181833n\r\n"
		"f: \"J Rosenberg \\\\\\\"\"       <sip:j@example.net>\r\n  ;\r\n  tag = 98asjd8\r\n"
		"i: x\r\nCSeq: 0009\r\n  OPTIONS\r\nNewFangledHeader:   newfangled value\r\n"
		" continued newfangled value\r\nUnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\r\n",
		"!interesting-Method0123456789_*+`.%indeed'~ sip:b@example.net SIP/2.0\r\n" VIA FROM
			TO CALL_ID "CSeq: 1 !interesting-Method0123456789_*+`.%indeed'~\r\n\r\n",
		"OPTIONS sip:user%00name@example.net SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n",
		"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\n" VIA FROM TO CALL_ID CSEQ "\r\n",
		HEAD "Expires: 99999999999999\r\n\r\n",
		HEAD "Subject:\r\n\r\n",
	};
	uint16_t status;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sound); i++)
		assert_string_equal(judge(sound[i], strlen(sound[i]), &status), "");
}

static void test_faults(void **state)
{
	static const struct {
		uint16_t status;
		const char *reason;
		const char *text;
	} faults[] = {
		{ 400, "Malformed Start Line", "OPTIONS sip:b@example.net\r\n" VIA "\r\n" },
		{ 400, "Malformed Start Line",
		  "OPTIONS sip:b@example.net; lr SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
		{ 400, "Malformed Start Line",
		  "OPTIONS  sip:b@example.net SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
		{ 400, "Malformed Start Line",
		  "OPTIONS sip:b@example.net SIP/2.0  \r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
		{ 505, "Version Not Supported",
		  "OPTIONS sip:b@example.net SIP/7.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
		{ 416, "Unsupported URI Scheme",
		  "OPTIONS soap.beep://192.0.2.1:3002 SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ
		  "\r\n" },
		{ 400, "Malformed Request-URI",
		  "OPTIONS <sip:b@example.net> SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
		{ 400, "Headers in the Request-URI",
		  "OPTIONS sip:b@example.net?Route=x SIP/2.0\r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
		{ 400, "Malformed Message", START "Via: nonsense\r\n" FROM TO CALL_ID CSEQ "\r\n" },
		{ 400, "Missing Via", START FROM TO CALL_ID CSEQ "\r\n" },
		{ 400, "Missing From", START VIA TO CALL_ID CSEQ "\r\n" },
		{ 400, "Missing To", START VIA FROM CALL_ID CSEQ "\r\n" },
		{ 400, "Missing Call-ID", START VIA FROM TO CSEQ "\r\n" },
		{ 400, "Missing CSeq", START VIA FROM TO CALL_ID "\r\n" },
		{ 400, "Malformed Call-ID", START VIA FROM TO "Call-ID: a b\r\n" CSEQ "\r\n" },
		{ 400, "Malformed CSeq",
		  START VIA FROM TO CALL_ID "CSeq: 36893488147419103232 OPTIONS\r\n\r\n" },
		{ 400, "CSeq Method Differs from the Request's",
		  START VIA FROM TO CALL_ID "CSeq: 8 INVITE\r\n\r\n" },
		{ 400, "Malformed Max-Forwards", HEAD "Max-Forwards: 300\r\n\r\n" },
		{ 400, "Malformed Max-Forwards", HEAD "Max-Forwards: -1\r\n\r\n" },
		{ 400, "Malformed Expires", HEAD "Expires: 1 day\r\n\r\n" },
		{ 400, "Malformed Content-Length", HEAD "Content-Length: -999\r\n\r\n" },
		{ 400, "Content-Length Beyond the Datagram",
		  HEAD SDP "Content-Length: 9999\r\n\r\nv=0" },
		{ 400, "Content-Length Beyond the Datagram",
		  HEAD SDP "Content-Length: 18446744073709551617\r\n\r\nv=0" },
		{ 400, "Body Without Content-Type", HEAD "\r\nv=0" },
		{ 400, "Malformed To",
		  START VIA FROM "To: \"Mr. J. User <sip:j@example.net>\r\n" CALL_ID CSEQ "\r\n" },
		{ 400, "Malformed To",
		  START VIA FROM "To: \"Watson, Thomas\" < sip:t@example.net >\r\n" CALL_ID CSEQ
				 "\r\n" },
		{ 400, "More than one From", HEAD FROM "\r\n" },
		{ 400, "More than one To", HEAD "t: <sip:c@example.net>\r\n\r\n" },
		{ 400, "More than one Call-ID", HEAD "call-id : y\r\n\r\n" },
		{ 400, "More than one CSeq", HEAD CSEQ "\r\n" },
		{ 400, "More than one Max-Forwards",
		  HEAD "Max-Forwards: 5\r\nMax-Forwards: 70\r\n\r\n" },
		{ 400, "More than one Content-Length", HEAD "Content-Length: 0\r\nl: 0\r\n\r\n" },
		{ 400, "CR without LF in a Header", HEAD "X: a\rRoute: <sip:x>\r\n\r\n" },
		{ 400, "Control Character in a Header", HEAD "X: a\x01\r\n\r\n" },
		{ 400, "Bad Header Name", HEAD "X Y: a\r\n\r\n" },
		{ 400, "Malformed Message", HEAD "no end of headers\r\n" },
		{ 400, "Bad Status Code",
		  "SIP/2.0 4294967301 better not break\r\n" VIA FROM TO CALL_ID CSEQ "\r\n" },
	};
	const char *reason;
	uint16_t status;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		reason = judge(faults[i].text, strlen(faults[i].text), &status);
		if (strcmp(reason, faults[i].reason))
			print_error("fault %zu\n", i);
		assert_string_equal(reason, faults[i].reason);
		assert_int_equal(status, faults[i].status);
	}
}

static const char *repeated(const char *line, size_t times, uint16_t *status)
{
	struct mbuf *mb = mbuf_alloc(1024);
	const char *reason;
	size_t i;

	(void)mbuf_write_str(mb, HEAD);
	for (i = 0; i < times; i++)
		(void)mbuf_write_str(mb, line);
	(void)mbuf_write_str(mb, "\r\n");
	reason = judge((const char *)mb->buf, mb->end, status);
	mem_deref(mb);
	return reason;
}

/* Threat S8 */
static void test_bounds(void **state)
{
	uint16_t status;

	(void)state;
	assert_string_equal(repeated("Z: y\r\n", 122, &status), "");
	assert_string_equal(repeated("Z: y\r\n", 124, &status), "Too Many Headers");
	assert_string_equal(repeated(VIA, 31, &status), "");
	assert_string_equal(repeated(VIA, 32, &status), "Too Many Via Values");
	assert_string_equal(repeated("Route: <sip:a;lr>,<sip:b;lr>\r\n", 17, &status),
			    "Too Many Route Values");
	assert_string_equal(repeated("Z: 0123456789abcdef\r\n", 2000, &status),
			    "Message Too Large");
	assert_int_equal(status, 513);
}

/* libre tells headers by 12 bits of a hash: find a name that it takes for Route. */
static void test_colliding_name(void **state)
{
	char name[16], line[32];
	uint16_t status;
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		(void)re_snprintf(name, sizeof(name), "X%u", i);
		if ((hash_joaat_ci(name, strlen(name)) & 0xfff) == SIP_HDR_ROUTE)
			break;
	}
	assert_true(i < 100000);
	(void)re_snprintf(line, sizeof(line), "%s: <sip:a;lr>\r\n", name);
	assert_string_equal(repeated(line, 1, &status), "Header Name Not Supported");
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Whatever comes: no crash, and what is taken for sound can be edited. */
static void test_damage(void **state)
{
	static const char text[] =
		"INVITE sip:bob@example.net;x=y SIP/2.0\r\n" VIA
		"Via: SIP/2.0/UDP a;branch=z9hG4bKb, "
		"SIP/2.0/TCP [2001:db8::1]:5;branch=c;received=1.2.3.4\r\n" FROM TO CALL_ID
		"CSeq: 1 INVITE\r\nMax-Forwards: 7\r\nRoute: <sip:a;lr>, <sip:b;lr>\r\n"
		"Contact: \"x\" <sip:a@b>;q=0.5\r\nRoute: <sip:c>\r\n" SDP
		"Content-Length: 5\r\n\r\nv=0\r\n";
	static const char marks[] = "\r\n\t ,;:<>\"\\=@[]%?\0\xff"
				    "9aVR";
	uint32_t seed = 1;
	struct fault fault;
	size_t sound = 0;
	uint32_t round;
	struct pl body;

	(void)state;
	for (round = 0; round < 30000; round++) {
		struct mbuf *mb = mbuf_alloc(sizeof(text)), *out = NULL;
		struct msg_edit *edit = NULL;
		struct sip_msg *msg = NULL;
		uint32_t n = 1 + random_next(&seed) % 4;

		(void)mbuf_write_mem(mb, (const uint8_t *)text, sizeof(text) - 1);
		while (n--)
			mb->buf[random_next(&seed) % mb->end] =
				(uint8_t)marks[random_next(&seed) % (sizeof(marks) - 1)];
		if (random_next(&seed) % 8 == 0)
			mb->end = random_next(&seed) % mb->end;
		if (!sanity_decode(mb, &msg, &fault)) {
			const struct via_stamp stamp = { .via = &msg->via };

			sound++;
			assert_int_equal(msg_edit_alloc(&edit, msg), 0);
			msg_edit_prepend(edit, "Via: x\r\n");
			msg_edit_replace(edit, &msg->via.val, "%H", via_stamp_print, &stamp);
			msg_edit_drop_values(edit, SIP_HDR_ROUTE, random_next(&seed) % 4);
			msg_edit_drop_values(edit, SIP_HDR_VIA, 1);
			body = msg_body(msg);
			msg_edit_body(edit, &body, &(struct pl)PL("v=0\r\n"));
			assert_int_equal(msg_edit_finish(edit, &out), 0);
		}
		mem_deref(out);
		mem_deref(edit);
		mem_deref(msg);
		mem_deref(mb);
	}
	/* the damage is not such that nothing is left to edit */
	assert_true(sound > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),  cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_colliding_name),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
