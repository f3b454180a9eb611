/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder on bytes that nobody chose: random ones, and those of real
 * machines, where lspci's own words are the reference.  The recordings are
 * found through PCIROOM_RECORDINGS, and are not a part of the repository.
 */
#include "pciroom/config-space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define M UINT64_C(0x100000)

#define AT(field) offsetof(struct pr_caps, field)

/* A struct pr_cap inside of struct pr_caps. */
static struct pr_cap cap_at(const struct pr_caps *caps, size_t field)
{
	struct pr_cap cap;

	memcpy(&cap, (const char *)caps + field, sizeof(cap));
	return cap;
}

/* ---- every capability by name ---- */

static const struct named_cap {
	const char *words; /* how lspci begins its line */
	size_t field;
	bool extended;
} named_caps[] = {
	{ "Power Management version", AT(pm), false },
	{ "MSI:", AT(msi), false },
	{ "MSI-X:", AT(msix), false },
	{ "Vital Product Data", AT(vpd), false },
	{ "Slot ID", AT(slot_id), false },
	{ "Subsystem:", AT(ssvid), false },
	{ "AGP version", AT(agp), false },
	{ "Hot-plug capable", AT(shpc), false },
	{ "PCI Advanced Features", AT(af), false },
	{ "Express ", AT(pcie), false },
	{ "Enhanced Allocation", AT(ea), false },
	{ "Advanced Error Reporting", AT(aer), true },
	{ "Access Control Services", AT(acs), true },
	{ "Address Translation Service", AT(ats), true },
	{ "Single Root I/O Virtualization", AT(sriov), true },
	{ "Page Request Interface", AT(pri), true },
	{ "Physical Resizable BAR", AT(rebar), true },
	{ "Resizable BAR", AT(rebar), true },
	{ "Virtual Resizable BAR", AT(vf_rebar), true },
	{ "Transaction Processing Hints", AT(tph), true },
	{ "Latency Tolerance Reporting", AT(ltr), true },
	{ "Process Address Space ID", AT(pasid), true },
	{ "Downstream Port Containment", AT(dpc), true },
	{ "Precision Time Measurement", AT(ptm), true },
	{ "Root Complex Event Collector", AT(rcec), true },
	{ "Device 3", AT(dev3), true },
	{ "Designated Vendor-Specific: Vendor=1e98", AT(cxl), true },
};

/* ---- properties of any bytes ---- */

/*
 * A prefix may know less than the whole, never something else: whoever plans
 * on 64 bytes must not be told what 4096 bytes deny.
 */
static void check_prefix(const uint8_t *bytes, size_t length, const struct pr_caps *whole)
{
	uint8_t *copy = length ? malloc(length) : NULL; /* its end is visible to a sanitizer */
	struct pr_caps part;

	if (length)
		memcpy(copy, bytes, length);
	pr_config_caps(&(struct pr_config){ .bytes = copy, .length = length }, &part);
	for (size_t i = 0; i < ARRAY_SIZE(named_caps); i++) {
		struct pr_cap a = cap_at(&part, named_caps[i].field);
		struct pr_cap b = cap_at(whole, named_caps[i].field);

		if (a.present != PR_UNKNOWN)
			assert_int_equal(a.present, b.present);
		if (a.present == PR_YES)
			assert_int_equal(a.offset, b.offset);
	}
	if (part.has_serial != PR_UNKNOWN)
		assert_int_equal(part.has_serial, whole->has_serial);
	free(copy);
}

static void any_bytes_decode_and_prefixes_agree(void **state)
{
	static uint8_t bytes[4096];
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t length = round % 4 == 0 ? 4096 : round % 4 == 1 ? 256 : 512;
		struct pr_caps whole;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(seed >> 24);
		}
		bytes[6] |= 0x10;
		bytes[0x0e] &= 0x81;
		/* most ids would be ones that nobody decodes: plant ours in both lists */
		for (size_t at = 0x40; at < 0x100; at += 4)
			bytes[at] = (uint8_t)(bytes[at] % 0x16);
		for (size_t at = 0x100; at < sizeof(bytes); at += 4)
			bytes[at] = (uint8_t)(bytes[at] % 0x30), bytes[at + 1] = 0;
		pr_config_caps(&(struct pr_config){ .bytes = bytes, .length = length }, &whole);
		for (size_t n = 0; n < length; n += 1 + n / 16)
			check_prefix(bytes, n, &whole);
	}
}

