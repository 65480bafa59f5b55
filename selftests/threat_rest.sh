#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Ports rest for 120 s though their pool is taken away and another one made, so that
# late packets of a call meet no other one (RFC 6888 REQ-8, T-M19).

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

require jq
require_module
setup_star
plan 4

# another one, without which the module would not look at packets at all
ip -n "$gw" address add 198.51.100.2/32 dev lo
check "another pool" nattravctl pool add 198.51.100.2 30000-30099
check "pool of one pair" nattravctl pool add 198.51.100.1 31000-31003 realm small
small=$(ctl '.[] | select(.realm == "small") | .id' pool list)
rests() { ctl '.[] | select(.realm == "small") | .resting' pool list; }
taken() { nattravctl stream add call rest a realm small b realm small; }
late() {
	stats_mark
	on "$b" rawudp -c 5 "${B%:*}" 6000 198.51.100.1 31000
	since "$1"
}
check "a call" taken
check "ends" nattravctl stream del call rest
ended=$SECONDS
check_eq "resting" "$(rests)" 2
check "pool deleted" nattravctl pool del "$small"
check "no pool of this address" [ "$(ctl '[.[] | select(.ipv4 == "198.51.100.1")] | length' pool list)" = 0 ]
sleep 2
check_eq "late packets go to the host" "$(late accepted)" 5
check "the pool again" nattravctl pool add 198.51.100.1 31000-31003 realm small
check_eq "resting yet" "$(rests)" 2
check "no port is given" not taken
grep -q 'pool is full' "$work/check.log"
check_err $? "refused for another reason: $(head -n 1 "$work/check.log")"
check_eq "late packets meet no call" "$(late drop.no-stream)" 5
# a request that asks for a port by number and fails leaves it at rest
check "by number, and refused" not nattravctl stream add a local 198.51.100.1:31000 \
	b local 198.51.100.1:31001 peer 127.0.0.1:4000
check_eq "resting yet" "$(rests)" 2
check "by number" nattravctl stream add call given a local 198.51.100.1:31000 b
check_eq "resting" "$(rests)" 1
check "deleted" nattravctl stream del call given
given=$SECONDS
check_eq "resting" "$(rests)" 2
log_test "ports rest though their pool is taken away and another one made"

left=$((ended + 115 - SECONDS))
[ "$left" -le 0 ] || sleep "$left"
check_eq "resting yet" "$(rests)" 2
check "no port is given yet" not taken
left=$((ended + 121 - SECONDS))
[ "$left" -le 0 ] || sleep "$left"
check_eq "resting" "$(rests)" 1
left=$((given + 121 - SECONDS))
[ "$left" -le 0 ] || sleep "$left"
check_eq "resting" "$(rests)" 0
small=$(ctl '.[] | select(.realm == "small") | .id' pool list)
# Who was in the old call goes on sending; the new one has both of the ports.
start old "$b" rtp -b "$B" -d 198.51.100.1:31000 -r 50 -f 100000 -c 1000000
check "a call" stream_add call rest a realm small prefix "${A%:*}/32" pt 0 window 3600 \
	b realm small prefix "${X%:*}/32" pt 0 window 3600
check_eq "its ports, at random" "$((port_a < port_b ? port_a : port_b)) $((port_a + port_b))" "31000 62002"
met=a
[ "$port_b" != 31000 ] || met=b
talk=(-r 50 -f 1 -c 100 -g "$work/go" -e "$work/done" -w 500)
start heard_a "$a" rtp -b "$A" -d "198.51.100.1:$port_a" "${talk[@]}"
start heard_x "$x" rtp -b "$X" -d "198.51.100.1:$port_b" "${talk[@]}"
listens() { on "$1" ss -Hlun "src $2" | grep -q .; }
check "a is there" slowwait 30 listens "$a" "$A"
check "x is there" slowwait 30 listens "$x" "$X"
touch "$work/go"
said() { [ "$(leg a packets)" -ge 90 ] && [ "$(leg b packets)" -ge 90 ]; }
check "both speak" slowwait 60 said
touch "$work/done"
await heard_a
await heard_x
stop old
for who in heard_a heard_x; do
	check "heard by the new terminals only each other: $(cat "$work/$who.log")" \
		jq -e '.received >= 90 and .last == 100 and .doubles == 0 and .corrupt == 0' "$work/$who.log"
done
check_ge "the old one's packets, dropped" "$(leg "$met" intruder-packets)" 50
check "ends" nattravctl stream del call rest
log_test "after 120 s they are given out; who was in the old call is not heard in the new one"

check "pool deleted" nattravctl pool del "$small"
# while its ports rest the module counts packets to the address, afterwards not
sleep 1
check_eq "packets to it while its ports rest" "$(late received)" 5
sleep 122
check_eq "packets to it when they have rested" "$(late received)" 0
log_test "when its ports have rested an address without a pool is forgotten"

dmesg_check
finish
