# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of nattravctl for bash.

# Ids of pools or streams, calls and realms, where the kernel may be asked.
_nattravctl_ask() { # list, filter of jq
	command -v jq >/dev/null || return 0
	# word splitting is wanted: "pool list" is two words
	# shellcheck disable=SC2086
	nattravctl --json $1 2>/dev/null | jq -r "$2" 2>/dev/null | sort -u
}

_nattravctl_offer() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_nattravctl_leg_options='family local prefix pt window generation probation relatch rate
	clock-rate peer realm dscp many-ssrc'
_nattravctl_ng='ping offer answer delete query list statistics'
_nattravctl_options='call cookie type rtcp timeout-partial timeout-idle timeout-max hold'

# What follows a keyword of "stream add" or "stream set"; fails if it is none with a value.
_nattravctl_value() {
	case $prev in
	type) _nattravctl_offer 'rtp udp' ;;
	family) _nattravctl_offer 'ipv4 ipv6' ;;
	relatch) _nattravctl_offer 'rebind never' ;;
	hold | many-ssrc) _nattravctl_offer 'on off' ;;
	dscp) _nattravctl_offer carry ;;
	prefix | pt) _nattravctl_offer any ;;
	realm) _nattravctl_offer "$(_nattravctl_ask 'pool list' '.[].realm // empty')" ;;
	local) _nattravctl_offer "$(_nattravctl_ask 'pool list' '.[] | .ipv4 // .ipv6')" ;;
	call | cookie | timeout-* | window | generation | probation | rate | clock-rate | peer)
		COMPREPLY=()
		;;
	*) return 1 ;;
	esac
}

_nattravctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word words=()
	COMPREPLY=()
	# the words of the command so far, without options
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == --* ]] || words+=("$word")
	done
	if [[ $cur == --* ]]; then
		case ${words[*]-} in
		'stream add') _nattravctl_offer '--batch --json --help' ;;
		'stream del') _nattravctl_offer '--all --json --help' ;;
		upgrade*) _nattravctl_offer '--state --json --help' ;;
		monitor) _nattravctl_offer '--buffer --json --help' ;;
		drops*) _nattravctl_offer '--watch --json --help' ;;
		drain) _nattravctl_offer '--wait --cancel --control --json --help' ;;
		*) _nattravctl_offer '--json --help --version' ;;
		esac
		return
	fi
	case ${words[*]-} in
	'') _nattravctl_offer 'status stats pool stream top drops doctor save restore upgrade monitor drain ng' ;;
	pool) _nattravctl_offer 'add del list' ;;
	stream) _nattravctl_offer 'add set del list show' ;;
	'pool del'*) _nattravctl_offer "$(_nattravctl_ask 'pool list' '.[].id')" ;;
	'pool add'*) [ "${#words[@]}" -ne 4 ] || _nattravctl_offer realm ;;
	'stream show' | 'stream set')
		_nattravctl_offer "$(_nattravctl_ask 'stream list' '.[].id')"
		;;
	'stream del call') _nattravctl_offer "$(_nattravctl_ask 'stream list' '.[].call // empty')" ;;
	'stream del'*) _nattravctl_offer "call $(_nattravctl_ask 'stream list' '.[].id')" ;;
	'stream list'*)
		case $prev in
		state) _nattravctl_offer 'partial complete' ;;
		call) _nattravctl_offer "$(_nattravctl_ask 'stream list' '.[].call // empty')" ;;
		*) _nattravctl_offer 'call state' ;;
		esac
		;;
	'stream add'* | 'stream set'*)
		_nattravctl_value && return
		case " ${words[*]} " in
		*' a '* | *' b '*) _nattravctl_offer "a b $_nattravctl_leg_options" ;;
		*) _nattravctl_offer "a b $_nattravctl_options" ;;
		esac
		;;
	top* | drops*) [[ $prev == -[dn] ]] || _nattravctl_offer '-d -n' ;;
	ng*)
		case $prev in
		to) ;;
		sdp) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		ng) _nattravctl_offer "to sdp $_nattravctl_ng" ;;
		*)
			if [[ " ${words[*]:1} " =~ \ (${_nattravctl_ng// /|})\  ]]; then
				compopt -o nospace
				_nattravctl_offer 'call-id= from-tag= to-tag= via-branch= received-from='
			else
				_nattravctl_offer "to sdp $_nattravctl_ng"
			fi
			;;
		esac
		;;
	save | restore | upgrade*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}

complete -F _nattravctl nattravctl
