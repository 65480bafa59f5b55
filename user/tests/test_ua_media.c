// SPDX-License-Identifier: GPL-2.0-or-later
/* G.711, WAV files, test packets, paces and peers of nattrav-ua. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ua/g711.h"
#include "../ua/media.h"
#include "../ua/packet.h"
#include "../ua/wav.h"

/* ITU-T G.711 tables 1a and 2a, as they stand in 16 bits */
static void test_g711_values(void **state)
{
	(void)state;
	assert_int_equal(ua_pcmu_decode(0xff), 0);
	assert_int_equal(ua_pcmu_decode(0x80), 32124);
	assert_int_equal(ua_pcmu_decode(0x00), -32124);
	assert_int_equal(ua_pcmu_encode(0), 0xff);
	assert_int_equal(ua_pcmu_encode(INT16_MAX), 0x80);
	assert_int_equal(ua_pcmu_encode(INT16_MIN), 0x00);
	assert_int_equal(ua_pcma_decode(0xd5), 8);
	assert_int_equal(ua_pcma_decode(0x55), -8);
	assert_int_equal(ua_pcma_decode(0xaa), 32256);
	assert_int_equal(ua_pcma_decode(0x2a), -32256);
	assert_int_equal(ua_pcma_encode(INT16_MAX), 0xaa);
	assert_int_equal(ua_pcma_encode(INT16_MIN), 0x2a);
}

/* What was decoded encodes to what it was, and no sample is far off. */
static void test_g711_round_trip(void **state)
{
	int code, sample, error;

	(void)state;
	for (code = 0; code < 256; code++) {
		/* µ-law has two zeros */
		if (code != 0x7f)
			assert_int_equal(ua_pcmu_encode(ua_pcmu_decode((uint8_t)code)), code);
		assert_int_equal(ua_pcma_encode(ua_pcma_decode((uint8_t)code)), code);
	}
	for (sample = INT16_MIN; sample <= INT16_MAX; sample++) {
		error = abs(ua_pcmu_decode(ua_pcmu_encode((int16_t)sample)) - sample);
		assert_true(error <= abs(sample) / 25 + 8 || abs(sample) > 32124);
		error = abs(ua_pcma_decode(ua_pcma_encode((int16_t)sample)) - sample);
		assert_true(error <= abs(sample) / 25 + 16 || abs(sample) > 32256);
	}
}

static void test_wav(void **state)
{
	char text[64] = "";
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_int_equal(ua_wav_find(file), EBADMSG);
	rewind(file);
	assert_int_equal(ua_wav_start(file), 0);
	assert_int_equal(fwrite("abcd", 4, 1, file), 1);
	assert_int_equal(ua_wav_finish(file), 0);
	rewind(file);
	assert_int_equal(ua_wav_find(file), 0);
	assert_int_equal(fread(text, 1, sizeof(text), file), 4);
	assert_memory_equal(text, "abcd", 4);
	/* stereo */
	assert_int_equal(fseek(file, 22, SEEK_SET), 0);
	assert_int_equal(fwrite("\2", 1, 1, file), 1);
	rewind(file);
	assert_int_equal(ua_wav_find(file), ENOTSUP);
	(void)fclose(file);
}

static void test_packet(void **state)
{
	uint8_t bytes[UA_PACKET_MIN];
	struct ua_meter here = { .received = 0 }, there = { .received = 0 };
	struct ua_packet packet;

	(void)state;
	/* the clocks wrap, and are hours apart */
	ua_packet_write(bytes, 0, UINT32_MAX - 1000, &here);
	assert_true(ua_packet_read(&packet, bytes, sizeof(bytes)));
	assert_int_equal(packet.held, UINT32_MAX);
	ua_meter_add(&there, &packet, 5000000);
	assert_int_equal(there.rtt_count, 0);
	/* held for 2 ms, back after 5 ms */
	ua_packet_write(bytes, 7, 5002000, &there);
	assert_true(ua_packet_read(&packet, bytes, sizeof(bytes)));
	ua_meter_add(&here, &packet, 3999);
	assert_int_equal(here.rtt_count, 1);
	assert_int_equal(here.rtt_min, 3000);
	assert_int_equal(here.rtt_max, 3000);

	assert_false(ua_packet_read(&packet, bytes, sizeof(bytes) - 1));
	bytes[0] ^= 1;
	assert_false(ua_packet_read(&packet, bytes, sizeof(bytes)));
}

