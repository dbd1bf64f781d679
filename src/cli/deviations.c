/* SPDX-License-Identifier: MIT */
#include "cli/deviations.h"

#include "cli/print.h"
#include "disk/deviations.h"

void sw_print_deviations(guint bits, GString *out)
{
	g_autoptr(SwTable) table = sw_table_new("ll");

	g_string_append(out, "\nUnlike bootc install to-disk:\n");
	for (guint i = 0; sw_deviations[i].id != NULL; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		sw_table_add(table, sw_deviations[i].id, sw_deviations[i].what);
		sw_table_add(table, "  why:", sw_deviations[i].why);
	}
	sw_table_print(table, 2, out);
}

void sw_json_deviations(JsonBuilder *json, guint bits)
{
	json_builder_set_member_name(json, "deviations");
	json_builder_begin_array(json);
	for (guint i = 0; sw_deviations[i].id != NULL; i++) {
		if ((bits & 1u << i) == 0)
			continue;
		json_builder_begin_object(json);
		sw_json_text(json, "id", sw_deviations[i].id);
		sw_json_text(json, "what", sw_deviations[i].what);
		sw_json_text(json, "why", sw_deviations[i].why);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}
