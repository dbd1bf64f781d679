/* SPDX-License-Identifier: MIT */
#include "image/sepolicy.h"

#include <errno.h>
#include <selinux/label.h>
#include <selinux/selinux.h>
#include <string.h>

#include "core/hash.h"
#include "core/scratch.h"
#include "core/size.h"

#define XATTR "security.selinux"
#define CONFIG "/etc/selinux/config"

/* More than any policy has: Fedora's largest file is one of half a megabyte. */
#define TEXT_LIMIT (16 * SW_MIB)

/* What libselinux's file backend reads beside file_contexts itself (selabel_file(5)). */
static const char *const suffixes[] = { "", ".subs_dist", ".subs", ".homedirs", ".local" };

struct sw_sepolicy {
	struct selabel_handle *handle;
	char digest[SW_SHA256_SIZE];
};

void sw_sepolicy_free(struct sw_sepolicy *policy)
{
	if (policy == NULL)
		return;
	if (policy->handle != NULL)
		selabel_close(policy->handle);
	g_free(policy);
}

const char *sw_sepolicy_digest(const struct sw_sepolicy *policy)
{
	return policy->digest;
}

/* What libselinux has to say about an image's policy is not for stderr. */
static int on_log(G_GNUC_UNUSED int type, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	g_logv(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, format, list);
	va_end(list);
	return 0;
}

static gboolean digest_texts(struct sw_sepolicy *policy, const char *file_contexts)
{
	g_autoptr(SwSha256) hash = sw_sha256_new();

	for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *path = g_strconcat(file_contexts, suffixes[i], NULL);
		g_autofree char *text = NULL;
		guint64 length = G_MAXUINT64;
		gsize size = 0;

		if (g_file_get_contents(path, &text, &size, NULL))
			length = size;
		else if (i == 0)
			return FALSE;
		sw_sha256_update(hash, &length, sizeof length);
		sw_sha256_update(hash, text, size);
	}
	sw_sha256_hex(hash, policy->digest);
	return TRUE;
}

gboolean sw_sepolicy_open(const char *file_contexts, const char *name,
			  struct sw_sepolicy **ret_policy, GError **error)
{
	const struct selinux_opt options[] = { { SELABEL_OPT_PATH, file_contexts } };
	g_autoptr(SwSepolicy) policy = g_new0(struct sw_sepolicy, 1);

	selinux_set_callback(SELINUX_CB_LOG, (union selinux_callback){ .func_log = on_log });
	errno = 0;
	policy->handle = selabel_open(SELABEL_CTX_FILE, options, G_N_ELEMENTS(options));
	if (policy->handle == NULL || !digest_texts(policy, file_contexts))
		return sw_fail_errno(error, SW_ERROR_IMAGE, "selinux",
				     "the SELinux policy %s of the image cannot be used", name);
	*ret_policy = g_steal_pointer(&policy);
	return TRUE;
}

/*
 * What CONFIG says: the name of the policy, or NULL where it is off.  Read as libostree and libselinux
 * do: the last of several lines counts, "targeted" is the default.
 */
static char *read_name(const char *config)
{
	g_auto(GStrv) lines = g_strsplit(config, "\n", -1);
	g_autofree char *name = g_strdup("targeted");
	gboolean is_on = FALSE;

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *line = g_strstrip(lines[i]);

		if (g_str_has_prefix(line, "SELINUXTYPE=")) {
			g_free(name);
			name = g_strstrip(g_strdup(line + strlen("SELINUXTYPE=")));
		} else if (g_str_has_prefix(line, "SELINUX=")) {
			line += strlen("SELINUX=");
			is_on = g_ascii_strncasecmp(line, "enforcing", 9) == 0 ||
				g_ascii_strncasecmp(line, "permissive", 10) == 0;
		}
	}
	return is_on ? g_steal_pointer(&name) : NULL;
}

