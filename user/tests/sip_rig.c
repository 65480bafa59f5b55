// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sip_rig.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "log.h"
#include "sip/frame.h"

/* for what should come, and for what should not */
#define PATIENCE_MS 2000
#define SILENCE_MS  200

/* A datagram that came. */
struct letter {
	struct le le;
	struct mbuf *mb;
};

/* An address with a port that is free for UDP and TCP. */
void addr_free(struct sa *sa, const char *host)
{
	struct tcp_sock *ts = NULL;
	struct udp_sock *us;

	do {
		ts = mem_deref(ts);
		assert_int_equal(sa_set_str(sa, host, 0), 0);
		assert_int_equal(udp_listen(&us, sa, NULL, NULL), 0);
		assert_int_equal(udp_local_get(us, sa), 0);
		mem_deref(us);
		assert_int_equal(tcp_sock_alloc(&ts, sa, NULL, NULL), 0);
	} while (tcp_sock_bind(ts, sa));
	mem_deref(ts);
}

void certificate_write(const char *path, const char *host)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	FILE *f = fopen(path, "w");
	X509_EXTENSION *extension;
	X509_NAME *name;
	char *alt;

	assert_non_null(f);
	assert_true(X509_set_version(cert, 2));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1));
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	name = X509_get_subject_name(cert);
	assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					       (const unsigned char *)host, -1, -1, 0));
	assert_true(X509_set_issuer_name(cert, name));
	assert_int_equal(re_sdprintf(&alt, "DNS:%s", host), 0);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt);
	assert_true(X509_add_ext(cert, extension, -1));
	X509_EXTENSION_free(extension);
	mem_deref(alt);
	assert_true(X509_set_pubkey(cert, key));
	assert_true(X509_sign(cert, key, EVP_sha256()));
	assert_true(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	assert_true(PEM_write_X509(f, cert));
	assert_int_equal(fclose(f), 0);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void config_write(const struct rig *rig, const char *path, const char *extra)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(re_fprintf(f,
			       "listen udp %J\nlisten tcp %J\nlisten udp %J\nlisten tls %J\n"
			       "certificate %s/pem\n"
			       "domain example.net\nrelay 203.0.113.1 30000-30999\n"
			       "user alice secret-a\nuser bob secret-b\nuser carol secret-c\n"
			       "database %s/db\n%s",
			       &rig->addr, &rig->addr, &rig->addr6, &rig->tls, rig->dir, rig->dir,
			       extra) > 0);
	assert_int_equal(fclose(f), 0);
}

void rig_start(struct rig *rig, const char *extra)
{
	char dir[] = "/tmp/nattravd-test-XXXXXX";
	char *error = NULL;
	char *path;

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(libre_init(), 0);
	log_set_level(getenv("TEST_VERBOSE") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(str_dup(&rig->dir, dir), 0);
	addr_free(&rig->addr, "127.0.0.1");
	addr_free(&rig->addr6, "::1");
	do
		addr_free(&rig->tls, "127.0.0.1");
	while (sa_cmp(&rig->tls, &rig->addr, SA_ALL));
	assert_int_equal(re_sdprintf(&path, "%s/pem", dir), 0);
	certificate_write(path, "example.net");
	mem_deref(path);
	assert_int_equal(re_sdprintf(&path, "%s/conf", dir), 0);
	config_write(rig, path, extra);
	if (config_load(&rig->config, path, &error))
		fail_msg("%s", error);
	mem_deref(path);
	assert_int_equal(server_alloc(&rig->server, rig->config, NULL), 0);
}

void rig_restart(struct rig *rig)
{
	rig->server = mem_deref(rig->server);
	assert_int_equal(server_alloc(&rig->server, rig->config, NULL), 0);
}

void rig_stop(struct rig *rig)
{
	static const char *const files[] = { "conf", "pem", "db", "db-wal", "db-shm" };
	char *path;
	size_t i;

	mem_deref(rig->server);
	mem_deref(rig->config);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(re_sdprintf(&path, "%s/%s", rig->dir, files[i]), 0);
		(void)unlink(path);
		mem_deref(path);
	}
	assert_int_equal(rmdir(rig->dir), 0);
	mem_deref(rig->dir);
	libre_close();
}

