// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The path that a registration opened: how often to send keep-alives, and what to do
 * when one of them tells that the NAT gave us another address.
 */
#include "internal.h"
#include "keepalive.h"
#include "probe.h"

/* RFC 5626 section 4.4.2, when the server names no interval: 24 to 29 s */
#define INTERVAL_DEFAULT 29
#define INTERVAL_MIN     1
/* A search that ended early is begun again after this. */
#define SEARCH_RETRY_MS 60000

/**
 * struct ua_path - a path
 * @ua: whose
 * @keepalive: what keeps it open
 * @probe: the measurement of the NAT's time-out, NULL if none is under way
 * @tmr: until the next measurement
 * @mapped: the address that the server sees, not set until it is known
 * @asked: the interval that the server asks for, 0 if it does not
 * @measured: the interval that the measurement allows, 0 if there is none
 * @interval: the one in use
 */
struct ua_path {
	struct ua *ua;
	struct ua_keepalive *keepalive;
	struct ua_probe *probe;
	struct tmr tmr;
	struct sa mapped;
	uint32_t asked;
	uint32_t measured;
	uint32_t interval;
};

static void path_destructor(void *arg)
{
	struct ua_path *path = arg;

	tmr_cancel(&path->tmr);
	mem_deref(path->probe);
	mem_deref(path->keepalive);
}

/* The server's word is kept in any case: it forgets flows that it hears nothing from. */
static uint32_t interval_choose(const struct ua_path *path)
{
	const struct ua_config *config = &path->ua->config;
	uint32_t interval = path->measured;

	if (config->interval)
		return config->interval;
	if (!interval)
		return path->asked ? MAX(path->asked, INTERVAL_MIN) : INTERVAL_DEFAULT;
	return path->asked ? MIN(interval, path->asked) : interval;
}

static void interval_set(struct ua_path *path)
{
	struct ua_event event = { .type = UA_INTERVAL, .seconds = interval_choose(path) };

	if (path->ua->config.keepalive == UA_NO_KEEPALIVE || path->interval == event.seconds)
		return;
	path->interval = event.seconds;
	ua_keepalive_start(path->keepalive, path->interval);
	ua_tell(path->ua, &event);
}

static void search_begin(void *arg);

static void probe_tells(int err, const struct ua_probe_result *result, unsigned int silence,
			bool survived, void *arg)
{
	struct ua_path *path = arg;
	struct ua_event event = { .type = UA_MEASURED, .seconds = silence, .survived = survived };

	if (silence) {
		ua_tell(path->ua, &event);
		return;
	}
	if (!err)
		path->measured = ua_search_interval(&result->search);
	/* the result goes with it */
	path->probe = mem_deref(path->probe);
	if (!err) {
		interval_set(path);
	} else if (err == ENOTSUP) {
		path->measured = 0;
		ua_tell_error(path->ua, 0, "the time-out of this NAT cannot be measured");
		interval_set(path);
	} else {
		ua_tell_error(path->ua, err, "measurement of the NAT's time-out");
		tmr_start(&path->tmr, SEARCH_RETRY_MS, search_begin, path);
	}
}

/* Until the time-out is known, the path is kept open as if it were the shortest. */
static void search_begin(void *arg)
{
	struct ua_path *path = arg;
	const struct ua_config *config = &path->ua->config;
	struct ua_probe_config probe = {
		.server = config->server,
		.local = path->ua->local,
		.min = config->search_min,
		.max = config->search_max,
		.start = INTERVAL_DEFAULT,
	};
	struct ua_search nothing;
	int err;

	ua_search_init(&nothing, probe.min, probe.max, probe.start);
	path->measured = ua_search_interval(&nothing);
	sa_set_port(&probe.local, 0);
	path->probe = mem_deref(path->probe);
	err = ua_probe_alloc(&path->probe, &probe, probe_tells, path);
	if (err)
		ua_tell_error(path->ua, err, "measurement of the NAT's time-out");
}

static void keepalive_tells(int err, const struct sa *mapped, uint64_t rtt, void *arg)
{
	struct ua_path *path = arg;
	struct ua_event event = {
		.type = UA_KEEPALIVE, .addr = mapped, .seconds = path->interval, .time = rtt
	};

	if (err) {
		ua_tell_error(path->ua, err, "keep-alive");
		ua_reg_again(path->ua->reg);
		return;
	}
	ua_tell(path->ua, &event);
	if (mapped)
		ua_path_mapped(path, mapped);
}

/**
 * ua_path_mapped() - the server sees us at this address
 * @path: the path
 * @mapped: the address
 *
 * If it is another one than before, requests to the old one are lost from now on:
 * we register again at once, and measure again, for the NAT forgot us too soon or is
 * another NAT.
 */
void ua_path_mapped(struct ua_path *path, const struct sa *mapped)
{
	struct ua_event event = { .type = UA_MAPPED, .addr = mapped };
	const bool changed = sa_isset(&path->mapped, SA_ALL);

	if (changed && sa_cmp(&path->mapped, mapped, SA_ALL))
		return;
	path->mapped = *mapped;
	ua_tell(path->ua, &event);
	if (!changed)
		return;
	ua_reg_again(path->ua->reg);
	if (path->ua->config.adaptive) {
		search_begin(path);
		interval_set(path);
	}
}

/**
 * ua_path_interval() - take over the interval that the server asks for
 * @path: the path
 * @seconds: the interval, 0 if it asks for none
 */
void ua_path_interval(struct ua_path *path, uint32_t seconds)
{
	path->asked = seconds;
	interval_set(path);
}

/**
 * ua_path_alloc() - a path has been opened
 * @pathp: set to the path; drop it with mem_deref()
 * @ua: the terminal
 * @us: socket that it goes through
 *
 * Nothing is sent before ua_path_interval() is called.
 *
 * Return: 0 or an errno.
 */
int ua_path_alloc(struct ua_path **pathp, struct ua *ua, struct udp_sock *us)
{
	static const enum ua_keepalive_method methods[] = {
		[UA_STUN] = UA_KEEPALIVE_STUN,
		[UA_CRLF] = UA_KEEPALIVE_CRLF,
		[UA_NO_KEEPALIVE] = UA_KEEPALIVE_NONE,
	};
	struct ua_path *path = mem_zalloc(sizeof(*path), path_destructor);
	int err;

	if (!path)
		return ENOMEM;
	path->ua = ua;
	sa_init(&path->mapped, AF_UNSPEC);
	err = ua_keepalive_alloc(&path->keepalive, us, &ua->config.server,
				 methods[ua->config.keepalive], keepalive_tells, path);
	if (err) {
		mem_deref(path);
		return err;
	}
	if (ua->config.adaptive)
		search_begin(path);
	*pathp = path;
	return 0;
}
