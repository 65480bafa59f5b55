// SPDX-License-Identifier: GPL-2.0-or-later
/* One table for the command line and for files. */
#include "options.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "sound.h"

#define FILE_MAX    65536
#define RATE_MAX    10000
#define SECONDS_MAX 86400

struct string {
	struct le le;
	char text[];
};

/**
 * struct option - a line of the table
 * @name: its name
 * @arg: what it expects, NULL for nothing
 * @file_only: it is a secret, which others could see on a command line
 * @take: reads the value; returns whether it is right
 */
struct option {
	const char *name;
	const char *arg;
	bool file_only;
	bool (*take)(struct ua_options *options, const char *value);
};

static bool number(const char *text, uint32_t min, uint32_t max, uint32_t *value)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (*end || errno || n < min || n > max)
		return false;
	*value = (uint32_t)n;
	return true;
}

static bool one_of(const char *text, const char *const words[], unsigned int count,
		   unsigned int *index)
{
	for (*index = 0; *index < count; (*index)++)
		if (!strcmp(text, words[*index]))
			return true;
	return false;
}

/* A name goes into URIs and headers as it is. */
static bool is_token(const char *text)
{
	const char *p;

	for (p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"\\<>;,:@?&=/", *p))
			return false;
	return p > text;
}

/* Inside quotes, or not sent at all: anything but what ends them or the line. */
static bool is_quotable(const char *text)
{
	return *text && !strpbrk(text, "\"\\\r\n");
}

static bool take_server(struct ua_options *options, const char *value)
{
	return !ua_options_server(&options->config.server, value);
}

static bool take_local(struct ua_options *options, const char *value)
{
	struct sa *local = &options->config.local;

	return !sa_decode(local, value, strlen(value)) || !sa_set_str(local, value, 0);
}

static bool take_user(struct ua_options *options, const char *value)
{
	options->config.user = value;
	return is_token(value);
}

static bool take_password(struct ua_options *options, const char *value)
{
	options->config.password = value;
	return *value;
}

static bool take_domain(struct ua_options *options, const char *value)
{
	options->config.domain = value;
	return is_token(value);
}

static bool take_realm(struct ua_options *options, const char *value)
{
	options->config.realm = value;
	return is_quotable(value);
}

static bool take_instance(struct ua_options *options, const char *value)
{
	options->config.instance = value;
	return !strncmp(value, "urn:", 4) && is_quotable(value) && !strpbrk(value, "<> ");
}

static bool take_expires(struct ua_options *options, const char *value)
{
	return number(value, 10, SECONDS_MAX, &options->config.expires);
}

static bool take_keepalive(struct ua_options *options, const char *value)
{
	static const char *const words[] = { "stun", "crlf", "none" };
	static const enum ua_keepalive_kind kinds[] = { UA_STUN, UA_CRLF, UA_NO_KEEPALIVE };
	unsigned int i;

	if (!one_of(value, words, ARRAY_SIZE(words), &i))
		return false;
	options->config.keepalive = kinds[i];
	return true;
}

static bool take_interval(struct ua_options *options, const char *value)
{
	options->config.adaptive = !strcmp(value, "auto");
	options->config.interval = 0;
	return options->config.adaptive || number(value, 1, SECONDS_MAX, &options->config.interval);
}

/* Two numbers with something between them. */
static bool pair(const char *text, char between, uint32_t min, uint32_t max, uint32_t *first,
		 uint32_t *second)
{
	const char *sep = strchr(text, between);
	char left[8];

	if (!sep || (size_t)(sep - text) >= sizeof(left))
		return false;
	memcpy(left, text, (size_t)(sep - text));
	left[sep - text] = '\0';
	return number(left, min, max, first) && number(sep + 1, min, max, second);
}

static bool take_search(struct ua_options *options, const char *value)
{
	struct ua_config *config = &options->config;

	return pair(value, '-', 1, SECONDS_MAX, &config->search_min, &config->search_max) &&
	       config->search_min < config->search_max;
}

static bool take_audio(struct ua_options *options, const char *value)
{
	options->config.audio = strcmp(value, "none") ? value : NULL;
	return !options->config.audio || !ua_sound_check(value);
}

