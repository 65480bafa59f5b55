// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The replies are kept in the order in which they were given; those that are old go,
 * and the oldest ones if there are too many.
 */
#include "ng/cookie.h"

#include <errno.h>
#include <string.h>

#include "sip/keyhash.h"

#define BUCKETS 4096

/**
 * struct given - a reply that was given
 * @he: element of the table
 * @le: element of the list
 * @source: who asked
 * @at: when, in ms
 * @body: hash of the question
 * @cookie_len: length of the cookie
 * @reply_len: length of the reply
 * @data: cookie and reply
 */
struct given {
	struct le he;
	struct le le;
	struct sa source;
	uint64_t at;
	uint64_t body;
	size_t cookie_len;
	size_t reply_len;
	char data[];
};

/**
 * struct ng_cookies - the replies
 * @table: hash of struct given by source and cookie
 * @list: of them, the oldest first
 * @count: how many
 * @bytes: of cookies and replies
 */
struct ng_cookies {
	struct hash *table;
	struct list list;
	size_t count;
	size_t bytes;
};

static void cookies_destructor(void *arg)
{
	struct ng_cookies *cookies = arg;

	if (cookies->table)
		hash_clear(cookies->table);
	list_flush(&cookies->list);
	mem_deref(cookies->table);
}

/**
 * ng_cookies_alloc() - begin with no reply
 * @cookiesp: set to the replies; drop them with mem_deref()
 *
 * Return: 0 or an errno.
 */
int ng_cookies_alloc(struct ng_cookies **cookiesp)
{
	struct ng_cookies *cookies = mem_zalloc(sizeof(*cookies), cookies_destructor);
	int err;

	if (!cookies)
		return ENOMEM;

	err = hash_alloc(&cookies->table, BUCKETS);
	if (err)
		mem_deref(cookies);
	else
		*cookiesp = cookies;
	return err;
}

static uint32_t key_of(const struct ng_question *question)
{
	return (uint32_t)(keyhash_sa(question->source, SA_ALL) ^ keyhash_pl(0, &question->cookie));
}

static bool given_match(struct le *le, void *arg)
{
	const struct ng_question *question = arg;
	const struct given *given = le->data;

	return given->cookie_len == question->cookie.l &&
	       !memcmp(given->data, question->cookie.p, given->cookie_len) &&
	       sa_cmp(&given->source, question->source, SA_ALL);
}

static void given_drop(struct ng_cookies *cookies, struct given *given)
{
	cookies->count--;
	cookies->bytes -= given->cookie_len + given->reply_len;
	hash_unlink(&given->he);
	list_unlink(&given->le);
	mem_deref(given);
}

static void cookies_trim(struct ng_cookies *cookies, uint64_t now)
{
	struct le *le;

	while ((le = list_head(&cookies->list))) {
		struct given *given = le->data;

		if (now - given->at <= NG_COOKIES_MS && cookies->count < NG_COOKIES_MAX &&
		    cookies->bytes <= NG_COOKIES_BYTES)
			break;
		given_drop(cookies, given);
	}
}

/**
 * ng_cookies_find() - whether a question was asked before
 * @cookies: the replies
 * @question: the question
 * @now: the time in ms
 * @reply: set to the reply for NG_COOKIE_AGAIN, until the next call
 *
 * Return: NG_COOKIE_OTHER if another question had this cookie.
 */
enum ng_cookie_verdict ng_cookies_find(struct ng_cookies *cookies,
				       const struct ng_question *question, uint64_t now,
				       struct pl *reply)
{
	const struct given *given;

	cookies_trim(cookies, now);
	given = list_ledata(
		hash_lookup(cookies->table, key_of(question), given_match, (void *)question));
	if (!given)
		return NG_COOKIE_NEW;
	if (given->body != keyhash_pl(0, &question->body))
		return NG_COOKIE_OTHER;

	reply->p = given->data + given->cookie_len;
	reply->l = given->reply_len;
	return NG_COOKIE_AGAIN;
}

/**
 * ng_cookies_add() - a question was answered
 * @cookies: the replies
 * @question: the question, for which there is no reply yet
 * @reply: the reply
 * @now: the time in ms
 */
void ng_cookies_add(struct ng_cookies *cookies, const struct ng_question *question,
		    const struct pl *reply, uint64_t now)
{
	struct given *given;

	given = mem_zalloc(sizeof(*given) + question->cookie.l + reply->l, NULL);
	if (!given)
		return;

	given->source = *question->source;
	given->at = now;
	given->body = keyhash_pl(0, &question->body);
	given->cookie_len = question->cookie.l;
	given->reply_len = reply->l;
	memcpy(given->data, question->cookie.p, question->cookie.l);
	memcpy(given->data + given->cookie_len, reply->p, reply->l);

	cookies->count++;
	cookies->bytes += given->cookie_len + given->reply_len;
	hash_append(cookies->table, key_of(question), &given->he, given);
	list_append(&cookies->list, &given->le, given);
}

/**
 * ng_cookies_count() - how many replies are kept
 * @cookies: the replies
 */
size_t ng_cookies_count(const struct ng_cookies *cookies)
{
	return cookies->count;
}
