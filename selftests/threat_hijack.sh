#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1200
#
# Who tries to take a call over, or to be heard in it. The terminals are behind
# their NATs, the attacker X is beside NAT A and sends to the relay ports of both
# legs from before the call on. X must hear nothing of it, and nobody must hear X.
#
# rtp numbers its packets, so that "received 0 to n, none lost" says that nothing
# foreign was among them: the attacker's have numbers of their own. Where they
# should look like the real ones, they are 2^20 higher, which gives the same RTP
# sequence numbers.

# shellcheck disable=SC2317 # functions are called through slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/star.sh
. "$selftests/star.sh"
# shellcheck source=selftests/flood.sh
. "$selftests/flood.sh"

phone_a=192.168.1.2:4000
phone_b=192.168.1.2:6000
public_a=203.0.113.10
public_b=198.51.100.11
foreign=1048576
packets=100

require jq nft conntrack tcpdump
require_module
setup_rig
plan 22
check "pool" nattravctl pool add "$relay" 30000-39999

# call words-of-legs...: a stream of A and B, known by what their signalling came
# from; $where_a and $where_b are the namespaces that they send from
call() {
	stream_add a prefix "$public_a/32" pt 0 window 3600 "${options_a[@]}" \
		b prefix "$public_b/32" pt 0 window 3600
}
options_a=()

# The first packet of a terminal. Nobody can be sent that of the very first one.
first_packets() {
	on "$where_a" "${aside[@]}" rtp -b "$phone_a" -d "$relay:$port_a" -c 1 -w 0 >/dev/null
	on "$where_b" "${aside[@]}" rtp -b "$phone_b" -d "$relay:$port_b" -c 1 -w 0 >/dev/null
}

# talk first: both, from packet number first on, when both can hear
talk() {
	rm -f "$work/go"
	start a "$where_a" "${aside[@]}" rtp -b "$phone_a" -d "$relay:$port_a" \
		-f "$1" -c "$packets" -g "$work/go" -w 3000
	start b "$where_b" "${aside[@]}" rtp -b "$phone_b" -d "$relay:$port_b" \
		-f "$1" -c "$packets" -g "$work/go" -w 3000
	slowwait 30 listens "$where_a" "$phone_a"
	slowwait 30 listens "$where_b" "$phone_b"
	touch "$work/go"
}
listens() { on "$1" ss -Hlun "src $2" | grep -q .; }

# All of the other one's packets came, and no others.
talk_check() {
	local side
	for side in a b; do
		await "$side"
		check_eq "received by $side" "$(heard_by "$side" received)" "$packets"
		check_eq "first, last, doubled, corrupted" \
			"$(jq -c '[.first, .last, .doubles, .corrupt]' "$work/$side.log")" \
			"[$1,$(($1 + packets - 1)),0,0]"
	done
}

# attack rate port: X sends from this port to leg a and from the next one to leg b,
# for as long as attack_end is not called. With rate "full" it is the kernel that
# sends, as fast as it can.
attack() {
	case $1 in
	full)
		flood_start x_a "$x" eth0 "$(mac_of "$gw" side_a)" 203.0.113.66 "$2" "$relay" "$port_a" "$port_b"
		;;
	*)
		start x_a "$x" rtp -b "203.0.113.66:$2" -d "$relay:$port_a" -f "$foreign" -r "$1" -c 10000000
		start x_b "$x" rtp -b "203.0.113.66:$(($2 + 1))" -d "$relay:$port_b" -f "$foreign" -r "$1" -c 10000000
		;;
	esac
	start leaked "$x" tcpdump -n -U -i eth0 -w "$work/leaked.pcap" \
		"not arp and not src host 203.0.113.66"
	wait_log 20 leaked 'listening on'
	# it is under way before the first packet of the call
	slowwait 20 attack_heard
}
attack_heard() { legs | awk '{ exit !($NF > 0 && $4 > 0) }'; }

