// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a configuration file: taken, or refused with a message. */
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = NULL;
	char *error = NULL;
	char *path = NULL;
	int fd, err;

	fd = memfd_create("nattravd.conf", MFD_CLOEXEC);
	if (fd < 0)
		return 0;

	if (write(fd, data, size) != (ssize_t)size || re_sdprintf(&path, "/proc/self/fd/%d", fd))
		goto out;

	err = config_load(&config, path, &error);
	if (!err != !!config || !err == !!error)
		abort();

	mem_deref(config);
	mem_deref(error);
out:
	mem_deref(path);
	close(fd);
	return 0;
}
