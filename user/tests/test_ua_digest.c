// SPDX-License-Identifier: GPL-2.0-or-later
/* Which challenges are answered, and with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../ua/digest.h"

#define MD5_ANSWER    "921650fa6909c8b7a83688131b51bdfb"
#define SHA256_ANSWER "fa64278762ca4fe96546f064d67ac110bd5feedf61a691d27f9d098a4185a920"

static const struct ua_credentials bob = { "bob", "secret", "example.net" };

/* Answers a response with these headers; returns what ua_digest_challenge() does. */
static int answer(char **header, const char *status, const char *headers)
{
	struct ua_digest digest = { .count = 0 };
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg;
	bool stale = false;
	int err;

	assert_int_equal(mbuf_printf(mb,
				     "SIP/2.0 %s\r\n"
				     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
				     "From: <sip:bob@example.net>;tag=1\r\n"
				     "To: <sip:bob@example.net>;tag=2\r\n"
				     "Call-ID: 1\r\nCSeq: 1 REGISTER\r\n%s\r\n",
				     status, headers),
			 0);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);

	err = ua_digest_challenge(&digest, msg, &bob, &stale);
	*header = NULL;
	if (!err) {
		mb = mbuf_alloc(512);
		assert_int_equal(ua_digest_print(mb, &digest, &bob, "REGISTER", "sip:example.net"),
				 0);
		mb->pos = 0;
		assert_int_equal(mbuf_strdup(mb, header, mb->end), 0);
		mem_deref(mb);
	}
	ua_digest_reset(&digest);
	mem_deref(msg);
	return err;
}

static void check_answer(const char *status, const char *headers, const char *begin,
			 const char *response, const char *end)
{
	char *header;

	assert_int_equal(answer(&header, status, headers), 0);
	assert_non_null(header);
	if (!header)
		return;
	assert_memory_equal(header, begin, strlen(begin));
	assert_non_null(strstr(header, response));
	assert_non_null(strstr(header, end));
	mem_deref(header);
}

static void check_silence(const char *headers, int expected)
{
	char *header;

	assert_int_equal(answer(&header, "401 Unauthorized", headers), expected);
	assert_null(header);
}

#define AUTH(realm, rest) "WWW-Authenticate: Digest realm=\"" realm "\", nonce=\"abc\"" rest "\r\n"

static void test_answers(void **state)
{
	(void)state;
	check_answer("401 Unauthorized", AUTH("example.net", ""), "Authorization: Digest ",
		     "response=\"" MD5_ANSWER "\"", "algorithm=MD5\r\n");
	check_answer("401 Unauthorized", AUTH("example.net", ", algorithm=sha-256"),
		     "Authorization: Digest username=\"bob\", realm=\"example.net\", "
		     "nonce=\"abc\", uri=\"sip:example.net\", ",
		     "response=\"" SHA256_ANSWER "\"", "algorithm=SHA-256\r\n");
	check_answer(
		"407 Proxy Authentication Required",
		"Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"abc\", opaque=\"o\"\r\n",
		"Proxy-Authorization: Digest ", "response=\"" MD5_ANSWER "\"", ", opaque=\"o\"");
	check_answer("401 Unauthorized", AUTH("example.net", ", qop=\"auth-int,auth\""),
		     "Authorization: ", ", qop=auth, nc=00000001, cnonce=\"", "algorithm=MD5");
}

/* In either order. */
static void test_stronger_wins(void **state)
{
	(void)state;
	check_answer("401 Unauthorized",
		     AUTH("example.net", ", algorithm=MD5")
			     AUTH("example.net", ", algorithm=SHA-256"),
		     "Authorization: ", SHA256_ANSWER, "SHA-256");
	check_answer("401 Unauthorized",
		     AUTH("example.net", ", algorithm=SHA-256")
			     AUTH("example.net", ", algorithm=MD5"),
		     "Authorization: ", SHA256_ANSWER, "SHA-256");
	check_answer("401 Unauthorized",
		     AUTH("example.net", ", algorithm=SHA-512-256") AUTH("evil.example", "")
			     AUTH("example.net", ", algorithm=MD5"),
		     "Authorization: ", MD5_ANSWER, "MD5");
}

static void test_not_answered(void **state)
{
	(void)state;
	check_silence(AUTH("evil.example", ""), EACCES);
	check_silence(AUTH("example.net ", ""), EACCES);
	check_silence(AUTH("Example.net", ""), EACCES);
	check_silence(AUTH("", ""), EACCES);
	check_silence(AUTH("example.net", ", algorithm=SHA-512-256"), ENOTSUP);
	check_silence(AUTH("example.net", ", qop=\"auth-int\""), ENOTSUP);
	check_silence("WWW-Authenticate: Basic realm=\"example.net\"\r\n", ENOTSUP);
	check_silence("", ENOTSUP);
	/* a nonce over two lines, or with a backslash, would break our header */
	check_silence("WWW-Authenticate: Digest realm=\"example.net\", nonce=\"a\r\n b\"\r\n",
		      ENOTSUP);
	check_silence(AUTH("example.net", ", opaque=\"a\\\\\""), ENOTSUP);
	/* a proxy's challenge in an answer that is not a proxy's */
	check_silence("Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"abc\"\r\n",
		      ENOTSUP);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_stronger_wins),
		cmocka_unit_test(test_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
