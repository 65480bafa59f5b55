#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Next hops that are reached over TCP and TLS, connected to when there is something to
# say; and several of them for the same numbers, of which some do not answer. Kamailio is
# all of those that do; Frank is registered there, Alice behind her NAT at nattravd.
# Phones are baresip, the datapath is conntrack.
#
#    Kamailio 203.0.113.50, Frank 203.0.113.66: on the public side of the rig
#    203.0.113.51 is nobody; port 5070 of Kamailio is always busy

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"
# shellcheck source=selftests/kamailio.sh
. "$selftests/kamailio.sh"

require kamailio baresip jq nft conntrack ethtool openssl

setup_rig
setup_core
make_certificates
make_certificate kamailio ca other.example
make_certificate stranger other-ca other.example
kamailio_transports=("udp:$kamailio:5070" "tcp:$kamailio:5060" "tls:$kamailio:5061")
kamailio_config other.example <<END
	if (\$Rp == 5070) {
		append_to_reply("Retry-After: 20\\r\\n");
		sl_send_reply("503", "Busy");
		exit;
	}
	if (is_method("REGISTER")) {
		save("location");
		exit;
	}
	t_check_trans();
	remove_hf("Route");
	record_route();
	xlog("L_NOTICE", "\$rm for \$rU over \$proto from \$si\n");
	if (\$rU =~ "^[0-9]*\$") \$rU = "frank";
	if (!lookup("location")) {
		sl_send_reply("404", "Nobody Has Registered Here");
		exit;
	}
	t_relay();
}
END

calls=0
# answered number seconds: Frank's phone takes a call to it within that time
answered() {
	calls=$((calls + 1))
	dial alice "$1" "${3-example.net}"
	check "Frank answers within $2 s" wait_log "$2" frank 'Call established' "$calls"
}

# talk user: they do already; the user ends it
talk() {
	check "media goes both ways" slowwait 20 both_hear 100
	phone_do "$1" /hangup
	check "no stream is left" slowwait 10 no_streams
}

connections() { on "$gw" ss -Htn state established "dst $kamailio and dport = :$1" | wc -l; }

plan 8

write_config
cat >>"$work/nattravd.conf" <<END
listen tcp 203.0.113.1:5060
listen tls 203.0.113.1:5061
certificate $work/gateway.pem
ca $work/ca.pem
datapath conntrack
route @other.example $kamailio transport=tls
route 7 $kamailio transport=tcp
route 8 203.0.113.51
route 8 $kamailio
route 9 $kamailio:5070
route 9 $kamailio
route 6 $kamailio:5070
END
on "$gw" sysctl -qw net.ipv4.ip_forward=1
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }
phone alice "$lan_a" 400 auto "$keeping_alive"
check "Alice registers" registered alice
# callers hasten nothing that has failed just now
check "it is tried less and less often" wait_log 90 nattravd \
	'next hop tls .*the next try is in (1[6-9]|[2-6][0-9])\.'
dial alice frank other.example
check "503" wait_log 20 alice 'session closed: 503'
check "no stream is left" slowwait 10 no_streams
log_test "a next hop over TLS that is not there is 503 at once"

check "Kamailio listens" start_kamailio
phone_domain=other.example phone_server=$kamailio phone frank "$x" 1000 auto
check "Frank registers" registered frank
check_eq "connections so far" "$(connections 5061)" 0
answered frank 8 other.example
check "it is connected" logged nattravd 'next hop tls 203.0.113.50:5061 \(other.example\): connected'
check "over TLS" logged kamailio 'INVITE for frank over tls from 203.0.113.1'
talk frank
answered frank 8 other.example
talk alice
check_eq "connections" "$(connections 5061)" 1
log_test "it is there: a call connects to it, and the next one finds the connection"

answered 7001 8
check "over TCP" logged kamailio 'INVITE for 7001 over tcp from 203.0.113.1'
talk frank
check_eq "connections" "$(connections 5060)" 1
log_test "the same over TCP"

stop kamailio
check "Kamailio listens again" start_kamailio
stop frank
phone_domain=other.example phone_server=$kamailio phone frank "$x" 1000 auto
check "Frank registers" registered frank
calls=0
answered frank 20 other.example
talk frank
check_eq "connections" "$(connections 5061)" 1
log_test "it starts again, and is connected to again"

answered 8001 15
check "the log tells" logged nattravd 'INVITE goes to another next hop, udp 203.0.113.50:5060'
check "and why" logged nattravd 'next hop udp 203.0.113.51:5060: no answer; others are asked first'
talk frank
answered 8002 3
check "that was no other try" not logged nattravd 'INVITE goes to another next hop' 2
talk alice
log_test "nobody answers: the second line counts, from then on at once"

answered 9001 3
check "the log tells" logged nattravd 'INVITE goes to another next hop' 2
talk frank
answered 9002 3
check "it was left alone" not logged nattravd 'INVITE goes to another next hop' 3
talk alice
log_test "503: the second line counts, as long as Retry-After says"

dial alice 6001
check "503" wait_log 20 alice 'session closed: 503 Busy'
check "Frank's phone does not ring" not logged frank 'Call established' $((calls + 1))
log_test "without a second line it is what the caller hears"

# somebody else in its place
stop kamailio
cp "$work/stranger.pem" "$work/kamailio.pem"
start_kamailio
dial alice frank other.example
check "the log tells" wait_log 30 nattravd 'next hop tls .*: .*certificate'
check "503" wait_log 30 alice 'session closed: 503' 3
check_eq "connections" "$(connections 5061)" 0
check "nothing was said to it" not logged kamailio 'INVITE .* over tls' 4
log_test "nothing is sent to one whose certificate is not from our authority"

finish
