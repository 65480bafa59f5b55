#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Two nattrav-ua behind NATs that forget after 10 s, at a nattravd that asks for a
# keep-alive every 60 s: they measure the time-out, stay under it, and are called
# after a silence. NAT B gives the same port again after it forgot a flow, so that
# only a server that honours RESPONSE-PORT lets the time-out be seen. Carol, beside
# Bob, sends no keep-alives: the control.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

require nattrav-ua jq nft conntrack ethtool
require_module
setup_rig
nat_timeouts "$nat_a" 10
nat_timeouts "$nat_b" 10
on "$nat_b" nft flush chain inet home postrouting
on "$nat_b" nft add rule inet home postrouting oifname wan masquerade
write_config
sed -i 's/^keepalive .*/keepalive 60/' "$work/nattravd.conf"
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }

# terminal user ns options...: takes commands by tell
terminal() {
	local user=$1 ns=$2
	shift 2
	cat >"$work/$user.conf" <<-END
		server 203.0.113.1
		domain example.net
		user $user
		password ${user}s-secret
	END
	mkfifo "$work/$user.fifo"
	ip netns exec "$ns" nattrav-ua -f "$work/$user.conf" --control "$@" \
		<>"$work/$user.fifo" >"$work/$user.log" 2>&1 &
	pid_of[$user]=$!
}
tell() { echo "$2" >"$work/$1.fifo"; }

# events user filter: those for which a jq filter holds
events() { jq -c "select($2)" "$work/$1.log" 2>/dev/null; }
seen() { [ "$(events "$1" "$2" | wc -l)" -ge "${3-1}" ]; }

# talked listener talker hertz: the listener heard 95 % of what the talker sent in the
# last call
talked() {
	local said heard
	said=$(events "$2" '.event == "stats"' | tail -n 1 | jq .sent)
	heard=$(tone check "$work/$1.wav" "$3")
	echo "$1 heard $heard s of $said packets"
	awk -v said="${said:-0}" -v heard="${heard:-0}" 'BEGIN { exit !(said > 0 && heard >= 0.95 * said / 50) }'
}

plan 6

terminal alice "$lan_a" --local 192.168.1.2:5060 --interval auto --search 2-12 --audio tone:400 --record "$work/alice.wav"
terminal bob "$lan_b" --local 192.168.1.2:5060 --interval auto --search 2-12 --audio tone:1000 --record "$work/bob.wav"
terminal carol "$lan_b" --local 192.168.1.2:5070 --keepalive none
for user in alice bob carol; do
	check "$user registers" slowwait 30 seen "$user" '.event == "registered"'
done
check_eq "Alice's mapped address" "$(events alice '.event == "mapped"' | jq -r .address)" \
	"$(nat_mapping "$nat_a" 5060 5060)"
log_test "three terminals register with nattravd"

for user in alice bob; do
	check "$user finds an interval" slowwait 240 seen "$user" '.event == "interval" and .interval >= 3'
	interval=$(events "$user" '.event == "interval"' | jq .interval | tail -n 1)
	check_ge "$user's interval" "$interval" 4
	check "$user's interval is under the time-out: $interval" test "$interval" -le 8
	check "$user saw a silence that the NAT forgot" seen "$user" '.event == "measured" and (.survived | not)'
done
log_test "both measure a time-out of 10 s and stay under it: every $interval s"

mapped_alice=$(events alice '.event == "mapped"' | wc -l)
mapped_bob=$(events bob '.event == "mapped"' | wc -l)
sleep 30
tell alice "call bob"
check "the call arrives" slowwait 20 seen bob '.event == "incoming"'
check "it is established" slowwait 20 seen alice '.event == "established"'
for user in alice bob; do
	check "$user hears the other" slowwait 20 seen "$user" '.event == "media"'
done
sleep 8
tell alice hangup
check "it is over" slowwait 20 seen bob '.event == "closed"'
check_eq "Alice's mapped addresses" "$(events alice '.event == "mapped"' | wc -l)" "$mapped_alice"
check_eq "Bob's mapped addresses" "$(events bob '.event == "mapped"' | wc -l)" "$mapped_bob"
check "Bob: $(talked bob alice 400)" talked bob alice 400
check "Alice: $(talked alice bob 1000)" talked alice bob 1000
log_test "after 30 s of silence a call arrives; $(talked bob alice 400), $(talked alice bob 1000)"

# Bob puts Alice on hold, with the port of the NAT forgotten by nobody
tell bob "call alice"
check "established" slowwait 20 seen bob '.event == "established"' 2
sleep 2
tell bob hold
check "Alice is held" slowwait 20 seen alice '.event == "held" and .held'
sleep 2
tell bob resume
check "and not any more" slowwait 20 seen alice '.event == "held" and (.held | not)'
sleep 4
tell bob hangup
check "it is over" slowwait 20 seen alice '.event == "closed"' 2
check "Alice never stopped hearing Bob: $(talked alice bob 1000)" talked alice bob 1000
check "Bob heard Alice: $(talked bob alice 400)" talked bob alice 400
check "no stream is left" slowwait 10 no_streams
check_sum
log_test "a call the other way, with a hold: $(talked alice bob 1000)"

tell alice "call carol"
sleep 4
check "Carol hears nothing of it" not seen carol '.event == "incoming"'
check "nattravd tried" logged nattravd 'alice -> carol: INVITE'
tell alice hangup
check "no stream is left" slowwait 10 no_streams
log_test "without keep-alives the call does not arrive"

for user in alice bob carol; do
	tell "$user" quit
	check "$user ends" await "$user"
done
stop nattravd
dmesg_check
finish
