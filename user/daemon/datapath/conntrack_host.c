// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the conntrack datapath needs of the host: forwarding, counters, and a
 * table of nftables that makes the kernel track and rewrite packets at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <unistd.h>

#include "datapath/conntrack.h"
#include "log.h"

#define FORWARD  "/proc/sys/net/ipv4/ip_forward"
#define FORWARD6 "/proc/sys/net/ipv6/conf/all/forwarding"
#define ACCT     "/proc/sys/net/netfilter/nf_conntrack_acct"
#define TABLE    "inet nattravd"

/*
 * Each source that sends to a relay port takes room in the table of connections
 * for nf_conntrack_udp_timeout, 30 s. The smallest hosts have room for 65536.
 */
#define NEW_SOURCES "1000/second burst 1000 packets"

/* The first character of a sysctl, or -errno. */
static int sysctl_read(const char *path)
{
	char value;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	got = read(fd, &value, 1);
	close(fd);
	return got == 1 ? value : -EIO;
}

static int sysctl_write(const char *path, char value)
{
	ssize_t written;
	int fd, err;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	written = write(fd, &value, 1);
	err = written == 1 ? 0 : -errno;
	close(fd);
	return err;
}

/**
 * ct_host_trouble() - what keeps entries from working
 * @families: CT_IPV4, CT_IPV6: of the relay addresses
 *
 * Return: a sentence with what to do, or NULL if all is well.
 */
const char *ct_host_trouble(unsigned int families)
{
	if (families & CT_IPV6 && sysctl_read(FORWARD6) != '1')
		return "this host does not forward IPv6, which the conntrack datapath needs: "
		       "\"sysctl -w net.ipv6.conf.all.forwarding=1\", and a firewall that "
		       "forwards what \"ct status dnat\" says";
	if (families & CT_IPV4 && sysctl_read(FORWARD) != '1')
		return "this host does not forward packets, which the conntrack datapath needs: "
		       "\"sysctl -w net.ipv4.ip_forward=1\", and a firewall that forwards what "
		       "\"ct status dnat\" says";

	return NULL;
}

/**
 * ct_host_check() - whether this host can do it; counters are switched on
 * @families: CT_IPV4, CT_IPV6: of the relay addresses
 *
 * The rules come first: they bring in the kernel's modules for conntrack, and
 * with these the sysctl.
 *
 * Return: 0 or -errno, logged.
 */
int ct_host_check(unsigned int families)
{
	const struct list none = LIST_INIT;
	const char *trouble;
	int err;

	err = ct_host_rules(&none);
	if (err)
		return err;

	trouble = ct_host_trouble(families);
	if (trouble) {
		log_error("%s", trouble);
		return -EPERM;
	}

	if (sysctl_read(ACCT) == '1')
		return 0;

	err = sysctl_write(ACCT, '1');
	if (err)
		log_error("conntrack does not count packets, and that cannot be changed from here "
			  "(%m): \"sysctl -w net.netfilter.nf_conntrack_acct=1\"",
			  -err);
	return err;
}

static int rules_run(const char *commands)
{
	struct nft_ctx *nft;
	int err = 0;

	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return -ENOMEM;

	(void)nft_ctx_buffer_output(nft);
	(void)nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, commands)) {
		err = errno == EPERM ? -EPERM : -EIO;
		log_error("nftables refuses the table \"" TABLE "\", which conntrack needs to "
			  "rewrite packets%s: %s",
			  err == -EPERM ? " (this wants CAP_NET_ADMIN)" : "",
			  nft_ctx_get_error_buffer(nft));
	}
	nft_ctx_free(nft);
	return err;
}

/**
 * ct_host_rules() - make the table of nftables, or make it good again
 * @pools: list of struct ct_pool
 *
 * The kernel tracks connections once a rule asks for it, and rewrites them once
 * there is a chain of type nat, which only sees the first packet of each: there
 * a flood from made-up sources is kept out of the table. What the process sends
 * from a relay port must not be tracked: it would look like a connection of its
 * own that wants the ports of an entry, and get another source port.
 *
 * Return: 0 or -errno, logged.
 */
int ct_host_rules(const struct list *pools)
{
	struct mbuf *commands = mbuf_alloc(512);
	struct le *le;
	int err;

	if (!commands)
		return -ENOMEM;

	/* One transaction; an entry is never without the chains. */
	err = mbuf_write_str(
		commands,
		"add table " TABLE "\n"
		"add chain " TABLE " prerouting { type nat hook prerouting priority dstnat; }\n"
		"add chain " TABLE " output { type filter hook output priority raw; }\n"
		"flush table " TABLE "\n"
		"add rule " TABLE " prerouting ct state established accept\n");
	for (le = pools->head; le && !err; le = le->next) {
		const struct nattrav_pool *pool = &((const struct ct_pool *)le->data)->pool;
		const char *family = pool->addr.family == AF_INET6 ? "ip6" : "ip";
		const struct nattrav_endpoint endpoint = { .addr = pool->addr };
		union ct_sockaddr sockaddr;
		struct sa addr;

		(void)ct_sockaddr_set(&sockaddr, &endpoint);
		(void)sa_set_sa(&addr, &sockaddr.sa);
		err = mbuf_printf(commands,
				  "add rule " TABLE " prerouting %s daddr %j udp dport %u-%u limit "
				  "rate over " NEW_SOURCES " drop\n"
				  "add rule " TABLE " output %s saddr %j udp sport %u-%u notrack\n",
				  family, &addr, pool->port_min, pool->port_max, family, &addr,
				  pool->port_min, pool->port_max);
	}
	if (!err)
		err = mbuf_write_u8(commands, 0);

	err = err ? -err : rules_run((const char *)commands->buf);
	mem_deref(commands);
	return err;
}

/**
 * ct_host_rules_remove() - take the table away, when no stream needs it
 */
void ct_host_rules_remove(void)
{
	(void)rules_run("delete table " TABLE "\n");
}
