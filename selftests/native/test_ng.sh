#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# nattravd as the media relay of a Kamailio: Debian's, with the configuration that it
# comes with (WITH_NAT, WITH_RTPENGINE). Two phones behind two NATs. Runs on the
# machine itself, in network namespaces, with the conntrack datapath.
#
# X, who is nobody, sends RTP to the relay ports during the call. He must hear
# nothing, and nobody must hear him.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"

talk=6
ssrc_of_x=3735928559 # 0xdeadbeef

require baresip jq nft conntrack ethtool tcpdump tshark mergecap python3 sipp kamailio
setup_rig

write_media_config() {
	cat >"$work/nattravd.conf" <<-END
		ng udp 127.0.0.1:2223
		ng unix $work/ng.sock
		ng udp 0.0.0.0:2224
		ng tcp 203.0.113.1:2224
		ng-allow 203.0.113.10
		relay 203.0.113.1 30000-39999
		database $work/nattravd.db
		status 127.0.0.1:9650
	END
}

ng_open() { nattravctl ng ping >/dev/null 2>&1; }
start_media() {
	ip netns exec "$gw" "$top/build/nattravd" -v --media-only --datapath conntrack \
		-f "$work/nattravd.conf" </dev/null >>"$work/nattravd.log" 2>&1 &
	pid_of[nattravd]=$!
	slowwait 20 ng_open
}

# Nothing but where it listens and whom it serves is said here.
start_kamailio() {
	mkdir -p "$work/kamailio"
	start kamailio "$gw" kamailio -DD -E -e -A WITH_NAT -A WITH_RTPENGINE \
		-f /etc/kamailio/kamailio.cfg -l udp:203.0.113.1:5060 --alias=example.net \
		-Y "$work/kamailio" -w "$work/kamailio" -m 64 -M 8
	slowwait 30 sip_port_open
}

# register user ns port: somebody who is no baresip
register() {
	on "$2" python3 - "$1" "$3" <<-'END'
		import socket, sys
		user, port = sys.argv[1], int(sys.argv[2])
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("0.0.0.0", port))
		s.settimeout(10)
		s.sendto("\r\n".join([
		    "REGISTER sip:example.net SIP/2.0",
		    f"Via: SIP/2.0/UDP 192.168.1.2:{port};branch=z9hG4bK{user}{port};rport",
		    f"From: <sip:{user}@example.net>;tag=r",
		    f"To: <sip:{user}@example.net>",
		    f"Call-ID: register-{user}-{port}",
		    "CSeq: 1 REGISTER",
		    f"Contact: <sip:{user}@192.168.1.2:{port}>",
		    "Max-Forwards: 70", "Expires: 600", "", ""]).encode(), ("203.0.113.1", 5060))
		print(s.recv(4096).decode().split()[1])
	END
}

# What http says to a message of the ng protocol.
# shellcheck disable=SC2016 # it is expanded over there
http_ng() { # type, message
	on "$gw" bash -c '
		exec 3<>/dev/tcp/127.0.0.1/9650
		printf "POST /ng HTTP/1.0\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" "$1" "${#2}" "$2" >&3
		cat <&3' - "$@" | tr -d '\r'
}

# One value of what the gateway says to a command of the ng protocol.
ng() {
	local filter=$1
	shift
	nattravctl --json ng "$@" | jq -r "$filter"
}
calls() { ng '.calls | length' list; }
no_calls() { [ "$(calls)" = 0 ] && no_streams; }
call_id() { ng '.calls[0]' list; }

leg() { rtp_stream ".\"leg-$1\".\"$2\""; }
leg_has() { [ "$(leg "$1" packets)" -ge "$2" ]; }
intruded() { [ "$(leg a intruder-packets)" -gt "$1" ] && [ "$(leg b intruder-packets)" -gt "$2" ]; } 2>/dev/null
of_x() { tcpdump -n -r "$work/$1.pcap" "src host 203.0.113.1 and udp[16:4] = $ssrc_of_x" 2>/dev/null | wc -l; }

