/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the ng protocol: a cookie, a space, and a dictionary in bencode or
 * in JSON. Who asks in one of them is answered in the same.
 */
#ifndef NATTRAV_NG_MESSAGE_H
#define NATTRAV_NG_MESSAGE_H

#include "ng/bencode.h"

#define NG_COOKIE_MAX  255
#define NG_MESSAGE_MAX 65535
#define NG_PORT        2223

/**
 * struct ng_message - a message
 * @cookie: tells which question a reply is for; points into the message
 * @cookie_len: its length, 0 where messages have none
 * @body: the dictionary as it came; points into the message
 * @body_len: its length
 * @json: it is JSON
 */
struct ng_message {
	const char *cookie;
	size_t cookie_len;
	const char *body;
	size_t body_len;
	bool json;
};

/**
 * ng_message_split() - find cookie and dictionary
 * @message: set to them
 * @data: the message
 * @len: its length
 * @cookie: it has a cookie
 *
 * Return: whether it looks like a message.
 */
bool ng_message_split(struct ng_message *message, const char *data, size_t len, bool cookie);

/* The dictionary of a message, or NULL if it is none; drop it with json_decref(). */
json_t *ng_message_decode(const struct ng_message *message);

/**
 * ng_message_encode() - write a message
 * @message: whose cookie and encoding are used
 * @dict: its dictionary
 * @len: set to its length
 *
 * Return: the message, to be freed, or NULL: the dictionary cannot be written in
 * this encoding, or memory ran out.
 */
char *ng_message_encode(const struct ng_message *message, const json_t *dict, size_t *len);

/**
 * struct ng_frame - how far the search for the end of a message has come in a stream
 * @at: where it goes on
 * @depth: how many dictionaries and lists are open there
 * @begun: the dictionary has begun
 * @json: it is JSON
 * @quoted: a string of JSON is open
 */
struct ng_frame {
	size_t at;
	unsigned int depth;
	bool begun;
	bool json;
	bool quoted;
};

/**
 * ng_frame_end() - find the end of a message in a stream
 * @frame: zeroed for each message; keeps what was seen already
 * @data: the stream from the beginning of the message
 * @len: how much of it is there, the same as before or more
 * @cookie: messages have cookies
 *
 * Each byte is looked at once, however few of them come at a time.
 *
 * Return: the length of the message, 0 if more of it is needed, -1 if this is no
 * message.
 */
long ng_frame_end(struct ng_frame *frame, const char *data, size_t len, bool cookie);

#endif
