#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demonstration: two ordinary phones, each behind its own NAT, talk through
# nattrav.ko. "make demo" runs it in a guest; it wants root and a kernel that
# nattrav.ko fits.
#
#   demo.sh [-v]          -v: the messages, tables and captures as well
#   DEMO_SECONDS=10       length of the talk
#   DATAPATH=conntrack    without nattrav.ko, which this machine may not be able to
#                         load: what cannot be shown then is named
#
# A third phone, Carol's, stands beside Bob's behind the same NAT and sends no
# keep-alives: the control, which must not be reachable.
#
# Ends with a line for each claim that was shown; exits with 1 if one was not.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"

talk=${DEMO_SECONDS:-10}
datapath=${DATAPATH:-module}
silence=30
[ "$datapath" = module ] || silence=15
nat_memory=10
alice_hz=400
bob_hz=1000
verbose=
[ "${1-}" != -v ] || verbose=1

case $talk in
'' | *[!0-9]* | 0)
	echo "demo: DEMO_SECONDS must be a number of seconds, not '$talk'" >&2
	exit 2
	;;
esac

# --- Telling ---------------------------------------------------------------

began=${EPOCHREALTIME/[.,]/}
# since the beginning, in ms
now() { echo $(((${EPOCHREALTIME/[.,]/} - began) / 1000)); }
step() {
	local ms
	ms=$(now)
	printf '\n[%3d.%d s] %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*"
}
# wait_until MS: sleeps up to that moment
wait_until() {
	local left=$(($1 - $(now)))
	[ "$left" -le 0 ] || sleep "$(printf '%d.%03d' $((left / 1000)) $((left % 1000)))"
}
tell() { printf '          %s\n' "$@"; }
indent() { sed 's/^/          | /'; }
more() { if [ -n "$verbose" ]; then "$@" | indent; fi; }

give_up() {
	echo "demo: $*" >&2
	[ ! -s "$work/nattravd.log" ] || { echo "what nattravd said last:" && tail -n 15 "$work/nattravd.log"; } >&2
	keep_results
	exit 1
}

# Captures, recordings and logs for those who want to look for themselves.
keep_results() {
	[ -n "${NATTRAV_RESULTS-}" ] || return 0
	mkdir -p "$NATTRAV_RESULTS"
	cp "$work"/*.pcap "$work"/*.log "$work"/*.json "$NATTRAV_RESULTS/" 2>/dev/null
	local user
	for user in alice bob; do
		find "$work/phone-$user/recorded" -name '*-dec.wav' \
			-exec cp {} "$NATTRAV_RESULTS/heard-by-$user.wav" \; 2>/dev/null
	done
	tell "captures, recordings and logs: $NATTRAV_RESULTS"
}

shown=0
not_shown=0
verdict() {
	if [ "$RET" -eq 0 ]; then
		shown=$((shown + 1))
		printf 'claim %-11s %-4s  %s\n' "$1:" PASS "$2"
	else
		not_shown=$((not_shown + 1))
		printf 'claim %-11s %-4s  %s\n' "$1:" FAIL "$2"
		printf '                         %s\n' "$retmsg"
	fi
	RET=0
	retmsg=
}

# --- Looking ---------------------------------------------------------------

# RFC 5626 section 3.5: a STUN binding request, or CR LF CR LF (or just CR LF).
is_keepalive='udp dst port 5060 and
	((udp[8:2] = 0x0001 and udp[12:4] = 0x2112a442) or (udp[8:2] = 0x0d0a and udp[4:2] <= 12))'

# keepalives side public-address:port
keepalives() {
	tcpdump -n -r "$work/side_$1.pcap" "src host ${2%:*} and src port ${2#*:} and $is_keepalive" 2>/dev/null | wc -l
}

# completed side: the address and port that were told when the RTP leg completed
completed() {
	if [ "$datapath" = module ]; then
		jq -r 'select(.type == "completed" and .stream.type == "rtp" and .side == "'"$1"'") |
			"\(.ipv4):\(.port)"' "$work/monitor.log"
	else
		sed -n "s/.*(audio): first packet of $1: completed with \([0-9.:]*\).*/\1/p" "$work/nattravd.log"
	fi
}

# not_here claim why: not a matter of this datapath
not_here() { printf 'claim %-11s %-4s  %s\n' "$1:" ---- "not with this datapath: $2"; }

# --- The story -------------------------------------------------------------

require baresip jq tcpdump tshark mergecap nft conntrack ethtool
[ "$datapath" != module ] || require_module

