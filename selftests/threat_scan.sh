#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a scanner of the relay's ports learns: nothing. A port in use, a free one
# and one that rests are silent alike, and which are in use cannot be guessed.

# shellcheck disable=SC2317 # functions are called through check
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

require jq tcpdump
require_module
setup_star
setup_star6
plan 7
check "pool" nattravctl pool add "$relay" 30000-30099
check "pool" nattravctl pool add "$relay6" 30000-30099

# In use, complete and partial; freed a moment ago; never used.
for local in "$relay" "[$relay6]"; do
	case $local in
	*:*) peer_a=$A6 peer_b=$B6 family=ipv6 ;;
	*) peer_a=$A peer_b=$B family=ipv4 ;;
	esac
	check "complete" stream_add a local "$local:30010" peer "$peer_a" b local "$local:30012" peer "$peer_b"
	check "partial" stream_add rtcp a local "$local:30020" prefix "$(tr -d '[]' <<<"${peer_a%:*}")" \
		b local "$local:30022" family "$family"
	check "to be freed" stream_add call gone a local "$local:30030" family "$family" \
		b local "$local:30032" family "$family"
done
check "freed" nattravctl stream del call gone
check_eq "resting" "$(ctl '[.[].resting] | add' pool list)" 4

capture seen "$x" eth0 'src host 203.0.113.1 or src net 2001:db8:a::/64 or icmp or (icmp6 and ip6[40] < 128)'
stats_mark
# RTP, one byte, nothing, STUN; each to all 100 ports
for payload in '-L 172' '-x 00' '-L 0' '-x 000100002112a442000102030405060708090a0b'; do
	# shellcheck disable=SC2086 # words
	on "$x" rawudp -r 5000 $payload -P 30099 "${X%:*}" 5000 "$relay" 30000
	# shellcheck disable=SC2086 # words
	on "$x" rawudp -r 5000 $payload -P 30099 2001:db8:c::66 5000 "$relay6" 30000
done
capture_end seen
answers=$(tcpdump -n -r "$work/seen.pcap" 2>/dev/null)
check_eq "probes received" "$(since received)" 800
check_eq "answers" "$(grep -c . <<<"$answers")" 0
say "${answers:-silence}"
check_eq "peers" "$(ctl '[.[] | .. | objects | select(.state? == "complete" and has("local-port"))] | length' stream list)" 4
log_test "800 probes of ports in use, free and resting: no answer, no ICMP"

# What is outside the pool is not the relay's; the host answers as any host does.
stats_mark
capture outside "$x" eth0 'icmp[0] == 3 and icmp[1] == 3'
on "$x" rawudp -r 5 -P 30103 "${X%:*}" 5000 "$relay" 30100
capture_end outside
check_eq "accepted" "$(since accepted)" 4
check_ge "port unreachable" "$(tcpdump -n -r "$work/outside.pcap" 2>/dev/null | wc -l)" 1
log_test "ports outside the pool are the host's: it answers, the relay does not"

# Freed ports rest. All others are given first, then there are none.
check "pool" nattravctl pool add "$relay" 32000-32015 realm small
check "a stream" stream_add call one a local "$relay:32000" b local "$relay:32002"
check "deleted" nattravctl stream del call one
check_eq "resting" "$(ctl '.[] | select(."port-min" == 32000) | .resting' pool list)" 2
while stream_add call rest a realm small b realm small 2>"$work/full"; do :; done
check_eq "resting ports given again" \
	"$(ctl '.. | ."local-port"? // empty' stream list | grep -c '^3200[02]$')" 0
check "the pool is full" grep -q 'pool is full' "$work/full"
on "$a" rtp -b "$A" -d "$relay:32000" -c 5 -w 0 >/dev/null
check_ge "late packets dropped" "$(since drop.no-stream)" 5
# who restores a call may have his port back
check "asked for by number" stream_add call one a local "$relay:32000" b local "$relay:32002"
log_test "a freed port rests: it is not given again while others, or none, are free"

# --- Chance -------------------------------------------------------------------------------

# More pools than one keep each of them so empty that a pick is seldom made twice.
pools=$(full 1 12) count=$(full 2000 50000)
for ((i = 0; i < pools; i++)); do
	check "address" ip -n "$gw" address add 203.0.113.$((100 + i))/32 dev side_a
	check "pool" nattravctl pool add 203.0.113.$((100 + i)) "$(full 40000-59999 1024-65535)" realm "many$i"
done
for ((i = 0; i < count; i++)); do
	echo "call many a realm many$((i * pools / count)) b realm many$((i * pools / count))"
done >"$work/batch"
allocate() { # file
	nattravctl --json stream add --batch "$work/batch" >"$work/many"
	check_err $? "$count streams cannot be made"
	# address and port of each leg; jq would take minutes for the largest size
	grep -oE '"local-(ipv4|port)": *"?[0-9.]+' "$work/many" | sed 's/.*[ ":]//' | paste -d ' ' - - >"$1"
	check_eq "ports" "$(wc -l <"$1")" $((2 * count))
}
allocate "$work/ports"
# 20 equal parts: chi-square of 19 degrees exceeds 43.8 once in 1000 times; the
# correlation of neighbours has a deviation of one by the root of their number
chance=$(awk -v least="$(full 40000 1024)" -v most="$(full 59999 65535)" '
	{ n++; part[int(($2 - least) / (most + 1 - least) * 20)]++; sum += $2; square += $2 * $2
	  if (n > 1) product += $2 * last; last = $2 }
	END {
		for (i = 0; i < 20; i++) chi += (part[i] - n / 20) ^ 2 / (n / 20)
		mean = sum / n; variance = square / n - mean * mean
		lag = (product / (n - 1) - mean * mean) / variance
		printf "chi-square %.1f, correlation of neighbours %.4f, %s", chi, lag,
			(chi < 43.8 && lag ^ 2 * n < 4.5 ^ 2) ? "random" : "not random"
	}' "$work/ports")
say "$(wc -l <"$work/ports") ports: $chance"
check "ports are random: $chance" grep -q ', random' <<<"$chance"
check_eq "given twice" "$(sort "$work/ports" | uniq -d | wc -l)" 0
log_test "$((2 * count)) ports are given at random: $chance"

check "all of them end" nattravctl stream del call many
ended=$SECONDS
allocate "$work/again"
took=$((SECONDS - ended))
if [ "$took" -lt 120 ]; then
	check_eq "given again after $took s" "$(sort "$work/ports" "$work/again" | uniq -d | wc -l)" 0
	log_test "$((2 * count)) more within $took s: none of those that have just been freed"
else
	log_skip "$((2 * count)) more: none of those that have just been freed" "it took $took s"
fi
check_sum
log_test "the sum is right"

dmesg_check
finish
