// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The voices of the phones: makes a WAV file with a tone, and tells for how long
 * a tone is heard in a recording. For that it looks at each 20 ms by Goertzel's
 * algorithm and adds up those in which the tone holds most of the energy.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE      8000
#define WINDOW    160 /* samples in 20 ms; a tone needs a multiple of 50 Hz */
#define AMPLITUDE 16000

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
	uint8_t h[12], format[16];
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

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

static int make(FILE *f, unsigned long hz, unsigned long seconds)
{
	uint8_t h[44] = "RIFF    WAVEfmt ", sample[2];
	uint32_t bytes = seconds * RATE * sizeof(sample), i;

	put32(h + 4, sizeof(h) - 8 + bytes);
	put32(h + 16, 16);
	put16(h + 20, 1); /* PCM */
	put16(h + 22, 1); /* channels */
	put32(h + 24, RATE);
	put32(h + 28, RATE * sizeof(sample));
	put16(h + 32, sizeof(sample));
	put16(h + 34, 8 * sizeof(sample));
	memcpy(h + 36, "data", 4);
	put32(h + 40, bytes);
	if (fwrite(h, sizeof(h), 1, f) != 1)
		return 1;
	for (i = 0; i < seconds * RATE; i++) {
		/* one second and the next are alike */
		put16(sample, (int16_t)(AMPLITUDE * sin(2 * M_PI * hz * (i % RATE) / RATE)));
		if (fwrite(sample, sizeof(sample), 1, f) != 1)
			return 1;
	}
	return 0;
}

static int check(FILE *f, unsigned long hz)
{
	double coefficient = 2 * cos(2 * M_PI * hz / RATE);
	int16_t sample[WINDOW];
	unsigned long tone = 0;

	if (samples_find(f))
		return 1;
	while (fread(sample, sizeof(sample), 1, f) == 1)
		tone += tone_in(sample, coefficient);
	printf("%.2f\n", (double)tone * WINDOW / RATE);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long hz = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	int making = argc == 5 && !strcmp(argv[1], "make");
	int status;
	FILE *f;

	if (!hz || !(making || (argc == 4 && !strcmp(argv[1], "check")))) {
		fputs("Usage: tone make FILE.wav HERTZ SECONDS\n"
		      "       tone check FILE.wav HERTZ    prints for how many seconds it is heard\n",
		      stderr);
		return 2;
	}
	f = fopen(argv[2], making ? "wb" : "rb");
	if (!f) {
		perror(argv[2]);
		return 1;
	}
	status = making ? make(f, hz, strtoul(argv[4], NULL, 10)) : check(f, hz);
	if (fclose(f))
		status = 1;
	if (status)
		fprintf(stderr, "tone: %s: %s\n", argv[2],
			making ? "cannot write" : "not a WAV file with 16 bit, mono, 8000 Hz");
	return status;
}
