// SPDX-License-Identifier: GPL-2.0-or-later
/* What an operator does to a running nattravd: reload, drain, look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "drain.h"
#include "log.h"
#include "reload.h"
#include "sip_fake_media.h"
#include "sip_view.h"
#include "status.h"

static struct rig rig;
static struct phone alice, bob;
static struct reload *reload;
static struct drain *drain;
static struct served served;
static char *path;

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	/* a ping would end the loop */
	rig_start(&rig, "ping no\n");
	served = (struct served){ .media = rig.server->media,
				  .wheel = rig.server->wheel,
				  .server = rig.server };
	assert_int_equal(re_sdprintf(&path, "%s/conf", rig.dir), 0);
	assert_int_equal(drain_alloc(&drain, &served), 0);
	assert_int_equal(reload_alloc(&reload, rig.config, path, &served, drain), 0);
	phones_open(&alice, &bob, &rig);
	return 0;
}

static int teardown(void **state)
{
	struct config *last = mem_ref(reload_config(reload));

	(void)state;
	phone_close(&alice);
	phone_close(&bob);
	reload = mem_deref(reload);
	drain = mem_deref(drain);
	rig.server = mem_deref(rig.server);
	mem_deref(last);
	path = mem_deref(path);
	rig_stop(&rig);
	return 0;
}

static void append(const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool knows(const char *user)
{
	struct pl name;

	pl_set_str(&name, user);
	return config_user_find(rig.server->config, &name) != NULL;
}

static bool knows_dave(void *arg)
{
	(void)arg;
	return knows("dave");
}

static void test_reload(void **state)
{
	struct phone dave;

	(void)state;
	append("user dave secret-d\nmd5 no\nroute 00 127.0.0.9\n");
	assert_int_equal(raise(SIGHUP), 0);
	assert_true(rig_wait(knows_dave, NULL));
	phone_open(&dave, &rig, "127.0.0.1");
	phone_register(&dave, "dave", "secret-d");
	assert_int_equal(location_count(rig.server->location), 3);
	phone_close(&dave);
}

/* R16: broken files, and what takes a restart, leave everything as it was. */
static void test_reload_refused(void **state)
{
	static const char *const more[] = {
		"usr x y\n",           "user dave\n",  "listen udp 127.0.0.1:1\n",
		"accounting /tmp/x\n", "user eve x\n", "status ::1\n",
	};
	const struct config *before = rig.server->config;
	struct view a;
	char text[4096];
	size_t i, len;
	FILE *f;

	(void)state;
	call_answer(&alice, &bob, &a);

	f = fopen(path, "r");
	len = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	/* what is refused is logged as an error */
	(void)freopen("/dev/null", "w", stderr);
	for (i = 0; i < 600; i++) {
		f = fopen(path, "w");
		assert_int_equal(fwrite(text, 1, len, f), len);
		assert_true(fputs(more[i % ARRAY_SIZE(more)], f) >= 0);
		(void)fclose(f);
		if (i % ARRAY_SIZE(more) == 4)
			/* that one is right */
			continue;
		assert_false(reload_now(reload));
	}
	assert_ptr_equal(rig.server->config, before);
	assert_false(knows("dave"));

	f = fopen(path, "w");
	assert_int_equal(fwrite(text, 1, len, f), len);
	(void)fclose(f);
	for (i = 0; i < 400; i++)
		assert_true(reload_now(reload));
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
	view_clear(&a);
}

static bool is_draining(void *arg)
{
	(void)arg;
	return rig.server->draining;
}

/* The call goes on, a new one does not begin, who is registered stays so. */
static void test_drain(void **state)
{
	struct phone carol;
	struct sip_msg *msg;
	struct view a;

	(void)state;
	call_answer(&alice, &bob, &a);

	assert_int_equal(raise(SIGUSR1), 0);
	assert_true(rig_wait(is_draining, NULL));
	phone_send(&bob, "INVITE sip:alice@example.net SIP/2.0\n"
			 "Via: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKn\n"
			 "From: <sip:bob@example.net>;tag=n\nTo: <sip:alice@example.net>\n"
			 "Call-ID: n\nCSeq: 1 INVITE\n\n");
	msg = phone_expect(&bob, 503);
	assert_non_null(sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER));
	mem_deref(msg);
	phone_register(&alice, "alice", "secret-a");
	phone_open(&carol, &rig, "127.0.0.1");
	phone_send(&carol, "REGISTER sip:example.net SIP/2.0\n"
			   "Via: SIP/2.0/UDP 192.168.1.2;branch=z9hG4bKc\n"
			   "From: <sip:carol@example.net>;tag=n\nTo: <sip:carol@example.net>\n"
			   "Call-ID: c\nCSeq: 1 REGISTER\n\n");
	mem_deref(phone_expect(&carol, 503));
	phone_close(&carol);

	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&bob, "BYE"));
	/* re_main() ends by itself now, and not because of us */
	wheel_skip(rig.server->wheel, 1100);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	view_clear(&a);
}

