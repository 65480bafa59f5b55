// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Editing by slices, and small questions about a message.
 */
#include "sip/message.h"

#include <string.h>

/**
 * struct change - one edit
 * @le: element of msg_edit.changes, in the order of the places
 * @at: where
 * @drop: how many bytes go
 * @text: what comes in their place, or NULL
 */
struct change {
	struct le le;
	const char *at;
	size_t drop;
	struct mbuf *text;
};

struct msg_edit {
	const struct sip_msg *msg;
	struct list changes;
	int err;
};

static void change_destroy(void *data)
{
	struct change *change = data;

	list_unlink(&change->le);
	mem_deref(change->text);
}

static void edit_destroy(void *data)
{
	struct msg_edit *edit = data;

	list_flush(&edit->changes);
}

int msg_edit_alloc(struct msg_edit **editp, const struct sip_msg *msg)
{
	struct msg_edit *edit;

	edit = mem_zalloc(sizeof(*edit), edit_destroy);
	if (!edit)
		return ENOMEM;
	edit->msg = msg;
	*editp = edit;
	return 0;
}

static struct change *change_add(struct msg_edit *edit, const char *at, size_t drop)
{
	struct change *change;
	struct le *le;

	if (edit->err)
		return NULL;
	change = mem_zalloc(sizeof(*change), change_destroy);
	if (!change) {
		edit->err = ENOMEM;
		return NULL;
	}
	change->at = at;
	change->drop = drop;

	/* what is put before a place stands before what goes from there */
	for (le = list_tail(&edit->changes); le; le = le->prev) {
		const struct change *other = le->data;

		if (other->at < at || (other->at == at && (drop || !other->drop)))
			break;
	}
	if (le)
		list_insert_after(&edit->changes, le, &change->le, change);
	else
		list_prepend(&edit->changes, &change->le, change);
	return change;
}

static void change_print(struct msg_edit *edit, const char *at, size_t drop, const char *fmt,
			 va_list ap)
{
	struct change *change = change_add(edit, at, drop);

	if (!change)
		return;
	change->text = mbuf_alloc(128);
	edit->err = change->text ? mbuf_vprintf(change->text, fmt, ap) : ENOMEM;
}

void msg_edit_replace(struct msg_edit *edit, const struct pl *slice, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	change_print(edit, slice->p, slice->l, fmt, ap);
	va_end(ap);
}

static const char *headers_start(const struct sip_msg *msg)
{
	const struct sip_hdr *first = list_ledata(list_head(&msg->hdrl));

	return first->name.p;
}

void msg_edit_prepend(struct msg_edit *edit, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	change_print(edit, headers_start(edit->msg), 0, fmt, ap);
	va_end(ap);
}

/* The end of a header line lies before a line that does not begin with white space. */
static struct pl header_line(const struct sip_msg *msg, const struct sip_hdr *hdr)
{
	const char *end = (const char *)mbuf_buf(msg->mb);
	const char *p = hdr->name.p + hdr->name.l;
	struct pl line = { hdr->name.p, 0 };

	for (; p < end; p++)
		if (*p == '\n' && (p + 1 == end || (p[1] != ' ' && p[1] != '\t')))
			break;
	line.l = (size_t)(p + 1 - line.p);
	return line;
}

void msg_edit_drop_line(struct msg_edit *edit, const struct sip_hdr *hdr)
{
	const struct pl line = header_line(edit->msg, hdr);

	(void)change_add(edit, line.p, line.l);
}

/* State of msg_edit_drop_values() while it walks the values. */
struct drop_state {
	struct msg_edit *edit;
	const struct sip_hdr *line;
	size_t left;
};

static bool drop_value(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct drop_state *state = arg;
	const struct sip_hdr *line = state->line;

	(void)msg;
	if (line && line->name.p != hdr->name.p) {
		/* all values of the line before went */
		msg_edit_drop_line(state->edit, line);
		state->line = NULL;
	}
	if (!state->left) {
		/* the first value that stays, on a line that others go from */
		if (state->line)
			(void)change_add(state->edit, state->line->val.p,
					 (size_t)(hdr->val.p - state->line->val.p));
		state->line = NULL;
		return true;
	}
	state->left--;
	if (!state->line)
		state->line = hdr;
	return false;
}

void msg_edit_drop_values(struct msg_edit *edit, enum sip_hdrid id, size_t count)
{
	struct drop_state state = { .edit = edit, .left = count };

	(void)sip_msg_hdr_apply(edit->msg, true, id, drop_value, &state);
	if (state.line)
		msg_edit_drop_line(edit, state.line);
}

void msg_edit_body(struct msg_edit *edit, const struct pl *part, const struct pl *text)
{
	const size_t len = msg_body(edit->msg).l - part->l + text->l;

	if (pl_isset(&edit->msg->clen))
		msg_edit_replace(edit, &edit->msg->clen, "%zu", len);
	else
		msg_edit_prepend(edit, "Content-Length: %zu\r\n", len);
	msg_edit_replace(edit, part, "%r", text);
}

