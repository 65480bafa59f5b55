/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of nattravd: a directive a line, see nattravd.conf(5).
 */
#ifndef NATTRAVD_CONFIG_H
#define NATTRAVD_CONFIG_H

#include <re.h>

#include "sip/transport.h"

#define CONFIG_REALM_LEN 31

/**
 * struct config_listen - an address to take SIP on ("listen udp 203.0.113.1:5060 [realm]")
 * @le: element of config.listeners
 * @transport: udp, tcp or tls
 * @addr: the address; the port is 5060, or 5061 for tls, unless given
 * @realm: realm of the terminals that it serves, that of the first pool unless given
 */
struct config_listen {
	struct le le;
	enum transport transport;
	struct sa addr;
	char realm[CONFIG_REALM_LEN + 1];
};

/**
 * struct config_pool - relay ports ("relay 203.0.113.1 30000-39999 [realm]")
 * @le: element of config.pools
 * @addr: relay address
 * @port_min: first port, even
 * @port_max: last port, odd
 * @realm: name of the realm, "access" unless given
 */
struct config_pool {
	struct le le;
	struct sa addr;
	uint16_t port_min;
	uint16_t port_max;
	char realm[CONFIG_REALM_LEN + 1];
};

/**
 * enum config_policy - who may become the peer of a leg
 * @POLICY_ACCESS: terminals behind NATs: who sends from the address of the
 *	signalling, or from the one in the SDP if it is public
 * @POLICY_WIDE: the same, where a NAT has several addresses: their network
 * @POLICY_TRUSTED: media servers and trunks: the address in the SDP, at once
 */
enum config_policy {
	POLICY_ACCESS,
	POLICY_WIDE,
	POLICY_TRUSTED,
};

/**
 * struct config_realm - how a realm is treated ("realm core trusted")
 * @le: element of config.realms
 * @name: its name
 * @policy: POLICY_ACCESS for realms that have no such line
 */
struct config_realm {
	struct le le;
	char name[CONFIG_REALM_LEN + 1];
	enum config_policy policy;
};

/**
 * struct config_route - a next hop ("route 00 198.51.100.9:5060 [realm] [transport=tcp]")
 * @le: element of config.routes
 * @match: "@" and a domain, the beginning of a number in our own domain, or "*"
 * @transport: how such requests go
 * @addr: where they go; who sends from there may call our users
 * @name: name of the next hop, which its certificate has to show; NULL for none
 * @realm: realm of the listener that they go from, empty for any
 */
struct config_route {
	struct le le;
	char *match;
	enum transport transport;
	struct sa addr;
	char *name;
	char realm[CONFIG_REALM_LEN + 1];
};

/**
 * struct config_user - who may register ("user alice secret")
 * @le: element of config.users
 * @name: user part of the address of record
 * @password: in clear; digest needs it for each algorithm
 */
struct config_user {
	struct le le;
	char *name;
	char *password;
};

/* What relays the packets. */
enum config_datapath {
	CONFIG_DATAPATH_AUTO,
	CONFIG_DATAPATH_MODULE,
	CONFIG_DATAPATH_CONNTRACK,
};

/* How the ng protocol comes in. */
enum config_ng_transport {
	CONFIG_NG_UDP,
	CONFIG_NG_TCP,
	CONFIG_NG_UNIX,
};

/**
 * struct config_ng - where the ng protocol is answered ("ng udp 127.0.0.1:2223")
 * @le: element of config.ng
 * @transport: udp, tcp or unix
 * @addr: the address of the first two, which may be the unspecified one
 * @path: the path of the last
 */
struct config_ng {
	struct le le;
	enum config_ng_transport transport;
	struct sa addr;
	char *path;
};

/**
 * struct config_allow - who may use the ng protocol ("ng-allow 192.0.2.0/24")
 * @le: element of config.ng_allow
 * @addr: the network
 * @len: length of its prefix
 */
