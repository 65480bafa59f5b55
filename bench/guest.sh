#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of the benchmark that runs in the guest; bench/run starts it there.
#
#   bench/guest.sh FOLDER REPETITIONS PACKETS MODULE ROOT < rows
#
# A row is "DATAPATH FAMILIES FLOWS WAYS", as in "nattrav 4-6 1000 2". What comes
# out is JSON, an object a line: first one about the guest, then one for each row,
# with the instructions per packet of each repetition. A row in which one packet
# was lost or came other than it should is void, and says so. There are two more
# sorts of row: "nattrav-calls" and "rtpengine-calls", what it takes to set up a call
# and how much memory that fills, and "nattrav-first", what the packet takes that a
# leg latches to. MODULE is nattrav.ko, if it is not to be the tree's; ROOT is where
# scripts/kernels has put the Debian that has rtpengine.
#
#    a0  ---- side_a  gateway  side_b ---- b0
#        veth                        veth
#
# Generator and sink are in the kernel (nattrav_bench.c), at a0 and b0. Behind each
# of these is one router, a permanent neighbour, and behind it are all terminals.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$1 reps=$2 packets=$3
driver=build/bench/driver
module=${4:-build/module/$(uname -r)/nattrav.ko}
root=$5
generator=build/bench/module/$(uname -r)/nattrav_bench.ko
work=$(mktemp -d)

gateway() { ip netns exec gateway "$@"; }

# A link that has no address of its own says nothing by itself.
quiet() { # namespace
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0
}

# One side of the gateway, with a router to its terminals behind the link.
side_setup() { # a|b, terminals' namespace, IPv4 and IPv6 number of the terminals' network
	local dev=side_$1 far=$1"0" mac
	ip -n "$2" link add "$far" type veth peer name "$dev" netns gateway
	ip netns exec "$2" sysctl -qw "net.ipv6.conf.$far.disable_ipv6=1"
	ip -n "$2" link set "$far" up
	mac=$(ip -n "$2" -br link show "$far" | awk '{ print $3 }')
	ip -n gateway link set "$dev" up
	ip -n gateway address add "192.0.2.$(($3 * 16 + 1))/28" dev "$dev"
	ip -n gateway address add "2001:db8:$3::1/64" dev "$dev" nodad
	ip -n gateway neigh add "192.0.2.$(($3 * 16 + 2))" lladdr "$mac" dev "$dev" nud permanent
	ip -n gateway neigh add "2001:db8:$3::2" lladdr "$mac" dev "$dev" nud permanent
	ip -n gateway route add "10.$3.0.0/16" via "192.0.2.$(($3 * 16 + 2))"
	ip -n gateway route add "fd00:$3::/32" via "2001:db8:$3::2"
}

setup() {
	local ns address side family
	modprobe -a veth nf_tables
	for ns in a gateway b; do
		ip netns add "$ns"
		quiet "$ns"
		ip -n "$ns" link set lo up
	done
	side_setup a a 1
	side_setup b b 2
	gateway sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.conf.side_a.rp_filter=0 net.ipv4.conf.side_b.rp_filter=0
	for family in 4 6; do
		for side in a b; do
			for address in $("$driver" relays "$family" "$side" "$flows_max"); do
				echo "address add $address dev lo $([ "$family" = 4 ] || echo nodad)"
			done
		done
	done | ip -n gateway -batch -
	insmod "$generator"
	"$driver" ports a gateway b
}

forwarding() { # 0|1
	gateway sysctl -qw "net.ipv4.ip_forward=$1" "net.ipv6.conf.all.forwarding=$1"
}

flows() { # GATEWAY FAMILIES FLOWS WAYS [FIRST]
	gateway "$driver" flows "$1" "${2%-*}" "${2#*-}" "${@:3}"
}

# --- The datapaths: what NAME_up does, NAME_down takes back ------------------

null_up() { flows relay "$@" >/dev/null; }
null_down() { :; }

bounce_up() { flows relay "$@" >/dev/null; }
bounce_down() { :; }

forward_up() {
	forwarding 1
	flows forward "$@"
}
forward_down() { forwarding 0; }

# The same rewriting as nattrav's: both addresses and both ports.
conntrack_up() {
	local ip=ip type=ipv4_addr
	if [ "$1" = 6-6 ]; then
		ip=ip6 type=ipv6_addr
	fi
	modprobe -a nf_conntrack nft_nat nft_chain_nat
	echo 1048576 >/sys/module/nf_conntrack/parameters/hashsize
	gateway sysctl -qw net.netfilter.nf_conntrack_udp_timeout=86400 \
		net.netfilter.nf_conntrack_udp_timeout_stream=86400
	sysctl -qw net.netfilter.nf_conntrack_max=4194304
	forwarding 1
	gateway nft -f - <<-END
		table $ip nat {
			map to_terminal { type $type . inet_service : $type . inet_service; }
			map from_relay { type $type . inet_service : $type . inet_service; }
			chain prerouting {
				type nat hook prerouting priority dstnat
				iifname "side_a" dnat to $ip daddr . udp dport map @to_terminal
			}
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname "side_b" snat to $ip saddr . udp sport map @from_relay
			}
		}
	END
	flows relay "$@" >"$work/elements"
	gateway nft -f "$work/elements"
}
conntrack_down() {
	gateway nft flush ruleset
	forwarding 0
	# the entries go with the namespace only, or one by one
	gateway conntrack -F 2>/dev/null
}