attack_end() {
	case $1 in
	full) flood_end x_a ;;
	*) stop x_a x_b ;;
	esac
	sleep 1
	stop leaked
	check_eq "packets to X, ICMP included" "$(tcpdump -n -r "$work/leaked.pcap" 2>/dev/null | wc -l)" 0
}

# Of both legs: the peer's address and port, packets relayed, packets of intruders. One
# call of each program, for each takes its time in an emulated guest.
legs() {
	nattravctl --json stream show "$stream" | jq -r '[."leg-a", ."leg-b" | (."peer-ipv4" // 0),
		(."peer-port" // 0), (.packets // 0), (."intruder-packets" // 0)] | @tsv'
}

hijack() {
	local begin before took peer_b relayed_a relayed_b intruder_a intruder_b
	call
	attack "$1" "$2"
	begin=$(date +%s%N)
	before=$(legs | awk '{ print $4 + $8 }')
	first_packets
	talk 1
	talk_check 1
	read -r peer_a got_port relayed_a intruder_a peer_b _ relayed_b intruder_b < <(legs)
	took=$((($(date +%s%N) - begin) / 1000000))
	attack_end "$1"
	attacked="$(((intruder_a + intruder_b - before) * 1000 / took))/s of X dropped"
	check_eq "A's public address" "$peer_a" "$public_a"
	check_eq "B's public address" "$peer_b" "$public_b"
	check_eq "A's packets that were relayed" "$relayed_a" "$packets"
	check_eq "B's packets that were relayed" "$relayed_b" $((packets + 1))
}

# What the NATs do to the address and the port that the SDP names: nothing, another
# port, another address, both.
nat_none() {
	where_a=$nat_a where_b=$nat_b phone_a=$public_a:4000 phone_b=$public_b:6000
	on "$nat_a" nft flush ruleset
	on "$nat_b" nft flush ruleset
}
nat_port() {
	nat_none
	setup_nat "$nat_a"
	setup_nat "$nat_b"
}
nat_address() {
	nat_both
	for nat in "$nat_a" "$nat_b"; do
		on "$nat" nft flush chain inet home postrouting
		on "$nat" nft add rule inet home postrouting oifname wan masquerade
	done
}
nat_both() {
	nat_port
	where_a=$lan_a where_b=$lan_b phone_a=192.168.1.2:4000 phone_b=192.168.1.2:6000
}
declare -A says=([none]="the SDP is right" [port]="the NATs change the port"
	[address]="the NATs change the address" [both]="the NATs change address and port")
declare -A kept=([none]=4000 [address]=4000)

# X is slow or fast; from any port or from the one that A's SDP names; or both at once
for change in none port address both; do
	"nat_$change"
	for how in "50 5000" "1000 4000" "full 4000"; do
		if [ "${how% *}" = full ] && ! has_pktgen; then
			log_skip "${says[$change]}, X sends as fast as it can" "no pktgen, or one processor"
			continue
		fi
		# shellcheck disable=SC2086 # words
		hijack $how
		case ${kept[$change]-} in
		'') check "A's port is another: $got_port" [ "$got_port" != 4000 ] ;;
		*) check_eq "A's port" "$got_port" "${kept[$change]}" ;;
		esac
		log_test "${says[$change]}, X sends ${how% *} from port ${how#* } all the time:" \
			"hears nothing, is not heard ($attacked)"
	done
done

# Many calls at once, of one socket on each side, which hears each number once from each
# call. X sends to all of their ports.
calls=$(full 50 1000)
nat_none
check "pool" nattravctl pool add "$relay" 40000-42999
for ((i = 0; i < calls; i++)); do
	echo "call many timeout-idle 1h a local $relay:$((40000 + i)) prefix $public_a/32 pt 0 window 3600" \
		"b local $relay:$((41000 + i)) prefix $public_b/32 pt 0 window 3600"
