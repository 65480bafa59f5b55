#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The part of the benchmark that runs in the guest; bench/run starts it there.
#
#   bench/guest.sh FOLDER REPETITIONS PACKETS [MODULE] < rows
#
# A row is "DATAPATH FAMILIES FLOWS WAYS", as in "nattrav 4-6 1000 2". What comes
# out is JSON, an object a line: first one about the guest, then one for each row,
# with the instructions per packet of each repetition. A row in which one packet
# was lost or came other than it should is void, and says so.
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

flows() { # GATEWAY FAMILIES FLOWS WAYS
	gateway "$driver" flows "$1" "${2%-*}" "${2#*-}" "$3" "$4"
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

nattrav_up() {
	[ -d /sys/module/nattrav ] || insmod "$module"
	flows nattrav "$@"
}
nattrav_down() {
	# there are streams yet
	echo N >/sys/module/nattrav/parameters/pin
	rmmod nattrav
}

# --- Measuring ----------------------------------------------------------------

# Every flow is looked at before and after; in between, nothing looks at anything
# while the clock runs. The first run is to warm up and does not count.
measure() { # MODE FLOWS WAYS
	local total=$(($2 * $3)) count=$packets
	[ "$count" -ge "$total" ] || count=$total
	"$driver" verify "$1" $((2 * total)) &&
		"$driver" run "$1" "$count" $((reps + 1)) | tail -n +2 &&
		"$driver" verify "$1" "$total"
}

row() { # DATAPATH FAMILIES FLOWS WAYS
	local mode=through values='' status reason=''
	case $1 in null | bounce) mode=$1 ;; esac
	# in a place where -e holds, unlike before ||
	set +e
	(
		set -e
		"$1_up" "$2" "$3" "$4"
		# what was left over from setting up
		sleep 5
		measure "$mode" "$3" "$4" >"$work/values"
	) 2>"$work/error"
	status=$?
	set -e
	[ "$status" -ne 0 ] || values=$(<"$work/values")
	# for profiles; after _down the module's functions are gone
	cp /proc/kallsyms "$folder/kallsyms"
	[ "$status" -eq 0 ] || reason=$(echo "status $status:" && head -c 300 "$work/error")
	"$1_down" || :
	jq -nc --arg datapath "$1" --arg families "$2" --argjson flows "$3" --argjson ways "$4" \
		--arg values "${values-}" --arg void "$reason" \
		'{$datapath, $families, $flows, $ways, instructions: ($values | split("\n") | map(select(. != "") | tonumber))}
		 + if $void == "" then {} else {void: $void, instructions: []} end'
}

mapfile -t rows
flows_max=$(printf '%s\n' "${rows[@]}" | awk '$3 > max { max = $3 } END { print max }')
mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
setup
# the first seconds of a kernel are busy ones
sleep 20
jq -nc --arg kernel "$(uname -r)" --arg version "$(uname -v)" --arg command "$(cat /proc/cmdline)" \
	--arg lsm "$(cat /sys/kernel/security/lsm)" --arg clock "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" \
	'{$kernel, $version, lsm: $lsm, clocksource: $clock, command: $command}'
for line in "${rows[@]}"; do
	read -r -a words <<<"$line"
	row "${words[@]}"
done
