#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 1500
#
# Attacks on the signalling, from outside and in numbers: guessed passwords and names,
# by the tools that are used for it (T-S1); what comes back for what is sent (T-S5); a
# flood under which calls go on (T-S6); calls that ring and hold ports (T-M6); and a
# restart with 10 000 streams (R2). Runs on the machine itself; the datapath is
# conntrack.
#
#   attackers and phones  10.9.0.0/16, 203.0.113.66 ------ 203.0.113.1  gateway

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"

names=2000        # that are there, and as many that are not
callers=256       # who ring and are not answered
flood=$([ -n "${NATTRAV_FULL-}" ] && echo 600 || echo 30)

require nft conntrack ethtool jq python3
setup_ns x gw
link "$gw" side_a 203.0.113.1/24 "$x" eth0 203.0.113.66/24
on "$x" ip route add local 10.9.0.0/16 dev lo
on "$gw" ip route add 10.9.0.0/16 via 203.0.113.66
on "$gw" sysctl -qw net.ipv4.ip_forward=1
# nobody is at the sources of a flood
on "$x" nft -f - <<-END2
	table inet quiet { chain output { type filter hook output priority 0; icmp type destination-unreachable drop; }; }
	END2
write_config
{
	sed -e '/^ping/d' -e '/^relay/d' "$work/nattravd.conf"
	# room for two fifths of what the callers below may ask for
	printf '%s\n' "relay 203.0.113.1 30000-50999" "datapath conntrack" "ping no" \
		"user 200 200s-secret" "user dave daves-secret" "user silent silents-secret"
	for ((i = 0; i < names; i++)); do printf 'user k%04d x\n' "$i"; done
	for ((i = 0; i < callers; i++)); do echo "user r$i r${i}s-secret"; done
} >"$work/new.conf"
mv "$work/new.conf" "$work/nattravd.conf"
# without -v: a log of each packet is not what is measured
start_quiet() {
	ip netns exec "$gw" "$top/build/nattravd" -f "$work/nattravd.conf" </dev/null >>"$work/nattravd.log" 2>&1 &
	pid_of[nattravd]=$!
	slowwait 20 sip_port_open
}
start_quiet || { tail "$work/nattravd.log" && exit "$ksft_fail"; }

