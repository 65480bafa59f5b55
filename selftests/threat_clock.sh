#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# Time, which the relay takes from the machine's running and not from its date: the
# date jumps by days and past 2038, and no call ends of it, none lives longer, and a
# freed port rests its two minutes.
#
# bash and timeout count by the date, so that nothing here waits by them while it
# jumps.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

require jq date
require_module
setup_star
plan 5
check "pool" nattravctl pool add "$relay" 30000-30999

uptime_s() { cut -d. -f1 /proc/uptime; }
uptime_ms() { awk '{ printf "%.0f", $1 * 1000 }' /proc/uptime; }
date_offset=$(($(date +%s) - $(uptime_s)))
date_restore() { date -s "@$((date_offset + $(uptime_s)))" >/dev/null; }
ended_with=0 # cleanup ends with the status that it finds
trap 'ended_with=$?; date_restore; (exit "$ended_with"); cleanup' EXIT

# A port that has just been freed, while who used it goes on sending; there is no
# other port in its realm.
check "pool" nattravctl pool add "$relay" 33000-33003 realm small
check "a call that ends" stream_add call old a realm small local "$relay:33000" peer "$A" \
	b realm small local "$relay:33002" peer "$B"
start old "$a" rtp -b "$A" -d "$relay:33000" -r 5 -c 1000000
check "the call ends" nattravctl stream del call old
freed=$(uptime_s)
new_call() { stream_add call new a realm small prefix "${X%:*}/32" window 3600 b realm small peer "${B%:*}:6200"; }
check "no port is free" not new_call

# A call that goes on, with the shortest of time-outs; one that is not complete yet;
# and one that should end.
check "a live call" stream_add call live timeout-idle 20s timeout-max 1h a peer "${A%:*}:4002" b peer "${B%:*}:6002"
live=$stream live_a=$port_a
start live_b "$b" rtp -b "${B%:*}:6002" -c 0 -e "$work/done" -w 500
sleep 2
start live_a "$a" rtp -b "${A%:*}:4002" -d "$relay:$live_a" -r 20 -c 100000000 -f 1
check "a partial call" stream_add call partial timeout-partial 600s a prefix "${A%:*}/32" window 600s \
	b peer "${B%:*}:6004"
partial=$stream partial_a=$port_a
start monitor "$gw" "$top/build/nattravctl" monitor --json
sleep 1

# A second in each of these times. 2106 is the end of 32 bits without a sign.
for jump in "@$(($(date +%s) + 86400))" "@$(($(date +%s) - 86400))" "@$(($(date +%s) + 366 * 86400))" \
	'2038-01-19 03:14:05 UTC' '2106-02-07 06:28:13 UTC'; do
	check "the date is set to $jump" date -s "$jump"
	sleep 4
	check_eq "streams at $jump" "$(ctl length stream list)" 2
	check "at $jump, no port is free" not new_call
done
date_restore
# that one side is silent and the small pool full is told as ever
check_eq "ends" "$(jq -r .type "$work/monitor.log" | grep -c -e expired -e deleted)" 0
check_eq "state" "$(ctl .state stream show "$live")" complete
log_test "the date jumps by a day, a year, past 2038 and 2106: no call ends"

on "$a" rtp -b "${A%:*}:4004" -d "$relay:$partial_a" -c 1 -w 0 >/dev/null
check_eq "peer" "$(peer a "$partial")" "${A%:*}:4004"
log_test "and the window of a partial leg is still open"

stop live_a
touch "$work/done"
await live_b
check_ge "heard" "$(heard_by live_b received)" 200
check_eq "lost" "$(heard_by live_b lost)" 0
# A last packet, whose time is known however slow the machine is: the event tells, on
# the same clock, when the relay took the call for dead.
said=$(uptime_ms)
on "$a" rtp -b "${A%:*}:4002" -d "$relay:$live_a" -s 7 -c 1 -w 0 >/dev/null
said_by=$(uptime_ms)
check_eq "the last packet is relayed" "$(leg a ssrc-changes "$live")" 1
check "a jump back" date -s "@$(($(date +%s) - 86400))"
for ((i = 0; i < 120; i++)); do
	! grep -q '"expired"' "$work/monitor.log" || break
	sleep 0.5
done
date_restore
ended=$(jq "select(.type == \"expired\" and .stream.id == $live) | .time / 1e6 | floor" "$work/monitor.log")
took=$((${ended:-0} - said))
check "idle after $took ms of 20000" [ "$took" -ge 19900 -a "$ended" -le $((said_by + 30000)) ]
stop monitor
log_test "a call with no packet lost ends $took ms after its terminals fell silent, the date a day back"

# The rest of a port, whole.
check "the port is free again" slowwait 150 new_call
rested=$(($(uptime_s) - freed))
check "it rested for $rested s" [ "$rested" -ge 119 ]
check_eq "and it is that port" "$(printf '%s\n' "$port_a" "$port_b" | sort | paste -sd' ')" "33000 33002"
rm -f "$work/done"
start late "$b" rtp -b "${B%:*}:6200" -c 0 -e "$work/done" -w 500
stats_mark
sleep 3
on "$x" rtp -b "$X" -d "$relay:$port_a" -f 5000 -c 10 -w 0 >/dev/null
touch "$work/done"
await late
stop old
check_ge "late packets of the old call" $(($(since drop.outside-prefix) + $(since drop.wrong-source) + $(since drop.no-stream))) 5
check_eq "heard in the new call: packets, first" "$(jq -c '[.received, .first]' "$work/late.log")" '[10,5000]'
log_test "after $rested s the port is given again; who sent to it before is not heard in the new call"

dmesg_check
finish
