/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much of rtpengine's ng protocol as it takes to set up a call. */
#ifndef BENCH_NG_H
#define BENCH_NG_H

#include "nattrav.h"

int ng_open(const char *addr, const char *port);
const char *ng_call(int fd, uint32_t number, const struct nattrav_endpoint terminal[2],
		    struct nattrav_endpoint relay[2]);

#endif
