#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# What happens to the way of a packet in mid-call: routes, neighbours, links and
# firewalls come and go, ICMP says that nobody is there. No call ends of it.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

require jq tcpdump tc nft conntrack
require_module
setup_star
setup_star6
# a second way to b
link "$gw" side_c 192.0.2.129/30 "$b" eth1 192.0.2.130/30
on "$b" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 \
	net.ipv4.conf.eth1.rp_filter=0
plan 13
check "pool" nattravctl pool add "$relay" 30000-30999
check "pool" nattravctl pool add "$relay6" 30000-30999
check "stream" stream_add call v6 a peer "$A6" b peer "$B6"
stream6=$stream port6=$port_a
check "stream" stream_add call v4 a peer "$A" b peer "$B"

# One packet at a time, so that it is clear which one goes where.
number=0
one() {
	on "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c 1 -w 0 >/dev/null
	on "$a" rtp -b "$A6" -d "[$relay6]:$port6" -f "$number" -c 1 -w 0 >/dev/null
	number=$((number + 1))
}
# Both of b's sockets, until the file done is there.
hear_begin() {
	rm -f "$work/done"
	start b "$b" rtp -b "$B" -c 0 -e "$work/done" -w 500
	start b6 "$b" rtp -b "$B6" -c 0 -e "$work/done" -w 500
	both_open() { [ "$(on "$b" ss -Hlun | grep -c :6000)" -eq 2 ]; }
	slowwait 20 both_open
}
hear_end() {
	touch "$work/done"
	await b
	await b6
}
# Packets that left the gateway by a device.
left_by() { ip -n "$gw" -s -j link show dev "$1" | jq '.[0].stats64.tx.packets'; }

# --- Routes and neighbours ------------------------------------------------------------

hear_begin
one
# until the way is ready
one
one
stats_mark
was=$(left_by side_c)
ip -n "$gw" route add 198.51.100.11/32 via 192.0.2.130
one
ip -n "$gw" route del 198.51.100.11/32
one
ip -n "$gw" neighbour flush dev side_b
one
ip -n "$gw" -6 neighbour flush dev side_b
one
ip -n "$gw" address add 198.51.100.2/24 dev side_b
one
ip -n "$gw" address del 198.51.100.2/24 dev side_b
one
# the way is ready again; b gets another card
one
one
ip -n "$b" link set eth0 address 02:00:00:00:0b:02
ip -n "$gw" neighbour replace 198.51.100.11 lladdr 02:00:00:00:0b:02 dev side_b nud reachable
ip -n "$gw" neighbour replace 2001:db8:b::11 lladdr 02:00:00:00:0b:02 dev side_b nud reachable
one
# and so does the gateway
one
one
capture card "$b" eth0 'ether src 02:00:00:00:0b:01 and udp'
ip -n "$gw" link set side_b address 02:00:00:00:0b:01
one
hear_end
capture_end card
check_eq "from the gateway's new card" "$(tcpdump -n -r "$work/card.pcap" 2>/dev/null | wc -l)" 2
check_ge "packets by the other link" $(($(left_by side_c) - was)) 1
check_eq "heard of IPv4, lost" "$(jq -c '[.received, .lost]' "$work/b.log")" '[15,0]'
check_eq "heard of IPv6, lost" "$(jq -c '[.received, .lost]' "$work/b6.log")" '[15,0]'
check_eq "relayed" "$(since forwarded)" 24
log_test "another route, the old one, neighbours forgotten: each packet goes the right way"

# No route at all: counted, and the call goes on when there is one.
hear_begin
stats_mark
ip -n "$gw" route add unreachable 198.51.100.11/32
ip -n "$gw" -6 route add unreachable 2001:db8:b::11/128
one
check_eq "dropped as no-route" "$(since drop.no-route)" 2
ip -n "$gw" route del unreachable 198.51.100.11/32
ip -n "$gw" -6 route del unreachable 2001:db8:b::11/128
one
hear_end
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
log_test "no route: dropped and counted, then the call goes on"

# --- Links ------------------------------------------------------------------------------

