// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directives of the ng protocol. It has no passwords: whoever can send to it
 * steers the relay, and so it must be said who may.
 */
#include <re.h>
#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "config_parse.h"
#include "ng/message.h"

static void ng_destructor(void *arg)
{
	struct config_ng *ng = arg;

	mem_deref(ng->path);
}

static int unix_parse(struct parser *parser, const struct directive *directive,
		      struct config_ng *ng, const char *path)
{
	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return config_fail(parser,
				   "\"%s\" is no path of a socket; expected \"%s\", beginning with "
				   "\"/\" and of at most 107 characters",
				   path, directive->usage);

	ng->transport = CONFIG_NG_UNIX;
	return str_dup(&ng->path, path);
}

static bool ng_equal(const struct config_ng *a, const struct config_ng *b)
{
	if (a->transport != b->transport)
		return false;

	return a->transport == CONFIG_NG_UNIX ? !strcmp(a->path, b->path) :
						sa_cmp(&a->addr, &b->addr, SA_ALL);
}

static int ng_check(struct parser *parser, const struct config_ng *ng, const char *text)
{
	struct le *le;

	LIST_FOREACH(&parser->config->ng, le) {
		if (ng_equal(ng, le->data))
			return config_fail(parser, "\"%s\" is there twice; expected each once",
					   text);
	}

	return 0;
}

int config_ng_parse(struct parser *parser, const struct directive *directive, char **args,
		    unsigned int count)
{
	struct config_ng *ng;
	int err;

	(void)count;

	ng = mem_zalloc(sizeof(*ng), ng_destructor);
	if (!ng)
		return ENOMEM;

	if (!strcmp(args[0], "unix")) {
		err = unix_parse(parser, directive, ng, args[1]);
	} else if (!strcmp(args[0], "udp") || !strcmp(args[0], "tcp")) {
		ng->transport = args[0][0] == 'u' ? CONFIG_NG_UDP : CONFIG_NG_TCP;
		err = config_address_port_parse(parser, directive, &ng->addr, args[1], NG_PORT,
						true);
	} else {
		err = config_fail(parser, "transport \"%s\" is not known; expected \"%s\"", args[0],
				  directive->usage);
	}
	if (!err)
		err = ng_check(parser, ng, args[1]);
	if (err)
		mem_deref(ng);
	else
		list_append(&parser->config->ng, &ng->le, ng);
	return err;
}

int config_ng_allow_parse(struct parser *parser, const struct directive *directive, char **args,
			  unsigned int count)
{
	char *slash = strchr(args[0], '/');
	struct config_allow *allow;
	uint32_t bits;

	(void)count;

	allow = mem_zalloc(sizeof(*allow), NULL);
	if (!allow)
		return ENOMEM;

	if (slash)
		*slash = '\0';
	if (!sa_set_str(&allow->addr, args[0], 0)) {
		bits = sa_af(&allow->addr) == AF_INET6 ? 128 : 32;
		allow->len = bits;
		if (!slash || config_number(&allow->len, slash + 1, 0, bits)) {
			list_append(&parser->config->ng_allow, &allow->le, allow);
			return 0;
		}
	}
	if (slash)
		*slash = '/';
	mem_deref(allow);
	return config_fail(parser, "\"%s\" is neither an address nor a network; expected \"%s\"",
			   args[0], directive->usage);
}

int config_ng_calls_parse(struct parser *parser, const struct directive *directive, char **args,
			  unsigned int count)
{
	(void)count;

	if (!config_number(&parser->config->ng_calls, args[0], 1, UINT32_MAX))
		return config_fail(parser, "\"%s\" is not a number of calls; expected \"%s\"",
				   args[0], directive->usage);

	return 0;
}

/* libre knows one address of 127/8 only. */
static bool is_this_host(const struct sa *addr)
{
	return sa_is_loopback(addr) || (sa_af(addr) == AF_INET && sa_in(addr) >> 24 == 127);
}

/* What can be told only when all lines are read. */
int config_ng_check(struct parser *parser)
{
	const struct config *config = parser->config;
	struct le *le;

	LIST_FOREACH(&config->ng, le) {
		const struct config_ng *ng = le->data;

		if (ng->transport == CONFIG_NG_UNIX)
			continue;
		if (!is_this_host(&ng->addr) && list_isempty(&config->ng_allow))
			return config_fail(parser,
					   "\"ng\" at %J can be reached from outside, and there is "
					   "no password; expected an address of loopback, or "
					   "\"ng-allow ADDRESS[/LENGTH]\" for who may use it",
					   &ng->addr);
		if (ng->transport == CONFIG_NG_UDP && config_in_pool(config, &ng->addr))
			return config_fail(parser,
					   "\"ng\" at %J lies in a relay range; expected a port "
					   "outside of it",
					   &ng->addr);
	}

	return 0;
}

static size_t addr_bytes(uint8_t bytes[16], const struct sa *sa)
{
	const uint32_t v4 = htonl(sa_in(sa));

	if (sa_af(sa) == AF_INET6) {
		sa_in6(sa, bytes);
		return 16;
	}

	memcpy(bytes, &v4, sizeof(v4));
	return sizeof(v4);
}

static bool allow_has(const struct config_allow *allow, const struct sa *addr)
{
	const size_t whole = allow->len / 8;
	const unsigned int rest = allow->len % 8;
	uint8_t net[16], host[16];

	if (sa_af(&allow->addr) != sa_af(addr))
		return false;

	(void)addr_bytes(net, &allow->addr);
	(void)addr_bytes(host, addr);
	return !memcmp(net, host, whole) && (!rest || !((net[whole] ^ host[whole]) >> (8 - rest)));
}

bool config_ng_allows(const struct config *config, const struct sa *addr)
{
	struct le *le;

	if (is_this_host(addr))
		return true;

	LIST_FOREACH(&config->ng_allow, le) {
		if (allow_has(le->data, addr))
			return true;
	}

	return false;
}
