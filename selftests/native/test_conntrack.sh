#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# The conntrack datapath: two phones behind two NATs and a kernel without
# nattrav.ko. Runs on the machine itself, in network namespaces, and loads nothing.
#
# X, who is nobody, sends RTP to the relay ports from before the first media packet
# until after the call. He must hear nothing, and nobody must hear him.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/look.sh
. "$selftests/look.sh"

talk=8
ssrc_of_x=3735928559 # 0xdeadbeef

require baresip jq nft conntrack ethtool tcpdump tshark mergecap
setup_rig

# A NAT that lets no media out, until it does.
hold_media() { on "$1" nft insert rule inet home forward udp dport 30000-39999 drop; }
let_media_go() {
	on "$1" nft flush chain inet home forward
	on "$1" nft add rule inet home forward ct state established,related accept
	on "$1" nft add rule inet home forward iifname lan accept
}

entries() { on "$gw" conntrack -L -p udp --mark 0x6e617474 2>/dev/null; }
no_entries() { [ -z "$(entries)" ]; }
has_entries() { [ "$(entries | wc -l)" -ge "$1" ]; }

# What must not change when nattravd does. RTCP may complete at any time.
table() {
	ctl '[.[] | {id, call, cookie, type, tied, ports: [."leg-a", ."leg-b" | ."local-port"]}
		+ if .type == "rtp" then {state, peers: [."leg-a", ."leg-b" |
			"\(."peer-ipv4"):\(."peer-port")"]} else {} end] | sort_by(.id) | tostring' stream list
}

leg() { rtp_stream ".\"leg-$1\".\"$2\""; }
intruded() { [ "$(leg a intruder-packets)" -gt "$1" ] && [ "$(leg b intruder-packets)" -gt "$2" ]; } 2>/dev/null

leg_has() { [ "$(leg "$1" packets)" -ge "$2" ]; }
entry_packets() { entries | sed -n "s/.* dport=$1 packets=\([0-9]*\).*/\1/p"; }
entry_counts() { [ "$(entry_packets "$1")" -ge "$2" ]; }
has_rules() { on "$gw" nft list table inet nattravd; }
doctor_wrongs() { [ "$(ctl '[.[] | select(.verdict == "wrong")] | length' doctor)" = "$1" ]; }

# Nobody but X has his SSRC, in bytes 8 to 11 of RTP.
of_x() { tcpdump -n -r "$work/$1.pcap" "src host 203.0.113.1 and udp[16:4] = $ssrc_of_x" 2>/dev/null | wc -l; }

plan 10

# --- What it needs ---------------------------------------------------------

# tried datapath: how nattravd ends that is told to use it
tried() {
	on "$gw" "$top/build/nattravd" --datapath "$1" -f "$work/nattravd.conf" >"$work/refused.log" 2>&1
	echo "$?"
}

write_config
if ! grep -q '^nattrav ' /proc/modules 2>/dev/null; then
	check_eq "exit status without the module" "$(tried module)" 1
	check "nattravd says what to do" logged refused 'modprobe nattrav'
	check_eq "exit status without either" "$(tried auto)" 1
	check "nattravd tries conntrack" logged refused 'trying conntrack'
	check "and says what to do" logged refused 'sysctl -w net.ipv4.ip_forward=1'
fi
check_eq "exit status of nonsense" "$(tried ebpf)" 2
echo "datapath conntrack" >>"$work/nattravd.conf"
check_eq "exit status without forwarding" "$(tried conntrack)" 1
check "nattravd says what to do" logged refused 'sysctl -w net.ipv4.ip_forward=1'
check_eq "tables that it left" "$(on "$gw" nft list tables)" "table inet nattravd"
log_test "without ip_forward nattravd does not start, and says what to do"

