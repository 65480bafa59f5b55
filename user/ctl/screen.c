// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A display without a library: the frame is written over the last one, each line
 * cut at the terminal's edge, so that nothing flickers and nothing scrolls.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "screen.h"

/**
 * ctl_screen_init() - read -d TIME and -n COUNT
 * @ctl: the run
 * @words: the words
 * @screen: set to what they say; where standard output is no terminal, and no
 *	count is given, to a single frame
 *
 * Return: CTL_OK, or an exit code after a message.
 */
int ctl_screen_init(const struct ctl *ctl, struct ctl_words words, struct ctl_screen *screen)
{
	const char *wrong;

	*screen = (struct ctl_screen){ .delay = CTL_SCREEN_DELAY, .tty = isatty(STDOUT_FILENO) };
	screen->count = !screen->tty;
	for (; words.count; words.word += 2, words.count -= 2) {
		if (strcmp(words.word[0], "-n") != 0 && strcmp(words.word[0], "-d") != 0)
			return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
		if (words.count < 2)
			return ctl_usage(ctl, "%s needs a value", words.word[0]);
		wrong = words.word[0][1] == 'n' ? ctl_parse_u32(words.word[1], &screen->count) :
						  ctl_parse_duration(words.word[1], &screen->delay);
		if (!wrong && words.word[0][1] == 'd' && !screen->delay)
			wrong = "is too short";
		if (wrong)
			return ctl_usage(ctl, "%s: \"%s\" %s", words.word[0], words.word[1], wrong);
	}
	return CTL_OK;
}

/**
 * ctl_screen_begin() - begin a frame
 * @screen: the display; its size is found anew
 */
void ctl_screen_begin(struct ctl_screen *screen)
{
	struct winsize size;

	screen->rows = 24;
	screen->cols = 80;
	if (!screen->tty)
		return;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
		screen->rows = size.ws_row;
		screen->cols = size.ws_col;
	}
	/* Once clear, then only home: what is there is written over. */
	fputs(screen->shown ? "\033[H" : "\033[H\033[2J", stdout);
}

/**
 * ctl_screen_line() - write a line
 * @screen: the display
 * @color: CTL_RED or another one, NULL for none; a terminal only shows it
 * @format: the line, without its end
 */
void ctl_screen_line(const struct ctl_screen *screen, const char *color, const char *format, ...)
{
	char *line;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vasprintf(&line, format, ap);
	va_end(ap);
	if (len < 0)
		return;
	if (screen->tty)
		printf("%s%.*s%s\033[K\n", color ? color : "", (int)screen->cols, line,
		       color ? "\033[0m" : "");
	else
		puts(line);
	free(line);
}

/**
 * ctl_screen_end() - end a frame, and wait for the next
 * @screen: the display
 *
 * Return: whether there is to be another one.
 */
bool ctl_screen_end(struct ctl_screen *screen)
{
	struct timespec delay = { .tv_sec = screen->delay / 1000,
				  .tv_nsec = (long)(screen->delay % 1000) * 1000000 };

	if (screen->tty)
		fputs("\033[J", stdout);
	if (fflush(stdout) || ++screen->shown == screen->count)
		return false;
	nanosleep(&delay, NULL);
	if (!screen->tty)
		putchar('\n');
	return true;
}
