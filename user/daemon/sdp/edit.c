// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Puts relay addresses into an SDP, line by line. A line that names no address
 * of a relayed stream is copied as it came, with its own line end.
 */
#include <errno.h>
#include <re.h>
#include <string.h>

#include "sdp/sdp.h"

/**
 * struct edit - an edit on its way through the body
 * @sdp: the SDP
 * @relays: what to put into each of its media lines
 * @out: the new body
 * @eol: line end for lines that we add, as the SDP has them itself
 * @section: media line that we are in, -1 before the first
 * @conn_due: the section needs a connection line that it does not have
 * @ice: whether ICE lines of the session part go
 */
struct edit {
	const struct sdp *sdp;
	const struct sdp_relay *relays;
	struct mbuf *out;
	struct pl eol;
	int section;
	bool conn_due;
	bool ice;
};

/*
 * RFC 8839: with these gone both sides use the default address, the relay's.
 * A candidate that we left in would lead around the relay and into the NAT.
 */
static bool line_is_ice(const struct pl *line)
{
	static const char *const names[] = {
		"candidate",   "remote-candidates", "end-of-candidates", "ice-ufrag",    "ice-pwd",
		"ice-options", "ice-lite",          "ice-pacing",        "ice-mismatch",
	};
	struct pl value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (sdp_attr_value(line, names[i], &value))
			return true;
	}

	return false;
}

/* The relay of a media line, or NULL if the line is left alone. */
static const struct sdp_relay *relay_of(const struct edit *edit, unsigned int index)
{
	return edit->relays[index].relayed ? &edit->relays[index] : NULL;
}

/* The first relayed media line that the session's connection line governs. */
static const struct sdp_relay *relay_of_session(const struct edit *edit)
{
	unsigned int i;

	for (i = 0; i < edit->sdp->media_count; i++) {
		if (relay_of(edit, i) && !pl_isset(&edit->sdp->media[i].conn.value))
			return relay_of(edit, i);
	}

	return NULL;
}

/*
 * The session's connection line holds one address. A media line under it that
 * needs another one gets a line of its own: one that is not relayed keeps what
 * it meant before, and one in another pool gets that pool's address.
 */
static bool conn_is_due(const struct edit *edit, unsigned int index)
{
	const struct sdp_media *media = &edit->sdp->media[index];
	const struct sdp_relay *session = relay_of_session(edit);
	const struct sdp_relay *relay = relay_of(edit, index);

	if (pl_isset(&media->conn.value) || !media->port)
		return false;

	if (!pl_isset(&edit->sdp->conn.value))
		return relay != NULL;

	if (!session || sdp_conn_on_hold(&edit->sdp->conn))
		return false;

	return !relay || !sa_cmp(&relay->local, &session->local, SA_ADDR);
}

/* The body may end without a line end; then so does the new one. */
static int conn_emit(struct edit *edit)
{
	const struct sdp_relay *relay = relay_of(edit, (unsigned int)edit->section);
	struct mbuf *out = edit->out;
	const bool open = out->buf[out->end - 1] != '\n';
	int err = 0;

	edit->conn_due = false;

	if (open)
		err = mbuf_write_pl(out, &edit->eol);

	if (!err && relay)
		err = mbuf_printf(out, "c=IN IP4 %j", &relay->local);
	else if (!err)
		err = mbuf_printf(out, "c=IN %r", &edit->sdp->conn.value);

	if (!err && !open)
		err = mbuf_write_pl(out, &edit->eol);

	return err;
}

/* Writes a line with a part of it replaced by an address or, without, a port. */
static int line_replace(struct mbuf *out, const struct pl *line, const struct pl *part,
			const struct sa *addr, unsigned int port)
{
	const char *tail = part->p + part->l;
	int err;

	err = mbuf_write_mem(out, (const uint8_t *)line->p, (size_t)(part->p - line->p));
	if (!err && addr)
		err = mbuf_printf(out, "IP4 %j", addr);
	else if (!err)
		err = mbuf_printf(out, "%u", port);
	if (!err)
		err = mbuf_write_mem(out, (const uint8_t *)tail,
				     (size_t)(line->p + line->l - tail));

	return err;
}

static int conn_edit(const struct edit *edit, const struct sdp_relay *relay, const struct pl *line)
{
	struct sdp_conn conn;

	/* RFC 2543 hold: the null address has to reach the other side. */
	if (!sdp_conn_decode(&conn, line) || sdp_conn_on_hold(&conn))
		return mbuf_write_pl(edit->out, line);

	return line_replace(edit->out, line, &conn.value, &relay->local, 0);
}

