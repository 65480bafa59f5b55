// SPDX-License-Identifier: GPL-2.0-or-later
/* Trunks over TCP and TLS: connections to them, from them, lost ones and false ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "sip/nexthop.h"
#include "sip_fake_media.h"
#include "sip_view.h"

#define TRUNK "127.0.0.5"
/* more than the longest time between two tries */
#define RETRY_MAX_MS 65000
#define TRY_MS       1100

static struct rig rig;
static struct phone alice, trunk;
static struct sa addr;
static char pem[] = "/tmp/nattravd-test-XXXXXX";

static int setup(void **state)
{
	int fd;

	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&trunk, 0, sizeof(trunk));
	assert_int_equal(libre_init(), 0);
	addr_free(&addr, TRUNK);
	memset(pem + sizeof(pem) - 7, 'X', 6);
	fd = mkstemp(pem);
	assert_true(fd >= 0);
	(void)close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phone_close(&alice);
	phone_close(&trunk);
	rig_stop(&rig);
	(void)unlink(pem);
	return 0;
}

/* @options: behind the address of the route; @more: further lines. */
static void start(const char *options, const char *more)
{
	char *extra;

	assert_int_equal(re_sdprintf(&extra, "route 00 %J %s\n%s", &addr, options, more), 0);
	rig_start(&rig, extra);
	mem_deref(extra);
	phone_open(&alice, &rig, "127.0.0.1");
	phone_register(&alice, "alice", "secret-a");
}

static void call(struct phone *phone, const char *from, const char *uri, unsigned int n,
		 const char *via)
{
	phone_send(phone,
		   "INVITE %s SIP/2.0\nVia: SIP/2.0/%s;branch=z9hG4bKn%u\n"
		   "From: <%s>;tag=a1\nTo: <%s>\nCall-ID: call-1\nCSeq: %u INVITE\n"
		   "Contact: <sip:a@@L>\nUser-Agent: one with a name that is as long as others\n"
		   "Content-Length: 0\n\n",
		   uri, via, n, from, uri, n);
}

static void call_out(unsigned int n)
{
	call(&alice, "sip:alice@example.net", "sip:0049@example.net", n, "UDP @L");
}

/* A whole call to the trunk, which hangs up. */
static void call_through(unsigned int n, const char *ruri, const char *via)
{
	struct sip_msg *msg;
	struct view b;

	call_out(n);
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&trunk, "INVITE");
	assert_true(msg->ruri.l >= strlen(ruri));
	assert_memory_equal(msg->ruri.p, ruri, strlen(ruri));
	assert_true(header_has(msg, SIP_HDR_VIA, via));
	view_set(&b, &trunk, msg, "t1");
	phone_reply(&trunk, msg, 200, "t1", "Contact: <sip:x@127.0.0.5>\n", "");
	mem_deref(msg);
	mem_deref(phone_expect(&alice, 200));
	view_request(&b, &trunk, &alice, "BYE", 1);
	view_clear(&b);
}

static unsigned int hops_up(void)
{
	unsigned int up;

	assert_int_equal(nexthops_count(flows_nexthops(rig.server->flows), &up), 1);
	return up;
}

static bool is_up(void *arg)
{
	(void)arg;
	return hops_up() == 1;
}

static bool is_down(void *arg)
{
	(void)arg;
	return hops_up() == 0;
}

static bool is_quiet(void *arg)
{
	(void)arg;
	return !flows_connections(rig.server->flows);
}

/* Passes the time from one try to the next; calls do not hasten them any more then. */
static bool is_given_up(void *arg)
{
	const struct listener *listener =
		flows_choose(rig.server->flows, *(enum transport *)arg, sa_af(&addr), "");
	const struct flow flow = { listener, addr };

	if (!flow_is_up(&flow))
		return true;
	if (!flows_connections(rig.server->flows))
		wheel_skip(rig.server->wheel, TRY_MS);
	return false;
}

