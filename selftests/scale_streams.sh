#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1800
#
# A million streams, as 500 000 calls with RTP and RTCP on 33 relay addresses: what
# they cost in memory and in time, and that nobody has to wait for a walk through
# the table. The guest needs 6 GB, and a clock that does not go on while its host lets it
# wait: scripts/vm --mem 6G --icount.
#
# NATTRAV_SCALE=STREAMS for another number. NATTRAV_SCALE_SECONDS is how long the
# installation may take (default 30, on an idle machine).

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

streams=${NATTRAV_SCALE:-1000000}
seconds=${NATTRAV_SCALE_SECONDS:-30}
most=1048576 # NATTRAV_STREAMS_MAX
batch=1000
hour=3600000
tracing=/sys/kernel/tracing

require jq
[ "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" -ge $((streams * 4)) ] ||
	skip_all "$streams streams need a guest with more memory: scripts/vm --mem 6G"
require_module
setup_star
plan 12

scale() { on "$gw" scale "$@"; }

# run_scale words...: must succeed; its numbers are then had by: told KEY
run_scale() {
	scale "$@" >"$work/told" 2>"$work/told.err"
	check_err $? "scale $*: $(cat "$work/told.err")"
	say "$*: $(cat "$work/told")"
}
told() { jq -r ".$1" "$work/told"; }

# --- Memory -----------------------------------------------------------------------------

# What the kernel could still give away, without what it would only have to drop.
available() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 2
	echo $(($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) * 1024))
}

slabs() { awk 'NR > 2 { printf "%s %d %d\n", $1, $3 * $4, $(NF - 1) * $6 * 4096 }' /proc/slabinfo | sort >"$1"; }

# Slabs that have grown by more than 1 byte a stream.
slabs_grown() {
	join "$work/slabs.0" "$work/slabs.1" | awk -v streams="$streams" '
		$5 - $3 > streams { printf "%s %.1f bytes a stream\n", $1, ($5 - $3) / streams }'
}

memory_before=$(available)
slabs "$work/slabs.0"

# As many relay addresses as the streams need: 10.99.NET.1, ...
add_pools() { # net, first, last
	local i
	for ((i = $2; i <= $3; i++)); do
		ip -n "$gw" address add "10.99.$1.$i/32" dev lo
		check "pool $i" nattravctl pool add "10.99.$1.$i" 1024-65535
	done
}
pools=$((streams * 2 / 64512 + 2))
most_pools=$((most * 2 / 64512 + 1))

add_pools 0 1 "$pools"
run_scale add "$streams" "$batch" 1 "$hour"
check_eq "streams" "$(told streams)" "$streams"
check_eq "streams in the table" "$(scale count)" "$streams"
took=$(told took)
check "installed in $took ms" [ "$took" -le $((seconds * 1000)) ]
log_test "$streams streams are installed in batches of $batch in under $seconds s"

memory=$(((memory_before - $(available)) / streams))
slabs "$work/slabs.1"
slabs_grown | sed 's/^/# /'
say "all memory: $memory bytes a stream, $((2 * memory)) an RTP and RTCP pair"
check "$memory bytes a stream, less than 600" [ "$memory" -lt 600 ]
check "they are counted at all: $memory" [ "$memory" -gt 400 ]
log_test "a stream takes less than 600 bytes, everything counted"

# --- Packets ----------------------------------------------------------------------------

check "pool" nattravctl pool add "$relay" 30000-30099
check "stream" stream_add a local "$relay:30000" prefix "${A%:*}/32" \
	b local "$relay:30002" prefix "${B%:*}/32"
stats_mark
start b "$b" rtp -b "$B" -d "$relay:$port_b" -c 200 -r 50 -w 3000
start a "$a" rtp -b "$A" -d "$relay:$port_a" -c 200 -r 50 -w 3000
await a
await b
check_eq "a is latched" "$(peer a)" "$A"
check_eq "b is latched" "$(peer b)" "$B"
# not those that were sent before both had been heard
check_ge "packets heard by a" "$(heard_by a received)" 50
check_ge "packets heard by b" "$(heard_by b received)" 50
check_eq "all that was forwarded was heard" \
	"$(($(heard_by a received) + $(heard_by b received)))" "$(since forwarded)"
check_eq "forwarded or dropped" \
	"$(($(since forwarded) + $(since drop.peer-partial)))" 400
log_test "packets latch and are relayed as ever"
check "deleted" nattravctl stream del "$stream"

# --- Reading ----------------------------------------------------------------------------

run_scale dump 1
check_eq "entries" "$(told entries)" "$streams"
check_eq "told twice" "$(told twice)" 0
check_eq "interrupted" "$(told interrupted)" false
check "the longest message: $(told longest)" [ "$(told longest)" -le 4096 ]
log_test "a dump tells each stream once, in small pieces"

