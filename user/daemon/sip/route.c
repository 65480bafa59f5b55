// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops.
 */
#include "sip/route.h"

#include <string.h>

#include "sip/message.h"

/* How well a route fits, 0 if it does not: the domain, or the longest number. */
static size_t route_fits(const struct config_route *route, const struct sip_msg *msg, bool local)
{
	const struct pl *user = &msg->uri.user;
	const size_t len = strlen(route->match);

	if (!strcmp(route->match, "*"))
		return 1;
	if (route->match[0] == '@')
		return !local && !pl_strcasecmp(&msg->uri.host, route->match + 1) ? SIZE_MAX : 0;
	return local && user->l >= len && !memcmp(user->p, route->match, len) ? len + 1 : 0;
}

const struct config_route *route_find(const struct server *server, const struct sip_msg *msg,
				      bool local)
{
	const struct config_route *best = NULL;
	size_t fits, most = 0;
	struct le *le;

	LIST_FOREACH(&server->config->routes, le) {
		fits = route_fits(le->data, msg, local);
		if (fits > most) {
			most = fits;
			best = le->data;
		}
	}

	return best;
}

int route_target(const struct server *server, const struct config_route *route,
		 const struct sip_msg *msg, bool local, struct forward_target *target, char **uri)
{
	int err;

	*uri = NULL;
	target->out.remote = route->addr;
	target->out.listener = flows_choose(server->flows, sa_af(&route->addr), route->realm);
	if (!target->out.listener)
		return ENETUNREACH;
	if (!local)
		return 0;

	err = re_sdprintf(uri, "sip:%r@%H", &msg->uri.user, sa_uri_print, &route->addr);
	if (!err)
		pl_set_str(&target->uri, *uri);
	return err;
}

bool route_is_peer(const struct server *server, const struct flow *flow)
{
	struct le *le;

	if (flow->listener->transport != TRANSPORT_UDP)
		return false;

	LIST_FOREACH(&server->config->routes, le) {
		const struct config_route *route = le->data;

		if (sa_cmp(&route->addr, &flow->remote, SA_ALL))
			return true;
	}
	return false;
}
