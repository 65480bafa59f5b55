#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# Calls that outlive their module: save, rmmod, insmod and restore, and that what comes
# back is what was there: SSRC, numbers, windows, generations, hold. Then the exchange
# of the module under 10 000 streams, and how long a call among them hears nothing (R4).
#
# TAKEOVER_CALLS: calls, of two streams each (5000). TAKEOVER_MS: how long a call may hear
# nothing (1000), on a machine whose clock is not kept waiting (scripts/vm --icount).

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

calls=${TAKEOVER_CALLS:-5000}
saved=$work/saved

require jq
require_module
setup_star
plan 5

now_ms() { echo $(($(date +%s%N) / 1000000)); }
# timed NAME command...: sets $NAME to the milliseconds that it took
timed() {
	local name=$1 begin
	shift
	begin=$(now_ms)
	"$@" >"$work/timed.log" 2>&1
	check_err $? "$*: $(head -n 1 "$work/timed.log")"
	printf -v "$name" %d $(($(now_ms) - begin))
}
# All of a file but ids and what the clock changes.
table() {
	jq -Sc '.streams[] | del(.id, .tied, ."leg-a"."window-left", ."leg-b"."window-left")' "$1" | sort
}

# --- State ----------------------------------------------------------------------------

check "pool" nattravctl pool add "$relay" 10000-65535
check "a call" stream_add call state rtcp timeout-idle 5m \
	a prefix "${A%:*}/32" pt 0,8 window 50s relatch rebind generation 3 dscp 46 \
	b prefix "${B%:*}/32" pt 0 window 70s many-ssrc on
