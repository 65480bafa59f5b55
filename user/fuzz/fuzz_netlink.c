// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a message of the kernel: every reader, and the refusals. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int entry(const struct nlattr *attr, void *arg)
{
	struct nattrav_stream stream;
	struct nattrav_event event;
	struct nattrav_info info;
	struct nattrav_pool pool;

	(void)arg;
	nattrav_stream_parse(attr, &stream);
	nattrav_info_parse(attr, &info);
	nattrav_pool_parse(attr, &pool);
	if (!nattrav_event_parse(attr, &event) && event.side > NATTRAV_SIDE_B)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct nattrav_stream stream = { .call = "c" };
	struct nattrav_msg req = { 0 };
	struct nattrav_error error;
	struct nlmsghdr *nlh;

	if (size < MNL_NLMSG_HDRLEN || size > UINT16_MAX)
		return 0;
	/* The buffer of the socket has room for the padding, and libmnl counts it in. */
	nlh = calloc(1, MNL_ALIGN(size));
	if (!nlh)
		return 0;
	memcpy(nlh, data, size);
	nlh->nlmsg_len = (uint32_t)size;
	nattrav_for_each_entry(nlh, entry, NULL);

	if (size >= MNL_NLMSG_HDRLEN + sizeof(int)) {
		nattrav_msg_begin(&req, 30, NATTRAV_CMD_STREAM_NEW, NLM_F_ACK);
		nattrav_stream_build(&req, &stream, NATTRAV_CMD_STREAM_NEW);
		nattrav_stream_build(&req, &stream, NATTRAV_CMD_STREAM_NEW);
		nlh->nlmsg_type = nlh->nlmsg_type & 1 ? NLMSG_DONE : NLMSG_ERROR;
		nattrav_extack(&error, req.nlh, nlh);
		if (!memchr(error.text, 0, sizeof(error.text)))
			abort();
		nattrav_msg_free(&req);
	}
	free(nlh);
	return 0;
}
