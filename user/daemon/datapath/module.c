// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The datapath of nattrav.ko, through libnattrav.
 */
#include <errno.h>
#include <re.h>

#include "datapath/datapath.h"
#include "log.h"

struct datapath {
	struct nattrav *handle;
	struct nattrav_monitor *monitor;
	const struct datapath_watch *watch;
	void *watch_arg;
};

static void module_unwatch(struct datapath *datapath)
{
	if (!datapath->monitor)
		return;

	fd_close(nattrav_monitor_fd(datapath->monitor));
	nattrav_monitor_close(datapath->monitor);
	datapath->monitor = NULL;
}

static void module_destructor(void *arg)
{
	struct datapath *datapath = arg;

	module_unwatch(datapath);
	if (datapath->handle)
		nattrav_close(datapath->handle);
}

static void module_complain(const struct datapath *datapath, int err)
{
	switch (err) {
	case -ENOENT:
		log_error("the nattrav module is not loaded: run \"modprobe nattrav\" or "
			  "\"insmod nattrav.ko\"");
		break;
	case -EPERM:
		log_error("the nattrav module refuses us: nattravd needs CAP_NET_ADMIN, run it "
			  "as root or with AmbientCapabilities=CAP_NET_ADMIN");
		break;
	default:
		log_error("the nattrav module cannot be used: %s",
			  datapath->handle ? nattrav_strerror(datapath->handle) : "out of memory");
		break;
	}
}

static int module_open(struct datapath **datapathp, const struct config *config)
{
	struct nattrav_info info;
	struct datapath *datapath;
	int err;

	(void)config;

	datapath = mem_zalloc(sizeof(*datapath), module_destructor);
	if (!datapath)
		return -ENOMEM;

	err = nattrav_open(&datapath->handle);
	if (!err)
		err = nattrav_info_get(datapath->handle, &info);
	if (err) {
		module_complain(datapath, err);
		mem_deref(datapath);
		return err;
	}

	log_info("nattrav module %s: %u pools, %u of %u streams", info.version, info.pools,
		 info.streams, info.streams_max);
	*datapathp = datapath;
	return 0;
}

static void module_close(struct datapath *datapath)
{
	mem_deref(datapath);
}

static const char *module_error(const struct datapath *datapath)
{
	return nattrav_strerror(datapath->handle);
}

static int module_error_entry(const struct datapath *datapath)
{
	return nattrav_error_entry(datapath->handle);
}

static int module_info(struct datapath *datapath, struct nattrav_info *info)
{
	return nattrav_info_get(datapath->handle, info);
}

static int module_pool_new(struct datapath *datapath, struct nattrav_pool *pools, size_t count)
{
	return nattrav_pool_new(datapath->handle, pools, count);
}

static int module_pool_dump(struct datapath *datapath, nattrav_pool_fn *fn, void *arg)
{
	return nattrav_pool_dump(datapath->handle, fn, arg);
}

static int module_stream_new(struct datapath *datapath, const struct nattrav_stream *streams,
			     size_t count, struct nattrav_stream *made, size_t made_max)
{
	return nattrav_stream_new(datapath->handle, streams, count, made, made_max);
}

static int module_stream_set(struct datapath *datapath, const struct nattrav_stream *streams,
			     size_t count)
{
	return nattrav_stream_set(datapath->handle, streams, count);
}

static int module_stream_del(struct datapath *datapath, const uint32_t *ids, size_t count)
{
	return nattrav_stream_del(datapath->handle, ids, count);
}

static int module_stream_del_call(struct datapath *datapath, const char *call)
{
	return nattrav_stream_del_call(datapath->handle, call);
}

static int module_stream_get(struct datapath *datapath, uint32_t id, struct nattrav_stream *stream)
{
	return nattrav_stream_get(datapath->handle, id, stream);
}

static int module_stream_dump(struct datapath *datapath, nattrav_stream_fn *fn, void *arg)
{
	return nattrav_stream_dump(datapath->handle, NULL, fn, arg);
}

static void module_readable(int flags, void *arg)
{
	struct datapath *datapath = arg;
	int err;

	(void)flags;

	err = nattrav_monitor_read(datapath->monitor);
	if (!err)
		return;

	module_unwatch(datapath);
	datapath->watch->broken(err, datapath->watch_arg);
}

static int module_watch(struct datapath *datapath, const struct datapath_watch *watch, void *arg)
{
	int err;

	err = nattrav_monitor_open(&datapath->monitor, &watch->monitor, arg);
	if (err) {
		datapath->monitor = NULL;
		return err;
	}

	datapath->watch = watch;
	datapath->watch_arg = arg;

	err = fd_listen(nattrav_monitor_fd(datapath->monitor), FD_READ, module_readable, datapath);
	if (err) {
		module_unwatch(datapath);
		return -err;
	}

	return 0;
}

static const char *const module_lacks_nothing[] = { NULL };

const struct datapath_ops datapath_module = {
	.name = "module",
	.missing = module_lacks_nothing,
	.open = module_open,
	.close = module_close,
	.error = module_error,
	.error_entry = module_error_entry,
	.info = module_info,
	.pool_new = module_pool_new,
	.pool_dump = module_pool_dump,
	.stream_new = module_stream_new,
	.stream_set = module_stream_set,
	.stream_del = module_stream_del,
	.stream_del_call = module_stream_del_call,
	.stream_get = module_stream_get,
	.stream_dump = module_stream_dump,
	.watch = module_watch,
};
