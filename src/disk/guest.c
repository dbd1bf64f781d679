/* SPDX-License-Identifier: MIT */
#include "disk/guest.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"
#include "core/scratch.h"
#include "core/size.h"
#include "core/text.h"
#include "disk/accel.h"
#include "disk/guest-handle.h"
#include "disk/supermin.h"

#define LAUNCH_SECONDS 300
/* Programs in the appliance may say much; the end tells why they failed. */
#define MESSAGE_MAX 400
/* What the appliance takes where libguestfs keeps it, about. */
#define APPLIANCE_BYTES (400 * SW_MIB)
/* Times that a dying appliance is started. */
#define LAUNCHES 2

static void on_event(guestfs_h *handle, void *opaque, uint64_t event, int event_handle, int flags,
		     const char *buffer, size_t length, const uint64_t *array, size_t array_length)
{
	struct sw_guest *self = opaque;

	(void)handle, (void)event_handle, (void)flags, (void)array, (void)array_length;
	g_mutex_lock(&self->lock);
	g_string_append_len(self->console, buffer, (gssize)length);
	if (self->console->len > 16384)
		g_string_erase(self->console, 0, (gssize)(self->console->len - 8192));
	g_mutex_unlock(&self->lock);
	if (event != GUESTFS_EVENT_APPLIANCE)
		g_debug("appliance: %.*s", (int)length, buffer);
}

/* What begins the page of advice behind libguestfs's messages about a failed launch. */
static const char *const advices[] = { "This usually means", "To see full error messages" };

/* LINE without such advice, in place. */
static char *cut_advice(char *line)
{
	for (guint i = 0; i < G_N_ELEMENTS(advices); i++) {
		char *advice = strstr(line, advices[i]);

		if (advice == NULL)
			continue;
		g_debug("appliance: %s", line);
		*advice = '\0';
	}
	line = g_strstrip(line);
	if (g_str_has_suffix(line, "."))
		line[strlen(line) - 1] = '\0';
	return line;
}

/* supermin looks whether there is room for the appliance, but libguestfs does not pass on what it says. */
static gboolean lacks_space(const char *cachedir)
{
	guint64 bytes = 0;

	return cachedir != NULL && sw_free_space(cachedir, &bytes, NULL) && bytes < APPLIANCE_BYTES;
}

gboolean sw_guest_fail(struct sw_guest *self, const char *what, GError **error)
{
	const char *message = self->handle == NULL ? NULL : guestfs_last_error(self->handle);
	g_autofree char *text = sw_text_line(message == NULL ? "no message" : message);
	char *line = g_strstrip(text);
	enum sw_watchdog_verdict verdict = sw_watchdog_verdict(self->watchdog);
	g_autofree char *cachedir =
		self->handle == NULL ? NULL : guestfs_get_cachedir(self->handle);

	line = cut_advice(line);
	if (strlen(line) > MESSAGE_MAX) {
		g_debug("appliance: %s", line);
		line = g_utf8_find_next_char(line + strlen(line) - MESSAGE_MAX, NULL);
	}
	if (verdict == SW_WATCHDOG_CANCELLED)
		return sw_fail(error, SW_ERROR_CANCELLED, "cancelled", "cancelled");
	if (verdict == SW_WATCHDOG_FULL)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full",
			       "%s: no space is left for %s", what, self->disk);
	if (verdict == SW_WATCHDOG_HUNG)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "appliance-died",
			       "%s: the appliance hung and was ended", what);
	if (strstr(line, "supermin") != NULL && lacks_space(cachedir))
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "disk-full",
			       "%s: no space is left in %s, where libguestfs keeps it (set "
			       "LIBGUESTFS_CACHEDIR to another directory)",
			       what, cachedir);
	if (self->handle == NULL || guestfs_get_pid(self->handle) < 0)
		return sw_fail(
			error, SW_ERROR_ENVIRONMENT, "appliance-died",
			"%s: the appliance ended by itself (%s); libguestfs-test-tool tells more",
			what, line);
	return sw_fail(error, SW_ERROR_DEPLOY, "appliance", "%s: %s", what, line);
}

