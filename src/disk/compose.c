/* SPDX-License-Identifier: MIT */
#include "disk/compose.h"

#include <string.h>

#include "core/error.h"
#include "disk/aleph.h"
#include "disk/bootloader.h"
#include "disk/deployment.h"
#include "disk/kernel.h"
#include "image/refs.h"

struct sw_compose {
	struct sw_compose_request request;
	struct sw_kernel *kernel;
	char *deployment;
	struct sw_bls entry;
};

static char *join_kargs(const struct sw_compose *self)
{
	const struct sw_compose_request *request = &self->request;
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < request->kargs->len; i++) {
		const struct sw_karg *karg = g_ptr_array_index(request->kargs, i);

		g_string_append_printf(text, "%s ", karg->text);
	}
	g_string_append_printf(text, "ostree=/ostree/boot.1/%s/%s/0", request->facts->stateroot,
			       self->kernel->checksum);
	return g_string_free(text, FALSE);
}

static void make_entry(struct sw_compose *self)
{
	const struct sw_facts *facts = self->request.facts;
	g_autofree char *directory =
		g_strdup_printf("/boot/ostree/%s-%s", facts->stateroot, self->kernel->checksum);

	self->entry.title = g_strdup_printf("%s (ostree:0)", facts->os_name);
	self->entry.options = join_kargs(self);
	self->entry.kernel = g_build_filename(directory, self->kernel->kernel, NULL);
	self->entry.initrd = g_build_filename(directory, self->kernel->initramfs, NULL);
	if (self->kernel->device_tree != NULL)
		self->entry.device_tree =
			g_build_filename(directory, self->kernel->device_tree, NULL);
	if (self->kernel->has_dtb)
		self->entry.device_trees = g_build_filename(directory, "dtb", NULL);
}

gboolean sw_compose_new(const struct sw_compose_request *request, struct sw_compose **ret_compose,
			GCancellable *cancellable, GError **error)
{
	g_autoptr(SwCompose) self = g_new0(struct sw_compose, 1);

	self->request = *request;
	if (!sw_kernel_read(request->repo, request->commit, request->facts, &self->kernel,
			    cancellable, error))
		return FALSE;
	self->deployment = g_strdup_printf("ostree/deploy/%s/deploy/%s.0",
					   request->facts->stateroot, request->commit);
	make_entry(self);
	*ret_compose = g_steal_pointer(&self);
	return TRUE;
}

void sw_compose_free(struct sw_compose *compose)
{
	if (compose == NULL)
		return;
	sw_bls_clear(&compose->entry);
	sw_kernel_free(compose->kernel);
	g_free(compose->deployment);
	g_free(compose);
}

const char *sw_compose_deployment(const struct sw_compose *compose)
{
	return compose->deployment;
}

const struct sw_bls *sw_compose_entry(const struct sw_compose *compose)
{
	return &compose->entry;
}

static gboolean add_directory(struct sw_sink *sink, const char *path, guint32 mode,
			      GCancellable *cancellable, GError **error)
{
	struct sw_sink_node node = { .path = path, .type = SW_SINK_DIRECTORY, .mode = mode };

	return sw_sink_add(sink, &node, cancellable, error);
}

static gboolean add_text(struct sw_sink *sink, const char *path, const char *text,
			 GCancellable *cancellable, GError **error)
{
	struct sw_sink_node node = { .path = path,
				     .type = SW_SINK_FILE,
				     .mode = 0644,
				     .fd = -1,
				     .data = text,
				     .size = strlen(text) };

	return sw_sink_add(sink, &node, cancellable, error);
}

static gboolean add_symlink(struct sw_sink *sink, const char *path, const char *target,
			    GCancellable *cancellable, GError **error)
{
	struct sw_sink_node node = {
		.path = path, .type = SW_SINK_SYMLINK, .mode = 0777, .target = target
	};

	return sw_sink_add(sink, &node, cancellable, error);
}

/* The repository configuration that bootc's install leaves (contract 2.5). */
static char *repo_config(const struct sw_compose *self)
{
	const char *append = self->request.facts->install->bls_append_except_default;
	g_autoptr(GKeyFile) file = g_key_file_new();

	g_key_file_set_value(file, "core", "repo_version", "1");
	g_key_file_set_value(file, "core", "mode", "bare");
	g_key_file_set_value(file, "sysroot", "bootloader",
			     sw_bootloader_for_ostree(self->request.facts->bootloader));
	g_key_file_set_value(file, "sysroot", "bootprefix", "true");
	g_key_file_set_value(file, "sysroot", "readonly", "true");
	if (append != NULL)
		g_key_file_set_string(file, "sysroot", "bls-append-except-default", append);
	if (self->request.facts->composefs == SW_COMPOSEFS_VERITY)
		g_key_file_set_value(file, "ex-integrity", "fsverity", "true");
	return g_key_file_to_data(file, NULL, NULL);
}

