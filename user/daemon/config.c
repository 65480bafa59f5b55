// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads nattravd.conf(5). A line that is not understood is refused with its
 * number and what was expected; nothing is guessed and nothing is skipped.
 */
#include <re.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#define CONFIG_ARGS_MAX     3
#define CONFIG_DATABASE     "/var/lib/nattrav/nattravd.db"
#define CONFIG_SIP_PORT     5060
#define CONFIG_PORT_LOW     1024
#define CONFIG_USER_BUCKETS 4096

struct directive;

/**
 * struct parser - where in the file we are
 * @config: what is being filled
 * @path: the file
 * @line: number of the current line
 * @seen: line on which each directive was seen first, 0 if it was not
 * @error: where to leave the message
 */
struct parser {
	struct config *config;
	const char *path;
	unsigned int line;
	unsigned int *seen;
	char **error;
};

/**
 * struct directive - one kind of line
 * @name: its first word
 * @usage: how the whole line looks
 * @args_min: least number of words after @name
 * @args_max: greatest
 * @many: may occur more than once
 * @needed: must occur
 * @parse: takes the words
 */
struct directive {
	const char *name;
	const char *usage;
	unsigned int args_min;
	unsigned int args_max;
	bool many;
	bool needed;
	int (*parse)(struct parser *parser, const struct directive *directive, char **args,
		     unsigned int count);
};

/* Leaves "FILE:LINE: message" and returns EINVAL. */
static int fail(struct parser *parser, const char *fmt, ...)
{
	char *message = NULL;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = re_vsdprintf(&message, fmt, ap);
	va_end(ap);
	if (err)
		return err;

	if (parser->line)
		err = re_sdprintf(parser->error, "%s:%u: %s", parser->path, parser->line, message);
	else
		err = re_sdprintf(parser->error, "%s: %s", parser->path, message);

	mem_deref(message);
	return err ?: EINVAL;
}

static bool number_decode(uint32_t *number, const char *text, uint32_t min, uint32_t max)
{
	uint64_t value = 0;
	const char *p;

	for (p = text; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > max)
			return false;
	}

	*number = (uint32_t)value;
	return p != text && value >= min;
}

/*
 * An address of this host, so a unicast one. 0.0.0.0 is refused as well: it
 * can be written neither into a Record-Route nor into an SDP.
 */
static int address_parse(struct parser *parser, const struct directive *directive, struct sa *sa,
			 const char *text, uint32_t port)
{
	struct in_addr in;
	uint32_t addr;

	if (strchr(text, ':') || text[0] == '[')
		return fail(parser,
			    "IPv6 is not supported yet: \"%s\"; expected \"%s\" with an "
			    "IPv4 address",
			    text, directive->usage);

	if (inet_pton(AF_INET, text, &in) != 1)
		return fail(parser, "\"%s\" is not an IPv4 address; expected \"%s\"", text,
			    directive->usage);

	addr = ntohl(in.s_addr);
	if (!(addr >> 24) || IN_MULTICAST(addr) || IN_BADCLASS(addr))
		return fail(parser, "%s cannot be an address of this host; expected \"%s\"", text,
			    directive->usage);

	sa_set_in(sa, addr, (uint16_t)port);
	return 0;
}

static bool listen_in_pool(const struct config_listen *listener, const struct config_pool *pool)
{
	const uint16_t port = sa_port(&listener->addr);

	return sa_cmp(&listener->addr, &pool->addr, SA_ADDR) && port >= pool->port_min &&
	       port <= pool->port_max;
}

