// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor: look at everything that keeps calls from working, and say what to do.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "ctl.h"
#include "host.h"
#include "media/snapshot.h"

/* Legs that are named; the rest is counted. */
#define LEGS_NAMED 10

enum verdict {
	GOOD,
	NOTE, /* may be meant, or passes by itself */
	WRONG,
};

/**
 * struct doctor - an examination under way
 * @ctl: the run
 * @findings: for JSON
 * @wrong: findings of this kind
 * @pools: the pools
 * @pool_count: how many
 * @legs_outside: legs that hear somebody outside their prefixes
 * @legs_foreign: complete legs that hear somebody else
 */
struct doctor {
	struct ctl *ctl;
	json_t *findings;
	size_t wrong;
	struct nattrav_pool *pools;
	size_t pool_count;
	size_t legs_outside;
	size_t legs_foreign;
};

/* Below the text of a finding. */
#define INDENT "\n                  "

/* A program that reads JSON lays out its lines by itself. */
static void lines_join(char *text)
{
	char *at;

	while ((at = strstr(text, INDENT)) != NULL) {
		*at = ' ';
		memmove(at + 1, at + strlen(INDENT), strlen(at + strlen(INDENT)) + 1);
	}
}

/* @about is the check; the rest is a sentence, with what to do about it. */
__attribute__((format(printf, 4, 5))) static void say(struct doctor *doctor, enum verdict verdict,
						      const char *about, const char *format, ...)
{
	static const char *const words[] = { "good", "note", "wrong" };
	static const char *const colors[] = { "", "\033[33m", "\033[31m" };
	const bool tty = isatty(STDOUT_FILENO);
	char *text;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vasprintf(&text, format, ap);
	va_end(ap);
	if (len < 0)
		return;
	doctor->wrong += verdict == WRONG;
	if (doctor->ctl->json)
		lines_join(text);
	if (doctor->ctl->json)
		json_array_append_new(doctor->findings,
				      json_pack("{s:s, s:s, s:s}", "check", about, "verdict",
						words[verdict], "text", text));
	else
		printf("%s%-5s%s  %-10s %s\n", tty ? colors[verdict] : "", words[verdict],
		       tty ? "\033[0m" : "", about, text);
	free(text);
}

/* ---- the module */

