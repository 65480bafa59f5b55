#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nattrav.ko by itself: streams made with nattravctl, no SIP and no NAT.
#
#   a 203.0.113.10 ------- 203.0.113.1
#                             gateway   203.0.113.1 is the relay address
#   b 198.51.100.11 ----- 198.51.100.1
#   x 192.0.2.66 ----------- 192.0.2.1

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

relay=203.0.113.1
A=203.0.113.10:4000
B=198.51.100.11:6000
X=192.0.2.66:5000
packets=10000

require jq tcpdump nft conntrack ethtool
require_module
# names of namespaces, set by setup_ns
a='' b='' x='' gw='' other=''
setup_ns a b x gw other
setup_gateway "$gw"
link "$gw" side_a 203.0.113.1/24 "$a" eth0 "${A%:*}/24"
link "$gw" side_b 198.51.100.1/24 "$b" eth0 "${B%:*}/24"
link "$gw" side_x 192.0.2.1/24 "$x" eth0 "${X%:*}/24"
ip -n "$a" route add default via 203.0.113.1
ip -n "$b" route add default via 198.51.100.1
ip -n "$x" route add default via 192.0.2.1

# What each terminal does with the stream that it is in.
rtp_a() { on "$a" rtp -b "$A" -d "$relay:$port_a" "$@"; }
rtp_b() { on "$b" rtp -b "$B" -d "$relay:$port_b" "$@"; }
leg() { ctl ".\"leg-$1\".$2" stream show "$stream"; }
peer() { leg "$1" '"peer-ipv4" // "none"' | tr -d '\n' && echo ":$(leg "$1" '"peer-port" // "none"')"; }

# both_talk packets rate: both terminals at once; reports in a.log and b.log
both_talk() {
	start a "$a" rtp -b "$A" -d "$relay:$port_a" -c "$1" -r "$2" -D 1000 -w 2000
	start b "$b" rtp -b "$B" -d "$relay:$port_b" -c "$1" -r "$2" -D 1000 -w 2000
}

# report_check side what-was-sent expected-source
report_check() {
	local side=$1 sent=$2 source=$3 log=$work/$1.log
	check_eq "received by $side" "$(jq .received "$log")" "$sent"
	check_eq "lost for $side" "$(jq .lost "$log")" 0
	check_eq "doubled for $side" "$(jq .doubles "$log")" 0
	check_eq "corrupted for $side" "$(jq .corrupt "$log")" 0
	check_eq "time to live at $side" "$(jq -c '[.ttl_least, .ttl_most]' "$log")" '[63,63]'
	check_eq "source at $side" "$(jq -c .from "$log")" "[\"$source\"]"
}

plan 14

check "pool" nattravctl pool add "$relay" 30000-30099
check "stream" nattravctl stream add call relay rtcp \
	a prefix "${A%:*}/32" pt 0,8 window 10m b prefix "${B%:*}/32" pt 0,8 window 10m
stream=$(ctl '.[] | select(.type == "rtp") | .id' stream list)
port_a=$(leg a '"local-port"')
port_b=$(leg b '"local-port"')
check_eq "streams" "$(ctl 'length' stream list)" 2
check_eq "partial ones" "$(ctl 'length' stream list state partial)" 2
check_eq "RTCP's port of a" "$(ctl '.[] | select(.type == "rtcp") | ."leg-a"."local-port"' stream list)" \
	$((port_a + 1))
log_test "a stream and its RTCP are installed, both partial"

check_eq "pools elsewhere" "$(on "$other" "$top/build/nattravctl" --json pool list | jq length)" 0
check_eq "streams elsewhere" "$(on "$other" "$top/build/nattravctl" --json stream list | jq length)" 0
log_test "another namespace sees none of it"

start hear_a "$a" rtp -b "$A" -c 0 -w 4000
start hear_b "$b" rtp -b "$B" -c 0 -w 4000
on "$x" rtp -b "$X" -d "$relay:$port_a" -c 10 -w 0 >/dev/null
on "$x" rtp -b "$X" -d "$relay:$port_b" -c 10 -w 0 >/dev/null
await hear_a
await hear_b
check_eq "dropped as outside-prefix" "$(dropped outside-prefix)" 20
check_eq "heard by a" "$(jq .received "$work/hear_a.log")" 0
check_eq "heard by b" "$(jq .received "$work/hear_b.log")" 0
check_eq "peer of leg a" "$(peer a)" none:none
check_eq "peer of leg b" "$(peer b)" none:none
log_test "before completion: nothing from outside the prefix gets through or completes"

rtp_a -p 96 -c 3 -w 0 >/dev/null
on "$a" rawudp -V 1 -c 3 "${A%:*}" 4000 "$relay" "$port_a"
rtp_a -d "$relay:$((port_a + 1))" -R -c 3 -w 0 >/dev/null
check_eq "dropped as payload-type" "$(dropped payload-type)" 3
check_eq "dropped as not-rtp" "$(dropped not-rtp)" 3
check_eq "dropped as rtp-partial" "$(dropped rtp-partial)" 3
check_eq "peer of leg a" "$(peer a)" none:none
log_test "another payload type, no RTP, RTCP before RTP: none completes"