# sipp_start name ns port scenario [option]...: one call, in the background
sipp_start() {
	start "$1" "$2" sipp 203.0.113.1:5060 -sf "$selftests/sipp/$4.xml" -i 192.168.1.2 \
		-p "$3" -m 1 -nostdin -trace_err -error_file "$work/$1.err" \
		-timeout 60s -timeout_error "${@:5}"
}

sipp_ends() {
	local ladder status=0
	for ladder; do
		await "$ladder" || status=1
		[ ! -s "$work/$ladder.err" ] || head -n 20 "$work/$ladder.err" | sed "s/^/# $ladder: /"
	done
	return "$status"
}

plan 11

# --- Kamailio and the gateway find each other --------------------------------

on "$gw" sysctl -qw net.ipv4.ip_forward=1
write_media_config
start_media || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }
check "nattravd leaves the SIP port alone" not sip_port_open
start_kamailio || { tail -n 20 "$work/kamailio.log" && exit "$ksft_fail"; }
check "Kamailio uses it" wait_log 20 kamailio 'rtpengine instance <udp:127.0.0.1:2223> found'
check_eq "ping over the unix socket" "$(nattravctl ng to "$work/ng.sock" ping)" pong
check_eq "ping over HTTP" "$(http_ng application/json 'x1 {"command":"ping"}' | tail -n 1)" \
	'x1 {"result":"pong"}'
check_eq "what a browser could send" "$(http_ng text/plain 'x1 {"command":"ping"}' | head -n 1)" \
	"HTTP/1.1 415 Unsupported Media Type"
log_test "Kamailio with its stock configuration takes nattravd for its rtpengine"

# T-C1: X gets no answer, by whichever address; who is allowed does.
ask_from() { on "$1" timeout 30 "$top/build/nattravctl" ng to "$2" ping; }
connects() { on "$1" timeout 10 bash -c 'exec 3<>/dev/tcp/203.0.113.1/2224 && echo "1 d7:command4:pinge" >&3 && head -c 18 <&3'; }
check_eq "who is allowed" "$(ask_from "$nat_a" 203.0.113.1:2224)" pong
check_eq "the same over TCP" "$(connects "$nat_a")" '1 d6:result4:ponge'
check "X has no answer" not ask_from "$x" 203.0.113.1:2224
check "not by the other address either" not ask_from "$x" 198.51.100.1:2224
check_eq "what X hears over TCP" "$(connects "$x" 2>/dev/null)" ""
check_ge "strangers counted" "$(ng .statistics.controlstatistics.strangers statistics)" 11
check "X is named in the log" logged nattravd '203.0.113.66 is not listened to'
log_test "who is not allowed gets no answer from the ng port"

# --- A call ----------------------------------------------------------------

phone alice "$lan_a" 400 manual
phone bob "$lan_b" 1000 auto
for user in alice bob; do
	check "$user registers" registered "$user"
done
capture side_a "$gw" side_a udp
capture side_b "$gw" side_b udp
capture at_x "$x" eth0 "src host 203.0.113.1"
dial alice bob
check "the call is established" established alice
check "the stream completes" slowwait 10 rtp_complete
port_a=$(leg a local-port)
port_b=$(leg b local-port)
check_eq "leg a, NAT A" "$(rtp_peer a)" "$(nat_mapping "$nat_a" "$port_a")"
check_eq "leg b, NAT B" "$(rtp_peer b)" "$(nat_mapping "$nat_b" "$port_b")"
check "b waited for the answer" logged nattravd 'latch prefix a 203.0.113.10/32 b nobody'
start x_a "$x" rtp -b 203.0.113.66:5000 -d "203.0.113.1:$port_a" -r 50 -c 1000000 -s "$ssrc_of_x"
start x_b "$x" rtp -b 203.0.113.66:5001 -d "203.0.113.1:$port_b" -r 50 -c 1000000 -s "$ssrc_of_x"
sleep "$talk"
check "X is counted" slowwait 20 intruded 20 20
check_eq "leg a" "$(rtp_peer a)" "$(nat_mapping "$nat_a" "$port_a")"
check_eq "leg b" "$(rtp_peer b)" "$(nat_mapping "$nat_b" "$port_b")"
log_test "two phones behind two NATs: media completes both legs, and X neither"

