// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bencode. The recursion goes no deeper than BENCODE_DEPTH_MAX, and no length
 * that somebody sent is believed before it was compared with what is there.
 */
#include "bencode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A number of 64 bits has 19 digits. */
#define DIGITS_MAX 19

/**
 * struct reader - what is still to be read
 * @data: the next byte
 * @left: how many there are
 * @values: how many values were read
 */
struct reader {
	const char *data;
	size_t left;
	unsigned int values;
};

static json_t *value_read(struct reader *reader, unsigned int depth);

/* Takes the next byte if it is @byte. */
static bool byte_take(struct reader *reader, char byte)
{
	if (!reader->left || *reader->data != byte)
		return false;

	reader->data++;
	reader->left--;
	return true;
}

/* A number without leading zeros, up to @max, and the byte that ends it. */
static bool number_take(struct reader *reader, uint64_t max, char end, uint64_t *number)
{
	const char *start = reader->data;
	uint64_t value = 0;

	while (reader->left && *reader->data >= '0' && *reader->data <= '9') {
		const unsigned int digit = (unsigned int)(*reader->data - '0');

		if (reader->data - start == DIGITS_MAX || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
		reader->data++;
		reader->left--;
	}

	if (reader->data == start || (*start == '0' && reader->data - start > 1))
		return false;

	*number = value;
	return byte_take(reader, end);
}

static bool string_take(struct reader *reader, const char **text, size_t *len)
{
	uint64_t number;

	if (!number_take(reader, SIZE_MAX / 2, ':', &number) || number > reader->left)
		return false;

	*text = reader->data;
	*len = (size_t)number;
	reader->data += *len;
	reader->left -= *len;
	return true;
}

static json_t *string_read(struct reader *reader)
{
	const char *text;
	size_t len;

	return string_take(reader, &text, &len) ? json_stringn_nocheck(text, len) : NULL;
}

static json_t *integer_read(struct reader *reader)
{
	const bool negative = byte_take(reader, '-');
	uint64_t number;

	if (!number_take(reader, INT64_MAX, 'e', &number) || (negative && !number))
		return NULL;

	return json_integer(negative ? -(json_int_t)number : (json_int_t)number);
}

static json_t *list_read(struct reader *reader, unsigned int depth)
{
	json_t *list = json_array();

	while (list && !byte_take(reader, 'e')) {
		json_t *value = value_read(reader, depth);

		if (!value || json_array_append_new(list, value)) {
			json_decref(list);
			return NULL;
		}
	}

	return list;
}

static bool entry_read(struct reader *reader, json_t *dict, unsigned int depth)
{
	const char *key;
	json_t *value;
	size_t len;

	if (!string_take(reader, &key, &len) || memchr(key, '\0', len))
		return false;

	value = value_read(reader, depth);
	return value && !json_object_setn_new_nocheck(dict, key, len, value);
}

static json_t *dict_read(struct reader *reader, unsigned int depth)
{
	json_t *dict = json_object();

	while (dict && !byte_take(reader, 'e')) {
		if (!entry_read(reader, dict, depth)) {
			json_decref(dict);
			return NULL;
		}
	}

	return dict;
}

static json_t *value_read(struct reader *reader, unsigned int depth)
{
	if (!reader->left || ++reader->values > BENCODE_VALUES_MAX)
		return NULL;
	if (byte_take(reader, 'i'))
		return integer_read(reader);
	if (*reader->data >= '0' && *reader->data <= '9')
		return string_read(reader);
	if (depth == BENCODE_DEPTH_MAX)
		return NULL;
	if (byte_take(reader, 'l'))
		return list_read(reader, depth + 1);
	if (byte_take(reader, 'd'))
		return dict_read(reader, depth + 1);

	return NULL;
}

json_t *bencode_decode(const char *data, size_t len)
{
	struct reader reader = { .data = data, .left = len };
	json_t *json = value_read(&reader, 0);

	if (json && reader.left) {
		json_decref(json);
		return NULL;
	}

	return json;
}

/**
 * struct writer - where to write; a first pass only counts
 * @data: the buffer, or NULL
 * @len: how many bytes there are so far
 */
struct writer {
	char *data;
	size_t len;
};

static bool value_write(struct writer *writer, const json_t *json, unsigned int depth);

static void bytes_write(struct writer *writer, const char *bytes, size_t len)
{
	if (writer->data && len)
		memcpy(writer->data + writer->len, bytes, len);
	writer->len += len;
}

static void string_write(struct writer *writer, const char *text, size_t len)
{
	char head[24];
	const int digits = snprintf(head, sizeof(head), "%zu:", len);

	bytes_write(writer, head, (size_t)digits);
	bytes_write(writer, text, len);
}

static bool integer_write(struct writer *writer, json_int_t number)
{
	char text[32];
	const int len = snprintf(text, sizeof(text), "i%" JSON_INTEGER_FORMAT "e", number);

	bytes_write(writer, text, (size_t)len);
	return true;
}

static bool list_write(struct writer *writer, const json_t *list, unsigned int depth)
{
	size_t i;

	bytes_write(writer, "l", 1);
	for (i = 0; i < json_array_size(list); i++) {
		if (!value_write(writer, json_array_get(list, i), depth))
			return false;
	}
	bytes_write(writer, "e", 1);
	return true;
}

static bool dict_write(struct writer *writer, json_t *dict, unsigned int depth)
{
	void *entry;

	bytes_write(writer, "d", 1);
	for (entry = json_object_iter(dict); entry; entry = json_object_iter_next(dict, entry)) {
		string_write(writer, json_object_iter_key(entry), json_object_iter_key_len(entry));
		if (!value_write(writer, json_object_iter_value(entry), depth))
			return false;
	}
	bytes_write(writer, "e", 1);
	return true;
}

static bool value_write(struct writer *writer, const json_t *json, unsigned int depth)
{
	switch (json_typeof(json)) {
	case JSON_STRING:
		string_write(writer, json_string_value(json), json_string_length(json));
		return true;
	case JSON_INTEGER:
		return integer_write(writer, json_integer_value(json));
	case JSON_TRUE:
	case JSON_FALSE:
		return integer_write(writer, json_is_true(json));
	case JSON_ARRAY:
		return depth < BENCODE_DEPTH_MAX && list_write(writer, json, depth + 1);
	case JSON_OBJECT:
		/* it is not changed; jansson's iterators have no const variant */
		return depth < BENCODE_DEPTH_MAX && dict_write(writer, (json_t *)json, depth + 1);
	default:
		return false;
	}
}

char *bencode_encode(const json_t *json, size_t *len)
{
	struct writer writer = { .data = NULL };

	if (!value_write(&writer, json, 0))
		return NULL;

	writer.data = malloc(writer.len);
	if (!writer.data)
		return NULL;

	writer.len = 0;
	(void)value_write(&writer, json, 0);
	*len = writer.len;
	return writer.data;
}

static bool deeper(const json_t *json, unsigned int depth)
{
	const bool nested = json_is_array(json) || json_is_object(json);
	json_t *dict = (json_t *)json;
	void *entry;
	size_t i;

	if (nested && depth == BENCODE_DEPTH_MAX)
		return true;
	for (i = 0; i < json_array_size(json); i++) {
		if (deeper(json_array_get(json, i), depth + 1))
			return true;
	}
	for (entry = json_object_iter(dict); entry; entry = json_object_iter_next(dict, entry)) {
		if (deeper(json_object_iter_value(entry), depth + 1))
			return true;
	}

	return false;
}

bool bencode_deep(const json_t *json)
{
	return deeper(json, 0);
}