/*
 * Marks what fs-verity seals on its way into another sink, as bootc's ensure_verity does: all file
 * objects, and the repository's configuration as the sign that they are.
 */
struct sealing {
	struct sw_sink sink;
	struct sw_sink *next;
};

static gboolean sealing_add(struct sw_sink *sink, const struct sw_sink_node *node, GError **error)
{
	struct sealing *self = (struct sealing *)sink;
	struct sw_sink_node sealed = *node;

	sealed.is_sealed = node->type == SW_SINK_FILE &&
			   ((g_str_has_prefix(node->path, "ostree/repo/objects/") &&
			     g_str_has_suffix(node->path, ".file")) ||
			    g_str_equal(node->path, "ostree/repo/config"));
	return self->next->add(self->next, &sealed, error);
}

/* The directories of a new sysroot and an empty bare repository, parents first. */
static gboolean compose_skeleton(struct sw_compose *self, struct sw_sink *sink,
				 GCancellable *cancellable, GError **error)
{
	static const char *const directories[] = {
		"",
		"boot",
		"ostree",
		"ostree/bootc",
		"ostree/deploy",
		"ostree/repo",
		"ostree/repo/extensions",
		"ostree/repo/objects",
		"ostree/repo/refs",
		"ostree/repo/refs/heads",
		"ostree/repo/refs/mirrors",
		"ostree/repo/refs/remotes",
		"ostree/repo/state",
		"ostree/repo/tmp",
		"ostree/repo/tmp/cache",
	};
	g_autofree char *aleph = sw_aleph_json(self->request.oci, self->request.facts,
					       self->request.target, self->request.source);
	g_autofree char *config = repo_config(self);

	for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
		if (!add_directory(sink, directories[i], 0755, cancellable, error))
			return FALSE;
	return add_text(sink, "ostree/repo/config", config, cancellable, error) &&
	       add_text(sink, ".bootc-aleph.json", aleph, cancellable, error);
}

/* Adds the ref NAME with all the directories above it that SEEN does not hold yet. */
static gboolean add_ref(struct sw_sink *sink, GHashTable *seen, const char *name,
			const char *commit, GCancellable *cancellable, GError **error)
{
	g_autofree char *path = g_strconcat("ostree/repo/refs/heads/", name, NULL);
	g_autofree char *text = g_strconcat(commit, "\n", NULL);

	if (!g_hash_table_add(seen, g_strdup(path)))
		return TRUE;
	for (char *slash = path + strlen("ostree/repo/refs/heads/");
	     (slash = strchr(slash, '/')) != NULL; slash++) {
		gboolean ok = TRUE;

		*slash = '\0';
		if (g_hash_table_add(seen, g_strdup(path)))
			ok = add_directory(sink, path, 0755, cancellable, error);
		*slash = '/';
		if (!ok)
			return FALSE;
	}
	return add_text(sink, path, text, cancellable, error);
}

