/* SPDX-License-Identifier: MIT */
#include "disk/disk.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "disk/bootloader.h"
#include "disk/ext4.h"
#include "disk/gpt.h"
#include "disk/labels.h"
#include "disk/mkfs.h"
#include "disk/tarstream.h"

/* One making of a disk. */
struct making {
	const struct sw_disk_request *request;
	const struct sw_layout *layout;
	const struct sw_facts *facts;
	struct sw_compose *compose;
	struct sw_bootloader_work *bootloader;
	struct sw_labels labels; /* without a policy: none are put on */
	GCancellable *cancellable;
};

static gint64 time_stamp(const struct making *making)
{
	return (gint64)making->request->compose->oci->created;
}

static void on_added(guint64 bytes, void *data)
{
	const struct making *making = data;

	sw_progress_bytes(making->request->progress, "disk", bytes,
			  sw_objects_bytes(making->request->compose->objects));
}

/* Partition table and empty filesystems, the ESP with its files. */
static gboolean make_filesystems(struct making *making, GError **error)
{
	const struct sw_disk_request *request = making->request;

	if (truncate(request->path, (off_t)making->layout->size) < 0)
		return sw_fail_errno(error, SW_ERROR_DEPLOY, "disk", "%s", request->path);
	if (!sw_gpt_write(making->layout, request->path, error))
		return FALSE;
	for (guint i = 0; i < making->layout->partitions->len; i++) {
		const struct sw_partition *partition =
			g_ptr_array_index(making->layout->partitions, i);
		gboolean ok = TRUE;

		if (partition->role == SW_ROLE_ESP)
			ok = sw_mkfs_esp(partition, request->path, request->scratch,
					 time_stamp(making), making->bootloader->esp_files,
					 making->cancellable, error);
		else if (partition->filesystem != NULL)
			ok = sw_mkfs(partition, request->path, request->scratch, time_stamp(making),
				     making->cancellable, error);
		if (!ok)
			return FALSE;
	}
	return TRUE;
}

static gboolean add_boot_file(struct making *making, const struct sw_boot_file *file,
			      struct sw_sink *sink, GError **error)
{
	struct sw_sink_node node = { .path = file->path,
				     .type = SW_SINK_SYMLINK,
				     .mode = 0777,
				     .mtime = time_stamp(making),
				     .target = file->target,
				     .fd = -1 };

	if (file->text != NULL) {
		node.type = SW_SINK_FILE;
		node.mode = 0600;
		node.data = file->text;
		node.size = strlen(file->text);
	}
	return sw_sink_add(sink, &node, making->cancellable, error);
}

/* The bootloader's files on /boot, their directories first. */
static gboolean add_boot_files(struct making *making, struct sw_sink *sink, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	/* sw_compose_boot() has made it. */
	g_hash_table_add(seen, g_strdup("loader.1"));
	for (guint i = 0; i < making->bootloader->boot_files->len; i++) {
		const struct sw_boot_file *file =
			g_ptr_array_index(making->bootloader->boot_files, i);
		g_autofree char *directory = g_path_get_dirname(file->path);
		struct sw_sink_node parent = { .path = directory,
					       .type = SW_SINK_DIRECTORY,
					       .mode = 0755,
					       .mtime = time_stamp(making) };

		if (g_hash_table_add(seen, g_strdup(directory)) &&
		    !sw_sink_add(sink, &parent, making->cancellable, error))
			return FALSE;
		if (!add_boot_file(making, file, sink, error))
			return FALSE;
	}
	return TRUE;
}

/*
 * The sink in front of INNER for the paths below PREFIX: one that labels, if the image has a policy.
 * RET_LABELLER must outlive it.
 */
static struct sw_sink *labelled(struct making *making, const char *prefix, struct sw_sink *inner,
				struct sw_labeller **ret_labeller)
{
	if (making->labels.policy == NULL)
		return inner;
	*ret_labeller = sw_labeller_new(&making->labels, prefix, inner);
	return sw_labeller_sink(*ret_labeller);
}

/* What mkfs.ext4 has made, too, gets its label, and no time of the machine that made it. */
static gboolean add_lost_found(struct making *making, struct sw_sink *sink, GError **error)
{
	struct sw_sink_node node = { .path = "lost+found",
				     .type = SW_SINK_DIRECTORY,
				     .mode = 0700,
				     .mtime = time_stamp(making) };

	return sw_sink_add(sink, &node, making->cancellable, error);
}

