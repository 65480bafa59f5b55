// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Status. libmicrohttpd runs in our own event loop: there is one thread, and
 * what it reads needs no lock.
 */
#include "status.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sip/nexthop.h"
#include "ng/message.h"

#define CONNECTIONS_MAX 16
#define TIMEOUT_S       10
#define NUMBERS_MAX     32

struct status {
	const struct server *server;
	struct ng *ng;
	struct MHD_Daemon *daemon;
	struct tmr due;
	int fd;
};

/* A number that is told; all of them are written the same way on both pages. */
struct number {
	const char *name;
	const char *help;
	bool counter;
	uint64_t value;
};

/**
 * struct numbers - all that are told
 * @number: they
 * @count: how many
 */
struct numbers {
	struct number number[NUMBERS_MAX];
	size_t count;
};

static void numbers_add(struct numbers *numbers, const struct number *more, size_t count)
{
	const size_t room = ARRAY_SIZE(numbers->number) - numbers->count;

	memcpy(numbers->number + numbers->count, more, MIN(count, room) * sizeof(*more));
	numbers->count += MIN(count, room);
}

static void numbers_add_sip(struct numbers *numbers, const struct server *server)
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
		{ "unread_total", "Datagrams of strangers dropped for load", true, stats->unread },
	};

	numbers_add(numbers, all, ARRAY_SIZE(all));
}

static void numbers_add_ng(struct numbers *numbers, const struct ng *ng)
{
	const struct ng_stats *stats = ng_stats(ng);
	const struct number all[] = {
		{ "ng_calls", "Calls of the ng protocol", false, ng_count(ng) },
		{ "ng_offers_total", "Offers by the ng protocol", true, stats->offers },
		{ "ng_answers_total", "Answers by the ng protocol", true, stats->answers },
		{ "ng_deletes_total", "Calls deleted by the ng protocol", true, stats->deletes },
		{ "ng_requests_total", "Requests of the ng protocol", true, stats->requests },
		{ "ng_errors_total", "Those of them that were refused", true, stats->errors },
		{ "ng_repeated_total", "Requests that came again", true, stats->again },
		{ "ng_malformed_total", "Messages that are none of the ng protocol", true,
		  stats->malformed },
		{ "ng_strangers_total", "Messages of who may not use it", true, stats->strangers },
	};

	numbers_add(numbers, all, ARRAY_SIZE(all));
}

static void numbers_get(struct numbers *numbers, const struct server *server, const struct ng *ng)
{
	memset(numbers, 0, sizeof(*numbers));
	if (server)
		numbers_add_sip(numbers, server);
	if (ng)
		numbers_add_ng(numbers, ng);
}

struct mbuf *status_json(const struct server *server, const struct ng *ng)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct numbers numbers;
	size_t i;
	int err;

	if (!mb)
		return NULL;
	numbers_get(&numbers, server, ng);
	err = mbuf_write_str(mb, "{\"version\":\"" NATTRAV_VERSION "\"");
	if (server)
		err |= mbuf_printf(mb, ",\"domain\":\"%s\"", server->config->domain);
	for (i = 0; i < numbers.count; i++)
		err |= mbuf_printf(mb, ",\"%s\":%llu", numbers.number[i].name,
				   (unsigned long long)numbers.number[i].value);
	err |= mbuf_write_str(mb, "}\n");
	return err ? mem_deref(mb) : mb;
}

struct mbuf *status_metrics(const struct server *server, const struct ng *ng)
{
	struct mbuf *mb = mbuf_alloc(2048);
	struct numbers numbers;
	size_t i;
	int err = 0;

	if (!mb)
		return NULL;
	numbers_get(&numbers, server, ng);
	for (i = 0; i < numbers.count; i++) {
		const struct number *number = &numbers.number[i];

		err |= mbuf_printf(
			mb, "# HELP nattravd_%s %s\n# TYPE nattravd_%s %s\nnattravd_%s %llu\n",
			number->name, number->help, number->name,
			number->counter ? "counter" : "gauge", number->name,
			(unsigned long long)number->value);
	}
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

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int code)
{
	struct mbuf none = { .size = 0 };

	return page_send(connection, code, "text/plain", &none);
}

