#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# T-M8: 32 streams are made, changed and removed again and again while their 64 ports
# are under fire from both sides, and from the kernel where it has a sender. No packet
# goes to a peer that a stream had before its last change, or before it was removed.
#
# RACE_CHANGES: how many streams are made, changed or removed, all in all (1000000).

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

changes=${RACE_CHANGES:-1000000}

require jq race
require_module
setup_star
plan 3
check "pool" nattravctl pool add "$relay" 32000-32063

flood=
if has_pktgen; then
	flood_start flood "$a" eth0 "$(mac_of "$gw" side_a)" "${A%:*}" "${A#*:}" "$relay" 32000-32031
	check "the flood is there" slowwait 20 flood_has_sent flood 1000
	flood=1
fi
on "$gw" race "$changes" "/run/netns/$a" "/run/netns/$b" >"$work/race.log" 2>&1
check_err $? "race: $(tail -n 1 "$work/race.log")"
if [ -n "$flood" ]; then
	say "$(flood_sent flood) packets from the kernel"
	flood_end flood
fi
say "$(nproc) processors: $(cat "$work/race.log")"
of() { jq ".\"$1\"" "$work/race.log"; }
check_ge "changes" "$(of changes)" "$changes"
check_ge "packets that reached B" "$(of heard)" 1
check_ge "packets that reached A" "$(of heard-a)" 1
check_eq "packets to a peer of before" "$(of stale)" 0
check_eq "packets to a peer of later" "$(of early)" 0
check_eq "streams left" "$(ctl length stream list)" 0
log_test "32 streams are made, changed and removed under fire, $(of changes) changes;" \
	"no packet goes to a former peer"

check_sum
log_test "the sum is right"

dmesg_check
finish
