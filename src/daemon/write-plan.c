/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans as text; see write-plan.h. */
#include "daemon/write-plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "daemon/say.h"

/* ---- prediction ---- */

static void write_resource(struct pr_json *j, const struct pr_resource *r)
{
	pr_json_object(j, NULL);
	pr_json_u64(j, "index", r->index);
	pr_json_string(j, "kind", pr_resource_kind(r));
	pr_json_string(j, "state", pr_resource_state_name(r->state));
	if (r->state == PR_RES_ASSIGNED) {
		pr_json_hex(j, "start", r->range.first);
		pr_json_hex(j, "end", r->range.last);
	}
	pr_json_object_end(j);
}

static void write_function(struct pr_json *j, const struct pr_function *f)
{
	char address[PR_ADDRESS_MAX], path[PR_FUNCTION_PATH_MAX];

	pr_address_format(&f->address, address);
	if (pr_function_path(f, path, sizeof(path)) < 0)
		path[0] = '\0'; /* a tree deeper than any bus numbering allows */
	pr_json_object(j, NULL);
	pr_json_string(j, "path", path);
	pr_json_string(j, "address", address);
	pr_json_string(j, "health", pr_health_name(pr_function_health(f)));
	if (f->bridge) {
		pr_json_u64(j, "secondary", f->bridge->secondary);
		pr_json_u64(j, "subordinate", f->bridge->subordinate);
	}
	pr_json_array(j, "resources");
	for (size_t i = 0; i < f->n_resources; i++)
		write_resource(j, &f->resources[i]);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

static void write_functions(struct pr_json *j, const struct pr_topology *t)
{
	pr_json_array(j, "functions");
	for (size_t i = 0; t && i < t->n_roots; i++)
		for (size_t k = 0; k < t->roots[i]->n_functions; k++)
			if (!t->roots[i]->functions[k].removed)
				write_function(j, &t->roots[i]->functions[k]);
	pr_json_array_end(j);
}

void pr_write_prediction(struct pr_text *t, const struct pr_plan *p)
{
	struct pr_json j;

	pr_json_init(&j, t);
	pr_json_object(&j, NULL);
	pr_json_string(&j, "schema", "pciroom.prediction/1");
	pr_json_string(&j, "plan", p->id);
	write_functions(&j, p->prediction);
	pr_json_object_end(&j);
	pr_text_add(t, "\n");
}

/* ---- script ---- */

static void write_step(struct pr_text *t, const struct pr_step *step)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&step->address, address);
	pr_text_printf(t, "\n# %s\n", pr_say_step(step).text);
	switch (step->kind) {
	case PR_STEP_UNBIND:
		pr_text_printf(t, "echo %s > /sys/bus/pci/drivers/%s/unbind\n", address,
			step->driver ? step->driver : "");
		break;
	case PR_STEP_WRITE:
		pr_text_printf(t, "setpci -s %s %02x.%c=%0*" PRIx32 "\n", address, step->offset,
			step->width == 1   ? 'b'
			: step->width == 2 ? 'w'
					   : 'l',
			2 * step->width, step->value);
		break;
	case PR_STEP_RESIZE:
		pr_text_printf(t, "echo %d > /sys/bus/pci/devices/%s/resource%u_resize\n",
			63 - __builtin_clzll(step->size >> 20), address, step->index - PR_BAR0);
		break;
	case PR_STEP_REMOVE:
		pr_text_printf(t, "echo 1 > /sys/bus/pci/devices/%s/remove\n", address);
		break;
	case PR_STEP_RESCAN:
		if (step->root_bus)
			pr_text_printf(t, "echo 1 > /sys/class/pci_bus/%04" PRIx32 ":%02x/rescan\n",
				step->address.domain, step->address.bus);
		else
			pr_text_printf(t, "echo 1 > /sys/bus/pci/devices/%s/rescan\n", address);
		break;
	case PR_STEP_VFS:
		pr_text_printf(t, "echo %" PRIu32 " > /sys/bus/pci/devices/%s/sriov_numvfs\n",
			step->value, address);
		break;
	case PR_STEP_EXPECT:
		pr_text_add(t, "lspci -vv\n");
		break;
	case _PR_STEP_MAX:
		break;
	}
}

/* By the path's address as it is predicted: bus numbers may have changed. */
static void write_vfs(struct pr_text *t, const struct pr_plan *p)
{
	char address[PR_ADDRESS_MAX];

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct pr_step *step = &p->steps[i];
		const struct pr_function *f;

		if (step->kind != PR_STEP_VFS || step->value != 0)
			continue;
		f = pr_topology_find(p->topology, &step->address);
		f = f && p->prediction ? pr_topology_same(p->prediction, f) : f;
		pr_address_format(f ? &f->address : &step->address, address);
		pr_text_printf(t,
			"\n# virtual functions as before, when the driver is there\n"
			"echo %" PRIu32 " > /sys/bus/pci/devices/%s/sriov_numvfs\n",
			step->old, address);
	}
}

void pr_write_script(struct pr_text *t, const struct pr_plan *p)
{
	pr_text_printf(t,
		"#!/bin/sh\n"
		"# Plan %s of pciroom, for the machine as it was (generation %016" PRIx64 ").\n"
		"# \"pciroom apply\" does the same, saves settings, checks each step, and puts things\n"
		"# back when one fails; this does not.\n"
		"set -eu\n",
		p->id, p->generation);
	for (size_t i = 0; i < p->n_steps; i++)
		write_step(t, &p->steps[i]);
	write_vfs(t, p);
}
