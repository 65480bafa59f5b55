// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nattrav-ua: a SIP terminal without a screen, for devices and for tests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "run.h"

static const char usage[] =
	"Usage: nattrav-ua [OPTION]... [wait]        register, take calls\n"
	"       nattrav-ua [OPTION]... call TO       register, place a call\n"
	"       nattrav-ua [OPTION]... probe SERVER  tell what the NAT does\n"
	"A SIP terminal without a screen. Each event is a line of JSON.\n"
	"\n"
	"  -f, --config FILE      options in lines of \"name value\"; the only place for\n"
	"                         the password\n"
	"      --server ADDR[:PORT]  register and send calls there\n"
	"      --user NAME        of the account\n"
	"      --domain NAME      of the account (the server)\n"
	"      --realm TEXT       the only digest realm that is answered (the domain)\n"
	"      --local ADDR[:PORT]  own address\n"
	"      --instance URN     of this device\n"
	"      --expires SECONDS  lifetime of the registration (3600)\n"
	"      --keepalive stun|crlf|none\n"
	"      --interval SECONDS|auto  of keep-alives; auto measures the NAT's time-out\n"
	"      --search MIN-MAX   bounds of that measurement in seconds (10-290)\n"
	"      --audio tone:HERTZ|file:PATH|socket:PORT|silence|none\n"
	"      --codec pcmu|pcma  which to prefer\n"
	"      --record FILE      what is heard, as WAV\n"
	"      --data RATExSIZE|socket:PORT  a stream of datagrams; up to four\n"
	"      --answer auto|manual|never\n"
	"      --duration SECONDS  of a call\n"
	"      --comedia          media goes to where it comes from\n"
	"      --calls N          exit after so many calls\n"
	"      --seconds N        exit after so many seconds\n"
	"      --control          commands on standard input: call TO, answer, hangup,\n"
	"                         hold, resume, quit\n"
	"      --quick            probe: not the time-out\n"
	"      --other-port PORT  probe: of the server, tells how it maps\n"
	"      --json             probe: JSON\n"
	"      --help, --version\n"
	"\n"
	"Exit status: 0 all right, 1 a failure, 2 a wrong option, 3 not registered,\n"
	"4 the call failed, 5 a stream of the call heard nothing.\n";

static int refuse(const char *error)
{
	(void)re_fprintf(stderr, "nattrav-ua: %s\nTry nattrav-ua --help.\n", error);
	return UA_EXIT_USAGE;
}

static int run(struct ua_options *options)
{
	if (options->help) {
		(void)fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (options->version) {
		(void)puts("nattrav-ua " NATTRAV_VERSION);
		return EXIT_SUCCESS;
	}
	if (options->command == UA_CMD_PROBE) {
		if (ua_options_server(&options->config.server, options->target))
			return refuse("probe expects ADDRESS[:PORT] or NAME[:PORT]");
		return ua_run_probe(options);
	}
	if (!options->config.user)
		return refuse("--user is missing");
	if (!sa_isset(&options->config.server, SA_ALL) &&
	    !sa_isset(&options->config.local, SA_ADDR))
		return refuse("--server or --local is missing");
	return ua_run_terminal(options);
}

int main(int argc, char **argv)
{
	struct ua_options options;
	char *error = NULL;
	int status;

	if (libre_init())
		return UA_EXIT_FAILURE;
	ua_options_init(&options);
	if (ua_options_arguments(&options, argc, argv, &error))
		status = refuse(error ? error : "out of memory");
	else
		status = run(&options);
	ua_options_close(&options);
	mem_deref(error);
	libre_close();
	return status;
}
