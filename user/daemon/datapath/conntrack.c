// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The conntrack datapath as the media side sees it.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "datapath/conntrack.h"
#include "log.h"

#define STREAM_BUCKETS 16384
#define TICK_MS        1000
#define EPOLL_EVENTS   64
/* SIP, the database and what else the process has open. */
#define OTHER_FILES 256

/**
 * struct telling - an event that is to be told
 * @le: element of datapath.events
 * @event: the event
 */
struct telling {
	struct le le;
	struct nattrav_event event;
};

/**
 * ct_now() - the time in ms, which goes on over a restart of the process
 *
 * Return: CLOCK_BOOTTIME.
 */
uint64_t ct_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/**
 * ct_fail() - leave a failure in words
 * @datapath: the datapath
 * @err: the failure as -errno
 * @fmt: format of re_printf()
 *
 * Return: @err.
 */
int ct_fail(struct datapath *datapath, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(datapath->error, sizeof(datapath->error), fmt, ap);
	va_end(ap);
	return err;
}

/**
 * ct_sockaddr_set() - an address and port for the kernel
 * @sa: set to it
 * @endpoint: the address and port
 *
 * Return: its length.
 */
socklen_t ct_sockaddr_set(union ct_sockaddr *sa, const struct nattrav_endpoint *endpoint)
{
	memset(sa, 0, sizeof(*sa));
	sa->sa.sa_family = endpoint->addr.family;
	if (endpoint->addr.family == AF_INET6) {
		sa->v6.sin6_addr = endpoint->addr.v6;
		sa->v6.sin6_port = htons(endpoint->port);
		return sizeof(sa->v6);
	}

	sa->v4.sin_addr = endpoint->addr.v4;
	sa->v4.sin_port = htons(endpoint->port);
	return sizeof(sa->v4);
}

/**
 * ct_sockaddr_get() - the other way round
 * @endpoint: set to the address and port
 * @sa: what the kernel told
 */
void ct_sockaddr_get(struct nattrav_endpoint *endpoint, const union ct_sockaddr *sa)
{
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->addr.family = sa->sa.sa_family;
	if (sa->sa.sa_family == AF_INET6) {
		endpoint->addr.v6 = sa->v6.sin6_addr;
		endpoint->port = ntohs(sa->v6.sin6_port);
	} else {
		endpoint->addr.v4 = sa->v4.sin_addr;
		endpoint->port = ntohs(sa->v4.sin_port);
	}
}

static void telling_destructor(void *arg)
{
	struct telling *telling = arg;

	list_unlink(&telling->le);
}

static void tell_now(void *arg)
{
	struct datapath *datapath = arg;
	struct le *le;

	while ((le = list_head(&datapath->events)) != NULL) {
		struct telling *telling = le->data;

		datapath->watch->monitor.event(&telling->event, datapath->watch_arg);
		mem_deref(telling);
	}
}

/**
 * ct_tell() - tell of an event, when whoever made it happen is through
 * @datapath: the datapath
 * @event: the event; gets its number and time
 */
void ct_tell(struct datapath *datapath, const struct nattrav_event *event)
{
	struct telling *telling;

	datapath->info.event_seq++;
	if (!datapath->watch)
		return;

	telling = mem_zalloc(sizeof(*telling), telling_destructor);
	if (!telling) {
		log_warn("stream %u: an event is lost: out of memory", event->stream.id);
		return;
	}

	telling->event = *event;
	telling->event.seq = datapath->info.event_seq;
	telling->event.time = ct_now() * 1000000;
	list_append(&datapath->events, &telling->le, telling);
	tmr_start(&datapath->teller, 0, tell_now, datapath);
}

static void sockets_readable(int flags, void *arg)
{
	struct datapath *datapath = arg;
	struct epoll_event events[EPOLL_EVENTS];
	int count, i;

	(void)flags;

	count = epoll_wait(datapath->epoll, events, EPOLL_EVENTS, 0);
	for (i = 0; i < count; i++)
		ct_leg_readable(events[i].data.ptr);
}

static bool stream_expired(struct le *le, void *arg)
{
	const uint64_t *now = arg;

	return ct_stream_expire(le->data, *now);
}

static void trouble_look(struct datapath *datapath)
{
	const char *trouble = ct_host_trouble(datapath->families);

	if (trouble && !datapath->trouble)
		log_error("%s", trouble);
	else if (!trouble && datapath->trouble)
		log_info("what was wrong with this host is right again");
	datapath->trouble = trouble;
}

