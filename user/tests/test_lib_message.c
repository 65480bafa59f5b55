// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests as they are built, replies as they are read, whole and broken. */
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

static struct nattrav_endpoint endpoint(const char *addr, uint16_t port)
{
	struct nattrav_endpoint made = { .port = port };

	made.addr.family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(made.addr.family, addr, &made.addr.v6), 1);
	return made;
}

static struct nattrav_msg begin(uint8_t cmd)
{
	struct nattrav_msg msg = { 0 };

	nattrav_msg_begin(&msg, 30, cmd, NLM_F_ACK);
	return msg;
}

static const struct nlattr *first(const struct nattrav_msg *msg)
{
	return mnl_nlmsg_get_payload_offset(msg->nlh, GENL_HDRLEN);
}

/* The number of a set's attributes in a nest. */
static unsigned int count(const struct nlattr *nest)
{
	const struct nlattr *attr;
	unsigned int n = 0;

	mnl_attr_for_each_nested(attr, nest)
		n++;
	return n;
}

static void leg_fill(struct nattrav_leg *leg, sa_family_t family)
{
	const bool ipv6 = family == AF_INET6;

	leg->given = NATTRAV_LEG_PREFIXES | NATTRAV_LEG_PAYLOAD_TYPES | NATTRAV_LEG_WINDOW |
		     NATTRAV_LEG_GENERATION | NATTRAV_LEG_PROBATION | NATTRAV_LEG_RELATCH |
		     NATTRAV_LEG_RATE | NATTRAV_LEG_CLOCK_RATE | NATTRAV_LEG_DSCP |
		     NATTRAV_LEG_MANY_SSRC | NATTRAV_LEG_WINDOW_LEFT | NATTRAV_LEG_LATCHED |
		     NATTRAV_LEG_SSRC | NATTRAV_LEG_SEQUENCE;
	memset(leg->realm, 'r', NATTRAV_REALM_LEN);
	leg->family = family;
	leg->local = endpoint(ipv6 ? "2001:db8::1" : "203.0.113.1", 30000);
	leg->peer = endpoint(ipv6 ? "2001:db8:1::7" : "198.51.100.7", 40000);
	leg->prefixes = 2;
	leg->prefix[0].addr = leg->peer.addr;
	leg->prefix[0].len = ipv6 ? 128 : 32;
	leg->prefix[1].addr = endpoint(ipv6 ? "2001:db8:2::" : "192.0.2.0", 0).addr;
	leg->prefix[1].len = ipv6 ? 64 : 24;
	leg->payload_types[0] = 0x01;
	leg->payload_types[15] = 0x80;
	leg->window = 30000;
	leg->window_left = 1234;
	leg->generation = 7;
	leg->latched_generation = 6;
	leg->rtcp_peer = leg->peer;
	leg->rtcp_peer.port++;
	leg->dscp = 46;
	leg->many_ssrc = true;
	leg->ssrc = UINT32_MAX;
	leg->sequence = 65535;
	leg->probation = 4;
	leg->relatch = NATTRAV_RELATCH_REBIND;
	leg->rate = 500;
	leg->clock_rate = 48000;
}

/* What is read is what was built, as far as a request has it. */
static void test_round_trip(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_NEW);
	struct nattrav_stream in = {
		.given = NATTRAV_STREAM_COOKIE | NATTRAV_STREAM_TIMEOUT_PARTIAL |
			 NATTRAV_STREAM_TIMEOUT_IDLE | NATTRAV_STREAM_TIMEOUT_MAX |
			 NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B | NATTRAV_STREAM_HOLD,
		.call = "a84b4c76e66710",
		.hold = true,
		.cookie = UINT64_MAX,
		.type = NATTRAV_STREAM_TYPE_UDP,
		.rtcp = true,
		.timeout_partial = 1,
		.timeout_idle = 2,
		.timeout_max = 3,
	};
	struct nattrav_stream out;

	(void)state;
	leg_fill(&in.leg[0], AF_INET);
	leg_fill(&in.leg[1], AF_INET6);

	nattrav_stream_build(&msg, &in, NATTRAV_CMD_STREAM_NEW);
	assert_int_equal(msg.err, 0);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	nattrav_msg_free(&msg);
}

