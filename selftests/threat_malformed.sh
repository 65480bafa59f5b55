#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# Datagrams that are not what they claim to be: lengths, checksums, fragments,
# sizes, over IPv4, IPv6, and from the one to the other. What is whole goes
# through unread, what is not is dropped, and nothing of it completes a leg.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

require jq tcpdump ethtool nft
require_module
setup_star
setup_star6
plan 15
check "pool" nattravctl pool add "$relay" 30000-30999
check "pool" nattravctl pool add "$relay6" 30000-30999

# The streams: one that waits for its first packet in each family, and complete
# ones from IPv4 and IPv6 (a) to IPv4 and IPv6 (b).
declare -A id=() port=()
make() { # name, words
	local name=$1
	shift
	check "stream $name" stream_add "$@"
	id[$name]=$stream port[$name]=$port_a
}
make partial4 a prefix "${A%:*}/32" pt 0 window 3600
make partial6 a prefix 2001:db8:a::10/128 pt 0 window 3600
make 44 a peer "$A" b peer "$B"
make 46 a peer "${A%:*}:4002" b peer "[2001:db8:b::11]:6002"
make 64 a peer "[2001:db8:a::10]:4004" b peer "${B%:*}:6004"
make 66 a peer "$A6" b peer "$B6"

# What a sends a stream from: its family decides.
declare -A from=([partial4]="${A%:*} 4000 $relay" [partial6]="2001:db8:a::10 4000 $relay6"
	[44]="${A%:*} 4000 $relay" [46]="${A%:*} 4002 $relay"
	[64]="2001:db8:a::10 4004 $relay6" [66]="2001:db8:a::10 4000 $relay6")
declare -A heard_at=([44]=$B [46]='[2001:db8:b::11]:6002' [64]="${B%:*}:6004" [66]=$B6)

# send stream rawudp-options...
send() {
	local to=$1
	shift
	# shellcheck disable=SC2086 # three words
	on "$a" rawudp "$@" ${from[$to]} "${port[$to]}"
}

# b_hears stream command...: the report of b's socket is in b.log
b_hears() {
	local to=$1
	shift
	rm -f "$work/done"
	start b "$b" rtp -b "${heard_at[$to]}" -c 0 -e "$work/done" -w "${patience:-500}"
	b_is_open() { on "$b" ss -Hlun | grep -q ":${heard_at[$to]##*:} "; }
	slowwait 20 b_is_open
	"$@"
	touch "$work/done"
	await b
}
b_heard() { jq -c "[.received, .corrupt]" "$work/b.log"; }
peers_none() {
	check_eq "peer of the partial IPv4 leg" "$(peer a "${id[partial4]}")" null:null
	check_eq "peer of the partial IPv6 leg" "$(peer a "${id[partial6]}")" null:null
}

# --- Lengths ----------------------------------------------------------------------

# Right is what fits exactly: five of the datagrams below.
lengths() {
	local size claimed
	for size in 0 1 11 12 13; do
		for claimed in 0 7 8 9 $((size + 8)) $((size + 9)) 65535; do
			[ "$claimed" -ne $((size + 8)) ] || [ "$1" = with-right-ones ] || continue
			echo "-L $size -l $claimed"
		done
	done | sort -u
}
lengths_send() { # stream, list
	# shellcheck disable=SC2086 # words
	on "$a" bash -c "while read -r o; do rawudp \$o ${from[$1]} ${port[$1]}; done" <"$2"
}
lengths only-wrong >"$work/wrong"
lengths with-right-ones >"$work/all"
wrong=$(wc -l <"$work/wrong")
for to in partial4 partial6; do
	stats_mark
	lengths_send "$to" "$work/wrong"
	check_eq "dropped as bad-length from $to" "$(since drop.bad-length)" "$wrong"
done
peers_none
for to in 44 46 64 66; do
	stats_mark
	b_hears "$to" lengths_send "$to" "$work/all"
	check_eq "dropped as bad-length, $to" "$(since drop.bad-length)" "$wrong"
	check_eq "relayed, $to" "$(since forwarded)" 5
	check_eq "heard, whole and short, $to" "$(b_heard)" '[0,5]'