step "Two homes with the same private network, a NAT for each, a gateway between"
setup_rig
[ "$datapath" = module ] || on "$gw" sysctl -qw net.ipv4.ip_forward=1
for nat in "$nat_a" "$nat_b"; do
	nat_timeouts "$nat" "$nat_memory"
done
tell "Alice 192.168.1.2 - NAT A 203.0.113.10 --- 203.0.113.1 gateway 198.51.100.1 --- 198.51.100.11 NAT B - 192.168.1.2 Bob" \
	"each NAT forgets a UDP flow after $nat_memory s of silence, picks random ports, lets nothing in unasked" \
	"gateway: ip_forward=$(on "$gw" sysctl -n net.ipv4.ip_forward), rp_filter=$(on "$gw" sysctl -n net.ipv4.conf.all.rp_filter), no firewall rules"

if [ "$datapath" = module ]; then
	step "insmod nattrav.ko; nattravd starts"
else
	step "nattravd starts; it uses this kernel's conntrack, and no module"
	write_config
	echo "datapath $datapath" >>"$work/nattravd.conf"
fi
capture side_a "$gw" side_a udp
capture side_b "$gw" side_b udp
capture at_bob "$lan_b" eth0 udp
start_nattravd || give_up "nattravd does not listen"
pool=$(ctl '.[0] | "relay \(.ipv4) ports \(."port-min")-\(."port-max")"' pool list)
if [ "$datapath" = module ]; then
	start monitor "$gw" "$top/build/nattravctl" --json monitor
	tell "$(grep '^nattrav ' /proc/modules | cut -d' ' -f1-3), $pool"
else
	tell "$pool; \"nattravctl status\" says:"
	nattravctl status | sed '/^$/,$d' | indent
fi
more cat "$work/nattravd.conf"

step "The phones (baresip) register through their NATs"
phone alice "$lan_a" "$alice_hz" manual "$keeping_alive"
phone bob "$lan_b" "$bob_hz" manual "$keeping_alive"
phone carol "$lan_b" 2000 auto
for user in alice bob carol; do
	registered "$user" || { tail -n 25 "$work/$user.log" && give_up "$user does not register"; }
done
path_alice=$(nat_mapping "$nat_a" 5060 5060)
path_bob=$(nat_mapping "$nat_b" 5060 5060)
path_carol=$(nat_mapping "$nat_b" 5060 5070)
tell "paths opened: Alice 192.168.1.2:5060 is $path_alice outside, Bob 192.168.1.2:5060 is $path_bob" \
	"Carol 192.168.1.2:5070 is $path_carol; her phone sends no keep-alives"

step "$silence s of silence; only the keep-alives keep the NATs from forgetting"
silence_began=$(now)
for ((i = 5; i <= silence; i += 5)); do
	wait_until $((silence_began + i * 1000))
	tell "$i s: keep-alives from Alice $(keepalives a "$path_alice"), Bob $(keepalives b "$path_bob"), Carol $(keepalives b "$path_carol"); $(
		[ -n "$(nat_mapping "$nat_b" 5060 5070)" ] && echo "NAT B remembers Carol" || echo "NAT B has forgotten Carol")"
done
path_alice_now=$(nat_mapping "$nat_a" 5060 5060)
path_bob_now=$(nat_mapping "$nat_b" 5060 5060)
path_carol_now=$(nat_mapping "$nat_b" 5060 5070)

step "Alice calls Bob"
dial alice bob
wait_log 10 bob 'Incoming call' || give_up "the call does not arrive"
nattravctl --json stream list >"$work/streams-ringing.json"
tell "Bob's phone rings; these streams wait for media:"
nattravctl stream list | indent

step "Bob answers; $talk s of talk: Alice's voice is $alice_hz Hz, Bob's $bob_hz Hz"
phone_do bob /accept
established alice || give_up "the call is not established"
talk_began=$(now)
if [ "$datapath" = module ]; then
	wait_log 5 monitor '"completed".*"rtp".*"b"' || :
	jq -r 'select(.type == "completed") |
		"first packet: the kernel completed leg \(.side) of the \(.stream.type) stream with \(.ipv4):\(.port)"' \
		"$work/monitor.log" | while read -r line; do tell "$line"; done
else
	wait_log 5 nattravd '\(audio\): first packet of b' || :
	sed -n 's/.*\(first packet of\)/\1/p' "$work/nattravd.log" | while read -r line; do tell "$line"; done