/* ---- real machines: lspci's words are the reference ---- */

/* One function of a listing: its lines of text, its bytes. */
struct listing {
	char *text;
	uint8_t bytes[4096];
	size_t length;
	unsigned int compared;
	bool translated; /* CPU addresses are not bus addresses there */
	const char *file, *name;
};

static bool starts_function(const char *line)
{
	unsigned int a, b, c, d;
	int n = 0;

	if (sscanf(line, "%4x:%2x:%2x.%1x %n", &a, &b, &c, &d, &n) == 4 && n > 0)
		return true;
	return sscanf(line, "%2x:%2x.%1x %n", &a, &b, &c, &n) == 3 && n > 0;
}

static void read_hex_line(struct listing *l, const char *line)
{
	unsigned int at, byte;
	int used = 0, n = 0;

	if (sscanf(line, "%3x: %n", &at, &used) != 1 || used == 0 || at != l->length)
		return;
	for (line += used;
		n < 16 && l->length < sizeof(l->bytes) && sscanf(line, "%2x%n", &byte, &used) == 1;
		line += used, n++)
		l->bytes[l->length++] = (uint8_t)byte;
}

#define expect(l, condition, ...)                                         \
	do {                                                              \
		(l)->compared++;                                          \
		if (!(condition)) {                                       \
			print_error("%s: %.80s: ", (l)->file, (l)->name); \
			fail_msg(__VA_ARGS__);                            \
		}                                                         \
	} while (0)

/* Text behind @words in the listing, NULL when they are not there. */
static const char *behind(const struct listing *l, const char *words)
{
	const char *at = strstr(l->text, words);

	return at ? at + strlen(words) : NULL;
}

static void compare_offsets(struct listing *l, const struct pr_caps *caps)
{
	bool seen[ARRAY_SIZE(named_caps)] = { false };
	unsigned int offset;
	int used;

	for (const char *at = l->text; (at = strstr(at, "Capabilities: [")) != NULL;) {
		at += strlen("Capabilities: [");
		if (sscanf(at, "%x%n", &offset, &used) != 1 || offset >= l->length)
			continue;
		at = strchr(at, ']') + 2;
		for (size_t i = 0; i < ARRAY_SIZE(named_caps); i++) {
			const struct named_cap *n = &named_caps[i];
			struct pr_cap cap = cap_at(caps, n->field);

			if (seen[i] || strncmp(at, n->words, strlen(n->words)) != 0)
				continue;
			seen[i] = true;
			expect(l, cap.present == PR_YES && cap.offset == offset,
				"\"%s\" at %x: decoded as %d at %x", n->words, offset, cap.present,
				cap.offset);
		}
	}
}

/*
 * What was decoded must be in the listing too, at least as a number that an old lspci had no name
 * for.
 */
static void compare_backwards(struct listing *l, const struct pr_caps *caps)
{
	for (size_t i = 0; i < ARRAY_SIZE(named_caps); i++) {
		struct pr_cap cap = cap_at(caps, named_caps[i].field);
		char plain[32], versioned[32];

		if (cap.present != PR_YES || named_caps[i].field == AT(dev3))
			continue; /* the words of the one recording that has it are older than it */
		(void)snprintf(plain, sizeof(plain), "Capabilities: [%02x]", cap.offset);
		(void)snprintf(versioned, sizeof(versioned), "Capabilities: [%03x", cap.offset);
		expect(l, strstr(l->text, plain) || strstr(l->text, versioned),
			"\"%s\" at %x is not listed", named_caps[i].words, cap.offset);
	}
}

