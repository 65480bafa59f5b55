/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ng protocol, by which a SIP proxy on this host or on another one has the media
 * of its calls relayed: a second front beside sip/, over the same media side.
 */
#ifndef NATTRAVD_NG_NG_H
#define NATTRAVD_NG_NG_H

#include <re.h>

struct config;
struct db;
struct media;
struct ng;
struct wheel;

/**
 * struct ng_stats - what happened since the start
 * @requests: requests carried out
 * @errors: those of them that were refused
 * @again: requests that came again and were answered from memory
 * @malformed: messages that are none
 * @strangers: messages and connections of who may not use the protocol
 * @offers: offers
 * @answers: answers
 * @deletes: deletions
 * @calls: calls that began
 * @expired: calls that ended by themselves
 */
struct ng_stats {
	uint64_t requests;
	uint64_t errors;
	uint64_t again;
	uint64_t malformed;
	uint64_t strangers;
	uint64_t offers;
	uint64_t answers;
	uint64_t deletes;
	uint64_t calls;
	uint64_t expired;
};

/**
 * ng_alloc() - begin to answer
 * @ngp: set to it; drop it with mem_deref() before what it is given
 * @config: the configuration
 * @media: the media side
 * @wheel: runs the timers
 * @db: keeps the calls, or NULL
 *
 * Return: 0 or an errno, after it logged what is wrong.
 */
int ng_alloc(struct ng **ngp, const struct config *config, struct media *media, struct wheel *wheel,
	     struct db *db);

/* Take another configuration, with the same places to listen. */
void ng_reconfigure(struct ng *ng, const struct config *config);

/* Whether no new calls are taken. */
void ng_drain(struct ng *ng, bool draining);

/* How many calls there are. */
uint32_t ng_count(const struct ng *ng);

const struct ng_stats *ng_stats(const struct ng *ng);

/**
 * ng_handle() - answer a message
 * @ng: the ng protocol
 * @source: who sent it, NULL if it comes where nothing comes twice
 * @message: the message
 * @cookie: it begins with a cookie
 * @len: set to the length of the reply
 *
 * Return: the reply, to be freed, or NULL if there is nothing to say.
 */
char *ng_handle(struct ng *ng, const struct sa *source, const struct pl *message, bool cookie,
		size_t *len);

#endif
