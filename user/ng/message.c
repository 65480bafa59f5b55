// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of the ng protocol, in datagrams and in streams.
 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* Lengths in bencode and integers have so many bytes, and what ends them. */
#define TOKEN_MAX 24

bool ng_message_split(struct ng_message *message, const char *data, size_t len, bool cookie)
{
	const char *space = cookie ? memchr(data, ' ', len) : NULL;

	memset(message, 0, sizeof(*message));
	if (cookie) {
		if (!space || space == data || space - data > NG_COOKIE_MAX)
			return false;
		message->cookie = data;
		message->cookie_len = (size_t)(space - data);
		len -= message->cookie_len + 1;
		data = space + 1;
	}

	message->body = data;
	message->body_len = len;
	message->json = len && *data == '{';
	return message->json || (len && *data == 'd');
}

json_t *ng_message_decode(const struct ng_message *message)
{
	json_t *json;

	if (!message->json)
		return bencode_decode(message->body, message->body_len);

	json = json_loadb(message->body, message->body_len, 0, NULL);
	if (json && bencode_deep(json)) {
		json_decref(json);
		return NULL;
	}

	return json;
}

char *ng_message_encode(const struct ng_message *message, const json_t *dict, size_t *len)
{
	const size_t head = message->cookie_len ? message->cookie_len + 1 : 0;
	size_t size = 0;
	char *body, *out;

	if (message->json) {
		body = json_dumps(dict, JSON_COMPACT);
		size = body ? strlen(body) : 0;
	} else {
		body = bencode_encode(dict, &size);
	}
	if (!body)
		return NULL;

	out = realloc(body, head + size);
	if (!out) {
		free(body);
		return NULL;
	}
	if (head) {
		memmove(out + head, out, size);
		memcpy(out, message->cookie, message->cookie_len);
		out[head - 1] = ' ';
	}

	*len = head + size;
	return out;
}

static long cookie_end(const char *data, size_t len)
{
	const char *space = memchr(data, ' ', len);

	if (space)
		return space > data && space - data <= NG_COOKIE_MAX ? space - data + 1 : -1;

	return len > NG_COOKIE_MAX ? -1 : 0;
}

/* The length of a string of bencode with its head, 0 if the head is not whole, or -1. */
static long string_length(const char *data, size_t len)
{
	size_t value = 0, i;

	for (i = 0; i < len && i < TOKEN_MAX; i++) {
		if (data[i] == ':')
			return (long)(value + i + 1);
		if (data[i] < '0' || data[i] > '9')
			return -1;
		value = value * 10 + (size_t)(data[i] - '0');
		if (value > NG_MESSAGE_MAX)
			return -1;
	}

	return i == TOKEN_MAX ? -1 : 0;
}

static long integer_length(const char *data, size_t len)
{
	const size_t most = len < TOKEN_MAX ? len : TOKEN_MAX;
	const char *end = memchr(data, 'e', most);

	if (end)
		return end - data + 1;

	return most == TOKEN_MAX ? -1 : 0;
}

/* One step in bencode: the length of what stands there, 0 if that is not known yet, or -1. */
static long token_length(struct ng_frame *frame, const char *data, size_t len)
{
	switch (*data) {
	case 'd':
	case 'l':
		frame->depth++;
		return frame->depth > BENCODE_DEPTH_MAX ? -1 : 1;
	case 'e':
		frame->depth--;
		return 1;
	case 'i':
		return integer_length(data, len);
	default:
		return string_length(data, len);
	}
}

/* In JSON only brackets and quotes matter; whether it is sound is found out later. */
static long json_step(struct ng_frame *frame, const char *data, size_t len)
{
	if (frame->quoted) {
		if (*data == '\\')
			return len > 1 ? 2 : 0;
		frame->quoted = *data != '"';
		return 1;
	}

	if (*data == '"')
		frame->quoted = true;
	else if (*data == '{' || *data == '[')
		frame->depth++;
	else if (*data == '}' || *data == ']')
		frame->depth--;
	return frame->depth > BENCODE_DEPTH_MAX ? -1 : 1;
}

static long frame_begin(struct ng_frame *frame, const char *data, size_t len, bool cookie)
{
	const long start = cookie ? cookie_end(data, len) : 0;

	if (start < 0)
		return -1;
	if ((cookie && !start) || (size_t)start == len)
		return 0;
	if (data[start] != '{' && data[start] != 'd')
		return -1;

	frame->json = data[start] == '{';
	frame->begun = true;
	frame->at = (size_t)start;
	return 1;
}

long ng_frame_end(struct ng_frame *frame, const char *data, size_t len, bool cookie)
{
	long step;

	if (!frame->begun) {
		step = frame_begin(frame, data, len, cookie);
		if (step <= 0)
			return step;
	}

	while (frame->at < len) {
		const char *next = data + frame->at;
		const size_t left = len - frame->at;

		step = frame->json ? json_step(frame, next, left) : token_length(frame, next, left);
		if (step <= 0)
			return step;
		/* the rest of a string: what was seen of it need not be seen again */
		frame->at += (size_t)step;
		if (frame->at > NG_MESSAGE_MAX)
			return -1;
		if (!frame->depth)
			return (long)frame->at;
	}

	return 0;
}
