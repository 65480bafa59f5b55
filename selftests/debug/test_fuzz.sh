#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 3600
#
# T-C6 and the packets that no terminal would send: mutated requests, mutated packets,
# both at once at the end, each for a third of DEBUG_SECONDS. DEBUG_SEED repeats a run.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require nlfuzz pktfuzz
require_module
plan 4

seconds=$((${DEBUG_SECONDS:-600} / 3))
seed=${DEBUG_SEED:-$((RANDOM * 32768 + RANDOM + 1))}
say "seed $seed, $seconds seconds each"

gw='' term='' # set by setup_ns
setup_ns gw term
for ns in "$gw" "$term"; do
	on "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0
done
ip -n "$gw" link add eth0 type veth peer name eth0 netns "$term"
for side in "$gw 1" "$term 10"; do
	read -r ns host <<<"$side"
	ip -n "$ns" address add "203.0.113.$host/24" dev eth0
	ip -n "$ns" link set eth0 up
	ip -n "$ns" address add "2001:db8:1::$host/64" dev eth0 nodad
done
mac=$(on "$gw" cat /sys/class/net/eth0/address)

# The peers need no neighbour discovery; fuzz may have hit that, too.
term_mac=$(on "$term" cat /sys/class/net/eth0/address)
ip -n "$gw" neigh replace 203.0.113.10 lladdr "$term_mac" nud permanent dev eth0
ip -n "$gw" neigh replace 2001:db8:1::10 lladdr "$term_mac" nud permanent dev eth0

run() {
	local name=$1
	shift
	on "$gw" "$@" >"$work/$name.log" 2>&1
	check_err $? "$name ended with $?"
	sed 's/^\(# \)\?/# /' "$work/$name.log"
}

run nlfuzz nlfuzz "$seed" "$seconds"
log_test "mutated requests: refused ones change nothing, proper ones are served"

run pktfuzz pktfuzz "$seed" "$seconds" "/run/netns/$term" eth0 "$mac"
log_test "mutated packets: relayed to peers only, sums right, each one counted"

# Both at once: the table changes under the packets, so that only the kernel's own
# checks can tell right from wrong.
start pktfuzz2 "$gw" pktfuzz "$seed" "$seconds" "/run/netns/$term" eth0 "$mac" beside
slowwait 5 not no_streams
on "$gw" nlfuzz "$((seed + 1))" "$seconds" beside >"$work/nlfuzz2.log" 2>&1
check_err $? "nlfuzz ended with $?"
say "$(tail -n 1 "$work/nlfuzz2.log")"
await pktfuzz2
sed 's/^\(# \)\?/# /' "$work/pktfuzz2.log"
check "sums and lengths are right, each one is counted" not grep -qE 'bad|counted' "$work/pktfuzz2.log"
log_test "mutated requests and packets at once"

cleanup_all_ns
dmesg_check
finish