/* libguestfs finds out late and says little when it cannot read a kernel: this comes first. */
static gboolean check_kernel(GError **error)
{
	glob_t found = { 0 };
	gboolean readable = FALSE;
	g_autofree char *name = NULL;

	if (g_getenv("SUPERMIN_KERNEL") != NULL || g_getenv("LIBGUESTFS_PATH") != NULL)
		return TRUE;
	if (glob("/boot/vmlinu?-*", 0, NULL, &found) == 0)
		name = g_strdup(found.gl_pathv[0]);
	for (size_t i = 0; i < found.gl_pathc; i++)
		readable = readable || access(found.gl_pathv[i], R_OK) == 0;
	globfree(&found);
	if (readable)
		return TRUE;
	if (name != NULL)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "kernel-unreadable",
			       "%s is not readable for this user, the appliance needs it: "
			       "sudo chmod 0644 %s",
			       name, name);
	return sw_fail(
		error, SW_ERROR_ENVIRONMENT, "kernel-missing",
		"no kernel in /boot for the appliance: install one (linux-image-cloud-amd64)");
}

/* The handler that prints errors is a matter of each thread. */
static void silence(struct sw_guest *self)
{
	guestfs_set_error_handler(self->handle, NULL, NULL);
}

/*
 * libguestfs starts QEMU and supermin with our environment and nothing else; no other thread of
 * ours reads it meanwhile.  The appliance that TMPDIR led libguestfs to stays in use.
 */
static void redirect_temporary_files(const char *path)
{
	const char *tmpdir = getenv("TMPDIR");

	setenv("LIBGUESTFS_CACHEDIR", tmpdir != NULL ? tmpdir : "/var/tmp", FALSE);
	setenv("TMPDIR", path, TRUE);
}

static void reclaim(struct sw_guest *self)
{
	g_autofree char *cachedir = guestfs_get_cachedir(self->handle);

	if (cachedir != NULL)
		sw_supermin_reclaim(cachedir);
}

static gboolean fail_handle(GError **error)
{
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "appliance", "libguestfs could not be set up");
}

static guestfs_h *new_handle(struct sw_guest *self)
{
	guestfs_h *handle = guestfs_create_flags(GUESTFS_CREATE_NO_ENVIRONMENT);
	g_auto(GStrv) environment = g_get_environ();
	const char *path = sw_scratch_path(self->scratch);

	if (handle == NULL)
		return NULL;
	guestfs_set_error_handler(handle, NULL, NULL);
	/* What is its own stays: only the sockets and temporary files go where we reclaim them. */
	environment = g_environ_setenv(environment, "XDG_RUNTIME_DIR", path, TRUE);
	environment = g_environ_unsetenv(environment, "LIBGUESTFS_BACKEND_SETTINGS");
	if (guestfs_parse_environment_list(handle, environment) == 0 &&
	    guestfs_set_tmpdir(handle, path) == 0 && guestfs_set_backend(handle, "direct") == 0) {
		guestfs_set_event_callback(handle, on_event,
					   GUESTFS_EVENT_APPLIANCE | GUESTFS_EVENT_LIBRARY |
						   GUESTFS_EVENT_WARNING,
					   0, self);
		return handle;
	}
	guestfs_close(handle);
	return NULL;
}

/* Makes the first handle, and looks whether it has a program to start. */
static gboolean check_qemu(struct sw_guest *self, GError **error)
{
	g_autofree char *hv = NULL;

	self->handle = new_handle(self);
	if (self->handle == NULL)
		return fail_handle(error);
	hv = guestfs_get_hv(self->handle);
	if (hv != NULL && access(hv, X_OK) == 0)
		return TRUE;
	return sw_fail(error, SW_ERROR_ENVIRONMENT, "program-missing",
		       "%s is missing: install the package qemu-system-x86",
		       hv == NULL ? "QEMU" : hv);
}

static gboolean choose_accel(struct sw_guest *self, GError **error)
{
	g_autofree char *hv = guestfs_get_hv(self->handle);
	g_autofree char *reason = NULL;
	enum sw_accel accel;

	if (hv == NULL)
		return sw_guest_fail(self, "appliance", error);
	if (!sw_accel_choose(hv, sw_scratch_path(self->scratch), &accel, &reason, self->cancellable,
			     error))
		return FALSE;
	if (reason != NULL)
		sw_progress_note(self->progress, "%s", reason);
	if (accel == SW_ACCEL_TCG &&
	    guestfs_set_backend_setting(self->handle, "force_tcg", "1") != 0)
		return sw_guest_fail(self, "appliance", error);
	if (accel == SW_ACCEL_KVM &&
	    guestfs_set_backend_setting(self->handle, "force_kvm", "1") != 0)
		return sw_guest_fail(self, "appliance", error);
	return TRUE;
}