/* Ports and addresses are in network byte order on the way. */
static void test_byte_order(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_POOL_NEW);
	struct nattrav_pool pool = { .addr = endpoint("203.0.113.1", 0).addr,
				     .port_min = 0x1234,
				     .port_max = 0x5679 };
	const struct nlattr *tb[NATTRAV_A_POOL_MAX + 1];

	(void)state;
	nattrav_pool_build(&msg, &pool);
	assert_int_equal(nattrav_attrs_parse(&nattrav_set_pool, first(&msg), tb), 0);
	assert_memory_equal(mnl_attr_get_payload(tb[NATTRAV_A_POOL_PORT_MIN]), "\x12\x34", 2);
	assert_memory_equal(mnl_attr_get_payload(tb[NATTRAV_A_POOL_IPV4]), "\xcb\x00\x71\x01", 4);
	assert_null(tb[NATTRAV_A_POOL_REALM]);
	nattrav_msg_free(&msg);
}

/* New always has both legs; set has what is given, and says "any" with a prefix. */
static void test_new_and_set(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_NEW);
	struct nattrav_stream stream = { .id = 5, .call = "c" }, out;

	(void)state;
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_NEW);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(out.given, NATTRAV_STREAM_LEG_A | NATTRAV_STREAM_LEG_B);
	assert_int_equal(out.id, 0);
	assert_string_equal(out.call, "c");

	nattrav_msg_begin(&msg, 30, NATTRAV_CMD_STREAM_SET, NLM_F_ACK);
	stream.given = NATTRAV_STREAM_LEG_B;
	stream.leg[1].given = NATTRAV_LEG_PREFIXES;
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_SET);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(out.given, NATTRAV_STREAM_LEG_B);
	assert_int_equal(out.id, 5);
	assert_string_equal(out.call, "");
	assert_int_equal(out.leg[1].prefixes, 1);
	assert_int_equal(out.leg[1].prefix[0].len, 0);
	assert_int_equal(out.leg[1].prefix[0].addr.family, AF_INET);

	nattrav_msg_begin(&msg, 30, NATTRAV_CMD_STREAM_SET, NLM_F_ACK);
	stream.leg[1].family = AF_INET6;
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_SET);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(out.leg[1].prefix[0].addr.family, AF_INET6);

	/* in new, where silence means any, the family need not be known */
	nattrav_msg_begin(&msg, 30, NATTRAV_CMD_STREAM_NEW, NLM_F_ACK);
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_NEW);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(out.leg[1].prefixes, 0);
	nattrav_msg_free(&msg);
}

static void test_filter(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_GET);
	struct nattrav_stream filter = { .given = NATTRAV_STREAM_STATE | NATTRAV_STREAM_COOKIE,
					 .call = "c",
					 .state = NATTRAV_STATE_COMPLETE };

	(void)state;
	nattrav_stream_build(&msg, &filter, NATTRAV_CMD_STREAM_GET);
	assert_int_equal(count(first(&msg)), 2);
	nattrav_msg_free(&msg);
}

/* The buffer moves while a batch grows, nests and all. */
static void test_batch(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_NEW);
	struct nattrav_stream stream = { .given = NATTRAV_STREAM_COOKIE }, out;
	const struct nlattr *attr;
	uint64_t i;

	(void)state;
	memset(stream.call, 'c', NATTRAV_CALL_LEN);
	for (i = 0; i < 1000; i++) {
		stream.cookie = i;
		nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_NEW);
	}
	assert_int_equal(msg.err, 0);
	assert_true(msg.nlh->nlmsg_len > 256 * 1000);
	i = 0;
	mnl_attr_for_each(attr, msg.nlh, GENL_HDRLEN) {
		assert_int_equal(nattrav_stream_parse(attr, &out), 0);
		assert_int_equal(out.cookie, i++);
		assert_string_equal(out.call, stream.call);
	}
	assert_int_equal(i, 1000);
	nattrav_msg_free(&msg);
}

