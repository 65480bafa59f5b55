// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first socket opens a flow and is silent for a while. Then the second one asks
 * the server for a packet to the first one's mapping, so that the question itself
 * does not open the flow again.
 *
 * NATs remember a flow longer when it has seen traffic in both directions for some
 * time (Linux: 120 s after 2 s of it, 30 s before), as the flow of a registration
 * has. The probe's flow is made to look like that first.
 */
#include "probe.h"

#include "stun.h"

#define WARM_MS 3000

enum step { OPEN, OTHER, WARM, SUPPORT, SILENT, ASK, CHECK, REFRESH };

/**
 * struct ua_probe - a probe under way
 * @config: what to find out
 * @result: what is known
 * @step: what the answer that comes next is for
 * @us: the socket whose flow is silent
 * @asker: the other one
 * @stun: transactions of both
 * @ct: the one under way
 * @at_us: the answer came to @us
 * @tmr: until the next step
 * @silence: the silence that is being tried, in seconds
 * @handler: told of each silence and of the end
 * @arg: for @handler
 */
struct ua_probe {
	struct ua_probe_config config;
	struct ua_probe_result result;
	enum step step;
	struct udp_sock *us;
	struct udp_sock *asker;
	struct stun *stun;
	struct stun_ctrans *ct;
	bool at_us;
	struct tmr tmr;
	unsigned int silence;
	ua_probe_h *handler;
	void *arg;
};

static void probe_destructor(void *arg)
{
	struct ua_probe *probe = arg;

	tmr_cancel(&probe->tmr);
	mem_deref(probe->ct);
	mem_deref(probe->us);
	mem_deref(probe->asker);
	mem_deref(probe->stun);
}

static void receive(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_probe *probe = arg;

	(void)src;
	probe->at_us = true;
	(void)stun_recv(probe->stun, mb);
}

static void receive_asker(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ua_probe *probe = arg;

	(void)src;
	probe->at_us = false;
	(void)stun_recv(probe->stun, mb);
}

static void finish(struct ua_probe *probe, int err)
{
	tmr_cancel(&probe->tmr);
	probe->handler(err, &probe->result, 0, false, probe->arg);
}

static void answered(int err, uint16_t scode, const char *reason, const struct stun_msg *msg,
		     void *arg);

/* Asks for the mapping of our flow, on the way to this step. */
static void bind_to(struct ua_probe *probe, enum step step, const struct sa *server)
{
	int err;

	probe->step = step;
	err = stun_request(&probe->ct, probe->stun, IPPROTO_UDP, probe->us, server, 0,
			   STUN_METHOD_BINDING, NULL, 0, false, answered, probe, 0);
	if (err)
		finish(probe, err);
}

static void bind_again(struct ua_probe *probe, enum step step)
{
	bind_to(probe, step, &probe->config.server);
}

/* Asks for an answer to our mapping. */
static void ask(struct ua_probe *probe, enum step step)
{
	const uint16_t port = sa_port(&probe->result.mapped);
	int err;

	probe->step = step;
	err = stun_request(&probe->ct, probe->stun, IPPROTO_UDP, probe->asker,
			   &probe->config.server, 0, STUN_METHOD_BINDING, NULL, 0, false, answered,
			   probe, 1, STUN_ATTR_RESP_PORT, &port);
	if (err)
		finish(probe, err);
}

static void silence_over(void *arg)
{
	struct ua_probe *probe = arg;

	if (probe->result.method == UA_PROBE_RESPONSE_PORT)
		ask(probe, ASK);
	else
		bind_again(probe, CHECK);
}

static void silence_begin(struct ua_probe *probe)
{
	probe->silence = ua_search_next(&probe->result.search);
	if (!probe->silence) {
		finish(probe, 0);
		return;
	}
	probe->step = SILENT;
	tmr_start(&probe->tmr, (uint64_t)probe->silence * 1000, silence_over, probe);
}

static void warm_over(void *arg)
{
	bind_again(arg, WARM);
}

static void warm_begin(struct ua_probe *probe)
{
	tmr_start(&probe->tmr, WARM_MS, warm_over, probe);
}

