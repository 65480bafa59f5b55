// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Status. libmicrohttpd runs in our own event loop: there is one thread, and
 * what it reads needs no lock.
 */
#include "status.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#include "log.h"
#include "sip/nexthop.h"

#define CONNECTIONS_MAX 16
#define TIMEOUT_S       10

struct status {
	const struct server *server;
	struct MHD_Daemon *daemon;
	int fd;
};

/* A number that is told; all of them are written the same way on both pages. */
struct number {
	const char *name;
	const char *help;
	bool counter;
	uint64_t value;
};

static size_t numbers_get(const struct server *server, struct number *numbers, size_t max)
{
	const struct server_stats *stats = &server->stats;
	unsigned int up;
	const unsigned int hops = nexthops_count(flows_nexthops(server->flows), &up);
	const struct number all[] = {
		{ "registrations", "Registered paths", false, location_count(server->location) },
		{ "calls", "Calls that are up or begin", false, dialogs_count(server->dialogs) },
		{ "transactions", "SIP transactions", false,
		  transactions_count(server->transactions) },
		{ "connections", "TCP and TLS connections", false,
		  flows_connections(server->flows) },
		{ "next_hops", "Next hops over TCP and TLS", false, hops },
		{ "next_hops_up", "Those of them that are connected", false, up },
		{ "backlog_percent", "How full the fullest UDP socket is", false,
		  flows_backlog(server->flows) },
		{ "draining", "1 while no new calls are taken", false, server->draining },
		{ "requests_total", "Requests received", true, stats->requests },
		{ "responses_total", "Responses received", true, stats->responses },
		{ "keepalives_total", "Keep-alives received", true, stats->keepalives },
		{ "malformed_total", "Messages that are no sound SIP", true, stats->malformed },
		{ "passwords_wrong_total", "Wrong users and passwords", true, stats->failures },
		{ "silences_total", "Replies that strangers did not get", true, stats->silences },
		{ "turned_away_total", "Requests answered 503 for load", true, stats->shed },
	};
	const size_t count = MIN(ARRAY_SIZE(all), max);

	memcpy(numbers, all, count * sizeof(*numbers));
	return count;
}

#define NUMBERS_MAX 32

struct mbuf *status_json(const struct server *server)
{
	struct number numbers[NUMBERS_MAX];
	const size_t count = numbers_get(server, numbers, NUMBERS_MAX);
	struct mbuf *mb = mbuf_alloc(1024);
	size_t i;
	int err;

	if (!mb)
		return NULL;
	err = mbuf_printf(mb, "{\"version\":\"" NATTRAV_VERSION "\",\"domain\":\"%s\"",
			  server->config->domain);
	for (i = 0; i < count; i++)
		err |= mbuf_printf(mb, ",\"%s\":%llu", numbers[i].name,
				   (unsigned long long)numbers[i].value);
	err |= mbuf_write_str(mb, "}\n");
	return err ? mem_deref(mb) : mb;
}

struct mbuf *status_metrics(const struct server *server)
{
	struct number numbers[NUMBERS_MAX];
	const size_t count = numbers_get(server, numbers, NUMBERS_MAX);
	struct mbuf *mb = mbuf_alloc(2048);
	size_t i;
	int err = 0;

	if (!mb)
		return NULL;
	for (i = 0; i < count; i++)
		err |= mbuf_printf(
			mb, "# HELP nattravd_%s %s\n# TYPE nattravd_%s %s\nnattravd_%s %llu\n",
			numbers[i].name, numbers[i].help, numbers[i].name,
			numbers[i].counter ? "counter" : "gauge", numbers[i].name,
			(unsigned long long)numbers[i].value);
	return err ? mem_deref(mb) : mb;
}

static enum MHD_Result page_send(struct MHD_Connection *connection, unsigned int code,
				 const char *type, const struct mbuf *page)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	response = MHD_create_response_from_buffer(page->end, page->buf, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	result = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **context)
{
	struct mbuf none = { .size = 0 };
	const struct status *status = arg;
	const char *type = "text/plain";
	enum MHD_Result result;
	struct mbuf *page = NULL;

	(void)version;
	(void)data;
	(void)context;

	/* nothing here takes a body */
	if (*size || strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return page_send(connection, MHD_HTTP_METHOD_NOT_ALLOWED, type, &none);

	if (!strcmp(url, "/status")) {
		page = status_json(status->server);
		type = "application/json";
	} else if (!strcmp(url, "/metrics")) {
		page = status_metrics(status->server);
		type = "text/plain; version=0.0.4";
	} else {
		return page_send(connection, MHD_HTTP_NOT_FOUND, type, &none);
	}
	if (!page)
		return MHD_NO;
	result = page_send(connection, MHD_HTTP_OK, type, page);
	mem_deref(page);
	return result;
}

static void status_readable(int flags, void *arg)
{
	struct status *status = arg;

	(void)flags;
	(void)MHD_run(status->daemon);
}

static void status_destroy(void *data)
{
	struct status *status = data;

	if (status->fd >= 0)
		compat_fd_unwatch(status->fd);
	if (status->daemon)
		MHD_stop_daemon(status->daemon);
}

int status_alloc(struct status **statusp, const struct sa *addr, const struct server *server)
{
	const unsigned int flags = MHD_USE_EPOLL | (sa_af(addr) == AF_INET6 ? MHD_USE_IPv6 : 0);
	const union MHD_DaemonInfo *info;
	struct status *status;
	int err;

	status = mem_zalloc(sizeof(*status), status_destroy);
	if (!status)
		return ENOMEM;

	status->fd = -1;
	status->server = server;
	status->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, status,
					  MHD_OPTION_SOCK_ADDR, &addr->u.sa,
					  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					  MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
	if (!status->daemon) {
		err = errno ? errno : EADDRINUSE;
		log_error("status %J: %m", addr, err);
		mem_deref(status);
		return err;
	}
	info = MHD_get_daemon_info(status->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	err = info ? compat_fd_watch(info->epoll_fd, status_readable, status) : ENOTSUP;
	if (err) {
		mem_deref(status);
		return err;
	}
	status->fd = info->epoll_fd;
	*statusp = status;
	return 0;
}