# under traffic, so that packets meet each state
flaps=$(full 20 100)
start flood "$a" rawudp -r 2000 -c 1000000 -s 9 "${A%:*}" 4000 "$relay" "$port_a"
for ((i = 0; i < flaps; i++)); do
	ip -n "$gw" link set side_b down
	ip -n "$gw" link set side_b up
done
# a link that is up keeps its name, up to Linux 6.1
ip -n "$gw" link set side_b down
check "another name" ip -n "$gw" link set side_b name renamed
ip -n "$gw" link set renamed up
ip -n "$gw" link set renamed down
check "the old name" ip -n "$gw" link set renamed name side_b
ip -n "$gw" link set side_b up
stop flood
ip -n "$gw" -6 address add 2001:db8:b::1/64 dev side_b nodad 2>/dev/null
sleep 1
hear_begin
one
hear_end
check_eq "streams" "$(ctl length stream list)" 2
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "a link that goes down and up $flaps times, and has another name for a while: the call goes on"

# The link goes for good, another one takes its address.
start flood "$a" rawudp -r 2000 -c 1000000 -s 9 "${A%:*}" 4000 "$relay" "$port_a"
sleep 1
# who deletes it waits until nobody has a reference to it
ip -n "$gw" link del side_b &
deleting=$!
check "the link goes" slowwait 20 not kill -0 "$deleting"
stop flood
check_eq "streams" "$(ctl length stream list)" 2
link "$gw" side_b 198.51.100.1/24 "$b" eth0 198.51.100.11/24
ipv6 "$gw" side_b 2001:db8:b::1
ipv6 "$b" eth0 2001:db8:b::11
ip -n "$b" route add default via 198.51.100.1
ip -n "$b" -6 route add default via 2001:db8:b::1
# who asks for a neighbour needs a link-local address that is no longer tentative
settled() { ip -n "$1" -6 address show dev "$2" scope link -tentative | grep -q inet6; }
check "the gateway may ask" slowwait 20 settled "$gw" side_b
check "b may answer" slowwait 20 settled "$b" eth0
hear_begin
one
hear_end
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "a link that is deleted under traffic: nothing holds it, the call goes on"

# --- ICMP -------------------------------------------------------------------------------

# Errors that a leg was told of, and that reached the host: none about a packet of a leg.
errors_of() { leg b icmp-errors "${1-$stream}"; }
# shellcheck disable=SC2016 # not the shell's $1
errors_in_host() {
	on "$gw" awk '
		FILENAME ~ /snmp6$/ { if ($1 ~ /^Icmp6In(DestUnreachs|PktTooBigs|TimeExcds|ParmProblems)$/) n += $2; next }
		$1 == "Icmp:" && $2 ~ /[A-Z]/ { for (i = 2; i <= NF; i++) name[i] = $i }
		$1 == "Icmp:" && $2 ~ /^[0-9]/ {
			for (i = 2; i <= NF; i++)
				if (name[i] ~ /^In(DestUnreachs|TimeExcds|ParmProbs|SrcQuenchs)$/) n += $i
		}
		END { print n }' /proc/net/snmp /proc/net/snmp6
}

# b's sockets are closed: its host answers with ICMP errors.
stats_mark
was=$(errors_in_host) was4=$(errors_of) was6=$(errors_of "$stream6")
capture errors "$gw" side_b 'icmp or (icmp6 and ip6[40] < 128)'
on "$b" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
on "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c 300 -r 200 -w 0 >/dev/null
on "$a" rtp -b "$A6" -d "[$relay6]:$port6" -f "$number" -c 300 -r 200 -w 0 >/dev/null
number=$((number + 300))
capture_end errors
came=$(tcpdump -n -r "$work/errors.pcap" 2>/dev/null | wc -l)
check_ge "ICMP errors that came" "$came" 300
told4=$(($(errors_of) - was4)) told6=$(($(errors_of "$stream6") - was6))
check_eq "told to the legs" $((told4 + told6)) "$came"
check_ge "of IPv6" "$told6" 100
check_eq "told to the other legs" "$(leg a icmp-errors) $(leg a icmp-errors "$stream6")" "0 0"
check_eq "told to the host" $(($(errors_in_host) - was)) 0
check_eq "relayed" "$(since forwarded)" 600
# and of another code, from b's firewall
on "$b" nft -f - <<-END
	table inet refuse {
		chain input {
			type filter hook input priority filter
			udp length 180 limit rate 1000/second reject with icmpx admin-prohibited
		}
	}