/* The texts of the policy at PATH as files of the directory SCRATCH. */
static gboolean extract(sw_sepolicy_text_func read, void *data, const char *path,
			const char *scratch, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *source = g_strconcat(path, suffixes[i], NULL);
		g_autofree char *target = g_strconcat(scratch, "/file_contexts", suffixes[i], NULL);
		g_autofree char *text = NULL;
		size_t length = 0;

		if (!read(data, source, TEXT_LIMIT, &text, &length, error))
			return FALSE;
		if (text == NULL && i == 0)
			return sw_fail(error, SW_ERROR_IMAGE, "selinux",
				       "%s asks for a policy, but the image has no %s: install the "
				       "policy into the image, or set SELINUX=disabled",
				       CONFIG, path);
		if (text != NULL && !g_file_set_contents(target, text, (gssize)length, error))
			return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "scratch",
					      "cannot write %s", target);
	}
	return TRUE;
}

static gboolean read_from_tree(void *data, const char *path, size_t limit, char **ret_text,
			       size_t *ret_length, GError **error)
{
	return sw_tree_read(data, path, limit, ret_text, ret_length, error);
}

gboolean sw_sepolicy_read(const struct sw_tree *tree, struct sw_sepolicy **ret_policy,
			  GError **error)
{
	return sw_sepolicy_read_from(read_from_tree, (void *)tree, ret_policy, error);
}

gboolean sw_sepolicy_read_from(sw_sepolicy_text_func read, void *data,
			       struct sw_sepolicy **ret_policy, GError **error)
{
	g_autoptr(SwScratch) scratch = NULL;
	g_autofree char *config = NULL;
	g_autofree char *name = NULL;
	g_autofree char *path = NULL;
	g_autofree char *file_contexts = NULL;
	size_t length = 0;

	if (!read(data, CONFIG, SW_MIB, &config, &length, error))
		return FALSE;
	name = config == NULL ? NULL : read_name(config);
	if (name == NULL) {
		*ret_policy = NULL;
		return TRUE;
	}
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL ||
	    !g_utf8_validate(name, -1, NULL))
		return sw_fail(error, SW_ERROR_IMAGE, "selinux",
			       "SELINUXTYPE in the image's %s is not the name of a policy", CONFIG);
	path = g_strconcat("/etc/selinux/", name, "/contexts/files/file_contexts", NULL);
	if (!sw_scratch_new(g_get_tmp_dir(), "slipway-", &scratch, error) ||
	    !extract(read, data, path, sw_scratch_path(scratch), error))
		return FALSE;
	file_contexts = g_build_filename(sw_scratch_path(scratch), "file_contexts", NULL);
	return sw_sepolicy_open(file_contexts, path, ret_policy, error);
}

gboolean sw_sepolicy_label(const struct sw_sepolicy *policy, const char *path, guint32 mode,
			   char **ret_label, GError **error)
{
	char *context = NULL;

	if (selabel_lookup_raw(policy->handle, &context, path, (int)mode) < 0 && errno != ENOENT)
		return sw_fail_errno(error, SW_ERROR_IMAGE, "selinux",
				     "the SELinux policy of the image has no label for %s", path);
	*ret_label = g_strdup(context);
	freecon(context);
	return TRUE;
}

const char *sw_sepolicy_get(GVariant *xattrs)
{
	gsize count = xattrs == NULL ? 0 : g_variant_n_children(xattrs);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) pair = g_variant_get_child_value(xattrs, i);
		const char *name = NULL;
		const char *value = NULL;

		g_variant_get(pair, "(^&ay^&ay)", &name, &value);
		if (g_str_equal(name, XATTR))
			return value;
	}
	return NULL;
}

GVariant *sw_sepolicy_set(GVariant *xattrs, const char *label)
{
	gsize count = xattrs == NULL ? 0 : g_variant_n_children(xattrs);
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ayay)"));
	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) pair = g_variant_get_child_value(xattrs, i);
		g_autoptr(GVariant) name = g_variant_get_child_value(pair, 0);
		int order = strcmp(g_variant_get_bytestring(name), XATTR);

		if (order > 0 && label != NULL) {
			g_variant_builder_add(&builder, "(^ay^ay)", XATTR, label);
			label = NULL;
		}
		if (order != 0)
			g_variant_builder_add_value(&builder, pair);
	}
	if (label != NULL)
		g_variant_builder_add(&builder, "(^ay^ay)", XATTR, label);
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}