static gboolean add_disk(struct sw_guest *self)
{
	/* What is written to it goes into a temporary file, so a journal can be replayed. */
	if (self->examined != NULL)
		return guestfs_add_drive_opts(
			       self->handle, self->disk, GUESTFS_ADD_DRIVE_OPTS_READONLY, 1,
			       GUESTFS_ADD_DRIVE_OPTS_FORMAT, self->examined,
			       GUESTFS_ADD_DRIVE_OPTS_LABEL, SW_GUEST_LABEL, -1) == 0;
	/*
	 * Written while it is attached, so "unsafe": the one sync comes when the file is finished.
	 */
	return guestfs_add_drive_opts(self->handle, self->disk, GUESTFS_ADD_DRIVE_OPTS_FORMAT,
				      "raw", GUESTFS_ADD_DRIVE_OPTS_LABEL, SW_GUEST_LABEL,
				      GUESTFS_ADD_DRIVE_OPTS_CACHEMODE, "unsafe",
				      GUESTFS_ADD_DRIVE_OPTS_DISCARD, "enable", -1) == 0;
}

static gboolean configure_and_launch(struct sw_guest *self, GError **error)
{
	return (add_disk(self) &&
		guestfs_set_smp(self->handle, (int)CLAMP(g_get_num_processors(), 1, 4)) == 0 &&
		guestfs_launch(self->handle) == 0) ||
	       sw_guest_fail(self, "the appliance does not start", error);
}

static gboolean launch_once(struct sw_guest *self, GError **error)
{
	gboolean ok;

	g_clear_pointer(&self->handle, guestfs_close);
	self->handle = new_handle(self);
	if (self->handle == NULL)
		return fail_handle(error);
	reclaim(self);
	if (!choose_accel(self, error))
		return FALSE;
	sw_watchdog_arm_thread(self->watchdog, (pid_t)syscall(SYS_gettid), LAUNCH_SECONDS);
	ok = configure_and_launch(self, error);
	sw_watchdog_disarm(self->watchdog);
	return ok;
}

/* Says that the appliance was started again already. */
static void give_up(struct sw_guest *self)
{
	g_autofree char *message = g_strdup(self->launch_error->message);

	g_clear_error(&self->launch_error);
	sw_fail(&self->launch_error, SW_ERROR_ENVIRONMENT, "appliance-start", "%s", message);
}

static void *launch(void *data)
{
	struct sw_guest *self = data;

	for (int i = 1; i <= LAUNCHES; i++) {
		g_clear_error(&self->launch_error);
		if (launch_once(self, &self->launch_error))
			return NULL;
		g_debug("appliance, start %d: %s; its console ends: %s", i,
			self->launch_error->message, self->console->str);
		if (!g_str_equal(sw_error_id(self->launch_error), "appliance-died"))
			return NULL;
		if (i == LAUNCHES) {
			give_up(self);
			return NULL;
		}
		sw_progress_note(self->progress, "%s: it is started once more",
				 self->launch_error->message);
	}
	return NULL;
}

gboolean sw_guest_start(const char *disk, const char *tmpdir, struct sw_progress *progress,
			struct sw_guest **ret_guest, GCancellable *cancellable, GError **error)
{
	return sw_guest_start_for(disk, NULL, tmpdir, progress, ret_guest, cancellable, error);
}

gboolean sw_guest_start_for(const char *disk, const char *examined, const char *tmpdir,
			    struct sw_progress *progress, struct sw_guest **ret_guest,
			    GCancellable *cancellable, GError **error)
{
	g_autoptr(SwGuest) self = g_new0(struct sw_guest, 1);

	self->examined = examined;
	g_mutex_init(&self->lock);
	self->console = g_string_new(NULL);
	self->disk = g_strdup(disk);
	self->progress = progress;
	self->cancellable = cancellable == NULL ? NULL : g_object_ref(cancellable);
	self->watchdog = sw_watchdog_new(disk, cancellable);
	if (!check_kernel(error) || !sw_scratch_new("/tmp", "slipway-", &self->scratch, error))
		return FALSE;
	redirect_temporary_files(tmpdir);
	if (!check_qemu(self, error))
		return FALSE;
	self->launcher = g_thread_new("appliance", launch, self);
	*ret_guest = g_steal_pointer(&self);
	return TRUE;
}

