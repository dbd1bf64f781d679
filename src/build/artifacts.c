/* SPDX-License-Identifier: MIT */
#include "build/artifacts.h"

#include "core/error.h"
#include "core/qcow2.h"
#include "core/size.h"

/* A format being written, in a thread of its own. */
struct writing {
	const struct sw_artifacts_request *request;
	const struct sw_format *format;
	void *state;
	struct sw_sparse *disk; /* of all writings */
	gboolean take_disk;
	int threads;
	GCancellable *cancellable; /* of all writings */
	GPtrArray *artifacts;	   /* the result */
	GError *error;
};

static void on_progress(guint64 done, void *data)
{
	const struct writing *writing = data;

	sw_progress_bytes(writing->request->progress, writing->format->name, done,
			  sw_sparse_size(writing->disk));
}

static gboolean write_files(struct writing *writing, GError **error)
{
	const struct sw_artifacts_request *request = writing->request;
	g_autoptr(SwOutput) output = sw_output_new(writing->format->name, request->directory,
						   writing->take_disk ? request->disk : NULL);
	const struct sw_format_input input = {
		.disk = writing->disk,
		.tree = request->tree,
		.name = request->name,
		.arch = request->arch,
		.threads = writing->threads,
		.progress = on_progress,
		.progress_data = writing,
	};

	return writing->format->write(writing->state, &input, output, writing->cancellable,
				      error) &&
	       sw_output_finish(output, writing->artifacts, error);
}

static void *write_type(void *data)
{
	struct writing *writing = data;

	if (!write_files(writing, &writing->error))
		g_cancellable_cancel(writing->cancellable);
	return NULL;
}

/* The error that made the others end is the one to tell. */
static void take_error(struct writing *writing, GError **ret_first)
{
	if (writing->error == NULL)
		return;
	if (*ret_first == NULL || g_error_matches(*ret_first, SW_ERROR, SW_ERROR_CANCELLED)) {
		g_clear_error(ret_first);
		*ret_first = g_steal_pointer(&writing->error);
	}
	g_clear_error(&writing->error);
}

static void finish(struct writing *writing, GThread *thread, GPtrArray *artifacts,
		   GError **ret_first)
{
	if (thread != NULL)
		g_thread_join(thread);
	take_error(writing, ret_first);
	if (writing->format != NULL)
		sw_format_release(writing->format, writing->state);
	if (writing->artifacts != NULL)
		g_ptr_array_extend_and_steal(artifacts, g_steal_pointer(&writing->artifacts));
}

/* All that can be wrong with the types is found before the first is written. */
static gboolean begin(struct writing *writings, guint count,
		      const struct sw_artifacts_request *request, struct sw_sparse *disk,
		      GCancellable *cancellable, GError **error)
{
	gboolean taken = !request->take_disk;

	for (guint i = 0; i < count; i++) {
		struct writing *writing = &writings[i];
		const struct sw_format *format = sw_format_find(request->types[i], error);

		writing->format = format;
		if (format == NULL ||
		    !sw_format_configure(format, request->options, sw_sparse_size(disk),
					 &writing->state, error))
			return FALSE;
		writing->request = request;
		writing->disk = disk;
		writing->threads = (int)MAX(g_get_num_processors() / count, 1);
		writing->cancellable = cancellable;
		writing->artifacts =
			g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
		if (!taken && format->is_disk != NULL && format->is_disk(writing->state))
			writing->take_disk = taken = TRUE;
	}
	return TRUE;
}

static void cancel_all(G_GNUC_UNUSED GCancellable *cancellable, void *data)
{
	g_cancellable_cancel(data);
}

gboolean sw_artifacts_write(const struct sw_artifacts_request *request, GPtrArray *artifacts,
			    GCancellable *cancellable, GError **error)
{
	guint count = g_strv_length((char **)request->types);
	g_autofree struct writing *writings = g_new0(struct writing, count);
	g_autofree GThread **threads = g_new0(GThread *, count);
	g_autoptr(GCancellable) all = g_cancellable_new();
	g_autoptr(SwSparse) disk = NULL;
	gulong handler = 0;
	GError *first = NULL;

	if (!(request->any_image ? sw_disk_image_open(request->disk, &disk, error)
				 : sw_sparse_open(request->disk, &disk, error)))
		return FALSE;
	if (cancellable != NULL)
		handler = g_cancellable_connect(cancellable, G_CALLBACK(cancel_all), all, NULL);
	if (begin(writings, count, request, disk, all, &first))
		for (guint i = 0; i < count; i++)
			threads[i] =
				g_thread_new(writings[i].format->name, write_type, &writings[i]);
	for (guint i = 0; i < count; i++)
		finish(&writings[i], threads[i], artifacts, &first);
	g_cancellable_disconnect(cancellable, handler);
	if (first == NULL)
		return TRUE;
	g_propagate_error(error, first);
	return FALSE;
}
