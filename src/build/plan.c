/* SPDX-License-Identifier: MIT */
#include "build/plan.h"

#include <string.h>

#include "build/bound.h"
#include "core/file.h"
#include "core/format.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/size.h"

/* What a directory, a name and an inode of the deployment cost beside the objects. */
#define NODE_COST 512
#define VERITY_COST 4096
/* Bytes that a compressed layer may become in the cache, for the look at the free space. */
#define INFLATION 3
/* What the tables of filesystems and artifacts may take beside their content. */
#define OVERHEAD (64 * SW_MIB)
#define KEYS_MAX (64 * 1024)

static void space_free(struct sw_planned_space *space)
{
	g_free(space->path);
	g_free(space);
}

static void file_free(struct sw_planned_file *file)
{
	g_free(file->path);
	g_free(file);
}

static gboolean add_space(struct sw_plan *plan, const char *purpose, const char *path,
			  guint64 needed, GError **error)
{
	struct sw_planned_space *space = g_new0(struct sw_planned_space, 1);

	space->purpose = purpose;
	space->path = g_strdup(path);
	space->needed = needed;
	g_ptr_array_add(plan->spaces, space);
	return sw_free_space(path, &space->available, error);
}

static void add_file(struct sw_plan *plan, const char *name, guint64 bytes)
{
	struct sw_planned_file *file = g_new0(struct sw_planned_file, 1);

	file->path = g_build_filename(plan->build->output, name, NULL);
	file->bytes = bytes;
	g_ptr_array_add(plan->files, file);
}

/* Two purposes on one filesystem are looked at one by one: what is promised is not added up. */
static gboolean check_space(const struct sw_planned_space *space, GError **error)
{
	g_autofree char *needed = sw_size_format(space->needed);
	g_autofree char *available = sw_size_format(space->available);

	if (space->available >= space->needed)
		return TRUE;
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full",
		       "%s: the %s needs about %s, %s are free", space->path, space->purpose,
		       needed, available);
}

static gboolean open_image(struct sw_plan *plan, struct sw_progress *progress,
			   GCancellable *cancellable, GError **error)
{
	const struct sw_build *build = plan->build;
	struct sw_source_options options = {
		.architecture = build->target_arch,
		.authfile = build->authfile,
		.tls_verify = build->tls_verify,
	};

	if (!sw_reference_parse(build->image, &plan->reference, error) ||
	    !sw_target_parse(build->target_imgref != NULL ? build->target_imgref : build->image,
			     &plan->target, error))
		return FALSE;
	options.reference = plan->reference;
	return sw_cache_open(build->cache, &plan->cache, cancellable, error) &&
	       sw_source_open(&options, progress, &plan->source, cancellable, error);
}

/* Room for the layers that the cache lacks. */
static gboolean look_at_cache(struct sw_plan *plan, gboolean check, GError **error)
{
	guint64 needed = 0;

	if (!sw_image_missing(plan->cache, sw_source_image(plan->source), &needed, error))
		return FALSE;
	return add_space(plan, "cache", sw_cache_path(plan->cache), needed * INFLATION, error) &&
	       (!check || check_space(g_ptr_array_index(plan->spaces, 0), error));
}

static gboolean collect_objects(struct sw_plan *plan, GCancellable *cancellable, GError **error)
{
	g_autoptr(GStrvBuilder) commits = g_strv_builder_new();
	g_auto(GStrv) all = NULL;

	g_strv_builder_add(commits, plan->import->commit);
	g_strv_builder_addv(commits, (const char **)plan->import->layer_commits);
	all = g_strv_builder_end(commits);
	return sw_objects_collect(sw_cache_repo(plan->cache), (const char *const *)all,
				  &plan->objects, cancellable, error);
}

/*
 * What an authorized_keys file says is what the disk gets: a later change of the file changes
 * nothing.
 */
static gboolean read_keys(struct sw_plan *plan, GError **error)
{
	if (plan->build->root_ssh_keys == NULL)
		return TRUE;
	return sw_read_file(plan->build->root_ssh_keys, KEYS_MAX, &plan->ssh_keys, NULL,
			    SW_ERROR_USAGE, "root-ssh-authorized-keys", error);
}

/* A secret: it goes nowhere but onto the disk, and no error shows it. */
static gboolean read_target_auth(struct sw_plan *plan, GError **error)
{
	const char *path = plan->build->target_authfile;
	const struct sw_json_subject subject = { path, SW_ERROR_USAGE, "target-authfile" };
	g_autoptr(JsonNode) root = NULL;
	size_t length = 0;

	if (path == NULL)
		return TRUE;
	return sw_read_file(path, KEYS_MAX, &plan->target_auth, &length, SW_ERROR_USAGE,
			    "target-authfile", error) &&
	       sw_json_parse(plan->target_auth, length, &subject, &root, error);
}

/*
 * What the machine updates from, after the image's own word on signatures; what the person should
 * know about it.
 */
