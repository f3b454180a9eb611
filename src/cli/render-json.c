/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations, plans and trees as JSON.  Keys and enumerations are a promise
 * (schema version in "schema"); sentences are not.  Every key is always
 * there; what is not known or does not apply is null.
 */
#include <stdio.h>

#include "cli/input.h"
#include "cli/render.h"

#define PATH_MAX_TEXT 512

static void json_path(struct pr_json *j, const struct pr_function *f)
{
	char path[PATH_MAX_TEXT];

	if (pr_function_path(f, path, sizeof(path)) < 0)
		pr_json_null(j, "path");
	else
		pr_json_string(j, "path", path);
}

static void json_address(struct pr_json *j, const char *key, const struct pr_address *a)
{
	pr_json_string(j, key, pr_name_of(a).text);
}

void pr_json_identity(struct pr_json *j, const struct pr_function *f)
{
	json_address(j, "address", &f->address);
	json_path(j, f);
}

void pr_json_size(struct pr_json *j, const char *key, uint64_t size)
{
	if (size == PR_SIZE_UNKNOWN)
		pr_json_null(j, key);
	else
		pr_json_hex(j, key, size);
}

/* Vendor, device and class; null for a header that could not be read. */
static void json_ids(struct pr_json *j, const struct pr_function *f)
{
	const struct {
		const char *key;
		uint32_t value;
		int digits;
		bool known;
	} ids[] = { { "vendor", f->header.vendor, 4, f->header.has_ids },
		{ "device", f->header.device, 4, f->header.has_ids },
		{ "class", f->header.class_code, 6, f->header.has_class } };
	char text[16];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		(void)snprintf(text, sizeof(text), "0x%0*x", ids[i].digits, ids[i].value);
		pr_json_string(j, ids[i].key, ids[i].known ? text : NULL);
	}
}

