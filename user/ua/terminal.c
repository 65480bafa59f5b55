// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nattrav-ua as a terminal: prints each event as a line, takes commands from standard
 * input, and knows when it is done.
 */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <string.h>

#include "sip/compat.h"

#define LINE_MAX_ 512

/**
 * struct terminal - the running program
 * @options: what it was told
 * @ua: the terminal
 * @calls: that are over
 * @streams: of the call that is over
 * @silent: how many of @streams heard nothing
 * @status: exit status
 * @dialled: the call of the command line was placed
 * @tmr: until the end
 * @line: what was read of a command so far
 * @length: of @line
 */
struct terminal {
	const struct ua_options *options;
	struct ua *ua;
	uint32_t calls;
	unsigned int streams;
	unsigned int silent;
	int status;
	bool dialled;
	struct tmr tmr;
	char line[LINE_MAX_];
	size_t length;
};

/* libre hands a signal to a function without an argument. */
static struct terminal *running;

static void on_signal(int sig)
{
	(void)sig;
	ua_stop(running->ua);
}

static void time_over(void *arg)
{
	struct terminal *terminal = arg;

	ua_stop(terminal->ua);
}

static void event_print(const struct ua_event *event)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (mb && !ua_event_json(mb, event)) {
		(void)fwrite(mb->buf, 1, mb->end, stdout);
		(void)fputc('\n', stdout);
		/* whoever reads it waits for it */
		(void)fflush(stdout);
	}
	mem_deref(mb);
}

static void complain(struct terminal *terminal, int err, const char *what)
{
	struct ua_event event = { .type = UA_ERROR };
	char reason[128];

	(void)re_snprintf(reason, sizeof(reason), "%s: %m", what, err);
	pl_set_str(&event.reason, reason);
	event_print(&event);
	if (terminal->options->command == UA_CMD_CALL && !terminal->calls) {
		terminal->status = UA_EXIT_CALL_FAILED;
		ua_stop(terminal->ua);
	}
}

static void dial(struct terminal *terminal)
{
	int err;

	if (terminal->options->command != UA_CMD_CALL || terminal->dialled)
		return;
	terminal->dialled = true;
	err = ua_dial(terminal->ua, terminal->options->target);
	if (err)
		complain(terminal, err, "call");
}

static void call_over(struct terminal *terminal, const struct ua_event *event)
{
	const bool ours = terminal->options->command == UA_CMD_CALL;

	if (event->status >= 300 || (ours && !terminal->streams))
		terminal->status = UA_EXIT_CALL_FAILED;
	else if (terminal->silent)
		terminal->status = UA_EXIT_NO_MEDIA;
	terminal->calls++;
	if (ours || terminal->calls == terminal->options->calls)
		ua_stop(terminal->ua);
}

static void on_event(const struct ua_event *event, void *arg)
{
	struct terminal *terminal = arg;

	event_print(event);
	switch (event->type) {
	case UA_REGISTERED:
		if (terminal->status == UA_EXIT_NOT_REGISTERED)
			terminal->status = 0;
		dial(terminal);
		break;
	case UA_UNREGISTERED:
		terminal->status = UA_EXIT_NOT_REGISTERED;
		/* somebody waits for the outcome; a device tries again */
		if (terminal->options->command == UA_CMD_CALL)
			ua_stop(terminal->ua);
		break;
	case UA_ESTABLISHED:
		terminal->streams = 0;
		terminal->silent = 0;
		break;
	case UA_STATS:
		terminal->streams++;
		terminal->silent += !event->stats->received;
		break;
	case UA_CLOSED:
		call_over(terminal, event);
		break;
	case UA_STOPPED:
		re_cancel();
		break;
	default:
		break;
	}
}

static void command_do(struct terminal *terminal, const char *line)
{
	struct ua *ua = terminal->ua;
	int err = 0;

	if (!strncmp(line, "call ", 5))
		err = ua_dial(ua, line + 5);
	else if (!strcmp(line, "answer"))
		err = ua_answer(ua);
	else if (!strcmp(line, "hangup"))
		ua_hangup(ua);
	else if (!strcmp(line, "hold"))
		err = ua_hold(ua, true);
	else if (!strcmp(line, "resume"))
		err = ua_hold(ua, false);
	else if (!strcmp(line, "quit"))
		ua_stop(ua);
	else if (*line)
		err = ENOSYS;
	if (err)
		complain(terminal, err, line);
}

static void on_input(int flags, void *arg)
{
	struct terminal *terminal = arg;
	ssize_t n;
	char c;

	(void)flags;
	n = read(STDIN_FILENO, &c, 1);
	if (n <= 0) {
		compat_fd_unwatch(STDIN_FILENO);
		return;
	}
	if (c != '\n') {
		/* of a line that is too long the rest is dropped */
		if (terminal->length < sizeof(terminal->line) - 1)
			terminal->line[terminal->length++] = c;
		return;
	}
	terminal->line[terminal->length] = '\0';
	terminal->length = 0;
	command_do(terminal, terminal->line);
}

/**
 * ua_run_terminal() - be a terminal until it is over
 * @options: what to do
 *
 * Return: the exit status.
 */
int ua_run_terminal(const struct ua_options *options)
{
	struct terminal terminal = { .options = options };
	int err;

	running = &terminal;
	err = ua_alloc(&terminal.ua, &options->config, on_event, &terminal);
	if (err) {
		(void)re_fprintf(stderr, "nattrav-ua: %m\n", err);
		return UA_EXIT_FAILURE;
	}
	err = ua_start(terminal.ua);
	if (!err && options->control)
		err = compat_fd_watch(STDIN_FILENO, on_input, &terminal);
	if (err) {
		(void)re_fprintf(stderr, "nattrav-ua: %m\n", err);
		mem_deref(terminal.ua);
		return UA_EXIT_FAILURE;
	}
	if (options->seconds)
		tmr_start(&terminal.tmr, (uint64_t)options->seconds * 1000, time_over, &terminal);
	if (!sa_isset(&options->config.server, SA_ALL))
		dial(&terminal);
	err = re_main(on_signal);
	tmr_cancel(&terminal.tmr);
	if (options->control)
		compat_fd_unwatch(STDIN_FILENO);
	mem_deref(terminal.ua);
	return err ? UA_EXIT_FAILURE : terminal.status;
}
