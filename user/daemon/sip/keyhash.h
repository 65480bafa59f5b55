/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash for tables whose keys come from the network.
 */
#ifndef NATTRAVD_SIP_KEYHASH_H
#define NATTRAVD_SIP_KEYHASH_H

#include "sip/compat.h"

/**
 * keyhash() - SipHash-2-4 of some bytes under a key drawn at start
 * @data: the bytes
 * @len: how many
 *
 * Nobody outside can choose keys that fall into the same bucket. The value
 * differs from run to run: do not store it.
 */
uint64_t keyhash(const void *data, size_t len);

/* The same for a string slice, chained onto an earlier value. */
uint64_t keyhash_pl(uint64_t seed, const struct pl *pl);

/* The same for an address with port. */
uint64_t keyhash_sa(const struct sa *sa, int flags);

/* The same for whom an address belongs to: who has one of an IPv6 subnet has them all. */
uint64_t keyhash_source(const struct sa *sa);

#endif
