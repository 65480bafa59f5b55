/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which nonces were used, and how often: digest credentials that somebody
 * listened to are worth nothing a second time (RFC 7616 section 5.12).
 */
#ifndef NATTRAVD_REGISTRAR_REPLAY_H
#define NATTRAVD_REGISTRAR_REPLAY_H

#include <re.h>

struct replay;

int replay_alloc(struct replay **replayp);

/**
 * replay_check() - may this nonce be used with this count now?
 * @replay: the table
 * @nonce: a nonce of ours, with credentials that are right
 * @nc: its count
 * @request: what the request is known by: a retransmission has the same
 *
 * Counts may come in another order than they were sent in, within 64. The table
 * has a fixed size; a nonce that fell out of it counts as one that was never used,
 * and may then begin with 1 only.
 *
 * Return: false if the sender has to ask for another nonce.
 */
bool replay_check(struct replay *replay, const struct pl *nonce, uint32_t nc, uint64_t request);

#endif