static void test_cannot_build(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_NEW);
	struct nattrav_stream stream = { 0 };

	(void)state;
	stream.leg[0].given = NATTRAV_LEG_PREFIXES;
	stream.leg[0].prefixes = NATTRAV_PREFIX_MAX + 1;
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_NEW);
	assert_int_equal(msg.err, -EINVAL);

	nattrav_msg_begin(&msg, 30, NATTRAV_CMD_STREAM_NEW, NLM_F_ACK);
	stream = (struct nattrav_stream){ 0 };
	stream.leg[0].peer.addr.family = AF_UNIX;
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_NEW);
	assert_int_equal(msg.err, -EAFNOSUPPORT);
	nattrav_msg_free(&msg);
}

static void test_rtp_statistics(void **state)
{
	static const uint16_t attrs[] = {
		NATTRAV_A_LEG_RECEIVED,    NATTRAV_A_LEG_LOST,   NATTRAV_A_LEG_REORDERED,
		NATTRAV_A_LEG_DUPLICATES,  NATTRAV_A_LEG_JITTER, NATTRAV_A_LEG_SSRC_CHANGES,
		NATTRAV_A_LEG_ICMP_ERRORS,
	};
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_GET);
	size_t nest = nattrav_msg_nest(&msg, NATTRAV_A_STREAMS_ENTRY), leg;
	const struct nattrav_addr addr = endpoint("2001:db8::66", 0).addr;
	struct nattrav_stream out;
	uint32_t i;

	(void)state;
	leg = nattrav_msg_nest(&msg, NATTRAV_A_STREAM_LEG_B);
	nattrav_msg_put_u8(&msg, NATTRAV_A_LEG_PAYLOAD_TYPE, 111);
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		nattrav_msg_put_u32(&msg, attrs[i], 100 + i);
	nattrav_msg_put_addr(&msg, NATTRAV_A_LEG_INTRUDER_IPV4, NATTRAV_A_LEG_INTRUDER_IPV6, &addr);
	nattrav_msg_nest_end(&msg, leg);
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(out.leg[1].given, NATTRAV_LEG_RTP);
	assert_int_equal(out.leg[1].payload_type, 111);
	assert_int_equal(out.leg[1].received, 100);
	assert_int_equal(out.leg[1].lost, 101);
	assert_int_equal(out.leg[1].reordered, 102);
	assert_int_equal(out.leg[1].duplicates, 103);
	assert_int_equal(out.leg[1].jitter, 104);
	assert_int_equal(out.leg[1].ssrc_changes, 105);
	assert_int_equal(out.leg[1].icmp_errors, 106);
	assert_int_equal(out.leg[1].intruder.addr.family, AF_INET6);
	assert_int_equal(out.leg[0].given, 0);
	nattrav_msg_free(&msg);
}

/* A newer kernel may tell more. */
static void test_unknown_is_ignored(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_GET);
	size_t nest = nattrav_msg_nest(&msg, NATTRAV_A_STREAMS_ENTRY), leg;
	struct nattrav_stream out;

	(void)state;
	nattrav_msg_put(&msg, 500, "news", 4);
	nattrav_msg_put_u32(&msg, NATTRAV_A_STREAM_ID, 3);
	leg = nattrav_msg_nest(&msg, NATTRAV_A_STREAM_LEG_A);
	nattrav_msg_put_u64(&msg, NATTRAV_A_LEG_MAX + 1, 9);
	nattrav_msg_put_u32(&msg, NATTRAV_A_LEG_STATE, 77);
	nattrav_msg_nest_end(&msg, leg);
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(out.id, 3);
	assert_null(nattrav_state_name(out.leg[0].state));
	nattrav_msg_free(&msg);
}

static void test_wrong_length(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_GET);
	size_t nest = nattrav_msg_nest(&msg, NATTRAV_A_STREAMS_ENTRY);
	struct nattrav_stream out;

	(void)state;
	nattrav_msg_put_port(&msg, NATTRAV_A_STREAM_ID, 3);
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), -EBADMSG);
	nattrav_msg_free(&msg);
}

