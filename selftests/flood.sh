# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Floods, and how large they are. Source it after lib.sh.
#
# In an emulated guest a packet costs a hundred times what it costs elsewhere, so
# that the sizes that the tests are meant for are taken with NATTRAV_FULL=1 only.

# shellcheck disable=SC2034,SC2154 # for the scripts that source this; $work is of lib.sh

# full size-by-default size-with-NATTRAV_FULL
full() {
	if [ -n "${NATTRAV_FULL-}" ]; then
		echo "$2"
	else
		echo "$1"
	fi
}

# The kernel's own sender is bound to the last processor; what is to be measured
# beside it stays on the first one, for what comes to a device waits in a queue of
# the processor that it was sent by.
flood_cpu=$(($(nproc) - 1))
aside=(taskset 1)

# What a sender is ahead of its receiver must not be lost in between.
sysctl -qw net.core.netdev_max_backlog=50000

has_pktgen() { [ "$flood_cpu" -gt 0 ] && modprobe pktgen 2>/dev/null; }

# flood_start name ns dev mac source sport destination dport...: from the kernel, as
# fast as it can, to each of the ports, or of FIRST-LAST one after the other, until
# flood_end. The UDP payload begins with
# be 9b e9 55, a number and the time in seconds, which is also RTP of payload type 27.
flood_start() {
	local name=$1 ns=$2 dev=$3 mac=$4 source=$5 sport=$6 destination=$7 port n=0
	shift 7
	{
		echo "cd /proc/net/pktgen || exit"
		echo "echo rem_device_all >kpktgend_$flood_cpu"
		for port; do
			echo "echo add_device $dev@$n >kpktgend_$flood_cpu"
			# a veth may not send a packet that it does not own
			printf "echo '%s' >$dev@$n\n" "count 0" "clone_skb 0" "delay 0" "pkt_size 214" \
				"src_min $source" "src_max $source" "dst $destination" "dst_mac $mac" \
				"udp_src_min $sport" "udp_src_max $sport" \
				"udp_dst_min ${port%-*}" "udp_dst_max ${port#*-}"
			n=$((n + 1))
		done
		echo "echo start >pgctrl"
	} >"$work/$name.sh"
	start "$name" "$ns" bash "$work/$name.sh"
	flood_ns[$name]=$ns
}
declare -A flood_ns=()

# flood_sent name: packets so far
flood_sent() {
	on "${flood_ns[$1]}" bash -c 'cat /proc/net/pktgen/*@*' |
		awk '$1 == "pkts-sofar:" { sum += $2 } END { print sum + 0 }'
}
flood_has_sent() { [ "$(flood_sent "$1")" -ge "$2" ]; }

flood_end() {
	stop "$1"
	# the thread looks for it between two packets
	slowwait 20 not on "${flood_ns[$1]}" grep -q '^Running: .*@' "/proc/net/pktgen/kpktgend_$flood_cpu"
}

mac_of() { ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'; }
