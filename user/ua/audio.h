/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audio of a call: PCMU or PCMA over RTP. */
#ifndef NATTRAV_UA_AUDIO_H
#define NATTRAV_UA_AUDIO_H

#include "ua.h"

struct ua_audio;

/* The first packet of the peer has come, from this address. */
typedef void(ua_first_h)(const char *stream, const struct sa *src, void *arg);

int ua_audio_alloc(struct ua_audio **audiop, const struct ua_config *config, const struct sa *local,
		   struct sdp_session *sdp, ua_first_h *first, void *arg);
void ua_audio_update(struct ua_audio *audio);
void ua_audio_hold(struct ua_audio *audio, bool held);
bool ua_audio_held(const struct ua_audio *audio);
void ua_audio_stats(struct ua_audio *audio, struct ua_stats *stats);

#endif
