/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pciroom/topology.h"

#include "rows.h"

static const struct parse_case {
	const char *text;
	bool ok;
	struct pr_address address;
	const char *canonical; /* NULL: @text itself */
} parse_cases[] = {
	{ "0000:02:01.0", true, { 0, 0x02, 1, 0 }, NULL },
	{ "02:01.0", true, { 0, 0x02, 1, 0 }, "0000:02:01.0" },
	{ "0000:ff:1f.7", true, { 0, 0xff, 0x1f, 7 }, NULL },
	{ "10000:e1:00.0", true, { 0x10000, 0xe1, 0, 0 }, NULL },
	{ "ffffffff:ff:1f.7", true, { 0xffffffff, 0xff, 0x1f, 7 }, NULL },
	{ "0000:AB:1F.0", true, { 0, 0xab, 0x1f, 0 }, "0000:ab:1f.0" },
	{ "00000000:00:00.0", true, { 0, 0, 0, 0 }, "0000:00:00.0" },
	{ "0000:02:20.0", false, { 0, 0, 0, 0 }, NULL },  /* device 32 */
	{ "0000:02:01.8", false, { 0, 0, 0, 0 }, NULL },  /* function 8 */
	{ "0000:02:01.0 ", false, { 0, 0, 0, 0 }, NULL }, /* trailing text */
	{ "0000:02:01.00", false, { 0, 0, 0, 0 }, NULL },
	{ " 0000:02:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000:2:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "000:02:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "100000000:02:01.0", false, { 0, 0, 0, 0 }, NULL }, /* nine digits */
	{ "0000:02:01", false, { 0, 0, 0, 0 }, NULL },
	{ "02:1.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000:0x:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "-0000:02:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000", false, { 0, 0, 0, 0 }, NULL },
	{ "aafa:af:1a.0", true, { 0xaafa, 0xaf, 0x1a, 0 }, NULL },
	{ "AFA0:FA:0F.1", true, { 0xafa0, 0xfa, 0x0f, 1 }, "afa0:fa:0f.1" },
	{ "0000:9g:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000:`0:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000.02:01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000:02.01.0", false, { 0, 0, 0, 0 }, NULL },
	{ "0000:02:01:0", false, { 0, 0, 0, 0 }, NULL },
	{ "", false, { 0, 0, 0, 0 }, NULL },
};

static void test_parse(void **state)
{
	const struct parse_case *c = *state;
	const struct pr_address untouched = { 0x5a, 0x5a, 0x1a, 5 };
	struct pr_address a = untouched;
	char text[PR_ADDRESS_MAX];

	assert_int_equal(pr_address_parse(c->text, &a), c->ok);
	assert_int_equal(pr_address_compare(&a, c->ok ? &c->address : &untouched), 0);
	if (!c->ok)
		return;
	pr_address_format(&a, text);
	assert_string_equal(text, c->canonical ? c->canonical : c->text);
}

/* Each is above the one before it. */
static const struct pr_address rising[] = {
	{ 0, 0, 0, 0 },
	{ 0, 0, 0, 7 },
	{ 0, 0, 1, 0 },
	{ 0, 0, 0x1f, 7 },
	{ 0, 1, 0, 0 },
	{ 0, 0xff, 0, 0 },
	{ 1, 0, 0, 0 },
	{ 0xffffffff, 0, 0, 0 },
};

static void addresses_order_by_domain_bus_device_function(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t k = 0; k < ARRAY_SIZE(rising); k++) {
			int order = pr_address_compare(&rising[i], &rising[k]);

			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
}

int main(void)
{
	struct rows tests = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++)
		rows_add(&tests, parse_cases[i].text[0] ? parse_cases[i].text : "empty text",
			test_parse, &parse_cases[i]);
	ADD_TEST(&tests, addresses_order_by_domain_bus_device_function);

	return rows_run(&tests, "address");
}
