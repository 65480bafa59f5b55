// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words that describe a stream, as "stream add" and "stream set" take them:
 * keywords with their values, and "a" and "b" before those of a leg.
 */
#include <stdio.h>
#include <string.h>
#include "parse.h"

/* What a keyword is for, as bits. */
enum {
	NEW = 1 << 0, /* only in add */
	LEG = 1 << 1, /* goes into the leg that "a" or "b" began */
	FLAG = 1 << 2, /* takes no value */
};

/* Takes the value of a keyword. Return: NULL, or what is wrong with it. */
typedef const char *value_fn(const char *text, struct nattrav_stream *stream,
			     struct nattrav_leg *leg);

static const char *name(const char *text, char *to, size_t size, const char *complaint)
{
	if (!text[0] || strlen(text) >= size)
		return complaint;
	memcpy(to, text, strlen(text) + 1);
	return NULL;
}

static const char *value_call(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)leg;
	return name(text, stream->call, sizeof(stream->call), "is no call id (1 to 255 bytes)");
}

static const char *value_cookie(const char *text, struct nattrav_stream *stream,
				struct nattrav_leg *leg)
{
	(void)leg;
	stream->given |= NATTRAV_STREAM_COOKIE;
	return ctl_parse_u64(text, &stream->cookie);
}

static const char *value_type(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)leg;
	if (!strcmp(text, nattrav_stream_type_name(NATTRAV_STREAM_TYPE_RTP)))
		stream->type = NATTRAV_STREAM_TYPE_RTP;
	else if (!strcmp(text, nattrav_stream_type_name(NATTRAV_STREAM_TYPE_UDP)))
		stream->type = NATTRAV_STREAM_TYPE_UDP;
	else
		return "is no type: rtp or udp";
	return NULL;
}

static const char *value_rtcp(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)text;
	(void)leg;
	stream->rtcp = true;
	return NULL;
}

static const char *value_timeout_partial(const char *text, struct nattrav_stream *stream,
					 struct nattrav_leg *leg)
{
	(void)leg;
	stream->given |= NATTRAV_STREAM_TIMEOUT_PARTIAL;
	return ctl_parse_duration(text, &stream->timeout_partial);
}

static const char *value_timeout_idle(const char *text, struct nattrav_stream *stream,
				      struct nattrav_leg *leg)
{
	(void)leg;
	stream->given |= NATTRAV_STREAM_TIMEOUT_IDLE;
	return ctl_parse_duration(text, &stream->timeout_idle);
}

static const char *value_timeout_max(const char *text, struct nattrav_stream *stream,
				     struct nattrav_leg *leg)
{
	(void)leg;
	stream->given |= NATTRAV_STREAM_TIMEOUT_MAX;
	return ctl_parse_duration(text, &stream->timeout_max);
}

static const char *value_hold(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)leg;
	stream->given |= NATTRAV_STREAM_HOLD;
	return ctl_parse_switch(text, &stream->hold);
}

static const char *value_realm(const char *text, struct nattrav_stream *stream,
			       struct nattrav_leg *leg)
{
	(void)stream;
	return name(text, leg->realm, sizeof(leg->realm), "is no realm (1 to 31 bytes)");
}

static const char *value_local(const char *text, struct nattrav_stream *stream,
			       struct nattrav_leg *leg)
{
	(void)stream;
	return ctl_parse_local(text, &leg->local);
}

static const char *value_peer(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)stream;
	return ctl_parse_endpoint(text, &leg->peer);
}

static const char *value_prefix(const char *text, struct nattrav_stream *stream,
				struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_PREFIXES;
	if (!strcmp(text, "any"))
		return leg->prefixes ? "does not go with another prefix" : NULL;
	if (leg->prefixes == NATTRAV_PREFIX_MAX)
		return "is one too many: a leg has two prefixes at most";
	return ctl_parse_prefix(text, &leg->prefix[leg->prefixes++]);
}

static const char *value_pt(const char *text, struct nattrav_stream *stream,
			    struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_PAYLOAD_TYPES;
	return ctl_parse_payload_types(text, leg->payload_types);
}

static const char *value_window(const char *text, struct nattrav_stream *stream,
				struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_WINDOW;
	return ctl_parse_duration(text, &leg->window);
}

static const char *value_generation(const char *text, struct nattrav_stream *stream,
				    struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_GENERATION;
	return ctl_parse_u32(text, &leg->generation);
}

static const char *value_family(const char *text, struct nattrav_stream *stream,
				struct nattrav_leg *leg)
{
	(void)stream;
	return ctl_parse_family(text, &leg->family);
}