static void settle_target(struct sw_plan *plan, struct sw_progress *progress)
{
	struct sw_target *target = plan->target;
	g_autofree char *origin = NULL;

	if (plan->facts->install->enforce_container_sigpolicy && !target->is_explicit)
		target->is_signed = TRUE;
	origin = sw_target_to_origin(target);
	if (target->image->transport != SW_TRANSPORT_REGISTRY)
		sw_progress_note(progress,
				 "the machine will update from %s, a place of its own: nothing "
				 "checks that it is there",
				 origin);
	else if (strchr(target->image->name, '@') != NULL)
		sw_progress_note(progress,
				 "the machine stays with %s, as a digest never changes: to update "
				 "it, name a tag with --target-imgref",
				 origin);
	if (target->is_signed && !plan->facts->has_policy)
		sw_progress_note(progress,
				 "the machine will refuse to update from %s: its "
				 "/etc/containers/policy.json must demand signatures, and accepts "
				 "anything or is not there",
				 origin);
}

static void hash_text(struct sw_sha256 *hash, const char *name, const char *text)
{
	if (text == NULL)
		return;
	sw_sha256_update(hash, name, strlen(name) + 1);
	sw_sha256_update(hash, text, strlen(text) + 1);
}

/*
 * The same image, document and seed give the same id, and with it the same UUIDs.  Types and their
 * options shape the artifacts, not the disk: they count only where they change its size.
 */
static void identify(struct sw_plan *plan)
{
	const struct sw_build *build = plan->build;
	g_autoptr(SwSha256) hash = sw_sha256_new();
	g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, build->size);
	g_autofree char *origin = sw_target_to_origin(plan->target);
	guint64 unit = sw_format_disk_unit(build->types);
	char hex[SW_SHA256_SIZE];

	hash_text(hash, "digest", sw_source_image(plan->source)->manifest_digest);
	hash_text(hash, "rootfs", plan->rootfs);
	hash_text(hash, "size", size);
	if (build->size % unit != 0 || (build->size == 0 && unit > SW_MIB)) {
		g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, unit);

		hash_text(hash, "unit", text);
	}
	hash_text(hash, "target", origin);
	for (char **karg = build->kargs; *karg != NULL; karg++)
		hash_text(hash, "karg", *karg);
	for (char **karg = build->karg_deletes; *karg != NULL; karg++)
		hash_text(hash, "karg-delete", *karg);
	hash_text(hash, "keys", plan->ssh_keys);
	hash_text(hash, "auth", plan->target_auth != NULL ? "given" : NULL);
	for (guint i = 0; i < plan->bound->len; i++)
		hash_text(hash, "bound",
			  ((const struct sw_bound_image *)plan->bound->pdata[i])->digest);
	hash_text(hash, "seed", build->seed);
	sw_sha256_hex(hash, hex);
	plan->build_id = g_strdup(hex);
}

/*
 * By what the machine finds the filesystem of ROLE: what the image WANTS, or else its UUID.  A root
 * that is discoverable by its partition's type needs no root=.
 */
static char *find_spec(const struct sw_plan *plan, enum sw_role role, const char *wanted)
{
	if (wanted != NULL)
		return g_strdup(wanted);
	if (role == SW_ROLE_ROOT && plan->facts->install->discoverable_partitions)
		return g_strdup("");
	return g_strconcat("UUID=", sw_layout_find(plan->layout, role)->uuid, NULL);
}

static gboolean lay_out(struct sw_plan *plan, GError **error)
{
	const struct sw_facts *facts = plan->facts;
	struct sw_layout_request request = {
		.architecture = plan->build->target_arch,
		.rootfs = plan->rootfs,
		.size = plan->build->size,
		.unit = sw_format_disk_unit(plan->build->types),
		.root_bytes = sw_objects_footprint(plan->objects) + facts->etc_bytes +
			      facts->var_bytes + facts->content_files * NODE_COST +
			      sw_bound_store_bytes(plan->bound),
		.transient_bytes = sw_bound_store_transient(plan->bound),
		.root_inodes = sw_objects_count(plan->objects) + facts->content_files,
		.boot_bytes = facts->boot_bytes,
		.seed = plan->build_id,
	};
	struct sw_kargs_request kargs = {
		.install = (const char *const *)facts->install_kargs,
		.image = (const char *const *)facts->image_kargs,
		.install_deletes = (const char *const *)facts->install_karg_deletes,
		.user_deletes = (const char *const *)plan->build->karg_deletes,
		.user = (const char *const *)plan->build->kargs,
	};

	/* fs-verity: a block for the descriptor of each file, hashes for its blocks. */
	if (facts->composefs == SW_COMPOSEFS_VERITY)
		request.root_bytes += sw_objects_count(plan->objects) * VERITY_COST +
				      sw_objects_bytes(plan->objects) / 100;
	if (!sw_layout_plan(&request, &plan->layout, error))
		return FALSE;
	plan->root_spec = find_spec(plan, SW_ROLE_ROOT, facts->install->root_mount_spec);
	plan->boot_spec = find_spec(plan, SW_ROLE_BOOT, facts->install->boot_mount_spec);
	kargs.root_spec = plan->root_spec;
	kargs.boot_spec = plan->boot_spec;
	plan->kargs = sw_kargs_resolve(&kargs);
	plan->disk_bytes = request.root_bytes + request.boot_bytes + OVERHEAD;
	for (guint i = 0; i < plan->bound->len; i++)
		plan->bound_bytes += ((const struct sw_bound_image *)plan->bound->pdata[i])->bytes;
	plan->bound_bytes += request.transient_bytes;
	return TRUE;
}

