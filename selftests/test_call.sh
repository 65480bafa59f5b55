#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A call between two phones behind NATs whose controller is stopped as soon as it
# has installed the streams: what follows is the kernel's work alone. And the
# control: a phone that sends no keep-alives is not reached.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

require baresip jq nft conntrack ethtool
require_module
setup_rig
nat_timeouts "$nat_a" 10
nat_timeouts "$nat_b" 10
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

# A NAT that lets no media out, until it does.
hold_media() {
	on "$1" nft insert rule inet home forward udp dport 30000-39999 drop
}
let_media_go() {
	on "$1" nft flush chain inet home forward
	on "$1" nft add rule inet home forward ct state established,related accept
	on "$1" nft add rule inet home forward iifname lan accept
}

plan 6

phone alice "$lan_a" 400 manual "$keeping_alive"
phone bob "$lan_b" 1000 auto "$keeping_alive"
phone carol "$lan_b" 2000 auto
for user in alice bob carol; do
	check "$user registers" registered "$user"
done
path_bob=$(nat_mapping "$nat_b" 5060 5060)
sleep 15
check_eq "Bob's path after 15 s" "$(nat_mapping "$nat_b" 5060 5060)" "$path_bob"
check_eq "Carol's path after 15 s" "$(nat_mapping "$nat_b" 5060 5070)" ""
log_test "keep-alives hold a path through a NAT that forgets after 10 s"

hold_media "$nat_a"
hold_media "$nat_b"
dial alice bob
check "the call is established" established alice
sleep 1
kill -STOP "${pid_of[nattravd]}"
check_eq "state" "$(rtp_stream .state)" partial
check_eq "leg a" "$(rtp_peer a)" null:null
check_eq "leg b" "$(rtp_peer b)" null:null
check_eq "packets relayed" "$(ctl .forwarded stats)" 0
log_test "streams are installed partial; then the controller is stopped"

let_media_go "$nat_a"
let_media_go "$nat_b"
check "the stream completes" slowwait 30 rtp_complete
check_eq "the controller" "$(ps -o state= -p "${pid_of[nattravd]}")" T
check_eq "leg a, NAT A" "$(rtp_peer a)" "$(nat_mapping "$nat_a" "$(rtp_stream '."leg-a"."local-port"')")"
check_eq "leg b, NAT B" "$(rtp_peer b)" "$(nat_mapping "$nat_b" "$(rtp_stream '."leg-b"."local-port"')")"
log_test "the kernel completes them with what the NATs' tables say"

sleep 5
kill -CONT "${pid_of[nattravd]}"
phone_do alice /hangup
check "the streams are removed" slowwait 30 no_streams
bob_heard=$(heard bob 400)
alice_heard=$(heard alice 1000)
check "Bob heard Alice for 4 s: $bob_heard" awk -v s="${bob_heard:-0}" 'BEGIN { exit !(s >= 4) }'
check "Alice heard Bob for 4 s: $alice_heard" awk -v s="${alice_heard:-0}" 'BEGIN { exit !(s >= 4) }'
check_eq "Bob hears himself" "$(heard bob 1000)" 0.00
check_sum
log_test "both are heard while it is stopped; woken, it ends the call"

dial alice carol
sleep 4
check "Carol's phone is silent" not logged carol 'Incoming call'
check "nattravd tried to reach Carol" logged nattravd 'alice -> carol: INVITE'
phone_do alice /hangup
check "no stream is left" slowwait 30 no_streams
log_test "without keep-alives the call does not arrive"

stop alice bob carol nattravd
dmesg_check
finish
