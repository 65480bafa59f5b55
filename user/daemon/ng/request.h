/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a request of the ng protocol asks for, in whatever way it was said: as keys
 * of the dictionary, as words of its list of flags, or in one string of flags that
 * the proxy passed on as its script had it.
 */
#ifndef NATTRAVD_NG_REQUEST_H
#define NATTRAVD_NG_REQUEST_H

#include <re.h>

#include "config.h"
#include "media/media.h"
#include "ng/json.h"

/**
 * struct ng_request - a request
 * @dict: as it came; the slices below point into it
 * @command: "offer"
 * @call_id: Call-ID
 * @from_tag: who makes the offer, not who sent the message
 * @to_tag: the other one
 * @via_branch: tells one branch of a forked call from another
 * @label: a name for the tag that the SDP is of
 * @sdp: the SDP
 * @received: where the signalling came from; unset if that was not told
 * @direction: realms of who sent the SDP and of who gets it
 * @directions: how many of them were given
 * @options: for the media side
 * @family: address family that the SDP shall name, AF_UNSPEC for that which it has
 * @transport: the transport that media lines are to have
 * @delete_delay: seconds for which media goes on after its call was deleted
 * @limit: how many calls are to be listed
 * @load_limit: the other side knows the result "load limit"
 * @fatal: to delete what is not there is an error
 * @loop_protect: an SDP that was here before is to be left as it is
 */
struct ng_request {
	const json_t *dict;
	struct pl command;
	struct pl call_id;
	struct pl from_tag;
	struct pl to_tag;
	struct pl via_branch;
	struct pl label;
	struct pl sdp;
	struct sa received;
	char direction[2][CONFIG_REALM_LEN + 1];
	unsigned int directions;
	struct media_options options;
	int family;
	struct pl transport;
	uint32_t delete_delay;
	uint32_t limit;
	bool load_limit;
	bool fatal;
	bool loop_protect;
};

/**
 * ng_request_decode() - read a request
 * @request: set to what it asks for
 * @dict: its dictionary
 *
 * What is not known is ignored, and logged once; nothing is an error here.
 */
void ng_request_decode(struct ng_request *request, const json_t *dict);

/**
 * ng_flag_take() - take in a word, or a key with its value
 * @request: the request
 * @key: in any case, and with spaces, hyphens or underscores
 * @value: NULL for a word alone
 */
void ng_flag_take(struct ng_request *request, const struct pl *key, const struct pl *value);

/**
 * ng_flags_take() - take in a string of words and of keys with values
 * @request: the request
 * @text: "replace-origin ICE=remove direction=[pub priv]"
 */
void ng_flags_take(struct ng_request *request, const struct pl *text);

#endif