END
on "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c 50 -r 200 -w 0 >/dev/null
on "$b" nft flush ruleset
number=$((number + 50))
hear_begin
one
hear_end
check_eq "streams" "$(ctl '[.[] | select(.state == "complete")] | length' stream list)" 2
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
log_test "$came ICMP errors: counted at their legs, relayed on, no stream ends"

# Errors that somebody made up, about packets of the call and of others, quoted whole or
# cut off anywhere: unreachable in all ways, too big, time exceeded, bad header.
errors=$(full 500 10000)
forge() { # source-of-the-quoted port destination, kinds...
	local about="$1 $2 $3" kind quoted
	shift 3
	for kind; do
		for quoted in 200 48 47 28 27 20 8 0; do
			# shellcheck disable=SC2086 # words
			set -- $kind
			echo "-c $errors -q $quoted ${*:3} $1 $2 $about"
		done
	done
}
forge_all() { # port-that-is-told
	forge "$relay" "$port_b" "${B%:*} $1" "3 0" "3 1" "3 3" "3 4 -m 1000" "3 13" "4 0" "11 0" "11 1" "12 0"
	forge "$relay6" "$port6_b" "2001:db8:b::11 $1" "1 0" "1 1" "1 3" "1 4" "2 0 -m 1300" "3 0" "3 1" "4 0"
}
# with the right port from b, with a wrong one from x
errors_send() {
	# shellcheck disable=SC2016
	local words='while read -r o; do icmperr $o || exit; done'
	on "$b" bash -c "$words" < <(forge_all 6000) &
	on "$x" bash -c "$words" < <(forge_all 6001)
	wait $!
}
port_b=$(leg b local-port) port6_b=$(leg b local-port "$stream6")
was4=$(errors_of) was6=$(errors_of "$stream6") was=$(errors_in_host)
stats_mark
hear_begin
talk_on() { # until a and a6 are stopped
	start a "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c 100000 -r 50 -w 0
	start a6 "$a" rtp -b "$A6" -d "[$relay6]:$port6" -f "$number" -c 100000 -r 50 -w 0
}
talk_on
begin=$(date +%s%N)
check "errors are sent" errors_send
took=$((($(date +%s%N) - begin) / 1000000))
stop a a6
sleep 1
hear_end
# What quotes both headers whole, and the peer, is told to the leg; the host gets what is
# cut off before that.
told4=$(($(errors_of) - was4)) told6=$(($(errors_of "$stream6") - was6)) came=$((272 * errors))
number=$(($(heard_by b last) + 1))
check_ge "told to the leg of IPv4" "$told4" $((36 * errors * 99 / 100))
check "not more than $((36 * errors)), but $told4" [ "$told4" -le $((36 * errors)) ]
check_ge "told to the leg of IPv6" "$told6" $((16 * errors * 99 / 100))
check "not more than $((16 * errors)), but $told6" [ "$told6" -le $((16 * errors)) ]
check_ge "told to the host" $(($(errors_in_host) - was)) $((168 * errors * 95 / 100))
check "not more than $((168 * errors)) to the host" [ $(($(errors_in_host) - was)) -le $((168 * errors)) ]
for side in b b6; do
	check_ge "heard by $side" "$(heard_by "$side" received)" 100
	check_eq "lost by $side" "$(heard_by "$side" lost)" 0
done
check_eq "relayed" "$(since forwarded)" $(($(heard_by b received) + $(heard_by b6 received)))
check_eq "streams" "$(ctl '[.[] | select(.state == "complete")] | length' stream list)" 2
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "$came false ICMP errors, $((came * 1000 / took))/s: $((told4 + told6)) counted, both streams stay, no packet is lost"

# Nobody who is not asked decides how large the relay's packets may be, and RFC 1191 and
# 8201 know no way as narrow as some of these.
for mtu in 0 68 296 551 552 576 900 1000; do
	on "$b" icmperr -m "$mtu" 3 4 "$relay" "$port_b" "${B%:*}" 6000
	on "$b" icmperr -m "$mtu" 2 0 "$relay6" "$port6_b" 2001:db8:b::11 6000
