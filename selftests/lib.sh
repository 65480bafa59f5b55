# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the selftests share: namespaces, the rig with its two NATs, background
# programs, nattrav.ko, TAP. Source it; it cleans up when the script ends.
#
# The rig. Both LANs use the same private network, as homes do:
#
#    phone A  192.168.1.2 --- NAT A  203.0.113.10 ---+
#                                                    |--- 203.0.113.1
#    attacker X             203.0.113.66 ------------+         gateway
#    phone B  192.168.1.2 --- NAT B  198.51.100.11 ------ 198.51.100.1
#
# The gateway relays on 203.0.113.1 for both sides. It does not forward, it
# filters by reverse path, and it has a link for each side, so that a capture on
# each shows a packet before and after it was rewritten.

set -u

# Exit codes of kselftest.
ksft_pass=0
ksft_fail=1
ksft_skip=4

selftests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(dirname "$selftests")
test_name=$(basename "$0" .sh)
PATH=$top/build:$top/build/selftests:$PATH:/usr/sbin:/sbin
module=${NATTRAV_KO:-$top/build/nattrav.ko}

work=$(mktemp -d "/tmp/$test_name.XXXXXX")
namespaces=()
declare -A pid_of=()
module_loaded=

# --- TAP -------------------------------------------------------------------

test_count=0
test_plan=0
test_failed=0
RET=0
retmsg=

say() { echo "# $*"; }

# How many tests follow.
plan() {
	test_plan=$1
	echo "TAP version 13"
	echo "1..$1"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit "$ksft_skip"
}

# The first error of a test is the one that log_test reports; others may say why.
check_err() {
	[ "$1" -ne 0 ] || return 0
	if [ "$RET" -eq 0 ]; then
		RET=$ksft_fail
		retmsg=$2
	else
		say "and $2"
	fi
}

# check "what should be" command...: the command must succeed.
check() {
	local what=$1
	shift
	"$@" >"$work/check.log" 2>&1
	check_err $? "not so: $what"
}

check_eq() {
	[ "$2" = "$3" ]
	check_err $? "$1: got '$2', expected '$3'"
}

# For check and slowwait: the command must fail.
not() { ! "$@"; }

# check_ge "what" value least
check_ge() {
	[ -n "$2" ] && [ "$2" -ge "$3" ]
	check_err $? "$1: got '$2', expected at least $3"
}

log_test() {
	test_count=$((test_count + 1))
	if [ "$RET" -eq 0 ]; then
		echo "ok $test_count - $*"
	else
		echo "not ok $test_count - $* # $retmsg"
		test_failed=$((test_failed + 1))
	fi
	RET=0
	retmsg=
}

log_skip() {
	test_count=$((test_count + 1))
	echo "ok $test_count - $1 # SKIP $2"
	RET=0
	retmsg=
}

# The script's exit status. A plan that was not kept is a failure.
finish() {
	if [ "$test_count" -ne "$test_plan" ]; then
		say "planned $test_plan tests, ran $test_count"
		exit "$ksft_fail"
	fi
	[ "$test_failed" -eq 0 ] || exit "$ksft_fail"
	exit "$ksft_pass"
}

# --- Waiting ---------------------------------------------------------------

# slowwait SECONDS command...: until it succeeds, looking ten times a second.
slowwait() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# --- Namespaces and links --------------------------------------------------

# setup_ns a b: makes two namespaces and puts their names into $a and $b.
setup_ns() {
	local name ns
	for name; do
		ns=$name-$(printf '%06x' $((RANDOM * 512 + RANDOM)))
		ip netns add "$ns" || return
		namespaces+=("$ns")
		printf -v "$name" %s "$ns"
		ip -n "$ns" link set lo up
		# no DAD to wait for, no router solicitations in the captures
		on "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
}

cleanup_ns() {
	local ns
	for ns; do
		ip netns del "$ns" 2>/dev/null || :
	done
}

cleanup_all_ns() { cleanup_ns "${namespaces[@]}"; }

on() { ip netns exec "$@"; }

