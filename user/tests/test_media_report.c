// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of a call's media when it is over, and how it may have sounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <re.h>
#include <string.h>

#include "config.h"
#include "fake_datapath.h"
#include "log.h"
#include "media/media.h"
#include "media/quality.h"

static struct config config;
static struct config_pool pool;
static struct media *media;
static struct media_report last;
static char last_name[64];
static unsigned int reports;

static void on_report(const char *name, const struct media_report *report, void *arg)
{
	(void)arg;
	last = *report;
	str_ncpy(last_name, name, sizeof(last_name));
	reports++;
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
	memset(&pool, 0, sizeof(pool));
	sa_set_str(&pool.addr, "203.0.113.1", 0);
	str_ncpy(pool.realm, "access", sizeof(pool.realm));
	list_append(&config.pools, &pool.le, &pool);
	reports = 0;
	assert_int_equal(media_init_datapath(&media, &config, &fake_datapath_ops), 0);
	media_on_report(media, on_report, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;

	media_close(media);
	libre_close();
	return 0;
}

static void pass(const char *call, unsigned int branch)
{
	struct media_sdp sdp = {
		.body = PL("v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n"
			   "m=image 4002 udptl t38\r\n"),
	};
	const char *reason = NULL;
	struct mbuf *out = NULL;

	pl_set_str(&sdp.call.id, call);
	sdp.call.branch = branch;
	sa_set_str(&sdp.src, "198.51.100.10", 5060);
	sa_set_str(&sdp.dst, "198.51.100.20", 5060);
	assert_int_equal(media_sdp_pass(media, &sdp, &out, &reason), 0);
	mem_deref(out);
}

/* The final counters of a stream that was in place @index. */
static void deleted(size_t index, uint32_t id, const char *call)
{
	struct nattrav_event event = { .type = NATTRAV_EVENT_TYPE_DELETED };
	struct nattrav_leg *a = &event.stream.leg[NATTRAV_SIDE_A];

	event.stream = fake_datapath.streams[index];
	event.stream.id = id;
	str_ncpy(event.stream.call, call, sizeof(event.stream.call));
	a->packets = 100 + id;
	a->bytes = 1000;
	if (event.stream.type == NATTRAV_STREAM_TYPE_RTP) {
		a->given |= NATTRAV_LEG_RTP;
		a->received = 95;
		a->lost = 5;
		a->jitter = 1500;
	}
	a->peer.addr.family = AF_INET;
	a->peer.addr.v4.s_addr = inet_addr("198.51.100.10");
	a->peer.port = 4001;
	fake_datapath.watch->monitor.event(&event, fake_datapath.watch_arg);
}

static void end(const char *call, unsigned int branch)
{
	struct media_call id = { .branch = branch };

	pl_set_str(&id.id, call);
	media_end(media, &id);
}

static void test_report(void **state)
{
	(void)state;

	pass("call-1", 0);
	assert_int_equal(fake_datapath_count(), 3);
	end("call-1", 0);
	assert_int_equal(reports, 0);

	/* RTCP is not told of; the last one makes it whole */
	deleted(1, 2, "call-1");
	deleted(0, 1, "call-1");
	assert_int_equal(reports, 0);
	deleted(2, 3, "call-1");
	assert_int_equal(reports, 1);
	assert_string_equal(last_name, "call-1");
	assert_int_equal(last.count, 2);
	assert_string_equal(last.streams[0].type, "audio");
	assert_true(last.streams[0].side[NATTRAV_SIDE_A].rtp);
	assert_int_equal(last.streams[0].side[NATTRAV_SIDE_A].packets, 101);
	assert_int_equal(last.streams[0].side[NATTRAV_SIDE_A].lost, 5);
	assert_int_equal(sa_port(&last.streams[0].side[NATTRAV_SIDE_A].peer), 4001);
	assert_string_equal(last.streams[1].type, "image");
	assert_false(last.streams[1].side[NATTRAV_SIDE_A].rtp);
	assert_int_equal(last.streams[1].side[NATTRAV_SIDE_A].packets, 103);
}

/* A branch of a call, one without media, and one with a successor of its name. */
static void test_names(void **state)
{
	(void)state;

	end("call-2", 0);
	assert_int_equal(reports, 1);
	assert_int_equal(last.count, 0);

	pass("call-1", 0);
	pass("call-1", 2);
	assert_string_equal(fake_datapath.streams[3].call, "call-1;2");
	end("call-1", 2);
	pass("call-1", 2);
	deleted(3, 4, "call-1;2");
	deleted(4, 6, "call-1;2");
	assert_int_equal(reports, 2);
	assert_string_equal(last_name, "call-1;2");
	assert_true(media_has_call(media, &(struct media_call){ PL("call-1"), 2 }));
	assert_true(media_has_call(media, &(struct media_call){ PL("call-1"), 0 }));
}

static void on_time(void *arg)
{
	(void)arg;
	re_cancel();
}

/* Events were lost: what is known is told. */
static void test_lost_events(void **state)
{
	struct tmr tmr;

	(void)state;

	pass("call-1", 0);
	end("call-1", 0);
	deleted(2, 3, "call-1");
	tmr_init(&tmr);
	tmr_start(&tmr, 2200, on_time, NULL);
	(void)re_main(NULL);
	assert_int_equal(reports, 1);
	assert_int_equal(last.count, 1);

	/* and one that waits when the daemon ends is no leak */
	pass("call-3", 0);
	end("call-3", 0);
}

/* ITU-T G.107 and G.113: the scores that others compute for G.711. */
static void test_quality(void **state)
{
	unsigned int percent, mos, before = 500;

	(void)state;

	assert_int_equal(quality_mos(0, 0, 0), 0);
	assert_int_equal(quality_mos(0, 10, 0), 0);
	assert_in_range(quality_mos(1000, 0, 0), 438, 441);
	assert_in_range(quality_mos(990, 10, 0), 425, 434);
	assert_in_range(quality_mos(950, 50, 0), 380, 400);
	assert_in_range(quality_mos(800, 200, 0), 255, 265);
	for (percent = 0; percent < 100; percent++) {
		mos = quality_mos(100 - percent, percent, 10000);
		assert_true(mos <= before);
		before = mos;
	}
	assert_in_range(before, 100, 130);
	/* a jitter of 100 ms needs a buffer that makes it hard to talk */
	assert_true(quality_mos(1000, 0, 100000) < quality_mos(1000, 0, 1000) - 10);
	assert_int_equal(quality_mos(1, UINT32_MAX, UINT32_MAX), 100);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_report),
		test(test_names),
		test(test_lost_events),
		cmocka_unit_test(test_quality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
