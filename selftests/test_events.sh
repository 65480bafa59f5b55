#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# What the kernel tells of calls that go wrong and of what fills up: first media,
# silence, one way, hold, pools and tables that are nearly full; and a reader of
# events with a tiny buffer that is stopped while thousands of legs latch (R6).

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

require jq
require_module
setup_star
plan 8

# told TYPE [SIDE]: events of $stream so far
told() {
	jq -s --arg type "$1" --arg side "${2-}" --argjson stream "$stream" '[.[] |
		select(.type == $type and .stream.id == $stream and
			($side == "" or .side == $side))] | length' "$work/monitor.log"
}
told_one() { [ "$(told "$@")" -eq 1 ]; }
# limits TYPE: how full, each time that it was told
limits() { jq -s -c --arg type "$1" '[.[] | select(.type == $type) | .percent]' "$work/monitor.log"; }
limits_are() { [ "$(limits "$1")" = "$2" ]; }

talk_a() { start a "$a" rtp -b "$A" -d "$relay:$port_a" -r 50 -c 100000 "$@"; }
talk_b() { start b "$b" rtp -b "$B" -d "$relay:$port_b" -r 50 -c 100000 "$@"; }

check "pool" nattravctl pool add "$relay" 30000-30099
start monitor "$gw" "$top/build/nattravctl" monitor --json
sleep 1

# --- Media ----------------------------------------------------------------------------

check "stream" stream_add call talk rtcp a peer "$A" b peer "$B"
check "a is silent from the beginning" slowwait 60 told_one silent a
check "b as well" slowwait 60 told_one silent b
check_eq "one way" "$(told one-way)" 0
check_eq "first media" "$(told first-media)" 0
check "not told as one-way" [ "$(leg a one-way)" = null ]
check_ge "silence of a in ms" "$(leg a silence)" 5000
log_test "legs that are never heard: silent, once"

talk_a
check "first media of a" slowwait 60 told_one first-media a
check "a is heard" slowwait 60 told_one resumed a
check "b is not" slowwait 60 told_one one-way b
check_eq "b is shown as silent" "$(leg b one-way)" true
check "in words" grep -q '  one-way *silent for ' <(nattravctl stream show "$stream")
talk_b -f 30000
check "first media of b" slowwait 60 told_one first-media b
check "b is heard" slowwait 60 told_one resumed b
check_eq "b is no longer shown as silent" "$(leg b one-way)" null
check_eq "first media, silent, resumed, one-way" \
	"$(told first-media) $(told silent) $(told resumed) $(told one-way)" "2 2 2 1"
log_test "a speaks, then b: first-media, resumed and one-way, once each"

stop a
silent_twice() { [ "$(told silent a)" -eq 2 ]; }
check "a is silent again" slowwait 60 silent_twice
check "one way, the other way" slowwait 60 told_one one-way a
# a packet every six seconds is no speech
for i in 1 2 3; do
	on "$a" rtp -b "$A" -d "$relay:$port_a" -c 1 -f $((100000 + i)) -w 0 >/dev/null
	sleep 6
done
check_eq "resumed, silent, one-way of a" "$(told resumed a) $(told silent a) $(told one-way a)" "1 2 1"
log_test "single packets now and then do not make it flap"

# A new peer's media is a first one again.
check "b moves" nattravctl stream set "$stream" b peer "${B%:*}:6002"
stop b
start b "$b" rtp -b "${B%:*}:6002" -d "$relay:$port_b" -r 50 -c 100000 -f 60000
first_twice() { [ "$(told first-media b)" -eq 2 ]; }
check "first media of b" slowwait 60 first_twice
talk_a -f 120000
resumed_twice() { [ "$(told resumed a)" -eq 2 ]; }
check "a is heard" slowwait 60 resumed_twice
log_test "after another peer: first-media once more"

# --- Hold -----------------------------------------------------------------------------

before="$(told silent) $(told one-way)"
check "hold" nattravctl stream set "$stream" hold on timeout-idle 4s
check_eq "shown" "$(ctl .hold stream show "$stream")" true
check "in words" grep -q 'on hold' <(nattravctl stream show "$stream")
check_eq "RTCP is held as well" "$(ctl '[.[] | .hold] | tostring' stream list)" "[true,true]"
stop a b
sleep 12
check_eq "streams" "$(ctl length stream list)" 2
check_eq "silent and one-way since" "$(told silent) $(told one-way)" "$before"
check "hold off" nattravctl stream set "$stream" hold off
check "it ends then" slowwait 60 no_streams
check_eq "why" "$(jq -r 'select(.type == "expired") | .expiry' "$work/monitor.log")" idle
log_test "a call on hold is silent, and stays; off hold it ends as any other"

# --- Limits ---------------------------------------------------------------------------