id=$(call_id)
check_eq "calls" "$(calls)" 1
check_ge "packets, by query" "$(ng .totals.RTP.packets query "call-id=$id")" $((talk * 80))
check_eq "ends, by query" "$(ng '.tags | length' query "call-id=$id")" 2
check_eq "peers, by query" "$(ng '[.tags[].medias[0].streams[0].endpoint | "\(.address):\(.port)"] | sort | join(" ")' \
	query "call-id=$id")" "$(printf '%s\n' "$(rtp_peer a)" "$(rtp_peer b)" | sort | paste -sd ' ')"
check_eq "relay ports, by query" "$(ng '[.tags[].medias[0].streams[0]."local port"] | sort | join(" ")' \
	query "call-id=$id")" "$(printf '%s\n' "$port_a" "$port_b" | sort | paste -sd ' ')"
check "what is not there" not nattravctl ng query call-id=none
log_test "query tells of the call what proxies want to know"

# --- In the middle of it ----------------------------------------------------

# Ports and peers, which neither a hold nor a restart may change.
state() { echo "$(leg a local-port) $(leg b local-port) $(rtp_peer a) $(rtp_peer b)"; }
offers() { grep -c "debug: call .*: offer" "$work/nattravd.log"; }
more_offers() { [ "$(offers)" -gt "$1" ]; }
before=$(state)
seen=$(offers)
phone_do alice /hold
check "an offer that holds" slowwait 10 more_offers "$seen"
sleep 1
check_eq "ports and peers on hold" "$(state)" "$before"
phone_do alice /resume
check "an offer that goes on" slowwait 10 more_offers $((seen + 1))
carried=$(leg b packets)
check "media goes on" slowwait 10 leg_has b $((carried + 50))
check_eq "ports and peers after it" "$(state)" "$before"
log_test "hold and resume: same ports, same peers"

kill -KILL "${pid_of[nattravd]}"
wait "${pid_of[nattravd]}" 2>/dev/null
unset 'pid_of[nattravd]'
start_media
check_err $? "nattravd does not start again"
check_eq "calls that it knows" "$(calls)" 1
check_eq "ports and peers" "$(state)" "$before"
seen=$(offers)
phone_do bob /hold
check "an offer of the callee" slowwait 10 more_offers "$seen"
sleep 1
phone_do bob /resume
check "and another one" slowwait 10 more_offers $((seen + 1))
carried=$(leg a packets)
check "media goes on" slowwait 10 leg_has a $((carried + 50))
check_eq "ports and peers after it" "$(state)" "$before"
log_test "killed and started again in the call: sides and ports are what they were"

phone_do alice /hangup
check "the BYE ends all of it" slowwait 10 no_calls
stop x_a x_b
capture_end side_a side_b at_x
bob_heard=$(heard bob 400)
alice_heard=$(heard alice 1000)
most() { awk -v s="${1:-0}" -v of="$2" 'BEGIN { exit !(s >= 0.95 * of) }'; }
check "Bob heard Alice: $bob_heard s" most "$bob_heard" "$talk"
check "Alice heard Bob: $alice_heard s" most "$alice_heard" "$talk"
check_eq "packets of X that were relayed" "$(of_x side_a) $(of_x side_b)" "0 0"
check_eq "what X heard" "$(tcpdump -n -r "$work/at_x.pcap" udp 2>/dev/null | wc -l)" 0
dissect side_a side_b
for side in side_a side_b; do
	check_ge "SDP in what Kamailio sent on $side" "$(count "$side" 'from == "203.0.113.1:5060" && sdp != ""')" 1
	check_eq "SDP in it that names somebody else" "$(count "$side" \
		'from == "203.0.113.1:5060" && sdp != "" && sdp != "203.0.113.1" && sdp != "0.0.0.0"')" 0
done
log_test "the phones heard each other, nobody heard X, and no SDP named anybody but the relay"

