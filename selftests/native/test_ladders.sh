#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# What calls may do besides ringing and being answered, with SIPp, baresip and
# Linphone behind NATs of their own: holds of both styles, an offer that comes late,
# several phones that ring, callers who give up, and a transfer. Dave and Erin are
# SIPp; the media of theirs is that of rtp. The datapath is conntrack.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"

sipp_port=5090

require baresip linphonec sipp openssl perl jq nft conntrack ethtool tcpdump tshark mergecap python3
setup_rig
setup_third
make_certificates
start_gateway || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

has_rtp() { [ -n "$(rtp_stream .id)" ]; }
relay() { echo "203.0.113.1:$(rtp_stream ".\"leg-$1\".\"local-port\"")"; }

# answers of the callee to offers, which nattravd writes down
offers_answered() { logged nattravd 'debug: call .*: answer of b' "$1"; }

# media name ns leg options...: RTP between a SIPp and its leg of the call
media() {
	local name=$1 ns=$2 leg=$3
	shift 3
	start "$name" "$ns" rtp -b 192.168.1.2:4000 -d "$(relay "$leg")" "$@"
}

# reported name key: what its media said at its end
reported() { jq -r ".$2" "$work/$1.log"; }

plan 11

capture side_a "$gw" side_a udp
capture side_b "$gw" side_b udp
capture at_a "$lan_a" eth0 udp
capture at_b "$lan_b" eth0 udp portrange 30000-39999
capture at_c "$lan_c" eth0 udp portrange 30000-39999
check_eq "Dave registers" "$(register dave "$lan_a" daves-secret "$sipp_port")" 200
check_eq "Erin registers" "$(register erin "$lan_b" erins-secret "$sipp_port")" 200
log_test "Dave and Erin register"

# --- Hold ------------------------------------------------------------------

# Both are silent while the call is held. After the resume it is Erin who speaks
# first, and Dave must hear her before he has said another word.
hold() { # c=, a=
	local before
	before=$(grep -c 'debug: call .*: answer of b' "$work/nattravd.log")
	sipp_start erin "$lan_b" "$sipp_port" callee_held
	sleep 0.5
	sipp_start dave "$lan_a" "$sipp_port" caller_holds -d 5000 -key hold "$1" -key direction "$2"
	check "the call is up" slowwait 20 offers_answered $((before + 1))
	media dave1 "$lan_a" a -c 100 -w 1500
	media erin1 "$lan_b" b -c 100 -w 1500
	check "Dave's media ends" await dave1
	check "Erin's media ends" await erin1
	check_ge "Dave heard" "$(reported dave1 received)" 90
	check "held" slowwait 20 offers_answered $((before + 2))
	check_eq "the stream is on hold" "$(rtp_stream .hold)" true
	check "resumed" slowwait 20 offers_answered $((before + 3))
	check_eq "the stream is not on hold" "$(rtp_stream '.hold // false')" false
	media dave2 "$lan_a" a -f 100 -c 50 -D 2000 -w 1000
	media erin2 "$lan_b" b -f 100 -c 100 -w 2500
	check "Erin's media ends" await erin2
	check "Dave's media ends" await dave2
	check_eq "of Erin's 100, heard by Dave" "$(reported dave2 received)" 100
	check_eq "of Dave's 50, heard by Erin" "$(reported erin2 received)" 50
	check_eq "the first that Dave heard" "$(reported dave2 first)" 100
	check "both ladders" sipp_ends dave erin
	check "no stream is left" slowwait 10 no_streams
}

hold 0.0.0.0 sendrecv
log_test "a hold by c=0.0.0.0: all $(reported dave2 received) packets are heard after the resume, from the first on"
hold 192.168.1.2 sendonly
log_test "a hold by a=sendonly: all $(reported dave2 received) packets are heard after the resume, from the first on"

# --- An offer that comes late ----------------------------------------------

# Alice stays with UDP, as SIPp does; what the others get, they get over TCP and TLS.
phone alice "$lan_a" 400 auto "$keeping_alive"
phone_transport=tls phone bob "$lan_b" 1000 auto "$keeping_alive"
phone_transport=tcp linphone carol "$lan_c" 600
check "alice registers" registered alice
check "bob registers" registered bob
check "carol registers" linphone_registered carol

for callee in bob carol; do
	sipp_start dave "$lan_a" "$sipp_port" caller_late_offer -d 7000 -key callee "$callee"
	check "the call is up" wait_log 20 "$callee" 'Call established|Call .* connected'
	media dave3 "$lan_a" a -c 150 -w 500
	check "both hear the other" slowwait 20 both_hear 100
	check "Dave's media ends" await dave3
	check_eq "who sent it" "$(reported dave3 '"from"[0]')" "$(relay a)"
	check "the ladder" sipp_ends dave
	check "no stream is left" slowwait 10 no_streams
done
log_test "the offer comes in the 200 and the answer in the ACK: baresip (TLS) and Linphone (TCP) talk to SIPp"

# --- Several phones, and callers who give up -------------------------------

