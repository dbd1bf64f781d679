/* SPDX-License-Identifier: MIT */
#include "verify/origin.h"

#include "core/error.h"

/* Groups whose presence makes bootc call the deployment incompatible. */
static const char *const foreign[] = { "rpmostree", "packages", "overrides", "modules" };

struct sw_target *sw_origin_read(const struct sw_examined *disk, GError **error)
{
	g_autofree char *path = g_strconcat(disk->deployment, ".origin", NULL);
	size_t length = 0;
	g_autofree char *text = sw_snapshot_text(disk->root.tree, path, &length);
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *reference = NULL;
	struct sw_target *target = NULL;
	gboolean ok = TRUE;

	if (text == NULL)
		ok = sw_fail(error, SW_ERROR_DEPLOY, "origin", "there is no %s", path);
	else if (!g_key_file_load_from_data(file, text, length, G_KEY_FILE_NONE, error))
		ok = sw_fail_prefix(error, SW_ERROR_DEPLOY, "origin", "%s", path);
	for (guint i = 0; ok && i < G_N_ELEMENTS(foreign); i++)
		if (g_key_file_has_group(file, foreign[i]))
			ok = sw_fail(error, SW_ERROR_DEPLOY, "origin",
				     "it has a group [%s], which bootc refuses", foreign[i]);
	if (!ok)
		return NULL;
	reference = g_key_file_get_string(file, "origin", "container-image-reference", NULL);
	if (reference == NULL)
		sw_fail(error, SW_ERROR_DEPLOY, "origin", "it has no container-image-reference");
	else if (!sw_target_parse(reference, &target, error))
		sw_fail_prefix(error, SW_ERROR_DEPLOY, "origin", "\"%s\"", reference);
	return target;
}