state=$stream state_a=$port_a
on "$a" rtp -b "$A" -d "$relay:$port_a" -c 1 -f 7 -s 0xaabbccdd -w 0 >/dev/null
on "$b" rtp -b "$B" -d "$relay:$port_b" -c 3 -f 100 -w 0 >/dev/null
on "$a" rtp -b "$A" -d "$relay:$port_a" -c 2 -f 8 -s 0xaabbccdd -w 0 >/dev/null
on "$a" rtp -R -b "${A%:*}:4001" -d "$relay:$((port_a + 1))" -c 1 -s 0xaabbccdd -w 0 >/dev/null
# b's RTCP has a policy and a peer of its own making; a's side was asked to move and has not
check "a moves" nattravctl stream set "$state" a generation 4 window 400s
rtcp=$(ctl .tied stream show "$state")
check "RTCP apart" nattravctl stream set "$rtcp" b peer 198.51.100.77:6001 rate 77
check "hold" nattravctl stream set "$state" hold on
check "a partial one" stream_add call partial a prefix "${A%:*}" window 90s b window 0
check "save" nattravctl save "$saved"
facts() {
	jq -c '.streams[] | select(.call == "state" and .type == "rtp") | [.hold] + (."leg-a" |
		[.window, .generation, ."latched-generation", .ssrc, .sequence, .dscp]) +
		(."leg-b" | [.window, ."many-ssrc", ."latched-generation" // 0, .sequence])' "$1"
}
check_eq "what is saved" "$(facts "$saved")" "[true,400000,4,3,2864434397,9,46,70000,true,0,102]"
check "unloaded" unload_module
check "loaded" load_module
check "restored" nattravctl restore "$saved"
check "saved again" nattravctl save "$work/again"
check "the same" diff <(table "$saved") <(table "$work/again")
check_eq "pools" "$(jq -c '.pools | map(del(.id))' "$work/again")" \
	"$(jq -c '.pools | map(del(.id))' "$saved")"
left() { jq "[.streams[] | select(.call == \"$2\" and .type == \"rtp\")][0].\"leg-$3\".\"window-left\"" "$1"; }
for leg in "state a" "partial a" "partial b"; do
	# shellcheck disable=SC2086 # words
	check "window of $leg goes on: $(left "$saved" $leg), then $(left "$work/again" $leg)" \
		[ "$(left "$work/again" $leg)" -le "$(left "$saved" $leg)" ]
done
log_test "save and restore: windows, generations, SSRC, numbers, RTCP, hold, marks"

stream=$(ctl '[.[] | select(.call == "state" and .type == "rtp")][0].id' stream list)
stats_mark
# the sender goes on where it was; what another one puts in between does not
start legit "$a" rtp -b "$A" -d "$relay:$state_a" -c 250 -r 50 -f 10 -s 0xaabbccdd -w 0
goes_on() { [ "$(since forwarded)" -ge 5 ]; }
check "it goes on" slowwait 30 goes_on
on "$a" rawudp -c 5 -r 0 -s 0x12345678 "${A%:*}" 4000 "$relay" "$state_a"
on "$a" rawudp -c 5 -r 0 -n 40000 -s 0xaabbccdd "${A%:*}" 4000 "$relay" "$state_a"
await legit
ssrc=$(since drop.ssrc) sequence=$(since drop.sequence)
# a silence of 200 ms on this machine is what the rule itself allows for
check "dropped: $ssrc as ssrc, $sequence as sequence" [ $((ssrc + sequence)) -ge 1 ]
check_eq "all of them accounted for" "$(($(since forwarded) + ssrc + sequence))" 260
check_eq "peer of b's RTCP" "$(peer b "$(ctl .tied stream show "$stream")")" 198.51.100.77:6001
# a's asked-for generation is open yet: from another port it gets in
on "$a" rtp -b "${A%:*}:4002" -d "$relay:$state_a" -c 1 -f 30 -s 9 -w 0 >/dev/null
check_eq "a moves at last" "$(peer a)" "${A%:*}:4002"
check_eq "then no more" "$(leg a latched-generation)" 4
log_test "what was restored goes on where it stopped"
check "all deleted" nattravctl stream del --all

# --- 10 000 streams and a call --------------------------------------------------------

for ((j = 0; j < calls; j++)); do
	echo "call call-$j rtcp timeout-idle 1h a local $relay:$((10000 + 4 * j)) prefix ${A%:*} pt 0,8,101" \
		"peer ${A%:*}:$((20000 + j)) b local $relay:$((10002 + 4 * j)) prefix ${B%:*} pt 0,8,101 peer ${B%:*}:$((20000 + j))"
done >"$work/batch"
install=0 save=0 upgrade=0 del=0 took=0
for ((i = 0; i < calls; i += 1000)); do
	tail -n +$((i + 1)) "$work/batch" | head -n 1000 >"$work/part"
	timed took nattravctl stream add --batch "$work/part"
	install=$((install + took))
done
check "a call that talks" stream_add call talks a local "$relay:40000" peer "$A" \
	b local "$relay:40002" peer "$B"
start b "$b" rtp -b "$B" -c 0 -e "$work/done" -w 500
start a "$a" rtp -b "$A" -d "$relay:40000" -c 100000 -r 50
flows() { [ "$(leg a packets)" -ge 100 ]; }
check "it talks" slowwait 60 flows
timed save nattravctl save "$saved"
timed upgrade nattravctl upgrade "$module" --state "$work/state"
say "$(cat "$work/timed.log")"
stream=$(ctl '.[] | select(.call == "talks") | .id' stream list)
check "it talks again" slowwait 60 flows
stop a
touch "$work/done"
await b
say "$((2 * calls)) streams: installed in $install ms, saved in $save ms, upgrade in $upgrade ms"
lost=$(heard_by b lost)
gap=$((lost * 20))
say "a call of 50 packets per second lost $lost of them: $gap ms without media"
check_eq "streams" "$(ctl '.streams' stats)" $((2 * calls + 1))
check "a gap of $gap ms" [ "$gap" -le "${TAKEOVER_MS:-1000}" ]
check_ge "packets lost at least, while there was no module" "$lost" 1
log_test "$((2 * calls)) streams: upgrade in $upgrade ms, $gap ms without media"

nattravctl save "$work/again" >/dev/null
others() { table "$1" | grep -v '"call":"talks"'; }
check "the same" diff <(others "$saved") <(others "$work/again")
timed del nattravctl stream del --all
say "deleted in $del ms"
check_eq "streams" "$(ctl '.streams' stats)" 0
log_test "all of them are what they were"

dmesg_check
finish
