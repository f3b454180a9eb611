/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a text names PCI addresses or one of some words.  Forms of an address:
 * 0000:08:00.0 and 08:00.0 (the kernel's, in whatever is around them), pci_0000_08_00_0
 * (libvirt's name of a node device), attributes of an <address/> of libvirt
 * that is the host's, PCI:8@0:0:0 (X.Org).  Knows no files.
 */
#include <ctype.h>
#include <string.h>

#include "base/macros.h"
#include "import/mentions.h"

#define DEVICE_MAX   31u
#define FUNCTION_MAX 7u

struct cursor {
	const char *at, *end;
};

/* ---- words ---- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool begins_word(const char *text, const char *at)
{
	return at == text || !is_word(at[-1]);
}

/* From @least to @most digits of @base. */
static bool take_number(
	struct cursor *c, unsigned int base, unsigned int least, unsigned int most, uint32_t *ret)
{
	uint32_t n = 0;
	unsigned int digits = 0;

	while (c->at < c->end &&
		(base == 16 ? isxdigit((unsigned char)*c->at) : isdigit((unsigned char)*c->at))) {
		char d = (char)tolower((unsigned char)*c->at++);

		if (++digits > most)
			return false;
		n = n * base + (unsigned int)(d <= '9' ? d - '0' : d - 'a' + 10);
	}
	*ret = n;
	return digits >= least;
}

static bool take_char(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && isspace((unsigned char)*c->at))
		c->at++;
}

static bool ends_word(const struct cursor *c)
{
	return c->at == c->end || !is_word(*c->at);
}

static bool make_address(const uint32_t n[4], struct pr_address *ret)
{
	if (n[1] > UINT8_MAX || n[2] > DEVICE_MAX || n[3] > FUNCTION_MAX)
		return false;
	*ret = (struct pr_address){ .domain = n[0],
		.bus = (uint8_t)n[1],
		.device = (uint8_t)n[2],
		.function = (uint8_t)n[3] };
	return true;
}

/* ---- forms ---- */

/* ".0", or nothing where the whole card may be meant. */
static bool take_function(struct cursor *c, unsigned int style, uint32_t *ret)
{
	if (take_char(c, '.'))
		return take_number(c, 16, 1, 1, ret);
	*ret = 0;
	return (style & PR_MENTION_CARD) && (c->at == c->end || *c->at != ':');
}

/* "0000:08:00.0", "08:00.0" */
static bool take_kernel_form(struct cursor *c, unsigned int style, struct pr_address *ret)
{
	struct cursor at = *c;
	uint32_t n[4] = { 0 };
	bool has_domain;
	size_t digits;

	if (!take_number(&at, 16, 2, 8, &n[0]))
		return false;
	digits = (size_t)(at.at - c->at);
	if (!take_char(&at, ':') || !take_number(&at, 16, 2, 2, &n[1]))
		return false;
	has_domain = take_char(&at, ':');
	if (has_domain && !take_number(&at, 16, 2, 2, &n[2]))
		return false;
	if (has_domain ? digits < 4 : digits != 2)
		return false; /* as the kernel writes them */
	if (!has_domain) {
		n[2] = n[1];
		n[1] = n[0];
		n[0] = 0;
	}
	if (!take_function(&at, style, &n[3]) || !ends_word(&at) || !make_address(n, ret))
		return false;
	*c = at;
	return true;
}

/* "pci_0000_08_00_0" */
static bool take_node_form(struct cursor *c, struct pr_address *ret)
{
	static const char head[] = "pci";
	struct cursor at = *c;
	uint32_t n[4];

	if ((size_t)(at.end - at.at) < strlen(head) || memcmp(at.at, head, strlen(head)) != 0)
		return false;
	at.at += strlen(head);
	for (size_t i = 0; i < ARRAY_SIZE(n); i++)
		if (!take_char(&at, '_') || !take_number(&at, 16, 1, i == 0 ? 8 : 2, &n[i]))
			return false;
	if (!ends_word(&at) || !make_address(n, ret))
		return false;
	*c = at;
	return true;
}

/* "PCI:8@0:0:0": bus, domain, device, function, all decimal (xorg.conf(5), BusID) */
static bool take_x11_form(struct cursor *c, struct pr_address *ret)
{
	static const char head[] = "PCI:";
	struct cursor at = *c;
	uint32_t n[4] = { 0 };

	if ((size_t)(at.end - at.at) < strlen(head) || strncasecmp(at.at, head, strlen(head)) != 0)
		return false;
	at.at += strlen(head);
	if (!take_number(&at, 10, 1, 3, &n[1]))
		return false;
	if (take_char(&at, '@') && !take_number(&at, 10, 1, 8, &n[0]))
		return false;
	if (!take_char(&at, ':') || !take_number(&at, 10, 1, 2, &n[2]) || !take_char(&at, ':') ||
		!take_number(&at, 10, 1, 1, &n[3]) || !ends_word(&at) || !make_address(n, ret))
		return false;
	*c = at;
	return true;
}

static bool take_any_form(struct cursor *c, unsigned int style, struct pr_address *ret)
{
	return take_node_form(c, ret) || ((style & PR_MENTION_X11) && take_x11_form(c, ret)) ||
	       take_kernel_form(c, style, ret);
}

bool pr_mention_address(
	const char *text, size_t size, struct pr_address *ret, size_t *ret_at, size_t *ret_length)
{
	struct cursor c = { text, text + size };

	for (; c.at < c.end; c.at++) {
		const char *begin = c.at;

		/* of "1:08:00.0" the end is no address */
		if (!begins_word(text, begin) || (begin > text && begin[-1] == ':') ||
			!take_any_form(&c, 0, ret))
			continue;
		*ret_at = (size_t)(begin - text);
		*ret_length = (size_t)(c.at - begin);
		return true;
	}
	return false;
}

/* ---- libvirt ---- */

/*
 * <address domain='0x0000' bus='0x08' slot='0x00' function='0x0'/> is the host's inside of
 * <source> and <forward>; beside them it is where the guest sees the device.
 */
struct libvirt {
	bool in_host;
};

static bool begins_with(const struct cursor *c, const char *word)
{
	return (size_t)(c->end - c->at) >= strlen(word) && memcmp(c->at, word, strlen(word)) == 0;
}

/* The value of @name in the tag at @c, which ends where @c does. */
static bool find_attribute(const struct cursor *tag, const char *name, uint32_t *ret)
{
	for (struct cursor c = *tag; c.at < c.end; c.at++) {
		struct cursor value;
		unsigned int base = 10;

		if (!begins_word(tag->at, c.at) || !begins_with(&c, name))
			continue;
		value = (struct cursor){ c.at + strlen(name), c.end };
		skip_blanks(&value);
		if (!take_char(&value, '='))
			continue;
		skip_blanks(&value);
		if (!take_char(&value, '\'') && !take_char(&value, '"'))
			continue;
		if (begins_with(&value, "0x")) {
			value.at += 2;
			base = 16;
		}
		return take_number(&value, base, 1, 8, ret);
	}
	return false;
}

static bool read_tag(const struct cursor *tag, struct pr_address *ret)
{
	static const char *const names[] = { "domain", "bus", "slot", "function" };
	uint32_t n[ARRAY_SIZE(names)] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!find_attribute(tag, names[i], &n[i]) && i > 0 && i < 3)
			return false;
	return make_address(n, ret);
}

