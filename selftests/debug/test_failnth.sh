#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
#
# R7: each allocation of each request fails in turn, and the table stays as it was.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require failnth
[ -e /proc/self/fail-nth ] || skip_all "this kernel has no /proc/self/fail-nth"
require_module

# GFP_KERNEL is not to be spared, and nobody reads a trace of each failure.
for fault in failslab fail_page_alloc; do
	echo N >"/sys/kernel/debug/$fault/ignore-gfp-wait"
	echo 0 >"/sys/kernel/debug/$fault/verbose"
done
[ ! -e /sys/kernel/debug/fail_page_alloc/min-order ] ||
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

gw='' # set by setup_ns
setup_ns gw
on "$gw" sysctl -qw net.ipv6.conf.all.disable_ipv6=0
ip -n "$gw" link add eth0 type dummy
ip -n "$gw" address add 203.0.113.1/24 dev eth0
ip -n "$gw" link set eth0 up
ip -n "$gw" address add 2001:db8:1::1/64 dev eth0 nodad

on "$gw" failnth >"$work/failnth.log" 2>&1
status=$?
lines=$(grep -cE '^(not )?ok ' "$work/failnth.log")
plan $((lines + 2))
while read -r line; do
	case $line in
	'#'* | Bail*) echo "$line" ;;
	'ok '* | 'not ok '*)
		[ "${line%% *}" = ok ] || check_err 1 "see above"
		log_test "${line#*- }"
		;;
	esac
done <"$work/failnth.log"
check_eq "status of failnth" "$status" 0
check_eq "planned requests" "$(sed -n 's/^1\.\.//p' "$work/failnth.log")" "$lines"
log_test "all allocations of all requests"
cleanup_all_ns
dmesg_check
finish