on "$gw" sysctl -qw net.ipv4.ip_forward=1
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }
check_eq "datapath" "$(ctl .nattravd.datapath status)" conntrack
check_ge "what is missing in it" "$(ctl '.nattravd.missing | length' status)" 3
check_eq "doctor's verdict" "$(ctl '[.[] | select(.check == "conntrack")][0].verdict' doctor)" good
on "$gw" sysctl -qw net.ipv4.ip_forward=0
check "trouble is told" slowwait 10 doctor_wrongs 1
on "$gw" sysctl -qw net.ipv4.ip_forward=1
check "and its end" slowwait 10 doctor_wrongs 0
check_eq "trouble" "$(ctl .nattravd.trouble status)" null
log_test "nattravctl tells the datapath, what is missing in it, and what is wrong with the host"

# --- Before the first packet -----------------------------------------------

phone alice "$lan_a" 400 manual "$keeping_alive"
phone bob "$lan_b" 1000 auto "$keeping_alive"
for user in alice bob; do
	check "$user registers" registered "$user"
done
capture side_a "$gw" side_a udp
capture side_b "$gw" side_b udp
hold_media "$nat_a"
hold_media "$nat_b"
dial alice bob
check "the call is established" established alice
check_eq "state" "$(rtp_stream .state)" partial
check_eq "leg a" "$(rtp_peer a)" null:null
check "no entry" no_entries
port_a=$(leg a local-port)
port_b=$(leg b local-port)
capture at_x "$x" eth0 "src host 203.0.113.1"
start x_a "$x" rtp -b 203.0.113.66:5000 -d "203.0.113.1:$port_a" -r 50 -c 1000000 -s "$ssrc_of_x"
start x_b "$x" rtp -b 203.0.113.66:5001 -d "203.0.113.1:$port_b" -r 50 -c 1000000 -s "$ssrc_of_x"
check "X is counted on both legs" slowwait 20 intruded 10 10
check_eq "X's address" "$(leg a intruder-ipv4)" 203.0.113.66
check_eq "state" "$(rtp_stream .state)" partial
check_eq "the stream, shown" "$(ctl '."leg-a"."intruder-ipv4"' stream show "$(rtp_stream .id)")" 203.0.113.66
check "no other stream is shown" not nattravctl stream show 4711
check_ge "drops outside the prefix" "$(dropped outside-prefix)" 20
log_test "partial while no media comes; X completes nothing and is counted"

# --- The call --------------------------------------------------------------

let_media_go "$nat_a"
let_media_go "$nat_b"
check "the stream completes" slowwait 10 rtp_complete
check_eq "leg a, NAT A" "$(rtp_peer a)" "$(nat_mapping "$nat_a" "$port_a")"
check_eq "leg b, NAT B" "$(rtp_peer b)" "$(nat_mapping "$nat_b" "$port_b")"
check "the entry is there" slowwait 5 has_entries 1
wrong=$(dropped wrong-source)
read -r foreign_a foreign_b < <(rtp_stream '"\(."leg-a"."intruder-packets") \(."leg-b"."intruder-packets")"')
sleep "$talk"
check "X is counted on" slowwait 20 intruded $((foreign_a + 50)) $((foreign_b + 50))
check_ge "drops of a wrong source" "$(dropped wrong-source)" $((wrong + 100))
check "RTCP has an entry, too" slowwait 20 has_entries 2
check_eq "entries" "$(entries | wc -l)" 2
check_sum
log_test "media completes both legs and goes through one entry per stream; X is counted on"

# --- nattravd dies ---------------------------------------------------------

before=$(table)
carried=$(leg a packets)
kill -KILL "${pid_of[nattravd]}"
wait "${pid_of[nattravd]}" 2>/dev/null
unset 'pid_of[nattravd]'
sleep 4
check "nattravd is gone" not sip_port_open
check_eq "entries without it" "$(entries | wc -l)" 2
check "the entry counts on" entry_counts "$port_a" $((carried + 100))
log_test "nattravd is killed; the entries stay and carry the media"

start_nattravd
check_err $? "nattravd does not start again"
check_eq "the table after the restart" "$(table)" "$before"
check "it tells of the call" logged nattravd 'restored from .* 1 calls?'
foreign_a=$(leg a intruder-packets)
foreign_b=$(leg b intruder-packets)
check "X is counted again" slowwait 20 intruded $((foreign_a + 20)) $((foreign_b + 20))
check_eq "leg a" "$(rtp_peer a)" "$(nat_mapping "$nat_a" "$port_a")"
check_eq "entries" "$(entries | wc -l)" 2
check_ge "packets of a" "$(leg a packets)" $((carried + 100))
log_test "started again, it finds call and entries and goes on"

