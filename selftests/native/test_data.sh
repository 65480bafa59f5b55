#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Media that is not RTP, set up by SIP: what a game sends, by nattrav-ua; fax (T.38),
# the floor of a conference (BFCP) and a data channel, by SIPp, with datagrams that
# begin as those do. Each behind a NAT; the datapath is conntrack.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"

sipp_port=5090

require nattrav-ua sipp jq nft conntrack ethtool tcpdump tshark mergecap python3
setup_rig
start_gateway || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

# Of each stream for the captures: its name, peers and relay ports.
streams=()

one_stream() { [ "$(ctl '[.[] | select(.type == "udp")] | length' stream list)" = 1 ]; }
stream() { ctl ".[0] | $1" stream list; }
is_complete() { [ "$(stream .state)" = complete ]; }
relay() { echo "203.0.113.1:$(stream ".\"leg-$1\".\"local-port\"")"; }
peer() { stream "\"\(.\"leg-$1\".\"peer-ipv4\"):\(.\"leg-$1\".\"peer-port\")\""; }
intruded() { [ "$(stream '[."leg-a"."intruder-packets", ."leg-b"."intruder-packets"] | min')" -ge "$1" ]; }

# What is so of any stream that has both peers; $1 is its name in the report.
check_complete() {
	local peer_a peer_b
	check "the stream completes" slowwait 20 is_complete
	check_eq "streams" "$(ctl length stream list)" 1
	check_eq "type" "$(stream .type)" udp
	peer_a=$(peer a) peer_b=$(peer b)
	check_eq "leg a, NAT A" "$peer_a" "$(nat_mapping "$nat_a" "$(stream '."leg-a"."local-port"')")"
	check_eq "leg b, NAT B" "$peer_b" "$(nat_mapping "$nat_b" "$(stream '."leg-b"."local-port"')")"
	streams+=("$1 $peer_a $(relay a) $(relay b) $peer_b")
}

# terminal user ns options...: nattrav-ua
terminal() {
	local user=$1 ns=$2
	shift 2
	cat >"$work/$user.conf" <<-END
		server 203.0.113.1
		domain example.net
		user $user
		password ${user}s-secret
	END
	start "$user" "$ns" nattrav-ua -f "$work/$user.conf" --local 192.168.1.2:5060 --audio none \
		--data 60x100 "$@"
}

told() { jq -c "select($2)" "$work/$1.log" 2>/dev/null; }
tells() { [ -n "$(told "$1" "$2")" ]; }

plan 6

capture side_a "$gw" side_a udp
capture side_b "$gw" side_b udp

# --- A game ----------------------------------------------------------------

terminal bob "$lan_b" --calls 1
check "bob registers" slowwait 20 tells bob '.event == "registered"'
terminal alice "$lan_a" --duration 10 call bob
check "the call is established" slowwait 20 tells alice '.event == "established"'
check_complete "game"
check "Alice's end" await alice
check "Bob's end" await bob
for user in alice bob; do
	stats=$(told "$user" '.event == "stats" and .stream == "data"')
	say "$user: $stats"
	check "$user, 60 a second for 10 s: $stats" jq -e '.sent >= 540 and .sent <= 660 and
		.received >= 540 and .lost == 0 and .foreign == 0 and ."rtt-max-ms" > 0' <<<"$stats"
done
check "no stream is left" slowwait 10 no_streams
log_test "60 packets a second each way for 10 s between two nattrav-ua, none lost"

# --- Others ----------------------------------------------------------------

check_eq "Dave registers" "$(register dave "$lan_a" daves-secret "$sipp_port")" 200
check_eq "Erin registers" "$(register erin "$lan_b" erins-secret "$sipp_port")" 200

# data name bytes media attribute
data() {
	local name=$1 head=$2 leg user
	local -A at=()
	sipp_start erin "$lan_b" "$sipp_port" callee_stream -key media "$3" -key attribute "$4"
	sleep 0.5
	sipp_start dave "$lan_a" "$sipp_port" caller_stream -d 14000 -key media "$3" -key attribute "$4"
	check "there is one stream" slowwait 20 one_stream
	for leg in a b; do
		at[$leg]=$(relay "$leg")
		start "x_$leg" "$x" rtp -b "203.0.113.66:500$((16#$leg))" -d "${at[$leg]}" -x "$head" -c 10
	done
	check "X is counted" slowwait 20 intruded 10
	check_eq "state" "$(stream .state)" partial
	rm -f "$work/go"
	start dave_media "$lan_a" rtp -b 192.168.1.2:4000 -d "${at[a]}" -x "$head" -c 200 -w 2000 -g "$work/go"
	start erin_media "$lan_b" rtp -b 192.168.1.2:4000 -d "${at[b]}" -x "$head" -c 200 -w 2000 -g "$work/go"
	sleep 0.5
	touch "$work/go"
	check_complete "$name"
	for user in dave erin; do
		check "$user's media ends" await "${user}_media"
		[ "$user" = dave ] && leg=a || leg=b
		say "$user: $(cat "$work/${user}_media.log")"
		check_eq "where $user heard it from" "$(jq -c .from "$work/${user}_media.log")" "[\"${at[$leg]}\"]"
		check "$user heard all from the first on" jq -e '.received >= 150 and .lost == 0 and
			.corrupt == 0 and .doubles == 0 and .last == 199' "$work/${user}_media.log"
	done
	check "both ladders" sipp_ends dave erin
	await x_a
	await x_b
	check_eq "what X heard" "$(jq -c '[.received, .corrupt]' "$work/x_a.log" "$work/x_b.log" | sort -u)" "[0,0]"
	check "no stream is left" slowwait 10 no_streams
	log_test "$name: X completes nothing; what Dave and Erin send is latched, and none of it lost"
}

data fax 000006c001800001 "image 4000 udptl t38" "T38FaxVersion:0"
data floor 40010001 "application 4000 UDP/BFCP *" "floorctrl:c-s"
data channel 16fefd0000 "application 4000 UDP/DTLS/SCTP webrtc-datachannel" "sctp-port:5000"

# --- What the captures say -------------------------------------------------

capture_end side_a side_b
dissect side_a side_b
check_eq "streams" "${#streams[@]}" 4
for facts in "${streams[@]}"; do
	read -r name peer_a local_a local_b peer_b <<<"$facts"
	read -r ab ab_good _ < <(relayed side_a side_b "$peer_a" "$local_a" "$local_b" "$peer_b")
	read -r ba ba_good _ < <(relayed side_b side_a "$peer_b" "$local_b" "$local_a" "$peer_a")
	say "$name: $ab and $ba packets relayed"
	check_ge "$name, A to B" "$ab" 150
	check_ge "$name, B to A" "$ba" 150
	check_eq "$name, A to B, rewritten in both addresses" "$ab_good" "$ab"
	check_eq "$name, B to A, rewritten in both addresses" "$ba_good" "$ba"
done
log_test "every packet of the four streams was rewritten in both addresses, both ways"

check_eq "guesses" "$(guesses side_a side_b)" ""
check_eq "packets from or to a private address" \
	"$(for side in a b; do tcpdump -n -r "$work/side_$side.pcap" net 192.168.0.0/16 2>/dev/null; done | wc -l)" 0
log_test "nothing was sent to an address that had not sent before"

finish
