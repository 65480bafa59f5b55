// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text comes from the network (reason phrases, URIs) and may hold any bytes; what
 * is written is JSON in UTF-8 all the same (RFC 8259).
 */
#include "json.h"

#define REPLACEMENT "\\ufffd"

/* Length of the UTF-8 sequence at @p, or 0 if there is none (RFC 3629 section 4). */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

static int string_write(struct mbuf *mb, const struct pl *text)
{
	const uint8_t *p = (const uint8_t *)text->p;
	int err = mbuf_write_u8(mb, '"');
	size_t i = 0, n;

	while (i < text->l && !err) {
		n = utf8_length(p + i, text->l - i);
		if (!n)
			err = mbuf_write_str(mb, REPLACEMENT);
		else if (p[i] == '"' || p[i] == '\\')
			err = mbuf_printf(mb, "\\%c", p[i]);
		else if (p[i] < ' ' || p[i] == 0x7f)
			err = mbuf_printf(mb, "\\u%04x", p[i]);
		else
			err = mbuf_write_mem(mb, p + i, n);
		i += n ? n : 1;
	}
	return err | mbuf_write_u8(mb, '"');
}

static void name_write(struct ua_json *json, const char *name)
{
	json->err |= mbuf_printf(json->mb, "%s\"%s\":", json->members++ ? "," : "", name);
}

/**
 * ua_json_open() - begin an object
 * @json: the object
 * @mb: where to write it
 */
void ua_json_open(struct ua_json *json, struct mbuf *mb)
{
	json->mb = mb;
	json->members = 0;
	json->err = mbuf_write_u8(mb, '{');
}

/**
 * ua_json_pl() - add a member with text
 * @json: the object
 * @name: name of the member, plain ASCII
 * @value: any bytes; nothing is added if its pointer is NULL
 */
void ua_json_pl(struct ua_json *json, const char *name, const struct pl *value)
{
	if (json->err || !value->p)
		return;
	name_write(json, name);
	json->err |= string_write(json->mb, value);
}

/**
 * ua_json_text() - ua_json_pl() for a C string
 * @json: the object
 * @name: name of the member, plain ASCII
 * @value: any bytes; nothing is added if NULL
 */
void ua_json_text(struct ua_json *json, const char *name, const char *value)
{
	struct pl pl = PL_INIT;

	/* leaves it alone for NULL */
	pl_set_str(&pl, value);
	ua_json_pl(json, name, &pl);
}

/**
 * ua_json_number() - add a member with a whole number
 * @json: the object
 * @name: name of the member, plain ASCII
 * @value: the number
 */
void ua_json_number(struct ua_json *json, const char *name, int64_t value)
{
	if (json->err)
		return;
	name_write(json, name);
	json->err |= mbuf_printf(json->mb, "%lld", (long long)value);
}

/**
 * ua_json_ms() - add a member with a time in milliseconds, to the microsecond
 * @json: the object
 * @name: name of the member, plain ASCII
 * @microseconds: the time
 */
void ua_json_ms(struct ua_json *json, const char *name, uint64_t microseconds)
{
	if (json->err)
		return;
	name_write(json, name);
	json->err |= mbuf_printf(json->mb, "%llu.%03u", (unsigned long long)(microseconds / 1000),
				 (unsigned int)(microseconds % 1000));
}

/**
 * ua_json_bool() - add a member that is true or false
 * @json: the object
 * @name: name of the member, plain ASCII
 * @value: which
 */
void ua_json_bool(struct ua_json *json, const char *name, bool value)
{
	if (json->err)
		return;
	name_write(json, name);
	json->err |= mbuf_write_str(json->mb, value ? "true" : "false");
}

/**
 * ua_json_addr() - add a member with an address and port
 * @json: the object
 * @name: name of the member, plain ASCII
 * @addr: the address; nothing is added if it is NULL or not set
 */
void ua_json_addr(struct ua_json *json, const char *name, const struct sa *addr)
{
	if (json->err || !addr || !sa_isset(addr, SA_ADDR))
		return;
	name_write(json, name);
	json->err |= mbuf_printf(json->mb, "\"%J\"", addr);
}

/**
 * ua_json_close() - end the object
 * @json: the object
 *
 * Return: 0, or the first errno of all the calls.
 */
int ua_json_close(struct ua_json *json)
{
	if (!json->err)
		json->err = mbuf_write_u8(json->mb, '}');
	return json->err;
}