static void compare_port(struct listing *l, const struct pr_pcie *p)
{
	static const struct {
		const char *words;
		enum pr_port_type port;
		bool slot;
	} ports[] = {
		{ "Express Endpoint", PR_PORT_ENDPOINT, false },
		{ "Express Legacy Endpoint", PR_PORT_LEGACY_ENDPOINT, false },
		{ "Express Root Port (Slot+)", PR_PORT_ROOT, true },
		{ "Express Root Port (Slot-)", PR_PORT_ROOT, false },
		{ "Express Upstream Port", PR_PORT_UPSTREAM, false },
		{ "Express Downstream Port (Slot+)", PR_PORT_DOWNSTREAM, true },
		{ "Express Downstream Port (Slot-)", PR_PORT_DOWNSTREAM, false },
		{ "Express Root Complex Integrated Endpoint", PR_PORT_RC_ENDPOINT, false },
	};
	const char *at = behind(l, "] Express ");
	char words[64] = "Express ";

	if (at[0] == '(')
		at = strchr(at, ')') + 2;
	(void)snprintf(words + 8, sizeof(words) - 8, "%s", at);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (strncmp(words, ports[i].words, strlen(ports[i].words)) == 0)
			expect(l, p->port == ports[i].port && p->slot_implemented == ports[i].slot,
				"%s: decoded as %d", ports[i].words, p->port);
}

/* Does the line that begins with @words hold @flag? */
static bool line_says(const struct listing *l, const char *words, const char *flag)
{
	const char *at = behind(l, words), *found = at ? strstr(at, flag) : NULL;

	return found && found < strchr(at, '\n');
}

static void compare_pcie(struct listing *l, const struct pr_pcie *p)
{
	unsigned int bytes, number, width;
	const char *at;

	if (p->present != PR_YES || !behind(l, "] Express "))
		return;
	compare_port(l, p);
	at = behind(l, "DevCap:\tMaxPayload ");
	if (at && sscanf(at, "%u", &bytes) == 1)
		expect(l, 128u << p->max_payload_supported == bytes, "MaxPayload of DevCap");
	at = behind(l, "MaxReadReq ");
	if (at && sscanf(at, "%u", &bytes) == 1)
		expect(l, 128u << p->max_read_request == bytes, "MaxReadReq");
	at = behind(l, "LnkSta:\tSpeed ");
	if (at && sscanf(at, "%*[^W]Width x%u", &width) == 1)
		expect(l, p->link_width == width, "link width %u: decoded as %u", width,
			p->link_width);
	at = behind(l, "Slot #");
	if (at && sscanf(at, "%u", &number) == 1)
		expect(l, p->slot_number == number, "slot %u: decoded as %u", number,
			p->slot_number);
	if (behind(l, "SltCap:\t"))
		expect(l, p->slot_hotplug == line_says(l, "SltCap:\t", "HotPlug+"),
			"HotPlug of SltCap");
	if (behind(l, "SltSta:\t"))
		expect(l, p->slot_presence == line_says(l, "SltSta:\t", "PresDet+"),
			"PresDet of SltSta");
}

static void compare_extended(struct listing *l, const struct pr_caps *caps)
{
	unsigned int b[8], initial, total, number, offset, stride;
	const char *at = behind(l, "Device Serial Number ");
	uint64_t serial = 0, reversed = 0;

	if (at && caps->has_serial == PR_YES &&
		sscanf(at, "%x-%x-%x-%x-%x-%x-%x-%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
			&b[6], &b[7]) == 8) {
		for (size_t i = 0; i < 8; i++) {
			serial = serial << 8 | b[i];
			reversed = reversed << 8 | b[7 - i]; /* lspci before 3.1.5 */
		}
		expect(l, caps->serial == serial || caps->serial == reversed, "serial number");
	}
	at = behind(l, "Initial VFs: ");
	if (at && caps->sriov.present == PR_YES &&
		sscanf(at, "%u, Total VFs: %u, Number of VFs: %u", &initial, &total, &number) == 3)
		expect(l,
			caps->sriov.initial_vfs == initial && caps->sriov.total_vfs == total &&
				caps->sriov.num_vfs == number,
			"numbers of VFs");
	at = behind(l, "VF offset: ");
	if (at && caps->sriov.present == PR_YES &&
		sscanf(at, "%u, stride: %u", &offset, &stride) == 2)
		expect(l, caps->sriov.first_offset == offset && caps->sriov.stride == stride,
			"offset and stride of VFs");
}