static void letter_destroy(void *data)
{
	struct letter *letter = data;

	list_unlink(&letter->le);
	mem_deref(letter->mb);
}

static void phone_readable(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct phone *phone = arg;
	struct letter *letter = mem_zalloc(sizeof(*letter), letter_destroy);

	assert_non_null(letter);
	assert_true(sa_cmp(src, &phone->server, SA_ALL));
	letter->mb = mem_ref(mb);
	list_append(&phone->inbox, &letter->le, letter);
	re_cancel();
}

static void phone_estab(void *arg)
{
	struct phone *phone = arg;

	phone->up = true;
	re_cancel();
}

static void phone_stream(struct mbuf *mb, void *arg)
{
	struct phone *phone = arg;
	struct mbuf *whole;
	struct pl stream;
	size_t len;

	mbuf_skip_to_end(phone->rx);
	assert_int_equal(mbuf_write_mem(phone->rx, mbuf_buf(mb), mbuf_get_left(mb)), 0);
	for (mbuf_set_pos(phone->rx, 0); mbuf_get_left(phone->rx);
	     mbuf_advance(phone->rx, (ssize_t)len)) {
		pl_set_mbuf(&stream, phone->rx);
		if (frame_next(&stream, 65536, &len) == FRAME_MORE)
			break;
		/* a pong is but half of a ping */
		if (!len)
			len = 2;
		whole = mbuf_alloc(len);
		assert_int_equal(mbuf_write_mem(whole, mbuf_buf(phone->rx), len), 0);
		mbuf_set_pos(whole, 0);
		phone_readable(&phone->server, whole, phone);
		mem_deref(whole);
	}
	memmove(phone->rx->buf, mbuf_buf(phone->rx), mbuf_get_left(phone->rx));
	phone->rx->end = mbuf_get_left(phone->rx);
	phone->rx->pos = 0;
}

static void phone_closed(int err, void *arg)
{
	struct phone *phone = arg;

	(void)err;
	phone->closed = true;
	re_cancel();
}

void phone_open(struct phone *phone, struct rig *rig, const char *host)
{
	struct sa any;

	assert_int_equal(sa_set_str(&any, host, 0), 0);
	phone_open_at(phone, rig, &any);
}

void phone_open_at(struct phone *phone, struct rig *rig, const struct sa *addr)
{
	memset(phone, 0, sizeof(*phone));
	phone->rig = rig;
	phone->server = sa_af(addr) == AF_INET6 ? rig->addr6 : rig->addr;
	assert_int_equal(udp_listen(&phone->us, addr, phone_readable, phone), 0);
	assert_int_equal(udp_local_get(phone->us, &phone->addr), 0);
}

static bool is_up(void *arg)
{
	const struct phone *phone = arg;

	return phone->up;
}

static bool is_closed(void *arg)
{
	const struct phone *phone = arg;

	return phone->closed;
}

static void phone_connect_from(struct phone *phone, struct rig *rig, const struct sa *server,
			       bool tls, const struct sa *local)
{
	memset(phone, 0, sizeof(*phone));
	phone->rig = rig;
	phone->server = *server;
	phone->rx = mbuf_alloc(1024);
	assert_int_equal(tcp_connect_bind(&phone->tc, server, phone_estab, phone_stream,
					  phone_closed, local, phone),
			 0);
	if (tls) {
		assert_int_equal(tls_alloc(&phone->tls, TLS_METHOD_SSLV23, NULL, NULL), 0);
		assert_int_equal(tls_start_tcp(&phone->sc, phone->tls, phone->tc, 0), 0);
	}
	assert_true(rig_wait(is_up, phone));
	assert_int_equal(tcp_conn_local_get(phone->tc, &phone->addr), 0);
}

static void phone_connect(struct phone *phone, struct rig *rig, const struct sa *server, bool tls)
{
	struct sa any;

	assert_int_equal(sa_set_str(&any, "127.0.0.1", 0), 0);
	phone_connect_from(phone, rig, server, tls, &any);
}

