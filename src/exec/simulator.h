/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rooms of the simulator share.  Private to backend-simulator.c and simulator-*.c. */
#pragma once

#include "pciroom/exec.h"

/* One byte written to configuration space. */
struct pr_simulated_byte {
	const char *path;
	uint16_t offset;
	uint8_t value;
};

/* A setting that differs from what it is by default. */
struct pr_simulated_setting {
	const char *path, *name, *value;
};

struct pr_simulator {
	struct pr_kernel kernel;
	const struct pr_topology *now; /* borrowed at the start, then the last of the chain */
	struct pr_topology **chain;    /* each shares host bridges with the one before */
	size_t n_chain;
	const char **driver; /* bound now; by pr_simulator_index() */
	bool *reborn;        /* found anew: settings of the facts are forgotten; the same */
	struct pr_simulated_byte *written;
	size_t n_written;
	struct pr_simulated_setting *attributes;
	size_t n_attributes;
	bool autoprobe, honours_autoprobe;
	struct pr_arena *arena;
};

/* ---- functions and the model ---- */

/* Counts functions over all host bridges; positions do not change from one topology to the next. */
size_t pr_simulator_index(const struct pr_topology *t, const struct pr_function *f);
/* NULL when it is not there, or away. */
struct pr_function *pr_simulator_find(const struct pr_simulator *s, const struct pr_address *a);
const char *pr_simulator_driver(const struct pr_simulator *s, const struct pr_function *f);
int pr_simulator_act(struct pr_simulator *s, const struct pr_action *action);

/* ---- settings ---- */

/*
 * The value now; NULL when the function has no such setting.  @f: of any topology, at the position
 * @index of each.
 */
const char *pr_simulator_setting(const struct pr_simulator *s, const struct pr_function *f,
	size_t index, const char *path, const char *name);
void pr_simulator_forget_settings(struct pr_simulator *s, const char *path);
bool pr_simulator_has_vfs(const struct pr_function *f);
unsigned int pr_simulator_vfs(const struct pr_simulator *s, const struct pr_function *f);
bool pr_simulator_may_bind(const struct pr_simulator *s, const struct pr_function *f);
/* The driver that the kernel takes. */
const char *pr_simulator_match(
	const struct pr_simulator *s, const struct pr_function *f, const char *path);
int pr_simulator_attributes(void *instance, const struct pr_address *a, char *ret, size_t size);
int pr_simulator_set_attribute(
	void *instance, const struct pr_address *a, const char *name, const char *value);

/* ---- registers ---- */

int pr_simulator_read(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t *ret);
int pr_simulator_write(
	void *instance, const struct pr_address *a, uint16_t offset, uint8_t width, uint32_t value);
void pr_simulator_forget_bytes(
	struct pr_simulator *s, const struct pr_function *f, const char *path);
const uint8_t *pr_simulator_config(const struct pr_simulator *s, struct pr_topology *t,
	const struct pr_facts *facts, const char *path);
#define PR_SIMULATOR_SIZES_MAX 12 /* of one function: BARs, and those of its virtual functions */
/* What was written to the control registers of @f, for the kernel that finds it again. */
size_t pr_simulator_sizes(
	const struct pr_simulator *s, const struct pr_function *f, struct pr_action *ret);
/* The kernel writes the size to the register, too. */
int pr_simulator_set_size(
	struct pr_simulator *s, const struct pr_function *f, unsigned int bar, unsigned int order);
