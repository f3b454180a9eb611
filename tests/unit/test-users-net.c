/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users by network: fake interfaces with addresses and routes from a table,
 * and the kernel's answers as bytes.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "rows.h"
#include "users-case.h"

/* An interface that is up: on one of the two functions, or on none. */
#define FIRST(name)  "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/" name
#define SECOND(name) "sys/devices/pci0000:00/0000:00:02.0/0000:02:00.0/net/" name
#define ABOVE(name)  "sys/devices/virtual/net/" name
#define INTERFACE(where, name, index)                                   \
	{ .path = "sys/class/net/" name, .target = "../../../" where }, \
		{ .path = where "/flags", .text = "0x1003\n" },         \
	{                                                               \
		.path = where "/ifindex", .text = index "\n"            \
	}
#define UPPER(where, upper)                                     \
	{                                                       \
		.path = where "/upper_" upper, .target = "../x" \
	}

static const struct users_case net_cases[] = {
	{ .name = "an interface that is up, behind a virtio device",
		.entries = { { .path = "sys/class/net/enp1s0",
				     .target =
					     "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/virtio0/net/"
					     "enp1s0" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/virtio0/net/enp1s0/flags",
				.text = "0x1003\n" } },
		.first = "net: network interface enp1s0 is up",
		.second = "" },
	{ .name = "an interface that is down",
		.entries = { { .path = "sys/class/net/enp1s0",
				     .target =
					     "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0/flags",
				.text = "0x1002\n" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0/operstate",
				.text = "down\n" } },
		.first = "",
		.second = "" },
	{ .name = "an interface whose state alone says that it is up",
		.entries = { { .path = "sys/class/net/enp1s0",
				     .target =
					     "../../devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0" },
			{ .path = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/net/enp1s0/operstate",
				.text = "up\n" } },
		.first = "net: network interface enp1s0 is up",
		.second = "" },
	{ .name = "the loopback interface is nobody's",
		.entries = { { .path = "sys/class/net/lo",
				     .target = "../../devices/virtual/net/lo" },
			{ .path = "sys/devices/virtual/net/lo/flags", .text = "0x9\n" } },
		.first = "",
		.second = "" },
	{ .name = "an address and the default route, on the interface itself",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2") },
		.addresses = { { 2, "192.0.2.1/24" }, { 3, "192.0.2.9/24" } },
		.default_routes = { 2 },
		.first = "net: default route via enp1s0; net: address 192.0.2.1/24 on enp1s0",
		.second = "" },
	{ .name = "many addresses are counted",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2") },
		.addresses = { { 2, "192.0.2.4/24" }, { 2, "192.0.2.1/24" }, { 2, "192.0.2.3/24" },
			{ 2, "192.0.2.2/24" }, { 2, "192.0.2.5/24" } },
		.first =
			"net: address 192.0.2.1/24, 192.0.2.2/24, 192.0.2.3/24 and 2 more on enp1s0",
		.second = "" },
	{ .name = "the default route through a VLAN on a bond of two cards",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			INTERFACE(SECOND("enp2s0"), "enp2s0", "3"),
			INTERFACE(ABOVE("bond0"), "bond0", "4"),
			INTERFACE(ABOVE("bond0.7"), "bond0.7", "5"),
			UPPER(FIRST("enp1s0"), "bond0"), UPPER(SECOND("enp2s0"), "bond0"),
			UPPER(ABOVE("bond0"), "bond0.7") },
		.addresses = { { 5, "2001:db8::1/64" } },
		.default_routes = { 5 },
		.first = "net: default route via bond0.7 over bond0 over enp1s0; "
			 "net: address 2001:db8::1/64 on bond0.7 over bond0 over enp1s0",
		.second = "net: default route via bond0.7 over bond0 over enp2s0; "
			  "net: address 2001:db8::1/64 on bond0.7 over bond0 over enp2s0" },
	{ .name = "a port of a bridge without an address",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			INTERFACE(ABOVE("br0"), "br0", "4"), UPPER(FIRST("enp1s0"), "br0") },
		.first = "net: network interface enp1s0 is up, below br0",
		.second = "" },
	{ .name = "bridges in a circle do not hang",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			INTERFACE(ABOVE("br0"), "br0", "4"), UPPER(FIRST("enp1s0"), "br0"),
			UPPER(ABOVE("br0"), "enp1s0") },
		.addresses = { { 4, "192.0.2.1/24" } },
		.first = "net: address 192.0.2.1/24 on br0 over enp1s0",
		.second = "" },
	{ .name = "up, but no cable and no address",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.first = "",
		.second = "" },
	{ .name = "no cable, but an address that somebody relies on",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.addresses = { { 2, "192.0.2.1/24" } },
		.first = "net: address 192.0.2.1/24 on enp1s0",
		.second = "" },
	{ .name = "a root file system of another machine pins what leads there",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			INTERFACE(SECOND("enp2s0"), "enp2s0", "3"),
			{ .path = "proc/self/mountinfo",
				.text = "22 1 0:20 / / rw - nfs4 server:/root rw\n" } },
		.addresses = { { 2, "192.0.2.1/24" } },
		.first = "net: address 192.0.2.1/24 on enp1s0; "
			 "root: root file system on server:/root may be reached through enp1s0",
		.second = "net: network interface enp2s0 is up" },
	{ .name = "a root file system on a disk of another machine",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = BLOCK "sda",
				.target = "../../devices/platform/host2/session1/target2:0:0/"
					  "2:0:0:0/block/sda" },
			{ .path = NUMBER "8:0",
				.target = "../../devices/platform/host2/session1/target2:0:0/"
					  "2:0:0:0/block/sda" },
			{ .path = "proc/self/mountinfo", .text = MOUNT("8:0", "/", "/dev/sda") } },
		.default_routes = { 2 },
		.first = "net: default route via enp1s0; "
			 "root: root file system on sda may be reached through enp1s0",
		.second = "" },
	{ .name = "virtual functions on which nothing is set",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/device/sriov_numvfs", .text = "2\n" },
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.vfs = { { 2, 2, 0, NULL } },
		.first = "",
		.second = "" },
	{ .name = "virtual functions of which one has an address",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/device/sriov_numvfs", .text = "2\n" },
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.vfs = { { 2, 2, 1, "an address" } },
		.first = "vf: virtual function 1 of enp1s0 has an address",
		.second = "" },
	{ .name = "virtual functions of which not all are told of",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/device/sriov_numvfs", .text = "3\n" },
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.vfs = { { 2, 2, 0, NULL } },
		.first = "vf: what is set on the virtual functions of enp1s0 is not known",
		.second = "" },
	{ .name = "a card that switches for its virtual functions",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/device/sriov_numvfs", .text = "2\n" },
			{ .path = FIRST("enp1s0") "/phys_switch_id", .text = "c2e8\n" },
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.vfs = { { 2, 2, 0, NULL } },
		.first = "vf: enp1s0 switches for its virtual functions",
		.second = "" },
	{ .name = "a card without virtual functions may switch",
		.entries = { INTERFACE(FIRST("enp1s0"), "enp1s0", "2"),
			{ .path = FIRST("enp1s0") "/device/sriov_numvfs", .text = "0\n" },
			{ .path = FIRST("enp1s0") "/phys_switch_id", .text = "c2e8\n" },
			{ .path = FIRST("enp1s0") "/carrier", .text = "0\n" } },
		.first = "",
		.second = "" },
	{ .name = "a card whose interface is in another network namespace",
		.entries = { { .path = "sys/bus/pci/devices/0000:01:00.0/net" } },
		.driver = "e1000e",
		.class = 0x02,
		.first = "net: network interface in another network namespace",
		.second = "" },
	{ .name = "the same of virtio",
		.entries = { { .path = "sys/bus/pci/devices/0000:01:00.0/virtio0/net" } },
		.driver = "virtio-pci",
		.class = 0x02,
		.first = "net: network interface in another network namespace",
		.second = "" },
	{ .name = "a card whose interface is here, and down",
		.entries = { { .path = "sys/bus/pci/devices/0000:01:00.0/net/enp1s0" } },
		.driver = "e1000e",
		.class = 0x02,
		.first = "",
		.second = "" },
	{ .name = "a disk has no interface to be elsewhere",
		.entries = { { .path = "sys/bus/pci/devices/0000:01:00.0/net" } },
		.driver = "nvme",
		.class = 0x01,
		.first = "",
		.second = "" },
	{ .name = "a wireless interface",
		.entries = { INTERFACE(FIRST("wlp1s0"), "wlp1s0", "2"),
			{ .path = FIRST("wlp1s0") "/phy80211", .target = "../../x" } },
		.first = "net: wireless interface wlp1s0 is up",
		.second = "" },
};

