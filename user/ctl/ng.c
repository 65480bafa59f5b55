// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ng: speaks the ng protocol, as a SIP proxy would, to nattravd or to whatever else
 * answers it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "ctl.h"
#include "ng/message.h"

/* As often, and as long, as proxies do it. */
#define TRIES  5
#define TRY_MS 1000

/**
 * union place - where the ng protocol is answered
 * @sa: its beginning
 * @v4: of IPv4
 * @v6: of IPv6
 * @un: a unix socket
 */
union place {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

/**
 * struct talk - a question and its reply
 * @place: whom to ask
 * @place_len: length of the address
 * @name: the same as it was given
 * @dict: the question
 * @message: cookie of both, and body of the reply
 * @cookie: room for the cookie
 * @data: room for the reply
 */
struct talk {
	union place place;
	socklen_t place_len;
	const char *name;
	json_t *dict;
	struct ng_message message;
	char cookie[24];
	char data[NG_MESSAGE_MAX + 1];
};

static bool talk_is_local(const struct talk *talk)
{
	return talk->place.sa.sa_family == AF_UNIX;
}

static int place_parse(const struct ctl *ctl, struct talk *talk, const char *text)
{
	struct nattrav_endpoint endpoint = { .port = 0 };
	const char *wrong;

	talk->name = text;
	if (text[0] == '/') {
		if (strlen(text) >= sizeof(talk->place.un.sun_path))
			return ctl_usage(ctl, "\"%s\" is too long for a unix socket", text);
		talk->place.un.sun_family = AF_UNIX;
		memcpy(talk->place.un.sun_path, text, strlen(text) + 1);
		talk->place_len = sizeof(talk->place.un);
		return CTL_OK;
	}

	wrong = ctl_parse_local(text, &endpoint);
	if (wrong)
		return ctl_usage(ctl, "\"%s\" %s", text, wrong);
	if (!endpoint.port)
		endpoint.port = NG_PORT;
	if (endpoint.addr.family == AF_INET6) {
		talk->place.v6.sin6_family = AF_INET6;
		talk->place.v6.sin6_addr = endpoint.addr.v6;
		talk->place.v6.sin6_port = htons(endpoint.port);
		talk->place_len = sizeof(talk->place.v6);
	} else {
		talk->place.v4.sin_family = AF_INET;
		talk->place.v4.sin_addr = endpoint.addr.v4;
		talk->place.v4.sin_port = htons(endpoint.port);
		talk->place_len = sizeof(talk->place.v4);
	}
	return CTL_OK;
}

static int sdp_read(const struct ctl *ctl, struct talk *talk, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	size_t len;

	if (!file)
		return ctl_fail(ctl, "%s: %s", path, strerror(errno));

	len = fread(talk->data, 1, sizeof(talk->data), file);
	if (ferror(file))
		len = 0;
	if (file != stdin)
		fclose(file);
	if (!len || len == sizeof(talk->data))
		return ctl_fail(ctl, "%s: no SDP that would fit into a message", path);

	json_object_set_new_nocheck(talk->dict, "sdp", json_stringn_nocheck(talk->data, len));
	return CTL_OK;
}

static bool is_list(const char *key)
{
	static const char *const keys[] = { "direction", "replace", "rtcp-mux", "received-from",
					    "supports" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!strcmp(keys[i], key))
			return true;
	}

	return false;
}

static json_t *list_of(const char *key, const char *text)
{
	json_t *list = json_array();
	size_t len;

	/* the family goes before the address */
	if (!strcmp(key, "received-from") && !strchr(text, ','))
		json_array_append_new(list, json_string(strchr(text, ':') ? "IP6" : "IP4"));
	for (;;) {
		len = strcspn(text, ",");
		json_array_append_new(list, json_stringn_nocheck(text, len));
		if (!text[len])
			return list;
		text += len + 1;
	}
}

/* "from-tag=x" is a key with its value, "trust-address" a flag. */
static void word_take(struct talk *talk, json_t *flags, char *word)
{
	char *value = strchr(word, '=');

	if (!value) {
		json_array_append_new(flags, json_string_nocheck(word));
		return;
	}

	*value++ = '\0';
	json_object_set_new_nocheck(talk->dict, word,
				    is_list(word) ? list_of(word, value) :
						    json_string_nocheck(value));
}

static int words_take(const struct ctl *ctl, struct talk *talk, struct ctl_words words)
{
	json_t *flags;
	size_t i;

	if (!words.count)
		return ctl_usage(ctl, "which command?");

	json_object_set_new_nocheck(talk->dict, "command", json_string_nocheck(words.word[0]));
	flags = json_array();
	for (i = 1; i < words.count; i++)
		word_take(talk, flags, words.word[i]);
	if (json_array_size(flags))
		json_object_set_nocheck(talk->dict, "flags", flags);
	json_decref(flags);
	return CTL_OK;
}

/* Options stand before the command, for behind it everything goes to the other side. */
static int talk_parse(const struct ctl *ctl, struct talk *talk, struct ctl_words words)
{
	int status = place_parse(ctl, talk, "127.0.0.1");

	while (!status && words.count >= 2) {
		if (!strcmp(words.word[0], "to"))
			status = place_parse(ctl, talk, words.word[1]);
		else if (!strcmp(words.word[0], "sdp"))
			status = sdp_read(ctl, talk, words.word[1]);
		else
			break;
		words.word += 2;
		words.count -= 2;
	}

	return status ? status : words_take(ctl, talk, words);
}

