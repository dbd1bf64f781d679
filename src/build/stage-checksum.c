/* SPDX-License-Identifier: MIT */
#include "build/run.h"
#include "core/each.h"

/* What the threads share. */
struct hashing {
	GPtrArray *artifacts;
	GCancellable *cancellable;
};

static gboolean hash_artifact(guint i, void *data, GError **error)
{
	struct hashing *hashing = data;

	return sw_artifact_hash(g_ptr_array_index(hashing->artifacts, i), hashing->cancellable,
				error);
}

static gboolean checksum(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	struct hashing hashing = { run->artifacts, cancellable };

	return sw_each(run->artifacts->len, g_get_num_processors(), "checksum", hash_artifact,
		       &hashing, error);
}

const struct sw_stage sw_stage_checksum = {
	.name = "checksum",
	.summary = "reading the artifacts for their SHA-256",
	.run = checksum,
};