# --- What the captures say -------------------------------------------------

# what one capture has the other must have, too
hold_media "$nat_a"
hold_media "$nat_b"
capture_end side_a side_b
let_media_go "$nat_a"
let_media_go "$nat_b"
dissect side_a side_b
local_a="203.0.113.1:$port_a" local_b="203.0.113.1:$port_b"
nattravctl --json stream list >"$work/streams.json"
peer_a=$(endpoint rtp a peer)
peer_b=$(endpoint rtp b peer)
read -r ab ab_good _ < <(relayed side_a side_b "$peer_a" "$local_a" "$local_b" "$peer_b")
read -r ba ba_good _ < <(relayed side_b side_a "$peer_b" "$local_b" "$local_a" "$peer_a")
least=$((talk * 50))
came_a=$(count side_a 'from == peer && to == relay' "peer=$peer_a" "relay=$local_a")
came_b=$(count side_b 'from == peer && to == relay' "peer=$peer_b" "relay=$local_b")
say "A to B: $ab of $came_a relayed; B to A: $ba of $came_b"
for direction in "A to B:$came_a:$ab:$ab_good" "B to A:$came_b:$ba:$ba_good"; do
	IFS=: read -r what came all good <<<"$direction"
	check_ge "RTP from $what" "$all" "$least"
	check_ge "RTP relayed from $what, of $came" "$((all * 100))" $((came * 95))
	check_eq "rewritten in both addresses, from $what" "$good" "$all"
done
check_eq "packets from or to a private address" \
	"$(for side in a b; do tcpdump -n -r "$work/side_$side.pcap" net 192.168.0.0/16 2>/dev/null; done | wc -l)" 0
for side in "side_b $local_b $peer_b" "side_a $local_a $peer_a"; do
	# shellcheck disable=SC2086 # three words
	read -r packets bad < <(gaps $side)
	check_ge "RTP in ${side% *}" "$packets" "$least"
	check_eq "gaps in ${side% *}" "$bad" 0
done
log_test "every relayed packet was rewritten in both addresses; none was lost"

# --- The end ---------------------------------------------------------------

# somebody loads his firewall anew; from then on the process relays, until it has
# made its rules again
on "$gw" nft flush ruleset
on "$gw" conntrack -F 2>/dev/null
check "the rules are back" slowwait 20 has_rules
check "and the entry" slowwait 20 has_entries 1
carried=$(leg a packets)
check "media goes on" slowwait 20 leg_has a $((carried + 80))
log_test "rules and entries that somebody flushed are made again"

hold_media "$nat_b"
check "Bob's silence is told" wait_log 20 nattravd 'one way only: b is silent'
check "it is silence" logged nattravd ': b is silent'
let_media_go "$nat_b"
check "and its end" wait_log 20 nattravd ': b is heard again'
check "Alice was heard all the time" not logged nattravd ': a is silent'
log_test "a call that is heard one way only is told, once"

phone_do alice /hangup
check "the BYE removes the streams" slowwait 10 no_streams
check "and the entries" slowwait 10 no_entries

stop x_a x_b
capture_end at_x
bob_heard=$(heard bob 400)
alice_heard=$(heard alice 1000)
most() { awk -v s="${1:-0}" -v of="$2" 'BEGIN { exit !(s >= 0.95 * of) }'; }
check "Bob heard Alice: $bob_heard s" most "$bob_heard" "$talk"
check "Alice heard Bob: $alice_heard s" most "$alice_heard" "$talk"
check_eq "packets of X that were relayed" "$(of_x side_a) $(of_x side_b)" "0 0"
check_eq "what X heard" "$(tcpdump -n -r "$work/at_x.pcap" udp 2>/dev/null | wc -l)" 0
stop nattravd
check_eq "tables that nattravd leaves" "$(on "$gw" nft list tables)" ""
check "state that it leaves" not test -e "$work/nattravd.db-streams"
log_test "the phones heard each other, nobody heard X, and nothing is left"

finish
