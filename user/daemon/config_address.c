// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directives with addresses of this host: listen and relay.
 */
#include <re.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "config_parse.h"

#define CONFIG_SIP_PORT    5060
#define CONFIG_SIPS_PORT   5061
#define CONFIG_STATUS_PORT 9650
#define CONFIG_PORT_LOW    1024

static bool is_unicast4(const struct sa *sa)
{
	const uint32_t addr = sa_in(sa);

	return addr >> 24 && !IN_MULTICAST(addr) && !IN_BADCLASS(addr);
}

static bool is_unicast6(const struct sa *sa)
{
	struct in6_addr addr;

	sa_in6(sa, addr.s6_addr);
	/* a link-local one means something on one link only */
	return !IN6_IS_ADDR_UNSPECIFIED(&addr) && !IN6_IS_ADDR_MULTICAST(&addr) &&
	       !IN6_IS_ADDR_LINKLOCAL(&addr) && !IN6_IS_ADDR_V4MAPPED(&addr);
}

/*
 * An address of this host, so a unicast one. 0.0.0.0 is refused as well: it
 * can be written neither into a Record-Route nor into an SDP.
 */
static int address_parse(struct parser *parser, const struct directive *directive, struct sa *sa,
			 const char *text, uint32_t port, bool any)
{
	uint8_t addr[16];

	if (inet_pton(AF_INET, text, addr) != 1 && inet_pton(AF_INET6, text, addr) != 1)
		return config_fail(parser, "\"%s\" is not an IP address; expected \"%s\"", text,
				   directive->usage);

	if (sa_set_str(sa, text, (uint16_t)port) ||
	    !((any && sa_is_any(sa)) || (sa_af(sa) == AF_INET ? is_unicast4(sa) : is_unicast6(sa))))
		return config_fail(parser, "%s cannot be an address of this host; expected \"%s\"",
				   text, directive->usage);

	return 0;
}

/*
 * Splits "192.0.2.1:5060", "[2001:db8::1]:5060" and the same without a port,
 * in place; @port is NULL then. An IPv6 address without a port needs no brackets.
 */
static char *address_split(char *text, char **port)
{
	char *end, *colon = strchr(text, ':');

	*port = NULL;
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return text;
		*port = end[1] ? end + 2 : NULL;
		*end = '\0';
		return text + 1;
	}

	if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		*port = colon + 1;
	}

	return text;
}

int config_address_port_parse(struct parser *parser, const struct directive *directive,
			      struct sa *sa, char *text, uint32_t port, bool any)
{
	char *port_text;
	char *addr = address_split(text, &port_text);

	if (port_text && !config_number(&port, port_text, 1, UINT16_MAX))
		return config_fail(parser,
				   "\"%s\" is not a port; expected \"%s\" with a port from 1 to "
				   "65535",
				   port_text, directive->usage);

	return address_parse(parser, directive, sa, addr, port, any);
}

static int transport_parse(struct parser *parser, const struct directive *directive,
			   enum transport *transport, const char *text)
{
	unsigned int i;

	for (i = 0; i < TRANSPORT_COUNT; i++) {
		if (!strcmp(text, transport_name((enum transport)i))) {
			*transport = (enum transport)i;
			return 0;
		}
	}

	return config_fail(parser, "transport \"%s\" is not known; expected \"%s\"", text,
			   directive->usage);
}

static bool addr_in_pool(const struct sa *addr, const struct config_pool *pool)
{
	const uint16_t port = sa_port(addr);

	return (sa_is_any(addr) || sa_cmp(addr, &pool->addr, SA_ADDR)) && port >= pool->port_min &&
	       port <= pool->port_max;
}

/* Whether a UDP port is one that media is relayed through. */
bool config_in_pool(const struct config *config, const struct sa *addr)
{
	struct le *le;

	LIST_FOREACH(&config->pools, le) {
		if (addr_in_pool(addr, le->data))
			return true;
	}

	return false;
}

static bool listen_in_pool(const struct config_listen *listener, const struct config_pool *pool)
{
	return listener->transport == TRANSPORT_UDP && addr_in_pool(&listener->addr, pool);
}

static int realm_parse(struct parser *parser, const struct directive *directive,
		       char realm[CONFIG_REALM_LEN + 1], const char *text)
{
	const size_t len = strlen(text);
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			break;
	}

	if (!len || i < len)
		return config_fail(parser,
				   "\"%s\" is not a realm; expected \"%s\" with a realm of "
				   "letters, digits, \"-\", \"_\" and \".\"",
				   text, directive->usage);
	if (len > CONFIG_REALM_LEN)
		return config_fail(parser, "realm \"%s\" has %zu characters; expected %zu at most",
				   text, len, (size_t)CONFIG_REALM_LEN);

	memcpy(realm, text, len + 1);
	return 0;
}