static void tick(void *arg)
{
	struct datapath *datapath = arg;
	uint64_t now = ct_now();

	tmr_start(&datapath->tick, TICK_MS, tick, datapath);
	trouble_look(datapath);
	if (datapath->stream_count)
		ct_entries_look(datapath);
	/* One that ends takes another with it: begin anew after each. */
	while (hash_apply(datapath->streams, stream_expired, &now))
		;
	ct_watch(datapath);
}

static void conntrack_destructor(void *arg)
{
	struct datapath *datapath = arg;
	const bool idle = datapath->watch && !datapath->stream_count;

	tmr_cancel(&datapath->tick);
	tmr_cancel(&datapath->teller);
	list_flush(&datapath->events);
	if (datapath->streams)
		hash_flush(datapath->streams);
	mem_deref(datapath->streams);
	mem_deref(datapath->calls);
	if (datapath->epoll >= 0) {
		fd_close(datapath->epoll);
		close(datapath->epoll);
	}
	list_flush(&datapath->pools);
	/* Calls go on by what stays in the kernel; without calls, nothing stays. */
	if (idle) {
		ct_state_remove(datapath->state);
		ct_host_rules_remove();
	}
	mem_deref(datapath->state);
	mem_deref(datapath->entries);
}

/* Two streams of a leg pair take four; the process begins with 1024. */
static uint32_t files_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;

	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur <= OTHER_FILES)
		return 0;

	return (uint32_t)(limit.rlim_cur < UINT32_MAX ? limit.rlim_cur - OTHER_FILES : UINT32_MAX) /
	       2;
}

static unsigned int families_of(const struct config *config)
{
	unsigned int families = 0;
	struct le *le;

	LIST_FOREACH(&config->pools, le) {
		const struct config_pool *pool = le->data;

		families |= sa_af(&pool->addr) == AF_INET6 ? CT_IPV6 : CT_IPV4;
	}

	return families;
}

static int conntrack_open(struct datapath **datapathp, const struct config *config)
{
	struct datapath *datapath;
	int err;

	err = ct_host_check(families_of(config));
	if (err)
		return err;

	datapath = mem_zalloc(sizeof(*datapath), conntrack_destructor);
	if (!datapath)
		return -ENOMEM;

	datapath->families = families_of(config);
	datapath->stream_next = 1;
	datapath->pool_next = 1;
	datapath->error_entry = -1;
	datapath->epoll = -1;
	str_ncpy(datapath->info.version, NATTRAV_VERSION, sizeof(datapath->info.version));
	datapath->info.streams_max = files_raise();

	err = ct_state_open(&datapath->state, config->database);
	if (err)
		goto err_datapath;

	err = ct_entries_open(&datapath->entries);
	if (err) {
		log_error("conntrack cannot be used: %m%s", -err,
			  err == -EPERM ? "; nattravd needs CAP_NET_ADMIN" : "");
		goto err_datapath;
	}

	err = -(hash_alloc(&datapath->streams, STREAM_BUCKETS) ?:
			hash_alloc(&datapath->calls, STREAM_BUCKETS));
	if (err)
		goto err_datapath;

	datapath->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = datapath->epoll < 0 ?
		      -errno :
		      -fd_listen(datapath->epoll, FD_READ, sockets_readable, datapath);
	if (err)
		goto err_datapath;

	log_info("media is relayed by the conntrack of this kernel: fewer checks than with the "
		 "module, see \"nattravctl status\"");
	*datapathp = datapath;
	return 0;

err_datapath:
	mem_deref(datapath);
	return err;
}

static void conntrack_close(struct datapath *datapath)
{
	mem_deref(datapath);
}

static const char *conntrack_error(const struct datapath *datapath)
{
	return datapath->error;
}

static int conntrack_error_entry(const struct datapath *datapath)
{
	return datapath->error_entry;
}

static bool entry_add(struct le *le, void *arg)
{
	const struct ct_stream *stream = le->data;
	uint64_t *packets = arg;

	*packets += stream->leg[NATTRAV_SIDE_A].entry.packets +
		    stream->leg[NATTRAV_SIDE_B].entry.packets;
	return false;
}

static int conntrack_info(struct datapath *datapath, struct nattrav_info *info)
{
	uint64_t packets = datapath->gone;

	(void)hash_apply(datapath->streams, entry_add, &packets);
	*info = datapath->info;
	info->pools = list_count(&datapath->pools);
	info->streams = datapath->stream_count;
	info->received += packets;
	info->forwarded += packets;
	return 0;
}

static const char *conntrack_trouble(const struct datapath *datapath)
{
	return datapath->trouble;
}

