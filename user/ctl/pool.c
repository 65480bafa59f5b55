// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pool add, pool del, pool list
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

int ctl_pool_add(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_pool pool = { 0 };
	char addr[CTL_TEXT_SIZE];
	const char *wrong;
	int err;

	if (words.count != 2 && words.count != 4)
		return ctl_usage(ctl, "an address and a range of ports are needed");
	wrong = ctl_parse_addr(words.word[0], &pool.addr);
	if (wrong)
		return ctl_usage(ctl, "\"%s\" %s", words.word[0], wrong);
	wrong = ctl_parse_ports(words.word[1], &pool.port_min, &pool.port_max);
	if (wrong)
		return ctl_usage(ctl, "\"%s\" %s", words.word[1], wrong);
	if (words.count == 4) {
		if (strcmp(words.word[2], "realm") != 0)
			return ctl_usage(ctl, "unknown word \"%s\"", words.word[2]);
		if (!words.word[3][0] || strlen(words.word[3]) > NATTRAV_REALM_LEN)
			return ctl_usage(ctl, "a realm has 1 to %d bytes", NATTRAV_REALM_LEN);
		memcpy(pool.realm, words.word[3], strlen(words.word[3]) + 1);
	}
	if (ctl_open(ctl))
		return CTL_FAILED;
	err = nattrav_pool_new(ctl->handle, &pool, 1);
	if (err)
		return ctl_fail_kernel(ctl, err);
	if (ctl->json)
		return ctl_json_print(ctl, ctl_json_pool(&pool), JSON_COMPACT);
	printf("pool %u: %s ports %u-%u%s%s\n", pool.id, ctl_addr_text(&pool.addr, addr),
	       pool.port_min, pool.port_max, pool.realm[0] ? " realm " : "", pool.realm);
	return CTL_OK;
}

/**
 * ctl_ids() - the rest of the words as ids
 * @ctl: the run
 * @words: the words
 * @ids: set to an array of @words.count ids, which the caller frees
 *
 * Return: CTL_OK, or an exit code after a message.
 */
int ctl_ids(const struct ctl *ctl, struct ctl_words words, uint32_t **ids)
{
	uint32_t *made;
	size_t i;

	if (!words.count)
		return ctl_usage(ctl, "an id is needed");
	made = calloc(words.count, sizeof(*made));
	if (!made)
		return ctl_fail(ctl, "%s", strerror(errno));
	for (i = 0; i < words.count; i++) {
		if (ctl_parse_u32(words.word[i], &made[i])) {
			free(made);
			return ctl_usage(ctl, "\"%s\" is no id", words.word[i]);
		}
	}
	*ids = made;
	return CTL_OK;
}

int ctl_pool_del(struct ctl *ctl, struct ctl_words words)
{
	uint32_t *ids = NULL;
	int err, status;

	status = ctl_ids(ctl, words, &ids);
	if (status)
		return status;
	status = ctl_open(ctl);
	if (!status) {
		err = nattrav_pool_del(ctl->handle, ids, words.count);
		if (err)
			status = ctl_fail_kernel(ctl, err);
		if (err == -EBUSY)
			fprintf(stderr, "nattravctl: \"nattravctl stream list\" shows them\n");
		if (!err && ctl->json)
			status = ctl_json_print(
				ctl, json_pack("{s:I}", "deleted", (json_int_t)words.count),
				JSON_COMPACT);
	}
	free(ids);
	return status;
}

/**
 * struct pool_list - a listing under way
 * @ctl: the run
 * @array: for JSON
 * @count: pools so far
 */
struct pool_list {
	const struct ctl *ctl;
	struct ctl_json_array array;
	size_t count;
};

static int pool_print(const struct nattrav_pool *pool, void *arg)
{
	struct pool_list *list = arg;
	char addr[CTL_TEXT_SIZE], ports[CTL_TEXT_SIZE], use[CTL_TEXT_SIZE],
		realm[NATTRAV_REALM_LEN + 1];

	if (list->ctl->json)
		return ctl_json_array_add(list->ctl, &list->array, ctl_json_pool(pool)) ? -EIO : 0;
	if (!list->count++)
		printf("%-5s  %-25s  %-11s  %-14s  %-7s  %s\n", "POOL", "ADDRESS", "PORTS",
		       "IN USE", "RESTING", "REALM");
	snprintf(ports, sizeof(ports), "%u-%u", pool->port_min, pool->port_max);
	snprintf(use, sizeof(use), "%u of %d", pool->legs, pool->port_max - pool->port_min + 1);
	printf("%-5u  %-25s  %-11s  %-14s  %-7u  %s\n", pool->id, ctl_addr_text(&pool->addr, addr),
	       ports, use, pool->resting,
	       pool->realm[0] ? ctl_clean_text(pool->realm, realm, sizeof(realm)) : "-");
	return 0;
}

/* The pools as a table, or as a JSON array. */
int ctl_pools_print(struct ctl *ctl)
{
	struct pool_list list = { .ctl = ctl };
	int err;

	err = ctl_read_pools(ctl, pool_print, &list);
	if (err)
		return ctl_fail_read(ctl, err);
	if (ctl->json)
		ctl_json_array_end(&list.array);
	else if (!list.count)
		printf("no pools: nothing is relayed until \"nattravctl pool add\" gives an address\n");
	return CTL_OK;
}

int ctl_pool_list(struct ctl *ctl, struct ctl_words words)
{
	if (words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	return ctl_open_read(ctl) ? CTL_FAILED : ctl_pools_print(ctl);
}
