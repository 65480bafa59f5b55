// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads nattravd.conf(5). A line that is not understood is refused with its
 * number and what was expected; nothing is guessed and nothing is skipped.
 */
#include <re.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parse.h"

#define CONFIG_ARGS_MAX     3
#define CONFIG_DATABASE     "/var/lib/nattrav/nattravd.db"
#define CONFIG_USER_BUCKETS 4096

static const struct directive directives[] = {
	{ "listen", "listen udp|tcp|tls ADDRESS[:PORT] [REALM]", 2, 3, true, true,
	  config_listen_parse },
	{ "domain", "domain NAME", 1, 1, false, true, config_domain_parse },
	{ "relay", "relay ADDRESS FIRST-LAST [REALM]", 2, 3, true, true, config_relay_parse },
	{ "realm", "realm NAME access|wide|trusted", 2, 2, true, false, config_realm_parse },
	{ "route", "route *|@DOMAIN|NUMBER ADDRESS[:PORT] [REALM]", 2, 3, true, false,
	  config_route_parse },
	{ "user", "user NAME PASSWORD", 2, 2, true, true, config_user_parse },
	{ "database", "database PATH", 1, 1, false, false, config_database_parse },
	{ "certificate", "certificate PATH", 1, 1, false, false, config_certificate_parse },
	{ "accounting", "accounting PATH", 1, 1, false, false, config_accounting_parse },
	{ "status", "status ADDRESS[:PORT]", 1, 1, false, false, config_status_parse },
	{ "expires", "expires LEAST GREATEST", 2, 2, false, false, config_expires_parse },
	{ "keepalive", "keepalive SECONDS", 1, 1, false, false, config_keepalive_parse },
	{ "ping", "ping yes|no", 1, 1, false, false, config_ping_parse },
	{ "session-expires", "session-expires SECONDS", 1, 1, false, false, config_session_parse },
	{ "md5", "md5 yes|no", 1, 1, false, false, config_md5_parse },
	{ "datapath", "datapath auto|module|conntrack", 1, 1, false, false, config_datapath_parse },
};

static int directive_unknown(struct parser *parser, const char *name)
{
	struct mbuf *names = mbuf_alloc(128);
	size_t i;
	int err = names ? 0 : ENOMEM;

	for (i = 0; i < ARRAY_SIZE(directives) && !err; i++)
		err = mbuf_printf(names, "%s%s", i ? ", " : "", directives[i].name);

	if (!err)
		err = config_fail(parser, "unknown directive \"%s\"; expected one of %b", name,
				  names->buf, names->end);

	mem_deref(names);
	return err;
}

static int line_parse(struct parser *parser, char *line)
{
	const struct directive *directive;
	char *args[CONFIG_ARGS_MAX];
	unsigned int count = 0;
	char *name, *word;
	size_t i;
	int err;

	err = config_word_next(parser, &line, &name);
	if (err || !name)
		return err;

	for (i = 0; i < ARRAY_SIZE(directives); i++) {
		if (!strcmp(directives[i].name, name))
			break;
	}

	if (i == ARRAY_SIZE(directives))
		return directive_unknown(parser, name);

	directive = &directives[i];

	for (;;) {
		err = config_word_next(parser, &line, &word);
		if (err)
			return err;
		if (!word)
			break;
		if (count == directive->args_max)
			return config_fail(parser, "\"%s\" is too much; expected \"%s\"", word,
					   directive->usage);
		args[count++] = word;
	}

	if (count < directive->args_min)
		return config_fail(parser, "\"%s\" is not complete; expected \"%s\"", name,
				   directive->usage);

	if (parser->seen[i] && !directive->many)
		return config_fail(parser,
				   "\"%s\" is there twice, first on line %u; expected it once",
				   name, parser->seen[i]);

	if (!parser->seen[i])
		parser->seen[i] = parser->line;

	return directive->parse(parser, directive, args, count);
}

static int file_parse(struct parser *parser, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &size, file)) >= 0) {
		parser->line++;

		while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			line[--len] = '\0';

		if (memchr(line, '\0', (size_t)len))
			err = config_fail(parser, "the line holds a NUL byte; expected text");
		else
			err = line_parse(parser, line);
	}

	/* no memory for a line is no error of the file */
	if (!err && !feof(file)) {
		err = errno;
		parser->line = 0;
		(void)config_fail(parser, "cannot be read: %m; expected a text file", err);
	}

	free(line);
	return err;
}