void phone_open_tcp_from(struct phone *phone, struct rig *rig, const char *host)
{
	struct sa local;

	assert_int_equal(sa_set_str(&local, host, 0), 0);
	phone_connect_from(phone, rig, &rig->addr, false, &local);
}

static void phone_drop(struct phone *phone)
{
	phone->sc = mem_deref(phone->sc);
	phone->tc = mem_deref(phone->tc);
	phone->rx = mem_deref(phone->rx);
}

static void phone_accept(const struct sa *peer, void *arg)
{
	struct phone *phone = arg;

	phone_drop(phone);
	phone->accepted++;
	phone->closed = false;
	phone->server = *peer;
	phone->rx = mbuf_alloc(1024);
	assert_int_equal(tcp_accept(&phone->tc, phone->ts, phone_estab, phone_stream, phone_closed,
				    phone),
			 0);
	if (phone->tls)
		assert_int_equal(tls_start_tcp(&phone->sc, phone->tls, phone->tc, 0), 0);
	re_cancel();
}

void phone_listen(struct phone *phone, struct rig *rig, const struct sa *addr, const char *pem)
{
	memset(phone, 0, sizeof(*phone));
	phone->rig = rig;
	phone->addr = *addr;
	if (pem)
		assert_int_equal(tls_alloc(&phone->tls, TLS_METHOD_SSLV23, pem, NULL), 0);
	assert_int_equal(tcp_listen(&phone->ts, addr, phone_accept, phone), 0);
}

/* A number of connections that is waited for. */
struct connections {
	const struct phone *phone;
	unsigned int count;
};

static bool is_connected(void *arg)
{
	const struct connections *wanted = arg;

	return wanted->phone->accepted >= wanted->count &&
	       (!wanted->phone->tls || wanted->phone->up);
}

void phone_expect_connection(struct phone *phone, unsigned int count)
{
	struct connections wanted = { phone, count };

	assert_true(rig_wait(is_connected, &wanted));
	assert_int_equal(phone->accepted, count);
}

void phone_hang_up(struct phone *phone)
{
	phone_drop(phone);
	phone->up = false;
	list_flush(&phone->inbox);
}

void phone_open_tcp(struct phone *phone, struct rig *rig)
{
	phone_connect(phone, rig, &rig->addr, false);
}

void phone_open_tls(struct phone *phone, struct rig *rig)
{
	phone_connect(phone, rig, &rig->tls, true);
}

void phone_close(struct phone *phone)
{
	list_flush(&phone->inbox);
	phone->us = mem_deref(phone->us);
	phone->ts = mem_deref(phone->ts);
	phone_drop(phone);
	phone->tls = mem_deref(phone->tls);
}

void phone_expect_close(struct phone *phone)
{
	assert_true(rig_wait(is_closed, phone));
}

void phone_send_raw(struct phone *phone, const void *data, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len + 1);

	assert_non_null(mb);
	assert_int_equal(mbuf_write_mem(mb, data, len), 0);
	mbuf_set_pos(mb, 0);
	if (phone->tc)
		assert_int_equal(tcp_send(phone->tc, mb), 0);
	else
		assert_int_equal(udp_send(phone->us, &phone->server, mb), 0);
	mem_deref(mb);
}

void phone_send(struct phone *phone, const char *fmt, ...)
{
	struct mbuf *mb = mbuf_alloc(2048);
	const char *p;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	assert_int_equal(re_vsdprintf(&text, fmt, ap), 0);
	va_end(ap);
	for (p = text; *p; p++) {
		if (*p == '\n')
			(void)mbuf_write_str(mb, "\r\n");
		else if (!strncmp(p, "@L", 2) && p++)
			(void)mbuf_printf(mb, "%J", &phone->addr);
		else if (!strncmp(p, "@S", 2) && p++)
			(void)mbuf_printf(mb, "%J", &phone->server);
		else
			(void)mbuf_write_u8(mb, (uint8_t)*p);
	}
	phone_send_raw(phone, mb->buf, mb->end);
	mem_deref(mb);
	mem_deref(text);
}

static void on_patience(void *arg)
{
	(void)arg;
	re_cancel();
}

