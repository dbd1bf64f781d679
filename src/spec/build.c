/* SPDX-License-Identifier: MIT */
#include "spec/build.h"

#include <string.h>

#include "core/format.h"
#include "core/size.h"
#include "source/oci.h"
#include "source/reference.h"
#include "store/uri.h"

/* Bits of all who gave SETTING; *RET_TOP is the strongest of them. */
static unsigned int givers(GPtrArray *given, const struct sw_setting *setting,
			   enum sw_origin *ret_top)
{
	unsigned int all = SW_ORIGIN_DEFAULT;
	enum sw_origin top = SW_ORIGIN_DEFAULT;

	for (guint i = 0; i < given->len; i++) {
		const struct sw_given *one = given->pdata[i];

		if (one->setting != setting)
			continue;
		all |= one->origin;
		top = MAX(top, one->origin);
	}
	*ret_top = top;
	return all;
}

static void store_from(GPtrArray *given, const struct sw_setting *setting, enum sw_origin origin,
		       struct sw_build *build)
{
	for (guint i = 0; i < given->len; i++) {
		const struct sw_given *one = given->pdata[i];

		if (one->setting == setting && one->origin == origin)
			sw_setting_store(setting, one->text, build);
	}
}

static void store(GPtrArray *given, const struct sw_setting *setting, struct sw_build *build)
{
	enum sw_origin top = SW_ORIGIN_DEFAULT;
	unsigned int all = givers(given, setting, &top);
	unsigned int used = setting->append ? all : top;

	build->origins[setting - sw_settings] = used;
	if (used == SW_ORIGIN_DEFAULT && setting->fallback != NULL)
		sw_setting_store(setting, setting->fallback, build);
	for (unsigned int origin = SW_ORIGIN_DOCUMENT; origin <= SW_ORIGIN_FLAG; origin <<= 1)
		if (used & origin)
			store_from(given, setting, (enum sw_origin)origin, build);
}

static gboolean uses_storage(const struct sw_build *build, const char *name)
{
	for (char **store = build->stores; *store != NULL; store++) {
		g_autoptr(SwStoreUri) uri = NULL;

		if (sw_store_uri_parse(*store, &uri, NULL) && g_str_equal(uri->storage->name, name))
			return TRUE;
	}
	return FALSE;
}

/* What is asked for on this very command line is meant. */
static gboolean check_used(GPtrArray *given, const struct sw_build *build, GError **error)
{
	for (guint i = 0; i < given->len; i++) {
		const struct sw_given *one = given->pdata[i];
		g_autofree char *type = NULL;

		if (one->setting->kind != SW_KIND_OPTION || one->origin != SW_ORIGIN_FLAG)
			continue;
		type = g_strndup(one->text, strcspn(one->text, "."));
		if (sw_store_find(type) != NULL
			    ? !uses_storage(build, type)
			    : !g_strv_contains((const char *const *)build->types, type))
			return sw_fail(error, SW_ERROR_USAGE, "option-unused",
				       "--option %s: %s is not made: add --type %s", one->text,
				       type, type);
	}
	return TRUE;
}

gboolean sw_build_make(GPtrArray *given, struct sw_build **ret_build, GError **error)
{
	g_autoptr(SwBuild) build = g_new0(struct sw_build, 1);

	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++)
		store(given, row, build);
	if (build->options == NULL)
		build->options = g_new0(char *, 1);
	if (build->kargs == NULL)
		build->kargs = g_new0(char *, 1);
	if (build->karg_deletes == NULL)
		build->karg_deletes = g_new0(char *, 1);
	if (build->stores == NULL)
		build->stores = g_new0(char *, 1);
	if (build->tags == NULL)
		build->tags = g_new0(char *, 1);
	if (build->target_arch == NULL)
		build->target_arch = g_strdup(sw_oci_host_architecture());
	if (build->target_arch == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "target-arch",
			       "the architecture of this machine is not known: say --target-arch");
	if (!check_used(given, build, error))
		return FALSE;
	*ret_build = g_steal_pointer(&build);
	return TRUE;
}

gboolean sw_build_check_types(const struct sw_build *build, GError **error)
{
	guint64 size = sw_round_up(build->size, sw_format_disk_unit(build->types));

	for (char **type = build->types; *type != NULL; type++) {
		const struct sw_format *format = sw_format_find(*type, error);
		void *state = NULL;

		if (format == NULL ||
		    !sw_format_configure(format, build->options, size, &state, error))
			return FALSE;
		sw_format_release(format, state);
	}
	return TRUE;
}

gboolean sw_build_check(const struct sw_build *build, GError **error)
{
	g_autoptr(SwReference) reference = NULL;

	if (build->image == NULL)
		return sw_fail(
			error, SW_ERROR_USAGE, "no-image",
			"no image is given: name one on the command line, or as \"image\" in "
			"the document");
	if (!sw_reference_parse(build->image, &reference, error))
		return FALSE;
	if (reference->transport != SW_TRANSPORT_REGISTRY && build->target_imgref == NULL)
		return sw_fail(error, SW_ERROR_USAGE, "target-imgref",
			       "%s is not in a registry, so the machine could not update from it: "
			       "say what it shall update from with --target-imgref REF",
			       build->image);
	return sw_build_check_types(build, error);
}

const char *sw_build_origin(const struct sw_build *build, const char *name)
{
	const struct sw_setting *setting = sw_setting_find(name);

	g_return_val_if_fail(setting != NULL, NULL);
	switch (build->origins[setting - sw_settings]) {
	case SW_ORIGIN_DEFAULT:
		return "default";
	case SW_ORIGIN_DOCUMENT:
		return "document";
	case SW_ORIGIN_ENVIRONMENT:
		return "environment";
	case SW_ORIGIN_FLAG:
		return "flag";
	default:
		return "document and flag";
	}
}

static char *scalar_text(const struct sw_setting *setting, const void *field)
{
	guint64 bytes = 0;

	switch (setting->type) {
	case SW_SETTING_SIZE:
		bytes = *(const guint64 *)field;
		return bytes == 0 ? NULL : sw_size_format(bytes);
	case SW_SETTING_BOOL:
	case SW_SETTING_SWITCH:
		return g_strdup(*(const gboolean *)field ? "true" : "false");
	case SW_SETTING_CHOICE:
		return g_strdup(setting->words[*(const int *)field]);
	default:
		return g_strdup(*(char *const *)field);
	}
}

char **sw_build_values(const struct sw_build *build, const struct sw_setting *setting)
{
	const void *field = (const char *)build + setting->offset;
	char **values = NULL;

	if (setting->type == SW_SETTING_LIST)
		return g_strdupv(*(char **const *)field);
	values = g_new0(char *, 2);
	values[0] = scalar_text(setting, field);
	return values;
}

void sw_build_free(struct sw_build *build)
{
	if (build == NULL)
		return;
	for (const struct sw_setting *row = sw_settings; row->flag != NULL; row++) {
		void *field = (char *)build + row->offset;

		if (row->type == SW_SETTING_TEXT)
			g_free(*(char **)field);
		else if (row->type == SW_SETTING_LIST)
			g_strfreev(*(char ***)field);
	}
	g_free(build);
}