static int conntrack_pool_new(struct datapath *datapath, struct nattrav_pool *pools, size_t count)
{
	struct le *le;
	size_t i;
	int err;

	datapath->error_entry = -1;
	for (i = 0; i < count; i++) {
		err = ct_pool_add(datapath, &pools[i]);
		if (err) {
			datapath->error_entry = (int)i;
			goto err_pools;
		}
	}

	err = ct_host_rules(&datapath->pools);
	if (!err)
		return 0;
	(void)ct_fail(datapath, err, "nftables refuses the rules");

err_pools:
	while (i--) {
		le = list_tail(&datapath->pools);
		mem_deref(le->data);
	}
	return err;
}

static int conntrack_pool_dump(struct datapath *datapath, nattrav_pool_fn *fn, void *arg)
{
	struct nattrav_pool pool;
	struct le *le;
	int err;

	LIST_FOREACH(&datapath->pools, le) {
		ct_pool_tell(le->data, &pool);
		err = fn(&pool, arg);
		if (err)
			return err;
	}

	return 0;
}

/* One that was never told of; its ports have not been used and need no rest. */
static void stream_discard(struct ct_stream *stream)
{
	if (!stream)
		return;

	ct_port_release(&stream->leg[NATTRAV_SIDE_A], false);
	ct_port_release(&stream->leg[NATTRAV_SIDE_B], false);
	mem_deref(stream);
}

/* A stream with its RTCP, or neither. */
static struct ct_stream *stream_make(struct datapath *datapath, const struct nattrav_stream *given,
				     int *err)
{
	struct nattrav_stream rtcp = *given;
	struct ct_stream *stream, *tied = NULL;
	unsigned int side;

	stream = ct_stream_alloc(datapath, given);
	rtcp.type = NATTRAV_STREAM_TYPE_RTCP;
	if (stream && given->rtcp)
		tied = ct_stream_alloc(datapath, &rtcp);
	if (!stream || (given->rtcp && !tied)) {
		*err = -ENOMEM;
		goto err_stream;
	}
	if (tied) {
		stream->tied = tied;
		tied->tied = stream;
	}

	for (side = 0; side < 2; side++) {
		const struct nattrav_leg *leg = &given->leg[side];

		*err = ct_leg_policy_check(datapath, leg, ct_leg_family(leg));
		if (!*err)
			*err = ct_port_take(datapath, leg, &stream->leg[side],
					    tied ? &tied->leg[side] : NULL);
		if (*err)
			goto err_stream;

		ct_leg_policy(&stream->leg[side], leg, true);
		if (tied)
			ct_leg_policy(&tied->leg[side], leg, true);
		if (leg->peer.addr.family != AF_UNSPEC)
			ct_leg_peer(&stream->leg[side], &leg->peer);
	}
	if (stream->leg[NATTRAV_SIDE_A].local.addr.family !=
	    stream->leg[NATTRAV_SIDE_B].local.addr.family) {
		*err = ct_fail(datapath, -EAFNOSUPPORT,
			       "conntrack does not translate between IPv4 and IPv6");
		goto err_stream;
	}

	return stream;

err_stream:
	stream_discard(tied);
	stream_discard(stream);
	return NULL;
}

static int conntrack_stream_new(struct datapath *datapath, const struct nattrav_stream *streams,
				size_t count, struct nattrav_stream *made, size_t made_max)
{
	struct ct_stream **done;
	size_t i, told = 0;
	int err = 0;

	datapath->error_entry = -1;
	done = mem_zalloc(count * sizeof(struct ct_stream *), NULL);
	if (!done)
		return -ENOMEM;

	for (i = 0; i < count; i++) {
		done[i] = stream_make(datapath, &streams[i], &err);
		if (!done[i]) {
			datapath->error_entry = (int)i;
			goto err_streams;
		}
	}

	for (i = 0; i < count; i++) {
		struct ct_stream *stream = done[i];

		for (; stream; stream = stream == done[i] ? stream->tied : NULL) {
			ct_state_save(stream);
			if (told < made_max)
				ct_stream_tell(stream, &made[told]);
			told++;
		}
	}
	mem_deref(done);
	return (int)told;

err_streams:
	while (i--) {
		stream_discard(done[i]->tied);
		stream_discard(done[i]);
	}
	mem_deref(done);
	return err;
}

static int entry_not_found(struct datapath *datapath, size_t entry)
{
	datapath->error_entry = (int)entry;
	return ct_fail(datapath, -ENOENT, "no stream has this id");
}

