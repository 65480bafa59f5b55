#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# Who may control the relay and what he can break: users without rights, other
# namespaces, messages with each attribute wrong in each way, readers of events
# that are too slow.

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

require jq setpriv unshare
require_module
setup_ns gw
setup_ns x
link "$gw" eth0 203.0.113.1/24 "$x" eth0 203.0.113.10/24
plan 12
check "pool" nattravctl pool add "$relay" 30000-39999
check "stream" stream_add call kept rtcp timeout-partial 1h a local "$relay:39000" prefix "${A%:*}/32" \
	b local "$relay:39002" peer 203.0.113.10:6000

# All of it but what the clock changes.
table() {
	nattravctl --json pool list
	nattravctl --json stream list | jq -c 'del(.. | .age?, .silence?, ."window-left"?)'
}
table >"$work/table"
unchanged() { table | diff -q "$work/table" -; }

# Each operation, with what would do harm if it were allowed: an entry with an id.
operations() {
	local command
	for command in 1 2 3 4 5 6 7 8; do
		echo "$command 0c000180 08000100 $(printf '%02x000000' "$stream")"
	done
}
operations >"$work/operations"
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
denied() {
	"$@" genlmsg - <"$work/operations" >"$work/denied"
	[ "$(grep -c '^Operation not permitted' "$work/denied")" -eq 8 ]
}

not_heard() { "$@" genlmsg join | grep -q '^Operation not permitted'; }

# --- Rights ---------------------------------------------------------------------------

check "all operations denied" denied on "$gw" "${nobody[@]}"
check "no events" not_heard on "$gw" "${nobody[@]}"
check "no events" not on "$gw" timeout 20 "${nobody[@]}" "$top/build/nattravctl" monitor
grep -q 'not permitted' "$work/check.log"
check_err $? "nattravctl monitor ended for another reason: $(head -n 1 "$work/check.log")"
check "nothing changed" unchanged
log_test "a user without CAP_NET_ADMIN: no operation, no event"

# A user that is root in a user namespace of its own.
check "all operations denied" denied on "$gw" "${nobody[@]}" unshare -Ur
check "no events" not_heard on "$gw" "${nobody[@]}" unshare -Ur
check "no events" not on "$gw" timeout 20 "${nobody[@]}" unshare -Ur "$top/build/nattravctl" monitor
check "root may" on "$gw" genlmsg join
check "nothing changed" unchanged
log_test "root of another user namespace: no operation, no event"

own_network() {
	on "$gw" "${nobody[@]}" unshare -Urn bash -c "
		ip link set lo up && ip address add 10.0.0.1/32 dev lo &&
		nattravctl pool list --json && nattravctl stream list --json &&
		nattravctl pool add 10.0.0.1 30000-30099 && nattravctl stream add call own &&
		! nattravctl stream del call kept && nattravctl stream del call own"
}
check "it controls a relay of its own" own_network
check_eq "pools and streams that it saw" "$(head -n 2 "$work/check.log" | tr -d '[:space:]')" '[][]'
check "nothing changed" unchanged
log_test "root of its own network namespace: a relay of its own, nothing of ours"

# --- Namespaces -----------------------------------------------------------------------

elsewhere() { on "$x" "$top/build/nattravctl" "$@"; }
for words in "stream show $stream" "stream set $stream a window 5s" "stream del $stream" \
	"stream del call kept" "pool del 1"; do
	# shellcheck disable=SC2086 # words
	check "refused elsewhere: $words" not elsewhere $words
done
check_eq "streams elsewhere" "$(elsewhere --json stream list | jq length)" 0
check "nothing changed" unchanged
log_test "another namespace neither sees nor changes a stream of this one"