static int listen_parse(struct parser *parser, const struct directive *directive, char **args,
			unsigned int count)
{
	struct config_listen *listener;
	uint32_t port = CONFIG_SIP_PORT;
	struct sa addr;
	struct le *le;
	char *colon;
	int err;

	(void)count;

	if (strcmp(args[0], "udp"))
		return fail(parser, "transport \"%s\" is not supported; expected \"%s\"", args[0],
			    directive->usage);

	/* A second colon makes it IPv6, which address_parse() refuses in words. */
	colon = strchr(args[1], ':');
	if (colon && !strchr(colon + 1, ':') && args[1][0] != '[') {
		*colon = '\0';
		if (!number_decode(&port, colon + 1, 1, UINT16_MAX))
			return fail(parser,
				    "\"%s\" is not a port; expected \"%s\" with a port "
				    "from 1 to 65535",
				    colon + 1, directive->usage);
	}

	err = address_parse(parser, directive, &addr, args[1], port);
	if (err)
		return err;

	LIST_FOREACH(&parser->config->listeners, le) {
		const struct config_listen *other = le->data;

		if (sa_cmp(&other->addr, &addr, SA_ALL))
			return fail(parser,
				    "\"listen udp %J\" is there twice; expected each "
				    "address and port once",
				    &addr);
	}

	listener = mem_zalloc(sizeof(*listener), NULL);
	if (!listener)
		return ENOMEM;

	listener->addr = addr;
	list_append(&parser->config->listeners, &listener->le, listener);

	LIST_FOREACH(&parser->config->pools, le) {
		if (listen_in_pool(listener, le->data))
			return fail(parser,
				    "SIP port %J lies in a relay range; expected a port "
				    "outside of it",
				    &addr);
	}

	return 0;
}

static int domain_parse(struct parser *parser, const struct directive *directive, char **args,
			unsigned int count)
{
	const char *p;

	(void)count;

	for (p = args[0]; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			break;
	}

	if (*p || p == args[0])
		return fail(parser, "\"%s\" is not a domain name; expected \"%s\"", args[0],
			    directive->usage);

	return str_dup(&parser->config->domain, args[0]);
}

static int range_parse(struct parser *parser, const struct directive *directive,
		       struct config_pool *pool, char *text)
{
	char *dash = strchr(text, '-');
	uint32_t min, max;
	bool valid;

	if (!dash)
		return fail(parser, "\"%s\" is not a range of ports; expected \"%s\"", text,
			    directive->usage);

	*dash = '\0';
	valid = number_decode(&min, text, 0, UINT16_MAX) &&
		number_decode(&max, dash + 1, 0, UINT16_MAX);
	*dash = '-';

	if (!valid)
		return fail(parser, "\"%s\" is not a range of ports; expected \"%s\"", text,
			    directive->usage);
	if (min < CONFIG_PORT_LOW)
		return fail(parser, "the relay range starts at port %u; expected %u or more", min,
			    CONFIG_PORT_LOW);
	if (min % 2)
		return fail(parser,
			    "the relay range starts at the odd port %u; expected an even "
			    "first port, for RTP, and an odd last one, for RTCP",
			    min);
	if (max % 2 == 0)
		return fail(parser,
			    "the relay range ends at the even port %u; expected an even "
			    "first port, for RTP, and an odd last one, for RTCP",
			    max);
	if (max < min)
		return fail(parser,
			    "the relay range %u-%u ends before it starts; expected "
			    "FIRST-LAST",
			    min, max);

	pool->port_min = (uint16_t)min;
	pool->port_max = (uint16_t)max;
	return 0;
}

static int realm_parse(struct parser *parser, const struct directive *directive,
		       struct config_pool *pool, const char *text)
{
	const size_t len = strlen(text);
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			break;
	}

	if (!len || i < len)
		return fail(parser,
			    "\"%s\" is not a realm; expected \"%s\" with a realm of "
			    "letters, digits, \"-\", \"_\" and \".\"",
			    text, directive->usage);
	if (len >= sizeof(pool->realm))
		return fail(parser, "realm \"%s\" has %zu characters; expected %zu at most", text,
			    len, sizeof(pool->realm) - 1);

	memcpy(pool->realm, text, len + 1);
	return 0;
}