# --- Other ladders -----------------------------------------------------------

check_eq "Bob's other phone" "$(register bob "$lan_a" 5070)" 200
sipp_start ringing "$lan_a" 5070 callee_cancelled
sleep 0.5
dial alice bob
check "it rings until it is cancelled" sipp_ends ringing
check "the stream completes" slowwait 10 rtp_complete
check_eq "leg b, NAT B" "$(rtp_peer b)" "$(nat_mapping "$nat_b" "$(leg b local-port)")"
phone_do bob /hangup
check "the BYE ends all of it" slowwait 10 no_calls
log_test "a forked call: one phone rings, the other answers"

stop alice bob kamailio
start_kamailio
check_err $? "Kamailio does not start again"
check_eq "Bob" "$(register bob "$lan_b" 5060)" 200
sipp_start callee "$lan_b" 5060 callee_cancelled
sleep 0.5
sipp_start caller "$lan_a" 5060 caller_cancels
check "both ladders" sipp_ends caller callee
check "nothing is left" slowwait 10 no_calls
log_test "a call that is cancelled leaves nothing"

# the callee makes the offer, and so is a
answers() { grep -c 'debug: call .*: answer' "$work/nattravd.log"; }
answered() { [ "$(answers)" -gt "$1" ]; }
seen=$(answers)
sipp_start callee "$lan_b" 5060 callee
sleep 0.5
sipp_start caller "$lan_a" 5060 ng_caller_late_offer -d 4000
check "the call is up" slowwait 10 not no_streams
check "the answer has passed" slowwait 10 answered "$seen"
start media_b "$lan_b" rtp -b 192.168.1.2:4000 -d "203.0.113.1:$(leg a local-port)" -r 50 -c 100
start media_a "$lan_a" rtp -b 192.168.1.2:4000 -d "203.0.113.1:$(leg b local-port)" -r 50 -c 100
check "the stream completes" slowwait 10 rtp_complete
check_eq "leg a, NAT B" "$(rtp_peer a)" "$(nat_mapping "$nat_b" "$(leg a local-port)")"
check_eq "leg b, NAT A" "$(rtp_peer b)" "$(nat_mapping "$nat_a" "$(leg b local-port)")"
check "both ladders" sipp_ends caller callee
check "nothing is left" slowwait 10 no_calls
log_test "an offer in the 200 and its answer in the ACK"

# --- By hand -----------------------------------------------------------------

printf '%s\r\n' v=0 'o=- 1 1 IN IP4 192.168.1.2' s=- 'c=IN IP4 192.168.1.2' 't=0 0' \
	'm=audio 4000 RTP/AVP 0' >"$work/sdp"
# offer call [flag]...: what is said to it
offer() { nattravctl ng sdp "$work/sdp" offer "call-id=$1" from-tag=a received-from=203.0.113.10 "${@:2}" 2>&1; }
ended() { ! kill -0 "${pid_of[nattravd]}" 2>/dev/null; }
check_eq "the relay in the SDP" "$(offer one | grep -c '^c=IN IP4 203.0.113.1')" 1
check_eq "its ports, again" "$(offer one | grep '^m=')" "$(offer one | grep '^m=')"
echo 'ng-calls 1' >>"$work/nattravd.conf"
kill -HUP "${pid_of[nattravd]}"
check "the limit is taken" wait_log 10 nattravd 'read again'
check_eq "one too many" "$(offer two)" "nattravctl: ng: refused: Parallel session limit reached"
kill -USR1 "${pid_of[nattravd]}"
check "it drains" wait_log 10 nattravd 'ends when 1 calls have'
check_eq "a new call" "$(offer two supports=load\ limit)" "nattravctl: ng: refused: load limit"
check_eq "the one that is up" "$(offer one | grep -c '^m=audio')" 1
check "it is deleted" nattravctl ng delete call-id=one
check "nattravd ends with it" slowwait 10 ended
check "as it should" logged nattravd ' drained$'
log_test "limits, a reload, and a drain that ends with the last call"

finish
