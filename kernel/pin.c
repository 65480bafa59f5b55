// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams keep the module from being unloaded under them: a network namespace
 * holds one reference to the module while it has streams. The parameter "pin"
 * lets go of all of them, for whoever means to unload it all the same.
 */
#include <linux/module.h>

#include "nattrav.h"

static DEFINE_MUTEX(pin_lock); /* guards all that follows */
static LIST_HEAD(with_streams);
static bool pin = true;

static bool pin_get(struct nattrav_net *nn)
{
	nn->pinned = try_module_get(THIS_MODULE);
	return nn->pinned;
}

static void pin_put(struct nattrav_net *nn)
{
	if (nn->pinned)
		module_put(THIS_MODULE);
	nn->pinned = false;
}

/**
 * nattrav_pin() - a network namespace gets its first stream
 * @nn: the network namespace; the caller holds its lock
 *
 * Return: 0, or -ENODEV if the module is being unloaded.
 */
int nattrav_pin(struct nattrav_net *nn)
{
	int err = 0;

	mutex_lock(&pin_lock);
	if (pin && !pin_get(nn))
		err = -ENODEV;
	else
		list_add(&nn->pin, &with_streams);
	mutex_unlock(&pin_lock);

	return err;
}

/**
 * nattrav_unpin() - a network namespace has lost its last stream
 * @nn: the network namespace; the caller holds its lock
 */
void nattrav_unpin(struct nattrav_net *nn)
{
	mutex_lock(&pin_lock);
	list_del(&nn->pin);
	pin_put(nn);
	mutex_unlock(&pin_lock);
}

/* The parameter may have changed. */
static void pin_renew(struct nattrav_net *nn)
{
	if (!pin)
		pin_put(nn);
	else if (!nn->pinned)
		pin_get(nn);
}

static int pin_set(const char *value, const struct kernel_param *param)
{
	struct nattrav_net *nn;
	int err;

	mutex_lock(&pin_lock);
	err = param_set_bool(value, param);
	list_for_each_entry(nn, &with_streams, pin)
		pin_renew(nn);
	mutex_unlock(&pin_lock);

	return err;
}

static const struct kernel_param_ops pin_ops = {
	.set = pin_set,
	.get = param_get_bool,
};

module_param_cb(pin, &pin_ops, &pin, 0644);
MODULE_PARM_DESC(pin, "refuse to be unloaded while there are streams (default Y)");