static int relay_parse(struct parser *parser, const struct directive *directive, char **args,
		       unsigned int count)
{
	struct config_pool *pool;
	struct le *le;
	int err;

	pool = mem_zalloc(sizeof(*pool), NULL);
	if (!pool)
		return ENOMEM;

	err = address_parse(parser, directive, &pool->addr, args[0], 0);
	if (!err)
		err = range_parse(parser, directive, pool, args[1]);
	if (!err)
		err = realm_parse(parser, directive, pool, count > 2 ? args[2] : "access");
	if (err)
		goto err_pool;

	LIST_FOREACH(&parser->config->pools, le) {
		const struct config_pool *other = le->data;

		if (sa_cmp(&other->addr, &pool->addr, SA_ADDR) &&
		    other->port_min <= pool->port_max && pool->port_min <= other->port_max) {
			err = fail(parser,
				   "the relay range %u-%u overlaps %u-%u of the same "
				   "address; expected ranges apart",
				   pool->port_min, pool->port_max, other->port_min,
				   other->port_max);
			goto err_pool;
		}
	}

	LIST_FOREACH(&parser->config->listeners, le) {
		const struct config_listen *listener = le->data;

		if (listen_in_pool(listener, pool)) {
			err = fail(parser,
				   "SIP port %J lies in the relay range; expected a range "
				   "without it",
				   &listener->addr);
			goto err_pool;
		}
	}

	list_append(&parser->config->pools, &pool->le, pool);
	return 0;

err_pool:
	mem_deref(pool);
	return err;
}

static void user_destructor(void *arg)
{
	struct config_user *user = arg;

	hash_unlink(&user->le);
	mem_deref(user->name);
	mem_deref(user->password);
}

