// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nattravd: SIP edge proxy and registrar that keeps the media of its calls in
 * the kernel: in the nattrav module, or in conntrack where that cannot be loaded.
 */
#include <getopt.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "config.h"
#include "log.h"
#include "media/media.h"
#include "reload.h"
#include "sip/server.h"
#include "status.h"

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
	"      --check        check the configuration and exit\n"
	"  -v                 say more\n"
	"      --help         this text\n"
	"      --version      version\n"
	"\n"
	"Exit status: 0 after SIGTERM or SIGINT, 1 on a failure, 2 on a wrong option or\n"
	"configuration.\n";

static void on_signal(int sig)
{
	(void)sig;
	re_cancel();
}

static bool count_user(struct le *le, void *arg)
{
	size_t *count = arg;

	(void)le;
	(*count)++;
	return false;
}

static void say_hello(const struct config *config, const struct server *server)
{
	size_t users = 0;
	struct le *le;

	LIST_FOREACH(&config->listeners, le) {
		const struct config_listen *listen = le->data;

		log_info("listening on %s %J, realm %s", transport_name(listen->transport),
			 &listen->addr, listen->realm);
	}
	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *pool = le->data;

		log_info("relay %j ports %u-%u, realm %s", &pool->addr, pool->port_min,
			 pool->port_max, pool->realm);
	}
	(void)hash_apply(config->users, count_user, &users);
	log_info("domain %s, %zu users", config->domain, users);
	log_info("restored from %s: %u registered paths, %u calls", config->database,
		 location_count(server->location), dialogs_count(server->dialogs));
}

static int run(struct config *config, const char *path)
{
	struct server *server = NULL;
	struct reload *reload = NULL;
	struct status *status = NULL;
	struct media *media = NULL;
	struct config *last;
	int err;

	err = media_init(&media, config);
	if (err)
		return err;
	err = server_alloc(&server, config, media);
	if (!err)
		err = reload_alloc(&reload, config, path, server);
	if (!err && sa_isset(&config->status, SA_ALL))
		err = status_alloc(&status, &config->status, server);
	if (!err) {
		say_hello(config, server);
		err = re_main(on_signal);
		log_info("exiting; calls stay in the kernel");
	}
	/* they all look into it */
	last = reload ? mem_ref(reload_config(reload)) : NULL;
	mem_deref(reload);
	mem_deref(status);
	mem_deref(server);
	media_close(media);
	mem_deref(last);
	return err;
}

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
	enum { OPT_CHECK = 256, OPT_DATAPATH, OPT_HELP, OPT_VERSION };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "datapath", required_argument, NULL, OPT_DATAPATH },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	enum config_datapath datapath = CONFIG_DATAPATH_AUTO;
	const char *path = CONFIG_DEFAULT;
	struct config *config = NULL;
	bool check = false, chosen = false;
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
		case OPT_HELP:
			(void)fputs(usage, stdout);
			return EXIT_SUCCESS;
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
	err = check ? 0 : run(config, path);
	mem_deref(config);
	libre_close();
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
