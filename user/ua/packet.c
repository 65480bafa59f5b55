// SPDX-License-Identifier: GPL-2.0-or-later
/* All numbers are 32 bits in network order and may wrap: only differences count. */
#include "packet.h"

#include <string.h>

static const uint8_t magic[4] = { 'n', 't', 'd', '1' };

#define HELD_NONE UINT32_MAX
/* A round trip over a minute is an echo of something else. */
#define RTT_MAX 60000000

static void put32(uint8_t *p, uint32_t value)
{
	p[0] = value >> 24;
	p[1] = value >> 16;
	p[2] = value >> 8;
	p[3] = value;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/**
 * ua_packet_write() - fill in the front of a test packet
 * @bytes: the packet, at least UA_PACKET_MIN long
 * @seq: its number
 * @now: microseconds of any clock
 * @meter: what came from the other side
 */
void ua_packet_write(uint8_t *bytes, uint32_t seq, uint32_t now, const struct ua_meter *meter)
{
	memcpy(bytes, magic, sizeof(magic));
	put32(bytes + 4, seq);
	put32(bytes + 8, now);
	put32(bytes + 12, meter->echo);
	put32(bytes + 16, meter->received ? now - meter->came : HELD_NONE);
}

/**
 * ua_packet_read() - read the front of a packet
 * @packet: set to what it says
 * @bytes: the packet
 * @len: its length
 *
 * Return: whether it is a test packet.
 */
bool ua_packet_read(struct ua_packet *packet, const uint8_t *bytes, size_t len)
{
	if (len < UA_PACKET_MIN || memcmp(bytes, magic, sizeof(magic)))
		return false;
	packet->seq = get32(bytes + 4);
	packet->sent = get32(bytes + 8);
	packet->echo = get32(bytes + 12);
	packet->held = get32(bytes + 16);
	return true;
}

static void rtt_add(struct ua_meter *meter, const struct ua_packet *packet, uint32_t now)
{
	const uint32_t rtt = now - packet->echo - packet->held;

	if (packet->held == HELD_NONE || rtt > RTT_MAX)
		return;
	if (!meter->rtt_count || rtt < meter->rtt_min)
		meter->rtt_min = rtt;
	if (rtt > meter->rtt_max)
		meter->rtt_max = rtt;
	meter->rtt_count++;
	meter->rtt_sum += rtt;
}

/**
 * ua_meter_add() - count a packet that came
 * @meter: the counters
 * @packet: the packet
 * @now: microseconds of the clock that ua_packet_write() is given
 */
void ua_meter_add(struct ua_meter *meter, const struct ua_packet *packet, uint32_t now)
{
	const int32_t transit = (int32_t)(now - packet->sent);
	uint32_t change;

	if (!meter->received) {
		meter->first = packet->seq;
		meter->highest = packet->seq;
	} else {
		change = (uint32_t)transit - (uint32_t)meter->transit;
		if ((int32_t)change < 0)
			change = -change;
		meter->jitter += change - (meter->jitter >> 4);
		if ((int32_t)(packet->seq - meter->highest) > 0)
			meter->highest = packet->seq;
		else if ((int32_t)(packet->seq - meter->first) < 0)
			meter->first = packet->seq;
	}
	meter->received++;
	meter->transit = transit;
	meter->echo = packet->sent;
	meter->came = now;
	rtt_add(meter, packet, now);
}

/**
 * ua_meter_lost() - how many did not come
 * @meter: the counters
 *
 * Return: packets between the first and the last that are missing, negative if some
 * came twice.
 */
int64_t ua_meter_lost(const struct ua_meter *meter)
{
	if (!meter->received)
		return 0;
	return (int64_t)(meter->highest - meter->first) + 1 - (int64_t)meter->received;
}
