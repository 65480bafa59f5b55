// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * upgrade: exchange the module under calls. All that takes time is done while the
 * old module still relays: the state is written to a file, read again and made ready
 * as requests. Then the old module goes, the new one comes and gets its streams.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"

#define STATE_FILE  "/run/nattrav-upgrade.json"
#define PIN_FILE    "/sys/module/nattrav/parameters/pin"
#define REFCNT_FILE "/sys/module/nattrav/refcnt"

/**
 * struct upgrade - an exchange under way
 * @ctl: the run
 * @module: file of the new module, or NULL for what modprobe finds
 * @state: file that keeps the state
 * @pools: how many there are
 * @streams: how many there are
 * @restore: the requests for them
 */
struct upgrade {
	struct ctl *ctl;
	const char *module;
	const char *state;
	size_t pools;
	size_t streams;
	struct restore *restore;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A namespace with streams holds one reference; only this one's can be saved. */
static int others_check(const struct upgrade *upgrade)
{
	FILE *file = fopen(REFCNT_FILE, "re");
	char text[16] = "";

	if (!file)
		return ctl_fail(upgrade->ctl, "%s: %s", REFCNT_FILE, strerror(errno));
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	if (strtoul(text, NULL, 10) > (upgrade->streams ? 1 : 0))
		return ctl_fail(upgrade->ctl,
				"other network namespaces have streams, which would be lost: "
				"remove them there first (nattravctl stream del --all)");
	return CTL_OK;
}

static int pin_write(const struct upgrade *upgrade, const char *value)
{
	int fd = open(PIN_FILE, O_WRONLY | O_CLOEXEC), status = CTL_OK;

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		status = ctl_fail(upgrade->ctl, "%s: %s", PIN_FILE, strerror(errno));
	if (fd >= 0)
		close(fd);
	return status;
}

/* With its streams; if that is refused, it keeps them. */
static int module_unload(const struct upgrade *upgrade)
{
	int status = pin_write(upgrade, "N");

	if (status)
		return status;
	if (!syscall(SYS_delete_module, "nattrav", O_NONBLOCK))
		return CTL_OK;
	status = ctl_fail(upgrade->ctl, "the module cannot be unloaded: %s; calls go on as before",
			  strerror(errno));
	pin_write(upgrade, "Y");
	return status;
}

static int module_load(const struct upgrade *upgrade)
{
	char insmod[] = "insmod", modprobe[] = "modprobe", name[] = "nattrav";
	char *file = upgrade->module ? strdup(upgrade->module) : NULL;
	char *const argv[] = { file ? insmod : modprobe, file ? file : name, NULL };
	int err, wait = 0;
	pid_t pid;

	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (!err && waitpid(pid, &wait, 0) != pid)
		err = errno;
	free(file);
	if (err)
		return ctl_fail(upgrade->ctl, "%s: %s", argv[0], strerror(err));
	return WIFEXITED(wait) && !WEXITSTATUS(wait) ? CTL_OK : CTL_FAILED;
}

/* What to do when the calls are in the file and nowhere else. */
static int stranded(const struct upgrade *upgrade)
{
	return ctl_fail(upgrade->ctl,
			"the calls are in %s: load a module, then \"nattravctl restore %s\"",
			upgrade->state, upgrade->state);
}

static int prepare(struct upgrade *upgrade)
{
	struct ctl *ctl = upgrade->ctl;
	int status;

	if (!access(upgrade->state, F_OK))
		return ctl_fail(ctl,
				"%s is there: calls that an earlier upgrade has lost? "
				"\"nattravctl restore %s\" brings them back; then remove it",
				upgrade->state, upgrade->state);
	if (upgrade->module && access(upgrade->module, R_OK))
		return ctl_fail(ctl, "%s: %s", upgrade->module, strerror(errno));
	status = ctl_open(ctl);
	if (status)
		return status;
	status = ctl_save_file(ctl, upgrade->state, &upgrade->pools, &upgrade->streams);
	if (!status)
		status = others_check(upgrade);
	if (!status)
		status = ctl_restore_read(ctl, upgrade->state, &upgrade->restore);
	if (status)
		unlink(upgrade->state);
	/* The next module has its netlink family under another number. */
	nattrav_close(ctl->handle);
	ctl->handle = NULL;
	return status;
}

static int exchange(struct upgrade *upgrade)
{
	const long long began = now_ms();
	long long away;

	if (module_unload(upgrade)) {
		unlink(upgrade->state);
		return CTL_FAILED;
	}
	if (module_load(upgrade) || ctl_restore_install(upgrade->restore))
		return stranded(upgrade);
	away = now_ms() - began;
	unlink(upgrade->state);
	if (upgrade->ctl->json)
		return ctl_json_print(
			upgrade->ctl,
			json_pack("{s:I, s:I, s:I}", "pools", (json_int_t)upgrade->pools, "streams",
				  (json_int_t)upgrade->streams, "away-ms", (json_int_t)away),
			JSON_COMPACT);
	printf("%zu pools and %zu streams are in the new module after %lld ms\n", upgrade->pools,
	       upgrade->streams, away);
	return CTL_OK;
}

int ctl_upgrade(struct ctl *ctl, struct ctl_words words)
{
	struct upgrade upgrade = { .ctl = ctl, .state = STATE_FILE };
	size_t i;
	int status;

	for (i = 0; i < words.count; i++) {
		if (!strcmp(words.word[i], "--state") && i + 1 < words.count)
			upgrade.state = words.word[++i];
		else if (words.word[i][0] != '-' && !upgrade.module)
			upgrade.module = words.word[i];
		else
			return ctl_usage(ctl, "unknown word \"%s\"", words.word[i]);
	}
	status = prepare(&upgrade);
	if (!status)
		status = exchange(&upgrade);
	ctl_restore_free(upgrade.restore);
	return status;
}
