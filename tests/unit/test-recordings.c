/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recordings of real machines import, have the functions and bridges that their
 * index counts, and hold the invariants of a topology, or it is said here what
 * is wrong with them.
 */
#include <fnmatch.h>
#include <glob.h>
#include <string.h>

#include "base/macros.h"
#include "pciroom/import.h"
#include "recordings.h"
#include "rows.h"

/* The host bridge translates: windows of lspci are the bus's addresses, regions the kernel's. */
#define TRANSLATES "lies in no window above it"

static const struct recording_case {
	const char *name;          /* the file */
	const char *iomem, *dmesg; /* beside it */
	const char *differs;       /* why the counts are not those of the index; NULL: they are */
	size_t functions, bridges; /* when they differ */
	size_t findings;
	const char *finding; /* a part of each */
} recording_cases[] = {
	{ .name = "adlink-ava-altra/lspci-gpu.txt",
		.iomem = "iomem-working.txt",
		.differs = "one function of many",
		.functions = 1,
		.bridges = 0 },
	{ .name = "arm-n1sdp-pex8749/lspci.txt" },
	{ .name = "asus-p6t6-ws/lspci.txt" },
	{ .name = "dell-12g-2s-pex8114/lspci.txt" },
	{ .name = "dell-dcs8000z-xeon-phi-nvme/sysfs.tar.xz" },
	{ .name = "dell-poweredge-r910/sysfs.tar.xz" },
	{ .name = "dell-precision-7530/lspci-list.txt", .iomem = "iomem.txt" },
	{ .name = "dell-precision-7530/lspci-gpu.txt",
		.iomem = "iomem.txt",
		.differs = "two functions of many",
		.functions = 2,
		.bridges = 0 },
	{ .name = "dell-xps-9320-tb-dock/lspci.txt" },
	{ .name = "emerson-mcom10-amd/lspci.txt", .dmesg = "dmesg.txt" },
	{ .name = "freescale-p2020/lspci.txt" },
	{ .name = "hp-omnibook-ultra-14-dock/lspci.txt" },
	{ .name = "hp-spectre-15-df1/lspci.txt", .dmesg = "dmesg.txt" },
	{ .name = "hpe-cray-xd675-8gpu/lspci-vvv.txt",
		.differs = "one socket's part",
		.functions = 28,
		.bridges = 11 },
	{ .name = "hpe-cray-xd675-8gpu/lspci-xxx.txt",
		.differs = "one socket's part",
		.functions = 28,
		.bridges = 11 },
	{ .name = "huananzhi-x99-qd4/lspci.txt", .dmesg = "dmesg.txt" },
	{ .name = "huawei-w510-kunpeng920/lspci.txt" },
	{ .name = "ich7m-netbook/lspci.txt" },
	{ .name = "kvm-guest-32bit-domain/sysfs.tar.xz" },
	{ .name = "lambda-vector-wrx80/lspci.txt", .dmesg = "dmesg.txt", .iomem = "iomem.txt" },
	{ .name = "lenovo-p53-2-tb3-egpu/lspci-realloc-off.txt" },
	{ .name = "lenovo-p53-2-tb3-egpu/lspci-realloc-on.txt" },
	{ .name = "lenovo-p53-2-tb3-egpu/lspci-best.txt",
		.differs = "one card less",
		.functions = 38,
		.bridges = 17 },
	{ .name = "lenovo-p53-2-tb3-egpu/lspci-hpmmioprefsize-64g.txt",
		.differs = "one card less",
		.functions = 39,
		.bridges = 17 },
	{ .name = "lenovo-p53-2-tb3-egpu/lspci-small-bar.txt",
		.differs = "one card less",
		.functions = 39,
		.bridges = 17 },
	{ .name = "lenovo-thinkpad-t60p/sysfs.tar.xz",
		.differs = "a bridge is below devices, but not in bus/pci/devices",
		.functions = 20,
		.bridges = 6 },
	{ .name = "loongson-7a2000/lspci.txt", .findings = 12, .finding = TRANSLATES },
	{ .name = "msi-b550-nested-switches/lspci.txt",
		.dmesg = "dmesg.txt",
		.iomem = "iomem.txt" },
	{ .name = "mtca-pex8748-hotplug/lspci.txt", .iomem = "iomem.txt" },
	{ .name = "pciutils-single-functions/cap-aer-root.txt",
		.differs = "single functions",
		.functions = 2,
		.bridges = 1 },
	{ .name = "pciutils-single-functions/cap-dev3.txt",
		.differs = "single functions",
		.functions = 1,
		.bridges = 0 },
	{ .name = "pciutils-single-functions/cap-dvsec-cxl.txt",
		.differs = "single functions",
		.functions = 2,
		.bridges = 0 },
	{ .name = "pciutils-single-functions/cap-ea-1.txt",
		.differs = "single functions",
		.functions = 1,
		.bridges = 0 },
	{ .name = "pciutils-single-functions/cap-multicast.txt",
		.differs = "single functions",
		.functions = 1,
		.bridges = 1 },
	{ .name = "pciutils-single-functions/cap-pcie-2.txt",
		.differs = "single functions",
		.functions = 1,
		.bridges = 0 },
	{ .name = "pciutils-single-functions/cap-rebar.txt",
		.differs = "single functions",
		.functions = 1,
		.bridges = 0 },
	/* one of the ten is a window of bus addresses over a BAR of the kernel's */
	{ .name = "raptor-talos-ii-rebar/lspci-bar0.txt", .findings = 10, .finding = "0" },
	{ .name = "raptor-talos-ii-rebar/lspci-good.txt", .findings = 10, .finding = "0" },
	{ .name = "raptor-talos-ii-rebar/lspci-shrink.txt", .findings = 9, .finding = TRANSLATES },
	{ .name = "raptor-talos-ii-skiroot/lspci.txt" },
	{ .name = "rockpro64-asm1184/lspci.txt" },
	/* its I/O is memory-mapped, and the root port's register cannot hold such an address */
	{ .name = "sifive-hifive-unmatched/lspci-xxxx.txt",
		.findings = 1,
		.finding = "I/O window 13 at 60081000-60082fff" },
	{ .name = "supermicro-2s-epyc/lspci.txt" },
	{ .name = "supermicro-4029gp-8gpu/lspci-list.txt", .iomem = "iomem.txt" },
	{ .name = "supermicro-4029gp-8gpu/lspci-gpu.txt",
		.iomem = "iomem.txt",
		.differs = "the cards alone",
		.functions = 32,
		.bridges = 0 },
	{ .name = "supermicro-4029gp-8gpu/lspci-plx.txt",
		.iomem = "iomem.txt",
		.differs = "the switches alone",
		.functions = 12,
		.bridges = 12 },
	{ .name = "xeon-4s-pci-conflicts/sysfs.tar.xz" },
	/* kernel logs */
	{ .name = "adlink-ava-altra/dmesg.txt" },
	{ .name = "dell-poweredge-t440/dmesg.txt" },
	{ .name = "dell-precision-7530/dmesg.txt" },
	{ .name = "dell-xps-9370-tb3/dmesg-6.12.txt" },
	{ .name = "dell-xps-9370-tb3/dmesg-6.16.txt" },
	{ .name = "emerson-mcom10-amd/dmesg.txt" },
	{ .name = "hp-omnibook-ultra-14-dock/dmesg.txt" },
	{ .name = "hp-spectre-15-df1/dmesg.txt" },
	{ .name = "hpe-cray-xd675-8gpu/dmesg.txt" },
	{ .name = "huananzhi-x99-qd4/dmesg.txt" },
	{ .name = "intel-brickland-4s/dmesg.txt" },
	{ .name = "lambda-vector-wrx80/dmesg.txt" },
	{ .name = "lenovo-21q8-tb5-dock/dmesg.txt" },
	{ .name = "lenovo-p720/dmesg.txt" },
	{ .name = "msi-b550-nested-switches/dmesg.txt" },
	{ .name = "raptor-talos-ii-rebar/dmesg-bad.txt" },
	{ .name = "raptor-talos-ii-rebar/dmesg-meh.txt" },
	{ .name = "raptor-talos-ii-rebar/dmesg-rev.txt" },
	{ .name = "raptor-talos-ii-rebar/dmesg-shrink.txt" },
	{ .name = "raptor-talos-ii-skiroot/dmesg.txt" },
	{ .name = "rockpro64-asm1184/dmesg.txt" },
	{ .name = "sifive-hifive-unmatched/dmesg.txt" },
	{ .name = "supermicro-2s-epyc/dmesg.txt" },
	{ .name = "supermicro-4029gp-8gpu/dmesg.txt" },
	{ .name = "supermicro-x9dri-realloc/dmesg-realloc-off.txt" },
	{ .name = "supermicro-x9dri-realloc/dmesg-realloc-on.txt" },
};