/* RFC 3605: "a=rtcp:53020" or "a=rtcp:53020 IN IP4 126.16.64.4". */
static int rtcp_edit(const struct edit *edit, const struct sdp_relay *relay, const struct pl *line,
		     const struct pl *value)
{
	const bool hold = sdp_conn_on_hold(sdp_media_conn(edit->sdp, (unsigned int)edit->section));
	struct pl rest = *value;
	struct pl port, net, type, addr;
	struct mbuf *out = edit->out;
	struct sa local = relay->local;
	uint32_t number;

	if (!sdp_word_next(&rest, &port) || !sdp_number_decode(&port, UINT16_MAX, &number))
		return mbuf_write_pl(out, line);

	sa_set_port(&local, (uint16_t)(sa_port(&local) + 1));

	if (!sdp_word_next(&rest, &net) || !sdp_word_next(&rest, &type) ||
	    !sdp_word_next(&rest, &addr))
		return mbuf_printf(out, "a=rtcp:%u", sa_port(&local));

	if (hold)
		return mbuf_printf(out, "a=rtcp:%u %r %r %r", sa_port(&local), &net, &type, &addr);

	return mbuf_printf(out, "a=rtcp:%u %r IP4 %j", sa_port(&local), &net, &local);
}

static int media_edit(struct edit *edit, const struct pl *line)
{
	const unsigned int index = (unsigned int)++edit->section;
	const struct sdp_media *media = &edit->sdp->media[index];
	const struct sdp_relay *relay = relay_of(edit, index);

	edit->conn_due = conn_is_due(edit, index);
	if (!relay)
		return mbuf_write_pl(edit->out, line);

	return line_replace(edit->out, line, &media->transport, NULL, sa_port(&relay->local));
}

static int line_edit(struct edit *edit, const struct pl *line, const struct pl *eol)
{
	const struct sdp_relay *relay;
	struct pl value;
	int err;

	/* RFC 4566 section 5: after "m=" may come "i=", and then "c=". */
	if (edit->conn_due && (line->l < 2 || memcmp(line->p, "i=", 2))) {
		err = conn_emit(edit);
		if (err)
			return err;
	}

	relay = edit->section < 0 ? relay_of_session(edit) :
				    relay_of(edit, (unsigned int)edit->section);

	if (line->l >= 2 && !memcmp(line->p, "m=", 2))
		err = media_edit(edit, line);
	else if (relay && line->l >= 2 && !memcmp(line->p, "c=", 2))
		err = conn_edit(edit, relay, line);
	else if (relay && edit->section >= 0 && sdp_attr_value(line, "rtcp", &value))
		err = rtcp_edit(edit, relay, line, &value);
	else if ((relay || (edit->ice && edit->section < 0)) && line_is_ice(line))
		return 0;
	else
		err = mbuf_write_pl(edit->out, line);

	return err ?: mbuf_write_pl(edit->out, eol);
}

/**
 * sdp_edit() - put relay addresses into an SDP
 * @sdp: the SDP
 * @relays: for each of its media lines, what to put in
 * @out: set to the new body, position at its start
 *
 * Replaces the address in each connection line that governs a relayed stream,
 * unless it is the null address, the port in its media line, and port and
 * address in its a=rtcp (RFC 3605); removes its ICE lines. A media line that
 * is not relayed keeps its address.
 *
 * Return: 0 or an errno.
 */
int sdp_edit(const struct sdp *sdp, const struct sdp_relay relays[SDP_MEDIA_MAX], struct mbuf **out)
{
	struct edit edit = {
		.sdp = sdp,
		.relays = relays,
		.eol = PL("\r\n"),
		.section = -1,
	};
	struct pl rest = sdp->body;
	struct pl line, eol;
	unsigned int i;
	int err = 0;

	edit.out = mbuf_alloc(sdp->body.l + 64);
	if (!edit.out)
		return ENOMEM;

	for (i = 0; i < sdp->media_count; i++)
		edit.ice = edit.ice || relays[i].relayed;

	while (!err && sdp_line_next(&rest, &line, &eol)) {
		if (eol.l)
			edit.eol = eol;
		err = line_edit(&edit, &line, &eol);
	}

	if (!err && edit.conn_due)
		err = conn_emit(&edit);

	if (err) {
		mem_deref(edit.out);
		return err;
	}

	mbuf_set_pos(edit.out, 0);
	*out = edit.out;
	return 0;
}