/* Tells of the silence; the handler may have dropped the probe: do nothing after it fails. */
static bool silence_tell(struct ua_probe *probe, bool survived)
{
	bool alive;

	ua_search_result(&probe->result.search, probe->silence, survived);
	mem_ref(probe);
	probe->handler(0, &probe->result, probe->silence, survived, probe->arg);
	alive = mem_nrefs(probe) > 1;
	mem_deref(probe);
	return alive;
}

static void opened(struct ua_probe *probe)
{
	struct sa other = probe->config.server;

	if (probe->step == OPEN && probe->config.other_port) {
		sa_set_port(&other, probe->config.other_port);
		bind_to(probe, OTHER, &other);
	} else if (!probe->config.min) {
		finish(probe, 0);
	} else {
		warm_begin(probe);
	}
}

/* Is there a way to judge silences? */
static void support_known(struct ua_probe *probe, bool heard)
{
	struct ua_probe_result *result = &probe->result;

	if (heard)
		result->method = UA_PROBE_RESPONSE_PORT;
	else if (sa_port(&result->mapped) != sa_port(&result->local))
		result->method = UA_PROBE_PORT_CHANGE;
	if (result->method == UA_PROBE_NONE)
		finish(probe, ENOTSUP);
	else
		silence_begin(probe);
}

static void answered(int err, uint16_t scode, const char *reason, const struct stun_msg *msg,
		     void *arg)
{
	struct ua_probe *probe = arg;
	struct ua_probe_result *result = &probe->result;
	const struct sa before = result->mapped;
	const bool heard = !err && !scode && probe->at_us;
	bool same;

	(void)reason;
	if (!err)
		err = scode ? EPROTO : ua_stun_mapped(&result->mapped, msg);

	switch (probe->step) {
	case SUPPORT:
		/* this answer holds the mapping of the other socket */
		result->mapped = before;
		support_known(probe, heard);
		return;
	case ASK:
		result->mapped = before;
		if (!heard)
			bind_again(probe, CHECK);
		else if (silence_tell(probe, true))
			bind_again(probe, REFRESH);
		return;
	case OTHER:
		/* no answer is no reason to stop */
		result->mapped_other = result->mapped;
		if (err)
			sa_init(&result->mapped_other, AF_UNSPEC);
		result->mapped = before;
		opened(probe);
		return;
	default:
		break;
	}

	if (err) {
		/* the server is out of reach: what was asked last says nothing about the NAT */
		finish(probe, err);
		return;
	}
	switch (probe->step) {
	case OPEN:
		opened(probe);
		break;
	case WARM:
		if (result->method == UA_PROBE_NONE)
			ask(probe, SUPPORT);
		else
			silence_begin(probe);
		break;
	case CHECK:
		same = result->method == UA_PROBE_PORT_CHANGE &&
		       sa_cmp(&before, &result->mapped, SA_ALL);
		if (!silence_tell(probe, same))
			break;
		if (same)
			silence_begin(probe);
		else
			warm_begin(probe);
		break;
	default:
		silence_begin(probe);
		break;
	}
}

/**
 * ua_probe_alloc() - begin a probe
 * @probep: set to the probe; drop it with mem_deref(), during its calls of @handler, too
 * @config: what to find out
 * @handler: told of each silence and of the end
 * @arg: for @handler
 *
 * Return: 0 or an errno.
 */
int ua_probe_alloc(struct ua_probe **probep, const struct ua_probe_config *config,
		   ua_probe_h *handler, void *arg)
{
	struct ua_probe *probe = mem_zalloc(sizeof(*probe), probe_destructor);
	int err;

	if (!probe)
		return ENOMEM;
	probe->config = *config;
	probe->handler = handler;
	probe->arg = arg;
	sa_init(&probe->result.mapped_other, AF_UNSPEC);
	ua_search_init(&probe->result.search, config->min, config->max, config->start);
	err = ua_stun_alloc(&probe->stun);
	if (!err)
		err = udp_listen(&probe->us, &config->local, receive, probe);
	if (!err)
		err = udp_listen(&probe->asker, &config->local, receive_asker, probe);
	if (!err)
		err = udp_local_get(probe->us, &probe->result.local);
	if (!err)
		err = stun_request(&probe->ct, probe->stun, IPPROTO_UDP, probe->us, &config->server,
				   0, STUN_METHOD_BINDING, NULL, 0, false, answered, probe, 0);
	if (err)
		mem_deref(probe);
	else
		*probep = probe;
	return err;
}
