// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The E-model, as far as a relay can see.
 */
#include "media/quality.h"

/* G.107: all parameters at their defaults; what loss leaves of it at most */
#define R_DEFAULT   93.2
#define IE_MOST     95.0
#define BPL_G711    25.1
#define PACKET_MS   20.0
#define DELAY_NOTED 177.3

static double impairment_of_delay(double ms)
{
	const double noted = ms > DELAY_NOTED ? 0.11 * (ms - DELAY_NOTED) : 0;

	return 0.024 * ms + noted;
}

static double impairment_of_loss(double percent)
{
	return IE_MOST * percent / (percent + BPL_G711);
}

/* G.107 annex B. */
static double score(double r)
{
	double mos;

	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5;
	mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
	/* the formula has a dent below 6.5 */
	return mos < 1 ? 1 : mos;
}

unsigned int quality_mos(uint32_t received, uint32_t lost, uint32_t jitter)
{
	const double packets = (double)received + lost;
	const double delay = PACKET_MS + 2 * (double)jitter / 1000;

	if (!received)
		return 0;

	return (unsigned int)(score(R_DEFAULT - impairment_of_delay(delay) -
				    impairment_of_loss(100 * lost / packets)) *
				      100 +
			      0.5);
}
