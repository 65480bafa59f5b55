// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * m=application over plain UDP (RFC 8866 section 5.14): games, whiteboards, files.
 * As with audio, something is sent first; another program's stream begins with an
 * empty datagram, and has one after 15 s of silence.
 */
#include "data.h"

#include <string.h>

#include "app.h"
#include "media.h"
#include "packet.h"

static const char *const names[UA_DATA_MAX] = { "data", "data2", "data3", "data4" };

/**
 * struct ua_data - a data stream of a call
 * @config: what is sent
 * @name: for the events
 * @us: its socket
 * @sdp: its media line
 * @app: where another program sends, or NULL
 * @tmr: until the next packet
 * @pace: of the test packets
 * @peer: the other side
 * @meter: what the test packets of the peer tell
 * @running: packets are being sent
 * @quiet_since: when the last packet was sent, in microseconds
 * @sent: packets
 * @received: packets, of any kind
 * @received_bytes: in them
 * @first: told of the first packet
 * @arg: for @first
 */
struct ua_data {
	struct ua_data_config config;
	const char *name;
	struct udp_sock *us;
	struct sdp_media *sdp;
	struct ua_app *app;
	struct tmr tmr;
	struct ua_pace pace;
	struct ua_peer peer;
	struct ua_meter meter;
	bool running;
	uint64_t quiet_since;
	uint64_t sent;
	uint64_t received;
	uint64_t received_bytes;
	ua_first_h *first;
	void *arg;
};

static void data_destructor(void *arg)
{
	struct ua_data *data = arg;

	tmr_cancel(&data->tmr);
	mem_deref(data->app);
	mem_deref(data->us);
}

static void packet_send(struct ua_data *data, struct mbuf *mb)
{
	if (!udp_send(data->us, &data->peer.addr, mb))
		data->sent++;
	data->quiet_since = ua_now_us();
}

static void test_packet_send(struct ua_data *data)
{
	struct mbuf *mb = mbuf_alloc(data->config.size);

	if (!mb)
		return;
	memset(mb->buf, 0, mb->size);
	ua_packet_write(mb->buf, (uint32_t)data->sent, (uint32_t)ua_now_us(), &data->meter);
	mb->end = mb->size;
	packet_send(data, mb);
	mem_deref(mb);
}

static void tick(void *arg)
{
	struct ua_data *data = arg;
	uint32_t due = ua_pace_due(&data->pace, ua_now_us());

	while (due--)
		test_packet_send(data);
	tmr_start(&data->tmr, ua_pace_wait_ms(&data->pace, ua_now_us()), tick, data);
}

static void empty_send(void *arg)
{
	struct ua_data *data = arg;
	const uint64_t wait = UA_MEDIA_KEEPALIVE_MS;
	uint64_t quiet = (ua_now_us() - data->quiet_since) / 1000;
	struct mbuf *mb;

	if (!data->sent || quiet >= wait) {
		mb = mbuf_alloc(1);
		if (mb)
			packet_send(data, mb);
		mem_deref(mb);
		quiet = 0;
	}
	tmr_start(&data->tmr, wait - quiet, empty_send, data);
}

static void app_receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_data *data = arg;

	(void)src;
	if (data->running)
		packet_send(data, mb);
}

static void packet_receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_data *data = arg;
	struct ua_packet packet;

	if (!ua_peer_accept(&data->peer, src))
		return;
	data->received_bytes += mbuf_get_left(mb);
	if (!data->received++)
		data->first(data->name, src, data->arg);
	if (!data->app && ua_packet_read(&packet, mbuf_buf(mb), mbuf_get_left(mb)))
		ua_meter_add(&data->meter, &packet, (uint32_t)ua_now_us());
	/* an empty one only says where the peer is */
	if (mbuf_get_left(mb))
		ua_app_send(data->app, mb);
}

/**
 * ua_data_alloc() - a data stream of a call
 * @datap: set to it; drop it with mem_deref(), before @sdp
 * @config: of the terminal
 * @index: which of its data streams
 * @local: own address
 * @sdp: gets a media line
 * @first: told when the first packet comes
 * @arg: for @first
 *
 * Return: 0 or an errno.
 */
int ua_data_alloc(struct ua_data **datap, const struct ua_config *config, size_t index,
		  const struct sa *local, struct sdp_session *sdp, ua_first_h *first, void *arg)
{
	struct ua_data *data = mem_zalloc(sizeof(*data), data_destructor);
	struct sa addr = *local;
	int err;

	if (!data)
		return ENOMEM;
	data->config = config->data[index];
	data->name = names[index];
	data->first = first;
	data->arg = arg;
	data->peer.comedia = config->comedia;
	sa_init(&data->peer.addr, AF_UNSPEC);
	sa_set_port(&addr, 0);
	err = udp_listen(&data->us, &addr, packet_receive, data);
	if (!err)
		err = udp_local_get(data->us, &addr);
	if (!err && data->config.port)
		err = ua_app_alloc(&data->app, data->config.port, app_receive, data);
	if (!err)
		err = sdp_media_add(&data->sdp, sdp, "application", sa_port(&addr), "udp");
	if (!err)
		err = sdp_format_add(NULL, data->sdp, false, "octet-stream", NULL, 0, 0, NULL, NULL,
				     NULL, false, NULL);
	if (err)
		mem_deref(data);
	else
		*datap = data;
	return err;
}

/**
 * ua_data_update() - an offer and its answer are there, the first ones or others
 * @data: the stream
 */
void ua_data_update(struct ua_data *data)
{
	if (!sa_port(sdp_media_raddr(data->sdp))) {
		tmr_cancel(&data->tmr);
		data->running = false;
		return;
	}
	ua_peer_set(&data->peer, sdp_media_raddr(data->sdp));
	if (!sa_isset(&data->peer.addr, SA_ALL) || data->running)
		return;
	data->running = true;
	if (data->app) {
		empty_send(data);
		return;
	}
	ua_pace_start(&data->pace, data->config.rate, ua_now_us());
	tick(data);
}

/**
 * ua_data_stats() - what came and went
 * @data: the stream
 * @stats: filled in
 */
void ua_data_stats(const struct ua_data *data, struct ua_stats *stats)
{
	const struct ua_meter *meter = &data->meter;

	*stats = (struct ua_stats){
		.stream = data->name,
		.sent = data->sent,
		.received = data->received,
		.received_bytes = data->received_bytes,
		.lost = ua_meter_lost(meter),
		.foreign = data->peer.foreign,
		.jitter = meter->jitter >> 4,
		.rtt_min = meter->rtt_min,
		.rtt_avg = meter->rtt_count ? meter->rtt_sum / meter->rtt_count : 0,
		.rtt_max = meter->rtt_max,
	};
}
