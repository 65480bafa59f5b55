#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The KUnit tests of nattrav_kunit.ko, one line of TAP for each.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require insmod
[ -d /sys/kernel/debug/kunit ] || skip_all "this kernel has no KUnit"
kunit=${NATTRAV_KO%.ko}_kunit.ko
dmesg_mark
insmod "$kunit" || skip_all "$kunit does not load"

# The kernel's own plan counts suites; ours counts cases.
results=$(cat /sys/kernel/debug/kunit/nattrav_*/results)
cases=$(grep -cE '^ {4}(not )?ok ' <<<"$results")
plan $((cases + 1))
while read -r line; do
	case $line in
	'not ok '*) check_err 1 "see the kernel's log" ;;
	esac
	log_test "$(sed -E 's/^ *(not )?ok [0-9]+ (- )?//' <<<"$line")"
done < <(grep -E '^ {4}(not )?ok ' <<<"$results")
grep -E '^ *(#|not ok)' <<<"$results" | grep -B 5 'not ok' | sed 's/^ */# /'

check "rmmod works" rmmod nattrav_kunit
check "the kernel found nothing wrong" [ -z "$(dmesg_bad)" ]
log_test "the kernel found nothing wrong"
finish