on "$a" rawudp -k -c 3 "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -l 100 "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -l 4 "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -l 1000 "${A%:*}" 4000 "$relay" "$port_a"
check_eq "dropped as bad-checksum" "$(dropped bad-checksum)" 3
check_eq "dropped as bad-length" "$(dropped bad-length)" 3
check_eq "peer of leg a" "$(peer a)" none:none
log_test "a wrong checksum or length: dropped, never completes"

rtp_a -c 1 -w 0 >/dev/null
check_eq "peer of leg a" "$(peer a)" "$A"
check_eq "state" "$(ctl .state stream show "$stream")" partial
check_eq "dropped as peer-partial" "$(dropped peer-partial)" 1
rtp_b -c 1 -w 0 >/dev/null
check_eq "peer of leg b" "$(peer b)" "$B"
check_eq "state" "$(ctl .state stream show "$stream")" complete
log_test "the first packet of each terminal completes its leg"

before=$(ctl .forwarded stats)
# The header is enough to see a length; the whole packet to verify a checksum.
capture at_a "$a" eth0 udp and dst port "${A#*:}"
capture at_b "$b" eth0 udp and dst port "${B#*:}"
both_talk "$packets" 1000
await a
await b
capture_end at_a at_b
report_check a "$packets" "$relay:$port_a"
report_check b "$packets" "$relay:$port_b"
check_eq "forwarded" $(($(ctl .forwarded stats) - before)) $((2 * packets))
log_test "$packets packets each way at 1000/s: none lost, right source, TTL one less"

for side in a b; do
	tcpdump -n -vv -r "$work/at_$side.pcap" 2>/dev/null >"$work/sums"
	check_eq "good checksums at $side" "$(grep -c 'udp sum ok' "$work/sums")" "$packets"
	check_eq "bad checksums at $side" "$(grep -c 'bad udp cksum' "$work/sums")" 0
done
log_test "the checksum of each relayed packet is right"

# The sender leaves the checksum to its device: the gateway gets it unfinished and
# must finish it, for its own device cannot.
on "$a" ethtool -K eth0 tx on >/dev/null
on "$b" ethtool -K eth0 tx on >/dev/null
both_talk 100 100
await a
await b
report_check a 100 "$relay:$port_a"
report_check b 100 "$relay:$port_b"
on "$a" ethtool -K eth0 tx off >/dev/null
on "$b" ethtool -K eth0 tx off >/dev/null
log_test "so is that of a packet that came in with its checksum left to the hardware"

rtp_a -d "$relay:$((port_a + 1))" -R -c 1 -w 0 >/dev/null
rtp_b -d "$relay:$((port_b + 1))" -R -c 1 -w 0 >/dev/null
start a "$a" rtp -R -b "$A" -d "$relay:$((port_a + 1))" -c 20 -r 20 -D 1000
start b "$b" rtp -R -b "$B" -d "$relay:$((port_b + 1))" -c 20 -r 20 -D 1000
await a
await b
report_check a 20 "$relay:$((port_a + 1))"
report_check b 20 "$relay:$((port_b + 1))"
log_test "RTCP is relayed on the next ports"

before=$(dropped wrong-source)
both_talk 100 50
sleep 1
on "$x" rtp -b "$X" -d "$relay:$port_a" -c 20 -w 0 >/dev/null
on "$x" rtp -b "$X" -d "$relay:$port_b" -c 20 -w 0 >/dev/null
# the terminal's own address, another port; the same SSRC in any case
on "$a" rtp -b "${A%:*}:4001" -d "$relay:$port_a" -c 10 -w 0 >/dev/null
await a
await b
report_check a 100 "$relay:$port_a"
report_check b 100 "$relay:$port_b"
check_eq "dropped as wrong-source" $(($(dropped wrong-source) - before)) 50
check_eq "peer of leg a" "$(peer a)" "$A"
check_eq "foreign packets told for leg b" "$(leg b '"intruder-packets"')" 30
log_test "after completion: nothing from any other source gets through"

before=$(dropped ttl)
rtp_a -t 1 -c 5 -w 0 >/dev/null
check_eq "dropped as ttl" $(($(dropped ttl) - before)) 5
log_test "a packet at the end of its life goes no further"

# A firewall that tracks connections, and loses all its rules in mid-call.
on "$gw" nft -f - <<-END
	table inet firewall {
		chain input {
			type filter hook input priority filter
			ct state established,related accept
		}
	}
END
on "$a" ping -q -c 1 "$relay" >/dev/null
both_talk 500 100
sleep 3
tracked=$(on "$gw" conntrack -L 2>/dev/null)
check_eq "connections tracked, ping" "$(grep -c '^icmp' <<<"$tracked")" 1
check_eq "connections tracked, UDP" "$(grep -c '^udp' <<<"$tracked")" 0
on "$gw" nft flush ruleset
await a
await b
report_check a 500 "$relay:$port_a"
report_check b 500 "$relay:$port_b"
check_sum
log_test "conntrack sees no media; flushing the firewall's rules loses none; the sum is right"

dmesg_check
finish
