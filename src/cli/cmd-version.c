/* SPDX-License-Identifier: MIT */
#include <ostree.h>

#include "cli/print.h"
#include "cli/verbs.h"

#ifdef HAVE_ISAL
#define HAS_ISAL TRUE
#else
#define HAS_ISAL FALSE
#endif

gboolean sw_cmd_version(const struct sw_call *call, GString *out,
			G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autofree char *glib = g_strdup_printf("%u.%u.%u", glib_major_version, glib_minor_version,
						glib_micro_version);

	if (!call->build->json) {
		g_string_append_printf(out,
				       "slipway " SW_VERSION "\n"
				       "libostree " OSTREE_VERSION_S "\n"
				       "glib %s\n"
				       "isa-l %s\n",
				       glib, HAS_ISAL ? "yes" : "no");
		return TRUE;
	}
	json_builder_begin_object(json);
	sw_json_text(json, "version", SW_VERSION);
	sw_json_text(json, "libostree", OSTREE_VERSION_S);
	sw_json_text(json, "glib", glib);
	json_builder_set_member_name(json, "features");
	json_builder_begin_object(json);
	sw_json_bool(json, "isa-l", HAS_ISAL);
	json_builder_end_object(json);
	json_builder_end_object(json);
	sw_json_print(json, out);
	return TRUE;
}
