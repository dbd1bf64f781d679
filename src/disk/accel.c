/* SPDX-License-Identifier: MIT */
#include "disk/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/subprocess.h"

#define TRIAL_SECONDS 5

/*
 * A whole firmware for an x86 processor: at the reset vector, 16 bytes before its end, it writes
 * 16 to port 0xf4, where QEMU's isa-debug-exit ends with the status 16 * 2 + 1, and halts.
 */
#define FIRMWARE_SIZE 65536
static const unsigned char reset_vector[] = { 0xb0, 0x10, 0xe6, 0xf4, 0xf4 };

static gboolean try_kvm(const char *hv, const char *scratch, char **ret_reason,
			GCancellable *cancellable, GError **error)
{
	g_autofree char *path = g_build_filename(scratch, "kvm-trial.bin", NULL);
	g_autofree unsigned char *firmware = g_malloc0(FIRMWARE_SIZE);
	g_autoptr(GError) trial_error = NULL;
	const char *argv[] = { hv,     "-accel",      "kvm",
			       "-cpu", "max",	      "-m",
			       "16",   "-nodefaults", "-display",
			       "none", "-no-reboot",  "-bios",
			       path,   "-device",     "isa-debug-exit,iobase=0xf4,iosize=4",
			       NULL };
	struct sw_command command = {
		.argv = argv,
		.timeout = TRIAL_SECONDS,
		.success = 33,
		.code = SW_ERROR_ENVIRONMENT,
		.id = "kvm",
	};

	memcpy(firmware + FIRMWARE_SIZE - 16, reset_vector, sizeof reset_vector);
	if (!sw_write_file(path, firmware, FIRMWARE_SIZE, 0600, SW_ERROR_ENVIRONMENT, "scratch",
			   error))
		return FALSE;
	if (!sw_command_run(&command, NULL, cancellable, &trial_error)) {
		if (g_cancellable_is_cancelled(cancellable)) {
			g_propagate_error(error, g_steal_pointer(&trial_error));
			return FALSE;
		}
		g_debug("KVM: %s", trial_error->message);
		*ret_reason = g_strdup("/dev/kvm is there but does not work: the appliance runs in "
				       "emulation, several times slower");
	}
	return TRUE;
}

gboolean sw_accel_choose(const char *hv, const char *scratch, enum sw_accel *ret_accel,
			 char **ret_reason, GCancellable *cancellable, GError **error)
{
	const char *forced = g_getenv("SLIPWAY_ACCEL");
	g_autofree char *reason = NULL;
	int fd;

	if (forced != NULL && *forced != '\0') {
		if (!g_str_equal(forced, "kvm") && !g_str_equal(forced, "tcg"))
			return sw_fail(error, SW_ERROR_USAGE, "accel",
				       "SLIPWAY_ACCEL is \"%s\": it can be kvm or tcg", forced);
		*ret_accel = g_str_equal(forced, "kvm") ? SW_ACCEL_KVM : SW_ACCEL_TCG;
		if (*ret_accel == SW_ACCEL_KVM && access("/dev/kvm", R_OK | W_OK) < 0)
			return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "kvm",
					     "SLIPWAY_ACCEL is kvm, but /dev/kvm cannot be used");
		*ret_reason = NULL;
		return TRUE;
	}
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		reason = g_strdup_printf("/dev/kvm: %s: the appliance runs in emulation, several "
					 "times slower%s",
					 g_strerror(errno),
					 errno == EACCES ? " (the group kvm may use it)" : "");
	} else {
		close(fd);
#if defined(__x86_64__)
		if (!try_kvm(hv, scratch, &reason, cancellable, error))
			return FALSE;
#endif
	}
	*ret_accel = reason == NULL ? SW_ACCEL_KVM : SW_ACCEL_TCG;
	*ret_reason = g_steal_pointer(&reason);
	return TRUE;
}
