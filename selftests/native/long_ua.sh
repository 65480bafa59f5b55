#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# timeout: 600
#
# nattrav-ua behind a NAT, against a registrar that is honest or not, and against
# another nattrav-ua. It needs no module and no guest: namespaces are enough.
#
#   lan 192.168.1.2 --- nat 203.0.113.10 --- world 203.0.113.1

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require nft conntrack jq ethtool python3 nattrav-ua

lan='' nat='' world=''
setup_ns lan nat world
link "$world" eth0 203.0.113.1/24 "$nat" wan 203.0.113.10/24
link "$nat" lan 192.168.1.1/24 "$lan" eth0 192.168.1.2/24
ip -n "$lan" route add default via 192.168.1.1
setup_nat "$nat"

# server name port key=value...
server() {
	local name=$1
	shift
	: >"$work/$name.log"
	start "$name" "$world" "$selftests/native/registrar.py" 203.0.113.1 "$@"
	wait_log 20 "$name" listening
}

account() {
	cat >"$work/bob.conf" <<-END
		server 203.0.113.1:$1
		user bob
		password bobs-secret
		domain example.net
	END
}

# terminal name options...: Bob's, in the LAN
terminal() {
	local name=$1
	shift
	start "$name" "$lan" nattrav-ua -f "$work/bob.conf" "$@"
}

# told name filter: lines of a terminal's events for which a jq filter holds
told() { jq -c "select($2)" "$work/$1.log" 2>/dev/null; }
tells() { [ -n "$(told "$1" "$2")" ]; }
count_of() { grep -c "$2" "$work/$1.log"; }
at_least() { [ "$(count_of "$1" "$2")" -ge "$3" ]; }
nat_forget() { on "$nat" conntrack -D -p udp >/dev/null 2>&1; }

plan 13

server registrar 5060
account 5060
terminal bob --interval 2
check "registered" slowwait 20 tells bob '.event == "registered" and .expires == 3600'
check "SHA-256 is preferred" logged registrar 'REGISTER .* with SHA-256'
check "reg-id" logged registrar ';reg-id=1'
check "instance" logged registrar 'sip.instance="<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4'
mapped=$(told bob '.event == "mapped"' | jq -r .address | head -n 1)
check_eq "mapped address" "$mapped" "$(nat_mapping "$nat" 5060)"
log_test "registers with SHA-256 and learns what the NAT made of its address"

check "keep-alives go on" slowwait 20 at_least registrar "^STUN $mapped" 3
check "and are told" tells bob '.event == "keepalive" and .interval == 2 and ."rtt-ms" > 0'
registered=$(count_of registrar '^REGISTER')
nat_forget
check "another address is seen" slowwait 20 tells bob ".event == \"mapped\" and .address != \"$mapped\""
check "and registered" slowwait 20 at_least registrar '^REGISTER' $((registered + 1))
mapped=$(nat_mapping "$nat" 5060)
check "over the new path" slowwait 10 logged registrar "REGISTER $mapped"
log_test "a changed mapping is noticed by STUN and registered at once"

kill -TERM "${pid_of[bob]}"
await bob
check_eq "exit status" $? 0
check "unregistered" logged registrar 'expires=0'
check_eq "the last event" "$(tail -n 1 "$work/bob.log" | jq -r .event)" stopped
log_test "unregisters at its end"
stop registrar

server registrar_md5 5060 offer=MD5 keep=2 flow-timer=0
terminal bob_md5 --keepalive crlf
check "registered" slowwait 20 tells bob_md5 '.event == "registered"'
check "MD5 where nothing else is offered" logged registrar_md5 'REGISTER .* with MD5'
check "CRLF" slowwait 20 at_least registrar_md5 '^CRLF' 2
check "as often as the server's keep asks" tells bob_md5 '.event == "interval" and .interval == 2'
check_eq "STUN" "$(count_of registrar_md5 '^STUN')" 0
log_test "MD5, CRLF keep-alives, and the interval of RFC 6223"
stop bob_md5 registrar_md5

