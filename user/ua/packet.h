/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test packets of a data stream: each is numbered and timed, and carries back
 * the time of the last one that came, so that either side knows the round trip
 * without a clock in common (as RTCP does by LSR and DLSR, RFC 3550 section 6.4.1).
 */
#ifndef NATTRAV_UA_PACKET_H
#define NATTRAV_UA_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UA_PACKET_MIN 20
#define UA_PACKET_MAX 1400

/**
 * struct ua_packet - what is at the front of a test packet
 * @seq: number, from 0
 * @sent: when it was sent, in microseconds of the sender's clock
 * @echo: @sent of the last packet that came from the other side
 * @held: how long ago that came, in microseconds; UINT32_MAX if none has come
 */
struct ua_packet {
	uint32_t seq;
	uint32_t sent;
	uint32_t echo;
	uint32_t held;
};

/**
 * struct ua_meter - what the packets of the other side tell
 * @received: how many came
 * @first: number of the first one
 * @highest: highest number so far
 * @echo: see struct ua_packet
 * @came: when that came, in microseconds of our clock
 * @transit: arrival less @sent of the last one, in microseconds and another clock
 * @jitter: 16 times the jitter (RFC 3550 A.8), in microseconds
 * @rtt_count: round trips measured
 * @rtt_sum: their sum
 * @rtt_min: shortest one
 * @rtt_max: longest one
 */
struct ua_meter {
	uint64_t received;
	uint32_t first;
	uint32_t highest;
	uint32_t echo;
	uint32_t came;
	int32_t transit;
	uint64_t jitter;
	uint64_t rtt_count;
	uint64_t rtt_sum;
	uint32_t rtt_min;
	uint32_t rtt_max;
};

void ua_packet_write(uint8_t *bytes, uint32_t seq, uint32_t now, const struct ua_meter *meter);
bool ua_packet_read(struct ua_packet *packet, const uint8_t *bytes, size_t len);
void ua_meter_add(struct ua_meter *meter, const struct ua_packet *packet, uint32_t now);
int64_t ua_meter_lost(const struct ua_meter *meter);

#endif
