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

#define CONFIG_ARGS_MAX     5
#define CONFIG_DATABASE     "/var/lib/nattrav/nattravd.db"
#define CONFIG_CA           "/etc/ssl/certs/ca-certificates.crt"
#define CONFIG_USER_BUCKETS 4096

static const struct directive directives[] = {
	{ "listen", "listen udp|tcp|tls ADDRESS[:PORT] [REALM]", 2, 3, true, NEED_SIP,
	  config_listen_parse },
	{ "domain", "domain NAME", 1, 1, false, NEED_SIP, config_domain_parse },
	{ "relay", "relay ADDRESS FIRST-LAST [REALM]", 2, 3, true, NEED_ALWAYS,
	  config_relay_parse },
	{ "realm", "realm NAME access|wide|trusted", 2, 2, true, NEED_NOT, config_realm_parse },
	{ "route",
	  "route *|@DOMAIN|NUMBER ADDRESS[:PORT] [REALM] [transport=udp|tcp|tls] [name=NAME]", 2, 5,
	  true, NEED_NOT, config_route_parse },
	{ "registrar", "registrar ADDRESS[:PORT] [REALM] [transport=udp|tcp|tls] [name=NAME]", 1, 4,
	  false, NEED_NOT, config_registrar_parse },
	{ "user", "user NAME PASSWORD", 2, 2, true, NEED_SIP, config_user_parse },
	{ "database", "database PATH", 1, 1, false, NEED_NOT, config_database_parse },
	{ "certificate", "certificate PATH", 1, 1, false, NEED_NOT, config_certificate_parse },
	{ "ca", "ca PATH", 1, 1, false, NEED_NOT, config_ca_parse },
	{ "accounting", "accounting PATH", 1, 1, false, NEED_NOT, config_accounting_parse },
	{ "control", "control PATH", 1, 1, false, NEED_NOT, config_control_parse },
	{ "status", "status ADDRESS[:PORT]", 1, 1, false, NEED_NOT, config_status_parse },
	{ "expires", "expires LEAST GREATEST", 2, 2, false, NEED_NOT, config_expires_parse },
	{ "keepalive", "keepalive SECONDS", 1, 1, false, NEED_NOT, config_keepalive_parse },
	{ "ping", "ping yes|no", 1, 1, false, NEED_NOT, config_ping_parse },
	{ "session-expires", "session-expires SECONDS", 1, 1, false, NEED_NOT,
	  config_session_parse },
	{ "ringing", "ringing USER SOURCE", 2, 2, false, NEED_NOT, config_ringing_parse },
	{ "md5", "md5 yes|no", 1, 1, false, NEED_NOT, config_md5_parse },
	{ "datapath", "datapath auto|module|conntrack", 1, 1, false, NEED_NOT,
	  config_datapath_parse },
	{ "ng", "ng udp|tcp ADDRESS[:PORT]\" or \"ng unix PATH", 2, 2, true, NEED_NOT,
	  config_ng_parse },
	{ "ng-allow", "ng-allow ADDRESS[/LENGTH]", 1, 1, true, NEED_NOT, config_ng_allow_parse },
	{ "ng-calls", "ng-calls NUMBER", 1, 1, false, NEED_NOT, config_ng_calls_parse },
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

/* Where somebody else is the registrar, nobody has to be known here. */
static bool is_needed(const struct parser *parser, const struct directive *directive)
{
	const enum need least = parser->config->media_only ? NEED_ALWAYS : NEED_SIP;

	return directive->needed >= least &&
	       !(parser->config->registrar && directive->parse == config_user_parse);
}

static int needed_check(struct parser *parser)
{
	size_t i;

	parser->line = 0;
	for (i = 0; i < ARRAY_SIZE(directives); i++) {
		if (is_needed(parser, &directives[i]) && !parser->seen[i])
			return config_fail(parser, "there is no \"%s\" line; expected %s\"%s\"",
					   directives[i].name,
					   directives[i].many ? "at least one " : "",
					   directives[i].usage);
	}

	return 0;
}

bool config_realm_has_pool(const struct config *config, const char *realm)
{
	struct le *le;

	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *pool = le->data;

		if (!strcmp(pool->realm, realm))
			return true;
	}

	return false;
}

/* Whether something can be sent to a next hop: a reliable transport needs a place for answers. */
static bool route_has_listener(const struct config *config, const struct config_route *route)
{
	struct le *le;

	LIST_FOREACH(&config->listeners, le) {
		const struct config_listen *listener = le->data;

		if (listener->transport == route->transport &&
		    sa_af(&listener->addr) == sa_af(&route->addr) &&
		    (!route->realm[0] || !strcmp(listener->realm, route->realm)))
			return true;
	}

	return false;
}

/* One connection serves all routes to an address, and shows one certificate. */
static bool route_has_other_name(const struct config *config, const struct config_route *route)
{
	struct le *le;

	LIST_FOREACH(&config->routes, le) {
		const struct config_route *other = le->data;

		if (route->transport == TRANSPORT_TLS && other->transport == TRANSPORT_TLS &&
		    sa_cmp(&route->addr, &other->addr, SA_ALL) &&
		    str_casecmp(route->name, other->name))
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
		if (!config_realm_has_pool(config, listener->realm))
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

		if (route->realm[0] && !config_realm_has_pool(config, route->realm))
			return config_fail(parser,
					   "no \"relay\" line has the realm \"%s\" of a route; "
					   "expected one",
					   route->realm);
		if (route_has_other_name(config, route))
			return config_fail(parser,
					   "two routes to %J over tls have different names; "
					   "expected one name for each address",
					   &route->addr);
		if (!route_has_listener(config, route))
			return config_fail(parser,
					   "no \"listen %s\" line can reach route \"%s\" at %J; "
					   "expected one of its address family and realm",
					   transport_name(route->transport), route->match,
					   &route->addr);
	}

	LIST_FOREACH(&config->realms, le) {
		const struct config_realm *realm = le->data;

		if (!config_realm_has_pool(config, realm->name))
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
	list_flush(&config->ng);
	list_flush(&config->ng_allow);
	hash_flush(config->users);
	mem_deref(config->users);
	mem_deref(config->domain);
	mem_deref(config->database);
	mem_deref(config->certificate);
	mem_deref(config->ca);
	mem_deref(config->accounting);
	mem_deref(config->control);
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
	config->ringing_user = 32;
	config->ringing_source = 128;
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

	err = file_parse(&parser, file);
	fclose(file);
	parser.config->media_only = list_isempty(&parser.config->listeners) &&
				    !list_isempty(&parser.config->ng);
	if (!err)
		err = needed_check(&parser) ?: whole_check(&parser) ?: config_ng_check(&parser);
	if (err)
		goto err_config;

	if (!parser.config->database) {
		err = str_dup(&parser.config->database, CONFIG_DATABASE);
		if (err)
			goto err_config;
	}
	if (!parser.config->ca) {
		err = str_dup(&parser.config->ca, CONFIG_CA);
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
