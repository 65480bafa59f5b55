// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What nattrav-ua parses by itself: options files, test packets, WAV headers,
 * challenges; and JSON made of any bytes must be JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libre and jansson both name these */
#define JSON_STRING RE_JSON_STRING
#define JSON_NULL   RE_JSON_NULL
#include <re.h>
#undef JSON_STRING
#undef JSON_NULL
#include <jansson.h>

#include "../ua/digest.h"
#include "../ua/options.h"
#include "../ua/packet.h"
#include "../ua/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_options(const char *text, size_t len)
{
	struct ua_options options;
	char *error = NULL;
	int err;

	/* a name would be looked up */
	if (memmem(text, len, "server", 6))
		return;
	ua_options_init(&options);
	err = ua_options_text(&options, text, len, "FILE", &error);
	if (!err != !error)
		abort();
	if (options.config.data_count > UA_DATA_MAX)
		abort();
	mem_deref(error);
	ua_options_close(&options);
}

static void fuzz_json(const char *text, size_t len)
{
	struct ua_event event = { .type = UA_CLOSED, .reason = { text, len } };
	struct mbuf *mb = mbuf_alloc(64);
	json_t *json;

	if (!mb || ua_event_json(mb, &event))
		abort();
	json = json_loadb((const char *)mb->buf, mb->end, JSON_ALLOW_NUL, NULL);
	if (!json)
		abort();
	json_decref(json);
	mem_deref(mb);
}

static void fuzz_wav(const uint8_t *data, size_t size)
{
	FILE *file = size ? fmemopen((void *)data, size, "rb") : NULL;

	if (!file)
		return;
	(void)ua_wav_find(file);
	(void)fclose(file);
}

static void fuzz_packet(const uint8_t *data, size_t size)
{
	struct ua_meter meter = { .received = 0 };
	struct ua_packet packet;
	uint32_t now = 0;

	while (ua_packet_read(&packet, data, size)) {
		ua_meter_add(&meter, &packet, now += 1000);
		data += UA_PACKET_MIN;
		size -= UA_PACKET_MIN;
	}
	(void)ua_meter_lost(&meter);
}

static void fuzz_challenge(const uint8_t *data, size_t size)
{
	static const struct ua_credentials bob = { "bob", "secret", "r" };
	struct ua_digest digest = { .count = 0 };
	struct mbuf *mb = mbuf_alloc(size + 256);
	struct mbuf *out = mbuf_alloc(64);
	struct sip_msg *msg = NULL;
	bool stale;

	if (!mb || !out)
		abort();
	(void)mbuf_write_str(mb, "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
				 "From: <sip:a@a>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: 1\r\n"
				 "CSeq: 1 REGISTER\r\nWWW-Authenticate: Digest ");
	(void)mbuf_write_mem(mb, data, size);
	(void)mbuf_write_str(mb, "\r\n\r\n");
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb) && !ua_digest_challenge(&digest, msg, &bob, &stale)) {
		if (ua_digest_print(out, &digest, &bob, "REGISTER", "sip:a"))
			abort();
		/* one header line */
		if (memchr(out->buf, '\n', out->end - 1))
			abort();
	}
	ua_digest_reset(&digest);
	mem_deref(msg);
	mem_deref(mb);
	mem_deref(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	data++;
	size--;
	switch (data[-1] % 5) {
	case 0:
		fuzz_options((const char *)data, size);
		break;
	case 1:
		fuzz_json((const char *)data, size);
		break;
	case 2:
		fuzz_wav(data, size);
		break;
	case 3:
		fuzz_packet(data, size);
		break;
	default:
		fuzz_challenge(data, size);
		break;
	}
	return 0;
}
