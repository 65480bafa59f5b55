// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin of QEMU's that counts how often each of the guest's instructions in the
 * kernel is executed between two marks (nattrav_bench.c: profile_mark()), and which
 * of them lock the bus.
 *
 *   out=FILE     at the end, lines of ADDRESS COUNT LOCKED; bench/report makes functions
 *                of them
 *   locks=FILE   after each second mark, a line: how many locked instructions there were.
 *                Without out= no other instruction is looked at, so that it costs little.
 *
 * QEMU's header for plugins is in no Debian package; what is used of it is declared
 * here, as of version 1 of the interface (QEMU 4.2 to 8.2).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void tb_trans_fn(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void insn_exec_fn(unsigned int cpu, void *arg);
typedef void exit_fn(qemu_plugin_id_t id, void *arg);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn *fn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_exec_fn *fn,
					    int flags, void *arg);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_fn *fn, void *arg);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

EXPORT int qemu_plugin_version = 1;

/* An instruction as it was translated; one address may have several. */
struct counter {
	struct counter *next;
	uint64_t addr;
	uint64_t count;
	bool locked;
};

static struct counter *counters;
static bool counting;
static const char *out;
static FILE *locks;
static uint64_t locked;

static const uint8_t mark[] = { 0x0f, 0x1f, 0x84, 0x00, 'n', 'a', 't', 't' };

static void executed(unsigned int cpu, void *arg)
{
	struct counter *counter = arg;

	(void)cpu;
	counter->count += counting;
	locked += counting && counter->locked;
}

static void marked(unsigned int cpu, void *arg)
{
	(void)cpu;
	(void)arg;
	counting = !counting;
	if (!counting && locks) {
		fprintf(locks, "%" PRIu64 "\n", locked);
		fflush(locks);
	}
	locked = 0;
}

/* The lock prefix, or an exchange with memory, which locks without one. */
static bool is_locked(const uint8_t *code, size_t size)
{
	size_t i = 0;

	while (i < size && (code[i] == 0xf0 || code[i] == 0x66 || code[i] == 0x65 ||
			    code[i] == 0x3e || code[i] == 0xf2 || code[i] == 0xf3)) {
		if (code[i++] == 0xf0)
			return true;
	}
	if (i < size && (code[i] & 0xf0) == 0x40)
		i++;
	return i + 1 < size && (code[i] == 0x86 || code[i] == 0x87) && code[i + 1] < 0xc0;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		struct counter *counter;

		/* user space has no functions in kallsyms */
		if (out && !(qemu_plugin_insn_vaddr(insn) >> 63))
			return;
		if (size == sizeof(mark) && !memcmp(code, mark, size))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0, NULL);
		if (!out && !is_locked(code, size))
			continue;
		counter = calloc(1, sizeof(*counter));
		if (!counter)
			abort();
		counter->addr = qemu_plugin_insn_vaddr(insn);
		counter->locked = is_locked(code, size);
		counter->next = counters;
		counters = counter;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, executed, 0, counter);
	}
}

static void finished(qemu_plugin_id_t id, void *arg)
{
	const struct counter *counter;
	FILE *file = out ? fopen(out, "w") : NULL;

	(void)id;
	(void)arg;
	if (!file)
		return;
	for (counter = counters; counter; counter = counter->next) {
		if (counter->count)
			fprintf(file, "%" PRIx64 " %" PRIu64 " %d\n", counter->addr, counter->count,
				counter->locked);
	}
	fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
		else if (!strncmp(argv[i], "locks=", 6))
			locks = fopen(argv[i] + 6, "w");
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
