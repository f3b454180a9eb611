/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option --reserve: how much room which slot is to have. */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "cli/plan.h"

static int bad(const char *text)
{
	return pr_cli_error("--reserve=%s: a slot and what it is to have are wanted, as in "
			    "0000:02:01.0=pref:1G,mem:64M,io:8K,bus:8 (memory in multiples of 1M, "
			    "I/O of 4K)",
		text);
}

/* One of "pref:1G", "mem:64M", "io:8K", "bus:8". */
static bool parse_part(char *part, const struct pr_address *bridge, struct pr_question *q)
{
	char *value = strchr(part, ':');
	struct pr_reserve r = { .bridge = *bridge };
	uint64_t n;

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(part, "bus") == 0) {
		if (pr_parse_u64(value, 10, &n) < 0 || n < 1 || n > PR_BUSES_MAX)
			return false;
		q->buses[q->request.n_buses++] =
			(struct pr_bus_wish){ .bridge = *bridge, .buses = (unsigned int)n };
		return true;
	}
	r.window = pr_window_parse(part);
	if (r.window == 0 || pr_parse_size(value, &r.size) < 0 ||
		r.size % pr_window_unit(r.window) != 0)
		return false;
	q->reserves[q->request.n_reserves++] = r;
	return true;
}

static bool repeats(const struct pr_question *q)
{
	for (size_t i = 1; i < q->request.n_reserves; i++)
		for (size_t k = 0; k < i; k++)
			if (q->reserves[i].window == q->reserves[k].window &&
				pr_address_compare(
					&q->reserves[i].bridge, &q->reserves[k].bridge) == 0)
				return true;
	for (size_t i = 1; i < q->request.n_buses; i++)
		for (size_t k = 0; k < i; k++)
			if (pr_address_compare(&q->buses[i].bridge, &q->buses[k].bridge) == 0)
				return true;
	return false;
}

static int add_one(const struct pr_topology *t, const char *text, struct pr_question *q)
{
	_cleanup_free_ char *copy = strdup(text);
	char *parts = copy ? strrchr(copy, '=') : NULL, *save = NULL;
	struct pr_function *f = NULL;
	int r;

	if (!copy)
		return pr_cli_failed(-ENOMEM, "cannot read --reserve");
	if (!parts || !parts[1])
		return bad(text);
	*parts++ = '\0';
	r = pr_cli_device(t, copy, &f);
	if (r != PR_EXIT_OK)
		return r;
	if (!f->bridge)
		return pr_cli_error("--reserve=%s: only a bridge has room for others", text);
	for (char *part = strtok_r(parts, ",", &save); part; part = strtok_r(NULL, ",", &save))
		if (!parse_part(part, &f->address, q))
			return bad(text);
	return repeats(q) ? pr_cli_error("--reserve=%s: this was said before", text) : PR_EXIT_OK;
}

/* Parts of an argument, so that there is room for all of them. */
static size_t count_parts(const struct pr_cli *cli)
{
	size_t n = 0;

	for (size_t i = 0; i < cli->reserves.n; i++) {
		n++;
		for (const char *s = cli->reserves.name[i]; *s; s++)
			n += *s == ',';
	}
	return n;
}

int pr_question_reserve(
	const struct pr_cli *cli, const struct pr_topology *t, struct pr_question *q)
{
	size_t n = count_parts(cli);
	struct pr_bus_wish *buses = calloc(q->request.n_buses + n + 1, sizeof(*buses));
	int r = PR_EXIT_OK;

	q->reserves = calloc(n + 1, sizeof(*q->reserves));
	if (!buses || !q->reserves) {
		free(buses);
		return pr_cli_failed(-ENOMEM, "cannot read --reserve");
	}
	for (size_t i = 0; i < q->request.n_buses; i++)
		buses[i] = q->buses[i];
	free(q->buses);
	q->buses = buses;
	for (size_t i = 0; r == PR_EXIT_OK && i < cli->reserves.n; i++)
		r = add_one(t, cli->reserves.name[i], q);
	q->request.buses = q->buses;
	q->request.reserves = q->reserves;
	return r;
}
