// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends one message to the generic netlink family "nattrav" byte by byte as told,
 * and prints what the kernel answers: for requests that no library would make.
 *
 *	genlmsg COMMAND [HEX]
 *	genlmsg -
 *	genlmsg join
 *
 * COMMAND is the number of the operation; HEX are the attributes, in this host's
 * byte order. Prints "ok", or the error and the kernel's words for it, and exits
 * with 1 then. join asks for the events and reads none.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/nattrav.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE 8192

static uint16_t family;
static int group; /* the only one, of the events */
static char words[256];
static uint32_t missing;

static int group_attr(const struct nlattr *attr, void *data)
{
	const struct nlattr *part;

	(void)data;
	mnl_attr_for_each_nested(part, attr)
		if (mnl_attr_get_type(part) == CTRL_ATTR_MCAST_GRP_ID)
			group = (int)mnl_attr_get_u32(part);
	return MNL_CB_OK;
}

static int family_attr(const struct nlattr *attr, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		family = mnl_attr_get_u16(attr);
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		return mnl_attr_parse_nested(attr, group_attr, NULL);
	return MNL_CB_OK;
}

static int family_answer(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), family_attr, data);
}

static int words_attr(const struct nlattr *attr, void *data)
{
	(void)data;
	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		snprintf(words, sizeof(words), "%s", mnl_attr_get_str(attr));
	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MISS_TYPE)
		missing = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* The answer to a request with NLM_F_ACK: 0 or a negative errno. */
static int answer(struct mnl_socket *nl, mnl_cb_t data)
{
	char buf[MESSAGE];
	const struct nlmsghdr *nlh;
	const struct nlmsgerr *err;
	unsigned int offset;
	int left;

	for (;;) {
		left = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (left <= 0)
			return -5;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type != NLMSG_ERROR) {
				if (data)
					data(nlh, NULL);
				continue;
			}
			err = mnl_nlmsg_get_payload(nlh);
			if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
				offset = sizeof(*err);
				if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
					offset += mnl_nlmsg_get_payload_len(&err->msg);
				mnl_attr_parse(nlh, offset, words_attr, NULL);
			}
			return err->error;
		}
	}
}

static struct nlmsghdr *request(void *buf, uint16_t type, uint8_t command, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = time(NULL);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = version;
	return nlh;
}

/* Whole bytes as hexadecimal digits, blanks between them allowed. */
static int hex_append(struct nlmsghdr *nlh, const char *hex)
{
	uint8_t *p = mnl_nlmsg_get_payload_tail(nlh);
	unsigned int byte;
	int used;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		if (sscanf(hex, "%2x%n", &byte, &used) != 1 || used != 2 ||
		    nlh->nlmsg_len >= MESSAGE / 2)
			return -1;
		*p++ = byte;
		nlh->nlmsg_len++;
		hex += 2;
	}
	return 0;
}

static int send_one(struct mnl_socket *nl, unsigned long command, const char *hex)
{
	char buf[MESSAGE];
	struct nlmsghdr *nlh = request(buf, family, command, NATTRAV_FAMILY_VERSION);
	int err;

	words[0] = '\0';
	missing = 0;
	if (hex_append(nlh, hex)) {
		fputs("genlmsg: bad hexadecimal digits\n", stderr);
		exit(2);
	}
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0) {
		perror("genlmsg");
		exit(2);
	}
	err = answer(nl, NULL);
	if (err && missing)
		printf("%s: %s (attribute %u is missing)\n", strerror(-err), words, missing);
	else if (err)
		printf("%s: %s\n", strerror(-err), words);
	else
		puts("ok");
	return err;
}

static int send_lines(struct mnl_socket *nl)
{
	char line[MESSAGE], *hex;
	unsigned long command;
	int err = 0;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		command = strtoul(line, &hex, 0);
		err |= send_one(nl, command, hex);
	}
	return err;
}

static int join(struct mnl_socket *nl)
{
	int err = mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));

	puts(err ? strerror(errno) : "ok");
	return err;
}

int main(int argc, char **argv)
{
	char buf[MESSAGE];
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;
	int on = 1, err;

	if (argc < 2 || argc > 3) {
		fputs("Usage: genlmsg COMMAND [HEX]\n       genlmsg - <LINES\n       genlmsg join\n",
		      stderr);
		return 2;
	}
	nl = mnl_socket_open(NETLINK_GENERIC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("genlmsg");
		return 2;
	}
	mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on));

	nlh = request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NATTRAV_FAMILY_NAME);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0 || answer(nl, family_answer) ||
	    !family) {
		fputs("genlmsg: no family " NATTRAV_FAMILY_NAME "; is the module loaded?\n",
		      stderr);
		return 2;
	}

	if (!strcmp(argv[1], "-"))
		err = send_lines(nl);
	else if (!strcmp(argv[1], "join"))
		err = join(nl);
	else
		err = send_one(nl, strtoul(argv[1], NULL, 0), argc == 3 ? argv[2] : "");
	mnl_socket_close(nl);
	return err ? 1 : 0;
}
