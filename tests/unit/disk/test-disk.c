/* SPDX-License-Identifier: MIT */
#include "disk/disk.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "../../program.h"
#include "core/size.h"
#include "fakes/guest.h"
#include "unit/image/tree-fixture.h"

static gboolean call(struct sw_guest *guest, const char *name, GError **error)
{
	g_string_append_printf(guest->calls, "%s;", name);
	if (guest->fail_at == NULL || !g_str_has_prefix(name, guest->fail_at))
		return TRUE;
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "appliance-died", "%s: told to fail", name);
}

gboolean sw_guest_mount(struct sw_guest *guest, G_GNUC_UNUSED const struct sw_layout *layout,
			GError **error)
{
	return call(guest, "mount", error);
}

gboolean sw_guest_unpack(struct sw_guest *guest, int fd, GError **error)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		guest->unpacked += (guint64)n;
	return call(guest, "unpack", error);
}

gboolean sw_guest_run(struct sw_guest *guest, G_GNUC_UNUSED const char *deployment,
		      const char *what, const char *script, GError **error)
{
	g_autofree char *name = g_strconcat("run ", what, NULL);

	g_string_append(guest->scripts, script);
	return call(guest, name, error);
}

gboolean sw_guest_run_long(struct sw_guest *guest, const char *deployment, const char *what,
			   const char *script, GError **error)
{
	return sw_guest_run(guest, deployment, what, script, error);
}

gboolean sw_guest_load_module(struct sw_guest *guest, const char *module, GError **error)
{
	g_autofree char *name = g_strconcat("load ", module, NULL);

	return call(guest, name, error);
}

gboolean sw_guest_copy_in(struct sw_guest *guest, const char *from, const char *to, GError **error)
{
	g_autofree char *name = g_strdup_printf("copy %s to %s", from, to);

	return call(guest, name, error);
}

gboolean sw_guest_label(struct sw_guest *guest, const char *directory,
			G_GNUC_UNUSED const char *const *except,
			G_GNUC_UNUSED sw_guest_label_func func, G_GNUC_UNUSED void *data,
			GError **error)
{
	g_autofree char *name = g_strconcat("label ", directory, NULL);

	return call(guest, name, error);
}

gboolean sw_guest_finish(struct sw_guest *guest, GError **error)
{
	return call(guest, "finish", error);
}

/* An image, its plan, and a disk file with a guest that is none. */
struct bed {
	struct fixture *image;
	char *commit;
	char *layers[2];
	struct sw_oci_image oci;
	struct sw_facts *facts;
	struct sw_target *target;
	struct sw_objects *objects;
	struct sw_layout *layout;
	GPtrArray *kargs;
	const char *auth;
	GPtrArray *bound;
	char *disk;
	struct sw_guest guest;
	gboolean has_policy; /* of SELinux */
};

static void ok(gboolean result, const GError *error)
{
	g_assert_no_error(error);
	g_assert_true(result);
}

static void describe_image(struct bed *bed)
{
	struct sw_oci_layer *layer = g_new0(struct sw_oci_layer, 1);

	layer->digest = g_strconcat("sha256:", bed->commit, NULL);
	bed->layers[0] = bed->commit;
	bed->oci = (struct sw_oci_image){
		.manifest_digest = layer->digest,
		.architecture = (char *)"amd64",
		.created = 1700000000,
		.labels = g_hash_table_new(g_str_hash, g_str_equal),
		.layers = g_ptr_array_new_with_free_func(g_free),
	};
	g_hash_table_insert(bed->oci.labels, (char *)"containers.bootc", (char *)"1");
	g_ptr_array_add(bed->oci.layers, layer);
}

static void add_policy(struct bed *bed)
{
	fixture_write(bed->image, "usr/etc/selinux/config",
		      "SELINUX=permissive\nSELINUXTYPE=fixture\n");
	fixture_write(bed->image, "usr/etc/selinux/fixture/contexts/files/file_contexts",
		      "/.*\ta:b:default_t\n/\t-d\ta:b:root_t\n/boot(/.*)?\ta:b:boot_t\n"
		      "/usr(/.*)?\ta:b:usr_t\n/etc/shadow\t--\ta:b:shadow_t\n"
		      "/var(/.*)?\ta:b:var_t\n/lost\\+found\t-d\ta:b:lost_found_t\n");
}