/* Columns six and seven of the index row of the directory that @name is in. */
static void index_counts(const char *name, size_t *ret_functions, size_t *ret_bridges)
{
	size_t size, n = strcspn(name, "/"), column;
	_cleanup_free_ char *text = recording_read("INDEX.tsv", &size);
	char *save = NULL, *at;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, name, n) != 0 || line[n] != '\t')
			continue;
		at = line;
		for (column = 1; at && column < 6; column++)
			at = strchr(at, '\t') ? strchr(at, '\t') + 1 : NULL;
		if (!at)
			break;
		*ret_functions = strtoul(at, &at, 10);
		*ret_bridges = strtoul(at, NULL, 10);
		return;
	}
	fail_msg("%s is not in INDEX.tsv", name);
}

static size_t count_bridges(const struct pr_topology *t)
{
	size_t n = 0;

	pr_for_each_root (t, i)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			n += t->roots[i]->functions[k].bridge != NULL;
	return n;
}

/* A file beside the recording; NULL for none. */
static char *read_beside(const struct recording_case *c, const char *file, size_t *ret_size)
{
	char path[128];

	if (!file)
		return NULL;
	(void)snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(c->name, "/"), c->name, file);
	return recording_read(path, ret_size);
}

static struct pr_topology *import(const struct recording_case *c)
{
	struct pr_companions companions = { .iomem_name = c->iomem };
	_cleanup_free_ char *iomem = read_beside(c, c->iomem, &companions.iomem_size);
	_cleanup_free_ char *dmesg = read_beside(c, c->dmesg, &companions.dmesg_size);
	struct pr_import_error error = { .text = "" };
	struct pr_import_notes notes = { .n = 0 };
	_cleanup_free_ char *data = NULL;
	struct pr_topology *t = NULL;
	size_t size;

