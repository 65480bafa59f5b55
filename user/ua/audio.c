// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RTP as soon as the peer's address is known: a relay knows ours only from the first
 * packet. Where the SDP lets us say nothing, an empty packet every 15 s says where we
 * are and keeps the NAT's mapping (RFC 6263).
 */
#include "audio.h"

#include "g711.h"
#include "media.h"
#include "sound.h"

#define PORT_MIN         10000
#define PORT_MAX         60000
#define PACKETS_A_SECOND 50
#define SAMPLES          (UA_SAMPLE_RATE / PACKETS_A_SECOND)
/* of received packets: 120 ms, more than any ptime in use */
#define SAMPLES_MAX 960
#define PT_PCMU     0
#define PT_PCMA     8

/**
 * struct ua_audio - the audio stream of a call
 * @rtp: its sockets, with RTCP
 * @sdp: its media line
 * @sound: what is said and heard
 * @tmr: until the next packet
 * @pace: of the packets
 * @peer: the other side
 * @running: packets are being sent
 * @pt: payload type in use
 * @timestamp: of the next packet
 * @quiet_since: when the last packet was sent, in microseconds
 * @sent: packets
 * @received: packets
 * @received_bytes: payload in them
 * @ssrc: of the peer
 * @first: told of the first packet
 * @arg: for @first
 */
struct ua_audio {
	struct rtp_sock *rtp;
	struct sdp_media *sdp;
	struct ua_sound *sound;
	struct tmr tmr;
	struct ua_pace pace;
	struct ua_peer peer;
	bool running;
	uint8_t pt;
	uint32_t timestamp;
	uint64_t quiet_since;
	uint64_t sent;
	uint64_t received;
	uint64_t received_bytes;
	uint32_t ssrc;
	ua_first_h *first;
	void *arg;
};

static void audio_destructor(void *arg)
{
	struct ua_audio *audio = arg;

	tmr_cancel(&audio->tmr);
	mem_deref(audio->rtp);
	mem_deref(audio->sound);
}

/* @count samples, or an empty packet for 0 */
static void packet_send(struct ua_audio *audio, size_t count)
{
	struct mbuf *mb = mbuf_alloc(RTP_HEADER_SIZE + SAMPLES);
	int16_t samples[SAMPLES];
	size_t i;
	int err = 0;

	if (!mb)
		return;
	mb->pos = RTP_HEADER_SIZE;
	mb->end = RTP_HEADER_SIZE;
	ua_sound_read(audio->sound, samples, count);
	for (i = 0; i < count; i++)
		err |= mbuf_write_u8(mb, audio->pt == PT_PCMU ? ua_pcmu_encode(samples[i]) :
								ua_pcma_encode(samples[i]));
	mb->pos = RTP_HEADER_SIZE;
	if (!err)
		err = rtp_send(audio->rtp, &audio->peer.addr, false, !audio->sent, audio->pt,
			       audio->timestamp, mb);
	if (!err)
		audio->sent++;
	audio->quiet_since = ua_now_us();
	mem_deref(mb);
}

static void tick(void *arg)
{
	struct ua_audio *audio = arg;
	const bool talking = sdp_media_dir(audio->sdp) & SDP_SENDONLY;
	uint32_t due = ua_pace_due(&audio->pace, ua_now_us());

	while (due--) {
		if (talking)
			packet_send(audio, SAMPLES);
		audio->timestamp += SAMPLES;
	}
	if (!audio->sent || ua_now_us() - audio->quiet_since > UA_MEDIA_KEEPALIVE_MS * 1000ULL)
		packet_send(audio, 0);
	tmr_start(&audio->tmr, ua_pace_wait_ms(&audio->pace, ua_now_us()), tick, audio);
}

static void samples_receive(struct ua_audio *audio, uint8_t pt, struct mbuf *mb)
{
	int16_t samples[SAMPLES_MAX];
	size_t count = MIN(mbuf_get_left(mb), (size_t)SAMPLES_MAX);
	size_t i;

	if (pt != PT_PCMU && pt != PT_PCMA)
		return;
	for (i = 0; i < count; i++) {
		const uint8_t code = mbuf_read_u8(mb);

		samples[i] = pt == PT_PCMU ? ua_pcmu_decode(code) : ua_pcma_decode(code);
	}
	ua_sound_write(audio->sound, samples, count);
}

static void packet_receive(const struct sa *src, const struct rtp_header *hdr, struct mbuf *mb,
			   void *arg)
{
	struct ua_audio *audio = arg;

	if (!ua_peer_accept(&audio->peer, src))
		return;
	audio->ssrc = hdr->ssrc;
	audio->received_bytes += mbuf_get_left(mb);
	if (!audio->received++)
		audio->first("audio", src, audio->arg);
	samples_receive(audio, hdr->pt, mb);
}

