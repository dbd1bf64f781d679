/* SPDX-License-Identifier: MIT */
#include "core/each.h"

#include "core/error.h"

#define COUNT 100

struct seen {
	gint times[COUNT];
	guint bad; /* fails */
};

static gboolean see(guint i, void *data, GError **error)
{
	struct seen *seen = data;

	g_atomic_int_inc(&seen->times[i]);
	return i != seen->bad || sw_fail(error, SW_ERROR_STORAGE, "bad", "%u is bad", i);
}

static void test_all(void)
{
	static const guint at_once[] = { 1, 2, 7, COUNT, 2 * COUNT };

	for (size_t k = 0; k < G_N_ELEMENTS(at_once); k++) {
		struct seen seen = { .bad = COUNT };
		g_autoptr(GError) error = NULL;

		g_assert_true(sw_each(COUNT, at_once[k], "test", see, &seen, &error));
		g_assert_no_error(error);
		for (guint i = 0; i < COUNT; i++)
			g_assert_cmpint(seen.times[i], ==, 1);
	}
	g_assert_true(sw_each(0, 4, "test", see, NULL, NULL));
}

static void test_failure(void)
{
	struct seen seen = { .bad = 3 };
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_each(COUNT, 1, "test", see, &seen, &error));
	g_assert_cmpstr(sw_error_id(error), ==, "bad");
	for (guint i = 0; i < COUNT; i++)
		g_assert_cmpint(seen.times[i], ==, i <= 3);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/core/each/all", test_all);
	g_test_add_func("/core/each/failure", test_failure);
	return g_test_run();
}
