#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The controller dies in mid-call. The kernel holds the call; a new controller
# finds it again and ends it.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

require baresip jq nft conntrack ethtool tcpdump
require_module
setup_rig
nat_timeouts "$nat_a" 10
nat_timeouts "$nat_b" 10
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

# What must not change: who talks to whom through which ports. RTCP may complete at
# any time, for the phones begin with it late.
table() {
	ctl '[.[] | {id, call, cookie, type, tied, ports: [."leg-a", ."leg-b" | ."local-port"]}
		+ if .type == "rtp" then {state, peers: [."leg-a", ."leg-b" |
			"\(."peer-ipv4"):\(."peer-port")"]} else {} end] | tostring' stream list
}

# RTP sequence numbers of a capture, in order.
sequences() {
	local sequence
	# 0x0010: the last four octets of an IP header without options, the UDP
	# header, the first four octets of RTP
	while read -r sequence; do
		echo $((16#$sequence))
	done < <(tcpdump -n -x -r "$work/$1.pcap" 2>/dev/null | awk '$1 == "0x0010:" { print $9 }')
}

# missing sent heard: packets of one capture that are not in the other, though those
# before and after are. A phone on a busy machine may skip a number by itself.
missing() {
	sequences "$1" >"$work/sent"
	sequences "$2" >"$work/heard"
	comm -23 <(sed -n "/^$(head -n 1 "$work/heard")$/,/^$(tail -n 1 "$work/heard")$/p" "$work/sent" |
		sort -u) <(sort -u "$work/heard") | wc -l
}

plan 6

phone alice "$lan_a" 400 manual "$keeping_alive"
phone bob "$lan_b" 1000 auto "$keeping_alive"
for user in alice bob; do
	check "$user registers" registered "$user"
done
dial alice bob
check "the call is established" established alice
check "the stream completes" slowwait 30 rtp_complete
log_test "a call is up"

before=$(table)
port_a=$(rtp_stream '."leg-a"."local-port"')
port_b=$(rtp_stream '."leg-b"."local-port"')
capture at_alice "$lan_a" eth0 "udp src port $port_a"
capture at_bob "$lan_b" eth0 "udp src port $port_b"
capture of_alice "$lan_a" eth0 "udp dst port $port_a"
capture of_bob "$lan_b" eth0 "udp dst port $port_b"
nattravctl --json stats >"$work/stats"
sleep 1
kill -KILL "${pid_of[nattravd]}"
wait "${pid_of[nattravd]}" 2>/dev/null
unset 'pid_of[nattravd]'
sleep 4
check "nattravd is gone" not sip_port_open
check_eq "the table without a controller" "$(table)" "$before"
log_test "nattravd is killed; the table stays"

start_nattravd
check_err $? "nattravd does not start again"
sleep 2
check_eq "the table after the restart" "$(table)" "$before"
check "nattravd tells of the call" logged nattravd 'restored from .* 1 calls?'
log_test "started again, it finds the call and leaves it as it is"

capture_end at_alice at_bob of_alice of_bob
check_eq "packets that tcpdump missed" \
	"$(cat "$work"/at_*.log "$work"/of_*.log | grep 'dropped by kernel' | grep -cv '^0 ')" 0
for pair in "bob alice" "alice bob"; do
	read -r from to <<<"$pair"
	check_eq "packets of $from that $to did not hear" "$(missing "of_$from" "at_$to")" 0
	check_ge "RTP that $to heard" "$(wc -l <"$work/heard")" 300
done
[ "$RET" -eq 0 ] || nattravctl --json stats | diff "$work/stats" - | sed 's/^/# /'
log_test "not one packet of the call was lost meanwhile"

phone_do alice /hangup
check "the BYE removes the streams" slowwait 30 no_streams
check "Bob's phone took the BYE" logged bob 'BYE sip:bob'
log_test "the BYE finds its way and removes the streams"

stop alice bob nattravd
dmesg_check
finish
