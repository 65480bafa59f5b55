#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# What happens to the way of a packet in mid-call: routes, neighbours, links and
# firewalls come and go, ICMP says that nobody is there. No call ends of it.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"

require jq tcpdump tc nft conntrack
require_module
setup_star
setup_star6
# a second way to b
link "$gw" side_c 192.0.2.129/30 "$b" eth1 192.0.2.130/30
on "$b" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0 \
	net.ipv4.conf.eth1.rp_filter=0
plan 10
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
hear_end
check_ge "packets by the other link" $(($(left_by side_c) - was)) 1
check_eq "heard of IPv4, lost" "$(jq -c '[.received, .lost]' "$work/b.log")" '[7,0]'
check_eq "heard of IPv6, lost" "$(jq -c '[.received, .lost]' "$work/b6.log")" '[7,0]'
check_eq "relayed" "$(since forwarded)" 12
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
start flood "$a" rawudp -r 2000 -c 1000000 -s 9 "${A%:*}" 4000 "$relay" "$port_a"
for ((i = 0; i < 20; i++)); do
	ip -n "$gw" link set side_b down
	ip -n "$gw" link set side_b up
done
stop flood
ip -n "$gw" -6 address add 2001:db8:b::1/64 dev side_b nodad 2>/dev/null
sleep 1
hear_begin
one
hear_end
check_eq "streams" "$(ctl length stream list)" 2
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "a link that goes down and up 20 times: the call goes on"

# The link goes for good, another one takes its address.
start flood "$a" rawudp -r 2000 -c 1000000 -s 9 "${A%:*}" 4000 "$relay" "$port_a"
sleep 1
ip -n "$gw" link del side_b
deleted() { ! ip -n "$gw" link show side_b 2>/dev/null | grep -q .; }
check "the link goes" slowwait 20 deleted
stop flood
check_eq "streams" "$(ctl length stream list)" 2
link "$gw" side_b 198.51.100.1/24 "$b" eth0 198.51.100.11/24
ipv6 "$gw" side_b 2001:db8:b::1
ipv6 "$b" eth0 2001:db8:b::11
ip -n "$b" route add default via 198.51.100.1
ip -n "$b" -6 route add default via 2001:db8:b::1
hear_begin
one
hear_end
check_eq "heard" "$(heard_by b received) $(heard_by b6 received)" "1 1"
check_eq "dmesg" "$(dmesg_bad)" ""
log_test "a link that is deleted under traffic: nothing holds it, the call goes on"

# --- ICMP -------------------------------------------------------------------------------

# b's sockets are closed: its host answers with ICMP errors.
stats_mark
capture errors "$gw" side_b 'icmp or (icmp6 and ip6[40] < 128)'
on "$b" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
on "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c 300 -r 200 -w 0 >/dev/null
on "$a" rtp -b "$A6" -d "[$relay6]:$port6" -f "$number" -c 300 -r 200 -w 0 >/dev/null
number=$((number + 300))
capture_end errors
check_ge "ICMP errors that came" "$(tcpdump -n -r "$work/errors.pcap" 2>/dev/null | wc -l)" 300
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
log_test "hundreds of ICMP errors: relayed on, no stream ends"

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

hear_begin
rm -f "$work/go"
packets=300
start a "$a" rtp -b "$A" -d "$relay:$port_a" -f "$number" -c "$packets" -r 50 -g "$work/go" -w 0
start a6 "$a" rtp -b "$A6" -d "[$relay6]:$port6" -f "$number" -c "$packets" -r 50 -g "$work/go" -w 0
touch "$work/go"
for ((i = 0; i < 3; i++)); do
	# conntrack comes with the first rule that needs it, and goes with the last
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
		}
	END
	on "$gw" conntrack -F >/dev/null 2>&1
	on "$gw" nft flush ruleset
done
await a
await a6
hear_end
check_eq "heard, lost" "$(jq -c '[.received, .lost]' "$work/b.log")" "[$packets,0]"
check_eq "heard of IPv6, lost" "$(jq -c '[.received, .lost]' "$work/b6.log")" "[$packets,0]"
log_test "conntrack and a firewall come and go three times in mid-call: none is lost"

check_sum
check "stream" nattravctl stream show "$stream6"
log_test "the sum is right, both streams are there"

dmesg_check
finish
