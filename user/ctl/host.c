// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Readers of /proc, one line at a time, and the question whether an address is
 * one of this host.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include "host.h"

bool ctl_ports_has(const struct ctl_ports *ports, uint16_t port)
{
	return ports->bits[port / 8] & (1u << (port % 8));
}

static bool number(const char **text, unsigned long max, unsigned long *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*value = strtoul(*text, &end, 10);
	*text = end;
	return *value <= max;
}

/**
 * ctl_ports_parse() - read a list such as "4000,30000-39999"
 * @text: a line of ip_local_reserved_ports; may be empty
 * @ports: set to it
 *
 * Return: whether it was understood.
 */
bool ctl_ports_parse(const char *text, struct ctl_ports *ports)
{
	unsigned long first, last;

	*ports = (struct ctl_ports){ 0 };
	if (!text[0] || text[0] == '\n')
		return true;
	for (;; text++) {
		if (!number(&text, UINT16_MAX, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!number(&text, UINT16_MAX, &last))
				return false;
		}
		for (; first <= last; first++)
			ports->bits[first / 8] |= (uint8_t)(1u << (first % 8));
		if (*text != ',')
			return !*text || *text == '\n';
	}
}

/**
 * ctl_port_range_parse() - read two ports
 * @text: a line of ip_local_port_range
 * @first: set to the first
 * @last: set to the last
 *
 * Return: whether it was understood.
 */
bool ctl_port_range_parse(const char *text, uint16_t *first, uint16_t *last)
{
	unsigned long low, high;

	if (!number(&text, UINT16_MAX, &low))
		return false;
	text += strspn(text, " \t");
	if (!number(&text, UINT16_MAX, &high))
		return false;
	*first = (uint16_t)low;
	*last = (uint16_t)high;
	return true;
}

/**
 * ctl_socket_parse() - read a socket
 * @line: a line of /proc/net/udp or udp6
 * @ipv6: it is udp6, whose addresses are four words of the host's byte order
 * @local: set to the address and port that it is bound to
 *
 * Return: false for the line of headings, and for what is not understood.
 */
bool ctl_socket_parse(const char *line, bool ipv6, struct nattrav_endpoint *local)
{
	const size_t words = ipv6 ? 4 : 1;
	const char *at = strchr(line, ':');
	uint32_t word[4] = { 0 };
	unsigned long port;
	char digits[9] = "", *end;
	size_t i;

	*local = (struct nattrav_endpoint){ 0 };
	if (!at)
		return false;
	at += 1 + strspn(at + 1, " ");
	if (strspn(at, "0123456789ABCDEF") != 8 * words || at[8 * words] != ':')
		return false;
	for (i = 0; i < words; i++) {
		memcpy(digits, at + 8 * i, 8);
		word[i] = (uint32_t)strtoul(digits, NULL, 16);
	}
	port = strtoul(at + 8 * words + 1, &end, 16);
	if (end != at + 8 * words + 5 || *end != ' ')
		return false;
	local->addr.family = ipv6 ? AF_INET6 : AF_INET;
	memcpy(&local->addr.v6, word, 4 * words);
	local->port = (uint16_t)port;
	return true;
}

/* The first value of a key such as "dst=". */
static bool tracked_value(const char *line, const char *key, char value[CTL_TEXT_SIZE])
{
	const char *at = strstr(line, key);
	size_t len;

	if (!at)
		return false;
	at += strlen(key);
	len = strcspn(at, " \n");
	if (!len || len >= CTL_TEXT_SIZE)
		return false;
	memcpy(value, at, len);
	value[len] = '\0';
	return true;
}

static bool tracked_endpoint(const char *line, const char *addr, const char *port,
			     struct nattrav_endpoint *to)
{
	char text[CTL_TEXT_SIZE];
	uint32_t number;

	if (!tracked_value(line, addr, text) || ctl_parse_addr(text, &to->addr) ||
	    !tracked_value(line, port, text) || ctl_parse_u32(text, &number) || number > UINT16_MAX)
		return false;
	to->port = (uint16_t)number;
	return true;
}

/**
 * ctl_tracked_parse() - read a connection that conntrack knows
 * @line: a line of /proc/net/nf_conntrack
 * @source: set to where its first packet came from
 * @to: set to where that went
 *
 * Return: whether it is one of UDP.
 */
bool ctl_tracked_parse(const char *line, struct nattrav_endpoint *source,
		       struct nattrav_endpoint *to)
{
	return strstr(line, " udp ") && tracked_endpoint(line, " src=", " sport=", source) &&
	       tracked_endpoint(line, " dst=", " dport=", to);
}

/**
 * ctl_module_parse() - look for a module
 * @line: a line of /proc/modules
 * @name: the module
 *
 * Return: whether it is that one.
 */
bool ctl_module_parse(const char *line, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(line, name, len) && line[len] == ' ';
}

static int route_type(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type == RTM_NEWROUTE && mnl_nlmsg_get_payload_len(nlh) >= sizeof(*route))
		*(int *)arg = route->rtm_type == RTN_LOCAL;
	return MNL_CB_STOP;
}

/**
 * ctl_addr_is_local() - whether packets to an address are for this host
 * @addr: the address
 *
 * The routing table is asked, as the kernel does for each packet: an address may
 * be local without being on a link.
 *
 * Return: 1 or 0, or -errno.
 */
int ctl_addr_is_local(const struct nattrav_addr *addr)
{
	char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t size = addr->family == AF_INET6 ? sizeof(addr->v6) : sizeof(addr->v4);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(nlh, sizeof(*route));
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int local = 0, err = 0;
	ssize_t len;

	if (!sock)
		return -errno;
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	route->rtm_family = (unsigned char)addr->family;
	route->rtm_dst_len = (unsigned char)(8 * size);
	mnl_attr_put(nlh, RTA_DST, size, &addr->v6);
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) ||
	    mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0) {
		err = -errno;
	} else {
		len = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		/* An address without any route is not local either. */
		if (len < 0)
			err = -errno;
		else
			mnl_cb_run(buf, (size_t)len, 0, 0, route_type, &local);
	}
	mnl_socket_close(sock);
	return err ? err : local;
}
