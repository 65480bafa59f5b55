/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guessing passwords: who fails too often is not listened to for a while, and
 * for longer each time (threat S1).
 */
#ifndef NATTRAVD_REGISTRAR_LOCK_H
#define NATTRAVD_REGISTRAR_LOCK_H

#include <re.h>

struct lock;

int lock_alloc(struct lock **lockp);

/**
 * lock_is_shut() - is a try not to be looked at?
 * @lock: the lock
 * @src: who tries; the port does not count, of IPv6 the first 64 bits
 * @user: the user name that he gives, which may be nobody's
 *
 * After 5 failures a source is shut out for a second, after each further one for
 * twice as long, up to 5 minutes. A user name is shut after 50, for those who are
 * not there already.
 */
bool lock_is_shut(struct lock *lock, const struct sa *src, const struct pl *user);

/* A try failed. */
void lock_failed(struct lock *lock, const struct sa *src, const struct pl *user);

/* A try of this source succeeded: half of what it did wrong is forgiven. */
void lock_passed(struct lock *lock, const struct sa *src);

#endif
