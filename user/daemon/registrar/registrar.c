// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * REGISTER: check all Contacts first, then change the bindings, all or none.
 */
#include "registrar/registrar.h"

#include "log.h"
#include "sip/message.h"
#include "sip/server.h"

#include <string.h>
#include <time.h>

#define Q_MAX      1000
#define Q_DEFAULT  Q_MAX
#define REG_ID_MAX 0x7fffffffu

/**
 * struct registration - a REGISTER being worked on
 * @server: the server
 * @msg: the request
 * @flow: where it came from
 * @user: who sent it
 * @expires: the Expires header, or what is granted if nothing is asked
 * @outbound: the terminal registers a flow (RFC 5626)
 * @star: a Contact "*"
 * @count: Contacts
 * @contacts: the Contacts
 * @status: 0, or what to refuse the request with
 * @reason: its reason phrase
 */
struct registration {
	struct server *server;
	const struct sip_msg *msg;
	const struct flow *flow;
	struct pl user;
	uint32_t expires;
	bool outbound;
	bool star;
	size_t count;
	struct contact contacts[LOCATION_CONTACTS_MAX];
	uint16_t status;
	const char *reason;
};

static bool refuse(struct registration *reg, uint16_t status, const char *reason)
{
	reg->status = status;
	reg->reason = reason;
	return true;
}

/* A number of seconds; too much for us is just much (RFC 3261 section 20.19). */
static uint32_t seconds(const struct pl *text, uint32_t otherwise)
{
	uint32_t n;

	switch (msg_number(text, UINT32_MAX, &n)) {
	case 0:
		return n;
	case ERANGE:
		return UINT32_MAX;
	default:
		return otherwise;
	}
}

/* A qvalue in thousandths (RFC 3261 section 25.1). */
static uint32_t quality(const struct pl *text)
{
	uint32_t scale = Q_MAX / 10;
	uint32_t q = 0;
	size_t i;

	if (!text->l || text->p[0] != '0')
		return Q_DEFAULT;
	for (i = 2; i < text->l && scale; i++, scale /= 10) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return Q_DEFAULT;
		q += (uint32_t)(text->p[i] - '0') * scale;
	}
	return q;
}

static void contact_params(struct registration *reg, const struct pl *params,
			   struct contact *contact)
{
	struct pl value;

	contact->lifetime = reg->expires;
	contact->q = Q_DEFAULT;
	if (msg_param(params, "expires", &value))
		contact->lifetime = seconds(&value, reg->expires);
	if (msg_param(params, "q", &value))
		contact->q = quality(&value);
	if (msg_param(params, "+sip.instance", &value))
		contact->instance = value;
	/* a reg-id says nothing without an instance (RFC 5626 section 6) */
	if (contact->instance.l && msg_param(params, "reg-id", &value) &&
	    msg_number(&value, REG_ID_MAX, &contact->reg_id))
		contact->reg_id = 0;
}

static bool contact_read(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct registration *reg = arg;
	struct contact *contact;
	struct sip_addr addr;
	struct pl uri;
	size_t i;

	if (!pl_strcmp(&hdr->val, "*")) {
		reg->star = true;
		return false;
	}
	if (reg->count == ARRAY_SIZE(reg->contacts))
		return refuse(reg, 403, "Too Many Contacts");
	if (sip_addr_decode(&addr, &hdr->val))
		return refuse(reg, 400, "Malformed Contact");
	/* RFC 3261 section 20.10: a URI with these stands in angle brackets */
	if (addr.auri.p == hdr->val.p && pl_strchr(&addr.auri, '?'))
		return refuse(reg, 400, "Malformed Contact");
	uri = msg_trim(addr.auri);
	if (pl_strcasecmp(&addr.uri.scheme, "sip") && pl_strcasecmp(&addr.uri.scheme, "sips"))
		return refuse(reg, 400, "Contact Is Not a SIP URI");
	/* it becomes a Request-URI */
	for (i = 0; i < uri.l; i++)
		if (uri.p[i] <= ' ' || uri.p[i] > '~' || strchr("\"?<>", uri.p[i]))
			return refuse(reg, 400, "Malformed Contact");
	if (server_is_local(reg->server, &addr.uri))
		return refuse(reg, 403, "Contact Is This Server");

	contact = &reg->contacts[reg->count++];
	contact->uri = uri;
	contact->callid = msg->callid;
	contact->cseq = msg->cseq.num;
	contact->flow = flow_id(reg->flow);
	contact_params(reg, &addr.params, contact);
	if (contact->reg_id)
		reg->outbound = true;
	return false;
}

/* RFC 3261 section 10.3 (6), (7): requests of one Call-ID take effect in order. */
static bool order_check(struct registration *reg, const struct binding *binding, bool *repeated)
{
	if (pl_strcmp(&reg->msg->callid, binding->callid))
		return true;
	if (reg->msg->cseq.num < binding->cseq) {
		(void)refuse(reg, 500, "CSeq Out of Order");
		return false;
	}
	if (reg->msg->cseq.num == binding->cseq)
		*repeated = true;
	return true;
}

