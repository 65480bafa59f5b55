// SPDX-License-Identifier: GPL-2.0-or-later
/* What the doctor of nattravctl reads in /proc, as kernels write it and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "../ctl/host.h"

static void test_ports(void **state)
{
	static const char *const bad[] = {
		"x", "1,", ",1", "1-", "-1", "65536", "1-65536", "1 2", "1;2",
	};
	struct ctl_ports ports;
	unsigned int port, count = 0;
	size_t i;

	(void)state;
	assert_true(ctl_ports_parse("\n", &ports));
	assert_true(ctl_ports_parse("", &ports));
	assert_false(ctl_ports_has(&ports, 0));
	assert_true(ctl_ports_parse("0,4000,30000-30003,65535\n", &ports));
	for (port = 0; port <= UINT16_MAX; port++)
		count += ctl_ports_has(&ports, (uint16_t)port);
	assert_int_equal(count, 7);
	assert_true(ctl_ports_has(&ports, 30003));
	assert_false(ctl_ports_has(&ports, 30004));
	assert_true(ctl_ports_parse("0-65535", &ports));
	assert_true(ctl_ports_has(&ports, 65535));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ctl_ports_parse(bad[i], &ports));
}

static void test_port_range(void **state)
{
	uint16_t first, last;

	(void)state;
	assert_true(ctl_port_range_parse("32768\t60999\n", &first, &last));
	assert_int_equal(first, 32768);
	assert_int_equal(last, 60999);
	assert_false(ctl_port_range_parse("32768\n", &first, &last));
	assert_false(ctl_port_range_parse("", &first, &last));
}

/* The words of an address are in the host's byte order. */
static const char *hex(const char *addr, char *text)
{
	uint32_t word[4];
	size_t words = strchr(addr, ':') ? 4 : 1, i;

	assert_int_equal(inet_pton(words == 4 ? AF_INET6 : AF_INET, addr, word), 1);
	for (i = 0; i < words; i++)
		snprintf(text + 8 * i, 9, "%08X", word[i]);
	return text;
}

static void test_sockets(void **state)
{
	static const char *const bad[] = {
		"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n",
		"",
		"  1: ",
		"  1: 0100007F",
		"  1: 0100007F:",
		"  1: 0100007F:003",
		"  1: 0100007F:0035",
		"  1: 0100007G:0035 00000000:0000",
		"  1: 0100007F0:035 00000000:0000",
	};
	struct nattrav_endpoint local;
	char line[256], addr[33], text[CTL_TEXT_SIZE];
	size_t i;

	(void)state;
	snprintf(line, sizeof(line),
		 "  123: %s:7530 00000000:0000 07 00000000:00000000 00:00000000 00000000 0\n",
		 hex("203.0.113.1", addr));
	assert_true(ctl_socket_parse(line, false, &local));
	assert_string_equal(ctl_endpoint_text(&local, text), "203.0.113.1:30000");
	assert_false(ctl_socket_parse(line, true, &local));
	snprintf(line, sizeof(line), " 7: %s:FFFF 0:0 07\n", hex("2001:db8::7:1", addr));
	assert_true(ctl_socket_parse(line, true, &local));
	assert_string_equal(ctl_endpoint_text(&local, text), "[2001:db8::7:1]:65535");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(ctl_socket_parse(bad[i], false, &local));
		assert_false(ctl_socket_parse(bad[i], true, &local));
	}
}

static void test_tracked(void **state)
{
	static const char *const bad[] = {
		"",
		"ipv4     2 tcp      6 5 src=192.0.2.1 dst=192.0.2.2 sport=1 dport=2 mark=0\n",
		"ipv4     2 udp      17 5 src=192.0.2.1 dst=192.0.2.2 sport=1 mark=0\n",
		"ipv4     2 udp      17 5 src=192.0.2.1 dst=192.0.2 sport=1 dport=2\n",
		"ipv4     2 udp      17 5 src=192.0.2.1 dst= sport=1 dport=2\n",
		"ipv4     2 udp      17 5 src=192.0.2.1 dst=192.0.2.2 sport=1 dport=65536\n",
	};
	struct nattrav_endpoint source, to;
	char text[CTL_TEXT_SIZE];
	size_t i;

	(void)state;
	assert_true(ctl_tracked_parse(
		"ipv4     2 udp      17 27 src=192.0.2.1 dst=203.0.113.1 sport=4000 dport=30000 "
		"[UNREPLIED] src=203.0.113.1 dst=192.0.2.9 sport=30000 dport=4001 mark=0 use=2\n",
		&source, &to));
	assert_string_equal(ctl_endpoint_text(&source, text), "192.0.2.1:4000");
	assert_string_equal(ctl_endpoint_text(&to, text), "203.0.113.1:30000");
	assert_true(ctl_tracked_parse(
		"ipv6     10 udp      17 27 src=2001:0db8:0000:0000:0000:0000:0000:0007 "
		"dst=2001:0db8:0000:0000:0000:0000:0000:0001 sport=4000 dport=30000 use=2\n",
		&source, &to));
	assert_string_equal(ctl_endpoint_text(&to, text), "[2001:db8::1]:30000");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ctl_tracked_parse(bad[i], &source, &to));
}

static void test_modules(void **state)
{
	const char line[] = "nf_nat_sip 20480 0 - Live 0x0000000000000000\n";

	(void)state;
	assert_true(ctl_module_parse(line, "nf_nat_sip"));
	assert_false(ctl_module_parse(line, "nf_nat"));
	assert_false(ctl_module_parse("nf_nat", "nf_nat_sip"));
}

static void test_local(void **state)
{
	struct nattrav_addr addr;

	(void)state;
	assert_null(ctl_parse_addr("127.0.0.1", &addr));
	assert_int_equal(ctl_addr_is_local(&addr), 1);
	assert_null(ctl_parse_addr("203.0.113.199", &addr));
	assert_int_equal(ctl_addr_is_local(&addr), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),   cmocka_unit_test(test_port_range),
		cmocka_unit_test(test_sockets), cmocka_unit_test(test_tracked),
		cmocka_unit_test(test_modules), cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
