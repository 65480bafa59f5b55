// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops.
 */
#include "sip/nexthop.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "sip/conn.h"

/* between two tries: from the one to the other, twice as long each time */
#define RETRY_MS     1000
#define RETRY_MAX_MS 64000
/* a connection that lived that long was no failure */
#define STABLE_MS 10000
/* so often in a row, and who has something to say does not try at once */
#define FAILURES_SILENT 2
/* but that long after the last failure */
#define DEMAND_MS 1000

struct nexthops {
	struct list hops;
	struct wheel *wheel;
	struct conns *conns;
};

/**
 * struct nexthop - a proxy or trunk
 * @le: element of nexthops.hops
 * @hops: the table
 * @flow: our flow to it
 * @name: its name, or NULL
 * @tls: what TLS needs, NULL for TCP
 * @trusted: its realm is trusted
 * @since: wheel_now() since when it is connected, 0 if it is not
 * @failures: tries that failed one after the other
 * @failed: wheel_now() of the last one
 * @why: what was wrong with its certificate, or NULL
 * @retry: runs until the next try
 */
struct nexthop {
	struct le le;
	struct nexthops *hops;
	struct flow flow;
	char *name;
	struct tls *tls;
	bool trusted;
	uint64_t since;
	unsigned int failures;
	uint64_t failed;
	const char *why;
	struct wheel_timer retry;
};

static void nexthop_destroy(void *data)
{
	struct nexthop *hop = data;

	wheel_stop(&hop->retry);
	list_unlink(&hop->le);
	/* a connection that uses it may live on */
	if (hop->tls)
		(void)SSL_CTX_set_app_data(tls_openssl_context(hop->tls), NULL);
	mem_deref(hop->tls);
	mem_deref(hop->name);
}

static void nexthops_destroy(void *data)
{
	struct nexthops *hops = data;

	list_flush(&hops->hops);
}

int nexthops_alloc(struct nexthops **hopsp, struct wheel *wheel, struct conns *conns)
{
	struct nexthops *hops = mem_zalloc(sizeof(*hops), nexthops_destroy);

	if (!hops)
		return ENOMEM;
	hops->wheel = wheel;
	hops->conns = conns;
	*hopsp = hops;
	return 0;
}

static struct nexthop *hop_find(const struct list *list, const struct flow *flow)
{
	struct le *le;

	LIST_FOREACH(list, le) {
		struct nexthop *hop = le->data;

		if (flow_equal(&hop->flow, flow))
			return hop;
	}

	return NULL;
}

/* For the log: "tls 198.51.100.9:5061 (trunk.example.org)". */
static int hop_print(struct re_printf *pf, const struct nexthop *hop)
{
	return re_hprintf(pf, "%s %J%s%s%s", transport_name(hop->flow.listener->transport),
			  &hop->flow.remote, hop->name ? " (" : "", hop->name ? hop->name : "",
			  hop->name ? ")" : "");
}

static void hop_failed(struct nexthop *hop, const char *why);

static void hop_connect(struct nexthop *hop)
{
	char text[128];
	int err;

	wheel_stop(&hop->retry);
	hop->why = NULL;
	err = conns_connect(hop->hops->conns, &hop->flow, hop->tls, hop->name);
	if (!err)
		return;
	(void)re_snprintf(text, sizeof(text), "%m", err);
	hop_failed(hop, text);
}

static void hop_retry(void *arg)
{
	hop_connect(arg);
}

static void hop_failed(struct nexthop *hop, const char *why)
{
	const uint32_t most = MIN(RETRY_MS << MIN(hop->failures, 16u), RETRY_MAX_MS);
	/* other for each: a proxy that comes back is not run down */
	const uint32_t delay = most / 2 + rand_u32() % (most / 2 + 1);

	log_warn("next hop %H: %s; the next try is in %u.%u s", hop_print, hop,
		 hop->why ? hop->why : why, delay / 1000, delay % 1000 / 100);
	hop->failures++;
	hop->failed = wheel_now();
	wheel_start(hop->hops->wheel, &hop->retry, delay, hop_retry, hop);
}

/* Called for each certificate of the chain; says which of them is wrong, and in what. */
static int certificate_verify(int right, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct nexthop *hop = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!right && hop)
		hop->why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	return right;
}

/* The certificate must show the name, and come from somebody who is trusted with it. */
static int hop_secure(struct nexthop *hop, const struct config *config)
{
	X509_VERIFY_PARAM *param;
	SSL_CTX *ctx;
	int err;

	/* a trunk may ask for ours */
	err = tls_alloc(&hop->tls, TLS_METHOD_SSLV23, config->certificate, NULL);
	if (!err)
		err = tls_add_ca(hop->tls, config->ca);
	if (err) {
		log_error("route to %H: %s cannot be used to check certificates: expected a PEM "
			  "file, see \"ca\" in nattravd.conf(5)",
			  hop_print, hop, config->ca);
		return err;
	}

	ctx = tls_openssl_context(hop->tls);
	param = SSL_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
	    !X509_VERIFY_PARAM_set1_host(param, hop->name, 0) || !SSL_CTX_set_app_data(ctx, hop))
		return ENOMEM;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, certificate_verify);
	return 0;
}

