/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Importers: live machines and recordings to topologies.  Parsers eat buffers;
 * every error names its place.
 */
#pragma once

#include "pciroom/plan.h"

struct pr_import_error {
	unsigned int line, column; /* of a text; 0: does not apply */
	char text[256];            /* sentence; names file, function or key */
};

/* Reads that need privilege; a NULL function means: this process reads for itself. */
struct pr_prober {
	void *userdata;
	/* Known prefix of configuration space into @buffer. */
	int (*config)(void *userdata, const struct pr_address *a, uint8_t *buffer, size_t size,
		size_t *ret);
	/* @name "iomem" or "ioports"; malloc'ed, NUL-terminated. */
	int (*file)(void *userdata, const char *name, char **ret, size_t *ret_size);
	/* All-ones readback of the BARs of a driverless function; NULL: sizes stay unknown. */
	int (*measure)(void *userdata, const struct pr_address *a, struct pr_bar_mask *ret,
		size_t max, size_t *ret_n);
	/* List of base/processes.h; malloc'ed, NUL-terminated. */
	int (*processes)(void *userdata, char **ret, size_t *ret_size);
	/* The running kernel's log; malloc'ed, NUL-terminated. */
	int (*log)(void *userdata, char **ret, size_t *ret_size);
};
/*
 * Files beside a recording: the text of /proc/iomem, of /proc/ioports, and of
 * the kernel's log, which fills the gaps that are left; NULL: not given.
 */
struct pr_companions {
	const char *iomem, *ioports, *dmesg;
	size_t iomem_size, ioports_size, dmesg_size;
	const char *iomem_name, *ioports_name; /* for errors */
};

struct pr_live_options {
	const char *root;               /* "/" or a directory that holds sys/ and proc/ */
	const struct pr_prober *prober; /* may be NULL */
	bool users;        /* look for users of functions (mounts, interfaces, open nodes) */
	const char *state; /* directory of our own journal, which is a user too; NULL: none */
	const struct pr_companions *companions; /* instead of the files in proc/; may be NULL */
	unsigned int patience_ms; /* with a device whose driver hangs; 0: a few seconds */
	bool copied;              /* files of a recording: none hangs */
};
/* 0, 1 with @error for contradictions in what was read, negative errno with @error. */
int pr_import_live(const struct pr_live_options *options, struct pr_topology **ret,
	struct pr_import_error *error);

/*
 * Adds to @plan what its new addresses change on the machine at @root: names of network interfaces,
 * links in /dev, files of configuration that name what is gone then.  Reads at most some megabytes.
 * 0, or -ENOMEM; what cannot be read is said in @plan->effects_unseen.
 */
int pr_effects_find(struct pr_plan *plan, const char *root);

/* Has the kernel a device of that address now?  One look, no import. */
bool pr_live_present(const char *root, const struct pr_address *a);

/*
 * Snapshot YAML (section 9 of the design).  Writing gives malloc'ed text; reading it back gives an
 * equal topology.
 */
/* 0; -EILSEQ when a text in @t is not UTF-8 (importers see to it that it is), -ENOMEM. */
int pr_snapshot_write(const struct pr_topology *t, char **ret, size_t *ret_size);
/*
 * 0; 1 with @error for facts that contradict each other; -EINVAL (not a snapshot), -EFBIG, -ENOMEM
 * with @error.
 */
int pr_snapshot_read(
	const char *text, size_t size, struct pr_topology **ret, struct pr_import_error *error);

/* ---- recordings that others made ---- */

/* What a recording does not say, and what that costs: a sentence each. */
struct pr_import_note {
	char missing[160], cost[160];
};
#define PR_IMPORT_NOTES_MAX 16
struct pr_import_notes {
	size_t n;
	struct pr_import_note note[PR_IMPORT_NOTES_MAX];
};

enum pr_input_kind {
	PR_INPUT_UNKNOWN = 0, /* read as a snapshot, it gives an error that says where and why */
	PR_INPUT_SNAPSHOT,
	PR_INPUT_LSPCI,
	PR_INPUT_DMESG,   /* a kernel log of a boot */
	PR_INPUT_ARCHIVE, /* a tar file of a sysfs tree, compressed or not */
	PR_INPUT_UMOCKDEV,
	PR_INPUT_DIRECTORY, /* a sysfs tree; never detected from bytes */
};
enum pr_input_kind pr_input_detect(const char *data, size_t size);
const char *pr_input_kind_name(enum pr_input_kind kind);

/*
 * Output of lspci, of any version since 3.0: hexadecimal lines (-x, -xxx, -xxxx), verbose text (-v,
 * -vv, -vvv), both, or the bare list.  Bytes go to the decoder as they are; text gives what bytes do
 * not (sizes, the kernel's addresses, drivers, groups), and stands in for bytes that are not there.
 * 0; 1 with @error for text and bytes that contradict each other; -EINVAL (no function in it, or a
 * line of bytes that is broken), -EFBIG, -ENOMEM with @error.  @companions and @notes may be NULL.
 */
int pr_lspci_read(const char *text, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error);

/*
 * A copy of a machine's sys/ (and proc/) in a directory: as pr_import_live(), which see; @path may
 * also be the copied sys itself, or hold the directory that holds it.  -ENOENT when nothing is there.
 */
int pr_tree_read(const char *path, const struct pr_companions *companions, struct pr_topology **ret,
	struct pr_import_notes *notes, struct pr_import_error *error);
/*
 * A tar file of such a copy, also compressed (gzip, xz, zstd, bzip2).  It is unpacked into a private
 * directory for the time of the call.  -EBADMSG (no such archive, damaged), -EINVAL (nothing of
 * /sys in it), -EFBIG beside what pr_tree_read() gives.
 */
int pr_archive_read(const char *data, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error);

/* Bytes as gzip, xz, zstd and bzip2 begin. */
bool pr_is_compressed(const char *data, size_t size);
/*
 * The one file that is compressed so: 0 and malloc'ed text, NUL-terminated; 1: it is an archive, for
 * pr_archive_read(); -EBADMSG (damaged), -EFBIG, -ENOSYS (no libarchive), -ENOMEM with @error.
 */
int pr_decompress(
	const char *data, size_t size, char **ret, size_t *ret_size, struct pr_import_error *error);

/*
 * What umockdev-record prints, of all devices or of some: the functions in it as pr_tree_read(), in
 * the same way as of an archive.  -EINVAL for what is no such text, with its line, and for one
 * without PCI functions.
 */
int pr_umockdev_read(const char *text, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error);

/* A kernel log as a recording of its own: the machine at its end (pciroom/dmesg.h). */
int pr_log_read(const char *text, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error);

/* Whatever pr_input_detect() says that it is, with its reader's result. */
int pr_input_read(const char *data, size_t size, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes, struct pr_import_error *error);