static void compare_ea(struct listing *l, const struct pr_ea *ea)
{
	const char *at = behind(l, "Enhanced Allocation");
	unsigned long long base, offset;
	size_t i = 0;

	if (!at || ea->present != PR_YES)
		return;
	for (; (at = strstr(at, "\t Base: ")) != NULL && i < ea->n_entries; i++) {
		at += 8;
		expect(l,
			sscanf(at, "%llx MaxOffset: %llx", &base, &offset) == 2 &&
				ea->entries[i].range.first == base &&
				ea->entries[i].range.last == base + offset,
			"EA entry %zu", i);
	}
	expect(l, i == ea->n_entries, "%u EA entries", ea->n_entries);
}

static void compare_rebar(struct listing *l, const struct pr_rebar *r)
{
	const char *at = behind(l, "Physical Resizable BAR");
	unsigned int bar, size;
	char unit;

	if (!at || r->present != PR_YES)
		return;
	for (size_t i = 0; i < r->n_entries; i++) {
		at = strstr(at, "\n\t\tBAR ");
		if (!at || sscanf(at, "\n\t\tBAR %u: current size: %u%cB", &bar, &size, &unit) != 3)
			return; /* other versions have other words */
		expect(l,
			r->entries[i].bar == bar &&
				M << r->entries[i].current ==
					(uint64_t)size * (unit == 'G' ? 1024 * M : M),
			"Resizable BAR %u", bar);
		at++;
	}
}

static void compare_buses(struct listing *l)
{
	struct pr_config c = { .bytes = l->bytes, .length = l->length };
	unsigned int primary, secondary, subordinate;
	const char *at = behind(l, "Bus: primary=");
	struct pr_bridge_header b;

	if (!at || !pr_config_bridge(&c, &b) ||
		sscanf(at, "%x, secondary=%x, subordinate=%x", &primary, &secondary,
			&subordinate) != 3)
		return;
	expect(l, b.primary == primary && b.secondary == secondary && b.subordinate == subordinate,
		"bus numbers");
}

static void compare_window(struct listing *l, const char *words, const struct pr_window *w)
{
	unsigned long long first, last;
	const char *at = behind(l, words);

	if (!at || sscanf(at, "%llx-%llx", &first, &last) != 2)
		return;
	if (first > last)
		expect(l, w->open != PR_YES, "%s is closed", words);
	else if (w->open == PR_YES)
		expect(l, w->range.first == first && w->range.last == last,
			"%s %llx-%llx: decoded as %llx-%llx", words, first, last,
			(unsigned long long)w->range.first, (unsigned long long)w->range.last);
	else /* a register of zeroes is shown as the lowest block */
		expect(l, w->open == PR_UNKNOWN && first == 0, "%s is open", words);
}

static void compare_windows(struct listing *l)
{
	struct pr_config c = { .bytes = l->bytes, .length = l->length };
	struct pr_bridge_header b;

	if (!pr_config_bridge(&c, &b))
		return;
	compare_window(l, "I/O behind bridge: ", &b.io);
	compare_window(l, "\tMemory behind bridge: ", &b.mem);
	compare_window(l, "Prefetchable memory behind bridge: ", &b.pref);
}

static void compare_bars(struct listing *l)
{
	struct pr_config c = { .bytes = l->bytes, .length = l->length };
	unsigned int index;
	unsigned long long address;
	struct pr_bar bar;
	int used;

	for (const char *at = l->text; (at = strstr(at, "\n\tRegion ")) != NULL; at++) {
		const char *virtual = strstr(at, "[virtual]");

		used = 0;
		if (sscanf(at, "\n\tRegion %u: %n", &index, &used) != 1 || used == 0 ||
			!pr_config_bar(&c, index, &bar) || !bar.implemented)
			continue;
		if (virtual && virtual < strchr(at + 1, '\n'))
			continue; /* the kernel's table and the register differ */
		if (sscanf(at + used, "Memory at %llx (", &address) == 1)
			expect(l, !bar.io && bar.address == address, "BAR %u", index);
		else if (sscanf(at + used, "I/O ports at %llx [", &address) == 1)
			expect(l, bar.io && bar.address == address, "BAR %u", index);
	}
}

