// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nattravctl: the table of streams, for people and scripts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "ctl.h"

static const struct ctl_command commands[] = {
	{ "status", "", "the module, its pools, streams and packets (the default)", NULL,
	  ctl_status },
	{ "stats", "", "all packet counters, by drop reason", NULL, ctl_stats },
	{ "pool add", "ADDRESS FIRST-LAST [realm NAME]",
	  "give a relay address with a range of ports",
	  "The address, IPv4 or IPv6, must be one of this host, FIRST even and LAST odd.\n",
	  ctl_pool_add },
	{ "pool del", "ID...", "take pools away; no stream may use them", NULL, ctl_pool_del },
	{ "pool list", "", "show the pools and how full they are", NULL, ctl_pool_list },
	{ "stream add", "[OPTION...] [a LEG-OPTION...] [b LEG-OPTION...]", "install a stream",
	  "Options:\n"
	  "  call NAME              call id that the stream belongs to\n"
	  "  cookie NUMBER          a number of your own, kept and given back\n"
	  "  type rtp|udp           what it carries: RTP, or anything else (rtp)\n"
	  "  rtcp                   make the RTCP stream on the next ports, too\n"
	  "  timeout-partial TIME   life while it is not complete (180s)\n"
	  "  timeout-idle TIME      life without packets, once complete (60s)\n"
	  "  timeout-max TIME       life in any case (12h)\n"
	  "  hold on|off            the call is on hold: silence does not end it (off)\n"
	  "Leg options, after \"a\" or \"b\":\n"
	  "  realm NAME             take the relay address from a pool of this realm\n"
	  "  family ipv4|ipv6       address family, where no address tells it (ipv4)\n"
	  "  local ADDRESS[:PORT]   relay address, and port unless the kernel is to pick it\n"
	  "  prefix ADDRESS/LEN     where the terminal may send from; at most two, or any\n"
	  "  pt LIST                payload types that may complete the leg: 0,8,96-127 or any\n"
	  "  window TIME            how long it may complete (30s)\n"
	  "  generation NUMBER      grows with each offer or answer that moves this side\n"
	  "  probation NUMBER       packets in sequence from one source that make it the peer\n"
	  "                         (1; 4 where more than one address may)\n"
	  "  relatch rebind|never   follow a terminal whose NAT forgot it (never)\n"
	  "  rate NUMBER            packets per second that it may send; 0: any (0)\n"
	  "  clock-rate HZ          of its RTP, for the jitter (8000)\n"
	  "  dscp NUMBER|carry      code point of what is sent to it (carry: as it came)\n"
	  "  many-ssrc on|off       it may send with several SSRCs at once (off)\n"
	  "  peer ADDRESS:PORT      the terminal's public address, if it is known already\n"
	  "An IPv6 address with a port is written [2001:db8::1]:4000.\n"
	  "With --batch FILE (- for standard input) each line describes a stream; all are\n"
	  "installed, or none.\n"
	  "TIME is a number with ms, s, m or h; without, seconds.\n",
	  ctl_stream_add },
	{ "stream set", "ID [OPTION...] [a LEG-OPTION...] [b LEG-OPTION...]", "change a stream",
	  "Options as in \"stream add\", without call, type, rtcp, realm and local;\n"
	  "the family of a leg stays as it is.\n",
	  ctl_stream_set },
	{ "stream del", "ID... | call NAME | --all", "remove streams",
	  "With --all, every stream of this network namespace; the module can then be\n"
	  "unloaded, if other network namespaces have none.\n",
	  ctl_stream_del },
	{ "stream list", "[call NAME] [state partial|complete]", "show the table", NULL,
	  ctl_stream_list },
	{ "stream show", "ID", "show all of a stream, and why a leg is partial", NULL,
	  ctl_stream_show },
	{ "top", "[-d TIME] [-n COUNT]", "the streams with the most trouble, again and again",
	  "First come legs that stay partial, then intruders, then streams that only one side\n"
	  "sends in, then loss.\n"
	  "  -d TIME    time between two frames (2s)\n"
	  "  -n COUNT   how many frames; without a terminal, one\n",
	  ctl_top },
	{ "drops", "[--watch [-d TIME] [-n COUNT]]",
	  "why packets were dropped, what it means and what to do",
	  "With --watch, how many per second, again and again; -d and -n as in \"top\".\n",
	  ctl_drops },
	{ "doctor", "", "look for what keeps calls from working; fails if there is something", NULL,
	  ctl_doctor },
	{ "save", "[FILE]", "write the pools and streams to a file, for restore",
	  "Terminals that are known stay known: \"restore\" takes the calls over in this\n"
	  "module, a newer one, or on another gateway with the same addresses.\n"
	  "Without FILE, or with -, to standard output.\n",
	  ctl_save },
	{ "restore", "[FILE]", "install what save has written: all of it, or nothing",
	  "Pools that are there already are taken over. Without FILE, or with -, from\n"
	  "standard input.\n",
	  ctl_restore },
	{ "upgrade", "[MODULE] [--state FILE]",
	  "exchange the module under calls: save, unload, load, restore",
	  "MODULE is a nattrav.ko; without it, what modprobe finds. Everything is ready before\n"
	  "the old module goes, so that media is lost for the time of unloading and loading\n"
	  "alone. Stop nattravd first: calls that it sets up meanwhile would be lost.\n"
	  "  --state FILE    keeps the calls if the new module does not load\n"
	  "                  (/run/nattrav-upgrade.json); removed when they are back\n",
	  ctl_upgrade },
	{ "monitor", "[--buffer BYTES]", "tell what happens, as it happens",
	  "  --buffer BYTES    room for events that wait to be read (8 MiB)\n"
	  "If events are lost all streams are read again.\n",
	  ctl_monitor },
	{ "drain", "[--wait] [--cancel] [--control PATH]",
	  "let nattravd take no new calls, and exit with the last",
	  "  --wait            stay until it has exited, and tell how many calls are left\n"
	  "  --cancel          take calls again\n"
	  "  --control PATH    where nattravd listens (" CONTROL_SOCKET ")\n",
	  ctl_drain },
	{ "ng", "[to ADDRESS[:PORT] | to PATH] [sdp FILE] COMMAND [KEY=VALUE | FLAG]...",
	  "ask nattravd as a SIP proxy does, by the ng protocol",
	  "  to ADDRESS[:PORT]  who is asked, over UDP (127.0.0.1:2223)\n"
	  "  to PATH            the same, over a unix socket\n"
	  "  sdp FILE           the SDP for offer and answer; - for standard input\n"
	  "COMMAND is ping, offer, answer, delete, query, list or statistics. Keys are\n"
	  "call-id, from-tag, to-tag, via-branch, received-from, direction and so on: what\n"
	  "the protocol has. The values of direction, replace and rtcp-mux are lists with\n"
	  "commas.\n",
	  ctl_ng },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	size_t i;

	fprintf(to, "Usage: nattravctl [--json] [COMMAND]\n\n");
	for (i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].help);
	fprintf(to, "\nCOMMAND --help tells more of a command; nattravctl(8) tells all.\n");
}