/* Texts of any length end within their field, with or without a NUL. */
static void test_long_text(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_GET);
	size_t nest = nattrav_msg_nest(&msg, NATTRAV_A_STREAMS_ENTRY);
	struct nattrav_stream out;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	nattrav_msg_put(&msg, NATTRAV_A_STREAM_CALL, text, sizeof(text));
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_stream_parse(first(&msg), &out), 0);
	assert_int_equal(strlen(out.call), NATTRAV_CALL_LEN);
	nattrav_msg_free(&msg);
}

static void test_info(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_INFO_GET);
	size_t nest = nattrav_msg_nest(&msg, NATTRAV_A_INFOS_ENTRY), drop;
	const uint32_t reasons[] = { NATTRAV_DROP_REASON_TTL, NATTRAV_DROP_REASON_MAX + 1 };
	struct nattrav_info info;
	unsigned int i;

	(void)state;
	nattrav_msg_put_string(&msg, NATTRAV_A_INFO_VERSION, "0.1.0");
	nattrav_msg_put_u64(&msg, NATTRAV_A_INFO_RECEIVED, 11);
	for (i = 0; i < 2; i++) {
		drop = nattrav_msg_nest(&msg, NATTRAV_A_INFO_DROP);
		nattrav_msg_put_u32(&msg, NATTRAV_A_DROP_REASON, reasons[i]);
		nattrav_msg_put_u64(&msg, NATTRAV_A_DROP_PACKETS, 5);
		nattrav_msg_nest_end(&msg, drop);
	}
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_info_parse(first(&msg), &info), 0);
	assert_string_equal(info.version, "0.1.0");
	assert_int_equal(info.received, 11);
	assert_int_equal(info.dropped[NATTRAV_DROP_REASON_TTL], 5);
	nattrav_msg_free(&msg);
}

static void test_event(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_EVENT);
	size_t nest = nattrav_msg_nest(&msg, NATTRAV_A_EVENTS_ENTRY);
	const struct nattrav_addr addr = endpoint("2001:db8::7", 0).addr;
	struct nattrav_event event;
	size_t pool;

	(void)state;
	nattrav_msg_put_u32(&msg, NATTRAV_A_EVENT_TYPE, NATTRAV_EVENT_TYPE_COMPLETED);
	nattrav_msg_put_u32(&msg, NATTRAV_A_EVENT_SEQ, 4);
	nattrav_msg_put_u32(&msg, NATTRAV_A_EVENT_SIDE, 9);
	nattrav_msg_put_addr(&msg, NATTRAV_A_EVENT_IPV4, NATTRAV_A_EVENT_IPV6, &addr);
	nattrav_msg_put_port(&msg, NATTRAV_A_EVENT_PORT, 40000);
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_event_parse(first(&msg), &event), 0);
	assert_int_equal(event.seq, 4);
	assert_int_equal(event.addr.port, 40000);
	assert_int_equal(event.addr.addr.family, AF_INET6);
	assert_memory_equal(&event.addr.addr.v6, &addr.v6, sizeof(addr.v6));
	/* who indexes the legs with it must not come to harm */
	assert_true(event.side == NATTRAV_SIDE_A || event.side == NATTRAV_SIDE_B);

	nattrav_msg_begin(&msg, 30, NATTRAV_CMD_EVENT, 0);
	nest = nattrav_msg_nest(&msg, NATTRAV_A_EVENTS_ENTRY);
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_event_parse(first(&msg), &event), -EBADMSG);

	/* One that is about no stream. */
	nattrav_msg_begin(&msg, 30, NATTRAV_CMD_EVENT, 0);
	nest = nattrav_msg_nest(&msg, NATTRAV_A_EVENTS_ENTRY);
	nattrav_msg_put_u32(&msg, NATTRAV_A_EVENT_TYPE, NATTRAV_EVENT_TYPE_POOL_LOW);
	nattrav_msg_put_u32(&msg, NATTRAV_A_EVENT_SEQ, 5);
	pool = nattrav_msg_nest(&msg, NATTRAV_A_EVENT_POOL);
	nattrav_msg_put_u32(&msg, NATTRAV_A_POOL_ID, 3);
	nattrav_msg_put_string(&msg, NATTRAV_A_POOL_REALM, "access");
	nattrav_msg_nest_end(&msg, pool);
	nattrav_msg_put_u8(&msg, NATTRAV_A_EVENT_PERCENT, 95);
	nattrav_msg_nest_end(&msg, nest);
	assert_int_equal(nattrav_event_parse(first(&msg), &event), 0);
	assert_int_equal(event.stream.id, 0);
	assert_int_equal(event.pool.id, 3);
	assert_string_equal(event.pool.realm, "access");
	assert_int_equal(event.percent, 95);
	nattrav_msg_free(&msg);
}

