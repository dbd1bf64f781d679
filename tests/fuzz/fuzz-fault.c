/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "source/fault.h"

/* Error texts carry what a registry wrote: each must become one clean line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sw_reference reference = { SW_TRANSPORT_REGISTRY, (char *)"example.com/a:1" };
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *shorter = sw_fault_shorten(text);
	g_autoptr(GError) error = NULL;

	g_assert_true(g_utf8_validate(shorter, -1, NULL));
	g_assert_cmpint(g_utf8_strlen(shorter, -1), <=, 200);
	sw_fault_fail(&reference, SW_FAULT_OPEN, NULL, text, &error);
	g_assert_null(strpbrk(error->message, "\r\n\x1b"));
	g_assert_true(!sw_fault_passes(text) || strcmp(sw_error_id(error), "unreachable") == 0);
	return 0;
}