void pr_json_functions(
	struct pr_json *j, const char *key, const struct pr_function *const *f, size_t n)
{
	pr_json_array(j, key);
	for (size_t i = 0; i < n; i++) {
		pr_json_object(j, NULL);
		pr_json_identity(j, f[i]);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

void pr_json_range(struct pr_json *j, const struct pr_range *range)
{
	pr_json_hex(j, "start", range->first);
	pr_json_hex(j, "end", range->last);
}

static void json_ranges(struct pr_json *j, const char *key, const struct pr_range *ranges, size_t n)
{
	pr_json_array(j, key);
	for (size_t i = 0; i < n; i++) {
		pr_json_object(j, NULL);
		pr_json_range(j, &ranges[i]);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

/* ---- explain ---- */

static void json_level(struct pr_json *j, const char *key, const struct pr_level *level,
	const struct pr_function *f)
{
	char root[PR_ROOT_NAME_MAX];

	pr_json_object(j, key);
	if (level->bridge) {
		json_address(j, "bridge", &level->bridge->address);
		json_path(j, level->bridge);
	} else {
		pr_json_null(j, "bridge");
		pr_json_string(j, "path", pr_root_name(f->root, root));
	}
	pr_json_string(j, "window", pr_window_name(level->window));
	pr_json_bool(j, "known", level->known);
	pr_json_bool(j, "open", level->open);
	pr_json_size(j, "size", level->known ? level->size : PR_SIZE_UNKNOWN);
	pr_json_size(j, "wanted", level->wanted);
	pr_json_size(j, "align", level->align);
	pr_json_size(j, "total_free", level->known ? level->space.total : PR_SIZE_UNKNOWN);
	pr_json_size(j, "largest_free", level->known ? level->space.largest : PR_SIZE_UNKNOWN);
	pr_json_size(j, "largest_aligned_free",
		level->known ? level->space.largest_aligned : PR_SIZE_UNKNOWN);
	pr_json_bool(j, "fits", level->fits);
	pr_json_object_end(j);
}

static void json_shortage(struct pr_json *j, const struct pr_shortage *x)
{
	const struct pr_resource *r = x->resource;

	pr_json_object(j, NULL);
	pr_json_u64(j, "index", r->index);
	pr_json_string(j, "name", pr_resource_name(r->index));
	pr_json_string(j, "kind", pr_resource_kind(r));
	pr_json_string(j, "state", pr_resource_state_name(r->state));
	pr_json_size(j, "size", x->size_known ? r->size : PR_SIZE_UNKNOWN);
	pr_json_size(j, "align", x->size_known ? r->align : PR_SIZE_UNKNOWN);
	if (x->choke)
		json_level(j, "choke", x->choke, x->function);
	else
		pr_json_null(j, "choke");
	pr_json_array(j, "levels");
	for (size_t i = 0; i < x->n_levels; i++)
		json_level(j, NULL, &x->levels[i], x->function);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

static void json_device(
	struct pr_json *j, const struct pr_explanation *e, const struct pr_function *f)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, f);
	pr_json_string(j, "health", pr_health_name(pr_function_health(f)));
	json_ids(j, f);
	pr_json_string(j, "driver", f->facts->driver);
	pr_json_array(j, "resources");
	for (size_t i = 0; i < e->n_shortages; i++)
		if (e->shortages[i].function == f)
			json_shortage(j, &e->shortages[i]);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

static bool seen_before(const struct pr_explanation *e, size_t n, const struct pr_function *f)
{
	for (size_t i = 0; i < n; i++)
		if (e->shortages[i].function == f)
			return true;

	return false;
}

static void json_bridges(struct pr_json *j, const struct pr_explanation *e)
{
	pr_json_array(j, "no_bus");
	for (size_t i = 0; i < e->n_no_bus; i++) {
		const struct pr_function *f = e->no_bus[i];

		pr_json_object(j, NULL);
		pr_json_identity(j, f);
		pr_json_u64(j, "secondary", f->bridge ? f->bridge->secondary : 0);
		pr_json_u64(j, "subordinate", f->bridge ? f->bridge->subordinate : 0);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);

	pr_json_array(j, "disagreeing");
	for (size_t i = 0; i < e->n_disagreeing; i++) {
		pr_json_object(j, NULL);
		pr_json_identity(j, e->disagreeing[i]);
		pr_json_array(j, "windows");
		for (unsigned int w = PR_WINDOW_IO; w <= PR_WINDOW_PREF; w++)
			if (pr_window_disagrees(e->disagreeing[i], w))
				pr_json_string(j, NULL, pr_window_name(w));
		pr_json_array_end(j);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

static void json_explanation(struct pr_json *j, const struct pr_explanation *e,
	const struct pr_function *const *named, size_t n_named)
{
	pr_json_array(j, "devices");
	for (size_t i = 0; i < e->n_shortages; i++)
		if (!seen_before(e, i, e->shortages[i].function))
			json_device(j, e, e->shortages[i].function);
	for (size_t i = 0; i < n_named; i++)
		if (!seen_before(e, e->n_shortages, named[i]))
			json_device(j, e, named[i]);
	pr_json_array_end(j);
	json_bridges(j, e);
	pr_json_u64(j, "unseen", e->n_unseen);
}

void pr_render_explanation_json(struct pr_json *j, const struct pr_explanation *e)
{
	json_explanation(j, e, NULL, 0);
}

void pr_render_explain_json(struct pr_json *j, const struct pr_diagnosis *d)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.explain/1");
	pr_json_string(j, "kernel", d->topology->machine.release);
	pr_json_hex(j, "generation", d->topology->generation);
	pr_json_notes(j, d->notes);
	json_explanation(j, d->explanation, d->named, d->n_named);
	pr_render_damage_json(j, d->explanation);
	if (d->plan) {
		pr_json_object(j, "remedy");
		pr_json_string(j, "verdict", pr_verdict_name(d->plan->verdict));
		pr_json_string(j, "why", d->plan->why);
		pr_json_object_end(j);
	} else {
		pr_json_null(j, "remedy");
	}
	pr_json_object_end(j);
}

/* ---- plan ---- */

/* Where a rescan happens: a function that stays, or the root bus itself. */
static void json_rescan_place(struct pr_json *j, const struct pr_step *step)
{
	char root[16];

	(void)snprintf(root, sizeof(root), "%04x:%02x", step->address.domain, step->address.bus);
	if (step->root_bus)
		pr_json_null(j, "address");
	else
		json_address(j, "address", &step->address);
	pr_json_string(j, "path", step->root_bus ? root : step->path);
	pr_json_string(j, "root_bus", step->root_bus ? root : NULL);
}

static void json_step(struct pr_json *j, const struct pr_step *step)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "kind", pr_step_name(step->kind));
	if (step->kind == PR_STEP_RESCAN) {
		json_rescan_place(j, step);
	} else if (step->kind == PR_STEP_EXPECT) {
		pr_json_null(j, "address");
		pr_json_null(j, "path");
	} else {
		json_address(j, "address", &step->address);
		pr_json_string(j, "path", step->path);
	}
	if (step->kind == PR_STEP_UNBIND)
		pr_json_string(j, "driver", step->driver);
	if (step->kind == PR_STEP_RESIZE) {
		pr_json_u64(j, "index", step->index);
		pr_json_hex(j, "size", step->size);
		pr_json_hex(j, "old_size", step->old_size);
	}
	if (step->kind == PR_STEP_WRITE) {
		pr_json_hex(j, "offset", step->offset);
		pr_json_u64(j, "width", step->width);
		pr_json_hex(j, "value", step->value);
		pr_json_hex(j, "old", step->old);
	}
	if (step->kind == PR_STEP_VFS) {
		pr_json_u64(j, "value", step->value);
		pr_json_u64(j, "old", step->old);
	}
	pr_json_object_end(j);
}

static void json_steps(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "rescan");
	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].kind != PR_STEP_RESCAN)
			continue;
		pr_json_object(j, NULL);
		json_rescan_place(j, &p->steps[i]);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);

	pr_json_array(j, "steps");
	for (size_t i = 0; i < p->n_steps; i++)
		json_step(j, &p->steps[i]);
	pr_json_array_end(j);
}

