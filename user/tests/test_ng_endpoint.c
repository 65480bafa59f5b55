// SPDX-License-Identifier: GPL-2.0-or-later
/* Where the ng protocol is spoken: datagrams, streams in pieces, unix sockets, HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_datapath.h"
#include "log.h"
#include "ng/ng.h"
#include "sip/wheel.h"
#include "sip_rig.h"
#include "status.h"

static struct config config;
static struct config_pool config_pool;
static struct config_ng places[4];
static struct sa http;
static struct media *media;
static struct wheel *wheel;
static struct ng *ng;
static struct status *status;
static char path[64];
static struct tmr pause_timer;

static void place_add(struct config_ng *place, enum config_ng_transport transport, const char *addr)
{
	memset(place, 0, sizeof(*place));
	place->transport = transport;
	if (transport == CONFIG_NG_UNIX)
		place->path = path;
	else
		assert_int_equal(sa_set_str(&place->addr, addr, 0), 0);
	list_append(&config.ng, &place->le, place);
}

/* A port that was free a moment ago. */
static void port_find(struct sa *sa, int type)
{
	socklen_t len = sa->len;
	int fd = socket(sa_af(sa), type, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &sa->u.sa, sa->len), 0);
	assert_int_equal(getsockname(fd, &sa->u.sa, &len), 0);
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(libre_init(), 0);
	log_set_level(LOG_LEVEL_ERROR);
	memset(&fake_datapath, 0, sizeof(fake_datapath));
	fake_datapath.next_id = 1;
	fake_datapath.next_port = 30000;
	fake_datapath.error_entry = -1;
	memset(&config, 0, sizeof(config));
	memset(&config_pool, 0, sizeof(config_pool));
	sa_set_str(&config_pool.addr, "203.0.113.1", 0);
	str_ncpy(config_pool.realm, "access", sizeof(config_pool.realm));
	list_append(&config.pools, &config_pool.le, &config_pool);

	(void)re_snprintf(path, sizeof(path), "/tmp/nattravd-test-%d", getpid());
	place_add(&places[0], CONFIG_NG_UDP, "127.0.0.1");
	place_add(&places[1], CONFIG_NG_TCP, "127.0.0.1");
	place_add(&places[2], CONFIG_NG_UDP, "::1");
	place_add(&places[3], CONFIG_NG_UNIX, NULL);
	port_find(&places[0].addr, SOCK_DGRAM);
	port_find(&places[1].addr, SOCK_STREAM);
	port_find(&places[2].addr, SOCK_DGRAM);
	assert_int_equal(media_init_datapath(&media, &config, &fake_datapath_ops), 0);
	assert_int_equal(wheel_alloc(&wheel), 0);
	assert_int_equal(ng_alloc(&ng, &config, media, wheel, NULL), 0);
	sa_set_str(&http, "127.0.0.1", 0);
	port_find(&http, SOCK_STREAM);
	assert_int_equal(status_alloc(&status, &http, NULL, ng), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	status = mem_deref(status);
	ng = mem_deref(ng);
	wheel = mem_deref(wheel);
	media_close(media);
	assert_int_equal(access(path, F_OK), -1);
	libre_close();
	return 0;
}

static int reach(const struct config_ng *place)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd;

	if (place->transport == CONFIG_NG_UNIX) {
		str_ncpy(name.sun_path, path, sizeof(name.sun_path));
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
		return fd;
	}
	fd = socket(sa_af(&place->addr),
		    place->transport == CONFIG_NG_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
	assert_int_equal(connect(fd, &place->addr.u.sa, place->addr.len), 0);
	return fd;
}

