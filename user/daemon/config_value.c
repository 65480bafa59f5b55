// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directives without addresses.
 */
#include <re.h>
#include <ctype.h>
#include <string.h>

#include "config_parse.h"

int config_domain_parse(struct parser *parser, const struct directive *directive, char **args,
			unsigned int count)
{
	const char *p;

	(void)count;

	for (p = args[0]; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			break;
	}

	if (*p || p == args[0])
		return config_fail(parser, "\"%s\" is not a domain name; expected \"%s\"", args[0],
				   directive->usage);

	return str_dup(&parser->config->domain, args[0]);
}

static void user_destructor(void *arg)
{
	struct config_user *user = arg;

	hash_unlink(&user->le);
	mem_deref(user->name);
	mem_deref(user->password);
}

int config_user_parse(struct parser *parser, const struct directive *directive, char **args,
		      unsigned int count)
{
	struct config_user *user;
	struct pl name;
	int err;

	(void)count;

	pl_set_str(&name, args[0]);

	/* A colon would move the border between name and realm in a digest. */
	if (!name.l || strpbrk(args[0], "@:"))
		return config_fail(parser,
				   "\"%s\" is not a user name; expected \"%s\" with the name "
				   "before the \"@\" alone",
				   args[0], directive->usage);
	if (!args[1][0])
		return config_fail(parser, "user \"%s\" has an empty password; expected \"%s\"",
				   args[0], directive->usage);
	if (config_user_find(parser->config, &name))
		return config_fail(parser, "user \"%s\" is there twice; expected each name once",
				   args[0]);

	user = mem_zalloc(sizeof(*user), user_destructor);
	if (!user)
		return ENOMEM;

	err = str_dup(&user->name, args[0]) ?: str_dup(&user->password, args[1]);
	if (err) {
		mem_deref(user);
		return err;
	}

	hash_append(parser->config->users, hash_joaat_str(user->name), &user->le, user);
	return 0;
}

int config_database_parse(struct parser *parser, const struct directive *directive, char **args,
			  unsigned int count)
{
	(void)count;

	if (!args[0][0])
		return config_fail(parser, "the path is empty; expected \"%s\"", directive->usage);

	return str_dup(&parser->config->database, args[0]);
}

int config_accounting_parse(struct parser *parser, const struct directive *directive, char **args,
			    unsigned int count)
{
	(void)count;

	if (!args[0][0])
		return config_fail(parser, "the path is empty; expected \"%s\"", directive->usage);

	return str_dup(&parser->config->accounting, args[0]);
}

int config_control_parse(struct parser *parser, const struct directive *directive, char **args,
			 unsigned int count)
{
	(void)count;

	if (args[0][0] != '/')
		return config_fail(parser, "\"%s\" does not begin at the root; expected \"%s\"",
				   args[0], directive->usage);

	return str_dup(&parser->config->control, args[0]);
}

int config_certificate_parse(struct parser *parser, const struct directive *directive, char **args,
			     unsigned int count)
{
	(void)count;

	if (!args[0][0])
		return config_fail(parser, "the path is empty; expected \"%s\"", directive->usage);

	return str_dup(&parser->config->certificate, args[0]);
}

int config_ca_parse(struct parser *parser, const struct directive *directive, char **args,
		    unsigned int count)
{
	(void)count;

	if (!args[0][0])
		return config_fail(parser, "the path is empty; expected \"%s\"", directive->usage);

	return str_dup(&parser->config->ca, args[0]);
}

int config_expires_parse(struct parser *parser, const struct directive *directive, char **args,
			 unsigned int count)
{
	struct config *config = parser->config;
	uint32_t value[2];
	size_t i;

	(void)count;

	for (i = 0; i < ARRAY_SIZE(value); i++) {
		if (!config_number(&value[i], args[i], 1, 7 * 24 * 3600))
			return config_fail(parser,
					   "\"%s\" is not a lifetime; expected \"%s\" in seconds, "
					   "from 1 to 604800",
					   args[i], directive->usage);
	}

	if (value[0] > value[1])
		return config_fail(parser,
				   "the least lifetime %u is over the greatest, %u; expected "
				   "\"%s\"",
				   value[0], value[1], directive->usage);

	config->expires_min = value[0];
	config->expires_max = value[1];
	return 0;
}

int config_keepalive_parse(struct parser *parser, const struct directive *directive, char **args,
			   unsigned int count)
{
	(void)count;

	if (!config_number(&parser->config->keepalive, args[0], 1, 3600))
		return config_fail(parser,
				   "\"%s\" is not an interval; expected \"%s\", from 1 to 3600",
				   args[0], directive->usage);

	return 0;
}

int config_session_parse(struct parser *parser, const struct directive *directive, char **args,
			 unsigned int count)
{
	uint32_t *seconds = &parser->config->session_expires;

	(void)count;

	/* RFC 4028 section 4: nobody may be asked for less than 90 */
	if (!config_number(seconds, args[0], 0, 7 * 24 * 3600) || (*seconds && *seconds < 90))
		return config_fail(parser,
				   "\"%s\" is not an interval; expected \"%s\", from 90 to 604800, "
				   "or 0",
				   args[0], directive->usage);

	return 0;
}

int config_ringing_parse(struct parser *parser, const struct directive *directive, char **args,
			 unsigned int count)
{
	uint32_t *const value[] = { &parser->config->ringing_user,
				    &parser->config->ringing_source };
	size_t i;

	(void)count;

	for (i = 0; i < ARRAY_SIZE(value); i++) {
		if (!config_number(value[i], args[i], 1, 65536))
			return config_fail(parser,
					   "\"%s\" is not a number of calls; expected \"%s\", "
					   "from 1 to 65536",
					   args[i], directive->usage);
	}

	return 0;
}

static int yes_no_parse(struct parser *parser, const struct directive *directive, bool *value,
			const char *text)
{
	*value = !strcmp(text, "yes");
	if (!*value && strcmp(text, "no"))
		return config_fail(parser, "\"%s\" is neither yes nor no; expected \"%s\"", text,
				   directive->usage);

	return 0;
}

int config_ping_parse(struct parser *parser, const struct directive *directive, char **args,
		      unsigned int count)
{
	(void)count;

	return yes_no_parse(parser, directive, &parser->config->ping, args[0]);
}

int config_md5_parse(struct parser *parser, const struct directive *directive, char **args,
		     unsigned int count)
{
	(void)count;

	return yes_no_parse(parser, directive, &parser->config->md5, args[0]);
}

bool config_datapath_decode(enum config_datapath *datapath, const char *name)
{
	static const char *const names[] = {
		[CONFIG_DATAPATH_AUTO] = "auto",
		[CONFIG_DATAPATH_MODULE] = "module",
		[CONFIG_DATAPATH_CONNTRACK] = "conntrack",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name)) {
			*datapath = (enum config_datapath)i;
			return true;
		}
	}

	return false;
}

int config_datapath_parse(struct parser *parser, const struct directive *directive, char **args,
			  unsigned int count)
{
	(void)count;

	if (!config_datapath_decode(&parser->config->datapath, args[0]))
		return config_fail(parser, "\"%s\" is no datapath; expected \"%s\"", args[0],
				   directive->usage);

	return 0;
}
