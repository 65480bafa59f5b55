// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration file: what is taken, and what is said about what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define LISTEN "listen udp 203.0.113.1\n"
#define DOMAIN "domain example.net\n"
#define RELAY  "relay 203.0.113.1 30000-39999\n"
#define USER   "user alice secret\n"

/* Loads @len bytes of @text from a file and tells its name. */
static int load(struct config **config, const char *text, size_t len, char **error, char **path)
{
	static char name[] = "/tmp/nattravd-test-XXXXXX";
	char *const tail = name + sizeof(name) - 7;
	int err, fd;

	memset(tail, 'X', 6);
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);

	err = config_load(config, name, error);
	unlink(name);
	*path = name;
	return err;
}

static struct config *check_good(const char *text)
{
	struct config *config = NULL;
	char *error = NULL;
	char *path;
	int err;

	err = load(&config, text, strlen(text), &error, &path);
	if (error)
		print_error("%s\n", error);
	assert_int_equal(err, 0);
	assert_null(error);
	assert_non_null(config);
	return config;
}

/* @expected is what follows the name of the file. */
static void check_bad(const char *text, const char *expected)
{
	struct config *config = NULL;
	char *error = NULL;
	char *path;

	assert_int_not_equal(load(&config, text, strlen(text), &error, &path), 0);
	assert_null(config);
	assert_non_null(error);
	assert_memory_equal(error, path, strlen(path));
	assert_string_equal(error + strlen(path), expected);
	mem_deref(error);
}

static void check_addr(const struct sa *addr, const char *expected)
{
	struct sa sa;

	assert_int_equal(sa_decode(&sa, expected, strlen(expected)), 0);
	assert_true(sa_cmp(addr, &sa, SA_ALL));
}

static const struct config_user *user_find(const struct config *config, const char *name)
{
	struct pl pl;

	pl_set_str(&pl, name);
	return config_user_find(config, &pl);
}

static void test_least(void **state)
{
	struct config *config = check_good(LISTEN DOMAIN RELAY USER);
	const struct config_pool *pool = list_ledata(list_head(&config->pools));
	const struct config_listen *listener = list_ledata(list_head(&config->listeners));

	(void)state;

	check_addr(&listener->addr, "203.0.113.1:5060");
	assert_true(sa_isset(&pool->addr, SA_ADDR));
	assert_int_equal(pool->port_min, 30000);
	assert_int_equal(pool->port_max, 39999);
	assert_string_equal(pool->realm, "access");
	assert_string_equal(config->domain, "example.net");
	assert_string_equal(config->database, "/var/lib/nattrav/nattravd.db");
	assert_int_equal(config->expires_min, 60);
	assert_int_equal(config->expires_max, 3600);
	assert_int_equal(config->keepalive, 25);
	assert_true(config->md5);
	assert_int_equal(config->datapath, CONFIG_DATAPATH_AUTO);
	mem_deref(config);
}

static void test_whole(void **state)
{
	struct config *config = check_good("# a comment\n"
					   "\n"
					   "  listen udp 203.0.113.1:5070 # another\r\n"
					   "listen\tudp 203.0.113.2\n"
					   "domain sip.example.net\n"
					   "relay 203.0.113.1 30000-30001 core-1\n"
					   "relay 203.0.113.1 30002-30003\n"
					   "user alice \"two words # \\\" \\\\\"\n"
					   "user bob pa#ss\n"
					   "user \"carol\" \"x\" # end\n"
					   "database \"/tmp/a b.db\"\n"
					   "expires 30 600\n"
					   "keepalive 5\n"
					   "md5 no\ndatapath conntrack");
	const struct config_pool *pool = list_ledata(list_head(&config->pools));
	const struct config_listen *listener = list_ledata(list_head(&config->listeners));

	(void)state;

	check_addr(&listener->addr, "203.0.113.1:5070");
	assert_int_equal(list_count(&config->listeners), 2);
	assert_int_equal(list_count(&config->pools), 2);
	assert_string_equal(pool->realm, "core-1");
	assert_string_equal(user_find(config, "alice")->password, "two words # \" \\");
	assert_string_equal(user_find(config, "bob")->password, "pa#ss");
	assert_string_equal(user_find(config, "carol")->password, "x");
	assert_null(user_find(config, "Alice"));
	assert_null(user_find(config, "alic"));
	assert_string_equal(config->database, "/tmp/a b.db");
	assert_int_equal(config->expires_min, 30);
	assert_int_equal(config->expires_max, 600);
	assert_int_equal(config->keepalive, 5);
	assert_false(config->md5);
	assert_int_equal(config->datapath, CONFIG_DATAPATH_CONNTRACK);
	mem_deref(config);
}

