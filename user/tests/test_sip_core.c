// SPDX-License-Identifier: GPL-2.0-or-later
/* The small parts of the SIP side: tokens, edits, timers, budgets, hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sip/b64url.h"
#include "sip/budget.h"
#include "sip/keyhash.h"
#include "sip/message.h"
#include "sip/token.h"
#include "sip/wheel.h"

static void test_b64url(void **state)
{
	/* RFC 4648 section 10, and the two characters that are not those of base64 */
	static const struct {
		const char *data;
		const char *text;
	} pairs[] = {
		{ "", "" },
		{ "f", "Zg" },
		{ "fo", "Zm8" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg" },
		{ "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff", "-_8" },
	};
	static const char *const bad[] = { "Zg==", "Zm9v\n", "Z", "Zh", "Zm9", "+/8", "Zm9v " };
	uint8_t data[16];
	char text[32];
	struct pl pl;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		const size_t len = strlen(pairs[i].data);

		b64url_encode((const uint8_t *)pairs[i].data, len, text);
		assert_string_equal(text, pairs[i].text);
		assert_int_equal(strlen(text), B64URL_LEN(len));
		pl_set_str(&pl, pairs[i].text);
		assert_int_equal(b64url_decode(&pl, data, sizeof(data)), len);
		assert_memory_equal(data, pairs[i].data, len);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		pl_set_str(&pl, bad[i]);
		assert_int_equal(b64url_decode(&pl, data, sizeof(data)), -1);
	}
	pl_set_str(&pl, "Zm9vYmFy");
	assert_int_equal(b64url_decode(&pl, data, 5), -1);
}

static void token_round(const char *local, const char *remote)
{
	static const struct pl call = PL("call"), other = PL("other");
	static const struct secret secret = { "key" }, wrong = { "kez" };
	struct token token = { .side = NATTRAV_SIDE_B, .flow.transport = TRANSPORT_TLS }, got;
	char text[TOKEN_TEXT_MAX];
	struct pl pl;
	size_t i;

	assert_int_equal(sa_decode(&token.flow.local, local, strlen(local)), 0);
	assert_int_equal(sa_decode(&token.flow.remote, remote, strlen(remote)), 0);
	assert_int_equal(token_encode(&token, &secret, &call, text), 0);
	pl_set_str(&pl, text);
	assert_int_equal(token_decode(&got, &secret, &call, &pl), 0);
	assert_int_equal(got.side, NATTRAV_SIDE_B);
	assert_true(flow_id_equal(&got.flow, &token.flow));
	assert_int_equal(token_decode(&got, &secret, &other, &pl), EPERM);
	assert_int_equal(token_decode(&got, &wrong, &call, &pl), EPERM);
	for (i = 0; i < pl.l; i++) {
		const char c = text[i];

		text[i] = c == 'A' ? 'B' : 'A';
		assert_int_not_equal(token_decode(&got, &secret, &call, &pl), 0);
		text[i] = c;
	}
	while (pl.l--)
		assert_int_not_equal(token_decode(&got, &secret, &call, &pl), 0);
}

static void test_token(void **state)
{
	(void)state;
	token_round("203.0.113.1:5060", "198.51.100.7:41234");
	token_round("[2001:db8::1]:5060", "[2001:db8::2]:65535");
}

#define MESSAGE                                                                      \
	"OPTIONS sip:b@c SIP/2.0\r\n"                                                \
	"Route: <sip:1;lr>,<sip:2;lr> , <sip:3;lr>\r\n"                              \
	"v: SIP/2.0/UDP a:5060;rport;branch=z9hG4bK1;received=9.9.9.9;x=\"a;b\"\r\n" \
	"X-One:  kept ,\r\n  as it is\r\n"                                           \
	"route:\t<sip:4;lr>\r\n"                                                     \
	"f: <sip:a@b>;tag=1\r\nt: <sip:b@c>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n"          \
	"Content-Length: 3\r\n\r\nabc"