done
log_test "UDP lengths: those that fit are relayed, $wrong that do not are dropped, none completes"

# --- What is not RTP ----------------------------------------------------------------

# Nothing, one byte, pings of SIP proxies, 11 bytes of RTP, another version, 15
# CSRCs that are not there, 4 bytes of RTCP, RTCP, RR and SDES in one, STUN
not_rtp=("" 00 0d0a0d0a 00000000 80000001000000a0112233 40000001000000a011223344
	8f000001000000a011223344 80c90000 80c9000111223344
	80c900011122334481ca00021122334401016100 000100002112a442000102030405060708090a0b)
not_rtp_send() {
	local hex
	for hex in "${not_rtp[@]}"; do
		echo "$hex"
	done | on "$a" bash -c "while read -r x; do rawudp -x \"\$x\" ${from[$1]} ${port[$1]}; done"
}
for to in partial4 partial6; do
	stats_mark
	not_rtp_send "$to"
	check_eq "dropped as not-rtp from $to" "$(since drop.not-rtp)" "${#not_rtp[@]}"
done
peers_none
log_test "tiny and empty datagrams, pings, RTCP, STUN: none completes a leg"

for to in 44 46 64 66; do
	b_hears "$to" not_rtp_send "$to"
	check_eq "heard, $to" "$(b_heard)" "[0,${#not_rtp[@]}]"
done
log_test "a complete leg relays them as they are"

# An extension of 65535 words that is not there, IP options, flipped bits.
stats_mark
b_hears 44 send 44 -x 90000001000000a011223344beefffff
check_eq "heard, extension" "$(b_heard)" '[0,1]'
for to in 44 46 64 66; do
	b_hears "$to" send "$to" -O -n 5
	check_eq "heard, IP options, $to" "$(b_heard)" '[1,0]'
done
check_eq "relayed" "$(since forwarded)" 5
log_test "a false extension length, IP options: relayed"

# --- Checksums ------------------------------------------------------------------------

# A receiver of IPv6 takes none without a checksum, so that what b hears is right.
for to in 44 46 64 66; do
	case $to in
	4*) none='[1,0]' dropped=0 ;;
	6*) none='[0,0]' dropped=1 ;;
	esac
	stats_mark
	b_hears "$to" send "$to" -z -n 10
	check_eq "heard, without a checksum, $to" "$(b_heard)" "$none"
	check_eq "dropped, without a checksum, $to" "$(since drop.bad-checksum)" "$dropped"
	b_hears "$to" send "$to" -k -c 3 -n 11
	check_eq "heard, wrong checksum, $to" "$(b_heard)" '[0,0]'
	check_eq "dropped, wrong checksum, $to" "$(since drop.bad-checksum)" $((dropped + 3))
done
log_test "checksums: none is allowed in IPv4 only and made for IPv6, wrong ones are dropped"

# --- Fragments ------------------------------------------------------------------------

for to in 44 46 64 66; do
	stats_mark
	fragments() {
		send "$to" -L 1000 -f 256 -n 20
		send "$to" -L 1000 -f 256 -F reverse -n 21
		send "$to" -L 1000 -f 256 -F first -n 22
	}
	b_hears "$to" fragments
	check_eq "heard, $to" "$(b_heard)" '[2,0]'
	check_eq "relayed, $to" "$(since forwarded)" 2
done
log_test "fragments in order and reversed come out as one datagram"

# RFC 5722, and the same in IPv4: neither of what overlaps is believed.
overlaps() {
	send "$to" -L 1000 -f 256 -F overlap -n 23 -c 10
	send "$to" -n 33
}
for to in 44 46 64 66; do
	stats_mark
	b_hears "$to" overlaps
	check_eq "heard, $to" "$(b_heard)" '[1,0]'
	check_eq "relayed, $to" "$(since forwarded)" 1
done
log_test "fragments that overlap come out as nothing"

# --- Sizes ------------------------------------------------------------------------------