static void loop_enough(void *arg)
{
	*(bool *)arg = true;
	re_cancel();
}

/* Timers that end it must find it running. */
static void loop_skip(void *arg)
{
	(void)arg;
	wheel_skip(rig.server->wheel, 5000);
}

/* Whether the event loop ends without being told, in a time that is long for the timer of a drain. */
static bool loop_ends(void)
{
	struct tmr end, skip;
	bool enough = false;

	tmr_init(&end);
	tmr_init(&skip);
	tmr_start(&end, 300, loop_enough, &enough);
	tmr_start(&skip, 10, loop_skip, NULL);
	(void)re_main(NULL);
	tmr_cancel(&end);
	tmr_cancel(&skip);
	return !enough;
}

/* A drain that was called off ends nothing, whenever that was; one that was not does. */
static void test_drain_cancel(void **state)
{
	(void)state;
	assert_false(loop_ends());
	/* before it has looked for the first time */
	drain_begin(drain);
	drain_cancel(drain);
	assert_false(loop_ends());
	drain_begin(drain);
	assert_true(loop_ends());
}

/* The same while it waits for the last call, which ends later. */
static void test_drain_cancel_in_call(void **state)
{
	struct view a;

	(void)state;
	call_answer(&alice, &bob, &a);
	drain_begin(drain);
	assert_false(loop_ends());
	drain_cancel(drain);
	view_request(&a, &alice, &bob, "BYE", 2);
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
	assert_false(loop_ends());
	view_clear(&a);
}

