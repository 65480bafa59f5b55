/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow tokens: the user part of our Record-Route and Path entries. A token names
 * a flow and proves that this gateway wrote it, for this Call-ID or for a Path, so
 * that nobody can make the gateway send to an address of his choice (RFC 5626
 * section 5.2).
 */
#ifndef NATTRAVD_SIP_TOKEN_H
#define NATTRAVD_SIP_TOKEN_H

#include "sip/flow.h"
#include "sip/secret.h"

#include <linux/nattrav.h>

/* side and transport, two addresses with family and port, code */
#define TOKEN_BYTES_MAX (SECRET_MAC_LEN + 1 + 2 * (1 + 16 + 2))
#define TOKEN_TEXT_MAX  ((TOKEN_BYTES_MAX * 4 + 2) / 3 + 1)

/**
 * struct token - what a flow token says
 * @side: the side of the dialog that is reached over the flow; NATTRAV_SIDE_A
 *	is the one that began the dialog
 * @again: it was written when the call came by for another time, by a Path of ours
 * @flow: the flow
 */
struct token {
	enum nattrav_side side;
	bool again;
	struct flow_id flow;
};

/**
 * token_encode() - write a token
 * @token: what it says
 * @secret: key to sign with
 * @callid: the dialog's Call-ID; NULL for a Path, which is good for any
 * @text: room for TOKEN_TEXT_MAX characters, NUL included
 *
 * Return: 0 or an errno.
 */
int token_encode(const struct token *token, const struct secret *secret, const struct pl *callid,
		 char *text);

/**
 * token_decode() - read and check a token
 * @token: what it says
 * @secret: key that it must be signed with
 * @callid: the dialog's Call-ID; NULL for a Path
 * @text: the token
 *
 * Return: 0; EBADMSG if it is not a token; EPERM if it was not signed with our
 * key for this Call-ID.
 */
int token_decode(struct token *token, const struct secret *secret, const struct pl *callid,
		 const struct pl *text);

#endif
