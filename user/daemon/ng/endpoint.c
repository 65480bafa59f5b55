// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the ng protocol is spoken: datagrams, and streams of messages over TCP and
 * unix sockets. Only who may use it is listened to. Replies over a stream are
 * written at once: who does not read them is disconnected.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "ng/internal.h"
#include "ng/message.h"

#define BACKLOG         64
#define CONNECTIONS_MAX 256
/* A message must be whole by then; between two of them there may be an hour. */
#define MESSAGE_MS 10000
#define IDLE_MS    3600000
/* Others want to be heard, too. */
#define DATAGRAMS_A_TURN 32
/* What proxies send while we are at something else, with what the kernel counts for it. */
#define RECEIVE_ROOM (4 << 20)
#define WARN_MS      10000

/**
 * struct ng_endpoint - a socket that is listened to
 * @le: element of ng.endpoints
 * @ng: the ng protocol
 * @transport: what it is
 * @fd: the socket, or -1
 * @path: of a unix socket
 * @connections: list of struct connection
 * @warned: when a stranger was last told of, in ms
 */
struct ng_endpoint {
	struct le le;
	struct ng *ng;
	enum config_ng_transport transport;
	int fd;
	char *path;
	struct list connections;
	uint64_t warned;
};

/**
 * struct connection - a stream of messages
 * @le: element of endpoint.connections
 * @endpoint: where it came to
 * @fd: its socket
 * @source: who it is
 * @in: what was read and not answered yet
 * @frame: how far the search for the end of the next message has come
 * @timer: ends it if nothing comes
 */
struct connection {
	struct le le;
	struct ng_endpoint *endpoint;
	int fd;
	struct sa source;
	struct mbuf *in;
	struct ng_frame frame;
	struct wheel_timer timer;
};

/**
 * union sa_any - an address of any family
 * @sa: its beginning
 * @in: of IPv4
 * @in6: of IPv6
 */
union sa_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/**
 * union control - room for what the kernel tells beside a datagram
 * @head: its beginning
 * @room: for an address of either family
 */
union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static void stranger_note(struct ng_endpoint *endpoint, const struct sa *source)
{
	const uint64_t now = wheel_now();

	endpoint->ng->stats.strangers++;
	if (endpoint->warned && now - endpoint->warned < WARN_MS)
		return;

	endpoint->warned = now;
	log_warn("ng: %j is not listened to: no \"ng-allow\" line has it", source);
}

/* A v6 socket never takes IPv4, so that an address is spelled in one way only. */
static void sa_from(struct sa *sa, const union sa_any *any)
{
	sa_init(sa, AF_UNSPEC);
	if (any->sa.sa_family == AF_INET)
		sa_set_in(sa, ntohl(any->in.sin_addr.s_addr), ntohs(any->in.sin_port));
	else if (any->sa.sa_family == AF_INET6)
		sa_set_in6(sa, any->in6.sin6_addr.s6_addr, ntohs(any->in6.sin6_port));
}

/* From the address that the question came to: the message header has it already. */
static void datagram_answer(struct ng_endpoint *endpoint, const struct msghdr *question,
			    const struct pl *text)
{
	struct msghdr msg = *question;
	struct sa source;
	struct iovec reply;
	size_t len = 0;
	char *out;

	sa_from(&source, msg.msg_name);
	if (!config_ng_allows(endpoint->ng->config, &source)) {
		stranger_note(endpoint, &source);
		return;
	}

	out = ng_handle(endpoint->ng, &source, text, true, &len);
	if (!out)
		return;

	reply = (struct iovec){ .iov_base = out, .iov_len = len };
	msg.msg_iov = &reply;
	msg.msg_flags = 0;
	if (sendmsg(endpoint->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warn("ng: reply of %zu bytes to %J cannot be sent: %m", len, &source, errno);
	free(out);
}

/* The interface that it came over says nothing of where the reply goes. */
static void control_reuse(struct msghdr *msg)
{
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(msg); head; head = CMSG_NXTHDR(msg, head)) {
		if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO)
			((struct in_pktinfo *)(void *)CMSG_DATA(head))->ipi_ifindex = 0;
		else if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)(void *)CMSG_DATA(head))->ipi6_ifindex = 0;
	}
}

