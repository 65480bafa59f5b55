// SPDX-License-Identifier: GPL-2.0-or-later
/* Peers and paces of media streams. */
#include "media.h"

#include <time.h>

#define SECOND_US 1000000
/* After a longer pause (the process was stopped) nothing is made up for. */
#define LATE_US 500000

/* Microseconds of a clock that nobody sets. */
uint64_t ua_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_US + (uint64_t)now.tv_nsec / 1000;
}

/**
 * ua_peer_set() - take over the address of an offer or answer
 * @peer: the peer
 * @addr: its address; one that nothing can be sent to (hold, RFC 2543) changes nothing
 */
void ua_peer_set(struct ua_peer *peer, const struct sa *addr)
{
	if (!sa_isset(addr, SA_ALL) || sa_is_any(addr))
		return;
	if (peer->comedia && peer->heard)
		return;
	peer->addr = *addr;
}

/**
 * ua_peer_accept() - is this packet the peer's
 * @peer: the peer
 * @src: where the packet came from
 */
bool ua_peer_accept(struct ua_peer *peer, const struct sa *src)
{
	if (peer->comedia && !peer->heard)
		peer->addr = *src;
	if (!sa_cmp(&peer->addr, src, SA_ALL)) {
		peer->foreign++;
		return false;
	}
	peer->heard = true;
	return true;
}

/**
 * ua_pace_start() - begin to count
 * @pace: the pace
 * @rate: packets a second, at least 1
 * @now: of ua_now_us()
 */
void ua_pace_start(struct ua_pace *pace, uint32_t rate, uint64_t now)
{
	pace->rate = rate;
	pace->start = now;
	pace->count = 0;
}

/**
 * ua_pace_due() - how many packets are to be sent now
 * @pace: the pace; they count as sent
 * @now: of ua_now_us()
 */
uint32_t ua_pace_due(struct ua_pace *pace, uint64_t now)
{
	const uint64_t due = (now - pace->start) * pace->rate / SECOND_US + 1;
	const uint64_t late = due - pace->count;

	if (late > (uint64_t)pace->rate * LATE_US / SECOND_US + 1) {
		ua_pace_start(pace, pace->rate, now);
		pace->count = 1;
		return 1;
	}
	pace->count = due;
	return (uint32_t)late;
}

/**
 * ua_pace_wait_ms() - time until the next packet, rounded up
 * @pace: the pace
 * @now: of ua_now_us()
 */
uint32_t ua_pace_wait_ms(const struct ua_pace *pace, uint64_t now)
{
	const uint64_t next = pace->start + (pace->count * SECOND_US + pace->rate - 1) / pace->rate;

	return next > now ? (uint32_t)((next - now + 999) / 1000) : 0;
}
