#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# The registrar is elsewhere: Kamailio keeps the users of example.net, and nattravd is
# the edge before it. Alice is behind her NAT over UDP, Bob behind his over TCP; Frank
# registers with Kamailio itself. Calls find Alice and Bob by the Path that nattravd put
# into their REGISTER, also when one of them calls the other: such a call passes nattravd
# twice, and is anchored once. Phones are baresip, the datapath is conntrack.
#
#    Kamailio 203.0.113.50, Frank 203.0.113.66: on the public side of the rig

# shellcheck disable=SC2317 # functions are called through check and slowwait
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=selftests/kamailio.sh
. "$selftests/kamailio.sh"

require kamailio baresip jq nft conntrack ethtool

setup_rig
setup_core

kamailio_config example.net <<END
	\$var(password) = \$fU + "s-secret";
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("example.net", "\$var(password)", "0")) {
			www_challenge("example.net", "1");
		} else {
			xlog("L_NOTICE", "REGISTER of \$fU from \$si with path \$hdr(Path)\n");
			save("location");
		}
		exit;
	}
	t_check_trans();
	if (is_method("INVITE")) {
		if (!pv_proxy_authenticate("example.net", "\$var(password)", "0")) {
			proxy_challenge("example.net", "1");
			exit;
		}
		consume_credentials();
	}
	# what phones put in to come here
	remove_hf("Route");
	record_route();
	# whoever knows a token, or believes so
	if (\$rU =~ "^by-") {
		insert_hf("Route: <sip:\$(rU{s.substr,3,0})@203.0.113.1:5060;lr>\r\n");
		\$ru = "sip:alice@192.168.1.2";
		\$du = "sip:203.0.113.1:5060";
		t_relay();
		exit;
	}
	if (!lookup("location")) {
		sl_send_reply("404", "Nobody Has Registered Here");
		exit;
	}
	t_on_failure("FAILED");
	t_relay();
}
failure_route[FAILED] {
	if (t_check_status("430")) xlog("L_NOTICE", "430 for \$rU\n");
}
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 0)
END

# talk caller callee [ender]: they do already; each is to hear the other
talk() {
	check "media goes both ways" slowwait 20 both_hear "${heard_before-150}"
	phone_do "${3-$1}" /hangup
	check "no stream is left" slowwait 10 no_streams
	sleep 1
	check "$1 hears $2" heard "$1" "${hertz[$2]}"
	check "$2 hears $1" heard "$2" "${hertz[$1]}"
}
declare -A hertz=([alice]=400 [bob]=600 [frank]=1000 [carol]=800 [bob.desk]=1300)

# hold_and_resume user: what was relayed then, at least, is in $heard_before
hold_and_resume() {
	phone_do "$1" /hold
	sleep 1
	phone_do "$1" /resume
	sleep 1
	heard_before=$(($(rtp_stream '[."leg-a".packets, ."leg-b".packets] | max') + 100))
}

# account caller callee filter [lines]: what the accounts say of their last call
account() {
	jq -r "select(.caller == \"$1\" and .callee == \"$2\") | $3" "$work/accounts" | tail -n "${4-1}"
}

plan 11

cat >"$work/nattravd.conf" <<END
listen udp 203.0.113.1:5060
listen tcp 203.0.113.1:5060
domain example.net
relay 203.0.113.1 30000-39999
registrar $kamailio
database $work/nattravd.db
accounting $work/accounts
keepalive 5
ping no
datapath conntrack
END
on "$gw" sysctl -qw net.ipv4.ip_forward=1
start_nattravd || { tail -n 20 "$work/nattravd.log" && exit "$ksft_fail"; }
start_kamailio || { tail -n 20 "$work/kamailio.log" && exit "$ksft_fail"; }
phone alice "$lan_a" "${hertz[alice]}" auto
phone_transport=tcp phone bob "$lan_b" "${hertz[bob]}" auto
phone_server=$kamailio phone frank "$x" "${hertz[frank]}" auto
for user in alice bob frank; do check "$user registers" registered "$user"; done
check "Alice's path leads to nattravd" logged kamailio \
	'REGISTER of alice from 203.0.113.1 with path <sip:[A-Za-z0-9_-]+@203.0.113.1:5060;lr;ob>'
check "nattravd keeps her flow" logged nattravd \
	'path opened: alice@example.net over 203.0.113.10:[0-9]*, registered at 203.0.113.50:5060'
check "and Bob's" logged nattravd 'path opened: bob@example.net over 198.51.100.11:[0-9]*'
check "not Frank's" not logged nattravd 'path opened: frank'
log_test "Alice and Bob register with Kamailio through nattravd"

dial frank alice
check "they talk" established alice
talk frank alice
dial frank bob
check "they talk" established bob
talk frank bob
log_test "Frank calls both through Kamailio, which goes by their Path"

dial alice frank
check "they talk" wait_log 20 frank 'Call established' 3
talk alice frank
log_test "Alice calls Frank; Kamailio asks for her password, and gets it"