server liar 5060 realm=evil.example
terminal bob_lied
check "it does not register" slowwait 20 tells bob_lied '.event == "unregistered" and .status == 401'
check "it was challenged" logged liar 'without an answer'
check_eq "answers" "$(count_of liar 'with a wrong answer\|with SHA\|with MD5')" 0
stop bob_lied
on "$lan" nattrav-ua -f "$work/bob.conf" call alice >"$work/bob_call.log" 2>&1
check_eq "exit status" $? 3
stop liar
server forgetful 5060 accept=none
terminal bob_refused
check "a wrong password ends it" slowwait 20 tells bob_refused '.event == "unregistered"'
sleep 1
check_eq "answers to a server that refuses them" "$(count_of forgetful 'with a wrong answer')" 1
log_test "a challenge of another realm is not answered, a refused one not again (T-S12)"
stop bob_refused forgetful

server short 5060 expires=3
terminal bob_short
check "registers again before it expires" slowwait 20 at_least short 'with SHA-256' 4
check_eq "the nonce is used again" "$(count_of short 'without an answer')" 1
log_test "re-registers before the expiry, without another challenge"
stop bob_short short

# The time-out of this NAT is 6 s; the server asks for 60.
nat_timeouts "$nat" 6
nat_forget
server patient 5060
terminal bob_auto --interval auto --search 2-10
check "an interval is found" slowwait 150 tells bob_auto '.event == "interval" and .interval > 2'
interval=$(told bob_auto '.event == "interval"' | jq .interval | tail -n 1)
check "it is under the time-out: $interval" test "$interval" -le 5
check "and not far: $interval" test "$interval" -ge 3
before=$(told bob_auto '.event == "mapped"' | wc -l)
sleep 15
check_eq "mapped addresses after a while" "$(told bob_auto '.event == "mapped"' | wc -l)" "$before"
kill -TERM "${pid_of[bob_auto]}"
await bob_auto
check_eq "exit status" $? 0
log_test "the adaptive interval: $interval s for a NAT that forgets after 6 s"

# probe: with RESPONSE-PORT, without it, and where nothing can be measured
server other 5062 response-port=0
on "$lan" nattrav-ua --search 2-10 --other-port 5062 --json probe 203.0.113.1 >"$work/probe.json"
check_eq "exit status" $? 0
check_eq "method" "$(jq -r .method "$work/probe.json")" response-port
check_eq "mapping" "$(jq -r .mapping "$work/probe.json")" endpoint-dependent
check_eq "port" "$(jq -r '."port-preserved"' "$work/probe.json")" false
check "time-out: $(jq -c . "$work/probe.json")" jq -e '."timeout-min" >= 4 and ."timeout-min" <= 6' "$work/probe.json"
on "$lan" nattrav-ua --search 2-10 --json probe 203.0.113.1:5062 >"$work/probe2.json"
check_eq "method without RESPONSE-PORT" "$(jq -r .method "$work/probe2.json")" port-change
check "time-out: $(jq -c . "$work/probe2.json")" jq -e '."timeout-min" >= 4 and ."timeout-min" <= 6' "$work/probe2.json"
log_test "probe tells mapping, port and time-out"

on "$nat" nft flush chain inet home postrouting
on "$nat" nft add rule inet home postrouting oifname wan masquerade
nat_forget
on "$lan" nattrav-ua --quick --other-port 5062 --json probe 203.0.113.1 >"$work/probe3.json"
check_eq "port" "$(jq -r '."port-preserved"' "$work/probe3.json")" true
check_eq "mapping" "$(jq -r .mapping "$work/probe3.json")" endpoint-independent
on "$lan" nattrav-ua --search 2-10 --json probe 203.0.113.1:5062 >"$work/probe4.json" 2>"$work/probe4.err"
check_eq "method where nothing can be measured" "$(jq -r .method "$work/probe4.json")" none
check "is said" grep -q RESPONSE-PORT "$work/probe4.err"
on "$world" nattrav-ua --quick probe 203.0.113.1:5060 >"$work/probe5"
check "no NAT" grep -q '^mapping  *none$' "$work/probe5"
log_test "probe with a NAT that preserves ports, and without a NAT"
stop patient other
nat_timeouts "$nat" 30

