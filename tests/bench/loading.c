/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading hexadecimal dumps beside lspci, in turns: whole processes
 * (pciroom tree --input, lspci -F), and the parsing alone beside libpci's.
 */
#include <fcntl.h>
#include <limits.h>
#include <pci/pci.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench.h"
#include "pciroom/import.h"

#define PROCESSES 21

extern char **environ;

static const char *const dumps[] = {
	"huananzhi-x99-qd4/lspci.txt",
	"lambda-vector-wrx80/lspci.txt",
	"asus-p6t6-ws/lspci.txt",
	"msi-b550-nested-switches/lspci.txt",
	"ich7m-netbook/lspci.txt",
	"sifive-hifive-unmatched/lspci-xxxx.txt",
	"arm-n1sdp-pex8749/lspci.txt",
	"freescale-p2020/lspci.txt",
	"hpe-cray-xd675-8gpu/lspci-xxx.txt",
};

/* ---- processes ---- */

static double milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

double bench_process(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	struct rusage usage = { 0 };
	int status = -1;
	pid_t child;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&child, argv[0], &actions, NULL, argv, environ) != 0)
		child = -1;
	(void)posix_spawn_file_actions_destroy(&actions);
	if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) ||
		WEXITSTATUS(status) != 0)
		return -1;
	return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
}

bool bench_turns(char *const ours[], char *const other[], double *ret_ours, double *ret_other)
{
	struct bench_samples a = { .n = 0 }, b = { .n = 0 };

	for (unsigned int i = 0; i < PROCESSES; i++) {
		double x = bench_process(ours), y = bench_process(other);

		if (x < 0 || y < 0)
			return false;
		bench_sample(&a, x);
		bench_sample(&b, y);
	}
	*ret_ours = bench_median(&a);
	*ret_other = bench_median(&b);
	return true;
}

static bool time_processes(char *pciroom, char *path, double *ret_ours, double *ret_lspci)
{
	char tree[] = "tree", input[] = "--input", program[] = "lspci", option[] = "-F";
	char *ours[] = { pciroom, tree, input, path, NULL };
	char *lspci[] = { program, option, path, NULL };

	return bench_turns(ours, lspci, ret_ours, ret_lspci);
}

/* ---- parsing alone ---- */

static double time_ours(const char *path)
{
	struct bench_samples samples = { .n = 0 };
	static char data[8 << 20];
	struct pr_import_error error;
	struct pr_topology *t;

	while (bench_wants_more(&samples)) {
		double start = bench_now();
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));

		if (fd >= 0)
			(void)close(fd); /* only read from */
		if (n < 0 || pr_lspci_read(data, (size_t)n, NULL, &t, NULL, &error) != 0)
			return -1;
		pr_topology_free(t);
		bench_sample(&samples, bench_now() - start);
	}
	return bench_median(&samples);
}

/* As far as lspci gets before it prints: the dump in memory, a list of functions. */
static double time_libpci(char *path)
{
	struct bench_samples samples = { .n = 0 };
	char name[] = "dump.name";

	while (bench_wants_more(&samples)) {
		double start = bench_now();
		struct pci_access *access = pci_alloc();

		access->method = PCI_ACCESS_DUMP;
		(void)pci_set_param(access, name, path);
		pci_init(access);
		pci_scan_bus(access);
		pci_cleanup(access);
		bench_sample(&samples, bench_now() - start);
	}
	return bench_median(&samples);
}

void bench_loading(const char *directory, char *pciroom)
{
	double ours, lspci;
	char path[PATH_MAX];
	size_t slower = 0, n = 0;

	printf("\nloading dumps (milliseconds): whole processes, and parsing alone\n%-42s %14s  %9s  "
	       "%11s  %11s\n",
		"dump", "pciroom tree", "lspci -F", "pciroom", "libpci");
	for (size_t i = 0; i < ARRAY_SIZE(dumps); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, dumps[i]);
		if (access(path, R_OK) != 0)
			continue;
		if (!time_processes(pciroom, path, &ours, &lspci)) {
			printf("%-42s one of the programs failed\n", dumps[i]);
			continue;
		}
		n++;
		slower += ours > lspci;
		printf("%-42s %14.2f  %9.2f  %11.3f  %11.3f\n", dumps[i], ours, lspci,
			time_ours(path), time_libpci(path));
	}
	if (n == 0)
		printf("no dumps at %s\n", directory);
	else
		printf("target, no slower than lspci -F: %s (%zu of %zu dumps are slower)\n",
			slower == 0 ? "met" : "missed", slower, n);
}
