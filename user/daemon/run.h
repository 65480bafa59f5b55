/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nattravd from its start to its end.
 */
#ifndef NATTRAVD_RUN_H
#define NATTRAVD_RUN_H

#include <stdbool.h>

#include "config.h"

/**
 * run() - serve until a signal says otherwise
 * @config: the configuration
 * @path: where it came from
 * @sandbox: whether to give up what is not needed any more
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int run(struct config *config, const char *path, bool sandbox);

#endif
