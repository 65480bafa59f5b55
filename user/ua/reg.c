// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registration: REGISTER with digest and the outbound parameters (RFC 5626
 * section 4.2), again before it expires and whenever the mapped address changes.
 * libre's sipreg can do neither SHA-256 nor the latter.
 */
#include "internal.h"

#define REG_ID 1

/* RFC 5626 section 4.5, all flows have failed: seconds */
#define RETRY_BASE 30
#define RETRY_MAX  1800
/* RFC 3261 section 22.2: after a stale nonce a second challenge may follow the first */
#define CHALLENGES_MAX 2
/* part of the lifetime after which to register again */
#define REFRESH_PERCENT 90

/**
 * struct ua_reg - a registration
 * @ua: whose
 * @dlg: Call-ID, tags and CSeq, the same for each REGISTER
 * @req: the one under way
 * @tmr: until the next
 * @digest: the challenge last seen
 * @expires: lifetime to ask for
 * @challenges: answered since the last final response
 * @failures: in a row
 * @registered: the server knows us
 * @again: register once more as soon as the one under way has its answer
 * @ending: unregister, or do so
 */
struct ua_reg {
	struct ua *ua;
	struct sip_dialog *dlg;
	struct sip_request *req;
	struct tmr tmr;
	struct ua_digest digest;
	uint32_t expires;
	unsigned int challenges;
	unsigned int failures;
	bool registered;
	bool again;
	bool ending;
};

static void reg_destructor(void *arg)
{
	struct ua_reg *reg = arg;

	tmr_cancel(&reg->tmr);
	mem_deref(reg->req);
	mem_deref(reg->dlg);
	ua_digest_reset(&reg->digest);
}

static void response_receive(int err, const struct sip_msg *msg, void *arg);

/* libre ends the Via and calls us; ";keep" (RFC 6223 section 4.3) goes to its end. */
static int headers_print(enum sip_transp tp, const struct sa *src, const struct sa *dst,
			 struct mbuf *mb, void *arg)
{
	const struct ua_reg *reg = arg;
	const struct ua *ua = reg->ua;

	(void)tp;
	(void)dst;
	mb->pos -= 2;
	mb->end = mb->pos;
	return mbuf_printf(mb,
			   ";keep\r\n"
			   "Contact: <sip:%s@%J>;expires=%u;+sip.instance=\"<%s>\";reg-id=%u\r\n",
			   ua->config.user, src, reg->ending ? 0 : reg->expires, ua->instance,
			   REG_ID);
}

static int reg_send(struct ua_reg *reg)
{
	struct ua *ua = reg->ua;
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return ENOMEM;
	err = ua_digest_print(mb, &reg->digest, &ua->credentials, "REGISTER", ua->registrar);
	mbuf_set_pos(mb, 0);
	if (!err)
		err = sip_drequestf(&reg->req, ua->sip, true, "REGISTER", reg->dlg, 0, NULL,
				    headers_print, response_receive, reg,
				    "%b"
				    "Supported: outbound, path\r\n"
				    "Content-Length: 0\r\n"
				    "\r\n",
				    mbuf_buf(mb), mbuf_get_left(mb));
	mem_deref(mb);
	return err;
}

/* Seconds until the next try after a failure (RFC 5626 section 4.5). */
static uint32_t retry_wait(unsigned int failures, const struct sip_msg *msg)
{
	const struct sip_hdr *after = msg ? sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER) : NULL;
	uint32_t wait = RETRY_MAX, asked;

	if (failures < 6)
		wait = RETRY_BASE << failures;
	wait = wait * (50 + rand_u16() % 51) / 100;
	asked = after ? pl_u32(&after->val) : 0;
	return asked > wait && asked < RETRY_MAX ? asked : wait;
}

static void reg_timer(void *arg);

static void reg_failed(struct ua_reg *reg, int err, const struct sip_msg *msg)
{
	struct ua_event event = { .type = UA_UNREGISTERED };
	struct ua *ua = reg->ua;
	char text[64];

	if (reg->ending) {
		ua_stopped(ua);
		return;
	}
	reg->registered = false;
	if (msg) {
		event.status = msg->scode;
		event.reason = msg->reason;
	}
	if (err == EACCES)
		pl_set_str(&event.reason, "a challenge that is not ours to answer");
	else if (err == EAUTH)
		pl_set_str(&event.reason, "the password was not accepted");
	else if (err)
		pl_set_str(&event.reason, str_error(err, text, sizeof(text)));
	event.seconds = retry_wait(++reg->failures, msg);
	tmr_start(&reg->tmr, (uint64_t)event.seconds * 1000, reg_timer, reg);
	ua->path = mem_deref(ua->path);
	ua_tell(ua, &event);
}

static void reg_timer(void *arg)
{
	struct ua_reg *reg = arg;
	int err;

	reg->challenges = 0;
	err = reg_send(reg);
	if (err)
		reg_failed(reg, err, NULL);
}

struct granted {
	const char *instance;
	uint32_t expires;
};

/* The lifetime granted to our Contact; the user may have other devices. */
static bool contact_read(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct granted *granted = arg;
	struct sip_addr addr;
	struct pl instance, expires;

	(void)msg;
	/* "<urn:uuid:...>", without the quotes */
	if (sip_addr_decode(&addr, &hdr->val) ||
	    msg_param_decode(&addr.params, "+sip.instance", &instance) || instance.l < 2)
		return false;
	pl_advance(&instance, 1);
	instance.l--;
	if (pl_strcasecmp(&instance, granted->instance) ||
	    msg_param_decode(&addr.params, "expires", &expires))
		return false;
	granted->expires = pl_u32(&expires);
	return true;
}

