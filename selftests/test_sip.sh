#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nattravd's signalling, with SIPp for phones behind both NATs: registration,
# calls over the registered paths, what is refused, and a restart in a call. The
# scenarios are in sipp/.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/peers.sh
. "$selftests/peers.sh"

require jq python3 sipp
require_module
setup_rig

# call caller-scenario callee-scenario [caller's options]
call() {
	sipp_start callee "$lan_b" 5060 "$2"
	sleep 0.5
	sipp_start caller "$lan_a" 5060 "$1" "${@:3}"
}

streams() { ctl length stream list; }
# shellcheck disable=SC2317 # called by slowwait
has_streams() { [ "$(streams)" -gt 0 ]; }

# raw text: a datagram from X; prints the first line of the answer
raw() {
	on "$x" python3 - "$1" <<-'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(2)
		text = sys.argv[1].replace("\n", "\r\n")
		s.sendto(text.encode(), ("203.0.113.1", 5060))
		try:
		    print(s.recv(4096).decode().split("\r\n")[0])
		except TimeoutError:
		    print("silence")
	END
}

message='OPTIONS sip:example.net SIP/2.0
Via: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bKraw
From: <sip:x@example.net>;tag=x
To: <sip:example.net>
Call-ID: raw
CSeq: 1 OPTIONS
User-Agent: long enough for an answer that is not twice as long as it
'

plan 11
start_nattravd || say "nattravd does not start: $(tail -n 3 "$work/nattravd.log")"

check_eq "alice registers" "$(register alice "$lan_a")" 200
check_eq "bob registers" "$(register bob "$lan_b")" 200
check "the log tells of alice's path" logged nattravd \
	'path opened: alice@example.net over 203.0.113.10:[0-9]+ \(private contact 192.168.1.2:5060\)'
check "the log tells of bob's path" logged nattravd 'path opened: bob@example.net over 198.51.100.11:'
log_test "REGISTER with digest opens a path through the NAT"

check_eq "carol registers with a wrong password" "$(register carol "$x" wrong)" 401
check "the log tells" logged nattravd 'REGISTER from 203.0.113.66:.*: wrong user or password'
log_test "a wrong password is refused"

check_eq "the plain message" "$(raw "$message"$'\n')" "SIP/2.0 200 OK"
check_eq "two Call-IDs" "$(raw "${message}Call-ID: again"$'\n\n')" \
	"SIP/2.0 400 More than one Call-ID"
check_eq "too long" "$(raw "${message}Content-Length: 10"$'\n\n')" \
	"SIP/2.0 400 Content-Length Beyond the Datagram"
check_eq "no From" "$(raw "$(grep -v ^From: <<<"$message")"$'\n\n')" "SIP/2.0 400 Missing From"
check_eq "version" "$(raw "${message/ SIP\/2.0/ SIP\/3.0}"$'\n')" \
	"SIP/2.0 505 Version Not Supported"
check_eq "not SIP" "$(raw $'GET / HTTP/1.1\nHost: x\n\n')" silence
log_test "malformed SIP is refused, and the reason names the fault"

sipp_start caller "$lan_a" 5060 caller_no_media
check "488" sipp_ends caller
check "no stream is left" no_streams
log_test "an SDP without a media line is refused"

check_eq "an INVITE from nowhere" "$(raw "${message//OPTIONS/INVITE}"$'\n')" \
	"SIP/2.0 407 Proxy Authentication Required"
log_test "a stranger cannot call"

call caller callee -d 5000
check "streams appear" slowwait 30 has_streams
check_eq "RTP and RTCP" "$(streams)" 2
check "both ladders" sipp_ends caller callee
check "the log tells" logged nattravd 'alice -> bob: INVITE over the registered path 198.51.100.11:'
check "its end too" logged nattravd 'ended by the caller after [56] s'
check "no stream is left" no_streams
log_test "INVITE, 180, 200, ACK and BYE pass over the registered paths"

call caller_cancels callee_cancelled
check "both ladders" sipp_ends caller callee
check "the log tells" logged nattravd 'cancelled by the caller'
check "no stream is left" no_streams
log_test "CANCEL ends a call that rings"

say "SIGKILL while the call is up; the 100 ms that it may lose are long past"
call caller callee -d 6000
check "streams appear" slowwait 30 has_streams
sleep 1
kill -KILL "${pid_of[nattravd]}"
wait "${pid_of[nattravd]}" 2>/dev/null
check_eq "the streams stay" "$(streams)" 2
start_nattravd || check_err 1 "nattravd does not start again"
check "it adopts the call" logged nattravd 'call .* adopted: 2 streams'
check "it has the paths" logged nattravd 'restored from .*: 2 registered paths, 1 calls'
log_test "killed and started again, nattravd adopts the call"

check "both ladders" sipp_ends caller callee
check "the log tells" logged nattravd 'ended by the caller after [567] s'
check "no stream is left" no_streams
log_test "the BYE of an adopted call is routed and removes the streams"

stop nattravd
check "it says so" logged nattravd 'exiting'
log_test "SIGTERM ends it"

dmesg_check
finish
