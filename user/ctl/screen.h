/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is shown again and again: on a terminal in place, elsewhere one after the
 * other.
 */
#ifndef NATTRAVCTL_SCREEN_H
#define NATTRAVCTL_SCREEN_H

#include "ctl.h"

/* A time and a number that one is likely to want. */
#define CTL_SCREEN_DELAY 2000

/**
 * struct ctl_screen - a display
 * @delay: time between two frames in ms
 * @count: frames to show, 0 for no end
 * @shown: frames so far
 * @tty: whether it is a terminal
 * @rows: lines that it has
 * @cols: columns that it has
 */
struct ctl_screen {
	uint32_t delay;
	uint32_t count;
	uint32_t shown;
	bool tty;
	unsigned int rows;
	unsigned int cols;
};

int ctl_screen_init(const struct ctl *ctl, struct ctl_words words, struct ctl_screen *screen);
void ctl_screen_begin(struct ctl_screen *screen);
void ctl_screen_line(const struct ctl_screen *screen, const char *color, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool ctl_screen_end(struct ctl_screen *screen);

/* Colors of lines; NULL is none. */
#define CTL_RED    "\033[31m"
#define CTL_YELLOW "\033[33m"
#define CTL_BOLD   "\033[1m"

#endif