static const char *value_probation(const char *text, struct nattrav_stream *stream,
				   struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_PROBATION;
	if (ctl_parse_u8(text, &leg->probation) || !leg->probation)
		return "is no number of packets (1 to 255)";
	return NULL;
}

static const char *value_relatch(const char *text, struct nattrav_stream *stream,
				 struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_RELATCH;
	return ctl_parse_relatch(text, &leg->relatch);
}

static const char *value_rate(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_RATE;
	return ctl_parse_u32(text, &leg->rate);
}

static const char *value_clock_rate(const char *text, struct nattrav_stream *stream,
				    struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_CLOCK_RATE;
	return ctl_parse_u32(text, &leg->clock_rate);
}

static const char *value_dscp(const char *text, struct nattrav_stream *stream,
			      struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_DSCP;
	return ctl_parse_dscp(text, &leg->dscp);
}

static const char *value_many_ssrc(const char *text, struct nattrav_stream *stream,
				   struct nattrav_leg *leg)
{
	(void)stream;
	leg->given |= NATTRAV_LEG_MANY_SSRC;
	return ctl_parse_switch(text, &leg->many_ssrc);
}

static const struct keyword {
	const char *word;
	unsigned int use;
	value_fn *value;
} keywords[] = {
	{ "call", NEW, value_call },
	{ "cookie", 0, value_cookie },
	{ "type", NEW, value_type },
	{ "rtcp", NEW | FLAG, value_rtcp },
	{ "timeout-partial", 0, value_timeout_partial },
	{ "timeout-idle", 0, value_timeout_idle },
	{ "timeout-max", 0, value_timeout_max },
	{ "hold", 0, value_hold },
	{ "realm", NEW | LEG, value_realm },
	{ "family", NEW | LEG, value_family },
	{ "local", NEW | LEG, value_local },
	{ "peer", LEG, value_peer },
	{ "prefix", LEG, value_prefix },
	{ "pt", LEG, value_pt },
	{ "window", LEG, value_window },
	{ "generation", LEG, value_generation },
	{ "probation", LEG, value_probation },
	{ "relatch", LEG, value_relatch },
	{ "rate", LEG, value_rate },
	{ "clock-rate", LEG, value_clock_rate },
	{ "dscp", LEG, value_dscp },
	{ "many-ssrc", LEG, value_many_ssrc },
};

static const struct keyword *keyword_find(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (!strcmp(word, keywords[i].word))
			return &keywords[i];
	}
	return NULL;
}

/**
 * ctl_parse_stream() - read the description of a stream
 * @words: the words
 * @set: for "stream set", which cannot change everything
 * @stream: what they say is added to it
 * @error: set to a sentence if they are wrong
 *
 * Return: whether they were understood.
 */
bool ctl_parse_stream(struct ctl_words words, bool set, struct nattrav_stream *stream,
		      char error[CTL_ERROR_SIZE])
{
	struct nattrav_leg *leg = NULL;
	const struct keyword *keyword;
	const char *wrong, *word;

	while (words.count) {
		word = *words.word;
		words.word++;
		words.count--;
		if (!strcmp(word, "a") || !strcmp(word, "b")) {
			leg = &stream->leg[*word == 'a' ? NATTRAV_SIDE_A : NATTRAV_SIDE_B];
			stream->given |= *word == 'a' ? NATTRAV_STREAM_LEG_A : NATTRAV_STREAM_LEG_B;
			continue;
		}
		keyword = keyword_find(word);
		if (!keyword) {
			snprintf(error, CTL_ERROR_SIZE, "unknown word \"%.64s\"", word);
			return false;
		}
		if (set && (keyword->use & NEW)) {
			snprintf(error, CTL_ERROR_SIZE,
				 "%s cannot be changed: delete the stream and add another one",
				 word);
			return false;
		}
		if ((keyword->use & LEG) && !leg) {
			snprintf(error, CTL_ERROR_SIZE,
				 "%s belongs to a leg: write \"a\" or \"b\" before it", word);
			return false;
		}
		if (!(keyword->use & FLAG) && !words.count) {
			snprintf(error, CTL_ERROR_SIZE, "%s needs a value", word);
			return false;
		}
		wrong = keyword->value(keyword->use & FLAG ? "" : *words.word, stream, leg);
		if (wrong) {
			snprintf(error, CTL_ERROR_SIZE, "%s: \"%.64s\" %s", word, *words.word,
				 wrong);
			return false;
		}
		if (!(keyword->use & FLAG)) {
			words.word++;
			words.count--;
		}
	}
	return true;
}