/* A transport and an address, on a port that is free. */
static int listen_check(struct parser *parser, const struct config_listen *listener)
{
	struct le *le;

	LIST_FOREACH(&parser->config->listeners, le) {
		const struct config_listen *other = le->data;

		if (!sa_cmp(&other->addr, &listener->addr, SA_ALL) ||
		    transport_is_reliable(other->transport) !=
			    transport_is_reliable(listener->transport))
			continue;
		if (other->transport != listener->transport)
			return config_fail(parser,
					   "tcp and tls cannot share %J; expected another port",
					   &listener->addr);
		return config_fail(parser,
				   "\"listen %s %J\" is there twice; expected each address and "
				   "port once",
				   transport_name(listener->transport), &listener->addr);
	}

	LIST_FOREACH(&parser->config->pools, le) {
		if (listen_in_pool(listener, le->data))
			return config_fail(parser,
					   "SIP port %J lies in a relay range; expected a port "
					   "outside of it",
					   &listener->addr);
	}

	return 0;
}

int config_listen_parse(struct parser *parser, const struct directive *directive, char **args,
			unsigned int count)
{
	struct config_listen *listener;
	uint32_t port;
	int err;

	listener = mem_zalloc(sizeof(*listener), NULL);
	if (!listener)
		return ENOMEM;

	err = transport_parse(parser, directive, &listener->transport, args[0]);
	port = listener->transport == TRANSPORT_TLS ? CONFIG_SIPS_PORT : CONFIG_SIP_PORT;
	if (!err)
		err = config_address_port_parse(parser, directive, &listener->addr, args[1], port,
						false);
	if (!err && count > 2)
		err = realm_parse(parser, directive, listener->realm, args[2]);
	if (!err)
		err = listen_check(parser, listener);
	if (err)
		mem_deref(listener);
	else
		list_append(&parser->config->listeners, &listener->le, listener);
	return err;
}

static int range_parse(struct parser *parser, const struct directive *directive,
		       struct config_pool *pool, char *text)
{
	char *dash = strchr(text, '-');
	uint32_t min, max;
	bool valid;

	if (!dash)
		return config_fail(parser, "\"%s\" is not a range of ports; expected \"%s\"", text,
				   directive->usage);

	*dash = '\0';
	valid = config_number(&min, text, 0, UINT16_MAX) &&
		config_number(&max, dash + 1, 0, UINT16_MAX);
	*dash = '-';

	if (!valid)
		return config_fail(parser, "\"%s\" is not a range of ports; expected \"%s\"", text,
				   directive->usage);
	if (min < CONFIG_PORT_LOW)
		return config_fail(parser, "the relay range starts at port %u; expected %u or more",
				   min, CONFIG_PORT_LOW);
	if (min % 2)
		return config_fail(parser,
				   "the relay range starts at the odd port %u; expected an even "
				   "first port, for RTP, and an odd last one, for RTCP",
				   min);
	if (max % 2 == 0)
		return config_fail(parser,
				   "the relay range ends at the even port %u; expected an even "
				   "first port, for RTP, and an odd last one, for RTCP",
				   max);
	if (max < min)
		return config_fail(parser,
				   "the relay range %u-%u ends before it starts; expected "
				   "FIRST-LAST",
				   min, max);

	pool->port_min = (uint16_t)min;
	pool->port_max = (uint16_t)max;
	return 0;
}

int config_realm_parse(struct parser *parser, const struct directive *directive, char **args,
		       unsigned int count)
{
	static const char *const policies[] = {
		[POLICY_ACCESS] = "access",
		[POLICY_WIDE] = "wide",
		[POLICY_TRUSTED] = "trusted",
	};
	struct config_realm *realm;
	struct le *le;
	unsigned int i;
	int err;

	(void)count;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		if (!strcmp(args[1], policies[i]))
			break;
	}
	if (i == ARRAY_SIZE(policies))
		return config_fail(parser, "\"%s\" is no policy; expected \"%s\"", args[1],
				   directive->usage);

	LIST_FOREACH(&parser->config->realms, le) {
		const struct config_realm *other = le->data;

		if (!strcmp(other->name, args[0]))
			return config_fail(
				parser, "realm \"%s\" is there twice; expected each once", args[0]);
	}

	realm = mem_zalloc(sizeof(*realm), NULL);
	if (!realm)
		return ENOMEM;

	realm->policy = (enum config_policy)i;
	err = realm_parse(parser, directive, realm->name, args[0]);
	if (err)
		mem_deref(realm);
	else
		list_append(&parser->config->realms, &realm->le, realm);
	return err;
}

