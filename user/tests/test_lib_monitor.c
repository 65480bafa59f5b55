// SPDX-License-Identifier: GPL-2.0-or-later
/* The monitor: order, loss, and what is told after the streams were read anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "internal.h"

#define FAMILY 30

/**
 * struct test - a monitor and what it told
 * @monitor: the monitor
 * @msg: a datagram
 * @told: sequence numbers of the events, in order
 * @count: how many
 */
struct test {
	struct nattrav_monitor monitor;
	struct nattrav_msg msg;
	uint32_t told[16];
	unsigned int count;
};

static void on_event(const struct nattrav_event *event, void *arg)
{
	struct test *test = arg;

	assert_true(test->count < 16);
	test->told[test->count++] = event->seq;
}

/* As after nattrav_monitor_open(), when the last event was @seq. */
static void start(struct test *test, uint32_t seq)
{
	*test = (struct test){ 0 };
	test->monitor = (struct nattrav_monitor){
		.family = FAMILY,
		.ops.event = on_event,
		.arg = test,
		.last = seq,
		.covered = seq,
	};
	nattrav_msg_begin(&test->msg, FAMILY, NATTRAV_CMD_EVENT, 0);
}

static void put(struct test *test, enum nattrav_event_type type, uint32_t seq)
{
	size_t nest = nattrav_msg_nest(&test->msg, NATTRAV_A_EVENTS_ENTRY);

	nattrav_msg_put_u32(&test->msg, NATTRAV_A_EVENT_TYPE, type);
	nattrav_msg_put_u32(&test->msg, NATTRAV_A_EVENT_SEQ, seq);
	nattrav_msg_nest_end(&test->msg, nest);
}

static int deliver(struct test *test)
{
	int err = nattrav_monitor_datagram(&test->monitor, test->msg.nlh, test->msg.nlh->nlmsg_len);

	nattrav_msg_begin(&test->msg, FAMILY, NATTRAV_CMD_EVENT, 0);
	return err;
}

static void test_in_order(void **state)
{
	struct test test;

	(void)state;
	start(&test, UINT32_MAX - 1);
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, UINT32_MAX);
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 0);
	assert_int_equal(deliver(&test), 0);
	put(&test, NATTRAV_EVENT_TYPE_DELETED, 1);
	assert_int_equal(deliver(&test), 0);
	assert_int_equal(test.count, 3);
	assert_false(test.monitor.lost);
	nattrav_msg_free(&test.msg);
}

static void test_gap(void **state)
{
	struct test test;

	(void)state;
	start(&test, 4);
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 6);
	assert_int_equal(deliver(&test), 0);
	assert_true(test.monitor.lost);
	assert_int_equal(test.told[0], 6);
	nattrav_msg_free(&test.msg);
}

/* The streams were read when event 10 was over; 5 to 8 never arrived. */
static void test_after_resync(void **state)
{
	struct test test;

	(void)state;
	start(&test, 0);
	test.monitor.last = 2;
	test.monitor.covered = 10;
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 3);
	put(&test, NATTRAV_EVENT_TYPE_DELETED, 4);
	put(&test, NATTRAV_EVENT_TYPE_CONTENTION, 5);
	put(&test, NATTRAV_EVENT_TYPE_RELATCHED, 9);
	put(&test, NATTRAV_EVENT_TYPE_INTRUDER, 10);
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 11);
	assert_int_equal(deliver(&test), 0);
	assert_false(test.monitor.lost);
	assert_int_equal(test.count, 4);
	assert_int_equal(test.told[0], 4);
	assert_int_equal(test.told[1], 5);
	assert_int_equal(test.told[2], 10);
	assert_int_equal(test.told[3], 11);
	nattrav_msg_free(&test.msg);
}

/* All that was lost happened before the streams were read, and then some not. */
static void test_gap_across_resync(void **state)
{
	struct test test;

	(void)state;
	start(&test, 0);
	test.monitor.last = 2;
	test.monitor.covered = 10;
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 11);
	assert_int_equal(deliver(&test), 0);
	assert_false(test.monitor.lost);
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 13);
	assert_int_equal(deliver(&test), 0);
	assert_true(test.monitor.lost);
	nattrav_msg_free(&test.msg);
}

static void family_event(struct test *test, const char *name)
{
	nattrav_msg_begin(&test->msg, GENL_ID_CTRL, CTRL_CMD_DELFAMILY, 0);
	nattrav_msg_put_string(&test->msg, CTRL_ATTR_FAMILY_NAME, name);
}

static void test_module_unloaded(void **state)
{
	struct test test;

	(void)state;
	start(&test, 0);
	family_event(&test, "nattrav2");
	assert_int_equal(deliver(&test), 0);
	family_event(&test, NATTRAV_FAMILY_NAME);
	assert_int_equal(deliver(&test), -ENOENT);
	nattrav_msg_free(&test.msg);
}

static void test_malformed(void **state)
{
	struct test test;
	size_t nest;

	(void)state;
	start(&test, 0);
	nest = nattrav_msg_nest(&test.msg, NATTRAV_A_EVENTS_ENTRY);
	nattrav_msg_put_u8(&test.msg, NATTRAV_A_EVENT_SEQ, 1);
	nattrav_msg_nest_end(&test.msg, nest);
	assert_int_equal(deliver(&test), -EBADMSG);
	/* a family that is not ours, and an empty datagram */
	nattrav_msg_begin(&test.msg, FAMILY + 1, NATTRAV_CMD_EVENT, 0);
	put(&test, NATTRAV_EVENT_TYPE_COMPLETED, 1);
	assert_int_equal(deliver(&test), 0);
	assert_int_equal(nattrav_monitor_datagram(&test.monitor, test.msg.nlh, 0), 0);
	assert_int_equal(test.count, 0);
	nattrav_msg_free(&test.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),        cmocka_unit_test(test_gap),
		cmocka_unit_test(test_after_resync),    cmocka_unit_test(test_gap_across_resync),
		cmocka_unit_test(test_module_unloaded), cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