flowtable_up() {
	local ip=ip
	[ "$1" = 4-4 ] || ip=ip6
	conntrack_up "$@"
	modprobe nft_flow_offload
	gateway sysctl -qw net.netfilter.nf_flowtable_udp_timeout=86400
	gateway nft -f - <<-END
		table $ip fast {
			flowtable f { hook ingress priority filter; devices = { side_a, side_b }; }
			chain forward {
				type filter hook forward priority filter
				meta l4proto udp flow add @f
			}
		}
	END
}
flowtable_down() { conntrack_down; }

# Not by ip netns exec: that hides the file system which the table is in.
tcbpf_up() {
	modprobe -a sch_ingress cls_bpf
	mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf
	local dev link_a link_b
	for dev in side_a side_b; do
		nsenter --net=/run/netns/gateway tc qdisc add dev "$dev" clsact
		nsenter --net=/run/netns/gateway tc filter add dev "$dev" ingress bpf da \
			obj build/bench/redirect.o sec tc >&2
	done
	link_a=$(ip -n a -br link show a0 | awk '{ print $3 }')
	link_b=$(ip -n b -br link show b0 | awk '{ print $3 }')
	LINK_A=$link_a LINK_B=$link_b nsenter --net=/run/netns/gateway \
		"$driver" flows redirect "${1%-*}" "${1#*-}" "$2" "$3"
}
tcbpf_down() {
	gateway tc qdisc del dev side_a clsact
	gateway tc qdisc del dev side_b clsact
	rm -rf /sys/fs/bpf/tc
}

nattrav_start() { [ -d /sys/module/nattrav ] || insmod "$module"; }
nattrav_up() {
	nattrav_start
	flows nattrav "$@" >/dev/null
}
nattrav_down() {
	# there are streams yet
	echo N >/sys/module/nattrav/parameters/pin
	rmmod nattrav
}

# Its daemon makes the rules for nft by itself. It is given two addresses, and none of
# its time-outs runs out while the guest's clock races; all else is as it comes.
rtpengine_start() { # [table]
	local table=${1:-0} dir
	[ -x "$root/usr/bin/rtpengine" ] || { echo "no rtpengine; see scripts/kernels" >&2 && return 1; }
	[ "$table" -lt 0 ] || modprobe nft_rtpengine
	for dir in proc dev; do
		mountpoint -q "$root/$dir" || mount --rbind "/$dir" "$root/$dir"
	done
	cat >"$root/run/bench.conf" <<-END
		[rtpengine]
		table = $table
		no-fallback = true
		interface = a/$("$driver" relays 4 a 1);b/$("$driver" relays 4 b 1)
		port-min = 2000
		port-max = 61999
		listen-ng = 127.0.0.1:2223
		nftables-chain = rtpengine
		nftables-base-chain = INPUT
		nftables-family = ip
		timeout = 8640000
		silent-timeout = 8640000
		offer-timeout = 8640000
		log-level = 4
	END
	# 6 for each call
	ulimit -n 1048576
	ip netns exec gateway chroot "$root" rtpengine --config-file=/run/bench.conf -f -E \
		>"$work/rtpengine.log" 2>&1 &
	echo $! >"$work/rtpengine.pid"
	until gateway ss -Hlun 'sport = 2223' | grep -q .; do
		kill -0 "$(<"$work/rtpengine.pid")" || { tail -n 3 "$work/rtpengine.log" >&2 && return 1; }
		sleep 1
	done
}
# It looks at the first packets itself, and for 3 s at where they come from.
rtpengine_begin() { # calls in these flows, calls in all
	for _ in 1 2 3; do
		"$driver" run resent $((2 * $1)) 1 >/dev/null
		sleep 5
	done
	[ -e /proc/rtpengine/0 ] || return 0
	awk -v wanted=$((2 * $2)) '$1 == "Targets:" { targets = $2 }
		END { if (targets < wanted) { print "void: " targets " of " wanted " targets in the kernel" ; exit 1 } }' \
		/proc/rtpengine/0/status >&2
}
rtpengine_up() {
	rtpengine_start 0
	flows rtpengine "$1" "$2" 2 >/dev/null
	rtpengine_begin "$2" "$2"
}
rtpengine_down() {
	local pid
	pid=$(<"$work/rtpengine.pid")
	kill "$pid" && tail --pid="$pid" -f /dev/null
	gateway nft flush ruleset
	rmmod nft_rtpengine 2>/dev/null || :
}

