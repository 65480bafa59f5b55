#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# R7, the half that is not the kernel's: each allocation of nattravd reading its
# configuration and of nattravctl reading a saved table fails in turn. No crash, and what
# ends well says what it always says. Then a nattravd that serves calls runs out of memory
# again and again; when there is memory, it serves them as before.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

nomem=$top/build/selftests/nomem.so
seconds=${NOMEM_SECONDS:-10}

require jq nft conntrack nattravd nattravctl nattrav-ua
[ -e "$nomem" ] || skip_all "there is no $nomem"
plan 5

# sweep ALLOCATIONS PATTERN command...: fail each in turn, until there is no n-th one any
# more; at least so many there must be. A command that fails says something like PATTERN.
sweep() {
	local least=$1 pattern=$2 n=0 status refused=0
	shift 2
	"$@" >"$work/want" 2>&1
	local want=$?
	while [ "$n" -lt 5000 ]; do
		n=$((n + 1))
		: >"$work/hit"
		status=0
		timeout 20 env NOMEM_NTH="$n" LD_PRELOAD="$nomem" "$@" >"$work/got" 2>&1 9>"$work/hit" || status=$?
		[ -s "$work/hit" ] || break
		if [ "$status" -gt 2 ]; then
			check_err 1 "allocation $n: ended with $status: $(tail -n 1 "$work/got")"
		elif [ "$status" -eq 0 ]; then
			cmp -s "$work/want" "$work/got"
			check_err $? "allocation $n: ended with 0, and said '$(tail -n 1 "$work/got")'"
		elif ! grep -qi "$pattern" "$work/got"; then
			check_err 1 "allocation $n: ended with $status, and said '$(tail -n 1 "$work/got")'"
		fi
		[ "$status" -eq "$want" ] || refused=$((refused + 1))
	done
	say "$n allocations, $refused of them fatal; without: $want, $(tail -n 1 "$work/want")"
	check_ge "allocations" "$n" "$least"
}

cat >"$work/full.conf" <<-END
	listen udp 203.0.113.1:5060
	listen tcp [2001:db8::1]:5060
	domain example.net
	relay 203.0.113.1 30000-39999
	relay 2001:db8::1 30000-39999
	user alice alices-secret
	user bob bobs-secret
	database $work/full.db
END
sweep 20 memory nattravd --check -f "$work/full.conf"
check_eq "exit status" "$(nattravd --check -f "$work/full.conf" >/dev/null 2>&1; echo $?)" 0
log_test "nattravd reads its configuration"

leg() {
	echo "{\"local-ipv4\":\"203.0.113.1\",\"local-port\":$1,\"realm\":\"access\",\"family\":\"ipv4\"," \
		"\"peer-ipv4\":\"198.51.100.9\",\"peer-port\":4000,\"prefix\":[{\"ipv4\":\"198.51.100.0\",\"len\":24}]}"
}
{
	echo '{"nattrav-save":1,"version":"0.1.0","time":"2026-01-01T00:00:00Z",'
	echo '"pools":[{"ipv4":"203.0.113.1","port-min":30000,"port-max":39999,"realm":"access"}],"streams":['
	for id in 1 2; do
		[ "$id" = 1 ] || echo ,
		echo "{\"id\":$id,\"call\":\"call $id\",\"type\":\"rtp\",\"leg-a\":$(leg $((30000 + 4 * id)))," \
			"\"leg-b\":$(leg $((30002 + 4 * id)))}"
	done
	echo ']}'
} >"$work/saved"
sweep 100 . "$top/build/nattravctl" restore "$work/saved"
check "all of the file is read" grep -q 'module is not loaded' "$work/want"
log_test "nattravctl reads a saved table"

# --- A nattravd that serves calls --------------------------------------------

gw='' phones='' # set by setup_ns
setup_ns gw phones
link "$gw" side_a 203.0.113.1/24 "$phones" eth0 203.0.113.10/24
ip -n "$phones" address add 203.0.113.11/24 dev eth0
on "$gw" sysctl -qw net.ipv4.ip_forward=1

for user in alice bob; do
	printf 'server 203.0.113.1\nuser %s\npassword %ss-secret\ndomain example.net\n' "$user" "$user" >"$work/$user.conf"
done
write_config
echo "datapath conntrack" >>"$work/nattravd.conf"

alive() { kill -0 "${pid_of[nattravd]}" 2>/dev/null; }

# One call of a second; Bob takes it if he can.
call() {
	on "$phones" timeout 20 nattrav-ua -f "$work/alice.conf" --local 203.0.113.10:5060 \
		--duration 1 --calls 1 --seconds "$1" call bob >>"$work/alice.log" 2>&1
}
bob_starts() {
	start bob "$phones" nattrav-ua -f "$work/bob.conf" --local 203.0.113.11:5060 --expires 60
	wait_log 20 bob '"registered"'
}

flag=$work/short
: >"$work/hit"
NOMEM_ONE_IN=200 NOMEM_FLAG=$flag LD_PRELOAD=$nomem ip netns exec "$gw" "$top/build/nattravd" \
	-f "$work/nattravd.conf" </dev/null >"$work/nattravd.log" 2>&1 9>"$work/hit" &
pid_of[nattravd]=$!
check "nattravd serves" slowwait 20 sip_port_open
check "Bob registers" bob_starts
check "a call" call 15
log_test "calls are served by a nattravd that may run out of memory"

: >"$flag"
calls=0 through=0
end=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$end" ] && alive; do
	calls=$((calls + 1))
	! call 4 || through=$((through + 1))
	if ! kill -0 "${pid_of[bob]}" 2>/dev/null; then
		stop bob
		bob_starts
	fi
done
rm "$flag"
hits=$(wc -c <"$work/hit")
say "$calls calls, $through of them went through; $hits allocations failed"
check "nattravd is alive" alive
check_ge "failed allocations" "$hits" 10
log_test "nattravd survives that"

stop bob
check "Bob registers" slowwait 60 bob_starts
check "a call" slowwait 60 call 15
stop nattravd
log_test "and serves calls when there is memory again"
finish
