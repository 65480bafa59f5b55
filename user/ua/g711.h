/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCMU and PCMA (ITU-T G.711). */
#ifndef NATTRAV_UA_G711_H
#define NATTRAV_UA_G711_H

#include <stdint.h>

uint8_t ua_pcmu_encode(int16_t sample);
int16_t ua_pcmu_decode(uint8_t code);
uint8_t ua_pcma_encode(int16_t sample);
int16_t ua_pcma_decode(uint8_t code);

#endif
