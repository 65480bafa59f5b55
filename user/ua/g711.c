// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PCMU and PCMA by arithmetic: a table would cost more memory than the few
 * instructions cost time at 8000 samples a second.
 */
#include "g711.h"

#define PCMU_BIAS   0x84
#define PCMU_CLIP   (0x7fff - PCMU_BIAS)
#define PCMA_TOGGLE 0x55
#define SIGN        0x80

/* The segment of a magnitude: how far its highest bit lies above bit 7. */
static unsigned int segment(unsigned int magnitude)
{
	unsigned int n = 0;

	while (magnitude >> (n + 8))
		n++;
	return n;
}

/**
 * ua_pcmu_encode() - 16 bits to µ-law
 * @sample: linear
 */
uint8_t ua_pcmu_encode(int16_t sample)
{
	unsigned int magnitude = sample < 0 ? -sample : sample;
	unsigned int n;

	if (magnitude > PCMU_CLIP)
		magnitude = PCMU_CLIP;
	magnitude += PCMU_BIAS;
	n = segment(magnitude);
	return ~((sample < 0 ? SIGN : 0) | n << 4 | (magnitude >> (n + 3) & 0x0f));
}

/**
 * ua_pcmu_decode() - µ-law to 16 bits
 * @code: as received
 */
int16_t ua_pcmu_decode(uint8_t code)
{
	const uint8_t c = ~code;
	const int magnitude = ((((c & 0x0f) << 3) + PCMU_BIAS) << (c >> 4 & 7)) - PCMU_BIAS;

	return c & SIGN ? -magnitude : magnitude;
}

/**
 * ua_pcma_encode() - 16 bits to A-law
 * @sample: linear
 */
uint8_t ua_pcma_encode(int16_t sample)
{
	const unsigned int magnitude = sample < 0 ? ~sample : sample;
	const unsigned int n = segment(magnitude);
	const unsigned int code = n ? n << 4 | (magnitude >> (n + 3) & 0x0f) : magnitude >> 4;

	return (code | (sample < 0 ? 0 : SIGN)) ^ PCMA_TOGGLE;
}

/**
 * ua_pcma_decode() - A-law to 16 bits
 * @code: as received
 */
int16_t ua_pcma_decode(uint8_t code)
{
	const uint8_t c = code ^ PCMA_TOGGLE;
	const unsigned int n = c >> 4 & 7;
	int magnitude = (c & 0x0f) << 4 | 8;

	if (n)
		magnitude = (magnitude + 0x100) << (n - 1);
	return c & SIGN ? magnitude : -magnitude;
}