/* Image, layers and deployment (contract 1.1, 2.8): the image ref names what the origin names. */
static gboolean compose_refs(struct sw_compose *self, struct sw_sink *sink,
			     GCancellable *cancellable, GError **error)
{
	const struct sw_compose_request *request = &self->request;
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *reference = sw_reference_to_string(request->target->image);
	g_autofree char *image = sw_ref_for_image(reference);

	if (!add_ref(sink, seen, image, request->commit, cancellable, error) ||
	    !add_ref(sink, seen, "ostree/1/1/0", request->commit, cancellable, error))
		return FALSE;
	for (guint i = 0; i < request->oci->layers->len; i++) {
		const struct sw_oci_layer *layer = g_ptr_array_index(request->oci->layers, i);
		g_autofree char *name = sw_ref_for_layer(layer->digest);

		if (!add_ref(sink, seen, name, request->layer_commits[i], cancellable, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean compose_origin(struct sw_compose *self, struct sw_sink *sink,
			       GCancellable *cancellable, GError **error)
{
	g_autofree char *origin = sw_target_to_origin(self->request.target);
	g_autofree char *text = g_strdup_printf("[origin]\ncontainer-image-reference=%s\n", origin);
	g_autofree char *path = g_strconcat(self->deployment, ".origin", NULL);

	return add_text(sink, path, text, cancellable, error);
}

/* What a running deployment needs beside itself: a place for transient roots, the boot link. */
static gboolean compose_links(struct sw_compose *self, struct sw_sink *sink,
			      GCancellable *cancellable, GError **error)
{
	const char *stateroot = self->request.facts->stateroot;
	const char *commit = self->request.commit;
	const struct {
		char *path;
		guint32 mode;
	} directories[] = {
		{ g_strdup_printf("ostree/deploy/%s/backing", stateroot), 0755 },
		{ g_strdup_printf("ostree/deploy/%s/backing/%s.0", stateroot, commit), 0755 },
		{ g_strdup_printf("ostree/deploy/%s/backing/%s.0/root-transient", stateroot,
				  commit),
		  0700 },
		{ g_strdup_printf("ostree/deploy/%s/backing/%s.0/root-transient/upper", stateroot,
				  commit),
		  0755 },
		{ g_strdup_printf("ostree/deploy/%s/backing/%s.0/root-transient/work", stateroot,
				  commit),
		  0700 },
		{ g_strdup("ostree/boot.1.1"), 0755 },
		{ g_strdup_printf("ostree/boot.1.1/%s", stateroot), 0755 },
		{ g_strdup_printf("ostree/boot.1.1/%s/%s", stateroot, self->kernel->checksum),
		  0755 },
	};
	g_autofree char *link =
		g_strdup_printf("ostree/boot.1.1/%s/%s/0", stateroot, self->kernel->checksum);
	g_autofree char *target =
		g_strdup_printf("../../../deploy/%s/deploy/%s.0", stateroot, commit);
	gboolean ok = TRUE;

	for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
		ok = ok && add_directory(sink, directories[i].path, directories[i].mode,
					 cancellable, error);
		g_free(directories[i].path);
	}
	return ok && add_symlink(sink, "ostree/boot.1", "boot.1.1", cancellable, error) &&
	       add_symlink(sink, link, target, cancellable, error);
}

gboolean sw_compose_root(struct sw_compose *compose, struct sw_sink *sink,
			 void (*added)(guint64 bytes, void *data), void *data,
			 GCancellable *cancellable, GError **error)
{
	const struct sw_compose_request *request = &compose->request;
	const struct sw_deployment deployment = {
		.repo = request->repo,
		.commit = request->commit,
		.objects = request->objects,
		.stateroot = request->facts->stateroot,
		.path = compose->deployment,
		.boot_spec = request->boot_spec,
		.root_home = request->facts->root_home,
		.auth = request->auth,
		.has_selinux = request->facts->has_selinux,
		.ssh_keys = request->ssh_keys,
	};

	struct sealing sealing = { .sink.add = sealing_add, .next = sink };

	if (request->facts->composefs == SW_COMPOSEFS_VERITY)
		sink = &sealing.sink;
	return compose_skeleton(compose, sink, cancellable, error) &&
	       compose_refs(compose, sink, cancellable, error) &&
	       sw_objects_compose(request->objects, sink, added, data, cancellable, error) &&
	       sw_deployment_compose(&deployment, sink, cancellable, error) &&
	       compose_origin(compose, sink, cancellable, error) &&
	       compose_links(compose, sink, cancellable, error);
}

static gboolean compose_kernel(const struct sw_compose *compose, struct sw_sink *sink,
			       GCancellable *cancellable, GError **error)
{
	g_autofree char *directory = g_path_get_dirname(compose->entry.kernel + strlen("/boot/"));

	if (!add_directory(sink, directory, 0755, cancellable, error))
		return FALSE;
	for (guint i = 0; i < compose->kernel->files->len; i++) {
		const struct sw_kernel_file *file = g_ptr_array_index(compose->kernel->files, i);
		g_autofree char *path = g_build_filename(directory, file->name, NULL);

		if (!(file->checksum == NULL
			      ? add_directory(sink, path, 0755, cancellable, error)
			      : sw_objects_add_file(compose->request.repo, file->checksum, path,
						    sink, cancellable, error)))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_compose_boot(struct sw_compose *compose, struct sw_sink *sink,
			 GCancellable *cancellable, GError **error)
{
	g_autofree char *text = sw_bls_to_string(&compose->entry);

	return add_directory(sink, "", 0755, cancellable, error) &&
	       /* libostree's bootprefix: entries begin with /boot, whatever /boot is. */
	       add_symlink(sink, "boot", ".", cancellable, error) &&
	       add_directory(sink, "efi", 0755, cancellable, error) &&
	       add_symlink(sink, "loader", "loader.1", cancellable, error) &&
	       add_directory(sink, "loader.1", 0755, cancellable, error) &&
	       add_directory(sink, "loader.1/entries", 0755, cancellable, error) &&
	       add_text(sink, "loader.1/entries/ostree-1.conf", text, cancellable, error) &&
	       add_directory(sink, "ostree", 0755, cancellable, error) &&
	       compose_kernel(compose, sink, cancellable, error);
}