static void test_listeners(void **state)
{
	static const struct {
		enum transport transport;
		const char *addr;
		const char *realm;
	} expected[] = {
		{ TRANSPORT_UDP, "203.0.113.1:5060", "access" },
		{ TRANSPORT_TCP, "203.0.113.1:5060", "access" },
		{ TRANSPORT_TLS, "203.0.113.1:5061", "access" },
		{ TRANSPORT_UDP, "[2001:db8::1]:5060", "access" },
		{ TRANSPORT_TCP, "[2001:db8::1]:5070", "core" },
		{ TRANSPORT_TLS, "[2001:db8::1]:5061", "core" },
	};
	struct config *config = check_good(LISTEN DOMAIN RELAY USER
					   "relay 2001:db8::1 30000-39999 core\n"
					   "listen tcp 203.0.113.1\nlisten tls 203.0.113.1\n"
					   "listen udp 2001:db8::1\n"
					   "listen tcp [2001:db8::1]:5070 core\n"
					   "listen tls [2001:db8::1] core\ncertificate /tmp/x.pem\n"
					   "realm core trusted\n");
	const struct le *le = list_head(&config->listeners);
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(expected); i++, le = le->next) {
		const struct config_listen *listener = le->data;

		assert_int_equal(listener->transport, expected[i].transport);
		check_addr(&listener->addr, expected[i].addr);
		assert_string_equal(listener->realm, expected[i].realm);
	}
	assert_null(le);
	assert_string_equal(config->certificate, "/tmp/x.pem");
	assert_int_equal(config_realm_policy(config, "core"), POLICY_TRUSTED);
	assert_int_equal(config_realm_policy(config, "access"), POLICY_ACCESS);
	mem_deref(config);
}

static void test_long_line(void **state)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct config *config;
	char *text = NULL;

	(void)state;

	assert_int_equal(mbuf_write_str(mb, LISTEN DOMAIN RELAY "user alice "), 0);
	assert_int_equal(mbuf_fill(mb, 'x', 1000000), 0);
	mbuf_set_pos(mb, 0);
	assert_int_equal(mbuf_strdup(mb, &text, mbuf_get_left(mb)), 0);
	config = check_good(text);
	assert_int_equal(strlen(user_find(config, "alice")->password), 1000000);
	mem_deref(config);
	mem_deref(text);
	mem_deref(mb);
}

static void test_missing(void **state)
{
	(void)state;

	check_bad("", ": there is no \"listen\" line; expected at least one "
		      "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad(LISTEN RELAY USER, ": there is no \"domain\" line; expected \"domain NAME\"");
	check_bad(LISTEN DOMAIN USER, ": there is no \"relay\" line; expected at least one "
				      "\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad(LISTEN DOMAIN RELAY "#" USER, ": there is no \"user\" line; expected at least "
						"one \"user NAME PASSWORD\"");
}

static void test_words(void **state)
{
	(void)state;

	check_bad(
		LISTEN "\n  lisen udp 1.2.3.4\n",
		":3: unknown directive \"lisen\"; expected one of listen, domain, relay, realm, "
		"route, registrar, user, "
		"database, certificate, ca, accounting, control, status, expires, keepalive, ping, "
		"session-expires, ringing, md5, datapath, ng, ng-allow, ng-calls");
	check_bad("listen udp\n", ":1: \"listen\" is not complete; expected "
				  "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad("domain a b\n", ":1: \"b\" is too much; expected \"domain NAME\"");
	check_bad("user a \"b\n", ":1: a quote is not closed; expected a second \"");
	check_bad("user a \"b\\\"\n", ":1: a quote is not closed; expected a second \"");
	check_bad("user a \"b\"c\n", ":1: text follows a closing quote; expected a space after it");
}

static void test_nul(void **state)
{
	static const char text[] = LISTEN "domain a\0b\n";
	struct config *config = NULL;
	char *error = NULL;
	char *path;

	(void)state;

	assert_int_equal(load(&config, text, sizeof(text) - 1, &error, &path), EINVAL);
	assert_string_equal(error + strlen(path), ":2: the line holds a NUL byte; expected text");
	mem_deref(error);
}

