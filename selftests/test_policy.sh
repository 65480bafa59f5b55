#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a controller can ask of a leg besides its peer: code points, many senders on
# one port, a rebind by several packets; why a leg dropped last.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

require jq tcpdump
require_module
setup_star
setup_star6
plan 7
check "pools" nattravctl pool add "$relay" 30000-30099
check "of IPv6" nattravctl pool add "$relay6" 30000-30099

# --- Code points ----------------------------------------------------------------------

# marked capture TOS: packets in it with this byte, the ECN bits as well
marked() {
	tcpdump -n -r "$work/$1.pcap" "(ip and ip[1] == $2) or
		(ip6 and (ip6[0:2] & 0x0ff0) == $(($2 << 4)))" 2>/dev/null | wc -l
}
# marks_are WORDS EXPECTED: what 20 packets of a, from a host that marks them with
# AF11 and ECT(0), have when b hears them
marks_are() {
	local family=$1 expected=$3 from=$A to=$B
	[ "$family" = ipv4 ] || from=$A6 to=$B6
	check "stream" stream_add call marks a family "$family" peer "$from" b family "$family" peer "$to"
	# shellcheck disable=SC2086 # words
	[ -z "$2" ] || check "set" nattravctl stream set "$stream" $2
	start b "$b" rtp -b "$to" -c 0 -w 8000
	capture marks "$b" eth0 udp and src port "$port_b"
	from=${from%:*}
	on "$a" rawudp -c 20 -r 50 -T 42 "$(tr -d '[]' <<<"$from")" 4000 \
		"$([ "$family" = ipv4 ] && echo "$relay" || echo "$relay6")" "$port_a"
	await b
	capture_end marks
	# a wrong checksum of IP or UDP would not be heard
	check_eq "heard by b ($family, $2)" "$(heard_by b received)" 20
	check_eq "marked $expected ($family, $2)" "$(marked marks "$expected")" 20
	check "deleted" nattravctl stream del call marks
}
# 42 is AF11 (10) and ECT(0); 186 is EF (46) and ECT(0)
marks_are ipv4 "" 42
marks_are ipv4 "b dscp 46" 186
marks_are ipv4 "a dscp 46" 42
marks_are ipv4 "b dscp 0" 2
marks_are ipv6 "" 42
marks_are ipv6 "b dscp 46" 186
log_test "dscp: what is sent to one terminal is marked, the rest and ECN are carried over"

check "stream" stream_add call shown a dscp 46 b
check_eq "shown" "$(leg a dscp) $(leg b dscp)" "46 null"
check "carried again" nattravctl stream set "$stream" a dscp carry
check_eq "shown" "$(leg a dscp)" null
check "63 is the last" nattravctl stream set "$stream" a dscp 63
check "64 is none" not nattravctl stream set "$stream" a dscp 64
check_eq "shown" "$(leg a dscp)" 63
check "deleted" nattravctl stream del --all
log_test "dscp: set, shown, unset"

# --- Many senders ---------------------------------------------------------------------

# 60 packets of each of three senders on one port, turn and turn about
talk_three() {
	local ssrc
	for ssrc in 1 2 3; do
		start "talk$ssrc" "$a" rawudp -r 20 -c 60 -s "$ssrc" -n $((ssrc * 20000)) "${A%:*}" 4000 \
			"$relay" "$port_a"
	done
	for ssrc in 1 2 3; do await "talk$ssrc"; done
}
check "stream" stream_add call many a peer "$A" b peer "$B"
stats_mark
talk_three
dropped=$(since drop.ssrc)
check "with one SSRC: $dropped of 180 dropped, at least 60" [ "$dropped" -ge 60 ]
check_eq "the reason" "$(leg a last-drop)" ssrc
check "deleted" nattravctl stream del --all
check "stream" stream_add call many a many-ssrc on peer "$A" b peer "$B"
check_eq "shown" "$(leg a many-ssrc) $(leg b many-ssrc)" "true null"
stats_mark
talk_three
check_eq "with many: relayed" "$(since forwarded)" 180
check_eq "dropped" "$(since drop.ssrc) $(since drop.sequence)" "0 0"
check_eq "figures of one of them" "$(leg a received) $(leg a lost) $(leg a ssrc-changes)" "60 0 0"
check "off again" nattravctl stream set "$stream" a many-ssrc off
stats_mark
talk_three
check "dropped again: $(since drop.ssrc)" [ "$(since drop.ssrc)" -ge 60 ]
check "deleted" nattravctl stream del --all
log_test "many-ssrc: three senders on one port, and the figures of the first"