static bool take_codec(struct ua_options *options, const char *value)
{
	static const char *const words[] = { "pcmu", "pcma" };
	unsigned int i;

	if (!one_of(value, words, ARRAY_SIZE(words), &i))
		return false;
	options->config.pcma_first = i;
	return true;
}

static bool take_record(struct ua_options *options, const char *value)
{
	options->config.record = value;
	return *value;
}

static bool take_data(struct ua_options *options, const char *value)
{
	static const char socket[] = "socket:";
	struct ua_config *config = &options->config;
	struct ua_data_config *data = &config->data[config->data_count];
	uint32_t port;

	if (config->data_count == UA_DATA_MAX)
		return false;
	memset(data, 0, sizeof(*data));
	if (!strncmp(value, socket, strlen(socket))) {
		if (!number(value + strlen(socket), 1, UINT16_MAX, &port))
			return false;
		data->port = (uint16_t)port;
	} else if (!pair(value, 'x', 1, RATE_MAX, &data->rate, &data->size) ||
		   data->size < UA_PACKET_MIN || data->size > UA_PACKET_MAX) {
		return false;
	}
	config->data_count++;
	return true;
}

static bool take_answer(struct ua_options *options, const char *value)
{
	static const char *const words[] = { "auto", "manual", "never" };
	static const enum ua_answering kinds[] = { UA_ANSWER_AUTO, UA_ANSWER_MANUAL,
						   UA_ANSWER_NEVER };
	unsigned int i;

	if (!one_of(value, words, ARRAY_SIZE(words), &i))
		return false;
	options->config.answering = kinds[i];
	return true;
}

static bool take_duration(struct ua_options *options, const char *value)
{
	return number(value, 1, SECONDS_MAX, &options->config.duration);
}

static bool take_comedia(struct ua_options *options, const char *value)
{
	(void)value;
	return options->config.comedia = true;
}

static bool take_calls(struct ua_options *options, const char *value)
{
	return number(value, 1, UINT32_MAX, &options->calls);
}

static bool take_seconds(struct ua_options *options, const char *value)
{
	return number(value, 1, SECONDS_MAX, &options->seconds);
}

static bool take_control(struct ua_options *options, const char *value)
{
	(void)value;
	return options->control = true;
}

static bool take_json(struct ua_options *options, const char *value)
{
	(void)value;
	return options->json = true;
}

static bool take_quick(struct ua_options *options, const char *value)
{
	(void)value;
	return options->quick = true;
}

static bool take_other_port(struct ua_options *options, const char *value)
{
	uint32_t port;

	if (!number(value, 1, UINT16_MAX, &port))
		return false;
	options->other_port = (uint16_t)port;
	return true;
}

static bool take_help(struct ua_options *options, const char *value)
{
	(void)value;
	return options->help = true;
}

static bool take_version(struct ua_options *options, const char *value)
{
	(void)value;
	return options->version = true;
}

static const struct option table[] = {
	{ "server", "ADDRESS[:PORT]", false, take_server },
	{ "local", "ADDRESS[:PORT]", false, take_local },
	{ "user", "NAME", false, take_user },
	{ "password", "TEXT", true, take_password },
	{ "domain", "NAME", false, take_domain },
	{ "realm", "TEXT", false, take_realm },
	{ "instance", "URN", false, take_instance },
	{ "expires", "a number of seconds from 10", false, take_expires },
	{ "keepalive", "stun, crlf or none", false, take_keepalive },
	{ "interval", "a number of seconds or auto", false, take_interval },
	{ "search", "MIN-MAX in seconds", false, take_search },
	{ "audio", "tone:HERTZ, file:PATH, socket:PORT, silence or none", false, take_audio },
	{ "codec", "pcmu or pcma", false, take_codec },
	{ "record", "PATH", false, take_record },
	{ "data", "RATExSIZE (size 20 to 1400) or socket:PORT, at most 4 times", false, take_data },
	{ "answer", "auto, manual or never", false, take_answer },
	{ "duration", "a number of seconds", false, take_duration },
	{ "comedia", NULL, false, take_comedia },
	{ "calls", "a number", false, take_calls },
	{ "seconds", "a number of seconds", false, take_seconds },
	{ "control", NULL, false, take_control },
	{ "json", NULL, false, take_json },
	{ "quick", NULL, false, take_quick },
	{ "other-port", "a port", false, take_other_port },
	{ "help", NULL, false, take_help },
	{ "version", NULL, false, take_version },
};

