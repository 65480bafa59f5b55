// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contacts.
 */
#include "registrar/contact.h"

#include "sip/message.h"

#define REG_ID_MAX 0x7fffffffu

/* RFC 3261 section 20.19 */
uint32_t contact_seconds(const struct pl *text, uint32_t otherwise)
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
	uint32_t scale = CONTACT_Q_MAX / 10;
	uint32_t q = 0;
	size_t i;

	if (!text->l || text->p[0] != '0')
		return CONTACT_Q_MAX;
	for (i = 2; i < text->l && scale; i++, scale /= 10) {
		if (text->p[i] < '0' || text->p[i] > '9')
			return CONTACT_Q_MAX;
		q += (uint32_t)(text->p[i] - '0') * scale;
	}
	return q;
}

void contact_params(struct contact *contact, const struct pl *params, uint32_t expires)
{
	struct pl value;

	contact->lifetime = expires;
	contact->q = CONTACT_Q_MAX;
	if (msg_param(params, "expires", &value))
		contact->lifetime = contact_seconds(&value, expires);
	if (msg_param(params, "q", &value))
		contact->q = quality(&value);
	if (msg_param(params, "+sip.instance", &value))
		contact->instance = value;
	/* a reg-id says nothing without an instance (RFC 5626 section 6) */
	if (contact->instance.l && msg_param(params, "reg-id", &value) &&
	    msg_number(&value, REG_ID_MAX, &contact->reg_id))
		contact->reg_id = 0;
}
