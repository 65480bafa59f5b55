// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops.
 */
#include "sip/route.h"

#include <string.h>

#include "sip/message.h"
#include "sip/nexthop.h"

/* How well a route fits, 0 if it does not: the domain, or the longest number. */
static size_t route_fits(const struct server *server, const struct config_route *route,
			 const struct sip_msg *msg, bool local)
{
	const struct pl *user = &msg->uri.user;
	const size_t len = strlen(route->match);

	/* for what no other line names, and not by its name */
	if (route == server->config->registrar)
		return 0;
	if (!strcmp(route->match, "*"))
		return 1;
	if (route->match[0] == '@')
		return !local && !pl_strcasecmp(&msg->uri.host, route->match + 1) ? SIZE_MAX : 0;
	return local && user->l >= len && !memcmp(user->p, route->match, len) ? len + 1 : 0;
}

/* The flow to a next hop; false if nothing can be sent there now. */
static bool route_flow(const struct server *server, const struct config_route *route,
		       struct flow *flow)
{
	flow->remote = route->addr;
	flow->listener =
		flows_choose(server->flows, route->transport, sa_af(&route->addr), route->realm);
	return flow->listener && flow_is_up(flow);
}

static bool is_ready(const struct server *server, const struct config_route *route)
{
	struct flow flow;

	return route_flow(server, route, &flow) && !outage_lasts(server->outages, &flow);
}

static bool is_tried(const struct server *server, const struct config_route *route,
		     const struct forward_plan *tried)
{
	struct flow flow;
	unsigned int i;

	(void)route_flow(server, route, &flow);
	for (i = 0; tried && i < tried->count; i++) {
		if (flow_equal(&tried->targets[i].out, &flow))
			return true;
	}
	return false;
}

const struct config_route *route_find(const struct server *server, const struct sip_msg *msg,
				      bool local, const struct forward_plan *tried)
{
	const struct config_route *best = NULL;
	size_t fits, most = 0;
	struct le *le;

	LIST_FOREACH(&server->config->routes, le) {
		fits = route_fits(server, le->data, msg, local);
		if (!fits || fits < most)
			continue;
		/* what fits less is for other requests, whoever has failed */
		if (fits > most)
			best = NULL;
		most = fits;
		if (is_tried(server, le->data, tried))
			continue;
		if (!best || (!is_ready(server, best) && is_ready(server, le->data)))
			best = le->data;
	}

	return most || tried ? best : server->config->registrar;
}

int route_target(const struct server *server, const struct config_route *route,
		 const struct sip_msg *msg, bool local, struct forward_target *target, char **uri)
{
	int err;

	*uri = NULL;
	if (!route_flow(server, route, &target->out))
		return ENETUNREACH;
	if (!local || route == server->config->registrar)
		return 0;

	err = route->name ?
		      re_sdprintf(uri, "sip:%r@%s", &msg->uri.user, route->name) :
		      re_sdprintf(uri, "sip:%r@%H%s%s", &msg->uri.user, sa_uri_print, &route->addr,
				  route->transport == TRANSPORT_UDP ? "" : ";transport=",
				  route->transport == TRANSPORT_UDP ?
					  "" :
					  transport_name(route->transport));
	if (!err)
		pl_set_str(&target->uri, *uri);
	return err;
}

bool route_is_peer(const struct server *server, const struct flow *flow)
{
	struct le *le;

	LIST_FOREACH(&server->config->routes, le) {
		const struct config_route *route = le->data;

		/* a connection has a port of its own, but cannot be made with a false address */
		if (route->transport == flow->listener->transport &&
		    sa_cmp(&route->addr, &flow->remote,
			   transport_is_reliable(route->transport) ? SA_ADDR : SA_ALL))
			return true;
	}
	return false;
}

void route_alias(const struct server *server, const struct flow *flow, const struct sip_msg *msg)
{
	struct sa addr = msg->via.addr;
	struct pl alias;

	if (!flow_is_reliable(flow) || !msg_param(&msg->via.params, "alias", &alias) ||
	    !sa_isset(&addr, SA_ADDR))
		return;
	if (!sa_port(&addr))
		sa_set_port(&addr,
			    flow->listener->transport == TRANSPORT_TLS ? SIP_PORT_TLS : SIP_PORT);
	(void)nexthops_alias(flows_nexthops(server->flows), flow, &addr);
}
