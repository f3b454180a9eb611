/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files that read lspci's output share.  A function is an image of
 * configuration space that fills up from two sides: hexadecimal lines are its
 * bytes, verbose text states what some of them must have been.  lspci-build.c
 * makes facts of it when all lines are read.
 */
#pragma once

#include "import/companions.h"

#define PR_LSPCI_CONFIG_MAX 4096

/* Where a byte of an image is from; a stronger source overrides a weaker one. */
enum pr_lspci_byte {
	PR_BYTE_UNKNOWN = 0,
	PR_BYTE_IMPLIED, /* part of what text says: what matters of the byte is right */
	PR_BYTE_STATED,  /* text says just this */
	PR_BYTE_DUMPED,
};

struct pr_lspci_region {
	bool present; /* printed */
	bool io, is_64bit, prefetchable;
	bool ignored;  /* the register has an address that the kernel does not use */
	bool virtual;  /* the kernel has an address that the register lacks */
	bool enhanced; /* from an Enhanced Allocation capability */
	bool has_address;
	uint64_t address, size; /* size 0: not printed */
};

enum pr_lspci_window_state {
	PR_SHOWN_NOT = 0, /* no line: closed, if there is verbose text at all */
	PR_SHOWN_CLOSED,
	PR_SHOWN_OPEN,
};
struct pr_lspci_window {
	enum pr_lspci_window_state state;
	uint8_t width; /* 16, 32, 64; 0: not printed */
	struct pr_range range;
};

/* What verbose text says beside bytes. */
struct pr_lspci_text {
	bool verbose; /* it has lines of text */
	bool bridge;  /* a line of bus numbers */
	bool memory_off, io_off, memory_on, io_on, master;
	/* in the order printed; numbered from -vv on */
	struct pr_lspci_region regions[6];
	int numbers[6]; /* -1: not numbered */
	size_t n_regions;
	struct pr_lspci_region rom;
	bool rom_off, rom_shadow;
	struct pr_lspci_window windows[3];
	uint16_t last_standard,
		last_extended; /* offsets of capabilities, to be linked to the next */
	bool list_hidden, has_control;
	const char *driver, *slot, *label;
	int numa_node, iommu_group;
	/* while its lines are read: the capability, its kind, the block of registers */
	uint16_t cap, cap_id;
	char block[12];
	unsigned int n_entries;
};

struct pr_lspci_function {
	struct pr_address address;
	unsigned int line; /* of its header */
	/* both of PR_LSPCI_CONFIG_MAX while it is read, of @length when it is kept */
	uint8_t *bytes, *origin;
	size_t length; /* one behind the last byte that is not PR_BYTE_UNKNOWN */
	struct pr_lspci_text text;
};

struct pr_lspci {
	struct pr_arena *arena;
	struct pr_import_error *error;
	struct pr_lspci_function *functions;
	size_t n_functions, max_functions;
	uint32_t *seen; /* open-addressed table of indices into functions, plus one */
	size_t n_seen;  /* a power of two, 0 at first */
	unsigned int line;
	bool sizes;       /* some region shows its size */
	bool contradicts; /* and @error says where */
	/* the one being read; NULL before the first */
	struct pr_lspci_function *current;
	uint8_t bytes[PR_LSPCI_CONFIG_MAX], origin[PR_LSPCI_CONFIG_MAX];
};

/*
 * Text says that @n bytes from @offset on are @value, little-endian.  Sets
 * @p->contradicts when other bytes were dumped or stated before; a weaker
 * origin then changes nothing.
 */
void pr_lspci_put(struct pr_lspci *p, unsigned int offset, unsigned int n, uint64_t value,
	enum pr_lspci_byte origin);
/* Sets bits of a register of @n bytes, which counts as all zero before; implied. */
void pr_lspci_or(struct pr_lspci *p, unsigned int offset, unsigned int n, uint32_t bits);

/* One line of the current function, NUL-terminated; @depth counts its indentation, from 0 on. */
void pr_lspci_header(struct pr_lspci *p, const char *line);
void pr_lspci_attribute(struct pr_lspci *p, unsigned int depth, const char *line);
/* The lines below "Capabilities:", and that line itself. */
void pr_lspci_capability(struct pr_lspci *p, const char *rest);
void pr_lspci_capability_line(struct pr_lspci *p, const char *line);
/* No more capabilities come: the lists end here. */
void pr_lspci_capabilities_end(struct pr_lspci *p);
/*
 * "Region 0: Memory at f0000000 (64-bit, prefetchable) [size=16M]" and its kin; @ret_number -1
 * when it has none.  False when @line is no region.
 */
bool pr_lspci_region(const char *line, struct pr_lspci_region *ret, int *ret_number);
/* 1: "NAME+" is a word of @line, 0: "NAME-", -1: neither. */
int pr_lspci_flag(const char *line, const char *name);
/* Number behind the first @key of @line; false when there is none. */
bool pr_lspci_number(const char *line, const char *key, int base, uint64_t *ret);

/* ---- tables (lspci-names.c) ---- */

/* Class and subclass by the name that pci.ids has for it; false when it is not known here. */
bool pr_lspci_class(const char *name, size_t n, uint16_t *ret);
/* Id of a standard (@extended false) or extended capability by what lspci prints. */
bool pr_lspci_cap_id(const char *name, bool extended, uint16_t *ret);

/* The function of that address, NULL when there is none. */
struct pr_lspci_function *pr_lspci_find(const struct pr_lspci *p, const struct pr_address *a);
/* @f becomes the current one again, and pr_lspci_keep() takes its image back to the arena. */
void pr_lspci_resume(struct pr_lspci *p, struct pr_lspci_function *f);
int pr_lspci_keep(struct pr_lspci *p);

/* All functions to facts and a topology. */
int pr_lspci_build(struct pr_lspci *p, const struct pr_companions *companions,
	struct pr_topology **ret, struct pr_import_notes *notes);