static void test_listen(void **state)
{
	(void)state;

	check_bad("listen sctp 203.0.113.1\n", ":1: transport \"sctp\" is not known; expected "
					       "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad("listen udp 203.0.113\n", ":1: \"203.0.113\" is not an IP address; expected "
					    "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad(
		"listen udp 203.0.113.1:0\n",
		":1: \"0\" is not a port; expected \"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\" with a port "
		"from 1 to 65535");
	check_bad(
		"listen udp 203.0.113.1:\n",
		":1: \"\" is not a port; expected \"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\" with a port "
		"from 1 to 65535");
	check_bad("listen udp [2001:db8::1\n",
		  ":1: \"[2001:db8::1\" is not an IP address; expected "
		  "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad("listen udp [::]:5060\n", ":1: :: cannot be an address of this host; expected "
					    "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad("listen tcp fe80::1\n", ":1: fe80::1 cannot be an address of this host; expected "
					  "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad("listen tcp 203.0.113.1\nlisten tls 203.0.113.1:5060\n",
		  ":2: tcp and tls cannot share 203.0.113.1:5060; expected another port");
	check_bad(LISTEN DOMAIN RELAY USER "listen udp 203.0.113.2 core\n",
		  ": no \"relay\" line has the realm \"core\" of 203.0.113.2:5060; expected one");
	check_bad(LISTEN DOMAIN RELAY USER "listen tls 203.0.113.1\n",
		  ": \"listen tls\" needs a \"certificate\" line; expected \"certificate PATH\"");
	check_bad("listen udp 0.0.0.0\n", ":1: 0.0.0.0 cannot be an address of this host; expected "
					  "\"listen udp|tcp|tls ADDRESS[:PORT] [REALM]\"");
	check_bad(LISTEN DOMAIN "listen udp 203.0.113.1:5060\n",
		  ":3: \"listen udp 203.0.113.1:5060\" is there twice; expected each address and "
		  "port once");
	check_bad(RELAY "listen udp 203.0.113.1:30000\n",
		  ":2: SIP port 203.0.113.1:30000 lies in a relay range; expected a port outside "
		  "of it");
}

static void test_relay(void **state)
{
	(void)state;

	check_bad("relay 203.0.113.1 30000\n", ":1: \"30000\" is not a range of ports; expected "
					       "\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad("relay 203.0.113.1 30000-\n", ":1: \"30000-\" is not a range of ports; expected "
						"\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad("relay 203.0.113.1 30000-65537\n",
		  ":1: \"30000-65537\" is not a range of ports; expected "
		  "\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad("relay 203.0.113.1 30001-39999\n",
		  ":1: the relay range starts at the odd port 30001; expected an even first port, "
		  "for RTP, and an odd last one, for RTCP");
	check_bad("relay 203.0.113.1 30000-40000\n",
		  ":1: the relay range ends at the even port 40000; expected an even first port, "
		  "for RTP, and an odd last one, for RTCP");
	check_bad("relay 203.0.113.1 1022-39999\n",
		  ":1: the relay range starts at port 1022; expected 1024 or more");
	check_bad("relay 203.0.113.1 30002-30001\n",
		  ":1: the relay range 30002-30001 ends before it starts; expected FIRST-LAST");
	check_bad("relay [2001:db8::1] 30000-39999\n",
		  ":1: \"[2001:db8::1]\" is not an IP address; expected "
		  "\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad("relay ff02::1 30000-39999\n",
		  ":1: ff02::1 cannot be an address of this host; expected "
		  "\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad("relay 224.0.0.1 30000-39999\n",
		  ":1: 224.0.0.1 cannot be an address of this host; expected "
		  "\"relay ADDRESS FIRST-LAST [REALM]\"");
	check_bad("relay 203.0.113.1 30000-39999 a/b\n",
		  ":1: \"a/b\" is not a realm; expected \"relay ADDRESS FIRST-LAST [REALM]\" with "
		  "a realm of letters, digits, \"-\", \"_\" and \".\"");
	check_bad("relay 203.0.113.1 30000-39999 a123456789b123456789c123456789de\n",
		  ":1: realm \"a123456789b123456789c123456789de\" has 32 characters; expected 31 "
		  "at most");
	check_bad(RELAY "relay 203.0.113.1 39998-40001\n",
		  ":2: the relay range 39998-40001 overlaps 30000-39999 of the same address; "
		  "expected ranges apart");
	check_bad("listen udp 203.0.113.1:30000\n" RELAY,
		  ":2: SIP port 203.0.113.1:30000 lies in the relay range; expected a range "
		  "without it");
}