static void json_affected(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "affected");
	for (size_t i = 0; i < p->n_affected; i++) {
		const struct pr_affected *a = &p->affected[i];

		pr_json_object(j, NULL);
		pr_json_identity(j, a->function);
		pr_json_string(j, "driver", a->function->facts->driver);
		pr_json_string(j, "disruption", pr_disruption_name(a->disruption));
		pr_json_string(j, "reason", a->reason);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

static void json_predicted(struct pr_json *j, const struct pr_plan *p, const struct pr_function *f)
{
	const struct pr_function *now = pr_topology_same(p->prediction, f);

	for (size_t i = 0; now && i < now->n_resources; i++) {
		const struct pr_resource *r = &now->resources[i];

		if (r->state != PR_RES_ASSIGNED)
			continue;
		pr_json_object(j, NULL);
		pr_json_identity(j, f);
		pr_json_u64(j, "index", r->index);
		pr_json_string(j, "resource", pr_resource_name(r->index));
		pr_json_hex(j, "start", r->range.first);
		pr_json_hex(j, "end", r->range.last);
		pr_json_object_end(j);
	}
}

static bool is_affected(const struct pr_plan *p, const struct pr_function *f)
{
	for (size_t i = 0; i < p->n_affected; i++)
		if (p->affected[i].function == f)
			return true;

	return false;
}

static void json_prediction(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "prediction");
	for (size_t i = 0; p->prediction && i < p->n_affected; i++)
		json_predicted(j, p, p->affected[i].function);
	for (size_t i = 0; p->prediction && i < p->n_targets; i++)
		if (!is_affected(p, p->targets[i]))
			json_predicted(j, p, p->targets[i]);
	pr_json_array_end(j);
}

