// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A parser that one datagram kills, for test_nattravd.sh: preloaded, it ends the
 * process by SIGABRT when a datagram with the word "poison" is received.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from,
		 socklen_t *from_len)
{
	ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t len;

	*(void **)&real = dlsym(RTLD_NEXT, "recvfrom");
	len = real(fd, data, size, flags, from, from_len);
	if (len > 0 && memmem(data, (size_t)len, "poison", 6))
		abort();
	return len;
}