static void wait_given_up(enum transport transport)
{
	assert_true(rig_wait(is_given_up, &transport));
	assert_int_equal(hops_up(), 0);
}

/* One connection, opened at the start, for all calls; it outlives silence. */
static void test_tcp(void **state)
{
	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	phone_expect_connection(&trunk, 1);
	assert_true(rig_wait(is_up, NULL));
	call_through(1, "sip:0049@127.0.0.5:", "SIP/2.0/TCP 127.0.0.1:");
	wheel_skip(rig.server->wheel, 3600 * 1000);
	phone_register(&alice, "alice", "secret-a");
	call_through(2, "sip:0049@127.0.0.5:", "SIP/2.0/TCP 127.0.0.1:");
	phone_expect_connection(&trunk, 1);
	assert_false(trunk.closed);
}

static void test_ipv6(void **state)
{
	struct sa own;
	char *more;

	(void)state;
	addr_free(&addr, "::1");
	addr_free(&own, "::1");
	phone_listen(&trunk, &rig, &addr, NULL);
	assert_int_equal(re_sdprintf(&more, "listen tcp %J\n", &own), 0);
	start("transport=tcp", more);
	mem_deref(more);
	phone_expect_connection(&trunk, 1);
	call_through(1, "sip:0049@[::1]:", "SIP/2.0/TCP [::1]:");
}

/* A trunk that closes idle connections is connected to when there is something to say. */
static void test_closed_by_trunk(void **state)
{
	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	phone_expect_connection(&trunk, 1);
	assert_true(rig_wait(is_up, NULL));
	wheel_skip(rig.server->wheel, 60000);
	phone_hang_up(&trunk);
	assert_true(rig_wait(is_down, NULL));
	/* what is said before the connection is there waits for it */
	call_through(1, "sip:0049@127.0.0.5:", "SIP/2.0/TCP 127.0.0.1:");
	phone_expect_connection(&trunk, 2);
}

static void expect_503(void)
{
	struct sip_msg *msg = phone_expect(&alice, 503);

	assert_non_null(sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER));
	mem_deref(msg);
}

/* Nobody is there: a try has failed just now, so that no caller waits for nothing. */
static void test_back_off(void **state)
{
	(void)state;
	start("transport=tcp", "");
	phone_register(&alice, "alice", "secret-a");
	wait_given_up(TRANSPORT_TCP);
	call_out(1);
	expect_503();
	assert_int_equal(transactions_count(rig.server->transactions), 0);

	/* it comes back; callers do not hasten what has failed just now, the timer does it */
	phone_listen(&trunk, &rig, &addr, NULL);
	call_out(2);
	expect_503();
	assert_int_equal(trunk.accepted, 0);
	wheel_skip(rig.server->wheel, RETRY_MAX_MS);
	phone_expect_connection(&trunk, 1);
	assert_true(rig_wait(is_up, NULL));
	phone_register(&alice, "alice", "secret-a");
	call_through(3, "sip:0049@127.0.0.5:", "SIP/2.0/TCP 127.0.0.1:");
}

/* It comes back, and the timer is far away: a caller does not wait for that. */
static void test_on_demand(void **state)
{
	unsigned int i;

	(void)state;
	start("transport=tcp", "");
	phone_register(&alice, "alice", "secret-a");
	/* the longest of pauses */
	for (i = 0; i < 8; i++) {
		wheel_skip(rig.server->wheel, RETRY_MAX_MS);
		assert_true(rig_wait(is_quiet, NULL));
	}
	assert_int_equal(hops_up(), 0);
	phone_listen(&trunk, &rig, &addr, NULL);
	phone_register(&alice, "alice", "secret-a");
	wheel_skip(rig.server->wheel, 1500);
	assert_int_equal(trunk.accepted, 0);
	call_through(1, "sip:0049@127.0.0.5:", "SIP/2.0/TCP 127.0.0.1:");
	assert_int_equal(trunk.accepted, 1);
}

