/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the samples of a call come from and where they go; 16 bits, 8000 Hz. */
#ifndef NATTRAV_UA_SOUND_H
#define NATTRAV_UA_SOUND_H

#include <stdint.h>
#include <stddef.h>

#define UA_SAMPLE_RATE 8000

struct ua_sound;

int ua_sound_check(const char *source);
int ua_sound_alloc(struct ua_sound **soundp, const char *source, const char *record);
void ua_sound_read(struct ua_sound *sound, int16_t *samples, size_t count);
void ua_sound_write(struct ua_sound *sound, const int16_t *samples, size_t count);

#endif
