// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections.
 */
#include "sip/conn.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "sip/frame.h"
#include "sip/keyhash.h"

#define BUCKETS 4096
/* threat S14: a message, and the first one after the connection, has to come in this time */
#define MESSAGE_MS 10000
/* nobody keeps alive less often; what a terminal left without a word is found so */
#define IDLE_MS (15 * 60 * 1000)
#define TXQ_MAX 262144
/* a next hop that is gone without a word: asked after so many seconds, so often, so many times */
#define PROBE_AFTER_S 30
#define PROBE_EVERY_S 10
#define PROBES        3

struct conns {
	struct wheel *wheel;
	const struct conn_ops *ops;
	void *arg;
	struct tls *tls;
	struct hash *conns;
	struct hash *sources;
	uint32_t count;
};

/* Whence connections come: how many there are. */
struct source {
	struct le he;
	uint64_t key;
	uint32_t count;
};

/**
 * struct conn - a connection
 * @he: element of conns.conns by remote address
 * @conns: the table
 * @source: where it comes from; NULL if it was opened from here
 * @flow: the flow that it is
 * @tc: the connection
 * @sc: TLS on it
 * @rx: what came and is not dealt with
 * @tx: what waits until it is up
 * @timer: ends it
 * @waiting: a message has begun to come, or the first one is due
 * @up: it is there
 * @lasts: silence does not end it
 * @spoken: it has brought a message
 */
struct conn {
	struct le he;
	struct conns *conns;
	struct source *source;
	struct flow flow;
	struct tcp_conn *tc;
	struct tls_conn *sc;
	struct mbuf *rx;
	struct mbuf *tx;
	struct wheel_timer timer;
	bool waiting;
	bool up;
	bool lasts;
	bool spoken;
};

static bool source_match(struct le *le, void *arg)
{
	const struct source *source = le->data;

	return source->key == *(const uint64_t *)arg;
}

static void source_destroy(void *data)
{
	struct source *source = data;

	hash_unlink(&source->he);
}

static struct source *source_get(struct conns *conns, const struct sa *remote)
{
	uint64_t key = keyhash_source(remote);
	struct source *source;

	source = list_ledata(hash_lookup(conns->sources, (uint32_t)key, source_match, &key));
	if (source)
		return source;

	source = mem_zalloc(sizeof(*source), source_destroy);
	if (!source)
		return NULL;
	source->key = key;
	hash_append(conns->sources, (uint32_t)key, &source->he, source);
	return source;
}

static void conn_destroy(void *data)
{
	struct conn *conn = data;

	wheel_stop(&conn->timer);
	if (conn->he.list)
		conn->conns->count--;
	hash_unlink(&conn->he);
	if (conn->source && !--conn->source->count)
		mem_deref(conn->source);
	mem_deref(conn->sc);
	mem_deref(conn->tc);
	mem_deref(conn->rx);
	mem_deref(conn->tx);
}

static void conns_destroy(void *data)
{
	struct conns *conns = data;

	hash_flush(conns->conns);
	mem_deref(conns->conns);
	mem_deref(conns->sources);
	mem_deref(conns->tls);
}

int conns_certify(struct conns *conns, const char *certificate)
{
	struct tls *tls;
	int err;

	if (!certificate)
		return 0;
	err = tls_alloc(&tls, TLS_METHOD_SSLV23, certificate, NULL);
	if (err) {
		log_error("certificate %s cannot be used: expected a PEM file with the "
			  "certificate and its key",
			  certificate);
		return err;
	}
	mem_deref(conns->tls);
	conns->tls = tls;
	return 0;
}

int conns_alloc(struct conns **connsp, struct wheel *wheel, const char *certificate,
		const struct conn_ops *ops, void *arg)
{
	struct conns *conns;
	int err;

	conns = mem_zalloc(sizeof(*conns), conns_destroy);
	if (!conns)
		return ENOMEM;

	conns->wheel = wheel;
	conns->ops = ops;
	conns->arg = arg;
	err = hash_alloc(&conns->conns, BUCKETS);
	if (!err)
		err = hash_alloc(&conns->sources, BUCKETS);
	if (!err)
		err = conns_certify(conns, certificate);
	if (err)
		mem_deref(conns);
	else
		*connsp = conns;
	return err;
}

uint32_t conns_count(const struct conns *conns)
{
	return conns->count;
}

static bool conn_match(struct le *le, void *arg)
{
	const struct conn *conn = le->data;

	return flow_equal(&conn->flow, arg);
}

static struct conn *conn_find(const struct conns *conns, const struct flow *flow)
{
	/* the match does not write */
	return list_ledata(hash_lookup(conns->conns, (uint32_t)keyhash_sa(&flow->remote, SA_ALL),
				       conn_match, (void *)flow));
}