	companions.iomem = iomem;
	companions.dmesg = dmesg;
	data = recording_read(c->name, &size);
	if (pr_input_read(data, size, &companions, &t, &notes, &error) != 0)
		fail_msg("line %u: %s", error.line, error.text);
	assert_true(notes.n > 0); /* none of them says everything */
	if (dmesg) {
		assert_true(t->roots[0]->facts.io_known);
		assert_true(t->roots[0]->facts.mem_known);
		assert_non_null(t->machine.release);
	}
	return t;
}

static void assert_round_trip(const struct pr_topology *t)
{
	struct pr_import_error error = { .text = "" };
	_cleanup_free_ char *text = NULL;
	struct pr_topology *again = NULL;
	char why[256] = "";
	size_t size;

	assert_int_equal(pr_snapshot_write(t, &text, &size), 0);
	if (pr_snapshot_read(text, size, &again, &error) != 0)
		fail_msg("as a snapshot: %u: %s", error.line, error.text);
	if (!pr_topology_equal(t, again, why, sizeof(why)))
		fail_msg("as a snapshot it differs: %s", why);
	pr_topology_free(again);
}

static void test_recording(void **state)
{
	const struct recording_case *c = *state;
	struct pr_finding findings[64];
	size_t functions = c->functions, bridges = c->bridges, n;
	struct pr_topology *t;

	if (!recordings_present())
		skip();
	t = import(c);
	if (!c->differs)
		index_counts(c->name, &functions, &bridges);
	assert_int_equal(t->n_functions, functions);
	assert_int_equal(count_bridges(t), bridges);

	n = pr_topology_check(t, findings, ARRAY_SIZE(findings));
	for (size_t i = 0; i < n && i < ARRAY_SIZE(findings); i++)
		if (!c->finding || !strstr(findings[i].text, c->finding))
			fail_msg("not expected: %s", findings[i].text);
	assert_int_equal(n, c->findings);
	assert_round_trip(t);
	pr_topology_free(t);
}

