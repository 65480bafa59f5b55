// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading, unloading, and the state of each network namespace.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "nattrav.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int nattrav_net_id __read_mostly;
struct workqueue_struct *nattrav_wq __read_mostly;

static int __net_init nattrav_net_init(struct net *net)
{
	struct nattrav_net *nn = nattrav_pernet(net);
	int err;

	nn->net = net;
	mutex_init(&nn->lock);
	spin_lock_init(&nn->hops_lock);
	hash_init(nn->hops);
	nn->stats = alloc_percpu_gfp(struct nattrav_stats, GFP_KERNEL_ACCOUNT);
	if (!nn->stats)
		return -ENOMEM;

	err = nattrav_table_init(nn);
	if (err)
		goto err_table;

	nattrav_gc_init(nn);
	nattrav_event_init(nn);

	return 0;

err_table:
	free_percpu(nn->stats);
	return err;
}

/*
 * From here on no packet comes in any more: the core waits for a grace period
 * between this and nattrav_net_exit().
 */
static void __net_exit nattrav_net_pre_exit(struct net *net)
{
	struct nattrav_net *nn = nattrav_pernet(net);

	mutex_lock(&nn->lock);
	nattrav_hooks_unregister(nn);
	mutex_unlock(&nn->lock);
}

static void __net_exit nattrav_net_exit(struct net *net)
{
	struct nattrav_net *nn = nattrav_pernet(net);

	nattrav_gc_exit(nn);

	nattrav_session_remove_all(nn);
	nattrav_event_exit(nn);
	nattrav_table_exit(nn);
	free_percpu(nn->stats);
}

static struct pernet_operations nattrav_net_ops = {
	.init = nattrav_net_init,
	.pre_exit = nattrav_net_pre_exit,
	.exit = nattrav_net_exit,
	.id = &nattrav_net_id,
	.size = sizeof(struct nattrav_net),
};

static int __init nattrav_init(void)
{
	int err;

	nattrav_wq = alloc_workqueue("nattrav", WQ_UNBOUND, 0);
	if (!nattrav_wq)
		return -ENOMEM;

	err = nattrav_session_cache_init();
	if (err)
		goto err_cache;

	err = register_pernet_subsys(&nattrav_net_ops);
	if (err)
		goto err_pernet;

	err = nattrav_hops_init();
	if (err)
		goto err_hops;

	err = genl_register_family(&nattrav_family);
	if (err)
		goto err_family;

	pr_info("version %s loaded\n", NATTRAV_VERSION);
	return 0;

err_family:
	nattrav_hops_exit();
err_hops:
	unregister_pernet_subsys(&nattrav_net_ops);
err_pernet:
	nattrav_session_cache_exit();
err_cache:
	destroy_workqueue(nattrav_wq);
	return err;
}

static void __exit nattrav_exit(void)
{
	genl_unregister_family(&nattrav_family);
	nattrav_hops_exit();
	unregister_pernet_subsys(&nattrav_net_ops);
	nattrav_session_cache_exit();
	destroy_workqueue(nattrav_wq);
}

module_init(nattrav_init);
module_exit(nattrav_exit);

MODULE_DESCRIPTION("Media relay for terminals behind NATs");
MODULE_AUTHOR("The nattrav authors");
MODULE_VERSION(NATTRAV_VERSION);
MODULE_LICENSE("GPL");
MODULE_ALIAS_GENL_FAMILY(NATTRAV_FAMILY_NAME);