static const struct option *option_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

/**
 * ua_options_server() - read an address, or resolve a name
 * @server: set to the address; its port is SIP's unless given
 * @text: "ADDRESS", "ADDRESS:PORT", "NAME", "NAME:PORT", "[IPV6]", "[IPV6]:PORT"
 *
 * Return: 0 or an errno.
 */
int ua_options_server(struct sa *server, const char *text)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	const char *colon = strrchr(text, ':');
	struct addrinfo *found;
	uint32_t port = SIP_PORT;
	char *name = NULL;
	struct pl pl;
	int err;

	if (!sa_decode(server, text, strlen(text)) || !sa_set_str(server, text, SIP_PORT))
		return sa_port(server) ? 0 : EINVAL;
	if (*text == '[' && text[strlen(text) - 1] == ']') {
		pl.p = text + 1;
		pl.l = strlen(text) - 2;
		return sa_set(server, &pl, SIP_PORT);
	}
	if (colon && !number(colon + 1, 1, UINT16_MAX, &port))
		return EINVAL;
	pl.p = text;
	pl.l = colon ? (size_t)(colon - text) : strlen(text);
	err = pl_strdup(&name, &pl);
	if (err)
		return err;
	if (!is_token(name) || getaddrinfo(name, NULL, &hints, &found)) {
		err = EHOSTUNREACH;
	} else {
		err = sa_set_sa(server, found->ai_addr);
		sa_set_port(server, (uint16_t)port);
		freeaddrinfo(found);
	}
	mem_deref(name);
	return err;
}

/**
 * ua_options_init() - the defaults
 * @options: set to them
 */
void ua_options_init(struct ua_options *options)
{
	memset(options, 0, sizeof(*options));
	ua_config_init(&options->config);
	list_init(&options->strings);
}

/**
 * ua_options_close() - free what was read from files
 * @options: the options
 */
void ua_options_close(struct ua_options *options)
{
	list_flush(&options->strings);
}

static char *string_keep(struct ua_options *options, const struct pl *text)
{
	struct string *string = mem_zalloc(sizeof(*string) + text->l + 1, NULL);

	if (!string)
		return NULL;
	memcpy(string->text, text->p, text->l);
	list_append(&options->strings, &string->le, string);
	return string->text;
}

static struct pl trim(struct pl pl)
{
	while (pl.l && strchr(" \t\r", *pl.p))
		pl_advance(&pl, 1);
	while (pl.l && strchr(" \t\r", pl.p[pl.l - 1]))
		pl.l--;
	return pl;
}

/* "name value", with the value in quotes if it begins or ends with blanks */
static int line_read(struct ua_options *options, struct pl line, const char **what)
{
	const struct option *option;
	struct pl name = line, value;
	char *text;

	name.l = 0;
	while (name.l < line.l && !strchr(" \t", line.p[name.l]))
		name.l++;
	value.p = line.p + name.l;
	value.l = line.l - name.l;
	value = trim(value);
	if (value.l > 1 && value.p[0] == '"' && value.p[value.l - 1] == '"') {
		value.p++;
		value.l -= 2;
	}

	text = string_keep(options, &name);
	option = text ? option_find(text) : NULL;
	if (!option || option->take == take_help || option->take == take_version) {
		*what = "a known option";
		return EINVAL;
	}
	text = string_keep(options, &value);
	if (!text)
		return ENOMEM;
	*what = option->arg ? option->arg : "nothing behind it";
	if (!option->arg && value.l)
		return EINVAL;
	return option->take(options, text) ? 0 : EINVAL;
}

/**
 * ua_options_text() - read the text of a file
 * @options: where to
 * @text: the text, lines of "name value", "#" before comments
 * @len: its length
 * @name: of the file, for @error
 * @error: set to what is wrong; drop it with mem_deref()
 *
 * Return: 0 or an errno.
 */
