// SPDX-License-Identifier: GPL-2.0-or-later
/* What nattravd can and cannot do once it is in its sandbox. Each try is a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "sandbox.h"

/* Runs in the sandbox; what it returns is the exit status. */
typedef int try_fn(void);

static int try_in_sandbox(try_fn *fn)
{
	const pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		log_set_level(LOG_LEVEL_ERROR);
		sandbox_enter();
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void expect_exit(try_fn *fn, int code)
{
	const int status = try_in_sandbox(fn);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void expect_death(try_fn *fn)
{
	const int status = try_in_sandbox(fn);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int run_program(void)
{
	return execl("/bin/true", "true", NULL);
}

static int leave_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int trace_parent(void)
{
	return (int)syscall(SYS_ptrace, 16, getppid(), 0, 0);
}

static int make_child(void)
{
	return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int other_code(void)
{
	const void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int code_of_data(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? 1 : mprotect(p, 4096, PROT_READ | PROT_EXEC) ? errno : 0;
}

static int kill_parent(void)
{
	return kill(getppid(), 0) ? errno : 0;
}

/* Whatever the process had: CAP_NET_ADMIN is all that may be left. */
static int excess_capabilities(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long effective = 1, permitted = 1;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "CapEff:", 7))
			effective = strtoull(line + 7, NULL, 16);
		if (!strncmp(line, "CapPrm:", 7))
			permitted = strtoull(line + 7, NULL, 16);
	}
	if (f)
		(void)fclose(f);
	return ((effective | permitted) & ~(1ull << CAP_NET_ADMIN)) != 0;
}

/* What it lives of goes on: sockets, files, a database. */
static int work(void)
{
	char name[] = "/tmp/nattravd-test-XXXXXX";
	sqlite3 *db = NULL;
	int fds[2], i;

	for (i = 0; i < 3; i++) {
		static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };

		fds[0] = socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fds[0] < 0 && errno == ENOSYS)
			return 1;
		(void)close(fds[0]);
	}
	fds[0] = mkstemp(name);
	if (fds[0] < 0 || close(fds[0]))
		return 2;
	if (sqlite3_open(name, &db) ||
	    sqlite3_exec(db,
			 "PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
			 NULL, NULL, NULL) ||
	    sqlite3_close(db))
		return 3;
	return unlink(name) ? 4 : 0;
}

static int give_up(void)
{
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

static void test_forbidden(void **state)
{
	(void)state;
	expect_death(run_program);
	expect_death(leave_namespace);
	expect_death(trace_parent);
	expect_death(make_child);
	expect_exit(raw_socket, ENOSYS);
	expect_exit(other_code, ENOSYS);
	expect_exit(code_of_data, ENOSYS);
	expect_exit(kill_parent, ENOSYS);
}

static void test_capabilities(void **state)
{
	(void)state;
	expect_exit(excess_capabilities, 0);
}

static void test_allowed(void **state)
{
	int status;

	(void)state;
	expect_exit(work, 0);
	/* a failed assertion still ends it as it should */
	status = try_in_sandbox(give_up);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
