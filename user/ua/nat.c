// SPDX-License-Identifier: GPL-2.0-or-later
/* nattrav-ua probe: what the NAT on the way to a server does. */
#include "run.h"

#include <stdio.h>

#include "json.h"
#include "probe.h"

#define START 29

/**
 * struct nat - the running probe
 * @options: what to print, and how
 * @status: exit status
 */
struct nat {
	const struct ua_options *options;
	int status;
};

static const char *mapping(const struct ua_probe_result *result)
{
	if (sa_cmp(&result->mapped, &result->local, SA_ALL))
		return "none";
	if (!sa_isset(&result->mapped_other, SA_ALL))
		return "unknown";
	return sa_cmp(&result->mapped, &result->mapped_other, SA_ALL) ? "endpoint-independent" :
									"endpoint-dependent";
}

static const char *method(const struct ua_probe_result *result)
{
	switch (result->method) {
	case UA_PROBE_RESPONSE_PORT:
		return "response-port";
	case UA_PROBE_PORT_CHANGE:
		return "port-change";
	default:
		return "none";
	}
}

static void print_json(const struct ua_probe_result *result)
{
	const struct ua_search *search = &result->search;
	struct mbuf *mb = mbuf_alloc(512);
	struct ua_json json;

	if (!mb)
		return;
	ua_json_open(&json, mb);
	ua_json_addr(&json, "local", &result->local);
	ua_json_addr(&json, "mapped", &result->mapped);
	ua_json_addr(&json, "mapped-other", &result->mapped_other);
	ua_json_text(&json, "mapping", mapping(result));
	ua_json_bool(&json, "port-preserved", sa_port(&result->mapped) == sa_port(&result->local));
	ua_json_text(&json, "method", method(result));
	if (search->good)
		ua_json_number(&json, "timeout-min", search->good);
	if (search->bad)
		ua_json_number(&json, "timeout-max", search->bad);
	if (search->good)
		ua_json_number(&json, "interval", ua_search_interval(search));
	if (!ua_json_close(&json))
		(void)re_printf("%b\n", mb->buf, mb->end);
	mem_deref(mb);
}

static void print_timeout(const struct ua_search *search)
{
	if (search->good && search->bad)
		(void)re_printf("time-out        %u to %u s\n", search->good, search->bad);
	else if (search->good)
		(void)re_printf("time-out        over %u s\n", search->good);
	else if (search->bad)
		(void)re_printf("time-out        under %u s\n", search->bad);
	else
		(void)re_printf("time-out        unknown\n");
	if (search->good)
		(void)re_printf("keep-alives     every %u s\n", ua_search_interval(search));
}

static void print_text(const struct ua_probe_result *result)
{
	(void)re_printf("local address   %J\n", &result->local);
	(void)re_printf("mapped address  %J\n", &result->mapped);
	if (sa_isset(&result->mapped_other, SA_ALL))
		(void)re_printf("to other port   %J\n", &result->mapped_other);
	(void)re_printf("mapping         %s\n", mapping(result));
	(void)re_printf("port            %s\n",
			sa_port(&result->mapped) == sa_port(&result->local) ? "preserved" :
									      "changed");
	print_timeout(&result->search);
}

static void on_probe(int err, const struct ua_probe_result *result, unsigned int silence,
		     bool survived, void *arg)
{
	struct nat *nat = arg;

	if (silence) {
		(void)re_fprintf(stderr, "%u s of silence: %s\n", silence,
				 survived ? "remembered" : "forgotten");
		return;
	}
	if (err == ENOTSUP)
		(void)re_fprintf(stderr, "nattrav-ua: the time-out cannot be measured: the server "
					 "knows no RESPONSE-PORT and the NAT preserves the port\n");
	else if (err)
		(void)re_fprintf(stderr, "nattrav-ua: %J: %m\n", &nat->options->config.server, err);
	nat->status = err && err != ENOTSUP ? UA_EXIT_FAILURE : 0;
	if (!nat->status) {
		if (nat->options->json)
			print_json(result);
		else
			print_text(result);
	}
	re_cancel();
}

static void on_signal(int sig)
{
	(void)sig;
	re_cancel();
}

static int source_for(struct sa *local, const struct ua_config *config)
{
	if (!sa_isset(&config->local, SA_ADDR))
		return ua_source_address(local, &config->server);
	*local = config->local;
	sa_set_port(local, 0);
	return 0;
}

/**
 * ua_run_probe() - probe and print
 * @options: what to do
 *
 * Return: the exit status.
 */
int ua_run_probe(const struct ua_options *options)
{
	struct nat nat = { .options = options, .status = UA_EXIT_FAILURE };
	struct ua_probe_config config = {
		.server = options->config.server,
		.other_port = options->other_port,
		.min = options->quick ? 0 : options->config.search_min,
		.max = options->config.search_max,
		.start = START,
	};
	struct ua_probe *probe = NULL;
	int err;

	err = source_for(&config.local, &options->config);
	if (!err)
		err = ua_probe_alloc(&probe, &config, on_probe, &nat);
	if (!err)
		err = re_main(on_signal);
	if (err)
		(void)re_fprintf(stderr, "nattrav-ua: %J: %m\n", &config.server, err);
	mem_deref(probe);
	return nat.status;
}
