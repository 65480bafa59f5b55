/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a command line, and how values are written for people.
 *
 * A ctl_parse_*() function returns NULL, or what is wrong with the text: a
 * phrase that goes after it, such as "is no port (1 to 65535)".
 */
#ifndef NATTRAVCTL_PARSE_H
#define NATTRAVCTL_PARSE_H

#include <nattrav.h>

const char *ctl_parse_u8(const char *text, uint8_t *value);
const char *ctl_parse_u32(const char *text, uint32_t *value);
const char *ctl_parse_switch(const char *text, bool *value);
const char *ctl_parse_dscp(const char *text, uint8_t *value);
const char *ctl_parse_u64(const char *text, uint64_t *value);
const char *ctl_parse_duration(const char *text, uint32_t *ms);
const char *ctl_parse_addr(const char *text, struct nattrav_addr *addr);
const char *ctl_parse_family(const char *text, sa_family_t *family);
const char *ctl_parse_relatch(const char *text, enum nattrav_relatch *relatch);
const char *ctl_parse_endpoint(const char *text, struct nattrav_endpoint *endpoint);
const char *ctl_parse_local(const char *text, struct nattrav_endpoint *endpoint);
const char *ctl_parse_prefix(const char *text, struct nattrav_prefix *prefix);
const char *ctl_parse_ports(const char *text, uint16_t *min, uint16_t *max);
const char *ctl_parse_payload_types(const char *text, uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN]);

/**
 * struct ctl_words - words that are taken one after the other
 * @word: the next one
 * @count: how many are left
 */
struct ctl_words {
	char **word;
	size_t count;
};

/* Room for the complaint of ctl_parse_stream(). */
#define CTL_ERROR_SIZE 512

bool ctl_parse_stream(struct ctl_words words, bool set, struct nattrav_stream *stream,
		      char error[CTL_ERROR_SIZE]);

/* Room for any of the texts below, those of the call id and payload types apart. */
#define CTL_TEXT_SIZE 64

const char *ctl_family_text(sa_family_t family);
const char *ctl_addr_text(const struct nattrav_addr *addr, char text[CTL_TEXT_SIZE]);
const char *ctl_endpoint_text(const struct nattrav_endpoint *endpoint, char text[CTL_TEXT_SIZE]);
const char *ctl_prefix_text(const struct nattrav_prefix *prefix, char text[CTL_TEXT_SIZE]);
const char *ctl_duration_text(uint64_t ms, char text[CTL_TEXT_SIZE]);
double ctl_loss_percent(const struct nattrav_leg *leg);
const char *ctl_codec_name(uint8_t payload_type);
const char *ctl_clean_text(const char *from, char *text, size_t size);

/* 128 payload types, each "127," at most. */
#define CTL_PAYLOAD_TYPES_SIZE (128 * 4 + 1)

const char *ctl_payload_types_text(const uint8_t mask[NATTRAV_PAYLOAD_TYPES_LEN],
				   char text[CTL_PAYLOAD_TYPES_SIZE]);

#endif
