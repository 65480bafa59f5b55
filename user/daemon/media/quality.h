/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a call may have sounded, from what the kernel counted.
 */
#ifndef NATTRAVD_MEDIA_QUALITY_H
#define NATTRAVD_MEDIA_QUALITY_H

#include <stdint.h>

/**
 * quality_mos() - estimate of the mean opinion score (ITU-T G.107)
 * @received: RTP packets that came
 * @lost: RTP packets that did not
 * @jitter: interarrival jitter in microseconds
 *
 * For G.711 with concealment (G.113: Ie 0, Bpl 25.1) and losses at random. The
 * delay is that of a packet of 20 ms and a buffer of twice the jitter: how long
 * the way is cannot be known here.
 *
 * Return: the score in hundredths, 100 to 441; 0 if nothing was received.
 */
unsigned int quality_mos(uint32_t received, uint32_t lost, uint32_t jitter);

#endif