done >"$work/batch"
# each terminal to its port of each call: many_send first count
many_send() {
	start send_a "$where_a" "${aside[@]}" rawudp -r 1000 -n "$1" -c "$2" -P $((40000 + calls - 1)) \
		"$public_a" 4100 "$relay" 40000
	start send_b "$where_b" "${aside[@]}" rawudp -r 1000 -n "$1" -c "$2" -P $((41000 + calls - 1)) \
		"$public_b" 6100 "$relay" 41000
	await send_a
	await send_b
}
if has_pktgen; then
	flood_start x "$x" eth0 "$(mac_of "$gw" side_a)" 203.0.113.66 4100 "$relay" 40000-42999
	start leaked "$x" tcpdump -n -U -i eth0 -w "$work/leaked.pcap" "not arp and not src host 203.0.113.66"
	wait_log 20 leaked 'listening on'
	slowwait 20 flood_has_sent x 10000
	stats_mark
	begin=$(date +%s%N)
	nattravctl stream add --batch "$work/batch" >/dev/null
	check_err $? "$calls streams cannot be made"
	many_send 0 1
	rm -f "$work/done"
	start a "$where_a" "${aside[@]}" rtp -b "$public_a:4100" -c 0 -e "$work/done" -w 1000
	start b "$where_b" "${aside[@]}" rtp -b "$public_b:6100" -c 0 -e "$work/done" -w 1000
	slowwait 30 listens "$where_a" "$public_a:4100"
	slowwait 30 listens "$where_b" "$public_b:6100"
	many_send 1 30
	touch "$work/done"
	took=$((($(date +%s%N) - begin) / 1000000))
	attacked=$((($(since drop.outside-prefix) + $(since drop.wrong-source)) * 1000 / took))
	flood_end x
	for side in a b; do
		await "$side"
		check_eq "received by $side: numbers, first, last, the same from other calls, corrupted" \
			"$(jq -c '[.received, .first, .last, .doubles, .corrupt]' "$work/$side.log")" \
			"[30,1,30,$((30 * (calls - 1))),0]"
	done
	sleep 1
	stop leaked
	check_eq "packets to X, ICMP included" "$(tcpdump -n -r "$work/leaked.pcap" 2>/dev/null | wc -l)" 0
	check_ge "X's packets that were dropped in a second" "$attacked" 1
	log_test "$calls calls at once, X sends to all their ports as fast as it can:" \
		"$((60 * calls)) packets, none lost, none of X's ($attacked/s dropped)"
else
	log_skip "$calls calls at once, X sends to all their ports" "no pktgen, or one processor"
fi
nattravctl stream del call many
nat_both

# From here on X says exactly what A and B say: their SSRC and all sequence numbers,
# over and over.
count=$(full 50000 1000000)
hijack_numbers() { on "$x" rawudp -r 0 -c "$count" -n "$foreign" 203.0.113.66 5000 "$relay" "$1" >/dev/null; }
call
first_packets
stats_mark
was_a=$(peer a) was_b=$(peer b)
begin=$SECONDS
hijack_numbers "$port_a" &
flooder_a=$!
hijack_numbers "$port_b" &
flooder_b=$!
talk 1
talk_check 1
wait "$flooder_a" "$flooder_b"
check_eq "relayed" "$(since forwarded)" $((2 * packets))
check_eq "dropped as wrong-source" "$(since drop.wrong-source)" $((2 * count))
log_test "X sends the true SSRC and numbers $((2 * count)) times, off the path, in" \
	"$((SECONDS - begin)) s of a call: not heard"

# A is silent, X goes on in its place; and so does Y, who is beside A in its LAN: of all
# that the relay can see, only the port is not A's.
next=$((1 + packets))
for pause in 0.5 2 5; do
	sleep "$pause"
	start hijack_x "$x" rtp -b 203.0.113.66:5000 -d "$relay:$port_a" -f $((foreign + next)) -c 20 -w 0
	start hijack_y "$where_a" rtp -b "${phone_a%:*}:4008" -d "$relay:$port_a" -f $((foreign + next)) -c 20 -w 0
	await hijack_x
	await hijack_y
	talk "$next"
	talk_check "$next"
	check_eq "peer of leg a" "$(peer a)" "$was_a"
	check_eq "peer of leg b" "$(peer b)" "$was_b"
	next=$((next + packets))