stop bob
phone_transport=tls phone bob "$lan_b" 1000 manual "$keeping_alive"
phone_transport=tcp phone bob.2 "$lan_c" 2000 manual "$keeping_alive"
check "Bob's phone registers" registered bob
check "and his other one" registered bob.2
dial alice bob
check "the one rings" wait_log 20 bob 'Incoming call'
check "so does the other" wait_log 20 bob.2 'Incoming call'
check_ge "streams, a pair for each phone" "$(ctl '[.[] | select(.type == "rtp")] | length' stream list)" 2
phone_do bob.2 /accept
check "Alice talks" established alice
check "to the other one" established bob.2
check "the first is told to be silent" wait_log 20 bob 'session closed: Rejected by peer|session closed: .*Cancel|CANCEL sip:'
check "by a CANCEL" logged bob '^CANCEL sip:'
check "media goes both ways" slowwait 20 both_hear 100
check_eq "streams" "$(ctl '[.[] | select(.type == "rtp")] | length' stream list)" 1
phone_do alice /hangup
check "no stream is left" slowwait 10 no_streams
check "Alice heard the other one: $(heard alice 2000) s" awk -v s="$(heard alice 2000)" 'BEGIN { exit !(s >= 1) }'
check_eq "the first one said" "$(heard alice 1000)" 0.00
log_test "two phones ring, one answers (TCP), the other (TLS) gets a CANCEL"

dial alice bob
check "they ring" wait_log 20 bob.2 'Incoming call' 2
check "both" wait_log 20 bob 'Incoming call' 2
phone_do alice /hangup
for name in bob bob.2; do
	check "$name gets a CANCEL" wait_log 20 "$name" '^CANCEL sip:'
done
check "nattravd tells" logged nattravd 'cancelled by the caller'
check "no stream is left" slowwait 10 no_streams
log_test "a caller gives up: CANCEL for both phones, over TLS and TCP, and nothing is left"

linphone_do carol "call sip:bob@example.net"
check "they ring" wait_log 20 bob 'Incoming call' 3
linphone_do carol terminate
check "nattravd tells" wait_log 20 nattravd 'cancelled by the caller' 2
check "no stream is left" slowwait 10 no_streams
sipp_start erin "$lan_b" "$sipp_port" callee_cancelled
sleep 0.5
dial alice erin
check "Erin's phone rings" wait_log 20 alice '180 Ringing|Call in-progress: sip:erin|ringing'
sleep 0.5
phone_do alice /hangup
check "Erin's ladder: CANCEL, 487, ACK" sipp_ends erin
check "no stream is left" slowwait 10 no_streams
log_test "so does one with Linphone (TCP), and one who rings a SIPp, which says what it got"

# --- A transfer ------------------------------------------------------------

stop bob.2 bob
phone bob "$lan_b" 1000 auto "$keeping_alive"
check "Bob registers" registered bob
before=$(grep -c 'Call .* connected' "$work/carol.log")
dial alice bob
check "Alice and Bob talk" established bob
check "media goes both ways" slowwait 20 both_hear 50
phone_do alice "/transfer sip:carol@example.net"
check "Carol is called" wait_log 20 carol 'incoming call from .*bob@example.net'
check "she talks" wait_log 20 carol 'Call .* connected' $((before + 1))
check "Alice is not needed any more" wait_log 20 alice 'Call with sip:bob@example.net terminated'
check "media goes both ways" slowwait 20 both_hear 100
check_eq "calls" "$(ctl '[.[] | select(.type == "rtp")] | length' stream list)" 1
check_eq "legs" "$(rtp_stream '"\(."leg-a"."peer-ipv4") \(."leg-b"."peer-ipv4")"')" "198.51.100.11 203.0.113.12"
transfer_a=$(relay a) transfer_b=$(relay b)
until=$(now)
sleep 1
phone_do bob /hangup
check "no stream is left" slowwait 10 no_streams
check "Bob heard Carol: $(heard bob 600) s" awk -v s="$(heard bob 600)" 'BEGIN { exit !(s >= 1) }'
log_test "a transfer: Bob, told by Alice, calls Carol (TCP)"

# --- What the captures say -------------------------------------------------

stop alice bob carol
capture_end side_a side_b at_a at_b at_c
dissect side_a side_b at_a at_b at_c

# refer side: what the REFERs there say, without the lines that proxies change
refer() {
	awk -F '\t' '$6 == "REFER" { print $11 }' "$work/$1.packets" | head -n 1 | perl -ne 'print pack "H*", $_' | tr -d '\r' |
		sed '/^$/,$d' | grep -vE '^(Via|Record-Route|Route|Max-Forwards|Proxy-Authorization|Content-Length):'
}
check "it refers to Carol" grep -q '^Refer-To: .*sip:carol@example.net' <(refer side_a)
check_eq "the REFER that Bob got" "$(refer side_b)" "$(refer side_a)"
log_test "the REFER passed untouched"

read -r sent_a got_a < <(delivered at_b "$transfer_a" at_c "$transfer_b" 0 "$until")
read -r sent_b got_b < <(delivered at_c "$transfer_b" at_b "$transfer_a" 0 "$until")
check_ge "Bob sent" "$sent_a" 90
check_ge "Carol sent" "$sent_b" 90
check_eq "of Bob's, heard" "$got_a" "$sent_a"
check_eq "of Carol's, heard" "$got_b" "$sent_b"
log_test "Bob and Carol heard all $sent_a and $sent_b packets of each other"

check_eq "guesses" "$(guesses side_a side_b)" ""
check_eq "packets from or to a private address" \
	"$(for side in a b; do tcpdump -n -r "$work/side_$side.pcap" net 192.168.0.0/16 2>/dev/null; done | wc -l)" 0
log_test "nothing was sent to an address that had not sent before"

finish