static bool contacts_check(struct registration *reg, bool *repeated)
{
	const struct config *config = reg->server->config;
	const struct aor *aor = location_find(reg->server->location, &reg->user);
	const struct binding *binding;
	struct le *le;
	size_t i;

	if (reg->star && (reg->count || reg->expires || !pl_isset(&reg->msg->expires))) {
		(void)refuse(reg, 400, "Contact * Needs Expires 0 and No Other Contact");
		return false;
	}
	if (reg->star && aor) {
		LIST_FOREACH(&aor->bindings, le)
			if (!order_check(reg, le->data, repeated))
				return false;
	}
	for (i = 0; i < reg->count; i++) {
		struct contact *contact = &reg->contacts[i];

		if (contact->lifetime && contact->lifetime < config->expires_min) {
			(void)refuse(reg, 423, "Interval Too Brief");
			return false;
		}
		contact->lifetime = MIN(contact->lifetime, config->expires_max);
		binding = aor ? location_match(aor, contact) : NULL;
		if (binding && !order_check(reg, binding, repeated))
			return false;
	}
	return true;
}

static void star_apply(struct registration *reg)
{
	const struct aor *aor = location_find(reg->server->location, &reg->user);
	size_t left = aor ? list_count(&aor->bindings) : 0;

	/* the address of record goes with its last binding */
	while (left--)
		location_remove(list_ledata(list_head(&aor->bindings)), "unregistered");
}

static void contact_apply(struct registration *reg, const struct contact *contact)
{
	struct location *location = reg->server->location;
	const struct aor *aor = location_find(location, &reg->user);
	struct binding *known = aor ? location_match(aor, contact) : NULL;
	struct uri uri;

	if (!contact->lifetime) {
		if (known)
			location_remove(known, "unregistered");
		return;
	}
	if (location_save(location, &reg->user, contact)) {
		(void)refuse(reg, 500, "Out of Memory");
		return;
	}
	if (!known && !uri_decode(&uri, &contact->uri))
		log_info("path opened: %r@%s over %J (private contact %r:%u)", &reg->user,
			 reg->server->config->domain, &contact->flow.remote, &uri.host,
			 uri.port ? uri.port : SIP_PORT);
}

static int contact_print(struct mbuf *mb, const struct binding *binding)
{
	const uint64_t now = (uint64_t)time(NULL);
	int err;

	err = mbuf_printf(mb, "Contact: <%s>;expires=%llu", binding->contact,
			  (unsigned long long)(binding->expires > now ? binding->expires - now :
									0));
	if (binding->q != Q_DEFAULT)
		err |= mbuf_printf(mb, ";q=0.%03u", binding->q);
	if (binding->instance[0])
		err |= mbuf_printf(mb, ";+sip.instance=\"%s\"", binding->instance);
	if (binding->reg_id)
		err |= mbuf_printf(mb, ";reg-id=%u", binding->reg_id);
	return err | mbuf_write_str(mb, "\r\n");
}

static void registration_answer(struct registration *reg)
{
	const struct server *server = reg->server;
	const struct aor *aor = location_find(server->location, &reg->user);
	struct reply reply = { 200, "OK", NULL, server->config->keepalive };
	struct mbuf *mb = mbuf_alloc(512);
	struct le *le;
	int err = 0;

	if (!mb)
		return;
	if (aor)
		LIST_FOREACH(&aor->bindings, le)
			err |= contact_print(mb, le->data);
	/* RFC 5626 section 6: tells that the flow is used, and how often to keep it alive */
	if (reg->outbound)
		err |= mbuf_printf(mb, "Require: outbound\r\nFlow-Timer: %u\r\n",
				   server->config->keepalive);
	reply.headers = mb;
	if (!err)
		reply_send(reg->flow, reg->msg, &reply);
	mem_deref(mb);
}

static void registration_refuse(struct registration *reg)
{
	struct reply reply = { reg->status, reg->reason, NULL, 0 };
	struct mbuf *mb = mbuf_alloc(64);

	if (mb && reg->status == 423 &&
	    !mbuf_printf(mb, "Min-Expires: %u\r\n", reg->server->config->expires_min))
		reply.headers = mb;
	if (mb && reg->status == 420 && !mbuf_write_str(mb, "Unsupported: path\r\n"))
		reply.headers = mb;
	reply_send(reg->flow, reg->msg, &reply);
	mem_deref(mb);
}

void registrar_register(struct server *server, const struct sip_msg *msg, const struct flow *flow)
{
	struct registration reg = { .server = server, .msg = msg, .flow = flow };
	const struct config_user *user;
	bool repeated = false;
	size_t i;

	user = server_authenticate(server, flow, msg, false);
	if (!user)
		return;
	/* threat S3: nobody registers somebody else */
	pl_set_str(&reg.user, user->name);
	if (pl_cmp(&msg->to.uri.user, &reg.user) || !server_is_local(server, &msg->to.uri))
		(void)refuse(&reg, 403, "To Is Not the Authenticated User");
	else if (sip_msg_hdr(msg, SIP_HDR_PATH))
		(void)refuse(&reg, 420, "Bad Extension");
	if (reg.status)
		goto refused;

	reg.expires = seconds(&msg->expires, server->config->expires_max);
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_read, &reg);
	if (reg.status || !contacts_check(&reg, &repeated))
		goto refused;
	/* another Via: the flow ends at a proxy, not at us (RFC 5626 section 6) */
	reg.outbound = reg.outbound && sip_msg_hdr_count(msg, SIP_HDR_VIA) == 1 &&
		       sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "outbound");

	if (!repeated && reg.star)
		star_apply(&reg);
	for (i = 0; i < reg.count && !repeated; i++)
		contact_apply(&reg, &reg.contacts[i]);
	if (reg.status)
		goto refused;
	registration_answer(&reg);
	return;
refused:
	registration_refuse(&reg);
}