done
log_test "while a terminal is silent for 0.5, 2 and 5 s, with what it would say next: not heard"

# A newer generation opens leg a, for its prefix only; the old peer is served on.
check "generation" nattravctl stream set "$stream" a generation 7
attack 200 5000
talk "$next"
talk_check "$next"
attack_end 200
check_eq "peer of leg a" "$(peer a)" "$was_a"
log_test "a leg that was opened anew: X does not get in, the old peer is served"

# The phone takes another address. From the re-INVITE on either is good: what it sends
# from the first one is heard until it sends from the second one, and from there on at
# once, though it begins anew with another SSRC. B's packets go to one of the two.
call
first_packets
was_a=$(peer a)
rm -f "$work/go" "$work/done"
moved=${phone_a%:*}:4002
packets=1000
start b "$where_b" "${aside[@]}" rtp -b "$phone_b" -d "$relay:$port_b" -f 1 -c "$packets" \
	-g "$work/go" -e "$work/done" -w 1000
start a "$where_a" "${aside[@]}" rtp -b "$phone_a" -d "$relay:$port_a" -f 1 -c 100 \
	-g "$work/go" -e "$work/done" -w 1000
start moved "$where_a" "${aside[@]}" rtp -b "$moved" -c 0 -e "$work/done" -w 1000
slowwait 30 listens "$where_a" "$phone_a"
slowwait 30 listens "$where_a" "$moved"
slowwait 30 listens "$where_b" "$phone_b"
touch "$work/go"
a_spoke() { [ "$(leg a packets)" -ge "$1" ]; }
check "A speaks" slowwait 30 a_spoke 30
check "a re-INVITE" nattravctl stream set "$stream" a generation 3
check "A is heard from where it was" slowwait 30 a_spoke 100
check_eq "peer until then" "$(peer a)" "$was_a"
on "$where_a" bash -c "
	rawudp -r 50 -c 10 -n 101 ${phone_a/:/ } $relay $port_a
	rawudp -r 50 -c 90 -n 111 -s 0x55667788 ${moved/:/ } $relay $port_a"
check "and from where it goes" slowwait 30 a_spoke 200
check "another peer: $(peer a), was $was_a" [ "$(peer a)" != "$was_a" ]
check_eq "its address" "$(leg a peer-ipv4)" "$public_a"
b_spoke() { [ "$(leg b packets)" -gt "$packets" ]; }
check "B has said all" slowwait 30 b_spoke
touch "$work/done"
for side in a b moved; do await "$side"; done
check_eq "heard by B: packets, first, last, doubled, corrupted" \
	"$(jq -c '[.received, .first, .last, .doubles, .corrupt]' "$work/b.log")" "[200,1,200,0,0]"
before=$(heard_by a received)
check_eq "heard by A, first where it was and then where it went" \
	"$(jq -s -c '[.[0].first, .[0].last, .[1].first, .[1].last, .[1].received]' "$work/a.log" "$work/moved.log")" \
	"[1,$before,$((before + 1)),$packets,$((packets - before))]"
log_test "a phone moves with a re-INVITE: no packet is lost in either direction"

# --- The NAT forgets ------------------------------------------------------------

options_a=(relatch rebind)
call
first_packets
was_a=$(peer a)
start monitor "$gw" "$top/build/nattravctl" monitor --json
sleep 1
# X says all the time what A could say next, wherever A may be
start x "$x" bash -c "while :; do
	rawudp -r 1000 -c 500 -n $((foreign + 50)) 203.0.113.66 4000 $relay $port_a; done"