static int parse_any(const struct nlattr *entry, void *arg)
{
	struct nattrav_stream stream;

	(void)arg;
	return nattrav_stream_parse(entry, &stream);
}

/* Cut at any byte, in a buffer that ends there: ASan sees who reads past it. */
static void test_truncated(void **state)
{
	struct nattrav_msg msg = begin(NATTRAV_CMD_STREAM_NEW);
	struct nattrav_stream stream = { .call = "c" };
	uint32_t len, at;

	(void)state;
	stream.leg[0].given = NATTRAV_LEG_PREFIXES;
	stream.leg[0].local = endpoint("203.0.113.1", 30000);
	nattrav_stream_build(&msg, &stream, NATTRAV_CMD_STREAM_NEW);
	for (len = MNL_NLMSG_HDRLEN; len <= msg.nlh->nlmsg_len; len++) {
		struct nlmsghdr *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, msg.nlh, len);
		copy->nlmsg_len = len;
		nattrav_for_each_entry(copy, parse_any, NULL);
		free(copy);
	}
	/* and with any byte of it broken */
	for (at = MNL_NLMSG_HDRLEN; at < msg.nlh->nlmsg_len; at++) {
		struct nlmsghdr *copy = malloc(msg.nlh->nlmsg_len);

		assert_non_null(copy);
		memcpy(copy, msg.nlh, msg.nlh->nlmsg_len);
		((uint8_t *)copy)[at] ^= 0xff;
		nattrav_for_each_entry(copy, parse_any, NULL);
		free(copy);
	}
	nattrav_msg_free(&msg);
}

static void test_names(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i <= NATTRAV_DROP_REASON_MAX; i++)
		assert_non_null(nattrav_drop_reason_name(i));
	assert_null(nattrav_drop_reason_name(i));
	assert_string_equal(nattrav_drop_reason_name(NATTRAV_DROP_REASON_WRONG_SOURCE),
			    "wrong-source");
	for (i = 0; i <= NATTRAV_EVENT_TYPE_LIMIT; i++)
		assert_non_null(nattrav_event_type_name(i));
	assert_string_equal(nattrav_event_type_name(NATTRAV_EVENT_TYPE_DELETED), "deleted");
	assert_string_equal(nattrav_relatch_name(NATTRAV_RELATCH_REBIND), "rebind");
	assert_null(nattrav_relatch_name(NATTRAV_RELATCH_REBIND + 1));
	assert_string_equal(nattrav_expiry_name(NATTRAV_EXPIRY_IDLE), "idle");
	assert_string_equal(nattrav_stream_type_name(NATTRAV_STREAM_TYPE_RTCP), "rtcp");
	assert_null(nattrav_event_type_name(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_byte_order),
		cmocka_unit_test(test_new_and_set),    cmocka_unit_test(test_filter),
		cmocka_unit_test(test_batch),          cmocka_unit_test(test_cannot_build),
		cmocka_unit_test(test_rtp_statistics), cmocka_unit_test(test_unknown_is_ignored),
		cmocka_unit_test(test_wrong_length),   cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_info),           cmocka_unit_test(test_event),
		cmocka_unit_test(test_truncated),      cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
