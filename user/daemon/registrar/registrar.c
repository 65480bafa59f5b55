// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * REGISTER: check all Contacts first, then change the bindings, all or none.
 */
#include "registrar/registrar.h"

#include "log.h"
#include "registrar/contact.h"
#include "sip/keyhash.h"
#include "sip/message.h"
#include "sip/server.h"

#include <string.h>
#include <time.h>

#define PATH_LEN_MAX 2048

/* the least part of the lifetime asked for that is granted, in percent */
#define GRANT_MIN 70

/**
 * struct registration - a REGISTER being worked on
 * @server: the server
 * @msg: the request
 * @flow: where it came from
 * @user: who sent it
 * @expires: the Expires header, or what is granted if nothing is asked
 * @outbound: the terminal registers a flow (RFC 5626)
 * @path: the values of Path (RFC 3327), with commas between them
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
	struct mbuf *path;
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
	contact_params(contact, &addr.params, reg->expires);
	if (contact->reg_id)
		reg->outbound = true;
	return false;
}

/* Less than what is asked, other for each: those who came together do not come back together. */
static uint32_t lifetime_grant(const struct registration *reg, uint32_t asked)
{
	const struct config *config = reg->server->config;
	const uint32_t most = MIN(asked, config->expires_max);
	const uint64_t percent = GRANT_MIN + keyhash_pl(reg->msg->cseq.num, &reg->msg->callid) %
						     (100 - GRANT_MIN + 1);

	return MAX((uint32_t)(most * percent / 100), config->expires_min);
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
		if (contact->lifetime)
			contact->lifetime = lifetime_grant(reg, contact->lifetime);
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
	if (binding->q != CONTACT_Q_MAX)
		err |= mbuf_printf(mb, ";q=0.%03u", binding->q);
	if (binding->instance[0])
		err |= mbuf_printf(mb, ";+sip.instance=\"%s\"", binding->instance);
	if (binding->reg_id)
		err |= mbuf_printf(mb, ";reg-id=%u", binding->reg_id);
	return err | mbuf_write_str(mb, "\r\n");
}

static bool path_take(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct mbuf *path = arg;

	(void)msg;
	(void)mbuf_printf(path, "%s%r", path->end ? ", " : "", &hdr->val);
	return path->end > PATH_LEN_MAX;
}

/* RFC 3327 section 5.3: the proxies that requests to the terminal have to pass. */
static bool path_check(struct registration *reg)
{
	if (!sip_msg_hdr(reg->msg, SIP_HDR_PATH))
		return true;
	if (!sip_msg_hdr_has_value(reg->msg, SIP_HDR_SUPPORTED, "path")) {
		(void)refuse(reg, 420, "Bad Extension");
		return false;
	}
	reg->path = mbuf_alloc(256);
	if (!reg->path || sip_msg_hdr_apply(reg->msg, true, SIP_HDR_PATH, path_take, reg->path)) {
		(void)refuse(reg, reg->path ? 400 : 500, reg->path ? "Path Too Long" : "No Memory");
		return false;
	}
	return true;
}

/* The flow ends here, or at a proxy that keeps it (RFC 5626 sections 5.1 and 6). */
static bool outbound_check(struct registration *reg)
{
	const struct sip_hdr *path = sip_msg_hdr(reg->msg, SIP_HDR_PATH);
	struct sip_addr first;
	struct pl value;

	reg->outbound = reg->outbound &&
			sip_msg_hdr_has_value(reg->msg, SIP_HDR_SUPPORTED, "outbound");
	if (!reg->outbound || sip_msg_hdr_count(reg->msg, SIP_HDR_VIA) == 1)
		return true;
	if (path && !sip_addr_decode(&first, &path->val) &&
	    msg_param(&first.uri.params, "ob", &value))
		return true;

	(void)refuse(reg, 439, "First Hop Lacks Outbound Support");
	return false;
}

/* What is known of the terminal as a whole goes to each of its contacts. */
static void contacts_complete(struct registration *reg)
{
	struct pl keep;
	size_t i;

	for (i = 0; i < reg->count; i++) {
		struct contact *contact = &reg->contacts[i];

		contact->keeps = reg->outbound || msg_param(&reg->msg->via.params, "keep", &keep);
		if (reg->path) {
			contact->path.p = (const char *)reg->path->buf;
			contact->path.l = reg->path->end;
		}
	}
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
	if (reg->path)
		err |= mbuf_printf(mb, "Path: %b\r\n", reg->path->buf, reg->path->end);
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
	if (reg.status || !path_check(&reg))
		goto refused;

	reg.expires = contact_seconds(&msg->expires, server->config->expires_max);
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_read, &reg);
	if (reg.status || !outbound_check(&reg) || !contacts_check(&reg, &repeated))
		goto refused;
	contacts_complete(&reg);

	if (!repeated && reg.star)
		star_apply(&reg);
	for (i = 0; i < reg.count && !repeated; i++)
		contact_apply(&reg, &reg.contacts[i]);
	if (reg.status)
		goto refused;
	registration_answer(&reg);
	goto out;
refused:
	registration_refuse(&reg);
out:
	mem_deref(reg.path);
}