# Up to what UDP over IPv4 can carry.
sizes="1472 1473 8972 65507"
big() {
	local size number=200
	for size in $sizes; do
		send "$to" -L "$size" -f 1440 -n "$number"
		number=$((number + 1))
	done
}
for to in 44 46 64 66; do
	b_hears "$to" big
	check_eq "heard, $to" "$(jq -c '[.received, .corrupt, .bytes]' "$work/b.log")" '[4,0,77424]'
done
log_test "datagrams of $sizes bytes, in fragments on both sides"

# Over IPv6 there may be 20 bytes more.
stats_mark
send 64 -L 65508 -f 1440 -n 210
send 64 -L 65527 -f 1440 -n 211
check_eq "dropped as too-big, to IPv4" "$(since drop.too-big)" 2
b_hears 66 send 66 -L 65527 -f 1440 -n 211
check_eq "heard of IPv6" "$(jq -c '[.received, .corrupt, .bytes]' "$work/b.log")" '[1,0,65527]'
log_test "one that IPv4 cannot carry is not sent there"

ip -n "$gw" link set side_b mtu 1400
capture told "$a" eth0 'icmp or icmp6'
# The host of a believes what it is told; what is sent next must be that large again.
send_large() {
	send "$@"
	ip -n "$a" route flush cache
	ip -n "$a" -6 route flush cache
}
stats_mark
send_large 44 -D -L 1472 -n 300
send_large 66 -L 1452 -n 300
send_large 46 -D -L 1372 -n 300
send_large 64 -L 1452 -n 300
check_eq "dropped as too-big" "$(since drop.too-big)" 4
b_hears 44 send 44 -L 1472 -n 301
check_eq "heard, may be fragmented" "$(b_heard)" '[1,0]'
b_hears 64 send 64 -L 1372 -n 301
check_eq "heard, IPv6 of 1420 bytes as IPv4" "$(b_heard)" '[1,0]'
capture_end told
tcpdump -n -v -r "$work/told.pcap" 2>/dev/null >"$work/told"
check_eq "told: 1400 to IPv4" "$(grep -c 'need to frag (mtu 1400)' "$work/told")" 1
check_eq "told: 1380 to IPv4, for IPv6" "$(grep -c 'need to frag (mtu 1380)' "$work/told")" 1
check_eq "told: 1400 to IPv6" "$(grep -c 'packet too big, mtu 1400' "$work/told")" 1
check_eq "told: 1420 to IPv6, for IPv4" "$(grep -c 'packet too big, mtu 1420' "$work/told")" 1
ip -n "$gw" link set side_b mtu 1500
log_test "a link of 1400 bytes: who must send less is told how much"

# The gateway's device gathers what comes close together, in either way.
on "$gw" nft -f - <<-END
	table inet gathered {
		chain prerouting {
			type filter hook prerouting priority -500
			udp dport 30000-30999 counter name seen
		}
		counter seen { }
	}
END
seen() { on "$gw" nft -j list counter inet gathered seen | jq '.nftables[1].counter.packets'; }
burst() { send "$to" -r 0 -c 2000 -n "$number"; }
number=400 gathered=0
patience=3000
# with one processor each is received before the next one is sent, and goes on at once
hold() { on "$gw" bash -c "echo $1 >/sys/class/net/side_a/gro_flush_timeout"; } # ns
hold 2000000
declare -A lost=()
for to in 44 46 64 66; do
	send "$to" -n 399
	lost[$to]=$(leg a lost "${id[$to]}")
done
for how in 'gro on rx-udp-gro-forwarding on' 'rx-gro-list on'; do
	# shellcheck disable=SC2086 # words
	on "$gw" ethtool -K side_a $how >/dev/null
	for to in 44 46 64 66; do
		stats_mark
		was=$(seen)
		b_hears "$to" burst
		check_eq "heard, $to, $how" "$(jq -c '[.received, .corrupt, .bytes]' "$work/b.log")" '[2000,0,344000]'
		check_eq "counted, $to, $how" "$(since forwarded)" 2000
		gathered=$((gathered + 2000 - ($(seen) - was)))
	done
	number=$((number + 2000))
