#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# R8: SOAK_SECONDS (3600) of SOAK_RATE (50) call set-ups a second, media on a part of them,
# with deaths at random: ended, changed and ended, a time-out, the controller killed, the
# network namespace deleted. Then nothing may be left: no stream, no object in the module's
# slab caches, no memory, no word of the kernel. Not in run.sh's list; "make soak" runs it.

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

require nattravctl soak jq ethtool
require_module
plan 5

seconds=${SOAK_SECONDS:-3600}
rate=${SOAK_RATE:-50}
seed=${SOAK_SEED:-$((RANDOM * 32768 + RANDOM + 1))}
say "seed $seed, $seconds seconds, $rate calls a second"
RANDOM=$((seed % 32768))

gw='' phones='' # set by setup_ns
setup_ns gw phones
setup_gateway "$gw"
link "$gw" side_a 203.0.113.1/24 "$phones" eth0 203.0.113.10/24
ip -n "$phones" address add 203.0.113.11/24 dev eth0

# controller name ns relay address-a address-b seconds: sets calls up.
controller() {
	seed=$((seed + 1))
	start "$1" "$2" soak "$seed" "$6" "$rate" "$3" "/run/netns/$phones" "$4" "$5"
}
main_controller() { controller "$1" "$gw" 203.0.113.1 203.0.113.10 203.0.113.11 "$2"; }

# The last word of each controller, killed or not, added up: total WORD
total() {
	local log
	for log in "$work"/controller*.log "$work"/doomed*.log; do
		grep '^# set-up' "$log" | tail -n 1
	done 2>/dev/null | awk -v word="$1" '
		{ for (i = 2; i < NF; i++) if ($i == word) sum += $(i + 1) }
		END { print sum + 0 }'
}

# A namespace with calls under way goes away, and its controller with it.
doomed_namespace() {
	local name=doomed$1
	doomed_ns='' # set by setup_ns
	setup_ns doomed_ns
	link "$doomed_ns" eth0 192.0.2.1/24 "$phones" "$name" 192.0.2.10/24
	ip -n "$phones" address add 192.0.2.11/24 dev "$name"
	on "$doomed_ns" "$top/build/nattravctl" pool add 192.0.2.1 30000-39999 || return
	controller "$name" "$doomed_ns" 192.0.2.1 192.0.2.10 192.0.2.11 60
	sleep $((2 + RANDOM % 4))
	kill -KILL "${pid_of[$name]}" || return
	wait "${pid_of[$name]}" 2>/dev/null
	unset "pid_of[$name]"
	grep -q 'heard [1-9]' "$work/$name.log" && doomed=$((doomed + 1))
	ip netns del "$doomed_ns"
	unset "namespaces[-1]"
	slowwait 30 not ip -n "$phones" link show "$name"
}

# The module's own caches; each line a name and its objects. What lies on a CPU's own
# slab is counted only when the cache has been shrunk.
caches=(/sys/kernel/slab/nattrav*)
objects() {
	local cache
	for cache in "${caches[@]}"; do
		echo 1 >"$cache/shrink"
		echo "${cache##*/} $(sed 's/ .*//' "$cache/objects")"
	done
}

# Seconds, and what could be had of memory, in kB.
sample() {
	awk -v at="$SECONDS" '/^MemAvailable/ { print at, $2 }' /proc/meminfo >>"$work/memory"
}

# What a straight line through the samples, but for the first quarter, loses over
# the whole time, in kB.
memory_lost() {
	awk '{ x[NR] = $1; y[NR] = $2 }
		END {
			for (i = int(NR / 4) + 1; i <= NR; i++) {
				n++
				sx += x[i]; sy += y[i]; sxx += x[i] * x[i]; sxy += x[i] * y[i]
			}
			d = n * sxx - sx * sx
			printf "%d\n", n < 3 || !d ? 0 : -(n * sxy - sx * sy) / d * (x[NR] - x[1])
		}' "$work/memory"
}

check "the pool is made" nattravctl pool add 203.0.113.1 10000-65535
objects >"$work/objects.before"
check_ge "caches of the module" "$(wc -l <"$work/objects.before")" 1

kills=0 doomed=0 rounds=0
begin=$SECONDS
end=$((begin + seconds))
main_controller controller0 "$seconds"
while [ "$SECONDS" -lt "$end" ]; do
	rounds=$((rounds + 1))
	name=controller$kills
	sleep $((3 + RANDOM % 5))
	sample
	if ! kill -0 "${pid_of[$name]}" 2>/dev/null; then
		[ "$SECONDS" -lt "$end" ] || break
		check "controller $kills goes on to the end" false
		sed 's/^\(# \)\?/# /' "$work/$name.log" | tail -n 3
		break
	fi
	case $((RANDOM % 4)) in
	0)
		check "a namespace with calls goes away" doomed_namespace "$rounds"
		sample
		;;
	1)
		kill -KILL "${pid_of[$name]}"
		wait "${pid_of[$name]}" 2>/dev/null
		unset "pid_of[$name]"
		kills=$((kills + 1))
		main_controller "controller$kills" "$((end - SECONDS + 1))"
		;;
	esac
done
took=$((SECONDS - begin))
if [ -n "${pid_of[controller$kills]-}" ]; then
	await "controller$kills"
	check_err $? "the last controller ended with $?: $(tail -n 1 "$work/controller$kills.log")"
fi
say "$took s: $(total set-up) set-ups, $(total ended) ended, $(total forgotten) left to their time-outs," \
	"$(total changed) changed, $(total adopted) streams adopted"
say "$kills controllers killed, $doomed namespaces deleted with calls in them;" \
	"$(total sent) packets sent, $(total heard) heard"
# a slow machine may set fewer up; one that sets hardly any up shows nothing
check_ge "calls set up" "$(total set-up)" $((took * rate / 4))
check_ge "packets heard" "$(total heard)" "$(total set-up)"
check_ge "controllers killed" "$kills" 1
check_ge "namespaces deleted" "$doomed" 1
log_test "calls come and go"

check "all calls have ended or expired" slowwait 60 no_streams
check_sum
log_test "no stream is left, each packet was counted"

# Freed after a grace period, by a worker.
sleep 5
objects >"$work/objects.after"
paste -d' ' "$work/objects.before" "$work/objects.after" | while read -r name before _ after; do
	say "$name: $before objects before, $after after"
done
check "as many objects as before" cmp "$work/objects.before" "$work/objects.after"
log_test "the module's slab caches are as they were"

# What 100 bytes a call would come to, and not less than the noise of a guest.
allowed=$(($(total set-up) / 10 + 2048))
lost=$(memory_lost)
say "memory: $(head -n 1 "$work/memory") ... $(tail -n 1 "$work/memory") (s, kB), lost $lost kB"
[ "$lost" -le "$allowed" ]
check_err $? "MemAvailable fell by $lost kB, $allowed kB are allowed"
log_test "no memory is lost"

cleanup_all_ns
dmesg_check
finish