static int user_parse(struct parser *parser, const struct directive *directive, char **args,
		      unsigned int count)
{
	struct config_user *user;
	struct pl name;
	int err;

	(void)count;

	pl_set_str(&name, args[0]);

	/* A colon would move the border between name and realm in a digest. */
	if (!name.l || strpbrk(args[0], "@:"))
		return fail(parser,
			    "\"%s\" is not a user name; expected \"%s\" with the name "
			    "before the \"@\" alone",
			    args[0], directive->usage);
	if (!args[1][0])
		return fail(parser, "user \"%s\" has an empty password; expected \"%s\"", args[0],
			    directive->usage);
	if (config_user_find(parser->config, &name))
		return fail(parser, "user \"%s\" is there twice; expected each name once", args[0]);

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

static int database_parse(struct parser *parser, const struct directive *directive, char **args,
			  unsigned int count)
{
	(void)count;

	if (!args[0][0])
		return fail(parser, "the path is empty; expected \"%s\"", directive->usage);

	return str_dup(&parser->config->database, args[0]);
}

static int expires_parse(struct parser *parser, const struct directive *directive, char **args,
			 unsigned int count)
{
	struct config *config = parser->config;
	uint32_t value[2];
	size_t i;

	(void)count;

	for (i = 0; i < ARRAY_SIZE(value); i++) {
		if (!number_decode(&value[i], args[i], 1, 7 * 24 * 3600))
			return fail(parser,
				    "\"%s\" is not a lifetime; expected \"%s\" in seconds, "
				    "from 1 to 604800",
				    args[i], directive->usage);
	}

	if (value[0] > value[1])
		return fail(parser,
			    "the least lifetime %u is over the greatest, %u; expected "
			    "\"%s\"",
			    value[0], value[1], directive->usage);

	config->expires_min = value[0];
	config->expires_max = value[1];
	return 0;
}

static int keepalive_parse(struct parser *parser, const struct directive *directive, char **args,
			   unsigned int count)
{
	(void)count;

	if (!number_decode(&parser->config->keepalive, args[0], 1, 3600))
		return fail(parser, "\"%s\" is not an interval; expected \"%s\", from 1 to 3600",
			    args[0], directive->usage);

	return 0;
}

static int md5_parse(struct parser *parser, const struct directive *directive, char **args,
		     unsigned int count)
{
	(void)count;

	parser->config->md5 = !strcmp(args[0], "yes");
	if (!parser->config->md5 && strcmp(args[0], "no"))
		return fail(parser, "\"%s\" is neither yes nor no; expected \"%s\"", args[0],
			    directive->usage);

	return 0;
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

static int datapath_parse(struct parser *parser, const struct directive *directive, char **args,
			  unsigned int count)
{
	(void)count;

	if (!config_datapath_decode(&parser->config->datapath, args[0]))
		return fail(parser, "\"%s\" is no datapath; expected \"%s\"", args[0],
			    directive->usage);

	return 0;
}

static const struct directive directives[] = {
	{ "listen", "listen udp ADDRESS[:PORT]", 2, 2, true, true, listen_parse },
	{ "domain", "domain NAME", 1, 1, false, true, domain_parse },
	{ "relay", "relay ADDRESS FIRST-LAST [REALM]", 2, 3, true, true, relay_parse },
	{ "user", "user NAME PASSWORD", 2, 2, true, true, user_parse },
	{ "database", "database PATH", 1, 1, false, false, database_parse },
	{ "expires", "expires LEAST GREATEST", 2, 2, false, false, expires_parse },
	{ "keepalive", "keepalive SECONDS", 1, 1, false, false, keepalive_parse },
	{ "md5", "md5 yes|no", 1, 1, false, false, md5_parse },
	{ "datapath", "datapath auto|module|conntrack", 1, 1, false, false, datapath_parse },
};

/*
 * Cuts the next word out of a line, in place. A word may stand in double
 * quotes, in which a backslash keeps the next character as it is. @word is
 * NULL at the end of the line or at a comment.
 */
static int word_next(struct parser *parser, char **line, char **word)
{
	char *in = *line;
	char *out;

	in += strspn(in, " \t");
	*word = NULL;

	if (!*in || *in == '#') {
		*line = in;
		return 0;
	}

	if (*in != '"') {
		*word = in;
		in += strcspn(in, " \t");
		if (*in)
			*in++ = '\0';
		*line = in;
		return 0;
	}

	*word = ++in;
	for (out = in; *in && *in != '"'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}

	if (*in != '"')
		return fail(parser, "a quote is not closed; expected a second \"");

	in++;
	if (*in && *in != ' ' && *in != '\t')
		return fail(parser, "text follows a closing quote; expected a space after it");

	*out = '\0';
	*line = in;
	return 0;
}

static int directive_unknown(struct parser *parser, const char *name)
{
	struct mbuf *names = mbuf_alloc(128);
	size_t i;
	int err = names ? 0 : ENOMEM;

	for (i = 0; i < ARRAY_SIZE(directives) && !err; i++)
		err = mbuf_printf(names, "%s%s", i ? ", " : "", directives[i].name);

	if (!err)
		err = fail(parser, "unknown directive \"%s\"; expected one of %b", name, names->buf,
			   names->end);

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

	err = word_next(parser, &line, &name);
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
		err = word_next(parser, &line, &word);
		if (err)
			return err;
		if (!word)
			break;
		if (count == directive->args_max)
			return fail(parser, "\"%s\" is too much; expected \"%s\"", word,
				    directive->usage);
		args[count++] = word;
	}

	if (count < directive->args_min)
		return fail(parser, "\"%s\" is not complete; expected \"%s\"", name,
			    directive->usage);

	if (parser->seen[i] && !directive->many)
		return fail(parser, "\"%s\" is there twice, first on line %u; expected it once",
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
			err = fail(parser, "the line holds a NUL byte; expected text");
		else
			err = line_parse(parser, line);
	}

	if (!err && ferror(file)) {
		err = errno;
		parser->line = 0;
		(void)fail(parser, "cannot be read: %m; expected a text file", err);
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
			return fail(parser, "there is no \"%s\" line; expected %s\"%s\"",
				    directives[i].name, directives[i].many ? "at least one " : "",
				    directives[i].usage);
	}

	return 0;
}

static void config_destructor(void *arg)
{
	struct config *config = arg;

	list_flush(&config->listeners);
	list_flush(&config->pools);
	hash_flush(config->users);
	mem_deref(config->users);
	mem_deref(config->domain);
	mem_deref(config->database);
}

static struct config *config_alloc(void)
{
	struct config *config = mem_zalloc(sizeof(*config), config_destructor);

	if (!config)
		return NULL;

	config->expires_min = 60;
	config->expires_max = 3600;
	config->keepalive = 25;
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
		(void)fail(&parser,
			   "cannot be opened: %m; expected a configuration file, see "
			   "nattravd.conf(5)",
			   err);
		goto err_config;
	}

	err = file_parse(&parser, file) ?: needed_check(&parser);
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