static void test_user(void **state)
{
	(void)state;

	check_bad("user alice@example.net secret\n",
		  ":1: \"alice@example.net\" is not a user name; expected \"user NAME PASSWORD\" "
		  "with the name before the \"@\" alone");
	check_bad("user alice\n", ":1: \"user\" is not complete; expected \"user NAME PASSWORD\"");
	check_bad("user alice \"\"\n", ":1: user \"alice\" has an empty password; expected "
				       "\"user NAME PASSWORD\"");
	check_bad(USER "user alice other\n",
		  ":2: user \"alice\" is there twice; expected each name once");
}

static void test_realm(void **state)
{
	(void)state;

	check_bad("realm core open\n", ":1: \"open\" is no policy; expected "
				       "\"realm NAME access|wide|trusted\"");
	check_bad("realm core wide\nrealm core wide\n",
		  ":2: realm \"core\" is there twice; expected each once");
	check_bad(LISTEN DOMAIN RELAY USER "realm core trusted\n",
		  ": no \"relay\" line has the realm \"core\"; expected one");
}

#define ROUTE_USAGE                                                                \
	"\"route *|@DOMAIN|NUMBER ADDRESS[:PORT] [REALM] [transport=udp|tcp|tls] " \
	"[name=NAME]\""

static void test_route(void **state)
{
	static const char routes[] = LISTEN DOMAIN RELAY USER
		"route * 198.51.100.1\n"
		"listen tcp [2001:db8::1]\nlisten tls 203.0.113.1\ncertificate pem\nca roots\n"
		"route @example.org [2001:db8::9]:5070 transport=tcp\n"
		"route @example.com 198.51.100.3 transport=tls\n"
		"route 1 198.51.100.4:5071 name=trunk.example.com access transport=tls\n"
		"route 00 198.51.100.2:5080 access\n";
	struct config *config = check_good(routes);
	const struct config_route *last = list_ledata(list_tail(&config->routes));
	const struct config_route *named = last->le.prev->data, *domain = named->le.prev->data;
	const struct config_route *tcp = domain->le.prev->data;

	(void)state;

	assert_int_equal(list_count(&config->routes), 5);
	assert_string_equal(config->ca, "roots");
	assert_int_equal(last->transport, TRANSPORT_UDP);
	assert_null(last->name);
	assert_int_equal(tcp->transport, TRANSPORT_TCP);
	check_addr(&tcp->addr, "[2001:db8::9]:5070");
	assert_int_equal(domain->transport, TRANSPORT_TLS);
	assert_string_equal(domain->name, "example.com");
	check_addr(&domain->addr, "198.51.100.3:5061");
	assert_string_equal(named->name, "trunk.example.com");
	assert_string_equal(named->realm, "access");
	check_addr(&named->addr, "198.51.100.4:5071");
	assert_string_equal(last->match, "00");
	assert_string_equal(last->realm, "access");
	check_addr(&last->addr, "198.51.100.2:5080");
	mem_deref(config);

	check_bad("route @ 198.51.100.1\n", ":1: \"@\" matches nothing; expected " ROUTE_USAGE);
	check_bad("route 0 198.51.100.1\nroute 0 198.51.100.2\nroute 0 198.51.100.1:5060\n",
		  ":3: route \"0\" to 198.51.100.1:5060 is there twice; expected each once");
	check_bad("route 0 example.org\n",
		  ":1: \"example.org\" is not an IP address; expected " ROUTE_USAGE);
	check_bad(LISTEN DOMAIN RELAY USER "route 0 198.51.100.1 core\n",
		  ": no \"relay\" line has the realm \"core\" of a route; expected one");
	check_bad("route 0 198.51.100.1 transport=sctp\n",
		  ":1: transport \"sctp\" is not known; expected " ROUTE_USAGE);
	check_bad("route 0 198.51.100.1 name=a_b\n",
		  ":1: \"a_b\" is not a host name; expected " ROUTE_USAGE);
	check_bad("route 0 198.51.100.1 a b\n", ":1: \"b\" is too much; expected " ROUTE_USAGE);
	check_bad(
		"route 0 198.51.100.1 transport=tls\n",
		":1: route \"0\" goes over tls, and whose certificate it should find is not told; "
		"expected \"name=NAME\"");
	check_bad(
		LISTEN DOMAIN RELAY USER "route 0 198.51.100.1 transport=tcp\n",
		": no \"listen tcp\" line can reach route \"0\" at 198.51.100.1:5060; expected one "
		"of its address family and realm");
	check_bad(
		LISTEN DOMAIN RELAY USER "route 0 2001:db8::1\n",
		": no \"listen udp\" line can reach route \"0\" at [2001:db8::1]:5060; expected one "
		"of its address family and realm");
	check_bad(
		LISTEN DOMAIN RELAY USER "listen tls 203.0.113.1\ncertificate pem\n"
					 "route @a 198.51.100.1 transport=tls\n"
					 "route @b 198.51.100.1 transport=tls\n",
		": two routes to 198.51.100.1:5061 over tls have different names; expected one name "
		"for each address");
}

