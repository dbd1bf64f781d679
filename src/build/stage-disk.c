/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "build/run.h"
#include "build/stage-prepare.h"
#include "core/error.h"
#include "disk/disk.h"

/* Times that a disk is begun when appliances die. */
#define ATTEMPTS 2

/* The image with its digest; NULL for a file of this machine, which means nothing on another. */
static char *source_text(const struct sw_reference *reference, const struct sw_oci_image *oci)
{
	size_t length = strcspn(reference->name, "@");

	if (reference->transport != SW_TRANSPORT_REGISTRY &&
	    reference->transport != SW_TRANSPORT_CONTAINERS_STORAGE)
		return NULL;
	return g_strdup_printf("%.*s@%s", (int)length, reference->name, oci->manifest_digest);
}

static gboolean make_disk(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	const struct sw_plan *plan = run->plan;
	const struct sw_oci_image *oci = sw_source_image(plan->source);
	g_autofree char *source = source_text(plan->reference, oci);
	const struct sw_compose_request compose = {
		.repo = sw_cache_repo(plan->cache),
		.commit = plan->import->commit,
		.layer_commits = (const char *const *)plan->import->layer_commits,
		.objects = plan->objects,
		.oci = oci,
		.facts = plan->facts,
		.target = plan->target,
		.source = source,
		.layout = plan->layout,
		.kargs = plan->kargs,
		.boot_spec = plan->boot_spec,
		.auth = plan->target_auth,
		.ssh_keys = plan->ssh_keys,
	};
	const struct sw_disk_request request = {
		.compose = &compose,
		.guest = run->guest,
		.path = run->disk,
		.bound = plan->bound->len > 0 ? plan->bound : NULL,
		.scratch = sw_scratch_path(run->scratch),
		.progress = run->progress,
	};

	return sw_disk_make(&request, cancellable, error);
}

static gboolean disk(struct sw_run *run, GCancellable *cancellable, GError **error)
{
	for (int attempt = 1;; attempt++) {
		g_autoptr(GError) failure = NULL;
		gboolean ok = make_disk(run, cancellable, &failure);

		g_clear_pointer(&run->guest, sw_guest_free);
		if (ok)
			return TRUE;
		if (attempt == ATTEMPTS || !g_str_equal(sw_error_id(failure), "appliance-died")) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return FALSE;
		}
		sw_progress_note(run->progress, "%s: the disk is begun once more",
				 failure->message);
		if (!sw_run_attach(run, cancellable, error))
			return FALSE;
	}
}

const struct sw_stage sw_stage_disk = {
	.name = "disk",
	.summary = "making the disk",
	.run = disk,
};
