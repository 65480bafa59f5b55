// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sandbox. A call that is not listed fails with ENOSYS: the C library of another
 * release then does what it does on an older kernel. What only an intruder wants
 * ends the process; the streams stay in the kernel.
 */
#include "sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <re.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* clang-format off */
static const int allowed[] = {
	/* sockets, events, time */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect),
	SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(listen),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
	SCMP_SYS(epoll_create), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(pselect6), SCMP_SYS(select), SCMP_SYS(signalfd4),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep), SCMP_SYS(time),
	/* files: configuration, database, accounting, certificates, /proc */
	SCMP_SYS(access), SCMP_SYS(chmod), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fallocate), SCMP_SYS(fchmod),
	SCMP_SYS(fchown), SCMP_SYS(fcntl), SCMP_SYS(fdatasync), SCMP_SYS(flock), SCMP_SYS(fstat),
	SCMP_SYS(fstatfs), SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(getcwd),
	SCMP_SYS(getdents64), SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(memfd_create),
	SCMP_SYS(mkdir), SCMP_SYS(newfstatat), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pipe2),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(read), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(readv), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx), SCMP_SYS(umask), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(write), SCMP_SYS(writev),
	/* memory, signals, the process itself */
	SCMP_SYS(brk), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(getegid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpid), SCMP_SYS(getppid),
	SCMP_SYS(getrandom), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(madvise),
	SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sysinfo), SCMP_SYS(uname),
};

/* Nothing here leads to one of these. */
static const int deadly[] = {
	SCMP_SYS(bpf), SCMP_SYS(chroot), SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(execve),
	SCMP_SYS(execveat), SCMP_SYS(finit_module), SCMP_SYS(fork), SCMP_SYS(init_module),
	SCMP_SYS(io_uring_setup), SCMP_SYS(kexec_load), SCMP_SYS(keyctl), SCMP_SYS(mount),
	SCMP_SYS(perf_event_open), SCMP_SYS(pivot_root), SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace), SCMP_SYS(setns), SCMP_SYS(umount2), SCMP_SYS(unshare),
	SCMP_SYS(userfaultfd), SCMP_SYS(vfork),
};
/* clang-format on */

static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
static const unsigned long requests[] = { FIONBIO, FIONREAD, TCGETS };

static int rules_add(scmp_filter_ctx ctx)
{
	const pid_t self = getpid();
	int err = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(allowed); i++)
		err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (i = 0; i < ARRAY_SIZE(deadly); i++)
		err |= seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	for (i = 0; i < ARRAY_SIZE(families); i++)
		err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
					SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	/* no code but what is here */
	err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* abort(); limits are looked at, not set */
	err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)self, 0));
	err |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
				SCMP_A2(SCMP_CMP_EQ, 0, 0));
	return err ? EINVAL : 0;
}

static int calls_limit(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err;

	if (!ctx)
		return ENOMEM;
	err = rules_add(ctx);
	/* a long list is looked up by number, not from its beginning */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = -seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!err)
		err = -seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

/* The system's own interface: three calls are no reason for another library. */
static int capabilities_drop(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3], least[ARRAY_SIZE(data)];
	size_t i;

	if (syscall(SYS_capget, &header, data))
		return errno;
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		const uint32_t keep =
			i == CAP_TO_INDEX(CAP_NET_ADMIN) ? CAP_TO_MASK(CAP_NET_ADMIN) : 0;

		least[i] = (struct __user_cap_data_struct){
			.effective = data[i].effective & keep,
			.permitted = data[i].permitted & keep,
		};
	}
	/* under systemd there is nothing left to drop, and no right to try */
	if (!memcmp(data, least, sizeof(data)))
		return 0;
	return syscall(SYS_capset, &header, least) ? errno : 0;
}

void sandbox_enter(void)
{
	int err;

	(void)prctl(PR_SET_DUMPABLE, 0);
	err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? errno : capabilities_drop();
	if (err)
		log_warn("sandbox: capabilities are kept: %m", err);
	err = calls_limit();
	if (err)
		log_warn("sandbox: system calls are not limited: %m", err);
	else
		log_info("sandbox: CAP_NET_ADMIN alone, no new programs, %zu system calls",
			 ARRAY_SIZE(allowed));
}