/* ---- every file ---- */

/* What is no machine, and why; and what is one and contradicts itself. */
#define ANY SIZE_MAX /* at least one */

static const struct other_file {
	const char *pattern, *why;
	size_t findings;
} other_files[] = {
	{ "*/iomem*.txt", "a table of addresses, for beside others", 0 },
	{ "*/ioports.txt", "the same", 0 },
	{ "*/board.xml", "what ACRN's board inspector wrote", 0 },
	{ "*/lspci-tree.txt", "the picture of lspci -t", 0 },
	{ "dell-precision-7530/lspci-plx.txt", "nothing but where it is from", 0 },
	{ "adlink-ava-altra/dmesg-resize-*.txt", "a resize: nothing is found in it", 0 },
	{ "nvidia-arm-nic-windows/report.txt", "windows: nothing is found in it", 0 },
	{ "qemu-cxl-switch/report.txt", "decoders: nothing is found in it", 0 },
	{ "amd-am5-sound-card-windows/dmesg.diff.txt", "two logs in one", 1 },
	{ "apple-powermac-g5/dmesg.txt", "I/O ports behind a bridge whose window is not told", 9 },
	{ "huawei-w510-kunpeng920/dmesg.txt", "windows that end anywhere, as they were read", 3 },
	{ "ibm-*/dmesg.txt", "PowerNV widens windows of a port over its own BAR", ANY },
	{ "raptor-talos-ii-rebar/dmesg-*.txt", "the same", ANY },
};

static const struct other_file *find_other(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(other_files); i++)
		if (fnmatch(other_files[i].pattern, name, 0) == 0)
			return &other_files[i];
	return NULL;
}

static bool has_row(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(recording_cases); i++)
		if (strcmp(recording_cases[i].name, name) == 0)
			return true;
	return false;
}

static void check_file(const char *name)
{
	const struct other_file *other = find_other(name);
	struct pr_import_notes notes = { .n = 0 };
	struct pr_import_error error = { .text = "" };
	struct pr_finding findings[64];
	_cleanup_free_ char *data = NULL;
	struct pr_topology *t = NULL;
	size_t size, n;
	int r;

	data = recording_read(name, &size);
	r = pr_input_read(data, size, NULL, &t, &notes, &error);
	if (r != 0 && !other)
		fail_msg("%s: line %u: %s", name, error.line, error.text);
	if (r == 0 && other && other->findings == 0)
		fail_msg("%s imports, and should be \"%s\"", name, other->why);
	if (r != 0)
		return;
	n = pr_topology_check(t, findings, ARRAY_SIZE(findings));
	if (other && other->findings == ANY ? n == 0 : n != (other ? other->findings : 0))
		fail_msg(
			"%s: %zu findings, the first: %s", name, n, n > 0 ? findings[0].text : "-");
	assert_round_trip(t);
	pr_topology_free(t);
}

static void every_file_without_a_row_is_a_machine_or_named(void **state)
{
	const size_t length = strlen(recording_path(""));
	glob_t files;

	(void)state;
	if (!recordings_present())
		skip();
	assert_int_equal(glob(recording_path("*/*"), 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		if (!has_row(files.gl_pathv[i] + length))
			check_file(files.gl_pathv[i] + length);
	globfree(&files);
}

int main(void)
{
	struct rows tests = { 0 };

	ADD_ROWS(&tests, recording_cases, test_recording);
	ADD_TEST(&tests, every_file_without_a_row_is_a_machine_or_named);
	return rows_run(&tests, "recordings");
}
