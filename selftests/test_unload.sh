#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The module stays while there are streams, unless it is told to go; it goes away, and
# network namespaces go away, while packets flow and requests are under way.
#
# UNLOAD_CYCLES: how often it is unloaded under traffic (20).
# timeout: 1200

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

cycles=${UNLOAD_CYCLES:-20}
relay=203.0.113.1

require jq ethtool
require_module
a='' b='' gw=''
setup_ns a b gw
setup_gateway "$gw"
link "$gw" side_a 203.0.113.1/24 "$a" eth0 203.0.113.10/24
link "$gw" side_b 198.51.100.1/24 "$b" eth0 198.51.100.11/24
ip -n "$b" route add default via 198.51.100.1

# A stream that is complete from the beginning.
install() {
	nattravctl pool add "$relay" 30000-30099 &&
		nattravctl stream add call unload rtcp a local "$relay:30000" peer 203.0.113.10:4000 \
			b local "$relay:30002" peer 198.51.100.11:6000
}

forwards() { [ "$(ctl .forwarded stats)" -ge "$1" ]; }
unloaded() { unload_module 2>/dev/null; }
references() { cat /sys/module/nattrav/refcnt; }
unreferenced() { [ "$(references)" -eq 0 ]; }

plan 6

# Both terminals talk all the time, whether there is a relay or not.
start a "$a" rtp -b 203.0.113.10:4000 -d "$relay:30000" -c 1000000 -r 500
start b "$b" rtp -b 198.51.100.11:6000 -d "$relay:30002" -c 1000000 -r 500

check "rmmod with nothing installed" rmmod nattrav
log_test "rmmod with nothing installed"

check "insmod" load_module
check "a stream" install
check_eq "references with a stream" "$(references)" 1
check "refused with a stream" not rmmod nattrav
grep -q 'in use' "$work/check.log"
check_err $? "rmmod was refused for another reason: $(head -n 1 "$work/check.log")"
check "another stream" nattravctl stream add call second
check_eq "references with two" "$(references)" 1
check "a request that fails" not nattravctl stream add call third a local "$relay:30000"
check_eq "references after it" "$(references)" 1
check "one less" nattravctl stream del call second
check "refused with the one" not rmmod nattrav
check "packets flow all the same" slowwait 20 forwards 50
check "the last" nattravctl stream del --all
check_eq "references without a stream" "$(references)" 0
check "rmmod without a stream, under traffic" rmmod nattrav

# each namespace with streams has a reference of its own
check "insmod" load_module
check "a stream" install
other=''
setup_ns other
ip -n "$other" address add 192.0.2.1/32 dev lo
check "a pool elsewhere" on "$other" "$top/build/nattravctl" pool add 192.0.2.1 30000-30099
check "a stream elsewhere" on "$other" "$top/build/nattravctl" stream add call other
check_eq "references of two namespaces" "$(references)" 2
ip netns del "$other"
one_reference() { [ "$(references)" -eq 1 ]; }
check "a namespace that goes lets go" slowwait 20 one_reference
check "told to let go" unpin_module
check_eq "references then" "$(references)" 0
check "a stream more" nattravctl stream add call more
check_eq "it does not pin" "$(references)" 0
echo Y >/sys/module/nattrav/parameters/pin
check_eq "told to hold again" "$(references)" 1
check "refused again" not rmmod nattrav
check "all of them" nattravctl stream del --all
check "rmmod" rmmod nattrav
log_test "rmmod is refused while a namespace has streams, until told otherwise"

# What was saved is there again, and media flows without anybody latching.
state() { ctl '[.[] | {call, type, state, legs: [."leg-a", ."leg-b" |
	[."local-port", ."peer-ipv4", ."peer-port"]]}] | tostring' stream list; }
check "insmod" load_module
check "a stream" install
before=$(state)
for ((i = 1; i <= cycles; i++)); do
	check "packets flow, cycle $i" slowwait 20 forwards 50
	check "saved, cycle $i" nattravctl save "$work/saved"
	check "rmmod under traffic, cycle $i" unload_module
	check "insmod, cycle $i" load_module
	check "restored, cycle $i" nattravctl restore "$work/saved"
	check_eq "what is there, cycle $i" "$(state)" "$before"
done
check "packets flow" slowwait 20 forwards 50
check "rmmod" unload_module
log_test "save, rmmod under traffic, insmod, restore, media flows again: $cycles times"

# Those who ask all the time, and one who listens, must not keep the module from
# going for more than a moment.
check "insmod" load_module
check "a stream" install
start listener "$gw" "$top/build/nattravctl" --json monitor
start asker "$gw" bash -c "while :; do '$top/build/nattravctl' stream list; done"
check "packets flow" slowwait 20 forwards 50
check "rmmod while a dump may be under way" slowwait 30 unloaded
stop asker
check "monitor ends when the module goes" slowwait 30 not kill -0 "${pid_of[listener]}"
log_test "rmmod with a listener and with requests under way"

check "insmod" load_module
doomed=''
for i in 1 2 3 4 5; do
	setup_ns doomed
	link "$doomed" eth0 192.0.2.1/24 "$a" to_doomed 192.0.2.10/24
	check "a pool, namespace $i" on "$doomed" "$top/build/nattravctl" pool add 192.0.2.1 30000-30099
	check "a stream, namespace $i" on "$doomed" "$top/build/nattravctl" stream add \
		a local 192.0.2.1:30000 peer 192.0.2.10:4000 b peer 192.0.2.10:6000
	start doomed_a "$a" rtp -b 192.0.2.10:4000 -d 192.0.2.1:30000 -c 1000000 -r 500
	sleep 0.5
	check_ge "packets relayed, namespace $i" \
		"$(on "$doomed" "$top/build/nattravctl" --json stats | jq .forwarded)" 50
	ip netns del "$doomed"
	# the other end of the cable goes when the namespace is taken down
	check "namespace $i is taken down" slowwait 30 not ip -n "$a" link show to_doomed
	stop doomed_a
done
check "a stream" install
before=$(ctl .forwarded stats)
check "packets still flow elsewhere" slowwait 20 forwards $((before + 50))
# The kernel complains of a device that is still held after ten seconds.
sleep 11
log_test "namespaces with live streams are deleted under traffic"

stop a b
check "no stream" nattravctl stream del --all
check "nothing else holds the module" slowwait 30 unreferenced
dmesg_check
finish
