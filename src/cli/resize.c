/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the options --resize ask for: "0000:01:00.0:2=1G", "0000:01:00.0:vf0=max". */
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "cli/cli.h"

#define SHAPE \
	"a device, its BAR and a size are wanted, as in 0000:01:00.0:2=1G or 0000:01:00.0:vf0=max"

/* "2", "vf0" */
static bool parse_bar(const char *text, uint8_t *ret)
{
	const bool vf = strncmp(text, "vf", 2) == 0;
	const char *digit = vf ? text + 2 : text;

	if (*digit < '0' || *digit > '5' || digit[1] != '\0')
		return false;
	*ret = (uint8_t)((vf ? PR_VF_BAR0 : PR_BAR0) + (*digit - '0'));
	return true;
}

/* Cuts @text at the last @mark; what is behind it. */
static char *cut(char *text, char mark)
{
	char *at = strrchr(text, mark);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static int refuse_size(const char *text, const struct pr_rebar_entry *e)
{
	const struct pr_style style = { 0 };
	struct pr_text sizes = { 0 };
	char word[PR_WORD_MAX];
	int r;

	for (unsigned int n = 0; n < PR_REBAR_SIZES; n++)
		if (e->sizes >> n & 1)
			pr_text_printf(&sizes, "%s%s", sizes.length > 0 ? ", " : "",
				pr_size_text(&style, PR_REBAR_SIZE(n), word));
	r = pr_cli_error(
		"--resize=%s: this BAR can have %s", text, sizes.data ? sizes.data : "none");
	pr_text_deinit(&sizes);
	return r;
}

/* Whether the capability that would tell the sizes, or its entries, were not seen. */
static bool are_sizes_unknown(const struct pr_function *f)
{
	const struct pr_rebar *rebar = &f->caps->rebar;

	return rebar->present == PR_UNKNOWN || (rebar->present == PR_YES && rebar->n_entries == 0);
}

/* What the device says of it. */
static int check_bar(const char *text, const struct pr_function *f, const struct pr_resize *z)
{
	const struct pr_resource *r = pr_function_resource(f, z->index);
	const struct pr_rebar_entry *e = r ? pr_function_rebar(f, r) : NULL;

	if (!e && are_sizes_unknown(f))
		return pr_cli_error(
			"--resize=%s: what sizes %s of this device can have is not "
			"known (root sees it; in a recording lspci -xxxx and -vvv tell it)",
			text, pr_resource_name(z->index));
	if (!e)
		return pr_cli_error("--resize=%s: %s of this device cannot be resized", text,
			pr_resource_name(z->index));
	if (z->size != PR_RESIZE_LARGEST && !pr_rebar_has(e, z->size))
		return refuse_size(text, e);
	return PR_EXIT_OK;
}

static int find_resize(const struct pr_topology *t, const char *text, struct pr_resize *ret)
{
	char copy[512], *size, *bar;
	struct pr_function *f = NULL;
	int r;

	*ret = (struct pr_resize){ .size = PR_RESIZE_LARGEST };
	if (strlen(text) >= sizeof(copy))
		return pr_cli_error("--resize=%s: " SHAPE, text);
	memcpy(copy, text, strlen(text) + 1);
	size = cut(copy, '=');
	bar = size ? cut(copy, ':') : NULL;
	if (!bar || !parse_bar(bar, &ret->index) ||
		(strcmp(size, "max") != 0 && pr_parse_size(size, &ret->size) < 0))
		return pr_cli_error("--resize=%s: " SHAPE, text);
	r = pr_cli_device(t, copy, &f);
	if (r != PR_EXIT_OK)
		return r;
	ret->function = f->address;
	return check_bar(text, f, ret);
}

static bool is_repeated(const struct pr_resize *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (list[k].index == list[i].index &&
			pr_address_compare(&list[k].function, &list[i].function) == 0)
			return true;
	return false;
}

int pr_cli_resizes(const struct pr_cli *cli, const struct pr_topology *t, struct pr_resize **ret)
{
	struct pr_resize *list = calloc(cli->resizes.n + 1, sizeof(*list));
	int r = list ? PR_EXIT_OK : pr_cli_failed(-ENOMEM, "cannot look for devices");

	for (size_t i = 0; r == PR_EXIT_OK && i < cli->resizes.n; i++) {
		r = find_resize(t, cli->resizes.name[i], &list[i]);
		if (r == PR_EXIT_OK && is_repeated(list, i))
			r = pr_cli_error(
				"--resize=%s: this BAR was named before", cli->resizes.name[i]);
		else if (r == PR_EXIT_OK && list[i].size == PR_RESIZE_LARGEST && cli->resizes.n > 1)
			r = pr_cli_error("--resize=%s: the largest size is found for one BAR alone",
				cli->resizes.name[i]);
	}
	if (r != PR_EXIT_OK) {
		free(list);
		return r;
	}
	*ret = list;
	return PR_EXIT_OK;
}