static void edited(void (*edits)(struct msg_edit *, const struct sip_msg *), const char *expected)
{
	struct mbuf *mb = mbuf_alloc(512), *out;
	struct msg_edit *edit;
	struct sip_msg *msg;

	(void)mbuf_write_str(mb, MESSAGE);
	mbuf_set_pos(mb, 0);
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	assert_int_equal(msg_edit_alloc(&edit, msg), 0);
	edits(edit, msg);
	assert_int_equal(msg_edit_finish(edit, &out), 0);
	assert_non_null(memmem(out->buf, out->end, expected, strlen(expected)));
	mem_deref(out);
	mem_deref(edit);
	mem_deref(msg);
	mem_deref(mb);
}

static void drop_two(struct msg_edit *edit, const struct sip_msg *msg)
{
	(void)msg;
	msg_edit_drop_values(edit, SIP_HDR_ROUTE, 2);
	msg_edit_prepend(edit, "A: 1\r\n");
	msg_edit_prepend(edit, "B: 2\r\n");
}

static void drop_three(struct msg_edit *edit, const struct sip_msg *msg)
{
	(void)msg;
	msg_edit_drop_values(edit, SIP_HDR_ROUTE, 3);
	msg_edit_prepend(edit, "A: 1\r\n");
}

static void drop_all(struct msg_edit *edit, const struct sip_msg *msg)
{
	(void)msg;
	msg_edit_drop_values(edit, SIP_HDR_ROUTE, 4);
}

static void stamp_it(struct msg_edit *edit, const struct sip_msg *msg)
{
	struct via_stamp stamp = { .via = &msg->via };

	assert_int_equal(sa_set_str(&stamp.src, "192.0.2.7", 1234), 0);
	msg_edit_replace(edit, &msg->via.val, "%H", via_stamp_print, &stamp);
}

static void body_it(struct msg_edit *edit, const struct sip_msg *msg)
{
	const struct pl body = msg_body(msg);

	msg_edit_body(edit, &body, &(struct pl)PL("0123456789"));
}

static void part_it(struct msg_edit *edit, const struct sip_msg *msg)
{
	const struct pl part = { msg_body(msg).p + 1, 1 };

	msg_edit_body(edit, &part, &(struct pl)PL("0123456789"));
}

/* Each edit changes what it should and not one byte more. */
static void test_edit(void **state)
{
	(void)state;
	edited(drop_two, "SIP/2.0\r\nA: 1\r\nB: 2\r\nRoute: <sip:3;lr>\r\nv: SIP");
	edited(drop_three, "SIP/2.0\r\nA: 1\r\nv: SIP");
	edited(drop_all, "X-One:  kept ,\r\n  as it is\r\nf: <sip:a@b>");
	edited(stamp_it, "\r\nv: SIP/2.0/UDP a:5060;branch=z9hG4bK1;x=\"a;b\";received=192.0.2.7;"
			 "rport=1234\r\nX-One:");
	edited(body_it, "Content-Length: 10\r\n\r\n0123456789");
	edited(part_it, "Content-Length: 12\r\n\r\na0123456789c");
}

static void test_params(void **state)
{
	static const struct pl params = PL(" ; a=1;b ;c = \"x;d=2\\\"\" ;E= 5");
	struct pl value;

	(void)state;
	assert_true(msg_param(&params, "a", &value));
	assert_int_equal(pl_strcmp(&value, "1"), 0);
	assert_true(msg_param(&params, "b", &value));
	assert_int_equal(value.l, 0);
	assert_true(msg_param(&params, "C", &value));
	assert_int_equal(pl_strcmp(&value, "x;d=2\\\""), 0);
	assert_true(msg_param(&params, "e", &value));
	assert_int_equal(pl_strcmp(&value, "5"), 0);
	assert_false(msg_param(&params, "d", &value));
}

static unsigned int fired;

static void on_timer(void *arg)
{
	(void)arg;
	fired++;
}

struct pair {
	struct wheel_timer first;
	struct wheel_timer second;
};