/* What windows are to have, whatever is behind them. */
static void json_reserves(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "reserves");
	for (size_t i = 0; i < p->n_reserves; i++) {
		const struct pr_reserve *r = &p->reserves[i];

		pr_json_object(j, NULL);
		pr_json_identity(j, pr_topology_find(p->topology, &r->bridge));
		pr_json_string(j, "window", pr_window_name(r->window));
		pr_json_hex(j, "size", r->size);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

/* What the prediction says of bus numbers: bridges whose range changes. */
static void json_buses(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "buses");
	for (size_t i = 0; p->prediction && i < p->n_affected; i++) {
		const struct pr_function *f = p->affected[i].function;
		const struct pr_function *now = pr_topology_same(p->prediction, f);

		if (!f->bridge || (f->bridge->secondary == now->bridge->secondary &&
					  f->bridge->subordinate == now->bridge->subordinate))
			continue;
		pr_json_object(j, NULL);
		pr_json_identity(j, f);
		pr_json_u64(j, "secondary", now->bridge->secondary);
		pr_json_u64(j, "subordinate", now->bridge->subordinate);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);

	pr_json_array(j, "unseen");
	for (size_t i = 0; i < p->n_unseen; i++) {
		const struct pr_function *now = pr_topology_same(p->prediction, p->unseen[i]);

		pr_json_object(j, NULL);
		pr_json_identity(j, p->unseen[i]);
		pr_json_u64(j, "secondary", now->bridge->secondary);
		pr_json_u64(j, "subordinate", now->bridge->subordinate);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

static void json_effect(struct pr_json *j, const struct pr_effect *e)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "kind", pr_effect_name(e->kind));
	pr_json_identity(j, e->function);
	pr_json_string(j, "before", e->before);
	pr_json_string(j, "after", e->after);
	pr_json_string(j, "file", e->file);
	if (e->line > 0)
		pr_json_u64(j, "line", e->line);
	else
		pr_json_null(j, "line");
	pr_json_string(j, "text", e->text);
	pr_json_object_end(j);
}

/* What follows from new addresses. */
static void json_effects(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "effects");
	for (size_t i = 0; i < p->n_effects; i++)
		json_effect(j, &p->effects[i]);
	pr_json_array_end(j);
	pr_json_string(j, "effects_unseen", p->effects_unseen);
}