/* Two lines for the same numbers: the second counts while the first cannot be reached. */
static void test_second(void **state)
{
	struct phone second;
	struct sip_msg *msg;
	struct sa other;
	char *more;

	(void)state;
	addr_free(&other, "127.0.0.6");
	assert_int_equal(re_sdprintf(&more, "route 00 %J\n", &other), 0);
	start("transport=tcp", more);
	mem_deref(more);
	phone_open_at(&second, &rig, &other);
	phone_register(&alice, "alice", "secret-a");
	wait_given_up(TRANSPORT_TCP);
	call_out(1);
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&second, "INVITE");
	phone_reply(&second, msg, 486, "t", "", "");
	mem_deref(msg);
	mem_deref(phone_expect_request(&second, "ACK"));
	mem_deref(phone_expect(&alice, 486));
	phone_listen(&trunk, &rig, &addr, NULL);
	wheel_skip(rig.server->wheel, RETRY_MAX_MS);
	phone_expect_connection(&trunk, 1);
	assert_true(rig_wait(is_up, NULL));
	phone_register(&alice, "alice", "secret-a");
	call_through(2, "sip:0049@127.0.0.5:", "SIP/2.0/TCP 127.0.0.1:");
	phone_close(&second);
}

/* There is no way there at all, which is known at once. */
static void test_no_way(void **state)
{
	(void)state;
	assert_int_equal(sa_set_str(&addr, "203.0.113.77", 5060), 0);
	start("transport=tcp", "");
	call_out(1);
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect(&alice, 503));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
}

/* The connection breaks under an INVITE: the caller is told at once. */
static void test_lost(void **state)
{
	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	phone_expect_connection(&trunk, 1);
	call_out(1);
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&trunk, "INVITE"));
	phone_hang_up(&trunk);
	mem_deref(phone_expect(&alice, 503));
	assert_int_equal(dialogs_count(rig.server->dialogs), 0);
}

/* The same for a terminal, which has but this connection. */
static void test_terminal_lost(void **state)
{
	struct phone bob;

	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	phone_open_tcp(&bob, &rig);
	phone_register(&bob, "bob", "secret-b");
	call(&alice, "sip:alice@example.net", "sip:bob@example.net", 1, "UDP @L");
	mem_deref(phone_expect(&alice, 100));
	mem_deref(phone_expect_request(&bob, "INVITE"));
	phone_hang_up(&bob);
	mem_deref(phone_expect(&alice, 480));
	phone_close(&bob);
}

/* A trunk that opens connections of its own is called back over ours. */
static void test_inbound(void **state)
{
	struct phone own, stranger;
	struct sip_msg *msg;
	struct view a;

	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	phone_expect_connection(&trunk, 1);
	phone_open_tcp_from(&own, &rig, TRUNK);
	call(&own, "sip:0049@example.org", "sip:alice@example.net", 1, "TCP @L");
	mem_deref(phone_expect(&own, 100));
	msg = phone_expect_request(&alice, "INVITE");
	view_set(&a, &alice, msg, "a2");
	phone_reply(&alice, msg, 200, "a2", "Contact: <sip:alice@192.168.1.2>\n", "");
	mem_deref(msg);
	mem_deref(phone_expect(&own, 200));
	phone_close(&own);
	view_request(&a, &alice, &trunk, "BYE", 1);
	view_clear(&a);

	/* anybody else has to say who he is, whatever he says of himself */
	phone_open_tcp_from(&stranger, &rig, "127.0.0.66");
	call(&stranger, "sip:0049@example.org", "sip:alice@example.net", 2, "TCP 127.0.0.5");
	mem_deref(phone_expect(&stranger, 407));
	phone_close(&stranger);
	phone_open(&stranger, &rig, TRUNK);
	call(&stranger, "sip:0049@example.org", "sip:alice@example.net", 3, "UDP @L");
	mem_deref(phone_expect(&stranger, 407));
	phone_close(&stranger);
}