static gboolean write_boot(struct making *making, GError **error)
{
	const struct sw_partition *boot = sw_layout_find(making->layout, SW_ROLE_BOOT);
	g_autoptr(SwExt4) ext4 = NULL;
	g_autoptr(SwLabeller) labeller = NULL;
	struct sw_sink *sink = NULL;

	if (!sw_ext4_open(making->request->path, boot->offset, time_stamp(making), &ext4, error))
		return FALSE;
	sink = labelled(making, "boot", sw_ext4_sink(ext4), &labeller);
	return sw_compose_boot(making->compose, sink, making->cancellable, error) &&
	       add_lost_found(making, sink, error) && add_boot_files(making, sink, error) &&
	       sw_ext4_close(ext4, error);
}

static gboolean write_root_ext4(struct making *making, GError **error)
{
	const struct sw_partition *root = sw_layout_find(making->layout, SW_ROLE_ROOT);
	g_autoptr(SwExt4) ext4 = NULL;
	g_autoptr(SwLabeller) labeller = NULL;
	struct sw_sink *sink = NULL;

	if (!sw_ext4_open(making->request->path, root->offset, time_stamp(making), &ext4, error))
		return FALSE;
	sink = labelled(making, "", sw_ext4_sink(ext4), &labeller);
	return sw_compose_root(making->compose, sink, on_added, making, making->cancellable,
			       error) &&
	       add_lost_found(making, sink, error) && sw_ext4_close(ext4, error);
}

/* The writing end of a stream into the appliance. */
struct stream {
	struct making *making;
	int fd;
	GError *error;
};

static void *write_stream(void *data)
{
	struct stream *stream = data;
	struct making *making = stream->making;
	g_autoptr(SwTarstream) tar = sw_tarstream_new(stream->fd);
	g_autoptr(SwLabeller) labeller = NULL;
	struct sw_sink *sink = labelled(making, "", sw_tarstream_sink(tar), &labeller);

	if (sw_compose_root(making->compose, sink, on_added, making, making->cancellable,
			    &stream->error) &&
	    !sw_tarstream_close(tar, &stream->error))
		g_debug("the stream ended early");
	sw_close_fd(&stream->fd);
	return NULL;
}

/* A root that only a kernel can write: a tar stream into the appliance. */
static gboolean write_root_in_guest(struct making *making, GError **error)
{
	struct stream stream = { .making = making, .fd = -1 };
	int ends[2];
	GThread *thread;
	gboolean ok;

	if (!g_unix_open_pipe(ends, FD_CLOEXEC, error))
		return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "pipe", "cannot open a pipe");
	stream.fd = ends[1];
	thread = g_thread_new("stream", write_stream, &stream);
	ok = sw_guest_unpack(making->request->guest, ends[0], error);
	sw_close_fd(&ends[0]);
	g_thread_join(thread);
	/*
	 * When both failed, the reader's end broke the writer's pipe, or a cancellation ended
	 * both.
	 */
	if (ok && stream.error != NULL) {
		g_propagate_error(error, g_steal_pointer(&stream.error));
		ok = FALSE;
	}
	g_clear_error(&stream.error);
	return ok;
}

/*
 * .ostree.cfs, by the image's own ostree (contract 5.2): made within the sysroot's mount, because
 * the blob is linked into place.  "maybe" lives without it.
 */
static gboolean make_composefs(struct making *making, GError **error)
{
	const char *deployment = sw_compose_deployment(making->compose);
	const char *otherwise = making->facts->composefs == SW_COMPOSEFS_MAYBE
					? "exit 0"
					: "echo \"the image's ostree has no composefs, but its "
					  "prepare-root.conf demands it\" >&2; exit 1";
	static const char check_seal[] =
		"case $(lsattr cfs.tmp | cut -d ' ' -f 1) in *V*) ;; *)\n"
		"\techo \"the image's ostree does not put it under fs-verity\" >&2; exit 1 ;;\n"
		"esac\n";
	gboolean is_sealed = making->facts->composefs == SW_COMPOSEFS_VERITY;
	g_autofree char *script = NULL;

	if (making->facts->composefs == SW_COMPOSEFS_NO || !making->facts->has_ostree)
		return TRUE;
	/* With fs-verity ostree seals the blob, as the repository's configuration says. */
	script = g_strdup_printf("ostree --version | grep -q -- '- composefs' || { %s; }\n"
				 "cd /sysroot/ostree\n"
				 "ostree --repo=repo checkout %s %s cfs.tmp\n"
				 "%s"
				 "chattr -i /sysroot/%s\n"
				 "mv cfs.tmp /sysroot/%s/.ostree.cfs\n"
				 "chattr +i /sysroot/%s\n",
				 otherwise, is_sealed ? "--composefs" : "--composefs-noverity",
				 making->request->compose->commit, is_sealed ? check_seal : "",
				 deployment, deployment, deployment);
	return sw_guest_run(making->request->guest, deployment, "making .ostree.cfs", script,
			    error);
}