static int sdp_add(struct ua_audio *audio, struct sdp_session *sdp, bool pcma_first)
{
	static const char *const names[] = { "PCMU", "PCMA" };
	static const char *const ids[] = { "0", "8" };
	size_t i;
	int err;

	err = sdp_media_add(&audio->sdp, sdp, sdp_media_audio, sa_port(rtp_local(audio->rtp)),
			    sdp_proto_rtpavp);
	for (i = 0; i < ARRAY_SIZE(names) && !err; i++)
		err = sdp_format_add(NULL, audio->sdp, i == 1 && pcma_first, ids[i], names[i],
				     UA_SAMPLE_RATE, 1, NULL, NULL, NULL, false, NULL);
	if (!err)
		err = sdp_media_set_lattr(audio->sdp, true, "ptime", "%u", 1000 / PACKETS_A_SECOND);
	return err;
}

/**
 * ua_audio_alloc() - the audio of a call
 * @audiop: set to it; drop it with mem_deref(), before @sdp
 * @config: where the sound comes from and goes to
 * @local: own address
 * @sdp: gets a media line
 * @first: told when the first packet comes
 * @arg: for @first
 *
 * Return: 0 or an errno.
 */
int ua_audio_alloc(struct ua_audio **audiop, const struct ua_config *config, const struct sa *local,
		   struct sdp_session *sdp, ua_first_h *first, void *arg)
{
	struct ua_audio *audio = mem_zalloc(sizeof(*audio), audio_destructor);
	int err;

	if (!audio)
		return ENOMEM;
	audio->first = first;
	audio->arg = arg;
	audio->peer.comedia = config->comedia;
	sa_init(&audio->peer.addr, AF_UNSPEC);
	audio->timestamp = rand_u32();
	err = ua_sound_alloc(&audio->sound, config->audio, config->record);
	if (!err)
		err = rtp_listen(&audio->rtp, IPPROTO_UDP, local, PORT_MIN, PORT_MAX, true,
				 packet_receive, NULL, audio);
	if (!err)
		err = sdp_add(audio, sdp, config->pcma_first);
	if (err)
		mem_deref(audio);
	else
		*audiop = audio;
	return err;
}

/**
 * ua_audio_update() - an offer and its answer are there, the first ones or others
 * @audio: the audio
 */
void ua_audio_update(struct ua_audio *audio)
{
	const struct sdp_format *format = sdp_media_rformat(audio->sdp, NULL);
	struct sa rtcp;

	if (!sa_port(sdp_media_raddr(audio->sdp)) || !format) {
		tmr_cancel(&audio->tmr);
		audio->running = false;
		return;
	}
	audio->pt = (uint8_t)format->pt;
	ua_peer_set(&audio->peer, sdp_media_raddr(audio->sdp));
	if (!sa_isset(&audio->peer.addr, SA_ALL) || audio->running)
		return;

	audio->running = true;
	sdp_media_raddr_rtcp(audio->sdp, &rtcp);
	rtcp_set_srate(audio->rtp, UA_SAMPLE_RATE, UA_SAMPLE_RATE);
	/* where the address in the SDP does not count, that of RTCP is not known */
	rtcp_start(audio->rtp, "nattrav-ua", audio->peer.comedia ? NULL : &rtcp);
	ua_pace_start(&audio->pace, PACKETS_A_SECOND, ua_now_us());
	tick(audio);
}

/**
 * ua_audio_hold() - say in the next offer that nothing is to be sent to us
 * @audio: the audio
 * @held: so, or not any more
 */
void ua_audio_hold(struct ua_audio *audio, bool held)
{
	sdp_media_set_ldir(audio->sdp, held ? SDP_SENDONLY : SDP_SENDRECV);
}

/* Whether the peer lets us say nothing. */
bool ua_audio_held(const struct ua_audio *audio)
{
	return !(sdp_media_rdir(audio->sdp) & SDP_SENDONLY) ||
	       sa_is_any(sdp_media_raddr(audio->sdp));
}

/**
 * ua_audio_stats() - what came and went
 * @audio: the audio
 * @stats: filled in
 */
void ua_audio_stats(struct ua_audio *audio, struct ua_stats *stats)
{
	struct rtcp_stats rtcp = { .rtt = 0 };

	*stats = (struct ua_stats){
		.stream = "audio",
		.sent = audio->sent,
		.received = audio->received,
		.received_bytes = audio->received_bytes,
		.foreign = audio->peer.foreign,
	};
	if (!audio->received || rtcp_stats(audio->rtp, audio->ssrc, &rtcp))
		return;
	stats->lost = rtcp.rx.lost;
	stats->jitter = rtcp.rx.jit;
	/* RTCP knows the last one only */
	stats->rtt_min = rtcp.rtt;
	stats->rtt_avg = rtcp.rtt;
	stats->rtt_max = rtcp.rtt;
}
