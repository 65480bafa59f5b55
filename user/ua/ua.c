// SPDX-License-Identifier: GPL-2.0-or-later
/* The terminal: libre's stack, bound to the address that the server is reached from. */
#include "internal.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <string.h>

#define CTRANS_SIZE   16
#define STRANS_SIZE   16
#define TCP_SIZE      4
#define SESSIONS_SIZE 4
#define NAMESERVERS   4
#define STOP_MS       4000
/* time for a BYE to be sent again */
#define STOP_SHORT_MS 700
#define EXPIRES       3600
#define SEARCH_MIN    10
#define SEARCH_MAX    290
#define UUID_BYTES    16

/**
 * ua_config_init() - the defaults
 * @config: set to them
 */
void ua_config_init(struct ua_config *config)
{
	memset(config, 0, sizeof(*config));
	sa_init(&config->server, AF_UNSPEC);
	sa_init(&config->local, AF_UNSPEC);
	config->expires = EXPIRES;
	config->search_min = SEARCH_MIN;
	config->search_max = SEARCH_MAX;
	config->audio = "silence";
}

static void ua_destructor(void *arg)
{
	struct ua *ua = arg;

	tmr_cancel(&ua->tmr);
	mem_deref(ua->call);
	mem_deref(ua->path);
	mem_deref(ua->reg);
	mem_deref(ua->sock);
	if (ua->sip)
		sip_close(ua->sip, true);
	mem_deref(ua->sip);
	mem_deref(ua->dnsc);
	mem_deref(ua->aor);
	mem_deref(ua->registrar);
	mem_deref(ua->route);
	mem_deref(ua->instance);
	mem_deref(ua->domain);
}

/**
 * ua_tell_error() - an event that says what went wrong
 * @ua: the terminal
 * @err: an errno, or 0
 * @what: what was being done, or what is wrong
 */
void ua_tell_error(const struct ua *ua, int err, const char *what)
{
	struct ua_event event = { .type = UA_ERROR };
	char text[64], *reason = NULL;

	if (err && re_sdprintf(&reason, "%s: %s", what, str_error(err, text, sizeof(text))))
		return;
	pl_set_str(&event.reason, reason ? reason : what);
	ua_tell(ua, &event);
	mem_deref(reason);
}

/**
 * ua_source_address() - the address from which the kernel would send
 * @local: set to it, with port 0
 * @dst: where to
 *
 * Return: 0 or an errno.
 */
int ua_source_address(struct sa *local, const struct sa *dst)
{
	const int fd = socket(sa_af(dst), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return errno;
	sa_init(local, sa_af(dst));
	if (connect(fd, &dst->u.sa, dst->len) || getsockname(fd, &local->u.sa, &local->len))
		err = errno;
	(void)close(fd);
	sa_set_port(local, 0);
	return err;
}

static int local_choose(struct ua *ua)
{
	const struct ua_config *config = &ua->config;
	int err = 0;

	if (sa_isset(&config->local, SA_ADDR)) {
		ua->local = config->local;
		return 0;
	}
	if (!sa_isset(&config->server, SA_ALL))
		return EDESTADDRREQ;
	err = ua_source_address(&ua->local, &config->server);
	sa_set_port(&ua->local, sa_port(&config->local));
	return err;
}

/*
 * RFC 5626 section 4.1: the same after each start. Like systemd's application ids, it
 * does not tell the machine-id.
 */
static int instance_make(struct ua *ua)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char machine[64] = "";
	char *text = NULL;
	FILE *file;
	int err;

	if (ua->config.instance)
		return str_dup(&ua->instance, ua->config.instance);
	file = fopen("/etc/machine-id", "re");
	if (file) {
		if (!fgets(machine, sizeof(machine), file))
			machine[0] = '\0';
		(void)fclose(file);
	}
	err = re_sdprintf(&text, "nattrav-ua %s %s", machine, ua->aor);
	if (err)
		return err;
	(void)SHA256((const uint8_t *)text, strlen(text), hash);
	mem_deref(text);
	/* version and variant of RFC 4122 */
	hash[6] = (hash[6] & 0x0f) | 0x40;
	hash[8] = (hash[8] & 0x3f) | 0x80;
	return re_sdprintf(&ua->instance, "urn:uuid:%w-%w-%w-%w-%w", hash, (size_t)4, hash + 4,
			   (size_t)2, hash + 6, (size_t)2, hash + 8, (size_t)2, hash + 10,
			   (size_t)(UUID_BYTES - 10));
}

