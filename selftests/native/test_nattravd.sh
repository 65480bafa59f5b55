#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
#
# nattravd as an operator runs it: without root, in its sandbox, reloaded, drained,
# killed by what it receives, and with a disk that is full. One network namespace, the
# conntrack datapath, phones.py for the phones; nothing is loaded.

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

require nft conntrack jq python3 setpriv gcc

control=$work/state/control
server=203.0.113.1:5060
nobody=65534

gw=''
setup_ns gw
ip -n "$gw" address add 203.0.113.1/32 dev lo
on "$gw" sysctl -qw net.ipv4.ip_forward=1
chmod 755 "$work"
install -d -o nobody -m 755 "$work/state"

configure() {
	write_config
	sed -i "s,^database .*,database $work/state/db," "$work/nattravd.conf"
	printf '%s\n' "control $control" "datapath conntrack" "$@" >>"$work/nattravd.conf"
}


# With CAP_NET_ADMIN alone, as systemd/nattravd.service gives it.
start_unprivileged() {
	ip netns exec "$gw" setpriv --reuid nobody --regid nogroup --clear-groups \
		--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
		--bounding-set=-all,+net_admin --no-new-privs \
		"$top/build/nattravd" -f "$work/nattravd.conf" </dev/null >>"$work/nattravd.log" 2>&1 &
	pid_of[nattravd]=$!
	slowwait 20 sip_port_open
}

phones() { on "$gw" "$selftests/native/phones.py" "$server" "$@"; }
process() { sed -n "s/^$1:[[:space:]]*//p" "/proc/${pid_of[nattravd]}/status"; }
sandboxed() { [ "$(process Seccomp)" = 2 ]; }
started() { [ "$(cat "$work/starts")" -gt "$1" ]; }
errors() { grep -c 'error: ' "$work/nattravd.log"; }
ended() { ! kill -0 "${pid_of[nattravd]}" 2>/dev/null; }
drain() { "$top/build/nattravctl" drain --control "$control" "$@"; }
streams() { ctl length stream list; }

# A call that goes on until hang_up.
begin_call() {
	mkfifo "$work/hang_up.$1"
	ip netns exec "$gw" "$selftests/native/phones.py" "$server" hold \
		<>"$work/hang_up.$1" >"$work/$1.log" 2>&1 &
	pid_of[$1]=$!
	wait_log 20 "$1" '^up'
}
hang_up() {
	echo >"$work/hang_up.$1"
	await "$1"
}

plan 8

# --- Without root ----------------------------------------------------------

configure
start_unprivileged || { cat "$work/nattravd.log" && exit "$ksft_fail"; }
check "it says what it gave away" wait_log 10 nattravd 'sandbox: CAP_NET_ADMIN alone'
check_eq "user" "$(process Uid | cut -f 1)" "$nobody"
for set in CapPrm CapEff CapBnd; do
	check_eq "$set" "$(process "$set")" 0000000000001000
done
check_eq "no new privileges" "$(process NoNewPrivs)" 1
check_eq "seccomp" "$(process Seccomp)" 2
check "calls" phones load 3
# a pool more: sockets and rules are made in the sandbox, too
has_rule() { on "$gw" nft list table inet nattravd | grep -q "$1"; }
echo "relay 203.0.113.1 41000-41099" >>"$work/nattravd.conf"
kill -HUP "${pid_of[nattravd]}"
check "a pool is added in the sandbox" slowwait 10 has_rule 41000
if command -v systemd-analyze >/dev/null; then
	# in tenths of what it prints, under 2.0
	check "what systemd-analyze says of the unit" systemd-analyze security --offline=true --threshold=19 \
		"$top/systemd/nattravd.service"
fi
log_test "runs without root and with CAP_NET_ADMIN alone, in its sandbox"

stop nattravd
check "as root as well" start_nattravd
check "in the sandbox" slowwait 10 sandboxed
check_eq "user" "$(process Uid | cut -f 1)" 0
check_eq "CapEff of root" "$(process CapEff)" 0000000000001000
check "calls" phones load 1
stop nattravd
chown -R nobody "$work/state"
log_test "root's other capabilities are given away"

