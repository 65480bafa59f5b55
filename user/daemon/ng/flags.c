// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of the ng protocol and what they mean to us. A word may be said in
 * several ways: "replace-origin", "replace=origin", "replace": ["origin"], all of
 * them with spaces, hyphens or underscores and in any case.
 */
#include "ng/request.h"

#include <ctype.h>
#include <string.h>

#include "log.h"
#include "sdp/sdp.h"
#include "sip/keyhash.h"

#define NAME_MAX_LEN 48
#define NESTED_MAX   8
/* Of so many unknown words it is remembered that they were logged; then no more are. */
#define UNKNOWN_MAX 64
#define IDLE_MAX_S  (24 * 3600)

typedef void flag_fn(struct ng_request *request, const struct pl *value, unsigned int arg);

/**
 * struct flag - a word, or a key
 * @name: in lower case, with hyphens
 * @take: takes it in; NULL for one that is known and changes nothing
 * @arg: for @take
 */
struct flag {
	const char *name;
	flag_fn *take;
	unsigned int arg;
};

static void take_source(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)value;

	/* of several, the narrower one */
	if (arg > request->options.source)
		request->options.source = (enum media_source)arg;
}

static void take_rebind(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)value;
	(void)arg;
	request->options.rebind = true;
}

static void take_edit(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)value;
	request->options.edit |= arg;
}

static void take_fatal(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)value;
	(void)arg;
	request->fatal = true;
}

static void take_loop_protect(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)value;
	(void)arg;
	request->loop_protect = true;
}

static void take_load_limit(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)value;
	(void)arg;
	request->load_limit = true;
}

/* Words alone, and those with the key before them: "replace-origin". */
static const struct flag words[] = {
	{ "trust-address", NULL, 0 },
	{ "sip-source-address", take_source, MEDIA_SOURCE_SIGNALLING },
	{ "media-handover", take_rebind, 0 },
	{ "fatal", take_fatal, 0 },
	{ "loop-protect", take_loop_protect, 0 },
	{ "supports-load-limit", take_load_limit, 0 },
	{ "load-limit", take_load_limit, 0 },
	{ "replace-origin", take_edit, SDP_EDIT_ORIGIN },
	{ "replace-username", take_edit, SDP_EDIT_USERNAME },
	{ "replace-session-name", take_edit, SDP_EDIT_NAME },
	{ "replace-zero-address", take_edit, SDP_EDIT_NULL },
	{ "rtcp-mux-demux", take_edit, SDP_EDIT_NO_MUX },
	{ "rtcp-mux-reject", take_edit, SDP_EDIT_NO_MUX },
	{ "endpoint-learning-off", take_source, MEDIA_SOURCE_SDP },
	/* what is so in any case */
	{ "replace-session-connection", NULL, 0 },
	{ "replace-sess-conn", NULL, 0 },
	{ "strict-source", NULL, 0 },
	{ "symmetric", NULL, 0 },
	{ "nat-wait", NULL, 0 },
	{ "port-latching", NULL, 0 },
	{ "ice-remove", NULL, 0 },
	{ "ice-default", NULL, 0 },
	{ "endpoint-learning-immediate", NULL, 0 },
	{ "endpoint-learning-delayed", NULL, 0 },
	{ "endpoint-learning-heuristic", NULL, 0 },
	{ "rtcp-mux-offer", NULL, 0 },
	{ "rtcp-mux-accept", NULL, 0 },
	{ "rtcp-mux-require", NULL, 0 },
	{ "allow-transcoding", NULL, 0 },
	/* what only matters to who sends it, or does not matter */
	{ "to-tag", NULL, 0 },
	{ "from-tag", NULL, 0 },
	{ "directional", NULL, 0 },
	{ "all", NULL, 0 },
	{ "reset", NULL, 0 },
	{ "no-rtcp-attribute", NULL, 0 },
	{ "full-rtcp-attribute", NULL, 0 },
	{ "pierce-nat", NULL, 0 },
	{ "record-call", NULL, 0 },
	{ "fragment", NULL, 0 },
};

static bool is_key(const char *name, const char *head)
{
	const size_t len = strlen(head);

	return !strncmp(name, head, len) && name[len] == '-';
}

