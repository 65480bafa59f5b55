/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bencode, as the ng protocol uses it: dictionaries whose keys stand in any
 * order, lists, integers, and strings of any bytes. In memory they are values of
 * jansson; a string may then hold bytes that are no UTF-8.
 */
#ifndef NATTRAV_NG_BENCODE_H
#define NATTRAV_NG_BENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "ng/json.h"

/* So deep may dictionaries and lists lie in each other, and so many values may there be. */
#define BENCODE_DEPTH_MAX  16
#define BENCODE_VALUES_MAX 4096

/**
 * bencode_decode() - read a value
 * @data: nothing but the value
 * @len: how many bytes
 *
 * Refused: what does not end, what goes on after its end, leading zeros, "-0",
 * integers over 64 bits, keys that are no strings or hold a NUL, what exceeds
 * BENCODE_DEPTH_MAX or BENCODE_VALUES_MAX. Of a key that comes twice the last
 * value counts.
 *
 * Return: the value, to be dropped with json_decref(), or NULL.
 */
json_t *bencode_decode(const char *data, size_t len);

/**
 * bencode_encode() - write a value
 * @json: of objects, arrays, strings, integers and booleans (as 0 and 1)
 * @len: set to the number of bytes
 *
 * Return: the bytes, to be freed, or NULL: it holds something else, lies too
 * deep, or memory ran out.
 */
char *bencode_encode(const json_t *json, size_t *len);

/**
 * bencode_deep() - whether a value lies deeper than BENCODE_DEPTH_MAX
 * @json: the value, from a parser that allows more
 */
bool bencode_deep(const json_t *json);

#endif
