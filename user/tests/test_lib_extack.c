// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel refuses by offset, the library names by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/**
 * struct test - a request and the answer to it
 * @msg: the request
 * @ack: the answer
 * @buf: where the answer lies
 * @error: what the library makes of it
 */
struct test {
	struct nattrav_msg msg;
	struct nlmsghdr *ack;
	char buf[1024];
	struct nattrav_error error;
};

static int setup(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	if (!test)
		return -1;
	nattrav_msg_begin(&test->msg, 30, NATTRAV_CMD_STREAM_NEW, NLM_F_ACK);
	*state = test;
	return 0;
}

static int teardown(void **state)
{
	struct test *test = *state;

	nattrav_msg_free(&test->msg);
	free(test);
	return 0;
}

static struct nattrav_endpoint endpoint(const char *addr, uint16_t port)
{
	struct nattrav_endpoint made = { .port = port };

	made.addr.family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(made.addr.family, addr, &made.addr.v6), 1);
	return made;
}

static struct nattrav_stream stream_sample(void)
{
	struct nattrav_stream stream = { .call = "c1" };

	stream.leg[0].local = endpoint("203.0.113.1", 9);
	strcpy(stream.leg[0].realm, "access");
	stream.leg[0].given = NATTRAV_LEG_PREFIXES;
	stream.leg[0].prefixes = 2;
	stream.leg[0].prefix[0] = (struct nattrav_prefix){ endpoint("198.51.100.7", 0).addr, 32 };
	stream.leg[0].prefix[1] = (struct nattrav_prefix){ endpoint("192.0.2.0", 0).addr, 40 };
	stream.leg[1].peer = endpoint("127.0.0.1", 4000);
	return stream;
}

static void build(struct test *test, unsigned int count)
{
	struct nattrav_stream stream = stream_sample();
	unsigned int i;

	for (i = 0; i < count; i++)
		nattrav_stream_build(&test->msg, &stream, NATTRAV_CMD_STREAM_NEW);
	assert_int_equal(test->msg.err, 0);
}

/* The attribute at a path of (type, occurrence) pairs, ended by 0. */
static const struct nlattr *find(const struct test *test, ...)
{
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(test->msg.nlh, GENL_HDRLEN);
	const void *end = mnl_nlmsg_get_payload_tail(test->msg.nlh);
	const struct nlattr *found = NULL;
	unsigned int type, nth;
	va_list ap;

	va_start(ap, test);
	while ((type = va_arg(ap, unsigned int)) != 0) {
		nth = va_arg(ap, unsigned int);
		if (found) {
			attr = mnl_attr_get_payload(found);
			end = (const char *)found + mnl_attr_get_len(found);
		}
		for (;; attr = mnl_attr_next(attr)) {
			assert_true(
				mnl_attr_ok(attr, (int)((const char *)end - (const char *)attr)));
			if (mnl_attr_get_type(attr) == type && !nth--)
				break;
		}
		found = attr;
	}
	va_end(ap);
	return found;
}

static uint32_t offset(const struct test *test, const struct nlattr *attr)
{
	return (uint32_t)((const char *)attr - (const char *)test->msg.nlh);
}

/* An answer as the kernel makes it with NETLINK_CAP_ACK. */
static void ack_begin(struct test *test, int err)
{
	struct nlmsgerr *e;

	test->ack = mnl_nlmsg_put_header(test->buf);
	test->ack->nlmsg_type = NLMSG_ERROR;
	test->ack->nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS;
	e = mnl_nlmsg_put_extra_header(test->ack, sizeof(*e));
	e->error = err;
	e->msg = *test->msg.nlh;
}

static const char *text(struct test *test)
{
	nattrav_extack(&test->error, test->msg.nlh, test->ack);
	return test->error.text;
}

static void test_value_and_path(void **state)
{
	struct test *test = *state;

	build(test, 1);
	ack_begin(test, -EINVAL);
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "no peer can have this address");
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 0, NATTRAV_A_STREAM_LEG_B,
					   0, NATTRAV_A_LEG_PEER_IPV4, 0, 0)));
	assert_string_equal(text(test),
			    "leg-b.peer-ipv4: 127.0.0.1: no peer can have this address");
	assert_int_equal(test->error.entry, 0);
}

static void test_ipv6_value(void **state)
{
	struct test *test = *state;
	struct nattrav_stream stream = { 0 };

	stream.leg[0].local = endpoint("2001:db8::1", 30000);
	nattrav_stream_build(&test->msg, &stream, NATTRAV_CMD_STREAM_NEW);
	ack_begin(test, -ENOENT);
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "no pool has it");
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 0, NATTRAV_A_STREAM_LEG_A,
					   0, NATTRAV_A_LEG_LOCAL_IPV6, 0, 0)));
	assert_string_equal(text(test), "leg-a.local-ipv6: 2001:db8::1: no pool has it");
}

static void test_entry_of_batch(void **state)
{
	struct test *test = *state;

	build(test, 3);
	ack_begin(test, -ERANGE);
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "relay port lies outside the pool");
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 1, NATTRAV_A_STREAM_LEG_A,
					   0, NATTRAV_A_LEG_LOCAL_PORT, 0, 0)));
	assert_string_equal(text(test),
			    "stream 2 of 3: leg-a.local-port: 9: relay port lies outside the pool");
	assert_int_equal(test->error.entry, 1);
}