static void test_single(void **state)
{
	(void)state;

	check_bad(DOMAIN LISTEN DOMAIN,
		  ":3: \"domain\" is there twice, first on line 1; expected it once");
	check_bad("md5 yes\nmd5 yes\n",
		  ":2: \"md5\" is there twice, first on line 1; expected it once");
	check_bad("domain a/b\n", ":1: \"a/b\" is not a domain name; expected \"domain NAME\"");
	check_bad("database \"\"\n", ":1: the path is empty; expected \"database PATH\"");
	check_bad("ping 5\n", ":1: \"5\" is neither yes nor no; expected \"ping yes|no\"");
	check_bad("md5 maybe\n", ":1: \"maybe\" is neither yes nor no; expected \"md5 yes|no\"");
	check_bad("datapath ebpf\n",
		  ":1: \"ebpf\" is no datapath; expected \"datapath auto|module|conntrack\"");
	check_bad("expires 60\n",
		  ":1: \"expires\" is not complete; expected \"expires LEAST GREATEST\"");
	check_bad("expires 0 60\n",
		  ":1: \"0\" is not a lifetime; expected \"expires LEAST GREATEST\" in seconds, "
		  "from 1 to 604800");
	check_bad("expires 61 60\n", ":1: the least lifetime 61 is over the greatest, 60; expected "
				     "\"expires LEAST GREATEST\"");
	check_bad("session-expires 89\n",
		  ":1: \"89\" is not an interval; expected \"session-expires SECONDS\", from 90 to "
		  "604800, or 0");
	check_bad("ringing 32 0\n", ":1: \"0\" is not a number of calls; expected "
				    "\"ringing USER SOURCE\", from 1 to 65536");
	check_bad("control run/x\n", ":1: \"run/x\" does not begin at the root; expected "
				     "\"control PATH\"");
	check_bad("status 203.0.113.1\n",
		  ":1: 203.0.113.1:9650 can be reached from outside, and there is no password; "
		  "expected an address of loopback");
	check_bad("keepalive 25s\n", ":1: \"25s\" is not an interval; expected "
				     "\"keepalive SECONDS\", from 1 to 3600");
}

#define NG "ng udp 127.0.0.1\n"

static bool allows(const struct config *config, const char *text)
{
	struct sa sa;

	assert_int_equal(sa_set_str(&sa, text, 0), 0);
	return config_ng_allows(config, &sa);
}