/* "SIP source_address" becomes "sip-source-address"; false if it is too long to be known. */
static bool name_normalize(char name[NAME_MAX_LEN], const struct pl *text)
{
	size_t i;

	if (!text->l || text->l >= NAME_MAX_LEN)
		return false;

	for (i = 0; i < text->l; i++) {
		const unsigned char c = (unsigned char)text->p[i];

		name[i] = c == ' ' || c == '_' ? '-' : (char)tolower(c);
	}
	name[text->l] = '\0';
	return true;
}

/* Who sends it sends it with each call. */
static void unknown_log(const struct pl *key, const struct pl *value)
{
	static uint64_t known[UNKNOWN_MAX];
	static unsigned int count;
	const uint64_t hash = keyhash_pl(1, key);
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (known[i] == hash)
			return;
	}
	if (count == UNKNOWN_MAX)
		return;

	known[count++] = hash;
	log_info("ng: \"%r%s%r\" is ignored; this is said once", key, value->l ? "=" : "", value);
}

static bool word_find(struct ng_request *request, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, name) != 0)
			continue;
		if (words[i].take)
			words[i].take(request, NULL, words[i].arg);
		return true;
	}

	return false;
}

static void take_pl(struct ng_request *request, const struct pl *value, unsigned int offset)
{
	struct pl *to = (struct pl *)((uint8_t *)request + offset);

	*to = *value;
}

static void take_received(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	struct sa sa;

	(void)arg;
	/* the family stands before it */
	if (!pl_strcasecmp(value, "IP4") || !pl_strcasecmp(value, "IP6"))
		return;
	if (!sa_set(&sa, value, 0) && sa_isset(&sa, SA_ADDR))
		request->received = sa;
}

static void take_advertise(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)arg;
	if (sa_set(&request->options.advertise, value, 0))
		sa_init(&request->options.advertise, AF_UNSPEC);
}

static void take_direction(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)arg;
	if (request->directions < ARRAY_SIZE(request->direction))
		(void)pl_strcpy(value, request->direction[request->directions++],
				sizeof(request->direction[0]));
}

static void take_family(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	(void)arg;
	if (!pl_strcasecmp(value, "IP4"))
		request->family = AF_INET;
	else if (!pl_strcasecmp(value, "IP6"))
		request->family = AF_INET6;
}

static void take_tos(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	uint32_t tos;

	(void)arg;
	if (!sdp_number_decode(value, 255, &tos))
		return;
	/* RFC 2474 section 3: the code point is the upper six bits */
	request->options.dscp = (uint8_t)(tos >> 2);
	request->options.dscp_given = true;
}

static void take_idle(struct ng_request *request, const struct pl *value, unsigned int arg)
{
	uint32_t seconds;

	(void)arg;
	if (sdp_number_decode(value, IDLE_MAX_S, &seconds) && seconds)
		request->options.idle = seconds;
}

static void take_number(struct ng_request *request, const struct pl *value, unsigned int offset)
{
	uint32_t *to = (uint32_t *)((uint8_t *)request + offset);
	uint32_t number;

	if (sdp_number_decode(value, INT32_MAX, &number))
		*to = number;
}

#define REQUEST(member) ((unsigned int)offsetof(struct ng_request, member))

static const struct flag keys[] = {
	{ "command", take_pl, REQUEST(command) },
	{ "call-id", take_pl, REQUEST(call_id) },
	{ "from-tag", take_pl, REQUEST(from_tag) },
	{ "to-tag", take_pl, REQUEST(to_tag) },
	{ "via-branch", take_pl, REQUEST(via_branch) },
	{ "label", take_pl, REQUEST(label) },
	{ "set-label", take_pl, REQUEST(label) },
	{ "sdp", take_pl, REQUEST(sdp) },
	{ "transport-protocol", take_pl, REQUEST(transport) },
	{ "received-from", take_received, 0 },
	{ "media-address", take_advertise, 0 },
	{ "direction", take_direction, 0 },
	{ "address-family", take_family, 0 },
	{ "tos", take_tos, 0 },
	{ "media-timeout", take_idle, 0 },
	{ "delete-delay", take_number, REQUEST(delete_delay) },
	{ "limit", take_number, REQUEST(limit) },
	{ "sip-message-type", NULL, 0 },
	{ "sip-code", NULL, 0 },
	{ "sdes", NULL, 0 },
};

