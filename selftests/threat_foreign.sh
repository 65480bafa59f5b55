#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# To whom the relay must never send, whoever asks for it: to this host, to many,
# to nobody, in any spelling; to itself, or to a relay that sends it back.

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

require jq tcpdump
require_module
setup_star
setup_star6
plan 7
check "pool" nattravctl pool add "$relay" 30000-30099
check "pool" nattravctl pool add "$relay6" 30000-30099

refused() {
	nattravctl stream add "$@" >"$work/refusal" 2>&1 && return 1
	grep -q 'no peer can have this address' "$work/refusal"
}

for peer in 0.0.0.0 0.1.2.3 127.0.0.1 127.255.255.254 169.254.169.254 224.0.0.1 239.255.255.250 \
	240.0.0.1 255.255.255.255 203.0.113.255 203.0.113.1 198.51.100.1; do
	check "$peer is refused" refused a peer "$peer:5060"
done
log_test "IPv4: no loopback, link-local, multicast, broadcast, reserved, own address as a peer"

for peer in :: ::1 fe80::1 febf::1 ff02::1 ff0e::1 ::ffff:127.0.0.1 ::ffff:203.0.113.10 ::7f00:1 \
	::198.51.100.11 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:e000:1::1 64:ff9b::7f00:1 \
	64:ff9b::255.255.255.255 64:ff9b::169.254.169.254 2001:db8:a::1 2001:db8:b::1; do
	check "$peer is refused" refused a peer "[$peer]:5060"
done
check_eq "streams" "$(ctl length stream list)" 0
log_test "IPv6: nor any of these spelt as IPv6"

# The same addresses as the source of a packet, to legs that take any.
check "stream" stream_add a prefix any window 3600 probation 1
stats_mark
for source in 0.0.0.1 127.0.0.1 169.254.1.1 240.0.0.1 203.0.113.1 203.0.113.255; do
	on "$x" rawudp "$source" 5060 "$relay" "$port_a"
done
check "stream" stream_add a family ipv6 prefix any window 3600 probation 1
for source in fe80::5 2002:7f00:1::1 64:ff9b::7f00:1 2001:db8:a::1 ::7f00:1; do
	on "$x" rawudp "$source" 5060 "$relay6" "$port_a"
done
check_eq "peers" "$(ctl '[.. | objects | select(has("peer-port"))] | length' stream list)" 0
check_eq "forwarded" "$(since forwarded)" 0
check_ge "dropped as bad-source" "$(since drop.bad-source)" 8
log_test "nor does a packet with such a source complete a leg that takes any"

# --- Loops ------------------------------------------------------------------------------

check "own relay port in use" refused a peer "$relay:30000" b peer "$relay:30002"
check "own relay port, not in use" refused a peer "$relay:30098"
check "own address, no relay port" refused a peer "$relay:9"
check "own address on the other side" refused a peer "198.51.100.1:30000"
check "own IPv6 relay port" refused a peer "[$relay6]:30000"
log_test "the relay's own ports and addresses are refused as a peer"

# A stream cannot be pointed at them later either.
check "stream" stream_add a prefix any window 3600 b peer "$B"
change() {
	nattravctl stream set "$stream" a peer "$1" >"$work/refusal" 2>&1 && return 1
	grep -q 'no peer can have this address' "$work/refusal"
}
check "set to a relay port" change "$relay:$port_b"
check "set to loopback" change 127.0.0.1:1
check_eq "peer of leg a" "$(peer a)" null:null
log_test "nor can a leg be moved there"

# Two relays that take each other for terminals: each packet goes round until its
# time to live is up, and one packet goes round alone.
relay2=203.0.113.10
# a realm of its own, or a stream of those above may have got the port
check "pool" nattravctl pool add "$relay" 31000-31099 realm loop
check "pool of the other relay" on "$a" "$top/build/nattravctl" pool add "$relay2" 31000-31099
check "stream" nattravctl stream add a local "$relay:31050" peer "$relay2:31050" \
	b local "$relay:31052" peer "$relay2:31052"
check "stream of the other relay" on "$a" "$top/build/nattravctl" stream add \
	a local "$relay2:31050" peer "$relay:31050" b local "$relay2:31052" peer "$relay:31052"
other() { on "$a" "$top/build/nattravctl" --json stats | jq "$1"; }
stats_mark
on "$x" rawudp -c 10 "$relay2" 31050 "$relay" 31050
quiet() {
	local one two
	one=$(since forwarded)
	sleep 1
	two=$(since forwarded)
	[ "$one" = "$two" ]
}
check "it ends" slowwait 30 quiet
here=$(since forwarded) there=$(other .forwarded)
check_ge "relayed here" "$here" 300
check "relayed $here times here and $there times there, not more than 640" \
	[ $((here + there)) -le 640 ]
check_eq "dropped as ttl" $(($(since drop.ttl) + $(other .drop.ttl))) 10
check_sum
log_test "two relays that point at each other: 10 packets, each ends with its time to live"

dmesg_check
finish
