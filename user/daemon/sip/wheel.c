// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slots of timers; a timer further away than a turn stays in its slot for
 * another turn. A timerfd turns the wheel, because libre 1.1.0 counts its own
 * timers on the wall clock; it is idle while no timer runs.
 */
#include "sip/wheel.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 20
#define SLOTS   1024

struct wheel {
	int fd;
	size_t running;
	uint64_t tick;
	struct list slots[SLOTS];
};

#ifdef NATTRAV_UNIT_TEST
static uint64_t skipped;
#else
static const uint64_t skipped;
#endif

uint64_t wheel_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + skipped;
}

static uint64_t tick_now(void)
{
	return wheel_now() / TICK_MS;
}

static void wheel_arm(const struct wheel *wheel, bool on)
{
	const struct timespec period = { .tv_nsec = on ? TICK_MS * 1000000L : 0 };
	const struct itimerspec spec = { .it_interval = period, .it_value = period };

	(void)timerfd_settime(wheel->fd, 0, &spec, NULL);
}

static void wheel_turn(struct wheel *wheel)
{
	const uint64_t now = tick_now();
	struct list due = LIST_INIT;
	struct wheel_timer *timer;
	struct le *le;
	uint64_t t;

	t = now - wheel->tick > SLOTS ? now - SLOTS : wheel->tick;
	while (t++ < now) {
		le = list_head(&wheel->slots[t % SLOTS]);
		while (le) {
			timer = le->data;
			le = le->next;
			if (timer->due > now)
				continue;
			list_unlink(&timer->le);
			list_append(&due, &timer->le, timer);
		}
	}
	wheel->tick = now;

	/* a handler may stop any other timer, those of this list included */
	while ((timer = list_ledata(list_head(&due)))) {
		wheel_stop(timer);
		timer->fn(timer->arg);
	}
	if (!wheel->running)
		wheel_arm(wheel, false);
}

static void wheel_readable(int flags, void *arg)
{
	struct wheel *wheel = arg;
	uint64_t expirations;

	(void)flags;
	if (read(wheel->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		wheel_turn(wheel);
}

static void wheel_destroy(void *data)
{
	struct wheel *wheel = data;

	if (wheel->fd >= 0) {
		compat_fd_unwatch(wheel->fd);
		(void)close(wheel->fd);
	}
}

int wheel_alloc(struct wheel **wheelp)
{
	struct wheel *wheel;
	int err;

	wheel = mem_zalloc(sizeof(*wheel), wheel_destroy);
	if (!wheel)
		return ENOMEM;

	wheel->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	err = wheel->fd < 0 ? errno : compat_fd_watch(wheel->fd, wheel_readable, wheel);
	if (err) {
		mem_deref(wheel);
		return err;
	}
	*wheelp = wheel;
	return 0;
}

void wheel_start(struct wheel *wheel, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn,
		 void *arg)
{
	const uint64_t now = tick_now();

	wheel_stop(timer);

	if (!wheel->running++) {
		wheel->tick = now;
		wheel_arm(wheel, true);
	}
	timer->wheel = wheel;
	/* one more, since a part of the present tick has passed */
	timer->due = now + (delay + TICK_MS - 1) / TICK_MS + 1;
	timer->fn = fn;
	timer->arg = arg;
	list_append(&wheel->slots[timer->due % SLOTS], &timer->le, timer);
}

void wheel_stop(struct wheel_timer *timer)
{
	if (!wheel_running(timer))
		return;
	list_unlink(&timer->le);
	timer->wheel->running--;
}

bool wheel_running(const struct wheel_timer *timer)
{
	return timer->le.list != NULL;
}

#ifdef NATTRAV_UNIT_TEST
void wheel_skip(struct wheel *wheel, uint64_t ms)
{
	skipped += ms;
	wheel_turn(wheel);
}
#endif