bool conns_has(const struct conns *conns, const struct flow *flow)
{
	return conn_find(conns, flow) != NULL;
}

/* Somebody may be in the middle of it: out of the table first, freed with the last reference. */
static void conn_end(struct conn *conn, const char *why)
{
	struct conns *conns = conn->conns;
	const struct flow flow = conn->flow;

	if (!conn->he.list)
		return;
	log_debug("connection of %J: %s", &conn->flow.remote, why);
	conns->count--;
	hash_unlink(&conn->he);
	wheel_stop(&conn->timer);
	mem_deref(conn);
	conns->ops->gone(&flow, why, conns->arg);
}

static void conn_timeout(void *arg)
{
	struct conn *conn = arg;

	conn_end(conn, !conn->up     ? "no answer in time" :
		       conn->waiting ? "no whole message in time" :
				       "idle");
}

static void conn_wait(struct conn *conn, bool waiting)
{
	/* the time of a message counts from its first byte */
	if (waiting && conn->waiting)
		return;
	conn->waiting = waiting;
	if (!waiting && conn->lasts)
		wheel_stop(&conn->timer);
	else
		wheel_start(conn->conns->wheel, &conn->timer, waiting ? MESSAGE_MS : IDLE_MS,
			    conn_timeout, conn);
}

static void conn_deliver(struct conn *conn, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len);

	if (!mb)
		return;
	if (!mbuf_write_mem(mb, mbuf_buf(conn->rx), len)) {
		mbuf_set_pos(mb, 0);
		conn->conns->ops->message(&conn->flow, mb, conn->conns->arg);
		conn->spoken = true;
	}
	mem_deref(mb);
}

/* Takes what is whole off the stream; false if it is broken. */
static bool conn_frames(struct conn *conn)
{
	enum frame frame;
	struct pl stream;
	size_t len;

	for (;;) {
		stream = (struct pl){ (const char *)mbuf_buf(conn->rx), mbuf_get_left(conn->rx) };
		frame = frame_next(&stream, FLOW_MESSAGE_MAX, &len);
		switch (frame) {
		case FRAME_IDLE:
		case FRAME_MORE:
			conn_wait(conn, frame == FRAME_MORE);
			return true;
		case FRAME_BAD:
			return false;
		case FRAME_SKIP:
			break;
		default:
			conn_wait(conn, false);
			conn_deliver(conn, len);
			break;
		}
		mbuf_advance(conn->rx, (ssize_t)len);
		/* what was delivered may have ended it */
		if (!conn->he.list)
			return true;
	}
}

/* Drops what is dealt with. */
static void conn_shift(struct conn *conn)
{
	struct mbuf *rx = conn->rx;
	const size_t left = mbuf_get_left(rx);

	memmove(rx->buf, mbuf_buf(rx), left);
	rx->pos = 0;
	rx->end = left;
}

static void conn_receive(struct mbuf *mb, void *arg)
{
	struct conn *conn = mem_ref(arg);
	struct mbuf *rx = conn->rx;
	int err;

	if (!conn->he.list)
		goto out;

	mbuf_set_pos(rx, rx->end);
	err = mbuf_write_mem(rx, mbuf_buf(mb), mbuf_get_left(mb));
	mbuf_set_pos(rx, 0);
	if (err || !conn_frames(conn))
		conn_end(conn, err ? "out of memory" : "not SIP");
	else
		conn_shift(conn);
out:
	mem_deref(conn);
}

static void conn_closed(int err, void *arg)
{
	struct conn *conn = arg;
	char text[128];

	if (!err) {
		conn_end(conn, "closed by the other side");
		return;
	}
	(void)re_snprintf(text, sizeof(text), "%m", err);
	conn_end(conn, text);
}

static void conn_estab(void *arg)
{
	(void)arg;
}

static int conn_start(struct conn *conn)
{
	const struct listener *listener = conn->flow.listener;
	struct conns *conns = conn->conns;
	int err;

	conn->rx = mbuf_alloc(1024);
	if (!conn->rx)
		return ENOMEM;

	err = tcp_accept(&conn->tc, listener->ts, conn_estab, conn_receive, conn_closed, conn);
	if (err)
		return err;
	conn->up = true;
	tcp_conn_txqsz_set(conn->tc, TXQ_MAX);
	if (listener->transport == TRANSPORT_TLS)
		err = tls_start_tcp(&conn->sc, conns->tls, conn->tc, 0);
	return err;
}

