/* SPDX-License-Identifier: MIT */
#include "disk/compose.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "disk/aleph.h"
#include "disk/deployment.h"
#include "image/refs.h"
#include "image/tree.h"

#define BUFFER_SIZE (1024 * 1024)

struct sw_compose {
	struct sw_compose_request request;
	char *boot_checksum;   /* contract 2.8: of kernel and initramfs */
	char *kernel_checksum; /* of the content objects */
	char *initramfs_checksum;
	char *deployment;
	struct sw_bls entry;
};

/* The repository configuration that bootc's install leaves (contract 2.5). */
static const char repo_config[] = "[core]\nrepo_version=1\nmode=bare\n\n"
				  "[sysroot]\nbootloader=none\nbootprefix=true\nreadonly=true\n";

/* The checksum of the content object that PATH is in the image; its bytes go into HASH. */
static gboolean take_boot_file(struct sw_compose *self, const struct sw_tree *tree,
			       const char *path, struct sw_sha256 *hash, char **ret_checksum,
			       GCancellable *cancellable, GError **error)
{
	struct sw_node node;
	g_autoptr(GInputStream) content = NULL;
	g_autofree char *buffer = g_malloc(BUFFER_SIZE);
	gssize n = 0;

	if (!sw_tree_find(tree, path, TRUE, &node, error))
		return FALSE;
	if (!ostree_repo_load_file(self->request.repo, node.checksum, &content, NULL, NULL,
				   cancellable, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "%s", path);
	while ((n = g_input_stream_read(content, buffer, BUFFER_SIZE, cancellable, error)) > 0)
		sw_sha256_update(hash, buffer, (size_t)n);
	if (n < 0)
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "cache", "%s", path);
	*ret_checksum = g_strdup(node.checksum);
	return TRUE;
}

static char *join_kargs(const struct sw_compose *self)
{
	const struct sw_compose_request *request = &self->request;
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < request->kargs->len; i++) {
		const struct sw_karg *karg = g_ptr_array_index(request->kargs, i);

		g_string_append_printf(text, "%s ", karg->text);
	}
	g_string_append_printf(text, "ostree=/ostree/boot.1/%s/%s/0", request->facts->stateroot,
			       self->boot_checksum);
	return g_string_free(text, FALSE);
}

static void make_entry(struct sw_compose *self)
{
	const struct sw_facts *facts = self->request.facts;
	g_autofree char *directory =
		g_strdup_printf("/boot/ostree/%s-%s", facts->stateroot, self->boot_checksum);

	self->entry.title = g_strdup_printf("%s (ostree:0)", facts->os_name);
	self->entry.options = join_kargs(self);
	self->entry.kernel = g_strdup_printf("%s/vmlinuz-%s", directory, facts->kernel_version);
	self->entry.initrd =
		g_strdup_printf("%s/initramfs-%s.img", directory, facts->kernel_version);
}

gboolean sw_compose_new(const struct sw_compose_request *request, struct sw_compose **ret_compose,
			GCancellable *cancellable, GError **error)
{
	g_autoptr(SwCompose) self = g_new0(struct sw_compose, 1);
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autoptr(SwTree) tree = NULL;
	char hex[SW_SHA256_SIZE];

	self->request = *request;
	if (!sw_tree_open(request->repo, request->commit, &tree, cancellable, error) ||
	    !take_boot_file(self, tree, request->facts->kernel, hash, &self->kernel_checksum,
			    cancellable, error) ||
	    !take_boot_file(self, tree, request->facts->initramfs, hash, &self->initramfs_checksum,
			    cancellable, error))
		return FALSE;
	sw_sha256_hex(hash, hex);
	self->boot_checksum = g_strdup(hex);
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
	g_free(compose->boot_checksum);
	g_free(compose->kernel_checksum);
	g_free(compose->initramfs_checksum);
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

	for (guint i = 0; i < G_N_ELEMENTS(directories); i++)
		if (!add_directory(sink, directories[i], 0755, cancellable, error))
			return FALSE;
	return add_text(sink, "ostree/repo/config", repo_config, cancellable, error) &&
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
		{ g_strdup_printf("ostree/boot.1.1/%s/%s", stateroot, self->boot_checksum), 0755 },
	};
	g_autofree char *link =
		g_strdup_printf("ostree/boot.1.1/%s/%s/0", stateroot, self->boot_checksum);
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
	const struct sw_partition *boot = sw_layout_find(request->layout, SW_ROLE_BOOT);
	const struct sw_deployment deployment = {
		.repo = request->repo,
		.commit = request->commit,
		.objects = request->objects,
		.stateroot = request->facts->stateroot,
		.path = compose->deployment,
		.boot_uuid = boot->uuid,
		.root_home = request->facts->root_home,
		.ssh_keys = request->ssh_keys,
	};

	return compose_skeleton(compose, sink, cancellable, error) &&
	       compose_refs(compose, sink, cancellable, error) &&
	       sw_objects_compose(request->objects, sink, added, data, cancellable, error) &&
	       sw_deployment_compose(&deployment, sink, cancellable, error) &&
	       compose_origin(compose, sink, cancellable, error) &&
	       compose_links(compose, sink, cancellable, error);
}

gboolean sw_compose_boot(struct sw_compose *compose, struct sw_sink *sink,
			 GCancellable *cancellable, GError **error)
{
	OstreeRepo *repo = compose->request.repo;
	const char *kernel = compose->entry.kernel + strlen("/boot/");
	const char *initrd = compose->entry.initrd + strlen("/boot/");
	g_autofree char *directory = g_path_get_dirname(kernel);
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
	       add_directory(sink, directory, 0755, cancellable, error) &&
	       sw_objects_add_file(repo, compose->kernel_checksum, kernel, sink, cancellable,
				   error) &&
	       sw_objects_add_file(repo, compose->initramfs_checksum, initrd, sink, cancellable,
				   error);
}
