// SPDX-License-Identifier: GPL-2.0-or-later
/* The RIFF header of WAV files, read and written. */
#include "wav.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define HEADER_LEN 44
#define FORMAT_LEN 16
#define CHUNK_LEN  8
#define PCM        1
#define RATE       8000
#define BYTES      2 /* of a sample */

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = value & 0xff;
	p[1] = value >> 8;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value & 0xffff);
	put16(p + 2, value >> 16);
}

/**
 * ua_wav_find() - go to the samples of a WAV file
 * @file: the file, at its beginning; left at the first sample
 *
 * Return: 0; EBADMSG if it is no WAV file; ENOTSUP if it is one of another format.
 */
int ua_wav_find(FILE *file)
{
	uint8_t h[12], format[FORMAT_LEN];
	uint32_t length;

	if (fread(h, 1, sizeof(h), file) != sizeof(h) || memcmp(h, "RIFF", 4) ||
	    memcmp(h + 8, "WAVE", 4))
		return EBADMSG;
	while (fread(h, 1, CHUNK_LEN, file) == CHUNK_LEN) {
		length = get32(h + 4);
		if (!memcmp(h, "data", 4))
			return 0;
		if (!memcmp(h, "fmt ", 4)) {
			if (length < FORMAT_LEN || fread(format, 1, FORMAT_LEN, file) != FORMAT_LEN)
				return EBADMSG;
			if (get16(format) != PCM || get16(format + 2) != 1 ||
			    get32(format + 4) != RATE || get16(format + 14) != CHAR_BIT * BYTES)
				return ENOTSUP;
			length -= FORMAT_LEN;
		}
		/* chunks begin at even offsets */
		if (fseek(file, (long)length + (length & 1), SEEK_CUR))
			return EBADMSG;
	}
	return EBADMSG;
}

static int header_write(FILE *file, uint32_t bytes)
{
	static const uint8_t data[] = { 'd', 'a', 't', 'a' };
	uint8_t h[HEADER_LEN] = "RIFF    WAVEfmt ";

	put32(h + 4, HEADER_LEN - CHUNK_LEN + bytes);
	put32(h + 16, FORMAT_LEN);
	put16(h + 20, PCM);
	put16(h + 22, 1);
	put32(h + 24, RATE);
	put32(h + 28, RATE * BYTES);
	put16(h + 32, BYTES);
	put16(h + 34, CHAR_BIT * BYTES);
	memcpy(h + 36, data, sizeof(data));
	put32(h + 40, bytes);
	return fwrite(h, sizeof(h), 1, file) == 1 ? 0 : EIO;
}

/**
 * ua_wav_start() - write the header, for a length that is not known yet
 * @file: an empty file
 *
 * Return: 0 or EIO.
 */
int ua_wav_start(FILE *file)
{
	return header_write(file, 0);
}

/**
 * ua_wav_finish() - write the header again, with the length that it has now
 * @file: a file begun by ua_wav_start(), at its end
 *
 * Return: 0 or EIO.
 */
int ua_wav_finish(FILE *file)
{
	const long length = ftell(file);

	if (length < HEADER_LEN || fseek(file, 0, SEEK_SET))
		return EIO;
	return header_write(file, (uint32_t)(length - HEADER_LEN));
}
