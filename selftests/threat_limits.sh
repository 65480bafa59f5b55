#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# That nobody gets more than his share: a flood from a terminal, intruders that
# would keep a dead call alive, a full pool.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

require jq
require_module
setup_star
plan 9
check "pool" nattravctl pool add "$relay" 30000-30099

# --- Rate -----------------------------------------------------------------------------

check "flooded stream" stream_add call flooded a peer "$A" rate 200 b peer "$B"
flooded=$stream flooded_a=$port_a
check "quiet stream" stream_add call quiet a peer "${A%:*}:4002" b peer "${B%:*}:6002"
quiet=$stream
start quiet "$b" rtp -b "${B%:*}:6002" -c 0 -e "$work/done" -w 500
sleep 2
start quiet_a "$a" rtp -b "${A%:*}:4002" -d "$relay:$port_a" -c 300 -r 50 -w 0
begin=$(date +%s%N)
on "$a" rawudp -r 0 -c 10000 "${A%:*}" 4000 "$relay" "$flooded_a"
took=$((($(date +%s%N) - begin) / 1000000))
passed=$(leg a packets "$flooded")
# a bucket of one second, and what flowed into it; 50 for the clock's grain
most=$((200 + 200 * took / 1000 + 50))
check "passed $passed of 10000 in $took ms, at most $most" [ "$passed" -ge 200 -a "$passed" -le "$most" ]
check_eq "dropped as rate" "$(dropped rate)" $((10000 - passed))
log_test "10000 packets at once from a peer: 200 pass, and 200 more each second"

await quiet_a
touch "$work/done"
await quiet
check_eq "sent by the other" "$(heard_by quiet_a sent)" 300
check_eq "received of it" "$(heard_by quiet received)" 300
check_eq "streams" "$(ctl length stream list)" 2
log_test "another call loses none, and the flooded one is not ended"
nattravctl stream del "$flooded"
nattravctl stream del "$quiet"

# The same from the kernel, as fast as it goes, beside many calls. Their terminals are
# one socket on each side; it hears each number once from every call.
calls=$(full 100 999)
check "pool" nattravctl pool add "$relay" 40000-42999
for ((i = 0; i < calls; i++)); do
	echo "call many timeout-idle 1h a local $relay:$((40000 + i)) peer ${A%:*}:4100" \
		"b local $relay:$((41000 + i)) peer ${B%:*}:6100"
done >"$work/batch"
nattravctl stream add --batch "$work/batch" >/dev/null
check_err $? "$calls streams cannot be made"
many_listen() { on "$b" ss -Hlun "sport = :6100" | grep -q .; }
many_heard() {
	rm -f "$work/done"
	start many "$b" "${aside[@]}" rtp -b "${B%:*}:6100" -c 0 -e "$work/done" -w 1000
	slowwait 20 many_listen
	on "$a" "${aside[@]}" rawudp -r 2500 -c 30 -P $((40000 + calls - 1)) "${A%:*}" 4100 "$relay" 40000
	touch "$work/done"
	await many
	jq '.received + .doubles' "$work/many.log"
}
if has_pktgen; then
	check "flooded stream" stream_add call flooded type udp a peer "$A" rate 500 b peer "$B"
	flood_start flood "$a" eth0 "$(mac_of "$gw" side_a)" "${A%:*}" 4000 "$relay" "$port_a"
	check "the flood is there" slowwait 20 flood_has_sent flood 10000
	stats_mark
	begin=$(date +%s%N)
	heard=$(many_heard)
	took=$((($(date +%s%N) - begin) / 1000000))
	flooded=$(($(since drop.rate) * 1000 / took))
	flood_end flood
	check_ge "packets dropped as rate" "$(since drop.rate)" 10000
	check_ge "heard of $((30 * calls)) in the other calls" "$heard" $((30 * calls * 999 / 1000))
	check "relayed of the flood: $(leg a packets)" [ "$(leg a packets)" -le $((500 * took / 1000 + 20000)) ]
	log_test "$flooded packets/s into one call from its peer: $calls others lose" \
		"$((30 * calls - heard)) of $((30 * calls))"
else
	log_skip "a flood from the kernel into one call" "no pktgen, or one processor"
fi
nattravctl stream del call many
nattravctl stream del call flooded

# --- Time-outs --------------------------------------------------------------------------

# X never stops; the terminals do.
start monitor "$gw" "$top/build/nattravctl" monitor --json
sleep 1
check "a dead call" stream_add call dead timeout-idle 4s a peer "$A" b peer "$B"
start x1 "$x" rtp -b "${X%:*}:5000" -d "$relay:$port_a" -r 50 -c 100000
start x2 "$x" rtp -b "${X%:*}:5001" -d "$relay:$port_b" -r 50 -c 100000
check "a call that never was" stream_add call never timeout-partial 4s \
	a prefix "${A%:*}" b prefix "${B%:*}"
start x3 "$x" rtp -b "${X%:*}:5003" -d "$relay:$port_a" -r 50 -c 100000
check "an eternal call" stream_add call eternal timeout-max 6s a peer "$A" b peer "$B"
start a "$a" rtp -b "$A" -d "$relay:$port_a" -r 50 -c 100000
expired() { grep '"expired"' "$work/monitor.log" | grep "\"$1\"" | grep -q "\"$2\""; }
check "idle" slowwait 60 expired dead idle
check "partial" slowwait 60 expired never partial
check "max" slowwait 60 expired eternal max
check "all streams are gone" slowwait 20 no_streams
log_test "streams expire on time though an intruder, or even the peer, goes on sending"