/* ---- the kernel's answers ---- */

struct bytes {
	char data[2048] __attribute__((aligned(NLMSG_ALIGNTO)));
	size_t n;
};

static struct nlmsghdr *next_message(struct bytes *b, uint16_t type)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(b->data + b->n);

	header->nlmsg_type = type;
	return header;
}

static void end_message(struct bytes *b, const struct nlmsghdr *header)
{
	b->n += MNL_ALIGN(header->nlmsg_len);
	assert_true(b->n <= sizeof(b->data));
}

static void put_address(struct bytes *b, unsigned char family, unsigned char scope, uint32_t index,
	const char *text)
{
	struct nlmsghdr *header = next_message(b, RTM_NEWADDR);
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(header, sizeof(*m));
	char address[16];

	*m = (struct ifaddrmsg){
		.ifa_family = family, .ifa_prefixlen = 24, .ifa_scope = scope, .ifa_index = index
	};
	assert_int_equal(inet_pton(family, text, address), 1);
	mnl_attr_put(header, IFA_ADDRESS, family == AF_INET6 ? 16 : 4, address);
	end_message(b, header);
}

static struct nlmsghdr *put_route(struct bytes *b, unsigned char length, unsigned char type)
{
	struct nlmsghdr *header = next_message(b, RTM_NEWROUTE);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(header, sizeof(*m));