static unsigned int count_lines(const char *from, const char *to)
{
	unsigned int n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

static void enter_tag(struct libvirt *l, const struct cursor *tag)
{
	static const struct {
		const char *name;
		bool enters;
	} tags[] = { { "<source", true }, { "<forward", true }, { "</source", false },
		{ "</forward", false } };

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (begins_with(tag, tags[i].name))
			l->in_host = tags[i].enters && tag->end[-1] != '/';
}

/* Of "<!--" the end is another one. */
static struct cursor tag_at(const char *at, const char *end)
{
	static const char begin_comment[] = "<!--", end_comment[] = "-->";
	struct cursor tag = { at, end };
	const char *last;

	if (begins_with(&tag, begin_comment)) {
		last = memmem(at, (size_t)(end - at), end_comment, strlen(end_comment));
		tag.end = last ? last + strlen(end_comment) : end;
	} else {
		last = memchr(at, '>', (size_t)(end - at));
		tag.end = last ? last : end;
	}
	return tag;
}

/* Of the whole text: a tag may go over several lines, and is found on its first. */
static int scan_tags(const char *text, size_t size, const struct pr_mention_sink *sink)
{
	const char *const end = text + size, *at = text, *next;
	struct libvirt libvirt = { 0 };
	unsigned int line = 1;
	struct pr_address a;
	int r = 0;

	while (r == 0 && (next = memchr(at, '<', (size_t)(end - at)))) {
		const struct cursor tag = tag_at(next, end);

		line += count_lines(at, next);
		enter_tag(&libvirt, &tag);
		if (libvirt.in_host && begins_with(&tag, "<address") && read_tag(&tag, &a))
			r = sink->found(sink->userdata, line, &a, 0);
		line += count_lines(next, tag.end);
		at = tag.end;
	}
	return r;
}

/* ---- lines ---- */

struct scan {
	const char *text;
	unsigned int line, style;
	const struct pr_mention_sink *sink;
};

static int scan_addresses(struct scan *s, struct cursor c)
{
	const char *begin = c.at;
	struct pr_address a;
	int r = 0;

	while (c.at < c.end && r == 0) {
		if (begins_word(begin, c.at) && (c.at == begin || c.at[-1] != ':') &&
			take_any_form(&c, s->style, &a))
			r = s->sink->found(s->sink->userdata, s->line, &a, 0);
		else
			c.at++;
	}
	return r;
}

static bool has_word(struct cursor line, const char *word)
{
	const size_t n = strlen(word);

	for (struct cursor c = line; (size_t)(c.end - c.at) >= n; c.at++) {
		const char *behind = c.at + n;

		if (memcmp(c.at, word, n) == 0 && begins_word(line.at, c.at) &&
			(c.at == line.at || c.at[-1] != '-') &&
			(behind == c.end || (!is_word(*behind) && *behind != '-')))
			return true;
	}
	return false;
}

static int scan_names(struct scan *s, struct cursor line)
{
	int r = 0;

	for (size_t i = 0; i < s->sink->n_names && r == 0; i++)
		if (has_word(line, s->sink->names[i]))
			r = s->sink->found(s->sink->userdata, s->line, NULL, i);
	return r;
}

static bool is_comment(const struct scan *s, struct cursor line)
{
	skip_blanks(&line);
	return (s->style & PR_MENTION_HASH) && line.at < line.end &&
	       (*line.at == '#' || *line.at == ';');
}

static int scan_line(struct scan *s, struct cursor line)
{
	int r;

	if (is_comment(s, line))
		return 0;
	r = scan_addresses(s, line);
	return r == 0 ? scan_names(s, line) : r;
}

int pr_mentions_scan(
	const char *text, size_t size, unsigned int style, const struct pr_mention_sink *sink)
{
	struct scan s = { .text = text, .style = style, .sink = sink };
	struct cursor rest = { text, text + size };
	int r = 0;

	while (rest.at < rest.end && r == 0) {
		const char *newline = memchr(rest.at, '\n', (size_t)(rest.end - rest.at));
		struct cursor line = { rest.at, newline ? newline : rest.end };

		s.line++;
		r = scan_line(&s, line);
		rest.at = newline ? newline + 1 : rest.end;
	}
	if (r == 0 && (style & PR_MENTION_LIBVIRT))
		r = scan_tags(text, size, sink);
	return r;
}
