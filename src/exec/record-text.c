/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the journal; fields are separated by one space, the last may hold
 * spaces:
 *   begin ID GENERATION
 *   boot ID                                   (the kernel's boot_id)
 *   roster PATH ADDRESS ASSIGNED DRIVER       ("-": none; "!": none, and none wanted)
 *   replaced                                  (the one before: another may come back, or none)
 *   setting PATH NAME=VALUE                   (of a register: hexadecimal)
 *   port ADDRESS BUS EXPRESS slot|link        (above a card that is replaced)
 *   hold                                      (drivers are kept off until settings are back)
 *   step N KIND TEXT
 *   inverse N PATH write OFFSET WIDTH VALUE OLD | rescan ADDRESS | rescan-root ADDRESS |
 *           vfs VALUE OLD | resize INDEX SIZE OLD
 *   doing N, done N
 *   guarded                                   (the port's slot was taken from pciehp before)
 *   waiting                                   (for somebody to confirm)
 *   end OUTCOME                               ("lost" may be followed by another; "restarted":
 *                                              the machine was, and brought back what was away)
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "exec/record.h"
#include "exec/settings-table.h"

static void pr_record_freep(struct pr_record **record)
{
	pr_record_free(*record);
}

/* ---- writing ---- */

static const char *driver_word(const struct pr_record_function *f)
{
	return f->driver ? f->driver : f->stays_unbound ? "!" : "-";
}

static void write_setting(const struct pr_record_setting *s, struct pr_text *out)
{
	if (s->what->place == PR_PLACE_ATTRIBUTE)
		pr_text_printf(out, "setting %s %s=%s\n", s->path, s->what->name, s->text);
	else
		pr_text_printf(out, "setting %s %s=%x\n", s->path, s->what->name, s->value);
}

static void write_inverse(const struct pr_record_step *s, size_t n, struct pr_text *out)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&s->address, address);
	switch (s->inverse) {
	case PR_INVERSE_NONE:
		return;
	case PR_INVERSE_WRITE:
		pr_text_printf(out, "inverse %zu %s write %x %x %x %x\n", n, s->path, s->offset,
			s->width, s->value, s->old);
		return;
	case PR_INVERSE_RESIZE:
		pr_text_printf(out, "inverse %zu %s resize %x %" PRIx64 " %" PRIx64 "\n", n,
			s->path, s->index, s->size, s->old_size);
		return;
	case PR_INVERSE_RESCAN:
		pr_text_printf(out, "inverse %zu %s rescan %s\n", n, s->path, address);
		return;
	case PR_INVERSE_RESCAN_ROOT:
		pr_text_printf(out, "inverse %zu %s rescan-root %s\n", n, s->path, address);
		return;
	case PR_INVERSE_VFS:
		pr_text_printf(out, "inverse %zu %s vfs %x %x\n", n, s->path, s->value, s->old);
		return;
	}
}

static void write_port(const struct pr_swap *s, struct pr_text *out)
{
	char address[PR_ADDRESS_MAX];

	pr_address_format(&s->slot.port, address);
	pr_text_printf(out, "port %s %x %x %s\n", address, s->slot.secondary, s->slot.express,
		s->slotted ? "slot" : "link");
}

void pr_record_write(const struct pr_record *record, struct pr_text *out)
{
	char address[PR_ADDRESS_MAX];

	pr_text_printf(out, "begin %s %016" PRIx64 "\n", record->id, record->generation);
	if (record->boot[0])
		pr_text_printf(out, "boot %s\n", record->boot);
	for (size_t i = 0; i < record->n_functions; i++) {
		const struct pr_record_function *f = &record->functions[i];

		pr_address_format(&f->address, address);
		pr_text_printf(
			out, "roster %s %s %x %s\n", f->path, address, f->assigned, driver_word(f));
		if (f->replaced)
			pr_text_add(out, "replaced\n");
	}
	for (size_t i = 0; i < record->n_settings; i++)
		write_setting(&record->settings[i], out);
	if (record->swap.linked)
		write_port(&record->swap, out);
	if (record->hold)
		pr_text_add(out, "hold\n");
	for (size_t i = 0; i < record->n_steps; i++) {
		const struct pr_record_step *s = &record->steps[i];

		pr_text_printf(out, "step %zu %s %s\n", i, pr_step_name(s->kind), s->text);
		write_inverse(s, i, out);
	}
}

