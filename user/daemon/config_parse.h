/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reading of the configuration from inside: what its parts share. A
 * directive that is parsed wrongly leaves a message and returns an errno.
 */
#ifndef NATTRAVD_CONFIG_PARSE_H
#define NATTRAVD_CONFIG_PARSE_H

#include <errno.h>

#include "config.h"

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
 * enum need - whether a directive must occur
 * @NEED_NOT: it need not
 * @NEED_SIP: it must, where SIP is listened to
 * @NEED_ALWAYS: it must
 */
enum need {
	NEED_NOT,
	NEED_SIP,
	NEED_ALWAYS,
};

/**
 * struct directive - one kind of line
 * @name: its first word
 * @usage: how the whole line looks
 * @args_min: least number of words after @name
 * @args_max: greatest
 * @many: may occur more than once
 * @needed: whether it must occur
 * @parse: takes the words
 */
struct directive {
	const char *name;
	const char *usage;
	unsigned int args_min;
	unsigned int args_max;
	bool many;
	enum need needed;
	int (*parse)(struct parser *parser, const struct directive *directive, char **args,
		     unsigned int count);
};

typedef int directive_fn(struct parser *parser, const struct directive *directive, char **args,
			 unsigned int count);

/* config_words.c */
int config_fail(struct parser *parser, const char *fmt, ...);
bool config_number(uint32_t *number, const char *text, uint32_t min, uint32_t max);
int config_word_next(struct parser *parser, char **line, char **word);

/* config_address.c: addresses of this host; with @any, the unspecified one will do */
int config_address_port_parse(struct parser *parser, const struct directive *directive,
			      struct sa *sa, char *text, uint32_t port, bool any);
bool config_in_pool(const struct config *config, const struct sa *addr);

/* config_ng.c: the ng protocol */
directive_fn config_ng_parse, config_ng_allow_parse, config_ng_calls_parse;
int config_ng_check(struct parser *parser);

/* config_address.c: where SIP and media come in */
directive_fn config_listen_parse, config_relay_parse, config_realm_parse, config_route_parse,
	config_registrar_parse, config_status_parse;

/* config_value.c: everything else */
directive_fn config_domain_parse, config_user_parse, config_database_parse,
	config_certificate_parse, config_ca_parse, config_accounting_parse, config_control_parse,
	config_expires_parse, config_keepalive_parse, config_md5_parse, config_session_parse,
	config_ringing_parse, config_datapath_parse, config_ping_parse;

#endif
