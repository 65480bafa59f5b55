// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For LD_PRELOAD: memory runs out for a program, for libre, and for what small libraries
 * and libc allocate on their behalf; not for OpenSSL and GnuTLS, which allocate thousands
 * of pieces before they are asked for anything.
 *
 *	NOMEM_NTH=N       the N-th allocation fails, no other
 *	NOMEM_ONE_IN=N    each allocation fails by a chance of 1 in N, while there is a file
 *	                  NOMEM_FLAG
 *
 * Each time something is written to file descriptor 9, so that one can tell whether there
 * was an N-th allocation.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* glibc's own, which this takes the place of */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);

static unsigned long nth, one_in;
static const char *flag;
static atomic_ulong count;
static bool short_of_memory;

/* Not a constructor: those of libraries come first, and allocate. */
static void begin(void)
{
	const char *value = getenv("NOMEM_NTH");

	if (value)
		nth = strtoul(value, NULL, 10);
	value = getenv("NOMEM_ONE_IN");
	if (value)
		one_in = strtoul(value, NULL, 10);
	flag = getenv("NOMEM_FLAG");
}

/* A number that looks like chance, the same for the same allocation. */
static unsigned long mix(unsigned long n)
{
	n = (n ^ n >> 31) * 0x9e3779b97f4a7c15UL;
	n = (n ^ n >> 29) * 0xbf58476d1ce4e5b9UL;
	return n ^ n >> 32;
}

static bool concerns(const void *caller)
{
	static const char *const names[] = { "nattrav",  "/libre.",      "/libjansson.",
					     "/libmnl.", "/libsqlite3.", "/libc." };
	Dl_info info;
	size_t i;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return false;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(info.dli_fname, names[i]))
			return true;
	return false;
}

static bool fails(const void *caller)
{
	unsigned long n;

	if (!concerns(caller))
		return false;
	n = atomic_fetch_add(&count, 1) + 1;

	if (n == 1)
		begin();
	if (one_in && n % 64 == 0)
		short_of_memory = flag && !access(flag, F_OK);
	if (n != nth && !(short_of_memory && mix(n) % one_in == 0))
		return false;
	if (write(9, "x", 1) < 0) {
		/* nobody wants to know */
	}
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(number, size);
}

void *realloc(void *at, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(at, size);
}
