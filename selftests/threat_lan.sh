#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# An attacker Y who shares the NAT of phone A, as in an office or behind a carrier's
# NAT: to the relay the two have one address. No relay can tell them apart in plain
# RTP. What it can do: make it a matter of luck, say so at once, and let the
# controller set it right. This measures how much luck.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

phone_a=192.168.1.2:4000
phone_y=192.168.2.2:4000
trials=$(full 4 50)

require jq nft conntrack
require_module
setup_rig
y=''
setup_ns y
link "$nat_a" lan_y 192.168.2.1/24 "$y" eth0 192.168.2.2/24
ip -n "$y" route add default via 192.168.2.1
on "$nat_a" nft add rule inet home forward iifname lan_y accept
plan 7
check "pool" nattravctl pool add "$relay" 30000-39999
start monitor "$gw" "$top/build/nattravctl" monitor --json
sleep 1

call() { # probation
	stream_add a prefix 203.0.113.10/32 pt 0 window 3600 probation "$1" b peer 198.51.100.11:6000
}
y_sends() { on "$y" rtp -b "$phone_y" -d "$relay:$port_a" -s 99 -f 1000 -w 0 "$@" >/dev/null; }
a_sends() { on "$lan_a" rtp -b "$phone_a" -d "$relay:$port_a" -w 0 "$@" >/dev/null; }
# the NAT's table has the two by their private addresses
public_port() { # private-address
	on "$nat_a" conntrack -L -p udp --orig-src "$1" --orig-port-dst "$port_a" 2>/dev/null |
		sed -n 's/.* dport=\([0-9]*\) .*/\1/p'
}
told() { jq -c "select(.type == \"$1\" and .stream.id == $stream)" "$work/monitor.log"; }
is_told() { told "$1" | grep -q .; }

# Both send all the time, so that both are there from the moment on in which the leg is
# installed: within 20 ms each has sent. At 49 packets a second A is before Y as often as
# after it. Neither is started for a race, for starting a program takes longer than that.
port_a=35000
start race_y "$y" rtp -b "$phone_y" -d "$relay:$port_a" -s 99 -r 50 -c 10000000 -w 0
start race_a "$lan_a" rtp -b "$phone_a" -d "$relay:$port_a" -r 49 -c 10000000 -w 0
# the kernel's own note of each packet on probation, by the clock of the events' time
trace=/sys/kernel/tracing
echo boot >$trace/trace_clock
echo 1 >$trace/events/nattrav/nattrav_drop/enable
has_peer() { [ "$(leg a peer-port)" != null ]; }
race() { # probation
	stream_add call race a local "$relay:35000" prefix 203.0.113.10/32 pt 0 window 3600 probation "$1" \
		b peer 198.51.100.11:6000 && slowwait 20 has_peer || return
	case $(leg a peer-port) in
	"$(public_port 192.168.1.2)") ;;
	"$(public_port 192.168.2.2)") hijacked=$((hijacked + 1)) ;;
	*) return 1 ;;
	esac
}

hijacked=0
for ((i = 0; i < trials; i++)); do
	check "race $i: one of the two is the peer" race 1
	check "the loser is told of as an intruder" slowwait 20 is_told intruder
	check "deleted" nattravctl stream del call race
done
log_test "probation 1, both send from the first moment on: Y won $hijacked of $trials"

# The kernel's notes of packets of the stream on probation, one time each.
on_probation() {
	awk -v stream="stream=$stream" '/reason=probation/ && $0 ~ stream " " {
		for (i = 1; i <= NF; i++)
			if ($i ~ /^[0-9]+\.[0-9]+:$/) printf "%.6f\n", $i }' $trace/trace
}
# Milliseconds from the second packet on probation, which is of the second of the two but
# for a sender that was late, to the time of the event.
told_after() {
	told contention | jq -s --argjson second "$(on_probation | sed -n 2p)" \
		'.[0].time / 1e6 - $second * 1000 | floor'
}
# Races with a probation of 4. Three packets on probation and then a peer: the other had not
# been heard yet, and is an intruder when he is. More of them: both had been.
races() {
	hijacked=0
	: >"$work/told"
	for ((i = 0; i < trials; i++)); do
		echo >$trace/trace
		check "race $i: one of the two is the peer" race 4
		if [ "$(on_probation | wc -l)" -gt 3 ]; then
			check "contention is told" slowwait 20 is_told contention
			told_after >>"$work/told"
		else
			check "the loser is told of as an intruder" slowwait 20 is_told intruder
		fi
		check "deleted" nattravctl stream del call race
	done
	contended=$(wc -l <"$work/told")
	sort -n "$work/told" >"$work/told.sorted"
	median=$(sed -n "$((contended / 2 + 1))p" "$work/told.sorted")
	slowest=$(tail -n 1 "$work/told.sorted")
}
races
check_ge "races in which both were heard" "$contended" $((trials / 2))
check "contention was told after $median ms" [ "$median" -ge -1 -a "$median" -le 200 ]
log_test "probation 4: Y won $hijacked of $trials; contention told in all $contended in which both" \
	"were heard, $median ms after the second was, $slowest ms at most"

# Who sends faster is through his probation sooner.
stop race_y
start race_y "$y" rtp -b "$phone_y" -d "$relay:$port_a" -s 99 -r 500 -c 10000000 -w 0
sleep 1
races
log_test "probation 4, Y sends ten times as fast: Y won $hijacked of $trials; contention told in all" \
	"$contended in which both were heard, else an intruder"
stop race_a race_y
echo 0 >$trace/events/nattrav/nattrav_drop/enable

# Nobody helps him who comes second, but he is heard of.
call 4
y_sends -c 6
y_port=$(public_port 192.168.2.2)
check_eq "peer" "$(leg a peer-port)" "$y_port"
log_test "Y alone for 80 ms: the leg is Y's, whatever the probation"

a_sends -c 5
check_eq "peer" "$(leg a peer-port)" "$y_port"
check "an intruder is told of" slowwait 20 is_told intruder
check_eq "intruder" "$(leg a intruder-port)" "$(public_port 192.168.1.2)"
# the controller opens the leg anew; Y goes on, from where it is the peer
check "generation" nattravctl stream set "$stream" a generation 2
start y "$y" rtp -b "$phone_y" -d "$relay:$port_a" -s 99 -f 2000 -c 100000
sleep 1
a_sends -c 12 -f 10
check_eq "peer" "$(leg a peer-port)" "$(public_port 192.168.1.2)"
stats_mark
sleep 1
check_eq "relayed" "$(since forwarded)" 0
check_ge "Y's packets dropped" "$(since drop.wrong-source)" 10
stop y
log_test "a newer generation gives the leg back to A, though Y does not stop"

# What Y must know: a payload type of the call, and a port of 10000.
call 1
y_sends -c 5 -p 8
check_eq "peer" "$(leg a peer-port)" null
log_test "Y with a payload type that the SDP does not have: not the peer"
stop monitor

dmesg_check
finish
