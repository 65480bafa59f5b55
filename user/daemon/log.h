/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on standard error, with the priority prefix that systemd reads
 * when it is the reader, and a time stamp when a person is.
 */
#ifndef NATTRAVD_LOG_H
#define NATTRAVD_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);

/* @fmt is that of re_printf(): %r struct pl, %J struct sa with port, %j without, %m errno. */
void log_error(const char *fmt, ...);
void log_warn(const char *fmt, ...);
void log_info(const char *fmt, ...);
void log_debug(const char *fmt, ...);

#endif