static bool wait_for(bool (*done)(void *arg), void *arg, uint64_t ms)
{
	const uint64_t end = tmr_jiffies() + ms;
	struct tmr tmr;

	tmr_init(&tmr);
	while (!done(arg) && tmr_jiffies() < end) {
		/* some conditions come true without a message */
		tmr_start(&tmr, MIN(end - tmr_jiffies(), 50ull), on_patience, NULL);
		(void)re_main(NULL);
	}
	tmr_cancel(&tmr);
	return done(arg);
}

bool rig_wait(bool (*done)(void *arg), void *arg)
{
	return wait_for(done, arg, PATIENCE_MS);
}

static bool has_letter(void *arg)
{
	const struct phone *phone = arg;

	return !list_isempty(&phone->inbox);
}

static struct mbuf *letter_get(struct phone *phone, uint64_t ms)
{
	struct letter *letter;
	struct mbuf *mb;

	(void)wait_for(has_letter, phone, ms);
	letter = list_ledata(list_head(&phone->inbox));
	if (!letter)
		return NULL;
	mb = mem_ref(letter->mb);
	mem_deref(letter);
	return mb;
}

struct mbuf *phone_receive_raw(struct phone *phone)
{
	return letter_get(phone, PATIENCE_MS);
}

static struct sip_msg *message_get(struct phone *phone, uint64_t ms)
{
	struct mbuf *mb = letter_get(phone, ms);
	struct sip_msg *msg = NULL;

	if (!mb)
		return NULL;
	if (getenv("TEST_VERBOSE"))
		(void)re_fprintf(stderr, "%J <-\n%b\n", &phone->addr, mb->buf, mb->end);
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);
	return msg;
}

struct sip_msg *phone_receive(struct phone *phone)
{
	return message_get(phone, SILENCE_MS);
}

struct mbuf *phone_receive_text(struct phone *phone, bool expected)
{
	return letter_get(phone, expected ? PATIENCE_MS : SILENCE_MS);
}

struct sip_msg *phone_expect(struct phone *phone, unsigned int status)
{
	struct sip_msg *msg = message_get(phone, PATIENCE_MS);

	assert_non_null(msg);
	assert_false(msg->req);
	assert_int_equal(msg->scode, status);
	return msg;
}

struct sip_msg *phone_expect_request(struct phone *phone, const char *method)
{
	struct sip_msg *msg = message_get(phone, PATIENCE_MS);
	char *got;

	assert_non_null(msg);
	assert_true(msg->req);
	assert_int_equal(pl_strdup(&got, &msg->met), 0);
	assert_string_equal(got, method);
	mem_deref(got);
	return msg;
}

void phone_expect_nothing(struct phone *phone)
{
	assert_null(phone_receive(phone));
}

static bool copy_header(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)mbuf_printf(arg, "%r: %r\n", &hdr->name, &hdr->val);
	return false;
}

void phone_reply(struct phone *phone, const struct sip_msg *request, unsigned int status,
		 const char *tag, const char *extra, const char *body)
{
	struct mbuf *mb = mbuf_alloc(1024);
	const char *p;
	size_t len = 0;
	const bool tagged = tag && !pl_isset(&request->to.tag);

	(void)mbuf_printf(mb, "SIP/2.0 %u Whatever\n", status);
	(void)sip_msg_hdr_apply(request, true, SIP_HDR_VIA, copy_header, mb);
	(void)sip_msg_hdr_apply(request, true, SIP_HDR_RECORD_ROUTE, copy_header, mb);
	(void)mbuf_printf(mb, "From: %r\nTo: %r%s%s\nCall-ID: %r\nCSeq: %u %r\n",
			  &request->from.val, &request->to.val, tagged ? ";tag=" : "",
			  tagged ? tag : "", &request->callid, request->cseq.num,
			  &request->cseq.met);
	for (p = body; *p; p++)
		len += *p == '\n' ? 2 : 1;
	(void)mbuf_printf(mb, "%s%sContent-Length: %zu\n\n%s", extra,
			  *body ? "Content-Type: application/sdp\n" : "", len, body);
	(void)mbuf_write_u8(mb, 0);
	phone_send(phone, "%s", (const char *)mb->buf);
	mem_deref(mb);
}

static bool algorithm_matches(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	return !re_regex(hdr->val.p, hdr->val.l,
			 *(bool *)arg ? "lgorithm=SHA-256" : "lgorithm=MD5");
}