static bool module_installed(const char *release)
{
	static const char *const places[] = {
		"updates/nattrav.ko", "updates/dkms/nattrav.ko", "updates/dkms/nattrav.ko.xz",
		"extra/nattrav.ko",   "extra/nattrav.ko.xz",
	};
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "/lib/modules/%s/%s", release, places[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

static void module_missing(struct doctor *doctor)
{
	struct utsname name;

	if (uname(&name))
		memcpy(name.release, "?", 2);
	if (module_installed(name.release))
		say(doctor, WRONG, "module",
		    "nattrav is installed but not loaded: run \"modprobe nattrav\"; if that is refused," INDENT
		    "look at dmesg (with Secure Boot a module must be signed)");
	else
		say(doctor, WRONG, "module",
		    "nattrav is not loaded, nor installed for this kernel, %s: insmod nattrav.ko, or after a" INDENT
		    "kernel upgrade \"dkms autoinstall\"",
		    name.release);
}

/* A nattravd that needs no module; whether there is one. */
static bool check_other_datapath(struct doctor *doctor)
{
	struct snapshot *snapshot;
	bool other;

	if (ctl_snapshot_get(&snapshot))
		return false;
	other = strcmp(snapshot->datapath, "module") != 0;
	if (other) {
		say(doctor, NOTE, "module",
		    "is not loaded; nattravd relays by %s instead, which does less: \"nattravctl status\"",
		    snapshot->datapath);
		if (snapshot->trouble[0])
			say(doctor, WRONG, snapshot->datapath, "%s", snapshot->trouble);
		else
			say(doctor, GOOD, snapshot->datapath,
			    "nattravd finds this host in order; %" PRIu64 " packets came so far",
			    snapshot->info.received);
	}
	free(snapshot);
	return other;
}

static bool check_module(struct doctor *doctor, struct nattrav_info *info)
{
	int err = nattrav_open(&doctor->ctl->handle);

	if (err == -ENOENT) {
		if (!check_other_datapath(doctor))
			module_missing(doctor);
		return false;
	}
	if (!err)
		err = nattrav_info_get(doctor->ctl->handle, info);
	if (err) {
		say(doctor, WRONG, "module", "cannot be asked: %s%s", strerror(-err),
		    err == -EPERM ? "; this needs CAP_NET_ADMIN: run it as root, or with sudo" :
				    "");
		return false;
	}
	if (!strcmp(info->version, NATTRAV_VERSION))
		say(doctor, GOOD, "module", "nattrav %s is loaded, of the version of this tool",
		    info->version);
	else
		say(doctor, WRONG, "module",
		    "nattrav %s is loaded, but this tool is of version " NATTRAV_VERSION ":" INDENT
		    "\"nattravctl save\", load the other module, \"nattravctl restore\"",
		    info->version);
	return true;
}

/* ---- the pools */

static int pool_keep(const struct nattrav_pool *pool, void *arg)
{
	struct doctor *doctor = arg;
	struct nattrav_pool *more;

	more = realloc(doctor->pools, (doctor->pool_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	doctor->pools = more;
	doctor->pools[doctor->pool_count++] = *pool;
	return 0;
}

static void check_pools(struct doctor *doctor, const struct nattrav_info *info)
{
	size_t i, remote = 0;
	char addr[CTL_TEXT_SIZE];

	if (!doctor->pool_count) {
		say(doctor, WRONG, "pools",
		    "there is none, so nothing is relayed in this network namespace: \"nattravctl pool add\"," INDENT
		    "or is nattravd not running?");
		return;
	}
	say(doctor, GOOD, "hooks", "in place; %" PRIu64 " packets came to relay addresses so far",
	    info->received);
	for (i = 0; i < doctor->pool_count; i++) {
		if (ctl_addr_is_local(&doctor->pools[i].addr) != 0)
			continue;
		remote++;
		say(doctor, WRONG, "pools",
		    "%s of pool %" PRIu32 " is no address of this host (any more):" INDENT
		    "give it to a link again, \"ip address add\", or take the pool away",
		    ctl_addr_text(&doctor->pools[i].addr, addr), doctor->pools[i].id);
	}
	if (!remote)
		say(doctor, GOOD, "pools", "all %zu relay addresses are local", doctor->pool_count);
	for (i = 0; i < doctor->pool_count; i++) {
		const struct nattrav_pool *pool = &doctor->pools[i];
		const uint32_t ports = (uint32_t)(pool->port_max - pool->port_min + 1);

		if ((uint64_t)(pool->legs + pool->resting) * 10 >= (uint64_t)ports * 8)
			say(doctor, pool->legs + pool->resting >= ports ? WRONG : NOTE, "pools",
			    "pool %" PRIu32 " has %" PRIu32 " of %" PRIu32
			    " ports in use, and %" PRIu32 " that rest: give it a wider range",
			    pool->id, pool->legs, ports, pool->resting);
	}
}

static const struct nattrav_pool *pool_find(const struct doctor *doctor,
					    const struct nattrav_endpoint *at, bool exactly)
{
	static const struct in6_addr any;
	size_t i;

	for (i = 0; i < doctor->pool_count; i++) {
		const struct nattrav_pool *pool = &doctor->pools[i];

		if (at->port < pool->port_min || at->port > pool->port_max)
			continue;
		/* A socket of the IPv6 wildcard hears IPv4 as well. */
		if (!exactly && at->addr.family == AF_INET6 &&
		    !memcmp(&at->addr.v6, &any, sizeof(any)))
			return pool;
		if (at->addr.family != pool->addr.family)
			continue;
		if (at->addr.family == AF_INET6 ?
			    !memcmp(&at->addr.v6, &pool->addr.v6, sizeof(any)) :
			    at->addr.v4.s_addr == pool->addr.v4.s_addr ||
				    (!exactly && at->addr.v4.s_addr == INADDR_ANY))
			return pool;
	}
	return NULL;
}

static size_t sockets_check(struct doctor *doctor, const char *path, bool ipv6)
{
	FILE *file = fopen(path, "re");
	struct nattrav_endpoint local;
	const struct nattrav_pool *pool;
	char *line = NULL, at[CTL_TEXT_SIZE];
	size_t size = 0, found = 0;

	/* No IPv6 here. */
	if (!file)
		return 0;
	while (getline(&line, &size, file) >= 0) {
		if (!ctl_socket_parse(line, ipv6, &local))
			continue;
		pool = pool_find(doctor, &local, false);
		if (!pool || ++found > LEGS_NAMED)
			continue;
		say(doctor, WRONG, "sockets",
		    "a socket holds %s, a port of pool %" PRIu32 ": it hears nothing," INDENT
		    "since the relay takes all packets to it; \"ss -ulpn sport = :%u\" tells whose it is",
		    ctl_endpoint_text(&local, at), pool->id, local.port);
	}
	free(line);
	fclose(file);
	return found;
}

static void check_sockets(struct doctor *doctor)
{
	size_t found = sockets_check(doctor, "/proc/net/udp", false) +
		       sockets_check(doctor, "/proc/net/udp6", true);

	if (!found)
		say(doctor, GOOD, "sockets", "none holds a port of a pool");
}

/* ---- what else wants these ports */

static bool line_read(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	bool good;

	if (!file)
		return false;
	good = fgets(text, (int)size, file) || feof(file);
	fclose(file);
	return good;
}

/* A list of single ports can be long. */
#define RESERVED_SIZE 524288

static void check_reserved(struct doctor *doctor)
{
	struct ctl_ports *reserved = calloc(1, sizeof(*reserved));
	char range[CTL_TEXT_SIZE] = "", *text = calloc(1, RESERVED_SIZE);
	size_t i, missing = 0;
	uint16_t first, last;
	uint32_t port;

	if (!reserved || !text ||
	    !line_read("/proc/sys/net/ipv4/ip_local_reserved_ports", text, RESERVED_SIZE) ||
	    !line_read("/proc/sys/net/ipv4/ip_local_port_range", range, sizeof(range)) ||
	    !ctl_ports_parse(text, reserved) || !ctl_port_range_parse(range, &first, &last)) {
		say(doctor, NOTE, "ports", "the sysctls of local ports cannot be read");
		goto out;
	}
	for (i = 0; i < doctor->pool_count; i++) {
		const struct nattrav_pool *pool = &doctor->pools[i];

		for (port = pool->port_min; port <= pool->port_max; port++) {
			if (port >= first && port <= last &&
			    !ctl_ports_has(reserved, (uint16_t)port))
				break;
		}
		if (port > pool->port_max)
			continue;
		missing++;
		text[strcspn(text, "\n")] = '\0';
		say(doctor, WRONG, "ports",
		    "sockets may be given ports of pool %" PRIu32
		    ", since they lie in ip_local_port_range:" INDENT
		    "sysctl -w net.ipv4.ip_local_reserved_ports=%s%s%u-%u",
		    pool->id, text, text[0] ? "," : "", pool->port_min, pool->port_max);
	}
	if (!missing)
		say(doctor, GOOD, "ports", "those of the pools are not given to sockets");
out:
	free(reserved);
	free(text);
}

static void check_conntrack(struct doctor *doctor)
{
	FILE *file = fopen("/proc/net/nf_conntrack", "re");
	struct nattrav_endpoint source, to;
	char *line = NULL, at[CTL_TEXT_SIZE];
	size_t size = 0, found = 0;

	if (!file) {
		if (access("/proc/sys/net/netfilter/nf_conntrack_count", F_OK))
			say(doctor, GOOD, "conntrack", "is not loaded");
		else
			say(doctor, NOTE, "conntrack",
			    "cannot be read here; \"conntrack -L -p udp\" must show no media");
		return;
	}
	while (getline(&line, &size, file) >= 0) {
		if (ctl_tracked_parse(line, &source, &to) && pool_find(doctor, &to, true) &&
		    !found++)
			say(doctor, NOTE, "conntrack",
			    "knows UDP to %s: it must not see media, unless this is from before the pool;" INDENT
			    "does it not go away within minutes, this is a mistake of nattrav",
			    ctl_endpoint_text(&to, at));
	}
	if (!found)
		say(doctor, GOOD, "conntrack", "sees no media");
	free(line);
	fclose(file);
}

/* What rewrites SIP on its way spoils it for a controller. */
static void check_helpers(struct doctor *doctor)
{
	static const char *const helpers[] = { "nf_nat_sip", "nf_conntrack_sip" };
	FILE *file = fopen("/proc/modules", "re");
	char *line = NULL;
	size_t size = 0, i;

	if (!file)
		return;
	while (getline(&line, &size, file) >= 0) {
		for (i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
			if (ctl_module_parse(line, helpers[i]))
				say(doctor, NOTE, "sip",
				    "%s is loaded: if a rule uses it here, it rewrites SIP; rmmod %s",
				    helpers[i], helpers[i]);
		}
	}
	free(line);
	fclose(file);
}

/* ---- the streams */

static void leg_outside(struct doctor *doctor, const struct nattrav_stream *stream, int side)
{
	const struct nattrav_leg *leg = &stream->leg[side];
	char from[CTL_TEXT_SIZE], had[CTL_TEXT_SIZE] = "", call[CTL_CALL_SIZE], addr[CTL_TEXT_SIZE];
	char keep[CTL_TEXT_SIZE + 16] = "";

	if (++doctor->legs_outside > LEGS_NAMED)
		return;
	ctl_clean_text(stream->call, call, sizeof(call));
	if (leg->prefixes) {
		ctl_prefix_text(&leg->prefix[0], had);
		snprintf(keep, sizeof(keep), "prefix %s ", had);
	}
	say(doctor, WRONG, "prefix",
	    "stream %" PRIu32 "%s%s leg %s waits for its terminal within %s, but hears %" PRIu64
	    " packets from %s." INDENT "If that is the terminal: nattravctl stream set %" PRIu32
	    " %s %sprefix %s" INDENT "and let its controller give such terminals a wider prefix",
	    stream->id, call[0] ? ", call " : "", call, side == NATTRAV_SIDE_A ? "a" : "b", had,
	    leg->intruder_packets, ctl_endpoint_text(&leg->intruder, from), stream->id,
	    side == NATTRAV_SIDE_A ? "a" : "b", keep, ctl_addr_text(&leg->intruder.addr, addr));
}

static int stream_check(const struct nattrav_stream *stream, void *arg)
{
	struct doctor *doctor = arg;
	int side;

	for (side = NATTRAV_SIDE_A; side <= NATTRAV_SIDE_B; side++) {
		const struct nattrav_leg *leg = &stream->leg[side];

		if (!leg->intruder_packets)
			continue;
		if (leg->peer.addr.family)
			doctor->legs_foreign++;
		else if (stream->type != NATTRAV_STREAM_TYPE_RTCP)
			leg_outside(doctor, stream, side);
	}
	return 0;
}

static void check_streams(struct doctor *doctor)
{
	if (nattrav_stream_dump(doctor->ctl->handle, NULL, stream_check, doctor)) {
		say(doctor, WRONG, "streams", "cannot be read: %s",
		    nattrav_strerror(doctor->ctl->handle));
		return;
	}
	if (doctor->legs_outside > LEGS_NAMED)
		say(doctor, WRONG, "prefix", "and %zu more legs like these",
		    doctor->legs_outside - LEGS_NAMED);
	if (!doctor->legs_outside)
		say(doctor, GOOD, "prefix",
		    "no leg waits for a terminal that is outside its prefixes");
	if (doctor->legs_foreign)
		say(doctor, NOTE, "intruders",
		    "%zu complete legs hear somebody else, who is dropped; \"nattravctl top\" shows them." INDENT
		    "A terminal whose NAT gave it another port needs \"relatch rebind\"",
		    doctor->legs_foreign);
}

static void examine(struct doctor *doctor)
{
	struct nattrav_info info;

	if (!check_module(doctor, &info))
		return;
	if (nattrav_pool_dump(doctor->ctl->handle, pool_keep, doctor)) {
		say(doctor, WRONG, "pools", "cannot be read: %s",
		    nattrav_strerror(doctor->ctl->handle));
		return;
	}
	check_pools(doctor, &info);
	if (doctor->pool_count) {
		check_sockets(doctor);
		check_reserved(doctor);
		check_conntrack(doctor);
	}
	check_helpers(doctor);
	check_streams(doctor);
}

int ctl_doctor(struct ctl *ctl, struct ctl_words words)
{
	struct doctor doctor = { .ctl = ctl };
	int status = CTL_OK;

	if (words.count)
		return ctl_usage(ctl, "unknown word \"%s\"", words.word[0]);
	doctor.findings = json_array();
	examine(&doctor);
	if (ctl->json)
		status = ctl_json_print(ctl, doctor.findings, JSON_INDENT(2));
	else
		json_decref(doctor.findings);
	free(doctor.pools);
	return doctor.wrong ? CTL_FAILED : status;
}
