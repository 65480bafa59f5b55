/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What audio and data streams have in common: the peer, and the pace. */
#ifndef NATTRAV_UA_MEDIA_H
#define NATTRAV_UA_MEDIA_H

#include <re.h>

/* RFC 6263 section 4.1 */
#define UA_MEDIA_KEEPALIVE_MS 15000

/**
 * struct ua_peer - where packets are sent to and taken from
 * @addr: its address, not set until it is known
 * @comedia: the source of the first packet counts, not the address in the SDP
 * @heard: a packet has come
 * @foreign: packets that came from elsewhere
 */
struct ua_peer {
	struct sa addr;
	bool comedia;
	bool heard;
	uint64_t foreign;
};

/**
 * struct ua_pace - packets at a given rate
 * @rate: in a second
 * @start: when it began, in microseconds
 * @count: packets since then
 */
struct ua_pace {
	uint32_t rate;
	uint64_t start;
	uint64_t count;
};

uint64_t ua_now_us(void);
void ua_peer_set(struct ua_peer *peer, const struct sa *addr);
bool ua_peer_accept(struct ua_peer *peer, const struct sa *src);
void ua_pace_start(struct ua_pace *pace, uint32_t rate, uint64_t now);
uint32_t ua_pace_due(struct ua_pace *pace, uint64_t now);
uint32_t ua_pace_wait_ms(const struct ua_pace *pace, uint64_t now);

#endif
