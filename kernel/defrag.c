// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reassembly of fragments in front of our hook, by nf_defrag_ipv4. The module
 * is looked up when the first pool comes and not linked to, so that insmod
 * works without anything loaded before.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <net/netfilter/ipv4/nf_defrag_ipv4.h>

#include "nattrav.h"

/**
 * nattrav_defrag_enable() - have whole datagrams only in a network namespace
 * @net: the network namespace
 *
 * Return: 0; -EOPNOTSUPP if nf_defrag_ipv4 cannot be loaded; else -errno.
 */
int nattrav_defrag_enable(struct net *net)
{
	int (*enable)(struct net *net);
	int err;

	enable = symbol_get(nf_defrag_ipv4_enable);
	if (!enable && !request_module("nf_defrag_ipv4"))
		enable = symbol_get(nf_defrag_ipv4_enable);
	if (!enable)
		return -EOPNOTSUPP;

	/* The reference is kept until nattrav_defrag_disable(). */
	err = enable(net);
	if (err)
		symbol_put(nf_defrag_ipv4_enable);

	return err;
}

/**
 * nattrav_defrag_disable() - undo nattrav_defrag_enable()
 * @net: the network namespace
 */
void nattrav_defrag_disable(struct net *net)
{
	void (*disable)(struct net *net) = symbol_get(nf_defrag_ipv4_disable);

	if (!WARN_ON_ONCE(!disable)) {
		disable(net);
		symbol_put(nf_defrag_ipv4_disable);
	}
	symbol_put(nf_defrag_ipv4_enable);
}