/* ---- reading ---- */

/* The rest of one line; fields are cut off at its front. */
struct fields {
	char *rest; /* NULL: no more */
};

static char *next_field(struct fields *f)
{
	char *field = f->rest, *space;

	if (!field)
		return NULL;
	space = strchr(field, ' ');
	if (space)
		*space++ = '\0';
	f->rest = space;

	return *field ? field : NULL;
}

static char *last_field(struct fields *f)
{
	char *field = f->rest;

	f->rest = NULL;
	return field && *field ? field : NULL;
}

static bool next_number(struct fields *f, int base, uint64_t max, uint64_t *ret)
{
	const char *field = next_field(f);
	uint64_t n;

	if (!field || pr_parse_u64(field, base, &n) < 0 || n > max)
		return false;

	*ret = n;
	return true;
}

static bool next_address(struct fields *f, struct pr_address *ret)
{
	const char *field = next_field(f);

	return field && pr_address_parse(field, ret);
}

static bool next_step(struct pr_record *record, struct fields *f, struct pr_record_step **ret)
{
	uint64_t n;

	if (record->n_steps == 0 || !next_number(f, 10, record->n_steps - 1, &n))
		return false;

	*ret = &record->steps[n];
	return true;
}

static bool parse_begin(struct pr_record *record, struct fields *f)
{
	const char *id = next_field(f);

	if (!id || strlen(id) >= sizeof(record->id))
		return false;
	memcpy(record->id, id, strlen(id) + 1);

	return next_number(f, 16, UINT64_MAX, &record->generation);
}

static bool parse_boot(struct pr_record *record, struct fields *f)
{
	const char *id = next_field(f);

	if (!id || strlen(id) >= sizeof(record->boot))
		return false;
	memcpy(record->boot, id, strlen(id) + 1);
	return true;
}

static bool parse_roster(struct pr_record *record, struct fields *f)
{
	struct pr_record_function *entry = &record->functions[record->n_functions];
	const char *driver;
	uint64_t assigned;

	entry->path = next_field(f);
	if (!entry->path || !next_address(f, &entry->address) ||
		!next_number(f, 16, UINT32_MAX, &assigned))
		return false;
	driver = last_field(f);
	if (!driver)
		return false;

	entry->assigned = (uint32_t)assigned;
	entry->stays_unbound = strcmp(driver, "!") == 0;
	entry->driver = strcmp(driver, "-") == 0 || entry->stays_unbound ? NULL : driver;
	record->n_functions++;
	return true;
}

static bool parse_replaced(struct pr_record *record, struct fields *f)
{
	(void)f;
	if (record->n_functions == 0)
		return false;
	record->functions[record->n_functions - 1].replaced = true;
	return true;
}

static bool parse_setting(struct pr_record *record, struct fields *f)
{
	struct pr_record_setting *entry = &record->settings[record->n_settings];
	char *assignment, *equals;
	uint64_t value = 0;

	entry->path = next_field(f);
	assignment = last_field(f);
	equals = assignment ? strchr(assignment, '=') : NULL;
	if (!entry->path || !equals)
		return false;
	*equals++ = '\0';
	entry->what = pr_setting_find(assignment);
	if (!entry->what)
		return false;
	if (entry->what->place != PR_PLACE_ATTRIBUTE &&
		(pr_parse_u64(equals, 16, &value) < 0 || value > UINT32_MAX))
		return false;

	entry->text = equals;
	entry->value = (uint32_t)value;
	record->n_settings++;
	return true;
}