/* An OPTIONS of a trunk over a connection of its own, with an alias (RFC 5923). */
static void alias_offer(struct phone *phone, const char *host)
{
	phone_open_tcp_from(phone, &rig, host);
	phone_send(phone,
		   "OPTIONS sip:example.net SIP/2.0\nVia: SIP/2.0/TCP %J;branch=z9hG4bKo;alias\n"
		   "From: <sip:x@example.org>;tag=x\nTo: <sip:example.net>\n"
		   "Call-ID: o\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n",
		   &addr);
	mem_deref(phone_expect(phone, 200));
}

/* A trunk that cannot be connected to offers its own connection, where its realm is trusted. */
static void test_alias(void **state)
{
	struct sip_msg *msg;
	struct phone own;

	(void)state;
	start("transport=tcp", "realm access trusted\n");
	wait_given_up(TRANSPORT_TCP);
	/* who says so from elsewhere is not believed */
	alias_offer(&own, "127.0.0.66");
	assert_int_equal(hops_up(), 0);
	phone_close(&own);
	alias_offer(&own, TRUNK);
	assert_int_equal(hops_up(), 1);
	call_out(1);
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&own, "INVITE");
	assert_true(header_has(msg, SIP_HDR_VIA, ";alias"));
	phone_reply(&own, msg, 486, "t", "", "");
	mem_deref(msg);
	mem_deref(phone_expect_request(&own, "ACK"));
	mem_deref(phone_expect(&alice, 486));
	phone_close(&own);
	assert_true(rig_wait(is_down, NULL));
}

static void test_alias_untrusted(void **state)
{
	struct phone own;

	(void)state;
	start("transport=tcp", "");
	wait_given_up(TRANSPORT_TCP);
	alias_offer(&own, TRUNK);
	assert_int_equal(hops_up(), 0);
	phone_close(&own);
}

/* The daemon starts anew in the middle of a call to a trunk. */
static void test_restart(void **state)
{
	struct sip_msg *msg;
	struct view a;

	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	call_out(1);
	mem_deref(phone_expect(&alice, 100));
	msg = phone_expect_request(&trunk, "INVITE");
	phone_reply(&trunk, msg, 200, "t1", "Contact: <sip:x@127.0.0.5>\n", "");
	mem_deref(msg);
	msg = phone_expect(&alice, 200);
	view_set(&a, &alice, msg, "a1");
	mem_deref(msg);
	rig_restart(&rig);
	view_send(&a, &alice, "BYE", 2, "");
	mem_deref(phone_expect_request(&trunk, "BYE"));
	phone_expect_connection(&trunk, 2);
	view_clear(&a);
}

/* What a configuration no longer names is not tried again, and ends by silence. */
static void test_reload(void **state)
{
	struct config *config, *before;
	char *path, *error = NULL;
	unsigned int up;
	FILE *f;

	(void)state;
	phone_listen(&trunk, &rig, &addr, NULL);
	start("transport=tcp", "");
	phone_expect_connection(&trunk, 1);
	assert_true(rig_wait(is_up, NULL));
	/* the same again changes nothing */
	assert_int_equal(server_reconfigure(rig.server, rig.config), 0);
	assert_int_equal(hops_up(), 1);
	phone_expect_connection(&trunk, 1);

	assert_int_equal(re_sdprintf(&path, "%s/conf", rig.dir), 0);
	f = fopen(path, "w");
	(void)re_fprintf(f,
			 "listen udp %J\nlisten tcp %J\ndomain example.net\n"
			 "relay 203.0.113.1 30000-30099\nuser alice secret-a\ndatabase %s/db\n",
			 &rig.addr, &rig.addr, rig.dir);
	(void)fclose(f);
	assert_int_equal(config_load(&config, path, &error), 0);
	assert_int_equal(server_reconfigure(rig.server, config), 0);
	before = rig.config;
	rig.config = config;
	assert_int_equal(nexthops_count(flows_nexthops(rig.server->flows), &up), 0);
	phone_register(&alice, "alice", "secret-a");
	assert_false(trunk.closed);
	wheel_skip(rig.server->wheel, 16 * 60000);
	phone_expect_close(&trunk);
	mem_deref(before);
	mem_deref(path);
}