check "pool of ten pairs" nattravctl pool add 198.51.100.1 31000-31019 realm small
small() { nattravctl stream add call small a realm small b realm small; }
for ((i = 0; i < 3; i++)); do check "stream" small; done
check_eq "told at 60 %" "$(limits pool-low)" "[]"
check "the fourth" small
check "told at 80 %" slowwait 20 limits_are pool-low "[80]"
check "the last" small
check "told when it is full" slowwait 20 limits_are pool-low "[80,100]"
check_eq "which pool" "$(jq -s -r '[.[] | select(.type == "pool-low")][0].pool |
	"\(.realm) \(.ipv4) \(."port-min")"' "$work/monitor.log")" "small 198.51.100.1 31000"
# ports at rest cannot be given out either
check "all deleted" nattravctl stream del call small
sleep 3
check "still full" not small
check_eq "told again" "$(limits pool-low)" "[80,100]"

# the parameter is for each namespace
many() { # count
	for ((i = 0; i < $1; i++)); do echo "call many a realm big b realm big"; done |
		nattravctl stream add --batch -
}
check "large pool" nattravctl pool add "$relay" 32000-39999 realm big
check_eq "streams" "$(ctl length stream list)" 0
echo 20 >/sys/module/nattrav/parameters/streams_max
check_eq "streams-max" "$(ctl '."streams-max"' stats)" 20
check "15" many 15
check_eq "told at 75 %" "$(limits limit)" "[]"
check "16" many 1
check "told at 80 %" slowwait 20 limits_are limit "[80]"
check "19" many 3
check "told at 95 %" slowwait 20 limits_are limit "[80,95]"
check "20" many 1
check "told at 100 %" slowwait 20 limits_are limit "[80,95,100]"
check "21" not many 1
grep -q 'as many streams as it may' "$work/check.log"
check_err $? "refused for another reason: $(head -n 1 "$work/check.log")"
check "a batch that does not fit" not many 3
check_eq "streams" "$(ctl length stream list)" 20
# Around a level nothing is told again; well below it is left.
doomed() { ctl "[.[].id][:$1] | .[]" stream list; }
# shellcheck disable=SC2046 # ids
check "19" nattravctl stream del $(doomed 1)
check "20" many 1
sleep 3
check_eq "told since" "$(limits limit)" "[80,95,100]"
# shellcheck disable=SC2046 # ids
check "13" nattravctl stream del $(doomed 7)
check "14" many 1
check "16" many 2
check "told again" slowwait 20 limits_are limit "[80,95,100,80]"
echo 1048576 >/sys/module/nattrav/parameters/streams_max
check "all deleted" nattravctl stream del --all
log_test "pools and tables that fill up: told at 80, 95 and 100 %, refused when full"
stop monitor

# --- A reader that is too slow --------------------------------------------------------

streams=2000
start monitor "$gw" "$top/build/nattravctl" monitor --json --buffer 4096
for ((j = 0; j < streams; j++)); do
	echo "call latch timeout-partial 1h a local $relay:$((32000 + 2 * j)) prefix ${A%:*}" \
		"b local $relay:$((36000 + 2 * j)) peer $B"
done >"$work/batch"
check "$streams streams" nattravctl stream add --batch "$work/batch"
sleep 1
kill -STOP "${pid_of[monitor]}"
latched() { [ "$(ctl '[.[] | select(.state == "complete")] | length' stream list)" -eq "$streams" ]; }
begin=$(date +%s%N)
on "$a" rawudp -r 0 -P $((32000 + 2 * streams - 1)) "${A%:*}" 4000 "$relay" 32000
took=$((($(date +%s%N) - begin) / 1000000))
check "all legs latch" slowwait 30 latched
say "$streams legs latched in $took ms, $((streams * 1000 / (took + 1))) in a second"
# what the generations of a minute of changes would be
sleep 10
lines=$(wc -l <"$work/monitor.log")
begin=$(date +%s%N)
kill -CONT "${pid_of[monitor]}"
resynced() { tail -n +$((lines + 1)) "$work/monitor.log" | grep -q '"resync-end"'; }
check "it reads all streams anew" slowwait 60 resynced
took=$((($(date +%s%N) - begin) / 1000000))
say "state complete again $took ms after it was let go on"
tail -n +$((lines + 1)) "$work/monitor.log" | jq -r 'select(.type == "resync-stream") | .stream |
	"\(.id) \(."leg-a"."peer-ipv4"):\(."leg-a"."peer-port")"' | sort >"$work/resynced"
ctl '.[] | "\(.id) \(."leg-a"."peer-ipv4"):\(."leg-a"."peer-port")"' stream list |
	sort >"$work/kernel"
check "what it knows is what the kernel has" diff "$work/kernel" "$work/resynced"
check_eq "streams known" "$(wc -l <"$work/resynced")" "$streams"
check "within 10 s on this machine: $took ms" [ "$took" -lt 10000 ]
check "it goes on" nattravctl stream add call after
check "with an end" nattravctl stream del call after
check "an event after that" wait_log 20 monitor '"after"'
stop monitor
log_test "a reader with 4 KiB of room, stopped while legs latch: state complete again in $took ms"

dmesg_check
finish
