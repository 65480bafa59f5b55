/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SIP terminal for programs: registers, keeps its path through the NAT open, takes
 * and places calls, one at a time. See nattrav-ua(1) for what it does and how.
 *
 * All of it runs in libre's event loop, in one thread:
 *
 *	libre_init();
 *	ua_alloc(&ua, &config, on_event, NULL);
 *	ua_start(ua);
 *	re_main(on_signal);       on_signal() calls ua_stop(), on_event() calls
 *	mem_deref(ua);            re_cancel() at UA_STOPPED
 *	libre_close();
 */
#ifndef NATTRAV_UA_H
#define NATTRAV_UA_H

#include <re.h>

#define UA_DATA_MAX 4

enum ua_keepalive_kind { UA_STUN, UA_CRLF, UA_NO_KEEPALIVE };
enum ua_answering { UA_ANSWER_AUTO, UA_ANSWER_MANUAL, UA_ANSWER_NEVER };

/**
 * struct ua_data_config - a stream of datagrams ("--data")
 * @rate: test packets a second, 0 if another program sends
 * @size: bytes in each of them
 * @port: loopback port for the other program, 0 if test packets are sent
 */
struct ua_data_config {
	uint32_t rate;
	uint32_t size;
	uint16_t port;
};

/**
 * struct ua_config - a terminal; its strings must live as long as the terminal
 * @server: where to register and to send calls, not set for neither
 * @local: own address, not set for the one that the way to the server has; its port
 *	is that of SIP, 0 for any
 * @user: name of the user
 * @password: its password, or NULL
 * @domain: of the address of record, NULL for the server's address
 * @realm: the only digest realm that is answered, NULL for the domain
 * @instance: URN of this device, NULL for one made of /etc/machine-id and @user
 * @expires: lifetime of the registration in seconds
 * @keepalive: how to keep the path open
 * @interval: how often, in seconds; 0 for what the server says
 * @adaptive: measure the NAT's time-out and stay under it
 * @search_min: the least silence that the measurement tries, in seconds
 * @search_max: the greatest
 * @audio: source of what is said, see nattrav-ua(1), or NULL for calls without audio
 * @pcma_first: prefer PCMA
 * @record: WAV file for what is heard, or NULL
 * @data: streams of datagrams
 * @data_count: how many of @data
 * @answering: what to do with calls that come in
 * @duration: seconds after which calls are hung up, 0 for never
 * @comedia: take the first packet's source for the peer's media address
 */
struct ua_config {
	struct sa server;
	struct sa local;
	const char *user;
	const char *password;
	const char *domain;
	const char *realm;
	const char *instance;
	uint32_t expires;
	enum ua_keepalive_kind keepalive;
	uint32_t interval;
	bool adaptive;
	uint32_t search_min;
	uint32_t search_max;
	const char *audio;
	bool pcma_first;
	const char *record;
	struct ua_data_config data[UA_DATA_MAX];
	size_t data_count;
	enum ua_answering answering;
	uint32_t duration;
	bool comedia;
};

/**
 * struct ua_stats - what a media stream did; times in microseconds
 * @stream: "audio", "data" or "data2" and so on
 * @sent: packets
 * @received: packets from the peer
 * @received_bytes: payload in them
 * @lost: packets of the peer that did not come (RFC 3550 A.3)
 * @foreign: packets from elsewhere, dropped
 * @jitter: of what came (RFC 3550 A.8)
 * @rtt_min: shortest round trip, 0 if unknown
 * @rtt_avg: mean round trip, 0 if unknown
 * @rtt_max: longest round trip, 0 if unknown
 */
struct ua_stats {
	const char *stream;
	uint64_t sent;
	uint64_t received;
	uint64_t received_bytes;
	int64_t lost;
	uint64_t foreign;
	uint64_t jitter;
	uint64_t rtt_min;
	uint64_t rtt_avg;
	uint64_t rtt_max;
};

/**
 * enum ua_event_type - what happened, and which members of struct ua_event tell more
 * @UA_REGISTERED: by the server; seconds (granted), addr (as the server sees us)
 * @UA_UNREGISTERED: no more; status, reason
 * @UA_KEEPALIVE: was answered, or sent where no answer comes; seconds (interval),
 *	addr, time (round trip)
 * @UA_MAPPED: the NAT gave us this address; addr
 * @UA_MEASURED: a silence was tried; seconds, survived
 * @UA_INTERVAL: the keep-alives have a new interval; seconds
 * @UA_INCOMING: a call comes in; peer
 * @UA_RINGING: the peer rings; status, reason, peer
 * @UA_ESTABLISHED: the call is up; peer
 * @UA_MEDIA: the first packet of a stream came in; stream, addr
 * @UA_HELD: the peer took or gave back the call; survived is true if held
 * @UA_STATS: a stream is over; stats
 * @UA_CLOSED: the call is over; peer, status, reason
 * @UA_ERROR: something failed; status or 0, reason
 * @UA_STOPPED: ua_stop() is done
 */
enum ua_event_type {
	UA_REGISTERED,
	UA_UNREGISTERED,
	UA_KEEPALIVE,
	UA_MAPPED,
	UA_MEASURED,
	UA_INTERVAL,
	UA_INCOMING,
	UA_RINGING,
	UA_ESTABLISHED,
	UA_MEDIA,
	UA_HELD,
	UA_STATS,
	UA_CLOSED,
	UA_ERROR,
	UA_STOPPED,
};

/**
 * struct ua_event - something that happened; see enum ua_event_type
 * @type: what
 * @status: SIP status code, 0 if there is none
 * @reason: its reason phrase, or what went wrong; not set if there is nothing to say
 * @peer: URI of the other side, not set if there is none
 * @addr: an address, or NULL
 * @seconds: a time
 * @time: a shorter one, in microseconds
 * @survived: yes or no
 * @stream: name of a stream, or NULL
 * @stats: of a stream, or NULL
 */
struct ua_event {
	enum ua_event_type type;
	uint16_t status;
	struct pl reason;
	struct pl peer;
	const struct sa *addr;
	uint32_t seconds;
	uint64_t time;
	bool survived;
	const char *stream;
	const struct ua_stats *stats;
};

struct ua;

/* Told of each event. It may call anything of this file, but must not drop the terminal. */
typedef void(ua_event_h)(const struct ua_event *event, void *arg);

void ua_config_init(struct ua_config *config);
int ua_alloc(struct ua **uap, const struct ua_config *config, ua_event_h *handler, void *arg);
int ua_start(struct ua *ua);
void ua_stop(struct ua *ua);

int ua_dial(struct ua *ua, const char *to);
int ua_answer(struct ua *ua);
int ua_hold(struct ua *ua, bool held);
void ua_hangup(struct ua *ua);
bool ua_in_call(const struct ua *ua);

int ua_source_address(struct sa *local, const struct sa *dst);
int ua_event_json(struct mbuf *mb, const struct ua_event *event);

#endif
