// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a successor of this process will want to know of its streams: entries
 * outlive the process that made them, but do not tell what call they belong to.
 *
 * A file beside the database, with a slot for each stream. It is no record of
 * anything but the present: it holds for one boot of the kernel and one network
 * namespace. A slot lies within a page, so that a write to it happens whole or
 * not at all, however the process ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datapath/conntrack.h"
#include "log.h"

#define MAGIC     "nattravd conntrack 3"
#define SLOT_SIZE 4096
#define BOOT_ID   "/proc/sys/kernel/random/boot_id"

/**
 * struct head - the first slot
 * @magic: what the file is
 * @version: who wrote it
 * @boot: the boot of the kernel
 * @netns: cookie of the network namespace
 */
struct head {
	char magic[32];
	char version[32];
	char boot[40];
	uint64_t netns;
};

/**
 * struct record - a slot with a stream
 * @used: not 0
 * @stream: the stream, as a dump tells it
 * @created: ct_stream.created
 * @touched: ct_stream.touched
 * @leg: of each leg, what a dump does not tell
 * @sum: over all of it, with 0 here
 */
struct record {
	uint32_t used;
	struct nattrav_stream stream;
	uint64_t created;
	uint64_t touched;
	struct {
		struct nattrav_leg policy;
		uint64_t deadline;
		uint32_t latched_generation;
		uint16_t max_seq;
		struct ct_count relayed;
	} leg[2];
	uint32_t sum;
};

_Static_assert(sizeof(struct head) <= SLOT_SIZE, "the head fits into a slot");
_Static_assert(sizeof(struct record) <= SLOT_SIZE, "a record fits into a slot");
_Static_assert(sizeof(struct record) % sizeof(uint64_t) == 0, "a record is whole words");

/**
 * struct ct_state - the state file
 * @fd: the file
 * @path: its name
 * @used: for each slot, whether it is in use; the first is the head
 * @slots: how many there are
 */
struct ct_state {
	int fd;
	char *path;
	bool *used;
	unsigned int slots;
};

static void state_destructor(void *arg)
{
	struct ct_state *state = arg;

	if (state->fd >= 0)
		close(state->fd);
	mem_deref(state->path);
	mem_deref(state->used);
}

static int head_now(struct head *head)
{
	socklen_t len = sizeof(head->netns);
	int fd, err = 0;
	FILE *file;

	memset(head, 0, sizeof(*head));
	str_ncpy(head->magic, MAGIC, sizeof(head->magic));
	str_ncpy(head->version, NATTRAV_VERSION, sizeof(head->version));

	file = fopen(BOOT_ID, "re");
	if (!file)
		return -errno;
	if (!fgets(head->boot, sizeof(head->boot), file))
		err = -EIO;
	fclose(file);

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &head->netns, &len))
		err = -errno;
	close(fd);
	return err;
}

static int slots_grow(struct ct_state *state, unsigned int slots)
{
	bool *used = mem_zalloc(slots * sizeof(*used), NULL);

	if (!used)
		return -ENOMEM;

	if (state->used)
		memcpy(used, state->used, state->slots * sizeof(*used));
	mem_deref(state->used);
	state->used = used;
	state->slots = slots;
	return 0;
}

/* A file of another boot, namespace or version says nothing about here and now. */
static int state_begin(struct ct_state *state)
{
	struct head found, now;
	struct stat stat;
	int err;

	err = head_now(&now);
	if (err)
		return err;

	if (pread(state->fd, &found, sizeof(found), 0) != sizeof(found) ||
	    memcmp(&found, &now, sizeof(now)) != 0) {
		if (ftruncate(state->fd, 0) ||
		    pwrite(state->fd, &now, sizeof(now), 0) != sizeof(now))
			return errno ? -errno : -ENOSPC;
	}

	if (fstat(state->fd, &stat))
		return -errno;

	return slots_grow(state, (unsigned int)(stat.st_size / SLOT_SIZE) + 1);
}

/**
 * ct_state_open() - open the state file
 * @statep: set to it; drop it with mem_deref()
 * @database: path of the database; the file lies beside it
 *
 * Return: 0 or -errno, logged.
 */
