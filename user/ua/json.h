/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One JSON object, written member by member. */
#ifndef NATTRAV_UA_JSON_H
#define NATTRAV_UA_JSON_H

#include <re.h>

/**
 * struct ua_json - an object being written
 * @mb: where to
 * @members: how many it has so far
 * @err: the first error; the calls after it do nothing
 */
struct ua_json {
	struct mbuf *mb;
	unsigned int members;
	int err;
};

void ua_json_open(struct ua_json *json, struct mbuf *mb);
void ua_json_text(struct ua_json *json, const char *name, const char *value);
void ua_json_pl(struct ua_json *json, const char *name, const struct pl *value);
void ua_json_number(struct ua_json *json, const char *name, int64_t value);
void ua_json_ms(struct ua_json *json, const char *name, uint64_t microseconds);
void ua_json_bool(struct ua_json *json, const char *name, bool value);
void ua_json_addr(struct ua_json *json, const char *name, const struct sa *addr);
int ua_json_close(struct ua_json *json);

#endif