done
on "$gw" nft delete table inet gathered
on "$gw" ethtool -K side_a gro off rx-udp-gro-forwarding off rx-gro-list off >/dev/null
hold 0
for to in 44 46 64 66; do
	check_eq "lost, by the leg's count, $to" "$(leg a lost "${id[$to]}")" "${lost[$to]}"
done
check_ge "gathered" "$gathered" 1
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "$gathered of 16000 datagrams gathered by GRO: number and bounds stay, each one is counted"

# --- Fragments without an end --------------------------------------------------------------

# The host keeps 4 MB of them for 30 s and takes no others meanwhile: a call that sends
# fragments itself would suffer, so that this comes late.
for to in partial4 partial6; do
	send "$to" -f 64 -F first -c 10
	send "$to" -f 64 -F overlap -c 10
done
peers_none
flood=$(full 20000 100000)
start flood4 "$a" rawudp -r 0 -c "$flood" -f 64 -F first "${A%:*}" 4000 "$relay" "${port[44]}"
start flood6 "$a" rawudp -r 0 -c "$flood" -f 64 -F first 2001:db8:a::10 4000 "$relay6" "${port[66]}"
for to in 44 66; do
	b_hears "$to" send "$to" -r 50 -c 100 -n 100
	check_eq "heard during the flood, $to" "$(b_heard)" '[100,0]'
done
stop flood4 flood6
log_test "$((2 * flood)) first fragments: nothing completes, a call loses none"

# --- Flipped bits -----------------------------------------------------------------------

# What is right passes, all of it, and nothing else does. The streams are not RTP, so
# that only this matters.
mutations=$(full 8000 125000)
# what was sent may wait to be received
all_came() { [ "$(since received)" -ge "$mutations" ]; }
for to in 44 46 64 66; do
	port_of=$((4100 + to)) sink=$((6100 + to))
	case $to in
	44) make u44 type udp a peer "${A%:*}:$port_of" b peer "${B%:*}:$sink" ;;
	46) make u46 type udp a peer "${A%:*}:$port_of" b peer "[2001:db8:b::11]:$sink" ;;
	64) make u64 type udp a peer "[2001:db8:a::10]:$port_of" b peer "${B%:*}:$sink" ;;
	66) make u66 type udp a peer "[2001:db8:a::10]:$port_of" b peer "[2001:db8:b::11]:$sink" ;;
	esac
	case $to in
	4*) from[u$to]="${A%:*} $port_of $relay" ;;
	6*) from[u$to]="2001:db8:a::10 $port_of $relay6" ;;
	esac
	stats_mark
	send "u$to" -m -r 0 -c "$mutations" >"$work/mutated"
	slowwait 20 all_came
	check_eq "received, $to" "$(since received)" "$mutations"
	check_eq "relayed, $to" "$(since forwarded)" "$(jq .right "$work/mutated")"
	check_eq "dropped as bad-length, $to" "$(since drop.bad-length)" "$(jq .bad_length "$work/mutated")"
	check_eq "dropped as bad-checksum, $to" "$(since drop.bad-checksum)" \
		"$(jq .bad_checksum "$work/mutated")"
	say "$to: $(<"$work/mutated")"
done
log_test "$((4 * mutations)) datagrams with flipped bits: relayed if length and checksum are right, and only then"

# Of a payload type that was not negotiated, and some no RTP any more.
for to in partial4 partial6; do
	stats_mark
	send "$to" -m -r 0 -c "$mutations" -p 77 >"$work/mutated"
	slowwait 20 all_came
	check_eq "dropped as payload-type or not-rtp, $to" \
		$(($(since drop.payload-type) + $(since drop.not-rtp))) "$(jq .right "$work/mutated")"
done
peers_none
# RTP legs last, since they have heard too many SSRCs then.
for to in 44 46 64 66; do
	stats_mark
	send "$to" -m -r 0 -c "$mutations" >"$work/mutated"
	slowwait 20 all_came
	check_eq "relayed, or dropped for what RTP they are, $to" \
		$(($(since forwarded) + $(since drop.ssrc) + $(since drop.sequence))) \
		"$(jq .right "$work/mutated")"
done
check_sum
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "$((6 * mutations)) more: none completes a leg, each is accounted for"

dmesg_check
finish