static int names_make(struct ua *ua)
{
	const struct ua_config *config = &ua->config;
	const bool server = sa_isset(&config->server, SA_ALL);
	int err;

	if (config->domain)
		err = str_dup(&ua->domain, config->domain);
	else
		err = re_sdprintf(&ua->domain, "%j", server ? &config->server : &ua->local);
	err |= re_sdprintf(&ua->aor, "sip:%s@%s", config->user, ua->domain);
	err |= re_sdprintf(&ua->registrar, "sip:%s", ua->domain);
	if (server)
		err |= re_sdprintf(&ua->route, "sip:%J", &config->server);
	ua->credentials.user = config->user;
	ua->credentials.password = config->password;
	ua->credentials.realm = config->realm ? config->realm : ua->domain;
	return err ? err : instance_make(ua);
}

/* Without name servers only addresses can be called. */
static int resolver_make(struct ua *ua)
{
	struct sa servers[NAMESERVERS];
	uint32_t count = ARRAY_SIZE(servers);

	if (dns_srv_get(NULL, 0, servers, &count))
		count = 0;
	return dnsc_alloc(&ua->dnsc, NULL, servers, count);
}

/**
 * ua_alloc() - make a terminal
 * @uap: set to the terminal; drop it with mem_deref(), after UA_STOPPED or to forget
 *	its call and registration without a word
 * @config: what it is like
 * @handler: told of each event
 * @arg: for @handler
 *
 * Return: 0 or an errno; EDESTADDRREQ if there is neither a server nor a local address.
 */
int ua_alloc(struct ua **uap, const struct ua_config *config, ua_event_h *handler, void *arg)
{
	struct ua *ua;
	int err;

	if (!config->user || config->data_count > UA_DATA_MAX)
		return EINVAL;
	ua = mem_zalloc(sizeof(*ua), ua_destructor);
	if (!ua)
		return ENOMEM;
	ua->config = *config;
	ua->handler = handler;
	ua->arg = arg;
	err = local_choose(ua);
	if (!err)
		err = names_make(ua);
	if (!err)
		err = resolver_make(ua);
	if (!err)
		err = sip_alloc(&ua->sip, ua->dnsc, CTRANS_SIZE, STRANS_SIZE, TCP_SIZE,
				"nattrav-ua/" NATTRAV_VERSION, NULL, NULL);
	if (!err)
		err = sip_transp_add(ua->sip, SIP_TRANSP_UDP, &ua->local);
	if (!err)
		err = sip_transp_laddr(ua->sip, &ua->local, SIP_TRANSP_UDP, &ua->local);
	if (!err)
		err = sipsess_listen(&ua->sock, ua->sip, SESSIONS_SIZE, ua_call_receive, ua);
	if (err)
		mem_deref(ua);
	else
		*uap = ua;
	return err;
}

/**
 * ua_start() - register, if there is a server
 * @ua: the terminal
 *
 * Return: 0 or an errno.
 */
int ua_start(struct ua *ua)
{
	return ua->route ? ua_reg_alloc(&ua->reg, ua) : 0;
}

/**
 * ua_stopped() - unregistered, or tried to
 * @ua: the terminal
 */
void ua_stopped(struct ua *ua)
{
	const struct ua_event event = { .type = UA_STOPPED };

	tmr_cancel(&ua->tmr);
	ua_tell(ua, &event);
}

static void stop_over(void *arg)
{
	ua_stopped(arg);
}

/**
 * ua_stop() - hang up and unregister; UA_STOPPED is told when that is done
 * @ua: the terminal
 */
void ua_stop(struct ua *ua)
{
	const bool in_call = ua->call;
	uint32_t wait = in_call ? STOP_SHORT_MS : 0;

	if (tmr_isrunning(&ua->tmr))
		return;
	ua_hangup(ua);
	ua->path = mem_deref(ua->path);
	if (ua->reg && ua_reg_end(ua->reg))
		wait = STOP_MS;
	tmr_start(&ua->tmr, wait, stop_over, ua);
}

/**
 * ua_dial() - place a call
 * @ua: the terminal
 * @to: a SIP URI, or the user part of one in our domain
 *
 * Return: 0 or an errno; EBUSY if there is a call.
 */
int ua_dial(struct ua *ua, const char *to)
{
	return ua->call ? EBUSY : ua_call_dial(ua, to);
}

/**
 * ua_answer() - take the call that rings
 * @ua: the terminal
 *
 * Return: 0 or an errno; ENOENT if there is none.
 */
int ua_answer(struct ua *ua)
{
	return ua->call ? ua_call_answer(ua->call) : ENOENT;
}

/**
 * ua_hold() - hold the call, or go on with it
 * @ua: the terminal
 * @held: which
 *
 * Return: 0 or an errno; ENOENT if there is none.
 */
int ua_hold(struct ua *ua, bool held)
{
	return ua->call ? ua_call_hold(ua->call, held) : ENOENT;
}

/**
 * ua_hangup() - end the call, if there is one
 * @ua: the terminal
 */
void ua_hangup(struct ua *ua)
{
	if (ua->call)
		ua_call_end(ua->call);
}

/* Whether there is a call, ringing or established. */
bool ua_in_call(const struct ua *ua)
{
	return ua->call;
}