static bool parse_port(struct pr_record *record, struct fields *f)
{
	struct pr_swap *s = &record->swap;
	uint64_t bus, express;
	const char *kind;

	if (!next_address(f, &s->slot.port) || !next_number(f, 16, UINT8_MAX, &bus) ||
		!next_number(f, 16, UINT8_MAX, &express))
		return false;
	kind = last_field(f);
	if (!kind || (strcmp(kind, "slot") != 0 && strcmp(kind, "link") != 0))
		return false;
	s->slot.secondary = (uint8_t)bus;
	s->slot.express = (uint16_t)express;
	s->linked = true;
	s->slotted = strcmp(kind, "slot") == 0;
	return true;
}

static bool parse_hold(struct pr_record *record, struct fields *f)
{
	(void)f;
	record->hold = true;
	return true;
}

static bool parse_step(struct pr_record *record, struct fields *f)
{
	struct pr_record_step *entry = &record->steps[record->n_steps];
	const char *kind;
	uint64_t n;

	if (!next_number(f, 10, SIZE_MAX, &n) || n != record->n_steps)
		return false;
	kind = next_field(f);
	entry->text = last_field(f);
	if (!kind || !entry->text)
		return false;

	for (unsigned int k = 0; k < _PR_STEP_MAX; k++) {
		if (strcmp(pr_step_name((enum pr_step_kind)k), kind) != 0)
			continue;
		entry->kind = (enum pr_step_kind)k;
		record->n_steps++;
		return true;
	}

	return false;
}

static bool parse_inverse_write(struct pr_record_step *s, struct fields *f)
{
	uint64_t offset, width, value, old;

	if (!next_number(f, 16, 4095, &offset) || !next_number(f, 16, 4, &width) ||
		!next_number(f, 16, UINT32_MAX, &value) || !next_number(f, 16, UINT32_MAX, &old))
		return false;

	s->inverse = PR_INVERSE_WRITE;
	s->offset = (uint16_t)offset;
	s->width = (uint8_t)width;
	s->value = (uint32_t)value;
	s->old = (uint32_t)old;
	return true;
}

static bool parse_inverse_vfs(struct pr_record_step *s, struct fields *f)
{
	uint64_t value, old;

	if (!next_number(f, 16, UINT16_MAX, &value) || !next_number(f, 16, UINT16_MAX, &old))
		return false;

	s->inverse = PR_INVERSE_VFS;
	s->value = (uint32_t)value;
	s->old = (uint32_t)old;
	return true;
}

static bool parse_inverse_resize(struct pr_record_step *s, struct fields *f)
{
	uint64_t index;

	if (!next_number(f, 16, PR_ROM - 1, &index) || !next_number(f, 16, UINT64_MAX, &s->size) ||
		!next_number(f, 16, UINT64_MAX, &s->old_size))
		return false;

	s->inverse = PR_INVERSE_RESIZE;
	s->index = (uint8_t)index;
	return true;
}

static bool parse_inverse(struct pr_record *record, struct fields *f)
{
	struct pr_record_step *s;
	const char *what;

	if (!next_step(record, f, &s))
		return false;
	s->path = next_field(f);
	what = next_field(f);
	if (!s->path || !what)
		return false;
	if (strcmp(what, "write") == 0)
		return parse_inverse_write(s, f);
	if (strcmp(what, "vfs") == 0)
		return parse_inverse_vfs(s, f);
	if (strcmp(what, "resize") == 0)
		return parse_inverse_resize(s, f);

	if (strcmp(what, "rescan") == 0)
		s->inverse = PR_INVERSE_RESCAN;
	else if (strcmp(what, "rescan-root") == 0)
		s->inverse = PR_INVERSE_RESCAN_ROOT;
	else
		return false;
	return next_address(f, &s->address);
}

static bool parse_doing(struct pr_record *record, struct fields *f)
{
	struct pr_record_step *s;

	if (!next_step(record, f, &s))
		return false;

	s->doing = true;
	return true;
}

