#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# The controller is killed again and again under calls that flow (R1), and each one
# after it finds all of them (R2). The calls are made by nattravctl with the cookie by
# which nattravd knows its own.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

calls=$(full 100 1000) each=$(full 200 300) kills=$(full 5 50)

require jq
require_module
setup_star
plan 3
check "nattravd" start_nattravd
for ((i = 0; i < calls; i++)); do
	echo "call call-$i cookie 0 timeout-idle 1h a local $relay:$((30000 + i)) peer ${A%:*}:4100" \
		"b local $relay:$((32000 + i)) peer ${B%:*}:6100"
done >"$work/batch"
check "$calls calls" nattravctl stream add --batch "$work/batch"

# What must not change: all but what packets count.
table() {
	ctl '[.[] | {id, call, cookie, state, legs: [."leg-a", ."leg-b" |
		[."local-port", ."peer-ipv4", ."peer-port"]]}] | sort_by(.id) | .[] | tostring' stream list
}
listens() { on "$1" ss -Hlun "src $2" | grep -q .; }
alive() { kill -0 "${pid_of[$1]}" 2>/dev/null; }
adopted() { grep -c 'adopted: 1 streams, complete' "$work/nattravd.log"; }
table >"$work/before"
check_eq "calls" "$(wc -l <"$work/before")" "$calls"

start heard_a "$a" "${aside[@]}" rtp -b "${A%:*}:4100" -c 0 -e "$work/done" -w 2000
start heard_b "$b" "${aside[@]}" rtp -b "${B%:*}:6100" -c 0 -e "$work/done" -w 2000
check "a listens" slowwait 30 listens "$a" "${A%:*}:4100"
check "b listens" slowwait 30 listens "$b" "${B%:*}:6100"
stats_mark
begin=$(date +%s%N)
start send_a "$a" "${aside[@]}" rawudp -r 2000 -c "$each" -P $((30000 + calls - 1)) "${A%:*}" 4100 "$relay" 30000
start send_b "$b" "${aside[@]}" rawudp -r 2000 -c "$each" -P $((32000 + calls - 1)) "${B%:*}" 6100 "$relay" 32000
killed=0 under_way=0
while [ "$killed" -lt "$kills" ]; do
	! alive send_a || under_way=$((under_way + 1))
	kill -KILL "${pid_of[nattravd]}"
	wait "${pid_of[nattravd]}" 2>/dev/null
	killed=$((killed + 1))
	[ $((killed % 2)) -eq 0 ] || sleep 1
	start_nattravd
	check_err $? "nattravd does not start again"
done
await send_a
await send_b
took=$((($(date +%s%N) - begin) / 1000000))
touch "$work/done"
for side in heard_a heard_b; do
	await "$side"
	check_eq "$side: numbers, the same from other calls, corrupted" \
		"$(jq -c '[.received, .doubles, .corrupt]' "$work/$side.log")" "[$each,$((each * (calls - 1))),0]"
done
check_eq "forwarded" "$(since forwarded)" $((2 * each * calls))
check_ge "killed while packets flowed" "$under_way" $((kills / 2))
log_test "nattravd killed $killed times, $under_way of them under $((2 * each * calls * 1000 / took))" \
	"packets/s of $calls calls: none of $((2 * each * calls)) lost"

check_eq "calls found by all of them" "$(adopted)" $((kills * calls))
table >"$work/after"
check "the table is what it was" diff "$work/before" "$work/after"
log_test "each nattravd finds all calls and leaves them as they are"

stop nattravd
check "all deleted" nattravctl stream del --all
dmesg_check
finish
