# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Looking at captures packet by packet. Source it after lib.sh.

# shellcheck disable=SC2154 # $work is of lib.sh

# dissect capture...: makes NAME.packets of each NAME.pcap, one line per packet, for
# awk. Fields: time, source address and port, destination address and port, SIP
# method, status, CSeq method, Authorization, address in the SDP, payload in
# hexadecimal. One run of tshark for all, for it takes long to start.
dissect() {
	local i name files=()
	for name; do files+=("$work/$name.pcap"); done
	mergecap -I none -w "$work/all.pcapng" "${files[@]}"
	tshark -n -r "$work/all.pcapng" -Y 'udp && !icmp' -T fields -e frame.interface_id \
		-e frame.time_epoch -e ip.src -e udp.srcport -e ip.dst -e udp.dstport \
		-e sip.Method -e sip.Status-Code -e sip.CSeq.method -e sip.Authorization \
		-e sdp.connection_info.address -e udp.payload 2>/dev/null >"$work/packets"
	for ((i = 0; i < $#; i++)); do
		sed -n "s/^$i\t//p" "$work/packets" >"$work/${*:i+1:1}.packets"
	done
}

# count side condition [name=value...]: packets for which an awk condition holds
count() {
	local side=$1 condition=$2
	shift 2
	local name=() value
	for value; do name+=(-v "$value"); done
	awk -F '\t' "${name[@]}" '
		{ time = $1; from = $2 ":" $3; to = $4 ":" $5; method = $6; status = $7; cseq = $8
		  auth = $9; sdp = $10; payload = $11 }
		'"$condition"' { n++ }
		END { print n + 0 }' "$work/$side.packets"
}

# relayed from-side to-side: follows each packet that the relay sent out on to-side
# back to the one, with the same payload, that it received on from-side. Prints how
# many there were, how many have both addresses rewritten as the table says, and
# how many came in and did not go out.
relayed() {
	awk -F '\t' -v source="$3" -v relay_in="$4" -v alias="$5" -v destination="$6" '
		NR == FNR && $4 ":" $5 == relay_in { came[$11] = $2 ":" $3; ins++; next }
		NR == FNR { next }
		$2 ":" $3 == alias {
			outs++
			if (came[$11] == source && $4 ":" $5 == destination &&
			    source != alias && relay_in != destination)
				good++
		}
		END { print outs + 0, good + 0, ins - good }
	' "$work/$1.packets" "$work/$2.packets"
}

# media stream.json type filter
media() { jq -r ".[] | select(.type == \"$1\") | $2" "$work/streams.json"; }
endpoint() { media "$1" "\"\\(.\"leg-$2\".\"$3-ipv4\"):\\(.\"leg-$2\".\"$3-port\")\""; }

# gaps side from to: RTP packets from one address to another, and how often the
# sequence number did not go up by one. RTP has the number in its second 16 bits.
gaps() {
	sequences "$@" | awk '
		NR > 1 && $1 != (last + 1) % 65536 { bad++ }
		{ last = $1 }
		END { print NR + 0, bad + 0 }'
}
sequences() {
	local sequence
	awk -F '\t' -v from="$2" -v to="$3" '
		$2 ":" $3 == from && $4 ":" $5 == to && $11 ~ /^80/ { print substr($11, 5, 4) }
	' "$work/$1.packets" | while read -r sequence; do echo $((16#$sequence)); done
}
