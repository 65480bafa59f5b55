#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# Signalling and media over IPv6: baresip and nattrav-ua behind a NAT or a firewall,
# over UDP, TCP and TLS; and calls from one family to the other, whose phones know
# nothing of each other's.
#
#    phone A  2001:db8:a::2 --- NAT A  2001:db8:1::10 ---+
#                                                        |--- 2001:db8:1::1
#    attacker X              2001:db8:1::66 -------------+         gateway
#    phone B  2001:db8:b::2 --- firewall, no NAT ------------ 2001:db8:2::1
#
# With DATAPATH=conntrack there is no module, and there are no calls between the
# families.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"

datapath=${DATAPATH:-module}
relay6=2001:db8:1::1

require baresip nattrav-ua openssl jq nft conntrack ethtool tcpdump
[ "$datapath" != module ] || require_module
setup_rig
for ns in "$lan_a" "$nat_a" "$internet" "$x" "$gw" "$lan_b" "$nat_b"; do
	for dev in $(on "$ns" ls /proc/sys/net/ipv6/conf); do
		on "$ns" sysctl -qw "net.ipv6.conf.$dev.accept_dad=0" "net.ipv6.conf.$dev.disable_ipv6=0"
	done
done
for ns in "$nat_a" "$nat_b"; do on "$ns" sysctl -qw net.ipv6.conf.all.forwarding=1; done
# on B's side nothing is translated, and only answers come in
on "$nat_b" nft flush chain inet home postrouting
on "$nat_b" nft add rule inet home postrouting oifname wan meta nfproto ipv4 masquerade random,fully-random
address6() { ip -n "$1" address add "$3" dev "$2" nodad; }
address6 "$gw" side_a "$relay6/64"
address6 "$gw" side_b 2001:db8:2::1/64
address6 "$nat_a" wan 2001:db8:1::10/64
address6 "$nat_a" lan 2001:db8:a::1/64
address6 "$lan_a" eth0 2001:db8:a::2/64
address6 "$x" eth0 2001:db8:1::66/64
address6 "$nat_b" wan 2001:db8:2::11/64
address6 "$nat_b" lan 2001:db8:b::1/64
address6 "$lan_b" eth0 2001:db8:b::2/64
ip -n "$lan_a" -6 route add default via 2001:db8:a::1
ip -n "$lan_b" -6 route add default via 2001:db8:b::1
ip -n "$nat_a" -6 route add default via "$relay6"
ip -n "$nat_b" -6 route add default via 2001:db8:2::1
ip -n "$gw" -6 route add 2001:db8:b::/64 via 2001:db8:2::11

make_certificates
write_config
cat >>"$work/nattravd.conf" <<-END
	datapath $datapath
	listen udp [$relay6]:5060
	listen tcp 203.0.113.1:5060
	listen tcp [$relay6]:5060
	listen tls 203.0.113.1:5061
	listen tls [$relay6]:5061
	certificate $work/gateway.pem
	relay $relay6 30000-39999
END
if [ "$datapath" = conntrack ]; then
	on "$gw" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
fi
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

peer() { rtp_stream ".\"leg-$1\" | .\"peer-ipv6\" // .\"peer-ipv4\""; }
leg() { rtp_stream ".\"leg-$1\".\"$2\""; }
intruded() { [ "$(leg a intruder-packets)" -ge "$1" ]; }
most() { awk -v s="${1:-0}" 'BEGIN { exit !(s >= 3) }'; }

# phone_of family user ns hertz
phone_of() {
	phone_family=$1
	[ "$1" = 6 ] && phone_server="[$relay6]" || phone_server=203.0.113.1
	phone "$2" "$3" "$4" auto "$keeping_alive"
}

# call peer-of-a peer-of-b: Alice calls Bob; X is at the port of an IPv6 leg
call() {
	local peer_a=$1 peer_b=$2
	dial alice bob
	check "the call is established" established alice
	check "media goes both ways" slowwait 20 both_hear 50
	check_eq "leg a" "$(peer a)" "$peer_a"
	check_eq "leg b" "$(peer b)" "$peer_b"
	if [[ $peer_a == *:* ]]; then
		start x_a "$x" rtp -b "[2001:db8:1::66]:5000" -d "[$relay6]:$(leg a local-port)" -c 20
		check "X is counted" slowwait 20 intruded 10
		stop x_a
	fi
	check "it goes on" slowwait 20 both_hear 250
	phone_do alice /hangup
	check "no stream is left" slowwait 10 no_streams
	check "Bob heard $(heard bob 400) s" most "$(heard bob 400)"
	check "Alice heard $(heard alice 1000) s" most "$(heard alice 1000)"
	stop alice bob
	ns_of=()
}

case $datapath in module) plan 7 ;; *) plan 4 ;; esac

nat_a6=2001:db8:1::10 phone_b6=2001:db8:b::2
for transport in udp tcp tls; do
	phone_transport=$transport
	phone_of 6 alice "$lan_a" 400
	phone_of 6 bob "$lan_b" 1000
	check "alice registers" registered alice
	check "bob registers" registered bob
	check "over IPv6" logged nattravd "path opened: alice@example.net over \[$nat_a6\]"
	call "$nat_a6" "$phone_b6"
	log_test "IPv6 over $transport, a NAT on one side and a firewall on the other"
done

# --- nattrav-ua ------------------------------------------------------------

phone_transport=udp
phone_of 6 alice "$lan_a" 400
check "alice registers" registered alice
cat >"$work/bob.conf" <<-END
	server [$relay6]
	domain example.net
	user bob
	password bobs-secret
END
start bob "$lan_b" nattrav-ua -f "$work/bob.conf" --local "[$phone_b6]:5060" --audio tone:1000 \
	--record "$work/bob.wav" --calls 1
check "nattrav-ua registers" wait_log 20 bob '"event": *"registered"'
dial alice bob
check "media goes both ways" slowwait 20 both_hear 200
phone_do alice /hangup
check "nattrav-ua ends" await bob
check "it heard Alice" most "$(tone check "$work/bob.wav" 400)"
check "she heard it" most "$(heard alice 1000)"
stop alice
ns_of=()
log_test "IPv6 with nattrav-ua"

# --- From one family to the other ------------------------------------------

if [ "$datapath" = module ]; then
	for families in "4 6" "6 4"; do
		read -r of_a of_b <<<"$families"
		phone_of "$of_a" alice "$lan_a" 400
		phone_of "$of_b" bob "$lan_b" 1000
		check "alice registers over IPv$of_a" registered alice
		check "bob registers over IPv$of_b" registered bob
		[ "$of_a" = 4 ] && peer_a=203.0.113.10 peer_b=$phone_b6 || peer_a=$nat_a6 peer_b=198.51.100.11
		call "$peer_a" "$peer_b"
		log_test "IPv$of_a calls IPv$of_b"
	done
	stop nattravd
	dmesg_check
fi

finish
