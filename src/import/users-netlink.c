/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and default routes by rtnetlink (libmnl).  Reading and
 * understanding are apart, so that the latter is tested on bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "import/users-net.h"

struct answers {
	struct pr_arena *arena;
	struct pr_net_tables *tables;
};

static void closep(struct mnl_socket **socket)
{
	if (*socket)
		(void)mnl_socket_close(*socket); /* only read from */
}

/* Room for one more; false: memory was short. */
static bool grow(struct pr_arena *arena, void **array, size_t size, size_t n, size_t *max)
{
	void *more;

	if (n < *max)
		return true;
	more = pr_arena_alloc_array(arena, *max ? 2 * *max : 16, size);
	if (!more)
		return false;
	if (n > 0)
		memcpy(more, *array, n * size);
	*array = more;
	*max = *max ? 2 * *max : 16;
	return true;
}

/* ---- addresses ---- */

/* IFA_LOCAL is ours, IFA_ADDRESS the other end of a point-to-point link, or ours (rtnetlink(7)). */
static int find_address(const struct nlattr *attribute, void *userdata)
{
	const struct nlattr **ours = userdata;
	int type = mnl_attr_get_type(attribute);

	if (type == IFA_LOCAL || (type == IFA_ADDRESS && !*ours))
		*ours = attribute;
	return MNL_CB_OK;
}

static int add_address(const struct answers *a, const struct ifaddrmsg *m, const char *text)
{
	struct pr_net_tables *t = a->tables;
	void *addresses = t->addresses;

	if (!grow(a->arena, &addresses, sizeof(*t->addresses), t->n_addresses, &t->max_addresses))
		return MNL_CB_ERROR;
	t->addresses = addresses;
	t->addresses[t->n_addresses].interface = (int)m->ifa_index;
	t->addresses[t->n_addresses].text =
		pr_arena_printf(a->arena, "%s/%u", text, m->ifa_prefixlen);
	if (!t->addresses[t->n_addresses].text)
		return MNL_CB_ERROR;

	t->n_addresses++;
	return MNL_CB_OK;
}

static int on_address(const struct answers *a, const struct nlmsghdr *header)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(header);
	const struct nlattr *ours = NULL;
	char text[INET6_ADDRSTRLEN];

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*m) || m->ifa_scope >= RT_SCOPE_LINK ||
		mnl_attr_parse(header, sizeof(*m), find_address, &ours) != MNL_CB_OK || !ours ||
		mnl_attr_get_payload_len(ours) < (m->ifa_family == AF_INET6 ? 16 : 4) ||
		!inet_ntop(m->ifa_family, mnl_attr_get_payload(ours), text, sizeof(text)))
		return MNL_CB_OK;

	return add_address(a, m, text);
}

/* ---- routes ---- */

static int add_default(const struct answers *a, int interface)
{
	struct pr_net_tables *t = a->tables;
	void *routes = t->default_routes;

	for (size_t i = 0; i < t->n_default_routes; i++)
		if (t->default_routes[i] == interface)
			return MNL_CB_OK;
	if (!grow(a->arena, &routes, sizeof(*t->default_routes), t->n_default_routes,
		    &t->max_default_routes))
		return MNL_CB_ERROR;
	t->default_routes = routes;
	t->default_routes[t->n_default_routes++] = interface;
	return MNL_CB_OK;
}