	*m = (struct rtmsg){ .rtm_family = AF_INET,
		.rtm_dst_len = length,
		.rtm_type = type,
		.rtm_table = RT_TABLE_MAIN };
	return header;
}

/* An interface with @n virtual functions, the last of which has @vlan. */
static void put_vfs(struct bytes *b, int index, unsigned int n, uint32_t vlan)
{
	struct nlmsghdr *header = next_message(b, RTM_NEWLINK);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(header, sizeof(*m));
	struct nlattr *list, *one;

	*m = (struct ifinfomsg){ .ifi_index = index };
	list = mnl_attr_nest_start(header, IFLA_VFINFO_LIST);
	for (unsigned int i = 0; i < n; i++) {
		const struct ifla_vf_mac mac = { .vf = i };
		const struct ifla_vf_vlan tag = { .vf = i, .vlan = i + 1 == n ? vlan : 0 };
		const struct ifla_vf_trust trust = { .vf = i, .setting = UINT32_MAX };

		one = mnl_attr_nest_start(header, IFLA_VF_INFO);
		mnl_attr_put(header, IFLA_VF_MAC, sizeof(mac), &mac);
		mnl_attr_put(header, IFLA_VF_VLAN, sizeof(tag), &tag);
		mnl_attr_put(header, IFLA_VF_TRUST, sizeof(trust), &trust);
		mnl_attr_nest_end(header, one);
	}
	mnl_attr_nest_end(header, list);
	end_message(b, header);
}

static void parse(const struct bytes *b, struct pr_arena *arena, struct pr_net_tables *ret)
{
	assert_int_equal(pr_net_parse(b->data, b->n, arena, ret), 0);
}