attack() { on "$x" "$selftests/native/attacks.py" 203.0.113.1:5060 "$@"; }
told() { jq -r "$2" "$work/$1.json"; }
holds() { jq -e "$2" "$work/$1.json"; }
rss() { sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/${pid_of[nattravd]}/status"; }
alive() { kill -0 "${pid_of[$1]}" 2>/dev/null; }

none_rests() { [ "$(ctl '[.[].resting] | add' pool list)" = 0 ]; }

plan 10

# --- T-S1 ------------------------------------------------------------------

# The twentieth word is the right one.
{ seq -f 'word%.0f' 19; echo 200s-secret; seq -f 'word%.0f' 20 5000; } >"$work/words"
# sipvicious seconds program options...: 124 if it has not ended by then
sipvicious() {
	local seconds=$1 program=$2
	shift 2
	HOME=$work PYTHONUNBUFFERED=1 timeout "$seconds" ip netns exec "$x" "$program" "$@" 203.0.113.1 \
		>>"$work/$program.log" 2>&1 </dev/null
}
if command -v svcrack >/dev/null && command -v svwar >/dev/null; then
	sipvicious 45 svcrack -u 200 -d "$work/words" &
	pid_of[svcrack]=$!
	sleep 5
	attack caller 3 >"$work/beside.json" 2>"$work/beside.err"
	check "others register and call meanwhile" holds beside '.calls == 3'
	attack register 200 >"$work/beside200.json" 2>"$work/beside200.err"
	check "and whose password is guessed, from elsewhere" holds beside200 '.registered == "200"'
	await svcrack
	# by itself it would hardly do so: it counts on where a new nonce wants a 1
	check "svcrack finds no password" not logged svcrack '200s-secret'
	check "it was answered" logged nattravd 'wrong user or password'
	for method in REGISTER INVITE OPTIONS; do
		sipvicious 30 svwar --force -e190-210 -m "$method"
		check "svwar ends" test $? -ne 124
	done
	check_eq "names that svwar finds" "$(grep -cE '^\| *[0-9]' "$work/svwar.log")" 0
	log_test "T-S1: svcrack guesses no password, svwar no name; others register and call"
else
	log_skip "T-S1: svcrack and svwar" "sipvicious is not installed"
fi

attack crack 200 30 >"$work/crack.json" 2>"$work/crack.err"
check "a guesser who knows nonces: $(cat "$work/crack.json" "$work/crack.err")" holds crack '.found == null and .tries > 20'
log_test "T-S1: of $(told crack .tries) guesses in 30 s the right one, the twentieth, was not looked at"

# The right t of two samples of one kind is beyond 2 one time in twenty; three times in a
# row, to the same side, is something else.
signs=''
for ((round = 0; round < 3; round++)); do
	attack time "$names" >"$work/time.json" 2>"$work/time.err" || check_err 1 "no answer: $(tail -n 1 "$work/time.err")"
	say "$(cat "$work/time.json")"
	check_eq "answers" "$(told time '.known == .unknown')" true
	signs+=$(told time 'if .t > 2 then "+" elif .t < -2 then "-" else "0" end')
	[ "${signs: -1}" != 0 ] || break
done
check "the time tells nothing: $signs" test "$signs" != +++ -a "$signs" != ---
log_test "T-S1: a name that is there is answered as one that is not, $(told time .tries) of each:" \
	"$(told time '."known-us"') us and $(told time '."unknown-us"') us, t $(told time .t)"

# --- T-S5 ------------------------------------------------------------------

attack ratio >"$work/ratio.json" 2>"$work/ratio.err"
check_err $? "$(tail -n 1 "$work/ratio.err")"
say "$(cat "$work/ratio.json")"
check "at most twice as much comes back: $(told ratio .ratio)" holds ratio '.ratio > 0 and .ratio <= 2'
check_eq "packets for one" "$(told ratio .packets)" 1
check "ten a second for one source" holds ratio '.answered <= (.seconds + 1) * 10 and .answered >= 10'
log_test "T-S5: no more than $(told ratio .ratio) times as much, in one packet;" \
	"$(told ratio .answered) answers to $(told ratio .asked) requests in $(told ratio .seconds) s"

# --- T-S6 ------------------------------------------------------------------

mkfifo "$work/calls.end"
ip netns exec "$x" "$selftests/native/attacks.py" 203.0.113.1:5060 calls 50 <>"$work/calls.end" \
	>"$work/calls.json" 2>"$work/calls.err" &
pid_of[calls]=$!
check "calls" slowwait 30 grep -q up "$work/calls.json"
# whoever floods has processors of his own
read -r ran_before waited_before _ <"/proc/${pid_of[nattravd]}/schedstat"
start flood.json "$x" nice -n 10 "$selftests/native/attacks.py" 203.0.113.1:5060 flood 50000 "$flood"
for ((second = 0; second < flood; second++)); do
	sleep 1
	rss
done >"$work/rss"
read -r ran waited _ <"/proc/${pid_of[nattravd]}/schedstat"
ran=$(((ran - ran_before) / 1000000)) waited=$(((waited - waited_before) / 1000000))
echo >"$work/calls.end"
check "the calls end" await calls
check "the flood ends" await flood.json
attack caller 1 >"$work/after.json" 2>"$work/after.err"
check_err $? "nobody can call afterwards: $(tail -n 1 "$work/after.err")"
sed -i 1d "$work/calls.json"
cp "$work/flood.json.log" "$work/flood.json"
say "$(cat "$work/flood.json") $(cat "$work/calls.json") $(cat "$work/after.json")"
check_ge "packets of the flood, a second" "$(told flood '."a-second"')" 10000
check "99 % in 500 ms" holds calls '."in-500-ms" >= 0.99 and .asked >= 100'
# where others have the processors, it is they who are measured
if [ "$waited" -gt "$ran" ]; then
	log_skip "T-S6: calls under a flood" "nattravd ran for $ran ms and waited for a processor for $waited ms"
else
	log_test "T-S6: under $(told flood '."a-second"') requests a second of strangers, $(told calls .asked) in calls:" \
		"99 % within $(told calls '."p99-ms"') ms"
fi
read -r early late < <(awk -v n="$flood" 'NR > n / 4 && NR <= n / 2 { e += $1; i++ } NR > n * 3 / 4 { l += $1; k++ }
	END { printf "%d %d\n", e / i, l / k }' "$work/rss")
check "memory: $early kB, then $late kB" test "$late" -le $((early * 105 / 100))
check "a call after it: $(told after '."registered-ms"') + $(told after '."most-ms"') ms" \
	holds after '."registered-ms" + ."most-ms" <= 2000'
log_test "T-S6: memory $early kB, then $late kB; two phones register and call within" \
	"$(told after '(."registered-ms" + ."most-ms") | ceil') ms afterwards"

# --- T-M6 ------------------------------------------------------------------

attack silent >"$work/silent.log" 2>&1 &
pid_of[silent]=$!
check "one who does not answer" wait_log 10 silent registered
for users in 1 "$callers"; do
	start ring.json "$x" "$selftests/native/attacks.py" 203.0.113.1:5060 ring "$users" 2000 10
	sleep 4
	attack caller 20 >"$work/beside.json" 2>"$work/beside.err"
	check_err $? "the other's calls: $(tail -n 1 "$work/beside.err")"
	check "ring ends" await ring.json
	cp "$work/ring.json.log" "$work/ring.json"
	say "$(cat "$work/ring.json") $(cat "$work/beside.json"), streams $(ctl length stream list)"
	check_ge "INVITEs, a second" "$(told ring '.sent / 10 | floor')" 500
	check "who has enough of them is told so" holds ring '.statuses."503" > 100 and ."retry-after" >= .statuses."503"'
	check "nattravd is alive" alive nattravd
	check "the other's calls: $(told beside '."most-ms"') ms" holds beside '.calls == 20 and ."most-ms" < 500'
	log_test "T-M6: $users ring, $(told ring '.sent / 10 | floor') INVITEs a second: $(told ring '.statuses."503"') times 503," \
		"another's calls within $(told beside '."most-ms"') ms"
done
check "the calls that nobody answers end" slowwait 60 no_streams
check "their ports are free again" slowwait 150 none_rests
log_test "T-M6: time gives all ports back"

# --- R2 --------------------------------------------------------------------

# Two streams each, of two ports on each side, which are all that there are but a few.
calls=5000
table() { ctl '[.[] | {id, call, cookie, state, tied, ports: [."leg-a", ."leg-b" | ."local-port"]}] | sort_by(.id) | .[] | tostring' stream list; }
mkfifo "$work/hold.end"
ip netns exec "$x" "$selftests/native/attacks.py" 203.0.113.1:5060 hold "$calls" <>"$work/hold.end" \
	>"$work/hold.json" 2>"$work/hold.err" &
pid_of[hold]=$!
check "calls" slowwait 120 grep -q up "$work/hold.json"
table >"$work/before"
check_eq "streams" "$(wc -l <"$work/before")" $((2 * calls))
kill -KILL "${pid_of[nattravd]}"
wait "${pid_of[nattravd]}" 2>/dev/null
begin=$(date +%s%N)
start_quiet
check_err $? "nattravd does not start again"
took=$((($(date +%s%N) - begin) / 1000000))
table >"$work/after"
check "the table is what it was" diff "$work/before" "$work/after"
check "a new call gets ports that are free: $(tail -n 1 "$work/new.err" 2>/dev/null)" \
	attack caller 3
echo >"$work/hold.end"
check "the calls end" await hold
sed -i 1d "$work/hold.json"
check_eq "BYEs that were answered" "$(told hold .asked)" "$calls"
check "at once" holds hold '."in-500-ms" >= 0.99'
check "no stream is left" slowwait 10 no_streams
check "within 2 s: $took ms" test "$took" -le 2000
log_test "R2: killed and started again, nattravd has $((2 * calls)) streams of $calls calls after $took ms"

stop nattravd
finish