static void set_up(struct bed *bed, const void *rootfs)
{
	struct sw_kargs_request kargs = { 0 };
	struct sw_layout_request layout = {
		.architecture = "amd64", .rootfs = rootfs, .root_inodes = 1000, .seed = "test"
	};
	const char *commits[2] = { NULL, NULL };
	g_autoptr(GError) error = NULL;
	int fd;

	bed->image = fixture_new();
	fixture_make_good(bed->image);
	fixture_write(bed->image, "usr/etc/shadow", "root:*\n");
	if (bed->has_policy)
		add_policy(bed);
	fixture_write(bed->image, "var/lib/thing/state", "kept\n");
	bed->commit = fixture_commit(bed->image);
	commits[0] = bed->commit;
	describe_image(bed);
	ok(sw_facts_read(bed->image->repo, bed->commit, &bed->oci, rootfs, &bed->facts, NULL,
			 &error),
	   error);
	ok(sw_target_parse("quay.io/org/edge:1", &bed->target, &error), error);
	ok(sw_objects_collect(bed->image->repo, commits, &bed->objects, NULL, &error), error);
	layout.root_bytes = sw_objects_footprint(bed->objects);
	ok(sw_layout_plan(&layout, &bed->layout, &error), error);
	kargs.root_spec = "UUID=root";
	bed->kargs = sw_kargs_resolve(&kargs);
	bed->disk = g_build_filename(bed->image->directory, "disk.raw", NULL);
	fd = open(bed->disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(ftruncate(fd, 1024 * (off_t)SW_GIB), ==, 0);
	close(fd);
	bed->guest.calls = g_string_new(NULL);
	bed->guest.scripts = g_string_new(NULL);
}

static void tear_down(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_string_free(bed->guest.calls, TRUE);
	g_string_free(bed->guest.scripts, TRUE);
	g_free(bed->disk);
	g_ptr_array_unref(bed->kargs);
	sw_layout_free(bed->layout);
	sw_objects_free(bed->objects);
	sw_target_free(bed->target);
	sw_facts_free(bed->facts);
	g_free(bed->oci.manifest_digest);
	g_ptr_array_unref(bed->oci.layers);
	g_hash_table_unref(bed->oci.labels);
	g_free(bed->commit);
	fixture_free(bed->image);
}

static gboolean make(struct bed *bed, GError **error)
{
	const struct sw_compose_request compose = {
		.repo = bed->image->repo,
		.commit = bed->commit,
		.layer_commits = (const char *const *)bed->layers,
		.objects = bed->objects,
		.oci = &bed->oci,
		.facts = bed->facts,
		.target = bed->target,
		.source = "quay.io/org/edge@sha256:x",
		.layout = bed->layout,
		.kargs = bed->kargs,
		.boot_spec = "UUID=boot",
		.auth = bed->auth,
		.ssh_keys = "ssh-ed25519 AAAA me\n",
	};
	const struct sw_disk_request request = {
		.compose = &compose,
		.guest = &bed->guest,
		.path = bed->disk,
		.bound = bed->bound,
		.scratch = bed->image->directory,
	};

	return sw_disk_make(&request, NULL, error);
}

/* e2fsprogs' own reader on the partition of ROLE. */
static char *debugfs(const struct bed *bed, enum sw_role role, const char *format, ...)
{
	g_autofree char *name = g_strdup_printf("%s?offset=%" G_GUINT64_FORMAT, bed->disk,
						sw_layout_find(bed->layout, role)->offset);
	g_autofree char *request = NULL;
	const char *argv[] = { "debugfs", "-R", NULL, name, NULL };
	va_list args;

	va_start(args, format);
	request = g_strdup_vprintf(format, args);
	va_end(args);
	argv[2] = request;
	return run_program(argv, NULL);
}

static void check_filesystem(const struct bed *bed, enum sw_role role)
{
	g_autofree char *name = g_strdup_printf("%s?offset=%" G_GUINT64_FORMAT, bed->disk,
						sw_layout_find(bed->layout, role)->offset);
	const char *argv[] = { "e2fsck", "-fn", name, NULL };
	g_autofree char *output = run_program(argv, NULL);

	g_assert_nonnull(output);
}

static void test_ext4(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *deployment =
		g_strdup_printf("/ostree/deploy/default/deploy/%s.0", bed->commit);
	g_autofree char *entry = NULL;
	g_autofree char *menu = NULL;
	g_autofree char *menu_link = NULL;
	g_autofree char *origin = NULL;
	g_autofree char *fstab = NULL;
	g_autofree char *keys = NULL;
	g_autofree char *state = NULL;
	g_autofree char *ref = NULL;
	g_autofree char *linked = NULL;
	GStatBuf st;

	ok(make(bed, &error), error);
	g_assert_cmpstr(bed->guest.calls->str, ==,
			"mount;run making .ostree.cfs;run grub-install for BIOS;finish;");
	g_assert_nonnull(strstr(bed->guest.scripts->str, bed->commit));
	g_assert_cmpint(g_stat(bed->disk, &st), ==, 0);
	g_assert_cmpint(st.st_size, ==, (gint64)bed->layout->size);
	check_filesystem(bed, SW_ROLE_BOOT);
	check_filesystem(bed, SW_ROLE_ROOT);

	entry = debugfs(bed, SW_ROLE_BOOT, "cat /loader.1/entries/ostree-1.conf");
	g_assert_true(g_str_has_prefix(entry, "title Debian GNU/Linux 13 (ostree:0)\nversion 1\n"
					      "options root=UUID="));
	g_assert_nonnull(strstr(entry, " ostree=/ostree/boot.1/default/"));
	g_assert_nonnull(strstr(entry, "\nlinux /boot/ostree/default-"));
	g_assert_nonnull(strstr(entry, "/initramfs-6.1.0-9.img\n"));
	menu = debugfs(bed, SW_ROLE_BOOT, "cat /loader.1/syslinux.cfg");
	g_assert_true(g_str_has_prefix(menu, "DEFAULT Debian GNU/Linux 13 (ostree:0)\nLABEL "));
	menu_link = debugfs(bed, SW_ROLE_BOOT, "stat /syslinux/syslinux.cfg");
	g_assert_nonnull(strstr(menu_link, "Fast link dest: \"../loader/syslinux.cfg\""));
	origin = debugfs(bed, SW_ROLE_ROOT, "cat %s.origin", deployment);
	g_assert_cmpstr(origin, ==,
			"[origin]\ncontainer-image-reference="
			"ostree-unverified-registry:quay.io/org/edge:1\n");
	fstab = debugfs(bed, SW_ROLE_ROOT, "cat %s/etc/fstab", deployment);
	g_assert_true(g_str_has_suffix(fstab, " /boot auto ro 0 0\n"));
	keys = debugfs(bed, SW_ROLE_ROOT, "cat %s/etc/tmpfiles.d/bootc-root-ssh.conf", deployment);
	g_assert_cmpstr(keys, ==,
			"f~ /var/roothome/.ssh/authorized_keys 600 root root - "
			"c3NoLWVkMjU1MTkgQUFBQSBtZQo=\n");
	state = debugfs(bed, SW_ROLE_ROOT, "cat /ostree/deploy/default/var/lib/thing/state");
	g_assert_cmpstr(state, ==, "kept\n");
	ref = debugfs(bed, SW_ROLE_ROOT,
		      "cat /ostree/repo/refs/heads/ostree/container/image/"
		      "docker_3A__2F__2F_quay_2E_io/org/edge_3A_1");
	g_assert_cmpstr(g_strchomp(ref), ==, bed->commit);
	linked = debugfs(bed, SW_ROLE_ROOT, "stat %s/usr/bin/ostree", deployment);
	g_assert_null(strstr(linked, "Links: 1 "));
}

/* What the install configuration and the user add. */
static void test_configured(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autofree char *etc =
		g_strdup_printf("/ostree/deploy/default/deploy/%s.0/etc", bed->commit);
	g_autoptr(GError) error = NULL;
	g_autofree char *config = NULL;
	g_autofree char *auth = NULL;
	g_autofree char *status = NULL;
	g_autofree char *fstab = NULL;
	g_autofree char *aleph = NULL;

	bed->auth = "{\"auths\":{}}";
	bed->facts->install->bls_append_except_default = g_strdup("a=1;b=\\2");
	ok(make(bed, &error), error);
	config = debugfs(bed, SW_ROLE_ROOT, "cat /ostree/repo/config");
	g_assert_cmpstr(config, ==,
			"[core]\nrepo_version=1\nmode=bare\n\n[sysroot]\nbootloader=syslinux\n"
			"bootprefix=true\nreadonly=true\nbls-append-except-default=a=1;b=\\\\2\n");
	auth = debugfs(bed, SW_ROLE_ROOT, "cat %s/ostree/auth.json", etc);
	g_assert_cmpstr(auth, ==, bed->auth);
	status = debugfs(bed, SW_ROLE_ROOT, "stat %s/ostree/auth.json", etc);
	g_assert_nonnull(strstr(status, "Mode:  0600 "));
	g_assert_nonnull(strstr(status, "User:     0 "));
	fstab = debugfs(bed, SW_ROLE_ROOT, "cat %s/fstab", etc);
	g_assert_cmpstr(fstab, ==, "UUID=boot /boot auto ro 0 0\n");
	aleph = debugfs(bed, SW_ROLE_ROOT, "cat /.bootc-aleph.json");
	g_assert_nonnull(strstr(aleph, "\"image\":\"quay.io/org/edge@sha256:x\""));
}

/* Objects and the repository's configuration under fs-verity, and nothing that changes. */
static void test_verity(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path =
		g_strdup_printf("/ostree/deploy/default/deploy/%s.0/usr/bin/ostree", bed->commit);
	g_autofree char *etc =
		g_strdup_printf("/ostree/deploy/default/deploy/%s.0/etc/shadow", bed->commit);
	g_autofree char *linked = NULL;
	g_autofree char *copied = NULL;
	g_autofree char *config = NULL;
	g_autofree char *flags = NULL;

	bed->facts->composefs = SW_COMPOSEFS_VERITY;
	ok(make(bed, &error), error);
	check_filesystem(bed, SW_ROLE_ROOT);
	linked = debugfs(bed, SW_ROLE_ROOT, "stat %s", path);
	g_assert_nonnull(strstr(linked, "Flags: 0x180000"));
	copied = debugfs(bed, SW_ROLE_ROOT, "stat %s", etc);
	g_assert_nonnull(strstr(copied, "Flags: 0x80000"));
	config = debugfs(bed, SW_ROLE_ROOT, "cat /ostree/repo/config");
	g_assert_true(g_str_has_suffix(config, "\n[ex-integrity]\nfsverity=true\n"));
	flags = debugfs(bed, SW_ROLE_ROOT, "stat /ostree/repo/config");
	g_assert_nonnull(strstr(flags, "Flags: 0x180000"));
	g_assert_nonnull(strstr(bed->guest.scripts->str, "checkout --composefs "));
}

static void set_up_with_policy(struct bed *bed, const void *rootfs)
{
	bed->has_policy = TRUE;
	set_up(bed, rootfs);
}

/* By e2fsprogs' own reader; "": none. */
static void assert_label(const struct bed *bed, enum sw_role role, const char *path,
			 const char *expected)
{
	g_autofree char *label = debugfs(bed, role, "ea_get -V \"%s\" security.selinux", path);

	if (!g_str_equal(label, expected))
		g_error("%s: '%s', not '%s'", path, label, expected);
}

static void test_labels(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *deployment =
		g_strdup_printf("/ostree/deploy/default/deploy/%s.0", bed->commit);
	g_autofree char *origin = g_strconcat(deployment, ".origin", NULL);
	g_autofree char *shadow = g_strconcat(deployment, "/etc/shadow", NULL);
	g_autofree char *program = g_strconcat(deployment, "/usr/bin/ostree", NULL);
	g_autofree char *expected_calls =
		g_strdup_printf("mount;run making .ostree.cfs;run grub-install for BIOS;label /;"
				"label %s;finish;",
				deployment);

	ok(make(bed, &error), error);
	g_assert_cmpstr(bed->guest.calls->str, ==, expected_calls);
	assert_label(bed, SW_ROLE_ROOT, "/", "a:b:root_t");
	assert_label(bed, SW_ROLE_ROOT, "/boot", "a:b:boot_t");
	assert_label(bed, SW_ROLE_ROOT, "/lost+found", "a:b:lost_found_t");
	assert_label(bed, SW_ROLE_ROOT, "/ostree", "a:b:usr_t");
	assert_label(bed, SW_ROLE_ROOT, "/ostree/repo/config", "a:b:default_t");
	assert_label(bed, SW_ROLE_ROOT, "/ostree/deploy/default/var", "a:b:var_t");
	assert_label(bed, SW_ROLE_ROOT, "/ostree/deploy/default/var/.ostree-selabeled",
		     "a:b:var_t");
	assert_label(bed, SW_ROLE_ROOT, origin, "a:b:default_t");
	assert_label(bed, SW_ROLE_ROOT, shadow, "a:b:shadow_t");
	/* The objects are as the commit has them, which is not labelled here. */
	assert_label(bed, SW_ROLE_ROOT, program, "");
	assert_label(bed, SW_ROLE_BOOT, "/", "a:b:boot_t");
	assert_label(bed, SW_ROLE_BOOT, "/lost+found", "a:b:boot_t");
	assert_label(bed, SW_ROLE_BOOT, "/loader.1/entries/ostree-1.conf", "a:b:boot_t");
	check_filesystem(bed, SW_ROLE_BOOT);
	check_filesystem(bed, SW_ROLE_ROOT);
}

/* The labels come last; a dying appliance is one at each step of the store. */
static void test_bound_images(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	static const char *const calls[] = { "load", "copy", "run storing",
					     "run making the image" };
	struct sw_bound_image image = { .name = (char *)"quay.io/a/b:1",
					.bytes = 100,
					.directory = (char *)"/scratch/bound-0" };
	g_autoptr(GPtrArray) images = g_ptr_array_new();
	g_autoptr(GError) error = NULL;

	g_ptr_array_add(images, &image);
	bed->bound = images;
	ok(make(bed, &error), error);
	g_assert_nonnull(strstr(bed->guest.calls->str, "load overlay;run making the image store;"
						       "copy /scratch/bound-0 to /.slipway-bound;"
						       "run storing the bound image quay.io/a/b:1;"
						       "run making the image store;label /;"));
	g_assert_nonnull(strstr(bed->guest.scripts->str, "dir:/sysroot/.slipway-bound/bound-0 "
							 "containers-storage:'quay.io/a/b:1' "));
	g_assert_nonnull(strstr(bed->guest.scripts->str, "touch storage.tmp/.bootc_labeled\n"));
	for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_clear_error(&error);
		bed->guest.fail_at = calls[i];
		g_assert_false(make(bed, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "appliance-died");
	}
}

static void test_xfs(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;

	ok(make(bed, &error), error);
	g_assert_cmpstr(bed->guest.calls->str, ==,
			"mount;unpack;run chattr;run making .ostree.cfs;"
			"run grub-install for BIOS;finish;");
	g_assert_cmpint(bed->guest.unpacked, >, sw_objects_bytes(bed->objects));
}

static void test_guest_dies(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	static const char *const calls[] = { "mount", "unpack", "run grub", "finish" };

	for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
		g_autoptr(GError) error = NULL;

		bed->guest.fail_at = calls[i];
		g_assert_false(make(bed, &error));
		g_assert_cmpstr(sw_error_id(error), ==, "appliance-died");
	}
}

