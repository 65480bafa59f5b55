// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests: from a dictionary to flags, whatever the types of its values.
 */
#include "ng/request.h"

#include <string.h>

#define NESTED_MAX 4

static struct pl string_pl(const json_t *json)
{
	return (struct pl){ json_string_value(json), json_string_length(json) };
}

/* A word of the list of flags may have spaces in it, or itself be "key=value". */
static void word_take(struct ng_request *request, const json_t *json)
{
	const struct pl word = string_pl(json);

	if (!json_is_string(json))
		return;
	if (pl_strchr(&word, '='))
		ng_flags_take(request, &word);
	else
		ng_flag_take(request, &word, NULL);
}

static void value_take(struct ng_request *request, const struct pl *key, json_t *json,
		       unsigned int depth)
{
	char number[32];
	struct pl value;
	json_t *item;
	size_t i;

	switch (json_typeof(json)) {
	case JSON_STRING:
		value = string_pl(json);
		ng_flag_take(request, key, &value);
		break;
	case JSON_INTEGER:
		/* nobody keeps a slice of a number */
		(void)re_snprintf(number, sizeof(number), "%lld",
				  (long long)json_integer_value(json));
		pl_set_str(&value, number);
		ng_flag_take(request, key, &value);
		break;
	case JSON_ARRAY:
		if (depth == NESTED_MAX)
			break;
		json_array_foreach(json, i, item)
			value_take(request, key, item, depth + 1);
		break;
	default:
		/* of what lies in a dictionary, the outer key alone says enough */
		ng_flag_take(request, key, NULL);
		break;
	}
}

static bool is_flags(const char *name)
{
	return !str_casecmp(name, "rtpp-flags") || !str_casecmp(name, "flags");
}

static void flags_take(struct ng_request *request, json_t *value)
{
	const struct pl text = string_pl(value);
	json_t *item;
	size_t i;

	if (json_is_string(value))
		ng_flags_take(request, &text);
	json_array_foreach(value, i, item)
		word_take(request, item);
}

static void entry_take(struct ng_request *request, const char *name, json_t *value)
{
	struct pl key;

	pl_set_str(&key, name);
	value_take(request, &key, value, 0);
}

void ng_request_decode(struct ng_request *request, const json_t *dict)
{
	/* jansson's iterators have no const variant; nothing is changed */
	json_t *object = (json_t *)dict;
	const char *name;
	json_t *value;

	memset(request, 0, sizeof(*request));
	request->dict = dict;
	request->family = AF_UNSPEC;
	sa_init(&request->received, AF_UNSPEC);
	sa_init(&request->options.advertise, AF_UNSPEC);

	/* what stands in a script must not be stronger than what the proxy itself says */
	json_object_foreach(object, name, value) {
		if (is_flags(name))
			flags_take(request, value);
	}
	json_object_foreach(object, name, value) {
		if (!is_flags(name))
			entry_take(request, name, value);
	}
}