# link ns1 dev1 address1 ns2 dev2 address2: a cable. "-" is no address.
link() {
	ip -n "$1" link add "$2" type veth peer name "$5" netns "$4"
	local ns dev address
	while [ $# -gt 0 ]; do
		ns=$1 dev=$2 address=$3
		[ "$address" = - ] || ip -n "$ns" address add "$address" dev "$dev"
		# No offload: each checksum is computed by the sender, and so it
		# is real on the wire and verified by the receiver.
		on "$ns" ethtool -K "$dev" tx off tso off gso off gro off >/dev/null 2>&1
		ip -n "$ns" link set "$dev" up
		shift 3
	done
}

# setup_nat ns address: masquerade what comes from lan on wan, with a random port
# for each flow; let nothing in that is not an answer.
setup_nat() {
	on "$1" sysctl -qw net.ipv4.ip_forward=1
	on "$1" nft -f - <<-END
		table inet home {
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname "wan" masquerade random,fully-random
			}
			chain forward {
				type filter hook forward priority filter; policy drop
				ct state established,related accept
				iifname "lan" accept
			}
			chain input {
				type filter hook input priority filter
				iifname "wan" ct state new,invalid drop
			}
		}
	END
}

# nat_timeouts ns seconds: how long the NAT remembers a UDP flow.
nat_timeouts() {
	on "$1" sysctl -qw net.netfilter.nf_conntrack_udp_timeout="$2" \
		net.netfilter.nf_conntrack_udp_timeout_stream="$2"
}

# The gateway as the design wants it: it forwards nothing by itself, and it
# believes no source address that it has no route to on that link.
setup_gateway() {
	on "$1" sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=1 \
		net.ipv4.conf.default.rp_filter=1
}

# The namespaces of the rig; setup_ns sets them.
lan_a='' nat_a='' internet='' x='' gw='' lan_b='' nat_b=''

setup_rig() {
	setup_ns lan_a nat_a internet x gw lan_b nat_b
	setup_gateway "$gw"

	ip -n "$internet" link add bridge type bridge
	ip -n "$internet" link set bridge up
	link "$internet" to_gw - "$gw" side_a 203.0.113.1/24
	link "$internet" to_nat - "$nat_a" wan 203.0.113.10/24
	link "$internet" to_x - "$x" eth0 203.0.113.66/24
	local port
	for port in to_gw to_nat to_x; do
		ip -n "$internet" link set "$port" master bridge
	done
	link "$gw" side_b 198.51.100.1/24 "$nat_b" wan 198.51.100.11/24
	link "$nat_a" lan 192.168.1.1/24 "$lan_a" eth0 192.168.1.2/24
	link "$nat_b" lan 192.168.1.1/24 "$lan_b" eth0 192.168.1.2/24

	ip -n "$lan_a" route add default via 192.168.1.1
	ip -n "$lan_b" route add default via 192.168.1.1
	ip -n "$nat_a" route add default via 203.0.113.1
	ip -n "$nat_b" route add default via 198.51.100.1
	ip -n "$x" route add default via 203.0.113.1
	setup_nat "$nat_a"
	setup_nat "$nat_b"
}

# --- Background programs ---------------------------------------------------

# start name ns command...: runs in the background until stop or the end, with
# its output in $work/name.log.
start() {
	local name=$1
	shift
	ip netns exec "$@" </dev/null >"$work/$name.log" 2>&1 &
	pid_of[$name]=$!
}

stop() {
	local name
	for name; do
		[ -n "${pid_of[$name]-}" ] || continue
		kill "${pid_of[$name]}" 2>/dev/null || :
		wait "${pid_of[$name]}" 2>/dev/null || :
		unset "pid_of[$name]"
	done
}

# await name: waits for a program that ends by itself; gives its exit status.
await() {
	local status=0
	wait "${pid_of[$1]}" || status=$?
	unset "pid_of[$1]"
	return "$status"
}

# logged name pattern [times]: so many lines or more
logged() { [ "$(grep -cE -e "$2" "$work/$1.log")" -ge "${3-1}" ]; }

# wait_log seconds name pattern [times]
wait_log() { slowwait "$1" logged "${@:2}"; }

# capture name ns dev filter...: into $work/name.pcap, running when it returns.
capture() {
	local name=$1 ns=$2 dev=$3
	shift 3
	start "$name" "$ns" tcpdump -n -U -B 8192 -i "$dev" -w "$work/$name.pcap" "$@"
	wait_log 20 "$name" 'listening on' || echo "tcpdump does not start" >&2
}

# The end of a capture; a moment first for what is still in tcpdump's buffer.
capture_end() {
	sleep 1
	stop "$@"
}

# --- The module ------------------------------------------------------------

# require command...: what this test cannot do without.
require() {
	local tool
	[ "$(id -u)" -eq 0 ] || skip_all "must run as root"
	for tool; do
		command -v "$tool" >/dev/null || skip_all "$tool is missing"
	done
}

