#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Both address families, and from one to the other: every packet arrives, both
# addresses rewritten, checksums right whoever computes them, DSCP and time to live
# carried over; and streams that are not RTP.

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$(dirname "$0")/star.sh"

packets=200

require jq tcpdump ethtool
require_module
setup_star
setup_star6

# What a family calls the terminals, the relay and a host's prefix length.
declare -A of_a=([4]=$A [6]=$A6) of_b=([4]=$B [6]=$B6)
declare -A at=([4]=$relay [6]="[$relay6]") host=([4]=32 [6]=128)

address() { local plain=${1%:*}; plain=${plain#[}; echo "${plain%]}"; }

# offload ns... on|off: who computes UDP checksums, the device or the sender
offload() {
	local ns
	for ns in "${@:1:$#-1}"; do
		on "$ns" ethtool -K eth0 tx "${!#}" >/dev/null
	done
}

# listens ns port: somebody has a UDP socket there
listens() { on "$1" ss -Hlun "sport = :$2" | grep -q .; }

# talk family-of-a family-of-b type: sets up a stream, lets both send, checks all
talk() {
	local fa=$1 fb=$2 from_a=${of_a[$1]} from_b=${of_b[$2]} side
	check "a stream" stream_add type "$3" timeout-partial 1h timeout-idle 1h \
		a prefix "$(address "$from_a")/${host[$fa]}" window 1h \
		b prefix "$(address "$from_b")/${host[$fb]}" window 1h
	on "$a" rtp -b "$from_a" -d "${at[$fa]}:$port_a" -c 1 -w 0 >/dev/null
	on "$b" rtp -b "$from_b" -d "${at[$fb]}:$port_b" -c 1 -w 0 >/dev/null
	check_eq "state" "$(ctl .state stream show "$stream")" complete

	capture at_b "$b" eth0 "udp and dst port 6000"
	stats_mark
	rm -f "$work/go"
	start a "$a" rtp -b "$from_a" -d "${at[$fa]}:$port_a" -c "$packets" -f 1 -r 200 -g "$work/go" -w 3000
	start b "$b" rtp -b "$from_b" -d "${at[$fb]}:$port_b" -c "$packets" -f 1 -r 200 -g "$work/go" -w 3000
	check "a listens" slowwait 30 listens "$a" 4000
	check "b listens" slowwait 30 listens "$b" 6000
	touch "$work/go"
	await a
	await b
	capture_end at_b
	check_eq "forwarded" "$(since forwarded)" $((2 * packets))
	for side in a b; do
		check_eq "received by $side" "$(heard_by "$side" received)" "$packets"
		check_eq "corrupted for $side" "$(heard_by "$side" corrupt)" 0
		check_eq "time to live at $side" "$(jq -c '[.ttl_least, .ttl_most]' "$work/$side.log")" '[63,63]'
	done
	check_eq "source at a" "$(heard_by a from)" "[\"${at[$fa]}:$port_a\"]"
	check_eq "source at b" "$(heard_by b from)" "[\"${at[$fb]}:$port_b\"]"
	tcpdump -n -vv -r "$work/at_b.pcap" 2>/dev/null >"$work/sums"
	check_eq "good checksums at b" "$(grep -c 'udp sum ok' "$work/sums")" "$packets"
	check "the stream goes" nattravctl stream del "$stream"
}

plan 8

check "an IPv4 pool" nattravctl pool add "$relay" 30000-30999
check "an IPv6 pool" nattravctl pool add "$relay6" 30000-30999

talk 6 6 rtp
log_test "IPv6 to IPv6"
talk 4 6 rtp
log_test "IPv4 to IPv6"
talk 6 4 rtp
log_test "IPv6 to IPv4"

# The sender leaves the checksum to its device: the gateway gets it unfinished, and
# must finish what its own device cannot.
offload "$a" "$b" on
talk 4 6 rtp
talk 6 4 rtp
talk 6 6 rtp
log_test "the same with checksums that the sender has left to the hardware"
offload "$a" "$b" off

talk 4 4 udp
talk 6 4 udp
log_test "streams that are not RTP, latched by their source alone"

refused() { ! nattravctl stream add "$@"; }
check "no RTCP for what is not RTP" refused type udp rtcp
check "no prefixes of two families in one leg" refused a prefix 2001:db8::/64 prefix 10.0.0.0/8
check "no IPv6 peer on an IPv4 leg" refused a family ipv4 peer "$A6"
log_test "what cannot be is refused"

check_sum
log_test "the sum is right"

dmesg_check
finish
