#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
#
# Signalling and media over IPv6, by entries of conntrack.

DATAPATH=conntrack exec "$(dirname "$0")/../test_sip6.sh"
