// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nattravd: SIP edge proxy and registrar, and media relay of other SIP proxies, that
 * keeps the media of its calls in the kernel: in the nattrav module, or in conntrack
 * where that cannot be loaded.
 */
#include <getopt.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "config.h"
#include "log.h"
#include "run.h"

#define CONFIG_DEFAULT "/etc/nattrav/nattravd.conf"

#define EXIT_USAGE 2

/* some more than there may be connections */
#define DESCRIPTORS_MAX 32768

static const char usage[] =
	"Usage: nattravd [OPTION]...\n"
	"SIP edge proxy and registrar; media is relayed in the kernel.\n"
	"\n"
	"  -f, --config FILE  configuration (" CONFIG_DEFAULT ")\n"
	"      --datapath WHICH  auto, module (nattrav.ko) or conntrack (any kernel);\n"
	"                     goes before the configuration\n"
	"      --media-only   no SIP: relay for other proxies, by the ng protocol\n"
	"      --check        check the configuration and exit\n"
	"      --no-sandbox   keep all capabilities and system calls, for debugging\n"
	"  -v                 say more\n"
	"      --help         this text\n"
	"      --version      version\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 1 on a failure, 2 on a wrong option or\n"
	"configuration.\n";

/* Each connection takes one; libre wants to know before the first. */
static int descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return errno;
	limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)DESCRIPTORS_MAX);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return fd_setsize((int)limit.rlim_cur);
}

int main(int argc, char **argv)
{
	enum { OPT_CHECK = 256, OPT_DATAPATH, OPT_NO_SANDBOX, OPT_HELP, OPT_MEDIA, OPT_VERSION };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "datapath", required_argument, NULL, OPT_DATAPATH },
		{ "no-sandbox", no_argument, NULL, OPT_NO_SANDBOX },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "media-only", no_argument, NULL, OPT_MEDIA },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	enum config_datapath datapath = CONFIG_DATAPATH_AUTO;
	const char *path = CONFIG_DEFAULT;
	struct config *config = NULL;
	bool check = false, chosen = false, media_only = false, sandbox = true;
	char *error = NULL;
	int opt, err;

	while ((opt = getopt_long(argc, argv, "f:v", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			path = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_DATAPATH:
			chosen = config_datapath_decode(&datapath, optarg);
			if (chosen)
				break;
			(void)re_fprintf(stderr,
					 "nattravd: no datapath '%s'; expected auto, module or "
					 "conntrack\n",
					 optarg);
			return EXIT_USAGE;
		case OPT_NO_SANDBOX:
			sandbox = false;
			break;
		case OPT_HELP:
			(void)fputs(usage, stdout);
			return EXIT_SUCCESS;
		case OPT_MEDIA:
			media_only = true;
			break;
		case OPT_VERSION:
			(void)puts("nattravd " NATTRAV_VERSION);
			return EXIT_SUCCESS;
		default:
			(void)fputs("Try nattravd --help.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		(void)re_fprintf(stderr, "nattravd: unexpected argument '%s'\n", argv[optind]);
		return EXIT_USAGE;
	}

	/* a connection that is gone is told by send() as well */
	(void)signal(SIGPIPE, SIG_IGN);
	err = libre_init();
	if (!err)
		err = descriptors_raise();
	if (err) {
		log_error("cannot start: %m", err);
		return EXIT_FAILURE;
	}
	err = config_load(&config, path, &error);
	if (err) {
		log_error("%s", error ? error : "out of memory");
		mem_deref(error);
		libre_close();
		return EXIT_USAGE;
	}
	if (chosen)
		config->datapath = datapath;
	if (media_only && list_isempty(&config->ng)) {
		log_error("%s: there is no \"ng\" line; --media-only needs one", path);
		mem_deref(config);
		libre_close();
		return EXIT_USAGE;
	}
	config->media_only = config->media_only || media_only;
	err = check ? 0 : run(config, path, sandbox);
	mem_deref(config);
	libre_close();
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
