// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tone, a file again and again, another program's socket, or silence; and a WAV
 * file or that socket for what is heard.
 */
#include "sound.h"

#include <math.h>
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "wav.h"

#define AMPLITUDE 16000
#define HERTZ_MAX (UA_SAMPLE_RATE / 2 - 1)
/* A second of what the other program sends ahead. */
#define RING_SIZE UA_SAMPLE_RATE

enum kind { SILENCE, TONE, FILE_, SOCKET };

/**
 * struct ua_sound - both ends
 * @kind: of the source
 * @hertz: of the tone
 * @phase: of the tone, in samples
 * @file: the source, if it is a file
 * @begin: offset of its first sample
 * @app: the socket, if the source is one
 * @ring: samples from @app
 * @head: samples put into @ring so far
 * @tail: samples taken out of it so far
 * @record: file for what is heard, or NULL
 */
struct ua_sound {
	enum kind kind;
	uint32_t hertz;
	uint32_t phase;
	FILE *file;
	long begin;
	struct ua_app *app;
	int16_t *ring;
	size_t head;
	size_t tail;
	FILE *record;
};

/* A number up to @most behind @prefix, and nothing else. */
static bool number_read(const char *source, const char *prefix, uint32_t most, uint32_t *number)
{
	const size_t len = strlen(prefix);
	char *end;
	unsigned long n;

	if (strncmp(source, prefix, len) || source[len] < '1' || source[len] > '9')
		return false;
	n = strtoul(source + len, &end, 10);
	*number = (uint32_t)n;
	return !*end && n <= most;
}

static int source_read(const char *source, enum kind *kind, uint32_t *number, const char **path)
{
	static const char file[] = "file:";

	if (!strcmp(source, "silence")) {
		*kind = SILENCE;
	} else if (number_read(source, "tone:", HERTZ_MAX, number)) {
		*kind = TONE;
	} else if (number_read(source, "socket:", UINT16_MAX, number)) {
		*kind = SOCKET;
	} else if (!strncmp(source, file, strlen(file)) && source[strlen(file)]) {
		*kind = FILE_;
		*path = source + strlen(file);
	} else {
		return EINVAL;
	}
	return 0;
}

/**
 * ua_sound_check() - is this a source
 * @source: "silence", "tone:HERTZ", "file:PATH", "socket:PORT"
 *
 * Return: 0 or an errno.
 */
int ua_sound_check(const char *source)
{
	enum kind kind;
	const char *path;
	uint32_t number;

	return source_read(source, &kind, &number, &path);
}

static void sound_destructor(void *arg)
{
	struct ua_sound *sound = arg;

	if (sound->file)
		(void)fclose(sound->file);
	if (sound->record) {
		(void)ua_wav_finish(sound->record);
		(void)fclose(sound->record);
	}
	mem_deref(sound->app);
	mem_deref(sound->ring);
}

static void app_receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_sound *sound = arg;

	(void)src;
	while (mbuf_get_left(mb) >= 2 && sound->head - sound->tail < RING_SIZE)
		sound->ring[sound->head++ % RING_SIZE] = (int16_t)sys_ltohs(mbuf_read_u16(mb));
}

static int file_open(struct ua_sound *sound, const char *path)
{
	int err;

	sound->file = fopen(path, "rb");
	if (!sound->file)
		return errno;

	err = ua_wav_find(sound->file);
	if (err == EBADMSG) {
		/* samples and nothing else */
		rewind(sound->file);
		err = 0;
	}
	sound->begin = ftell(sound->file);
	return sound->begin < 0 ? errno : err;
}

/**
 * ua_sound_alloc() - open both ends
 * @soundp: set to them; drop them with mem_deref(), which completes the recording
 * @source: see ua_sound_check()
 * @record: path of a WAV file to write, or NULL
 *
 * Return: 0 or an errno; ENOTSUP for a WAV file of another format.
 */
int ua_sound_alloc(struct ua_sound **soundp, const char *source, const char *record)
{
	const char *path = NULL;
	struct ua_sound *sound;
	uint32_t number = 0;
	int err;

	sound = mem_zalloc(sizeof(*sound), sound_destructor);
	if (!sound)
		return ENOMEM;
	err = source_read(source, &sound->kind, &number, &path);
	if (!err && sound->kind == TONE)
		sound->hertz = number;
	if (!err && sound->kind == FILE_)
		err = file_open(sound, path);
	if (!err && sound->kind == SOCKET) {
		sound->ring = mem_zalloc(RING_SIZE * sizeof(*sound->ring), NULL);
		err = sound->ring ?
			      ua_app_alloc(&sound->app, (uint16_t)number, app_receive, sound) :
			      ENOMEM;
	}
	if (!err && record) {
		sound->record = fopen(record, "wb");
		err = sound->record ? ua_wav_start(sound->record) : errno;
	}
	if (err)
		mem_deref(sound);
	else
		*soundp = sound;
	return err;
}

static int16_t file_next(struct ua_sound *sound, bool again)
{
	uint8_t bytes[2];

	if (fread(bytes, sizeof(bytes), 1, sound->file) == 1)
		return (int16_t)(bytes[0] | bytes[1] << 8);
	/* a file without a single sample is silence */
	if (!again || fseek(sound->file, sound->begin, SEEK_SET))
		return 0;
	return file_next(sound, false);
}

static int16_t tone_next(struct ua_sound *sound)
{
	const double turn = 2 * M_PI * sound->phase / UA_SAMPLE_RATE;

	sound->phase = (sound->phase + sound->hertz) % UA_SAMPLE_RATE;
	return (int16_t)lround(AMPLITUDE * sin(turn));
}

/**
 * ua_sound_read() - the next samples of the source
 * @sound: both ends
 * @samples: where to
 * @count: how many; silence where the source has none
 */
void ua_sound_read(struct ua_sound *sound, int16_t *samples, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		switch (sound->kind) {
		case TONE:
			samples[i] = tone_next(sound);
			break;
		case FILE_:
			samples[i] = file_next(sound, true);
			break;
		case SOCKET:
			samples[i] = sound->tail == sound->head ?
					     0 :
					     sound->ring[sound->tail++ % RING_SIZE];
			break;
		case SILENCE:
			samples[i] = 0;
			break;
		}
	}
}

/**
 * ua_sound_write() - what was heard
 * @sound: both ends
 * @samples: the samples
 * @count: how many
 */
void ua_sound_write(struct ua_sound *sound, const int16_t *samples, size_t count)
{
	struct mbuf *mb;
	size_t i;
	int err = 0;

	if (!sound->record && !sound->app)
		return;
	mb = mbuf_alloc(count * 2);
	if (!mb)
		return;
	for (i = 0; i < count; i++)
		err |= mbuf_write_u16(mb, sys_htols((uint16_t)samples[i]));
	mbuf_set_pos(mb, 0);
	if (!err && sound->record)
		(void)fwrite(mbuf_buf(mb), 1, mbuf_get_left(mb), sound->record);
	if (!err)
		ua_app_send(sound->app, mb);
	mem_deref(mb);
}
