// SPDX-License-Identifier: GPL-2.0-or-later
/* What the keep-alives and the probes of the NAT have in common. */
#include "stun.h"

#include <string.h>

/* Sent at 0, 0.5, 1.5 and 3.5 s; given up at 5.5 s (RFC 5626 section 4.4.2 asks for less than 10). */
#define RTO_MS     500
#define REQUESTS   4
#define LAST_RTO   4
#define HEADER_LEN 20

/**
 * ua_stun_alloc() - a set of STUN transactions
 * @stunp: set to it; drop it with mem_deref()
 *
 * Return: 0 or an errno.
 */
int ua_stun_alloc(struct stun **stunp)
{
	const struct stun_conf conf = {
		.rto = RTO_MS, .rc = REQUESTS, .rm = LAST_RTO, .ti = STUN_DEFAULT_TI
	};

	return stun_alloc(stunp, &conf, NULL, NULL);
}

/**
 * ua_stun_mapped() - the mapped address of a Binding response
 * @mapped: set to it
 * @msg: the response
 *
 * Return: 0, or EPROTO if it holds none.
 */
int ua_stun_mapped(struct sa *mapped, const struct stun_msg *msg)
{
	const struct stun_attr *attr = stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);

	if (!attr)
		return EPROTO;
	*mapped = attr->v.xor_mapped_addr;
	return 0;
}

/**
 * ua_stun_is_message() - is it STUN and not SIP (RFC 5626 section 8)
 * @mb: a datagram
 */
bool ua_stun_is_message(const struct mbuf *mb)
{
	return mbuf_get_left(mb) >= HEADER_LEN && *mbuf_buf(mb) < 2 &&
	       !memcmp(mbuf_buf(mb) + 4, "\x21\x12\xa4\x42", 4);
}