# It is gone when its end of a cable is; its name goes before.
busy=''
live=$(full 4000 10000)
setup_ns busy
ip -n "$busy" address add 203.0.113.1/32 dev lo
link "$x" probe - "$busy" probe -
check "pool" on "$busy" "$top/build/nattravctl" pool add 203.0.113.1 1024-65535
for ((i = 0; i < live / 2; i++)); do echo "call many rtcp a peer 192.0.2.1:4000"; done >"$work/batch"
check "$live streams" on "$busy" "$top/build/nattravctl" stream add --batch "$work/batch"
before=$SECONDS
ip netns del "$busy"
gone() { ! ip -n "$x" link show probe >/dev/null 2>&1; }
check "it is gone" slowwait 20 gone
took=$((SECONDS - before))
check_eq "dmesg" "$(dmesg_bad)" ""
check "nothing changed" unchanged
log_test "a namespace with $live live streams is deleted: gone after $took s"

# --- Messages ---------------------------------------------------------------------------

# In the byte order of a little-endian host; attr NUMBER DATA pads to four bytes.
attr() {
	local data=${2-} length
	length=$((4 + ${#data} / 2))
	while [ $((${#data} % 8)) -ne 0 ]; do data+=00; done
	printf '%02x%02x%02x%02x%s' $((length & 255)) $((length >> 8)) $(($1 & 255)) $(($1 >> 8)) "$data"
}
nest() { attr $(($1 | 0x8000)) "$2"; }
id=$(attr 1 "$(printf '%02x000000' "$stream")")
ff300=$(printf 'ff%.0s' {1..300})

# message command nest-of-streams: the stream is named where there must be one
message() {
	case $1 in
	4) echo "4 $(nest 1 "$2")" ;;
	*) echo "$1 $(nest 1 "$id$2")" ;;
	esac
}

# Too short, too long, and not nested or nested where it should be the other way.
wrong() { # number
	attr "$1" && echo
	attr "$1" ffffff && echo
	attr "$1" "$ff300" && echo
	nest "$1" ffffffff && echo
}
for command in 4 5; do
	for number in {1..60}; do
		for bad in $(wrong "$number"); do
			message "$command" "$(nest 7 "$bad")"
		done
	done
	for number in {2..24}; do
		for bad in $(wrong "$number"); do
			# an empty flag is right, but only in new
			[ "$command/$bad" = "4/$(attr 5)" ] || message "$command" "$bad"
		done
	done
done >"$work/streams"
for number in {1..12}; do
	for bad in $(wrong "$number"); do
		echo "1 $(nest 1 "$bad")"
		echo "2 $(nest 1 "$bad")"
	done
done >"$work/pools"
for number in {1..4}; do
	for bad in $(wrong "$number"); do
		message 5 "$(nest 7 "$(nest 9 "$bad")")"
	done
done >"$work/prefixes"

# Each line must be refused, with words.
refused() {
	local sent
	sent=$(wc -l <"$work/$1")
	on "$gw" genlmsg - <"$work/$1" >"$work/answers"
	check_eq "answers" "$(wc -l <"$work/answers")" "$sent"
	check_eq "accepted" "$(grep -n '^ok' "$work/answers" | head -n 3)" ""
	check_eq "without words" "$(grep -nE '^[^:]*: *$' "$work/answers" | head -n 3)" ""
	check "nothing changed" unchanged
}
refused streams
refused pools
refused prefixes
log_test "each attribute short, long and of another kind: refused in words, nothing changed"

# As it should be, but told by the kernel only; and what only a new stream is given.
zero() { printf '00%.0s' $(seq "$1"); }
{
	for command in 4 5; do
		for number in 17 22 25 26 27 28 29 30 31 43 45 46; do
			message "$command" "$(nest 7 "$(attr "$number" "$(zero 4)")")"
		done
		for number in 19 20 21 34; do
			message "$command" "$(nest 8 "$(attr "$number" "$(zero 8)")")"
		done
		message "$command" "$(nest 7 "$(attr 24 "$(zero 1)")")"
		message "$command" "$(nest 7 "$(attr 32 "$(zero 16)")")"
		message "$command" "$(nest 7 "$(attr 33 "$(zero 2)")")"
		message "$command" "$(nest 7 "$(attr 44)")"
		message "$command" "$(attr 6 "$(zero 4)")"
		message "$command" "$(attr 12 "$(zero 8)")"
		message "$command" "$(attr 13 "$(zero 4)")"
	done
	message 5 "$(attr 2 6f7468657200)"
	message 5 "$(attr 4 "$(zero 4)")"
	message 5 "$(attr 5)"
	message 5 "$(nest 7 "$(attr 1 6f7468657200)")"
	message 5 "$(nest 7 "$(attr 5 7531)")"
	for number in 7 8; do
		echo "1 $(nest 1 "$(attr 3 cb007101)$(attr 5 c350)$(attr 6 c3b3)$(attr "$number" "$(zero 4)")")"
	done
} >"$work/told"
refused told
check_eq "refused for another reason" \
	"$(grep -v 'attribute has no place in this request' "$work/answers" | head -n 3)" ""
log_test "what only the kernel tells, or only a new stream is given: refused in words, nothing changed"

# What a request cannot do without; what is twice there is not added up.
{
	echo 1
	for command in 1 2 4 5 6; do
		echo "$command"
		echo "$command $(attr 1)"
	done
	for command in 1 2 5 6; do
		echo "$command $(nest 1 "")"
	done
	# a pool without one of its address and its ports
	address=$(attr 3 cb007101) low=$(attr 5 c350) high=$(attr 6 c3b3)
	echo "1 $(nest 1 "$address$low")"
	echo "1 $(nest 1 "$address$high")"
	echo "1 $(nest 1 "$low$high")"
	# a good entry before a bad one
	echo "1 $(nest 1 "$address$low$high")$(nest 1 "$address$low")"
	echo "4 $(nest 1 "")$(nest 1 "$id")"
	echo "5 $(nest 1 "$id$(nest 7 "$(attr 11 05000000)")")$(nest 1 "$(attr 1 ffffff7f)")"
	echo "6 $(nest 1 "$id")$(nest 1 "$(attr 1 ffffff7f)")"
	# two addresses of which one is IPv6; a prefix of 33 bits; three prefixes
	echo "5 $(nest 1 "$id$(nest 7 "$(nest 9 "$(attr 1 cb007101)$(attr 3 21)")")")"
	three=$(nest 9 "$(attr 1 cb007101)$(attr 3 20)")
	echo "5 $(nest 1 "$id$(nest 7 "$three$three$three")")"
	# values that no enumeration has
	echo "4 $(nest 1 "$(attr 4 63000000)")"
	echo "5 $(nest 1 "$id$(nest 7 "$(attr 14 63000000)")")"
	echo "5 $(nest 1 "$id$(nest 7 "$(attr 2 63000000)")")"
} >"$work/missing"
sed -i 1d "$work/missing"
on "$gw" genlmsg - <"$work/missing" >"$work/answers"
check_eq "accepted" "$(grep -n '^ok' "$work/answers" | head -n 3)" ""
check "nothing changed" unchanged
log_test "missing and contradictory attributes, a bad entry after a good one: nothing changed"

awk 'BEGIN {
	srand(1)
	for (i = 0; i < 400; i++) {
		data = "ff"
		for (j = int(rand() * 40) * 2; j >= 0; j--)
			data = data sprintf("%02x", j % 2 ? rand() * 64 : rand() * 256)
		length_ = 4 + length(data) / 2
		while (length(data) % 8) data = data "00"
		printf "%d %02x000180%s\n", 1 + i % 8, length_, data
	}
}' >"$work/garbage"
on "$gw" genlmsg - <"$work/garbage" >"$work/answers"
check_eq "answers" "$(wc -l <"$work/answers")" 400
check_eq "accepted" "$(grep -n '^ok' "$work/answers" | head -n 3)" ""
check "nothing changed" unchanged
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "garbage: refused, nothing changed"

# --- Dumps ------------------------------------------------------------------------------

# Streams come and go by the thousand while the table is told: each one that stays is
# told once. New ones come last, on ports by number, which need no rest; those that go
# lie among those that stay, the first of them first, so that what was told already moves.
# What comes during a dump is not told in it, or it might never end: ids grow, so that
# the highest one told is nearer to those from before the dump than to those from after.
stable=$(full 2000 15000)
for i in 2 3 4; do
	ip -n "$gw" address add 203.0.113.$i/24 dev eth0
	check "pool" nattravctl pool add 203.0.113.$i 1024-65535 realm dumped
done
ip -n "$gw" address add 203.0.113.5/24 dev eth0
check "pool" nattravctl pool add 203.0.113.5 1024-65535 realm brief
batch() { # call count
	local i
	for ((i = 0; i < $2; i++)); do
		echo "call $1 rtcp timeout-partial 1h a realm dumped b realm dumped"
	done
}
for ((i = 0; i < 250; i++)); do
	echo "call brief rtcp a local 203.0.113.5:$((20000 + 4 * i)) b local 203.0.113.5:$((20002 + 4 * i))"
done >"$work/brief"
for ((i = 0; i < 50; i++)); do
	batch "brief$i" 5
	batch stable $((stable / 50))
done >"$work/batch"
check "$((2 * stable)) streams" nattravctl stream add --batch "$work/batch"
: >"$work/churned"
churn() {
	local i
	for ((i = 0; ; i++)); do
		nattravctl stream add --batch "$work/brief" && nattravctl stream del call brief &&
			echo 1000 >>"$work/churned"
		[ "$i" -ge 50 ] || nattravctl stream del call "brief$i"
	done >/dev/null
}
begin=$SECONDS
churn &
pid_of[churn]=$!
# Reads with pauses, so that there are changes in the middle of each dump.
read_slowly() {
	local i
	for i in 1 2 3; do
		dd bs=64k count=2 iflag=fullblock status=none
		sleep 1
	done
	cat
}
changes=0
for i in 1 2 3 4 5; do
	check "before dump $i" stream_add call mark
	first=$stream
	nattravctl --json stream list | read_slowly >"$work/dump"
	check_err "${PIPESTATUS[0]}" "dump $i"
	check "after dump $i" stream_add call mark
	highest=$(sed -n 's/^{"id": *\([0-9]*\),.*/\1/p' "$work/dump" | sort -n | tail -n 1)
	check_ge "streams that came and were not told" $((stream - highest)) $(((stream - first) / 2))
	sed -n 's/^{"id": *\([0-9]*\), *"call": *"stable".*/\1/p' "$work/dump" | sort -n >"$work/ids"
	check_eq "stable streams in dump $i" "$(wc -l <"$work/ids")" $((2 * stable))
	check_eq "of them told twice" "$(uniq -d "$work/ids" | wc -l)" 0
	before=$changes changes=$(awk '{ sum += $1 } END { print sum + 0 }' "$work/churned")
	check_ge "changes during dump $i" $((changes - before)) 1000
done
took=$((SECONDS - begin + 1))
stop churn
check "deleted" nattravctl stream del call stable
check "deleted" nattravctl stream del call mark
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "5 dumps of $((2 * stable)) streams among $((changes / took)) changes/s: each that stays is told once"

# --- Events --------------------------------------------------------------------------------

# A reader that is stopped while more happens than its buffer holds must notice,
# and end up with what the kernel has.
start monitor "$gw" "$top/build/nattravctl" monitor --json
slowwait 20 on "$gw" nattravctl status >/dev/null
sleep 2
kill -STOP "${pid_of[monitor]}"
# a port of a stream that was deleted rests, unless it is asked for
for ((j = 0; j < 2000; j++)); do
	echo "call many rtcp a local $relay:$((30000 + 2 * j)) b local $relay:$((34000 + 2 * j))"
done >"$work/batch"
for ((i = 0; i < 6; i++)); do
	check "4000 streams" nattravctl stream add --batch "$work/batch"
	check "deleted" nattravctl stream del call many
done
kill -CONT "${pid_of[monitor]}"
check "it notices" wait_log 60 monitor resync-end
jq -r 'select(.type == "resync-stream") | .stream.id' "$work/monitor.log" | sort >"$work/resynced"
check_eq "streams it knows then" "$(paste -sd, "$work/resynced")" \
	"$(ctl '.[].id' stream list | sort | paste -sd,)"
# again and again: what happens while it still reads anew is in what it reads
after_is_told() {
	nattravctl stream add call after && nattravctl stream del call after
	sleep 1
	logged monitor '"after"'
}
check "an event after that" slowwait 60 after_is_told
stop monitor
log_test "a reader of events that was stopped for too long reads everything anew"

dmesg_check
finish
