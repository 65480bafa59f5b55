# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the selftests with programs of others share: SIPp, Linphone, a third network,
# certificates, and the comparison of what one phone sent with what another heard.
# Source it after lib.sh and look.sh.
#
#    phone C  192.168.1.2 --- NAT C  203.0.113.12 --- as NAT A
#
# NAT C is another kind of NAT: it keeps the port where it can, and answers packets
# that nobody asked for by itself.

# shellcheck disable=SC2154,SC2034,SC2004 # variables of lib.sh; ns_of and pid_of are no lists

# --- Networks and certificates ---------------------------------------------

lan_c='' nat_c=''

setup_third() {
	setup_ns lan_c nat_c
	link "$internet" to_nat_c - "$nat_c" wan 203.0.113.12/24
	ip -n "$internet" link set to_nat_c master bridge
	link "$nat_c" lan 192.168.1.1/24 "$lan_c" eth0 192.168.1.2/24
	ip -n "$lan_c" route add default via 192.168.1.1
	ip -n "$nat_c" route add default via 203.0.113.1
	on "$nat_c" sysctl -qw net.ipv4.ip_forward=1
	on "$nat_c" nft -f - <<-END
		table inet home {
			chain postrouting {
				type nat hook postrouting priority srcnat
				oifname "wan" masquerade
			}
		}
	END
}

key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

# Makes ca.pem, and gateway.pem for nattravd. Linphone looks for the address of a
# server among the names.
make_certificates() {
	local ca
	for ca in ca other-ca; do
		openssl req -x509 "${key[@]}" -days 2 -subj "/CN=$ca of the selftests" \
			-keyout "$work/$ca.key" -out "$work/$ca.pem"
	done
	make_certificate gateway ca example.net ",DNS:203.0.113.1,IP:203.0.113.1"
} 2>/dev/null

# make_certificate name authority host [more-names]: makes name.pem, once there is ca.pem
make_certificate() {
	openssl req "${key[@]}" -subj "/CN=$3" -keyout "$work/$1.key" |
		openssl x509 -req -CA "$work/$2.pem" -CAkey "$work/$2.key" -CAcreateserial -days 2 \
			-extfile <(echo "subjectAltName=DNS:$3${4-}") |
		cat - "$work/$1.key" >"$work/$1.pem"
} 2>/dev/null

# nattravd with the conntrack datapath, on all transports if there is a certificate.
start_gateway() {
	write_config
	cat >>"$work/nattravd.conf" <<-END
		datapath conntrack
		user dave daves-secret
		user erin erins-secret
	END
	[ ! -e "$work/gateway.pem" ] || cat >>"$work/nattravd.conf" <<-END
		listen tcp 203.0.113.1:5060
		listen tls 203.0.113.1:5061
		certificate $work/gateway.pem
	END
	on "$gw" sysctl -qw net.ipv4.ip_forward=1
	start_nattravd
}

# --- SIPp ------------------------------------------------------------------

# sipp_start name ns port scenario [option]...: one call, in the background
sipp_start() {
	local name=$1 ns=$2 port=$3 scenario=$4
	shift 4
	start "$name" "$ns" sipp 203.0.113.1:5060 -sf "$selftests/sipp/$scenario.xml" -i 192.168.1.2 \
		-p "$port" -m 1 -nostdin -trace_err -error_file "$work/$name.err" \
		-timeout 60s -timeout_error "$@"
}

# sipp_ends name...: all of them, each as its scenario says
sipp_ends() {
	local name status=0
	for name; do
		await "$name" || status=1
		[ ! -s "$work/$name.err" ] || head -n 20 "$work/$name.err" | sed "s/^/# $name: /"
	done
	return "$status"
}

# register user ns [password] [port]: prints the status that ends it. SIPp takes the
# first challenge that it sees, and knows MD5 only; nattravd puts SHA-256 first. It says
# that it keeps its path open, since SIPp would take a ping for a call.
register() {
	on "$2" python3 - "$1" "${3-${1}s-secret}" "${4-5060}" <<-'END'
		import hashlib, re, socket, sys
		user, password, port = sys.argv[1:]
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("0.0.0.0", int(port)))
		s.settimeout(5)
		def sha(text):
		    return hashlib.sha256(text.encode()).hexdigest()
		def register(cseq, more):
		    s.sendto("\r\n".join([
		        "REGISTER sip:example.net SIP/2.0",
		        f"Via: SIP/2.0/UDP 192.168.1.2:{port};branch=z9hG4bK{user}{cseq};rport;keep",
		        f"From: <sip:{user}@example.net>;tag=r",
		        f"To: <sip:{user}@example.net>",
		        f"Call-ID: register-{user}",
		        f"CSeq: {cseq} REGISTER",
		        f"Contact: <sip:{user}@192.168.1.2:{port}>",
		        "Max-Forwards: 70", "Expires: 600"] + more + ["", ""]).encode(),
		        ("203.0.113.1", 5060))
		    return s.recv(4096).decode()
		answer = register(1, [])
		nonce = re.search(r'nonce="([^"]*)"[^\r]*SHA-256', answer)[1]
		ha1 = sha(f"{user}:example.net:{password}")
		ha2 = sha("REGISTER:sip:example.net")
		proof = sha(f"{ha1}:{nonce}:00000001:c:auth:{ha2}")
		answer = register(2, [
		    f'Authorization: Digest username="{user}", realm="example.net", '
		    f'nonce="{nonce}", uri="sip:example.net", response="{proof}", '
		    'algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c"'])
		print(answer.split()[1])
	END
}

