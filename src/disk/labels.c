/* SPDX-License-Identifier: MIT */
#include "disk/labels.h"

#include <string.h>
#include <sys/stat.h>

/* Where a path of the disk gets its label from. */
enum rule {
	RULE_POLICY, /* always what the policy says */
	RULE_COMMIT, /* what the commit says; where that says nothing, the policy */
	RULE_OBJECT, /* a content object: what the commit says */
};

struct sw_labeller {
	struct sw_sink sink;
	const struct sw_labels *labels;
	char *prefix;
	struct sw_sink *inner;
};

/* What PATH is below DIRECTORY: "" for itself, "/x" for what it holds; NULL: it is elsewhere. */
static const char *below(const char *path, const char *directory)
{
	const char *rest = g_str_has_prefix(path, directory) ? path + strlen(directory) : NULL;

	return rest != NULL && (*rest == '\0' || *rest == '/') ? rest : NULL;
}

static char *join(const char *directory, const char *rest)
{
	return *directory == '\0' && *rest == '\0' ? g_strdup("/")
						   : g_strconcat(directory, rest, NULL);
}

/*
 * PATH of the physical root, without a leading "/" ("boot/..." for the boot filesystem): the rule, and in
 * RET_NAME (to be freed) the path that the policy is asked for.
 */
static enum rule find_rule(const struct sw_labels *labels, const char *path, char **ret_name)
{
	g_autofree char *var = g_strdup_printf("ostree/deploy/%s/var", labels->stateroot);
	g_autofree char *origin = g_strconcat(labels->deployment, ".origin", NULL);
	const char *rest = NULL;

	if ((rest = below(path, labels->deployment)) != NULL) {
		gboolean is_etc = below(rest, "/etc") != NULL;
		gboolean is_composefs = g_str_equal(rest, "/.ostree.cfs");

		*ret_name = is_composefs ? g_strdup("/usr") : join("", rest);
		return is_etc || is_composefs ? RULE_POLICY : RULE_COMMIT;
	}
	if ((rest = below(path, var)) != NULL)
		*ret_name = g_strconcat("/var", rest, NULL);
	else if ((rest = below(path, "ostree/bootc/storage")) != NULL)
		*ret_name = g_strconcat("/var/lib/containers/storage", rest, NULL);
	else if (g_str_equal(path, "ostree"))
		*ret_name = g_strdup("/usr");
	else if (g_str_equal(path, origin))
		*ret_name = g_strdup("/etc/ostree/remotes.d/dummy.conf");
	else
		*ret_name = g_strconcat("/", path, NULL);
	if (below(path, "ostree/repo/objects") != NULL && g_str_has_suffix(path, ".file"))
		return RULE_OBJECT;
	return RULE_POLICY;
}

gboolean sw_labels_find(const struct sw_labels *labels, const char *path, guint32 mode,
			const char *current, char **ret_label, GError **error)
{
	g_autofree char *name = NULL;
	enum rule rule = find_rule(labels, path, &name);

	if (rule == RULE_OBJECT || (rule == RULE_COMMIT && current != NULL)) {
		*ret_label = g_strdup(current);
		return TRUE;
	}
	return sw_sepolicy_label(labels->policy, name, mode, ret_label, error);
}

static guint32 type_bits(enum sw_sink_type type)
{
	switch (type) {
	case SW_SINK_DIRECTORY:
		return S_IFDIR;
	case SW_SINK_SYMLINK:
		return S_IFLNK;
	default:
		return S_IFREG;
	}
}

static gboolean labeller_add(struct sw_sink *sink, const struct sw_sink_node *node, GError **error)
{
	const struct sw_labeller *self = (struct sw_labeller *)sink;
	struct sw_sink_node labelled = *node;
	g_autofree char *path =
		g_strconcat(self->prefix, *self->prefix == '\0' || *node->path == '\0' ? "" : "/",
			    node->path, NULL);
	g_autofree char *label = NULL;
	g_autoptr(GVariant) xattrs = NULL;

	if (node->type == SW_SINK_HARDLINK)
		return self->inner->add(self->inner, node, error);
	if (!sw_labels_find(self->labels, path, type_bits(node->type) | node->mode,
			    sw_sepolicy_get(node->xattrs), &label, error))
		return FALSE;
	xattrs = sw_sepolicy_set(node->xattrs, label);
	labelled.xattrs = xattrs;
	return self->inner->add(self->inner, &labelled, error);
}

struct sw_labeller *sw_labeller_new(const struct sw_labels *labels, const char *prefix,
				    struct sw_sink *inner)
{
	struct sw_labeller *self = g_new0(struct sw_labeller, 1);

	self->sink.add = labeller_add;
	self->labels = labels;
	self->prefix = g_strdup(prefix);
	self->inner = inner;
	return self;
}

struct sw_sink *sw_labeller_sink(struct sw_labeller *labeller)
{
	return &labeller->sink;
}

void sw_labeller_free(struct sw_labeller *labeller)
{
	if (labeller == NULL)
		return;
	g_free(labeller->prefix);
	g_free(labeller);
}
