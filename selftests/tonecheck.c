// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For how long is a tone heard in a recording? Looks at each 20 ms by Goertzel's
 * algorithm and prints the seconds in which the tone holds most of the energy.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE   8000
#define WINDOW 160 /* samples in 20 ms; a tone needs a multiple of 50 Hz */
#define HEADER 12

/* What of the energy of a pure tone G.711 leaves is over 0.99. */
#define SHARE 0.9
/* Silence has no tone; 100 of 32767. */
#define LEAST_AMPLITUDE 100

static uint32_t get32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * Finds the samples of a RIFF file that holds 16 bits, one channel, 8 kHz, and
 * leaves the file there. A recorder that was killed wrote no length.
 */
static int samples_find(FILE *f)
{
	uint8_t h[HEADER], format[16];
	uint32_t length;

	if (fread(h, 1, 12, f) != 12 || memcmp(h, "RIFF", 4) || memcmp(h + 8, "WAVE", 4))
		return -1;
	while (fread(h, 1, 8, f) == 8) {
		length = get32(h + 4);
		if (!memcmp(h, "data", 4))
			return 0;
		if (!memcmp(h, "fmt ", 4)) {
			if (length < sizeof(format) ||
			    fread(format, 1, sizeof(format), f) != sizeof(format))
				return -1;
			if (format[2] != 1 || get32(format + 4) != RATE || format[14] != 16)
				return -1;
			length -= sizeof(format);
		}
		if (fseek(f, length, SEEK_CUR))
			return -1;
	}
	return -1;
}

static int tone_in(const int16_t *sample, double coefficient)
{
	double s, s1 = 0, s2 = 0, energy = 0, power;
	int i;

	for (i = 0; i < WINDOW; i++) {
		s = sample[i] + coefficient * s1 - s2;
		s2 = s1;
		s1 = s;
		energy += (double)sample[i] * sample[i];
	}
	power = s1 * s1 + s2 * s2 - coefficient * s1 * s2;
	/* a pure tone has power = energy * WINDOW / 2 */
	return energy > (double)LEAST_AMPLITUDE * LEAST_AMPLITUDE / 2 * WINDOW &&
	       power > SHARE * energy * WINDOW / 2;
}

int main(int argc, char **argv)
{
	int16_t sample[WINDOW];
	unsigned long hz, tone = 0, all = 0;
	double coefficient;
	FILE *f;

	if (argc != 3 || !(hz = strtoul(argv[2], NULL, 10))) {
		fputs("Usage: tonecheck FILE.wav HERTZ\n", stderr);
		return 2;
	}
	f = fopen(argv[1], "rb");
	if (!f) {
		perror(argv[1]);
		return 1;
	}
	if (samples_find(f)) {
		fprintf(stderr, "%s: not a WAV file with 16 bit, mono, 8000 Hz\n", argv[1]);
		fclose(f);
		return 1;
	}
	coefficient = 2 * cos(2 * M_PI * hz / RATE);
	for (; fread(sample, sizeof(sample), 1, f) == 1; all++)
		tone += tone_in(sample, coefficient);
	fclose(f);
	printf("%.2f of %.2f\n", (double)tone * WINDOW / RATE, (double)all * WINDOW / RATE);
	return 0;
}