/* T-C1: nobody from outside unless it is said who. */
static void test_ng(void **state)
{
	struct config *config = check_good(RELAY NG "ng tcp [::1]:2224\nng unix /run/nattrav/ng\n");
	const struct config_ng *ng = list_ledata(list_head(&config->ng));

	(void)state;

	assert_true(config->media_only);
	assert_int_equal(list_count(&config->ng), 3);
	assert_int_equal(ng->transport, CONFIG_NG_UDP);
	check_addr(&ng->addr, "127.0.0.1:2223");
	assert_true(allows(config, "127.0.0.2"));
	assert_true(allows(config, "::1"));
	assert_false(allows(config, "192.0.2.1"));
	mem_deref(config);

	config = check_good(LISTEN DOMAIN RELAY USER "ng udp 0.0.0.0\nng-allow 192.0.2.8/29\n"
						     "ng-allow 2001:db8::/45\nng-allow 192.0.2.77\n"
						     "ng-calls 1000\n");
	assert_false(config->media_only);
	assert_int_equal(config->ng_calls, 1000);
	assert_true(allows(config, "192.0.2.8"));
	assert_true(allows(config, "192.0.2.15"));
	assert_true(allows(config, "192.0.2.77"));
	assert_false(allows(config, "192.0.2.7"));
	assert_false(allows(config, "192.0.2.16"));
	assert_false(allows(config, "192.0.2.76"));
	assert_true(allows(config, "2001:db8:7:ffff::1"));
	assert_false(allows(config, "2001:db8:8::1"));
	mem_deref(config);

	check_bad(RELAY "ng udp 0.0.0.0\n",
		  ": \"ng\" at 0.0.0.0:2223 can be reached from outside, and there is no password; "
		  "expected an address of loopback, or \"ng-allow ADDRESS[/LENGTH]\" for who may "
		  "use it");
	check_bad(RELAY "ng tcp 192.0.2.1:7\n",
		  ": \"ng\" at 192.0.2.1:7 can be reached from outside, and there is no password; "
		  "expected an address of loopback, or \"ng-allow ADDRESS[/LENGTH]\" for who may "
		  "use it");
	check_bad(RELAY "ng udp 0.0.0.0:30000\nng-allow 192.0.2.1\n",
		  ": \"ng\" at 0.0.0.0:30000 lies in a relay range; expected a port outside of it");
	check_bad("ng sctp ::1\n", ":1: transport \"sctp\" is not known; expected \"ng udp|tcp "
				   "ADDRESS[:PORT]\" or \"ng unix PATH\"");
	check_bad("ng udp 224.0.0.1\n",
		  ":1: 224.0.0.1 cannot be an address of this host; expected \"ng udp|tcp "
		  "ADDRESS[:PORT]\" or \"ng unix PATH\"");
	check_bad("ng unix ng\n",
		  ":1: \"ng\" is no path of a socket; expected \"ng udp|tcp ADDRESS[:PORT]\" or "
		  "\"ng unix PATH\", beginning with \"/\" and of at most 107 characters");
	check_bad(NG NG, ":2: \"127.0.0.1\" is there twice; expected each once");
	check_bad("ng-allow 192.0.2.0/33\n",
		  ":1: \"192.0.2.0/33\" is neither an address nor a network; expected \"ng-allow "
		  "ADDRESS[/LENGTH]\"");
	check_bad("ng-allow example.net\n",
		  ":1: \"example.net\" is neither an address nor a network; expected \"ng-allow "
		  "ADDRESS[/LENGTH]\"");
	check_bad("ng-calls 0\n",
		  ":1: \"0\" is not a number of calls; expected \"ng-calls NUMBER\"");
	/* it alone makes SIP no matter of choice */
	check_bad(NG, ": there is no \"relay\" line; expected at least one \"relay ADDRESS "
		      "FIRST-LAST [REALM]\"");
	check_bad(LISTEN RELAY NG, ": there is no \"domain\" line; expected \"domain NAME\"");
}

static void test_file(void **state)
{
	struct config *config = NULL;
	char *error = NULL;

	(void)state;

	assert_int_equal(config_load(&config, "/nonexistent/x", &error), ENOENT);
	assert_string_equal(error, "/nonexistent/x: cannot be opened: No such file or directory; "
				   "expected a configuration file, see nattravd.conf(5)");
	mem_deref(error);

	assert_int_equal(config_load(&config, "/", &error), EISDIR);
	assert_string_equal(error, "/: cannot be read: Is a directory; expected a text file");
	mem_deref(error);
}

/* Somebody else is the registrar: a next hop like others, and nobody has to be known here. */
static void test_registrar(void **state)
{
	struct config *config = check_good(LISTEN DOMAIN RELAY
					   "registrar 198.51.100.9:5070 access name=core\n"
					   "route registrar 198.51.100.8\n");

	(void)state;
	assert_non_null(config->registrar);
	assert_ptr_equal(config->registrar, list_ledata(list_head(&config->routes)));
	assert_int_equal(list_count(&config->routes), 2);
	assert_int_equal(sa_port(&config->registrar->addr), 5070);
	assert_string_equal(config->registrar->realm, "access");
	mem_deref(config);

	check_bad(LISTEN DOMAIN RELAY "registrar 198.51.100.9\nregistrar 198.51.100.8\n",
		  ":5: \"registrar\" is there twice, first on line 4; expected it once");
	check_bad(LISTEN DOMAIN RELAY "registrar 198.51.100.9 transport=tcp\n",
		  ": no \"listen tcp\" line can reach route \"registrar\" at 198.51.100.9:5060; "
		  "expected one of its address family and realm");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registrar), cmocka_unit_test(test_least),
		cmocka_unit_test(test_whole),     cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_words),     cmocka_unit_test(test_nul),
		cmocka_unit_test(test_listen),    cmocka_unit_test(test_relay),
		cmocka_unit_test(test_user),      cmocka_unit_test(test_realm),
		cmocka_unit_test(test_route),     cmocka_unit_test(test_single),
		cmocka_unit_test(test_ng),        cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
