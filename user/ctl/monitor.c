// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor: one line per event, until it is interrupted or the module goes.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "ctl.h"

/**
 * struct watch - a monitor under way
 * @ctl: the run
 * @streams: streams told since the last loss of events
 */
struct watch {
	const struct ctl *ctl;
	size_t streams;
};

#define NSEC 1000000000LL

static long long now(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

/* The kernel counts from the boot, so that a set clock does not disorder events. */
static const char *time_text(long long boottime, char text[CTL_TEXT_SIZE])
{
	long long wall = now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) + boottime;
	time_t seconds = (time_t)(wall / NSEC);
	struct tm tm;
	size_t len = 0;

	if (localtime_r(&seconds, &tm))
		len = strftime(text, CTL_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text + len, CTL_TEXT_SIZE - len, ".%03lld", wall % NSEC / (NSEC / 1000));
	return text;
}

static void line_json(const struct watch *watch, json_t *json)
{
	ctl_json_print(watch->ctl, json, JSON_COMPACT);
	fflush(stdout);
}

static void leg_totals(const struct nattrav_stream *stream, enum nattrav_side side)
{
	const struct nattrav_leg *leg = &stream->leg[side];
	char text[CTL_TEXT_SIZE];

	printf("; %s %s %" PRIu64 " packets, %" PRIu64 " bytes", side == NATTRAV_SIDE_A ? "a" : "b",
	       leg->peer.addr.family ? ctl_endpoint_text(&leg->peer, text) : "partial",
	       leg->packets, leg->bytes);
}

static void stream_name(const struct nattrav_stream *stream)
{
	const char *type = nattrav_stream_type_name(stream->type);
	char call[CTL_CALL_SIZE];

	printf("stream %u (%s%s%s)", stream->id, type ? type : "?",
	       stream->call[0] ? ", call " : "", ctl_clean_text(stream->call, call, sizeof(call)));
}

static void event_print(const struct nattrav_event *event)
{
	const char *type = nattrav_event_type_name(event->type), *expiry;
	const char *side = event->side == NATTRAV_SIDE_A ? "a" : "b";
	char text[CTL_TEXT_SIZE];

	printf("%s  ", time_text((long long)event->time, text));
	if (type)
		printf("%-11s  ", type);
	else
		printf("event %-5d  ", (int)event->type);
	if (event->stream.id)
		stream_name(&event->stream);
	switch (event->type) {
	case NATTRAV_EVENT_TYPE_COMPLETED:
		printf(": leg %s heard its terminal at %s", side,
		       ctl_endpoint_text(&event->addr, text));
		break;
	case NATTRAV_EVENT_TYPE_RELATCHED:
		printf(": leg %s hears its terminal at %s now", side,
		       ctl_endpoint_text(&event->addr, text));
		break;
	case NATTRAV_EVENT_TYPE_CONTENTION:
		printf(": more than one source asks to be the terminal of leg %s", side);
		break;
	case NATTRAV_EVENT_TYPE_INTRUDER:
		printf(": leg %s heard a foreign source, %s", side,
		       ctl_endpoint_text(&event->addr, text));
		break;
	case NATTRAV_EVENT_TYPE_EXPIRED:
		expiry = nattrav_expiry_name(event->expiry);
		printf(": its time-out \"%s\" is over", expiry ? expiry : "?");
		break;
	case NATTRAV_EVENT_TYPE_DELETED:
		leg_totals(&event->stream, NATTRAV_SIDE_A);
		leg_totals(&event->stream, NATTRAV_SIDE_B);
		break;
	case NATTRAV_EVENT_TYPE_FIRST_MEDIA:
		printf(": the first media of leg %s was relayed", side);
		break;
	case NATTRAV_EVENT_TYPE_SILENT:
		printf(": leg %s is silent", side);
		break;
	case NATTRAV_EVENT_TYPE_RESUMED:
		printf(": leg %s is heard again", side);
		break;
	case NATTRAV_EVENT_TYPE_ONE_WAY:
		printf(": one way only: leg %s is silent, the other one is not", side);
		break;
	case NATTRAV_EVENT_TYPE_POOL_LOW:
		printf("pool %u: %s ports %u-%u: %u %% are in use or at rest", event->pool.id,
		       ctl_addr_text(&event->pool.addr, text), event->pool.port_min,
		       event->pool.port_max, event->percent);
		break;
	case NATTRAV_EVENT_TYPE_LIMIT:
		printf("%u %% of the streams that there may be", event->percent);
		break;
	}
	putchar('\n');
	fflush(stdout);
}