static void test_entry_itself(void **state)
{
	struct test *test = *state;

	build(test, 2);
	ack_begin(test, -ENOSPC);
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "pool is full");
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 1, 0)));
	assert_string_equal(text(test), "stream 2 of 2: pool is full");
	assert_int_equal(test->error.entry, 1);
}

static void test_one_of_several(void **state)
{
	struct test *test = *state;

	build(test, 1);
	ack_begin(test, -EINVAL);
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "too long");
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test,
				find(test, NATTRAV_A_STREAMS_ENTRY, 0, NATTRAV_A_STREAM_LEG_A, 0,
				     NATTRAV_A_LEG_PREFIX, 1, NATTRAV_A_PREFIX_LEN, 0, 0)));
	assert_string_equal(text(test), "leg-a.prefix[2].len: 40: too long");
}

static void test_string_value(void **state)
{
	struct test *test = *state;

	build(test, 1);
	ack_begin(test, -ENOENT);
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 0, NATTRAV_A_STREAM_LEG_A,
					   0, NATTRAV_A_LEG_REALM, 0, 0)));
	assert_string_equal(text(test), "leg-a.realm: \"access\": No such file or directory");
}

static void test_missing(void **state)
{
	struct test *test = *state;

	build(test, 1);
	ack_begin(test, -EINVAL);
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_MISS_TYPE, NATTRAV_A_LEG_PEER_PORT);
	mnl_attr_put_u32(
		test->ack, NLMSGERR_ATTR_MISS_NEST,
		offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 0, NATTRAV_A_STREAM_LEG_B, 0, 0)));
	assert_string_equal(text(test), "leg-b.peer-port: required, but missing");
}

static void test_missing_entry(void **state)
{
	struct test *test = *state;

	ack_begin(test, -EINVAL);
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_MISS_TYPE, NATTRAV_A_STREAMS_ENTRY);
	assert_string_equal(text(test), "entry: required, but missing");
	assert_int_equal(test->error.entry, -1);
}

static void test_unknown_attribute(void **state)
{
	struct test *test = *state;
	size_t nest = nattrav_msg_nest(&test->msg, NATTRAV_A_STREAMS_ENTRY);

	nattrav_msg_put_u32(&test->msg, 77, 1);
	nattrav_msg_nest_end(&test->msg, nest);
	ack_begin(test, -EINVAL);
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "Unknown attribute type");
	mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS,
			 offset(test, find(test, NATTRAV_A_STREAMS_ENTRY, 0, 77, 0, 0)));
	assert_string_equal(text(test), "attribute 77: Unknown attribute type");
}

static void test_no_words(void **state)
{
	struct test *test = *state;

	build(test, 1);
	ack_begin(test, -EPERM);
	test->ack->nlmsg_flags = NLM_F_CAPPED;
	assert_string_equal(text(test), "Operation not permitted");
	assert_int_equal(test->error.entry, -1);
}

/* An older kernel, or a socket without NETLINK_CAP_ACK: the request comes back whole. */
static void test_request_repeated(void **state)
{
	struct test *test = *state;
	size_t len;

	build(test, 1);
	ack_begin(test, -EINVAL);
	test->ack->nlmsg_flags = NLM_F_ACK_TLVS;
	len = MNL_ALIGN(test->msg.nlh->nlmsg_len) - MNL_NLMSG_HDRLEN;
	memcpy(mnl_nlmsg_get_payload_tail(test->ack), mnl_nlmsg_get_payload(test->msg.nlh), len);
	test->ack->nlmsg_len += (uint32_t)len;
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "why not");
	assert_string_equal(text(test), "why not");
}

static void test_end_of_dump(void **state)
{
	struct test *test = *state;
	int *err;

	test->ack = mnl_nlmsg_put_header(test->buf);
	test->ack->nlmsg_type = NLMSG_DONE;
	test->ack->nlmsg_flags = NLM_F_MULTI | NLM_F_ACK_TLVS;
	err = mnl_nlmsg_put_extra_header(test->ack, sizeof(*err));
	*err = -EINVAL;
	mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "no such filter");
	assert_string_equal(text(test), "no such filter");
}

/* Any offset, and any length of the answer, gives some text and no harm. */
static void test_nonsense(void **state)
{
	struct test *test = *state;
	uint32_t at, len;

	build(test, 2);
	for (at = 0; at < test->msg.nlh->nlmsg_len + 64; at++) {
		ack_begin(test, -EINVAL);
		mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_OFFS, at);
		assert_true(text(test)[0]);
		ack_begin(test, -EINVAL);
		mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_MISS_NEST, at);
		mnl_attr_put_u32(test->ack, NLMSGERR_ATTR_MISS_TYPE, at);
		assert_true(text(test)[0]);
	}
	for (len = MNL_NLMSG_HDRLEN + sizeof(int); len < 80; len++) {
		struct nlmsghdr *copy = malloc(len);

		assert_non_null(copy);
		ack_begin(test, -EINVAL);
		mnl_attr_put_strz(test->ack, NLMSGERR_ATTR_MSG, "cut somewhere in the middle");
		memcpy(copy, test->ack, len);
		copy->nlmsg_len = len;
		nattrav_extack(&test->error, test->msg.nlh, copy);
		assert_true(test->error.text[0]);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_value_and_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ipv6_value, setup, teardown),
		cmocka_unit_test_setup_teardown(test_entry_of_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_entry_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_of_several, setup, teardown),
		cmocka_unit_test_setup_teardown(test_string_value, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown_attribute, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_of_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