static bool key_find(struct ng_request *request, const char *name, const struct pl *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		if (keys[i].take)
			keys[i].take(request, value, keys[i].arg);
		return true;
	}

	return false;
}

/* "ice=remove" and "ice-remove" say the same, and so do "direction=pub" and "direction-pub". */
static bool joined_find(struct ng_request *request, const char *name, const struct pl *key,
			const struct pl *value)
{
	static const char *const splits[] = { "direction", "media-address", "address-family" };
	char joined[2 * NAME_MAX_LEN], tail[NAME_MAX_LEN];
	struct pl rest;
	size_t i;

	if (value->l) {
		if (!name_normalize(tail, value))
			return false;
		(void)re_snprintf(joined, sizeof(joined), "%s-%s", name, tail);
		return word_find(request, joined);
	}

	for (i = 0; i < ARRAY_SIZE(splits); i++) {
		if (!is_key(name, splits[i]))
			continue;
		rest = *key;
		pl_advance(&rest, (ssize_t)strlen(splits[i]) + 1);
		return key_find(request, splits[i], &rest);
	}

	return false;
}

void ng_flag_take(struct ng_request *request, const struct pl *key, const struct pl *value)
{
	const struct pl none = PL("");
	char name[NAME_MAX_LEN] = "";

	if (name_normalize(name, key)) {
		if (value ? key_find(request, name, value) : word_find(request, name))
			return;
		if (joined_find(request, name, key, value ? value : &none))
			return;
		/* a word with a value that says nothing more: "trust-address=1" */
		if (value && word_find(request, name))
			return;
	}

	unknown_log(key, value ? value : &none);
}

/* Where a bracket that has just been opened is closed, or the end. */
static size_t bracket_end(const struct pl *text)
{
	unsigned int depth = 0;
	size_t i;

	for (i = 0; i < text->l; i++) {
		if (text->p[i] == '[')
			depth++;
		else if (text->p[i] == ']' && !--depth)
			break;
	}

	return i;
}

static void list_take(struct ng_request *request, const struct pl *key, struct pl list,
		      unsigned int depth);

/* A word, up to a space that does not stand in brackets. */
static struct pl word_cut(struct pl *rest)
{
	struct pl word = { rest->p, 0 };
	unsigned int depth = 0;

	while (word.l < rest->l && (depth || rest->p[word.l] != ' ')) {
		if (rest->p[word.l] == '[')
			depth++;
		else if (rest->p[word.l] == ']' && depth)
			depth--;
		word.l++;
	}

	pl_advance(rest, (ssize_t)word.l);
	return word;
}

static void flag_cut(struct ng_request *request, const struct pl *outer, const struct pl *word,
		     unsigned int depth)
{
	const char *equals = pl_strchr(word, '=');
	struct pl key = *word, value;

	/* a value in a list: of the key before the list */
	if (!equals || equals == word->p) {
		if (outer)
			ng_flag_take(request, outer, word);
		else
			ng_flag_take(request, word, NULL);
		return;
	}

	key.l = (size_t)(equals - word->p);
	value.p = equals + 1;
	value.l = word->l - key.l - 1;
	if (value.l && *value.p == '[') {
		value.l = bracket_end(&value);
		pl_advance(&value, value.l ? 1 : 0);
		list_take(request, &key, value, depth + 1);
	} else if (value.l) {
		ng_flag_take(request, &key, &value);
	} else {
		ng_flag_take(request, &key, NULL);
	}
}

static void list_take(struct ng_request *request, const struct pl *key, struct pl list,
		      unsigned int depth)
{
	struct pl word;

	if (depth > NESTED_MAX)
		return;

	while (list.l) {
		if (*list.p == ' ') {
			pl_advance(&list, 1);
			continue;
		}
		word = word_cut(&list);
		flag_cut(request, key, &word, depth);
	}
}

void ng_flags_take(struct ng_request *request, const struct pl *text)
{
	list_take(request, NULL, *text, 0);
}
