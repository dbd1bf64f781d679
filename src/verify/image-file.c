/* SPDX-License-Identifier: MIT */
#include "verify/image-file.h"

#include "core/qcow2-header.h"

gboolean sw_image_file_probe(const guint8 *head, size_t length, const char *name,
			     const char **ret_format, GError **error)
{
	const char *kind = sw_disk_image_kind(head, length);
	struct sw_qcow2_header header;

	if (kind != NULL)
		return sw_fail(error, SW_ERROR_USAGE, "disk-format",
			       "%s is a %s file, verify reads raw and qcow2 (qemu-img convert, or "
			       "unpack it)",
			       name, kind);
	if (!sw_qcow2_is(head, length)) {
		*ret_format = "raw";
		return TRUE;
	}
	if (!sw_qcow2_header_read(head, length, name, SW_ERROR_DEPLOY, &header, error) ||
	    !sw_qcow2_check_extensions(head, length, name, SW_ERROR_DEPLOY, &header, error))
		return FALSE;
	*ret_format = "qcow2";
	return TRUE;
}