static bool parse_done(struct pr_record *record, struct fields *f)
{
	struct pr_record_step *s;

	if (!next_step(record, f, &s) || !s->doing)
		return false;

	s->done = true;
	return true;
}

static bool parse_waiting(struct pr_record *record, struct fields *f)
{
	(void)f;
	record->waiting = true;
	return true;
}

static bool parse_guarded(struct pr_record *record, struct fields *f)
{
	(void)f;
	record->swap.guarded = true;
	return record->swap.slotted;
}

static bool parse_end(struct pr_record *record, struct fields *f)
{
	const char *outcome = next_field(f);

	record->ended = true;
	record->lost = outcome && strcmp(outcome, pr_outcome_name(PR_OUTCOME_LOST)) == 0;
	return outcome != NULL;
}

static const struct {
	const char *word;
	bool (*parse)(struct pr_record *record, struct fields *f);
} lines[] = {
	{ "begin", parse_begin },
	{ "boot", parse_boot },
	{ "roster", parse_roster },
	{ "replaced", parse_replaced },
	{ "setting", parse_setting },
	{ "port", parse_port },
	{ "hold", parse_hold },
	{ "step", parse_step },
	{ "inverse", parse_inverse },
	{ "doing", parse_doing },
	{ "done", parse_done },
	{ "guarded", parse_guarded },
	{ "waiting", parse_waiting },
	{ "end", parse_end },
};

static bool parse_line(struct pr_record *record, char *line)
{
	struct fields f = { line };
	const char *word = next_field(&f);

	if (word && record->ended && (!record->lost || strcmp(word, "end") != 0))
		return false;
	for (size_t i = 0; word && i < ARRAY_SIZE(lines); i++)
		if (strcmp(lines[i].word, word) == 0)
			return lines[i].parse(record, &f) && !f.rest;

	return false;
}

/* Where the last "begin" line starts; NULL when there is none. */
static const char *find_last_begin(const char *text, size_t size)
{
	static const char word[] = "begin ";
	const char *found = NULL, *end = text + size;

	for (const char *line = text; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		if ((size_t)(end - line) >= strlen(word) && memcmp(line, word, strlen(word)) == 0)
			found = line;
		line = newline ? newline + 1 : end;
	}

	return found;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t n = 1;

	for (size_t i = 0; i < size; i++)
		if (text[i] == '\n')
			n++;

	return n;
}

static int parse_lines(struct pr_record *record, char *text, size_t size, unsigned int *line)
{
	for (char *next, *end = text + size; text < end; text = next, (*line)++) {
		next = memchr(text, '\n', (size_t)(end - text));
		if (!next)
			return 0; /* torn: the machine stopped while it was written */
		*next++ = '\0';
		if (strlen(text) + 1 != (size_t)(next - text) || !parse_line(record, text))
			return -EBADMSG;
	}

	return 0;
}

int pr_record_parse(const char *text, size_t size, struct pr_record **ret, unsigned int *ret_line)
{
	_cleanup_(pr_record_freep) struct pr_record *record = NULL;
	const char *begin = find_last_begin(text, size);
	unsigned int line;
	size_t rest, n;
	char *copy;
	int r;

	if (!begin)
		return 1;
	rest = size - (size_t)(begin - text);
	n = count_lines(begin, rest);
	line = (unsigned int)count_lines(text, (size_t)(begin - text));

	record = pr_record_alloc();
	if (!record)
		return -ENOMEM;
	copy = pr_arena_alloc(record->arena, rest + 1); /* zeroed: NUL behind it */
	record->functions = pr_new_array(record->arena, n, struct pr_record_function);
	record->steps = pr_new_array(record->arena, n, struct pr_record_step);
	record->settings = pr_new_array(record->arena, n, struct pr_record_setting);
	if (!copy || !record->functions || !record->steps || !record->settings)
		return -ENOMEM;

	memcpy(copy, begin, rest);
	r = parse_lines(record, copy, rest, &line);
	if (r < 0) {
		*ret_line = line;
		return r;
	}

	*ret = pr_take(record);
	return 0;
}