/* The checksum of what is not zero in the disk and where it lies: most of the disk is a hole. */
static char *checksum_of(const char *path)
{
	static const char zeros[65536];
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree char *buffer = g_malloc(sizeof zeros);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t at = 0;

	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		ssize_t n;

		at -= at % (off_t)sizeof zeros;
		n = pread(fd, buffer, sizeof zeros, at);
		g_assert_cmpint(n, >, 0);
		if (memcmp(buffer, zeros, (size_t)n) != 0) {
			g_checksum_update(checksum, (const guchar *)&at, sizeof at);
			g_checksum_update(checksum, (const guchar *)buffer, n);
		}
		at += n;
	}
	close(fd);
	return g_strdup(g_checksum_get_string(checksum));
}

/* The same plan gives the same bytes. */
static void test_same_bytes(struct bed *bed, G_GNUC_UNUSED const void *data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *first = NULL;
	g_autofree char *second = NULL;
	GStatBuf st;

	ok(make(bed, &error), error);
	first = checksum_of(bed->disk);
	g_assert_cmpint(g_stat(bed->disk, &st), ==, 0);
	g_usleep(1100000);
	g_assert_cmpint(truncate(bed->disk, 0), ==, 0);
	g_assert_cmpint(truncate(bed->disk, st.st_size), ==, 0);
	ok(make(bed, &error), error);
	second = checksum_of(bed->disk);
	g_assert_cmpstr(first, ==, second);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/disk/ext4", struct bed, "ext4", set_up, test_ext4, tear_down);
	g_test_add("/disk/configured", struct bed, "ext4", set_up, test_configured, tear_down);
	g_test_add("/disk/verity", struct bed, "ext4", set_up, test_verity, tear_down);
	g_test_add("/disk/labels", struct bed, "ext4", set_up_with_policy, test_labels, tear_down);
	g_test_add("/disk/bound-images", struct bed, "ext4", set_up_with_policy, test_bound_images,
		   tear_down);
	g_test_add("/disk/xfs", struct bed, "xfs", set_up, test_xfs, tear_down);
	g_test_add("/disk/guest-dies", struct bed, "xfs", set_up, test_guest_dies, tear_down);
	g_test_add("/disk/same-bytes", struct bed, "ext4", set_up, test_same_bytes, tear_down);
	return g_test_run();
}
