/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guessing passwords: who fails too often is not listened to for a while, and
 * for longer each time (threat S1).
 */
#ifndef NATTRAVD_REGISTRAR_LOCKOUT_H
#define NATTRAVD_REGISTRAR_LOCKOUT_H

#include <re.h>

struct lockout;

int lockout_alloc(struct lockout **lockoutp);

/**
 * lockout_is_shut() - is a try not to be looked at?
 * @lockout: the lock
 * @src: who tries; the port does not count, of IPv6 the first 64 bits
 * @user: the user name that he gives, which may be nobody's
 *
 * After 5 failures a source is shut out for a second, after each further one for
 * twice as long, up to 5 minutes. A user name is shut after 50, for those who are
 * not there already.
 */
bool lockout_is_shut(struct lockout *lockout, const struct sa *src, const struct pl *user);

/* A try failed. */
void lockout_failed(struct lockout *lockout, const struct sa *src, const struct pl *user);

/* A try of this source succeeded: half of what it did wrong is forgiven. */
void lockout_passed(struct lockout *lockout, const struct sa *src);

#endif
