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
 * @what: SDP_EDIT_*: what else is changed
 * @out: the new body
 * @eol: line end for lines that we add, as the SDP has them itself
 * @section: media line that we are in, -1 before the first
 * @conn_due: the section needs a connection line that it does not have
 * @rtcp_due: it needs to say where RTCP goes, and does not
 * @ice: whether ICE lines of the session part go
 */
struct edit {
	const struct sdp *sdp;
	const struct sdp_relay *relays;
	unsigned int what;
	struct mbuf *out;
	struct pl eol;
	int section;
	bool conn_due;
	bool rtcp_due;
	bool ice;
};

static const char *family_name(const struct sa *sa)
{
	return sa_af(sa) == AF_INET6 ? "IP6" : "IP4";
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

/* Whether the session's connection line stays the null address of a hold (RFC 2543). */
static bool session_on_hold(const struct edit *edit)
{
	unsigned int i;

	/* it is for all that have none of their own */
	for (i = 0; i < edit->sdp->media_count; i++) {
		if (relay_of(edit, i) && !pl_isset(&edit->sdp->media[i].conn.value) &&
		    !sdp_media_is_null(edit->sdp, i))
			return false;
	}

	return true;
}

/* Whether such an address stands where the edit is now, and stays. */
static bool on_hold(const struct edit *edit)
{
	if (edit->what & SDP_EDIT_NULL)
		return false;

	return edit->section >= 0 ? sdp_media_is_null(edit->sdp, (unsigned int)edit->section) :
				    session_on_hold(edit);
}

/*
 * The session's connection line holds one address. A media line under it that
 * needs another one gets a line of its own: one that is not relayed, or held,
 * keeps what it meant before, and one in another pool gets that pool's address.
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

	if (!session)
		return false;
	if (!(edit->what & SDP_EDIT_NULL) && sdp_media_is_null(edit->sdp, index))
		return !session_on_hold(edit);

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

	if (!err && relay && !on_hold(edit))
		err = mbuf_printf(out, "c=IN %s %j", family_name(&relay->local), &relay->local);
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
		err = mbuf_printf(out, "%s %j", family_name(addr), addr);
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
	if (!sdp_conn_decode(&conn, line) || (sdp_conn_is_null(&conn) && on_hold(edit)))
		return mbuf_write_pl(edit->out, line);

	return line_replace(edit->out, line, &conn.value, &relay->local, 0);
}

/*
 * The address in it is for nobody, but some refuse another family than in "c=",
 * and others want to hide it.
 */
static int origin_edit(const struct edit *edit, const struct pl *line)
{
	const struct pl *origin = &edit->sdp->origin, *username = &edit->sdp->username;
	const struct sdp_relay *relay = NULL;
	struct pl rest = *line;
	unsigned int i;
	int err = 0;

	for (i = 0; i < edit->sdp->media_count && !relay; i++)
		relay = relay_of(edit, i);

	if (!relay || origin->p < line->p || origin->p > line->p + line->l)
		return mbuf_write_pl(edit->out, line);

	if (edit->what & SDP_EDIT_USERNAME) {
		err = mbuf_write_str(edit->out, "o=-");
		pl_advance(&rest, username->p + username->l - line->p);
	}
	if (err)
		return err;
	if (!(edit->what & SDP_EDIT_ORIGIN) && !memcmp(origin->p, family_name(&relay->local), 3))
		return mbuf_write_pl(edit->out, &rest);

	return line_replace(edit->out, &rest, origin, &relay->local, 0);
}

static struct sa rtcp_local(const struct sdp_relay *relay)
{
	struct sa local = relay->local;

	if (sa_isset(&relay->rtcp, SA_ALL))
		return relay->rtcp;

	sa_set_port(&local, (uint16_t)(sa_port(&local) + 1));
	return local;
}

/* RFC 3605: "a=rtcp:53020" or "a=rtcp:53020 IN IP4 126.16.64.4". */
static int rtcp_edit(const struct edit *edit, const struct sdp_relay *relay, const struct pl *line,
		     const struct pl *value)
{
	const struct sa local = rtcp_local(relay);
	struct pl rest = *value;
	struct pl port, net, type, addr;
	struct mbuf *out = edit->out;
	uint32_t number;

	if (!sdp_word_next(&rest, &port) || !sdp_number_decode(&port, UINT16_MAX, &number))
		return mbuf_write_pl(out, line);

	if (!sdp_word_next(&rest, &net) || !sdp_word_next(&rest, &type) ||
	    !sdp_word_next(&rest, &addr))
		return mbuf_printf(out, "a=rtcp:%u", sa_port(&local));

	if (on_hold(edit))
		return mbuf_printf(out, "a=rtcp:%u %r %r %r", sa_port(&local), &net, &type, &addr);

	return mbuf_printf(out, "a=rtcp:%u %r %s %j", sa_port(&local), &net, family_name(&local),
			   &local);
}

/* Its relay gives RTCP another port than the next one, and it does not speak of RTCP. */
static bool rtcp_is_due(const struct edit *edit, unsigned int index)
{
	const struct sdp_relay *relay = relay_of(edit, index);

	return relay && sa_isset(&relay->rtcp, SA_ALL) && !edit->sdp->media[index].rtcp &&
	       !sa_cmp(&relay->rtcp, &relay->local, SA_ALL);
}

static int rtcp_emit(struct edit *edit)
{
	const struct sa local = rtcp_local(relay_of(edit, (unsigned int)edit->section));
	struct mbuf *out = edit->out;
	const bool open = out->buf[out->end - 1] != '\n';
	int err = 0;

	edit->rtcp_due = false;
	if (open)
		err = mbuf_write_pl(out, &edit->eol);
	if (!err)
		err = mbuf_printf(out, "a=rtcp:%u", sa_port(&local));
	if (!err && !open)
		err = mbuf_write_pl(out, &edit->eol);

	return err;
}

static int media_edit(struct edit *edit, const struct pl *line)
{
	const unsigned int index = (unsigned int)++edit->section;
	const struct sdp_media *media = &edit->sdp->media[index];
	const struct sdp_relay *relay = relay_of(edit, index);

	edit->conn_due = conn_is_due(edit, index);
	edit->rtcp_due = rtcp_is_due(edit, index);
	if (!relay)
		return mbuf_write_pl(edit->out, line);

	return line_replace(edit->out, line, &media->transport, NULL, sa_port(&relay->local));
}

static bool line_is(const struct pl *line, const char *type)
{
	return line->l >= 2 && !memcmp(line->p, type, 2);
}

/*
 * The lines that a section lacks, each where it belongs: RFC 4566 section 5
 * puts "c=" after "i=", and attributes at the end.
 */
static int due_emit(struct edit *edit, const struct pl *line)
{
	int err = 0;

	if (edit->conn_due && !(line && line_is(line, "i=")))
		err = conn_emit(edit);
	if (!err && edit->rtcp_due && (!line || line_is(line, "a=") || line_is(line, "m=")))
		err = rtcp_emit(edit);

	return err;
}

/* Whether ICE lines go: those of a bundled line that is off (RFC 9143) as well. */
static bool strips_ice(const struct edit *edit)
{
	if (edit->section < 0)
		return edit->ice;

	return relay_of(edit, (unsigned int)edit->section) ||
	       (edit->ice && edit->sdp->media[edit->section].group);
}

/* Lines that are left out. */
static bool line_goes(const struct edit *edit, const struct sdp_relay *relay, const struct pl *line)
{
	struct pl value;

	if (strips_ice(edit) && sdp_attr_is_ice(line))
		return true;

	return edit->what & SDP_EDIT_NO_MUX && relay && sdp_attr_value(line, "rtcp-mux", &value);
}

static int line_edit(struct edit *edit, const struct pl *line, const struct pl *eol)
{
	const struct sdp_relay *relay;
	struct pl value;
	int err;

	err = due_emit(edit, line);
	if (err)
		return err;

	relay = edit->section < 0 ? relay_of_session(edit) :
				    relay_of(edit, (unsigned int)edit->section);

	if (line_is(line, "m="))
		err = media_edit(edit, line);
	else if (line_is(line, "o=") && edit->section < 0)
		err = origin_edit(edit, line);
	else if (relay && line_is(line, "c="))
		err = conn_edit(edit, relay, line);
	else if (relay && edit->section >= 0 && sdp_attr_value(line, "rtcp", &value))
		err = rtcp_edit(edit, relay, line, &value);
	else if (edit->what & SDP_EDIT_NAME && line_is(line, "s=") && edit->section < 0)
		err = mbuf_write_str(edit->out, "s=-");
	else if (line_goes(edit, relay, line))
		return 0;
	else
		err = mbuf_write_pl(edit->out, line);

	return err ?: mbuf_write_pl(edit->out, eol);
}

/**
 * sdp_edit() - put relay addresses into an SDP
 * @sdp: the SDP
 * @relays: for each of its media lines, what to put in
 * @what: SDP_EDIT_*: what else to change
 * @out: set to the new body, position at its start
 *
 * Replaces the address in each connection line that governs a relayed stream,
 * unless it is the null address of a hold, the port in its media line, and port
 * and address in its a=rtcp (RFC 3605), which is added where RTCP has a port that
 * cannot be guessed; removes its ICE lines. A media line that is not relayed
 * keeps its address. The origin line is changed only together with its family,
 * unless @what says so.
 *
 * Return: 0 or an errno.
 */
int sdp_edit(const struct sdp *sdp, const struct sdp_relay relays[SDP_MEDIA_MAX], unsigned int what,
	     struct mbuf **out)
{
	struct edit edit = {
		.sdp = sdp,
		.relays = relays,
		.what = what,
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

	if (!err)
		err = due_emit(&edit, NULL);

	if (err) {
		mem_deref(edit.out);
		return err;
	}

	mbuf_set_pos(edit.out, 0);
	*out = edit.out;
	return 0;
}
