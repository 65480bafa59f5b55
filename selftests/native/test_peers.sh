#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Phones that nobody here wrote, baresip and Linphone, each behind a NAT of its own:
# each registers, calls, is called, holds and resumes, over UDP, TCP and TLS. What the
# one sent is compared with what the other heard. The datapath is conntrack.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"

require baresip linphonec openssl jq nft conntrack ethtool tcpdump tshark mergecap
setup_rig
setup_third
make_certificates
start_gateway || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

declare -A net=([alice]=a [bob]=b [carol]=c) over=() calls_of=()
# of each call: who called whom, who held it, relay ports, and when things happened
calls=()

# Ways to say the same to both kinds of phones.
do_dial() { if [ "$1" = carol ]; then linphone_do carol "call sip:$2@example.net"; else dial "$1" "$2"; fi; }
do_hold() { if [ "$1" = carol ]; then linphone_do carol pause; else phone_do "$1" /hold; fi; }
do_resume() { if [ "$1" = carol ]; then linphone_do carol resume; else phone_do "$1" /resume; fi; }
do_hangup() { if [ "$1" = carol ]; then linphone_do carol terminate; else phone_do "$1" /hangup; fi; }
talks() { wait_log 20 "$1" 'Call established|Call .* connected' "$2"; }

# call from to holder
call() {
	local from=$1 to=$2 holder=$3 local_a local_b held resumed until user
	do_dial "$from" "$to"
	for user in "$from" "$to"; do
		calls_of[$user]=$((${calls_of[$user]-0} + 1))
		check "$user is in a call with $from or $to" talks "$user" "${calls_of[$user]}"
	done
	check "media goes both ways" slowwait 20 both_hear 100
	local_a=203.0.113.1:$(rtp_stream '."leg-a"."local-port"')
	local_b=203.0.113.1:$(rtp_stream '."leg-b"."local-port"')
	do_hold "$holder"
	sleep 1
	held=$(now)
	sleep 1.5
	do_resume "$holder"
	sleep 1
	resumed=$(now)
	sleep 2.5
	until=$(now)
	sleep 1
	do_hangup "$from"
	check "no stream is left" slowwait 10 no_streams
	calls+=("$from $to $holder $local_a $local_b $held $resumed $until ${over[$from]} ${over[$to]}")
	log_test "$from calls $to, who is over ${over[$to]}; $holder holds and resumes"
}

# phones transport...: alice, bob and carol, anew
phones() {
	over=([alice]=$1 [bob]=$2 [carol]=$3)
	calls_of=()
	stop alice bob carol
	phone_transport=$1 phone alice "$lan_a" 400 auto "$keeping_alive"
	phone_transport=$2 phone bob "$lan_b" 1000 auto "$keeping_alive"
	phone_transport=$3 linphone carol "$lan_c" 600
	check "alice registers over $1" registered alice
	check "bob registers over $2" registered bob
	check "carol registers over $3" linphone_registered carol
	log_test "alice registers over $1, bob over $2, and carol, who has Linphone, over $3"
}

plan 24

capture side_a "$gw" side_a udp or tcp
capture side_b "$gw" side_b udp
capture at_a "$lan_a" eth0 udp portrange 30000-39999
capture at_b "$lan_b" eth0 udp portrange 30000-39999
capture at_c "$lan_c" eth0 udp portrange 30000-39999

phone_transport=tls linphone carol "$lan_c" 600 "$work/other-ca.pem"
check "Linphone sees a stranger" slowwait 20 grep -q 'Certificate verification failed' "$work/phone-carol/log"
check "it does not register" not linphone_is_registered carol
check "and no path is opened" not logged nattravd 'path opened'
log_test "Linphone does not register with who has no certificate of its authority"

for transports in "udp tcp tls" "tls udp tcp" "tcp tls udp"; do
	# shellcheck disable=SC2086 # three words
	phones $transports
	call alice bob alice
	call bob carol carol
	call carol alice alice
done

# --- What the captures say -------------------------------------------------

stop alice bob carol
capture_end side_a side_b at_a at_b at_c
dissect side_a side_b at_a at_b at_c

for facts in "${calls[@]}"; do
	read -r from to holder local_a local_b held resumed until over_from over_to <<<"$facts"
	from_net=at_${net[$from]} to_net=at_${net[$to]}
	[ "$holder" = "$from" ] && other=("$to_net" "$local_b") || other=("$from_net" "$local_a")
	read -r sent_a got_a < <(delivered "$from_net" "$local_a" "$to_net" "$local_b" 0 "$until")
	read -r sent_b got_b < <(delivered "$to_net" "$local_b" "$from_net" "$local_a" 0 "$until")
	read -r late_a late_got_a < <(delivered "$from_net" "$local_a" "$to_net" "$local_b" "$resumed" "$until")
	read -r late_b late_got_b < <(delivered "$to_net" "$local_b" "$from_net" "$local_a" "$resumed" "$until")
	quiet=$(count "${other[0]}" 'to == relay && time > held && time < resumed - 1.5' \
		"relay=${other[1]}" "held=$held" "resumed=$resumed")
	check_ge "$from sent after the resume" "$late_a" 100
	check_ge "$to sent after the resume" "$late_b" 100
	check_eq "of $from, heard after the resume" "$late_got_a" "$late_a"
	check_eq "of $to, heard after the resume" "$late_got_b" "$late_b"
	check_eq "of $from, heard" "$got_a" "$sent_a"
	check_eq "of $to, heard" "$got_b" "$sent_b"
	check "the hold was one: the other sent $quiet packets" test "$quiet" -le 5
	[ "${net[$from]}" != c ] || kept+=("$from_net $local_a")
	[ "${net[$to]}" != c ] || kept+=("$to_net $local_b")
	log_test "$from ($over_from) and $to ($over_to) heard all $sent_a and $sent_b packets" \
		"of each other, $late_a and $late_b after the resume"
done

check_eq "guesses" "$(guesses side_a side_b)" ""
check_eq "connections that the gateway opened" "$(tcp_opened side_a)" 0
check_eq "packets from or to a private address" \
	"$(for side in a b; do tcpdump -n -r "$work/side_$side.pcap" net 192.168.0.0/16 2>/dev/null; done | wc -l)" 0
log_test "nothing was sent to an address that had not sent before"

for facts in "${kept[@]}"; do
	read -r side relay <<<"$facts"
	inside=$(awk -F '\t' -v relay="$relay" '$4 ":" $5 == relay { print $3 }' "$work/$side.packets" | sort -u)
	outside=$(awk -F '\t' -v relay="$relay" '$4 ":" $5 == relay && $2 == "203.0.113.12" { print $3 }' \
		"$work/side_a.packets" | sort -u)
	check_ge "port" "$inside" 1024
	check_eq "port of carol's media outside of her NAT" "$outside" "$inside"
done
check_eq "calls of carol" "${#kept[@]}" 6
log_test "a NAT that keeps ports kept them: nobody else had used them"

finish