static void datagram_readable(int flags, void *arg)
{
	static char data[NG_MESSAGE_MAX + 1];
	struct ng_endpoint *endpoint = arg;
	unsigned int i;

	(void)flags;
	for (i = 0; i < DATAGRAMS_A_TURN; i++) {
		struct iovec in = { .iov_base = data, .iov_len = sizeof(data) };
		union control control;
		union sa_any from;
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &in,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		const ssize_t len = recvmsg(endpoint->fd, &msg, MSG_DONTWAIT);

		if (len < 0)
			return;
		if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
			continue;

		control_reuse(&msg);
		datagram_answer(endpoint, &msg, &(struct pl){ data, (size_t)len });
	}
}

static void connection_destructor(void *arg)
{
	struct connection *connection = arg;

	wheel_stop(&connection->timer);
	list_unlink(&connection->le);
	if (connection->fd >= 0) {
		compat_fd_unwatch(connection->fd);
		(void)close(connection->fd);
	}
	mem_deref(connection->in);
}

static void connection_due(void *arg)
{
	mem_deref(arg);
}

static bool connection_answer(const struct connection *connection, const struct pl *text)
{
	const bool cookie = connection->endpoint->transport != CONFIG_NG_UNIX;
	size_t len = 0;
	ssize_t sent;
	char *out;

	out = ng_handle(connection->endpoint->ng, cookie ? &connection->source : NULL, text, cookie,
			&len);
	if (!out)
		return false;

	sent = send(connection->fd, out, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	free(out);
	return sent == (ssize_t)len;
}

/* Answers all messages that are whole; false if there is something that is none. */
static bool connection_messages(struct connection *connection)
{
	const bool cookie = connection->endpoint->transport != CONFIG_NG_UNIX;
	struct mbuf *in = connection->in;
	struct pl text;
	long len;

	for (;;) {
		/* white space between two messages */
		while (!connection->frame.begun && mbuf_get_left(in) &&
		       strchr("\r\n", *mbuf_buf(in)))
			mbuf_advance(in, 1);
		text = (struct pl){ (const char *)mbuf_buf(in), mbuf_get_left(in) };
		len = ng_frame_end(&connection->frame, text.p, text.l, cookie);
		if (len <= 0)
			break;

		text.l = (size_t)len;
		if (!connection_answer(connection, &text))
			return false;
		mbuf_advance(in, (ssize_t)len);
		memset(&connection->frame, 0, sizeof(connection->frame));
	}

	if (len < 0) {
		connection->endpoint->ng->stats.malformed++;
		return false;
	}

	/* what is left moves to the beginning */
	text.l = mbuf_get_left(in);
	memmove(in->buf, mbuf_buf(in), text.l);
	in->pos = 0;
	in->end = text.l;
	return in->end <= NG_MESSAGE_MAX;
}

static void connection_readable(int flags, void *arg)
{
	struct connection *connection = arg;
	struct mbuf *in = connection->in;
	uint8_t data[4096];
	ssize_t len;

	(void)flags;
	len = recv(connection->fd, data, sizeof(data), MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;

	in->pos = in->end;
	if (len <= 0 || mbuf_write_mem(in, data, (size_t)len))
		goto err_connection;
	in->pos = 0;
	if (!connection_messages(connection))
		goto err_connection;

	wheel_start(connection->endpoint->ng->wheel, &connection->timer,
		    in->end ? MESSAGE_MS : IDLE_MS, connection_due, connection);
	return;

err_connection:
	mem_deref(connection);
}

static void connection_open(struct ng_endpoint *endpoint, int fd, const struct sa *source)
{
	struct connection *connection = mem_zalloc(sizeof(*connection), connection_destructor);

	if (!connection) {
		(void)close(fd);
		return;
	}

	connection->endpoint = endpoint;
	connection->fd = fd;
	connection->source = *source;
	connection->in = mbuf_alloc(512);
	list_append(&endpoint->connections, &connection->le, connection);
	if (!connection->in || compat_fd_watch(fd, connection_readable, connection)) {
		mem_deref(connection);
		return;
	}
	wheel_start(endpoint->ng->wheel, &connection->timer, MESSAGE_MS, connection_due,
		    connection);
}

static void stream_acceptable(int flags, void *arg)
{
	struct ng_endpoint *endpoint = arg;
	union sa_any from = { .sa = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof(from);
	struct sa source;
	int fd;

	(void)flags;
	fd = accept4(endpoint->fd, &from.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;

	sa_from(&source, &from);
	if (endpoint->transport == CONFIG_NG_TCP &&
	    !config_ng_allows(endpoint->ng->config, &source)) {
		stranger_note(endpoint, &source);
		(void)close(fd);
	} else if (list_count(&endpoint->connections) >= CONNECTIONS_MAX) {
		(void)close(fd);
	} else {
		connection_open(endpoint, fd, &source);
	}
}

static void endpoint_destructor(void *arg)
{
	struct ng_endpoint *endpoint = arg;

	list_flush(&endpoint->connections);
	list_unlink(&endpoint->le);
	if (endpoint->fd >= 0) {
		compat_fd_unwatch(endpoint->fd);
		(void)close(endpoint->fd);
		if (endpoint->path)
			(void)unlink(endpoint->path);
	}
	mem_deref(endpoint->path);
}

static int unix_bind(int fd, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int err = 0;

	str_ncpy(name.sun_path, path, sizeof(name.sun_path));
	/* one that an earlier life left; never anything else */
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		(void)unlink(path);

	/* owner and group may write, and nobody may for a moment before that is so */
	mask = umask(0117);
	if (bind(fd, (const struct sockaddr *)&name, sizeof(name)))
		err = errno;
	(void)umask(mask);
	return err;
}

static int inet_bind(int fd, const struct sa *addr)
{
	const int on = 1, room = RECEIVE_ROOM;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa_af(addr) == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	} else {
		(void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}

	return bind(fd, &addr->u.sa, addr->len) ? errno : 0;
}

static int endpoint_bind(struct ng_endpoint *endpoint, const struct config_ng *config)
{
	const bool local = config->transport == CONFIG_NG_UNIX;
	const bool datagrams = config->transport == CONFIG_NG_UDP;
	int err;

	endpoint->fd = socket(local ? AF_UNIX : sa_af(&config->addr),
			      (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK,
			      0);
	if (endpoint->fd < 0)
		return errno;

	err = local ? unix_bind(endpoint->fd, config->path) :
		      inet_bind(endpoint->fd, &config->addr);
	if (!err && local)
		err = str_dup(&endpoint->path, config->path);
	if (!err && !datagrams && listen(endpoint->fd, BACKLOG))
		err = errno;
	if (!err)
		err = compat_fd_watch(endpoint->fd,
				      datagrams ? datagram_readable : stream_acceptable, endpoint);
	return err;
}

static int endpoint_open(struct ng *ng, const struct config_ng *config)
{
	static const char *const names[] = {
		[CONFIG_NG_UDP] = "udp",
		[CONFIG_NG_TCP] = "tcp",
		[CONFIG_NG_UNIX] = "unix",
	};
	struct ng_endpoint *endpoint = mem_zalloc(sizeof(*endpoint), endpoint_destructor);
	int err;

	if (!endpoint)
		return ENOMEM;

	endpoint->fd = -1;
	endpoint->ng = ng;
	endpoint->transport = config->transport;
	list_append(&ng->endpoints, &endpoint->le, endpoint);
	err = endpoint_bind(endpoint, config);
	if (err && config->path)
		log_error("ng: unix %s: %m", config->path, err);
	else if (err)
		log_error("ng: %s %J: %m", names[config->transport], &config->addr, err);
	else if (config->path)
		log_info("ng: listening on unix %s", config->path);
	else
		log_info("ng: listening on %s %J", names[config->transport], &config->addr);
	return err;
}

/**
 * ng_endpoints_open() - listen where the configuration says
 * @ng: the ng protocol
 *
 * Return: 0 or an errno, logged.
 */
int ng_endpoints_open(struct ng *ng)
{
	struct le *le;
	int err = 0;

	for (le = list_head(&ng->config->ng); le && !err; le = le->next)
		err = endpoint_open(ng, le->data);

	return err;
}