/* What the server sees as our address: rport and received (RFC 3581 section 4). */
static bool via_mapped(struct sa *mapped, const struct sip_msg *msg)
{
	struct pl host, port;

	if (msg_param_decode(&msg->via.params, "rport", &port))
		return false;
	if (!msg_param_decode(&msg->via.params, "received", &host))
		return !sa_set(mapped, &host, (uint16_t)pl_u32(&port));
	*mapped = msg->via.addr;
	sa_set_port(mapped, (uint16_t)pl_u32(&port));
	return sa_isset(mapped, SA_ALL);
}

/* How often the server wants keep-alives: Flow-Timer (RFC 5626), or keep (RFC 6223). */
static uint32_t server_interval(const struct sip_msg *msg)
{
	const struct sip_hdr *timer = sip_msg_hdr(msg, SIP_HDR_FLOW_TIMER);
	struct pl keep;

	if (timer)
		return pl_u32(&timer->val);
	return msg_param_decode(&msg->via.params, "keep", &keep) ? 0 : pl_u32(&keep);
}

static void reg_succeeded(struct ua_reg *reg, const struct sip_msg *msg)
{
	struct ua_event event = { .type = UA_REGISTERED };
	struct ua *ua = reg->ua;
	struct granted granted = {
		.instance = ua->instance,
		.expires = pl_isset(&msg->expires) ? pl_u32(&msg->expires) : reg->expires,
	};
	struct sa mapped;
	int err = 0;

	if (reg->ending) {
		ua_stopped(ua);
		return;
	}
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_read, &granted);
	if (!granted.expires) {
		reg_failed(reg, EPROTO, NULL);
		return;
	}
	reg->failures = 0;
	tmr_start(&reg->tmr, (uint64_t)granted.expires * 10 * REFRESH_PERCENT, reg_timer, reg);

	event.seconds = granted.expires;
	if (via_mapped(&mapped, msg))
		event.addr = &mapped;
	ua_tell(ua, &event);

	if (!ua->path)
		err = ua_path_alloc(&ua->path, ua, msg->sock);
	if (err) {
		ua_tell_error(ua, err, "keep-alive");
		return;
	}
	if (event.addr)
		ua_path_mapped(ua->path, event.addr);
	ua_path_interval(ua->path, server_interval(msg));
}

static int challenge_answer(struct ua_reg *reg, const struct sip_msg *msg)
{
	bool stale = false;
	int err;

	/* only the server that we sent it to may ask for the password's hash */
	if (!sa_cmp(&msg->src, &reg->ua->config.server, SA_ALL))
		return EACCES;
	if (!reg->ua->config.password)
		return EACCES;
	err = ua_digest_challenge(&reg->digest, msg, &reg->ua->credentials, &stale);
	if (err)
		return err;
	/* refused: the same password would be refused again */
	if (reg->challenges++ && (!stale || reg->challenges > CHALLENGES_MAX))
		return EAUTH;
	return reg_send(reg);
}

static int interval_too_brief(struct ua_reg *reg, const struct sip_msg *msg)
{
	const struct sip_hdr *min = sip_msg_hdr(msg, SIP_HDR_MIN_EXPIRES);
	const uint32_t expires = min ? pl_u32(&min->val) : 0;

	if (expires <= reg->expires)
		return EPROTO;
	reg->expires = expires;
	return reg_send(reg);
}

static void response_receive(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_reg *reg = arg;

	if (!err && msg->scode < 200)
		return;
	if (!err && msg->scode < 300)
		reg->registered = true;
	if (reg->again) {
		reg->again = false;
		reg_timer(reg);
		return;
	}
	if (!err && msg->scode < 300) {
		reg_succeeded(reg, msg);
		return;
	}
	if (!err && (msg->scode == 401 || msg->scode == 407)) {
		err = challenge_answer(reg, msg);
		if (!err)
			return;
		ua_digest_reset(&reg->digest);
	} else if (!err && msg->scode == 423) {
		err = interval_too_brief(reg, msg);
		if (!err)
			return;
	}
	reg_failed(reg, err, msg);
}

/**
 * ua_reg_alloc() - begin to register
 * @regp: set to the registration; drop it with mem_deref()
 * @ua: the terminal
 *
 * Return: 0 or an errno.
 */
int ua_reg_alloc(struct ua_reg **regp, struct ua *ua)
{
	struct ua_reg *reg = mem_zalloc(sizeof(*reg), reg_destructor);
	const char *routes[] = { ua->route };
	int err;

	if (!reg)
		return ENOMEM;
	reg->ua = ua;
	reg->expires = ua->config.expires;
	err = sip_dialog_alloc(&reg->dlg, ua->registrar, ua->aor, NULL, ua->aor, routes,
			       ARRAY_SIZE(routes));
	if (!err)
		err = reg_send(reg);
	if (err)
		mem_deref(reg);
	else
		*regp = reg;
	return err;
}

/**
 * ua_reg_again() - register at once, not only when it is time
 * @reg: the registration
 */
void ua_reg_again(struct ua_reg *reg)
{
	if (reg->req)
		reg->again = true;
	else
		tmr_start(&reg->tmr, 0, reg_timer, reg);
}

/**
 * ua_reg_end() - unregister; ua_stopped() is called when that is done
 * @reg: the registration
 *
 * Return: whether there is anything to wait for.
 */
bool ua_reg_end(struct ua_reg *reg)
{
	if (!reg->registered && !reg->req)
		return false;
	reg->ending = true;
	ua_reg_again(reg);
	return true;
}
