#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nattravctl: IPv6 in every place, a call that outlives its module by save and
# restore, and what an operator asks when something is wrong.
#
#   a 203.0.113.10 ------- 203.0.113.1     2001:db8::1
#                             gateway
#   b 198.51.100.11 ----- 198.51.100.1
#   x 192.0.2.66 ----------- 192.0.2.1
#
# timeout: 600

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

relay=203.0.113.1
relay6=2001:db8::1
A=203.0.113.10:4000
B=198.51.100.11:6000
X=192.0.2.66:5000
saved=$work/saved

require jq
require_module
# names of namespaces, set by setup_ns
a='' b='' x='' gw=''
setup_ns a b x gw
setup_gateway "$gw"
link "$gw" side_a 203.0.113.1/24 "$a" eth0 "${A%:*}/24"
link "$gw" side_b 198.51.100.1/24 "$b" eth0 "${B%:*}/24"
link "$gw" side_x 192.0.2.1/24 "$x" eth0 "${X%:*}/24"
ip -n "$a" route add default via 203.0.113.1
ip -n "$b" route add default via 198.51.100.1
ip -n "$x" route add default via 192.0.2.1
on "$gw" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.side_a.disable_ipv6=0
ip -n "$gw" address add "$relay6/64" dev side_a nodad
ip -n "$gw" address add 2001:db8:a::1/64 dev side_a nodad

leg() { ctl ".\"leg-$1\" | $2" stream show "$stream"; }
# fails status words...: the command must end with this status; its complaint in fails.log
# shellcheck disable=SC2317 # check calls it
fails() {
	local want=$1 got=0
	shift
	nattravctl "$@" >"$work/fails.out" 2>"$work/fails.log" || got=$?
	[ "$got" -eq "$want" ]
}
complaint() { tail -n 1 "$work/fails.log"; }
# All that a restored table must have again: everything but ids, what is left of windows,
# and how far the media has come.
table() {
	jq -Sc '.streams[] | del(.id, .tied, (."leg-a", ."leg-b" | ."window-left", .sequence))' "$1" |
		sort
}
doctor_says() { ctl ".[] | select(.check == \"$1\") | \"\(.verdict): \(.text)\"" doctor; }

plan 12

check "pool of IPv6" nattravctl pool add "$relay6" 20000-20099 realm six
check "pool of IPv4" nattravctl pool add "$relay" 20000-20099
check_eq "pool" "$(ctl '.[0] | [.ipv6, .realm] | tostring' pool list)" "[\"$relay6\",\"six\"]"
check "a refusal" fails 1 pool add 2001:db8:ffff::9 20000-20099
check "stream" nattravctl stream add call six rtcp \
	a family ipv6 realm six prefix 2001:db8:a::/64 pt 0 probation 3 relatch rebind rate 400 \
	b prefix 192.0.2.66/32 clock-rate 16000
stream=$(ctl '.[] | select(.type == "rtp") | .id' stream list)
check_eq "relay address of a" "$(leg a '."local-ipv6"')" "$relay6"
check_eq "alias of a" "$(leg a '."alias-ipv4"')" "$relay"
check_eq "prefix of a" "$(leg a '.prefix | tostring')" '[{"ipv6":"2001:db8:a::","len":64}]'
check_eq "policy of a" "$(leg a '[.family, .probation, .relatch, .rate] | tostring')" \
	'["ipv6",3,"rebind",400]'
check_eq "clock of b" "$(leg b '."clock-rate"')" 16000
check "a peer" nattravctl stream set "$stream" a peer '[2001:db8:a::7]:4000'
check_eq "peer of a" "$(leg a '"\(."peer-ipv6") \(."peer-port")"')" '2001:db8:a::7 4000'
check "words" grep -q 'terminal A  *\[2001:db8:a::7\]:4000 *-> alias 203.0.113.1:' \
	<(nattravctl stream show "$stream")
check "any" nattravctl stream set "$stream" a prefix any
check_eq "prefix of a" "$(leg a '.prefix | tostring')" '[{"ipv6":"::","len":0}]'
check "the other family" fails 1 stream set "$stream" a prefix 192.0.2.0/24
check "deletion" nattravctl stream del call six
log_test "IPv6: pools, streams, prefixes, peers"

# --- A call in which the module is replaced -------------------------------

check "stream" nattravctl stream add call moving rtcp cookie 18446744073709551615 timeout-idle 5m \
	a prefix "${A%:*}/32" pt 0,8 relatch rebind b prefix "${B%:*}/32" pt 0,8 rate 1000
