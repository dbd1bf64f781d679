/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "verify/check.h"

/* The input, in one piece. */
struct input {
	const uint8_t *data;
	size_t size;
};

static gboolean next(void *data, const guint8 **ret_chunk, size_t *ret_length,
		     G_GNUC_UNUSED GError **error)
{
	struct input *input = data;

	*ret_chunk = input->data;
	*ret_length = input->size;
	input->size = 0;
	return TRUE;
}

static gboolean read_zeros(G_GNUC_UNUSED void *data, void *buffer, size_t length,
			   G_GNUC_UNUSED guint64 offset, G_GNUC_UNUSED GError **error)
{
	memset(buffer, 0, length);
	return TRUE;
}

/* The content of a disk, as the tar stream of an appliance that cannot be trusted: all checks run. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(SwExamined) disk = g_new0(struct sw_examined, 1);
	g_autoptr(GPtrArray) findings = NULL;
	g_autoptr(GError) error = NULL;
	struct input input = { data, size }, again = input;

	g_assert_true(sw_gpt_read(read_zeros, NULL, 100 * SW_SECTOR, &disk->table, &error));
	g_assert_true(sw_snapshot_new(g_get_tmp_dir(), 65536, &disk->root.tree, &error));
	if (!sw_snapshot_fill(disk->root.tree, next, &input, &error))
		g_assert_true(g_error_matches(error, SW_ERROR, SW_ERROR_DEPLOY) ||
			      g_error_matches(error, SW_ERROR, SW_ERROR_SOURCE));
	/* What bootupd and the boot loader have on the ESP: the same once more. */
	g_assert_true(sw_snapshot_new(g_get_tmp_dir(), 65536, &disk->esp.tree, NULL));
	if (!sw_snapshot_fill(disk->esp.tree, next, &again, NULL))
		g_clear_pointer(&disk->esp.tree, sw_snapshot_free);
	sw_examined_derive(disk);
	findings = sw_checks_run(disk);
	for (guint i = 0; i < findings->len; i++) {
		const struct sw_finding *finding = findings->pdata[i];

		g_assert_cmpuint(finding->details->len, >, 0);
	}
	return 0;
}
