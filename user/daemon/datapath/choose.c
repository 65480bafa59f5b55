// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which datapath it is to be.
 */
#include <errno.h>
#include <re.h>

#include "config.h"
#include "datapath/datapath.h"
#include "log.h"

/* One that is loaded and refuses us is no reason to take another way. */
static bool module_is_loaded(void)
{
	struct nattrav *handle;
	int err;

	err = nattrav_open(&handle);
	if (!err)
		nattrav_close(handle);

	return err != -ENOENT;
}

/**
 * datapath_choose() - the datapath that the configuration asks for
 * @config: the configuration
 *
 * Return: the module unless conntrack is asked for, or neither is and the
 * module is not loaded. Whether it works shows when it is opened.
 */
const struct datapath_ops *datapath_choose(const struct config *config)
{
	switch (config->datapath) {
	case CONFIG_DATAPATH_MODULE:
		return &datapath_module;
	case CONFIG_DATAPATH_CONNTRACK:
		return &datapath_conntrack;
	case CONFIG_DATAPATH_AUTO:
		break;
	}

	if (module_is_loaded())
		return &datapath_module;

	log_info("the nattrav module is not loaded: trying conntrack; \"modprobe nattrav\" or "
		 "\"insmod nattrav.ko\" and a restart give the module");
	return &datapath_conntrack;
}
