/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIP messages as they pass: the message that came in is copied with a few
 * edits, so that headers which nattravd does not know leave byte for byte.
 */
#ifndef NATTRAVD_SIP_MESSAGE_H
#define NATTRAVD_SIP_MESSAGE_H

#include "sip/compat.h"

struct msg_edit;

/**
 * msg_edit_alloc() - begin to edit a message
 * @editp: set to the edit; drop it with mem_deref()
 * @msg: the message, decoded; it must outlive the edit
 *
 * The calls below note what to change; the first failure is kept and returned
 * by msg_edit_finish().
 *
 * Return: 0 or ENOMEM.
 */
int msg_edit_alloc(struct msg_edit **editp, const struct sip_msg *msg);

/* Put text in the place of @slice, which must lie in the message. */
void msg_edit_replace(struct msg_edit *edit, const struct pl *slice, const char *fmt, ...);

/* Put a whole header line, CRLF included, above all others. Later calls go below earlier ones. */
void msg_edit_prepend(struct msg_edit *edit, const char *fmt, ...);

/* Drop the line that @hdr is on, with its continuations. */
void msg_edit_drop_line(struct msg_edit *edit, const struct sip_hdr *hdr);

/* Drop the first @count values of a header with comma-separated values, such as Via or Route. */
void msg_edit_drop_values(struct msg_edit *edit, enum sip_hdrid id, size_t count);

/* Put other text in place of @part of the body, or all of it, and correct Content-Length. */
void msg_edit_body(struct msg_edit *edit, const struct pl *part, const struct pl *text);

/**
 * msg_edit_finish() - write the edited message
 * @edit: the edit
 * @mbp: set to the message, its position at the start
 *
 * Return: 0 or an errno.
 */
int msg_edit_finish(const struct msg_edit *edit, struct mbuf **mbp);

/* The body; empty if there is none. */
struct pl msg_body(const struct sip_msg *msg);

/* Whether the request names its method, in the exact case that RFC 3261 asks for. */
bool msg_is(const struct sip_msg *msg, const char *method);

/* Whether the response is one to this method. */
bool msg_answers(const struct sip_msg *msg, const char *method);

/* @pl without white space at its ends. */
struct pl msg_trim(struct pl pl);

/**
 * msg_number() - read a header value that is a number
 * @text: the value
 * @max: greatest value taken
 * @number: set to the number
 *
 * Return: 0; EBADMSG if it is not digits only; ERANGE if it is more than @max.
 */
int msg_number(const struct pl *text, uint32_t max, uint32_t *number);

/* The number that a header begins with, which @number is set to; 0 if it is not there. */
uint32_t msg_seconds(const struct sip_msg *msg, enum sip_hdrid id, struct pl *number);

/**
 * msg_param() - find a parameter behind a header value or a URI
 * @params: from the first semicolon on; quoted strings are passed over
 * @name: its name, in any case
 * @value: set to the value, without quotes; empty if it has none
 *
 * Return: whether it is there.
 */
bool msg_param(const struct pl *params, const char *name, struct pl *value);

/**
 * struct via_stamp - a top Via with what its receiver adds to it
 * @via: the Via as it came
 * @src: the packet's source (RFC 3261 section 18.2.1, RFC 3581 section 4)
 * @keep: seconds to answer ";keep" with (RFC 6223), 0 to leave it alone
 */
struct via_stamp {
	const struct sip_via *via;
	struct sa src;
	uint32_t keep;
};

/* Print the value of a stamped Via, for %H. */
int via_stamp_print(struct re_printf *pf, const struct via_stamp *stamp);

/* The host of a URI as text for %H: an IPv6 address gets its brackets. */
int sa_uri_print(struct re_printf *pf, const struct sa *sa);

#endif
