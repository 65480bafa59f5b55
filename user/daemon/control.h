/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket that nattravctl steers nattravd through: a word comes, and is answered
 * with what status_json() tells.
 *
 *	drain    take nothing new, exit with the last call
 *	cancel   take it again
 *	status   nothing but the answer
 *
 * When nattravd exits it sends the answer once more, so that who waits can tell an
 * end from a crash. A message is a packet (SOCK_SEQPACKET). The file is for root and
 * a group (0660), and who connects is looked at once more (threat C10).
 */
#ifndef NATTRAVD_CONTROL_H
#define NATTRAVD_CONTROL_H

#define CONTROL_SOCKET "/run/nattrav/control"

struct control;
struct drain;
struct served;

/**
 * control_alloc() - answer nattravctl from now on
 * @controlp: set to it; drop it with mem_deref() before the others
 * @path: the socket; its folder is made if only that is missing
 * @served: what is served
 * @drain: what drains it
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int control_alloc(struct control **controlp, const char *path, const struct served *served,
		  struct drain *drain);

#endif