void conns_accept(struct conns *conns, const struct listener *listener, const struct sa *remote)
{
	struct source *source = source_get(conns, remote);
	struct conn *conn = NULL;
	int err;

	if (!source) {
		tcp_reject(listener->ts);
		return;
	}
	if (source->count < CONN_SOURCE_MAX && conns->count < CONN_MAX)
		conn = mem_zalloc(sizeof(*conn), conn_destroy);
	if (!conn) {
		log_debug("connection of %J refused: too many", remote);
		tcp_reject(listener->ts);
		if (!source->count)
			mem_deref(source);
		return;
	}

	source->count++;
	conn->source = source;
	conn->conns = conns;
	conn->flow.listener = listener;
	conn->flow.remote = *remote;
	err = conn_start(conn);
	if (err) {
		log_debug("connection of %J: %m", remote, err);
		mem_deref(conn);
		return;
	}
	conns->count++;
	hash_append(conns->conns, (uint32_t)keyhash_sa(remote, SA_ALL), &conn->he, conn);
	conn_wait(conn, true);
}

static void conn_connected(void *arg)
{
	struct conn *conn = mem_ref(arg);
	struct mbuf *tx = conn->tx;

	if (!conn->he.list)
		goto out;
	conn->up = true;
	conn->tx = NULL;
	conn_wait(conn, false);
	conn->conns->ops->up(&conn->flow, conn->conns->arg);
	if (tx) {
		tx->pos = 0;
		(void)tcp_send(conn->tc, tx);
		mem_deref(tx);
	}
out:
	mem_deref(conn);
}

/* Nothing is said over it for hours, and then it has to be known whether it is there. */
static void conn_probe(const struct conn *conn)
{
	const struct {
		int level, option, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, PROBE_AFTER_S * 1000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		(void)setsockopt(tcp_conn_fd(conn->tc), options[i].level, options[i].option,
				 &options[i].value, sizeof(options[i].value));
}

static int conn_open(struct conn *conn, struct tls *tls, const char *name)
{
	struct sa local = conn->flow.listener->addr;
	int err;

	/* the address that the other side knows us by */
	sa_set_port(&local, 0);
	conn->rx = mbuf_alloc(1024);
	if (!conn->rx)
		return ENOMEM;
	err = tcp_connect_bind(&conn->tc, &conn->flow.remote, conn_connected, conn_receive,
			       conn_closed, &local, conn);
	if (err)
		return err;
	tcp_conn_txqsz_set(conn->tc, TXQ_MAX);
	conn_probe(conn);
	if (!tls)
		return 0;
	err = tls_start_tcp(&conn->sc, tls, conn->tc, 0);
	if (!err && name)
		err = tls_set_servername(conn->sc, name);
	return err;
}

int conns_connect(struct conns *conns, const struct flow *flow, struct tls *tls, const char *name)
{
	struct conn *conn;
	int err;

	if (conns_has(conns, flow))
		return 0;
	conn = mem_zalloc(sizeof(*conn), conn_destroy);
	if (!conn)
		return ENOMEM;
	conn->conns = conns;
	conn->flow = *flow;
	conn->lasts = true;
	err = conn_open(conn, tls, name);
	if (err) {
		mem_deref(conn);
		return err;
	}
	conns->count++;
	hash_append(conns->conns, (uint32_t)keyhash_sa(&flow->remote, SA_ALL), &conn->he, conn);
	conn_wait(conn, true);
	return 0;
}

void conns_retire(const struct conns *conns, const struct flow *flow)
{
	struct conn *conn = conn_find(conns, flow);

	if (!conn)
		return;
	conn->lasts = false;
	if (conn->up && !conn->waiting)
		conn_wait(conn, false);
}

void conns_drop(const struct conns *conns, const struct flow *flow, const char *why)
{
	struct conn *conn = conn_find(conns, flow);

	if (conn)
		conn_end(conn, why);
}

bool conns_rename(struct conns *conns, const struct flow *flow, const struct sa *remote)
{
	const struct flow wanted = { flow->listener, *remote };
	struct conn *conn = conn_find(conns, flow);

	if (!conn || conn->spoken || conns_has(conns, &wanted))
		return false;
	hash_unlink(&conn->he);
	conn->flow.remote = *remote;
	hash_append(conns->conns, (uint32_t)keyhash_sa(remote, SA_ALL), &conn->he, conn);
	return true;
}

/* What is said before there is anybody to hear it. */
static int conn_queue(struct conn *conn, const struct mbuf *mb)
{
	if (!conn->tx)
		conn->tx = mbuf_alloc(1024);
	if (!conn->tx)
		return ENOMEM;
	if (conn->tx->end + mbuf_get_left(mb) > TXQ_MAX)
		return ENOBUFS;
	return mbuf_write_mem(conn->tx, mbuf_buf(mb), mbuf_get_left(mb));
}

int conns_send(const struct conns *conns, const struct flow *flow, struct mbuf *mb)
{
	struct conn *conn = conn_find(conns, flow);

	if (!conn)
		return ENOTCONN;
	return conn->up ? tcp_send(conn->tc, mb) : conn_queue(conn, mb);
}