static void hash(char hex[65], bool sha256, const char *fmt, ...)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned int len;
	size_t i;
	va_list ap;
	char *text;

	va_start(ap, fmt);
	assert_int_equal(re_vsdprintf(&text, fmt, ap), 0);
	va_end(ap);
	assert_true(EVP_Digest(text, strlen(text), bytes, &len, sha256 ? EVP_sha256() : EVP_md5(),
			       NULL));
	for (i = 0; i < len; i++)
		(void)sprintf(hex + 2 * i, "%02x", bytes[i]);
	mem_deref(text);
}

char *phone_authorize(const struct sip_msg *challenge, enum sip_hdrid id, bool sha256,
		      const char *method, const char *uri, const char *user, const char *password)
{
	const struct sip_hdr *hdr =
		sip_msg_hdr_apply(challenge, true, id, algorithm_matches, &sha256);
	struct httpauth_digest_chall ch;
	char ha1[65], ha2[65], response[65];
	char *value;

	assert_non_null(hdr);
	assert_int_equal(httpauth_digest_challenge_decode(&ch, &hdr->val), 0);
	hash(ha1, sha256, "%s:%r:%s", user, &ch.realm, password);
	hash(ha2, sha256, "%s:%s", method, uri);
	hash(response, sha256, "%s:%r:00000001:c1:auth:%s", ha1, &ch.nonce, ha2);
	assert_int_equal(
		re_sdprintf(&value,
			    "Digest username=\"%s\", realm=\"%r\", nonce=\"%r\", uri=\"%s\", "
			    "response=\"%s\", algorithm=%s, qop=auth, nc=00000001, cnonce=\"c1\"",
			    user, &ch.realm, &ch.nonce, uri, response, sha256 ? "SHA-256" : "MD5"),
		0);
	return value;
}

void phone_register(struct phone *phone, const char *user, const char *password)
{
	phone_register_as(phone, user, password, 0);
}

void phone_register_as(struct phone *phone, const char *user, const char *password, unsigned int n)
{
	static unsigned int cseq;
	const char *request = "REGISTER sip:example.net SIP/2.0\n"
			      "Via: SIP/2.0/UDP 192.168.1.2:5060;branch=z9hG4bKr%u;rport;keep\n"
			      "From: <sip:%s@example.net>;tag=r\nTo: <sip:%s@example.net>\n"
			      "Call-ID: register-%s-%u\nCSeq: %u REGISTER\nMax-Forwards: 70\n"
			      "Contact: <sip:%s@192.168.1.%u:5060>\nExpires: 600\n%s%s%s"
			      "Content-Length: 0\n\n";
	struct sip_msg *msg;
	char *auth;

	cseq++;
	phone_send(phone, request, cseq, user, user, user, sa_port(&phone->addr), cseq, user, n + 2,
		   "", "", "");
	msg = phone_expect(phone, 401);
	auth = phone_authorize(msg, SIP_HDR_WWW_AUTHENTICATE, true, "REGISTER", "sip:example.net",
			       user, password);
	mem_deref(msg);
	cseq++;
	phone_send(phone, request, cseq, user, user, user, sa_port(&phone->addr), cseq, user, n + 2,
		   "Authorization: ", auth, "\n");
	mem_deref(phone_expect(phone, 200));
	mem_deref(auth);
}

/* State of header_has(). */
struct needle {
	const char *text;
};

static bool value_has(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	const struct needle *needle = arg;

	(void)msg;
	return memmem(hdr->val.p, hdr->val.l, needle->text, strlen(needle->text)) != NULL;
}

bool header_has(const struct sip_msg *msg, enum sip_hdrid id, const char *text)
{
	struct needle needle = { text };

	return sip_msg_hdr_apply(msg, true, id, value_has, &needle) != NULL;
}

void phones_open(struct phone *alice, struct phone *bob, struct rig *rig)
{
	phone_open(alice, rig, "127.0.0.1");
	phone_open(bob, rig, "127.0.0.1");
	phone_register(alice, "alice", "secret-a");
	phone_register(bob, "bob", "secret-b");
}
