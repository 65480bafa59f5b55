# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The rig of the tests that need no NAT, for both address families. Source it after
# lib.sh.
#
#   a 203.0.113.10  2001:db8:a::10 ---- 203.0.113.1
#                                          gateway    relays on 203.0.113.1
#   b 198.51.100.11 2001:db8:b::11 --- 198.51.100.1   and 2001:db8:a::1
#   x 192.0.2.66    2001:db8:c::66 ------ 192.0.2.1
#
# A program started in one guest under emulation may take a second, so a window in
# which legs may complete, or a time-out, must not be what ends a test.

# shellcheck disable=SC2034,SC2154 # for the scripts that source this; $work is of lib.sh

relay=203.0.113.1
relay6=2001:db8:a::1
A=203.0.113.10:4000
B=198.51.100.11:6000
X=192.0.2.66:5000
A6="[2001:db8:a::10]:4000"
B6="[2001:db8:b::11]:6000"
X6="[2001:db8:c::66]:5000"

# the namespaces, and what stream_add made
a='' b='' x='' gw=''
stream='' port_a='' port_b=''

# ipv6 ns dev address: no DAD, no router wanted
ipv6() {
	on "$1" sysctl -qw net.ipv6.conf."$2".disable_ipv6=0 net.ipv6.conf."$2".accept_dad=0 \
		net.ipv6.conf."$2".router_solicitations=0
	ip -n "$1" address add "$3/64" dev "$2" nodad
}

setup_star() {
	setup_ns a b x gw
	setup_gateway "$gw"
	link "$gw" side_a 203.0.113.1/24 "$a" eth0 203.0.113.10/24
	link "$gw" side_b 198.51.100.1/24 "$b" eth0 198.51.100.11/24
	link "$gw" side_x 192.0.2.1/24 "$x" eth0 192.0.2.66/24
	ip -n "$a" route add default via 203.0.113.1
	ip -n "$b" route add default via 198.51.100.1
	ip -n "$x" route add default via 192.0.2.1
}

setup_star6() {
	ipv6 "$gw" side_a 2001:db8:a::1
	ipv6 "$gw" side_b 2001:db8:b::1
	ipv6 "$gw" side_x 2001:db8:c::1
	ipv6 "$a" eth0 2001:db8:a::10
	ipv6 "$b" eth0 2001:db8:b::11
	ipv6 "$x" eth0 2001:db8:c::66
	ip -n "$a" -6 route add default via 2001:db8:a::1
	ip -n "$b" -6 route add default via 2001:db8:b::1
	ip -n "$x" -6 route add default via 2001:db8:c::1
}

# stream_add words...: as for nattravctl, with long time-outs; sets $stream, $port_a and $port_b
stream_add() {
	local made
	made=$(nattravctl --json stream add timeout-partial 1h timeout-idle 1h "$@") || return
	read -r stream port_a port_b < <(jq -r '
		[.. | objects | select(has("leg-a"))][0] |
		"\(.id) \(."leg-a"."local-port") \(."leg-b"."local-port")"' <<<"$made")
}

# leg side key [stream]
leg() { ctl ".\"leg-$1\".\"$2\"" stream show "${3-$stream}"; }

# peer side [stream]: as ADDRESS:PORT, or null:null
peer() { ctl ".\"leg-$1\" | \"\\(.\"peer-ipv4\" // .\"peer-ipv6\"):\\(.\"peer-port\")\"" \
	stream show "${2-$stream}"; }

# stats_mark, then: since forwarded, or since drop.ttl, ...
stats_mark() { nattravctl --json stats >"$work/mark"; }
since() {
	local key=$1
	case $key in
	drop.*) key="drop.\"${key#drop.}\"" ;;
	esac
	nattravctl --json stats | jq --slurpfile mark "$work/mark" ".$key - (\$mark[0] | .$key)"
}

# heard name key: of an rtp that has ended
heard_by() { jq -c ".$2" "$work/$1.log"; }