capture to_x "$x" eth0 "udp and dst port 4000"
capture from_a "$gw" side_a "udp and src host $public_a and dst port $port_a"
packets=500
talk 1
a_speaks() { [ "$(leg a packets)" -ge 100 ]; }
slowwait 60 a_speaks
on "$nat_a" conntrack -D -p udp --orig-port-src 4000 >/dev/null 2>&1
await a
await b
stop monitor x
capture_end to_x from_a
# Silence is 2 s, then one is enough; how much A says in that time, the machine decides.
lost=$((packets - $(heard_by b received)))
tcpdump -n -tt -r "$work/from_a.pcap" 2>/dev/null >"$work/from_a"
most=$(awk -v old="$was_a" '{ time = $1; $0 = $3; sub(/.*\./, "") }
	old ~ ":" $0 "$" { last = time; next }
	time < last + 2.02 { n++ }
	END { print n + 3 }' "$work/from_a")
check "B lost $lost packets, 1 to $most expected" [ "$lost" -ge 1 -a "$lost" -le "$most" ]
check_eq "the last one that B heard" "$(heard_by b last)" "$packets"
check "A hears B again" [ "$(heard_by a last)" -eq "$packets" ]
check "another peer: $(peer a), was $was_a" [ "$(peer a)" != "$was_a" ]
check_eq "the public port of A" "$(peer a)" "$(nat_mapping "$nat_a" "$port_a" 4000)"
check_eq "relatched events" "$(grep -c relatched "$work/monitor.log")" 1
check_eq "received by X" "$(tcpdump -n -r "$work/to_x.pcap" 2>/dev/null | wc -l)" 0
log_test "the NAT forgets A's mapping: media is back after 2 s and 3 packets ($lost lost), one event"

# --- Senders that change ---------------------------------------------------------

options_a=()
call
first_packets
stats_mark
begin=$SECONDS
for ssrc in 1 2 3 4 5 6 7 8 9 10 11 12; do
	sleep 0.3 # another SSRC is believed when the one before has stopped
	on "$where_a" rtp -b "$phone_a" -d "$relay:$port_a" -s "$ssrc" -c 1 -w 0 >/dev/null
done
# The first is no change; a minute of the limit may have ended in between, or more of them
# on a slow machine.
believed=$((4 * ((SECONDS - begin) / 60 + 2)))
dropped=$(since drop.ssrc)
check "11 changes of the SSRC, $dropped dropped" [ "$dropped" -ge $((11 - believed)) -a "$dropped" -le 7 ]
check_eq "changes told" "$(leg a ssrc-changes)" $((11 - dropped))
check_eq "relayed" "$(since forwarded)" $((12 - dropped))
log_test "an SSRC that changes all the time: 4 a minute are believed"

# X sends in A's name; for this it must not be behind another NAT than A.
on "$nat_a" nft flush ruleset
on "$nat_b" nft flush ruleset
where_a=$nat_a where_b=$nat_b
phone_a=$public_a:4000 phone_b=$public_b:6000
call
first_packets
spoof() { on "$x" rawudp "$@" "$public_a" 4000 "$relay" "$port_a"; }
packets=500
talk 1
a_speaks() { [ "$(leg a packets)" -ge 50 ]; }
slowwait 60 a_speaks
stats_mark
spoof -n $((foreign + 10000)) -c 20
spoof -n $((foreign + 60000)) -c 20
spoof -s 0x55555555 -S -c 20
talk_check 1
check_eq "dropped as sequence" "$(since drop.sequence)" 40
check_eq "dropped as ssrc" "$(since drop.ssrc)" 20
log_test "X spoofs A's address, with its SSRC or others, but not its numbers: nothing passes"

# What no relay can tell apart in plain RTP; SRTP is the answer.
start b "$where_b" rtp -b "$phone_b" -c 0 -w 6000
sleep 2
spoof -n $((foreign + 501)) -c 1
await b
check_eq "received by B" "$(heard_by b received)" 1
log_test "X spoofs A's address, SSRC and numbers: passes, as documented"

dmesg_check
finish
