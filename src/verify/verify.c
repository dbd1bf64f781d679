/* SPDX-License-Identifier: MIT */
#include "verify/verify.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/scratch.h"
#include "verify/differences.h"
#include "verify/image-file.h"

/* Is the file at PATH a disk that QEMU may see, and of which format? */
static gboolean probe(const char *path, const char **ret_format, GError **error)
{
	sw_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	g_autofree guint8 *head = g_malloc0(SW_IMAGE_FILE_HEAD);
	struct stat st;
	size_t length;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sw_fail_errno(error, SW_ERROR_USAGE, "disk", "%s", path);
	if (!S_ISREG(st.st_mode))
		return sw_fail(error, SW_ERROR_USAGE, "disk",
			       "%s is no file: verify takes the file of a disk", path);
	length = (size_t)MIN(st.st_size, SW_IMAGE_FILE_HEAD);
	return sw_read_at(fd, head, length, 0, path, SW_ERROR_USAGE, "disk", error) &&
	       sw_image_file_probe(head, length, path, ret_format, error);
}

/* A place for QEMU's overlay and for what is kept of the content. */
static const char *scratch_parent(void)
{
	const char *tmpdir = g_getenv("TMPDIR");

	return tmpdir != NULL && *tmpdir == '/' ? tmpdir : "/var/tmp";
}

gboolean sw_verify(const char *path, struct sw_progress *progress, GPtrArray **ret_findings,
		   guint *ret_deviations, GCancellable *cancellable, GError **error)
{
	gint64 start = g_get_monotonic_time();
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_autoptr(SwScratch) scratch = NULL;
	g_autoptr(SwGuest) guest = NULL;
	g_autoptr(SwExamined) disk = NULL;
	const char *format = NULL;

	if (!probe(absolute, &format, error))
		return FALSE;
	sw_progress_stage(progress, "examine", "reading the disk in an appliance");
	if (!sw_scratch_new(scratch_parent(), ".slipway-verify-", &scratch, error) ||
	    !sw_examine_start(absolute, format, sw_scratch_path(scratch), progress, &guest,
			      cancellable, error) ||
	    !sw_examined_read(guest, sw_scratch_path(scratch), progress, &disk, cancellable, error))
		return FALSE;
	*ret_findings = sw_checks_run(disk);
	*ret_deviations = sw_examined_deviations(disk);
	sw_progress_done(progress, "examine", (double)(g_get_monotonic_time() - start) / 1e6);
	return TRUE;
}

gboolean sw_verify_judge(GPtrArray *findings, const char *path, GError **error)
{
	const struct sw_finding *first = NULL;
	guint failed = 0;

	for (guint i = 0; i < findings->len; i++) {
		const struct sw_finding *finding = findings->pdata[i];

		if (finding->state != SW_FOUND_FAILED)
			continue;
		if (failed++ == 0)
			first = finding;
	}
	if (failed == 0)
		return TRUE;
	return sw_fail(error, SW_ERROR_DEPLOY, "verify", "%s: %u %s failed, the first is %s: %s",
		       path, failed, failed == 1 ? "check has" : "checks have", first->check->id,
		       (const char *)first->details->pdata[0]);
}