start churn "$gw" scale churn 600 1000 2
sleep 1
run_scale dump 1
kill -TERM "${pid_of[churn]}"
check "the table was changed meanwhile" await churn
say "churn: $(cat "$work/churn.log")"
check_ge "changes" "$(jq .changes "$work/churn.log")" 100
check_eq "stable entries" "$(told entries)" "$streams"
check_eq "told twice" "$(told twice)" 0
check_eq "interrupted" "$(told interrupted)" true
run_scale del 100 2
log_test "changed all the while, a dump says so, and tells each stable stream once"

# A filter that selects nothing looks at all of them: not with the lock held.
check "dump" on "$gw" timeout 100 "$top/build/nattravctl" --json stream list call nobody
check_eq "its streams" "$(jq length "$work/check.log")" 0
log_test "a filter that selects none"

# --- Garbage collection --------------------------------------------------------------------

# What a function of the module took each time without leaving the CPU, in us.
trace_begin() { # function...
	echo 0 >$tracing/tracing_on
	echo nop >$tracing/current_tracer
	echo 16384 >$tracing/buffer_size_kb
	printf '%s:mod:nattrav\n' "$@" >$tracing/set_ftrace_filter
	echo function_graph >$tracing/current_tracer
	echo nosleep-time >$tracing/trace_options
	echo 1 >$tracing/tracing_on
}
trace_end() {
	echo 0 >$tracing/tracing_on
	sed -n 's/^.*[^0-9.]\([0-9][0-9.]*\) us *|  *\([a-z0-9_]*\).*();.*$/\2 \1/p' $tracing/trace |
		sort -k 1,1 -k 2,2n >"$work/trace"
	echo nop >$tracing/current_tracer
	: >$tracing/set_ftrace_filter
}
# permille function: the time that so many in a thousand did not exceed
permille() {
	awk -v want="$1" -v name="$2" '
		$1 == name { time[n++] = $2 }
		END { if (n) printf "%d\n", time[int((n - 1) * want / 1000)] }' "$work/trace"
}
slices() { grep -c "^$1 " "$work/trace"; }

mountpoint -q $tracing || mount -t tracefs tracefs $tracing
trace_begin gc_work
sleep 40
trace_end
say "gc: $(slices gc_work) slices; us: half $(permille 500 gc_work), 99 % $(permille 990 gc_work)," \
	"longest $(permille 1000 gc_work)"
# a walk through the table has so many at least
check_ge "slices" "$(slices gc_work)" $((streams / 1024))
check "the longest slice takes less than 1 ms" [ "$(permille 1000 gc_work)" -lt 1000 ]
log_test "a walk through the table never holds a CPU for long"

# --- Limits -----------------------------------------------------------------------------------

add_pools 0 $((pools + 1)) "$most_pools"
run_scale add $((most - streams)) "$batch" 3 "$hour"
check_eq "streams" "$(scale count)" "$most"
check "one more is refused" not nattravctl stream add call more
cp "$work/check.log" "$work/refused"
check "in words" grep -q 'as many streams as it may' "$work/refused"
check "a batch beyond it is refused" not scale add 1000 1000 4 "$hour"
check_eq "streams" "$(scale count)" "$most"
check "the slowest request: $(told slowest) ms" [ "$(told slowest | sed 's/\..*//')" -lt 1000 ]
run_scale del "$batch" 3
check "room again" nattravctl stream add call more
check "deleted" nattravctl stream del call more
log_test "the limit of $most streams holds, and nothing is lost by it"

# --- Ends ---------------------------------------------------------------------------------------

# Expired, all at once: what has been set to an idle time-out of a moment.
crowd=100000
run_scale del "$batch" 1
say "slowest request $(told slowest) ms"
check_eq "streams" "$(scale count)" 0
log_test "all are deleted in batches"

# not in slabinfo: there it may have the name of a cache of other objects of this size
objects() { sed 's/ .*//' /sys/kernel/slab/nattrav_session_rtcp/objects; }
freed() { [ "$(objects)" -lt $((streams / 100)) ]; }
check "memory comes back" slowwait 60 freed
# ports of the deleted ones rest
add_pools 1 1 "$pools"
trace_begin gc_work
run_scale add "$crowd" "$batch" 5 15000
check "the slowest request: $(told slowest) ms" [ "$(told slowest | sed 's/\..*//')" -lt 1000 ]
empty() { [ "$(scale count)" = 0 ]; }
check "all expire" slowwait 120 empty
trace_end
say "gc: $(slices gc_work) slices; us: half $(permille 500 gc_work), 99 % $(permille 990 gc_work)," \
	"longest $(permille 1000 gc_work)"
check "the longest slice takes less than 1 ms" [ "$(permille 1000 gc_work)" -lt 1000 ]
log_test "$crowd streams that expire at once are removed in slices"

run_scale add "$streams" "$batch" 6 "$hour"
began=$SECONDS
ip netns del "$gw"
check "freed in time" slowwait 120 freed
say "namespace gone after $((SECONDS - began)) s"
log_test "a namespace with $streams streams goes away"

dmesg_check
finish