static void on_first(void *arg)
{
	struct pair *pair = arg;

	fired++;
	wheel_stop(&pair->second);
}

static void test_wheel(void **state)
{
	struct wheel_timer timer = { .due = 0 }, far = { .due = 0 };
	struct pair pair = { .first = { .due = 0 } };
	struct wheel *wheel;

	(void)state;
	assert_int_equal(libre_init(), 0);
	assert_int_equal(wheel_alloc(&wheel), 0);
	fired = 0;
	wheel_start(wheel, &timer, 100, on_timer, NULL);
	wheel_start(wheel, &far, 3600000, on_timer, NULL);
	wheel_skip(wheel, 90);
	assert_int_equal(fired, 0);
	wheel_skip(wheel, 60);
	assert_int_equal(fired, 1);
	assert_false(wheel_running(&timer));

	/* many turns, in one step and in several */
	wheel_skip(wheel, 1800000);
	wheel_skip(wheel, 1799000);
	assert_int_equal(fired, 1);
	wheel_skip(wheel, 2000);
	assert_int_equal(fired, 2);

	/* a handler that stops a timer that is due as well */
	wheel_start(wheel, &pair.first, 50, on_first, &pair);
	wheel_start(wheel, &pair.second, 50, on_timer, NULL);
	wheel_skip(wheel, 200);
	assert_int_equal(fired, 3);

	wheel_start(wheel, &timer, 50, on_timer, NULL);
	wheel_stop(&timer);
	wheel_stop(&timer);
	wheel_skip(wheel, 200);
	assert_int_equal(fired, 3);
	mem_deref(wheel);
	libre_close();
}

static unsigned int replies(struct budget *budget, const struct sa *src)
{
	unsigned int n = 0;

	while (n < 5000 && budget_reply(budget, src))
		n++;
	return n;
}

static void test_budget(void **state)
{
	struct budget *budget;
	struct wheel *wheel;
	struct sa a, b;
	uint32_t i;

	(void)state;
	assert_int_equal(libre_init(), 0);
	assert_int_equal(wheel_alloc(&wheel), 0);
	assert_int_equal(budget_alloc(&budget), 0);
	assert_int_equal(sa_set_str(&a, "192.0.2.1", 1), 0);
	assert_int_equal(sa_set_str(&b, "192.0.2.2", 1), 0);
	assert_int_equal(replies(budget, &a), 10);
	/* another port is no other source, another address is */
	sa_set_port(&a, 2);
	assert_int_equal(replies(budget, &a), 0);
	assert_int_equal(replies(budget, &b), 10);
	wheel_skip(wheel, 500);
	assert_in_range(replies(budget, &a), 5, 6);
	for (i = 0; i < 50; i++)
		budget_earn(budget, &a);
	assert_in_range(replies(budget, &a), 100, 101);
	for (i = 0; i < 5000; i++)
		budget_earn(budget, &a);
	assert_in_range(replies(budget, &a), 1000, 1001);

	assert_true(budget_log(budget, &a));
	assert_false(budget_log(budget, &a));
	wheel_skip(wheel, 11000);
	assert_true(budget_log(budget, &a));

	/* any number of sources, the same memory */
	for (i = 0; i < 100000; i++) {
		sa_set_in(&b, i, 1);
		(void)budget_reply(budget, &b);
	}
	mem_deref(budget);
	mem_deref(wheel);
	libre_close();
}

static void test_keyhash(void **state)
{
	static const char text[] = "0123456789abcdef";
	uint64_t seen[sizeof(text)];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(text); i++) {
		seen[i] = keyhash(text, i);
		assert_true(seen[i] == keyhash(text, i));
		for (j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b64url),  cmocka_unit_test(test_token),
		cmocka_unit_test(test_edit),    cmocka_unit_test(test_params),
		cmocka_unit_test(test_wheel),   cmocka_unit_test(test_budget),
		cmocka_unit_test(test_keyhash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