void sw_guest_arm(struct sw_guest *self, guint seconds)
{
	silence(self);
	sw_watchdog_arm_process(self->watchdog, guestfs_get_pid(self->handle), seconds);
}

static void join(struct sw_guest *self)
{
	if (self->launcher != NULL)
		g_thread_join(g_steal_pointer(&self->launcher));
}

void sw_guest_free(struct sw_guest *guest)
{
	if (guest == NULL)
		return;
	/* Nobody waits for an appliance that nobody wants, not even for its last sync. */
	sw_watchdog_end(guest->watchdog);
	join(guest);
	if (guest->handle != NULL) {
		sw_guest_arm(guest, 0);
		reclaim(guest);
	}
	g_clear_pointer(&guest->handle, guestfs_close);
	sw_watchdog_free(guest->watchdog);
	sw_scratch_free(guest->scratch);
	g_clear_error(&guest->launch_error);
	g_clear_object(&guest->cancellable);
	g_string_free(guest->console, TRUE);
	g_mutex_clear(&guest->lock);
	g_free(guest->disk);
	g_free(guest);
}

/* Programs that run in the guest leave no time of theirs in what they read. */
static gboolean mount_partition(struct sw_guest *self, const struct sw_partition *partition,
				const char *path, GError **error)
{
	g_autofree char *device = g_strdup_printf("/dev/sda%u", partition->number);

	return guestfs_mount_options(self->handle, "noatime", device, path) == 0 ||
	       sw_guest_fail(self, "mount", error);
}

gboolean sw_guest_await(struct sw_guest *guest, GError **error)
{
	join(guest);
	if (guest->launch_error == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&guest->launch_error));
	return FALSE;
}

gboolean sw_guest_mount(struct sw_guest *guest, const struct sw_layout *layout, GError **error)
{
	gboolean ok;

	if (!sw_guest_await(guest, error))
		return FALSE;
	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	/* The host has written behind the guest's back: what it remembers of the disk is void. */
	ok = (guestfs_blockdev_flushbufs(guest->handle, "/dev/sda") == 0 &&
	      guestfs_blockdev_rereadpt(guest->handle, "/dev/sda") == 0) ||
	     sw_guest_fail(guest, "partition table", error);
	ok = ok && mount_partition(guest, sw_layout_find(layout, SW_ROLE_ROOT), "/", error);
	ok = ok &&
	     (guestfs_mkdir_p(guest->handle, "/boot") == 0 || sw_guest_fail(guest, "/boot", error));
	guest->boot = sw_layout_find(layout, SW_ROLE_BOOT);
	ok = ok && mount_partition(guest, guest->boot, "/boot", error);
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}

gboolean sw_guest_unpack(struct sw_guest *guest, int fd, GError **error)
{
	g_autofree char *path = g_strdup_printf("/dev/fd/%d", fd);
	gboolean ok;

	sw_guest_arm(guest, SW_GUEST_TRANSFER_SECONDS);
	ok = (guestfs_umount(guest->handle, "/boot") == 0 &&
	      guestfs_tar_in_opts(guest->handle, path, "/", GUESTFS_TAR_IN_OPTS_XATTRS, 1, -1) ==
		      0) ||
	     sw_guest_fail(guest, "unpacking the root filesystem", error);
	ok = ok && mount_partition(guest, guest->boot, "/boot", error);
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}

/*
 * The physical root has no shell: for the time of the call, links make it look like the image.  The
 * mounts end with the script, whatever becomes of it.  Programs that change what is mounted want
 * their root to be a mount itself.
 */
static char *wrap_script(const char *deployment, const char *script)
{
	g_autofree char *quoted = g_shell_quote(script);

	return g_strdup_printf("d=/%s; set -e\n"
			       "mount --bind $d $d; mount --rbind /dev $d/dev\n"
			       "mount --bind /proc $d/proc; mount --bind /sys $d/sys\n"
			       "mount --bind / $d/sysroot; mount --bind /boot $d/boot\n"
			       "mount -t tmpfs tmpfs $d/tmp; mount -t tmpfs tmpfs $d/run\n"
			       "DISK=$(readlink -f /dev/disk/guestfs/" SW_GUEST_LABEL
			       "); export DISK\n"
			       "r=0; chroot $d /bin/sh -ec %s </dev/null >&2 || r=$?\n"
			       "umount -R $d >/dev/null 2>&1 || true\n"
			       "exit $r",
			       deployment, quoted);
}