/* Several ways at once: struct rtnexthop one behind the other. */
static int add_hops(const struct answers *a, const struct nlattr *attribute)
{
	const char *at = mnl_attr_get_payload(attribute);
	size_t left = mnl_attr_get_payload_len(attribute), step;
	struct rtnexthop hop;
	int r = MNL_CB_OK;

	while (r == MNL_CB_OK && left >= sizeof(hop)) {
		memcpy(&hop, at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
			break;
		r = add_default(a, hop.rtnh_ifindex);
		step = (size_t)RTNH_ALIGN(hop.rtnh_len);
		step = step < left ? step : left;
		at += step;
		left -= step;
	}

	return r;
}

static int on_way(const struct nlattr *attribute, void *userdata)
{
	const struct answers *a = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case RTA_OIF:
		return mnl_attr_validate(attribute, MNL_TYPE_U32) < 0
			       ? MNL_CB_OK
			       : add_default(a, (int)mnl_attr_get_u32(attribute));
	case RTA_MULTIPATH:
		return add_hops(a, attribute);
	default:
		return MNL_CB_OK;
	}
}

static int on_route(const struct answers *a, const struct nlmsghdr *header)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(header);

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*m) || m->rtm_dst_len != 0 ||
		m->rtm_type != RTN_UNICAST || m->rtm_table == RT_TABLE_LOCAL)
		return MNL_CB_OK;
	return mnl_attr_parse(header, sizeof(*m), on_way, (void *)(uintptr_t)a);
}

/* ---- virtual functions ---- */

/* What an administrator has set on one; the driver tells of what it knows. */
struct vf {
	unsigned int number;
	unsigned char mac[6];
	uint32_t vlan, trust, link, min_rate, max_rate;
	bool guid;
};

static const void *payload(const struct nlattr *attribute, size_t size)
{
	return mnl_attr_get_payload_len(attribute) >= size ? mnl_attr_get_payload(attribute) : NULL;
}

static int on_vf_setting(const struct nlattr *attribute, void *userdata)
{
	const struct ifla_vf_mac *mac;
	const struct ifla_vf_vlan *vlan;
	const struct ifla_vf_trust *trust;
	const struct ifla_vf_link_state *link;
	const struct ifla_vf_rate *rate;
	struct vf *vf = userdata;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_VF_MAC:
		mac = payload(attribute, sizeof(*mac));
		if (mac) {
			vf->number = mac->vf;
			memcpy(vf->mac, mac->mac, sizeof(vf->mac));
		}
		return MNL_CB_OK;
	case IFLA_VF_VLAN:
		vlan = payload(attribute, sizeof(*vlan));
		vf->vlan = vlan ? vlan->vlan | vlan->qos << 16 : 0;
		return MNL_CB_OK;
	case IFLA_VF_TRUST:
		trust = payload(attribute, sizeof(*trust));
		vf->trust = trust && trust->setting != UINT32_MAX ? trust->setting : 0;
		return MNL_CB_OK;
	case IFLA_VF_LINK_STATE:
		link = payload(attribute, sizeof(*link));
		vf->link = link ? link->link_state : 0;
		return MNL_CB_OK;
	case IFLA_VF_RATE:
		rate = payload(attribute, sizeof(*rate));
		vf->min_rate = rate ? rate->min_tx_rate : 0;
		vf->max_rate = rate ? rate->max_tx_rate : 0;
		return MNL_CB_OK;
	case IFLA_VF_IB_NODE_GUID:
	case IFLA_VF_IB_PORT_GUID:
		vf->guid = true;
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

static const char *setting_of(const struct vf *vf)
{
	static const unsigned char none[6];

	if (memcmp(vf->mac, none, sizeof(none)) != 0)
		return "an address";
	if (vf->guid)
		return "a GUID";
	if (vf->vlan != 0)
		return "a VLAN";
	if (vf->trust != 0)
		return "trust";
	if (vf->link != IFLA_VF_LINK_STATE_AUTO)
		return "a link state";
	return vf->min_rate != 0 || vf->max_rate != 0 ? "a rate" : NULL;
}

static int on_vf(const struct nlattr *attribute, void *userdata)
{
	struct pr_net_vfs *of = userdata;
	struct vf vf = { 0 };
	const char *what;

	if (mnl_attr_get_type(attribute) != IFLA_VF_INFO)
		return MNL_CB_OK;
	vf.number = of->n++;
	if (mnl_attr_parse_nested(attribute, on_vf_setting, &vf) != MNL_CB_OK)
		return MNL_CB_OK;
	what = setting_of(&vf);
	if (what && !of->what) {
		of->number = vf.number;
		of->what = what;
	}
	return MNL_CB_OK;
}

static int find_vf_list(const struct nlattr *attribute, void *userdata)
{
	const struct nlattr **list = userdata;

	if (mnl_attr_get_type(attribute) == IFLA_VFINFO_LIST)
		*list = attribute;
	return MNL_CB_OK;
}

static int on_link(const struct answers *a, const struct nlmsghdr *header)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(header);
	struct pr_net_tables *t = a->tables;
	const struct nlattr *list = NULL;
	void *vfs = t->vfs;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*m) ||
		mnl_attr_parse(header, sizeof(*m), find_vf_list, &list) != MNL_CB_OK || !list)
		return MNL_CB_OK;
	if (!grow(a->arena, &vfs, sizeof(*t->vfs), t->n_vfs, &t->max_vfs))
		return MNL_CB_ERROR;
	t->vfs = vfs;
	t->vfs[t->n_vfs] = (struct pr_net_vfs){ .interface = m->ifi_index };
	return mnl_attr_parse_nested(list, on_vf, &t->vfs[t->n_vfs++]);
}