fi
wait_until $((talk_began + talk * 500))
nattravctl --json stream list >"$work/streams.json"
nat_says_a=$(nat_mapping "$nat_a" "$(media rtp '."leg-a"."local-port"')")
nat_says_b=$(nat_mapping "$nat_b" "$(media rtp '."leg-b"."local-port"')")
tell "NAT A says that it is $nat_says_a, NAT B $nat_says_b; the table in mid-call:"
nattravctl stream list | indent
if [ "$datapath" != module ]; then
	tell "and what conntrack knows of it:"
	on "$gw" conntrack -L -p udp --mark 0x6e617474 2>/dev/null | indent
fi
nattravd_ports=$(on "$gw" ss -Hun -a -p | grep -c nattravd)
tracked=$(on "$gw" conntrack -C)
forwarding=$(on "$gw" sysctl -n net.ipv4.ip_forward)
wait_until $((talk_began + talk * 1000))
nattravctl --json stream list >"$work/streams.json"
phone_do alice /hangup
slowwait 10 no_streams || :
streams_left=$(ctl length stream list)
entries_left=0
[ "$datapath" = module ] || entries_left=$(on "$gw" conntrack -L -p udp --mark 0x6e617474 2>/dev/null | wc -l)
step "Alice hangs up; streams left in the kernel: $((streams_left + entries_left))"

step "The control: Alice calls Carol, whose phone sent no keep-alives"
dial alice carol
for ((i = 2; i <= 6; i += 2)); do
	sleep 2
	tell "$i s: Carol's phone $(logged carol 'Incoming call' && echo "rings" || echo "does not ring")"
done
phone_do alice /hangup
sleep 1

step "What the captures on both sides of the gateway say"
capture_end side_a side_b at_bob
[ "$datapath" != module ] || stop monitor
for user in alice bob carol; do
	phone_do "$user" /quit
done
dissect side_a side_b
# "203.0.113.1:30000", a line for each packet that Bob's phone heard
tcpdump -n -r "$work/at_bob.pcap" udp and dst host 192.168.1.2 2>/dev/null |
	awk '{ sub(/\.[0-9]+$/, ":&", $3); sub(/:\./, ":", $3); print $3 }' >"$work/at_bob.sources"
stats=$(nattravctl --json stats)
more nattravctl stats

# ladder side path: the SIP on a path as seen from the gateway, a line a message:
# "from INVITE", "to 180 INVITE", "from REGISTER Digest"
ladder() {
	awk -F '\t' -v path="$2" '
		$6 == "" && $7 == "" { next }
		{ message = $6 ? $6 ($6 == "REGISTER" && $9 ~ /^Digest/ ? " Digest" : "") : $7 " " $8 }
		$2 ":" $3 == path { print "from " message }
		$4 ":" $5 == path { print "to " message }
	' "$work/side_$1.packets"
}
sip_alice=$(ladder a "$path_alice")
sip_bob=$(ladder b "$path_bob")
if [ -n "$verbose" ]; then
	tell "SIP between Alice and the gateway:"
	indent <<<"$sip_alice"
	tell "SIP between the gateway and Bob:"
	indent <<<"$sip_bob"
fi
# saw messages line
saw() { [[ $'\n'$1$'\n' == *$'\n'$2$'\n'* ]]; }

alias_a=$(endpoint rtp a alias)
alias_b=$(endpoint rtp b alias)
peer_a=$(endpoint rtp a peer)
peer_b=$(endpoint rtp b peer)
read -r ab ab_good ab_held < <(relayed side_a side_b "$peer_a" "$alias_b" "$alias_a" "$peer_b")
read -r ba ba_good ba_held < <(relayed side_b side_a "$peer_b" "$alias_a" "$alias_b" "$peer_a")
tell "RTP from Alice to Bob: $ab packets went out, $ab_good of them rewritten in source and destination, $ab_held did not go out" \
	"RTP from Bob to Alice: $ba packets went out, $ba_good of them rewritten in source and destination, $ba_held did not go out" \
	"  e.g. A's side $peer_a > $alias_b   becomes   B's side $alias_a > $peer_b"
rtcp=0
if [ "$(media rtcp .state)" = complete ]; then
	read -r _ rtcp_ab _ < <(relayed side_a side_b "$(endpoint rtcp a peer)" \
		"$(endpoint rtcp b alias)" "$(endpoint rtcp a alias)" "$(endpoint rtcp b peer)")
	read -r _ rtcp_ba _ < <(relayed side_b side_a "$(endpoint rtcp b peer)" \
		"$(endpoint rtcp a alias)" "$(endpoint rtcp b alias)" "$(endpoint rtcp a peer)")
	rtcp=$((rtcp_ab + rtcp_ba))
	tell "RTCP: $rtcp_ab packets to Bob and $rtcp_ba to Alice, rewritten in the same way"
