/* SPDX-License-Identifier: MIT */
#include "storage/directory/directory.h"

static gboolean local_open(void *state, const char *location,
			   G_GNUC_UNUSED GCancellable *cancellable, GError **error)
{
	return sw_directory_open(state, "local-storage", NULL, location, error);
}

const struct sw_storage sw_storage_local = {
	.name = "local",
	.scheme = "file",
	.summary = "a directory of this machine",
	.state_size = sizeof(struct sw_directory),
	.hashes = TRUE,
	.open = local_open,
	.check = sw_directory_check,
	.put = sw_directory_put,
	.link = sw_directory_link,
	.stat = sw_directory_stat,
	.list = sw_directory_list,
	.get = sw_directory_get,
	.remove = sw_directory_remove,
	.url = sw_directory_url,
	.close = sw_directory_close,
};