check "one of UDP" nattravctl stream add call data type udp a peer "$B" b prefix "${A%:*}"
stream=$(ctl '.[] | select(.type == "rtp") | .id' stream list)
port_a=$(leg a '."local-port"')
port_b=$(leg b '."local-port"')
# both complete, and RTCP as well
for _ in 1 2; do
	on "$a" rtp -b "$A" -d "$relay:$port_a" -c 1 -w 0 >/dev/null
	on "$b" rtp -b "$B" -d "$relay:$port_b" -c 1 -w 0 >/dev/null
	on "$a" rtp -R -b "${A%:*}:4001" -d "$relay:$((port_a + 1))" -c 1 -w 0 >/dev/null
	on "$b" rtp -R -b "${B%:*}:6001" -d "$relay:$((port_b + 1))" -c 1 -w 0 >/dev/null
done
check_eq "complete streams" "$(ctl length stream list state complete)" 2
check "save" nattravctl save "$saved"
check_eq "who may read it" "$(stat -c %a "$saved")" 600
check_eq "what lies beside it" "$(find "$work" -name 'saved*' | wc -l)" 1
check_eq "to the output as well" "$(table <(nattravctl save))" "$(table "$saved")"
log_test "save: a file of a call"

start talk_a "$a" rtp -b "$A" -d "$relay:$port_a" -c 1500 -r 50 -f 1000 -w 2000
start talk_b "$b" rtp -b "$B" -d "$relay:$port_b" -c 1500 -r 50 -f 1000 -w 2000
sleep 2
check "rmmod in mid-call" unload_module
check "insmod" load_module
start monitor "$gw" "$top/build/nattravctl" --json monitor
sleep 1
check "restore" nattravctl restore "$saved"
nattravctl save "$work/again" >/dev/null
await talk_a
await talk_b
stop monitor
# All that was sent before and after; how many in between depends on the machine.
for side in a b; do
	check_ge "received by $side" "$(jq .received "$work/talk_$side.log")" 300
	check_eq "last received by $side" "$(jq .last "$work/talk_$side.log")" 2499
	check_eq "doubled for $side" "$(jq .doubles "$work/talk_$side.log")" 0
done
check_eq "source at a" "$(jq -c .from "$work/talk_a.log")" "[\"$relay:$port_a\"]"
check_eq "source at b" "$(jq -c .from "$work/talk_b.log")" "[\"$relay:$port_b\"]"
check_eq "events of latching" "$(jq -r .type "$work/monitor.log" | grep -c -e completed -e relatched)" 0
log_test "rmmod, insmod, restore in mid-call: the call goes on without latching again"

check_eq "table" "$(table "$work/again")" "$(table "$saved")"
check_eq "who has RTCP" "$(jq -c '[.streams[] | .rtcp // false]' "$work/again")" '[true,false]'
on "$a" rtp -R -b "${A%:*}:4001" -d "$relay:$((port_a + 1))" -c 5 -w 0 >/dev/null
check_eq "RTCP forwarded for a" \
	"$(ctl '.[] | select(.type == "rtcp") | ."leg-a".packets' stream list)" 5
check_eq "pools" "$(ctl length pool list)" 2
log_test "the table is what it was: ports, peers, policy, cookies, time-outs, RTCP"

check "restored twice" fails 1 restore "$saved"
check "names the stream" grep -q 'streams\[0\]: .*local-port: .*in use' "$work/fails.log"
check_eq "streams" "$(ctl length stream list)" 3
for id in $(ctl '.[] | select(.type != "rtcp") | .id' stream list); do
	check "deletion" nattravctl stream del "$id"
done
# one stream of it cannot be installed, and a pool is missing
sed 's/"198.51.100.11"/"127.0.0.1"/' "$saved" >"$work/bad"
jq -c '.pools += [{ipv4: "198.51.100.1", "port-min": 20000, "port-max": 20099}]' "$work/bad" \
	>"$work/bad2"
check "a peer that cannot be" fails 1 restore "$work/bad2"
check_eq "streams" "$(ctl length stream list)" 0
check_eq "pools" "$(ctl length pool list)" 2
check "pools taken over" nattravctl restore "$saved"
check_eq "streams" "$(ctl length stream list)" 3
log_test "restore: all or nothing, and pools that are there are taken over"

state=$work/state
start talk_a "$a" rtp -b "$A" -d "$relay:$port_a" -c 1500 -r 50 -f 3000 -w 2000
start talk_b "$b" rtp -b "$B" -d "$relay:$port_b" -c 1500 -r 50 -f 3000 -w 2000
check "a stream elsewhere" on "$b" "$top/build/nattravctl" pool add "${B%:*}" 30000-30099
check "a stream elsewhere" on "$b" "$top/build/nattravctl" stream add call other
check "not with a stream elsewhere" fails 1 upgrade "$module" --state "$state"
check "says so" grep -q 'other network namespaces have streams' "$work/fails.log"
check "none elsewhere" on "$b" "$top/build/nattravctl" stream del call other
check "not without a module" fails 1 upgrade "$work/none.ko" --state "$state"
echo "no module" >"$work/bad.ko"
check_eq "streams" "$(ctl length stream list)" 3
check "a new module that does not load" fails 1 upgrade "$work/bad.ko" --state "$state"
check "says where the calls are" grep -q "restore $state\"" "$work/fails.log"
check "insmod" load_module
check "restore" nattravctl restore "$state"
check "not over what was left" fails 1 upgrade "$module" --state "$state"
rm -f "$state"
check "upgrade" nattravctl upgrade "$module" --state "$state"
check "nothing is left" not test -e "$state"
nattravctl save "$work/again" >/dev/null
await talk_a
await talk_b
for side in a b; do
	check_ge "received by $side" "$(jq .received "$work/talk_$side.log")" 300
	check_eq "last received by $side" "$(jq .last "$work/talk_$side.log")" 4499
