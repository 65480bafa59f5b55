// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as credentials: nobody gets in without the password, and what is
 * read stays within the header.
 */
#include <stdlib.h>
#include <string.h>

#include "registrar/digest.h"
#include "sip/message.h"
#include "sip/sanity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct digest *digest;

static void digest_make(void)
{
	static struct secret secret = { "key" };
	static char domain[] = "example.net";
	static struct config config = { .md5 = true };
	struct config_user *user;

	config.domain = domain;
	user = mem_zalloc(sizeof(*user), NULL);
	if (!user || hash_alloc(&config.users, 16) || str_dup(&user->name, "alice") ||
	    str_dup(&user->password, "a password that is long enough"))
		abort();
	hash_append(config.users, hash_joaat_str(user->name), &user->le, user);
	if (digest_alloc(&digest, &config, &secret))
		abort();
}

static void check(const struct sip_msg *msg)
{
	const struct config_user *user = NULL;
	struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_AUTHORIZATION) ?
				      (struct sip_hdr *)sip_msg_hdr(msg, SIP_HDR_AUTHORIZATION) :
				      NULL;
	struct pl name, value;
	struct sa src;

	sa_set_in(&src, 0x7f000001, 5060);
	if (digest_check(digest, msg, SIP_HDR_AUTHORIZATION, &src, &user) == DIGEST_PASSED || user)
		abort();
	(void)digest_username(digest, msg, SIP_HDR_AUTHORIZATION, &name);
	if (hdr)
		(void)msg_param(&hdr->val, "nonce", &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size + 512);
	struct sip_msg *msg = NULL;
	struct fault fault;

	if (!digest)
		digest_make();
	if (!mb)
		return 0;
	if (!mbuf_write_str(mb, "REGISTER sip:example.net SIP/2.0\r\n"
				"Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
				"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"
				"Authorization: Digest realm=\"example.net\", ") &&
	    !mbuf_write_mem(mb, data, size) && !mbuf_write_str(mb, "\r\n\r\n")) {
		(void)sanity_decode(mb, &msg, &fault);
		if (msg)
			check(msg);
	}
	mem_deref(msg);
	mem_deref(mb);
	return 0;
}