static void json_left(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "left");
	for (size_t i = 0; i < p->n_left; i++) {
		pr_json_object(j, NULL);
		pr_json_identity(j, p->left[i].function);
		pr_json_u64(j, "index", p->left[i].resource->index);
		pr_json_string(j, "resource", pr_resource_name(p->left[i].resource->index));
		pr_json_size(j, "size", p->left[i].resource->size);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

static void json_attempts(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "attempts");
	for (size_t i = 0; i < p->n_attempts; i++) {
		const struct pr_attempt *a = &p->attempts[i];

		pr_json_object(j, NULL);
		if (a->top) {
			pr_json_identity(j, a->top);
		} else {
			pr_json_null(j, "address");
			pr_json_null(j, "path");
		}
		pr_json_bool(j, "good", a->good);
		pr_json_string(j, "why", a->why);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

/* Where a resource would lie in an arrangement that nobody makes. */
static void json_placed(struct pr_json *j, const struct pr_certificate *c)
{
	pr_json_array(j, "placed");
	for (size_t i = 0; i < c->n_placed; i++) {
		pr_json_object(j, NULL);
		pr_json_identity(j, c->placed[i].function);
		pr_json_u64(j, "index", c->placed[i].index);
		pr_json_string(j, "resource", pr_resource_name(c->placed[i].index));
		pr_json_hex(j, "start", c->placed[i].range.first);
		pr_json_hex(j, "end", c->placed[i].range.last);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

/* Of why nothing fits: what is too small, and by how much. */
static void json_proof(struct pr_json *j, const struct pr_certificate *c)
{
	pr_json_object(j, "proof");
	pr_json_string(j, "kind", pr_proof_name(c->proof));
	pr_json_string(j, "space", pr_space_name(c->space));
	pr_json_u64(j, "domain", c->root->facts.domain);
	pr_json_u64(j, "root_bus", c->root->facts.bus);
	if (c->bridge)
		pr_json_identity(j, c->bridge);
	pr_json_u64(j, "unit", c->unit);
	pr_json_u64(j, "wanted", c->wanted);
	pr_json_u64(j, "available", c->best);
	pr_json_u64(j, "total", c->total);
	pr_json_u64(j, "immovable", c->immovable);
	pr_json_functions(j, "blockers", c->blockers, c->n_blockers);
	pr_json_object_end(j);
}

/* NULL: nothing was asked. */
static void json_certificate(struct pr_json *j, const struct pr_certificate *c)
{
	if (!c) {
		pr_json_null(j, "certificate");
		return;
	}
	pr_json_object(j, "certificate");
	pr_json_string(j, "arrangement", pr_arrangement_name(c->arrangement));
	pr_json_identity(j, c->target);
	pr_json_u64(j, "tried", c->tried);
	json_placed(j, c);
	if (c->arrangement == PR_ARRANGEMENT_NONE)
		json_proof(j, c);
	else
		pr_json_null(j, "proof");
	pr_json_object_end(j);
}

/* What a boot could do where no plan is within the policy. */
void pr_json_advice(struct pr_json *j, const struct pr_plan *p)
{
	pr_json_array(j, "advice");
	for (size_t i = 0; i < p->n_advice; i++) {
		const struct pr_advice *a = &p->advice[i];

		pr_json_object(j, NULL);
		pr_json_string(j, "kind", pr_advice_kind_name(a->kind));
		pr_json_string(j, "card", a->later ? "later" : "present");
		pr_json_string(j, "setting", a->setting);
		pr_json_string(j, "text", a->text);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
	pr_json_string(j, "no_advice", p->no_advice);
}

void pr_json_cost(struct pr_json *j, const char *key, const struct pr_cost *c)
{
	if (!c) {
		pr_json_null(j, key);
		return;
	}
	pr_json_object(j, key);
	pr_json_u64(j, "in_use", c->in_use);
	pr_json_u64(j, "restarted", c->restarted);
	pr_json_u64(j, "renumbered", c->renumbered);
	pr_json_u64(j, "armed", c->armed);
	pr_json_u64(j, "removed", c->removed);
	pr_json_u64(j, "steps", c->steps);
	pr_json_object_end(j);
}

void pr_render_plan_json(struct pr_json *j, const struct pr_plan *p)
{
	bool found = p->prediction != NULL;

	pr_json_string(j, "verdict", pr_verdict_name(p->verdict));
	pr_json_string(j, "why", p->why);
	pr_json_string(j, "id", found ? p->id : NULL);
	pr_json_hex(j, "generation", p->generation);
	pr_json_string(j, "kernel", p->topology->machine.release);
	pr_json_string(j, "model", pr_generation_name(p->kernel.generation));
	pr_json_functions(j, "targets", p->targets, p->n_targets);
	pr_json_functions(j, "removed", p->removed, p->n_removed);
	json_affected(j, p);
	pr_json_cost(j, "cost", found ? &p->cost : NULL);
	pr_json_bool(j, "proven", p->proven);
	pr_json_cost(j, "bound", found ? &p->bound : NULL);
	pr_json_u64(j, "simulated", p->n_simulated);
	json_steps(j, p);
	json_prediction(j, p);
	json_buses(j, p);
	json_effects(j, p);
	json_reserves(j, p);
	json_left(j, p);
	json_attempts(j, p);
	json_certificate(j, p->certificate);
	pr_json_advice(j, p);
	pr_json_object(j, "explanation");
	json_explanation(j, &p->explanation, NULL, 0);
	pr_json_object_end(j);
}

/* ---- tree ---- */

/* Of a Resizable BAR; a VF BAR's are those of one virtual function. */
static void json_sizes(struct pr_json *j, const struct pr_function *f, const struct pr_resource *r)
{
	const struct pr_rebar_entry *rebar = pr_function_rebar(f, r);

	pr_json_array(j, "sizes");
	for (unsigned int n = 0; rebar && n < PR_REBAR_SIZES; n++)
		if (rebar->sizes & UINT64_C(1) << n)
			pr_json_hex(j, NULL, PR_REBAR_SIZE(n));
	pr_json_array_end(j);
}

static void json_resources(struct pr_json *j, const struct pr_function *f)
{
	pr_json_array(j, "resources");
	for (size_t i = 0; i < f->n_resources; i++) {
		const struct pr_resource *r = &f->resources[i];
		bool assigned = r->state == PR_RES_ASSIGNED;

		pr_json_object(j, NULL);
		pr_json_u64(j, "index", r->index);
		pr_json_string(j, "name", pr_resource_name(r->index));
		pr_json_string(j, "kind", pr_resource_kind(r));
		pr_json_string(j, "state", pr_resource_state_name(r->state));
		if (assigned) {
			pr_json_hex(j, "start", r->range.first);
			pr_json_hex(j, "end", r->range.last);
		} else {
			pr_json_null(j, "start");
			pr_json_null(j, "end");
		}
		pr_json_size(j, "size", r->size);
		json_sizes(j, f, r);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

static void json_users(struct pr_json *j, const struct pr_function *f)
{
	pr_json_array(j, "users");
	for (size_t i = 0; i < f->facts->n_users; i++) {
		pr_json_object(j, NULL);
		pr_json_string(j, "kind", f->facts->users[i].kind);
		pr_json_string(j, "what", f->facts->users[i].what);
		pr_json_object_end(j);
	}
	pr_json_array_end(j);
}

void pr_json_function(struct pr_json *j, const struct pr_function *f)
{
	pr_json_object(j, NULL);
	pr_json_identity(j, f);
	json_ids(j, f);
	pr_json_string(j, "driver", f->facts->driver);
	pr_json_string(j, "health", pr_health_name(pr_function_health(f)));
	if (f->bridge) {
		pr_json_bool(j, "hotplug", f->bridge->hotplug);
		pr_json_u64(j, "secondary", f->bridge->secondary);
		pr_json_u64(j, "subordinate", f->bridge->subordinate);
	} else {
		pr_json_null(j, "hotplug");
		pr_json_null(j, "secondary");
		pr_json_null(j, "subordinate");
	}
	json_users(j, f);
	json_resources(j, f);
	pr_json_array(j, "functions");
	pr_for_each_child (child, f->first_child)
		pr_json_function(j, child);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

static void json_root(struct pr_json *j, const struct pr_root *root)
{
	char name[PR_ROOT_NAME_MAX];

	pr_json_object(j, NULL);
	pr_json_string(j, "path", pr_root_name(root, name));
	pr_json_u64(j, "bus", root->facts.bus);
	pr_json_u64(j, "last_bus", root->last_bus);
	pr_json_bool(j, "io_known", root->facts.io_known);
	pr_json_bool(j, "mem_known", root->facts.mem_known);
	json_ranges(j, "io", root->facts.io, root->facts.n_io);
	json_ranges(j, "mem", root->facts.mem, root->facts.n_mem);
	pr_json_array(j, "functions");
	pr_for_each_child (child, root->first_child)
		pr_json_function(j, child);
	pr_json_array_end(j);
	pr_json_object_end(j);
}

/* Paths; null: not looked for. */
static void json_armed(struct pr_json *j, const struct pr_doctor *doctor)
{
	char path[PATH_MAX_TEXT];

	if (!doctor) {
		pr_json_null(j, "armed");
		return;
	}
	pr_json_array(j, "armed");
	for (size_t i = 0; i < doctor->n_armed; i++)
		if (pr_function_path(doctor->armed[i].port, path, sizeof(path)) >= 0)
			pr_json_string(j, NULL, path);
	pr_json_array_end(j);
}

void pr_render_tree_json(struct pr_json *j, const struct pr_topology *topology,
	const struct pr_doctor *doctor, const struct pr_import_notes *notes)
{
	pr_json_object(j, NULL);
	pr_json_string(j, "schema", "pciroom.tree/1");
	pr_json_string(j, "kernel", topology->machine.release);
	pr_json_hex(j, "generation", topology->generation);
	pr_json_bool(j, "guest", topology->machine.is_guest);
	pr_json_string(j, "lockdown", topology->machine.lockdown);
	pr_json_string(j, "unseen", topology->machine.unseen);
	pr_json_notes(j, notes);
	pr_json_array(j, "roots");
	pr_for_each_root (topology, i)
		json_root(j, topology->roots[i]);
	pr_json_array_end(j);
	json_armed(j, doctor);
	pr_json_object_end(j);
}
