// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reassembly of fragments in front of our hooks, by nf_defrag_ipv4 and
 * nf_defrag_ipv6. They are looked up when the first pool comes and not linked
 * to, so that insmod works without anything loaded before.
 */
#include <linux/kmod.h>
#include <linux/module.h>

#include "nattrav.h"

/**
 * struct defrag - a module that reassembles
 * @module: its name
 * @enable: its function that begins, int (struct net *)
 * @disable: its function that ends, void (struct net *)
 */
struct defrag {
	const char *module;
	const char *enable;
	const char *disable;
};

static const struct defrag defrags[] = {
	{ "nf_defrag_ipv4", "nf_defrag_ipv4_enable", "nf_defrag_ipv4_disable" },
	{ "nf_defrag_ipv6", "nf_defrag_ipv6_enable", "nf_defrag_ipv6_disable" },
};

static int defrag_enable(const struct defrag *defrag, struct net *net)
{
	int (*enable)(struct net *net);
	int err;

	enable = __symbol_get(defrag->enable);
	if (!enable && !request_module("%s", defrag->module))
		enable = __symbol_get(defrag->enable);
	if (!enable)
		return -EOPNOTSUPP;

	/* The reference is kept until defrag_disable(). */
	err = enable(net);
	if (err)
		__symbol_put(defrag->enable);

	return err;
}

static void defrag_disable(const struct defrag *defrag, struct net *net)
{
	void (*disable)(struct net *net) = __symbol_get(defrag->disable);

	if (!WARN_ON_ONCE(!disable)) {
		disable(net);
		__symbol_put(defrag->disable);
	}
	__symbol_put(defrag->enable);
}

/**
 * nattrav_defrag_enable() - have whole datagrams only in a network namespace
 * @net: the network namespace
 *
 * Return: 0; -EOPNOTSUPP if a module cannot be loaded; else -errno.
 */
int nattrav_defrag_enable(struct net *net)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(defrags); i++) {
		err = defrag_enable(&defrags[i], net);
		if (err)
			goto err_undo;
	}

	return 0;

err_undo:
	while (i--)
		defrag_disable(&defrags[i], net);
	return err;
}

/**
 * nattrav_defrag_disable() - undo nattrav_defrag_enable()
 * @net: the network namespace
 */
void nattrav_defrag_disable(struct net *net)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(defrags); i++)
		defrag_disable(&defrags[i], net);
}