done
check_eq "table" "$(table "$work/again")" "$(table "$saved")"
log_test "upgrade: the module is exchanged in mid-call, or all stays, or a file has it"

head -c 300 "$saved" >"$work/cut"
check "cut" fails 2 restore "$work/cut"
check "tells where" grep -qE 'cut: line [0-9]+, column [0-9]+: ' "$work/fails.log"
jq '.streams[1]."leg-b"."local-port" = 70000' "$saved" >"$work/wrong"
check "wrong" fails 2 restore "$work/wrong"
check_eq "tells where" "$(complaint)" \
	"nattravctl: restore: $work/wrong: streams[1].leg-b: local-port: 70000 is no port (1 to 65535)"
check "another file" fails 2 restore <<<'{}'
check "no file" fails 1 restore "$work/none"
check "no folder" fails 1 save "$work/none/file"
log_test "restore: what is wrong with a file is told with its place"

# --- When something is wrong ----------------------------------------------

for id in $(ctl '.[] | select(.type != "rtcp") | .id' stream list); do
	nattravctl stream del "$id" >/dev/null
done
check "doctor" nattravctl doctor
check_eq "what is not good" "$(ctl '[.[] | select(.verdict == "wrong")] | length' doctor)" 0
check_eq "prefixes" "$(doctor_says prefix)" \
	"good: no leg waits for a terminal that is outside its prefixes"
log_test "doctor: nothing wrong"

check "pool" nattravctl pool add 198.51.100.1 40000-40099
check "stream" nattravctl stream add call outside a prefix "${A%:*}/32" b prefix "${B%:*}/32"
stream=$(ctl '.[] | .id' stream list)
port_a=$(leg a '."local-port"')
on "$x" rtp -b "$X" -d "$(leg a '."local-ipv4"'):$port_a" -c 7 -w 0 >/dev/null
start holder "$gw" rtp -b "198.51.100.1:40010" -c 0 -w 60000
check "a socket" slowwait 30 grep -q ':9C4A ' "/proc/${pid_of[holder]}/net/udp"
ip -n "$gw" address del "$relay6/64" dev side_a
check "it fails" fails 1 doctor
doctor_says prefix >"$work/prefix"
check "names the stream" grep -q "wrong: stream $stream, call outside leg a waits .* 7 packets from $X" \
	"$work/prefix"
check "names the command" grep -q "nattravctl stream set $stream a prefix ${A%:*}/32 prefix ${X%:*} " \
	"$work/prefix"
check "pool" grep -q "^wrong: $relay6 of pool 1 is no address" <(doctor_says pools)
check "socket" grep -q '^wrong: a socket holds 198.51.100.1:40010' <(doctor_says sockets)
check "ports" grep -q 'wrong: .*ip_local_reserved_ports=40000-40099' <(doctor_says ports)
# what it says to do is enough
on "$gw" sysctl -qw net.ipv4.ip_local_reserved_ports=40000-40099
stop holder
ip -n "$gw" address add "$relay6/64" dev side_a nodad
check "what it says" nattravctl stream set "$stream" a prefix "${A%:*}/32" prefix "${X%:*}"
on "$x" rtp -b "$X" -d "$(leg a '."local-ipv4"'):$port_a" -c 4 -w 0 >/dev/null
check_eq "peer of a" "$(leg a '."peer-ipv4"')" "${X%:*}"
check "all is well" nattravctl doctor
log_test "doctor: names what is wrong, and what it says to do helps"

sleep 5
nattravctl top -n 1 >"$work/top.out"
check "trouble" grep -q 'b partial for .*, call outside' "$work/top.out"
check_eq "no terminal, no escapes" "$(grep -c $'\033' "$work/top.out")" 0
check_eq "as JSON" "$(ctl '.[0] | "\(.call) \(."trouble-score" > 0)"' top)" "outside true"
check_eq "two frames" "$(nattravctl top -n 2 -d 200ms | grep -c '^nattrav ')" 2
log_test "top: the stream in trouble comes first"

check "reason" grep -q '^ *7  outside-prefix  a partial leg heard a source' <(nattravctl drops)
check_eq "as JSON" "$(ctl '.[] | select(.reason == "outside-prefix") | .packets' drops)" 7
check_eq "again and again" \
	"$(nattravctl drops --watch -n 2 -d 200ms | grep -c '  outside-prefix  ')" 2
check_sum
log_test "drops: reasons in words"

dmesg_check
finish