int ua_options_text(struct ua_options *options, const char *text, size_t len, const char *name,
		    char **error)
{
	unsigned int number_of_line = 0;
	const char *end = text + len;
	const char *what = NULL;
	int err;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct pl line = { text, (size_t)((newline ? newline : end) - text) };

		number_of_line++;
		text = newline ? newline + 1 : end;
		if (memchr(line.p, '\0', line.l)) {
			(void)re_sdprintf(error, "%s:%u: a NUL byte", name, number_of_line);
			return EINVAL;
		}
		line = trim(line);
		if (!line.l || line.p[0] == '#')
			continue;
		err = line_read(options, line, &what);
		if (err) {
			/* the line may hold the password */
			(void)re_sdprintf(error, "%s:%u: expected %s", name, number_of_line, what);
			return err;
		}
	}
	return 0;
}

static int file_read(struct ua_options *options, const char *path, char **error)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t len = 0;
	int err = file ? 0 : errno;

	if (!err) {
		text = mem_alloc(FILE_MAX, NULL);
		if (text)
			len = fread(text, 1, FILE_MAX, file);
		err = !text ? ENOMEM : ferror(file) ? EIO : len == FILE_MAX ? EFBIG : 0;
		(void)fclose(file);
	}
	if (err)
		(void)re_sdprintf(error, "%s: %m", path, err);
	else
		err = ua_options_text(options, text, len, path, error);
	mem_deref(text);
	return err;
}

static int words_read(struct ua_options *options, int count, char **words, char **error)
{
	static const char *const commands[] = { "wait", "call", "probe" };
	static const enum ua_command kinds[] = { UA_CMD_WAIT, UA_CMD_CALL, UA_CMD_PROBE };
	unsigned int i;
	int expected;

	if (!count)
		return 0;
	if (!one_of(words[0], commands, ARRAY_SIZE(commands), &i)) {
		(void)re_sdprintf(error, "unknown command '%s'; wait, call or probe", words[0]);
		return EINVAL;
	}
	options->command = kinds[i];
	expected = options->command == UA_CMD_WAIT ? 1 : 2;
	if (count != expected) {
		(void)re_sdprintf(error, "%s expects %s", words[0],
				  expected == 1 ? "nothing behind it" : "one argument");
		return EINVAL;
	}
	options->target = words[1];
	return 0;
}

/**
 * ua_options_arguments() - read the command line
 * @options: where to; refers to @argv
 * @argc: of main()
 * @argv: of main(); words that are no options are moved to its front
 * @error: set to what is wrong; drop it with mem_deref()
 *
 * Return: 0 or an errno.
 */
int ua_options_arguments(struct ua_options *options, int argc, char **argv, char **error)
{
	const struct option *option;
	int words = 1, i, err;

	for (i = 1; i < argc; i++) {
		if (argv[i][0] != '-') {
			argv[words++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "-f") || !strcmp(argv[i], "--config")) {
			if (++i == argc) {
				(void)re_sdprintf(error, "-f expects a file");
				return EINVAL;
			}
			err = file_read(options, argv[i], error);
			if (err)
				return err;
			continue;
		}
		option = strncmp(argv[i], "--", 2) ? NULL : option_find(argv[i] + 2);
		if (!option) {
			(void)re_sdprintf(error, "unknown option '%s'", argv[i]);
			return EINVAL;
		}
		if (option->file_only) {
			(void)re_sdprintf(error,
					  "%s: everybody can see it there; put it into a file (-f)",
					  argv[i]);
			return EINVAL;
		}
		if (option->arg && i + 1 == argc) {
			(void)re_sdprintf(error, "%s expects %s", argv[i], option->arg);
			return EINVAL;
		}
		if (!option->take(options, option->arg ? argv[i + 1] : "")) {
			(void)re_sdprintf(error, "%s %s: expected %s", argv[i], argv[i + 1],
					  option->arg);
			return EINVAL;
		}
		i += option->arg ? 1 : 0;
	}
	return words_read(options, words - 1, argv + 1, error);
}
