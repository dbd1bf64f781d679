/* SPDX-License-Identifier: MIT */
#include "build/bound.h"

#include <glib/gstdio.h>

#include "source/copy.h"

#define ID "bound-images"
#define TICK (G_TIME_SPAN_SECOND / 2)

static struct sw_source_options options_for(const struct sw_build *build,
					    const struct sw_reference *reference)
{
	return (struct sw_source_options){
		.reference = reference,
		.architecture = build->target_arch,
		.authfile = build->authfile,
		.tls_verify = build->tls_verify,
	};
}

/* What makes the store are programs of the image. */
static gboolean check_programs(const struct sw_build *build, const struct sw_facts *facts,
			       GError **error)
{
	if (!facts->has_podman || !facts->has_skopeo)
		return sw_fail(
			error, SW_ERROR_IMAGE, ID,
			"the image has no %s, which puts bound images onto the disk: install "
			"podman and skopeo in it, or use --bound-images skip",
			facts->has_podman ? "skopeo" : "podman");
	if (!g_str_equal(build->target_arch, sw_oci_host_architecture()))
		return sw_fail(
			error, SW_ERROR_ENVIRONMENT, ID,
			"the image's podman is a program for %s and does not run here: build "
			"on such a machine, or use --bound-images skip",
			build->target_arch);
	return TRUE;
}

static gboolean open_image(const struct sw_build *build, const char *text,
			   struct sw_progress *progress, struct sw_bound_image **ret_image,
			   GCancellable *cancellable, GError **error)
{
	g_autoptr(SwReference) reference = NULL;
	g_autoptr(SwSource) source = NULL;
	struct sw_source_options options;
	const struct sw_oci_image *oci;
	struct sw_bound_image *image;

	if (!sw_reference_parse(text, &reference, error))
		return FALSE;
	options = options_for(build, reference);
	if (!sw_source_open(&options, progress, &source, cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_SOURCE, "source", "bound image");
	oci = sw_source_image(source);
	image = g_new0(struct sw_bound_image, 1);
	image->name = g_strdup(reference->name);
	image->digest = g_strdup(oci->manifest_digest);
	for (guint i = 0; i < oci->layers->len; i++)
		image->bytes += ((const struct sw_oci_layer *)oci->layers->pdata[i])->size;
	*ret_image = image;
	return TRUE;
}

static gboolean open_images(const struct sw_build *build, const struct sw_facts *facts,
			    struct sw_progress *progress, GPtrArray *images,
			    GCancellable *cancellable, GError **error)
{
	for (char **text = facts->bound_images; *text != NULL; text++) {
		struct sw_bound_image *image = NULL;

		if (!open_image(build, *text, progress, &image, cancellable, error))
			return FALSE;
		g_ptr_array_add(images, image);
	}
	return TRUE;
}

gboolean sw_bound_settle(const struct sw_build *build, const struct sw_facts *facts,
			 struct sw_progress *progress, GPtrArray **ret_images,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) images =
		g_ptr_array_new_with_free_func((GDestroyNotify)sw_bound_image_free);
	g_autofree char *names = g_strjoinv(", ", facts->bound_images);
	gboolean is_bound = facts->bound_images[0] != NULL;

	if (is_bound && build->bound_images == NULL)
		return sw_fail(
			error, SW_ERROR_IMAGE, ID,
			"the image is bound to other images (%s): --bound-images stored puts "
			"them onto the disk, with --bound-images skip the machine begins "
			"without them",
			names);
	if (is_bound && g_str_equal(build->bound_images, "skip"))
		sw_progress_note(progress,
				 "the machine begins without the images that its image is bound "
				 "to, and services that do not pull them will fail: %s",
				 names);
	else if (is_bound && (!check_programs(build, facts, error) ||
			      !open_images(build, facts, progress, images, cancellable, error)))
		return FALSE;
	*ret_images = g_steal_pointer(&images);
	return TRUE;
}

/* Somebody who says how far skopeo is, as it does not. */
struct watcher {
	struct sw_progress *progress;
	const char *directory; /* that grows */
	guint64 done;	       /* before it */
	guint64 total;
	GMutex lock; /* innermost; guards the rest */
	GCond changed;
	gboolean ended;
};

static guint64 measure(const char *directory)
{
	g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
	guint64 bytes = 0;
	const char *name;

	while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
		g_autofree char *path = g_build_filename(directory, name, NULL);
		GStatBuf st;

		if (g_lstat(path, &st) == 0)
			bytes += (guint64)st.st_size;
	}
	return bytes;
}

static void *watch(void *data)
{
	struct watcher *watcher = data;

	g_mutex_lock(&watcher->lock);
	while (!watcher->ended) {
		guint64 bytes = watcher->done + measure(watcher->directory);

		sw_progress_bytes(watcher->progress, "source", MIN(bytes, watcher->total),
				  watcher->total);
		g_cond_wait_until(&watcher->changed, &watcher->lock, g_get_monotonic_time() + TICK);
	}
	g_mutex_unlock(&watcher->lock);
	return NULL;
}

static gboolean fetch(const struct sw_build *build, const struct sw_bound_image *image,
		      struct watcher *watcher, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwReference) reference = NULL;
	struct sw_source_options options;
	GThread *thread;
	gboolean ok;

	if (!sw_reference_parse(image->name, &reference, error))
		return FALSE;
	options = options_for(build, reference);
	watcher->directory = image->directory;
	watcher->ended = FALSE;
	g_mutex_init(&watcher->lock);
	g_cond_init(&watcher->changed);
	thread = g_thread_new("watch", watch, watcher);
	ok = sw_source_copy(&options, image->digest, image->directory, cancellable, error) ||
	     sw_fail_prefix(error, SW_ERROR_SOURCE, "source", "bound image");
	g_mutex_lock(&watcher->lock);
	watcher->ended = TRUE;
	g_cond_signal(&watcher->changed);
	g_mutex_unlock(&watcher->lock);
	g_thread_join(thread);
	g_mutex_clear(&watcher->lock);
	g_cond_clear(&watcher->changed);
	return ok;
}

gboolean sw_bound_fetch(const struct sw_build *build, const GPtrArray *images, const char *scratch,
			struct sw_progress *progress, GCancellable *cancellable, GError **error)
{
	struct watcher watcher = { .progress = progress };

	for (guint i = 0; i < images->len; i++)
		watcher.total += ((struct sw_bound_image *)images->pdata[i])->bytes;
	for (guint i = 0; i < images->len; i++) {
		struct sw_bound_image *image = images->pdata[i];

		g_free(image->directory);
		image->directory = g_strdup_printf("%s/bound-%u", scratch, i);
		if (!fetch(build, image, &watcher, cancellable, error))
			return FALSE;
		watcher.done += image->bytes;
	}
	return TRUE;
}