require_module() {
	[ -r "$module" ] || skip_all "there is no $module"
	[ -e /proc/modules ] || skip_all "this kernel loads no modules"
	if grep -q '^nattrav ' /proc/modules; then
		skip_all "nattrav is loaded already"
	fi
	dmesg_mark
	steady_hooks
	load_module || skip_all "$module does not load: $(tail -n 1 "$work/insmod.log")"
}

# The kernel rewrites its own code with the first hook of all namespaces and with the last
# one; QEMU, where it emulates, may have another CPU see half of that ("Oops: int3" in
# ip_rcv). So there is always one, where no traffic is.
steady_hooks() {
	nft add table inet steady 2>/dev/null || return 0
	nft add chain inet steady prerouting '{ type filter hook prerouting priority 0; }'
}

load_module() {
	insmod "$module" 2>"$work/insmod.log" || return
	module_loaded=1
}

# Streams keep the module; a test is done with them.
unpin_module() { echo N >/sys/module/nattrav/parameters/pin; }

unload_module() {
	unpin_module
	rmmod nattrav || return
	module_loaded=
	! grep -q '^nattrav ' /proc/modules
}

dmesg_mark() {
	dmesg_marker="$test_name.$$.$RANDOM starts"
	echo "$dmesg_marker" >/dev/kmsg
}

# What a kernel says when something is wrong with it.
dmesg_bad() {
	dmesg | awk -v mark="$dmesg_marker" '
		index($0, mark) { delete line; n = 0 }
		/BUG|WARNING|KASAN|UBSAN|RCU|rcu:.*stall|leak|unregister_netdevice|possible recursive|Oops|general protection/ {
			line[n++] = $0
		}
		END { for (i = 0; i < n; i++) print line[i] }'
}

# The last test of each script: the kernel found nothing wrong, and the module
# goes away.
dmesg_check() {
	local bad
	check "rmmod works" unload_module
	bad=$(dmesg_bad)
	[ -z "$bad" ]
	check_err $? "the kernel complains: $(head -n 1 <<<"$bad")"
	log_test "module unloads, kernel log is clean"
}

# --- nattrav ---------------------------------------------------------------

nattravctl() { on "$gw" "$top/build/nattravctl" "$@"; }

# One value of "nattravctl --json ..." in the gateway: ctl FILTER WORDS...
ctl() {
	local filter=$1
	shift
	nattravctl --json "$@" | jq -r "$filter"
}

# Packets dropped for a reason.
dropped() { ctl ".drop.\"$1\"" stats; }

# One value of the (only) RTP stream, and the public address of its leg a or b.
rtp_stream() { ctl ".[] | select(.type == \"rtp\") | $1" stream list; }
rtp_peer() { rtp_stream "\"\(.\"leg-$1\".\"peer-ipv4\"):\(.\"leg-$1\".\"peer-port\")\""; }
rtp_complete() { [ "$(rtp_stream .state)" = complete ]; }
# so many packets of each side were relayed
both_hear() { [ "$(rtp_stream '[."leg-a".packets, ."leg-b".packets] | min')" -ge "$1" ]; }

no_streams() { [ "$(ctl length stream list)" = 0 ]; }

# Each packet that came to the relay must be accounted for.
check_sum() {
	local sum
	sum=$(ctl '"\(.received) \(.forwarded + .accepted + ([.drop[]] | add))"' stats)
	check_eq "received = forwarded + accepted + dropped" "${sum% *}" "${sum#* }"
}

write_config() {
	cat >"$work/nattravd.conf" <<-END
		listen udp 203.0.113.1:5060
		domain example.net
		relay 203.0.113.1 30000-39999
		user alice alices-secret
		user bob bobs-secret
		user carol carols-secret
		database $work/nattravd.db
		keepalive 5
		ping no
	END
}

sip_port_open() { on "$gw" ss -Hlun 'sport = :5060' | grep -q 5060; }

# Its log is added to, so that what it said before a restart is kept.
start_nattravd() {
	[ -e "$work/nattravd.conf" ] || write_config
	ip netns exec "$gw" "$top/build/nattravd" -v -f "$work/nattravd.conf" \
		</dev/null >>"$work/nattravd.log" 2>&1 &
	pid_of[nattravd]=$!
	slowwait 20 sip_port_open
}

# --- Phones ----------------------------------------------------------------

declare -A ns_of=() cons_of=()

# Where phones that are started register, and over what: udp, tcp or tls; 4 or 6.
phone_domain=example.net
phone_family=4
phone_server=203.0.113.1
phone_transport=udp