static int conntrack_stream_set(struct datapath *datapath, const struct nattrav_stream *streams,
				size_t count)
{
	const struct ct_stream *stream;
	size_t i;
	int err;

	datapath->error_entry = -1;
	for (i = 0; i < count; i++) {
		stream = ct_stream_find(datapath, streams[i].id);
		if (!stream)
			return entry_not_found(datapath, i);

		err = ct_leg_policy_check(datapath, &streams[i].leg[NATTRAV_SIDE_A],
					  stream->leg[NATTRAV_SIDE_A].local.addr.family);
		if (!err)
			err = ct_leg_policy_check(datapath, &streams[i].leg[NATTRAV_SIDE_B],
						  stream->leg[NATTRAV_SIDE_B].local.addr.family);
		if (err) {
			datapath->error_entry = (int)i;
			return err;
		}
	}

	for (i = 0; i < count; i++)
		ct_stream_change(ct_stream_find(datapath, streams[i].id), &streams[i]);

	return 0;
}

static int conntrack_stream_del(struct datapath *datapath, const uint32_t *ids, size_t count)
{
	struct ct_stream *stream;
	size_t i;

	datapath->error_entry = -1;
	for (i = 0; i < count; i++) {
		if (!ct_stream_find(datapath, ids[i]))
			return entry_not_found(datapath, i);
	}

	for (i = 0; i < count; i++) {
		/* It may have gone with the one it was tied to. */
		stream = ct_stream_find(datapath, ids[i]);
		if (stream)
			ct_stream_remove(stream);
	}

	return 0;
}

static bool stream_of_call(struct le *le, void *arg)
{
	const struct ct_stream *stream = le->data;

	/* RTP before its RTCP, so that what is told comes in order. */
	return !strcmp(stream->given.call, arg) && stream->given.type != NATTRAV_STREAM_TYPE_RTCP;
}

static int conntrack_stream_del_call(struct datapath *datapath, const char *call)
{
	struct le *le;
	int err;

	err = ct_fail(datapath, -ENOENT, "no stream has this call");
	while ((le = hash_lookup(datapath->calls, hash_joaat_str(call), stream_of_call,
				 (void *)call)) != NULL) {
		ct_stream_remove(le->data);
		err = 0;
	}

	return err;
}

/**
 * struct dump - a dump of streams under way
 * @fn: told of each
 * @arg: for @fn
 * @err: what it returned
 */
struct dump {
	nattrav_stream_fn *fn;
	void *arg;
	int err;
};

static int conntrack_stream_get(struct datapath *datapath, uint32_t id, struct nattrav_stream *out)
{
	const struct ct_stream *stream = ct_stream_find(datapath, id);

	if (!stream)
		return -ENOENT;

	ct_stream_tell(stream, out);
	return 0;
}

static bool stream_dump(struct le *le, void *arg)
{
	struct nattrav_stream stream;
	struct dump *dump = arg;

	ct_stream_tell(le->data, &stream);
	dump->err = dump->fn(&stream, dump->arg);
	return dump->err != 0;
}

static int conntrack_stream_dump(struct datapath *datapath, nattrav_stream_fn *fn, void *arg)
{
	struct dump dump = { .fn = fn, .arg = arg };

	(void)hash_apply(datapath->streams, stream_dump, &dump);
	return dump.err;
}

static int conntrack_watch(struct datapath *datapath, const struct datapath_watch *watch, void *arg)
{
	int err;

	/* By now the pools are there that the streams of an earlier life lie in. */
	err = ct_state_load(datapath);
	if (err)
		return err;

	datapath->watch = watch;
	datapath->watch_arg = arg;
	ct_entries_look(datapath);
	tmr_start(&datapath->tick, TICK_MS, tick, datapath);
	return 0;
}

static const char *const conntrack_missing[] = {
	"needs ip_forward=1",
	"needs a firewall that lets UDP to the relay ports in, and forwards \"ct status dnat\"",
	("no rate limit, no check of RTP sequence numbers and SSRC, once both legs are complete; "
	 "keep-alives count as media then"),
	"no RTP statistics: loss, reordering, jitter",
	"packets that the host drops after they were rewritten are counted as forwarded",
	"packets to a relay port that no stream uses are answered by the host, not counted",
	"at most 1000 new sources a second at all relay ports of a pool; more are dropped, uncounted",
	"no translation between IPv4 and IPv6",
	"code points of what it relays stay as they came",
	NULL,
};

const struct datapath_ops datapath_conntrack = {
	.name = "conntrack",
	.missing = conntrack_missing,
	.open = conntrack_open,
	.close = conntrack_close,
	.error = conntrack_error,
	.error_entry = conntrack_error_entry,
	.info = conntrack_info,
	.trouble = conntrack_trouble,
	.pool_new = conntrack_pool_new,
	.pool_dump = conntrack_pool_dump,
	.stream_new = conntrack_stream_new,
	.stream_set = conntrack_stream_set,
	.stream_del = conntrack_stream_del,
	.stream_del_call = conntrack_stream_del_call,
	.stream_get = conntrack_stream_get,
	.stream_dump = conntrack_stream_dump,
	.watch = conntrack_watch,
};
