#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the kernel and nattravctl refuse, in which words, and that nothing is left
# of a refused request.

# shellcheck disable=SC2317 # functions are called through check and refused
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

require jq ethtool setpriv
require_module
a='' gw=''
setup_ns gw a
setup_gateway "$gw"
link "$gw" eth0 203.0.113.1/24 "$a" eth0 203.0.113.10/24

# How many pools and streams there are; a refusal must not change that.
table() { nattravctl --json status | tr -d ' \n' | grep -oE '"(pools|streams)":[0-9]+' | tr '\n' ' '; }
settled() { now=$(table); }

# refused "words" command...: it must fail, with these words, and change nothing.
refused() {
	local words=$1
	shift
	"$@" >"$work/refusal" 2>&1
	check_err $((!$?)) "not refused: $*"
	grep -qF -e "$words" "$work/refusal"
	check_err $? "'$*' is refused with '$(head -n 1 "$work/refusal")', not '$words'"
	check_eq "pools and streams after '$*'" "$(table)" "$now"
	# so that the next one is judged by itself
	[ "$RET" -eq 0 ] || settled
}

message() { on "$gw" genlmsg "$@"; }
add() { nattravctl stream add "$@"; }
pool() { nattravctl pool "$@"; }

# Numbers of operations and attributes: include/uapi/linux/nattrav.h. The messages
# are written for a little-endian host.
pool_new=1
stream_new=4
stream_del=6

plan 8

now=''
check "a pool of four pairs" pool add 203.0.113.1 30000-30007
settled
check_eq "the table" "$now" '"pools":1 "streams":0 '
refused "port range overlaps a pool of the same address" pool add 203.0.113.1 30006-30011
refused "relay address is not local to this host" pool add 203.0.113.9 30000-30007
refused "port range must begin even and end odd" pool add 203.0.113.1 31001-31002
refused "is no range of ports" pool add 203.0.113.1 70000-70003
refused "no pool has this id" pool del 77
log_test "pools"

refused "relay port lies outside the pool" add a local 203.0.113.1:40000
refused "no pool has this realm, address family and relay address" add a realm nowhere
refused "no pool has this realm, address family and relay address" add a local 203.0.113.9
refused "relay port of RTP must be even" add rtcp a local 203.0.113.1:30001
log_test "relay ports and addresses"

# loopback, multicast, broadcast, unspecified, link-local, reserved, the gateway's own
for peer in 127.0.0.1 224.0.0.1 239.1.2.3 255.255.255.255 0.0.0.0 169.254.1.1 240.0.0.1 203.0.113.1; do
	refused "leg-a.peer-ipv4: $peer: no peer can have this address" add a peer "$peer:5000"
done
refused "leg-b.peer-ipv4: 127.0.0.1: no peer can have this address" add b peer 127.0.0.1:5000
log_test "foreign peer addresses"

refused "has no valid prefix length" add a prefix 192.0.2.1/33
refused "is no prefix" add a prefix 999.0.2.1/32
refused "two prefixes at most" add a prefix 192.0.2.1/32 prefix 192.0.2.2/32 prefix 192.0.2.3/32
refused "is no list of payload types" add a pt 128
refused 'unknown word "nonsense"' add call x nonsense
refused "no stream has this id" nattravctl stream set 9 a window 5s
refused "no stream has this id" nattravctl stream show 9
refused 'no stream belongs to call "nobody"' nattravctl stream del call nobody
log_test "what nattravctl cannot read, and streams that are not there"

# An entry (1) with an attribute that does not exist (99); with none; not nested;
# longer than its message; a stream id where none belongs; no such operation.
refused "Unknown attribute type" message "$stream_new" '0c000180 08006300 01000000'
refused "attribute 1 is missing" message "$stream_new"
refused "the request has no entry" message "$stream_new"
refused "a pool needs an address and both ends of its port range" message "$pool_new" 04000180
refused "which stream: an id is needed" message 5 04000180
refused "NLA_F_NESTED is missing" message "$stream_new" 04000100
refused "Invalid argument" message "$stream_new" 'ff000180'
refused "attribute has no place in this request" message "$stream_new" '0c000180 08000100 07000000'
refused "Operation not supported" message 99
# a prefix without its length, in leg a (7)
refused "a prefix needs an address and a length" message "$stream_new" '14000180 10000780 0c000980 08000100 c0000201'
# a peer without its port
refused "a peer needs an address and a port" message "$stream_new" '10000180 0c000780 08000600 c0000201'
# both an id and a call
refused "either an id or a call, not both" message "$stream_del" '14000180 08000100 01000000 06000200 78000000'
log_test "messages with unknown, missing, misplaced and broken attributes"

# all or nothing: the second line is at fault
printf '%s\n' "call good" "call bad a peer 127.0.0.1:5000" >"$work/batch"
refused "batch:2: stream 2 of 2: leg-a.peer-ipv4: 127.0.0.1: no peer can have this address" \
	add --batch "$work/batch"
printf '%s\n' "call one rtcp" "call two rtcp" >"$work/batch"
check "two calls with RTCP fill the pool" add --batch "$work/batch"
settled
check_eq "the table" "$now" '"pools":1 "streams":4 '
refused "pool is full: no relay port is free" add call more
refused "pool is full: no relay port is free" add call more rtcp
refused "streams use this pool" pool del 1
log_test "a full pool, a pool in use, a batch with a fault in it"

refused "Operation not permitted" ip netns exec "$gw" setpriv --reuid 65534 --clear-groups \
	--inh-caps=-all --bounding-set=-all "$top/build/nattravctl" stream list
refused "Operation not permitted" ip netns exec "$gw" setpriv --reuid 65534 --clear-groups \
	--inh-caps=-all --bounding-set=-all "$top/build/selftests/genlmsg" "$pool_new" 04000180
log_test "nothing without CAP_NET_ADMIN"

dmesg_check
finish