static void on_event(const struct nattrav_event *event, void *arg)
{
	const struct watch *watch = arg;

	if (watch->ctl->json)
		line_json(watch, ctl_json_event(event));
	else
		event_print(event);
}

static void on_resync_begin(void *arg)
{
	struct watch *watch = arg;
	char text[CTL_TEXT_SIZE];

	watch->streams = 0;
	if (watch->ctl->json) {
		line_json(watch, json_pack("{s:s}", "type", "resync-begin"));
		return;
	}
	printf("%s  events were lost: reading all streams again\n",
	       time_text(now(CLOCK_BOOTTIME), text));
	fflush(stdout);
}

static void on_stream(const struct nattrav_stream *stream, void *arg)
{
	struct watch *watch = arg;

	watch->streams++;
	if (watch->ctl->json) {
		line_json(watch, json_pack("{s:s, s:o}", "type", "resync-stream", "stream",
					   ctl_json_stream(stream)));
		return;
	}
	printf("  ");
	stream_name(stream);
	leg_totals(stream, NATTRAV_SIDE_A);
	leg_totals(stream, NATTRAV_SIDE_B);
	putchar('\n');
}

static void on_resync_end(void *arg)
{
	const struct watch *watch = arg;
	char text[CTL_TEXT_SIZE];

	if (watch->ctl->json) {
		line_json(watch, json_pack("{s:s, s:I}", "type", "resync-end", "streams",
					   (json_int_t)watch->streams));
		return;
	}
	printf("%s  that was all: %zu streams\n", time_text(now(CLOCK_BOOTTIME), text),
	       watch->streams);
	fflush(stdout);
}

static int buffer_set(const struct nattrav_monitor *monitor, int bytes)
{
	return setsockopt(nattrav_monitor_fd(monitor), SOL_SOCKET, SO_RCVBUF, &bytes,
			  sizeof(bytes));
}

int ctl_monitor(struct ctl *ctl, struct ctl_words words)
{
	static const struct nattrav_monitor_ops ops = {
		.event = on_event,
		.resync_begin = on_resync_begin,
		.stream = on_stream,
		.resync_end = on_resync_end,
	};
	struct watch watch = { .ctl = ctl };
	struct nattrav_monitor *monitor;
	uint32_t buffer = 0;
	struct pollfd pollfd;
	int err;

	if (words.count && strcmp(words.word[0], "--buffer") != 0)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	if (words.count && (words.count != 2 || ctl_parse_u32(words.word[1], &buffer) || !buffer ||
			    buffer > INT_MAX / 2))
		return ctl_usage(ctl, "--buffer needs a number of bytes");
	err = nattrav_monitor_open(&monitor, &ops, &watch);
	if (err == -EPERM) {
		ctl_fail(ctl, "not permitted");
		ctl_hint(err);
		return CTL_FAILED;
	}
	if (err)
		return ctl_fail_open(ctl, err);
	if (buffer && buffer_set(monitor, (int)buffer))
		err = -errno;
	pollfd = (struct pollfd){ .fd = nattrav_monitor_fd(monitor), .events = POLLIN };
	/* Ends when nobody listens any more, too. */
	while (!err && !ferror(stdout)) {
		if (poll(&pollfd, 1, -1) < 0 && errno != EINTR)
			err = -errno;
		else
			err = nattrav_monitor_read(monitor);
	}
	nattrav_monitor_close(monitor);
	if (err == -ENOENT)
		return ctl_fail(ctl, "the nattrav module was unloaded");
	return err ? ctl_fail(ctl, "%s", strerror(-err)) : CTL_FAILED;
}