int ct_state_open(struct ct_state **statep, const char *database)
{
	struct ct_state *state;
	int err;

	state = mem_zalloc(sizeof(*state), state_destructor);
	if (!state)
		return -ENOMEM;

	state->fd = -1;
	err = -re_sdprintf(&state->path, "%s-streams", database);
	if (err)
		goto err_state;

	state->fd = open(state->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	err = state->fd < 0 ? -errno : state_begin(state);
	if (err) {
		log_error("%s, where the streams are kept for a restart, cannot be used: %m",
			  state->path, -err);
		goto err_state;
	}

	*statep = state;
	return 0;

err_state:
	mem_deref(state);
	return err;
}

static int slot_take(struct ct_state *state)
{
	unsigned int slot;

	for (slot = 1; slot < state->slots; slot++) {
		if (!state->used[slot])
			break;
	}
	if (slot == state->slots && slots_grow(state, 2 * state->slots))
		return -1;

	state->used[slot] = true;
	return (int)slot;
}

/* FNV-1a over words, and not bytes: it is made for each change of each stream. */
static uint32_t record_sum(const struct record *record)
{
	uint64_t sum = 0xcbf29ce484222325ull, word;
	struct record copy;
	const uint8_t *at = (const uint8_t *)&copy;
	size_t i;

	memcpy(&copy, record, sizeof(copy));
	copy.sum = 0;
	for (i = 0; i < sizeof(copy) / sizeof(word); i++) {
		memcpy(&word, at + i * sizeof(word), sizeof(word));
		sum = (sum ^ word) * 0x100000001b3ull;
	}
	return (uint32_t)(sum ^ sum >> 32);
}

static void slot_write(const struct ct_state *state, int slot, struct record *record)
{
	record->sum = 0;
	record->sum = record_sum(record);
	if (pwrite(state->fd, record, sizeof(*record), (off_t)slot * SLOT_SIZE) != sizeof(*record))
		log_warn("%s cannot be written: %m; a restart would not know of all streams",
			 state->path, errno);
}

/**
 * ct_state_save() - write down what a stream is now
 * @stream: the stream
 */
void ct_state_save(struct ct_stream *stream)
{
	struct ct_state *state = stream->datapath->state;
	struct record record;
	unsigned int side;

	if (stream->slot < 0)
		stream->slot = slot_take(state);
	if (stream->slot < 0)
		return;

	/* gaps between members are part of the sum */
	memset(&record, 0, sizeof(record));
	record.used = 1;
	ct_stream_tell(stream, &record.stream);
	record.created = stream->created;
	record.touched = stream->touched;
	for (side = 0; side < 2; side++) {
		const struct ct_leg *leg = &stream->leg[side];

		record.leg[side].policy = leg->policy;
		record.leg[side].deadline = leg->latch.deadline;
		record.leg[side].latched_generation = leg->latch.latched_generation;
		record.leg[side].max_seq = leg->rtp.max_seq;
		record.leg[side].relayed = leg->relayed;
	}
	slot_write(state, stream->slot, &record);
}

/**
 * ct_state_forget() - a stream is gone
 * @stream: the stream
 */
void ct_state_forget(struct ct_stream *stream)
{
	struct ct_state *state = stream->datapath->state;
	struct record record;

	if (stream->slot < 0)
		return;

	memset(&record, 0, sizeof(record));
	slot_write(state, stream->slot, &record);
	state->used[stream->slot] = false;
	stream->slot = -1;
}

static void leg_restore(struct ct_leg *leg, const struct record *record)
{
	const struct nattrav_leg *told = &record->stream.leg[leg->side];

	leg->local = told->local;
	ct_leg_policy(leg, &record->leg[leg->side].policy, true);
	leg->peer = told->peer;
	leg->latch.deadline = record->leg[leg->side].deadline;
	leg->latch.latched_generation = record->leg[leg->side].latched_generation;
	leg->rtp.heard = told->given & NATTRAV_LEG_SSRC;
	leg->rtp.ssrc = told->ssrc;
	leg->rtp.max_seq = record->leg[leg->side].max_seq;
	leg->relayed = record->leg[leg->side].relayed;
	leg->dropped = told->dropped;
	leg->intruder = told->intruder;
	leg->intruder_packets = told->intruder_packets;
}

static struct ct_stream *record_restore(struct datapath *datapath, const struct record *record,
					int slot)
{
	struct ct_stream *stream = ct_stream_alloc(datapath, &record->stream);
	unsigned int side;
	int err = 0;

	if (!stream)
		return NULL;

	stream->slot = slot;
	stream->created = record->created;
	stream->touched = record->touched;
	for (side = 0; side < 2; side++) {
		leg_restore(&stream->leg[side], record);
		err = err ?: ct_port_reclaim(datapath, &stream->leg[side]);
	}
	if (err) {
		log_warn("call %s: stream %u is lost: its relay ports cannot be had again: %m",
			 record->stream.call, record->stream.id, -err);
		ct_state_forget(stream);
		return mem_deref(stream);
	}

	return stream;
}

static bool stream_tie(struct le *le, void *arg)
{
	struct ct_stream *stream = le->data;

	stream->tied = ct_stream_find(arg, stream->given.tied);
	return false;
}

/* RTCP lives and dies with its RTP; a half of a pair is of no use. */
static bool stream_is_half(struct le *le, void *arg)
{
	const struct ct_stream *stream = le->data;

	(void)arg;
	return stream->given.tied && !stream->tied;
}

/**
 * ct_state_load() - take over the streams of a predecessor
 * @datapath: the datapath, with its pools and no streams
 *
 * Return: 0 or -errno.
 */
int ct_state_load(struct datapath *datapath)
{
	struct ct_state *state = datapath->state;
	struct record record;
	unsigned int slot;
	struct le *half;

	for (slot = 1; slot < state->slots; slot++) {
		if (pread(state->fd, &record, sizeof(record), (off_t)slot * SLOT_SIZE) !=
			    sizeof(record) ||
		    !record.used)
			continue;

		if (record.sum != record_sum(&record)) {
			log_warn("%s: slot %u is damaged: a stream is lost", state->path, slot);
			continue;
		}
		state->used[slot] = true;
		record.stream.call[NATTRAV_CALL_LEN] = '\0';
		(void)record_restore(datapath, &record, (int)slot);
	}

	(void)hash_apply(datapath->streams, stream_tie, datapath);
	while ((half = hash_apply(datapath->streams, stream_is_half, NULL)) != NULL) {
		struct ct_stream *stream = half->data;

		ct_state_forget(stream);
		mem_deref(stream);
	}

	return 0;
}

/**
 * ct_state_remove() - there is nothing to know: remove the file
 * @state: the state file
 */
void ct_state_remove(struct ct_state *state)
{
	(void)unlink(state->path);
}
