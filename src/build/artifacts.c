/* SPDX-License-Identifier: MIT */
#include "build/artifacts.h"

#include "core/error.h"
#include "core/size.h"

/* A format being written, in a thread of its own. */
struct writing {
	const struct sw_artifacts_request *request;
	const struct sw_format *format;
	int threads;
	guint64 size;		   /* of the disk */
	GCancellable *cancellable; /* of all writings */
	GPtrArray *artifacts;	   /* the result */
	GError *error;
};

static void on_progress(guint64 done, void *data)
{
	const struct writing *writing = data;

	sw_progress_bytes(writing->request->progress, writing->format->name, done, writing->size);
}

static gboolean write_files(struct writing *writing, GError **error)
{
	const struct sw_artifacts_request *request = writing->request;
	const struct sw_format *format = writing->format;
	g_autoptr(SwOutput) output = sw_output_new(format->name, request->directory,
						   request->take_disk ? request->disk : NULL);
	struct sw_format_input input = {
		.tree = request->tree,
		.name = request->name,
		.arch = request->arch,
		.threads = writing->threads,
		.progress = on_progress,
		.progress_data = writing,
	};
	g_autoptr(SwSparse) disk = NULL;
	void *state = NULL;
	gboolean good;

	if (!sw_sparse_open(request->disk, &disk, error))
		return FALSE;
	sw_sparse_extend(disk, sw_round_up(sw_sparse_size(disk), MAX(format->disk_unit, 1)));
	input.disk = disk;
	writing->size = sw_sparse_size(disk);
	if (!sw_format_configure(format, request->options, writing->size, &state, error))
		return FALSE;
	good = format->write(state, &input, output, writing->cancellable, error);
	sw_format_release(format, state);
	return good && sw_output_finish(output, writing->artifacts, writing->cancellable, error);
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
	if (writing->artifacts == NULL)
		return;
	g_ptr_array_extend_and_steal(artifacts, g_steal_pointer(&writing->artifacts));
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
	gulong handler =
		cancellable == NULL
			? 0
			: g_cancellable_connect(cancellable, G_CALLBACK(cancel_all), all, NULL);
	GError *first = NULL;

	for (guint i = 0; i < count && first == NULL; i++) {
		struct writing *writing = &writings[i];

		writing->request = request;
		writing->format = sw_format_find(request->types[i], &first);
		writing->threads = (int)MAX(g_get_num_processors() / count, 1);
		writing->cancellable = all;
		writing->artifacts =
			g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);
		if (writing->format != NULL)
			threads[i] = g_thread_new(writing->format->name, write_type, writing);
	}
	for (guint i = 0; i < count; i++)
		finish(&writings[i], threads[i], artifacts, &first);
	g_cancellable_disconnect(cancellable, handler);
	if (first == NULL)
		return TRUE;
	g_propagate_error(error, first);
	return FALSE;
}