static gboolean find_label(const char *path, guint32 mode, char **ret_label, void *data,
			   GError **error)
{
	const struct making *making = data;

	return sw_labels_find(&making->labels, path + 1, mode, NULL, ret_label, error);
}

/* What was made in the appliance has no labels yet. */
static gboolean label_in_guest(struct making *making, GError **error)
{
	static const char *const composed[] = { "/ostree/deploy", "/ostree/repo", NULL };
	g_autofree char *deployment = g_strconcat("/", making->labels.deployment, NULL);
	struct sw_guest *guest = making->request->guest;

	return making->labels.policy == NULL ||
	       (sw_guest_label(guest, "/", composed, find_label, making, error) &&
		sw_guest_label(guest, deployment, NULL, find_label, making, error));
}

static gboolean finish_in_guest(struct making *making, GError **error)
{
	const struct sw_partition *root = sw_layout_find(making->layout, SW_ROLE_ROOT);
	const char *deployment = sw_compose_deployment(making->compose);
	struct sw_guest *guest = making->request->guest;
	gboolean is_ext4 = g_str_equal(root->filesystem, "ext4");
	g_autofree char *immutable = g_strdup_printf("chattr +i /sysroot/%s", deployment);

	/* From here on nobody knows how long it takes. */
	sw_progress_bytes(making->request->progress, "disk", 0, 0);
	if (!sw_guest_mount(guest, making->layout, error) ||
	    (!is_ext4 && !write_root_in_guest(making, error)))
		return FALSE;
	if (!is_ext4 && !sw_guest_run(guest, deployment, "chattr", immutable, error))
		return FALSE;
	if (!make_composefs(making, error))
		return FALSE;
	if (making->bootloader->script != NULL &&
	    !sw_guest_run(guest, deployment, making->bootloader->what, making->bootloader->script,
			  error))
		return FALSE;
	if (making->request->bound != NULL &&
	    !sw_bound_store_make(guest, deployment, making->request->bound,
				 making->labels.policy != NULL, error))
		return FALSE;
	return label_in_guest(making, error) && sw_guest_finish(guest, error);
}

static gboolean seal(struct making *making, GError **error)
{
	for (guint i = 0; i < making->layout->partitions->len; i++) {
		const struct sw_partition *partition =
			g_ptr_array_index(making->layout->partitions, i);

		if (g_strcmp0(partition->filesystem, "ext4") == 0 &&
		    !sw_ext4_seal(making->request->path, partition->offset, time_stamp(making),
				  error))
			return FALSE;
	}
	return TRUE;
}

/* The image's own policy, and where the labels of the disk come from. */
static gboolean read_labels(struct making *making, struct sw_sepolicy **ret_policy, GError **error)
{
	const struct sw_compose_request *compose = making->request->compose;
	g_autoptr(SwTree) tree = NULL;

	if (!sw_tree_open(compose->repo, compose->commit, &tree, making->cancellable, error) ||
	    !sw_sepolicy_read(tree, ret_policy, error))
		return FALSE;
	making->labels = (struct sw_labels){
		.policy = *ret_policy,
		.stateroot = making->facts->stateroot,
		.deployment = sw_compose_deployment(making->compose),
	};
	return TRUE;
}

gboolean sw_disk_make(const struct sw_disk_request *request, GCancellable *cancellable,
		      GError **error)
{
	const struct sw_compose_request *compose_request = request->compose;
	g_autoptr(SwCompose) compose = NULL;
	g_autoptr(SwBootloaderWork) bootloader = NULL;
	g_autoptr(SwSepolicy) policy = NULL;
	struct making making = {
		.request = request,
		.layout = compose_request->layout,
		.facts = compose_request->facts,
		.cancellable = cancellable,
	};
	struct sw_bootloader_request bootloader_request = {
		.repo = compose_request->repo,
		.commit = compose_request->commit,
		.architecture = compose_request->oci->architecture,
		.facts = compose_request->facts,
		.layout = compose_request->layout,
	};
	const struct sw_partition *root = sw_layout_find(making.layout, SW_ROLE_ROOT);

	if (!sw_compose_new(compose_request, &compose, cancellable, error))
		return FALSE;
	bootloader_request.entry = sw_compose_entry(compose);
	if (!sw_bootloader_prepare(&bootloader_request, &bootloader, cancellable, error))
		return FALSE;
	making.compose = compose;
	making.bootloader = bootloader;
	if (!read_labels(&making, &policy, error))
		return FALSE;
	return make_filesystems(&making, error) && write_boot(&making, error) &&
	       (!g_str_equal(root->filesystem, "ext4") || write_root_ext4(&making, error)) &&
	       finish_in_guest(&making, error) && seal(&making, error);
}