/* A certificate that shows the name, from somebody who is trusted with it. */
static void test_tls(void **state)
{
	char *more;

	(void)state;
	certificate_write(pem, "trunk.example.org");
	phone_listen(&trunk, &rig, &addr, pem);
	assert_int_equal(re_sdprintf(&more, "ca %s\n", pem), 0);
	start("transport=tls name=trunk.example.org", more);
	mem_deref(more);
	phone_expect_connection(&trunk, 1);
	assert_true(rig_wait(is_up, NULL));
	call_through(1, "sip:0049@trunk.example.org", "SIP/2.0/TLS 127.0.0.1:");
}

/* What nattravd says while @fn runs. */
static void log_catch(char *text, size_t size, void (*fn)(void))
{
	const int err = dup(STDERR_FILENO);
	FILE *f = tmpfile();
	size_t len;

	assert_int_equal(dup2(fileno(f), STDERR_FILENO), STDERR_FILENO);
	fn();
	assert_int_equal(dup2(err, STDERR_FILENO), STDERR_FILENO);
	(void)close(err);
	rewind(f);
	len = fread(text, 1, size - 1, f);
	text[len] = '\0';
	(void)fclose(f);
}

static const char *options_under_test;
static const char *ca_under_test;

static void try_false_trunk(void)
{
	char *more;

	assert_int_equal(re_sdprintf(&more, "ca %s\n", ca_under_test), 0);
	start(options_under_test, more);
	mem_deref(more);
	log_set_level(LOG_LEVEL_WARN);
	wait_given_up(TRANSPORT_TLS);
	log_set_level(LOG_LEVEL_ERROR);
}

/* Nothing is said to a trunk that is not who it should be, and the log tells what is wrong. */
static void refuse_trunk(const char *options, const char *ca, const char *why)
{
	char text[8192];

	phone_listen(&trunk, &rig, &addr, pem);
	options_under_test = options;
	ca_under_test = ca;
	log_catch(text, sizeof(text), try_false_trunk);
	if (!strstr(text, why))
		print_error("%s\n", text);
	assert_non_null(strstr(text, why));
	call_out(1);
	mem_deref(phone_expect(&alice, 503));
	assert_true(list_isempty(&trunk.inbox));
}

static void test_tls_wrong_name(void **state)
{
	(void)state;
	certificate_write(pem, "evil.example.org");
	refuse_trunk("transport=tls name=trunk.example.org", pem, "ostname mismatch");
}

static void test_tls_wrong_ca(void **state)
{
	char other[] = "/tmp/nattravd-test-XXXXXX";

	(void)state;
	(void)close(mkstemp(other));
	certificate_write(other, "trunk.example.org");
	certificate_write(pem, "trunk.example.org");
	refuse_trunk("transport=tls name=trunk.example.org", other, "self");
	(void)unlink(other);
}

int main(void)
{
#define HOP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		HOP_TEST(test_tcp),
		HOP_TEST(test_ipv6),
		HOP_TEST(test_closed_by_trunk),
		HOP_TEST(test_back_off),
		HOP_TEST(test_on_demand),
		HOP_TEST(test_second),
		HOP_TEST(test_no_way),
		HOP_TEST(test_lost),
		HOP_TEST(test_terminal_lost),
		HOP_TEST(test_inbound),
		HOP_TEST(test_alias),
		HOP_TEST(test_alias_untrusted),
		HOP_TEST(test_restart),
		HOP_TEST(test_reload),
		HOP_TEST(test_tls),
		HOP_TEST(test_tls_wrong_name),
		HOP_TEST(test_tls_wrong_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