/* A reply to this question; others are of no interest. */
static bool reply_is_ours(struct talk *talk, size_t len)
{
	struct ng_message reply;

	if (!ng_message_split(&reply, talk->data, len, !talk_is_local(talk)) ||
	    reply.cookie_len != talk->message.cookie_len ||
	    (reply.cookie_len && memcmp(reply.cookie, talk->message.cookie, reply.cookie_len) != 0))
		return false;

	talk->message.body = reply.body;
	talk->message.body_len = reply.body_len;
	return true;
}

/* Datagrams get lost: the question is asked again with the same cookie. */
static int talk_datagrams(struct talk *talk, int fd, const char *question, size_t len)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	unsigned int i;
	ssize_t got;

	for (i = 0; i < TRIES; i++) {
		if (send(fd, question, len, MSG_NOSIGNAL) < 0)
			return errno;
		while (poll(&poll_fd, 1, TRY_MS) > 0) {
			got = recv(fd, talk->data, sizeof(talk->data), 0);
			if (got < 0)
				return errno;
			if (reply_is_ours(talk, (size_t)got))
				return 0;
		}
	}

	return ETIMEDOUT;
}

static int talk_stream(struct talk *talk, int fd, const char *question, size_t len)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct ng_frame frame = { .at = 0 };
	size_t have = 0;
	ssize_t got;
	long end;

	if (send(fd, question, len, MSG_NOSIGNAL) != (ssize_t)len)
		return errno ? errno : EPIPE;

	while (have < sizeof(talk->data)) {
		if (poll(&poll_fd, 1, TRIES * TRY_MS) <= 0)
			return ETIMEDOUT;
		got = recv(fd, talk->data + have, sizeof(talk->data) - have, 0);
		if (got <= 0)
			return got ? errno : ECONNRESET;
		have += (size_t)got;
		end = ng_frame_end(&frame, talk->data, have, false);
		if (end)
			return end > 0 && reply_is_ours(talk, (size_t)end) ? 0 : EBADMSG;
	}

	return EMSGSIZE;
}

static int talk_exchange(struct talk *talk)
{
	const bool local = talk_is_local(talk);
	uint64_t number = 0;
	char *question;
	size_t len;
	int fd, err;

	if (!local) {
		(void)!getrandom(&number, sizeof(number), 0);
		talk->message.cookie_len = (size_t)snprintf(talk->cookie, sizeof(talk->cookie),
							    "%016llx", (unsigned long long)number);
		talk->message.cookie = talk->cookie;
	}

	question = ng_message_encode(&talk->message, talk->dict, &len);
	if (!question)
		return ENOMEM;
	if (len > NG_MESSAGE_MAX) {
		free(question);
		return EMSGSIZE;
	}

	fd = socket(talk->place.sa.sa_family, (local ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &talk->place.sa, talk->place_len))
		err = errno;
	else
		err = local ? talk_stream(talk, fd, question, len) :
			      talk_datagrams(talk, fd, question, len);
	if (fd >= 0)
		close(fd);
	free(question);
	return err;
}

static int reply_print(const struct ctl *ctl, const json_t *reply)
{
	const json_t *calls = json_object_get(reply, "calls");
	const char *sdp = json_string_value(json_object_get(reply, "sdp"));
	size_t i;

	if (!strcmp(json_string_value(json_object_get(reply, "result")), "pong")) {
		puts("pong");
		return CTL_OK;
	}
	if (sdp) {
		fputs(sdp, stdout);
		return CTL_OK;
	}
	if (json_is_array(calls)) {
		for (i = 0; i < json_array_size(calls); i++)
			puts(json_string_value(json_array_get(calls, i)));
		return CTL_OK;
	}

	return ctl_json_print(ctl, json_deep_copy(reply), JSON_INDENT(2));
}

static int reply_show(const struct ctl *ctl, json_t *reply)
{
	const char *result = json_string_value(json_object_get(reply, "result"));
	const char *reason = json_string_value(json_object_get(reply, "error-reason"));
	const bool good = result && (!strcmp(result, "ok") || !strcmp(result, "pong"));
	int status;

	if (ctl->json) {
		status = ctl_json_print(ctl, json_incref(reply), JSON_INDENT(2));
		return status || good ? status : CTL_FAILED;
	}
	if (!good)
		return ctl_fail(ctl, "refused: %s",
				reason ? reason :
				result ? result :
					 "no reason given");

	return reply_print(ctl, reply);
}

static int talk_run(const struct ctl *ctl, struct talk *talk)
{
	json_t *reply;
	int err, status;

	err = talk_exchange(talk);
	if (err)
		return ctl_fail(ctl, "no reply from %s: %s", talk->name, strerror(err));

	reply = ng_message_decode(&talk->message);
	if (!json_is_object(reply))
		status = ctl_fail(ctl, "the reply of %s cannot be read", talk->name);
	else
		status = reply_show(ctl, reply);
	json_decref(reply);
	return status;
}

int ctl_ng(struct ctl *ctl, struct ctl_words words)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	int status;

	if (!talk)
		return ctl_fail(ctl, "out of memory");

	talk->dict = json_object();
	status = talk_parse(ctl, talk, words);
	if (!status)
		status = talk_run(ctl, talk);
	json_decref(talk->dict);
	free(talk);
	return status;
}
