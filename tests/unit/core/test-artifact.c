/* SPDX-License-Identifier: MIT */
#include "core/artifact.h"

/* The sanitizers see what is not freed. */
static void test_free(void)
{
	g_autoptr(SwArtifact) artifact = g_new0(struct sw_artifact, 1);
	g_autoptr(SwArtifact) empty = g_new0(struct sw_artifact, 1);
	g_autoptr(SwArtifact) none = NULL;

	artifact->path = g_strdup("/out/image/disk.raw");
	artifact->name = g_strdup("image/disk.raw");
	artifact->format = "raw";
	artifact->media_type = "application/octet-stream";
	g_assert_nonnull(empty);
	g_assert_null(none);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/artifact/free", test_free);
	return g_test_run();
}