/*
 * The disk lies in the output directory while it is made, and what goes into its image store; an
 * artifact that is the disk takes no more.
 */
static gboolean list_files(struct sw_plan *plan, GError **error)
{
	guint64 total = plan->disk_bytes + plan->bound_bytes;

	for (char **type = plan->build->types; *type != NULL; type++) {
		const struct sw_format *format = sw_format_find(*type, error);
		g_autoptr(GPtrArray) names = NULL;
		void *state = NULL;

		if (format == NULL || !sw_format_configure(format, plan->build->options,
							   plan->layout->size, &state, error))
			return FALSE;
		names = sw_format_names(format, state);
		for (guint i = 0; i < names->len; i++)
			add_file(plan, g_ptr_array_index(names, i), plan->disk_bytes);
		if (format->is_disk == NULL || !format->is_disk(state))
			total += plan->disk_bytes;
		sw_format_release(format, state);
	}
	add_file(plan, "manifest.json", 64 * SW_KIB);
	add_file(plan, "SHA256SUMS", 4 * SW_KIB);
	return add_space(plan, "output", plan->build->output, total, error);
}

static gboolean decide(struct sw_plan *plan, gboolean check, struct sw_progress *progress,
		       GCancellable *cancellable, GError **error)
{
	const struct sw_build *build = plan->build;

	if (!sw_facts_read(sw_cache_repo(plan->cache), plan->import->commit,
			   sw_source_image(plan->source), build->rootfs, &plan->facts, cancellable,
			   error) ||
	    !sw_facts_apply_kargs(plan->facts, build->kargs, build->rootfs, error) ||
	    !sw_facts_check(plan->facts, error))
		return FALSE;
	plan->rootfs = g_strdup(build->rootfs != NULL ? build->rootfs : plan->facts->rootfs);
	plan->rootfs_origin = build->rootfs != NULL ? sw_build_origin(build, "rootfs") : "image";
	settle_target(plan, progress);
	if (!sw_bound_settle(build, plan->facts, progress, &plan->bound, cancellable, error) ||
	    !read_keys(plan, error) || !read_target_auth(plan, error) ||
	    !collect_objects(plan, cancellable, error))
		return FALSE;
	identify(plan);
	return lay_out(plan, error) && list_files(plan, error) &&
	       (!check || check_space(g_ptr_array_index(plan->spaces, 1), error));
}

gboolean sw_plan_make(const struct sw_build *build, gboolean check, struct sw_progress *progress,
		      struct sw_plan **ret_plan, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwPlan) plan = g_new0(struct sw_plan, 1);

	plan->build = build;
	plan->files = g_ptr_array_new_with_free_func((GDestroyNotify)file_free);
	plan->spaces = g_ptr_array_new_with_free_func((GDestroyNotify)space_free);
	if (!open_image(plan, progress, cancellable, error) || !look_at_cache(plan, check, error) ||
	    !sw_image_import(plan->cache, plan->source, progress, &plan->import, cancellable,
			     error) ||
	    !decide(plan, check, progress, cancellable, error))
		return FALSE;
	*ret_plan = g_steal_pointer(&plan);
	return TRUE;
}

void sw_plan_free(struct sw_plan *plan)
{
	if (plan == NULL)
		return;
	g_clear_pointer(&plan->files, g_ptr_array_unref);
	g_clear_pointer(&plan->spaces, g_ptr_array_unref);
	g_clear_pointer(&plan->kargs, g_ptr_array_unref);
	g_clear_pointer(&plan->bound, g_ptr_array_unref);
	sw_layout_free(plan->layout);
	sw_objects_free(plan->objects);
	sw_facts_free(plan->facts);
	sw_import_free(plan->import);
	sw_source_free(plan->source);
	sw_target_free(plan->target);
	sw_reference_free(plan->reference);
	sw_cache_free(plan->cache);
	g_free(plan->root_spec);
	g_free(plan->boot_spec);
	g_free(plan->rootfs);
	g_free(plan->ssh_keys);
	g_free(plan->target_auth);
	g_free(plan->build_id);
	g_free(plan);
}