struct config_allow {
	struct le le;
	struct sa addr;
	uint32_t len;
};

/**
 * struct config - the whole configuration
 * @listeners: list of struct config_listen, at least one unless @media_only
 * @pools: list of struct config_pool, at least one
 * @realms: list of struct config_realm
 * @routes: list of struct config_route
 * @registrar: the one of @routes where users are registered that have no line here
 *	("registrar 198.51.100.9:5060 [realm] [transport=tcp]"), or NULL
 * @users: hash of struct config_user by name
 * @domain: the domain served, also the digest realm ("domain example.net"); NULL may
 *	be if @media_only
 * @database: path of the SQLite file ("database PATH"),
 *	/var/lib/nattrav/nattravd.db unless given
 * @certificate: path of a PEM file with certificate and key ("certificate PATH"), NULL
 *	if there is no listener for tls
 * @ca: path of the PEM file with those who may sign the certificates of next hops
 *	("ca PATH"), that of the system unless given
 * @accounting: path of the file that gets a line for each call ("accounting PATH"), or NULL
 * @control: path of the socket that nattravctl uses ("control PATH"), or NULL for the
 *	usual one
 * @status: where HTTP is answered ("status 127.0.0.1:9650"), unset for nowhere
 * @expires_min: least registration lifetime granted in seconds
 * @expires_max: greatest, and what is granted if none is asked ("expires 60 3600")
 * @keepalive: Flow-Timer and keep interval told to clients, in seconds ("keepalive 25")
 * @ping: whether terminals without keep-alives are sent OPTIONS ("ping yes|no", yes)
 * @session_expires: seconds after which a session is refreshed ("session-expires 1800");
 *	0 leaves that to the terminals
 * @ringing_user: how many calls of one user may ring and not be answered
 * @ringing_source: how many of all users behind one address ("ringing 32 128")
 * @md5: whether clients may use digest with MD5 beside SHA-256 ("md5 yes|no", yes)
 * @datapath: what relays the packets ("datapath auto|module|conntrack", auto)
 * @ng: list of struct config_ng
 * @ng_allow: list of struct config_allow
 * @ng_calls: how many calls of the ng protocol there may be ("ng-calls 1000"), 0 for any
 *	number
 * @media_only: nothing but the ng protocol: SIP is not listened to
 */
struct config {
	struct list listeners;
	struct list pools;
	struct list realms;
	struct list routes;
	const struct config_route *registrar;
	struct hash *users;
	char *domain;
	char *database;
	char *certificate;
	char *ca;
	char *accounting;
	char *control;
	struct sa status;
	uint32_t expires_min;
	uint32_t expires_max;
	uint32_t keepalive;
	bool ping;
	uint32_t session_expires;
	uint32_t ringing_user;
	uint32_t ringing_source;
	bool md5;
	enum config_datapath datapath;
	struct list ng;
	struct list ng_allow;
	uint32_t ng_calls;
	bool media_only;
};

/**
 * config_load() - read a configuration file
 * @config: set to the new configuration; drop it with mem_deref()
 * @path: the file
 * @error: set to "FILE:LINE: what is wrong, what was expected" on failure; drop
 *	it with mem_deref()
 *
 * Return: 0 or an errno.
 */
int config_load(struct config **config, const char *path, char **error);

/* "auto", "module" or "conntrack"; returns whether it was one of them. */
bool config_datapath_decode(enum config_datapath *datapath, const char *name);
/* Whether an address may use the ng protocol: one of this host, or one that is allowed. */
bool config_ng_allows(const struct config *config, const struct sa *addr);
/* Whether a realm has ports. */
bool config_realm_has_pool(const struct config *config, const char *realm);
/* How a realm is treated. */
enum config_policy config_realm_policy(const struct config *config, const char *realm);

/* Find a user by name (exact), or NULL. */
const struct config_user *config_user_find(const struct config *config, const struct pl *name);

#endif
