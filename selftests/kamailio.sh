# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A Kamailio on the public side of the rig, which is more than one test's neighbour.
# Source it after lib.sh, with the rig set up.

# shellcheck disable=SC2154 # variables of lib.sh

kamailio=203.0.113.50
core=''

setup_core() {
	setup_ns core
	link "$internet" to_core - "$core" eth0 "$kamailio/24"
	ip -n "$internet" link set to_core master bridge
	ip -n "$core" route add default via 203.0.113.1
}

# where it listens beside UDP, as "tcp:ADDRESS:PORT"; for TLS there must be kamailio.pem
kamailio_transports=()

# kamailio_config DOMAIN: on its input is the end of request_route, and what follows it;
# before it comes what a provider's proxy does at least.
kamailio_config() {
	{
		cat <<END
#!KAMAILIO
children=1
debug=2
log_stderror=yes
listen=udp:$kamailio:5060
$(for transport in "${kamailio_transports[@]}"; do echo "listen=$transport"; done)
alias="$1"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
loadmodule "xlog.so"
$([[ ${kamailio_transports[*]} != *tls:* ]] || kamailio_tls)
request_route {
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (has_totag()) {
		if (loose_route() || (is_method("ACK") && t_check_trans())) t_relay();
		else if (!is_method("ACK")) sl_send_reply("404", "Not Here");
		exit;
	}
END
		cat
	} >"$work/kamailio.cfg"
}

kamailio_tls() {
	cat <<-END
		enable_tls=yes
		loadmodule "tls.so"
		modparam("tls", "private_key", "$work/kamailio.pem")
		modparam("tls", "certificate", "$work/kamailio.pem")
		modparam("tls", "verify_certificate", 0)
		modparam("tls", "tls_method", "TLSv1.2+")
	END
}

kamailio_listens() { on "$core" ss -Hlun 'sport = :5060' | grep -q 5060; }

start_kamailio() {
	start kamailio "$core" kamailio -DD -E -m 64 -M 4 -f "$work/kamailio.cfg" -w "$work" -Y "$work"
	slowwait 20 kamailio_listens
}