# --- Linphone --------------------------------------------------------------

# linphone user ns hertz [ca]: linphonec with a tone for a voice; takes calls by
# itself. It believes this authority, over phone_transport tls.
linphone() {
	local user=$1 ns=$2 hertz=$3 ca=${4-$work/ca.pem}
	local dir=$work/phone-$user server=203.0.113.1
	ns_of[$user]=$ns
	# its database goes there
	mkdir -p "$dir/.local/share/linphone"
	tone make "$dir/tone.wav" "$hertz" 90
	[ "$phone_transport" != tls ] || server+=:5061
	cat >"$dir/linphonerc" <<-END
		[sip]
		sip_port=5060
		sip_tcp_port=5060
		sip_tls_port=5061
		default_proxy=0
		root_ca=$ca
		[sound]
		echocancellation=0
		[proxy_0]
		reg_proxy=<sip:$server;transport=$phone_transport>
		reg_route=<sip:$server;transport=$phone_transport>
		reg_identity=<sip:$user@example.net>
		reg_expires=600
		reg_sendregister=1
		publish=0
		[auth_info_0]
		username=$user
		passwd=${user}s-secret
		realm=example.net
		domain=example.net
		algorithm=SHA-256
	END
	rm -f "$dir/commands"
	mkfifo "$dir/commands"
	HOME=$dir ip netns exec "$ns" linphonec -c "$dir/linphonerc" -d 5 -l "$dir/log" \
		<>"$dir/commands" >"$work/$user.log" 2>&1 &
	pid_of[$user]=$!
	wait_log 20 "$user" 'linphonec>'
	linphone_do "$user" "soundcard use files"
	linphone_do "$user" "play $dir/tone.wav"
	linphone_do "$user" "record $dir/heard.wav"
	linphone_do "$user" "autoanswer enable"
}

# linphone_do user command: what one would type at it
linphone_do() { echo "$2" >"$work/phone-$1/commands"; }

linphone_is_registered() {
	linphone_do "$1" "status register"
	sleep 0.3
	logged "$1" '^registered, identity'
}
linphone_registered() { slowwait 20 linphone_is_registered "$1"; }

# --- What was sent, and what was heard -------------------------------------

now() { date +%s.%N; }

# delivered from-side relay-in to-side relay-out since until: of the RTP packets that
# one phone sent to the relay in this time, those that the other heard, as two
# numbers. What was sent before anything was heard does not count: the relay waits for
# both sides.
delivered() {
	awk -F '\t' -v relay_in="$2" -v relay_out="$4" -v since="$5" -v until="$6" '
		# of the other side
		NR == FNR {
			if ($2 ":" $3 == relay_out) {
				heard[$11] = 1
				if (!first)
					first = $1
			}
			next
		}
		first && $4 ":" $5 == relay_in && $1 >= first && $1 >= since && $1 <= until {
			sent++
			got += $11 in heard
		}
		END { print sent + 0, got + 0 }
	' "$work/$3.packets" "$work/$1.packets"
}

# guesses side...: packets that the gateway sent, by UDP, to an address and port that
# had not sent to that very port of it before.
guesses() {
	local side
	for side; do cat "$work/$side.packets"; done | sort -n | awk -F '\t' '
		{ from = $2 ":" $3; to = $4 ":" $5 }
		$2 == "203.0.113.1" || $2 == "198.51.100.1" {
			if (!((to, from) in came) && !told[to, from]++)
				print from " to " to
			next
		}
		{ came[from, to] = 1 }'
}

# tcp_opened side: connections that the gateway itself began
tcp_opened() {
	tcpdump -n -r "$work/$1.pcap" \
		'tcp[tcpflags] & (tcp-syn | tcp-ack) == tcp-syn and src host 203.0.113.1' 2>/dev/null | wc -l
}
