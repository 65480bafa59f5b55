#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# R7: each allocation of each request fails in turn, by itself and with the next one, and
# the table stays as it was; each allocation that a packet causes fails in turn, and the
# stream goes on.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require failnth failpkt
[ -e /proc/self/fail-nth ] || skip_all "this kernel has no /proc/self/fail-nth"
[ -e /dev/net/tun ] || skip_all "this kernel has no tun devices"
require_module

# GFP_KERNEL is not to be spared, and nobody reads a trace of each failure.
for fault in failslab fail_page_alloc; do
	echo N >"/sys/kernel/debug/$fault/ignore-gfp-wait"
	echo 0 >"/sys/kernel/debug/$fault/verbose"
done
# of tasks that are marked, so many as failnth says
echo Y >/sys/kernel/debug/failslab/task-filter
echo 0 >/sys/kernel/debug/failslab/times
echo 1 >/sys/kernel/debug/failslab/interval
[ ! -e /sys/kernel/debug/fail_page_alloc/min-order ] ||
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

gw='' # set by setup_ns
setup_ns gw
on "$gw" sysctl -qw net.ipv6.conf.all.disable_ipv6=0
ip -n "$gw" link add eth0 type dummy
ip -n "$gw" address add 203.0.113.1/24 dev eth0
ip -n "$gw" link set eth0 up
ip -n "$gw" address add 2001:db8:1::1/64 dev eth0 nodad
ip -n "$gw" tuntap add media mode tun
ip -n "$gw" address add 198.51.100.1/24 dev media
ip -n "$gw" link set media up
ip -n "$gw" address add 2001:db8:2::1/64 dev media nodad

declare -A status=()
for program in failnth failpkt; do
	words=() probability=100
	[ "$program" = failnth ] || words=(media) probability=0
	echo "$probability" >/sys/kernel/debug/failslab/probability
	# "ip netns exec" has a /sys of its own
	# shellcheck disable=SC2016 # not the shell's $@
	on "$gw" bash -c 'mount -t debugfs debugfs /sys/kernel/debug && exec "$@"' - \
		"$program" "${words[@]}" >"$work/$program.log" 2>&1
	status[$program]=$?
done
lines=$(cat "$work"/fail*.log | grep -cE '^(not )?ok ')
plan $((lines + 2))
while read -r line; do
	case $line in
	'#'* | Bail*) echo "$line" ;;
	'ok '* | 'not ok '*)
		[ "${line%% *}" = ok ] || check_err 1 "see above"
		log_test "${line#*- }"
		;;
	esac
done < <(cat "$work"/fail*.log)
for program in failnth failpkt; do
	check_eq "status of $program" "${status[$program]}" 0
done
check_eq "planned tests" "$(sed -n 's/^1\.\.//p' "$work"/fail*.log | awk "{ n += \$1 } END { print n }")" "$lines"
log_test "all allocations of all requests and packets"
cleanup_all_ns
dmesg_check
finish
