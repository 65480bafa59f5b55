/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nattravd serves: SIP, the ng protocol, or both, and their media.
 */
#ifndef NATTRAVD_SERVED_H
#define NATTRAVD_SERVED_H

#include "ng/ng.h"
#include "sip/server.h"

/**
 * struct served - what takes another configuration, is drained and looked at
 * @media: the media side
 * @wheel: timers
 * @server: SIP, or NULL
 * @ng: the ng protocol, or NULL
 */
struct served {
	struct media *media;
	struct wheel *wheel;
	struct server *server;
	struct ng *ng;
};

#endif
