// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * drops: why packets were dropped, what that means, and what to do about it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "screen.h"

/**
 * struct explanation - a drop reason for people
 * @meaning: what happened
 * @advice: what to do, if it is not meant to be
 */
struct explanation {
	const char *meaning;
	const char *advice;
};

static const struct explanation explanations[] = {
	[NATTRAV_DROP_REASON_BAD_LENGTH] = {
		"the UDP length does not match the datagram",
		"a broken or hostile sender: nothing to do here",
	},
	[NATTRAV_DROP_REASON_BAD_CHECKSUM] = {
		"the UDP checksum is wrong",
		"damage on the way: look at links, and at checksum offloading (ethtool -k)",
	},
	[NATTRAV_DROP_REASON_FRAGMENT] = {
		"a fragment that was not reassembled",
		"parts of large packets are lost on the way: let the sender use smaller ones",
	},
	[NATTRAV_DROP_REASON_NO_STREAM] = {
		"the port lies in a pool, but no stream uses it",
		"late packets of ended calls, or a port scan: nothing to do here",
	},
	[NATTRAV_DROP_REASON_OUTSIDE_PREFIX] = {
		"a partial leg heard a source outside its latch prefixes",
		"an intruder, or a terminal with another address for its media: see \"doctor\"",
	},
	[NATTRAV_DROP_REASON_NOT_RTP] = {
		"a partial leg heard something that is not RTP, or not RTCP",
		"STUN or DTLS before the media is normal; other media need a stream of type udp",
	},
	[NATTRAV_DROP_REASON_PAYLOAD_TYPE] = {
		"a partial leg heard a payload type that was not negotiated",
		"compare payload-types in \"stream show\" with the SDP; \"stream set ID a pt LIST\"",
	},
	[NATTRAV_DROP_REASON_WINDOW_CLOSED] = {
		"a partial leg heard its first packet after the latch window",
		"the terminal began late: open it again, \"stream set ID a window 30s\"",
	},
	[NATTRAV_DROP_REASON_RTP_PARTIAL] = {
		"RTCP came before the RTP leg that it belongs to had completed",
		"normal as a call begins; if it goes on, RTP is missing: see \"top\"",
	},
	[NATTRAV_DROP_REASON_BAD_SOURCE] = {
		"the source can be no peer: loopback, multicast, reserved, or this host",
		"forged, or sent in a circle: find with tcpdump on which link it comes in",
	},
	[NATTRAV_DROP_REASON_PROBATION] = {
		"a partial leg has not heard enough packets in sequence yet",
		"normal as a call begins; a prefix of one address needs only one packet",
	},
	[NATTRAV_DROP_REASON_WRONG_SOURCE] = {
		"a complete leg heard a source that is not its peer",
		"an intruder, or a terminal that has moved: \"relatch rebind\" lets it follow",
	},
	[NATTRAV_DROP_REASON_PEER_PARTIAL] = {
		"the other leg has no peer yet, so there is nowhere to send to",
		"normal as a call begins; if it goes on, see \"stream list state partial\"",
	},
	[NATTRAV_DROP_REASON_RATE] = {
		"the peer sends more packets than the rate of its leg allows",
		"no call sends that much, or the rate is too low: \"stream set ID a rate N\"",
	},
	[NATTRAV_DROP_REASON_SEQUENCE] = {
		"RTP of the peer with a sequence number far from the last one",
		"a few after a pause are normal; many are forged, or the terminal is broken",
	},
	[NATTRAV_DROP_REASON_SSRC] = {
		"RTP of the peer that changed its SSRC too often",
		"forged, or several streams on one port: \"stream set ID a many-ssrc on\"",
	},
	[NATTRAV_DROP_REASON_TTL] = {
		"the time to live, or hop limit, ran out",
		"a routing loop, or somebody runs traceroute",
	},
	[NATTRAV_DROP_REASON_NO_ROUTE] = {
		"there is no route to the peer",
		"ask \"ip route get\" for the peer's address; is a link down?",
	},
	[NATTRAV_DROP_REASON_TOO_BIG] = {
		"larger than the way to the peer takes; the sender was told",
		"lower the sender's packet size, or raise the MTU of the link",
	},
	[NATTRAV_DROP_REASON_NO_MEMORY] = {
		"memory ran out while a packet was handled",
		"the host is short of memory: see dmesg and free",
	},
};