done
narrow() { ip -n "$gw" route get "$@" | grep -oE 'mtu [0-9]+' | awk '$2 < 552'; }
check_eq "IPv4 route" "$(narrow "${B%:*}" from "$relay")" ""
check_eq "IPv6 route" "$(ip -n "$gw" -6 route get 2001:db8:b::11 | grep -oE 'mtu [0-9]+' | awk '$2 < 1280')" ""
hear_begin
stats_mark
on "$a" rawudp -D -L 1000 -n "$number" "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -L 1200 -n "$number" 2001:db8:a::10 4000 "$relay6" "$port6"
number=$((number + 1))
hear_end
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
# A route that says how large they may be is believed at once.
ip -n "$gw" route change 198.51.100.0/24 dev side_b proto kernel scope link src 198.51.100.1 mtu 1280
ip -n "$gw" -6 route add 2001:db8:b::11/128 dev side_b mtu 1280
capture told "$a" eth0 'icmp or icmp6'
on "$a" rawudp -D -L 1300 -n "$number" "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -L 1300 -n "$number" 2001:db8:a::10 4000 "$relay6" "$port6"
capture_end told
ip -n "$gw" route change 198.51.100.0/24 dev side_b proto kernel scope link src 198.51.100.1
ip -n "$gw" -6 route del 2001:db8:b::11/128 dev side_b
check_eq "dropped as too-big" "$(since drop.too-big)" 2
tcpdump -n -v -r "$work/told.pcap" 2>/dev/null >"$work/told"
check_eq "told to IPv4" "$(grep -c 'need to frag (mtu 1280)' "$work/told")" 1
check_eq "told to IPv6" "$(grep -c 'packet too big, mtu 1280' "$work/told")" 1
hear_begin
one
hear_end
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
log_test "false MTUs of 0 to 1000: larger packets still pass; the MTU of a route is told to the sender"

# --- Addresses ----------------------------------------------------------------------------

# The relay's IPv6 address goes, comes back, and is tentative for a while.
stats_mark
ip -n "$gw" -6 address del 2001:db8:a::1/64 dev side_a
one
check_eq "streams" "$(ctl '[.[] | select(.state == "complete")] | length' stream list)" 2
on "$gw" sysctl -qw net.ipv6.conf.side_a.accept_dad=1 net.ipv6.conf.side_a.dad_transmits=3
ip -n "$gw" -6 address add 2001:db8:a::1/64 dev side_a
tentative() { ip -n "$gw" -6 address show dev side_a | grep '2001:db8:a::1/' | grep -q tentative; }
check "it is tentative" tentative
one
check_eq "streams" "$(ctl '[.[] | select(.state == "complete")] | length' stream list)" 2
check_eq "pools" "$(ctl length pool list)" 2
check "it is tentative no more" slowwait 30 not tentative
hear_begin
one
hear_end
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
check_eq "peers" "$(peer a "$stream6") $(peer b "$stream6")" "2001:db8:a::10:4000 2001:db8:b::11:6000"
log_test "the relay's IPv6 address goes, and is tentative for a while: the streams stay, the call goes on"

# --- What a packet carries ----------------------------------------------------------------

# A mark from ingress would send it to nowhere, a receive time would delay it.
on "$gw" nft -f - <<-END
	table inet marks {
		chain prerouting {
			type filter hook prerouting priority raw
			iifname "side_a" meta mark set 99
		}
		chain egress_mark {
			type filter hook postrouting priority srcnat
			meta mark 99 counter drop
		}
	}
	table netdev ingress {
		chain ingress {
			type filter hook ingress device "side_a" priority 0
			meta priority set 1:7
		}
		chain egress {
			type filter hook egress device "side_b" priority 0
			udp dport 6000 meta mark 99 counter name marked
			udp dport 6000 meta priority 1:7 counter name ranked
			udp dport 6000 counter name left
		}
		counter marked { }
		counter ranked { }
		counter left { }
	}
