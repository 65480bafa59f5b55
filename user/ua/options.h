/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nattrav-ua is told, on the command line and in files: "--name value" there is
 * "name value" here. See nattrav-ua(1).
 */
#ifndef NATTRAV_UA_OPTIONS_H
#define NATTRAV_UA_OPTIONS_H

#include "ua.h"

enum ua_command { UA_CMD_WAIT, UA_CMD_CALL, UA_CMD_PROBE };

/**
 * struct ua_options - all of it
 * @config: of the terminal; its strings belong to @strings
 * @command: what to do
 * @target: whom to call, or the server to probe
 * @calls: exit after so many calls, 0 for never
 * @seconds: exit after so many seconds, 0 for never
 * @control: take commands from standard input
 * @json: probe: print JSON
 * @quick: probe: do not search the time-out
 * @other_port: probe: another port of the server
 * @help: print a summary
 * @version: print the version
 * @strings: text that was read from files
 */
struct ua_options {
	struct ua_config config;
	enum ua_command command;
	const char *target;
	uint32_t calls;
	uint32_t seconds;
	bool control;
	bool json;
	bool quick;
	uint16_t other_port;
	bool help;
	bool version;
	struct list strings;
};

void ua_options_init(struct ua_options *options);
int ua_options_arguments(struct ua_options *options, int argc, char **argv, char **error);
int ua_options_text(struct ua_options *options, const char *text, size_t len, const char *name,
		    char **error);
void ua_options_close(struct ua_options *options);
int ua_options_server(struct sa *server, const char *text);

#endif