# Only the peer keeps one alive.
stop a
check "a live call" stream_add call live a peer "$A" b peer "$B"
start a "$a" rtp -b "$A" -d "$relay:$port_a" -r 20 -c 100000
a_spoke() { [ "$(leg a packets)" -ge 1 ]; }
check "its peer is there" slowwait 30 a_spoke
check "it may be silent for 5 s" nattravctl stream set "$stream" timeout-idle 5s
sleep 12
check_eq "streams" "$(ctl length stream list)" 1
stop a
check "it ends when the peer does" slowwait 60 expired live idle
stop x1 x2 x3 monitor
log_test "a peer that sends keeps its stream, and only so long"

# --- Memory -----------------------------------------------------------------------------

# Allocations that the module itself makes, by the call site of the kernel's own events.
trace=/sys/kernel/tracing
trace_begin() {
	local event from size
	read -r _ size _ _ _ from _ < <(grep '^nattrav ' /proc/modules)
	echo >$trace/trace
	for event in "$trace"/events/kmem/kmalloc{,_node} "$trace"/events/kmem/kmem_cache_alloc{,_node}; do
		[ -d "$event" ] || continue
		echo "call_site >= $from && call_site < $(printf '0x%x' $((from + size)))" >"$event/filter" &&
			echo 1 >"$event/enable"
	done
	echo 1 >$trace/tracing_on
}
trace_end() {
	echo 0 | tee $trace/events/kmem/*/enable >/dev/null
	allocations=$(grep -c call_site $trace/trace)
}
if [ -d $trace/events/kmem/kmalloc ]; then
	trace_begin
	check "a call" stream_add call lean a prefix "${A%:*}/32" window 3600 relatch rebind b peer "$B"
	trace_end
	check_ge "allocations for a stream" "$allocations" 1
	trace_begin
	on "$a" rawudp -r 1000 -c 2000 "${A%:*}" 4000 "$relay" "$port_a"
	on "$b" rawudp -r 1000 -c 1000 "${B%:*}" 6000 "$relay" "$port_b"
	on "$x" rawudp -r 1000 -c 1000 "${X%:*}" 5000 "$relay" "$port_a"
	trace_end
	check_eq "relayed" "$(leg a packets) $(leg b packets)" "2000 1000"
	# the event workers run meanwhile, for the leg completes, and there are intruders
	check "allocations: $allocations, not for each packet" [ "$allocations" -le 10 ]
	check_eq "allocations in the packet path" "$(grep call_site $trace/trace | grep -vc 'kworker')" 0
	check "deleted" nattravctl stream del call lean
	log_test "4000 packets, the first of a leg and those of intruders among them: no allocation"
else
	log_skip "no allocation in the packet path" "no kmem events"
fi

# --- No room ----------------------------------------------------------------------------

for id in $(ctl '.[].id' pool list); do
	check "pool" nattravctl pool del "$id"
done
# Who is refused costs nothing, though most of what was asked for was there.
sessions() {
	echo 1 >/sys/kernel/slab/nattrav_session/shrink
	sed 's/ .*//' /sys/kernel/slab/nattrav_session/objects
}
check "pool" nattravctl pool add "$relay" 33000-33999
for ((i = 0; i < 600; i++)); do echo "call three"; done >"$work/batch"
check "refused" not nattravctl stream add --batch "$work/batch"
before=$(sessions)
for i in 1 2 3; do check "refused" not nattravctl stream add --batch "$work/batch"; done
check_eq "streams" "$(ctl length stream list)" 0
check "objects: $(sessions), were $before" [ "$(sessions)" -le $((before + 128)) ]
check "pool" nattravctl pool del "$(ctl '.[].id' pool list)"
check "small pool" nattravctl pool add "$relay" 31000-31007
check "one" stream_add call one a peer "$A" b peer "$B"
one_a=$port_a
check "two" stream_add call two
check_err "$(($(nattravctl stream add call three 2>&1 | grep -c 'pool is full') != 1))" \
	"a third stream is not refused with 'pool is full'"
check_eq "streams" "$(ctl length stream list)" 2
rm "$work/done"
start b "$b" rtp -b "$B" -c 0 -e "$work/done" -w 500
sleep 2
on "$a" rtp -b "$A" -d "$relay:$one_a" -c 20 -w 0 >/dev/null
touch "$work/done"
await b
check_eq "received in the first call" "$(heard_by b received)" 20
# the ports of a call that has ended rest, though there is no other
check "deleted" nattravctl stream del call two
check_err "$(($(nattravctl stream add call three 2>&1 | grep -c 'pool is full') != 1))" \
	"ports that rest are given again"
on "$a" rtp -b "$A" -d "$relay:$port_a" -c 20 -w 0 >/dev/null
check_eq "late packets dropped" "$(($(dropped no-stream) >= 20))" 1
log_test "a full pool: refused in words, nobody is put out, freed ports rest"

check_sum
log_test "the sum is right"

dmesg_check
finish