# Two terminals, no registrar: data and audio through a NAT, both ways.
start carol "$world" nattrav-ua --local 203.0.113.1:5060 --user carol --comedia --audio tone:1000 \
	--record "$work/carol.wav" --data 60x100 --data 60x100 --calls 1
check "Carol's port" slowwait 20 eval "on $world ss -Hlun | grep -q 203.0.113.1:5060"
on "$lan" nattrav-ua --local 192.168.1.2 --user bob --audio tone:400 --record "$work/bob.wav" \
	--data 60x100 --data 60x100 --duration 10 call sip:carol@203.0.113.1 >"$work/bob_data.log"
check_eq "exit status" $? 0
check "Carol's end" await carol
for name in bob_data carol; do
	for stream in data data2; do
		stats=$(told "$name" ".event == \"stats\" and .stream == \"$stream\"")
		check "$name $stream: $stats" jq -e '.received >= 540 and .received <= 660 and
			.lost == 0 and ."rtt-max-ms" > 0' <<<"$stats"
	done
done
log_test "two data streams of 60 packets/s for 10 s each way through a NAT"
bob_heard=$(tone check "$work/bob.wav" 1000)
carol_heard=$(tone check "$work/carol.wav" 400)
check "Bob heard $bob_heard s" awk -v s="$bob_heard" 'BEGIN { exit !(s >= 9.5) }'
check "Carol heard $carol_heard s" awk -v s="$carol_heard" 'BEGIN { exit !(s >= 9.5) }'
# one packet each 20 ms, and none besides
for name in bob_data carol; do
	stats=$(told "$name" '.event == "stats" and .stream == "audio"')
	check "$name audio: $stats" jq -e '.sent >= 475 and .sent <= 525 and .lost == 0' <<<"$stats"
done
check_eq "Bob hears himself" "$(tone check "$work/bob.wav" 400)" 0.00
log_test "and audio in G.711, heard for $bob_heard s and $carol_heard s of 10"

# Bob holds Carol: she must send a packet every 15 s all the same. And nobody else may call.
start carol_held "$world" nattrav-ua --local 203.0.113.1:5060 --user carol --comedia
check "Carol's port" slowwait 20 eval "on $world ss -Hlun | grep -q 203.0.113.1:5060"
mkfifo "$work/bob.fifo"
ip netns exec "$lan" nattrav-ua --local 192.168.1.2 --user bob --control call sip:carol@203.0.113.1 \
	<>"$work/bob.fifo" >"$work/bob_holds.log" 2>&1 &
pid_of[bob_holds]=$!
check "established" slowwait 20 tells carol_held '.event == "media"'
on "$nat" nft insert rule inet home forward iifname wan udp length 20 counter
echo hold >"$work/bob.fifo"
check "Carol is held" slowwait 20 tells carol_held '.event == "held" and .held'
check "an empty packet" slowwait 25 eval "on $nat nft list chain inet home forward | grep -q 'counter packets [1-9]'"
on "$world" nattrav-ua --local 203.0.113.1 --user dave call sip:carol@203.0.113.1 >"$work/dave.log"
check_eq "exit status of a second caller" $? 4
check "busy" tells dave '.event == "closed" and .status == 486'
echo resume >"$work/bob.fifo"
check "Carol is held no more" slowwait 20 tells carol_held '.event == "held" and (.held | not)'
echo hangup >"$work/bob.fifo"
check "Carol knows the end" slowwait 20 tells carol_held '.event == "closed"'
stop carol_held bob_holds
log_test "a held terminal keeps its mapping (RFC 6263), and is busy"

start erin "$world" nattrav-ua --local 203.0.113.1:5060 --user erin --answer never
check "Erin's port" slowwait 20 eval "on $world ss -Hlun | grep -q 203.0.113.1:5060"
on "$lan" nattrav-ua --local 192.168.1.2 --user bob call sip:erin@203.0.113.1 >"$work/bob_refused.log"
check_eq "exit status" $? 4
stop erin
log_test "a refused call ends with 4"

finish