int config_relay_parse(struct parser *parser, const struct directive *directive, char **args,
		       unsigned int count)
{
	struct config_pool *pool;
	struct le *le;
	int err;

	pool = mem_zalloc(sizeof(*pool), NULL);
	if (!pool)
		return ENOMEM;

	err = address_parse(parser, directive, &pool->addr, args[0], 0, false);
	if (!err)
		err = range_parse(parser, directive, pool, args[1]);
	if (!err)
		err = realm_parse(parser, directive, pool->realm, count > 2 ? args[2] : "access");
	if (err)
		goto err_pool;

	LIST_FOREACH(&parser->config->pools, le) {
		const struct config_pool *other = le->data;

		if (sa_cmp(&other->addr, &pool->addr, SA_ADDR) &&
		    other->port_min <= pool->port_max && pool->port_min <= other->port_max) {
			err = config_fail(parser,
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
			err = config_fail(parser,
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

static void route_destructor(void *arg)
{
	struct config_route *route = arg;

	mem_deref(route->match);
	mem_deref(route->name);
}

/* A name that a certificate can show and a Request-URI hold. */
static bool is_host_name(const char *text)
{
	const char *p;

	for (p = text; *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
			break;
	}

	return p != text && !*p;
}

/* "transport=tls" and "name=trunk.example.org", in any order. */
static int route_option_parse(struct parser *parser, const struct directive *directive,
			      struct config_route *route, char *text)
{
	if (!strncmp(text, "transport=", 10))
		return transport_parse(parser, directive, &route->transport, text + 10);

	if (!strncmp(text, "name=", 5)) {
		if (!is_host_name(text + 5))
			return config_fail(parser, "\"%s\" is not a host name; expected \"%s\"",
					   text + 5, directive->usage);
		mem_deref(route->name);
		return str_dup(&route->name, text + 5);
	}

	if (route->realm[0])
		return config_fail(parser, "\"%s\" is too much; expected \"%s\"", text,
				   directive->usage);
	return realm_parse(parser, directive, route->realm, text);
}

/* Whose certificate is shown over TLS: that of the domain, unless something else is told. */
static int route_name_complete(struct parser *parser, struct config_route *route)
{
	if (route->name || route->transport != TRANSPORT_TLS)
		return 0;
	if (route->match[0] == '@')
		return str_dup(&route->name, route->match + 1);
	return config_fail(parser,
			   "route \"%s\" goes over tls, and whose certificate it should find "
			   "is not told; expected \"name=NAME\"",
			   route->match);
}

/* @args: the address, and what follows it. */
static int route_add(struct parser *parser, const struct directive *directive, const char *match,
		     char **args, unsigned int count, struct config_route **routep)
{
	struct config_route *route;
	unsigned int i;
	int err;

	route = mem_zalloc(sizeof(*route), route_destructor);
	if (!route)
		return ENOMEM;

	err = str_dup(&route->match, match);
	for (i = 1; i < count && !err; i++)
		err = route_option_parse(parser, directive, route, args[i]);
	if (!err)
		err = config_address_port_parse(
			parser, directive, &route->addr, args[0],
			route->transport == TRANSPORT_TLS ? CONFIG_SIPS_PORT : CONFIG_SIP_PORT,
			false);
	if (!err)
		err = route_name_complete(parser, route);
	if (err) {
		mem_deref(route);
		return err;
	}
	list_append(&parser->config->routes, &route->le, route);
	*routep = route;
	return 0;
}

int config_route_parse(struct parser *parser, const struct directive *directive, char **args,
		       unsigned int count)
{
	struct config_route *route;
	struct le *le;
	int err;

	if (!args[0][0] || !strcmp(args[0], "@"))
		return config_fail(parser, "\"%s\" matches nothing; expected \"%s\"", args[0],
				   directive->usage);

	err = route_add(parser, directive, args[0], args + 1, count - 1, &route);
	if (err)
		return err;

	LIST_FOREACH(&parser->config->routes, le) {
		const struct config_route *other = le->data;

		if (other != route && other != parser->config->registrar &&
		    !strcmp(other->match, route->match) && other->transport == route->transport &&
		    sa_cmp(&other->addr, &route->addr, SA_ALL))
			return config_fail(parser,
					   "route \"%s\" to %J is there twice; expected each once",
					   args[0], &route->addr);
	}

	return 0;
}

int config_registrar_parse(struct parser *parser, const struct directive *directive, char **args,
			   unsigned int count)
{
	struct config_route *route;
	int err;

	/* it is a next hop like others, but no request finds it by this */
	err = route_add(parser, directive, "registrar", args, count, &route);
	if (!err)
		parser->config->registrar = route;
	return err;
}

int config_status_parse(struct parser *parser, const struct directive *directive, char **args,
			unsigned int count)
{
	struct sa *status = &parser->config->status;
	int err;

	(void)count;

	err = config_address_port_parse(parser, directive, status, args[0], CONFIG_STATUS_PORT,
					false);
	if (!err && !sa_is_loopback(status))
		err = config_fail(parser,
				  "%J can be reached from outside, and there is no password; "
				  "expected an address of loopback",
				  status);
	return err;
}
