/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "source/reference.h"

/* What parses is stable: it reads the same once it has been written. */
static void check_reference(const char *text)
{
	g_autoptr(SwReference) reference = NULL;
	g_autoptr(SwReference) again = NULL;
	g_autofree char *canonical = NULL;

	if (!sw_reference_parse(text, &reference, NULL))
		return;
	canonical = sw_reference_to_string(reference);
	g_assert_true(sw_reference_parse(canonical, &again, NULL));
	g_assert_cmpint(again->transport, ==, reference->transport);
	g_assert_cmpstr(again->name, ==, reference->name);
}

static void check_target(const char *text)
{
	g_autoptr(SwTarget) target = NULL;
	g_autoptr(SwTarget) again = NULL;
	g_autofree char *origin = NULL;
	g_autofree char *same = NULL;

	if (!sw_target_parse(text, &target, NULL))
		return;
	origin = sw_target_to_origin(target);
	g_assert_true(sw_target_parse(origin, &again, NULL));
	same = sw_target_to_origin(again);
	g_assert_cmpstr(same, ==, origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);

	text[strcspn(text, "\n")] = '\0'; /* corpus files end like text files */
	check_reference(text);
	check_target(text);
	return 0;
}