static void meter_feed(struct ua_meter *meter, uint32_t seq, uint32_t sent, uint32_t now)
{
	const struct ua_packet packet = { .seq = seq, .sent = sent, .held = UINT32_MAX };

	ua_meter_add(meter, &packet, now);
}

static void test_meter(void **state)
{
	struct ua_meter meter = { .received = 0 };
	uint32_t i;

	(void)state;
	assert_int_equal(ua_meter_lost(&meter), 0);
	/* numbers wrap; one is missing, two change places */
	meter_feed(&meter, UINT32_MAX, 0, 0);
	meter_feed(&meter, 1, 40, 40);
	meter_feed(&meter, 0, 20, 20);
	meter_feed(&meter, 3, 80, 80);
	assert_int_equal(ua_meter_lost(&meter), 1);
	assert_int_equal(meter.jitter >> 4, 0);
	/* each second packet is late by 16 ms: the jitter comes near that */
	for (i = 0; i < 200; i++)
		meter_feed(&meter, 4 + i, 100 + i * 20000, 100 + i * 20000 + (i & 1) * 16000);
	assert_true(meter.jitter >> 4 > 15000 && meter.jitter >> 4 <= 16000);
	assert_int_equal(ua_meter_lost(&meter), 1);
	/* a doublet */
	meter_feed(&meter, 10, 0, 0);
	assert_int_equal(ua_meter_lost(&meter), 0);
}

static void test_pace(void **state)
{
	struct ua_pace pace;
	uint64_t now = 1000000, late;
	uint32_t count = 0, step = 0;

	(void)state;
	ua_pace_start(&pace, 60, now);
	/* ten seconds on a machine that wakes us when it likes */
	while (now < 11000000) {
		count += ua_pace_due(&pace, now);
		late = step++ % 7;
		now += 1 + 1000 * (ua_pace_wait_ms(&pace, now) + late);
	}
	assert_in_range(count, 599, 601);
	/* stopped for a minute: nothing is made up for */
	now += 60000000;
	assert_int_equal(ua_pace_due(&pace, now), 1);
	assert_int_equal(ua_pace_due(&pace, now), 0);
	assert_in_range(ua_pace_wait_ms(&pace, now), 16, 17);
}

static void test_peer(void **state)
{
	struct ua_peer peer = { .comedia = false };
	struct sa sdp, other, any;

	(void)state;
	sa_init(&peer.addr, AF_UNSPEC);
	assert_int_equal(sa_set_str(&sdp, "192.0.2.1", 4000), 0);
	assert_int_equal(sa_set_str(&other, "192.0.2.1", 4001), 0);
	assert_int_equal(sa_set_str(&any, "0.0.0.0", 4000), 0);
	ua_peer_set(&peer, &sdp);
	/* on hold the old address stays */
	ua_peer_set(&peer, &any);
	assert_false(ua_peer_accept(&peer, &other));
	assert_int_equal(peer.foreign, 1);
	assert_true(ua_peer_accept(&peer, &sdp));

	peer = (struct ua_peer){ .comedia = true, .addr = sdp };
	assert_true(ua_peer_accept(&peer, &other));
	/* only the first one counts */
	assert_false(ua_peer_accept(&peer, &sdp));
	ua_peer_set(&peer, &sdp);
	assert_true(sa_cmp(&peer.addr, &other, SA_ALL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_g711_values), cmocka_unit_test(test_g711_round_trip),
		cmocka_unit_test(test_wav),         cmocka_unit_test(test_packet),
		cmocka_unit_test(test_meter),       cmocka_unit_test(test_pace),
		cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
