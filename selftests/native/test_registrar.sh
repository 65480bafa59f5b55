#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# The registrar is elsewhere: Kamailio keeps the users of example.net, and nattravd is
# the edge before it. Alice is behind her NAT over UDP, Bob behind his over TCP; Frank
# registers with Kamailio itself. Calls find Alice and Bob by the Path that nattravd put
# into their REGISTER. Phones are baresip, the datapath is conntrack.
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

# talk caller callee: they do already; each is to hear the other
talk() {
	check "media goes both ways" slowwait 20 both_hear 150
	phone_do "$1" /hangup
	check "no stream is left" slowwait 10 no_streams
	sleep 1
	check "$1 hears $2" heard "$1" "${hertz[$2]}"
	check "$2 hears $1" heard "$2" "${hertz[$1]}"
}
declare -A hertz=([alice]=400 [bob]=600 [frank]=1000)

plan 6

cat >"$work/nattravd.conf" <<END
listen udp 203.0.113.1:5060
listen tcp 203.0.113.1:5060
domain example.net
relay 203.0.113.1 30000-39999
registrar $kamailio
database $work/nattravd.db
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

stop nattravd
start_nattravd
check "it knows the paths" logged nattravd 'restored from .*: 1 registered paths'
dial frank alice
check "they talk" wait_log 20 alice 'Call established' 3
talk frank alice
log_test "a path over UDP outlives a restart of nattravd"

# the connection went with the restart, and baresip does not notice that soon
dial frank bob
check "Kamailio is told" wait_log 20 kamailio '430 for bob'
check "and Frank by it" wait_log 20 frank 'session closed: 430 Flow Failed'
check "Bob's phone did not ring" not logged bob 'Call established' 2
log_test "a flow that is gone is 430"

phone_do alice /quit
check "Alice's phone takes its leave" wait_log 20 nattravd 'path closed: alice over .*, unregistered'
dial frank alice
check "Kamailio knows it" wait_log 20 frank 'session closed: 404 Nobody Has Registered Here'
log_test "who unregisters is gone here and there"

finish
