// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the SDP of a message is: bodies of one part, of several, and sealed ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "sip/body.h"

#define SDP  "v=0\r\nm=audio 1 RTP/AVP 0\r\n"
#define PART "Content-Type: application/sdp\r\n"

/* What is found in a body with these headers; drop it with mem_deref(). */
static char *find(const char *headers, const char *body, int *err)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;
	char *found = NULL;
	struct pl sdp;

	assert_non_null(mb);
	assert_int_equal(mbuf_printf(mb,
				     "INVITE sip:b@x SIP/2.0\r\n"
				     "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
				     "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\n"
				     "CSeq: 1 INVITE\r\n%s\r\n%s",
				     headers, body),
			 0);
	mbuf_set_pos(mb, 0);
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	*err = body_find_sdp(msg, &sdp);
	if (!*err)
		assert_int_equal(pl_strdup(&found, &sdp), 0);
	mem_deref(msg);
	mem_deref(mb);
	return found;
}

static void check(const char *headers, const char *body, const char *expected)
{
	char *found;
	int err;

	found = find(headers, body, &err);
	assert_int_equal(err, 0);
	assert_string_equal(found, expected);
	mem_deref(found);
}

static void check_error(const char *headers, const char *body, int expected)
{
	int err;

	assert_null(find(headers, body, &err));
	assert_int_equal(err, expected);
}

static void test_single(void **state)
{
	(void)state;
	check(PART, SDP, SDP);
	check("c: Application/SDP;charset=x\r\n", SDP, SDP);
	check_error(PART, "", ENOENT);
	check_error("Content-Type: text/plain\r\n", SDP, ENOENT);
	check_error("", SDP, ENOENT);
}

#define MIXED "Content-Type: multipart/mixed;boundary=\"-b 1\"\r\n"

static void test_parts(void **state)
{
	(void)state;
	check(MIXED,
	      "preamble\r\n---b 1\r\n\r\nplain\r\n---b 1\r\n" PART
	      "Content-Disposition: session\r\n\r\n" SDP "\r\n---b 1 \r\n"
	      "Content-Type: application/isup\r\n\r\nxx\r\n---b 1--\r\nepilogue",
	      SDP);
	/* the line end before a delimiter belongs to it */
	check("Content-Type: multipart/related;boundary=b\r\n",
	      "--b\r\n" PART "\r\nv=0\r\n--b\r\n" PART "\r\n" SDP "\r\n--b--\r\n", "v=0");
	check("Content-Type: Multipart/Mixed;boundary=b\r\n",
	      "--b\nCONTENT-TYPE : application/sdp\nContent-Transfer-Encoding: binary\n\nv=0\n\n"
	      "--b--",
	      "v=0\n");
	/* a part without headers, and one without anything */
	check_error("Content-Type: multipart/mixed;boundary=b\r\n", "--b\r\n\r\nx\r\n--b\r\n--b--",
		    ENOENT);
}

static void test_none(void **state)
{
	static const char inner[] = "--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n"
				    "--c\r\n" PART "\r\n" SDP "\r\n--c--\r\n--b--\r\n";

	(void)state;
	/* parts inside of parts, no boundary, another one, none that ends */
	check_error("Content-Type: multipart/mixed;boundary=b\r\n", inner, ENOENT);
	check_error("Content-Type: multipart/mixed\r\n", inner, ENOENT);
	check_error("Content-Type: multipart/mixed;boundary=\r\n", inner, ENOENT);
	check_error("Content-Type: multipart/mixed;boundary=d\r\n", inner, ENOENT);
	check_error("Content-Type: multipart/mixed;boundary=b\r\n", "--b\r\n" PART "\r\n" SDP,
		    ENOENT);
	check_error("Content-Type: multipart/mixed;boundary=b\r\n",
		    "--bb\r\n" PART "\r\n" SDP "\r\n--bb--\r\n", ENOENT);
}

static void test_sealed(void **state)
{
	(void)state;
	check_error(PART "Content-Encoding: gzip\r\n", SDP, ENOTSUP);
	check_error("Content-Type: multipart/signed;boundary=b\r\n", "--b\r\n" PART "\r\n" SDP,
		    ENOTSUP);
	check_error("Content-Type: application/pkcs7-mime;smime-type=enveloped-data\r\n", "x",
		    ENOTSUP);
	check_error("Content-Type: multipart/mixed;boundary=b\r\n",
		    "--b\r\n" PART "Content-Transfer-Encoding: base64\r\n\r\ndj0wDQo=\r\n--b--\r\n",
		    ENOTSUP);
	check_error("Content-Type: multipart/mixed;boundary=b\r\n",
		    "--b\r\nContent-Encoding: gzip\r\n" PART "\r\nx\r\n--b--\r\n", ENOTSUP);
	/* something else that is packed is none of our business */
	check_error("Content-Type: text/plain\r\nContent-Encoding: gzip\r\n", "x", ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
