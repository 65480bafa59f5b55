/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of nattrav-ua. */
#ifndef NATTRAV_UA_RUN_H
#define NATTRAV_UA_RUN_H

#include "options.h"

/* Exit statuses; 2 is a wrong option, as everywhere. */
enum {
	UA_EXIT_FAILURE = 1,
	UA_EXIT_USAGE = 2,
	UA_EXIT_NOT_REGISTERED = 3,
	UA_EXIT_CALL_FAILED = 4,
	UA_EXIT_NO_MEDIA = 5,
};

int ua_run_terminal(const struct ua_options *options);
int ua_run_probe(const struct ua_options *options);

#endif