static int hop_add(struct nexthops *hops, struct list *list, const struct flows *flows,
		   const struct config *config, const struct config_route *route)
{
	const struct listener *listener =
		flows_choose(flows, route->transport, sa_af(&route->addr), route->realm);
	const struct flow flow = { listener, route->addr };
	struct nexthop *hop;
	int err;

	/* the configuration was checked for one; several routes may lead to one place */
	if (!listener || hop_find(list, &flow))
		return 0;

	hop = mem_zalloc(sizeof(*hop), nexthop_destroy);
	if (!hop)
		return ENOMEM;
	hop->hops = hops;
	hop->flow = flow;
	hop->trusted = config_realm_policy(config, listener->realm) == POLICY_TRUSTED;
	list_append(list, &hop->le, hop);
	err = route->name ? str_dup(&hop->name, route->name) : 0;
	if (!err && route->transport == TRANSPORT_TLS)
		err = hop_secure(hop, config);
	return err;
}

/* What is no more, or is asked for another certificate now, is not ours to keep. */
static void hop_leave(struct nexthop *old, struct nexthop *hop)
{
	wheel_stop(&old->retry);
	if (!hop)
		conns_retire(old->hops->conns, &old->flow);
	else if (str_cmp(hop->name ? hop->name : "", old->name ? old->name : ""))
		conns_drop(old->hops->conns, &old->flow, "it has another name now");
	else
		hop->since = old->since;
}

int nexthops_configure(struct nexthops *hops, const struct flows *flows,
		       const struct config *config)
{
	struct list list = LIST_INIT;
	struct nexthop *hop;
	struct le *le;
	int err = 0;

	LIST_FOREACH(&config->routes, le) {
		const struct config_route *route = le->data;

		if (!err && transport_is_reliable(route->transport))
			err = hop_add(hops, &list, flows, config, route);
	}
	if (err) {
		list_flush(&list);
		return err;
	}

	while ((hop = list_ledata(list_head(&hops->hops)))) {
		hop_leave(hop, hop_find(&list, &hop->flow));
		mem_deref(hop);
	}
	while ((hop = list_ledata(list_head(&list)))) {
		list_unlink(&hop->le);
		list_append(&hops->hops, &hop->le, hop);
		if (!hop->since)
			hop_connect(hop);
	}
	return 0;
}

unsigned int nexthops_count(const struct nexthops *hops, unsigned int *up)
{
	unsigned int count = 0;
	struct le *le;

	*up = 0;
	LIST_FOREACH(&hops->hops, le) {
		const struct nexthop *hop = le->data;

		count++;
		*up += hop->since != 0;
	}

	return count;
}

/* A caller may try, and finds out in his transaction; but not each of many callers. */
static bool hop_is_ready(const struct nexthop *hop)
{
	return hop->failures < FAILURES_SILENT || wheel_now() - hop->failed >= DEMAND_MS;
}

bool nexthops_is_ready(const struct nexthops *hops, const struct flow *flow)
{
	const struct nexthop *hop = hop_find(&hops->hops, flow);

	return hop && hop_is_ready(hop);
}

int nexthops_connect(struct nexthops *hops, const struct flow *flow)
{
	struct nexthop *hop = hop_find(&hops->hops, flow);

	if (!hop)
		return ENOENT;
	if (hop_is_ready(hop))
		hop_connect(hop);
	return conns_has(hops->conns, flow) ? 0 : ENOTCONN;
}

bool nexthops_is_trusted(const struct nexthops *hops, const struct flow *flow)
{
	const struct nexthop *hop = hop_find(&hops->hops, flow);

	return hop && hop->trusted;
}

struct flow nexthops_home(const struct nexthops *hops, const struct flow *flow)
{
	const struct nexthop *found = NULL;
	struct le *le;

	LIST_FOREACH(&hops->hops, le) {
		const struct nexthop *hop = le->data;

		if (hop->flow.listener != flow->listener ||
		    !sa_cmp(&hop->flow.remote, &flow->remote, SA_ADDR))
			continue;
		if (found)
			return *flow;
		found = hop;
	}

	return found ? found->flow : *flow;
}

bool nexthops_alias(struct nexthops *hops, const struct flow *flow, const struct sa *addr)
{
	const struct flow wanted = { flow->listener, *addr };
	struct nexthop *hop = hop_find(&hops->hops, &wanted);

	if (!hop || !hop->trusted || hop->since || !sa_cmp(&flow->remote, addr, SA_ADDR) ||
	    !conns_rename(hops->conns, flow, addr))
		return false;
	nexthops_up(hops, &hop->flow);
	return true;
}

void nexthops_up(struct nexthops *hops, const struct flow *flow)
{
	struct nexthop *hop = hop_find(&hops->hops, flow);

	if (!hop)
		return;
	wheel_stop(&hop->retry);
	hop->since = wheel_now();
	log_info("next hop %H: connected", hop_print, hop);
}

void nexthops_gone(struct nexthops *hops, const struct flow *flow, const char *why)
{
	struct nexthop *hop = hop_find(&hops->hops, flow);

	if (!hop)
		return;
	if (hop->since && wheel_now() - hop->since >= STABLE_MS)
		hop->failures = 0;
	hop->since = 0;
	hop_failed(hop, why);
}
