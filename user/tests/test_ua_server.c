// SPDX-License-Identifier: GPL-2.0-or-later
/* nattrav-ua and nattravd's SIP side in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sip_fake_media.h"
#include "sip_rig.h"

#include "../ua/ua.h"

#define PATIENCE_MS 5000

static struct rig rig;

static int setup(void **state)
{
	(void)state;
	rig_start(&rig, "keepalive 40\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

/* What the last event of each type told; several may come at once. */
static struct {
	bool came;
	uint16_t status;
	uint32_t seconds;
	struct sa addr;
} told[UA_STOPPED + 1];
static enum ua_event_type awaited;

static void on_event(const struct ua_event *event, void *arg)
{
	(void)arg;
	told[event->type].came = true;
	told[event->type].status = event->status;
	told[event->type].seconds = event->seconds;
	if (event->addr)
		told[event->type].addr = *event->addr;
	if (event->type == awaited)
		re_cancel();
}

static void on_patience(void *arg)
{
	(void)arg;
	re_cancel();
}

static void await_event(enum ua_event_type type)
{
	struct tmr tmr;

	awaited = type;
	tmr_init(&tmr);
	tmr_start(&tmr, PATIENCE_MS, on_patience, NULL);
	(void)re_main(NULL);
	tmr_cancel(&tmr);
	assert_true(told[type].came);
}

static struct ua *ua_make(const char *password)
{
	struct ua_config config;
	struct ua *ua = NULL;

	ua_config_init(&config);
	config.server = rig.addr;
	config.user = "alice";
	config.password = password;
	config.domain = "example.net";
	config.instance = "urn:uuid:00000000-0000-4000-8000-000000000001";
	memset(told, 0, sizeof(told));
	assert_int_equal(ua_alloc(&ua, &config, on_event, NULL), 0);
	assert_int_equal(ua_start(ua), 0);
	return ua;
}

static void test_registers(void **state)
{
	struct ua *ua = ua_make("secret-a");

	(void)state;
	await_event(UA_REGISTERED);
	/* nattravd grants 70 to 100 % of what was asked for */
	assert_in_range(told[UA_REGISTERED].seconds, 2520, 3600);
	assert_int_equal(location_count(rig.server->location), 1);
	/* a STUN request, and nattravd's answer to it */
	await_event(UA_KEEPALIVE);
	assert_true(sa_cmp(&told[UA_KEEPALIVE].addr, &told[UA_REGISTERED].addr, SA_ALL));
	assert_int_equal(told[UA_INTERVAL].seconds, 40);
	ua_stop(ua);
	await_event(UA_STOPPED);
	assert_int_equal(location_count(rig.server->location), 0);
	mem_deref(ua);
}

static void test_wrong_password(void **state)
{
	struct ua *ua = ua_make("secret-b");

	(void)state;
	await_event(UA_UNREGISTERED);
	assert_in_range(told[UA_UNREGISTERED].status, 401, 403);
	assert_in_range(told[UA_UNREGISTERED].seconds, 30, 60);
	assert_int_equal(location_count(rig.server->location), 0);
	mem_deref(ua);
}

static void binding_ask(struct phone *phone, uint16_t response_port)
{
	static const uint8_t tid[12] = "abcdefghijkl";
	struct mbuf *mb = mbuf_alloc(64);

	assert_int_equal(stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid, NULL,
					 NULL, 0, false, 0, 1, STUN_ATTR_RESP_PORT, &response_port),
			 0);
	phone_send_raw(phone, mb->buf, mb->end);
	mem_deref(mb);
}

/* Asked from one socket, nattravd answers to the other, and tells the asker's address. */
static void test_response_port(void **state)
{
	struct phone silent, asker;
	struct stun_unknown_attr unknown;
	const struct stun_attr *attr;
	struct stun_msg *msg;
	struct mbuf *mb;

	(void)state;
	phone_open(&silent, &rig, "127.0.0.1");
	phone_open(&asker, &rig, "127.0.0.1");
	binding_ask(&asker, sa_port(&silent.addr));
	mb = phone_receive_raw(&silent);
	assert_non_null(mb);
	assert_int_equal(stun_msg_decode(&msg, mb, &unknown), 0);
	attr = stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);
	assert_non_null(attr);
	assert_true(sa_cmp(&attr->v.sa, &asker.addr, SA_ALL));
	phone_expect_nothing(&asker);
	mem_deref(msg);
	mem_deref(mb);
	phone_close(&asker);
	phone_close(&silent);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_password, setup, teardown),
		cmocka_unit_test_setup_teardown(test_response_port, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