static enum MHD_Result get(const struct status *status, struct MHD_Connection *connection,
			   const char *url)
{
	const char *type = "text/plain; version=0.0.4";
	enum MHD_Result result;
	struct mbuf *page;

	if (!strcmp(url, "/status")) {
		page = status_json(status->server, status->ng);
		type = "application/json";
	} else if (!strcmp(url, "/metrics")) {
		page = status_metrics(status->server, status->ng);
	} else {
		return refuse(connection, MHD_HTTP_NOT_FOUND);
	}
	if (!page)
		return MHD_NO;
	result = page_send(connection, MHD_HTTP_OK, type, page);
	mem_deref(page);
	return result;
}

/*
 * A browser on this host sends whatever a page wants it to, but not with these types
 * unless it was asked whether it may.
 */
static bool type_is_good(struct MHD_Connection *connection)
{
	static const char *const types[] = { "application/json", "application/x-rtpengine-ng" };
	const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						       MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t i, len;

	for (i = 0; type && i < ARRAY_SIZE(types); i++) {
		len = strlen(types[i]);
		if (!strncasecmp(type, types[i], len) && (!type[len] || strchr("; ", type[len])))
			return true;
	}

	return false;
}

static enum MHD_Result ng_reply(const struct status *status, struct MHD_Connection *connection,
				bool cookie, const struct mbuf *body)
{
	const struct pl text = { (const char *)body->buf, body->end };
	struct mbuf page = { .size = 0 };
	enum MHD_Result result;
	size_t len = 0;
	char *out;

	out = ng_handle(status->ng, NULL, &text, cookie, &len);
	if (!out)
		return refuse(connection, MHD_HTTP_BAD_REQUEST);

	page.buf = (uint8_t *)out;
	page.end = len;
	result = page_send(connection, MHD_HTTP_OK, "application/json", &page);
	free(out);
	return result;
}

/* The body comes in pieces; @context holds what is there of it. */
static enum MHD_Result post(const struct status *status, struct MHD_Connection *connection,
			    const char *url, const char *data, size_t *size, void **context)
{
	const bool cookie = !strcmp(url, "/ng");
	struct mbuf *body = *context;

	if (!status->ng || (!cookie && strcmp(url, "/ng-plain") != 0))
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);

	if (!body) {
		if (!type_is_good(connection))
			return refuse(connection, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE);
		*context = mbuf_alloc(1024);
		return *context ? MHD_YES : MHD_NO;
	}
	if (!*size)
		return body->end > NG_MESSAGE_MAX ? refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE) :
						    ng_reply(status, connection, cookie, body);

	/* one byte too many is as good as all of them */
	if (body->end <= NG_MESSAGE_MAX &&
	    mbuf_write_mem(body, (const uint8_t *)data, MIN(*size, NG_MESSAGE_MAX + 1 - body->end)))
		return MHD_NO;
	*size = 0;
	return MHD_YES;
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **context)
{
	const struct status *status = arg;

	(void)version;
	if (!strcmp(method, MHD_HTTP_METHOD_POST))
		return post(status, connection, url, data, size, context);
	if (*size || strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED);

	return get(status, connection, url);
}

static void answered(void *arg, struct MHD_Connection *connection, void **context,
		     enum MHD_RequestTerminationCode why)
{
	(void)arg;
	(void)connection;
	(void)why;
	*context = mem_deref(*context);
}

/* What it has read already its descriptor does not tell again: it says when it is due. */
static void status_run(void *arg)
{
	struct status *status = arg;
	MHD_UNSIGNED_LONG_LONG due;

	(void)MHD_run(status->daemon);
	if (MHD_get_timeout(status->daemon, &due) == MHD_YES)
		tmr_start(&status->due, due, status_run, status);
	else
		tmr_cancel(&status->due);
}

static void status_readable(int flags, void *arg)
{
	(void)flags;
	status_run(arg);
}

static void status_destroy(void *data)
{
	struct status *status = data;

	tmr_cancel(&status->due);
	if (status->fd >= 0)
		compat_fd_unwatch(status->fd);
	if (status->daemon)
		MHD_stop_daemon(status->daemon);
}

int status_alloc(struct status **statusp, const struct sa *addr, const struct server *server,
		 struct ng *ng)
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
	status->ng = ng;
	tmr_init(&status->due);
	status->daemon = MHD_start_daemon(flags, 0, NULL, NULL, answer, status,
					  MHD_OPTION_SOCK_ADDR, &addr->u.sa,
					  MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
					  MHD_OPTION_NOTIFY_COMPLETED, answered, NULL,
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