static int on_answer(const struct nlmsghdr *header, void *userdata)
{
	const struct answers *a = userdata;

	if (header->nlmsg_type == RTM_NEWADDR)
		return on_address(a, header);
	if (header->nlmsg_type == RTM_NEWROUTE)
		return on_route(a, header);
	if (header->nlmsg_type == RTM_NEWLINK)
		return on_link(a, header);
	return MNL_CB_OK;
}

/* 1: more will come, 0: that was all, negative errno. */
static int parse(const void *bytes, size_t size, unsigned int sequence, unsigned int port,
	const struct answers *a)
{
	int r;

	errno = 0;
	r = mnl_cb_run(bytes, size, sequence, port, on_answer, (void *)(uintptr_t)a);
	if (r >= 0)
		return r;
	return errno == 0 ? -ENOMEM : -errno;
}

int pr_net_parse(
	const void *answers, size_t size, struct pr_arena *arena, struct pr_net_tables *tables)
{
	const struct answers a = { .arena = arena, .tables = tables };
	int r = parse(answers, size, 0, 0, &a);

	return r < 0 ? r : 0;
}

/* ---- asking ---- */

static int ask(struct mnl_socket *socket, uint16_t type, unsigned int sequence)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *m;

	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = sequence;
	m = mnl_nlmsg_put_extra_header(header, sizeof(*m));
	m->ifi_family = AF_UNSPEC;
	if (type == RTM_GETLINK)
		mnl_attr_put_u32(header, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	return mnl_socket_sendto(socket, header, header->nlmsg_len) < 0 ? -errno : 0;
}

static int dump(struct mnl_socket *socket, uint16_t type, const struct answers *a)
{
	char buffer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;
	int r;

	r = ask(socket, type, type);
	if (r < 0)
		return r;
	do {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (n < 0)
			return -errno;
		r = parse(buffer, (size_t)n, type, mnl_socket_get_portid(socket), a);
	} while (r > 0);

	return r;
}

int pr_net_read(struct pr_arena *arena, struct pr_net_tables *ret)
{
	_cleanup_(closep) struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct pr_net_tables tables = { 0 };
	const struct answers a = { .arena = arena, .tables = &tables };
	int r;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	r = dump(socket, RTM_GETADDR, &a);
	if (r < 0)
		return r;
	r = dump(socket, RTM_GETROUTE, &a);
	if (r < 0)
		return r;
	/* a list that is too long for one message is missing then, and its functions stay */
	(void)dump(socket, RTM_GETLINK, &a);

	*ret = tables;
	return 0;
}