END
ip -n "$gw" route add blackhole default table 99
ip -n "$gw" rule add fwmark 99 table 99
on "$gw" tc qdisc add dev side_b root fq 2>/dev/null || say "no fq here"
hear_begin
capture tos "$b" eth0 'udp'
stats_mark
begin=$number
on "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c 50 -r 100 -w 0 >/dev/null
on "$a" rtp -b "$A6" -d "[$relay6]:$port6" -f "$number" -c 50 -r 100 -w 0 >/dev/null
number=$((number + 50))
# expedited forwarding and ECT(0)
on "$a" rawudp -T 0xba -t 9 -n "$number" "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -T 0xba -t 9 -n "$number" 2001:db8:a::10 4000 "$relay6" "$port6"
number=$((number + 1))
capture_end tos
hear_end
left() { on "$gw" nft -j list counter netdev ingress "$1" | jq '.nftables[1].counter.packets'; }
check_eq "left, with the mark, with the priority of the receive side" \
	"$(left left) $(left marked) $(left ranked)" "102 0 0"
ip -n "$gw" rule del fwmark 99
ip -n "$gw" route flush table 99
on "$gw" nft flush ruleset
on "$gw" tc qdisc del dev side_b root 2>/dev/null
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "51 51"
check_eq "first, of $begin" "$(heard_by b first)" "$begin"
tcpdump -n -v -r "$work/tos.pcap" 2>/dev/null >"$work/tos"
check_eq "IPv4 with DSCP, ECN and a TTL of 8" "$(grep -cE 'tos 0xba.*ttl 8,' "$work/tos")" 1
check_eq "IPv6 with DSCP, ECN and a hop limit of 8" "$(grep -cE 'class 0xba.*hlim 8,' "$work/tos")" 1
log_test "marks and times of the receive side stay behind; DSCP, ECN, TTL - 1 go along"

stats_mark
on "$a" rawudp -t 1 -c 5 -n "$number" "${A%:*}" 4000 "$relay" "$port_a"
on "$a" rawudp -t 1 -c 5 -n "$number" 2001:db8:a::10 4000 "$relay6" "$port6"
check_eq "dropped as ttl" "$(since drop.ttl)" 10
check_eq "relayed" "$(since forwarded)" 0
log_test "a packet at the end of its life goes no further"

# --- Firewalls ------------------------------------------------------------------------------

# Conntrack comes with the first rule that needs it, and goes when it is removed. Where it
# is no module only its hooks do.
firewall() {
	on "$gw" nft -f - <<-END
		table inet firewall {
			chain input {
				type filter hook input priority filter; policy drop
				ct state established,related accept
				meta l4proto icmpv6 accept
			}
			chain forward {
				type filter hook forward priority filter; policy drop
			}
			chain prerouting {
				type nat hook prerouting priority dstnat
			}
			chain after_conntrack {
				type filter hook prerouting priority -199
				udp dport 30000-30999 counter
			}
		}
	END
}
modules_of_conntrack() { sed -n 's/^\(nf_nat\|nft_.*\|nf_conntrack.*\|xt_.*\|nfnetlink_cttimeout\) .*/\1/p' /proc/modules; }
conntrack_gone() {
	local module
	for module in $(modules_of_conntrack); do
		rmmod "$module" 2>/dev/null
	done
	! grep -q '^nf_conntrack ' /proc/modules
}
hear_begin
talk_on
loads=0
for ((i = 0; i < 3; i++)); do
	firewall
	check "conntrack is there" on "$gw" test -e /proc/sys/net/netfilter/nf_conntrack_count
	on "$gw" conntrack -F >/dev/null 2>&1
	sleep 1
	check "nothing of the call gets that far" \
		grep -q 'counter packets 0 ' <(on "$gw" nft list chain inet firewall after_conntrack)
	on "$gw" nft flush ruleset
	if slowwait 10 conntrack_gone; then
		loads=$((loads + 1))
	fi
done
stop a a6
sleep 1
hear_end
check_ge "times that conntrack was unloaded" "$loads" 3
for side in b b6; do
	check_ge "heard by $side" "$(heard_by "$side" received)" 50
	check_eq "lost by $side" "$(heard_by "$side" lost)" 0
	check_eq "first heard by $side" "$(heard_by "$side" first)" "$number"
done
log_test "a firewall and conntrack come and go three times in mid-call, and see nothing of it: no packet is lost"

check_sum
check "stream" nattravctl stream show "$stream6"
log_test "the sum is right, both streams are there"

dmesg_check
finish
