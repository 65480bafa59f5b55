/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies that were given, by the cookie of their question: one that comes again is
 * answered in the same words and not carried out a second time.
 */
#ifndef NATTRAVD_NG_COOKIE_H
#define NATTRAVD_NG_COOKIE_H

#include <re.h>

/* A proxy asks again for some seconds; there is no more room than this. */
#define NG_COOKIES_MS    60000
#define NG_COOKIES_MAX   65536
#define NG_COOKIES_BYTES (64u << 20)

struct ng_cookies;

/* What is known of a question. */
enum ng_cookie_verdict {
	NG_COOKIE_NEW,
	NG_COOKIE_AGAIN,
	NG_COOKIE_OTHER,
};

/**
 * struct ng_question - a question
 * @source: who asks
 * @cookie: its cookie
 * @body: what stands behind the cookie
 */
struct ng_question {
	const struct sa *source;
	struct pl cookie;
	struct pl body;
};

int ng_cookies_alloc(struct ng_cookies **cookiesp);
enum ng_cookie_verdict ng_cookies_find(struct ng_cookies *cookies,
				       const struct ng_question *question, uint64_t now,
				       struct pl *reply);
void ng_cookies_add(struct ng_cookies *cookies, const struct ng_question *question,
		    const struct pl *reply, uint64_t now);
size_t ng_cookies_count(const struct ng_cookies *cookies);

#endif
