/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of others (names of drivers, of machines, of who uses a device) where
 * one line of a picture is: no control character, nothing that is no UTF-8,
 * nothing that XML would take for its own, and not wider than there is room.
 */
#include "picture/scene.h"

#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

/* Columns of a character, 0 for what cannot be shown: control characters, what no XML may hold. */
static size_t width_of(uint32_t c)
{
	int width;

	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
		return 0;
	if (c < 0x7f)
		return 1;
	width = wcwidth((wchar_t)c); /* glibc's wide characters are Unicode's */
	return width > 0 ? (size_t)width : 1;
}

struct glyph {
	uint32_t c; /* 0: is replaced */
	size_t bytes, columns;
};

static struct glyph next_glyph(const char *text, size_t left)
{
	struct glyph g = { 0 };

	g.bytes = pr_utf8_decode(text, left, &g.c);
	g.columns = g.bytes > 0 ? width_of(g.c) : 0;
	if (g.columns == 0)
		g = (struct glyph){ .bytes = g.bytes > 0 ? g.bytes : 1, .columns = 1 };
	return g;
}

size_t pr_glyphs_width(const char *text)
{
	size_t left = strlen(text), columns = 0;

	while (left > 0) {
		struct glyph g = next_glyph(text, left);

		text += g.bytes;
		left -= g.bytes;
		columns += g.columns;
	}
	return columns;
}

static void add_glyph(
	struct pr_text *t, const struct pr_glyphs *how, const char *text, const struct glyph *g)
{
	if (g->c == 0 || (g->c >= 0x80 && !how->utf8))
		pr_text_add(t, how->utf8 ? "\xef\xbf\xbd" : "?");
	else if (how->xml && g->c == '<')
		pr_text_add(t, "&lt;");
	else if (how->xml && g->c == '>')
		pr_text_add(t, "&gt;");
	else if (how->xml && g->c == '&')
		pr_text_add(t, "&amp;");
	else if (how->xml && g->c == '"')
		pr_text_add(t, "&quot;");
	else
		pr_text_add_n(t, text, g->bytes);
}

void pr_glyphs_add(struct pr_text *t, const struct pr_glyphs *how, const char *text)
{
	const char *ellipsis = how->utf8 ? "\xe2\x80\xa6" : "~";
	size_t left = strlen(text), columns = 0;
	const bool cut = how->columns != SIZE_MAX && pr_glyphs_width(text) > how->columns;

	while (left > 0) {
		struct glyph g = next_glyph(text, left);

		if (cut && columns + g.columns + 1 > how->columns) {
			pr_text_add(t, how->columns > 0 ? ellipsis : "");
			return;
		}
		add_glyph(t, how, text, &g);
		text += g.bytes;
		left -= g.bytes;
		columns += g.columns;
	}
}
