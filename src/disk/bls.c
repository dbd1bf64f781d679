/* SPDX-License-Identifier: MIT */
#include "disk/bls.h"

char *sw_bls_to_string(const struct sw_bls *entry)
{
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "title %s\nversion 1\noptions %s\n", entry->title,
			       entry->options);
	if (entry->device_tree != NULL)
		g_string_append_printf(text, "devicetree %s\n", entry->device_tree);
	g_string_append_printf(text, "linux %s\n", entry->kernel);
	if (entry->initrd != NULL)
		g_string_append_printf(text, "initrd %s\n", entry->initrd);
	if (entry->device_trees != NULL)
		g_string_append_printf(text, "fdtdir %s\n", entry->device_trees);
	return g_string_free(text, FALSE);
}

void sw_bls_clear(struct sw_bls *entry)
{
	g_clear_pointer(&entry->title, g_free);
	g_clear_pointer(&entry->options, g_free);
	g_clear_pointer(&entry->kernel, g_free);
	g_clear_pointer(&entry->initrd, g_free);
	g_clear_pointer(&entry->device_tree, g_free);
	g_clear_pointer(&entry->device_trees, g_free);
}