# phone user ns hertz accept [account options]: baresip with a tone of so many
# hertz for a voice. accept is auto or manual. With sipnat=outbound it keeps its
# path open (RFC 5626) as often as nattravd asks for; without, it does not. Another
# phone of alice's is alice.2, say.
phone() {
	local user=$1 ns=$2 hertz=$3 accept=$4 options=${5-}
	local dir=$work/phone-$user port=5060 other name=${user%%.*} server=$phone_server over=
	# the second phone of a LAN shares its address
	for other in "${!ns_of[@]}"; do
		[ "$other" = "$user" ] || [ "${ns_of[$other]}" != "$ns" ] || port=$((port + 10))
	done
	ns_of[$user]=$ns
	cons_of[$user]=$((port + 1))
	mkdir -p "$dir/recorded"
	tone make "$dir/tone.wav" "$hertz" 90
	# sndfile records in the audio pipeline; there is no loudspeaker.
	cat >"$dir/config" <<-END
		poll_method epoll
		sip_listen $([ "$phone_family" = 6 ] && echo '[::]' || echo 0.0.0.0):$port
		audio_source aufile,$dir/tone.wav
		audio_alert none,none
		ausrc_srate 8000
		ausrc_channels 1
		auplay_srate 8000
		auplay_channels 1
		audio_level no
		jitter_buffer_delay 1-2
		rtp_ports 10000-20000
		rtcp_mux no
		snd_path $dir/recorded
		cons_listen 127.0.0.1:${cons_of[$user]}
		module_path ${BARESIP_MODULES:-/usr/lib/baresip/modules}
		module cons.so
		module g711.so
		module aufile.so
		module sndfile.so
		module_tmp uuid.so
		module_tmp account.so
		module_app menu.so
	END
	[ ! -e "$work/ca.pem" ] || echo "sip_cafile $work/ca.pem" >>"$dir/config"
	[ "$phone_transport" != tls ] || server+=:5061
	[ "$phone_transport" = udp ] || over=";transport=$phone_transport"
	# regint is long: what keeps the path open must be the keep-alives
	echo "<sip:$name@$phone_domain$over>;auth_user=$name" \
		";auth_pass=${name}s-secret;outbound=\"sip:$server$over\"" \
		";regint=3600;answermode=$accept$options" |
		tr -d ' ' >"$dir/accounts"
	start "$user" "$ns" baresip "-$phone_family" -s -f "$dir"
}

# shellcheck disable=SC2034 # for the scripts that source this
keeping_alive=';sipnat=outbound'

# phone_do user command: what one would type at the phone.
phone_do() {
	on "${ns_of[$1]}" bash -c "echo '$2' >/dev/udp/127.0.0.1/${cons_of[$1]}"
}

registered() { wait_log 20 "$1" "${1%%.*}@[a-z.]*: .* 200 OK"; }

# dial from to [domain]: the other phone then rings, or answers by itself
dial() { phone_do "$1" "/dial sip:$2@${3-example.net}"; }
established() { wait_log 20 "$1" 'Call established'; }

# heard user hertz: seconds for which the phone recorded a tone
heard() {
	local file
	file=$(find "$work/phone-$1/recorded" -name '*-dec.wav' | sort | tail -n 1)
	[ -n "$file" ] && tone check "$file" "$2"
}

# nat_mapping ns port [from]: the public address and port that the NAT gave to the
# UDP flow towards this port of the gateway (from this port of the terminal).
nat_mapping() {
	on "$1" conntrack -L -p udp 2>/dev/null | awk -v to="$2" -v from="${3-}" '
		{
			# each key is there twice: of the flow and of its answers
			split("", value)
			split("", times)
			for (i = 1; i <= NF; i++)
				if (split($i, part, "=") == 2)
					value[part[1], ++times[part[1]]] = part[2]
			if (value["dport", 1] == to && (from == "" || value["sport", 1] == from))
				print value["dst", 2] ":" value["dport", 2]
		}'
}

# --- The end ---------------------------------------------------------------

cleanup() {
	local status=$? name
	set +u
	for name in "${!pid_of[@]}"; do
		# a stopped process would sleep through the TERM
		kill -CONT "${pid_of[$name]}" 2>/dev/null
		kill "${pid_of[$name]}" 2>/dev/null
	done
	for name in "${!pid_of[@]}"; do
		slowwait 5 eval "! kill -0 ${pid_of[$name]} 2>/dev/null" ||
			kill -KILL "${pid_of[$name]}" 2>/dev/null
		wait "${pid_of[$name]}" 2>/dev/null
	done
	cleanup_all_ns
	[ -z "$module_loaded" ] || unload_module 2>/dev/null
	if [ -n "${KEEP-}" ]; then
		echo "# kept: $work" >&2
	else
		rm -rf "$work"
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
