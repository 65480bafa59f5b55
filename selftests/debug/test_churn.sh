#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 3600
#
# T-M8, T-C5, R10, R11: for a fifth of DEBUG_SECONDS, streams and pools are made, changed,
# dumped and removed, namespaces and links deleted, routes flapped, all under traffic. Then
# R19: many streams reach their time-out at once, and many more are there when their
# namespace is deleted. Then kmemleak looks for what is left, and the module goes away.
#
#   a 203.0.113.10 ------- 203.0.113.1  gateway  198.51.100.1 ----- b 198.51.100.11

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require nattravctl churn nlfuzz scale jq
require_module
plan 5

many=20000

seconds=$((${DEBUG_SECONDS:-600} / 5))
seed=${DEBUG_SEED:-$((RANDOM * 32768 + RANDOM + 1))}
leaks=/sys/kernel/debug/kmemleak
say "seed $seed, $seconds seconds"

a='' b='' gw='' # set by setup_ns
setup_ns a b gw
setup_gateway "$gw"
link_b() { link "$gw" side_b 198.51.100.1/24 "$b" eth0 198.51.100.11/24; }
link "$gw" side_a 203.0.113.1/24 "$a" eth0 203.0.113.10/24
link_b
ip -n "$a" route add default via 203.0.113.1
ip -n "$b" route add default via 198.51.100.1
ip -n "$gw" link add spare type dummy
ip -n "$gw" link set spare up

check "the pool is made" nattravctl pool add 203.0.113.1 30000-30999
start churn "$gw" churn "$seed" "$seconds" "/run/netns/$a" "/run/netns/$b"

# A namespace with streams and traffic of its own, which then is deleted.
doomed_ns() {
	local ns=doomed.$$
	ip netns add "$ns"
	ip -n "$ns" link set lo up
	ip -n "$ns" link add eth0 type dummy
	ip -n "$ns" address add 203.0.113.1/24 dev eth0
	ip -n "$ns" link set eth0 up
	on "$ns" nattravctl pool add 203.0.113.1 30000-30999 &&
		on "$ns" nattravctl stream add call doomed rtcp a peer 203.0.113.10:4000 \
			b peer 203.0.113.11:4000 &&
		made=$((made + 1))
	on "$ns" timeout 0.5 nlfuzz "$seed" 9 >/dev/null
	ip netns del "$ns"
}

rounds=0 made=0
end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ]; do
	rounds=$((rounds + 1))
	case $((rounds % 5)) in
	1) doomed_ns ;;
	0)
		ip -n "$gw" link del side_b
		link_b
		ip -n "$b" route replace default via 198.51.100.1
		;;
	2)
		for _ in 1 2 3 4 5; do
			ip -n "$gw" route replace unreachable 198.51.100.11/32
			ip -n "$gw" route del unreachable 198.51.100.11/32
		done
		;;
	3)
		ip -n "$gw" link set side_a down
		ip -n "$gw" link set side_a up
		ip -n "$gw" neigh flush all
		;;
	4)
		ip -n "$gw" address add 203.0.113.129/32 dev spare
		sleep 0.2
		ip -n "$gw" address del 203.0.113.129/32 dev spare
		;;
	esac 2>>"$work/flap.log"
done
await churn
check_err $? "churn ended with $?"
sed 's/^\(# \)\?/# /' "$work/churn.log"
say "$rounds rounds of links, routes and namespaces; $made namespaces deleted with streams"
check_ge "packets forwarded" "$(ctl .forwarded stats)" 1
check_ge "namespaces deleted with streams" "$made" 1
log_test "the table, links, routes and namespaces change under traffic"

check_sum
log_test "each packet was counted"

# What is left of the others goes first.
streams() { on "$gw" scale count; }
none() { [ "$(streams)" = 0 ]; }
many() { on "$gw" scale add "$many" 500 1 "$1"; } # idle time-out in ms
for stream in $(ctl '.[].id' stream list); do
	nattravctl stream del "$stream"
done >"$work/del.log" 2>&1
ip -n "$gw" address add 10.99.0.1/32 dev lo
check "a pool for many" nattravctl pool add 10.99.0.1 1024-65535
check "many streams" many 1000
check "all of them time out" slowwait 120 none
log_test "$many streams time out at once"

ip -n "$gw" address add 10.99.0.2/32 dev lo
check "another pool, since ports rest" nattravctl pool add 10.99.0.2 1024-65535
check "many streams" many 3600000
check_eq "streams when the namespace is deleted" "$(streams)" "$many"
cleanup_all_ns
if [ -e "$leaks" ]; then
	# Freed after a grace period, and seen by kmemleak 5 s after it was made.
	sleep 6
	echo scan >"$leaks"
	sleep 1
	echo scan >"$leaks"
	grep -A 20 'unreferenced object' "$leaks" | sed 's/^/# /'
	check "kmemleak finds nothing" not grep -q 'unreferenced object' "$leaks"
	log_test "no leak"
else
	log_skip "no leak" "this kernel has no kmemleak"
fi
dmesg_check
finish