fi
private_sdp=$(count side_a 'from == path && sdp == "192.168.1.2"' "path=$path_alice")
private_sdp_b=$(count side_b 'from == path && sdp == "192.168.1.2"' "path=$path_bob")
private=0
for side in a b; do
	private=$((private + $(tcpdump -n -r "$work/side_$side.pcap" net 192.168.0.0/16 2>/dev/null | wc -l)))
done
tell "SDP bodies that named 192.168.1.2: $((private_sdp + private_sdp_b)); packets on the public side from or to 192.168.0.0/16: $private"
# Alice's phone begins when Bob's answer comes, and then speaks 50 times a second.
talked=$(count side_a 'from == peer && to == relay' "peer=$peer_a" "relay=$alias_b" |
	awk '{ printf "%.2f", $1 / 50 }')
bob_hears=$(heard bob "$alice_hz")
alice_hears=$(heard alice "$bob_hz")
tell "they talked for $talked s; Bob's recording holds ${bob_hears:-0} s of $alice_hz Hz, Alice's ${alice_hears:-0} s of $bob_hz Hz"
# keep-alives while nothing else was said: the longest and the shortest pause
read -r ka_count ka_least ka_most < <(awk -F '\t' -v path="$path_bob" '
	$2 ":" $3 == path && ($11 ~ /^0001....2112a442/ || $11 ~ /^0d0a/) {
		if (last) {
			pause = $1 - last
			if (!n++ || pause < least) least = pause
			if (pause > most) most = pause
		}
		last = $1
	}
	END { printf "%d %.1f %.1f\n", n + 1, least, most }' "$work/side_b.packets")
tell "Bob's keep-alives: $ka_count, $ka_least to $ka_most s apart"

# --- The verdict -----------------------------------------------------------

step "Verdict"

check_eq "Alice's path after the silence" "$path_alice_now" "$path_alice"
check_eq "Bob's path after the silence" "$path_bob_now" "$path_bob"
check_ge "keep-alives of Bob" "$ka_count" $((silence / 5 - 1))
check "the call reached Bob" logged bob 'Incoming call'
check_eq "NAT B on Carol, without keep-alives" "$path_carol_now" ""
check "Carol had registered" logged carol 'carol@example.net: .* 200 OK'
check "without keep-alives Carol is not reached" not logged carol 'Incoming call'
verdict "1, 25" "registering opened a path, keep-alives held it; without them (Carol) no call"

check "an INVITE on Bob's path" saw "$sip_bob" "to INVITE"
check_eq "INVITEs to elsewhere at NAT B" "$(count side_b \
	'to != bob && to != carol && method == "INVITE"' "bob=$path_bob" "carol=$path_carol")" 0
verdict "2" "the INVITE went to Bob over the 5-tuple that his REGISTER had opened"

# RFC 5626 section 4.4.1: 80 to 100 % of the Flow-Timer, which is 5 s here; and
# some grace for a phone in a slow guest
check "pauses of 4 to 5 s, found $ka_least to $ka_most" \
	awk -v a="$ka_least" -v b="$ka_most" 'BEGIN { exit !(a >= 3 && b <= 7) }'
verdict "3, 26" "a timer in the phone sends them, every $ka_least to $ka_most s as the Flow-Timer (5 s) asks"

for sip in "$sip_alice" "$sip_bob"; do
	check "a REGISTER is challenged" saw "$sip" "to 401 REGISTER"
	check "a REGISTER with digest" saw "$sip" "from REGISTER Digest"
	check "a REGISTER is accepted" saw "$sip" "to 200 REGISTER"
done
verdict "4, 5, 6" "REGISTER with digest at the proxy and registrar"

for message in "from INVITE" "to 180 INVITE" "to 200 INVITE" "from ACK" "from BYE" "to 200 BYE"; do
	check "Alice's path: $message" saw "$sip_alice" "$message"
done
for message in "to INVITE" "from 180 INVITE" "from 200 INVITE" "to ACK" "to BYE" "from 200 BYE"; do
	check "Bob's path: $message" saw "$sip_bob" "$message"
done
check_eq "SIP beside the registered paths" "$(($(count side_a \
	'(method != "" || status != "") && from != path && to != path' "path=$path_alice") + $(count side_b \
	'(method != "" || status != "") && from != bob && to != bob && from != carol && to != carol' \
	"bob=$path_bob" "carol=$path_carol")))" 0
verdict "7" "INVITE, 180, 200, ACK, BYE, all of them on the registered paths"

check_eq "state while it rang" "$(jq -r '[.[].state] | unique | join(",")' "$work/streams-ringing.json")" partial
check_eq "peers known while it rang" "$(jq '[.[] | ."leg-a", ."leg-b" | select(has("peer-ipv4"))] | length' \
	"$work/streams-ringing.json")" 0
check_eq "state in mid-call" "$(media rtp .state)" complete
check_eq "streams after the call" "$((streams_left + entries_left))" 0
verdict "8, 21" "the stream was partial while it rang; the first media packets completed it"

check_eq "leg a, NAT A" "$peer_a" "$nat_says_a"
check_eq "leg b, NAT B" "$peer_b" "$nat_says_b"
check_eq "what was told when leg a completed" "$(completed a)" "$nat_says_a"
verdict "9, 10, 24" "completed with $peer_a and $peer_b, which the NATs' own tables confirm"

check_ge "SDP from Alice with her private address" "$private_sdp" 1
check_ge "SDP from Bob with his private address" "$private_sdp_b" 1
check_eq "packets from or to a private address" "$private" 0
verdict "11, 12, 13" "each SDP named 192.168.1.2; not one packet went there"

check_ge "RTP from Alice (version 2, G.711)" "$(count side_a \
	'from == peer && (payload ~ /^80[08][08]/)' "peer=$peer_a")" $((talk * 50 * 95 / 100))
# baresip sends its first report after 5 s, the next after 10
[ "$talk" -lt 10 ] || check_ge "RTCP relayed" "$rtcp" 1
most_of() { awk -v heard="$1" -v said="$2" 'BEGIN { exit !(said > 0 && heard >= 0.95 * said) }'; }
check "they talked for $talk s: $talked" most_of "$talked" "$talk"
check "Bob hears 95 % of what Alice says: ${bob_hears:-0} of $talked s" most_of "${bob_hears:-0}" "$talked"
check "Alice hears 95 % of what Bob says: ${alice_hears:-0} of $talked s" most_of "${alice_hears:-0}" "$talked"
check_eq "Bob hears himself" "$(heard bob "$bob_hz")" 0.00
verdict "14, 15" "SIP and RTP between real phones: heard ${bob_hears:-0} s and ${alice_hears:-0} s of $talked s"

check_eq "relay ports of a call" "$(media rtp '[."leg-a"."local-port", ."leg-b"."local-port"] | unique | length')" 2
check_eq "alias of Alice" "$(endpoint rtp b local)" "$alias_a"
check_eq "alias of Bob" "$(endpoint rtp a local)" "$alias_b"
verdict "17, 18, 22" "the table maps Alice $peer_a to $alias_a and Bob $peer_b to $alias_b"

check_eq "all that Bob's phone heard, by source address" \
	"$(cut -d: -f1 "$work/at_bob.sources" | sort -u | tr '\n' ' ')" "203.0.113.1 "
check_ge "RTP at Bob's phone from Alice's alias" "$(grep -cxF "$alias_a" "$work/at_bob.sources")" \
	$((talk * 50 * 95 / 100))
verdict "19" "Bob's phone saw only $alias_a, Alice's alias"

check_ge "packets that the kernel forwarded" "$(jq .forwarded <<<"$stats")" $((ab + ba))
if [ "$datapath" = module ]; then
	check_eq "sockets of nattravd, for SIP alone" "$nattravd_ports" 1
	verdict "20" "call control is a process with one SIP socket, media is relayed by the module"
else
	not_here "20" "the process that does the call control hears the first packets of the media, too"
fi

check_ge "RTP to Bob" "$ab" $((talk * 50 * 95 / 100))
check_ge "RTP to Alice" "$ba" $((talk * 50 * 95 / 100))
check_eq "rewritten in both, to Bob" "$ab_good" "$ab"
check_eq "rewritten in both, to Alice" "$ba_good" "$ba"
check_eq "packets in the relay's count" "$(jq .received <<<"$stats")" \
	"$(jq '.forwarded + .accepted + ([.drop[]] | add)' <<<"$stats")"
if [ "$datapath" = module ]; then
	check_eq "ip_forward" "$forwarding" 0
	check_eq "connections tracked in the gateway" "$tracked" 0
fi
verdict "23" "each of $((ab + ba)) relayed packets was rewritten in source and destination"

stop nattravd
if [ "$datapath" = module ]; then
	check "rmmod" unload_module
	check_eq "complaints in the kernel log" "$(dmesg_bad)" ""
fi
if [ "$RET" -ne 0 ]; then
	not_shown=$((not_shown + 1))
	echo "the module does not unload cleanly: $retmsg"
fi
keep_results
step "$shown shown, $not_shown not"
[ "$not_shown" -eq 0 ]
