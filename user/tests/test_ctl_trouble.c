// SPDX-License-Identifier: GPL-2.0-or-later
/* What "nattravctl top" takes for trouble, and what for the normal life of a call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../ctl/trouble.h"

static struct nattrav_endpoint endpoint(const char *text)
{
	struct nattrav_endpoint made;

	assert_null(ctl_parse_endpoint(text, &made));
	return made;
}

/* A minute of a call in which all is well. */
static struct nattrav_stream good(void)
{
	struct nattrav_stream stream = { .id = 1, .age = 60000, .state = NATTRAV_STATE_COMPLETE };
	int side;

	for (side = 0; side < 2; side++) {
		stream.leg[side] = (struct nattrav_leg){
			.given = NATTRAV_LEG_LAST_SEEN | NATTRAV_LEG_RTP,
			.peer = endpoint(side ? "192.0.2.1:4000" : "[2001:db8::7]:4000"),
			.packets = 3000,
			.received = 3000,
			.last_seen = 1000,
		};
	}
	return stream;
}

static void expect(const struct nattrav_stream *stream, const struct ctl_sample *before,
		   const char *text)
{
	const struct ctl_trouble trouble = ctl_trouble_find(stream, before);

	assert_string_equal(trouble.text, text);
	assert_int_equal(!trouble.score, !text[0]);
}

static void test_good(void **state)
{
	struct nattrav_stream stream = good();

	(void)state;
	expect(&stream, NULL, "");
	stream.leg[0].lost = 29;
	expect(&stream, NULL, "");
}

static void test_partial(void **state)
{
	struct nattrav_stream stream = good();

	(void)state;
	stream.leg[1] = (struct nattrav_leg){ 0 };
	stream.age = 4999;
	expect(&stream, NULL, "");
	stream.age = 14200;
	expect(&stream, NULL, "b partial for 14s");
	stream.leg[1].dropped = 3;
	expect(&stream, NULL, "b partial for 14s, its packets are refused");
	stream.leg[1].intruder_packets = 3;
	stream.leg[1].intruder = endpoint("192.0.2.66:5000");
	expect(&stream, NULL,
	       "b partial for 14s, but packets come from outside its prefix: 192.0.2.66:5000");
	stream.leg[0] = (struct nattrav_leg){ 0 };
	stream.leg[1] = (struct nattrav_leg){ 0 };
	expect(&stream, NULL, "both legs partial for 14s");
	stream.type = NATTRAV_STREAM_TYPE_RTCP;
	expect(&stream, NULL, "");
}

static void test_intruder(void **state)
{
	struct nattrav_stream stream = good();
	struct ctl_sample before;

	(void)state;
	stream.leg[0].intruder_packets = 7;
	stream.leg[0].intruder = endpoint("192.0.2.66:5000");
	expect(&stream, NULL, "a: 7 foreign packets, the last from 192.0.2.66:5000");
	before = ctl_sample_take(&stream);
	expect(&stream, &before, "");
	stream.leg[0].intruder_packets++;
	expect(&stream, &before, "a: 1 foreign packets, the last from 192.0.2.66:5000");
	stream.type = NATTRAV_STREAM_TYPE_RTCP;
	expect(&stream, &before, "a: 1 foreign packets, the last from 192.0.2.66:5000");
}

static void test_one_way(void **state)
{
	struct nattrav_stream stream = good();

	(void)state;
	stream.leg[1].last_seen = 8000;
	expect(&stream, NULL, "one way only: b silent for 8s");
	stream.leg[1].given = 0;
	expect(&stream, NULL, "one way only: nothing heard from b yet");
	stream.leg[0].last_seen = 8000;
	expect(&stream, NULL, "both sides are silent");
	stream.age = 1000;
	stream.leg[0].last_seen = 0;
	expect(&stream, NULL, "");
}

static void test_loss(void **state)
{
	struct nattrav_stream stream = good();
	struct ctl_sample before = ctl_sample_take(&stream);

	(void)state;
	stream.leg[1].lost = 100;
	stream.leg[1].packets += 900;
	expect(&stream, &before, "loss: 10.0 % of what b sends");
	expect(&stream, NULL, "loss: 2.5 % of what b sends");
	before = ctl_sample_take(&stream);
	stream.leg[1].packets += 900;
	expect(&stream, &before, "");
	/* packets that were thought lost came late */
	stream.leg[1].lost = 90;
	expect(&stream, &before, "");
}

/* Worst first. */
static void test_order(void **state)
{
	struct nattrav_stream partial = good(), intruder = good(), one_way = good(), loss = good();

	(void)state;
	partial.leg[0].peer = (struct nattrav_endpoint){ 0 };
	intruder.leg[0].intruder_packets = 1;
	one_way.leg[0].last_seen = 9000;
	loss.leg[0].lost = UINT32_MAX;
	assert_true(ctl_trouble_find(&partial, NULL).score >
		    ctl_trouble_find(&intruder, NULL).score);
	assert_true(ctl_trouble_find(&intruder, NULL).score >
		    ctl_trouble_find(&one_way, NULL).score);
	assert_true(ctl_trouble_find(&one_way, NULL).score > ctl_trouble_find(&loss, NULL).score);
	assert_true(ctl_trouble_find(&loss, NULL).score < CTL_TROUBLE_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),     cmocka_unit_test(test_partial),
		cmocka_unit_test(test_intruder), cmocka_unit_test(test_one_way),
		cmocka_unit_test(test_loss),     cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