dial alice bob
check "they talk" established bob
check "media goes both ways" slowwait 20 both_hear 100
check_eq "streams" "$(ctl 'map(select(.type == "rtp")) | length' stream list)" 1
check_eq "leg a's peer" "$(rtp_stream '."leg-a"."peer-ipv4"')" 203.0.113.10
check_eq "leg b's peer" "$(rtp_stream '."leg-b"."peer-ipv4"')" 198.51.100.11
hold_and_resume alice
check "media goes both ways after the hold" slowwait 20 both_hear "$heard_before"
hold_and_resume bob
talk alice bob bob
unset heard_before
check_eq "calls in the accounts" "$(account alice bob .call 9 | wc -l)" 1
check_eq "its end" "$(account alice bob .reason)" 'ended by the callee'
check_eq "where Bob was" "$(account alice bob '"\(.b.transport) \(.b.address | sub(":.*"; ""))"')" \
	'tcp 198.51.100.11'
check "nattravd saw it twice" logged nattravd 'alice -> bob: INVITE again, over the registered path'
log_test "Alice calls Bob, each behind a NAT, by two passes; holds on both sides; he hangs up"

phone carol "$lan_b" "${hertz[carol]}" manual
phone bob.desk "$lan_b" "${hertz[bob.desk]}" manual
for user in carol bob.desk; do check "$user registers" registered "$user"; done
dial alice carol
check "it rings" wait_log 20 carol 'Incoming call'
phone_do alice /hangup
check "Carol gets a CANCEL" wait_log 20 carol '^CANCEL sip:'
check "no stream is left" slowwait 10 no_streams
check_eq "its end" "$(account alice carol .reason)" 'cancelled by the caller'
log_test "CANCEL takes both passes"

dial alice bob
check "they talk" wait_log 20 bob 'Call established' 3
check "the other phone rang" wait_log 20 bob.desk 'Incoming call'
check "and does no more" wait_log 20 bob.desk '^CANCEL sip:'
talk alice bob
dial frank bob
check "they talk" wait_log 20 bob 'Call established' 4
check "the other phone does not ring any more" wait_log 20 bob.desk '^CANCEL sip:' 2
talk frank bob
phone_do bob.desk /quit
log_test "Kamailio rings two phones of Bob behind nattravd"

dial alice carol
check "it rings" wait_log 20 carol 'Incoming call' 2
phone_do carol /accept
check "they talk" established carol
check "media goes both ways" slowwait 20 both_hear 100
kill -KILL "${pid_of[nattravd]}"
wait "${pid_of[nattravd]}" 2>/dev/null
start_nattravd
check "it knows the call" logged nattravd 'restored from .* 1 calls'
hold_and_resume carol
check "media goes both ways after the hold" slowwait 20 both_hear "$heard_before"
hold_and_resume alice
talk alice carol carol
unset heard_before
check_eq "its end" "$(account alice carol .reason)" 'ended by the callee'
phone_do carol /quit
log_test "such a call outlives nattravd"

path=$(sed -n 's/.*REGISTER of alice .* with path <sip:\([A-Za-z0-9_-]*\)@.*/\1/p' "$work/kamailio.log" | tail -n 1)
rang=$(grep -c 'Call established' "$work/alice.log")
dial frank "by-$path"
check "her path leads to Alice" wait_log 20 alice 'Call established' $((rang + 1))
talk frank alice
case $path in A*) forged=B${path#?} ;; *) forged=A${path#?} ;; esac
dial frank "by-$forged"
check "nattravd refuses another" wait_log 20 frank 'session closed: 403 Flow Token Not Valid'
check "her phone does not ring" not logged alice 'Call established' $((rang + 2))
log_test "a path that nattravd did not write leads nowhere"

rang=$(grep -c 'Call established' "$work/alice.log")
stop nattravd
start_nattravd
check "it knows the paths" logged nattravd 'restored from .*: 1 registered paths, 0 calls'
dial frank alice
check "they talk" wait_log 20 alice 'Call established' $((rang + 1))
talk frank alice
log_test "a path over UDP outlives a restart of nattravd"

# the connection went with the restart, and baresip does not notice that soon
rang=$(grep -c 'Call established' "$work/bob.log")
for user in frank alice; do
	dial "$user" bob
	check "Kamailio is told" wait_log 20 kamailio '430 for bob'
	check "and $user by it" wait_log 20 "$user" 'session closed: 430 Flow Failed'
done
check "Bob's phone did not ring" not logged bob 'Call established' $((rang + 1))
check "no stream is left" slowwait 10 no_streams
log_test "a flow that is gone is 430"

phone_do alice /quit
check "Alice's phone takes its leave" wait_log 20 nattravd 'path closed: alice over .*, unregistered'
dial frank alice
check "Kamailio knows it" wait_log 20 frank 'session closed: 404 Nobody Has Registered Here'
log_test "who unregisters is gone here and there"

finish