static bool is_readable(void *arg)
{
	const int *fd = arg;
	char byte;

	return recv(*fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* What comes back; nothing if the other side hangs up. */
static char *hear(int fd)
{
	static char reply[4096];
	ssize_t len;

	assert_true(rig_wait(is_readable, &fd));
	len = recv(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT);
	assert_true(len >= 0);
	reply[len] = '\0';
	return reply;
}

static void pause_end(void *arg)
{
	(void)arg;
	re_cancel();
}

/* Lets the other side see what it was told so far. */
static void let_it_read(void)
{
	tmr_start(&pause_timer, 20, pause_end, NULL);
	(void)re_main(NULL);
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void check_place(const struct config_ng *place, const char *question, const char *reply)
{
	int fd = reach(place);

	say(fd, question);
	assert_string_equal(hear(fd), reply);
	close(fd);
}

static void test_ping(void **state)
{
	(void)state;
	check_place(&places[0], "1_1 d7:command4:pinge", "1_1 d6:result4:ponge");
	check_place(&places[0], "1_1 {\"command\":\"ping\"}", "1_1 {\"result\":\"pong\"}");
	check_place(&places[1], "1_1 d7:command4:pinge", "1_1 d6:result4:ponge");
	check_place(&places[2], "1_1 d7:command4:pinge", "1_1 d6:result4:ponge");
	check_place(&places[3], "d7:command4:pinge", "d6:result4:ponge");
	check_place(&places[3], "{\"command\":\"ping\"}", "{\"result\":\"pong\"}");
}

/* A message in a stream comes as it likes. */
static void test_stream(void **state)
{
	static const char two[] = "1 d7:command4:pinge\n2 {\"command\":\"ping\"}";
	int fd = reach(&places[1]);
	size_t i;

	(void)state;
	for (i = 0; two[i]; i++) {
		char byte[] = { two[i], '\0' };

		say(fd, byte);
		if (two[i] == '\n' || !two[i + 1])
			assert_string_equal(hear(fd), i < 30 ? "1 d6:result4:ponge" :
							       "2 {\"result\":\"pong\"}");
	}
	close(fd);

	/* what is no message ends the connection */
	fd = reach(&places[1]);
	say(fd, "GET / HTTP/1.1\r\n");
	assert_string_equal(hear(fd), "");
	close(fd);
	fd = reach(&places[3]);
	say(fd, "1 d7:command4:pinge");
	assert_string_equal(hear(fd), "");
	close(fd);
}

static bool is_refused(void *arg)
{
	return ng_stats(arg)->malformed >= 3;
}

static void test_garbage(void **state)
{
	int fd = reach(&places[0]);

	(void)state;
	say(fd, "");
	say(fd, "x");
	say(fd, "\xff\xff\xff\xff");
	assert_true(rig_wait(is_refused, ng));
	say(fd, "7 d7:command4:pinge");
	assert_string_equal(hear(fd), "7 d6:result4:ponge");
	close(fd);
}

/* Who says nothing, or only half of it, makes room. */
static void test_idle(void **state)
{
	int fd = reach(&places[1]), other = reach(&places[1]);

	(void)state;
	say(fd, "1 d7:command4:pinge");
	assert_string_equal(hear(fd), "1 d6:result4:ponge");
	say(other, "1 d7:comm");
	say(fd, "2 d7:command4:pinge");
	assert_string_equal(hear(fd), "2 d6:result4:ponge");
	wheel_skip(wheel, 11000);
	assert_string_equal(hear(other), "");
	say(fd, "3 d7:command4:pinge");
	assert_string_equal(hear(fd), "3 d6:result4:ponge");
	close(fd);
	close(other);
}

/* T-C10: for the owner and the group. */
static void test_mode(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	/* what an earlier life left is no obstacle; anything else is */
	ng = mem_deref(ng);
	assert_int_equal(ng_alloc(&ng, &config, media, wheel, NULL), 0);
	check_place(&places[3], "d7:command4:pinge", "d6:result4:ponge");
	status = mem_deref(status);
	ng = mem_deref(ng);
	assert_int_equal(mkdir(path, 0700), 0);
	log_set_level(LOG_LEVEL_ERROR);
	assert_int_not_equal(ng_alloc(&ng, &config, media, wheel, NULL), 0);
	assert_int_equal(rmdir(path), 0);
}

static void check_http(const char *url, const char *type, const char *body, const char *code,
		       const char *expected)
{
	const struct config_ng place = { .transport = CONFIG_NG_TCP, .addr = http };
	char *head, *reply;
	int fd = reach(&place);

	assert_int_equal(re_sdprintf(&head,
				     "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
				     "Content-Length: %zu\r\nContent-Type: %s\r\n\r\n",
				     url, strlen(body), type),
			 0);
	say(fd, head);
	mem_deref(head);
	/* some clients send head and body apart */
	let_it_read();
	say(fd, body);
	reply = hear(fd);
	if (!strstr(reply, code))
		fail_msg("%s", reply);
	if (expected)
		assert_string_equal(strstr(reply, "\r\n\r\n") + 4, expected);
	close(fd);
}

#define JSON "application/json"

static void test_http(void **state)
{
	char *big = malloc(70001);

	(void)state;
	check_http("/ng", JSON, "1 {\"command\":\"ping\"}", " 200 ", "1 {\"result\":\"pong\"}");
	check_http("/ng", "application/x-rtpengine-ng", "1 d7:command4:pinge", " 200 ",
		   "1 d6:result4:ponge");
	check_http("/ng-plain", JSON "; charset=utf-8", "{\"command\":\"ping\"}", " 200 ",
		   "{\"result\":\"pong\"}");
	check_http("/ng", JSON, "garbage", " 400 ", NULL);
	check_http("/ng", JSON, "", " 400 ", NULL);
	/* a page in a browser can send this to any host, and to this one */
	check_http("/ng", "text/plain", "1 {\"command\":\"ping\"}", " 415 ", NULL);
	check_http("/status", JSON, "1 {\"command\":\"ping\"}", " 405 ", NULL);
	memset(big, 'x', 70000);
	big[70000] = '\0';
	check_http("/ng", JSON, big, " 413 ", NULL);
	free(big);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_http, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