/* What nattravctl drain speaks to. */
static int control_connect(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	str_ncpy(addr.sun_path, name, sizeof(addr.sun_path));
	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* A socket, and what came over it last. */
struct asking {
	int fd;
	bool told;
	ssize_t len;
	char text[8192];
};

static bool is_told(void *arg)
{
	struct asking *asking = arg;

	if (asking->told)
		return true;
	asking->len = recv(asking->fd, asking->text, sizeof(asking->text) - 1, 0);
	if (asking->len >= 0)
		asking->text[asking->len] = '\0';
	asking->told = asking->len >= 0;
	return asking->told;
}

static void ask(struct asking *asking, const char *word, const char *expected)
{
	if (word)
		assert_int_equal(send(asking->fd, word, strlen(word), 0), (ssize_t)strlen(word));
	asking->told = false;
	if (!rig_wait(is_told, asking))
		fail_msg("no answer to %s: %d", word ? word : "nothing", errno);
	if (!strstr(asking->text, expected))
		print_error("%s\n", asking->text);
	assert_non_null(strstr(asking->text, expected));
}

static void test_control(void **state)
{
	struct control *control = NULL, *second = NULL;
	struct asking asking = { .fd = -1 }, other = { .fd = -1 };
	struct stat st;
	struct view a;
	char *name;

	(void)state;
	assert_int_equal(re_sdprintf(&name, "%s/run/control", rig.dir), 0);
	assert_int_equal(control_alloc(&control, name, &served, drain), 0);
	/* C10: for root and a group */
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	/* one that listens is left alone */
	assert_int_equal(control_alloc(&second, name, &served, drain), EADDRINUSE);

	call_answer(&alice, &bob, &a);

	asking.fd = control_connect(name);
	ask(&asking, "status", "\"draining\":0,");
	ask(&asking, "drain", "\"draining\":1,");
	assert_true(rig.server->draining);
	ask(&asking, "drain", "\"calls\":1,");
	ask(&asking, "cancel", "\"draining\":0,");
	assert_false(rig.server->draining);
	/* the timer of the drain went with it */
	view_request(&a, &alice, &bob, "BYE", 2);
	wheel_skip(rig.server->wheel, 5000);
	phone_register(&alice, "alice", "secret-a");
	view_clear(&a);

	/* what is no word ends the connection */
	other.fd = control_connect(name);
	ask(&other, "explode", "");
	assert_int_equal(other.len, 0);
	(void)close(other.fd);

	/* and it says good-bye */
	ask(&asking, "status", "\"calls\":0,");
	control = mem_deref(control);
	ask(&asking, NULL, "\"calls\":0,");
	ask(&asking, NULL, "");
	assert_int_equal(asking.len, 0);
	(void)close(asking.fd);
	assert_int_equal(stat(name, &st), -1);

	/* the file of one who was killed is no hindrance */
	asking.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	{
		struct sockaddr_un addr = { .sun_family = AF_UNIX };

		str_ncpy(addr.sun_path, name, sizeof(addr.sun_path));
		assert_int_equal(bind(asking.fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	}
	(void)close(asking.fd);
	assert_int_equal(control_alloc(&control, name, &served, drain), 0);
	mem_deref(control);
	mem_deref(name);
	assert_int_equal(re_sdprintf(&name, "%s/run", rig.dir), 0);
	assert_int_equal(rmdir(name), 0);
	mem_deref(name);
}

/* A page over HTTP, as a client that knows little asks for it. */
struct page {
	struct tcp_conn *tc;
	struct mbuf *text;
	const char *request;
	bool whole;
};

static void page_up(void *arg)
{
	struct page *page = arg;
	struct mbuf *mb = mbuf_alloc(256);

	(void)mbuf_write_str(mb, page->request);
	mbuf_set_pos(mb, 0);
	assert_int_equal(tcp_send(page->tc, mb), 0);
	mem_deref(mb);
}

static void page_more(struct mbuf *mb, void *arg)
{
	struct page *page = arg;

	(void)mbuf_write_mem(page->text, mbuf_buf(mb), mbuf_get_left(mb));
}

static void page_end(int err, void *arg)
{
	struct page *page = arg;

	(void)err;
	page->whole = true;
	re_cancel();
}

static bool page_whole(void *arg)
{
	const struct page *page = arg;

	return page->whole;
}

static void page_check(const struct sa *addr, const char *request, const char *expected)
{
	struct page page = { .request = request, .text = mbuf_alloc(1024) };

	assert_int_equal(tcp_connect(&page.tc, addr, page_up, page_more, page_end, &page), 0);
	assert_true(rig_wait(page_whole, &page));
	if (!memmem(page.text->buf, page.text->end, expected, strlen(expected)))
		print_error("%.*s\n", (int)page.text->end, (const char *)page.text->buf);
	assert_non_null(memmem(page.text->buf, page.text->end, expected, strlen(expected)));
	mem_deref(page.tc);
	mem_deref(page.text);
}

static void test_status(void **state)
{
	struct status *status, *second = NULL;
	struct odict *json = NULL;
	struct mbuf *page;
	struct sa addr;
	uint64_t n;

	(void)state;
	page = status_json(rig.server, NULL);
	assert_int_equal(json_decode_odict(&json, 32, (const char *)page->buf, page->end, 4), 0);
	assert_true(odict_get_number(json, &n, "registrations"));
	assert_int_equal(n, 2);
	assert_true(odict_get_number(json, &n, "requests_total"));
	assert_int_equal(n, 4);
	mem_deref(json);
	mem_deref(page);

	addr_free(&addr, "127.0.0.1");
	assert_int_equal(status_alloc(&status, &addr, rig.server, NULL), 0);
	page_check(&addr, "GET /status HTTP/1.0\r\n\r\n", "\"registrations\":2,");
	page_check(&addr, "GET /metrics HTTP/1.0\r\n\r\n",
		   "# TYPE nattravd_registrations gauge\nnattravd_registrations 2\n");
	page_check(&addr, "GET / HTTP/1.0\r\n\r\n", " 404 ");
	page_check(&addr, "DELETE /status HTTP/1.0\r\n\r\n", " 405 ");
	page_check(&addr, "POST /status HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", " 405 ");
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_not_equal(status_alloc(&second, &addr, rig.server, NULL), 0);
	mem_deref(status);
}

int main(void)
{
#define OPERATE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		OPERATE_TEST(test_reload),         OPERATE_TEST(test_drain),
		OPERATE_TEST(test_drain_cancel),   OPERATE_TEST(test_drain_cancel_in_call),
		OPERATE_TEST(test_control),        OPERATE_TEST(test_status),
		OPERATE_TEST(test_reload_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