# --- Why a leg dropped last -----------------------------------------------------------

check "stream" stream_add call why a prefix "${A%:*}/32" pt 8 b prefix "${B%:*}/32"
check_eq "nothing dropped" "$(leg a last-drop)" null
on "$x" rtp -b "$X" -d "$relay:$port_a" -c 3 -w 0 >/dev/null
check_eq "of X" "$(leg a last-drop)" outside-prefix
on "$a" rtp -b "$A" -d "$relay:$port_a" -c 2 -p 0 -w 0 >/dev/null
check_eq "of a, another payload type" "$(leg a last-drop)" payload-type
check "why" grep -q 'payload type that was not negotiated:' <(nattravctl stream show "$stream")
check "and what to do" grep -q 'stream set ID a pt LIST' <(nattravctl stream show "$stream")
check "as last-drop" grep -q '  last-drop  *payload-type: a partial leg heard' \
	<(nattravctl stream show "$stream")
check "window over" nattravctl stream set "$stream" a window 0
on "$a" rtp -b "$A" -d "$relay:$port_a" -c 1 -p 8 -w 0 >/dev/null
check_eq "of a, too late" "$(leg a last-drop)" window-closed
check_eq "the window's length and rest" "$(leg a window) $(leg a window-left)" "0 0"
check_eq "of b" "$(leg b window)" 30000
check "deleted" nattravctl stream del --all
log_test "stream show tells in words why the last packet was dropped"

# --- Rebind by several packets --------------------------------------------------------

check "stream" stream_add call rebind a prefix "${A%:*}/24" probation 3 relatch rebind b peer "$B"
start speaks "$a" rawudp -c 300 -r 50 "${A%:*}" 4000 "$relay" "$port_a"
is_peer() { [ "$(peer a)" = "$A" ]; }
check "peer" slowwait 20 is_peer
# not while the peer speaks, 2 s of silence are wanted
on "$a" rawudp -c 3 -n 400 "${A%:*}" 4001 "$relay" "$port_a"
check_eq "peer at once" "$(peer a)" "$A"
await speaks
sleep 2.2
on "$a" rawudp -c 2 -n 300 "${A%:*}" 4001 "$relay" "$port_a"
check_eq "peer after two packets" "$(peer a)" "$A"
check_eq "the reason" "$(leg a last-drop)" probation
# a gap: it begins anew
on "$a" rawudp -c 2 -n 310 "${A%:*}" 4001 "$relay" "$port_a"
check_eq "peer after a gap" "$(peer a)" "$A"
on "$a" rawudp -c 1 -n 312 "${A%:*}" 4001 "$relay" "$port_a"
check_eq "peer after three in sequence" "$(peer a)" "${A%:*}:4001"
check "deleted" nattravctl stream del --all
log_test "a rebind wants as many packets in sequence as probation"

# Who else may not take it over; and how often the terminal itself may move.
rebind() { on "$a" rawudp -c 1 "${@:2}" "${A%:*}" "$1" "$relay" "$port_a"; }
check "stream" stream_add call rebind a prefix "${A%:*}/24" pt 0 probation 1 relatch rebind b peer "$B"
on "$a" rawudp -c 10 -r 50 "${A%:*}" 4000 "$relay" "$port_a"
check_eq "peer" "$(peer a)" "$A"
sleep 2.2
on "$x" rawudp -c 1 -n 10 "${X%:*}" 5000 "$relay" "$port_a"
check_eq "peer after one from outside the prefix" "$(peer a)" "$A"
for wrong in '-n 10 -s 5' '-n 9' '-n 8' '-n 546' '-n 10 -p 8'; do
	# shellcheck disable=SC2086 # words
	rebind 4001 $wrong
	check_eq "peer after $wrong" "$(peer a)" "$A"
done
rebind 4001 -n 545
check_eq "peer after -n 545" "$(peer a)" "${A%:*}:4001"
for port in 4002 4003; do
	sleep 2.2
	rebind "$port" -n $((port - 3456))
	check_eq "peer" "$(peer a)" "${A%:*}:$port"
done
sleep 2.2
rebind 4004 -n 548
check_eq "peer after a fourth" "$(peer a)" "${A%:*}:4003"
check "deleted" nattravctl stream del --all
log_test "a rebind: the same sender, a number that follows, three a minute"

dmesg_check
finish