static int needed_check(struct parser *parser)
{
	size_t i;

	parser->line = 0;
	for (i = 0; i < ARRAY_SIZE(directives); i++) {
		if (directives[i].needed && !parser->seen[i])
			return config_fail(parser, "there is no \"%s\" line; expected %s\"%s\"",
					   directives[i].name,
					   directives[i].many ? "at least one " : "",
					   directives[i].usage);
	}

	return 0;
}

static bool realm_has_pool(const struct config *config, const char *realm)
{
	struct le *le;

	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *pool = le->data;

		if (!strcmp(pool->realm, realm))
			return true;
	}

	return false;
}

/* What can be told only when all lines are read. */
static int whole_check(struct parser *parser)
{
	struct config *config = parser->config;
	const struct config_pool *first = list_ledata(list_head(&config->pools));
	struct le *le;

	LIST_FOREACH(&config->listeners, le) {
		struct config_listen *listener = le->data;

		if (!listener->realm[0])
			str_ncpy(listener->realm, first->realm, sizeof(listener->realm));
		if (!realm_has_pool(config, listener->realm))
			return config_fail(parser,
					   "no \"relay\" line has the realm \"%s\" of %J; "
					   "expected one",
					   listener->realm, &listener->addr);
		if (listener->transport == TRANSPORT_TLS && !config->certificate)
			return config_fail(parser, "\"listen tls\" needs a \"certificate\" line; "
						   "expected \"certificate PATH\"");
	}

	LIST_FOREACH(&config->routes, le) {
		const struct config_route *route = le->data;

		if (route->realm[0] && !realm_has_pool(config, route->realm))
			return config_fail(parser,
					   "no \"relay\" line has the realm \"%s\" of a route; "
					   "expected one",
					   route->realm);
	}

	LIST_FOREACH(&config->realms, le) {
		const struct config_realm *realm = le->data;

		if (!realm_has_pool(config, realm->name))
			return config_fail(parser,
					   "no \"relay\" line has the realm \"%s\"; expected one",
					   realm->name);
	}

	return 0;
}

static void config_destructor(void *arg)
{
	struct config *config = arg;

	list_flush(&config->listeners);
	list_flush(&config->pools);
	list_flush(&config->realms);
	list_flush(&config->routes);
	hash_flush(config->users);
	mem_deref(config->users);
	mem_deref(config->domain);
	mem_deref(config->database);
	mem_deref(config->certificate);
	mem_deref(config->accounting);
}

static struct config *config_alloc(void)
{
	struct config *config = mem_zalloc(sizeof(*config), config_destructor);

	if (!config)
		return NULL;

	config->expires_min = 60;
	config->expires_max = 3600;
	config->keepalive = 25;
	config->session_expires = 1800;
	config->ping = true;
	config->md5 = true;

	if (hash_alloc(&config->users, CONFIG_USER_BUCKETS))
		config = mem_deref(config);

	return config;
}

int config_load(struct config **configp, const char *path, char **error)
{
	unsigned int seen[ARRAY_SIZE(directives)] = { 0 };
	struct parser parser = { .path = path, .seen = seen, .error = error };
	FILE *file;
	int err;

	*error = NULL;

	parser.config = config_alloc();
	if (!parser.config)
		return ENOMEM;

	file = fopen(path, "re");
	if (!file) {
		err = errno;
		(void)config_fail(&parser,
				  "cannot be opened: %m; expected a configuration file, see "
				  "nattravd.conf(5)",
				  err);
		goto err_config;
	}

	err = file_parse(&parser, file) ?: needed_check(&parser) ?: whole_check(&parser);
	fclose(file);
	if (err)
		goto err_config;

	if (!parser.config->database) {
		err = str_dup(&parser.config->database, CONFIG_DATABASE);
		if (err)
			goto err_config;
	}

	*configp = parser.config;
	return 0;

err_config:
	mem_deref(parser.config);
	return err;
}

enum config_policy config_realm_policy(const struct config *config, const char *name)
{
	struct le *le;

	LIST_FOREACH(&config->realms, le) {
		const struct config_realm *realm = le->data;

		if (!strcmp(realm->name, name))
			return realm->policy;
	}

	return POLICY_ACCESS;
}

static bool user_match(struct le *le, void *arg)
{
	const struct config_user *user = le->data;

	return !pl_strcmp(arg, user->name);
}

const struct config_user *config_user_find(const struct config *config, const struct pl *name)
{
	struct pl key = *name;

	return list_ledata(hash_lookup(config->users, hash_joaat_pl(name), user_match, &key));
}