static void compare_function(struct listing *l)
{
	struct pr_config c = { .bytes = l->bytes, .length = l->length };
	struct pr_caps caps;

	if (l->length == 0)
		return;
	pr_config_caps(&c, &caps);
	for (size_t n = 0; n < l->length; n += n < 0x140 ? 1 : 64)
		check_prefix(l->bytes, n, &caps);
	if (!strstr(l->text, "Capabilities: ["))
		return; /* bytes alone, or a function without capabilities */
	compare_offsets(l, &caps);
	compare_backwards(l, &caps);
	compare_pcie(l, &caps.pcie);
	compare_extended(l, &caps);
	compare_ea(l, &caps.ea);
	compare_rebar(l, &caps.rebar);
	compare_buses(l);
	if (l->translated)
		return;
	compare_windows(l);
	compare_bars(l);
}

static FILE *open_recording(const char *file)
{
	const char *root = getenv("PCIROOM_RECORDINGS"), *source = getenv("PCIROOM_SRCDIR");
	char path[4096];

	if (root)
		(void)snprintf(path, sizeof(path), "%s/%s", root, file);
	else
		(void)snprintf(path, sizeof(path), "%s/../shared/recordings/%s",
			source ? source : ".", file);
	return fopen(path, "r");
}

static const struct file_case {
	const char *file;
	unsigned int functions; /* with bytes */
	unsigned int compared;  /* with lspci's words; 0: bytes alone */
	bool translated;
} file_cases[] = {
	{ "arm-n1sdp-pex8749/lspci.txt", 16, 239, false },
	{ "asus-p6t6-ws/lspci.txt", 53, 0, false },
	{ "dell-precision-7530/lspci-gpu.txt", 2, 14, false },
	{ "freescale-p2020/lspci.txt", 6, 0, false },
	{ "hpe-cray-xd675-8gpu/lspci-xxx.txt", 28, 0, false },
	{ "huananzhi-x99-qd4/lspci.txt", 87, 120, false },
	{ "ich7m-netbook/lspci.txt", 16, 36, false },
	{ "lambda-vector-wrx80/lspci.txt", 96, 703, false },
	{ "msi-b550-nested-switches/lspci.txt", 60, 781, false },
	{ "pciutils-single-functions/cap-aer-root.txt", 2, 15, false },
	{ "pciutils-single-functions/cap-dev3.txt", 1, 17, false },
	{ "pciutils-single-functions/cap-dvsec-cxl.txt", 2, 32, false },
	{ "pciutils-single-functions/cap-ea-1.txt", 1, 19, false },
	{ "pciutils-single-functions/cap-multicast.txt", 1, 0, false },
	{ "pciutils-single-functions/cap-pcie-2.txt", 1, 23, false },
	{ "pciutils-single-functions/cap-rebar.txt", 1, 0, false },
	{ "raptor-talos-ii-skiroot/lspci.txt", 16, 158, true },
	{ "sifive-hifive-unmatched/lspci-xxxx.txt", 18, 0, false },
	{ "supermicro-4029gp-8gpu/lspci-gpu.txt", 32, 224, false },
	{ "supermicro-4029gp-8gpu/lspci-plx.txt", 12, 150, false },
};

static void append(struct listing *l, size_t *length, const char *line)
{
	size_t n = strlen(line);

	l->text = realloc(l->text, *length + n + 1);
	assert_non_null(l->text);
	memcpy(l->text + *length, line, n + 1);
	*length += n;
}

static void test_recording(void **state)
{
	const struct file_case *c = *state;
	struct listing l = { .file = c->file, .translated = c->translated };
	unsigned int functions = 0;
	FILE *file = open_recording(c->file);
	size_t length = 0;
	char line[4096];

	if (!file) {
		print_message("%s is not there: set PCIROOM_RECORDINGS\n", c->file);
		skip();
	}
	l.text = strdup("");
	while (fgets(line, sizeof(line), file)) {
		if (starts_function(line)) {
			compare_function(&l);
			functions += l.length > 0;
			l.length = length = 0;
		}
		append(&l, &length, line);
		l.name = l.text;
		read_hex_line(&l, line);
	}
	compare_function(&l);
	functions += l.length > 0;
	free(l.text);
	(void)fclose(file); /* was only read */

	assert_int_equal(functions, c->functions);
	assert_int_equal(l.compared, c->compared);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_TEST(&tests, any_bytes_decode_and_prefixes_agree);
	for (size_t i = 0; i < ARRAY_SIZE(file_cases); i++)
		rows_add(&tests, file_cases[i].file, test_recording, &file_cases[i]);

	return rows_run(&tests, "capabilities");
}
