#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run the selftests of this folder, all or those named, in the manner of kselftest:
# each script's TAP comes out indented, followed by a line for the script itself,
# which is "ok" only if it ended with 0 in time and kept its plan. Run it as root
# in a machine that may crash; scripts/vm makes one:
#
#   scripts/vm -- selftests/run.sh [test_x.sh ...]
#
# A script has 600 seconds, or what its own line "# timeout: SECONDS" says; five times
# as much with NATTRAV_FULL=1, which makes the floods as large as they are meant to be.

set -u
cd "$(dirname "$0")" || exit 1
export NATTRAV_KO=${NATTRAV_KO:-${PWD%/*}/build/nattrav.ko}

log=$(mktemp)
trap 'rm -f "$log"' EXIT

if [ $# -gt 0 ]; then
	tests=("${@##*/}")
else
	tests=(test_*.sh)
	[ -e "${tests[0]}" ] || tests=()
fi

echo "TAP version 13"
echo "1..${#tests[@]}"
number=0
failed=0

result() { # ok|not ok, remark
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $number $script${2:+ # $2}"
}

# What a script left behind must not decide over the next one.
tidy() {
	ip -all netns delete 2>/dev/null
	if [ -d /sys/module/nattrav ]; then
		echo N >/sys/module/nattrav/parameters/pin
		rmmod nattrav 2>/dev/null
	fi
	[ ! -d /sys/module/nattrav ]
}

for script in "${tests[@]}"; do
	number=$((number + 1))
	if [ ! -x "$script" ]; then
		result "not ok" "is not there or not executable"
		continue
	fi
	limit=$(sed -n 's/^# timeout: \([0-9]*\)$/\1/p;T;q' "$script")
	limit=$((${limit:-600} * ${NATTRAV_FULL:+5 * }1))
	start=$SECONDS
	: >"$log"
	# Through a file: a program that the script forgot would hold a pipe open.
	timeout --kill-after=15 "$limit" "./$script" </dev/null >"$log" 2>&1 &
	pid=$!
	tail -n +1 -s 0.2 -f --pid="$pid" "$log" |
		sed -u "s/^\(ok\|not ok\) \([0-9]*\) *-* */\1 \2 ${script%.sh}: /; s/^/    /"
	wait "$pid"
	status=$?
	took="$((SECONDS - start)) s"

	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p;T;q' "$log")
	counted=$(grep -cE '^(not )?ok\b' "$log")
	bad=$(grep -E '^not ok\b' "$log" | grep -cvE '# *(TODO|XFAIL)')
	case $status in
	0)
		if [ "${planned:-none}" != "$counted" ]; then
			result "not ok" "planned ${planned:-nothing}, did $counted"
		elif [ "$bad" -ne 0 ]; then
			result "not ok" "ended with 0 in spite of $bad failures"
		else
			result ok "$took"
		fi
		;;
	4) result ok "SKIP $(sed -n 's/^1\.\.0 *# *SKIP *//p;T;q' "$log")" ;;
	124 | 137) result "not ok" "no end after $limit s" ;;
	*) result "not ok" "ended with $status, $took" ;;
	esac
	if ! tidy; then
		echo "# $script left nattrav loaded and it cannot be removed; stopping here"
		failed=$((failed + 1))
		break
	fi
done

[ "$failed" -eq 0 ]