# --- Reload ----------------------------------------------------------------

# R16. Each file is either right, or wrong in one of five ways; each must be answered
# before the next, since signals of a kind do not queue up.
start_unprivileged
begin_call talking
start load "$gw" "$selftests/native/phones.py" "$server" load 40
check "load" wait_log 20 load registered
python3 - "${pid_of[nattravd]}" "$work" >"$work/reload.out" 2>&1 <<'END'
import os, signal, sys, time
pid, work = int(sys.argv[1]), sys.argv[2]
conf, log = work + "/nattravd.conf", work + "/nattravd.log"
good = open(conf).read()
bad = ["usr x y\n", "user dave\n", "listen udp 127.0.0.1:1\n", "relay 203.0.113.1 1-2\n",
       "route 0 198.51.100.1 transport=tls\n"]
taken = refused = 0
with open(log) as lines:
    lines.seek(0, 2)
    for i in range(1000):
        wrong = i % 2
        with open(conf + ".new", "w") as f:
            # a user more each time, so that each right one is another
            f.write(good + ("user u%d x\n" % i) + (bad[i // 2 % len(bad)] if wrong else ""))
        os.rename(conf + ".new", conf)
        os.kill(pid, signal.SIGHUP)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            line = lines.readline()
            if "read again" in line:
                taken += 1
                assert not wrong, "a broken file was taken"
                break
            if "stays as it was" in line:
                refused += 1
                assert wrong, "a right file was refused: " + line
                break
            if not line:
                time.sleep(0.001)
        else:
            sys.exit("no answer to reload %d" % i)
with open(conf, "w") as f:
    f.write(good)
print(taken, refused)
END
check_eq "reloads taken and refused" "$(cat "$work/reload.out")" "500 500"
check "the load lost no call" await load
check "the call is there" hang_up talking
say "$(tail -n 1 "$work/load.log") beside 1000 reloads"
log_test "R16: 1000 SIGHUPs under load, half of them with broken files"

# --- Drain -----------------------------------------------------------------

begin_call draining
check_eq "mode of the socket" "$(stat -c %a "$control")" 660
setpriv --reuid 12345 --regid 12345 --clear-groups "$top/build/nattravctl" drain --control "$control" \
	>"$work/other.log" 2>&1
check_eq "exit status of somebody else" $? 1
check "he is told" logged other 'not permitted'
check "nattravd knows nothing of it" not logged nattravd draining
check_eq "one of the group" "$(setpriv --reuid 12345 --regid 12345 --groups "$(id -g nobody)" \
	"$top/build/nattravctl" drain --control "$control")" "draining, 1 calls left"
check "new calls are refused" not phones load 1
check_eq "called off" "$(drain --cancel)" "not draining, 1 calls"
check "new calls are taken" phones load 1
"$top/build/nattravctl" drain --wait --control "$control" >"$work/drain.log" 2>&1 &
pid_of[drain]=$!
check "it waits" wait_log 10 drain 'draining, 1 calls left'
sleep 1.5
check "and waits" not ended
check "the call ends" hang_up draining
check "nattravctl ends" await drain
check "with good news" logged drain 'drained, nattravd has exited'
check "nattravd ends" await nattravd
check "the socket is gone" test ! -e "$control"
drain >"$work/none.log" 2>&1
check_eq "exit status where there is no nattravd" $? 1
log_test "drain: refused to others, called off, waited for (C10)"

# --- Poison ----------------------------------------------------------------

# R3. What systemd does with the Restart= and RestartSec= of the unit, done here.
gcc -shared -fPIC -o "$work/poison.so" "$selftests/native/poison.c" -ldl
unit() { sed -n "s/^$1=//p" "$top/systemd/nattravd.service"; }
seconds() { # "200ms" or "2s", as systemd.time(7) writes it
	case $1 in
	*ms) echo "0.$(printf %03d "${1%ms}")" ;;
	*) echo "${1%s}" ;;
	esac
}
restart=$(unit Restart)
pause=$(seconds "$(unit RestartSec)")
supervise() {
	local starts=0 status
	until [ -e "$work/enough" ]; do
		starts=$((starts + 1))
		echo "$starts" >"$work/starts"
		status=0
		LD_PRELOAD=$work/poison.so "$top/build/nattravd" -f "$work/nattravd.conf" \
			>>"$work/nattravd.log" 2>&1 || status=$?
		echo "$status" >>"$work/ends"
		case $restart/$status in
		always/*) ;;
		on-failure/0 | no/* | /*) break ;;
		esac
		sleep "$pause"
	done
}
export -f supervise
export work top restart pause
poison() { on "$gw" bash -c "echo 'poison sip:x SIP/2.0' >/dev/udp/203.0.113.1/5060"; }
# One that is there, and killed by a datagram: is it there again?
supervised() {
	rm -f "$work/enough" "$work/ends"
	ip netns exec "$gw" bash -c supervise </dev/null >/dev/null 2>&1 &
	pid_of[supervisor]=$!
	slowwait 20 sip_port_open
}
unsupervised() {
	touch "$work/enough"
	! sip_port_open || poison
	await supervisor
}
comes_back() {
	poison
	slowwait 10 started 1 && slowwait 10 sip_port_open
}
dies_again() { # starts before
	sleep 1
	[ "$(cat "$work/starts")" -gt "$1" ]
}

# Would it be seen? Nobody who restarts it; and a datagram that is there again.
restart=no
check "nattravd" supervised
check "without a restart it is gone" not comes_back
check "and its end was a crash" grep -qx 134 "$work/ends"
unsupervised
restart=$(unit Restart)
export POISON_FILE=$work/poisoned
check "nattravd" supervised
comes_back
check "what is read again kills again" dies_again 2
rm -f "$work/poisoned"
unset POISON_FILE
unsupervised
log_test "R3: no restart would be seen, and a datagram that is read again"

check "nattravd" supervised
begin_call through
before=$(streams)
for ((i = 1; i <= 20; i++)); do
	poison
	check "crash $i" slowwait 10 started "$i"
	check "start $i" slowwait 10 sip_port_open
done
sleep 1
check_eq "starts: no datagram killed twice" "$(cat "$work/starts")" 21
check_eq "ends by SIGABRT" "$(grep -cx 134 "$work/ends")" 20
check_eq "streams of the call" "$(streams)" "$before"
check "its BYE is routed" hang_up through
check "the supervisor ends" unsupervised
log_test "R3: 20 crashes, and no datagram kills twice; the call goes on"

# --- A full disk -----------------------------------------------------------

# R17, beside the flipped bits of the unit tests.
rm -rf "$work/state"
install -d "$work/state"
mount -t tmpfs -o size=1m,mode=755,uid="$nobody" tmpfs "$work/state" ||
	check_err 1 "no tmpfs can be mounted"
configure "accounting $work/state/calls"
start_unprivileged
check "calls" phones load 1
before=$(errors)
dd if=/dev/zero of="$work/state/full" bs=4k >/dev/null 2>&1
begin_call full
check "calls without a byte of room" phones load 5
check "it is told" logged nattravd 'database .*: .*(full|I/O)'
lines=$(($(errors) - before))
check "and not for each call: $lines lines" test "$lines" -le 10
rm "$work/state/full"
check "the call ends" hang_up full
begin_call later
sleep 0.5
stop nattravd
start_unprivileged
check "what came after is kept" logged nattravd 'restored from .* 2 registered paths, 1 calls|restored from .*: [0-9]+ registered paths, 1 calls'
check "its BYE is routed" hang_up later
stop nattravd
log_test "R17: a disk without room costs no call, and is told"

head -c 2000 /dev/urandom >"$work/state/db"
start_unprivileged
check "starts" sip_port_open
check "it is told" logged nattravd 'is damaged: it is kept as .*db.damaged'
check "calls" phones load 1
stop nattravd
umount "$work/state"
log_test "R17: a database that is none is put aside"

finish