_Static_assert(sizeof(explanations) / sizeof(explanations[0]) == NATTRAV_DROP_REASON_MAX + 1,
	       "each reason is explained");

/* Return: what a drop reason means, or NULL for one that is unknown here. */
const char *ctl_drop_meaning(enum nattrav_drop_reason reason)
{
	return reason <= NATTRAV_DROP_REASON_MAX ? explanations[reason].meaning : NULL;
}

/* Return: what to do about it, or NULL. */
const char *ctl_drop_advice(enum nattrav_drop_reason reason)
{
	return reason <= NATTRAV_DROP_REASON_MAX ? explanations[reason].advice : NULL;
}

static uint64_t dropped_sum(const struct nattrav_info *info)
{
	uint64_t sum = 0;
	unsigned int reason;

	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++)
		sum += info->dropped[reason];
	return sum;
}

static int print_json(const struct ctl *ctl, const struct nattrav_info *info, bool watch)
{
	json_t *list = json_array();
	unsigned int reason;

	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s}", "reason",
						      nattrav_drop_reason_name(reason), "packets",
						      (json_int_t)info->dropped[reason], "meaning",
						      explanations[reason].meaning, "advice",
						      explanations[reason].advice));
	return ctl_json_print(ctl, list, watch ? JSON_COMPACT : JSON_INDENT(2));
}

static void print_once(const struct nattrav_info *info)
{
	unsigned int reason;

	if (!dropped_sum(info)) {
		printf("no packet was dropped; %" PRIu64 " were forwarded\n", info->forwarded);
		return;
	}
	printf("%" PRIu64 " packets were dropped, %" PRIu64 " forwarded:\n\n", dropped_sum(info),
	       info->forwarded);
	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++) {
		if (info->dropped[reason])
			printf("%12" PRIu64 "  %-14s  %s\n%30s%s\n", info->dropped[reason],
			       nattrav_drop_reason_name(reason), explanations[reason].meaning, "",
			       explanations[reason].advice);
	}
}

/* The reasons that have occurred at all, and how often they do now. */
static void print_frame(struct ctl_screen *screen, const struct nattrav_info *now,
			const struct nattrav_info *before)
{
	unsigned int reason;
	char rate[24];

	ctl_screen_begin(screen);
	ctl_screen_line(screen, CTL_BOLD, "%12s  %10s  %-14s  %s", "PACKETS", "PER SECOND",
			"REASON", "MEANING");
	for (reason = 0; reason <= NATTRAV_DROP_REASON_MAX; reason++) {
		const uint64_t more = now->dropped[reason] - before->dropped[reason];

		if (!now->dropped[reason])
			continue;
		snprintf(rate, sizeof(rate), "%.1f", (double)more * 1000 / screen->delay);
		ctl_screen_line(screen, screen->shown && more ? CTL_YELLOW : NULL,
				"%12" PRIu64 "  %10s  %-14s  %s", now->dropped[reason],
				screen->shown ? rate : "-", nattrav_drop_reason_name(reason),
				explanations[reason].meaning);
	}
	ctl_screen_line(screen, NULL, "%12" PRIu64 "  %10s  in all, %" PRIu64 " were forwarded",
			dropped_sum(now), "", now->forwarded);
}

int ctl_drops(struct ctl *ctl, struct ctl_words words)
{
	struct nattrav_info now, before = { 0 };
	struct ctl_screen screen;
	bool watch = words.count && !strcmp(words.word[0], "--watch");
	int err, status;

	words.word += watch;
	words.count -= watch;
	if (!watch && words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	status = ctl_screen_init(ctl, words, &screen);
	if (status)
		return status;
	if (ctl_open(ctl))
		return CTL_FAILED;
	do {
		err = nattrav_info_get(ctl->handle, &now);
		if (err)
			return ctl_fail_kernel(ctl, err);
		if (ctl->json)
			status = print_json(ctl, &now, watch);
		else if (watch)
			print_frame(&screen, &now, &before);
		else
			print_once(&now);
		before = now;
	} while (watch && !status && ctl_screen_end(&screen));
	return status;
}