int msg_edit_finish(const struct msg_edit *edit, struct mbuf **mbp)
{
	const struct mbuf *raw = edit->msg->mb;
	const char *p = (const char *)raw->buf;
	const char *end = p + raw->end;
	struct mbuf *mb;
	struct le *le;
	int err;

	if (edit->err)
		return edit->err;
	mb = mbuf_alloc(raw->end + 512);
	if (!mb)
		return ENOMEM;

	err = 0;
	LIST_FOREACH(&edit->changes, le) {
		const struct change *change = le->data;

		/* what lies in a line that was dropped already is gone */
		if (change->at < p)
			continue;
		err |= mbuf_write_mem(mb, (const uint8_t *)p, (size_t)(change->at - p));
		if (change->text)
			err |= mbuf_write_mem(mb, change->text->buf, change->text->end);
		p = change->at + change->drop;
	}
	err |= mbuf_write_mem(mb, (const uint8_t *)p, (size_t)(end - p));
	if (err) {
		mem_deref(mb);
		return ENOMEM;
	}
	mbuf_set_pos(mb, 0);
	*mbp = mb;
	return 0;
}

struct pl msg_body(const struct sip_msg *msg)
{
	return (struct pl){ (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) };
}

bool msg_is(const struct sip_msg *msg, const char *method)
{
	return msg->req && !pl_strcmp(&msg->met, method);
}

bool msg_answers(const struct sip_msg *msg, const char *method)
{
	return !msg->req && !pl_strcmp(&msg->cseq.met, method);
}

int msg_number(const struct pl *text, uint32_t max, uint32_t *number)
{
	uint64_t n = 0;
	size_t i;

	if (!text->l)
		return EBADMSG;
	for (i = 0; i < text->l; i++) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return EBADMSG;
		if (n <= max)
			n = n * 10 + (uint64_t)(text->p[i] - '0');
	}
	if (n > max)
		return ERANGE;
	*number = (uint32_t)n;
	return 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct pl msg_trim(struct pl pl)
{
	while (pl.l && is_space(pl.p[0]))
		pl_advance(&pl, 1);
	while (pl.l && is_space(pl.p[pl.l - 1]))
		pl.l--;
	return pl;
}

/* Take the next parameter off @rest; @param is all of it, semicolon excluded. */
static bool param_next(struct pl *rest, struct pl *param, struct pl *name, struct pl *value)
{
	bool quoted = false;
	const char *eq;
	size_t n;

	while (rest->l && (is_space(*rest->p) || *rest->p == ';'))
		pl_advance(rest, 1);
	if (!rest->l)
		return false;

	for (n = 0; n < rest->l && (quoted || rest->p[n] != ';'); n++) {
		if (quoted && rest->p[n] == '\\')
			n++;
		else if (rest->p[n] == '"')
			quoted = !quoted;
	}
	/* a backslash may have been the last character */
	n = MIN(n, rest->l);
	*param = msg_trim((struct pl){ rest->p, n });
	pl_advance(rest, (ssize_t)n);

	*name = *param;
	*value = pl_null;
	eq = pl_strchr(param, '=');
	if (eq) {
		name->l = (size_t)(eq - param->p);
		*value = msg_trim((struct pl){ eq + 1, (size_t)(param->p + param->l - eq - 1) });
		if (value->l >= 2 && value->p[0] == '"' && value->p[value->l - 1] == '"') {
			value->p++;
			value->l -= 2;
		}
	}
	*name = msg_trim(*name);
	return true;
}

uint32_t msg_seconds(const struct sip_msg *msg, enum sip_hdrid id, struct pl *number)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
	uint32_t seconds = 0;

	*number = hdr ? hdr->val : pl_null;
	number->l = 0;
	while (hdr && number->l < hdr->val.l && number->p[number->l] >= '0' &&
	       number->p[number->l] <= '9')
		number->l++;
	return number->l && !msg_number(number, UINT32_MAX, &seconds) ? seconds : 0;
}

bool msg_param(const struct pl *params, const char *name, struct pl *value)
{
	struct pl rest = *params;
	struct pl param, pname;

	while (param_next(&rest, &param, &pname, value))
		if (!pl_strcasecmp(&pname, name))
			return true;
	return false;
}

int via_stamp_print(struct re_printf *pf, const struct via_stamp *stamp)
{
	const struct sip_via *via = stamp->via;
	const struct pl head =
		msg_trim((struct pl){ via->val.p, (size_t)(via->params.p - via->val.p) });
	struct pl rest = via->params;
	struct pl param, name, value;
	int err;

	err = re_hprintf(pf, "%r", &head);
	while (param_next(&rest, &param, &name, &value)) {
		/* ours to say, whatever the sender wrote there */
		if (!pl_strcasecmp(&name, "rport") || !pl_strcasecmp(&name, "received"))
			continue;
		if (stamp->keep && !pl_strcasecmp(&name, "keep"))
			err |= re_hprintf(pf, ";keep=%u", stamp->keep);
		else
			err |= re_hprintf(pf, ";%r", &param);
	}
	err |= re_hprintf(pf, ";received=%j;rport=%u", &stamp->src, sa_port(&stamp->src));
	return err;
}

int sa_uri_print(struct re_printf *pf, const struct sa *sa)
{
	return re_hprintf(pf, sa_af(sa) == AF_INET6 ? "[%j]:%u" : "%j:%u", sa, sa_port(sa));
}