rtpengine-user_up() {
	rtpengine_start -1
	flows rtpengine "$1" "$2" 2 >/dev/null
	rtpengine_begin "$2" "$2"
}
rtpengine-user_down() { rtpengine_down; }

# --- Measuring ----------------------------------------------------------------

# Where the packets end, for the driver.
mode_of() { # DATAPATH
	case $1 in
	null | bounce) echo "$1" ;;
	rtpengine*) echo resent ;;
	*) echo through ;;
	esac
}

# Every flow is looked at before and after; in between, nothing looks at anything
# while the clock runs. The first run is to warm up and does not count.
packets_row() { # DATAPATH FAMILIES FLOWS WAYS
	local total=$(($3 * $4)) count=$packets mode
	mode=$(mode_of "$1")
	"$1_up" "$2" "$3" "$4"
	# what was left over from setting up
	sleep 5
	[ "$count" -ge "$total" ] || count=$total
	"$driver" verify "$mode" $((2 * total)) "$total"
	"$driver" run "$mode" "$count" $((reps + 1)) "$total" >"$work/runs"
	"$driver" verify "$mode" "$total" "$total"
	tail -n +2 "$work/runs" | jq -cRn --argjson packets "$count" '[inputs | split(" ") | map(tonumber)] |
		{ $packets, instructions: map(.[0]), runs: map(.[1]) }'
}

# The first packet of each flow, and the thousandth.
first_row() { # DATAPATH FAMILIES FLOWS WAYS
	nattrav_start
	flows partial "$2" "$3" 1 >/dev/null
	sleep 5
	"$driver" run through "$3" 1000 >"$work/runs"
	"$driver" verify through "$3"
	jq -cRn '[inputs | split(" ")[0] | tonumber] | { first: .[0], second: .[1], thousandth: last }' "$work/runs"
}

memory() { # [pid]
	sleep 5
	echo 3 >/proc/sys/vm/drop_caches
	awk '{ value[$1] = $2 } END { print value["Slab:"], value["MemAvailable:"], value["VmRSS:"] + 0 }' \
		/proc/meminfo ${1:+"/proc/$1/status"}
}

# What a call takes, where there are some already.
calls_row() { # DATAPATH FAMILIES CALLS WAYS
	local there=$(($3 / 10)) first=0 count pid='' before=''
	"${1%-calls}_start"
	for count in "$there" "$3"; do
		if [ "$1" = rtpengine-calls ]; then
			flows rtpengine "$2" "$count" 2 "$first" >"$work/setup"
			rtpengine_begin "$count" $((first + count))
			pid=$(<"$work/rtpengine.pid")
		else
			flows calls "$2" "$count" 2 "$first" >"$work/setup"
			"$driver" verify through $((2 * count))
		fi
		"$driver" forget
		[ -n "$before" ] || before=$(memory "$pid")
		first=$there
	done
	echo "$before $(memory "$pid")" | jq -cR --argjson calls "$3" --argjson setup "$(<"$work/setup")" '
		split(" ") | map(tonumber * 1024 / $calls | round) |
		{ $setup, slab: (.[3] - .[0]), available: (.[1] - .[4]), rss: (.[5] - .[2]) }'
}

row() { # DATAPATH FAMILIES FLOWS WAYS
	local status measure=packets_row reason='' values='{}'
	case $1 in *-calls) measure=calls_row ;; *-first) measure=first_row ;; esac
	# in a place where -e holds, unlike before ||
	set +e
	(
		set -e
		"$measure" "$@" >"$work/values"
	) 2>"$work/error"
	status=$?
	set -e
	# for profiles; after _down the module's functions are gone
	cp /proc/kallsyms "$folder/kallsyms"
	if [ "$status" -eq 0 ]; then
		values=$(<"$work/values")
	else
		reason=$(echo "status $status:" && head -c 300 "$work/error")
	fi
	case $1 in *-calls | *-first) "${1%-*}_down" || : ;; *) "$1_down" || : ;; esac
	jq -nc --arg datapath "$1" --arg families "$2" --argjson flows "$3" --argjson ways "$4" \
		--argjson values "$values" --arg void "$reason" \
		'{$datapath, $families, $flows, $ways} + $values + if $void == "" then {} else {$void} end'
}

mapfile -t rows
flows_max=$(printf '%s\n' "${rows[@]}" | awk '$3 > max { max = $3 } END { print max }')
mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
setup
# the first seconds of a kernel are busy ones
sleep 20
jq -nc --arg kernel "$(uname -r)" --arg version "$(uname -v)" --arg command "$(cat /proc/cmdline)" \
	--arg lsm "$(cat /sys/kernel/security/lsm)" --arg clock "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" \
	--arg rtpengine "$([ -z "$root" ] || chroot "$root" rtpengine --version 2>&1 | head -n 1)" \
	'{$kernel, $version, $rtpengine, lsm: $lsm, clocksource: $clock, command: $command}'
for line in "${rows[@]}"; do
	read -r -a words <<<"$line"
	row "${words[@]}"
done
