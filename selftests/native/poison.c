// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A parser that one datagram kills, for test_nattravd.sh: preloaded, it ends the
 * process by SIGABRT when a datagram with the word "poison" is received. With
 * POISON_FILE in the environment it is one who keeps what he has received until he is
 * done with it, and so reads it again after a crash: the negative control.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void __attribute__((constructor)) read_again(void)
{
	const char *kept = getenv("POISON_FILE");

	if (kept && !access(kept, F_OK))
		abort();
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from,
		 socklen_t *from_len)
{
	ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	const char *kept = getenv("POISON_FILE");
	ssize_t len;

	*(void **)&real = dlsym(RTLD_NEXT, "recvfrom");
	len = real(fd, data, size, flags, from, from_len);
	if (len > 0 && memmem(data, (size_t)len, "poison", 6)) {
		if (kept)
			(void)close(open(kept, O_CREAT | O_WRONLY, 0600));
		abort();
	}
	return len;
}
