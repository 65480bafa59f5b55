/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WAV files with 16 bits, one channel, 8000 Hz: all that G.711 can carry. */
#ifndef NATTRAV_UA_WAV_H
#define NATTRAV_UA_WAV_H

#include <stdint.h>
#include <stdio.h>

int ua_wav_find(FILE *file);
int ua_wav_start(FILE *file);
int ua_wav_finish(FILE *file);

#endif
