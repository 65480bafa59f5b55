#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Kamailio as the next hop: it serves other.example, where Frank is registered, and
# is where numbers that begin with 9 go. Alice is behind her NAT and at nattravd.
# Each calls the other. Phones are baresip, the datapath is conntrack.
#
#    Kamailio 203.0.113.50, Frank 203.0.113.66: on the public side of the rig

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"
# shellcheck source=selftests/kamailio.sh
. "$selftests/kamailio.sh"

require kamailio baresip jq nft conntrack ethtool tcpdump tshark mergecap

calls=()

setup_rig
setup_core

kamailio_config other.example <<END
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("other.example", "franks-secret", "0"))
			www_challenge("other.example", "1");
		else
			save("location");
		exit;
	}
	t_check_trans();
	# what phones put in to come here
	remove_hf("Route");
	record_route();
	xlog("L_NOTICE", "\$rm for \$rU at \$rd from \$fU at \$si\n");
	if (\$rd == "example.net") {
		\$du = "sip:203.0.113.1:5060";
		t_relay();
		exit;
	}
	if (\$rU == "9001") \$rU = "frank";
	if (!lookup("location")) {
		sl_send_reply("404", "Nobody Has Registered Here");
		exit;
	}
	t_relay();
}
END

relay() { echo "203.0.113.1:$(rtp_stream ".\"leg-$1\".\"local-port\"")"; }

# call from to: there is one already; it is held, resumed and ended
call() {
	local from=$1 to=$2 holder=$3 ender=$4 local_a local_b resumed
	check "media goes both ways" slowwait 20 both_hear 100
	local_a=$(relay a) local_b=$(relay b)
	phone_do "$holder" /hold
	sleep 2
	phone_do "$holder" /resume
	sleep 1
	resumed=$(now)
	sleep 2.5
	calls+=("$from $to $local_a $local_b $resumed $(now)")
	sleep 1
	phone_do "$ender" /hangup
	check "no stream is left" slowwait 10 no_streams
}

plan 9

write_config
cat >>"$work/nattravd.conf" <<END
datapath conntrack
route @other.example $kamailio
route 9 $kamailio
END
on "$gw" sysctl -qw net.ipv4.ip_forward=1
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }
capture side_a "$gw" side_a udp
capture at_a "$lan_a" eth0 udp portrange 30000-39999
capture at_x "$x" eth0 udp
check "Kamailio listens" start_kamailio
phone alice "$lan_a" 400 auto "$keeping_alive"
phone_domain=other.example phone_server=$kamailio phone frank "$x" 1000 auto
check "Alice registers with nattravd" registered alice
check "Frank registers with Kamailio" registered frank
log_test "Alice registers with nattravd, Frank with Kamailio"

dial alice frank other.example
check "they talk" established frank
check_eq "leg b's peer" "$(slowwait 10 rtp_complete && rtp_stream '."leg-b"."peer-ipv4"')" 203.0.113.66
call alice frank alice alice
check "Kamailio passed it on" logged kamailio 'INVITE for frank at other.example from alice at 203.0.113.1'
log_test "Alice calls Frank at another domain, through Kamailio"

dial alice 9001
check "they talk" wait_log 20 frank 'Call established' 2
call alice frank frank frank
check "Kamailio got the number" logged kamailio "INVITE for 9001 at $kamailio from alice"
check "nattravd tells the end" logged nattravd 'ended by the callee'
log_test "Alice dials a number that belongs to Kamailio; Frank hangs up"

dial frank alice
check "they talk" wait_log 20 alice 'Call established' 3
call frank alice frank alice
log_test "Frank calls Alice, behind her NAT, through Kamailio"

dial alice nobody other.example
check "404" wait_log 20 alice 'session closed: 404 Nobody Has Registered Here'
check "no stream is left" slowwait 10 no_streams
log_test "what Kamailio refuses is refused"

stop frank
phone_domain=other.example phone_server=$kamailio phone frank "$x" 1000 manual
check "Frank registers" registered frank
dial alice frank other.example
check "it rings" wait_log 20 frank 'Incoming call'
phone_do alice /hangup
check "Frank gets a CANCEL" wait_log 20 frank '^CANCEL sip:'
check "his call is over" wait_log 20 frank 'session closed: Connection reset by peer'
check "no stream is left" slowwait 10 no_streams
stop alice
phone alice "$lan_a" 400 manual "$keeping_alive"
check "Alice registers" registered alice
dial frank alice
check "it rings" wait_log 40 alice 'Incoming call'
phone_do frank /hangup
check "Alice gets a CANCEL" wait_log 20 alice '^CANCEL sip:'
check "no stream is left" slowwait 10 no_streams
log_test "CANCEL passes both ways"

# a stranger who says he comes from there
sed 's/$/\r/' >"$work/stranger" <<-END
	INVITE sip:alice@example.net SIP/2.0
	Via: SIP/2.0/UDP 203.0.113.66:5099;branch=z9hG4bKx
	From: <sip:frank@other.example>;tag=x
	To: <sip:alice@example.net>
	Call-ID: x
	CSeq: 1 INVITE
	Max-Forwards: 70
	Contact: <sip:frank@203.0.113.66:5099>
	Content-Length: 0

END
on "$x" bash -c "cat '$work/stranger' >/dev/udp/203.0.113.1/5060"
sleep 1
check "nattravd asks him for a password" slowwait 5 eval \
	"tcpdump -n -A -r '$work/at_x.pcap' src host 203.0.113.1 2>/dev/null | grep -q 'SIP/2.0 407'"
check "Alice's phone does not ring" not logged alice 'Incoming call' 2
log_test "another address of that domain is not the next hop"

# --- What the captures say -------------------------------------------------

stop alice frank kamailio
capture_end side_a at_a at_x
dissect side_a at_a at_x

for facts in "${calls[@]}"; do
	read -r from to local_a local_b resumed until <<<"$facts"
	if [ "$from" = alice ]; then sides=(at_a at_x); else sides=(at_x at_a); fi
	read -r sent_a got_a < <(delivered "${sides[0]}" "$local_a" "${sides[1]}" "$local_b" 0 "$until")
	read -r sent_b got_b < <(delivered "${sides[1]}" "$local_b" "${sides[0]}" "$local_a" 0 "$until")
	read -r late_a late_got_a < <(delivered "${sides[0]}" "$local_a" "${sides[1]}" "$local_b" "$resumed" "$until")
	read -r late_b late_got_b < <(delivered "${sides[1]}" "$local_b" "${sides[0]}" "$local_a" "$resumed" "$until")
	say "$from: $sent_a sent, $got_a heard; $to: $sent_b sent, $got_b heard; $late_a and $late_b after the resume"
	check_ge "$from sent after the resume" "$late_a" 100
	check_ge "$to sent after the resume" "$late_b" 100
	check_eq "of $from, heard after the resume" "$late_got_a" "$late_a"
	check_eq "of $to, heard after the resume" "$late_got_b" "$late_b"
	check_eq "of $from, heard" "$got_a" "$sent_a"
	check_eq "of $to, heard" "$got_b" "$sent_b"
done
check_eq "calls" "${#calls[@]}" 3
log_test "in all three calls everything was heard, before the hold and after the resume"

check_eq "guesses" "$(guesses side_a | grep -v "^203.0.113.1:5060 to $kamailio:5060\$")" ""
check_eq "packets from or to a private address" \
	"$(tcpdump -n -r "$work/side_a.pcap" net 192.168.0.0/16 2>/dev/null | wc -l)" 0
log_test "nothing was sent to an address that had not sent before, but to the next hop"

finish