static void test_addresses(void **state)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_net_tables t = { 0 };
	struct bytes b = { .n = 0 };

	(void)state;
	put_address(&b, AF_INET, RT_SCOPE_HOST, 1, "127.0.0.1");
	put_address(&b, AF_INET, RT_SCOPE_UNIVERSE, 2, "192.0.2.1");
	put_address(&b, AF_INET6, RT_SCOPE_LINK, 2, "fe80::1");
	put_address(&b, AF_INET6, RT_SCOPE_UNIVERSE, 3, "2001:db8::1");
	parse(&b, arena, &t);
	assert_int_equal(t.n_addresses, 2);
	assert_int_equal(t.addresses[0].interface, 2);
	assert_string_equal(t.addresses[0].text, "192.0.2.1/24");
	assert_int_equal(t.addresses[1].interface, 3);
	assert_string_equal(t.addresses[1].text, "2001:db8::1/24");
	pr_arena_free(arena);
}

/* Networks, unreachable defaults and repetitions do not count; several ways at once do. */
static void test_routes(void **state)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_net_tables t = { 0 };
	struct bytes b = { .n = 0 };
	struct nlmsghdr *header = put_route(&b, 24, RTN_UNICAST);
	const struct rtnexthop hops[] = { { .rtnh_len = sizeof(hops[0]), .rtnh_ifindex = 5 },
		{ .rtnh_len = sizeof(hops[0]), .rtnh_ifindex = 6 } };

	(void)state;
	mnl_attr_put_u32(header, RTA_OIF, 2);
	end_message(&b, header);
	header = put_route(&b, 0, RTN_UNREACHABLE);
	mnl_attr_put_u32(header, RTA_OIF, 1);
	end_message(&b, header);
	for (int i = 0; i < 2; i++) {
		header = put_route(&b, 0, RTN_UNICAST);
		mnl_attr_put_u32(header, RTA_OIF, 3);
		end_message(&b, header);
	}
	header = put_route(&b, 0, RTN_UNICAST);
	mnl_attr_put(header, RTA_MULTIPATH, sizeof(hops), hops);
	end_message(&b, header);

	parse(&b, arena, &t);
	assert_int_equal(t.n_default_routes, 3);
	assert_int_equal(t.default_routes[0], 3);
	assert_int_equal(t.default_routes[1], 5);
	assert_int_equal(t.default_routes[2], 6);
	pr_arena_free(arena);
}

/* Interfaces without any are not told of; trust that a driver does not know is none. */
static void test_vfs(void **state)
{
	struct pr_arena *arena = pr_arena_new();
	struct pr_net_tables t = { 0 };
	struct bytes b = { .n = 0 };
	struct nlmsghdr *header;

	(void)state;
	header = next_message(&b, RTM_NEWLINK);
	*(struct ifinfomsg *)mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg)) =
		(struct ifinfomsg){ .ifi_index = 1 };
	end_message(&b, header);
	put_vfs(&b, 2, 3, 0);
	put_vfs(&b, 3, 2, 100);
	parse(&b, arena, &t);
	assert_int_equal(t.n_vfs, 2);
	assert_int_equal(t.vfs[0].interface, 2);
	assert_int_equal(t.vfs[0].n, 3);
	assert_null(t.vfs[0].what);
	assert_int_equal(t.vfs[1].interface, 3);
	assert_int_equal(t.vfs[1].n, 2);
	assert_int_equal(t.vfs[1].number, 1);
	assert_string_equal(t.vfs[1].what, "a VLAN");
	pr_arena_free(arena);
}

/* Whatever is cut short is not read beyond its end (sanitizers see it). */
static void test_short(void **state)
{
	struct pr_arena *arena = pr_arena_new();
	struct bytes b = { .n = 0 };

	(void)state;
	put_address(&b, AF_INET6, RT_SCOPE_UNIVERSE, 3, "2001:db8::1");
	for (size_t n = 0; n < b.n; n++) {
		struct pr_net_tables t = { 0 };

		assert_int_equal(pr_net_parse(b.data, n, arena, &t), 0);
		assert_int_equal(t.n_addresses, 0);
	}
	pr_arena_free(arena);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, net_cases, test_users);
	rows_add(&tests, "addresses that others can reach", test_addresses, NULL);
	rows_add(&tests, "default routes", test_routes, NULL);
	rows_add(&tests, "virtual functions and what is set on them", test_vfs, NULL);
	rows_add(&tests, "answers cut short", test_short, NULL);

	return rows_run(&tests, "users by network");
}