static void command_help(const struct ctl_command *command)
{
	printf("Usage: nattravctl %s%s%s [--json]\n\n%s\n", command->name,
	       command->args[0] ? " " : "", command->args, command->help);
	if (command->more)
		printf("\n%s", command->more);
}

/* Takes an option out of the words, wherever it stands. */
static bool option(struct ctl_words *words, const char *name)
{
	bool found = false;
	size_t i, kept = 0;

	for (i = 0; i < words->count; i++) {
		if (!strcmp(words->word[i], name))
			found = true;
		else
			words->word[kept++] = words->word[i];
	}
	words->count = kept;
	return found;
}

/* How many words of @words are the name of the command, 0 if it is another one. */
static size_t match(const struct ctl_command *command, const struct ctl_words *words)
{
	const char *name = command->name;
	size_t i, len;

	for (i = 0; i < words->count; i++) {
		len = strlen(words->word[i]);
		if (strncmp(name, words->word[i], len) != 0)
			return 0;
		if (!name[len])
			return i + 1;
		if (name[len] != ' ')
			return 0;
		name += len + 1;
	}
	return 0;
}

static const struct ctl_command *command_find(struct ctl_words *words)
{
	size_t i, used;

	if (!words->count)
		return &commands[0];
	for (i = 0; i < COMMANDS; i++) {
		used = match(&commands[i], words);
		if (!used)
			continue;
		words->word += used;
		words->count -= used;
		return &commands[i];
	}
	return NULL;
}

/* What could not be written, to a full disk for example, was not shown. */
static int output_end(const struct ctl *ctl, int status)
{
	if ((fflush(stdout) || ferror(stdout)) && !status)
		return ctl_fail(ctl, "cannot write the output: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	struct ctl_words words = { .word = argv + 1, .count = argc > 1 ? (size_t)argc - 1 : 0 };
	struct ctl ctl = { 0 };
	bool help, help_short;
	int status;

	ctl.json = option(&words, "--json");
	help = option(&words, "--help");
	help_short = option(&words, "-h");
	help = help || help_short;
	if (help && !words.count) {
		usage(stdout);
		return output_end(&ctl, CTL_OK);
	}
	if (option(&words, "--version")) {
		printf("nattravctl " NATTRAV_VERSION "\n");
		return output_end(&ctl, CTL_OK);
	}
	ctl.command = command_find(&words);
	if (!ctl.command) {
		fprintf(stderr, "nattravctl: unknown command \"%s%s%s\"\n\n", words.word[0],
			words.count > 1 ? " " : "", words.count > 1 ? words.word[1] : "");
		usage(stderr);
		return CTL_USAGE;
	}
	if (help) {
		command_help(ctl.command);
		return output_end(&ctl, CTL_OK);
	}
	status = ctl.command->run(&ctl, words);
	nattrav_close(ctl.handle);
	free(ctl.snapshot);
	return output_end(&ctl, status);
}
