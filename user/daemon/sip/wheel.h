/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hashed timer wheel: starting and stopping a timer costs the same however
 * many there are. libre's own timers are a sorted list.
 */
#ifndef NATTRAVD_SIP_WHEEL_H
#define NATTRAVD_SIP_WHEEL_H

#include "sip/compat.h"

struct wheel;

typedef void wheel_fn(void *arg);

/**
 * struct wheel_timer - a timer; zeroed memory is one that does not run
 * @le: element of its slot
 * @wheel: the wheel that it runs on
 * @due: tick at which it fires
 * @fn: called then, once
 * @arg: its argument
 */
struct wheel_timer {
	struct le le;
	struct wheel *wheel;
	uint64_t due;
	wheel_fn *fn;
	void *arg;
};

/**
 * wheel_alloc() - make a wheel that is turned by the event loop
 * @wheelp: set to the wheel; drop it with mem_deref() after all timers stopped
 *
 * Return: 0 or an errno.
 */
int wheel_alloc(struct wheel **wheelp);

/**
 * wheel_start() - run a timer, from the beginning if it runs already
 * @wheel: the wheel
 * @timer: the timer; it may be started or stopped again from @fn
 * @delay: milliseconds; fires at the next tick (20 ms) after that
 * @fn: called once
 * @arg: its argument
 */
void wheel_start(struct wheel *wheel, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn,
		 void *arg);
void wheel_stop(struct wheel_timer *timer);
bool wheel_running(const struct wheel_timer *timer);

/* Milliseconds on a clock that never jumps. */
uint64_t wheel_now(void);

#ifdef NATTRAV_UNIT_TEST
/* Let time pass and fire what falls due. */
void wheel_skip(struct wheel *wheel, uint64_t ms);
#endif

#endif