static const char *const root_links[] = { "bin", "sbin", "lib", "lib64" };
static const char *const root_directories[] = { "/dev", "/proc", "/sys" };

static gboolean dress_root(struct sw_guest *self, const char *deployment)
{
	g_autofree char *usr = g_strconcat(deployment, "/usr", NULL);

	if (guestfs_ln_s(self->handle, usr, "/usr") != 0)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(root_links); i++) {
		g_autofree char *target = g_strconcat("usr/", root_links[i], NULL);
		g_autofree char *path = g_strconcat("/", root_links[i], NULL);

		if (guestfs_ln_s(self->handle, target, path) != 0)
			return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(root_directories); i++)
		if (guestfs_mkdir(self->handle, root_directories[i]) != 0)
			return FALSE;
	return TRUE;
}

static gboolean undress_root(struct sw_guest *self)
{
	gboolean ok = guestfs_rm(self->handle, "/usr") == 0;

	for (guint i = 0; i < G_N_ELEMENTS(root_links); i++) {
		g_autofree char *path = g_strconcat("/", root_links[i], NULL);

		ok = guestfs_rm(self->handle, path) == 0 && ok;
	}
	for (guint i = 0; i < G_N_ELEMENTS(root_directories); i++)
		ok = guestfs_rmdir(self->handle, root_directories[i]) == 0 && ok;
	return ok;
}

static gboolean run(struct sw_guest *guest, const char *deployment, const char *what,
		    const char *script, guint seconds, GError **error)
{
	g_autofree char *wrapped = wrap_script(deployment, script);
	g_autofree char *output = NULL;
	gboolean ok;

	sw_guest_arm(guest, seconds);
	ok = dress_root(guest, deployment) || sw_guest_fail(guest, what, error);
	if (ok) {
		output = guestfs_sh(guest->handle, wrapped);
		ok = output != NULL || sw_guest_fail(guest, what, error);
	}
	if (ok)
		ok = undress_root(guest) || sw_guest_fail(guest, what, error);
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}

gboolean sw_guest_run(struct sw_guest *guest, const char *deployment, const char *what,
		      const char *script, GError **error)
{
	return run(guest, deployment, what, script, SW_GUEST_CALL_SECONDS, error);
}

gboolean sw_guest_run_long(struct sw_guest *guest, const char *deployment, const char *what,
			   const char *script, GError **error)
{
	return run(guest, deployment, what, script, SW_GUEST_TRANSFER_SECONDS, error);
}

gboolean sw_guest_load_module(struct sw_guest *guest, const char *module, GError **error)
{
	gboolean ok;

	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	ok = guestfs_modprobe(guest->handle, module) == 0 || sw_guest_fail(guest, module, error);
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}

gboolean sw_guest_copy_in(struct sw_guest *guest, const char *from, const char *to, GError **error)
{
	gboolean ok;

	sw_guest_arm(guest, SW_GUEST_TRANSFER_SECONDS);
	ok = (guestfs_mkdir_p(guest->handle, to) == 0 &&
	      guestfs_copy_in(guest->handle, from, to) == 0) ||
	     sw_guest_fail(guest, "copying into the appliance", error);
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}

/* A filesystem that cannot be trimmed stays as it is. */
static void trim(struct sw_guest *self, const char *path)
{
	if (guestfs_fstrim(self->handle, path, -1) != 0)
		g_debug("fstrim %s: %s", path, guestfs_last_error(self->handle));
}

gboolean sw_guest_finish(struct sw_guest *guest, GError **error)
{
	gboolean ok;

	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	trim(guest, "/boot");
	trim(guest, "/");
	ok = guestfs_umount_all(guest->handle) == 0 ||
	     sw_guest_fail(guest, "unmounting the disk", error);
	ok = ok && (guestfs_shutdown(guest->handle) == 0 ||
		    sw_guest_fail(guest, "ending the appliance", error));
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}
