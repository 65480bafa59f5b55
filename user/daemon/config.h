/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of nattravd: a directive a line, see nattravd.conf(5).
 */
#ifndef NATTRAVD_CONFIG_H
#define NATTRAVD_CONFIG_H

#include <re.h>

/**
 * struct config_listen - an address to take SIP on ("listen udp 203.0.113.1:5060")
 * @le: element of config.listeners
 * @addr: the address; the port is 5060 unless given
 */
struct config_listen {
	struct le le;
	struct sa addr;
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
	char realm[32];
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

/**
 * struct config - the whole configuration
 * @listeners: list of struct config_listen, at least one
 * @pools: list of struct config_pool, at least one
 * @users: hash of struct config_user by name
 * @domain: the domain served, also the digest realm ("domain example.net")
 * @database: path of the SQLite file ("database PATH"),
 *	/var/lib/nattrav/nattravd.db unless given
 * @expires_min: least registration lifetime granted in seconds
 * @expires_max: greatest, and what is granted if none is asked ("expires 60 3600")
 * @keepalive: Flow-Timer and keep interval told to clients, in seconds ("keepalive 25")
 * @md5: whether clients may use digest with MD5 beside SHA-256 ("md5 yes|no", yes)
 * @datapath: what relays the packets ("datapath auto|module|conntrack", auto)
 */
struct config {
	struct list listeners;
	struct list pools;
	struct hash *users;
	char *domain;
	char *database;
	uint32_t expires_min;
	uint32_t expires_max;
	uint32_t keepalive;
	bool md5;
	enum config_datapath datapath;
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

/* Find a user by name (exact), or NULL. */
const struct config_user *config_user_find(const struct config *config, const struct pl *name);

#endif
