/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounting: a line of JSON for each call, when it is over.
 */
#ifndef NATTRAVD_SIP_ACCOUNT_H
#define NATTRAVD_SIP_ACCOUNT_H

#include "media/media.h"
#include "sip/dialog.h"

struct accounts;

/**
 * accounts_alloc() - begin to keep accounts
 * @accountsp: set to them; drop with mem_deref()
 * @path: file that lines are added to, made if it is not there
 * @media: tells of the media of calls
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int accounts_alloc(struct accounts **accountsp, const char *path, struct media *media);

/* Open the file anew: it may have been moved away. */
void accounts_reopen(struct accounts *accounts);

/* A call is over; its line is written when its media is. @why is the reason. */
void account_call(struct accounts *accounts, const struct dialog *dialog, const char *why);

#endif
