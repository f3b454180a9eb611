/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading copies of sysfs beside lstopo of hwloc, which reads them too: whole
 * processes, in turns.
 */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench.h"

/*
 * lstopo reads no machine without a processor, and the recordings are cut to what is PCI: it gets one,
 * which costs it next to nothing.
 */
static bool add_processor(const char *directory)
{
	static const struct {
		const char *path, *text; /* NULL: a directory */
	} entries[] = {
		{ "sys/devices/system", NULL },
		{ "sys/devices/system/cpu", NULL },
		{ "sys/devices/system/cpu/online", "0\n" },
		{ "sys/devices/system/cpu/cpu0", NULL },
		{ "sys/devices/system/cpu/cpu0/topology", NULL },
		{ "sys/devices/system/cpu/cpu0/topology/core_id", "0\n" },
		{ "sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n" },
		{ "sys/devices/system/cpu/cpu0/topology/core_cpus", "1\n" },
		{ "sys/devices/system/cpu/cpu0/topology/package_cpus", "1\n" },
		{ "proc", NULL },
		{ "proc/cpuinfo", "processor\t: 0\n" },
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		FILE *f;

		(void)snprintf(path, sizeof(path), "%s/%s", directory, entries[i].path);
		if (!entries[i].text) {
			(void)mkdir(path, 0700); /* it may be there */
			continue;
		}
		f = fopen(path, "we");
		if (!f || fputs(entries[i].text, f) < 0 || fclose(f) != 0)
			return false;
	}
	return true;
}

static bool unpack(char *archive, char *directory)
{
	char tar[] = "tar", to[] = "-C", option[] = "-xf";
	char *argv[] = { tar, to, directory, option, archive, NULL };

	return mkdtemp(directory) && bench_process(argv) >= 0 && add_processor(directory);
}

static void delete (char *directory)
{
	char rm[] = "rm", option[] = "-rf";
	char *argv[] = { rm, option, directory, NULL };

	(void)bench_process(argv); /* what stays is in a temporary place */
}

static bool time_both(char *pciroom, char *directory, double *ret_ours, double *ret_lstopo)
{
	char tree[] = "tree", input[] = "--input", program[] = "lstopo-no-graphics",
	     kind[] = "--if", root[] = "fsroot", all[] = "--whole-io", format[] = "--of",
	     console[] = "console";
	char *ours[] = { pciroom, tree, input, directory, NULL };
	char *lstopo[] = { program, kind, root, input, directory, all, format, console, NULL };

	return bench_turns(ours, lstopo, ret_ours, ret_lstopo);
}

static void time_archive(char *pciroom, char *archive, const char *name)
{
	char directory[] = "/tmp/pciroom-bench-XXXXXX";
	double ours, lstopo;

	if (!unpack(archive, directory))
		printf("%-42s cannot be unpacked\n", name);
	else if (!time_both(pciroom, directory, &ours, &lstopo))
		printf("%-42s one of the programs failed (lstopo is in hwloc-nox)\n", name);
	else
		printf("%-42s %14.2f  %9.2f\n", name, ours, lstopo);
	delete (directory);
}

void bench_trees(const char *directory, char *pciroom)
{
	char pattern[PATH_MAX];
	glob_t found;

	(void)snprintf(pattern, sizeof(pattern), "%s/*/sysfs.tar.*", directory);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	printf("\nloading copies of sysfs (milliseconds)\n%-42s %14s  %9s\n", "copy",
		"pciroom tree", "lstopo");
	for (size_t i = 0; i < found.gl_pathc; i++)
		time_archive(pciroom, found.gl_pathv[i], found.gl_pathv[i] + strlen(directory) + 1);
	globfree(&found);
}
